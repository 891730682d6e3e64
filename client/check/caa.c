// SPDX-License-Identifier: MIT
// caa: the records are read from wire form: flags, the tag behind its length, and the value, which is the rest.
//
// A value is an issuer's domain, maybe empty, then parameters: "letsencrypt.org; validationmethods=dns-01,http-01". For
// a wildcard, issuewild counts where there is one, else issue. Names and tags are compared without regard to case.
#include "caa.h"

#include <stdio.h>
#include <strings.h>

enum { FLAG_CRITICAL = 0x80, PARTS_MAX = 512 };

static const char METHOD[] = "dns-01";

struct property {
    bool is_critical;
    char tag[32];
    char value[PARTS_MAX];
};

static void copy_printable(char *to, size_t room, const uint8_t *from, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n && at + 1 < room; i++)
        to[at++] = from[i] >= ' ' && from[i] < 127 ? (char)from[i] : '?';
    to[at] = 0;
}

static bool read_property(const ldns_rr *record, struct property *property)
{
    if (ldns_rr_rd_count(record) < 3)
        return false;
    const ldns_rdf *flags = ldns_rr_rdf(record, 0), *tag = ldns_rr_rdf(record, 1), *value = ldns_rr_rdf(record, 2);
    if (ldns_rdf_size(flags) != 1 || ldns_rdf_size(tag) < 1)
        return false;
    property->is_critical = (ldns_rdf_data(flags)[0] & FLAG_CRITICAL) != 0;
    copy_printable(property->tag, sizeof property->tag, ldns_rdf_data(tag) + 1, ldns_rdf_size(tag) - 1);
    copy_printable(property->value, sizeof property->value, ldns_rdf_data(value), ldns_rdf_size(value));
    return true;
}

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        text[--n] = 0;
    return text;
}

static bool lists(char *methods, const char *wanted)
{
    char *rest;
    for (char *method = strtok_r(methods, ",", &rest); method != NULL; method = strtok_r(NULL, ",", &rest))
        if (strcasecmp(trim(method), wanted) == 0)
            return true;
    return false;
}

static enum caa_answer judge_parameter(char *parameter, const struct caa_question *question)
{
    char *equals = strchr(parameter, '=');
    if (equals == NULL)
        return CAA_ALLOWED;
    *equals = 0;
    const char *key = trim(parameter);
    char *value = trim(equals + 1);
    if (strcasecmp(key, "validationmethods") == 0)
        return lists(value, METHOD) ? CAA_ALLOWED : CAA_METHOD;
    if (strcasecmp(key, "accounturi") != 0)
        return CAA_ALLOWED;
    if (question->account_uri == NULL)
        return CAA_CONDITION;
    return strcmp(value, question->account_uri) == 0 ? CAA_ALLOWED : CAA_ACCOUNT;
}

// The worst of the parameters counts: each narrows what is allowed.
static enum caa_answer judge_value(const char *text, const struct caa_question *question)
{
    char value[PARTS_MAX];
    snprintf(value, sizeof value, "%s", text);
    char *rest = value;
    if (strcasecmp(trim(strsep(&rest, ";")), question->ca) != 0)
        return CAA_OTHER;
    enum caa_answer worst = CAA_ALLOWED;
    for (char *parameter; (parameter = strsep(&rest, ";")) != NULL;) {
        enum caa_answer one = judge_parameter(parameter, question);
        worst = one > worst ? one : worst;
    }
    return worst;
}

static bool is_known(const char *tag)
{
    static const char *const TAGS[] = {"issue",        "issuewild", "iodef",   "contactemail",
                                       "contactphone", "issuemail", "issuevmc"};
    for (size_t i = 0; i < sizeof TAGS / sizeof TAGS[0]; i++)
        if (strcasecmp(tag, TAGS[i]) == 0)
            return true;
    return false;
}

// Whether any record has the tag; *critical is one that forbids everything, if there is one.
static bool scan(const ldns_rr_list *records, const char *tag, struct property *critical)
{
    bool has_tag = false;
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        struct property property;
        if (!read_property(ldns_rr_list_rr(records, i), &property))
            continue;
        has_tag |= strcasecmp(property.tag, tag) == 0;
        if (property.is_critical && !is_known(property.tag))
            *critical = property;
    }
    return has_tag;
}

enum caa_answer caa_judge(const ldns_rr_list *records, const struct caa_question *question,
                          char detail[static CAA_DETAIL_MAX])
{
    struct property critical = {0};
    const char *tag = question->is_wildcard && scan(records, "issuewild", &critical) ? "issuewild" : "issue";
    enum caa_answer best = scan(records, tag, &critical) ? CAA_CRITICAL : CAA_FREE;
    detail[0] = 0;
    if (critical.tag[0] != 0) {
        snprintf(detail, CAA_DETAIL_MAX, "%s", critical.tag);
        return CAA_CRITICAL;
    }
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        struct property property;
        if (!read_property(ldns_rr_list_rr(records, i), &property) || strcasecmp(property.tag, tag) != 0)
            continue;
        enum caa_answer one = judge_value(property.value, question);
        bool is_first = best == CAA_CRITICAL;
        // What narrows our authority says more than who else is named.
        if (is_first || (one != CAA_OTHER && (one < best || best == CAA_OTHER))) {
            best = one;
            snprintf(detail, CAA_DETAIL_MAX, "%s \"%.200s\"", tag, property.value);
        }
    }
    return best;
}
