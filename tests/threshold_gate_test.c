/*
 * Keys that are shared among keepers, through the whole gate of each: made, used, refused, limited, and what is left when a keeper
 * goes in the middle. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "crypto/kem.h"
#include "gate/replay.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"
#include "wallet/evm/rlp.h"

static struct hash256
id_of(const struct ipc_response *response) {
	struct hash256 id = {};
	assert_ok(hex_decode(response->operation, id.bytes, sizeof id.bytes));
	return id;
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

/* --- Saying no. --- */

/* One keeper is told something that the others do not hear. */
static void
tell_alone(struct team *team, size_t at, struct firm_operation operation) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	for (size_t i = 0; i < team->count; i++)
		if (i != at)
			team_cut(team, at, i);
	team_do(team, at, operation, &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < team->count; i++)
		if (i != at)
			team_connect(team, at, i);
	team_settle(team);
}

static void
a_keeper_that_says_no_ends_it_and_its_reason_comes_back(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 3);
	team_make_key(&team, "vault", "2-of-3");
	tell_alone(&team, 1,
		   (struct firm_operation){
			   .by = FIRM_PERSON_1, .kind = "key.freeze", .resource = "key:vault", .payload = "{}"});
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "operation.denied: "));
	assert_true(says(&response, "key_not_active"));
	assert_true(says(&response, "(keeper two)"));
	/* Nothing was released: nothing is spent anywhere. */
	struct hash256 id = id_of(&response);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(i == 1 ? OPERATION_DENIED : OPERATION_FAILED, team_state(&team, i, &id));
		assert_int_equal(0, spent(&team, i));
		assert_int_equal(0, state_of(&team, i)->counted.by_telling.count);
	}
	/* Without it the others sign. */
	team_stop(&team, 1);
	struct firm_operation asked = transfer(&arena, 10, 1);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
}

static const struct destination_entry *
destination_at(struct team *team, size_t at) {
	return destination_list_entry(
		destinations_find(&state_of(team, at)->destinations, BYTES_OF_LITERAL("counterparties")),
		BYTES_OF_LITERAL("eip155:1:0x3535353535353535353535353535353535353535"));
}

/* While it is only intended it is no test. */
static void
what_keepers_sign_together_tests_a_destination_on_probation(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 21);
	team_make_key(&team, "vault", "2-of-3");
	for (size_t i = 0; i < 3; i++) {
		tell_alone(
			&team, i,
			(struct firm_operation){
				.by = FIRM_PERSON_4,
				.kind = "list.remove",
				.resource = "list:counterparties",
				.payload = "{\"entries\":[\"eip155:1:0x3535353535353535353535353535353535353535\"]}"});
		tell_alone(&team, i,
			   (struct firm_operation){
				   .by = FIRM_PERSON_4,
				   .kind = "list.add",
				   .resource = "list:counterparties",
				   .payload = "{\"entries\":[\"eip155:1:0x3535353535353535353535353535353535353535\"],"
					      "\"probation\":40000}"});
	}
	team_submit(&team, 0, transfer(&arena, 20, 0), &arena, &response);
	assert_answer(403, "denied", &response);
	assert_false(destination_at(&team, 0)->is_tested);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	struct hash256 id = id_of(&response);
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		assert_true(destination_at(&team, 0)->is_tested);
		assert_memory_equal(id.bytes, destination_at(&team, 0)->tested_by, sizeof id.bytes);
		team_stop(&team, 0);
		team_start(&team, 0);
	}
}

static void
keepers_with_another_bundle_do_not_sign_together(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	team_found(&team, 3, 4);
	team_make_key(&team, "vault", "2-of-3");
	assert_ok(firm_activation("@id(\"more\") forbid (principal, action == Action::\"sign\", resource) when { "
				  "context.transfer has usd_cents && context.transfer.usd_cents > 900000 };",
				  &payload));
	tell_alone(&team, 1,
		   (struct firm_operation){.by = FIRM_PERSON_4,
					   .kind = "policy.activate",
					   .resource = "system:gatehouse",
					   .payload = (const char *)payload.data,
					   .reason = "another bundle"});
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response); /* by the two that agree */
	assert_signed(&team, 0, &arena, &asked, &response);
	team_stop(&team, 2);
	team_submit(&team, 0, transfer(&arena, 10, 1), &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.too_few"));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0)); /* the first one's */
}

/* --- Checks of the protocols. --- */

/* Changes one byte of what one keeper says in the online round, once. */
struct corruption {
	size_t from, to, at; /* from the end of the frame */
	bool is_done;
};

static bool
corrupt(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct corruption *corruption = team->context;
	if (corruption->is_done || from != corruption->from || to != corruption->to || kind != PEER_PROTOCOL ||
	    body->data[6] != 8) /* online.sign */
		return true;
	body->data[body->len - corruption->at] ^= 1;
	corruption->is_done = true;
	return true;
}

