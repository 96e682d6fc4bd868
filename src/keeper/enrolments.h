/*
 * Enrolments by invitation, to every keeper of the installation. docs/PROTOCOL.peer §8, gate/enrolment.h.
 *
 * What a keeper has enrolled it hands over to each other one, as it received it: token and registration. Each verifies it as if its own
 * gateway had brought it, under the invitation in its own state, and writes its own entry; so whoever has not the token can enrol
 * nothing anywhere, a keeper included. Whoever takes it hands it on in turn, so that it arrives although the first may be gone; what
 * is there already is answered so. Another passkey by the same token is not taken, and becomes an entry `divergence` at each of the
 * two, since each hands over its own.
 *
 * It is kept until every keeper that is enrolled has answered that it has it, or the time is over in which it could be taken, or its key
 * is revoked: a row of the collection "enrolment" in secrets.db, sealed under a key that the root key gives, since elsewhere the token may
 * still be good. The row is durable before the entry, and without that entry it goes at the next start. Who has answered is in memory: a start asks again.
 *
 * Threads: the deciding one. Owner: the keeper. Errors: secrets.*, "enrolments.row" (STATUS_CORRUPT).
 */
#ifndef GATEHOUSE_KEEPER_ENROLMENTS_H
#define GATEHOUSE_KEEPER_ENROLMENTS_H

#include "identity/invitations.h"
#include "keeper/peers.h"
#include "keeper/threshold_message.h"

struct job;
struct keeper;
struct enrolments;

/* Those that others may not have yet, after the log was restored. */
enum status enrolments_start(struct keeper *keeper);
void enrolments_stop(struct keeper *keeper);

/* On the pool: from whom it came. STATUS_UNAVAILABLE peers.absent. */
enum status enrolments_name_sender(struct job *job);
/* One that is about to be taken, by this invitation, which is not used: it can be handed over as soon as its entry is durable. OK where
 * there is nobody to hand it to. */
enum status enrolments_keep(struct keeper *keeper, const struct job *job, const struct invitation *invitation);
/* It was not taken. */
void enrolments_drop(struct keeper *keeper, const struct job *job);
/* What came of it is durable, or was known: the others are told, and whoever handed it over. */
void enrolments_follow(struct keeper *keeper, const struct job *job);
/* It was handed over, and is not taken now. */
void enrolments_refused(struct keeper *keeper, const struct job *job, const char *reason);

void enrolments_peer_up(struct keeper *keeper, const struct peer *peer);
void enrolments_peer_down(struct keeper *keeper, const struct peer *peer);
void enrolments_hear(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer);
void enrolments_turn(struct keeper *keeper);
/* That not every keeper has. */
size_t enrolments_waiting(const struct keeper *keeper);

#endif
