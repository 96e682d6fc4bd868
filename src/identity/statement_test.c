#include "tests/test.h"

#include "crypto/sign.h"
#include "identity/statement.h"

/* RFC 8032 §7.1, test 1; the example of docs/PROTOCOL.approval. */
static const uint8_t SEED[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
				 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
				 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"
#define THREES "3333333333333333333333333333333333333333333333333333333333333333"
#define FOURS "4444444444444444444444444444444444444444444444444444444444444444"
static const char TEXT[] =
	"{\"bundle_hash\":\"" ONES "\",\"client\":\"cli\",\"expires\":1800000600000,\"instance\":\"treasury.example\","
	"\"nonce\":\"00000000000000000000000000000001\",\"operation_digest\":\"" TWOS "\",\"operation_id\":\"" THREES
	"\","
	"\"person\":\"person:p-3f9c0a5512d07e84\",\"stage\":0,\"type\":\"gatehouse/approval/"
	"v1\",\"verdict\":\"approve\","
	"\"view_digest\":\"" FOURS "\"}";
static const char DIGEST[] = "0eedbd916850641a9195b01d7f766d3120a5ac50454f6812c9f850d844341dcf";
static const char SIGNATURE[] = "6fc273fe8b872379b17805767cb5d9a75e5265164c63bf918f2389ab5c0fd904"
				"d0eb9847b69eb060c248126f5a1c6e9663c56b5690de0aa33dce24a039f5ad06";
constexpr int64_t EXPIRES_MS = INT64_C(1'800'000'600'000);

static struct approval_statement
example(void) {
	struct approval_statement statement = {
		.instance = BYTES_OF_LITERAL("treasury.example"),
		.verdict = APPROVAL_APPROVE,
		.person = BYTES_OF_LITERAL("person:p-3f9c0a5512d07e84"),
		.client = APPROVAL_CLIENT_CLI,
		.expires_ms = EXPIRES_MS,
		.nonce = {[15] = 1},
	};
	memset(statement.bundle_hash.bytes, 0x11, 32);
	memset(statement.operation_digest.bytes, 0x22, 32);
	memset(statement.operation_id.bytes, 0x33, 32);
	memset(statement.view_digest.bytes, 0x44, 32);
	return statement;
}

static void
the_documented_example_is_written_and_signed(void **) {
	struct approval_statement statement = example();
	_cleanup_(buffer_free) struct buffer text = {}, hex = {};
	struct hash256 digest;
	uint8_t public_key[32], signature[64];
	assert_ok(approval_write(&statement, &text));
	assert_bytes(bytes_of_text(TEXT), buffer_bytes(&text));
	assert_ok(approval_digest(&statement, &digest));
	assert_ok(ed25519_public_key(SEED, public_key));
	assert_ok(person_sign(APPROVAL_SIGNATURE_LABEL, &digest, SEED, public_key, signature));
	buffer_append_hex(&hex, hash256_bytes(&digest));
	assert_bytes(bytes_of_text(DIGEST), buffer_bytes(&hex));
	buffer_reset(&hex);
	buffer_append_hex(&hex, BYTES_OF_ARRAY(signature));
	assert_bytes(bytes_of_text(SIGNATURE), buffer_bytes(&hex));
	assert_ok(person_verify(APPROVAL_SIGNATURE_LABEL, &digest, public_key, signature));
}

static void
a_signature_serves_one_label_digest_and_key(void **) {
	struct hash256 digest = {{1}};
	uint8_t public_key[32], signature[64];
	assert_ok(ed25519_public_key(SEED, public_key));
	assert_ok(person_sign(APPROVAL_SIGNATURE_LABEL, &digest, SEED, public_key, signature));
	assert_fails(STATUS_UNAUTHORIZED, "person_signature.mismatch",
		     person_verify(OPERATION_SIGNATURE_LABEL, &digest, public_key, signature));
	digest.bytes[31] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "person_signature.mismatch",
		     person_verify(APPROVAL_SIGNATURE_LABEL, &digest, public_key, signature));
	digest.bytes[31] ^= 1;
	signature[63] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "person_signature.mismatch",
		     person_verify(APPROVAL_SIGNATURE_LABEL, &digest, public_key, signature));
}

