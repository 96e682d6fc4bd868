/*
 * What a hostile gateway does to frames: every field and every member of every document in it, one at a time, altered, left
 * out, given twice, taken from another live request, and made consistent again where no key is needed for that.
 *
 * Members are found in the frame itself, so that a new one is manipulated without anyone listing it; the list of fields is compared
 * with the code's.
 * Owner: what is made lives in the arena. Threads: one.
 */
#ifndef GATEHOUSE_TESTS_HOSTILE_FRAMES_H
#define GATEHOUSE_TESTS_HOSTILE_FRAMES_H

#include "base/arena.h"
#include "base/ipc_messages.h"
#include "base/json.h"

enum manipulation {
	ANY = -1,
	ALTERED,    /* and nothing else: digests and signatures do not fit any more */
	CONSISTENT, /* altered; payload hash, content-digest, idempotency-key and canonical JSON made to fit */
	FOREIGN,    /* the other request's value, made to fit likewise */
	REMOVED,    /* made to fit likewise */
	ADDED,      /* an unknown member beside; made to fit likewise */
	RETYPED,    /* another JSON type; made to fit likewise */
	MANIPULATIONS,
};
extern const char *const manipulation_names[MANIPULATIONS];

struct hostile_frame {
	const char *field; /* "signature-input.keyid", "document.operation.resource" */
	enum manipulation manipulation;
	struct ipc_request request;
	unsigned left_out; /* tag of a field that the frame lacks whatever the request says; 0: none */
};
/* The payload of the frame, appended. */
void hostile_write(const struct hostile_frame *frame, struct buffer *payload);

/* Which check refuses which manipulation of which frame: a row of a test's table, of which the first that fits counts. */
struct hostile_rule {
	const char *frame, *field;      /* a "*" at the end stands for anything */
	enum manipulation manipulation; /* ANY: every other */
	const char *
		check; /* "@": the member's own reader ("operation.kind"); "": nothing depends on it, and what is true goes through */
	size_t refused;
};
/* Counts the row that fits; none, or one that expects another check, ends the test. found: the check that refused, or "". */
void hostile_judge(struct hostile_rule *rules, size_t count, const char *frame, const char *field,
		   enum manipulation manipulation, const char *found);
/* Every row has met a case. */
void hostile_judge_rules(const struct hostile_rule *rules, size_t count);

/* The canonical text of one member of a body, in the arena. */
struct bytes hostile_member(struct arena *arena, struct bytes body, const char *name);

/* Calls try() with each manipulation of the request; other is a live request of the same form. Stops where try() fails. */
enum status hostile_frames(struct arena *arena, const struct ipc_request *request, const struct ipc_request *other,
			   enum status (*try)(void *context, const struct hostile_frame *frame), void *context);

#endif
