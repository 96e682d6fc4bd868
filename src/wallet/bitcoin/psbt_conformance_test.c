/* The public PSBTs of BIP-174, 371 and 370 (psbt.json): each with the result that its document states. */
#include "tests/test.h"

#include "tests/corpora.h"

#include "wallet/bitcoin/psbt_final.h"
#include "wallet/bitcoin/spend.h"

static const char FILE_NAME[] = "psbt.json";

static const struct wallet_key NOBODY = {
	.id = {(const uint8_t *)"nobody", 6},
	/* the generator: whoever has private key 1 */
	.public_key = {0x04, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95,
		       0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59,
		       0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98, 0x48, 0x3a, 0xda, 0x77, 0x26, 0xa3,
		       0xc4, 0x65, 0x5d, 0xa4, 0xfb, 0xfc, 0x0e, 0x11, 0x08, 0xa8, 0xfd, 0x17, 0xb4,
		       0x48, 0xa6, 0x85, 0x54, 0x19, 0x9c, 0x47, 0xd0, 0x8f, 0xfb, 0x10, 0xd4, 0xb8},
};

static struct bytes
decoded_base64(struct arena *arena, struct bytes text) {
	uint8_t *bytes = arena_alloc(arena, text.len);
	size_t len;
	assert_non_null(bytes);
	assert_ok(base64_decode(text, bytes, text.len, &len));
	return bytes_of(bytes, len);
}

static struct bytes
psbt_member(struct arena *arena, const json *object) {
	return decoded_base64(arena, json_string(json_get(object, "psbt")));
}

static void
assert_writes_back(const struct psbt *psbt, struct bytes encoded) {
	_cleanup_(buffer_free) struct buffer written = {};
	psbt_write(psbt, &written);
	assert_ok(buffer_status(&written));
	assert_bytes(encoded, buffer_bytes(&written));
}

static void
assert_case(struct arena *arena, const json *test, size_t *signer_refusals) {
	struct bytes encoded = psbt_member(arena, test), expect = json_string(json_get(test, "expect"));
	struct psbt psbt;
	enum status status = psbt_read(arena, encoded, &psbt);
	if ((status == OK) == bytes_equal_text(expect, "refuse"))
		fail_msg("%.*s: expected %.*s, got %s (%s)", BYTES_ARGS(json_string(json_get(test, "case"))),
			 BYTES_ARGS(expect), status_name(status), status == OK ? "" : fail_message());
	if (status != OK)
		return;
	assert_writes_back(&psbt, encoded);
	if (!bytes_equal_text(expect, "signer_refuses"))
		return;
	static const char *const REFUSALS[] = {"psbt.witness_utxo_unexpected", "psbt.redeem_script_mismatch",
					       "psbt.redeem_script_mismatch", "psbt.witness_script_mismatch"};
	struct bitcoin_spend spend;
	assert_true(*signer_refusals < ARRAY_LENGTH(REFUSALS));
	assert_fails(STATUS_INVALID, REFUSALS[*signer_refusals],
		     bitcoin_spend_of(arena, &psbt, BITCOIN_TEST, &NOBODY, &spend));
	(*signer_refusals)++;
}

static size_t
run_cases(const char *document, size_t *signer_refusals) {
	_cleanup_(arena_free) struct arena arena = {}, scratch = {};
	const json *test, *cases = json_get(json_get(corpora_read_json(&arena, FILE_NAME), document), "cases");
	struct json_iterator iterator = json_iterate(cases);
	size_t executed = 0;
	for (; (test = json_next(&iterator, nullptr)) != nullptr; executed++) {
		arena_reset(&scratch);
		assert_case(&scratch, test, signer_refusals);
	}
	return executed;
}

static void
bip174_and_371_give_the_stated_results(void **) {
	size_t signer_refusals = 0;
	size_t executed = run_cases("bip-0174", &signer_refusals);
	executed += run_cases("bip-0371", &signer_refusals);
	corpora_expect("PSBTs of BIP-174 and 371", executed, 51);
	corpora_expect("signer checks", signer_refusals, 4);
}

static void
bip370_is_refused_with_one_error(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *test, *cases = json_get(json_get(corpora_read_json(&arena, FILE_NAME), "bip-0370"), "cases");
	struct json_iterator iterator = json_iterate(cases);
	size_t executed = 0;
	for (; (test = json_next(&iterator, nullptr)) != nullptr; executed++) {
		struct psbt psbt;
		assert_fails(STATUS_UNSUPPORTED, "psbt.version_2", psbt_read(&arena, psbt_member(&arena, test), &psbt));
	}
	corpora_expect("PSBTs of BIP-370", executed, 48);
}

/* Each without a key is read and explained, whatever it is. */
static void
every_readable_psbt_is_explained_without_a_key(void **) {
	_cleanup_(arena_free) struct arena arena = {}, scratch = {};
	const json *root = corpora_read_json(&arena, FILE_NAME), *test;
	static const char *const DOCUMENTS[] = {"bip-0174", "bip-0371"};
	size_t executed = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(DOCUMENTS); i++) {
		struct json_iterator iterator = json_iterate(json_get(json_get(root, DOCUMENTS[i]), "cases"));
		while ((test = json_next(&iterator, nullptr)) != nullptr) {
			if (bytes_equal_text(json_string(json_get(test, "expect")), "refuse"))
				continue;
			arena_reset(&scratch);
			_cleanup_(buffer_free) struct buffer text = {}, view = {};
			struct wallet_context context = {.chain = BYTES_OF_LITERAL("bitcoin:test")};
			struct wallet_transaction *transaction;
			assert_ok(wallet_decode(&scratch, WALLET_PSBT, psbt_member(&scratch, test), &context,
						&transaction));
			assert_ok(wallet_explain(transaction, &text));
			assert_ok(wallet_view(transaction, &view));
			assert_ok(json_check_canonical(&scratch, buffer_bytes(&view)));
			assert_int_equal(0, transaction->request_count);
			executed++;
		}
	}
	corpora_expect("readable PSBTs explained", executed, 20);
}

