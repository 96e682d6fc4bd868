/*
 * An operation: what somebody asks the gate to do, as data. Design §4; docs/PROTOCOL.operation.
 *
 * Its canonical JSON is hashed to the operation digest, which is fixed at submission. Its id is the SHA-256 of the canonical
 * {type "gatehouse/operation-id/v1", instance, principal, idempotency key}. Views borrow from the request's arena.
 */
#ifndef GATEHOUSE_MODEL_OPERATION_H
#define GATEHOUSE_MODEL_OPERATION_H

#include "base/json.h"
#include "crypto/hash.h"

constexpr int64_t OPERATION_LIFETIME_MAX_MS = INT64_C(30) * 24 * 3600 * 1000;
constexpr size_t OPERATION_TEXT_MAX = 256; /* of id-like members */
constexpr size_t OPERATION_REASON_MAX = 1024;

struct operation {
	struct bytes instance;  /* "treasury.example" */
	struct bytes kind;      /* "sign"; model/operation_kind.h */
	struct bytes principal; /* "workload:settlement-1" or "person:p-7f3a" */
	struct bytes resource;  /* "key:eth-hot-1" */
	struct bytes idempotency_key;
	struct bytes reference;      /* may be empty: left out */
	struct bytes reason;         /* may be empty: left out */
	struct hash256 payload_hash; /* SHA-256 of the payload bytes */
	int64_t created_ms;
	int64_t expires_ms;
	bool break_glass; /* it cannot wait: with a reason, and reviewed afterwards; false: left out */
};

/* Canonical JSON, appended. */
enum status operation_write(const struct operation *operation, struct buffer *to);
/* Parses and checks: every member, its length and characters, the lifetime. Errors: "operation.*". */
enum status operation_read(const json *document, struct operation *operation);
enum status operation_id(struct bytes instance, struct bytes principal, struct bytes idempotency_key,
			 struct hash256 *id);
/* Free text of at most max bytes that a person reads: nothing in it moves a cursor or turns the direction of reading. name: of
 * the error, "operation.reason". Errors: name (STATUS_INVALID, STATUS_TOO_LARGE). */
enum status text_check(const char *name, struct bytes text, size_t max);

#endif
