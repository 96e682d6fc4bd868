/*
 * One wrong signature of a person, checked by the gate, for tests/enumeration_test.py to count the instructions of:
 *
 *   person_signature_cost KIND      known-key, unknown-key, known-passkey, unknown-passkey, known-sign-in, revoked-sign-in,
 *                                   unknown-sign-in
 *
 * Prints the answer that the requester gets. Under callgrind only the second check counts: the first starts the libraries.
 */
#include "tests/test.h"

#include <stdio.h>
#include <valgrind/callgrind.h>

#include "crypto/sign.h"
#include "gate/person_signature.h"
#include "gate/sign_in.h"
#include "identity/statement.h"
#include "tests/authenticator.h"

#define PERSON "person:p-0000000000000001"

static void
append_hex(struct buffer *to, struct buffer *bytes) {
	buffer_append_hex(to, buffer_bytes(bytes));
}

/* Well-formed, over another digest than the one that is to be signed. */
static void
write_wrong_signature(struct buffer *object, const char *kind, const char *key_id) {
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	struct authenticator stranger;
	if (strstr(kind, "passkey") == nullptr) {
		uint8_t seed[32] = {9}, public_key[32], signature[64];
		struct hash256 other = {{1}};
		char hex[129];
		assert_ok(ed25519_public_key(seed, public_key));
		assert_ok(person_sign(OPERATION_SIGNATURE_LABEL, &other, seed, public_key, signature));
		hex_encode(BYTES_OF_ARRAY(signature), hex);
		buffer_append_format(object, "{\"key_id\":\"%s\",\"signature\":\"%s\"}", key_id, hex);
		return;
	}
	static const uint8_t digest[32];
	authenticator_start(&stranger, 9, "gate.example", "https://gate.example");
	authenticator_assert(&stranger, BYTES_OF_ARRAY(digest), &made);
	buffer_append_text(object, "{\"assertion\":{\"authenticator_data\":\"");
	append_hex(object, &made.authenticator_data);
	buffer_append_text(object, "\",\"client_data\":\"");
	append_hex(object, &made.client_data);
	buffer_append_format(object, "\"},\"key_id\":\"%s\",\"signature\":\"", key_id);
	append_hex(object, &made.signature);
	buffer_append_text(object, "\"}");
}

static void
fill(struct directory *directory) {
	_cleanup_(buffer_free) struct buffer cose = {};
	struct authenticator own;
	uint8_t seed[32] = {1}, public_key[32];
	static const uint8_t aaguid[16];
	authenticator_start(&own, 1, "gate.example", "https://gate.example");
	authenticator_key(&own, &cose);
	struct passkey passkey = {.rp_id = BYTES_OF_LITERAL("gate.example"),
				  .credential_id = BYTES_OF_ARRAY(own.credential_id),
				  .cose_key = buffer_bytes(&cose),
				  .aaguid = BYTES_OF_ARRAY(aaguid),
				  .backup_eligible = true};
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(directory_add_unit(directory, UNIT_LEGAL_ENTITY, BYTES_OF_LITERAL("firm"), (struct bytes){}));
	assert_ok(directory_add_person(directory, BYTES_OF_LITERAL(PERSON), BYTES_OF_LITERAL("firm")));
	assert_ok(directory_add_key(directory, BYTES_OF_LITERAL(PERSON), BYTES_OF_LITERAL("key"), public_key,
				    DIRECTORY_KEY_TERMINAL, (struct bytes){}));
	assert_ok(directory_add_passkey(directory, BYTES_OF_LITERAL(PERSON), BYTES_OF_LITERAL("passkey"), &passkey, 0));
}

/* What the keeper does with a sign-in, up to where it answers. */
static enum status
sign_in_with(struct arena *arena, const struct directory *directory, const char *const *origins,
	     const struct challenges *challenges, struct bytes body) {
	struct sign_in sign_in;
	struct gate_state state = {.directory = (struct directory *)directory};
	struct gate gate = {.state = &state, .origins = (const char **)origins, .origin_count = 1};
	TRY(sign_in_read(arena, body, &sign_in));
	return sign_in_verify(&gate, arena, challenges, 0, &sign_in);
}

/* A fresh challenge, signed by a stranger who names a credential: a person's, a revoked one of theirs, or nobody's. */
static int
try_sign_in(struct directory *directory, const char *const *origins, const char *kind) {
	_cleanup_(challenges_free) struct challenges challenges;
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator stranger, own;
	uint8_t challenge[CHALLENGE_SIZE];
	challenges_start(&challenges);
	(void)challenge_make(&challenges, 0, challenge);
	authenticator_start(&stranger, 9, "gate.example", "https://gate.example");
	authenticator_start(&own, 1, "gate.example", "https://gate.example");
	bool is_known = strncmp(kind, "unknown", 7) != 0;
	if (strncmp(kind, "revoked", 7) == 0)
		assert_ok(directory_revoke_key(directory, BYTES_OF_LITERAL(PERSON "/passkey")));
	authenticator_assert(&stranger, BYTES_OF_ARRAY(challenge), &made);
	buffer_append_text(&body, "{\"assertion\":{\"authenticator_data\":\"");
	append_hex(&body, &made.authenticator_data);
	buffer_append_text(&body, "\",\"client_data\":\"");
	append_hex(&body, &made.client_data);
	buffer_append_text(&body, "\"},\"credential_id\":\"");
	buffer_append_hex(&body, is_known ? BYTES_OF_ARRAY(own.credential_id) : BYTES_OF_ARRAY(stranger.credential_id));
	buffer_append_text(&body, "\",\"signature\":\"");
	append_hex(&body, &made.signature);
	buffer_append_text(&body, "\"}");
	assert_true(sign_in_with(&arena, directory, origins, &challenges, buffer_bytes(&body)) != OK);
	CALLGRIND_TOGGLE_COLLECT;
	enum status status = sign_in_with(&arena, directory, origins, &challenges, buffer_bytes(&body));
	CALLGRIND_TOGGLE_COLLECT;
	assert_true(status != OK);
	printf("%s %s\n", status_name(status), fail_message());
	return 0;
}

int
main(int argc, char **argv) {
	static const char *const origins[] = {"https://gate.example"};
	struct relying_party party = {.origins = origins, .origin_count = 1};
	_cleanup_(directory_destroy) struct directory *directory = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer object = {};
	struct person_signature signature;
	struct hash256 digest = {};
	const json *document;
	if (argc != 2)
		return 2;
	assert_ok(directory_create(&directory));
	fill(directory);
	if (strstr(argv[1], "sign-in") != nullptr)
		return try_sign_in(directory, origins, argv[1]);
	bool known = strncmp(argv[1], "known", 5) == 0, is_passkey = strstr(argv[1], "passkey") != nullptr;
	char key_id[64];
	snprintf(key_id, sizeof key_id, "person:p-000000000000000%d/%s", known ? 1 : 2, is_passkey ? "passkey" : "key");
	write_wrong_signature(&object, argv[1], key_id);
	assert_ok(json_read(&arena, buffer_bytes(&object), (struct json_limits){}, &document));
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			CALLGRIND_TOGGLE_COLLECT;
		enum status status = person_signature_read(&arena, directory, &party, document,
							   OPERATION_SIGNATURE_LABEL, &digest, &signature);
		if (round == 1)
			CALLGRIND_TOGGLE_COLLECT;
		assert_true(status != OK);
		if (round == 1)
			printf("%s %s\n", status_name(status), fail_message());
	}
	return 0;
}
