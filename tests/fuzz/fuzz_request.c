// SPDX-License-Identifier: MIT
// What stands in the head of an HTTP request: path and method, the proxies' header, credentials, an origin. The input
// is lines, one for each.
#include "auth.h"
#include "cors.h"
#include "fuzz.h"
#include "peer.h"
#include "route.h"

enum { N_LINES = 6, LINE_MAX = 512 };

static struct conf *conf;

static void on_text(void *, bool, const char *text)
{
    require(false, text);
}

static void free_conf(void)
{
    config_free(conf);
}

static void load_conf(void)
{
    static const char text[] =
        "[general]\ndomain = \"example.org\"\n[api]\n"
        "use_header = true\nheader_name = \"X-Forwarded-For\"\n"
        "trusted_proxies = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n"
        "corsorigins = [\"https://*.example.org\", \"https://www.example.com:8443\"]\n"
        "registration_tokens = [\"one:0123456789abcdefghij\", \"two:ABCDEFGHIJKLMNOPQRSTUVWXYZ\"]\n";
    require(config_load_text(&conf, bytes_of_text(text), "fuzz.cfg", (struct config_sink){on_text, NULL}) == ERR_OK,
            "the config");
    atexit(free_conf);
}

static void check_route(const char *path, const char *method)
{
    struct route_match match = {0};
    enum err err = route_find(conf, path, method, &match);
    require(err == ERR_OK || err == ERR_NOT_FOUND || err == ERR_METHOD, "an error that nobody expects");
    if (err == ERR_OK && match.prefix.n != 0)
        require((const char *)match.prefix.at >= path &&
                    (const char *)match.prefix.at + match.prefix.n <= path + strlen(path),
                "a prefix that is not in the path");
}

static bool is_v4(uint8_t a, struct ip ip)
{
    return ip_is_v4(ip) && ip.at[12] == a;
}

static void check_peer(const char *value, const char *another)
{
    const struct bytes values[] = {bytes_of_text(value), bytes_of_text(another)};
    struct ip proxy, stranger;
    require(ip_parse(bytes_of_text("10.1.2.3"), &proxy) == ERR_OK, "an address");
    require(ip_parse(bytes_of_text("192.0.2.1"), &stranger) == ERR_OK, "an address");
    struct ip found = peer_find(&conf->api_trusted_proxies, stranger, values, 2);
    require(memcmp(&found, &stranger, sizeof found) == 0, "a stranger is believed");
    found = peer_find(&conf->api_trusted_proxies, proxy, values, 2);
    require(value[0] != '\0' || another[0] != '\0' || is_v4(10, found), "a client from nowhere");
}

static void check_credentials(const char *user, const char *key)
{
    struct uuid uuid;
    if (auth_parse(user, key, &uuid) == ERR_OK)
        require(strlen(key) == 40 && strlen(user) >= 32, "credentials of another shape");
    const struct token *token = auth_find_token(&conf->api_registration_tokens, user, bytes_of_text(key));
    if (token != NULL && strncasecmp(user, "b", 1) != 0)
        require(strcmp(token->secret, key) == 0, "a token that nobody has");
}

static void check_origin(const char *origin)
{
    const char *allowed = cors_find(&conf->api_corsorigins, origin);
    require(allowed == NULL || strcmp(allowed, origin) == 0 || strcmp(allowed, "*") == 0, "another origin is allowed");
    require(allowed == NULL || strcasestr(origin, "example") != NULL, "an origin that nobody has configured");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *lines[N_LINES];
    struct bytes in = {data, n};
    if (conf == NULL)
        load_conf();
    for (unsigned i = 0; i < N_LINES; i++) {
        const uint8_t *end = in.n == 0 ? NULL : memchr(in.at, '\n', in.n);
        size_t n_line = end == NULL ? in.n : (size_t)(end - in.at);
        lines[i] = strndup(n_line == 0 ? "" : (const char *)in.at, n_line);
        n_line += end != NULL;
        in.at += n_line;
        in.n -= n_line;
    }
    check_route(lines[0], lines[1]);
    check_peer(lines[2], lines[3]);
    check_credentials(lines[4], lines[5]);
    check_origin(lines[3]);
    for (unsigned i = 0; i < N_LINES; i++)
        free(lines[i]);
    return 0;
}