static void
a_failed_check_is_told_to_nobody_and_ends_the_pair_for_good(void **) {
	static const size_t fields[] = {1, 33, 65, 98}; /* u, w, nonce_point, presignature */
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		_cleanup_(team_free) struct team team;
		struct corruption corruption = {.from = 1, .to = 0, .at = fields[i]};
		struct ipc_response response;
		team_found(&team, 3, 5);
		team_make_key(&team, "vault", "2-of-3");
		team.on_message = corrupt;
		team.context = &corruption;
		team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
		assert_true(corruption.is_done);
		assert_answer(409, "failed", &response);
		assert_true(says(&response, "joint.ended: the session was ended by a party"));
		assert_false(says(&response, "ecdsa"));
		assert_false(says(&response, "online"));
		/* A share had left: what was reserved stays. */
		assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
		/* The pair is gone, and a restart does not bring it back. */
		team_stop(&team, 0);
		team_start(&team, 0);
		team_settle(&team);
		const struct shared_key *key = shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"));
		assert_false(ecdsa_share_pair(key->share, 2)->ready);
		assert_true(ecdsa_share_pair(key->share, 3)->ready);
		/* With the third it signs. */
		struct firm_operation asked = transfer(&arena, 10, 1);
		team_submit(&team, 0, asked, &arena, &response);
		assert_signed(&team, 0, &arena, &asked, &response);
	}
}

/* The signature is there, and one of its signers does not hear so: what it gave its share for counts with it, once, as with the others. */
static void
a_signer_that_does_not_see_the_signature_counts_it_all_the_same(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 0, .to = 1, .at = 1};
	struct ipc_response response;
	team_found(&team, 3, 25);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = corrupt;
	team.context = &corruption;
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(corruption.is_done);
	assert_signed(&team, 0, &arena, &asked, &response);
	struct hash256 id = id_of(&response);
	for (size_t restarts = 0; restarts < 2; restarts++) {
		assert_int_equal(OPERATION_FAILED, team_state(&team, 1, &id));
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(TRANSFER_CENTS, spent(&team, i));
			assert_int_equal(0, heard(&team, i));
		}
		for (size_t i = 0; i < 3; i++) {
			team_stop(&team, i);
			team_start(&team, i);
		}
		team_settle(&team);
	}
}

/* --- Preparing. --- */

struct overheard {
	struct buffer proposal; /* the last by which the first keeper begins something with the second */
	struct hash256 session; /* that came of it */
	bool spoils;            /* and what the second says in its second round */
};

static bool
overhear(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct overheard *overheard = team->context;
	if (kind == PEER_PROPOSE && from == 0 && to == 1 && body->data[0] == PROPOSE_PREPARE) {
		buffer_reset(&overheard->proposal);
		buffer_append_bytes(&overheard->proposal, buffer_bytes(body));
	}
	if (kind != PEER_PROTOCOL || from != 1 || to != 0)
		return true;
	if (body->data[6] == 5) /* sign.start */
		memcpy(overheard->session.bytes, body->data + 9, sizeof overheard->session.bytes);
	if (body->data[6] == 6 && overheard->spoils) /* sign.multiply: salt */
		body->data[41 + 32] ^= 1;
	return true;
}

/* The same again is refused; after a restart it is another one. */
static void
no_preparation_has_the_nonce_of_an_earlier_one(void **) {
	_cleanup_(team_free) struct team team;
	struct overheard overheard = {};
	team_found(&team, 2, 23);
	team.on_message = overhear;
	team.context = &overheard;
	team_make_key(&team, "vault", "2-of-2");
	team_settle(&team);
	assert_true(overheard.proposal.len > 0);
	struct team_member *second = &team.members[1];
	for (unsigned restarts = 0; restarts < 2; restarts++) {
		struct threshold *threshold = second->house.keeper->threshold;
		assert_null(threshold->preparing);
		threshold_message(second->house.keeper, &second->peers[0], PEER_PROPOSE,
				  buffer_bytes(&overheard.proposal));
		if (restarts == 0) {
			assert_null(threshold->preparing);
			team_stop(&team, 1);
			team.on_message = nullptr;
			team_start(&team, 1);
			continue;
		}
		assert_non_null(threshold->preparing);
		assert_true(threshold->preparing->machine.has_session_id);
		assert_false(hash256_equal(&overheard.session, &threshold->preparing->machine.session_id));
	}
	buffer_free(&overheard.proposal);
}

static enum status
find_check(void *context, const struct ledger_record *record) {
	struct buffer *found = context;
	struct entry entry;
	_cleanup_(arena_free) struct arena arena = {};
	TRY(entry_read(&arena, record->leaf, &entry));
	if (entry.type == ENTRY_CHECK)
		buffer_append_bytes(found, entry.body);
	return OK;
}

