/*
 * For tests of what keepers count together: the key "vault" of tests/team_vault.h, a limit on it by the hour, and a keeper that is
 * put back. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_LIMITS_H
#define GATEHOUSE_TESTS_TEAM_LIMITS_H

#include "keeper/internal.h"
#include "tests/counted_cents.h"
#include "tests/team_vault.h"

static inline int64_t
spent(struct team *team, size_t at) {
	struct gate_state *state = state_of(team, at);
	return limits_sum(state->limits, LIMIT_KEY, BYTES_OF_LITERAL("vault"), LIMIT_HOUR, state->now_ms, nullptr, 0);
}

static inline void
limit_to(struct team *team, unsigned usd) {
	_cleanup_(arena_free) struct arena arena = {};
	team_activate(team, arena_format(&arena,
					 "@id(\"hourly\") forbid (principal, action == Action::\"sign\", resource) "
					 "when { context has limits && context.limits has key && "
					 "context.limits.key.hour > %u };",
					 100 * usd));
}

/* Cents of the last hour that others have counted and this one has not. */
static inline int64_t
heard(struct team *team, size_t at) {
	struct gate_state *state = state_of(team, at);
	return counted_cents(&state->counted, state->limits, "vault", LIMIT_HOUR,
			     ledger_time_ms(keeper_ledger(team->members[at].house.keeper)));
}

/* A keeper that is put back to what it was before: it has forgotten what it signed, and lies by saying nothing of it. */
static inline void
put_back(struct team *team, size_t index, struct simulated_disk **earlier) {
	for (size_t i = 0; i < team->count; i++) /* so that nobody reminds it */
		if (i != index)
			team_cut(team, i, index);
	team_stop(team, index);
	simulated_disk_destroy(&team->members[index].disk);
	team->members[index].disk = TAKE(*earlier);
	team->members[index].house.io = simulated_disk_io(team->members[index].disk);
	team_start(team, index);
	team_settle(team);
}

static inline void
keep_disk(struct team *team, size_t index, struct simulated_disk **copy) {
	assert_ok(ledger_commit_now(keeper_ledger(team->members[index].house.keeper))); /* what nobody waits for */
	assert_ok(simulated_disk_copy(team->members[index].disk, copy, 99));
}

#endif
