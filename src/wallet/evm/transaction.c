#include "wallet/evm/transaction.h"

#include "crypto/sign.h"
#include "wallet/evm/rlp.h"

/* Numbers of items: unsigned, and signed. A legacy transaction with a chain id has three more either way: the chain id and two
 * zeros, or v, r and s. */
constexpr size_t SIGNATURE_ITEMS = 3;

static const struct {
	const char *name;
	size_t items;
} TYPES[] = {
	[EVM_LEGACY] = {"legacy", 6},
	[EVM_ACCESS_LIST] = {"access_list", 8},
	[EVM_DYNAMIC_FEE] = {"dynamic_fee", 9},
};

/* The order of secp256k1 (SEC 2 §2.4.1). */
static const struct amount GROUP_ORDER = {
	{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};

/* Gas before any code runs, by the Cancun rules (Yellow Paper appendix G, EIP-2028, EIP-2930, EIP-3860). */
constexpr uint64_t GAS_BASE = 21000;
constexpr uint64_t GAS_CREATION = 32000;
constexpr uint64_t GAS_ZERO_BYTE = 4;
constexpr uint64_t GAS_OTHER_BYTE = 16;
constexpr uint64_t GAS_INITCODE_WORD = 2;
constexpr uint64_t GAS_ACCESS_ADDRESS = 2400;
constexpr uint64_t GAS_ACCESS_KEY = 1900;

const char *
evm_type_name(enum evm_type type) {
	return TYPES[type].name;
}

/* --- Reading --- */

static enum status
read_type(struct cursor *cursor, enum evm_type *type) {
	uint8_t first;
	*type = EVM_LEGACY;
	if (cursor->left == 0)
		return fail(STATUS_INVALID, "evm.transaction.missing: no bytes");
	first = cursor->at[0];
	if (first >= 0xc0)
		return OK;
	if (first > 0x7f)
		return fail(STATUS_INVALID, "evm.transaction.form: expected a list or a type, found byte 0x%02x",
			    first);
	if (first != EVM_ACCESS_LIST && first != EVM_DYNAMIC_FEE)
		return fail(STATUS_UNSUPPORTED,
			    "evm.type: transaction type 0x%02x is not handled (legacy, 0x01 and 0x02 are)%s", first,
			    first == 3   ? "; 0x03 carries blobs (EIP-4844)"
			    : first == 4 ? "; 0x04 sets account code (EIP-7702)"
					 : "");
	*type = (enum evm_type)first;
	return cursor_u8(cursor, "evm.type", &first);
}

/* A list whose items are malformed is left to the readers of the fields, which name the field. */
static enum status
check_items(struct cursor fields, enum evm_type type) {
	size_t count, unsigned_items = TYPES[type].items;
	if (rlp_count(fields, &count) != OK || count == unsigned_items || count == unsigned_items + SIGNATURE_ITEMS)
		return OK;
	return fail(STATUS_INVALID, "evm.transaction.items: expected %zu or %zu, found %zu", unsigned_items,
		    unsigned_items + SIGNATURE_ITEMS, count);
}

/* wanted 0: any. */
static enum status
set_chain_id(struct evm_transaction *transaction, uint64_t chain_id, uint64_t wanted) {
	transaction->has_chain_id = true;
	transaction->chain_id = chain_id;
	if (chain_id == 0)
		return fail(STATUS_INVALID, "evm.chain_id.zero: a chain id is at least 1");
	if (chain_id > EVM_CHAIN_ID_MAX)
		return fail(STATUS_INVALID, "evm.chain_id.range: %llu is above %llu", (unsigned long long)chain_id,
			    (unsigned long long)EVM_CHAIN_ID_MAX);
	if (wanted != 0 && chain_id != wanted)
		return fail(STATUS_INVALID, "evm.chain_id.differs: expected %llu, found %llu",
			    (unsigned long long)wanted, (unsigned long long)chain_id);
	return OK;
}

static enum status
read_chain_id(struct cursor *fields, struct evm_transaction *transaction, uint64_t wanted) {
	uint64_t chain_id;
	TRY(rlp_read_u64(fields, "evm.chain_id", &chain_id));
	return set_chain_id(transaction, chain_id, wanted);
}

static enum status
read_nonce(struct cursor *fields, uint64_t *nonce) {
	TRY(rlp_read_u64(fields, "evm.nonce", nonce));
	if (*nonce == UINT64_MAX)
		return fail(STATUS_INVALID, "evm.nonce.maximum: 2^64-1 is never valid (EIP-2681)");
	return OK;
}

static enum status
check_priority_fee(const struct amount *priority_fee, const struct amount *max_fee) {
	char found[79], most[79];
	if (amount_compare(priority_fee, max_fee) <= 0)
		return OK;
	amount_format(priority_fee, found);
	amount_format(max_fee, most);
	return fail(
		STATUS_INVALID,
		"evm.priority_fee.above_max_fee: a priority fee of %s wei per gas, expected at most the max fee of %s",
		found, most);
}

static enum status
read_fees(struct cursor *fields, struct evm_transaction *transaction) {
	if (transaction->type != EVM_DYNAMIC_FEE)
		return rlp_read_amount(fields, "evm.gas_price", &transaction->fee_per_gas);
	TRY(rlp_read_amount(fields, "evm.priority_fee", &transaction->priority_fee_per_gas));
	TRY(rlp_read_amount(fields, "evm.max_fee", &transaction->fee_per_gas));
	return check_priority_fee(&transaction->priority_fee_per_gas, &transaction->fee_per_gas);
}

static enum status
read_gas_limit(struct cursor *fields, struct evm_transaction *transaction) {
	TRY(rlp_read_u64(fields, "evm.gas_limit", &transaction->gas_limit));
	struct amount product;
	if (!amount_multiply_u64(&transaction->fee_per_gas, transaction->gas_limit, &product))
		return fail(STATUS_INVALID, "evm.fee.overflow: gas limit times fee per gas exceeds 256 bits");
	return OK;
}

static enum status
read_to(struct cursor *fields, struct evm_transaction *transaction) {
	struct bytes to;
	TRY(rlp_read_bytes(fields, "evm.to", &to));
	transaction->creates_contract = to.len == 0;
	if (to.len == 0)
		return OK;
	if (to.len != sizeof transaction->to.bytes)
		return fail(STATUS_INVALID, "evm.to.length: expected 20 bytes or none, found %zu", to.len);
	memcpy(transaction->to.bytes, to.data, to.len);
	return OK;
}

/* Lists are walked once to check and count, and once to keep, so that no memory is taken for what is malformed. */
static enum status
read_access_keys(struct arena *arena, struct cursor *keys, struct evm_access *access) {
	uint8_t checked[32];
	for (struct cursor walk = *keys; walk.left > 0; access->key_count++)
		TRY(rlp_read_fixed(&walk, "evm.access_key", checked, sizeof checked));
	if (access->key_count == 0)
		return OK;
	uint8_t(*stored)[32] = arena_alloc_array(arena, access->key_count, sizeof *stored);
	TRY_ALLOC(stored);
	for (size_t i = 0; i < access->key_count; i++)
		TRY(rlp_read_fixed(keys, "evm.access_key", stored[i], sizeof stored[i]));
	access->keys = stored;
	return OK;
}

static enum status
read_access_tuple(struct cursor *list, struct evm_address *address, struct cursor *keys) {
	struct cursor tuple;
	TRY(rlp_read_list(list, "evm.access", &tuple));
	TRY(rlp_read_fixed(&tuple, "evm.access_address", address->bytes, sizeof address->bytes));
	TRY(rlp_read_list(&tuple, "evm.access_keys", keys));
	return cursor_end(&tuple, "evm.access");
}

static enum status
read_access_list(struct arena *arena, struct cursor *fields, struct evm_transaction *transaction) {
	struct cursor list, keys;
	struct evm_address address;
	TRY(rlp_read_list(fields, "evm.access_list", &list));
	for (struct cursor walk = list; walk.left > 0; transaction->access_count++)
		TRY(read_access_tuple(&walk, &address, &keys));
	if (transaction->access_count == 0)
		return OK;
	struct evm_access *accesses = ARENA_NEW_ARRAY(arena, transaction->access_count, struct evm_access);
	TRY_ALLOC(accesses);
	for (size_t i = 0; i < transaction->access_count; i++) {
		TRY(read_access_tuple(&list, &accesses[i].address, &keys));
		TRY(read_access_keys(arena, &keys, &accesses[i]));
	}
	transaction->accesses = accesses;
	return OK;
}

/* EIP-155: v is 27 or 28 without a chain id, else 35 or 36 + 2 × chain id. An unsigned one states chain id, 0, 0. */
static enum status
split_v(struct evm_transaction *transaction, uint64_t v, uint64_t wanted, uint64_t *y_parity) {
	if (!transaction->is_signed)
		return set_chain_id(transaction, v, wanted);
	if (v == 27 || v == 28) {
		*y_parity = v - 27;
		return OK;
	}
	if (v < 35)
		return fail(STATUS_INVALID, "evm.v.range: expected 27, 28, or at least 35, found %llu",
			    (unsigned long long)v);
	*y_parity = (v - 35) % 2;
	return set_chain_id(transaction, (v - 35) / 2, wanted);
}

static enum status
read_signature(struct cursor *fields, struct evm_transaction *transaction, uint64_t wanted) {
	uint64_t v, y_parity = 0;
	struct amount r, s;
	bool is_legacy = transaction->type == EVM_LEGACY;
	TRY(rlp_read_u64(fields, is_legacy ? "evm.v" : "evm.y_parity", &v));
	TRY(rlp_read_amount(fields, "evm.r", &r));
	TRY(rlp_read_amount(fields, "evm.s", &s));
	transaction->is_signed = !is_legacy || !amount_is_zero(&r) || !amount_is_zero(&s);
	if (is_legacy)
		TRY(split_v(transaction, v, wanted, &y_parity));
	else
		y_parity = v;
	if (!transaction->is_signed)
		return OK;
	amount_to_big_endian(&r, transaction->signature);
	amount_to_big_endian(&s, transaction->signature + 32);
	TRY(evm_check_signature(transaction->signature, y_parity));
	transaction->y_parity = (unsigned)y_parity;
	return OK;
}

static enum status
check_costs(const struct evm_transaction *transaction) {
	if (transaction->creates_contract && transaction->data.len > EVM_INITCODE_MAX)
		return fail(STATUS_INVALID, "evm.initcode.length: %zu bytes, at most %zu (EIP-3860)",
			    transaction->data.len, EVM_INITCODE_MAX);
	uint64_t intrinsic = evm_intrinsic_gas(transaction);
	if (transaction->gas_limit < intrinsic)
		return fail(STATUS_INVALID,
			    "evm.gas_limit.intrinsic: %llu gas, at least %llu needed before any code runs",
			    (unsigned long long)transaction->gas_limit, (unsigned long long)intrinsic);
	return OK;
}

enum status
evm_decode_transaction(struct arena *arena, struct bytes bytes, uint64_t chain_id,
		       struct evm_transaction *transaction) {
	struct cursor cursor = cursor_of(bytes), fields;
	*transaction = (struct evm_transaction){};
	TRY(read_type(&cursor, &transaction->type));
	TRY(rlp_read_list(&cursor, "evm.transaction", &fields));
	TRY(cursor_end(&cursor, "evm.transaction"));
	TRY(check_items(fields, transaction->type));
	if (transaction->type != EVM_LEGACY)
		TRY(read_chain_id(&fields, transaction, chain_id));
	TRY(read_nonce(&fields, &transaction->nonce));
	TRY(read_fees(&fields, transaction));
	TRY(read_gas_limit(&fields, transaction));
	TRY(read_to(&fields, transaction));
	TRY(rlp_read_amount(&fields, "evm.value", &transaction->value));
	TRY(rlp_read_bytes(&fields, "evm.data", &transaction->data));
	if (transaction->type != EVM_LEGACY)
		TRY(read_access_list(arena, &fields, transaction));
	if (fields.left > 0)
		TRY(read_signature(&fields, transaction, chain_id));
	TRY(cursor_end(&fields, "evm.transaction"));
	return check_costs(transaction);
}

bool
evm_is_transaction(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes), fields;
	if (cursor.left > 0 && cursor.at[0] < 0x80) {
		cursor.at++;
		cursor.left--;
	}
	return rlp_read_list(&cursor, "evm.transaction", &fields) == OK && cursor.left == 0;
}

