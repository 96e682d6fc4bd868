#include "tests/test.h"

#include <stdio.h>

#include "crypto/random.h"
#include "gate/keepers.h"

static const char INSTANCE[] = "northwind";

/* What a keeper shows of itself; keys of its own for every byte. */
static void
write_payload(struct buffer *to, const char *name, uint8_t party, uint8_t keys, const char *origin) {
	uint8_t seed[32] = {keys}, ed25519[32], mldsa44[1312], key[32], peer_seed[32] = {keys, 1};
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private_key = nullptr;
	_cleanup_(head_keys_free) struct head_keys log = {};
	struct hash256 certificate = sha256(bytes_of(&keys, 1));
	struct json_writer w;
	assert_ok(ed25519_public_key(seed, ed25519));
	assert_ok(ed25519_public_key(peer_seed, key));
	assert_ok(mldsa44_private_create(&private_key, seed));
	mldsa44_private_public_key(private_key, mldsa44);
	assert_ok(head_keys_make(bytes_of_text(origin), ed25519, mldsa44, &log));
	json_writer_start(&w, to);
	keeper_write_enrolment(&w, name, party, &log, &certificate, key);
	assert_ok(json_writer_finish(&w));
}

static enum status
add_text(struct keepers *keepers, struct bytes text) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *payload;
	assert_ok(json_read(&arena, text, (struct json_limits){}, &payload));
	return keepers_add(keepers, INSTANCE, payload);
}

static enum status
add(struct keepers *keepers, const char *name, uint8_t party, uint8_t keys) {
	_cleanup_(buffer_free) struct buffer text = {};
	char origin[64];
	snprintf(origin, sizeof origin, "northwind/%s", name);
	write_payload(&text, name, party, keys, origin);
	return add_text(keepers, buffer_bytes(&text));
}

#define NAME(text) BYTES_OF_LITERAL(text)

static void
a_keeper_is_enrolled_removed_and_comes_back_under_its_name_and_party(void **) {
	_cleanup_(keepers_free) struct keepers keepers = {};
	assert_ok(add(&keepers, "a", 1, 1));
	assert_ok(add(&keepers, "b", 2, 2));
	assert_fails(STATUS_CONFLICT, "keepers.exists", add(&keepers, "b", 2, 3));
	assert_fails(STATUS_CONFLICT, "keepers.party", add(&keepers, "c", 2, 3));
	assert_fails(STATUS_CONFLICT, "keepers.key", add(&keepers, "c", 3, 2));
	assert_ok(keepers_remove(&keepers, NAME("b")));
	assert_fails(STATUS_NOT_FOUND, "keepers.unknown", keepers_remove(&keepers, NAME("b")));
	assert_fails(STATUS_CONFLICT, "keepers.party", add(&keepers, "b", 3, 3));
	assert_fails(STATUS_CONFLICT, "keepers.party", add(&keepers, "c", 2, 3));
	assert_ok(add(&keepers, "b", 2, 3));
	assert_int_equal(keepers_named(&keepers, NAME("b"))->admission, 2);
	assert_null(keepers_named(&keepers, NAME("c")));
}

static enum status
add_stated(struct keepers *keepers, const char *name, uint8_t party, const char *admission) {
	_cleanup_(buffer_free) struct buffer text = {}, stated = {};
	char origin[64];
	snprintf(origin, sizeof origin, "northwind/%s", name);
	write_payload(&text, name, party, party, origin);
	buffer_append_format(&stated, "{\"admission\":%s,%.*s", admission, (int)text.len - 1, (char *)text.data + 1);
	return add_text(keepers, buffer_bytes(&stated));
}

/* Whoever is new counts as the others do, and never back. */
static void
how_often_the_others_have_admitted_it_is_stated_to_a_keeper_that_is_new(void **) {
	_cleanup_(keepers_free) struct keepers keepers = {};
	assert_ok(add_stated(&keepers, "b", 2, "3"));
	assert_int_equal(keepers_named(&keepers, NAME("b"))->admission, 3);
	assert_ok(keepers_remove(&keepers, NAME("b")));
	assert_fails(STATUS_INVALID, "keepers.admission", add_stated(&keepers, "b", 2, "3"));
	assert_ok(add_stated(&keepers, "b", 2, "4"));
	assert_ok(keepers_remove(&keepers, NAME("b")));
	assert_ok(add(&keepers, "b", 2, 2));
	assert_int_equal(keepers_named(&keepers, NAME("b"))->admission, 5);
	assert_fails(STATUS_INVALID, "keepers.admission", add_stated(&keepers, "c", 3, "0"));
	assert_fails(STATUS_INVALID, "keepers.admission", add_stated(&keepers, "c", 3, "1000001"));
	assert_fails(STATUS_INVALID, "payload.admission", add_stated(&keepers, "c", 3, "\"2\""));
	assert_null(keepers_named(&keepers, NAME("c")));
}

static void
the_greatest_head_is_remembered_until_people_say_otherwise(void **) {
	_cleanup_(keepers_free) struct keepers keepers = {};
	const struct mark small = {10, {{1}}}, large = {20, {{2}}}, between = {15, {{3}}};
	assert_ok(add(&keepers, "b", 2, 2));
	const struct enrolled_keeper *b = keepers_named(&keepers, NAME("b"));
	assert_ok(keepers_see(&keepers, NAME("b"), &small));
	assert_ok(keepers_see(&keepers, NAME("b"), &large));
	assert_ok(keepers_see(&keepers, NAME("b"), &small));
	assert_true(mark_equal(&b->seen, &large));
	assert_ok(keepers_refuse(&keepers, NAME("b"), &between, NAME("peers.behind")));
	assert_true(b->is_refused);
	assert_string_equal(b->reason, "peers.behind");
	assert_true(mark_equal(&b->seen, &large));
	assert_ok(keepers_readmit(&keepers, NAME("b"), &between));
	assert_false(b->is_refused);
	assert_true(mark_equal(&b->seen, &between));
	assert_int_equal(b->admission, 2);
	assert_fails(STATUS_NOT_FOUND, "keepers.unknown", keepers_see(&keepers, NAME("x"), &small));
	assert_fails(STATUS_NOT_FOUND, "keepers.unknown", keepers_readmit(&keepers, NAME("x"), &small));
}

