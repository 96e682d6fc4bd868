/*
 * The complete decision state as bytes, and back: time, bundle, directory, whose attestations are believed, assets with prices, lists, zones, keys (their records; the
 * secrets lie in secrets.db), limits, nonces, last Ethereum nonces, and every operation with what is kept of it and its votes.
 *
 * The same state gives the same bytes, whichever way it came about: live, replayed from the first entry, or read from a snapshot and
 * followed from there. What only time ends (held operations, spends out of every window) is ended at the state's own time
 * before it is written. Errors: STATUS_CORRUPT, STATUS_UNSUPPORTED "state.snapshot" and those of the parts.
 */
#ifndef GATEHOUSE_GATE_SNAPSHOT_H
#define GATEHOUSE_GATE_SNAPSHOT_H

#include "gate/gate.h"

/* Appends. The gate may be live or being restored. */
enum status gate_snapshot_write(struct gate *gate, struct buffer *to);
/* Into a gate that nothing was applied to; gate_restore_entry() goes on from there. After a failure it is to be destroyed. */
enum status gate_snapshot_read(struct gate *gate, struct bytes snapshot);

/* SHA-256 over all of it as it is at now_ms, but for what is only shown (the forecast of missing approvals). */
enum status gate_state_digest(struct gate *gate, int64_t now_ms, struct hash256 *digest);

#endif
