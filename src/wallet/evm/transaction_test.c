#include "tests/test.h"

#include "crypto/sign.h"
#include "wallet/evm/rlp.h"
#include "wallet/evm/transaction.h"

/* The worked example of EIP-155. */
static const char EIP155_UNSIGNED[] =
	"ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080";
static const char EIP155_DIGEST[] = "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53";
static const char EIP155_SIGNED[] =
	"f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195"
	"fe53"
	"7567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
static const char EIP155_SENDER[] = "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F";

/* A transaction of each kind, unsigned, chain id 1 where there is one. */
static const char LEGACY_NO_CHAIN[] =
	"e9098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080";
static const char ACCESS_LIST[] = "01f85c01078504a817c800829c409435353535353535353535353535353535353535350580f838f79400"
				  "0000000000000000000000000000"
				  "0000000abce1a00000000000000000000000000000000000000000000000000000000000000001";
static const char DYNAMIC_FEE[] =
	"02e80180843b9aca008504a817c8008252089435353535353535353535353535353535353535350580c0";

static struct bytes
decode_hex(struct arena *arena, const char *hex) {
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = arena_alloc(arena, len);
	assert_non_null(bytes);
	assert_ok(hex_decode(bytes_of_text(hex), bytes, len));
	return bytes_of(bytes, len);
}

static void
assert_hex(const char *expected, struct bytes actual) {
	_cleanup_(buffer_free) struct buffer hex = {};
	buffer_append_hex(&hex, actual);
	assert_bytes(bytes_of_text(expected), buffer_bytes(&hex));
}

static void
the_example_of_eip155_is_signed_as_it_says(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct evm_transaction transaction;
	struct hash256 digest;
	assert_ok(evm_decode_transaction(&arena, decode_hex(&arena, EIP155_UNSIGNED), 0, &transaction));
	assert_false(transaction.is_signed);
	assert_true(transaction.has_chain_id);
	assert_int_equal(1, transaction.chain_id);
	assert_int_equal(9, transaction.nonce);
	assert_int_equal(21000, transaction.gas_limit);
	assert_ok(evm_signing_digest(&arena, &transaction, &digest));
	assert_hex(EIP155_DIGEST, hash256_bytes(&digest));

	uint8_t key[32];
	int recovery;
	memset(key, 0x46, sizeof key);
	assert_ok(secp256k1_sign(key, digest.bytes, transaction.signature, &recovery));
	transaction.is_signed = true;
	transaction.y_parity = (unsigned)recovery;
	assert_hex(EIP155_SIGNED, evm_encode_transaction(&arena, &transaction));
	struct evm_address sender;
	char text[EVM_ADDRESS_TEXT_SIZE];
	assert_ok(evm_recover_sender(&arena, &transaction, &sender));
	evm_address_format(&sender, text);
	assert_string_equal(EIP155_SENDER, text);
}

/* Signs it, so that the signed form is read as well. */
static void
round_trip(struct arena *arena, const char *hex, enum evm_type type, bool has_chain_id) {
	struct evm_transaction transaction, again;
	struct bytes bytes = decode_hex(arena, hex);
	assert_ok(evm_decode_transaction(arena, bytes, 0, &transaction));
	assert_int_equal(type, transaction.type);
	assert_true(has_chain_id == transaction.has_chain_id);
	assert_bytes(bytes, evm_encode_transaction(arena, &transaction));
	assert_bytes(bytes, evm_encode_unsigned(arena, &transaction));

	uint8_t key[32] = {[31] = 7}, compressed[33], public_key[65];
	int recovery;
	struct hash256 digest;
	struct evm_address sender, expected;
	assert_ok(evm_signing_digest(arena, &transaction, &digest));
	assert_ok(secp256k1_sign(key, digest.bytes, transaction.signature, &recovery));
	transaction.is_signed = true;
	transaction.y_parity = (unsigned)recovery;
	struct bytes complete = evm_encode_transaction(arena, &transaction);
	assert_ok(evm_decode_transaction(arena, complete, 0, &again));
	assert_true(again.is_signed);
	assert_int_equal(transaction.y_parity, again.y_parity);
	assert_bytes(complete, evm_encode_transaction(arena, &again));
	assert_bytes(bytes, evm_encode_unsigned(arena, &again));
	assert_ok(evm_recover_sender(arena, &again, &sender));
	assert_ok(secp256k1_public_key(key, compressed));
	assert_ok(secp256k1_public_uncompressed(BYTES_OF_ARRAY(compressed), public_key));
	expected = evm_address_of_key(public_key);
	assert_memory_equal(expected.bytes, sender.bytes, sizeof sender.bytes);
}

