#include "tests/test.h"

#include "base/metrics.h"
#include "base/problem.h"

static void
assert_written(struct metric *const *metrics, size_t count, const char *expected) {
	_cleanup_(buffer_free) struct buffer text = {};
	metrics_write(&text, metrics, count);
	assert_bytes(bytes_of_text(expected), buffer_bytes(&text));
}

static void
counters_and_gauges_are_written_family_by_family(void **) {
	struct metric a = {.name = "requests", .help = "Requests.", .kind = METRIC_COUNTER, .labels = "kind=\"a\""};
	struct metric b = {.name = "requests", .help = "Requests.", .kind = METRIC_COUNTER, .labels = "kind=\"b\""};
	struct metric gauge = {.name = "depth", .help = "Depth.", .kind = METRIC_GAUGE};
	metric_add(&a, 2);
	metric_add(&a, 3);
	metric_set(&gauge, -7);
	assert_written((struct metric *const[]){&a, &b, &gauge}, 3,
		       "# TYPE requests counter\n# HELP requests Requests.\n"
		       "requests_total{kind=\"a\"} 5\nrequests_total{kind=\"b\"} 0\n"
		       "# TYPE depth gauge\n# HELP depth Depth.\ndepth -7\n");
}

static void
a_histogram_counts_what_is_at_or_below_each_bound(void **) {
	struct metric_histogram histogram = {.first_ns = 1000};
	struct metric metric = {
		.name = "wait_seconds", .help = "Wait.", .kind = METRIC_HISTOGRAM, .histogram = &histogram};
	metric_observe_ns(&metric, 0);
	metric_observe_ns(&metric, 1000);
	metric_observe_ns(&metric, 1001);
	metric_observe_ns(&metric, UINT64_C(1) << 40);
	_cleanup_(buffer_free) struct buffer text = {};
	metrics_write(&text, (struct metric *const[]){&metric}, 1);
	buffer_append_byte(&text, '\0');
	const char *written = (const char *)text.data;
	assert_non_null(strstr(written, "# TYPE wait_seconds histogram\n"));
	assert_non_null(strstr(written, "wait_seconds_bucket{le=\"0.000001000\"} 2\n"));
	assert_non_null(strstr(written, "wait_seconds_bucket{le=\"0.000002000\"} 3\n"));
	assert_non_null(strstr(written, "wait_seconds_bucket{le=\"0.262144000\"} 3\n"));
	assert_non_null(strstr(written, "wait_seconds_bucket{le=\"+Inf\"} 4\n"));
	assert_non_null(strstr(written, "wait_seconds_count 4\nwait_seconds_sum 1099.511629777\n"));
}

static void
a_histogram_keeps_its_labels(void **) {
	struct metric_histogram histogram = {.first_ns = 1000};
	struct metric metric = {
		.name = "t", .help = "T.", .kind = METRIC_HISTOGRAM, .labels = "k=\"v\"", .histogram = &histogram};
	_cleanup_(buffer_free) struct buffer text = {};
	metrics_write(&text, (struct metric *const[]){&metric}, 1);
	buffer_append_byte(&text, '\0');
	assert_non_null(strstr((const char *)text.data,
			       "t_bucket{k=\"v\",le=\"+Inf\"} 0\nt_count{k=\"v\"} 0\nt_sum{k=\"v\"} 0.000000000\n"));
}

static void
a_problem_is_canonical_json_with_a_stable_type(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	problem_write(&text, &(struct problem){.status = 409,
					       .name = "operation.conflict",
					       .detail = "It says \"so\".",
					       .operation = BYTES_OF_LITERAL("ab12")});
	assert_bytes(BYTES_OF_LITERAL("{\"detail\":\"It says "
				      "\\\"so\\\".\",\"operation\":\"ab12\",\"status\":409,\"title\":\"Conflict\","
				      "\"type\":\"urn:gatehouse:problem:operation.conflict\"}"),
		     buffer_bytes(&text));
	buffer_reset(&text);
	problem_write(&text, &(struct problem){.status = 400, .name = "x", .detail = "bad \xff bytes"});
	assert_bytes(
		BYTES_OF_LITERAL("{\"status\":400,\"title\":\"Bad Request\",\"type\":\"urn:gatehouse:problem:x\"}"),
		buffer_bytes(&text));
}

static void
every_status_has_an_http_status(void **) {
	for (unsigned status = 0; status < STATUS_COUNT; status++) {
		unsigned http = problem_http_status((enum status)status);
		assert_string_not_equal("Unknown", problem_reason_phrase(http));
		assert_true(status == OK ? http == 200 : http >= 400);
	}
}

RUN_TESTS(T(counters_and_gauges_are_written_family_by_family), T(a_histogram_counts_what_is_at_or_below_each_bound),
	  T(a_histogram_keeps_its_labels), T(a_problem_is_canonical_json_with_a_stable_type),
	  T(every_status_has_an_http_status))
