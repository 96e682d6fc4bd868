/*
 * Signed notes: a text, a blank line, signature lines "— <name> <base64(key id ‖ signature)>".
 *
 * Names are up to 255 bytes of UTF-8 without white space and '+'. A key id is the first four bytes of
 * SHA-256(name ‖ LF ‖ type ‖ public key). A verification key is written "name+<8 hex>+<base64(type ‖ public key)>".
 *
 * Owner: a parsed note borrows from its input, decoded signatures live in the arena; a note_key owns its expanded key and
 * is released by note_key_free(). Threads: keys may be shared once parsed.
 * Errors: STATUS_INVALID "note.*" and "vkey.*"; verification fails as the signature does ("signature.*").
 * Source: C2SP signed-note v1.0.0, tlog-cosignature v1.1.0-rc.1.
 */
#ifndef GATEHOUSE_LEDGER_NOTE_H
#define GATEHOUSE_LEDGER_NOTE_H

#include "base/arena.h"
#include "crypto/sign.h"

constexpr size_t NOTE_NAME_MAX = 255;
constexpr size_t NOTE_SIZE_MAX = 512 * 1024;
constexpr size_t NOTE_SIGNATURES_MAX = 64;
constexpr size_t NOTE_TIMESTAMP_SIZE = 8;
constexpr size_t NOTE_SIGNATURE_MAX = NOTE_TIMESTAMP_SIZE + MLDSA44_SIGNATURE_SIZE; /* of the types known here */

enum note_key_type {
	NOTE_ED25519 = 0x01,             /* over the note's text */
	NOTE_COSIGNATURE_ED25519 = 0x04, /* timestamped: ledger/cosignature.h */
	NOTE_COSIGNATURE_MLDSA44 = 0x06, /* timestamped (sub)tree cosignature: ledger/cosignature.h */
};

struct note_signature {
	struct bytes name;
	uint32_t key_id;
	struct bytes signature; /* without the key id */
};

struct note {
	struct bytes text; /* with its last line feed */
	size_t signature_count;
	struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/* note.size, note.utf8, note.control, note.separator, note.signature_line, note.name, note.signature_count. */
enum status note_parse(struct arena *arena, struct bytes input, struct note *note);
/* note.name */
enum status note_check_name(struct bytes name);

/* The public half of a key that signs notes; zero-initialised before it is parsed or made. */
struct note_key {
	enum note_key_type type;
	uint32_t id;
	char name[NOTE_NAME_MAX + 1];
	size_t public_key_len; /* 32, or 1312 for ML-DSA-44 */
	uint8_t public_key[MLDSA44_PUBLIC_SIZE];
	struct mldsa44_public *mldsa44; /* expanded; null for the other types */
};

/* vkey.syntax, vkey.id, vkey.type (STATUS_UNSUPPORTED), vkey.length. */
enum status note_key_parse(struct bytes vkey, struct note_key *key);
enum status note_key_make(struct bytes name, enum note_key_type type, struct bytes public_key, struct note_key *key);
void note_key_format(const struct note_key *key, struct buffer *to);
void note_key_free(struct note_key *key); /* a cleanup function */
uint32_t note_key_id(struct bytes name, uint8_t type, struct bytes public_key);

static inline struct bytes
note_key_name(const struct note_key *key) {
	return bytes_of_text(key->name);
}

/*
 * The one signature by this key: STATUS_NOT_FOUND "note.unsigned" if there is none, STATUS_INVALID "note.duplicate" if
 * there are several (which of them would count?). Nothing is verified.
 */
enum status note_find_signature(const struct note *note, const struct note_key *key,
				const struct note_signature **signature);
/* A signature of type 0x01 over the text. */
enum status note_verify_ed25519(const struct note *note, const struct note_key *key);

/* A signature line with its line feed: of a plain signature, and of one with a time before it. */
void note_append_signature(struct buffer *to, const struct note_key *key, struct bytes signature);
void note_append_timestamped(struct buffer *to, const struct note_key *key, uint64_t time_s, struct bytes signature);

#endif
