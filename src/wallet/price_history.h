/*
 * How high an asset's price was in the last day and week, so that a price that falls a tenth at a time does not fall far.
 *
 * Kept are the highest prices of whole hours and of whole days (UTC), the running ones included: a day is the running hour and the
 * 24 before it, a week the running day and the 7 before it, so that a period is never shorter than its name, and at most one of its
 * parts longer. What counts for a part is every price that was in force at some time in it, one that nobody changed included.
 *
 * Times never decrease. Owner: plain data. No function fails but price_history_read().
 */
#ifndef GATEHOUSE_WALLET_PRICE_HISTORY_H
#define GATEHOUSE_WALLET_PRICE_HISTORY_H

#include "base/cursor.h"

enum price_period { PRICE_DAY, PRICE_WEEK, PRICE_PERIODS };

constexpr size_t PRICE_PARTS_MAX = 25;

struct price_history {
	uint64_t in_force;                                /* 0: none yet */
	int64_t at_ms;                                    /* since when, or when the parts were last brought forward */
	uint64_t highest[PRICE_PERIODS][PRICE_PARTS_MAX]; /* of the part with this number, modulo how many there are */
};

/* A price that comes into force. */
void price_history_add(struct price_history *history, uint64_t price, int64_t now_ms);
/* The same, and what was before counts no more. */
void price_history_restart(struct price_history *history, uint64_t price, int64_t now_ms);

/* The highest that was in force in the period that ends now; 0 where there was none. */
uint64_t price_history_highest(const struct price_history *history, enum price_period period, int64_t now_ms);
/* How far below that a price would be, in hundredths of a percent, rounded up; 0 where it is not. */
int64_t price_history_fall(const struct price_history *history, enum price_period period, uint64_t price,
			   int64_t now_ms);

/* For snapshots: the same prices give the same bytes. Errors: "price.snapshot", STATUS_INVALID. */
void price_history_write(const struct price_history *history, struct buffer *to);
enum status price_history_read(struct cursor *cursor, struct price_history *history);

#endif
