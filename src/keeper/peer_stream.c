#include "keeper/peer_stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ipc.h"
#include "base/log.h"

const char *const peer_drop_labels[PEER_DROPS] = {
	[PEER_DROP_LIMIT] = "reason=\"limit\"",       [PEER_DROP_HANDSHAKE] = "reason=\"handshake\"",
	[PEER_DROP_TIMEOUT] = "reason=\"timeout\"",   [PEER_DROP_HELLO] = "reason=\"hello\"",
	[PEER_DROP_PROTOCOL] = "reason=\"protocol\"", [PEER_DROP_REFUSED] = "reason=\"refused\"",
	[PEER_DROP_SILENT] = "reason=\"silent\"",     [PEER_DROP_REPLACED] = "reason=\"replaced\"",
	[PEER_DROP_STALE] = "reason=\"stale\"",       [PEER_DROP_CLOSED] = "reason=\"closed\"",
};

struct enrolled_keeper *
peer_entry_row(const struct peers *peers, const struct peer_entry *entry) {
	struct enrolled_keeper *row = peers->host.keepers->of_party[entry->peer.party];
	return row != nullptr && row->is_enrolled ? row : nullptr;
}

static void
count(struct metric *metric, size_t amount) {
	metric_add(metric, (int64_t)amount);
}

static enum status
send(struct peers *peers, struct peer_stream *stream, enum peer_kind kind, const struct buffer *body) {
	TRY(buffer_status(body));
	TRY(peer_channel_send(stream->channel, kind, buffer_bytes(body)));
	count(&peers->counters.messages_out, 1);
	return OK;
}

/* --- Ends. --- */

static void
tell_down(struct peers *peers, struct peer_entry *entry, enum peer_drop why, size_t queued) {
	entry->open = nullptr;
	if (entry->peer.state == PEER_UP)
		entry->peer.state = PEER_ABSENT;
	log_notice("keeper %s is down: %s", entry->peer.name, peer_drop_labels[why]);
	if (peers->listener.down != nullptr)
		peers->listener.down(peers->listener.context, &entry->peer, queued);
}

/* A connection that comes and goes makes each log grow by what is written of the other: it waits as one that stays does. */
static bool
is_due(const struct peers *peers, const struct peer_entry *entry) {
	int64_t since_ms = peers->now_ms - entry->remembered_ms;
	if (entry->open != nullptr)
		return !entry->has_remembered || since_ms >= PEER_REMEMBER_MS;
	return peers->now_ms - entry->down_ms >= PEER_AWAY_MS &&
	       (!entry->has_remembered || since_ms >= PEER_AWAY_PAUSE_MS);
}

void
peer_entry_remember(struct peers *peers, struct peer_entry *entry, bool is_last) {
	struct enrolled_keeper *row = peer_entry_row(peers, entry);
	bool counts = row != nullptr && !row->is_refused && row->admission == entry->peer.admission;
	if (!counts || entry->shown.size <= row->seen.size || (!is_last && !is_due(peers, entry)))
		return;
	entry->remembered_ms = peers->now_ms;
	entry->has_remembered = true;
	if (peers->host.record(peers->host.context, row, &entry->shown, nullptr) != OK)
		log_warning("what keeper %s has shown could not be recorded: %s", entry->peer.name, fail_message());
}

void
peer_stream_drop(struct peers *peers, struct peer_stream *stream, enum peer_drop why, bool is_told) {
	count(&peers->counters.dropped[why], 1);
	for (size_t i = 0; i < PEER_STREAMS_MAX; i++)
		if (peers->streams[i] == stream)
			peers->streams[i] = nullptr;
	if (is_told && stream->phase != PEER_HANDSHAKE) {
		peer_channel_finish(stream->channel);
		peer_stream_flush(peers, stream);
	}
	if (is_told)
		peers->host.close(peers->host.context, stream->number);
	struct peer_entry *entry = stream->entry;
	size_t queued = peer_channel_waiting(stream->channel);
	bool was_open = entry != nullptr && entry->open == stream;
	peer_channel_close(&stream->channel);
	free(stream);
	if (!was_open)
		return;
	entry->down_ms = peers->now_ms;
	tell_down(peers, entry, why, queued);
}

