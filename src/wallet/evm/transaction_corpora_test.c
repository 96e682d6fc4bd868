/*
 * ethereum/TransactionTests: 210 transactions with the result that nodes must reach, judged at the newest fork that each file
 * names, on chain id 1. What is accepted must have their hash, sender and intrinsic gas; what is refused must be refused for their
 * reason, which the table below matches with ours.
 */
#include "tests/test.h"

#include <dirent.h>

#include "tests/corpora.h"
#include "wallet/evm/transaction.h"

constexpr size_t ACCEPTED = 50;
constexpr size_t REFUSED = 160;
constexpr uint64_t CHAIN_ID = 1;

/* Oldest first. */
static const char *const FORKS[] = {"Frontier",       "Homestead",         "EIP150",   "EIP158", "Byzantium",
				    "Constantinople", "ConstantinopleFix", "Istanbul", "Berlin", "London",
				    "Paris",          "Shanghai",          "Cancun"};

/* Theirs (without "TransactionException.") and ours. Where one covers several of the other it stands several times. Three come
 * from a difference in order: of a gas limit that is both too long and padded we name the padding; and r = s = 0 makes a legacy
 * transaction an unsigned one here, whose chain id v then is. */
static const struct {
	const char *theirs, *ours;
} REASONS[] = {
	{"ADDRESS_TOO_LONG", "evm.to.length"},
	{"ADDRESS_TOO_SHORT", "evm.to.length"},
	{"EC_RECOVERY_FAIL", "evm.signature.recovery"},
	{"GASLIMIT_OVERFLOW", "evm.gas_limit.leading_zero"},
	{"GASLIMIT_OVERFLOW", "evm.gas_limit.overflow"},
	{"GASLIMIT_PRICE_PRODUCT_OVERFLOW", "evm.fee.overflow"},
	{"GASPRICE_OVERFLOW", "evm.gas_price.overflow"},
	{"GASPRICE_OVERFLOW", "evm.max_fee.overflow"},
	{"INITCODE_SIZE_EXCEEDED", "evm.initcode.length"},
	{"INTRINSIC_GAS_TOO_LOW", "evm.gas_limit.intrinsic"},
	{"INVALID_CHAINID", "evm.chain_id.differs"},
	{"INVALID_CHAINID", "evm.chain_id.zero"},
	{"INVALID_CHAINID", "evm.v.overflow"},
	{"INVALID_CHAINID", "evm.v.range"},
	{"INVALID_SIGNATURE_VRS", "evm.chain_id.differs"},
	{"INVALID_SIGNATURE_VRS", "evm.chain_id.zero"},
	{"INVALID_SIGNATURE_VRS", "evm.r.overflow"},
	{"INVALID_SIGNATURE_VRS", "evm.r.range"},
	{"INVALID_SIGNATURE_VRS", "evm.s.high"},
	{"INVALID_SIGNATURE_VRS", "evm.s.overflow"},
	{"INVALID_SIGNATURE_VRS", "evm.s.range"},
	{"INVALID_SIGNATURE_VRS", "test.unsigned"},
	{"NONCE_OVERFLOW", "evm.nonce.overflow"},
	{"NONCE_TOO_BIG", "evm.nonce.maximum"},
	{"PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2", "evm.priority_fee.above_max_fee"},
	{"PRIORITY_OVERFLOW", "evm.priority_fee.overflow"},
	{"RLP_ERROR_EOF", "evm.transaction.form"},
	{"RLP_ERROR_SIZE", "evm.transaction.trailing"},
	{"RLP_ERROR_SIZE", "evm.transaction.truncated"},
	{"RLP_ERROR_SIZE_LEADING_ZEROS", "evm.transaction.length_form"},
	{"RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG", "evm.access_address.length"},
	{"RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT", "evm.access_address.length"},
	{"RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG", "evm.access_key.length"},
	{"RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT", "evm.access_key.length"},
	{"RLP_INVALID_DATA", "evm.data.list"},
	{"RLP_INVALID_GASLIMIT", "evm.gas_limit.list"},
	{"RLP_INVALID_HEADER", "evm.transaction.form"},
	{"RLP_INVALID_NONCE", "evm.nonce.list"},
	{"RLP_INVALID_SIGNATURE_R", "evm.r.list"},
	{"RLP_INVALID_SIGNATURE_S", "evm.s.list"},
	{"RLP_INVALID_TO", "evm.to.list"},
	{"RLP_LEADING_ZEROS_BASEFEE", "evm.max_fee.leading_zero"},
	{"RLP_LEADING_ZEROS_DATA_SIZE", "evm.data.length_form"},
	{"RLP_LEADING_ZEROS_GASLIMIT", "evm.gas_limit.leading_zero"},
	{"RLP_LEADING_ZEROS_GASPRICE", "evm.gas_price.leading_zero"},
	{"RLP_LEADING_ZEROS_NONCE", "evm.nonce.leading_zero"},
	{"RLP_LEADING_ZEROS_NONCE_SIZE", "evm.nonce.byte_form"},
	{"RLP_LEADING_ZEROS_PRIORITY_FEE", "evm.priority_fee.leading_zero"},
	{"RLP_LEADING_ZEROS_R", "evm.r.leading_zero"},
	{"RLP_LEADING_ZEROS_S", "evm.s.leading_zero"},
	{"RLP_LEADING_ZEROS_V", "evm.v.leading_zero"},
	{"RLP_LEADING_ZEROS_VALUE", "evm.value.leading_zero"},
	{"RLP_TOO_FEW_ELEMENTS", "evm.transaction.items"},
	{"RLP_TOO_MANY_ELEMENTS", "evm.transaction.items"},
	{"TYPE_NOT_SUPPORTED", "evm.transaction.form"},
	{"TYPE_NOT_SUPPORTED", "evm.type"},
	{"VALUE_OVERFLOW", "evm.value.overflow"},
};

