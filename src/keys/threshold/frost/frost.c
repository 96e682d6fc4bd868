#include "keys/threshold/frost/frost.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/declassify.h"

/* --- Round one --- */

static struct frost_scalar
make_nonce(const struct frost_suite *suite, const struct frost_scalar *share, const struct randomness *randomness) {
	uint8_t random[32];
	randomness_fill(randomness, random, sizeof random);
	const struct bytes parts[] = {BYTES_OF_ARRAY(random), BYTES_OF_ARRAY(share->bytes)};
	const struct frost_scalar nonce = suite->nonce(parts, ARRAY_LENGTH(parts));
	secret_wipe(random, sizeof random);
	return nonce;
}

enum status
frost_commit(const struct frost_suite *suite, uint16_t identifier, const struct frost_scalar *share,
	     const struct randomness *randomness, struct frost_nonces *nonces) {
	*nonces = (struct frost_nonces){.commitment = {.identifier = identifier}};
	nonces->hiding = make_nonce(suite, share, randomness);
	nonces->binding = make_nonce(suite, share, randomness);
	TRY(suite->element_of(&nonces->hiding, &nonces->commitment.hiding));
	return suite->element_of(&nonces->binding, &nonces->commitment.binding);
}

enum status
frost_commitment_read(const struct frost_suite *suite, uint16_t identifier, const uint8_t *hiding,
		      const uint8_t *binding, struct frost_commitment *commitment) {
	commitment->identifier = identifier;
	TRY(suite->element_read(hiding, &commitment->hiding));
	commitment->binding = (struct frost_element){};
	memcpy(commitment->binding.bytes, binding, suite->element_size);
	return OK;
}

/* --- What is signed --- */

static int
compare_identifiers(const void *a, const void *b) {
	const struct frost_commitment *left = a, *right = b;
	return (left->identifier > right->identifier) - (left->identifier < right->identifier);
}

static enum status
take_commitments(struct frost_signing *signing, const struct frost_commitment *commitments, size_t count) {
	if (count == 0 || count > FROST_PARTICIPANTS_MAX)
		return fail(STATUS_INVALID, "frost.count: %zu signers; 1 to %zu", count, FROST_PARTICIPANTS_MAX);
	memcpy(signing->commitments, commitments, count * sizeof commitments[0]);
	qsort(signing->commitments, count, sizeof commitments[0], compare_identifiers);
	signing->count = count;
	for (size_t i = 0; i < count; i++) {
		uint16_t identifier = signing->commitments[i].identifier;
		if (identifier == 0 || (i > 0 && identifier == signing->commitments[i - 1].identifier))
			return fail(STATUS_INVALID, "frost.identifier: %u %s", identifier,
				    identifier == 0 ? "names nobody" : "stands twice");
	}
	return OK;
}

/* Lagrange's coefficient at zero, as numerator ÷ denominator. */
struct fraction {
	struct frost_scalar numerator, denominator;
};

static struct fraction
coefficient_fraction(const struct frost_suite *suite, const uint16_t *identifiers, size_t count, size_t position) {
	const struct frost_scalar own = suite->scalar_of(identifiers[position]);
	struct fraction fraction = {.numerator = suite->scalar_of(1), .denominator = suite->scalar_of(1)};
	for (size_t i = 0; i < count; i++) {
		if (i == position)
			continue;
		const struct frost_scalar other = suite->scalar_of(identifiers[i]);
		const struct frost_scalar difference = suite->subtract(&other, &own);
		fraction.numerator = suite->multiply(&fraction.numerator, &other);
		fraction.denominator = suite->multiply(&fraction.denominator, &difference);
	}
	return fraction;
}

struct frost_scalar
frost_coefficient(const struct frost_suite *suite, const uint16_t *identifiers, size_t count, size_t position) {
	const struct fraction fraction = coefficient_fraction(suite, identifiers, count, position);
	const struct frost_scalar inverse = suite->invert(&fraction.denominator);
	return suite->multiply(&fraction.numerator, &inverse);
}

