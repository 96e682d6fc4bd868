/*
 * The key that parts of other keys are sealed to when they come in (keys/threshold/import.h), and this keeper's part of such a key.
 *
 * It is made when it is first asked for, lives in memory only and dies with the process: what was sealed to it cannot be opened
 * later, by whoever gets at the keeper then. Owner: the gate. Threads: one. Errors: STATUS_UNAVAILABLE "import.no_key"; STATUS_INVALID
 * "payload.*", "secret.*"; STATUS_UNAUTHORIZED "secret.commitment", "import.part".
 */
#ifndef GATEHOUSE_GATE_IMPORT_KEY_H
#define GATEHOUSE_GATE_IMPORT_KEY_H

#include "crypto/kem.h"
#include "gate/joint.h"

struct import_key {
	uint8_t public_key[KEM_PUBLIC_SIZE];
	struct secret private_key;
};
void import_key_destroy(struct import_key **key); /* a cleanup function */

/* Makes it where there is none yet. Said in the log by its hash, for people to compare. */
enum status import_key_get(struct gate *gate, const struct import_key **key);

/* The secret is the one that the payload commits to: SHA-256(salt ‖ value). */
enum status import_check_secret(const json *payload, const json *secret, struct bytes *value);
/* This keeper's part, of the sealed ones that the secret holds in the order of the payload's parties. */
enum status import_open(const struct gate *gate, const struct joint_key *wanted, const json *payload,
			const json *secret, uint8_t part[SCALAR_SIZE]);

#endif
