/*
 * One HTTP/1.1 request out of a stream of bytes: framing by llhttp in its strict mode, everything else that must hold
 * by us.
 *
 * What is refused, and with which status: the table of gateway/http_refusal.c. A refusal is final: the connection
 * is answered and closed, since nobody knows where the next request would begin. A request for a path or method that
 * there is not is complete, if it has no body, and is answered on a connection that stays.
 *
 * Owner: the reader owns head and body; views into them are valid until http_reader_reset(). Threads: one per reader.
 * Sources: RFC 9110, RFC 9112; the shape of targets RFC 3986.
 */
#ifndef GATEHOUSE_GATEWAY_HTTP_REQUEST_H
#define GATEHOUSE_GATEWAY_HTTP_REQUEST_H

#include <llhttp.h>

#include "gateway/http_refusal.h"
#include "gateway/routes.h"

constexpr size_t HTTP_HEADER_BYTES_MAX = 16 * 1024; /* request line and header section */
constexpr unsigned HTTP_HEADER_COUNT_MAX = 100;
constexpr size_t HTTP_BODY_BYTES_IN_ALL = 64 * 1024 * 1024; /* of all larger ones that are being read or answered */
constexpr size_t HTTP_DETAIL_SIZE = 160;
constexpr size_t HTTP_BODY_SMALL = 16 * 1024; /* no larger than a header, and bounded as those are: by connections */

/* What the readers of one process share. */
struct http_common {
	const char *const *authorities; /* what Host may be; ends in null */
	size_t body_bytes_left;         /* of what bodies may take in all */
};

/* The fields that are looked at; all others are counted and left. */
enum http_field {
	HTTP_HOST,
	HTTP_CONTENT_TYPE,
	HTTP_CONTENT_DIGEST,
	HTTP_IDEMPOTENCY_KEY,
	HTTP_SIGNATURE_INPUT,
	HTTP_SIGNATURE,
	HTTP_LAST_EVENT_ID,
	HTTP_ACCEPT_ENCODING,
	HTTP_IF_NONE_MATCH,
	HTTP_COOKIE,
	HTTP_SEC_FETCH_SITE,
	HTTP_EXPECT,
	HTTP_CONTENT_ENCODING,
	HTTP_TRANSFER_ENCODING,
	HTTP_UPGRADE,
	HTTP_FIELD_COUNT,
	HTTP_NO_FIELD = HTTP_FIELD_COUNT,
};

enum http_progress {
	HTTP_WANTS_MORE,
	HTTP_COMPLETE, /* reader->refusal is set if there is no such route */
	HTTP_REFUSED,  /* reader->refusal says why; answer and close */
};

struct http_reader {
	llhttp_t parser;
	struct http_common *common;
	struct buffer head; /* target, path decoded, and the values of the fields that are looked at */
	struct buffer body;
	size_t body_bytes; /* taken of what all bodies may have */
	struct http_span {
		size_t at, len;
	} target, path, fields[HTTP_FIELD_COUNT];
	uint32_t fields_seen; /* a bit for each enum http_field */
	const struct route *route;
	const struct http_refusal *refusal;
	char detail[HTTP_DETAIL_SIZE]; /* of the refusal; empty: the table's */
	size_t raw_bytes;              /* of the header section; then of the body's framing */
	unsigned header_count;
	uint8_t name_length; /* of the field whose name is being read */
	char name[32];
	uint8_t field; /* enum http_field that is being read */
	bool started;  /* a byte of this request has arrived */
	bool head_complete;
	bool complete;
	bool expects_continue;
};

/* common outlives the reader. */
void http_reader_start(struct http_reader *reader, struct http_common *common);
void http_reader_free(struct http_reader *reader);
void http_reader_reset(struct http_reader *reader); /* for the next request of the connection */

/* Takes bytes up to the end of one request; *used receives how many. */
enum http_progress http_reader_feed(struct http_reader *reader, struct bytes input, size_t *used);

struct bytes http_method(const struct http_reader *reader);
struct bytes http_target(const struct http_reader *reader);                       /* as received */
struct bytes http_path(const struct http_reader *reader);                         /* decoded, without query */
struct bytes http_field(const struct http_reader *reader, enum http_field field); /* data null: absent */
bool http_keep_alive(const struct http_reader *reader);

/* Of a request that is refused, or complete without a route: what is said about it. The numbers and names in it are ours. */
const char *http_refusal_detail(const struct http_reader *reader);
/* For a reason that the reader does not see; detail null: the table's. A refusal that there is stays. */
void http_reader_refuse(struct http_reader *reader, enum http_refused refused, const char *detail);

#endif
