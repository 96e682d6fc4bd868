/*
 * Enrolment by invitation: whoever holds the token of an approved principal.invite makes a passkey and hands it in, once.
 *
 * The body is {"attestation_object", "client_data", "rp_id", "token"}: hexadecimal but for the host. The challenge names installation,
 * person, name and the beginning of the token's hash, as one of principal.passkey_add does (identity/passkey.h), and the same is
 * verified. What the invitation demands (certified, not synced) is held to here, since that is what people approved. The entry holds
 * the registration, so the passkey is verified again at every restart and in replay. docs/PROTOCOL.entries.
 *
 * Threads: enrolment_read() and _verify() many at once; everything else in order. Errors: STATUS_UNAUTHORIZED enrolment.refused (no
 * such invitation, or it is over; its person suspended), .not_certified, .synced; those of identity/passkey.h and directory.
 */
#ifndef GATEHOUSE_GATE_ENROLMENT_H
#define GATEHOUSE_GATE_ENROLMENT_H

#include "gate/gate.h"
#include "identity/invitations.h"

constexpr size_t INVITATION_TOKEN_SIZE = 32;

struct enrolment {
	struct hash256 token; /* SHA-256 of it */
	struct bytes rp_id;
	struct passkey_registration registration;
	/* Once it is taken. */
	struct bytes key_id;
	int64_t usable_from_ms;
};

/* {"token"}, 32 bytes: what an enrolment would be made under. */
enum status enrolment_read_token(struct arena *arena, struct bytes body, struct hash256 *token);
enum status enrolment_find(const struct gate *gate, const struct hash256 *token, int64_t now_ms,
			   const struct invitation **invitation);

enum status enrolment_read(struct arena *arena, struct bytes body, struct enrolment *enrolment);
/* All but the order; at one of our own addresses. */
enum status enrolment_verify(const struct gate *gate, struct arena *arena, int64_t now_ms,
			     const struct enrolment *enrolment);
/* The passkey is enrolled and the invitation used; what follows is to be recorded. */
enum status enrolment_take(struct gate *gate, struct arena *arena, int64_t now_ms, struct enrolment *enrolment);
enum status enrolment_write(const struct enrolment *enrolment, int64_t now_ms, struct buffer *body);

/* --- From the log. --- */
enum status enrolment_read_entry(struct arena *arena, const json *body, struct enrolment *enrolment, int64_t *at_ms);
enum status enrolment_restore(struct gate *gate, struct arena *arena, const json *body);
/* The registration under an invitation, by any origin that may speak for its relying party; trust may be null. */
enum status enrolment_check(struct arena *arena, struct bytes instance, const struct invitation *invitation,
			    const struct enrolment *enrolment, const char *const *origins, size_t origin_count,
			    const struct authenticator_trust *trust, int64_t at_ms, struct passkey *passkey);

#endif
