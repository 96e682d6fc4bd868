/*
 * For tests of the key "vault" of tests/team.h: how it is made, transfers by it, whether it has signed them, and its being dealt anew. Include
 * after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_VAULT_H
#define GATEHOUSE_TESTS_TEAM_VAULT_H

#include "crypto/sign.h"
#include "keeper/threshold_message.h"
#include "tests/team.h"
#include "wallet/evm/rlp.h"

static inline struct firm_operation
transfer(struct arena *arena, unsigned hundredths, uint64_t nonce) {
	struct firm_operation operation = house_sign(house_transfer(arena, hundredths, nonce, 30));
	operation.resource = "key:vault";
	return operation;
}

constexpr uint8_t ONLINE_SIGN = 8;         /* type of the one round with what was prepared */
constexpr int64_t TRANSFER_CENTS = 30'189; /* 0.1 ETH at 3,000 USD, and the fee's ceiling */

/* What is signed is what was asked for, by the key that all keepers know: read from the transaction, with libsecp256k1. */
static inline void
assert_signed(struct team *team, size_t at, struct arena *arena, const struct firm_operation *asked,
	      const struct ipc_response *response) {
	const json *document, *result, *payload;
	struct bytes text, unsigned_text;
	uint8_t bytes[512], unsigned_bytes[512], signature[64], recovered[65];
	struct cursor list, cursor;
	assert_answer(200, "done", response);
	assert_ok(json_read(arena, arena_copy(arena, response->body), (struct json_limits){}, &document));
	assert_ok(json_need(document, "answer", "result", JSON_OBJECT, &result));
	assert_ok(json_need_string(result, "result", "transaction", &text));
	assert_ok(json_read(arena, bytes_of_text(asked->payload), (struct json_limits){}, &payload));
	assert_ok(json_need_string(payload, "payload", "transaction", &unsigned_text));
	size_t len = text.len / 2, unsigned_len = unsigned_text.len / 2 - 1;
	assert_true(len <= sizeof bytes && unsigned_len <= sizeof unsigned_bytes);
	assert_ok(hex_decode(text, bytes, len));
	assert_ok(hex_decode(bytes_of(unsigned_text.data + 2, 2 * unsigned_len), unsigned_bytes, unsigned_len));
	struct hash256 digest = keccak256(bytes_of(unsigned_bytes, unsigned_len));
	list = cursor_of(bytes_of(bytes + 1, len - 1));
	assert_ok(rlp_read_list(&list, "list", &cursor));
	uint64_t parity;
	struct amount r, s;
	for (int i = 0; i < 8; i++)
		assert_ok(rlp_read_bytes(&cursor, "field", &text));
	struct cursor access;
	assert_ok(rlp_read_list(&cursor, "access", &access));
	assert_ok(rlp_read_u64(&cursor, "parity", &parity));
	assert_ok(rlp_read_amount(&cursor, "r", &r));
	assert_ok(rlp_read_amount(&cursor, "s", &s));
	amount_to_big_endian(&r, signature);
	amount_to_big_endian(&s, signature + 32);
	const struct shared_key *key = shared_keys_find(state_of(team, at), BYTES_OF_LITERAL("vault"));
	assert_ok(secp256k1_verify(BYTES_OF_ARRAY(key->sharing.key.public_key), digest.bytes, signature));
	assert_ok(secp256k1_recover(digest.bytes, signature, (int)parity, recovered));
	assert_memory_equal(recovered + 1, key->sharing.key.public_key + 1, 32);
}

/* One such transfer, asked of one keeper. */
static inline bool
sign_at(struct team *team, size_t at, uint64_t nonce) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation asked = transfer(&arena, 10, nonce);
	team_submit(team, at, asked, &arena, &response);
	if (response.status == 200)
		assert_signed(team, at, &arena, &asked, &response);
	return response.status == 200;
}

static inline void
redeal(struct team *team, const char *kind, const char *payload, struct arena *arena, struct ipc_response *response) {
	team_do(team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = kind,
					.resource = "key:vault",
					.payload = payload,
					.reason = "as planned"},
		arena, response);
}

/* Of the named keepers, in quotes and with commas, made by all of these. */
static inline void
make_vault(struct team *team, const char *account, const char *parties, const char *threshold) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_do(team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4,
			.kind = "key.create",
			.resource = arena_format(&arena, "account:%s", account),
			.payload = arena_format(&arena,
						"{\"algorithm\":\"secp256k1\",\"id\":\"vault\",\"material\":\"single\","
						"\"parties\":[%s],\"purpose\":\"transfer\",\"scheme\":\"ecdsa\","
						"\"threshold\":\"%s\"}",
						parties, threshold)},
		&arena, &response);
	assert_answer(200, "done", &response);
}

/* What the payload of key.reshare states of the key, each with a comma behind it; nulls: nothing. */
struct stated {
	const char *key, *sharing;
};

/* As that keeper knows it. */
static inline struct stated
vault_stated(struct team *team, size_t at, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer key = {}, sharing = {};
	struct json_writer w;
	json_writer_start(&w, &key);
	key_write(&w, gate_state_key(state_of(team, at), BYTES_OF_LITERAL("vault")));
	assert_ok(json_writer_finish(&w));
	json_writer_start(&w, &sharing);
	sharing_write(&w, &vault_at(team, at)->sharing);
	assert_ok(json_writer_finish(&w));
	return (struct stated){arena_format(arena, "\"key\":%.*s,", BYTES_ARGS(key)),
			       arena_format(arena, "\"sharing\":%.*s,", BYTES_ARGS(sharing))};
}

static inline const char *
reshare_payload(const char *parties, struct stated stated, const char *threshold, struct arena *arena) {
	return arena_format(arena, "{%s\"parties\":[%s],%s\"threshold\":\"%s\"}", stated.key ?: "", parties,
			    stated.sharing ?: "", threshold);
}

/* Dealt anew among these, as is stated. */
static inline void
reshare_as(struct team *team, size_t at, const char *parties, struct stated stated, const char *threshold,
	   struct arena *arena, struct ipc_response *response) {
	team_do(team, at,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.reshare",
					.resource = "key:vault",
					.payload = reshare_payload(parties, stated, threshold, arena)},
		arena, response);
}

/* The same, as that keeper knows the key: also to one that does not. */
static inline void
reshare_vault(struct team *team, size_t at, const char *parties, const char *threshold, struct ipc_response *response,
	      struct arena *arena) {
	reshare_as(team, at, parties, vault_stated(team, at, arena), threshold, arena, response);
}

/* Nobody hears that another has stored its new share. */
static inline bool
lose_stored(struct team *, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	return kind != PEER_ANSWER || body->data[0] != ANSWER_STORED;
}

#endif
