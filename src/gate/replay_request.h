/*
 * A recorded operation as a request that can be decided again: facts and entities from its own entry, and the entities that a
 * bundle brings along.
 */
#ifndef GATEHOUSE_GATE_REPLAY_REQUEST_H
#define GATEHOUSE_GATE_REPLAY_REQUEST_H

#include "gate/record.h"
#include "policy/bundle.h"

struct replay_request {
	struct facts *facts;
	struct policy_entities *entities;
	struct value context;
	struct policy_request request;
};

enum status replay_request_make(struct arena *arena, const struct bundle *bundle, const struct decision_record *record,
				struct replay_request *made);
void replay_request_free(struct replay_request *request); /* a cleanup function */

#endif
