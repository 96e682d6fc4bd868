/*
 * The shapes of Bitcoin's output scripts: recognised, named and built. Scripts are never executed here.
 *
 * The gate signs for P2PKH, P2SH-P2WPKH, P2WPKH and P2TR by key path. The other shapes are recognised only so that a refusal
 * and a view can name them. Sources: BIP-16, BIP-141, BIP-341, Bitcoin's script/solver.cpp (templates).
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_SCRIPT_H
#define GATEHOUSE_WALLET_BITCOIN_SCRIPT_H

#include "base/bytes.h"

enum bitcoin_template {
	BITCOIN_UNKNOWN_SCRIPT,
	BITCOIN_P2PK,
	BITCOIN_P2PKH,
	BITCOIN_P2SH,
	BITCOIN_P2SH_P2WPKH, /* never from a script alone: by its redeem script */
	BITCOIN_P2WPKH,
	BITCOIN_P2WSH,
	BITCOIN_P2TR,
	BITCOIN_MULTISIG,
	BITCOIN_DATA,            /* OP_RETURN: cannot be spent */
	BITCOIN_UNKNOWN_WITNESS, /* a witness version or length without a meaning yet */
	BITCOIN_TEMPLATE_COUNT,
};

/* A script that was built here. */
struct bitcoin_script {
	uint8_t data[34]; /* P2WSH and P2TR are the longest */
	size_t len;
};

static inline struct bytes
bitcoin_script_bytes(const struct bitcoin_script *script) {
	return (struct bytes){script->data, script->len};
}

enum bitcoin_template bitcoin_script_template(struct bytes script);
/* "p2wpkh", "p2sh-p2wpkh", "multisig", ... */
const char *bitcoin_template_name(enum bitcoin_template template);

/* What the template's script holds: key hash, script hash, witness program, or the x-only key; len 0 for others. */
struct bytes bitcoin_script_payload(struct bytes script);
/* True for OP_0 to OP_16 and one push of 2 to 40 bytes (BIP-141); *version and *program receive them. */
bool bitcoin_script_witness_program(struct bytes script, unsigned *version, struct bytes *program);

/* m-of-n bare multisig: false if it is not one. */
bool bitcoin_script_multisig(struct bytes script, unsigned *required, unsigned *keys);

struct bitcoin_script bitcoin_script_p2pkh(const uint8_t key_hash[20]);
struct bitcoin_script bitcoin_script_p2sh(const uint8_t script_hash[20]);
struct bitcoin_script bitcoin_script_witness(unsigned version, struct bytes program); /* 20 or 32 bytes */

/* The output script by which a 33-byte public key is paid: P2PKH, P2SH-P2WPKH, P2WPKH, or P2TR with the given script tree
 * (merkle_root of 0 or 32 bytes; 0 for the others). Fails where the key is not a point, or STATUS_INTERNAL
 * bitcoin.template for any other template. */
enum status bitcoin_script_of_key(enum bitcoin_template template, const uint8_t public_key[33],
				  struct bytes merkle_root, struct bitcoin_script *script);

/* Appends the push of at most 75 bytes. */
void bitcoin_append_push(struct buffer *to, struct bytes data);

#endif
