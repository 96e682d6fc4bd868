/*
 * Enrolment by invitation: whoever holds the token of an approved principal.invite makes a passkey and hands it in, once.
 *
 * The body is {"attestation_object", "client_data", "rp_id", "token"}: hexadecimal but for the host. The challenge names installation,
 * person, name and the beginning of the token's hash, as one of principal.passkey_add does (identity/passkey.h), and the same is
 * verified. What the invitation demands (certified, not synced) is held to here, since that is what people approved. The entry holds
 * the registration, so the passkey is verified again at every restart and in replay. docs/PROTOCOL.entries.
 *
 * Of several keepers the one that was asked hands over what it enrolled, as it was received, and the others take it in the same way: under
 * the invitation in their own state, with the token itself, and once (keeper/enrolments.h). They may do so for a while after the
 * invitation's end. A passkey that is another one than was enrolled here by the same token is not taken: that there are two is recorded.
 *
 * Threads: enrolment_read() and _verify() many at once; everything else in order. Errors: STATUS_UNAUTHORIZED enrolment.refused (no
 * such invitation, or it is over; its person suspended), .outdated (identity/invitations.h), .not_certified, .synced; those of identity/passkey.h and directory.
 */
#ifndef GATEHOUSE_GATE_ENROLMENT_H
#define GATEHOUSE_GATE_ENROLMENT_H

#include "gate/gate.h"
#include "identity/invitations.h"

constexpr size_t INVITATION_TOKEN_SIZE = 32;

enum enrolment_outcome {
	ENROLMENT_MADE,
	/* Of what another keeper handed over: */
	ENROLMENT_KNOWN,         /* this very passkey is enrolled by the invitation already */
	ENROLMENT_DIFFERS,       /* another one is: to be recorded */
	ENROLMENT_DIFFERS_KNOWN, /* and was recorded, as that keeper's, before */
};

struct enrolment {
	struct hash256 token; /* SHA-256 of it */
	struct bytes rp_id;
	struct passkey_registration registration;
	struct bytes from; /* the keeper that handed it over; empty: the person did, here */
	uint8_t party;     /* of that keeper */
	/* Once it is taken. */
	enum enrolment_outcome outcome;
	struct bytes key_id;
	struct bytes legal_entity; /* that its person stands in; a view into the state */
	int64_t usable_from_ms;
};

/* What was enrolled: SHA-256 over relying party, attestation object and client data. */
struct hash256 enrolment_registration_hash(const struct enrolment *enrolment);

/* {"token"}, 32 bytes: what an enrolment would be made under. */
enum status enrolment_read_token(struct arena *arena, struct bytes body, struct hash256 *token);
enum status enrolment_find(const struct gate *gate, const struct hash256 *token, int64_t now_ms,
			   const struct invitation **invitation);

enum status enrolment_read(struct arena *arena, struct bytes body, struct enrolment *enrolment);
/* All but the order; at one of our own addresses. */
enum status enrolment_verify(const struct gate *gate, struct arena *arena, int64_t now_ms,
			     const struct enrolment *enrolment);
/* The passkey is enrolled and the invitation used; what follows is to be recorded. Of what was handed over the outcome may be another,
 * and then nothing is enrolled. */
enum status enrolment_take(struct gate *gate, struct arena *arena, int64_t now_ms, struct enrolment *enrolment);
/* The body of an entry `enrolment`, or `divergence` where it differs. */
enum status enrolment_write(const struct enrolment *enrolment, int64_t now_ms, struct buffer *body);
/* Passkeys that are in force here and of which another keeper has another by the same invitation. */
size_t enrolments_that_differ(const struct gate_state *state);

/* --- From the log. --- */
enum status enrolment_read_entry(struct arena *arena, const json *body, struct enrolment *enrolment, int64_t *at_ms);
enum status enrolment_restore(struct gate *gate, struct arena *arena, const json *body);
enum status enrolment_read_divergence(struct arena *arena, const json *body, struct enrolment *enrolment,
				      int64_t *at_ms);
enum status enrolment_restore_divergence(struct gate *gate, struct arena *arena, const json *body);
/* The registration under an invitation, by any origin that may speak for its relying party; trust may be null. */
enum status enrolment_check(struct arena *arena, struct bytes instance, const struct invitation *invitation,
			    const struct enrolment *enrolment, const char *const *origins, size_t origin_count,
			    const struct authenticator_trust *trust, int64_t at_ms, struct passkey *passkey);

#endif
