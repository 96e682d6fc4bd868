/*
 * Deciding one operation and recording it, which a submission and a last vote do alike: guards observe, policy decides, a
 * permitted act is done or intended, and all of it becomes one entry of a step.
 *
 * Threads: the gate's. Errors: those of gate_submit(); after those of which gate_is_broken() the state may hold what no entry says,
 * and the process ends.
 */
#ifndef GATEHOUSE_GATE_DECIDING_H
#define GATEHOUSE_GATE_DECIDING_H

#include "gate/evaluate.h"
#include "gate/gate.h"

/* The state holds the consequences already; the caller makes the step's entries durable or ends. */
enum status gate_decide_and_record(struct gate *gate, const struct submission *submission,
				   const struct directory_key *key, const struct votes *votes, int64_t now_ms,
				   struct evaluation *evaluation, struct gate_step *step);
/* The standing votes as a record lists them, in the arena; null or none: nothing. */
enum status gate_write_votes(struct arena *arena, const struct votes *votes, struct bytes *text);
bool gate_is_broken(enum status status);

void gate_attach_openings(const struct personal_record *personal, struct gate_entry *entry);
/* The entry that says that a person's values are erased. */
enum status gate_write_erased(const struct gate *gate, struct bytes subject, const struct hash256 *operation,
			      int64_t now_ms, struct gate_step *step);

/* A copy in the arena. */
enum status gate_keep_bytes(struct arena *arena, struct bytes from, struct bytes *kept);
void gate_settle_state(struct gate *gate, struct gate_operation *operation, enum operation_state state);

#endif
