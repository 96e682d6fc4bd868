#include "ledger/receipt.h"

static const struct bytes MAGIC = BYTES_OF_LITERAL("c2sp.org/tlog-proof@v1");
static const struct bytes EXTRA = BYTES_OF_LITERAL("extra ");
static const struct bytes INDEX = BYTES_OF_LITERAL("index ");

void
receipt_write(struct buffer *to, struct bytes entry, uint64_t index, const struct proof *proof, struct bytes note) {
	buffer_append_bytes(to, MAGIC);
	buffer_append_byte(to, '\n');
	if (entry.data != nullptr) {
		buffer_append_bytes(to, EXTRA);
		buffer_append_base64(to, entry);
		buffer_append_byte(to, '\n');
	}
	buffer_append_bytes(to, INDEX);
	buffer_append_decimal(to, index);
	buffer_append_byte(to, '\n');
	proof_append_lines(to, proof);
	buffer_append_byte(to, '\n');
	buffer_append_bytes(to, note);
}

static bool
starts_with(struct bytes line, struct bytes start) {
	return line.len >= start.len && memcmp(line.data, start.data, start.len) == 0;
}

static struct bytes
after(struct bytes line, struct bytes start) {
	return bytes_of(line.data + start.len, line.len - start.len);
}

static enum status
parse_entry(struct arena *arena, struct bytes base64, struct receipt *receipt) {
	uint8_t *entry = arena_alloc(arena, base64.len / 4 * 3);
	TRY_ALLOC(entry);
	size_t len;
	if (base64.len > BASE64_LENGTH(RECEIPT_ENTRY_SIZE_MAX) ||
	    base64_decode(base64, entry, base64.len / 4 * 3, &len) != OK || len > RECEIPT_ENTRY_SIZE_MAX)
		return fail(STATUS_INVALID, "receipt.extra: expected base64 of an entry of at most %zu bytes",
			    RECEIPT_ENTRY_SIZE_MAX);
	receipt->has_entry = true;
	receipt->entry = bytes_of(entry, len);
	return OK;
}

enum status
receipt_parse(struct arena *arena, struct bytes text, struct receipt *receipt) {
	if (text.len > RECEIPT_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "receipt.size: %zu bytes, at most %zu", text.len, RECEIPT_SIZE_MAX);
	struct cursor cursor = cursor_of(text);
	struct bytes line;
	TRY(cursor_until(&cursor, "receipt.magic", '\n', &line));
	if (!bytes_equal(line, MAGIC))
		return fail(STATUS_INVALID, "receipt.magic: expected %.*s", BYTES_ARGS(MAGIC));
	TRY(cursor_until(&cursor, "receipt.index", '\n', &line));
	receipt->has_entry = false;
	receipt->entry = (struct bytes){};
	if (starts_with(line, EXTRA)) {
		TRY(parse_entry(arena, after(line, EXTRA), receipt));
		TRY(cursor_until(&cursor, "receipt.index", '\n', &line));
	}
	if (!starts_with(line, INDEX) || decimal_decode(after(line, INDEX), &receipt->index) != OK)
		return fail(STATUS_INVALID, "receipt.index: expected index and a decimal number");
	TRY(proof_parse_lines(&cursor, "receipt.proof", &receipt->proof));
	receipt->note_text = bytes_of(cursor.at, cursor.left);
	TRY(note_parse(arena, receipt->note_text, &receipt->note));
	return checkpoint_parse(receipt->note.text, &receipt->checkpoint);
}

enum status
receipt_check_entry(const struct receipt *receipt, struct bytes entry) {
	struct hash256 leaf = tree_leaf_hash(entry);
	return proof_verify_inclusion(&leaf, receipt->index, receipt->checkpoint.size, receipt->proof.hashes,
				      receipt->proof.count, &receipt->checkpoint.root);
}
