/*
 * What became of an operation, entry by entry, the oldest first: decided, voted on, done. As far as the projection has followed
 * the log, which the answer says.
 *
 *   {"entries": [{"at", "entry", "type", …}], "size": how much of the log it reflects}
 *
 * Of a decision or an intent also bundle, decision, document (the operation), error, missing, outcome, reasons and requester (a
 * key); of a vote client, key, person, verdict; of an outcome outcome, error; of a refusal error, key. What the entry does not have is left out.
 */
#ifndef GATEHOUSE_KEEPER_TIMELINE_H
#define GATEHOUSE_KEEPER_TIMELINE_H

#include "keeper/internal.h"

constexpr size_t TIMELINE_MAX = 200; /* entries: the newest */

/* operation: the id in hexadecimal. A slow read. Appended. */
enum status timeline_write(struct keeper *keeper, struct bytes operation, struct buffer *to);

#endif
