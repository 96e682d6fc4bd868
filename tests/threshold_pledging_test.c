/*
 * A pledge to keep a share of a dealing is durable before anybody hears it: where it cannot be stored, the keeper ends and has told nobody,
 * so that after a restart it is not bound by what it does not know. The keepers are those of tests/team.h.
 */
#include "tests/frost_team.h"

#include "keeper/threshold_internal.h"

constexpr size_t PLEDGER = 1;

/* That all have stored, as the pledger hears it last: what it writes from here on fails. */
struct refusal {
	size_t stored; /* others of whom it has heard so */
	bool is_armed;
	size_t told; /* messages of its pledges since */
};

static bool
refuse_to_store(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct refusal *refusal = team->context;
	if (kind != PEER_ANSWER)
		return true;
	if (from == PLEDGER && body->data[0] == ANSWER_PLEDGED)
		refusal->told += refusal->is_armed;
	if (to != PLEDGER)
		return true;
	/* Others' pledges would say the same. */
	if (body->data[0] == ANSWER_PLEDGED)
		return refusal->is_armed;
	if (body->data[0] == ANSWER_STORED && ++refusal->stored == team->count - 1) {
		struct simulated_disk *disk = team->members[PLEDGER].disk;
		refusal->is_armed = true;
		simulated_disk_crash_at(disk, simulated_disk_operations(disk));
	}
	return true;
}

static void
what_is_pledged_is_stored_before_it_is_told(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct refusal refusal = {};
	struct ipc_response response;
	const struct scheme *scheme = &SCHEMES[0];
	found(&team, 3, scheme, "2-of-3", 71);
	team.on_message = refuse_to_store;
	team.context = &refusal;
	team_submit(&team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = "key.refresh",
					    .resource = "key:sol-vault",
					    .payload = "{}",
					    .reason = "as planned"},
		    &arena, &response);
	assert_true(refusal.is_armed);
	assert_true(simulated_disk_is_crashed(team.members[PLEDGER].disk));
	assert_true(atomic_load(&team.members[PLEDGER].house.keeper->has_ended));
	assert_int_equal(0, refusal.told);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(1, key_at(&team, i, scheme)->sharing.key.epoch);
	/* It comes back with the share and without a pledge, makes one, and all keep theirs. */
	team.on_message = nullptr;
	team_stop(&team, PLEDGER);
	team_start(&team, PLEDGER);
	team_settle(&team);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(2, key_at(&team, i, scheme)->sharing.key.epoch);
}

/* Of what others have stored the first hears what the second says alone. */
static bool
hide_stored(struct team *, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	bool is_hidden = kind == PEER_ANSWER && (body->data[0] == ANSWER_STORED || body->data[0] == ANSWER_PLEDGED);
	return to != 0 || !is_hidden || (from == 1 && body->data[0] == ANSWER_STORED);
}

/* One that was founded anew says that it has stored a share, in the party of who has. */
static void
who_lost_its_share_resumes_nothing(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	const struct scheme *scheme = &SCHEMES[0];
	found(&team, 3, scheme, "2-of-3", 72);
	team.on_message = hide_stored;
	team_submit(&team, 0,
		    (struct firm_operation){.by = FIRM_PERSON_4,
					    .kind = "key.refresh",
					    .resource = "key:sol-vault",
					    .payload = "{}",
					    .reason = "as planned"},
		    &arena, &response);
	struct team_member *first = &team.members[0];
	const struct joint_session *session = first->house.keeper->threshold->sessions;
	assert_non_null(session);
	assert_int_equal(SESSION_STORED, session->state);
	assert_false(session->parties[3].has_stored);
	proposal_write(&body, &(struct proposal){.kind = PROPOSE_RESUME,
						 .operation = session->operation->id,
						 .nonce = session->sharing_hash});
	struct peer other = first->peers[2];
	other.identity[0] ^= 1;
	threshold_message(first->house.keeper, &other, PEER_PROPOSE, buffer_bytes(&body));
	assert_int_equal(0, session->pledges.count);
	assert_false(session->parties[3].has_stored);
	threshold_message(first->house.keeper, &first->peers[2], PEER_PROPOSE, buffer_bytes(&body));
	team.on_message = nullptr;
	team_settle(&team);
	team_restart_all(&team);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(2, key_at(&team, i, scheme)->sharing.key.epoch);
}

RUN_TESTS(T(what_is_pledged_is_stored_before_it_is_told), T(who_lost_its_share_resumes_nothing))
