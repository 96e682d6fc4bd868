/* Enrolment by invitation: what its terms hold it to, that it works once, and that it is the same after a restart. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "gate/enrolment.h"
#include "ledger/log.h"
#include "tests/log_replay.h"
#include "tests/maker.h"

static const char PERSON[] = "person:p-0000000000000001";
static const char GUEST[] = "person:p-00000000000000aa"; /* in no group; where a test adds them */

static const uint8_t TOKEN[INVITATION_TOKEN_SIZE] = {0x42, 0x17};
#define TOKEN_HEX "4217000000000000000000000000000000000000000000000000000000000000"

/* Zero members are what is usual: three days to use it, a day to wait. */
struct terms {
	const char *name;
	int64_t valid_ms, waiting_ms;
	bool certified, device_bound;
};

static const char *
payload_of(struct signed_in *s, const struct terms *terms) {
	struct hash256 token = sha256(BYTES_OF_ARRAY(TOKEN));
	char hex[65];
	hex_encode(hash256_bytes(&token), hex);
	int64_t valid_ms = terms->valid_ms == 0 ? 72 * SIGNED_IN_HOUR_MS : terms->valid_ms;
	int64_t waiting_ms = terms->waiting_ms == 0 ? 24 * SIGNED_IN_HOUR_MS : terms->waiting_ms;
	return arena_format(&s->arena,
			    "{\"certified\":%s,\"expires\":%lld,\"name\":\"%s\",\"synced\":%s,\"token_sha256\":\"%s\","
			    "\"waiting_ms\":%lld}",
			    terms->certified ? "true" : "false", (long long)(house_now_ms(&s->house) + valid_ms),
			    terms->name ?: "phone", terms->device_bound ? "false" : "true", hex, (long long)waiting_ms);
}

static void
invite(struct signed_in *s, const struct terms *terms) {
	signed_in_do(s, "principal.invite", PERSON, payload_of(s, terms));
}

static void
ask_options(struct signed_in *s, const char *body, struct ipc_response *response) {
	signed_in_ask(s, "POST", "/v1/enrolment/options", nullptr, bytes_of_text(body), response);
}

/* What the person's browser hands in for these options. */
static void
hand_in_for(struct signed_in *s, const char *person, const char *token, struct ipc_response *response) {
	_cleanup_(registration_made_free) struct registration_made made = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct hash256 challenge, hash = sha256(BYTES_OF_ARRAY(TOKEN));
	assert_ok(passkey_enrolment_challenge(BYTES_OF_LITERAL(HOUSE_INSTANCE), bytes_of_text(person),
					      BYTES_OF_LITERAL("phone"), hash.bytes, &challenge));
	authenticator_register(&s->authenticators[FIRM_PERSON_1], hash256_bytes(&challenge), false, &made);
	buffer_append_text(&body, "{\"attestation_object\":\"");
	buffer_append_hex(&body, buffer_bytes(&made.attestation_object));
	buffer_append_text(&body, "\",\"client_data\":\"");
	buffer_append_hex(&body, buffer_bytes(&made.client_data));
	buffer_append_format(&body, "\",\"rp_id\":\"" SIGNED_IN_RP_ID "\",\"token\":\"%s\"}", token);
	s->peer[1]++; /* from another network than before: not what is tested here */
	signed_in_ask(s, "POST", "/v1/enrolment", nullptr, buffer_bytes(&body), response);
}

static void
hand_in(struct signed_in *s, const char *token, struct ipc_response *response) {
	hand_in_for(s, PERSON, token, response);
}

static void
assert_problem(struct signed_in *s, unsigned status, const char *name, const struct ipc_response *response) {
	if (response->status != status)
		fail_msg("expected %u, got %u: %.*s", status, response->status, BYTES_ARGS(response->body));
	assert_bytes(bytes_of_text(name), house_problem(&s->arena, response));
}

static const struct directory_key *
phone(struct signed_in *s) {
	return directory_key(keeper_gate(s->house.keeper)->state->directory,
			     BYTES_OF_LITERAL("person:p-0000000000000001/phone"));
}

static void
restart(struct signed_in *s) {
	house_close(&s->house);
	assert_ok(house_open(&s->house));
}

