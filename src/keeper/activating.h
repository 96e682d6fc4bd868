/*
 * Activations that wait for the worker: a bundle with invariants is decided on only when they are proved.
 *
 * A submission of policy.activate, or a vote on one that may be its last, whose bundle has invariants that nobody has proved yet in
 * this process, is set aside; the worker is asked (keeper/worker_link.h), and everything else is decided meanwhile. With the answer
 * the request is read and decided as if it had just come: proved, it goes its way, and what was proved stands among the facts that
 * the decision records; refuted, unknown, or without an answer, it is refused with the evidence, which is recorded. The result is kept
 * by the bundle's hash (gate/activation.h): what was proved is what is put into force, at submission and at the last vote.
 *
 * A proof can refuse an activation; it never stands in for an approval. Threads: the deciding one.
 */
#ifndef GATEHOUSE_KEEPER_ACTIVATING_H
#define GATEHOUSE_KEEPER_ACTIVATING_H

#include "keeper/job.h"

constexpr size_t ACTIVATING_MAX = 8; /* requests that are set aside */

/* *waits: the job is set aside and no longer the caller's. STATUS_UNAVAILABLE "bundle.busy". */
enum status activating_take(struct keeper *keeper, struct job *job, bool *waits);
/* Requests whose bundle is known by now are decided; others are asked for. Once a turn of the loop. */
void activating_turn(struct keeper *keeper);
size_t activating_outstanding(const struct keeper *keeper);
void activating_free(struct keeper *keeper);

#endif
