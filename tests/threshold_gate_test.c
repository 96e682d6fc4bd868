/*
 * Keys that are shared among keepers, through the whole gate of each: made, used, refused, shown and backed up. The keepers are those of
 * tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"
#include "tests/team_log.h"

#include "crypto/kem.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/ecdsa/share_testing.h"
#include "keys/threshold/recovery.h"

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

/* --- A machine that is copied. --- */

struct copying {
	int file;
	size_t sent; /* frames of keeper two since */
	bool is_done;
};

/* The machine of keeper two is copied when it hears who signs: its presignature is in two places from then on. */
static bool
copy_when_proposed(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *) {
	struct copying *copying = team->context;
	if (from == 0 && to == 1 && kind == PEER_PROPOSE && !copying->is_done) {
		assert_ok(io_write_at(team->members[1].house.io, copying->file, 0, "2", 1));
		copying->is_done = true;
	}
	copying->sent += copying->is_done && from == 1 && kind == PEER_PROTOCOL;
	return true;
}

static void
a_presignature_signs_on_the_machine_that_drew_it_alone(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct copying copying = {};
	team_found(&team, 2, 31);
	struct keeper *keeper = team.members[1].house.keeper;
	const struct io *io = team.members[1].house.io;
	assert_ok(io_open(io, arena_format(&arena, "%s/generation", team.members[1].house.data),
			  IO_READ | IO_WRITE | IO_CREATE, &copying.file));
	assert_ok(io_write_at(io, copying.file, 0, "1", 1));
	keeper->config.vm_generation = (struct vm_generation){.is_given = true, .file = copying.file};
	assert_false(vm_generation_has_changed(&keeper->config.vm_generation, io));
	team_make_key(&team, "vault", "2-of-2");
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	team_settle(&team);
	assert_true(threshold_prepared(keeper, BYTES_OF_LITERAL("vault")) > 0);
	team.on_message = copy_when_proposed;
	team.context = &copying;
	team_submit(&team, 0, transfer(&arena, 10, 1), &arena, &response);
	team.on_message = nullptr;
	assert_true(copying.is_done);
	assert_int_equal(0, copying.sent);
	/* The asker's share had left: it does not take the other's word for it that nothing was signed. */
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"joint.generation: "));
	assert_true(log_says(&team, 0, ENTRY_CHECK, "(keeper two)\""));
	assert_int_equal(OPERATION_FAILED, team_state(&team, 1, &id));
	/* With what it draws from now on the new machine signs. */
	team_cut(&team, 0, 1);
	assert_true(vm_generation_has_changed(&keeper->config.vm_generation, io));
	team_connect(&team, 0, 1);
	team_settle(&team);
	asked = transfer(&arena, 10, 2);
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	assert_ok(io_close(io, copying.file));
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
	asked = transfer(&arena, 10, 1);
	asked.idempotency_key = "once";
	team_submit(&team, 0, asked, &arena, &response);
	/* The third might have signed it with the second. */
	assert_answer(202, "unknown", &response);
	assert_true(says(&response, "joint.too_few"));
	assert_int_equal(2 * TRANSFER_CENTS, spent(&team, 0));
	/* It is there again, and hears of it where somebody asks once more: it did nothing either. */
	team_start(&team, 2);
	team_settle(&team);
	team_submit(&team, 0, asked, &arena, &response);
	assert_answer(202, "unknown", &response);
	team_pass_ms(&team, 15'000);
	team_settle(&team);
	team_submit(&team, 0, asked, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0)); /* the first one's */
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

RUN_TESTS(T(a_key_is_made_by_all_and_known_to_all), T(a_transfer_is_signed_by_two_of_three),
	  T(a_presignature_signs_on_the_machine_that_drew_it_alone),
	  T(a_keeper_that_says_no_ends_it_and_its_reason_comes_back),
	  T(what_keepers_sign_together_tests_a_destination_on_probation),
	  T(keepers_with_another_bundle_do_not_sign_together),
	  T(a_recovery_key_gets_the_key_from_what_two_of_three_keepers_gave),
	  T(a_keeper_shows_its_part_of_a_key_and_proves_it), T(nobody_signs_in_or_enrols_through_another_keeper))
