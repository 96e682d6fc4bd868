/*
 * Keys that are shared among keepers, in the decision state: how each is shared, and this keeper's share of it.
 *
 * The sharing (keys/threshold/sharing.h) stands in the log beside the key's record and lives here; record, life cycle and account
 * are those of every key (keys/software/keyring.h). The share is a row of secrets.db, collection "share", named "<key>/<epoch>":
 * the sharing, then the blob (docs/PROTOCOL.threshold §10). Order: create = row, then entry; a new epoch's row stands beside the
 * old one's until the entry that says it is in force, whose settling removes the old (design §6).
 *
 * Owner: the state. A process without keys knows sharings and no shares. Threads: one. Errors: STATUS_NOT_FOUND "key.not_shared",
 * "key.no_share"; those of sharing.h and share.h; STATUS_CONFLICT "key.epoch".
 */
#ifndef GATEHOUSE_GATE_SHARED_KEYS_H
#define GATEHOUSE_GATE_SHARED_KEYS_H

#include "gate/leaving.h"
#include "gate/state.h"
#include "keys/threshold/sharing.h"

/* With whom it did not sign, since it was dealt so or this process began: others do where they can. */
constexpr size_t DOUBTED_SETS_MAX = 32;
struct signer_doubts {
	uint32_t parties;                /* bits of those that a check of a protocol named */
	uint8_t set_count;               /* of signers that failed together, */
	uint32_t sets[DOUBTED_SETS_MAX]; /* as bits, the newest last */
};

struct shared_key {
	struct sharing sharing;
	/* Of the key's scheme one of both, or neither: none of it here. */
	struct ecdsa_share *share;
	struct frost_key_share *frost_share;
	/* Of a destroyed key, until shared_keys_wipe_dropped(): what is under way with it looks at it until it is ended. */
	struct ecdsa_share *dropped_share;
	struct frost_key_share *dropped_frost_share;
	struct leaving leaving; /* of the epoch before */
	uint32_t kept_told;     /* bits of the parties that have heard on their connection what is kept of this key */
	uint8_t kept_until[PARTIES_MAX + 1][64]; /* else up to which operation and identity they have */
	int64_t dealt_ms;                        /* since when it is shared so: of this keeper's entry that says it */
	struct signer_doubts doubts;
	bool is_closed; /* it has lost a pair, and that is not durable yet: nothing is signed or prepared with it */
	uint32_t told_lost[PARTIES_MAX + 1]; /* by party: bits of those with which it says that it can sign no more */
	int64_t told_due_ms; /* an entry says that it should have been dealt anew by then; 0: none does */
};
/* The index that this keeper holds a share by; 0: it has none. */
uint8_t shared_key_self(const struct shared_key *key);
/* Whether it can sign with that other holder; FROST's schemes need nothing set up. */
bool shared_key_is_ready_with(const struct shared_key *key, uint8_t holder);
/* Whether these, as bits by index, can all sign with each other, as far as this keeper knows. */
bool shared_key_has_pairs(const struct shared_key *key, uint32_t holders);
/* With how many holders of keys of which this keeper holds a share it can sign nothing until a refresh, over all keys. */
size_t shared_keys_pairs_lost(const struct gate_state *state);
/* The share itself; there is one, and the caller wipes it. */
void shared_key_number(const struct shared_key *key, struct frost_scalar *number);

void shared_keys_free(struct gate_state *state);

struct shared_key *shared_keys_find(const struct gate_state *state, struct bytes id);
/* The same, with its share. */
enum status shared_keys_need_share(const struct gate_state *state, struct bytes id, struct shared_key **key);
/* The compressed public key at a path below a key, shared or whole: "key.path" below a single one; "ecdsa.path" for a hardened step
 * below a shared one; "key.destroyed". */
enum status gate_state_public_key(const struct gate_state *state, struct bytes id, const struct signing_path *path,
				  uint8_t public_key[POINT_SIZE]);
/* Its row's name. */
#define SHARE_ROW_SIZE (KEY_ID_MAX + 12)
void share_row_name(char name[SHARE_ROW_SIZE], const char *key, uint32_t epoch);

/* As an entry of that time says it: a new key's sharing, or that of the epoch after before (null: there was none). With keys in this
 * process, its row is there. */
enum status shared_keys_put(struct gate_state *state, const json *sharing, const struct sharing *before,
			    int64_t dealt_ms);
/* A key that was dealt anew without this keeper: how it is shared by now, of which this keeper holds nothing. Its own share is of an epoch
 * before; both are of one key. So it is with one that was put back to a time before the last dealing: it is named there, and people have
 * admitted it anew since, here as well. */
bool shared_key_was_left(const struct gate_state *state, const struct shared_key *key, const struct sharing *by_now);
/* It is named there as it is admitted now, and its own share is of an epoch before: it was put back, and nobody has admitted it anew here. */
bool shared_key_is_behind(const struct gate_state *state, const struct shared_key *key, const struct sharing *by_now);
/* The effect of an entry "overdue" (docs/PROTOCOL.entries): that it was told stands in the state until the key is dealt anew. */
enum status shared_keys_apply_overdue(struct gate_state *state, const json *body);
/* As if it had never been put. */
void shared_keys_forget(struct gate_state *state, struct bytes id);
/* After the last entry: opens all shares. */
enum status shared_keys_open(struct gate_state *state);
/* A destroyed key has its share no more: it waits for shared_keys_wipe_dropped(). */
void shared_keys_drop_share(struct gate_state *state, struct bytes id);
/* The next key, from *at on, whose share was dropped and is not wiped yet; null: no other. */
const struct shared_key *shared_keys_next_dropped(const struct gate_state *state, size_t *at);
/* Nothing works with a dropped share any more: all are gone from memory. */
void shared_keys_wipe_dropped(struct gate_state *state);

/* Durable when it returns; the same row a second time is "secrets.exists". */
enum status shared_keys_store(const struct gate_state *state, const struct sharing *sharing,
			      const struct ecdsa_share *share);
enum status shared_keys_store_frost(const struct gate_state *state, const struct sharing *sharing,
				    const struct frost_key_share *share);
/* What was stored for a dealing whose end is not recorded. STATUS_NOT_FOUND where nothing was. */
enum status shared_keys_stored(const struct gate_state *state, struct bytes id, uint32_t epoch,
			       struct sharing *sharing);
enum status shared_keys_discard(const struct gate_state *state, struct bytes id, uint32_t epoch);
/* The share has changed (pairs were lost): sealed anew, durable when it returns. */
enum status shared_keys_reseal(const struct gate_state *state, const struct shared_key *key);

#endif
