/*
 * What a transaction format gives to wallet.c: one row of functions. Adding a format is adding a folder and a row.
 */
#ifndef GATEHOUSE_WALLET_FORMAT_H
#define GATEHOUSE_WALLET_FORMAT_H

#include "wallet/wallet.h"

struct wallet_operations {
	const char *name;
	/* Fills *transaction, whose operations, format, arena, payload and context are set. */
	enum status (*decode)(struct wallet_transaction *transaction);
	/* The parties beyond sender and destinations: at most as many as this says, and what they are. */
	size_t (*parties_max)(const struct wallet_transaction *transaction);
	enum status (*add_parties)(const struct wallet_transaction *transaction, struct arena *arena,
				   struct wallet_party *parties, size_t *count);
	/* The facts beyond those that wallet.c states for every format. */
	void (*add_facts)(const struct wallet_transaction *transaction, struct facts *facts);
	/* The members of the view's "details", in ascending order of keys. */
	void (*write_details)(const struct wallet_transaction *transaction, struct json_writer *writer);
	/* Lines after those that wallet.c writes. */
	void (*explain_details)(const struct wallet_transaction *transaction, struct buffer *text);
	/* From here on null where a format is only read. */
	enum status (*assemble)(struct arena *arena, const struct wallet_transaction *transaction,
				const struct signature *signatures, struct wallet_result *result);
	/* The same with the signatures of a signed transaction, once they are verified. */
	enum status (*assemble_signed)(struct arena *arena, const struct wallet_transaction *transaction,
				       struct bytes signed_transaction, struct wallet_result *result);
	/* The one way in which facts write this address of chain; STATUS_INVALID if it is none. */
	enum status (*normalise_address)(struct arena *arena, struct bytes chain, struct bytes text,
					 struct bytes *address);
	const char *chain_prefix;     /* of the chains that it handles: "eip155:" */
	enum key_algorithm algorithm; /* of the keys that sign on them */
	enum status (*check_chain)(struct bytes chain);
};

/* The chain that the transaction must be for; empty: none is asked for. */
static inline struct bytes
wallet_chain_wanted(const struct wallet_context *context) {
	bool is_bound = context->key != nullptr && context->key->chain.len > 0;
	return is_bound ? context->key->chain : context->chain;
}

extern const struct wallet_operations wallet_evm_operations, wallet_bitcoin_operations, wallet_solana_operations,
	wallet_bitcoin_network_operations;

/* For decoders, once transaction->chain is set: a movement of amount, with its asset looked up and its value computed. contract
 * is empty for the native asset. */
enum status wallet_movement_fill(const struct wallet_transaction *transaction, enum wallet_part part,
				 struct bytes destination, struct bytes contract, const struct amount *amount,
				 struct wallet_movement *movement);

/* For decoders without a key: what was just said by fail() is why the gate would not sign this. The first reason stays. */
enum status wallet_note_refusal(struct wallet_transaction *transaction);

#endif
