/*
 * FROST in a group so small that everything can be tried: the numbers modulo 7, under addition, with generator 1. Every element's
 * logarithm is the element, so that each result is computed a second time, directly, from the secrets of all.
 *
 * Signing: every key and share polynomial of a 2-of-3 key, every pair of nonces of both signers, every pair of signers.
 * Dealing: every pair of polynomials of two dealers. What the small group makes likely, numbers that come to zero, must fail
 * and nothing else.
 */
#include "tests/test.h"

#include "crypto/hash.h"
#include "tests/threshold_parties.h"

#include "keys/threshold/frost/frost_dealing.h"

constexpr unsigned ORDER = 7;

/* --- The group --- */

static struct frost_scalar
number(unsigned value) {
	return (struct frost_scalar){{(uint8_t)(value % ORDER)}};
}

static struct frost_scalar
scalar_of(uint64_t value) {
	return number((unsigned)(value % ORDER));
}

static enum status
scalar_read(const uint8_t bytes[32], struct frost_scalar *scalar) {
	for (size_t i = 1; i < 32; i++)
		if (bytes[i] != 0)
			return fail(STATUS_INVALID, "frost.scalar: too large");
	if (bytes[0] >= ORDER)
		return fail(STATUS_INVALID, "frost.scalar: too large");
	*scalar = number(bytes[0]);
	return OK;
}

static struct frost_scalar
add(const struct frost_scalar *a, const struct frost_scalar *b) {
	return number(a->bytes[0] + b->bytes[0]);
}

static struct frost_scalar
subtract(const struct frost_scalar *a, const struct frost_scalar *b) {
	return number(a->bytes[0] + ORDER - b->bytes[0]);
}

static struct frost_scalar
multiply(const struct frost_scalar *a, const struct frost_scalar *b) {
	return number(a->bytes[0] * b->bytes[0]);
}

static struct frost_scalar
invert(const struct frost_scalar *a) {
	unsigned inverse = 0;
	while (inverse < ORDER && a->bytes[0] * inverse % ORDER != 1)
		inverse++;
	return number(inverse);
}

static enum status
element(unsigned value, struct frost_element *result) {
	*result = (struct frost_element){{(uint8_t)(value % ORDER)}};
	return value % ORDER == 0 ? fail(STATUS_INVALID, "frost.identity: zero") : OK;
}

static enum status
element_read(const uint8_t *bytes, struct frost_element *result) {
	return bytes[0] >= ORDER ? fail(STATUS_INVALID, "frost.element: too large") : element(bytes[0], result);
}

static enum status
element_of(const struct frost_scalar *secret, struct frost_element *result) {
	return element(secret->bytes[0], result);
}

static enum status
element_multiply(const struct frost_element *a, const struct frost_scalar *factor, struct frost_element *result) {
	return element(a->bytes[0] * (unsigned)factor->bytes[0], result);
}

static enum status
element_add(const struct frost_element *a, const struct frost_element *b, struct frost_element *result) {
	return element(a->bytes[0] + (unsigned)b->bytes[0], result);
}

static struct frost_scalar
hash_to_number(const char *label, const struct bytes *parts, size_t count) {
	struct bytes all[9] = {bytes_of_text(label)};
	memcpy(all + 1, parts, count * sizeof parts[0]);
	struct hash256 hash = sha256_parts(all, count + 1);
	return number((unsigned)hash.bytes[0] << 8 | hash.bytes[1]);
}

static struct frost_scalar
binding(const struct bytes *parts, size_t count) {
	return hash_to_number("binding", parts, count);
}

static struct frost_scalar
challenge(const struct bytes *parts, size_t count) {
	return hash_to_number("challenge", parts, count);
}

/* No hash: the test says which nonce, or which coefficient, by the first byte of what is drawn. */
static struct frost_scalar
nonce(const struct bytes *parts, size_t) {
	return number(parts[0].data[0]);
}

static void
digest(const struct bytes *parts, size_t count, uint8_t result[FROST_DIGEST_MAX]) {
	struct hash256 hash = sha256_parts(parts, count);
	memcpy(result, hash.bytes, sizeof hash.bytes);
}

