/*
 * What the log keeps of one decision, and how a decision is read back: for answers, for restoring state, for replay.
 *
 * The body of entries of type `decision` and `intent` (docs/PROTOCOL.entries): the operation as it was signed, its payload, the
 * requester's signature, every fact with its origin, the entities that the policy could reach, bundle and versions, the
 * decision with its reasons, and for inward acts the outcome. All that is needed to decide again.
 *
 * Views borrow; a record lives as long as the arena of its making. Errors: STATUS_CORRUPT "record.*".
 */
#ifndef GATEHOUSE_GATE_RECORD_H
#define GATEHOUSE_GATE_RECORD_H

#include "base/io.h"
#include "gate/operations.h"
#include "gate/others.h"
#include "gate/spend.h"
#include "model/facts.h"
#include "model/operation.h"
#include "policy/policy.h"

/* One more with every release whose guards state other facts: replay demands all of them of entries of its own version only. */
constexpr int64_t FACT_SCHEMA_VERSION = 1;
#define ENGINE_VERSION "cedar-4.5 strict gatehouse-" GATEHOUSE_VERSION

enum decision { DECISION_PERMIT, DECISION_DENY, DECISION_HELD, DECISION_COUNT };
enum outcome { OUTCOME_NONE, OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_INTENDED };

const char *decision_name(enum decision decision); /* "permit" */
const char *outcome_name(enum outcome outcome);    /* "done" */

struct record_reason {
	struct bytes policy;
	struct bytes message; /* errors only */
};

struct decision_record {
	struct hash256 operation_id;
	struct hash256 digest;
	struct bytes document;  /* canonical JSON of the operation */
	struct bytes payload;   /* canonical JSON */
	struct bytes requester; /* canonical JSON: key, and what was signed how */
	int64_t decided_ms;
	struct entity_uid principal, action, resource;
	struct bytes legal_entity; /* of the resource, or else of the requester */
	struct bytes facts;        /* canonical JSON */
	struct bytes entities;     /* canonical JSON */
	struct bytes votes;        /* canonical JSON: the votes that were counted */
	struct bytes personal;     /* canonical JSON: commitments to personal values (gate/personal.h); may be empty */
	struct hash256 bundle;
	bool has_local_bundle; /* of the keeper that decided: gate/local_bundle.h */
	struct hash256 local_bundle;
	enum decision decision;
	const struct record_reason *reasons;
	size_t reason_count;
	const struct record_reason *errors;
	size_t error_count;
	struct bytes missing; /* canonical JSON; held only */
	enum outcome outcome;
	struct bytes error;  /* why it failed */
	struct bytes result; /* canonical JSON; done only */
	bool has_spend;
	struct spend spend;
	struct others others;     /* what other keepers had counted of what it spends from */
	struct bytes nonce_chain; /* Ethereum: chain and nonce signed; empty otherwise */
	uint64_t nonce;
	int64_t signature_expires_s; /* of the request signature's nonce; 0: the signature has none */
};

/* The state that the operation has once the record is durable. */
enum operation_state decision_record_state(const struct decision_record *record);

/* Where payloads and results over the threshold go. Null directory: they must not occur. */
struct record_blobs {
	const struct io *io;
	const char *directory;
};

/* Payload or result: if it is too large for an entry it becomes a durable blob, before anything is done that names it. */
enum status record_put_large(const struct record_blobs *blobs, struct bytes canonical);
/* Canonical JSON, appended; large parts are named by their hash. */
enum status decision_record_write(const struct decision_record *record, const struct record_blobs *blobs,
				  struct buffer *body);
/* Blobs are read into the arena; where blobs is null the large parts stay empty. */
enum status decision_record_read(struct arena *arena, const json *body, const struct record_blobs *blobs,
				 struct decision_record *record);

/* What a keeper decided once more before its share left (canonical JSON): the member "again" of an outcome. Facts, entities, spend, what
 * others had counted, reasons; not what the intent holds already. */
enum status decision_record_write_again(const struct decision_record *record, struct buffer *text);
enum status decision_record_read_again(struct arena *arena, const json *body, const struct record_blobs *blobs,
				       struct decision_record *record);
enum status record_write_again(struct json_writer *writer, struct bytes again, const struct record_blobs *blobs);

/* Parts that outcomes have as well: the act's result, and the Ethereum nonce that was signed (chain empty: none). */
enum status record_write_result(struct json_writer *writer, struct bytes result, const struct record_blobs *blobs);
enum status record_read_result(struct arena *arena, const json *body, const struct record_blobs *blobs,
			       struct bytes *result);
void record_write_nonce(struct json_writer *writer, struct bytes chain, uint64_t nonce);
enum status record_read_nonce(const json *body, struct bytes *chain, uint64_t *nonce);

#endif
