/*
 * A software authenticator with its browser: what tests enrol and sign with where people would have a passkey. ES256; attests
 * with none or packed, by itself or by its maker; says whatever flags, origin and counter it is told to, so that the refusals can be
 * tested as well.
 *
 * Owner: the caller. Errors end the test. Threads: one.
 */
#ifndef GATEHOUSE_TESTS_AUTHENTICATOR_H
#define GATEHOUSE_TESTS_AUTHENTICATOR_H

#include "base/bytes.h"

enum { AUTHENTICATOR_UP = 0x01, AUTHENTICATOR_UV = 0x04, AUTHENTICATOR_BE = 0x08, AUTHENTICATOR_BS = 0x10 };

/* Whose certificate attests in the place of the authenticator itself. */
struct authenticator_maker {
	struct bytes certificate; /* DER */
	const void *key;
	void (*sign)(const void *key, struct bytes message, struct buffer *signature);
};

struct authenticator {
	uint8_t private_key[32];
	uint8_t credential_id[32];
	uint8_t aaguid[16];
	const char *rp_id;
	const char *origin;
	uint8_t flags;
	uint32_t counter;                        /* the next one; 0 stays 0 */
	const char *client_extra;                /* more members of the client data, from a comma on; null: none */
	const struct authenticator_maker *maker; /* null: it attests itself */
};

/* A key and a credential id that follow from the number; UP and UV; counter 1. */
void authenticator_start(struct authenticator *authenticator, uint8_t number, const char *rp_id, const char *origin);

/* The COSE key, appended. */
void authenticator_key(const struct authenticator *authenticator, struct buffer *to);

struct registration_made {
	struct buffer attestation_object;
	struct buffer client_data;
};
void registration_made_free(struct registration_made *made); /* a cleanup function */
void authenticator_register(struct authenticator *authenticator, struct bytes challenge, bool self_attested,
			    struct registration_made *made);

struct assertion_made {
	struct buffer authenticator_data;
	struct buffer client_data;
	struct buffer signature;
};
void assertion_made_free(struct assertion_made *made); /* a cleanup function */
void authenticator_assert(struct authenticator *authenticator, struct bytes challenge, struct assertion_made *made);
/* A signature over authenticator data and client data as they stand, for tests that have changed them. */
void authenticator_sign(const struct authenticator *authenticator, struct bytes authenticator_data,
			struct bytes client_data, struct buffer *signature);

/* CBOR, appended: a head, and strings. */
void cbor_put(struct buffer *to, unsigned major, uint64_t argument);
void cbor_put_bytes(struct buffer *to, struct bytes bytes);
void cbor_put_text(struct buffer *to, const char *text);
void cbor_put_integer(struct buffer *to, int64_t number);

#endif