static void
bad_enrolments_are_refused_by_name(void **) {
	static const struct {
		const char *name, *origin;
		uint8_t party;
		const char *error;
	} cases[] = {
		{"", "northwind/", 1, "keepers.name"},
		{"B", "northwind/B", 1, "keepers.name"},
		{"a b", "northwind/a", 1, "keepers.name"},
		{"abcdefghijklmnopqrstuvwxyz0123456", "northwind/a", 1, "keepers.name"},
		{"b", "northwind/b", 17, "keepers.party"},
		{"b", "northwind/a", 2, "keepers.log_keys"},
		{"b", "southwind/b", 2, "keepers.log_keys"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(keepers_free) struct keepers keepers = {};
		_cleanup_(buffer_free) struct buffer text = {};
		write_payload(&text, cases[i].name, cases[i].party, 1, cases[i].origin);
		assert_fails(STATUS_INVALID, cases[i].error, add_text(&keepers, buffer_bytes(&text)));
		assert_null(keepers.of_party[1]);
		assert_null(keepers.of_party[2]);
	}
	static const struct {
		const char *text, *error;
	} texts[] = {
		{"{}", "payload.name"},
		{"{\"name\":\"b\"}", "payload.party"},
		{"{\"name\":\"b\",\"party\":2}", "payload.certificate"},
		{"{\"name\":\"b\",\"party\":2,\"certificate\":\"00\"}", "hex.length"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(keepers_free) struct keepers keepers = {};
		assert_fails(STATUS_INVALID, texts[i].error, add_text(&keepers, bytes_of_text(texts[i].text)));
	}
	/* A peer key of small order would verify what nobody signed. */
	_cleanup_(keepers_free) struct keepers keepers = {};
	_cleanup_(buffer_free) struct buffer text = {};
	write_payload(&text, "b", 2, 1, "northwind/b");
	buffer_append_byte(&text, 0);
	char *key = strstr((char *)text.data, "\"key\":\"") + 7;
	memset(key, '0', 64);
	assert_fails(STATUS_INVALID, "signature.ed25519_key", add_text(&keepers, bytes_of(text.data, text.len - 1)));
}

static void
a_snapshot_gives_the_same_keepers_and_a_damaged_one_none(void **) {
	_cleanup_(keepers_free) struct keepers keepers = {}, read = {};
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	const struct mark seen = {10, {{1}}};
	assert_ok(add(&keepers, "a", 1, 1));
	assert_ok(add(&keepers, "b", 2, 2));
	assert_ok(add(&keepers, "c", 9, 3));
	assert_ok(keepers_see(&keepers, NAME("b"), &seen));
	assert_ok(keepers_refuse(&keepers, NAME("c"), &seen, NAME("peers.fork")));
	assert_ok(keepers_remove(&keepers, NAME("a")));
	assert_ok(keepers_write(&keepers, &text));
	assert_ok(keepers_read(&read, INSTANCE, buffer_bytes(&text)));
	assert_ok(keepers_write(&read, &again));
	assert_bytes(buffer_bytes(&text), buffer_bytes(&again));
	for (size_t len = 1; len < 1500; len++) {
		_cleanup_(keepers_free) struct keepers cut = {};
		assert_fails(STATUS_INVALID, "keepers.snapshot",
			     keepers_read(&cut, INSTANCE, bytes_of(text.data, len)));
	}
	_cleanup_(keepers_free) struct keepers twice = {};
	buffer_append_bytes(&again, buffer_bytes(&text));
	assert_fails(STATUS_INVALID, "keepers.snapshot", keepers_read(&twice, INSTANCE, buffer_bytes(&again)));
}

static void
what_an_entry_says_is_done_again_from_the_log(void **) {
	_cleanup_(keepers_free) struct keepers keepers = {};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer seen = {}, refused = {};
	const struct mark head = {77, {{7}}};
	const json *body;
	assert_ok(add(&keepers, "b", 2, 2));
	const struct enrolled_keeper *b = keepers_named(&keepers, NAME("b"));
	assert_ok(keepers_write_entry(b, &head, nullptr, &seen));
	assert_ok(json_read(&arena, buffer_bytes(&seen), (struct json_limits){}, &body));
	assert_ok(keepers_restore_entry(&keepers, body));
	assert_true(mark_equal(&b->seen, &head));
	assert_ok(keepers_write_entry(b, &head, "peers.fork", &refused));
	assert_ok(json_read(&arena, buffer_bytes(&refused), (struct json_limits){}, &body));
	assert_ok(keepers_restore_entry(&keepers, body));
	assert_true(b->is_refused);
	assert_string_equal(b->reason, "peers.fork");
}

RUN_TESTS(T(a_keeper_is_enrolled_removed_and_comes_back_under_its_name_and_party),
	  T(how_often_the_others_have_admitted_it_is_stated_to_a_keeper_that_is_new),
	  T(the_greatest_head_is_remembered_until_people_say_otherwise), T(bad_enrolments_are_refused_by_name),
	  T(a_snapshot_gives_the_same_keepers_and_a_damaged_one_none), T(what_an_entry_says_is_done_again_from_the_log))
