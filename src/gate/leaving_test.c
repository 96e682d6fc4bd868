/* Whose word settles a key that was dealt anew; and what entries and snapshots may say of it. */
#include "tests/test.h"

#include <stdlib.h>

#include "gate/gate.h"
#include "gate/shared_keys.h"

static struct sharing
sharing_among(uint8_t threshold, const uint8_t *indices, size_t count) {
	static const char *const names[] = {"", "one", "two", "three", "four", "five"};
	struct sharing sharing = {.key = {.id = "vault", .threshold = threshold, .epoch = 2}};
	for (size_t i = 0; i < count; i++) {
		sharing.key.holders.parties[i].index = indices[i];
		memset(sharing.key.holders.parties[i].identity, indices[i], 32);
		memcpy(sharing.names[i], names[indices[i]], strlen(names[indices[i]]));
		sharing.admissions[i] = 1;
	}
	sharing.key.holders.count = (uint8_t)count;
	return sharing;
}

/* A state that has this key. */
struct fixture {
	struct gate *gate;
	struct shared_key *key;
	struct arena arena;
};

static void
start(struct fixture *f, const struct sharing *before, const struct sharing *now, const char *self) {
	static const char *const authorities[] = {"127.0.0.1:8443"};
	*f = (struct fixture){.key = calloc(1, sizeof *f->key)};
	assert_non_null(f->key);
	assert_ok(gate_create(&f->gate, &(struct gate_config){.instance = BYTES_OF_LITERAL("northwind.example"),
							      .authorities = authorities,
							      .authority_count = 1}));
	f->key->sharing = *now;
	leaving_begin(&f->key->leaving, before, now, self);
	assert_ok(map_put(&f->gate->state->shared_keys, BYTES_OF_LITERAL("vault"), f->key, nullptr));
}

static void
end(struct fixture *f) {
	gate_destroy(&f->gate);
	arena_free(&f->arena);
}

static enum status
apply(struct fixture *f, const char *text) {
	const json *body;
	assert_ok(json_read(&f->arena, bytes_of_text(text), (struct json_limits){}, &body));
	return left_apply(f->gate, &f->arena, body);
}

static void
let_leave(struct fixture *f, uint8_t party) {
	assert_true(leaving_is_awaited(&f->key->leaving, party));
	assert_ok(apply(f, arena_format(&f->arena,
					"{\"epoch\":2,\"party\":%u,\"shared_key\":\"vault\",\"spends\":[],"
					"\"stopped\":false}",
					party)));
	assert_false(leaving_is_awaited(&f->key->leaving, party));
}

static void
enrol(struct fixture *f, uint8_t party, bool is_enrolled, uint64_t admission) {
	struct enrolled_keeper *keeper = f->gate->state->keepers.of_party[party];
	if (keeper == nullptr)
		keeper = f->gate->state->keepers.of_party[party] = calloc(1, sizeof *keeper);
	assert_non_null(keeper);
	keeper->party = party;
	keeper->is_enrolled = is_enrolled;
	keeper->admission = admission;
}

static void
as_many_as_signed_must_have_left(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 3, 4}, 4);
	_cleanup_(end) struct fixture f;
	start(&f, &before, &now, "four");
	assert_true(f.key->leaving.has_come_in);
	assert_int_equal(3, f.key->leaving.count);
	assert_false(leaving_is_awaited(&f.key->leaving, 4));
	assert_fails(STATUS_UNAVAILABLE, "key.unsettled", leaving_need_settled(f.gate->state, f.key));
	let_leave(&f, 3);
	assert_false(leaving_is_settled(f.gate->state, f.key));
	let_leave(&f, 1);
	assert_true(leaving_is_settled(f.gate->state, f.key));
}

static void
whoever_held_a_share_itself_has_left(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 3, 4}, 3);
	_cleanup_(end) struct fixture f;
	start(&f, &before, &now, "three");
	assert_false(f.key->leaving.has_come_in);
	assert_int_equal(2, f.key->leaving.count);
	assert_false(leaving_is_awaited(&f.key->leaving, 3));
	assert_false(leaving_is_settled(f.gate->state, f.key));
	let_leave(&f, 1);
	assert_true(leaving_is_settled(f.gate->state, f.key));
}

/* Its log went back, or it is another now: what it says of before is worth nothing. */
static void
who_was_admitted_anew_is_not_heard_of_the_epoch_before(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3);
	_cleanup_(end) struct fixture f;
	now.admissions[0] = 2;
	now.key.holders.parties[1].identity[0] ^= 1;
	start(&f, &before, &now, "three");
	assert_int_equal(1, f.key->leaving.count);
	assert_int_equal(3, f.key->leaving.parties[0]);
}

/* It was a holder, and knows nothing of the key but what was stated: of a freeze meanwhile it hears as one that was none. */
static void
who_lost_its_share_and_was_admitted_anew_comes_in(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3);
	_cleanup_(end) struct fixture f;
	now.admissions[2] = 2;
	now.key.holders.parties[2].identity[0] ^= 1;
	start(&f, &before, &now, "three");
	assert_true(f.key->leaving.has_come_in);
	assert_int_equal(2, f.key->leaving.count);
	let_leave(&f, 1);
	assert_false(leaving_is_settled(f.gate->state, f.key));
	let_leave(&f, 2);
	assert_true(leaving_is_settled(f.gate->state, f.key));
}

