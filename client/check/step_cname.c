// SPDX-License-Identifier: MIT
// step_cname: the one record the owner of the domain makes, as each authoritative server of the domain's zone has it.
//
// Providers that "proxy" a record, or "flatten" it, answer with addresses in the place of the CNAME. A wildcard in the
// zone answers with addresses too, where the CNAME is simply missing; a name nobody has chosen tells the two apart.
#include "step.h"

#include <strings.h>

static const char PROBE[] = "acmezone-no-such-name";

// What the servers have, all together.
struct seen {
    unsigned n_answers, n_cnames;
    const char *target;   // the first that was seen
    const char *at;       // by whom
    const char *other;    // another target, and
    const char *other_at; // by whom
    const char *without;  // a server without the CNAME
    uint32_t ttl;         // the longest
};

static const char *record_to_make(struct check *check)
{
    const struct check_options *options = check->options;
    const char *name = check->challenge_text;
    if (options->expect != NULL) {
        size_t n = strlen(options->expect);
        bool has_dot = n > 0 && options->expect[n - 1] == '.';
        return text_of(check, "%s. 300 IN CNAME %s%s", name, options->expect, has_dot ? "" : ".");
    }
    if (options->n_zones > 0)
        return text_of(check, "%s. 300 IN CNAME <subdomain>.%s.", name, options->zones[0]);
    return text_of(check, "%s. 300 IN CNAME <the fulldomain that the registration gave>", name);
}

// Reads one server's answer; notes what is wrong with the server.
static void look_at(struct check *check, const struct upstream *at, struct seen *seen)
{
    struct cut_question question = {check->challenge, LDNS_RR_TYPE_CNAME};
    struct reply reply;
    ask_server(check, at, question, &reply);
    ldns_pkt_rcode rcode = reply.outcome == ASK_ANSWERED ? ldns_pkt_get_rcode(reply.packet) : LDNS_RCODE_NOERROR;
    if (reply.outcome == ASK_NO_ROUTE) {
        note(check, VERDICT_SKIP, NULL, "%s was not asked: %s", at->text, ask_outcome_text(reply.outcome));
    } else if (reply.outcome != ASK_ANSWERED) {
        note(check, VERDICT_WARN, "see that this name server runs, or take it out of the NS records", "%s %s", at->text,
             ask_outcome_text(reply.outcome));
    } else if ((rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) || !ldns_pkt_aa(reply.packet)) {
        note(check, VERDICT_WARN, "load the zone there, or take the server out of the NS records",
             "%s does not answer for the zone %s (rcode %d%s)", at->text, walk_text(check->walk, check->cut->apex),
             (int)rcode, ldns_pkt_aa(reply.packet) ? "" : ", not authoritative");
    } else {
        seen->n_answers++;
        const ldns_rr_list *records = walk_records(check->walk, &reply, question);
        const ldns_rdf *target = records == NULL ? NULL : ldns_rr_rdf(ldns_rr_list_rr(records, 0), 0);
        if (target == NULL) {
            seen->without = at->text;
        } else {
            const char *text = walk_text(check->walk, target);
            uint32_t ttl = ldns_rr_ttl(ldns_rr_list_rr(records, 0));
            seen->n_cnames++;
            seen->ttl = ttl > seen->ttl ? ttl : seen->ttl;
            if (seen->target == NULL) {
                seen->target = text;
                seen->at = at->text;
            } else if (strcasecmp(seen->target, text) != 0) {
                seen->other = text;
                seen->other_at = at->text;
            }
        }
    }
    // What walk_records gave points into the reply, and is not read again.
    ask_free(&reply);
}

// Whether the zone has records of the type at the name.
static bool has(struct check *check, const ldns_rdf *name, ldns_rr_type type)
{
    const struct reply *reply;
    struct cut_question question = {name, type};
    return name != NULL && walk_ask(check->walk, check->cut, question, &reply) == WALK_OK &&
           walk_records(check->walk, reply, question) != NULL;
}

