/*
 * The key of a witness: one name, an Ed25519 and an ML-DSA-44 key, in a file that only its owner reads.
 *
 *   gatehouse/witness-key/v1
 *   <name>
 *   <base64 of the Ed25519 seed>
 *   <base64 of the ML-DSA-44 seed>
 *
 * Owner: witness_key_load() creates, witness_key_free() wipes and frees. Errors: STATUS_INVALID "witness_key.*";
 * STATUS_DENIED "witness_key.mode" where others may read the file; STATUS_CONFLICT "witness_key.exists".
 */
#ifndef GATEHOUSE_HELPERS_WITNESS_KEY_H
#define GATEHOUSE_HELPERS_WITNESS_KEY_H

#include "base/secret.h"
#include "ledger/cosignature.h"

struct witness_key {
	struct secret ed25519_seed;
	struct mldsa44_private *mldsa44;
	struct cosigner cosigner; /* borrows both */
};

enum status witness_key_create(const char *path, struct bytes name);
enum status witness_key_load(const char *path, struct witness_key *key);
void witness_key_free(struct witness_key *key); /* a cleanup function */

#endif
