/*
 * The few forms of RFC 8941 structured fields that request signatures use, in their canonical serialisation only: no optional
 * white space, no escapes in strings, no signs or leading zeros. So what was read is also what was signed.
 *
 * Every reader advances the cursor or fails with STATUS_INVALID "<field>.syntax". Results borrow from the field's value.
 */
#ifndef GATEHOUSE_IDENTITY_STRUCTURED_FIELD_H
#define GATEHOUSE_IDENTITY_STRUCTURED_FIELD_H

#include "base/cursor.h"

/* Exactly this text, or nothing is taken. */
bool structured_field_take(struct cursor *cursor, const char *text);
enum status structured_field_expect(struct cursor *cursor, const char *field, const char *text);
/* A key (RFC 8941 §3.1.2): lower-case letters, digits, "_", "-", ".", "*", beginning with a letter or "*". */
enum status structured_field_key(struct cursor *cursor, const char *field, struct bytes *key);
/* A string (§3.3.3) of printable ASCII without '"' and '\'; without its quotes. */
enum status structured_field_string(struct cursor *cursor, const char *field, struct bytes *string);
/* An integer (§3.3.1) of 1 to 15 digits. */
enum status structured_field_integer(struct cursor *cursor, const char *field, int64_t *number);
/* A byte sequence (§3.3.5) of exactly len bytes. */
enum status structured_field_bytes(struct cursor *cursor, const char *field, uint8_t *to, size_t len);

#endif
