/* Who is given a voice, or is given it back, has it after the same wait: somebody new, somebody resumed, somebody with another key. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "tests/gate_fixture.h"

static const char one[] = "person:p-0000000000000001", two[] = "person:p-0000000000000002",
		  puppet[] = "person:p-00000000000000aa", puppets_key[] = "person:p-00000000000000aa/terminal";
constexpr int64_t AN_HOUR_MS = INT64_C(3'600'000);

/* Approved by two: of security, or in an emergency by two others. */
static enum operation_state
ask_for(struct bench_gate *b, const struct firm_operation *wanted) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = *wanted;
	operation.by = operation.break_glass ? FIRM_PERSON_1 : FIRM_PERSON_4;
	operation.reason = operation.break_glass ? "nobody can be reached" : nullptr;
	submit(b, &operation, &s);
	assert_ok(s.status);
	if (s.step.state != OPERATION_HELD)
		return s.step.state;
	enum operation_state state =
		vote(b, s.step.operation, operation.break_glass ? FIRM_PERSON_2 : FIRM_PERSON_3, "approve");
	return state != OPERATION_HELD ? state : vote(b, s.step.operation, FIRM_PERSON_5, "approve");
}

/* From then on the firm's treasurer, a program, signs as whoever holds the new key. */
static const char *
new_key(struct bench_gate *b, char text[static 256], const char *name, int64_t from_ms) {
	char hex[65], from[48] = "";
	uint8_t *seed = b->firm.members[FIRM_TREASURER].seed;
	memset(seed, 77 + (int)strlen(name), 32);
	assert_ok(ed25519_public_key(seed, b->firm.members[FIRM_TREASURER].public_key));
	hex_encode(BYTES_OF_ARRAY(b->firm.members[FIRM_TREASURER].public_key), hex);
	b->firm.members[FIRM_TREASURER].principal = puppet;
	b->firm.members[FIRM_TREASURER].key_id = puppets_key;
	if (from_ms != 0)
		snprintf(from, sizeof from, "\"effective_from\":%lld,", (long long)from_ms);
	snprintf(text, 256, "{\"class\":\"terminal\",%s\"name\":\"%s\",\"public_key\":\"%s\"}", from, name, hex);
	return text;
}

static enum operation_state
add_puppet(struct bench_gate *b, bool break_glass, int64_t from_ms, const char *more) {
	char key[256], payload[512];
	snprintf(payload, sizeof payload, "{%s\"keys\":[%s],\"person\":\"%s\"}", more,
		 new_key(b, key, "terminal", from_ms), puppet);
	return ask_for(b, &(struct firm_operation){.kind = "person.add",
						   .resource = "desk:options",
						   .payload = payload,
						   .break_glass = break_glass});
}

static enum operation_state
add_key(struct bench_gate *b, const char *whom, bool break_glass, const char *name, int64_t from_ms) {
	char payload[256];
	return ask_for(b, &(struct firm_operation){.kind = "principal.key_add",
						   .resource = whom,
						   .payload = new_key(b, payload, name, from_ms),
						   .break_glass = break_glass});
}

static enum operation_state
resume(struct bench_gate *b, const char *whom, bool break_glass, int64_t from_ms) {
	char payload[64] = "{}";
	if (from_ms != 0)
		snprintf(payload, sizeof payload, "{\"effective_from\":%lld}", (long long)from_ms);
	return ask_for(b, &(struct firm_operation){.kind = "principal.resume",
						   .resource = whom,
						   .payload = payload,
						   .break_glass = break_glass});
}

static void
assert_waits(struct bench_gate *b, const struct gate_operation *operation, enum firm_member by, const char *verdict) {
	const struct firm_choice choice = {.verdict = verdict, .client = APPROVAL_CLIENT_OFFLINE};
	enum operation_state state;
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting", vote_as(b, operation, by, &choice, &state));
}

