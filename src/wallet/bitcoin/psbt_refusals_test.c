/* Sound PSBTs that the gate must not sign: each is refused by the name of its error; and what is allowed beside. */
#include "tests/test.h"

#include "tests/bitcoin_keys.h"

#include "wallet/bitcoin/compact_size.h"
#include "wallet/bitcoin/psbt_final.h"
#include "wallet/bitcoin/spend.h"

/* --- the signer: each row spoils a PSBT that would be signed --- */

static const char OURS[] = "treasury";

struct spoiled {
	struct arena *arena;
	struct psbt psbt;
	struct bitcoin_input inputs[4];
	struct bitcoin_output outputs[4];
	struct wallet_key key;
	struct wallet_context context;
};

static struct bytes
copy_of(struct spoiled *spoiled, const void *data, size_t len) {
	return arena_copy(spoiled->arena, bytes_of(data, len));
}

/* The record without key data gets this value; it is added if it is not there. */
static void
set_field(struct spoiled *spoiled, struct psbt_map *map, uint64_t type, struct bytes key, struct bytes value) {
	struct psbt_record *records = ARENA_NEW_ARRAY(spoiled->arena, map->count, struct psbt_record);
	size_t count = 0;
	assert_non_null(records);
	for (size_t i = 0; i < map->count; i++)
		if (map->records[i].type != type)
			records[count++] = map->records[i];
	assert_ok(psbt_map_of(spoiled->arena, map->scope, map->index, records, count, map));
	if (value.data != nullptr)
		assert_ok(psbt_map_add(spoiled->arena, map, (struct psbt_record){type, key, value}));
}

static void
set_input(struct spoiled *spoiled, size_t index, uint64_t type, struct bytes value) {
	set_field(spoiled, &spoiled->psbt.inputs[index].map, type, (struct bytes){}, value);
}

static void
drop_input(struct spoiled *spoiled, size_t index, uint64_t type) {
	set_input(spoiled, index, type, (struct bytes){});
}

/* Inputs of all four kinds, 100,000 satoshi each, in the order of KINDS; one payment, one change. */
enum { P2PKH_INPUT, NESTED_INPUT, WITNESS_INPUT, TAPROOT_INPUT };

static void
no_utxo(struct spoiled *s) {
	drop_input(s, NESTED_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION);
	drop_input(s, NESTED_INPUT, PSBT_INPUT_WITNESS_UTXO);
}

static void
no_previous_of_p2pkh(struct spoiled *s) {
	drop_input(s, P2PKH_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION);
}

static void
no_previous_of_nested(struct spoiled *s) {
	drop_input(s, NESTED_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION);
}

static void
no_previous_of_witness(struct spoiled *s) {
	drop_input(s, WITNESS_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION);
}

static void
no_previous_of_taproot_among_others(struct spoiled *s) {
	drop_input(s, TAPROOT_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION);
}

static void
previous_of_another(struct spoiled *s) {
	set_input(s, NESTED_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION,
		  psbt_find(&s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_PREVIOUS_TRANSACTION)->value);
}

/* The amount in the previous transaction is what a fee thief changes: its txid then differs. */
static void
previous_with_another_amount(struct spoiled *s) {
	struct bytes value = psbt_find(&s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_PREVIOUS_TRANSACTION)->value;
	struct bytes copy = copy_of(s, value.data, value.len);
	struct bitcoin_transaction previous;
	assert_ok(bitcoin_transaction_read(s->arena, copy, &previous));
	((uint8_t *)(uintptr_t)previous.outputs[1].script.data)[-9] ^= 1;
	set_input(s, WITNESS_INPUT, PSBT_INPUT_PREVIOUS_TRANSACTION, copy);
}

static void
output_that_is_not_there(struct spoiled *s) {
	s->inputs[WITNESS_INPUT].previous.index = 2;
}

static struct bytes
utxo_of(struct spoiled *s, uint64_t sats, struct bytes script) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	struct bitcoin_output output = {sats, script};
	bitcoin_output_write(&output, &buffer);
	return copy_of(s, buffer.data, buffer.len);
}

