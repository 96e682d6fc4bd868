/*
 * Acts that no keeper can do alone: making a shared key, signing with one. Design: docs/PROTOCOL.threshold §16.
 *
 * Each keeper decides by itself, and where it permits writes an *intent*, its limits reserved; when that is durable the act is done
 * in a session with the others (keeper/threshold.h), and gate_conclude() yields the entry of the outcome. Before a keeper's share
 * leaves it decides once more, on what all signers have counted: joint_decide_again().
 *
 * Memory: what is made lives in the arena given. Threads: one. Errors: STATUS_DENIED "joint.denied"; "payload.*"; those of the
 * modules that are asked.
 */
#ifndef GATEHOUSE_GATE_JOINT_H
#define GATEHOUSE_GATE_JOINT_H

#include "gate/evaluate.h"
#include "gate/shared_keys.h"

/* Whether an operation takes other keepers. */
bool joint_is(const struct gate *gate, enum operation_kind_id kind, struct bytes resource_id, const json *payload);
/* Whether it asks a key for signatures. */
bool joint_signs(enum operation_kind_id kind);
/* The same of one that is held or unknown, by what is kept of it: none of it is read again. */
bool joint_is_signing(const struct gate_operation *operation);
/* Whether the operation deals a key's shares, and of which key. */
bool joint_dealt_key(const struct gate *gate, const struct submission *submission, struct bytes *key_id);
/* Whether a dealing of that key is intended and not ended. */
bool joint_is_being_dealt(const struct gate *gate, struct bytes key_id);
/* What can be known to fail before anything is intended. */
enum status joint_check(const struct gate *gate, const struct submission *submission,
			const struct evaluation *evaluation);

/* What is to be dealt: a key that is made, or one that is there in the next epoch. */
struct joint_key {
	struct key_info key; /* of a key that is generated: without public key */
	uint8_t party_count;
	char names[PARTIES_MAX][PARTY_NAME_MAX + 1];
	bool is_made;
	bool is_imported;       /* made of a key that was whole: its public key is in the record, */
	uint8_t chain_code[32]; /* and its chain code here; of a single one zeros */
	/* Dealt anew: how it is shared until then. A keeper that has no share of it knows that from the payload alone, which the
	 * holders compare with what they know. */
	struct sharing old;
	bool is_stated; /* in the payload, */
	enum key_state stated_state;
	bool comes_in; /* this keeper holds no share of that: it never did, or was left out since */
};
/* The key's record as the payload of key.reshare states it, for a keeper that does not have the key; null: it states none. */
enum status joint_stated_record(struct arena *arena, const struct submission *submission,
				const struct key_info **record);
enum status joint_read_key(const struct gate *gate, const struct submission *submission, int64_t now_ms,
			   struct joint_key *key);
/* Where a keeper comes in it is told in which state the key is: a holder stores a share only while that is so. Whatever comes afterwards
 * reaches it by gate/leaving.h. STATUS_CONFLICT "key.state". */
enum status joint_check_state(const struct gate *gate, const struct joint_key *wanted);
/* The act's result: record and sharing. */
enum status joint_key_result(const struct key_info *key, const struct sharing *sharing, struct buffer *result);

/* Observes and decides again, as the gate is now. OK where it is still permitted. */
enum status joint_decide_again(struct gate *gate, const struct gate_operation *operation, int64_t now_ms,
			       struct arena *arena, struct evaluation *evaluation);
/* What is recorded of it, and of what others had counted, in the arena: before anything changes. */
enum status joint_record_again(struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
			       struct bytes *again);
/* The signed result of such a decision, and the nonce that it signs, in the arena. */
enum status joint_sign_conclusion(struct arena *arena, const struct evaluation *evaluation,
				  const struct signature *signatures, struct conclusion *conclusion);
/* The same of a result that another keeper shows: verified, and made anew by the signatures in it. */
enum status joint_shown_conclusion(const struct gate *gate, struct arena *arena, const struct sharing *sharing,
				   const struct evaluation *evaluation, struct bytes shown,
				   struct conclusion *conclusion);
/* An intended operation as it was submitted, in the arena. */
enum status joint_submission(const struct gate_operation *operation, struct arena *arena,
			     struct submission *submission);

#endif
