/*
 * Ethereum transactions: legacy (with and without the chain id of EIP-155), access list (EIP-2930) and dynamic fee (EIP-1559),
 * signed and unsigned. Other types are refused by name.
 *
 * The decoder accepts only what a node of the Cancun rules would take for well-formed: canonical RLP, ranges of every field,
 * a gas limit that covers the intrinsic gas, init code within EIP-3860, a nonce within EIP-2681, signatures in range with a low s.
 * Encoding what was decoded gives the same bytes.
 *
 * Owner: a decoded transaction borrows from the input and the arena.
 * Errors: "evm.<field>.<what>", STATUS_INVALID; "evm.type" is STATUS_UNSUPPORTED.
 */
#ifndef GATEHOUSE_WALLET_EVM_TRANSACTION_H
#define GATEHOUSE_WALLET_EVM_TRANSACTION_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "model/amount.h"
#include "wallet/evm/address.h"

enum evm_type { EVM_LEGACY = 0, EVM_ACCESS_LIST = 1, EVM_DYNAMIC_FEE = 2 }; /* the numbers of EIP-2718 */

constexpr uint64_t EVM_CHAIN_ID_MAX = INT64_MAX - 36; /* EIP-2294: so that EIP-155's v fits */
constexpr size_t EVM_INITCODE_MAX = 49152;            /* EIP-3860 */

struct evm_access {
	struct evm_address address;
	const uint8_t (*keys)[32];
	size_t key_count;
};

struct evm_transaction {
	enum evm_type type;
	bool has_chain_id; /* false: legacy of before EIP-155 */
	uint64_t chain_id;
	uint64_t nonce;
	struct amount fee_per_gas;          /* the gas price, or the max fee per gas */
	struct amount priority_fee_per_gas; /* EVM_DYNAMIC_FEE */
	uint64_t gas_limit;
	bool creates_contract;
	struct evm_address to; /* unless it creates a contract */
	struct amount value;
	struct bytes data;
	const struct evm_access *accesses;
	size_t access_count;
	bool is_signed;
	unsigned y_parity;
	uint8_t signature[64]; /* r ‖ s */
};

/* chain_id: the one that the transaction must be for if it names one, evm.chain_id.differs; 0: any. */
enum status evm_decode_transaction(struct arena *arena, struct bytes bytes, uint64_t chain_id,
				   struct evm_transaction *transaction);

/* Whether the bytes have the outline of one: a type, if any, and a list to their very end. For telling formats apart. */
bool evm_is_transaction(struct bytes bytes);

/* The encoding in the arena; data is null when out of memory. evm_encode_unsigned() is what is hashed and signed. */
struct bytes evm_encode_transaction(struct arena *arena, const struct evm_transaction *transaction);
struct bytes evm_encode_unsigned(struct arena *arena, const struct evm_transaction *transaction);
enum status evm_signing_digest(struct arena *arena, const struct evm_transaction *transaction, struct hash256 *digest);
/* The same of an unsigned one that was decoded from these bytes: STATUS_INTERNAL "evm.encoding" if its encoding is not they. */
enum status evm_decoded_digest(struct arena *arena, const struct evm_transaction *transaction, struct bytes bytes,
			       struct hash256 *digest);

/* r and s within the group's order, s in its lower half (EIP-2), parity 0 or 1. Errors: evm.r.range, .s.range, .s.high, .y_parity.range. */
enum status evm_check_signature(const uint8_t signature[64], uint64_t y_parity);
/* Of a signed transaction. Errors: evm.signature.recovery. */
enum status evm_recover_sender(struct arena *arena, const struct evm_transaction *transaction,
			       struct evm_address *sender);

/* What it costs before any code runs: EIP-2 creation, EIP-2028 data, EIP-2930 access list, EIP-3860 init code. */
uint64_t evm_intrinsic_gas(const struct evm_transaction *transaction);
/* gas limit × fee per gas; the decoder has checked that it fits. */
struct amount evm_fee_max(const struct evm_transaction *transaction);

const char *evm_type_name(enum evm_type type); /* "legacy", "access_list", "dynamic_fee" */

#endif
