/*
 * One client: TLS, HTTP, and at most one request with the keeper at a time; what a client pipelines waits its turn.
 *
 *     handshake ─► reading ─► waiting ─► reading ...      (keep-alive)
 *                     │           └────► streaming        (live updates)
 *                     └─► finishing ─► lingering ─► closed
 *
 * Every state has a deadline. A refusal is answered before the connection is closed, and what the client still sends is
 * read away for a while, so that the answer is not lost to a reset. Memory: a connection that is idle keeps 32 KiB at
 * most beside what OpenSSL keeps. Owner: the gateway's table; a connection frees itself when its poll handle has
 * closed.
 */
#ifndef GATEHOUSE_GATEWAY_CONNECTION_H
#define GATEHOUSE_GATEWAY_CONNECTION_H

#include <sys/socket.h>

#include "base/ipc_messages.h"

struct gateway;

/* Takes over descriptor; closes it at once where a limit is reached. */
void connection_accept(struct gateway *gateway, int descriptor, const struct sockaddr_storage *peer);

/* The keeper's answer to the request that was sent with token. */
void connection_take_answer(struct gateway *gateway, uint64_t token, const struct ipc_response *response);

/* Every request in flight: 503 outcome-unknown. Streams of sessions end. */
void connections_lose_keeper(struct gateway *gateway);
/* Sends clients of live updates what they have not had. */
void connections_feed(struct gateway *gateway);
/* Those that watch this stream are watching no more. */
void connections_end_stream(struct gateway *gateway, uint64_t stream);
/* Ends what is over its deadline; sends heartbeats. */
void connections_tick(struct gateway *gateway);
/* Ends what is idle or streams; what is under way is answered and then ended. now: everything. */
void connections_drain(struct gateway *gateway, bool now);

#endif
