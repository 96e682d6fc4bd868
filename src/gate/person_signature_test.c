#include "tests/test.h"

#include "gate/passkey_enrolment.h"
#include "gate/person_signature.h"
#include "crypto/sign.h"
#include "identity/statement.h"
#include "identity/unknown_key.h"
#include "tests/authenticator.h"

static const char *const ORIGINS[] = {"https://gate.example"};
static const struct relying_party PARTY = {.origins = ORIGINS, .origin_count = 1};
#define ZEROS64                                                                                                        \
	"0000000000000000000000000000000000000000000000000000000000000000"                                             \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define KEY "\"key_id\":\"person:p-0000000000000001/key\""
#define DATA "\"authenticator_data\":\"00\""
#define CLIENT "\"client_data\":\"7b7d\""

static void
a_signature_of_another_form_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
		enum status status;
	} bad[] = {
		{"[]", "signature", STATUS_INVALID},
		{"\"x\"", "signature", STATUS_INVALID},
		{"{}", "signature.key_id", STATUS_INVALID},
		{"{" KEY "}", "signature.signature", STATUS_INVALID},
		{"{" KEY ",\"signature\":1}", "signature.signature", STATUS_INVALID},
		{"{\"key_id\":1,\"signature\":\"" ZEROS64 "\"}", "signature.key_id", STATUS_INVALID},
		{"{" KEY ",\"signature\":\"\"}", "signature.signature", STATUS_INVALID},
		{"{" KEY ",\"signature\":\"0\"}", "signature.signature", STATUS_INVALID},
		{"{" KEY ",\"signature\":\"00\"}", "signature.signature", STATUS_INVALID},
		{"{" KEY ",\"signature\":\"" ZEROS64 "00\"}", "signature.signature", STATUS_INVALID},
		{"{" KEY ",\"signature\":\"zz\"}", "hex.digit", STATUS_INVALID},
		{"{" KEY ",\"other\":1,\"signature\":\"" ZEROS64 "\"}", "signature.other", STATUS_INVALID},
		{"{\"assertion\":1," KEY ",\"signature\":\"00\"}", "assertion", STATUS_INVALID},
		{"{\"assertion\":{}," KEY ",\"signature\":\"00\"}", "assertion.authenticator_data", STATUS_INVALID},
		{"{\"assertion\":{" DATA "}," KEY ",\"signature\":\"00\"}", "assertion.client_data", STATUS_INVALID},
		{"{\"assertion\":{" CLIENT "}," KEY ",\"signature\":\"00\"}", "assertion.authenticator_data",
		 STATUS_INVALID},
		{"{\"assertion\":{" DATA "," CLIENT ",\"user_handle\":\"\"}," KEY ",\"signature\":\"00\"}",
		 "assertion.user_handle", STATUS_INVALID},
		{"{\"assertion\":{\"authenticator_data\":\"\"," CLIENT "}," KEY ",\"signature\":\"00\"}",
		 "assertion.authenticator_data", STATUS_INVALID},
		{"{\"assertion\":{\"authenticator_data\":\"000\"," CLIENT "}," KEY ",\"signature\":\"00\"}",
		 "assertion.authenticator_data", STATUS_INVALID},
		{"{\"assertion\":{" DATA "," CLIENT "}," KEY ",\"signature\":\"00\"}", "client_data.form",
		 STATUS_INVALID},
		{"{" KEY ",\"signature\":\"" ZEROS64 "\"}", "person_signature.mismatch", STATUS_UNAUTHORIZED},
	};
	_cleanup_(directory_destroy) struct directory *directory = nullptr;
	assert_ok(directory_create(&directory));
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct person_signature signature;
		struct hash256 digest = {};
		const json *object;
		assert_ok(json_read(&arena, bytes_of_text(bad[i].text), (struct json_limits){}, &object));
		enum status status = person_signature_read(&arena, directory, &PARTY, object, OPERATION_SIGNATURE_LABEL,
							   &digest, &signature);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != bad[i].status || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].text, bad[i].name, status_name(status), name);
	}
}