static void
witness_utxo_with_another_amount(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_UTXO,
		  utxo_of(s, 99'999, s->psbt.inputs[WITNESS_INPUT].witness_utxo.script));
}

static void
witness_utxo_with_another_script(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_UTXO,
		  utxo_of(s, 100'000, s->psbt.inputs[NESTED_INPUT].witness_utxo.script));
}

static void
witness_utxo_of_p2pkh(struct spoiled *s) {
	const struct bitcoin_output *output = &s->psbt.inputs[P2PKH_INPUT].previous->outputs[1];
	set_input(s, P2PKH_INPUT, PSBT_INPUT_WITNESS_UTXO, utxo_of(s, output->sats, output->script));
}

static void
no_redeem_script(struct spoiled *s) {
	drop_input(s, NESTED_INPUT, PSBT_INPUT_REDEEM_SCRIPT);
}

static void
another_redeem_script(struct spoiled *s) {
	set_input(s, NESTED_INPUT, PSBT_INPUT_REDEEM_SCRIPT, s->psbt.inputs[WITNESS_INPUT].witness_utxo.script);
}

static void
redeem_script_of_witness(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, PSBT_INPUT_REDEEM_SCRIPT, s->psbt.inputs[WITNESS_INPUT].witness_utxo.script);
}

static void
witness_script_of_witness(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_SCRIPT, copy_of(s, "\x51", 1));
}

static void
another_internal_key(struct spoiled *s) {
	set_input(s, TAPROOT_INPUT, PSBT_INPUT_TAPROOT_INTERNAL_KEY, copy_of(s, s->key.public_key + 1, 32));
}

static void
a_script_tree_that_is_not_there(struct spoiled *s) {
	set_input(s, TAPROOT_INPUT, PSBT_INPUT_TAPROOT_MERKLE_ROOT, copy_of(s, s->key.public_key + 1, 32));
}

static void
hash_type_of(struct spoiled *s, size_t index, uint32_t type) {
	uint8_t value[4] = {(uint8_t)type, (uint8_t)(type >> 8), (uint8_t)(type >> 16), (uint8_t)(type >> 24)};
	set_input(s, index, PSBT_INPUT_HASH_TYPE, copy_of(s, value, 4));
}

static void
hash_type_none(struct spoiled *s) {
	hash_type_of(s, WITNESS_INPUT, 2);
}

static void
hash_type_single(struct spoiled *s) {
	hash_type_of(s, P2PKH_INPUT, 3);
}

static void
hash_type_anyone_can_pay(struct spoiled *s) {
	hash_type_of(s, TAPROOT_INPUT, 0x81);
}

static void
hash_type_default_without_taproot(struct spoiled *s) {
	hash_type_of(s, NESTED_INPUT, 0);
}

static void
hash_type_all_and_more(struct spoiled *s) {
	hash_type_of(s, WITNESS_INPUT, 0x101);
}

static void
partly_signed(struct spoiled *s) {
	struct psbt_record record = {
		PSBT_INPUT_PARTIAL_SIGNATURE,
		copy_of(s, "\x02\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4", 33),
		copy_of(s, "\x30\x06\x02\x01\x01\x02\x01\x01\x01", 9)};
	assert_ok(psbt_map_add(s->arena, &s->psbt.inputs[WITNESS_INPUT].map, record));
}

static void
signed_by_key_path(struct spoiled *s) {
	uint8_t signature[64] = {1};
	set_input(s, TAPROOT_INPUT, PSBT_INPUT_TAPROOT_KEY_SIGNATURE, copy_of(s, signature, 64));
}

static void
final_already(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, PSBT_INPUT_FINAL_WITNESS, copy_of(s, "\1\1\1", 3));
}

static void
unknown_field(struct spoiled *s) {
	set_field(s, &s->psbt.outputs[1], 0xf0, copy_of(s, "x", 1), copy_of(s, "y", 1));
}

static void
unknown_global_field(struct spoiled *s) {
	set_field(s, &s->psbt.global, 0x0a, (struct bytes){}, copy_of(s, "y", 1));
}

static void
proof_of_reserves(struct spoiled *s) {
	set_input(s, WITNESS_INPUT, 0x09, copy_of(s, "reserves", 8));
}

static void
silent_payment(struct spoiled *s) {
	set_field(s, &s->psbt.outputs[0], 0x09, (struct bytes){}, copy_of(s, "y", 1));
}

static void
no_derivation(struct spoiled *s) {
	drop_input(s, WITNESS_INPUT, PSBT_INPUT_DERIVATION);
}

