#include "ledger/head.h"

#include "ledger/cosignature.h"

enum status
head_keys_make(struct bytes origin, const uint8_t ed25519[32], const uint8_t mldsa44[1312], struct head_keys *keys) {
	TRY(note_key_make(origin, NOTE_ED25519, bytes_of(ed25519, ED25519_PUBLIC_SIZE), &keys->ed25519));
	return note_key_make(origin, NOTE_COSIGNATURE_MLDSA44, bytes_of(mldsa44, MLDSA44_PUBLIC_SIZE), &keys->mldsa44);
}

void
head_keys_free(struct head_keys *keys) {
	note_key_free(&keys->ed25519);
	note_key_free(&keys->mldsa44);
}

struct bytes
head_keys_origin(const struct head_keys *keys) {
	return note_key_name(&keys->ed25519);
}

/* The checkpoint's text: at most an origin, 19 digits, 44 characters and three line feeds. */
struct head_text {
	uint8_t bytes[NOTE_NAME_MAX + 19 + 44 + 3 + 1];
	size_t len;
};

static void
write_text(struct bytes origin, const struct head *head, struct head_text *text) {
	char digits[20];
	size_t at = sizeof digits;
	uint64_t left = head->size;
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	uint8_t *to = text->bytes;
	to = mempcpy(to, origin.data, origin.len);
	*to++ = '\n';
	to = mempcpy(to, digits + at, sizeof digits - at);
	*to++ = '\n';
	base64_encode(hash256_bytes(&head->root), (char *)to);
	to += BASE64_LENGTH(sizeof head->root);
	*to++ = '\n';
	text->len = (size_t)(to - text->bytes);
}

static struct bytes
subtree_message(struct bytes origin, const struct head *head, uint64_t time_s,
		uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX]) {
	size_t len = cosignature_subtree_message(origin, time_s, origin, head->size, &head->root, message);
	return bytes_of(message, len);
}

static enum status
verify_ed25519(const struct note_key *key, const struct head *head, const struct head_signatures *signatures) {
	struct head_text text;
	write_text(note_key_name(key), head, &text);
	if (ed25519_verify(key->public_key, bytes_of(text.bytes, text.len), signatures->ed25519) != OK)
		return fail(STATUS_UNAUTHORIZED, "head.ed25519: the signature does not fit the head of %llu leaves",
			    (unsigned long long)head->size);
	return OK;
}

static enum status
verify_mldsa44(const struct note_key *key, const struct head *head, const struct head_signatures *signatures) {
	uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	uint64_t time_s = signatures->mldsa44_time_s;
	if (time_s == 0 || time_s > INT64_MAX)
		return fail(STATUS_UNAUTHORIZED, "head.mldsa44: a head carries a time");
	struct bytes subtree = subtree_message(note_key_name(key), head, time_s, message);
	if (mldsa44_verify(key->mldsa44, subtree, signatures->mldsa44) != OK)
		return fail(STATUS_UNAUTHORIZED, "head.mldsa44: the signature does not fit the head of %llu leaves",
			    (unsigned long long)head->size);
	return OK;
}

enum status
head_sign_ed25519(const struct head_signer *signer, const struct head *head, struct head_signatures *signatures) {
	struct head_text text;
	if (head->size > INT64_MAX)
		return fail(STATUS_INVALID, "head.range: size must be below 2^63");
	write_text(head_keys_origin(signer->keys), head, &text);
	TRY(ed25519_sign(signer->ed25519_seed, signer->keys->ed25519.public_key, bytes_of(text.bytes, text.len),
			 signatures->ed25519));
	return verify_ed25519(&signer->keys->ed25519, head, signatures);
}

enum status
head_sign_mldsa44(const struct head_signer *signer, const struct head *head, uint64_t time_s,
		  struct head_signatures *signatures) {
	uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	if (head->size > INT64_MAX || time_s == 0 || time_s > INT64_MAX)
		return fail(STATUS_INVALID, "head.range: size and time must be below 2^63, and the time not 0");
	signatures->mldsa44_time_s = time_s;
	TRY(mldsa44_sign(signer->mldsa44, subtree_message(head_keys_origin(signer->keys), head, time_s, message),
			 signatures->mldsa44));
	return verify_mldsa44(&signer->keys->mldsa44, head, signatures);
}

enum status
head_sign(const struct head_signer *signer, const struct head *head, uint64_t time_s,
	  struct head_signatures *signatures) {
	TRY(head_sign_mldsa44(signer, head, time_s, signatures));
	return head_sign_ed25519(signer, head, signatures);
}

enum status
head_verify_by(const struct note_key *key, const struct head *head, const struct head_signatures *signatures) {
	switch (key->type) {
	case NOTE_ED25519:
		return verify_ed25519(key, head, signatures);
	case NOTE_COSIGNATURE_MLDSA44:
		return verify_mldsa44(key, head, signatures);
	default:
		return fail(STATUS_UNAUTHORIZED, "head.key: a log does not sign by type 0x%02x", (unsigned)key->type);
	}
}

enum status
head_verify(const struct head_keys *keys, const struct head *head, const struct head_signatures *signatures) {
	TRY(head_verify_by(&keys->ed25519, head, signatures));
	return head_verify_by(&keys->mldsa44, head, signatures);
}

void
head_signatures_store(const struct head_signatures *signatures, uint8_t *to) {
	to = mempcpy(to, signatures->ed25519, sizeof signatures->ed25519);
	store_u64be(to, signatures->mldsa44_time_s);
	memcpy(to + 8, signatures->mldsa44, sizeof signatures->mldsa44);
}

enum status
head_signatures_load(struct bytes stored, struct head_signatures *signatures) {
	if (stored.len != HEAD_SIGNATURES_SIZE)
		return fail(STATUS_INVALID, "head.signatures: %zu bytes, expected %zu", stored.len,
			    HEAD_SIGNATURES_SIZE);
	const uint8_t *from = stored.data;
	memcpy(signatures->ed25519, from, sizeof signatures->ed25519);
	from += sizeof signatures->ed25519;
	signatures->mldsa44_time_s = load_u64be(from);
	memcpy(signatures->mldsa44, from + 8, sizeof signatures->mldsa44);
	return OK;
}

void
head_format(struct buffer *to, const struct head_keys *keys, const struct head *head,
	    const struct head_signatures *signatures) {
	checkpoint_format(to, head_keys_origin(keys), head->size, &head->root);
	buffer_append_byte(to, '\n');
	note_append_signature(to, &keys->ed25519, BYTES_OF_ARRAY(signatures->ed25519));
	note_append_timestamped(to, &keys->mldsa44, signatures->mldsa44_time_s, BYTES_OF_ARRAY(signatures->mldsa44));
}
