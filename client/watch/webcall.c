// SPDX-License-Identifier: MIT
// webcall: an easy handle for each call; no redirects are followed, so secrets go nowhere but where they were meant to.
#include "webcall.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
    struct webcall_answer *answer = context;
    size_t n_have = strlen(answer->text), n_room = sizeof answer->text - 1 - n_have;
    size_t n_taken = size * n < n_room ? size * n : n_room;
    for (size_t i = 0; i < n_taken; i++)
        answer->text[n_have + i] = data[i] >= ' ' && data[i] < 127 ? data[i] : ' ';
    answer->text[n_have + n_taken] = 0;
    return size * n;
}

static struct curl_slist *make_headers(const struct webcall *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    for (size_t i = 0; list != NULL && call->headers != NULL && call->headers[i] != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(list, call->headers[i]);
        if (longer == NULL)
            curl_slist_free_all(list);
        list = longer;
    }
    return list;
}

enum err webcall(const struct webcall *call, struct webcall_answer *answer)
{
    *answer = (struct webcall_answer){0};
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = make_headers(call);
    if (easy == NULL || headers == NULL) {
        curl_slist_free_all(headers);
        curl_easy_cleanup(easy);
        return ERR_MEMORY;
    }
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    if (call->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->ca_file);
    CURLcode result = curl_easy_perform(easy);
    curl_off_t took_us = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
    answer->took_ms = (unsigned)(took_us / 1000);
    if (result != CURLE_OK)
        snprintf(answer->text, sizeof answer->text, "%s", error[0] != 0 ? error : curl_easy_strerror(result));
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    return result == CURLE_OK ? ERR_OK : ERR_UNREACHABLE;
}
