/*
 * Keys of FROST's schemes through the whole gate of each keeper: made, used by every set of signers, refused, limited, dealt anew, audited,
 * and given to a recovery key. What goes wrong on the way: threshold_frost_faults_test.c.
 */
#include "tests/frost_team.h"

#include "crypto/kem.h"
#include "keeper/threshold_message.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"

/* --- Making. --- */

static void
a_key_is_made_by_all_and_known_to_all(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		struct hash256 first;
		found(&team, 3, &SCHEMES[s], "2-of-3", 1);
		for (unsigned starts = 0; starts < 2; starts++) {
			for (size_t i = 0; i < 3; i++) {
				const struct shared_key *key = key_at(&team, i, &SCHEMES[s]);
				const struct key_info *record =
					gate_state_key(state_of(&team, i), bytes_of_text(SCHEMES[s].key));
				struct hash256 hash;
				assert_non_null(key);
				assert_null(key->share);
				assert_int_equal(i + 1, shared_key_self(key));
				assert_ok(frost_key_share_check(key->frost_share));
				assert_int_equal(SCHEMES[s].sharing, record->sharing);
				assert_ok(sharing_check_record(&key->sharing, record));
				assert_ok(share_audit_public(&key->sharing));
				assert_ok(sharing_hash(&key->sharing, &hash));
				if (i == 0 && starts == 0)
					first = hash;
				assert_true(hash256_equal(&first, &hash));
			}
			for (size_t i = 0; i < 3; i++) {
				team_stop(&team, i);
				team_start(&team, i);
			}
			team_settle(&team);
		}
		assert_int_equal(0, threshold_prepared(team.members[0].house.keeper, bytes_of_text(SCHEMES[s].key)));
	}
}

static void
what_a_scheme_does_not_share_is_refused_by_name(void **) {
	static const struct {
		size_t scheme;
		const char *attributes, *error;
	} cases[] = {
		{0, "\"algorithm\":\"secp256k1\",\"material\":\"single\",\"purpose\":\"transfer\"",
		 "key_record.sharing: scheme ed25519 shares keys of ed25519, not of secp256k1"},
		{1, "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"transfer\"",
		 "key_record.sharing: scheme bip340 shares keys of secp256k1, not of ed25519"},
		{1, "\"algorithm\":\"secp256k1\",\"material\":\"extended\",\"purpose\":\"transfer\"",
		 "key_record.sharing: scheme bip340 shares single keys"},
		{0, "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"digest\"",
		 "key_record.sharing: scheme ed25519 shares keys of purpose transfer"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 2);
	rule(&team, "");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		ask_key(&team, &SCHEMES[cases[i].scheme], cases[i].attributes, "2-of-3", &arena, &response);
		assert_answer(409, "failed", &response);
		if (!says(&response, cases[i].error))
			fail_msg("%.*s", BYTES_ARGS(response.body));
	}
	struct scheme none = SCHEMES[0];
	none.name = "rsa";
	ask_key(&team, &none, "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"transfer\"", "2-of-3",
		&arena, &response);
	assert_int_equal(400, response.status);
	assert_true(says(&response, "payload.scheme"));
}

/* --- Signing. --- */

/* Whoever of them is asked. */
static size_t
sign_with_every_quorum(struct team *team, const struct scheme *scheme, int threshold) {
	uint32_t number = 0;
	size_t subsets = 0;
	for (unsigned subset = 0; subset < 1U << team->count; subset++) {
		if (__builtin_popcount(subset) != threshold)
			continue;
		set_apart(team, subset, true);
		for (size_t i = 0; i < team->count; i++)
			if (subset >> i & 1)
				sign(team, i, scheme, ++number);
		set_apart(team, subset, false);
		subsets++;
	}
	sign(team, 0, scheme, ++number); /* with all there */
	return subsets;
}

static void
every_quorum_signs_what_libraries_accept(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team three, four;
		found(&three, 3, &SCHEMES[s], "2-of-3", 3);
		assert_int_equal(3, sign_with_every_quorum(&three, &SCHEMES[s], 2));
		found(&four, 4, &SCHEMES[s], "3-of-4", 4);
		assert_int_equal(4, sign_with_every_quorum(&four, &SCHEMES[s], 3));
	}
}

