/*
 * Builds unsigned PSBTs: coins that our keys own, with the transactions that made them, and outputs of which some are change.
 * What comes out is what a wallet hands to the gate. It is given public keys only.
 *
 * Owner: everything is built in the arena. Threads: pure functions. Errors: those of scripts, transactions and maps; STATUS_INVALID
 * "psbt_builder.index" for a coin that its transaction does not have. Source: BIP-174, BIP-371.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_PSBT_BUILDER_H
#define GATEHOUSE_WALLET_BITCOIN_PSBT_BUILDER_H

#include "wallet/bitcoin/psbt.h"
#include "wallet/bitcoin/script.h"

/* A coin to spend: P2PKH, P2SH_P2WPKH, P2WPKH or P2TR. */
struct psbt_coin {
	const struct bitcoin_transaction *previous; /* that made it */
	uint32_t index;                             /* the output of it */
	enum bitcoin_template template;
	uint8_t public_key[33];
	struct signing_path path; /* from the master key: m/84'/0'/0'/0/5 */
	bool without_derivation;  /* a key that stands alone: no path is written */
	bool without_previous;    /* P2TR only: the witness UTXO alone */
	struct bytes merkle_root; /* P2TR: of a script tree below the key; 0 or 32 bytes */
	bool has_hash_type;       /* asks for hash type ALL by name */
};

struct psbt_payment {
	uint64_t sats;
	struct bytes script; /* where it pays to others */
	/* With is_change: pays to this key, and says so. */
	bool is_change;
	enum bitcoin_template template;
	uint8_t public_key[33];
	struct signing_path path;
};

struct psbt_plan {
	uint8_t fingerprint[4]; /* of the master key */
	const struct psbt_coin *coins;
	size_t coin_count;
	const struct psbt_payment *payments;
	size_t payment_count;
	uint32_t sequence; /* of every input; 0xfffffffd: replaceable */
	uint32_t lock_time;
};

enum status psbt_build(struct arena *arena, const struct psbt_plan *plan, struct bytes *psbt);

#endif
