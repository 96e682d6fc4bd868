/*
 * Certificates for tests: an authority, and what it signs, with whatever is right or wrong about them. P-256 keys made at random.
 * Owner: the caller frees what it made. Errors end the test.
 */
#ifndef GATEHOUSE_TESTS_CERTIFICATES_H
#define GATEHOUSE_TESTS_CERTIFICATES_H

#include <openssl/evp.h>

#include "base/bytes.h"

struct certificate_made {
	EVP_PKEY *key;
	struct buffer der;
};
void certificate_made_free(struct certificate_made *made); /* a cleanup function */

struct certificate_recipe {
	const struct certificate_made *issuer; /* null: signs itself */
	const char *issuer_name;               /* common name of the issuer; null: "Root" */
	const char *subject[8];                /* "C", "SE", "O", "Maker", ...; ends in null */
	bool is_authority;
	bool no_basic_constraints;
	bool version_1;
	long starts_s, ends_s; /* from now; ends 0: in a day */
	struct {
		const char *oid;
		struct bytes value; /* DER inside the octet string */
		bool is_critical;
	} extensions[4];
	EVP_PKEY *key; /* of the subject, borrowed; null: a new one */
};
void certificate_make(const struct certificate_recipe *recipe, struct certificate_made *made);
/* ECDSA with SHA-256, DER, appended. */
void certificate_sign(const struct certificate_made *made, struct bytes message, struct buffer *signature);

#endif
