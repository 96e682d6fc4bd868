/*
 * For tests of what keepers of tests/team.h write into their own logs, which nobody else sees: whom a failed check names, and why. Include
 * after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_LOG_H
#define GATEHOUSE_TESTS_TEAM_LOG_H

#include "keeper/internal.h"
#include "tests/team.h"

/* Of an entry's body; true: no other need be looked at. */
typedef bool log_look(void *context, struct bytes body);

/* At all entries of a type in a keeper's log, the newest first. */
static inline bool
log_search(struct team *team, size_t at, enum entry_type type, log_look *look, void *context) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	bool is_found = false;
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	for (uint64_t index = head.head.size; index-- > 0 && !is_found;) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ledger_record record;
		struct entry entry;
		buffer_reset(&bytes);
		assert_ok(ledger_read(ledger, index, &bytes, &record));
		assert_ok(entry_read(&arena, record.leaf, &entry));
		is_found = entry.type == type && look(context, entry.body);
	}
	return is_found;
}

static inline bool
look_for_text(void *context, struct bytes body) {
	const char *text = context;
	return memmem(body.data, body.len, text, strlen(text)) != nullptr;
}

/* Whether an entry of that kind says that. */
static inline bool
log_says(struct team *team, size_t at, enum entry_type type, const char *text) {
	return log_search(team, at, type, look_for_text, (char *)text);
}

static inline bool
look_for_name(void *context, struct bytes body) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *outcome;
	int64_t *party = context;
	assert_ok(json_read(&arena, body, (struct json_limits){}, &outcome));
	const json *names = json_get(outcome, "names");
	*party = names == nullptr ? -1 : 0;
	if (names != nullptr && json_get(names, "party") != nullptr)
		assert_ok(json_need_integer(names, "names", "party", party));
	return true;
}

/* Whom the newest outcome names: the party, 0 for nobody; -1: it was no check. */
static inline int64_t
named_at(struct team *team, size_t at) {
	int64_t party = -1;
	log_search(team, at, ENTRY_OUTCOME, look_for_name, &party);
	return party;
}

/* The same of the newest entry "check": of an operation that was left unknown. */
static inline int64_t
named_open_at(struct team *team, size_t at) {
	int64_t party = -1;
	log_search(team, at, ENTRY_CHECK, look_for_name, &party);
	return party;
}

#endif
