/* Network transactions as they are read for people: BIP-143's example, and how they are told from what others' bytes look like. */
#include "tests/test.h"

#include "base/json.h"
#include "wallet/bitcoin/transaction.h"
#include "wallet/solana/message.h"
#include "wallet/wallet.h"

/* BIP-143, "Native P2WPKH". */
#define UNSIGNED                                                                                                       \
	"0100000002fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f0000000000eeffffffef51e1b804cc89d1" \
	"82d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99" \
	"f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac11000000"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define SIGNED                                                                                                         \
	"01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc2" \
	"6ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4" \
	"ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff" \
	"02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4d" \
	"be6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a" \
	"0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb" \
	"3566bb0ad253f62fc70f07aeee635711000000"

static enum status
read_as(struct arena *arena, const char *text, const char *wanted, enum wallet_format *format, struct bytes *payload) {
	struct bytes name = wanted == nullptr ? (struct bytes){} : bytes_of_text(wanted);
	return wallet_reader_payload_of_text(arena, bytes_of_text(text), name, format, payload);
}

static enum status
decode(struct arena *arena, const char *text, const struct wallet_context *context,
       struct wallet_transaction **transaction) {
	enum wallet_format format;
	struct bytes payload;
	TRY(read_as(arena, text, nullptr, &format, &payload));
	assert_int_equal(WALLET_BITCOIN, format);
	return wallet_decode(arena, format, payload, context, transaction);
}

static void
assert_contains(const struct buffer *text, const char *part) {
	if (memmem(text->data, text->len, part, strlen(part)) == nullptr)
		fail_msg("\"%s\" is not in:\n%.*s", part, (int)text->len, (const char *)text->data);
}

static void
what_it_pays_and_spends_is_told_and_what_it_does_not_say_is_unknown(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {}, view = {};
	struct wallet_transaction *transaction;
	assert_ok(decode(&arena, SIGNED, &(struct wallet_context){}, &transaction));
	assert_ok(wallet_explain(transaction, &text));
	static const char *const lines[] = {
		"chain         bitcoin:main\n",
		"sends         112340000 smallest units of bitcoin:main/native to 1Cu32FVupVCgHkMMRJdYJugxwo2Aprgk7H",
		"sends         223450000 smallest units of bitcoin:main/native to 16TZ8J6Q5iZKBWizWzFAYnrsaox5Z5aBRV",
		"spends        9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff:0  amount not known, ",
		":0  amount not known, sequence 4294967278, signed\n",
		":1  amount not known, sequence 4294967295, signed\n",
		"fee           not known: ",
		"change        not known: ",
		"transaction   version 1, 2 of 2 inputs signed, by whom and whether it holds not known\n",
		"txid          e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609\n",
		"wtxid         c36c38370907df2324d9ce9d149d191192f338b37665a82e78e76a12c909b762\n",
		"size          343 bytes, 261 vB, weight 1042\n",
		"replaceable   yes (BIP-125)\n",
		"lock time     17 (block height)\n",
		"warning       the gate does not sign this: bitcoin.network_transaction: ",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(lines); i++)
		assert_contains(&text, lines[i]);
	assert_ok(wallet_view(transaction, &view));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&view)));
	assert_contains(&view, "\"size\":343,\"time_locked\":true,\"txid\":\"e8151a2a");
	assert_true(transaction->amount.limbs[0] == 335'790'000 && amount_is_zero(&transaction->fee_max));
	assert_int_equal(2, transaction->destination_count);
	assert_int_equal(0, transaction->request_count);
	assert_false(transaction->has_spend);
}

static void
an_unsigned_one_says_that_its_txid_may_change(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct wallet_transaction *transaction;
	assert_ok(decode(&arena, UNSIGNED, &(struct wallet_context){.chain = BYTES_OF_LITERAL("bitcoin:regtest")},
			 &transaction));
	assert_bytes(BYTES_OF_LITERAL("bitcoin:regtest"), transaction->chain);
	assert_ok(wallet_explain(transaction, &text));
	assert_contains(&text, "transaction   version 1, 0 of 2 inputs signed, ");
	assert_contains(&text, "  (another where a script is signed)\n");
	assert_contains(&text, "size          160 bytes, 160 vB, weight 640\n");
	assert_contains(&text, " to msQzKJatdWdw4rpy8sbv8puHoncseekYCf"); /* as test networks write it */

	assert_ok(decode(&arena, "0200000001" ONES "0000000000ffffffff0111000000000000000011000000",
			 &(struct wallet_context){}, &transaction));
	assert_ok(wallet_explain(transaction, &text));
	assert_contains(&text, "replaceable   no\nlock time     17 (without effect: every input is final)\n");
}

