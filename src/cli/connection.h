/*
 * One connection to an installation: HTTPS with TLS 1.3 and X25519MLKEM768, made at the first request and kept; one request after
 * the other, blocking. One that the other side has ended meanwhile is made anew. What stands in a request is the caller's: cli/client.h signs.
 *
 * Owner: answers live in the given arena. Threads: one. Errors: STATUS_UNAVAILABLE "connection.connect", "connection.tls",
 * "connection.lost"; STATUS_UNAUTHORIZED "connection.certificate"; STATUS_INVALID "http_answer.*" where what answers speaks no
 * HTTP; STATUS_TOO_LARGE "connection.answer". After an error the next request connects anew. Source: RFC 9112, RFC 8446.
 */
#ifndef GATEHOUSE_CLI_CONNECTION_H
#define GATEHOUSE_CLI_CONNECTION_H

#include "crypto/hash.h"
#include "identity/http_signature.h"

constexpr size_t CONNECTION_ANSWER_MAX = 16 * 1024 * 1024;

/* Borrowed; must outlive the connection. */
struct connection_target {
	const char *host; /* name, or address without brackets */
	const char *port;
	const char *source; /* the own address to connect from; null: the system's choice */
	/* Whom to trust: one of these, or else the system's authorities. */
	const char *ca; /* PEM */
	bool has_pin;
	struct hash256 pin;   /* SHA-256 of the server's certificate */
	bool any_on_loopback; /* whoever answers on a loopback address */
};

struct connection_answer {
	unsigned status;
	struct bytes content_type;
	struct bytes body;
};

struct connection;

enum status connection_create(const struct connection_target *target, struct connection **connection);
void connection_destroy(struct connection **connection); /* a cleanup function */
/* Ends what there is; the next request connects anew. */
void connection_hang_up(struct connection *connection);
/* Sends the request as it is, with its fields and a length, and takes the answer. A GET is sent once more where a connection that was kept
 * ended before a byte of it. */
enum status connection_exchange(struct connection *connection, struct arena *arena, const struct http_request *request,
				struct connection_answer *answer);

#endif