/* One inversion for all: that of the product of the denominators, from which each one's own is taken out again. */
void
frost_coefficients(const struct frost_suite *suite, const uint16_t *identifiers, size_t count,
		   struct frost_scalar *coefficients) {
	struct fraction fractions[FROST_PARTICIPANTS_MAX];
	struct frost_scalar
		before[FROST_PARTICIPANTS_MAX]; /* the product of the denominators of all that stand before */
	struct frost_scalar product = suite->scalar_of(1);
	for (size_t i = 0; i < count; i++) {
		fractions[i] = coefficient_fraction(suite, identifiers, count, i);
		before[i] = product;
		product = suite->multiply(&product, &fractions[i].denominator);
	}
	struct frost_scalar inverse = suite->invert(&product); /* of what stands before, and of this one */
	for (size_t i = count; i-- > 0;) {
		const struct frost_scalar own = suite->multiply(&inverse, &before[i]);
		coefficients[i] = suite->multiply(&fractions[i].numerator, &own);
		inverse = suite->multiply(&inverse, &fractions[i].denominator);
	}
}

static void
take_coefficients(struct frost_signing *signing, const struct frost_scalar *coefficients) {
	uint16_t identifiers[FROST_PARTICIPANTS_MAX];
	for (size_t i = 0; i < signing->count; i++)
		identifiers[i] = signing->commitments[i].identifier;
	if (coefficients == nullptr)
		frost_coefficients(signing->suite, identifiers, signing->count, signing->coefficients);
	else
		memcpy(signing->coefficients, coefficients, signing->count * sizeof coefficients[0]);
}

/* H5 over identifier, hiding and binding commitment of each signer. */
static enum status
digest_commitments(const struct frost_signing *signing, uint8_t digest[FROST_DIGEST_MAX]) {
	const struct frost_suite *suite = signing->suite;
	_cleanup_(buffer_free) struct buffer list = {};
	for (size_t i = 0; i < signing->count; i++) {
		const struct frost_commitment *commitment = &signing->commitments[i];
		const struct frost_scalar identifier = suite->scalar_of(commitment->identifier);
		buffer_append(&list, identifier.bytes, sizeof identifier.bytes);
		buffer_append_bytes(&list, frost_element_bytes(suite, &commitment->hiding));
		buffer_append_bytes(&list, frost_element_bytes(suite, &commitment->binding));
	}
	TRY(buffer_status(&list));
	const struct bytes whole = buffer_bytes(&list);
	suite->commitments_digest(&whole, 1, digest);
	return OK;
}

static enum status
compute_bindings(struct frost_signing *signing) {
	const struct frost_suite *suite = signing->suite;
	uint8_t message[FROST_DIGEST_MAX], commitments[FROST_DIGEST_MAX];
	suite->message_digest(&signing->message, 1, message);
	TRY(digest_commitments(signing, commitments));
	for (size_t i = 0; i < signing->count; i++) {
		const struct frost_scalar identifier = suite->scalar_of(signing->commitments[i].identifier);
		const struct bytes parts[] = {
			frost_element_bytes(suite, &signing->key), bytes_of(message, suite->digest_size),
			bytes_of(commitments, suite->digest_size), BYTES_OF_ARRAY(identifier.bytes)};
		signing->bindings[i] = suite->binding(parts, ARRAY_LENGTH(parts));
	}
	return OK;
}

static size_t
position_of(const struct frost_signing *signing, uint16_t identifier) {
	size_t position = 0;
	while (position < signing->count && signing->commitments[position].identifier != identifier)
		position++;
	return position;
}

/* The nonces must be those of the commitment that everyone signs with. */
static enum status
find_own(const struct frost_signing *signing, const struct frost_nonces *own, size_t *position) {
	const struct frost_commitment *published = &own->commitment;
	*position = position_of(signing, published->identifier);
	if (*position == signing->count ||
	    memcmp(published->hiding.bytes, signing->commitments[*position].hiding.bytes, sizeof published->hiding) !=
		    0 ||
	    memcmp(published->binding.bytes, signing->commitments[*position].binding.bytes,
		   sizeof published->binding) != 0)
		return fail(STATUS_INVALID,
			    "frost.signer: %u is none of the signers, or has published another commitment",
			    published->identifier);
	return OK;
}

/* factor · binding nonce + hiding nonce */
static struct frost_scalar
bound_nonce(const struct frost_signing *signing, size_t position, const struct frost_nonces *nonces) {
	const struct frost_scalar product = signing->suite->multiply(&nonces->binding, &signing->bindings[position]);
	return signing->suite->add(&product, &nonces->hiding);
}

