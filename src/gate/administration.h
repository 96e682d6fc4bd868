/*
 * What each kind of operation does to the state: one row per kind (administration.c), beside model/operation_kind.c.
 *
 * A row has the payload's members, the facts that the kind adds for the policy, and the change itself. A change checks
 * everything before it changes anything; it runs when the operation is permitted and again, from the recorded entry, when the
 * log is read at start. Payloads: docs/operations.md. Errors: those of the module that is changed; "payload.*".
 */
#ifndef GATEHOUSE_GATE_ADMINISTRATION_H
#define GATEHOUSE_GATE_ADMINISTRATION_H

#include "gate/state.h"
#include "model/facts.h"
#include "model/operation_kind.h"

constexpr size_t ENTITY_GROUPS_MAX = 64; /* that one person is in */

struct change {
	enum operation_kind_id kind;
	const struct operation *operation;
	enum resource_type resource_type;
	struct bytes resource_id;
	const json *payload;
	const json *result; /* what the act yielded, as recorded: a key's record; null where there is none */
	int64_t now_ms;
};

/* Form of the payload: its members and their types, nothing unknown. */
enum status change_check_payload(enum operation_kind_id kind, const json *payload);
/* Facts named "change.*" and "price.*". What does not exist is left out. */
enum status change_facts(const struct gate_state *state, const struct change *change, struct facts *facts);
/* Makes the change. OPERATION_SIGN changes nothing here: what it spends is applied by gate/restore.c and gate/gate.c. */
enum status change_apply(struct gate_state *state, const struct change *change);

/* The change that a kept operation would make; it borrows from the operation. */
enum status change_of_kept(const struct gate_operation *operation, int64_t now_ms, struct change *change);

/* A key in the state, from its record; its blob is read from secrets where there is a ring. */
enum status change_add_key(struct gate_state *state, const json *record);
/* One that is shared, with the sharing that its record is of. */
enum status change_add_shared_key(struct gate_state *state, const json *record, const json *sharing);

#endif
