/*
 * What a hostile gateway does to frames: every field and every member of every document in it, one at a time, altered, left
 * out, given twice, taken from another live request, and made consistent again where no key is needed for that.
 *
 * Generated from the frame itself, so that a new field or member is manipulated without anyone listing it.
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
};

/* Calls try() with each manipulation of the request; other is a live request of the same form. Stops where try() fails. */
enum status hostile_frames(struct arena *arena, const struct ipc_request *request, const struct ipc_request *other,
			   enum status (*try)(void *context, const struct hostile_frame *frame), void *context);

#endif
