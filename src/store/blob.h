/*
 * Blobs: payloads over 16 KiB, in files named by the SHA-256 of their content.
 *
 * blob_put() returns after file and name are durable, so a frame that names a blob never outlives it. Putting the same bytes
 * again is cheap and safe. blob_get() recomputes the hash: STATUS_CORRUPT "blob.hash". Layout: <directory>/<2 hex>/<64 hex>.
 * Threads: any; two writers of the same content do not harm each other.
 */
#ifndef GATEHOUSE_STORE_BLOB_H
#define GATEHOUSE_STORE_BLOB_H

#include "base/io.h"
#include "crypto/hash.h"

constexpr size_t BLOB_THRESHOLD = 16 * 1024;
constexpr size_t BLOB_SIZE_MAX = 64 * 1024 * 1024;

enum status blob_put(const struct io *io, const char *directory, struct bytes content, struct hash256 *hash);
/* Appended to *content. STATUS_NOT_FOUND "blob.missing". */
enum status blob_get(const struct io *io, const char *directory, const struct hash256 *hash, struct buffer *content);

/* Removes what interrupted calls left behind: at start, before anyone puts a blob. */
enum status blob_sweep(const struct io *io, const char *directory);

#endif
