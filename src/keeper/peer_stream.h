/*
 * One stream of the set (keeper/peer_set.h), from its first byte until its peer is up and on; for the files of the set only.
 *
 *     handshake ─► greeting ─► history ─► open
 *
 * Each state takes one kind of message, open those of the table; anything else ends the stream.
 */
#ifndef GATEHOUSE_KEEPER_PEER_STREAM_H
#define GATEHOUSE_KEEPER_PEER_STREAM_H

#include "keeper/peer_channel.h"
#include "keeper/peer_set.h"

struct peer_stream;

struct peer_entry {
	struct peer peer;
	struct hash256 certificate; /* what its channels were authenticated by */
	uint8_t key[32];
	struct mark shown;
	int64_t remembered_ms, down_ms; /* when it became durable last; when it went */
	bool has_remembered;
	struct peer_stream *open; /* null: none */
};

/* What its hello said: of the peer once the stream is open, since another one may be open until then. */
struct peer_greeting {
	struct head head;
	uint8_t boot_epoch[PEER_EPOCH_SIZE];
	struct hash256 bundle;
	uint16_t version;
	char build[PEER_BUILD_MAX + 1];
};

enum peer_phase { PEER_HANDSHAKE, PEER_GREETING, PEER_HISTORY, PEER_OPEN };

struct peer_stream {
	uint64_t number;
	bool is_dialler;
	bool is_broken; /* to be dropped at the next turn */
	enum peer_phase phase;
	struct peer_channel *channel;
	uint8_t parties[PEERS_MAX]; /* of the candidates */
	struct peer_entry *entry;   /* whose certificate it is: once our proof is sent */
	struct mark known;          /* that the peer had shown by then, and has shown on this stream since */
	int64_t opened_ms, heard_ms, beat_ms;
	size_t credit;          /* bytes that the gateway takes */
	size_t taken;           /* bytes that are to be granted again */
	int64_t window;         /* bytes that the gateway may still send; it may overrun it by one frame */
	struct head own;        /* that our hello named */
	struct mark remembered; /* that our hello named, of the peer's log */
	struct peer_greeting greeting;
};

struct peers {
	struct peers_host host;
	struct peers_listener listener;
	struct peers_counters counters;
	struct peer_entry *entries[PEERS_MAX + 1]; /* by party */
	struct peer_stream *streams[PEER_STREAMS_MAX];
	uint8_t epoch[PEER_EPOCH_SIZE];
	uint8_t own_party;
	uint8_t own_identity[32];
	uint64_t followed; /* keepers->changes at the last look */
	bool has_followed;
	bool is_behind;
	int64_t now_ms;
	int64_t strangers_ms; /* when the next inbound handshake may begin, at the earliest */
};

extern const char *const peer_drop_labels[PEER_DROPS]; /* as metrics have them: reason="limit" */

/* Takes bytes in and does what they say; drops the stream where they are no good. */
void peer_stream_take(struct peers *peers, struct peer_stream *stream, struct bytes bytes);
/* Hands to the gateway what there is, as far as it takes it. */
void peer_stream_flush(struct peers *peers, struct peer_stream *stream);
void peer_stream_beat(struct peers *peers, struct peer_stream *stream);
/* Ends it; a peer that was up is down. is_told: the gateway is told. */
void peer_stream_drop(struct peers *peers, struct peer_stream *stream, enum peer_drop why, bool is_told);

/* What it has shown outlives this process: once that is due, or now where this one ends. */
void peer_entry_remember(struct peers *peers, struct peer_entry *entry, bool is_last);

/* The row of decision state; null where it is not enrolled any more. */
struct enrolled_keeper *peer_entry_row(const struct peers *peers, const struct peer_entry *entry);

#endif
