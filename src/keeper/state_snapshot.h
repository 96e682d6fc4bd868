/*
 * Snapshots of the decision state: so that a start replays what came since, not everything.
 *
 * They are made where nobody waits for it: right after a start that had to replay much, and beside the running log by a thread of
 * its own, which does what a start does (the last snapshot, every entry since) and never touches the live state. An
 * authenticator under a key from the root key binds a snapshot to this installation; size and root bind it to the log.
 */
#ifndef GATEHOUSE_KEEPER_STATE_SNAPSHOT_H
#define GATEHOUSE_KEEPER_STATE_SNAPSHOT_H

#include "keeper/internal.h"

enum status state_snapshot_key(struct keeper *keeper);
/* Before anything is submitted: where much was replayed, what it led to is kept. A failure to write is logged only. */
enum status state_snapshot_after_start(struct keeper *keeper);
enum status state_snapshots_start(struct keeper *keeper);
void state_snapshots_stop(struct state_snapshots **snapshots);

#endif
