/*
 * base64url without padding (RFC 4648 §5), as WebAuthn and JOSE write it. Decoding is strict: no padding, no white space,
 * canonical bits, so that equal bytes have one text.
 */
#ifndef GATEHOUSE_BASE_BASE64URL_H
#define GATEHOUSE_BASE_BASE64URL_H

#include "base/bytes.h"

#define BASE64URL_LENGTH(len) ((len) / 3 * 4 + ((len) % 3 * 4 + 2) / 3)
#define BASE64URL_DECODED_MAX(len) ((len) / 4 * 3 + 2)

/* Writes BASE64URL_LENGTH(bytes.len) characters and a NUL. */
void base64url_encode(struct bytes bytes, char *text);
/* Errors: base64url.length, .size, .digit, .bits. */
enum status base64url_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len);

#endif
