/*
 * One request and its answer. A complete request is served here and now, or goes to the keeper; what answers it goes into the
 * connection's output, and the connection is ready for the next request, or ends.
 */
#ifndef GATEHOUSE_GATEWAY_EXCHANGE_H
#define GATEHOUSE_GATEWAY_EXCHANGE_H

#include "base/ipc_messages.h"
#include "base/problem.h"
#include "gateway/connection_state.h"

void exchange_serve(struct connection *connection);

/* An answer, without the request being over: exchange_finish() follows. allow: the methods that a 405 names, or null. */
void exchange_append(struct connection *connection, const struct ipc_response *response, const char *allow);
/* The request is answered: on to the next, or to the end. */
void exchange_finish(struct connection *connection);

/* These finish the request. */
void exchange_answer_problem(struct connection *connection, const struct problem *problem, bool retry);
void exchange_refuse(struct connection *connection, bool close); /* by what the reader refuses it for */
void exchange_answer_unknown(struct connection *connection, const char *detail);

#endif
