/*
 * Events: what somebody waits to hear of an operation, told to the clients of the gateway's feed as it happens. An event names the
 * operation and nothing else: what happened is asked for. docs/openapi.yaml, GET /v1/events.
 *
 * An event says only what is durable, or what the clock says. Events are not kept: after a gap a client gets "resync" and lists
 * what there is. At most EVENTS_PER_SECOND_MAX are told in a second; "head" says all the same that the log has grown.
 * Threads: the deciding one.
 */
#ifndef GATEHOUSE_KEEPER_EVENT_H
#define GATEHOUSE_KEEPER_EVENT_H

#include "crypto/hash.h"

struct gate_operation;
struct keeper;
struct job;

constexpr unsigned EVENTS_PER_SECOND_MAX = 256;
constexpr int64_t EXPIRING_MS =
	INT64_C(3'600'000); /* told so long before the end, and after three quarters of the lifetime */

enum event_kind {
	EVENT_HELD,
	EVENT_EXPIRING, /* a held operation's time is nearly over */
	EVENT_EXPIRED,
	EVENT_DENIED,
	EVENT_REJECTED,
	EVENT_OBJECTED,    /* rejected by somebody who is not asked; it stays held */
	EVENT_REFUSED,     /* a last vote could not decide; it stays held */
	EVENT_APPROVED,    /* what was held is done, failed, or intended */
	EVENT_BREAK_GLASS, /* something that cannot wait was asked for, or is decided: besides what else is told of it */
	EVENT_REVIEW_OVERDUE, /* a break-glass operation was not reviewed in time */
	EVENT_KINDS,
};

/* Counts it, and tells whoever listens. */
void event_raise(struct keeper *keeper, enum event_kind kind, const struct hash256 *operation);
/* What a durable step of a job brought about. */
void event_of_step(struct keeper *keeper, const struct job *job);
/* The log has grown to so many entries. */
void event_head(struct keeper *keeper, uint64_t size);
/* Once a second: held operations whose time is over become entries; those whose time is nearly over are told. */
void event_turn(struct keeper *keeper);

/* From when on a held operation's time is nearly over. */
int64_t event_expiring_from_ms(const struct gate_operation *operation);

#endif
