/*
 * DER (X.690). Reading, as far as Android's key description needs it: one element after another, each checked against its bounds,
 * lengths minimal and definite. Writing: a signature. Errors: STATUS_INVALID der.truncated, .length, .tag, .integer.
 */
#ifndef GATEHOUSE_IDENTITY_DER_H
#define GATEHOUSE_IDENTITY_DER_H

#include "base/bytes.h"
#include "base/cursor.h"

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_ENUMERATED = 0x0a,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
/* A constructed element of class context-specific: [number]. */
#define DER_CONTEXT(number) (0xa0000000U | (number))

struct der_element {
	uint32_t tag; /* the identifier byte; DER_CONTEXT(n) for [n] */
	struct bytes content;
};

enum status der_read(struct cursor *cursor, struct der_element *element);
/* The next element, of that tag: der.tag. */
enum status der_read_tag(struct cursor *cursor, uint32_t tag, struct bytes *content);
/* An INTEGER or ENUMERATED of that tag between 0 and 2^31−1. */
enum status der_read_number(struct cursor *cursor, uint32_t tag, uint32_t *number);
/* r ‖ s of a curve of 256 bits, as WebAuthn and X.509 write it (RFC 3279 §2.2.3); appended. */
void der_append_signature(struct buffer *to, const uint8_t compact[static 64]);

#endif
