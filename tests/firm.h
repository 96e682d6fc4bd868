/*
 * Northwind, the firm of examples/firm, with keys made from a seed: what gate tests, end-to-end tests, the demo's checks and
 * the benchmark start from. Two legal entities, three zones, five people, three workloads.
 *
 *   person:p-0000000000000001 … 5   terminal keys; groups treasury (1, 2, 3), security (3, 4, 5)
 *   workload:settlement             desk options (Northwind Trading), zone trading
 *   workload:treasurer              desk treasury (Northwind Custody), zone treasury
 *   workload:prices                 desk options, zone office
 */
#ifndef GATEHOUSE_TESTS_FIRM_H
#define GATEHOUSE_TESTS_FIRM_H

#include "base/arena.h"
#include "identity/http_signature.h"
#include "identity/statement.h"
#include "model/operation.h"

enum firm_member {
	FIRM_PERSON_1,
	FIRM_PERSON_2,
	FIRM_PERSON_3,
	FIRM_PERSON_4,
	FIRM_PERSON_5,
	FIRM_SETTLEMENT,
	FIRM_TREASURER,
	FIRM_PRICES,
	FIRM_MEMBERS,
};

struct firm {
	struct arena arena;
	struct {
		const char *principal;
		const char *key_id;
		uint8_t seed[32], public_key[32];
	} members[FIRM_MEMBERS];
	/* Where people sign otherwise than with their terminal's key: appends the signature object. Null: by that key. */
	enum status (*sign)(void *signer, enum firm_member by, const struct hash256 *digest, struct buffer *object);
	void *signer;
};

void firm_make(struct firm *firm, uint8_t seed);
void firm_free(struct firm *firm); /* a cleanup function */

/* The body of the genesis entry, signed by people 1 and 3. log_keys: canonical JSON of an array of two vkeys. The policies are
 * those of examples/firm/policy. */
enum status firm_genesis(struct firm *firm, const char *instance, const char *origin, const char *log_keys,
			 int64_t now_ms, struct buffer *body);

/* The payload of policy.activate, appended and NUL-terminated: the bundle of examples/firm/policy with one more file of policies. */
enum status firm_activation(const char *policies, struct buffer *payload);
/* The same with these policies and no others. */
enum status firm_activation_alone(const char *policies, struct buffer *payload);
/* With the invariants of that directory, which the others leave out: somebody must prove them. */
enum status firm_activation_with_invariants(struct buffer *payload);

/* An operation of a member as the body of POST /v1/operations: of a person with its signature inside. payload: JSON. */
struct firm_operation {
	enum firm_member by;
	const char *kind;
	const char *resource;
	const char *payload;
	const char *idempotency_key;
	const char *header_key; /* another one in the header field Idempotency-Key; null: the same */
	const char *reason;     /* may be null */
	const char *reference;  /* may be null */
	const char *secret;     /* key.import: JSON; else null */
	const char *personal;   /* person.profile: canonical JSON; else null */
	int64_t created_ms;
	int64_t lifetime_ms; /* 0: an hour */
	bool break_glass;
};
enum status firm_body(struct firm *firm, const char *instance, const struct firm_operation *operation,
		      struct buffer *body);

/* The same as a signed request; for a workload with the six signature fields. */
enum status firm_request(struct firm *firm, struct arena *arena, const char *instance, const char *authority,
			 const struct firm_operation *operation, struct http_request *request);

/* What a voter chooses besides the verdict; all may be left out. */
struct firm_choice {
	const char *verdict;
	const char *reason; /* of a rejection; null: one of the test's; empty: none */
	enum approval_client client;
	const char *person; /* whose seat; null: their own */
	int64_t stage;      /* other than the one that is asked for: 1 to 15 */
};
enum status firm_vote_as(struct firm *firm, const char *instance, enum firm_member by, struct bytes material,
			 const struct firm_choice *choice, int64_t now_ms, struct buffer *body);
/* A vote on what GET …/payload gave (canonical JSON), as the body of POST …/votes. */
enum status firm_vote(struct firm *firm, const char *instance, enum firm_member by, struct bytes material,
		      const char *verdict, int64_t now_ms, struct buffer *body);

#endif
