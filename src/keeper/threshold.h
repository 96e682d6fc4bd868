/*
 * Operations that keepers do together: making shared keys and signing with them. docs/PROTOCOL.threshold §16.
 *
 * Every keeper receives the same signed operation, decides on its own state, writes its own intent, and only then takes part.
 * Whoever was asked by the client (the *asker*) forwards what it received, gathers who permits, and proposes signers and
 * presignatures; it has no say in any other keeper's decision. Any keeper that refuses ends it, and its reason comes back. Before a
 * share leaves, each signer has the others' counts and decides once more. Every signer verifies the signature; nothing is tried
 * again. What a restart finds intended and not ended stays unknown, but for a dealing whose share is durable, which asks the others
 * and ends as they did.
 *
 * Presignatures are prepared in the background for the sets of signers that are the first to be chosen, POOL_TARGET of each, in
 * memory only; a peer's departure or new boot epoch discards those with it.
 *
 * Threads: the deciding one. Owner: the keeper. Errors: of operations, "joint.*" in their outcomes.
 */
#ifndef GATEHOUSE_KEEPER_THRESHOLD_H
#define GATEHOUSE_KEEPER_THRESHOLD_H

#include "keeper/job.h"
#include "keeper/peers.h"

/* How other keepers are reached: keeper/peers.h in the product, memory in tests. */
struct threshold_link {
	void *context;
	/* The others, whether there or not; null past the last. */
	const struct peer *(*at)(void *context, size_t index);
	uint8_t (*own_party)(void *context); /* 0: not enrolled */
	const uint8_t *(*own_identity)(void *context);
	void (*own_keys)(void *context, struct pledge_keys *keys);
	const uint8_t *(*own_epoch)(void *context); /* PEER_EPOCH_SIZE bytes, as peers have it of this keeper */
	enum status (*send)(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body);
	/* is_manual: lets the others do what they have to. Null in the product. */
	void (*wait)(void *context);
};

/* Until then a keeper is alone: shared keys are known and cannot be used. Resumes dealings that a restart left. */
enum status threshold_start(struct keeper *keeper, const struct threshold_link *link);
/* What a failed check costs could not be written when this process started, nor since: it connects to nobody. */
bool threshold_is_mute(const struct keeper *keeper);
/* Keys that sign nothing here because of what cannot be written. */
size_t threshold_keys_closed(const struct keeper *keeper);
/* Over the channels between keepers; listens to them. */
enum status threshold_connect(struct keeper *keeper, struct peers *peers);
void threshold_stop(struct keeper *keeper);

/* What the link has to tell. */
void threshold_peer_up(struct keeper *keeper, const struct peer *peer);
void threshold_peer_down(struct keeper *keeper, const struct peer *peer);
void threshold_message(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body);

/* An operation or vote that was read, from the own gateway: given to the others as it came. */
void threshold_forward(struct keeper *keeper, struct job *job);
/* A forwarded request's answer, which nobody waits for: a refusal is told. */
void threshold_answered(struct keeper *keeper, const struct job *job, unsigned status, const char *reason);
/* A joint step is decided, and its intent not given to the log yet: what it takes to do it after a restart is made durable before. */
void threshold_intend(struct keeper *keeper, const struct job *job);
/* A joint step's intent is durable: the job is answered when the session ends. */
void threshold_begin(struct keeper *keeper, struct job *job);
/* The key is about to be destroyed or dealt anew: what is under way with it ends. */
void threshold_end_key(struct keeper *keeper, struct bytes key_id);

/* Once a turn: what has run out of time, what is to be prepared. */
void threshold_turn(struct keeper *keeper);
/* Sessions that somebody waits for. */
size_t threshold_outstanding(const struct keeper *keeper);
/* is_manual: the others' turn. False where there are none. */
bool threshold_wait(struct keeper *keeper);
/* Presignatures at hand for a key, over all sets of signers. */
size_t threshold_prepared(const struct keeper *keeper, struct bytes key_id);

#endif