/* Whatever the other side does from now on: people have to say that its log is the one that counts. */
static enum status
refuse(struct peers *peers, struct peer_stream *stream, const struct head *shown, const char *reason) {
	struct peer_entry *entry = stream->entry;
	struct enrolled_keeper *row = peer_entry_row(peers, entry);
	const struct mark mark = {shown->size, shown->root};
	log_error("keeper %s is refused: %s: it has shown %llu entries, and now shows %llu", entry->peer.name, reason,
		  (unsigned long long)entry->shown.size, (unsigned long long)shown->size);
	if (row != nullptr && peers->host.record(peers->host.context, row, &mark, reason) != OK)
		log_error("that keeper %s is refused could not be recorded: %s", entry->peer.name, fail_message());
	entry->peer.state = PEER_REFUSED;
	if (entry->open != nullptr && entry->open != stream)
		peer_stream_drop(peers, entry->open, PEER_DROP_REFUSED, true);
	return fail(STATUS_CONFLICT, "%s: the log of keeper \"%s\" went back", reason, entry->peer.name);
}

/* --- Greeting. --- */

static enum status
say_hello(struct peers *peers, struct peer_stream *stream) {
	_cleanup_(buffer_free) struct buffer body = {};
	const struct enrolled_keeper *row = peer_entry_row(peers, stream->entry);
	if (row == nullptr)
		return fail(STATUS_DENIED, "peers.removed: keeper \"%s\"", stream->entry->peer.name);
	struct peer_hello hello = {.version = PEER_VERSION,
				   .instance = bytes_of_text(peers->host.instance),
				   .name = bytes_of_text(peers->host.name),
				   .party = peers->own_party,
				   .build = bytes_of_text(ipc_build_id()),
				   .bundle = peers->host.bundle(peers->host.context),
				   .remembered = stream->entry->shown};
	peers->host.head(peers->host.context, &hello.head, &hello.signatures);
	memcpy(hello.boot_epoch, peers->epoch, sizeof hello.boot_epoch);
	stream->own = hello.head;
	stream->remembered = hello.remembered;
	peer_hello_write(&hello, &body);
	return send(peers, stream, PEER_HELLO, &body);
}

/* Its hello, and all behind it, is said after our proof, and knows of all that it has shown until now. What it shows on other
 * streams meanwhile may have been said later and be here sooner, as whoever is between us likes. */
static void
note_known(struct peers *peers, struct peer_stream *stream) {
	if (stream->entry != nullptr || !peer_channel_has_proved(stream->channel))
		return;
	stream->entry = peers->entries[stream->parties[peer_channel_candidate(stream->channel)]];
	stream->known = stream->entry->shown;
}

/* Both signatures hold: from here on it is known who speaks. */
static enum status
begin_greeting(struct peers *peers, struct peer_stream *stream) {
	stream->phase = PEER_GREETING;
	stream->heard_ms = peers->now_ms;
	return say_hello(peers, stream);
}

static enum status
check_who(const struct peers *peers, const struct peer_stream *stream, const struct peer_hello *hello) {
	const struct peer *peer = &stream->entry->peer;
	if (!bytes_equal_text(hello->instance, peers->host.instance))
		return fail(STATUS_UNAUTHORIZED, "peers.instance: \"%.*s\", expected \"%s\"",
			    BYTES_ARGS(hello->instance), peers->host.instance);
	if (!bytes_equal_text(hello->name, peer->name))
		return fail(STATUS_UNAUTHORIZED, "peers.name: \"%.*s\", and the keys are \"%s\"'s",
			    BYTES_ARGS(hello->name), peer->name);
	if (hello->party != peer->party)
		return fail(STATUS_CONFLICT, "peers.party: \"%s\" says that it is party %u, and is enrolled as %u",
			    peer->name, hello->party, peer->party);
	return OK;
}

