/*
 * The end that a dealing has at all honest holders alike: what each has stored, what each pledges, and whom that convinces.
 * docs/PROTOCOL.threshold §16, "All or none".
 */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/log.h"
#include "keeper/system_entry.h"
#include "keys/bip32.h"

static uint8_t
own_holder(const struct keeper *keeper, const struct sharing *sharing) {
	for (size_t i = 0; i < sharing->key.holders.count; i++)
		if (strcmp(sharing->names[i], keeper->gate->state->keeper) == 0)
			return sharing->key.holders.parties[i].index;
	return 0;
}

static bool
has_pledged(const struct keeper *keeper, const struct joint_session *session) {
	return pledges_find(&session->pledges, own_holder(keeper, &session->sharing), PLEDGE_KEEPS) != nullptr;
}

static struct pledged
pledged_of(const struct joint_session *session) {
	return (struct pledged){.operation = session->operation->id,
				.digest = session->operation->digest,
				.sharing_hash = session->sharing_hash};
}

static enum status
keep_pledges(struct keeper *keeper, const struct joint_session *session) {
	struct pledged pledged = pledged_of(session);
	return pledges_store(keeper->gate->state, &pledged, &session->pledges);
}

static enum status
add_own(struct keeper *keeper, struct joint_session *session, enum pledge_word word) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct party_set *holders = &session->sharing.key.holders;
	size_t position = party_set_position(holders, own_holder(keeper, &session->sharing));
	struct pledged pledged = pledged_of(session);
	struct pledge_keys keys;
	struct pledge pledge;
	if (link->own_keys == nullptr || position >= holders->count)
		return fail(STATUS_UNAVAILABLE, "joint.enrolment: this keeper is not enrolled among the others");
	link->own_keys(link->context, &keys);
	TRY(pledge_sign(keeper->gate->state, &pledged, &session->sharing, &holders->parties[position], word, &keys,
			&pledge));
	pledges_add(&session->pledges, &pledge);
	return OK;
}

/* --- Telling. --- */

static void
tell_stored(struct keeper *keeper, const struct joint_session *session) {
	struct joint_answer stored = {
		.kind = ANSWER_STORED, .operation = session->operation->id, .digest = session->sharing_hash};
	threshold_tell(keeper, &session->holders, &stored);
}

static void
tell_pledges(struct keeper *keeper, const struct joint_session *session) {
	struct joint_answer pledged = {
		.kind = ANSWER_PLEDGED, .operation = session->operation->id, .pledges = session->pledges};
	if (session->pledges.count > 0)
		threshold_tell(keeper, &session->holders, &pledged);
}

void
dealing_session_has_stored(struct keeper *keeper, struct joint_session *session) {
	struct session_party *own = &session->parties[own_holder(keeper, &session->sharing)];
	own->has_stored = true;
	own->sharing = session->sharing_hash;
	session->has_row = true;
	session->state = SESSION_STORED;
	session->operation->is_acting = false; /* others may never say: people may */
	tell_stored(keeper, session);
}

/* --- The end. --- */

/* All keep theirs: the key is. Result and record are the same at all keepers but for the time of its making. */
static void
conclude(struct keeper *keeper, struct joint_session *session) {
	_cleanup_(buffer_free) struct buffer result = {};
	struct key_info key = session->wanted.key;
	bool is_made = session->wanted.is_made;
	struct bytes public_key = sharing_public_key(&session->sharing);
	memcpy(key.public_key, public_key.data, public_key.len);
	key.public_key_len = public_key.len;
	if (key.material == KEY_MATERIAL_EXTENDED)
		bip32_fingerprint(key.public_key, key.fingerprint);
	journal_end(keeper, session); /* all have stored: nobody lacks a frame */
	if (atomic_load(&keeper->has_ended))
		return;
	threshold_end_key(keeper, bytes_of_text(key.id)); /* with the shares that are of the past now */
	memset(keeper->threshold->pool_paused_ms, 0, sizeof keeper->threshold->pool_paused_ms);
	keeper->threshold->is_pool_due = true;
	if (joint_key_result(&key, &session->sharing, &result) != OK) {
		keeper_end(keeper, "joint.memory: a key that all keep cannot be recorded");
		return;
	}
	session_conclude(
		keeper, session,
		&(struct conclusion){.outcome = OUTCOME_DONE, .result = buffer_bytes(&result), .redeals = !is_made});
	if (!is_made)
		leaving_concluded(keeper, bytes_of_text(key.id));
}

