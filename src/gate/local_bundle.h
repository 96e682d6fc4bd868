/*
 * A keeper's local bundle: policies of its own beside the common bundle, which all keepers run alike. It can only forbid.
 *
 * It comes from the keeper's configuration and not from an operation: nobody gains by it, and without it the keeper stands where
 * people's operations have put it. An entry `local_bundle` holds the whole of it (docs/PROTOCOL.entries); from that entry on both bundles
 * decide as one set of policies, the local ones under ids that begin with BUNDLE_LOCAL_PREFIX, so that held, reasons and replay know of
 * nothing else.
 *
 * Owner: a bundle that is applied belongs to the gate's state. Threads: one.
 * Errors: "local_bundle.refused" with the reason behind it; "local_bundle.entry".
 */
#ifndef GATEHOUSE_GATE_LOCAL_BUNDLE_H
#define GATEHOUSE_GATE_LOCAL_BUNDLE_H

#include "gate/gate.h"

/* A packed bundle's file, as `gatehouse policy pack` writes it: it holds by itself and fits this installation, its tests pass, it can
 * only forbid, its groups are there, and every signature in it is one of a person. One that is in force already is not held to who and what
 * is there now. */
enum status local_bundle_open(const struct gate *gate, struct bytes file, struct bundle **bundle);

/* The entry's body, appended; bundle null: there is none any more. Large documents go to a blob first. */
enum status local_bundle_write(const struct bundle *bundle, const struct record_blobs *blobs, struct buffer *body);
/* *bundle is null where the entry says that there is none any more. */
enum status local_bundle_read(struct arena *arena, const json *body, const struct record_blobs *blobs,
			      struct bundle **bundle);

/* Puts it in the place of the one before, and takes it over where that succeeds; null: none. */
enum status local_bundle_apply(struct gate_state *state, struct bundle **bundle);

#endif
