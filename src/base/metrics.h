/*
 * Counters, gauges and histograms of one process, written as OpenMetrics 1.0 text.
 *
 * Metrics are static structures of their module; a process lists them in a table and writes the table when asked. Times
 * are recorded in nanoseconds and written in seconds. Threads: adding is atomic and may be done from any.
 */
#ifndef GATEHOUSE_BASE_METRICS_H
#define GATEHOUSE_BASE_METRICS_H

#include <stdatomic.h>

#include "base/bytes.h"

#define METRICS_CONTENT_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

constexpr size_t METRIC_BUCKETS = 20;

/* Upper bounds are first_ns × 2^i, the last bucket is +Inf. */
struct metric_histogram {
	uint64_t first_ns;
	atomic_uint_fast64_t buckets[METRIC_BUCKETS];
	atomic_uint_fast64_t sum_ns;
};

struct metric {
	const char *name; /* without "_total": "gatehouse_requests" */
	const char *help;
	enum metric_kind kind;
	const char *labels;        /* "reason=\"x\"", or null; metrics of one name stand together */
	atomic_int_fast64_t value; /* counter, gauge */
	struct metric_histogram *histogram;
};

static inline void
metric_add(struct metric *metric, int64_t amount) {
	atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

static inline void
metric_set(struct metric *metric, int64_t value) {
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void metric_observe_ns(struct metric *metric, uint64_t duration_ns);

/* Appends the families of the table, without "# EOF". */
void metrics_write(struct buffer *to, struct metric *const *metrics, size_t count);

#endif
