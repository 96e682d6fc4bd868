/*
 * The transactions that Northwind wants signed, unsigned and encoded as a wallet service hands them over, and the amounts in
 * them, drawn from a text: the same text gives the same amounts.
 */
#ifndef GATEHOUSE_CLI_DEMO_PAYLOADS_H
#define GATEHOUSE_CLI_DEMO_PAYLOADS_H

#include "base/arena.h"
#include "wallet/evm/address.h"

/* From low to high, both included. */
uint64_t amount_pick(const char *amounts, const char *what, uint64_t low, uint64_t high);

#define PAYEE_ADDRESS "0x3535353535353535353535353535353535353535"
#define SANCTIONED_ADDRESS "0x7F367cC41522cE07553e823bf3be79A889DEbe1B"
#define ATTACKER_ADDRESS "0x00000000000000000000000000000000DeaDBeef"
#define USDC_ADDRESS "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
#define BITCOIN_PAYEE_ADDRESS "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

/* EIP-1559 transfers on chain 1, as the payload of the operation `sign`, in the arena. */
struct evm_plan {
	uint64_t nonce;
	const char *to;  /* of ether or tokens; the spender of an allowance */
	uint64_t gwei;   /* ether */
	uint64_t token;  /* smallest units of USDC, instead of ether */
	bool is_approve; /* an allowance of USDC, of all there can be */
};
enum status evm_payload(struct arena *arena, const struct evm_plan *plan, const char **payload);

/* A PSBT that spends two coins of one key, which stands alone, to one address. */
struct psbt_order {
	uint8_t public_key[33];
	const char *to;
	uint64_t sats, fee_sats;
	uint64_t serial; /* other coins for each */
};
enum status psbt_payload(struct arena *arena, const struct psbt_order *order, const char **payload);

#endif
