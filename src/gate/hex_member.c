#include "gate/hex_member.h"

enum status
hex_member_read(struct arena *arena, const json *object, const char *where, const char *member, size_t max,
		struct bytes *bytes) {
	struct bytes text;
	TRY(json_need_string(object, where, member, &text));
	if (text.len == 0 || text.len % 2 != 0 || text.len / 2 > max)
		return fail(STATUS_INVALID, "%s.%s: expected 1 to %zu bytes as hexadecimal digits", where, member, max);
	uint8_t *decoded = arena_alloc(arena, text.len / 2);
	TRY_ALLOC(decoded);
	TRY(hex_decode(text, decoded, text.len / 2));
	*bytes = bytes_of(decoded, text.len / 2);
	return OK;
}
