/*
 * A key of the tests: its children are hashes of a seed and a path, so that the tests of Bitcoin need no other. A
 * fault here ends the process.
 */
#ifndef GATEHOUSE_TESTS_BITCOIN_KEYS_H
#define GATEHOUSE_TESTS_BITCOIN_KEYS_H

#include <stdlib.h>

#include "crypto/sign.h"
#include "tests/psbt_fixture.h"
#include "wallet/wallet.h"

static inline void
test_must(bool holds) {
	if (!holds)
		abort();
}

static const uint8_t TEST_FINGERPRINT[4] = {0xc0, 0xff, 0xee, 0x01};

/* The private key at a path from the master. seed is a text. */
static inline void
test_private_key(const char *seed, const struct signing_path *path, uint8_t key[32]) {
	_cleanup_(buffer_free) struct buffer message = {};
	buffer_append_text(&message, seed);
	for (size_t i = 0; i < path->count; i++)
		buffer_append_u32be(&message, path->steps[i]);
	test_must(buffer_status(&message) == OK);
	struct hash256 hash = sha256(buffer_bytes(&message));
	memcpy(key, hash.bytes, 32);
	test_must(secp256k1_private_check(key) == OK);
}

static inline void
test_public_key(const char *seed, const struct signing_path *path, uint8_t public_key[33]) {
	uint8_t key[32];
	test_private_key(seed, path, key);
	test_must(secp256k1_public_key(key, public_key) == OK);
}

static inline enum status
test_derive(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	test_public_key(context, path, public_key);
	return OK;
}

/* The master key of seed. */
static inline struct wallet_key
test_wallet_key(const char *seed) {
	struct wallet_key key = {.id = bytes_of_text(seed), .derive = test_derive, .context = seed};
	uint8_t public_key[33];
	memcpy(key.fingerprint, TEST_FINGERPRINT, sizeof key.fingerprint);
	test_public_key(seed, &(struct signing_path){}, public_key);
	test_must(secp256k1_public_uncompressed(BYTES_OF_ARRAY(public_key), key.public_key) == OK);
	return key;
}

/* What the keys module does with a request. */
static inline void
test_sign(const char *seed, const struct signing_request *request, struct signature *signature) {
	static const uint8_t AUXILIARY[32] = {7};
	uint8_t key[32];
	test_private_key(seed, &request->path, key);
	test_must(secp256k1_public_key(key, signature->public_key) == OK);
	if (request->tweaked)
		test_must(taproot_tweak_private(key, request->merkle_root) == OK);
	if (request->scheme == SCHEME_BIP340)
		test_must(bip340_sign(key, BYTES_OF_ARRAY(request->digest), AUXILIARY, signature->bytes) == OK);
	else
		test_must(secp256k1_sign(key, request->digest, signature->bytes, &signature->recovery) == OK);
}

static inline struct psbt_fixture_coin
test_coin(const char *seed, enum bitcoin_template template, uint64_t sats, uint32_t index) {
	struct psbt_fixture_coin coin = {
		.template = template, .sats = sats, .path = psbt_fixture_path(template, 0, 0, 0, index)};
	test_public_key(seed, &coin.path, coin.public_key);
	return coin;
}

static inline struct psbt_payment
test_change(const char *seed, enum bitcoin_template template, uint64_t sats, struct signing_path path) {
	struct psbt_payment output = {.sats = sats, .is_change = true, .template = template, .path = path};
	test_public_key(seed, &path, output.public_key);
	return output;
}

#endif
