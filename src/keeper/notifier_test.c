#include "tests/test.h"
#include "keeper/notifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/entry.h"

constexpr int64_t NOW_MS = INT64_C(1'767'225'600'000);
constexpr unsigned ALL = ~0U;

struct world {
	char directory[64], path[96];
	struct notifier *notifier;
	struct notifier_receiver receivers[2];
	size_t receiver_count;
	uint64_t size; /* of the log */
	int64_t boot_ms;
	struct arena arena;
	struct notice notice; /* what was due last, in the arena */
	uint8_t receiver;     /* of it */
};

static void
open_again(struct world *world) {
	struct notifier_config config = {.io = io_system(),
					 .path = world->path,
					 .instance = "northwind.example",
					 .receivers = world->receivers,
					 .receiver_count = world->receiver_count,
					 .size = world->size,
					 .now_ms = NOW_MS};
	assert_ok(notifier_open(&config, &world->notifier));
}

/* Another start; where its log goes on, as the file says. */
static uint64_t
restart(struct world *world) {
	notifier_close(&world->notifier);
	open_again(world);
	return notifier_applied(world->notifier);
}

static void
begin(struct world *world) {
	*world = (struct world){.directory = "/tmp/gatehouse-notifier-XXXXXX",
				.receivers = {{"a", ALL, 60'000}, {"b", ALL, 60'000}},
				.receiver_count = 1,
				.boot_ms = 1};
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof world->path, "%s/notified", world->directory);
	open_again(world);
}

static void
world_end(struct world *world) {
	notifier_close(&world->notifier);
	arena_free(&world->arena);
	unlink(world->path);
	assert_int_equal(0, rmdir(world->directory));
}

static void
operation_of(uint64_t index, char text[65]) {
	snprintf(text, 65, "%064llx", (unsigned long long)index);
}

static void
apply(struct world *world, uint64_t index, enum entry_type type, const char *body) {
	_cleanup_(buffer_free) struct buffer leaf = {};
	struct entry entry = {.type = type, .seq = index, .at_ms = NOW_MS, .body = bytes_of_text(body)};
	assert_ok(entry_write(&entry, &leaf));
	assert_ok(
		notifier_apply(world->notifier, &(struct ledger_record){.index = index, .leaf = buffer_bytes(&leaf)}));
}

/* The next entry of the log: a decision. */
static void
decide(struct world *world, const char *decision) {
	char body[512], operation[65];
	operation_of(world->size, operation);
	snprintf(body, sizeof body, "{\"decision\":\"%s\",\"document\":{\"kind\":\"sign\"},\"operation\":\"%s\"}",
		 decision, operation);
	apply(world, world->size++, ENTRY_DECISION, body);
}

static void
test_of(struct world *world, const char *receiver) {
	char body[512], operation[65];
	operation_of(world->size, operation);
	snprintf(body, sizeof body,
		 "{\"decision\":\"permit\",\"document\":{\"kind\":\"notification.test\"},\"operation\":\"%s\","
		 "\"outcome\":"
		 "\"done\",\"payload\":{\"receiver\":\"%s\"}}",
		 operation, receiver);
	apply(world, world->size++, ENTRY_DECISION, body);
}

/* Reads what is due now; false: nothing is. */
static bool
next(struct world *world) {
	struct ipc_fetch fetch;
	bool is_due;
	assert_ok(notifier_next(world->notifier, world->boot_ms, &fetch, &is_due));
	if (!is_due)
		return false;
	assert_int_equal(IPC_FETCH_NOTIFY, fetch.action);
	world->receiver = fetch.witness;
	assert_ok(notice_read(&world->arena, arena_copy(&world->arena, fetch.body), &world->notice));
	return true;
}

static void
answer(struct world *world, uint16_t status) {
	struct ipc_fetched fetched = {
		.status = status, .error = status == 0 ? BYTES_OF_LITERAL("endpoint.connect: no") : (struct bytes){}};
	notifier_take(world->notifier, world->boot_ms, NOW_MS, &fetched);
}

