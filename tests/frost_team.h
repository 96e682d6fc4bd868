/*
 * Keepers that permit everything, with a key of a scheme of FROST, and what such keys sign: Solana's transfers with Ed25519, Bitcoin's
 * with BIP-340 as Taproot spends. The keepers are those of tests/team.h. Errors end the test.
 */
#ifndef GATEHOUSE_TESTS_FROST_TEAM_H
#define GATEHOUSE_TESTS_FROST_TEAM_H

#include "tests/test.h"
#include "tests/team.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "tests/psbt_fixture.h"

/* A scheme as these tests go through it: a key of that name, and what it signs. */
static const struct scheme {
	const char *key, *algorithm, *name;
	enum key_sharing sharing;
	const char *asset, *price;
} SCHEMES[] = {
	{"sol-vault", "ed25519", "ed25519", KEY_SHARED_ED25519, "asset:solana:main/native",
	 "{\"microcents\":20000000000}"},
	{"btc-vault", "secp256k1", "bip340", KEY_SHARED_BIP340, "asset:bitcoin:main/native",
	 "{\"microcents\":6000000000000}"},
};

static const struct shared_key *
key_at(struct team *team, size_t at, const struct scheme *scheme) {
	return shared_keys_find(state_of(team, at), bytes_of_text(scheme->key));
}

static inline void
must_do_at(struct team *team, size_t at, struct firm_operation operation) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	operation.by = operation.by == FIRM_PERSON_1 ? FIRM_PERSON_4 : operation.by;
	operation.reason = "as planned";
	team_do(team, at, operation, &arena, &response);
	assert_answer(200, "done", &response);
}

static inline void
must_do(struct team *team, struct firm_operation operation) {
	must_do_at(team, 0, operation);
}

/* Whatever is asked is permitted, but for what these forbid. */
static inline void
rule_at(struct team *team, size_t at, const char *forbids) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	assert_ok(firm_activation_alone(
		arena_format(&arena, "@id(\"everything\") permit (principal, action, resource); %s", forbids),
		&payload));
	must_do_at(team, at,
		   (struct firm_operation){.kind = "policy.activate",
					   .resource = "system:gatehouse",
					   .payload = (const char *)payload.data});
}

static inline void
rule(struct team *team, const char *forbids) {
	rule_at(team, 0, forbids);
}

/* The names of all of them. */
static inline const char *
all_of(const struct team *team) {
	static const char *const names[] = {"\"one\",\"two\"", "\"one\",\"two\",\"three\"",
					    "\"one\",\"two\",\"three\",\"four\""};
	return names[team->count - 2];
}

static inline void
ask_key_among(struct team *team, const struct scheme *scheme, const char *attributes, const char *parties,
	      const char *threshold, struct arena *arena, struct ipc_response *response) {
	team_do(team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4,
			.kind = "key.create",
			.resource = "account:options-hot",
			.payload = arena_format(
				arena, "{%s,\"id\":\"%s\",\"parties\":[%s],\"scheme\":\"%s\",\"threshold\":\"%s\"}",
				attributes, scheme->key, parties, scheme->name, threshold)},
		arena, response);
}

static inline void
ask_key(struct team *team, const struct scheme *scheme, const char *attributes, const char *threshold,
	struct arena *arena, struct ipc_response *response) {
	ask_key_among(team, scheme, attributes, all_of(team), threshold, arena, response);
}

/* What a keeper must know beside the key to permit what it signs. */
static inline void
learn(struct team *team, size_t at) {
	rule_at(team, at, "");
	must_do_at(team, at,
		   (struct firm_operation){.kind = "asset.add",
					   .resource = "system:gatehouse",
					   .payload = "{\"chain\":\"solana:main\",\"decimals\":9,\"symbol\":\"SOL\"}"});
	for (size_t i = 0; i < ARRAY_LENGTH(SCHEMES); i++)
		must_do_at(team, at,
			   (struct firm_operation){.by = FIRM_PRICES,
						   .kind = "price.set",
						   .resource = SCHEMES[i].asset,
						   .payload = SCHEMES[i].price});
}

