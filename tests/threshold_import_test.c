/*
 * A key that was whole comes in as parts, each sealed to one of the keepers that share it from then on; and what is no part of it
 * comes in nowhere. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_vault.h"

#include "crypto/random.h"
#include "crypto/sign.h"
#include "gate/import_key.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keys/bip32.h"
#include "keys/threshold/ecdsa/share_testing.h"
#include "keys/threshold/import.h"

static const uint8_t PRIVATE_KEY[32] = {0x42, [30] = 7, [31] = 1};
static const uint8_t CHAIN_CODE[32] = {0x17, [31] = 9};
static const char *const NAMES[] = {"one", "two", "three"};

/* What goes wrong on the way, once. */
enum flaw {
	NO_FLAW,
	OTHER_PART,       /* one part is another number: they do not add up */
	OTHER_KEEPER,     /* two parts change places */
	OTHER_KEY,        /* sealed as parts of another key */
	OTHER_PUBLIC_KEY, /* which they were not sealed for */
	OTHER_COMMITMENT, /* the payload commits to other parts */
	ONE_PART_LESS,
	NO_BASE64,
};

struct asked {
	bool is_extended;
	enum flaw flaw;
};

static void
seal(struct team *team, const struct asked *asked, const uint8_t public_key[33], struct buffer *sealed) {
	uint8_t parts[3][SCALAR_SIZE], one[IMPORT_PART_SIZE], chain_code[32] = {};
	struct randomness randomness = {};
	if (asked->is_extended)
		memcpy(chain_code, CHAIN_CODE, sizeof chain_code);
	assert_ok(ecdsa_split_private_key(PRIVATE_KEY, 3, &randomness, parts));
	parts[1][31] ^= asked->flaw == OTHER_PART;
	for (size_t i = 0; i < 3; i++) {
		size_t whose = asked->flaw == OTHER_KEEPER && i < 2 ? 1 - i : i;
		const struct import_key *key;
		struct import_terms terms = {.instance = BYTES_OF_LITERAL("northwind.example"),
					     .key_id = bytes_of_text(asked->flaw == OTHER_KEY ? "other" : "brought"),
					     .public_key = bytes_of(public_key, 33),
					     .chain_code = BYTES_OF_ARRAY(chain_code),
					     .keeper = bytes_of_text(NAMES[whose])};
		assert_ok(import_key_get(keeper_gate(team->members[whose].house.keeper), &key));
		assert_ok(import_seal_part(&terms, BYTES_OF_ARRAY(key->public_key), parts[i], one));
		if (asked->flaw != ONE_PART_LESS || i < 2)
			buffer_append(sealed, one, sizeof one);
	}
}

static struct firm_operation
import(struct team *team, struct arena *arena, const struct asked *asked, const char *idempotency_key) {
	_cleanup_(buffer_free) struct buffer sealed = {}, base64 = {};
	uint8_t public_key[33], salt[32];
	char public_hex[67], salt_hex[65], commitment[65], chain_hex[65];
	assert_ok(secp256k1_public_key(PRIVATE_KEY, public_key));
	seal(team, asked, public_key, &sealed);
	if (asked->flaw == OTHER_PUBLIC_KEY)
		assert_ok(secp256k1_public_key(CHAIN_CODE, public_key));
	buffer_append_base64(&base64, buffer_bytes(&sealed));
	if (asked->flaw == NO_BASE64)
		base64.data[0] = '!';
	assert_ok(buffer_status(&base64));
	random_bytes(salt, sizeof salt);
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(salt), buffer_bytes(&base64));
	hash.bytes[0] ^= asked->flaw == OTHER_COMMITMENT;
	hex_encode(hash256_bytes(&hash), commitment);
	hex_encode(BYTES_OF_ARRAY(salt), salt_hex);
	hex_encode(BYTES_OF_ARRAY(public_key), public_hex);
	hex_encode(BYTES_OF_ARRAY(CHAIN_CODE), chain_hex);
	const char *chain = asked->is_extended ? arena_format(arena, "\"chain_code\":\"%s\",", chain_hex) : "";
	return (struct firm_operation){
		.by = FIRM_PERSON_4,
		.kind = "key.import",
		.resource = "account:options-hot",
		.idempotency_key = idempotency_key,
		.payload = arena_format(arena,
					"{\"algorithm\":\"secp256k1\",%s\"commitment\":\"%s\",\"id\":\"brought\","
					"\"material\":\"%s\",\"parties\":[\"one\",\"two\",\"three\"],"
					"\"public_key\":\"%s\",\"purpose\":\"transfer\",\"scheme\":\"ecdsa\","
					"\"secret_kind\":\"parts\",\"threshold\":\"2-of-3\"}",
					chain, commitment, asked->is_extended ? "extended" : "single", public_hex),
		.secret = arena_format(arena, "{\"salt\":\"%s\",\"value\":\"%.*s\"}", salt_hex, BYTES_ARGS(base64)),
	};
}

