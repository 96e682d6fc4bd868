#include "gate/voting.h"

#include <stdio.h>

#include "gate/deciding.h"
#include "gate/joint.h"
#include "gate/material.h"

enum status
gate_check_key_in_order(const struct directory_key *key, uint32_t counter, int64_t now_ms) {
	TRY(directory_key_check_waiting(key, now_ms));
	return key->passkey == nullptr ? OK : authenticator_counter_check(key->passkey->counter, counter);
}

/* In the missing approvals' canonical text: the first stage of which something is missing; below zero where nothing of any is. */
static int64_t
stage_of_missing(struct bytes missing) {
	for (unsigned stage = 0; stage < VOTES_STAGES; stage++) {
		char name[16];
		int len = snprintf(name, sizeof name, "\"%s.", votes_stage_names[stage]);
		if (missing.len > 0 && memmem(missing.data, missing.len, name, (size_t)len) != nullptr)
			return stage;
	}
	return -1;
}

/* With the votes that stand: what is missing is asked anew, since a forecast does not outlive a restart. */
enum status
gate_next_stage(struct gate *gate, struct arena *arena, const struct gate_operation *operation, int64_t now_ms,
		int64_t *stage) {
	struct submission submission;
	struct evaluation evaluation = {};
	const struct directory_key *key;
	*stage = 0;
	if (gate_state_stages(gate->state) < 2)
		return OK;
	enum status status = joint_submission(operation, arena, &submission);
	if (status == OK)
		status = directory_acting_key(gate->state->directory, submission.key_id, &key);
	if (status == OK)
		status = gate_evaluate(gate, arena, &submission, key, operation->held->votes, now_ms, &evaluation);
	*stage = status == OK ? stage_of_missing(evaluation.missing) : -1;
	if (*stage < 0) /* what cannot be decided is refused when it is: a vote, a rejection first of all, is taken */
		*stage = votes_last_stage(operation->held->votes);
	return gate_is_broken(status) ? status : OK;
}

static enum status
check_statement(struct gate *gate, const struct gate_operation *operation, const struct vote_submission *vote,
		const struct directory_key *key, int64_t now_ms) {
	struct approval_statement expected = {.instance = bytes_of_text(gate->state->instance),
					      .operation_id = operation->id,
					      .operation_digest = operation->digest,
					      .view_digest = operation->held->view_digest,
					      .bundle_hash = gate->state->bundle->hash,
					      .expires_ms = operation->expires_ms};
	TRY(gate_next_stage(gate, vote->arena, operation, now_ms, &expected.stage));
	expected.has_completed_stage = expected.stage > 0;
	if (expected.has_completed_stage)
		expected.completed_stage = votes_stage_digest(operation->held->votes, expected.stage - 1);
	TRY(approval_check(&vote->statement, &expected, now_ms));
	if (vote->statement.verdict == APPROVAL_REJECT && vote->statement.reason.len == 0)
		return fail(STATUS_INVALID, "approval.reason: a rejection says why");
	const struct principal *person = directory_principal(gate->state->directory, vote->statement.person);
	if (person == nullptr || person->kind != PRINCIPAL_PERSON)
		return fail(STATUS_NOT_FOUND, "approval.person: there is no person \"%.*s\"",
			    BYTES_ARGS(vote->statement.person));
	if (!directory_may_vote(gate->state->directory, key->principal, person, now_ms))
		return fail(STATUS_UNAUTHORIZED, "approval.delegation: the signer may not vote for \"%.*s\"",
			    BYTES_ARGS(vote->statement.person));
	return OK;
}

enum status
gate_check_vote(struct gate *gate, const struct gate_operation *operation, const struct vote_submission *vote,
		int64_t now_ms, const struct directory_key **key) {
	TRY(directory_acting_key(gate->state->directory, vote->key_id, key));
	TRY(gate_check_key_in_order(*key, vote->signature.counter, now_ms));
	return check_statement(gate, operation, vote, *key, now_ms);
}

