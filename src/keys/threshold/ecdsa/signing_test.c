/*
 * Threshold ECDSA end to end: every quorum of every key of up to four holders signs, and two libraries that know
 * nothing of thresholds accept it; keys are refreshed, change hands, come in and go out.
 */
#include "tests/test.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "crypto/sign.h"
#include "keys/bip32.h"
#include "keys/threshold/ecdsa/share_testing.h"
#include "tests/threshold_keepers.h"

static const uint8_t NONCES[8][32] = {{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}};
static size_t verified_by_openssl;

static void
assert_openssl_accepts(const struct ecdsa_request *request, const struct ecdsa_signature *signature) {
	uint8_t der[72], public_key[65];
	size_t len = 0;
	assert_ok(secp256k1_ecdsa_to_der(signature->compact, der, &len));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(signature->public_key), public_key));
	EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr);
	EVP_PKEY *key = nullptr;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"secp256k1"}, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public_key, sizeof public_key),
		OSSL_PARAM_construct_end(),
	};
	assert_int_equal(EVP_PKEY_fromdata_init(maker), 1);
	assert_int_equal(EVP_PKEY_fromdata(maker, &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
	EVP_PKEY_CTX *verifier = EVP_PKEY_CTX_new(key, nullptr);
	assert_int_equal(EVP_PKEY_verify_init(verifier), 1);
	assert_int_equal(EVP_PKEY_verify(verifier, der, len, request->digest, 32), 1);
	EVP_PKEY_CTX_free(verifier);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(maker);
	verified_by_openssl++;
}

/* The public key that BIP-32 gives, by the code that other keys use. */
static void
assert_public_key_of_path(const struct ecdsa_key *key, const struct signing_path *path,
			  const struct ecdsa_signature *signature) {
	uint8_t public_key[33], chain_code[32];
	memcpy(public_key, key->public_key, sizeof public_key);
	memcpy(chain_code, key->chain_code, sizeof chain_code);
	for (size_t i = 0; i < path->count; i++)
		assert_ok(bip32_public_child(public_key, chain_code, path->steps[i]));
	assert_memory_equal(public_key, signature->public_key, sizeof public_key);
}

static void
assert_signature(const struct keepers *keepers, const struct ecdsa_request *request,
		 const struct ecdsa_signature *signature) {
	uint8_t recovered[65], expected[65];
	assert_public_key_of_path(&keepers->key, &request->path, signature);
	assert_ok(secp256k1_verify(BYTES_OF_ARRAY(signature->public_key), request->digest, signature->compact));
	assert_true(secp256k1_ecdsa_is_low_s(signature->compact));
	assert_ok(secp256k1_recover(request->digest, signature->compact, signature->recovery, recovered));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(signature->public_key), expected));
	assert_memory_equal(recovered, expected, sizeof expected);
	assert_openssl_accepts(request, signature);
}

static void
sign_in_full(struct keepers *keepers, const struct party_set *signers, const struct ecdsa_request *request,
	     const uint8_t nonce[32]) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature = {}, first = {};
	keepers_start_signing(keepers, signers, request, nonce, signings, &network);
	network_run(&network);
	network_expect_ok(&network);
	for (size_t i = 0; i < signers->count; i++) {
		struct signing *signing = signings[signers->parties[i].index];
		assert_true(signing_result(signing, &signature));
		assert_null(signing_take_presignature(signing));
		if (i == 0)
			first = signature;
		assert_memory_equal(&first, &signature, sizeof first);
	}
	assert_signature(keepers, request, &first);
	end_signings(signings);
}

static void
sign_prepared(struct keepers *keepers, const struct party_set *signers, const struct ecdsa_request *request,
	      const uint8_t nonce[32]) {
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct network network = {};
	struct ecdsa_signature signature = {};
	keepers_prepare(keepers, signers, nonce, presignatures);
	keepers_start_online(keepers, presignatures, signers, request, onlines, &network);
	network_run(&network);
	network_expect_ok(&network);
	for (size_t i = 0; i < signers->count; i++)
		assert_true(online_result(onlines[signers->parties[i].index], &signature));
	assert_signature(keepers, request, &signature);
	end_onlines(onlines);
}

