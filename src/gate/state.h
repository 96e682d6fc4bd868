/*
 * Decision state: everything that a decision depends on, in memory, as the log's entries made it.
 *
 * Only one thing changes it: applying what an entry of the log says, live (gate/gate.c) or when the log is read again at
 * start (gate/restore.c); both run the same functions, so that a restart gives the same state. No file is read for a decision.
 * Owner: the state owns its modules; secrets and the root key belong to the keeper and may be absent (tools, replay), then
 * keys are known by their records and cannot sign. Threads: one.
 */
#ifndef GATEHOUSE_GATE_STATE_H
#define GATEHOUSE_GATE_STATE_H

#include "base/secret.h"
#include "gate/counted.h"
#include "gate/keepers.h"
#include "gate/break_glass.h"
#include "gate/operations.h"
#include "guards/destinations/destinations.h"
#include "guards/limits/limits.h"
#include "guards/zones/zones.h"
#include "identity/access.h"
#include "identity/authenticator_trust.h"
#include "identity/directory.h"
#include "identity/invitations.h"
#include "identity/nonces.h"
#include "identity/subjects.h"
#include "identity/throttle.h"
#include "keys/software/keyring.h"
#include "policy/bundle.h"
#include "store/secrets.h"
#include "wallet/asset.h"

struct gate_state {
	char instance[OPERATION_TEXT_MAX + 1];
	struct directory *directory;
	struct authenticator_trust trust; /* whose attestations of passkeys are believed */
	struct invitations invitations;   /* to enrol a passkey */
	struct subjects subjects;         /* of whom there are personal values */
	struct access access;             /* auditors, and who may read personal values */
	struct map one_time;              /* person to their one-time passwords: gate/one_time.h */
	struct secret one_time_key;       /* seals their secrets; empty where no root key was given */
	struct throttle one_time_throttle;
	struct asset_registry *assets;
	struct destinations destinations;
	struct zones zones;
	struct limits *limits;
	struct nonces *nonces;
	struct operations operations;
	struct reviews reviews; /* of break-glass operations, that are open */
	struct keepers keepers;
	struct map last_nonces;    /* "<key id>/<chain>" to the last Ethereum nonce signed, plus one */
	struct bundle *bundle;     /* in force; null before genesis */
	struct bundle *local;      /* this keeper's own, which only forbids (gate/local_bundle.h); null: none */
	struct policy_set *joined; /* what both say; null where there is no local one */
	struct {                   /* how many ordered stages its policies speak of; of which bundle that was found */
		struct hash256 bundle;
		unsigned count;
	} stages;
	struct map keys;      /* key id to struct key_info, while there is no ring */
	struct keyring *ring; /* null: while restoring, and where no root key was given */
	struct keyring *ring_to_come;
	struct secrets *secrets;
	char keeper[33]; /* its name among those that share keys: what stands after the instance in the log's origin */
	struct secret share_key, frost_share_key; /* wrap shares; empty where no root key was given */
	struct map shared_keys;                   /* gate/shared_keys.h */
	bool shares_dropped;                      /* of some, and not wiped yet */
	struct counted_spends
		counted; /* what other keepers say that they counted: what is not kept of it no entry says */
	int64_t now_ms;  /* of the last entry or batch; never decreases */
};

/* An empty state. secrets may be null; keeper empty, for whoever has no share of any key. */
enum status gate_state_create(struct gate_state **state, struct bytes instance, struct bytes keeper,
			      const struct root_key *root, struct secrets *secrets);
void gate_state_destroy(struct gate_state **state); /* a cleanup function */

/* After the last entry has been applied: opens the keys that are left, in the state that they have now. Until then keys are
 * known by their records only, since the secrets of those destroyed later are gone. */
enum status gate_state_open_keys(struct gate_state *state);

/* What decides: the bundle in force, and with it the local one. */
const struct policy_set *gate_state_policies(const struct gate_state *state);
/* After either has become another: the set of both, made anew. On an error the former stays, and what it was made of must. */
enum status gate_state_join(struct gate_state *state);

/* Whoever becomes an auditor reads from then on, and does nothing else: what is known of who may read, and of who may act. */
enum status gate_state_make_auditor(struct gate_state *state, struct bytes principal);

/* Null if there is none. */
const struct key_info *gate_state_key(const struct gate_state *state, struct bytes id);

/* The legal entity that a person or a workload stands in, named so or by a key of theirs ("person:p-1/laptop"): what entries about them
 * name. Empty where this log knows no such principal. */
struct bytes gate_state_entity_of(const struct gate_state *state, struct bytes principal_or_key);
/* The same of a key that signs transfers or digests, by its account. */
struct bytes gate_state_entity_of_key(const struct gate_state *state, struct bytes id);

/* OK where no key that is not destroyed has its public key: under two names it would have each limit of a key twice. STATUS_CONFLICT
 * "key.known", which names the other. What is recovered of a shared key may come in whole: those that shared it may be gone. Keys that are derived of an extended one are not looked for: there is no end to them. */
enum status gate_state_need_unknown_key(const struct gate_state *state, const struct key_info *key);

/* How many ordered stages the bundle in force speaks of: 0 where its policies know no order. */
unsigned gate_state_stages(struct gate_state *state);

/* The last nonce signed for a key and chain; false if none was. */
bool gate_state_last_nonce(const struct gate_state *state, struct bytes key, struct bytes chain, uint64_t *nonce);
enum status gate_state_set_last_nonce(struct gate_state *state, struct bytes key, struct bytes chain, uint64_t nonce);
/* The same of what is heard late: what was signed meanwhile has come further, and the nonce does not go back. */
enum status gate_state_note_nonce(struct gate_state *state, struct bytes key, struct bytes chain, uint64_t nonce);

/* What a signed transaction spends: against the limits, and as tests of destinations that are on probation. */
enum status gate_state_apply_spend(struct gate_state *state, const struct spend *spend);
/* The same of one that was reserved before, and whose transaction is signed now: tests of destinations. */
void gate_state_note_signed(struct gate_state *state, const struct hash256 *operation, int64_t now_ms);

#endif
