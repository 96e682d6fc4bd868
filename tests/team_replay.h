/* For tests of what the log of a keeper of tests/team.h says by itself: tests/log_replay.h. Include after tests/test.h. */
#ifndef GATEHOUSE_TESTS_TEAM_REPLAY_H
#define GATEHOUSE_TESTS_TEAM_REPLAY_H

#include "tests/log_replay.h"
#include "tests/team.h"

static inline struct replayed
team_replay(struct team *team, size_t at, const struct forgery *forgery) {
	return log_replay(team->members[at].house.keeper, forgery);
}

static inline struct replay_counts
assert_team_replays(struct team *team, size_t at) {
	return assert_replays(team->members[at].house.keeper);
}

#endif
