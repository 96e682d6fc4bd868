/*
 * For tests of the log: fixed keys, a log on a simulated disk, entries to put into it.
 */
#ifndef GATEHOUSE_LEDGER_LOG_TESTING_H
#define GATEHOUSE_LEDGER_LOG_TESTING_H

#include <stdio.h>

#include "base/io.h"
#include "ledger/log.h"

struct log_keys {
	uint8_t ed25519_seed[32];
	struct mldsa44_private *mldsa44;
	struct head_keys keys;
	struct head_signer signer;
};

/* Made once per process and never freed: expanding keys is slow under sanitizers. */
static inline struct log_keys *
log_test_keys(void) {
	static struct log_keys keys;
	uint8_t seed[32], ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	if (keys.mldsa44 != nullptr)
		return &keys;
	memset(keys.ed25519_seed, 1, sizeof keys.ed25519_seed);
	memset(seed, 2, sizeof seed);
	if (ed25519_public_key(keys.ed25519_seed, ed25519) != OK || mldsa44_private_create(&keys.mldsa44, seed) != OK)
		abort();
	mldsa44_private_public_key(keys.mldsa44, mldsa44);
	if (head_keys_make(BYTES_OF_LITERAL("log.example/keeper-1"), ed25519, mldsa44, &keys.keys) != OK)
		abort();
	keys.signer = (struct head_signer){&keys.keys, keys.ed25519_seed, keys.mldsa44};
	return &keys;
}

static const struct bytes log_test_snapshot_key = BYTES_OF_LITERAL("the key of 32 bytes of this test");

/* Ends quietly: the test looks at the count. */
static inline void
log_test_fatal(void *, const char *) {}

static inline struct ledger_config
log_test_config(const struct io *io, const char *directory) {
	return (struct ledger_config){
		.io = io,
		.directory = directory,
		.signer = &log_test_keys()->signer,
		.first_segment_size = 128 * 1024,
		.segment_size = 128 * 1024,
		.snapshot_key = log_test_snapshot_key,
		.fatal = log_test_fatal,
		.is_manual = true,
	};
}

/* {"number":N}, with padding to make the leaf larger. */
static inline struct bytes
log_test_body(char *body, size_t capacity, uint64_t number, size_t padding) {
	int len = snprintf(body, capacity, "{\"number\":%llu,\"padding\":\"%0*d\"}", (unsigned long long)number,
			   (int)(padding > 0 ? padding : 1), 0);
	return bytes_of(body, (size_t)len);
}

#endif