/* The whole log replayed, with the enrolments after all else. */
static const char *
late_enrolment_difference(struct signed_in *s) {
	static char difference[256];
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger *ledger = keeper_ledger(s->house.keeper);
	struct ledger_head head;
	uint64_t index = 0;
	ledger_durable_head(ledger, &head);
	assert_ok(replayer_create(&replayer, &keeper_gate(s->house.keeper)->blobs));
	difference[0] = '\0';
	for (uint64_t i = 0; i < 2 * head.head.size; i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct ledger_record record;
		struct entry entry;
		enum replay_result result;
		const char *found;
		assert_ok(ledger_read(ledger, i % head.head.size, &bytes, &record));
		assert_ok(entry_peek(record.leaf, &entry));
		if ((entry.type == ENTRY_ENROLMENT) != (i >= head.head.size))
			continue;
		assert_ok(replayer_add(replayer, index++, record.leaf, &result, &found));
		if (found != nullptr)
			snprintf(difference, sizeof difference, "%s", found);
	}
	return difference;
}

static void
a_passkey_is_enrolled_once_and_counts_after_its_waiting_time(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	invite(&s, &(struct terms){});
	ask_options(&s, "{\"token\":\"" TOKEN_HEX "\"}", &response);
	assert_answer(200, nullptr, &response);
	assert_bytes(bytes_of_text(PERSON), house_text(&s.arena, &response, "person"));
	assert_bytes(BYTES_OF_LITERAL("phone"), house_text(&s.arena, &response, "name"));
	assert_bytes(BYTES_OF_LITERAL("none"), house_text(&s.arena, &response, "attestation"));
	assert_bytes(BYTES_OF_LITERAL(SIGNED_IN_RP_ID), house_text(&s.arena, &response, "rp_id"));
	hand_in(&s, TOKEN_HEX, &response);
	assert_answer(201, nullptr, &response);
	assert_bytes(BYTES_OF_LITERAL("person:p-0000000000000001/phone"), house_text(&s.arena, &response, "key"));
	/* Once: neither again, nor what it would be made with. */
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
	ask_options(&s, "{\"token\":\"" TOKEN_HEX "\"}", &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
	restart(&s);
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
	assert_non_null(phone(&s));
	uint8_t challenge[32];
	_cleanup_(buffer_free) struct buffer early = {};
	signed_in_challenge(&s, challenge);
	signed_in_body(&s, FIRM_PERSON_1, challenge, &early);
	signed_in_ask(&s, "POST", "/v1/session", nullptr, buffer_bytes(&early), &response);
	assert_problem(&s, 401, "session.refused", &response);
	signed_in_pass(&s, 24 * SIGNED_IN_HOUR_MS);
	assert_non_null(signed_in_cookie(&s, FIRM_PERSON_1));
	const struct replay_counts counts = assert_replays(s.house.keeper);
	assert_int_equal(1, counts.enrolments);
	assert_int_equal(1, counts.sign_ins);
}

static void
an_invitation_is_good_while_it_lasts_and_for_whom_it_is(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	hand_in(&s, TOKEN_HEX, &response); /* nobody is invited */
	assert_problem(&s, 401, "enrolment.refused", &response);
	invite(&s, &(struct terms){.valid_ms = SIGNED_IN_HOUR_MS});
	restart(&s); /* it is remembered */
	hand_in(&s, "4217000000000000000000000000000000000000000000000000000000000001", &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
	static const struct {
		const char *origin, *rp_id, *problem;
		uint8_t flags;
	} cases[] = {
		{"https://evil.example", SIGNED_IN_RP_ID, "client_data.origin", 0x05},
		{"http://" HOUSE_AUTHORITY, SIGNED_IN_RP_ID, "client_data.origin", 0x05},
		{SIGNED_IN_ORIGIN, "evil.example", "authenticator_data.rp_id", 0x05},
		{SIGNED_IN_ORIGIN, SIGNED_IN_RP_ID, "authenticator_data.user_verified", 0x01},
		{SIGNED_IN_ORIGIN, SIGNED_IN_RP_ID, "authenticator_data.user_present", 0x04},
	};
	struct authenticator *authenticator = &s.authenticators[FIRM_PERSON_1];
	const struct authenticator honest = *authenticator;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		authenticator->origin = cases[i].origin;
		authenticator->rp_id = cases[i].rp_id;
		authenticator->flags = cases[i].flags;
		hand_in(&s, TOKEN_HEX, &response);
		assert_problem(&s, 401, cases[i].problem, &response);
	}
	*authenticator = honest;
	/* Another's credential. */
	memcpy(authenticator->credential_id, s.authenticators[FIRM_PERSON_2].credential_id, 32);
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 409, "directory.key_taken", &response);
	*authenticator = honest;
	signed_in_do(&s, "principal.suspend", PERSON, "{}");
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
	assert_null(phone(&s));
	signed_in_pass(&s, SIGNED_IN_HOUR_MS);
	ask_options(&s, "{\"token\":\"" TOKEN_HEX "\"}", &response);
	assert_problem(&s, 401, "enrolment.refused", &response);
}

