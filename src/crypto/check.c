#include "crypto/check.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/log.h"

void
crypto_fatal(const char *act) {
	char reason[256];
	ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
	log_error("crypto.fatal: %s failed in the library (%s); the process ends", act, reason);
	abort();
}
