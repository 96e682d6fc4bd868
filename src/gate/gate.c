#include "gate/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "crypto/aead.h"
#include "base/log.h"
#include "gate/administration.h"
#include "gate/evaluate.h"
#include "gate/execute.h"
#include "gate/one_time.h"
#include "gate/joint.h"
#include "gate/view.h"
#include "store/blob.h"

constexpr int64_t DEFAULT_PRICE_AGE_MAX_MS = INT64_C(3'600'000);
constexpr int64_t CREATED_SKEW_MS = 5'000;
static const char SUBJECT_KEYS_LABEL[] = "gatehouse/subject-keys/v1";

/* "https://" and each authority, as a browser writes it: without the default port. On localhost a browser takes plain HTTP as well. */
static enum status
make_origins(struct gate *gate) {
	gate->origins = ARENA_NEW_ARRAY(&gate->names, 2 * gate->authority_count + 1, const char *);
	TRY_ALLOC(gate->origins);
	for (size_t i = 0; i < gate->authority_count; i++) {
		struct bytes authority = bytes_of_text(gate->authorities[i]), port = BYTES_OF_LITERAL(":443");
		bool has_default = authority.len > port.len &&
				   memcmp(authority.data + authority.len - port.len, port.data, port.len) == 0;
		size_t len = has_default ? authority.len - port.len : authority.len;
		const char *origin = arena_format(&gate->names, "https://%.*s", (int)len, gate->authorities[i]);
		TRY_ALLOC(origin);
		gate->origins[gate->origin_count++] = origin;
		if (strncmp(gate->authorities[i], "localhost", 9) != 0 ||
		    (authority.len > 9 && authority.data[9] != ':'))
			continue;
		origin = arena_format(&gate->names, "http://%s", gate->authorities[i]);
		TRY_ALLOC(origin);
		gate->origins[gate->origin_count++] = origin;
	}
	return OK;
}

enum status
gate_create(struct gate **gate, const struct gate_config *config) {
	_cleanup_(gate_destroy) struct gate *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->blobs = config->blobs;
	made->price_age_max_ms = config->price_age_max_ms == 0 ? DEFAULT_PRICE_AGE_MAX_MS : config->price_age_max_ms;
	made->skew_ms = CREATED_SKEW_MS;
	made->authorities = config->authorities;
	made->authority_count = config->authority_count;
	TRY(make_origins(made));
	if (config->root != nullptr) {
		TRY(secret_alloc(&made->subject_wrapping, AEAD_KEY_SIZE));
		TRY(root_key_derive(config->root, SUBJECT_KEYS_LABEL, made->subject_wrapping.data));
	}
	TRY(gate_state_create(&made->state, config->instance, config->keeper, config->root, config->secrets));
	TRY(entities_create(&made->entities));
	TRY(assessments_create(&made->assessments));
	*gate = TAKE(made);
	return OK;
}

void
gate_destroy(struct gate **gate) {
	struct gate *gone = TAKE(*gate);
	if (gone == nullptr)
		return;
	policy_entities_destroy(&gone->entities);
	entities_text_clear(&gone->entities_text);
	assessments_destroy(&gone->assessments);
	gate_state_destroy(&gone->state);
	secret_free(&gone->subject_wrapping);
	arena_free(&gone->scratch);
	arena_free(&gone->names);
	free(gone);
}

void
gate_step_free(struct gate_step *step) {
	for (size_t i = 0; i < ARRAY_LENGTH(step->entries); i++)
		buffer_free(&step->entries[i].body);
}

/* --- Deciding. --- */

static enum status
follow(struct gate *gate, const struct change *change) {
	bool touched = true;
	enum status status = entities_follow(gate->entities, gate->state, change, &touched);
	if (touched)
		entities_text_clear(&gate->entities_text);
	if (change->kind == OPERATION_GROUP_MEMBER_ADD)
		gate->entities_next_ms = directory_next_member(gate->state->directory, gate->entities_ms);
	return status;
}

