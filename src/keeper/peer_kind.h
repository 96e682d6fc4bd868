/*
 * What keepers say to each other inside their channel: one table. docs/PROTOCOL.peer §6.
 *
 * A message is a kind and a body; the row says how long the body may be and who reads it. Those of the channel itself are
 * read by keeper/peer_channel.h and keeper/peers.h; the others are handed to the reader that was given to peers_listen(), and
 * mean nothing here. Adding a kind is adding a row here and to the protocol's table.
 */
#ifndef GATEHOUSE_KEEPER_PEER_KIND_H
#define GATEHOUSE_KEEPER_PEER_KIND_H

#include "base/bytes.h"

constexpr size_t PEER_BODY_MAX = 1024 * 1024; /* of any kind */

enum peer_kind {
	PEER_NONE,
	/* Of the channel. */
	PEER_PROOF,       /* first: Ed25519 over what TLS agreed on */
	PEER_HELLO,       /* second: who speaks, what it runs, what it remembers */
	PEER_CONSISTENCY, /* third: that the log grew out of what the other remembers */
	PEER_BEAT,        /* every second: the newest head of the log, and the bundle in force */
	/* Of threshold keys. */
	PEER_PROTOCOL, /* a frame of keys/threshold/message.h */
	PEER_PROPOSE,  /* a session is asked for: its terms */
	PEER_ANSWER,   /* to that: taken, or the reason why not */
	PEER_REQUEST,  /* an operation or vote, as a gateway gave it to the sender */
	PEER_COUNTED,  /* operations counted in the window, signed (design: limits across keepers) */
	PEER_KINDS,
};

struct peer_kind_row {
	const char *name;
	size_t min, max; /* bytes of the body */
	bool is_of_channel;
};
extern const struct peer_kind_row peer_kinds[PEER_KINDS];

#endif
