/*
 * Valid PSBTs for tests: coins that our keys own, with the transactions that made them, and outputs of which
 * some are change. Given public keys only; what is built is what a wallet would hand to the gate.
 *
 * The previous transactions are made up and deterministic: the same fixture gives the same bytes, another seed other coins.
 * Owner: everything is built in the arena.
 */
#ifndef GATEHOUSE_TESTS_PSBT_FIXTURE_H
#define GATEHOUSE_TESTS_PSBT_FIXTURE_H

#include "wallet/bitcoin/psbt_builder.h"

/* A coin of ours to spend: P2PKH, P2SH_P2WPKH, P2WPKH or P2TR. */
struct psbt_fixture_coin {
	enum bitcoin_template template;
	uint64_t sats;
	uint8_t public_key[33];
	struct signing_path path; /* from the master key: m/84'/0'/0'/0/5 */
	bool without_derivation;  /* a key that stands alone: no path is written */
	bool without_previous;    /* P2TR only: the witness UTXO alone */
	struct bytes merkle_root; /* P2TR: of a script tree below the key; 0 or 32 bytes */
	bool has_hash_type;       /* asks for hash type ALL by name */
};

struct psbt_fixture {
	uint8_t fingerprint[4]; /* of the master key */
	const struct psbt_fixture_coin *coins;
	size_t coin_count;
	const struct psbt_payment *outputs;
	size_t output_count;
	uint32_t sequence; /* of every input; 0xfffffffd: replaceable */
	uint32_t lock_time;
	uint32_t seed;
};

enum status psbt_fixture_build(struct arena *arena, const struct psbt_fixture *fixture, struct bytes *psbt);

/* m / purpose' / coin' / account' / chain / index, the purpose being the template's (BIP-44, 49, 84, 86). */
struct signing_path psbt_fixture_path(enum bitcoin_template template, uint32_t coin, uint32_t account, uint32_t chain,
				      uint32_t index);

#endif
