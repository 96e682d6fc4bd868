/*
 * Base58: the digits of Bitcoin addresses and extended keys, without their checksum (the caller adds the four bytes).
 *
 * Leading zero bytes are leading '1's, one each. Only short strings are meant: the cost grows with the square of the
 * length, so both directions have a limit. Not constant time. Source: Bitcoin's base58.h; RFC draft-msporny-base58.
 */
#ifndef GATEHOUSE_BASE_BASE58_H
#define GATEHOUSE_BASE_BASE58_H

#include "base/bytes.h"

constexpr size_t BASE58_BYTES_MAX = 128;
constexpr size_t BASE58_TEXT_SIZE = 176; /* ceil(128 × log 256 / log 58) and a NUL */

/* text holds BASE58_TEXT_SIZE; bytes.len <= BASE58_BYTES_MAX. */
enum status base58_encode(struct bytes bytes, char *text);
/* At most capacity bytes; *len receives their number. Errors: base58.length, base58.digit, base58.capacity. */
enum status base58_decode(struct bytes text, uint8_t *bytes, size_t capacity, size_t *len);

#endif
