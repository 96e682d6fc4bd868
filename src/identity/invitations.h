/*
 * Invitations: a person who holds a one-time token may enrol one passkey, under the terms that were approved. The token itself is
 * known to whoever made it and to the person; here, and in the log, stands its SHA-256.
 *
 * Owner: struct invitations owns copies. Threads: many readers or one writer. Errors: STATUS_INVALID payload.*, STATUS_CONFLICT
 * invitation.exists, STATUS_TOO_LARGE invitation.full.
 */
#ifndef GATEHOUSE_IDENTITY_INVITATIONS_H
#define GATEHOUSE_IDENTITY_INVITATIONS_H

#include "base/json.h"
#include "base/map.h"
#include "crypto/hash.h"

constexpr size_t INVITATIONS_MAX = 4096; /* at one time, those that are over not counted */
constexpr int64_t INVITATION_LIFETIME_MAX_MS = INT64_C(30) * 24 * 3600 * 1000;
constexpr int64_t INVITATION_WAITING_MAX_MS = INT64_C(365) * 24 * 3600 * 1000;
constexpr size_t INVITATION_NONCE_SIZE = 16;

struct invitation {
	struct hash256 token; /* SHA-256 of it */
	struct bytes person;
	struct bytes name;      /* that the passkey will have */
	int64_t expires_ms;     /* of the invitation */
	int64_t waiting_ms;     /* from the enrolment until the passkey counts */
	bool must_be_certified; /* its maker vouches for it */
	bool may_be_synced;     /* it may be copied to other devices */
};

/* The payload of principal.invite: {"certified", "expires", "name", "synced", "token_sha256", "waiting_ms"}. Views borrow. */
enum status invitation_read(const json *payload, struct bytes person, struct invitation *invitation);
/* What the challenge of the enrolment is made with: the first bytes of the token's hash. */
const uint8_t *invitation_nonce(const struct invitation *invitation);

struct invitations {
	struct map by_token;
};
void invitations_free(struct invitations *invitations); /* a cleanup function */

/* A copy. Those that are over at now_ms are forgotten. */
enum status invitations_add(struct invitations *invitations, const struct invitation *invitation, int64_t now_ms);
/* Null if there is none, or it is over. */
const struct invitation *invitations_find(const struct invitations *invitations, const struct hash256 *token,
					  int64_t now_ms);
/* It was used. */
void invitations_remove(struct invitations *invitations, const struct hash256 *token);

/* In order of the tokens' hashes; appended, and read back into an empty one: STATUS_INVALID invitations.snapshot. */
enum status invitations_write(const struct invitations *invitations, struct buffer *to);
enum status invitations_read(struct invitations *invitations, struct bytes part);

#endif
