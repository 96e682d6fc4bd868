#include "ledger/note.h"

#include <stdio.h>

#include "base/cursor.h"

static const struct bytes SIGNATURE_START = BYTES_OF_LITERAL("\u2014 ");

constexpr size_t KEY_ID_SIZE = 4;

/* The code points that Unicode calls White_Space and UTF-8 writes in more than one byte. */
static bool
is_wide_space(const uint8_t *text, size_t length) {
	static const char *const spaces[] = {
		"\xc2\x85", "\xc2\xa0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
		"\u2007",   "\u2008",   "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(spaces); i++)
		if (bytes_equal_text(bytes_of(text, length), spaces[i]))
			return true;
	return false;
}

enum status
note_check_name(struct bytes name) {
	if (name.len == 0 || name.len > NOTE_NAME_MAX)
		return fail(STATUS_INVALID, "note.name: %zu bytes, expected 1 to %zu", name.len, NOTE_NAME_MAX);
	for (size_t at = 0; at < name.len;) {
		const uint8_t *character = name.data + at;
		size_t length = utf8_length(character, name.len - at);
		if (length == 0)
			return fail(STATUS_INVALID, "note.name: invalid UTF-8 at offset %zu", at);
		if (*character <= ' ' || *character == '+' || *character == 0x7f ||
		    (length > 1 && is_wide_space(character, length)))
			return fail(STATUS_INVALID, "note.name: a space, control character or '+' at offset %zu", at);
		at += length;
	}
	return OK;
}

static enum status
check_characters(struct bytes input) {
	for (size_t at = 0; at < input.len;) {
		size_t length = utf8_length(input.data + at, input.len - at);
		if (length == 0)
			return fail(STATUS_INVALID, "note.utf8: invalid UTF-8 at offset %zu", at);
		if (input.data[at] < 0x20 && input.data[at] != '\n')
			return fail(STATUS_INVALID, "note.control: character 0x%02x at offset %zu", input.data[at], at);
		at += length;
	}
	return OK;
}

static enum status
parse_signature(struct arena *arena, struct bytes line, struct note_signature *signature) {
	struct cursor cursor = cursor_of(line);
	struct bytes start;
	TRY(cursor_take(&cursor, "note.signature_line", SIGNATURE_START.len, &start));
	if (!bytes_equal(start, SIGNATURE_START))
		return fail(STATUS_INVALID, "note.signature_line: does not begin with an em dash and a space");
	TRY(cursor_until(&cursor, "note.signature_line", ' ', &signature->name));
	TRY(note_check_name(signature->name));
	uint8_t *decoded = arena_alloc(arena, cursor.left / 4 * 3);
	TRY_ALLOC(decoded);
	size_t len;
	if (base64_decode(bytes_of(cursor.at, cursor.left), decoded, cursor.left / 4 * 3, &len) != OK ||
	    len <= KEY_ID_SIZE)
		return fail(STATUS_INVALID, "note.signature_line: %.*s: expected base64 of more than %zu bytes",
			    BYTES_ARGS(signature->name), KEY_ID_SIZE);
	signature->key_id = load_u32be(decoded);
	signature->signature = bytes_of(decoded + KEY_ID_SIZE, len - KEY_ID_SIZE);
	return OK;
}

/* The text and what follows the last blank line. */
static enum status
split(struct bytes input, struct bytes *text, struct cursor *signatures) {
	for (size_t at = input.len; at >= 2; at--) {
		if (input.data[at - 1] != '\n' || input.data[at - 2] != '\n')
			continue;
		*text = bytes_of(input.data, at - 1);
		*signatures = cursor_of(bytes_of(input.data + at, input.len - at));
		if (signatures->left == 0)
			break;
		return OK;
	}
	return fail(STATUS_INVALID, "note.separator: no blank line with signatures after it");
}

enum status
note_parse(struct arena *arena, struct bytes input, struct note *note) {
	if (input.len > NOTE_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "note.size: %zu bytes, at most %zu", input.len, NOTE_SIZE_MAX);
	TRY(check_characters(input));
	struct cursor signatures;
	TRY(split(input, &note->text, &signatures));
	for (note->signature_count = 0; signatures.left > 0; note->signature_count++) {
		if (note->signature_count == NOTE_SIGNATURES_MAX)
			return fail(STATUS_TOO_LARGE, "note.signature_count: more than %zu", NOTE_SIGNATURES_MAX);
		struct bytes line;
		TRY(cursor_until(&signatures, "note.signature_line", '\n', &line));
		TRY(parse_signature(arena, line, &note->signatures[note->signature_count]));
	}
	return OK;
}

uint32_t
note_key_id(struct bytes name, uint8_t type, struct bytes public_key) {
	struct hash256 hash = SHA256_PARTS(name, BYTES_OF_LITERAL("\n"), bytes_of(&type, 1), public_key);
	return load_u32be(hash.bytes);
}

static enum status
check_type(uint8_t type, size_t public_key_len) {
	size_t expected;
	switch (type) {
	case NOTE_ED25519:
	case NOTE_COSIGNATURE_ED25519:
		expected = ED25519_PUBLIC_SIZE;
		break;
	case NOTE_COSIGNATURE_MLDSA44:
		expected = MLDSA44_PUBLIC_SIZE;
		break;
	default:
		return fail(STATUS_UNSUPPORTED, "vkey.type: 0x%02x, expected 0x01, 0x04 or 0x06", type);
	}
	if (public_key_len != expected)
		return fail(STATUS_INVALID, "vkey.length: %zu bytes in a key of type 0x%02x, expected %zu",
			    public_key_len, type, expected);
	return OK;
}

enum status
note_key_make(struct bytes name, enum note_key_type type, struct bytes public_key, struct note_key *key) {
	TRY(note_check_name(name));
	TRY(check_type((uint8_t)type, public_key.len));
	*key = (struct note_key){
		.type = type,
		.id = note_key_id(name, (uint8_t)type, public_key),
		.public_key_len = public_key.len,
	};
	memcpy(key->name, name.data, name.len);
	memcpy(key->public_key, public_key.data, public_key.len);
	return type == NOTE_COSIGNATURE_MLDSA44 ? mldsa44_public_create(&key->mldsa44, key->public_key) : OK;
}

enum status
note_key_parse(struct bytes vkey, struct note_key *key) {
	struct cursor cursor = cursor_of(vkey);
	struct bytes name, id_text;
	TRY(cursor_until(&cursor, "vkey.syntax", '+', &name));
	TRY(cursor_until(&cursor, "vkey.syntax", '+', &id_text));
	uint8_t id[KEY_ID_SIZE], typed_key[1 + MLDSA44_PUBLIC_SIZE];
	size_t len;
	if (hex_decode(id_text, id, sizeof id) != OK)
		return fail(STATUS_INVALID, "vkey.syntax: the key id is not 8 hexadecimal digits");
	if (base64_decode(bytes_of(cursor.at, cursor.left), typed_key, sizeof typed_key, &len) != OK || len < 2)
		return fail(STATUS_INVALID, "vkey.syntax: the key is not base64 of 2 to %zu bytes", sizeof typed_key);
	TRY(check_type(typed_key[0], len - 1));
	struct bytes public_key = bytes_of(typed_key + 1, len - 1);
	uint32_t expected = note_key_id(name, typed_key[0], public_key);
	if (load_u32be(id) != expected)
		return fail(STATUS_INVALID, "vkey.id: %08x, expected %08x by name and key", load_u32be(id), expected);
	return note_key_make(name, (enum note_key_type)typed_key[0], public_key, key);
}

void
note_key_format(const struct note_key *key, struct buffer *to) {
	uint8_t typed_key[1 + MLDSA44_PUBLIC_SIZE];
	typed_key[0] = (uint8_t)key->type;
	memcpy(typed_key + 1, key->public_key, key->public_key_len);
	buffer_append_format(to, "%s+%08x+", key->name, key->id);
	buffer_append_base64(to, bytes_of(typed_key, 1 + key->public_key_len));
}

void
note_key_free(struct note_key *key) {
	mldsa44_public_destroy(&key->mldsa44);
}

enum status
note_find_signature(const struct note *note, const struct note_key *key, const struct note_signature **signature) {
	*signature = nullptr;
	for (size_t i = 0; i < note->signature_count; i++) {
		const struct note_signature *candidate = &note->signatures[i];
		if (candidate->key_id != key->id || !bytes_equal(candidate->name, note_key_name(key)))
			continue;
		if (*signature != nullptr)
			return fail(STATUS_INVALID, "note.duplicate: %s signed more than once", key->name);
		*signature = candidate;
	}
	return *signature != nullptr
		       ? OK
		       : fail(STATUS_NOT_FOUND, "note.unsigned: no signature by %s+%08x", key->name, key->id);
}

enum status
note_verify_ed25519(const struct note *note, const struct note_key *key) {
	const struct note_signature *signature;
	TRY(note_find_signature(note, key, &signature));
	if (key->type != NOTE_ED25519 || signature->signature.len != ED25519_SIGNATURE_SIZE)
		return fail(STATUS_UNAUTHORIZED, "signature.length: %zu bytes by %s, expected an Ed25519 signature",
			    signature->signature.len, key->name);
	return ed25519_verify(key->public_key, note->text, signature->signature.data);
}

static void
append_line(struct buffer *to, const struct note_key *key, const uint8_t *blob, size_t len) {
	buffer_append_bytes(to, SIGNATURE_START);
	buffer_append_text(to, key->name);
	buffer_append_byte(to, ' ');
	buffer_append_base64(to, bytes_of(blob, len));
	buffer_append_byte(to, '\n');
}

void
note_append_signature(struct buffer *to, const struct note_key *key, struct bytes signature) {
	uint8_t blob[KEY_ID_SIZE + NOTE_SIGNATURE_MAX];
	if (signature.len > NOTE_SIGNATURE_MAX) {
		to->failed = true;
		return;
	}
	store_u32be(blob, key->id);
	memcpy(blob + KEY_ID_SIZE, signature.data, signature.len);
	append_line(to, key, blob, KEY_ID_SIZE + signature.len);
}

void
note_append_timestamped(struct buffer *to, const struct note_key *key, uint64_t time_s, struct bytes signature) {
	uint8_t timed[NOTE_SIGNATURE_MAX];
	if (signature.len > MLDSA44_SIGNATURE_SIZE) {
		to->failed = true;
		return;
	}
	store_u64be(timed, time_s);
	memcpy(timed + NOTE_TIMESTAMP_SIZE, signature.data, signature.len);
	note_append_signature(to, key, bytes_of(timed, NOTE_TIMESTAMP_SIZE + signature.len));
}
