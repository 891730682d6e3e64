// SPDX-License-Identifier: MIT
// Loaded into uacme, which has no option for it: makes libcurl trust the authorities in the file ACMEZONE_TRUST_FILE,
// and no others. What uacme runs gets neither this nor the variables.
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

static char *file;

__attribute__((constructor)) static void start(void)
{
    file = getenv("ACMEZONE_TRUST_FILE");
    unsetenv("LD_PRELOAD");
}

CURL *curl_easy_init(void)
{
    CURL *(*real)(void) = (CURL * (*)(void)) dlsym(RTLD_NEXT, "curl_easy_init");
    CURL *curl = real == NULL ? NULL : real();
    if (curl == NULL || file == NULL)
        return curl;
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    if (curl_easy_setopt(curl, CURLOPT_CAINFO, file) == CURLE_OK)
        return curl;
    curl_easy_cleanup(curl);
    return NULL;
}
