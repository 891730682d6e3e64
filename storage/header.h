// SPDX-License-Identifier: MIT
// header: LMDB's two header pages, read with distrust: where a snapshot's trees are. Pure functions; any thread.
#pragma once

#include "page.h"

#define HEADER_MAX_BYTES 256 // of a header page, what is looked at

// What one of the file's two header pages says, from its first bytes; `at` is left alone.
// ERR_CORRUPT: it is no header page, or what it says cannot be. ERR_NEWER: its layout is not ours to read.
enum err header_read(struct pages *pages, struct bytes header, unsigned which);

// The same of a header that may have been left half written: only `n_bytes` and `txn`.
enum err header_read_lightly(struct pages *pages, struct bytes header, unsigned which);

// The snapshot that transaction `txn` made, out of a mapped file; `n_bytes` is the size of a page. ERR_NOT_FOUND: the
// header tells of another transaction. ERR_CORRUPT.
enum err header_open(struct pages *pages, struct bytes map, size_t n_bytes, uint64_t txn);

// A header for the other place, which says what the header of this snapshot says, but as the transaction before it.
void header_write_other(const struct pages *pages, uint8_t header[static HEADER_MAX_BYTES]);

// Reads the record of a named tree. ERR_CORRUPT.
enum err header_read_tree(const struct pages *pages, struct bytes record, struct page_tree *tree);
