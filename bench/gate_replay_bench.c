/*
 * gate.replay_decision_us: replaying a transfer that a workload asked for, everything that is recomputed of it included, on one core;
 * against what the gate takes to verify, decide and sign it. The median of several replays of one log.
 */
#include "tests/test.h"

#include "bench/bench.h"
#include "tests/gate_fixture.h"

constexpr size_t TRANSFERS = 120; /* nonces of one byte */
constexpr size_t ROUNDS = 15;

/* What the requester does beforehand is not counted. */
static int64_t
sign_one(struct bench_gate *b, unsigned nonce) {
	_cleanup_(submitted_free) struct submitted s = {};
	struct http_request request;
	char payload[512], key[32];
	struct firm_operation operation = transfer(1, nonce, payload);
	snprintf(key, sizeof key, "op-%u", nonce);
	operation.created_ms = b->now_ms;
	operation.idempotency_key = key;
	s.submission.arena = &s.arena;
	assert_ok(firm_request(&b->firm, &s.arena, INSTANCE, AUTHORITY, &operation, &request));
	int64_t start = bench_cpu_ns();
	assert_ok(gate_begin_operation(b->gate, &request, (struct bytes){}, b->now_ms, &s.submission));
	assert_ok(gate_verify_operation(b->gate, &request, b->now_ms, &s.submission));
	assert_ok(gate_submit(b->gate, &s.submission, b->now_ms, &s.step));
	int64_t taken = bench_cpu_ns() - start;
	assert_int_equal(OPERATION_DONE, s.step.state);
	write_step(b, &s.step);
	b->now_ms += 1000;
	return taken;
}

static double
replay_from(const struct bench_gate *b, size_t first) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	enum replay_result result;
	const char *difference;
	int64_t start = 0;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	for (size_t i = 0; i < b->count; i++) {
		if (i == first)
			start = bench_cpu_ns();
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b->leaves[i]), &result, &difference));
		assert_int_not_equal(REPLAY_DIFFERENT, result);
	}
	int64_t taken = bench_cpu_ns() - start;
	assert_int_equal(b->count - 3, replayer_counts(replayer).recomputed); /* but genesis and two votes */
	return (double)taken / 1e3 / (double)(b->count - first);
}

int
main(void) {
	_cleanup_(tear_down) struct bench_gate b;
	double samples[ROUNDS];
	int64_t signing = 0;
	set_up(&b);
	make_hot_key(&b);
	size_t first = b.count;
	for (unsigned i = 0; i < TRANSFERS; i++)
		signing += sign_one(&b, i);
	for (size_t i = 0; i < ROUNDS; i++)
		samples[i] = replay_from(&b, first);
	bench_row(&(struct bench_row){.name = "gate.replay_decision_us",
				      .unit = "us",
				      .value = bench_median(samples, ROUNDS),
				      .baseline = "verifying, deciding and signing it in the gate",
				      .baseline_value = (double)signing / 1e3 / (double)TRANSFERS});
	return 0;
}
