/* What a PSBT of ours becomes: requests, a final transaction, facts; and when an output is change. */
#include "tests/test.h"

#include "tests/bitcoin_keys.h"

#include "wallet/bitcoin/psbt_final.h"
#include "wallet/bitcoin/spend.h"

static const char OURS[] = "treasury";

static struct bytes
payee(void) {
	static const uint8_t SCRIPT[22] = {0x00, 0x14, 0x75, 0x1e, 0x76, 0xe8, 0x19, 0x91, 0x96, 0xd4, 0x54,
					   0x94, 0x1c, 0x45, 0xd1, 0xb3, 0xa3, 0x23, 0xf1, 0x43, 0x3b, 0xd6};
	return BYTES_OF_ARRAY(SCRIPT);
}
static const char PAYEE_ADDRESS[] = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"; /* BIP-173's */

struct scene {
	struct arena arena;
	struct wallet_key key;
	struct bytes chain; /* of the key */
	struct wallet_context context;
	struct wallet_transaction *transaction;
};

static void
scene_end(struct scene *scene) {
	arena_free(&scene->arena);
}

static enum status
decode(struct scene *scene, const struct psbt_fixture *fixture) {
	struct bytes payload;
	assert_ok(psbt_fixture_build(&scene->arena, fixture, &payload));
	scene->key = test_wallet_key(OURS);
	scene->key.chain = scene->chain;
	scene->context.key = &scene->key;
	return wallet_decode(&scene->arena, WALLET_PSBT, payload, &scene->context, &scene->transaction);
}

static struct psbt_fixture
fixture_of(const struct psbt_fixture_coin *coins, size_t coin_count, const struct psbt_payment *outputs,
	   size_t output_count) {
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = coin_count,
				       .outputs = outputs,
				       .output_count = output_count,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	memcpy(fixture.fingerprint, TEST_FINGERPRINT, sizeof fixture.fingerprint);
	return fixture;
}

static void
sign_and_assemble(struct scene *scene, struct wallet_result *result) {
	const struct wallet_transaction *transaction = scene->transaction;
	struct signature signatures[8] = {};
	assert_true(transaction->request_count <= ARRAY_LENGTH(signatures));
	for (size_t i = 0; i < transaction->request_count; i++)
		test_sign(OURS, &transaction->requests[i], &signatures[i]);
	assert_ok(wallet_assemble(&scene->arena, transaction, signatures, transaction->request_count, result));
}

static const enum bitcoin_template SIGNED_TEMPLATES[] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH,
							 BITCOIN_P2TR};

/* --- signing --- */

