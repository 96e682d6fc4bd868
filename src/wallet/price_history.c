#include "wallet/price_history.h"

#include "base/time.h"

static const struct {
	int64_t part_ms;
	int64_t parts; /* the running one included */
} periods[PRICE_PERIODS] = {[PRICE_DAY] = {HOUR_MS, 25}, [PRICE_WEEK] = {DAY_MS, 8}};

static int64_t
part_at(enum price_period period, int64_t time_ms) {
	return time_ms / periods[period].part_ms;
}

/* The price in force was the highest of every part that has begun since. */
static void
bring_forward(struct price_history *history, int64_t now_ms) {
	if (now_ms <= history->at_ms)
		return;
	for (int period = 0; period < PRICE_PERIODS; period++) {
		int64_t part = part_at((enum price_period)period, now_ms), parts = periods[period].parts;
		int64_t next = part_at((enum price_period)period, history->at_ms) + 1;
		for (next = next > part - parts + 1 ? next : part - parts + 1; next <= part; next++)
			history->highest[period][next % parts] = history->in_force;
	}
	history->at_ms = now_ms;
}

void
price_history_add(struct price_history *history, uint64_t price, int64_t now_ms) {
	bring_forward(history, now_ms);
	history->in_force = price;
	for (int period = 0; period < PRICE_PERIODS; period++) {
		int64_t part = part_at((enum price_period)period, history->at_ms);
		uint64_t *highest = &history->highest[period][part % periods[period].parts];
		*highest = price > *highest ? price : *highest;
	}
}

void
price_history_restart(struct price_history *history, uint64_t price, int64_t now_ms) {
	*history = (struct price_history){.at_ms = now_ms > history->at_ms ? now_ms : history->at_ms};
	price_history_add(history, price, now_ms);
}

uint64_t
price_history_highest(const struct price_history *history, enum price_period period, int64_t now_ms) {
	struct price_history now = *history;
	uint64_t highest = 0;
	bring_forward(&now, now_ms);
	for (int64_t i = 0; i < periods[period].parts; i++)
		highest = now.highest[period][i] > highest ? now.highest[period][i] : highest;
	return highest;
}

int64_t
price_history_fall(const struct price_history *history, enum price_period period, uint64_t price, int64_t now_ms) {
	uint64_t highest = price_history_highest(history, period, now_ms);
	if (price >= highest)
		return 0;
	return (int64_t)(((unsigned __int128)(highest - price) * 10'000 + highest - 1) / highest);
}

/* --- Snapshots: the price in force, its time, and the highest of each part. --- */

static const char FIELD[] = "price.snapshot";

void
price_history_write(const struct price_history *history, struct buffer *to) {
	buffer_append_u64be(to, history->in_force);
	buffer_append_u64be(to, (uint64_t)history->at_ms);
	for (int period = 0; period < PRICE_PERIODS; period++)
		for (int64_t i = 0; i < periods[period].parts; i++)
			buffer_append_u64be(to, history->highest[period][i]);
}

enum status
price_history_read(struct cursor *cursor, struct price_history *history) {
	uint64_t at_ms;
	*history = (struct price_history){};
	TRY(cursor_u64be(cursor, FIELD, &history->in_force));
	TRY(cursor_u64be(cursor, FIELD, &at_ms));
	for (int period = 0; period < PRICE_PERIODS; period++)
		for (int64_t i = 0; i < periods[period].parts; i++)
			TRY(cursor_u64be(cursor, FIELD, &history->highest[period][i]));
	if (at_ms > INT64_MAX)
		return fail(STATUS_INVALID, "%s: a time out of range", FIELD);
	history->at_ms = (int64_t)at_ms;
	return OK;
}
