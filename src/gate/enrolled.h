/*
 * Whose keys they are, as the log itself enrolled them: what lets a reader of the log say that a signature in it is by the
 * person or workload that it names, and not by a key that somebody wrote beside it.
 *
 * Follows genesis and the decisions that were carried out, in order. A passkey's registration is verified again when it is
 * followed. Owner: keeps copies. Threads: one. Errors: "payload.*".
 */
#ifndef GATEHOUSE_GATE_ENROLLED_H
#define GATEHOUSE_GATE_ENROLLED_H

#include "base/json.h"
#include "base/map.h"
#include "identity/invitations.h"
#include "identity/passkey.h"

struct enrolled {
	struct map keys; /* key id to struct enrolled_key */
	struct invitations invitations;
	struct map one_time; /* people who have one-time passwords */
};
void enrolled_free(struct enrolled *enrolled); /* a cleanup function */

/* A change that was made: person.add, workload.add, principal.key_add, principal.passkey_add, principal.invite,
 * principal.totp_add, principal.key_revoke; others enrol nobody. group.member_add, delegate and policy.activate outdate
 * invitations (identity/invitations.h). */
enum status enrolled_follow(struct enrolled *enrolled, struct bytes instance, struct bytes kind, struct bytes resource,
			    int64_t at_ms, const json *payload);

/* An entry `enrolment`: what is wrong with the registration, or where no invitation in the log allows it. */
enum status enrolled_follow_enrolment(struct enrolled *enrolled, struct bytes instance, const json *body);
/* An entry `divergence`: the same where no other passkey was made by that invitation. */
enum status enrolled_follow_divergence(struct enrolled *enrolled, struct bytes instance, const json *body);

struct enrolled_key {
	struct bytes public_key; /* 32 bytes, or a COSE key */
	bool is_passkey;
	struct passkey passkey;
	struct arena arena;
};

/* The key of that name and with those bytes, as a principal's key that is in force; null if there is none. */
const struct enrolled_key *enrolled_find(const struct enrolled *enrolled, struct bytes principal, struct bytes key_id,
					 struct bytes public_key);

#endif
