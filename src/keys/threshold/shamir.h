/*
 * Shamir's secret sharing modulo the order of secp256k1, with Feldman's commitments.
 *
 * A polynomial of threshold coefficients; a party's share is its value at the party's index; the secret is its value at
 * zero. Commitments are the coefficients times the generator. A proof of knowledge is Schnorr's, of the constant term.
 * Memory: plain values; the caller wipes polynomials and shares. Threads: any.
 * Sources: Shamir 1979; Feldman 1987; Schnorr 1991 with Fiat and Shamir's transformation.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_SHAMIR_H
#define GATEHOUSE_KEYS_THRESHOLD_SHAMIR_H

#include "keys/threshold/point.h"
#include "keys/threshold/session.h"

struct polynomial {
	uint8_t threshold; /* number of coefficients */
	struct scalar coefficients[PARTIES_MAX];
};

/* Random, with the given constant term. */
void polynomial_create(struct polynomial *polynomial, const struct scalar *constant, uint8_t threshold,
		       const struct randomness *randomness);
struct scalar polynomial_evaluate(const struct polynomial *polynomial, uint8_t index);
/* points holds threshold. "point.zero_scalar" where a coefficient is zero, which is not to be expected. */
enum status polynomial_commit(const struct polynomial *polynomial, struct point *points);
/* The share at index times the generator, from the commitments. */
enum status polynomial_commitment_at(const struct point *points, uint8_t threshold, uint8_t index,
				     struct point *public_share);
/* What the party's share is multiplied with so that the shares of the set add up to the secret. */
struct scalar lagrange_coefficient(const struct party_set *set, uint8_t index);

/* Proof that the prover, a party of the session, knows secret = log(statement). */
struct knowledge_proof {
	uint8_t nonce[POINT_SIZE];
	uint8_t response[SCALAR_SIZE];
};
enum status knowledge_prove(const struct protocol_session *session, uint8_t prover, const struct scalar *secret,
			    const struct point *statement, const struct randomness *randomness,
			    struct knowledge_proof *proof);
/* Errors: STATUS_UNAUTHORIZED "knowledge.proof". */
enum status knowledge_verify(const struct protocol_session *session, uint8_t prover, const struct point *statement,
			     const struct knowledge_proof *proof);

#endif
