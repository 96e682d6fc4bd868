/*
 * Ethereum addresses: 20 bytes, written with the mixed-case checksum of EIP-55.
 */
#ifndef GATEHOUSE_WALLET_EVM_ADDRESS_H
#define GATEHOUSE_WALLET_EVM_ADDRESS_H

#include "base/arena.h"

struct evm_address {
	uint8_t bytes[20];
};

constexpr size_t EVM_ADDRESS_TEXT_SIZE = 43; /* "0x", 40 digits, NUL */

void evm_address_format(const struct evm_address *address, char text[static 43]);
/* The same in the arena; data is null when out of memory. */
struct bytes evm_address_text(struct arena *arena, const struct evm_address *address);
/* "0x" and 40 digits, all lower case, all upper case, or with the right checksum. Errors: evm.address.form, .checksum. */
enum status evm_address_parse(struct bytes text, struct evm_address *address);
/* Of an uncompressed secp256k1 key: the last 20 bytes of the hash of its coordinates. */
struct evm_address evm_address_of_key(const uint8_t public_key[65]);
/* Where the contract that this transaction creates will stand: the hash of the sender and nonce in RLP. */
struct evm_address evm_address_of_contract(const struct evm_address *sender, uint64_t nonce);

#endif
