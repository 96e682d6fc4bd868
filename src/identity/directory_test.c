#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/sign.h"
#include "identity/directory.h"

#define B(text) BYTES_OF_LITERAL(text)
#define ANNA B("person:p-anna")
#define BERT B("person:p-bert")
#define CARL B("person:p-carl")
#define BOT B("workload:settlement-1")

static struct directory *
firm(void) {
	struct directory *directory = nullptr;
	assert_ok(directory_create(&directory));
	assert_ok(directory_add_unit(directory, UNIT_LEGAL_ENTITY, B("acme-ag"), (struct bytes){}));
	assert_ok(directory_add_unit(directory, UNIT_DESK, B("treasury"), B("acme-ag")));
	assert_ok(directory_add_unit(directory, UNIT_ACCOUNT, B("hot-1"), B("treasury")));
	assert_ok(directory_add_zone(directory, B("trading")));
	assert_ok(directory_add_person(directory, ANNA, B("treasury")));
	assert_ok(directory_add_person(directory, BERT, B("acme-ag")));
	assert_ok(directory_add_workload(directory, BOT, B("hot-1")));
	assert_ok(directory_add_group(directory, B("treasurers")));
	return directory;
}

static void
public_key_of(uint8_t number, uint8_t public_key[32]) {
	uint8_t seed[32] = {number};
	assert_ok(ed25519_public_key(seed, public_key));
}

static enum status
add_key(struct directory *directory, struct bytes principal, struct bytes name, uint8_t number,
	enum directory_key_class class, struct bytes zone) {
	uint8_t public_key[32];
	public_key_of(number, public_key);
	return directory_add_key(directory, principal, name, public_key, class, zone);
}

