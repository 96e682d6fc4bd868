/*
 * The entities JSON of requests that come again and again: who, which action, on what. A workload asks for thousands of
 * signatures by one key, and what these three can reach changes only when an operation changes it.
 *
 * A small cache of texts by their request. Who changes an entity clears it (gate_apply_change()), so that a text never
 * outlives what it says. Owner: the gate; texts are copied out. Threads: one.
 */
#ifndef GATEHOUSE_GATE_ENTITIES_TEXT_H
#define GATEHOUSE_GATE_ENTITIES_TEXT_H

#include "gate/entities.h"

constexpr size_t ENTITIES_TEXT_SLOTS = 32;

struct entities_text {
	struct {
		struct buffer request, text; /* an empty request: free */
	} slots[ENTITIES_TEXT_SLOTS];
};

/* entities_write_reachable(), the text in the arena. */
enum status entities_text_of(struct entities_text *cache, const struct policy_entities *entities,
			     const struct entity_uid *from, size_t count, struct arena *arena, struct bytes *text);
void entities_text_clear(struct entities_text *cache);

#endif
