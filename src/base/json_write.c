#include "base/json.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

void
json_writer_start(struct json_writer *writer, struct buffer *to) {
	writer->to = to;
	writer->depth = 0;
	writer->failed = false;
	writer->after_key = false;
}

static void
before_value(struct json_writer *writer) {
	if (writer->depth == 0 || writer->after_key) {
		writer->after_key = false;
		return;
	}
	typeof(&writer->levels[0]) level = &writer->levels[writer->depth - 1];
	if (level->is_object)
		writer->failed = true; /* a value without a key */
	if (!level->is_empty)
		buffer_append_byte(writer->to, ',');
	level->is_empty = false;
}

static void
open_level(struct json_writer *writer, bool is_object) {
	before_value(writer);
	if (writer->depth == JSON_DEPTH_MAX) {
		writer->failed = true;
		return;
	}
	typeof(&writer->levels[0]) level = &writer->levels[writer->depth++];
	level->is_object = is_object;
	level->is_empty = true;
	buffer_append_byte(writer->to, is_object ? '{' : '[');
}

void
json_write_object(struct json_writer *writer) {
	open_level(writer, true);
}

void
json_write_array(struct json_writer *writer) {
	open_level(writer, false);
}

void
json_write_end(struct json_writer *writer) {
	if (writer->depth == 0 || writer->after_key) {
		writer->failed = true;
		return;
	}
	buffer_append_byte(writer->to, writer->levels[--writer->depth].is_object ? '}' : ']');
}

static const bool SPECIAL[256] = {
	[0x00 ... 0x1f] = true,
	['"'] = true,
	['\\'] = true,
	[0x80 ... 0xff] = true,
};

#if defined(__SSE2__)

/* Which of sixteen bytes need an escape or are not ASCII, one bit each: as signed bytes, what lies beyond ASCII is below the space
 * as well. */
static unsigned
special_of(__m128i here) {
	__m128i special =
		_mm_or_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('"')), _mm_cmpeq_epi8(here, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(special, _mm_cmplt_epi8(here, _mm_set1_epi8(' '))));
}

static unsigned
special_of_sixteen(const uint8_t *text) {
	return special_of(_mm_loadu_si128((const __m128i *)text));
}

/* How many bytes from the start need no escape and are ASCII. */
static size_t
plain_length(const uint8_t *text, size_t len) {
	size_t i = 0;
	for (; i + 16 <= len; i += 16) {
		unsigned special = special_of_sixteen(text + i);
		if (special != 0)
			return i + (unsigned)__builtin_ctz(special);
	}
	if (i > 0 && i < len) { /* the last sixteen once more, without those that were seen */
		size_t start = len - 16;
		unsigned special = special_of_sixteen(text + start) >> (i - start);
		return special == 0 ? len : i + (unsigned)__builtin_ctz(special);
	}
	while (i < len && !SPECIAL[text[i]])
		i++;
	return i;
}

#else

/* How many bytes from the start need no escape and are ASCII: eight at a time, by the classic test for a zero byte
 * (Mycroft) on the differences, and bit 7 for what lies beyond ASCII. */
static size_t
plain_length(const uint8_t *text, size_t len) {
	constexpr uint64_t ONES = UINT64_C(0x0101010101010101);
	constexpr uint64_t HIGH = UINT64_C(0x8080808080808080);
	size_t i = 0;
	for (; i + 8 <= len; i += 8) {
		uint64_t eight;
		memcpy(&eight, text + i, sizeof eight);
		uint64_t quote = eight ^ (ONES * '"'), backslash = eight ^ (ONES * '\\');
		uint64_t special = ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) |
				   ((eight - ONES * 0x20) & ~eight) | eight;
		if (special & HIGH)
			break;
	}
	while (i < len && !SPECIAL[text[i]])
		i++;
	return i;
}

#endif

/* Between quotes, as it is. */
static void
write_plain(struct buffer *to, struct bytes text) {
	if (!buffer_reserve(to, text.len + 2))
		return;
	uint8_t *at = to->data + to->len;
	*at = '"';
	if (text.len > 0)
		memcpy(at + 1, text.data, text.len);
	at[text.len + 1] = '"';
	to->len += text.len + 2;
}

