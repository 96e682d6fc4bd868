/*
 * Problem documents (RFC 9457): what every refusal over HTTP looks like. The type is "urn:gatehouse:problem:" and the
 * stable name of the error, so that the same name stands in the answer, the log, the metrics and the tests.
 */
#ifndef GATEHOUSE_BASE_PROBLEM_H
#define GATEHOUSE_BASE_PROBLEM_H

#include "base/bytes.h"

#define PROBLEM_CONTENT_TYPE "application/problem+json"

struct problem {
	unsigned status;        /* of the HTTP answer */
	const char *name;       /* "request.header_size" */
	const char *detail;     /* one sentence; null: none */
	struct bytes operation; /* operation id in hexadecimal, or absent */
};

/* Canonical JSON, appended: {"detail","operation","status","title","type"}. */
void problem_write(struct buffer *to, const struct problem *problem);

/* "Not Found"; "Unknown" for a status that is not registered. RFC 9110 §15. */
const char *problem_reason_phrase(unsigned status);

/* The HTTP status that an error of a request handler becomes. */
unsigned problem_http_status(enum status status);

#endif
