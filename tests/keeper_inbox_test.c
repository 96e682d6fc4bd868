#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/house.h"

struct desk {
	struct house house;
	struct arena arena;
};

static void
open_desk(struct desk *desk) {
	*desk = (struct desk){};
	house_found(&desk->house, nullptr);
	assert_ok(house_open(&desk->house));
	house_make_key(&desk->house, "eth-hot");
}

static void
close_desk(struct desk *desk) {
	house_free(&desk->house);
	arena_free(&desk->arena);
}

/* A transfer that needs two of the treasury, one of them from a terminal. */
static struct bytes
large_transfer(struct desk *desk, uint64_t nonce) {
	struct ipc_response response;
	assert_ok(house_submit(&desk->house, &desk->arena, house_sign(house_transfer(&desk->arena, 1000, nonce, 30)),
			       &response));
	assert_answer(202, "held", &response);
	return house_text(&desk->arena, &response, "operation");
}

static const json *
ask(struct desk *desk, enum firm_member by, const char *target) {
	struct ipc_response response;
	const json *document;
	assert_ok(house_get_by(&desk->house, &desk->arena, by, target, &response));
	assert_answer(200, nullptr, &response);
	assert_ok(json_read(&desk->arena, response.body, (struct json_limits){}, &document));
	return document;
}

static void
assert_refused(struct desk *desk, enum firm_member by, const char *target, unsigned status, const char *name) {
	struct ipc_response response;
	assert_ok(house_get_by(&desk->house, &desk->arena, by, target, &response));
	assert_int_equal(status, response.status);
	assert_bytes(bytes_of_text(name), house_problem(&desk->arena, &response));
}

static struct bytes
text(const json *object, const char *member) {
	const json *value = json_get(object, member);
	assert_non_null(value);
	return json_string(value);
}

/* Strings of an array, each with a comma. */
static const char *
joined(struct desk *desk, const json *array) {
	struct json_iterator items = json_iterate(array);
	char *all = arena_format(&desk->arena, "%s", "");
	for (const json *item; (item = json_next(&items, nullptr)) != nullptr;)
		all = arena_format(&desk->arena, "%s%.*s,", all, BYTES_ARGS(json_string(item)));
	return all;
}

static const json *
first_item(const json *inbox) {
	struct json_iterator items = json_iterate(json_get(inbox, "items"));
	const json *item = json_next(&items, nullptr);
	assert_non_null(item);
	return item;
}

static int64_t
waiting_for(struct desk *desk, enum firm_member by) {
	const json *inbox = ask(desk, by, "/v1/inbox");
	assert_int_equal(json_integer(json_get(inbox, "count")), json_size(json_get(inbox, "items")));
	return json_integer(json_get(inbox, "count"));
}

static void
what_waits_stands_in_the_inbox_of_whom_it_waits_for(void **) {
	struct desk desk;
	open_desk(&desk);
	for (enum firm_member by = FIRM_PERSON_1; by <= FIRM_PERSON_5; by++)
		assert_int_equal(0, waiting_for(&desk, by));
	struct bytes operation = large_transfer(&desk, 0);
	assert_int_equal(1, waiting_for(&desk, FIRM_PERSON_1));
	assert_int_equal(1, waiting_for(&desk, FIRM_PERSON_2));
	assert_int_equal(1, waiting_for(&desk, FIRM_PERSON_3));
	assert_int_equal(0, waiting_for(&desk, FIRM_PERSON_4)); /* not of the treasury */
	const json *item = first_item(ask(&desk, FIRM_PERSON_1, "/v1/inbox"));
	assert_bytes(operation, text(item, "operation"));
	assert_string_equal("group.treasury,independent,", joined(&desk, json_get(item, "helps")));
	assert_string_equal("person:p-0000000000000001,", joined(&desk, json_get(item, "seats")));
	assert_refused(&desk, FIRM_SETTLEMENT, "/v1/inbox", 403, "inbox.person");
	close_desk(&desk);
}

