#include "bench/load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

constexpr int STALL_MS = 30'000;
constexpr size_t READ_SIZE = 16 * 1024;

struct client {
	int descriptor;
	SSL *tls;
	uint64_t number; /* of the request under way */
	int64_t sent_ns;
	struct buffer request;
	size_t written;
	struct buffer answer;
};

struct run {
	const struct load_options *options;
	struct load_result *result;
	SSL_CTX *context;
	struct client *clients;
	int poll;
	uint64_t next; /* the first request that was not yet sent */
};

static int64_t
now_ns(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

static enum status
tls_failure(const char *what) {
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return fail(STATUS_IO, "load.%s: %s", what, reason == nullptr ? "the connection was closed" : reason);
}

/* Blocking until the handshake is done, which is not measured. */
static enum status
connect_client(struct run *run, struct client *client) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(run->options->port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->descriptor < 0 ||
	    connect(client->descriptor, (const struct sockaddr *)&address, sizeof address) != 0)
		return fail_errno(STATUS_IO, "load.connect: 127.0.0.1 port %u", run->options->port);
	setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	client->tls = SSL_new(run->context);
	TRY_ALLOC(client->tls);
	if (SSL_set_fd(client->tls, client->descriptor) != 1 || SSL_connect(client->tls) != 1)
		return tls_failure("handshake");
	if (fcntl(client->descriptor, F_SETFL, O_NONBLOCK) != 0)
		return fail_errno(STATUS_IO, "load.descriptor");
	struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = client}};
	if (epoll_ctl(run->poll, EPOLL_CTL_ADD, client->descriptor, &event) != 0)
		return fail_errno(STATUS_IO, "load.poll");
	return OK;
}

static enum status
wait_for(struct run *run, struct client *client, uint32_t events) {
	struct epoll_event event = {.events = events, .data = {.ptr = client}};
	return epoll_ctl(run->poll, EPOLL_CTL_MOD, client->descriptor, &event) == 0
		       ? OK
		       : fail_errno(STATUS_IO, "load.poll");
}

static enum status
write_request(struct run *run, struct client *client) {
	bool had_to_wait = client->written > 0;
	while (client->written < client->request.len) {
		size_t sent;
		ERR_clear_error();
		if (SSL_write_ex(client->tls, client->request.data + client->written,
				 client->request.len - client->written, &sent) == 1) {
			client->written += sent;
			continue;
		}
		if (SSL_get_error(client->tls, 0) != SSL_ERROR_WANT_WRITE)
			return tls_failure("write");
		return wait_for(run, client, EPOLLIN | EPOLLOUT);
	}
	return had_to_wait ? wait_for(run, client, EPOLLIN) : OK;
}

static enum status
send_next(struct run *run, struct client *client) {
	if (run->next == run->options->requests)
		return OK;
	buffer_reset(&client->request);
	buffer_reset(&client->answer);
	client->written = 0;
	client->number = run->next++;
	run->options->build(run->options->context, client->number, &client->request);
	TRY(buffer_status(&client->request));
	client->sent_ns = now_ns();
	return write_request(run, client);
}

/* "HTTP/1.1 200 ..." and Content-Length; *whole is false while the answer is not all there. */
static enum status
read_answer(const struct client *client, unsigned *status, struct bytes *body, bool *whole) {
	static const char label[] = "\r\nContent-Length: ";
	struct bytes all = buffer_bytes(&client->answer);
	*whole = false;
	const uint8_t *end = all.len == 0 ? nullptr : memmem(all.data, all.len, "\r\n\r\n", 4);
	if (end == nullptr)
		return OK;
	size_t head = (size_t)(end - all.data) + 4;
	const uint8_t *length = memmem(all.data, head, label, sizeof label - 1);
	if (head < 16 || length == nullptr)
		return fail(STATUS_INVALID, "load.answer: without Content-Length");
	*status = (unsigned)strtoul((const char *)all.data + 9, nullptr, 10);
	size_t len = strtoul((const char *)length + sizeof label - 1, nullptr, 10);
	*body = bytes_of(all.data + head, len);
	*whole = all.len >= head && all.len - head >= len;
	return OK;
}