static bool
is_fork(const struct head *head, const struct mark *mark) {
	return head->size == mark->size && mark->size > 0 && !hash256_equal(&head->root, &mark->root);
}

/* What was overtaken on the way is nobody's fault: the stream ends, and the next one shows. Two roots of one size are never so. */
static enum status
check_head(struct peers *peers, struct peer_stream *stream, const struct head *head) {
	const struct mark *shown = &stream->entry->shown;
	if (head->size > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "peers.head: %llu entries", (unsigned long long)head->size);
	if (head->size < stream->known.size)
		return refuse(peers, stream, head, "peers.behind");
	if (is_fork(head, shown) || is_fork(head, &stream->known))
		return refuse(peers, stream, head, "peers.fork");
	if (head->size < shown->size)
		return fail(STATUS_EXPIRED, "peers.stale: %llu entries, and another stream has shown %llu meanwhile",
			    (unsigned long long)head->size, (unsigned long long)shown->size);
	return OK;
}

/* Where our log did not grow out of what the other remembers, this data directory is not the newest. More than our hello has, and
 * not more than there is now, is what another stream has told it since. */
static enum status
check_remembered(struct peers *peers, const struct peer_stream *stream, const struct mark *remembered) {
	const char *name = stream->entry->peer.name;
	struct head_signatures signatures;
	struct head now;
	peers->host.head(peers->host.context, &now, &signatures);
	if (remembered->size > now.size || is_fork(&now, remembered) || is_fork(&stream->own, remembered)) {
		peers->is_behind = true;
		log_error("keeper %s remembers %llu entries of this log, which has %llu: this data directory is an "
			  "older one or another",
			  name, (unsigned long long)remembered->size, (unsigned long long)now.size);
		return fail(STATUS_CONFLICT, "peers.own_log: keeper \"%s\" remembers another", name);
	}
	if (remembered->size > stream->own.size)
		return fail(STATUS_EXPIRED, "peers.stale: keeper \"%s\" has seen more of this log meanwhile", name);
	return OK;
}

/* That our log grew out of what the other remembers of it. */
static enum status
prove_history(struct peers *peers, struct peer_stream *stream, const struct mark *remembered) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct peer_consistency consistency = {.old_size = remembered->size, .size = stream->own.size};
	TRY(check_remembered(peers, stream, remembered));
	if (remembered->size > 0 && remembered->size < stream->own.size)
		TRY(peers->host.prove(peers->host.context, remembered->size, stream->own.size, &consistency.proof));
	peer_consistency_write(&consistency, &body);
	return send(peers, stream, PEER_CONSISTENCY, &body);
}

static void
keep_greeting(const struct peer_hello *hello, struct peer_greeting *greeting) {
	*greeting = (struct peer_greeting){.head = hello->head, .bundle = hello->bundle, .version = hello->version};
	memcpy(greeting->boot_epoch, hello->boot_epoch, sizeof greeting->boot_epoch);
	memcpy(greeting->build, hello->build.data, hello->build.len); /* at most PEER_BUILD_MAX */
}

static enum status
take_hello(struct peers *peers, struct peer_stream *stream, struct bytes body) {
	struct peer_entry *entry = stream->entry;
	const struct enrolled_keeper *row = peer_entry_row(peers, entry);
	struct peer_hello hello;
	TRY(peer_hello_read(body, &hello));
	TRY(check_who(peers, stream, &hello));
	if (row == nullptr)
		return fail(STATUS_DENIED, "peers.removed: keeper \"%s\"", entry->peer.name);
	TRY(head_verify(&row->log, &hello.head, &hello.signatures));
	if (row->is_refused)
		return fail(STATUS_CONFLICT, "%s: keeper \"%s\" is refused until it is re-admitted", row->reason,
			    entry->peer.name);
	TRY(check_head(peers, stream, &hello.head));
	keep_greeting(&hello, &stream->greeting);
	stream->phase = PEER_HISTORY;
	return prove_history(peers, stream, &hello.remembered);
}