static size_t
sign_with_every_quorum(struct keepers *keepers) {
	size_t quorums = 0;
	uint8_t count = keepers->key.holders.count;
	for (unsigned chosen = 1; chosen < 1U << count; chosen++) {
		struct party_set signers = {};
		for (uint8_t i = 0; i < count; i++)
			if (chosen >> i & 1)
				signers.parties[signers.count++] = keepers->key.holders.parties[i];
		if (signers.count < keepers->key.threshold)
			continue;
		struct ecdsa_request request = plain_request("pay");
		sign_in_full(keepers, &signers, &request, NONCES[0]);
		request.path = (struct signing_path){.steps = {0, 7}, .count = 2};
		sign_prepared(keepers, &signers, &request, NONCES[1]);
		quorums++;
	}
	return quorums;
}

static void
every_quorum_of_up_to_four_holders_signs(void **) {
	static const struct {
		uint8_t threshold, holders;
		size_t quorums;
	} cases[] = {{2, 2, 1}, {2, 3, 4}, {3, 3, 1}, {2, 4, 11}, {3, 4, 5}, {4, 4, 1}};
	size_t quorums = 0;
	verified_by_openssl = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct keepers keepers = {};
		keepers_generate(&keepers, cases[i].threshold, cases[i].holders, KEY_PURPOSE_TRANSFER);
		size_t signed_by = sign_with_every_quorum(&keepers);
		assert_int_equal(signed_by, cases[i].quorums);
		quorums += signed_by;
		keepers_end(&keepers);
	}
	print_message("%zu quorums, %zu signatures\n", quorums, verified_by_openssl);
	assert_int_equal(verified_by_openssl, 2 * quorums);
}

static void
a_digest_key_signs_opaque_digests_in_full_rounds_only(void **) {
	struct keepers keepers = {}, transfer = {};
	struct ecdsa_request request = plain_request("opaque"), decoded = request;
	struct signing *signing = nullptr;
	request.opaque = true;
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_DIGEST);
	keepers_generate(&transfer, 2, 2, KEY_PURPOSE_TRANSFER);
	struct party_set signers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	sign_in_full(&keepers, &signers, &request, NONCES[0]);
	struct signing_terms terms = {
		.share = keepers.shares[1], .signers = &signers, .instance = KEEPERS_INSTANCE, .nonce = NONCES[1]};
	assert_fails(STATUS_DENIED, "ecdsa.purpose", signing_start(&signing, &terms));
	terms.request = &decoded;
	assert_fails(STATUS_DENIED, "ecdsa.purpose", signing_start(&signing, &terms));
	struct ecdsa_request below = request;
	below.path = (struct signing_path){.steps = {0}, .count = 1};
	terms.request = &below;
	assert_fails(STATUS_DENIED, "ecdsa.path", signing_start(&signing, &terms));
	terms.share = transfer.shares[1];
	terms.request = &request;
	assert_fails(STATUS_DENIED, "ecdsa.purpose", signing_start(&signing, &terms));
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *online = nullptr;
	keepers_prepare(&transfer, &signers, NONCES[2], presignatures);
	assert_fails(STATUS_DENIED, "presignature.purpose",
		     online_start(&online, &presignatures[1], transfer.shares[1], KEEPERS_INSTANCE, &request));
	assert_null(presignatures[1]); /* used up all the same */
	presignature_destroy(&presignatures[2]);
	keepers_end(&keepers);
	keepers_end(&transfer);
}

