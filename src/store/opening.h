/*
 * Personal values: commitments that stand in leaves, and their openings, sealed beside the record (design §5).
 *
 *   commitment = SHA-256("gatehouse/commitment/v1" ‖ 0x00 ‖ salt ‖ length of name, 16 bits ‖ name ‖ value)
 *
 * An opening lists name, salt and value of each committed field of one entry about one subject. It is sealed with
 * AES-256-GCM under that subject's key (store/secrets.h) and written into the frame beside the entry. Erasing a subject
 * destroys the key: leaves, proofs and roots stay as they are.
 *
 * Owner: fields read from an opening live in the arena. Errors: "opening.*"; STATUS_UNAUTHORIZED "aead.open" under a
 * wrong key. Source: design §5.
 */
#ifndef GATEHOUSE_STORE_OPENING_H
#define GATEHOUSE_STORE_OPENING_H

#include "base/arena.h"
#include "crypto/hash.h"

constexpr size_t OPENING_SALT_SIZE = 32;
constexpr size_t OPENING_FIELDS_MAX = 64;
constexpr size_t OPENING_SUBJECT_MAX = 128;
constexpr size_t OPENING_SIZE_MAX = 32 * 1024; /* sealed */

struct opening_field {
	struct bytes name; /* "source_address" */
	uint8_t salt[OPENING_SALT_SIZE];
	struct bytes value;
};

/* A field with a fresh salt. */
struct opening_field opening_field_of(struct bytes name, struct bytes value);
struct hash256 opening_commit(const struct opening_field *field);

/* Appended: version, subject (its pseudonym, clear), sealed fields. */
enum status opening_seal(const uint8_t subject_key[32], struct bytes subject, const struct opening_field *fields,
			 size_t count, struct buffer *sealed);
/* Whose key opens it. */
enum status opening_subject(struct bytes sealed, struct bytes *subject);
enum status opening_open(const uint8_t subject_key[32], struct bytes sealed, struct arena *arena,
			 struct opening_field **fields, size_t *count);

#endif