static void
another_fingerprint(struct spoiled *s) {
	const struct psbt_record *const *records;
	assert_int_equal(1, psbt_find_all(&s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_DERIVATION, &records));
	struct bytes value = copy_of(s, records[0]->value.data, records[0]->value.len);
	((uint8_t *)(uintptr_t)value.data)[0] ^= 1;
	set_field(s, &s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_DERIVATION, records[0]->key, value);
}

static void
another_path(struct spoiled *s) {
	const struct psbt_record *const *records;
	assert_int_equal(1, psbt_find_all(&s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_DERIVATION, &records));
	struct bytes value = copy_of(s, records[0]->value.data, records[0]->value.len);
	((uint8_t *)(uintptr_t)value.data)[value.len - 4] ^= 1;
	set_field(s, &s->psbt.inputs[WITNESS_INPUT].map, PSBT_INPUT_DERIVATION, records[0]->key, value);
}

static void
taproot_without_derivation(struct spoiled *s) {
	drop_input(s, TAPROOT_INPUT, PSBT_INPUT_TAPROOT_DERIVATION);
}

static void
an_input_twice(struct spoiled *s) {
	s->inputs[NESTED_INPUT].previous = s->inputs[WITNESS_INPUT].previous;
	s->psbt.inputs[NESTED_INPUT].map = s->psbt.inputs[WITNESS_INPUT].map;
}

static void
a_coinbase(struct spoiled *s) {
	s->inputs[0].previous = (struct bitcoin_outpoint){.index = UINT32_MAX};
}

static void
no_outputs(struct spoiled *s) {
	s->psbt.transaction.output_count = 0;
}

static void
no_inputs(struct spoiled *s) {
	s->psbt.transaction.input_count = 0;
}

static void
an_output_of_too_much(struct spoiled *s) {
	s->outputs[0].sats = BITCOIN_MONEY_MAX + 1;
}

static void
a_sum_of_too_much(struct spoiled *s) {
	s->outputs[0].sats = BITCOIN_MONEY_MAX;
}

static void
a_sum_that_overflows(struct spoiled *s) {
	s->outputs[0].sats = UINT64_MAX;
}

static void
outputs_above_inputs(struct spoiled *s) {
	s->outputs[0].sats = 400'000;
}

static void
version_zero(struct spoiled *s) {
	s->psbt.transaction.version = 0;
}

static void
version_four(struct spoiled *s) {
	s->psbt.transaction.version = 4;
}

static void
unknown_network(struct spoiled *s) {
	s->key.chain = BYTES_OF_LITERAL("bitcoin:moon");
}

static void
a_test_network(struct spoiled *s) {
	s->key.chain = BYTES_OF_LITERAL("bitcoin:test");
}

static void
key_of_another(struct spoiled *s) {
	s->key = test_wallet_key("somebody else");
}

/* An output of ours from another kind of script: the previous transaction, the input and the txid are made anew. */
static void
spend_script(struct spoiled *s, size_t index, struct bytes script) {
	struct bitcoin_transaction previous = *s->psbt.inputs[index].previous;
	struct bitcoin_output outputs[2] = {previous.outputs[0], {100'000, script}};
	_cleanup_(buffer_free) struct buffer buffer = {};
	previous.outputs = outputs;
	bitcoin_transaction_write(&previous, &buffer);
	assert_ok(bitcoin_transaction_id(&previous, &s->inputs[index].previous.txid));
	drop_input(s, index, PSBT_INPUT_WITNESS_UTXO);
	drop_input(s, index, PSBT_INPUT_REDEEM_SCRIPT);
	set_input(s, index, PSBT_INPUT_PREVIOUS_TRANSACTION, copy_of(s, buffer.data, buffer.len));
}

static struct bytes
multisig_script(struct spoiled *s) {
	uint8_t script[37] = {0x51, 33};
	memcpy(script + 2, s->psbt.inputs[0].map.records[1].key.data, 33);
	script[35] = 0x51;
	script[36] = 0xae;
	return copy_of(s, script, sizeof script);
}

static void
bare_multisig(struct spoiled *s) {
	spend_script(s, P2PKH_INPUT, multisig_script(s));
}

static void
witness_multisig(struct spoiled *s) {
	struct bytes script = multisig_script(s);
	struct hash256 hash = sha256(script);
	struct bitcoin_script output = bitcoin_script_witness(0, hash256_bytes(&hash));
	spend_script(s, WITNESS_INPUT, copy_of(s, output.data, output.len));
	set_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_SCRIPT, script);
}

static void
witness_script_mismatch(struct spoiled *s) {
	witness_multisig(s);
	set_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_SCRIPT, copy_of(s, "\x51", 1));
}

