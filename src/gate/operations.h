/*
 * The operations that the gate has seen. Of a finished one only what an idempotent repetition needs is kept, for the life of
 * the log: id, what must be equal, state, and the entry that holds the answer. That is what the memory of a keeper grows by, so
 * it is kept small: 128 bytes in blocks of many, and about 12 in the index. A held one keeps its document and its votes.
 *
 * Owner: operations own copies; an operation stays where it is until it is forgotten. Threads: one. Errors: STATUS_NOT_FOUND
 * "operation.unknown", STATUS_TOO_LARGE "operations.count".
 */
#ifndef GATEHOUSE_GATE_OPERATIONS_H
#define GATEHOUSE_GATE_OPERATIONS_H

#include "base/digest_index.h"
#include "base/map.h"
#include "identity/votes.h"
#include "model/operation.h"

enum operation_state {
	OPERATION_IN_FLIGHT, /* decided, its entry not durable yet */
	OPERATION_HELD,
	OPERATION_DONE,
	OPERATION_DENIED,
	OPERATION_REJECTED, /* by a person's vote */
	OPERATION_FAILED,   /* permitted, and the act could not be done: this keeper released nothing */
	OPERATION_EXPIRED,  /* held until its time was over */
	OPERATION_UNKNOWN,  /* an act was intended that others may have completed, and no outcome is recorded */
	OPERATION_STATES,
};
const char *operation_state_name(enum operation_state state);

/* Where a request came from, as far as policies are told of it (zone.seen, zone.mismatch). The address itself is never kept. */
struct seen_network {
	struct bytes zone; /* empty: in none, or nothing was reported */
	bool is_elsewhere; /* reported, in no zone, and by a key that has one */
};

/* What a held operation needs to be decided again, and an intent to be resolved. */
struct held_operation {
	struct gate_operation *of;
	struct requester *whose;                 /* null: not noted yet */
	struct held_operation *of_same, *before; /* of the same requester: the next, and the one before */
	struct arena arena;
	struct operation operation; /* views into document */
	struct bytes document;      /* canonical JSON */
	struct bytes payload;       /* canonical JSON */
	struct bytes requester;     /* the evidence of its signature, canonical JSON, as recorded */
	struct bytes key_id;        /* that signed */
	struct bytes legal_entity;  /* as its first entry names it */
	struct seen_network seen;   /* at submission */
	struct hash256 view_digest; /* of the decoded view */
	struct votes *votes;
	struct bytes again; /* what was decided once more before a share left, for the outcome; not after a restart */
	uint32_t misled;    /* parties that showed what is no signature of it: bits */
	uint32_t awaited; /* parties that have not said yet that they released nothing and will not: bits; as long as */
	bool is_unreleased;   /* this keeper has released nothing, and will not, as this process knows */
	struct bytes missing; /* canonical JSON: the minimal missing approvals, as last computed */
};

struct gate_operation {
	struct hash256 id;
	struct hash256 digest;
	struct hash256 repetition; /* over what a repetition must share */
	uint64_t entry;            /* index of the entry that says the state; UINT64_MAX: not durable yet */
	int64_t expires_ms;
	struct held_operation *held; /* null unless HELD or UNKNOWN */
	enum operation_state state;
	bool is_expiring; /* this process has told that its time is nearly over */
	bool is_acting;   /* this process does what was intended: nobody resolves it meanwhile */
	bool is_vacant;   /* forgotten, and the next one's place */
	bool is_settling; /* no durable entry says the state yet: nobody is told of it */
};
static_assert(sizeof(struct gate_operation) == 128);

struct operations {
	struct gate_operation **blocks; /* of a thousand or so each */
	size_t block_count;
	size_t used;  /* places taken, vacant ones too */
	size_t count; /* operations */
	struct digest_index by_id;
	struct map kept;       /* those with held documents, by id */
	struct map requesters; /* principal to struct requester: whose they are */
};

void operations_free(struct operations *operations); /* a cleanup function */
struct gate_operation *operations_find(const struct operations *operations, const struct hash256 *id);
enum status operations_add(struct operations *operations, const struct hash256 *id, struct gate_operation **operation);
/* Out of the registry as if never seen: where its first entry could not be written. */
void operations_forget(struct operations *operations, struct gate_operation *operation);
/* All of them, operations->count, by their ids; the caller frees the array. */
enum status operations_sorted(const struct operations *operations, const struct gate_operation ***sorted);

/* Puts the operation into another state; but for HELD and UNKNOWN what was kept for it is freed. */
void operations_set_state(struct operations *operations, struct gate_operation *operation, enum operation_state state);
/* Makes room for the documents of a held or intended operation, where there is none yet. */
enum status operations_keep(struct operations *operations, struct gate_operation *operation,
			    struct held_operation **held);
/* Once the kept operation has been read: among those of its principal. */
enum status operations_note_requester(struct operations *operations, struct held_operation *held);
/* The first that is kept of the principal's, held or intended; null: none. The others follow it (of_same). */
const struct held_operation *operations_first_of(const struct operations *operations, struct bytes principal);

/* SHA-256 over kind, resource, payload hash, reference and reason, length-prefixed (design §4), and of a break-glass its name. */
struct hash256 operation_repetition_hash(const struct operation *operation);

#endif