static void
a_key_signs_as_its_scheme_says_and_not_otherwise(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	found(&team, 3, &SCHEMES[1], "2-of-3", 5);
	struct firm_operation operation = house_sign(house_transfer(&arena, 10, 0, 30));
	operation.resource = "key:btc-vault";
	team_submit(&team, 0, operation, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.scheme: key \\\"btc-vault\\\" is shared for bip340"));
	/* Nobody takes what is not prepared. */
	struct proposal proposal = {.kind = PROPOSE_PREPARE,
				    .key_id = BYTES_OF_LITERAL("btc-vault"),
				    .epoch = 1,
				    .signer_count = 2,
				    .signers = {1, 2}};
	_cleanup_(buffer_free) struct buffer body = {};
	proposal_write(&body, &proposal);
	threshold_message(team.members[1].house.keeper, &team.members[1].peers[0], PEER_PROPOSE, buffer_bytes(&body));
	team_settle(&team);
	assert_int_equal(0, threshold_prepared(team.members[1].house.keeper, BYTES_OF_LITERAL("btc-vault")));
	sign(&team, 0, &SCHEMES[1], 1);
}

/* One keeper is told something that the others do not hear. */
static void
tell_alone(struct team *team, size_t at, struct firm_operation operation) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	set_apart(team, 0, true);
	team_do(team, at, operation, &arena, &response);
	assert_answer(200, "done", &response);
	set_apart(team, 0, false);
}

static int64_t
spent(struct team *team, size_t at, const struct scheme *scheme) {
	struct gate_state *state = state_of(team, at);
	return limits_sum(state->limits, LIMIT_KEY, bytes_of_text(scheme->key), LIMIT_HOUR, state->now_ms, nullptr, 0);
}

static void
a_keeper_that_says_no_ends_it_and_its_reason_comes_back(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		found(&team, 3, &SCHEMES[s], "2-of-3", 6);
		rule(&team, "@id(\"no_frozen_keys\") forbid (principal, action == Action::\"sign\", resource) when { "
			    "context has key && context.key has state && context.key.state != \"active\" };");
		tell_alone(&team, 1,
			   (struct firm_operation){.by = FIRM_PERSON_4,
						   .kind = "key.freeze",
						   .resource = arena_format(&arena, "key:%s", SCHEMES[s].key),
						   .payload = "{}"});
		team_submit(&team, 0, transfer(&team, &SCHEMES[s], 1, &arena), &arena, &response);
		assert_answer(409, "failed", &response);
		assert_true(says(&response, "no_frozen_keys"));
		assert_true(says(&response, "(keeper two)"));
		struct hash256 id = id_of(&response);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(i == 1 ? OPERATION_DENIED : OPERATION_FAILED, team_state(&team, i, &id));
			assert_int_equal(0, spent(&team, i, &SCHEMES[s]));
		}
		team_stop(&team, 1);
		sign(&team, 0, &SCHEMES[s], 2);
	}
}

/* --- Limits. --- */

static void
each_decides_on_what_all_signers_have_counted(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		found(&team, 3, &SCHEMES[s], "2-of-3", 7);
		team_cut(&team, 0, 2);
		team_cut(&team, 1, 2);
		sign(&team, 0, &SCHEMES[s], 1); /* by one and two */
		int64_t cents = spent(&team, 0, &SCHEMES[s]);
		assert_true(cents > 0);
		team_connect(&team, 1, 2);
		team_connect(&team, 0, 2);
		team_settle(&team);
		rule(&team, arena_format(&arena,
					 "@id(\"hourly\") forbid (principal, action == Action::\"sign\", resource) "
					 "when { context has limits && context.limits has key && "
					 "context.limits.key.hour > %lld };",
					 (long long)(2 * cents + cents / 2)));
		team_cut(&team, 0, 1);
		sign(&team, 2, &SCHEMES[s], 2); /* by one or two, and three, which counts the first now */
		team_connect(&team, 0, 1);
		team_settle(&team);
		for (size_t i = 0; i < 3; i++) {
			team_submit(&team, i, transfer(&team, &SCHEMES[s], (uint32_t)(3 + i), &arena), &arena,
				    &response);
			assert_true(response.status == 409 || response.status == 403);
			assert_true(says(&response, "hourly"));
			assert_true(spent(&team, i, &SCHEMES[s]) <= 2 * cents);
		}
	}
}

