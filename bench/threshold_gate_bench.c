/*
 * A transfer with a shared key, 2 of 3, from its submission to its receipt: three whole keepers, each with its own log on this
 * machine's disk, a presignature at hand. All of them decide, two sign, and each makes its intent and its outcome durable; here one
 * after the other in one thread, with nothing between them. What bench/threshold_processes, which has the bar, has beyond it is
 * connections, processes and their waiting. Beside it the same transfer with a whole key at one keeper.
 */
#include "tests/test.h"
#include "bench/bench.h"
#include "tests/team.h"

constexpr size_t ROUNDS = 25;
constexpr size_t RUNS = 8;

static double cpu_ms; /* of all keepers together, over all rounds */

static double
sign_ms(struct team *team, const char *key, uint64_t nonce) {
	_cleanup_(arena_free) struct arena arena = {};
	struct house *house = &team->members[0].house;
	struct firm_operation transfer = house_sign(house_transfer(&arena, 1, nonce, 30));
	struct ipc_request request;
	struct ipc_response response;
	transfer.resource = key;
	house_request(house, &arena, transfer, &request);
	int64_t start = bench_now_ns(), cpu_start = bench_cpu_ns();
	assert_ok(keeper_answer(house->keeper, &request, &arena, &response));
	double ms = (double)(bench_now_ns() - start) / 1e6;
	cpu_ms += (double)(bench_cpu_ns() - cpu_start) / 1e6;
	assert_answer(200, "done", &response);
	return ms;
}

/* The least of several medians: what the machine does when others leave it alone. */
static double
median_ms(struct team *team, const char *key) {
	double least = 0;
	for (size_t run = 0; run < RUNS; run++) {
		double times[ROUNDS];
		for (size_t i = 0; i < ROUNDS; i++) {
			times[i] = sign_ms(team, key, run * ROUNDS + i);
			team_settle(team); /* and what was used up is prepared anew */
		}
		qsort(times, ROUNDS, sizeof *times, bench_compare);
		least = run == 0 || times[ROUNDS / 2] < least ? times[ROUNDS / 2] : least;
	}
	return least;
}

int
main(void) {
	_cleanup_(team_free) struct team team;
	team_found_here(&team, 3);
	team_make_key(&team, "vault", "2-of-3");
	house_make_key(&team.members[0].house, "eth-hot");
	double whole = median_ms(&team, "key:eth-hot");
	cpu_ms = 0;
	double shared = median_ms(&team, "key:vault");
	char detail[160];
	snprintf(
		detail, sizeof detail,
		"2 of 3, presigned; six durable batches one after the other in one thread; processor time of all three "
		"keepers %.2f ms",
		cpu_ms / (double)(ROUNDS * RUNS));
	bench_row(&(struct bench_row){.name = "threshold.gated_one_thread_ms",
				      .unit = "ms",
				      .value = shared,
				      .baseline = "a whole key at one keeper",
				      .baseline_value = whole,
				      .detail = detail});
	return 0;
}
