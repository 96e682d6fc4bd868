/*
 * The keeper whole, with every thread that it has: its loop on one, the pool that reads and verifies, the log's committer and the
 * keeper of its room, the publisher, slow reads, and the snapshots. For ThreadSanitizer, which says what two of them touch at once.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

constexpr unsigned ROUNDS = 3, TOGETHER = 24; /* signatures asked for before the first is answered */
constexpr int PATIENCE_MS = 120'000;

struct serving {
	struct house house;
	struct arena arena;
	int channel; /* the loop's side */
	pthread_t loop;
	enum status status;
	char why[256];
	size_t asked, answered;
	struct ipc_response responses[ROUNDS * 2 * TOGETHER + 1]; /* by number of request */
};

static void *
run_loop(void *argument) {
	struct serving *serving = argument;
	struct keeper_watch nothing = {.descriptor = -1};
	serving->status = keeper_serve(serving->house.keeper, serving->channel, &nothing);
	if (serving->status != OK)
		snprintf(serving->why, sizeof serving->why, "%s", fail_message());
	return nullptr;
}

static void
start(struct serving *serving) {
	int pair[2];
	*serving = (struct serving){};
	house_found(&serving->house, nullptr);
	assert_ok(house_open(&serving->house));
	house_make_key(&serving->house, "eth-hot");
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	serving->channel = pair[1];
	(void)ipc_build_id(); /* which a process makes once, at the one end that it has */
	assert_int_equal(0, pthread_create(&serving->loop, nullptr, run_loop, serving));
	assert_ok(ipc_start(&serving->house.channel, pair[0], IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER));
}

/* What was begun is finished; what it became is in the log and restores. */
static void
end(struct serving *serving) {
	struct ledger_statistics statistics;
	ipc_stop(&serving->house.channel);
	assert_int_equal(0, pthread_join(serving->loop, nullptr));
	if (serving->status != OK)
		fail_msg("the loop ended: %s", serving->why);
	ledger_statistics(keeper_ledger(serving->house.keeper), &statistics);
	house_close(&serving->house);
	assert_ok(house_open(&serving->house));
	assert_true(ledger_restored_size(keeper_ledger(serving->house.keeper)) > 0);
	print_message("%llu entries in %llu frames\n", (unsigned long long)statistics.entries,
		      (unsigned long long)statistics.frames);
	house_free(&serving->house);
	arena_free(&serving->arena);
}

static void
ask(struct serving *serving, const struct ipc_request *request) {
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_request(&payload, request);
	assert_ok(ipc_send(&serving->house.channel, IPC_REQUEST, ++serving->asked, false, buffer_bytes(&payload)));
}

static void
ask_for(struct serving *serving, enum firm_member by, const char *target) {
	struct ipc_request request;
	house_get_request(&serving->house, &serving->arena, by, target, &request);
	ask(serving, &request);
}

static void
receive_all(struct serving *serving) {
	for (; serving->answered < serving->asked; serving->answered++) {
		uint64_t number;
		struct ipc_response response;
		assert_ok(house_receive(&serving->house, PATIENCE_MS, &number, &serving->arena, &response));
		assert_in_range(number, 1, serving->asked);
		assert_int_equal(0, serving->responses[number].status);
		serving->responses[number] = response;
	}
}

/* Reads of the state, which the loop answers, and of the record, which a thread of its own does. */
static const char *const READS[] = {"/v1/operations", "/v1/keys/eth-hot", "/v1/ledger/entries/3",
				    "/v1/ledger/checkpoint"};

static void
ask_round(struct serving *serving, unsigned round) {
	for (unsigned i = 0; i < TOGETHER; i++) {
		struct ipc_request request;
		const char *payload = house_transfer(&serving->arena, 1, round * TOGETHER + i, 30);
		house_request(&serving->house, &serving->arena, house_sign(payload), &request);
		ask(serving, &request);
		if (i % 4 == 0)
			ask_for(serving, (enum firm_member)(FIRM_PERSON_1 + i / 4 % 5),
				READS[i / 4 % ARRAY_LENGTH(READS)]);
	}
}

static void
signatures_and_reads_go_on_beside_each_other(void **) {
	static struct serving serving;
	start(&serving);
	size_t signed_count = 0;
	for (unsigned round = 0; round < ROUNDS; round++) {
		ask_round(&serving, round);
		assert_ok(keeper_snapshot(serving.house.keeper)); /* as a thread of its own does from time to time */
		receive_all(&serving);
	}
	for (size_t i = 1; i <= serving.asked; i++) {
		const struct ipc_response *response = &serving.responses[i];
		if (response->status != 200)
			fail_msg("request %zu: %u %.*s", i, response->status, BYTES_ARGS(response->body));
		signed_count +=
			memmem(response->body.data, response->body.len, "\"transaction\":\"02", 17) != nullptr &&
			response->operation.len > 0;
	}
	assert_int_equal(ROUNDS * TOGETHER, signed_count);
	end(&serving);
}

RUN_TESTS(T(signatures_and_reads_go_on_beside_each_other))
