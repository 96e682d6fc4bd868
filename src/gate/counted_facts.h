/*
 * Whether recorded facts of limits count what other keepers had told, as an outcome lists it: for replay.
 *
 * Memory: the arena's. Errors: "spend.*", "counted.full".
 */
#ifndef GATEHOUSE_GATE_COUNTED_FACTS_H
#define GATEHOUSE_GATE_COUNTED_FACTS_H

#include "gate/record.h"

/* *difference: the fact that says less than the record's spend and what the others counted beside it; null: none does. */
enum status counted_facts_hold(struct arena *arena, const struct decision_record *record, const json *others,
			       const struct facts *facts, const char **difference);

#endif
