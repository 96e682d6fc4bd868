/*
 * Whose keys they are, as the log itself enrolled them: what lets a reader of the log say that a signature in it is by the
 * person or workload that it names, and not by a key that somebody wrote beside it.
 *
 * Follows genesis and the decisions that were carried out, in order. Owner: keeps copies. Threads: one. Errors: "payload.*".
 */
#ifndef GATEHOUSE_GATE_ENROLLED_H
#define GATEHOUSE_GATE_ENROLLED_H

#include "base/json.h"
#include "base/map.h"

struct enrolled {
	struct map keys; /* key id to its 32 bytes */
};
void enrolled_free(struct enrolled *enrolled); /* a cleanup function */

/* A change that was made: person.add, workload.add, principal.key_add, principal.key_revoke; others enrol nobody. */
enum status enrolled_follow(struct enrolled *enrolled, struct bytes kind, struct bytes resource, const json *payload);
/* Whether this is the key of that name, as a principal's key that is in force. */
bool enrolled_has(const struct enrolled *enrolled, struct bytes principal, struct bytes key_id,
		  const uint8_t public_key[32]);

#endif
