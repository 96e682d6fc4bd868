/*
 * The keeper's own entries: start and stop with the hashes of what runs, clock samples, refusals of authenticated requests.
 */
#ifndef GATEHOUSE_KEEPER_SYSTEM_ENTRY_H
#define GATEHOUSE_KEEPER_SYSTEM_ENTRY_H

#include "keeper/internal.h"

/* Waits until durable. The start entry holds fresh random bytes for the witnesses. */
enum status system_entry_start(struct keeper *keeper);
enum status system_entry_stop(struct keeper *keeper);
/* {"boottime_ns","bound_ns","doubt","realtime_ns","source","step_ns"}; does not wait. */
enum status system_entry_clock(struct keeper *keeper);
/* A check of a protocol among keepers failed outside of an operation; does not wait. */
enum status system_entry_check(struct keeper *keeper, struct bytes body);
/* A holder has left a key's former epoch (gate/leaving.h); does not wait. */
enum status system_entry_left(struct keeper *keeper, struct bytes body);
/* A shared key should have been dealt anew (keeper/refresh_schedule.h); does not wait. */
enum status system_entry_overdue(struct keeper *keeper, struct bytes body);
/* The body of a refusal entry: who, what, the stable name and sentence of why, and the nonce if it is used up. */
enum status refusal_write(struct buffer *body, struct bytes key_id, struct bytes legal_entity,
			  const struct hash256 *operation, const struct submission *submission, int64_t now_ms,
			  const char *error);

/* What `gatehouse backup` left for us to record (keeper/backup.h), if anything. It says what somebody did, and is taken as that. */
void system_entry_backup(struct keeper *keeper);

#endif
