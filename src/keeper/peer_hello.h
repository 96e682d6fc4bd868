/*
 * What a keeper says of itself at the beginning of a channel, and what it remembers of the other. docs/PROTOCOL.peer §5.
 *
 * The reader checks the form; whether it is true is for keeper/peers.h. What is read borrows from the message.
 * Errors: STATUS_INVALID "peer_hello.*"; STATUS_UNSUPPORTED "peer_hello.version" for what a newer program says.
 */
#ifndef GATEHOUSE_KEEPER_PEER_HELLO_H
#define GATEHOUSE_KEEPER_PEER_HELLO_H

#include "keeper/peers.h"
#include "ledger/head.h"
#include "ledger/proof.h"
#include "store/mark.h"

constexpr uint16_t PEER_VERSION = 1;
constexpr size_t PEER_INSTANCE_MAX = 256;
constexpr size_t PEER_BUILD_MAX = 63;

struct peer_hello {
	uint16_t version;
	struct bytes instance;
	struct bytes name;
	uint8_t party;
	struct bytes build;
	uint8_t boot_epoch[PEER_EPOCH_SIZE];
	struct hash256 bundle;
	struct head head; /* of its log, durable */
	struct head_signatures signatures;
	struct mark remembered; /* of the other's log: the greatest head that it has shown; size 0: none */
};

void peer_hello_write(const struct peer_hello *hello, struct buffer *to);
enum status peer_hello_read(struct bytes message, struct peer_hello *hello);

/* That the log of the hello's head begins with the one that the other remembers. */
struct peer_consistency {
	uint64_t old_size, size;
	struct proof proof;
};
void peer_consistency_write(const struct peer_consistency *consistency, struct buffer *to);
enum status peer_consistency_read(struct bytes message, struct peer_consistency *consistency);

struct peer_beat {
	struct head head;
	struct hash256 bundle;
};
void peer_beat_write(const struct peer_beat *beat, struct buffer *to);
enum status peer_beat_read(struct bytes message, struct peer_beat *beat);

#endif
