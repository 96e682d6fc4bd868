#include "keeper/peer_channel.h"

#include <stdlib.h>

#include "crypto/sign.h"
#include "keeper/peer_reader.h"

struct peer_channel {
	struct pinned_tls *tls;
	struct peer_channel_terms terms; /* candidates: own copy */
	struct peer_candidate *candidates;
	struct peer_reader reader;
	size_t taken;    /* bytes before the authentication */
	bool has_proved; /* our proof is sent */
	bool is_closed;  /* by the other side, behind the messages that are left */
};

enum status
peer_channel_open(const struct peer_channel_terms *terms, struct peer_channel **channel) {
	_cleanup_(peer_channel_close) struct peer_channel *made = calloc(1, sizeof *made);
	struct hash256 pins[PEERS_MAX];
	TRY_ALLOC(made);
	if (terms->candidate_count == 0 || terms->candidate_count > PEERS_MAX)
		return fail(STATUS_INVALID, "peer_channel.candidates: %zu", terms->candidate_count);
	made->candidates = calloc(terms->candidate_count, sizeof *made->candidates);
	TRY_ALLOC(made->candidates);
	made->terms = *terms;
	for (size_t i = 0; i < terms->candidate_count; i++) {
		made->candidates[i] = terms->candidates[i];
		pins[i] = terms->candidates[i].certificate;
	}
	TRY(pinned_tls_start(&made->tls, terms->identity, terms->is_dialler, pins, terms->candidate_count));
	*channel = TAKE(made);
	return OK;
}

void
peer_channel_close(struct peer_channel **channel) {
	struct peer_channel *gone = TAKE(*channel);
	if (gone == nullptr)
		return;
	pinned_tls_end(&gone->tls);
	peer_reader_free(&gone->reader);
	free(gone->candidates);
	free(gone);
}

/* --- The proof: Ed25519 beside ML-DSA, so that breaking one of them is not enough. --- */

enum role { DIALLER = 1, LISTENER = 2 };

static void
write_name(struct buffer *to, const char *name) {
	buffer_append_prefixed(to, bytes_of_text(name));
}

/* What the dialler, or the listener, signs. */
static enum status
write_statement(struct peer_channel *channel, bool of_dialler, struct buffer *statement) {
	const struct peer_candidate *other = &channel->candidates[pinned_tls_pin(channel->tls)];
	const struct hash256 *own = pinned_identity_hash(channel->terms.identity);
	bool is_own = of_dialler == channel->terms.is_dialler;
	uint8_t exported[PINNED_TLS_EXPORT_SIZE];
	TRY(pinned_tls_export(channel->tls, PEER_EXPORT_LABEL, exported));
	buffer_append(statement, PEER_PROOF_LABEL, sizeof PEER_PROOF_LABEL); /* with its zero byte */
	buffer_append_byte(statement, of_dialler ? DIALLER : LISTENER);
	write_name(statement, channel->terms.instance);
	write_name(statement, is_own ? channel->terms.own : other->name);
	write_name(statement, is_own ? other->name : channel->terms.own);
	buffer_append_bytes(statement, hash256_bytes(is_own ? own : &other->certificate));
	buffer_append_bytes(statement, hash256_bytes(is_own ? &other->certificate : own));
	buffer_append(statement, exported, sizeof exported);
	return buffer_status(statement);
}

static enum status
write_message(struct peer_channel *channel, enum peer_kind kind, struct bytes body) {
	uint8_t header[PEER_HEADER_SIZE];
	store_u32be(header, (uint32_t)body.len);
	header[4] = (uint8_t)kind;
	TRY(pinned_tls_write(channel->tls, BYTES_OF_ARRAY(header)));
	return pinned_tls_write(channel->tls, body);
}

