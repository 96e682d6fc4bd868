/*
 * Votes on held operations, and what the last one brings about (gate_vote(), gate_next_stage() in gate/gate.h); here what
 * submitting has in common with it.
 */
#ifndef GATEHOUSE_GATE_VOTING_H
#define GATEHOUSE_GATE_VOTING_H

#include "gate/gate.h"

/* What needs an order: a new passkey's waiting time, and an authenticator's counter, which tells of copies. */
enum status gate_check_key_in_order(const struct directory_key *key, uint32_t counter, int64_t now_ms);
/* That this vote, which is signed, may be cast on an operation that is held; whose key signed it. */
enum status gate_check_vote(struct gate *gate, const struct gate_operation *operation,
			    const struct vote_submission *vote, int64_t now_ms, const struct directory_key **key);
/* Whether a rejection by this key ends the operation: whoever is asked for their vote ends it; whoever is not objects, and it stays held.
 * Of the votes before this one. What cannot be decided now is ended: an error, and true, but for those after which nothing goes on. */
enum status gate_rejection_ends(struct gate *gate, const struct gate_operation *operation,
				const struct vote_submission *vote, const struct directory_key *key, int64_t now_ms,
				bool *ends);
/* What is shown of an operation that was restored as held: approvers' statements name its digest. */
enum status gate_restore_view(struct gate *gate, struct held_operation *held);
/* A held import, and its secret again: decided now if all have approved, else answered as it stands. */
enum status gate_bring_secret(struct gate *gate, struct gate_operation *known, const struct submission *submission,
			      int64_t now_ms, struct gate_step *step);

#endif
