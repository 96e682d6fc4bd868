#include "tests/test.h"

#include <stdio.h>

#include "identity/totp.h"

static const struct bytes SHA1_SECRET = BYTES_OF_LITERAL("12345678901234567890"),
			  SHA256_SECRET = BYTES_OF_LITERAL("12345678901234567890123456789012");

/* RFC 6238, appendix B. */
static void
the_published_codes_come_out(void **) {
	static const struct {
		int64_t time_s;
		uint32_t sha1, sha256;
	} vectors[] = {
		{59, 94287082, 46119246},         {1111111109, 7081804, 68084774},  {1111111111, 14050471, 67062674},
		{1234567890, 89005924, 91819424}, {2000000000, 69279037, 90698825}, {20000000000, 65353130, 77737706},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		uint64_t step = (uint64_t)vectors[i].time_s / 30;
		for (unsigned digits = 6; digits <= 8; digits++) {
			uint32_t modulus = digits == 6 ? 1'000'000 : digits == 7 ? 10'000'000 : 100'000'000;
			assert_int_equal(vectors[i].sha1 % modulus, totp_code(TOTP_SHA1, SHA1_SECRET, step, digits));
			assert_int_equal(vectors[i].sha256 % modulus,
					 totp_code(TOTP_SHA256, SHA256_SECRET, step, digits));
		}
	}
}

/* RFC 4226, appendix D: HOTP values of six digits by counter. */
static void
the_counters_of_hotp_come_out(void **) {
	static const uint32_t codes[] = {755224, 287082, 359152, 969429, 338314,
					 254676, 287922, 162583, 399871, 520489};
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++)
		assert_int_equal(codes[i], totp_code(TOTP_SHA1, SHA1_SECRET, i, 6));
}

static enum status
match(int64_t of_step, int64_t now_step, int64_t after, int64_t *step) {
	char text[16];
	snprintf(text, sizeof text, "%06u", totp_code(TOTP_SHA256, SHA256_SECRET, (uint64_t)of_step, 6));
	return totp_match(TOTP_SHA256, SHA256_SECRET, 6, bytes_of_text(text), now_step * TOTP_STEP_MS + 29'999, after,
			  step);
}

static void
a_code_is_good_one_step_early_or_late_and_once(void **) {
	int64_t step;
	for (int64_t off = -1; off <= 1; off++) {
		assert_ok(match(1000 + off, 1000, 0, &step));
		assert_int_equal(1000 + off, step);
	}
	assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch", match(998, 1000, 0, &step));
	assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch", match(1002, 1000, 0, &step));
	assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch", match(1000, 1000, 1000, &step));
	assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch", match(999, 1000, 1000, &step));
	assert_ok(match(1001, 1000, 1000, &step));
	assert_fails(STATUS_UNAUTHORIZED, "totp.mismatch",
		     totp_match(TOTP_SHA256, SHA256_SECRET, 6, BYTES_OF_LITERAL("000000"), 30'000'000, 0, &step));
}

static void
what_is_no_code_is_refused_by_name(void **) {
	static const char *const codes[] = {"", "12345", "1234567", "12345a", "-12345", " 12345", "１23456", "12345\n"};
	int64_t step;
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++)
		assert_fails(STATUS_INVALID, "totp.form",
			     totp_match(TOTP_SHA1, SHA1_SECRET, 6, bytes_of_text(codes[i]), 0, 0, &step));
	assert_fails(STATUS_INVALID, "totp.form", totp_check_form(TOTP_SHA1, 5, 20));
	assert_fails(STATUS_INVALID, "totp.form", totp_check_form(TOTP_SHA1, 9, 20));
	assert_fails(STATUS_INVALID, "totp.secret", totp_check_form(TOTP_SHA1, 6, 15));
	assert_fails(STATUS_INVALID, "totp.secret", totp_check_form(TOTP_SHA1, 6, 65));
	enum totp_algorithm algorithm;
	assert_fails(STATUS_INVALID, "totp.form", totp_algorithm_parse(BYTES_OF_LITERAL("md5"), &algorithm));
}

RUN_TESTS(T(the_published_codes_come_out), T(the_counters_of_hotp_come_out),
	  T(a_code_is_good_one_step_early_or_late_and_once), T(what_is_no_code_is_refused_by_name))
