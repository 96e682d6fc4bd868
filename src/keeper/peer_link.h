/*
 * The keeper's end of what it and its gateway say to each other about peers (docs/PROTOCOL.ipc §4): frames into the set of peers
 * (keeper/peer_set.h), and what the set has to say back; the set's ways to the log and to decision state; and the machine's
 * generation, a change of which means that what is in memory may be in two places.
 *
 * Threads: the deciding one. A keeper whose name cannot be a peer's has no set; nothing else changes for it.
 */
#ifndef GATEHOUSE_KEEPER_PEER_LINK_H
#define GATEHOUSE_KEEPER_PEER_LINK_H

#include "keeper/internal.h"

enum status peer_link_open(struct keeper *keeper);
/* Before the log closes: what peers have shown is remembered. */
void peer_link_close(struct keeper *keeper);

/* There is a gateway, or there is none any more. */
void peer_link_begin(struct keeper *keeper);
void peer_link_end(struct keeper *keeper);

bool peer_link_is_for(enum ipc_type type);
enum status peer_link_take(struct keeper *keeper, const struct ipc_frame *frame);
/* Once in every turn of the loop. */
void peer_link_turn(struct keeper *keeper);

/* An object for /healthz and /readyz: which peers are up, missing, refused. */
void peer_link_write_health(struct keeper *keeper, struct json_writer *writer);
/* Of GET /v1/keepers. */
void peer_link_write_listing(struct keeper *keeper, struct json_writer *writer);

#endif
