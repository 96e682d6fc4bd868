/*
 * For tests of what the log of a keeper of tests/team.h says by itself: whether every decision in it comes out the same, and which difference
 * is told where it was forged. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_REPLAY_H
#define GATEHOUSE_TESTS_TEAM_REPLAY_H

#include <stdio.h>

#include "gate/replay.h"
#include "keeper/internal.h"
#include "tests/team.h"

static inline enum status
replay_entry(void *context, const struct ledger_record *record) {
	enum replay_result result;
	const char *difference;
	TRY(replayer_add(context, record->index, record->leaf, &result, &difference));
	return difference == nullptr ? OK
				     : fail(STATUS_CORRUPT, "replay.different: entry %llu: %s",
					    (unsigned long long)record->index, difference);
}

/* Every decision of its log, from the log alone. */
static inline void
assert_log_replays(struct team *team, size_t at, uint64_t *same) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct keeper *keeper = team->members[at].house.keeper;
	struct ledger_head head;
	assert_ok(replayer_create(&replayer, &keeper->gate->blobs));
	ledger_durable_head(keeper->ledger, &head);
	assert_ok(ledger_visit(keeper->ledger, 0, head.head.size, replay_entry, replayer));
	struct replay_counts counts = replayer_counts(replayer);
	assert_int_equal(0, counts.different);
	*same = counts.same;
}

/* The whole log of a keeper, with another text in the one outcome that has this one. */
static inline struct replay_counts
replay_altered(struct team *team, size_t at, const char *from, const char *to, char difference[256]) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	unsigned altered = 0;
	assert_ok(ledger_commit_now(ledger));
	ledger_durable_head(ledger, &head);
	assert_ok(replayer_create(&replayer, &keeper_gate(team->members[at].house.keeper)->blobs));
	difference[0] = 0;
	for (uint64_t i = 0; i < head.head.size; i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct ledger_record record;
		struct entry entry;
		enum replay_result result;
		const char *found;
		assert_ok(ledger_read(ledger, i, &bytes, &record));
		assert_ok(entry_peek(record.leaf, &entry));
		uint8_t *text =
			from == nullptr || entry.type != ENTRY_OUTCOME
				? nullptr
				: memmem((void *)(uintptr_t)record.leaf.data, record.leaf.len, from, strlen(from));
		if (text != nullptr) {
			assert_int_equal(strlen(from), strlen(to));
			memcpy(text, to, strlen(to));
			altered++;
		}
		assert_ok(replayer_add(replayer, i, record.leaf, &result, &found));
		if (found != nullptr)
			snprintf(difference, 256, "%s", found);
	}
	assert_int_equal(from != nullptr, altered);
	return replayer_counts(replayer);
}

#endif