/* Who knows the private halves of nobody's keys, which everybody does, signs nothing by them. */
static void
what_nobodys_key_signs_is_taken_for_nothing(void **) {
	static const uint8_t seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
					 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
					 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
	_cleanup_(directory_destroy) struct directory *directory = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct person_signature signature;
	struct hash256 digest = {{5}}, client;
	struct authenticator one;
	uint8_t ed25519[64], by_message[64];
	const json *object;
	uint32_t counter;
	assert_ok(directory_create(&directory));
	assert_ok(person_sign(OPERATION_SIGNATURE_LABEL, &digest, seed, unknown_key_ed25519, ed25519));
	assert_ok(person_verify(OPERATION_SIGNATURE_LABEL, &digest, unknown_key_ed25519, ed25519));
	buffer_append_text(&text, "{" KEY ",\"signature\":\"");
	buffer_append_hex(&text, BYTES_OF_ARRAY(ed25519));
	buffer_append_text(&text, "\"}");
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &object));
	assert_fails(STATUS_UNAUTHORIZED, "person_signature.mismatch",
		     person_signature_read(&arena, directory, &PARTY, object, OPERATION_SIGNATURE_LABEL, &digest,
					   &signature));
	/* The generator of P-256 is the public key of the number 1. */
	authenticator_start(&one, 1, "gate.example", ORIGINS[0]);
	memset(one.private_key, 0, sizeof one.private_key);
	one.private_key[31] = 1;
	authenticator_assert(&one, hash256_bytes(&digest), &made);
	struct passkey_assertion assertion = {.authenticator_data = buffer_bytes(&made.authenticator_data),
					      .client_data = buffer_bytes(&made.client_data),
					      .signature = buffer_bytes(&made.signature)};
	_cleanup_(buffer_free) struct buffer cose = {};
	authenticator_key(&one, &cose);
	struct passkey own = {.rp_id = BYTES_OF_LITERAL("gate.example"), .cose_key = buffer_bytes(&cose)};
	assert_ok(passkey_verify(&arena, &PARTY, &own, hash256_bytes(&digest), &assertion, &counter));
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     passkey_verify(&arena, &PARTY, nullptr, hash256_bytes(&digest), &assertion, &counter));
	/* And the same by EdDSA. */
	client = sha256(buffer_bytes(&made.client_data));
	buffer_append_bytes(&made.authenticator_data, hash256_bytes(&client));
	assert_ok(ed25519_sign(seed, unknown_key_ed25519, buffer_bytes(&made.authenticator_data), by_message));
	assert_ok(ed25519_verify(unknown_key_ed25519, buffer_bytes(&made.authenticator_data), by_message));
	assertion.signature = BYTES_OF_ARRAY(by_message);
	assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
		     passkey_verify(&arena, &PARTY, nullptr, hash256_bytes(&digest), &assertion, &counter));
}

#define NAME "\"name\":\"passkey\""
#define NONCE "\"nonce\":\"00000000000000000000000000000000\""
#define RP "\"rp_id\":\"gate.example\""
#define FROM "\"usable_from\":1"
#define OBJECT "\"attestation_object\":\"a0\""

static void
an_enrolment_of_another_form_is_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} bad[] = {
		{"{}", "payload.name"},
		{"{" NAME "}", "payload.rp_id"},
		{"{" NAME "," RP "}", "payload.usable_from"},
		{"{" NAME "," RP ",\"usable_from\":\"1\"}", "payload.usable_from"},
		{"{" NAME "," RP "," FROM "}", "payload.nonce"},
		{"{" NAME "," RP "," FROM ",\"nonce\":\"\"}", "payload.nonce"},
		{"{" NAME "," RP "," FROM ",\"nonce\":\"0\"}", "payload.nonce"},
		{"{" NAME "," RP "," FROM ",\"nonce\":\"zz\"}", "hex.digit"},
		{"{" NAME "," RP "," FROM ",\"nonce\":\"0000000000000000000000000000000000\"}", "payload.nonce"},
		{"{" NAME "," RP "," FROM "," NONCE "}", "payload.attestation_object"},
		{"{" NAME "," RP "," FROM "," NONCE "," OBJECT "}", "payload.client_data"},
		{"{" NAME "," RP ",\"usable_from\":-1," NONCE "," OBJECT "," CLIENT "}", "payload.nonce"},
		{"{" NAME "," RP "," FROM ",\"nonce\":\"00\"," OBJECT "," CLIENT "}", "payload.nonce"},
		{"{" NAME "," RP "," FROM "," NONCE "," OBJECT "," CLIENT "}", "client_data.form"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct passkey_enrolment enrolment;
		const json *payload;
		assert_ok(json_read(&arena, bytes_of_text(bad[i].text), (struct json_limits){}, &payload));
		enum status status = passkey_enrolment_read(&arena, BYTES_OF_LITERAL("firm.example"),
							    BYTES_OF_LITERAL("person:p-0000000000000001"), payload,
							    ORIGINS, 1, nullptr, 0, &enrolment);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != STATUS_INVALID || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].text, bad[i].name, status_name(status), name);
	}
}

RUN_TESTS(T(a_signature_of_another_form_is_refused_by_name), T(what_nobodys_key_signs_is_taken_for_nothing),
	  T(an_enrolment_of_another_form_is_refused_by_name))
