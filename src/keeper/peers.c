#include <stdlib.h>

#include "base/log.h"
#include "crypto/random.h"
#include "keeper/peer_stream.h"

/* --- Making. --- */

static void
start_counters(struct peers_counters *counters) {
	for (size_t i = 0; i < PEER_DROPS; i++)
		counters->dropped[i] = (struct metric){.name = "gatehouse_peers_dropped",
						       .help = "Streams between keepers that ended, and why.",
						       .labels = peer_drop_labels[i]};
	counters->established =
		(struct metric){.name = "gatehouse_peers_established", .help = "Times that a peer came up."};
	counters->messages_in = (struct metric){.name = "gatehouse_peers_messages",
						.help = "Messages of authenticated channels.",
						.labels = "direction=\"in\""};
	counters->messages_out = (struct metric){.name = "gatehouse_peers_messages",
						 .help = "Messages of authenticated channels.",
						 .labels = "direction=\"out\""};
	counters->bytes_in = (struct metric){
		.name = "gatehouse_peers_bytes", .help = "Bytes of streams.", .labels = "direction=\"in\""};
	counters->bytes_out = (struct metric){
		.name = "gatehouse_peers_bytes", .help = "Bytes of streams.", .labels = "direction=\"out\""};
	counters->strays = (struct metric){.name = "gatehouse_peers_strays",
					   .help = "Frames of the gateway for streams that are not open."};
	counters->up =
		(struct metric){.name = "gatehouse_peers_up", .help = "Peers that are up.", .kind = METRIC_GAUGE};
	counters->missing = (struct metric){
		.name = "gatehouse_peers_missing", .help = "Enrolled peers that are not up.", .kind = METRIC_GAUGE};
	counters->refused = (struct metric){
		.name = "gatehouse_peers_refused", .help = "Peers whose log went back.", .kind = METRIC_GAUGE};
}

enum status
peers_create(const struct peers_host *host, struct peers **peers) {
	struct peers *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->host = *host;
	random_bytes(made->epoch, sizeof made->epoch);
	start_counters(&made->counters);
	*peers = made;
	return OK;
}

static void
drop_all(struct peers *peers, enum peer_drop why, bool is_told) {
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++)
		if (peers->streams[i] != nullptr)
			peer_stream_drop(peers, peers->streams[i], why, is_told);
}

void
peers_destroy(struct peers **peers) {
	struct peers *gone = TAKE(*peers);
	if (gone == nullptr)
		return;
	gone->listener = (struct peers_listener){};
	for (size_t party = 1; party <= PEERS_MAX; party++)
		if (gone->entries[party] != nullptr)
			peer_entry_remember(gone, gone->entries[party], true);
	drop_all(gone, PEER_DROP_CLOSED, true);
	for (size_t party = 0; party <= PEERS_MAX; party++)
		free(gone->entries[party]);
	free(gone);
}

/* --- What everyone sees. --- */

const struct peer *
peers_at(const struct peers *peers, size_t index) {
	for (size_t party = 1; party <= PEERS_MAX; party++)
		if (peers->entries[party] != nullptr && index-- == 0)
			return &peers->entries[party]->peer;
	return nullptr;
}

const struct peer *
peers_of_party(const struct peers *peers, uint8_t party) {
	const struct peer_entry *entry = party <= PEERS_MAX ? peers->entries[party] : nullptr;
	return entry != nullptr && entry->peer.is_enrolled ? &entry->peer : nullptr;
}

uint8_t
peers_own_party(const struct peers *peers) {
	return peers->own_party;
}

const uint8_t *
peers_own_identity(const struct peers *peers) {
	return peers->own_party == 0 ? nullptr : peers->own_identity;
}

void
peers_own_keys(const struct peers *peers, struct pledge_keys *keys) {
	*keys = (struct pledge_keys){.seed = peers->host.seed,
				     .key = peers->host.key,
				     .certificate = *pinned_identity_hash(peers->host.identity)};
}

const uint8_t *
peers_own_epoch(const struct peers *peers) {
	return peers->epoch;
}

