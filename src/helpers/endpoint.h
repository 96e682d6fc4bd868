/*
 * Where a small server listens and a small client connects: "127.0.0.1:8081", "[::1]:8081" or "unix:/run/witness.sock".
 *
 * Names are not looked up: an endpoint is what it says. Owner: the caller closes descriptors; all are CLOEXEC and
 * non-blocking. Errors: STATUS_INVALID "endpoint.form"; STATUS_UNAVAILABLE "endpoint.connect", "endpoint.timeout";
 * STATUS_IO "endpoint.listen". Threads: any.
 */
#ifndef GATEHOUSE_HELPERS_ENDPOINT_H
#define GATEHOUSE_HELPERS_ENDPOINT_H

#include <sys/socket.h>

#include "base/bytes.h"

constexpr size_t ENDPOINT_TEXT_MAX = 160;

struct endpoint {
	socklen_t len;
	struct sockaddr_storage address;
};

enum status endpoint_parse(struct bytes text, struct endpoint *endpoint);
/* Writes the endpoint that a listener has, with the port that the system chose; text holds ENDPOINT_TEXT_MAX. */
enum status endpoint_of_listener(int listener, char *text);

/* A socket file left behind by an earlier listener is replaced. */
enum status endpoint_listen(const struct endpoint *endpoint, int *listener);
enum status endpoint_connect(const struct endpoint *endpoint, int64_t deadline_ns, int *descriptor);

/* CLOCK_BOOTTIME now. */
int64_t endpoint_clock_ns(void);
/* STATUS_UNAVAILABLE "endpoint.timeout" from the deadline on. */
enum status endpoint_check(int64_t deadline_ns);
/* Waits for poll events until the deadline, and does not look for them after it. */
enum status endpoint_wait(int descriptor, short events, int64_t deadline_ns);

#endif