/* Approved by all that must, and then brought again: nobody keeps the parts meanwhile. */
static void
bring(struct team *team, const struct firm_operation *operation, struct arena *arena, struct ipc_response *response) {
	team_do(team, 0, *operation, arena, response);
	if (response->status == 202)
		team_submit(team, 0, *operation, arena, response);
}

static void
the_parts_of_a_whole_key_become_shares_of_it(void **) {
	static const struct asked kinds[] = {{.is_extended = false}, {.is_extended = true}};
	for (size_t kind = 0; kind < ARRAY_LENGTH(kinds); kind++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(secret_free) struct secret whole = {};
		struct ipc_response response;
		uint8_t public_key[33];
		team_found(&team, 3, 51 + kind);
		struct firm_operation asked = import(&team, &arena, &kinds[kind], "brought-1");
		bring(&team, &asked, &arena, &response);
		assert_answer(200, "done", &response);
		assert_ok(secp256k1_public_key(PRIVATE_KEY, public_key));
		const struct ecdsa_share *shares[2] = {};
		for (size_t i = 0; i < 3; i++) {
			const struct shared_key *key =
				shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("brought"));
			const struct key_info *record = gate_state_key(state_of(&team, i), BYTES_OF_LITERAL("brought"));
			assert_non_null(key);
			assert_non_null(key->share);
			assert_memory_equal(public_key, key->sharing.key.public_key, sizeof public_key);
			assert_int_equal(kinds[kind].is_extended, record->material == KEY_MATERIAL_EXTENDED);
			if (kinds[kind].is_extended)
				assert_memory_equal(CHAIN_CODE, key->sharing.key.chain_code, sizeof CHAIN_CODE);
			shares[i % 2] = key->share;
		}
		assert_ok(ecdsa_join_shares(shares, 2, &whole));
		assert_memory_equal(PRIVATE_KEY, whole.data, sizeof PRIVATE_KEY);
		struct firm_operation transfer = house_sign(house_transfer(&arena, 10, 0, 30));
		transfer.resource = "key:brought";
		team_submit(&team, 1, transfer, &arena, &response);
		assert_answer(200, "done", &response);
		/* What nobody may have afterwards: the same parts do not open again, and the key is there once. */
		asked.idempotency_key = "brought-2";
		bring(&team, &asked, &arena, &response);
		assert_int_equal(409, response.status);
		assert_true(says(&response, "key.exists"));
	}
}

static void
what_is_no_part_of_the_key_comes_in_nowhere(void **) {
	static const struct {
		enum flaw flaw;
		const char *error;
	} cases[] = {
		{OTHER_PART, "joint.ended: the session was ended by a party"},
		{OTHER_KEEPER, "import.part"},
		{OTHER_KEY, "import.part"},
		{OTHER_PUBLIC_KEY, "import.part"},
		{OTHER_COMMITMENT, "secret.commitment"},
		{ONE_PART_LESS, "secret.value"},
		{NO_BASE64, "secret.value"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_found(&team, 3, 61);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct asked asked = {.flaw = cases[i].flaw};
		struct firm_operation operation = import(&team, &arena, &asked, arena_format(&arena, "flawed-%zu", i));
		bring(&team, &operation, &arena, &response);
		assert_answer(409, "failed", &response);
		if (!says(&response, cases[i].error))
			fail_msg("expected %s: %.*s", cases[i].error, BYTES_ARGS(response.body));
		for (size_t at = 0; at < 3; at++) {
			_cleanup_(buffer_free) struct buffer row = {};
			assert_null(gate_state_key(state_of(&team, at), BYTES_OF_LITERAL("brought")));
			assert_int_equal(STATUS_NOT_FOUND, secrets_get(state_of(&team, at)->secrets, "share",
								       BYTES_OF_LITERAL("brought/1"), &row));
		}
	}
}

/* The import key is of one process: what was sealed to it is worth nothing after it. */
static void
parts_die_with_the_process_that_they_were_sealed_for(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	const struct import_key *made;
	struct asked plain = {};
	team_found(&team, 3, 71);
	struct firm_operation operation = import(&team, &arena, &plain, "before");
	team_stop(&team, 1);
	team_start(&team, 1);
	team_settle(&team);
	bring(&team, &operation, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "import.no_key"));
	assert_ok(import_key_get(keeper_gate(team.members[1].house.keeper), &made)); /* another one */
	operation.idempotency_key = "after";
	bring(&team, &operation, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "import.part"));
	operation = import(&team, &arena, &plain, "anew");
	bring(&team, &operation, &arena, &response);
	assert_answer(200, "done", &response);
}

