/*
 * Bitcoin addresses: output scripts as people write them, per network, and back.
 *
 * Base58Check for P2PKH and P2SH; Bech32 (BIP-173) for witness version 0, Bech32m (BIP-350) for 1 to 16. Decoding gives the
 * one script that encodes to the same address; upper-case Bech32 is accepted and is the same address in lower case.
 * The two testnets and signet share every prefix, so that an address of one reads as an address of the other.
 * Errors: "address.*".
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_ADDRESS_H
#define GATEHOUSE_WALLET_BITCOIN_ADDRESS_H

#include "base/bytes.h"

enum bitcoin_network {
	BITCOIN_MAIN,
	BITCOIN_TEST,
	BITCOIN_TESTNET4,
	BITCOIN_SIGNET,
	BITCOIN_REGTEST,
	BITCOIN_NETWORK_COUNT,
};

constexpr size_t BITCOIN_ADDRESS_SIZE = 91; /* BIP-173's 90 characters and a NUL */
constexpr size_t BITCOIN_ADDRESS_SCRIPT_MAX = 42;

/* "bitcoin:main", ...: as chains are named in facts and assets. */
const char *bitcoin_network_chain(enum bitcoin_network network);
enum status bitcoin_network_of_chain(struct bytes chain, enum bitcoin_network *network);
/* SLIP-44's coin type in paths of BIP-44 and its kin: 0 on the main network, 1 on every other. */
uint32_t bitcoin_network_coin_type(enum bitcoin_network network);

/* False if the script has no address (data, bare multisig, P2PK, unknown shapes). */
[[nodiscard]] bool bitcoin_address_of_script(enum bitcoin_network network, struct bytes script,
					     char text[static BITCOIN_ADDRESS_SIZE]);
/* script holds BITCOIN_ADDRESS_SCRIPT_MAX. Errors: address.length, address.character, address.mixed_case,
 * address.checksum, address.network, address.witness_version, address.program, address.padding, address.version. */
enum status bitcoin_address_to_script(enum bitcoin_network network, struct bytes text, uint8_t *script, size_t *len);

#endif
