// SPDX-License-Identifier: MIT
// The option table: what each type reads, and what is printed of the table.
#include "option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct conf *conf_of(struct arena *arena)
{
    struct conf *conf = arena_take(arena, 1, sizeof *conf);
    assert_non_null(conf);
    conf->arena = arena;
    return conf;
}

static void write_texts(FILE *out, struct texts texts)
{
    for (size_t i = 0; i < texts.n; i++)
        fprintf(out, "<%s>", texts.at[i]);
}

static void write_field(FILE *out, const struct conf *conf, const struct option *option)
{
    const void *field = (const char *)conf + option->offset;
    const struct cidrs *cidrs = field;
    const struct tokens *tokens = field;
    char text[CIDR_TEXT_MAX];
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_CHOICE:
        fprintf(out, "<%s>", *(const char *const *)field);
        break;
    case OPTION_LIST:
    case OPTION_LINES:
        write_texts(out, *(const struct texts *)field);
        break;
    case OPTION_NETWORKS:
        for (size_t i = 0; i < cidrs->n; i++)
            fprintf(out, "<%s>", cidr_write(cidrs->at[i], text));
        break;
    case OPTION_TOKENS:
        for (size_t i = 0; i < tokens->n; i++)
            fprintf(out, "<%s|%s>", tokens->at[i].name, tokens->at[i].secret);
        break;
    case OPTION_NUMBER:
    case OPTION_SIZE:
        fprintf(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case OPTION_BOOL:
        fputs(*(const bool *)field ? "true" : "false", out);
        break;
    }
}

// What becomes of an option that is given `toml`; in curly brackets why it is refused.
static const char *set(enum option_id id, const char *toml)
{
    static char result[600];
    struct arena *arena;
    struct toml_value value;
    struct toml_error error;
    char why[OPTION_WHY_MAX];
    assert_int_equal(arena_new(&arena), ERR_OK);
    struct conf *conf = conf_of(arena);
    assert_int_equal(toml_parse_value(bytes_of_text(toml), arena, &value, &error), ERR_OK);
    FILE *out = fmemopen(result, sizeof result, "w");
    assert_non_null(out);
    enum err err = option_set(&OPTIONS[id], conf, &value, why);
    if (err == ERR_OK)
        write_field(out, conf, &OPTIONS[id]);
    else
        fprintf(out, "{%s}", why);
    fputc(0, out);
    fclose(out);
    arena_free(arena);
    return result;
}

#define TOKENS_ALLOWED   "; allowed: NAME:TOKEN, the token at least 16 of A-Z a-z 0-9 - _}"
#define NETWORKS_ALLOWED "; allowed: 192.0.2.0/24, 2001:db8::/32 and the like}"

