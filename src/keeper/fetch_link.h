/*
 * The keeper's channel to the helper fetch, which carries what keeper/witnessing.h has to say to the witness, and keeper/notifier.h
 * to receivers: one question at a time. A helper that goes away or hangs is a witness, or a receiver, that was not reached. Threads: the deciding one.
 */
#ifndef GATEHOUSE_KEEPER_FETCH_LINK_H
#define GATEHOUSE_KEEPER_FETCH_LINK_H

#include "keeper/internal.h"

/* Takes what has arrived, asks what is due. STATUS_CONFLICT of witnessing_take(): the keeper is to end. */
enum status fetch_link_turn(struct keeper *keeper);
/* For poll(2): −1 where there is no channel. */
int fetch_link_descriptor(const struct keeper *keeper);
short fetch_link_events(const struct keeper *keeper);

#endif
