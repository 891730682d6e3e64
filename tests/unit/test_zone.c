// SPDX-License-Identifier: MIT
// From config lines to zones: what is refused and what is said of it, what is left out, how rrsets come about.
#include "stage.h"

#include "expect.h"

#include <stdio.h>
#include <stdlib.h>

// Builds zones out of records that are given as TOML strings; the log is to be freed.
static enum err build(const char *records, struct zones **zones, char **text)
{
    char config[8192], path[TEMPDIR_PATH_MAX];
    struct tempdir dir;
    struct log *log;
    size_t n;
    snprintf(config, sizeof config, "[general]\ndomain = [\"example.org\", \"lab.example.org\"]\nrecords = [%s]\n",
             records);
    struct conf *conf = stage_conf(config);
    tempdir_make(&dir);
    expect_ok(log_open(&log, &(struct log_options){.level = LOG_DEBUG, .file = tempdir_join(&dir, "log", path)}));
    log_ready(log);
    enum err err = zones_new(zones, conf, log);
    log_close(log);
    config_free(conf); // what zones need of it they have copied
    *text = tempdir_read(&dir, "log", &n);
    tempdir_remove(&dir);
    return err;
}

static unsigned count_lines(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

struct refusal {
    const char *records;
    const char *reason; // part of what is logged
};

static void expect_refusals(const struct refusal *refusals, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct zones *zones = NULL;
        char *log;
        enum err err = build(refusals[i].records, &zones, &log);
        bool is_told = strstr(log, " error zone.refused ") != NULL && strstr(log, refusals[i].reason) != NULL;
        if (err != ERR_SYNTAX || zones != NULL || !is_told || count_lines(log) != 1)
            fail_msg("%s gave \"%s\" and logged: %s", refusals[i].records, err_text(err), log);
        free(log);
    }
}

static void a_record_that_does_not_parse_is_refused(void **)
{
    static const struct refusal refusals[] = {
        {"'www.example.org. A'", "www.example.org. A"},
        {"'www.example.org. A 192.0.2.256'", "192.0.2.256"},
        {"'www.example.org. A 192.0.2.1 192.0.2.2'", "192.0.2.2"},
        {"'www.example.org. AAAA 192.0.2.1'", "AAAA"},
        {"'www.example.org. MX mail.example.org.'", "MX"},
        {"'www.example.org.'", "www.example.org."},
        {"'www.example.org. 60'", "60"},
        {"'www.example.org. NOSUCHTYPE x'", "NOSUCHTYPE"},
        {"'www..example.org. A 192.0.2.1'", "www..example.org"},
        {"'012345678901234567890123456789012345678901234567890123456789abcd.example.org. A 192.0.2.1'", "abcd"},
        {"'www.example.org. TYPE65280 \\# 3 0102'", "TYPE65280"},
        {"'; only a comment'", "comment"},
        {"' '", "zone.refused"},
        {"'www.example.org. NS'", "NS"},
    };
    expect_refusals(refusals, N_OF(refusals));
}

static void a_record_we_cannot_serve_is_refused(void **)
{
    static const struct refusal refusals[] = {
        {"'www.example.org. CH TXT \"x\"'", "the class is not IN"},
        {"'www.example.org. 2147483648 A 192.0.2.1'", "TTL"},
        {"'www.example.org. DNAME example.com.'", "DNAME"},
        {"'www.example.org. RRSIG A 13 3 60 20300101000000 20200101000000 1 example.org. AAAA'", "signatures"},
        {"'www.example.org. NSEC x.example.org. A'", "signatures"},
        {"'www.example.org. NSEC3PARAM 1 0 0 -'", "signatures"},
        {"'www.example.org. TYPE41 \\# 0'", "not for zones"},
        {"'www.example.org. TYPE255 \\# 0'", "not for zones"},
        {"'www.example.org. TYPE252 \\# 0'", "not for zones"},
        {"'example.org. SOA ns. admin. 1 2 3 4 5'", "leave it out of the records"},
        {"'lab.example.org. SOA ns. admin. 1 2 3 4 5'", "leave it out of the records"},
        {"'www.example.org. SOA ns. admin. 1 2 3 4 5'", "SOA"},
    };
    expect_refusals(refusals, N_OF(refusals));
}