/* --- Dealing anew, backup. --- */

static void
shares_are_renewed_and_go_to_fewer_while_the_key_stays(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		const char *resource = arena_format(&arena, "key:%s", SCHEMES[s].key);
		found(&team, 4, &SCHEMES[s], "3-of-4", 11);
		struct sharing before = key_at(&team, 0, &SCHEMES[s])->sharing;
		must_do(&team, (struct firm_operation){.kind = "key.refresh", .resource = resource, .payload = "{}"});
		for (size_t i = 0; i < 4; i++) {
			const struct shared_key *key = key_at(&team, i, &SCHEMES[s]);
			assert_int_equal(2, key->sharing.key.epoch);
			assert_memory_equal(before.key.public_key, key->sharing.key.public_key, POINT_SIZE);
			assert_memory_not_equal(before.key.public_shares[i], key->sharing.key.public_shares[i],
						POINT_SIZE);
			assert_ok(share_audit_public(&key->sharing));
			assert_true(has_row(&team, i, arena_format(&arena, "%s/2", SCHEMES[s].key)));
			assert_false(has_row(&team, i, arena_format(&arena, "%s/1", SCHEMES[s].key)));
		}
		sign(&team, 3, &SCHEMES[s], 1);
		must_do(&team,
			(struct firm_operation){
				.kind = "key.reshare",
				.resource = resource,
				.payload = "{\"parties\":[\"one\",\"three\",\"four\"],\"threshold\":\"2-of-3\"}"});
		const struct key_info *record = gate_state_key(state_of(&team, 0), bytes_of_text(SCHEMES[s].key));
		assert_int_equal(2, record->threshold);
		assert_int_equal(3, record->epoch);
		for (size_t i = 0; i < 4; i++) {
			team_stop(&team, i);
			if (i == 0 || i == 2)
				team_start(&team, i);
		}
		team_settle(&team);
		sign(&team, 2, &SCHEMES[s], 2);
		assert_memory_equal(before.key.public_key, key_at(&team, 2, &SCHEMES[s])->sharing.key.public_key,
				    POINT_SIZE);
	}
}

/* --- A keeper that had no share, and one that lost its own. --- */

/* The key as the keeper knows it is stated to who does not. */
static void
reshare(struct team *team, size_t at, const struct scheme *scheme, const char *parties, const char *threshold,
	struct arena *arena, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer key = {}, sharing = {};
	struct json_writer w;
	json_writer_start(&w, &key);
	key_write(&w, gate_state_key(state_of(team, at), bytes_of_text(scheme->key)));
	assert_ok(json_writer_finish(&w));
	json_writer_start(&w, &sharing);
	sharing_write(&w, &key_at(team, at, scheme)->sharing);
	assert_ok(json_writer_finish(&w));
	team_do(team, at,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.reshare",
					.resource = arena_format(arena, "key:%s", scheme->key),
					.payload = arena_format(arena,
								"{\"key\":%.*s,\"parties\":[%s],\"sharing\":%.*s,"
								"\"threshold\":\"%s\"}",
								BYTES_ARGS(buffer_bytes(&key)), parties,
								BYTES_ARGS(buffer_bytes(&sharing)), threshold)},
		arena, response);
}

static void
assert_dealt(struct team *team, const struct scheme *scheme, const struct sharing *before, unsigned holders) {
	for (size_t restarts = 0; restarts < 2; restarts++)
		for (size_t i = 0; i < team->count; i++) {
			const struct shared_key *key = key_at(team, i, scheme);
			if (!(holders >> i & 1))
				continue;
			assert_non_null(key);
			assert_int_equal(before->key.epoch + 1, key->sharing.key.epoch);
			assert_memory_equal(before->key.public_key, key->sharing.key.public_key, POINT_SIZE);
			assert_int_equal(i + 1, shared_key_self(key));
			assert_ok(frost_key_share_check(key->frost_share));
			assert_ok(share_audit_public(&key->sharing));
			team_stop(team, i);
			team_start(team, i);
		}
	team_settle(team);
}

