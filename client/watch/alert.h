// SPDX-License-Identifier: MIT
// alert: tells somebody, by a command or by a POST of JSON. Blocks until both are through.
//
// plain      {"event": "expiring" | "broken" | "recovered", "domain", "state", "before", "reason", "since",
// "not_after",
//             "days_left"}; times are seconds since 1970, the last two null when there is no certificate
// slack      {"text": "..."}, as Slack's and Mattermost's incoming webhooks take it
// pagerduty  an event of the Events API v2: "trigger", or "resolve" on recovery, with one dedup_key for each domain
#pragma once

#include "err.h"
#include "standing.h"

enum alert_shape { ALERT_PLAIN, ALERT_SLACK, ALERT_PAGERDUTY };

struct alert_options {
    const char *command; // for /bin/sh; NULL: none
    const char *url;     // NULL: none
    enum alert_shape shape;
    const char *key; // PagerDuty's routing key
    const char *ca_file;
    unsigned timeout_ms; // for the POST; the command gets it too, and is killed after it
};

// `key` is that of standing_key: "" means that all is well again.
struct alert {
    const char *domain;
    const struct standing *standing;
    const char *key;
    int64_t now_s;
};

// The command gets the plain JSON on its standard input, and ACMEZONE_EVENT, _DOMAIN, _STATE, _REASON and _DAYS in its
// environment. ERR_SYSTEM: the command failed; ERR_UNREACHABLE: the POST did, or was not answered 2xx; each is said on
// standard error. ERR_MEMORY.
enum err alert_send(const struct alert *alert, const struct alert_options *options);

// "plain", "slack", "pagerduty". False: none of them.
bool alert_shape_parse(const char *text, enum alert_shape *shape);
