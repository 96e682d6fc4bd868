#include "ledger/cosignature.h"

static const struct bytes SUBTREE_LABEL = BYTES_OF_LITERAL("subtree/v1\n\0");

struct writer {
	uint8_t *to;
	size_t len;
};

static void
put(struct writer *writer, const void *data, size_t len) {
	memcpy(writer->to + writer->len, data, len);
	writer->len += len;
}

static void
put_u64(struct writer *writer, uint64_t number) {
	uint8_t bytes[8];
	store_u64be(bytes, number);
	put(writer, bytes, sizeof bytes);
}

/* opaque name<1..2^8-1> */
static void
put_name(struct writer *writer, struct bytes name) {
	put(writer, &(uint8_t){(uint8_t)name.len}, 1);
	put(writer, name.data, name.len);
}

size_t
cosignature_subtree_message(struct bytes cosigner, uint64_t time_s, struct bytes origin, uint64_t size,
			    const struct hash256 *root, uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX]) {
	struct writer writer = {message, 0};
	put(&writer, SUBTREE_LABEL.data, SUBTREE_LABEL.len);
	put_name(&writer, cosigner);
	put_u64(&writer, time_s);
	put_name(&writer, origin);
	put_u64(&writer, 0);
	put_u64(&writer, size);
	put(&writer, root, sizeof *root);
	return writer.len;
}

void
cosignature_v1_message(struct buffer *to, uint64_t time_s, struct bytes text) {
	buffer_append_text(to, "cosignature/v1\ntime ");
	buffer_append_decimal(to, time_s);
	buffer_append_byte(to, '\n');
	buffer_append_bytes(to, text);
}

static enum status
verify_ed25519(const struct note *note, const struct note_key *key, uint64_t time_s, const uint8_t *signature) {
	_cleanup_(buffer_free) struct buffer message = {};
	cosignature_v1_message(&message, time_s, note->text);
	TRY(buffer_status(&message));
	return ed25519_verify(key->public_key, buffer_bytes(&message), signature);
}

static enum status
verify_mldsa44(const struct checkpoint *checkpoint, const struct note_key *key, uint64_t time_s,
	       const uint8_t *signature) {
	if (checkpoint->origin.len > NOTE_NAME_MAX)
		return fail(STATUS_UNAUTHORIZED, "cosignature.origin: %zu bytes, type 0x06 signs at most %zu",
			    checkpoint->origin.len, NOTE_NAME_MAX);
	uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	size_t len = cosignature_subtree_message(note_key_name(key), time_s, checkpoint->origin, checkpoint->size,
						 &checkpoint->root, message);
	return mldsa44_verify(key->mldsa44, bytes_of(message, len), signature);
}

enum status
cosignature_verify(const struct note *note, const struct checkpoint *checkpoint, const struct note_key *key,
		   uint64_t *time_s) {
	const struct note_signature *found;
	TRY(note_find_signature(note, key, &found));
	size_t expected = key->type == NOTE_COSIGNATURE_MLDSA44   ? MLDSA44_SIGNATURE_SIZE
			  : key->type == NOTE_COSIGNATURE_ED25519 ? ED25519_SIGNATURE_SIZE
								  : 0;
	if (expected == 0 || found->signature.len != NOTE_TIMESTAMP_SIZE + expected)
		return fail(STATUS_UNAUTHORIZED, "cosignature.length: %zu bytes by %s, a key of type 0x%02x",
			    found->signature.len, key->name, (unsigned)key->type);
	*time_s = load_u64be(found->signature.data);
	if (*time_s > INT64_MAX)
		return fail(STATUS_UNAUTHORIZED, "cosignature.time: beyond 2^63 by %s", key->name);
	const uint8_t *signature = found->signature.data + NOTE_TIMESTAMP_SIZE;
	return key->type == NOTE_COSIGNATURE_ED25519 ? verify_ed25519(note, key, *time_s, signature)
						     : verify_mldsa44(checkpoint, key, *time_s, signature);
}

enum status
cosigner_sign(const struct cosigner *cosigner, struct bytes text, const struct checkpoint *checkpoint, uint64_t time_s,
	      struct buffer *lines) {
	if (time_s == 0 || time_s > INT64_MAX || checkpoint->origin.len > NOTE_NAME_MAX)
		return fail(STATUS_INVALID, "cosignature.range: the time or the origin cannot be signed");
	uint8_t ed25519[ED25519_SIGNATURE_SIZE], mldsa44[MLDSA44_SIGNATURE_SIZE];
	_cleanup_(buffer_free) struct buffer v1 = {};
	cosignature_v1_message(&v1, time_s, text);
	TRY(buffer_status(&v1));
	TRY(ed25519_sign(cosigner->ed25519_seed, cosigner->ed25519.public_key, buffer_bytes(&v1), ed25519));
	TRY(ed25519_verify(cosigner->ed25519.public_key, buffer_bytes(&v1), ed25519));
	uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	struct bytes subtree = bytes_of(message, cosignature_subtree_message(note_key_name(&cosigner->mldsa44), time_s,
									     checkpoint->origin, checkpoint->size,
									     &checkpoint->root, message));
	TRY(mldsa44_sign(cosigner->mldsa44_private, subtree, mldsa44));
	TRY(mldsa44_verify(cosigner->mldsa44.mldsa44, subtree, mldsa44));
	note_append_timestamped(lines, &cosigner->ed25519, time_s, BYTES_OF_ARRAY(ed25519));
	note_append_timestamped(lines, &cosigner->mldsa44, time_s, BYTES_OF_ARRAY(mldsa44));
	return buffer_status(lines);
}
