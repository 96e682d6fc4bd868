/*
 * The set of peers as its keeper runs it: what it needs of the keeper, and what the gateway brings (keeper/peer_link.h).
 * keeper/peers.h is what everyone else sees.
 *
 * A stream is a connection that the gateway has made or taken; its bytes are worth nothing until the channel inside it is
 * authenticated. Streams that come in are bounded in number, in rate, in bytes and in time until they are. Time is the
 * caller's, in milliseconds, and only goes forward. Nothing here waits.
 */
#ifndef GATEHOUSE_KEEPER_PEER_SET_H
#define GATEHOUSE_KEEPER_PEER_SET_H

#include "base/ipc_messages.h"
#include "base/metrics.h"
#include "crypto/pinned_tls.h"
#include "keeper/peer_hello.h"

constexpr size_t PEER_CHUNK_MAX = 60 * 1024; /* bytes that go to the gateway at once */
constexpr size_t PEER_WINDOW =
	IPC_PEER_WINDOW;                  /* that the gateway may have sent and that are not taken, of one stream */
constexpr size_t PEER_STREAMS_MAX = 48;   /* authenticated or not */
constexpr size_t PEER_STRANGERS_MAX = 32; /* taken in and not authenticated: twice what a gateway takes of strangers */
constexpr int64_t PEER_STRANGERS_PER_S = 40; /* handshakes that are begun, the same */
constexpr int64_t PEER_GREETING_MS = 5'000;  /* from a stream's beginning until the peer is up */
constexpr int64_t PEER_BEAT_MS = 1'000;
constexpr int64_t PEER_SILENCE_MS = 4'000;     /* after which a peer is down */
constexpr int64_t PEER_REMEMBER_MS = 60'000;   /* how often what a peer has shown becomes durable while it is up, */
constexpr int64_t PEER_AWAY_MS = 4'000;        /* when it has been away so long, */
constexpr int64_t PEER_AWAY_PAUSE_MS = 10'000; /* how often */

struct peers_host {
	void *context;
	const char *instance;
	const char *name; /* of this keeper */
	const struct pinned_identity *identity;
	const uint8_t *seed, *key; /* Ed25519; the seed is read where it lies */
	const struct head_keys *log;
	struct keepers *keepers; /* of decision state */
	/* Of the own log: durable. */
	void (*head)(void *context, struct head *head, struct head_signatures *signatures);
	enum status (*prove)(void *context, uint64_t old_size, uint64_t size, struct proof *proof);
	struct hash256 (*bundle)(void *context);
	/* Makes what a keeper has shown durable, or that it is refused (reason not null), and applies it to decision state. */
	enum status (*record)(void *context, struct enrolled_keeper *keeper, const struct mark *head,
			      const char *reason);
	/* To the gateway; false where it cannot take it now. */
	bool (*send)(void *context, uint64_t stream, struct bytes bytes);
	bool (*grant)(void *context, uint64_t stream, size_t bytes);
	void (*close)(void *context, uint64_t stream);
	/* Who this keeper is (0: not enrolled), and with whom the gateway is to connect; and when that has changed. */
	void (*announce)(void *context, uint8_t own, const uint8_t *parties, const char *const *names, size_t count);
};

/* Why streams are dropped: one counter each. */
enum peer_drop {
	PEER_DROP_LIMIT,     /* too many, too fast, or of nobody who is enrolled */
	PEER_DROP_HANDSHAKE, /* bytes that are no handshake of an enrolled keeper, or a record that is not genuine */
	PEER_DROP_TIMEOUT,   /* no greeting in time */
	PEER_DROP_HELLO,     /* an enrolled keeper whose hello does not fit */
	PEER_DROP_PROTOCOL,  /* an enrolled keeper that broke the protocol */
	PEER_DROP_REFUSED,   /* one whose log went back */
	PEER_DROP_SILENT,
	PEER_DROP_REPLACED, /* a newer channel of the same peer */
	PEER_DROP_STALE,    /* it says what was so before something that was heard of the same log on another one */
	PEER_DROP_CLOSED,   /* by the other side, or on the way */
	PEER_DROPS,
};

struct peers_counters {
	struct metric dropped[PEER_DROPS];
	struct metric established;
	struct metric messages_in, messages_out; /* with those of the channel */
	struct metric bytes_in, bytes_out;       /* of streams */
	struct metric strays;                    /* frames of the gateway for streams that are not open */
	struct metric up, missing, refused;      /* gauges */
};

/* The host is copied; what it points to outlives the set. */
enum status peers_create(const struct peers_host *host, struct peers **peers);
/* Remembers what peers have shown last. A cleanup function. */
void peers_destroy(struct peers **peers);

/* What the gateway says. is_dialler: it has connected as it was told; party: with whom, or who the other side says that it is. What a
 * gateway that keeps to docs/PROTOCOL.ipc §4.11 never says is STATUS_INVALID: "peers.stream" (opened twice), "peers.window" (data where
 * none was granted), "peers.credit" (more than the window). A stream that is not open may have been dropped while the frame was on its
 * way: that is counted and no error. */
enum status peers_opened(struct peers *peers, uint64_t stream, uint8_t party, bool is_dialler, int64_t now_ms);
enum status peers_data(struct peers *peers, uint64_t stream, struct bytes bytes, int64_t now_ms);
enum status peers_credited(struct peers *peers, uint64_t stream, size_t bytes);
void peers_closed(struct peers *peers, uint64_t stream);
/* There is another gateway, or none: streams are gone. */
void peers_lose_gateway(struct peers *peers);
void peers_announce(struct peers *peers);

/* Time passes: beats, silence, what is remembered; bytes go out. Also follows decision state. */
void peers_turn(struct peers *peers, int64_t now_ms);
/* What was in memory may be in two places now: every channel ends, and another epoch begins. */
void peers_renew_epoch(struct peers *peers);

constexpr size_t PEERS_METRICS_MAX = 24; /* as many as the set has, and more */
struct peers_counters *peers_counters(struct peers *peers);
size_t peers_list_metrics(struct peers *peers, struct metric **table, size_t capacity);
/* The greatest head that the peer has shown, remembered durably or not yet. */
const struct mark *peers_shown(const struct peers *peers, const struct peer *peer);
/* A peer remembers more of this log than there is: the data directory is an older one. */
bool peers_own_log_is_behind(const struct peers *peers);

#endif
