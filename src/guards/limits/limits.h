/*
 * What was spent in sliding windows: per key, account, desk, legal entity, requester, destination and asset; in the last hour,
 * day and week. The guard only counts; policies compare (context.limits.key.day).
 *
 * A spend has an identity: Ethereum's key, chain and nonce, or Bitcoin's exact set of inputs. Spends of one identity
 * exclude each other on the chain, so that they count as the greatest of them, from the time of the last; any other
 * overlap counts as the sum. The same operation counts once, however often it is applied (a crash, a replay of the log).
 *
 * Times are recorded times of the log and never decrease, questions included. Amounts are US cents. Owner: the limits own
 * copies of all text. Asking, counting, releasing and forgetting take constant time but for a binary search, whatever was spent on whom.
 * Threads: one. Errors: STATUS_NO_MEMORY; "limits.time" if time goes back; sums saturate at INT64_MAX.
 */
#ifndef GATEHOUSE_GUARDS_LIMITS_LIMITS_H
#define GATEHOUSE_GUARDS_LIMITS_LIMITS_H

#include "base/bytes.h"

enum limit_dimension {
	LIMIT_KEY,
	LIMIT_ACCOUNT,
	LIMIT_DESK,
	LIMIT_LEGAL_ENTITY,
	LIMIT_REQUESTER,
	LIMIT_DESTINATION,
	LIMIT_ASSET,
	LIMIT_DIMENSIONS,
};

enum limit_window { LIMIT_HOUR, LIMIT_DAY, LIMIT_WEEK, LIMIT_WINDOWS };

extern const char *const limit_dimension_names[LIMIT_DIMENSIONS]; /* "key", "account", ... */
extern const char *const limit_window_names[LIMIT_WINDOWS];       /* "hour", "day", "week" */
extern const int64_t limit_window_ms[LIMIT_WINDOWS];
bool limit_dimension_find(struct bytes name, enum limit_dimension *dimension);

struct limit_part {
	enum limit_dimension dimension;
	struct bytes subject; /* "eth-hot-1", an address, ... */
	int64_t cents;
};

struct spend {
	int64_t at_ms;
	uint8_t operation[32]; /* id */
	uint8_t identity[32];
	bool is_allowance; /* what it counts for destinations they may take later: nothing was sent there */
	const struct limit_part *parts;
	size_t part_count;
};

struct limits;
enum status limits_create(struct limits **limits);
void limits_destroy(struct limits **limits); /* a cleanup function */

/* Counts a spend. Applying an operation a second time within a week changes nothing. */
enum status limits_apply(struct limits *limits, const struct spend *spend);

/* What the operation was applied with for each destination to which it sent it; nothing where it was not applied, or long ago. */
void limits_visit_paid(const struct limits *limits, const uint8_t operation[32],
		       void (*visit)(void *context, struct bytes destination, int64_t cents), void *context);
/* Whether the operation was applied, was not released, and is still kept. */
bool limits_holds(const struct limits *limits, const uint8_t operation[32]);
/* The spends applied from number *from on (0: all that are kept), in order, with what of them is not released; *from becomes
 * the number after the last, or, where visit fails, that of the one that it failed at. The spend and its parts are valid during the
 * call. */
enum status limits_visit(const struct limits *limits, uint64_t *from,
			 enum status (*visit)(void *context, const struct spend *spend), void *context);

/* Takes back what an operation reserved, where its outcome proves that nothing was released. */
enum status limits_release(struct limits *limits, const uint8_t operation[32]);

/* Cents of one subject in a window that ends at at_ms, as if the given spend of identity had been added (cents 0 and no
 * identity: what was spent so far). */
int64_t limits_sum(struct limits *limits, enum limit_dimension dimension, struct bytes subject,
		   enum limit_window window, int64_t at_ms, const uint8_t *identity, int64_t cents);

/* The same for every part of a spend and every window, which finds each subject once, and the identity: sums[part][window]. */
void limits_sums(struct limits *limits, const struct spend *spend, int64_t at_ms, int64_t (*sums)[LIMIT_WINDOWS]);

/* Drops what no window can see any more. */
void limits_expire(struct limits *limits, int64_t now_ms);

/* For snapshots: the same spends give the same bytes; read into empty limits. Errors: limits.snapshot (STATUS_CORRUPT,
 * STATUS_UNSUPPORTED). */
enum status limits_write(const struct limits *limits, struct buffer *to);
enum status limits_read(struct limits *limits, struct bytes snapshot);

#endif
