/*
 * One channel between two keepers: TLS over bytes that somebody else carries, an Ed25519 signature of each side over what TLS
 * agreed on, and messages inside. docs/PROTOCOL.peer §4.
 *
 * Nothing of it does I/O: bytes of the other side are taken in, messages come out, bytes for the other side are handed
 * out. A message comes out only behind the whole authentication: certificate by its pinned hash (ML-DSA-65), then the
 * Ed25519 signature. Whatever goes wrong ends the channel: there is no way back into step.
 *
 * Owner: the caller. Memory: what comes in before the authentication is bounded. Threads: one. Errors: STATUS_UNAUTHORIZED
 * "pinned_tls.*", "peer_channel.proof"; STATUS_INVALID "peer_channel.*" where the other side, authenticated, breaks the
 * protocol; STATUS_UNAVAILABLE "peer_channel.closed" behind the last message.
 */
#ifndef GATEHOUSE_KEEPER_PEER_CHANNEL_H
#define GATEHOUSE_KEEPER_PEER_CHANNEL_H

#include "crypto/pinned_tls.h"
#include "keeper/peers.h"

#define PEER_PROOF_LABEL "gatehouse/peer/v1"
#define PEER_EXPORT_LABEL "EXPORTER-gatehouse-peer-v1"
constexpr size_t PEER_HANDSHAKE_MAX = 64 * 1024; /* bytes that are taken before the authentication */

/* Who may be at the other end. */
struct peer_candidate {
	char name[PEER_NAME_MAX + 1];
	struct hash256 certificate;
	uint8_t key[32]; /* Ed25519 */
};

struct peer_channel_terms {
	const struct pinned_identity *identity;
	const uint8_t *seed; /* of the own Ed25519 key; read where it lies */
	const uint8_t *key;  /* its public half, 32 bytes */
	const char *instance;
	const char *own; /* name */
	bool is_dialler;
	const struct peer_candidate *candidates; /* copied */
	size_t candidate_count;
};

struct peer_channel;

enum status peer_channel_open(const struct peer_channel_terms *terms, struct peer_channel **channel);
void peer_channel_close(struct peer_channel **channel); /* wipes; a cleanup function */

/* All of it is taken, or the channel is over. */
enum status peer_channel_take(struct peer_channel *channel, struct bytes bytes);
/* The next whole message behind the proof, valid until the next take. */
enum status peer_channel_next(struct peer_channel *channel, enum peer_kind *kind, struct bytes *body, bool *found);
/* Our proof is sent: all that the other side says behind its own, it says after that. */
bool peer_channel_has_proved(const struct peer_channel *channel);
/* Both proofs hold. */
bool peer_channel_is_authenticated(const struct peer_channel *channel);
/* Which of them it is, once our proof is sent. */
size_t peer_channel_candidate(const struct peer_channel *channel);

/* Once authenticated. Encrypted at once; STATUS_TOO_LARGE "peer_channel.body". */
enum status peer_channel_send(struct peer_channel *channel, enum peer_kind kind, struct bytes body);
/* Moves at most max bytes for the other side into output. */
enum status peer_channel_output(struct peer_channel *channel, size_t max, struct buffer *output);
size_t peer_channel_waiting(const struct peer_channel *channel);
/* Tells the other side that this one ends. */
void peer_channel_finish(struct peer_channel *channel);

#endif
