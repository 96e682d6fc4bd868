#include "ledger/checkpoint.h"

#include "base/cursor.h"

static enum status
parse_root(struct bytes line, struct hash256 *root) {
	size_t len;
	if (base64_decode(line, root->bytes, sizeof root->bytes, &len) != OK || len != sizeof root->bytes)
		return fail(STATUS_INVALID, "checkpoint.root: expected base64 of 32 bytes");
	return OK;
}

static enum status
check_extensions(struct bytes extensions) {
	struct cursor cursor = cursor_of(extensions);
	while (cursor.left > 0) {
		struct bytes line;
		TRY(cursor_until(&cursor, "checkpoint.extension", '\n', &line));
		if (line.len == 0)
			return fail(STATUS_INVALID, "checkpoint.extension: an empty line");
	}
	return OK;
}

enum status
checkpoint_parse(struct bytes text, struct checkpoint *checkpoint) {
	struct cursor cursor = cursor_of(text);
	struct bytes size, root;
	TRY(cursor_until(&cursor, "checkpoint.origin", '\n', &checkpoint->origin));
	if (checkpoint->origin.len == 0)
		return fail(STATUS_INVALID, "checkpoint.origin: empty");
	TRY(cursor_until(&cursor, "checkpoint.size", '\n', &size));
	if (decimal_decode(size, &checkpoint->size) != OK || checkpoint->size > INT64_MAX)
		return fail(STATUS_INVALID, "checkpoint.size: expected a decimal number below 2^63");
	TRY(cursor_until(&cursor, "checkpoint.root", '\n', &root));
	TRY(parse_root(root, &checkpoint->root));
	checkpoint->extensions = bytes_of(cursor.at, cursor.left);
	return check_extensions(checkpoint->extensions);
}

void
checkpoint_format(struct buffer *to, struct bytes origin, uint64_t size, const struct hash256 *root) {
	buffer_append_bytes(to, origin);
	buffer_append_byte(to, '\n');
	buffer_append_decimal(to, size);
	buffer_append_byte(to, '\n');
	buffer_append_base64(to, hash256_bytes(root));
	buffer_append_byte(to, '\n');
}