/* Also of what was prepared for no operation. */
static void
a_failed_check_stands_in_the_own_log_with_whom_it_names(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(buffer_free) struct buffer found = {};
	struct overheard overheard = {.spoils = true};
	struct ledger_head head;
	team_found(&team, 2, 24);
	team.on_message = overhear;
	team.context = &overheard;
	team_make_key(&team, "vault", "2-of-2");
	team_settle(&team);
	struct ledger *ledger = keeper_ledger(team.members[0].house.keeper);
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, find_check, &found));
	buffer_append_byte(&found, 0);
	assert_non_null(strstr((const char *)found.data, "\"check\":\"signing.commitment: "));
	assert_non_null(strstr((const char *)found.data, "\"message\":\"sign.multiply\",\"party\":2,"));
	assert_non_null(strstr((const char *)found.data, "\"round\":2,\"shared_key\":\"vault\",\"signers\":[1,2]}"));
	assert_int_equal(1, shared_keys_pairs_lost(state_of(&team, 0)));
	buffer_free(&overheard.proposal);
}

/* --- Dealing anew. --- */

static bool
has_row(struct team *team, size_t at, const char *name) {
	_cleanup_(buffer_free) struct buffer row = {};
	return secrets_get(state_of(team, at)->secrets, "share", bytes_of_text(name), &row) == OK;
}

static void
redeal(struct team *team, const char *kind, const char *payload, struct arena *arena, struct ipc_response *response) {
	team_do(team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = kind,
					.resource = "key:vault",
					.payload = payload,
					.reason = "as planned"},
		arena, response);
}

static void
a_refresh_keeps_the_key_and_renews_all_that_is_behind_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct corruption corruption = {.from = 1, .to = 0, .at = 1};
	struct ipc_response response;
	team_found(&team, 3, 9);
	team_make_key(&team, "vault", "2-of-3");
	struct ecdsa_key before = shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"))->sharing.key;
	team.on_message = corrupt;
	team.context = &corruption;
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(409, "failed", &response);
	team.on_message = nullptr;
	/* One of three is away: the shares stay what they are. */
	team_stop(&team, 2);
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.absent"));
	team_start(&team, 2);
	team_settle(&team);
	assert_true(has_row(&team, 0, "vault/1") && !has_row(&team, 0, "vault/2"));
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < 3; i++) {
		const struct shared_key *key = shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"));
		assert_int_equal(2, key->sharing.key.epoch);
		assert_memory_equal(before.public_key, key->sharing.key.public_key, POINT_SIZE);
		assert_memory_not_equal(before.public_shares[i], key->sharing.key.public_shares[i], POINT_SIZE);
		for (uint8_t peer = 1; peer <= 3; peer++)
			assert_true(peer == i + 1 || ecdsa_share_pair(key->share, peer)->ready);
		assert_true(has_row(&team, i, "vault/2") && !has_row(&team, i, "vault/1"));
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	team_stop(&team, 2);
	struct firm_operation asked = transfer(&arena, 10, 1);
	team_submit(&team, 0, asked, &arena, &response); /* by the pair that was lost */
	assert_signed(&team, 0, &arena, &asked, &response);
}

static bool
lose_stored(struct team *, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	return kind != PEER_ANSWER || body->data[0] != ANSWER_STORED;
}

/* While it is not known what became of one dealing no other begins: its failure would take the first one's share with it. */
static void
one_dealing_of_a_key_at_a_time(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 11);
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = lose_stored;
	redeal(&team, "key.refresh", "{}", &arena, &response);
	for (size_t i = 0; i < 3; i++)
		assert_true(has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
	team.on_message = nullptr;
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	for (size_t i = 0; i < 3; i++) {
		assert_true(has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(2, gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("vault"))->epoch);
		assert_true(!has_row(&team, i, "vault/1") && has_row(&team, i, "vault/2"));
	}
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
}

static void
a_whole_key_does_not_take_the_name_of_one_that_is_dealt(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 14);
	team.on_message = lose_stored;
	team_ask_key(&team, "vault", "2-of-3", &arena, &response);
	team.on_message = nullptr;
	team_do(&team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.create",
					.resource = "account:options-hot",
					.payload =
						"{\"algorithm\":\"secp256k1\",\"id\":\"vault\",\"material\":\"single\","
						"\"purpose\":\"transfer\"}"},
		&arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.being_dealt"));
	for (size_t i = 0; i < 3; i++) {
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("vault"))->share);
}

