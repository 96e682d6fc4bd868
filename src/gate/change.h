/*
 * One change of the decision state by an operation, and what every kind's handlers share. The handlers stand in change_*.c, by
 * what they change, and are named as the kinds are: change_list_add() makes the change of "list.add", facts_of_list_add() states
 * what a policy may ask of it. Their table is in administration.c.
 *
 * can_list_add() says whether the change could be made as things are. A change checks everything before it changes anything; it runs when the operation is permitted and again, from the recorded
 * entry, when the log is read at start. Facts of what does not exist or cannot be read are left out; the change itself will be
 * refused.
 */
#ifndef GATEHOUSE_GATE_CHANGE_H
#define GATEHOUSE_GATE_CHANGE_H

#include "gate/state.h"
#include "model/facts.h"
#include "model/operation_kind.h"

struct change {
	enum operation_kind_id kind;
	const struct operation *operation;
	enum resource_type resource_type;
	struct bytes resource_id;
	const json *payload;
	const json *result; /* what the act yielded, as recorded: a key's record; null where there is none */
	int64_t now_ms;
};

typedef enum status change_effect(struct gate_state *state, const struct change *change);
/* Whether the change could be made as the state is now: what is found out before anybody is asked. */
typedef enum status change_check_of(const struct gate_state *state, const struct change *change);
typedef void change_facts_of(const struct gate_state *state, const struct change *change, struct facts *facts);

/* Empty where it is absent or no string. */
struct bytes payload_text(const json *payload, const char *member);
/* Absent: 0, which means none. A number that is there is above that: STATUS_INVALID "payload.<member>". */
enum status payload_optional_number(const json *payload, const char *member, int64_t *number);
/* None where the payload has none. */
void facts_add_payload_text(struct facts *facts, const char *name, const json *payload, const char *member);

/* What a policy asks of whatever gives somebody a voice: whether it does, and how long others have to object. approver: whose it is
 * approves. */
void facts_add_waiting(const struct change *change, bool approver, struct facts *facts);
/* The same of what begins then. */
void facts_add_voice(const struct change *change, bool approver, int64_t from_ms, struct facts *facts);
/* From now until the payload's "until". */
void facts_add_duration(const struct change *change, struct facts *facts);
/* Whether the requester asks for themselves. */
change_facts_of facts_of_own;

#endif
