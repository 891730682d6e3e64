// SPDX-License-Identifier: MIT
// acme-dns reaches its handlers through redirects that clean the path, and most clients do not follow a redirect on
// POST as one would wish: so every spelling is served where it comes in.
//
// With registration tokens configured, a token may stand in the path, which is how clients that know nothing but a base
// URL get it in. Such a client sends its updates below the same base, so /update may have a segment before it too;
// there it means nothing, as an update has its own credentials and must outlive the token.
#include "route.h"

#include "probes.h"
#include "register.h"
#include "traffic.h"
#include "update.h"

#include <assert.h>
#include <strings.h>

static const struct route routes[] = {
    {"health", "GET, HEAD, OPTIONS", true, false, probes_on_health},
    {"ready", "GET, HEAD, OPTIONS", true, false, probes_on_ready},
    {"register", "POST, OPTIONS", false, true, register_on_request},
    {"update", "POST, OPTIONS", false, true, update_on_request},
};

enum { N_SEGMENTS_MAX = 2, N_ROUTES = sizeof routes / sizeof routes[0] };

static_assert(N_ROUTES < TRAFFIC_ROUTES_MAX);

size_t route_n(void)
{
    return 1 + N_ROUTES;
}

size_t route_number(const struct route *route)
{
    return route == NULL ? 0 : 1 + (size_t)(route - routes);
}

const char *route_name(size_t number)
{
    assert(number <= N_ROUTES);
    return number == 0 ? "none" : routes[number - 1].name;
}

// "http://host:port/path" is "/path".
static const char *skip_authority(const char *path)
{
    const char *slashes = path[0] == '/' ? NULL : strstr(path, "://");
    if (slashes == NULL)
        return path;
    const char *rest = strchr(slashes + 3, '/');
    return rest == NULL ? "" : rest;
}

// How many segments there are; the first N_SEGMENTS_MAX are told.
static size_t split(const char *path, struct bytes segments[N_SEGMENTS_MAX])
{
    size_t n = 0;
    while (*(path += strspn(path, "/")) != '\0') {
        size_t n_bytes = strcspn(path, "/");
        if (n < N_SEGMENTS_MAX)
            segments[n] = (struct bytes){(const uint8_t *)path, n_bytes};
        n++;
        path += n_bytes;
    }
    return n;
}

static const struct route *find_name(struct bytes name)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strlen(routes[i].name) == name.n && strncasecmp(routes[i].name, (const char *)name.at, name.n) == 0)
            return &routes[i];
    return NULL;
}

static bool is_on(const struct conf *conf, const struct route *route, bool has_prefix)
{
    if (route == NULL || (route->on_request == register_on_request && conf->api_disable_registration))
        return false;
    return !has_prefix || (route->takes_prefix && conf->api_registration_tokens.n > 0);
}

static bool takes_method(const struct route *route, const char *method)
{
    if (route->is_get)
        return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    return strcmp(method, "POST") == 0;
}

enum err route_find(const struct conf *conf, const char *path, const char *method, struct route_match *match)
{
    struct bytes segments[N_SEGMENTS_MAX];
    size_t n = split(skip_authority(path), segments);
    if (n == 0 || n > N_SEGMENTS_MAX)
        return ERR_NOT_FOUND;
    const struct route *route = find_name(segments[n - 1]);
    if (!is_on(conf, route, n > 1))
        return ERR_NOT_FOUND;
    *match = (struct route_match){.route = route, .is_options = strcmp(method, "OPTIONS") == 0};
    if (n > 1)
        match->prefix = segments[0];
    return match->is_options || takes_method(route, method) ? ERR_OK : ERR_METHOD;
}
