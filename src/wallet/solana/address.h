/*
 * Solana addresses: 32 bytes in base58, an Ed25519 key or an address that a program derives; and the programs that are known.
 *
 * Sources: Solana documentation, "Accounts", "Program derived addresses"; SPL Associated Token Account program. An address is the
 * same text on every cluster.
 */
#ifndef GATEHOUSE_WALLET_SOLANA_ADDRESS_H
#define GATEHOUSE_WALLET_SOLANA_ADDRESS_H

#include "base/arena.h"

struct solana_address {
	uint8_t bytes[32];
};

constexpr size_t SOLANA_ADDRESS_TEXT_SIZE = 45; /* at most 44 digits, NUL */

enum solana_program {
	SOLANA_SYSTEM,
	SOLANA_TOKEN,
	SOLANA_ASSOCIATED_TOKEN,
	SOLANA_COMPUTE_BUDGET,
	SOLANA_MEMO,
	SOLANA_PROGRAM_COUNT,
	SOLANA_PROGRAM_UNKNOWN = SOLANA_PROGRAM_COUNT,
};

static inline bool
solana_address_equal(const struct solana_address *a, const struct solana_address *b) {
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void solana_address_format(const struct solana_address *address, char text[static 45]);
/* The same in the arena; data is null when out of memory. */
struct bytes solana_address_text(struct arena *arena, const struct solana_address *address);
/* Errors: solana.address.form, solana.address.length. */
enum status solana_address_parse(struct bytes text, struct solana_address *address);

/* SOLANA_PROGRAM_UNKNOWN where it is none of them. The memo program has two addresses. */
enum solana_program solana_program_of(const struct solana_address *address);
const char *solana_program_name(enum solana_program program); /* "system", "token", ... */
const struct solana_address *solana_program_address(enum solana_program program);

/* The token account of owner for mint that the associated token account program derives, below the token program: the first
 * of the addresses for bump 255, 254, ... that is no point of the curve. False where there is none (it never happened). */
bool solana_associated_account(const struct solana_address *owner, const struct solana_address *mint,
			       struct solana_address *account);

#endif
