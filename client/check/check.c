// SPDX-License-Identifier: MIT
// check: a table of steps, run from top to bottom; a step whose needs have failed is skipped and says so.
#include "step.h"

#include "hints.h"
#include "name.h"

#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

static const char CHALLENGE[] = "_acme-challenge.";

#define BIT(step) (1u << (step))

static const struct {
    const char *word;
    void (*run)(struct check *check);
    unsigned needs; // the step fails to make sense when one of these has failed
    const char *help;
} steps[N_STEPS] = {
    [STEP_ZONE] = {"zone", step_zone, 0, "the domain's own zone can be found, and its name servers answer"},
    [STEP_CNAME] = {"cname", step_cname, BIT(STEP_ZONE),
                    "each of them has the CNAME: target, TTL, proxied or flattened"},
    [STEP_TARGET] = {"target", step_target, BIT(STEP_ZONE) | BIT(STEP_CNAME), "the CNAME leads to a name that exists"},
    [STEP_DELEGATION] = {"delegation", step_delegation, BIT(STEP_ZONE) | BIT(STEP_CNAME),
                         "the target's zone is delegated: NS records, glue"},
    [STEP_SERVERS] = {"servers", step_servers, BIT(STEP_ZONE) | BIT(STEP_CNAME),
                      "each of its servers answers: UDP, TCP, EDNS, 0x20, IPv6, the same SOA"},
    [STEP_TXT] = {"txt", step_txt, BIT(STEP_ZONE), "the TXT values there, and none in their way"},
    [STEP_CAA] = {"caa", step_caa, BIT(STEP_ZONE), "CAA records of the domain and its parents let the authority issue"},
    [STEP_DNSSEC] = {"dnssec", step_dnssec, BIT(STEP_ZONE), "signatures are valid, or provably not needed"},
    [STEP_RESOLVERS] = {"resolvers", step_resolvers, BIT(STEP_ZONE) | BIT(STEP_CNAME),
                        "resolvers give the same answer (--resolver)"},
};

const char *verdict_word(enum verdict verdict)
{
    static const char *const WORDS[] = {"skip", "ok", "warn", "fail"};
    return WORDS[verdict];
}

static const char *copy_formatted(struct check *check, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    const char *copy = arena_take_text(walk_arena(check->walk), bytes_of_text(text));
    return copy == NULL ? "out of memory" : copy;
}

const char *text_of(struct check *check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *copy = copy_formatted(check, format, args);
    va_end(args);
    return copy;
}

void note(struct check *check, enum verdict verdict, const char *fix, const char *format, ...)
{
    if (verdict > check->verdicts[check->at])
        check->verdicts[check->at] = verdict;
    check->has_finding[check->at] = true;
    struct finding *finding = arena_take(walk_arena(check->walk), 1, sizeof *finding);
    if (finding == NULL)
        return; // the verdict counts all the same
    va_list args;
    va_start(args, format);
    *finding = (struct finding){
        .step = steps[check->at].word, .verdict = verdict, .fix = fix, .text = copy_formatted(check, format, args)};
    va_end(args);
    *check->last = finding;
    check->last = (struct finding **)&finding->next;
}