static void
write_quoted(struct json_writer *writer, struct bytes text) {
	static const char SHORT[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	size_t i = plain_length(text.data, text.len);
	if (i == text.len) {
		write_plain(writer->to, text);
		return;
	}
	buffer_append_byte(writer->to, '"');
	size_t plain = 0; /* start of the run not yet copied */
	for (; i < text.len; i += plain_length(text.data + i, text.len - i)) {
		uint8_t c = text.data[i];
		if (c >= 0x80) {
			size_t length = utf8_length(text.data + i, text.len - i);
			if (length == 0) {
				writer->failed = true;
				return;
			}
			i += length;
			continue;
		}
		buffer_append(writer->to, text.data + plain, i - plain);
		if (c == '"' || c == '\\') {
			buffer_append_byte(writer->to, '\\');
			buffer_append_byte(writer->to, c);
		} else if (c < sizeof SHORT && SHORT[c] != 0) {
			buffer_append_byte(writer->to, '\\');
			buffer_append_byte(writer->to, (uint8_t)SHORT[c]);
		} else
			buffer_append_format(writer->to, "\\u%04x", c);
		plain = ++i;
	}
	buffer_append(writer->to, text.data + plain, text.len - plain);
	buffer_append_byte(writer->to, '"');
}

#if defined(__SSE2__)

/* Sixteen bytes from this place, or the last sixteen; of a shorter key, of at least four bytes, all of them, some twice. */
static __m128i
sixteen_of(struct bytes key, size_t at) {
	uint64_t first, last;
	if (key.len >= 16)
		return _mm_loadu_si128((const __m128i *)(key.data + (key.len - at >= 16 ? at : key.len - 16)));
	if (key.len >= 8) {
		memcpy(&first, key.data, sizeof first);
		memcpy(&last, key.data + key.len - sizeof last, sizeof last);
	} else
		first = last = (uint64_t)load_u32be(key.data) << 32 | load_u32be(key.data + key.len - 4);
	return _mm_set_epi64x((int64_t)last, (int64_t)first);
}

#endif

/* Printable ASCII that needs no escape. */
static bool
is_plain_key(struct bytes key) {
#if defined(__SSE2__)
	unsigned unfit = 0;
	for (size_t at = 0; key.len >= 4 && at < key.len; at += 16) {
		__m128i here = sixteen_of(key, at);
		unfit |= special_of(here) | (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(here, _mm_set1_epi8(0x7f)));
	}
	if (key.len >= 4)
		return unfit == 0;
#endif
	for (size_t i = 0; i < key.len; i++)
		if (SPECIAL[key.data[i]] || key.data[i] == 0x7f)
			return false;
	return true;
}

static bool
is_printable_ascii(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

/* bytes_compare() by eight: keys of one object often begin alike. */
static bool
is_greater(struct bytes key, struct bytes other) {
	size_t common = key.len < other.len ? key.len : other.len, i = 0;
	for (; i + 8 <= common; i += 8) {
		uint64_t a = load_u64be(key.data + i), b = load_u64be(other.data + i);
		if (a != b)
			return a > b;
	}
	if (i < common && common >= 8) { /* the last eight, of which the first are known to be alike */
		uint64_t a = load_u64be(key.data + common - 8), b = load_u64be(other.data + common - 8);
		return a != b ? a > b : key.len > other.len;
	}
	for (; i < common; i++)
		if (key.data[i] != other.data[i])
			return key.data[i] > other.data[i];
	return key.len > other.len;
}

/* Written keys are printable, so that a backslash there only ever precedes a quote or another one. */
static bool
is_behind(struct bytes key, struct bytes written, bool is_plain) {
	if (is_plain)
		return is_greater(key, written);
	size_t i = 0;
	for (size_t j = 0; j < written.len; i++, j++) {
		j += written.data[j] == '\\';
		if (i == key.len || key.data[i] != written.data[j])
			return i < key.len && key.data[i] > written.data[j];
	}
	return key.len > i;
}

/* The separator before it, quoted, and the colon. Returns where it begins within the buffer. */
static size_t
write_plain_key(struct buffer *to, struct bytes key, bool is_first) {
	if (!buffer_reserve(to, key.len + 4))
		return to->len;
	uint8_t *at = to->data + to->len;
	if (!is_first)
		*at++ = ',';
	*at++ = '"';
	size_t start = (size_t)(at - to->data);
	if (key.len > 0)
		memcpy(at, key.data, key.len);
	at += key.len;
	*at++ = '"';
	*at++ = ':';
	to->len = (size_t)(at - to->data);
	return start;
}

static size_t
write_escaped_key(struct json_writer *writer, struct bytes key, bool is_first) {
	struct buffer *to = writer->to;
	if (!is_first)
		buffer_append_byte(to, ',');
	size_t start = to->len + 1;
	write_quoted(writer, key);
	if (!is_printable_ascii(key))
		writer->failed = true;
	buffer_append_byte(to, ':');
	return start;
}

void
json_write_key_bytes(struct json_writer *writer, struct bytes key) {
	if (writer->depth == 0 || writer->after_key || !writer->levels[writer->depth - 1].is_object) {
		writer->failed = true;
		return;
	}
	typeof(&writer->levels[0]) level = &writer->levels[writer->depth - 1];
	struct buffer *to = writer->to;
	if (!level->is_empty &&
	    (to->failed || !is_behind(key, bytes_of(to->data + level->last_at, level->last_len), level->is_last_plain)))
		writer->failed = true;
	level->is_last_plain = is_plain_key(key);
	level->last_at = level->is_last_plain ? write_plain_key(to, key, level->is_empty)
					      : write_escaped_key(writer, key, level->is_empty);
	level->last_len =
		to->len > level->last_at + 1 ? to->len - 2 - level->last_at : 0; /* less the quote and the colon */
	level->is_empty = false;
	writer->after_key = true;
}

void
json_write_key(struct json_writer *writer, const char *key) {
	json_write_key_bytes(writer, bytes_of_text(key));
}

void
json_write_string(struct json_writer *writer, struct bytes text) {
	before_value(writer);
	write_quoted(writer, text);
}

void
json_write_text(struct json_writer *writer, const char *text) {
	json_write_string(writer, bytes_of_text(text));
}

void
json_write_integer(struct json_writer *writer, int64_t number) {
	if (number > JSON_INTEGER_MAX || number < -JSON_INTEGER_MAX)
		writer->failed = true;
	before_value(writer);
	if (number < 0)
		buffer_append_byte(writer->to, '-');
	buffer_append_decimal(writer->to, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void
json_write_boolean(struct json_writer *writer, bool flag) {
	before_value(writer);
	buffer_append_text(writer->to, flag ? "true" : "false");
}

void
json_write_null(struct json_writer *writer) {
	before_value(writer);
	buffer_append_text(writer->to, "null");
}

void
json_write_hex(struct json_writer *writer, struct bytes bytes) {
	before_value(writer);
	buffer_append_byte(writer->to, '"');
	buffer_append_hex(writer->to, bytes);
	buffer_append_byte(writer->to, '"');
}

void
json_write_base64(struct json_writer *writer, struct bytes bytes) {
	before_value(writer);
	buffer_append_byte(writer->to, '"');
	buffer_append_base64(writer->to, bytes);
	buffer_append_byte(writer->to, '"');
}

void
json_write_canonical(struct json_writer *writer, struct bytes canonical) {
	before_value(writer);
	buffer_append_bytes(writer->to, canonical);
}

void
json_write_member_text(struct json_writer *writer, const char *key, const char *text) {
	json_write_key(writer, key);
	json_write_text(writer, text);
}

void
json_write_member_string(struct json_writer *writer, const char *key, struct bytes text) {
	json_write_key(writer, key);
	json_write_string(writer, text);
}

void
json_write_member_integer(struct json_writer *writer, const char *key, int64_t number) {
	json_write_key(writer, key);
	json_write_integer(writer, number);
}

void
json_write_member_boolean(struct json_writer *writer, const char *key, bool flag) {
	json_write_key(writer, key);
	json_write_boolean(writer, flag);
}

void
json_write_member_hex(struct json_writer *writer, const char *key, struct bytes bytes) {
	json_write_key(writer, key);
	json_write_hex(writer, bytes);
}

enum status
json_writer_finish(const struct json_writer *writer) {
	TRY(buffer_status(writer->to));
	if (writer->failed || writer->depth != 0 || writer->after_key)
		return fail(STATUS_INTERNAL, "json.writer: keys out of order, a value out of range, or an open level");
	return OK;
}
