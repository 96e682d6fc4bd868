#include "store/archive.h"

#include <limits.h>
#include <stdio.h>

/* Magic, length (32 bits) and description; then per file 1 (8 bits), length of its name (16), name, size (64), length of its content
 * (64), content; at the end 0. */
static const uint8_t MAGIC[8] = "GHARCH1\n";
constexpr size_t BLOCK = 64 * 1024;
constexpr uint64_t FILE_SIZE_MAX = UINT64_C(1) << 40;
constexpr unsigned PARTS_MAX = 4;

static bool
is_name_character(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.';
}

static enum status
check_name(const char *name) {
	unsigned parts = 1;
	bool begins = true, valid = true;
	for (const char *c = name; valid && *c != '\0'; c++) {
		valid = begins ? is_name_character(*c) && *c != '.' : *c == '/' || is_name_character(*c);
		parts += *c == '/';
		begins = *c == '/';
	}
	if (!valid || begins || parts > PARTS_MAX)
		return fail(STATUS_CORRUPT, "archive.name: \"%.80s\" is no name of a file in an archive", name);
	return OK;
}

/* --- Writing. --- */

static enum status
put_number(struct sealed_writer *writer, uint64_t number, size_t width) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	return sealed_writer_put(writer, bytes_of(bytes + 8 - width, width));
}

enum status
archive_begin(struct sealed_writer *writer, struct bytes description) {
	TRY(sealed_writer_put(writer, BYTES_OF_ARRAY(MAGIC)));
	TRY(put_number(writer, description.len, 4));
	return sealed_writer_put(writer, description);
}

static enum status
put_head(struct sealed_writer *writer, const char *name, uint64_t size, uint64_t content) {
	TRY(check_name(name));
	TRY(put_number(writer, 1, 1));
	TRY(put_number(writer, strlen(name), 2));
	TRY(sealed_writer_put(writer, bytes_of_text(name)));
	TRY(put_number(writer, size, 8));
	return put_number(writer, content, 8);
}

enum status
archive_put(struct sealed_writer *writer, const char *name, struct bytes content) {
	TRY(put_head(writer, name, content.len, content.len));
	return sealed_writer_put(writer, content);
}

/* Where the zeros at the end begin. */
static enum status
find_content(const struct io *io, int file, uint64_t size, uint8_t block[BLOCK], uint64_t *content) {
	for (*content = size; *content > 0;) {
		uint64_t from = (*content - 1) / BLOCK * BLOCK;
		size_t got, len = (size_t)(*content - from);
		TRY(io_read_at(io, file, from, block, len, &got));
		if (got != len)
			return fail(STATUS_IO, "archive.changed: a file became shorter while it was read");
		while (len > 0 && block[len - 1] == 0)
			len--;
		*content = from + len;
		if (len > 0)
			return OK;
	}
	return OK;
}

static enum status
put_open_file(struct sealed_writer *writer, const char *name, const struct io *io, int file) {
	uint8_t block[BLOCK];
	uint64_t size, content;
	TRY(io_size(io, file, &size));
	TRY(find_content(io, file, size, block, &content));
	TRY(put_head(writer, name, size, content));
	for (uint64_t at = 0; at < content;) {
		size_t got, len = content - at < BLOCK ? (size_t)(content - at) : BLOCK;
		TRY(io_read_at(io, file, at, block, len, &got));
		if (got != len)
			return fail(STATUS_IO, "archive.changed: %s became shorter while it was read", name);
		TRY(sealed_writer_put(writer, bytes_of(block, len)));
		at += len;
	}
	return OK;
}

enum status
archive_put_file(struct sealed_writer *writer, const char *name, const struct io *io, const char *path) {
	int file;
	TRY(io_open(io, path, IO_READ, &file));
	enum status status = put_open_file(writer, name, io, file);
	IGNORE_STATUS(io_close(io, file)); /* read only */
	return status;
}

enum status
archive_end(struct sealed_writer *writer) {
	return put_number(writer, 0, 1);
}

/* --- Reading. --- */

