#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

static const char *log_role = "gatehouse";
static enum log_level log_level = LOG_LEVEL_INFO;

void
log_start(const char *role, enum log_level level) {
	log_role = role;
	log_level = level;
}

void
log_set_level(enum log_level level) {
	log_level = level;
}

/* Bytes that are no UTF-8 (from outside, or a character that the end of the buffer cut) must not lose the line. */
static void
make_valid(char *message) {
	size_t length = strlen(message);
	for (size_t i = 0; i < length;) {
		size_t character = utf8_length((const uint8_t *)message + i, length - i);
		if (character == 0)
			message[i] = '?';
		i += character == 0 ? 1 : character;
	}
}

void
log_write(enum log_level level, const char *format, ...) {
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
	static const int priorities[] = {3, 4, 5, 6, 7}; /* syslog's, RFC 5424 §6.2.1 */
	if (level > log_level)
		return;
	char message[1024], stamp[32];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	make_valid(message);
	struct timespec now;
	struct tm calendar;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &calendar);
	size_t length = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &calendar);
	snprintf(stamp + length, sizeof stamp - length, ".%03ldZ", now.tv_nsec / 1'000'000);

	_cleanup_(buffer_free) struct buffer line = {};
	struct json_writer writer;
	buffer_append_format(&line, "<%d>", priorities[level]);
	json_writer_start(&writer, &line);
	json_write_object(&writer);
	json_write_member_text(&writer, "level", names[level]);
	json_write_member_text(&writer, "message", message);
	json_write_member_text(&writer, "role", log_role);
	json_write_member_text(&writer, "time", stamp);
	json_write_end(&writer);
	buffer_append_byte(&line, '\n');
	if (json_writer_finish(&writer) != OK) {
		static const char unprintable[] =
			"<3>{\"level\":\"error\",\"message\":\"a log line could not be written\"}\n";
		(void)!write(STDERR_FILENO, unprintable, sizeof unprintable - 1);
		return;
	}
	(void)!write(STDERR_FILENO, line.data, line.len); /* nowhere to report it */
}