static const struct {
    enum option_id id;
    const char *toml;
    const char *expected;
} CASES[] = {
    {OPTION_ID_api_port, "443", "443"},
    {OPTION_ID_api_port, "\"443\"", "443"},
    {OPTION_ID_api_port, "\"0\"", "0"},
    {OPTION_ID_api_port, "65535", "65535"},
    {OPTION_ID_api_port, "65536", "{65536 is out of range; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "-1", "{-1 is out of range; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"-1\"", "{-1 is out of range; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"abc\"", "{\"abc\" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"\"", "{\"\" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"-\"", "{\"-\" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"80 \"", "{\"80 \" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"0x50\"", "{\"0x50\" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "\"99999999999999999999\"", "{\"99999999999999999999\" is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "true", "{a boolean is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_api_port, "[\"80\"]", "{a list is not a number; allowed: 0 to 65535}"},
    {OPTION_ID_general_txt_values, "0", "{0 is out of range; allowed: 1 to 64}"},
    {OPTION_ID_api_hsts_max_age, "4294967295", "4294967295"},

    {OPTION_ID_api_use_header, "true", "true"},
    {OPTION_ID_api_use_header, "false", "false"},
    {OPTION_ID_api_use_header, "\"True\"", "true"},
    {OPTION_ID_api_use_header, "\"false\"", "false"},
    {OPTION_ID_api_use_header, "\"yes\"", "{\"yes\" is neither true nor false; allowed: true, false}"},
    {OPTION_ID_api_use_header, "\"\"", "{\"\" is neither true nor false; allowed: true, false}"},
    {OPTION_ID_api_use_header, "1", "{a number is not a boolean; allowed: true, false}"},

    {OPTION_ID_database_map_size, "1048576", "1048576"},
    {OPTION_ID_database_map_size, "\"1048576\"", "1048576"},
    {OPTION_ID_database_map_size, "\"1048576B\"", "1048576"},
    {OPTION_ID_database_map_size, "\"16GiB\"", "17179869184"},
    {OPTION_ID_database_map_size, "\"16 gib\"", "17179869184"},
    {OPTION_ID_database_map_size, "\"64M\"", "67108864"},
    {OPTION_ID_database_map_size, "\"512MB\"", "512000000"},
    {OPTION_ID_database_map_size, "\"2048K\"", "2097152"},
    {OPTION_ID_database_map_size, "\"2000kB\"", "2000000"},
    {OPTION_ID_database_map_size, "\"1G\"", "1073741824"},
    {OPTION_ID_database_map_size, "\"1GB\"", "1000000000"},
    {OPTION_ID_database_map_size, "\"16T\"", "17592186044416"},
    {OPTION_ID_database_map_size, "\"1TB\"", "1000000000000"},
    {OPTION_ID_database_map_size, "\"17TiB\"", "{18691697672192 is out of range; allowed: 1MiB to 16TiB}"},
    {OPTION_ID_database_map_size, "1048575", "{1048575 is out of range; allowed: 1MiB to 16TiB}"},
    {OPTION_ID_database_map_size, "\"1.5G\"", "{\"1.5G\" is not a size such as 512MiB; allowed: 1MiB to 16TiB}"},
    {OPTION_ID_database_map_size, "\"much\"", "{\"much\" is not a size such as 512MiB; allowed: 1MiB to 16TiB}"},
    {OPTION_ID_database_map_size, "\"9999999999T\"",
     "{\"9999999999T\" is not a size such as 512MiB; allowed: 1MiB to 16TiB}"},
    {OPTION_ID_database_map_size, "false", "{a boolean is not a size; allowed: 1MiB to 16TiB}"},

    {OPTION_ID_general_protocol, "\"both4\"", "<both4>"},
    {OPTION_ID_general_protocol, "\"UDP6\"", "<udp6>"},
    {OPTION_ID_general_protocol, "\"bot\"",
     "{\"bot\" is not known; allowed: both, both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6}"},
    {OPTION_ID_general_protocol, "\"|\"",
     "{\"|\" is not known; allowed: both, both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6}"},
    {OPTION_ID_general_protocol, "5",
     "{a number is not a text; allowed: both, both4, both6, udp, udp4, udp6, tcp, tcp4, tcp6}"},
    {OPTION_ID_logconfig_loglevel, "\"Warning\"", "<warning>"},
    {OPTION_ID_logconfig_loglevel, "\"loud\"", "{\"loud\" is not known; allowed: debug, info, warn, error}"},
    {OPTION_ID_database_engine, "\"postgres\"", "<postgres>"},
    {OPTION_ID_database_engine, "\"mysql\"", "{\"mysql\" is not known; allowed: lmdb, etcd}"},

    {OPTION_ID_general_nsname, "\"ns.example.org\"", "<ns.example.org>"},
    {OPTION_ID_general_nsname, "\"\"", "<>"},
    {OPTION_ID_general_nsname, "7", "{a number is not a text; allowed: at most 254 characters}"},
    {OPTION_ID_database_connection, "\"\"", "{it is empty; allowed: 1 to 4000 characters}"},

    {OPTION_ID_general_listen, "\":53\"", "<:53>"},
    {OPTION_ID_general_listen, "\"127.0.0.1:53,[::1]:53\"", "<127.0.0.1:53><[::1]:53>"},
    {OPTION_ID_general_listen, "\" a ,\\tb b\\t, ,, c,\"", "<a><b b><c>"},
    {OPTION_ID_general_listen, "\"  \"", ""},
    {OPTION_ID_general_listen, "\"\"", ""},
    {OPTION_ID_general_listen, "[]", ""},
    {OPTION_ID_general_listen, "[\"\"]", ""},
    {OPTION_ID_general_listen, "[\"a\", \"\", \"b,c\"]", "<a><b,c>"},
    {OPTION_ID_general_listen, "53", "{a number is not a list; allowed: 1 to 64 entries}"},
    {OPTION_ID_general_listen, "true", "{a boolean is not a list; allowed: 1 to 64 entries}"},
    {OPTION_ID_general_records, "\"a. TXT \\\"x, y\\\"\"", "<a. TXT \"x, y\">"},
    {OPTION_ID_general_records, "[\"a. A 192.0.2.1\", \"b. A 192.0.2.2\"]", "<a. A 192.0.2.1><b. A 192.0.2.2>"},
    {OPTION_ID_general_records, "\"\"", ""},

    {OPTION_ID_api_trusted_proxies, "\"10.1.2.3/8, [2001:db8::]/32\"", "<10.1.2.3/8><2001:db8::/32>"},
    {OPTION_ID_api_trusted_proxies, "[\"192.0.2.1\"]", "<192.0.2.1/32>"},
    {OPTION_ID_api_trusted_proxies, "[]", ""},
    {OPTION_ID_api_trusted_proxies, "[\"10.0.0.0/8\", \"nonsense\"]",
     "{\"nonsense\" is not a network" NETWORKS_ALLOWED},
    {OPTION_ID_api_trusted_proxies, "8", "{a number is not a list" NETWORKS_ALLOWED},

    {OPTION_ID_api_registration_tokens, "[\"ops:abcdefghijklmnop\", \"a.b-c_9:-_34567890123456\"]",
     "<ops|abcdefghijklmnop><a.b-c_9|-_34567890123456>"},
    {OPTION_ID_api_registration_tokens, "\"a:0123456789abcdef,b:0123456789abcdeg\"",
     "<a|0123456789abcdef><b|0123456789abcdeg>"},
    {OPTION_ID_api_registration_tokens, "[]", ""},
    {OPTION_ID_api_registration_tokens, "[\"ops:0123456789abcde\"]",
     "{the token of entry 1 is too short or holds other characters" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "[\"ops:0123456789abcdef\", \"x:0123456789.abcdef\"]",
     "{the token of entry 2 is too short or holds other characters" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "[\"ops:0123456789abcdef:x\"]",
     "{the token of entry 1 is too short or holds other characters" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "[\"0123456789abcdef\"]",
     "{entry 1 does not begin with a name of A-Z a-z 0-9 - _ . and a colon" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "[\":0123456789abcdef\"]",
     "{entry 1 does not begin with a name of A-Z a-z 0-9 - _ . and a colon" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "[\"o p:0123456789abcdef\"]",
     "{entry 1 does not begin with a name of A-Z a-z 0-9 - _ . and a colon" TOKENS_ALLOWED},
    {OPTION_ID_api_registration_tokens, "123456789012345678", "{a number is not a list" TOKENS_ALLOWED},
};

static void each_type_reads_what_it_should_and_says_what_it_wants(void **)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_string_equal(set(CASES[i].id, CASES[i].toml), CASES[i].expected);
}

static void what_is_too_long_or_too_many_is_refused(void **)
{
    char text[600] = "\"";
    memset(text + 1, 'x', 255);
    strcpy(text + 256, "\"");
    assert_string_equal(set(OPTION_ID_general_nsname, text),
                        "{it has 255 characters; allowed: at most 254 characters}");
    strcpy(text, "\"");
    for (int i = 0; i < 65; i++)
        strcat(text, "a,");
    strcat(text, "\"");
    assert_string_equal(set(OPTION_ID_general_listen, text),
                        "{it has 65 entries, more than 64; allowed: 1 to 64 entries}");
    strcpy(text, "\"");
    memset(text + 1, 'x', 500);
    strcpy(text + 501, "\"");
    assert_true(strlen(set(OPTION_ID_api_port, text)) < 120);
}

static void names_fold_case_and_other_spellings_are_known(void **)
{
    assert_int_equal(option_find("api", "port"), OPTION_ID_api_port);
    assert_int_equal(option_find("API", "Port"), OPTION_ID_api_port);
    assert_int_equal(option_find("general", "txt_limit"), OPTION_ID_general_txt_values);
    assert_int_equal(option_find("general", "port"), N_OPTIONS);
    assert_int_equal(option_find("", ""), N_OPTIONS);
    assert_true(option_is_gone("api", "AutoCert_port"));
    assert_false(option_is_gone("api", "port"));
}

static void no_two_options_share_a_name_or_a_variable(void **)
{
    for (enum option_id i = 0; i < N_OPTIONS; i++) {
        char mine[OPTION_ENVIRONMENT_MAX], other[OPTION_ENVIRONMENT_MAX];
        assert_int_equal(option_find(OPTIONS[i].section, OPTIONS[i].key), i);
        option_environment(&OPTIONS[i], mine);
        assert_int_equal(strspn(mine, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"), strlen(mine));
        for (enum option_id j = 0; j < i; j++)
            assert_string_not_equal(mine, option_environment(&OPTIONS[j], other));
    }
    char name[OPTION_ENVIRONMENT_MAX];
    assert_string_equal(option_environment(&OPTIONS[OPTION_ID_general_listen], name), "ACMEZONE_GENERAL_LISTEN");
}

// What `print` writes; to be freed.
static char *printed(void (*print)(FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    print(out);
    fclose(out);
    return text;
}

static void fail_on_message(void *, bool, const char *text)
{
    fail_msg("%s", text);
}

static struct conf *load(const char *text)
{
    struct conf *conf;
    assert_int_equal(
        config_load_text(&conf, bytes_of_text(text), "FILE", (struct config_sink){.on_text = fail_on_message}), ERR_OK);
    return conf;
}

// Every field of a conf as text; to be freed.
static char *fields_of(const struct conf *conf)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        fprintf(out, "%s.%s=", OPTIONS[id].section, OPTIONS[id].key);
        write_field(out, conf, &OPTIONS[id]);
        fputc('\n', out);
    }
    fclose(out);
    return text;
}

static void the_sample_is_the_defaults_with_and_without_its_comments(void **)
{
    char *sample = printed(config_print_sample), *uncommented = malloc(strlen(sample) + 1), *to = uncommented;
    assert_non_null(uncommented);
    for (const char *at = sample; *at != 0; at++) {
        bool is_line_start = at == sample || at[-1] == '\n';
        if (!(is_line_start && at[0] == '#' && at[1] != ' '))
            *to++ = *at;
    }
    *to = 0;
    assert_true(strlen(uncommented) + N_OPTIONS - 1 == strlen(sample));
    struct conf *defaults = load("[general]\ndomain = \"auth.example.org\"\n");
    struct conf *commented = load(sample), *plain = load(uncommented);
    char *fields[] = {fields_of(defaults), fields_of(commented), fields_of(plain)};
    assert_string_equal(fields[0], fields[1]);
    assert_string_equal(fields[0], fields[2]);
    for (int i = 0; i < 3; i++)
        free(fields[i]);
    config_free(defaults);
    config_free(commented);
    config_free(plain);
    free(sample);
    free(uncommented);
}

static void the_sample_file_in_the_tree_is_what_the_program_prints(void **)
{
    char *sample = printed(config_print_sample), *file = calloc(1, 65536);
    FILE *in = fopen("deploy/acmezone.cfg", "r");
    assert_non_null(in);
    assert_non_null(file);
    assert_true(fread(file, 1, 65535, in) > 0);
    fclose(in);
    assert_string_equal(file, sample);
    free(sample);
    free(file);
}

static void every_option_is_listed_with_its_variable_default_and_help(void **)
{
    char *list = printed(config_print_options), *markdown = printed(config_print_markdown);
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        char name[OPTION_ENVIRONMENT_MAX], row[80], beginning[40];
        assert_non_null(strstr(list, option_environment(&OPTIONS[id], name)));
        snprintf(row, sizeof row, "\n  %s: ", OPTIONS[id].key);
        assert_non_null(strstr(list, row));
        snprintf(beginning, sizeof beginning, "      %.30s", OPTIONS[id].help);
        assert_non_null(strstr(list, beginning));
        snprintf(row, sizeof row, "\n| `%s` | ", OPTIONS[id].key);
        assert_non_null(strstr(markdown, row));
        assert_null(strchr(OPTIONS[id].help, '|'));
    }
    assert_non_null(strstr(list, "  port: number (port); 0 to 65535; default 443\n"));
    assert_non_null(strstr(list, "default [\"127.0.0.0/8\", \"::1/128\"]\n"));
    assert_non_null(strstr(list, "  domain: list (domain name); 1 to 64 entries; must be given\n"));
    assert_non_null(strstr(markdown, "| `map_size` | `\"16GiB\"` | size (bytes) | 1MiB to 16TiB | "));
    for (const char *line = list; *line != 0; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 120);
    for (const char *line = markdown; *line != 0; line += strcspn(line, "\n") + 1) {
        size_t n_bars = 0;
        for (size_t i = 0; line[i] != '\n'; i++)
            n_bars += line[i] == '|';
        assert_true(n_bars == 6 || (n_bars == 0 && line[0] == '\n'));
    }
    free(list);
    free(markdown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_reads_what_it_should_and_says_what_it_wants),
        cmocka_unit_test(what_is_too_long_or_too_many_is_refused),
        cmocka_unit_test(names_fold_case_and_other_spellings_are_known),
        cmocka_unit_test(no_two_options_share_a_name_or_a_variable),
        cmocka_unit_test(the_sample_is_the_defaults_with_and_without_its_comments),
        cmocka_unit_test(the_sample_file_in_the_tree_is_what_the_program_prints),
        cmocka_unit_test(every_option_is_listed_with_its_variable_default_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
