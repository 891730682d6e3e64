// SPDX-License-Identifier: MIT
// step_dnssec: each zone on the way of the challenge, and of the domain's CAA records, as a validating resolver sees
// it.
//
// A zone without DNSSEC is fine as long as its parent proves that it has none. One with a DS record but without
// signatures is the worst case: it looks well to everybody who does not validate, and authorities do.
#include "step.h"

static const char *fix_of(struct check *check, const struct secure_zone *zone)
{
    const char *name = walk_text(check->walk, zone->at->apex);
    const char *parent = zone->at->parent == NULL ? "its parent" : walk_text(check->walk, zone->at->parent->apex);
    return text_of(check, "sign the zone %s anew, or remove the DS records of %s from %s (at the registrar)", name,
                   name, parent);
}

static bool is_new(const struct walk_way *way, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (way->links[i].cut == way->links[n].cut)
            return false;
    return true;
}

static void judge_zone(struct check *check, const struct cut *cut)
{
    const struct secure_zone *zone = secure_zone(check->secure, cut);
    const char *name = walk_text(check->walk, cut->apex);
    switch (zone->state) {
    case SECURE_SIGNED:
        note(check, VERDICT_OK, NULL, "the zone %s is signed, and the signatures lead to the trust anchor", name);
        break;
    case SECURE_PLAIN:
        note(check, VERDICT_OK, NULL, "the zone %s is not signed, and need not be", name);
        break;
    case SECURE_BOGUS:
        note(check, VERDICT_FAIL, fix_of(check, zone), "the zone %s is bogus to validating resolvers: %s", name,
             zone->why);
        break;
    case SECURE_UNKNOWN:
        note(check, VERDICT_WARN, NULL, "whether the zone %s is signed could not be found out: %s", name, zone->why);
        break;
    }
}

// The records on the way, where the zone is signed.
static void judge_answers(struct check *check, const struct walk_way *way, ldns_rr_type type)
{
    for (unsigned i = 0; i < way->n_links; i++) {
        const struct walk_link *link = &way->links[i];
        if (link->reply == NULL || link->cut == NULL || secure_zone(check->secure, link->cut)->state != SECURE_SIGNED)
            continue;
        const char *why = secure_reply(check->secure, link->cut, (struct cut_question){link->name, type}, link->reply);
        if (why != NULL)
            note(check, VERDICT_FAIL, text_of(check, "sign the zone %s anew", walk_text(check->walk, link->cut->apex)),
                 "an answer of the zone %s is bogus: %s", walk_text(check->walk, link->cut->apex), why);
    }
}

void step_dnssec(struct check *check)
{
    for (unsigned i = 0; i < check->way.n_links; i++)
        if (is_new(&check->way, i) && check->way.links[i].cut != NULL)
            judge_zone(check, check->way.links[i].cut);
    judge_answers(check, &check->way, LDNS_RR_TYPE_TXT);
    struct walk_way *way = arena_take(walk_arena(check->walk), 1, sizeof *way);
    if (way == NULL)
        return;
    walk_way(check->walk, check->domain, LDNS_RR_TYPE_CAA, way);
    judge_answers(check, way, LDNS_RR_TYPE_CAA);
}
