/*
 * Votes on held operations, and what the last one brings about (gate_vote(), gate_next_stage() in gate/gate.h); here what
 * submitting has in common with it.
 */
#ifndef GATEHOUSE_GATE_VOTING_H
#define GATEHOUSE_GATE_VOTING_H

#include "gate/gate.h"

/* What needs an order: a new passkey's waiting time, and an authenticator's counter, which tells of copies. */
enum status gate_check_key_in_order(const struct directory_key *key, uint32_t counter, int64_t now_ms);
/* A held import, and its secret again: decided now if all have approved, else answered as it stands. */
enum status gate_bring_secret(struct gate *gate, struct gate_operation *known, const struct submission *submission,
			      int64_t now_ms, struct gate_step *step);

#endif
