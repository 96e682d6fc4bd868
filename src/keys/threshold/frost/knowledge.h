/*
 * Proof that a party of a session knows the logarithm of an element, in the group of a FROST suite: Schnorr's, bound to session
 * and prover. Its challenge is H1 of the suite (RFC 9591) over the session's hash of prover, statement and nonce.
 *
 * A proof is the nonce, element_size bytes, and a scalar. Constant time in the secret. Threads: any. Errors: STATUS_UNAUTHORIZED
 * "frost_knowledge.proof". Sources: Schnorr 1991 with Fiat and Shamir's transformation; docs/PROTOCOL.threshold §17.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_KNOWLEDGE_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_KNOWLEDGE_H

#include "keys/threshold/frost/suite.h"
#include "keys/threshold/session.h"

constexpr size_t FROST_PROOF_MAX = sizeof(struct frost_element) + sizeof(struct frost_scalar);

enum status frost_knowledge_prove(const struct frost_suite *suite, const struct protocol_session *session,
				  uint8_t prover, const struct frost_scalar *secret,
				  const struct frost_element *statement, const struct randomness *randomness,
				  uint8_t proof[FROST_PROOF_MAX]);
enum status frost_knowledge_verify(const struct frost_suite *suite, const struct protocol_session *session,
				   uint8_t prover, const struct frost_element *statement, const uint8_t *proof);

#endif
