/*
 * What each kind of operation does to the state: one row per kind (administration.c), beside model/operation_kind.c.
 *
 * A row has the facts that the kind adds for the policy and the change itself (gate/change.h); what its payload looks like is in
 * gate/payloads.h. Errors: those of the module that is changed; "payload.*".
 */
#ifndef GATEHOUSE_GATE_ADMINISTRATION_H
#define GATEHOUSE_GATE_ADMINISTRATION_H

#include "gate/change.h"

/* Facts named "change.*" and "price.*". What does not exist is left out. */
enum status change_facts(const struct gate_state *state, const struct change *change, struct facts *facts);
/* Whether it could be made as the state is now; nothing is changed. */
enum status change_check(const struct gate_state *state, const struct change *change);
/* Makes the change. OPERATION_SIGN changes nothing here: what it spends is applied by gate/restore.c and gate/gate.c. */
enum status change_apply(struct gate_state *state, const struct change *change);

/* The change that a kept operation would make; it borrows from the operation. */
enum status change_of_kept(const struct gate_operation *operation, int64_t now_ms, struct change *change);

#endif
