/*
 * For tests of keys that FROST signs with: some holders in one place, how they make a key and how they sign with it. Include
 * after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_FROST_HOLDERS_H
#define GATEHOUSE_TESTS_FROST_HOLDERS_H

#include <openssl/evp.h>

#include "crypto/sign.h"
#include "keys/threshold/frost/bip340.h"
#include "keys/threshold/frost/frost_dealing.h"
#include "keys/threshold/frost/frost_quorum.h"
#include "tests/threshold_keepers.h"

PROTOCOL(frost_dealing)
PROTOCOL(frost_quorum)

struct frost_holders {
	struct frost_key_info key;
	struct frost_key_share *shares[KEEPERS_MAX + 1]; /* by index */
	const struct randomness *sources;                /* by index, of all that they draw; null: the system's */
};

static inline void
frost_holders_end(struct frost_holders *holders) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_key_share_destroy(&holders->shares[i]);
}

static inline struct frost_dealing_terms
frost_generate_terms(enum frost_scheme scheme, uint8_t threshold, uint8_t count) {
	return (struct frost_dealing_terms){
		.kind = FROST_DEALING_GENERATE,
		.instance = KEEPERS_INSTANCE,
		.nonce = KEEPERS_NONCE,
		.key = {.id = "vault",
			.scheme = scheme,
			.threshold = threshold,
			.epoch = 1,
			.holders = parties_up_to(count)},
	};
}

/* The same key in the next epoch, dealt by these. */
static inline struct frost_dealing_terms
frost_reshare_terms(const struct frost_key_info *old, const struct party_set *dealers) {
	struct frost_dealing_terms terms = {.kind = FROST_DEALING_RESHARE,
					    .instance = KEEPERS_INSTANCE,
					    .nonce = KEEPERS_NONCE,
					    .key = *old,
					    .old_key = old,
					    .dealers = dealers};
	terms.key.epoch++;
	memset(terms.key.public_shares, 0, sizeof terms.key.public_shares);
	return terms;
}

static inline void
frost_start_all(const struct frost_holders *holders, const struct frost_dealing_terms *terms,
		struct frost_dealing *dealings[KEEPERS_MAX + 1], struct network *network) {
	struct party_set parties;
	assert_ok(party_set_union(terms->dealers == nullptr ? &terms->key.holders : terms->dealers, &terms->key.holders,
				  &parties));
	network->protocol = &frost_dealing_protocol;
	for (size_t i = 0; i < parties.count; i++) {
		uint8_t index = parties.parties[i].index;
		struct frost_dealing_terms own = *terms;
		own.self = index;
		if (holders->sources != nullptr)
			own.randomness = holders->sources[index];
		if (terms->dealers != nullptr && party_set_has(terms->dealers, index))
			own.old_share = holders->shares[index];
		assert_ok(frost_dealing_start(&dealings[index], &own));
		network->machines[index] = dealings[index];
	}
}

/* Runs a dealing among all its parties until it is confirmed, and takes the shares. */
static inline void
frost_holders_deal(struct frost_holders *holders, const struct frost_dealing_terms *terms) {
	struct frost_dealing *dealings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	frost_start_all(holders, terms, dealings, &network);
	network_run(&network);
	network_expect_ok(&network);
	struct frost_key_info key = {};
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
		struct frost_key_info own = {};
		if (dealings[i] == nullptr)
			continue;
		assert_int_equal(frost_dealing_exchange(dealings[i])->state, EXCHANGE_DONE);
		assert_true(frost_dealing_confirmed(dealings[i], &own));
		if (key.threshold > 0)
			assert_memory_equal(&key, &own, sizeof key);
		key = own;
		frost_key_share_destroy(&holders->shares[i]);
		holders->shares[i] = frost_dealing_take_share(dealings[i]);
		assert_int_equal(holders->shares[i] != nullptr, party_set_has(&terms->key.holders, i));
		frost_dealing_destroy(&dealings[i]);
	}
	holders->key = key;
}

static inline void
frost_holders_generate(struct frost_holders *holders, enum frost_scheme scheme, uint8_t threshold, uint8_t count) {
	const struct frost_dealing_terms terms = frost_generate_terms(scheme, threshold, count);
	frost_holders_deal(holders, &terms);
}

/* A signature by the holders whose bits are set in subset (bit 0: index 1), the same at all of them. STATUS_UNAUTHORIZED where none
 * comes of it. */
