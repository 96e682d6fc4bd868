/*
 * @solana/web3.js and @solana/spl-token (tests/independent/solana.mjs) make transactions of every kind of step, which are read here
 * as they were meant, fee included, and written again byte for byte; what is signed here they read, verify and write again.
 */
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "crypto/sign.h"
#include "wallet/solana/step.h"
#include "wallet/wallet.h"

static const char SCRIPT[] = TEST_SOURCE_ROOT "/tests/independent/solana.mjs";
static const char PACKAGE[] = TEST_SOURCE_ROOT "/tests/independent/node_modules/@solana/web3.js/package.json";
constexpr size_t RUNS = 8;
constexpr size_t PER_RUN = 50;

struct ours {
	uint8_t seed[32];
	struct wallet_key key;
};

static struct ours
our_key(void) {
	struct ours ours = {.key = {.id = BYTES_OF_LITERAL("sol-1"), .algorithm = KEY_ED25519}};
	memset(ours.seed, 7, sizeof ours.seed);
	assert_ok(ed25519_public_key(ours.seed, ours.key.public_key));
	return ours;
}

static void
need_packages(void) {
	if (access(PACKAGE, R_OK) != 0) {
		print_message("@solana/web3.js is not installed (npm ci in tests/independent)\n");
		skip();
	}
}

/* Its lines; they end with a NUL. */
static char *
ask(struct arena *arena, const struct buffer *command) {
	_cleanup_(buffer_free) struct buffer answer = {};
	char block[4096];
	assert_ok(buffer_status(command));
	FILE *pipe = popen((const char *)command->data, "r");
	assert_non_null(pipe);
	for (size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;)
		buffer_append(&answer, block, got);
	int code = pclose(pipe);
	char *text = arena_text(arena, buffer_bytes(&answer));
	assert_non_null(text);
	if (code != 0)
		fail_msg("solana.mjs: %s", text);
	return text;
}

static const json *
next_line(struct arena *arena, char **at) {
	const json *document;
	size_t len = strcspn(*at, "\n");
	assert_ok(json_read(arena, bytes_of(*at, len), (struct json_limits){}, &document));
	*at += len + 1;
	return document;
}

static struct bytes
member(const json *object, const char *name) {
	struct bytes text;
	assert_ok(json_need_string(object, "solana.mjs", name, &text));
	return text;
}

static struct bytes
hex_member(struct arena *arena, const json *object, const char *name) {
	struct bytes text = member(object, name);
	uint8_t *bytes = arena_alloc(arena, text.len / 2);
	assert_non_null(bytes);
	assert_ok(hex_decode(text, bytes, text.len / 2));
	return bytes_of(bytes, text.len / 2);
}

static void
compare_address(const json *said, const char *name, const struct solana_address *address) {
	char text[SOLANA_ADDRESS_TEXT_SIZE] = "";
	if (address != nullptr)
		solana_address_format(address, text);
	assert_bytes(member(said, name), bytes_of_text(text));
}

static void
compare_step(const json *said, const struct solana_step *step, size_t *by_kind) {
	uint64_t amount;
	assert_bytes(member(said, "kind"), bytes_of_text(solana_step_name(step->kind)));
	assert_ok(decimal_decode(member(said, "amount"), &amount));
	assert_true(amount == step->amount);
	compare_address(said, "program", step->program);
	compare_address(said, "from", step->from);
	compare_address(said, "to", step->to);
	compare_address(said, "mint", step->mint);
	compare_address(said, "owner", step->owner);
	by_kind[step->kind]++;
}

static void
compare_transaction(struct arena *arena, const json *said, size_t *by_kind) {
	struct solana_transaction decoded;
	struct solana_steps steps;
	uint64_t fee, expected;
	struct bytes bytes = hex_member(arena, said, "transaction");
	assert_ok(solana_decode_transaction(arena, bytes, &decoded));
	assert_true(bytes_equal_text(member(said, "version"), decoded.message.is_versioned ? "v0" : "legacy"));
	assert_bytes(hex_member(arena, said, "message"), decoded.message_bytes);
	_cleanup_(buffer_free) struct buffer again = {};
	solana_encode_transaction(&decoded, &again);
	assert_bytes(bytes, buffer_bytes(&again));
	assert_int_equal(json_integer(json_get(said, "lookup_tables")), decoded.message.lookup_count);

	assert_ok(solana_read_steps(arena, &decoded.message, &steps));
	const json *list = json_get(said, "steps");
	assert_int_equal(json_size(list), steps.count);
	struct json_iterator iterator = json_iterate(list);
	bool has_unrecognised = decoded.message.lookup_count > 0;
	for (size_t i = 0; i < steps.count; i++) {
		compare_step(json_next(&iterator, nullptr), &steps.items[i], by_kind);
		has_unrecognised |= steps.items[i].kind == SOLANA_UNRECOGNISED;
	}
	assert_int_equal(has_unrecognised, steps.has_unrecognised);
	assert_ok(solana_fee_max(&decoded.message, &steps, &fee));
	assert_ok(decimal_decode(member(said, "fee_max"), &expected));
	assert_true(fee == expected);
}

