/*
 * The vectors of RFC 9591 and of the Zcash Foundation's FROST, 14 files: signing (8), distributed key generation (3) and repair of a
 * share (3). The suite for Taproot among the latter, and how its shares and proofs are made, exist here only: on the wire
 * BIP-340 keys sign by BIP-445 (bip340.h).
 */
#include "tests/test.h"

#include <sodium.h>

#include "tests/corpora.h"

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "keys/threshold/frost/frost.h"
#include "keys/threshold/point.h"

/* --- The suite for Taproot keys --- */

#define TAPROOT "FROST-secp256k1-SHA256-TR-v1"

static struct frost_scalar
taproot_binding(const struct bytes *parts, size_t count) {
	return frost_hash_to_scalar(BYTES_OF_LITERAL(TAPROOT "rho"), parts, count);
}

static struct frost_scalar
taproot_nonce(const struct bytes *parts, size_t count) {
	return frost_hash_to_scalar(BYTES_OF_LITERAL(TAPROOT "nonce"), parts, count);
}

static struct frost_scalar
taproot_challenge(const struct bytes *parts, size_t count) {
	_cleanup_(buffer_free) struct buffer whole = {};
	struct frost_scalar scalar;
	for (size_t i = 0; i < count; i++)
		buffer_append_bytes(&whole, parts[i]);
	assert_ok(buffer_status(&whole));
	const struct hash256 hash = tagged_hash("BIP0340/challenge", buffer_bytes(&whole));
	const struct scalar number = scalar_reduce(hash.bytes);
	scalar_write(&number, scalar.bytes);
	return scalar;
}

static void
taproot_message_digest(const struct bytes *parts, size_t, uint8_t digest[FROST_DIGEST_MAX]) {
	const struct hash256 hash = SHA256_PARTS(BYTES_OF_LITERAL(TAPROOT "msg"), parts[0]);
	memcpy(digest, hash.bytes, sizeof hash.bytes);
}

static void
taproot_commitments_digest(const struct bytes *parts, size_t, uint8_t digest[FROST_DIGEST_MAX]) {
	const struct hash256 hash = SHA256_PARTS(BYTES_OF_LITERAL(TAPROOT "com"), parts[0]);
	memcpy(digest, hash.bytes, sizeof hash.bytes);
}

static enum status
taproot_verify(const struct frost_element *key, struct bytes message, const uint8_t *signature) {
	return bip340_verify(key->bytes + 1, message, signature);
}

static struct frost_suite taproot;

static void
make_taproot(void) {
	taproot = frost_secp256k1; /* the same group, with other hashes */
	taproot.is_x_only = true;
	taproot.binding = taproot_binding;
	taproot.nonce = taproot_nonce;
	taproot.challenge = taproot_challenge;
	taproot.message_digest = taproot_message_digest;
	taproot.commitments_digest = taproot_commitments_digest;
	taproot.verify = taproot_verify;
}

/* --- Reading --- */

static struct frost_scalar
scalar_at(struct arena *arena, const struct frost_suite *suite, const json *object, const char *name) {
	struct frost_scalar scalar;
	struct bytes bytes = corpora_hex(arena, object, name);
	assert_int_equal(32, bytes.len);
	assert_ok(suite->scalar_read(bytes.data, &scalar));
	return scalar;
}

static struct frost_element
element_at(struct arena *arena, const struct frost_suite *suite, const json *object, const char *name) {
	struct frost_element element = {};
	struct bytes bytes = corpora_hex(arena, object, name);
	assert_int_equal(suite->element_size, bytes.len);
	assert_ok(suite->element_read(bytes.data, &element));
	return element;
}

static void
assert_scalar(const struct frost_scalar *expected, const struct frost_scalar *actual) {
	assert_bytes(BYTES_OF_ARRAY(expected->bytes), BYTES_OF_ARRAY(actual->bytes));
}

static void
assert_element(const struct frost_element *expected, const struct frost_element *actual) {
	assert_bytes(BYTES_OF_ARRAY(expected->bytes), BYTES_OF_ARRAY(actual->bytes));
}

/* --- Signing --- */

struct fixed {
	uint8_t bytes[2][32];
	size_t used;
};

static void
fill_fixed(void *context, void *to, size_t len) {
	struct fixed *fixed = context;
	assert_int_equal(32, len);
	assert_true(fixed->used < 2);
	memcpy(to, fixed->bytes[fixed->used++], len);
}

static const json *
with_identifier(const json *list, int64_t identifier) {
	struct json_iterator iterator = json_iterate(list);
	for (const json *item; (item = json_next(&iterator, nullptr)) != nullptr;)
		if (json_integer(json_get(item, "identifier")) == identifier)
			return item;
	fail_msg("no participant %lld", (long long)identifier);
	return nullptr;
}

