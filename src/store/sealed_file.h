/*
 * A file that only the holders of recovery keys can read: a stream in pieces of 64 KiB, each under AES-256-GCM with a key of this file,
 * and that key for each recipient under a hybrid encapsulation (crypto/kem.h). docs/PROTOCOL.backup §2.
 *
 * Every piece is bound to the header, to its number and to whether it is the last, so that pieces that were changed, left out, put
 * in another order or cut off at the end show. Nothing of a piece is handed out before it was checked.
 *
 * Owner: the caller. Threads: one. Errors: STATUS_CORRUPT "sealed_file.*"; STATUS_UNSUPPORTED "sealed_file.version";
 * STATUS_UNAUTHORIZED "sealed_file.recipient" where it is for other keys.
 */
#ifndef GATEHOUSE_STORE_SEALED_FILE_H
#define GATEHOUSE_STORE_SEALED_FILE_H

#include "base/io.h"
#include "crypto/hash.h"
#include "crypto/kem.h"

constexpr size_t SEALED_FILE_RECIPIENTS_MAX = 16;

struct sealed_writer;
/* The file must not exist. recipients: public keys, 1 to 16. */
enum status sealed_writer_create(const struct io *io, const char *path, const struct bytes *recipients, size_t count,
				 struct sealed_writer **writer);
enum status sealed_writer_put(struct sealed_writer *writer, struct bytes bytes);
/* The last piece, synced, its name too. *hash: SHA-256 of the whole file. Without it the file is not complete. */
enum status sealed_writer_finish(struct sealed_writer *writer, struct hash256 *hash);
void sealed_writer_close(struct sealed_writer **writer); /* a cleanup function */

struct sealed_reader;
enum status sealed_reader_open(const struct io *io, const char *path, struct bytes private_key,
			       struct sealed_reader **reader);
/* Exactly len bytes: STATUS_CORRUPT "sealed_file.end" if there are fewer. */
enum status sealed_reader_get(struct sealed_reader *reader, void *to, size_t len);
/* OK if everything was read, up to the last piece and the end of the file: "sealed_file.trailing". */
enum status sealed_reader_end(struct sealed_reader *reader);
void sealed_reader_close(struct sealed_reader **reader); /* a cleanup function */

#endif