/* The evidence first: with it the others are convinced, and this keeper itself after a restart. */
static void
take_shares(struct keeper *keeper, struct joint_session *session) {
	if (keep_pledges(keeper, session) != OK) {
		keeper_end(keeper, "joint.pledges: what all have pledged cannot be kept");
		return;
	}
	tell_pledges(keeper, session);
	conclude(keeper, session);
}

static const struct pledge *
never_of_others(const struct keeper *keeper, const struct joint_session *session) {
	uint8_t self = own_holder(keeper, &session->sharing);
	for (size_t i = 0; i < session->pledges.count; i++)
		if (session->pledges.of[i].word == PLEDGE_NEVER && session->pledges.of[i].holder != self)
			return &session->pledges.of[i];
	return nullptr;
}

static void
give_up(struct keeper *keeper, struct joint_session *session) {
	const struct pledge *never = never_of_others(keeper, session);
	size_t position = party_set_position(&session->holders, never->holder);
	if (session->refusal[0] != 0)
		fail_keep("%s", session->refusal);
	else
		fail_keep("joint.never: the dealing has failed for good (keeper %s)", session->sharing.names[position]);
	session_fail(keeper, session, nullptr);
}

/* What others have said reaches whoever asks later. The row is gone before anybody hears that it will never be used: else this
 * process, started anew, could pledge to keep it. */
void
dealing_session_renounce(struct keeper *keeper, struct joint_session *session) {
	bool is_pledged = has_pledged(keeper, session);
	enum status status = OK;
	journal_end(keeper,
		    session); /* where the share is gone and this is not, a restart would make the share again */
	if (atomic_load(&keeper->has_ended))
		return;
	if (session->has_row && session->pledges.count > 0)
		status = keep_pledges(keeper, session);
	/* A row that it did not store is another dealing's, which may be in force. */
	if (status == OK && session->has_row)
		status = shared_keys_discard(keeper->gate->state, bytes_of_text(session->wanted.key.id),
					     session->wanted.key.epoch);
	if (status != OK) {
		keeper_end(keeper, "joint.discard: a share that is given up would stay");
		return;
	}
	if (!is_pledged && session->holders.count > 0 && add_own(keeper, session, PLEDGE_NEVER) != OK)
		log_warning("the others are not told for good that the dealing has failed: %s", fail_message());
	tell_pledges(keeper, session);
}

/* --- On the way there. --- */

static bool
all_have_stored(const struct joint_session *session, size_t *differs) {
	*differs = SIZE_MAX;
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct session_party *party = &session->parties[session->holders.parties[i].index];
		if (!party->has_stored)
			return false;
		if (!hash256_equal(&party->sharing, &session->sharing_hash))
			*differs = i;
	}
	return true;
}

/* From here on this keeper gives its share up for nothing but the hopeless. */
static void
pledge(struct keeper *keeper, struct joint_session *session) {
	if (add_own(keeper, session, PLEDGE_KEEPS) != OK) { /* it waits, as if it had not heard */
		log_error("nothing is pledged: %s", fail_message());
		return;
	}
	if (keep_pledges(keeper, session) != OK) {
		keeper_end(keeper, "joint.pledges: what is pledged cannot be kept");
		return;
	}
	session->operation->is_acting = !dealing_session_is_free(keeper, session);
	tell_pledges(keeper, session);
}

