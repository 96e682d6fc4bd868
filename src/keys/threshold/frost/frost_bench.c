/*
 * What FROST costs a signer with two of three: processor time of each of its steps, minimum over the runs; the row is the dearest step.
 * Reading the other's message counts to the step that needs it. Published: the Zcash Foundation's FROST, 0.08 to 0.25 ms a step
 * (Ryzen 5900X).
 */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "keys/threshold/frost/bip340.h"
#include "keys/threshold/frost/frost.h"

enum { RUNS = 400, STEPS = 3 };

static const char *const STEP_NAMES[STEPS] = {"commit", "sign", "aggregate"};
static const struct bytes MESSAGE = BYTES_OF_LITERAL("what is signed, of some length: thirty-two bytes and a few more");

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "%s\n", fail_message());
	exit(1);
}

struct steps {
	int64_t started_ns;
	double least_ns[STEPS];
};

static void
start(struct steps *steps) {
	steps->started_ns = bench_thread_cpu_ns();
}

static void
stop(struct steps *steps, size_t step) {
	const double spent = (double)(bench_thread_cpu_ns() - steps->started_ns);
	if (steps->least_ns[step] == 0 || spent < steps->least_ns[step])
		steps->least_ns[step] = spent;
}

static void
report(const char *name, const struct steps *steps, const char *baseline, double baseline_ns) {
	double dearest = 0;
	char detail[160];
	int len = 0;
	for (size_t i = 0; i < STEPS; i++) {
		dearest = steps->least_ns[i] > dearest ? steps->least_ns[i] : dearest;
		len += snprintf(detail + len, sizeof detail - (size_t)len, "%s%s %.3f ms", i == 0 ? "" : ", ",
				STEP_NAMES[i], steps->least_ns[i] / 1e6);
	}
	bench_row(&(struct bench_row){.name = name,
				      .unit = "ms",
				      .value = dearest / 1e6,
				      .baseline = baseline,
				      .baseline_value = baseline_ns / 1e6,
				      .detail = detail});
}

/* Shares 1 and 2 of three, for a threshold of two. */
struct keys {
	struct frost_element key, public_shares[2];
	struct frost_scalar shares[2];
};

static struct frost_scalar
random_scalar(const struct frost_suite *suite) {
	uint8_t random[32];
	random_bytes(random, sizeof random);
	const struct bytes part = BYTES_OF_ARRAY(random);
	return suite->nonce(&part, 1);
}

static struct keys
deal(const struct frost_suite *suite) {
	struct keys keys;
	const struct frost_scalar secret = random_scalar(suite), slope = random_scalar(suite);
	must(suite->element_of(&secret, &keys.key));
	keys.shares[0] = suite->add(&secret, &slope);
	keys.shares[1] = suite->add(&keys.shares[0], &slope);
	for (size_t i = 0; i < 2; i++)
		must(suite->element_of(&keys.shares[i], &keys.public_shares[i]));
	return keys;
}

/* --- Ed25519 --- */

static double
sign_alone_ed25519(void) {
	uint8_t seed[32] = {1}, public_key[32], signature[64];
	struct steps steps = {};
	must(ed25519_public_key(seed, public_key));
	for (size_t i = 0; i < RUNS; i++) {
		start(&steps);
		must(ed25519_sign(seed, public_key, MESSAGE, signature));
		stop(&steps, 0);
	}
	return steps.least_ns[0];
}

