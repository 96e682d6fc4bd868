#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "keeper/decide.h"
#include "keeper/enrolments.h"
#include "keeper/loop.h"

int64_t
threshold_now_ms(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io) / 1'000'000;
}

/* --- Peers. --- */

const struct peer *
threshold_peer(const struct keeper *keeper, uint8_t party) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->party == party && peer->is_enrolled && peer->state == PEER_UP)
			return peer;
	return nullptr;
}

const struct peer *
threshold_holder(const struct keeper *keeper, const struct party *party) {
	const struct peer *peer = threshold_peer(keeper, party->index);
	return peer != nullptr && memcmp(peer->identity, party->identity, sizeof peer->identity) == 0 ? peer : nullptr;
}

uint64_t
threshold_admission(const struct keeper *keeper, uint8_t party) {
	const struct enrolled_keeper *enrolled =
		party <= KEEPERS_MAX ? keeper->gate->state->keepers.of_party[party] : nullptr;
	return enrolled == nullptr ? 0 : enrolled->admission;
}

bool
threshold_may_sign(const struct keeper *keeper, const struct shared_key *key, const struct party *party) {
	size_t position = party_set_position(&key->sharing.key.holders, party->index);
	return position < key->sharing.key.holders.count && threshold_holder(keeper, party) != nullptr &&
	       threshold_admission(keeper, party->index) == key->sharing.admissions[position];
}

static void
send_body(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, const struct buffer *body) {
	const struct threshold_link *link = &keeper->threshold->link;
	if (buffer_status(body) != OK || link->send(link->context, peer, kind, buffer_bytes(body)) != OK)
		threshold_log_fault(keeper, peer, FAULT_DEAF, "keeper %s is not told: %s", peer->name, fail_message());
}

void
threshold_send_answer(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	_cleanup_(buffer_free) struct buffer body = {};
	joint_answer_write(&body, answer);
	send_body(keeper, peer, PEER_ANSWER, &body);
}

void
threshold_send_proposal(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	_cleanup_(buffer_free) struct buffer body = {};
	proposal_write(&body, proposal);
	send_body(keeper, peer, PEER_PROPOSE, &body);
}

void
threshold_tell(struct keeper *keeper, const struct party_set *parties, const struct joint_answer *answer) {
	for (size_t i = 0; i < parties->count; i++) {
		const struct peer *peer = threshold_holder(keeper, &parties->parties[i]);
		if (peer != nullptr)
			threshold_send_answer(keeper, peer, answer);
	}
}

/* --- Messages. --- */

/* The own share has left for those that sign. What another says then cannot take it back: that the signature is known can only be lost. */
static bool
comes_too_late(const struct joint_session *session, const struct peer *peer) {
	return session->state == SESSION_RUNNING && session_may_be_signed(session) &&
	       !party_set_has(&session->signers, peer->party);
}

static void
hear_refusal(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
	     const struct joint_answer *answer) {
	char error[512];
	bool is_named = memchr(answer->reason.data, ':', answer->reason.len) != nullptr;
	snprintf(error, sizeof error, "%s%.*s (keeper %s)",
		 is_named ? "" : "joint.refused: ", BYTES_ARGS(answer->reason), peer->name);
	if (session->state == SESSION_STORED) { /* a share that is durable is given up for what was pledged alone */
		memcpy(session->refusal, error, sizeof error);
		return;
	}
	if (!session->is_dealing && answer->is_undecided) { /* others sign */
		session->parties[peer->party].is_expected = false;
		signing_session_step(keeper, session);
		return;
	}
	if (!session->is_dealing)
		ending_note(session, peer, answer);
	if (comes_too_late(session, peer))
		return;
	if (session->state == SESSION_ENDING) {
		ending_step(keeper, session);
		return;
	}
	fail_keep("%s", error);
	session_fail(keeper, session, nullptr);
}

static void
hear_permission(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
		const struct joint_answer *answer) {
	struct session_party *party = &session->parties[peer->party];
	if (session->state == SESSION_STORED || session->state == SESSION_ENDING || comes_too_late(session, peer))
		return;
	if (!hash256_equal(&answer->digest, &session->operation->digest)) {
		fail_keep("joint.digest: keeper %s has another operation of this id", peer->name);
		session_fail(keeper, session, nullptr);
		return;
	}
	if (session->is_dealing && dealing_session_permitted(keeper, session, peer, answer) != OK) {
		session_fail(keeper, session, nullptr);
		return;
	}
	party->is_expected = false;
	party->has_permitted = true;
	party->digest = answer->digest;
	party->bundle = answer->bundle;
	party->epoch = answer->epoch;
	if (!session->is_dealing)
		signing_session_step(keeper, session);
}

