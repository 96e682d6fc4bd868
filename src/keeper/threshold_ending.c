/*
 * How a signing ends of which this keeper has released nothing. It says so to all, is bound by it, and says that the signing failed only
 * where the others cannot have made a signature without it: they are too few, none of them was handed the request, or each has said the
 * same, or takes part in a session that this keeper has left. Who lies may hand on what it heard, sign with whom this keeper does not hear, and say whatever it likes; but not without an
 * honest one, whose word is missing then.
 */
#include "keeper/threshold_internal.h"

#include <stdio.h>

static uint32_t
bit_of(uint8_t party) {
	return UINT32_C(1) << party;
}

void
ending_note(struct joint_session *session, const struct peer *peer, const struct joint_answer *answer) {
	uint32_t *said = answer->gives_back ? &session->closed : &session->open;
	*said |= bit_of(peer->party);
	if (session->state == SESSION_ENDING && answer->gives_back)
		session->operation->held->awaited &= ~bit_of(peer->party);
}

void
ending_note_frame(struct joint_session *session, const struct peer *peer) {
	session->closed |= bit_of(peer->party);
}

/* Others may know of it. What waited for votes was given to them when it was asked for, whoever hears of the last vote. */
static bool
is_told(const struct joint_session *session) {
	const struct job *job = session->job;
	return !session->is_asker || job == nullptr || job->kind != JOB_OPERATION || job->is_internal ||
	       job->is_forwarded;
}

/* Whose word it takes, as long as people let them be keepers. Of all, where it did not come to look who they are. */
static uint32_t
find_awaited(const struct keeper *keeper, const struct joint_session *session) {
	const struct shared_key *key = shared_keys_find(keeper->gate->state, bytes_of_text(session->key_id));
	const struct threshold_link *link = &keeper->threshold->link;
	uint32_t holders = session->holders.count == 0 ? UINT32_MAX : party_bits(&session->holders);
	if (!is_told(session) || (key != nullptr && session->holders.count - 1 < key->sharing.key.threshold))
		return 0;
	return holders & ~bit_of(link->own_party(link->context)) & ~session->closed;
}

/* People have removed it, or admitted another in its place. */
static bool
is_gone(const struct keeper *keeper, const struct party *party) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->party == party->index && peer->is_enrolled &&
		    memcmp(peer->identity, party->identity, sizeof peer->identity) == 0)
			return false;
	return true;
}

bool
ending_is_failed(const struct keeper *keeper, const struct joint_session *session) {
	uint32_t awaited = session->operation->held->awaited;
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct party *party = &session->holders.parties[i];
		if ((awaited & bit_of(party->index)) != 0 && is_gone(keeper, party))
			awaited &= ~bit_of(party->index);
	}
	return awaited == 0;
}

/* Somebody is there who may still say it soon. */
static bool
is_awaited(const struct keeper *keeper, const struct joint_session *session) {
	uint32_t awaited = session->operation->held->awaited & ~session->open;
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct party *party = &session->holders.parties[i];
		if ((awaited & bit_of(party->index)) != 0 && threshold_holder(keeper, party) != nullptr)
			return true;
	}
	return false;
}

void
ending_step(struct keeper *keeper, struct joint_session *session) {
	char error[sizeof session->refusal];
	memcpy(error, session->refusal, sizeof error);
	if (!session_may_be_signed(session) && ending_is_failed(keeper, session))
		session_conclude(keeper, session,
				 &(struct conclusion){.outcome = OUTCOME_FAILED,
						      .error = error,
						      .again = session->again,
						      .blame = session->blame,
						      .gives_back = true});
	else if (session->end_ms <= threshold_now_ms(keeper) || !is_awaited(keeper, session))
		session_leave_open(keeper, session, error, session->blame);
}

/* Who was told nothing of it hears nothing, and who has ended it before is asked. */
static void
ask_awaited(struct keeper *keeper, const struct joint_session *session) {
	const struct proposal question = {.kind = PROPOSE_SHOW, .operation = session->operation->id};
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct party *party = &session->holders.parties[i];
		const struct peer *peer = threshold_holder(keeper, party);
		if (peer != nullptr && (session->operation->held->awaited & bit_of(party->index)) != 0)
			threshold_send_proposal(keeper, peer, &question);
	}
}

void
ending_begin(struct keeper *keeper, struct joint_session *session, const char *error, struct bytes blame) {
	struct held_operation *held = session->operation->held;
	session->state = SESSION_ENDING;
	session->end_ms = threshold_now_ms(keeper) + ENDING_MS;
	snprintf(session->refusal, sizeof session->refusal, "%s", error);
	session->blame = arena_copy(&session->arena, blame); /* without memory nobody is named */
	for (size_t i = 0; i < JOINT_REQUESTS_MAX; i++)      /* nothing of it leaves any more */
		machine_close(&session->machines[i]);
	session->request_count = 0;
	held->is_unreleased = true;
	held->awaited = find_awaited(keeper, session);
	ask_awaited(keeper, session);
	ending_step(keeper, session);
}
