/*
 * What a keeper says that a key signed, and the key did not: of each kind of key, and of each kind of what keys sign. And what a
 * Bitcoin transaction counts for at the gate.
 */
#include "tests/test.h"

#include "crypto/sign.h"
#include "gate/execute.h"
#include "gate/shared_keys.h"
#include "tests/gate_fixture.h"
#include "tests/psbt_fixture.h"

#define DIGEST "5b1e0b1cd4e8f9f8a2a0b3a1c4f00d5e6b7c8d9eaf0b1c2d3e4f5061728394a5"

static void
set_up_permissive(struct bench_gate *b) {
	set_up(b);
	activate(b, "@id(\"all\") permit (principal, action, resource);");
}

static void
make_key(struct bench_gate *b, const char *id, const char *algorithm, const char *material, const char *purpose) {
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(arena_free) struct arena arena = {};
	struct firm_operation operation = {
		.by = FIRM_PERSON_4, .kind = "key.create", .resource = "account:options-hot"};
	operation.payload =
		arena_format(&arena, "{\"algorithm\":\"%s\",\"id\":\"%s\",\"material\":\"%s\",\"purpose\":\"%s\"}",
			     algorithm, id, material, purpose);
	submit(b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DONE, s.step.state);
}

/* --- What is asked for. --- */

static const char *
base64_payload(struct arena *arena, const char *format, struct bytes transaction) {
	_cleanup_(buffer_free) struct buffer payload = {};
	buffer_append_format(&payload, "{\"format\":\"%s\",\"transaction\":\"", format);
	buffer_append_base64(&payload, transaction);
	buffer_append_text(&payload, "\"}");
	buffer_append_byte(&payload, 0);
	assert_ok(buffer_status(&payload));
	return (const char *)arena_copy(arena, buffer_bytes(&payload)).data;
}

