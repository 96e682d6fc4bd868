/*
 * Requests, operations and votes signed by a second implementation (tests/independent/sign.mjs, Node without packages), written
 * from the PROTOCOL files, are accepted; and what it signs is what is signed here.
 */
#include "tests/test.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "identity/http_signature.h"
#include "identity/statement.h"

static const char SCRIPT[] = TEST_SOURCE_ROOT "/tests/independent/sign.mjs";
static const char SEED_TEXT[] =
	"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"; /* RFC 8032, test 2 */
constexpr int64_t NOW_MS = INT64_C(1'800'000'000'000);

/* The script's answer to a question; both are JSON. The question goes by a file: it is longer than an argument should be. */
static const json *
ask(struct arena *arena, struct bytes question) {
	char path[] = "/tmp/gatehouse-question-XXXXXX", command[1024], block[4096];
	_cleanup_(buffer_free) struct buffer answer = {};
	int descriptor = mkstemp(path);
	assert_true(descriptor >= 0);
	FILE *file = fdopen(descriptor, "w");
	assert_non_null(file);
	assert_int_equal(question.len, fwrite(question.data, 1, question.len, file));
	fclose(file);
	snprintf(command, sizeof command, "node '%s' < '%s'", SCRIPT, path);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	for (size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;)
		buffer_append(&answer, block, got);
	int code = pclose(pipe);
	remove(path);
	if (code != 0)
		fail_msg("%s: ended with %d", command, code);
	const json *root;
	struct bytes kept = arena_copy(arena, buffer_bytes(&answer));
	assert_ok(json_read(arena, kept, (struct json_limits){}, &root));
	return root;
}

static struct bytes
member(const json *object, const char *name) {
	struct bytes text;
	assert_ok(json_need_string(object, "answer", name, &text));
	return text;
}

static void
member_hex(const json *object, const char *name, uint8_t *to, size_t len) {
	struct bytes text = member(object, name);
	assert_int_equal(2 * len, text.len);
	assert_ok(hex_decode(text, to, len));
}

static void
key_of_test(uint8_t seed[32], uint8_t public_key[32]) {
	assert_ok(hex_decode(bytes_of_text(SEED_TEXT), seed, 32));
	assert_ok(ed25519_public_key(seed, public_key));
}

static void
a_request_signed_elsewhere_is_accepted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t seed[32], public_key[32];
	key_of_test(seed, public_key);
	const struct bytes body = BYTES_OF_LITERAL("{\"kind\":\"transfer.sign\",\"note\":\"\xc3\xa9\"}");
	static const char *const targets[] = {"/v1/operations", "/v1/operations?a=1&b=2", "/v1/operations?", "/?x?y"};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
		const char *question =
			arena_format(&arena,
				     "{\"what\":\"request\",\"seed\":\"%s\",\"keyid\":\"workload:w/"
				     "k\",\"method\":\"POST\",\"authority\":\"gate.example\","
				     "\"target\":\"%s\",\"contentType\":\"application/"
				     "json\",\"idempotencyKey\":\"k-%zu\",\"created\":1799999990,"
				     "\"expires\":1800000030,\"nonce\":\"0123456789abcdef0123456789abcdef\","
				     "\"body\":\"{\\\"kind\\\":\\\"transfer.sign\\\",\\\"note\\\":\\\"\xc3\xa9\\\"}\"}",
				     SEED_TEXT, targets[i], i);
		const json *answer = ask(&arena, bytes_of_text(question));
		struct http_field fields[] = {
			{BYTES_OF_LITERAL("Host"), BYTES_OF_LITERAL("gate.example")},
			{BYTES_OF_LITERAL("Content-Type"), BYTES_OF_LITERAL("application/json")},
			{BYTES_OF_LITERAL("Idempotency-Key"), bytes_of_text(arena_format(&arena, "k-%zu", i))},
			{BYTES_OF_LITERAL("Content-Digest"), member(answer, "content-digest")},
			{BYTES_OF_LITERAL("Signature-Input"), member(answer, "signature-input")},
			{BYTES_OF_LITERAL("Signature"), member(answer, "signature")},
		};
		struct http_request request = {BYTES_OF_LITERAL("POST"), bytes_of_text(targets[i]), fields, 6, body};
		struct http_signature signature;
		assert_ok(http_signature_read(&arena, &request, BYTES_OF_LITERAL("gate.example"), NOW_MS, &signature));
		assert_ok(http_signature_verify(&signature, public_key));
		assert_bytes(BYTES_OF_LITERAL("workload:w/k"), signature.key_id);
	}
}

static void
a_vote_signed_elsewhere_is_accepted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	uint8_t seed[32], public_key[32], signature[64];
	key_of_test(seed, public_key);
	struct approval_statement statement =
					  {
						  .instance = BYTES_OF_LITERAL("treasury.example"),
						  .operation_id = {{1}},
						  .operation_digest = {{2}},
						  .view_digest = {{3}},
						  .bundle_hash = {{4}},
						  .stage = 2,
						  .has_completed_stage = true,
						  .completed_stage = {{5}},
						  .verdict = APPROVAL_REJECT,
						  .person = BYTES_OF_LITERAL("person:p-1"),
						  .client = APPROVAL_CLIENT_OFFLINE,
						  .expires_ms = NOW_MS + 1,
						  .nonce = {6},
					  },
				  read;
	assert_ok(approval_write(&statement, &text));
	const char *question = arena_format(&arena, "{\"what\":\"approval\",\"seed\":\"%s\",\"statement\":%.*s}",
					    SEED_TEXT, BYTES_ARGS(buffer_bytes(&text)));
	const json *answer = ask(&arena, bytes_of_text(question));
	assert_bytes(buffer_bytes(&text), member(answer, "statement"));
	assert_ok(approval_read(&arena, member(answer, "statement"), &read));
	assert_ok(approval_check(&read, &statement, NOW_MS));
	struct hash256 digest, stated;
	assert_ok(approval_digest(&read, &digest));
	member_hex(answer, "digest", stated.bytes, sizeof stated.bytes);
	assert_true(hash256_equal(&digest, &stated));
	member_hex(answer, "signature", signature, sizeof signature);
	assert_ok(person_verify(APPROVAL_SIGNATURE_LABEL, &digest, public_key, signature));
}

static void
an_operation_signed_elsewhere_is_accepted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t seed[32], public_key[32], signature[64], own[64];
	char digits[65];
	struct hash256 digest = sha256(BYTES_OF_LITERAL("an operation"));
	key_of_test(seed, public_key);
	hex_encode(hash256_bytes(&digest), digits);
	const char *question =
		arena_format(&arena, "{\"what\":\"operation\",\"seed\":\"%s\",\"digest\":\"%s\"}", SEED_TEXT, digits);
	member_hex(ask(&arena, bytes_of_text(question)), "signature", signature, sizeof signature);
	assert_ok(person_verify(OPERATION_SIGNATURE_LABEL, &digest, public_key, signature));
	assert_ok(person_sign(OPERATION_SIGNATURE_LABEL, &digest, seed, public_key, own));
	assert_memory_equal(own, signature, sizeof own);
}

RUN_TESTS(T(a_request_signed_elsewhere_is_accepted), T(a_vote_signed_elsewhere_is_accepted),
	  T(an_operation_signed_elsewhere_is_accepted))
