/*
 * A held operation of an extended key on the approver's machine: what the gate gives as material is decoded there to the view that
 * the gate has, and what was altered on the way is refused by name. (Other forgeries: tests/cli_test.py.)
 */
#include "tests/test.h"

#include "cli/review.h"
#include "tests/gate_fixture.h"
#include "tests/psbt_fixture.h"
#include "wallet/bitcoin/address.h"

#define PAYEE "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
static const struct bytes KEY = {(const uint8_t *)"btc-hot", 7};

/* 0.6 BTC, 36,000 USD, of a coin of one; the rest comes back. */
static const char *
order(struct bench_gate *b, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct keyring *ring = b->gate->state->ring;
	uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
	size_t script_len;
	struct bytes psbt;
	struct psbt_fixture_coin coin = {
		.template = BITCOIN_P2WPKH, .sats = 100'000'000, .path = psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 0, 5)};
	struct psbt_payment payments[2] = {{.sats = 60'000'000},
					   {.sats = 39'990'000,
					    .is_change = true,
					    .template = BITCOIN_P2WPKH,
					    .path = psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 3)}};
	struct psbt_fixture fixture = {.coins = &coin,
				       .coin_count = 1,
				       .outputs = payments,
				       .output_count = ARRAY_LENGTH(payments),
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	assert_ok(keyring_public_key(ring, KEY, &coin.path, coin.public_key));
	assert_ok(keyring_public_key(ring, KEY, &payments[1].path, payments[1].public_key));
	memcpy(fixture.fingerprint, keyring_find(ring, KEY)->fingerprint, sizeof fixture.fingerprint);
	assert_ok(bitcoin_address_to_script(BITCOIN_MAIN, BYTES_OF_LITERAL(PAYEE), script, &script_len));
	payments[0].script = bytes_of(script, script_len);
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	buffer_append_text(&payload, "{\"format\":\"psbt\",\"transaction\":\"");
	buffer_append_base64(&payload, psbt);
	buffer_append_text(&payload, "\"}");
	return arena_text(arena, buffer_bytes(&payload));
}

/* What an approver's machine is given, and the operation that it is of. */
static void
hold(struct bench_gate *b, struct arena *arena, struct submitted *s, struct buffer *material) {
	set_up(b);
	ask(b, "key.create", "account:options-hot",
	    "{\"algorithm\":\"secp256k1\",\"branches\":[\"m/84'/0'/0'\"],\"id\":\"btc-hot\",\"material\":\"extended\","
	    "\"purpose\":\"transfer\"}");
	struct firm_operation operation = {
		.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:btc-hot", .payload = order(b, arena)};
	assert_non_null(operation.payload);
	submit(b, &operation, s);
	assert_ok(s->status);
	assert_int_equal(OPERATION_HELD, s->step.state);
	assert_ok(material_write(b->gate, arena, s->step.operation, material));
}

/* The text with one word exchanged wherever it stands. */
static struct bytes
altered(struct arena *arena, struct bytes text, const char *word, const char *by) {
	_cleanup_(buffer_free) struct buffer changed = {};
	size_t at = 0, len = strlen(word);
	for (const uint8_t *found; (found = memmem(text.data + at, text.len - at, word, len)) != nullptr;) {
		buffer_append(&changed, text.data + at, (size_t)(found - text.data) - at);
		buffer_append_text(&changed, by);
		at = (size_t)(found - text.data) + len;
	}
	assert_true(at > 0);
	buffer_append(&changed, text.data + at, text.len - at);
	return arena_copy(arena, buffer_bytes(&changed));
}

static void
a_spend_of_an_extended_key_is_shown_as_the_gate_decoded_it_and_its_change_as_ours(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {};
	_cleanup_(submitted_free) struct submitted s;
	struct review review;
	hold(&b, &arena, &s, &material);
	assert_ok(review_read(&arena, buffer_bytes(&material), INSTANCE, &review));
	assert_true(hash256_equal(&s.step.operation->id, &review.id));
	assert_non_null(memmem(review.text.data, review.text.len, PAYEE, strlen(PAYEE)));
	assert_non_null(memmem(material.data, material.len, "\"m/84'/0'/0'/1/3\"", 17));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
}

static void
keys_that_are_missing_or_others_are_refused_by_name(void **) {
	static const struct {
		const char *word, *by;
		enum status status;
		const char *name;
	} cases[] = {
		{"m/84'/0'/0'/1/3", "m/84'/0'/0'/1/4", STATUS_UNSUPPORTED, "review.derived"},
		{"m/84'/0'/0'/1/3", "x", STATUS_INVALID, "bip32.path"},
		{"\"path\":\"m/84'/0'/0'/0/5\",\"public_key\":\"0", "\"path\":\"m/84'/0'/0'/0/5\",\"public_key\":\"",
		 STATUS_INVALID, "hex.length"},
		{"\"path\":", "\"puth\":", STATUS_INVALID, "material.derived.path"},
		{"\"decimals\":8", "\"decimals\":99", STATUS_INVALID, "review.decimals"},
		{"\"id\":\"btc-hot\"", "\"id\":\"btc-cold\"", STATUS_CONFLICT, "review.key"},
		{"\"symbol\":\"BTC\"", "\"symbol\":\"BTX\"", STATUS_CONFLICT, "review.view"},
		{"\"origin\":\"m\"", "\"origin\":\"m/0\"", STATUS_DENIED, "psbt.foreign_input"},
	};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {};
	_cleanup_(submitted_free) struct submitted s;
	struct review review;
	hold(&b, &arena, &s, &material);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bytes text = altered(&arena, buffer_bytes(&material), cases[i].word, cases[i].by);
		assert_fails(cases[i].status, cases[i].name, review_read(&arena, text, INSTANCE, &review));
	}
}