enum status
gate_rejection_ends(struct gate *gate, const struct gate_operation *operation, const struct vote_submission *vote,
		    const struct directory_key *key, int64_t now_ms, bool *ends) {
	struct submission submission;
	struct evaluation evaluation;
	const struct directory_key *asking;
	const struct principal *seat = directory_principal(gate->state->directory, vote->statement.person);
	*ends = true;
	TRY(joint_submission(operation, vote->arena, &submission));
	TRY(directory_acting_key(gate->state->directory, submission.key_id, &asking));
	TRY(gate_evaluate(gate, vote->arena, &submission, asking, operation->held->votes, now_ms, &evaluation));
	return gate_is_asked(gate, vote->arena, &evaluation, seat, key, ends);
}

static enum status
write_vote(struct gate *gate, const struct gate_operation *operation, const struct vote_submission *vote,
	   const struct directory_key *key, bool ends, int64_t now_ms, struct gate_step *step) {
	struct gate_entry *entry = &step->entries[step->entry_count++];
	struct json_writer writer;
	TRY(personal_note(gate, &step->personal));
	gate_attach_openings(&step->personal, entry);
	entry->type = ENTRY_VOTE;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	person_signature_write_assertion(&writer, &vote->signature);
	json_write_member_integer(&writer, "cast_at", now_ms);
	if (vote->statement.verdict == APPROVAL_REJECT)
		json_write_member_boolean(&writer, "ends", ends);
	json_write_member_string(&writer, "key", key->id);
	json_write_member_string(&writer, "legal_entity", operation->held->legal_entity);
	json_write_member_hex(&writer, "operation", hash256_bytes(&vote->operation_id));
	if (step->personal.members.len > 0) {
		json_write_key(&writer, "personal");
		json_write_canonical(&writer, step->personal.members);
	}
	json_write_member_hex(&writer, "public_key", vote->signature.public_key);
	json_write_member_hex(&writer, "signature", vote->signature.signature);
	json_write_key(&writer, "statement");
	json_write_canonical(&writer, vote->statement_text);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

static struct vote
vote_of(const struct vote_submission *submission) {
	return (struct vote){.key_id = submission->key_id,
			     .person = submission->statement.person,
			     .verdict = submission->statement.verdict,
			     .client = submission->statement.client,
			     .stage = submission->statement.stage,
			     .completed_stage = submission->statement.completed_stage,
			     .statement_digest = submission->statement_digest,
			     .bundle_hash = submission->statement.bundle_hash,
			     .expires_ms = submission->statement.expires_ms};
}

static enum status
reject(struct gate *gate, struct gate_operation *operation, struct gate_step *step) {
	step->state = OPERATION_REJECTED;
	gate_settle_state(gate, operation, OPERATION_REJECTED);
	return OK;
}

/* At the last vote every guard observes again and the decision is taken afresh. While more is missing only the vote is
 * recorded: the forecast changes nothing. The same where all is there but the secret of a key to import, which is never kept:
 * the operation stays held, with nothing missing, until its requester brings the secret again. Nor does a rejection bring about what it is
 * against, which time alone may have let through meanwhile: it can only be denied then. */
static enum status
decide_again(struct gate *gate, struct gate_operation *operation, struct arena *arena, const json *secret,
	     bool may_permit, int64_t now_ms, struct gate_step *step) {
	struct submission submission;
	struct evaluation evaluation;
	const struct directory_key *key;
	TRY(joint_submission(operation, arena, &submission));
	submission.secret = secret;
	if (directory_acting_key(gate->state->directory, submission.key_id, &key) != OK)
		return reject(gate, operation, step); /* the initiator was suspended or its key revoked meanwhile */
	TRY(gate_evaluate(gate, arena, &submission, key, operation->held->votes, now_ms, &evaluation));
	bool lacks_secret = submission_needs_secret(submission.kind) && secret == nullptr;
	bool waits = lacks_secret || !may_permit;
	if (evaluation.decision == DECISION_HELD || (evaluation.decision == DECISION_PERMIT && waits)) {
		step->state = OPERATION_HELD;
		struct bytes missing =
			evaluation.decision == DECISION_HELD ? evaluation.missing : BYTES_OF_LITERAL("{}");
		/* A secret may be brought before its time as often as one likes. */
		return bytes_equal(missing, operation->held->missing)
			       ? OK
			       : gate_keep_bytes(&operation->held->arena, missing, &operation->held->missing);
	}
	TRY(gate_decide_and_record(gate, &submission, key, operation->held->votes, now_ms, &evaluation, step));
	gate_settle_state(gate, operation, step->state);
	return OK;
}

enum status
gate_bring_secret(struct gate *gate, struct gate_operation *known, const struct submission *submission, int64_t now_ms,
		  struct gate_step *step) {
	const struct directory_key *key; /* that asked first */
	TRY(directory_acting_key(gate->state->directory, known->held->key_id, &key));
	if (known->expires_ms <= now_ms)
		return fail(STATUS_EXPIRED, "operation.expired: it was not approved in time");
	TRY(decide_again(gate, known, submission->arena, submission->secret, true, now_ms, step));
	if (step->entry_count > 0)
		step->kind = GATE_DECIDED;
	return OK;
}

/* The vote is cast and recorded, and so is why nothing could be decided. The operation stays held: the next vote decides again. */
static enum status
refuse_at_vote(const struct vote_submission *vote, struct gate_operation *operation, int64_t now_ms,
	       struct gate_step *step) {
	const char *error = arena_format(vote->arena, "%s", fail_message());
	TRY_ALLOC(error);
	*step = (struct gate_step){.kind = GATE_DECIDED,
				   .operation = operation,
				   .state = OPERATION_HELD,
				   .entries = {step->entries[0], {.type = ENTRY_REFUSAL}},
				   .entry_count = 2,
				   .refusal = bytes_of_text(error)};
	struct json_writer writer;
	json_writer_start(&writer, &step->entries[1].body);
	json_write_object(&writer);
	json_write_member_text(&writer, "error", error);
	json_write_member_string(&writer, "key", operation->held->key_id);
	json_write_member_string(&writer, "legal_entity", operation->held->legal_entity);
	json_write_member_hex(&writer, "operation", hash256_bytes(&operation->id));
	json_write_member_integer(&writer, "refused_at", now_ms);
	json_write_member_hex(&writer, "vote", hash256_bytes(&vote->statement_digest));
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

enum status
gate_vote(struct gate *gate, const struct vote_submission *vote, int64_t now_ms, struct gate_step *step) {
	*step = (struct gate_step){.kind = GATE_DECIDED};
	struct gate_operation *operation = operations_find(&gate->state->operations, &vote->operation_id);
	const struct directory_key *key;
	if (operation == nullptr)
		return fail(STATUS_NOT_FOUND, "operation.unknown: there is no such operation");
	if (operation->state == OPERATION_HELD && operation->expires_ms <= now_ms)
		return fail(STATUS_CONFLICT, "operation.not_held: it is %s", operation_state_name(OPERATION_EXPIRED));
	if (operation->state != OPERATION_HELD)
		return fail(STATUS_CONFLICT, "operation.not_held: it is %s", operation_state_name(operation->state));
	TRY(gate_check_vote(gate, operation, vote, now_ms, &key));
	struct personal_source source = {.requester = key->principal->id, .peer_address = vote->peer_address};
	TRY(personal_record_make(gate, vote->arena, &source, &step->personal));
	bool rejects = vote->statement.verdict == APPROVAL_REJECT, ends = false;
	enum status asked = rejects ? gate_rejection_ends(gate, operation, vote, key, now_ms, &ends) : OK;
	if (gate_is_broken(asked))
		return asked;
	struct vote cast = vote_of(vote);
	TRY(votes_cast(operation->held->votes, gate->state->directory, &cast, now_ms));
	directory_set_counter(gate->state->directory, vote->key_id, vote->signature.counter);
	step->operation = operation;
	TRY(write_vote(gate, operation, vote, key, ends, now_ms, step));
	if (ends)
		return reject(gate, operation, step);
	enum status status = decide_again(gate, operation, vote->arena, nullptr, !rejects, now_ms, step);
	return status == OK || gate_is_broken(status) ? status : refuse_at_vote(vote, operation, now_ms, step);
}