static void
witness_script_not_given(struct spoiled *s) {
	witness_multisig(s);
	drop_input(s, WITNESS_INPUT, PSBT_INPUT_WITNESS_SCRIPT);
}

static void
anyone_can_spend(struct spoiled *s) {
	spend_script(s, P2PKH_INPUT, copy_of(s, "\x51", 1));
}

static const struct {
	enum status status;
	const char *name;
	void (*spoil)(struct spoiled *);
} REFUSED[] = {
	{STATUS_INVALID, "psbt.missing_utxo", no_utxo},
	{STATUS_INVALID, "psbt.missing_utxo", no_previous_of_p2pkh},
	{STATUS_INVALID, "psbt.missing_previous_transaction", no_previous_of_nested},
	{STATUS_INVALID, "psbt.missing_previous_transaction", no_previous_of_witness},
	{STATUS_INVALID, "psbt.missing_previous_transaction", no_previous_of_taproot_among_others},
	{STATUS_INVALID, "psbt.previous_transaction", previous_of_another},
	{STATUS_INVALID, "psbt.previous_transaction", previous_with_another_amount},
	{STATUS_INVALID, "psbt.previous_output", output_that_is_not_there},
	{STATUS_INVALID, "psbt.witness_utxo_mismatch", witness_utxo_with_another_amount},
	{STATUS_INVALID, "psbt.witness_utxo_mismatch", witness_utxo_with_another_script},
	{STATUS_INVALID, "psbt.witness_utxo_unexpected", witness_utxo_of_p2pkh},
	{STATUS_INVALID, "psbt.redeem_script_missing", no_redeem_script},
	{STATUS_INVALID, "psbt.redeem_script_mismatch", another_redeem_script},
	{STATUS_INVALID, "psbt.redeem_script_unexpected", redeem_script_of_witness},
	{STATUS_INVALID, "psbt.witness_script_unexpected", witness_script_of_witness},
	{STATUS_INVALID, "psbt.witness_script_mismatch", witness_script_mismatch},
	{STATUS_INVALID, "psbt.internal_key_mismatch", another_internal_key},
	{STATUS_INVALID, "psbt.internal_key_mismatch", a_script_tree_that_is_not_there},
	{STATUS_UNSUPPORTED, "psbt.multisig_input", bare_multisig},
	{STATUS_UNSUPPORTED, "psbt.multisig_input", witness_multisig},
	{STATUS_UNSUPPORTED, "psbt.unsupported_input", witness_script_not_given},
	{STATUS_UNSUPPORTED, "psbt.unsupported_input", anyone_can_spend},
	{STATUS_UNSUPPORTED, "psbt.hash_type", hash_type_none},
	{STATUS_UNSUPPORTED, "psbt.hash_type", hash_type_single},
	{STATUS_UNSUPPORTED, "psbt.hash_type", hash_type_anyone_can_pay},
	{STATUS_UNSUPPORTED, "psbt.hash_type", hash_type_default_without_taproot},
	{STATUS_UNSUPPORTED, "psbt.hash_type", hash_type_all_and_more},
	{STATUS_UNSUPPORTED, "psbt.already_signed", partly_signed},
	{STATUS_UNSUPPORTED, "psbt.already_signed", signed_by_key_path},
	{STATUS_UNSUPPORTED, "psbt.already_final", final_already},
	{STATUS_UNSUPPORTED, "psbt.unknown_field", unknown_field},
	{STATUS_UNSUPPORTED, "psbt.unknown_field", unknown_global_field},
	{STATUS_UNSUPPORTED, "psbt.unsupported_field", proof_of_reserves},
	{STATUS_UNSUPPORTED, "psbt.unsupported_field", silent_payment},
	{STATUS_DENIED, "psbt.foreign_input", no_derivation},
	{STATUS_DENIED, "psbt.foreign_input", another_fingerprint},
	{STATUS_DENIED, "psbt.foreign_input", taproot_without_derivation},
	{STATUS_DENIED, "psbt.derivation_mismatch", another_path},
	{STATUS_DENIED, "psbt.derivation_mismatch", key_of_another},
	{STATUS_INVALID, "bitcoin.duplicate_input", an_input_twice},
	{STATUS_INVALID, "bitcoin.coinbase", a_coinbase},
	{STATUS_INVALID, "bitcoin.no_outputs", no_outputs},
	{STATUS_INVALID, "bitcoin.no_inputs", no_inputs},
	{STATUS_INVALID, "bitcoin.money_range", an_output_of_too_much},
	{STATUS_INVALID, "bitcoin.money_range", a_sum_of_too_much},
	{STATUS_INVALID, "bitcoin.money_range", a_sum_that_overflows},
	{STATUS_INVALID, "bitcoin.outputs_exceed_inputs", outputs_above_inputs},
	{STATUS_UNSUPPORTED, "bitcoin.version", version_zero},
	{STATUS_UNSUPPORTED, "bitcoin.version", version_four},
	{STATUS_UNSUPPORTED, "bitcoin.chain", unknown_network},
	{STATUS_DENIED, "psbt.coin_type", a_test_network},
};

