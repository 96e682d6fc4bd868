#include "gateway/http_target.h"

static int
hex_value(uint8_t digit) {
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
		return (digit | 0x20) - 'a' + 10;
	return -1;
}

/* RFC 3986 §3.3 and §3.4: unreserved, sub-delims, ":", "@", and in the query "/" and "?". */
static bool
is_target_character(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != nullptr);
}

/* Decodes one escape of the target at *at. */
static bool
decode_escape(struct bytes target, size_t *at, uint8_t *byte) {
	if (target.len - *at < 3)
		return false;
	int high = hex_value(target.data[*at + 1]), low = hex_value(target.data[*at + 2]);
	if (high < 0 || low < 0)
		return false;
	*byte = (uint8_t)(high << 4 | low);
	*at += 3;
	return *byte >= 0x20 && *byte != 0x7f;
}

static bool
has_bad_segment(struct bytes path) {
	for (size_t start = 1; start <= path.len;) {
		const uint8_t *segment = path.data + start;
		const uint8_t *slash = start == path.len ? nullptr : memchr(segment, '/', path.len - start);
		size_t len = slash == nullptr ? path.len - start : (size_t)(slash - segment);
		bool is_last = slash == nullptr;
		if ((len == 0 && !(is_last && path.len == 1)) || (len == 1 && segment[0] == '.') ||
		    (len == 2 && segment[0] == '.' && segment[1] == '.'))
			return true;
		start += len + 1;
	}
	return false;
}

enum http_refused
http_target_decode(struct bytes target, uint8_t *path, size_t *path_len, size_t *offset) {
	bool in_query = false;
	*path_len = *offset = 0;
	if (target.len == 0 || target.data[0] != '/')
		return REFUSED_TARGET_FORM;
	for (size_t at = 0; at < target.len;) {
		uint8_t c = target.data[at];
		*offset = at;
		if (c == '%') {
			if (!decode_escape(target, &at, &c) || (!in_query && c == '/'))
				return REFUSED_TARGET_ESCAPE;
		} else if (c == '?') {
			in_query = true;
			at++;
		} else if (is_target_character(c))
			at++;
		else
			return REFUSED_TARGET_CHARACTER;
		if (!in_query)
			path[(*path_len)++] = c;
	}
	return has_bad_segment(bytes_of(path, *path_len)) ? REFUSED_TARGET_DOTS : REFUSED_END;
}