static enum status
check_history(struct peers *peers, struct peer_stream *stream, const struct peer_consistency *consistency) {
	const struct mark *old = &stream->remembered;
	const struct head *head = &stream->greeting.head;
	if (consistency->old_size != old->size || consistency->size != head->size)
		return fail(STATUS_INVALID, "peer_consistency.size: between %llu and %llu, expected %llu and %llu",
			    (unsigned long long)consistency->old_size, (unsigned long long)consistency->size,
			    (unsigned long long)old->size, (unsigned long long)head->size);
	if (old->size > 0 && old->size < head->size &&
	    proof_verify_consistency(old->size, &old->root, head->size, &head->root, consistency->proof.hashes,
				     consistency->proof.count) != OK)
		return refuse(peers, stream, head, "peers.fork");
	return OK;
}

/* Of one peer there is one channel: what another one showed, and said of itself, is over. */
static void
open_peer(struct peers *peers, struct peer_stream *stream) {
	struct peer_entry *entry = stream->entry;
	const struct peer_greeting *greeting = &stream->greeting;
	if (entry->open != nullptr)
		peer_stream_drop(peers, entry->open, PEER_DROP_REPLACED, true);
	memcpy(entry->peer.boot_epoch, greeting->boot_epoch, sizeof entry->peer.boot_epoch);
	static_assert(sizeof entry->peer.build == sizeof greeting->build);
	memcpy(entry->peer.build, greeting->build, sizeof entry->peer.build);
	entry->peer.bundle = greeting->bundle;
	entry->peer.version = greeting->version;
	entry->shown = stream->known = (struct mark){greeting->head.size, greeting->head.root};
	entry->open = stream;
	entry->peer.state = PEER_UP;
	stream->phase = PEER_OPEN;
}

static enum status
take_history(struct peers *peers, struct peer_stream *stream, struct bytes body) {
	struct peer_entry *entry = stream->entry;
	struct peer_consistency consistency;
	TRY(peer_consistency_read(body, &consistency));
	if (entry->peer.state == PEER_REFUSED)
		return fail(STATUS_CONFLICT, "peers.refused: keeper \"%s\", for what it said on another stream",
			    entry->peer.name);
	TRY(check_history(peers, stream, &consistency));
	TRY(check_head(peers, stream, &stream->greeting.head)); /* since its hello others may have shown more */
	open_peer(peers, stream);
	count(&peers->counters.established, 1);
	log_notice("keeper %s is up", entry->peer.name);
	peer_entry_remember(peers, entry, false);
	if (peers->listener.up != nullptr)
		peers->listener.up(peers->listener.context, &entry->peer);
	return OK;
}

/* --- Open. --- */

void
peer_stream_beat(struct peers *peers, struct peer_stream *stream) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct head_signatures signatures; /* not said: the channel says who speaks */
	struct peer_beat beat = {.bundle = peers->host.bundle(peers->host.context)};
	peers->host.head(peers->host.context, &beat.head, &signatures);
	peer_beat_write(&beat, &body);
	stream->beat_ms = peers->now_ms;
	if (send(peers, stream, PEER_BEAT, &body) != OK)
		stream->is_broken = true;
}

static enum status
take_beat(struct peers *peers, struct peer_stream *stream, struct bytes body) {
	struct peer_entry *entry = stream->entry;
	struct peer_beat beat;
	TRY(peer_beat_read(body, &beat));
	TRY(check_head(peers, stream, &beat.head));
	entry->shown = stream->known = (struct mark){beat.head.size, beat.head.root};
	peer_entry_remember(peers, entry, false);
	if (hash256_equal(&entry->peer.bundle, &beat.bundle))
		return OK;
	entry->peer.bundle = beat.bundle;
	if (peers->listener.bundle != nullptr)
		peers->listener.bundle(peers->listener.context, &entry->peer);
	return OK;
}

