/*
 * The whole keeper on a disk that loses its power, or loses the process, at every write, sync and rename of a fixed workload:
 * signing, held and approved operations, keys made, frozen and destroyed, repetitions, refusals, replacements, payloads in blobs,
 * publishing, snapshots, restarts. What was not answered is asked for again in the next life, and the workload goes on to its end.
 * Afterwards: tests/record_check.h, and the
 * state is the same whether it came about live, from a snapshot or from the first entry. GATEHOUSE_SOAK=1 cuts at every operation, several times; GATEHOUSE_SEED varies the cases.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "base/log.h"
#include "base/map.h"
#include "gate/snapshot.h"
#include "tests/record_check.h"
#include "tests/soak.h"

/* --- The workload. --- */

enum act {
	OPERATION,
	TRANSFER,
	LIST,  /* a payload that becomes a blob */
	VOTE,  /* on the operation of another step */
	AGAIN, /* another step's request, as it was */
	PUBLISH,
	SNAPSHOT,
	RESTART,
};

struct step {
	enum act act;
	enum firm_member by;
	size_t of; /* VOTE, AGAIN: the step */
	const char *verdict;
	const char *kind, *resource, *payload;
	unsigned hundredths, nonce, fee_gwei;
	const char *idempotency_key;
	unsigned status; /* when nothing fails */
};

#define KEY(name) "{\"algorithm\":\"secp256k1\",\"id\":\"" name "\",\"material\":\"single\",\"purpose\":\"transfer\"}"
#define OPERATION_OF(who, what, on, with, expected)                                                                    \
	{.act = OPERATION, .by = who, .kind = what, .resource = on, .payload = with, .status = expected}
#define VOTE_ON(step, who, how, expected) {.act = VOTE, .by = who, .of = step, .verdict = how, .status = expected}
#define TRANSFER_OF(amount, number, fee, expected)                                                                     \
	{.act = TRANSFER, .hundredths = amount, .nonce = number, .fee_gwei = fee, .status = expected}

static const struct step steps[] = {
	/* 0 */ OPERATION_OF(FIRM_PERSON_4, "key.create", "account:options-hot", KEY("eth-hot"), 202),
	/* 1 */ VOTE_ON(0, FIRM_PERSON_3, "approve", 202),
	/* 2 */ VOTE_ON(0, FIRM_PERSON_5, "approve", 200),
	/* 3 */ TRANSFER_OF(10, 0, 30, 200),
	/* 4 */ {.act = AGAIN, .of = 3, .status = 200},
	/* 5 */ TRANSFER_OF(20, 0, 40, 200), /* replaces */
					     /* 6 */
	{.act = TRANSFER, .hundredths = 1, .nonce = 1, .fee_gwei = 30, .idempotency_key = "same", .status = 200},
	/* 7 */
	{.act = TRANSFER, .hundredths = 2, .nonce = 2, .fee_gwei = 30, .idempotency_key = "same", .status = 409},
	/* 8 */ OPERATION_OF(FIRM_PRICES, "key.unfreeze", "key:eth-hot", "{}", 403),
	/* 9 */ OPERATION_OF(FIRM_SETTLEMENT, "sign", "key:none", "{\"format\":\"evm\",\"transaction\":\"0x02\"}", 404),
	/* 10 */ {.act = AGAIN, .of = 9, .status = 409}, /* its nonce is used */
	/* 11 */ {.act = PUBLISH},
	/* 12 */ TRANSFER_OF(400, 1, 30, 202),
	/* 13 */ VOTE_ON(12, FIRM_PERSON_1, "approve", 202),
	/* 14 */ VOTE_ON(12, FIRM_PERSON_2, "approve", 200),
	/* 15 */ {.act = AGAIN, .of = 12, .status = 200},
	/* 16 */ TRANSFER_OF(350, 2, 30, 202),
	/* 17 */ VOTE_ON(16, FIRM_PERSON_2, "reject", 403),
	/* 18 */ {.act = LIST, .by = FIRM_PERSON_4, .status = 202},
	/* 19 */ VOTE_ON(18, FIRM_PERSON_3, "approve", 202), /* stands in both groups, and is one human */
	/* 20 */ VOTE_ON(18, FIRM_PERSON_1, "approve", 200),
	/* 21 */ {.act = RESTART},
	/* 22 */ OPERATION_OF(FIRM_PERSON_4, "key.create", "account:options-hot", KEY("second"), 202),
	/* 23 */ VOTE_ON(22, FIRM_PERSON_3, "approve", 202),
	/* 24 */ VOTE_ON(22, FIRM_PERSON_5, "approve", 200),
	/* 25 */ OPERATION_OF(FIRM_PERSON_1, "key.freeze", "key:second", "{}", 200),
	/* 26 */ OPERATION_OF(FIRM_PERSON_4, "key.destroy", "key:second", "{}", 202),
	/* 27 */ VOTE_ON(26, FIRM_PERSON_3, "approve", 202),
	/* 28 */ {.act = SNAPSHOT},
	/* 29 */ VOTE_ON(26, FIRM_PERSON_5, "approve", 200), /* outward: an intent and its outcome */
	/* 30 */ TRANSFER_OF(3, 3, 30, 200),
	/* 31 */ {.act = RESTART},
	/* 32 */ TRANSFER_OF(4, 4, 30, 200),
	/* 33 */ {.act = AGAIN, .of = 3, .status = 200},
};