static void
a_key_goes_to_fewer_keepers_and_another_threshold(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 4, 10);
	team_make_key(&team, "vault", "3-of-4");
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"three\"],\"threshold\":\"2-of-2\"}", &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload.parties: 2 of those that hold a share; 3 deal it anew"));
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"two\",\"five\"],\"threshold\":\"2-of-3\"}", &arena,
	       &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload.key: where a keeper comes in"));
	redeal(&team, "key.reshare", "{\"parties\":[\"one\",\"three\",\"four\"],\"threshold\":\"2-of-3\"}", &arena,
	       &response);
	assert_answer(200, "done", &response);
	const struct key_info *record = gate_state_key(state_of(&team, 0), BYTES_OF_LITERAL("vault"));
	assert_int_equal(2, record->threshold);
	assert_int_equal(3, record->parties);
	assert_int_equal(2, record->epoch);
	/* Two has no part in it any more. */
	assert_int_equal(1, gate_state_key(state_of(&team, 1), BYTES_OF_LITERAL("vault"))->epoch);
	team_stop(&team, 3);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 2, asked, &arena, &response);
	assert_signed(&team, 2, &arena, &asked, &response);
	team_stop(&team, 0);
	team_submit(&team, 2, transfer(&arena, 10, 1), &arena, &response);
	assert_answer(409, "failed", &response);
}

/* --- Backup. --- */

/* What one keeper gave, from its own log: the answer to the same request there. */
static struct bytes
escrow_at(struct team *team, size_t at, const struct ipc_request *request, struct arena *arena, uint8_t *holder) {
	struct ipc_response response;
	const json *document, *result;
	struct bytes base64;
	int64_t number;
	size_t len;
	assert_ok(keeper_answer(team->members[at].house.keeper, request, arena, &response));
	assert_answer(200, "done", &response);
	assert_ok(json_read(arena, arena_copy(arena, response.body), (struct json_limits){}, &document));
	assert_ok(json_need(document, "answer", "result", JSON_OBJECT, &result));
	assert_ok(json_need_string(result, "result", "escrow", &base64));
	assert_ok(json_need_integer(result, "result", "holder", &number));
	*holder = (uint8_t)number;
	uint8_t *escrow = arena_alloc(arena, base64.len);
	assert_non_null(escrow);
	assert_ok(base64_decode(base64, escrow, base64.len, &len));
	return bytes_of(escrow, len);
}

/* The drill: all keepers are lost but for what they gave to the recovery key. */
static void
a_recovery_key_gets_the_key_from_what_two_of_three_keepers_gave(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(secret_free) struct secret recovery = {}, whole = {};
	uint8_t recovery_key[KEM_PUBLIC_SIZE], holders[2];
	char hex[2 * KEM_PUBLIC_SIZE + 1];
	struct ipc_request request;
	struct ipc_response response;
	team_found(&team, 3, 11);
	team_make_key(&team, "vault", "2-of-3");
	assert_ok(kem_generate(recovery_key, &recovery));
	hex_encode(BYTES_OF_ARRAY(recovery_key), hex);
	struct firm_operation backup = {.by = FIRM_PERSON_4,
					.kind = "key.backup",
					.resource = "key:vault",
					.payload = arena_format(&arena, "{\"recovery_key\":\"%s\"}", hex),
					.idempotency_key = "backup"};
	house_request(&team.members[0].house, &arena, backup, &request);
	team_do(&team, 0, backup, &arena, &response);
	assert_answer(200, "done", &response);
	struct sharing sharing = shared_keys_find(state_of(&team, 0), BYTES_OF_LITERAL("vault"))->sharing;
	struct bytes escrows[] = {escrow_at(&team, 1, &request, &arena, &holders[0]),
				  escrow_at(&team, 2, &request, &arena, &holders[1])};
	assert_ok(recovery_join(&sharing, BYTES_OF_LITERAL(HOUSE_INSTANCE), secret_bytes(&recovery), holders, escrows,
				2, &whole));
	uint8_t public_key[33];
	size_t len;
	assert_ok(key_derive_public(KEY_SECP256K1, whole.data, public_key, &len));
	assert_memory_equal(public_key, sharing.key.public_key, sizeof public_key);
}

static void
a_keeper_shows_its_part_of_a_key_and_proves_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint8_t proof[65], challenge[32];
	const json *document, *text;
	struct sharing sharing;
	struct bytes hex;
	team_found(&team, 3, 12);
	team_make_key(&team, "vault", "2-of-3");
	memset(challenge, 0xab, sizeof challenge);
	for (uint8_t i = 0; i < 3; i++) {
		assert_ok(house_get(&team.members[i].house, &arena,
				    "/v1/keys/vault/sharing?challenge="
				    "abababababababababababababababababababababababababababababababab",
				    &response));
		assert_answer(200, nullptr, &response);
		assert_ok(json_read(&arena, arena_copy(&arena, response.body), (struct json_limits){}, &document));
		assert_ok(json_need(document, "answer", "sharing", JSON_OBJECT, &text));
		assert_ok(sharing_read(text, &sharing));
		assert_ok(share_audit_public(&sharing));
		assert_ok(json_need_string(document, "answer", "proof", &hex));
		assert_ok(hex_decode(hex, proof, sizeof proof));
		assert_ok(share_audit_verify(&sharing, i + 1, BYTES_OF_LITERAL(HOUSE_INSTANCE), challenge,
					     BYTES_OF_ARRAY(proof)));
	}
	assert_ok(house_get(&team.members[0].house, &arena, "/v1/keys/vault/sharing?challenge=ab", &response));
	assert_answer(400, nullptr, &response);
	assert_ok(house_get(&team.members[0].house, &arena, "/v1/keys/none/sharing", &response));
	assert_answer(404, nullptr, &response);
}

