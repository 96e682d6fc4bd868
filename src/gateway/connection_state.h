/*
 * One connection of a client, as its two parts see it: gateway/connection.c moves bytes, gateway/exchange.c answers requests.
 * Private to them.
 */
#ifndef GATEHOUSE_GATEWAY_CONNECTION_STATE_H
#define GATEHOUSE_GATEWAY_CONNECTION_STATE_H

#include "gateway/connection.h"
#include "gateway/http_request.h"
#include "gateway/internal.h"

constexpr int64_t IDLE_MS = 60'000;
constexpr int64_t OUTPUT_MS = 30'000; /* without a byte being taken */

enum connection_state { HANDSHAKE, READING, WAITING, STREAMING, FINISHING, LINGERING, CLOSED };

struct connection {
	struct gateway *gateway;
	uv_poll_t poll;
	int polled; /* the events that it is polled for */
	int descriptor;
	SSL *tls;
	const char *group; /* that the key agreement used; OpenSSL's */
	enum connection_state state;
	uint32_t slot;
	struct http_reader reader;
	struct buffer early; /* what the client sent behind the request that is being served */
	size_t early_used;
	struct buffer output;
	size_t written;
	int64_t deadline_ms;        /* of the state */
	int64_t output_deadline_ms; /* while output is unsent */
	int64_t head_complete_ms;
	uint64_t asked_ns; /* when the request went to the keeper */
	struct sse_place place;
	uint64_t stream;     /* of the feed that it is sent: what the keeper ends it by */
	bool input_ended;    /* the client has closed its side */
	bool output_blocked; /* OpenSSL waits for room to send */
	bool read_blocked;   /* it does so before it reads on (a key update) */
	bool close_when_sent;
	uint8_t address[16];
	uint8_t address_len; /* 4 or 16 */
	uint16_t port;
	bool has_certificate;
	uint8_t certificate[32];
};

static inline int64_t
connection_now_ms(const struct gateway *gateway) {
	return (int64_t)uv_now(&gateway->loop);
}

static inline size_t
connection_unsent(const struct connection *connection) {
	return connection->output.len - connection->written;
}

/* What names the request that is being served to the keeper: a slot's generation goes up with every request and every connection
 * in it, so that no two requests share a token. */
uint64_t connection_token(const struct connection *connection);
void connection_new_generation(const struct connection *connection);
void connection_set_state(struct connection *connection, enum connection_state state, int64_t deadline_after_ms);

#endif
