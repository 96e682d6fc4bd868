#include "tests/test.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "wallet/evm/rlp.h"
#include "wallet/evm/transaction.h"
#include "wallet/wallet.h"

static const char USDC[] = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
static const char RECIPIENT[] = "0x3535353535353535353535353535353535353535";
static const uint8_t PRIVATE_KEY[32] = {[31] = 7};
constexpr int64_t NOW_MS = 1'000'000'000;
constexpr int64_t PRICE_AGE_MAX_MS = 3'600'000;
constexpr uint64_t DOLLAR = 100'000'000; /* micro-cents */

struct fixture {
	struct arena arena;
	struct asset_registry *assets;
	struct wallet_key key;
	struct wallet_context context;
	char address[EVM_ADDRESS_TEXT_SIZE];
};

static int
set_up(void **state) {
	struct fixture *f = calloc(1, sizeof *f);
	const struct bytes chain = BYTES_OF_LITERAL("eip155:1");
	uint8_t compressed[33];
	assert_non_null(f);
	assert_ok(asset_registry_create(&f->assets));
	assert_ok(asset_registry_add(f->assets, chain, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	assert_ok(asset_registry_add(f->assets, chain, bytes_of_text(USDC), BYTES_OF_LITERAL("USDC"), 6));
	assert_ok(
		asset_registry_set_price(f->assets, BYTES_OF_LITERAL("eip155:1/native"), 3000 * DOLLAR, NOW_MS - 1000));
	assert_ok(asset_registry_set_price(f->assets, asset_id(&f->arena, chain, bytes_of_text(USDC)), DOLLAR, NOW_MS));
	assert_ok(secp256k1_public_key(PRIVATE_KEY, compressed));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(compressed), f->key.public_key));
	f->key.id = BYTES_OF_LITERAL("eth-hot-1");
	f->context = (struct wallet_context){
		.assets = f->assets, .now_ms = NOW_MS, .price_age_max_ms = PRICE_AGE_MAX_MS, .key = &f->key};
	struct evm_address address = evm_address_of_key(f->key.public_key);
	evm_address_format(&address, f->address);
	*state = f;
	return 0;
}

static int
tear_down(void **state) {
	struct fixture *f = *state;
	asset_registry_destroy(&f->assets);
	arena_free(&f->arena);
	free(f);
	return 0;
}

/* --- Transactions --- */

static struct evm_address
address_of(const char *text) {
	struct evm_address address;
	assert_ok(evm_address_parse(bytes_of_text(text), &address));
	return address;
}

