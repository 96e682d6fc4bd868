/*
 * A key that comes in as parts: who has it whole splits it into as many numbers as there are keepers, which add up to it
 * (ecdsa_split_private_key()), and seals each to its keeper's import key. The keepers then deal them (ecdsa/dealing.h).
 *
 * A sealed part says by its associated data which key of which installation it is of and whose, so that none stands for another's.
 * Memory: plain values; a part is the caller's to wipe. Errors: STATUS_UNAUTHORIZED "import.part", and those of kem.h.
 * Format: docs/PROTOCOL.threshold §11.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_IMPORT_H
#define GATEHOUSE_KEYS_THRESHOLD_IMPORT_H

#include "crypto/aead.h"
#include "crypto/kem.h"
#include "keys/threshold/scalar.h"

constexpr size_t IMPORT_PART_SIZE = KEM_CIPHERTEXT_SIZE + SCALAR_SIZE + AEAD_OVERHEAD;

struct import_terms {
	struct bytes instance;
	struct bytes key_id;
	struct bytes public_key; /* compressed */
	struct bytes chain_code; /* 32 bytes; of a single key zeros */
	struct bytes keeper;     /* its name */
};

/* import_key: crypto/kem.h, the keeper's public one. */
enum status import_seal_part(const struct import_terms *terms, struct bytes import_key, const uint8_t part[SCALAR_SIZE],
			     uint8_t sealed[IMPORT_PART_SIZE]);
enum status import_open_part(const struct import_terms *terms, struct bytes private_key,
			     const uint8_t sealed[IMPORT_PART_SIZE], uint8_t part[SCALAR_SIZE]);

#endif