static void
a_presignature_is_used_once(void **) {
	struct keepers keepers = {};
	_cleanup_(presignature_pool_free) struct presignature_pool pool = {};
	struct presignature *presignatures[KEEPERS_MAX + 1] = {}, *taken = nullptr, *again = nullptr;
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
	struct party_set signers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	keepers_prepare(&keepers, &signers, NONCES[0], presignatures);
	struct hash256 id = presignatures[1]->id, unknown = sha256(BYTES_OF_LITERAL("unknown"));
	assert_ok(presignature_pool_add(&pool, &presignatures[1]));
	assert_null(presignatures[1]);
	assert_fails(STATUS_NOT_FOUND, "presignature.unknown", presignature_pool_take(&pool, &unknown, &taken));
	assert_ok(presignature_pool_take(&pool, &id, &taken));
	assert_fails(STATUS_CONFLICT, "presignature.used", presignature_pool_take(&pool, &id, &again));
	assert_fails(STATUS_CONFLICT, "presignature.used", presignature_pool_add(&pool, &taken));
	assert_non_null(taken);
	presignature_destroy(&taken);
	assert_fails(STATUS_CONFLICT, "presignature.used", presignature_pool_add(&pool, &presignatures[2]));
	presignature_destroy(&presignatures[2]);
	keepers_prepare(&keepers, &signers, NONCES[1], presignatures);
	id = presignatures[1]->id;
	assert_ok(presignature_pool_add(&pool, &presignatures[1]));
	presignature_pool_discard(&pool);
	assert_fails(STATUS_CONFLICT, "presignature.used", presignature_pool_take(&pool, &id, &taken));
	presignature_destroy(&presignatures[2]);
	keepers_end(&keepers);
}

/* Whoever has another request is in another session: nothing that it sends is taken, and nothing that it gets. */
static void
signers_with_different_requests_never_meet(void **) {
	struct keepers keepers = {};
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
	struct party_set signers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	struct ecdsa_request requests[5];
	for (size_t i = 0; i < ARRAY_LENGTH(requests); i++)
		requests[i] = plain_request("pay");
	requests[1].digest[31] ^= 1;
	requests[2].bundle_hash[0] ^= 1;
	requests[3].path.count = 1;
	requests[4].path.count = 2;
	for (size_t i = 1; i < ARRAY_LENGTH(requests); i++) {
		struct online *onlines[KEEPERS_MAX + 1] = {};
		struct network network = {.protocol = &online_protocol};
		keepers_prepare(&keepers, &signers, NONCES[i], presignatures);
		for (uint8_t index = 1; index <= 2; index++) {
			assert_ok(online_start(&onlines[index], &presignatures[index], keepers.shares[index],
					       KEEPERS_INSTANCE, &requests[index == 1 ? 0 : i]));
			network.machines[index] = onlines[index];
		}
		network_run(&network);
		for (uint8_t index = 1; index <= 2; index++) {
			struct ecdsa_signature signature;
			assert_string_equal(network.failure[index], "exchange.stray");
			assert_int_equal(online_exchange(onlines[index])->state, EXCHANGE_RUNNING);
			assert_false(online_result(onlines[index], &signature));
		}
		end_onlines(onlines);
	}
	keepers_end(&keepers);
}

static void
a_hardened_path_and_too_few_signers_are_refused(void **) {
	struct keepers keepers = {};
	keepers_generate(&keepers, 3, 3, KEY_PURPOSE_TRANSFER);
	struct ecdsa_request request = plain_request("pay");
	struct signing *signing = nullptr;
	struct party_set two = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2),
			 others = choose_signers(&keepers, (const uint8_t[]){2, 3}, 2), four = parties_up_to(4);
	struct signing_terms terms = {.share = keepers.shares[1],
				      .signers = &keepers.key.holders,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = NONCES[0],
				      .request = &request};
	request.path = (struct signing_path){.steps = {BIP32_HARDENED}, .count = 1};
	assert_fails(STATUS_INVALID, "ecdsa.path", signing_start(&signing, &terms));
	request.path.count = SIGNING_PATH_MAX + 1;
	assert_fails(STATUS_INVALID, "ecdsa.path", signing_start(&signing, &terms));
	request.path.count = 0;
	terms.signers = &two;
	assert_fails(STATUS_INVALID, "ecdsa.signers", signing_start(&signing, &terms));
	terms.signers = &others;
	assert_fails(STATUS_INVALID, "ecdsa.signers", signing_start(&signing, &terms));
	terms.signers = &four;
	assert_fails(STATUS_INVALID, "ecdsa.signers", signing_start(&signing, &terms));
	four = keepers.key.holders;
	four.parties[2].identity[0] ^= 1;
	assert_fails(STATUS_INVALID, "ecdsa.signers", signing_start(&signing, &terms));
	keepers_end(&keepers);
}

