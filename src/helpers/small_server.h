/*
 * A small HTTP/1.1 server for a witness and for tests: plain, one thread, a few connections, whole requests in memory.
 *
 * Framing is by llhttp in strict mode. A request has SMALL_SERVER_HEADER_MAX bytes of header and a body of at most the given
 * size, and must be complete within ten seconds; else 400, 408, 413 or 431 and the connection ends. An answer waits for its
 * client thirty seconds and for nobody else; what the client sends behind it is not read before. Where TLS is wanted, a proxy
 * stands in front.
 *
 * Threads: one; SIGTERM and SIGINT, which the caller has blocked, end it. Errors: those of the handler, which end the server.
 */
#ifndef GATEHOUSE_HELPERS_SMALL_SERVER_H
#define GATEHOUSE_HELPERS_SMALL_SERVER_H

#include "base/bytes.h"

constexpr size_t SMALL_SERVER_HEADER_MAX = 8 * 1024;
constexpr size_t SMALL_SERVER_CONNECTIONS = 32;

struct small_request {
	bool is_post; /* else GET */
	struct bytes target;
	struct bytes body;
};

struct small_answer {
	int status;
	const char *content_type; /* static */
	struct buffer body;
};

typedef enum status small_handler(void *context, const struct small_request *request, struct small_answer *answer);

struct small_server {
	int listener; /* non-blocking; stays the caller's */
	size_t body_max;
	small_handler *handle;
	void *context;
};

/* Serves until a signal. */
enum status small_server_run(const struct small_server *server);

#endif
