#include "tests/test.h"

#include "wallet/solana/step.h"

/* One System transfer of 5 lamports from account 0 to account 1, legacy. */
static struct bytes
transfer(struct arena *arena, bool is_versioned) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	uint8_t signature[SOLANA_SIGNATURE_SIZE] = {};
	static const uint8_t accounts[] = {0, 1};
	static const uint8_t data[] = {2, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
	struct solana_address addresses[3] = {{{1}}, {{2}}, {}};
	struct solana_instruction instruction = {2, accounts, 2, BYTES_OF_ARRAY(data)};
	struct solana_transaction transaction = {
		.message = {.is_versioned = is_versioned,
			    .signers = 1,
			    .readonly_others = 1,
			    .accounts = addresses,
			    .account_count = 3,
			    .recent_blockhash = {{9}},
			    .instructions = &instruction,
			    .instruction_count = 1},
		.signatures = (const uint8_t(*)[SOLANA_SIGNATURE_SIZE])signature,
	};
	solana_encode_transaction(&transaction, &bytes);
	assert_ok(buffer_status(&bytes));
	return arena_copy(arena, buffer_bytes(&bytes));
}

static void
both_versions_are_read_and_written_again(void **) {
	for (int versioned = 0; versioned <= 1; versioned++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer again = {};
		struct solana_transaction transaction;
		struct bytes bytes = transfer(&arena, versioned);
		assert_ok(solana_decode_transaction(&arena, bytes, &transaction));
		assert_true(transaction.message.is_versioned == versioned);
		assert_false(solana_has_signature(&transaction, 0));
		assert_true(solana_is_transaction(bytes));
		solana_encode_transaction(&transaction, &again);
		assert_bytes(bytes, buffer_bytes(&again));
	}
}

/* Offsets into transfer(): count of signatures 0, signature 1, header 65, count of accounts 68, accounts 69, blockhash 165, count
 * of instructions 197, program 198, count of accounts 199, accounts 200, length of data 202, data 203; 215 bytes. */
enum { HEADER = 65, ACCOUNTS = 68, INSTRUCTIONS = 197, PROGRAM = 198, INDICES = 199, DATA = 202, END = 215 };

struct edit {
	const char *name;
	size_t at; /* where remove bytes are replaced by the insert_len bytes of insert */
	size_t remove;
	const char *insert;
	size_t insert_len;
	bool is_versioned;
};

#define INSERT(text) text, sizeof(text) - 1

static struct bytes
edited(struct arena *arena, const struct edit *edit) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct bytes whole = transfer(arena, edit->is_versioned);
	size_t tail = edit->at + edit->remove;
	buffer_append(&bytes, whole.data, edit->at);
	buffer_append(&bytes, edit->insert, edit->insert_len);
	buffer_append(&bytes, whole.data + tail, whole.len - tail);
	assert_ok(buffer_status(&bytes));
	return arena_copy(arena, buffer_bytes(&bytes));
}