static void
whoever_is_added_waits(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DENIED, add_puppet(&b, false, 0, ""));
	assert_int_equal(OPERATION_DENIED, add_puppet(&b, false, b.now_ms + A_DAY_MS - 1, ""));
	assert_int_equal(OPERATION_DENIED, add_puppet(&b, true, 0, ""));
	assert_int_equal(OPERATION_DENIED, add_puppet(&b, true, b.now_ms + AN_HOUR_MS - 1, ""));
	assert_null(directory_principal(b.gate->state->directory, bytes_of_text(puppet)));
	assert_int_equal(OPERATION_DONE, add_puppet(&b, false, b.now_ms + A_DAY_MS, ""));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* One key that waits and another that does not: their voice begins with the first. */
static void
one_key_that_waits_is_not_enough(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char keys[2][256], payload[1024];
	set_up(&b);
	new_key(&b, keys[0], "terminal", b.now_ms + A_DAY_MS);
	new_key(&b, keys[1], "plain", 0);
	for (int swapped = 0; swapped < 2; swapped++) {
		snprintf(payload, sizeof payload, "{\"keys\":[%s,%s],\"person\":\"%s\"}", keys[swapped],
			 keys[1 - swapped], puppet);
		const struct firm_operation operation = {
			.kind = "person.add", .resource = "desk:options", .payload = payload};
		assert_int_equal(OPERATION_DENIED, ask_for(&b, &operation));
	}
}

static void
an_auditor_who_is_added_has_no_voice_to_wait_for(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, add_puppet(&b, false, 0, "\"auditor\":true,"));
	assert_int_equal(OPERATION_DONE, add_key(&b, puppet, false, "other", 0));
}

/* Three people once: what they add is no vote of an emergency before the hour is over in which anybody can stop it. */
static void
puppets_that_an_emergency_adds_vote_after_their_wait(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	const struct firm_operation emergency = {.by = FIRM_PERSON_1,
						 .kind = "group.add",
						 .resource = "system:gatehouse",
						 .payload = "{\"id\":\"more\"}",
						 .reason = "nobody can be reached",
						 .lifetime_ms = 3 * AN_HOUR_MS,
						 .break_glass = true};
	set_up(&b);
	int64_t from_ms = b.now_ms + AN_HOUR_MS;
	assert_int_equal(OPERATION_DONE, add_puppet(&b, true, from_ms, ""));
	submit(&b, &emergency, &s);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_waits(&b, find_submitted(&b, &s), FIRM_TREASURER, "approve");
	assert_waits(&b, find_submitted(&b, &s), FIRM_TREASURER, "reject");
	b.now_ms = from_ms - 1;
	assert_restarts_alike(&b);
	assert_waits(&b, find_submitted(&b, &s), FIRM_TREASURER, "approve");
	/* Nor by a key that they are given meanwhile, which waits as well. */
	assert_int_equal(OPERATION_DENIED, add_key(&b, puppet, true, "other", from_ms));
	assert_int_equal(OPERATION_DENIED, add_key(&b, puppet, false, "other", from_ms + AN_HOUR_MS));
	new_key(&b, (char[256]){}, "terminal", 0);
	b.now_ms = from_ms;
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_TREASURER, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"total\":1}"), find_submitted(&b, &s)->held->missing);
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* In which anybody stops it, alone. */
static void
whoever_was_added_is_stopped_before(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, add_puppet(&b, true, b.now_ms + AN_HOUR_MS, ""));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_5, "principal.suspend", puppet, "{}"));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_5, "principal.key_revoke", puppet,
					      "{\"key\":\"person:p-00000000000000aa/terminal\"}"));
	assert_restarts_alike(&b);
}

