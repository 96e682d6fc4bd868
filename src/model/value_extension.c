/*
 * The extension types' text: decimal, ipaddr, datetime, duration, exactly as Cedar 4.5 reads them.
 * Source: https://docs.cedarpolicy.com, "Data types"; RFC 5952 for what is written.
 */
#include "model/value.h"

#include <stdio.h>

#include "base/time.h"

constexpr int64_t DECIMAL_SCALE = 10'000;
constexpr size_t DECIMAL_DIGITS = 4;
constexpr size_t IP_TEXT_MAX = 43; /* eight groups of four digits, seven colons, a slash and three digits */

struct scanner {
	struct bytes text;
	size_t at;
};

static bool
scan_character(struct scanner *scanner, char character) {
	if (scanner->at == scanner->text.len || scanner->text.data[scanner->at] != (uint8_t)character)
		return false;
	scanner->at++;
	return true;
}

static bool
is_digit(uint8_t c) {
	return c >= '0' && c <= '9';
}

static size_t
count_digits(const struct scanner *scanner) {
	size_t digits = 0;
	while (scanner->at + digits < scanner->text.len && is_digit(scanner->text.data[scanner->at + digits]))
		digits++;
	return digits;
}

/* All digits that follow; false where none do. What exceeds 64 bits becomes UINT64_MAX, which is out of every range here. */
static bool
scan_number(struct scanner *scanner, uint64_t *number) {
	size_t digits = count_digits(scanner);
	*number = 0;
	for (size_t i = 0; i < digits; i++) {
		unsigned digit = (unsigned)(scanner->text.data[scanner->at + i] - '0');
		if (__builtin_mul_overflow(*number, 10u, number) || __builtin_add_overflow(*number, digit, number))
			*number = UINT64_MAX;
	}
	scanner->at += digits;
	return digits > 0;
}

static bool
scan_digits(struct scanner *scanner, size_t count, int *number) {
	*number = 0;
	if (count_digits(scanner) < count)
		return false;
	for (size_t i = 0; i < count; i++)
		*number = *number * 10 + (scanner->text.data[scanner->at++] - '0');
	return true;
}

#define QUOTED(text) (int)((text).len > 80 ? 80 : (text).len), (const char *)(text).data

enum status
value_parse_decimal(struct bytes text, struct value *value) {
	struct scanner scanner = {.text = text};
	bool negative = scan_character(&scanner, '-');
	uint64_t whole, fraction;
	bool is_number = scan_number(&scanner, &whole) && scan_character(&scanner, '.');
	size_t digits = count_digits(&scanner);
	if (!is_number || !scan_number(&scanner, &fraction) || scanner.at != text.len)
		return fail(STATUS_INVALID,
			    "value.decimal: \"%.*s\": expected digits, a point and digits, such as \"1.5\"",
			    QUOTED(text));
	if (digits > DECIMAL_DIGITS)
		return fail(STATUS_INVALID,
			    "value.decimal_digits: \"%.*s\": at most 4 digits after the point, found %zu", QUOTED(text),
			    digits);
	for (size_t i = digits; i < DECIMAL_DIGITS; i++)
		fraction *= 10;
	__int128 magnitude = (__int128)whole * DECIMAL_SCALE + (__int128)fraction;
	int64_t scaled;
	if (__builtin_add_overflow(negative ? -magnitude : magnitude, 0, &scaled))
		return fail(STATUS_INVALID, "value.decimal_range: \"%.*s\" is beyond ±922337203685477.5807",
			    QUOTED(text));
	*value = (struct value){.type = VALUE_DECIMAL, .integer = scaled};
	return OK;
}

/* Four numbers to 255 without leading zeros. */
static bool
scan_ipv4(struct scanner *scanner, uint8_t address[4]) {
	for (size_t i = 0; i < 4; i++) {
		if (i > 0 && !scan_character(scanner, '.'))
			return false;
		size_t digits = count_digits(scanner);
		int number;
		if (digits < 1 || digits > 3 || (digits > 1 && scanner->text.data[scanner->at] == '0') ||
		    !scan_digits(scanner, digits, &number) || number > 255)
			return false;
		address[i] = (uint8_t)number;
	}
	return true;
}

