/* Keys that are brought: approved by their commitment, made when their secret comes at last, and once. */
#include "tests/test.h"

#include "tests/gate_fixture.h"

/* 0x1111…12, committed to with a salt of zeros. */
static struct firm_operation
import_of(struct arena *arena, const char *id, const char *value) {
	const uint8_t salt[32] = {};
	char salt_hex[65], commitment[65];
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(salt), bytes_of_text(value));
	hex_encode(hash256_bytes(&hash), commitment);
	hex_encode(BYTES_OF_ARRAY(salt), salt_hex);
	return (struct firm_operation){
		.by = FIRM_PERSON_4,
		.kind = "key.import",
		.resource = "account:options-hot",
		.payload = arena_format(
			arena,
			"{\"algorithm\":\"secp256k1\",\"commitment\":\"%s\",\"id\":\"%s\","
			"\"material\":\"single\",\"purpose\":\"transfer\",\"secret_kind\":\"private_key\"}",
			commitment, id),
		.secret = arena_format(arena, "{\"salt\":\"%s\",\"value\":\"%s\"}", salt_hex, value),
		.idempotency_key = arena_format(arena, "import-%s", id)};
}

static const char OLD_KEY[] = "1111111111111111111111111111111111111111111111111111111111111112";

static void
an_imported_key_waits_for_approvals_and_then_for_its_secret(void **) {
	const char *value = OLD_KEY;
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation import = import_of(&arena, "old", value);
	set_up(&b);
	_cleanup_(submitted_free) struct submitted asked, early, last, known;
	submit(&b, &import, &asked);
	assert_int_equal(OPERATION_HELD, asked.step.state);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_3, "approve"));
	submit(&b, &import, &early);
	assert_int_equal(GATE_KNOWN, early.step.kind);
	assert_int_equal(OPERATION_HELD, early.step.state);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{}"), asked.step.operation->held->missing);
	b.now_ms += 1000;
	submit(&b, &import, &last);
	assert_ok(last.status);
	assert_int_equal(GATE_DECIDED, last.step.kind);
	assert_int_equal(OPERATION_DONE, last.step.state);
	assert_non_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
	submit(&b, &import, &known);
	assert_int_equal(OPERATION_DONE, known.step.state);
	for (size_t i = 0; i < b.count; i++)
		assert_null(memmem(b.leaves[i].data, b.leaves[i].len, value, strlen(value)));
	assert_replays(&b, 2);
	gate_destroy(&b.gate);
	start_gate(&b);
	assert_non_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
}

/* Its time is over, though nobody has written that down yet: the approvals were given for that long. */
static void
a_secret_that_comes_too_late_makes_no_key(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation import = import_of(&arena, "old", OLD_KEY);
	_cleanup_(submitted_free) struct submitted asked, late;
	set_up(&b);
	submit(&b, &import, &asked);
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, asked.step.operation, FIRM_PERSON_5, "approve"));
	b.now_ms = asked.step.operation->expires_ms;
	submit(&b, &import, &late);
	assert_fails(STATUS_EXPIRED, "operation.expired", late.status);
	assert_null(gate_state_key(b.gate->state, BYTES_OF_LITERAL("old")));
}

/* Limits of a key count by its name. */
static void
a_key_that_is_there_comes_in_by_no_second_name(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	set_up(&b);
	activate(&b, "@id(\"all\") permit (principal, action, resource);");
	for (size_t i = 0; i < 3; i++) {
		static const char *const ids[] = {"old", "second", "third"};
		_cleanup_(submitted_free) struct submitted s;
		struct firm_operation import = import_of(&arena, ids[i], OLD_KEY);
		submit(&b, &import, &s);
		assert_ok(s.status);
		if (i == 1) {
			assert_int_equal(OPERATION_FAILED, s.step.state);
			assert_bytes(BYTES_OF_LITERAL("key.known: it is key \"old\", which has no second name"),
				     s.step.record->error);
			assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "key.freeze", "key:old", "{}"));
			_cleanup_(submitted_free) struct submitted destroy;
			struct firm_operation gone = {
				.by = FIRM_PERSON_4, .kind = "key.destroy", .resource = "key:old", .payload = "{}"};
			submit(&b, &gone, &destroy);
			assert_int_equal(OPERATION_UNKNOWN, destroy.step.state);
			_cleanup_(gate_step_free) struct gate_step done = {};
			assert_ok(gate_perform(b.gate, destroy.step.operation, b.now_ms, &done));
			write_step(&b, &done);
			assert_int_equal(OPERATION_DONE, done.state);
		} else
			assert_int_equal(OPERATION_DONE, s.step.state);
	}
}

RUN_TESTS(T(an_imported_key_waits_for_approvals_and_then_for_its_secret), T(a_secret_that_comes_too_late_makes_no_key),
	  T(a_key_that_is_there_comes_in_by_no_second_name))
