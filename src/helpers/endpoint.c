#include "helpers/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

constexpr int BACKLOG = 64;

static enum status
fail_form(struct bytes text) {
	return fail(STATUS_INVALID, "endpoint.form: %.*s: expected ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH",
		    BYTES_ARGS(text));
}

static enum status
parse_unix(struct bytes text, struct bytes path, struct endpoint *endpoint) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (path.len == 0 || path.data[0] != '/' || path.len >= sizeof address.sun_path ||
	    memchr(path.data, '\0', path.len) != nullptr)
		return fail_form(text);
	memcpy(address.sun_path, path.data, path.len);
	memcpy(&endpoint->address, &address, sizeof address);
	endpoint->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return OK;
}

static enum status
parse_port(struct bytes text, struct bytes digits, in_port_t *port) {
	uint64_t number;
	if (decimal_decode(digits, &number) != OK || number > UINT16_MAX)
		return fail_form(text);
	*port = htons((uint16_t)number);
	return OK;
}

enum status
endpoint_parse(struct bytes text, struct endpoint *endpoint) {
	*endpoint = (struct endpoint){};
	if (text.len > 5 && memcmp(text.data, "unix:", 5) == 0)
		return parse_unix(text, bytes_of(text.data + 5, text.len - 5), endpoint);
	const uint8_t *colon = text.len == 0 ? nullptr : memrchr(text.data, ':', text.len);
	if (colon == nullptr)
		return fail_form(text);
	struct bytes host = bytes_of(text.data, (size_t)(colon - text.data));
	struct bytes port = bytes_of(colon + 1, text.len - host.len - 1);
	bool is_six = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
	if (is_six)
		host = bytes_of(host.data + 1, host.len - 2);
	char literal[INET6_ADDRSTRLEN];
	if (host.len >= sizeof literal)
		return fail_form(text);
	memcpy(literal, host.data, host.len);
	literal[host.len] = '\0';
	if (is_six) {
		struct sockaddr_in6 address = {.sin6_family = AF_INET6};
		TRY(parse_port(text, port, &address.sin6_port));
		if (inet_pton(AF_INET6, literal, &address.sin6_addr) != 1)
			return fail_form(text);
		memcpy(&endpoint->address, &address, sizeof address);
		endpoint->len = sizeof address;
		return OK;
	}
	struct sockaddr_in address = {.sin_family = AF_INET};
	TRY(parse_port(text, port, &address.sin_port));
	if (inet_pton(AF_INET, literal, &address.sin_addr) != 1)
		return fail_form(text);
	memcpy(&endpoint->address, &address, sizeof address);
	endpoint->len = sizeof address;
	return OK;
}

enum status
endpoint_of_listener(int listener, char *text) {
	struct sockaddr_storage address = {};
	socklen_t len = sizeof address;
	char literal[INET6_ADDRSTRLEN];
	if (getsockname(listener, (struct sockaddr *)&address, &len) != 0)
		return fail_errno(STATUS_IO, "endpoint.listen: the listener has no address");
	switch (address.ss_family) {
	case AF_UNIX: {
		struct sockaddr_un local;
		memcpy(&local, &address, sizeof local);
		snprintf(text, ENDPOINT_TEXT_MAX, "unix:%.*s", (int)sizeof local.sun_path, local.sun_path);
		return OK;
	}
	case AF_INET6: {
		struct sockaddr_in6 six;
		memcpy(&six, &address, sizeof six);
		inet_ntop(AF_INET6, &six.sin6_addr, literal, sizeof literal);
		snprintf(text, ENDPOINT_TEXT_MAX, "[%s]:%u", literal, ntohs(six.sin6_port));
		return OK;
	}
	default: {
		struct sockaddr_in four;
		memcpy(&four, &address, sizeof four);
		inet_ntop(AF_INET, &four.sin_addr, literal, sizeof literal);
		snprintf(text, ENDPOINT_TEXT_MAX, "%s:%u", literal, ntohs(four.sin_port));
		return OK;
	}
	}
}

static enum status
open_socket(const struct endpoint *endpoint, int *descriptor) {
	*descriptor = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *descriptor < 0 ? fail_errno(STATUS_IO, "endpoint.socket") : OK;
}

static void
remove_stale_socket(const struct endpoint *endpoint) {
	struct sockaddr_un address;
	struct stat found;
	memcpy(&address, &endpoint->address, sizeof address);
	if (lstat(address.sun_path, &found) == 0 && S_ISSOCK(found.st_mode))
		unlink(address.sun_path);
}

enum status
endpoint_listen(const struct endpoint *endpoint, int *listener) {
	TRY(open_socket(endpoint, listener));
	int on = 1;
	setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (endpoint->address.ss_family == AF_UNIX)
		remove_stale_socket(endpoint);
	if (bind(*listener, (const struct sockaddr *)&endpoint->address, endpoint->len) == 0 &&
	    listen(*listener, BACKLOG) == 0)
		return OK;
	enum status status = fail_errno(STATUS_IO, "endpoint.listen");
	close(*listener);
	*listener = -1;
	return status;
}

int64_t
endpoint_clock_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

enum status
endpoint_check(int64_t deadline_ns) {
	return endpoint_clock_ns() < deadline_ns
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "endpoint.timeout: the other side took too long");
}

enum status
endpoint_wait(int descriptor, short events, int64_t deadline_ns) {
	for (;;) {
		TRY(endpoint_check(deadline_ns));
		int64_t left_ns = deadline_ns - endpoint_clock_ns();
		struct pollfd poll_one = {.fd = descriptor, .events = events};
		int left_ms = left_ns / 1'000'000 > 60'000 ? 60'000 : (int)(left_ns / 1'000'000) + 1;
		int ready = poll(&poll_one, 1, left_ms);
		if (ready > 0)
			return OK;
		if (ready < 0 && errno != EINTR)
			return fail_errno(STATUS_IO, "endpoint.poll");
	}
}

static enum status
finish_connecting(int descriptor, int64_t deadline_ns) {
	TRY(endpoint_wait(descriptor, POLLOUT, deadline_ns));
	int error = 0;
	socklen_t len = sizeof error;
	if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return fail_errno(STATUS_IO, "endpoint.connect");
	errno = error;
	return error == 0 ? OK : fail_errno(STATUS_UNAVAILABLE, "endpoint.connect");
}

enum status
endpoint_connect(const struct endpoint *endpoint, int64_t deadline_ns, int *descriptor) {
	TRY(open_socket(endpoint, descriptor));
	int on = 1;
	enum status status = OK;
	if (endpoint->address.ss_family != AF_UNIX)
		setsockopt(*descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(*descriptor, (const struct sockaddr *)&endpoint->address, endpoint->len) != 0)
		status = errno == EINPROGRESS ? finish_connecting(*descriptor, deadline_ns)
					      : fail_errno(STATUS_UNAVAILABLE, "endpoint.connect");
	if (status == OK)
		return OK;
	close(*descriptor);
	*descriptor = -1;
	return status;
}
