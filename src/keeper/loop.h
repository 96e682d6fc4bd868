/*
 * The deciding loop: batches of requests in, entries to the log, answers out. keeper/keeper.h says how.
 */
#ifndef GATEHOUSE_KEEPER_LOOP_H
#define GATEHOUSE_KEEPER_LOOP_H

#include "keeper/internal.h"

void loop_metrics_start(struct keeper *keeper);
void loop_free(struct keeper *keeper);
/* The metrics and health that the gateway shows, appended. */
void loop_write_metrics(struct keeper *keeper, struct buffer *to);

#endif