/* Whether a session of the operation may still come: it is not known here yet, or not ended or left open. */
static bool
may_begin(const struct keeper *keeper, const struct hash256 *id) {
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	return operation == nullptr || operation->state == OPERATION_HELD || operation->state == OPERATION_IN_FLIGHT ||
	       (operation->state == OPERATION_UNKNOWN && operation->is_acting);
}

/* How it has ended here is not durable: a word that binds this keeper waits until it is, since a restart could decide otherwise. */
static bool
is_settling(const struct keeper *keeper, const struct hash256 *id) {
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	return operation != nullptr && operation->is_settling;
}

/* Another holder deals already what is held here, under another bundle: what people have said of it may not count here, and nobody need
 * wait for it. It stays held. */
static bool
refuse_bundle(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 16 * 1024};
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, &answer->operation);
	struct submission submission;
	struct bytes key_id;
	char reason[JOINT_REASON_MAX];
	if (answer->kind != ANSWER_PERMITTED || operation == nullptr || operation->state != OPERATION_HELD ||
	    hash256_equal(&answer->bundle, &keeper->gate->state->bundle->hash) ||
	    !hash256_equal(&answer->digest, &operation->digest) ||
	    joint_submission(operation, &arena, &submission) != OK ||
	    !joint_dealt_key(keeper->gate, &submission, &key_id))
		return false;
	snprintf(reason, sizeof reason, "joint.bundle: keeper %s has another policy bundle in force",
		 keeper->gate->state->keeper);
	struct joint_answer refusal = {.kind = ANSWER_REFUSED,
				       .operation = answer->operation,
				       .gives_back = true,
				       .reason = bytes_of_text(reason)};
	threshold_send_answer(keeper, peer, &refusal);
	return true;
}

/* False: there is nothing yet that it could be about. */
static bool
hear_answer(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	struct joint_answer answer;
	if (joint_answer_read(body, &answer) != OK) {
		threshold_log_fault(keeper, peer, FAULT_ANSWER, "keeper %s: %s", peer->name, fail_message());
		return true;
	}
	if (answer.kind == ANSWER_ENROLMENT) {
		enrolments_hear(keeper, peer, &answer);
		return true;
	}
	if (answer.kind == ANSWER_LEFT) {
		leaving_heard(keeper, peer, &answer);
		return true;
	}
	if (answer.kind == ANSWER_PAIRS) {
		pairs_heard(keeper, peer, &answer);
		return true;
	}
	struct joint_session *session = session_find(keeper, &answer.operation);
	if (answer.kind == ANSWER_REFUSED && answer.gives_back)
		counted_withdraw(&keeper->gate->state->counted, peer->party, answer.operation.bytes);
	if (session == nullptr &&
	    (answer.kind == ANSWER_SIGNED || answer.kind == ANSWER_SHOWN || answer.kind == ANSWER_REFUSED))
		open_hear(keeper, peer, &answer);
	if (session == nullptr)
		return !may_begin(keeper, &answer.operation) || refuse_bundle(keeper, peer, &answer);
	if (!session_is_holder(session, peer))
		return true;
	switch (answer.kind) {
	case ANSWER_PERMITTED:
		hear_permission(keeper, session, peer, &answer);
		return true;
	case ANSWER_REFUSED:
		hear_refusal(keeper, session, peer, &answer);
		return true;
	case ANSWER_STORED:
		if (session->is_dealing)
			dealing_session_stored(keeper, session, peer->party, &answer.digest);
		return true;
	case ANSWER_SIGNED:
		if (!session->is_dealing)
			signing_session_signed(keeper, session, peer, &answer);
		return true;
	case ANSWER_PLEDGED:
		if (session->is_dealing)
			dealing_session_pledged(keeper, session, peer, &answer.pledges);
		return true;
	case ANSWER_ENROLMENT:
	case ANSWER_LEFT:
	case ANSWER_PAIRS:
	case ANSWER_SHOWN: /* it is not asked for while there is a session */
		return true;
	}
	return true;
}

