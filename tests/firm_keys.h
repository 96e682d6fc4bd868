/*
 * Keys of the firm of tests/firm.h, made in an open keeper as everybody makes them: asked for by one of security, approved by two
 * others. For tests and benchmarks of an installation that has many.
 */
#ifndef GATEHOUSE_TESTS_FIRM_KEYS_H
#define GATEHOUSE_TESTS_FIRM_KEYS_H

#include "keeper/keeper.h"
#include "tests/firm.h"

/* A secp256k1 key for transfers of options-hot. host: an authority of the keeper's. */
enum status firm_make_key(struct firm *firm, struct keeper *keeper, const char *instance, const char *host,
			  const char *id);

#endif