struct world {
	struct simulated_disk *disk;
	struct house house;
	struct arena arena;
	struct asked asked[ARRAY_LENGTH(steps)]; /* one of each step that asks anew */
	size_t next;                             /* the step that comes */
	bool has_ended;                          /* the keeper says that it can promise nothing more */
	bool is_faulty;                          /* something will fail: no answer is as in the table */
};

static void
note_end(void *context, const char *) {
	((struct world *)context)->has_ended = true;
}

static bool
is_over(const struct world *world) {
	return world->has_ended || simulated_disk_is_crashed(world->disk);
}

static const char *
list_payload(struct arena *arena) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "{\"entries\":[");
	for (unsigned i = 0; i < 320; i++)
		buffer_append_format(&text, "%s\"eip155:1:0x%040x\"", i == 0 ? "" : ",", 0x1000 + i);
	buffer_append_text(&text, "],\"probation\":100}");
	buffer_append_byte(&text, '\0');
	return (const char *)arena_copy(arena, buffer_bytes(&text)).data;
}

static struct firm_operation
operation_of(struct world *world, const struct step *step) {
	if (step->act == OPERATION)
		return (struct firm_operation){
			.by = step->by, .kind = step->kind, .resource = step->resource, .payload = step->payload};
	if (step->act == LIST)
		return (struct firm_operation){.by = step->by,
					       .kind = "list.add",
					       .resource = "list:counterparties",
					       .payload = list_payload(&world->arena)};
	return house_sign(house_transfer(&world->arena, step->hundredths, step->nonce, step->fee_gwei));
}

/* An answer counts where it brings a receipt, also when the machine has stopped since; any other only while it runs. */
static void
ask(struct world *world, struct asked *asked, unsigned expected) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	simulated_disk_advance_clock(world->disk, 300'000'000);
	enum status status = house_ask(&world->house, &asked->request, &arena, &response);
	bool heard = status == OK && (!is_over(world) || house_text(&arena, &response, "receipt").len > 0);
	if (!is_over(world) && status != OK)
		fail_msg("%s", fail_message());
	if (heard && !world->is_faulty && response.status != expected)
		assert_answer(expected, nullptr, &response);
	if (heard && response.status < 500) /* what could not be read is asked for again */
		(void)asked_note(asked, &world->arena, &response);
}

static bool
is_held(struct world *world, const struct asked *asked) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	if (!bytes_equal_text(asked->state, "held"))
		return false;
	const char *target = arena_format(&arena, "/v1/operations/%.*s/payload", BYTES_ARGS(asked->operation));
	return house_get(&world->house, &arena, target, &response) == OK && response.status == 200;
}

/* Whether there is a request to be sent: nobody votes on what is not held. */
static bool
prepare(struct world *world, const struct step *step, struct asked *asked) {
	if (asked->request.method.len > 0)
		return true;
	if (step->act == VOTE && !is_held(world, &world->asked[step->of]))
		return false;
	if (step->act == VOTE) {
		house_vote_request(&world->house, &world->arena, world->asked[step->of].operation, step->by,
				   step->verdict, &asked->request);
		return true;
	}
	struct firm_operation operation = operation_of(world, step);
	operation.idempotency_key = step->idempotency_key;
	house_request(&world->house, &world->arena, operation, &asked->request);
	asked->is_operation = true;
	return true;
}

static void
restart(struct world *world) {
	house_close(&world->house);
	enum status status = house_open(&world->house);
	if (status != OK && !is_over(world) && !world->is_faulty)
		fail_msg("the keeper does not open again: %s", fail_message());
	if (status != OK)
		world->has_ended = true;
}