static enum status
bind_commitment(struct frost_signing *signing, size_t position) {
	const struct frost_commitment *commitment = &signing->commitments[position];
	struct frost_element *bound = &signing->bound[position];
	if (signing->suite->element_multiply(&commitment->binding, &signing->bindings[position], bound) != OK) {
		signing->culprit = position;
		return fail(STATUS_INVALID, "frost.element: the binding commitment of signer %u is none of the group",
			    commitment->identifier);
	}
	return signing->suite->element_add(bound, &commitment->hiding, bound);
}

static enum status
bind_own(struct frost_signing *signing, size_t position, const struct frost_nonces *own) {
	struct frost_scalar bound = bound_nonce(signing, position, own);
	enum status status = signing->suite->element_of(&bound, &signing->bound[position]);
	secret_wipe(&bound, sizeof bound);
	return status;
}

static enum status
sum_commitments(struct frost_signing *signing, const struct frost_nonces *own) {
	size_t own_position = signing->count;
	if (own != nullptr)
		TRY(find_own(signing, own, &own_position));
	for (size_t i = 0; i < signing->count; i++) {
		TRY(i == own_position ? bind_own(signing, i, own) : bind_commitment(signing, i));
		if (i == 0)
			signing->nonce = signing->bound[0];
		else
			TRY(signing->suite->element_add(&signing->nonce, &signing->bound[i], &signing->nonce));
	}
	return OK;
}

/* Of an x-only suite the first byte, which says whether y is odd, does not count. */
static struct bytes
challenge_bytes(const struct frost_suite *suite, const struct frost_element *element) {
	const size_t skipped = suite->is_x_only ? 1 : 0;
	return bytes_of(element->bytes + skipped, suite->element_size - skipped);
}

enum status
frost_signing_open(const struct frost_suite *suite, const struct frost_element *key,
		   const struct frost_commitment *commitments, const struct frost_scalar *coefficients, size_t count,
		   struct bytes message, const struct frost_nonces *own, struct frost_signing *signing) {
	*signing = (struct frost_signing){.suite = suite, .key = *key, .message = message, .culprit = FROST_NOBODY};
	TRY(take_commitments(signing, commitments, count));
	take_coefficients(signing, coefficients);
	TRY(compute_bindings(signing));
	TRY(sum_commitments(signing, own));
	signing->negate_nonce = suite->is_x_only && signing->nonce.bytes[0] == 3;
	signing->negate_key = suite->is_x_only && key->bytes[0] == 3;
	const struct bytes parts[] = {challenge_bytes(suite, &signing->nonce), challenge_bytes(suite, key), message};
	signing->challenge = suite->challenge(parts, ARRAY_LENGTH(parts));
	return OK;
}

/* --- Round two --- */

static struct frost_scalar
signed_scalar(const struct frost_suite *suite, const struct frost_scalar *scalar, bool negate) {
	const struct frost_scalar zero = {};
	return negate ? suite->subtract(&zero, scalar) : *scalar;
}

/* What a share is multiplied with. */
static struct frost_scalar
weight(const struct frost_signing *signing, size_t position) {
	const struct frost_scalar product =
		signing->suite->multiply(&signing->challenge, &signing->coefficients[position]);
	return signed_scalar(signing->suite, &product, signing->negate_key);
}

static struct frost_scalar
share_of(const struct frost_signing *signing, size_t position, const struct frost_scalar *share,
	 const struct frost_nonces *nonces) {
	const struct frost_suite *suite = signing->suite;
	const struct frost_scalar factor = weight(signing, position);
	struct frost_scalar bound = bound_nonce(signing, position, nonces);
	struct frost_scalar product = suite->multiply(&factor, share);
	struct frost_scalar sum = signed_scalar(suite, &bound, signing->negate_nonce);
	sum = suite->add(&sum, &product);
	secret_wipe(&bound, sizeof bound);
	secret_wipe(&product, sizeof product);
	return sum;
}

