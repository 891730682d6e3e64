// SPDX-License-Identifier: MIT
// A configuration file. Whatever is wrong with it is told in lines that cannot break a log; one that is sound has every
// number in its range, and written down again and read again it is the same; its records make zones or are refused.
#include "config.h"
#include "fuzz.h"
#include "option.h"
#include "zone.h"

// ldns 1.8.3 loses two bytes when it refuses the algorithm of a CERT record. To know that it was ldns takes whole
// stacks.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:ldns_str2rdf_cert_alg";
}

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

static unsigned n_errors;

static void on_text(void *, bool is_error, const char *text)
{
    require(strpbrk(text, "\n\r") == NULL, "a message of more than one line");
    n_errors += is_error;
}

static void put_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 0x7f)
            fprintf(out, "\\u%04X", c);
        else
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputc('"', out);
}

static void put_texts(FILE *out, struct texts texts)
{
    fputc('[', out);
    for (size_t i = 0; i < texts.n; i++) {
        put_text(out, texts.at[i]);
        fputc(',', out);
    }
    fputc(']', out);
}

static void put_networks(FILE *out, struct cidrs networks)
{
    char text[CIDR_TEXT_MAX];
    fputc('[', out);
    for (size_t i = 0; i < networks.n; i++)
        fprintf(out, "\"%s\",", cidr_write(networks.at[i], text));
    fputc(']', out);
}

static void put_tokens(FILE *out, struct tokens tokens)
{
    fputc('[', out);
    for (size_t i = 0; i < tokens.n; i++)
        fprintf(out, "\"%s:%s\",", tokens.at[i].name, tokens.at[i].secret);
    fputc(']', out);
}

static void put_value(FILE *out, const struct option *option, const void *field)
{
    switch (option->type) {
    case OPTION_TEXT:
    case OPTION_CHOICE:
        put_text(out, *(const char *const *)field);
        break;
    case OPTION_LIST:
    case OPTION_LINES:
        put_texts(out, *(const struct texts *)field);
        break;
    case OPTION_NETWORKS:
        put_networks(out, *(const struct cidrs *)field);
        break;
    case OPTION_TOKENS:
        put_tokens(out, *(const struct tokens *)field);
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

// All options as a file. To be freed.
static char *write_conf(const struct conf *conf, size_t *n)
{
    char *text = NULL;
    const char *section = "";
    FILE *out = open_memstream(&text, n);
    require(out != NULL, "memory");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *option = &OPTIONS[i];
        if (strcmp(section, option->section) != 0)
            fprintf(out, "[%s]\n", option->section);
        section = option->section;
        fprintf(out, "%s = ", option->key);
        put_value(out, option, (const char *)conf + option->offset);
        fputc('\n', out);
    }
    require(fclose(out) == 0, "memory");
    return text;
}

static void check_ranges(const struct conf *conf)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *option = &OPTIONS[i];
        if (option->type != OPTION_NUMBER && option->type != OPTION_SIZE)
            continue;
        int64_t value = *(const int64_t *)(const void *)((const char *)conf + option->offset);
        require(value >= option->min && value <= option->max, option->key);
    }
    require(conf->general_domain.n != 0, "no domain");
}

static void check_again(const struct conf *conf)
{
    struct conf *again;
    size_t n, n_again;
    char *text = write_conf(conf, &n);
    enum err err = config_load_text(&again, (struct bytes){(const uint8_t *)text, n}, "again",
                                    (struct config_sink){on_text, NULL});
    require(err == ERR_OK, "what is written does not parse");
    char *text_again = write_conf(again, &n_again);
    require(n == n_again && memcmp(text, text_again, n) == 0, "not the same");
    config_free(again);
    free(text);
    free(text_again);
}

static void check_zones(const struct conf *conf)
{
    struct zones *zones;
    enum err err = zones_new(&zones, conf, NULL);
    require(err == ERR_OK || err == ERR_SYNTAX, "an error that nobody expects");
    if (err == ERR_OK)
        zones_drop(zones);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct conf *conf;
    uint8_t *copy = fuzz_copy((struct bytes){data, n});
    n_errors = 0;
    enum err err = config_load_text(&conf, (struct bytes){copy, n}, "fuzz.cfg", (struct config_sink){on_text, NULL});
    free(copy);
    require(err == ERR_OK || err == ERR_SYNTAX, "an error that nobody expects");
    require((err == ERR_OK) == (n_errors == 0), "refused without a word, or taken with an error");
    if (err != ERR_OK)
        return 0;
    check_ranges(conf);
    check_again(conf);
    check_zones(conf);
    config_free(conf);
    return 0;
}
