/* Passkeys that their maker vouches for: what their use amounts to, and that it ends when the maker is believed no more. */
#include "tests/test.h"
#include "tests/signed_in.h"

#include <stdio.h>

#include "ledger/log.h"
#include "tests/maker.h"

static void
believe(struct signed_in *s, const struct maker *const *makers, size_t count) {
	_cleanup_(buffer_free) struct buffer payload = {};
	maker_trust(makers, count, &payload);
	signed_in_do(s, "authenticator.trust", "system:gatehouse", (const char *)payload.data);
}

/* Its maker is believed, and person 1 has a passkey of it that counts. */
static void
set_up(struct signed_in *s, struct maker *maker) {
	maker_make(maker);
	signed_in_set_up(s);
	believe(s, (const struct maker *[]){maker}, 1);
	s->authenticators[FIRM_PERSON_1].maker = &maker->attests;
	signed_in_enrol(s, FIRM_PERSON_1);
}

static bool
is_certified(const struct signed_in *s, enum firm_member of) {
	char id[80];
	snprintf(id, sizeof id, "%s/passkey", s->house.firm.members[of].principal);
	const struct directory_key *key =
		directory_key(keeper_gate(s->house.keeper)->state->directory, bytes_of_text(id));
	assert_non_null(key);
	return key->passkey->is_certified;
}

/* What the newest entry says of an operation that they sign by passkey. */
static void
assert_recorded(struct signed_in *s, enum firm_member by, const char *fact) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ipc_response response;
	struct ledger_head head;
	struct ledger_record record;
	s->house.firm.sign = signed_in_sign;
	s->house.firm.signer = s;
	assert_ok(house_submit(
		&s->house, &s->arena,
		(struct firm_operation){
			.by = by, .kind = "session.revoke", .resource = "person:p-0000000000000005", .payload = "{}"},
		&response));
	s->house.firm.sign = nullptr;
	assert_answer(200, "done", &response);
	ledger_durable_head(keeper_ledger(s->house.keeper), &head);
	for (uint64_t back = 1; back <= 4; back++) { /* the counts stand last */
		bytes.len = 0;
		assert_ok(ledger_read(keeper_ledger(s->house.keeper), head.head.size - back, &bytes, &record));
		if (memmem(record.leaf.data, record.leaf.len, fact, strlen(fact)) != nullptr)
			return;
	}
	fail_msg("no entry says %s", fact);
}

static void
assert_session(struct signed_in *s, int level, int64_t overall_ms, int64_t idle_ms) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	uint8_t challenge[32];
	int64_t now_ms, stated;
	int aal;
	signed_in_challenge(s, challenge);
	signed_in_body(s, FIRM_PERSON_1, challenge, &body);
	signed_in_ask(s, "POST", "/v1/session", nullptr, buffer_bytes(&body), &response);
	assert_answer(201, nullptr, &response);
	now_ms = house_now_ms(&s->house);
	assert_int_equal(2, sscanf((const char *)response.body.data, "{\"aal\":%d,\"expires\":%ld,", &aal, &stated));
	assert_int_equal(level, aal);
	assert_in_range(stated, now_ms + overall_ms - 60'000, now_ms + overall_ms);
	const char *idle = arena_format(&s->arena, "\"idle_ms\":%lld,", (long long)idle_ms);
	assert_non_null(memmem(response.body.data, response.body.len, idle, strlen(idle)));
	/* And so long it is. */
	const char *cookie = signed_in_set_cookie(s, &response);
	signed_in_pass(s, idle_ms - 1000);
	signed_in_ask(s, "GET", "/v1/session", cookie, (struct bytes){}, &response);
	assert_int_equal(200, response.status);
	signed_in_pass(s, 1000);
	signed_in_ask(s, "GET", "/v1/session", cookie, (struct bytes){}, &response);
	assert_int_equal(401, response.status);
}

/* NIST SP 800-63B-4 §2.3.3: twelve hours in all, a quarter of an hour idle. */
static void
a_passkey_that_its_maker_vouches_for_amounts_to_level_3(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(maker_free) struct maker maker;
	set_up(&s, &maker);
	assert_true(is_certified(&s, FIRM_PERSON_1));
	assert_false(is_certified(&s, FIRM_PERSON_2));
	assert_session(&s, 3, 12 * SIGNED_IN_HOUR_MS, SIGNED_IN_HOUR_MS / 4);
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":3");
	assert_recorded(&s, FIRM_PERSON_2, "\"mfa.aal\":2");
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":3");
}

/* Whoever vouches for it: what may be copied never does. */
static void
a_passkey_that_may_be_copied_is_never_of_level_3(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(maker_free) struct maker maker;
	maker_make(&maker);
	signed_in_set_up(&s);
	believe(&s, (const struct maker *[]){&maker}, 1);
	s.authenticators[FIRM_PERSON_1].maker = &maker.attests;
	s.authenticators[FIRM_PERSON_1].flags = 0x0d;
	signed_in_enrol(&s, FIRM_PERSON_1);
	assert_true(is_certified(&s, FIRM_PERSON_1));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":2");
}

/* What leads to another maker's certificate of the same name is nobody's word. */
static void
another_maker_vouches_for_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(maker_free) struct maker maker, other;
	maker_make(&maker);
	maker_make(&other);
	signed_in_set_up(&s);
	believe(&s, (const struct maker *[]){&maker}, 1);
	s.authenticators[FIRM_PERSON_1].maker = &other.attests;
	signed_in_enrol(&s, FIRM_PERSON_1);
	assert_false(is_certified(&s, FIRM_PERSON_1));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":2");
}

static void
who_is_believed_no_more_vouched_for_nothing(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(maker_free) struct maker maker, other;
	maker_make(&other);
	set_up(&s, &maker);
	/* One more root takes nothing back. */
	believe(&s, (const struct maker *[]){&other, &maker}, 2);
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":3");
	believe(&s, nullptr, 0);
	assert_false(is_certified(&s, FIRM_PERSON_1));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":2");
	assert_session(&s, 2, 24 * SIGNED_IN_HOUR_MS, SIGNED_IN_HOUR_MS);
	/* To be believed again vouches for what is made from then on. */
	believe(&s, (const struct maker *[]){&maker}, 1);
	assert_false(is_certified(&s, FIRM_PERSON_1));
	house_close(&s.house);
	assert_ok(house_open(&s.house));
	assert_false(is_certified(&s, FIRM_PERSON_1));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":2");
}

static void
a_root_that_is_taken_back_takes_what_led_to_it(void **) {
	_cleanup_(signed_in_free) struct signed_in s;
	_cleanup_(maker_free) struct maker maker, other;
	maker_make(&other);
	set_up(&s, &maker);
	believe(&s, (const struct maker *[]){&other}, 1);
	assert_false(is_certified(&s, FIRM_PERSON_1));
	assert_recorded(&s, FIRM_PERSON_1, "\"mfa.aal\":2");
}

RUN_TESTS(T(a_passkey_that_its_maker_vouches_for_amounts_to_level_3),
	  T(a_passkey_that_may_be_copied_is_never_of_level_3), T(another_maker_vouches_for_nothing),
	  T(who_is_believed_no_more_vouched_for_nothing), T(a_root_that_is_taken_back_takes_what_led_to_it))
