/*
 * Live updates: the newest events of the ledger in a ring, and each client's place in it (Server-Sent Events, HTML
 * Living Standard §9.2). A client that resumes gets what it missed; one that has fallen out of the ring gets the event
 * "resync" and reads the ledger through the API. Events are formatted once, however many clients there are.
 *
 * Owner: the ring owns its events. Threads: one.
 */
#ifndef GATEHOUSE_GATEWAY_SSE_H
#define GATEHOUSE_GATEWAY_SSE_H

#include "base/ipc_messages.h"

constexpr size_t SSE_RING_SIZE = 1024;
constexpr size_t SSE_BACKLOG_MAX = 64 * 1024; /* unsent bytes at which a client is left where it is */

struct sse_event {
	uint64_t index;
	char *text; /* as sent */
	size_t len;
};

struct sse_ring {
	struct sse_event events[SSE_RING_SIZE];
	uint64_t count; /* events ever added; the newest is events[(count − 1) % SSE_RING_SIZE] */
};

void sse_free(struct sse_ring *ring); /* a cleanup function */

/* An event that was had already changes nothing: a keeper that started anew repeats its last ones. */
enum status sse_add(struct sse_ring *ring, const struct ipc_feed *feed);

/* A client's place: the number of events before the next that it gets. */
struct sse_place {
	uint64_t next;
	bool lost; /* it has missed events: a resync goes first */
};

/* last_event_id: as the client sent it, or absent. What is no index counts as lost. */
struct sse_place sse_resume(const struct sse_ring *ring, struct bytes last_event_id);

/* Appends what the client has not had, up to the backlog; true if anything was appended. */
bool sse_write(const struct sse_ring *ring, struct sse_place *place, struct buffer *to);

#endif
