/*
 * The payload of principal.passkey_add: a passkey that a person made for this enrolment, and from when it counts.
 *
 * {"attestation_object", "client_data", "name", "nonce", "rp_id", "usable_from"}: hexadecimal, text, milliseconds since 1970. The
 * challenge that the passkey signed names installation, person, name and nonce (identity/passkey.h), so the same payload says the
 * same to the keeper, at every restart and in replay. Errors: payload.*, and those of identity/passkey.h.
 */
#ifndef GATEHOUSE_GATE_PASSKEY_ENROLMENT_H
#define GATEHOUSE_GATE_PASSKEY_ENROLMENT_H

#include "base/json.h"
#include "identity/passkey.h"

struct passkey_enrolment {
	struct bytes name;
	int64_t usable_from_ms;
	struct passkey passkey;
};

/* Verified. origins may be none: the exact origin is checked where the request arrives, and not again. Lives in the arena. */
enum status passkey_enrolment_read(struct arena *arena, struct bytes instance, struct bytes person, const json *payload,
				   const char *const *origins, size_t origin_count,
				   const struct authenticator_trust *trust, int64_t at_ms,
				   struct passkey_enrolment *enrolment);

#endif
