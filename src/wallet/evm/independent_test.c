/*
 * ethers (tests/independent/verify-eth.mjs) reads the transactions that were signed here, and finds the same sender, hash, signing
 * hash and fields: 240 of them, of every type, with random fields. With one bit of a signature flipped it finds another sender.
 */
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "crypto/sign.h"
#include "wallet/evm/transaction.h"
#include "wallet/wallet.h"

static const char SCRIPT[] = TEST_SOURCE_ROOT "/tests/independent/verify-eth.mjs";
static const char PACKAGE[] = TEST_SOURCE_ROOT "/tests/independent/node_modules/ethers/package.json";
static const uint8_t PRIVATE_KEY[32] = {[0] = 0x11, [31] = 7};
constexpr size_t RUNS = 12;
constexpr size_t PER_RUN = 20;
constexpr uint64_t SEED = 20'261'121;

struct random {
	uint64_t state;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t
next(struct random *random) {
	uint64_t z = random->state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* Of every magnitude up to bits. */
static uint64_t
next_number(struct random *random, unsigned bits) {
	return next(random) >> (64 - bits) >> next(random) % bits;
}

static struct bytes
next_bytes(struct random *random, struct arena *arena, size_t max) {
	size_t len = next(random) % (max + 1);
	uint8_t *bytes = arena_alloc(arena, len);
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(next(random) % 3 == 0 ? 0 : next(random));
	return bytes_of(bytes, len);
}

static struct evm_address
next_address(struct random *random) {
	struct evm_address address;
	for (size_t i = 0; i < sizeof address.bytes; i++)
		address.bytes[i] = (uint8_t)next(random);
	return address;
}

static void
fill_access_list(struct random *random, struct arena *arena, struct evm_transaction *transaction) {
	transaction->access_count = next(random) % 3;
	struct evm_access *accesses = ARENA_NEW_ARRAY(arena, transaction->access_count, struct evm_access);
	assert_non_null(accesses);
	for (size_t i = 0; i < transaction->access_count; i++) {
		accesses[i].address = next_address(random);
		accesses[i].key_count = next(random) % 3;
		uint8_t(*keys)[32] = arena_alloc_array(arena, accesses[i].key_count, sizeof *keys);
		assert_non_null(keys);
		for (size_t j = 0; j < accesses[i].key_count; j++)
			keys[j][next(random) % 32] = (uint8_t)next(random);
		accesses[i].keys = keys;
	}
	transaction->accesses = accesses;
}

static struct evm_transaction
next_transaction(struct random *random, struct arena *arena) {
	struct evm_transaction transaction = {
		.type = (enum evm_type)(next(random) % 3),
		.has_chain_id = true,
		.chain_id = 1 + next_number(random, 50),
		.nonce = next_number(random, 53),
		.fee_per_gas = amount_of(next_number(random, 60)),
		.gas_limit = 1'000'000 + next_number(random, 40),
		.creates_contract = next(random) % 8 == 0,
		.value = {{next_number(random, 64), next_number(random, 20), 0, 0}},
		.data = next_bytes(random, arena, 100),
	};
	if (!transaction.creates_contract)
		transaction.to = next_address(random);
	if (transaction.type == EVM_DYNAMIC_FEE)
		transaction.priority_fee_per_gas = amount_of(next(random) % (transaction.fee_per_gas.limbs[0] + 1));
	if (transaction.type != EVM_LEGACY)
		fill_access_list(random, arena, &transaction);
	return transaction;
}

struct signed_transaction {
	struct evm_transaction unsigned_form;
	uint8_t digest[32];
	struct wallet_result result;
};

static struct wallet_key
our_key(void) {
	struct wallet_key key = {.id = BYTES_OF_LITERAL("eth-1")};
	uint8_t compressed[33];
	assert_ok(secp256k1_public_key(PRIVATE_KEY, compressed));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(compressed), key.public_key));
	return key;
}

static void
sign_next(struct random *random, struct arena *arena, struct signed_transaction *to) {
	struct wallet_key key = our_key();
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *decoded;
	struct signature signature;
	to->unsigned_form = next_transaction(random, arena);
	struct bytes payload = evm_encode_unsigned(arena, &to->unsigned_form);
	assert_ok(wallet_decode(arena, WALLET_EVM, payload, &context, &decoded));
	memcpy(to->digest, decoded->requests[0].digest, sizeof to->digest);
	assert_ok(secp256k1_sign(PRIVATE_KEY, to->digest, signature.bytes, &signature.recovery));
	assert_ok(secp256k1_public_key(PRIVATE_KEY, signature.public_key));
	assert_ok(wallet_assemble(arena, decoded, &signature, 1, &to->result));
}

/* --- What ethers says --- */

static void
need_ethers(void) {
	if (access(PACKAGE, R_OK) != 0) {
		print_message("ethers is not installed (npm ci in tests/independent)\n");
		skip();
	}
}

