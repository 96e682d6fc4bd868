/*
 * The other keepers of this installation: who they are, which of them are there, and messages to and from them.
 * docs/PROTOCOL.peer.
 *
 * The set follows the enrolment in decision state (gate/keepers.h). For each peer there is one channel at most: TLS 1.3
 * ended in this process, over bytes that the gateways relay and cannot read. A peer is up once certificate, Ed25519 key,
 * hello and the history of its log have been checked; until then, and afterwards, nothing of it is delivered. What does not
 * pass these checks is dropped and counted, and is no message of anybody: it fails nothing.
 *
 * Messages of one channel arrive whole, once and in order, or the channel is lost. A lost channel is reported once, with
 * what was given to peers_send() meanwhile: none of it is sent again, and nobody knows how much of it arrived. A peer that
 * comes back does so with the same boot epoch (the connection was lost) or with another one (the process is another, or the
 * machine was restored: what it had in memory is gone).
 *
 * Owner: struct peer belongs to the set and stays until peers_destroy(), also when the peer is removed (is_enrolled false).
 * Threads: the deciding one; listeners are called from peers_turn() and the functions that take bytes in, never from
 * peers_send() or peers_destroy(). A listener may send, and may not destroy. Errors: "peers.*".
 */
#ifndef GATEHOUSE_KEEPER_PEERS_H
#define GATEHOUSE_KEEPER_PEERS_H

#include "gate/keepers.h"
#include "gate/pledges.h"
#include "keeper/peer_kind.h"

constexpr size_t PEERS_MAX = KEEPERS_MAX; /* parties of an installation, with the own */
constexpr size_t PEER_NAME_MAX =
	KEEPER_NAME_MAX;                   /* of [a-z0-9-]: what stands after "instance/" in the origin of its log */
constexpr size_t PEER_EPOCH_SIZE = 16;     /* random, anew at every start of a keeper */
constexpr size_t PEER_QUEUE_MAX = 8 << 20; /* bytes that wait for one peer */

struct peers;

enum peer_state {
	PEER_ABSENT,  /* no channel, or not checked yet */
	PEER_UP,      /* messages go to and fro */
	PEER_REFUSED, /* its log went back: until people re-admit it */
};

struct peer {
	char name[PEER_NAME_MAX + 1];
	uint8_t party;        /* 1 to PEERS_MAX: the index in every party set; the same at all keepers */
	uint8_t identity[32]; /* hash of all that the channel knows it by: struct party of keys/threshold/session.h */
	bool is_enrolled;
	enum peer_state state;
	uint64_t admission; /* how often people have (re-)admitted it: what was shared with an earlier one is void */
	/* Of its hello; kept while it is absent, all zero before the first. */
	uint8_t boot_epoch[PEER_EPOCH_SIZE];
	struct hash256 bundle; /* policy bundle in force there */
	uint16_t version;      /* of the protocol between keepers */
	char build[64];
};

/* What happens to peers. Each may be null. */
struct peers_listener {
	/* It is up: boot_epoch, bundle, version and build are those of its hello. */
	void (*up)(void *context, const struct peer *peer);
	/* It was up and is not any more: queued bytes had not left this process; what had may have arrived or not. */
	void (*down)(void *context, const struct peer *peer, size_t queued);
	/* Not of the channel's kinds. body is valid during the call. */
	void (*message)(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body);
	/* The bundle in force at the peer is another one now. */
	void (*bundle)(void *context, const struct peer *peer);
	void *context;
};
/* Who is enrolled is known when it returns: none of them is up. */
void peers_listen(struct peers *peers, const struct peers_listener *listener);

/* In order of party, without the own; null past the last. Those that were removed are among them. */
const struct peer *peers_at(const struct peers *peers, size_t index);
/* Null if there is none enrolled. */
const struct peer *peers_of_party(const struct peers *peers, uint8_t party);
/* Of this keeper; 0 and null while it is not enrolled itself. */
uint8_t peers_own_party(const struct peers *peers);
const uint8_t *peers_own_identity(const struct peers *peers);
/* What it signs with, as the peers know it. */
void peers_own_keys(const struct peers *peers, struct pledge_keys *keys);
const uint8_t *peers_own_epoch(const struct peers *peers);

/* Queues a message behind those before it. STATUS_UNAVAILABLE "peers.absent" where the peer is not up, "peers.backlog" where
 * PEER_QUEUE_MAX is reached; STATUS_TOO_LARGE "peers.body"; STATUS_INVALID "peers.kind" for one of the channel's own. */
enum status peers_send(struct peers *peers, const struct peer *peer, enum peer_kind kind, struct bytes body);

#endif
