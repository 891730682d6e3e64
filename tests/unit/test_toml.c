// SPDX-License-Identifier: MIT
// The TOML that is read, and what is refused where and why.
#include "toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void write_value(FILE *out, const struct toml_value *value)
{
    switch (value->kind) {
    case TOML_TEXT:
        fprintf(out, "<%s>", value->text);
        break;
    case TOML_NUMBER:
        fprintf(out, "%lld", (long long)value->number);
        break;
    case TOML_BOOL:
        fputs(value->number ? "true" : "false", out);
        break;
    case TOML_LIST:
        fputc('[', out);
        for (size_t i = 0; i < value->n; i++)
            fprintf(out, "<%s>", value->list[i]);
        fputc(']', out);
        break;
    }
}

// What was read, as "LINE section.key=value" with blanks between, or "LINE: error" in curly brackets. The text is read
// from room of exactly its size, so that a sanitizer sees a step beyond it.
static const char *read_all(const char *text, size_t n, bool is_value)
{
    static char result[4096];
    struct arena *arena;
    struct toml_entry *entries = NULL;
    struct toml_value value;
    struct toml_error error = {0};
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    memcpy(copy, text, n);
    assert_int_equal(arena_new(&arena), ERR_OK);
    struct bytes bytes = {n == 0 ? NULL : copy, n};
    enum err err =
        is_value ? toml_parse_value(bytes, arena, &value, &error) : toml_parse(bytes, arena, &entries, &error);
    FILE *out = fmemopen(result, sizeof result, "w");
    assert_non_null(out);
    if (err != ERR_OK) {
        assert_int_equal(err, ERR_SYNTAX);
        assert_null(entries);
        fprintf(out, "{%u: %s}", error.line, error.text);
    } else if (is_value) {
        write_value(out, &value);
    }
    for (const struct toml_entry *entry = entries; entry != NULL; entry = entry->next) {
        fprintf(out, "%s%u %s.%s=", entry == entries ? "" : " ", entry->line, entry->section, entry->key);
        write_value(out, &entry->value);
    }
    fputc(0, out);
    fclose(out);
    arena_free(arena);
    free(copy);
    return result;
}

