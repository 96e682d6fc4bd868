/*
 * Reader: keeper/peer_reader.c
 * What the other side of a channel says once TLS has decrypted it. The first byte says in pieces of how many bytes it comes, and with its
 * highest bit that a genuine proof stands before the rest. Properties: nothing comes out before a proof, and none behind it; what comes out
 * is, written again, what went in, whatever the pieces.
 */
#include "crypto/sign.h"
#include "keeper/peer_reader.h"
#include "tests/fuzz.h"

static const struct bytes statement = BYTES_OF_LITERAL("gatehouse/peer/v1, and what TLS agreed on");

/* The peer's key, and its proof as a message. */
struct proof {
	uint8_t key[32];
	uint8_t message[PEER_HEADER_SIZE + ED25519_SIGNATURE_SIZE];
};

static const struct proof *
genuine(void) {
	static struct proof proof = {.message = {0, 0, 0, ED25519_SIGNATURE_SIZE, PEER_PROOF}};
	static const uint8_t seed[32] = {9};
	static bool is_made;
	if (!is_made) {
		must(ed25519_public_key(seed, proof.key) == OK);
		must(ed25519_sign(seed, proof.key, statement, proof.message + PEER_HEADER_SIZE) == OK);
		is_made = true;
	}
	return &proof;
}

/* The messages that are whole by now, appended as they were. */
static enum status
read_all(struct peer_reader *reader, const uint8_t *key, struct buffer *again) {
	for (bool found = true; found;) {
		enum peer_kind kind = PEER_NONE;
		struct bytes body = {};
		bool was_authenticated = reader->is_authenticated;
		TRY(peer_reader_next(reader, &kind, &body, &found));
		if (!found)
			break;
		must(was_authenticated == (kind != PEER_PROOF));
		must(body.len >= peer_kinds[kind].min && body.len <= peer_kinds[kind].max);
		buffer_append_u32be(again, (uint32_t)body.len);
		buffer_append_byte(again, (uint8_t)kind);
		buffer_append_bytes(again, body);
		if (kind == PEER_PROOF)
			TRY(peer_reader_check_proof(reader, &(struct peer_signer){"the peer", key, statement}, body));
	}
	return OK;
}

/* In pieces of that many bytes, as a channel takes them. */
static enum status
read_pieces(struct bytes input, size_t piece, const uint8_t *key, struct buffer *again) {
	_cleanup_(peer_reader_free) struct peer_reader reader = {};
	enum status status = OK;
	for (size_t at = 0; at < input.len && status == OK; at += piece) {
		peer_reader_drop_read(&reader);
		buffer_append(&reader.plain, input.data + at, piece < input.len - at ? piece : input.len - at);
		status = read_all(&reader, key, again);
	}
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer input = {}, again = {}, whole = {};
	const struct proof *proof = genuine();
	if (size == 0)
		return 0;
	if (data[0] & 0x80)
		buffer_append_bytes(&input, BYTES_OF_ARRAY(proof->message));
	buffer_append(&input, data + 1, size - 1);
	enum status status = read_pieces(buffer_bytes(&input), 1 + (data[0] & 0x7f), proof->key, &again);
	must(status == OK || status == STATUS_INVALID || status == STATUS_UNAUTHORIZED);
	must(read_pieces(buffer_bytes(&input), input.len, proof->key, &whole) == status);
	must(bytes_equal(buffer_bytes(&again), buffer_bytes(&whole)));
	must(again.len <= input.len && bytes_equal(buffer_bytes(&again), bytes_of(input.data, again.len)));
	return 0;
}