static void
take_step(struct world *world) {
	const struct step *step = &steps[world->next];
	struct asked *asked = &world->asked[step->act == AGAIN ? step->of : world->next];
	if (step->act == PUBLISH) {
		enum status status = keeper_publish(world->house.keeper);
		if (status != OK && !is_over(world) && !world->is_faulty)
			fail_msg("%s", fail_message());
	} else if (step->act == SNAPSHOT) {
		enum status status = keeper_snapshot(world->house.keeper);
		if (status != OK && !is_over(world) && !world->is_faulty)
			fail_msg("%s", fail_message());
	} else if (step->act == RESTART)
		restart(world);
	else if (prepare(world, step, asked))
		ask(world, asked, step->status);
	world->next++;
}

/* Opens, asks again for what was not answered, and goes on, until something ends it. The nonce of a refused request is asked
 * for with its step only. */
static void
live(struct world *world) {
	world->has_ended = false;
	if (house_open(&world->house) != OK) {
		if (!is_over(world) && !world->is_faulty)
			fail_msg("the keeper does not open: %s", fail_message());
		world->has_ended = true;
	}
	for (size_t i = 0; i < world->next && !is_over(world); i++)
		if (!world->asked[i].answered && world->asked[i].request.method.len > 0)
			ask(world, &world->asked[i], 0);
	while (world->next < ARRAY_LENGTH(steps) && !is_over(world))
		take_step(world);
	house_close(&world->house);
}

/* --- Cases. --- */

struct plan {
	uint64_t crash_at, recovery_crash_at; /* numbers of operations; UINT64_MAX: none */
	uint64_t seed;
	bool power;     /* the machine loses its power; otherwise the process alone ends */
	int fails_call; /* of enum simulated_call, or -1 */
	uint64_t fails_nth;
};

static struct plan running; /* named when the program ends in its middle */
static bool is_running;

static void
name_running(void) {
	if (is_running)
		fprintf(stderr, "# operation %lld, recovery %lld, seed %llu, %s, call %d number %llu\n",
			(long long)running.crash_at, (long long)running.recovery_crash_at,
			(unsigned long long)running.seed, running.power ? "power" : "process", running.fails_call,
			(unsigned long long)running.fails_nth);
}

static void
world_end(struct world *world) {
	house_free(&world->house);
	arena_free(&world->arena);
	simulated_disk_destroy(&world->disk);
}

/* Founded once, copied for every case: nothing was promised before. */
static void
found(struct simulated_disk **disk, struct house *house) {
	assert_ok(simulated_disk_create(disk, 0));
	house_found_on_disk(house, simulated_disk_io(*disk));
}

static void
begin(const struct simulated_disk *founded, const struct house *house, uint64_t seed, struct world *world) {
	*world = (struct world){};
	assert_ok(simulated_disk_copy(founded, &world->disk, seed));
	world->house = *house;
	world->house.firm.arena = (struct arena){};
	world->house.io = simulated_disk_io(world->disk);
	world->house.snapshot_entries = 24; /* replayed at a start: so that some make one, and some begin from one */
	world->house.fatal = note_end;
	world->house.fatal_context = world;
}

static void
end_process(struct world *world, bool power) {
	simulated_disk_crash_at(world->disk, UINT64_MAX);
	if (power)
		simulated_disk_lose_power(world->disk);
	else
		simulated_disk_restart(world->disk);
}

static struct hash256
state_digest(struct world *world) {
	struct hash256 digest;
	assert_ok(gate_state_digest(world->house.keeper->gate, house_now_ms(&world->house), &digest));
	return digest;
}

/* The state as it came about, from the snapshot and what followed, and from the first entry on. */
static void
check_state(struct world *world) {
	struct hash256 live = state_digest(world);
	for (size_t i = 0; i < 2; i++) {
		house_close(&world->house);
		if (i == 1)
			IGNORE_STATUS(io_unlink(world->house.io, "/data/snapshot"));
		assert_ok(house_open(&world->house));
		struct hash256 restored = state_digest(world);
		assert_memory_equal(&live, &restored, sizeof live);
	}
}

/* All is asked once more, and nothing says otherwise than before. */
static void
check(struct world *world, struct record_findings *findings) {
	world->has_ended = false;
	world->is_faulty = true;
	assert_ok(house_open(&world->house));
	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++)
		if (world->asked[i].is_operation)
			ask(world, &world->asked[i], 0);
	assert_false(is_over(world));
	assert_ok(keeper_publish(world->house.keeper));
	record_check(world->house.keeper, world->asked, ARRAY_LENGTH(steps), findings);
	check_state(world);
	house_close(&world->house);
}