enum status
peers_send(struct peers *peers, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct peer_entry *entry = peers->entries[peer->party];
	if (kind <= PEER_NONE || kind >= PEER_KINDS || peer_kinds[kind].is_of_channel)
		return fail(STATUS_INVALID, "peers.kind: %d is not sent from here", (int)kind);
	if (body.len < peer_kinds[kind].min || body.len > peer_kinds[kind].max)
		return fail(STATUS_TOO_LARGE, "peers.body: \"%s\" of %zu bytes, expected %zu to %zu",
			    peer_kinds[kind].name, body.len, peer_kinds[kind].min, peer_kinds[kind].max);
	if (peer->state != PEER_UP || entry->open == nullptr || entry->open->is_broken)
		return fail(STATUS_UNAVAILABLE, "peers.absent: keeper \"%s\" is not up", peer->name);
	if (peer_channel_waiting(entry->open->channel) + body.len > PEER_QUEUE_MAX)
		return fail(STATUS_UNAVAILABLE, "peers.backlog: %zu bytes wait for keeper \"%s\"",
			    peer_channel_waiting(entry->open->channel), peer->name);
	enum status status = peer_channel_send(entry->open->channel, kind, body);
	if (status != OK)
		entry->open->is_broken = true; /* a message may stand in the stream by half */
	else
		metric_add(&peers->counters.messages_out, 1);
	return status;
}

/* --- Following decision state. --- */

static void
write_identity(const struct peers *peers, const struct enrolled_keeper *row, uint8_t identity[32]) {
	keeper_identity(peers->host.instance, row->name, row->party, &row->certificate, row->key, identity);
}

static bool
is_own(const struct peers *peers, const struct enrolled_keeper *row) {
	return strcmp(row->name, peers->host.name) == 0;
}

/* Enrolled with the keys that this process has: else it would speak for nobody. */
static bool
has_own_keys(const struct peers *peers, const struct enrolled_keeper *row) {
	return hash256_equal(&row->certificate, pinned_identity_hash(peers->host.identity)) &&
	       memcmp(row->key, peers->host.key, sizeof row->key) == 0 &&
	       memcmp(row->log.ed25519.public_key, peers->host.log->ed25519.public_key, ED25519_PUBLIC_SIZE) == 0 &&
	       memcmp(row->log.mldsa44.public_key, peers->host.log->mldsa44.public_key, MLDSA44_PUBLIC_SIZE) == 0;
}

static void
follow_own(struct peers *peers, const struct enrolled_keeper *row) {
	uint8_t party = row->is_enrolled && has_own_keys(peers, row) ? row->party : 0;
	if (row->is_enrolled && party == 0)
		log_error("keeper %s is enrolled with keys that this keeper has not: its peers will not know it",
			  row->name);
	peers->own_party = party;
	write_identity(peers, row, peers->own_identity);
}

static enum peer_state
state_of(const struct peer_entry *entry, const struct enrolled_keeper *row) {
	return row->is_refused ? PEER_REFUSED : entry->open != nullptr ? PEER_UP : PEER_ABSENT;
}

static bool
may_be_of(const struct peer_stream *stream, const struct peer_entry *entry) {
	return stream->entry == nullptr &&
	       memchr(stream->parties, entry->peer.party, sizeof stream->parties) != nullptr;
}

/* A channel was authenticated by what was enrolled then: with other keys, another admission or none it ends. A handshake that began
 * with other keys would be, too. */
static void
drop_outdated(struct peers *peers, const struct peer_entry *entry, bool is_same, bool has_same_keys) {
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++) {
		struct peer_stream *stream = peers->streams[i];
		if (stream != nullptr && stream->entry == entry && !is_same)
			peer_stream_drop(peers, stream, PEER_DROP_REFUSED, true);
		else if (stream != nullptr && may_be_of(stream, entry) && !has_same_keys)
			peer_stream_drop(peers, stream, PEER_DROP_LIMIT, true);
	}
}

