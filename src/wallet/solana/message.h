/*
 * Solana transactions: compact array of signatures, then the message that they are over, legacy or version 0.
 *
 * The decoder accepts only what a validator takes for well-formed: shortest compact lengths, header within the accounts,
 * distinct accounts, every index within what is there, programs among the accounts that stand in the message, the fee payer no
 * program, at most 1,232 bytes. Encoding what was decoded gives the same bytes.
 *
 * Owner: a decoded message borrows from the input and the arena.
 * Errors: "solana.<field>.<what>", STATUS_INVALID; "solana.version" is STATUS_UNSUPPORTED.
 * Source: Solana documentation, "Transactions", "Versioned transactions"; the checks are those of its message sanitising.
 */
#ifndef GATEHOUSE_WALLET_SOLANA_MESSAGE_H
#define GATEHOUSE_WALLET_SOLANA_MESSAGE_H

#include "wallet/solana/address.h"

constexpr size_t SOLANA_TRANSACTION_MAX = 1232; /* bytes: what fits an IPv6 packet */
constexpr size_t SOLANA_SIGNATURE_SIZE = 64;

struct solana_instruction {
	uint8_t program;         /* index of its account */
	const uint8_t *accounts; /* indices */
	size_t account_count;
	struct bytes data;
};

struct solana_lookup { /* version 0: more accounts, by their place in a table on the chain, which the message does not hold */
	struct solana_address table;
	struct bytes writable, readonly; /* places */
};

struct solana_message {
	bool is_versioned; /* version 0; else legacy */
	uint8_t signers;   /* how many of the accounts must sign: the first ones. The very first pays the fee. */
	uint8_t readonly_signers, readonly_others;
	const struct solana_address *accounts; /* those that stand in the message */
	size_t account_count;
	size_t looked_up_count; /* accounts beyond, that lookups give */
	struct solana_address recent_blockhash;
	const struct solana_instruction *instructions;
	size_t instruction_count;
	const struct solana_lookup *lookups;
	size_t lookup_count;
};

struct solana_transaction {
	struct solana_message message;
	struct bytes message_bytes;      /* what is signed */
	const uint8_t (*signatures)[64]; /* one for each signer; all zero: not there */
};

enum status solana_decode_transaction(struct arena *arena, struct bytes bytes, struct solana_transaction *transaction);
bool solana_has_signature(const struct solana_transaction *transaction, size_t signer);

/* Behind to. The encoding of a whole transaction is signatures, counted, and then the message. */
void solana_encode_message(const struct solana_message *message, struct buffer *to);
void solana_encode_transaction(const struct solana_transaction *transaction, struct buffer *to);

/* Whether the bytes have the outline of a transaction of Solana: a number of signatures that fit, and the header after them that
 * asks for as many. For telling formats apart. */
bool solana_is_transaction(struct bytes bytes);

#endif
