/*
 * A load generator: many keep-alive TLS connections, one thread, one request at a time on each. What is sent and what
 * is made of the answers is the caller's. It speaks TLS 1.3 with the library's default groups and looks at no
 * certificate: it measures. Owner: results are freed with load_result_free(). Threads: one per run.
 */
#ifndef GATEHOUSE_BENCH_LOAD_CLIENT_H
#define GATEHOUSE_BENCH_LOAD_CLIENT_H

#include "base/bytes.h"

struct load_options {
	uint16_t port; /* of 127.0.0.1 */
	unsigned connections;
	uint64_t requests; /* in all */
	/* Appends request number i, head and body, which is to be answered with Content-Length. */
	void (*build)(void *context, uint64_t number, struct buffer *request);
	/* Both may be null. connected: all connections stand, and no request was sent yet. */
	void (*connected)(void *context);
	void (*take_answer)(void *context, uint64_t number, unsigned status, struct bytes body);
	void *context;
};

struct load_result {
	uint64_t answers;
	uint64_t failures;    /* answers with a status from 400 */
	int64_t elapsed_ns;   /* from the first request to the last answer; handshakes are done before */
	double *latencies_us; /* of each answer, in order of arrival */
};

/* STATUS_IO "load.*" where a connection breaks; STATUS_UNAVAILABLE "load.stalled" where no answer comes for 30 s. */
enum status load_run(const struct load_options *options, struct load_result *result);
void load_result_free(struct load_result *result); /* a cleanup function */

#endif
