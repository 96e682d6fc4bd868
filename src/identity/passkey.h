/*
 * The relying party's two ceremonies (WebAuthn Level 3 §7): a passkey is registered, a passkey is used. Everything is checked from
 * the bytes that authenticator and browser gave, in one place, and with nothing but them: so the keeper, replay and an auditor
 * check alike.
 *
 * What is signed is the caller's: the digest of an operation or of an approval statement, or the digest of an enrolment. Each is
 * different for ever (idempotency keys, nonces), and each is taken once where it is applied, so that no challenge serves twice.
 *
 * Views borrow from what was given. Threads: any. Errors: those of client_data, authenticator_data, attestation, cose; and
 * passkey.algorithm, passkey.backup (STATUS_UNAUTHORIZED), signature.mismatch.
 */
#ifndef GATEHOUSE_IDENTITY_PASSKEY_H
#define GATEHOUSE_IDENTITY_PASSKEY_H

#include "identity/attestation.h"
#include "identity/authenticator_trust.h"
#include "identity/client_data.h"

constexpr size_t RP_ID_MAX = 253;

struct relying_party {
	struct bytes id; /* a host name: "gate.example" */
	/* Exact origins. None: any origin that may speak for id, where evidence is checked again without the configuration. */
	const char *const *origins;
	size_t origin_count;
};

/* What is kept of a passkey. */
struct passkey {
	struct bytes rp_id;
	struct bytes credential_id;
	struct bytes cose_key;
	struct bytes aaguid;
	bool backup_eligible; /* may be copied to other devices: never AAL3 */
	bool is_certified; /* its maker vouches for it, by a certificate that leads to a root pinned then and ever since */
	uint32_t counter;
};

struct passkey_registration {
	struct bytes attestation_object;
	struct bytes client_data;
};

/* §7.1. The user was verified by the authenticator. trust (may be null: nobody is believed) at that time decides is_certified;
 * a statement that does not verify is refused, one that leads nowhere is merely not certified. */
enum status passkey_register(struct arena *arena, const struct relying_party *party, struct bytes challenge,
			     const struct passkey_registration *registration, const struct authenticator_trust *trust,
			     int64_t at_ms, struct passkey *passkey);

struct passkey_assertion {
	struct bytes authenticator_data;
	struct bytes client_data;
	struct bytes signature;
};

/* §7.2 but for the counter, which needs an order: the caller compares it (authenticator_counter_check) and keeps it. The
 * authenticator verified its user. The relying party is the passkey's own; of party, the origins count. Whatever depends on the
 * passkey is told to whoever signed with it alone. Where there is none, passkey is null, and it is a wrong signature at the cost of
 * one (identity/unknown_key.h). */
enum status passkey_verify(struct arena *arena, const struct relying_party *party, const struct passkey *passkey,
			   struct bytes challenge, const struct passkey_assertion *assertion, uint32_t *counter);

/* NIST SP 800-63B-4 §2: what its use with user verification amounts to. 3 needs a key that cannot leave its hardware, which only
 * a maker's certificate shows, and is never given to a passkey that may be copied; 2 otherwise. */
int passkey_assurance_level(const struct passkey *passkey);

/* What a new passkey signs at its enrolment: SHA-256 of the canonical {instance, name, nonce, person, type
 * "gatehouse/passkey-enrolment/v1"}, so that an enrolment made for one person, name or installation serves no other. */
enum status passkey_enrolment_challenge(struct bytes instance, struct bytes person, struct bytes name,
					const uint8_t nonce[16], struct hash256 *challenge);

#endif