static void
each_malformed_transaction_is_refused_by_name(void **) {
	static const struct edit edits[] = {
		{"solana.signatures", 0, END, INSERT(""), false},
		{"solana.signatures", 0, 1, INSERT("\x7f"), false},
		{"solana.signatures.length_form", 0, 1, INSERT("\x81\x00"), false},
		{"solana.signatures.length", 0, 1, INSERT("\xff\xff\xff"), false},
		{"solana.signatures.length", 0, 1, INSERT("\xff\xff\x04"), false},
		{"solana.header", HEADER, END - HEADER, INSERT(""), false},
		{"solana.header", HEADER + 1, END - HEADER - 1, INSERT(""), false},
		{"solana.header.payer", HEADER, 1, INSERT("\x00"), false},
		{"solana.header.payer", HEADER + 1, 1, INSERT("\x01"), false},
		{"solana.accounts.header", HEADER + 2, 1, INSERT("\x03"), false},
		{"solana.accounts.header", HEADER, 1, INSERT("\x03"), false},
		{"solana.signatures.count", HEADER, 1, INSERT("\x02"), false},
		{"solana.accounts", ACCOUNTS, END - ACCOUNTS, INSERT(""), false},
		{"solana.accounts", ACCOUNTS, 1, INSERT("\x7f"), false},
		{"solana.accounts.count", ACCOUNTS, 1, INSERT("\x81\x02"), false},
		{"solana.accounts.duplicate", ACCOUNTS + 1, 1, INSERT("\x02"), false},
		{"solana.recent_blockhash", INSTRUCTIONS - 1, END - INSTRUCTIONS + 1, INSERT(""), false},
		{"solana.instructions", INSTRUCTIONS, END - INSTRUCTIONS, INSERT(""), false},
		{"solana.instructions", INSTRUCTIONS, 1, INSERT("\x7f"), false},
		{"solana.instruction.program", PROGRAM, 1, INSERT("\x03"), false},
		{"solana.instruction.payer", PROGRAM, 1, INSERT("\x00"), false},
		{"solana.instruction.accounts", INDICES, 1, INSERT("\x7f"), false},
		{"solana.instruction.accounts.length_form", INDICES, 1, INSERT("\x82\x00"), false},
		{"solana.instruction.account", INDICES + 1, 1, INSERT("\x03"), false},
		{"solana.instruction.data", DATA, 1, INSERT("\x0d"), false},
		{"solana.instruction.data", DATA, END - DATA, INSERT(""), false},
		{"solana.transaction.trailing", END, 0, INSERT("\x00"), false},
		{"solana.version", HEADER, 1, INSERT("\x81"), true},
		{"solana.header.payer", HEADER + 1, 1, INSERT("\x00"), true},
		{"solana.lookups", END + 1, 1, INSERT(""), true},
		{"solana.lookups", END + 1, 1, INSERT("\x01"), true},
		{"solana.lookup.empty", END + 1, 1,
		 INSERT("\x01"
			"\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\x00\x00"),
		 true},
		{"solana.lookup.writable", END + 1, 1,
		 INSERT("\x01"
			"\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\x02\x00"),
		 true},
		{"solana.lookup.readonly", END + 1, 1,
		 INSERT("\x01"
			"\x07\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			"\x01\x00\x05"),
		 true},
		{"solana.transaction.trailing", END + 2, 0, INSERT("\x00"), true},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(edits); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct solana_transaction transaction;
		char name[64];
		assert_true(solana_decode_transaction(&arena, edited(&arena, &edits[i]), &transaction) != OK);
		fail_name(name, sizeof name);
		if (strcmp(name, edits[i].name) != 0)
			fail_msg("case %zu: expected %s, found %s", i, edits[i].name, fail_message());
	}
}

static void
a_transaction_that_no_packet_holds_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const uint8_t bytes[SOLANA_TRANSACTION_MAX + 1];
	struct solana_transaction transaction;
	assert_fails(STATUS_TOO_LARGE, "solana.transaction.size",
		     solana_decode_transaction(&arena, BYTES_OF_ARRAY(bytes), &transaction));
}

static void
more_accounts_than_an_index_can_name_are_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct bytes whole = transfer(&arena, true);
	struct solana_transaction transaction;
	buffer_append(&bytes, whole.data, whole.len - 1);
	buffer_append_byte(&bytes, 1);
	for (size_t i = 0; i < 32; i++)
		buffer_append_byte(&bytes, 7);
	buffer_append_text(&bytes, "\xfe\x01"); /* 254 */
	for (size_t i = 0; i < 254; i++)
		buffer_append_byte(&bytes, (uint8_t)i);
	buffer_append_byte(&bytes, 0);
	assert_fails(STATUS_INVALID, "solana.lookups.count",
		     solana_decode_transaction(&arena, buffer_bytes(&bytes), &transaction));
}

static void
addresses_are_base58_of_32_bytes(void **) {
	static const struct {
		const char *text, *name;
	} bad[] = {
		{"", "solana.address.length"},
		{"1", "solana.address.length"},
		{"1111111111111111111111111111111", "solana.address.length"},
		{"111111111111111111111111111111111", "solana.address.form"}, /* 33 bytes do not fit */
		{"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DAA", "solana.address.form"},
		{"0okenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA", "solana.address.form"},
		{"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA111", "solana.address.length"},
	};
	struct solana_address address;
	char text[SOLANA_ADDRESS_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, bad[i].name, solana_address_parse(bytes_of_text(bad[i].text), &address));
	for (enum solana_program program = 0; program < SOLANA_PROGRAM_COUNT; program++) {
		solana_address_format(solana_program_address(program), text);
		assert_ok(solana_address_parse(bytes_of_text(text), &address));
		assert_int_equal(program, solana_program_of(&address));
	}
	assert_string_equal("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", text);
}