/* --- The key's life --- */

static struct dealing_terms
reshare_terms(const struct ecdsa_key *old, const struct party_set *dealers, const struct party_set *holders,
	      uint8_t threshold) {
	struct dealing_terms terms = {.kind = DEALING_RESHARE,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = NONCES[5],
				      .key = *old,
				      .old_key = old,
				      .dealers = dealers};
	terms.key.epoch = old->epoch + 1;
	terms.key.holders = *holders;
	terms.key.threshold = threshold;
	return terms;
}

static void
shares_change_and_the_key_stays(void **) {
	static const struct {
		uint8_t dealers[3], dealer_count, holders[4], holder_count, threshold;
	} steps[] = {
		{{1, 3}, 2, {1, 2, 3}, 3, 2},    /* a refresh */
		{{1, 2}, 2, {2, 3, 4}, 3, 2},    /* one goes, one comes */
		{{2, 4}, 2, {1, 2, 3, 4}, 4, 3}, /* more holders, and a higher threshold */
		{{1, 2, 4}, 3, {3, 5}, 2, 2},    /* others altogether */
	};
	struct keepers keepers = {};
	keepers_generate(&keepers, 2, 3, KEY_PURPOSE_TRANSFER);
	struct party_set all = parties_up_to(5);
	const struct ecdsa_key first = keepers.key;
	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
		struct party_set dealers, holders;
		struct network network = {};
		struct ecdsa_key old = keepers.key;
		assert_ok(party_set_choose(&old.holders, steps[i].dealers, steps[i].dealer_count, &dealers));
		assert_ok(party_set_choose(&all, steps[i].holders, steps[i].holder_count, &holders));
		struct dealing_terms terms = reshare_terms(&old, &dealers, &holders, steps[i].threshold);
		keepers_deal(&keepers, &terms, &network);
		assert_memory_equal(first.public_key, keepers.key.public_key, POINT_SIZE);
		assert_memory_equal(first.chain_code, keepers.key.chain_code, 32);
		assert_memory_not_equal(old.public_shares[0], keepers.key.public_shares[0], POINT_SIZE);
		for (uint8_t party = 1; party <= KEEPERS_MAX; party++)
			if (!party_set_has(&holders, party))
				ecdsa_share_destroy(&keepers.shares[party]); /* an old one, or none */
		assert_true(sign_with_every_quorum(&keepers) > 0);
	}
	keepers_end(&keepers);
}

