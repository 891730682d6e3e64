// SPDX-License-Identifier: MIT
// A DNS message to its answer, over real zones and a real store. ldns reads every answer again; what it is checked for
// stands in oracle.h. The first byte of the input chooses the transport, whether look-ups are made as for a batch,
// whether there is a guard with cookies and limits, and whether a byte too many is put behind the message, which then
// is malformed; the rest is the message.
#include "fuzz.h"
#include "stage.h"

#include <netinet/in.h>

#define SECRET "e5e973e5a6b2a43f48e7dc849e37bfcf"

static const char CONFIG[] =
    "[general]\n"
    "domain = [\"example.org\", \"sub.example.org\", \"example.net\"]\n"
    "nsname = \"ns.example.org\"\n"
    "chaos_version = \"fuzzed\"\n"
    "nsid = \"ns-01\"\n"
    "cookie_secret = \"" SECRET "\"\n"
    "rrl_existing_per_s = 4\n"
    "rrl_others_per_s = 2\n"
    "records = [\n"
    "  'example.org. NS ns.example.org.', 'example.org. NS ns.example.com.', 'ns.example.org. A 192.0.2.1',\n"
    "  'ns.example.org. AAAA 2001:db8::1', 'example.org. MX 10 ns.example.org.', 'www.example.org. CNAME "
    "ns.example.org.',\n"
    "  'a.example.org. CNAME b.example.org.', 'b.example.org. CNAME c.d.example.org.', 'c.d.example.org. CNAME "
    "a.example.org.',\n"
    "  'out.example.org. CNAME www.example.com.', 'to.example.org. CNAME account.example.org.',\n"
    "  '*.wild.example.org. TXT \"any\"', '*.wild.example.org. MX 5 mail.wild.example.org.', 'x.y.wild.example.org. A "
    "192.0.2.2',\n"
    "  'cut.example.org. NS ns.cut.example.org.', 'ns.cut.example.org. A 192.0.2.3', 'cut.example.org. DS 1 8 2 00',\n"
    "  'srv.example.org. SRV 1 2 3 ns.example.org.', 'caa.example.org. CAA 0 issue \"ca.example.com\"',\n"
    "  'sub.example.org. A 192.0.2.4',\n"
    "  'example.net. A 192.0.2.5', '*.example.net. A 192.0.2.6',\n"
    "]\n";

// Names with more text than fits into any datagram, and with as much as some take.
enum { TEXT_BYTES = 180, N_NAMES = 7, MESSAGE_MAX = 1024 };

// In the first byte, above the three bits of the transport.
enum { NO_STORE = 8, A_BYTE_TOO_MANY = 16, A_BATCH = 32, GUARDED = 64 };
enum { COOKIE_S = 1559731985, STEP_MS = 50 }; // when the cookie in the corpus was made

static struct stage *stage;
static struct guard guard;

// The client of RFC 9018 A.1.
static const struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = 0x646433c6};

static void close_stage(void)
{
    guard_close(&guard);
    stage_close(stage);
}

// The config above, and names with 1, 2, 4 ... 64 texts.
static struct stage *open_stage(void)
{
    char *config = NULL;
    size_t n;
    FILE *out = open_memstream(&config, &n);
    require(out != NULL, "memory");
    fwrite(CONFIG, 1, strlen(CONFIG) - 2, out);
    for (unsigned name = 0; name < N_NAMES; name++)
        for (unsigned i = 0; i < 1u << name; i++)
            fprintf(out, "  'large%u.example.org. TXT \"%0*u\"',\n", name, TEXT_BYTES, i);
    fputs("]\n", out);
    require(fclose(out) == 0, "memory");
    struct stage *opened = stage_open(config);
    free(config);
    stage_register(opened, "account", (const char *const[]){"first value", "second value", NULL});
    stage_register(opened, "empty", (const char *const[]){NULL});
    stage_register(opened, "_acme-challenge", (const char *const[]){"our own", NULL});
    struct cookie_keys keys = cookie_keys_of(SECRET, "");
    require(guard_open(&guard, opened->conf, &keys) == ERR_OK, "memory");
    guard.now_s = COOKIE_S;
    atexit(close_stage);
    return opened;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct transport transports[] = {{true, 4096},   {true, 512},    {true, 1232}, {true, 600},
                                                  {false, 65535}, {false, 65535}, {true, 4096}, {true, 513}};
    struct bytes message = {data, n};
    if (stage == NULL)
        stage = open_stage();
    uint8_t how = fuzz_take(&message);
    struct transport transport = transports[how % 8];
    stage->has_no_store = (how & NO_STORE) != 0;
    stage->looks_ahead = (how & A_BATCH) != 0;
    stage->guard = (how & GUARDED) != 0 ? &guard : NULL;
    stage->client = (const struct sockaddr *)&client;
    guard.now_ms += STEP_MS;
    if (message.n > transport.max_bytes)
        message.n = transport.max_bytes;
    struct reply reply = stage_ask_bytes(stage, message, transport);
    if ((how & A_BYTE_TOO_MANY) != 0 && message.n < MESSAGE_MAX && reply.n != 0) {
        uint8_t longer[MESSAGE_MAX] = {0};
        memcpy(longer, message.at, message.n);
        stage->guard = NULL; // it may limit this one
        struct reply other = stage_ask_bytes(stage, (struct bytes){longer, message.n + 1}, STAGE_UDP);
        unsigned rcode = ldns_pkt_get_rcode(other.pkt);
        bool was_malformed = ldns_pkt_get_rcode(reply.pkt) == LDNS_RCODE_FORMERR;
        require(was_malformed || rcode == LDNS_RCODE_FORMERR || rcode == LDNS_RCODE_NOTIMPL, "more than a message");
        reply_free(&other);
    }
    reply_free(&reply);
    return 0;
}
