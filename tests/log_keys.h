/* Keys of a log and of its witness, made from seeds. Include after tests/test.h; the ML-DSA keys are the caller's to destroy. */
#ifndef GATEHOUSE_TESTS_LOG_KEYS_H
#define GATEHOUSE_TESTS_LOG_KEYS_H

#include "ledger/cosignature.h"
#include "ledger/head.h"

static inline void
log_keys_make(const uint8_t seed[32], const char *origin, struct mldsa44_private **mldsa44, struct head_keys *keys) {
	uint8_t ed25519_public[32], mldsa44_public[MLDSA44_PUBLIC_SIZE];
	assert_ok(ed25519_public_key(seed, ed25519_public));
	assert_ok(mldsa44_private_create(mldsa44, seed));
	mldsa44_private_public_key(*mldsa44, mldsa44_public);
	assert_ok(head_keys_make(bytes_of_text(origin), ed25519_public, mldsa44_public, keys));
}

/* It keeps the seed, and the key. */
static inline void
log_witness_make(const uint8_t seed[32], struct mldsa44_private **mldsa44, struct cosigner *witness) {
	static const struct bytes name = {(const uint8_t *)"witness.example/w1", 18};
	uint8_t ed25519_public[32], mldsa44_public[MLDSA44_PUBLIC_SIZE];
	assert_ok(ed25519_public_key(seed, ed25519_public));
	assert_ok(mldsa44_private_create(mldsa44, seed));
	mldsa44_private_public_key(*mldsa44, mldsa44_public);
	assert_ok(note_key_make(name, NOTE_COSIGNATURE_ED25519, BYTES_OF_ARRAY(ed25519_public), &witness->ed25519));
	assert_ok(note_key_make(name, NOTE_COSIGNATURE_MLDSA44, BYTES_OF_ARRAY(mldsa44_public), &witness->mldsa44));
	witness->ed25519_seed = seed;
	witness->mldsa44_private = *mldsa44;
}

#endif
