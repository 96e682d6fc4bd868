/*
 * Seven published flaws of WebAuthn servers, each tried here against a keeper in this process as it was found there:
 *
 *   YSA-2026-02, Rodauth 2.46.0   a credential of somebody else is accepted
 *   GitLab 585333                 the result of the verification is ignored where id and rawId differ
 *   GHSA-6hxq-p678-4hr2           an attestation's own self-signed "root" is believed
 *   CVE-2026-30964                an origin is reduced to its host
 *   GHSA-h4fw-6r7f-w494           the client talks user verification away
 *   GHSA-6whf-q6p5-84wg           nobody checks that a user was present
 *   GHSA-v9hx-v6vf-g36j           the authenticator's counter is never saved
 */
#include "tests/test.h"
#include "tests/signed_in.h"

#include "base/base64url.h"
#include "tests/certificates.h"
#include "tests/webauthn.h"

static void
sign_in(struct signed_in *s, enum firm_member by, const uint8_t *credential, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer body = {};
	uint8_t challenge[32];
	s->peer[1]++; /* throttling is not what is tested here */
	signed_in_challenge(s, challenge);
	signed_in_body(s, by, challenge, &body);
	if (credential != nullptr) {
		char own[65], other[65];
		hex_encode(BYTES_OF_ARRAY(s->authenticators[by].credential_id), own);
		hex_encode(bytes_of(credential, 32), other);
		char *at = memmem(body.data, body.len, own, 64);
		assert_non_null(at);
		memcpy(at, other, 64);
	}
	signed_in_ask(s, "POST", "/v1/session", nullptr, buffer_bytes(&body), response);
}

static void
assert_no_session(struct signed_in *s, enum firm_member by, const uint8_t *credential) {
	struct ipc_response response;
	sign_in(s, by, credential, &response);
	assert_int_equal(401, response.status);
	assert_bytes(BYTES_OF_LITERAL("session.refused"), house_problem(&s->arena, &response));
	assert_int_equal(0, response.set_cookie.len);
}

/* Person 1 enrols what person 2 has: refused, and it stays person 2's. And person 1's passkey does not sign person 2 in. */
static void
ysa_2026_02_a_credential_belongs_to_one_person_for_ever(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(registration_made_free) struct registration_made made = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	static const uint8_t nonce[16] = {7};
	struct hash256 challenge;
	struct ipc_response response;
	signed_in_set_up(&s);
	assert_ok(passkey_enrolment_challenge(BYTES_OF_LITERAL(HOUSE_INSTANCE),
					      BYTES_OF_LITERAL("person:p-0000000000000001"), BYTES_OF_LITERAL("stolen"),
					      nonce, &challenge));
	struct authenticator copied = s.authenticators[FIRM_PERSON_1];
	memcpy(copied.credential_id, s.authenticators[FIRM_PERSON_2].credential_id, sizeof copied.credential_id);
	authenticator_register(&copied, hash256_bytes(&challenge), false, &made);
	buffer_append_text(&payload, "{\"attestation_object\":\"");
	buffer_append_hex(&payload, buffer_bytes(&made.attestation_object));
	buffer_append_text(&payload, "\",\"client_data\":\"");
	buffer_append_hex(&payload, buffer_bytes(&made.client_data));
	buffer_append_format(&payload,
			     "\",\"name\":\"stolen\",\"nonce\":\"07000000000000000000000000000000\",\"rp_id\":\"%s\","
			     "\"usable_from\":%lld}",
			     SIGNED_IN_RP_ID, (long long)(house_now_ms(&s.house) + 25 * SIGNED_IN_HOUR_MS));
	assert_ok(house_submit(&s.house, &s.arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "principal.passkey_add",
						       .resource = "person:p-0000000000000001",
						       .payload = arena_text(&s.arena, buffer_bytes(&payload))},
			       &response));
	assert_int_equal(409, response.status);
	assert_bytes(BYTES_OF_LITERAL("directory.key_taken"), house_problem(&s.arena, &response));
	signed_in_pass(&s, 26 * SIGNED_IN_HOUR_MS);
	/* What person 1 has does not open what person 2's credential names. */
	assert_no_session(&s, FIRM_PERSON_1, s.authenticators[FIRM_PERSON_2].credential_id);
	sign_in(&s, FIRM_PERSON_2, nullptr, &response);
	assert_answer(201, nullptr, &response);
	assert_bytes(BYTES_OF_LITERAL("person:p-0000000000000002"), house_text(&s.arena, &response, "person"));
}

/* Two people's credentials: each one's assertion under the other's name. */
static void
gitlab_585333_a_credential_that_is_not_the_one_that_signed(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	signed_in_enrol(&s, FIRM_PERSON_1);
	assert_no_session(&s, FIRM_PERSON_1, s.authenticators[FIRM_PERSON_2].credential_id);
	assert_no_session(&s, FIRM_PERSON_2, s.authenticators[FIRM_PERSON_1].credential_id);
	sign_in(&s, FIRM_PERSON_1, nullptr, &response);
	assert_answer(201, nullptr, &response);
}

