// SPDX-License-Identifier: MIT
// step_servers: each address of the target's zone, asked for the SOA over UDP and over TCP as authorities' resolvers
// do.
#include "step.h"

struct soa {
    const char *text; // of the first server that gave one
    const char *at;
    bool differs;
};

static struct reply ask_soa(struct check *check, const struct upstream *at, enum ask_way way, bool is_without_edns)
{
    struct ask question = walk_question(check->walk, check->home->apex, LDNS_RR_TYPE_SOA);
    question.way = way;
    question.wants_dnssec = !is_without_edns;
    question.is_without_edns = is_without_edns;
    struct reply reply;
    ask(&reply, at, &question);
    return reply;
}

static bool answers(struct reply reply)
{
    bool is_answer = reply.outcome == ASK_ANSWERED && ldns_pkt_get_rcode(reply.packet) == LDNS_RCODE_NOERROR;
    ask_free(&reply);
    return is_answer;
}

static bool is_edns_to_blame(const struct reply *reply)
{
    if (reply->outcome != ASK_ANSWERED)
        return reply->outcome == ASK_SILENT;
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(reply->packet);
    return rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL || rcode == LDNS_RCODE_SERVFAIL;
}

static void note_soa(struct check *check, const struct upstream *at, const struct reply *reply, struct soa *soa)
{
    const ldns_rr_list *records =
        walk_records(check->walk, reply, (struct cut_question){check->home->apex, LDNS_RR_TYPE_SOA});
    const ldns_rr *record = records == NULL ? NULL : ldns_rr_list_rr(records, 0);
    if (record == NULL || ldns_rr_rd_count(record) < 3) {
        note(check, VERDICT_FAIL, "the server has to serve the zone: see \"domain\" in its configuration",
             "%s has no SOA record of %s", at->text, walk_text(check->walk, check->home->apex));
        return;
    }
    const char *text = text_of(check, "%s %u", walk_text(check->walk, ldns_rr_rdf(record, 0)),
                               ldns_rdf2native_int32(ldns_rr_rdf(record, 2)));
    if (soa->text == NULL) {
        soa->text = text;
        soa->at = at->text;
    } else if (strcmp(soa->text, text) != 0) {
        soa->differs = true;
        note(check, VERDICT_WARN,
             "let them share a store, or publish to all of them; a change in flight settles by itself",
             "the servers disagree: the SOA at %s is \"%s\", at %s \"%s\"", soa->at, soa->text, at->text, text);
    }
}

static void judge_answer(struct check *check, const struct upstream *at, const struct reply *reply, struct soa *soa)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(reply->packet);
    const char *zone = walk_text(check->walk, check->home->apex);
    if (rcode != LDNS_RCODE_NOERROR || !ldns_pkt_aa(reply->packet)) {
        note(check, VERDICT_FAIL, text_of(check, "let it serve the zone: domain = \"%s\" in its configuration", zone),
             "%s does not serve the zone %s (rcode %d%s)", at->text, zone, (int)rcode,
             ldns_pkt_aa(reply->packet) ? "" : ", not authoritative");
        return;
    }
    if (!reply->kept_case)
        note(check, VERDICT_FAIL, "something in front of the server rewrites DNS; let questions reach it unchanged",
             "%s gives the name back in other letters than it was asked in (0x20): resolvers drop that answer",
             at->text);
    if (!reply->has_edns)
        note(check, VERDICT_WARN, "something in front of the server strips EDNS; let questions reach it unchanged",
             "%s does not speak EDNS", at->text);
    note_soa(check, at, reply, soa);
}

static void look_at(struct check *check, const struct upstream *at, struct soa *soa)
{
    struct reply udp = ask_soa(check, at, ASK_UDP_ONLY, false);
    if (udp.outcome == ASK_NO_ROUTE) {
        note(check, VERDICT_SKIP, NULL, "%s was not asked: %s", at->text, ask_outcome_text(udp.outcome));
        return;
    }
    struct reply tcp = ask_soa(check, at, ASK_TCP_ONLY, false);
    if (is_edns_to_blame(&udp) && answers(ask_soa(check, at, ASK_UDP_ONLY, true)))
        note(check, VERDICT_FAIL,
             "something in front of the server drops or refuses EDNS; let questions reach it unchanged",
             "%s answers only questions without EDNS", at->text);
    else if (udp.outcome != ASK_ANSWERED)
        note(check, VERDICT_FAIL,
             tcp.outcome == ASK_ANSWERED ? "open UDP port 53 towards it, at the firewall and at the cloud provider"
                                         : "see that the server runs and that port 53 is open, UDP and TCP",
             "%s %s over UDP", at->text, ask_outcome_text(udp.outcome));
    else
        judge_answer(check, at, &udp, soa);
    if (tcp.outcome != ASK_ANSWERED)
        note(check, VERDICT_FAIL, "open TCP port 53 towards it, at the firewall and at the cloud provider",
             "%s %s over TCP", at->text, ask_outcome_text(tcp.outcome));
    ask_free(&udp);
    ask_free(&tcp);
}

void step_servers(struct check *check)
{
    const struct cut *cut = check->home;
    struct soa soa = {0};
    unsigned n_v6 = 0;
    for (unsigned i = 0; i < cut->n_servers; i++) {
        n_v6 += !ip_is_v4(cut->servers[i].at.ip);
        look_at(check, &cut->servers[i].at, &soa);
    }
    if (cut->n_servers == 0)
        note(check, VERDICT_FAIL, "give the name servers addresses", "there is no server to ask");
    else if (check->verdicts[check->at] == VERDICT_SKIP && soa.text != NULL)
        note(check, VERDICT_OK, NULL, "%u address%s (%u of IPv6) answer%s over UDP and TCP, with EDNS and 0x20; SOA %s",
             cut->n_servers, cut->n_servers == 1 ? "" : "es", n_v6, cut->n_servers == 1 ? "s" : "", soa.text);
}