static int
hex_value(uint8_t c) {
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hexadecimal digits. */
static bool
scan_group(struct scanner *scanner, unsigned *group) {
	size_t digits = 0;
	*group = 0;
	while (scanner->at < scanner->text.len && hex_value(scanner->text.data[scanner->at]) >= 0) {
		if (++digits > 4)
			return false;
		*group = *group << 4 | (unsigned)hex_value(scanner->text.data[scanner->at++]);
	}
	return digits > 0;
}

/* Groups joined by colons, at most limit; *count receives their number, which may be 0. */
static bool
scan_groups(struct scanner *scanner, unsigned *groups, size_t limit, size_t *count) {
	for (*count = 0; *count < limit; (*count)++) {
		size_t before = scanner->at;
		if (*count > 0 && !scan_character(scanner, ':'))
			return true;
		if (!scan_group(scanner, &groups[*count])) {
			scanner->at = before;
			return true;
		}
	}
	return true;
}

/* RFC 4291 §2.2, forms 1 and 2. Form 3 (an IPv4 address at the end) is not Cedar's. */
static bool
scan_ipv6(struct scanner *scanner, uint8_t address[16]) {
	unsigned head[8], tail[8] = {};
	size_t head_count, tail_count = 0;
	if (!scan_groups(scanner, head, 8, &head_count))
		return false;
	if (head_count < 8) {
		if (!scan_character(scanner, ':') || !scan_character(scanner, ':') ||
		    !scan_groups(scanner, tail, 7 - head_count, &tail_count))
			return false;
	}
	memset(address, 0, 16);
	for (size_t i = 0; i < head_count + tail_count; i++) {
		size_t at = i < head_count ? i : 8 - tail_count + (i - head_count);
		unsigned group = i < head_count ? head[i] : tail[i - head_count];
		address[2 * at] = (uint8_t)(group >> 8);
		address[2 * at + 1] = (uint8_t)group;
	}
	return true;
}

static bool
scan_prefix(struct scanner *scanner, int limit, uint8_t *prefix) {
	size_t digits = count_digits(scanner);
	int number;
	if (digits < 1 || digits > 3 || (digits > 1 && scanner->text.data[scanner->at] == '0') ||
	    !scan_digits(scanner, digits, &number) || number > limit)
		return false;
	*prefix = (uint8_t)number;
	return true;
}

enum status
value_parse_ip(struct bytes text, struct value *value) {
	*value = (struct value){.type = VALUE_IPADDR};
	value->ip.is_v6 = text.len > 0 && memchr(text.data, ':', text.len) != nullptr;
	value->ip.prefix = value->ip.is_v6 ? 128 : 32;
	struct scanner scanner = {.text = text};
	bool is_address = text.len <= IP_TEXT_MAX && (value->ip.is_v6 ? scan_ipv6(&scanner, value->ip.address)
								      : scan_ipv4(&scanner, value->ip.address));
	if (is_address && scan_character(&scanner, '/'))
		is_address = scan_prefix(&scanner, value->ip.prefix, &value->ip.prefix);
	if (!is_address || scanner.at != text.len)
		return fail(STATUS_INVALID,
			    "value.ip: \"%.*s\": expected an IPv4 or IPv6 address or range, such as \"10.0.0.0/8\"",
			    QUOTED(text));
	return OK;
}

static int
days_of_month(int year, int month) {
	int64_t next = month == 12 ? time_days_from_date(year + 1, 1, 1) : time_days_from_date(year, month + 1, 1);
	return (int)(next - time_days_from_date(year, month, 1));
}

struct clock_time {
	int hour, minute, second, millisecond;
	int offset_hours, offset_minutes; /* of the zone, without sign */
	bool west;
};

/* "Thh:mm:ss", perhaps ".SSS", and "Z" or "+hhmm". */
static bool
scan_clock_time(struct scanner *scanner, struct clock_time *time) {
	if (!scan_character(scanner, 'T') || !scan_digits(scanner, 2, &time->hour) || !scan_character(scanner, ':') ||
	    !scan_digits(scanner, 2, &time->minute) || !scan_character(scanner, ':') ||
	    !scan_digits(scanner, 2, &time->second))
		return false;
	if (scan_character(scanner, '.') && !scan_digits(scanner, 3, &time->millisecond))
		return false;
	if (scan_character(scanner, 'Z'))
		return true;
	time->west = scan_character(scanner, '-');
	return (time->west || scan_character(scanner, '+')) && scan_digits(scanner, 2, &time->offset_hours) &&
	       scan_digits(scanner, 2, &time->offset_minutes);
}

enum status
value_parse_datetime(struct bytes text, struct value *value) {
	struct scanner scanner = {.text = text};
	struct clock_time time = {};
	int year, month, day;
	bool is_datetime = scan_digits(&scanner, 4, &year) && scan_character(&scanner, '-') &&
			   scan_digits(&scanner, 2, &month) && scan_character(&scanner, '-') &&
			   scan_digits(&scanner, 2, &day) &&
			   (scanner.at == text.len || scan_clock_time(&scanner, &time)) && scanner.at == text.len;
	if (!is_datetime)
		return fail(STATUS_INVALID,
			    "value.datetime: \"%.*s\": expected YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with .SSS if wanted "
			    "and Z, "
			    "+hhmm or -hhmm",
			    QUOTED(text));
	if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) || time.hour > 23 ||
	    time.minute > 59 || time.second > 59 || time.offset_hours > 23 || time.offset_minutes > 59)
		return fail(STATUS_INVALID, "value.datetime_range: \"%.*s\": no such date, time or offset",
			    QUOTED(text));
	int64_t offset = time.offset_hours * HOUR_MS + time.offset_minutes * MINUTE_MS;
	int64_t instant = time_days_from_date(year, month, day) * DAY_MS + time.hour * HOUR_MS +
			  time.minute * MINUTE_MS + time.second * SECOND_MS + time.millisecond;
	*value = (struct value){.type = VALUE_DATETIME, .integer = time.west ? instant + offset : instant - offset};
	return OK;
}

