// SPDX-License-Identifier: MIT
// step_zone: from the root to the domain's own zone. It also goes the way of the challenge, which later steps read.
#include "step.h"

static const char *server_names(struct check *check, const struct cut *cut)
{
    const char *list = "";
    for (unsigned i = 0; i < cut->n_names; i++)
        list = text_of(check, "%s%s%s", list, i == 0 ? "" : ", ", walk_text(check->walk, cut->names[i].name));
    return list;
}

static bool is_unregistered(struct check *check, const struct cut *cut)
{
    const struct reply *reply;
    if (cut->parent != NULL && cut->parent->parent != NULL)
        return false;
    struct cut_question question = {check->domain, LDNS_RR_TYPE_SOA};
    return walk_ask(check->walk, cut, question, &reply) == WALK_OK &&
           ldns_pkt_get_rcode(reply->packet) == LDNS_RCODE_NXDOMAIN;
}

static const char *fix_of(enum walk_status status)
{
    switch (status) {
    case WALK_SILENT:
        return "see that these servers run and can be reached on port 53, UDP and TCP, or correct the NS records at "
               "the "
               "registrar";
    case WALK_REFUSED:
        return "the servers do not serve this zone: load it there, or correct the NS records at the registrar";
    case WALK_NO_ADDRESS:
        return "give the name servers addresses (A, AAAA), with glue records where they lie in the zone itself";
    case WALK_DEADLINE:
        return "try again with a larger --deadline; see that this machine may send DNS questions to any server";
    default:
        return NULL;
    }
}

void step_zone(struct check *check)
{
    enum walk_status status = walk_cut(check->walk, check->challenge, &check->cut);
    const struct cut *cut = check->cut;
    if (status == WALK_OK && cut->parent != NULL && ldns_dname_compare(cut->apex, check->challenge) == 0) {
        check->is_delegated = true;
        cut = check->cut = cut->parent;
    }
    const char *zone = walk_text(check->walk, cut->apex);
    if (status != WALK_OK) {
        note(check, VERDICT_FAIL, fix_of(status), "the zone %s (%s): %s", zone, server_names(check, check->cut),
             walk_status_text(status));
        return;
    }
    if (is_unregistered(check, cut)) {
        note(check, VERDICT_FAIL, "see that it is spelled right, paid for, and not suspended by the registrar",
             "there is no domain %s: the zone %s does not know it", check->domain_text, zone);
        return;
    }
    walk_way(check->walk, check->challenge, LDNS_RR_TYPE_TXT, &check->way);
    const struct walk_link *end = &check->way.links[check->way.n_links - 1];
    check->home = end->cut;
    check->end = end->name;
    note(check, VERDICT_OK, NULL, "%s lies in the zone %s, served by %s", check->domain_text, zone,
         server_names(check, cut));
}
