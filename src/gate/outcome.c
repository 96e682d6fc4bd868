#include <stdio.h>

#include "base/log.h"
#include "gate/administration.h"
#include "gate/deciding.h"
#include "gate/joint.h"

void
gate_settle(struct gate *gate, struct gate_step *step, uint64_t entry) {
	step->operation->entry = entry;
	/* Else the next step, which has brought about another state, is still to come. */
	if (step->state == step->operation->state)
		step->operation->is_settling = false;
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
	if (conclusion->again.len > 0)
		TRY(record_write_again(&writer, conclusion->again, &gate->blobs));
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
						: gate_state_note_nonce(gate->state, change.resource_id,
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
		if (gate_is_broken(status))
			return status;
		if (status != OK) { /* another operation made the same key meanwhile */
			snprintf(error, sizeof error, "%s", fail_message());
			conclusion =
				(struct conclusion){.outcome = OUTCOME_FAILED, .error = error, .again = given->again};
		}
	}
	if (conclusion.outcome == OUTCOME_DONE)
		gate_state_note_signed(gate->state, &operation->id, now_ms);
	if (conclusion.outcome == OUTCOME_FAILED && conclusion.gives_back)
		conclusion.gives_back = limits_release(gate->state->limits, operation->id.bytes) == OK;
	if (limits_holds(gate->state->limits, operation->id.bytes))
		counted_forget(&gate->state->counted, operation->id.bytes);
	step->state = conclusion.outcome == OUTCOME_DONE ? OPERATION_DONE : OPERATION_FAILED;
	step->destroys = conclusion.outcome == OUTCOME_DONE && conclusion.redeals;
	TRY(write_outcome(gate, operation, &conclusion, now_ms, step));
	gate_settle_state(gate, operation, step->state);
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
		TRY(gate_write_erased(gate, operation->held->operation.resource, &operation->id, now_ms, step));
	struct conclusion conclusion = {.outcome = status == OK ? OUTCOME_DONE : OUTCOME_FAILED,
					.error = status == OK ? "" : fail_message()};
	TRY(write_outcome(gate, operation, &conclusion, now_ms, step));
	gate_settle_state(gate, operation, step->state);
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

static bool
is_over(const struct gate_operation *operation, int64_t now_ms) {
	return operation->state == OPERATION_HELD && operation->entry != UINT64_MAX && operation->expires_ms <= now_ms;
}

/* It goes on from the last one, so that those which end together take one pass over what is kept and not each its own. What the removal of
 * others hides from that pass the second one meets, from the beginning. */
static struct gate_operation *
find_over(struct gate *gate, int64_t now_ms) {
	void *value;
	for (int pass = 0; pass < 2; pass++) {
		while (map_next(&gate->state->operations.kept, &gate->over_at, nullptr, &value))
			if (is_over(value, now_ms))
				return value;
		gate->over_at = 0;
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
	gate_settle_state(gate, operation, OPERATION_EXPIRED);
	return OK;
}
