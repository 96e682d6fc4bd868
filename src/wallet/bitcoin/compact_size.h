/*
 * Bitcoin's variable-length integer, which counts and measures everything in transactions and PSBTs: one byte below 0xfd,
 * else 0xfd, 0xfe or 0xff and two, four or eight bytes, least significant first.
 *
 * Only the shortest form is read, so that re-encoding gives the same bytes.
 * Errors: the field's name where bytes are missing; "bitcoin.compact_size" where a longer form than needed is used.
 * Source: Bitcoin's serialize.h (ReadCompactSize); BIP-174.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_COMPACT_SIZE_H
#define GATEHOUSE_WALLET_BITCOIN_COMPACT_SIZE_H

#include "base/cursor.h"

enum status bitcoin_read_compact_size(struct cursor *cursor, const char *field, uint64_t *number);
/* A length and that many bytes, borrowed. */
enum status bitcoin_read_sized(struct cursor *cursor, const char *field, struct bytes *bytes);
/* A count of things that take at least item_size bytes each: a count that what is left cannot hold is refused here, before
 * anyone allocates for it. */
enum status bitcoin_read_count(struct cursor *cursor, const char *field, size_t item_size, size_t *count);

void bitcoin_append_compact_size(struct buffer *to, uint64_t number);
void bitcoin_append_sized(struct buffer *to, struct bytes bytes);
/* Bytes that number takes: 1, 3, 5 or 9. */
size_t bitcoin_compact_size_length(uint64_t number);

#endif
