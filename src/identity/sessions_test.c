/* When sessions end, whose token is good, and how tokens are renewed: on given times. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "identity/sessions.h"

#define B(text) BYTES_OF_LITERAL(text)
#define ANNA B("person:p-anna")
#define ANNAS_KEY B("person:p-anna/phone")
#define BERTS_KEY B("person:p-bert/phone")

constexpr int64_t SECOND = 1000;
constexpr int64_t MINUTE = 60 * SECOND;
constexpr int64_t HOUR = 60 * MINUTE;
constexpr int64_t START = INT64_C(1'800'000'000'000);
static const struct bytes NO_CERTIFICATE;

static void
add_person(struct directory *directory, struct bytes person, uint8_t number) {
	uint8_t seed[32] = {number}, public_key[32];
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(directory_add_person(directory, person, B("treasury")));
	assert_ok(directory_add_key(directory, person, B("phone"), public_key, DIRECTORY_KEY_PLAIN, (struct bytes){}));
}

static struct directory *
firm(void) {
	struct directory *directory = nullptr;
	assert_ok(directory_create(&directory));
	assert_ok(directory_add_unit(directory, UNIT_LEGAL_ENTITY, B("acme-ag"), (struct bytes){}));
	assert_ok(directory_add_unit(directory, UNIT_DESK, B("treasury"), B("acme-ag")));
	add_person(directory, ANNA, 1);
	add_person(directory, B("person:p-bert"), 2);
	return directory;
}

/* Both clocks alike. */
static struct session_time
both(int64_t at_ms) {
	return (struct session_time){at_ms, at_ms - START + HOUR};
}

typedef uint8_t token[SESSION_TOKEN_SIZE];

static const struct session *
start(struct sessions *sessions, struct bytes key, int assurance_level, token token) {
	const struct session *session = nullptr;
	assert_ok(sessions_start(sessions, key, assurance_level, NO_CERTIFICATE, both(START), token, &session));
	return session;
}

/* A person's request; the new token, if there is one, is put into the place of the old. */
static enum status
request(struct sessions *sessions, const struct directory *directory, token token, int64_t at_ms) {
	struct session_use use = {.is_activity = true, .may_renew = true};
	const struct session *session;
	TRY(sessions_use(sessions, directory, token, NO_CERTIFICATE, both(at_ms), &use, &session));
	if (use.is_renewed)
		memcpy(token, use.token, sizeof use.token);
	return OK;
}

#define assert_none(call) assert_fails(STATUS_UNAUTHORIZED, "session.none", call)

/* NIST SP 800-63B-4 §2.2.3 and §2.3.3. */
static void
a_session_ends_idle_and_in_all_by_its_assurance(void **) {
	static const struct {
		int assurance_level;
		int64_t idle_ms, overall_ms;
		struct session_limits configured; /* shorter, never longer */
	} cases[] = {{1, HOUR, 24 * HOUR},
		     {2, HOUR, 24 * HOUR},
		     {3, 15 * MINUTE, 12 * HOUR},
		     {2, 5 * MINUTE, 8 * HOUR, {.overall_ms = 8 * HOUR, .idle_ms = 5 * MINUTE}},
		     {3, 15 * MINUTE, 8 * HOUR, {.overall_ms = 8 * HOUR, .idle_ms = HOUR}},
		     {2, HOUR, 24 * HOUR, {.overall_ms = 48 * HOUR, .idle_ms = 2 * HOUR}}};
	_cleanup_(directory_destroy) struct directory *directory = firm();
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(sessions_free) struct sessions sessions = {.configured = cases[i].configured};
		token idle, busy;
		start(&sessions, ANNAS_KEY, cases[i].assurance_level, idle);
		start(&sessions, BERTS_KEY, cases[i].assurance_level, busy);
		int64_t at = START;
		while (at + cases[i].idle_ms - 1 < START + cases[i].overall_ms) {
			at += cases[i].idle_ms - 1;
			assert_ok(request(&sessions, directory, busy, at));
		}
		assert_none(request(&sessions, directory, idle, START + cases[i].idle_ms));
		assert_ok(request(&sessions, directory, busy, START + cases[i].overall_ms - 1));
		assert_none(request(&sessions, directory, busy, START + cases[i].overall_ms));
		assert_int_equal(sessions.count, 0);
	}
}

