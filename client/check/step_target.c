// SPDX-License-Identifier: MIT
// step_target: where the CNAMEs end. A registered name exists whether or not a value is published at the moment.
#include "step.h"

static const char *way_text(struct check *check)
{
    const char *text = check->challenge_text;
    for (unsigned i = 0; i < check->way.n_links && check->way.links[i].target != NULL; i++)
        text = text_of(check, "%s -> %s", text, walk_text(check->walk, check->way.links[i].target));
    return text;
}

static const char *fix_of(enum walk_status status)
{
    switch (status) {
    case WALK_NXDOMAIN:
        return "the account is gone or the CNAME is misspelled: register, and let the CNAME lead to the new fulldomain";
    case WALK_LOOP:
    case WALK_LONG:
        return "let the CNAME lead to the fulldomain itself";
    case WALK_REFUSED:
        return "let the servers serve that zone (\"domain\" in their configuration), or correct its delegation";
    case WALK_SILENT:
        return "see that the servers of that zone run and that port 53, UDP and TCP, can be reached from outside";
    case WALK_NO_ADDRESS:
        return "give the name servers of that zone addresses: A or AAAA records, as glue where they lie in the zone";
    default:
        return "try again, with a larger --deadline";
    }
}

void step_target(struct check *check)
{
    enum walk_status status = check->way.status;
    const char *end = walk_text(check->walk, check->end), *zone = walk_text(check->walk, check->home->apex);
    if (status == WALK_OK)
        note(check, VERDICT_OK, NULL, "%s exists in the zone %s, and has a value", end, zone);
    else if (status == WALK_NODATA)
        note(check, VERDICT_OK, NULL, "%s exists in the zone %s; it has no value now, as is right between renewals",
             end, zone);
    else if (status == WALK_NXDOMAIN)
        note(check, VERDICT_FAIL, fix_of(status), "%s does not exist, says the zone %s", end, zone);
    else if (status == WALK_LOOP || status == WALK_LONG)
        note(check, VERDICT_FAIL, fix_of(status), "%s: %s", walk_status_text(status), way_text(check));
    else
        note(check, VERDICT_FAIL, fix_of(status), "%s cannot be looked up in the zone %s: %s", end, zone,
             walk_status_text(status));
}
