/*
 * Keys that there are not: what a signature is verified against where nobody has the key that it names, so that neither the answer
 * nor its cost tells whether somebody has. Which algorithm is worked through follows from the signature's form alone, never from
 * whose key it is; a key of another algorithm cannot have made it.
 *
 * Nothing that verifies by one of them is taken. Threads: any. tests/enumeration_test.py counts the instructions.
 */
#ifndef GATEHOUSE_IDENTITY_UNKNOWN_KEY_H
#define GATEHOUSE_IDENTITY_UNKNOWN_KEY_H

#include "crypto/sign.h"
#include "identity/cose.h"

extern const uint8_t unknown_key_ed25519[ED25519_PUBLIC_SIZE];

/* Whether it is a signature by that COSE key over the message; empty where there is none, and it is not. Every algorithm that such a
 * signature could be of is worked through once, by this key or by nobody's. Error: signature.mismatch (STATUS_UNAUTHORIZED). */
enum status cose_verify_evenly(struct bytes key, struct bytes message, struct bytes signature);

#endif
