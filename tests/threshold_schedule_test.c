/*
 * How old a sharing is, and that whoever runs a keeper is told once when it should have been dealt anew: counted from the log, whatever is
 * started anew meanwhile, and quiet again after the refresh. The keepers are those of tests/team.h, with their clocks.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include "base/time.h"
#include "keeper/refresh_schedule.h"

static void
configure(struct team *team, size_t at, uint32_t days, const char *key, uint32_t days_of_key) {
	team->members[at].house.refresh = (struct refresh_schedule){
		.days = days, .exceptions = {{key, days_of_key}}, .exception_count = key != nullptr};
	if (team->members[at].is_open) {
		team_stop(team, at);
		team_start(team, at);
		team_settle(team);
	}
}

/* A second's turn, often. */
static void
tick(struct team *team, size_t at) {
	for (size_t i = 0; i < 5; i++) {
		team_pass_ms(team, SECOND_MS);
		keeper_turn(team->members[at].house.keeper);
		refresh_schedule_turn(team->members[at].house.keeper);
	}
}

static enum status
count_overdue(void *context, const struct ledger_record *record) {
	struct entry entry;
	TRY(entry_peek(record->leaf, &entry));
	if (entry.type == ENTRY_OVERDUE)
		++*(size_t *)context;
	return OK;
}

static size_t
told(struct team *team, size_t at) {
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	size_t count = 0;
	tick(team, at);
	assert_ok(ledger_commit_now(ledger));
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, count_overdue, &count));
	return count;
}

/* As the API says it. */
struct shown {
	int64_t age_days, dealt_ms, due_ms; /* due_ms: 0: never */
	bool is_overdue;
};

static struct shown
show(struct team *team, size_t at) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct shown shown = {};
	const json *document;
	assert_ok(house_get(&team->members[at].house, &arena, "/v1/keys/vault/sharing", &response));
	assert_answer(200, nullptr, &response);
	assert_ok(json_read(&arena, arena_copy(&arena, response.body), (struct json_limits){}, &document));
	assert_ok(json_need_integer(document, "answer", "age_days", &shown.age_days));
	assert_ok(json_need_integer(document, "answer", "dealt_at", &shown.dealt_ms));
	if (json_get(document, "refresh_due_at") != nullptr) {
		assert_ok(json_need_integer(document, "answer", "refresh_due_at", &shown.due_ms));
		assert_ok(json_need_boolean(document, "answer", "refresh_is_overdue", &shown.is_overdue));
	}
	return shown;
}

static void
pass_days(struct team *team, int64_t days) {
	team_pass_ms(team, days * DAY_MS);
	team_settle(team);
}

static void
refresh(struct team *team) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_do(team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.refresh", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
}

static void
a_keeper_tells_once_that_a_key_is_overdue_until_it_is_dealt_anew(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 2, 301);
	configure(&team, 0, 90, nullptr, 0);
	configure(&team, 1, 90, "vault", 30);
	team_make_key(&team, "vault", "2-of-2");
	const int64_t made_ms = show(&team, 0).dealt_ms;
	assert_int_equal(vault_at(&team, 0)->dealt_ms, made_ms);
	assert_int_equal(made_ms + 90 * DAY_MS, show(&team, 0).due_ms);
	pass_days(&team, 29);
	assert_int_equal(29, show(&team, 1).age_days);
	assert_int_equal(0, told(&team, 1));
	assert_false(show(&team, 1).is_overdue);
	pass_days(&team, 1);
	assert_int_equal(1, told(&team, 1));
	assert_true(show(&team, 1).is_overdue);
	assert_int_equal(0, told(&team, 0));
	/* Neither more time nor starts tell it again, nor make it younger. */
	for (size_t i = 0; i < 2; i++) {
		pass_days(&team, 5);
		team_stop(&team, 1);
		team_start(&team, 1);
		team_settle(&team);
		assert_int_equal(1, told(&team, 1));
		assert_int_equal(30 + 5 * (i + 1), show(&team, 1).age_days);
	}
	/* Another number of days is another time that passes; none at all never does. */
	configure(&team, 1, 90, "vault", 0);
	assert_int_equal(0, show(&team, 1).due_ms);
	assert_int_equal(1, told(&team, 1));
	configure(&team, 1, 60, nullptr, 0);
	assert_false(show(&team, 1).is_overdue);
	pass_days(&team, 20);
	assert_int_equal(2, told(&team, 1));
	configure(&team, 1, 30, nullptr, 0); /* that one has been told of */
	assert_int_equal(2, told(&team, 1));
	pass_days(&team, 30);
	assert_int_equal(1, told(&team, 0));
	struct refresh_ages ages = refresh_schedule_ages(team.members[0].house.keeper);
	assert_int_equal(90, ages.oldest_ms / DAY_MS);
	assert_int_equal(1, ages.overdue);
	refresh(&team);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(2, vault_at(&team, i)->sharing.key.epoch);
		assert_int_equal(0, show(&team, i).age_days);
		assert_true(show(&team, i).dealt_ms > made_ms + 90 * DAY_MS);
		assert_false(show(&team, i).is_overdue);
		assert_int_equal(i == 0 ? 1 : 2, told(&team, i));
		ages = refresh_schedule_ages(team.members[i].house.keeper);
		assert_int_equal(0, ages.overdue);
		assert_int_equal(0, ages.oldest_ms / DAY_MS);
	}
	pass_days(&team, 30);
	assert_int_equal(3, told(&team, 1));
}

static void
the_age_and_what_was_told_are_in_snapshots(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 2, 302);
	configure(&team, 0, 1, nullptr, 0);
	team.members[0].house.snapshot_entries = UINT64_MAX;
	team_make_key(&team, "vault", "2-of-2");
	pass_days(&team, 1);
	assert_int_equal(1, told(&team, 0));
	const int64_t dealt_ms = vault_at(&team, 0)->dealt_ms, due_ms = vault_at(&team, 0)->told_due_ms;
	assert_int_equal(dealt_ms + DAY_MS, due_ms);
	assert_ok(keeper_publish(team.members[0].house.keeper));
	assert_ok(keeper_snapshot(team.members[0].house.keeper));
	team_stop(&team, 0);
	team_start(&team, 0);
	assert_true(ledger_restored_size(keeper_ledger(team.members[0].house.keeper)) > 0);
	assert_int_equal(dealt_ms, vault_at(&team, 0)->dealt_ms);
	assert_int_equal(due_ms, vault_at(&team, 0)->told_due_ms);
	assert_int_equal(1, told(&team, 0));
}

/* Nothing signs with it any more, and nobody would deal it anew. */
static void
a_key_that_is_destroyed_is_never_due(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 2, 303);
	configure(&team, 0, 1, nullptr, 0);
	team_make_key(&team, "vault", "2-of-2");
	team_do(&team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	pass_days(&team, 2);
	assert_int_equal(0, told(&team, 0));
	assert_int_equal(0, refresh_schedule_ages(team.members[0].house.keeper).oldest_ms);
}

RUN_TESTS(T(a_keeper_tells_once_that_a_key_is_overdue_until_it_is_dealt_anew),
	  T(the_age_and_what_was_told_are_in_snapshots), T(a_key_that_is_destroyed_is_never_due))
