#include "policy/like.h"

bool
like_matches(struct bytes text, const struct bytes *parts, size_t part_count) {
	struct bytes first = parts[0], last = parts[part_count - 1];
	if (part_count == 1)
		return bytes_equal(text, first);
	if (text.len < first.len || text.len - first.len < last.len ||
	    !bytes_equal(bytes_of(text.data, first.len), first) ||
	    !bytes_equal(bytes_of(text.data + text.len - last.len, last.len), last))
		return false;
	const uint8_t *at = text.data + first.len, *end = text.data + text.len - last.len;
	for (size_t i = 1; i + 1 < part_count; i++) {
		at = parts[i].len == 0 ? at : memmem(at, (size_t)(end - at), parts[i].data, parts[i].len);
		if (at == nullptr)
			return false;
		at += parts[i].len;
	}
	return true;
}