static bool
hear_proposal(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	struct proposal proposal;
	if (proposal_read(body, &proposal) != OK) {
		threshold_log_fault(keeper, peer, FAULT_PROPOSAL, "keeper %s: %s", peer->name, fail_message());
		return true;
	}
	if (proposal.kind == PROPOSE_PREPARE) {
		pool_proposed(keeper, peer, &proposal);
		return true;
	}
	if (proposal.kind == PROPOSE_LEAVE) {
		leaving_asked(keeper, peer, &proposal);
		return true;
	}
	if (proposal.kind == PROPOSE_SHOW) {
		open_asked(keeper, peer, &proposal);
		return true;
	}
	struct joint_session *session = session_find(keeper, &proposal.operation);
	if (proposal.kind == PROPOSE_CONTINUE && session == nullptr && may_begin(keeper, &proposal.operation))
		return false;
	if (proposal.kind == PROPOSE_RESUME || proposal.kind == PROPOSE_CONTINUE) {
		if (session == nullptr && is_settling(keeper, &proposal.operation)) {
			keeper->threshold->awaits_settling = true;
			return false;
		}
		dealing_session_proposed(keeper, peer, &proposal);
		return true;
	}
	if (session == nullptr) {
		bool is_over = !may_begin(keeper, &proposal.operation);
		if (is_over)
			pool_burn(keeper, peer->party, &proposal);
		return is_over;
	}
	if (!session->is_dealing && session_is_holder(session, peer))
		signing_session_proposed(keeper, session, peer, &proposal);
	return true;
}

/* The channel says who speaks; a frame that says otherwise is nobody's. */
static bool
hear_frame(struct keeper *keeper, const struct peer *peer, struct bytes frame) {
	struct message_header header;
	struct machine *machine;
	if (message_read_header(frame, &header) != OK || header.from != peer->party) {
		metric_add(&keeper->stray_frames, 1);
		return true;
	}
	struct joint_session *session = session_find_frame(keeper, &header.session_id, &machine);
	if (session == nullptr)
		return pool_frame(keeper, &header.session_id, frame);
	if (!session_is_holder(session, peer))
		metric_add(&keeper->stray_frames, 1);
	else if (session->is_dealing)
		dealing_session_frame(keeper, session, frame);
	else {
		ending_note_frame(session, peer);
		signing_session_frame(keeper, session, machine, frame);
	}
	return true;
}

/* Beyond its part nothing is read. */
static bool
may_forward(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	if (decide_take_forwarded(keeper, peer->party, body.len) == OK)
		return true;
	threshold_log_fault(keeper, peer, FAULT_REQUESTS, "requests from keeper %s are dropped: %s", peer->name,
			    fail_message());
	return false;
}

static void
hear_request(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	if (!may_forward(keeper, peer, body))
		return;
	struct job *job = job_take(keeper);
	if (job == nullptr) {
		log_warning("a request from keeper %s is dropped: out of memory", peer->name);
		return;
	}
	job->forwarded_by = peer->party;
	loop_take_forwarded(keeper, job, body);
}

bool
threshold_hear(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	switch (kind) {
	case PEER_PROTOCOL:
		return hear_frame(keeper, peer, body);
	case PEER_PROPOSE:
		return hear_proposal(keeper, peer, body);
	case PEER_ANSWER:
		return hear_answer(keeper, peer, body);
	case PEER_COUNTED:
		signing_hear_counted(keeper, peer, body);
		return true;
	case PEER_REQUEST:
		hear_request(keeper, peer, body);
		return true;
	default:
		return true;
	}
}

/* A destroyed key's share is wiped when nothing works with it any more, before anything else is done. */
static void
end_dropped(struct keeper *keeper) {
	struct gate_state *state = keeper->gate->state;
	const struct shared_key *key;
	size_t at = 0;
	while ((key = shared_keys_next_dropped(state, &at)) != nullptr)
		threshold_end_key(keeper, bytes_of_text(key->sharing.key.id));
	shared_keys_wipe_dropped(state);
}

void
threshold_message(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	if (keeper->threshold == nullptr || keeper->threshold->link.at == nullptr || peer->party == 0 ||
	    peer->party > PARTIES_MAX || atomic_load(&keeper->has_ended))
		return;
	end_dropped(keeper);
	if (!threshold_hear(keeper, peer, kind, body))
		early_keep(keeper, peer, kind, body);
	if (keeper->threshold->has_begun)
		early_take(keeper);
}

