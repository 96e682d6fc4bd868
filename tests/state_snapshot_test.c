/*
 * A start from a snapshot and what came since gives the state that replaying everything gives, under random workloads; and a
 * snapshot file that was damaged, edited, exchanged or written by another program changes nothing but the time that a start takes.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "base/log.h"
#include "gate/snapshot.h"
#include "keeper/internal.h"
#include "store/snapshot.h"
#include "tests/soak.h"

static const char PATH[] = "/data/snapshot";
constexpr size_t OPERATIONS_MAX = 200;

struct world {
	struct simulated_disk *disk;
	struct house house;
	struct arena arena;
	struct bytes held[OPERATIONS_MAX]; /* ids, of all that were held once */
	size_t held_count;
	uint64_t random;
	unsigned next_nonce, next_name;
};

static void
begin(struct world *world, uint64_t seed) {
	*world = (struct world){.random = seed * 2 + 1};
	assert_ok(simulated_disk_create(&world->disk, seed));
	house_found_on_disk(&world->house, simulated_disk_io(world->disk));
	world->house.snapshot_entries = UINT64_MAX; /* none by itself */
	assert_ok(house_open(&world->house));
	house_make_key(&world->house, "eth-hot");
}

static void
world_end(struct world *world) {
	house_free(&world->house);
	arena_free(&world->arena);
	simulated_disk_destroy(&world->disk);
}

