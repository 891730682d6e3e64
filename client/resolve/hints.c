// SPDX-License-Identifier: MIT
// hints: the package dns-root-data keeps these files up to date; without it, what IANA published in 2024 is built in.
#include "hints.h"

#include <errno.h>
#include <stdio.h>

enum { PORT_DNS = 53 };

static const char HINTS_FILE[] = "/usr/share/dns/root.hints";
static const char ANCHORS_FILE[] = "/usr/share/dns/root.ds";

static const char *const ADDRESSES[] = {
    "198.41.0.4",      "170.247.170.2",       "192.33.4.12",    "199.7.91.13",   "192.203.230.10",     "192.5.5.241",
    "192.112.36.4",    "198.97.190.53",       "192.36.148.17",  "192.58.128.30", "193.0.14.129",       "199.7.83.42",
    "202.12.27.33",    "2001:503:ba3e::2:30", "2801:1b8:10::b", "2001:500:2::c", "2001:500:2d::d",     "2001:500:a8::e",
    "2001:500:2f::f",  "2001:500:12::d0d",    "2001:500:1::53", "2001:7fe::53",  "2001:503:c27::2:30", "2001:7fd::1",
    "2001:500:9f::42", "2001:dc3::35",
};

static const char *const ANCHORS[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

// Calls `on_record` for each record of the file, which becomes its own; false when a line is none.
static bool read_records(FILE *in, void (*on_record)(void *, ldns_rr *), void *context)
{
    uint32_t ttl = 0;
    for (;;) {
        ldns_rr *record = NULL;
        ldns_status status = ldns_rr_new_frm_fp(&record, in, &ttl, NULL, NULL);
        if (status == LDNS_STATUS_OK)
            on_record(context, record);
        else if (status != LDNS_STATUS_SYNTAX_EMPTY && status != LDNS_STATUS_SYNTAX_TTL &&
                 status != LDNS_STATUS_SYNTAX_ORIGIN)
            return feof(in) != 0;
        if (feof(in))
            return true;
    }
}

struct roots {
    size_t n;
    struct upstream *at;
    ldns_rr_type wanted;
};

static void on_hint(void *context, ldns_rr *record)
{
    struct roots *roots = context;
    ldns_rdf *address = ldns_rr_rdf(record, 0);
    char *text = ldns_rr_get_type(record) == roots->wanted ? ldns_rdf2str(address) : NULL;
    struct ip ip;
    if (text != NULL && roots->n < HINTS_MAX && ip_parse(bytes_of_text(text), &ip) == ERR_OK)
        roots->at[roots->n++] = upstream_of(ip, PORT_DNS);
    free(text);
    ldns_rr_free(record);
}

static size_t take_built_in(struct upstream *roots)
{
    size_t n = 0;
    struct ip ip;
    for (size_t i = 0; i < sizeof ADDRESSES / sizeof ADDRESSES[0]; i++)
        if (ip_parse(bytes_of_text(ADDRESSES[i]), &ip) == ERR_OK)
            roots[n++] = upstream_of(ip, PORT_DNS);
    return n;
}

size_t hints_roots(struct upstream roots[static HINTS_MAX])
{
    struct roots found = {.at = roots};
    static const ldns_rr_type TYPES[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
    FILE *in = fopen(HINTS_FILE, "re");
    for (size_t i = 0; in != NULL && i < 2; i++) {
        rewind(in);
        found.wanted = TYPES[i];
        if (!read_records(in, on_hint, &found))
            break;
    }
    if (in != NULL)
        fclose(in);
    return found.n != 0 ? found.n : take_built_in(roots);
}

struct anchors {
    ldns_rr_list *list;
    bool is_bad;
};

static void on_anchor(void *context, ldns_rr *record)
{
    struct anchors *anchors = context;
    ldns_rr_type type = ldns_rr_get_type(record);
    bool is_kept =
        (type == LDNS_RR_TYPE_DS || type == LDNS_RR_TYPE_DNSKEY) && ldns_rr_list_push_rr(anchors->list, record);
    anchors->is_bad |= !is_kept;
    if (!is_kept)
        ldns_rr_free(record);
}

enum err hints_anchors_read(const char *file, ldns_rr_list **anchors)
{
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return ERR_NOT_FOUND;
    struct anchors found = {.list = ldns_rr_list_new()};
    bool is_sound = found.list != NULL && read_records(in, on_anchor, &found) && !found.is_bad &&
                    ldns_rr_list_rr_count(found.list) > 0;
    fclose(in);
    if (is_sound) {
        *anchors = found.list;
        return ERR_OK;
    }
    ldns_rr_list_deep_free(found.list);
    return found.list == NULL ? ERR_MEMORY : ERR_SYNTAX;
}

enum err hints_anchors_root(ldns_rr_list **anchors)
{
    if (hints_anchors_read(ANCHORS_FILE, anchors) == ERR_OK)
        return ERR_OK;
    struct anchors found = {.list = ldns_rr_list_new()};
    for (size_t i = 0; found.list != NULL && i < sizeof ANCHORS / sizeof ANCHORS[0]; i++) {
        ldns_rr *record;
        if (ldns_rr_new_frm_str(&record, ANCHORS[i], 0, NULL, NULL) == LDNS_STATUS_OK)
            on_anchor(&found, record);
    }
    if (found.list == NULL)
        return ERR_MEMORY;
    *anchors = found.list;
    return ERR_OK;
}