static inline void
make_key_among(struct team *team, const struct scheme *scheme, const char *parties, const char *threshold) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	ask_key_among(team, scheme,
		      arena_format(&arena, "\"algorithm\":\"%s\",\"material\":\"single\",\"purpose\":\"transfer\"",
				   scheme->algorithm),
		      parties, threshold, &arena, &response);
	assert_answer(200, "done", &response);
}

static inline void
make_key(struct team *team, const struct scheme *scheme, const char *threshold) {
	make_key_among(team, scheme, all_of(team), threshold);
}

/* Keepers that permit everything, with a key of the scheme. */
static inline void
found(struct team *team, size_t count, const struct scheme *scheme, const char *threshold, uint64_t seed) {
	team_found(team, count, seed);
	learn(team, 0);
	make_key(team, scheme, threshold);
}

/* --- What is asked for, and whether it is what was signed. --- */

/* An unsigned transaction with one System transfer of 0.5 SOL, as wallets hand it over. */
static inline void
solana_transaction(const uint8_t owner[32], uint32_t number, struct buffer *transaction) {
	static const uint8_t head[] = {1, 0, 1, 3}, program[32], lamports[] = {0, 0x65, 0xcd, 0x1d, 0, 0, 0, 0};
	static const uint8_t step[] = {1, 2, 2, 0, 1, 12, 2, 0, 0, 0};
	uint8_t payee[32], blockhash[32] = {1};
	memset(payee, 8, sizeof payee);
	store_u32be(blockhash + 1, number);
	buffer_append_byte(transaction, 1);
	buffer_append(transaction, (uint8_t[64]){}, 64);
	buffer_append(transaction, head, sizeof head);
	buffer_append(transaction, owner, 32);
	buffer_append(transaction, payee, sizeof payee);
	buffer_append(transaction, program, sizeof program);
	buffer_append(transaction, blockhash, sizeof blockhash);
	buffer_append(transaction, step, sizeof step);
	buffer_append(transaction, lamports, sizeof lamports);
	assert_ok(buffer_status(transaction));
}

static const uint8_t PAYEE[22] = {0x00, 0x14, 1, 2};
static const uint8_t ROOT[32] = {7, 7};

/* A PSBT that spends two outputs of the key by its key path, one above a script tree, of 0.01 in all. */
static inline void
bitcoin_transaction(const uint8_t public_key[33], uint32_t number, struct arena *arena, struct bytes *psbt) {
	struct psbt_fixture_coin coins[] = {
		{.template = BITCOIN_P2TR, .sats = 600'000, .without_derivation = true},
		{.template = BITCOIN_P2TR,
		 .sats = 410'000,
		 .without_derivation = true,
		 .merkle_root = BYTES_OF_ARRAY(ROOT)},
	};
	struct psbt_payment output = {.sats = 1'000'000, .script = BYTES_OF_ARRAY(PAYEE)};
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = ARRAY_LENGTH(coins),
				       .outputs = &output,
				       .output_count = 1,
				       .sequence = BITCOIN_SEQUENCE_FINAL,
				       .seed = number};
	for (size_t i = 0; i < ARRAY_LENGTH(coins); i++)
		memcpy(coins[i].public_key, public_key, 33);
	assert_ok(psbt_fixture_build(arena, &fixture, psbt));
}

static inline struct bytes
transaction_of(struct team *team, const struct scheme *scheme, uint32_t number, struct arena *arena) {
	const struct key_info *record = nullptr; /* one that was put back may not know it */
	for (size_t at = 0; at < team->count && record == nullptr; at++)
		if (team->members[at].is_open)
			record = gate_state_key(state_of(team, at), bytes_of_text(scheme->key));
	assert_non_null(record);
	_cleanup_(buffer_free) struct buffer transaction = {};
	struct bytes psbt;
	if (scheme->sharing == KEY_SHARED_ED25519) {
		solana_transaction(record->public_key, number, &transaction);
		return arena_copy(arena, buffer_bytes(&transaction));
	}
	bitcoin_transaction(record->public_key, number, arena, &psbt);
	return psbt;
}

