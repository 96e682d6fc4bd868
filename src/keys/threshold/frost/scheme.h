/*
 * The signatures that a key shared by FROST can give, and the group that each is made in. With BIP-340 the group is that of RFC
 * 9591's secp256k1; BIP-445's hashes come in at signing (bip340.h).
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_SCHEME_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_SCHEME_H

#include "keys/threshold/frost/suite.h"

enum frost_scheme : uint8_t { FROST_SCHEME_ED25519 = 1, FROST_SCHEME_BIP340 = 2 }; /* stored, and bound into sessions */

/* Null for a number that is no scheme. */
const struct frost_suite *frost_scheme_suite(enum frost_scheme scheme);

#endif
