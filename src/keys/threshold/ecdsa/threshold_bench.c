/*
 * What threshold ECDSA costs each party: processor time of one party of the run, minimum over the runs, and bytes that
 * one party sends to one other. Published peers, measured on another machine (custody survey): Silence Laboratories'
 * DKLs23 in Rust 9.86 ms (2 signers), 19.4 ms (3), 0.157 ms online, 264 ms for keys of 2 of 3; 59,345 bytes.
 */
#include "bench/bench.h"

#include "crypto/sign.h"
#include "keys/threshold/ecdsa/dealing.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "keys/threshold/seeded.h"
#include "tests/threshold_parties.h"

constexpr size_t MEMBERS = 3;

static void
must(enum status status, const char *what) {
	if (status == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, fail_message());
	exit(1);
}

/* The exchange of each party and the time that party 1 spends. */
struct run {
	struct exchange *machines[MEMBERS + 1];
	int64_t spent_ns; /* by party 1 */
	size_t sent;      /* by party 1 to party 2 */
};

static void
carry(struct run *run, uint8_t from, uint8_t to, struct bytes frame) {
	int64_t start = bench_thread_cpu_ns();
	must(exchange_receive(run->machines[to], frame), "receiving");
	if (to == 1)
		run->spent_ns += bench_thread_cpu_ns() - start;
	if (from == 1 && to == 2)
		run->sent += frame.len;
}

static void
run_to_the_end(struct run *run) {
	uint8_t to;
	struct bytes frame;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t i = 1; i <= MEMBERS; i++)
			while (run->machines[i] != nullptr && exchange_next(run->machines[i], &to, &frame)) {
				carry(run, i, to, frame);
				moved = true;
			}
	}
}

static const struct bytes INSTANCE = {(const uint8_t *)"bench", 5};
static struct ecdsa_share *shares[MEMBERS + 1];
static uint64_t runs;

static const uint8_t *
new_nonce(void) {
	static uint8_t nonce[32];
	store_u64be(nonce, ++runs);
	return nonce;
}

static double
deal(void) {
	struct run run = {};
	struct dealing *dealings[MEMBERS + 1] = {};
	struct seeded seeded[MEMBERS + 1] = {}; /* as keepers draw, so that a restart draws again */
	uint8_t seed[SEEDED_SIZE];
	random_bytes(seed, sizeof seed);
	struct dealing_terms terms = {.kind = DEALING_GENERATE, .instance = INSTANCE, .nonce = new_nonce()};
	terms.key = (struct ecdsa_key){.id = "b", .threshold = 2, .epoch = 1, .holders = parties_up_to(MEMBERS)};
	for (uint8_t i = 1; i <= MEMBERS; i++) {
		int64_t start = bench_thread_cpu_ns();
		terms.self = i;
		must(seeded_start(&seeded[i], bytes_of(seed, sizeof seed), &(struct hash256){.bytes = {i}}), "a seed");
		terms.randomness = seeded_randomness(&seeded[i]);
		must(dealing_start(&dealings[i], &terms), "dealing");
		run.spent_ns += i == 1 ? bench_thread_cpu_ns() - start : 0;
		run.machines[i] = dealing_exchange(dealings[i]);
	}
	run_to_the_end(&run);
	for (uint8_t i = 1; i <= MEMBERS; i++) {
		ecdsa_share_destroy(&shares[i]);
		shares[i] = dealing_take_share(dealings[i]);
		dealing_destroy(&dealings[i]);
		seeded_end(&seeded[i]);
	}
	return (double)run.spent_ns;
}

static struct party_set
first_signers(uint8_t count) {
	return parties_up_to(count);
}

static double
sign(uint8_t count, const struct ecdsa_request *request, struct presignature **presignatures, size_t *sent) {
	struct run run = {};
	struct party_set signers = first_signers(count);
	struct signing *signings[MEMBERS + 1] = {};
	const uint8_t *nonce = new_nonce();
	for (uint8_t i = 1; i <= count; i++) {
		int64_t start = bench_thread_cpu_ns();
		must(signing_start(&signings[i], &(struct signing_terms){.share = shares[i],
									 .signers = &signers,
									 .instance = INSTANCE,
									 .nonce = nonce,
									 .request = request}),
		     "signing");
		run.spent_ns += i == 1 ? bench_thread_cpu_ns() - start : 0;
		run.machines[i] = signing_exchange(signings[i]);
	}
	run_to_the_end(&run);
	for (uint8_t i = 1; i <= count; i++) {
		if (presignatures != nullptr)
			presignatures[i] = signing_take_presignature(signings[i]);
		signing_destroy(&signings[i]);
	}
	*sent = run.sent;
	return (double)run.spent_ns;
}

