/*
 * Why the HTTP reader takes no request: status, name and what is said where the reader has nothing more exact to say.
 *
 * One row of the table each; the name is the problem's type and the label of a counter. Threads: constants.
 */
#ifndef GATEHOUSE_GATEWAY_HTTP_REFUSAL_H
#define GATEHOUSE_GATEWAY_HTTP_REFUSAL_H

#include <stddef.h>

enum http_refused {
	REFUSED_SYNTAX,
	REFUSED_VERSION,
	REFUSED_METHOD,
	REFUSED_LENGTH,
	REFUSED_TRANSFER_ENCODING,
	REFUSED_CHUNK,
	REFUSED_TRAILERS,
	REFUSED_HEADER_SIZE,
	REFUSED_HEADER_COUNT,
	REFUSED_DUPLICATE_FIELD,
	REFUSED_FIELD_VALUE,
	REFUSED_NO_HOST,
	REFUSED_HOST,
	REFUSED_EXPECT,
	REFUSED_CONTENT_ENCODING,
	REFUSED_UPGRADE,
	REFUSED_TARGET_FORM,
	REFUSED_TARGET_SIZE,
	REFUSED_TARGET_CHARACTER,
	REFUSED_TARGET_ESCAPE,
	REFUSED_TARGET_DOTS,
	REFUSED_NO_ROUTE,
	REFUSED_NO_METHOD,
	REFUSED_CONTENT_TYPE,
	REFUSED_CROSS_SITE,
	REFUSED_BODY_SIZE,
	REFUSED_MEMORY,
	REFUSED_TIMEOUT,
	REFUSED_END,
};

struct http_refusal {
	unsigned status;
	const char *name; /* "request.header_size": the problem's type */
	const char *detail;
};

const struct http_refusal *http_refusal(enum http_refused refused);

/* Every refusal, for counting and for tests. */
const struct http_refusal *http_refusals(size_t *count);

#endif