/* --- BIP-174's walk-through --- */

static const json *
step_at(const json *steps, size_t index) {
	struct json_iterator iterator = json_iterate(steps);
	const json *step = nullptr;
	for (size_t i = 0; i <= index; i++)
		step = json_next(&iterator, nullptr);
	assert_non_null(step);
	return step;
}

static const json *
read_steps(struct arena *arena) {
	const json *document = json_get(corpora_read_json(arena, FILE_NAME), "bip-0174");
	return json_get(json_get(document, "walkthrough"), "steps");
}

static void
read_step(struct arena *arena, const json *steps, size_t index, struct psbt *psbt) {
	struct bytes encoded = psbt_member(arena, step_at(steps, index));
	assert_ok(psbt_read(arena, encoded, psbt));
	assert_writes_back(psbt, encoded);
}

/* Where the document's steps stand in the file. */
enum {
	STEP_CREATED,
	STEP_UPDATED,
	STEP_HASH_TYPE_ADDED,
	STEP_SIGNED_FIRST,
	STEP_SIGNED_SECOND,
	STEP_COMBINED,
	STEP_FINALISED,
	STEP_EXTRACTED,
	STEP_UNKNOWN_FIRST,
	STEP_UNKNOWN_SECOND,
	STEP_UNKNOWN_COMBINED,
	STEP_COUNT,
};

static void
every_psbt_of_the_walkthrough_is_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *steps = read_steps(&arena);
	size_t executed = 0;
	assert_int_equal(STEP_COUNT, json_size(steps));
	for (size_t i = 0; i < STEP_COUNT; i++) {
		struct psbt psbt;
		if (i == STEP_EXTRACTED)
			continue;
		read_step(&arena, steps, i, &psbt);
		executed++;
	}
	corpora_expect("PSBTs of the walk-through", executed, 10);
}

static void
assert_combines(struct arena *arena, const json *steps, size_t a, size_t b, size_t expected) {
	struct psbt first, second;
	_cleanup_(buffer_free) struct buffer combined = {};
	read_step(arena, steps, a, &first);
	read_step(arena, steps, b, &second);
	assert_ok(psbt_combine(arena, &first, &second, &combined));
	assert_bytes(psbt_member(arena, step_at(steps, expected)), buffer_bytes(&combined));
}

static void
the_combiner_gives_the_walkthroughs_bytes(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *steps = read_steps(&arena);
	assert_combines(&arena, steps, STEP_SIGNED_FIRST, STEP_SIGNED_SECOND, STEP_COMBINED);
	assert_combines(&arena, steps, STEP_UNKNOWN_FIRST, STEP_UNKNOWN_SECOND, STEP_UNKNOWN_COMBINED);
}

static void
the_extractor_gives_the_walkthroughs_transaction(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *steps = read_steps(&arena);
	struct psbt psbt;
	struct bitcoin_transaction transaction, again;
	read_step(&arena, steps, STEP_FINALISED, &psbt);
	assert_ok(psbt_extract(&arena, &psbt, &transaction));
	_cleanup_(buffer_free) struct buffer written = {};
	bitcoin_transaction_write(&transaction, &written);
	struct bytes expected = corpora_hex(&arena, step_at(steps, STEP_EXTRACTED), "transaction");
	assert_bytes(expected, buffer_bytes(&written));
	assert_ok(bitcoin_transaction_read(&arena, expected, &again));
	assert_int_equal(2, again.input_count);
}

static void
the_walkthroughs_multisig_inputs_are_refused_by_name(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *steps = read_steps(&arena);
	for (size_t step = STEP_UPDATED; step <= STEP_COMBINED; step++) {
		struct psbt psbt;
		struct bitcoin_spend spend;
		read_step(&arena, steps, step, &psbt);
		assert_fails(STATUS_UNSUPPORTED, "psbt.multisig_input",
			     bitcoin_spend_of(&arena, &psbt, BITCOIN_TEST, &NOBODY, &spend));
		for (size_t i = 0; i < psbt.transaction.input_count; i++) {
			struct psbt_spent spent;
			assert_ok(psbt_check_input(&psbt, i, &spent));
			assert_fails(STATUS_UNSUPPORTED, "psbt.multisig_input",
				     psbt_check_signable(&psbt, i, false, &spent));
		}
	}
	struct psbt psbt;
	struct bitcoin_spend spend;
	read_step(&arena, steps, STEP_CREATED, &psbt);
	assert_fails(STATUS_INVALID, "psbt.missing_utxo",
		     bitcoin_spend_of(&arena, &psbt, BITCOIN_TEST, &NOBODY, &spend));
	read_step(&arena, steps, STEP_FINALISED, &psbt);
	assert_fails(STATUS_UNSUPPORTED, "psbt.already_final",
		     bitcoin_spend_of(&arena, &psbt, BITCOIN_TEST, &NOBODY, &spend));
}

RUN_TESTS(T(bip174_and_371_give_the_stated_results), T(bip370_is_refused_with_one_error),
	  T(every_readable_psbt_is_explained_without_a_key), T(every_psbt_of_the_walkthrough_is_read),
	  T(the_combiner_gives_the_walkthroughs_bytes), T(the_extractor_gives_the_walkthroughs_transaction),
	  T(the_walkthroughs_multisig_inputs_are_refused_by_name))
