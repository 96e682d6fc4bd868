#include "identity/totp.h"

#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"

static const char *const NAMES[TOTP_ALGORITHMS] = {[TOTP_SHA1] = "sha1", [TOTP_SHA256] = "sha256"};

const char *
totp_algorithm_name(enum totp_algorithm algorithm) {
	return NAMES[algorithm];
}

enum status
totp_algorithm_parse(struct bytes name, enum totp_algorithm *algorithm) {
	for (size_t i = 0; i < TOTP_ALGORITHMS; i++)
		if (bytes_equal_text(name, NAMES[i])) {
			*algorithm = (enum totp_algorithm)i;
			return OK;
		}
	return fail(STATUS_INVALID, "totp.form: expected \"sha1\" or \"sha256\"");
}

enum status
totp_check_form(enum totp_algorithm algorithm, unsigned digits, size_t secret) {
	if (algorithm >= TOTP_ALGORITHMS || digits < TOTP_DIGITS_MIN || digits > TOTP_DIGITS_MAX)
		return fail(STATUS_INVALID, "totp.form: expected %u to %u digits", TOTP_DIGITS_MIN, TOTP_DIGITS_MAX);
	if (secret < TOTP_SECRET_MIN || secret > TOTP_SECRET_MAX)
		return fail(STATUS_INVALID, "totp.secret: %zu bytes, expected %zu to %zu", secret, TOTP_SECRET_MIN,
			    TOTP_SECRET_MAX);
	return OK;
}

/* All ones where a is b. */
static uint32_t
equals(uint32_t a, uint32_t b) {
	uint32_t difference = a ^ b;
	return ((difference | (0 - difference)) >> 31) - 1;
}

/* RFC 4226 §5.3, dynamic truncation: where in the MAC the number stands is as secret as the number. */
static uint32_t
truncated(const uint8_t *mac, size_t len) {
	uint32_t offset = mac[len - 1] & 0x0f, number = 0;
	for (uint32_t i = 0; i <= 0x0f; i++)
		number |= load_u32be(mac + i) & equals(i, offset);
	return number & 0x7fffffff;
}

/* Each a division by a constant, which is compiled to a multiplication. */
static uint32_t
last_digits(uint32_t number, unsigned digits) {
	switch (digits) {
	case 8:
		return number % 100'000'000;
	case 7:
		return number % 10'000'000;
	default:
		return number % 1'000'000;
	}
}

uint32_t
totp_code(enum totp_algorithm algorithm, struct bytes secret, uint64_t step, unsigned digits) {
	uint8_t counter[8], mac[32] = {};
	store_u64be(counter, step);
	size_t len = sizeof mac;
	if (algorithm == TOTP_SHA1) {
		len = 20;
		hmac_sha1(secret, BYTES_OF_ARRAY(counter), mac);
	} else {
		struct hash256 whole = hmac_sha256(secret, BYTES_OF_ARRAY(counter));
		memcpy(mac, whole.bytes, sizeof mac);
		secret_wipe(&whole, sizeof whole);
	}
	uint32_t code = last_digits(truncated(mac, len), digits);
	secret_wipe(mac, sizeof mac);
	return code;
}

static enum status
read_code(struct bytes text, unsigned digits, uint32_t *code) {
	*code = 0;
	if (text.len != digits)
		return fail(STATUS_INVALID, "totp.form: expected %u digits", digits);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return fail(STATUS_INVALID, "totp.form: expected %u digits", digits);
		*code = *code * 10 + (uint32_t)(text.data[i] - '0');
	}
	return OK;
}

/* All three steps are tried, whichever fits: how long it takes says nothing. */
enum status
totp_match(enum totp_algorithm algorithm, struct bytes secret, unsigned digits, struct bytes code, int64_t now_ms,
	   int64_t after, int64_t *step) {
	uint32_t given, found = 0;
	int64_t present = now_ms / TOTP_STEP_MS;
	TRY(read_code(code, digits, &given));
	for (uint32_t i = 0; i < 3; i++) {
		int64_t tried = present - 1 + (int64_t)i;
		uint32_t is_late = tried > after ? UINT32_MAX : 0; /* public */
		uint32_t expected = totp_code(algorithm, secret, (uint64_t)tried, digits);
		found |= equals(given, expected) & is_late & (i + 1) & (equals(found, 0));
	}
	declassify(&found, sizeof found);
	if (found == 0)
		return fail(STATUS_UNAUTHORIZED, "totp.mismatch: not a code of now, or one that was taken before");
	*step = present - 2 + (int64_t)found;
	return OK;
}