/* z = r + c·key, of logarithms. */
static enum status
verify(const struct frost_element *key, struct bytes message, const uint8_t *signature) {
	const struct bytes parts[] = {bytes_of(signature, 1), bytes_of(key->bytes, 1), message};
	struct frost_scalar c = challenge(parts, ARRAY_LENGTH(parts));
	return signature[1] == (signature[0] + c.bytes[0] * key->bytes[0]) % ORDER
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "tiny.signature: does not hold");
}

static const struct frost_suite TINY = {
	.name = "numbers modulo 7",
	.element_size = 1,
	.digest_size = 32,
	.scalar_of = scalar_of,
	.scalar_read = scalar_read,
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
	.message_digest = digest,
	.commitments_digest = digest,
	.verify = verify,
};

/* In place of the library's table: dealing is over this group. */
const struct frost_suite *
frost_scheme_suite(enum frost_scheme) {
	return &TINY;
}

/* The test's numbers, one at each draw of 32 or 64 bytes. */
struct draws {
	const uint8_t *numbers;
	size_t count, next;
};

static void
draw(void *context, void *to, size_t len) {
	struct draws *draws = context;
	memset(to, 0, len);
	*(uint8_t *)to = draws->next < draws->count ? draws->numbers[draws->next] : 1;
	draws->next++;
}

/* --- Signing --- */

static const struct bytes MESSAGE = BYTES_OF_LITERAL("sell 3 calls");
static size_t signatures, degenerate;

static void
sign_once(unsigned key, unsigned slope, const uint8_t signers[2], const uint8_t nonces[4]) {
	struct frost_nonces made[2];
	struct frost_commitment commitments[2];
	struct frost_signing signing;
	struct frost_scalar shares[2], parts[2];
	struct frost_element public_key, public_shares[2];
	uint8_t signature[FROST_SIGNATURE_MAX];
	size_t culprit;
	assert_ok(element(key, &public_key));
	for (size_t i = 0; i < 2; i++) {
		struct draws draws = {nonces + 2 * i, 2, 0};
		const struct randomness randomness = {draw, &draws};
		shares[i] = number(key + slope * signers[i]);
		IGNORE_STATUS(element_of(&shares[i], &public_shares[i])); /* a share of zero is a share */
		assert_ok(frost_commit(&TINY, signers[i], &shares[i], &randomness, &made[i]));
		commitments[i] = made[i].commitment;
	}
	enum status status =
		frost_signing_open(&TINY, &public_key, commitments, nullptr, 2, MESSAGE, nullptr, &signing);
	/* The same from the logarithms. */
	unsigned total = 0;
	bool has_zero = false;
	for (size_t i = 0; i < 2; i++) {
		unsigned factor = signing.bindings[i].bytes[0],
			 bound = (nonces[2 * i] + factor * nonces[2 * i + 1]) % ORDER;
		has_zero = has_zero || factor == 0 || bound == 0;
		total += bound;
	}
	has_zero = has_zero || total % ORDER == 0;
	assert_int_equal(status != OK, has_zero);
	if (status != OK) {
		degenerate++;
		return;
	}
	assert_int_equal(signing.nonce.bytes[0], total % ORDER);
	for (size_t i = 0; i < 2; i++)
		assert_ok(frost_share_sign(&signing, signers[i], &shares[i], &made[i], &parts[i]));
	assert_ok(frost_shares_aggregate(&signing, parts, public_shares, signature, &culprit));
	assert_int_equal(signature[1], (total + signing.challenge.bytes[0] * key) % ORDER);
	signatures++;
	/* Any other share gives no signature. */
	parts[1] = number(parts[1].bytes[0] + 1);
	assert_int_equal(frost_shares_aggregate(&signing, parts, nullptr, signature, &culprit), STATUS_UNAUTHORIZED);
}