struct signer {
	uint16_t identifier;
	struct frost_scalar share;
	struct frost_nonces nonces;
};

static void
commit(struct arena *arena, const struct frost_suite *suite, const json *root, const json *output,
       struct signer *signer) {
	struct fixed fixed = {};
	const struct randomness randomness = {fill_fixed, &fixed};
	signer->identifier = (uint16_t)json_integer(json_get(output, "identifier"));
	const json *shares = json_get(json_get(root, "inputs"), "participant_shares");
	signer->share = scalar_at(arena, suite, with_identifier(shares, signer->identifier), "participant_share");
	memcpy(fixed.bytes[0], corpora_hex(arena, output, "hiding_nonce_randomness").data, 32);
	memcpy(fixed.bytes[1], corpora_hex(arena, output, "binding_nonce_randomness").data, 32);
	assert_ok(frost_commit(suite, signer->identifier, &signer->share, &randomness, &signer->nonces));
	const struct frost_scalar hiding = scalar_at(arena, suite, output, "hiding_nonce"),
				  binding = scalar_at(arena, suite, output, "binding_nonce");
	const struct frost_element hidden = element_at(arena, suite, output, "hiding_nonce_commitment"),
				   bound = element_at(arena, suite, output, "binding_nonce_commitment");
	assert_scalar(&hiding, &signer->nonces.hiding);
	assert_scalar(&binding, &signer->nonces.binding);
	assert_element(&hidden, &signer->nonces.commitment.hiding);
	assert_element(&bound, &signer->nonces.commitment.binding);
}

static struct frost_element
group_key(struct arena *arena, const struct frost_suite *suite, const json *inputs) {
	const char *name = json_get(inputs, "group_public_key") != nullptr ? "group_public_key" : "verifying_key_key";
	return element_at(arena, suite, inputs, name);
}

static void
signing_vector(const struct frost_suite *suite, const char *file) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root = corpora_read_json(&arena, file), *inputs = json_get(root, "inputs");
	const json *first = json_get(json_get(root, "round_one_outputs"), "outputs"),
		   *second = json_get(json_get(root, "round_two_outputs"), "outputs");
	const struct frost_element key = group_key(&arena, suite, inputs);
	struct frost_commitment commitments[FROST_PARTICIPANTS_MAX];
	struct frost_scalar shares[FROST_PARTICIPANTS_MAX];
	struct frost_element public_shares[FROST_PARTICIPANTS_MAX];
	struct signer signers[FROST_PARTICIPANTS_MAX];
	struct frost_signing signing;
	uint8_t signature[FROST_SIGNATURE_MAX];
	size_t count = json_size(first), culprit;
	struct json_iterator iterator = json_iterate(first);
	assert_true(count > 1 && count <= FROST_PARTICIPANTS_MAX);
	for (size_t i = 0; i < count; i++) {
		commit(&arena, suite, root, json_next(&iterator, nullptr), &signers[i]);
		commitments[count - 1 - i] = signers[i].nonces.commitment; /* in the other order */
	}
	const struct bytes message = corpora_hex(&arena, inputs, "message");
	for (size_t i = 0; i < count; i++) {
		const json *output = with_identifier(second, signers[i].identifier),
			   *bound = with_identifier(first, signers[i].identifier);
		assert_ok(frost_signing_open(suite, &key, commitments, nullptr, count, message,
					     i == 0 ? nullptr : &signers[i].nonces, &signing));
		const struct frost_scalar factor = scalar_at(&arena, suite, bound, "binding_factor"),
					  expected = scalar_at(&arena, suite, output, "sig_share");
		assert_scalar(&factor, &signing.bindings[i]);
		assert_ok(frost_share_sign(&signing, signers[i].identifier, &signers[i].share, &signers[i].nonces,
					   &shares[i]));
		assert_scalar(&expected, &shares[i]);
		assert_ok(suite->element_of(&signers[i].share, &public_shares[i]));
		assert_ok(frost_share_verify(&signing, i, &public_shares[i], &shares[i]));
		assert_fails(STATUS_INVALID, "frost.nonce",
			     frost_share_sign(&signing, signers[i].identifier, &signers[i].share, &signers[i].nonces,
					      &shares[i]));
	}
	assert_ok(frost_shares_aggregate(&signing, shares, public_shares, signature, &culprit));
	const struct bytes expected = corpora_hex(&arena, json_get(root, "final_output"), "sig");
	assert_bytes(expected, bytes_of(signature, expected.len));
}

/* --- Distributed key generation --- */