static void records_that_cannot_stand_together_are_refused(void **)
{
    static const struct refusal refusals[] = {
        {"'example.org. CNAME www.example.org.'", "apex"},
        {"'lab.example.org. CNAME www.example.org.'", "apex"},
        {"'x.example.org. CNAME a.example.org.', 'x.example.org. A 192.0.2.1'", "other records"},
        {"'x.example.org. A 192.0.2.1', 'X.EXAMPLE.org. CNAME a.example.org.'", "other records"},
        {"'x.example.org. CNAME a.example.org.', 'x.example.org. CNAME b.example.org.'", "only one CNAME"},
        {"'*.example.org. CNAME a.example.org.', '*.example.org. TXT \"x\"'", "other records"},
    };
    expect_refusals(refusals, N_OF(refusals));
}

static void a_record_outside_our_zones_is_left_out_with_a_warning(void **)
{
    static const char *const records[] = {
        "'www.example.com. A 192.0.2.1'",
        "'www A 192.0.2.1'",
        "'org. A 192.0.2.1'",
        "'. A 192.0.2.1'",
        "'xexample.org. A 192.0.2.1'",
        "'example.org.com. A 192.0.2.1'",
        "'ex\\\\.example\\\\.org. A 192.0.2.1'",
    };
    for (size_t i = 0; i < N_OF(records); i++) {
        struct zones *zones;
        char *log;
        expect_ok(build(records[i], &zones, &log));
        assert_non_null(strstr(log, " warn zone.record_left_out "));
        assert_int_equal(count_lines(log), 1);
        free(log);
        zones_drop(zones);
    }
}

// --- Rrsets ---

static void check_rows(const char *records, const struct row *rows, size_t n)
{
    char config[8192];
    snprintf(config, sizeof config, "[general]\ndomain = [\"example.org\", \"lab.example.org\"]\nrecords = [%s]\n",
             records);
    struct stage *stage = stage_open(config);
    stage_check(stage, rows, n);
    char *log = stage_log(stage);
    assert_string_equal(log, "");
    free(log);
    stage_close(stage);
}

static void an_rrset_has_the_lowest_ttl_of_its_records(void **)
{
    static const struct row rows[] = {
        ROW_DATA(
            "a.example.org", A,
            "a.example.org. 20 IN A 192.0.2.1\na.example.org. 20 IN A 192.0.2.2\na.example.org. 20 IN A 192.0.2.3"),
        ROW_DATA("a.example.org", TXT, "a.example.org. 900 IN TXT \"x\""),
        ROW_DATA("max.example.org", A, "max.example.org. 2147483647 IN A 192.0.2.1"),
        ROW_DATA("zero.example.org", A, "zero.example.org. 0 IN A 192.0.2.1"),
    };
    check_rows(
        "'a.example.org. 300 A 192.0.2.1', 'a.example.org. 20 A 192.0.2.2', 'a.example.org. A 192.0.2.3',"
        "'a.example.org. 900 TXT x', 'max.example.org. 2147483647 A 192.0.2.1', 'zero.example.org. 0 IN A 192.0.2.1'",
        rows, N_OF(rows));
}

static void a_record_given_twice_is_there_once(void **)
{
    static const struct row rows[] = {
        ROW_DATA("a.example.org", A, "a.example.org. 60 IN A 192.0.2.1\na.example.org. 60 IN A 192.0.2.2"),
        ROW_DATA("c.example.org", CNAME, "c.example.org. 60 IN CNAME a.example.org."),
        ROW_DATA("m.example.org", MX, "m.example.org. 60 IN MX 1 mail.example.org."),
    };
    check_rows("'a.example.org. 60 A 192.0.2.1', 'A.example.ORG. 60 IN A 192.0.2.1', 'a.example.org. 60 A 192.0.2.2',"
               "'a.example.org. 90 A 192.0.2.1', 'c.example.org. 60 CNAME a.example.org.',"
               "'c.example.org. 60 CNAME a.example.org.', 'm.example.org. 60 MX 1 mail.Example.org.',"
               "'m.example.org. 60 MX 1 mail.example.org.'",
               rows, N_OF(rows));
}

