/* A signed request from its bytes to "by this key, and fresh", against the Ed25519 verification alone. */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "identity/http_signature.h"
#include "identity/nonces.h"

struct bench {
	struct arena arena;
	struct http_field fields[6];
	struct http_request request;
	uint8_t public_key[32];
	struct http_signature signature;
	struct nonces *nonces;
	uint64_t count;
};

static const int64_t NOW_MS = INT64_C(1'800'000'000'000);
#define AUTHORITY BYTES_OF_LITERAL("gate.example:8443")

static void
must(enum status status, const char *what) {
	if (status == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

static void
read_request(struct bench *bench) {
	arena_reset(&bench->arena);
	must(http_signature_read(&bench->arena, &bench->request, AUTHORITY, NOW_MS, &bench->signature),
	     "http_signature_read");
}

static void
read_verify_and_take(void *context) {
	struct bench *bench = context;
	uint8_t nonce[8];
	read_request(bench);
	must(http_signature_verify(&bench->signature, bench->public_key), "http_signature_verify");
	store_u64be(nonce, bench->count++);
	must(nonces_take(bench->nonces, bench->signature.key_id, BYTES_OF_ARRAY(nonce), bench->signature.expires_s,
			 NOW_MS),
	     "nonces_take");
}

static void
verify_alone(void *context) {
	const struct bench *bench = context;
	must(ed25519_verify(bench->public_key, bench->signature.base, bench->signature.signature), "ed25519_verify");
}

static void
take_a_nonce(void *context) {
	struct bench *bench = context;
	uint8_t nonce[8];
	store_u64be(nonce, bench->count++);
	must(nonces_take(bench->nonces, bench->signature.key_id, BYTES_OF_ARRAY(nonce), bench->signature.expires_s,
			 NOW_MS),
	     "nonces_take");
}

int
main(void) {
	static struct bench bench;
	_cleanup_(arena_free) struct arena kept = {};
	const uint8_t seed[32] = {1};
	static uint8_t body[512];
	struct http_request_signer signer = {.key_id = BYTES_OF_LITERAL("workload:settlement-1/2026a"), .seed = seed};
	bench.request = (struct http_request){
		.method = BYTES_OF_LITERAL("POST"),
		.target = BYTES_OF_LITERAL("/v1/operations"),
		.fields = bench.fields,
		.field_count = 6,
		.body = BYTES_OF_ARRAY(body),
	};
	must(ed25519_public_key(seed, signer.public_key), "ed25519_public_key");
	memcpy(bench.public_key, signer.public_key, sizeof bench.public_key);
	must(http_signature_create(&kept, &signer, &bench.request, AUTHORITY, BYTES_OF_LITERAL("application/json"),
				   BYTES_OF_LITERAL("k-1"), NOW_MS, 60, bench.fields),
	     "http_signature_create");
	must(nonces_create(&bench.nonces, (struct nonces_limits){}), "nonces_create");
	double whole = bench_median_ns(read_verify_and_take, &bench, 500, 9) / 1000;
	read_request(&bench);
	bench_row(&(struct bench_row){.name = "identity.request_us",
				      .unit = "us",
				      .value = whole,
				      .baseline = "its Ed25519 verification alone",
				      .baseline_value = bench_median_ns(verify_alone, &bench, 500, 9) / 1000,
				      .detail = "512-byte body"});
	bench_row(&(struct bench_row){.name = "identity.nonce_us",
				      .unit = "us",
				      .value = bench_median_ns(take_a_nonce, &bench, 20000, 9) / 1000,
				      .detail = "into a store that grows to 200,000"});
	nonces_destroy(&bench.nonces);
	arena_free(&bench.arena);
	return 0;
}
