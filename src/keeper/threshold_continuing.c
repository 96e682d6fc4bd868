/*
 * A dealing goes on: after a connection that was lost, and after a restart, from what is kept of it. What was sent is sent again, byte for
 * byte, and nothing is made twice. docs/PROTOCOL.threshold §22.
 *
 * Whoever comes says first how far it is. A holder that remembers more of it, or something else, ends the dealing: a keeper that was put
 * back to a time before would say twice, differently, what it says once. None of its frames that the other may have lost is sent
 * before that, so that who was put back cannot go on without all others' consent.
 */
#include "keeper/threshold_internal.h"

#include "base/log.h"
#include "gate/import_key.h"

/* --- What it will be made from. --- */

static enum status
begin(struct keeper *keeper, const struct gate_operation *operation, const struct submission *submission,
      const struct joint_key *wanted, const json *secret) {
	uint8_t part[SCALAR_SIZE] = {};
	if (!wanted->is_imported)
		return journal_begin(keeper, operation, wanted, nullptr);
	enum status status = import_open(keeper->gate, wanted, submission->payload_document, secret, part);
	if (status == OK)
		status = journal_begin(keeper, operation, wanted, part);
	secret_wipe(part, sizeof part);
	return status;
}

void
dealing_session_intend(struct keeper *keeper, const struct gate_operation *operation, const json *secret) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 16 * 1024};
	struct submission submission;
	struct joint_key wanted;
	if (joint_is_signing(operation))
		return;
	enum status status = joint_submission(operation, &arena, &submission);
	if (status == OK)
		status = joint_read_key(keeper->gate, &submission, keeper->gate->state->now_ms, &wanted);
	if (status == OK)
		status = begin(keeper, operation, &submission, &wanted, secret);
	if (status != OK)
		log_warning("what a dealing will be made from is not kept yet: %s", fail_message());
}

enum status
dealing_session_prepare(struct keeper *keeper, struct joint_session *session) {
	_cleanup_(secret_free) struct secret plain = {};
	struct submission submission;
	struct journal journal;
	enum status status = journal_open(keeper, session, &plain, &journal);
	if (status == STATUS_NOT_FOUND) { /* this process has just intended it, and has said nothing */
		TRY(joint_submission(session->operation, &session->arena, &submission));
		TRY(begin(keeper, session->operation, &submission, &session->wanted, session->secret));
		status = journal_open(keeper, session, &plain, &journal);
	}
	TRY(status);
	return journal.rounds == 0 ? OK : fail(STATUS_CORRUPT, "joint.journal: a dealing that begins has begun before");
}

/* --- After a restart. --- */

/* Who they are, and how often people have admitted them. */
static struct hash256
hash_parties(const struct sharing *sharing) {
	struct hash256 hash = {};
	for (size_t i = 0; i < sharing->key.holders.count; i++) {
		const struct party *party = &sharing->key.holders.parties[i];
		uint8_t admission[8];
		store_u64be(admission, sharing->admissions[i]);
		hash = SHA256_PARTS(hash256_bytes(&hash), bytes_of(&party->index, 1), BYTES_OF_ARRAY(party->identity),
				    BYTES_OF_ARRAY(admission));
	}
	return hash;
}

void
dealing_note_parties(struct joint_session *session) {
	session->journal.parties = hash_parties(&session->sharing);
}

/* What it makes now must be what it had made. */
static enum status
check_sent(const struct joint_session *session, const struct journal *journal) {
	for (size_t round = 0; round < journal->rounds; round++)
		for (size_t i = 0; i < journal->party_count; i++)
			if (!bytes_equal(machine_sent(&session->dealing, round, session->holders.parties[i].index),
					 journal->sent[round][i]))
				return fail(STATUS_CORRUPT, "joint.journal: what would be sent is not what was sent");
	return OK;
}

static enum status
replay(struct joint_session *session, const struct journal *journal) {
	for (size_t round = 0; round + 1 < journal->rounds; round++)
		for (size_t i = 0; i < journal->party_count; i++)
			if (journal->received[round][i].len > 0 &&
			    machine_receive(&session->dealing, journal->received[round][i]) != OK)
				return fail(STATUS_CORRUPT, "joint.journal: what was heard is not what was answered");
	return machine_rounds(&session->dealing) == journal->rounds && journal->party_count == session->holders.count
		       ? check_sent(session, journal)
		       : fail(STATUS_CORRUPT, "joint.journal: it is not as far as it was");
}

static enum status
check_time(const struct keeper *keeper, const struct journal *journal) {
	int64_t age_ms = io_realtime_ns(keeper->config.io) / 1'000'000 - journal->begun_ms;
	if (age_ms < -CLOCK_SKEW_MS)
		return fail(STATUS_UNAVAILABLE, "joint.time: it was intended %lld s from now: the clock went back",
			    (long long)-age_ms / 1000);
	return age_ms <= RESUMING_MS
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "joint.time: it was intended %lld s ago", (long long)age_ms / 1000);
}

static enum status
check_begun(const struct joint_session *session, const struct journal *journal) {
	if (!hash256_equal(&session->dealing.session_id, &journal->session_id))
		return fail(STATUS_CORRUPT, "joint.journal: it is of another session");
	struct hash256 parties = hash_parties(&session->sharing);
	return hash256_equal(&parties, &journal->parties)
		       ? OK
		       : fail(STATUS_CONFLICT, "joint.admission: its holders are not admitted as they were");
}