/* Memberships that have begun meanwhile. */
enum status
gate_follow_time(struct gate *gate, int64_t now_ms) {
	bool touched;
	if (now_ms > gate->state->now_ms)
		gate->state->now_ms = now_ms;
	if (now_ms < gate->entities_next_ms)
		return OK;
	if (entities_follow_time(gate->entities, gate->state, gate->entities_ms, now_ms, &touched) != OK)
		return fail(STATUS_INTERNAL, "entities.behind: a membership has begun that the policy does not see: %s",
			    fail_message());
	if (touched)
		entities_text_clear(&gate->entities_text);
	gate->entities_ms = now_ms;
	gate->entities_next_ms = directory_next_member(gate->state->directory, now_ms);
	return OK;
}

/* Another bundle, and the entities that it brings along in the place of the former's. */
static enum status
apply_activation(struct gate *gate, const struct change *change) {
	_cleanup_(bundle_destroy) struct bundle *former = TAKE(gate->state->bundle);
	enum status status = change_apply(gate->state, change);
	if (status != OK) {
		gate->state->bundle = TAKE(former);
		return status;
	}
	if (gate_state_join(gate->state) != OK) { /* what is joined is still of the former */
		bundle_destroy(&gate->state->bundle);
		gate->state->bundle = TAKE(former);
		return fail(STATUS_INTERNAL, "local_bundle.join: a bundle would be in force without the local one: %s",
			    fail_message());
	}
	if ((former != nullptr && bundle_remove_entities(former, gate->entities) != OK) ||
	    bundle_put_entities(gate->state->bundle, gate->entities) != OK ||
	    policy_entities_seal(gate->entities) != OK)
		return fail(STATUS_INTERNAL, "entities.behind: a bundle is in force without its entities: %s",
			    fail_message());
	return OK;
}

/* A change and what the policy's entities show of it; of a resolved intent also what had been intended. */
enum status
gate_apply_change(struct gate *gate, const struct change *change) {
	if (change->kind == OPERATION_POLICY_ACTIVATE)
		return apply_activation(gate, change);
	struct change intended = {};
	bool resolves = change->kind == OPERATION_INTENT_RESOLVE;
	_cleanup_(arena_free) struct arena names = {.block_size = 1024};
	if (resolves) {
		struct hash256 id;
		TRY(hex_decode(change->resource_id, id.bytes, sizeof id.bytes));
		const struct gate_operation *operation = operations_find(&gate->state->operations, &id);
		if (operation == nullptr || operation->held == nullptr)
			return fail(STATUS_CONFLICT, "operation.not_unknown: this operation's outcome is known");
		TRY(change_of_kept(operation, change->now_ms, &intended));
		/* Resolving frees what was kept; the key's name is needed after it. */
		intended.resource_id = arena_copy(&names, intended.resource_id);
		TRY_ALLOC(intended.resource_id.data);
	}
	TRY(change_apply(gate->state, change));
	if (resolves && intended.kind == OPERATION_KEY_DESTROY) {
		intended.payload = nullptr;
		TRY(follow(gate, &intended));
	}
	if (follow(gate, change) != OK)
		return fail(STATUS_INTERNAL, "entities.behind: a change is made that the policy does not see: %s",
			    fail_message());
	return OK;
}

