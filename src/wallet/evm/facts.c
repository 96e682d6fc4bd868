/*
 * Ethereum's row in wallet.c: from the bytes of a transaction to movements, facts, view, signing request and signed bytes.
 */
#include "wallet/format.h"

#include "crypto/sign.h"

#include "wallet/evm/calls.h"

/* What this format keeps behind struct wallet_transaction. */
struct evm_detail {
	struct evm_transaction transaction;
	struct evm_call call;
	struct bytes contract; /* text of the address that is called with data; empty if none */
	struct bytes owner;    /* transferFrom: text of whose tokens move */
};

constexpr size_t MOVEMENTS_MAX = 3; /* token, native value, fee */

static const struct evm_detail *
detail_of(const struct wallet_transaction *transaction) {
	return transaction->detail;
}

/* --- Decoding --- */

static enum status
write_address(struct arena *arena, const struct evm_address *address, struct bytes *text) {
	*text = evm_address_text(arena, address);
	TRY_ALLOC(text->data);
	return OK;
}

/* The gate signs only what is unsigned and bound to a chain. */
static enum status
check_signable(const struct evm_transaction *decoded) {
	if (decoded->is_signed)
		return fail(STATUS_INVALID,
			    "evm.signed: the transaction is signed already; the gate signs unsigned ones");
	if (!decoded->has_chain_id)
		return fail(STATUS_INVALID,
			    "evm.chain_id.missing: without a chain id (EIP-155) a signature is valid on "
			    "every chain");
	return OK;
}

/* "eip155:<chain id>"; 0 where none is asked for. */
static enum status
read_wanted_chain(struct bytes chain, uint64_t *chain_id) {
	const struct bytes prefix = bytes_of_text(wallet_evm_operations.chain_prefix);
	*chain_id = 0;
	if (chain.len == 0)
		return OK;
	if (chain.len <= prefix.len || !bytes_equal(bytes_of(chain.data, prefix.len), prefix) ||
	    decimal_decode(bytes_of(chain.data + prefix.len, chain.len - prefix.len), chain_id) != OK || *chain_id == 0)
		return fail(STATUS_INVALID, "evm.chain: expected \"eip155:\" and a chain id, found \"%.*s\"",
			    BYTES_ARGS(chain));
	return OK;
}

static enum status
name_chain(struct wallet_transaction *transaction, const struct evm_transaction *decoded) {
	if (!decoded->has_chain_id)
		return OK;
	const char *text = arena_format(transaction->arena, "%s%llu", wallet_evm_operations.chain_prefix,
					(unsigned long long)decoded->chain_id);
	TRY_ALLOC(text);
	transaction->chain = bytes_of_text(text);
	return OK;
}

/* The key's address, or who signed, or nobody. */
static enum status
find_sender(struct wallet_transaction *transaction, const struct evm_transaction *decoded, struct evm_address *sender) {
	if (transaction->context->key != nullptr)
		*sender = evm_address_of_key(transaction->context->key->public_key);
	else if (decoded->is_signed)
		TRY(evm_recover_sender(transaction->arena, decoded, sender));
	else
		return OK;
	return write_address(transaction->arena, sender, &transaction->from);
}

/* Where value or rights go: the counterparty of a token call, the called address, or the contract that will be created. An
 * unsigned creation that nobody's key is known for has no address yet. */
static enum status
find_destination(struct wallet_transaction *transaction, const struct evm_detail *detail,
		 const struct evm_address *sender) {
	const struct evm_transaction *decoded = &detail->transaction;
	struct evm_address destination = decoded->to;
	if (detail->call.token != nullptr)
		destination = detail->call.counterparty;
	else if (decoded->creates_contract) {
		if (transaction->from.len == 0)
			return OK;
		destination = evm_address_of_contract(sender, decoded->nonce);
	}
	TRY(write_address(transaction->arena, &destination, &transaction->to));
	transaction->destinations = &transaction->to;
	transaction->destination_count = 1;
	return OK;
}

static enum status
find_movements(struct wallet_transaction *transaction, const struct evm_detail *detail) {
	struct wallet_movement *movements = ARENA_NEW_ARRAY(transaction->arena, MOVEMENTS_MAX, struct wallet_movement);
	TRY_ALLOC(movements);
	size_t count = 0;
	const struct evm_call *call = &detail->call;
	if (call->token != nullptr)
		TRY(wallet_movement_fill(transaction,
					 call->kind == EVM_TOKEN_APPROVE ? WALLET_PART_ALLOWANCE : WALLET_PART_TRANSFER,
					 transaction->to, call->token->contract, &call->amount, &movements[count++]));
	else
		TRY(wallet_movement_fill(transaction, WALLET_PART_TRANSFER, transaction->to, (struct bytes){},
					 &detail->transaction.value, &movements[count++]));
	TRY(wallet_movement_fill(transaction, WALLET_PART_FEE, (struct bytes){}, (struct bytes){},
				 &transaction->fee_max, &movements[count++]));
	transaction->movements = movements;
	transaction->movement_count = count;
	transaction->asset = movements[0].asset;
	transaction->asset_id = movements[0].asset_id;
	transaction->amount = movements[0].amount;
	return OK;
}

