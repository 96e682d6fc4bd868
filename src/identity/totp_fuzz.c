/*
 * Reader: identity/totp.c
 * The input is a code as somebody types it: it matches only if it is the code of a step near now, and is then found at that step.
 */
#include <stdio.h>
#include <stdlib.h>

#include "identity/totp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct bytes secret = BYTES_OF_LITERAL("12345678901234567890");
	enum totp_algorithm algorithm;
	int64_t step;
	if (totp_algorithm_parse(bytes_of(data, size), &algorithm) != OK)
		algorithm = size % 2 == 0 ? TOTP_SHA1 : TOTP_SHA256;
	for (unsigned digits = TOTP_DIGITS_MIN; digits <= TOTP_DIGITS_MAX; digits++) {
		char text[16];
		if (totp_check_form(algorithm, digits, size) != OK && size >= TOTP_SECRET_MIN &&
		    size <= TOTP_SECRET_MAX)
			abort();
		if (totp_match(algorithm, secret, digits, bytes_of(data, size), 59'000, 0, &step) != OK)
			continue;
		snprintf(text, sizeof text, "%0*u", (int)digits, totp_code(algorithm, secret, (uint64_t)step, digits));
		if (step < 1 || step > 2 || !bytes_equal_text(bytes_of(data, size), text))
			abort();
	}
	return 0;
}
