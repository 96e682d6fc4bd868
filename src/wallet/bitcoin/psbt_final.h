/*
 * The last three roles of BIP-174: a signer's result put into a PSBT, the finaliser, the extractor.
 *
 * The finaliser handles the kinds that the gate signs and verifies every signature first, so that a network transaction that
 * comes out is valid as far as its inputs go. Owner: the arena; results borrow from the PSBT. Errors: "psbt.*".
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_PSBT_FINAL_H
#define GATEHOUSE_WALLET_BITCOIN_PSBT_FINAL_H

#include "wallet/bitcoin/psbt_check.h"

/* Adds r ‖ s of the compressed public key as a partial signature with hash type ALL. */
enum status psbt_add_ecdsa_signature(struct arena *arena, struct psbt *psbt, size_t index, const uint8_t public_key[33],
				     const uint8_t signature[64]);
/* Adds a key path signature; a hash type other than DEFAULT is written behind it. */
enum status psbt_add_taproot_signature(struct arena *arena, struct psbt *psbt, size_t index,
				       enum bitcoin_hash_type type, const uint8_t signature[64]);

/* The signature that the final input of this index bears, as a signer adds it: not verified. Errors: psbt.signature_missing where it
 * bears none of the kind that its output asks for; those of psbt_check_input(). */
enum status psbt_add_final_signature(struct arena *arena, struct psbt *psbt, size_t index,
				     const struct bitcoin_input *final);

/* Makes every input final, in place; what is left of an input is its UTXO, its final fields and what is unknown. Inputs that
 * are final already stay as they are. Errors: those of psbt_check_input() and psbt_check_signable() but for missing previous
 * transactions; psbt.signature_missing, psbt.signature_hash_type, psbt.signature_encoding, psbt.signature_invalid. */
enum status psbt_finalise(struct arena *arena, struct psbt *psbt);

/* The network transaction of a PSBT whose inputs are all final. Error: psbt.not_final. */
enum status psbt_extract(struct arena *arena, const struct psbt *psbt, struct bitcoin_transaction *transaction);

#endif
