/* FROST(secp256k1, SHA-256), RFC 9591 §6.5. */
#include "keys/threshold/frost/suite.h"

#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "keys/threshold/point.h"

#define CONTEXT "FROST-secp256k1-SHA256-v1"

constexpr size_t PARTS_MAX = 8;

/* --- Scalars --- */

static struct scalar
unpack(const struct frost_scalar *scalar) {
	return scalar_reduce(scalar->bytes); /* below the order already */
}

static struct frost_scalar
pack(const struct scalar *number) {
	struct frost_scalar scalar;
	scalar_write(number, scalar.bytes);
	return scalar;
}

static struct frost_scalar
scalar_of_number(uint64_t number) {
	const struct scalar scalar = scalar_of(number);
	return pack(&scalar);
}

static enum status
scalar_read_bytes(const uint8_t bytes[32], struct frost_scalar *scalar) {
	struct scalar number;
	if (scalar_read(bytes, &number) != OK)
		return fail(STATUS_INVALID, "frost.scalar: not below the order of the group");
	*scalar = pack(&number);
	return OK;
}

static struct frost_scalar
add(const struct frost_scalar *a, const struct frost_scalar *b) {
	const struct scalar left = unpack(a), right = unpack(b), sum = scalar_add(&left, &right);
	return pack(&sum);
}

static struct frost_scalar
subtract(const struct frost_scalar *a, const struct frost_scalar *b) {
	const struct scalar left = unpack(a), right = unpack(b), difference = scalar_subtract(&left, &right);
	return pack(&difference);
}

static struct frost_scalar
multiply(const struct frost_scalar *a, const struct frost_scalar *b) {
	const struct scalar left = unpack(a), right = unpack(b), product = scalar_multiply(&left, &right);
	return pack(&product);
}

static struct frost_scalar
invert(const struct frost_scalar *a) {
	const struct scalar number = unpack(a), inverse = scalar_invert(&number);
	return pack(&inverse);
}

/* --- Elements --- */

static enum status
element_read(const uint8_t *bytes, struct frost_element *element) {
	struct point point;
	if (point_read(bytes, &point) != OK)
		return fail(STATUS_INVALID, "frost.element: no point of the curve");
	point_write(&point, element->bytes);
	return OK;
}

static enum status
element_of(const struct frost_scalar *secret, struct frost_element *element) {
	struct scalar number = unpack(secret);
	struct point point;
	enum status status = point_of_secret(&number, &point);
	secret_wipe(&number, sizeof number);
	if (status != OK)
		return fail(STATUS_INVALID, "frost.identity: zero times the generator");
	declassify(&point, sizeof point); /* whatever is made here is published */
	point_write(&point, element->bytes);
	return OK;
}

static enum status
element_multiply(const struct frost_element *element, const struct frost_scalar *number,
		 struct frost_element *product) {
	const struct scalar factor = unpack(number);
	struct point point;
	TRY(point_read(element->bytes, &point));
	if (point_multiply_public(&point, &factor, &point) != OK)
		return fail(STATUS_INVALID, "frost.identity: zero times an element");
	point_write(&point, product->bytes);
	return OK;
}

static enum status
element_add(const struct frost_element *a, const struct frost_element *b, struct frost_element *sum) {
	struct point left, right;
	TRY(point_read(a->bytes, &left));
	TRY(point_read(b->bytes, &right));
	if (point_add(&left, &right, &left) != OK)
		return fail(STATUS_INVALID, "frost.identity: two elements add up to the identity");
	point_write(&left, sum->bytes);
	return OK;
}

/* --- Hashes --- */

static struct hash256
hash_with(struct bytes first, const struct bytes *parts, size_t count) {
	struct bytes all[PARTS_MAX + 1] = {first};
	memcpy(all + 1, parts, count * sizeof parts[0]);
	return sha256_parts(all, count + 1);
}

