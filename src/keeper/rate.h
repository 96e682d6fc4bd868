/*
 * A token bucket per principal: what one may ask for in a second, as much again at once, and nobody's part is another's.
 *
 * Owner: struct rate belongs to the caller; its buckets are freed by rate_free(). A bucket is made only for a principal whose
 * signature was verified, so there are no more than the directory has people and workloads. Threads: the deciding one.
 */
#ifndef GATEHOUSE_KEEPER_RATE_H
#define GATEHOUSE_KEEPER_RATE_H

#include "base/map.h"

struct rate {
	const char *what;   /* "requests" */
	uint32_t per_s;     /* tokens; 0: no limit */
	struct map buckets; /* principal to its bucket */
};

/* Takes `cost` tokens (all that fit, where it is more) or none: STATUS_RATE "request.rate". A second later there is enough. */
enum status rate_take(struct rate *rate, struct bytes principal, uint32_t cost, int64_t now_ms);
void rate_free(struct rate *rate);

#endif
