/*
 * The act: what a permitted operation does. One row per kind that does more than change the state (execute.c).
 */
#ifndef GATEHOUSE_GATE_EXECUTE_H
#define GATEHOUSE_GATE_EXECUTE_H

#include "gate/evaluate.h"

/* Does an inward act and yields its result as canonical JSON in the arena: signatures, a new key's record, or {}. Nothing that
 * it yields may leave before the entry is durable. An error is the operation's outcome: it failed, and nothing was
 * released. What several keepers do together ends elsewhere (gate/joint.h). */
enum status gate_execute(struct gate *gate, struct arena *arena, const struct submission *submission,
			 const struct evaluation *evaluation, struct bytes *result);

/* Whatever uses a key counts by its account: "key.account" where there is none of this id. */
enum status gate_check_account(const struct gate *gate, struct bytes account);
/* The attributes of a key to be made, from the payload of key.create; account is the operation's resource. */
enum status gate_read_key_attributes(const struct gate *gate, const json *payload, struct bytes account, int64_t now_ms,
				     struct key_info *key);
/* The same of key.rotate: a fresh key with the attributes of the one that is rotated. */
enum status gate_read_successor(const json *payload, const struct key_info *rotated, int64_t now_ms,
				struct key_info *key);
/* The results of making a key, and of signing a transaction, in the arena. */
enum status gate_write_key(struct arena *arena, const struct key_info *key, struct bytes *result);
enum status gate_write_signed(struct arena *arena, const struct wallet_result *assembled, struct bytes *result);
/* The result of signing, in the arena; signatures answer the evaluation's requests one by one. */
enum status gate_assemble(struct arena *arena, const struct evaluation *evaluation, const struct signature *signatures,
			  struct bytes *result);

#endif
