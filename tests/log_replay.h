/*
 * For tests of what the log of a keeper says by itself: whether every decision in it comes out the same, and which difference is told where
 * it was forged. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_LOG_REPLAY_H
#define GATEHOUSE_TESTS_LOG_REPLAY_H

#include <stdio.h>

#include "gate/replay.h"
#include "keeper/keeper.h"

/* In the one entry of the type that has it: as long, and another text. */
struct forgery {
	enum entry_type type;
	const char *from, *to;
};

struct replayed {
	struct replay_counts counts;
	char difference[256]; /* the first; empty: none */
};

static inline size_t
forge_leaf(struct bytes leaf, const struct forgery *forgery) {
	struct entry entry;
	assert_ok(entry_peek(leaf, &entry));
	uint8_t *at = entry.type != forgery->type
			      ? nullptr
			      : memmem((void *)(uintptr_t)leaf.data, leaf.len, forgery->from, strlen(forgery->from));
	if (at == nullptr)
		return 0;
	assert_int_equal(strlen(forgery->from), strlen(forgery->to));
	memcpy(at, forgery->to, strlen(forgery->to));
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
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct ledger_record record;
		enum replay_result result;
		const char *found;
		assert_ok(ledger_read(ledger, i, &bytes, &record));
		forged += forgery == nullptr ? 0 : forge_leaf(record.leaf, forgery);
		if (n < head.head.size) {
			assert_ok(replayer_foresee(replayer, record.leaf));
			continue;
		}
		assert_ok(replayer_add(replayer, i, record.leaf, &result, &found));
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
