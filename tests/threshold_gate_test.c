/*
 * Keys that are shared among keepers, through the whole gate of each: made, used, refused, limited, and what is left when a keeper
 * goes in the middle. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "wallet/evm/rlp.h"

static struct gate_state *
state_of(struct team *team, size_t at) {
	return keeper_gate(team->members[at].house.keeper)->state;
}

static struct hash256
id_of(const struct ipc_response *response) {
	struct hash256 id = {};
	assert_ok(hex_decode(response->operation, id.bytes, sizeof id.bytes));
	return id;
}

static struct firm_operation
transfer(struct arena *arena, unsigned hundredths, uint64_t nonce) {
	struct firm_operation operation = house_sign(house_transfer(arena, hundredths, nonce, 30));
	operation.resource = "key:vault";
	return operation;
}

/* What is signed is what was asked for, by the key that all keepers know: read from the transaction, with libsecp256k1. */
static void
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

static void
a_key_is_made_by_all_and_known_to_all(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 1);
	team_make_key(&team, "vault", "2-of-3");
	struct hash256 first;
	for (size_t i = 0; i < 3; i++) {
		const struct shared_key *key = shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"));
		const struct key_info *record = gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"));
		struct hash256 hash;
		assert_non_null(key);
		assert_non_null(key->share);
		assert_non_null(record);
		assert_ok(ecdsa_share_check(key->share));
		assert_ok(sharing_check_record(&key->sharing, record));
		assert_ok(sharing_hash(&key->sharing, &hash));
		if (i == 0)
			first = hash;
		assert_true(hash256_equal(&first, &hash));
	}
	/* Two shares are the key, and it is the one that all know. */
	const struct ecdsa_share *shares[] = {
		shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"))->share,
		shared_keys_find(state_of(&team, 2), BYTES_OF_LITERAL("vault"))->share,
	};
	_cleanup_(secret_free) struct secret whole = {};
	assert_ok(ecdsa_join_shares(shares, 2, &whole));
	/* And after a start all is as before. */
	for (size_t i = 0; i < 3; i++) {
		team_stop(&team, i);
		team_start(&team, i);
		const struct shared_key *key = shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"));
		assert_non_null(key);
		assert_non_null(key->share);
	}
}

static void
a_transfer_is_signed_by_two_of_three(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 2);
	team_make_key(&team, "vault", "2-of-3");
	assert_true(threshold_prepared(team.members[0].house.keeper, BYTES_OF_LITERAL("vault")) > 0);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	struct hash256 id = id_of(&response);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(OPERATION_DONE, team_state(&team, i, &id));
	/* Whoever is asked: the same. */
	asked = transfer(&arena, 10, 1);
	team_submit(&team, 2, asked, &arena, &response);
	assert_signed(&team, 2, &arena, &asked, &response);
	/* And with one gone. */
	team_stop(&team, 0);
	asked = transfer(&arena, 10, 2);
	team_submit(&team, 1, asked, &arena, &response);
	assert_signed(&team, 1, &arena, &asked, &response);
	/* Not with two. */
	team_stop(&team, 2);
	team_submit(&team, 1, transfer(&arena, 10, 3), &arena, &response);
	assert_answer(409, "failed", &response);
}

RUN_TESTS(T(a_key_is_made_by_all_and_known_to_all), T(a_transfer_is_signed_by_two_of_three))