/* What these tests ask beyond the decoder. */
static enum status
judge(struct arena *arena, struct bytes bytes, struct evm_transaction *transaction, struct evm_address *sender) {
	TRY(evm_decode_transaction(arena, bytes, CHAIN_ID, transaction));
	if (!transaction->is_signed)
		return fail(STATUS_INVALID, "test.unsigned: r and s are zero");
	return evm_recover_sender(arena, transaction, sender);
}

static const json *
newest_result(const json *test) {
	const json *results;
	assert_ok(json_need(test, "test", "result", JSON_OBJECT, &results));
	for (size_t i = ARRAY_LENGTH(FORKS); i-- > 0;)
		if (json_get(results, FORKS[i]) != nullptr)
			return json_get(results, FORKS[i]);
	fail_msg("no fork that is known");
	return nullptr;
}

struct totals {
	size_t accepted, refused, differing;
	size_t uses[ARRAY_LENGTH(REASONS)];
};

/* "0x" and digits. */
static struct bytes
prefixed_hex(struct arena *arena, const json *object, const char *key) {
	struct bytes text;
	assert_ok(json_need_string(object, "corpora", key, &text));
	assert_true(text.len >= 2 && text.data[0] == '0' && text.data[1] == 'x');
	size_t len = (text.len - 2) / 2;
	uint8_t *bytes = arena_alloc(arena, len);
	assert_non_null(bytes);
	assert_ok(hex_decode(bytes_of(text.data + 2, text.len - 2), bytes, len));
	return bytes_of(bytes, len);
}

static void
compare_accepted(struct arena *arena, const json *result, struct bytes bytes, const struct evm_transaction *transaction,
		 const struct evm_address *sender) {
	struct hash256 hash = keccak256(bytes);
	struct bytes gas;
	assert_bytes(prefixed_hex(arena, result, "hash"), hash256_bytes(&hash));
	assert_bytes(prefixed_hex(arena, result, "sender"), BYTES_OF_ARRAY(sender->bytes));
	assert_ok(json_need_string(result, "result", "intrinsicGas", &gas));
	assert_true(strtoull((const char *)gas.data, nullptr, 16) == evm_intrinsic_gas(transaction));
	assert_bytes(bytes, evm_encode_transaction(arena, transaction));
}

static void
compare_reason(const char *name, struct bytes theirs, struct totals *totals) {
	constexpr size_t PREFIX = sizeof "TransactionException." - 1;
	char ours[128];
	fail_name(ours, sizeof ours);
	theirs = bytes_of(theirs.data + PREFIX, theirs.len - PREFIX);
	for (size_t i = 0; i < ARRAY_LENGTH(REASONS); i++)
		if (bytes_equal_text(theirs, REASONS[i].theirs) && strcmp(ours, REASONS[i].ours) == 0) {
			totals->uses[i]++;
			return;
		}
	totals->differing++;
	print_error("%s: {\"%.*s\", \"%s\"},\n", name, BYTES_ARGS(theirs), ours);
}

static void
run_case(struct arena *arena, const char *name, const json *test, struct totals *totals) {
	struct bytes exception;
	const json *result = newest_result(test);
	struct bytes bytes = prefixed_hex(arena, test, "txbytes");
	struct evm_transaction transaction;
	struct evm_address sender;
	enum status status = judge(arena, bytes, &transaction, &sender);
	bool must_refuse = json_get(result, "exception") != nullptr;
	if ((status != OK) != must_refuse)
		fail_msg("%s: expected %s, got %s", name, must_refuse ? "a refusal" : "acceptance",
			 status == OK ? "acceptance" : fail_message());
	if (!must_refuse) {
		compare_accepted(arena, result, bytes, &transaction, &sender);
		totals->accepted++;
		return;
	}
	assert_ok(json_need_string(result, "result", "exception", &exception));
	compare_reason(name, exception, totals);
	totals->refused++;
}

/* path and what lies below it, relative to the public test data. */
static void
run_file(const char *path, struct totals *totals) {
	_cleanup_(arena_free) struct arena arena = {};
	struct json_iterator iterator = json_iterate(corpora_read_json(&arena, path));
	struct bytes name;
	for (const json *test; (test = json_next(&iterator, &name)) != nullptr;)
		run_case(&arena, arena_text(&arena, name), test, totals);
}

static void
run_folder(const char *path, struct totals *totals) {
	char whole[4096];
	snprintf(whole, sizeof whole, "%s/%s", test_corpora(), path);
	DIR *folder = opendir(whole);
	if (folder == nullptr)
		fail_msg("%s: not found", whole);
	for (const struct dirent *entry; (entry = readdir(folder)) != nullptr;) {
		char inner[1024];
		snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_DIR)
			run_folder(inner, totals);
		else
			run_file(inner, totals);
	}
	closedir(folder);
}

static void
agrees_with_the_ethereum_transaction_tests(void **) {
	corpora_need("ethereum/TransactionTests");
	struct totals totals = {};
	run_folder("ethereum/TransactionTests", &totals);
	corpora_expect("ethereum/TransactionTests, accepted", totals.accepted, ACCEPTED);
	corpora_expect("ethereum/TransactionTests, refused", totals.refused, REFUSED);
	assert_int_equal(0, totals.differing);
	for (size_t i = 0; i < ARRAY_LENGTH(REASONS); i++)
		if (totals.uses[i] == 0)
			fail_msg("the pair %s, %s is of no use", REASONS[i].theirs, REASONS[i].ours);
}

RUN_TESTS(T(agrees_with_the_ethereum_transaction_tests))