/* --- What people say happened. --- */

static bool
lose_second_at_proposal(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	if (to == 1 && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		team_stop(team, 1);
	return true;
}

static enum status
replay_entry(void *context, const struct ledger_record *record) {
	enum replay_result result;
	const char *difference;
	return replayer_add(context, record->index, record->leaf, &result, &difference);
}

/* Every decision of its log, from the log alone. */
static void
assert_log_replays(struct team *team, size_t at, uint64_t *same) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct keeper *keeper = team->members[at].house.keeper;
	struct ledger_head head;
	assert_ok(replayer_create(&replayer, &keeper->gate->blobs));
	ledger_durable_head(keeper->ledger, &head);
	assert_ok(ledger_visit(keeper->ledger, 0, head.head.size, replay_entry, replayer));
	struct replay_counts counts = replayer_counts(replayer);
	assert_int_equal(0, counts.different);
	*same = counts.same;
}

static void
assert_last_nonce(struct team *team, size_t at, uint64_t expected) {
	uint64_t nonce;
	assert_true(gate_state_last_nonce(state_of(team, at), BYTES_OF_LITERAL("vault"), BYTES_OF_LITERAL("eip155:1"),
					  &nonce));
	assert_int_equal(expected, nonce);
}

/* Three keepers, of which the second does not know what became of the transfer with nonce 7: it died in it. */
static struct hash256
found_with_lost_transfer(struct team *team, struct arena *arena, struct ipc_response *response) {
	team_found(team, 3, 14);
	team_make_key(team, "vault", "2-of-3");
	team_cut(team, 0, 2);
	team->on_message = lose_second_at_proposal;
	team_submit(team, 0, transfer(arena, 10, 7), arena, response);
	team->on_message = nullptr;
	assert_answer(409, "failed", response);
	struct hash256 id = id_of(response);
	team_start(team, 1);
	team_settle(team);
	assert_int_equal(OPERATION_UNKNOWN, team_state(team, 1, &id));
	return id;
}

static void
say_it_happened(struct team *team, struct arena *arena, const struct hash256 *id) {
	struct ipc_response response;
	char hex[2 * sizeof id->bytes + 1];
	hex_encode(hash256_bytes(id), hex);
	struct firm_operation resolve = {.by = FIRM_PERSON_4,
					 .kind = "intent.resolve",
					 .payload = "{\"happened\":true}",
					 .resource = arena_format(arena, "operation:%s", hex)};
	team_do(team, 1, resolve, arena, &response);
	assert_answer(200, "done", &response);
	assert_int_equal(OPERATION_DONE, team_state(team, 1, id));
}

/* What was signed before they said so has come further. */
static void
a_nonce_does_not_go_back_to_what_people_say_happened(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct hash256 id = found_with_lost_transfer(&team, &arena, &response);
	struct firm_operation next = transfer(&arena, 10, 8);
	team_submit(&team, 1, next, &arena, &response);
	assert_signed(&team, 1, &arena, &next, &response);
	assert_last_nonce(&team, 1, 8);
	say_it_happened(&team, &arena, &id);
	assert_last_nonce(&team, 1, 8);
}

/* A keeper that died in it does not know what became of a transfer. People saw it on the chain, and say so: then policies see its nonce, as if
 * the keeper had seen it signed. */
static void
a_transfer_that_people_say_happened_leaves_its_nonce(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint64_t nonce, before, after;
	struct hash256 id = found_with_lost_transfer(&team, &arena, &response);
	assert_int_equal(TRANSFER_CENTS, spent(&team, 1));
	assert_false(gate_state_last_nonce(state_of(&team, 1), BYTES_OF_LITERAL("vault"), BYTES_OF_LITERAL("eip155:1"),
					   &nonce));
	say_it_happened(&team, &arena, &id);
	assert_last_nonce(&team, 1, 7);
	assert_log_replays(&team, 1, &before);
	team_stop(&team, 1);
	team_start(&team, 1);
	team_connect(&team, 0, 2);
	team_settle(&team);
	assert_last_nonce(&team, 1, 7);
	/* The next decision states it, and is the same when the log is read alone. */
	struct firm_operation next = transfer(&arena, 10, 8);
	team_submit(&team, 1, next, &arena, &response);
	assert_signed(&team, 1, &arena, &next, &response);
	assert_last_nonce(&team, 1, 8);
	assert_log_replays(&team, 1, &after);
	assert_true(after > before);
}

