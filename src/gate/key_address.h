/*
 * Where a single key is paid to: the address that its chain writes for it.
 *
 * A key of secp256k1 without a chain is Ethereum's; one of Bitcoin's networks has the address that its scheme spends: a Taproot output
 * (BIP-341, by the key alone) where it is shared by BIP-340, which signs on no other chain, else P2WPKH. A key of Ed25519 is
 * Solana's. An extended key has as many as it has paths, and none of its own; which kind of address one of these has, its path says by
 * purpose and coin (BIP-43, BIP-44, SLIP-44). Plain values. Threads: any.
 */
#ifndef GATEHOUSE_GATE_KEY_ADDRESS_H
#define GATEHOUSE_GATE_KEY_ADDRESS_H

#include "keys/key.h"
#include "wallet/bitcoin/address.h"

constexpr size_t KEY_ADDRESS_SIZE = BITCOIN_ADDRESS_SIZE; /* the longest of all, with its end */

/* False: it has none. */
bool key_address(const struct key_info *key, char text[KEY_ADDRESS_SIZE]);
/* Of the key at a path below an extended key. False: neither chain nor path says what it is used for. */
bool key_address_below(const struct key_info *key, const struct signing_path *path, const uint8_t public_key[33],
		       char text[KEY_ADDRESS_SIZE]);

#endif
