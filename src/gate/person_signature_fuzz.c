/*
 * Readers: gate/person_signature.c (read_assertion, read_signature, read_totp, person_signature_read,
 * person_signature_read_evidence, read_challenge, person_signature_read_discovered), gate/passkey_enrolment.c,
 * gate/sign_in.c (sign_in_read), gate/enrolment.c (read_token, enrolment_read_token, read_registration, enrolment_read)
 * Reads the input as a person's signature, as evidence of one, as a sign-in and as enrolments of both kinds. Nobody is known, so
 * nothing is taken; what is read as evidence is written again as it stood.
 */
#include "gate/enrolment.h"
#include "gate/passkey_enrolment.h"
#include "gate/person_signature.h"
#include "gate/sign_in.h"
#include "identity/statement.h"
#include "tests/fuzz.h"

static const char *const ORIGINS[] = {"https://gate.example:8443"};

static void
read_as_evidence(struct arena *arena, const json *object) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct person_signature read, again;
	struct json_writer writer;
	const json *written;
	if (person_signature_read_evidence(arena, object, &read) != OK)
		return;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	person_signature_write_assertion(&writer, &read);
	json_write_member_hex(&writer, "public_key", read.public_key);
	json_write_member_hex(&writer, "signature", read.signature);
	json_write_end(&writer);
	must(json_writer_finish(&writer) == OK &&
	     json_read(arena, buffer_bytes(&text), (struct json_limits){}, &written) == OK &&
	     person_signature_read_evidence(arena, written, &again) == OK);
	must(read.is_passkey == again.is_passkey && bytes_equal(read.signature, again.signature) &&
	     bytes_equal(read.client_data, again.client_data));
}

static void
read_as_sign_in(struct arena *arena, const struct directory *nobody, const struct relying_party *party,
		struct bytes text) {
	struct sign_in sign_in;
	if (sign_in_read(arena, text, &sign_in) == OK)
		must(person_signature_verify_discovered(arena, nobody, party, &sign_in.discovered) != OK);
}

/* What was read of a request stands in an entry as it was. */
static void
read_as_enrolment(struct arena *arena, struct bytes text) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct enrolment read, again;
	struct hash256 token;
	const json *written;
	int64_t at_ms = 0;
	IGNORE_STATUS(enrolment_read_token(arena, text, &token)); /* a token is any 32 bytes */
	if (enrolment_read(arena, text, &read) != OK)
		return;
	read.key_id = BYTES_OF_LITERAL("person:p-0000000000000001/phone");
	must(enrolment_write(&read, 7, &body) == OK &&
	     json_read(arena, buffer_bytes(&body), (struct json_limits){}, &written) == OK &&
	     enrolment_read_entry(arena, written, &again, &at_ms) == OK);
	must(at_ms == 7 && hash256_equal(&read.token, &again.token) && bytes_equal(read.rp_id, again.rp_id) &&
	     bytes_equal(read.registration.client_data, again.registration.client_data));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(directory_destroy) struct directory *nobody = nullptr;
	struct relying_party party = {.origins = ORIGINS, .origin_count = 1};
	struct passkey_enrolment enrolment;
	struct person_signature signature;
	struct hash256 digest = {};
	const json *object;
	must(directory_create(&nobody) == OK);
	read_as_sign_in(&arena, nobody, &party, bytes_of(data, size));
	read_as_enrolment(&arena, bytes_of(data, size));
	if (json_read(&arena, bytes_of(data, size), (struct json_limits){}, &object) != OK)
		return 0;
	must(person_signature_read(&arena, nobody, &party, object, OPERATION_SIGNATURE_LABEL, &digest, &signature) !=
	     OK);
	read_as_evidence(&arena, object);
	if (passkey_enrolment_read(&arena, BYTES_OF_LITERAL("firm.example"),
				   BYTES_OF_LITERAL("person:p-0000000000000001"), object, ORIGINS, 1, nullptr, 0,
				   &enrolment) == OK)
		must(enrolment.passkey.credential_id.len > 0 && !enrolment.passkey.is_certified);
	return 0;
}
