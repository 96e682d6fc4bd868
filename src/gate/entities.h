/*
 * The policy's entities, resident: what the state knows, as Cedar sees it (docs/facts.md, "Entities").
 *
 *   Person::"p-…"      in Desk, Group…      attrs suspended
 *   Workload::"bot"    in Desk              attrs suspended
 *   Key::"eth-hot-1"   in Account           attrs algorithm, purpose, state
 *   Account in Desk in LegalEntity; Group; List (attrs kind); Asset (attrs chain, symbol); Action in Action group
 *
 * They follow the state: entities_follow() after each change puts what that change touched. A decision's entry records the
 * entities that it could reach, so that replay needs nothing else.
 */
#ifndef GATEHOUSE_GATE_ENTITIES_H
#define GATEHOUSE_GATE_ENTITIES_H

#include "gate/change.h"
#include "policy/entities.h"

/* Actions and their groups; nothing else yet. */
enum status entities_create(struct policy_entities **entities);
/* Puts what the change touched, and seals; *touched is false if it was nothing. The change has been applied to the state. */
enum status entities_follow(struct policy_entities *entities, const struct gate_state *state,
			    const struct change *change, bool *touched);

/* Whoever entered a group after from_ms and until now_ms is put anew, and *touched says whether anybody was. */
enum status entities_follow_time(struct policy_entities *entities, const struct gate_state *state, int64_t from_ms,
				 int64_t now_ms, bool *touched);

/* All that the state knows, into entities that know nothing yet: what following every change would have put. */
enum status entities_load(struct policy_entities *entities, const struct gate_state *state);

struct entity_uid entity_of_principal(const struct principal *principal);
struct entity_uid entity_of_action(enum operation_kind_id kind);
struct entity_uid entity_of_resource(enum resource_type type, struct bytes id);

/* The request's entities and all that they are in, as Cedar's entities JSON: an array, by type and id. */
enum status entities_write_reachable(const struct policy_entities *entities, const struct entity_uid *from,
				     size_t count, struct arena *scratch, struct json_writer *writer);

#endif
