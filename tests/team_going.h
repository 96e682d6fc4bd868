/*
 * For tests of a keeper that goes, by its process or by its machine's power, before a message, and comes back. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_GOING_H
#define GATEHOUSE_TESTS_TEAM_GOING_H

#include "keeper/internal.h"
#include "tests/team.h"

struct going {
	size_t who;
	uint64_t at;      /* the message, counted from when this was armed */
	uint64_t counted; /* so far */
	bool is_power, is_gone;
};

static inline bool
team_go(struct team *team, size_t from, size_t to, enum peer_kind, struct buffer *) {
	struct going *going = team->context;
	if (going->is_gone || going->counted++ != going->at)
		return true;
	/* Nothing that it does from now on reaches its disk or anybody. */
	struct team_member *gone = &team->members[going->who];
	going->is_gone = true;
	gone->is_open = false;
	simulated_disk_crash_at(gone->disk, simulated_disk_operations(gone->disk));
	atomic_store(&gone->house.keeper->has_ended, true);
	for (size_t i = 0; i < team->count; i++)
		if (i != going->who)
			team_cut(team, going->who, i);
	return from != going->who && to != going->who; /* the others' channel loses nothing */
}

static inline void
team_come_back(struct team *team, struct going *going) {
	struct team_member *member = &team->members[going->who];
	team->on_message = nullptr;
	if (!going->is_gone)
		return;
	team_stop(team, going->who);
	if (going->is_power)
		simulated_disk_lose_power(member->disk);
	team_start(team, going->who);
	for (size_t i = 0; i < team->count; i++)
		if (i != going->who)
			team_connect(team, going->who, i);
	team_settle(team);
	team_pass_ms(team, 60'000);
	team_settle(team);
}

/* A request whose answer may never come, since its keeper goes. */
static inline void
team_ask(struct team *team, size_t at, const struct ipc_request *request) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	IGNORE_STATUS(
		keeper_answer(team->members[at].house.keeper, request, &arena, &response)); /* it may have ended */
}

/* Nothing of a dealing is left open once all are there. */
static inline void
assert_ended(struct team *team, const struct hash256 *operation) {
	for (size_t i = 0; i < team->count; i++) {
		enum operation_state state = team_state(team, i, operation);
		if (state != OPERATION_DONE && state != OPERATION_FAILED && state != OPERATION_STATES &&
		    state != OPERATION_HELD)
			fail_msg("keeper %zu: the operation is %s", i, operation_state_name(state));
	}
}

#endif