struct frost_scalar
frost_hash_to_scalar(struct bytes tag, const struct bytes *parts, size_t count) {
	static const uint8_t BLOCK[64]; /* of zeros: Z_pad */
	static const uint8_t LENGTH[3] = {0, 48, 0};
	uint8_t uniform[64], wide[64] = {}, tag_length = (uint8_t)tag.len;
	struct bytes first[PARTS_MAX + 4] = {BYTES_OF_ARRAY(BLOCK)};
	memcpy(first + 1, parts, count * sizeof parts[0]);
	first[count + 1] = BYTES_OF_ARRAY(LENGTH);
	first[count + 2] = tag;
	first[count + 3] = bytes_of(&tag_length, 1);
	const struct hash256 zero = sha256_parts(first, count + 4);
	struct hash256 block = {};
	for (uint8_t i = 1; i <= 2; i++) {
		for (size_t j = 0; j < sizeof block.bytes; j++)
			block.bytes[j] ^= zero.bytes[j];
		block = SHA256_PARTS(hash256_bytes(&block), bytes_of(&i, 1), tag, bytes_of(&tag_length, 1));
		memcpy(uniform + 32 * (i - 1), block.bytes, 32);
	}
	memcpy(wide + 16, uniform, 48);
	struct scalar number = scalar_reduce_wide(wide);
	secret_wipe(wide, sizeof wide);
	secret_wipe(uniform, sizeof uniform);
	secret_wipe(&block, sizeof block);
	return pack(&number);
}

static struct frost_scalar
binding(const struct bytes *parts, size_t count) {
	return frost_hash_to_scalar(BYTES_OF_LITERAL(CONTEXT "rho"), parts, count);
}

static struct frost_scalar
challenge(const struct bytes *parts, size_t count) {
	return frost_hash_to_scalar(BYTES_OF_LITERAL(CONTEXT "chal"), parts, count);
}

static struct frost_scalar
nonce(const struct bytes *parts, size_t count) {
	return frost_hash_to_scalar(BYTES_OF_LITERAL(CONTEXT "nonce"), parts, count);
}

static void
message_digest(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]) {
	const struct hash256 hash = hash_with(BYTES_OF_LITERAL(CONTEXT "msg"), parts, count);
	memcpy(digest, hash.bytes, sizeof hash.bytes);
}

static void
commitments_digest(const struct bytes *parts, size_t count, uint8_t digest[FROST_DIGEST_MAX]) {
	const struct hash256 hash = hash_with(BYTES_OF_LITERAL(CONTEXT "com"), parts, count);
	memcpy(digest, hash.bytes, sizeof hash.bytes);
}

/* No library verifies this signature: number · G against the nonce and challenge · key. */
static enum status
verify(const struct frost_element *key, struct bytes message, const uint8_t *signature) {
	struct frost_element nonce_element, left, right;
	struct frost_scalar number;
	const struct bytes parts[] = {bytes_of(signature, 33), BYTES_OF_ARRAY(key->bytes), message};
	const struct frost_scalar factor = challenge(parts, ARRAY_LENGTH(parts));
	if (element_read(signature, &nonce_element) == OK && scalar_read_bytes(signature + 33, &number) == OK &&
	    element_of(&number, &left) == OK && element_multiply(key, &factor, &right) == OK &&
	    element_add(&right, &nonce_element, &right) == OK &&
	    memcmp(left.bytes, right.bytes, sizeof left.bytes) == 0)
		return OK;
	return fail(STATUS_UNAUTHORIZED, "frost.signature: does not verify");
}

const struct frost_suite frost_secp256k1 = {
	.name = "FROST(secp256k1, SHA-256)",
	.element_size = POINT_SIZE,
	.digest_size = 32,
	.scalar_of = scalar_of_number,
	.scalar_read = scalar_read_bytes,
	.add = add,
	.subtract = subtract,
	.multiply = multiply,
	.invert = invert,
	.element_read = element_read,
	.element_of = element_of,
	.element_multiply = element_multiply,
	.element_add = element_add,
	.binding = binding,
	.challenge = challenge,
	.nonce = nonce,
	.message_digest = message_digest,
	.commitments_digest = commitments_digest,
	.verify = verify,
};
