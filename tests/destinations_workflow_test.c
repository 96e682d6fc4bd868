/*
 * How a destination comes to be trusted, through the whole keeper and Northwind's own policies: it waits, is tried with a small
 * transfer, is confirmed, and expires. What a restart finds is what there was.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "base/time.h"

/* The one that house_transfer() pays, which Northwind is founded with; one hundredth of an ETH is 3,000 cents, and the fee 189. */
#define DESTINATION "eip155:1:0x3535353535353535353535353535353535353535"

struct world {
	struct simulated_disk *disk;
	struct house house;
	struct arena arena;
	uint64_t nonce;
};

static struct ipc_response
submit(struct world *world, struct firm_operation operation) {
	struct ipc_response response;
	assert_ok(house_submit(&world->house, &world->arena, operation, &response));
	return response;
}

static struct ipc_response
change_list(struct world *world, const char *kind, const char *terms) {
	const char *payload = arena_format(&world->arena, "{\"entries\":[\"" DESTINATION "\"]%s}", terms);
	return submit(world, (struct firm_operation){.by = FIRM_PERSON_4,
						     .kind = kind,
						     .resource = "list:counterparties",
						     .payload = payload});
}

/* With a vote of security and one of the treasury. */
static void
change_list_approved(struct world *world, const char *kind, const char *terms) {
	struct ipc_response response = change_list(world, kind, terms);
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	assert_ok(house_vote(&world->house, &world->arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_ok(house_vote(&world->house, &world->arena, operation, FIRM_PERSON_1, "approve", &response));
	assert_answer(200, "done", &response);
}

static struct ipc_response
transfer(struct world *world, unsigned hundredths) {
	return submit(world, house_sign(house_transfer(&world->arena, hundredths, world->nonce++, 30)));
}

#define expect_denied(reason, response) expect_reason(__FILE__, __LINE__, reason, response)

static void
expect_reason(const char *file, int line, const char *reason, struct ipc_response response) {
	house_expect(file, line, 403, "denied", &response);
	if (memmem(response.body.data, response.body.len, reason, strlen(reason)) != nullptr)
		return;
	print_error("expected %s in %.*s\n", reason, BYTES_ARGS(response.body));
	_fail(file, line);
}

/* Time passes, and the feed says the price again. */
static void
pass(struct world *world, int64_t time_ms) {
	simulated_disk_advance_clock(world->disk, time_ms * 1'000'000);
	struct ipc_response response =
		submit(world, (struct firm_operation){.by = FIRM_PRICES,
						      .kind = "price.set",
						      .resource = "asset:eip155:1/native",
						      .payload = "{\"microcents\":300000000000}"});
	assert_answer(200, "done", &response);
}

static void
reopen(struct world *world) {
	house_close(&world->house);
	assert_ok(house_open(&world->house));
}

static void
expect_listed(struct world *world, const char *member, const char *value) {
	struct ipc_response response;
	assert_ok(house_get(&world->house, &world->arena, "/v1/lists/counterparties", &response));
	const char *text = arena_format(&world->arena, "\"%s\":%s", member, value);
	if (memmem(response.body.data, response.body.len, text, strlen(text)) == nullptr)
		fail_msg("expected %s in %.*s", text, BYTES_ARGS(response.body));
}

static void
begin(struct world *world) {
	*world = (struct world){};
	assert_ok(simulated_disk_create(&world->disk, 1));
	house_found_on_disk(&world->house, simulated_disk_io(world->disk));
	assert_ok(house_open(&world->house));
	house_make_key(&world->house, "eth-hot");
	pass(world, SECOND_MS);
	change_list_approved(world, "list.remove", "");
}

static void
world_end(struct world *world) {
	house_free(&world->house);
	arena_free(&world->arena);
	simulated_disk_destroy(&world->disk);
}

static void
on_probation_only_a_test_is_signed_until_two_people_confirm_it(void **) {
	_cleanup_(world_end) struct world world;
	struct ipc_response response;
	begin(&world);
	response = transfer(&world, 1);
	assert_answer(403, "denied", &response);
	expect_denied("new_destinations_wait", change_list(&world, "list.add", ""));
	change_list_approved(&world, "list.add", ",\"note\":\"contract 12/2026\",\"probation\":6500");
	expect_listed(&world, "state", "\"probation\"");
	expect_listed(&world, "note", "\"contract 12/2026\"");
	expect_denied("confirmed_after_a_test", change_list(&world, "list.confirm", ""));
	response = transfer(&world, 3); /* over the test */
	assert_answer(403, "denied", &response);
	response = transfer(&world, 2);
	assert_answer(200, "done", &response);
	const char *tested_by = arena_format(&world.arena, "\"%.*s\"", BYTES_ARGS(response.operation));
	expect_listed(&world, "tested_by", tested_by);
	response = transfer(&world, 1); /* more within the day than one test */
	assert_answer(403, "denied", &response);
	reopen(&world);
	expect_listed(&world, "tested_by", tested_by);
	change_list_approved(&world, "list.confirm", "");
	expect_listed(&world, "state", "\"in_force\"");
	response = transfer(&world, 300);
	assert_answer(200, "done", &response);
	expect_denied("confirmed_after_a_test", change_list(&world, "list.confirm", ""));
	reopen(&world);
	expect_listed(&world, "state", "\"in_force\"");
}

static void
nothing_is_signed_before_the_waiting_time_is_over_nor_after_the_end(void **) {
	_cleanup_(world_end) struct world world;
	struct ipc_response response;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	expect_denied("new_destinations_wait", change_list(&world, "list.add",
							   arena_format(&world.arena, ",\"effective_from\":%lld",
									(long long)(now_ms + DAY_MS - SECOND_MS))));
	change_list_approved(&world, "list.add",
			     arena_format(&world.arena, ",\"effective_from\":%lld,\"expires\":%lld",
					  (long long)(now_ms + 25 * HOUR_MS), (long long)(now_ms + 50 * HOUR_MS)));
	expect_listed(&world, "state", "\"waiting\"");
	expect_denied("destination_not_in_force", transfer(&world, 1));
	pass(&world, 24 * HOUR_MS);
	expect_denied("destination_not_in_force", transfer(&world, 1));
	reopen(&world);
	pass(&world, HOUR_MS);
	expect_listed(&world, "state", "\"in_force\"");
	response = transfer(&world, 1);
	assert_answer(200, "done", &response);
	pass(&world, 25 * HOUR_MS);
	expect_listed(&world, "state", "\"expired\"");
	expect_denied("destination_not_in_force", transfer(&world, 1));
	reopen(&world);
	expect_denied("destination_not_in_force", transfer(&world, 1));
}

static void
bad_terms_are_refused_by_name(void **) {
	_cleanup_(world_end) struct world world;
	static const char *const terms[] = {
		",\"probation\":0",
		",\"probation\":-1",
		",\"probation\":\"1\"",
		",\"expires\":0",
		",\"effective_from\":-5",
		",\"effective_from\":true",
		",\"note\":\"\"",
		",\"note\":7",
		",\"note\":\"01234567890123456789012345678901234567890123456789012345678901234\"",
		",\"probation\":1,\"expires\":1",
	};
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(terms); i++) {
		struct ipc_response response = change_list(&world, "list.add", terms[i]);
		assert_int_equal(400, response.status);
	}
	struct ipc_response response = change_list(&world, "list.add", ",\"probation\":6500");
	assert_answer(202, "held", &response);
}

RUN_TESTS(T(on_probation_only_a_test_is_signed_until_two_people_confirm_it),
	  T(nothing_is_signed_before_the_waiting_time_is_over_nor_after_the_end), T(bad_terms_are_refused_by_name))
