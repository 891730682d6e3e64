// SPDX-License-Identifier: MIT
// check_report: the findings on paper and as JSON.
#include "check.h"

static const struct {
    const char *mark;
    const char *colour;
} looks[] = {
    [VERDICT_SKIP] = {"-   ", "\033[2m"},
    [VERDICT_OK] = {"ok  ", "\033[32m"},
    [VERDICT_WARN] = {"warn", "\033[33m"},
    [VERDICT_FAIL] = {"FAIL", "\033[31m"},
};

void check_print(const struct check *check, FILE *out, bool has_colour)
{
    fprintf(out, "%s\n", check_domain(check));
    for (const struct finding *finding = check_findings(check); finding != NULL; finding = finding->next) {
        const char *colour = has_colour ? looks[finding->verdict].colour : "", *end = has_colour ? "\033[0m" : "";
        fprintf(out, "  %s%s%s  %-10s  %s\n", colour, looks[finding->verdict].mark, end, finding->step, finding->text);
        if (finding->fix != NULL)
            fprintf(out, "                    -> %s\n", finding->fix);
    }
    static const char *const SUMS[] = {
        [VERDICT_SKIP] = "nothing was looked at",
        [VERDICT_OK] = "all is well: an authority finds the challenges of this domain",
        [VERDICT_WARN] = "it works, but see the warnings",
        [VERDICT_FAIL] = "a validation would fail",
    };
    fprintf(out, "  => %s\n", SUMS[check_verdict(check)]);
}

json_t *check_json(const struct check *check)
{
    json_t *steps = json_array();
    for (const struct finding *finding = check_findings(check); steps != NULL && finding != NULL;
         finding = finding->next) {
        json_t *step = json_pack("{s:s, s:s, s:s, s:s?}", "step", finding->step, "verdict",
                                 verdict_word(finding->verdict), "text", finding->text, "fix", finding->fix);
        if (json_array_append_new(steps, step) != 0) {
            json_decref(steps);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:s?, s:o}", "domain", check_domain(check), "verdict",
                     verdict_word(check_verdict(check)), "target", check_target(check), "steps", steps);
}
