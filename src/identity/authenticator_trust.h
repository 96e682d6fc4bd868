/*
 * Which makers are believed, by model: an authenticator's AAGUID, and the certificates that its attestations must lead to.
 * An operation of people sets them; no file and no peer does.
 *
 * Owner: the keeper's state. Threads: many readers or one writer. Errors: certificate.der, authenticator_trust.full.
 */
#ifndef GATEHOUSE_IDENTITY_AUTHENTICATOR_TRUST_H
#define GATEHOUSE_IDENTITY_AUTHENTICATOR_TRUST_H

#include "base/map.h"
#include "crypto/certificate.h"

constexpr size_t AUTHENTICATOR_MODELS_MAX = 1024;

struct authenticator_trust {
	struct map models; /* AAGUID to struct certificate_roots */
};
void authenticator_trust_free(struct authenticator_trust *trust); /* a cleanup function */

/* Takes the roots over; replaces what the model had. Null roots: the model is believed no more. */
enum status authenticator_trust_set(struct authenticator_trust *trust, struct bytes aaguid,
				    struct certificate_roots *roots);
/* Null: that model's maker is not believed. */
const struct certificate_roots *authenticator_trust_of(const struct authenticator_trust *trust, struct bytes aaguid);
/* Whether what the model has now, if anything, is all among those certificates (null: none), so that whatever led to it still does. */
bool authenticator_trust_includes(const struct authenticator_trust *trust, struct bytes aaguid,
				  const struct certificate_roots *roots);

#endif
