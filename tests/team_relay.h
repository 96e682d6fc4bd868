/*
 * For tests of what keepers of tests/team.h say became of a transfer: a relay that loses what they say, and what is said to one alone.
 * Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_RELAY_H
#define GATEHOUSE_TESTS_TEAM_RELAY_H

#include "keeper/threshold_internal.h"
#include "tests/team_limits.h"

/* The one frame of the round, lost on its way; what else is lost, from then on. */
struct relay {
	size_t from, to;
	bool has_lost, loses_all, loses_both;
	uint8_t gives_back[3]; /* as each told last in refusing: its byte and 1 */
};

static inline bool
lose(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct relay *relay = team->context;
	bool is_online = kind == PEER_PROTOCOL && body->data[6] == ONLINE_SIGN;
	bool is_way = from == relay->from && to == relay->to;
	if (kind == PEER_ANSWER && body->data[0] == ANSWER_REFUSED && from < 3)
		relay->gives_back[from] = (uint8_t)(1 + body->data[33]);
	if (is_online && (is_way || relay->loses_both)) {
		relay->has_lost = true;
		return false;
	}
	return !(relay->has_lost && relay->loses_all && is_way);
}

static inline void
assert_all(struct team *team, const struct hash256 *id, enum operation_state state) {
	for (size_t i = 0; i < team->count; i++)
		if (team_state(team, i, id) != state)
			fail_msg("keeper %zu: %s, not %s", i, operation_state_name(team_state(team, i, id)),
				 operation_state_name(state));
}

/* Three with a key, and all that is prepared with it; what passes between them goes by this from now on. */
static inline void
found_with(struct team *team, uint64_t seed,
	   bool (*on_message)(struct team *, size_t, size_t, enum peer_kind, struct buffer *), void *context) {
	team_found(team, 3, seed);
	team_make_key(team, "vault", "2-of-3");
	team_settle(team);
	team->on_message = on_message;
	team->context = context;
}

static inline void
found_with_relay(struct team *team, struct relay *relay, uint64_t seed) {
	found_with(team, seed, lose, relay);
}

static inline struct firm_operation
named_transfer(struct arena *arena, const char *name, uint64_t nonce) {
	struct firm_operation asked = transfer(arena, 10, nonce);
	asked.idempotency_key = name;
	return asked;
}

static inline void
hear(struct team *team, size_t at, size_t from, enum peer_kind kind, struct bytes body) {
	struct team_member *member = &team->members[at];
	threshold_message(member->house.keeper, &member->peers[from], kind, body);
	team_settle(team);
}

#endif