static uint64_t
draw(struct world *world, uint64_t below) {
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (world->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

/* --- Random work. --- */

static void
submit(struct world *world, struct firm_operation operation) {
	struct ipc_response response;
	assert_ok(house_submit(&world->house, &world->arena, operation, &response));
	if (bytes_equal_text(house_text(&world->arena, &response, "state"), "held"))
		world->held[world->held_count++] = response.operation;
}

static void
vote(struct world *world) {
	static const char *const verdicts[] = {"approve", "approve", "approve", "reject", "withdraw"};
	struct ipc_response material;
	struct ipc_request request;
	if (world->held_count == 0)
		return;
	struct bytes operation = world->held[draw(world, world->held_count)];
	assert_ok(house_get(&world->house, &world->arena,
			    arena_format(&world->arena, "/v1/operations/%.*s/payload", BYTES_ARGS(operation)),
			    &material));
	if (material.status != 200)
		return;
	house_vote_request(&world->house, &world->arena, operation, (enum firm_member)draw(world, 5),
			   verdicts[draw(world, ARRAY_LENGTH(verdicts))], &request);
	assert_ok(house_ask(&world->house, &request, &world->arena, &material));
}

static const char *text(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

static const char *
text(struct world *world, const char *format, ...) {
	char written[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(written, sizeof written, format, arguments);
	va_end(arguments);
	return arena_format(&world->arena, "%s", written);
}

static void
administer(struct world *world) {
	unsigned name = world->next_name++;
	const struct firm_operation operations[] = {
		{FIRM_PERSON_4, "key.create", "account:options-hot",
		 text(world,
		      "{\"algorithm\":\"secp256k1\",\"id\":\"key-%u\",\"material\":\"extended\",\"branches\":[\"m/84'/"
		      "0'/%u'\"],"
		      "\"purpose\":\"transfer\"}",
		      name, name)},
		{FIRM_PERSON_1, "key.freeze", "key:eth-hot", "{}"},
		{FIRM_PERSON_4, "key.unfreeze", "key:eth-hot", "{}"},
		{FIRM_PERSON_4, "key.destroy", text(world, "key:key-%u", (unsigned)draw(world, name + 1)), "{}"},
		{FIRM_PERSON_4, "list.add", "list:counterparties",
		 text(world,
		      "{\"entries\":[\"eip155:1:0x%040x\"],\"expires\":%lld,\"note\":\"contract %u\",\"probation\":%u}",
		      0x1000 + name, (long long)house_now_ms(&world->house) + 3'600'000, name, name)},
		{FIRM_PERSON_4, "list.create", "system:gatehouse",
		 text(world, "{\"id\":\"list-%u\",\"kind\":\"allowed\"}", name)},
		{FIRM_PRICES, "price.set", "asset:eip155:1/native",
		 text(world, "{\"microcents\":%u}", 2'900'000'000U + (unsigned)draw(world, 1000))},
		{FIRM_PERSON_4, "zone.add", "system:gatehouse",
		 text(world, "{\"id\":\"zone-%u\",\"networks\":[\"10.%u.0.0/16\"]}", name, name % 250)},
		{FIRM_PERSON_4, "group.add", "system:gatehouse", text(world, "{\"id\":\"group_%u\"}", name)},
		{FIRM_PERSON_4, "group.member_add", "group:security",
		 "{\"effective_from\":4000000000000,\"person\":\"person:p-0000000000000001\"}"},
		{FIRM_PERSON_5, "delegate", "person:p-0000000000000005",
		 text(world, "{\"by\":\"person:p-0000000000000004\",\"until\":%lld}",
		      (long long)house_now_ms(&world->house) + 3'600'000)},
		{FIRM_PERSON_1, "principal.suspend", "workload:treasurer", "{}"},
		{FIRM_PERSON_4, "principal.resume", "workload:treasurer", "{}"},
		{FIRM_SETTLEMENT, "sign", "key:none", "{\"format\":\"evm\",\"transaction\":\"0x02\"}"},
	};
	submit(world, operations[draw(world, ARRAY_LENGTH(operations))]);
}

static void
act(struct world *world) {
	simulated_disk_advance_clock(world->disk, (int64_t)draw(world, 40'000) * 1'000'000);
	uint64_t drawn = draw(world, 10);
	if (drawn < 3)
		administer(world);
	else if (drawn < 6)
		vote(world);
	else if (drawn == 6)
		submit(world, house_sign(house_transfer(&world->arena, 350 + (unsigned)draw(world, 20),
							world->next_nonce++, 30)));
	else
		submit(world, house_sign(house_transfer(&world->arena, 1 + (unsigned)draw(world, 3),
							(unsigned)draw(world, world->next_nonce + 1),
							30 + (unsigned)draw(world, 40))));
	world->next_nonce++;
}

/* --- What is compared. --- */

static struct hash256
state_digest(struct world *world) {
	struct hash256 digest;
	assert_ok(gate_state_digest(world->house.keeper->gate, house_now_ms(&world->house), &digest));
	return digest;
}

static void
reopen(struct world *world) {
	house_close(&world->house);
	assert_ok(house_open(&world->house));
}

static uint64_t
restored_size(const struct world *world) {
	return ledger_restored_size(world->house.keeper->ledger);
}

static void
expect_state(struct world *world, const struct hash256 *expected) {
	struct hash256 found = state_digest(world);
	assert_memory_equal(expected, &found, sizeof found);
}

static void
a_snapshot_and_what_followed_is_what_full_replay_gives(void **) {
	uint64_t seeds = soak_is_on() ? 40 : 3;
	for (uint64_t seed = 0; seed < seeds; seed++) {
		_cleanup_(world_end) struct world world;
		begin(&world, seed);
		for (size_t round = 0; round < 3; round++) {
			for (uint64_t actions = 10 + draw(&world, 30); actions > 0; actions--)
				act(&world);
			assert_ok(keeper_snapshot(world.house.keeper)); /* from the one before, but for the first */
			for (uint64_t actions = draw(&world, 12); actions > 0; actions--)
				act(&world);
			struct hash256 live = state_digest(&world);
			reopen(&world);
			assert_true(restored_size(&world) > 0);
			expect_state(&world, &live);
		}
		struct hash256 live = state_digest(&world);
		assert_ok(io_unlink(world.house.io, PATH));
		reopen(&world);
		assert_int_equal(0, restored_size(&world));
		expect_state(&world, &live);
	}
}

/* --- Files that are not what they should be. --- */

static void
read_snapshot(struct world *world, struct buffer *bytes) {
	buffer_reset(bytes);
	assert_ok(io_read_file(world->house.io, PATH, SNAPSHOT_SIZE_MAX, bytes));
}

static void
expect_ignored(struct world *world, const struct hash256 *live, struct bytes file) {
	house_close(&world->house);
	assert_ok(io_replace_file(world->house.io, PATH, file));
	assert_ok(house_open(&world->house));
	assert_int_equal(0, restored_size(world));
	expect_state(world, live);
}

/* Root lifts what was spent, puts itself on a list, and makes the plain hash right; the key it has not. */
static void
a_snapshot_that_was_edited_adds_no_authority(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&world, 1);
	for (size_t i = 0; i < 10; i++)
		act(&world);
	assert_ok(keeper_snapshot(world.house.keeper));
	struct hash256 live = state_digest(&world);
	read_snapshot(&world, &bytes);
	uint8_t *address = memmem(bytes.data, bytes.len, "0x3535353535353535353535353535353535353535", 42);
	assert_non_null(address);
	address[41] = '6';
	expect_ignored(&world, &live, buffer_bytes(&bytes));
	struct hash256 plain = sha256(bytes_of(bytes.data, bytes.len - sizeof plain));
	memcpy(bytes.data + bytes.len - sizeof plain, plain.bytes, sizeof plain);
	expect_ignored(&world, &live, buffer_bytes(&bytes));
}

static void
every_damaged_snapshot_is_left_aside(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&world, 2);
	for (size_t i = 0; i < 5; i++)
		act(&world);
	assert_ok(keeper_snapshot(world.house.keeper));
	struct hash256 live = state_digest(&world);
	read_snapshot(&world, &bytes);
	for (size_t i = 0; i < 24; i++) {
		size_t at = i < 8 ? i * 13 : (size_t)draw(&world, bytes.len);
		bytes.data[at] ^= 1;
		expect_ignored(&world, &live, buffer_bytes(&bytes));
		bytes.data[at] ^= 1;
	}
	for (size_t i = 0; i < 6; i++)
		expect_ignored(&world, &live, bytes_of(bytes.data, bytes.len * i / 6));
}

/* Authentic, and of a program that does not exist yet. */
static void
a_snapshot_of_a_newer_program_is_left_aside(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer bytes = {}, state = {};
	struct snapshot snapshot;
	begin(&world, 3);
	struct keeper *keeper = world.house.keeper;
	assert_ok(keeper_snapshot(keeper));
	struct hash256 live = state_digest(&world);
	assert_ok(snapshot_read(world.house.io, PATH, secret_bytes(&keeper->snapshot_key), &bytes, &snapshot));
	buffer_append_bytes(&state, snapshot.decision_state);
	state.data[9]++;
	snapshot.decision_state = buffer_bytes(&state);
	assert_ok(snapshot_write(world.house.io, PATH, secret_bytes(&keeper->snapshot_key), &snapshot));
	reopen(&world);
	assert_int_equal(0, restored_size(&world));
	expect_state(&world, &live);
}

static void
a_snapshot_of_another_installation_is_left_aside(void **) {
	_cleanup_(world_end) struct world world, other;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&world, 4);
	begin(&other, 5);
	assert_ok(keeper_snapshot(other.house.keeper));
	read_snapshot(&other, &bytes);
	struct hash256 live = state_digest(&world);
	expect_ignored(&world, &live, buffer_bytes(&bytes));
}

static void
an_older_snapshot_of_this_log_leads_to_the_same_state(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&world, 6);
	assert_ok(keeper_snapshot(world.house.keeper));
	read_snapshot(&world, &bytes);
	for (size_t i = 0; i < 20; i++)
		act(&world);
	assert_ok(keeper_snapshot(world.house.keeper));
	struct hash256 live = state_digest(&world);
	house_close(&world.house);
	assert_ok(io_replace_file(world.house.io, PATH, buffer_bytes(&bytes)));
	assert_ok(house_open(&world.house));
	assert_true(restored_size(&world) > 0);
	expect_state(&world, &live);
}

/* An authentic snapshot proves that the log was longer once. */
static void
a_log_that_is_behind_its_own_snapshot_is_refused(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(simulated_disk_destroy) struct simulated_disk *older = nullptr;
	_cleanup_(buffer_free) struct buffer bytes = {};
	begin(&world, 7);
	house_close(&world.house);
	assert_ok(simulated_disk_copy(world.disk, &older, 1));
	assert_ok(house_open(&world.house));
	for (size_t i = 0; i < 5; i++)
		act(&world);
	assert_ok(keeper_snapshot(world.house.keeper));
	read_snapshot(&world, &bytes);
	house_close(&world.house);
	world.house.io = simulated_disk_io(older);
	assert_ok(io_replace_file(world.house.io, PATH, buffer_bytes(&bytes)));
	assert_fails(STATUS_CONFLICT, "ledger.behind", house_open(&world.house));
	house_close(&world.house);
}

static void
a_start_that_replayed_much_leaves_a_snapshot(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world, 8);
	struct hash256 live = state_digest(&world);
	world.house.snapshot_entries = 5;
	reopen(&world);
	assert_int_equal(0, restored_size(&world));
	reopen(&world);
	assert_true(restored_size(&world) > 0);
	expect_state(&world, &live);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(a_snapshot_and_what_followed_is_what_full_replay_gives),
		T(a_snapshot_that_was_edited_adds_no_authority),
		T(every_damaged_snapshot_is_left_aside),
		T(a_snapshot_of_a_newer_program_is_left_aside),
		T(a_snapshot_of_another_installation_is_left_aside),
		T(an_older_snapshot_of_this_log_leads_to_the_same_state),
		T(a_log_that_is_behind_its_own_snapshot_is_refused),
		T(a_start_that_replayed_much_leaves_a_snapshot),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
