/*
 * A passkey in software, with the browser that asks it: what the demo's people approve with where people have an authenticator.
 * ES256, for the relying party localhost; attests nothing; says that its user touched it and was verified.
 *
 * Owner: the caller; the key lies in the clear, as everything that the demo's people hold. Threads: one. Source: Web Authentication
 * Level 3 §5.8.1, §6.1, §6.5.
 */
#ifndef GATEHOUSE_CLI_DEMO_SOFTWARE_PASSKEY_H
#define GATEHOUSE_CLI_DEMO_SOFTWARE_PASSKEY_H

#include "base/bytes.h"
#include "crypto/hash.h"

#define SOFTWARE_PASSKEY_RP_ID "localhost"

struct software_passkey {
	uint8_t private_key[32];
	uint8_t credential_id[32];
	const char *origin; /* of the page that asks: "http://localhost:40125" */
	uint32_t counter;
};

void software_passkey_make(struct software_passkey *passkey, const char *origin);
/* What navigator.credentials.create() gives: appended. */
enum status software_passkey_register(struct software_passkey *passkey, const struct hash256 *challenge,
				      struct buffer *attestation_object, struct buffer *client_data);

struct software_assertion {
	struct buffer authenticator_data, client_data, signature;
};
void software_assertion_free(struct software_assertion *assertion); /* a cleanup function */
/* What navigator.credentials.get() gives for this challenge, whatever the page showed. */
enum status software_passkey_assert(struct software_passkey *passkey, const struct hash256 *challenge,
				    struct software_assertion *assertion);

#endif