static const char *const CASES[][2] = {
    // Shape of the file
    {"", ""},
    {"\n\n", ""},
    {"# nothing", ""},
    {"  \t# nothing\r\n", ""},
    {"a = 1", "1 .a=1"},
    {"a=1\nb=2", "1 .a=1 2 .b=2"},
    {"a = 1 # one\r\n\r\nb = 2\r\n", "1 .a=1 3 .b=2"},
    {"[x]\na = 1\n[y]\na = 2", "2 x.a=1 4 y.a=2"},
    {" [ x ] # table\n\ta\t=\t1\t", "2 x.a=1"},
    {"[\"a b\"]\n\"c d\" = 1\n'e.f' = 2", "2 a b.c d=1 3 a b.e.f=2"},
    {"[x]", ""},
    {"1 = 1\na-b_C9 = 2", "1 .1=1 2 .a-b_C9=2"},
    {"\xef\xbb\xbf"
     "a = 1",
     "1 .a=1"},
    // Strings
    {"a = \"\"", "1 .a=<>"},
    {"a = ''", "1 .a=<>"},
    {"a = \"x # y\" # z", "1 .a=<x # y>"},
    {"a = 'x\\n\"y'", "1 .a=<x\\n\"y>"},
    {"a = \"it's\"", "1 .a=<it's>"},
    {"a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "1 .a=<\b\t\n\f\r\"\\>"},
    {"a = \"\\\\\"", "1 .a=<\\>"},
    {"a = \"\\\\\\\"\"", "1 .a=<\\\">"},
    {"a = \"\\u0041\\u00e9\\u20AC\\U0001f600\\uD7ff\\ue000\\U0010ffff\"",
     "1 .a=<Aé€😀\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf>"},
    {"a = \"\\u007f\\u0080\\u07ff\\u0800\\uffff\\U00010000\"",
     "1 .a=<\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80>"},
    {"a = \"Grüße, 世界 😀\"", "1 .a=<Grüße, 世界 😀>"},
    {"a = \"tab\there\"", "1 .a=<tab\there>"},
    // Numbers and booleans
    {"a = 0", "1 .a=0"},
    {"a = -0", "1 .a=0"},
    {"a = +17", "1 .a=17"},
    {"a = -17", "1 .a=-17"},
    {"a = 1_000_000", "1 .a=1000000"},
    {"a = 9223372036854775807", "1 .a=9223372036854775807"},
    {"a = -9223372036854775808", "1 .a=-9223372036854775808"},
    {"a = true\nb = false", "1 .a=true 2 .b=false"},
    // Arrays
    {"a = []", "1 .a=[]"},
    {"a = [ ]\nb = [\n]", "1 .a=[] 2 .b=[]"},
    {"a = [\"x\"]", "1 .a=[<x>]"},
    {"a = [\"x\", 'y',]", "1 .a=[<x><y>]"},
    {"a = [ # first\n  \"x\", # second\r\n\n  'y' # third\n  , \"z\" ]\nb = 1", "1 .a=[<x><y><z>] 6 .b=1"},
    {"a = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]", "1 .a=[<1><2><3><4><5><6><7><8><9>]"},
    {"a = [\"x, ]\"]", "1 .a=[<x, ]>]"},
    // Refused: what TOML has and we have not
    {"a = 1.5", "{1: a float, which is not supported}"},
    {"a = -1e3", "{1: a float, which is not supported}"},
    {"a = inf", "{1: a float, which is not supported}"},
    {"a = -nan", "{1: a float, which is not supported}"},
    {"\na = 1979-05-27", "{2: a date or a time, which is not supported}"},
    {"a = 1979-05-27T07:32:00Z", "{1: a date or a time, which is not supported}"},
    {"a = 07:32:00", "{1: a date or a time, which is not supported}"},
    {"a = 0xff", "{1: a number that is not decimal, which is not supported}"},
    {"a = 0o7", "{1: a number that is not decimal, which is not supported}"},
    {"a = { b = 1 }", "{1: an inline table, which is not supported}"},
    {"[[x]]", "{1: an array of tables, which is not supported}"},
    {"a.b = 1", "{1: a dotted key, which is not supported}"},
    {"a . b = 1", "{1: a dotted key, which is not supported}"},
    {"'a'.b = 1", "{1: a dotted key, which is not supported}"},
    {"[a.b]", "{1: a dotted table, which is not supported}"},
    {"a = \"\"\"x\"\"\"", "{1: a multi-line string, which is not supported}"},
    {"a = '''", "{1: a multi-line string, which is not supported}"},
    {"a = [1, 2]", "{1: an array holds quoted strings only, found an unquoted word}"},
    {"a = [[\"x\"]]", "{1: an array holds quoted strings only, found '['}"},
    {"a = [\n{}]", "{2: an array holds quoted strings only, found '{'}"},
    // Refused: what is no TOML
    {"a", "{1: expected '=' behind a key, found the end of the text}"},
    {"a\n= 1", "{1: expected '=' behind a key, found the end of the line}"},
    {"= 1", "{1: expected a key, found '='}"},
    {"a =", "{1: expected a value, found the end of the text}"},
    {"a =\r\n1", "{1: expected a value, found the end of the line}"},
    {"a = # nothing", "{1: expected a value, found a comment}"},
    {"a = ,", "{1: expected a value, found ','}"},
    {"a = yes", "{1: an unquoted text; texts stand in quotes}"},
    {"a = True", "{1: an unquoted text; texts stand in quotes}"},
    {"a = truest", "{1: an unquoted text; texts stand in quotes}"},
    {"a = -", "{1: an unquoted text; texts stand in quotes}"},
    {"a = _1", "{1: an unquoted text; texts stand in quotes}"},
    {"a = 127.0.0.1:53", "{1: an unquoted text; texts stand in quotes}"},
    {"a = 16GiB", "{1: an unquoted text; texts stand in quotes}"},
    {"a = 1__0", "{1: a misshapen number}"},
    {"a = 1_", "{1: a misshapen number}"},
    {"a = 007", "{1: a misshapen number}"},
    {"a = 12ab", "{1: an unquoted text; texts stand in quotes}"},
    {"a = 9223372036854775808", "{1: a number beyond 64 bits}"},
    {"a = -9223372036854775809", "{1: a number beyond 64 bits}"},
    {"a = 1 2", "{1: expected the end of the line, found an unquoted word}"},
    {"a = 'x' 'y'", "{1: expected the end of the line, found a quote}"},
    {"a = 1 é", "{1: expected the end of the line, found an unexpected character}"},
    {"a = \"x", "{1: a string without its closing quote}"},
    {"a = \"x\ny\"", "{1: a string without its closing quote}"},
    {"a = \"x\\\"", "{1: a string without its closing quote}"},
    {"a = \"x\\", "{1: a string without its closing quote}"},
    {"a = \"", "{1: a string without its closing quote}"},
    {"a = 'x", "{1: a string without its closing quote}"},
    {"a = \"\\q\"", "{1: an unknown escape in a string}"},
    {"a = \"\\\n\"", "{1: an unknown escape in a string}"},
    {"a = \"\\u12\"", "{1: an escape wants 4 hexadecimal digits}"},
    {"a = \"\\u12", "{1: a string without its closing quote}"},
    {"a = \"\\U0001f60g\"", "{1: an escape wants 8 hexadecimal digits}"},
    {"a = \"\\u0000\"", "{1: an escape stands for NUL}"},
    {"a = \"\\ud800\"", "{1: an escape stands for no Unicode character}"},
    {"a = \"\\U00110000\"", "{1: an escape stands for no Unicode character}"},
    {"a = [", "{1: an array holds quoted strings only, found the end of the text}"},
    {"a = [\n\"x\"\n\"y\"]", "{3: expected ',' or ']' in an array, found a quote}"},
    {"a = [\"x\"\n", "{2: expected ',' or ']' in an array, found the end of the text}"},
    {"a = [,]", "{1: an array holds quoted strings only, found ','}"},
    {"a = [\"x\",,]", "{1: an array holds quoted strings only, found ','}"},
    {"a = [] x", "{1: expected the end of the line, found an unquoted word}"},
    {"[x", "{1: expected ']', found the end of the text}"},
    {"[x\n]", "{1: expected ']', found the end of the line}"},
    {"[]", "{1: expected a table, found ']'}"},
    {"[x] y", "{1: expected the end of the line, found an unquoted word}"},
    {"]", "{1: expected a key, found ']'}"},
    {"a = 1\n\na = 2", "{3: a key for the second time, after line 1}"},
    {"[x]\na = 1\n'a' = 2", "{3: a key for the second time, after line 2}"},
    {"[x]\n[y]\n[x]", "{3: a table for the second time}"},
    // Refused: bytes
    {"a = \"\xff\"", "{1: byte 0xff is not UTF-8}"},
    {"\n# \xc3", "{2: byte 0xc3 is not UTF-8}"},
    {"# \x80", "{1: byte 0x80 is not UTF-8}"},
    {"# \xc0\xaf", "{1: byte 0xc0 is not UTF-8}"},
    {"# \xe0\x80\xaf", "{1: byte 0xe0 is not UTF-8}"},
    {"# \xed\xa0\x80", "{1: byte 0xed is not UTF-8}"},
    {"# \xf0\x8f\xbf\xbf", "{1: byte 0xf0 is not UTF-8}"},
    {"# \xf4\x90\x80\x80", "{1: byte 0xf4 is not UTF-8}"},
    {"# \xf0\x9f\x98", "{1: byte 0xf0 is not UTF-8}"},
    {"# \xe2\x82 ", "{1: byte 0xe2 is not UTF-8}"},
    {"a = 1\rb = 2", "{1: a carriage return without a line feed}"},
    {"a = 1\r", "{1: a carriage return without a line feed}"},
    {"a = \"\x1b[31m\"", "{1: control character 0x1b}"},
    {"# \x7f", "{1: control character 0x7f}"},
    {"a = 1\f", "{1: control character 0x0c}"},
};

