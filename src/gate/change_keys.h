/*
 * Keys in the decision state: their records, life cycle and sharing. Where there is a ring it holds them; a process without
 * secrets knows their records alone. The errors are those of keys/software/keyring.h and gate/shared_keys.h, STATUS_CONFLICT
 * "key.exists", "key.epoch", STATUS_NOT_FOUND "key.unknown", and "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_KEYS_H
#define GATEHOUSE_GATE_CHANGE_KEYS_H

#include "gate/change.h"

/* A key in the state, from its record; its blob is read from secrets where there is a ring. */
enum status change_add_key(struct gate_state *state, const json *record);
/* One that is shared, with the sharing that its record is of, so since then: both are added, or neither. */
enum status change_add_shared_key(struct gate_state *state, const json *record, const json *sharing, int64_t dealt_ms);

change_effect change_key_create; /* or imported */
change_effect change_key_freeze, change_key_unfreeze, change_key_destroy, change_key_rotate;
/* What was dealt anew: the same key, in force from now on with the shares of its next epoch. */
change_effect change_key_redeal;

change_facts_of facts_of_key;
/* Which digest, and at which path. */
change_facts_of facts_of_digest_sign;
/* Which recovery key, so that a policy can name it. */
change_facts_of facts_of_key_backup;

change_check_of can_key_create;
change_check_of can_key_unfreeze;
change_check_of can_key_rotate;
change_check_of can_key_destroy;

#endif
