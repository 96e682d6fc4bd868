/* libfido2 as an oracle: the same registrations and assertions, judged by both, must be judged alike. */
#include "tests/test.h"

#include <fido.h>
#include <fido/es256.h>

#include "identity/passkey.h"
#include "tests/authenticator.h"
#include "tests/webauthn.h"

static const char RP_ID[] = "example.org", ORIGIN[] = "https://example.org";
static const char *const ORIGINS[] = {ORIGIN};

static void
free_credential(fido_cred_t **credential) {
	fido_cred_free(credential);
}

static void
free_assertion(fido_assert_t **assertion) {
	fido_assert_free(assertion);
}

static void
free_key(es256_pk_t **key) {
	es256_pk_free(key);
}

/* --- Registrations. --- */

static bool
oracle_takes_registration(const char *rp_id, struct published published, int algorithm, bool is_self) {
	_cleanup_(free_credential) fido_cred_t *credential = fido_cred_new();
	assert_non_null(credential);
	return fido_cred_set_type(credential, algorithm) == FIDO_OK &&
	       fido_cred_set_rp(credential, rp_id, rp_id) == FIDO_OK &&
	       fido_cred_set_clientdata(credential, published.client_data.data, published.client_data.len) == FIDO_OK &&
	       fido_cred_set_attobj(credential, published.attestation_object.data, published.attestation_object.len) ==
		       FIDO_OK &&
	       (is_self ? fido_cred_verify_self(credential) : fido_cred_verify(credential)) == FIDO_OK;
}

static bool
we_take_registration(struct published published) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(attestation_result_free) struct attestation_result result = {};
	struct attestation attestation;
	struct hash256 hash = sha256(published.client_data);
	return attestation_read(published.attestation_object, &attestation) == OK &&
	       attestation_verify(&arena, &attestation, &hash, &result) == OK;
}

/* libfido2 verifies statements that are signed by ES256, of the formats packed and fido-u2f. */
static void
published_registrations_are_judged_alike(void **) {
	static const struct {
		const char *name, *rp_id;
		int algorithm;
		bool is_self;
	} cases[] = {
		{"helpers-packed-feitian", "webauthn.org", COSE_ES256, false},
		{"packed-certified-1", "webauthn.firstyear.id.au", COSE_EDDSA, false},
		{"helpers-fido-u2f-yubico", "localhost", COSE_ES256, false},
		{"helpers-fido-u2f-hypersecu", "webauthn.org", COSE_ES256, false},
		{"fido-u2f-1", "localhost", COSE_ES256, false},
		{"packed-self-1", "localhost", COSE_ES256, true},
		{"fido2-lib-packed-self", "localhost", COSE_ES256, true},
		{"w3c-packed-self-es256", "example.org", COSE_ES256, true},
		{"w3c-packed-es256", "example.org", COSE_ES256, false},
	};
	_cleanup_(arena_free) struct arena arena = {};
	size_t taken = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct published published = published_registration(&arena, cases[i].name);
		bool ours = we_take_registration(published);
		bool theirs =
			oracle_takes_registration(cases[i].rp_id, published, cases[i].algorithm, cases[i].is_self);
		if (ours != theirs)
			fail_msg("%s: we %s it, libfido2 %s it", cases[i].name, ours ? "take" : "refuse",
				 theirs ? "takes" : "refuses");
		taken += ours;
	}
	print_message("%zu of %zu registrations taken by both\n", taken, ARRAY_LENGTH(cases));
	assert_int_equal(ARRAY_LENGTH(cases), taken);
}

/* --- Assertions. --- */

static bool
oracle_takes_assertion(const struct passkey_assertion *assertion, struct bytes point) {
	_cleanup_(free_assertion) fido_assert_t *made = fido_assert_new();
	_cleanup_(free_key) es256_pk_t *key = es256_pk_new();
	assert_non_null(made);
	assert_non_null(key);
	return es256_pk_from_ptr(key, point.data, point.len) == FIDO_OK &&
	       fido_assert_set_clientdata(made, assertion->client_data.data, assertion->client_data.len) == FIDO_OK &&
	       fido_assert_set_rp(made, RP_ID) == FIDO_OK && fido_assert_set_count(made, 1) == FIDO_OK &&
	       fido_assert_set_up(made, FIDO_OPT_TRUE) == FIDO_OK &&
	       fido_assert_set_uv(made, FIDO_OPT_TRUE) == FIDO_OK &&
	       fido_assert_set_authdata_raw(made, 0, assertion->authenticator_data.data,
					    assertion->authenticator_data.len) == FIDO_OK &&
	       fido_assert_set_sig(made, 0, assertion->signature.data, assertion->signature.len) == FIDO_OK &&
	       fido_assert_verify(made, 0, COSE_ES256, key) == FIDO_OK;
}

static uint64_t
draw(uint64_t *state) {
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A bit changed in authenticator data or signature: the client data is its hash to libfido2, which does not read it. */
static void
changed_assertions_are_judged_alike(void **) {
	static const uint8_t challenge[32] = {9};
	struct relying_party party = {BYTES_OF_LITERAL("example.org"), ORIGINS, 1};
	struct authenticator authenticator;
	_cleanup_(buffer_free) struct buffer cose = {};
	uint64_t state = 88172645463325252ULL;
	size_t taken = 0;
	authenticator_start(&authenticator, 3, RP_ID, ORIGIN);
	authenticator_key(&authenticator, &cose);
	uint8_t point[64];
	memcpy(point, cose.data + 10, 32);
	memcpy(point + 32, cose.data + 45, 32);
	struct passkey passkey = {.rp_id = party.id, .cose_key = buffer_bytes(&cose)};
	for (size_t i = 0; i < 400; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(assertion_made_free) struct assertion_made made = {};
		uint32_t counter;
		authenticator.flags = (uint8_t[]){0x05, 0x05, 0x01, 0x04, 0x00}[draw(&state) % 5];
		authenticator_assert(&authenticator, BYTES_OF_ARRAY(challenge), &made);
		struct buffer *changed = draw(&state) % 2 == 0 ? &made.authenticator_data : &made.signature;
		if (draw(&state) % 3 != 0)
			changed->data[draw(&state) % changed->len] ^= (uint8_t)(1 << draw(&state) % 8);
		struct passkey_assertion assertion = {.authenticator_data = buffer_bytes(&made.authenticator_data),
						      .client_data = buffer_bytes(&made.client_data),
						      .signature = buffer_bytes(&made.signature)};
		bool ours =
			passkey_verify(&arena, &party, &passkey, BYTES_OF_ARRAY(challenge), &assertion, &counter) == OK;
		bool theirs = oracle_takes_assertion(&assertion, BYTES_OF_ARRAY(point));
		if (ours != theirs)
			fail_msg("assertion %zu: we %s it, libfido2 %s it", i, ours ? "take" : "refuse",
				 theirs ? "takes" : "refuses");
		taken += ours;
	}
	print_message("%zu of 400 assertions taken by both\n", taken);
	assert_true(taken > 20 && taken < 380);
}

int
main(void) {
	const struct CMUnitTest tests[] = {T(published_registrations_are_judged_alike),
					   T(changed_assertions_are_judged_alike)};
	fido_init(0);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
