/*
 * For test vectors of what is sealed at rest: OpenSSL's generator gives a stream that repeats, as long as it is told to. Every seal draws
 * its nonce, 12 bytes, from it (docs/PROTOCOL.threshold §12). Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_SEEDED_SEALS_H
#define GATEHOUSE_TESTS_SEEDED_SEALS_H

#include <openssl/rand.h>

#include "keys/root_key.h"
#include "tests/threshold_parties.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* RAND_METHOD: of what replaced it nothing is so short */

static struct repeating *seeded_seals_stream;

static inline int
seeded_seals_fill(unsigned char *to, int len) {
	repeating_fill(seeded_seals_stream, to, (size_t)len);
	return 1;
}

static inline int
seeded_seals_status(void) {
	return 1;
}

/* From this stream; null: from the system again. */
static inline void
seals_draw_from(struct repeating *stream) {
	static const RAND_METHOD method = {
		.bytes = seeded_seals_fill, .pseudorand = seeded_seals_fill, .status = seeded_seals_status};
	seeded_seals_stream = stream;
	assert_int_equal(1, RAND_set_rand_method(stream == nullptr ? nullptr : &method));
}

#pragma GCC diagnostic pop

#define SEALS_ROOT_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* What is derived from that root key for this use. */
static inline void
seals_key(const char *label, uint8_t key[AEAD_KEY_SIZE]) {
	_cleanup_(root_key_destroy) struct root_key *root = nullptr;
	_cleanup_(buffer_free) struct buffer record = {};
	assert_ok(root_key_create(&root, ROOT_KEY_FILE, bytes_of_text(SEALS_ROOT_KEY), ROOT_KEY_COST, &record));
	assert_ok(root_key_derive(root, label, key));
}

#endif