static void each_text_is_read_or_refused_by_line_and_reason(void **)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_string_equal(read_all(CASES[i][0], strlen(CASES[i][0]), false), CASES[i][1]);
}

static void a_nul_is_refused_wherever_it_stands(void **)
{
    assert_string_equal(read_all("a = \"x\0y\"", 9, false), "{1: a NUL}");
    assert_string_equal(read_all("a = 1\n\0", 7, false), "{2: a NUL}");
    assert_string_equal(read_all("\0", 1, false), "{1: a NUL}");
}

static const char *const VALUES[][2] = {
    {"[\"a\", \"b,c\"]", "[<a><b,c>]"},
    {" [] ", "[]"},
    {"\n[\n'a' # one\n]\n# end", "[<a>]"},
    {"5", "5"},
    {"\"x\"", "<x>"},
    {"", "{1: expected a value, found the end of the text}"},
    {"[\"a\"] b", "{1: expected the end of the value, found an unquoted word}"},
    {"[\"a\"]\n5", "{2: expected the end of the value, found an unquoted word}"},
    {"[\"a\"", "{1: expected ',' or ']' in an array, found the end of the text}"},
    {"\x01", "{1: control character 0x01}"},
};

static void a_value_is_read_alone(void **)
{
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++)
        assert_string_equal(read_all(VALUES[i][0], strlen(VALUES[i][0]), true), VALUES[i][1]);
}

