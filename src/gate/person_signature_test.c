#include "tests/test.h"

#include "gate/passkey_enrolment.h"
#include "gate/person_signature.h"
#include "identity/statement.h"

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

RUN_TESTS(T(a_signature_of_another_form_is_refused_by_name), T(an_enrolment_of_another_form_is_refused_by_name))
