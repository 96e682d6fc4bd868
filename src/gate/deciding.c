#include "gate/deciding.h"

#include "base/log.h"
#include "gate/administration.h"
#include "gate/break_glass.h"
#include "gate/execute.h"
#include "gate/joint.h"
#include "store/blob.h"

/* After these the state may hold what no entry says. */
bool
gate_is_broken(enum status status) {
	return status == STATUS_INTERNAL || status == STATUS_NO_MEMORY || status == STATUS_CORRUPT;
}

static enum status
record_failure(struct arena *arena, struct decision_record *record) {
	record->outcome = OUTCOME_FAILED;
	record->result = (struct bytes){};
	record->error = bytes_of_text(arena_format(arena, "%s", fail_message()) ?: "memory: out of memory");
	return OK;
}

/* What a permitted operation leaves in the state besides its own change: the spend, and the nonce. */
static enum status
apply_spend(struct gate *gate, const struct evaluation *evaluation, const struct submission *submission,
	    struct decision_record *record) {
	if (submission->kind != OPERATION_SIGN)
		return OK;
	if (evaluation->observation.has_spend) {
		record->has_spend = true;
		record->spend = evaluation->observation.spend;
		TRY(gate_state_apply_spend(gate->state, &record->spend));
	}
	const struct fact *nonce = facts_find(evaluation->facts, "transfer.nonce");
	if (nonce == nullptr || nonce->value.type != VALUE_LONG)
		return OK;
	record->nonce_chain = evaluation->transaction->chain;
	record->nonce = (uint64_t)nonce->value.integer;
	return gate_state_set_last_nonce(gate->state, submission->resource_id, record->nonce_chain, record->nonce);
}

static enum status
apply_change(struct gate *gate, struct arena *arena, const struct submission *submission, struct bytes result,
	     int64_t now_ms) {
	struct change change = {.kind = submission->kind,
				.operation = &submission->operation,
				.resource_type = submission->resource_type,
				.resource_id = submission->resource_id,
				.payload = submission->payload_document,
				.now_ms = now_ms};
	TRY(json_read(arena, result, (struct json_limits){}, &change.result));
	return gate_apply_change(gate, &change);
}

/* What takes other keepers is only intended, its spend reserved; what is known to fail does so before. */
static enum status
intend_joint(struct gate *gate, const struct submission *submission, const struct evaluation *evaluation,
	     struct decision_record *record) {
	if (joint_check(gate, submission, evaluation) != OK)
		return record_failure(submission->arena, record);
	record->outcome = OUTCOME_INTENDED;
	if (!evaluation->observation.has_spend)
		return OK;
	record->has_spend = true;
	record->spend = evaluation->observation.spend;
	return limits_apply(gate->state->limits, &record->spend);
}

/* --- Transfers that are signed after others have been decided. --- */

constexpr size_t LATER_PAYLOAD_MAX = BLOB_THRESHOLD / 4; /* what is signed of it needs no file of its own */

struct unsigned_step {
	const struct submission *submission;
	const struct evaluation *evaluation;
	struct decision_record *record;
	struct signature signature;
};

/* Whatever could fail for a reason that is to be recorded is looked at before. */
static bool
may_be_signed_later(const struct gate *gate, const struct submission *submission, const struct evaluation *evaluation) {
	return submission->may_wait && submission->kind == OPERATION_SIGN && evaluation->request_count == 1 &&
	       !evaluation->requests->tweaked && submission->payload.len <= LATER_PAYLOAD_MAX &&
	       gate->state->ring != nullptr &&
	       keyring_check_sign(gate->state->ring, submission->resource_id, evaluation->use, evaluation->requests) ==
		       OK;
}

