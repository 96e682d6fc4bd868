/*
 * For tests of what the log of a keeper says by itself: whether every decision in it comes out the same, and which difference is told where
 * it was forged. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_LOG_REPLAY_H
#define GATEHOUSE_TESTS_LOG_REPLAY_H

#include <stdio.h>

#include "gate/replay.h"
#include "keeper/keeper.h"

/* In the one entry of the type that has it: another text. */
struct forgery {
	enum entry_type type;
	const char *from, *to;
};

struct replayed {
	struct replay_counts counts;
	char difference[256]; /* the first; empty: none */
};

static inline size_t
forge_leaf(struct bytes leaf, const struct forgery *forgery, struct buffer *forged) {
	struct entry entry;
	size_t len = strlen(forgery->from);
	assert_ok(entry_peek(leaf, &entry));
	const uint8_t *at = entry.type != forgery->type ? nullptr : memmem(leaf.data, leaf.len, forgery->from, len);
	if (at == nullptr)
		return 0;
	size_t before = (size_t)(at - leaf.data);
	buffer_append(forged, leaf.data, before);
	buffer_append_text(forged, forgery->to);
	buffer_append(forged, at + len, leaf.len - before - len);
	assert_ok(buffer_status(forged));
	return 1;
}

/* The whole log; forgery may be null. */
static inline struct replayed
log_replay(struct keeper *keeper, const struct forgery *forgery) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger *ledger = keeper_ledger(keeper);
	struct replayed replayed = {};
	struct ledger_head head;
	size_t forged = 0;
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(replayer_create(&replayer, &keeper_gate(keeper)->blobs));
	for (uint64_t n = 0; n < 2 * head.head.size; n++) { /* once to foresee, once to judge */
		const uint64_t i = n % head.head.size;
		_cleanup_(buffer_free) struct buffer bytes = {}, other = {};
		struct ledger_record record;
		enum replay_result result;
		const char *found;
		assert_ok(ledger_read(ledger, i, &bytes, &record));
		forged += forgery == nullptr ? 0 : forge_leaf(record.leaf, forgery, &other);
		const struct bytes leaf = other.len > 0 ? buffer_bytes(&other) : record.leaf;
		if (n < head.head.size) {
			assert_ok(replayer_foresee(replayer, leaf));
			continue;
		}
		assert_ok(replayer_add(replayer, i, leaf, &result, &found));
		if (found != nullptr && replayed.difference[0] == '\0')
			snprintf(replayed.difference, sizeof replayed.difference, "%s", found);
	}
	assert_int_equal(forgery != nullptr ? 2 : 0, forged);
	replayed.counts = replayer_counts(replayer);
	return replayed;
}

/* As it is; nothing of it differs. */
static inline struct replay_counts
assert_replays(struct keeper *keeper) {
	const struct replayed replayed = log_replay(keeper, nullptr);
	assert_string_equal("", replayed.difference);
	assert_int_equal(0, replayed.counts.different);
	return replayed.counts;
}

#endif
