#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

constexpr size_t DETAIL_CAPACITY = 1024;

static thread_local char detail[DETAIL_CAPACITY];

/* A detail quotes what came from outside and may cut it: what remains must fit into an answer and an entry, and onto a
 * terminal, to which it must give no orders. */
static void
make_text(char *text) {
	const char *end = text + strlen(text);
	while (text < end) {
		size_t harmful = utf8_harmful_length((const uint8_t *)text, (size_t)(end - text));
		memset(text, '?', harmful);
		text += harmful > 0 ? harmful : utf8_length((const uint8_t *)text, (size_t)(end - text));
	}
}

/* The arguments may point into the detail itself, so it is formatted aside first. */
[[gnu::format(printf, 1, 0)]] static void
keep_detail(const char *format, va_list arguments, int error_number) {
	char text[DETAIL_CAPACITY];
	int length = vsnprintf(text, sizeof text, format, arguments);
	if (length < 0)
		length = 0;
	if (error_number != 0 && (size_t)length < sizeof text) {
		char reason[128];
		snprintf(text + length, sizeof text - (size_t)length, ": %s",
			 strerror_r(error_number, reason, sizeof reason));
	}
	text[sizeof text - 1] = '\0';
	make_text(text);
	memcpy(detail, text, sizeof detail);
}

void
fail_keep(const char *format, ...) {
	va_list arguments;
	va_start(arguments, format);
	keep_detail(format, arguments, 0);
	va_end(arguments);
}

void
fail_keep_errno(const char *format, ...) {
	int error_number = errno;
	va_list arguments;
	va_start(arguments, format);
	keep_detail(format, arguments, error_number);
	va_end(arguments);
}

const char *
fail_message(void) {
	return detail;
}

void
fail_name(char *name, size_t capacity) {
	size_t length = strcspn(detail, ":");
	if (capacity == 0)
		return;
	if (length >= capacity)
		length = capacity - 1;
	memcpy(name, detail, length);
	name[length] = '\0';
}

const char *
status_name(enum status status) {
	static const char *const names[STATUS_COUNT] = {
		[OK] = "ok",
		[STATUS_INVALID] = "invalid",
		[STATUS_UNSUPPORTED] = "unsupported",
		[STATUS_UNAUTHORIZED] = "unauthorized",
		[STATUS_DENIED] = "denied",
		[STATUS_NOT_FOUND] = "not-found",
		[STATUS_CONFLICT] = "conflict",
		[STATUS_EXPIRED] = "expired",
		[STATUS_TOO_LARGE] = "too-large",
		[STATUS_UNAVAILABLE] = "unavailable",
		[STATUS_RATE] = "rate",
		[STATUS_CORRUPT] = "corrupt",
		[STATUS_IO] = "io",
		[STATUS_NO_MEMORY] = "no-memory",
		[STATUS_INTERNAL] = "internal",
	};
	return (unsigned)status < STATUS_COUNT ? names[status] : "unknown";
}