static enum status
leave_unsigned(struct gate *gate, const struct submission *submission, const struct evaluation *evaluation,
	       struct decision_record *record, struct gate_step *step) {
	struct unsigned_step *later = ARENA_NEW(submission->arena, struct unsigned_step);
	TRY_ALLOC(later);
	*later = (struct unsigned_step){.submission = submission, .evaluation = evaluation, .record = record};
	step->to_sign = later;
	record->outcome = OUTCOME_DONE;
	return apply_spend(gate, evaluation, submission, record);
}

enum status
gate_sign(struct gate *gate, struct gate_step *step) {
	struct unsigned_step *later = step->to_sign;
	return keyring_sign(gate->state->ring, later->submission->resource_id, later->evaluation->use,
			    later->evaluation->requests, &later->signature);
}

static enum status
write_decision(struct gate *gate, const struct decision_record *record, struct gate_entry *entry) {
	if (decision_record_write(record, &gate->blobs, &entry->body) != OK)
		return fail(STATUS_INTERNAL, "record.lost: what was done cannot be written: %s", fail_message());
	return OK;
}

enum status
gate_finish(struct gate *gate, struct gate_step *step) {
	struct unsigned_step *later = TAKE(step->to_sign);
	TRY(gate_assemble(later->submission->arena, later->evaluation, &later->signature, &later->record->result));
	TRY(record_put_large(&gate->blobs, later->record->result));
	return write_decision(gate, later->record, &step->entries[0]);
}

/* --- Acting. --- */

/* Whether a key is gone after it: it is destroyed, or people say that it was. */
static bool
destroys_key(const struct gate *gate, const struct submission *submission, struct arena *arena, struct bytes *key_id) {
	struct hash256 id;
	bool happened;
	const struct gate_operation *intended;
	struct submission kept;
	*key_id = submission->resource_id;
	if (submission->kind == OPERATION_KEY_DESTROY)
		return true;
	if (submission->kind != OPERATION_INTENT_RESOLVE || submission->resource_id.len != 2 * sizeof id.bytes ||
	    hex_decode(submission->resource_id, id.bytes, sizeof id.bytes) != OK ||
	    json_need_boolean(submission->payload_document, "payload", "happened", &happened) != OK || !happened)
		return false;
	intended = operations_find(&gate->state->operations, &id);
	if (intended == nullptr || intended->held == nullptr || joint_submission(intended, arena, &kept) != OK)
		return false;
	*key_id = kept.resource_id;
	return kept.kind == OPERATION_KEY_DESTROY;
}

/* A permitted operation: inward acts are done here and now; an outward one is only intended. */
static enum status
act(struct gate *gate, const struct submission *submission, const struct evaluation *evaluation, struct gate_step *step,
    struct decision_record *record) {
	struct arena *arena = submission->arena;
	if (joint_is(gate, submission->kind, submission->resource_id, submission->payload_document))
		return intend_joint(gate, submission, evaluation, record);
	/* Others may have pledged, and counted on this keeper's share. A freeze stops the key as well. */
	struct bytes destroyed;
	if (destroys_key(gate, submission, arena, &destroyed) && joint_is_being_dealt(gate, destroyed)) {
		(void)fail(STATUS_CONFLICT,
			   "key.being_dealt: key \"%.*s\" is being dealt, and this has not ended: freeze it",
			   BYTES_ARGS(destroyed));
		return record_failure(arena, record);
	}
	if (operation_kinds[submission->kind].direction == ACT_OUTWARD) {
		record->outcome = OUTCOME_INTENDED;
		return OK;
	}
	TRY(personal_note(gate, &step->personal)); /* from here on there will be an entry */
	if (may_be_signed_later(gate, submission, evaluation))
		return leave_unsigned(gate, submission, evaluation, record, step);
	if (gate_execute(gate, arena, submission, evaluation, &record->result) != OK ||
	    record_put_large(&gate->blobs, record->result) != OK)
		return record_failure(arena, record);
	enum status status = apply_change(gate, arena, submission, record->result, record->decided_ms);
	if (status != OK)
		return gate_is_broken(status) ? status : record_failure(arena, record);
	record->outcome = OUTCOME_DONE;
	return apply_spend(gate, evaluation, submission, record);
}