static enum status
take_message(struct peers *peers, struct peer_stream *stream, enum peer_kind kind, struct bytes body) {
	static const enum peer_kind expected[] = {[PEER_GREETING] = PEER_HELLO, [PEER_HISTORY] = PEER_CONSISTENCY};
	stream->heard_ms = peers->now_ms;
	count(&peers->counters.messages_in, 1);
	if (stream->phase != PEER_OPEN && kind != expected[stream->phase])
		return fail(STATUS_INVALID, "peers.order: \"%s\" where \"%s\" was expected", peer_kinds[kind].name,
			    peer_kinds[expected[stream->phase]].name);
	if (stream->phase == PEER_GREETING)
		return take_hello(peers, stream, body);
	if (stream->phase == PEER_HISTORY)
		return take_history(peers, stream, body);
	if (kind == PEER_BEAT)
		return take_beat(peers, stream, body);
	if (peer_kinds[kind].is_of_channel)
		return fail(STATUS_INVALID, "peers.order: \"%s\" on an open channel", peer_kinds[kind].name);
	if (peers->listener.message != nullptr)
		peers->listener.message(peers->listener.context, &stream->entry->peer, kind, body);
	return OK;
}

static enum status
take_messages(struct peers *peers, struct peer_stream *stream) {
	for (bool found = true; found;) {
		enum peer_kind kind = PEER_NONE;
		struct bytes body;
		TRY(peer_channel_next(stream->channel, &kind, &body, &found));
		if (found)
			TRY(take_message(peers, stream, kind, body));
	}
	return OK;
}

static enum peer_drop
drop_of(const struct peer_stream *stream, enum status status) {
	if (status == STATUS_UNAVAILABLE)
		return PEER_DROP_CLOSED;
	if (stream->phase == PEER_HANDSHAKE || status == STATUS_UNAUTHORIZED)
		return stream->phase == PEER_GREETING ? PEER_DROP_HELLO : PEER_DROP_HANDSHAKE;
	if (status == STATUS_CONFLICT)
		return PEER_DROP_REFUSED;
	if (status == STATUS_EXPIRED)
		return PEER_DROP_STALE;
	return stream->phase == PEER_OPEN ? PEER_DROP_PROTOCOL : PEER_DROP_HELLO;
}

void
peer_stream_take(struct peers *peers, struct peer_stream *stream, struct bytes bytes) {
	enum status status = peer_channel_take(stream->channel, bytes);
	note_known(peers, stream);
	if (status == OK && stream->phase == PEER_HANDSHAKE && peer_channel_is_authenticated(stream->channel))
		status = begin_greeting(peers, stream);
	if (status == OK)
		status = take_messages(peers, stream);
	if (status == OK)
		return;
	if (stream->phase != PEER_HANDSHAKE && status != STATUS_UNAVAILABLE)
		log_warning("the channel with keeper %s ends: %s", stream->entry->peer.name, fail_message());
	peer_stream_drop(peers, stream, drop_of(stream, status), true);
}

void
peer_stream_flush(struct peers *peers, struct peer_stream *stream) {
	while (stream->credit > 0 && peer_channel_waiting(stream->channel) > 0) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		size_t max = stream->credit < PEER_CHUNK_MAX ? stream->credit : PEER_CHUNK_MAX;
		if (peer_channel_output(stream->channel, max, &bytes) != OK ||
		    !peers->host.send(peers->host.context, stream->number, buffer_bytes(&bytes))) {
			stream->is_broken = true; /* what was taken out cannot be put back */
			return;
		}
		stream->credit -= bytes.len;
		count(&peers->counters.bytes_out, bytes.len);
	}
}
