#include "keeper/peer_reader.h"

#include "base/cursor.h"
#include "crypto/sign.h"

void
peer_reader_free(struct peer_reader *reader) {
	buffer_free(&reader->plain);
}

void
peer_reader_drop_read(struct peer_reader *reader) {
	struct buffer *plain = &reader->plain;
	if (reader->consumed == 0)
		return;
	memmove(plain->data, plain->data + reader->consumed, plain->len - reader->consumed);
	plain->len -= reader->consumed;
	reader->consumed = 0;
}

/* The message at the front, if it is whole. */
static enum status
read_message(struct peer_reader *reader, enum peer_kind *kind, struct bytes *body, bool *found) {
	struct cursor cursor = {reader->plain.data + reader->consumed, reader->plain.len - reader->consumed};
	uint32_t len;
	uint8_t number;
	*found = false;
	if (cursor.left < PEER_HEADER_SIZE)
		return OK;
	TRY(cursor_u32be(&cursor, "peer_channel.header", &len));
	TRY(cursor_u8(&cursor, "peer_channel.header", &number));
	if (number == PEER_NONE || number >= PEER_KINDS)
		return fail(STATUS_INVALID, "peer_channel.kind: %u is no kind of message", number);
	if (len < peer_kinds[number].min || len > peer_kinds[number].max)
		return fail(STATUS_INVALID, "peer_channel.length: \"%s\" of %u bytes, expected %zu to %zu",
			    peer_kinds[number].name, len, peer_kinds[number].min, peer_kinds[number].max);
	if (cursor.left < len)
		return OK;
	*found = true;
	*kind = (enum peer_kind)number;
	TRY(cursor_take(&cursor, "peer_channel.body", len, body));
	reader->consumed = reader->plain.len - cursor.left;
	return OK;
}

enum status
peer_reader_next(struct peer_reader *reader, enum peer_kind *kind, struct bytes *body, bool *found) {
	TRY(read_message(reader, kind, body, found));
	if (*found && !reader->is_authenticated && *kind != PEER_PROOF)
		return fail(STATUS_INVALID, "peer_channel.order: \"%s\" before the proof", peer_kinds[*kind].name);
	if (*found && reader->is_authenticated && *kind == PEER_PROOF)
		return fail(STATUS_INVALID, "peer_channel.order: a second proof");
	return OK;
}

enum status
peer_reader_check_proof(struct peer_reader *reader, const struct peer_signer *signer, struct bytes body) {
	if (ed25519_verify(signer->key, signer->statement, body.data) != OK)
		return fail(STATUS_UNAUTHORIZED, "peer_channel.proof: not by the peer key of \"%s\" over this channel",
			    signer->name);
	reader->is_authenticated = true;
	return OK;
}