static const struct {
	const char *name;
	int64_t milliseconds;
} units[] = {{"d", DAY_MS}, {"h", HOUR_MS}, {"m", MINUTE_MS}, {"s", SECOND_MS}, {"ms", 1}};

/* The unit after a number, which must stand after *next in the table; "m" is not the beginning of "ms". */
static bool
scan_unit(struct scanner *scanner, size_t *next, int64_t *milliseconds) {
	size_t end = scanner->at;
	while (end < scanner->text.len && !is_digit(scanner->text.data[end]))
		end++;
	struct bytes name = bytes_of(scanner->text.data + scanner->at, end - scanner->at);
	for (size_t i = *next; i < ARRAY_LENGTH(units); i++)
		if (bytes_equal_text(name, units[i].name)) {
			*next = i + 1;
			*milliseconds = units[i].milliseconds;
			scanner->at = end;
			return true;
		}
	return false;
}

enum status
value_parse_duration(struct bytes text, struct value *value) {
	struct scanner scanner = {.text = text};
	bool negative = scan_character(&scanner, '-'), in_range = true;
	int64_t total = 0, unit;
	uint64_t number;
	size_t next_unit = 0;
	if (scanner.at == text.len)
		goto malformed;
	while (scanner.at < text.len) {
		if (!scan_number(&scanner, &number) || !scan_unit(&scanner, &next_unit, &unit))
			goto malformed;
		__int128 part = (__int128)number * unit;
		if (__builtin_add_overflow(total, negative ? -part : part, &total))
			in_range = false;
	}
	if (!in_range)
		return fail(STATUS_INVALID, "value.duration_range: \"%.*s\" is beyond 64 bits of milliseconds",
			    QUOTED(text));
	*value = (struct value){.type = VALUE_DURATION, .integer = total};
	return OK;
malformed:
	return fail(STATUS_INVALID,
		    "value.duration: \"%.*s\": expected numbers with the units d, h, m, s, ms in that order",
		    QUOTED(text));
}

static void
format_ipv6(const uint8_t address[16], char *text) {
	unsigned groups[8];
	int zeros_at = -1, zeros = 1; /* the longest run of two or more zero groups, the first among equals */
	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)address[2 * i] << 8 | address[2 * i + 1];
	for (int i = 0; i < 8; i++) {
		int run = 0;
		while (i + run < 8 && groups[i + run] == 0)
			run++;
		if (run > zeros) {
			zeros_at = i;
			zeros = run;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == zeros_at) {
			text += sprintf(text, "::");
			i += zeros - 1;
			continue;
		}
		bool after_zeros = zeros_at >= 0 && i == zeros_at + zeros;
		text += sprintf(text, i == 0 || after_zeros ? "%x" : ":%x", groups[i]);
	}
}

static void
format_ip(const struct value *value, char *text) {
	const uint8_t *address = value->ip.address;
	if (value->ip.is_v6)
		format_ipv6(address, text);
	else
		snprintf(text, VALUE_TEXT_SIZE, "%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
	if (value->ip.prefix != (value->ip.is_v6 ? 128 : 32)) {
		size_t length = strlen(text);
		snprintf(text + length, VALUE_TEXT_SIZE - length, "/%u", value->ip.prefix);
	}
}

static bool
format_datetime(int64_t instant_ms, char *text) {
	static const int64_t first_ms = INT64_C(-62'167'219'200'000), beyond_ms = INT64_C(253'402'300'800'000);
	if (instant_ms < first_ms || instant_ms >= beyond_ms)
		return false;
	time_format(instant_ms, text);
	return true;
}

bool
value_format_extension(const struct value *value, char *text) {
	uint64_t magnitude = value->integer < 0 ? -(uint64_t)value->integer : (uint64_t)value->integer;
	switch (value->type) {
	case VALUE_DECIMAL:
		snprintf(text, VALUE_TEXT_SIZE, "%s%llu.%04llu", value->integer < 0 ? "-" : "",
			 (unsigned long long)(magnitude / (uint64_t)DECIMAL_SCALE),
			 (unsigned long long)(magnitude % (uint64_t)DECIMAL_SCALE));
		return true;
	case VALUE_IPADDR:
		format_ip(value, text);
		return true;
	case VALUE_DATETIME:
		return format_datetime(value->integer, text);
	case VALUE_DURATION:
		snprintf(text, VALUE_TEXT_SIZE, "%lldms", (long long)value->integer);
		return true;
	default:
		return false;
	}
}