static void no_message_repeats_what_stands_for_a_value(void **)
{
    static const char *const TEXTS[] = {
        "a = hunter2",  "a = [hunter2]",     "a = [\"x\" hunter2]",     "a = \"hunter2", "a = 'x' hunter2",
        "a = 2hunter2", "a = \"\\hunter2\"", "a = \"\"\"hunter2\"\"\"", "hunter2",       "[x] hunter2"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        const char *told = read_all(TEXTS[i], strlen(TEXTS[i]), false);
        assert_int_equal(told[0], '{');
        assert_null(strstr(told, "hunter2"));
    }
}

static void every_beginning_of_a_good_text_ends_in_order(void **)
{
    static const char TEXT[] = "# c\r\n[a]\nb = \"\\u00e9\\\\x\" # é\n'c' = [\n \"d\", 'e', ] \nf = -1_0\ng = true\n";
    for (size_t n = 0; n < sizeof TEXT; n++)
        assert_non_null(read_all(TEXT, n, false));
    assert_string_equal(read_all(TEXT, sizeof TEXT - 1, false), "3 a.b=<é\\x> 4 a.c=[<d><e>] 6 a.f=-10 7 a.g=true");
}

static void too_many_keys_are_refused(void **)
{
    char *text = malloc(TOML_KEYS_MAX * 16 + 16);
    assert_non_null(text);
    int n = 0, n_last = 0;
    for (int i = 0; i <= TOML_KEYS_MAX; i++) {
        n_last = n;
        n += sprintf(text + n, "k%d = 1\n", i);
    }
    assert_string_equal(read_all(text, (size_t)n, false), "{1001: more than 1000 keys}");
    assert_memory_equal(read_all(text, (size_t)n_last, false), "1 .k0=1 2 .k1=1 ", 16);
    free(text);
}

static void an_arena_refuses_what_no_memory_could_hold(void **)
{
    struct arena *arena;
    assert_int_equal(arena_new(&arena), ERR_OK);
    assert_null(arena_take(arena, SIZE_MAX, 2));
    assert_null(arena_take(arena, SIZE_MAX, 1));
    uint8_t *zeroed = arena_take(arena, 3, 5);
    assert_non_null(zeroed);
    for (int i = 0; i < 15; i++)
        assert_int_equal(zeroed[i], 0);
    assert_non_null(arena_take(arena, 0, 8));
    assert_string_equal(arena_take_text(arena, (struct bytes){NULL, 0}), "");
    assert_string_equal(arena_take_text(arena, (struct bytes){(const uint8_t *)"abc", 2}), "ab");
    arena_free(arena);
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_text_is_read_or_refused_by_line_and_reason),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(a_value_is_read_alone),
        cmocka_unit_test(no_message_repeats_what_stands_for_a_value),
        cmocka_unit_test(every_beginning_of_a_good_text_ends_in_order),
        cmocka_unit_test(too_many_keys_are_refused),
        cmocka_unit_test(an_arena_refuses_what_no_memory_could_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