static void
pledge_if_all_stored(struct keeper *keeper, struct joint_session *session) {
	size_t differs;
	if (!all_have_stored(session, &differs))
		return;
	if (differs == SIZE_MAX) {
		pledge(keeper, session);
		return;
	}
	fail_keep("joint.sharing_differs: keeper %s has stored a share of another sharing",
		  session->sharing.names[differs]);
	session_fail(keeper, session, nullptr);
}

void
dealing_session_settle(struct keeper *keeper, struct joint_session *session) {
	if (session->state != SESSION_STORED || session->operation->state != OPERATION_UNKNOWN)
		return;
	if (!has_pledged(keeper, session)) {
		if (never_of_others(keeper, session) != nullptr)
			give_up(keeper, session);
		else
			pledge_if_all_stored(keeper, session);
		return;
	}
	if (FAULT_SKIP_PLEDGES || pledges_are_complete(&session->pledges, &session->holders))
		take_shares(keeper, session);
	else if (pledges_are_hopeless(&session->pledges, &session->sharing, own_holder(keeper, &session->sharing)))
		give_up(keeper, session);
}

bool
dealing_session_is_free(const struct keeper *keeper, const struct joint_session *session) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	if (!has_pledged(keeper, session))
		return true;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++) {
		size_t position = party_set_position(&session->holders, peer->party);
		bool is_missing = position < session->holders.count &&
				  pledges_find(&session->pledges, peer->party, PLEDGE_KEEPS) == nullptr;
		const struct party *party = &session->holders.parties[is_missing ? position : 0];
		if (is_missing && peer->is_enrolled && peer->admission == session->sharing.admissions[position] &&
		    memcmp(peer->identity, party->identity, sizeof peer->identity) == 0)
			return false;
	}
	return true;
}

void
dealing_session_complain(struct keeper *keeper, const struct joint_session *session) {
	for (size_t i = 0; has_pledged(keeper, session) && i < session->holders.count; i++)
		if (pledges_find(&session->pledges, session->holders.parties[i].index, PLEDGE_KEEPS) == nullptr)
			log_warning("key %s is not dealt anew: keeper %s has not pledged to keep its share",
				    session->wanted.key.id, session->sharing.names[i]);
}

void
dealing_session_stored(struct keeper *keeper, struct joint_session *session, uint8_t party,
		       const struct hash256 *sharing) {
	session->parties[party].has_stored = true;
	session->parties[party].sharing = *sharing;
	dealing_session_settle(keeper, session);
}

/* Both, signed, are the proof: it stands in the own log, once, with what they are of. */
static void
record_both(struct keeper *keeper, const struct joint_session *session, const struct pledge *pledge) {
	_cleanup_(buffer_free) struct buffer body = {}, both = {};
	struct pledges pledges = {.count = 2, .of = {*pledge}};
	const struct pledge *other = pledges_find(&session->pledges, pledge->holder,
						  pledge->word == PLEDGE_KEEPS ? PLEDGE_NEVER : PLEDGE_KEEPS);
	struct json_writer w;
	pledges.of[1] = *other;
	pledges_write(&both, &pledges);
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_integer(&w, "at", keeper->batch_ms);
	json_write_member_text(&w, "check", "pledge.both: it has pledged to keep its share, and never to take it");
	json_write_member_hex(&w, "digest", hash256_bytes(&session->operation->digest));
	json_write_member_integer(&w, "epoch", session->wanted.key.epoch);
	json_write_member_string(&w, "legal_entity", session->operation->held->legal_entity);
	json_write_member_hex(&w, "operation", hash256_bytes(&session->operation->id));
	json_write_member_integer(&w, "party", pledge->holder);
	json_write_member_hex(&w, "pledges", buffer_bytes(&both));
	json_write_member_text(&w, "shared_key", session->wanted.key.id);
	json_write_member_hex(&w, "sharing", hash256_bytes(&session->sharing_hash));
	json_write_end(&w);
	if (json_writer_finish(&w) != OK || system_entry_check(keeper, buffer_bytes(&body)) != OK)
		log_error("the proof that party %u lies is not recorded: %s", pledge->holder, fail_message());
}

