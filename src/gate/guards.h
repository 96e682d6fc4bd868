/*
 * The guard table: who observes what, in which order. A guard states facts and never decides.
 *
 * A row names the facts that it reads, which earlier rows must produce, and the groups of facts ("limits") that it produces;
 * guards_test.c holds the table to that. All facts: docs/facts.md.
 */
#ifndef GATEHOUSE_GATE_GUARDS_H
#define GATEHOUSE_GATE_GUARDS_H

#include "gate/activation.h"
#include "gate/change.h"
#include "gate/others.h"
#include "gate/spend.h"
#include "wallet/wallet.h"

/* What one observation is about. Everything but facts, spend and others is the caller's. */
struct observation {
	struct gate_state *state; /* limits move their windows; nothing else changes */
	struct arena *arena;
	const struct operation *operation;
	const struct hash256 *operation_id;
	const struct principal *requester;
	const struct directory_key *key; /* that signed the operation */
	bool has_totp;                   /* with a one-time password beside it */
	enum operation_kind_id kind;
	enum resource_type resource_type;
	struct bytes resource_id;
	const struct change *change;
	const struct key_info *subject_key;           /* the key that a RESOURCE_KEY names; may be null */
	const struct wallet_transaction *transaction; /* OPERATION_SIGN only */
	const struct votes *votes;                    /* null: nobody voted */
	const struct assessment *assessment;          /* OPERATION_POLICY_ACTIVATE only */
	struct bytes peer_address;                    /* reported by the gateway; may be empty */
	const struct seen_network *seen;              /* in its place where the operation is decided again; else null */
	const struct others
		*told; /* what others had counted, as it is recorded, where it is decided again for replay; else null */
	int64_t now_ms;
	/* Filled by the limits guard where a value is known. */
	struct spend spend;
	bool has_spend;
	struct others others; /* what others have counted beside it */
};

struct guard {
	const char *name;
	enum status (*observe)(struct observation *observation, struct facts *facts);
	const char *reads[4];    /* facts of earlier rows */
	const char *produces[8]; /* first parts of fact names */
};

/* What the zone guard stated, as it is kept for deciding again; views into the facts. */
struct seen_network seen_network_of(const struct facts *facts);

extern const struct guard guards[];
extern const size_t guard_count;

/* The facts "limits.*" of the observation's spend: what the row says once the spend is known. */
enum status guards_observe_spend(struct observation *observation, struct facts *facts);
/* All rows in order. */
enum status guards_observe(struct observation *observation, struct facts *facts);

#endif
