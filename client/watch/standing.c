// SPDX-License-Identifier: MIT
// standing: one enum, changed by one function, `judge`, from what was known and what was seen.
//
// A domain that was never in order is pending; one that was, is broken. A single bad look at something that was in
// order is not believed: networks hiccup, and an alert at night has to be worth it. What is in order again is believed
// at once.
//
// An alert is a key, and the last key that was delivered is remembered; while the two differ there is something to
// tell. So nothing is told twice, and what could not be delivered is tried again at the next look.
#include "standing.h"

#include <stdio.h>
#include <string.h>

enum { S_PER_DAY = 86400 };

static const char *const WORDS[] = {
#define STANDING_WORD(name, word) word,
    STANDING_LIST(STANDING_WORD)
#undef STANDING_WORD
};

const char *standing_word(enum standing_state state)
{
    return WORDS[state];
}

int64_t standing_days(const struct standing *standing, int64_t now_s)
{
    int64_t left_s = standing->not_after_s - now_s;
    return left_s >= 0 ? left_s / S_PER_DAY : -((-left_s + S_PER_DAY - 1) / S_PER_DAY);
}

// The smallest threshold that the certificate has come down to; -1: none.
static int threshold_of(const struct standing_rules *rules, int64_t not_after_s, int64_t now_s)
{
    if (not_after_s == 0)
        return -1;
    if (not_after_s <= now_s)
        return 0;
    int found = -1;
    for (unsigned i = 0; i < rules->n_days; i++)
        if (not_after_s - now_s <= (int64_t)rules->days[i] * S_PER_DAY)
            found = (int)rules->days[i];
    return found;
}

struct judgement {
    enum standing_state state;
    char reason[STANDING_REASON_MAX];
};

static struct judgement judge_without(const struct standing *standing, const struct sight *sight)
{
    struct judgement made = {.state = STANDING_VERIFIED};
    if (standing->had_certificate) {
        made.state = STANDING_BROKEN;
        snprintf(made.reason, sizeof made.reason, "the certificate is gone: %.450s", sight->certificate_reason);
    } else if (!sight->is_delegated) {
        made.state = standing->was_verified ? STANDING_BROKEN : STANDING_PENDING;
        snprintf(made.reason, sizeof made.reason, "%.500s", sight->delegation);
    } else if (!sight->has_place) {
        snprintf(made.reason, sizeof made.reason, "the delegation is in order");
    } else {
        made.state = sight->has_value ? STANDING_ISSUING : STANDING_VERIFIED;
        snprintf(made.reason, sizeof made.reason, "%s, no certificate yet: %.400s",
                 sight->has_value ? "a challenge is published" : "the delegation is in order",
                 sight->certificate_reason);
    }
    return made;
}

static struct judgement judge(const struct standing *standing, const struct sight *sight,
                              const struct standing_rules *rules)
{
    struct judgement made = {.state = STANDING_BROKEN};
    struct standing seen = {.not_after_s = sight->not_after_s};
    long long days = standing_days(&seen, sight->now_s);
    if (sight->certificate == CERTIFICATE_NONE)
        return judge_without(standing, sight);
    if (sight->certificate == CERTIFICATE_BAD) {
        snprintf(made.reason, sizeof made.reason, "%.500s", sight->certificate_reason);
    } else if (!sight->is_delegated) {
        snprintf(made.reason, sizeof made.reason, "the certificate ends in %lld days and could not be renewed: %.400s",
                 days, sight->delegation);
    } else {
        bool is_soon = threshold_of(rules, sight->not_after_s, sight->now_s) >= 0;
        made.state = is_soon ? STANDING_EXPIRING : STANDING_LIVE;
        snprintf(made.reason, sizeof made.reason, "the certificate is good for %lld more days", days);
    }
    return made;
}

bool standing_update(struct standing *standing, const struct sight *sight, const struct standing_rules *rules)
{
    struct judgement made = judge(standing, sight, rules);
    standing->was_verified |= sight->is_delegated;
    standing->had_certificate |= sight->certificate == CERTIFICATE_GOOD;
    if (sight->not_after_s != 0)
        standing->not_after_s = sight->not_after_s;
    standing->n_bad = made.state == STANDING_BROKEN ? standing->n_bad + 1 : 0;
    if (standing->is_known && made.state == STANDING_BROKEN && standing->state != STANDING_BROKEN &&
        standing->n_bad < rules->n_confirm)
        return false;
    bool has_changed = !standing->is_known || made.state != standing->state;
    standing->is_known = true;
    standing->state = made.state;
    memcpy(standing->reason, made.reason, sizeof standing->reason);
    if (has_changed)
        standing->since_s = sight->now_s;
    return has_changed;
}

void standing_key(const struct standing *standing, const struct standing_rules *rules, int64_t now_s,
                  char key[static STANDING_KEY_MAX])
{
    int threshold = threshold_of(rules, standing->not_after_s, now_s);
    bool is_told = standing->state == STANDING_BROKEN || standing->state == STANDING_EXPIRING;
    if (!is_told)
        key[0] = 0;
    else if (threshold < 0)
        snprintf(key, STANDING_KEY_MAX, "%s", standing_word(standing->state));
    else
        snprintf(key, STANDING_KEY_MAX, "%s-%d", standing_word(standing->state), threshold);
}

json_t *standing_json(const struct standing *standing)
{
    return json_pack("{s:s, s:s, s:I, s:b, s:b, s:I, s:i, s:s}", "state", standing_word(standing->state), "reason",
                     standing->reason, "since", (json_int_t)standing->since_s, "was_verified", standing->was_verified,
                     "had_certificate", standing->had_certificate, "not_after", (json_int_t)standing->not_after_s,
                     "bad_looks", (int)standing->n_bad, "alerted", standing->alerted);
}

bool standing_read(struct standing *standing, const json_t *object)
{
    const char *word, *reason, *alerted;
    json_int_t since_s, not_after_s;
    int was_verified, had_certificate, n_bad;
    if (json_unpack((json_t *)object, "{s:s, s:s, s:I, s:b, s:b, s:I, s:i, s:s}", "state", &word, "reason", &reason,
                    "since", &since_s, "was_verified", &was_verified, "had_certificate", &had_certificate, "not_after",
                    &not_after_s, "bad_looks", &n_bad, "alerted", &alerted) != 0)
        return false;
    for (enum standing_state state = 0; state < N_STANDINGS; state++) {
        if (strcmp(word, WORDS[state]) != 0)
            continue;
        *standing = (struct standing){.is_known = true,
                                      .state = state,
                                      .since_s = since_s,
                                      .was_verified = was_verified != 0,
                                      .had_certificate = had_certificate != 0,
                                      .not_after_s = not_after_s,
                                      .n_bad = n_bad < 0 ? 0 : (unsigned)n_bad};
        snprintf(standing->reason, sizeof standing->reason, "%s", reason);
        snprintf(standing->alerted, sizeof standing->alerted, "%s", alerted);
        return true;
    }
    return false;
}
