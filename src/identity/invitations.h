/*
 * Invitations: a person who holds a one-time token may enrol one passkey, under the terms that were approved. The token itself is
 * known to whoever made it and to the person; here, and in the log, stands its SHA-256.
 *
 * One that was used, or is over, is remembered for a while, with what was enrolled: another keeper of the installation may still hand
 * over what it enrolled by the same link (gate/enrolment.h), and two passkeys by one link are to be seen.
 *
 * One is outdated, and nobody enrols by it any more, when what people approved is not what they would be asked now: its person has been
 * given a voice since (a group that they enter, a vote that they may cast for another), or another policy is in force. Else a passkey
 * that was approved for somebody without a voice would count, at once, for somebody who has one.
 *
 * Owner: struct invitations owns copies. Threads: many readers or one writer. Errors: STATUS_INVALID payload.*, STATUS_CONFLICT
 * invitation.exists, STATUS_TOO_LARGE invitation.full, STATUS_UNAUTHORIZED enrolment.refused, .outdated.
 */
#ifndef GATEHOUSE_IDENTITY_INVITATIONS_H
#define GATEHOUSE_IDENTITY_INVITATIONS_H

#include "base/json.h"
#include "base/map.h"
#include "crypto/hash.h"

constexpr size_t INVITATIONS_MAX = 4096; /* at one time; those that are used or over make room for open ones */
constexpr int64_t INVITATION_LIFETIME_MAX_MS = INT64_C(30) * 24 * 3600 * 1000;
constexpr int64_t INVITATION_WAITING_MAX_MS = INT64_C(365) * 24 * 3600 * 1000;
constexpr int64_t INVITATION_HANDOVER_MS = INT64_C(7) * 24 * 3600 * 1000; /* from its end on: for other keepers alone */
constexpr size_t INVITATION_NONCE_SIZE = 16;

struct invitation {
	struct hash256 token; /* SHA-256 of it */
	struct bytes person;
	struct bytes name;      /* that the passkey will have */
	int64_t expires_ms;     /* of the invitation */
	int64_t waiting_ms;     /* from the enrolment until the passkey counts */
	bool must_be_certified; /* its maker vouches for it */
	bool may_be_synced;     /* it may be copied to other devices */
	bool is_outdated;       /* and was not used before it was */
	bool is_used;
	/* Used: */
	struct hash256 registration; /* what was enrolled (gate/enrolment.h) */
	uint32_t differing;          /* keepers with another passkey by it: a bit for each party */
};

/* The payload of principal.invite: {"certified", "expires", "name", "synced", "token_sha256", "waiting_ms"}. Views borrow. */
enum status invitation_read(const json *payload, struct bytes person, struct invitation *invitation);
/* What the challenge of the enrolment is made with: the first bytes of the token's hash. */
const uint8_t *invitation_nonce(const struct invitation *invitation);

struct invitations {
	struct map by_token;
};
void invitations_free(struct invitations *invitations); /* a cleanup function */

/* A copy. Those that can neither be used nor handed over at now_ms are forgotten; where there are too many, the first to be over of those
 * that are used or over. */
enum status invitations_add(struct invitations *invitations, const struct invitation *invitation, int64_t now_ms);
/* Null if there is none, or it is used, outdated or over. */
const struct invitation *invitations_find(const struct invitations *invitations, const struct hash256 *token,
					  int64_t now_ms);
/* All of those as well, as long as another keeper may hand over what was enrolled by them; null if there is none. */
const struct invitation *invitations_remembered(const struct invitations *invitations, const struct hash256 *token,
						int64_t now_ms);
/* What a passkey may be enrolled under: by its person, or as another keeper hands it over, then one that is used as well. enrolment.refused:
 * there is none, or it is over; enrolment.outdated. */
enum status invitations_check(const struct invitations *invitations, const struct hash256 *token, bool is_handed_over,
			      int64_t now_ms, const struct invitation **invitation);
/* Those that were not used: of that person, or of everybody where it is empty. */
void invitations_outdate(struct invitations *invitations, struct bytes person);
/* It was used, and for this. Nothing where there is none. */
void invitations_use(struct invitations *invitations, const struct hash256 *token, const struct hash256 *registration);
/* The keeper of that party (1 to 31) has another passkey by it. */
void invitations_differ(struct invitations *invitations, const struct hash256 *token, uint8_t party);
/* One for a passkey of that name that was not used, though it be over, is none any more, and nobody hands over what was enrolled by it:
 * false where there was none. */
bool invitations_withdraw(struct invitations *invitations, struct bytes person, struct bytes name,
			  const struct hash256 *but, int64_t now_ms);

/* In order of the tokens' hashes; appended, and read back into an empty one: STATUS_INVALID invitations.snapshot. */
enum status invitations_write(const struct invitations *invitations, struct buffer *to);
enum status invitations_read(struct invitations *invitations, struct bytes part);

#endif
