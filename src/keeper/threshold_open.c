/*
 * Operations with shared keys of which this keeper does not know what became: its share had left, or it was started anew, or nobody told
 * it. Whoever has the signature shows it, when it is made and when it is asked, and it is verified as if nobody had.
 */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gate/record.h"
#include "model/entry.h"
#include "keeper/loop.h"
#include "keeper/system_entry.h"

/* Nothing is done for it here any more. */
static bool
is_open(const struct gate_operation *operation) {
	return operation->state == OPERATION_UNKNOWN && operation->held != nullptr && !operation->is_acting;
}

/* --- What is told. --- */

/* A session in which nothing runs, for what concludes one. Null: it is no signing with a key that is shared here. */
static struct joint_session *
make_session(struct keeper *keeper, struct gate_operation *operation) {
	struct joint_session *session = calloc(1, sizeof *session);
	struct submission submission;
	if (session == nullptr)
		return nullptr;
	session->operation = operation;
	session->arena.block_size = 16 * 1024;
	session->end_ms = INT64_MAX;
	session->share_left = true;
	session->again = operation->held->again;
	const struct shared_key *key = nullptr;
	if (joint_is_signing(operation) && joint_submission(operation, &session->arena, &submission) == OK)
		key = shared_keys_find(keeper->gate->state, submission.resource_id);
	if (key == nullptr) {
		session_free(session);
		return nullptr;
	}
	memcpy(session->key_id, submission.resource_id.data, submission.resource_id.len);
	session->holders = key->sharing.key.holders;
	session->next = keeper->threshold->sessions;
	keeper->threshold->sessions = session;
	return session;
}

/* It was concluded with, or not. */
static void
end_session(struct keeper *keeper, const struct hash256 *operation) {
	struct joint_session *session = session_find(keeper, operation);
	if (session == nullptr)
		return;
	session_unlink(keeper, session);
	session_free(session);
}

/* That it failed stands in the log, as people have said or this keeper itself. It stays so, and what contradicts it is seen. */
static void
record_contradiction(struct keeper *keeper, const struct peer *peer, const struct gate_operation *operation) {
	_cleanup_(buffer_free) struct buffer body = {};
	int64_t now_ms = threshold_now_ms(keeper), *next_ms = &keeper->threshold->contradiction_entry_ms[peer->party];
	struct json_writer writer;
	if (now_ms < *next_ms)
		return;
	*next_ms = now_ms + UNHEARD_ENTRY_MS;
	loop_begin_batch(keeper);
	json_writer_start(&writer, &body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "at", keeper->batch_ms);
	json_write_member_text(&writer, "check", "joint.contradiction: said to be signed, and failed here");
	json_write_member_text(&writer, "keeper", peer->name);
	json_write_member_hex(&writer, "operation", hash256_bytes(&operation->id));
	json_write_member_integer(&writer, "party", peer->party);
	json_write_member_text(&writer, "protocol", "signing");
	json_write_end(&writer);
	log_error("keeper %s says that an operation is signed that failed here", peer->name);
	if (json_writer_finish(&writer) != OK || system_entry_check(keeper, buffer_bytes(&body)) != OK)
		log_error("that a signature contradicts an outcome is not recorded: %s", fail_message());
}

/* Null: nobody need say anything about the operation, or this peer has no say in it. */
static struct joint_session *
begin(struct keeper *keeper, const struct peer *peer, const struct hash256 *id) {
	struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	if (operation == nullptr || !is_open(operation))
		return nullptr;
	struct joint_session *session = make_session(keeper, operation);
	if (session != nullptr && session_is_holder(session, peer))
		return session;
	end_session(keeper, id);
	return nullptr;
}

/* As while its session was there. */
static void
take_refusal(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
	     const struct joint_answer *answer) {
	char error[512];
	struct held_operation *held = session->operation->held;
	if (!answer->gives_back || !held->is_unreleased)
		return;
	held->awaited &= party_bits(&session->holders) & ~(UINT32_C(1) << peer->party);
	if (!ending_is_failed(keeper, session))
		return;
	snprintf(error, sizeof error, "joint.refused: %.*s (keeper %s)", BYTES_ARGS(answer->reason), peer->name);
	/* What this keeper has told that it counted it counts no more. */
	threshold_tell(keeper, &session->holders,
		       &(struct joint_answer){.kind = ANSWER_REFUSED,
					      .operation = session->operation->id,
					      .gives_back = true,
					      .reason = bytes_of_text(error)});
	session_conclude(
		keeper, session,
		&(struct conclusion){
			.outcome = OUTCOME_FAILED, .error = error, .again = session->again, .gives_back = true});
}

void
open_hear(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	bool is_refusal = answer->kind == ANSWER_REFUSED;
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, &answer->operation);
	if (operation != nullptr && operation->state == OPERATION_FAILED && !is_refusal)
		record_contradiction(keeper, peer, operation);
	struct joint_session *session = begin(keeper, peer, &answer->operation);
	if (session == nullptr)
		return;
	if (is_refusal)
		take_refusal(keeper, session, peer, answer);
	else if (answer->kind == ANSWER_SIGNED)
		signing_session_signed(keeper, session, peer, answer);
	else
		signing_session_shown(keeper, session, peer, answer);
	end_session(keeper, &answer->operation);
}

/* --- Asking, and showing. --- */

