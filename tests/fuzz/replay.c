// SPDX-License-Identifier: MIT
// replay FILE...: runs a target over files, without libFuzzer.
#include "fuzz.h"

static uint8_t *read_all(const char *path, size_t *n)
{
    char *bytes = NULL;
    FILE *in = fopen(path, "rb");
    FILE *out = open_memstream(&bytes, n);
    require(in != NULL && out != NULL, path);
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    require(fclose(out) == 0, path);
    return (uint8_t *)bytes;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        size_t n;
        uint8_t *bytes = read_all(argv[i], &n);
        uint8_t *copy = fuzz_copy((struct bytes){bytes, n});
        require(LLVMFuzzerTestOneInput(copy, n) == 0, argv[i]);
        free(copy);
        free(bytes);
    }
    return argc > 1 ? 0 : 1;
}
