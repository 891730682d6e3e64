// SPDX-License-Identifier: MIT
// acme-dns reaches its handlers through redirects that clean the path, and most clients do not follow a redirect on
// POST as one would wish: so every spelling is served where it comes in.
//
// With registration tokens configured, a token may stand in the path, which is how clients that know nothing but a base
// URL get it in. Such a client sends its updates below the same base, so /update may have a segment before it too;
// there it means nothing, as an update has its own credentials and must outlive the token.
#include "route.h"

#include "openapi.h"
#include "probes.h"
#include "register.h"
#include "self.h"
#include "traffic.h"
#include "update.h"

#include <assert.h>
#include <strings.h>

#define ACCOUNT_METHODS "GET, HEAD, DELETE, OPTIONS"

static const struct route routes[] = {
    {"health", "health", "GET", "GET, HEAD, OPTIONS", true, false, probes_on_health},
    {"ready", "ready", "GET", "GET, HEAD, OPTIONS", true, false, probes_on_ready},
    {"openapi", "openapi.json", "GET", "GET, HEAD, OPTIONS", true, false, openapi_on_request},
    {"register", "register", "POST", "POST, OPTIONS", false, true, register_on_request},
    {"update", "update", "POST", "POST, OPTIONS", false, true, update_on_request},
    {"clear", "clear", "POST", "POST, OPTIONS", false, true, self_on_clear},
    {"show", "account", "GET", ACCOUNT_METHODS, false, true, self_on_show},
    {"delete", "account", "DELETE", ACCOUNT_METHODS, false, true, self_on_delete},
    {"rotate", "account/rotate", "POST", "POST, OPTIONS", false, true, self_on_rotate},
};

enum { N_SEGMENTS_MAX = 3, N_ROUTES = sizeof routes / sizeof routes[0] };

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

static bool is_path(const char *path, const struct bytes *segments, size_t n)
{
    struct bytes wanted[N_SEGMENTS_MAX];
    if (split(path, wanted) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (wanted[i].n != segments[i].n ||
            strncasecmp((const char *)wanted[i].at, (const char *)segments[i].at, segments[i].n) != 0)
            return false;
    return true;
}

static bool takes_method(const struct route *route, const char *method)
{
    return strcmp(route->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

// The route of a path that takes the method, else one that does not.
static const struct route *find(const struct bytes *segments, size_t n, const char *method)
{
    const struct route *found = NULL;
    for (size_t i = 0; i < N_ROUTES; i++) {
        if (!is_path(routes[i].path, segments, n))
            continue;
        found = &routes[i];
        if (takes_method(found, method))
            break;
    }
    return found;
}

static bool is_on(const struct conf *conf, const struct route *route)
{
    return route->on_request != register_on_request || !conf->api_disable_registration;
}

const struct route *route_at(size_t n)
{
    return n < N_ROUTES ? &routes[n] : NULL;
}

enum err route_find(const struct conf *conf, const char *path, const char *method, struct route_match *match)
{
    struct bytes segments[N_SEGMENTS_MAX];
    struct bytes prefix = {0};
    size_t n = split(skip_authority(path), segments);
    if (n == 0 || n > N_SEGMENTS_MAX)
        return ERR_NOT_FOUND;
    const struct route *route = find(segments, n, method);
    if (route == NULL && n > 1 && conf->api_registration_tokens.n > 0) {
        route = find(segments + 1, n - 1, method);
        prefix = segments[0];
        if (route != NULL && !route->takes_prefix)
            return ERR_NOT_FOUND;
    }
    if (route == NULL || !is_on(conf, route))
        return ERR_NOT_FOUND;
    *match = (struct route_match){route, prefix, strcmp(method, "OPTIONS") == 0};
    return match->is_options || takes_method(route, method) ? ERR_OK : ERR_METHOD;
}
