#include "gate/gate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "crypto/aead.h"
#include "gate/administration.h"
#include "gate/deciding.h"
#include "gate/import_key.h"
#include "gate/one_time.h"
#include "gate/voting.h"

constexpr int64_t DEFAULT_PRICE_AGE_MAX_MS = INT64_C(3'600'000);
constexpr int64_t CREATED_SKEW_MS = 5'000;
constexpr size_t HELD_BY_ONE_MAX = 1'000;
constexpr size_t HELD_BYTES_BY_ONE_MAX = 16 * 1024 * 1024;
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
	made->held_by_one_max = HELD_BY_ONE_MAX;
	made->held_bytes_by_one_max = HELD_BYTES_BY_ONE_MAX;
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
	import_key_destroy(&gone->import_key);
	arena_free(&gone->scratch);
	arena_free(&gone->names);
	free(gone);
}

void
gate_step_free(struct gate_step *step) {
	for (size_t i = 0; i < ARRAY_LENGTH(step->entries); i++)
		buffer_free(&step->entries[i].body);
}

/* --- Changes, and what the policy sees of them. --- */

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
	invitations_outdate(&gate->state->invitations, (struct bytes){});
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
	step->kind = known->entry == UINT64_MAX || known->is_settling ? GATE_IN_FLIGHT : GATE_KNOWN;
	return OK;
}

/* Keeps what deciding again, or resolving an intent, will need. */
static enum status
keep(struct gate *gate, struct gate_operation *operation, const struct submission *submission,
     const struct evaluation *evaluation) {
	struct held_operation *held;
	const json *document;
	TRY(operations_keep(&gate->state->operations, operation, &held));
	TRY(gate_keep_bytes(&held->arena, submission->document, &held->document));
	TRY(gate_keep_bytes(&held->arena, submission->payload, &held->payload));
	TRY(gate_keep_bytes(&held->arena, submission->requester, &held->requester));
	TRY(gate_keep_bytes(&held->arena, submission->key_id, &held->key_id));
	held->seen = seen_network_of(evaluation->facts);
	TRY(gate_keep_bytes(&held->arena, held->seen.zone, &held->seen.zone));
	TRY(gate_keep_bytes(&held->arena, evaluation_legal_entity(gate, evaluation), &held->legal_entity));
	TRY(gate_keep_bytes(&held->arena, evaluation->missing, &held->missing));
	TRY(json_read(&held->arena, held->document, (struct json_limits){}, &document));
	TRY(operation_read(document, &held->operation));
	TRY(operations_note_requester(&gate->state->operations, held));
	_cleanup_(buffer_free) struct buffer view = {};
	TRY(operation_view(&submission->operation, submission->payload, evaluation->transaction, &view));
	held->view_digest = sha256(buffer_bytes(&view));
	return votes_create(&held->votes, submission->operation.principal);
}

/* What cannot be done is not put before people: it is refused as a malformed one is. What policies permit at once fails as it is
 * done, and what they deny is denied without a word of what there is. */
static enum status
check_possible(const struct gate *gate, const struct evaluation *evaluation) {
	return change_check(gate->state, evaluation->observation.change);
}

/* One more that is held; no requester fills the memory with what waits for people. */
static enum status
check_held(const struct gate *gate, const struct submission *submission) {
	size_t count = 0, bytes = submission->document.len + submission->payload.len;
	for (const struct held_operation *held =
		     operations_first_of(&gate->state->operations, submission->operation.principal);
	     held != nullptr; held = held->of_same) {
		if (held->of->state != OPERATION_HELD)
			continue;
		count++;
		bytes += held->arena.used;
	}
	if (count < gate->held_by_one_max && bytes <= gate->held_bytes_by_one_max)
		return OK;
	return fail(STATUS_RATE,
		    "operation.held_too_many: %zu operations of %.*s wait for approvals, at most %zu do and %zu bytes "
		    "of them",
		    count, BYTES_ARGS(submission->operation.principal), gate->held_by_one_max,
		    gate->held_bytes_by_one_max);
}

/* Which step it was of becomes part of the evidence; the code itself is nobody's business any more. */
static enum status
take_totp(struct gate *gate, struct submission *submission, int64_t now_ms) {
	int64_t step;
	struct bytes requester = submission->requester;
	if (submission->totp.len == 0)
		return OK;
	TRY(one_time_take(gate->state, submission->operation.principal, &submission->id, submission->totp, now_ms,
			  &step));
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
		return waits ? gate_bring_secret(gate, known, submission, now_ms, step) : OK;
	}
	const struct directory_key *key;
	TRY(check_times(gate, &submission->operation, now_ms));
	TRY(directory_acting_key(gate->state->directory, submission->key_id, &key));
	TRY(gate_check_key_in_order(key, submission->counter, now_ms));
	TRY(take_totp(gate, submission, now_ms));
	if (submission->nonce.len > 0 && !FAULT_SKIP_NONCE) {
		TRY(nonces_take(gate->state->nonces, submission->key_id, submission->nonce, submission->nonce_expires_s,
				now_ms));
		submission->nonce_taken = true;
	}
	struct evaluation *evaluation = ARENA_NEW(submission->arena, struct evaluation);
	TRY_ALLOC(evaluation);
	enum status status = gate_decide_and_record(gate, submission, key, nullptr, now_ms, evaluation, step);
	struct gate_operation *operation = nullptr;
	if (status == OK && step->state == OPERATION_HELD)
		status = check_possible(gate, evaluation);
	if (status == OK && step->state == OPERATION_HELD)
		status = check_held(gate, submission);
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
		status = keep(gate, operation, submission, evaluation);
	if (status == OK)
		status = personal_note(gate, &step->personal);
	if (status != OK) { /* nothing was done yet but deciding */
		operations_forget(&gate->state->operations, operation);
		gate_step_free(step);
		*step = (struct gate_step){};
		return status;
	}
	gate_settle_state(gate, operation, step->state);
	directory_set_counter(gate->state->directory, submission->key_id, submission->counter);
	return OK;
}