static void
every_type_is_encoded_as_it_was_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	round_trip(&arena, LEGACY_NO_CHAIN, EVM_LEGACY, false);
	round_trip(&arena, EIP155_UNSIGNED, EVM_LEGACY, true);
	round_trip(&arena, ACCESS_LIST, EVM_ACCESS_LIST, true);
	round_trip(&arena, DYNAMIC_FEE, EVM_DYNAMIC_FEE, true);
}

/* No bytes that the reader takes give this: it is seen to nevertheless, before every signature. */
static void
what_is_signed_is_what_was_decoded(void **) {
	static const char *const unsigned_ones[] = {EIP155_UNSIGNED, ACCESS_LIST, DYNAMIC_FEE};
	for (size_t i = 0; i < ARRAY_LENGTH(unsigned_ones); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct bytes bytes = decode_hex(&arena, unsigned_ones[i]);
		struct evm_transaction transaction;
		struct hash256 digest, expected = keccak256(bytes);
		assert_ok(evm_decode_transaction(&arena, bytes, 0, &transaction));
		assert_ok(evm_decoded_digest(&arena, &transaction, bytes, &digest));
		assert_memory_equal(&expected, &digest, sizeof digest);
		transaction.nonce++;
		assert_fails(STATUS_INTERNAL, "evm.encoding", evm_decoded_digest(&arena, &transaction, bytes, &digest));
	}
}

static void
intrinsic_gas_counts_data_creation_and_access_list(void **) {
	uint8_t keys[3][32] = {};
	struct evm_access access = {.keys = keys, .key_count = 3};
	struct evm_transaction transaction = {.data = BYTES_OF_LITERAL("\0\0\1")};
	assert_int_equal(21000 + 2 * 4 + 16, evm_intrinsic_gas(&transaction));
	transaction.creates_contract = true;
	assert_int_equal(21000 + 2 * 4 + 16 + 32000 + 2, evm_intrinsic_gas(&transaction));
	transaction = (struct evm_transaction){.accesses = &access, .access_count = 1};
	assert_int_equal(21000 + 2400 + 3 * 1900, evm_intrinsic_gas(&transaction));
}

/* Type byte (none for legacy) and items in hexadecimal, with spaces between; the list's header is put in front. */
static struct bytes
assemble_items(struct arena *arena, const char *type, const char *items) {
	char digits[1024] = {};
	size_t len = 0;
	for (; *items != '\0'; items++)
		if (*items != ' ')
			digits[len++] = *items;
	_cleanup_(buffer_free) struct buffer buffer = {};
	struct rlp_writer writer = {.to = &buffer};
	buffer_append_bytes(&buffer, decode_hex(arena, type));
	rlp_write_list_header(&writer, len / 2);
	buffer_append_bytes(&buffer, decode_hex(arena, digits));
	return arena_copy(arena, buffer_bytes(&buffer));
}

#define TO "943535353535353535353535353535353535353535"
#define MAX_32 "a0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ORDER "a0fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
#define HALF_ORDER_PLUS_1 "a07fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
#define KEY_32 "a00000000000000000000000000000000000000000000000000000000000000001"

