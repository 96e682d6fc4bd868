/* Transactions byte for byte, what signatures sign (BIP-143's and BIP-341's own examples), and malformed encodings. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "wallet/bitcoin/compact_size.h"
#include "wallet/bitcoin/script.h"
#include "wallet/bitcoin/sighash.h"

constexpr size_t ENCODED_MAX = 2048;

struct encoded {
	uint8_t data[2048];
	size_t len;
};

static struct bytes
from_hex(const char *text, struct encoded *encoded) {
	encoded->len = strlen(text) / 2;
	assert_true(encoded->len <= ENCODED_MAX);
	assert_ok(hex_decode(bytes_of_text(text), encoded->data, encoded->len));
	return bytes_of(encoded->data, encoded->len);
}

static void
assert_digest(const char *expected, const struct hash256 *digest) {
	char text[65];
	hex_encode(hash256_bytes(digest), text);
	assert_string_equal(expected, text);
}

/* --- BIP-143, "Native P2WPKH" --- */

static const char NATIVE_UNSIGNED[] =
	"0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d182"
	"d279"
	"655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c9"
	"5a783a"
	"76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000";
static const char NATIVE_SIGNED[] =
	"01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26b"
	"a6a9cb"
	"62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc61"
	"8ef3ed"
	"01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb20600000000"
	"1976a9"
	"148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa8159"
	"88ac00"
	"0247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f"
	"3358f5"
	"1928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000";

static void
bip143_native_digest(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct encoded unsigned_bytes, key;
	struct bitcoin_transaction transaction;
	struct bitcoin_output spent[2] = {{.sats = 625'000'000}, {.sats = 600'000'000}};
	struct bitcoin_script script_code;
	struct bitcoin_sighash sighash;
	struct hash256 digest;
	assert_ok(bitcoin_transaction_read(&arena, from_hex(NATIVE_UNSIGNED, &unsigned_bytes), &transaction));
	assert_ok(bitcoin_sighash_start(&transaction, spent, &sighash));
	from_hex("025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357", &key);
	assert_ok(bitcoin_script_of_key(BITCOIN_P2PKH, key.data, (struct bytes){}, &script_code));
	assert_ok(bitcoin_sighash_witness_v0(&sighash, 1, bitcoin_script_bytes(&script_code), &digest));
	assert_digest("c37af31116d1b27caf68aae9e3ac82f1477929014d5b917657d0eb49478cb670", &digest);
}

/* Its first input is P2PK, signed in the original way. */
static void
bip143_original_signature_verifies(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct encoded signed_bytes, script;
	struct bitcoin_transaction transaction;
	struct bitcoin_output spent[2] = {};
	struct bitcoin_sighash sighash;
	struct hash256 digest;
	assert_ok(bitcoin_transaction_read(&arena, from_hex(NATIVE_SIGNED, &signed_bytes), &transaction));
	struct bytes script_code =
		from_hex("2103c9f4836b9a4f77fc0d81f7bcb01b7f1b35916864b9476c241ce9fc198bd25432ac", &script);
	assert_ok(bitcoin_sighash_start(&transaction, spent, &sighash));
	assert_ok(bitcoin_sighash_original(&sighash, 0, script_code, &digest));
	uint8_t signature[64];
	struct bytes pushed = transaction.inputs[0].script_sig;
	assert_ok(secp256k1_ecdsa_from_der(bytes_of(pushed.data + 1, pushed.len - 2), signature));
	assert_ok(secp256k1_verify(bytes_of(script_code.data + 1, 33), digest.bytes, signature));
}

/* --- BIP-143, "P2SH-P2WPKH" --- */

