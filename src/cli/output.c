#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

enum status
output_data(const struct buffer *text) {
	TRY(buffer_status(text));
	if (text->len > 0 && fwrite(text->data, 1, text->len, stdout) != text->len)
		return fail_errno(STATUS_IO, "output.write: standard output");
	return fflush(stdout) == 0 ? OK : fail_errno(STATUS_IO, "output.write: standard output");
}

void
output_note(const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void
output_foreign(struct buffer *to, struct bytes text, bool lines) {
	buffer_append_foreign(to, text, lines);
}

/* --- Documents as lines. --- */

static bool
is_flat(const json *value) {
	enum json_type type = json_type_of(value);
	return type != JSON_ARRAY && type != JSON_OBJECT;
}

static void
write_scalar(const json *value, size_t depth, struct buffer *to) {
	switch (json_type_of(value)) {
	case JSON_STRING: {
		struct bytes text = json_string(value);
		if (memchr(text.data, '\n', text.len) == nullptr) {
			output_foreign(to, text, false);
			break;
		}
		/* A text of several lines stands below its name, deeper by one step. */
		for (size_t at = 0; at < text.len;) {
			const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
			size_t len = end == nullptr ? text.len - at : (size_t)(end - text.data) - at;
			buffer_append_format(to, "\n%*s", (int)(2 * depth), "");
			output_foreign(to, bytes_of(text.data + at, len), false);
			at += len + 1;
		}
		break;
	}
	case JSON_INTEGER:
		buffer_append_format(to, "%lld", (long long)json_integer(value));
		break;
	case JSON_BOOLEAN:
		buffer_append_text(to, json_boolean(value) ? "yes" : "no");
		break;
	default:
		buffer_append_text(to, "-");
	}
}

/* Members that are times, besides those whose names end in "_at": in milliseconds, in whatever document (docs/openapi.yaml, Time). */
static const char *const times[] = {"at",       "created",       "due",        "effective_from", "expires",
				    "expiring", "failing_since", "from",       "idle_expires",   "realtime",
				    "recorded", "until",         "usable_from"};

/* "2026-11-21T09:30:00.000Z" instead of 1795253400000. What is before 2001 is no time of an installation, but a count or none. */
static bool
write_time(struct bytes key, const json *value, struct buffer *to) {
	constexpr int64_t FIRST_MS = INT64_C(1'000'000'000'000);
	constexpr int64_t LAST_MS = INT64_C(253'402'300'799'999); /* of the year 9999 */
	char text[TIME_TEXT_SIZE];
	bool is_time = key.len > 3 && memcmp(key.data + key.len - 3, "_at", 3) == 0;
	for (size_t i = 0; !is_time && i < ARRAY_LENGTH(times); i++)
		is_time = bytes_equal_text(key, times[i]);
	if (!is_time || json_type_of(value) != JSON_INTEGER || json_integer(value) < FIRST_MS ||
	    json_integer(value) > LAST_MS)
		return false;
	time_format(json_integer(value), text);
	buffer_append_format(to, " %s\n", text);
	return true;
}

static void write_members(const json *value, size_t depth, bool after_dash, struct buffer *to);

static void
write_value(const json *value, size_t depth, struct buffer *to) {
	if (is_flat(value)) {
		buffer_append_byte(to, ' ');
		write_scalar(value, depth + 1, to);
		buffer_append_byte(to, '\n');
	} else if (json_size(value) == 0)
		buffer_append_text(to, " none\n");
	else {
		buffer_append_byte(to, '\n');
		write_members(value, depth + 1, false, to);
	}
}

static void
write_members(const json *value, size_t depth, bool after_dash, struct buffer *to) {
	bool is_array = json_type_of(value) == JSON_ARRAY;
	struct json_iterator iterator = json_iterate(value);
	struct bytes key;
	for (const json *member; (member = json_next(&iterator, &key)) != nullptr; after_dash = false) {
		if (!after_dash)
			buffer_append_format(to, "%*s", (int)(2 * depth), "");
		if (!is_array) {
			output_foreign(to, key, false);
			buffer_append_byte(to, ':');
			if (!write_time(key, member, to))
				write_value(member, depth, to);
		} else if (is_flat(member)) {
			buffer_append_text(to, "- ");
			write_scalar(member, depth + 1, to);
			buffer_append_byte(to, '\n');
		} else {
			buffer_append_text(to, "- ");
			write_members(member, depth + 1, true, to);
		}
	}
	if (json_size(value) == 0)
		buffer_append_text(to, "none\n");
}

void
output_lines(const json *value, struct buffer *to) {
	if (is_flat(value)) {
		write_scalar(value, 0, to);
		buffer_append_byte(to, '\n');
	} else
		write_members(value, 0, false, to);
}

enum status
output_document(struct invocation *invocation, struct bytes body) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (invocation->json) {
		buffer_append_bytes(&text, body);
		buffer_append_byte(&text, '\n');
	} else {
		const json *document;
		TRY(json_read(&invocation->arena, body, (struct json_limits){}, &document));
		output_lines(document, &text);
	}
	return output_data(&text);
}

