#include "tests/test.h"
#include "model/operation.h"

static struct operation
example(void) {
	return (struct operation){
		.instance = BYTES_OF_LITERAL("treasury.example"),
		.kind = BYTES_OF_LITERAL("transfer.sign"),
		.principal = BYTES_OF_LITERAL("workload:settlement-1"),
		.resource = BYTES_OF_LITERAL("key:eth-hot-1"),
		.idempotency_key = BYTES_OF_LITERAL("2026-11-21/0001"),
		.reference = BYTES_OF_LITERAL("INV 77"),
		.reason = BYTES_OF_LITERAL("supplier, november \xe2\x82\xac"),
		.payload_hash = sha256(BYTES_OF_LITERAL("payload")),
		.created_ms = 1'795'000'000'000,
		.expires_ms = 1'795'000'300'000,
	};
}

#define EXAMPLE_PAYLOAD "239f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5"
static const char CANONICAL[] =
	"{\"created\":1795000000000,\"expires\":1795000300000,\"idempotency_key\":\"2026-11-21/0001\","
	"\"instance\":\"treasury.example\",\"kind\":\"transfer.sign\",\"payload_sha256\":\"" EXAMPLE_PAYLOAD "\","
	"\"principal\":\"workload:settlement-1\",\"reason\":\"supplier, november \xe2\x82\xac\",\"reference\":\"INV "
	"77\","
	"\"resource\":\"key:eth-hot-1\",\"type\":\"gatehouse/operation/v1\"}";

/* As those who get a document compute it: of the bytes that were signed. */
static enum status
operation_digest(const struct operation *operation, struct hash256 *digest) {
	_cleanup_(buffer_free) struct buffer canonical = {};
	TRY(operation_write(operation, &canonical));
	*digest = sha256(buffer_bytes(&canonical));
	return OK;
}

static void
canonical_form_is_as_documented(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer out = {};
	struct operation operation = example();
	assert_ok(operation_write(&operation, &out));
	assert_bytes(bytes_of_text(CANONICAL), buffer_bytes(&out));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&out)));
}

static void
what_is_written_is_read_back_the_same(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	struct operation operation = example(), back;
	assert_ok(json_read(&arena, bytes_of_text(CANONICAL), (struct json_limits){}, &document));
	assert_ok(operation_read(document, &back));
	assert_bytes(operation.instance, back.instance);
	assert_bytes(operation.principal, back.principal);
	assert_bytes(operation.idempotency_key, back.idempotency_key);
	assert_true(operation.created_ms == back.created_ms && operation.expires_ms == back.expires_ms);
	assert_bytes(operation.kind, back.kind);
	assert_bytes(operation.resource, back.resource);
	assert_bytes(operation.reference, back.reference);
	assert_bytes(operation.reason, back.reason);
	assert_true(hash256_equal(&operation.payload_hash, &back.payload_hash));
	assert_int_equal(operation.break_glass, back.break_glass);
	struct hash256 digest, digest_back;
	assert_ok(operation_digest(&operation, &digest));
	assert_ok(operation_digest(&back, &digest_back));
	assert_true(hash256_equal(&digest, &digest_back));
}

static void
digest_and_id_are_known_answers(void **) { /* python3 -c 'hashlib.sha256(...)' over the canonical forms */
	struct operation operation = example();
	struct hash256 digest, id;
	char text[65];
	assert_ok(operation_digest(&operation, &digest));
	hex_encode(hash256_bytes(&digest), text);
	assert_string_equal("5505e77fdd054b96af22ebba4ae71e6b5bb1d6d6431082b9ca0b2e08f004cc92", text);
	assert_ok(operation_id(operation.instance, operation.principal, operation.idempotency_key, &id));
	hex_encode(hash256_bytes(&id), text);
	assert_string_equal("3f8a3699ae6a41615787b05c63af40a77c47e774324ca6e1537ea482475fc799", text);
}