static enum status
go_on(struct keeper *keeper, struct joint_session *session, const struct journal *journal) {
	TRY(check_time(keeper, journal));
	TRY(dealing_find_parties(keeper, session, false));
	TRY(dealing_start_machine(keeper, session));
	if (!vm_generation_is(&session->dealing.generation, journal->has_generation, journal->generation))
		return fail(STATUS_DENIED,
			    "joint.generation: the machine was put back or copied since this dealing began");
	session->dealing.session_id = machine_exchange(&session->dealing)->session.id;
	session->dealing.has_session_id = true;
	if (journal->rounds == 0) {
		dealing_note_parties(session);
		return journal_keep(keeper, session);
	}
	TRY(check_begun(session, journal));
	TRY(replay(session, journal));
	/* All of it anew: a row that could not be removed when a check failed is not gone on from. */
	session->journal.rounds = 0;
	return journal_keep(keeper, session);
}

enum status
dealing_session_resume(struct keeper *keeper, struct joint_session *session) {
	_cleanup_(secret_free) struct secret plain = {};
	struct journal journal;
	enum status status = journal_open(keeper, session, &plain, &journal);
	if (status == STATUS_NOT_FOUND || (status == OK && journal_is_stored(&journal)))
		return fail(STATUS_NOT_FOUND,
			    "joint.interrupted: this keeper was started anew, and has no share of this dealing");
	TRY(status);
	session->state = SESSION_RUNNING;
	session->end_ms = threshold_now_ms(keeper) + DEALING_MS;
	TRY(go_on(keeper, session, &journal));
	session->operation->is_acting = true;
	log_notice("the dealing of key %s goes on after round %u", session->wanted.key.id, journal.rounds);
	return OK;
}

void
dealing_session_recall_last(struct keeper *keeper, struct joint_session *session) {
	_cleanup_(secret_free) struct secret plain = {};
	struct journal journal;
	enum status status = journal_open(keeper, session, &plain, &journal);
	if (status != OK || journal.rounds != EXCHANGE_ROUNDS_MAX || journal.party_count != session->holders.count) {
		log_warning("the last of what was said in a dealing is not there to be said again: %s",
			    status != OK ? fail_message() : "joint.journal: it is not as far");
		return;
	}
	for (size_t i = 0; i < journal.party_count; i++) {
		struct session_party *party = &session->parties[session->holders.parties[i].index];
		buffer_append_bytes(&party->confirmation, journal.sent[EXCHANGE_ROUNDS_MAX - 1][i]);
		if (buffer_status(&party->confirmation) != OK)
			buffer_free(&party->confirmation);
	}
	if (!journal_is_stored(&journal) && journal_keep_last(keeper, session) != OK)
		log_warning("what a dealing was made from stays until it has ended: %s", fail_message());
}

/* --- How far. --- */

void
dealing_session_tell(struct keeper *keeper, struct joint_session *session, const struct peer *peer) {
	struct session_party *party = &session->parties[peer->party];
	struct proposal told = {.kind = PROPOSE_CONTINUE,
				.operation = session->operation->id,
				.nonce = session->dealing.session_id,
				.round_count = machine_rounds(&session->dealing)};
	if (party->is_told || told.round_count == 0)
		return;
	for (size_t round = 0; round < told.round_count; round++)
		told.rounds[round] = sha256(machine_sent(&session->dealing, round, peer->party));
	party->is_told = true;
	threshold_send_proposal(keeper, peer, &told);
}

/* What this keeper has heard of it, it must say that it has sent. */
static enum status
check_told(const struct joint_session *session, const struct peer *peer, const struct proposal *proposal) {
	if (!hash256_equal(&session->dealing.session_id, &proposal->nonce))
		return fail(STATUS_CONFLICT, "joint.session: keeper %s deals something else", peer->name);
	for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++) {
		struct bytes heard = machine_heard(&session->dealing, round, peer->party);
		struct hash256 hash = sha256(heard);
		if (heard.len > 0 &&
		    (round >= proposal->round_count || !hash256_equal(&hash, &proposal->rounds[round])))
			return fail(
				STATUS_CONFLICT,
				"joint.behind: keeper %s was put back, and has said more in this dealing than it knows",
				peer->name);
	}
	return OK;
}

/* This keeper has stored its share: it has heard all that there is. */
static void
answer_last(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
	    const struct proposal *proposal) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct buffer *last = &session->parties[peer->party].confirmation;
	if (proposal->round_count < EXCHANGE_ROUNDS_MAX) {
		struct joint_answer behind = {
			.kind = ANSWER_REFUSED,
			.operation = session->operation->id,
			.reason = BYTES_OF_LITERAL("joint.behind: it has said more in this dealing than it knows")};
		threshold_send_answer(keeper, peer, &behind);
	} else if (last->len > 0 && link->send(link->context, peer, PEER_PROTOCOL, buffer_bytes(last)) != OK)
		log_warning("keeper %s is not told: %s", peer->name, fail_message());
}

void
dealing_session_continued(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			  const struct proposal *proposal) {
	size_t position = party_set_position(&session->holders, peer->party);
	if (!session->is_dealing || position == session->holders.count ||
	    threshold_holder(keeper, &session->holders.parties[position]) != peer)
		return;
	if (session->state == SESSION_STORED) {
		answer_last(keeper, session, peer, proposal);
		return;
	}
	if (session->state != SESSION_RUNNING)
		return;
	enum status status = check_told(session, peer, proposal);
	if (status == OK)
		dealing_session_tell(keeper, session, peer);
	if (status == OK && !session->parties[peer->party].is_met) {
		session->parties[peer->party].is_met = true;
		dealing_tell_permitted(keeper, session, peer);
		status = dealing_need_kept(session);
		if (status == OK)
			status = machine_send_again(keeper, &session->dealing, &session->holders, peer->party);
	}
	if (status != OK)
		session_fail(keeper, session, nullptr);
}