/* The wall clock was ahead, and people said so: the recorded time stands still until it is that late again. */
static void
a_clock_that_goes_back_prolongs_no_session(void **) {
	static const struct {
		int64_t now_ms, boot_ms; /* since the beginning */
		bool is_over;
	} cases[] = {{0, HOUR - 1, false}, {0, HOUR, true}, {HOUR - 1, 0, false}, {HOUR, 0, true},
		     {0, -1, true},        {-1, 0, true},   {-1, HOUR, true}};
	_cleanup_(directory_destroy) struct directory *directory = firm();
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(sessions_free) struct sessions sessions = {};
		const struct session *session;
		token token;
		struct session_time now = both(START);
		start(&sessions, ANNAS_KEY, 2, token);
		now.now_ms += cases[i].now_ms;
		now.boot_ms += cases[i].boot_ms;
		enum status status = sessions_find(&sessions, directory, token, NO_CERTIFICATE, now, &session);
		assert_int_equal(cases[i].is_over ? STATUS_UNAUTHORIZED : OK, status);
		sessions_sweep(&sessions, directory, now);
		assert_int_equal(!cases[i].is_over, sessions.count);
	}
	/* Used all the time, and it ends after a day none the less. */
	_cleanup_(sessions_free) struct sessions sessions = {};
	struct session_time now = both(START);
	struct session_use use = {.is_activity = true};
	const struct session *session;
	token token;
	start(&sessions, ANNAS_KEY, 2, token);
	for (int half_hours = 1; half_hours < 48; half_hours++) {
		now.boot_ms += HOUR / 2;
		assert_ok(sessions_use(&sessions, directory, token, NO_CERTIFICATE, now, &use, &session));
	}
	now.boot_ms += HOUR / 2;
	assert_none(sessions_use(&sessions, directory, token, NO_CERTIFICATE, now, &use, &session));
}

static void
watching_keeps_no_session_alive(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	_cleanup_(sessions_free) struct sessions sessions = {};
	const struct session *session;
	struct session_use watches = {};
	token token;
	start(&sessions, ANNAS_KEY, 2, token);
	for (int64_t at = START; at < START + HOUR; at += MINUTE) {
		assert_ok(sessions_use(&sessions, directory, token, NO_CERTIFICATE, both(at), &watches, &session));
		assert_false(watches.is_renewed);
	}
	assert_none(sessions_use(&sessions, directory, token, NO_CERTIFICATE, both(START + HOUR), &watches, &session));
}

static void
a_token_is_renewed_and_the_one_before_is_good_for_a_moment(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	_cleanup_(sessions_free) struct sessions sessions = {};
	const struct session *session;
	token first, second, lost;
	start(&sessions, ANNAS_KEY, 2, first);
	memcpy(second, first, sizeof first);
	int64_t at = START + SESSION_RENEWAL_MS;
	assert_ok(request(&sessions, directory, second, at - 1));
	assert_memory_equal(first, second, sizeof first);
	assert_ok(request(&sessions, directory, second, at));
	assert_memory_not_equal(first, second, sizeof first);

	/* The answer was lost: the old one is good, and after a while gets another new one, which ends the lost one. */
	memcpy(lost, second, sizeof lost);
	memcpy(second, first, sizeof second);
	assert_ok(request(&sessions, directory, second, at + SESSION_RENEWAL_RETRY_MS - 1));
	assert_memory_equal(first, second, sizeof first);
	assert_ok(request(&sessions, directory, second, at + SESSION_RENEWAL_RETRY_MS));
	assert_memory_not_equal(lost, second, sizeof lost);
	at += SESSION_RENEWAL_RETRY_MS;
	assert_none(sessions_find(&sessions, directory, lost, NO_CERTIFICATE, both(at), &session));

	/* Seen: the old one ends half a minute later. */
	assert_ok(request(&sessions, directory, second, at + SECOND));
	at += SECOND + SESSION_OVERLAP_MS;
	assert_ok(sessions_find(&sessions, directory, first, NO_CERTIFICATE, both(at - 1), &session));
	assert_none(sessions_find(&sessions, directory, first, NO_CERTIFICATE, both(at), &session));
	assert_ok(sessions_find(&sessions, directory, second, NO_CERTIFICATE, both(at), &session));
}

