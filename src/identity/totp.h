/*
 * Time-based one-time passwords (RFC 6238, over HOTP of RFC 4226): steps of 30 seconds, HMAC-SHA-1 or HMAC-SHA-256, six to eight
 * digits. A weaker factor: whoever is led to another's page types it there as well.
 *
 * A code is taken for the present step, the one before and the one after (RFC 6238 §5.2), each step once and never one before the
 * last that was taken. All that depends on the secret is computed without branches and without indexes on it; whether a code
 * matches is public. Threads: any. Errors: STATUS_INVALID totp.form, totp.secret; STATUS_UNAUTHORIZED totp.mismatch.
 */
#ifndef GATEHOUSE_IDENTITY_TOTP_H
#define GATEHOUSE_IDENTITY_TOTP_H

#include "base/bytes.h"

constexpr int64_t TOTP_STEP_MS = 30'000;
constexpr size_t TOTP_SECRET_MIN = 16; /* RFC 4226 §4, R6 */
constexpr size_t TOTP_SECRET_MAX = 64;
constexpr unsigned TOTP_DIGITS_MIN = 6;
constexpr unsigned TOTP_DIGITS_MAX = 8;

enum totp_algorithm { TOTP_SHA1, TOTP_SHA256, TOTP_ALGORITHMS };
const char *totp_algorithm_name(enum totp_algorithm algorithm);                             /* "sha1", "sha256" */
enum status totp_algorithm_parse(struct bytes name, enum totp_algorithm *algorithm);        /* totp.form */
enum status totp_check_form(enum totp_algorithm algorithm, unsigned digits, size_t secret); /* totp.form, totp.secret */

/* digits: 6 to 8. */
uint32_t totp_code(enum totp_algorithm algorithm, struct bytes secret, uint64_t step, unsigned digits);

/* code: digits as they were typed. *step receives which step it is of; after: only later ones. */
enum status totp_match(enum totp_algorithm algorithm, struct bytes secret, unsigned digits, struct bytes code,
		       int64_t now_ms, int64_t after, int64_t *step);

#endif
