/*
 * Which calls of contracts are understood: transfer, transferFrom and approve of ERC-20, and only for contracts that the asset
 * registry names, with exactly the arguments' length, zero padding and no native value. Everything else is unrecognised: the
 * gate must not guess what a contract does.
 *
 * Source: EIP-20; the contract ABI's encoding of address and uint256.
 */
#ifndef GATEHOUSE_WALLET_EVM_CALLS_H
#define GATEHOUSE_WALLET_EVM_CALLS_H

#include "wallet/asset.h"
#include "wallet/evm/transaction.h"

enum evm_call_kind {
	EVM_NATIVE, /* no data */
	EVM_TOKEN_TRANSFER,
	EVM_TOKEN_TRANSFER_FROM,
	EVM_TOKEN_APPROVE,
	EVM_CONTRACT_CREATION,
	EVM_UNRECOGNISED_CALL,
};

struct evm_call {
	enum evm_call_kind kind;
	/* Token calls only: */
	const struct asset *token;
	struct evm_address counterparty; /* the recipient, or the spender of an approve */
	struct evm_address owner;        /* EVM_TOKEN_TRANSFER_FROM: whose tokens move */
	struct amount amount;
};

void evm_recognise_call(const struct evm_transaction *transaction, struct bytes chain,
			const struct asset_registry *assets, struct evm_call *call);

/* The names of docs/facts.md, transfer.kind. */
const char *evm_call_name(enum evm_call_kind kind);

/* True for an approve of 2^96 − 1 or more: tokens that store 96 bits take that for "for ever", as others do 2^256 − 1. */
bool evm_approve_is_unlimited(const struct evm_call *call);

#endif
