/* One-time passwords beside an Ed25519 key, end to end against a keeper in this process. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "gate/one_time.h"
#include "gate/replay.h"
#include "identity/statement.h"
#include "identity/totp.h"
#include "ledger/log.h"

static const char PERSON[] = "person:p-0000000000000004";
#define SECRET_HEX "3132333435363738393031323334353637383930"
#define SALT_HEX "0707070707070707070707070707070707070707070707070707070707070707"

struct scene {
	struct signed_in s;
	const char *code; /* that goes beside the signature of person 4; null: none */
};

static void
tear_down(struct scene *scene) {
	signed_in_free(&scene->s);
}

static enum status
sign_with_code(void *context, enum firm_member by, const struct hash256 *digest, struct buffer *object) {
	struct scene *scene = context;
	struct firm *firm = &scene->s.house.firm;
	uint8_t signature[64];
	TRY(person_sign(OPERATION_SIGNATURE_LABEL, digest, firm->members[by].seed, firm->members[by].public_key,
			signature));
	buffer_append_format(object, "{\"key_id\":\"%s\",\"signature\":\"", firm->members[by].key_id);
	buffer_append_hex(object, BYTES_OF_ARRAY(signature));
	buffer_append_format(object, "\",\"totp\":\"%s\"}", scene->code);
	return buffer_status(object);
}

static const char *
payload_of(struct scene *scene, const char *algorithm, unsigned digits) {
	uint8_t salt[32];
	char hex[65];
	assert_ok(hex_decode(BYTES_OF_LITERAL(SALT_HEX), salt, sizeof salt));
	struct hash256 commitment = SHA256_PARTS(BYTES_OF_ARRAY(salt), BYTES_OF_LITERAL(SECRET_HEX));
	hex_encode(hash256_bytes(&commitment), hex);
	return arena_format(&scene->s.arena, "{\"algorithm\":\"%s\",\"commitment\":\"%s\",\"digits\":%u}", algorithm,
			    hex, digits);
}

static void
submit(struct scene *scene, struct firm_operation operation, const char *code, struct ipc_response *response) {
	struct firm *firm = &scene->s.house.firm;
	scene->code = code;
	firm->signer = scene;
	firm->sign = code == nullptr ? nullptr : sign_with_code;
	assert_ok(house_submit(&scene->s.house, &scene->s.arena, operation, response));
	firm->sign = nullptr;
}

/* Asked for by person 4 for themselves, approved by two, and the secret brought again. */
static void
enrol(struct scene *scene, const char *algorithm, unsigned digits, const char *key) {
	struct ipc_response response;
	struct firm_operation operation = {.by = FIRM_PERSON_4,
					   .kind = "principal.totp_add",
					   .resource = PERSON,
					   .payload = payload_of(scene, algorithm, digits),
					   .secret = "{\"salt\":\"" SALT_HEX "\",\"value\":\"" SECRET_HEX "\"}",
					   .idempotency_key = key,
					   .created_ms = house_now_ms(&scene->s.house)};
	submit(scene, operation, nullptr, &response);
	assert_answer(202, "held", &response);
	struct bytes id = house_text(&scene->s.arena, &response, "operation");
	assert_ok(house_vote(&scene->s.house, &scene->s.arena, id, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&scene->s.house, &scene->s.arena, id, FIRM_PERSON_5, "approve", &response));
	assert_answer(202, "held", &response);
	submit(scene, operation, nullptr, &response);
	assert_answer(200, "done", &response);
}

static void
set_up(struct scene *scene) {
	*scene = (struct scene){};
	signed_in_set_up(&scene->s);
}

static const char *
code_at(struct scene *scene, enum totp_algorithm algorithm, unsigned digits, int64_t steps_off) {
	uint8_t secret[20];
	assert_ok(hex_decode(BYTES_OF_LITERAL(SECRET_HEX), secret, sizeof secret));
	int64_t step = house_now_ms(&scene->s.house) / TOTP_STEP_MS + steps_off;
	return arena_format(&scene->s.arena, "%0*u", (int)digits,
			    totp_code(algorithm, BYTES_OF_ARRAY(secret), (uint64_t)step, digits));
}

static struct firm_operation
freeze(void) {
	return (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = "session.revoke",
				       .resource = "person:p-0000000000000002",
				       .payload = "{}"};
}

