#include "tests/test.h"

#include <stdio.h>

#include "keys/bip32.h"
#include "keys/key.h"

static struct key_info
single_key(void) {
	struct key_info key = {.id = "eth-hot-1",
			       .account = "desk-1.spot",
			       .algorithm = KEY_SECP256K1,
			       .purpose = KEY_PURPOSE_TRANSFER,
			       .material = KEY_MATERIAL_SINGLE,
			       .state = KEY_ACTIVE,
			       .created_ms = 1'795'250'000'000,
			       .public_key_len = 33};
	memset(key.public_key, 0x02, sizeof key.public_key);
	return key;
}

static struct key_info
extended_key(void) {
	struct key_info key = single_key();
	key.material = KEY_MATERIAL_EXTENDED;
	key.branch_count = 2;
	memset(key.fingerprint, 0xab, sizeof key.fingerprint);
	assert_ok(bip32_path_parse(BYTES_OF_LITERAL("m/84'"), &key.origin));
	assert_ok(bip32_path_parse(BYTES_OF_LITERAL("m/0'/0'"), &key.branches[0]));
	assert_ok(bip32_path_parse(BYTES_OF_LITERAL("m/0'/1'"), &key.branches[1]));
	return key;
}

static struct key_info
shared_key(void) {
	struct key_info key = single_key();
	key.sharing = KEY_SHARED_ECDSA;
	key.threshold = 2;
	key.parties = 3;
	key.epoch = 1;
	return key;
}

static struct key_info
shared_extended_key(void) {
	struct key_info key = shared_key();
	key.material = KEY_MATERIAL_EXTENDED;
	key.branch_count = 1;
	assert_ok(bip32_path_parse(BYTES_OF_LITERAL("m/0"), &key.branches[0]));
	return key;
}

static void
write_key(const struct key_info *key, struct buffer *text) {
	struct json_writer writer;
	buffer_reset(text);
	json_writer_start(&writer, text);
	key_write(&writer, key);
	assert_ok(json_writer_finish(&writer));
}

static enum status
read_key(struct arena *arena, struct bytes text, struct key_info *key) {
	const json *root;
	assert_ok(json_read(arena, text, (struct json_limits){}, &root));
	return key_read(root, key);
}

static void
a_record_reads_as_it_was_written(void **) {
	struct key_info rotated = single_key(), ed25519 = single_key(), keys[8];
	rotated.state = KEY_ROTATED;
	strcpy(rotated.successor, "eth-hot-2");
	ed25519.algorithm = KEY_ED25519;
	ed25519.public_key_len = 32;
	ed25519.public_key[32] = 0;
	keys[0] = single_key();
	keys[1] = extended_key();
	keys[2] = rotated;
	keys[3] = ed25519;
	keys[4] = single_key();
	strcpy(keys[4].chain, "eip155:11155111");
	keys[5] = extended_key();
	strcpy(keys[5].chain, "bitcoin:testnet4");
	keys[6] = shared_key();
	keys[7] = shared_extended_key();
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		struct key_info read;
		write_key(&keys[i], &text);
		assert_ok(json_check_canonical(&arena, buffer_bytes(&text)));
		assert_ok(read_key(&arena, buffer_bytes(&text), &read));
		assert_memory_equal(&keys[i], &read, sizeof read);
	}
}

static void
a_record_is_the_documented_json(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct key_info key = extended_key();
	write_key(&key, &text);
	const char *expected =
		"{\"account\":\"desk-1.spot\",\"algorithm\":\"secp256k1\",\"branches\":[\"m/0'/0'\",\"m/0'/1'\"],"
		"\"created\":1795250000000,\"fingerprint\":\"abababab\",\"id\":\"eth-hot-1\","
		"\"material\":\"extended\",\"origin\":\"m/84'\","
		"\"public_key\":\"020202020202020202020202020202020202020202020202020202020202020202\","
		"\"purpose\":\"transfer\",\"state\":\"active\"}";
	assert_bytes(bytes_of_text(expected), buffer_bytes(&text));
}