static double
sign_online(const struct ecdsa_request *request, size_t *sent) {
	struct run run = {};
	struct presignature *presignatures[MEMBERS + 1] = {};
	struct online *onlines[MEMBERS + 1] = {};
	struct ecdsa_signature signature;
	sign(2, nullptr, presignatures, sent);
	for (uint8_t i = 1; i <= 2; i++) {
		int64_t start = bench_thread_cpu_ns();
		must(online_start(&onlines[i], &presignatures[i], shares[i], INSTANCE, request), "online");
		run.spent_ns += i == 1 ? bench_thread_cpu_ns() - start : 0;
		run.machines[i] = online_exchange(onlines[i]);
	}
	run_to_the_end(&run);
	if (!online_result(onlines[1], &signature))
		exit(1);
	for (uint8_t i = 1; i <= 2; i++)
		online_destroy(&onlines[i]);
	*sent = run.sent;
	return (double)run.spent_ns;
}

static double
least(double a, double b) {
	return a == 0 || b < a ? b : a;
}

static double
sign_alone(const struct ecdsa_request *request) {
	uint8_t key[32] = {[31] = 9}, signature[64];
	int64_t start = bench_thread_cpu_ns();
	must(secp256k1_sign(key, request->digest, signature, nullptr), "secp256k1_sign");
	return (double)(bench_thread_cpu_ns() - start);
}

int
main(void) {
	static const char *const baseline = "libsecp256k1, one whole key";
	struct ecdsa_request request = {.digest = {1}};
	double dealt = 0, two = 0, three = 0, online = 0, alone = 0;
	size_t sent_two = 0, sent_three = 0, sent_online = 0;
	for (size_t i = 0; i < 5; i++)
		dealt = least(dealt, deal());
	for (size_t i = 0; i < 40; i++) {
		two = least(two, sign(2, &request, nullptr, &sent_two));
		three = least(three, sign(3, &request, nullptr, &sent_three));
		online = least(online, sign_online(&request, &sent_online));
		alone = least(alone, sign_alone(&request));
	}
	bench_row(&(struct bench_row){.name = "threshold.ecdsa_sign_2_ms",
				      .unit = "ms",
				      .value = two / 1e6,
				      .baseline = baseline,
				      .baseline_value = alone / 1e6,
				      .detail = "full rounds, 2 signers; published: 9.86 ms (Silence, Rust)"});
	bench_row(&(struct bench_row){.name = "threshold.ecdsa_sign_3_ms",
				      .unit = "ms",
				      .value = three / 1e6,
				      .baseline = baseline,
				      .baseline_value = alone / 1e6,
				      .detail = "full rounds, 3 signers; published: 19.4 ms (Silence, Rust)"});
	bench_row(&(struct bench_row){.name = "threshold.ecdsa_online_ms",
				      .unit = "ms",
				      .value = online / 1e6,
				      .baseline = baseline,
				      .baseline_value = alone / 1e6,
				      .detail = "with a presignature, verification included; published: 0.157 ms"});
	bench_row(&(struct bench_row){.name = "threshold.ecdsa_dkg_2of3_ms",
				      .unit = "ms",
				      .value = dealt / 1e6,
				      .baseline = baseline,
				      .baseline_value = alone / 1e6,
				      .detail = "with the set-up of both pairs; published: 264 ms (Silence, Rust)"});
	char detail[128];
	snprintf(detail, sizeof detail, "3 signers: %zu; online: %zu; published: 59,345", sent_three, sent_online);
	bench_row(&(struct bench_row){.name = "threshold.ecdsa_sign_bytes",
				      .unit = "bytes",
				      .value = (double)sent_two,
				      .baseline = "a signature",
				      .baseline_value = 64,
				      .detail = detail});
	for (size_t i = 1; i <= MEMBERS; i++)
		ecdsa_share_destroy(&shares[i]);
}
