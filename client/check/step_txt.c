// SPDX-License-Identifier: MIT
// step_txt: TXT records at the challenge itself stand in the CNAME's way; those at its target are what an authority
// reads.
#include "step.h"

enum { VALUE_BYTES = 43 };

// Leftovers of challenges that were once made by hand, in the domain's own zone.
static bool has_own_values(struct check *check)
{
    for (unsigned i = 0; i < check->cut->n_servers; i++) {
        const struct upstream *at = &check->cut->servers[i].at;
        struct reply reply;
        unsigned n = 0;
        ask_server(check, at, (struct cut_question){check->challenge, LDNS_RR_TYPE_TXT}, &reply);
        const char *values = "";
        if (reply.outcome == ASK_ANSWERED)
            values = txt_values(check, &reply, check->challenge, &n);
        ask_free(&reply);
        if (n > 0) {
            note(check, VERDICT_FAIL,
                 text_of(check, "delete the TXT record at %s: the CNAME takes its place", check->challenge_text),
                 "%s has a TXT record at %s itself (%s)", at->text, check->challenge_text, values);
            return true;
        }
    }
    return false;
}

// Whether each of the values, as presented, is 43 characters of base64url in quotes.
static bool are_challenges(const char *values)
{
    while (*values != 0) {
        size_t n = strspn(values + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
        if (values[0] != '"' || n != VALUE_BYTES || values[n + 1] != '"')
            return false;
        values += n + 2;
        values += strspn(values, ", ");
    }
    return true;
}

static void compare_servers(struct check *check)
{
    const char *first = NULL, *first_at = NULL;
    unsigned n_first = 0;
    for (unsigned i = 0; i < check->home->n_servers; i++) {
        const struct upstream *at = &check->home->servers[i].at;
        struct reply reply;
        ask_server(check, at, (struct cut_question){check->end, LDNS_RR_TYPE_TXT}, &reply);
        unsigned n = 0;
        const char *values = reply.outcome == ASK_ANSWERED ? txt_values(check, &reply, check->end, &n) : NULL;
        ask_free(&reply);
        if (values == NULL)
            continue; // the step before has said so
        if (first == NULL) {
            first = values;
            first_at = at->text;
            n_first = n;
        } else if (strcmp(first, values) != 0) {
            note(check, VERDICT_WARN, "publish to every server; an authority may ask any of them",
                 "the servers disagree: %s has the values [%s], %s has [%s]", first_at, first, at->text, values);
        }
    }
    if (first == NULL)
        return;
    if (!are_challenges(first))
        note(check, VERDICT_WARN, "remove what is not a challenge", "%s has values that are no challenges: %s",
             walk_text(check->walk, check->end), first);
    else if (check->verdicts[check->at] == VERDICT_SKIP)
        note(check, VERDICT_OK, NULL, "%u value%s at %s%s%s", n_first, n_first == 1 ? "" : "s",
             walk_text(check->walk, check->end), n_first == 0 ? "" : ": ", first);
}

void step_txt(struct check *check)
{
    bool has_failed = !check->is_delegated && has_own_values(check);
    bool has_end = check->way.status == WALK_OK || check->way.status == WALK_NODATA;
    if (!has_failed && has_end && check->verdicts[STEP_CNAME] != VERDICT_FAIL)
        compare_servers(check);
}