enum status
gate_write_votes(struct arena *arena, const struct votes *votes, struct bytes *text) {
	if (votes == nullptr || votes_size(votes) == 0)
		return OK;
	_cleanup_(buffer_free) struct buffer out = {};
	struct json_writer writer;
	json_writer_start(&writer, &out);
	json_write_array(&writer);
	for (size_t i = 0; i < votes_size(votes); i++) {
		const struct vote *vote = votes_at(votes, i);
		json_write_object(&writer);
		json_write_member_string(&writer, "key", vote->key_id);
		json_write_member_string(&writer, "person", vote->person);
		json_write_member_hex(&writer, "statement", hash256_bytes(&vote->statement_digest));
		json_write_member_text(&writer, "verdict", approval_verdict_name(vote->verdict));
		json_write_end(&writer);
	}
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	*text = arena_copy(arena, buffer_bytes(&out));
	TRY_ALLOC(text->data);
	return OK;
}

/* Before anything is done: that its record will fit into one entry, results of the largest size included. */
static enum status
check_size(const struct decision_record *record, const struct evaluation *evaluation) {
	const struct bytes parts[] = {record->document, record->requester, record->facts,   record->entities,
				      record->votes,    record->missing,   record->personal};
	size_t size = 4096 + BLOB_THRESHOLD + (record->payload.len <= BLOB_THRESHOLD ? record->payload.len : 0);
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		size += parts[i].len;
	for (size_t i = 0; i < record->reason_count; i++)
		size += record->reasons[i].policy.len + 8;
	for (size_t i = 0; i < record->error_count; i++)
		size += record->errors[i].policy.len + record->errors[i].message.len + 32;
	for (size_t i = 0; evaluation->observation.has_spend && i < evaluation->observation.spend.part_count; i++)
		size += evaluation->observation.spend.parts[i].subject.len + 48;
	return size <= ENTRY_SIZE_MAX ? OK
				      : fail(STATUS_TOO_LARGE,
					     "record.size: the decision's record would have about %zu bytes, "
					     "and an entry holds %zu",
					     size, ENTRY_SIZE_MAX);
}

/* Who asks from where, and what a profile brings unless it is denied: committed to in the record, sealed beside it. */
static enum status
make_personal(struct gate *gate, const struct submission *submission, const struct directory_key *key,
	      struct decision_record *record, struct personal_record *personal) {
	bool brings = submission->personal.count > 0 && record->decision != DECISION_DENY;
	struct personal_source source = {.peer_address = submission->peer_address, .values = &submission->personal};
	if (key->principal->kind == PRINCIPAL_PERSON)
		source.requester = key->principal->id;
	if (brings)
		source.subject = submission->operation.resource;
	TRY(personal_record_make(gate, submission->arena, &source, personal));
	record->personal = personal->members;
	return OK;
}

void
gate_attach_openings(const struct personal_record *personal, struct gate_entry *entry) {
	memcpy(entry->openings, personal->openings, sizeof entry->openings);
	entry->opening_count = personal->opening_count;
}

/* Of an intent.resolve that says that an erasure happened: whose; else empty. */
static enum status
find_erased(const struct gate *gate, const struct submission *submission, struct bytes *erased) {
	struct hash256 id;
	*erased = (struct bytes){};
	if (submission->kind != OPERATION_INTENT_RESOLVE)
		return OK;
	TRY(hex_decode(submission->resource_id, id.bytes, sizeof id.bytes));
	const struct gate_operation *intended = operations_find(&gate->state->operations, &id);
	const json *happened = json_get(submission->payload_document, "happened");
	if (intended == nullptr || intended->held == nullptr || happened == nullptr ||
	    json_type_of(happened) != JSON_BOOLEAN || !json_boolean(happened) ||
	    !bytes_equal_text(intended->held->operation.kind, operation_kinds[OPERATION_PERSON_ERASE].name))
		return OK;
	*erased = arena_copy(submission->arena, intended->held->operation.resource);
	TRY_ALLOC(erased->data);
	return OK;
}