static void
follow_peer(struct peers *peers, struct peer_entry *entry, const struct enrolled_keeper *row) {
	bool has_same_keys = hash256_equal(&entry->certificate, &row->certificate) &&
			     memcmp(entry->key, row->key, sizeof entry->key) == 0;
	bool is_same = has_same_keys && row->is_enrolled && !row->is_refused && entry->peer.admission == row->admission;
	if (entry->peer.admission != row->admission)
		entry->shown = row->seen;
	memcpy(entry->peer.name, row->name, sizeof entry->peer.name);
	entry->peer.is_enrolled = row->is_enrolled;
	entry->peer.admission = row->admission;
	entry->certificate = row->certificate;
	memcpy(entry->key, row->key, sizeof entry->key);
	write_identity(peers, row, entry->peer.identity);
	drop_outdated(peers, entry, is_same, has_same_keys);
	entry->peer.state = state_of(entry, row);
}

static enum status
follow_row(struct peers *peers, const struct enrolled_keeper *row) {
	struct peer_entry **entry = &peers->entries[row->party];
	if (is_own(peers, row)) {
		follow_own(peers, row);
		return OK;
	}
	if (*entry == nullptr) {
		*entry = calloc(1, sizeof **entry);
		TRY_ALLOC(*entry);
		(*entry)->peer.party = row->party;
	}
	follow_peer(peers, *entry, row);
	return OK;
}

void
peers_announce(struct peers *peers) {
	uint8_t parties[PEERS_MAX];
	const char *names[PEERS_MAX];
	size_t count = 0;
	for (size_t party = 1; party <= PEERS_MAX && peers->own_party != 0; party++) {
		const struct peer *peer = peers_of_party(peers, (uint8_t)party);
		/* The lesser party dials. */
		if (peer == nullptr || peer->state == PEER_REFUSED || party < peers->own_party)
			continue;
		parties[count] = (uint8_t)party;
		names[count++] = peer->name;
	}
	peers->host.announce(peers->host.context, peers->own_party, parties, names, count);
}

static void
follow(struct peers *peers) {
	const struct keepers *keepers = peers->host.keepers;
	if (peers->has_followed && peers->followed == keepers->changes)
		return;
	uint8_t own_party = peers->own_party;
	for (size_t party = 1; party <= PEERS_MAX; party++)
		if (keepers->of_party[party] != nullptr && follow_row(peers, keepers->of_party[party]) != OK)
			return; /* out of memory: at the next turn */
	peers->has_followed = true;
	peers->followed = keepers->changes;
	if (own_party != peers->own_party)
		drop_all(peers, PEER_DROP_LIMIT, true);
	peers_announce(peers);
}

void
peers_listen(struct peers *peers, const struct peers_listener *listener) {
	peers->listener = *listener;
	follow(peers);
}

/* --- Streams. --- */

static struct peer_stream *
find_stream(const struct peers *peers, uint64_t number) {
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++)
		if (peers->streams[i] != nullptr && peers->streams[i]->number == number)
			return peers->streams[i];
	return nullptr;
}

static size_t
count_strangers(const struct peers *peers) {
	size_t count = 0;
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++)
		count += peers->streams[i] != nullptr && peers->streams[i]->phase == PEER_HANDSHAKE &&
			 !peers->streams[i]->is_dialler;
	return count;
}

/* Who may be at the other end: the one that was dialled, or any that is enrolled (one that is refused is told so). */
static size_t
find_candidates(const struct peers *peers, uint8_t party, bool is_dialler, uint8_t parties[PEERS_MAX],
		struct peer_candidate candidates[PEERS_MAX]) {
	size_t count = 0;
	for (size_t i = 1; i <= PEERS_MAX; i++) {
		const struct peer_entry *entry = peers->entries[i];
		if (entry == nullptr || !entry->peer.is_enrolled || (is_dialler && i != party))
			continue;
		parties[count] = (uint8_t)i;
		memcpy(candidates[count].name, entry->peer.name, sizeof candidates[count].name);
		candidates[count].certificate = entry->certificate;
		memcpy(candidates[count++].key, entry->key, sizeof entry->key);
	}
	return count;
}