static void
absent_reason_and_reference_are_left_out(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer out = {};
	struct operation operation = example(), back;
	operation.reason = operation.reference = (struct bytes){};
	assert_ok(operation_write(&operation, &out));
	const json *document;
	assert_ok(json_read(&arena, buffer_bytes(&out), (struct json_limits){}, &document));
	assert_null(json_get(document, "reason"));
	assert_null(json_get(document, "reference"));
	assert_ok(operation_read(document, &back));
	assert_int_equal(0, back.reason.len);
}

/* One member of the example replaced by other JSON (null: left out). */
static char *
altered(struct arena *arena, const char *member, const char *with) {
	static const char *const members[][2] = {
		{"created", "1795000000000"},
		{"expires", "1795000300000"},
		{"idempotency_key", "\"k\""},
		{"instance", "\"i\""},
		{"kind", "\"transfer.sign\""},
		{"payload_sha256", "\"" EXAMPLE_PAYLOAD "\""},
		{"principal", "\"p\""},
		{"reason", "\"why\""},
		{"reference", "\"r\""},
		{"resource", "\"key:1\""},
		{"type", "\"gatehouse/operation/v1\""},
	};
	char *text = arena_format(arena, "{\"%s\":%s", member[0] == '+' ? member + 1 : "created",
				  member[0] == '+' ? with : "");
	if (member[0] != '+')
		text = arena_format(arena, "{");
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
		const char *value = strcmp(members[i][0], member) == 0 ? with : members[i][1];
		if (value != nullptr)
			text = arena_format(arena, "%s%s\"%s\":%s", text, strcmp(text, "{") == 0 ? "" : ",",
					    members[i][0], value);
	}
	return arena_format(arena, "%s}", text);
}

static char *
repeated(struct arena *arena, size_t count) {
	char *text = arena_alloc(arena, count + 3);
	memset(text, 'a', count + 2);
	text[0] = text[count + 1] = '"';
	return text;
}