static void
what_was_approved_is_what_is_enrolled(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	invite(&s, &(struct terms){.certified = true});
	ask_options(&s, "{\"token\":\"" TOKEN_HEX "\"}", &response);
	assert_bytes(BYTES_OF_LITERAL("direct"), house_text(&s.arena, &response, "attestation"));
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 401, "enrolment.not_certified", &response);
	/* Its maker's word makes it good, once people believe that maker. */
	_cleanup_(maker_free) struct maker maker;
	_cleanup_(buffer_free) struct buffer trust = {};
	maker_make(&maker);
	s.authenticators[FIRM_PERSON_1].maker = &maker.attests;
	hand_in(&s, TOKEN_HEX, &response);
	assert_problem(&s, 401, "enrolment.not_certified", &response);
	maker_trust((const struct maker *[]){&maker}, 1, &trust);
	signed_in_do(&s, "authenticator.trust", "system:gatehouse", (const char *)trust.data);
	hand_in(&s, TOKEN_HEX, &response);
	assert_answer(201, nullptr, &response);
	assert_true(phone(&s)->passkey->is_certified);
	restart(&s);
	assert_true(phone(&s)->passkey->is_certified);
	_cleanup_(signed_in_free) struct signed_in bound;
	signed_in_set_up(&bound);
	invite(&bound, &(struct terms){.device_bound = true});
	bound.authenticators[FIRM_PERSON_1].flags = 0x0d; /* may be copied */
	hand_in(&bound, TOKEN_HEX, &response);
	assert_problem(&bound, 401, "enrolment.synced", &response);
	bound.authenticators[FIRM_PERSON_1].flags = 0x05;
	hand_in(&bound, TOKEN_HEX, &response);
	assert_answer(201, nullptr, &response);
}

/* Person 1 approves: the shipped policy lets nobody's passkey count at once, by invitation either. */
static void
an_invitation_waits_and_is_approved_like_a_passkey(void **) {
	static const struct {
		struct terms terms;
		unsigned status;
		const char *problem;
	} cases[] = {
		{{.waiting_ms = 1000}, 403, "operation.denied"},
		{{.waiting_ms = -1}, 400, "payload.waiting_ms"},
		{{.waiting_ms = INVITATION_WAITING_MAX_MS + 1}, 400, "payload.waiting_ms"},
		{{}, 202, nullptr},
	};
	_cleanup_(signed_in_free) struct signed_in s;
	signed_in_set_up(&s);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ipc_response response;
		assert_ok(house_submit(&s.house, &s.arena,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "principal.invite",
							       .resource = PERSON,
							       .payload = payload_of(&s, &cases[i].terms)},
				       &response));
		if (cases[i].problem != nullptr)
			assert_problem(&s, cases[i].status, cases[i].problem, &response);
		else
			assert_answer(202, "held", &response);
	}
	static const struct {
		struct terms terms;
		unsigned status;
		const char *problem;
	} failing[] = {
		{{.valid_ms = -1000}, 400, "payload.expires"},
		{{.valid_ms = 31 * 24 * SIGNED_IN_HOUR_MS}, 400, "payload.expires"},
		{{.name = "No"}, 400, "payload.name"},
		{{.name = "terminal"}, 409, "directory.exists"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(failing); i++) {
		struct ipc_response response;
		assert_ok(house_submit(&s.house, &s.arena,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "principal.invite",
							       .resource = PERSON,
							       .payload = payload_of(&s, &failing[i].terms)},
				       &response));
		assert_problem(&s, failing[i].status, failing[i].problem, &response);
	}
}

