/*
 * Why a decision was what it was: the facts, and what each policy of that day's bundle says to them (gate/replay.h).
 *
 * Only the active bundle is kept compiled. An older one is found through state.db's list of activations, which needs not be
 * believed: a decision names its bundle by hash. Where the list lacks it, the log is read from its beginning.
 *
 * Threads: any; reads durable entries and state.db only. Errors: "replay.*", those of the ledger.
 */
#ifndef GATEHOUSE_KEEPER_EXPLANATION_H
#define GATEHOUSE_KEEPER_EXPLANATION_H

#include "keeper/internal.h"

/* *index becomes the newest decision's or intent's of the operation that the entry there is about, until it. */
enum status explanation_find(struct keeper *keeper, uint64_t *index);
/* Of the decision that stands at `index`; canonical JSON, appended. */
enum status explanation_write(struct keeper *keeper, uint64_t index, struct buffer *to);

/* {"bundle":hash,"document":{...}} of a bundle that was ever in force. STATUS_NOT_FOUND "replay.bundle". */
enum status explanation_write_bundle(struct keeper *keeper, const struct hash256 *hash, struct buffer *to);

/* The collection in state.db: the indexes of entries that put a bundle into force, a local one too, in order. */
#define EXPLANATION_ACTIVATIONS "activations"
constexpr int EXPLANATION_ID_DIGITS = 20;

#endif
