/* What the loop does with one request, for those that were set aside (keeper/activating.h). */
#ifndef GATEHOUSE_KEEPER_LOOP_H
#define GATEHOUSE_KEEPER_LOOP_H

#include "keeper/job.h"

/* Reads and verifies the request once more, as on the pool. */
void loop_read_again(struct job *job);
/* Time goes on. */
void loop_begin_batch(struct keeper *keeper);

/* What is for the gateway, and through it for other keepers, leaves now and not with the end of the turn: they work while this keeper does. */
void loop_flush(struct keeper *keeper);

/* A request that another keeper's gateway got, as that keeper gave it. */
void loop_take_forwarded(struct keeper *keeper, struct job *job, struct bytes body);

#endif
