/* One operation that keepers do together: from its intent to its outcome, whatever it is. */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gate/deciding.h"
#include "keeper/decide.h"
#include "keeper/loop.h"
#include "keeper/system_entry.h"

struct joint_session *
session_find(struct keeper *keeper, const struct hash256 *operation) {
	struct joint_session *session = keeper->threshold->sessions;
	while (session != nullptr && !hash256_equal(&session->operation->id, operation))
		session = session->next;
	return session;
}

static bool
is_machine(const struct machine *machine, const struct hash256 *session_id) {
	return machine->has_session_id && hash256_equal(&machine->session_id, session_id);
}

struct joint_session *
session_find_frame(struct keeper *keeper, const struct hash256 *session_id, struct machine **machine) {
	for (struct joint_session *session = keeper->threshold->sessions; session != nullptr; session = session->next) {
		*machine = &session->dealing;
		if (is_machine(*machine, session_id))
			return session;
		for (size_t i = 0; i < session->request_count; i++) {
			*machine = &session->machines[i];
			if (is_machine(*machine, session_id))
				return session;
		}
	}
	return nullptr;
}

void
session_free(struct joint_session *session) {
	machine_close(&session->dealing);
	for (size_t i = 0; i < JOINT_REQUESTS_MAX; i++)
		machine_close(&session->machines[i]);
	for (size_t i = 0; i <= PARTIES_MAX; i++)
		buffer_free(&session->parties[i].confirmation);
	secret_free(&session->journal.secret);
	arena_free(&session->arena);
	free(session);
}

void
session_unlink(struct keeper *keeper, struct joint_session *session) {
	struct joint_session **at = &keeper->threshold->sessions;
	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
}

bool
session_is_holder(const struct joint_session *session, const struct peer *peer) {
	size_t position = party_set_position(&session->holders, peer->party);
	return position < session->holders.count &&
	       memcmp(session->holders.parties[position].identity, peer->identity, sizeof peer->identity) == 0;
}

/* The record of the intent says what came of it, for the answer. */
static enum status
answer_with(struct job *job, const struct conclusion *conclusion) {
	struct decision_record *record = ARENA_NEW(&job->arena, struct decision_record);
	TRY_ALLOC(record);
	if (job->intent != nullptr)
		*record = *job->intent;
	record->outcome = conclusion->outcome;
	if (conclusion->result.len > 0) {
		record->result = arena_copy(&job->arena, conclusion->result);
		TRY_ALLOC(record->result.data);
	}
	if (conclusion->error != nullptr)
		record->error = bytes_of_text(arena_format(&job->arena, "%s", conclusion->error) ?: "");
	job->intent = record;
	return OK;
}

/* Why nobody knows it here, for the answer. */
static void
answer_unknown(struct keeper *keeper, struct job *job, const char *error) {
	struct decision_record *record = ARENA_NEW(&job->arena, struct decision_record);
	const char *why = arena_format(&job->arena, "%s", error);
	if (job->intent != nullptr && record != nullptr && why != nullptr) {
		*record = *job->intent;
		record->error = bytes_of_text(why);
		job->intent = record;
	}
	decide_answer_unknown(keeper, job);
}

void
session_conclude(struct keeper *keeper, struct joint_session *session, const struct conclusion *conclusion) {
	struct gate_operation *operation = session->operation;
	struct job *job = session->job;
	if (job == nullptr) {
		job = job_take(keeper);
		if (job == nullptr) {
			keeper_end(keeper, "joint.memory: an outcome cannot be recorded");
			return;
		}
		job->is_internal = true;
	}
	if (job->intent != nullptr && answer_with(job, conclusion) != OK)
		log_warning("an answer lacks its result: %s", fail_message());
	if (!session->is_dealing)
		pool_burn(keeper, 0, &session->proposal);
	keeper->threshold->concluded = operation->id;
	session_unlink(keeper, session);
	gate_step_free(&job->step);
	commit_release(job->commit);
	job->commit = nullptr;
	loop_begin_batch(keeper);
	enum status status = gate_conclude(keeper->gate, operation, conclusion, keeper->batch_ms, &job->step);
	decide_concluded(keeper, job, status);
	session_free(session);
}

