// SPDX-License-Identifier: MIT
// walk_way: along CNAMEs, each looked up in its own zone, so that the zone at fault has a name.
//
// What a server says about names of other zones is not used, even if it serves them.
#include "walk.h"

static bool has_been_at(const struct walk_way *way, const ldns_rdf *name)
{
    for (unsigned i = 0; i < way->n_links; i++)
        if (ldns_dname_compare(way->links[i].name, name) == 0)
            return true;
    return false;
}

// Fills the link from what the name's zone says. OK: the records are there, or a CNAME, which is then `target`.
static enum walk_status look_at(struct walk *walk, struct walk_link *link, ldns_rr_type type)
{
    enum walk_status status =
        type == LDNS_RR_TYPE_DS ? walk_cut_above(walk, link->name, &link->cut) : walk_cut(walk, link->name, &link->cut);
    if (status == WALK_OK)
        status = walk_ask(walk, link->cut, (struct cut_question){link->name, type}, &link->reply);
    if (status != WALK_OK || walk_records(walk, link->reply, (struct cut_question){link->name, type}) != NULL)
        return status;
    const ldns_rr_list *cnames = walk_records(walk, link->reply, (struct cut_question){link->name, LDNS_RR_TYPE_CNAME});
    if (cnames == NULL)
        return ldns_pkt_get_rcode(link->reply->packet) == LDNS_RCODE_NXDOMAIN ? WALK_NXDOMAIN : WALK_NODATA;
    const ldns_rr *cname = ldns_rr_list_rr(cnames, 0);
    link->target = ldns_rr_rdf(cname, 0);
    link->ttl = ldns_rr_ttl(cname);
    return link->target == NULL ? WALK_NODATA : WALK_OK;
}

void walk_way(struct walk *walk, const ldns_rdf *name, ldns_rr_type type, struct walk_way *way)
{
    *way = (struct walk_way){.status = WALK_LONG};
    for (const ldns_rdf *next = name; way->n_links < WALK_LINKS_MAX; next = way->links[way->n_links - 1].target) {
        if (has_been_at(way, next)) {
            way->status = WALK_LOOP;
            return;
        }
        struct walk_link *link = &way->links[way->n_links++];
        link->name = next;
        way->status = look_at(walk, link, type);
        if (way->status != WALK_OK || link->target == NULL)
            return;
        way->status = WALK_LONG;
    }
}