/* One coin of each kind that the gate signs for: of the key itself, or below an extended one. */
static const char *
bitcoin_payload(struct bench_gate *b, struct arena *arena, const struct key_info *key) {
	static const enum bitcoin_template kinds[] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH, BITCOIN_P2TR};
	static const uint8_t payee[22] = {0x00, 0x14, 1, 2};
	bool is_extended = key->material == KEY_MATERIAL_EXTENDED;
	struct psbt_fixture_coin coins[ARRAY_LENGTH(kinds)] = {};
	struct psbt_payment output = {.sats = 390'000, .script = BYTES_OF_ARRAY(payee)};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = ARRAY_LENGTH(coins),
				       .outputs = &output,
				       .output_count = 1,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	struct bytes psbt;
	for (uint32_t i = 0; i < ARRAY_LENGTH(coins); i++) {
		coins[i] = (struct psbt_fixture_coin){
			.template = kinds[i], .sats = 100'000, .without_derivation = !is_extended};
		memcpy(coins[i].public_key, key->public_key, sizeof coins[i].public_key);
		if (!is_extended)
			continue;
		coins[i].path = psbt_fixture_path(kinds[i], 0, 0, 0, i);
		assert_ok(gate_state_public_key(b->gate->state, bytes_of_text(key->id), &coins[i].path,
						coins[i].public_key));
	}
	memcpy(fixture.fingerprint, key->fingerprint, sizeof fixture.fingerprint);
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	return base64_payload(arena, "psbt", psbt);
}

/* A transfer of the System program, to whoever. */
static const char *
solana_payload(struct bench_gate *, struct arena *arena, const struct key_info *key) {
	static const uint8_t head[] = {1, 0, 1, 3}, step[] = {1, 2, 2, 0, 1, 12, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
	uint8_t payee[32], blockhash[32] = {1}, program[32] = {}, unsigned_one[64] = {};
	_cleanup_(buffer_free) struct buffer transaction = {};
	memset(payee, 8, sizeof payee);
	buffer_append_byte(&transaction, 1);
	buffer_append(&transaction, unsigned_one, sizeof unsigned_one);
	buffer_append(&transaction, head, sizeof head);
	buffer_append(&transaction, key->public_key, 32);
	buffer_append(&transaction, payee, sizeof payee);
	buffer_append(&transaction, program, sizeof program);
	buffer_append(&transaction, blockhash, sizeof blockhash);
	buffer_append(&transaction, step, sizeof step);
	return base64_payload(arena, "solana", buffer_bytes(&transaction));
}

static const char *
evm_payload(struct bench_gate *, struct arena *arena, const struct key_info *) {
	char payload[512];
	transfer(10, 0, payload);
	return arena_format(arena, "%s", payload);
}

static const char *
digest_payload(struct bench_gate *, struct arena *arena, const struct key_info *key) {
	return key->material == KEY_MATERIAL_EXTENDED
		       ? arena_format(arena, "{\"digest\":\"" DIGEST "\",\"path\":\"m/7'/1'\"}")
		       : arena_format(arena, "{\"digest\":\"" DIGEST "\"}");
}

static const struct signing {
	const char *id, *algorithm, *material, *purpose;
	const char *(*payload)(struct bench_gate *b, struct arena *arena, const struct key_info *key);
	bool is_partly_known; /* of a whole extended key: which keys are derived of it */
} signings[] = {
	{"eth", "secp256k1", "single", "transfer", evm_payload, false},
	{"btc", "secp256k1", "single", "transfer", bitcoin_payload, false},
	{"btc-wallet", "secp256k1", "extended", "transfer", bitcoin_payload, true},
	{"sol", "ed25519", "single", "transfer", solana_payload, false},
	{"seal-secp", "secp256k1", "single", "digest", digest_payload, false},
	{"seal-p256", "p256", "single", "digest", digest_payload, false},
	{"seal-ed", "ed25519", "single", "digest", digest_payload, false},
	{"seal-wallet", "secp256k1", "extended", "digest", digest_payload, true},
};

static void
sign_with(struct bench_gate *b, const struct signing *signing, struct submitted *s) {
	_cleanup_(arena_free) struct arena arena = {};
	make_key(b, signing->id, signing->algorithm, signing->material, signing->purpose);
	const struct key_info *key = gate_state_key(b->gate->state, bytes_of_text(signing->id));
	struct firm_operation operation = {.by = FIRM_PERSON_4,
					   .resource = arena_format(&arena, "key:%s", signing->id)};
	operation.kind = strcmp(signing->purpose, "digest") == 0 ? "digest.sign" : "sign";
	operation.payload = signing->payload(b, &arena, key);
	submit(b, &operation, s);
	assert_ok(s->status);
	assert_int_equal(OPERATION_DONE, s->step.state);
}

/* --- The lies. --- */

/* The last entry, with another result. */
static void
put_result(struct bench_gate *b, struct bytes from, struct bytes to) {
	struct buffer *leaf = &b->leaves[b->count - 1], changed = {};
	const uint8_t *at = memmem(leaf->data, leaf->len, from.data, from.len);
	assert_non_null(at);
	size_t before = (size_t)(at - leaf->data);
	buffer_append(&changed, leaf->data, before);
	buffer_append_bytes(&changed, to);
	buffer_append(&changed, at + from.len, leaf->len - before - from.len);
	assert_ok(buffer_status(&changed));
	buffer_free(leaf);
	*leaf = changed;
}

static bool
is_digit(uint8_t c) {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Any hexadecimal digit of a result, every so many of them, another one. */
static void
no_digit_of_what_was_signed_can_be_another(void **) {
	constexpr size_t EVERY = 67;
	for (size_t i = 0; i < ARRAY_LENGTH(signings); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		char difference[256];
		size_t at = 0, changed = 0;
		set_up_permissive(&b);
		sign_with(&b, &signings[i], &s);
		struct replay_counts counts = replay(&b, &at, difference);
		if (counts.different > 0)
			fail_msg("%s: %s", signings[i].id, difference);
		assert_int_equal(signings[i].is_partly_known ? 1 : 0, counts.partly);
		struct bytes result = s.step.record->result;
		struct buffer *leaf = &b.leaves[b.count - 1];
		uint8_t *there = memmem(leaf->data, leaf->len, result.data, result.len);
		assert_non_null(there);
		for (size_t j = 2; j + 1 < result.len; j += EVERY) {
			while (j + 1 < result.len && !(is_digit(there[j]) && is_digit(there[j + 1])))
				j++;
			if (j + 1 == result.len)
				break;
			uint8_t before = there[j];
			there[j] = before == 'a' ? 'b' : 'a';
			assert_differs(&b, b.count - 1, "what was signed");
			there[j] = before;
			changed++;
		}
		assert_in_range(changed, 4, 1000);
		assert_int_equal(0, replay(&b, &at, difference).different);
	}
}

/* The transaction of a payload, as the gate decodes it. */
static struct wallet_transaction *
decode(struct bench_gate *b, struct arena *arena, const char *payload) {
	struct wallet_transaction *transaction;
	const json *document;
	assert_ok(json_read(arena, bytes_of_text(payload), (struct json_limits){}, &document));
	assert_ok(gate_decode_transaction(b->gate, arena, document, BYTES_OF_LITERAL("eth"), b->now_ms, &transaction));
	return transaction;
}

/* The signature is one, by a key that the liar has as well. */
static void
forge_by_another_key(struct bench_gate *b, struct arena *arena, struct signature *signature,
		     struct wallet_transaction **transaction) {
	static const uint8_t other[32] = {7};
	char payload[512];
	transfer(10, 0, payload);
	*transaction = decode(b, arena, payload);
	assert_ok(secp256k1_sign(other, (*transaction)->requests[0].digest, signature->bytes, &signature->recovery));
	memcpy(signature->public_key, (*transaction)->requests[0].expected_public_key.data, 33);
}

/* The key signed, and more than was decided on. */
static void
forge_of_more(struct bench_gate *b, struct arena *arena, struct signature *signature,
	      struct wallet_transaction **transaction) {
	char payload[512];
	transfer(10'000, 0, payload);
	*transaction = decode(b, arena, payload);
	assert_ok(keyring_sign(b->gate->state->ring, BYTES_OF_LITERAL("eth"), KEY_PURPOSE_TRANSFER,
			       (*transaction)->requests, signature));
}

static void
what_another_key_signed_or_of_something_else_is_not_believed(void **) {
	static const struct {
		void (*forge)(struct bench_gate *b, struct arena *arena, struct signature *signature,
			      struct wallet_transaction **transaction);
		const char *difference;
	} cases[] = {
		{forge_by_another_key, "what was signed does not hold: evm.signature.signer"},
		{forge_of_more, "what was signed does not hold: evm.signature.signer"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		struct wallet_transaction *transaction;
		struct wallet_result assembled;
		struct signature signature = {};
		struct bytes forged;
		set_up_permissive(&b);
		sign_with(&b, &signings[0], &s);
		assert_honest(&b);
		cases[i].forge(&b, &s.arena, &signature, &transaction);
		assert_ok(wallet_assemble(&s.arena, transaction, &signature, 1, &assembled));
		assert_ok(gate_write_signed(&s.arena, &assembled, &forged));
		put_result(&b, s.step.record->result, forged);
		assert_differs(&b, b.count - 1, cases[i].difference);
	}
}

/* --- Keys that are made. --- */

static void
a_key_is_made_as_it_was_asked_for(void **) {
	static const struct {
		const char *from, *to;
	} cases[] = {
		{"\"account\":\"options-hot\"", "\"account\":\"options-hod\""},
		{"\"created\":17", "\"created\":16"},
		{"\"purpose\":\"transfer\",\"state\":\"active\"", "\"purpose\":\"transfer\",\"state\":\"frozen\""},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		struct bytes from = bytes_of_text(cases[i].from), to = bytes_of_text(cases[i].to);
		set_up_permissive(&b);
		make_key(&b, "eth", "secp256k1", "single", "transfer");
		assert_honest(&b);
		struct buffer *leaf = &b.leaves[b.count - 1];
		const uint8_t *result = memmem(leaf->data, leaf->len, "\"result\":{\"key\":", 16);
		assert_non_null(result);
		uint8_t *at = memmem(result, leaf->len - (size_t)(result - leaf->data), from.data, from.len);
		assert_non_null(at);
		memcpy(at, to.data, to.len);
		assert_differs(&b, b.count - 1, "the key that was made is not as it was asked for");
	}
}

/* Of a whole key as of a shared one: one signature there is one of other digests by the key's other children. */
static void
no_opaque_digest_is_signed_below_a_step_that_is_not_hardened(void **) {
	static const char *const paths[] = {"m/0", "m/7'/1", "m/1/7'"};
	_cleanup_(tear_down) struct bench_gate b;
	set_up_permissive(&b);
	make_key(&b, "seal-wallet", "secp256k1", "extended", "digest");
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		_cleanup_(submitted_free) struct submitted s;
		_cleanup_(arena_free) struct arena arena = {};
		struct firm_operation operation = {
			.by = FIRM_PERSON_4, .kind = "digest.sign", .resource = "key:seal-wallet"};
		operation.payload = arena_format(&arena, "{\"digest\":\"" DIGEST "\",\"path\":\"%s\"}", paths[i]);
		submit(&b, &operation, &s);
		assert_fails(STATUS_DENIED, "digest.path", s.status);
	}
}

/* --- What is counted. --- */

/* Of coins of a million satoshi each; 50,000 satoshi are 30 dollars. What is over is change. */
struct payment {
	size_t coins;
	uint64_t first, second, fee; /* to two payees */
};

static const char *
payment_payload(struct bench_gate *b, struct arena *arena, const struct payment *payment) {
	constexpr uint64_t SATS = 1'000'000;
	static const uint8_t first[22] = {0x00, 0x14, 0x75, 0x1e, 0x76, 0xe8, 0x19, 0x91, 0x96, 0xd4, 0x54,
					  0x94, 0x1c, 0x45, 0xd1, 0xb3, 0xa3, 0x23, 0xf1, 0x43, 0x3b, 0xd6};
	static const uint8_t second[34] = {0x00, 0x20, 0x18, 0x63, 0x14, 0x3c, 0x14, 0xc5, 0x16, 0x68, 0x04, 0xbd,
					   0x19, 0x20, 0x33, 0x56, 0xda, 0x13, 0x6c, 0x98, 0x56, 0x78, 0xcd, 0x4d,
					   0x27, 0xa1, 0xb8, 0xc6, 0x32, 0x96, 0x04, 0x90, 0x32, 0x62};
	const struct key_info *key = gate_state_key(b->gate->state, BYTES_OF_LITERAL("btc-wallet"));
	struct psbt_fixture_coin coins[3] = {};
	struct psbt_payment outputs[3] = {
		{.sats = payment->coins * SATS - payment->first - payment->second - payment->fee,
		 .is_change = true,
		 .template = BITCOIN_P2WPKH,
		 .path = psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 1, 0)}};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = payment->coins,
				       .outputs = outputs,
				       .output_count = 1,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	struct bytes psbt, id = bytes_of_text(key->id);
	assert_ok(gate_state_public_key(b->gate->state, id, &outputs[0].path, outputs[0].public_key));
	for (uint32_t i = 0; i < payment->coins; i++) {
		coins[i] = (struct psbt_fixture_coin){.template = BITCOIN_P2WPKH,
						      .sats = SATS,
						      .path = psbt_fixture_path(BITCOIN_P2WPKH, 0, 0, 0, i)};
		assert_ok(gate_state_public_key(b->gate->state, id, &coins[i].path, coins[i].public_key));
	}
	if (payment->first > 0)
		outputs[fixture.output_count++] =
			(struct psbt_payment){.sats = payment->first, .script = BYTES_OF_ARRAY(first)};
	if (payment->second > 0)
		outputs[fixture.output_count++] =
			(struct psbt_payment){.sats = payment->second, .script = BYTES_OF_ARRAY(second)};
	memcpy(fixture.fingerprint, key->fingerprint, sizeof fixture.fingerprint);
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	return base64_payload(arena, "psbt", psbt);
}

static void
assert_counted(struct bench_gate *b, const struct submitted *s, enum limit_dimension dimension, const char *subject,
	       int64_t stated, int64_t counted) {
	char fact[160];
	long long sum = stated;
	struct bytes facts = s->step.record->facts;
	snprintf(fact, sizeof fact, "\"limits.%s\":{\"day\":%lld,\"hour\":%lld,\"week\":%lld}",
		 limit_dimension_names[dimension], sum, sum, sum);
	if (memmem(facts.data, facts.len, fact, strlen(fact)) == nullptr)
		fail_msg("not stated: %s", fact);
	assert_int_equal(counted, limits_sum(b->gate->state->limits, dimension, bytes_of_text(subject), LIMIT_DAY,
					     b->now_ms, nullptr, 0));
}

/* Of two of exactly the same coins the chain takes one, and so the greatest counts, to each payee by itself. That others have some of
 * their coins in common is no proof that they are meant in each other's place. What is proven change counts for nothing, unless there is
 * nothing else. */
static void
what_is_no_change_counts_and_the_same_coins_once(void **) {
	static const struct {
		struct payment payment;
		int64_t of_key, first, second, greatest;
	} cases[] = {
		{{2, 500'000, 300'000, 10'000}, 48'600, 30'000, 18'000, 30'000},
		{{2, 600'000, 100'000, 20'000}, 48'600, 36'000, 18'000, 36'000}, /* 43,200: less in all */
		{{1, 400'000, 0, 10'000}, 73'200, 60'000, 18'000, 60'000},
		{{2, 0, 400'000, 1'000'000}, 108'600, 60'000, 24'000, 24'000}, /* 84,000, for the 48,600 */
		{{3, 0, 0, 50'000}, 288'600, 60'000, 24'000, 177'000},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up_permissive(&b);
	make_key(&b, "btc-wallet", "secp256k1", "extended", "transfer");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		_cleanup_(arena_free) struct arena arena = {};
		struct firm_operation operation = {.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:btc-wallet"};
		operation.payload = payment_payload(&b, &arena, &cases[i].payment);
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(OPERATION_DONE, s.step.state);
		assert_counted(&b, &s, LIMIT_KEY, "btc-wallet", cases[i].of_key, cases[i].of_key);
		assert_counted(&b, &s, LIMIT_ACCOUNT, "options-hot", cases[i].of_key, cases[i].of_key);
		assert_counted(&b, &s, LIMIT_REQUESTER, "workload:settlement", cases[i].of_key, cases[i].of_key);
		assert_counted(&b, &s, LIMIT_ASSET, "bitcoin:main/native", cases[i].of_key, cases[i].of_key);
		assert_counted(&b, &s, LIMIT_DESTINATION, "bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
			       cases[i].greatest, cases[i].first);
		assert_counted(&b, &s, LIMIT_DESTINATION,
			       "bitcoin:main:bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
			       cases[i].greatest, cases[i].second);
	}
	assert_restarts_alike(&b);
}

RUN_TESTS(T(no_opaque_digest_is_signed_below_a_step_that_is_not_hardened),
	  T(what_is_no_change_counts_and_the_same_coins_once), T(no_digit_of_what_was_signed_can_be_another),
	  T(what_another_key_signed_or_of_something_else_is_not_believed), T(a_key_is_made_as_it_was_asked_for))
