// SPDX-License-Identifier: MIT
// An audit log is a log with a file of its own whose lines are JSON, or it is the log itself. What an act lacks is left
// out of its line, so that a field that is there always means something.
//
// Values are those of DNS, so anybody could read them there; their beginning is enough to find one again.
#include "audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_MAX = 48, VALUE_SHOWN = 8, VALUE_TEXT_MAX = VALUE_SHOWN + sizeof "…" };

struct audit {
    struct log *log;
    struct log *own; // a null pointer: the lines go to somebody else's log
};

enum err audit_open(struct audit **audit, const char *file, struct log *log)
{
    struct audit *self = calloc(1, sizeof *self);
    if (self == NULL)
        return ERR_MEMORY;
    self->log = log;
    if (*file != '\0') {
        const struct log_options options = {.level = LOG_INFO, .is_json = true, .file = file};
        enum err err = log_open(&self->own, &options);
        if (err != ERR_OK) {
            int saved = errno;
            free(self);
            errno = saved;
            return err;
        }
        log_ready(self->own);
        self->log = self->own;
    }
    *audit = self;
    return ERR_OK;
}

void audit_close(struct audit *audit)
{
    if (audit == NULL)
        return;
    log_close(audit->own);
    free(audit);
}

enum err audit_reopen(struct audit *audit)
{
    return audit == NULL || audit->own == NULL ? ERR_OK : log_reopen(audit->own);
}

uint64_t audit_n_lost(const struct audit *audit)
{
    return audit == NULL || audit->own == NULL ? 0 : log_n_lost(audit->own);
}

static const char *shorten(const char *value, char text[static VALUE_TEXT_MAX])
{
    if (value == NULL || strlen(value) <= VALUE_SHOWN)
        return value;
    snprintf(text, VALUE_TEXT_MAX, "%.*s…", VALUE_SHOWN, value);
    return text;
}

void audit_note(struct audit *audit, const struct audit_act *act)
{
    char event[EVENT_MAX], value[VALUE_TEXT_MAX];
    if (audit == NULL)
        return;
    snprintf(event, sizeof event, "audit.%s", act->act);
    bool is_done = act->result == ERR_OK;
    const struct log_field all[] = {
        LOG_STR("result", is_done ? "done" : "refused"),
        LOG_STR("reason", is_done || act->reason != NULL ? act->reason : err_word(act->result)),
        LOG_STR("actor", act->actor),
        LOG_STR("account", act->account),
        LOG_STR("subdomain", act->subdomain),
        LOG_STR("value", shorten(act->value, value)),
        LOG_STR("ip", act->ip),
        LOG_STR("token", act->token),
        LOG_STR("note", act->note),
    };
    struct log_field fields[sizeof all / sizeof all[0] + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i].text != NULL && all[i].text[0] != '\0')
            fields[n++] = all[i];
    log_write_fields(audit->log, LOG_INFO, event, fields);
}
