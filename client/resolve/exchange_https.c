// SPDX-License-Identifier: MIT
// exchange_https: DNS over HTTPS by POST (RFC 8484), one easy handle of libcurl for each question.
//
// The message goes with id 0, as the RFC asks; the answer gets the query's id back so that the caller compares as ever.
#include "exchange.h"

#include <curl/curl.h>
#include <stdio.h>

enum { HTTP_OK = 200 };

enum err ask_start(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? ERR_OK : ERR_SYSTEM;
}

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
    struct exchange *exchange = context;
    if (size * n > EXCHANGE_MAX_BYTES - exchange->n_answer)
        return 0;
    memcpy(exchange->answer + exchange->n_answer, data, size * n);
    exchange->n_answer += size * n;
    return size * n;
}

static void set_options(CURL *easy, struct exchange *exchange, struct curl_slist *headers)
{
    curl_easy_setopt(easy, CURLOPT_URL, exchange->upstream->text);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)exchange->query.n);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    int64_t left_ms = exchange->until_ms - ask_now_ms();
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(left_ms < 1 ? 1 : left_ms));
    if (exchange->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, exchange->ca_file);
}

static enum ask_outcome perform(CURL *easy, const struct exchange *exchange)
{
    CURLcode result = curl_easy_perform(easy);
    if (result == CURLE_OPERATION_TIMEDOUT)
        return ASK_SILENT;
    if (result != CURLE_OK) {
        snprintf(exchange->detail, sizeof((struct reply *)0)->detail, "%s", curl_easy_strerror(result));
        return ASK_HTTPS;
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == HTTP_OK)
        return ASK_ANSWERED;
    snprintf(exchange->detail, sizeof((struct reply *)0)->detail, "HTTP status %ld", status);
    return ASK_HTTPS;
}

enum ask_outcome exchange_https(struct exchange *exchange)
{
    uint8_t query[512];
    if (exchange->query.n > sizeof query)
        return ASK_FAILED;
    memcpy(query, exchange->query.at, exchange->query.n);
    query[0] = query[1] = 0;
    exchange->n_answer = 0;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/dns-message");
    struct curl_slist *longer = headers == NULL ? NULL : curl_slist_append(headers, "Accept: application/dns-message");
    enum ask_outcome outcome = ASK_FAILED;
    if (easy != NULL && longer != NULL) {
        set_options(easy, exchange, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, query);
        outcome = perform(easy, exchange);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
    if (outcome != ASK_ANSWERED)
        return outcome;
    if (exchange->n_answer >= 2)
        memcpy(exchange->answer, exchange->query.at, 2);
    return exchange_is_answered(exchange) ? ASK_ANSWERED : ASK_GARBAGE;
}