/* Each two of these, with all others cut off. */
static void
each_two_sign(struct team *team, const struct scheme *scheme, unsigned holders) {
	static uint32_t number = 1000;
	for (unsigned subset = 0; subset < 1U << team->count; subset++) {
		if (__builtin_popcount(subset) != 2 || (subset & holders) != subset)
			continue;
		set_apart(team, subset, true);
		sign(team, (size_t)__builtin_ctz(subset), scheme, ++number);
		sign(team, (size_t)(31 - __builtin_clz(subset)), scheme, ++number);
		set_apart(team, subset, false);
	}
}

static void
a_keeper_comes_in_that_had_no_share_and_signs_with_each_other(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		team_found(&team, 4, 13);
		learn(&team, 0);
		make_key_among(&team, &SCHEMES[s], "\"one\",\"two\",\"three\"", "2-of-3");
		assert_null(key_at(&team, 3, &SCHEMES[s]));
		struct sharing before = key_at(&team, 0, &SCHEMES[s])->sharing;
		reshare(&team, 1, &SCHEMES[s], "\"one\",\"two\",\"four\"", "2-of-3", &arena, &response);
		assert_answer(200, "done", &response);
		assert_dealt(&team, &SCHEMES[s], &before, 0b1011);
		each_two_sign(&team, &SCHEMES[s], 0b1011);
		/* It deals as any other now. */
		before = key_at(&team, 3, &SCHEMES[s])->sharing;
		reshare(&team, 3, &SCHEMES[s], "\"two\",\"four\"", "2-of-2", &arena, &response);
		assert_answer(200, "done", &response);
		assert_dealt(&team, &SCHEMES[s], &before, 0b1010);
		each_two_sign(&team, &SCHEMES[s], 0b1010);
	}
}

/* Of its machine nothing is left; another one is enrolled under its name and party. */
static void
a_keeper_that_lost_all_gets_a_share_again(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		found(&team, 3, &SCHEMES[s], "2-of-3", 14);
		struct sharing before = key_at(&team, 0, &SCHEMES[s])->sharing;
		team_replace(&team, 1, 114);
		assert_null(key_at(&team, 1, &SCHEMES[s]));
		/* The other two go on: it has no say, though it does not know the key. */
		team_submit(&team, 0, transfer(&team, &SCHEMES[s], 1, &arena), &arena, &response);
		assert_signed(&team, 0, &SCHEMES[s], 1, &arena, &response);
		set_apart(&team, 0, true);
		learn(&team, 1);
		set_apart(&team, 0, false);
		reshare(&team, 2, &SCHEMES[s], "\"one\",\"two\",\"three\"", "2-of-3", &arena, &response);
		assert_answer(200, "done", &response);
		assert_dealt(&team, &SCHEMES[s], &before, 0b111);
		each_two_sign(&team, &SCHEMES[s], 0b111);
	}
}

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

static void
check_audit(struct team *team, const struct scheme *scheme, struct arena *arena) {
	uint8_t proof[AUDIT_PROOF_MAX], challenge[32];
	memset(challenge, 0xab, sizeof challenge);
	for (uint8_t i = 0; i < 3; i++) {
		struct ipc_response response;
		const json *document, *text;
		struct sharing sharing;
		struct bytes hex;
		assert_ok(house_get(&team->members[i].house, arena,
				    arena_format(arena,
						 "/v1/keys/%s/sharing?challenge="
						 "abababababababababababababababababababababababababababababababab",
						 scheme->key),
				    &response));
		assert_answer(200, nullptr, &response);
		assert_ok(json_read(arena, arena_copy(arena, response.body), (struct json_limits){}, &document));
		assert_ok(json_need(document, "answer", "sharing", JSON_OBJECT, &text));
		assert_ok(sharing_read(text, &sharing));
		assert_ok(share_audit_public(&sharing));
		assert_ok(json_need_string(document, "answer", "proof", &hex));
		assert_true(hex.len / 2 <= sizeof proof);
		assert_ok(hex_decode(hex, proof, hex.len / 2));
		assert_ok(share_audit_verify(&sharing, i + 1, BYTES_OF_LITERAL(HOUSE_INSTANCE), challenge,
					     bytes_of(proof, hex.len / 2)));
		assert_ok(json_need(document, "answer", "ready", JSON_ARRAY, &text));
		assert_int_equal(2, json_size(text));
	}
}