/* --- Writing --- */

static void
write_access(struct rlp_writer *writer, const struct evm_access *access) {
	size_t keys_len = access->key_count * 33; /* a key is 32 bytes behind one byte of length */
	rlp_write_bytes(writer, BYTES_OF_ARRAY(access->address.bytes));
	rlp_write_list_header(writer, keys_len);
	for (size_t i = 0; i < access->key_count; i++)
		rlp_write_bytes(writer, bytes_of(access->keys[i], 32));
}

static void
write_accesses(struct rlp_writer *writer, const struct evm_transaction *transaction) {
	for (size_t i = 0; i < transaction->access_count; i++) {
		struct rlp_writer content = {};
		write_access(&content, &transaction->accesses[i]);
		rlp_write_list_header(writer, content.len);
		write_access(writer, &transaction->accesses[i]);
	}
}

static void
write_access_list(struct rlp_writer *writer, const struct evm_transaction *transaction) {
	struct rlp_writer content = {};
	write_accesses(&content, transaction);
	rlp_write_list_header(writer, content.len);
	write_accesses(writer, transaction);
}

static void
write_signature(struct rlp_writer *writer, const struct evm_transaction *transaction, bool with_signature) {
	struct amount r = {}, s = {};
	uint64_t v = transaction->chain_id;
	if (with_signature) {
		IGNORE_STATUS(
			amount_from_big_endian(bytes_of(transaction->signature, 32), &r)); /* 32 bytes always fit */
		IGNORE_STATUS(amount_from_big_endian(bytes_of(transaction->signature + 32, 32), &s));
		v = transaction->y_parity;
		if (transaction->type == EVM_LEGACY)
			v += transaction->has_chain_id ? 35 + 2 * transaction->chain_id : 27;
	} else if (transaction->type != EVM_LEGACY || !transaction->has_chain_id)
		return;
	rlp_write_u64(writer, v);
	rlp_write_amount(writer, &r);
	rlp_write_amount(writer, &s);
}