static void
a_body_that_is_none_is_refused_by_name(void **) {
	static const struct {
		const char *target, *body, *problem;
	} cases[] = {
		{"/v1/enrolment/options", "", "json.syntax"},
		{"/v1/enrolment/options", "[]", "enrolment"},
		{"/v1/enrolment/options", "{}", "enrolment.token"},
		{"/v1/enrolment/options", "{\"token\":1}", "enrolment.token"},
		{"/v1/enrolment/options", "{\"token\":\"42\"}", "enrolment.token"},
		{"/v1/enrolment/options", "{\"token\":\"" TOKEN_HEX "00\"}", "enrolment.token"},
		{"/v1/enrolment/options", "{\"more\":1,\"token\":\"" TOKEN_HEX "\"}", "enrolment.more"},
		{"/v1/enrolment", "{}", "enrolment.token"},
		{"/v1/enrolment", "{\"token\":\"" TOKEN_HEX "\"}", "enrolment.attestation_object"},
		{"/v1/enrolment", "{\"attestation_object\":\"0\",\"token\":\"" TOKEN_HEX "\"}",
		 "enrolment.attestation_object"},
		{"/v1/enrolment", "{\"attestation_object\":\"00\",\"token\":\"" TOKEN_HEX "\"}",
		 "enrolment.client_data"},
		{"/v1/enrolment", "{\"attestation_object\":\"00\",\"client_data\":\"00\",\"token\":\"" TOKEN_HEX "\"}",
		 "enrolment.rp_id"},
	};
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		signed_in_ask(&s, "POST", cases[i].target, nullptr, bytes_of_text(cases[i].body), &response);
		assert_problem(&s, 400, cases[i].problem, &response);
	}
}

/* Whoever writes into the log shows: another passkey, other terms, a sign-in that was not. */
static void
what_was_changed_in_the_log_differs_in_replay(void **) {
	static const struct {
		enum entry_type type;
		const char *from, *to, *difference;
	} cases[] = {
		{ENTRY_ENROLMENT, "\"attestation_object\":\"a3", "\"attestation_object\":\"a2",
		 "an enrolment does not hold"},
		{ENTRY_ENROLMENT, "/phone\"", "/phony\"", "an enrolment does not hold: enrolment.terms"},
		{ENTRY_ENROLMENT, "p-0000000000000001", "p-0000000000000003",
		 "an enrolment does not hold: enrolment.terms"},
		{ENTRY_ENROLMENT, "\"token_sha256\":\"", "\"token_sha257\":\"", "an enrolment does not hold"},
		{ENTRY_SIGN_IN, "\"aal\":2", "\"aal\":4", "a sign-in amounts to 4"},
		{ENTRY_SIGN_IN, "\"challenge\":\"00", "\"challenge\":\"01", "a sign-in's assertion does not verify"},
		{ENTRY_SIGN_IN, "\"signature\":\"30", "\"signature\":\"31", "a sign-in's assertion does not verify"},
		{ENTRY_SIGN_IN, "p-0000000000000001", "p-0000000000000002", "a sign-in's assertion does not verify"},
		{ENTRY_SIGN_IN, "\"signed_in_at\":1", "\"signed_in_at\":2",
		 "a sign-in's challenge was not made within"},
		{ENTRY_SIGN_IN, "\"public_key\":", "\"publik_key\":", "a sign-in's evidence cannot be read"},
		{ENTRY_ENROLMENT, "northwind-custody", "northwind-trading",
		 "its legal entity is \"northwind-custody\", recorded \"northwind-trading\""},
		{ENTRY_SIGN_IN, "northwind-custody", "northwind-trading", "its legal entity is \"northwind-custody\""},
		{ENTRY_SIGN_OUT, "northwind-custody", "northwind-trading", "its legal entity is \"northwind-custody\""},
		{ENTRY_SIGN_OUT, "p-0000000000000001", "p-0000000000000009", "its legal entity is \"\", recorded"},
		{ENTRY_SIGN_OUT, "\"key\":", "\"kez\":", "it names a legal entity, and nobody who stands in it"},
	};
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	invite(&s, &(struct terms){});
	hand_in(&s, TOKEN_HEX, &response);
	assert_answer(201, nullptr, &response);
	signed_in_pass(&s, 25 * SIGNED_IN_HOUR_MS);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_1);
	signed_in_ask(&s, "DELETE", "/v1/session", cookie, (struct bytes){}, &response);
	assert_int_equal(204, response.status);
	assert_replays(s.house.keeper);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct forgery forgery = {cases[i].type, cases[i].from, cases[i].to};
		const struct replayed replayed = log_replay(s.house.keeper, &forgery);
		const char *found = replayed.difference;
		if (strncmp(found, cases[i].difference, strlen(cases[i].difference)) != 0)
			fail_msg("%s: expected \"%s\", found \"%s\"", cases[i].to, cases[i].difference, found);
		assert_true(replayed.counts.different > 0);
	}
}