static void
a_key_is_audited_and_comes_back_from_what_two_of_three_gave(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(secret_free) struct secret recovery = {}, whole = {};
		uint8_t recovery_key[KEM_PUBLIC_SIZE], holders[2];
		char hex[2 * KEM_PUBLIC_SIZE + 1];
		struct ipc_request request;
		struct ipc_response response;
		found(&team, 3, &SCHEMES[s], "2-of-3", 12);
		check_audit(&team, &SCHEMES[s], &arena);
		assert_ok(kem_generate(recovery_key, &recovery));
		hex_encode(BYTES_OF_ARRAY(recovery_key), hex);
		struct firm_operation backup = {.by = FIRM_PERSON_4,
						.kind = "key.backup",
						.resource = arena_format(&arena, "key:%s", SCHEMES[s].key),
						.payload = arena_format(&arena, "{\"recovery_key\":\"%s\"}", hex),
						.idempotency_key = "backup"};
		house_request(&team.members[0].house, &arena, backup, &request);
		team_do(&team, 0, backup, &arena, &response);
		assert_answer(200, "done", &response);
		struct sharing sharing = key_at(&team, 0, &SCHEMES[s])->sharing;
		struct bytes escrows[] = {escrow_at(&team, 1, &request, &arena, &holders[0]),
					  escrow_at(&team, 2, &request, &arena, &holders[1])};
		assert_ok(recovery_join(&sharing, BYTES_OF_LITERAL(HOUSE_INSTANCE), secret_bytes(&recovery), holders,
					escrows, 2, &whole));
		/* The number is that of the key, by another library where there is one. */
		struct frost_scalar number;
		struct frost_element point;
		assert_ok(sharing_suite(&sharing)->scalar_read(whole.data, &number));
		assert_ok(sharing_suite(&sharing)->element_of(&number, &point));
		assert_memory_equal(point.bytes, sharing.key.public_key, sharing_suite(&sharing)->element_size);
	}
}

/* Where nobody needs to vote on it as well. */
static void
keepers_with_another_bundle_deal_no_key_together(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	const char *attributes = "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"transfer\"";
	team_found(&team, 2, 21);
	learn(&team, 0);
	team_cut(&team, 0, 1);
	rule_at(&team, 1, "@id(\"no_digests\") forbid (principal, action == Action::\"digest.sign\", resource);");
	team_connect(&team, 0, 1);
	ask_key(&team, &SCHEMES[0], attributes, "2-of-2", &arena, &response);
	assert_answer(409, "failed", &response);
	if (!says(&response, "joint.bundle") || !says(&response, "has another policy bundle in force"))
		fail_msg("%.*s", BYTES_ARGS(response.body));
	for (size_t i = 0; i < 2; i++)
		assert_null(key_at(&team, i, &SCHEMES[0]));
	rule(&team, "@id(\"no_digests_at_all\") forbid (principal, action == Action::\"digest.sign\", resource);");
	make_key(&team, &SCHEMES[0], "2-of-2");
}

RUN_TESTS(T(keepers_with_another_bundle_deal_no_key_together), T(a_key_is_made_by_all_and_known_to_all),
	  T(what_a_scheme_does_not_share_is_refused_by_name), T(every_quorum_signs_what_libraries_accept),
	  T(a_key_signs_as_its_scheme_says_and_not_otherwise),
	  T(a_keeper_that_says_no_ends_it_and_its_reason_comes_back), T(each_decides_on_what_all_signers_have_counted),
	  T(shares_are_renewed_and_go_to_fewer_while_the_key_stays),
	  T(a_keeper_comes_in_that_had_no_share_and_signs_with_each_other),
	  T(a_keeper_that_lost_all_gets_a_share_again), T(a_key_is_audited_and_comes_back_from_what_two_of_three_gave))
