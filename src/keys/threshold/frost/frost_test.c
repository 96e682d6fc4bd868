/* Every subset of signers, in both rounds and both kinds of FROST; and what is refused. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "keys/threshold/frost/bip340.h"
#include "keys/threshold/frost/frost.h"

static const struct bytes MESSAGE = BYTES_OF_LITERAL("sell 3 calls");

static struct frost_scalar
random_scalar(const struct frost_suite *suite) {
	uint8_t random[32];
	random_bytes(random, sizeof random);
	const struct bytes part = BYTES_OF_ARRAY(random);
	return suite->nonce(&part, 1);
}

constexpr uint16_t PEOPLE = 4;

struct house {
	const struct frost_suite *suite;
	struct frost_element key;
	struct frost_scalar shares[PEOPLE];
	struct frost_element public_shares[PEOPLE];
};

/* Shares of a random key, threshold of four. */
static struct house
deal(const struct frost_suite *suite, unsigned threshold) {
	struct house house = {.suite = suite};
	struct frost_scalar coefficients[PEOPLE];
	for (unsigned i = 0; i < threshold; i++)
		coefficients[i] = random_scalar(suite);
	assert_ok(suite->element_of(&coefficients[0], &house.key));
	for (uint16_t person = 0; person < PEOPLE; person++) {
		const struct frost_scalar at = suite->scalar_of((uint64_t)person + 1);
		for (unsigned i = threshold; i-- > 0;) {
			house.shares[person] = suite->multiply(&house.shares[person], &at);
			house.shares[person] = suite->add(&house.shares[person], &coefficients[i]);
		}
		assert_ok(suite->element_of(&house.shares[person], &house.public_shares[person]));
	}
	return house;
}

struct round {
	size_t count;
	uint16_t people[PEOPLE];
	struct frost_nonces nonces[PEOPLE];
	struct frost_commitment commitments[PEOPLE];
	struct frost_scalar shares[PEOPLE];
	struct frost_element public_shares[PEOPLE];
	struct frost_signing signing;
};

static void
open_round(const struct house *house, unsigned subset, struct round *round) {
	const struct randomness system = {};
	*round = (struct round){};
	for (uint16_t person = 0; person < PEOPLE; person++) {
		if (!(subset >> person & 1))
			continue;
		size_t i = round->count++;
		round->people[i] = person;
		round->public_shares[i] = house->public_shares[person];
		assert_ok(frost_commit(house->suite, person + 1, &house->shares[person], &system, &round->nonces[i]));
		round->commitments[i] = round->nonces[i].commitment;
	}
}

static void
sign_round(const struct house *house, struct round *round) {
	for (size_t i = 0; i < round->count; i++) {
		assert_ok(frost_signing_open(house->suite, &house->key, round->commitments, nullptr, round->count,
					     MESSAGE, &round->nonces[i], &round->signing));
		assert_ok(frost_share_sign(&round->signing, round->people[i] + 1, &house->shares[round->people[i]],
					   &round->nonces[i], &round->shares[i]));
	}
}

static void
every_subset_of_enough_signers_signs(void **) {
	static const struct frost_suite *const suites[] = {&frost_ed25519, &frost_secp256k1};
	size_t signed_count = 0, refused = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(suites); s++)
		for (unsigned threshold = 1; threshold <= PEOPLE; threshold++) {
			const struct house house = deal(suites[s], threshold);
			for (unsigned subset = 1; subset < 1U << PEOPLE; subset++) {
				uint8_t signature[FROST_SIGNATURE_MAX];
				struct round round;
				size_t culprit;
				open_round(&house, subset, &round);
				sign_round(&house, &round);
				enum status status = frost_shares_aggregate(&round.signing, round.shares,
									    round.public_shares, signature, &culprit);
				assert_true((status == OK) == (round.count >= threshold));
				*(status == OK ? &signed_count : &refused) += 1;
				if (status == OK && suites[s] == &frost_ed25519)
					assert_ok(ed25519_verify(house.key.bytes, MESSAGE, signature));
			}
		}
	print_message("%zu subsets sign, %zu are too few\n", signed_count, refused);
	assert_int_equal(2 * (15 + 11 + 5 + 1), signed_count);
}