/* --- Limits. --- */

/* One such transfer, asked of one keeper. */
static bool
sign_at(struct team *team, size_t at, uint64_t nonce) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation asked = transfer(&arena, 10, nonce);
	team_submit(team, at, asked, &arena, &response);
	if (response.status == 200)
		assert_signed(team, at, &arena, &asked, &response);
	return response.status == 200;
}

/* No keeper has counted more than it was asked about; together they have. */
static void
each_decides_on_what_all_signers_have_counted(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 6);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 700);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	assert_true(sign_at(&team, 0, 0)); /* by one and two */
	team_connect(&team, 1, 2);
	team_cut(&team, 0, 1);
	assert_true(sign_at(&team, 2, 1)); /* by two and three */
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
	team_cut(&team, 1, 2);
	team_connect(&team, 0, 2);
	/* One has counted the first, three the second: three with this one, and the limit lets two through. */
	assert_false(sign_at(&team, 0, 2));
	assert_false(sign_at(&team, 2, 3));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
}

/* What only another has counted leaves a window when it does there, also where it is told again meanwhile. */
static void
what_a_peer_has_counted_counts_at_its_own_time(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 22);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 700);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	assert_true(sign_at(&team, 0, 0)); /* by one and two */
	assert_true(sign_at(&team, 0, 1));
	team_cut(&team, 0, 1);
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(0, spent(&team, 2));
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
	assert_false(sign_at(&team, 2, 2));
	team_pass_ms(&team, 40 * 60'000);
	team_settle(&team);
	team_cut(&team, 1, 2);
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2)); /* told again, forty minutes of the hour later */
	team_pass_ms(&team, 21 * 60'000);
	team_settle(&team);
	assert_int_equal(0, heard(&team, 2));
	/* Told again after they have left all windows but the greater ones, they are not of this hour either. */
	team_cut(&team, 1, 2);
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(0, heard(&team, 2));
}

/* 2 of 3: 2t − n − 1 = 0 liars are stood. One spends the limit once with each of the honest, and no more. */
static void
one_liar_of_three_spends_the_limit_twice_and_no_more(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 3, 7);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 620);
	unsigned signatures = 0;
	uint64_t nonce = 0;
	team_cut(&team, 0, 1);
	for (size_t turn = 0; turn < 4; turn++) { /* with either, and with either once more */
		size_t honest = turn % 2;
		keep_disk(&team, 2, &before);
		team_connect(&team, honest, 2);
		team_cut(&team, 1 - honest, 2);
		unsigned of_turn = 0;
		while (sign_at(&team, honest, nonce++))
			of_turn++;
		assert_false(sign_at(&team, 2, nonce++));
		assert_int_equal(turn < 2 ? 2 : 0, of_turn);
		signatures += of_turn;
		put_back(&team, 2, &before);
	}
	assert_int_equal(4, signatures); /* of 301.89 USD each: twice what the limit lets through */
	assert_int_equal(1, sharing_tolerance(2, 3).overspends);
}

/* 3 of 4: one liar is stood. */
static void
one_liar_of_four_spends_nothing_beyond_the_limit(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 4, 8);
	team_make_key(&team, "vault", "3-of-4");
	limit_to(&team, 620);
	unsigned signatures = 0;
	uint64_t nonce = 0;
	for (size_t absent = 0; absent < 3; absent++) { /* each pair of the honest, with the liar */
		keep_disk(&team, 3, &before);
		for (size_t a = 0; a < 4; a++)
			for (size_t b = 0; b < a; b++)
				if (a == absent || b == absent)
					team_cut(&team, a, b);
				else
					team_connect(&team, a, b);
		for (int i = 0; i < 3; i++)
			signatures += sign_at(&team, absent == 0 ? 1 : 0, nonce++);
		put_back(&team, 3, &before);
	}
	assert_int_equal(2, signatures); /* all that the limit lets through */
}