/* As earlier versions wrote them: whose they are is not said, and is not compared. */
static void
entries_that_name_no_legal_entity_replay_all_the_same(void **) {
	static const enum entry_type types[] = {ENTRY_ENROLMENT, ENTRY_SIGN_IN, ENTRY_SIGN_OUT};
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	invite(&s, &(struct terms){});
	hand_in(&s, TOKEN_HEX, &response);
	assert_answer(201, nullptr, &response);
	signed_in_pass(&s, 25 * SIGNED_IN_HOUR_MS);
	const char *cookie = signed_in_cookie(&s, FIRM_PERSON_1);
	signed_in_ask(&s, "DELETE", "/v1/session", cookie, (struct bytes){}, &response);
	assert_int_equal(204, response.status);
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		const struct forgery forgery = {types[i], "\"legal_entity\":", "\"legal_entitx\":"};
		assert_string_equal("", log_replay(s.house.keeper, &forgery).difference);
	}
}

/* --- Whom it was approved for. --- */

enum event { EVENT_GROUP, EVENT_DELEGATION, EVENT_POLICY };

/* What comes between an invitation and its use. */
static void
happen(struct signed_in *s, enum event event) {
	_cleanup_(buffer_free) struct buffer bundle = {};
	int64_t now_ms = house_now_ms(&s->house);
	long long from_ms = now_ms + 25 * SIGNED_IN_HOUR_MS, until_ms = from_ms + SIGNED_IN_HOUR_MS;
	switch (event) {
	case EVENT_GROUP:
		signed_in_do(s, "group.member_add", "group:treasury",
			     arena_format(&s->arena, "{\"effective_from\":%lld,\"person\":\"%s\"}", from_ms, GUEST));
		return;
	case EVENT_DELEGATION:
		signed_in_do(s, "delegate", PERSON,
			     arena_format(&s->arena, "{\"by\":\"%s\",\"effective_from\":%lld,\"until\":%lld}", GUEST,
					  from_ms, until_ms));
		return;
	case EVENT_POLICY: /* the same again is another activation */
		assert_ok(firm_activation(nullptr, &bundle));
		signed_in_do(s, "policy.activate", "system:gatehouse", (const char *)bundle.data);
		return;
	}
}