static void
who_is_removed_is_not_waited_for(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 4}, 3);
	_cleanup_(end) struct fixture f;
	start(&f, &before, &now, "four");
	enrol(&f, 1, true, 1);
	enrol(&f, 2, true, 1);
	assert_false(leaving_is_settled(f.gate->state, f.key));
	enrol(&f, 1, false, 1);
	assert_false(leaving_is_settled(f.gate->state, f.key));
	let_leave(&f, 2);
	assert_true(leaving_is_settled(f.gate->state, f.key));
	enrol(&f, 1, true, 1);
	assert_false(leaving_is_settled(f.gate->state, f.key));
	enrol(&f, 1, true, 2);
	assert_true(leaving_is_settled(f.gate->state, f.key));
}

/* All of it is read before any of it holds. */
static void
an_entry_that_cannot_be_read_changes_nothing(void **) {
#define SPEND(operation, cents)                                                                                        \
	"{\"at\":1,\"operation\":\"" operation "\",\"spend\":{\"cents\":[[\"key\",\"vault\"," cents                    \
	"]],\"identity\":\"0000000000000000000000000000000000000000000000000000000000000000\"}}"
#define ID "1111111111111111111111111111111111111111111111111111111111111111"
#define LEFT(epoch, party, key, spends)                                                                                \
	"{\"epoch\":" epoch ",\"party\":" party ",\"shared_key\":\"" key "\",\"spends\":" spends ",\"stopped\":false}"
	static const struct {
		const char *body;
		enum status status;
		const char *error;
	} cases[] = {
		{LEFT("1", "1", "vault", "[]"), STATUS_CORRUPT, "left.epoch"},
		{LEFT("2", "1", "vaults", "[]"), STATUS_CORRUPT, "left.epoch"},
		{LEFT("2", "4", "vault", "[]"), STATUS_CORRUPT, "left.party"},
		{LEFT("2", "257", "vault", "[]"), STATUS_CORRUPT, "left.party"},
		{LEFT("2", "0", "vault", "[]"), STATUS_CORRUPT, "left.party"},
		{LEFT("2", "1", "vault", "{}"), STATUS_INVALID, "left.spends"},
		{LEFT("2", "1", "vault", "[" SPEND(ID, "5") "," SPEND("11", "5") "]"), STATUS_INVALID, "hex.length"},
		{LEFT("2", "1", "vault", "[" SPEND(ID, "5") "," SPEND(ID, "\"5\"") "]"), STATUS_CORRUPT, "spend.part"},
		{"{\"epoch\":2,\"party\":1,\"shared_key\":\"vault\",\"spends\":[]}", STATUS_INVALID, "left.stopped"},
		{"{\"epoch\":2,\"party\":1,\"shared_key\":\"vault\",\"stopped\":true}", STATUS_INVALID, "left.spends"},
	};
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 4}, 3);
	_cleanup_(end) struct fixture f;
	start(&f, &before, &now, "four");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_fails(cases[i].status, cases[i].error, apply(&f, cases[i].body));
		assert_int_equal(0, f.gate->state->counted.by_telling.count);
		assert_true(leaving_is_awaited(&f.key->leaving, 1));
	}
	assert_ok(apply(&f, LEFT("2", "1", "vault", "[" SPEND(ID, "5") "]")));
	assert_int_equal(1, f.gate->state->counted.by_telling.count);
}

static void
a_snapshot_is_read_whole_or_not_at_all(void **) {
	struct sharing before = sharing_among(2, (const uint8_t[]){1, 2, 3}, 3),
		       now = sharing_among(2, (const uint8_t[]){1, 2, 4}, 3);
	static const struct {
		size_t at;
		uint8_t becomes;
	} damage[] = {{1, 2}, {2, PARTIES_MAX + 1}, {3, 0}, {4, 2}, {5, 1}, {6, 2}};
	struct leaving leaving, read;
	_cleanup_(buffer_free) struct buffer snapshot = {}, again = {};
	leaving_begin(&leaving, &before, &now, "two");
	leaving_write(&leaving, &snapshot);
	for (size_t len = 0; len <= snapshot.len; len++) {
		struct cursor cursor = cursor_of(bytes_of(snapshot.data, len));
		assert_int_equal(len == snapshot.len, leaving_read(&cursor, &read) == OK);
	}
	leaving_write(&read, &again);
	assert_true(bytes_equal(buffer_bytes(&snapshot), buffer_bytes(&again)));
	for (size_t i = 0; i < ARRAY_LENGTH(damage); i++) {
		struct cursor cursor = cursor_of(buffer_bytes(&snapshot));
		uint8_t was = snapshot.data[damage[i].at];
		snapshot.data[damage[i].at] = damage[i].becomes;
		assert_fails(STATUS_INVALID, "leaving.snapshot", leaving_read(&cursor, &read));
		snapshot.data[damage[i].at] = was;
	}
}

RUN_TESTS(T(as_many_as_signed_must_have_left), T(whoever_held_a_share_itself_has_left),
	  T(who_was_admitted_anew_is_not_heard_of_the_epoch_before),
	  T(who_lost_its_share_and_was_admitted_anew_comes_in), T(who_is_removed_is_not_waited_for),
	  T(an_entry_that_cannot_be_read_changes_nothing), T(a_snapshot_is_read_whole_or_not_at_all))
