#include "base/metrics.h"

static uint64_t
bucket_bound_ns(const struct metric_histogram *histogram, size_t bucket) {
	return histogram->first_ns << bucket;
}

void
metric_observe_ns(struct metric *metric, uint64_t duration_ns) {
	struct metric_histogram *histogram = metric->histogram;
	size_t bucket = 0;
	while (bucket < METRIC_BUCKETS - 1 && duration_ns > bucket_bound_ns(histogram, bucket))
		bucket++;
	atomic_fetch_add_explicit(&histogram->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_ns, duration_ns, memory_order_relaxed);
}

static void
append_seconds(struct buffer *to, uint64_t ns) {
	buffer_append_format(to, "%llu.%09llu", (unsigned long long)(ns / 1'000'000'000),
			     (unsigned long long)(ns % 1'000'000'000));
}

static void
write_histogram(struct buffer *to, const struct metric *metric) {
	const struct metric_histogram *histogram = metric->histogram;
	const char *labels = metric->labels == nullptr ? "" : metric->labels;
	const char *comma = metric->labels == nullptr ? "" : ",";
	uint64_t count = 0;
	for (size_t i = 0; i < METRIC_BUCKETS; i++) {
		count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
		buffer_append_format(to, "%s_bucket{%s%sle=\"", metric->name, labels, comma);
		if (i == METRIC_BUCKETS - 1)
			buffer_append_text(to, "+Inf");
		else
			append_seconds(to, bucket_bound_ns(histogram, i));
		buffer_append_format(to, "\"} %llu\n", (unsigned long long)count);
	}
	const char *open = metric->labels == nullptr ? "" : "{", *close = metric->labels == nullptr ? "" : "}";
	buffer_append_format(to, "%s_count%s%s%s %llu\n%s_sum%s%s%s ", metric->name, open, labels, close,
			     (unsigned long long)count, metric->name, open, labels, close);
	append_seconds(to, atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed));
	buffer_append_byte(to, '\n');
}

static void
write_number(struct buffer *to, const struct metric *metric) {
	buffer_append_format(to, "%s%s", metric->name, metric->kind == METRIC_COUNTER ? "_total" : "");
	if (metric->labels != nullptr)
		buffer_append_format(to, "{%s}", metric->labels);
	buffer_append_format(to, " %lld\n", (long long)atomic_load_explicit(&metric->value, memory_order_relaxed));
}

void
metrics_write(struct buffer *to, struct metric *const *metrics, size_t count) {
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	for (size_t i = 0; i < count; i++) {
		const struct metric *metric = metrics[i];
		if (i == 0 || strcmp(metrics[i - 1]->name, metric->name) != 0)
			buffer_append_format(to, "# TYPE %s %s\n# HELP %s %s\n", metric->name, kinds[metric->kind],
					     metric->name, metric->help);
		if (metric->kind == METRIC_HISTOGRAM)
			write_histogram(to, metric);
		else
			write_number(to, metric);
	}
}
