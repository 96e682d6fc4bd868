#include "keys/threshold/shamir.h"

#include "base/secret.h"
#include "crypto/declassify.h"

void
polynomial_create(struct polynomial *polynomial, const struct scalar *constant, uint8_t threshold,
		  const struct randomness *randomness) {
	*polynomial = (struct polynomial){.threshold = threshold, .coefficients = {*constant}};
	for (size_t i = 1; i < threshold; i++)
		polynomial->coefficients[i] = scalar_random(randomness);
}

struct scalar
polynomial_evaluate(const struct polynomial *polynomial, uint8_t index) {
	struct scalar at = scalar_of(index), value = {};
	for (size_t i = polynomial->threshold; i-- > 0;) {
		value = scalar_multiply(&value, &at);
		value = scalar_add(&value, &polynomial->coefficients[i]);
	}
	return value;
}

enum status
polynomial_commit(const struct polynomial *polynomial, struct point *points) {
	for (size_t i = 0; i < polynomial->threshold; i++) {
		TRY(point_of_secret(&polynomial->coefficients[i], &points[i]));
		declassify(&points[i], sizeof points[i]); /* it is published */
	}
	return OK;
}

enum status
polynomial_commitment_at(const struct point *points, uint8_t threshold, uint8_t index, struct point *public_share) {
	struct point terms[PARTIES_MAX];
	struct scalar at = scalar_of(index), power = at;
	terms[0] = points[0];
	for (size_t i = 1; i < threshold; i++) {
		TRY(point_multiply_public(&points[i], &power, &terms[i]));
		power = scalar_multiply(&power, &at);
	}
	return point_sum(terms, threshold, public_share);
}

struct scalar
lagrange_coefficient(const struct party_set *set, uint8_t index) {
	struct scalar numerator = scalar_of(1), denominator = scalar_of(1), own = scalar_of(index);
	for (size_t i = 0; i < set->count; i++) {
		if (set->parties[i].index == index)
			continue;
		struct scalar other = scalar_of(set->parties[i].index), difference = scalar_subtract(&other, &own);
		numerator = scalar_multiply(&numerator, &other);
		denominator = scalar_multiply(&denominator, &difference);
	}
	denominator = scalar_invert(&denominator);
	return scalar_multiply(&numerator, &denominator);
}

static struct scalar
challenge(const struct protocol_session *session, uint8_t prover, const struct point *statement,
	  const uint8_t nonce[33]) {
	uint8_t encoded[POINT_SIZE];
	point_write(statement, encoded);
	struct hash256 hash = SESSION_HASH(session, "gatehouse/threshold/knowledge/v1", bytes_of(&prover, 1),
					   BYTES_OF_ARRAY(encoded), bytes_of(nonce, POINT_SIZE));
	return scalar_reduce(hash.bytes);
}

enum status
knowledge_prove(const struct protocol_session *session, uint8_t prover, const struct scalar *secret,
		const struct point *statement, const struct randomness *randomness, struct knowledge_proof *proof) {
	struct scalar nonce = scalar_random(randomness);
	struct point point;
	enum status status = point_of_secret(&nonce, &point);
	if (status == OK) {
		declassify(&point, sizeof point);
		point_write(&point, proof->nonce);
		struct scalar product = challenge(session, prover, statement, proof->nonce);
		product = scalar_multiply(&product, secret);
		product = scalar_add(&product, &nonce);
		scalar_write(&product, proof->response);
		declassify(proof->response, sizeof proof->response);
	}
	secret_wipe(&nonce, sizeof nonce);
	return status;
}

enum status
knowledge_verify(const struct protocol_session *session, uint8_t prover, const struct point *statement,
		 const struct knowledge_proof *proof) {
	struct scalar response, product = challenge(session, prover, statement, proof->nonce);
	struct point nonce, left, right;
	if (scalar_read(proof->response, &response) != OK || point_read(proof->nonce, &nonce) != OK ||
	    point_of_secret(&response, &left) != OK || point_multiply_public(statement, &product, &right) != OK ||
	    point_add(&right, &nonce, &right) != OK || !point_equal(&left, &right))
		return fail(STATUS_UNAUTHORIZED, "knowledge.proof: of party %u does not hold", prover);
	return OK;
}
