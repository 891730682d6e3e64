// SPDX-License-Identifier: MIT
// Looking up. A zone holds a handful of static names, so one small hash table of prefixes is all there is; the
// thousands of accounts are in the store. zone_build.c makes what is read here.
#include "zone.h"

#include "zone_build.h"

#include <stdlib.h>

struct zones *zones_hold(struct zones *zones)
{
    atomic_fetch_add_explicit(&zones->n_references, 1, memory_order_relaxed);
    return zones;
}

void zones_drop(struct zones *zones)
{
    if (atomic_fetch_sub_explicit(&zones->n_references, 1, memory_order_acq_rel) == 1)
        zones_free(zones);
}

const struct zone *zones_find(const struct zones *zones, const uint8_t *qname, const uint8_t *label, unsigned n_labels)
{
    const struct zone *found = NULL;
    for (unsigned i = 0; i < zones->n; i++) {
        const struct zone *zone = &zones->at[i];
        if (n_labels < zone->n_labels || (found != NULL && found->n_labels >= zone->n_labels))
            continue;
        size_t start = label[n_labels - zone->n_labels];
        size_t n = label[n_labels] + 1u - start;
        if (n == zone->apex.n && memcmp(qname + start, zone->apex.at, n) == 0)
            found = zone;
    }
    return found;
}

bool zones_have_label(const struct zones *zones, struct bytes label)
{
    uint8_t prefix[1 + LABEL_MAX_BYTES];
    struct writer w = writer_of(prefix, sizeof prefix);
    put_u8(&w, (unsigned)label.n);
    put_bytes(&w, label.at, label.n);
    for (unsigned i = 0; i < zones->n && !w.is_bad; i++)
        if (zone_find(&zones->at[i], (struct bytes){prefix, writer_used(&w)}) != NULL)
            return true;
    return false;
}

const struct rrset *zones_chaos_version(const struct zones *zones)
{
    return zones->chaos_version.n_rrs == 0 ? NULL : &zones->chaos_version;
}

const struct node *zone_find(const struct zone *zone, struct bytes prefix)
{
    for (uint32_t at = name_hash(prefix);; at++) {
        const struct node *node = zone->table[at & zone->table_mask];
        if (node == NULL || bytes_equal(node->prefix, prefix))
            return node;
    }
}

const struct rrset *node_rrset(const struct node *node, uint16_t type)
{
    for (unsigned i = 0; i < node->n_rrsets; i++)
        if (node->rrsets[i].type == type)
            return &node->rrsets[i];
    return NULL;
}