static void
assert_problem(struct scene *scene, const char *code, unsigned status, const char *name) {
	struct ipc_response response;
	submit(scene, freeze(), code, &response);
	if (response.status != status)
		fail_msg("expected %u, got %u: %.*s", status, response.status, BYTES_ARGS(response.body));
	assert_bytes(bytes_of_text(name), house_problem(&scene->s.arena, &response));
}

/* The decision's entry says this. */
static void
assert_decided(struct scene *scene, const char *code, const char *text) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	struct ipc_response response;
	const json *answer;
	submit(scene, freeze(), code, &response);
	assert_answer(200, "done", &response);
	assert_ok(json_read(&scene->s.arena, response.body, (struct json_limits){}, &answer));
	assert_ok(ledger_read(keeper_ledger(scene->s.house.keeper), (uint64_t)json_integer(json_get(answer, "entry")),
			      &bytes, &record));
	if (memmem(record.leaf.data, record.leaf.len, text, strlen(text)) == nullptr)
		fail_msg("expected %s in %.*s", text, BYTES_ARGS(record.leaf));
	assert_null(code == nullptr ? nullptr : memmem(record.leaf.data, record.leaf.len, code, strlen(code)));
}

static void
restart(struct scene *scene) {
	house_close(&scene->s.house);
	assert_ok(house_open(&scene->s.house));
}

/* As a start from a snapshot of the state has it. */
static void
read_snapshot(struct scene *scene) {
	struct gate_state *state = keeper_gate(scene->s.house.keeper)->state, before = {.one_time = state->one_time};
	_cleanup_(buffer_free) struct buffer part = {};
	assert_ok(one_time_write(state, &part));
	state->one_time = (struct map){};
	assert_ok(one_time_read(state, buffer_bytes(&part)));
	assert_ok(one_time_open(state));
	one_time_free(&before);
}

static void
a_code_beside_a_key_is_two_factors_and_resists_no_phishing(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	assert_problem(&scene, "123456", 401, "totp.none");
	enrol(&scene, "sha1", 6, "first");
	assert_decided(&scene, nullptr, "\"mfa.aal\":1");
	assert_decided(&scene, code_at(&scene, TOTP_SHA1, 6, 0), "\"mfa.aal\":2,\"mfa.phishing_resistant\":false");
	assert_decided(&scene, code_at(&scene, TOTP_SHA1, 6, 1), "\"totp\":{\"step\":");
	restart(&scene);
	signed_in_pass(&scene.s, 2 * TOTP_STEP_MS);
	assert_decided(&scene, code_at(&scene, TOTP_SHA1, 6, 0), "\"mfa.aal\":2");
	/* Another takes its place. */
	enrol(&scene, "sha256", 8, "second");
	signed_in_pass(&scene.s, 2 * TOTP_STEP_MS);
	assert_problem(&scene, code_at(&scene, TOTP_SHA1, 6, 0), 400, "totp.form");
	assert_decided(&scene, code_at(&scene, TOTP_SHA256, 8, 0), "\"mfa.aal\":2");
	restart(&scene);
	signed_in_pass(&scene.s, 2 * TOTP_STEP_MS);
	assert_decided(&scene, code_at(&scene, TOTP_SHA256, 8, 0), "\"mfa.aal\":2");
}

static void
a_step_is_taken_once_also_over_a_restart(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	enrol(&scene, "sha1", 6, "first");
	const char *code = code_at(&scene, TOTP_SHA1, 6, 0), *before = code_at(&scene, TOTP_SHA1, 6, -1);
	assert_decided(&scene, code, "\"mfa.aal\":2");
	assert_problem(&scene, code, 401, "totp.mismatch");
	assert_problem(&scene, before, 401, "totp.mismatch");
	restart(&scene);
	assert_problem(&scene, code, 401, "totp.mismatch");
}

