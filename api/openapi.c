// SPDX-License-Identifier: MIT
// The description is a file beside this one, which the assembler takes in as it is.
#include "openapi.h"

#include "request.h"

__asm__(".pushsection .rodata\n"
        "openapi_text:\n"
        ".incbin \"api/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");

extern const char openapi_text[];

void openapi_on_request(struct request *request)
{
    request_answer(request, MHD_HTTP_OK, openapi_text);
}