/* As that keeper signs it: the whole of what the other has heard from it until then, and this. */
static void
seal_as(struct team *team, size_t from, size_t to, struct bytes spends, struct buffer *body) {
	static const char label[] = "gatehouse/threshold/counted/v1";
	const struct threshold_link *teller = &team->members[from].house.keeper->threshold->link,
				    *hearer = &team->members[to].house.keeper->threshold->link;
	const struct hash256 *heard = &team->members[to].house.keeper->threshold->heard_head[from + 1];
	struct hash256 head = SHA256_PARTS(hash256_bytes(heard), spends);
	_cleanup_(buffer_free) struct buffer statement = {};
	struct pledge_keys keys;
	struct counted_seal seal;
	teller->own_keys(teller->context, &keys);
	buffer_append(&statement, label, sizeof label);
	buffer_append_prefixed(&statement, bytes_of_text(HOUSE_INSTANCE));
	buffer_append(&statement, teller->own_identity(teller->context), PARTY_IDENTITY_SIZE);
	buffer_append(&statement, hearer->own_identity(hearer->context), PARTY_IDENTITY_SIZE);
	buffer_append_bytes(&statement, hash256_bytes(&head));
	seal.certificate = keys.certificate;
	memcpy(seal.key, keys.key, sizeof seal.key);
	assert_ok(ed25519_sign(keys.seed, keys.key, buffer_bytes(&statement), seal.signature));
	buffer_reset(body);
	counted_seal_write(body, &seal);
	buffer_append_bytes(body, spends);
	assert_ok(buffer_status(body));
}

/* What the fourth says it has counted is next to nothing, it says so before anybody else, and what others have is not heard there. */
static bool
tell_less(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer less = {};
	if (kind != PEER_COUNTED || (from != 3 && to != 3))
		return true;
	if (to == 3)
		return false;
	struct cursor cursor = cursor_of(buffer_bytes(body));
	struct counted_seal seal;
	assert_ok(counted_seal_read(&cursor, &seal));
	while (cursor.left > 0) {
		struct spend spend;
		assert_ok(counted_read(&cursor, &arena, 0, &spend));
		struct limit_part *parts = ARENA_NEW_ARRAY(&arena, spend.part_count, struct limit_part);
		assert_non_null(parts);
		for (size_t i = 0; i < spend.part_count; i++) {
			parts[i] = spend.parts[i];
			parts[i].cents = 1;
		}
		spend.parts = parts;
		counted_write(&less, &spend, 0);
	}
	seal_as(team, from, to, buffer_bytes(&less), body);
	return true;
}

static void
a_liar_makes_nothing_smaller_that_others_have_counted(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 4, 12);
	team_make_key(&team, "vault", "3-of-4");
	limit_to(&team, 700);
	keep_disk(&team, 3, &before);
	team.on_message = tell_less;
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			team_cut(&team, 2, i);
	assert_true(sign_at(&team, 0, 0)); /* by one, two and the liar */
	team_cut(&team, 0, 1);
	team_cut(&team, 0, 3);
	team_connect(&team, 2, 3);
	team_settle(&team);
	team_connect(&team, 2, 1);
	team_settle(&team);
	assert_true(sign_at(&team, 1, 1)); /* by two, three and the liar */
	team_cut(&team, 1, 2);
	team_cut(&team, 1, 3);
	team_connect(&team, 0, 3); /* the liar first */
	team_settle(&team);
	team_connect(&team, 0, 2);
	team_settle(&team);
	put_back(&team, 3, &before);
	team_connect(&team, 0, 3);
	team_connect(&team, 2, 3);
	team_settle(&team);
	/* One has counted the first, three the second: with this one it would be three, and the limit lets two through. */
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_submit(&team, 0, transfer(&arena, 10, 2), &arena, &response);
	assert_answer(403, "denied", &response);
	assert_true(says(&response, "forbidden by hourly"));
}

/* What comes from the second keeper to the first under the name of what it has counted. */
struct forgery {
	enum { SPEND_ALTERED, SIGNATURE_ALTERED, BY_OTHER_KEYS, LIST_LEFT_OUT, LIST_TWICE, CUT_SHORT, FORGERIES } kind;
	bool is_armed, is_done;
	struct buffer earlier;
};

static bool
forge(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct forgery *forgery = team->context;
	if (kind != PEER_COUNTED || from != 1 || to != 0)
		return true;
	if (!forgery->is_armed) {
		buffer_reset(&forgery->earlier);
		buffer_append_bytes(&forgery->earlier, buffer_bytes(body));
		return true;
	}
	if (forgery->is_done)
		return true;
	forgery->is_done = true;
	switch (forgery->kind) {
	case SPEND_ALTERED:
		body->data[body->len - 1] ^= 1; /* of the cents */
		return true;
	case SIGNATURE_ALTERED:
		body->data[64] ^= 1;
		return true;
	case BY_OTHER_KEYS: {
		_cleanup_(buffer_free) struct buffer spends = {};
		buffer_append(&spends, body->data + sizeof(struct counted_seal),
			      body->len - sizeof(struct counted_seal));
		seal_as(team, 2, to, buffer_bytes(&spends), body);
		return true;
	}
	case LIST_LEFT_OUT:
		return false;
	case LIST_TWICE:
		buffer_reset(body);
		buffer_append_bytes(body, buffer_bytes(&forgery->earlier));
		return true;
	default:
		body->len = sizeof(struct counted_seal) - 1;
		return true;
	}
}