/* Instructions that look like known ones and are not; the program is account 2 of the message. */
static void
what_only_looks_like_a_known_instruction_is_unrecognised(void **) {
	static const struct {
		enum solana_program program;
		const char *accounts;
		size_t account_count;
		const char *data;
		size_t len;
	} cases[] = {
		{SOLANA_SYSTEM, INSERT("\0\1"), INSERT("\2\0\0\0\5\0\0\0\0\0\0")},     /* a byte short */
		{SOLANA_SYSTEM, INSERT("\0\1"), INSERT("\2\0\0\0\5\0\0\0\0\0\0\0\0")}, /* a byte more */
		{SOLANA_SYSTEM, INSERT("\0\1\1"), INSERT("\2\0\0\0\5\0\0\0\0\0\0\0")}, /* an account more */
		{SOLANA_SYSTEM, INSERT("\1\0"), INSERT("\2\0\0\0\5\0\0\0\0\0\0\0")},   /* who pays does not sign */
		{SOLANA_SYSTEM, INSERT("\0\3"), INSERT("\2\0\0\0\5\0\0\0\0\0\0\0")},   /* from a lookup table */
		{SOLANA_SYSTEM, INSERT("\0\1"), INSERT("\2\0\0")},
		{SOLANA_SYSTEM, INSERT("\0\1"), INSERT("\3\0\0\0\5\0\0\0\0\0\0\0")},
		{SOLANA_SYSTEM, INSERT("\1\1\0"), INSERT("\4\0\0\0")}, /* not the list of recent blockhashes */
		{SOLANA_TOKEN, INSERT("\1\1\1\0"), INSERT("\3\5\0\0\0\0\0\0\0\6")},  /* Transfer, which names no mint */
		{SOLANA_TOKEN, INSERT("\1\1\1\1"), INSERT("\14\5\0\0\0\0\0\0\0\6")}, /* the authority does not sign */
		{SOLANA_TOKEN, INSERT("\1\1\1\0\0"), INSERT("\14\5\0\0\0\0\0\0\0\6")}, /* a multisignature */
		{SOLANA_TOKEN, INSERT("\1\1\1\0"), INSERT("\14\5\0\0\0\0\0\0\0")},
		{SOLANA_COMPUTE_BUDGET, INSERT(""), INSERT("")},
		{SOLANA_COMPUTE_BUDGET, INSERT(""), INSERT("\0\1\0\0\0\1\0\0\0")}, /* RequestUnits, which is gone */
		{SOLANA_COMPUTE_BUDGET, INSERT(""), INSERT("\2\1\0\0")},
		{SOLANA_COMPUTE_BUDGET, INSERT(""), INSERT("\5\1\0\0\0")},
		{SOLANA_MEMO, INSERT("\1"), INSERT("hello")}, /* an account that does not sign */
		{SOLANA_MEMO, INSERT(""), INSERT("\xff")},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const struct solana_address addresses[3] = {{{1}}, {{2}}, *solana_program_address(cases[i].program)};
		const struct solana_instruction instruction = {2, (const uint8_t *)cases[i].accounts,
							       cases[i].account_count,
							       bytes_of(cases[i].data, cases[i].len)};
		const struct solana_message message = {.is_versioned = true,
						       .signers = 1,
						       .accounts = addresses,
						       .account_count = 3,
						       .looked_up_count = 1,
						       .instructions = &instruction,
						       .instruction_count = 1};
		struct solana_steps steps;
		assert_ok(solana_read_steps(&arena, &message, &steps));
		if (!steps.has_unrecognised || steps.items[0].kind != SOLANA_UNRECOGNISED)
			fail_msg("case %zu is recognised as %s", i, solana_step_name(steps.items[0].kind));
	}
}

/* One of create's accounts, and how that differs from what it must be; nothing differs in what is recognised. */
struct creation {
	const char *accounts; /* of payer, created, owner, mint, system program, token program */
	size_t account_count;
	const char *data;
	size_t len;
	bool is_other, is_recognised; /* other: created is not what owner and mint give */
};