static inline enum status
frost_holders_make_signature(const struct frost_holders *holders, unsigned subset, struct bytes message,
			     const struct frost_tweak *tweaks, size_t tweak_count, struct network *network,
			     uint8_t signature[64]) {
	struct frost_quorum *quorums[KEEPERS_MAX + 1] = {};
	struct party_set signers, all = parties_up_to(KEEPERS_MAX);
	uint8_t indices[KEEPERS_MAX], signatures[KEEPERS_MAX][64];
	size_t count = 0, done = 0;
	enum status status = OK;
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		if (subset >> (i - 1) & 1)
			indices[count++] = i;
	assert_ok(party_set_choose(&all, indices, count, &signers));
	network->protocol = &frost_quorum_protocol;
	for (size_t i = 0; i < count && status == OK; i++) {
		struct frost_quorum_terms terms = {.share = holders->shares[indices[i]],
						   .signers = &signers,
						   .instance = KEEPERS_INSTANCE,
						   .nonce = KEEPERS_NONCE,
						   .message = message,
						   .tweaks = tweaks,
						   .tweak_count = tweak_count};
		status = frost_quorum_start(&quorums[indices[i]], &terms);
		network->machines[indices[i]] = quorums[indices[i]];
	}
	if (status == OK)
		network_run(network);
	for (size_t i = 0; i < count && status == OK; i++)
		done += frost_quorum_signature(quorums[indices[i]], signatures[i]);
	for (size_t i = 1; i < count && done == count; i++)
		assert_memory_equal(signatures[0], signatures[i], sizeof signatures[0]);
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_quorum_destroy(&quorums[i]);
	if (status != OK || done < count)
		return status != OK ? status : fail(STATUS_UNAUTHORIZED, "holders.signature: none came of it");
	memcpy(signature, signatures[0], 64);
	return OK;
}

static size_t frost_verified_by_openssl; /* of Ed25519: how many that libsodium accepts */

static inline void
assert_openssl_accepts_ed25519(const uint8_t public_key[32], struct bytes message, const uint8_t signature[64]) {
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, public_key, 32);
	EVP_MD_CTX *verifier = EVP_MD_CTX_new();
	assert_non_null(key);
	assert_int_equal(1, EVP_DigestVerifyInit_ex(verifier, nullptr, nullptr, nullptr, nullptr, key, nullptr));
	assert_int_equal(1, EVP_DigestVerify(verifier, signature, 64, message.data, message.len));
	frost_verified_by_openssl++;
	EVP_MD_CTX_free(verifier);
	EVP_PKEY_free(key);
}

/* A signature as above, verified by whoever knows nothing of thresholds: libsecp256k1; libsodium and OpenSSL. */
static inline enum status
frost_holders_sign_tweaked(const struct frost_holders *holders, unsigned subset, struct bytes message,
			   const struct frost_tweak *tweaks, size_t tweak_count, struct network *network) {
	uint8_t signature[64], key[32];
	TRY(frost_holders_make_signature(holders, subset, message, tweaks, tweak_count, network, signature));
	if (holders->key.scheme == FROST_SCHEME_ED25519) {
		TRY(ed25519_verify(holders->key.public_key.bytes, message, signature));
		assert_openssl_accepts_ed25519(holders->key.public_key.bytes, message, signature);
		return OK;
	}
	struct frost_key tweaked;
	assert_ok(frost_key_open(holders->key.public_key.bytes, &tweaked));
	for (size_t i = 0; i < tweak_count; i++)
		assert_ok(frost_key_tweak(&tweaked, tweaks[i].number, tweaks[i].is_x_only));
	frost_key_x_only(&tweaked, key);
	return bip340_verify(key, message, signature);
}

static inline enum status
frost_holders_sign(const struct frost_holders *holders, unsigned subset, struct bytes message) {
	struct network network = {};
	return frost_holders_sign_tweaked(holders, subset, message, nullptr, 0, &network);
}

/* Every subset of at least the threshold signs; returns how many there are. */
static inline size_t
frost_holders_sign_all(const struct frost_holders *holders) {
	size_t subsets = 0;
	unsigned all = 0;
	for (size_t i = 0; i < holders->key.holders.count; i++)
		all |= 1U << (holders->key.holders.parties[i].index - 1);
	for (unsigned subset = 1; subset <= all; subset++) {
		if ((subset & ~all) != 0 || __builtin_popcount(subset) < holders->key.threshold)
			continue;
		assert_ok(frost_holders_sign(holders, subset, BYTES_OF_LITERAL("sell 3 calls")));
		subsets++;
	}
	return subsets;
}

#endif