static void
what_a_payload_says_of_parts_is_read_strictly(void **) {
	static const struct {
		const char *from, *to, *error;
	} cases[] = {
		{"\"secret_kind\":\"parts\"", "\"secret_kind\":\"private_key\"", "payload.secret_kind"},
		{"\"material\":\"single\"", "\"material\":\"extended\"", "payload.chain_code"},
		{"\"public_key\":\"0", "\"public_key\":\"5", "payload.public_key"},
		{"\"threshold\":\"2-of-3\"", "\"threshold\":\"2-of-4\"", "payload.parties"},
		{"\"one\",\"two\"", "\"one\",\"one\"", "payload.parties"},
	};
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct asked plain = {};
	team_found(&team, 3, 81);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct firm_operation operation = import(&team, &arena, &plain, arena_format(&arena, "strict-%zu", i));
		const char *at = strstr(operation.payload, cases[i].from);
		assert_non_null(at);
		operation.payload = arena_format(&arena, "%.*s%s%s", (int)(at - operation.payload), operation.payload,
						 cases[i].to, at + strlen(cases[i].from));
		bring(&team, &operation, &arena, &response);
		assert_true(response.status >= 400);
		if (!says(&response, cases[i].error))
			fail_msg("expected %s: %.*s", cases[i].error, BYTES_ARGS(response.body));
	}
}

/* Nobody can say by a word that it came in: there would be a key without a record. */
static void
people_cannot_say_that_it_came_in(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct asked plain = {};
	team_found(&team, 3, 85);
	struct firm_operation operation = import(&team, &arena, &plain, "unknown");
	team.on_message = lose_stored;
	bring(&team, &operation, &arena, &response);
	team.on_message = nullptr;
	struct firm_operation resolve = {
		.by = FIRM_PERSON_4,
		.kind = "intent.resolve",
		.payload = "{\"happened\":true}",
		.resource = arena_format(&arena, "operation:%.*s", BYTES_ARGS(response.operation))};
	team_do(&team, 0, resolve, &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "operation.joint"));
	for (size_t i = 0; i < 3; i++) {
		assert_false(team.members[i].has_ended);
		team_stop(&team, i);
		team_start(&team, i);
	}
	team_settle(&team);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("brought")));
}

/* --- A process that is killed. --- */

struct killing {
	uint64_t at, seen; /* frames of the dealing, from when the second keeper deals */
	bool is_done;
};

static bool
kill_second(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct killing *killing = team->context;
	bool is_of_dealing = false;
	for (size_t round = 0; kind == PEER_PROTOCOL && round < DEALING_ROUNDS; round++)
		is_of_dealing = is_of_dealing || body->data[6] == DEALING_MESSAGES[round].type;
	if (killing->is_done || !is_of_dealing || team->members[1].house.keeper->threshold->sessions == nullptr ||
	    killing->seen++ < killing->at)
		return true;
	killing->is_done = true;
	team_stop(team, 1);
	team_start(team, 1);
	return from != 1 && to != 1;
}

/* Its import key is gone with it; the part that it had opened is kept until its share is stored. */
static void
a_key_comes_in_though_a_keeper_is_killed(void **) {
	for (uint64_t at = 0; at < 18; at += team_is_soak() ? 1 : 7) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(secret_free) struct secret whole = {};
		struct ipc_response response;
		struct killing killing = {.at = at};
		const struct ecdsa_share *shares[2];
		team_found(&team, 3, 91 + at);
		struct firm_operation asked =
			import(&team, &arena, &(struct asked){.is_extended = (at & 1) != 0}, "brought-1");
		team.on_message = kill_second;
		team.context = &killing;
		bring(&team, &asked, &arena, &response);
		team_settle(&team);
		team.on_message = nullptr;
		assert_true(killing.is_done);
		assert_answer(200, "done", &response);
		for (size_t i = 0; i < 2; i++)
			shares[i] = shared_keys_find(state_of(&team, i), BYTES_OF_LITERAL("brought"))->share;
		assert_ok(ecdsa_join_shares(shares, 2, &whole));
		assert_memory_equal(PRIVATE_KEY, whole.data, sizeof PRIVATE_KEY);
	}
}

RUN_TESTS(T(a_key_comes_in_though_a_keeper_is_killed), T(the_parts_of_a_whole_key_become_shares_of_it),
	  T(what_is_no_part_of_the_key_comes_in_nowhere), T(parts_die_with_the_process_that_they_were_sealed_for),
	  T(what_a_payload_says_of_parts_is_read_strictly), T(people_cannot_say_that_it_came_in))