/* What was taken with an operation that was refused afterwards is as used as any other. */
static void
a_step_of_what_was_refused_is_taken_once_also_over_a_restart(void **) {
	_cleanup_(tear_down) struct scene scene;
	struct ipc_response response;
	set_up(&scene);
	enrol(&scene, "sha1", 6, "first");
	const char *code = code_at(&scene, TOTP_SHA1, 6, 0), *next = code_at(&scene, TOTP_SHA1, 6, 1);
	struct firm_operation refused = {.by = FIRM_PERSON_4,
					 .kind = "sign",
					 .resource = "key:nobodys",
					 .payload = "{\"format\":\"evm\",\"transaction\":\"00\"}"};
	submit(&scene, refused, code, &response);
	assert_int_equal(404, response.status);
	assert_bytes(BYTES_OF_LITERAL("key.unknown"), house_problem(&scene.s.arena, &response));
	assert_problem(&scene, code, 401, "totp.mismatch");
	restart(&scene);
	assert_problem(&scene, code, 401, "totp.mismatch");
	read_snapshot(&scene);
	assert_problem(&scene, code, 401, "totp.mismatch");
	assert_decided(&scene, next, "\"mfa.aal\":2");
}

static void
who_fails_waits_and_after_a_hundred_is_disabled(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	enrol(&scene, "sha1", 6, "first");
	const char *stale = code_at(&scene, TOTP_SHA1, 6, -10);
	for (uint32_t i = 0; i <= THROTTLE_FREE; i++)
		assert_problem(&scene, stale, 401, "totp.mismatch");
	assert_problem(&scene, code_at(&scene, TOTP_SHA1, 6, 0), 429, "totp.throttled");
	signed_in_pass(&scene.s, 1000);
	assert_decided(&scene, code_at(&scene, TOTP_SHA1, 6, 0), "\"mfa.aal\":2");
	for (uint32_t i = 0; i < ONE_TIME_FAILURES_MAX; i++) {
		if (i == ONE_TIME_FAILURES_MAX / 2)
			restart(&scene); /* it is not forgotten */
		if (i == ONE_TIME_FAILURES_MAX * 3 / 4)
			read_snapshot(&scene);
		signed_in_pass(&scene.s, THROTTLE_WAIT_MAX_MS);
		assert_problem(&scene, code_at(&scene, TOTP_SHA1, 6, -10), 401, "totp.mismatch");
	}
	signed_in_pass(&scene.s, THROTTLE_WAIT_MAX_MS);
	assert_problem(&scene, code_at(&scene, TOTP_SHA1, 6, 0), 401, "totp.disabled");
	restart(&scene);
	assert_problem(&scene, code_at(&scene, TOTP_SHA1, 6, 0), 401, "totp.disabled");
	/* Whoever has only the key goes on with what one factor may. */
	assert_decided(&scene, nullptr, "\"mfa.aal\":1");
}

static void
assert_refused(struct scene *scene, struct firm_operation operation, const char *code, const char *name) {
	struct ipc_response response;
	submit(scene, operation, code, &response);
	assert_int_equal(401, response.status);
	assert_bytes(bytes_of_text(name), house_problem(&scene->s.arena, &response));
}

/* The code stands beside the signature: a gateway, or a keeper that forwards, can try others with what the person signed. */
static void
what_a_person_signed_is_tried_three_times_whoever_puts_codes_beside_it(void **) {
	_cleanup_(tear_down) struct scene scene;
	set_up(&scene);
	enrol(&scene, "sha1", 6, "first");
	struct firm_operation asked = freeze();
	asked.idempotency_key = "withheld";
	asked.created_ms = house_now_ms(&scene.s.house);
	const char *stale = code_at(&scene, TOTP_SHA1, 6, -10), *good = code_at(&scene, TOTP_SHA1, 6, 0);
	for (uint8_t i = 0; i < ONE_TIME_TRIES; i++)
		assert_refused(&scene, asked, stale, "totp.mismatch");
	for (uint32_t i = 0; i < 2 * ONE_TIME_FAILURES_MAX; i++)
		assert_refused(&scene, asked, stale, "totp.tried");
	assert_refused(&scene, asked, good, "totp.tried");
	restart(&scene);
	assert_refused(&scene, asked, good, "totp.tried");
	read_snapshot(&scene);
	assert_refused(&scene, asked, good, "totp.tried");
	/* None of it was held against the person. */
	assert_decided(&scene, good, "\"mfa.aal\":2");
}

