/*
 * The fields of a PSBT, one table: which map a type belongs to, the shape of its key data and value, and what a signer makes
 * of it. Adding a field is adding a row. Sources: BIP-174, 371 (0), 370 (2); 127, 322, 353, 373, 375 for fields named only.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_PSBT_FIELD_H
#define GATEHOUSE_WALLET_BITCOIN_PSBT_FIELD_H

#include "base/bytes.h"

enum psbt_scope { PSBT_GLOBAL, PSBT_INPUT, PSBT_OUTPUT };

enum psbt_type {
	PSBT_GLOBAL_UNSIGNED_TRANSACTION = 0x00,
	PSBT_GLOBAL_VERSION = 0xfb,

	PSBT_INPUT_PREVIOUS_TRANSACTION = 0x00,
	PSBT_INPUT_WITNESS_UTXO = 0x01,
	PSBT_INPUT_PARTIAL_SIGNATURE = 0x02,
	PSBT_INPUT_HASH_TYPE = 0x03,
	PSBT_INPUT_REDEEM_SCRIPT = 0x04,
	PSBT_INPUT_WITNESS_SCRIPT = 0x05,
	PSBT_INPUT_DERIVATION = 0x06,
	PSBT_INPUT_FINAL_SCRIPT_SIG = 0x07,
	PSBT_INPUT_FINAL_WITNESS = 0x08,
	PSBT_INPUT_TAPROOT_KEY_SIGNATURE = 0x13,
	PSBT_INPUT_TAPROOT_SCRIPT_SIGNATURE = 0x14,
	PSBT_INPUT_TAPROOT_DERIVATION = 0x16,
	PSBT_INPUT_TAPROOT_INTERNAL_KEY = 0x17,
	PSBT_INPUT_TAPROOT_MERKLE_ROOT = 0x18,

	PSBT_OUTPUT_REDEEM_SCRIPT = 0x00,
	PSBT_OUTPUT_DERIVATION = 0x02,
	PSBT_OUTPUT_TAPROOT_INTERNAL_KEY = 0x05,
	PSBT_OUTPUT_TAPROOT_DERIVATION = 0x07,

	PSBT_PROPRIETARY = 0xfc, /* in every map */
};

enum psbt_handling {
	PSBT_ACCEPTED,     /* understood, or without bearing on what is signed */
	PSBT_NOT_SIGNABLE, /* may be read; refused where something is to be signed */
	PSBT_VERSION_2,    /* belongs to BIP-370 */
};

enum psbt_shape {
	PSBT_ANY,
	PSBT_EMPTY,
	PSBT_U32,
	PSBT_HASH20,
	PSBT_HASH32,
	PSBT_X_ONLY_KEY,
	PSBT_PUBLIC_KEY,      /* 33 or 65 bytes with the right first byte */
	PSBT_EXTENDED_KEY,    /* 78 bytes, BIP-32 */
	PSBT_SIGNATURE,       /* DER and a hash type */
	PSBT_SCHNORR,         /* 64 bytes, or 65 with a hash type */
	PSBT_X_ONLY_AND_LEAF, /* 32 + 32 bytes */
	PSBT_CONTROL_BLOCK,   /* 33 + 32 n bytes, n <= 128 */
	PSBT_LEAF_SCRIPT,     /* a script and its leaf version */
	PSBT_DERIVATION,      /* fingerprint and path */
	PSBT_TAPROOT_DERIVATION,
	PSBT_TAPROOT_TREE,
	PSBT_WITNESS_STACK,
	PSBT_PRIVATE_ID, /* length-prefixed identifier, subtype, data */
};

struct psbt_field {
	enum psbt_scope scope;
	uint64_t type;
	const char *name;
	enum psbt_shape key, value;
	enum psbt_handling handling;
};

/* Null if the type is not in the table. */
const struct psbt_field *psbt_field_find(enum psbt_scope scope, uint64_t type);
const char *psbt_scope_name(enum psbt_scope scope);

/* OK if bytes have the shape; otherwise STATUS_INVALID with a sentence that begins with name: (psbt.key_data or
 * psbt.value_data), then the place. */
enum status psbt_shape_check(enum psbt_shape shape, struct bytes bytes, const char *name,
			     const struct psbt_field *field, size_t index);

#endif