/* The W3C's example brings one certificate. Somebody else's root of the same model vouches for nothing; nor does it itself. */
static void
ghsa_6hxq_a_self_signed_root_vouches_for_nothing(void **) {
	static const char *const origins[] = {"https://example.org"};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(certificate_made_free) struct certificate_made root = {};
	_cleanup_(authenticator_trust_free) struct authenticator_trust trust = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *roots = nullptr;
	struct relying_party party = {BYTES_OF_LITERAL("example.org"), origins, 1};
	struct published published = published_registration(&arena, "w3c-packed-es256");
	struct passkey_registration registration = {published.attestation_object, published.client_data};
	struct passkey passkey;
	uint8_t challenge[32];
	size_t len;
	assert_ok(base64url_decode(BYTES_OF_LITERAL("wRhKX934BF4T3Ef1S2H1pla2ZrWQGPFthw6SVumVIBI"), challenge,
				   sizeof challenge, &len));
	assert_ok(passkey_register(&arena, &party, BYTES_OF_ARRAY(challenge), &registration, nullptr, 0, &passkey));
	assert_false(passkey.is_certified);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"}, .is_authority = true}, &root);
	assert_ok(certificate_roots_create(&roots));
	assert_ok(certificate_roots_add(roots, buffer_bytes(&root.der)));
	assert_ok(authenticator_trust_set(&trust, passkey.aaguid, TAKE(roots)));
	assert_non_null(authenticator_trust_of(&trust, passkey.aaguid));
	assert_ok(passkey_register(&arena, &party, BYTES_OF_ARRAY(challenge), &registration, &trust,
				   INT64_C(1'767'225'600'000), &passkey));
	assert_false(passkey.is_certified);
	assert_int_equal(2, passkey_assurance_level(&passkey));
}

static void
assert_refused_from(const char *origin, const char *extra, uint8_t flags) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	struct authenticator *authenticator = &s.authenticators[FIRM_PERSON_2], honest = *authenticator;
	authenticator->origin = origin;
	authenticator->client_extra = extra;
	authenticator->flags = flags;
	assert_no_session(&s, FIRM_PERSON_2, nullptr);
	*authenticator = honest;
	authenticator->counter = 2;
	sign_in(&s, FIRM_PERSON_2, nullptr, &response); /* the refusal was for that alone */
	assert_answer(201, nullptr, &response);
}

static void
cve_2026_30964_an_origin_is_more_than_its_host(void **) {
	static const char *const origins[] = {"https://127.0.0.1", "https://127.0.0.1:8444", "http://127.0.0.1:8443",
					      "https://127.0.0.1:8443/", "127.0.0.1"};
	for (size_t i = 0; i < ARRAY_LENGTH(origins); i++)
		assert_refused_from(origins[i], nullptr, AUTHENTICATOR_UP | AUTHENTICATOR_UV);
}

static void
ghsa_h4fw_what_the_client_says_does_not_replace_user_verification(void **) {
	assert_refused_from(SIGNED_IN_ORIGIN, nullptr, AUTHENTICATOR_UP);
	assert_refused_from(SIGNED_IN_ORIGIN, ",\"userVerification\":\"discouraged\"", AUTHENTICATOR_UP);
}

static void
ghsa_6whf_nobody_touched_it(void **) {
	assert_refused_from(SIGNED_IN_ORIGIN, nullptr, AUTHENTICATOR_UV);
}

static void
ghsa_v9hx_a_counter_is_kept_also_over_a_restart(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	s.authenticators[FIRM_PERSON_2].counter = 7;
	sign_in(&s, FIRM_PERSON_2, nullptr, &response);
	assert_answer(201, nullptr, &response);
	static const uint32_t stale[] = {7, 6, 1};
	for (size_t i = 0; i < 2 * ARRAY_LENGTH(stale); i++) {
		if (i == ARRAY_LENGTH(stale)) {
			house_close(&s.house);
			assert_ok(house_open(&s.house));
		}
		s.authenticators[FIRM_PERSON_2].counter = stale[i % ARRAY_LENGTH(stale)];
		assert_no_session(&s, FIRM_PERSON_2, nullptr);
	}
	s.authenticators[FIRM_PERSON_2].counter = 8;
	sign_in(&s, FIRM_PERSON_2, nullptr, &response);
	assert_answer(201, nullptr, &response);
}

RUN_TESTS(T(ysa_2026_02_a_credential_belongs_to_one_person_for_ever),
	  T(gitlab_585333_a_credential_that_is_not_the_one_that_signed),
	  T(ghsa_6hxq_a_self_signed_root_vouches_for_nothing), T(cve_2026_30964_an_origin_is_more_than_its_host),
	  T(ghsa_h4fw_what_the_client_says_does_not_replace_user_verification), T(ghsa_6whf_nobody_touched_it),
	  T(ghsa_v9hx_a_counter_is_kept_also_over_a_restart))