static void
bad_items_are_refused_by_name(void **) {
	static const struct {
		const char *type, *items, *name;
	} cases[] = {
		{"", "", "evm.transaction.items"},
		{"", "80 80", "evm.transaction.items"},
		{"", "80 80 825208 " TO " 05 80 01 80", "evm.transaction.items"},
		{"", "80 80 825208 " TO " 05 80 01 80 80 80", "evm.transaction.items"},
		{"", "00 80 825208 " TO " 05 80 01 80 80", "evm.nonce.leading_zero"},
		{"", "c0 80 825208 " TO " 05 80 01 80 80", "evm.nonce.list"},
		{"", "8101 80 825208 " TO " 05 80 01 80 80", "evm.nonce.byte_form"},
		{"", "88ffffffffffffffff 80 825208 " TO " 05 80 01 80 80", "evm.nonce.maximum"},
		{"", "89010000000000000000 80 825208 " TO " 05 80 01 80 80", "evm.nonce.overflow"},
		{"", "80 00 825208 " TO " 05 80 01 80 80", "evm.gas_price.leading_zero"},
		{"",
		 "80 a1010000000000000000000000000000000000000000000000000000000000000000 825208 " TO " 05 80 01 80 80",
		 "evm.gas_price.overflow"},
		{"", "80 " MAX_32 " 825208 " TO " 05 80 01 80 80", "evm.fee.overflow"},
		{"", "80 80 83005208 " TO " 05 80 01 80 80", "evm.gas_limit.leading_zero"},
		{"", "80 80 825207 " TO " 05 80 01 80 80", "evm.gas_limit.intrinsic"},
		{"", "80 80 825208 9335353535353535353535353535353535353535 05 80 01 80 80", "evm.to.length"},
		{"", "80 80 825208 d43535353535353535353535353535353535353535 05 80 01 80 80", "evm.to.list"},
		{"", "80 80 825208 " TO " 00 80 01 80 80", "evm.value.leading_zero"},
		{"", "80 80 825208 " TO " 05 c0 01 80 80", "evm.data.list"},
		{"", "80 80 825208 " TO " 05 b8 01 80 80", "evm.data.length_form"},
		{"", "80 80 825208 " TO " 05 80 80 80 80", "evm.chain_id.zero"},
		{"", "80 80 825208 " TO " 05 80 887fffffffffffffff 80 80", "evm.chain_id.range"},
		{"", "80 80 825208 " TO " 05 80 00 01 01", "evm.v.leading_zero"},
		{"", "80 80 825208 " TO " 05 80 80 01 01", "evm.v.range"},
		{"", "80 80 825208 " TO " 05 80 1a 01 01", "evm.v.range"},
		{"", "80 80 825208 " TO " 05 80 1d 01 01", "evm.v.range"},
		{"", "80 80 825208 " TO " 05 80 22 01 01", "evm.v.range"},
		{"", "80 80 825208 " TO " 05 80 23 01 01", "evm.chain_id.zero"},
		{"", "80 80 825208 " TO " 05 80 89010000000000000000 01 01", "evm.v.overflow"},
		{"", "80 80 825208 " TO " 05 80 1b 80 01", "evm.r.range"},
		{"", "80 80 825208 " TO " 05 80 1b " ORDER " 01", "evm.r.range"},
		{"", "80 80 825208 " TO " 05 80 1b 00 01", "evm.r.leading_zero"},
		{"", "80 80 825208 " TO " 05 80 1b 01 80", "evm.s.range"},
		{"", "80 80 825208 " TO " 05 80 1b 01 " MAX_32, "evm.s.range"},
		{"", "80 80 825208 " TO " 05 80 1b 01 " HALF_ORDER_PLUS_1, "evm.s.high"},
		{"", "80 80 825208 " TO " 05 80 1b 01 c0", "evm.s.list"},
		{"01", "01 80 80 825208 " TO " 05 80", "evm.transaction.items"},
		{"02", "80 80 01 02 825208 " TO " 05 80 c0", "evm.chain_id.zero"},
		{"02", "01 80 02 01 825208 " TO " 05 80 c0", "evm.priority_fee.above_max_fee"},
		{"02", "01 80 00 01 825208 " TO " 05 80 c0", "evm.priority_fee.leading_zero"},
		{"02", "01 80 01 00 825208 " TO " 05 80 c0", "evm.max_fee.leading_zero"},
		{"02", "01 80 01 02 825208 " TO " 05 80 80", "evm.access_list.not_list"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c1", "evm.access_list.truncated"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c101", "evm.access.not_list"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c1c0", "evm.access_address.missing"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c3c20101", "evm.access_address.length"},
		{"02", "01 80 01 02 825208 " TO " 05 80 d6d5" TO, "evm.access_keys.missing"},
		{"02", "01 80 01 02 825208 " TO " 05 80 d8d7" TO "c101", "evm.access_key.length"},
		{"02", "01 80 01 02 825208 " TO " 05 80 d8d7" TO "c080", "evm.access.trailing"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c0 02 01 01", "evm.y_parity.range"},
		{"02", "01 80 01 02 825208 " TO " 05 80 c0 80 80 80", "evm.r.range"},
		{"02", "01 80 01 02 825209 " TO " 05 80 f838f7" TO "e1" KEY_32, "evm.gas_limit.intrinsic"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct evm_transaction transaction;
		struct bytes bytes = assemble_items(&arena, cases[i].type, cases[i].items);
		assert_fails(STATUS_INVALID, cases[i].name, evm_decode_transaction(&arena, bytes, 0, &transaction));
	}
}

static void
a_priority_fee_above_the_max_fee_is_refused_with_both(void **) {
	static const struct {
		const char *items, *message;
	} cases[] = {
		{"01 80 02 01 825208 " TO " 05 80 c0",
		 "evm.priority_fee.above_max_fee: a priority fee of 2 wei per gas, expected at most the max fee of 1"},
		{"01 80 " MAX_32 " 8502540be400 825208 " TO " 05 80 c0",
		 "evm.priority_fee.above_max_fee: a priority fee of "
		 "115792089237316195423570985008687907853269984665640564039457584007913129639935 wei per gas, expected "
		 "at most the max fee of 10000000000"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct evm_transaction transaction;
		struct bytes bytes = assemble_items(&arena, "02", cases[i].items);
		assert_int_equal(STATUS_INVALID, evm_decode_transaction(&arena, bytes, 0, &transaction));
		assert_string_equal(cases[i].message, fail_message());
	}
}

static void
bad_envelopes_are_refused_by_name(void **) {
	static const struct {
		const char *hex, *name;
		enum status status;
	} cases[] = {
		{"", "evm.transaction.missing", STATUS_INVALID},
		{"80", "evm.transaction.form", STATUS_INVALID},
		{"b838", "evm.transaction.form", STATUS_INVALID},
		{"00c0", "evm.type", STATUS_UNSUPPORTED},
		{"03c0", "evm.type", STATUS_UNSUPPORTED},
		{"04c0", "evm.type", STATUS_UNSUPPORTED},
		{"7fc0", "evm.type", STATUS_UNSUPPORTED},
		{"02", "evm.transaction.missing", STATUS_INVALID},
		{"0280", "evm.transaction.not_list", STATUS_INVALID},
		{"c0c0", "evm.transaction.trailing", STATUS_INVALID},
		{"c9", "evm.transaction.truncated", STATUS_INVALID},
		{"f801c0", "evm.transaction.length_form", STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct evm_transaction transaction;
		struct bytes bytes = decode_hex(&arena, cases[i].hex);
		assert_fails(cases[i].status, cases[i].name, evm_decode_transaction(&arena, bytes, 0, &transaction));
	}
}

static void
a_transaction_for_another_chain_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct evm_transaction transaction;
	const char *const whole[] = {EIP155_UNSIGNED, EIP155_SIGNED, ACCESS_LIST, DYNAMIC_FEE};
	for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
		struct bytes bytes = decode_hex(&arena, whole[i]);
		assert_ok(evm_decode_transaction(&arena, bytes, 1, &transaction));
		assert_fails(STATUS_INVALID, "evm.chain_id.differs",
			     evm_decode_transaction(&arena, bytes, 5, &transaction));
	}
	assert_ok(evm_decode_transaction(&arena, decode_hex(&arena, LEGACY_NO_CHAIN), 5, &transaction));
}

static void
init_code_is_bounded(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t extra = 0; extra < 2; extra++) {
		size_t len = EVM_INITCODE_MAX + extra;
		struct evm_transaction creation = {
			.gas_limit = 10'000'000,
			.creates_contract = true,
			.data = bytes_of(arena_alloc(&arena, len), len),
		};
		struct bytes bytes = evm_encode_transaction(&arena, &creation);
		if (extra == 0)
			assert_ok(evm_decode_transaction(&arena, bytes, 0, &creation));
		else
			assert_fails(STATUS_INVALID, "evm.initcode.length",
				     evm_decode_transaction(&arena, bytes, 0, &creation));
	}
}

static void
every_shortened_transaction_is_refused(void **) {
	const char *const whole[] = {EIP155_SIGNED, ACCESS_LIST, DYNAMIC_FEE};
	for (size_t i = 0; i < ARRAY_LENGTH(whole); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct bytes bytes = decode_hex(&arena, whole[i]);
		struct evm_transaction transaction;
		for (size_t len = 0; len < bytes.len; len++)
			assert_int_not_equal(
				OK, evm_decode_transaction(&arena, bytes_of(bytes.data, len), 0, &transaction));
	}
}

static void
addresses_have_the_checksum_of_eip55(void **) {
	static const char *const addresses[] = {
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
		"0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(addresses); i++) {
		struct evm_address address;
		char text[EVM_ADDRESS_TEXT_SIZE];
		assert_ok(evm_address_parse(bytes_of_text(addresses[i]), &address));
		evm_address_format(&address, text);
		assert_string_equal(addresses[i], text);
	}
	struct evm_address address;
	static const struct {
		const char *text, *name;
	} bad[] = {
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "evm.address.checksum"},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "evm.address.form"},
		{"5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00", "evm.address.form"},
		{"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "evm.address.form"},
		{"", "evm.address.form"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, bad[i].name, evm_address_parse(bytes_of_text(bad[i].text), &address));
	assert_ok(evm_address_parse(BYTES_OF_LITERAL("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"), &address));
}

static void
a_created_contract_stands_where_sender_and_nonce_say(void **) {
	/* The first three contracts of 0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0, a known series. */
	static const char *const contracts[] = {"0xcd234A471b72ba2F1Ccf0A70FCABA648a5eeCD8d",
						"0x343c43A37D37dfF08AE8C4A11544c718AbB4fCF8",
						"0xf778B86FA74E846c4f0a1fBd1335FE81c00a0C91"};
	struct evm_address sender;
	assert_ok(evm_address_parse(BYTES_OF_LITERAL("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"), &sender));
	for (size_t nonce = 0; nonce < ARRAY_LENGTH(contracts); nonce++) {
		struct evm_address contract = evm_address_of_contract(&sender, nonce);
		char text[EVM_ADDRESS_TEXT_SIZE];
		evm_address_format(&contract, text);
		assert_string_equal(contracts[nonce], text);
	}
}

RUN_TESTS(T(the_example_of_eip155_is_signed_as_it_says), T(every_type_is_encoded_as_it_was_read),
	  T(what_is_signed_is_what_was_decoded), T(intrinsic_gas_counts_data_creation_and_access_list),
	  T(a_priority_fee_above_the_max_fee_is_refused_with_both), T(bad_envelopes_are_refused_by_name),
	  T(bad_items_are_refused_by_name), T(a_transaction_for_another_chain_is_refused), T(init_code_is_bounded),
	  T(every_shortened_transaction_is_refused), T(addresses_have_the_checksum_of_eip55),
	  T(a_created_contract_stands_where_sender_and_nonce_say))