enum status
output_confirm(const struct invocation *invocation, const char *question) {
	char line[16] = "";
	if (invocation_flag(invocation, "yes"))
		return OK;
	if (!isatty(STDIN_FILENO))
		return fail(STATUS_INVALID,
			    "usage.confirm: nobody can be asked, standard input is no terminal: give --yes");
	fprintf(stderr, "%s Type yes: ", question);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin) == nullptr || strcmp(line, "yes\n") != 0)
		return fail(STATUS_DENIED, "confirm.no: nothing was done");
	return OK;
}

/* --- Files. --- */

static void
close_file(int *file) {
	if (*file >= 0)
		close(*file);
}

enum status
input_file(struct arena *arena, const char *path, size_t max, struct bytes *content) {
	_cleanup_(buffer_free) struct buffer read_bytes = {};
	bool is_standard = strcmp(path, "-") == 0;
	_cleanup_(close_file) int opened = is_standard ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int file = is_standard ? STDIN_FILENO : opened;
	if (file < 0)
		return fail_errno(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "input.open: %s", path);
	for (;;) {
		if (read_bytes.len > max)
			return fail(STATUS_TOO_LARGE, "input.size: %s has more than %zu bytes", path, max);
		if (!buffer_reserve(&read_bytes, 16 * 1024))
			return buffer_status(&read_bytes);
		ssize_t got = read(file, read_bytes.data + read_bytes.len, 16 * 1024);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(errno == EISDIR ? STATUS_INVALID : STATUS_IO, "input.read: %s", path);
		if (got == 0)
			break;
		read_bytes.len += (size_t)got;
	}
	*content = arena_copy(arena, buffer_bytes(&read_bytes));
	TRY_ALLOC(content->data);
	return OK;
}

enum status
output_file(const char *path, struct bytes content, unsigned mode, bool may_replace) {
	if (path == nullptr || strcmp(path, "-") == 0) {
		_cleanup_(buffer_free) struct buffer text = {};
		buffer_append_bytes(&text, content);
		return output_data(&text);
	}
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (may_replace ? O_TRUNC : O_EXCL);
	_cleanup_(close_file) int file = open(path, flags, mode);
	if (file < 0)
		return fail_errno(errno == EEXIST ? STATUS_CONFLICT : STATUS_IO, "output.open: %s", path);
	for (size_t at = 0; at < content.len;) {
		ssize_t put = write(file, content.data + at, content.len - at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail_errno(STATUS_IO, "output.write: %s", path);
		at += (size_t)put;
	}
	return fsync(file) == 0 || errno == EINVAL ? OK : fail_errno(STATUS_IO, "output.sync: %s", path);
}
