/*
 * The messages of a channel, out of its bytes once TLS has decrypted them: length, kind, body; the proof first, and no second
 * one. docs/PROTOCOL.peer §4.
 *
 * It knows nothing of TLS: what the other side must have signed is given to it. Whatever goes wrong ends the channel.
 *
 * Owner: the channel; all zero is empty, peer_reader_free() wipes. Memory: what has come and was not read; the caller bounds it.
 * Threads: one. Errors: STATUS_INVALID "peer_channel.kind", "peer_channel.length", "peer_channel.order"; STATUS_UNAUTHORIZED
 * "peer_channel.proof".
 */
#ifndef GATEHOUSE_KEEPER_PEER_READER_H
#define GATEHOUSE_KEEPER_PEER_READER_H

#include "keeper/peer_kind.h"

constexpr size_t PEER_HEADER_SIZE = 5; /* length of the body, kind */

struct peer_reader {
	struct buffer plain;   /* what has come: appended to by the caller, behind peer_reader_drop_read() */
	size_t consumed;       /* of plain, at the front */
	bool is_authenticated; /* the proof was read, and holds */
};

/* Who must have signed what. */
struct peer_signer {
	const char *name;
	const uint8_t *key; /* Ed25519, 32 bytes */
	struct bytes statement;
};

void peer_reader_free(struct peer_reader *reader);

/* Forgets what was read, bodies that were given out among it. */
void peer_reader_drop_read(struct peer_reader *reader);
/* The next message, if it is whole: the proof, and behind it all but one. The body is valid until what was read is dropped. */
enum status peer_reader_next(struct peer_reader *reader, enum peer_kind *kind, struct bytes *body, bool *found);
/* The body of the proof, as it was read. */
enum status peer_reader_check_proof(struct peer_reader *reader, const struct peer_signer *signer, struct bytes body);

#endif