static enum status
get_number(struct sealed_reader *reader, size_t width, uint64_t *number) {
	uint8_t bytes[8];
	*number = 0;
	TRY(sealed_reader_get(reader, bytes, width));
	for (size_t i = 0; i < width; i++)
		*number = *number << 8 | bytes[i];
	return OK;
}

enum status
archive_read_description(struct sealed_reader *reader, struct buffer *description) {
	uint8_t magic[sizeof MAGIC];
	uint64_t len;
	TRY(sealed_reader_get(reader, magic, sizeof magic));
	if (memcmp(magic, MAGIC, sizeof magic) != 0)
		return fail(STATUS_CORRUPT, "archive.magic: no archive is sealed in this file");
	TRY(get_number(reader, 4, &len));
	if (len > ARCHIVE_DESCRIPTION_MAX)
		return fail(STATUS_CORRUPT, "archive.description: %llu bytes", (unsigned long long)len);
	if (!buffer_reserve(description, (size_t)len))
		return buffer_status(description);
	TRY(sealed_reader_get(reader, description->data + description->len, (size_t)len));
	description->len += (size_t)len;
	return OK;
}

enum status
archive_next(struct sealed_reader *reader, struct archive_file *file, bool *more) {
	uint64_t mark, len;
	*more = false;
	TRY(get_number(reader, 1, &mark));
	if (mark == 0)
		return sealed_reader_end(reader);
	if (mark != 1)
		return fail(STATUS_CORRUPT, "archive.mark: neither a file nor the end");
	TRY(get_number(reader, 2, &len));
	if (len == 0 || len > ARCHIVE_NAME_MAX)
		return fail(STATUS_CORRUPT, "archive.name: %llu characters", (unsigned long long)len);
	TRY(sealed_reader_get(reader, file->name, (size_t)len));
	file->name[len] = '\0';
	if (strlen(file->name) != len)
		return fail(STATUS_CORRUPT, "archive.name: a zero byte in it");
	TRY(check_name(file->name));
	TRY(get_number(reader, 8, &file->size));
	TRY(get_number(reader, 8, &file->content));
	if (file->size > FILE_SIZE_MAX || file->content > file->size)
		return fail(STATUS_CORRUPT, "archive.size: %s of %llu bytes, %llu stored", file->name,
			    (unsigned long long)file->size, (unsigned long long)file->content);
	*more = true;
	return OK;
}

static enum status
make_folders(const struct io *io, const char *directory, const char *name) {
	char path[PATH_MAX];
	for (const char *slash = strchr(name, '/'); slash != nullptr; slash = strchr(slash + 1, '/')) {
		if ((size_t)snprintf(path, sizeof path, "%s/%.*s", directory, (int)(slash - name), name) >= sizeof path)
			return fail(STATUS_INVALID, "io.path: too long: %s", directory);
		TRY(io_make_directory(io, path));
		TRY(io_sync_parent(io, path));
	}
	return OK;
}

static enum status
take_content(struct sealed_reader *reader, const struct archive_file *file, const struct io *io, int to) {
	uint8_t block[BLOCK];
	for (uint64_t at = 0; at < file->content;) {
		size_t len = file->content - at < BLOCK ? (size_t)(file->content - at) : BLOCK;
		TRY(sealed_reader_get(reader, block, len));
		TRY(io_write_at(io, to, at, block, len));
		at += len;
	}
	if (file->size > file->content)
		TRY(io_truncate(io, to, file->size));
	return io_sync_data(io, to);
}

enum status
archive_take_file(struct sealed_reader *reader, const struct archive_file *file, const struct io *io,
		  const char *directory) {
	char path[PATH_MAX];
	int to;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, file->name) >= sizeof path)
		return fail(STATUS_INVALID, "io.path: too long: %s", directory);
	TRY(make_folders(io, directory, file->name));
	enum status status = io_open(io, path, IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &to);
	if (status == STATUS_CONFLICT)
		return fail(STATUS_CORRUPT, "archive.twice: %s is there already", file->name);
	TRY(status);
	status = take_content(reader, file, io, to);
	IGNORE_STATUS(io_close(io, to)); /* it was synced */
	TRY(status);
	return io_sync_parent(io, path);
}
