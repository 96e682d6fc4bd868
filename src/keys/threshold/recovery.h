/*
 * A shared key's shares in escrow (escrow.h), and the whole key from as many of them as sign. What an escrow is of is in its context:
 * instance, key, epoch and holder, so that none stands for another's. docs/PROTOCOL.threshold §15.
 *
 * Memory: the private key is secret and the caller's. Errors: those of escrow.h; STATUS_INVALID "recovery.escrows".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_RECOVERY_H
#define GATEHOUSE_KEYS_THRESHOLD_RECOVERY_H

#include "keys/threshold/sharing.h"

/* number: the holder's share. recovery_key: crypto/kem.h, the public key. The escrow is appended. */
enum status recovery_escrow(const struct sharing *sharing, uint8_t holder, const struct frost_scalar *number,
			    struct bytes instance, struct bytes recovery_key, struct buffer *escrow);
/* By anyone: the recovery key's holder will get that holder's share from it. */
enum status recovery_check(const struct sharing *sharing, uint8_t holder, struct bytes instance,
			   struct bytes recovery_key, struct bytes escrow);
/* The key from escrows of different holders; holders[i] is whose escrows[i] is. It is compared with the public key: 32 bytes, a
 * number of the scheme's group (of Ed25519 the scalar itself, which no seed gives). */
enum status recovery_join(const struct sharing *sharing, struct bytes instance, struct bytes recovery_private_key,
			  const uint8_t *holders, const struct bytes *escrows, size_t count,
			  struct secret *private_key);

#endif