void
threshold_ask_again(struct keeper *keeper, const struct joint_session *session, const struct peer *peer) {
	_cleanup_(buffer_free) struct buffer body = {};
	const struct job *job = session->job;
	if (session->state != SESSION_RUNNING || !session->is_asker || job == nullptr || job->is_internal ||
	    keeper->threshold->up_at[peer->party] <= job->forwarded_at)
		return;
	ipc_write_request(&body, &job->received);
	send_body(keeper, peer, PEER_REQUEST, &body);
}

void
threshold_peer_up(struct keeper *keeper, const struct peer *peer) {
	struct threshold *threshold = keeper->threshold;
	if (peer->party == 0 || peer->party > PARTIES_MAX)
		return;
	threshold->is_pool_due = true;
	threshold->up_at[peer->party] = ++threshold->ups;
	counting_restart(keeper, peer->party);
	threshold->is_unheard[peer->party] = false;
	threshold->heard_head[peer->party] = (struct hash256){};
	counted_forget_party(&keeper->gate->state->counted, peer->party);
	if (signing_tell_counted(keeper, peer) != OK)
		log_warning("keeper %s does not hear what was counted: %s", peer->name, fail_message());
	for (struct joint_session *session = threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (session->is_dealing) {
			threshold_ask_again(keeper, session, peer);
			dealing_session_up(keeper, session, peer);
		}
	}
	enrolments_peer_up(keeper, peer);
	leaving_up(keeper, peer);
	pairs_up(keeper, peer);
	open_ask(keeper, peer);
}

/* What it was to sign ends: what of it arrived, nobody knows. A dealing waits for it: frames that it has had it has, and the others are sent again. */
void
threshold_peer_down(struct keeper *keeper, const struct peer *peer) {
	if (peer->party == 0 || peer->party > PARTIES_MAX)
		return;
	keeper->threshold->down_ms[peer->party] = threshold_now_ms(keeper);
	enrolments_peer_down(keeper, peer);
	pool_forget_party(keeper, peer->party);
	early_drop(keeper, peer->party, INT64_MAX);
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		bool concerns = !session->is_dealing && party_set_has(&session->signers, peer->party);
		/* What it has counted is forgotten when it comes again: it permits after it has told that anew, or not at all. */
		session->parties[peer->party].is_expected = session->parties[peer->party].has_permitted = false;
		session->parties[peer->party].is_met = session->parties[peer->party].is_told = false;
		if (session->state == SESSION_ENDING)
			ending_step(keeper, session);
		else if (concerns) {
			fail_keep("joint.lost: the connection to keeper %s was lost", peer->name);
			session_fail(keeper, session, nullptr);
		} else if (!session->is_dealing)
			signing_session_step(keeper, session);
	}
}

/* --- Forwarding. --- */

/* What acts on keys that one keeper has alone is nobody else's; the rest is every keeper's. */
static bool
concerns_all(const struct keeper *keeper, const struct job *job) {
	const struct submission *submission = &job->submission;
	if (job->kind == JOB_VOTE)
		return true;
	if (submission->kind == OPERATION_KEY_CREATE || submission->kind == OPERATION_KEY_IMPORT)
		return joint_is(keeper->gate, submission->kind, submission->resource_id, submission->payload_document);
	return submission->resource_type != RESOURCE_KEY ||
	       shared_keys_find(keeper->gate->state, submission->resource_id) != nullptr;
}

/* Of a job; zeros where it has none. */
static const struct hash256 *
operation_of(const struct job *job) {
	return job->kind == JOB_VOTE ? &job->vote.operation_id : &job->submission.id;
}

/* What has ended here is not given to others once more: they would do it after this keeper has said that it failed. */
static bool
has_ended(const struct keeper *keeper, const struct job *job) {
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, operation_of(job));
	return operation != nullptr && operation->state != OPERATION_IN_FLIGHT && operation->state != OPERATION_HELD &&
	       operation->state != OPERATION_UNKNOWN;
}

void
threshold_forward(struct keeper *keeper, struct job *job) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	_cleanup_(buffer_free) struct buffer body = {};
	if (link->at == nullptr || job->forwarded_by != 0 || job->is_internal || !concerns_all(keeper, job) ||
	    has_ended(keeper, job))
		return;
	ipc_write_request(&body, &job->received);
	job->forwarded_at = keeper->threshold->ups;
	bool is_sent = false;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->is_enrolled && peer->state == PEER_UP) {
			send_body(keeper, peer, PEER_REQUEST, &body);
			is_sent = job->is_forwarded = true;
		}
	if (is_sent)
		loop_flush(keeper);
}

/* Only operations that it would have taken part in: of others this keeper's refusal is its own affair. It is bound by what it has decided alone:
 * what it did not come to decide may come again. */