/* The same number by other steps: challenge · (coefficient · share) ± hiding ± factor · binding. */
static struct frost_scalar
share_otherwise(const struct frost_signing *signing, size_t position, const struct frost_scalar *share,
		const struct frost_nonces *nonces) {
	const struct frost_suite *suite = signing->suite;
	struct frost_scalar product = suite->multiply(share, &signing->coefficients[position]);
	product = suite->multiply(&product, &signing->challenge);
	struct frost_scalar sum = signed_scalar(suite, &product, signing->negate_key);
	product = suite->multiply(&signing->bindings[position], &nonces->binding);
	sum = signing->negate_nonce ? suite->subtract(&sum, &nonces->hiding) : suite->add(&sum, &nonces->hiding);
	sum = signing->negate_nonce ? suite->subtract(&sum, &product) : suite->add(&sum, &product);
	secret_wipe(&product, sizeof product);
	return sum;
}

enum status
frost_share_verify(const struct frost_signing *signing, size_t position, const struct frost_element *public_share,
		   const struct frost_scalar *signature_share) {
	const struct frost_suite *suite = signing->suite;
	struct frost_element left, nonce, right;
	if (position >= signing->count)
		return fail(STATUS_INVALID, "frost.signer: position %zu of %zu", position, signing->count);
	const struct frost_scalar factor = weight(signing, position), one = suite->scalar_of(1),
				  sign = signed_scalar(suite, &one, signing->negate_nonce);
	if (suite->element_multiply(&signing->bound[position], &sign, &nonce) != OK ||
	    suite->element_multiply(public_share, &factor, &right) != OK ||
	    suite->element_add(&right, &nonce, &right) != OK || suite->element_of(signature_share, &left) != OK ||
	    memcmp(left.bytes, right.bytes, sizeof left.bytes) != 0)
		return fail(STATUS_UNAUTHORIZED, "frost.share: that of signer %u does not verify",
			    signing->commitments[position].identifier);
	return OK;
}

static enum status
sign_twice(const struct frost_signing *signing, uint16_t identifier, const struct frost_scalar *share,
	   const struct frost_nonces *nonces, struct frost_scalar *signature_share) {
	static const struct frost_scalar ZERO;
	size_t position;
	if (nonces->commitment.identifier != identifier)
		return fail(STATUS_INVALID, "frost.nonce: none of signer %u, or used already", identifier);
	TRY(find_own(signing, nonces, &position));
	if (declassified(secret_equal(BYTES_OF_ARRAY(nonces->hiding.bytes), BYTES_OF_ARRAY(ZERO.bytes))))
		return fail(STATUS_INVALID, "frost.nonce: used already");
	struct frost_scalar made = share_of(signing, position, share, nonces);
	struct frost_scalar again = share_otherwise(signing, position, share, nonces);
	if (!declassified(secret_equal(BYTES_OF_ARRAY(made.bytes), BYTES_OF_ARRAY(again.bytes))))
		return fail(STATUS_INTERNAL, "frost.share: two ways to one share give two, and none was released");
	declassify(&made, sizeof made); /* a share of a signature is published */
	*signature_share = made;
	return OK;
}

enum status
frost_share_sign(const struct frost_signing *signing, uint16_t identifier, const struct frost_scalar *share,
		 struct frost_nonces *nonces, struct frost_scalar *signature_share) {
	enum status status = sign_twice(signing, identifier, share, nonces, signature_share);
	secret_wipe(nonces, sizeof *nonces);
	return status;
}

/* --- The signature --- */

enum status
frost_shares_aggregate(const struct frost_signing *signing, const struct frost_scalar *shares,
		       const struct frost_element *public_shares, uint8_t *signature, size_t *culprit) {
	const struct frost_suite *suite = signing->suite;
	struct frost_scalar sum = {};
	*culprit = FROST_NOBODY;
	for (size_t i = 0; i < signing->count; i++)
		sum = suite->add(&sum, &shares[i]);
	const struct bytes nonce = challenge_bytes(suite, &signing->nonce);
	memcpy(signature, nonce.data, nonce.len);
	memcpy(signature + nonce.len, sum.bytes, sizeof sum.bytes);
	if (suite->verify(&signing->key, signing->message, signature) == OK)
		return OK;
	for (size_t i = 0; public_shares != nullptr && i < signing->count; i++)
		if (frost_share_verify(signing, i, &public_shares[i], &shares[i]) != OK) {
			*culprit = i;
			return fail(STATUS_UNAUTHORIZED, "frost.share: that of signer %u does not verify",
				    signing->commitments[i].identifier);
		}
	return fail(STATUS_UNAUTHORIZED, "frost.share: the shares give no signature that verifies");
}
