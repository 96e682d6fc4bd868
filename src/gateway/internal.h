/*
 * What the gateway's files share: the one struct gateway of the process. Everything in it belongs to the loop's thread.
 */
#ifndef GATEHOUSE_GATEWAY_INTERNAL_H
#define GATEHOUSE_GATEWAY_INTERNAL_H

#include <uv.h>

#include "gateway/http_request.h"
#include "gateway/keeper_link.h"
#include "gateway/peer_relay.h"
#include "gateway/sse.h"
#include "gateway/tls.h"
#include "supervisor/confine.h"

constexpr size_t GATEWAY_SCRATCH_SIZE = 32 * 1024; /* two TLS records */
constexpr uint64_t GATEWAY_TICK_MS = 250;
constexpr int64_t GATEWAY_DRAIN_MS = 10'000;

struct connection;

struct listener {
	uv_poll_t poll;
	struct gateway *gateway;
	int descriptor;
};

struct gateway {
	uv_loop_t loop;
	struct config config;
	const char *authorities[CONFIG_AUTHORITIES_MAX + 1]; /* ends in null */
	struct http_common http;
	SSL_CTX *tls;
	struct confinement confinement;
	struct {
		char text[IPC_CONTROL_TEXT_MAX]; /* JSON, as supervisor/confine.h writes it; "": not heard of */
		bool degraded;
	} others[IPC_ROLE_END]; /* how the other processes are confined, as the supervisor says */

	int control;
	uv_poll_t control_poll;
	struct listener *listeners[CONFIG_LISTENERS_MAX];
	size_t listener_count;
	bool accepting;
	bool accept_pauses; /* for want of descriptors or memory, until the next tick */
	uv_timer_t ticker;
	uv_check_t after_io;

	struct connection_slot {
		struct connection *connection; /* null: free */
		uint32_t generation;
	} *slots; /* config.limits.connections of them */
	uint32_t *free_slots;
	uint32_t free_count;
	uint32_t connection_count;
	uint32_t feed_clients;

	struct keeper_link keeper;
	struct peer_relay relay;
	struct sse_ring ring;

	bool draining;
	int64_t drain_until_ms;
	int exit_status;
	uint8_t scratch[GATEWAY_SCRATCH_SIZE];
};

/* Takes new connections, or leaves them in the backlog. */
void gateway_accept(struct gateway *gateway, bool accept);
/* Whether accept() failed for want of what comes back. Its listener would be ready again at once: the caller polls it no more, and
 * the next tick begins again. */
bool gateway_pauses(struct gateway *gateway, int error);
/* Ends the process: what the keeper sent makes no sense, or nothing can go on. */
void gateway_fail(struct gateway *gateway);

#endif