void
threshold_answered(struct keeper *keeper, const struct job *job, unsigned status, const char *reason) {
	if (job->kind == JOB_ENROLMENT) {
		enrolments_refused(keeper, job, reason);
		return;
	}
	const struct hash256 *id = operation_of(job);
	static const struct hash256 none;
	const struct peer *peer = threshold_peer(keeper, job->forwarded_by);
	if (hash256_equal(id, &none) || status < 400 || peer == nullptr || job->intent != nullptr)
		return;
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	bool is_open =
		operation != nullptr && (operation->state == OPERATION_HELD || operation->state == OPERATION_UNKNOWN ||
					 operation->state == OPERATION_DONE);
	if (is_open) /* a vote that does not count here, or a request that was here before */
		return;
	if (operation != nullptr && operation->is_settling) /* whoever brought it about is told when it is durable */
		return;
	struct joint_answer refusal = {.kind = ANSWER_REFUSED,
				       .operation = *id,
				       .gives_back = operation != nullptr && operation->state != OPERATION_FAILED,
				       .is_undecided = operation == nullptr,
				       .reason = bytes_of_text(reason)};
	if (operation == nullptr || operation->state != OPERATION_FAILED || !open_tell_ended(keeper, peer, operation))
		threshold_send_answer(keeper, peer, &refusal);
}

/* --- Time. --- */

size_t
threshold_outstanding(const struct keeper *keeper) {
	size_t count = 0;
	if (keeper->threshold == nullptr || atomic_load(&keeper->has_ended))
		return 0;
	for (const struct joint_session *session = keeper->threshold->sessions; session != nullptr;
	     session = session->next)
		count += session->job != nullptr;
	return count;
}

void
threshold_turn(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	end_dropped(keeper);
	if (threshold == nullptr || threshold->link.at == nullptr || atomic_load(&keeper->has_ended))
		return;
	int64_t now_ms = threshold_now_ms(keeper);
	for (struct joint_session *session = threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		session_expire(keeper, session, now_ms);
	}
	pairs_seal_turn(keeper, now_ms);
	enrolments_turn(keeper);
	leaving_turn(keeper, now_ms);
	open_turn(keeper, now_ms);
	counting_turn(keeper);
	early_drop(keeper, 0, now_ms);
	/* Nothing is prepared while somebody waits, for an answer or for its being durable, but for once in a while. */
	bool waits = threshold_outstanding(keeper) > 0 || is_settling(keeper, &threshold->concluded);
	if ((threshold->is_pool_due && !waits) || now_ms >= threshold->pool_turn_ms) {
		loop_flush(keeper); /* what was answered in this turn */
		threshold->is_pool_due = false;
		threshold->pool_turn_ms = now_ms + POOL_TURN_MS;
		pool_turn(keeper);
	}
	if (threshold->has_begun || threshold->awaits_settling) {
		threshold->awaits_settling = false;
		early_take(keeper);
	}
}

bool
threshold_wait(struct keeper *keeper) {
	if (keeper->threshold == nullptr || keeper->threshold->link.wait == nullptr)
		return false;
	keeper->threshold->link.wait(keeper->threshold->link.context);
	return true;
}

size_t
threshold_prepared(const struct keeper *keeper, struct bytes key_id) {
	return pool_count(keeper, key_id, nullptr);
}

/* --- Beginning and end. --- */

enum status
threshold_start(struct keeper *keeper, const struct threshold_link *link) {
	keeper->threshold->link = *link;
	pairs_start(keeper);
	if (journals_open(keeper) != OK) /* what was under way ends, by name, and nothing new is dealt */
		log_error("what is kept of dealings cannot be opened: %s", fail_message());
	return dealings_resume(keeper);
}

void
threshold_stop(struct keeper *keeper) {
	struct threshold *gone = TAKE(keeper->threshold);
	if (gone == nullptr)
		return;
	while (gone->sessions != nullptr) {
		struct joint_session *session = gone->sessions;
		gone->sessions = session->next;
		if (session->job != nullptr)
			jobs_free(session->job);
		session_free(session);
	}
	early_close(gone);
	for (size_t i = 0; i <= PARTIES_MAX; i++)
		buffer_free(&gone->untold[i]);
	keeper->threshold = gone;
	pool_close(keeper);
	journals_close(keeper);
	keeper->threshold = nullptr;
	presignature_pool_free(&gone->pool);
	free(gone);
}
