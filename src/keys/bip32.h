/*
 * Hierarchical deterministic keys on secp256k1: derivation, serialisation, paths.
 *
 * A node is a private key and its chain code, 64 bytes that lie wherever the caller keeps secrets. Derivation reads and
 * writes them in place and wipes its own scratch. Nothing branches on a secret except on the outcome "no valid key",
 * which has a chance below 2^-127.
 * Errors: STATUS_INVALID "bip32.*". Threads: any. Source: BIP-32.
 */
#ifndef GATEHOUSE_KEYS_BIP32_H
#define GATEHOUSE_KEYS_BIP32_H

#include "base/bytes.h"
#include "model/signing_request.h"

constexpr uint32_t BIP32_HARDENED = UINT32_C(1) << 31;
constexpr size_t BIP32_SEED_MIN = 16;
constexpr size_t BIP32_SEED_MAX = 64;
constexpr size_t BIP32_TEXT_SIZE = 176; /* of a serialised key, as base58_encode() wants it */
constexpr size_t BIP32_PATH_TEXT_SIZE = 2 + SIGNING_PATH_MAX * 12; /* "m/2147483647'/..." and a NUL */

struct bip32_node {
	uint8_t key[32];
	uint8_t chain_code[32];
};

/* seed: 16 to 64 bytes. */
enum status bip32_master(struct bytes seed, struct bip32_node *master);
/* public_key is the parent's, which the caller has at hand; a hardened step does not need it (may be null). child may be
 * parent. "bip32.no_child" where BIP-32 says to take the next index. */
enum status bip32_child(const struct bip32_node *parent, const uint8_t public_key[33], uint32_t step,
			struct bip32_node *child);
/* All steps of a path; the public keys on the way are computed. */
enum status bip32_descend(const struct bip32_node *from, const struct signing_path *path, struct bip32_node *to);
/* The child's public key and chain code from the parent's; no hardened steps: "bip32.hardened". In place. */
enum status bip32_public_child(uint8_t public_key[33], uint8_t chain_code[32], uint32_t step);
/* The first four bytes of HASH160 of the public key. */
void bip32_fingerprint(const uint8_t public_key[33], uint8_t fingerprint[4]);

enum bip32_network { BIP32_MAIN, BIP32_TEST };

/* A serialised extended key: "xprv…", "xpub…" or, for test networks, "tprv…", "tpub…". */
struct bip32_extended {
	enum bip32_network network;
	bool is_private;
	uint8_t depth;
	uint8_t parent[4]; /* fingerprint; zero for a master key */
	uint32_t step;     /* the last of its path; zero for a master key */
	uint8_t chain_code[32];
	uint8_t key[33]; /* a point, or 0x00 and the private key */
};

/* text holds BIP32_TEXT_SIZE. Base58 is not constant time: private keys are written and read only where a person moves
 * them by hand. */
enum status bip32_encode(const struct bip32_extended *extended, char *text);
/* Errors: bip32.length, bip32.checksum, bip32.version, bip32.master_parent, bip32.master_step, bip32.private_key,
 * bip32.public_key, and those of base58. */
enum status bip32_decode(struct bytes text, struct bip32_extended *extended);

/* "m/84'/0'/0'/0/5"; h and H stand for ' too. Errors: bip32.path. */
enum status bip32_path_parse(struct bytes text, struct signing_path *path);
/* text holds BIP32_PATH_TEXT_SIZE. */
void bip32_path_format(const struct signing_path *path, char *text);
bool bip32_path_starts_with(const struct signing_path *path, const struct signing_path *prefix);

#endif