/* 0.5 ETH to RECIPIENT, at most 21,000 × 20 gwei = 0.00042 ETH of fee. */
static struct evm_transaction
native_transfer(void) {
	return (struct evm_transaction){
		.type = EVM_DYNAMIC_FEE,
		.has_chain_id = true,
		.chain_id = 1,
		.nonce = 7,
		.priority_fee_per_gas = amount_of(1'000'000'000),
		.fee_per_gas = amount_of(20'000'000'000),
		.gas_limit = 21000,
		.to = address_of(RECIPIENT),
		.value = amount_of(500'000'000'000'000'000),
	};
}

struct call_words {
	const char *selector;
	const char *addresses[2]; /* null: not given */
	const char *amount;       /* 64 hexadecimal digits */
};

static const char AMOUNT_12_50[] = "0000000000000000000000000000000000000000000000000000000000bebc20";
static const char AMOUNT_ALL[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

static struct bytes
call_data(struct arena *arena, const struct call_words *words) {
	_cleanup_(buffer_free) struct buffer hex = {};
	buffer_append_text(&hex, words->selector);
	for (size_t i = 0; i < ARRAY_LENGTH(words->addresses) && words->addresses[i] != nullptr; i++)
		buffer_append_format(&hex, "%024d%s", 0, words->addresses[i] + 2);
	buffer_append_text(&hex, words->amount);
	uint8_t *data = arena_alloc(arena, hex.len / 2);
	assert_non_null(data);
	assert_ok(hex_decode(buffer_bytes(&hex), data, hex.len / 2));
	return bytes_of(data, hex.len / 2);
}

static struct evm_transaction
token_call(struct arena *arena, const struct call_words *words) {
	struct evm_transaction transaction = native_transfer();
	transaction.to = address_of(USDC);
	transaction.value = (struct amount){};
	transaction.gas_limit = 100'000;
	transaction.data = call_data(arena, words);
	return transaction;
}

static struct wallet_transaction *
decode(struct fixture *f, const struct evm_transaction *transaction) {
	struct wallet_transaction *decoded;
	assert_ok(wallet_decode(&f->arena, WALLET_EVM, evm_encode_transaction(&f->arena, transaction), &f->context,
				&decoded));
	return decoded;
}

/* --- Facts --- */

static struct facts *
facts_of(struct fixture *f, const struct evm_transaction *transaction) {
	struct facts *facts = ARENA_NEW(&f->arena, struct facts);
	assert_non_null(facts);
	facts_start(facts, &f->arena);
	assert_ok(wallet_facts(decode(f, transaction), facts));
	return facts;
}

static void
assert_text(const struct facts *facts, const char *name, const char *expected) {
	const struct fact *fact = facts_find(facts, name);
	if (fact == nullptr)
		fail_msg("%s is absent", name);
	assert_int_equal(VALUE_STRING, fact->value.type);
	assert_bytes(bytes_of_text(expected), fact->value.string);
}

static void
assert_long(const struct facts *facts, const char *name, int64_t expected) {
	const struct fact *fact = facts_find(facts, name);
	if (fact == nullptr)
		fail_msg("%s is absent", name);
	assert_int_equal(VALUE_LONG, fact->value.type);
	assert_int_equal(expected, fact->value.integer);
}

static void
assert_flag(const struct facts *facts, const char *name, bool expected) {
	const struct fact *fact = facts_find(facts, name);
	if (fact == nullptr)
		fail_msg("%s is absent", name);
	assert_int_equal(VALUE_BOOLEAN, fact->value.type);
	assert_true(expected == fact->value.boolean);
}

static void
assert_absent(const struct facts *facts, const char *name) {
	if (facts_find(facts, name) != nullptr)
		fail_msg("%s is present", name);
}

static void
assert_destination(const struct facts *facts, const char *expected) {
	const struct fact *fact = facts_find(facts, "transfer.destinations");
	assert_non_null(fact);
	assert_int_equal(1, fact->value.set.count);
	assert_bytes(bytes_of_text(expected), fact->value.set.items[0].string);
	assert_text(facts, "transfer.to", expected);
}

static void
a_native_transfer_counts_value_and_highest_fee(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction = native_transfer();
	const struct facts *facts = facts_of(f, &transaction);
	assert_text(facts, "transfer.format", "evm");
	assert_text(facts, "transfer.kind", "native");
	assert_text(facts, "transfer.chain", "eip155:1");
	assert_long(facts, "transfer.chain_id", 1);
	assert_text(facts, "transfer.asset", "eip155:1/native");
	assert_flag(facts, "transfer.asset_known", true);
	assert_text(facts, "transfer.symbol", "ETH");
	assert_text(facts, "transfer.from", f->address);
	assert_destination(facts, RECIPIENT);
	assert_long(facts, "transfer.destination_count", 1);
	assert_text(facts, "transfer.amount", "500000000000000000");
	assert_long(facts, "transfer.amount_milli", 500);
	assert_text(facts, "transfer.value", "500000000000000000");
	assert_long(facts, "transfer.amount_usd_cents", 150000);
	assert_text(facts, "transfer.fee_max", "420000000000000");
	assert_long(facts, "transfer.fee_max_milli", 1);
	assert_long(facts, "transfer.fee_usd_cents", 126);
	assert_long(facts, "transfer.usd_cents", 150126);
	assert_flag(facts, "transfer.price_missing", false);
	assert_flag(facts, "transfer.price_stale", false);
	assert_text(facts, "transfer.transaction_type", "dynamic_fee");
	assert_long(facts, "transfer.nonce", 7);
	assert_long(facts, "transfer.gas_limit", 21000);
	assert_text(facts, "transfer.fee_max_per_gas", "20000000000");
	assert_long(facts, "transfer.fee_max_per_gas_gwei", 20);
	assert_flag(facts, "call.unrecognised", false);
	assert_flag(facts, "approve.unlimited", false);
	assert_long(facts, "call.data_bytes", 0);
	assert_absent(facts, "call.selector");
	assert_absent(facts, "transfer.contract");
	assert_absent(facts, "transfer.token_owner");
}

static void
each_part_of_the_value_is_rounded_up(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction = native_transfer();
	transaction.value = amount_of(1);
	transaction.fee_per_gas = amount_of(1);
	transaction.priority_fee_per_gas = amount_of(1);
	const struct facts *facts = facts_of(f, &transaction);
	assert_long(facts, "transfer.amount_usd_cents", 1);
	assert_long(facts, "transfer.fee_usd_cents", 1);
	assert_long(facts, "transfer.usd_cents", 2);
}

static void
token_calls_of_a_registered_contract_are_recognised(void **state) {
	struct fixture *f = *state;
	static const char OWNER[] = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
	static const struct {
		struct call_words words;
		const char *kind;
		bool has_owner;
	} cases[] = {
		{{"a9059cbb", {RECIPIENT}, AMOUNT_12_50}, "token_transfer", false},
		{{"23b872dd", {OWNER, RECIPIENT}, AMOUNT_12_50}, "token_transfer_from", true},
		{{"095ea7b3", {RECIPIENT}, AMOUNT_12_50}, "token_approve", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct evm_transaction transaction = token_call(&f->arena, &cases[i].words);
		const struct facts *facts = facts_of(f, &transaction);
		assert_text(facts, "transfer.kind", cases[i].kind);
		assert_text(facts, "transfer.asset", "eip155:1/0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48");
		assert_text(facts, "transfer.symbol", "USDC");
		assert_destination(facts, RECIPIENT);
		assert_text(facts, "transfer.contract", USDC);
		assert_text(facts, "transfer.amount", "12500000");
		assert_long(facts, "transfer.amount_milli", 12500);
		assert_long(facts, "transfer.amount_usd_cents", 1250);
		assert_long(facts, "transfer.fee_usd_cents", 600);
		assert_long(facts, "transfer.usd_cents", 1850);
		assert_text(facts, "call.selector", cases[i].words.selector);
		assert_flag(facts, "call.unrecognised", false);
		assert_flag(facts, "approve.unlimited", false);
		if (cases[i].has_owner)
			assert_text(facts, "transfer.token_owner", OWNER);
		else
			assert_absent(facts, "transfer.token_owner");
	}
}

/* Whoever had it has less: what it takes away has no value, and so needs no price. */
static void
an_approve_of_nothing_takes_an_allowance_back(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *selector, *amount;
		bool revokes;
	} cases[] = {
		{"095ea7b3", "0000000000000000000000000000000000000000000000000000000000000000", true},
		{"095ea7b3", "0000000000000000000000000000000000000000000000000000000000000001", false},
		{"095ea7b3", AMOUNT_ALL, false},
		{"a9059cbb", "0000000000000000000000000000000000000000000000000000000000000000", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct evm_transaction transaction =
			token_call(&f->arena, &(struct call_words){cases[i].selector, {RECIPIENT}, cases[i].amount});
		const struct facts *facts = facts_of(f, &transaction);
		assert_flag(facts, "approve.revokes", cases[i].revokes);
		if (cases[i].revokes)
			assert_int_equal(0, facts_find(facts, "transfer.amount_usd_cents")->value.integer);
	}
}

static void
an_unlimited_approve_is_named_and_has_no_value(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *amount;
		bool is_unlimited;
	} cases[] = {
		{AMOUNT_ALL, true},
		{"0000000000000000000000000000000000000000ffffffffffffffffffffffff", true},
		{"0000000000000000000000000000000000000000fffffffffffffffffffffffe", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct evm_transaction transaction =
			token_call(&f->arena, &(struct call_words){"095ea7b3", {RECIPIENT}, cases[i].amount});
		const struct facts *facts = facts_of(f, &transaction);
		assert_flag(facts, "approve.unlimited", cases[i].is_unlimited);
		assert_absent(facts, "transfer.usd_cents");
		assert_flag(facts, "transfer.usd_cents_fits", false);
		assert_flag(facts, "transfer.amount_usd_cents_fits", false);
		assert_flag(facts, "transfer.amount_milli_fits", false);
		assert_flag(facts, "transfer.price_missing", false);
	}
}

static void
a_call_that_differs_in_anything_is_unrecognised(void **state) {
	struct fixture *f = *state;
	const struct call_words words = {"a9059cbb", {RECIPIENT}, AMOUNT_12_50};
	struct evm_transaction cases[9];
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		cases[i] = token_call(&f->arena, &words);
	cases[0].to = address_of(RECIPIENT); /* not in the registry */
	cases[1].chain_id = 5;
	cases[2].value = amount_of(1);
	cases[3].data.len--;
	cases[4].data = arena_copy(&f->arena, cases[4].data); /* and a zero behind it */
	cases[4].data.len++;
	cases[5].data = call_data(&f->arena, &(struct call_words){"40c10f19", {RECIPIENT}, AMOUNT_12_50}); /* mint */
	cases[6].data.len = 4;
	cases[7].data.len = 3;
	uint8_t *padded = arena_alloc(&f->arena, cases[8].data.len);
	memcpy(padded, cases[8].data.data, cases[8].data.len);
	padded[4 + 11] = 1;
	cases[8].data.data = padded;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct facts *facts = facts_of(f, &cases[i]);
		assert_flag(facts, "call.unrecognised", true);
		assert_text(facts, "transfer.kind", "unrecognised_call");
		assert_text(facts, "transfer.asset", i == 1 ? "eip155:5/native" : "eip155:1/native");
		assert_destination(facts, i == 0 ? RECIPIENT : USDC);
		assert_text(facts, "transfer.amount", i == 2 ? "1" : "0");
		if (i == 7)
			assert_absent(facts, "call.selector");
	}
}

static void
a_created_contract_is_the_destination(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction = native_transfer();
	transaction.creates_contract = true;
	transaction.gas_limit = 60000;
	transaction.data = BYTES_OF_LITERAL("\x60\x00\x60\x00\xf3");
	struct evm_address sender = evm_address_of_key(f->key.public_key);
	struct evm_address contract = evm_address_of_contract(&sender, transaction.nonce);
	char text[EVM_ADDRESS_TEXT_SIZE];
	evm_address_format(&contract, text);
	const struct facts *facts = facts_of(f, &transaction);
	assert_text(facts, "transfer.kind", "contract_creation");
	assert_flag(facts, "call.unrecognised", true);
	assert_destination(facts, text);
	assert_absent(facts, "transfer.contract");
	assert_absent(facts, "call.selector");
}

static void
without_a_fresh_price_there_is_no_value(void **state) {
	struct fixture *f = *state;
	struct evm_transaction native = native_transfer();
	struct evm_transaction token =
		token_call(&f->arena, &(struct call_words){"a9059cbb", {RECIPIENT}, AMOUNT_12_50});

	f->context.now_ms = NOW_MS + PRICE_AGE_MAX_MS;
	const struct facts *facts = facts_of(f, &token); /* the native price is a second older than the token's */
	assert_absent(facts, "transfer.usd_cents");
	assert_absent(facts, "transfer.fee_usd_cents");
	assert_long(facts, "transfer.amount_usd_cents", 1250);
	assert_flag(facts, "transfer.price_stale", true);
	assert_flag(facts, "transfer.price_missing", false);

	f->context.now_ms = NOW_MS - 1001; /* recorded in the future */
	assert_flag(facts_of(f, &native), "transfer.price_stale", true);

	f->context.now_ms = NOW_MS;
	native.chain_id = 10;
	facts = facts_of(f, &native);
	assert_absent(facts, "transfer.usd_cents");
	assert_absent(facts, "transfer.usd_cents_fits");
	assert_absent(facts, "transfer.symbol");
	assert_absent(facts, "transfer.amount_milli");
	assert_flag(facts, "transfer.asset_known", false);
	assert_flag(facts, "transfer.price_missing", true);

	f->context.assets = nullptr;
	assert_flag(facts_of(f, &token), "call.unrecognised", true);
}

static void
numbers_beyond_a_long_are_left_out(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction = native_transfer();
	transaction.nonce = UINT64_MAX - 1;
	transaction.gas_limit = UINT64_MAX;
	transaction.chain_id = EVM_CHAIN_ID_MAX;
	transaction.fee_per_gas = (struct amount){{0, 0, 1, 0}};
	const struct facts *facts = facts_of(f, &transaction);
	static const char *const names[] = {"transfer.nonce", "transfer.gas_limit", "transfer.chain_id",
					    "transfer.fee_max_per_gas_gwei"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char fits[64];
		snprintf(fits, sizeof fits, "%s_fits", names[i]);
		assert_absent(facts, names[i]);
		assert_flag(facts, fits, false);
	}
}

/* --- Signing --- */

static void
what_is_signed_recovers_to_the_key(void **state) {
	struct fixture *f = *state;
	const struct call_words words = {"a9059cbb", {RECIPIENT}, AMOUNT_12_50};
	struct evm_transaction transactions[] = {native_transfer(), native_transfer(), native_transfer(),
						 token_call(&f->arena, &words)};
	transactions[1].type = EVM_LEGACY;
	transactions[2].type = EVM_ACCESS_LIST;
	for (size_t i = 0; i < ARRAY_LENGTH(transactions); i++) {
		struct wallet_transaction *decoded = decode(f, &transactions[i]);
		assert_int_equal(1, decoded->request_count);
		assert_int_equal(SCHEME_ECDSA_SECP256K1, decoded->requests[0].scheme);
		assert_int_equal(0, decoded->requests[0].path.count);
		struct signature signature;
		assert_ok(
			secp256k1_sign(PRIVATE_KEY, decoded->requests[0].digest, signature.bytes, &signature.recovery));
		assert_ok(secp256k1_public_key(PRIVATE_KEY, signature.public_key));
		struct wallet_result result;
		assert_ok(wallet_assemble(&f->arena, decoded, &signature, 1, &result));

		struct evm_transaction complete;
		struct evm_address sender;
		char text[EVM_ADDRESS_TEXT_SIZE], id[67] = "0x";
		assert_ok(evm_decode_transaction(&f->arena, result.transaction, 1, &complete));
		assert_ok(evm_recover_sender(&f->arena, &complete, &sender));
		evm_address_format(&sender, text);
		assert_string_equal(f->address, text);
		struct hash256 hash = keccak256(result.transaction);
		hex_encode(hash256_bytes(&hash), id + 2);
		assert_bytes(bytes_of_text(id), result.transaction_id);

		assert_fails(STATUS_INVALID, "wallet.signatures",
			     wallet_assemble(&f->arena, decoded, &signature, 0, &result));
		signature.recovery = 2;
		assert_fails(STATUS_INVALID, "evm.y_parity.range",
			     wallet_assemble(&f->arena, decoded, &signature, 1, &result));
		signature.recovery = -1;
		assert_fails(STATUS_INTERNAL, "evm.signature.recovery",
			     wallet_assemble(&f->arena, decoded, &signature, 1, &result));
		signature.public_key[1] ^= 1;
		assert_fails(STATUS_INTERNAL, "evm.signature.key",
			     wallet_assemble(&f->arena, decoded, &signature, 1, &result));
	}
}

static void
the_gate_signs_only_unsigned_transactions_bound_to_a_chain(void **state) {
	struct fixture *f = *state;
	struct wallet_transaction *decoded;
	struct evm_transaction transaction = native_transfer();
	transaction.type = EVM_LEGACY;
	transaction.has_chain_id = false;
	struct bytes bytes = evm_encode_transaction(&f->arena, &transaction);
	assert_fails(STATUS_INVALID, "evm.chain_id.missing",
		     wallet_decode(&f->arena, WALLET_EVM, bytes, &f->context, &decoded));

	transaction = native_transfer();
	transaction.is_signed = true;
	transaction.signature[31] = transaction.signature[63] = 1;
	struct bytes complete = evm_encode_transaction(&f->arena, &transaction);
	assert_fails(STATUS_INVALID, "evm.signed",
		     wallet_decode(&f->arena, WALLET_EVM, complete, &f->context, &decoded));

	transaction = native_transfer();
	f->context.chain = BYTES_OF_LITERAL("eip155:5");
	struct bytes other = evm_encode_transaction(&f->arena, &transaction);
	assert_fails(STATUS_INVALID, "evm.chain_id.differs",
		     wallet_decode(&f->arena, WALLET_EVM, other, &f->context, &decoded));
	static const char *const chains[] = {"eip155:", "eip155:0", "eip155:01", "bitcoin:main", "1"};
	for (size_t i = 0; i < ARRAY_LENGTH(chains); i++) {
		f->context.chain = bytes_of_text(chains[i]);
		assert_fails(STATUS_INVALID, "evm.chain",
			     wallet_decode(&f->arena, WALLET_EVM, other, &f->context, &decoded));
	}

	f->context = (struct wallet_context){};
	assert_ok(wallet_decode(&f->arena, WALLET_EVM, other, &f->context, &decoded));
	assert_null(decoded->refusal);
	assert_ok(wallet_decode(&f->arena, WALLET_EVM, bytes, &f->context, &decoded));
	assert_int_equal(0, decoded->request_count);
	assert_false(decoded->has_spend);
	assert_true(strncmp(decoded->refusal, "evm.chain_id.missing: ", 22) == 0);
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(wallet_explain(decoded, &text));
	buffer_append_byte(&text, '\0');
	assert_non_null(strstr((const char *)text.data, " smallest units of whatever the chain's own asset is to 0x"));
	assert_ok(wallet_decode(&f->arena, WALLET_EVM, complete, &f->context, &decoded));
	assert_true(decoded->from.len > 0);
	assert_true(strncmp(decoded->refusal, "evm.signed: ", 12) == 0);
	struct wallet_result result;
	assert_fails(STATUS_INVALID, "wallet.signatures",
		     wallet_assemble(&f->arena, decoded, &(struct signature){}, 0, &result));
}

static void
a_replacement_shares_sender_chain_and_nonce(void **state) {
	struct fixture *f = *state;
	struct evm_transaction first = native_transfer(), replacement = first, other_nonce = first, other_chain = first;
	replacement.fee_per_gas = amount_of(99'000'000'000);
	replacement.value = amount_of(1);
	replacement.to = address_of(USDC);
	other_nonce.nonce++;
	other_chain.chain_id = 10;
	struct hash256 spend = decode(f, &first)->spend;
	assert_true(decode(f, &first)->has_spend);
	assert_true(hash256_equal(&spend, &decode(f, &replacement)->spend));
	assert_false(hash256_equal(&spend, &decode(f, &other_nonce)->spend));
	assert_false(hash256_equal(&spend, &decode(f, &other_chain)->spend));
	uint8_t other_key[32] = {[31] = 8}, compressed[33];
	assert_ok(secp256k1_public_key(other_key, compressed));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(compressed), f->key.public_key));
	assert_false(hash256_equal(&spend, &decode(f, &first)->spend));
}

/* --- Views --- */

static void
the_view_does_not_depend_on_prices_or_time(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction =
		token_call(&f->arena, &(struct call_words){"095ea7b3", {RECIPIENT}, AMOUNT_ALL});
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	assert_ok(wallet_view(decode(f, &transaction), &first));
	f->context.now_ms += 10 * PRICE_AGE_MAX_MS;
	assert_ok(asset_registry_set_price(f->assets, BYTES_OF_LITERAL("eip155:1/native"), 1, 0));
	assert_ok(wallet_view(decode(f, &transaction), &second));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	assert_ok(json_check_canonical(&f->arena, buffer_bytes(&first)));

	const json *view, *movements;
	struct bytes text;
	bool flag;
	assert_ok(json_read(&f->arena, buffer_bytes(&first), (struct json_limits){}, &view));
	assert_ok(json_need_boolean(view, "view", "approve_unlimited", &flag));
	assert_true(flag);
	assert_ok(json_need(view, "view", "movements", JSON_ARRAY, &movements));
	struct json_iterator iterator = json_iterate(movements);
	const json *movement = json_next(&iterator, nullptr);
	assert_ok(json_need_string(movement, "movement", "part", &text));
	assert_true(bytes_equal_text(text, "allowance"));
	assert_ok(json_need_string(movement, "movement", "destination", &text));
	assert_true(bytes_equal_text(text, RECIPIENT));
}

static void
every_change_of_the_payload_changes_the_view(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction = native_transfer();
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	assert_ok(wallet_view(decode(f, &transaction), &first));
	transaction.value.limbs[0]++;
	assert_ok(wallet_view(decode(f, &transaction), &second));
	assert_false(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

static void
the_explanation_names_what_moves(void **state) {
	struct fixture *f = *state;
	struct evm_transaction transaction =
		token_call(&f->arena, &(struct call_words){"095ea7b3", {RECIPIENT}, AMOUNT_ALL});
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(wallet_explain(decode(f, &transaction), &text));
	transaction = token_call(&f->arena, &(struct call_words){"a9059cbb", {RECIPIENT}, AMOUNT_12_50});
	assert_ok(wallet_explain(decode(f, &transaction), &text));
	buffer_append_byte(&text, '\0');
	static const char *const parts[] = {"token_approve",
					    "unlimited",
					    "sends         12.5 USDC to 0x3535",
					    "($12.50)",
					    "fee at most   0.002 ETH  ($6.00)",
					    "nonce         7",
					    "at 20 gwei"};
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		if (strstr((const char *)text.data, parts[i]) == nullptr)
			fail_msg("\"%s\" is not in:\n%s", parts[i], (const char *)text.data);
}

/* --- Text and addresses --- */

static void
transactions_are_read_from_text(void **) {
	static const struct {
		const char *text, *name; /* name null: accepted */
		enum wallet_format format;
	} cases[] = {
		{"0x02e8", nullptr, WALLET_EVM},
		{" 02E8\n", nullptr, WALLET_EVM},
		{"cHNidP8BAAA=\n", nullptr, WALLET_PSBT},
		{"70736274ff00", nullptr, WALLET_PSBT},
		{"\x02\xe8", nullptr, WALLET_EVM},
		{"psbt\xff", nullptr, WALLET_PSBT},
		{"", "wallet.text", 0},
		{"0x", "wallet.text", 0},
		{"0x0", "wallet.text", 0},
		{"hello", "wallet.text", 0},
		{"cHNidP8BAA", "wallet.text", 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		enum wallet_format format;
		struct bytes payload;
		if (cases[i].name != nullptr) {
			assert_fails(STATUS_INVALID, cases[i].name,
				     wallet_payload_of_text(&arena, bytes_of_text(cases[i].text), &format, &payload));
			continue;
		}
		assert_ok(wallet_payload_of_text(&arena, bytes_of_text(cases[i].text), &format, &payload));
		assert_int_equal(cases[i].format, format);
		assert_true(payload.data[0] == 2 || payload.data[0] == 'p');
	}
}

static void
addresses_are_written_one_way(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes address;
	assert_ok(wallet_normalise_address(&arena, BYTES_OF_LITERAL("eip155:1"),
					   BYTES_OF_LITERAL("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"), &address));
	assert_bytes(bytes_of_text(USDC), address);
	assert_fails(
		STATUS_INVALID, "evm.address.form",
		wallet_normalise_address(&arena, BYTES_OF_LITERAL("eip155:1"), BYTES_OF_LITERAL("0x12"), &address));
	assert_fails(STATUS_UNSUPPORTED, "wallet.chain",
		     wallet_normalise_address(&arena, BYTES_OF_LITERAL("moon:1"), bytes_of_text(USDC), &address));
	static const char *const misspelt[] = {"eip155:01", "eip155:0", "eip155:", "eip155:0x1", "eip155:main"};
	for (size_t i = 0; i < ARRAY_LENGTH(misspelt); i++)
		assert_fails(
			STATUS_INVALID, "evm.chain",
			wallet_normalise_address(&arena, bytes_of_text(misspelt[i]), bytes_of_text(USDC), &address));
	assert_fails(STATUS_INVALID, "solana.chain",
		     wallet_normalise_address(&arena, BYTES_OF_LITERAL("solana:mainnet"),
					      BYTES_OF_LITERAL("2KW2XRd9kwqet15Aha2oK3tYvd3nWbTFH1MBiRAv1BE1"),
					      &address));
}

static void
payloads_and_formats_are_bounded(void **state) {
	struct fixture *f = *state;
	struct wallet_transaction *decoded;
	enum wallet_format format;
	struct bytes large = bytes_of(arena_alloc(&f->arena, WALLET_PAYLOAD_MAX + 1), WALLET_PAYLOAD_MAX + 1);
	assert_fails(STATUS_TOO_LARGE, "wallet.payload",
		     wallet_decode(&f->arena, WALLET_EVM, large, &f->context, &decoded));
	assert_fails(STATUS_UNSUPPORTED, "wallet.format",
		     wallet_decode(&f->arena, (enum wallet_format)99, large, &f->context, &decoded));
	assert_ok(wallet_format_of_name(BYTES_OF_LITERAL("evm"), &format));
	assert_int_equal(WALLET_EVM, format);
	assert_string_equal("evm", wallet_format_name(format));
	assert_fails(STATUS_UNSUPPORTED, "wallet.format", wallet_format_of_name(BYTES_OF_LITERAL("tron"), &format));
}

#define W(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

RUN_TESTS(W(a_native_transfer_counts_value_and_highest_fee), W(each_part_of_the_value_is_rounded_up),
	  W(token_calls_of_a_registered_contract_are_recognised), W(an_approve_of_nothing_takes_an_allowance_back),
	  W(an_unlimited_approve_is_named_and_has_no_value), W(a_call_that_differs_in_anything_is_unrecognised),
	  W(a_created_contract_is_the_destination), W(without_a_fresh_price_there_is_no_value),
	  W(numbers_beyond_a_long_are_left_out), W(what_is_signed_recovers_to_the_key),
	  W(the_gate_signs_only_unsigned_transactions_bound_to_a_chain), W(a_replacement_shares_sender_chain_and_nonce),
	  W(the_view_does_not_depend_on_prices_or_time), W(every_change_of_the_payload_changes_the_view),
	  W(the_explanation_names_what_moves), T(transactions_are_read_from_text), T(addresses_are_written_one_way),
	  W(payloads_and_formats_are_bounded))
