/*
 * What a Bitcoin signature signs: the digest of a transaction for one of its inputs. Every output and every input is
 * always covered: SIGHASH_ALL, and for Taproot DEFAULT, which means the same.
 *
 * The parts that are common to all inputs are hashed once in bitcoin_sighash_start(). Owner: the sighash borrows the
 * transaction and the spent outputs. Errors: STATUS_NO_MEMORY; bitcoin.sighash (STATUS_INTERNAL) for an input out of range.
 * Sources: Bitcoin's interpreter.cpp (original), BIP-143 (witness version 0), BIP-341 (Taproot, key path, no annex).
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_SIGHASH_H
#define GATEHOUSE_WALLET_BITCOIN_SIGHASH_H

#include "wallet/bitcoin/transaction.h"

enum bitcoin_hash_type { BITCOIN_SIGHASH_DEFAULT = 0, BITCOIN_SIGHASH_ALL = 1 };

struct bitcoin_sighash {
	const struct bitcoin_transaction *transaction;
	const struct bitcoin_output *spent; /* one per input */
	/* Single SHA-256 (BIP-341); hashed again where BIP-143 wants them doubled. */
	struct hash256 prevouts, sequences, outputs, amounts, scripts;
};

enum status bitcoin_sighash_start(const struct bitcoin_transaction *transaction, const struct bitcoin_output *spent,
				  struct bitcoin_sighash *sighash);

/* P2PKH: script_code is the spent output's script. */
enum status bitcoin_sighash_original(const struct bitcoin_sighash *sighash, size_t input, struct bytes script_code,
				     struct hash256 *digest);
/* P2WPKH, in P2SH or not: script_code is P2PKH's script of the key hash. */
enum status bitcoin_sighash_witness_v0(const struct bitcoin_sighash *sighash, size_t input, struct bytes script_code,
				       struct hash256 *digest);
enum status bitcoin_sighash_taproot(const struct bitcoin_sighash *sighash, size_t input, enum bitcoin_hash_type type,
				    struct hash256 *digest);

#endif
