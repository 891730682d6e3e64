// SPDX-License-Identifier: MIT
// step_caa: climbs from the domain to its top-level domain until a name has CAA records (RFC 8659 3), and judges those.
#include "step.h"

#include "caa.h"

static const char DEFAULT_CA[] = "letsencrypt.org";

static const struct {
    enum verdict verdict;
    const char *text; // after "CAA records of NAME (VALUE) "
} answers[] = {
    [CAA_FREE] = {VERDICT_OK, "do not restrict"},
    [CAA_ALLOWED] = {VERDICT_OK, "allow"},
    [CAA_CONDITION] = {VERDICT_WARN, "allow, for one account only,"},
    [CAA_OTHER] = {VERDICT_FAIL, "forbid"},
    [CAA_ACCOUNT] = {VERDICT_FAIL, "allow to another account only"},
    [CAA_METHOD] = {VERDICT_FAIL, "do not allow by the method dns-01"},
    [CAA_CRITICAL] = {VERDICT_FAIL, "have a critical property that no authority may pass over, and so forbid"},
};

static const char *fix_of(struct check *check, enum caa_answer answer, const struct caa_question *question,
                          const char *name)
{
    const char *tag = question->is_wildcard ? "issuewild" : "issue";
    switch (answer) {
    case CAA_CONDITION:
        return "give --account-uri, the URL of your ACME account, to have it compared";
    case CAA_OTHER:
        return text_of(check, "add: %s. IN CAA 0 %s \"%s\"", name, tag, question->ca);
    case CAA_ACCOUNT:
        return text_of(check, "put your account into the record: accounturi=%s", question->account_uri);
    case CAA_METHOD:
        return "add dns-01 to the record's validationmethods";
    case CAA_CRITICAL:
        return "remove that record, or its critical flag (128)";
    default:
        return NULL;
    }
}

static void judge(struct check *check, const ldns_rr_list *records, const ldns_rdf *at, bool is_wildcard)
{
    const struct check_options *options = check->options;
    struct caa_question question = {.ca = options->ca != NULL ? options->ca : DEFAULT_CA,
                                    .account_uri = options->account_uri,
                                    .is_wildcard = is_wildcard};
    char detail[CAA_DETAIL_MAX];
    enum caa_answer answer = caa_judge(records, &question, detail);
    const char *name = walk_text(check->walk, at);
    note(check, answers[answer].verdict, fix_of(check, answer, &question, name),
         "CAA records of %s%s%s%s %s %s to issue for %s%s", name, detail[0] == 0 ? "" : " (", detail,
         detail[0] == 0 ? "" : ")", answers[answer].text, question.ca, is_wildcard ? "*." : "", check->domain_text);
}

void step_caa(struct check *check)
{
    unsigned n_labels = ldns_dname_label_count(check->domain);
    struct walk_way *way = arena_take(walk_arena(check->walk), 1, sizeof *way);
    for (unsigned i = 0; i < n_labels && way != NULL; i++) {
        const ldns_rdf *name = walk_name_from(check->walk, check->domain, i);
        if (name == NULL)
            return;
        walk_way(check->walk, name, LDNS_RR_TYPE_CAA, way);
        if (way->status == WALK_NODATA || way->status == WALK_NXDOMAIN)
            continue;
        if (way->status != WALK_OK) {
            note(check, VERDICT_FAIL, "let the name servers answer questions for CAA (with none, if there are none)",
                 "whether %s has CAA records cannot be found out (%s), and then no authority issues",
                 walk_text(check->walk, name), walk_status_text(way->status));
            return;
        }
        const struct walk_link *end = &way->links[way->n_links - 1];
        const ldns_rr_list *records =
            walk_records(check->walk, end->reply, (struct cut_question){end->name, LDNS_RR_TYPE_CAA});
        if (!check->is_only_wildcard)
            judge(check, records, name, false);
        if (check->is_wildcard)
            judge(check, records, name, true);
        return;
    }
    note(check, VERDICT_OK, NULL, "there are no CAA records: any authority may issue");
}