static void records_are_read_as_zone_files_spell_them(void **)
{
    static const struct row rows[] = {
        ROW_DATA("a.example.org", A, "a.example.org. 3600 IN A 192.0.2.1"),
        ROW_DATA("b.example.org", A, "b.example.org. 5400 IN A 192.0.2.2"),
        ROW_DATA("c.example.org", TXT, "c.example.org. 3600 IN TXT \"one\" \"two \\\"quoted\\\"\" \"\""),
        ROW_DATA("d\\.e.example.org", A, "d\\.e.example.org. 3600 IN A 192.0.2.3"),
        ROW_DATA("f.example.org", A, "f.example.org. 3600 IN A 192.0.2.4"),
        ROW_DATA("_443._tcp.g.example.org", TLSA, "_443._tcp.g.example.org. 3600 IN TLSA 3 1 1 00ff"),
        ROW_DATA("www.lab.example.org", A, "www.lab.example.org. 3600 IN A 192.0.2.5"),
    };
    check_rows("'a.example.org. IN A 192.0.2.1', 'b.example.org. 1h30m IN A 192.0.2.2',"
               "'c.example.org.\tTXT one \"two \\\"quoted\\\"\" \"\"', 'd\\.e.example.org. A 192.0.2.3',"
               "'F.Example.Org. in a 192.0.2.4 ; a comment', '_443._tcp.g.example.org. TLSA 3 1 1 00FF',"
               "'www.lab.example.org. A 192.0.2.5'",
               rows, N_OF(rows));
}

static void the_longest_owner_is_served(void **)
{
    char label[64] = "", name[256], record[512], line[512];
    memset(label, 'x', 63);
    snprintf(name, sizeof name, "%s.%s.%s.%.48s.example.org", label, label, label, label);
    assert_int_equal(strlen(name) + 2, 254);
    snprintf(record, sizeof record, "'%s. A 192.0.2.1'", name);
    snprintf(line, sizeof line, "%s. 3600 IN A 192.0.2.1", name);
    const struct row row = ROW_DATA(name, A, line);
    check_rows(record, &row, 1);
}

// --- Finding ---

static void many_names_are_all_found_again(void **)
{
    enum { N = 500 };
    char *records;
    size_t n;
    FILE *out = open_memstream(&records, &n);
    assert_non_null(out);
    fputs("[general]\ndomain = \"example.org\"\nrecords = [\n", out);
    for (unsigned i = 0; i < N; i++)
        fprintf(out, "'n%u.%u.example.org. TXT %u',\n", i, i % 7, i);
    fputs("]\n", out);
    assert_int_equal(fclose(out), 0);
    struct stage *stage = stage_open(records);
    for (unsigned i = 0; i < N; i++) {
        char name[64], line[128];
        snprintf(name, sizeof name, "n%u.%u.example.org", i, i % 7);
        snprintf(line, sizeof line, "%s. 3600 IN TXT \"%u\"", name, i);
        const struct row row = ROW_DATA(name, TXT, line);
        stage_check(stage, &row, 1);
    }
    stage_close(stage);
    free(records);
}

static void zones_live_as_long_as_somebody_holds_them(void **)
{
    struct conf *conf = stage_conf("[general]\ndomain = \"example.org\"\nrecords = ['www.example.org. A 192.0.2.1']\n");
    struct zones *zones;
    expect_ok(zones_new(&zones, conf, NULL));
    assert_ptr_equal(zones_hold(zones), zones);
    zones_drop(zones);
    static const uint8_t qname[] = "\3www\7example\3org";
    static const uint8_t labels[] = {0, 4, 12, 16};
    const struct zone *zone = zones_find(zones, qname, labels, 3);
    assert_non_null(zone);
    assert_non_null(node_rrset(zone_find(zone, (struct bytes){qname, 4}), TYPE_A));
    assert_null(node_rrset(zone_find(zone, (struct bytes){qname, 4}), TYPE_TXT));
    assert_null(zone_find(zone, (struct bytes){qname, 12}));
    assert_ptr_equal(zone_find(zone, (struct bytes){0}), zone->apex_node);
    assert_null(zones_chaos_version(zones));
    zones_drop(zones);
    config_free(conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_does_not_parse_is_refused),
        cmocka_unit_test(a_record_we_cannot_serve_is_refused),
        cmocka_unit_test(records_that_cannot_stand_together_are_refused),
        cmocka_unit_test(a_record_outside_our_zones_is_left_out_with_a_warning),
        cmocka_unit_test(an_rrset_has_the_lowest_ttl_of_its_records),
        cmocka_unit_test(a_record_given_twice_is_there_once),
        cmocka_unit_test(records_are_read_as_zone_files_spell_them),
        cmocka_unit_test(the_longest_owner_is_served),
        cmocka_unit_test(many_names_are_all_found_again),
        cmocka_unit_test(zones_live_as_long_as_somebody_holds_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
