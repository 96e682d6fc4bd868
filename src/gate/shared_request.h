/*
 * What a shared key is asked to sign: whether its scheme makes such signatures, and which public key they hold under.
 *
 * ECDSA signs digests, at a path below the key where it has one; Ed25519 whole messages; BIP-340 digests, by the key as it is or as a
 * Taproot output's (BIP-341, tweaked by a merkle root or by none). Plain values. Threads: any. Errors: STATUS_UNSUPPORTED
 * "key.scheme"; STATUS_CONFLICT "key.expected_public_key"; STATUS_DENIED "key.path"; "taproot.merkle_root"; STATUS_UNAUTHORIZED where a
 * signature does not hold.
 */
#ifndef GATEHOUSE_GATE_SHARED_REQUEST_H
#define GATEHOUSE_GATE_SHARED_REQUEST_H

#include "gate/shared_keys.h"

/* OK where the scheme answers the request, with the public key that is expected. */
enum status shared_request_check(const struct gate_state *state, const struct sharing *sharing,
				 const struct signing_request *request);
/* What is signed: Ed25519's message, or else the digest. */
struct bytes shared_request_message(const struct signing_request *request);
/* Whether that answers a request which was checked; with ECDSA the recovery id as well, which is part of what Ethereum takes. */
enum status shared_request_verify(const struct gate_state *state, const struct sharing *sharing,
				  const struct signing_request *request, const uint8_t signature[64], int recovery);
#endif