static inline struct firm_operation
transfer(struct team *team, const struct scheme *scheme, uint32_t number, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer payload = {};
	buffer_append_format(&payload, "{\"format\":\"%s\",\"transaction\":\"",
			     scheme->sharing == KEY_SHARED_ED25519 ? "solana" : "psbt");
	buffer_append_base64(&payload, transaction_of(team, scheme, number, arena));
	buffer_append_text(&payload, "\"}");
	buffer_append_byte(&payload, 0);
	struct bytes kept = arena_copy(arena, buffer_bytes(&payload));
	return (struct firm_operation){.by = FIRM_SETTLEMENT,
				       .kind = "sign",
				       .resource = arena_format(arena, "key:%s", scheme->key),
				       .payload = (const char *)kept.data};
}

/* Of a transaction as it came back: what the libraries of neither FROST nor the gate think of its signatures. */
static inline void
check_solana(const struct key_info *record, struct bytes asked, struct bytes made) {
	assert_int_equal(asked.len, made.len);
	assert_int_equal(1, made.data[0]);
	struct bytes message = bytes_of(made.data + 65, made.len - 65);
	assert_true(bytes_equal(message, bytes_of(asked.data + 65, asked.len - 65)));
	assert_ok(ed25519_verify(record->public_key, message, made.data + 1));
}

static inline void
check_bitcoin(const struct key_info *record, struct bytes asked, struct bytes made, struct arena *arena) {
	struct wallet_key key = {.id = BYTES_OF_LITERAL("btc"), .algorithm = KEY_SECP256K1};
	struct wallet_context context = {.key = &key};
	struct wallet_transaction *decoded;
	assert_ok(secp256k1_public_uncompressed(key_public(record), key.public_key));
	assert_ok(wallet_decode(arena, WALLET_PSBT, asked, &context, &decoded));
	assert_int_equal(2, decoded->request_count);
	/* Two witnesses of one item of 64 bytes each, and the lock time. */
	assert_true(made.len > 2 * 66 + 4);
	for (size_t i = 0; i < 2; i++) {
		const uint8_t *witness = made.data + made.len - 4 - (2 - i) * 66, *internal = record->public_key + 1;
		uint8_t output[32];
		int parity;
		assert_int_equal(1, witness[0]);
		assert_int_equal(64, witness[1]);
		assert_ok(taproot_tweak_public(internal, i == 0 ? (struct bytes){} : BYTES_OF_ARRAY(ROOT), output,
					       &parity));
		assert_ok(bip340_verify(output, BYTES_OF_ARRAY(decoded->requests[i].digest), witness + 2));
	}
}

static inline void
assert_signed(struct team *team, size_t at, const struct scheme *scheme, uint32_t number, struct arena *arena,
	      const struct ipc_response *response) {
	const struct key_info *record = gate_state_key(state_of(team, at), bytes_of_text(scheme->key));
	const json *document, *result;
	struct bytes text, asked = transaction_of(team, scheme, number, arena);
	assert_answer(200, "done", response);
	assert_ok(json_read(arena, arena_copy(arena, response->body), (struct json_limits){}, &document));
	assert_ok(json_need(document, "answer", "result", JSON_OBJECT, &result));
	assert_ok(json_need_string(result, "result", "transaction", &text));
	uint8_t *made = arena_alloc(arena, text.len / 2);
	assert_non_null(made);
	assert_ok(hex_decode(text, made, text.len / 2));
	if (scheme->sharing == KEY_SHARED_ED25519)
		check_solana(record, asked, bytes_of(made, text.len / 2));
	else
		check_bitcoin(record, asked, bytes_of(made, text.len / 2), arena);
}

static inline void
sign(struct team *team, size_t at, const struct scheme *scheme, uint32_t number) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_submit(team, at, transfer(team, scheme, number, &arena), &arena, &response);
	assert_signed(team, at, scheme, number, &arena, &response);
	struct hash256 id = id_of(&response);
	for (size_t i = 0; i < team->count; i++) /* those who did not sign as well */
		if (team->members[i].is_open && !team->is_cut[at][i])
			assert_int_equal(OPERATION_DONE, team_state(team, i, &id));
}

/* Cut off, and there again. */
static inline void
set_apart(struct team *team, unsigned subset, bool is_apart) {
	for (size_t i = 0; i < team->count; i++)
		for (size_t j = 0; j < i; j++) {
			if ((subset >> i & 1) && (subset >> j & 1))
				continue;
			if (is_apart)
				team_cut(team, i, j);
			else
				team_connect(team, i, j);
		}
	team_settle(team);
}

#endif