/* Everything that is due is delivered; how many, and how much they stand for. */
static size_t
deliver_all(struct world *world, int64_t *stand_for) {
	size_t count = 0;
	*stand_for = 0;
	for (; next(world); count++) {
		*stand_for += world->notice.count;
		answer(world, 200);
	}
	return count;
}

/* The waiting time of a passkey is worth as much as somebody hears of it. */
static void
a_passkey_that_was_enrolled_by_a_link_is_told_and_again_after_a_restart(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	apply(&world, world.size++, ENTRY_ENROLMENT, "{\"key\":\"person:p-0000000000000001/phone\"}");
	assert_true(next(&world));
	struct hash256 id = world.notice.id;
	notifier_lost(world.notifier, world.boot_ms, NOW_MS, "the keeper stops");
	if (restart(&world) < world.size)
		apply(&world, world.size - 1, ENTRY_ENROLMENT, "{\"key\":\"person:p-0000000000000001/phone\"}");
	world.boot_ms += 3'600'000;
	assert_true(next(&world));
	answer(&world, 200);
	assert_int_equal(NOTICE_ALERT, world.notice.kind);
	assert_int_equal(ALARM_PASSKEY_ENROLLED, world.notice.alarm);
	assert_int_equal(NOW_MS, world.notice.at_ms);
	assert_true(hash256_equal(&id, &world.notice.id));
	assert_false(next(&world));
}

static void
only_what_somebody_should_know_is_told(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	decide(&world, "permit");
	apply(&world, world.size++, ENTRY_CLOCK, "{\"decision\":\"held\"}");
	apply(&world, world.size++, ENTRY_VOTE,
	      "{\"operation\":\"00\",\"statement\":{\"reason\":\"\\\"verdict\\\":\\\"reject\\\"\",\"verdict\":"
	      "\"approve\"}}");
	apply(&world, world.size++, ENTRY_DECISION,
	      "{\"decision\":\"permit\",\"document\":{\"reason\":\"\\\"decision\\\":\\\"deny\\\"\"},\"operation\":"
	      "\"00\"}");
	test_of(&world, "nobody");
	assert_false(next(&world));
	static const struct {
		enum notice_kind kind;
		const char *decision;
	} told[] = {{NOTICE_HELD, "held"}, {NOTICE_DENIED, "deny"}, {NOTICE_REJECTED, nullptr}, {NOTICE_TEST, nullptr}};
	for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
		char operation[65], body[256];
		operation_of(world.size, operation);
		snprintf(body, sizeof body, "{\"operation\":\"%s\",\"statement\":{\"verdict\":\"reject\"}}", operation);
		if (told[i].decision != nullptr)
			decide(&world, told[i].decision);
		else if (told[i].kind == NOTICE_REJECTED)
			apply(&world, world.size++, ENTRY_VOTE, body);
		else
			test_of(&world, "a");
		assert_true(next(&world));
		assert_int_equal(told[i].kind, world.notice.kind);
		assert_bytes(bytes_of_text(operation), world.notice.operation);
		answer(&world, 204);
	}
	assert_int_equal(world.size, notifier_applied(world.notifier));
}

static void
breaking_the_glass_is_told_when_it_is_asked_for_and_when_it_goes_through(void **) {
	static const struct {
		const char *decision, *outcome;
		enum notice_kind told[3];
		size_t count;
	} cases[] = {
		{"held", nullptr, {NOTICE_BREAK_GLASS, NOTICE_HELD}, 2},
		{"permit", "done", {NOTICE_GLASS_BROKEN}, 1},
		{"permit", "intended", {NOTICE_GLASS_BROKEN}, 1},
		{"permit", "failed", {}, 0},
		{"deny", nullptr, {NOTICE_DENIED}, 1},
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char body[512], operation[65], outcome[32] = "";
		operation_of(world.size, operation);
		if (cases[i].outcome != nullptr)
			snprintf(outcome, sizeof outcome, ",\"outcome\":\"%s\"", cases[i].outcome);
		snprintf(body, sizeof body,
			 "{\"decision\":\"%s\",\"document\":{\"break_glass\":true,\"kind\":\"sign\"},\"operation\":\"%"
			 "s\"%s}",
			 cases[i].decision, operation, outcome);
		apply(&world, world.size++, ENTRY_DECISION, body);
		for (size_t j = 0; j < cases[i].count; j++) {
			assert_true(next(&world));
			assert_int_equal(cases[i].told[j], world.notice.kind);
			answer(&world, 200);
		}
		assert_false(next(&world));
	}
}

