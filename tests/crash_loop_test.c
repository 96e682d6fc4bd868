/*
 * The keeper is killed under load, again and again, and started on the same directory. A client submits transfers, replacements
 * and large transfers, votes on them, and asks again for what was not answered. At the end: nothing acknowledged is lost,
 * the log has no gap and no fork, every limit is counted once, nothing is signed twice differently, state.db built anew is equal,
 * and every decision replays. GATEHOUSE_SOAK=1: 100 kills instead of 5; GATEHOUSE_SEED repeats a run.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "keeper/projection.h"
#include "tests/record_check.h"
#include "tests/soak.h"

constexpr size_t ASKED_MAX = 20'000;
constexpr size_t OUTSTANDING_MAX = 12;

struct client {
	struct house house;
	struct arena arena;
	struct asked *asked;
	size_t count, outstanding;
	uint64_t random, next_nonce;
	size_t kills, answers, repeated;
};

/* xorshift64*: a run is repeated from its seed. */
static uint64_t
draw(struct client *client, uint64_t below) {
	client->random ^= client->random >> 12;
	client->random ^= client->random << 25;
	client->random ^= client->random >> 27;
	return (client->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

/* --- Asking. --- */

static struct asked *
asked_as(struct client *client, uint64_t number) {
	for (size_t i = client->count; i-- > 0;)
		if (client->asked[i].number == number)
			return &client->asked[i];
	return nullptr;
}

static void
note_answer(struct client *client, struct asked *asked, const struct ipc_response *response) {
	client->repeated += asked->answered;
	client->answers++;
	(void)asked_note(asked, &client->arena, response);
}

/* Takes one answer; false when the keeper is gone. */
static bool
take_answer(struct client *client) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint64_t number;
	if (house_receive(&client->house, 120'000, &number, &arena, &response) != OK)
		return false;
	struct asked *asked = asked_as(client, number);
	if (asked == nullptr)
		return true;
	note_answer(client, asked, &response);
	client->outstanding--;
	return true;
}

static void
send_request(struct client *client, struct asked *asked) {
	_cleanup_(buffer_free) struct buffer payload = {};
	while (client->outstanding >= OUTSTANDING_MAX)
		assert_true(take_answer(client));
	asked->number = ++client->house.next_request;
	client->outstanding++;
	ipc_write_request(&payload, &asked->request);
	assert_ok(ipc_send(&client->house.channel, IPC_REQUEST, asked->number, false, buffer_bytes(&payload)));
	assert_ok(ipc_flush(&client->house.channel));
}

static struct asked *
add_request(struct client *client, const struct ipc_request *request, bool is_operation) {
	assert_true(client->count < ASKED_MAX);
	struct asked *asked = &client->asked[client->count++];
	*asked = (struct asked){.request = *request, .is_operation = is_operation};
	return asked;
}

/* --- What is asked for. --- */

static void
submit(struct client *client, unsigned hundredths, uint64_t nonce, unsigned fee_gwei) {
	struct ipc_request request;
	house_request(&client->house, &client->arena,
		      house_sign(house_transfer(&client->arena, hundredths, nonce, fee_gwei)), &request);
	send_request(client, add_request(client, &request, true));
}

static void
vote_on(struct client *client, struct bytes operation) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_request request;
	while (client->outstanding > 0) /* what is held is looked at alone */
		assert_true(take_answer(client));
	struct ipc_response material;
	assert_ok(house_get(&client->house, &client->arena,
			    arena_format(&client->arena, "/v1/operations/%.*s/payload", BYTES_ARGS(operation)),
			    &material));
	if (material.status != 200)
		return; /* decided meanwhile */
	enum firm_member by = draw(client, 2) == 0 ? FIRM_PERSON_1 : FIRM_PERSON_2;
	assert_ok(firm_vote(&client->house.firm, HOUSE_INSTANCE, by, material.body, "approve",
			    house_now_ms(&client->house), &body));
	struct http_request plain = {.method = BYTES_OF_LITERAL("POST"),
				     .target = bytes_of_text(arena_format(&client->arena, "/v1/operations/%.*s/votes",
									  BYTES_ARGS(operation))),
				     .body = arena_copy(&client->arena, buffer_bytes(&body))};
	request = house_frame(&plain);
	send_request(client, add_request(client, &request, false));
}

static void
vote_on_something(struct client *client) {
	for (size_t tries = 0; tries < 40 && client->count > 0; tries++) {
		struct asked *asked = &client->asked[draw(client, client->count)];
		if (asked->is_operation && bytes_equal_text(asked->state, "held")) {
			vote_on(client, asked->operation);
			return;
		}
	}
}

static void
ask_again(struct client *client) {
	if (client->count == 0)
		return;
	struct asked *asked = &client->asked[draw(client, client->count)];
	if (asked->number == 0)
		send_request(client, asked);
}

static void
act(struct client *client) {
	switch (draw(client, 10)) {
	case 0:
		submit(client, 350 + (unsigned)draw(client, 10), client->next_nonce++, 30); /* held: above 10,000 USD */
		break;
	case 1:
	case 2:
		vote_on_something(client);
		break;
	case 3:
		if (client->next_nonce > 0) /* the same nonce for a higher fee, or for another amount */
			submit(client, 1 + (unsigned)draw(client, 3), draw(client, client->next_nonce),
			       30 + (unsigned)draw(client, 40));
		break;
	case 4:
		ask_again(client);
		break;
	default:
		submit(client, 1 + (unsigned)draw(client, 3), client->next_nonce++, 30);
	}
}

/* --- Lives. --- */

static void
ask_for_the_unanswered(struct client *client) {
	for (size_t i = 0; i < client->count; i++) {
		struct asked *asked = &client->asked[i];
		if (asked->number == 0)
			continue;
		asked->number = 0;
		send_request(client, asked);
	}
}

static void
live(struct client *client, size_t actions) {
	client->outstanding = 0;
	house_start(&client->house);
	ask_for_the_unanswered(client);
	for (size_t i = 0; i < actions; i++)
		act(client);
}

static void
live_and_be_killed(struct client *client) {
	live(client, 10 + draw(client, 50));
	usleep((useconds_t)draw(client, 3000));
	house_kill(&client->house);
	client->kills++;
}

/* --- What must hold. --- */

static void
wait_for_state_db(struct keeper *keeper) {
	struct ledger_head head;
	bool is_current = false;
	ledger_durable_head(keeper->ledger, &head);
	while (!is_current) {
		usleep(20'000);
		pthread_mutex_lock(&keeper->projection_mutex);
		is_current = projection_applied(keeper->projection).size == head.head.size;
		pthread_mutex_unlock(&keeper->projection_mutex);
	}
}

static void
check_everything(struct client *client) {
	struct record_findings findings;
	assert_ok(house_open(&client->house));
	wait_for_state_db(client->house.keeper);
	record_check(client->house.keeper, client->asked, client->count, &findings);
	print_message("%zu kills, %zu answers (%zu repeated) to %zu requests; %llu entries, %zu decisions, %zu signed, "
		      "%llu replayed alike\n",
		      client->kills, client->answers, client->repeated, client->count,
		      (unsigned long long)findings.entries, findings.decisions, findings.signed_count,
		      (unsigned long long)findings.replayed);
	printf("# result kills %zu\n# result requests %zu\n# result signed %zu\n", client->kills, client->count,
	       findings.signed_count);
}

static uint64_t
seed_of_run(void) {
	const char *given = getenv("GATEHOUSE_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : (uint64_t)now.tv_nsec * 2 + 1;
	print_message("GATEHOUSE_SEED=%llu\n", (unsigned long long)seed);
	return seed == 0 ? 1 : seed;
}

static void
nothing_acknowledged_is_lost_however_often_the_keeper_is_killed(void **) {
	size_t kills = soak_is_on() ? 100 : 5;
	struct client *client = calloc(1, sizeof *client);
	assert_non_null(client);
	client->asked = calloc(ASKED_MAX, sizeof *client->asked);
	client->random = seed_of_run();
	assert_non_null(client->asked);
	house_found(&client->house, nullptr);
	assert_ok(house_open(&client->house));
	house_make_key(&client->house, "eth-hot");
	house_close(&client->house);
	while (client->kills < kills)
		live_and_be_killed(client);
	live(client, 20);
	while (client->outstanding > 0)
		assert_true(take_answer(client));
	assert_int_equal(0, house_stop(&client->house));
	for (size_t i = 0; i < client->count; i++)
		assert_true(client->asked[i].answered);
	check_everything(client);
	house_free(&client->house);
	arena_free(&client->arena);
	free(client->asked);
	free(client);
}

RUN_TESTS(T(nothing_acknowledged_is_lost_however_often_the_keeper_is_killed))