static void
a_statement_is_read_as_it_was_written(void **) {
	for (int stage = 0; stage < 2; stage++)
		for (int verdict = 0; verdict < 3; verdict++)
			for (int client = 0; client < 3; client++) {
				_cleanup_(arena_free) struct arena arena = {};
				_cleanup_(buffer_free) struct buffer text = {}, again = {};
				struct approval_statement statement = example(), read;
				statement.verdict = (enum approval_verdict)verdict;
				statement.client = (enum approval_client)client;
				statement.stage = stage;
				statement.has_completed_stage = stage > 0;
				statement.completed_stage.bytes[0] = 5;
				if (statement.verdict == APPROVAL_REJECT && stage > 0)
					statement.reason = BYTES_OF_LITERAL("not the venue that we agreed on");
				assert_ok(approval_write(&statement, &text));
				assert_ok(approval_read(&arena, buffer_bytes(&text), &read));
				assert_ok(approval_write(&read, &again));
				assert_bytes(buffer_bytes(&text), buffer_bytes(&again));
				assert_ok(approval_check(&read, &statement, 0));
			}
}

/* The example with one part of its text replaced. */
static struct bytes
replaced(struct arena *arena, const char *part, const char *by) {
	const char *at = strstr(TEXT, part);
	if (at == nullptr)
		fail_msg("\"%s\" is not in the example", part);
	return bytes_of_text(arena_format(arena, "%.*s%s%s", (int)(at - TEXT), TEXT, by, at + strlen(part)));
}