static bool
is_asked_of(struct keeper *keeper, const struct gate_operation *operation, const struct peer *peer) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 4096};
	struct submission submission;
	if (!is_open(operation) || (operation->held->misled >> peer->party & 1) != 0 || !joint_is_signing(operation) ||
	    joint_submission(operation, &arena, &submission) != OK)
		return false;
	const struct shared_key *key = shared_keys_find(keeper->gate->state, submission.resource_id);
	size_t position = key == nullptr ? 0 : party_set_position(&key->sharing.key.holders, peer->party);
	return key != nullptr && position < key->sharing.key.holders.count &&
	       threshold_holder(keeper, &key->sharing.key.holders.parties[position]) == peer;
}

/* No more at a time than it would show, and the next time those after them: what it has nothing to show of takes no other's turn for good. */
void
open_ask(struct keeper *keeper, const struct peer *peer) {
	const struct map *kept = &keeper->gate->state->operations.kept;
	size_t *at = &keeper->threshold->open_at[peer->party], asked = 0;
	bool has_wrapped = *at == 0;
	void *value;
	while (asked < SHOWN_MAX) {
		if (!map_next(kept, at, nullptr, &value)) {
			*at = 0;
			if (has_wrapped)
				return;
			has_wrapped = true;
			continue;
		}
		const struct gate_operation *operation = value;
		if (!is_asked_of(keeper, operation, peer))
			continue;
		threshold_send_proposal(keeper, peer,
					&(struct proposal){.kind = PROPOSE_SHOW, .operation = operation->id});
		asked++;
	}
}

/* What keepers did together: what people said of it is no proof of anything. */
static enum status
read_outcome(struct keeper *keeper, const struct gate_operation *operation, struct arena *arena, struct buffer *bytes,
	     struct entry *entry) {
	struct ledger_record stored;
	TRY(ledger_read(keeper->ledger, operation->entry, bytes, &stored));
	TRY(entry_read(arena, stored.leaf, entry));
	return entry->type == ENTRY_OUTCOME ? OK : fail(STATUS_NOT_FOUND, "joint.outcome: none");
}

/* Signatures, and no key that was made. */
static enum status
read_signed(struct keeper *keeper, struct arena *arena, const struct entry *entry, struct joint_answer *answer) {
	const json *document;
	answer->kind = ANSWER_SHOWN;
	TRY(record_read_result(arena, entry->document, &keeper->gate->blobs, &answer->result));
	TRY(json_read(arena, answer->result, (struct json_limits){}, &document));
	bool is_signed = json_get(document, "transaction") != nullptr || json_get(document, "signature") != nullptr;
	return is_signed && answer->result.len <= JOINT_RESULT_MAX ? OK : fail(STATUS_NOT_FOUND, "joint.result: none");
}

/* That it failed, and nobody released anything. */
static enum status
read_failed(const struct entry *entry, struct joint_answer *answer) {
	answer->kind = ANSWER_REFUSED;
	answer->gives_back = json_get(entry->document, "given_back") != nullptr;
	TRY(json_need_string(entry->document, "outcome", "error", &answer->reason));
	return answer->gives_back ? OK : fail(STATUS_NOT_FOUND, "joint.outcome: it may be signed");
}

/* And never will release anything, which stands in the log: whatever else becomes of it, here it is over. */
static bool
ended_unreleased(const struct gate_operation *operation) {
	switch (operation->state) {
	case OPERATION_DENIED:
	case OPERATION_REJECTED:
	case OPERATION_EXPIRED:
		return !operation->is_settling;
	case OPERATION_UNKNOWN:
		return operation->held != nullptr && operation->held->is_unreleased;
	default:
		return false;
	}
}

bool
open_tell_ended(struct keeper *keeper, const struct peer *peer, const struct gate_operation *operation) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 16 * 1024};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct joint_answer answer = {.operation = operation->id};
	struct entry entry;
	enum status status = read_outcome(keeper, operation, &arena, &bytes, &entry);
	if (status == OK)
		status = operation->state == OPERATION_DONE ? read_signed(keeper, &arena, &entry, &answer)
							    : read_failed(&entry, &answer);
	if (status == OK)
		threshold_send_answer(keeper, peer, &answer);
	return status == OK;
}

void
open_asked(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	const struct gate_operation *operation =
		operations_find(&keeper->gate->state->operations, &proposal->operation);
	if (operation != nullptr && ended_unreleased(operation)) {
		threshold_send_answer(
			keeper, peer,
			&(struct joint_answer){.kind = ANSWER_REFUSED,
					       .operation = proposal->operation,
					       .gives_back = true,
					       .reason = BYTES_OF_LITERAL("joint.unreleased: nothing was released "
									  "here, nor will it be")});
		return;
	}
	if (operation == nullptr || operation->entry == UINT64_MAX ||
	    (operation->state != OPERATION_DONE && operation->state != OPERATION_FAILED) ||
	    keeper->threshold->shown[peer->party] >= SHOWN_MAX)
		return;
	keeper->threshold->shown[peer->party]++;
	open_tell_ended(keeper, peer, operation);
}

void
open_turn(struct keeper *keeper, int64_t now_ms) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	if (now_ms < keeper->threshold->open_turn_ms)
		return;
	keeper->threshold->open_turn_ms = now_ms + OPEN_TURN_MS;
	memset(keeper->threshold->shown, 0, sizeof keeper->threshold->shown);
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->party != 0 && peer->party <= PARTIES_MAX && peer->state == PEER_UP)
			open_ask(keeper, peer);
}

void
open_turn_soon(struct keeper *keeper) {
	int64_t soon_ms = threshold_now_ms(keeper) + OPEN_SOON_MS, *next_ms = &keeper->threshold->open_turn_ms;
	*next_ms = *next_ms < soon_ms ? *next_ms : soon_ms;
}