/* They ask for nothing and vote for nothing until then. */
static void
whoever_is_resumed_waits(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(1000, 0, payload);
	operation.lifetime_ms = 20 * A_DAY_MS;
	submit(&b, &operation, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "principal.suspend", two, "{}"));
	assert_int_equal(OPERATION_DENIED, resume(&b, two, false, 0));
	assert_int_equal(OPERATION_DENIED, resume(&b, two, false, b.now_ms + A_DAY_MS - 1));
	int64_t from_ms = b.now_ms + A_DAY_MS;
	assert_int_equal(OPERATION_DONE, resume(&b, two, false, from_ms));
	assert_restarts_alike(&b);
	b.now_ms = from_ms - 1;
	assert_waits(&b, find_submitted(&b, &s), FIRM_PERSON_2, "approve");
	assert_waits(&b, find_submitted(&b, &s), FIRM_PERSON_2, "reject");
	_cleanup_(submitted_free) struct submitted asked;
	const struct firm_operation freeze = {
		.by = FIRM_PERSON_2, .kind = "key.freeze", .resource = "key:eth-hot", .payload = "{}"};
	submit(&b, &freeze, &asked);
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting", asked.status);
	b.now_ms = from_ms;
	submitted_free(&asked);
	submit(&b, &freeze, &asked);
	assert_int_equal(OPERATION_DONE, asked.step.state);
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* Under policies of a firm's own, where a minute is enough. */
static void
a_vote_from_before_a_suspension_counts_again_after_the_wait(void **) {
	constexpr int64_t A_MINUTE_MS = 60'000;
	static const char three[] = "person:p-0000000000000003";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, back;
	char payload[64];
	set_up(&b);
	activate(&b, "@id(\"two\") permit (principal, action, resource) when { context.approvals.total >= 2 };\n"
		     "@id(\"stop\") permit (principal, action in Action::\"protect\", resource);");
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "principal.suspend", three, "{}"));
	int64_t from_ms = b.now_ms + A_MINUTE_MS;
	snprintf(payload, sizeof payload, "{\"effective_from\":%lld}", (long long)from_ms);
	const struct firm_operation resumed = {
		.by = FIRM_PERSON_1, .kind = "principal.resume", .resource = three, .payload = payload};
	submit(&b, &resumed, &back);
	assert_int_equal(OPERATION_HELD, vote(&b, back.step.operation, FIRM_PERSON_2, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, back.step.operation, FIRM_PERSON_5, "approve"));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_HELD, vote(&b, find_submitted(&b, &s), FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"total\":1}"), find_submitted(&b, &s)->held->missing);
	b.now_ms = from_ms;
	assert_int_equal(OPERATION_DONE, vote(&b, find_submitted(&b, &s), FIRM_PERSON_5, "approve"));
	assert_restarts_alike(&b);
	assert_honest(&b);
}

/* Nobody is made to wait by being given back what they have. */
static void
resuming_whoever_is_not_suspended_changes_nothing(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, resume(&b, one, true, b.now_ms + 300 * A_DAY_MS));
	const struct principal *person = directory_principal(b.gate->state->directory, bytes_of_text(one));
	assert_int_equal(0, person->keys->usable_from_ms);
	assert_restarts_alike(&b);
}

/* A key waits as the person does, whatever group they are in; a program has no voice. */
static void
a_new_key_of_any_person_waits(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	assert_int_equal(OPERATION_DONE, add_puppet(&b, false, b.now_ms + A_DAY_MS, ""));
	b.now_ms += 2 * A_DAY_MS;
	assert_int_equal(OPERATION_DENIED, add_key(&b, puppet, false, "other", 0));
	assert_int_equal(OPERATION_DENIED, add_key(&b, puppet, true, "other", b.now_ms + AN_HOUR_MS - 1));
	assert_int_equal(OPERATION_DONE, add_key(&b, puppet, true, "other", b.now_ms + AN_HOUR_MS));
	assert_int_equal(OPERATION_DONE, stop(&b, FIRM_PERSON_1, "principal.suspend", "workload:prices", "{}"));
	assert_int_equal(OPERATION_DONE, resume(&b, "workload:prices", false, 0));
	assert_restarts_alike(&b);
}

RUN_TESTS(T(whoever_is_added_waits), T(one_key_that_waits_is_not_enough),
	  T(an_auditor_who_is_added_has_no_voice_to_wait_for), T(puppets_that_an_emergency_adds_vote_after_their_wait),
	  T(whoever_was_added_is_stopped_before), T(whoever_is_resumed_waits),
	  T(a_vote_from_before_a_suspension_counts_again_after_the_wait),
	  T(resuming_whoever_is_not_suspended_changes_nothing), T(a_new_key_of_any_person_waits))