static void
measure_ed25519(void) {
	const struct frost_suite *suite = &frost_ed25519;
	const struct keys keys = deal(suite);
	const struct randomness system = {};
	static const uint16_t IDENTIFIERS[] = {1, 2};
	struct frost_scalar coefficients[2];
	struct steps steps = {};
	frost_coefficients(suite, IDENTIFIERS, 2, coefficients); /* once for a set of signers, not for each signature */
	for (size_t run = 0; run < RUNS; run++) {
		struct frost_nonces nonces[2];
		struct frost_commitment commitments[2];
		struct frost_signing signing;
		struct frost_scalar shares[2];
		uint8_t signature[FROST_SIGNATURE_MAX];
		size_t culprit;
		must(frost_commit(suite, 2, &keys.shares[1], &system, &nonces[1]));
		start(&steps);
		must(frost_commit(suite, 1, &keys.shares[0], &system, &nonces[0]));
		stop(&steps, 0);
		commitments[0] = nonces[0].commitment;
		start(&steps);
		must(frost_commitment_read(suite, 2, nonces[1].commitment.hiding.bytes,
					   nonces[1].commitment.binding.bytes, &commitments[1]));
		must(frost_signing_open(suite, &keys.key, commitments, coefficients, 2, MESSAGE, &nonces[0], &signing));
		must(frost_share_sign(&signing, 1, &keys.shares[0], &nonces[0], &shares[0]));
		stop(&steps, 1);
		must(frost_share_sign(&signing, 2, &keys.shares[1], &nonces[1], &shares[1]));
		start(&steps);
		must(suite->scalar_read(shares[1].bytes, &shares[1]));
		must(frost_shares_aggregate(&signing, shares, keys.public_shares, signature, &culprit));
		stop(&steps, 2);
	}
	report("threshold.frost_ed25519_step_ms", &steps, "an Ed25519 signature with the whole key",
	       sign_alone_ed25519());
}

/* --- BIP-340 --- */

static double
sign_alone_bip340(void) {
	uint8_t key[32] = {1}, digest[32] = {2}, auxiliary[32] = {3}, signature[64];
	struct steps steps = {};
	for (size_t i = 0; i < RUNS; i++) {
		start(&steps);
		must(bip340_sign(key, BYTES_OF_ARRAY(digest), auxiliary, signature));
		stop(&steps, 0);
	}
	return steps.least_ns[0];
}

static void
measure_bip340(void) {
	static const uint32_t IDS[] = {0, 1};
	const struct keys keys = deal(&frost_secp256k1);
	const struct randomness system = {};
	uint8_t public_shares[2][POINT_SIZE];
	struct scalar shares[2];
	struct frost_signers signers;
	struct frost_key key;
	struct steps steps = {};
	for (size_t i = 0; i < 2; i++) {
		memcpy(public_shares[i], keys.public_shares[i].bytes, POINT_SIZE);
		must(scalar_read(keys.shares[i].bytes, &shares[i]));
	}
	/* Once for a set of signers, not for each signature. */
	must(frost_signers_open(3, 2, IDS, (const uint8_t(*)[POINT_SIZE])public_shares, 2, keys.key.bytes, &signers));
	must(frost_key_open(keys.key.bytes, &key));
	for (size_t run = 0; run < RUNS; run++) {
		const struct frost_nonce_inputs inputs = {.share = &shares[0], .message = &MESSAGE};
		uint8_t nonces[2][FROST_PUBLIC_NONCE_SIZE], sum[FROST_PUBLIC_NONCE_SIZE], partials[2][SCALAR_SIZE],
			signature[64];
		struct frost_nonce secret[2];
		struct frost_session opened;
		size_t culprit;
		must(frost_nonce_create(&inputs, &system, &secret[1], nonces[1]));
		start(&steps);
		must(frost_nonce_create(&inputs, &system, &secret[0], nonces[0]));
		stop(&steps, 0);
		start(&steps);
		must(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, 2, sum, &culprit));
		must(frost_session_open(&signers, &key, sum, MESSAGE, &opened));
		must(frost_sign(&opened, 0, &shares[0], &secret[0], partials[0]));
		stop(&steps, 1);
		must(frost_sign(&opened, 1, &shares[1], &secret[1], partials[1]));
		start(&steps);
		must(frost_aggregate(&opened, (const uint8_t(*)[SCALAR_SIZE])partials,
				     (const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])nonces, signature, &culprit));
		stop(&steps, 2);
	}
	report("threshold.frost_bip340_step_ms", &steps, "a BIP-340 signature with the whole key", sign_alone_bip340());
}

int
main(void) {
	measure_ed25519();
	measure_bip340();
}