static void
what_is_wrong_is_refused_by_name(void **) {
	static const struct {
		const char *payload, *secret, *problem;
	} cases[] = {
		{"{\"algorithm\":\"md5\",\"commitment\":\"00\",\"digits\":6}", "{}", "payload.algorithm"},
		{"{\"algorithm\":\"sha1\",\"commitment\":\"00\",\"digits\":6}", "{}", "payload.commitment"},
		{"{\"algorithm\":\"sha1\",\"commitment\":\"" SALT_HEX "\",\"digits\":5}", "{}", "payload.digits"},
		{"{\"algorithm\":\"sha1\",\"commitment\":\"" SALT_HEX "\",\"digits\":9}", "{}", "payload.digits"},
		{"{\"algorithm\":\"sha1\",\"commitment\":\"" SALT_HEX "\"}", "{}", "payload.digits"},
		{"{\"algorithm\":\"sha1\",\"commitment\":\"" SALT_HEX "\",\"digits\":6}", nullptr, "request.secret"},
	};
	_cleanup_(tear_down) struct scene scene;
	struct ipc_response response;
	set_up(&scene);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		submit(&scene,
		       (struct firm_operation){.by = FIRM_PERSON_4,
					       .kind = "principal.totp_add",
					       .resource = PERSON,
					       .payload = cases[i].payload,
					       .secret = cases[i].secret},
		       nullptr, &response);
		assert_int_equal(400, response.status);
		assert_bytes(bytes_of_text(cases[i].problem), house_problem(&scene.s.arena, &response));
	}
	enrol(&scene, "sha1", 6, "first");
	static const char *const codes[] = {"1234567", "12345", "12345a"};
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++)
		assert_problem(&scene, codes[i], 400, "totp.form");
	assert_problem(&scene, "", 400, "signature.totp");
	assert_problem(&scene, "123456789", 400, "signature.totp");
}

/* A secret that is not the one which was approved is not kept. */
static void
the_secret_is_what_was_approved_and_stands_nowhere_in_the_log(void **) {
	_cleanup_(tear_down) struct scene scene;
	struct ipc_response response;
	struct replay_counts counts = {};
	set_up(&scene);
	struct firm_operation operation = {.by = FIRM_PERSON_4,
					   .kind = "principal.totp_add",
					   .resource = PERSON,
					   .payload = payload_of(&scene, "sha1", 6),
					   .secret = "{\"salt\":\"" SALT_HEX "\",\"value\":\"" SALT_HEX "\"}",
					   .idempotency_key = "other",
					   .created_ms = house_now_ms(&scene.s.house)};
	submit(&scene, operation, nullptr, &response);
	struct bytes id = house_text(&scene.s.arena, &response, "operation");
	assert_ok(house_vote(&scene.s.house, &scene.s.arena, id, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&scene.s.house, &scene.s.arena, id, FIRM_PERSON_5, "approve", &response));
	submit(&scene, operation, nullptr, &response);
	assert_answer(409, "failed", &response);
	enrol(&scene, "sha1", 6, "first");
	assert_decided(&scene, code_at(&scene, TOTP_SHA1, 6, 0), "\"mfa.aal\":2");
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger_head head;
	ledger_durable_head(keeper_ledger(scene.s.house.keeper), &head);
	assert_ok(replayer_create(&replayer, &keeper_gate(scene.s.house.keeper)->blobs));
	for (uint64_t i = 0; i < head.head.size; i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct ledger_record record;
		enum replay_result result;
		const char *found;
		assert_ok(ledger_read(keeper_ledger(scene.s.house.keeper), i, &bytes, &record));
		assert_null(memmem(record.leaf.data, record.leaf.len, SECRET_HEX, strlen(SECRET_HEX)));
		assert_ok(replayer_add(replayer, i, record.leaf, &result, &found));
		if (found != nullptr)
			fail_msg("entry %llu: %s", (unsigned long long)i, found);
	}
	counts = replayer_counts(replayer);
	assert_int_equal(0, counts.different);
}

RUN_TESTS(T(a_code_beside_a_key_is_two_factors_and_resists_no_phishing), T(a_step_is_taken_once_also_over_a_restart),
	  T(a_step_of_what_was_refused_is_taken_once_also_over_a_restart),
	  T(who_fails_waits_and_after_a_hundred_is_disabled),
	  T(what_a_person_signed_is_tried_three_times_whoever_puts_codes_beside_it),
	  T(what_is_wrong_is_refused_by_name), T(the_secret_is_what_was_approved_and_stands_nowhere_in_the_log))