static void
the_gate_signs_none(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct wallet_transaction *transaction;
	const struct wallet_key key = {.id = BYTES_OF_LITERAL("k"), .algorithm = KEY_SECP256K1};
	enum wallet_format format;
	struct wallet_result result;
	assert_fails(STATUS_UNSUPPORTED, "bitcoin.network_transaction",
		     decode(&arena, UNSIGNED, &(struct wallet_context){.key = &key}, &transaction));
	assert_fails(STATUS_UNSUPPORTED, "wallet.format", wallet_format_of_name(BYTES_OF_LITERAL("bitcoin"), &format));
	assert_ok(decode(&arena, UNSIGNED, &(struct wallet_context){}, &transaction));
	assert_fails(STATUS_INVALID, "wallet.signatures",
		     wallet_assemble(&arena, transaction, &(struct signature){}, 0, &result));
	assert_fails(STATUS_INVALID, "wallet.signed",
		     wallet_assemble_signed(&arena, transaction, transaction->payload, &result));
}

/* What cannot be in a chain is told all the same, and why it cannot. */
static void
what_no_block_can_hold_is_told_with_its_reason(void **) {
	static const struct {
		const char *refusal, *text;
	} rows[] = {
		{"bitcoin.coinbase: ", "01000000"
				       "01" ZEROS "ffffffff"
				       "0100"
				       "ffffffff"
				       "01"
				       "00f2052a01000000"
				       "00"
				       "00000000"},
		{"bitcoin.no_outputs: ", "01000000"
					 "01" ONES "00000000"
					 "00"
					 "00000000"
					 "00"
					 "00000000"},
		{"bitcoin.money_range: ", "03000000"
					  "01" ONES "00000000"
					  "00"
					  "00000000"
					  "01"
					  "ffffffffffffffff"
					  "00"
					  "00000000"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer text = {}, view = {};
		struct wallet_transaction *transaction;
		assert_ok(decode(&arena, rows[i].text, &(struct wallet_context){}, &transaction));
		if (strncmp(transaction->refusal, rows[i].refusal, strlen(rows[i].refusal)) != 0)
			fail_msg("expected %s, found %s", rows[i].refusal, transaction->refusal);
		assert_ok(wallet_explain(transaction, &text));
		assert_ok(wallet_view(transaction, &view));
	}
}

static void
bad_encodings_are_refused_by_name(void **) {
	static const struct {
		const char *name, *text;
	} rows[] = {
		{"bitcoin.input_count", "01000000"},
		{"bitcoin.input_count", "0100000002fff7"},
		{"bitcoin.no_inputs", "0100000000000000000000"},
		{"bitcoin.witness_flag", "02000000000201"},
		{"bitcoin.script_sig", "01000000"
				       "01" ONES "00000000"
				       "10"
				       "00000000"
				       "00"
				       "00000000"},
		{"bitcoin.witness_superfluous", "01000000"
						"0001"
						"01" ONES "00000000"
						"00"
						"00000000"
						"00"
						"00"
						"00000000"},
		{"bitcoin.lock_time", "01000000"
				      "01" ONES "00000000"
				      "00"
				      "00000000"
				      "00"
				      "00"},
		{"bitcoin.transaction.trailing", UNSIGNED "00"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct wallet_transaction *transaction;
		enum status status = decode(&arena, rows[i].text, &(struct wallet_context){}, &transaction);
		char name[64];
		fail_name(name, sizeof name);
		if (status != STATUS_INVALID || strcmp(name, rows[i].name) != 0)
			fail_msg("%s: %s %s", rows[i].text, status_name(status), fail_message());
	}
}

static void
formats_are_told_apart_by_how_they_begin_or_by_name(void **) {
	static const struct {
		const char *text, *wanted;
		enum wallet_format format;
	} rows[] = {
		{SIGNED, nullptr, WALLET_BITCOIN},
		{"0x" UNSIGNED "\n", nullptr, WALLET_BITCOIN},
		{"02000000", nullptr, WALLET_BITCOIN},
		{"04000000", nullptr, WALLET_EVM}, /* no version that nodes relay: by name only */
		{"04000000", "bitcoin", WALLET_BITCOIN},
		{"02c0", nullptr, WALLET_EVM},
		{"01c0000000", nullptr, WALLET_EVM},
		{"e9808080808080", nullptr, WALLET_EVM},
		{"70736274ff01000000", nullptr, WALLET_PSBT},
		{SIGNED, "evm", WALLET_EVM},
		{SIGNED, "solana", WALLET_SOLANA},
		{SIGNED, "psbt", WALLET_PSBT},
	};
	_cleanup_(arena_free) struct arena arena = {};
	enum wallet_format format;
	struct bytes payload;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		assert_ok(read_as(&arena, rows[i].text, rows[i].wanted, &format, &payload));
		if (format != rows[i].format)
			fail_msg("%s is read as %s", rows[i].text, wallet_format_name(format));
	}
	assert_fails(STATUS_UNSUPPORTED, "wallet.format", read_as(&arena, SIGNED, "tron", &format, &payload));
	assert_fails(STATUS_INVALID, "wallet.text", read_as(&arena, "hello", "bitcoin", &format, &payload));
}

/* Offsets in a Solana transaction of one signature, 64 zeros or whatever somebody puts there. */
constexpr size_t SIGNATURE_AT = 1, MESSAGE_AT = 65, TAIL = 18;

/* One signature, two accounts, one instruction of the program, whose data are the last bytes. */
static struct bytes
solana_bytes(uint8_t bytes[256]) {
	static const uint8_t header[] = {1, 0, 1, 2};
	static const uint8_t instruction[] = {1, 1, 0, TAIL};
	memset(bytes, 0, 256);
	bytes[0] = 1;
	memcpy(bytes + MESSAGE_AT, header, sizeof header);
	memset(bytes + MESSAGE_AT + sizeof header, 7, 32);
	memset(bytes + MESSAGE_AT + sizeof header + 32, 9, 32 + 32);
	size_t len = MESSAGE_AT + sizeof header + 96;
	memcpy(bytes + len, instruction, sizeof instruction);
	return bytes_of(bytes, len + sizeof instruction + TAIL);
}

static void
an_unsigned_transaction_of_solana_is_none_of_bitcoin(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t bytes[256];
	struct bytes payload, given = solana_bytes(bytes);
	struct solana_transaction solana;
	enum wallet_format format;
	assert_true(bitcoin_begins_transaction(given));
	assert_ok(solana_decode_transaction(&arena, given, &solana));
	assert_ok(wallet_reader_payload_of_text(&arena, given, (struct bytes){}, &format, &payload));
	assert_int_equal(WALLET_SOLANA, format);
	given.len--; /* what looks like Solana's alone is told as such */
	assert_ok(wallet_reader_payload_of_text(&arena, given, (struct bytes){}, &format, &payload));
	assert_int_equal(WALLET_SOLANA, format);
}

/* The signature's bytes are an input whose script is all that follows, but for the instruction's data: an output and a lock time. */
static void
bytes_that_are_both_are_refused_until_the_format_is_named(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t bytes[256];
	struct bytes payload, given = solana_bytes(bytes);
	struct bitcoin_transaction network;
	struct solana_transaction solana;
	enum wallet_format format;
	constexpr size_t SCRIPT_AT = SIGNATURE_AT + 41;
	bytes[SIGNATURE_AT + 3] = 1; /* inputs */
	bytes[SIGNATURE_AT + 40] = (uint8_t)(given.len - TAIL - SCRIPT_AT);
	bytes[given.len - TAIL + 4] = 1; /* outputs, behind the sequence */
	assert_true(bytes[SIGNATURE_AT + 40] < 0xfd);
	assert_ok(bitcoin_transaction_read(&arena, given, &network));
	assert_ok(solana_decode_transaction(&arena, given, &solana));
	assert_fails(STATUS_INVALID, "wallet.ambiguous",
		     wallet_reader_payload_of_text(&arena, given, (struct bytes){}, &format, &payload));
	assert_ok(wallet_reader_payload_of_text(&arena, given, BYTES_OF_LITERAL("bitcoin"), &format, &payload));
	assert_int_equal(WALLET_BITCOIN, format);
}

RUN_TESTS(T(what_it_pays_and_spends_is_told_and_what_it_does_not_say_is_unknown),
	  T(an_unsigned_one_says_that_its_txid_may_change), T(the_gate_signs_none),
	  T(what_no_block_can_hold_is_told_with_its_reason), T(bad_encodings_are_refused_by_name),
	  T(formats_are_told_apart_by_how_they_begin_or_by_name),
	  T(an_unsigned_transaction_of_solana_is_none_of_bitcoin),
	  T(bytes_that_are_both_are_refused_until_the_format_is_named))