static void
write_fields(struct rlp_writer *writer, const struct evm_transaction *transaction, bool with_signature) {
	if (transaction->type != EVM_LEGACY)
		rlp_write_u64(writer, transaction->chain_id);
	rlp_write_u64(writer, transaction->nonce);
	if (transaction->type == EVM_DYNAMIC_FEE)
		rlp_write_amount(writer, &transaction->priority_fee_per_gas);
	rlp_write_amount(writer, &transaction->fee_per_gas);
	rlp_write_u64(writer, transaction->gas_limit);
	rlp_write_bytes(writer,
			transaction->creates_contract ? (struct bytes){} : BYTES_OF_ARRAY(transaction->to.bytes));
	rlp_write_amount(writer, &transaction->value);
	rlp_write_bytes(writer, transaction->data);
	if (transaction->type != EVM_LEGACY)
		write_access_list(writer, transaction);
	write_signature(writer, transaction, with_signature);
}

/* Measured first, so that the arena gives exactly what is written. */
static struct bytes
encode(struct arena *arena, const struct evm_transaction *transaction, bool with_signature) {
	struct rlp_writer content = {};
	write_fields(&content, transaction, with_signature);
	struct rlp_writer header = {};
	rlp_write_list_header(&header, content.len);
	size_t type_len = transaction->type == EVM_LEGACY ? 0 : 1;
	size_t len = type_len + header.len + content.len;

	struct buffer buffer = {.data = arena_alloc(arena, len), .capacity = len};
	if (buffer.data == nullptr)
		return (struct bytes){};
	if (type_len > 0)
		buffer_append_byte(&buffer, (uint8_t)transaction->type);
	struct rlp_writer writer = {.to = &buffer};
	rlp_write_list_header(&writer, content.len);
	write_fields(&writer, transaction, with_signature);
	return buffer_bytes(&buffer);
}

