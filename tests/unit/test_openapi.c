// SPDX-License-Identifier: MIT
// The description of the API has the routes that there are, and no other; tests/e2e/test_openapi.py asks each of them.
#include "route.h"

#include "expect.h"

#include <ctype.h>
#include <jansson.h>

static json_t *load(void)
{
    json_t *document = json_load_file("api/openapi.json", JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    return document;
}

static json_t *find_operation(json_t *paths, const struct route *route)
{
    char path[64], method[16] = "";
    snprintf(path, sizeof path, "/%s", route->path);
    for (size_t i = 0; route->method[i] != '\0'; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    return json_object_get(json_object_get(paths, path), method);
}

static void every_route_is_described_and_every_description_is_a_route(void **)
{
    json_t *document = load();
    json_t *paths = json_object_get(document, "paths"), *methods;
    size_t n_routes = 0, n_described = 0;
    const char *path;
    for (const struct route *route; (route = route_at(n_routes)) != NULL; n_routes++)
        if (find_operation(paths, route) == NULL)
            fail_msg("%s /%s is not described", route->method, route->path);
    json_object_foreach(paths, path, methods) n_described += json_object_size(methods);
    assert_int_equal(n_described, n_routes);
    json_decref(document);
}

static void the_description_is_of_this_version(void **)
{
    json_t *document = load();
    assert_string_equal(json_string_value(json_object_get(json_object_get(document, "info"), "version")),
                        ACMEZONE_VERSION);
    assert_string_equal(json_string_value(json_object_get(document, "openapi")), "3.1.0");
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described_and_every_description_is_a_route),
        cmocka_unit_test(the_description_is_of_this_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