/* False where two assets move: the gate does not sign that. */
static bool
sign(struct arena *arena, const struct ours *ours, struct bytes payload, struct wallet_result *result) {
	struct wallet_context *context = ARENA_NEW(arena, struct wallet_context);
	struct wallet_transaction *transaction;
	struct signature signature = {};
	assert_non_null(context);
	context->key = &ours->key;
	if (wallet_decode(arena, WALLET_SOLANA, payload, context, &transaction) != OK) {
		char name[64];
		fail_name(name, sizeof name);
		assert_string_equal("solana.assets", name);
		return false;
	}
	assert_int_equal(1, transaction->request_count);
	assert_ok(ed25519_sign(ours->seed, ours->key.public_key, transaction->requests->message, signature.bytes));
	memcpy(signature.public_key, ours->key.public_key, 32);
	assert_ok(wallet_assemble(arena, transaction, &signature, 1, result));
	return true;
}

static size_t
verify_signed(struct arena *arena, const struct wallet_result *results, size_t count) {
	_cleanup_(buffer_free) struct buffer command = {};
	buffer_append_format(&command, "node '%s' verify", SCRIPT);
	for (size_t i = 0; i < count; i++) {
		buffer_append_byte(&command, ' ');
		buffer_append_hex(&command, results[i].transaction);
	}
	buffer_append_text(&command, " 2>/dev/null");
	buffer_append_byte(&command, '\0');
	char *line = ask(arena, &command);
	for (size_t i = 0; i < count; i++) {
		struct solana_transaction decoded;
		const json *said = next_line(arena, &line);
		assert_ok(solana_decode_transaction(arena, results[i].transaction, &decoded));
		assert_bytes(hex_member(arena, said, "message"), decoded.message_bytes);
		assert_bytes(hex_member(arena, said, "signature"),
			     bytes_of(decoded.signatures[0], SOLANA_SIGNATURE_SIZE));
		compare_address(said, "payer", &decoded.message.accounts[0]);
	}
	return count;
}

static void
web3_reads_and_verifies_what_was_signed_and_means_what_was_read(void **) {
	need_packages();
	const struct ours ours = our_key();
	size_t by_kind[SOLANA_STEP_KINDS] = {}, verified = 0;
	for (size_t run = 0; run < RUNS; run++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer command = {};
		struct wallet_result results[PER_RUN];
		size_t signed_count = 0;
		buffer_append_format(&command, "node '%s' make %zu %zu 2>/dev/null", SCRIPT, 20'261'129 + run, PER_RUN);
		buffer_append_byte(&command, '\0');
		char *line = ask(&arena, &command);
		for (size_t i = 0; i < PER_RUN; i++) {
			const json *said = next_line(&arena, &line);
			compare_transaction(&arena, said, by_kind);
			signed_count +=
				sign(&arena, &ours, hex_member(&arena, said, "transaction"), &results[signed_count]);
		}
		verified += verify_signed(&arena, results, signed_count);
	}
	print_message("web3.js agrees on %zu transactions, and verifies %zu that were signed\n", RUNS * PER_RUN,
		      verified);
	for (size_t kind = 0; kind < SOLANA_STEP_KINDS; kind++)
		assert_true(by_kind[kind] > 0);
	assert_true(verified > RUNS * PER_RUN / 2);
}

static void
web3_refuses_a_flipped_bit(void **) {
	need_packages();
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer command = {}, verify = {};
	const struct ours ours = our_key();
	struct wallet_result result = {};
	buffer_append_format(&command, "node '%s' make 1 1 2>/dev/null", SCRIPT);
	buffer_append_byte(&command, '\0');
	char *line = ask(&arena, &command);
	assert_true(sign(&arena, &ours, hex_member(&arena, next_line(&arena, &line), "transaction"), &result));
	uint8_t *changed = (uint8_t *)arena_copy(&arena, result.transaction).data;
	changed[40] ^= 1;
	buffer_append_format(&verify, "node '%s' verify ", SCRIPT);
	buffer_append_hex(&verify, bytes_of(changed, result.transaction.len));
	buffer_append_text(&verify, " >/dev/null 2>&1");
	buffer_append_byte(&verify, '\0');
	assert_ok(buffer_status(&verify));
	assert_int_equal(256, system((const char *)verify.data)); /* status 1 */
}

RUN_TESTS(T(web3_reads_and_verifies_what_was_signed_and_means_what_was_read), T(web3_refuses_a_flipped_bit))