static void
add_guest(struct signed_in *s) {
	uint8_t seed[32] = {9}, public_key[32];
	char hex[65];
	assert_ok(ed25519_public_key(seed, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	signed_in_do(
		s, "person.add", "desk:options",
		arena_format(&s->arena,
			     "{\"keys\":[{\"class\":\"plain\",\"effective_from\":%lld,\"name\":\"main\",\"public_key\":"
			     "\"%s\"}],\"person\":\"%s\"}",
			     (long long)(house_now_ms(&s->house) + 25 * SIGNED_IN_HOUR_MS), hex, GUEST));
}

static void
invite_guest(struct signed_in *s, int64_t waiting_ms) {
	signed_in_do(s, "principal.invite", GUEST, payload_of(s, &(struct terms){.waiting_ms = waiting_ms}));
}

static const struct directory_key *
guests_phone(struct signed_in *s) {
	return directory_key(keeper_gate(s->house.keeper)->state->directory,
			     BYTES_OF_LITERAL("person:p-00000000000000aa/phone"));
}

/* What was approved was approved of somebody of whom less was asked. Before and after a restart. */
static void
assert_outdated(struct signed_in *s) {
	struct ipc_response response;
	for (size_t i = 0; i < 2; i++) {
		ask_options(s, "{\"token\":\"" TOKEN_HEX "\"}", &response);
		assert_problem(s, 401, "enrolment.outdated", &response);
		hand_in_for(s, GUEST, TOKEN_HEX, &response);
		assert_problem(s, 401, "enrolment.outdated", &response);
		assert_null(guests_phone(s));
		restart(s);
	}
}

static void
ask_again(struct signed_in *s, const struct terms *terms, struct ipc_response *response) {
	assert_ok(house_submit(&s->house, &s->arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "principal.invite",
						       .resource = GUEST,
						       .payload = payload_of(s, terms)},
			       response));
}

static void
who_was_invited_before_they_voted_for_a_group_is_invited_again_and_waits(void **) {
	for (enum event event = EVENT_GROUP; event <= EVENT_DELEGATION; event++) {
		_cleanup_(signed_in_free) struct signed_in s;
		struct ipc_response response;
		signed_in_set_up(&s);
		add_guest(&s);
		invite_guest(&s, 24 * SIGNED_IN_HOUR_MS);
		happen(&s, event);
		assert_outdated(&s);
		/* With the token of before nobody is invited twice. */
		ask_again(&s, &(struct terms){.waiting_ms = 1}, &response);
		assert_problem(&s, 403, "operation.denied", &response);
		ask_again(&s, &(struct terms){.name = "tablet"}, &response);
		assert_answer(202, "held", &response);
		assert_replays(s.house.keeper);
	}
}

/* Whatever another policy would ask was not asked. */
static void
who_was_invited_under_another_policy_is_invited_again(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	struct ipc_response response;
	signed_in_set_up(&s);
	add_guest(&s);
	invite_guest(&s, 24 * SIGNED_IN_HOUR_MS);
	happen(&s, EVENT_POLICY);
	assert_outdated(&s);
	ask_again(&s, &(struct terms){.name = "tablet"}, &response);
	assert_answer(202, "held", &response);
}

/* Invited as a member or delegate, or made one once the passkey is there: the one waits by its invitation, the other as an addition does. */
static void
who_votes_for_a_group_when_invited_or_has_a_passkey_before_is_not_held_up(void **) {
	for (enum event event = EVENT_GROUP; event <= EVENT_POLICY; event++) {
		_cleanup_(signed_in_free) struct signed_in s;
		struct ipc_response response;
		signed_in_set_up(&s);
		add_guest(&s);
		if (event == EVENT_POLICY) { /* used before */
			invite_guest(&s, 24 * SIGNED_IN_HOUR_MS);
			hand_in_for(&s, GUEST, TOKEN_HEX, &response);
			assert_answer(201, nullptr, &response);
			happen(&s, EVENT_POLICY);
			happen(&s, EVENT_GROUP);
		} else {
			happen(&s, event);
			invite_guest(&s, 24 * SIGNED_IN_HOUR_MS);
			hand_in_for(&s, GUEST, TOKEN_HEX, &response);
			assert_answer(201, nullptr, &response);
			assert_true(guests_phone(&s)->usable_from_ms >=
				    house_now_ms(&s.house) + 24 * SIGNED_IN_HOUR_MS - 1000);
		}
		restart(&s);
		assert_non_null(guests_phone(&s));
		const struct replay_counts counts = assert_replays(s.house.keeper);
		assert_int_equal(1, counts.enrolments);
	}
}

/* A log in which a keeper took the passkey all the same: what came between the two is put before the enrolment. */
static void
a_log_with_a_passkey_by_an_outdated_invitation_does_not_follow(void **) {
	for (enum event event = EVENT_GROUP; event <= EVENT_POLICY; event++) {
		_cleanup_(signed_in_free) struct signed_in s;
		struct ipc_response response;
		signed_in_set_up(&s);
		add_guest(&s);
		invite_guest(&s, 24 * SIGNED_IN_HOUR_MS);
		hand_in_for(&s, GUEST, TOKEN_HEX, &response);
		assert_answer(201, nullptr, &response);
		happen(&s, event);
		const char *found = late_enrolment_difference(&s);
		if (strncmp(found, "an enrolment does not hold: enrolment.outdated", 46) != 0)
			fail_msg("event %d: \"%s\"", event, found);
	}
}

RUN_TESTS(T(a_passkey_is_enrolled_once_and_counts_after_its_waiting_time),
	  T(an_invitation_is_good_while_it_lasts_and_for_whom_it_is), T(what_was_approved_is_what_is_enrolled),
	  T(an_invitation_waits_and_is_approved_like_a_passkey), T(a_body_that_is_none_is_refused_by_name),
	  T(what_was_changed_in_the_log_differs_in_replay), T(entries_that_name_no_legal_entity_replay_all_the_same),
	  T(who_was_invited_before_they_voted_for_a_group_is_invited_again_and_waits),
	  T(who_was_invited_under_another_policy_is_invited_again),
	  T(who_votes_for_a_group_when_invited_or_has_a_passkey_before_is_not_held_up),
	  T(a_log_with_a_passkey_by_an_outdated_invitation_does_not_follow))