static void
who_gives_a_wrong_share_is_named(void **) {
	static const struct frost_suite *const suites[] = {&frost_ed25519, &frost_secp256k1};
	for (size_t s = 0; s < ARRAY_LENGTH(suites); s++) {
		const struct house house = deal(suites[s], 3);
		const struct frost_scalar one = suites[s]->scalar_of(1);
		uint8_t signature[FROST_SIGNATURE_MAX];
		for (size_t wrong = 0; wrong < 3; wrong++) {
			struct round round;
			size_t culprit;
			open_round(&house, 0b1011, &round);
			sign_round(&house, &round);
			round.shares[wrong] = suites[s]->add(&round.shares[wrong], &one);
			assert_fails(STATUS_UNAUTHORIZED, "frost.share",
				     frost_shares_aggregate(&round.signing, round.shares, round.public_shares,
							    signature, &culprit));
			assert_int_equal(wrong, culprit);
			assert_fails(
				STATUS_UNAUTHORIZED, "frost.share",
				frost_shares_aggregate(&round.signing, round.shares, nullptr, signature, &culprit));
			assert_true(culprit == FROST_NOBODY);
		}
	}
}

static void
a_nonce_signs_once_and_only_as_it_was_published(void **) {
	const struct house house = deal(&frost_ed25519, 2);
	struct frost_signing signing;
	struct frost_scalar share;
	struct round round;
	open_round(&house, 0b0011, &round);
	sign_round(&house, &round);
	assert_fails(STATUS_INVALID, "frost.nonce",
		     frost_share_sign(&round.signing, 1, &house.shares[0], &round.nonces[0], &share));
	open_round(&house, 0b0011, &round);
	round.commitments[0].binding = round.commitments[1].binding; /* as another would have it */
	assert_fails(STATUS_INVALID, "frost.signer",
		     frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 2, MESSAGE,
					&round.nonces[0], &signing));
	assert_ok(frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 2, MESSAGE, nullptr,
				     &signing));
	assert_fails(STATUS_INVALID, "frost.signer",
		     frost_share_sign(&signing, 1, &house.shares[0], &round.nonces[0], &share));
	for (size_t i = 0; i < sizeof round.nonces[0]; i++)
		assert_int_equal(0, ((const uint8_t *)&round.nonces[0])[i]);
}

static void
signers_are_counted_and_named_once(void **) {
	const struct house house = deal(&frost_ed25519, 2);
	struct frost_signing signing;
	struct round round;
	open_round(&house, 0b0111, &round);
	assert_fails(STATUS_INVALID, "frost.count",
		     frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 0, MESSAGE, nullptr,
					&signing));
	round.commitments[1].identifier = 1;
	assert_fails(STATUS_INVALID, "frost.identifier",
		     frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 3, MESSAGE, nullptr,
					&signing));
	round.commitments[1].identifier = 0;
	assert_fails(STATUS_INVALID, "frost.identifier",
		     frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 3, MESSAGE, nullptr,
					&signing));
	round.commitments[1] = round.commitments[0];
	round.commitments[1].identifier = 7;
	assert_ok(frost_signing_open(&frost_ed25519, &house.key, round.commitments, nullptr, 3, MESSAGE, nullptr,
				     &signing));
}