#define SINGLE(account, algorithm, created, id, material, public_key, purpose, rest)                                   \
	"{\"account\":" account ",\"algorithm\":" algorithm ",\"created\":" created ",\"id\":" id                      \
	",\"material\":" material ",\"public_key\":" public_key ",\"purpose\":" purpose "," rest "}"
#define POINT "\"020202020202020202020202020202020202020202020202020202020202020202\""
#define EXTENDED(branches, fingerprint, origin)                                                                        \
	"{\"account\":\"a\",\"algorithm\":\"secp256k1\",\"branches\":" branches                                        \
	",\"created\":0,\"fingerprint\":" fingerprint ",\"id\":\"k\",\"material\":\"extended\",\"origin\":" origin     \
	",\"public_key\":" POINT ",\"purpose\":\"transfer\",\"state\":\"active\"}"

static void
bad_records_are_refused_by_name(void **) {
	static const struct {
		const char *reason, *text;
	} cases[] = {
		{"key_record.material", "{}"},
		{"key_record.material", "{\"material\":\"paper\"}"},
		{"key_record.id",
		 SINGLE("\"\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"active\"")},
		{"key_record.id",
		 SINGLE("\"a\"", "\"p256\"", "0", "\"K\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"active\"")},
		{"key_record.algorithm",
		 SINGLE("\"a\"", "\"rsa\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"active\"")},
		{"key_record.created",
		 SINGLE("\"a\"", "\"p256\"", "-1", "\"k\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"active\"")},
		{"key_record.created", SINGLE("\"a\"", "\"p256\"", "\"now\"", "\"k\"", "\"single\"", POINT,
					      "\"digest\"", "\"state\":\"active\"")},
		{"key_record.public_key", SINGLE("\"a\"", "\"ed25519\"", "0", "\"k\"", "\"single\"", POINT,
						 "\"digest\"", "\"state\":\"active\"")},
		{"key_record.purpose",
		 SINGLE("\"a\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"any\"", "\"state\":\"active\"")},
		{"key_record.state",
		 SINGLE("\"a\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"lost\"")},
		{"key_record.successor",
		 SINGLE("\"a\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"", "\"state\":\"rotated\"")},
		{"key_record.successor", SINGLE("\"a\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"",
						"\"state\":\"active\",\"successor\":\"k2\"")},
		{"key_record.chain", SINGLE("\"a\"", "\"secp256k1\",\"chain\":\"bitcoin\"", "0", "\"k\"", "\"single\"",
					    POINT, "\"transfer\"", "\"state\":\"active\"")},
		{"key_record.chain", SINGLE("\"a\"", "\"secp256k1\",\"chain\":\"bitcoin:main:x\"", "0", "\"k\"",
					    "\"single\"", POINT, "\"transfer\"", "\"state\":\"active\"")},
		{"key_record.chain",
		 SINGLE("\"a\"", "\"secp256k1\",\"chain\":\"bitcoin:012345678901234567890123456789\"", "0", "\"k\"",
			"\"single\"", POINT, "\"transfer\"", "\"state\":\"active\"")},
		{"key_record.chain", SINGLE("\"a\"", "\"secp256k1\",\"chain\":7", "0", "\"k\"", "\"single\"", POINT,
					    "\"transfer\"", "\"state\":\"active\"")},
		{"key_record.chain", SINGLE("\"a\"", "\"secp256k1\",\"chain\":\"bitcoin:test\"", "0", "\"k\"",
					    "\"single\"", POINT, "\"digest\"", "\"state\":\"active\"")},
		{"key_record.origin", SINGLE("\"a\"", "\"p256\"", "0", "\"k\"", "\"single\"", POINT, "\"digest\"",
					     "\"state\":\"active\",\"origin\":\"m\"")},
		{"key_record.fingerprint", EXTENDED("[]", "\"abc\"", "\"m\"")},
		{"bip32.path", EXTENDED("[]", "\"00000000\"", "\"84\"")},
		{"key_record.branches", EXTENDED("[\"m\"]", "\"00000000\"", "\"m\"")},
		{"key_record.branches", EXTENDED("[1]", "\"00000000\"", "\"m\"")},
		{"key_record.branches", EXTENDED("[\"m/1\",\"m/2\",\"m/3\",\"m/4\",\"m/5\"]", "\"00000000\"", "\"m\"")},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct key_info key;
		assert_fails(STATUS_INVALID, cases[i].reason, read_key(&arena, bytes_of_text(cases[i].text), &key));
	}
}