static void
bip143_nested_digest(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct encoded encoded, key;
	struct bitcoin_transaction transaction;
	struct bitcoin_output spent = {.sats = 1'000'000'000};
	struct bitcoin_script script_code, output;
	struct bitcoin_sighash sighash;
	struct hash256 digest;
	assert_ok(bitcoin_transaction_read(&arena,
					   from_hex("0100000001db6b1b20aa0fd7b23880be2ecbd4a98130974cf4748fb66092ac4d3c"
						    "eb1a54770100000000feffffff02b8b4eb"
						    "0b000000001976a914a457b684d7f0d539a46a45bbc043f35b59d0d96388ac0008"
						    "af2f000000001976a914fd270b1ee6abca"
						    "ea97fea7ad0402e8bd8ad6d77c88ac92040000",
						    &encoded),
					   &transaction));
	from_hex("03ad1d8e89212f0b92c74d23bb710c00662ad1470198ac48c43f7d6f93a2a26873", &key);
	assert_ok(bitcoin_script_of_key(BITCOIN_P2SH_P2WPKH, key.data, (struct bytes){}, &output));
	struct encoded script;
	assert_bytes(from_hex("a9144733f37cf4db86fbc2efed2500b4f4e49f31202387", &script),
		     bitcoin_script_bytes(&output));
	assert_ok(bitcoin_sighash_start(&transaction, &spent, &sighash));
	assert_ok(bitcoin_script_of_key(BITCOIN_P2PKH, key.data, (struct bytes){}, &script_code));
	assert_ok(bitcoin_sighash_witness_v0(&sighash, 0, bitcoin_script_bytes(&script_code), &digest));
	assert_digest("64f3b0f4dd2bb3aa1ce8566d220cc74dda9df97d8490cc81d89d735c92e59fb6", &digest);
}

/* --- BIP-341's wallet vectors, "keyPathSpending" --- */

static const char TAPROOT_UNSIGNED[] =
	"02000000097de20cbff686da83a54981d2b9bab3586f4ca7e48f57f5b55963115f3b334e9c010000000000000000d7b7cab57b1393ace2"
	"d064f4"
	"d4a2cb8af6def61273e127517d44759b6dafdd990000000000fffffffff8e1f583384333689228c5d28eac13366be082dc57441760d957"
	"275419"
	"a418420000000000fffffffff0689180aa63b30cb162a73c6d2a38b7eeda2a83ece74310fda0843ad604853b0100000000feffffffaa52"
	"02bdf6"
	"d8ccd2ee0f0202afbbb7461d9264a25e5bfd3c5a52ee1239e0ba6c0000000000feffffff956149bdc66faa968eb2be2d2faa29718acbfe"
	"394121"
	"5893a2a3446d32acd050000000000000000000e664b9773b88c09c32cb70a2a3e4da0ced63b7ba3b22f848531bbb1d5d5f4c9401000000"
	"000000"
	"0000e9aa6b8e6c9de67619e6a3924ae25696bb7b694bb677a632a74ef7eadfd4eabf0000000000ffffffffa778eb6a263dc090464cd125"
	"c466b5"
	"a99667720b1c110468831d058aa1b82af10100000000ffffffff0200ca9a3b000000001976a91406afd46bcdfd22ef94ac122aa11f2412"
	"44a37e"
	"cc88ac807840cb0000000020ac9a87f5594be208f8532db38cff670c450ed2fea8fcdefcc9a663f78bab962b0065cd1d";

static const struct {
	const char *script;
	uint64_t sats;
} TAPROOT_SPENT[] = {
	{"512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343", 420'000'000},
	{"5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3", 462'000'000},
	{"76a914751e76e8199196d454941c45d1b3a323f1433bd688ac", 294'000'000},
	{"5120e4d810fd50586274face62b8a807eb9719cef49c04177cc6b76a9a4251d5450e", 504'000'000},
	{"512091b64d5324723a985170e4dc5a0f84c041804f2cd12660fa5dec09fc21783605", 630'000'000},
	{"00147dd65592d0ab2fe0d0257d571abf032cd9db93dc", 378'000'000},
	{"512075169f4001aa68f15bbed28b218df1d0a62cbbcf1188c6665110c293c907b831", 672'000'000},
	{"5120712447206d7a5238acc7ff53fbe94a3b64539ad291c7cdbc490b7577e4b17df5", 546'000'000},
	{"512077e30a5522dd9f894c3f8b8bd4c4b2cf82ca7da8a3ea6a239655c39c050ab220", 588'000'000},
};

static void
bip341_digests_and_signatures(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct encoded encoded, scripts[ARRAY_LENGTH(TAPROOT_SPENT)], der, key;
	struct bitcoin_output spent[ARRAY_LENGTH(TAPROOT_SPENT)];
	struct bitcoin_transaction transaction;
	struct bitcoin_sighash sighash;
	struct hash256 digest;
	for (size_t i = 0; i < ARRAY_LENGTH(TAPROOT_SPENT); i++)
		spent[i] =
			(struct bitcoin_output){TAPROOT_SPENT[i].sats, from_hex(TAPROOT_SPENT[i].script, &scripts[i])};
	assert_ok(bitcoin_transaction_read(&arena, from_hex(TAPROOT_UNSIGNED, &encoded), &transaction));
	assert_int_equal(9, transaction.input_count);
	assert_ok(bitcoin_sighash_start(&transaction, spent, &sighash));
	assert_digest("e3b33bb4ef3a52ad1fffb555c0d82828eb22737036eaeb02a235d82b909c4c3f", &sighash.prevouts);
	assert_digest("58a6964a4f5f8f0b642ded0a8a553be7622a719da71d1f5befcefcdee8e0fde6", &sighash.amounts);
	assert_digest("23ad0f61ad2bca5ba6a7693f50fce988e17c3780bf2b1e720cfbb38fbdd52e21", &sighash.scripts);
	assert_digest("18959c7221ab5ce9e26c3cd67b22c24f8baa54bac281d8e6b05e400e6c3a957e", &sighash.sequences);
	assert_digest("a2e6dab7c1f0dcd297c8d61647fd17d821541ea69c3cc37dcbad7f90d4eb4bc5", &sighash.outputs);
	assert_ok(bitcoin_sighash_taproot(&sighash, 3, BITCOIN_SIGHASH_ALL, &digest));
	assert_digest("bf013ea93474aa67815b1b6cc441d23b64fa310911d991e713cd34c7f5d46669", &digest);
	assert_ok(bitcoin_sighash_taproot(&sighash, 4, BITCOIN_SIGHASH_DEFAULT, &digest));
	assert_digest("4f900a0bae3f1446fd48490c2958b5a023228f01661cda3496a11da502a7f7ef", &digest);

	/* Input 2 is P2PKH of private key 1, signed in the original way. */
	uint8_t signature[64];
	assert_ok(bitcoin_sighash_original(&sighash, 2, spent[2].script, &digest));
	from_hex("30450221008f3b8f8f0537c420654d2283673a761b7ee2ea3c130753103e08ce79201cf32a022079e7ab904a1980ef1c5890b"
		 "648c878"
		 "3f4d10103dd62f740d13daa79e298d50c2",
		 &der);
	from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", &key);
	assert_ok(secp256k1_ecdsa_from_der(bytes_of(der.data, der.len), signature));
	assert_ok(secp256k1_verify(bytes_of(key.data, key.len), digest.bytes, signature));

	assert_fails(STATUS_INTERNAL, "bitcoin.sighash",
		     bitcoin_sighash_taproot(&sighash, 9, BITCOIN_SIGHASH_ALL, &digest));
}

/* BIP-341's output key of an internal key with a script tree. */
static void
a_taproot_script_commits_to_key_and_tree(void **) {
	struct encoded key, root, expected;
	struct bitcoin_script script;
	from_hex("0293478e9488f956df2396be2ce6c5cced75f900dfa18e7dabd2428aae78451820", &key);
	from_hex("c525714a7f49c28aedbbba78c005931a81c234b2f6c99a73e4d06082adc8bf2b", &root);
	assert_ok(bitcoin_script_of_key(BITCOIN_P2TR, key.data, bytes_of(root.data, root.len), &script));
	assert_bytes(from_hex(TAPROOT_SPENT[3].script, &expected), bitcoin_script_bytes(&script));
}

/* --- encoding --- */

static void
what_was_read_is_written_byte_for_byte(void **) {
	static const char *const TRANSACTIONS[] = {NATIVE_UNSIGNED, NATIVE_SIGNED, TAPROOT_UNSIGNED};
	for (size_t i = 0; i < ARRAY_LENGTH(TRANSACTIONS); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer written = {};
		struct encoded encoded;
		struct bitcoin_transaction transaction;
		struct bytes bytes = from_hex(TRANSACTIONS[i], &encoded);
		assert_ok(bitcoin_transaction_read(&arena, bytes, &transaction));
		bitcoin_transaction_write(&transaction, &written);
		assert_bytes(bytes, buffer_bytes(&written));
	}
}

static void
the_txid_leaves_witnesses_out_and_the_wtxid_does_not(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct encoded encoded;
	struct bitcoin_transaction transaction;
	struct hash256 txid;
	char text[BITCOIN_HASH_TEXT_SIZE];
	assert_ok(bitcoin_transaction_read(&arena, from_hex(NATIVE_SIGNED, &encoded), &transaction));
	assert_ok(bitcoin_transaction_id(&transaction, &txid));
	struct hash256 whole = sha256_twice(bytes_of(encoded.data, encoded.len)); /* with its witness */
	assert_false(hash256_equal(&txid, &whole));
	bitcoin_hash_text(&txid, text);
	assert_string_equal("e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609", text);
}

static void
compact_sizes_are_shortest(void **) {
	static const uint64_t NUMBERS[] = {0, 0xfc, 0xfd, 0xffff, 0x1'0000, 0xffff'ffff, 0x1'0000'0000, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LENGTH(NUMBERS); i++) {
		_cleanup_(buffer_free) struct buffer buffer = {};
		bitcoin_append_compact_size(&buffer, NUMBERS[i]);
		assert_int_equal(bitcoin_compact_size_length(NUMBERS[i]), buffer.len);
		struct cursor cursor = cursor_of(buffer_bytes(&buffer));
		uint64_t number;
		assert_ok(bitcoin_read_compact_size(&cursor, "test", &number));
		assert_true(number == NUMBERS[i]);
	}
	static const char *const LONGER[] = {"fdfc00", "feffff0000", "ffffffffff00000000"};
	for (size_t i = 0; i < ARRAY_LENGTH(LONGER); i++) {
		struct encoded encoded;
		struct cursor cursor = cursor_of(from_hex(LONGER[i], &encoded));
		uint64_t number;
		assert_fails(STATUS_INVALID, "bitcoin.compact_size",
			     bitcoin_read_compact_size(&cursor, "test", &number));
	}
}

/* The parts of a small transaction: outpoint, and everything from the input count on. */
#define OUTPOINT                                                                                                       \
	"0101010101010101010101010101010101010101010101010101010101010101"                                             \
	"00000000"
#define INPUT                                                                                                          \
	OUTPOINT "00"                                                                                                  \
		 "ffffffff"
#define OUTPUT                                                                                                         \
	"e803000000000000"                                                                                             \
	"0151"

static void
malformed_encodings_are_refused_by_name(void **) {
	static const struct {
		const char *name, *hex;
	} CASES[] = {
		{"bitcoin.version", ""},
		{"bitcoin.version", "020000"},
		{"bitcoin.input_count", "02000000"},
		{"bitcoin.input_count", "02000000"
					"fd01"},
		{"bitcoin.compact_size", "02000000"
					 "fd0100" INPUT},
		{"bitcoin.input_count", "02000000"
					"02" INPUT},
		{"bitcoin.input_count", "02000000"
					"ffffffffffffffffff" INPUT},
		{"bitcoin.input_count", "02000000"
					"01" OUTPOINT "00"
					"ffffff"},
		{"bitcoin.script_sig", "02000000"
				       "01" OUTPOINT "05"
				       "ffffffff"},
		{"bitcoin.sequence", "02000000"
				     "01" OUTPOINT "04"
				     "ffffffff"},
		{"bitcoin.output_count", "02000000"
					 "01" INPUT},
		{"bitcoin.output_count", "02000000"
					 "01" INPUT "02" OUTPUT},
		{"bitcoin.output_count", "02000000"
					 "01" INPUT "01"
					 "e8030000"},
		{"bitcoin.script", "02000000"
				   "01" INPUT "01"
				   "e803000000000000"
				   "fe00000001"},
		{"bitcoin.lock_time", "02000000"
				      "01" INPUT "01" OUTPUT},
		{"bitcoin.lock_time", "02000000"
				      "01" INPUT "01" OUTPUT "000000"},
		{"bitcoin.transaction.trailing", "02000000"
						 "01" INPUT "01" OUTPUT "00000000"
						 "00"},
		{"bitcoin.no_inputs", "02000000"
				      "00"
				      "00"
				      "00000000"},
		{"bitcoin.no_inputs", "02000000"
				      "0001"
				      "00"
				      "00"
				      "00000000"},
		{"bitcoin.witness_flag", "02000000"
					 "00"},
		{"bitcoin.witness_flag", "02000000"
					 "0002"
					 "01" INPUT "01" OUTPUT "0100"
					 "00000000"},
		{"bitcoin.witness", "02000000"
				    "0001"
				    "01" INPUT "01" OUTPUT},
		{"bitcoin.witness", "02000000"
				    "0001"
				    "01" INPUT "01" OUTPUT "05"
				    "00000000"},
		{"bitcoin.witness", "02000000"
				    "0001"
				    "01" INPUT "01" OUTPUT "01"
				    "05"
				    "00000000"},
		{"bitcoin.witness_superfluous", "02000000"
						"0001"
						"01" INPUT "01" OUTPUT "00"
						"00000000"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct encoded encoded;
		struct bitcoin_transaction transaction;
		assert_fails(STATUS_INVALID, CASES[i].name,
			     bitcoin_transaction_read(&arena, from_hex(CASES[i].hex, &encoded), &transaction));
	}
}

RUN_TESTS(T(bip143_native_digest), T(bip143_original_signature_verifies), T(bip143_nested_digest),
	  T(bip341_digests_and_signatures), T(a_taproot_script_commits_to_key_and_tree),
	  T(what_was_read_is_written_byte_for_byte), T(the_txid_leaves_witnesses_out_and_the_wtxid_does_not),
	  T(compact_sizes_are_shortest), T(malformed_encodings_are_refused_by_name))