/* The identity, a point of small order, one with a component of small order, what is no point, and what is not canonical. */
static void
elements_outside_the_prime_order_group_are_refused(void **) {
	static const char *const bad[] = {
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"0200000000000000000000000000000000000000000000000000000000000000",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct frost_commitment commitment;
	struct frost_signing signing;
	struct frost_element element, mixed;
	uint8_t bytes[33] = {};
	const struct house house = deal(&frost_ed25519, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		assert_ok(hex_decode(bytes_of_text(bad[i]), bytes, 32));
		assert_fails(STATUS_INVALID, "frost.element", frost_ed25519.element_read(bytes, &element));
		assert_fails(STATUS_INVALID, "frost.element",
			     frost_commitment_read(&frost_ed25519, 1, bytes, house.key.bytes, &commitment));
		assert_ok(frost_commitment_read(&frost_ed25519, 1, house.key.bytes, bytes, &commitment));
		assert_fails(STATUS_INVALID, "frost.element",
			     frost_signing_open(&frost_ed25519, &house.key, &commitment, nullptr, 1, MESSAGE, nullptr,
						&signing));
	}
	/* A good element plus one of order two. */
	assert_ok(hex_decode(bytes_of_text(bad[2]), bytes, 32));
	memcpy(element.bytes, bytes, 33);
	assert_ok(frost_ed25519.element_add(&house.key, &element, &mixed));
	assert_fails(STATUS_INVALID, "frost.element", frost_ed25519.element_read(mixed.bytes, &element));
	memset(bytes, 0xff, sizeof bytes);
	assert_fails(STATUS_INVALID, "frost.scalar", frost_ed25519.scalar_read(bytes, &(struct frost_scalar){}));
	assert_fails(STATUS_INVALID, "frost.scalar", frost_secp256k1.scalar_read(bytes, &(struct frost_scalar){}));
	assert_fails(STATUS_INVALID, "frost.element", frost_secp256k1.element_read(bytes, &element));
}

/* --- BIP-340 keys --- */

struct taproot_round {
	struct frost_signers signers;
	struct frost_key key;
	uint8_t public_nonces[PEOPLE][FROST_PUBLIC_NONCE_SIZE];
	uint8_t partials[PEOPLE][SCALAR_SIZE];
	struct frost_session session;
};

/* Signs for the key with a plain tweak and an x-only one, as a child key's Taproot output is. */
static void
sign_taproot(const struct house *house, unsigned subset, unsigned threshold, struct taproot_round *round) {
	const struct randomness system = {};
	struct frost_nonce nonces[PEOPLE];
	uint8_t public_shares[PEOPLE][POINT_SIZE], sum[FROST_PUBLIC_NONCE_SIZE], tweak[32];
	uint32_t ids[PEOPLE];
	size_t count = 0, culprit;
	for (uint32_t person = 0; person < PEOPLE; person++)
		if (subset >> person & 1) {
			memcpy(public_shares[count], house->public_shares[person].bytes, POINT_SIZE);
			ids[count++] = person;
		}
	assert_ok(frost_signers_open(PEOPLE, threshold, ids, (const uint8_t(*)[POINT_SIZE])public_shares, count,
				     house->key.bytes, &round->signers));
	assert_ok(frost_key_open(house->key.bytes, &round->key));
	for (int is_x_only = 0; is_x_only <= 1; is_x_only++) {
		const struct frost_scalar random = random_scalar(&frost_secp256k1);
		memcpy(tweak, random.bytes, sizeof tweak);
		assert_ok(frost_key_tweak(&round->key, tweak, is_x_only));
	}
	for (size_t i = 0; i < count; i++)
		assert_ok(frost_nonce_create(&(struct frost_nonce_inputs){}, &system, &nonces[i],
					     round->public_nonces[i]));
	assert_ok(
		frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])round->public_nonces, count, sum, &culprit));
	assert_ok(frost_session_open(&round->signers, &round->key, sum, MESSAGE, &round->session));
	for (size_t i = 0; i < count; i++) {
		struct scalar share;
		assert_ok(scalar_read(house->shares[ids[i]].bytes, &share));
		assert_ok(frost_sign(&round->session, ids[i], &share, &nonces[i], round->partials[i]));
		assert_fails(STATUS_INVALID, "frost.nonce",
			     frost_sign(&round->session, ids[i], &share, &nonces[i], round->partials[0]));
		assert_ok(frost_partial_verify(&round->session, i, round->public_nonces[i], round->partials[i]));
	}
}

static void
every_subset_signs_for_tweaked_taproot_keys(void **) {
	size_t signed_count = 0;
	for (unsigned threshold = 1; threshold <= PEOPLE; threshold++) {
		const struct house house = deal(&frost_secp256k1, threshold);
		for (unsigned subset = 1; subset < 1U << PEOPLE; subset++) {
			struct taproot_round round;
			uint8_t signature[64];
			size_t culprit;
			if (__builtin_popcount(subset) < (int)threshold)
				continue;
			sign_taproot(&house, subset, threshold, &round);
			assert_ok(frost_aggregate(&round.session, (const uint8_t(*)[SCALAR_SIZE])round.partials,
						  (const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])round.public_nonces,
						  signature, &culprit));
			assert_ok(bip340_verify(round.session.x, MESSAGE, signature));
			signed_count++;
		}
	}
	print_message("%zu subsets sign\n", signed_count);
	assert_int_equal(15 + 11 + 5 + 1, signed_count);
}

static void
who_gives_a_wrong_partial_signature_is_named(void **) {
	const struct house house = deal(&frost_secp256k1, 3);
	for (size_t wrong = 0; wrong < 3; wrong++) {
		struct taproot_round round;
		uint8_t signature[64];
		size_t culprit;
		sign_taproot(&house, 0b1101, 3, &round);
		round.partials[wrong][31] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, "frost.partial",
			     frost_aggregate(&round.session, (const uint8_t(*)[SCALAR_SIZE])round.partials,
					     (const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])round.public_nonces, signature,
					     &culprit));
		assert_int_equal(wrong, culprit);
	}
}

RUN_TESTS(T(every_subset_of_enough_signers_signs), T(who_gives_a_wrong_share_is_named),
	  T(a_nonce_signs_once_and_only_as_it_was_published), T(signers_are_counted_and_named_once),
	  T(elements_outside_the_prime_order_group_are_refused), T(every_subset_signs_for_tweaked_taproot_keys),
	  T(who_gives_a_wrong_partial_signature_is_named))
