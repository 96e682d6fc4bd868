/*
 * No branch and no index on a secret of signing in (keys/constant_time_test.c says how this is seen): the key of challenges, a session's token on its way
 * into a cookie and out of one, the hash by which it is looked up, the secret and the codes of one-time passwords. declassify() stands where it becomes public
 * whether a challenge is ours and whether a code matches. A token is never compared: what is looked up is its hash.
 */
#include "tests/test.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "identity/challenges.h"
#include "identity/sessions.h"
#include "identity/totp.h"
#include "tests/constant_time.h"

static void
challenges(void **) {
	start_counting();
	_cleanup_(challenges_free) struct challenges made;
	uint8_t challenge[CHALLENGE_SIZE];
	challenges_start(&made);
	classify(made.key, sizeof made.key);
	(void)challenge_make(&made, 1000, challenge);
	declassify(challenge, sizeof challenge); /* it is given out */
	assert_ok(challenge_check(&made, challenge, 1000));
	challenge[20] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "challenge.foreign", challenge_check(&made, challenge, 1000));
	assert_no_leak();
}

/* As it is given out in a cookie, and as it comes back in one. */
static void
the_token_of_a_cookie(void **) {
	start_counting();
	uint8_t token[SESSION_TOKEN_SIZE], read[SESSION_TOKEN_SIZE];
	char text[SESSION_TOKEN_TEXT + 1];
	for (size_t i = 0; i < sizeof token; i++)
		token[i] = (uint8_t)(7 * i);
	classify(token, sizeof token);
	session_token_format(token, text);
	assert_ok(session_token_parse(bytes_of(text, SESSION_TOKEN_TEXT), read));
	declassify(read, sizeof read);
	declassify(token, sizeof token);
	assert_memory_equal(token, read, sizeof read);
	text[5] = '+';
	classify(text, SESSION_TOKEN_TEXT);
	assert_fails(STATUS_UNAUTHORIZED, "session.none",
		     session_token_parse(bytes_of(text, SESSION_TOKEN_TEXT), read));
	assert_no_leak();
}

static void
the_hash_of_a_token(void **) {
	start_counting();
	uint8_t token[32] = {1};
	classify(token, sizeof token);
	struct hash256 hash = sha256_of_secret(BYTES_OF_ARRAY(token));
	declassify(&hash, sizeof hash);
	assert_int_equal(0x01, hash.bytes[0] | 0x01);
	assert_no_leak();
}

static void
one_time_passwords(void **) {
	start_counting();
	for (enum totp_algorithm algorithm = TOTP_SHA1; algorithm < TOTP_ALGORITHMS; algorithm++)
		for (unsigned digits = TOTP_DIGITS_MIN; digits <= TOTP_DIGITS_MAX; digits++) {
			uint8_t secret[20] = {7};
			char text[16];
			int64_t step;
			classify(secret, sizeof secret);
			uint32_t code = totp_code(algorithm, BYTES_OF_ARRAY(secret), 100, digits);
			declassify(&code, sizeof code); /* it was shown to its owner */
			snprintf(text, sizeof text, "%0*u", (int)digits, code);
			assert_ok(totp_match(algorithm, BYTES_OF_ARRAY(secret), digits, bytes_of_text(text),
					     101 * TOTP_STEP_MS, 0, &step));
			assert_int_equal(100, step);
			text[2] = text[2] == '0' ? '1' : '0';
			assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch",
				     totp_match(algorithm, BYTES_OF_ARRAY(secret), digits, bytes_of_text(text),
						101 * TOTP_STEP_MS, 0, &step));
		}
	assert_no_leak();
}

int
main(int, char **argv) {
	const struct CMUnitTest tests[] = {T(challenges), T(the_token_of_a_cookie), T(the_hash_of_a_token),
					   T(one_time_passwords)};
	run_under_valgrind(argv);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