static bool has_address(struct check *check, const ldns_rdf *name)
{
    return has(check, name, LDNS_RR_TYPE_A) || has(check, name, LDNS_RR_TYPE_AAAA);
}

static void note_missing(struct check *check)
{
    const char *make = text_of(check, "create the record: %s", record_to_make(check));
    const ldns_rdf *probe = walk_name(check->walk, text_of(check, "%s.%s", PROBE, check->domain_text));
    if (!has_address(check, check->challenge)) {
        note(check, VERDICT_FAIL, make, "there is no CNAME at %s", check->challenge_text);
    } else if (has_address(check, probe)) {
        note(check, VERDICT_FAIL, make, "there is no CNAME at %s; addresses come from a wildcard record of the zone",
             check->challenge_text);
    } else {
        note(check, VERDICT_FAIL,
             text_of(check,
                     "switch this record to \"DNS only\" (no proxy, no flattening), so that it stays a CNAME: %s",
                     record_to_make(check)),
             "%s has addresses (A or AAAA) where a CNAME is expected: the provider proxies or flattens the record",
             check->challenge_text);
    }
}

static bool ends_in(const char *name, const char *zone)
{
    size_t n = strlen(name), n_zone = strlen(zone);
    if (n_zone > 0 && zone[n_zone - 1] == '.')
        n_zone--;
    return n > n_zone && name[n - n_zone - 1] == '.' && strncasecmp(name + n - n_zone, zone, n_zone) == 0;
}

static bool is_same_name(const char *a, const char *b)
{
    size_t n = strlen(b);
    if (n > 0 && b[n - 1] == '.')
        n--;
    return strlen(a) == n && strncasecmp(a, b, n) == 0;
}

static bool is_right_target(const struct check *check, const char *target)
{
    const struct check_options *options = check->options;
    if (options->expect != NULL)
        return is_same_name(target, options->expect);
    for (size_t i = 0; i < options->n_zones; i++)
        if (ends_in(target, options->zones[i]))
            return true;
    return options->n_zones == 0;
}

static void judge(struct check *check, const struct seen *seen)
{
    const char *right = text_of(check, "the record has to be: %s", record_to_make(check));
    if (seen->without != NULL)
        note(check, VERDICT_FAIL, "wait for the zone's next transfer; if it stays so, repair that name server",
             "%s has the CNAME, but %s has not", seen->at, seen->without);
    if (seen->other != NULL)
        note(check, VERDICT_FAIL,
             "wait for the zone's next transfer; if it stays so, repair the name server that is wrong",
             "%s says that the CNAME leads to %s, but %s says %s", seen->at, seen->target, seen->other_at, seen->other);
    if (!is_right_target(check, seen->target))
        note(check, VERDICT_FAIL, right, "the CNAME leads to %s, which is the wrong place", seen->target);
    if (seen->ttl > CHECK_TTL_MAX_S)
        note(check, VERDICT_WARN, "lower its TTL to 300 seconds: a change takes that long to be seen",
             "the CNAME's TTL is %u seconds, more than an hour", seen->ttl);
    if (check->verdicts[check->at] != VERDICT_FAIL)
        note(check, VERDICT_OK, NULL, "%s leads to %s (%u of %u servers say so)", check->challenge_text, seen->target,
             seen->n_cnames, check->cut->n_servers);
}

void step_cname(struct check *check)
{
    if (check->is_delegated) {
        note(check, VERDICT_OK, NULL, "%s is a zone of its own (NS records), which does without a CNAME",
             check->challenge_text);
        return;
    }
    struct seen seen = {0};
    for (unsigned i = 0; i < check->cut->n_servers; i++)
        look_at(check, &check->cut->servers[i].at, &seen);
    if (seen.n_answers == 0)
        note(check, VERDICT_FAIL, "see that the name servers run and can be reached on port 53",
             "no name server of the zone %s says anything about %s", walk_text(check->walk, check->cut->apex),
             check->challenge_text);
    else if (seen.n_cnames == 0)
        note_missing(check);
    else
        judge(check, &seen);
}