static void
what_was_registered_is_found(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	assert_ok(add_key(directory, BOT, B("2026a"), 1, DIRECTORY_KEY_PLAIN, B("trading")));
	assert_ok(add_key(directory, BOT, B("2026b"), 2, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_ok(add_key(directory, ANNA, B("laptop"), 3, DIRECTORY_KEY_TERMINAL, (struct bytes){}));

	const struct principal *bot = directory_principal(directory, BOT);
	assert_non_null(bot);
	assert_int_equal(PRINCIPAL_WORKLOAD, bot->kind);
	assert_bytes(B("hot-1"), bot->unit->id);
	assert_bytes(B("treasury"), unit_above(bot->unit, UNIT_DESK)->id);
	assert_bytes(B("acme-ag"), unit_above(bot->unit, UNIT_LEGAL_ENTITY)->id);
	assert_null(unit_above(directory_principal(directory, BERT)->unit, UNIT_DESK));

	const struct directory_key *key = directory_key(directory, B("workload:settlement-1/2026a"));
	assert_non_null(key);
	assert_ptr_equal(bot, key->principal);
	assert_bytes(B("trading"), key->zone->id);
	assert_int_equal(DIRECTORY_KEY_PLAIN, key->class);
	assert_bytes(B("workload:settlement-1/2026b"), bot->keys->id);
	assert_null(bot->keys->zone);
	assert_ptr_equal(key, bot->keys->next);
	assert_null(key->next);
	assert_int_equal(DIRECTORY_KEY_TERMINAL, directory_key(directory, B("person:p-anna/laptop"))->class);

	assert_null(directory_key(directory, BOT));
	assert_null(directory_principal(directory, B("person:p-carl")));
	assert_null(directory_unit(directory, B("hot-2")));
	assert_null(directory_zone(directory, B("signing")));
	assert_null(directory_group(directory, B("risk")));
	assert_int_equal(3, directory_unit_count(directory));
	assert_int_equal(3, directory_principal_count(directory));
	assert_int_equal(1, directory_zone_count(directory));
	assert_int_equal(1, directory_group_count(directory));
	assert_bytes(BERT, directory_principal_at(directory, 1)->id);
	assert_bytes(B("hot-1"), directory_unit_at(directory, 2)->id);
	assert_bytes(B("trading"), directory_zone_at(directory, 0)->id);
	assert_null(directory_group_at(directory, 1));
	assert_string_equal("legal_entity", unit_kind_name(directory_unit_at(directory, 0)->kind));
	assert_string_equal("workload", principal_kind_name(bot->kind));
}

static void
a_public_key_belongs_to_one_principal(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	assert_ok(add_key(directory, ANNA, B("a"), 1, DIRECTORY_KEY_TERMINAL, (struct bytes){}));
	assert_fails(STATUS_CONFLICT, "directory.key_taken",
		     add_key(directory, BERT, B("b"), 1, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_fails(STATUS_CONFLICT, "directory.key_taken",
		     add_key(directory, ANNA, B("c"), 1, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_ok(directory_revoke_key(directory, B("person:p-anna/a")));
	assert_fails(STATUS_CONFLICT, "directory.key_taken",
		     add_key(directory, BERT, B("b"), 1, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_null(directory_principal(directory, BERT)->keys);
}

static void
a_key_is_active_until_revoked_or_suspended(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	const struct directory_key *key = nullptr;
	const struct bytes id = B("person:p-anna/a");
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_unknown", directory_active_key(directory, id, &key));
	assert_ok(add_key(directory, ANNA, B("a"), 1, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_ok(directory_active_key(directory, id, &key));
	assert_bytes(id, key->id);
	assert_ok(directory_suspend(directory, ANNA, true));
	assert_fails(STATUS_UNAUTHORIZED, "directory.principal_suspended", directory_active_key(directory, id, &key));
	assert_ok(directory_suspend(directory, ANNA, false));
	assert_ok(directory_active_key(directory, id, &key));
	assert_ok(directory_revoke_key(directory, id));
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_revoked", directory_active_key(directory, id, &key));
}

static void
groups_hold_people(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	const struct group *group = directory_group(directory, B("treasurers"));
	const struct principal *anna = directory_principal(directory, ANNA);
	assert_ok(directory_add_member(directory, B("treasurers"), ANNA, 0));
	assert_true(directory_is_member(directory, group, anna, 0));
	assert_false(directory_is_member(directory, group, directory_principal(directory, BERT), 0));
	assert_int_equal(1, group->member_count);
	assert_fails(STATUS_CONFLICT, "directory.exists", directory_add_member(directory, B("treasurers"), ANNA, 0));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown", directory_add_member(directory, B("treasurers"), BOT, 0));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown", directory_add_member(directory, B("risk"), ANNA, 0));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown", directory_remove_member(directory, B("treasurers"), BERT));
	assert_ok(directory_remove_member(directory, B("treasurers"), ANNA));
	assert_false(directory_is_member(directory, group, anna, 0));
	assert_int_equal(0, group->member_count);
}

static void
members_are_listed_in_the_order_of_registration_however_they_came(void **) {
	constexpr size_t COUNT = 200;
	_cleanup_(directory_destroy) struct directory *directory = firm();
	const struct group *group = directory_group(directory, B("treasurers"));
	struct membership *members;
	struct bytes ids[COUNT];
	size_t at = 0, visited = 0;
	int64_t from_ms;
	for (size_t i = 0; i < COUNT; i++) {
		char id[PERSON_ID_SIZE];
		directory_new_person_id(id);
		assert_ok(directory_add_person(directory, bytes_of_text(id), B("treasury")));
		ids[i] = directory_principal_at(directory, directory_principal_count(directory) - 1)->id;
	}
	for (size_t i = COUNT; i-- > 0;)
		assert_ok(directory_add_member(directory, B("treasurers"), ids[i], (int64_t)i));
	for (size_t i = 0; i < COUNT; i += 2)
		assert_ok(directory_remove_member(directory, B("treasurers"), ids[i]));
	assert_ok(directory_list_members(group, &members));
	for (size_t i = 0; i < COUNT / 2; i++) {
		assert_bytes(ids[2 * i + 1], members[i].person->id);
		assert_int_equal(2 * i + 1, members[i].from_ms);
	}
	free(members);
	for (const struct principal *person; (person = directory_next_of_group(group, &at, &from_ms)) != nullptr;) {
		assert_bytes(ids[from_ms], person->id);
		assert_int_equal(1, from_ms % 2);
		visited++;
	}
	assert_int_equal(COUNT / 2, visited);
}

static void
a_delegate_may_vote_until_the_end(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	const struct principal *anna = directory_principal(directory, ANNA),
			       *bert = directory_principal(directory, BERT);
	assert_true(directory_may_vote(directory, anna, anna, 0));
	assert_false(directory_may_vote(directory, bert, anna, 0));
	assert_ok(directory_delegate(directory, ANNA, BERT, 0, 1000, 0));
	assert_true(directory_may_vote(directory, bert, anna, 999));
	assert_false(directory_may_vote(directory, bert, anna, 1000));
	assert_false(directory_may_vote(directory, anna, bert, 0));
	assert_ok(directory_delegate(directory, ANNA, BERT, 0, 0, 0));
	assert_false(directory_may_vote(directory, bert, anna, 0));
	assert_ok(directory_delegate(directory, ANNA, BERT, 500, 1000, 0));
	assert_false(directory_may_vote(directory, bert, anna, 499));
	assert_true(directory_may_vote(directory, bert, anna, 500));
	assert_ok(directory_delegate(directory, ANNA, BERT, 0, 0, 600));
	assert_false(directory_may_vote(directory, bert, anna, 600));
	static const char anna_id[] = "person:p-anna", bert_id[] = "person:p-bert", bot_id[] = "workload:settlement-1";
	static const struct {
		const char *of, *by;
		int64_t from_ms, until_ms;
	} bad[] = {
		{anna_id, bert_id, 1000, 1000}, {anna_id, bert_id, 1000, 0}, {anna_id, bert_id, -1, 1000},
		{anna_id, bert_id, 0, -1},      {anna_id, anna_id, 0, 1000}, {anna_id, bot_id, 0, 1000},
		{bot_id, anna_id, 0, 1000},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, "directory.delegation",
			     directory_delegate(directory, bytes_of_text(bad[i].of), bytes_of_text(bad[i].by),
						bad[i].from_ms, bad[i].until_ms, 0));
	const struct principal *bot = directory_principal(directory, BOT);
	assert_false(directory_may_vote(directory, bot, bot, 0));
}

static struct directory *
firm_with_carl(void) {
	struct directory *directory = firm();
	assert_ok(directory_add_person(directory, CARL, B("acme-ag")));
	return directory;
}

/* Who votes for anna at each of some times: b(ert), c(arl), or nobody. */
static void
assert_delegates(const struct directory *directory, const char *expected) {
	const struct principal *anna = directory_principal(directory, ANNA);
	static const int64_t times_ms[] = {100, 499, 500, 799, 800, 999, 1000, 1999};
	for (size_t i = 0; i < ARRAY_LENGTH(times_ms); i++) {
		bool by_bert = directory_may_vote(directory, directory_principal(directory, BERT), anna, times_ms[i]);
		bool by_carl = directory_may_vote(directory, directory_principal(directory, CARL), anna, times_ms[i]);
		char found = by_bert && by_carl ? '2' : by_bert ? 'b' : by_carl ? 'c' : '-';
		if (found != expected[i])
			fail_msg("%s, at %lld: %c", expected, (long long)times_ms[i], found);
	}
}

static void
assert_snapshot_gives_the_same(const struct directory *directory, const char *expected) {
	_cleanup_(directory_destroy) struct directory *again = nullptr;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	assert_ok(directory_create(&again));
	assert_ok(directory_write(directory, &first));
	assert_ok(directory_read(again, buffer_bytes(&first)));
	assert_ok(directory_write(again, &second));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	assert_delegates(again, expected);
}

struct delegation_step {
	const char *by; /* null: the one that is yet to begin is cancelled */
	int64_t from_ms, until_ms, now_ms;
};

/* What begins later ends nothing before it begins, and what it replaces then does not come back. */
static void
a_later_delegation_takes_the_place_of_the_present_one_when_it_begins(void **) {
	static const char bert[] = "person:p-bert", carl[] = "person:p-carl";
	static const struct {
		struct delegation_step steps[3];
		const char *who; /* at the times of assert_delegates() */
	} cases[] = {
		{{{bert, 0, 1000, 50}}, "bbbbbb--"},
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}}, "bbcccccc"},
		{{{bert, 0, 1000, 50}, {carl, 500, 800, 60}}, "bbcc----"}, /* bert's does not come back */
		{{{bert, 0, 500, 50}, {carl, 800, 1000, 60}}, "bb--cc--"}, /* nobody in between */
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}, {nullptr, .now_ms = 70}}, "bbbbbb--"},
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}, {carl, 800, 1000, 70}}, "bbbbcc--"},
		{{{carl, 500, 2000, 50}, {bert, 0, 1000, 60}}, "bbcccccc"}, /* in the other order */
		{{{carl, 500, 2000, 50}, {bert, 800, 1000, 60}},
		 "----bb--"}, /* one that is yet to begin, and no more */
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}, {bert, 0, 1000, 600}}, "bbbbbb--"},
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}, {bert, 800, 2000, 600}}, "--ccbbbb"},
		{{{bert, 0, 1000, 50}, {carl, 500, 2000, 60}, {bert, 0, 0, 70}}, "--------"}, /* both end */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(directory_destroy) struct directory *directory = firm_with_carl();
		for (size_t j = 0; j < ARRAY_LENGTH(cases[i].steps); j++) {
			const struct delegation_step *step = &cases[i].steps[j];
			if (step->by != nullptr)
				assert_ok(directory_delegate(directory, ANNA, bytes_of_text(step->by), step->from_ms,
							     step->until_ms, step->now_ms));
			else if (step->now_ms > 0)
				assert_ok(directory_cancel_delegation(directory, ANNA, step->now_ms));
		}
		assert_delegates(directory, cases[i].who);
		assert_snapshot_gives_the_same(directory, cases[i].who);
	}
	_cleanup_(directory_destroy) struct directory *directory = firm_with_carl();
	assert_ok(directory_delegate(directory, ANNA, BERT, 0, 1000, 50));
	assert_fails(STATUS_CONFLICT, "directory.begun", directory_cancel_delegation(directory, ANNA, 60));
	assert_ok(directory_delegate(directory, ANNA, CARL, 500, 1000, 60));
	assert_fails(STATUS_CONFLICT, "directory.begun", directory_cancel_delegation(directory, ANNA, 500));
	/* A snapshot that says more, or in another order, is none. */
	assert_fails(STATUS_INVALID, "directory.delegation",
		     directory_restore_delegation(directory, ANNA, BERT, 800, 1000));
	assert_ok(directory_restore_delegation(directory, BERT, ANNA, 800, 1000));
	assert_fails(STATUS_INVALID, "directory.delegation",
		     directory_restore_delegation(directory, BERT, CARL, 800, 1000));
	assert_fails(STATUS_INVALID, "directory.delegation",
		     directory_restore_delegation(directory, BERT, CARL, 900, 900));
}

