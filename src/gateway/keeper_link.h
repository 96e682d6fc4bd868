/*
 * The gateway's side of the channel to the keeper: credits, requests out, answers in, and what the keeper reports of
 * itself.
 *
 * Without a keeper, without credit or with the channel's backlog full, a request is refused before the keeper hears of
 * it, so that nothing is recorded. When the keeper is lost, every request in flight has an unknown outcome and is told
 * so.
 */
#ifndef GATEHOUSE_GATEWAY_KEEPER_LINK_H
#define GATEHOUSE_GATEWAY_KEEPER_LINK_H

#include <uv.h>

#include "base/ipc_messages.h"

struct gateway;

struct keeper_link {
	struct ipc_channel channel;
	uv_poll_t *poll; /* null: no keeper */
	int polled;      /* the events that it is polled for */
	uint64_t credit, urgent_credit;
	bool ready;
	struct buffer health, metrics, instance; /* of the last report */
	bool drain_sent;
};

/* Takes over descriptor, also where it fails. */
enum status keeper_link_start(struct gateway *gateway, int descriptor);
void keeper_link_stop(struct gateway *gateway);

enum link_result { LINK_SENT, LINK_NO_KEEPER, LINK_NO_CREDIT, LINK_BACKLOG };
enum link_result keeper_link_request(struct gateway *gateway, uint64_t token, const struct ipc_request *request,
				     bool urgent);

/* Tells the keeper that no more requests follow. */
void keeper_link_drain(struct gateway *gateway);

/* Writes what has gathered in this turn of the loop. */
void keeper_link_flush(struct gateway *gateway);

#endif
