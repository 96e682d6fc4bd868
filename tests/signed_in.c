#include "tests/signed_in.h"

#include <stdio.h>

#include "keeper/internal.h"
#include "ledger/log.h"
#include "tests/test.h"

void
signed_in_free(struct signed_in *s) {
	house_free(&s->house);
	fault_io_stop(&s->fault);
	arena_free(&s->arena);
}

void
signed_in_set_up(struct signed_in *s) {
	*s = (struct signed_in){.peer = {127, 1, 0, 1}};
	fault_io_start(&s->fault);
	house_found(&s->house, &s->fault.io);
	s->house.is_manual = true;
	for (uint8_t i = 0; i < FIRM_MEMBERS; i++)
		authenticator_start(&s->authenticators[i], i, SIGNED_IN_RP_ID, SIGNED_IN_ORIGIN);
	assert_ok(house_open(&s->house));
	signed_in_enrol(s, FIRM_PERSON_2);
}

void
signed_in_pass(struct signed_in *s, int64_t ms) {
	fault_io_pass(&s->fault, ms);
}

void
signed_in_do(struct signed_in *s, const char *kind, const char *resource, const char *payload) {
	struct ipc_response response;
	assert_ok(house_submit(&s->house, &s->arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = kind,
						       .resource = resource,
						       .payload = payload,
						       .reason = "a test"},
			       &response));
	struct bytes operation = house_text(&s->arena, &response, "operation");
	static const enum firm_member approvers[] = {FIRM_PERSON_3, FIRM_PERSON_5};
	for (size_t i = 0; response.status == 202 && i < ARRAY_LENGTH(approvers); i++)
		assert_ok(house_vote(&s->house, &s->arena, operation, approvers[i], "approve", &response));
	assert_answer(200, "done", &response);
}

void
signed_in_enrol(struct signed_in *s, enum firm_member of) {
	_cleanup_(registration_made_free) struct registration_made made = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	static const uint8_t nonce[16] = {7};
	struct hash256 challenge;
	const char *person = s->house.firm.members[of].principal;
	assert_ok(passkey_enrolment_challenge(BYTES_OF_LITERAL(HOUSE_INSTANCE), bytes_of_text(person),
					      BYTES_OF_LITERAL("passkey"), nonce, &challenge));
	authenticator_register(&s->authenticators[of], hash256_bytes(&challenge), false, &made);
	buffer_append_text(&payload, "{\"attestation_object\":\"");
	buffer_append_hex(&payload, buffer_bytes(&made.attestation_object));
	buffer_append_text(&payload, "\",\"client_data\":\"");
	buffer_append_hex(&payload, buffer_bytes(&made.client_data));
	buffer_append_format(&payload,
			     "\",\"name\":\"passkey\",\"nonce\":\"07000000000000000000000000000000\",\"rp_id\":\"%s\","
			     "\"usable_from\":%lld}",
			     SIGNED_IN_RP_ID, (long long)(house_now_ms(&s->house) + 25 * SIGNED_IN_HOUR_MS));
	signed_in_do(s, "principal.passkey_add", person, arena_text(&s->arena, buffer_bytes(&payload)));
	signed_in_pass(s, 26 * SIGNED_IN_HOUR_MS);
}

void
signed_in_ask(struct signed_in *s, const char *method, const char *target, const char *cookie, struct bytes body,
	      struct ipc_response *response) {
	struct http_request plain = {.method = bytes_of_text(method), .target = bytes_of_text(target), .body = body};
	struct ipc_request frame = house_frame(&plain);
	if (cookie != nullptr)
		frame.cookie = bytes_of_text(cookie);
	frame.reported.client_certificate = s->certificate;
	frame.reported.peer_address = BYTES_OF_ARRAY(s->peer);
	assert_ok(house_ask(&s->house, &frame, &s->arena, response));
}