/* One answer, in one line, per transaction; the answers end with a NUL. */
static char *
ask_ethers(struct arena *arena, const struct bytes *transactions, size_t count) {
	_cleanup_(buffer_free) struct buffer command = {}, answer = {};
	char block[4096];
	buffer_append_format(&command, "node '%s'", SCRIPT);
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(&command, " 0x");
		buffer_append_hex(&command, transactions[i]);
	}
	buffer_append_byte(&command, '\0');
	assert_ok(buffer_status(&command));
	FILE *pipe = popen((const char *)command.data, "r");
	assert_non_null(pipe);
	for (size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;)
		buffer_append(&answer, block, got);
	int code = pclose(pipe);
	char *text = arena_text(arena, buffer_bytes(&answer));
	assert_non_null(text);
	if (code != 0)
		fail_msg("ethers: %s", text);
	return text;
}

static void
assert_member(const json *answer, const char *name, const char *expected) {
	struct bytes text;
	assert_ok(json_need_string(answer, "ethers", name, &text));
	if (!bytes_equal_text(text, expected))
		fail_msg("%s: ethers has %.*s, expected %s", name, BYTES_ARGS(text), expected);
}

static void
assert_amount(const json *answer, const char *name, const struct amount *expected) {
	char text[AMOUNT_TEXT_SIZE];
	amount_format(expected, text);
	assert_member(answer, name, text);
}

static void
assert_number(const json *answer, const char *name, uint64_t expected) {
	struct amount amount = amount_of(expected);
	assert_amount(answer, name, &amount);
}

static const char *
prefixed_hex(struct arena *arena, struct bytes bytes) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "0x");
	buffer_append_hex(&text, bytes);
	return arena_text(arena, buffer_bytes(&text));
}

static void
compare(struct arena *arena, const json *answer, const struct signed_transaction *ours) {
	const struct evm_transaction *fields = &ours->unsigned_form;
	struct wallet_key key = our_key();
	struct evm_address sender = evm_address_of_key(key.public_key);
	char address[EVM_ADDRESS_TEXT_SIZE];
	evm_address_format(&sender, address);
	assert_member(answer, "sender", address);
	assert_member(answer, "hash", (const char *)ours->result.transaction_id.data);
	assert_member(answer, "signing_hash", prefixed_hex(arena, BYTES_OF_ARRAY(ours->digest)));
	assert_member(answer, "data", prefixed_hex(arena, fields->data));
	assert_number(answer, "type", fields->type);
	assert_number(answer, "chain_id", fields->chain_id);
	assert_number(answer, "nonce", fields->nonce);
	assert_number(answer, "gas_limit", fields->gas_limit);
	assert_amount(answer, "value", &fields->value);
	assert_amount(answer, fields->type == EVM_DYNAMIC_FEE ? "max_fee" : "gas_price", &fields->fee_per_gas);
	if (fields->type == EVM_DYNAMIC_FEE)
		assert_amount(answer, "max_priority_fee", &fields->priority_fee_per_gas);
	evm_address_format(&fields->to, address);
	if (fields->creates_contract)
		assert_int_equal(JSON_NULL, json_type_of(json_get(answer, "to")));
	else
		assert_member(answer, "to", address);
}

static void
ethers_reads_what_was_signed(void **) {
	need_ethers();
	struct random random = {SEED};
	size_t by_type[3] = {};
	for (size_t run = 0; run < RUNS; run++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct signed_transaction ours[PER_RUN];
		struct bytes transactions[PER_RUN];
		for (size_t i = 0; i < PER_RUN; i++) {
			sign_next(&random, &arena, &ours[i]);
			transactions[i] = ours[i].result.transaction;
			by_type[ours[i].unsigned_form.type]++;
		}
		char *line = ask_ethers(&arena, transactions, PER_RUN);
		for (size_t i = 0; i < PER_RUN; i++) {
			size_t len = strcspn(line, "\n");
			const json *answer;
			assert_ok(json_read(&arena, bytes_of(line, len), (struct json_limits){}, &answer));
			compare(&arena, answer, &ours[i]);
			line += len + 1;
		}
	}
	print_message("ethers agrees on %zu legacy, %zu access list and %zu dynamic fee transactions\n",
		      by_type[EVM_LEGACY], by_type[EVM_ACCESS_LIST], by_type[EVM_DYNAMIC_FEE]);
	for (size_t type = 0; type < ARRAY_LENGTH(by_type); type++)
		assert_true(by_type[type] > 0);
}

static void
ethers_finds_another_sender_for_a_flipped_bit(void **) {
	need_ethers();
	_cleanup_(arena_free) struct arena arena = {};
	struct random random = {SEED};
	struct signed_transaction ours;
	struct evm_transaction changed;
	struct evm_address sender, own;
	const json *answer;
	struct bytes text;
	sign_next(&random, &arena, &ours);
	struct wallet_key key = our_key();
	own = evm_address_of_key(key.public_key);
	assert_ok(evm_decode_transaction(&arena, ours.result.transaction, 0, &changed));
	changed.signature[63] ^= 1;
	assert_ok(evm_recover_sender(&arena, &changed, &sender));
	struct bytes bytes = evm_encode_transaction(&arena, &changed);
	char *line = ask_ethers(&arena, &bytes, 1);
	assert_ok(json_read(&arena, bytes_of(line, strcspn(line, "\n")), (struct json_limits){}, &answer));
	assert_ok(json_need_string(answer, "ethers", "sender", &text));
	assert_bytes(evm_address_text(&arena, &sender), text);
	assert_false(bytes_equal(evm_address_text(&arena, &own), text));
}

RUN_TESTS(T(ethers_reads_what_was_signed), T(ethers_finds_another_sender_for_a_flipped_bit))