/* Of each operation a keeper tells the others before it permits: the list that is altered is of the second transfer. */
static void
a_list_that_its_teller_has_not_signed_is_refused_and_names_it(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	for (unsigned kind = 0; kind < FORGERIES; kind++) {
		_cleanup_(team_free) struct team team;
		struct forgery forgery = {.kind = kind};
		struct ipc_response response;
		team_found(&team, 3, 22 + kind);
		team_make_key(&team, "vault", "2-of-3");
		team.on_message = forge;
		team.context = &forgery;
		struct firm_operation asked = transfer(&arena, 10, 0);
		team_submit(&team, 0, asked, &arena, &response);
		assert_signed(&team, 0, &arena, &asked, &response);
		forgery.is_armed = true;
		for (size_t i = 0; i < 2; i++)
			team_cut(&team, 2, i);
		team_submit(&team, 0, transfer(&arena, 10, 1), &arena, &response);
		assert_true(forgery.is_done);
		if (kind == LIST_LEFT_OUT) /* what is missing is seen with the next one */
			team_submit(&team, 0, transfer(&arena, 10, 2), &arena, &response);
		assert_answer(409, "failed", &response);
		assert_true(says(&response, "joint.counted: keeper two has not told what it counted"));
		/* When it tells all again the two sign. */
		team_cut(&team, 0, 1);
		team_connect(&team, 0, 1);
		team_settle(&team);
		asked = transfer(&arena, 10, 3);
		team_submit(&team, 0, asked, &arena, &response);
		assert_signed(&team, 0, &arena, &asked, &response);
		buffer_free(&forgery.earlier);
	}
}

/* Keepers hand operations and votes to each other: whatever else one sends does nothing, to nobody. */
static void
nobody_signs_in_or_enrols_through_another_keeper(void **) {
	static const char body[] =
		"{\"attestation_object\":\"00\",\"client_data\":\"00\",\"rp_id\":\"localhost\",\"token\":"
		"\"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\"}";
	static const uint8_t address[] = {192, 0, 2, 1};
	_cleanup_(team_free) struct team team;
	team_found(&team, 2, 13);
	struct keeper *keeper = team.members[0].house.keeper;
	for (int i = 0; i < 16; i++) {
		struct http_request request = {.method = BYTES_OF_LITERAL("POST"),
					       .target = BYTES_OF_LITERAL("/v1/enrolment"),
					       .body = BYTES_OF_LITERAL(body)};
		_cleanup_(buffer_free) struct buffer forwarded = {};
		struct ipc_request frame = house_frame(&request);
		frame.reported.peer_address = BYTES_OF_ARRAY(address);
		ipc_write_request(&forwarded, &frame);
		assert_ok(buffer_status(&forwarded));
		threshold_message(keeper, &team.members[0].peers[1], PEER_REQUEST, buffer_bytes(&forwarded));
	}
	assert_int_equal(0, keeper->unknown_refused[1].value);
	assert_int_equal(0, throttle_waiting(&keeper->origins, keeper->batch_ms));
}

RUN_TESTS(T(a_transfer_that_people_say_happened_leaves_its_nonce),
	  T(a_nonce_does_not_go_back_to_what_people_say_happened), T(a_key_is_made_by_all_and_known_to_all),
	  T(a_transfer_is_signed_by_two_of_three), T(what_keepers_sign_together_tests_a_destination_on_probation),
	  T(a_keeper_that_says_no_ends_it_and_its_reason_comes_back),
	  T(keepers_with_another_bundle_do_not_sign_together),
	  T(a_failed_check_is_told_to_nobody_and_ends_the_pair_for_good),
	  T(a_signer_that_does_not_see_the_signature_counts_it_all_the_same),
	  T(a_refresh_keeps_the_key_and_renews_all_that_is_behind_it), T(one_dealing_of_a_key_at_a_time),
	  T(a_whole_key_does_not_take_the_name_of_one_that_is_dealt),
	  T(a_key_goes_to_fewer_keepers_and_another_threshold),
	  T(a_recovery_key_gets_the_key_from_what_two_of_three_keepers_gave),
	  T(a_keeper_shows_its_part_of_a_key_and_proves_it), T(each_decides_on_what_all_signers_have_counted),
	  T(what_a_peer_has_counted_counts_at_its_own_time), T(no_preparation_has_the_nonce_of_an_earlier_one),
	  T(a_failed_check_stands_in_the_own_log_with_whom_it_names),
	  T(one_liar_of_three_spends_the_limit_twice_and_no_more), T(one_liar_of_four_spends_nothing_beyond_the_limit),
	  T(a_liar_makes_nothing_smaller_that_others_have_counted),
	  T(a_list_that_its_teller_has_not_signed_is_refused_and_names_it),
	  T(nobody_signs_in_or_enrols_through_another_keeper))