static struct bytes
payee(void) {
	static const uint8_t SCRIPT[22] = {0x00, 0x14, 1, 2, 3};
	return BYTES_OF_ARRAY(SCRIPT);
}

static void
make_sound(struct arena *arena, struct spoiled *spoiled) {
	static const enum bitcoin_template KINDS[] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH, BITCOIN_P2TR};
	struct psbt_fixture_coin coins[4];
	for (uint32_t i = 0; i < 4; i++)
		coins[i] = test_coin(OURS, KINDS[i], 100'000, i);
	struct psbt_payment outputs[] = {
		{.sats = 200'000, .script = payee()},
		test_change(OURS, BITCOIN_P2WPKH, 190'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 0)),
	};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = 4,
				       .outputs = outputs,
				       .output_count = 2,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, TEST_FINGERPRINT, sizeof fixture.fingerprint);
	struct bytes payload;
	*spoiled = (struct spoiled){.arena = arena, .key = test_wallet_key(OURS)};
	assert_ok(psbt_fixture_build(arena, &fixture, &payload));
	assert_ok(psbt_read(arena, payload, &spoiled->psbt));
	memcpy(spoiled->inputs, spoiled->psbt.transaction.inputs, sizeof spoiled->inputs);
	memcpy(spoiled->outputs, spoiled->psbt.transaction.outputs, 2 * sizeof spoiled->outputs[0]);
	spoiled->psbt.transaction.inputs = spoiled->inputs;
	spoiled->psbt.transaction.outputs = spoiled->outputs;
}

/* The unsigned transaction as it now stands goes into its record, and all of it to the wallet. */
static enum status
decode_spoiled(struct spoiled *spoiled) {
	_cleanup_(buffer_free) struct buffer transaction = {}, payload = {};
	struct wallet_transaction *decoded;
	bitcoin_transaction_write_without_witness(&spoiled->psbt.transaction, &transaction);
	set_field(spoiled, &spoiled->psbt.global, PSBT_GLOBAL_UNSIGNED_TRANSACTION, (struct bytes){},
		  buffer_bytes(&transaction));
	psbt_write(&spoiled->psbt, &payload);
	assert_ok(buffer_status(&payload));
	spoiled->context.key = &spoiled->key;
	return wallet_decode(spoiled->arena, WALLET_PSBT, copy_of(spoiled, payload.data, payload.len),
			     &spoiled->context, &decoded);
}

static void
sound_psbts_that_must_not_be_signed_are_refused_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(REFUSED); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct spoiled spoiled;
		make_sound(&arena, &spoiled);
		REFUSED[i].spoil(&spoiled);
		char name[128];
		enum status status = decode_spoiled(&spoiled);
		fail_name(name, sizeof name);
		if (status != REFUSED[i].status || strcmp(name, REFUSED[i].name) != 0)
			fail_msg("row %zu: expected %s %s, got %s: %s", i, status_name(REFUSED[i].status),
				 REFUSED[i].name, status_name(status), fail_message());
	}
}

static void
nothing_spoiled_nothing_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct spoiled spoiled;
	make_sound(&arena, &spoiled);
	assert_ok(decode_spoiled(&spoiled));
}

/* --- what is allowed beside --- */

static void
add_proprietary(struct spoiled *s) {
	set_field(s, &s->psbt.global, PSBT_PROPRIETARY, copy_of(s, "\1a\0", 3), copy_of(s, "note", 4));
}