static void
take_pledge(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
	    const struct pledge *pledge) {
	struct pledged pledged = pledged_of(session);
	bool keeps = pledge->word == PLEDGE_KEEPS;
	if (keeps && session->state != SESSION_STORED)
		return; /* nobody who is honest has pledged before this keeper has stored */
	if (pledges_find(&session->pledges, pledge->holder, pledge->word) != nullptr)
		return;
	if (pledge_check(keeper->gate->state, &pledged, &session->sharing, pledge) != OK) {
		threshold_log_fault(keeper, peer, FAULT_PLEDGE, "keeper %s shows what nobody has pledged: %s",
				    peer->name, fail_message());
		return;
	}
	if (pledges_find(&session->pledges, pledge->holder, keeps ? PLEDGE_NEVER : PLEDGE_KEEPS) != nullptr) {
		log_error("party %u has pledged to keep its share and never to take it: it lies", pledge->holder);
		record_both(keeper, session, pledge);
	}
	if (!pledges_add(&session->pledges, pledge) || !keeps)
		return;
	session->parties[pledge->holder].has_stored = true;
	session->parties[pledge->holder].sharing = session->sharing_hash;
}

void
dealing_session_pledged(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			const struct pledges *pledges) {
	for (size_t i = 0; i < pledges->count; i++)
		take_pledge(keeper, session, peer, &pledges->of[i]);
	if (session->state == SESSION_STORED)
		dealing_session_settle(keeper, session);
	else if (never_of_others(keeper, session) != nullptr)
		give_up(keeper, session);
}

/* --- After a restart, or a connection that was lost. --- */

static void
ask(struct keeper *keeper, const struct joint_session *session, const struct peer *peer) {
	struct proposal resume = {
		.kind = PROPOSE_RESUME, .operation = session->operation->id, .nonce = session->sharing_hash};
	threshold_send_proposal(keeper, peer, &resume);
}

void
dealing_session_up(struct keeper *keeper, struct joint_session *session, const struct peer *peer) {
	size_t position = party_set_position(&session->holders, peer->party);
	if (position == session->holders.count || threshold_holder(keeper, &session->holders.parties[position]) != peer)
		return;
	if (session->state == SESSION_STORED)
		ask(keeper, session, peer);
	else if (session->state == SESSION_RUNNING)
		dealing_session_tell(keeper, session, peer);
}

/* Where the dealing has ended without a pledge of this keeper: that there never will be one. */
static enum status
add_never(struct keeper *keeper, const struct gate_operation *operation, struct pledges *pledges) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct pledged pledged = {.operation = operation->id, .digest = operation->digest};
	struct party self = {.index = link->own_party(link->context)};
	struct pledge_keys keys;
	struct pledge pledge;
	if (operation->state == OPERATION_DONE || self.index == 0 ||
	    pledges_find(pledges, self.index, PLEDGE_KEEPS) != nullptr)
		return OK;
	memcpy(self.identity, link->own_identity(link->context), sizeof self.identity);
	link->own_keys(link->context, &keys);
	TRY(pledge_sign(keeper->gate->state, &pledged, nullptr, &self, PLEDGE_NEVER, &keys, &pledge));
	pledges_add(pledges, &pledge);
	return OK;
}

/* What became of a dealing here: all have pledged, or this keeper never will. Of one that is open here, or that this keeper does not
 * know, it says nothing. */
static void
answer_resumed(struct keeper *keeper, const struct peer *peer, const struct gate_operation *operation) {
	struct joint_answer answer = {.kind = ANSWER_PLEDGED};
	struct pledged pledged;
	if (operation == nullptr || operation->state == OPERATION_HELD || operation->state == OPERATION_UNKNOWN ||
	    operation->state == OPERATION_IN_FLIGHT)
		return;
	enum status status = pledges_of_operation(keeper->gate->state, &operation->id, &pledged, &answer.pledges);
	if (status == OK || status == STATUS_NOT_FOUND)
		status = add_never(keeper, operation, &answer.pledges);
	if (status != OK)
		log_warning("keeper %s is not told how a dealing has ended: %s", peer->name, fail_message());
	answer.operation = operation->id;
	if (status == OK && answer.pledges.count > 0)
		threshold_send_answer(keeper, peer, &answer);
}