static struct frost_scalar
proof_challenge(const struct frost_suite *suite, uint16_t identifier, const struct frost_element *statement,
		const struct frost_element *nonce) {
	const struct frost_scalar number = suite->scalar_of(identifier);
	const struct bytes parts[] = {BYTES_OF_ARRAY(number.bytes), frost_element_bytes(suite, statement),
				      frost_element_bytes(suite, nonce)};
	if (suite == &frost_ed25519) {
		_cleanup_(buffer_free) struct buffer whole = {};
		struct frost_scalar reduced;
		uint8_t digest[64];
		buffer_append_text(&whole, "FROST-ED25519-SHA512-v1dkg");
		for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
			buffer_append_bytes(&whole, parts[i]);
		assert_ok(buffer_status(&whole));
		crypto_hash_sha512(digest, whole.data, whole.len);
		/* 2^256 · high + low, by what the suite has */
		struct frost_scalar byte_base = suite->scalar_of(256), sum = {};
		for (size_t i = sizeof digest; i-- > 0;) {
			const struct frost_scalar digit = suite->scalar_of(digest[i]);
			sum = suite->multiply(&sum, &byte_base);
			sum = suite->add(&sum, &digit);
		}
		reduced = sum;
		return reduced;
	}
	return frost_hash_to_scalar(suite == &taproot ? BYTES_OF_LITERAL(TAPROOT "dkg")
						      : BYTES_OF_LITERAL("FROST-secp256k1-SHA256-v1dkg"),
				    parts, ARRAY_LENGTH(parts));
}

/* response · generator = nonce + challenge · statement */
static void
check_proof(struct arena *arena, const struct frost_suite *suite, uint16_t identifier,
	    const struct frost_element *statement, const json *participant) {
	const struct bytes proof = corpora_hex(arena, participant, "proof_of_knowledge");
	uint8_t encoded[33] = {2};
	struct frost_element nonce = {}, left, right;
	struct frost_scalar response;
	size_t size = suite->element_size - (suite->is_x_only ? 1 : 0);
	assert_int_equal(size + 32, proof.len);
	memcpy(encoded + (suite->is_x_only ? 1 : 0), proof.data, size);
	assert_ok(suite->element_read(encoded, &nonce));
	assert_ok(suite->scalar_read(proof.data + size, &response));
	const struct frost_scalar factor = proof_challenge(suite, identifier, statement, &nonce);
	assert_ok(suite->element_of(&response, &left));
	assert_ok(suite->element_multiply(statement, &factor, &right));
	assert_ok(suite->element_add(&right, &nonce, &right));
	assert_element(&left, &right);
}

static struct frost_scalar
evaluate(const struct frost_suite *suite, const struct frost_scalar *constant, const struct frost_scalar *slope,
	 unsigned at) {
	const struct frost_scalar x = suite->scalar_of(at), product = suite->multiply(&x, slope);
	return suite->add(&product, constant);
}

/* Taproot keys end in the output key of BIP-341 without scripts: shares count for the even y, and the tweak is added to each. */
static void
finish_taproot(struct frost_element *key, struct frost_scalar *share) {
	const struct frost_scalar zero = {};
	uint8_t x[32];
	struct frost_scalar tweak;
	struct frost_element added;
	if (key->bytes[0] == 3)
		*share = taproot.subtract(&zero, share);
	key->bytes[0] = 2;
	memcpy(x, key->bytes + 1, sizeof x);
	const struct hash256 hash = tagged_hash("TapTweak", BYTES_OF_ARRAY(x));
	assert_ok(taproot.scalar_read(hash.bytes, &tweak));
	*share = taproot.add(share, &tweak);
	assert_ok(taproot.element_of(&tweak, &added));
	assert_ok(taproot.element_add(key, &added, key));
}

