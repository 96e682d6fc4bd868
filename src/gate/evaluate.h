/*
 * Observe and decide: the guards' facts, the policy's decision on them, and, where more approvals would permit, which.
 * Everything that it yields lives in the arena and goes into the decision's record as it is.
 */
#ifndef GATEHOUSE_GATE_EVALUATE_H
#define GATEHOUSE_GATE_EVALUATE_H

#include "gate/gate.h"
#include "gate/guards.h"

/* Where a wallet's questions about our key are answered from. */
struct wallet_source {
	const struct gate_state *state; /* without keys: nothing can be derived of whole ones */
	const struct key_info *key;
	struct known_point *points; /* of the gate */
};
/* source must outlive key. STATUS_UNSUPPORTED "key.algorithm" for a key that signs no transactions. */
enum status wallet_key_of(struct wallet_source *source, struct wallet_key *key);

/* The transaction of a payload, decoded for one of our keys. */
enum status gate_decode_transaction(struct gate *gate, struct arena *arena, const json *payload, struct bytes key,
				    int64_t now_ms, struct wallet_transaction **transaction);

struct evaluation {
	struct facts *facts;
	struct observation observation;
	struct wallet_transaction *transaction; /* OPERATION_SIGN */
	/* What is to be signed, by a key of which purpose: of a transaction, or an opaque digest. */
	const struct signing_request *requests;
	size_t request_count;
	enum key_purpose use;
	enum decision decision;
	struct policy_result result;
	struct bytes missing; /* canonical JSON, held only */
};

/* Of a policy.activate: whether any facts could make the policy in force permit it to this principal. */
enum status gate_may_activate(const struct gate *gate, struct arena *arena, const struct principal *principal,
			      const struct submission *submission, bool *may);

/* votes may be null. Errors are refusals: a payload that does not decode, a key that is not there. */
enum status gate_evaluate(struct gate *gate, struct arena *arena, const struct submission *submission,
			  const struct directory_key *key, const struct votes *votes, int64_t now_ms,
			  struct evaluation *evaluation);

/* The facts alone, without those of what is to be signed: where nobody knows the keys that are derived of its key. */
enum status gate_observe_undecoded(struct gate *gate, struct arena *arena, const struct submission *submission,
				   const struct directory_key *key, const struct votes *votes, int64_t now_ms,
				   struct evaluation *evaluation);

/* Of the resource, or else of the requester; empty: of none. */
struct bytes evaluation_legal_entity(const struct gate *gate, const struct evaluation *evaluation);

/* Whether those who decide on it are asked for a vote of this seat by this key: its person is in a group, now, of which what is left of the
 * policies speaks, in whatever alternative or stage; or what is missing can be given without one more vote of a group, and the key's
 * vote brings that further. */
enum status gate_is_asked(const struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
			  const struct principal *seat, const struct directory_key *key, bool *is_asked);

/* Fills what the evaluation says into the record; documents and outcome are the caller's. */
enum status evaluation_record(struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
			      struct decision_record *record);

#endif