/* Told when it is done: its waiting time begins, in which it can be stopped. */
static void
a_key_that_is_given_to_somebody_is_told_when_it_is_done(void **) {
	static const struct {
		const char *kind, *outcome;
		bool is_told;
	} cases[] = {
		{"principal.passkey_add", "done", true}, {"principal.key_add", "done", true},
		{"principal.totp_add", "done", true},    {"principal.passkey_add", "failed", false},
		{"principal.key_revoke", "done", false}, {"principal.invite", "done", false},
		{"principal.suspend", "done", false},
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char body[512], operation[65];
		operation_of(world.size, operation);
		snprintf(body, sizeof body,
			 "{\"decision\":\"permit\",\"document\":{\"kind\":\"%s\"},\"operation\":\"%s\",\"outcome\":\"%"
			 "s\"}",
			 cases[i].kind, operation, cases[i].outcome);
		apply(&world, world.size++, ENTRY_DECISION, body);
		if (cases[i].is_told) {
			assert_true(next(&world));
			assert_int_equal(NOTICE_ENROLLED, world.notice.kind);
			assert_bytes(bytes_of_text(operation), world.notice.operation);
			answer(&world, 200);
		}
		assert_false(next(&world));
	}
}

static void
beyond_its_bound_a_queue_counts(void **) {
	_cleanup_(world_end) struct world world;
	int64_t stand_for;
	begin(&world);
	for (size_t i = 0; i < 1000; i++)
		decide(&world, i % 10 == 9 ? "held" : "deny");
	assert_int_equal(64 + 2, deliver_all(&world, &stand_for));
	assert_int_equal(1000, stand_for);
	/* Also where what stands for many has moved up meanwhile, and the first is on its way. */
	for (size_t i = 0; i < 100; i++)
		decide(&world, "deny");
	assert_true(next(&world));
	for (size_t i = 0; i < 50; i++)
		decide(&world, "deny");
	answer(&world, 200);
	for (size_t i = 0; i < 50; i++)
		decide(&world, "deny");
	assert_true(deliver_all(&world, &stand_for) < 70);
	assert_int_equal(199, stand_for);
}