/* A replacement has the sender, chain and nonce of what it replaces. */
static void
identify_spend(struct wallet_transaction *transaction, const struct evm_transaction *decoded,
	       const struct evm_address *sender) {
	uint8_t numbers[16];
	store_u64be(numbers, decoded->chain_id);
	store_u64be(numbers + 8, decoded->nonce);
	transaction->spend = SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/spend/evm\0"), BYTES_OF_ARRAY(sender->bytes),
					  BYTES_OF_ARRAY(numbers));
	transaction->has_spend = true;
}

static enum status
request_signature(struct wallet_transaction *transaction, const struct evm_transaction *decoded) {
	struct signing_request *request = ARENA_NEW(transaction->arena, struct signing_request);
	uint8_t *compressed = arena_alloc(transaction->arena, 33);
	TRY_ALLOC(request);
	TRY_ALLOC(compressed);
	const uint8_t *public_key = transaction->context->key->public_key;
	compressed[0] = (uint8_t)(2 + (public_key[64] & 1));
	memcpy(compressed + 1, public_key + 1, 32);
	request->scheme = SCHEME_ECDSA_SECP256K1;
	request->expected_public_key = bytes_of(compressed, 33);
	struct hash256 digest;
	TRY(evm_decoded_digest(transaction->arena, decoded, transaction->payload, &digest));
	memcpy(request->digest, digest.bytes, sizeof request->digest);
	transaction->requests = request;
	transaction->request_count = 1;
	return OK;
}

static enum status
decode(struct wallet_transaction *transaction) {
	struct evm_detail *detail = ARENA_NEW(transaction->arena, struct evm_detail);
	TRY_ALLOC(detail);
	struct evm_transaction *decoded = &detail->transaction;
	struct evm_address sender = {};
	bool is_ours = transaction->context->key != nullptr;
	transaction->detail = detail;
	uint64_t chain_id;
	TRY(read_wanted_chain(wallet_chain_wanted(transaction->context), &chain_id));
	TRY(evm_decode_transaction(transaction->arena, transaction->payload, chain_id, decoded));
	enum status signable = check_signable(decoded);
	if (signable != OK && is_ours)
		return signable;
	if (signable != OK)
		TRY(wallet_note_refusal(transaction));
	TRY(name_chain(transaction, decoded));
	TRY(find_sender(transaction, decoded, &sender));
	evm_recognise_call(decoded, transaction->chain, transaction->context->assets, &detail->call);
	TRY(find_destination(transaction, detail, &sender));
	transaction->fee_max = evm_fee_max(decoded);
	TRY(find_movements(transaction, detail));
	transaction->kind = evm_call_name(detail->call.kind);
	transaction->call_unrecognised =
		detail->call.kind == EVM_CONTRACT_CREATION || detail->call.kind == EVM_UNRECOGNISED_CALL;
	transaction->approve_unlimited = evm_approve_is_unlimited(&detail->call);
	transaction->approve_revokes = detail->call.kind == EVM_TOKEN_APPROVE && amount_is_zero(&detail->call.amount);
	if (!decoded->creates_contract && decoded->data.len > 0)
		TRY(write_address(transaction->arena, &decoded->to, &detail->contract));
	if (detail->call.kind == EVM_TOKEN_TRANSFER_FROM)
		TRY(write_address(transaction->arena, &detail->call.owner, &detail->owner));
	if (!is_ours)
		return OK;
	identify_spend(transaction, decoded, &sender);
	return request_signature(transaction, decoded);
}

/* --- Parties --- */

static size_t
parties_max(const struct wallet_transaction *) {
	return 2;
}

/* An access list only says what is read beforehand: whoever stands there is no party. */
static enum status
add_parties(const struct wallet_transaction *transaction, struct arena *, struct wallet_party *parties, size_t *count) {
	const struct evm_detail *detail = detail_of(transaction);
	if (detail->contract.len > 0)
		parties[(*count)++] = (struct wallet_party){WALLET_ROLE_CONTRACT, detail->contract};
	if (detail->owner.len > 0)
		parties[(*count)++] = (struct wallet_party){WALLET_ROLE_TOKEN_OWNER, detail->owner};
	return OK;
}

/* --- Facts --- */

