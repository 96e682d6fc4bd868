/* What the ring costs beyond the cryptography that it has to do: opening 10,000 blobs, and signing. */
#include "bench/bench.h"

#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "keys/software/keyring.h"

enum { KEYS = 10'000 };

static struct key_info infos[KEYS];
static uint8_t blobs[KEYS][BLOB_SIZE];

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "%s\n", fail_message());
	exit(1);
}

static void
make_keys(struct keyring *ring) {
	for (size_t i = 0; i < KEYS; i++) {
		infos[i] = (struct key_info){.account = "desk",
					     .material = i % 2 ? KEY_MATERIAL_EXTENDED : KEY_MATERIAL_SINGLE};
		snprintf(infos[i].id, sizeof infos[i].id, "key-%zu", i);
		must(keyring_generate(ring, &infos[i], blobs[i]));
	}
}

static void
measure_opening(struct keyring *ring) {
	int64_t start = bench_thread_cpu_ns();
	for (size_t i = 0; i < KEYS; i++)
		must(keyring_add(ring, &infos[i], BYTES_OF_ARRAY(blobs[i])));
	double ours = (double)(bench_thread_cpu_ns() - start);
	uint8_t key[32] = {[31] = 1}, public_key[33];
	start = bench_thread_cpu_ns();
	for (size_t i = 0; i < KEYS; i++)
		must(secp256k1_public_key(key, public_key));
	double theirs = (double)(bench_thread_cpu_ns() - start);
	bench_row(&(struct bench_row){.name = "keys.open_10k_ms",
				      .unit = "ms",
				      .value = ours / 1e6,
				      .baseline = "10,000 public keys re-derived",
				      .baseline_value = theirs / 1e6,
				      .detail = keyring_is_isolated(ring) ? "in memfd_secret memory"
									  : "in locked memory"});
}

struct signing {
	struct keyring *ring;
	const char *id;
	struct signing_request request;
	struct signature signature;
};

static void
sign_by_ring(void *context) {
	struct signing *signing = context;
	must(keyring_sign(signing->ring, bytes_of_text(signing->id), KEY_PURPOSE_TRANSFER, &signing->request,
			  &signing->signature));
}

static void
sign_and_verify_alone(void *context) {
	struct signing *signing = context;
	static const uint8_t key[32] = {[31] = 7};
	uint8_t public_key[65], signature[64];
	int recovery;
	must(secp256k1_sign(key, signing->request.digest, signature, &recovery));
	must(secp256k1_recover(signing->request.digest, signature, recovery, public_key));
}

static void
measure_signing(struct keyring *ring, const char *name, const char *id, const char *path) {
	struct signing signing = {.ring = ring, .id = id, .request = {.scheme = SCHEME_ECDSA_SECP256K1}};
	random_bytes(signing.request.digest, sizeof signing.request.digest);
	must(bip32_path_parse(bytes_of_text(path), &signing.request.path));
	bench_row(
		&(struct bench_row){.name = name,
				    .unit = "us",
				    .value = bench_median_ns(sign_by_ring, &signing, 200, 9) / 1e3,
				    .baseline = "sign and recover alone",
				    .baseline_value = bench_median_ns(sign_and_verify_alone, &signing, 200, 9) / 1e3});
}

int
main(void) {
	struct root_key *root = nullptr;
	struct keyring *ring = nullptr;
	struct secret digits = {};
	struct buffer record = {};
	must(root_key_generate(&digits));
	must(root_key_create(&root, ROOT_KEY_FILE, secret_bytes(&digits), ROOT_KEY_COST, &record));
	must(keyring_create(&ring, root, BYTES_OF_LITERAL("bench.example")));
	make_keys(ring);
	measure_opening(ring);
	measure_signing(ring, "keys.sign_single_us", "key-0", "m");
	measure_signing(ring, "keys.sign_derived_us", "key-1", "m/44'/60'/0'/0/0");
	keyring_destroy(&ring);
	root_key_destroy(&root);
	secret_free(&digits);
	buffer_free(&record);
}