static void
key_generation_vector(const struct frost_suite *suite, const char *file) {
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const NAMES[] = {"1", "2", "3"};
	const json *inputs = json_get(corpora_read_json(&arena, file), "inputs");
	struct frost_scalar constants[3], slopes[3];
	struct frost_element key;
	for (size_t i = 0; i < 3; i++) {
		const json *participant = json_get(inputs, NAMES[i]);
		constants[i] = scalar_at(&arena, suite, participant, "signing_key");
		slopes[i] = scalar_at(&arena, suite, participant, "coefficient");
		struct json_iterator iterator = json_iterate(json_get(participant, "vss_commitments"));
		const struct frost_scalar *coefficients[] = {&constants[i], &slopes[i]};
		struct frost_element commitment;
		for (size_t j = 0; j < 2; j++) {
			struct bytes text = json_string(json_next(&iterator, nullptr));
			uint8_t expected[33] = {};
			assert_ok(hex_decode(text, expected, suite->element_size));
			assert_ok(suite->element_of(coefficients[j], &commitment));
			assert_bytes(BYTES_OF_ARRAY(expected), BYTES_OF_ARRAY(commitment.bytes));
		}
		assert_ok(suite->element_of(&constants[i], &commitment));
		check_proof(&arena, suite, (uint16_t)(i + 1), &commitment, participant);
		if (i == 0)
			key = commitment;
		else
			assert_ok(suite->element_add(&key, &commitment, &key));
	}
	const struct frost_element expected_key = element_at(&arena, suite, inputs, "verifying_key");
	for (size_t i = 0; i < 3; i++) {
		const json *participant = json_get(inputs, NAMES[i]),
			   *received = json_get(participant, "signing_shares");
		struct frost_scalar share = {};
		struct frost_element public_share, whole = key;
		for (size_t j = 0; j < 3; j++) {
			/* signing_shares of participant i: what j gave to it */
			struct frost_scalar part = evaluate(suite, &constants[j], &slopes[j], (unsigned)i + 1);
			if (json_get(received, NAMES[j]) != nullptr) {
				const struct frost_scalar said = scalar_at(&arena, suite, received, NAMES[j]);
				assert_scalar(&said, &part);
			}
			share = suite->add(&share, &part);
		}
		if (suite->is_x_only)
			finish_taproot(&whole, &share);
		const struct frost_scalar expected = scalar_at(&arena, suite, participant, "signing_share");
		const struct frost_element expected_public = element_at(&arena, suite, participant, "verifying_share");
		assert_scalar(&expected, &share);
		assert_ok(suite->element_of(&share, &public_share));
		assert_element(&expected_public, &public_share);
		assert_element(&expected_key, &whole);
	}
}

/* --- Repair of a share: what is lost is a sum of what the helpers give --- */

static void
repair_vector(const struct frost_suite *suite, const char *file) {
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const RANDOM[] = {"random_scalar_1", "random_scalar_2", "random_scalar_3"};
	static const char *const SIGMA[] = {"sigma_1", "sigma_2", "sigma_3", "sigma_4"};
	const json *root = corpora_read_json(&arena, file), *scalars = json_get(root, "scalar_generation"),
		   *sigmas = json_get(root, "sigma_generation");
	struct frost_scalar sum = {}, repaired = {};
	for (size_t i = 0; i < ARRAY_LENGTH(RANDOM); i++) {
		const struct frost_scalar scalar = scalar_at(&arena, suite, scalars, RANDOM[i]);
		sum = suite->add(&sum, &scalar);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(SIGMA); i++) {
		const struct frost_scalar scalar = scalar_at(&arena, suite, sigmas, SIGMA[i]);
		repaired = suite->add(&repaired, &scalar);
	}
	const struct frost_scalar expected = scalar_at(&arena, suite, scalars, "random_scalar_sum"),
				  expected_repaired = scalar_at(&arena, suite, sigmas, "sigma_sum");
	assert_scalar(&expected, &sum);
	assert_scalar(&expected_repaired, &repaired);
}

static void
every_vector_holds(void **) {
	static const struct {
		void (*run)(const struct frost_suite *, const char *);
		const struct frost_suite *suite;
		const char *file;
	} files[] = {
		{signing_vector, &frost_ed25519, "frost/rfc9591-ed25519-sha512.json"},
		{signing_vector, &frost_secp256k1, "frost/rfc9591-secp256k1-sha256.json"},
		{signing_vector, &frost_ed25519, "frost/zf-ed25519-vectors.json"},
		{signing_vector, &frost_ed25519, "frost/zf-ed25519-vectors-big-identifier.json"},
		{signing_vector, &frost_secp256k1, "frost/zf-secp256k1-vectors.json"},
		{signing_vector, &frost_secp256k1, "frost/zf-secp256k1-vectors-big-identifier.json"},
		{signing_vector, &taproot, "frost/zf-secp256k1-tr-vectors.json"},
		{signing_vector, &taproot, "frost/zf-secp256k1-tr-vectors-big-identifier.json"},
		{key_generation_vector, &frost_ed25519, "frost/zf-ed25519-vectors_dkg.json"},
		{key_generation_vector, &frost_secp256k1, "frost/zf-secp256k1-vectors_dkg.json"},
		{key_generation_vector, &taproot, "frost/zf-secp256k1-tr-vectors_dkg.json"},
		{repair_vector, &frost_ed25519, "frost/zf-ed25519-repair-share.json"},
		{repair_vector, &frost_secp256k1, "frost/zf-secp256k1-repair-share.json"},
		{repair_vector, &taproot, "frost/zf-secp256k1-tr-repair-share.json"},
	};
	make_taproot();
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
		files[i].run(files[i].suite, files[i].file);
	corpora_expect("FROST", ARRAY_LENGTH(files), 14);
}

RUN_TESTS(T(every_vector_holds))
