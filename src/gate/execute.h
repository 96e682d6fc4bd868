/*
 * The act: what a permitted operation does. One row per kind that does more than change the state (execute.c).
 */
#ifndef GATEHOUSE_GATE_EXECUTE_H
#define GATEHOUSE_GATE_EXECUTE_H

#include "gate/evaluate.h"

/* Does an inward act and yields its result as canonical JSON in the arena: signatures, a new key's record, or {}. Nothing that
 * it yields may leave before the entry is durable. An error is the operation's outcome: it failed and nothing was released. */
enum status gate_execute(struct gate *gate, struct arena *arena, const struct submission *submission,
			 const struct evaluation *evaluation, struct bytes *result);

#endif