static void
all_four_kinds_are_signed_finalised_and_extracted(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coins[4];
	for (uint32_t i = 0; i < 4; i++)
		coins[i] = test_coin(OURS, SIGNED_TEMPLATES[i], 100'000 + i, i);
	struct psbt_payment outputs[] = {{.sats = 300'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(coins, 4, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	assert_int_equal(4, scene.transaction->request_count);
	struct wallet_result result;
	sign_and_assemble(&scene, &result);

	struct bitcoin_transaction final;
	struct psbt psbt;
	assert_ok(bitcoin_transaction_read(&scene.arena, result.transaction, &final));
	assert_ok(psbt_read(&scene.arena, result.psbt, &psbt));
	assert_int_equal(4, final.input_count);
	assert_in_range(final.inputs[0].script_sig.len, 105, 107);
	assert_int_equal(0, final.inputs[0].witness.len);
	assert_int_equal(23, final.inputs[1].script_sig.len);
	assert_int_equal(0, final.inputs[2].script_sig.len);
	assert_int_equal(66, final.inputs[3].witness.len);
	for (size_t i = 0; i < 4; i++)
		assert_null(psbt_find(&psbt.inputs[i].map, PSBT_INPUT_DERIVATION));
	struct hash256 txid;
	char text[BITCOIN_HASH_TEXT_SIZE];
	assert_ok(bitcoin_transaction_id(&final, &txid));
	bitcoin_hash_text(&txid, text);
	assert_true(bytes_equal_text(result.transaction_id, text));

	/* What the gate gives is read back as what it is. */
	_cleanup_(buffer_free) struct buffer told = {};
	enum wallet_format format;
	struct bytes payload;
	struct wallet_transaction *read;
	assert_ok(wallet_reader_payload_of_text(&scene.arena, result.transaction, (struct bytes){}, &format, &payload));
	assert_int_equal(WALLET_BITCOIN, format);
	assert_ok(wallet_decode(&scene.arena, format, payload, &(struct wallet_context){}, &read));
	assert_ok(wallet_explain(read, &told));
	assert_non_null(memmem(told.data, told.len, text, strlen(text)));
	assert_non_null(memmem(told.data, told.len, ", 4 of 4 inputs signed", 22));
}

static void
requests_ask_for_the_key_and_path_of_each_input(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coins[] = {test_coin(OURS, BITCOIN_P2WPKH, 50'000, 9),
					    test_coin(OURS, BITCOIN_P2TR, 50'000, 3)};
	struct psbt_payment outputs[] = {{.sats = 90'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(coins, 2, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	const struct signing_request *requests = scene.transaction->requests;
	assert_int_equal(SCHEME_ECDSA_SECP256K1, requests[0].scheme);
	assert_false(requests[0].tweaked);
	assert_int_equal(5, requests[0].path.count);
	assert_int_equal(9, requests[0].path.steps[4]);
	assert_bytes(BYTES_OF_ARRAY(coins[0].public_key), requests[0].expected_public_key);
	assert_int_equal(SCHEME_BIP340, requests[1].scheme);
	assert_true(requests[1].tweaked);
	assert_int_equal(0, requests[1].merkle_root.len);
	uint8_t output_key[32];
	assert_ok(taproot_tweak_public(coins[1].public_key + 1, (struct bytes){}, output_key, nullptr));
	assert_bytes(BYTES_OF_ARRAY(output_key), requests[1].expected_public_key);
}

static void
a_wrong_signature_never_becomes_a_transaction(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_payment outputs[] = {{.sats = 90'000, .script = payee()}};
	for (size_t i = 0; i < 4; i++) {
		struct psbt_fixture_coin coin = test_coin(OURS, SIGNED_TEMPLATES[i], 100'000, 0);
		struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 1);
		assert_ok(decode(&scene, &fixture));
		struct signing_request other = scene.transaction->requests[0];
		other.digest[0] ^= 1;
		struct signature signature;
		struct wallet_result result;
		test_sign(OURS, &other, &signature);
		assert_fails(STATUS_UNAUTHORIZED, "psbt.signature_invalid",
			     wallet_assemble(&scene.arena, scene.transaction, &signature, 1, &result));
		signature.public_key[5] ^= 1;
		assert_fails(STATUS_INTERNAL, "psbt.signature_key",
			     wallet_assemble(&scene.arena, scene.transaction, &signature, 1, &result));
		assert_fails(STATUS_INVALID, "wallet.signatures",
			     wallet_assemble(&scene.arena, scene.transaction, &signature, 2, &result));
	}
}

static void
a_key_that_stands_alone_signs_without_a_path(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coin = {.template = BITCOIN_P2WPKH, .sats = 70'000, .without_derivation = true};
	test_public_key(OURS, &(struct signing_path){}, coin.public_key);
	struct psbt_payment outputs[] = {{.sats = 60'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	assert_int_equal(0, scene.transaction->requests[0].path.count);
	struct wallet_result result;
	sign_and_assemble(&scene, &result);
}

static void
a_key_below_the_master_gets_paths_below_itself(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	/* The key is m/84'/0'/0'; its children are those of another seed, below it. */
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2WPKH, 70'000, 4);
	test_public_key(OURS, &(struct signing_path){.steps = {0, 4}, .count = 2}, coin.public_key);
	struct psbt_payment outputs[] = {
		{.sats = 50'000, .script = payee()},
		test_change(OURS, BITCOIN_P2WPKH, 10'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 8)),
	};
	test_public_key(OURS, &(struct signing_path){.steps = {1, 8}, .count = 2}, outputs[1].public_key);
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 2);
	struct bytes payload;
	assert_ok(psbt_fixture_build(&scene.arena, &fixture, &payload));
	scene.key = test_wallet_key(OURS);
	scene.key.origin = coin.path;
	scene.key.origin.count = 3;
	scene.context.key = &scene.key;
	assert_ok(wallet_decode(&scene.arena, WALLET_PSBT, payload, &scene.context, &scene.transaction));
	assert_int_equal(2, scene.transaction->requests[0].path.count);
	assert_int_equal(4, scene.transaction->requests[0].path.steps[1]);
	assert_int_equal(1, scene.transaction->destination_count);
	struct wallet_result result;
	sign_and_assemble(&scene, &result);
}

static void
a_taproot_key_above_a_script_tree_signs_by_key_path(void **) {
	static const uint8_t ROOT[32] = {0xaa, 0xbb};
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2TR, 70'000, 4);
	coin.merkle_root = BYTES_OF_ARRAY(ROOT);
	struct psbt_payment outputs[] = {{.sats = 60'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	assert_bytes(BYTES_OF_ARRAY(ROOT), scene.transaction->requests[0].merkle_root);
	struct wallet_result result;
	sign_and_assemble(&scene, &result);
}

static void
a_hash_type_that_is_named_is_written(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2TR, 70'000, 4);
	coin.has_hash_type = true;
	struct psbt_payment outputs[] = {{.sats = 60'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	struct wallet_result result;
	struct bitcoin_transaction final;
	sign_and_assemble(&scene, &result);
	assert_ok(bitcoin_transaction_read(&scene.arena, result.transaction, &final));
	assert_int_equal(67, final.inputs[0].witness.len);
	assert_int_equal(BITCOIN_SIGHASH_ALL, final.inputs[0].witness.data[66]);
}

static enum status
cannot_derive_change(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	return path->steps[3] == 1 ? fail(STATUS_UNAVAILABLE, "keys.locked: not now")
				   : test_derive(context, path, public_key);
}

/* That a key cannot be asked must not turn change into a payment, or the other way round. */
static void
a_key_that_cannot_be_asked_stops_the_decoding(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2WPKH, 100'000, 0);
	struct psbt_payment outputs[] = {
		{.sats = 40'000, .script = payee()},
		test_change(OURS, BITCOIN_P2WPKH, 50'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7)),
	};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 2);
	struct bytes payload;
	assert_ok(psbt_fixture_build(&scene.arena, &fixture, &payload));
	scene.key = test_wallet_key(OURS);
	scene.key.derive = cannot_derive_change;
	scene.context.key = &scene.key;
	assert_fails(STATUS_UNAVAILABLE, "keys.locked",
		     wallet_decode(&scene.arena, WALLET_PSBT, payload, &scene.context, &scene.transaction));
	scene.key.derive = nullptr;
	assert_fails(STATUS_UNSUPPORTED, "psbt.derivation",
		     wallet_decode(&scene.arena, WALLET_PSBT, payload, &scene.context, &scene.transaction));
}

/* --- change --- */

struct change_case {
	const char *what;
	enum bitcoin_template template;
	struct signing_path path;
	bool is_change;
};

/* One input of m/84'/0'/0'/0/0; the second output claims to be change. */
static void
decode_with_change(struct scene *scene, const struct psbt_payment *change) {
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2WPKH, 100'000, 0);
	struct psbt_payment outputs[] = {{.sats = 40'000, .script = payee()}, *change};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 2);
	assert_ok(decode(scene, &fixture));
}

static void
change_is_only_what_the_wallets_change_branch_owns(void **) {
	constexpr uint32_t HARDENED = UINT32_C(1) << 31;
	const struct change_case cases[] = {
		{"the change branch", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7), true},
		{"the greatest index", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 999'999), true},
		{"beyond the greatest index", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 1'000'000),
		 false},
		{"a hardened index", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, HARDENED | 7), false},
		{"the receiving branch", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 0, 7), false},
		{"a third branch", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 2, 7), false},
		{"a hardened branch", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, HARDENED | 1, 7), false},
		{"another account", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 1, 1, 7), false},
		{"another coin", BITCOIN_P2WPKH, psbt_fixture_path(BITCOIN_P2WPKH, 1, 0, 1, 7), false},
		{"another purpose", BITCOIN_P2TR, psbt_fixture_path(BITCOIN_P2TR, 0, 0, 1, 7), false},
		{"another kind of script", BITCOIN_P2PKH, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7), false},
		{"Taproot in a P2WPKH account", BITCOIN_P2TR, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7), false},
		{"a path of four steps", BITCOIN_P2WPKH, {{HARDENED | 84, HARDENED, HARDENED, 1}, 4}, false},
		{"a path of six steps", BITCOIN_P2WPKH, {{HARDENED | 84, HARDENED, HARDENED, 1, 7, 0}, 6}, false},
		{"a purpose that is not hardened", BITCOIN_P2WPKH, {{84, HARDENED, HARDENED, 1, 7}, 5}, false},
		{"no path", BITCOIN_P2WPKH, {{}, 0}, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(scene_end) struct scene scene = {};
		struct psbt_payment change = test_change(OURS, cases[i].template, 50'000, cases[i].path);
		decode_with_change(&scene, &change);
		if (scene.transaction->destination_count != (cases[i].is_change ? 1 : 2))
			fail_msg("%s: %zu destinations", cases[i].what, scene.transaction->destination_count);
		struct amount expected = amount_of(cases[i].is_change ? 40'000 : 90'000);
		assert_int_equal(0, amount_compare(&expected, &scene.transaction->amount));
	}
}

static void
each_kind_of_account_has_its_change(void **) {
	for (size_t i = 0; i < 4; i++) {
		_cleanup_(scene_end) struct scene scene = {};
		enum bitcoin_template template = SIGNED_TEMPLATES[i];
		struct psbt_fixture_coin coin = test_coin(OURS, template, 100'000, 0);
		struct psbt_payment outputs[] = {
			{.sats = 40'000, .script = payee()},
			test_change(OURS, template, 50'000, psbt_fixture_path(template, 0, 0, 1, 2)),
		};
		struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 2);
		assert_ok(decode(&scene, &fixture));
		assert_int_equal(1, scene.transaction->destination_count);
		struct wallet_result result;
		sign_and_assemble(&scene, &result);
	}
}

static void
a_claim_of_change_that_pays_another_key_is_a_destination(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_payment change =
		test_change("thief", BITCOIN_P2WPKH, 50'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7));
	decode_with_change(&scene, &change);
	assert_int_equal(2, scene.transaction->destination_count);
}

static void
where_all_is_change_all_of_it_leaves(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2WPKH, 100'000, 0);
	struct psbt_payment outputs[] = {
		test_change(OURS, BITCOIN_P2WPKH, 90'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 2))};
	struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, 1);
	assert_ok(decode(&scene, &fixture));
	assert_int_equal(1, scene.transaction->destination_count);
	struct amount expected = amount_of(90'000);
	assert_int_equal(0, amount_compare(&expected, &scene.transaction->amount));
}

/* --- facts --- */

static int64_t
long_fact(const struct facts *facts, const char *name) {
	const struct fact *fact = facts_find(facts, name);
	assert_non_null(fact);
	assert_int_equal(VALUE_LONG, fact->value.type);
	assert_int_equal(FACT_VERIFIED, fact->origin);
	return fact->value.integer;
}

static bool
boolean_fact(const struct facts *facts, const char *name) {
	const struct fact *fact = facts_find(facts, name);
	assert_non_null(fact);
	assert_int_equal(VALUE_BOOLEAN, fact->value.type);
	return fact->value.boolean;
}

static void
assert_text_fact(const struct facts *facts, const char *name, const char *expected) {
	const struct fact *fact = facts_find(facts, name);
	assert_non_null(fact);
	assert_true(bytes_equal_text(fact->value.string, expected));
}

static void
facts_say_what_leaves_and_what_it_is_worth(void **) {
	_cleanup_(scene_end) struct scene scene = {};
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	assert_ok(asset_registry_create(&assets));
	assert_ok(asset_registry_add(assets, BYTES_OF_LITERAL("bitcoin:main"), (struct bytes){},
				     BYTES_OF_LITERAL("BTC"), 8));
	/* $100,000 for one bitcoin: 1 satoshi is a tenth of a cent. */
	assert_ok(asset_registry_set_price(assets, BYTES_OF_LITERAL("bitcoin:main/native"),
					   UINT64_C(10'000'000'000'000), 1'000));
	scene.context = (struct wallet_context){.assets = assets, .now_ms = 2'000, .price_age_max_ms = 60'000};
	struct psbt_fixture_coin coins[] = {test_coin(OURS, BITCOIN_P2WPKH, 1'000'000, 0),
					    test_coin(OURS, BITCOIN_P2WPKH, 2'000'000, 1)};
	struct psbt_payment outputs[] = {
		{.sats = 1'500'003, .script = payee()},
		{.sats = 0, .script = BYTES_OF_LITERAL("\x6a\x01\x58")},
		test_change(OURS, BITCOIN_P2WPKH, 1'499'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 2)),
	};
	struct psbt_fixture fixture = fixture_of(coins, 2, outputs, 3);
	fixture.sequence = 0xffff'fffd;
	fixture.lock_time = 850'000;
	assert_ok(decode(&scene, &fixture));
	struct facts facts;
	facts_start(&facts, &scene.arena);
	assert_ok(wallet_facts(scene.transaction, &facts));
	assert_text_fact(&facts, "transfer.chain", "bitcoin:main");
	assert_text_fact(&facts, "transfer.amount", "1500003");
	assert_text_fact(&facts, "transfer.change", "1499000");
	assert_int_equal(150'001 + 100,
			 facts_find(&facts, "transfer.usd_cents")->value.integer); /* each rounded up; fee 997 */
	assert_int_equal(997, long_fact(&facts, "transfer.fee_sats"));
	assert_int_equal(2, long_fact(&facts, "transfer.inputs"));
	assert_int_equal(3, long_fact(&facts, "transfer.outputs"));
	assert_int_equal(1, long_fact(&facts, "transfer.change_outputs"));
	assert_int_equal(1, long_fact(&facts, "transfer.data_outputs"));
	assert_int_equal(1, long_fact(&facts, "transfer.outputs_without_address"));
	assert_int_equal(850'000, long_fact(&facts, "transfer.lock_time"));
	assert_true(boolean_fact(&facts, "transfer.rbf"));
	assert_true(boolean_fact(&facts, "transfer.time_locked"));
	assert_false(boolean_fact(&facts, "transfer.fee_over_ceiling"));
	const struct value destinations = facts_find(&facts, "transfer.destinations")->value;
	assert_int_equal(2, destinations.set.count);
	assert_true(bytes_equal_text(scene.transaction->destinations[0], PAYEE_ADDRESS));
	static const enum wallet_role roles[] = {WALLET_ROLE_DESTINATION, WALLET_ROLE_DESTINATION, WALLET_ROLE_SENDER,
						 WALLET_ROLE_SENDER, WALLET_ROLE_CHANGE};
	const struct wallet_party *parties;
	size_t count;
	assert_ok(wallet_parties(scene.transaction, &scene.arena, &parties, &count));
	assert_int_equal(ARRAY_LENGTH(roles), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(roles[i], parties[i].role);
		assert_true(parties[i].address.len > 0);
	}
	assert_false(bytes_equal(parties[2].address, parties[4].address));
}

static void
the_fee_ceiling_is_stated(void **) {
	constexpr size_t MANY = 200; /* outputs, whose size pays for the greatest fee at a moderate rate */
	constexpr int64_t LARGE = 110 + 199 * 31;
	static const struct {
		uint64_t fee;
		size_t outputs;
		int64_t virtual_bytes;
		bool over;
	} CASES[] = {
		{BITCOIN_FEE_RATE_CEILING * 110, 1, 110, false},
		{BITCOIN_FEE_RATE_CEILING * 110 + 1, 1, 110, true}, /* a part of a satoshi for each byte is one more */
		{BITCOIN_FEE_RATE_CEILING * 111, 1, 110, true},
		{BITCOIN_FEE_CEILING_SATS, MANY, LARGE, false},
		{BITCOIN_FEE_CEILING_SATS + 1, MANY, LARGE, true},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		_cleanup_(scene_end) struct scene scene = {};
		struct psbt_fixture_coin coin = test_coin(OURS, BITCOIN_P2WPKH, 100'000'000, 0);
		struct psbt_payment outputs[MANY];
		uint64_t rest = 100'000'000 - CASES[i].fee;
		for (size_t j = 1; j < CASES[i].outputs; j++, rest -= 1'000)
			outputs[j] = (struct psbt_payment){.sats = 1'000, .script = payee()};
		outputs[0] = (struct psbt_payment){.sats = rest, .script = payee()};
		struct psbt_fixture fixture = fixture_of(&coin, 1, outputs, CASES[i].outputs);
		assert_ok(decode(&scene, &fixture));
		struct facts facts;
		facts_start(&facts, &scene.arena);
		assert_ok(wallet_facts(scene.transaction, &facts));
		assert_int_equal(CASES[i].virtual_bytes, long_fact(&facts, "transfer.virtual_bytes"));
		assert_int_equal(CASES[i].over, boolean_fact(&facts, "transfer.fee_over_ceiling"));
	}
}

/* The size that fee rates are reckoned by is the size that comes out, but for shorter signatures. */
static void
the_stated_size_bounds_the_final_one(void **) {
	for (size_t i = 0; i < 4; i++) {
		_cleanup_(scene_end) struct scene scene = {};
		struct psbt_fixture_coin coins[] = {test_coin(OURS, SIGNED_TEMPLATES[i], 60'000, 0),
						    test_coin(OURS, BITCOIN_P2WPKH, 60'000, 1)};
		struct psbt_payment outputs[] = {{.sats = 90'000, .script = payee()}};
		struct psbt_fixture fixture = fixture_of(coins, 2, outputs, 1);
		assert_ok(decode(&scene, &fixture));
		struct facts facts;
		facts_start(&facts, &scene.arena);
		assert_ok(wallet_facts(scene.transaction, &facts));
		struct wallet_result result;
		struct bitcoin_transaction final;
		sign_and_assemble(&scene, &result);
		assert_ok(bitcoin_transaction_read(&scene.arena, result.transaction, &final));
		_cleanup_(buffer_free) struct buffer base = {};
		bitcoin_transaction_write_without_witness(&final, &base);
		int64_t size = (int64_t)(3 * base.len + result.transaction.len + 3) / 4;
		int64_t stated = long_fact(&facts, "transfer.virtual_bytes");
		assert_true(size <= stated && stated <= size + 2);
	}
}

static void
the_spend_is_the_set_of_inputs_and_nothing_else(void **) {
	_cleanup_(scene_end) struct scene first = {}, swapped = {}, more = {}, main_network = {}, other_network = {};
	struct psbt_fixture_coin coins[] = {test_coin(OURS, BITCOIN_P2WPKH, 60'000, 0),
					    test_coin(OURS, BITCOIN_P2WPKH, 60'000, 1),
					    test_coin(OURS, BITCOIN_P2WPKH, 60'000, 2)};
	struct psbt_payment outputs[] = {{.sats = 90'000, .script = payee()}};
	struct psbt_fixture fixture = fixture_of(coins, 2, outputs, 1);
	assert_ok(decode(&first, &fixture));
	assert_true(first.transaction->has_spend);

	/* Other outputs, fee and sequence, and the inputs the other way round. */
	outputs[0].sats = 80'000;
	fixture.sequence = 0xffff'fffd;
	struct bytes payload;
	struct psbt psbt;
	_cleanup_(buffer_free) struct buffer again = {};
	assert_ok(psbt_fixture_build(&swapped.arena, &fixture, &payload));
	assert_ok(psbt_read(&swapped.arena, payload, &psbt));
	struct bitcoin_input inputs[] = {psbt.transaction.inputs[1], psbt.transaction.inputs[0]};
	struct psbt_input maps[] = {psbt.inputs[1], psbt.inputs[0]};
	psbt.transaction.inputs = inputs;
	psbt.inputs = maps;
	bitcoin_transaction_write_without_witness(&psbt.transaction, &again);
	struct psbt_record record = {PSBT_GLOBAL_UNSIGNED_TRANSACTION, {}, buffer_bytes(&again)};
	assert_ok(psbt_map_of(&swapped.arena, PSBT_GLOBAL, 0, &record, 1, &psbt.global));
	_cleanup_(buffer_free) struct buffer encoded = {};
	psbt_write(&psbt, &encoded);
	swapped.key = test_wallet_key(OURS);
	swapped.context.key = &swapped.key;
	assert_ok(wallet_decode(&swapped.arena, WALLET_PSBT, buffer_bytes(&encoded), &swapped.context,
				&swapped.transaction));
	assert_true(hash256_equal(&first.transaction->spend, &swapped.transaction->spend));

	fixture.coin_count = 3;
	assert_ok(decode(&more, &fixture));
	assert_false(hash256_equal(&first.transaction->spend, &more.transaction->spend));
	/* A path that says nothing of a network, so that it is the same coin on both. */
	struct psbt_fixture_coin coin = {
		.template = BITCOIN_P2WPKH, .sats = 100'000, .path = {.steps = {0, 4}, .count = 2}};
	test_public_key(OURS, &coin.path, coin.public_key);
	fixture = fixture_of(&coin, 1, outputs, 1);
	assert_ok(decode(&main_network, &fixture));
	other_network.chain = BYTES_OF_LITERAL("bitcoin:test");
	assert_ok(decode(&other_network, &fixture));
	assert_false(hash256_equal(&main_network.transaction->spend, &other_network.transaction->spend));
}

static void
the_view_depends_on_payload_and_key_alone(void **) {
	_cleanup_(scene_end) struct scene scene = {}, later = {};
	struct psbt_payment change =
		test_change(OURS, BITCOIN_P2WPKH, 50'000, psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 7));
	later.context.now_ms = 99;
	decode_with_change(&scene, &change);
	decode_with_change(&later, &change);
	_cleanup_(buffer_free) struct buffer view = {}, again = {};
	assert_ok(wallet_view(scene.transaction, &view));
	assert_ok(wallet_view(later.transaction, &again));
	assert_bytes(buffer_bytes(&view), buffer_bytes(&again));
	assert_ok(json_check_canonical(&scene.arena, buffer_bytes(&view)));
	const json *root, *details;
	assert_ok(json_read(&scene.arena, buffer_bytes(&view), (struct json_limits){}, &root));
	details = json_get(root, "details");
	assert_true(bytes_equal_text(json_string(json_get(details, "change")), "50000"));
	assert_true(bytes_equal_text(json_string(json_get(details, "fee")), "10000"));
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(wallet_explain(scene.transaction, &text));
	buffer_append_byte(&text, 0);
	assert_non_null(strstr((const char *)text.data, PAYEE_ADDRESS));
	assert_non_null(strstr((const char *)text.data, "m/84'/0'/0'/1/7, proven to be ours"));
}

RUN_TESTS(T(all_four_kinds_are_signed_finalised_and_extracted), T(requests_ask_for_the_key_and_path_of_each_input),
	  T(a_wrong_signature_never_becomes_a_transaction), T(a_key_that_stands_alone_signs_without_a_path),
	  T(a_key_below_the_master_gets_paths_below_itself), T(a_taproot_key_above_a_script_tree_signs_by_key_path),
	  T(a_hash_type_that_is_named_is_written), T(a_key_that_cannot_be_asked_stops_the_decoding),
	  T(change_is_only_what_the_wallets_change_branch_owns), T(each_kind_of_account_has_its_change),
	  T(a_claim_of_change_that_pays_another_key_is_a_destination), T(where_all_is_change_all_of_it_leaves),
	  T(facts_say_what_leaves_and_what_it_is_worth), T(the_fee_ceiling_is_stated),
	  T(the_stated_size_bounds_the_final_one), T(the_spend_is_the_set_of_inputs_and_nothing_else),
	  T(the_view_depends_on_payload_and_key_alone))