static void
a_session_is_of_the_certificate_that_it_began_under(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	_cleanup_(sessions_free) struct sessions sessions = {};
	const struct session *session;
	static const uint8_t own[32] = {1}, other[32] = {2};
	token token;
	assert_ok(sessions_start(&sessions, ANNAS_KEY, 2, BYTES_OF_ARRAY(own), both(START), token, &session));
	assert_ok(sessions_find(&sessions, directory, token, BYTES_OF_ARRAY(own), both(START), &session));
	assert_none(sessions_find(&sessions, directory, token, BYTES_OF_ARRAY(other), both(START), &session));
	assert_none(sessions_find(&sessions, directory, token, NO_CERTIFICATE, both(START), &session));
}

static void
a_persons_sessions_end_together_and_the_oldest_makes_room(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	_cleanup_(sessions_free) struct sessions sessions = {};
	const struct session *session;
	token tokens[SESSIONS_PER_PERSON_MAX + 1], other;
	start(&sessions, BERTS_KEY, 2, other);
	for (size_t i = 0; i <= SESSIONS_PER_PERSON_MAX; i++)
		start(&sessions, ANNAS_KEY, 2, tokens[i]);
	assert_none(sessions_find(&sessions, directory, tokens[0], NO_CERTIFICATE, both(START), &session));
	for (size_t i = 1; i <= SESSIONS_PER_PERSON_MAX; i++)
		assert_ok(sessions_find(&sessions, directory, tokens[i], NO_CERTIFICATE, both(START), &session));
	assert_int_equal(sessions_end_of(&sessions, ANNA), SESSIONS_PER_PERSON_MAX);
	assert_none(sessions_find(&sessions, directory, tokens[1], NO_CERTIFICATE, both(START), &session));
	assert_ok(sessions_find(&sessions, directory, other, NO_CERTIFICATE, both(START), &session));
	assert_int_equal(sessions_end_of(&sessions, B("person:p-ber")), 0); /* no prefix of a name */
}

static void
a_revoked_key_and_a_suspended_person_have_no_session(void **) {
	_cleanup_(directory_destroy) struct directory *directory = firm();
	_cleanup_(sessions_free) struct sessions sessions = {};
	const struct session *session;
	token annas, berts;
	start(&sessions, ANNAS_KEY, 2, annas);
	start(&sessions, BERTS_KEY, 2, berts);
	assert_ok(directory_revoke_key(directory, ANNAS_KEY));
	assert_none(sessions_find(&sessions, directory, annas, NO_CERTIFICATE, both(START), &session));
	assert_ok(directory_suspend(directory, B("person:p-bert"), true));
	sessions_sweep(&sessions, directory, both(START));
	assert_int_equal(sessions.count, 0);
	assert_none(sessions_find(&sessions, directory, berts, NO_CERTIFICATE, both(START), &session));
}

static void
what_is_no_token_is_no_session(void **) {
	static const char *const bad[] = {
		"",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* one short */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* one long */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", /* bits that are not used */
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
	};
	token token, again;
	char text[SESSION_TOKEN_TEXT + 1];
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_none(session_token_parse(bytes_of_text(bad[i]), token));
	for (size_t i = 0; i < sizeof token; i++)
		token[i] = (uint8_t)(i * 7);
	session_token_format(token, text);
	assert_ok(session_token_parse(bytes_of_text(text), again));
	assert_memory_equal(token, again, sizeof token);
}

RUN_TESTS(T(a_session_ends_idle_and_in_all_by_its_assurance), T(watching_keeps_no_session_alive),
	  T(a_clock_that_goes_back_prolongs_no_session), T(a_token_is_renewed_and_the_one_before_is_good_for_a_moment),
	  T(a_session_is_of_the_certificate_that_it_began_under),
	  T(a_persons_sessions_end_together_and_the_oldest_makes_room),
	  T(a_revoked_key_and_a_suspended_person_have_no_session), T(what_is_no_token_is_no_session))