static void
attributes_that_do_not_go_together_are_refused(void **) {
	struct key_info key = extended_key();
	key.algorithm = KEY_P256;
	assert_fails(STATUS_INVALID, "key_record.material", key_check_info(&key));
	key = single_key();
	key.branch_count = 1;
	assert_fails(STATUS_INVALID, "key_record.material", key_check_info(&key));
	key = single_key();
	key.purpose = KEY_PURPOSE_COUNT;
	assert_fails(STATUS_INVALID, "key_record.attribute", key_check_info(&key));
	key = single_key();
	memset(key.id, 'a', sizeof key.id); /* no NUL */
	assert_fails(STATUS_INVALID, "key_record.id", key_check_info(&key));
	key = shared_extended_key();
	assert_ok(bip32_path_parse(BYTES_OF_LITERAL("m/0/1'"), &key.branches[0]));
	assert_fails(STATUS_INVALID, "key_record.branches", key_check_info(&key));
	key = shared_extended_key();
	key.origin.count = 1;
	assert_fails(STATUS_INVALID, "key_record.origin", key_check_info(&key));
	key = shared_key();
	key.algorithm = KEY_P256;
	assert_fails(STATUS_INVALID, "key_record.sharing", key_check_info(&key));
	key = single_key();
	key.public_key_len = 65;
	assert_fails(STATUS_INVALID, "key_record.public_key", key_check_info(&key));
}

static void
each_scheme_shares_keys_of_its_own_kind(void **) {
	static const struct {
		enum key_sharing sharing;
		enum key_algorithm algorithm;
		enum key_material material;
		enum key_purpose purpose;
		bool goes;
	} cases[] = {
		{KEY_SHARED_ECDSA, KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_PURPOSE_DIGEST, true},
		{KEY_SHARED_ECDSA, KEY_ED25519, KEY_MATERIAL_SINGLE, KEY_PURPOSE_TRANSFER, false},
		{KEY_SHARED_ED25519, KEY_ED25519, KEY_MATERIAL_SINGLE, KEY_PURPOSE_TRANSFER, true},
		{KEY_SHARED_ED25519, KEY_ED25519, KEY_MATERIAL_SINGLE, KEY_PURPOSE_DIGEST, false},
		{KEY_SHARED_ED25519, KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_PURPOSE_TRANSFER, false},
		{KEY_SHARED_BIP340, KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_PURPOSE_TRANSFER, true},
		{KEY_SHARED_BIP340, KEY_SECP256K1, KEY_MATERIAL_EXTENDED, KEY_PURPOSE_TRANSFER, false},
		{KEY_SHARED_BIP340, KEY_SECP256K1, KEY_MATERIAL_SINGLE, KEY_PURPOSE_DIGEST, false},
		{KEY_SHARED_BIP340, KEY_ED25519, KEY_MATERIAL_SINGLE, KEY_PURPOSE_TRANSFER, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct key_info key = shared_key();
		key.sharing = cases[i].sharing;
		key.algorithm = cases[i].algorithm;
		key.material = cases[i].material;
		key.purpose = cases[i].purpose;
		key.public_key_len = key.algorithm == KEY_ED25519 ? 32 : 33;
		if (cases[i].goes)
			assert_ok(key_check_info(&key));
		else
			assert_fails(STATUS_INVALID, "key_record.sharing", key_check_info(&key));
	}
}

RUN_TESTS(T(a_record_reads_as_it_was_written), T(each_scheme_shares_keys_of_its_own_kind),
	  T(a_record_is_the_documented_json), T(bad_records_are_refused_by_name),
	  T(attributes_that_do_not_go_together_are_refused))