enum status
gate_write_erased(const struct gate *gate, struct bytes subject, const struct hash256 *operation, int64_t now_ms,
		  struct gate_step *step) {
	struct gate_entry *entry = &step->entries[step->entry_count++];
	struct json_writer writer;
	entry->type = ENTRY_ERASED;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "erased_at", now_ms);
	json_write_member_string(&writer, "legal_entity", gate_state_entity_of(gate->state, subject));
	json_write_member_hex(&writer, "operation", hash256_bytes(operation));
	json_write_member_string(&writer, "subject", subject);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* Observes, decides, acts, and writes the entry. The state holds the consequences already; the caller makes the entry durable
 * or ends. */
enum status
gate_decide_and_record(struct gate *gate, const struct submission *submission, const struct directory_key *key,
		       const struct votes *votes, int64_t now_ms, struct evaluation *evaluation,
		       struct gate_step *step) {
	struct decision_record *record = ARENA_NEW(submission->arena, struct decision_record);
	struct bytes erased;
	TRY_ALLOC(record);
	*record = (struct decision_record){.operation_id = submission->id,
					   .digest = submission->digest,
					   .document = submission->document,
					   .payload = submission->payload,
					   .requester = submission->requester,
					   .signature_expires_s = submission->nonce_expires_s};
	TRY(gate_evaluate(gate, submission->arena, submission, key, votes, now_ms, evaluation));
	TRY(evaluation_record(gate, submission->arena, evaluation, record));
	TRY(gate_write_votes(submission->arena, votes, &record->votes));
	TRY(make_personal(gate, submission, key, record, &step->personal));
	TRY(check_size(record, evaluation));
	TRY(record_put_large(&gate->blobs, record->payload));
	TRY(find_erased(gate, submission, &erased));
	if (record->decision == DECISION_PERMIT)
		TRY(act(gate, submission, evaluation, step, record));
	if (submission->operation.break_glass &&
	    (record->outcome == OUTCOME_DONE || record->outcome == OUTCOME_INTENDED))
		TRY(reviews_demand(&gate->state->reviews, &submission->id, submission->operation.principal, now_ms));
	step->is_break_glass = submission->operation.break_glass;
	struct gate_entry *entry = &step->entries[step->entry_count++];
	gate_attach_openings(&step->personal, entry);
	entry->type = record->outcome == OUTCOME_INTENDED ? ENTRY_INTENT : ENTRY_DECISION;
	step->is_outward = record->outcome == OUTCOME_INTENDED;
	step->is_joint = step->is_outward &&
			 joint_is(gate, submission->kind, submission->resource_id, submission->payload_document);
	step->destroys = record->outcome == OUTCOME_DONE && submission->kind == OPERATION_INTENT_RESOLVE;
	step->state = decision_record_state(record);
	step->record = record;
	if (step->to_sign == nullptr)
		TRY(write_decision(gate, record, entry));
	return erased.len > 0 && record->outcome == OUTCOME_DONE
		       ? gate_write_erased(gate, erased, &submission->id, now_ms, step)
		       : OK;
}

/* --- What stays in the state. --- */

enum status
gate_keep_bytes(struct arena *arena, struct bytes from, struct bytes *kept) {
	*kept = arena_copy(arena, from);
	TRY_ALLOC(kept->data);
	return OK;
}

void
gate_settle_state(struct gate *gate, struct gate_operation *operation, enum operation_state state) {
	operation->is_acting = state == OPERATION_UNKNOWN;
	operation->is_settling = true;
	operations_set_state(&gate->state->operations, operation, state);
}