static void
an_account_is_created_for_exactly_what_owner_and_mint_give(void **) {
	static const struct creation cases[] = {
		{INSERT("\0\1\2\3\4\5"), INSERT(""), .is_recognised = true},
		{INSERT("\0\1\2\3\4\5"), INSERT("\0"), .is_recognised = true},
		{INSERT("\0\1\2\3\4\5"), INSERT("\1"), .is_recognised = true},
		{INSERT("\0\1\2\3\4\5"), INSERT(""), .is_other = true},
		{INSERT("\0\1\2\3\4\5"), INSERT("\1"), .is_other = true},
		{INSERT("\0\1\3\2\4\5"), INSERT("")},     /* owner and mint in each other's place */
		{INSERT("\0\1\2\3\5\5"), INSERT("")},     /* not the system program */
		{INSERT("\0\1\2\3\4\4"), INSERT("")},     /* not the token program */
		{INSERT("\2\1\2\3\4\5"), INSERT("")},     /* who pays does not sign */
		{INSERT("\0\1\2\3\4\5"), INSERT("\2")},   /* RecoverNested */
		{INSERT("\0\1\2\3\4\5"), INSERT("\1\1")}, /* a byte more */
		{INSERT("\0\1\2\3\4"), INSERT("\1")},     /* an account less */
		{INSERT("\0\1\2\3\4\5\5"), INSERT("\1")}, /* an account more */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct solana_address accounts[7] = {{{1}},
						     {},
						     {{2}},
						     {{3}},
						     *solana_program_address(SOLANA_SYSTEM),
						     *solana_program_address(SOLANA_TOKEN),
						     *solana_program_address(SOLANA_ASSOCIATED_TOKEN)};
		assert_true(solana_associated_account(&accounts[2], &accounts[3], &accounts[1]));
		accounts[1].bytes[31] ^= cases[i].is_other;
		const struct solana_instruction instruction = {6, (const uint8_t *)cases[i].accounts,
							       cases[i].account_count,
							       bytes_of(cases[i].data, cases[i].len)};
		const struct solana_message message = {.signers = 1,
						       .accounts = accounts,
						       .account_count = ARRAY_LENGTH(accounts),
						       .instructions = &instruction,
						       .instruction_count = 1};
		struct solana_steps steps;
		assert_ok(solana_read_steps(&arena, &message, &steps));
		enum solana_step_kind expected = cases[i].is_recognised ? SOLANA_CREATE_ACCOUNT : SOLANA_UNRECOGNISED;
		if (steps.items[0].kind != expected || steps.created != cases[i].is_recognised)
			fail_msg("case %zu is recognised as %s", i, solana_step_name(steps.items[0].kind));
		assert_int_equal(steps.has_unrecognised, !cases[i].is_recognised);
	}
}

static void
a_compute_budget_is_set_once(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const uint8_t limit[] = {2, 1, 0, 0, 0}, more[] = {2, 2, 0, 0, 0};
	const struct solana_address addresses[2] = {{{1}}, *solana_program_address(SOLANA_COMPUTE_BUDGET)};
	const struct solana_instruction instructions[] = {{1, nullptr, 0, BYTES_OF_ARRAY(limit)},
							  {1, nullptr, 0, BYTES_OF_ARRAY(more)}};
	const struct solana_message message = {.signers = 1,
					       .accounts = addresses,
					       .account_count = 2,
					       .instructions = instructions,
					       .instruction_count = 2};
	struct solana_steps steps;
	assert_ok(solana_read_steps(&arena, &message, &steps));
	assert_int_equal(SOLANA_COMPUTE_BUDGET_STEP, steps.items[0].kind);
	assert_int_equal(SOLANA_UNRECOGNISED, steps.items[1].kind);
	assert_int_equal(1, steps.unit_limit);
}

static void
a_fee_beyond_64_bits_is_refused(void **) {
	const struct solana_message message = {.signers = 1};
	const struct solana_steps steps = {
		.has_unit_limit = true, .unit_limit = UINT32_MAX, .has_unit_price = true, .unit_price = UINT64_MAX};
	uint64_t fee;
	assert_fails(STATUS_INVALID, "solana.fee.overflow", solana_fee_max(&message, &steps, &fee));
}

RUN_TESTS(T(both_versions_are_read_and_written_again), T(each_malformed_transaction_is_refused_by_name),
	  T(a_transaction_that_no_packet_holds_is_refused), T(more_accounts_than_an_index_can_name_are_refused),
	  T(addresses_are_base58_of_32_bytes), T(what_only_looks_like_a_known_instruction_is_unrecognised),
	  T(an_account_is_created_for_exactly_what_owner_and_mint_give), T(a_compute_budget_is_set_once),
	  T(a_fee_beyond_64_bits_is_refused))
