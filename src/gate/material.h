/*
 * What an approver's own machine needs to decode an operation there: the raw documents, the assets that it touches, the key's
 * record and the public keys that its decoding asks for, and what the statement must name. None of it is trusted by the
 * approver's tool beyond this: a view built from forged material has another digest than the keeper's, and the vote is refused.
 *
 *   {"assets":[{"chain","contract","decimals","symbol"}],"bundle","completed_stage","derived":[{"path","public_key"}],"digest",
 *    "expires","key":{…},"missing":{…},"operation":{…},"operation_id","payload":{…},"stage","view_digest"}
 *
 * stage and completed_stage in every stage after the first.
 */
#ifndef GATEHOUSE_GATE_MATERIAL_H
#define GATEHOUSE_GATE_MATERIAL_H

#include "gate/gate.h"

/* Appended. STATUS_CONFLICT "operation.not_held" for an operation that is not waiting for approvals. */
enum status material_write(struct gate *gate, struct arena *arena, const struct gate_operation *operation,
			   struct buffer *to);

/* The view of a held operation (gate/view.h), appended: canonical JSON. Where what it depends on has changed since, its digest is
 * not the one that votes must name. */
enum status material_write_view(struct gate *gate, struct arena *arena, const struct held_operation *held,
				struct buffer *to);

#endif