static void
a_receiver_that_fails_is_tried_later_and_later(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	world.receivers[0].give_up_ms = INT64_MAX;
	restart(&world);
	decide(&world, "held");
	static const int64_t delays_ms[] = {2'000,   4'000,   8'000,   16'000,  32'000, 64'000,
					    128'000, 256'000, 300'000, 300'000, 300'000};
	for (size_t i = 0; i < ARRAY_LENGTH(delays_ms); i++) {
		assert_true(next(&world));
		assert_false(next(&world)); /* one at a time */
		answer(&world, i % 3 == 0 ? 0 : i % 3 == 1 ? 302 : 500);
		world.boot_ms += delays_ms[i] - 1;
		assert_false(next(&world));
		world.boot_ms += delays_ms[i] / 2 + 1;
	}
	assert_true(next(&world));
	answer(&world, 200);
	decide(&world, "held");
	assert_true(next(&world));
	notifier_lost(world.notifier, world.boot_ms, NOW_MS, "fetch_link.timeout: fetch does not answer");
	_cleanup_(buffer_free) struct buffer health = {};
	struct json_writer w;
	json_writer_start(&w, &health);
	notifier_write_health(world.notifier, NOW_MS + 600'000, &w);
	assert_ok(json_writer_finish(&w));
	assert_bytes(BYTES_OF_LITERAL(
			     "[{\"delivered\":1,\"error\":\"fetch_link.timeout: fetch does not answer\",\"failed\":0,"
			     "\"failing_for_long\":true,\"failing_since\":1767225600000,\"name\":\"a\","
			     "\"pending\":1,\"retried\":12}]"),
		     buffer_bytes(&health));
}

static void
what_is_given_up_is_counted_and_the_others_hear_of_it_once(void **) {
	_cleanup_(world_end) struct world world;
	size_t alerts = 0;
	begin(&world);
	notifier_close(&world.notifier);
	world.receivers[0].give_up_ms = 0;
	world.receivers[0].notices = 1U << NOTICE_HELD;
	world.receivers[1].notices = 1U << NOTICE_ALERT;
	world.receiver_count = 2;
	open_again(&world);
	for (size_t i = 0; i < 3; i++)
		decide(&world, "held");
	for (size_t i = 0; i < 8; i++) {
		world.boot_ms += 1'000'000;
		while (next(&world)) {
			if (world.receiver == 1) {
				assert_int_equal(ALARM_NOTIFICATION_FAILED, world.notice.alarm);
				alerts++;
			}
			answer(&world, world.receiver == 1 ? 200 : 500);
		}
	}
	struct metric *table[NOTIFIER_METRICS_MAX];
	assert_int_equal(6, notifier_metrics(world.notifier, table));
	assert_string_equal("receiver=\"a\",result=\"failed\"", table[2]->labels);
	assert_int_equal(3, table[2]->value);
	assert_int_equal(1, alerts);
}

static void
an_alarm_is_told_when_it_begins_and_not_while_it_lasts(void **) {
	_cleanup_(world_end) struct world world;
	int64_t stand_for;
	static const struct {
		bool is_on;
		size_t told;
	} seconds[] = {{false, 0}, {true, 1}, {true, 0}, {false, 0}, {true, 1}};
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(seconds); i++) {
		notifier_alarm(world.notifier, ALARM_CLOCK_DOUBT, seconds[i].is_on, NOW_MS + (int64_t)i);
		assert_int_equal(seconds[i].told, deliver_all(&world, &stand_for));
	}
}

static void
a_key_that_is_overdue_is_an_alert(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	apply(&world, world.size++, ENTRY_OVERDUE,
	      "{\"dealt_at\":1,\"due_at\":2,\"epoch\":1,\"shared_key\":\"treasury\"}");
	uint64_t applied = restart(&world); /* told by the log, so by whichever start */
	assert_int_equal(world.size - 1, applied);
	apply(&world, applied, ENTRY_OVERDUE, "{\"dealt_at\":1,\"due_at\":2,\"epoch\":1,\"shared_key\":\"treasury\"}");
	assert_true(next(&world));
	assert_int_equal(NOTICE_ALERT, world.notice.kind);
	assert_int_equal(ALARM_REFRESH_OVERDUE, world.notice.alarm);
	assert_int_equal(NOW_MS, world.notice.at_ms);
	assert_non_null(strstr(notice_sentence(&world.notice), "gatehouse key refresh KEY"));
	answer(&world, 200);
	assert_false(next(&world));
	assert_int_equal(world.size, restart(&world));
}

/* Of entries about checks none but that one; a quotation mark in what another says is no end of it. */
static void
a_signature_of_what_failed_is_an_alert(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	apply(&world, world.size++, ENTRY_CHECK,
	      "{\"at\":1,\"check\":\"joint.ended: the session was ended by a party\",\"operation\":\"ab\"}");
	apply(&world, world.size++, ENTRY_CHECK,
	      "{\"at\":1,\"check\":\"joint.refused: \\\"check\\\":\\\"joint.contradiction: "
	      "\\\"\",\"operation\":\"ab\"}");
	assert_false(next(&world));
	apply(&world, world.size++, ENTRY_CHECK,
	      "{\"at\":1,\"check\":\"joint.contradiction: said to be signed, and failed "
	      "here\",\"keeper\":\"two\",\"operation\":\"ab\",\"party\":2,\"protocol\":\"signing\"}");
	assert_true(next(&world));
	assert_int_equal(NOTICE_ALERT, world.notice.kind);
	assert_int_equal(ALARM_OUTCOME_CONTRADICTED, world.notice.alarm);
	answer(&world, 200);
	assert_false(next(&world));
}

static void
a_restart_finds_again_what_was_not_delivered_and_no_more(void **) {
	_cleanup_(world_end) struct world world;
	begin(&world);
	world.receiver_count = 2;
	restart(&world);
	for (size_t i = 0; i < 5; i++)
		decide(&world, "held");
	/* b gets all of them, a the first two. */
	for (size_t of_a = 0; next(&world);) {
		bool fails = world.receiver == 0 && ++of_a > 2;
		answer(&world, fails ? 500 : 200);
	}
	uint64_t applied = restart(&world), size = world.size;
	assert_int_equal(2, applied);
	for (world.size = applied; world.size < size;)
		decide(&world, "held");
	size_t count = 0;
	for (; next(&world); count++) {
		assert_int_equal(0, world.receiver);
		if (count == 0) {
			char operation[65];
			operation_of(2, operation);
			assert_bytes(bytes_of_text(operation), world.notice.operation);
			struct hash256 id = notice_id(&world.notice);
			assert_true(hash256_equal(&id, &world.notice.id));
		}
		answer(&world, 200);
	}
	assert_int_equal(3, count);
	assert_int_equal(5, restart(&world));
	/* Whoever is new hears of what comes; a log that went back is followed from its end. */
	world.receivers[1].name = "c";
	assert_int_equal(5, restart(&world));
	world.size = 3;
	assert_int_equal(3, restart(&world));
}

static void
a_file_that_is_no_file_of_marks_is_left_aside(void **) {
	static const char *const files[] = {
		"",
		"[]",
		"{}",
		"{\"receivers\":[],\"type\":\"gatehouse/notified/v2\"}",
		"{\"receivers\":{},\"type\":\"gatehouse/notified/v1\"}",
		"{\"more\":1,\"receivers\":[],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[1],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[{\"entry\":2,\"expiring\":1,\"name\":\"a\"},{}],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[{\"entry\":-1,\"expiring\":1,\"name\":\"a\"}],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[{\"entry\":1,\"expiring\":-1,\"name\":\"a\"}],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[{\"entry\":1,\"expiring\":1,\"x\":1}],\"type\":\"gatehouse/notified/v1\"}",
		"{\"receivers\":[{\"entry\":\"1\",\"expiring\":1,\"name\":\"a\"}],\"type\":\"gatehouse/notified/v1\"}",
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		notifier_close(&world.notifier);
		world.size = 7;
		assert_ok(io_replace_file(io_system(), world.path, bytes_of_text(files[i])));
		open_again(&world);
		if (notifier_applied(world.notifier) != 7)
			fail_msg("%s was read", files[i]);
	}
	notifier_close(&world.notifier);
	assert_ok(io_replace_file(
		io_system(), world.path,
		BYTES_OF_LITERAL("{\"receivers\":[{\"entry\":4,\"expiring\":1,\"name\":\"a\"}],\"type\":"
				 "\"gatehouse/notified/v1\"}")));
	open_again(&world);
	assert_int_equal(4, notifier_applied(world.notifier));
}

RUN_TESTS(T(a_passkey_that_was_enrolled_by_a_link_is_told_and_again_after_a_restart),
	  T(only_what_somebody_should_know_is_told),
	  T(breaking_the_glass_is_told_when_it_is_asked_for_and_when_it_goes_through),
	  T(a_key_that_is_given_to_somebody_is_told_when_it_is_done), T(beyond_its_bound_a_queue_counts),
	  T(a_receiver_that_fails_is_tried_later_and_later),
	  T(what_is_given_up_is_counted_and_the_others_hear_of_it_once), T(a_key_that_is_overdue_is_an_alert),
	  T(a_signature_of_what_failed_is_an_alert), T(an_alarm_is_told_when_it_begins_and_not_while_it_lasts),
	  T(a_restart_finds_again_what_was_not_delivered_and_no_more), T(a_file_that_is_no_file_of_marks_is_left_aside))