static void
hash_type_all(struct spoiled *s) {
	for (size_t i = 0; i < 4; i++)
		hash_type_of(s, i, BITCOIN_SIGHASH_ALL);
}

static void
no_witness_utxos(struct spoiled *s) {
	for (size_t i = 0; i < 4; i++)
		drop_input(s, i, PSBT_INPUT_WITNESS_UTXO);
}

static void
harmless_additions_do_not_hinder_signing(void **) {
	static void (*const ADDITIONS[])(struct spoiled *) = {add_proprietary, hash_type_all, no_witness_utxos};
	for (size_t i = 0; i < ARRAY_LENGTH(ADDITIONS); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct spoiled spoiled;
		make_sound(&arena, &spoiled);
		ADDITIONS[i](&spoiled);
		assert_ok(decode_spoiled(&spoiled));
	}
}

static void
taproot_alone_needs_no_previous_transactions(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct psbt_fixture_coin coins[] = {test_coin(OURS, BITCOIN_P2TR, 100'000, 0),
					    test_coin(OURS, BITCOIN_P2TR, 100'000, 1)};
	coins[0].without_previous = coins[1].without_previous = true;
	struct psbt_payment output = {.sats = 150'000, .script = payee()};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = 2,
				       .outputs = &output,
				       .output_count = 1,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, TEST_FINGERPRINT, sizeof fixture.fingerprint);
	struct bytes payload;
	struct wallet_key key = test_wallet_key(OURS);
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *decoded;
	assert_ok(psbt_fixture_build(&arena, &fixture, &payload));
	assert_ok(wallet_decode(&arena, WALLET_PSBT, payload, &context, &decoded));
	assert_int_equal(2, decoded->request_count);
}

/* --- bounds --- */

static enum status
decode_sized(struct arena *arena, size_t coins_wanted, size_t outputs_wanted, enum bitcoin_template template) {
	struct psbt_fixture_coin *coins = ARENA_NEW_ARRAY(arena, coins_wanted, struct psbt_fixture_coin);
	struct psbt_payment *outputs = ARENA_NEW_ARRAY(arena, outputs_wanted, struct psbt_payment);
	struct psbt_fixture_coin coin = test_coin(OURS, template, 10'000, 0);
	assert_non_null(coins);
	assert_non_null(outputs);
	for (size_t i = 0; i < coins_wanted; i++)
		coins[i] = coin;
	for (size_t i = 0; i < outputs_wanted; i++)
		outputs[i] = (struct psbt_payment){.sats = 10, .script = payee()};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = coins_wanted,
				       .outputs = outputs,
				       .output_count = outputs_wanted,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, TEST_FINGERPRINT, sizeof fixture.fingerprint);
	struct bytes payload;
	struct wallet_key key = test_wallet_key(OURS);
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *decoded;
	assert_ok(psbt_fixture_build(arena, &fixture, &payload));
	return wallet_decode(arena, WALLET_PSBT, payload, &context, &decoded);
}

static void
numbers_of_inputs_and_outputs_are_bounded(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	assert_ok(decode_sized(&arena, 2, BITCOIN_OUTPUTS_MAX, BITCOIN_P2WPKH));
	assert_fails(STATUS_TOO_LARGE, "bitcoin.too_many_outputs",
		     decode_sized(&arena, 2, BITCOIN_OUTPUTS_MAX + 1, BITCOIN_P2WPKH));
	assert_ok(decode_sized(&arena, BITCOIN_INPUTS_MAX, 1, BITCOIN_P2PKH));
	assert_fails(STATUS_TOO_LARGE, "bitcoin.too_many_inputs",
		     decode_sized(&arena, BITCOIN_INPUTS_MAX + 1, 1, BITCOIN_P2PKH));
}

static void
weight_is_bounded(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct spoiled spoiled;
	make_sound(&arena, &spoiled);
	uint8_t *script = arena_alloc(&arena, 100'000);
	assert_non_null(script);
	spoiled.outputs[0].script = bytes_of(script, 100'000);
	assert_fails(STATUS_TOO_LARGE, "bitcoin.weight", decode_spoiled(&spoiled));
}

/* --- combiner and finaliser --- */

static void
psbts_that_contradict_each_other_are_not_combined(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer to = {};
	struct spoiled first, second;
	make_sound(&arena, &first);
	make_sound(&arena, &second);
	assert_ok(psbt_combine(&arena, &first.psbt, &second.psbt, &to));
	hash_type_of(&first, WITNESS_INPUT, 1);
	hash_type_of(&second, WITNESS_INPUT, 2);
	assert_fails(STATUS_CONFLICT, "psbt.combine_conflict", psbt_combine(&arena, &first.psbt, &second.psbt, &to));
	set_field(&second, &second.psbt.global, PSBT_GLOBAL_UNSIGNED_TRANSACTION, (struct bytes){},
		  copy_of(&second, "other", 5));
	assert_fails(STATUS_CONFLICT, "psbt.combine_transaction", psbt_combine(&arena, &first.psbt, &second.psbt, &to));
}

static void
unsigned_inputs_are_neither_final_nor_extracted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct spoiled spoiled;
	struct bitcoin_transaction transaction;
	make_sound(&arena, &spoiled);
	assert_fails(STATUS_INVALID, "psbt.not_final", psbt_extract(&arena, &spoiled.psbt, &transaction));
	assert_fails(STATUS_INVALID, "psbt.signature_missing", psbt_finalise(&arena, &spoiled.psbt));
}

/* One input gets this signature; the others are final. */
static enum status
finalise_with(struct arena *arena, size_t index, uint64_t type, struct bytes value) {
	struct spoiled spoiled;
	make_sound(arena, &spoiled);
	const struct psbt_record *const *records;
	struct bytes key = {};
	if (type == PSBT_INPUT_PARTIAL_SIGNATURE) {
		assert_int_equal(1, psbt_find_all(&spoiled.psbt.inputs[index].map, PSBT_INPUT_DERIVATION, &records));
		key = records[0]->key;
	}
	set_field(&spoiled, &spoiled.psbt.inputs[index].map, type, key, value);
	for (size_t i = 0; i < 4; i++)
		if (i != index)
			set_input(&spoiled, i, PSBT_INPUT_FINAL_WITNESS, copy_of(&spoiled, "\1\1\1", 3));
	return psbt_finalise(arena, &spoiled.psbt);
}

static void
signatures_that_are_not_right_are_not_made_final(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const uint8_t DER[] = {0x30, 6, 2, 1, 1, 2, 1, 1, 1}, LOOSE[] = {0x30, 7, 2, 2, 0, 1, 2, 1, 1, 1};
	static const uint8_t SINGLE[] = {0x30, 6, 2, 1, 1, 2, 1, 1, 3};
	uint8_t schnorr[65] = {1};
	const uint64_t partial = PSBT_INPUT_PARTIAL_SIGNATURE, taproot = PSBT_INPUT_TAPROOT_KEY_SIGNATURE;
	assert_fails(STATUS_UNAUTHORIZED, "psbt.signature_invalid",
		     finalise_with(&arena, WITNESS_INPUT, partial, BYTES_OF_ARRAY(DER)));
	assert_fails(STATUS_INVALID, "psbt.signature_encoding",
		     finalise_with(&arena, P2PKH_INPUT, partial, BYTES_OF_ARRAY(LOOSE)));
	assert_fails(STATUS_UNSUPPORTED, "psbt.signature_hash_type",
		     finalise_with(&arena, NESTED_INPUT, partial, BYTES_OF_ARRAY(SINGLE)));
	assert_fails(STATUS_UNAUTHORIZED, "psbt.signature_invalid",
		     finalise_with(&arena, TAPROOT_INPUT, taproot, bytes_of(schnorr, 64)));
	assert_fails(STATUS_UNSUPPORTED, "psbt.signature_hash_type",
		     finalise_with(&arena, TAPROOT_INPUT, taproot, bytes_of(schnorr, 65)));
	schnorr[64] = 3;
	assert_fails(STATUS_UNSUPPORTED, "psbt.signature_hash_type",
		     finalise_with(&arena, TAPROOT_INPUT, taproot, bytes_of(schnorr, 65)));
}

RUN_TESTS(T(sound_psbts_that_must_not_be_signed_are_refused_by_name), T(nothing_spoiled_nothing_refused),
	  T(harmless_additions_do_not_hinder_signing), T(taproot_alone_needs_no_previous_transactions),
	  T(numbers_of_inputs_and_outputs_are_bounded), T(weight_is_bounded),
	  T(psbts_that_contradict_each_other_are_not_combined), T(unsigned_inputs_are_neither_final_nor_extracted),
	  T(signatures_that_are_not_right_are_not_made_final))