void
dealing_session_proposed(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	struct joint_session *session = session_find(keeper, &proposal->operation);
	if (session == nullptr) {
		answer_resumed(keeper, peer, operations_find(&keeper->gate->state->operations, &proposal->operation));
		return;
	}
	if (proposal->kind == PROPOSE_CONTINUE) {
		dealing_session_continued(keeper, session, peer, proposal);
		return;
	}
	if (!session->is_dealing || !session_is_holder(session, peer))
		return;
	if (session->state == SESSION_STORED) {
		struct joint_answer stored = {
			.kind = ANSWER_STORED, .operation = session->operation->id, .digest = session->sharing_hash};
		threshold_send_answer(keeper, peer, &stored);
		stored.kind = ANSWER_PLEDGED;
		stored.pledges = session->pledges;
		if (session->pledges.count > 0)
			threshold_send_answer(keeper, peer, &stored);
	}
	dealing_session_stored(keeper, session, peer->party, &proposal->nonce);
}

/* What was pledged of this dealing, if anything. */
static enum status
recall_pledges(struct keeper *keeper, struct joint_session *session) {
	struct pledged pledged;
	enum status status =
		pledges_of_operation(keeper->gate->state, &session->operation->id, &pledged, &session->pledges);
	return status == STATUS_NOT_FOUND ? OK : status;
}

/* The share is there: the others say how it ended. It is not: it goes on from what was kept, or has ended. */
static enum status
resume(struct keeper *keeper, struct gate_operation *operation, const struct submission *submission) {
	struct joint_session *session = calloc(1, sizeof *session);
	TRY_ALLOC(session);
	session->operation = operation;
	session->is_dealing = true;
	session->journal.is_kept = true; /* it may be */
	session->next = keeper->threshold->sessions;
	keeper->threshold->sessions = session;
	TRY(joint_read_key(keeper->gate, submission, keeper->gate->state->now_ms, &session->wanted));
	enum status status = shared_keys_stored(keeper->gate->state, bytes_of_text(session->wanted.key.id),
						session->wanted.key.epoch, &session->sharing);
	if (status != OK && status != STATUS_NOT_FOUND)
		return status;
	if (status == STATUS_NOT_FOUND) { /* it never was, or all was hopeless; or the dealing is still under way */
		if (dealing_session_resume(keeper, session) != OK)
			session_fail(keeper, session, nullptr);
		return OK;
	}
	session->holders = session->sharing.key.holders;
	dealing_session_recall_last(keeper, session);
	TRY(sharing_hash(&session->sharing, &session->sharing_hash));
	TRY(recall_pledges(keeper, session));
	dealing_session_has_stored(keeper, session);
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &session->holders.parties[i]);
		if (peer != nullptr)
			ask(keeper, session, peer);
	}
	dealing_session_settle(keeper, session);
	return OK;
}

enum status
dealings_resume(struct keeper *keeper) {
	const struct operations *operations = &keeper->gate->state->operations;
	for (;;) {
		struct gate_operation *found = nullptr;
		_cleanup_(arena_free) struct arena arena = {};
		struct submission submission;
		struct bytes key_id;
		size_t at = 0;
		void *value;
		while (found == nullptr && map_next(&operations->kept, &at, nullptr, &value)) {
			struct gate_operation *operation = value;
			if (operation->state == OPERATION_UNKNOWN && session_find(keeper, &operation->id) == nullptr &&
			    !joint_is_signing(operation) && joint_submission(operation, &arena, &submission) == OK &&
			    joint_dealt_key(keeper->gate, &submission, &key_id))
				found = operation;
		}
		if (found == nullptr)
			return journals_sweep(keeper);
		TRY(resume(keeper, found, &submission));
	}
}