static enum status
open_stream(struct peers *peers, uint8_t party, struct peer_stream *stream) {
	struct peer_candidate candidates[PEERS_MAX];
	size_t count = find_candidates(peers, party, stream->is_dialler, stream->parties, candidates);
	if (peers->own_party == 0 || count == 0)
		return fail(STATUS_DENIED, "peers.nobody: no keeper is enrolled to talk to");
	return peer_channel_open(&(struct peer_channel_terms){.identity = peers->host.identity,
							      .seed = peers->host.seed,
							      .key = peers->host.key,
							      .instance = peers->host.instance,
							      .own = peers->host.name,
							      .is_dialler = stream->is_dialler,
							      .candidates = candidates,
							      .candidate_count = count},
				 &stream->channel);
}

/* The bound on what strangers can make us compute: a handshake costs a signature of ML-DSA. */
static bool
may_begin(struct peers *peers, bool is_dialler) {
	if (is_dialler)
		return true;
	int64_t earliest = peers->now_ms - 1000; /* a second's worth may come at once */
	if (peers->strangers_ms < earliest)
		peers->strangers_ms = earliest;
	if (count_strangers(peers) >= PEER_STRANGERS_MAX || peers->strangers_ms > peers->now_ms)
		return false;
	peers->strangers_ms += 1000 / PEER_STRANGERS_PER_S;
	return true;
}

enum status
peers_opened(struct peers *peers, uint64_t number, uint8_t party, bool is_dialler, int64_t now_ms) {
	size_t slot = 0;
	peers->now_ms = now_ms;
	follow(peers);
	if (find_stream(peers, number) != nullptr)
		return fail(STATUS_INVALID, "peers.stream: %llu is open already", (unsigned long long)number);
	while (slot < PEER_STREAMS_MAX && peers->streams[slot] != nullptr)
		slot++;
	struct peer_stream *made =
		slot == PEER_STREAMS_MAX || !may_begin(peers, is_dialler) ? nullptr : calloc(1, sizeof *made);
	if (made != nullptr)
		*made = (struct peer_stream){.number = number,
					     .is_dialler = is_dialler,
					     .opened_ms = now_ms,
					     .heard_ms = now_ms,
					     .window = PEER_WINDOW};
	if (made == nullptr || open_stream(peers, party, made) != OK) {
		free(made);
		metric_add(&peers->counters.dropped[PEER_DROP_LIMIT], 1);
		peers->host.close(peers->host.context, number);
		return OK;
	}
	peers->streams[slot] = made;
	return OK;
}

/* Null where it has been dropped, as it may have been while the frame was on its way. */
static struct peer_stream *
find_open(struct peers *peers, uint64_t number) {
	struct peer_stream *stream = find_stream(peers, number);
	if (stream == nullptr)
		metric_add(&peers->counters.strays, 1);
	return stream;
}

static void
grant_taken(struct peers *peers, struct peer_stream *stream) {
	if (!peers->host.grant(peers->host.context, stream->number, stream->taken))
		return; /* with the next bytes; a stream that gets no credit is silent, and ends */
	stream->window += (int64_t)stream->taken;
	stream->taken = 0;
}

enum status
peers_data(struct peers *peers, uint64_t number, struct bytes bytes, int64_t now_ms) {
	peers->now_ms = now_ms;
	follow(peers); /* what people have decided since counts for what is said now */
	struct peer_stream *stream = find_open(peers, number);
	if (stream == nullptr)
		return OK;
	if (stream->window <= 0)
		return fail(STATUS_INVALID, "peers.window: stream %llu: %zu bytes where none was granted",
			    (unsigned long long)number, bytes.len);
	stream->window -= (int64_t)bytes.len;
	metric_add(&peers->counters.bytes_in, (int64_t)bytes.len);
	stream->taken += bytes.len;
	peer_stream_take(peers, stream, bytes);
	stream = find_stream(peers, number);
	if (stream == nullptr)
		return OK;
	if (stream->taken >= PEER_WINDOW / 4 || stream->phase != PEER_OPEN)
		grant_taken(peers, stream);
	peer_stream_flush(peers, stream);
	return OK;
}