static void
shares_of_two_epochs_do_not_go_together(void **) {
	struct keepers keepers = {}, old = {};
	struct network network = {};
	_cleanup_(secret_free) struct secret joined = {};
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
	struct ecdsa_key key = keepers.key;
	old.shares[1] = TAKE(keepers.shares[1]);
	assert_ok(ecdsa_share_create(&keepers.shares[1], &key, 1));
	*ecdsa_share_value(keepers.shares[1]) = *ecdsa_share_value(old.shares[1]);
	struct dealing_terms terms = reshare_terms(&key, &key.holders, &key.holders, 2);
	keepers_deal(&keepers, &terms, &network);
	const struct ecdsa_share *mixed[] = {old.shares[1], keepers.shares[2]}, *one[] = {keepers.shares[1]},
				 *twice[] = {keepers.shares[1], keepers.shares[1]},
				 *both[] = {keepers.shares[2], keepers.shares[1]};
	assert_fails(STATUS_DENIED, "ecdsa.shares", ecdsa_join_shares(mixed, 2, &joined));
	assert_fails(STATUS_DENIED, "ecdsa.shares", ecdsa_join_shares(one, 1, &joined));
	assert_fails(STATUS_INVALID, "session.party_index", ecdsa_join_shares(twice, 2, &joined));
	assert_ok(ecdsa_join_shares(both, 2, &joined));
	uint8_t public_key[33];
	assert_ok(secp256k1_public_key(joined.data, public_key));
	assert_memory_equal(public_key, keepers.key.public_key, sizeof public_key);
	/* An old share in a new signing: the pair is not the one that the other has. */
	struct party_set signers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	network = (struct network){};
	struct ecdsa_share *now = keepers.shares[1];
	keepers.shares[1] = old.shares[1];
	keepers_start_signing(&keepers, &signers, &request, NONCES[0], signings, &network);
	network_run(&network);
	assert_string_equal(network.failure[1], "exchange.stray");
	end_signings(signings);
	keepers.shares[1] = now;
	keepers_end(&keepers);
	keepers_end(&old);
}

static void
a_key_comes_in_by_parts_and_goes_out_by_quorum(void **) {
	struct keepers keepers = {};
	struct network network = {};
	const struct randomness system = {};
	uint8_t private_key[32] = {[0] = 3, [31] = 1}, parts[3][SCALAR_SIZE];
	_cleanup_(secret_free) struct secret joined = {};
	struct dealing_terms terms = generate_terms(2, 3);
	terms.kind = DEALING_IMPORT;
	assert_ok(secp256k1_public_key(private_key, terms.key.public_key));
	memset(terms.key.chain_code, 5, sizeof terms.key.chain_code);
	assert_ok(ecdsa_split_private_key(private_key, 3, &system, parts));
	terms.part = parts[0];
	keepers_deal(&keepers, &terms, &network);
	assert_memory_equal(terms.key.public_key, keepers.key.public_key, POINT_SIZE);
	assert_memory_equal(terms.key.chain_code, keepers.key.chain_code, 32);
	assert_int_equal(sign_with_every_quorum(&keepers), 4);
	const struct ecdsa_share *quorum[] = {keepers.shares[3], keepers.shares[1]};
	assert_ok(ecdsa_join_shares(quorum, 2, &joined));
	assert_memory_equal(joined.data, private_key, 32);
	keepers_end(&keepers);
}

static void
terms_of_a_dealing_that_do_not_fit_are_refused(void **) {
	struct keepers keepers = {};
	struct dealing *dealing = nullptr;
	keepers_generate(&keepers, 2, 3, KEY_PURPOSE_TRANSFER);
	struct party_set dealers = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2),
			 three = choose_signers(&keepers, (const uint8_t[]){1, 2, 3}, 3), other = parties_up_to(4);
	struct ecdsa_key old = keepers.key;
	struct dealing_terms good = reshare_terms(&old, &dealers, &old.holders, 2), terms;
	good.self = 1;
	good.old_share = keepers.shares[1];
	assert_ok(dealing_start(&dealing, &good));
	dealing_destroy(&dealing);
	for (size_t fault = 0; fault < 12; fault++) {
		terms = good;
		if (fault == 0)
			terms.key.epoch = old.epoch;
		else if (fault == 1)
			terms.key.public_key[5] ^= 1;
		else if (fault == 2)
			terms.key.chain_code[5] ^= 1;
		else if (fault == 3)
			terms.key.purpose = KEY_PURPOSE_DIGEST;
		else if (fault == 4)
			terms.dealers = &three;
		else if (fault == 5)
			terms.old_share = nullptr;
		else if (fault == 6)
			terms.self = 3; /* no dealer, with a share */
		else if (fault == 7)
			terms.key.threshold = 4;
		else if (fault == 8)
			terms.key.threshold = 1;
		else if (fault == 9)
			terms.key.id[0] = 'w';
		else if (fault == 10)
			dealers.parties[1].identity[0] ^= 1;
		else
			dealers = choose_signers(&(struct keepers){.key.holders = other}, (const uint8_t[]){1, 4}, 2);
		assert_fails(STATUS_INVALID, "dealing.terms", dealing_start(&dealing, &terms));
	}
	keepers_end(&keepers);
}