void ask_server(struct check *check, const struct upstream *at, struct cut_question question, struct reply *reply)
{
    struct ask asked = walk_question(check->walk, question.name, question.type);
    asked.wants_dnssec = true;
    ask(reply, at, &asked);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *txt_values(struct check *check, const struct reply *reply, const ldns_rdf *name, unsigned *n)
{
    enum { VALUES_MAX = 32 };
    char *values[VALUES_MAX] = {NULL};
    size_t n_values = 0;
    const ldns_rr_list *answer = ldns_pkt_answer(reply->packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(answer) && n_values < VALUES_MAX; i++) {
        const ldns_rr *record = ldns_rr_list_rr(answer, i);
        if (ldns_rr_get_type(record) != LDNS_RR_TYPE_TXT || ldns_dname_compare(ldns_rr_owner(record), name) != 0 ||
            ldns_rr_rd_count(record) == 0)
            continue;
        char *value = ldns_rdf2str(ldns_rr_rdf(record, 0));
        if (value != NULL)
            values[n_values++] = value;
    }
    qsort(values, n_values, sizeof values[0], by_text);
    const char *joined = "";
    for (size_t i = 0; i < n_values; i++) {
        joined = text_of(check, "%s%s%.60s", joined, i == 0 ? "" : ", ", values[i]);
        free(values[i]);
    }
    if (n != NULL)
        *n = (unsigned)n_values;
    return joined;
}

// "Example.com.", "*.example.com", "_acme-challenge.example.com" -> example.com
static enum err read_domain(struct check *check, const char *text)
{
    check->is_only_wildcard = strncmp(text, "*.", 2) == 0 && !check->options->is_wildcard;
    check->is_wildcard = check->options->is_wildcard || check->is_only_wildcard;
    if (strncmp(text, "*.", 2) == 0)
        text += 2;
    if (strncasecmp(text, CHALLENGE, sizeof CHALLENGE - 1) == 0)
        text += sizeof CHALLENGE - 1;
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof check->domain_text - sizeof CHALLENGE)
        return ERR_SYNTAX;
    for (size_t i = 0; i < n; i++) {
        char c = (char)name_fold((uint8_t)text[i]);
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!is_allowed || (c == '.' && (i == 0 || text[i - 1] == '.')))
            return ERR_SYNTAX;
        check->domain_text[i] = c;
    }
    check->challenge_text = text_of(check, "%s%s", CHALLENGE, check->domain_text);
    check->domain = walk_name(check->walk, check->domain_text);
    check->challenge = walk_name(check->walk, check->challenge_text);
    return check->domain == NULL || check->challenge == NULL ? ERR_SYNTAX : ERR_OK;
}

static enum err open_tools(struct check *check)
{
    const struct check_options *options = check->options;
    struct walk_options walk_options = {.roots = options->roots,
                                        .n_roots = options->n_roots,
                                        .timeout_ms = options->timeout_ms,
                                        .n_tries = options->n_tries,
                                        .deadline_ms = options->deadline_ms};
    enum err err = walk_open(&check->walk, &walk_options);
    if (err != ERR_OK)
        return err;
    err = options->anchors_file != NULL ? hints_anchors_read(options->anchors_file, &check->anchors)
                                        : hints_anchors_root(&check->anchors);
    if (err == ERR_SYNTAX) // the domain's word for it is taken
        return ERR_RANGE;
    return err == ERR_OK ? secure_open(&check->secure, check->walk, check->anchors) : err;
}

static void run_steps(struct check *check)
{
    for (enum step_id id = 0; id < N_STEPS; id++) {
        check->at = id;
        const char *failed = NULL;
        for (enum step_id other = 0; other < id; other++)
            if ((steps[id].needs & BIT(other)) != 0 && check->verdicts[other] == VERDICT_FAIL)
                failed = steps[other].word;
        if (failed != NULL)
            note(check, VERDICT_SKIP, NULL, "not looked at, because \"%s\" failed", failed);
        else
            steps[id].run(check);
        if (!check->has_finding[id])
            note(check, VERDICT_SKIP, NULL, "nothing to look at");
    }
}

enum err check_run(struct check **check, const char *domain, const struct check_options *options)
{
    struct check *made = calloc(1, sizeof *made);
    if (made == NULL)
        return ERR_MEMORY;
    made->options = options;
    made->last = &made->first;
    enum err err = open_tools(made);
    if (err == ERR_OK)
        err = read_domain(made, domain);
    if (err != ERR_OK) {
        check_free(made);
        return err;
    }
    run_steps(made);
    *check = made;
    return ERR_OK;
}

void check_free(struct check *check)
{
    if (check == NULL)
        return;
    if (check->walk != NULL)
        walk_close(check->walk);
    ldns_rr_list_deep_free(check->anchors);
    free(check);
}

const struct finding *check_findings(const struct check *check)
{
    return check->first;
}

enum verdict check_verdict(const struct check *check)
{
    enum verdict worst = VERDICT_OK;
    for (enum step_id id = 0; id < N_STEPS; id++)
        worst = check->verdicts[id] > worst ? check->verdicts[id] : worst;
    return worst;
}

const char *check_domain(const struct check *check)
{
    return check->domain_text;
}

const char *check_target(const struct check *check)
{
    return check->end == NULL || check->is_delegated ? NULL : walk_text(check->walk, check->end);
}

bool check_has_value(const struct check *check)
{
    return check->way.n_links > 0 && check->way.status == WALK_OK;
}

void check_print_steps(FILE *out)
{
    for (enum step_id id = 0; id < N_STEPS; id++)
        fprintf(out, "  %-11s %s\n", steps[id].word, steps[id].help);
}