struct bytes
evm_encode_transaction(struct arena *arena, const struct evm_transaction *transaction) {
	return encode(arena, transaction, transaction->is_signed);
}

struct bytes
evm_encode_unsigned(struct arena *arena, const struct evm_transaction *transaction) {
	return encode(arena, transaction, false);
}

enum status
evm_signing_digest(struct arena *arena, const struct evm_transaction *transaction, struct hash256 *digest) {
	struct bytes message = evm_encode_unsigned(arena, transaction);
	TRY_ALLOC(message.data);
	*digest = keccak256(message);
	return OK;
}

enum status
evm_decoded_digest(struct arena *arena, const struct evm_transaction *transaction, struct bytes bytes,
		   struct hash256 *digest) {
	struct bytes message = evm_encode_unsigned(arena, transaction);
	TRY_ALLOC(message.data);
	if (!bytes_equal(message, bytes))
		return fail(STATUS_INTERNAL, "evm.encoding: encoding what was decoded gives other bytes");
	*digest = keccak256(message);
	return OK;
}

/* --- Signatures and costs --- */

static enum status
check_scalar(const uint8_t bytes[32], const char *field) {
	struct amount scalar;
	TRY(amount_from_big_endian(bytes_of(bytes, 32), &scalar));
	if (amount_is_zero(&scalar) || amount_compare(&scalar, &GROUP_ORDER) >= 0)
		return fail(STATUS_INVALID, "%s.range: expected 1 to the group's order minus 1", field);
	return OK;
}

