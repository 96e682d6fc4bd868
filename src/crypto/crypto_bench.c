/* The primitives that the gate and the verifier spend their time in, each against the plainest way to get it. */
#include "bench/bench.h"

#include <openssl/evp.h>

#include "crypto/random.h"
#include "crypto/sign.h"

static uint8_t node[65];

static void
must(bool succeeded, const char *what) {
	if (succeeded)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

static void
hash_node(void *) {
	struct hash256 digest = sha256(BYTES_OF_ARRAY(node));
	bench_keep(&digest);
}

static void
hash_node_in_one_shot(void *) {
	uint8_t digest[32];
	must(EVP_Digest(node, sizeof node, digest, nullptr, EVP_sha256(), nullptr) == 1, "EVP_Digest");
	bench_keep(digest);
}

struct ed25519 {
	uint8_t public_key[32], signature[64];
	EVP_PKEY *key;
};

static void
verify_ed25519(void *context) {
	const struct ed25519 *ed25519 = context;
	must(ed25519_verify(ed25519->public_key, BYTES_OF_ARRAY(node), ed25519->signature) == OK, "ed25519_verify");
}

static void
verify_ed25519_by_openssl(void *context) {
	const struct ed25519 *ed25519 = context;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	must(EVP_DigestVerifyInit(md, nullptr, nullptr, nullptr, ed25519->key) == 1 &&
		     EVP_DigestVerify(md, ed25519->signature, 64, node, sizeof node) == 1,
	     "EVP_DigestVerify");
	EVP_MD_CTX_free(md);
}

struct mldsa44 {
	struct mldsa44_private *key;
	EVP_PKEY *library_key;
	EVP_SIGNATURE *library;
};

static void
sign_mldsa44(void *context) {
	const struct mldsa44 *mldsa44 = context;
	uint8_t signature[MLDSA44_SIGNATURE_SIZE];
	must(mldsa44_sign(mldsa44->key, BYTES_OF_ARRAY(node), signature) == OK, "mldsa44_sign");
	bench_keep(signature);
}

static void
sign_mldsa44_by_openssl(void *context) {
	const struct mldsa44 *mldsa44 = context;
	uint8_t signature[MLDSA44_SIGNATURE_SIZE];
	size_t len = sizeof signature;
	EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new_from_pkey(nullptr, mldsa44->library_key, nullptr);
	must(EVP_PKEY_sign_message_init(signing, mldsa44->library, nullptr) == 1 &&
		     EVP_PKEY_sign(signing, signature, &len, node, sizeof node) == 1,
	     "EVP_PKEY_sign");
	EVP_PKEY_CTX_free(signing);
	bench_keep(signature);
}

static void
measure_mldsa44(const uint8_t seed[32]) {
	struct mldsa44 mldsa44 = {.library_key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ML-DSA-44"),
				  .library = EVP_SIGNATURE_fetch(nullptr, "ML-DSA-44", nullptr)};
	must(mldsa44_private_create(&mldsa44.key, seed) == OK, "mldsa44_private_create");
	bench_row(&(struct bench_row){.name = "crypto.mldsa44_sign_us",
				      .unit = "us",
				      .value = bench_median_ns(sign_mldsa44, &mldsa44, 200, 9) / 1e3,
				      .baseline = "OpenSSL's",
				      .baseline_value =
					      bench_median_ns(sign_mldsa44_by_openssl, &mldsa44, 200, 9) / 1e3});
	mldsa44_private_destroy(&mldsa44.key);
	EVP_PKEY_free(mldsa44.library_key);
	EVP_SIGNATURE_free(mldsa44.library);
}

int
main(void) {
	uint8_t seed[32];
	struct ed25519 ed25519;
	random_bytes(seed, sizeof seed);
	must(ed25519_public_key(seed, ed25519.public_key) == OK, "ed25519_public_key");
	must(ed25519_sign(seed, ed25519.public_key, BYTES_OF_ARRAY(node), ed25519.signature) == OK, "ed25519_sign");
	ed25519.key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, ed25519.public_key, 32);
	bench_row(&(struct bench_row){.name = "crypto.sha256_node_ns",
				      .unit = "ns",
				      .value = bench_median_ns(hash_node, nullptr, 20'000, 9),
				      .baseline = "EVP_Digest, 65 bytes",
				      .baseline_value = bench_median_ns(hash_node_in_one_shot, nullptr, 20'000, 9)});
	bench_row(&(struct bench_row){.name = "crypto.ed25519_verify_us",
				      .unit = "us",
				      .value = bench_median_ns(verify_ed25519, &ed25519, 200, 9) / 1e3,
				      .baseline = "OpenSSL's, a context per call",
				      .baseline_value =
					      bench_median_ns(verify_ed25519_by_openssl, &ed25519, 200, 9) / 1e3});
	EVP_PKEY_free(ed25519.key);
	measure_mldsa44(seed);
}
