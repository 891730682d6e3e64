// SPDX-License-Identifier: MIT
// step_delegation: what the parent says of the target's zone, against what the zone says of itself.
#include "step.h"

static bool is_listed(const struct cut *cut, const ldns_rdf *name)
{
    for (unsigned i = 0; i < cut->n_names; i++)
        if (ldns_dname_compare(cut->names[i].name, name) == 0)
            return true;
    return false;
}

static bool has_server(const ldns_rr_list *records, const struct cut_name *name)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
        if (ldns_rr_rdf(ldns_rr_list_rr(records, i), 0) != NULL &&
            ldns_dname_compare(ldns_rr_rdf(ldns_rr_list_rr(records, i), 0), name->name) == 0)
            return true;
    return false;
}

// NS records here and there. WARN: resolvers use either.
static void compare_names(struct check *check, const struct cut *cut)
{
    const struct reply *reply;
    struct cut_question question = {cut->apex, LDNS_RR_TYPE_NS};
    if (walk_ask(check->walk, cut, question, &reply) != WALK_OK)
        return; // the next step says why
    const ldns_rr_list *records = walk_records(check->walk, reply, question);
    const char *zone = walk_text(check->walk, cut->apex);
    static const char FIX[] = "make the NS records in the parent zone and in the zone itself the same";
    if (records == NULL) {
        note(check, VERDICT_WARN, text_of(check, "add NS records of %s to \"records\" of the server", zone),
             "the zone %s has no NS records of its own", zone);
        return;
    }
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rdf *name = ldns_rr_rdf(ldns_rr_list_rr(records, i), 0);
        if (name != NULL && !is_listed(cut, name))
            note(check, VERDICT_WARN, FIX, "the zone %s names the server %s, its parent does not", zone,
                 walk_text(check->walk, name));
    }
    for (unsigned i = 0; i < cut->n_names; i++)
        if (!has_server(records, &cut->names[i]))
            note(check, VERDICT_WARN, FIX, "the parent of %s names the server %s, the zone itself does not", zone,
                 walk_text(check->walk, cut->names[i].name));
}

static bool is_served_at(const struct cut *cut, unsigned name, const ldns_rr *record)
{
    char *text = ldns_rdf2str(ldns_rr_rdf(record, 0));
    struct ip ip = {0};
    bool is_served = text == NULL || ip_parse(bytes_of_text(text), &ip) != ERR_OK;
    free(text);
    for (unsigned i = 0; i < cut->n_servers && !is_served; i++)
        is_served = cut->servers[i].name == name && memcmp(&cut->servers[i].at.ip, &ip, sizeof ip) == 0;
    return is_served;
}

// Glue against the addresses in the zone itself: counts those the zone has, and notes those the parent lacks.
static void compare_glue(struct check *check, const struct cut *cut, unsigned name)
{
    static const ldns_rr_type TYPES[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
    const char *text = walk_text(check->walk, cut->names[name].name);
    unsigned n_own = 0;
    for (size_t t = 0; t < 2; t++) {
        const struct reply *reply;
        struct cut_question question = {cut->names[name].name, TYPES[t]};
        if (walk_ask(check->walk, cut, question, &reply) != WALK_OK)
            return;
        const ldns_rr_list *records = walk_records(check->walk, reply, question);
        for (size_t i = 0; records != NULL && i < ldns_rr_list_rr_count(records); i++, n_own++) {
            if (is_served_at(cut, name, ldns_rr_list_rr(records, i)))
                continue;
            char *address = ldns_rdf2str(ldns_rr_rdf(ldns_rr_list_rr(records, i), 0));
            note(check, VERDICT_WARN, "bring the glue in the parent zone up to date",
                 "the zone says that %s has the address %s, the parent's glue does not", text,
                 address == NULL ? "?" : address);
            free(address);
        }
    }
    if (n_own == 0)
        note(check, VERDICT_WARN, text_of(check, "add A (and AAAA) records of %s to \"records\" of the server", text),
             "the zone itself has no address of its name server %s", text);
}

void step_delegation(struct check *check)
{
    const struct cut *cut = check->home;
    const char *zone = walk_text(check->walk, cut->apex);
    unsigned n_addressed = 0;
    for (unsigned i = 0; i < cut->n_names; i++) {
        const struct cut_name *name = &cut->names[i];
        const char *text = walk_text(check->walk, name->name);
        n_addressed += name->has_address;
        if (name->is_below && !name->has_glue && !cut->is_at_parent)
            note(check, VERDICT_FAIL,
                 text_of(check, "add glue to the zone %s: %s. IN A <address of the server>",
                         walk_text(check->walk, cut->parent->apex), text),
                 "the name server %s lies in the zone %s itself, and the parent gives no address of it (glue)", text,
                 zone);
        else if (!name->has_address)
            note(check, VERDICT_WARN, text_of(check, "give %s an address, or take it out of the NS records", text),
                 "the name server %s has no address", text);
        else if (name->has_glue && name->is_below)
            compare_glue(check, cut, i);
    }
    if (cut->parent == NULL)
        return;
    if (n_addressed == 0) {
        note(check, VERDICT_FAIL, "give the name servers addresses", "no name server of %s has an address", zone);
        return;
    }
    compare_names(check, cut);
    if (check->verdicts[check->at] == VERDICT_SKIP)
        note(check, VERDICT_OK, NULL, "%s is delegated by %s to %u name server%s with %u address%s", zone,
             walk_text(check->walk, cut->parent->apex), cut->n_names, cut->n_names == 1 ? "" : "s", cut->n_servers,
             cut->n_servers == 1 ? "" : "es");
}
