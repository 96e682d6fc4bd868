#include "wallet/evm/calls.h"

#include "base/cursor.h"

constexpr size_t SELECTOR_SIZE = 4;
constexpr size_t WORD_SIZE = 32;
constexpr size_t ADDRESS_PADDING = 12;

static const char *const NAMES[] = {
	[EVM_NATIVE] = "native",
	[EVM_TOKEN_TRANSFER] = "token_transfer",
	[EVM_TOKEN_TRANSFER_FROM] = "token_transfer_from",
	[EVM_TOKEN_APPROVE] = "token_approve",
	[EVM_CONTRACT_CREATION] = "contract_creation",
	[EVM_UNRECOGNISED_CALL] = "unrecognised_call",
};

/* Selectors are the first four bytes of the hash of the signature that stands beside them. */
static const struct token_call {
	uint8_t selector[SELECTOR_SIZE];
	enum evm_call_kind kind;
	bool has_owner;
} TOKEN_CALLS[] = {
	{{0xa9, 0x05, 0x9c, 0xbb}, EVM_TOKEN_TRANSFER, false},     /* transfer(address,uint256) */
	{{0x23, 0xb8, 0x72, 0xdd}, EVM_TOKEN_TRANSFER_FROM, true}, /* transferFrom(address,address,uint256) */
	{{0x09, 0x5e, 0xa7, 0xb3}, EVM_TOKEN_APPROVE, false},      /* approve(address,uint256) */
};

const char *
evm_call_name(enum evm_call_kind kind) {
	return NAMES[kind];
}

static enum status
read_address_word(struct cursor *arguments, struct evm_address *address) {
	static const uint8_t ZEROS[ADDRESS_PADDING];
	uint8_t padding[ADDRESS_PADDING];
	TRY(cursor_copy(arguments, "evm.call", padding, sizeof padding));
	if (memcmp(padding, ZEROS, sizeof padding) != 0)
		return fail(STATUS_INVALID, "evm.call.padding: an address with bytes before it");
	return cursor_copy(arguments, "evm.call", address->bytes, sizeof address->bytes);
}

static enum status
read_arguments(struct cursor *arguments, bool has_owner, struct evm_call *call) {
	struct bytes word;
	if (has_owner)
		TRY(read_address_word(arguments, &call->owner));
	TRY(read_address_word(arguments, &call->counterparty));
	TRY(cursor_take(arguments, "evm.call", WORD_SIZE, &word));
	TRY(amount_from_big_endian(word, &call->amount));
	return cursor_end(arguments, "evm.call");
}

static const struct token_call *
find_token_call(struct bytes data) {
	for (size_t i = 0; i < ARRAY_LENGTH(TOKEN_CALLS); i++)
		if (data.len >= SELECTOR_SIZE && memcmp(data.data, TOKEN_CALLS[i].selector, SELECTOR_SIZE) == 0)
			return &TOKEN_CALLS[i];
	return nullptr;
}

static bool
recognise_token_call(const struct evm_transaction *transaction, struct bytes chain, const struct asset_registry *assets,
		     struct evm_call *call) {
	const struct token_call *token_call = find_token_call(transaction->data);
	if (token_call == nullptr || !amount_is_zero(&transaction->value))
		return false;
	char contract[EVM_ADDRESS_TEXT_SIZE];
	evm_address_format(&transaction->to, contract);
	struct evm_call found = {.kind = token_call->kind};
	found.token = asset_find_contract(assets, chain, bytes_of_text(contract));
	struct cursor arguments =
		cursor_of(bytes_of(transaction->data.data + SELECTOR_SIZE, transaction->data.len - SELECTOR_SIZE));
	if (found.token == nullptr || read_arguments(&arguments, token_call->has_owner, &found) != OK)
		return false;
	*call = found;
	return true;
}

void
evm_recognise_call(const struct evm_transaction *transaction, struct bytes chain, const struct asset_registry *assets,
		   struct evm_call *call) {
	*call = (struct evm_call){.kind = EVM_UNRECOGNISED_CALL};
	if (transaction->creates_contract)
		call->kind = EVM_CONTRACT_CREATION;
	else if (transaction->data.len == 0)
		call->kind = EVM_NATIVE;
	else
		(void)recognise_token_call(transaction, chain, assets, call);
}

bool
evm_approve_is_unlimited(const struct evm_call *call) {
	static const struct amount THRESHOLD = {{UINT64_MAX, UINT32_MAX, 0, 0}}; /* 2^96 − 1 */
	return call->kind == EVM_TOKEN_APPROVE && amount_compare(&call->amount, &THRESHOLD) >= 0;
}