static void
assert_shown(const struct review *review, const char *line) {
	if (memmem(review->text.data, review->text.len, line, strlen(line)) == nullptr)
		fail_msg("expected \"%s\" in:\n%.*s", line, BYTES_ARGS(review->text));
}

/* People set a price that takes more than one approval; what an approver is given about it. */
static void
set_price(struct bench_gate *b, struct arena *arena, const char *resource, const char *microcents,
	  struct buffer *material) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = {.by = FIRM_PERSON_4,
					   .kind = "price.set",
					   .resource = resource,
					   .payload = arena_format(arena, "{\"microcents\":%s}", microcents)};
	submit(b, &operation, &s);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_ok(material_write(b->gate, arena, s.step.operation, material));
}

/* What the approver reads of it, the former price altered on the way or not (null). */
static void
shows(const char *microcents, const char *former, enum status status, const char *line) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {};
	struct review review;
	set_up(&b);
	set_price(&b, &arena, "asset:eip155:1/native", microcents, &material);
	struct bytes text = former == nullptr
				    ? buffer_bytes(&material)
				    : altered(&arena, buffer_bytes(&material), "\"microcents\":300000000000", former);
	if (status != OK) {
		assert_fails(status, line, review_read(&arena, text, INSTANCE, &review));
		return;
	}
	assert_ok(review_read(&arena, text, INSTANCE, &review));
	assert_shown(&review, line);
}

static void
a_first_price_is_shown_as_the_first(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {};
	struct review review;
	set_up(&b);
	ask(&b, "asset.add", "system:gatehouse",
	    "{\"chain\":\"eip155:1\",\"contract\":\"0x6B175474E89094C44Da98b954EedeAC495271d0F\",\"decimals\":18,"
	    "\"symbol\":\"DAI\"}");
	set_price(&b, &arena, "asset:eip155:1/0x6B175474E89094C44Da98b954EedeAC495271d0F", "100000000", &material);
	assert_ok(review_read(&arena, buffer_bytes(&material), INSTANCE, &review));
	assert_shown(&review, "price       1.00 USD; the keeper states none before it\n");
}

static void
a_price_is_shown_beside_the_one_that_it_replaces_and_the_change(void **) {
	shows("1", nullptr, OK,
	      "price       0.00000001 USD, -100.00 percent\nbefore      3000.00 USD, of 2026-01-01T00:00:00");
	shows("310025000000", nullptr, OK, "price       3100.25 USD, +3.35 percent\nbefore      3000.00 USD");
	shows("299999999999", nullptr, OK, "price       2999.99999999 USD, -0.01 percent\n");
	shows("9007199254740991", "\"microcents\":1", OK, "many times more\nbefore      0.00000001 USD");
	shows("1", "\"microcents\":0", STATUS_INVALID, "material.former_price");
	shows("1", "\"microcents\":-1", STATUS_INVALID, "material.former_price");
	shows("1", "\"microcent\":1", STATUS_INVALID, "material.former_price.microcents");
}

RUN_TESTS(T(a_first_price_is_shown_as_the_first), T(a_price_is_shown_beside_the_one_that_it_replaces_and_the_change),
	  T(a_spend_of_an_extended_key_is_shown_as_the_gate_decoded_it_and_its_change_as_ours),
	  T(keys_that_are_missing_or_others_are_refused_by_name))
