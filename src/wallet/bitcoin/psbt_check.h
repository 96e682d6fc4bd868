/*
 * The checks that a signer makes on a PSBT's inputs before any key is involved (BIP-174, "Signer"): what each input spends,
 * that the data given for it agree with each other, and that it is of a kind the gate signs.
 *
 * Owner: results borrow from the PSBT. Errors: "psbt.*", each naming the input.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_PSBT_CHECK_H
#define GATEHOUSE_WALLET_BITCOIN_PSBT_CHECK_H

#include "wallet/bitcoin/psbt.h"
#include "wallet/bitcoin/script.h"
#include "wallet/bitcoin/sighash.h"

/* What one input spends. */
struct psbt_spent {
	struct bitcoin_output output;
	enum bitcoin_template template; /* P2SH_P2WPKH where the redeem script says so */
	enum bitcoin_hash_type hash_type;
	struct bytes merkle_root; /* P2TR: 0 or 32 bytes */
};

/* The output that the input spends, from its previous transaction or, without one, its witness UTXO.
 * Errors: psbt.missing_utxo, psbt.previous_transaction (another txid), psbt.previous_output (no such output),
 * psbt.witness_utxo_mismatch. */
enum status psbt_find_spent_output(const struct psbt *psbt, size_t index, struct bitcoin_output *output);

/* Finds the spent output and checks that what is given for the input agrees: previous transaction and its txid, witness UTXO,
 * redeem script, witness script and Taproot internal key with the output that commits to them. It may be of any kind.
 * Errors: those of psbt_find_spent_output(); psbt.already_final; psbt.redeem_script_missing, psbt.redeem_script_mismatch,
 * psbt.redeem_script_unexpected, psbt.witness_script_mismatch, psbt.witness_script_unexpected,
 * psbt.witness_utxo_unexpected (of an input without witness), psbt.internal_key_mismatch. */
enum status psbt_check_input(const struct psbt *psbt, size_t index, struct psbt_spent *spent);

/* That the gate could sign the input: template and hash type, previous transaction where needed. all_taproot: every input
 * of the PSBT is P2TR; only then does each signature cover every amount (BIP-341), and previous transactions may be left out.
 * Errors: psbt.multisig_input, psbt.unsupported_input, psbt.hash_type, psbt.missing_previous_transaction. */
enum status psbt_check_signable(const struct psbt *psbt, size_t index, bool all_taproot, struct psbt_spent *spent);

/* That no field says that there is more, or less, to sign than an unsigned transaction. Errors: psbt.already_signed,
 * psbt.unknown_field, psbt.unsupported_field. */
enum status psbt_check_fields(const struct psbt *psbt);

#endif