/* *outcome tells the disks that recovery met apart. */
static void
try_plan(const struct simulated_disk *founded, const struct house *house, const struct plan *plan, uint64_t *outcome) {
	_cleanup_(world_end) struct world world;
	struct record_findings findings;
	begin(founded, house, plan->seed, &world);
	running = *plan;
	is_running = true;
	world.is_faulty = true;
	if (plan->crash_at != UINT64_MAX)
		simulated_disk_crash_at(world.disk, simulated_disk_operations(world.disk) + plan->crash_at);
	if (plan->fails_call >= 0)
		simulated_disk_fail(world.disk, (enum simulated_call)plan->fails_call, plan->fails_nth, STATUS_IO);
	live(&world);
	end_process(&world, plan->power);
	*outcome = simulated_disk_fingerprint(world.disk);
	if (plan->recovery_crash_at != UINT64_MAX) {
		simulated_disk_crash_at(world.disk, simulated_disk_operations(world.disk) + plan->recovery_crash_at);
		live(&world);
		end_process(&world, plan->power);
	}
	for (size_t i = 0; i < SIMULATED_CALLS; i++) /* what was planned and never came */
		simulated_disk_fail(world.disk, (enum simulated_call)i, UINT64_MAX, OK);
	live(&world);
	if (is_over(&world)) {
		name_running();
		fail_msg("it does not go on at step %zu: %s", world.next, fail_message());
	}
	assert_int_equal(ARRAY_LENGTH(steps), world.next);
	end_process(&world, true);
	check(&world, &findings);
	is_running = false;
}

static uint64_t
count_operations(const struct simulated_disk *founded, const struct house *house) {
	_cleanup_(world_end) struct world world;
	begin(founded, house, 0, &world);
	uint64_t start = simulated_disk_operations(world.disk);
	live(&world);
	return simulated_disk_operations(world.disk) - start;
}

static void
the_workload_is_what_it_says(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(world_end) struct world world;
	struct house house;
	struct record_findings findings;
	found(&disk, &house);
	begin(disk, &house, 0, &world);
	live(&world);
	assert_int_equal(ARRAY_LENGTH(steps), world.next);
	check(&world, &findings);
	assert_int_equal(6, findings.signed_count);
	print_message("# %llu entries, %zu decisions, %llu replayed alike\n", (unsigned long long)findings.entries,
		      findings.decisions, (unsigned long long)findings.replayed);
	firm_free(&house.firm);
}

static void
nothing_acknowledged_is_lost_at_any_crash_point_of_the_keeper(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(map_free) struct map outcomes = {};
	struct house house;
	found(&disk, &house);
	uint64_t operations = count_operations(disk, &house), seeds = soak_is_on() ? 6 : 1,
		 stride = soak_is_on() ? 1 : 17;
	uint64_t tried = 0;
	assert_true(operations > 300);
	for (uint64_t at = soak_first_case() / 1'000'000 % stride; at < operations; at += stride)
		for (uint64_t seed = 0; seed < seeds; seed++, tried++) {
			struct plan plan = {
				.crash_at = at,
				.recovery_crash_at = seed % 4 == 3 ? (at * 7 + seed) % 60 : UINT64_MAX,
				.seed = soak_first_case() + at * 1000 + seed,
				.power = seed % 4 != 1,
				.fails_call = -1,
			};
			uint64_t key[2] = {at};
			try_plan(disk, &house, &plan, &key[1]);
			assert_ok(map_put(&outcomes, bytes_of(key, sizeof key), &outcomes, nullptr));
		}
	print_message("# seed %llu: %llu crash points, %llu cases\n", (unsigned long long)soak_first_case(),
		      (unsigned long long)operations, (unsigned long long)tried);
	print_message("# result keeper_crash_outcomes %zu\n", outcomes.count);
	assert_true(outcomes.count >= (soak_is_on() ? 2000 : 20));
	firm_free(&house.firm);
}

static void
every_failing_call_ends_the_keeper_or_is_survived(void **) {
	static const enum simulated_call calls[] = {SIMULATED_WRITE, SIMULATED_SYNC,   SIMULATED_OPEN,
						    SIMULATED_READ,  SIMULATED_RENAME, SIMULATED_UNLINK};
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct house house;
	uint64_t outcome, nths = soak_is_on() ? 150 : 2;
	found(&disk, &house);
	for (size_t i = 0; i < ARRAY_LENGTH(calls); i++)
		for (uint64_t nth = 0; nth < nths; nth++) {
			struct plan plan = {
				.crash_at = UINT64_MAX,
				.recovery_crash_at = UINT64_MAX,
				.seed = nth,
				.power = nth % 2 == 0,
				.fails_call = (int)calls[i],
				.fails_nth = soak_is_on() ? nth : nth * 53 + i,
			};
			try_plan(disk, &house, &plan, &outcome);
		}
	firm_free(&house.firm);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(the_workload_is_what_it_says),
		T(nothing_acknowledged_is_lost_at_any_crash_point_of_the_keeper),
		T(every_failing_call_ends_the_keeper_or_is_survived),
	};
	atexit(name_running);
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
