/*
 * Bytes between the keepers of one installation: TCP connections to and from their gateways, in frames that say nothing but
 * where to (base/peer_frame.h), and to the own keeper as IPC frames. This process reads none of it and could not.
 *
 * Which peers are dialled is the keeper's word, where they are the configuration's. Connections that come in are nobody's until
 * the keeper says otherwise: they are bounded in number, in number from one address, in rate, in memory and in time; the
 * addresses of configured peers have room of their own. A connection that fails or ends is dialled again after a pause
 * that doubles. Credits in both directions keep peers from standing in the way of requests.
 *
 * Threads: the loop's. Format: docs/PROTOCOL.peer §3, docs/PROTOCOL.ipc §4.
 */
#ifndef GATEHOUSE_GATEWAY_PEER_RELAY_H
#define GATEHOUSE_GATEWAY_PEER_RELAY_H

#include <uv.h>

#include "base/ipc_messages.h"

struct gateway;
struct relay_connection;

constexpr size_t RELAY_STRANGERS_MAX = 16; /* from addresses that are not configured */
constexpr size_t RELAY_INBOUND_MAX = 32;   /* with those from configured ones */
constexpr size_t RELAY_PER_ADDRESS_MAX = 4;
constexpr int64_t RELAY_ACCEPTS_PER_S = 20; /* of strangers */
constexpr size_t RELAY_CONNECTIONS_MAX = RELAY_INBOUND_MAX + IPC_PEERS_MAX;

struct relay_dial {
	uint8_t party;
	char name[IPC_PEER_NAME_MAX + 1];
	struct relay_connection *connection; /* null: none */
	int64_t next_ms, pause_ms;
};

struct peer_relay {
	bool is_started;
	uv_timer_t timer;
	uv_poll_t *listener; /* null: none */
	int listener_descriptor;
	uint8_t own; /* 0: the keeper has not said who it is */
	struct relay_dial dials[IPC_PEERS_MAX];
	size_t dial_count;
	struct relay_connection *connections[RELAY_CONNECTIONS_MAX];
	uint64_t next_stream;
	int64_t strangers_ms; /* when the next stranger may be taken, at the earliest */
};

enum status peer_relay_start(struct gateway *gateway);
/* Takes over a listening socket; replaces an earlier one. */
enum status peer_relay_listen(struct gateway *gateway, int descriptor);
/* Goes on after a pause (gateway_pauses()). */
void peer_relay_accept(struct gateway *gateway);
void peer_relay_stop(struct gateway *gateway);

/* Frames of the keeper. */
enum status peer_relay_take_peers(struct gateway *gateway, const struct ipc_frame *frame);
enum status peer_relay_take_data(struct gateway *gateway, const struct ipc_frame *frame);
enum status peer_relay_take_credit(struct gateway *gateway, const struct ipc_frame *frame);
enum status peer_relay_take_closed(struct gateway *gateway, const struct ipc_frame *frame);
/* Without a keeper there is nobody to speak for. */
void peer_relay_lose_keeper(struct gateway *gateway);

#endif
