/*
 * A signed request from its bytes to "by this key, and fresh", against the Ed25519 verification alone; and a passkey's assertion
 * from its bytes to "by this person's passkey, for this, here", against the ECDSA verification alone.
 */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "identity/directory.h"
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

/* --- A passkey. --- */

#define PERSON BYTES_OF_LITERAL("person:p-0000000000000001")
#define PASSKEY BYTES_OF_LITERAL("person:p-0000000000000001/passkey")
/* W3C Web Authentication Level 3, test vector "packed attestation with ES256": made with user verification, a synced passkey. */
static const char COSE_KEY[] = "a50102032620012158201cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae5225"
			       "82059e4b7da6c0106e206ce39"
			       "0c93ab98a15a5ec3887e57f0cc2bece803b920c423";
static const char AUTHENTICATOR_DATA[] = "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50d00000000";
static const char CLIENT_DATA[] =
	"{\"type\":\"webauthn.get\",\"challenge\":\"sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU\",\"origin\":\"https://"
	"example.org\",\"crossOrigin\":false,\"extraData\":\"clientDataJSON may be extended with additional fields in "
	"the "
	"future, such as this: AZMwyMxIbD8-uguFNp6r8Q\"}";
static const char SIGNATURE[] =
	"30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe90221008b0819c82421"
	"8a97152cd099c55bfb1477b29d900a49a64018314f9bfccda163";
static const char CHALLENGE[] = "b1106fa46a57bef1781511c0557dc898a03413d5f0f17d244630c194c7e1adb5";

struct assertion_bench {
	struct arena arena, kept;
	struct directory *directory;
	struct relying_party party;
	struct bytes challenge, point;
	struct passkey_assertion assertion;
	struct hash256 digest;
};

static struct bytes
unhex(struct arena *arena, const char *hex) {
	uint8_t *bytes = arena_alloc(arena, strlen(hex) / 2);
	must(bytes == nullptr ? STATUS_NO_MEMORY : OK, "memory");
	must(hex_decode(bytes_of_text(hex), bytes, strlen(hex) / 2), "hex_decode");
	return bytes_of(bytes, strlen(hex) / 2);
}

/* Everything that the keeper checks of an assertion: whose passkey, since when, what was asked where, flags, signature, counter. */
static void
check_assertion(void *context) {
	struct assertion_bench *bench = context;
	const struct directory_key *key;
	uint32_t counter;
	arena_reset(&bench->arena);
	must(directory_active_key(bench->directory, PASSKEY, &key), "directory_active_key");
	must(passkey_verify(&bench->arena, &bench->party, key->passkey, bench->challenge, &bench->assertion, &counter),
	     "passkey_verify");
	must(directory_key_check_waiting(key, NOW_MS), "directory_key_check_waiting");
	must(authenticator_counter_check(key->passkey->counter, counter), "authenticator_counter_check");
}

static void
verify_ecdsa_alone(void *context) {
	const struct assertion_bench *bench = context;
	must(p256_verify_der(bench->point, bench->digest.bytes, bench->assertion.signature), "p256_verify_der");
}

static void
set_up_assertion(struct assertion_bench *bench) {
	static const char *const origins[] = {"https://gate.example:8443", "https://example.org"};
	static const uint8_t aaguid[AAGUID_SIZE];
	struct hash256 client = sha256(bytes_of_text(CLIENT_DATA));
	struct passkey passkey = {
		.rp_id = BYTES_OF_LITERAL("example.org"),
		.credential_id = BYTES_OF_LITERAL("credential"),
		.cose_key = unhex(&bench->kept, COSE_KEY),
		.aaguid = BYTES_OF_ARRAY(aaguid),
		.backup_eligible = true,
	};
	bench->party = (struct relying_party){passkey.rp_id, origins, ARRAY_LENGTH(origins)};
	bench->challenge = unhex(&bench->kept, CHALLENGE);
	bench->assertion = (struct passkey_assertion){
		.authenticator_data = unhex(&bench->kept, AUTHENTICATOR_DATA),
		.client_data = bytes_of_text(CLIENT_DATA),
		.signature = unhex(&bench->kept, SIGNATURE),
	};
	bench->digest = SHA256_PARTS(bench->assertion.authenticator_data, hash256_bytes(&client));
	uint8_t *point = arena_alloc(&bench->kept, 65);
	must(point == nullptr ? STATUS_NO_MEMORY : OK, "memory");
	point[0] = 0x04;
	memcpy(point + 1, passkey.cose_key.data + 10, 32);
	memcpy(point + 33, passkey.cose_key.data + 45, 32);
	bench->point = bytes_of(point, 65);
	must(directory_create(&bench->directory), "directory_create");
	must(directory_add_unit(bench->directory, UNIT_LEGAL_ENTITY, BYTES_OF_LITERAL("firm"), (struct bytes){}),
	     "directory_add_unit");
	must(directory_add_person(bench->directory, PERSON, BYTES_OF_LITERAL("firm")), "directory_add_person");
	must(directory_add_passkey(bench->directory, PERSON, BYTES_OF_LITERAL("passkey"), &passkey, 0),
	     "directory_add_passkey");
}

/* Taken in turns, so that a busy neighbour slows both. The least of the rounds: what the code takes when nothing disturbs it. */
static void
compare_assertion(struct assertion_bench *bench) {
	double whole = 0, alone = 0;
	for (int round = 0; round < 15; round++) {
		double w = bench_median_ns(check_assertion, bench, 100, 3);
		double a = bench_median_ns(verify_ecdsa_alone, bench, 100, 3);
		whole = round == 0 || w < whole ? w : whole;
		alone = round == 0 || a < alone ? a : alone;
	}
	char detail[160];
	snprintf(detail, sizeof detail, "%.1f us, of which the bare verification %.1f us; client data of %zu bytes",
		 whole / 1000, alone / 1000, bench->assertion.client_data.len);
	bench_row(&(struct bench_row){.name = "identity.assertion_ratio",
				      .unit = "ratio",
				      .value = whole / alone,
				      .baseline = "bare ECDSA verification, the key from its bytes",
				      .baseline_value = 1,
				      .detail = detail});
}

int
main(void) {
	static struct bench bench;
	static struct assertion_bench assertion;
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
	set_up_assertion(&assertion);
	compare_assertion(&assertion);
	directory_destroy(&assertion.directory);
	arena_free(&assertion.arena);
	arena_free(&assertion.kept);
	return 0;
}
