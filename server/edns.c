// SPDX-License-Identifier: MIT
// Each option is a code, a length and that many bytes. Of those in a query two are known, the others are skipped. Of
// several cookies the first counts (RFC 7873 5.2).
#include "edns.h"

enum option_code { OPTION_NSID = 3, OPTION_COOKIE = 10, OPTION_ERROR = 15 };
enum { COOKIE_SERVER_MIN = 8, COOKIE_SERVER_MAX = 32 };

static bool take_cookie(struct edns_asked *asked, struct bytes cookie)
{
    if (asked->n_cookie != 0)
        return true;
    bool is_sound = cookie.n == COOKIE_CLIENT_BYTES || (cookie.n >= COOKIE_CLIENT_BYTES + COOKIE_SERVER_MIN &&
                                                        cookie.n <= COOKIE_CLIENT_BYTES + COOKIE_SERVER_MAX);
    if (!is_sound)
        return false;
    memcpy(asked->cookie, cookie.at, cookie.n < COOKIE_BYTES ? cookie.n : COOKIE_BYTES);
    asked->n_cookie = (uint8_t)cookie.n;
    return true;
}

bool edns_take_options(struct edns_asked *asked, struct bytes rdata)
{
    struct reader r = reader_of(rdata.at, rdata.n);
    bool is_sound = true;
    while (!r.is_bad && r.at != r.end) {
        uint16_t code = take_u16(&r);
        struct bytes content = {.n = take_u16(&r)};
        content.at = take_bytes(&r, content.n);
        if (r.is_bad)
            break;
        if (code == OPTION_NSID)
            asked->wants_nsid = true;
        else if (code == OPTION_COOKIE)
            is_sound &= take_cookie(asked, content);
    }
    return is_sound && !r.is_bad;
}

static void put_option(struct edns_options *options, enum option_code code, struct bytes content)
{
    struct writer w = writer_of(options->at + options->n, sizeof options->at - options->n);
    put_u16(&w, code);
    put_u16(&w, (unsigned)content.n);
    put_bytes(&w, content.at, content.n);
    if (!w.is_bad)
        options->n += writer_used(&w);
}

void edns_put_cookie(struct edns_options *options, const uint8_t cookie[static COOKIE_BYTES])
{
    put_option(options, OPTION_COOKIE, (struct bytes){cookie, COOKIE_BYTES});
}

void edns_put_nsid(struct edns_options *options, const char *nsid)
{
    if (*nsid != '\0')
        put_option(options, OPTION_NSID, bytes_of_text(nsid));
}

void edns_put_error(struct edns_options *options, enum ede ede)
{
    uint8_t code[2] = {0, (uint8_t)ede};
    if (ede != EDE_NONE)
        put_option(options, OPTION_ERROR, (struct bytes){code, sizeof code});
}