/* After these the state may hold what no entry says. */
static bool
is_broken(enum status status) {
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

/* A permitted operation: inward acts are done here and now; an outward one is only intended. */
static enum status
act(struct gate *gate, const struct submission *submission, const struct evaluation *evaluation,
    struct personal_record *personal, struct decision_record *record) {
	struct arena *arena = submission->arena;
	if (joint_is(gate, submission->kind, submission->resource_id, submission->payload_document))
		return intend_joint(gate, submission, evaluation, record);
	if (operation_kinds[submission->kind].direction == ACT_OUTWARD) {
		record->outcome = OUTCOME_INTENDED;
		return OK;
	}
	TRY(personal_note(gate, personal)); /* from here on there will be an entry */
	if (gate_execute(gate, arena, submission, evaluation, &record->result) != OK ||
	    record_put_large(&gate->blobs, record->result) != OK)
		return record_failure(arena, record);
	enum status status = apply_change(gate, arena, submission, record->result, record->decided_ms);
	if (status != OK)
		return is_broken(status) ? status : record_failure(arena, record);
	record->outcome = OUTCOME_DONE;
	return apply_spend(gate, evaluation, submission, record);
}

static enum status
write_votes(struct arena *arena, const struct votes *votes, struct bytes *text) {
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

static void
attach_openings(const struct personal_record *personal, struct gate_entry *entry) {
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

static enum status
write_erased(struct bytes subject, const struct hash256 *operation, struct bytes legal_entity, int64_t now_ms,
	     struct gate_step *step) {
	struct gate_entry *entry = &step->entries[step->entry_count++];
	struct json_writer writer;
	entry->type = ENTRY_ERASED;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "erased_at", now_ms);
	json_write_member_string(&writer, "legal_entity", legal_entity);
	json_write_member_hex(&writer, "operation", hash256_bytes(operation));
	json_write_member_string(&writer, "subject", subject);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* Observes, decides, acts, and writes the entry. The state holds the consequences already; the caller makes the entry durable
 * or ends. */
static enum status
decide_and_record(struct gate *gate, const struct submission *submission, const struct directory_key *key,
		  const struct votes *votes, int64_t now_ms, struct evaluation *evaluation, struct gate_step *step) {
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
	TRY(write_votes(submission->arena, votes, &record->votes));
	TRY(make_personal(gate, submission, key, record, &step->personal));
	TRY(check_size(record, evaluation));
	TRY(record_put_large(&gate->blobs, record->payload));
	TRY(find_erased(gate, submission, &erased));
	if (record->decision == DECISION_PERMIT)
		TRY(act(gate, submission, evaluation, &step->personal, record));
	if (submission->operation.break_glass &&
	    (record->outcome == OUTCOME_DONE || record->outcome == OUTCOME_INTENDED))
		TRY(reviews_demand(&gate->state->reviews, &submission->id, submission->operation.principal, now_ms));
	step->is_break_glass = submission->operation.break_glass;
	struct gate_entry *entry = &step->entries[step->entry_count++];
	attach_openings(&step->personal, entry);
	entry->type = record->outcome == OUTCOME_INTENDED ? ENTRY_INTENT : ENTRY_DECISION;
	step->is_outward = record->outcome == OUTCOME_INTENDED;
	step->is_joint = step->is_outward &&
			 joint_is(gate, submission->kind, submission->resource_id, submission->payload_document);
	step->destroys = record->outcome == OUTCOME_DONE && submission->kind == OPERATION_INTENT_RESOLVE;
	step->state = decision_record_state(record);
	step->record = record;
	if (decision_record_write(record, &gate->blobs, &entry->body) != OK)
		return fail(STATUS_INTERNAL, "record.lost: what was done cannot be written: %s", fail_message());
	return erased.len > 0 && record->outcome == OUTCOME_DONE
		       ? write_erased(erased, &submission->id, record->legal_entity, now_ms, step)
		       : OK;
}

/* --- Submitting. --- */

static enum status
check_times(const struct gate *gate, const struct operation *operation, int64_t now_ms) {
	if (operation->expires_ms <= now_ms)
		return fail(STATUS_EXPIRED, "operation.expired: it expired %lld ms ago",
			    (long long)(now_ms - operation->expires_ms));
	if (operation->created_ms > now_ms + gate->skew_ms)
		return fail(STATUS_EXPIRED, "operation.created: it was created %lld ms in the future",
			    (long long)(operation->created_ms - now_ms));
	return OK;
}

static enum status
answer_known(struct gate_operation *known, const struct submission *submission, struct gate_step *step) {
	struct hash256 repetition = operation_repetition_hash(&submission->operation);
	if (!hash256_equal(&repetition, &known->repetition))
		return fail(STATUS_CONFLICT, "operation.differs: this idempotency key was used for another operation");
	step->operation = known;
	step->state = known->state;
	step->kind = known->entry == UINT64_MAX ? GATE_IN_FLIGHT : GATE_KNOWN;
	return OK;
}

static enum status
keep_bytes(struct arena *arena, struct bytes from, struct bytes *kept) {
	*kept = arena_copy(arena, from);
	TRY_ALLOC(kept->data);
	return OK;
}

/* Keeps what deciding again, or resolving an intent, will need. */
static enum status
keep(struct gate *gate, struct gate_operation *operation, const struct submission *submission,
     const struct evaluation *evaluation) {
	struct held_operation *held;
	const json *document;
	TRY(operations_keep(&gate->state->operations, operation, &held));
	TRY(keep_bytes(&held->arena, submission->document, &held->document));
	TRY(keep_bytes(&held->arena, submission->payload, &held->payload));
	TRY(keep_bytes(&held->arena, submission->requester, &held->requester));
	TRY(keep_bytes(&held->arena, submission->key_id, &held->key_id));
	held->seen = seen_network_of(evaluation->facts);
	TRY(keep_bytes(&held->arena, held->seen.zone, &held->seen.zone));
	TRY(keep_bytes(&held->arena, evaluation_legal_entity(gate, evaluation), &held->legal_entity));
	TRY(keep_bytes(&held->arena, evaluation->missing, &held->missing));
	TRY(json_read(&held->arena, held->document, (struct json_limits){}, &document));
	TRY(operation_read(document, &held->operation));
	_cleanup_(buffer_free) struct buffer view = {};
	TRY(operation_view(&submission->operation, submission->payload, evaluation->transaction, &view));
	held->view_digest = sha256(buffer_bytes(&view));
	return votes_create(&held->votes, submission->operation.principal);
}

static void
settle_state(struct gate *gate, struct gate_operation *operation, enum operation_state state) {
	operation->is_acting = state == OPERATION_UNKNOWN;
	operations_set_state(&gate->state->operations, operation, state);
}

static enum status bring_secret(struct gate *gate, struct gate_operation *known, const struct submission *submission,
				int64_t now_ms, struct gate_step *step);

/* What needs an order: a new passkey's waiting time, and an authenticator's counter, which tells of copies. */
static enum status
check_key_in_order(const struct directory_key *key, uint32_t counter, int64_t now_ms) {
	TRY(directory_key_check_waiting(key, now_ms));
	return key->passkey == nullptr ? OK : authenticator_counter_check(key->passkey->counter, counter);
}

/* Which step it was of becomes part of the evidence; the code itself is nobody's business any more. */
static enum status
take_totp(struct gate *gate, struct submission *submission, int64_t now_ms) {
	int64_t step;
	struct bytes requester = submission->requester;
	if (submission->totp.len == 0)
		return OK;
	TRY(one_time_take(gate->state, submission->operation.principal, submission->totp, now_ms, &step));
	const char *text = arena_format(submission->arena, "%.*s,\"totp\":{\"step\":%lld}}", (int)requester.len - 1,
					requester.data, (long long)step);
	TRY_ALLOC(text);
	submission->requester = bytes_of_text(text);
	submission->has_totp = true;
	submission->totp_step = step;
	return OK;
}

enum status
gate_submit(struct gate *gate, struct submission *submission, int64_t now_ms, struct gate_step *step) {
	*step = (struct gate_step){};
	struct gate_operation *known = operations_find(&gate->state->operations, &submission->id);
	if (known != nullptr) {
		TRY(answer_known(known, submission, step));
		bool waits =
			step->kind == GATE_KNOWN && known->state == OPERATION_HELD && submission->secret != nullptr;
		return waits ? bring_secret(gate, known, submission, now_ms, step) : OK;
	}
	const struct directory_key *key;
	TRY(check_times(gate, &submission->operation, now_ms));
	TRY(directory_active_key(gate->state->directory, submission->key_id, &key));
	TRY(check_key_in_order(key, submission->counter, now_ms));
	TRY(take_totp(gate, submission, now_ms));
	if (submission->nonce.len > 0 && !FAULT_SKIP_NONCE) {
		TRY(nonces_take(gate->state->nonces, submission->key_id, submission->nonce, submission->nonce_expires_s,
				now_ms));
		submission->nonce_taken = true;
	}
	struct evaluation evaluation;
	enum status status = decide_and_record(gate, submission, key, nullptr, now_ms, &evaluation, step);
	struct gate_operation *operation = nullptr;
	if (status == OK)
		status = operations_add(&gate->state->operations, &submission->id, &operation);
	if (status != OK) {
		gate_step_free(step);
		*step = (struct gate_step){};
		return status;
	}
	operation->digest = submission->digest;
	operation->repetition = operation_repetition_hash(&submission->operation);
	operation->expires_ms = submission->operation.expires_ms;
	step->kind = GATE_DECIDED;
	step->operation = operation;
	if (step->state == OPERATION_HELD || step->state == OPERATION_UNKNOWN)
		status = keep(gate, operation, submission, &evaluation);
	if (status == OK)
		status = personal_note(gate, &step->personal);
	if (status != OK) { /* nothing was done yet but deciding */
		operations_forget(&gate->state->operations, operation);
		gate_step_free(step);
		*step = (struct gate_step){};
		return status;
	}
	settle_state(gate, operation, step->state);
	directory_set_counter(gate->state->directory, submission->key_id, submission->counter);
	return OK;
}

/* --- Voting. --- */

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
		status = directory_active_key(gate->state->directory, submission.key_id, &key);
	if (status == OK)
		status = gate_evaluate(gate, arena, &submission, key, operation->held->votes, now_ms, &evaluation);
	*stage = status == OK ? stage_of_missing(evaluation.missing) : -1;
	if (*stage < 0) /* what cannot be decided is refused when it is: a vote, a rejection first of all, is taken */
		*stage = votes_last_stage(operation->held->votes);
	return is_broken(status) ? status : OK;
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
	const struct principal *person = directory_principal(gate->state->directory, vote->statement.person);
	if (person == nullptr || person->kind != PRINCIPAL_PERSON)
		return fail(STATUS_NOT_FOUND, "approval.person: there is no person \"%.*s\"",
			    BYTES_ARGS(vote->statement.person));
	if (!directory_may_vote(gate->state->directory, key->principal, person, now_ms))
		return fail(STATUS_UNAUTHORIZED, "approval.delegation: the signer may not vote for \"%.*s\"",
			    BYTES_ARGS(vote->statement.person));
	return OK;
}

static enum status
write_vote(struct gate *gate, const struct gate_operation *operation, const struct vote_submission *vote,
	   const struct directory_key *key, int64_t now_ms, struct gate_step *step) {
	struct gate_entry *entry = &step->entries[step->entry_count++];
	struct json_writer writer;
	TRY(personal_note(gate, &step->personal));
	attach_openings(&step->personal, entry);
	entry->type = ENTRY_VOTE;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	person_signature_write_assertion(&writer, &vote->signature);
	json_write_member_integer(&writer, "cast_at", now_ms);
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
	settle_state(gate, operation, OPERATION_REJECTED);
	return OK;
}

/* At the last vote every guard observes again and the decision is taken afresh. While more is missing only the vote is
 * recorded: the forecast changes nothing. The same where all is there but the secret of a key to import, which is never kept:
 * the operation stays held, with nothing missing, until its requester brings the secret again. */
static enum status
decide_again(struct gate *gate, struct gate_operation *operation, struct arena *arena, const json *secret,
	     int64_t now_ms, struct gate_step *step) {
	struct submission submission;
	struct evaluation evaluation;
	const struct directory_key *key;
	TRY(joint_submission(operation, arena, &submission));
	submission.secret = secret;
	if (directory_active_key(gate->state->directory, submission.key_id, &key) != OK)
		return reject(gate, operation, step); /* the initiator was suspended or its key revoked meanwhile */
	TRY(gate_evaluate(gate, arena, &submission, key, operation->held->votes, now_ms, &evaluation));
	bool lacks_secret = submission_needs_secret(submission.kind) && secret == nullptr;
	if (evaluation.decision == DECISION_HELD || (evaluation.decision == DECISION_PERMIT && lacks_secret)) {
		step->state = OPERATION_HELD;
		struct bytes missing =
			evaluation.decision == DECISION_HELD ? evaluation.missing : BYTES_OF_LITERAL("{}");
		return keep_bytes(&operation->held->arena, missing, &operation->held->missing);
	}
	TRY(decide_and_record(gate, &submission, key, operation->held->votes, now_ms, &evaluation, step));
	settle_state(gate, operation, step->state);
	return OK;
}

/* A held import, and its secret again: decided now if all have approved, else answered as it stands. */
static enum status
bring_secret(struct gate *gate, struct gate_operation *known, const struct submission *submission, int64_t now_ms,
	     struct gate_step *step) {
	const struct directory_key *key; /* that asked first */
	TRY(directory_active_key(gate->state->directory, known->held->key_id, &key));
	if (known->expires_ms <= now_ms)
		return fail(STATUS_EXPIRED, "operation.expired: it was not approved in time");
	TRY(decide_again(gate, known, submission->arena, submission->secret, now_ms, step));
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
	TRY(directory_active_key(gate->state->directory, vote->key_id, &key));
	TRY(check_key_in_order(key, vote->signature.counter, now_ms));
	TRY(check_statement(gate, operation, vote, key, now_ms));
	struct personal_source source = {.requester = key->principal->id, .peer_address = vote->peer_address};
	TRY(personal_record_make(gate, vote->arena, &source, &step->personal));
	struct vote cast = vote_of(vote);
	TRY(votes_cast(operation->held->votes, gate->state->directory, &cast, now_ms));
	directory_set_counter(gate->state->directory, vote->key_id, vote->signature.counter);
	step->operation = operation;
	TRY(write_vote(gate, operation, vote, key, now_ms, step));
	if (vote->statement.verdict == APPROVAL_REJECT)
		return reject(gate, operation, step);
	enum status status = decide_again(gate, operation, vote->arena, nullptr, now_ms, step);
	return status == OK || is_broken(status) ? status : refuse_at_vote(vote, operation, now_ms, step);
}

/* --- Settling, outward acts, time. --- */

void
gate_settle(struct gate *gate, struct gate_step *step, uint64_t entry) {
	step->operation->entry = entry;
	personal_place(gate, &step->personal, entry);
	if (step->destroys && (gate_reconcile_keys(gate) != OK || personal_reconcile(gate) != OK))
		log_error("a destroyed key's row stays until the next start: %s", fail_message());
}

static enum status
write_outcome(const struct gate *gate, const struct gate_operation *operation, const struct conclusion *conclusion,
	      int64_t now_ms, struct gate_step *step) {
	struct gate_entry *entry = &step->entries[step->entry_count++];
	struct json_writer writer;
	entry->type = ENTRY_OUTCOME;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "done_at", now_ms);
	if (conclusion->outcome == OUTCOME_FAILED)
		json_write_member_text(&writer, "error", conclusion->error);
	if (conclusion->gives_back)
		json_write_member_boolean(&writer, "given_back", true);
	json_write_member_string(&writer, "legal_entity", operation->held->legal_entity);
	if (conclusion->blame.len > 0) {
		json_write_key(&writer, "names");
		json_write_canonical(&writer, conclusion->blame);
	}
	record_write_nonce(&writer, conclusion->nonce_chain, conclusion->nonce);
	json_write_member_hex(&writer, "operation", hash256_bytes(&operation->id));
	json_write_member_text(&writer, "outcome", outcome_name(conclusion->outcome));
	if (conclusion->result.len > 0)
		TRY(record_write_result(&writer, conclusion->result, &gate->blobs));
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* What was done together becomes so here: the change, the nonce that was signed. */
static enum status
apply_conclusion(struct gate *gate, struct gate_operation *operation, const struct conclusion *conclusion,
		 int64_t now_ms) {
	struct change change;
	TRY(change_of_kept(operation, now_ms, &change));
	TRY(json_read(&operation->held->arena, conclusion->result, (struct json_limits){}, &change.result));
	TRY(gate_apply_change(gate, &change));
	return conclusion->nonce_chain.len == 0 ? OK
						: gate_state_set_last_nonce(gate->state, change.resource_id,
									    conclusion->nonce_chain, conclusion->nonce);
}

enum status
gate_conclude(struct gate *gate, struct gate_operation *operation, const struct conclusion *given, int64_t now_ms,
	      struct gate_step *step) {
	struct conclusion conclusion = *given;
	char error[512];
	*step = (struct gate_step){.kind = GATE_DECIDED, .operation = operation};
	if (operation->state != OPERATION_UNKNOWN || operation->held == nullptr)
		return fail(STATUS_CONFLICT, "operation.not_unknown: this operation's outcome is known");
	if (conclusion.outcome == OUTCOME_DONE) {
		TRY(record_put_large(&gate->blobs, conclusion.result));
		enum status status = apply_conclusion(gate, operation, &conclusion, now_ms);
		if (is_broken(status))
			return status;
		if (status != OK) { /* another operation made the same key meanwhile */
			snprintf(error, sizeof error, "%s", fail_message());
			conclusion = (struct conclusion){.outcome = OUTCOME_FAILED, .error = error};
		}
	}
	if (conclusion.outcome == OUTCOME_DONE)
		gate_state_note_signed(gate->state, &operation->id, now_ms);
	if (conclusion.outcome == OUTCOME_FAILED && conclusion.gives_back)
		conclusion.gives_back = limits_release(gate->state->limits, operation->id.bytes) == OK;
	step->state = conclusion.outcome == OUTCOME_DONE ? OPERATION_DONE : OPERATION_FAILED;
	step->destroys = conclusion.outcome == OUTCOME_DONE && conclusion.redeals;
	TRY(write_outcome(gate, operation, &conclusion, now_ms, step));
	settle_state(gate, operation, step->state);
	return OK;
}

/* Destroying a key, or the key of a person's values, are the outward acts that there are: entry, then row (design §6), so that no
 * crash leaves a log that expects a row which is gone. The row goes in gate_settle(), or at the next start. */
enum status
gate_perform(struct gate *gate, struct gate_operation *operation, int64_t now_ms, struct gate_step *step) {
	struct change change;
	*step = (struct gate_step){.kind = GATE_DECIDED, .operation = operation};
	enum status status = change_of_kept(operation, now_ms, &change);
	if (status == OK)
		status = gate_apply_change(gate, &change);
	step->destroys = status == OK;
	step->state = status == OK ? OPERATION_DONE : OPERATION_FAILED;
	if (status == OK && change.kind == OPERATION_PERSON_ERASE)
		TRY(write_erased(operation->held->operation.resource, &operation->id, operation->held->legal_entity,
				 now_ms, step));
	struct conclusion conclusion = {.outcome = status == OK ? OUTCOME_DONE : OUTCOME_FAILED,
					.error = status == OK ? "" : fail_message()};
	TRY(write_outcome(gate, operation, &conclusion, now_ms, step));
	settle_state(gate, operation, step->state);
	return OK;
}

void
gate_tick(struct gate *gate, int64_t now_ms) {
	if (now_ms > gate->state->now_ms)
		gate->state->now_ms = now_ms;
	limits_expire(gate->state->limits, now_ms);
	counted_expire(&gate->state->counted, now_ms);
	nonces_expire(gate->state->nonces, now_ms);
}

static struct gate_operation *
find_over(const struct gate *gate, int64_t now_ms) {
	size_t at = 0;
	void *value;
	while (map_next(&gate->state->operations.kept, &at, nullptr, &value)) {
		struct gate_operation *operation = value;
		if (operation->state == OPERATION_HELD && operation->entry != UINT64_MAX &&
		    operation->expires_ms <= now_ms)
			return operation;
	}
	return nullptr;
}

enum status
gate_expire(struct gate *gate, int64_t now_ms, struct gate_step *step) {
	*step = (struct gate_step){.kind = GATE_DECIDED, .state = OPERATION_EXPIRED};
	struct gate_operation *operation = find_over(gate, now_ms);
	if (operation == nullptr)
		return OK;
	struct gate_entry *entry = &step->entries[0];
	struct json_writer writer;
	entry->type = ENTRY_EXPIRY;
	json_writer_start(&writer, &entry->body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "expired_at", now_ms);
	json_write_member_string(&writer, "legal_entity", operation->held->legal_entity);
	json_write_member_hex(&writer, "operation", hash256_bytes(&operation->id));
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	step->operation = operation;
	step->entry_count = 1;
	settle_state(gate, operation, OPERATION_EXPIRED);
	return OK;
}
