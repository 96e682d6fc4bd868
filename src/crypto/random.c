#include "crypto/random.h"

#include <limits.h>
#include <stdint.h>

#include <openssl/rand.h>

#include "crypto/check.h"

void
random_bytes(void *to, size_t len) {
	uint8_t *at = to;
	while (len > 0) {
		int part = len > INT_MAX ? INT_MAX : (int)len;
		crypto_must(RAND_priv_bytes(at, part) == 1, "random bytes");
		at += part;
		len -= (size_t)part;
	}
}