static enum status
take_answer(struct run *run, struct client *client) {
	unsigned status;
	struct bytes body;
	bool whole;
	TRY(read_answer(client, &status, &body, &whole));
	if (!whole)
		return OK;
	struct load_result *result = run->result;
	result->latencies_us[result->answers++] = (double)(now_ns() - client->sent_ns) / 1000;
	result->failures += status >= 400;
	if (run->options->take_answer != nullptr)
		run->options->take_answer(run->options->context, client->number, status, body);
	return send_next(run, client);
}

static enum status
read_client(struct run *run, struct client *client) {
	size_t got;
	do {
		if (!buffer_reserve(&client->answer, READ_SIZE))
			return buffer_status(&client->answer);
		ERR_clear_error();
		if (SSL_read_ex(client->tls, client->answer.data + client->answer.len, READ_SIZE - 1, &got) != 1)
			return SSL_get_error(client->tls, 0) == SSL_ERROR_WANT_READ ? OK : tls_failure("read");
		client->answer.len += got;
		client->answer.data[client->answer.len] = '\0'; /* for the number parser */
		TRY(take_answer(run, client));
	} while (SSL_has_pending(client->tls));
	return OK;
}

static enum status
serve_events(struct run *run) {
	struct epoll_event events[64];
	while (run->result->answers < run->options->requests) {
		int count = epoll_wait(run->poll, events, ARRAY_LENGTH(events), STALL_MS);
		if (count < 0 && errno != EINTR)
			return fail_errno(STATUS_IO, "load.poll");
		if (count == 0)
			return fail(STATUS_UNAVAILABLE, "load.stalled: %llu of %llu answers",
				    (unsigned long long)run->result->answers,
				    (unsigned long long)run->options->requests);
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;
			if (events[i].events & EPOLLOUT)
				TRY(write_request(run, client));
			if (events[i].events & ~(uint32_t)EPOLLOUT)
				TRY(read_client(run, client));
		}
	}
	return OK;
}

static enum status
run_load(struct run *run) {
	run->context = SSL_CTX_new(TLS_client_method());
	run->clients = calloc(run->options->connections, sizeof *run->clients);
	run->result->latencies_us = calloc(run->options->requests, sizeof(double));
	run->poll = epoll_create1(EPOLL_CLOEXEC);
	TRY_ALLOC(run->context);
	TRY_ALLOC(run->clients);
	TRY_ALLOC(run->result->latencies_us);
	SSL_CTX_set_mode(run->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(run->context, 1);
	for (unsigned i = 0; i < run->options->connections; i++)
		run->clients[i].descriptor = -1;
	for (unsigned i = 0; i < run->options->connections; i++)
		TRY(connect_client(run, &run->clients[i]));
	if (run->options->connected != nullptr)
		run->options->connected(run->options->context);
	int64_t start = now_ns();
	for (unsigned i = 0; i < run->options->connections; i++)
		TRY(send_next(run, &run->clients[i]));
	enum status status = serve_events(run);
	run->result->elapsed_ns = now_ns() - start;
	return status;
}

enum status
load_run(const struct load_options *options, struct load_result *result) {
	struct run run = {.options = options, .result = result, .poll = -1};
	*result = (struct load_result){};
	enum status status = run_load(&run);
	for (unsigned i = 0; run.clients != nullptr && i < options->connections; i++) {
		SSL_free(run.clients[i].tls);
		if (run.clients[i].descriptor >= 0)
			close(run.clients[i].descriptor);
		buffer_free(&run.clients[i].request);
		buffer_free(&run.clients[i].answer);
	}
	free(run.clients);
	SSL_CTX_free(run.context);
	if (run.poll >= 0)
		close(run.poll);
	if (status != OK)
		load_result_free(result);
	return status;
}

void
load_result_free(struct load_result *result) {
	free(result->latencies_us);
	*result = (struct load_result){};
}
