// SPDX-License-Identifier: MIT
// step_resolvers: what resolvers make of it, caches and validation included.
#include "step.h"

// Whether the answer's CNAMEs lead to the name.
static bool leads_to(const ldns_pkt *packet, const ldns_rdf *name)
{
    const ldns_rr_list *answer = ldns_pkt_answer(packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *record = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(record) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(record) > 0 &&
            ldns_dname_compare(ldns_rr_rdf(record, 0), name) == 0)
            return true;
    }
    return false;
}

static const char *own_values(struct check *check)
{
    return check->way.status == WALK_OK
               ? txt_values(check, check->way.links[check->way.n_links - 1].reply, check->end, NULL)
               : "";
}

static void judge(struct check *check, const struct upstream *at, const struct reply *reply)
{
    static const char STALE[] = "it may remember an older answer: wait for as long as that one's TTL, then look again";
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(reply->packet);
    bool is_direct = check->way.n_links == 1;
    if (rcode == LDNS_RCODE_SERVFAIL) {
        note(check, VERDICT_FAIL, "see the steps above, DNSSEC first: an authority's resolver would fail like this one",
             "the resolver %s fails to resolve %s (SERVFAIL)", at->text, check->challenge_text);
    } else if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
        note(check, VERDICT_WARN, "see that this machine may use that resolver",
             "the resolver %s answers with rcode %d", at->text, (int)rcode);
    } else if (!is_direct && !leads_to(reply->packet, check->end)) {
        note(check, VERDICT_FAIL, STALE, "the resolver %s does not see that %s leads to %s", at->text,
             check->challenge_text, walk_text(check->walk, check->end));
    } else if (rcode == LDNS_RCODE_NXDOMAIN && check->way.status != WALK_NXDOMAIN) {
        note(check, VERDICT_FAIL, STALE, "the resolver %s says that %s does not exist", at->text,
             walk_text(check->walk, check->end));
    } else {
        const char *values = txt_values(check, reply, check->end, NULL), *own = own_values(check);
        if (strcmp(values, own) == 0)
            note(check, VERDICT_OK, NULL, "the resolver %s agrees", at->text);
        else
            note(check, VERDICT_WARN, STALE, "the resolver %s sees the values [%s], the servers have [%s]", at->text,
                 values, own);
    }
}

void step_resolvers(struct check *check)
{
    const struct check_options *options = check->options;
    for (size_t i = 0; i < options->n_resolvers; i++) {
        const struct upstream *at = &options->resolvers[i];
        struct ask question = walk_question(check->walk, check->challenge, LDNS_RR_TYPE_TXT);
        question.is_recursive = true;
        question.ca_file = options->ca_file;
        struct reply reply;
        ask(&reply, at, &question);
        if (reply.outcome == ASK_ANSWERED)
            judge(check, at, &reply);
        else
            note(check, VERDICT_WARN, "see that the resolver runs and that this machine may ask it", "%s %s%s%s",
                 at->text, ask_outcome_text(reply.outcome), reply.detail[0] == 0 ? "" : ": ", reply.detail);
        ask_free(&reply);
    }
    if (options->n_resolvers == 0)
        note(check, VERDICT_SKIP, NULL, "no --resolver was given");
}
