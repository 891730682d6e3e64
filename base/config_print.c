// SPDX-License-Identifier: MIT
// config_print: the option table for people, in three shapes, and for programs as a JSON Schema.
//
// The text list and the sample share their words: a line that says what kind of value is wanted (write_kind) and the
// default as the file would write it (print_default). Help is wrapped at blanks behind a prefix. What a default looks
// like in TOML it also looks like in JSON.
#include "option.h"

#include <string.h>

#define TEXT_WIDTH   100
#define KIND_MAX     256
#define SAMPLE_VALUE "\"auth.example.org\"" // of the one option that must be given

static void print_wrapped(FILE *out, const char *prefix, const char *text)
{
    size_t n_line = 0;
    while (*text != 0) {
        size_t n_word = strcspn(text, " ");
        if (n_line > 0 && n_line + 1 + n_word > TEXT_WIDTH) {
            fputc('\n', out);
            n_line = 0;
        }
        n_line += (size_t)fprintf(out, "%s%.*s", n_line == 0 ? prefix : " ", (int)n_word, text);
        text += n_word + strspn(text + n_word, " ");
    }
    fputc('\n', out);
}

// Says what kind of value an option takes, such as "number of seconds".
static const char *write_kind(const struct option *option, char text[static KIND_MAX])
{
    static const char *const KINDS[] = {
        [OPTION_TEXT] = "text",     [OPTION_CHOICE] = "word",   [OPTION_LIST] = "list",
        [OPTION_LINES] = "list",    [OPTION_NETWORKS] = "list", [OPTION_TOKENS] = "list",
        [OPTION_NUMBER] = "number", [OPTION_SIZE] = "size",     [OPTION_BOOL] = "boolean",
    };
    bool has_unit = option->type != OPTION_CHOICE && *option->unit != 0;
    snprintf(text, KIND_MAX, has_unit ? "%s (%s)" : "%s", KINDS[option->type], option->unit);
    return text;
}

// The default as the file writes it.
static void print_default(FILE *out, const struct option *option)
{
    const char *text = option->fallback;
    if (option->type == OPTION_NUMBER || option->type == OPTION_BOOL) {
        fputs(text, out);
    } else if (!option_is_list(option)) {
        fprintf(out, "\"%s\"", text);
    } else {
        fputc('[', out);
        for (const char *separator = ""; *text != 0; separator = ", ") {
            size_t n = strcspn(text, ",");
            fprintf(out, "%s\"%.*s\"", separator, (int)n, text);
            text += n + (text[n] == ',');
        }
        fputc(']', out);
    }
}

static bool is_mandatory(const struct option *option)
{
    return option_is_list(option) && option->min > 0 && *option->fallback == 0;
}

static bool starts_section(enum option_id id)
{
    return id == 0 || strcmp(OPTIONS[id].section, OPTIONS[id - 1].section) != 0;
}

void config_print_options(FILE *out)
{
    char kind[KIND_MAX], allowed[OPTION_ALLOWED_MAX], name[OPTION_ENVIRONMENT_MAX];
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        const struct option *option = &OPTIONS[id];
        if (starts_section(id))
            fprintf(out, "%s[%s]\n", id == 0 ? "" : "\n", option->section);
        fprintf(out, "  %s: %s; %s; ", option->key, write_kind(option, kind), option_allowed(option, allowed));
        if (is_mandatory(option)) {
            fputs("must be given", out);
        } else {
            fputs("default ", out);
            print_default(out, option);
        }
        fputc('\n', out);
        print_wrapped(out, "      ", option->help);
        fprintf(out, "      %s\n", option_environment(option, name));
    }
}

void config_print_sample(FILE *out)
{
    char kind[KIND_MAX], allowed[OPTION_ALLOWED_MAX];
    print_wrapped(
        out, "# ",
        "The configuration of acmezone: every option with its default. An option [section] key may also be given "
        "by the environment variable ACMEZONE_SECTION_KEY, which wins. This file is what \"acmezone "
        "config --sample\" prints.");
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        const struct option *option = &OPTIONS[id];
        if (starts_section(id))
            fprintf(out, "\n[%s]\n", option->section);
        fputc('\n', out);
        print_wrapped(out, "# ", option->help);
        fprintf(out, "# %s; %s\n", write_kind(option, kind), option_allowed(option, allowed));
        fprintf(out, is_mandatory(option) ? "%s = " : "#%s = ", option->key);
        if (is_mandatory(option))
            fputs(SAMPLE_VALUE, out);
        else
            print_default(out, option);
        fputc('\n', out);
    }
}

