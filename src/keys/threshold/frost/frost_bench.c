/*
 * What FROST costs a signer with two of three: processor time of each step of the session that a keeper runs (frost_quorum.h), frames
 * read and written, minimum over the runs; the row is the dearest step. Published: the Zcash Foundation's FROST, 0.08 to 0.25 ms a
 * step (Ryzen 5900X).
 */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "keys/threshold/frost/frost_quorum.h"

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

/* --- A key of three holders, of whom two sign --- */

static const uint8_t INDICES[] = {1, 2, 3};

static struct frost_scalar
random_scalar(const struct frost_suite *suite) {
	const struct randomness system = {};
	return frost_scalar_random(suite, &system);
}

static void
deal(enum frost_scheme scheme, struct frost_key_share *shares[2]) {
	const struct frost_suite *suite = frost_scheme_suite(scheme);
	const struct frost_scalar secret = random_scalar(suite), slope = random_scalar(suite);
	struct frost_key_info key = {
		.id = "bench", .scheme = scheme, .threshold = 2, .epoch = 1, .holders = {.count = 3}};
	struct frost_scalar values[ARRAY_LENGTH(INDICES)], value = secret;
	must(suite->element_of(&secret, &key.public_key));
	for (size_t i = 0; i < ARRAY_LENGTH(INDICES); i++) {
		key.holders.parties[i] = (struct party){.index = INDICES[i], .identity = {INDICES[i]}};
		values[i] = value = suite->add(&value, &slope);
		must(suite->element_of(&value, &key.public_shares[i]));
	}
	for (size_t i = 0; i < 2; i++) {
		must(frost_key_share_create(&shares[i], &key, INDICES[i]));
		*frost_key_share_value(shares[i]) = values[i];
	}
}

/* --- Signing --- */

static struct bytes
next_frame(struct frost_quorum *from) {
	struct bytes frame;
	uint8_t to;
	if (!exchange_next(frost_quorum_exchange(from), &to, &frame)) {
		fprintf(stderr, "a signer has nothing to say\n");
		exit(1);
	}
	return frame;
}

static void
measure(const char *name, enum frost_scheme scheme, const char *baseline, double baseline_ns) {
	struct frost_key_share *shares[2] = {};
	struct party_set signers;
	struct steps steps = {};
	deal(scheme, shares);
	must(party_set_choose(&shares[0]->key.holders, INDICES, 2, &signers));
	for (size_t run = 0; run < RUNS; run++) {
		_cleanup_(frost_quorum_destroy) struct frost_quorum *own = nullptr, *other = nullptr;
		uint8_t nonce[32], signature[64];
		struct frost_quorum_terms terms = {.share = shares[1],
						   .signers = &signers,
						   .instance = BYTES_OF_LITERAL("bench"),
						   .nonce = nonce,
						   .message = MESSAGE};
		random_bytes(nonce, sizeof nonce);
		must(frost_quorum_start(&other, &terms));
		terms.share = shares[0];
		start(&steps);
		must(frost_quorum_start(&own, &terms));
		struct bytes frame = next_frame(own);
		stop(&steps, 0);
		must(exchange_receive(frost_quorum_exchange(other), frame));
		frame = next_frame(other);
		start(&steps);
		must(exchange_receive(frost_quorum_exchange(own), frame));
		frame = next_frame(own);
		stop(&steps, 1);
		frame = next_frame(other);
		start(&steps);
		must(exchange_receive(frost_quorum_exchange(own), frame));
		stop(&steps, 2);
		if (!frost_quorum_signature(own, signature)) {
			fprintf(stderr, "no signature\n");
			exit(1);
		}
	}
	report(name, &steps, baseline, baseline_ns);
	for (size_t i = 0; i < 2; i++)
		frost_key_share_destroy(&shares[i]);
}

/* --- The whole key --- */

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

int
main(void) {
	measure("threshold.frost_ed25519_step_ms", FROST_SCHEME_ED25519, "an Ed25519 signature with the whole key",
		sign_alone_ed25519());
	measure("threshold.frost_bip340_step_ms", FROST_SCHEME_BIP340, "a BIP-340 signature with the whole key",
		sign_alone_bip340());
}