static void
a_share_at_rest_opens_for_what_it_was_sealed_for_only(void **) {
	struct keepers keepers = {};
	_cleanup_(buffer_free) struct buffer blob = {};
	uint8_t wrapping_key[32] = {1}, other_key[32] = {2};
	struct ecdsa_share *opened = nullptr;
	keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
	assert_ok(ecdsa_share_seal(keepers.shares[1], wrapping_key, KEEPERS_INSTANCE, &blob));
	assert_ok(ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
	ecdsa_share_destroy(&keepers.shares[1]);
	keepers.shares[1] = opened;
	opened = nullptr;
	assert_int_equal(sign_with_every_quorum(&keepers), 1);
	static const struct {
		size_t at; /* of the blob */
		enum status status;
		const char *name;
	} changes[] = {
		{0, STATUS_CORRUPT, "share_blob.magic"},       {5, STATUS_UNSUPPORTED, "share_blob.version"},
		{9, STATUS_CORRUPT, "share_blob.attributes"},  {10, STATUS_CORRUPT, "share_blob.attributes"},
		{12, STATUS_CORRUPT, "share_blob.attributes"}, {13, STATUS_CORRUPT, "share_blob.attributes"},
		{14, STATUS_CORRUPT, "share_blob.sealed"},     {9999, STATUS_CORRUPT, "share_blob.sealed"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		blob.data[changes[i].at] ^= 0x40;
		assert_fails(changes[i].status, changes[i].name,
			     ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, KEEPERS_INSTANCE,
					      buffer_bytes(&blob)));
		blob.data[changes[i].at] ^= 0x40;
	}
	assert_fails(STATUS_CORRUPT, "share_blob.length",
		     ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, KEEPERS_INSTANCE,
				      bytes_of(blob.data, blob.len - 1)));
	assert_fails(
		STATUS_CORRUPT, "share_blob.magic",
		ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, KEEPERS_INSTANCE, bytes_of(blob.data, 13)));
	assert_fails(STATUS_CORRUPT, "share_blob.sealed",
		     ecdsa_share_open(&opened, &keepers.key, 1, other_key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
	assert_fails(STATUS_CORRUPT, "share_blob.sealed",
		     ecdsa_share_open(&opened, &keepers.key, 1, wrapping_key, BYTES_OF_LITERAL("southwind"),
				      buffer_bytes(&blob)));
	struct ecdsa_key other = keepers.key;
	memcpy(other.public_shares[0], other.public_shares[1], POINT_SIZE);
	assert_fails(STATUS_CORRUPT, "share_blob.sealed",
		     ecdsa_share_open(&opened, &other, 1, wrapping_key, KEEPERS_INSTANCE, buffer_bytes(&blob)));
	assert_null(opened);
	keepers_end(&keepers);
}

RUN_TESTS(T(every_quorum_of_up_to_four_holders_signs), T(a_digest_key_signs_opaque_digests_in_full_rounds_only),
	  T(a_presignature_is_used_once), T(signers_with_different_requests_never_meet),
	  T(a_hardened_path_and_too_few_signers_are_refused), T(shares_change_and_the_key_stays),
	  T(shares_of_two_epochs_do_not_go_together), T(a_key_comes_in_by_parts_and_goes_out_by_quorum),
	  T(terms_of_a_dealing_that_do_not_fit_are_refused), T(a_share_at_rest_opens_for_what_it_was_sealed_for_only))