void config_print_markdown(FILE *out)
{
    char kind[KIND_MAX], allowed[OPTION_ALLOWED_MAX];
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        const struct option *option = &OPTIONS[id];
        if (starts_section(id))
            fprintf(out, "%s| `[%s]` | Default | Kind | Allowed | Meaning |\n|---|---|---|---|---|\n",
                    id == 0 ? "" : "\n", option->section);
        fprintf(out, "| `%s` | ", option->key);
        if (is_mandatory(option)) {
            fputs("must be given", out);
        } else {
            fputc('`', out);
            print_default(out, option);
            fputc('`', out);
        }
        fprintf(out, " | %s | %s | %s |\n", write_kind(option, kind), option_allowed(option, allowed), option->help);
    }
}

static void print_json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != 0; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

// The words before '|', as the JSON array says them.
static void print_enum(FILE *out, const char *words)
{
    fputs("\"enum\": [", out);
    for (const char *separator = ""; *words != 0 && *words != '|'; separator = ", ") {
        size_t n = strcspn(words, " ");
        fprintf(out, "%s\"%.*s\"", separator, (int)n, words);
        words += n + strspn(words + n, " ");
    }
    fputc(']', out);
}

#define LIST_KEYWORDS                                                                                                  \
    "\"type\": [\"array\", \"string\"], \"items\": {\"type\": \"string\"}, \"minItems\": %lld, \"maxItems\": %lld"

// The keywords that say which values are sound, as the file and the environment may write them.
static void print_json_kind(FILE *out, const struct option *option)
{
    static const char *const KEYWORDS[] = {
        [OPTION_TEXT] = "\"type\": \"string\", \"minLength\": %lld, \"maxLength\": %lld",
        [OPTION_NUMBER] = "\"type\": \"integer\", \"minimum\": %lld, \"maximum\": %lld",
        [OPTION_SIZE] = "\"type\": [\"string\", \"integer\"], \"minimum\": %lld, \"maximum\": %lld",
        [OPTION_LIST] = LIST_KEYWORDS,
        [OPTION_LINES] = LIST_KEYWORDS,
        [OPTION_NETWORKS] = LIST_KEYWORDS,
        [OPTION_TOKENS] = LIST_KEYWORDS,
    };
    if (option->type == OPTION_CHOICE)
        print_enum(out, option->unit);
    else if (option->type == OPTION_BOOL)
        fputs("\"type\": \"boolean\"", out);
    else
        fprintf(out, KEYWORDS[option->type], (long long)option->min, (long long)option->max);
    if (option->type == OPTION_SIZE)
        fputs(", \"pattern\": \"^[0-9]+ ?([KMGTkmgt]([iI]?[bB])?|[bB])?$\"", out);
}

void config_print_schema(FILE *out)
{
    fputs("{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n  \"type\": \"object\",\n"
          "  \"additionalProperties\": false,\n  \"properties\": {\n",
          out);
    for (enum option_id id = 0; id < N_OPTIONS; id++) {
        const struct option *option = &OPTIONS[id];
        if (starts_section(id))
            fprintf(out,
                    "%s    \"%s\": {\n      \"type\": \"object\",\n      \"additionalProperties\": false,\n"
                    "      \"properties\": {\n",
                    id == 0 ? "" : "\n      }\n    },\n", option->section);
        fprintf(out, "%s        \"%s\": {", starts_section(id) ? "" : ",\n", option->key);
        print_json_kind(out, option);
        if (!is_mandatory(option)) {
            fputs(", \"default\": ", out);
            print_default(out, option);
        }
        fputs(", \"description\": ", out);
        print_json_text(out, option->help);
        fputc('}', out);
    }
    fputs("\n      }\n    }\n  }\n}\n", out);
}
