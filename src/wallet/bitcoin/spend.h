/*
 * What signing a PSBT with one of our keys would do: which of our keys each input needs, what leaves, what comes back, what the
 * miners get. Everything that makes a PSBT unsignable is found here, before a policy is asked.
 *
 * An output is change only if it is proven to be ours: its script is rebuilt from the public key that our key gives at the
 * stated path, and the path is the change branch (m / purpose' / coin' / account' / 1 / index; BIP-44, 49, 84, 86) of an
 * account that one of the inputs stands in. All else leaves. A transaction whose outputs are all change pays nobody: then all
 * of them count as leaving.
 *
 * Owner: the arena; borrows PSBT and key. Errors: those of psbt_check.h and bitcoin_transaction_check(); further
 * psbt.foreign_input, psbt.derivation_mismatch, psbt.derivation, bitcoin.too_many_inputs, bitcoin.too_many_outputs,
 * bitcoin.version, bitcoin.outputs_exceed_inputs, bitcoin.weight; and whatever the key's derive() gives.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_SPEND_H
#define GATEHOUSE_WALLET_BITCOIN_SPEND_H

#include "wallet/bitcoin/address.h"
#include "wallet/bitcoin/psbt_check.h"
#include "wallet/wallet.h"

constexpr size_t BITCOIN_INPUTS_MAX = 512;
constexpr size_t BITCOIN_OUTPUTS_MAX = 256;
constexpr uint64_t BITCOIN_WEIGHT_MAX = 400'000; /* what nodes relay */
/* Change further out would not be found again by a wallet that looks for its coins. */
constexpr uint32_t BITCOIN_CHANGE_INDEX_MAX = 999'999;
/* A fee above either is a mistake or a theft; the shipped policies deny on transfer.fee_over_ceiling. */
constexpr uint64_t BITCOIN_FEE_CEILING_SATS = 10'000'000;
constexpr uint64_t BITCOIN_FEE_RATE_CEILING = 2'000; /* satoshi per virtual byte */

struct bitcoin_spend_input {
	bool is_known; /* always, where there is a key */
	struct psbt_spent spent;
	struct signing_path origin_path; /* from the master key, for people */
	struct signing_path path;        /* below our key */
	uint8_t public_key[33];
};

struct bitcoin_spend_output {
	bool is_change;
	struct signing_path origin_path; /* of proven change */
};

struct bitcoin_spend {
	const struct psbt *psbt;
	enum bitcoin_network network;
	const struct bitcoin_spend_input *inputs;
	const struct bitcoin_spend_output *outputs;
	bool has_fee; /* all inputs are known; always, where there is a key */
	uint64_t input_sats;
	uint64_t output_sats;
	uint64_t change_sats;
	uint64_t fee_sats;
	uint64_t virtual_bytes; /* once signed, with the largest signatures */
	uint64_t fee_rate;      /* satoshi per virtual byte, rounded up */
	bool replaceable;       /* BIP-125: an input's sequence says so */
	bool time_locked;       /* cannot be mined before some time or height (BIP-65's lock time, BIP-68) */
};

enum status bitcoin_spend_of(struct arena *arena, const struct psbt *psbt, enum bitcoin_network network,
			     const struct wallet_key *key, struct bitcoin_spend *spend);

/* Without a key: what can be said of any PSBT, signed ones included; nothing is change, sizes and rates are left 0. *refusal
 * receives why the gate would sign it with no key at all, in the arena; null if there is no such reason. Fails only without
 * memory. */
enum status bitcoin_spend_read(struct arena *arena, const struct psbt *psbt, enum bitcoin_network network,
			       struct bitcoin_spend *spend, const char **refusal);

/* One request per input, in order. */
enum status bitcoin_spend_requests(struct arena *arena, const struct bitcoin_spend *spend,
				   struct signing_request **requests);

/* What a replacement shares with what it replaces: the exact set of inputs, in any order, on one network. */
enum status bitcoin_spend_identity(struct arena *arena, const struct bitcoin_spend *spend, struct hash256 *identity);

#endif