/* For the own log and nobody else. */
static enum status
write_blame(const struct machine *machine, struct buffer *blame) {
	struct json_writer writer;
	json_writer_start(&writer, blame);
	json_write_object(&writer);
	machine_write_blame(machine, (struct bytes){}, &writer);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* A keeper that says no to what is asked does its part. */
static bool
is_denial(const char *error) {
	static const char *const names[] = {"joint.denied:", "operation.denied:"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (strncmp(error, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

bool
session_may_be_signed(const struct joint_session *session) {
	bool has_left = session->share_left;
	for (size_t i = 0; i < session->request_count; i++)
		has_left |= session->machines[i].has_shown;
	return has_left && !session->is_dealing;
}

/* Why it was left open: no outcome says it. */
static enum status
write_open(const struct keeper *keeper, const struct joint_session *session, const char *error, struct bytes blame,
	   struct buffer *body) {
	struct json_writer writer;
	json_writer_start(&writer, body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "at", keeper->batch_ms);
	json_write_member_text(&writer, "check", error);
	json_write_member_string(&writer, "legal_entity", session->operation->held->legal_entity);
	if (blame.len > 0) {
		json_write_key(&writer, "names");
		json_write_canonical(&writer, blame);
	}
	json_write_member_hex(&writer, "operation", hash256_bytes(&session->operation->id));
	json_write_member_text(&writer, "protocol", "signing");
	json_write_member_text(&writer, "shared_key", session->key_id);
	json_write_key(&writer, "signers");
	json_write_array(&writer);
	for (size_t i = 0; i < session->signers.count; i++)
		json_write_integer(&writer, session->signers.parties[i].index);
	json_write_end(&writer);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

void
session_leave_open(struct keeper *keeper, struct joint_session *session, const char *error, struct bytes blame) {
	struct gate_operation *operation = session->operation;
	_cleanup_(buffer_free) struct buffer body = {};
	loop_begin_batch(keeper);
	if (write_open(keeper, session, error, blame, &body) != OK ||
	    system_entry_check(keeper, buffer_bytes(&body)) != OK)
		log_error("why an operation is left unknown is not recorded: %s", fail_message());
	log_warning("whether an operation with key %s is signed is not known here: %s", session->key_id, error);
	if (session->again.len > 0 &&
	    gate_keep_bytes(&operation->held->arena, session->again, &operation->held->again) != OK)
		log_error("what an operation was decided on once more is not kept: %s", fail_message());
	operation->is_acting = false;
	open_turn_soon(keeper);
	pool_burn(keeper, 0, &session->proposal);
	session_unlink(keeper, session);
	if (session->job != nullptr)
		answer_unknown(keeper, session->job, error);
	session_free(session);
}

static const char ENDED[] = "joint.ended: the session was ended by a party";

void
session_fail(struct keeper *keeper, struct joint_session *session, const struct machine *failed) {
	char error[512];
	_cleanup_(buffer_free) struct buffer blame = {};
	if (session->failed != nullptr ||
	    session->state == SESSION_ENDING) /* it has failed as that: signing_tell_failed() */
		return;
	bool is_blamed = failed != nullptr && write_blame(failed, &blame) == OK,
	     is_open = session_may_be_signed(session);
	snprintf(error, sizeof error, "%s", failed != nullptr ? ENDED : fail_message());
	struct conclusion conclusion = {.outcome = OUTCOME_FAILED, .error = error, .again = session->again};
	struct joint_answer refusal = {.kind = ANSWER_REFUSED,
				       .operation = session->operation->id,
				       .gives_back = !is_open,
				       .reason = bytes_of_text(error)};
	if (is_blamed)
		conclusion.blame = buffer_bytes(&blame);
	if (session->is_dealing) /* before anybody hears of it: it is not gone on with */
		journal_end(keeper, session);
	if (atomic_load(&keeper->has_ended))
		return;
	threshold_tell(keeper, &session->holders, &refusal);
	if (session->is_dealing)
		dealing_session_renounce(keeper, session);
	else if (!is_denial(error))
		choosing_doubt(keeper, session, failed != nullptr ? machine_culprit(failed) : 0);
	if (atomic_load(&keeper->has_ended))
		return;
	if (is_open)
		session_leave_open(keeper, session, error, conclusion.blame);
	else if (!session->is_dealing)
		ending_begin(keeper, session, error, conclusion.blame);
	else
		session_conclude(keeper, session, &conclusion);
}

/* Which keepers it concerns: those that are named, or those that hold the key. */
static enum status
session_prepare(struct keeper *keeper, struct joint_session *session) {
	struct submission submission;
	TRY(joint_submission(session->operation, &session->arena, &submission));
	session->is_dealing = !joint_signs(submission.kind);
	session->end_ms = threshold_now_ms(keeper) + (session->is_dealing ? DEALING_MS : SIGNING_MS);
	if (session->is_dealing)
		return joint_read_key(keeper->gate, &submission, keeper->gate->state->now_ms, &session->wanted);
	struct shared_key *key;
	TRY(shared_keys_need_share(keeper->gate->state, submission.resource_id, &key));
	memcpy(session->key_id, submission.resource_id.data, submission.resource_id.len);
	session->holders = key->sharing.key.holders;
	return OK;
}

static enum status
session_start(struct keeper *keeper, struct joint_session *session) {
	TRY(session_prepare(keeper, session));
	if (keeper->threshold->link.at == nullptr)
		return fail(STATUS_UNAVAILABLE, "joint.alone: this keeper has no connection to others");
	return session->is_dealing ? dealing_session_start(keeper, session) : signing_session_start(keeper, session);
}

void
threshold_intend(struct keeper *keeper, const struct job *job) {
	if (keeper->threshold->link.at != nullptr)
		dealing_session_intend(keeper, job->step.operation, job->submission.secret);
}

void
threshold_begin(struct keeper *keeper, struct job *job) {
	struct joint_session *session = calloc(1, sizeof *session);
	if (session == nullptr) {
		keeper_end(keeper, "joint.memory: an intended act cannot begin");
		job_give_back(keeper, job);
		return;
	}
	session->operation = job->step.operation;
	session->job = job;
	session->secret = job->submission.secret;
	session->is_asker = job->forwarded_by == 0;
	session->asker = job->forwarded_by;
	session->arena.block_size = 16 * 1024;
	session->journal.is_kept = true; /* it may be */
	job->intent = job->step.record;
	session->next = keeper->threshold->sessions;
	keeper->threshold->sessions = session;
	enum status status = session_start(keeper, session);
	session->secret = nullptr;
	if (status != OK)
		session_fail(keeper, session, nullptr);
	else if (!session->is_dealing)
		signing_session_step(keeper, session);
	early_take(keeper);
}

/* --- Time. --- */

void
threshold_end_key(struct keeper *keeper, struct bytes key_id) {
	if (keeper->threshold == nullptr)
		return;
	pool_forget_key(keeper, key_id);
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (session->is_dealing || !bytes_equal_text(key_id, session->key_id))
			continue;
		session->failed = nullptr; /* what it cost is of no use to anybody any more */
		fail_keep("joint.key: the key was destroyed or dealt anew meanwhile");
		session_fail(keeper, session, nullptr);
	}
}

/* A person has said meanwhile what became of it. */
static void
drop_resolved(struct keeper *keeper, struct joint_session *session) {
	if (session->job != nullptr)
		decide_answer_unknown(keeper, session->job);
	if (session->is_dealing)
		dealing_session_renounce(keeper, session);
	session_unlink(keeper, session);
	session_free(session);
}

void
session_expire(struct keeper *keeper, struct joint_session *session, int64_t now_ms) {
	if (session->operation->state != OPERATION_UNKNOWN) {
		drop_resolved(keeper, session);
		return;
	}
	if (session->state == SESSION_STORED) { /* the others may be done: only they can say */
		session->operation->is_acting = !dealing_session_is_free(keeper, session);
		if (session->end_ms > now_ms)
			return;
		if (session->job != nullptr)
			decide_answer_unknown(keeper, session->job);
		session->job = nullptr;
		dealing_session_complain(keeper, session);
		session->end_ms = now_ms + COMPLAINT_MS;
		return;
	}
	if (session->state == SESSION_ENDING) {
		ending_step(keeper, session);
		return;
	}
	if (session->failed != nullptr) { /* whoever asked need not wait for a disk */
		if (session->end_ms <= now_ms && session->job != nullptr)
			decide_answer_unknown(keeper, TAKE(session->job));
		return;
	}
	if (session->end_ms <= now_ms) {
		if (session->is_dealing || signing_session_is_settled(keeper, session))
			fail_keep("joint.time: the other keepers did not do their part in time");
		session_fail(keeper, session, nullptr);
	} else if (!session->is_dealing && session->state == SESSION_GATHERING && session->gather_end_ms <= now_ms)
		signing_session_step(keeper, session);
}
