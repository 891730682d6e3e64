// SPDX-License-Identifier: MIT
// /health says that the loop turns and nothing else: a supervisor that restarts what is not healthy must not be told of
// troubles that a restart does not cure. Those belong to /ready, where each part of the server tells its own; a load
// balancer sends no requests as long as one of them is not ready.
#include "probes.h"

#include "request.h"

void probes_on_health(struct request *request)
{
    request_answer(request, MHD_HTTP_OK, "");
}

void probes_on_ready(struct request *request)
{
    const struct service *service = request->service;
    struct api_check checks[API_CHECKS_MAX] = {0};
    size_t n = service->ready == NULL ? 0 : service->ready(service->ready_context, checks, API_CHECKS_MAX);
    bool is_ready = true;
    for (size_t i = 0; i < n; i++)
        is_ready &= checks[i].is_ready;
    request->owned_text = body_write_checks(checks, n, is_ready);
    if (request->owned_text == NULL)
        request_refuse(request, ERR_MEMORY, NULL, "memory");
    else
        request_answer(request, is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, request->owned_text);
}
