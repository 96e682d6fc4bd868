/*
 * Shadow: what would have been decided under another bundle. Nothing is put into force, and nothing is recorded.
 *
 * Recorded operations are decided again from what their entries hold (facts, entities, approvals as they stood); transfers of
 * another system from a table (gate/shadow_history.h). Each is compared with what was decided, and what differs is counted by
 * what it was and what it would be; of each kind of difference the first SHADOW_EXAMPLES are told.
 *
 * Owner: borrows the bundle, which lives longer. Threads: one. Errors: those of reading; "shadow.*".
 */
#ifndef GATEHOUSE_GATE_SHADOW_H
#define GATEHOUSE_GATE_SHADOW_H

#include "gate/host.h"
#include "gate/record.h"

constexpr size_t SHADOW_EXAMPLES = 10;

struct shadow;

enum status shadow_create(struct shadow **shadow, const struct bundle *bundle, const struct host *host,
			  const struct record_blobs *blobs);
void shadow_destroy(struct shadow **shadow); /* a cleanup function */

/* Operations decided before from_ms or from until_ms on are passed over. */
void shadow_set_period(struct shadow *shadow, int64_t from_ms, int64_t until_ms);

/* One entry of a log; what is no decision is passed over. */
enum status shadow_add_entry(struct shadow *shadow, uint64_t index, struct bytes leaf);

struct shadow_case {
	const char *place; /* "entry 17", "history.csv:4" */
	int64_t at_ms;
	const struct policy_request *request;
	const struct policy_entities *entities;
	bool is_decided; /* there is a decision to compare with */
	enum decision decided;
};
enum status shadow_add(struct shadow *shadow, const struct shadow_case *one);

struct shadow_counts {
	uint64_t compared, different, errors;        /* errors: with a policy that could not be evaluated */
	uint64_t by[DECISION_COUNT][DECISION_COUNT]; /* as it was, as it would be */
	uint64_t decided[DECISION_COUNT];            /* of those with nothing to compare with */
};
struct shadow_counts shadow_counts(const struct shadow *shadow);

/* {"bundle","changes":{"deny":{"deny":n,"held":n,"permit":n},...},"compared","decided":{...},"different","errors",
 * "examples":[{"action","at","place","principal","reasons","resource","was","would"},...]} */
enum status shadow_write(const struct shadow *shadow, struct buffer *to);

#endif