static void
what_is_shown_is_what_a_vote_must_name(void **) {
	struct desk desk;
	_cleanup_(buffer_free) struct buffer view = {};
	char digest[65];
	struct json_writer w;
	open_desk(&desk);
	struct bytes operation = large_transfer(&desk, 0);
	char *target = arena_format(&desk.arena, "/v1/operations/%.*s", BYTES_ARGS(operation));
	const json *item = ask(&desk, FIRM_PERSON_5, arena_format(&desk.arena, "%s/view", target));
	const json *material = ask(&desk, FIRM_PERSON_5, arena_format(&desk.arena, "%s/payload", target));
	json_writer_start(&w, &view);
	json_write_value(&w, json_get(item, "view"));
	assert_ok(json_writer_finish(&w));
	struct hash256 hash = sha256(buffer_bytes(&view));
	hex_encode(hash256_bytes(&hash), digest);
	assert_bytes(bytes_of(digest, 64), text(item, "view_digest"));
	static const char *const same[] = {"bundle", "digest", "view_digest"};
	for (size_t i = 0; i < ARRAY_LENGTH(same); i++)
		assert_bytes(text(material, same[i]), text(item, same[i]));
	assert_int_equal(json_integer(json_get(material, "expires")), json_integer(json_get(item, "expires")));
	assert_bytes(BYTES_OF_LITERAL("sign"), text(json_get(item, "view"), "kind"));
	assert_non_null(json_get(json_get(item, "view"), "transaction"));
	/* Who is not of the treasury sees it, and what would help: one from a terminal. */
	assert_string_equal("independent,", joined(&desk, json_get(item, "helps")));
	close_desk(&desk);
}

static void
whoever_has_voted_is_not_asked_again(void **) {
	struct desk desk;
	struct ipc_response response;
	open_desk(&desk);
	struct bytes operation = large_transfer(&desk, 0);
	assert_ok(house_vote(&desk.house, &desk.arena, operation, FIRM_PERSON_1, "approve", &response));
	assert_answer(202, "held", &response);
	assert_int_equal(0, waiting_for(&desk, FIRM_PERSON_1));
	assert_int_equal(1, waiting_for(&desk, FIRM_PERSON_2));
	const json *item = first_item(ask(&desk, FIRM_PERSON_2, "/v1/inbox"));
	assert_int_equal(1, json_integer(json_get(json_get(item, "missing"), "group.treasury")));
	struct json_iterator votes = json_iterate(json_get(item, "votes"));
	const json *vote = json_next(&votes, nullptr);
	assert_bytes(BYTES_OF_LITERAL("person:p-0000000000000001"), text(vote, "person"));
	assert_bytes(BYTES_OF_LITERAL("approve"), text(vote, "verdict"));
	assert_true(json_boolean(json_get(vote, "independent")) && json_boolean(json_get(vote, "stands")));
	/* Shown to the one who voted, without a seat. */
	const json *seen =
		ask(&desk, FIRM_PERSON_1, arena_format(&desk.arena, "/v1/operations/%.*s/view", BYTES_ARGS(operation)));
	assert_string_equal("", joined(&desk, json_get(seen, "seats")));
	assert_ok(house_vote(&desk.house, &desk.arena, operation, FIRM_PERSON_2, "approve", &response));
	assert_answer(200, "done", &response);
	assert_int_equal(0, waiting_for(&desk, FIRM_PERSON_2));
	assert_refused(&desk, FIRM_PERSON_2,
		       arena_format(&desk.arena, "/v1/operations/%.*s/view", BYTES_ARGS(operation)), 409,
		       "operation.not_held");
	close_desk(&desk);
}

static void
whoever_asked_is_not_asked(void **) {
	struct desk desk;
	struct ipc_response response;
	open_desk(&desk);
	assert_ok(house_submit(&desk.house, &desk.arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"desk_heads\"}"},
			       &response));
	assert_answer(202, "held", &response);
	assert_int_equal(0, waiting_for(&desk, FIRM_PERSON_4));
	assert_int_equal(1, waiting_for(&desk, FIRM_PERSON_5));
	close_desk(&desk);
}

