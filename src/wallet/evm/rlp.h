/*
 * Recursive Length Prefix: Ethereum's serialisation of byte strings and lists (Yellow Paper appendix B), canonical only.
 *
 * Each reader takes the next item of a cursor and names it in its error: "<field>.missing", ".truncated", ".list" (a list
 * where bytes belong), ".not_list", ".byte_form" (a single byte below 0x80 with a prefix), ".length_form" (a length that is
 * not the shortest), ".leading_zero", ".overflow", ".length". So each accepted text has one encoding, which the writer gives back.
 * Owner: results borrow from the cursor's bytes.
 */
#ifndef GATEHOUSE_WALLET_EVM_RLP_H
#define GATEHOUSE_WALLET_EVM_RLP_H

#include "base/cursor.h"
#include "model/amount.h"

enum status rlp_read_bytes(struct cursor *cursor, const char *field, struct bytes *bytes);
enum status rlp_read_fixed(struct cursor *cursor, const char *field, void *to, size_t len);
enum status rlp_read_list(struct cursor *cursor, const char *field, struct cursor *content);
/* Integers: big-endian without leading zeros; zero is the empty string. */
enum status rlp_read_amount(struct cursor *cursor, const char *field, struct amount *amount);
enum status rlp_read_u64(struct cursor *cursor, const char *field, uint64_t *number);
/* The number of items left, not looking into lists; STATUS_INVALID rlp.* if one is malformed. */
enum status rlp_count(struct cursor cursor, size_t *count);

/* Writes behind to, or only measures where to is null: a list's content is measured before its header is written. */
struct rlp_writer {
	struct buffer *to;
	size_t len;
};

void rlp_write_bytes(struct rlp_writer *writer, struct bytes bytes);
void rlp_write_amount(struct rlp_writer *writer, const struct amount *amount);
void rlp_write_u64(struct rlp_writer *writer, uint64_t number);
void rlp_write_list_header(struct rlp_writer *writer, size_t content_len);

#endif