static void
bad_input_is_refused_by_name(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct {
		const char *member, *with;
		enum status status;
		const char *name;
	} cases[] = {
		{"type", nullptr, STATUS_INVALID, "operation.type"},
		{"type", "\"gatehouse/operation/v2\"", STATUS_UNSUPPORTED, "operation.type"},
		{"type", "1", STATUS_INVALID, "operation.type"},
		{"+nonce", "1", STATUS_INVALID, "operation.nonce"},
		{"created", nullptr, STATUS_INVALID, "operation.created"},
		{"created", "-1", STATUS_INVALID, "operation.created"},
		{"created", "\"2026-11-21T09:30:00Z\"", STATUS_INVALID, "operation.created"},
		{"expires", nullptr, STATUS_INVALID, "operation.expires"},
		{"expires", "1795000000000", STATUS_INVALID, "operation.expires"},
		{"expires", "1794999999999", STATUS_INVALID, "operation.expires"},
		{"expires", "1797592000001", STATUS_INVALID, "operation.expires"},
		{"expires", "9007199254740991", STATUS_INVALID, "operation.expires"},
		{"idempotency_key", nullptr, STATUS_INVALID, "operation.idempotency_key"},
		{"idempotency_key", "\"\"", STATUS_INVALID, "operation.idempotency_key"},
		{"idempotency_key", "\"a b\"", STATUS_INVALID, "operation.idempotency_key"},
		{"idempotency_key", repeated(&arena, 257), STATUS_TOO_LARGE, "operation.idempotency_key"},
		{"instance", nullptr, STATUS_INVALID, "operation.instance"},
		{"instance", "\"a\\u0000\"", STATUS_INVALID, "operation.instance"},
		{"kind", nullptr, STATUS_INVALID, "operation.kind"},
		{"kind", "\"transfer sign\"", STATUS_INVALID, "operation.kind"},
		{"kind", "[\"transfer.sign\"]", STATUS_INVALID, "operation.kind"},
		{"payload_sha256", nullptr, STATUS_INVALID, "operation.payload_sha256"},
		{"payload_sha256", "\"00\"", STATUS_INVALID, "operation.payload_sha256"},
		{"payload_sha256", "\"239F59ED55E737C77147CF55AD0C1B030B6D7EE748A7426952F9B852D5A935E5\"",
		 STATUS_INVALID, "operation.payload_sha256"},
		{"payload_sha256", "\"g39f59ed55e737c77147cf55ad0c1b030b6d7ee748a7426952f9b852d5a935e5\"",
		 STATUS_INVALID, "operation.payload_sha256"},
		{"principal", nullptr, STATUS_INVALID, "operation.principal"},
		{"principal", "\"person:\\u00e9\"", STATUS_INVALID, "operation.principal"},
		{"principal", "\"a\\\"b\"", STATUS_INVALID, "operation.principal"},
		{"resource", nullptr, STATUS_INVALID, "operation.resource"},
		{"resource", "\"key:\\n\"", STATUS_INVALID, "operation.resource"},
		{"reason", "\"\"", STATUS_INVALID, "operation.reason"},
		{"reason", "null", STATUS_INVALID, "operation.reason"},
		{"reason", "\"two\\nlines\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u001b[31m\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u009b31m\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u202egnp\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u2066\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u200f\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u061c\"", STATUS_INVALID, "operation.reason"},
		{"reason", "\"\\u2028\"", STATUS_INVALID, "operation.reason"},
		{"reason", repeated(&arena, 1025), STATUS_TOO_LARGE, "operation.reason"},
		{"reference", "\"\"", STATUS_INVALID, "operation.reference"},
		{"reference", "7", STATUS_INVALID, "operation.reference"},
		{"reference", "\"\\u007f\"", STATUS_INVALID, "operation.reference"},
		{"reference", repeated(&arena, 257), STATUS_TOO_LARGE, "operation.reference"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct operation operation;
		const json *document;
		const char *text = altered(&arena, cases[i].member, cases[i].with);
		assert_ok(json_read(&arena, bytes_of_text(text), (struct json_limits){}, &document));
		assert_fails(cases[i].status, cases[i].name, operation_read(document, &operation));
	}
}

static void
limits_themselves_are_accepted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct {
		const char *member, *with;
	} cases[] = {
		{"expires", "1797592000000"},
		{"created", "1794999999999"},
		{"idempotency_key", repeated(&arena, 256)},
		{"reason", repeated(&arena, 1024)},
		{"reason", "\"\\u2026 \\ud83d\\ude80 \\u20ac\""},
		{"reason", nullptr},
		{"reference", repeated(&arena, 256)},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct operation operation;
		const json *document;
		const char *text = altered(&arena, cases[i].member, cases[i].with);
		assert_ok(json_read(&arena, bytes_of_text(text), (struct json_limits){}, &document));
		assert_ok(operation_read(document, &operation));
	}
}

static void
the_document_must_be_an_object(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct operation operation;
	const json *document;
	assert_ok(json_read(&arena, BYTES_OF_LITERAL("[]"), (struct json_limits){}, &document));
	assert_fails(STATUS_INVALID, "operation", operation_read(document, &operation));
}

static void
what_could_not_be_read_is_not_written(void **) {
	_cleanup_(buffer_free) struct buffer out = {};
	struct hash256 id;
	struct operation operation = example();
	operation.principal = BYTES_OF_LITERAL("");
	assert_fails(STATUS_INVALID, "operation.principal", operation_write(&operation, &out));
	operation = example();
	operation.expires_ms = INT64_MAX;
	assert_fails(STATUS_INVALID, "operation.expires", operation_write(&operation, &out));
	operation = example();
	operation.created_ms = INT64_MIN;
	assert_fails(STATUS_INVALID, "operation.created", operation_write(&operation, &out));
	assert_int_equal(0, out.len);
	assert_fails(STATUS_INVALID, "operation.instance",
		     operation_id(BYTES_OF_LITERAL("a b"), BYTES_OF_LITERAL("p"), BYTES_OF_LITERAL("k"), &id));
}

RUN_TESTS(T(canonical_form_is_as_documented), T(what_is_written_is_read_back_the_same),
	  T(digest_and_id_are_known_answers), T(absent_reason_and_reference_are_left_out),
	  T(bad_input_is_refused_by_name), T(limits_themselves_are_accepted), T(the_document_must_be_an_object),
	  T(what_could_not_be_read_is_not_written))
