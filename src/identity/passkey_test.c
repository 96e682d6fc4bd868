#include "tests/test.h"

#include "base/base64url.h"
#include "identity/passkey.h"
#include "tests/webauthn.h"

struct published_assertion {
	struct bytes cose_key;
	struct passkey_assertion assertion;
};

static struct published_assertion
published_assertion(struct arena *arena, const char *name) {
	const json *root;
	assert_ok(json_read(arena, published_file(arena, "assertions.json"), (struct json_limits){}, &root));
	struct json_iterator iterator = json_iterate(root);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		if (bytes_equal_text(json_string(json_get(one, "name")), name))
			return (struct published_assertion){
				.cose_key = published_hex(arena, one, "cose_key"),
				.assertion = {.authenticator_data = published_hex(arena, one, "authenticator_data"),
					      .client_data = published_hex(arena, one, "client_data"),
					      .signature = published_hex(arena, one, "signature")}};
	fail_msg("%s: not among the published assertions", name);
	return (struct published_assertion){};
}

static struct bytes
challenge_of(struct arena *arena, const char *base64url) {
	size_t len;
	uint8_t *bytes = arena_alloc(arena, 64);
	assert_non_null(bytes);
	assert_ok(base64url_decode(bytes_of_text(base64url), bytes, 64, &len));
	return bytes_of(bytes, len);
}

/* Published uses: those that verified their user are taken, the one that did not is refused for that alone. */
static void
published_assertions_verify(void **) {
	static const struct {
		const char *name, *rp_id, *origin, *challenge, *refused;
		bool backup_eligible;
		uint32_t counter;
	} cases[] = {
		{"w3c-packed-es256", "example.org", "https://example.org",
		 "sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU", nullptr, true, 0},
		{"windows-hello-rs256", "webauthn.org", "https://webauthn.org",
		 "m7ZU0Z-_IiwviFnF1JXeJjFhVBincW69E1Ctj8AQ-Ybb1uc41bMHtItg6JACh1sOj_ZXjonw2acj_JD2i-axEQ", nullptr,
		 false, 1},
		{"helpers-es256", "localhost", "https://localhost:8443",
		 "eaTyUNnyPDDdK8SNEgTEUvz1Q8dylkjjTimYd5X7QAo-F8_Z1lsJi3BilUpFZHkICNDWY8r9ivnTgW7-XZC3qQ",
		 "authenticator_data.user_verified", false, 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct published_assertion published = published_assertion(&arena, cases[i].name);
		struct relying_party party = {bytes_of_text(cases[i].rp_id), &cases[i].origin, 1};
		struct passkey passkey = {
			.rp_id = party.id, .cose_key = published.cose_key, .backup_eligible = cases[i].backup_eligible};
		struct bytes challenge = challenge_of(&arena, cases[i].challenge);
		uint32_t counter = 77;
		enum status status =
			passkey_verify(&arena, &party, &passkey, challenge, &published.assertion, &counter);
		if (cases[i].refused != nullptr) {
			assert_fails(STATUS_UNAUTHORIZED, cases[i].refused, status);
			continue;
		}
		if (status != OK)
			fail_msg("%s: %s", cases[i].name, fail_message());
		assert_int_equal(cases[i].counter, counter);
		passkey.backup_eligible = !passkey.backup_eligible;
		assert_fails(STATUS_UNAUTHORIZED, "passkey.backup",
			     passkey_verify(&arena, &party, &passkey, challenge, &published.assertion, &counter));
		passkey.backup_eligible = !passkey.backup_eligible;
		struct bytes signature = arena_copy(&arena, published.assertion.signature);
		((uint8_t *)(uintptr_t)signature.data)[signature.len / 2] ^= 1;
		published.assertion.signature = signature;
		assert_fails(STATUS_UNAUTHORIZED, "signature.mismatch",
			     passkey_verify(&arena, &party, &passkey, challenge, &published.assertion, &counter));
	}
}

/* W3C Web Authentication Level 3, "Packed Attestation with ES256 Credential": both ceremonies, one after the other. */
static void
the_specifications_own_example_passes_both_ceremonies(void **) {
	static const char *const origins[] = {"https://example.org"};
	_cleanup_(arena_free) struct arena arena = {};
	struct relying_party party = {BYTES_OF_LITERAL("example.org"), origins, 1};
	struct published published = published_registration(&arena, "w3c-packed-es256");
	struct passkey_registration registration = {published.attestation_object, published.client_data};
	struct passkey passkey;
	struct published_assertion used = published_assertion(&arena, "w3c-packed-es256");
	uint32_t counter;
	assert_ok(passkey_register(&arena, &party, challenge_of(&arena, "wRhKX934BF4T3Ef1S2H1pla2ZrWQGPFthw6SVumVIBI"),
				   &registration, nullptr, 0, &passkey));
	assert_bytes(used.cose_key, passkey.cose_key);
	assert_true(passkey.backup_eligible && !passkey.is_certified);
	assert_int_equal(2, passkey_assurance_level(&passkey));
	assert_ok(passkey_verify(&arena, &party, &passkey,
				 challenge_of(&arena, "sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU"), &used.assertion,
				 &counter));
	assert_ok(authenticator_counter_check(passkey.counter, counter));
	/* And no step of one ceremony serves in the other. */
	registration.client_data = used.assertion.client_data;
	assert_fails(STATUS_UNAUTHORIZED, "client_data.type",
		     passkey_register(&arena, &party,
				      challenge_of(&arena, "sRBvpGpXvvF4FRHAVX3ImKA0E9Xw8X0kRjDBlMfhrbU"),
				      &registration, nullptr, 0, &passkey));
}

/* In the specification's example a page of another site frames the one that asks. */
static void
a_frame_within_another_site_is_refused(void **) {
	static const char *const origins[] = {"https://example.org"};
	_cleanup_(arena_free) struct arena arena = {};
	struct relying_party party = {BYTES_OF_LITERAL("example.org"), origins, 1};
	struct published published = published_registration(&arena, "w3c-none-es256-top-origin");
	struct passkey_registration registration = {published.attestation_object, published.client_data};
	struct passkey passkey;
	assert_fails(STATUS_UNAUTHORIZED, "client_data.cross_origin",
		     passkey_register(&arena, &party,
				      challenge_of(&arena, "Th9MYZhpnjPBTxkhU_Sdfg6ONXfVrEFsXzrckqQfJ-U"),
				      &registration, nullptr, 0, &passkey));
}

static void
only_hardware_that_its_maker_certifies_and_that_cannot_be_copied_is_aal3(void **) {
	static const struct {
		struct passkey passkey;
		int level;
	} cases[] = {
		{{.is_certified = false, .backup_eligible = false}, 2},
		{{.is_certified = false, .backup_eligible = true}, 2},
		{{.is_certified = true, .backup_eligible = true}, 2},
		{{.is_certified = true, .backup_eligible = false}, 3},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_int_equal(cases[i].level, passkey_assurance_level(&cases[i].passkey));
}

RUN_TESTS(T(published_assertions_verify), T(the_specifications_own_example_passes_both_ceremonies),
	  T(a_frame_within_another_site_is_refused),
	  T(only_hardware_that_its_maker_certifies_and_that_cannot_be_copied_is_aal3))
