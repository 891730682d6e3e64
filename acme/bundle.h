// SPDX-License-Identifier: MIT
// bundle: the certificate of the API with its private key and where it is from, as one text.
//
// One text, so that it is always replaced whole: key and certificate can never be seen one new and one old. In front of
// the PEM blocks stand lines "Directory: URL" and "Names: NAME NAME ..." (RFC 7468 allows for text there), by which a
// certificate of another authority or for other names is told. Any thread.
#pragma once

#include "bytes.h"
#include "config.h"
#include "err.h"

#define BUNDLE_MAX_BYTES 60000 // so that it fits into one message between processes

// Views into the text.
struct bundle {
    struct bytes directory;
    struct bytes names;
    struct bytes key;   // PEM
    struct bytes chain; // PEM
};

// ERR_SYNTAX: something is missing.
enum err bundle_parse(struct bundle *bundle, struct bytes text);

// Whether it is what the configuration asks for.
bool bundle_is_for(const struct bundle *bundle, const struct conf_acme *acme);

// Writes one; the writer is left bad when it does not fit.
void bundle_write(struct writer *w, const struct conf_acme *acme, struct bytes key, struct bytes chain);

// What replicas have in common: the key of the account with the authority, and the bundle.
struct estate {
    struct bytes account; // PEM
    struct bytes bundle;
};

// ERR_SYNTAX.
enum err estate_parse(struct estate *estate, struct bytes text);
void estate_write(struct writer *w, const struct estate *estate);

// The file of the bundle in the cache directory.
#define BUNDLE_FILE "api.pem"
