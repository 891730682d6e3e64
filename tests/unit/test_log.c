// SPDX-License-Identifier: MIT
// Log lines: how they look, and that nobody can forge one. JSON is read again by jansson.
#include "logbook.h"

#include "expect.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void a_text_line_has_time_level_event_and_fields(void **state)
{
    struct log *log = logbook_open(*state, false, LOG_DEBUG);
    log_write(log, LOG_INFO, "update.refused", LOG_STR("reason", "password"), LOG_INT("status", 401));
    logbook_expect(*state, "log", LOGBOOK_TIME "info update\\.refused reason=password status=401\n$");
    log_write(log, LOG_ERROR, "no.fields");
    logbook_expect(*state, "log", LOGBOOK_TIME "error no\\.fields\n$");
    log_write(log, LOG_WARN, "x", LOG_ERR(ERR_BUSY), LOG_STR("none", NULL));
    logbook_expect(*state, "log", LOGBOOK_TIME "warn x error=\"a queue is full, try again\" none=-\n$");
    log_write(log, LOG_DEBUG, "numbers", LOG_INT("least", INT64_MIN), LOG_INT("most", INT64_MAX), LOG_INT("zero", 0));
    logbook_expect(*state, "log",
                   LOGBOOK_TIME "debug numbers least=-9223372036854775808 most=9223372036854775807 zero=0\n$");
}

static void the_time_is_now_and_utc(void **state)
{
    struct log *log = logbook_open(*state, false, LOG_DEBUG);
    struct timespec before, after; // time(2) may lag behind
    setenv("TZ", "XYZ-14", 1);
    tzset();
    clock_gettime(CLOCK_REALTIME, &before);
    log_write(log, LOG_INFO, "x");
    clock_gettime(CLOCK_REALTIME, &after);
    unsetenv("TZ");
    tzset();
    char *text = logbook_take(*state, "log");
    struct tm parts = {0};
    assert_non_null(strptime(text, "%Y-%m-%dT%H:%M:%S", &parts));
    assert_in_range(timegm(&parts), before.tv_sec, after.tv_sec);
    free(text);
}

static void values_are_quoted_only_when_they_must_be(void **state)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"192.0.2.1:53", "192.0.2.1:53"},
        {"[2001:db8::1]:53", "[2001:db8::1]:53"},
        {"http://a/b?c", "http://a/b?c"},
        {"a,b;c'd{e}", "a,b;c'd{e}"},
        {"größe", "größe"},
        {"", "\"\""},
        {" ", "\" \""},
        {"two words", "\"two words\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"tab\there", "\"tab\\u0009here\""},
        {"line\nfeed", "\"line\\u000afeed\""},
        {"\r\n", "\"\\u000d\\u000a\""},
        {"\x1b[31m", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\""},
        {"\x01", "\"\\u0001\""},
    };
    struct log *log = logbook_open(*state, false, LOG_DEBUG);
    for (size_t i = 0; i < N_OF(rows); i++) {
        char wanted[128];
        log_write(log, LOG_INFO, "x", LOG_STR("v", rows[i][0]), LOG_STR("w", "end"));
        char *text = logbook_take(*state, "log");
        snprintf(wanted, sizeof wanted, "Z info x v=%s w=end\n", rows[i][1]);
        assert_string_equal(strchr(text, 'Z'), wanted);
        free(text);
    }
}

// Nothing that a value holds begins a new line or a new field.
static void a_value_cannot_forge_a_line_or_a_field(void **state)
{
    struct log *log = logbook_open(*state, false, LOG_DEBUG);
    log_write(log, LOG_INFO, "x", LOG_STR("v", "a\n2026-11-21T23:09:14.123Z error fake.event status=1"),
              LOG_STR("w", "b"));
    logbook_expect(*state, "log", LOGBOOK_TIME "info x v=\"a\\\\u000a2026[^\n]*\" w=b\n$");
    log_write(log, LOG_INFO, "x", LOG_STR("v", "a\" w=\"forged"), LOG_STR("w", "b"));
    logbook_expect(*state, "log", LOGBOOK_TIME "info x v=\"a\\\\\" w=\\\\\"forged\" w=b\n$");
}

static json_t *take_json(const struct logbook *book)
{
    json_error_t error;
    char *text = logbook_take(book, "log");
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("%s in %s", error.text, text);
    free(text);
    return json;
}