static void
every_key_every_nonce_and_every_pair_of_signers_signs(void **) {
	static const uint8_t pairs[][2] = {{1, 2}, {1, 3}, {2, 3}};
	signatures = degenerate = 0;
	for (unsigned key = 1; key < ORDER; key++)
		for (unsigned slope = 0; slope < ORDER; slope++)
			for (unsigned drawn = 0; drawn < 6 * 6 * 6 * 6; drawn++) {
				const uint8_t nonces[4] = {(uint8_t)(1 + drawn % 6), (uint8_t)(1 + drawn / 6 % 6),
							   (uint8_t)(1 + drawn / 36 % 6), (uint8_t)(1 + drawn / 216)};
				sign_once(key, slope, pairs[drawn % 3], nonces);
			}
	print_message("%zu signatures, %zu with a zero\n", signatures, degenerate);
	assert_int_equal(signatures + degenerate, 6 * 7 * 1296);
	assert_true(signatures > 20'000);
}

/* --- Dealing --- */

static size_t keys_made, keys_refused;

static void
run_both(struct frost_dealing *dealings[2]) {
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < 2; i++) {
			uint8_t to;
			struct bytes frame;
			while (exchange_next(frost_dealing_exchange(dealings[i]), &to, &frame)) {
				IGNORE_STATUS(exchange_receive(frost_dealing_exchange(dealings[1 - i]),
							       frame)); /* told by the state */
				moved = true;
			}
		}
	}
}

/* Whether these polynomials of two dealers give a key: nothing that is published, and nothing that one deals to the other, may be
 * zero. */
static bool
gives_a_key(const uint8_t numbers[4]) {
	unsigned key = numbers[0] + numbers[2], slope = numbers[1] + numbers[3];
	return key % ORDER != 0 && slope % ORDER != 0 && (key + slope) % ORDER != 0 && (key + 2 * slope) % ORDER != 0 &&
	       (numbers[0] + 2 * numbers[1]) % ORDER != 0 && (numbers[2] + numbers[3]) % ORDER != 0;
}

static void
deal_once(const uint8_t numbers[4]) {
	struct frost_dealing *dealings[2] = {};
	struct frost_key_info key;
	enum status status = OK;
	for (uint8_t i = 0; i < 2; i++) {
		struct draws draws = {numbers + 2 * i, 2, 0};
		const struct frost_dealing_terms terms = {.kind = FROST_DEALING_GENERATE,
							  .instance = BYTES_OF_LITERAL("northwind"),
							  .nonce = (const uint8_t[32]){1},
							  .self = (uint8_t)(i + 1),
							  .randomness = {draw, &draws},
							  .key = {.id = "vault",
								  .scheme = FROST_SCHEME_ED25519,
								  .threshold = 2,
								  .epoch = 1,
								  .holders = parties_up_to(2)}};
		status = status == OK ? frost_dealing_start(&dealings[i], &terms) : status;
	}
	bool starts = numbers[0] != 0 && numbers[1] != 0 && numbers[2] != 0 && numbers[3] != 0;
	assert_int_equal(status == OK, starts);
	if (starts) {
		run_both(dealings);
		bool first = frost_dealing_confirmed(dealings[0], &key);
		/* A proof may fail as well: where its challenge, or a sum in it, is zero. */
		if (first && frost_dealing_confirmed(dealings[1], &key)) {
			assert_true(gives_a_key(numbers));
			assert_int_equal(key.public_key.bytes[0], (numbers[0] + numbers[2]) % ORDER);
			for (unsigned i = 0; i < 2; i++) {
				_cleanup_(frost_key_share_destroy) struct frost_key_share *share =
					frost_dealing_take_share(dealings[i]);
				unsigned expected = numbers[0] + numbers[2] + (numbers[1] + numbers[3]) * (i + 1);
				assert_int_equal(frost_key_share_value(share)->bytes[0], expected % ORDER);
				assert_int_equal(key.public_shares[i].bytes[0], expected % ORDER);
			}
			keys_made++;
		} else
			keys_refused++;
	} else
		keys_refused++;
	for (size_t i = 0; i < 2; i++)
		frost_dealing_destroy(&dealings[i]);
}

static void
every_pair_of_polynomials_gives_its_key_or_none(void **) {
	keys_made = keys_refused = 0;
	for (unsigned drawn = 0; drawn < ORDER * ORDER * ORDER * ORDER; drawn++) {
		const uint8_t numbers[4] = {(uint8_t)(drawn % 7), (uint8_t)(drawn / 7 % 7), (uint8_t)(drawn / 49 % 7),
					    (uint8_t)(drawn / 343)};
		deal_once(numbers);
	}
	print_message("%zu keys, %zu refused\n", keys_made, keys_refused);
	assert_int_equal(keys_made + keys_refused, 2401);
	assert_true(keys_made > 100);
}

RUN_TESTS(T(every_key_every_nonce_and_every_pair_of_signers_signs), T(every_pair_of_polynomials_gives_its_key_or_none))
