/*
 * What the parties of a dealing agree on before it: whether it makes sense, and its hash, to which the session is bound.
 * For dealing.c. Errors: STATUS_INVALID "dealing.terms", and those of session.h and key.h.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_DEALING_TERMS_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_DEALING_TERMS_H

#include "keys/threshold/ecdsa/dealing.h"

enum status dealing_check_terms(const struct dealing_terms *terms);
struct hash256 dealing_hash_request(const struct dealing_terms *terms, const struct party_set *dealers);

#endif