static void a_json_line_is_one_object_with_the_same_in_it(void **state)
{
    struct log *log = logbook_open(*state, true, LOG_DEBUG);
    log_write(log, LOG_WARN, "update.refused", LOG_STR("reason", "pass word"), LOG_INT("status", -401),
              LOG_STR("none", NULL));
    json_t *json = take_json(*state);
    assert_string_equal(json_string_value(json_object_get(json, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(json, "event")), "update.refused");
    assert_string_equal(json_string_value(json_object_get(json, "reason")), "pass word");
    assert_int_equal(json_integer_value(json_object_get(json, "status")), -401);
    assert_string_equal(json_string_value(json_object_get(json, "none")), "-");
    assert_int_equal(strlen(json_string_value(json_object_get(json, "time"))), 24);
    assert_int_equal(json_object_size(json), 6);
    json_decref(json);
    log_write(log, LOG_INFO, "bare");
    logbook_expect(*state, "log", "^\\{\"time\":\"[^\"]*\",\"level\":\"info\",\"event\":\"bare\"\\}\n$");
}

static void every_character_comes_back_out_of_json(void **state)
{
    struct log *log = logbook_open(*state, true, LOG_DEBUG);
    char text[128] = "";
    for (unsigned c = 1; c < 128; c++)
        text[c - 1] = (char)c;
    const char *const values[] = {
        text, "", "größe \xe2\x82\xac \xf0\x9f\x94\x92", "\",\"event\":\"forged", "\\", "\\\"", "\\u000a"};
    for (size_t i = 0; i < N_OF(values); i++) {
        log_write(log, LOG_INFO, "x", LOG_STR("v", values[i]));
        json_t *json = take_json(*state);
        assert_string_equal(json_string_value(json_object_get(json, "v")), values[i]);
        assert_string_equal(json_string_value(json_object_get(json, "event")), "x");
        json_decref(json);
    }
}

static void a_line_too_long_goes_without_its_fields_and_says_so(void **state)
{
    static char value[LOG_LINE_MAX + 200];
    for (int is_json = 0; is_json < 2; is_json++) {
        struct log *log = logbook_open(*state, is_json != 0, LOG_DEBUG);
        size_t n_long = 0;
        for (size_t n = LOG_LINE_MAX - 150; n < sizeof value; n++) {
            memset(value, 'v', n);
            value[n] = '\0';
            log_write(log, LOG_INFO, "event.name", LOG_STR("value", value), LOG_INT("more", 1));
            char *text = logbook_take(*state, "log");
            size_t length = strlen(text);
            bool is_whole = strstr(text, value) != NULL;
            assert_in_range(length, 10, LOG_LINE_MAX);
            assert_ptr_equal(strchr(text, '\n'), text + length - 1);
            assert_non_null(strstr(text, "event.name"));
            assert_true(is_whole || strstr(text, "line too long") != NULL);
            n_long += length == LOG_LINE_MAX;
            free(text);
        }
        assert_int_equal(n_long, 1); // the longest that fits is written
        log_close(log);
    }
    ((struct logbook *)*state)->log = NULL;
}

static void only_lines_of_the_level_or_above_are_written(void **state)
{
    static const char *const wanted[] = {"e", "ew", "ewi", "ewid"};
    for (unsigned level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        struct log *log = logbook_open(*state, false, level);
        log_write(log, LOG_ERROR, "e");
        log_write(log, LOG_WARN, "w");
        log_write(log, LOG_INFO, "i");
        log_write(log, LOG_DEBUG, "d");
        char *text = logbook_take(*state, "log"), events[8] = "";
        for (char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1)
            strncat(events, end - 1, 1);
        assert_string_equal(events, wanted[level]);
        free(text);
        log_close(log);
    }
    ((struct logbook *)*state)->log = NULL;
}

static void no_log_writes_nothing(void **)
{
    log_write(NULL, LOG_ERROR, "x", LOG_STR("v", "w"));
    log_close(NULL);
}

#define IN_BOOK(name) cmocka_unit_test_setup_teardown(name, logbook_make, logbook_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_BOOK(a_text_line_has_time_level_event_and_fields),
        IN_BOOK(the_time_is_now_and_utc),
        IN_BOOK(values_are_quoted_only_when_they_must_be),
        IN_BOOK(a_value_cannot_forge_a_line_or_a_field),
        IN_BOOK(a_json_line_is_one_object_with_the_same_in_it),
        IN_BOOK(every_character_comes_back_out_of_json),
        IN_BOOK(a_line_too_long_goes_without_its_fields_and_says_so),
        IN_BOOK(only_lines_of_the_level_or_above_are_written),
        cmocka_unit_test(no_log_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