enum status
peers_credited(struct peers *peers, uint64_t number, size_t bytes) {
	struct peer_stream *stream = find_open(peers, number);
	if (stream == nullptr)
		return OK;
	if (bytes > PEER_WINDOW - stream->credit)
		return fail(STATUS_INVALID, "peers.credit: stream %llu: %zu bytes beside %zu, expected at most %zu",
			    (unsigned long long)number, bytes, stream->credit, PEER_WINDOW);
	stream->credit += bytes;
	peer_stream_flush(peers, stream);
	return OK;
}

void
peers_closed(struct peers *peers, uint64_t number) {
	struct peer_stream *stream = find_open(peers, number);
	if (stream != nullptr)
		peer_stream_drop(peers, stream, PEER_DROP_CLOSED, false);
}

void
peers_lose_gateway(struct peers *peers) {
	drop_all(peers, PEER_DROP_CLOSED, false);
}

/* --- Time. --- */

static void
turn_stream(struct peers *peers, struct peer_stream *stream) {
	int64_t now_ms = peers->now_ms;
	bool is_open = stream->phase == PEER_OPEN;
	if (is_open && now_ms - stream->beat_ms >= PEER_BEAT_MS)
		peer_stream_beat(peers, stream);
	peer_stream_flush(peers, stream);
	if (stream->is_broken)
		peer_stream_drop(peers, stream, PEER_DROP_CLOSED, true);
	else if (!is_open && now_ms - stream->opened_ms > PEER_GREETING_MS)
		peer_stream_drop(peers, stream, PEER_DROP_TIMEOUT, true);
	else if (is_open && now_ms - stream->heard_ms > PEER_SILENCE_MS)
		peer_stream_drop(peers, stream, PEER_DROP_SILENT, true);
}

static void
count_states(struct peers *peers) {
	int64_t counts[3] = {};
	for (size_t party = 1; party <= PEERS_MAX; party++) {
		const struct peer *peer = peers_of_party(peers, (uint8_t)party);
		if (peer != nullptr)
			counts[peer->state]++;
	}
	metric_set(&peers->counters.up, counts[PEER_UP]);
	metric_set(&peers->counters.refused, counts[PEER_REFUSED]);
	metric_set(&peers->counters.missing, counts[PEER_ABSENT] + counts[PEER_REFUSED]);
}

void
peers_turn(struct peers *peers, int64_t now_ms) {
	peers->now_ms = now_ms;
	follow(peers);
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++)
		if (peers->streams[i] != nullptr)
			turn_stream(peers, peers->streams[i]);
	for (size_t party = 1; party <= PEERS_MAX; party++)
		if (peers->entries[party] != nullptr && peers->entries[party]->open == nullptr)
			peer_entry_remember(peers, peers->entries[party], false);
	count_states(peers);
}

void
peers_renew_epoch(struct peers *peers) {
	random_bytes(peers->epoch, sizeof peers->epoch);
	drop_all(peers, PEER_DROP_CLOSED, true);
}

/* --- What is shown. --- */

struct peers_counters *
peers_counters(struct peers *peers) {
	return &peers->counters;
}

size_t
peers_list_metrics(struct peers *peers, struct metric **table, size_t capacity) {
	struct peers_counters *counters = &peers->counters;
	struct metric *const rest[] = {&counters->established, &counters->messages_in, &counters->messages_out,
				       &counters->bytes_in,    &counters->bytes_out,   &counters->strays,
				       &counters->up,          &counters->missing,     &counters->refused};
	size_t count = 0;
	for (size_t i = 0; i < PEER_DROPS && count < capacity; i++)
		table[count++] = &counters->dropped[i];
	for (size_t i = 0; i < ARRAY_LENGTH(rest) && count < capacity; i++)
		table[count++] = rest[i];
	return count;
}

const struct mark *
peers_shown(const struct peers *peers, const struct peer *peer) {
	return &peers->entries[peer->party]->shown;
}

bool
peers_own_log_is_behind(const struct peers *peers) {
	return peers->is_behind;
}
