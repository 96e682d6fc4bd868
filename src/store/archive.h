/*
 * An archive: a description and named files in a sealed file. What a backup is. docs/PROTOCOL.backup §3.
 *
 * A file is stored with its size and its content up to its last byte that is not zero, so that what was prepared for later takes no
 * room. Names are relative, of at most four parts of [A-Za-z0-9._-], none of them beginning with a dot: whatever an archive says,
 * nothing is written outside the folder that it is unpacked into.
 *
 * Owner: the caller. Threads: one. Errors: STATUS_CORRUPT "archive.*"; those of store/sealed_file.h.
 */
#ifndef GATEHOUSE_STORE_ARCHIVE_H
#define GATEHOUSE_STORE_ARCHIVE_H

#include "store/sealed_file.h"

constexpr size_t ARCHIVE_NAME_MAX = 255;
constexpr size_t ARCHIVE_DESCRIPTION_MAX = 64 * 1024;

enum status archive_begin(struct sealed_writer *writer, struct bytes description);
enum status archive_put(struct sealed_writer *writer, const char *name, struct bytes content);
/* A file as it is now; what is appended to it meanwhile may be missing, and then is wholly. */
enum status archive_put_file(struct sealed_writer *writer, const char *name, const struct io *io, const char *path);
/* Then sealed_writer_finish(). */
enum status archive_end(struct sealed_writer *writer);

/* Appended. */
enum status archive_read_description(struct sealed_reader *reader, struct buffer *description);
struct archive_file {
	char name[ARCHIVE_NAME_MAX + 1];
	uint64_t size, content; /* bytes; of which content are stored, the rest is zero */
};
/* The next file; its content must be taken before the one after it. At the end *more is false, and the whole file was checked. */
enum status archive_next(struct sealed_reader *reader, struct archive_file *file, bool *more);
/* To a file that must not exist, synced; its folders are made. */
enum status archive_take_file(struct sealed_reader *reader, const struct archive_file *file, const struct io *io,
			      const char *directory);

#endif