static enum status
send_proof(struct peer_channel *channel) {
	_cleanup_(buffer_free) struct buffer statement = {};
	uint8_t signature[ED25519_SIGNATURE_SIZE];
	if (channel->has_proved)
		return OK;
	TRY(write_statement(channel, channel->terms.is_dialler, &statement));
	TRY(ed25519_sign(channel->terms.seed, channel->terms.key, buffer_bytes(&statement), signature));
	TRY(ed25519_verify(channel->terms.key, buffer_bytes(&statement), signature));
	channel->has_proved = true;
	return write_message(channel, PEER_PROOF, BYTES_OF_ARRAY(signature));
}

static enum status
check_proof(struct peer_channel *channel, struct bytes body) {
	const struct peer_candidate *other = &channel->candidates[pinned_tls_pin(channel->tls)];
	_cleanup_(buffer_free) struct buffer statement = {};
	TRY(write_statement(channel, !channel->terms.is_dialler, &statement));
	return peer_reader_check_proof(&channel->reader,
				       &(struct peer_signer){other->name, other->key, buffer_bytes(&statement)}, body);
}

/* --- Bytes in, messages out. --- */

static enum status
authenticate(struct peer_channel *channel) {
	enum peer_kind kind;
	struct bytes body;
	bool found;
	TRY(send_proof(channel));
	TRY(peer_reader_next(&channel->reader, &kind, &body, &found));
	return found ? check_proof(channel, body) : OK;
}

enum status
peer_channel_take(struct peer_channel *channel, struct bytes bytes) {
	peer_reader_drop_read(&channel->reader);
	if (!channel->reader.is_authenticated) {
		channel->taken += bytes.len;
		if (channel->taken > PEER_HANDSHAKE_MAX)
			return fail(STATUS_INVALID, "peer_channel.handshake: more than %zu bytes before the proof",
				    PEER_HANDSHAKE_MAX);
	}
	TRY(pinned_tls_take(channel->tls, bytes));
	if (!pinned_tls_is_established(channel->tls))
		return OK;
	enum status status = pinned_tls_read(channel->tls, &channel->reader.plain);
	if (status != OK && status != STATUS_UNAVAILABLE)
		return status;
	channel->is_closed = status == STATUS_UNAVAILABLE;
	return channel->reader.is_authenticated ? OK : authenticate(channel);
}

enum status
peer_channel_next(struct peer_channel *channel, enum peer_kind *kind, struct bytes *body, bool *found) {
	*found = false;
	if (!channel->reader.is_authenticated)
		return channel->is_closed ? fail(STATUS_UNAVAILABLE, "peer_channel.closed: before the proof") : OK;
	TRY(peer_reader_next(&channel->reader, kind, body, found));
	if (!*found && channel->is_closed)
		return fail(STATUS_UNAVAILABLE, "peer_channel.closed: the other side has ended the channel");
	return OK;
}

bool
peer_channel_has_proved(const struct peer_channel *channel) {
	return channel->has_proved;
}

bool
peer_channel_is_authenticated(const struct peer_channel *channel) {
	return channel->reader.is_authenticated;
}

size_t
peer_channel_candidate(const struct peer_channel *channel) {
	return pinned_tls_pin(channel->tls);
}

/* --- Messages in, bytes out. --- */

enum status
peer_channel_send(struct peer_channel *channel, enum peer_kind kind, struct bytes body) {
	if (!channel->reader.is_authenticated)
		return fail(STATUS_UNAVAILABLE, "peer_channel.early: before the proof");
	if (body.len < peer_kinds[kind].min || body.len > peer_kinds[kind].max)
		return fail(STATUS_TOO_LARGE, "peer_channel.body: \"%s\" of %zu bytes, expected %zu to %zu",
			    peer_kinds[kind].name, body.len, peer_kinds[kind].min, peer_kinds[kind].max);
	return write_message(channel, kind, body);
}

enum status
peer_channel_output(struct peer_channel *channel, size_t max, struct buffer *output) {
	return pinned_tls_output(channel->tls, max, output);
}

size_t
peer_channel_waiting(const struct peer_channel *channel) {
	return pinned_tls_waiting(channel->tls);
}

void
peer_channel_finish(struct peer_channel *channel) {
	pinned_tls_finish(channel->tls);
}
