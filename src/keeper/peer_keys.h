/*
 * The keys by which the other keepers know this one: an Ed25519 key, and the ML-DSA-65 key of its peer certificate.
 *
 * They are made once, when they are first needed, and lie in secrets.db under the root key: row "peer"/"keys", sealed, the two
 * seeds and the certificate. The Ed25519 seed is used where it lies, in memfd_secret memory. Owner: the caller.
 * Errors: STATUS_CORRUPT "peer_keys.form"; those of secrets.db, of the root key and of the sealing.
 */
#ifndef GATEHOUSE_KEEPER_PEER_KEYS_H
#define GATEHOUSE_KEEPER_PEER_KEYS_H

#include "crypto/pinned_tls.h"
#include "keeper/installation.h"

struct peer_keys {
	struct secret_region *region;
	uint8_t *seed; /* Ed25519 */
	uint8_t key[ED25519_PUBLIC_SIZE];
	struct pinned_identity *identity;
};

enum status peer_keys_open(struct installation *installation, struct peer_keys *keys);
void peer_keys_close(struct peer_keys *keys); /* a cleanup function */

/* The keeper's name: what stands after "instance/" in the log's origin. */
const char *installation_keeper_name(const struct installation *installation);

#endif