static int64_t
long_of(uint64_t number) {
	return number > INT64_MAX ? INT64_MAX : (int64_t)number; /* which facts_add_long() states not to fit */
}

static struct bytes
selector_of(const struct evm_transaction *decoded) {
	bool has_selector = !decoded->creates_contract && decoded->data.len >= 4;
	return has_selector ? bytes_of(decoded->data.data, 4) : (struct bytes){};
}

static void
add_fees(const struct evm_transaction *decoded, struct facts *facts) {
	static const struct amount GWEI = {{1'000'000'000, 0, 0, 0}};
	struct amount gwei = amount_divide_up(&decoded->fee_per_gas, &GWEI);
	uint64_t number;
	facts_add_long(facts, "transfer.gas_limit", FACT_VERIFIED, long_of(decoded->gas_limit));
	facts_add_amount(facts, "transfer.fee_max_per_gas", FACT_VERIFIED, &decoded->fee_per_gas);
	facts_add_long(facts, "transfer.fee_max_per_gas_gwei", FACT_VERIFIED,
		       amount_fits_u64(&gwei, &number) ? long_of(number) : INT64_MAX);
}

static void
add_facts(const struct wallet_transaction *transaction, struct facts *facts) {
	const struct evm_detail *detail = detail_of(transaction);
	const struct evm_transaction *decoded = &detail->transaction;
	if (decoded->has_chain_id)
		facts_add_long(facts, "transfer.chain_id", FACT_VERIFIED, long_of(decoded->chain_id));
	facts_add_string(facts, "transfer.transaction_type", FACT_VERIFIED,
			 bytes_of_text(evm_type_name(decoded->type)));
	facts_add_long(facts, "transfer.nonce", FACT_VERIFIED, long_of(decoded->nonce));
	facts_add_amount(facts, "transfer.value", FACT_VERIFIED, &decoded->value);
	add_fees(decoded, facts);
	if (detail->contract.len > 0)
		facts_add_string(facts, "transfer.contract", FACT_VERIFIED, detail->contract);
	if (detail->owner.len > 0)
		facts_add_string(facts, "transfer.token_owner", FACT_VERIFIED, detail->owner);
	struct bytes selector = selector_of(decoded);
	char digits[9];
	hex_encode(selector, digits);
	if (selector.len > 0)
		facts_add_string(facts, "call.selector", FACT_VERIFIED, bytes_of_text(digits));
	facts_add_long(facts, "call.data_bytes", FACT_VERIFIED, (int64_t)decoded->data.len);
}

/* --- For people --- */

static void
write_member_amount(struct json_writer *writer, const char *key, const struct amount *amount) {
	char text[AMOUNT_TEXT_SIZE];
	amount_format(amount, text);
	json_write_member_text(writer, key, text);
}

static void
write_member_u64(struct json_writer *writer, const char *key, uint64_t number) {
	struct amount amount = amount_of(number);
	write_member_amount(writer, key, &amount);
}

static void
write_details(const struct wallet_transaction *transaction, struct json_writer *writer) {
	const struct evm_detail *detail = detail_of(transaction);
	const struct evm_transaction *decoded = &detail->transaction;
	struct hash256 data_hash = sha256(decoded->data);
	json_write_member_integer(writer, "access_list_addresses", (int64_t)decoded->access_count);
	json_write_member_string(writer, "contract", detail->contract);
	json_write_member_integer(writer, "data_bytes", (int64_t)decoded->data.len);
	json_write_member_hex(writer, "data_hash", hash256_bytes(&data_hash));
	write_member_amount(writer, "fee_max", &transaction->fee_max);
	write_member_amount(writer, "fee_max_per_gas", &decoded->fee_per_gas);
	write_member_u64(writer, "gas_limit", decoded->gas_limit);
	write_member_u64(writer, "nonce", decoded->nonce);
	write_member_amount(writer, "priority_fee_per_gas", &decoded->priority_fee_per_gas);
	json_write_member_hex(writer, "selector", selector_of(decoded));
	json_write_member_boolean(writer, "signed", decoded->is_signed);
	json_write_member_string(writer, "token_owner", detail->owner);
	json_write_member_text(writer, "transaction_type", evm_type_name(decoded->type));
	write_member_amount(writer, "value", &decoded->value);
}

static void
explain_details(const struct wallet_transaction *transaction, struct buffer *text) {
	static const char *const TYPES[] = {[EVM_LEGACY] = "legacy",
					    [EVM_ACCESS_LIST] = "access list (EIP-2930)",
					    [EVM_DYNAMIC_FEE] = "dynamic fee (EIP-1559)"};
	const struct evm_detail *detail = detail_of(transaction);
	const struct evm_transaction *decoded = &detail->transaction;
	char fee[ASSET_AMOUNT_TEXT_SIZE];
	buffer_append_format(text, "%-14s%s, %s\n", "transaction", TYPES[decoded->type],
			     decoded->is_signed ? "signed" : "unsigned");
	if (detail->owner.len > 0)
		buffer_append_format(text, "%-14s%.*s\n", "tokens of", BYTES_ARGS(detail->owner));
	if (detail->contract.len > 0)
		buffer_append_format(text, "%-14s%.*s, %zu bytes of data\n", "calls", BYTES_ARGS(detail->contract),
				     decoded->data.len);
	if (decoded->creates_contract)
		buffer_append_format(text, "%-14s%zu bytes of init code\n", "creates", decoded->data.len);
	if (decoded->access_count > 0)
		buffer_append_format(text, "%-14s%zu addresses\n", "access list", decoded->access_count);
	asset_amount_format(&decoded->fee_per_gas, 9, fee);
	buffer_append_format(text, "%-14s%llu\n", "nonce", (unsigned long long)decoded->nonce);
	buffer_append_format(text, "%-14s%llu at %s gwei at most\n", "gas", (unsigned long long)decoded->gas_limit,
			     fee);
	if (decoded->type == EVM_DYNAMIC_FEE) {
		asset_amount_format(&decoded->priority_fee_per_gas, 9, fee);
		buffer_append_format(text, "%-14s%s gwei\n", "priority fee", fee);
	}
}

/* --- The signed transaction --- */

static enum status
assemble(struct arena *arena, const struct wallet_transaction *transaction, const struct signature *signatures,
	 struct wallet_result *result) {
	const struct signing_request *request = transaction->requests;
	if (!bytes_equal(request->expected_public_key, BYTES_OF_ARRAY(signatures->public_key)))
		return fail(STATUS_INTERNAL, "evm.signature.key: signed by another key than the transaction's");
	if (signatures->recovery < 0)
		return fail(STATUS_INTERNAL, "evm.signature.recovery: no recovery id");
	TRY(evm_check_signature(signatures->bytes, (uint64_t)signatures->recovery));

	struct evm_transaction complete = detail_of(transaction)->transaction;
	complete.is_signed = true;
	complete.y_parity = (unsigned)signatures->recovery;
	memcpy(complete.signature, signatures->bytes, sizeof complete.signature);
	result->transaction = evm_encode_transaction(arena, &complete);
	TRY_ALLOC(result->transaction.data);
	struct hash256 hash = keccak256(result->transaction);
	char digits[2 * sizeof hash.bytes + 1];
	hex_encode(hash256_bytes(&hash), digits);
	const char *id = arena_format(arena, "0x%s", digits);
	TRY_ALLOC(id);
	result->transaction_id = bytes_of_text(id);
	return OK;
}

/* The key is recovered, so that the parity is verified as well. */
static enum status
assemble_signed(struct arena *arena, const struct wallet_transaction *transaction, struct bytes signed_transaction,
		struct wallet_result *result) {
	const struct signing_request *request = transaction->requests;
	struct evm_transaction complete;
	uint8_t signer[65];
	TRY(evm_decode_transaction(arena, signed_transaction, 0, &complete));
	if (!complete.is_signed)
		return fail(STATUS_INVALID, "evm.signature.missing: the transaction is not signed");
	struct signature signature = {.recovery = (int)complete.y_parity};
	memcpy(signature.bytes, complete.signature, sizeof signature.bytes);
	memcpy(signature.public_key, request->expected_public_key.data, sizeof signature.public_key);
	if (secp256k1_recover(request->digest, signature.bytes, signature.recovery, signer) != OK ||
	    memcmp(signer, transaction->context->key->public_key, sizeof signer) != 0)
		return fail(STATUS_UNAUTHORIZED, "evm.signature.signer: the signature is not the key's");
	return assemble(arena, transaction, &signature, result);
}

static enum status
normalise_address(struct arena *arena, struct bytes chain, struct bytes text, struct bytes *address) {
	(void)chain; /* an address is the same on every chain */
	struct evm_address parsed;
	TRY(evm_address_parse(text, &parsed));
	return write_address(arena, &parsed, address);
}

static enum status
check_chain(struct bytes chain) {
	uint64_t chain_id;
	return read_wanted_chain(chain, &chain_id);
}

const struct wallet_operations wallet_evm_operations = {
	.name = "evm",
	.chain_prefix = "eip155:",
	.algorithm = KEY_SECP256K1,
	.check_chain = check_chain,
	.decode = decode,
	.parties_max = parties_max,
	.add_parties = add_parties,
	.add_facts = add_facts,
	.write_details = write_details,
	.explain_details = explain_details,
	.assemble = assemble,
	.assemble_signed = assemble_signed,
	.normalise_address = normalise_address,
};