static void
an_inbox_comes_in_pages_those_that_expire_first_before(void **) {
	struct desk desk;
	constexpr size_t COUNT = 70;
	char *target = "/v1/inbox";
	size_t seen = 0;
	int64_t last = 0;
	open_desk(&desk);
	for (size_t i = 0; i < COUNT; i++)
		large_transfer(&desk, i);
	for (unsigned pages = 1; target != nullptr; pages++) {
		const json *inbox = ask(&desk, FIRM_PERSON_1, target), *item, *next = json_get(inbox, "next");
		struct json_iterator items = json_iterate(json_get(inbox, "items"));
		assert_int_equal(COUNT, json_integer(json_get(inbox, "count")));
		for (; (item = json_next(&items, nullptr)) != nullptr; seen++) {
			assert_true(json_integer(json_get(item, "expires")) >= last);
			last = json_integer(json_get(item, "expires"));
		}
		assert_in_range(pages, 1, 3);
		target = next == nullptr
				 ? nullptr
				 : arena_format(&desk.arena, "/v1/inbox?after=%.*s", BYTES_ARGS(json_string(next)));
	}
	assert_int_equal(COUNT, seen);
	static const char *const bad[] = {"/v1/inbox?after=", "/v1/inbox?after=00", "/v1/inbox?limit=1", "/v1/inbox?x"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_refused(&desk, FIRM_PERSON_1, bad[i], 400, "query.after");
	close_desk(&desk);
}

/* --- What became of it. --- */

static const json *
timeline(struct desk *desk, struct bytes operation, size_t entries) {
	char *target = arena_format(&desk->arena, "/v1/operations/%.*s/timeline", BYTES_ARGS(operation));
	const json *document = ask(desk, FIRM_PERSON_1, target);
	for (; json_size(json_get(document, "entries")) < entries; document = ask(desk, FIRM_PERSON_1, target))
		usleep(20'000); /* the projection follows the log */
	return json_get(document, "entries");
}

static void
a_timeline_names_every_entry_of_the_operation_in_order(void **) {
	struct desk desk;
	struct ipc_response response;
	open_desk(&desk);
	struct bytes operation = large_transfer(&desk, 0);
	assert_ok(house_vote(&desk.house, &desk.arena, operation, FIRM_PERSON_1, "approve", &response));
	assert_ok(house_vote(&desk.house, &desk.arena, operation, FIRM_PERSON_2, "approve", &response));
	assert_answer(200, "done", &response);
	static const struct {
		const char *type, *member, *value;
	} expected[] = {
		{"decision", "decision", "held"},
		{"vote", "person", "person:p-0000000000000001"},
		{"vote", "client", "cli"},
		{"decision", "decision", "permit"},
	};
	struct json_iterator entries = json_iterate(timeline(&desk, operation, ARRAY_LENGTH(expected)));
	for (size_t i = 0; i < ARRAY_LENGTH(expected); i++) {
		const json *entry = json_next(&entries, nullptr);
		assert_bytes(bytes_of_text(expected[i].type), text(entry, "type"));
		assert_bytes(bytes_of_text(expected[i].value), text(entry, expected[i].member));
	}
	assert_null(json_next(&entries, nullptr));
	assert_refused(&desk, FIRM_PERSON_1,
		       "/v1/operations/0000000000000000000000000000000000000000000000000000000000000000/timeline", 404,
		       "operation.unknown");
	close_desk(&desk);
}

/* --- What was spent. --- */

static void
what_a_key_spent_counts_for_all_that_it_stands_in(void **) {
	struct desk desk;
	struct ipc_response response;
	static const char *const dimensions[] = {"account", "desk", "key", "legal_entity"};
	static const char *const subjects[] = {"options-hot", "options", "eth-hot", "northwind-trading"};
	open_desk(&desk);
	assert_ok(
		house_submit(&desk.house, &desk.arena, house_sign(house_transfer(&desk.arena, 10, 0, 30)), &response));
	assert_answer(200, "done", &response);
	const json *item = first_item(ask(&desk, FIRM_PERSON_1, "/v1/limits"));
	for (size_t i = 0; i < ARRAY_LENGTH(dimensions); i++) {
		const json *spent = json_get(item, dimensions[i]);
		assert_bytes(bytes_of_text(subjects[i]), text(spent, "subject"));
		/* 0.1 ETH at 3,000 USD and its fee */
		assert_in_range(json_integer(json_get(spent, "hour")), 30'000, 31'000);
		assert_int_equal(json_integer(json_get(spent, "hour")), json_integer(json_get(spent, "day")));
		assert_int_equal(json_integer(json_get(spent, "hour")), json_integer(json_get(spent, "week")));
	}
	close_desk(&desk);
}

RUN_TESTS(T(what_waits_stands_in_the_inbox_of_whom_it_waits_for), T(what_is_shown_is_what_a_vote_must_name),
	  T(whoever_has_voted_is_not_asked_again), T(whoever_asked_is_not_asked),
	  T(an_inbox_comes_in_pages_those_that_expire_first_before),
	  T(a_timeline_names_every_entry_of_the_operation_in_order),
	  T(what_a_key_spent_counts_for_all_that_it_stands_in))
