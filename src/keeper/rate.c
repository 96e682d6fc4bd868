#include "keeper/rate.h"

#include <stdlib.h>

#include "base/time.h"

struct rate_bucket {
	int64_t at_ms;
	int64_t tokens_milli; /* thousandths of a token */
};

static enum status
find_bucket(struct rate *rate, struct bytes principal, int64_t now_ms, struct rate_bucket **bucket) {
	*bucket = map_get(&rate->buckets, principal);
	if (*bucket != nullptr)
		return OK;
	struct rate_bucket *made = malloc(sizeof *made);
	TRY_ALLOC(made);
	*made = (struct rate_bucket){now_ms, (int64_t)rate->per_s * 1000};
	enum status status = map_put(&rate->buckets, principal, made, nullptr);
	if (status != OK)
		free(made);
	else
		*bucket = made;
	return status;
}

/* A second fills it from empty; the clock may stand still, and is never let run back. */
static void
fill(struct rate_bucket *bucket, uint32_t per_s, int64_t now_ms) {
	int64_t passed_ms = now_ms - bucket->at_ms;
	if (passed_ms <= 0)
		return;
	int64_t full = (int64_t)per_s * 1000;
	bucket->tokens_milli = passed_ms >= SECOND_MS ? full : bucket->tokens_milli + passed_ms * (int64_t)per_s;
	if (bucket->tokens_milli > full)
		bucket->tokens_milli = full;
	bucket->at_ms = now_ms;
}

enum status
rate_take(struct rate *rate, struct bytes principal, uint32_t cost, int64_t now_ms) {
	struct rate_bucket *bucket;
	if (rate->per_s == 0)
		return OK;
	TRY(find_bucket(rate, principal, now_ms, &bucket));
	fill(bucket, rate->per_s, now_ms);
	int64_t wanted = (int64_t)(cost < rate->per_s ? cost : rate->per_s) * 1000;
	if (bucket->tokens_milli < wanted)
		return fail(STATUS_RATE, "request.rate: more than %u %s a second", rate->per_s, rate->what);
	bucket->tokens_milli -= wanted;
	return OK;
}

void
rate_free(struct rate *rate) {
	size_t at = 0;
	void *bucket;
	while (map_next(&rate->buckets, &at, nullptr, &bucket))
		free(bucket);
	map_free(&rate->buckets);
}