static void
bad_input_is_refused_by_name(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	static const char LONG[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 65 */
	static const char *const names[] = {"", "A", "a b", "-a", "a/b", "a:b", "\xc3\xa9", LONG};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		struct bytes name = bytes_of_text(names[i]);
		assert_fails(STATUS_INVALID, "directory.name",
			     directory_add_unit(directory, UNIT_LEGAL_ENTITY, name, (struct bytes){}));
		assert_fails(STATUS_INVALID, "directory.name", directory_add_zone(directory, name));
		assert_fails(STATUS_INVALID, "directory.name", directory_add_group(directory, name));
		assert_fails(STATUS_INVALID, "directory.name",
			     add_key(directory, ANNA, name, 9, DIRECTORY_KEY_PLAIN, (struct bytes){}));
		assert_fails(STATUS_INVALID, "directory.name", directory_add_person(directory, name, B("acme-ag")));
		assert_fails(STATUS_INVALID, "directory.name", directory_add_workload(directory, name, B("acme-ag")));
	}
	assert_fails(STATUS_INVALID, "directory.name", directory_add_group(directory, B("1st")));
	assert_fails(STATUS_INVALID, "directory.name", directory_add_group(directory, B("risk-officers")));
	assert_fails(STATUS_INVALID, "directory.name", directory_add_person(directory, B("person:p-"), B("acme-ag")));
	assert_fails(STATUS_INVALID, "directory.name", directory_add_person(directory, B("workload:a"), B("acme-ag")));
	assert_fails(STATUS_INVALID, "directory.name",
		     directory_add_workload(directory, B("person:p-a"), B("acme-ag")));

	assert_fails(STATUS_INVALID, "directory.parent",
		     directory_add_unit(directory, UNIT_LEGAL_ENTITY, B("x"), B("acme-ag")));
	assert_fails(STATUS_INVALID, "directory.parent",
		     directory_add_unit(directory, UNIT_DESK, B("x"), (struct bytes){}));
	assert_fails(STATUS_INVALID, "directory.parent",
		     directory_add_unit(directory, UNIT_DESK, B("x"), B("treasury")));
	assert_fails(STATUS_INVALID, "directory.parent",
		     directory_add_unit(directory, UNIT_ACCOUNT, B("x"), B("acme-ag")));
	assert_fails(STATUS_INVALID, "directory.parent",
		     directory_add_unit(directory, UNIT_ACCOUNT, B("x"), B("nowhere")));

	assert_fails(STATUS_CONFLICT, "directory.exists",
		     directory_add_unit(directory, UNIT_DESK, B("treasury"), B("acme-ag")));
	assert_fails(STATUS_CONFLICT, "directory.exists", directory_add_zone(directory, B("trading")));
	assert_fails(STATUS_CONFLICT, "directory.exists", directory_add_group(directory, B("treasurers")));
	assert_fails(STATUS_CONFLICT, "directory.exists", directory_add_person(directory, ANNA, B("acme-ag")));
	assert_fails(STATUS_CONFLICT, "directory.exists", directory_add_workload(directory, BOT, B("acme-ag")));
	assert_ok(add_key(directory, ANNA, B("a"), 1, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_fails(STATUS_CONFLICT, "directory.exists",
		     add_key(directory, ANNA, B("a"), 2, DIRECTORY_KEY_PLAIN, (struct bytes){}));

	assert_fails(STATUS_NOT_FOUND, "directory.unknown",
		     directory_add_person(directory, B("person:p-x"), B("nowhere")));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown",
		     add_key(directory, B("person:p-x"), B("b"), 2, DIRECTORY_KEY_PLAIN, (struct bytes){}));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown",
		     add_key(directory, ANNA, B("b"), 2, DIRECTORY_KEY_PLAIN, B("nowhere")));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown", directory_revoke_key(directory, B("person:p-anna/z")));
	assert_fails(STATUS_NOT_FOUND, "directory.unknown", directory_suspend(directory, B("person:p-x"), true));
	assert_fails(STATUS_INVALID, "directory.key_class",
		     add_key(directory, BOT, B("b"), 2, DIRECTORY_KEY_TERMINAL, (struct bytes){}));
	const uint8_t small_order[32] = {1};
	assert_fails(STATUS_INVALID, "directory.public_key",
		     directory_add_key(directory, ANNA, B("b"), small_order, DIRECTORY_KEY_PLAIN, (struct bytes){}));
}