void
signed_in_challenge(struct signed_in *s, uint8_t challenge[static 32]) {
	struct ipc_response response;
	signed_in_ask(s, "POST", "/v1/session/challenge", nullptr, (struct bytes){}, &response);
	assert_answer(200, nullptr, &response);
	assert_ok(hex_decode(house_text(&s->arena, &response, "challenge"), challenge, 32));
}

void
signed_in_body(struct signed_in *s, enum firm_member by, const uint8_t challenge[static 32], struct buffer *body) {
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	struct authenticator *authenticator = &s->authenticators[by];
	authenticator_assert(authenticator, bytes_of(challenge, 32), &made);
	buffer_append_text(body, "{\"assertion\":{\"authenticator_data\":\"");
	buffer_append_hex(body, buffer_bytes(&made.authenticator_data));
	buffer_append_text(body, "\",\"client_data\":\"");
	buffer_append_hex(body, buffer_bytes(&made.client_data));
	buffer_append_text(body, "\"},\"credential_id\":\"");
	buffer_append_hex(body, BYTES_OF_ARRAY(authenticator->credential_id));
	buffer_append_text(body, "\",\"signature\":\"");
	buffer_append_hex(body, buffer_bytes(&made.signature));
	buffer_append_text(body, "\"}");
}

const char *
signed_in_set_cookie(struct signed_in *s, const struct ipc_response *response) {
	if (response->set_cookie.len == 0)
		return nullptr;
	const uint8_t *end = memchr(response->set_cookie.data, ';', response->set_cookie.len);
	assert_non_null(end);
	return arena_text(&s->arena, bytes_of(response->set_cookie.data, (size_t)(end - response->set_cookie.data)));
}

const char *
signed_in_cookie(struct signed_in *s, enum firm_member by) {
	_cleanup_(buffer_free) struct buffer body = {};
	uint8_t challenge[32];
	struct ipc_response response;
	signed_in_challenge(s, challenge);
	signed_in_body(s, by, challenge, &body);
	signed_in_ask(s, "POST", "/v1/session", nullptr, buffer_bytes(&body), &response);
	assert_answer(201, nullptr, &response);
	return signed_in_set_cookie(s, &response);
}

uint64_t
signed_in_entries(struct signed_in *s, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(keeper_ledger(s->house.keeper), counts);
	return counts[type];
}

void
signed_in_assert_refused(struct signed_in *s, unsigned status, const char *problem,
			 const struct ipc_response *response) {
	if (response->status != status)
		fail_msg("expected %u, got %u: %.*s", status, response->status, BYTES_ARGS(response->body));
	assert_bytes(bytes_of_text(problem), house_problem(&s->arena, response));
	assert_int_equal(0, response->set_cookie.len);
}

void
signed_in_read(struct signed_in *s, const char *cookie, const char *target, unsigned status) {
	struct ipc_response response;
	signed_in_ask(s, "GET", target, cookie, (struct bytes){}, &response);
	if (response.status != status)
		fail_msg("%s: expected %u, got %u: %.*s", target, status, response.status, BYTES_ARGS(response.body));
}

enum status
signed_in_sign(void *context, enum firm_member by, const struct hash256 *digest, struct buffer *object) {
	struct signed_in *s = context;
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	authenticator_assert(&s->authenticators[by], hash256_bytes(digest), &made);
	buffer_append_text(object, "{\"assertion\":{\"authenticator_data\":\"");
	buffer_append_hex(object, buffer_bytes(&made.authenticator_data));
	buffer_append_text(object, "\",\"client_data\":\"");
	buffer_append_hex(object, buffer_bytes(&made.client_data));
	buffer_append_format(object, "\"},\"key_id\":\"%s/passkey\",\"signature\":\"",
			     s->house.firm.members[by].principal);
	buffer_append_hex(object, buffer_bytes(&made.signature));
	buffer_append_text(object, "\"}");
	return buffer_status(object);
}
