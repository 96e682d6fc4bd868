#include "base/cursor.h"
#include "ledger/log_state.h"

/* The number of frontier roots (8 bits) and the roots; time; the counts body
 * (length, 32 bits); the number of recorded cuts (32 bits) and their hashes. */

enum status
log_state_write(const struct log_state *state, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer counts = {};
	struct hash256 roots[TREE_LEVELS];
	size_t count = tree_frontier_pack(&state->frontier, roots);
	TRY(entry_write_counts(state->counts, &counts));
	buffer_append_byte(to, (uint8_t)count);
	buffer_append(to, roots, count * sizeof roots[0]);
	buffer_append_u64be(to, (uint64_t)state->at_ms);
	buffer_append_u32be(to, (uint32_t)counts.len);
	buffer_append_bytes(to, buffer_bytes(&counts));
	buffer_append_u32be(to, (uint32_t)(state->recorded_cuts.len / sizeof(struct hash256)));
	buffer_append_bytes(to, state->recorded_cuts);
	return buffer_status(to);
}

static enum status
read_counts(struct bytes body, uint64_t counts[ENTRY_TYPES]) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	TRY(json_read(&arena, body, (struct json_limits){}, &document));
	return entry_read_counts(document, counts);
}

static enum status
read_state(struct bytes bytes, uint64_t size, struct log_state *state) {
	struct cursor cursor = cursor_of(bytes);
	struct hash256 roots[TREE_LEVELS];
	struct bytes counts;
	uint8_t root_count;
	uint32_t counts_len, cut_count;
	uint64_t at_ms;
	TRY(cursor_u8(&cursor, "ledger.snapshot", &root_count));
	if (root_count > TREE_LEVELS)
		return fail(STATUS_INVALID, "ledger.snapshot: %u roots", root_count);
	TRY(cursor_copy(&cursor, "ledger.snapshot", roots, root_count * sizeof roots[0]));
	TRY(tree_frontier_unpack(size, roots, root_count, &state->frontier));
	TRY(cursor_u64be(&cursor, "ledger.snapshot", &at_ms));
	if (at_ms > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "ledger.snapshot: a time out of range");
	state->at_ms = (int64_t)at_ms;
	TRY(cursor_u32be(&cursor, "ledger.snapshot", &counts_len));
	TRY(cursor_take(&cursor, "ledger.snapshot", counts_len, &counts));
	TRY(read_counts(counts, state->counts));
	TRY(cursor_u32be(&cursor, "ledger.snapshot", &cut_count));
	TRY(cursor_take(&cursor, "ledger.snapshot", cut_count * sizeof(struct hash256), &state->recorded_cuts));
	return cursor_end(&cursor, "ledger.snapshot");
}

enum status
log_state_read(struct bytes bytes, uint64_t size, struct log_state *state) {
	*state = (struct log_state){};
	enum status status = read_state(bytes, size, state);
	return status == STATUS_INVALID ? STATUS_CORRUPT : status;
}