static void
bad_input_is_refused_by_name(void **) {
	static const struct {
		const char *part, *by, *name;
		enum status status;
	} cases[] = {
		{"{", " {", "json.canonical", STATUS_INVALID},
		{"\"client\":\"cli\",", "", "approval.client", STATUS_INVALID},
		{"\"client\":\"cli\"", "\"client\":\"CLI\"", "approval.client", STATUS_INVALID},
		{"\"client\":\"cli\"", "\"client\":1", "approval.client", STATUS_INVALID},
		{"\"client\":\"cli\"", "\"client\":\"cli\",\"client\":\"cli\"", "json.duplicate_key", STATUS_INVALID},
		{"\"client\":\"cli\"", "\"client\":\"cli\",\"comment\":\"\"", "approval.comment", STATUS_INVALID},
		{"\"verdict\":\"approve\"", "\"verdict\":\"yes\"", "approval.verdict", STATUS_INVALID},
		{"gatehouse/approval/v1", "gatehouse/approval/v2", "approval.type", STATUS_UNSUPPORTED},
		{"gatehouse/approval/v1", "gatehouse/operation/v1", "approval.type", STATUS_UNSUPPORTED},
		{"\"bundle_hash\":\"11", "\"bundle_hash\":\"1", "approval.bundle_hash", STATUS_INVALID},
		{"\"bundle_hash\":\"11", "\"bundle_hash\":\"AA", "approval.bundle_hash", STATUS_INVALID},
		{"\"operation_digest\":\"22", "\"operation_digest\":\"2", "approval.operation_digest", STATUS_INVALID},
		{"\"operation_id\":\"33", "\"operation_id\":\"3x", "approval.operation_id", STATUS_INVALID},
		{"\"view_digest\":\"44", "\"view_digest\":\"444", "approval.view_digest", STATUS_INVALID},
		{"\"nonce\":\"00", "\"nonce\":\"", "approval.nonce", STATUS_INVALID},
		{"\"instance\":\"treasury.example\"", "\"instance\":\"\"", "approval.instance", STATUS_INVALID},
		{"\"person\":\"person:p-3f9c0a5512d07e84\"", "\"person\":\"\"", "approval.person", STATUS_INVALID},
		{"1800000600000", "0", "approval.expires", STATUS_INVALID},
		{"1800000600000", "-1", "approval.expires", STATUS_INVALID},
		{"1800000600000", "1.5", "json.float", STATUS_INVALID},
		{"1800000600000", "9007199254740992", "json.integer", STATUS_INVALID},
		{"\"stage\":0", "\"stage\":-1", "approval.stage", STATUS_INVALID},
		{"\"stage\":0", "\"stage\":16", "approval.stage", STATUS_INVALID},
		{"\"stage\":0", "\"stage\":1", "approval.completed_stage", STATUS_INVALID},
		{"\"expires\"", "\"completed_stage\":\"" ONES "\",\"expires\"", "approval.completed_stage",
		 STATUS_INVALID},
		{"\"stage\":0", "\"reason\":\"why\",\"stage\":0", "approval.reason", STATUS_INVALID},
		{"\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"approve\"",
		 "\"reason\":\"\",\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"reject\"",
		 "approval.reason", STATUS_INVALID},
		{"\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"approve\"",
		 "\"reason\":1,\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"reject\"",
		 "approval.reason", STATUS_INVALID},
		{"\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"approve\"",
		 "\"reason\":\"why\u202e\",\"stage\":0,\"type\":\"gatehouse/approval/v1\",\"verdict\":\"reject\"",
		 "approval.reason", STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct approval_statement statement;
		struct bytes text = replaced(&arena, cases[i].part, cases[i].by);
		assert_fails(cases[i].status, cases[i].name, approval_read(&arena, text, &statement));
	}
}

static void
a_statement_that_differs_from_the_keepers_is_refused_by_name(void **) {
	const struct approval_statement expected = example();
	struct approval_statement cases[9];
	static const struct {
		const char *name;
		enum status status;
	} results[] = {
		{"approval.instance_differs", STATUS_CONFLICT},
		{"approval.operation_id_differs", STATUS_CONFLICT},
		{"approval.operation_digest_differs", STATUS_CONFLICT},
		{"approval.view_digest_differs", STATUS_CONFLICT},
		{"approval.bundle_hash_differs", STATUS_CONFLICT},
		{"approval.stage_differs", STATUS_CONFLICT},
		{"approval.completed_stage_differs", STATUS_CONFLICT},
		{"approval.expired", STATUS_EXPIRED},
		{"approval.expires_late", STATUS_EXPIRED},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		cases[i] = expected;
	cases[0].instance = BYTES_OF_LITERAL("treasury.exampl");
	cases[1].operation_id.bytes[31] ^= 1;
	cases[2].operation_digest.bytes[31] ^= 1;
	cases[3].view_digest.bytes[31] ^= 1;
	cases[4].bundle_hash.bytes[31] ^= 1;
	cases[5].stage = 1;
	cases[6].has_completed_stage = true;
	cases[7].expires_ms = EXPIRES_MS - 1;
	cases[8].expires_ms = EXPIRES_MS + 1;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(results[i].status, results[i].name, approval_check(&cases[i], &expected, EXPIRES_MS - 1));
	assert_ok(approval_check(&expected, &expected, EXPIRES_MS - 1));

	struct approval_statement later = expected, other = expected;
	later.has_completed_stage = other.has_completed_stage = true;
	other.completed_stage.bytes[0] ^= 1;
	assert_fails(STATUS_CONFLICT, "approval.completed_stage_differs", approval_check(&other, &later, 0));
	assert_ok(approval_check(&later, &later, 0));
}

static void
a_reason_is_bounded(void **) {
	char letters[APPROVAL_REASON_MAX + 1];
	memset(letters, 'x', sizeof letters);
	for (size_t more = 0; more < 2; more++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer text = {};
		struct approval_statement statement = example(), read;
		statement.verdict = APPROVAL_REJECT;
		statement.reason = bytes_of(letters, APPROVAL_REASON_MAX + more);
		assert_ok(approval_write(&statement, &text));
		if (more == 0)
			assert_ok(approval_read(&arena, buffer_bytes(&text), &read));
		else
			assert_fails(STATUS_INVALID, "approval.reason",
				     approval_read(&arena, buffer_bytes(&text), &read));
	}
}

/* What the voter chooses is theirs. */
static void
the_voters_choices_are_not_compared(void **) {
	const struct approval_statement expected = example();
	struct approval_statement statement = expected;
	statement.verdict = APPROVAL_REJECT;
	statement.client = APPROVAL_CLIENT_OFFLINE;
	statement.person = BYTES_OF_LITERAL("person:p-1");
	statement.expires_ms--;
	statement.nonce[0] = 9;
	assert_ok(approval_check(&statement, &expected, 0));
}

RUN_TESTS(T(the_documented_example_is_written_and_signed), T(a_signature_serves_one_label_digest_and_key),
	  T(a_statement_is_read_as_it_was_written), T(bad_input_is_refused_by_name),
	  T(a_statement_that_differs_from_the_keepers_is_refused_by_name), T(the_voters_choices_are_not_compared),
	  T(a_reason_is_bounded))
