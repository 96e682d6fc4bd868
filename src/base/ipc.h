/*
 * Frames between the processes of one installation, over a stream socket pair. Format: docs/PROTOCOL.ipc.
 *
 * A channel owns its descriptor and its buffers. It never blocks: ipc_receive() takes what is there, ipc_next() yields
 * whole frames out of it, ipc_begin()/ipc_end() append a frame to the output, ipc_flush() writes what the socket
 * accepts. A caller that gets many frames done per turn of its loop pays for one read and one write.
 *
 * Both sides send a hello first; a frame of another build, version or role is refused by name. Urgent frames
 * (protective operations and their answers) have an output queue of their own, which is written before the ordinary
 * one.
 *
 * Threads: one per channel. Errors: STATUS_INVALID or STATUS_CORRUPT "ipc.*" where the peer broke the protocol: the
 * channel is of no further use and must be freed. STATUS_UNAVAILABLE "ipc.closed" where the peer is gone.
 */
#ifndef GATEHOUSE_BASE_IPC_H
#define GATEHOUSE_BASE_IPC_H

#include "base/bytes.h"
#include "base/cursor.h"

constexpr uint16_t IPC_VERSION = 1;
constexpr size_t IPC_HEADER_SIZE = 20;
constexpr size_t IPC_FRAME_MAX = 1024 * 1024; /* header included */
constexpr size_t IPC_PAYLOAD_MAX = IPC_FRAME_MAX - IPC_HEADER_SIZE;
constexpr size_t IPC_OUTPUT_HIGH_WATER = 8 * IPC_FRAME_MAX; /* unwritten bytes at which ipc_begin() refuses */

enum ipc_role {
	IPC_ROLE_NONE,
	IPC_ROLE_SUPERVISOR,
	IPC_ROLE_GATEWAY,
	IPC_ROLE_KEEPER,
	IPC_ROLE_WATCHER,
	IPC_ROLE_WORKER,
	IPC_ROLE_FETCH,
	IPC_ROLE_WITNESS, /* a program of its own, without channels: confined like the others */
	IPC_ROLE_END,
};
const char *ipc_role_name(enum ipc_role role); /* "gateway" */

enum ipc_type {
	IPC_HELLO = 1,          /* both: first frame */
	IPC_CREDIT = 2,         /* keeper: how many more requests it will take; base/ipc_messages.h */
	IPC_REQUEST = 3,        /* gateway: an HTTP request as received */
	IPC_URGENT_REQUEST = 4, /* gateway: the same, for a protective operation */
	IPC_RESPONSE = 5,       /* keeper: the answer, with the request's id */
	IPC_FEED = 6,           /* keeper: what live updates show */
	IPC_REPORT = 7,         /* keeper: readiness, health and metrics, about once a second */
	IPC_DRAIN = 8,          /* gateway: no more requests follow; the keeper answers what it has */
	IPC_FETCH = 9,          /* keeper: what the helper fetch is to ask of the configured service */
	IPC_FETCHED = 10,       /* fetch: what came of it, with the request's id */
	IPC_WORK = 11,          /* keeper: what the helper worker is to do */
	IPC_WORKED = 12,        /* worker: what came of it, with the request's id */
	IPC_STREAM_END = 13,    /* keeper: whoever watched in this session watches no more */
	IPC_PEERS = 14,         /* keeper: who it is, and with which peers the gateway is to connect */
	IPC_PEER_OPENED = 15,   /* gateway: a stream to or from a peer's gateway; its number is the request */
	IPC_PEER_DATA = 16,     /* both: bytes of a stream, which the gateway cannot read */
	IPC_PEER_CREDIT = 17,   /* both: how many more bytes of a stream the sender takes */
	IPC_PEER_CLOSED = 18,   /* both: the stream has ended, or is to end */
	IPC_TYPE_END,
};

struct ipc_frame {
	enum ipc_type type;
	uint64_t request; /* the sender's number; 0 where the type has none */
	struct bytes payload;
};

struct ipc_output {
	struct buffer bytes;
	size_t written;  /* of bytes, at the front */
	size_t cut_at;   /* where the first frame starts that is not wholly written */
	size_t frame_at; /* where the frame being built starts */
};

struct ipc_channel {
	int descriptor;
	enum ipc_role own, peer;
	bool greeted; /* the peer's hello has been checked */
	bool closed;  /* the peer has closed; frames already received may still be read */
	struct buffer input;
	size_t consumed; /* of input, at the front */
	struct ipc_output ordinary, urgent;
	struct ipc_output *building;
};

/* Takes over descriptor (made non-blocking and close-on-exec) and queues the hello. */
enum status ipc_start(struct ipc_channel *channel, int descriptor, enum ipc_role own, enum ipc_role peer);
void ipc_stop(struct ipc_channel *channel); /* closes and frees; a cleanup function; may be called twice */

/* One read of the socket. OK also when nothing was there, and when the peer has closed (channel->closed is then
 * set). */
enum status ipc_receive(struct ipc_channel *channel);
/* The next whole frame; *found is false if there is none yet. The payload is valid until the next ipc_receive(). The
 * peer's hello is checked and not shown. */
enum status ipc_next(struct ipc_channel *channel, struct ipc_frame *frame, bool *found);

/* Starts a frame in the ordinary output, or in the urgent one. The caller appends its payload to **payload and calls
 * ipc_end(), before anything else is done with the channel. STATUS_UNAVAILABLE "ipc.backlog" above the high-water
 * mark. */
enum status ipc_begin(struct ipc_channel *channel, enum ipc_type type, uint64_t request, bool urgent,
		      struct buffer **payload);
/* STATUS_TOO_LARGE "ipc.frame_size": the frame is dropped and the channel stays usable. */
enum status ipc_end(struct ipc_channel *channel);
/* Both in one call. */
enum status ipc_send(struct ipc_channel *channel, enum ipc_type type, uint64_t request, bool urgent,
		     struct bytes payload);

/* Writes what the socket accepts; STATUS_UNAVAILABLE "ipc.closed" when the peer is gone. */
enum status ipc_flush(struct ipc_channel *channel);
bool ipc_wants_write(const struct ipc_channel *channel);

/* Reads one frame from bytes: what ipc_next() does, without a socket. *found false: incomplete. */
enum status ipc_read_frame(struct cursor *input, struct ipc_frame *frame, bool *found);

/* The build that this program is; peers of another build are refused. */
const char *ipc_build_id(void);

#endif
