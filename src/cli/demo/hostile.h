/*
 * A gateway that has fallen: a process that speaks to the keeper in its place (docs/PROTOCOL.ipc) and sends whatever it is given,
 * with no check of its own. The keeper is the real one, started alone, in its own confinement.
 *
 * Owner: hostile_stop() ends both. Threads: one. Errors: those of ipc; STATUS_UNAVAILABLE "hostile.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_HOSTILE_H
#define GATEHOUSE_CLI_DEMO_HOSTILE_H

#include <sys/types.h>

#include "cli/connection.h"
#include "cli/demo/house.h"

struct hostile {
	pid_t keeper, process;
	int control; /* of the keeper */
	int link;    /* to the hostile process */
};

enum status hostile_start(struct house *house, struct hostile *hostile);
/* Hands the keeper a request as if a client had sent it from this IPv4 address. */
enum status hostile_send(const struct hostile *hostile, struct arena *arena, const struct http_request *request,
			 const uint8_t source[4], struct connection_answer *answer);
/* The keeper records its stop; the processes end. */
void hostile_stop(struct hostile *hostile); /* a cleanup function */

#endif