static void
pseudonyms_are_fresh_and_well_formed(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	char first[PERSON_ID_SIZE], second[PERSON_ID_SIZE];
	directory_new_person_id(first);
	directory_new_person_id(second);
	assert_string_not_equal(first, second);
	assert_int_equal(PERSON_ID_SIZE - 1, strlen(first));
	assert_ok(directory_add_person(directory, bytes_of_text(first), B("acme-ag")));
}

static void
a_large_directory_stays_whole(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	char id[32];
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof id, "workload:w-%04d", i);
		assert_ok(directory_add_workload(directory, bytes_of_text(id), B("hot-1")));
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof id, "workload:w-%04d", i);
		const struct principal *principal = directory_principal(directory, bytes_of_text(id));
		assert_non_null(principal);
		assert_bytes(bytes_of_text(id), principal->id);
		assert_ptr_equal(principal, directory_principal_at(directory, 3 + (size_t)i));
	}
}

RUN_TESTS(T(what_was_registered_is_found), T(a_public_key_belongs_to_one_principal),
	  T(a_key_is_active_until_revoked_or_suspended), T(groups_hold_people),
	  T(members_are_listed_in_the_order_of_registration_however_they_came), T(a_delegate_may_vote_until_the_end),
	  T(a_later_delegation_takes_the_place_of_the_present_one_when_it_begins), T(bad_input_is_refused_by_name),
	  T(pseudonyms_are_fresh_and_well_formed), T(a_large_directory_stays_whole))