enum status
evm_check_signature(const uint8_t signature[64], uint64_t y_parity) {
	TRY(check_scalar(signature, "evm.r"));
	TRY(check_scalar(signature + 32, "evm.s"));
	if (!secp256k1_ecdsa_is_low_s(signature))
		return fail(STATUS_INVALID, "evm.s.high: expected the lower half of the group's order (EIP-2)");
	if (y_parity > 1)
		return fail(STATUS_INVALID, "evm.y_parity.range: expected 0 or 1, found %llu",
			    (unsigned long long)y_parity);
	return OK;
}

enum status
evm_recover_sender(struct arena *arena, const struct evm_transaction *transaction, struct evm_address *sender) {
	struct hash256 digest;
	TRY(evm_signing_digest(arena, transaction, &digest));
	uint8_t public_key[65];
	if (!transaction->is_signed ||
	    secp256k1_recover(digest.bytes, transaction->signature, (int)transaction->y_parity, public_key) != OK)
		return fail(STATUS_INVALID, "evm.signature.recovery: no key gives this signature");
	*sender = evm_address_of_key(public_key);
	return OK;
}

uint64_t
evm_intrinsic_gas(const struct evm_transaction *transaction) {
	uint64_t gas = GAS_BASE;
	size_t zeros = 0;
	for (size_t i = 0; i < transaction->data.len; i++)
		zeros += transaction->data.data[i] == 0;
	gas += GAS_ZERO_BYTE * zeros + GAS_OTHER_BYTE * (transaction->data.len - zeros);
	if (transaction->creates_contract)
		gas += GAS_CREATION + GAS_INITCODE_WORD * ((transaction->data.len + 31) / 32);
	for (size_t i = 0; i < transaction->access_count; i++)
		gas += GAS_ACCESS_ADDRESS + GAS_ACCESS_KEY * transaction->accesses[i].key_count;
	return gas;
}

struct amount
evm_fee_max(const struct evm_transaction *transaction) {
	struct amount fee;
	if (!amount_multiply_u64(&transaction->fee_per_gas, transaction->gas_limit, &fee))
		return (struct amount){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	return fee;
}
