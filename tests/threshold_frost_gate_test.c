/*
 * Keys of FROST's schemes through the whole gate of each keeper: Solana's transfers with Ed25519, Bitcoin's with BIP-340 as Taproot
 * spends. Made, used by every set of signers, refused, disturbed at every field, dealt anew, given to a recovery key, and what is left
 * when a keeper goes in the middle. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team.h"

#include <stdio.h>

#include "crypto/kem.h"
#include "crypto/sign.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "keeper/threshold_message.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/frost/frost_quorum.h"
#include "keys/threshold/recovery.h"
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

static struct gate_state *
state_of(struct team *team, size_t at) {
	return keeper_gate(team->members[at].house.keeper)->state;
}

static const struct shared_key *
key_at(struct team *team, size_t at, const struct scheme *scheme) {
	return shared_keys_find(state_of(team, at), bytes_of_text(scheme->key));
}

static bool
says(const struct ipc_response *response, const char *text) {
	return memmem(response->body.data, response->body.len, text, strlen(text)) != nullptr;
}

static struct hash256
id_of(const struct ipc_response *response) {
	struct hash256 id = {};
	assert_ok(hex_decode(response->operation, id.bytes, sizeof id.bytes));
	return id;
}

static void
must_do(struct team *team, struct firm_operation operation) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	operation.by = operation.by == FIRM_PERSON_1 ? FIRM_PERSON_4 : operation.by;
	operation.reason = "as planned";
	team_do(team, 0, operation, &arena, &response);
	assert_answer(200, "done", &response);
}

/* Whatever is asked is permitted, but for what these forbid. */
static void
rule(struct team *team, const char *forbids) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	assert_ok(firm_activation_alone(
		arena_format(&arena, "@id(\"everything\") permit (principal, action, resource); %s", forbids),
		&payload));
	must_do(team, (struct firm_operation){.kind = "policy.activate",
					      .resource = "system:gatehouse",
					      .payload = (const char *)payload.data});
}

static void
ask_key(struct team *team, const struct scheme *scheme, const char *attributes, const char *threshold,
	struct arena *arena, struct ipc_response *response) {
	static const char *const names[] = {"\"one\",\"two\"", "\"one\",\"two\",\"three\"",
					    "\"one\",\"two\",\"three\",\"four\""};
	team_do(team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4,
			.kind = "key.create",
			.resource = "account:options-hot",
			.payload = arena_format(
				arena, "{%s,\"id\":\"%s\",\"parties\":[%s],\"scheme\":\"%s\",\"threshold\":\"%s\"}",
				attributes, scheme->key, names[team->count - 2], scheme->name, threshold)},
		arena, response);
}

static void
make_key(struct team *team, const struct scheme *scheme, const char *threshold) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	ask_key(team, scheme,
		arena_format(&arena, "\"algorithm\":\"%s\",\"material\":\"single\",\"purpose\":\"transfer\"",
			     scheme->algorithm),
		threshold, &arena, &response);
	assert_answer(200, "done", &response);
}

/* Keepers that permit everything, with a key of the scheme. */
static void
found(struct team *team, size_t count, const struct scheme *scheme, const char *threshold, uint64_t seed) {
	team_found(team, count, seed);
	rule(team, "");
	must_do(team,
		(struct firm_operation){.kind = "asset.add",
					.resource = "system:gatehouse",
					.payload = "{\"chain\":\"solana:main\",\"decimals\":9,\"symbol\":\"SOL\"}"});
	for (size_t i = 0; i < ARRAY_LENGTH(SCHEMES); i++)
		must_do(team, (struct firm_operation){.by = FIRM_PRICES,
						      .kind = "price.set",
						      .resource = SCHEMES[i].asset,
						      .payload = SCHEMES[i].price});
	make_key(team, scheme, threshold);
}

/* --- What is asked for, and whether it is what was signed. --- */

/* An unsigned transaction with one System transfer of 0.5 SOL, as wallets hand it over. */
static void
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
static void
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

static struct bytes
transaction_of(struct team *team, const struct scheme *scheme, uint32_t number, struct arena *arena) {
	size_t at = 0;
	while (!team->members[at].is_open)
		at++;
	const struct key_info *record = gate_state_key(state_of(team, at), bytes_of_text(scheme->key));
	_cleanup_(buffer_free) struct buffer transaction = {};
	struct bytes psbt;
	if (scheme->sharing == KEY_SHARED_ED25519) {
		solana_transaction(record->public_key, number, &transaction);
		return arena_copy(arena, buffer_bytes(&transaction));
	}
	bitcoin_transaction(record->public_key, number, arena, &psbt);
	return psbt;
}

static struct firm_operation
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
static void
check_solana(const struct key_info *record, struct bytes asked, struct bytes made) {
	assert_int_equal(asked.len, made.len);
	assert_int_equal(1, made.data[0]);
	struct bytes message = bytes_of(made.data + 65, made.len - 65);
	assert_true(bytes_equal(message, bytes_of(asked.data + 65, asked.len - 65)));
	assert_ok(ed25519_verify(record->public_key, message, made.data + 1));
}

static void
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

static void
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

static void
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
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "payload.scheme"));
}

/* --- Checks of the protocols. --- */

/* One byte of what one keeper says to another in one round, changed once. */
struct corruption {
	size_t from, to, at; /* from the beginning of the fields */
	uint8_t type;
	bool is_done;
};

static bool
corrupt(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct corruption *corruption = team->context;
	if (corruption->is_done || from != corruption->from || to != corruption->to || kind != PEER_PROTOCOL ||
	    body->data[6] != corruption->type)
		return true;
	assert_true(MESSAGE_HEADER_SIZE + corruption->at < body->len);
	body->data[MESSAGE_HEADER_SIZE + corruption->at] ^= 1;
	corruption->is_done = true;
	return true;
}

/* What the newest outcome in a keeper's own log names: the party, 0 for nobody; -1: it was no check. */
static int64_t
named_at(struct team *team, size_t at) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct ledger *ledger = team->members[at].house.keeper->ledger;
	struct ledger_head head;
	struct ledger_record record;
	const json *entry, *body, *names;
	int64_t party = 0;
	ledger_durable_head(ledger, &head);
	for (uint64_t index = head.head.size; index-- > 0;) {
		buffer_reset(&bytes);
		assert_ok(ledger_read(ledger, index, &bytes, &record));
		assert_ok(json_read(&arena, record.leaf, (struct json_limits){}, &entry));
		struct bytes type;
		assert_ok(json_need_string(entry, "entry", "type", &type));
		if (!bytes_equal_text(type, "outcome"))
			continue;
		assert_ok(json_need(entry, "entry", "body", JSON_OBJECT, &body));
		names = json_get(body, "names");
		if (names == nullptr)
			return -1;
		if (json_get(names, "party") != nullptr)
			assert_ok(json_need_integer(names, "names", "party", &party));
		return party;
	}
	return -1;
}

static bool
has_row(struct team *team, size_t at, const char *name) {
	_cleanup_(buffer_free) struct buffer row = {};
	return secrets_get(state_of(team, at)->secrets, "share", bytes_of_text(name), &row) == OK;
}

/* Every field of every message of a dealing, in both directions: there is no key afterwards, nor a share of one; and then it is made. */
static void
a_changed_field_of_a_dealing_leaves_no_key_anywhere(void **) {
	size_t changes = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		size_t e = SCHEMES[s].sharing == KEY_SHARED_ED25519 ? 32 : 33;
		const struct {
			uint8_t type;
			size_t at[2];
		} fields[] = {
			{9, {0, 31}},                     /* commitment */
			{10, {0, 31}},                    /* echo */
			{10, {32, 63}},                   /* salt */
			{10, {64, 63 + 2 * e}},           /* coefficients */
			{10, {64 + 2 * e, 95 + 3 * e}},   /* proof */
			{10, {96 + 3 * e, 127 + 3 * e}},  /* chain */
			{10, {128 + 3 * e, 159 + 3 * e}}, /* share */
			{11, {0, 31}},                    /* transcript */
		};
		const char *attributes =
			SCHEMES[s].sharing == KEY_SHARED_ED25519
				? "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"transfer\""
				: "\"algorithm\":\"secp256k1\",\"material\":\"single\",\"purpose\":\"transfer\"";
		team_found(&team, 2, 14);
		rule(&team, "");
		team.on_message = corrupt;
		for (size_t f = 0; f < ARRAY_LENGTH(fields); f++)
			for (size_t k = 0; k < 4; k++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response;
				struct corruption corruption = {.from = k % 2,
								.to = 1 - k % 2,
								.at = fields[f].at[k / 2],
								.type = fields[f].type};
				team.context = &corruption;
				ask_key(&team, &SCHEMES[s], attributes, "2-of-2", &arena, &response);
				assert_true(corruption.is_done);
				assert_answer(409, "failed", &response);
				assert_true(says(&response, "joint.ended"));
				int64_t party = named_at(&team, corruption.to);
				assert_true(party == 0 || party == (int64_t)corruption.from + 1);
				for (size_t i = 0; i < 2; i++) {
					assert_null(key_at(&team, i, &SCHEMES[s]));
					assert_null(gate_state_key(state_of(&team, i), bytes_of_text(SCHEMES[s].key)));
					assert_false(has_row(&team, i, arena_format(&arena, "%s/1", SCHEMES[s].key)));
				}
				changes++;
			}
		team.on_message = nullptr;
		make_key(&team, &SCHEMES[s], "2-of-2");
	}
	assert_int_equal(64, changes);
}

/* --- Signing. --- */

/* Cut off, and there again. */
static void
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

/* --- What is changed on its way. --- */

/* Every field of every message, in both directions. Whom it reaches ends it, and names nobody but the one that changed something; what
 * is told outside is always the same. Nothing is signed but by whoever got its part unchanged, and that is what was asked for. */
static void
a_changed_field_ends_it_and_names_nobody_else(void **) {
	static const struct {
		size_t at[3];
		size_t round;
		/* Of what is no point, or no share, the sender is named; what others cannot have seen names nobody. */
		bool never_names;
	} fields[2][4] = {
		{{{0, 16, 31}, 0, false}, {{32, 48, 63}, 0, false}, {{0, 16, 31}, 1, true}, {{32, 48, 63}, 1, false}},
		{{{0, 16, 32}, 0, false}, {{33, 49, 65}, 0, false}, {{0, 16, 31}, 1, true}, {{32, 48, 63}, 1, false}},
	};
	size_t changes = 0, named = 0, signatures = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		uint32_t number = 0;
		found(&team, 2, &SCHEMES[s], "2-of-2", 8);
		team.on_message = corrupt;
		for (size_t f = 0; f < ARRAY_LENGTH(fields[s]); f++)
			for (size_t k = 0; k < 6; k++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response;
				struct corruption corruption = {.from = k % 2,
								.to = 1 - k % 2,
								.at = fields[s][f].at[k / 2],
								.type = FROST_QUORUM_MESSAGES[fields[s][f].round].type};
				team.context = &corruption;
				team_submit(&team, 0, transfer(&team, &SCHEMES[s], ++number, &arena), &arena,
					    &response);
				assert_true(corruption.is_done);
				struct hash256 id = id_of(&response);
				assert_int_equal(OPERATION_FAILED, team_state(&team, corruption.to, &id));
				if (fields[s][f].round == 1 && corruption.to == 1) {
					/* The one that was asked has all that it takes. */
					assert_signed(&team, 0, &SCHEMES[s], number, &arena, &response);
					signatures++;
				} else {
					assert_answer(409, "failed", &response);
					assert_true(says(&response, "joint.ended: the session was ended by a party"));
					assert_false(says(&response, "frost"));
					assert_false(says(&response, "signature"));
				}
				int64_t party = named_at(&team, corruption.to);
				if (party != 0 && party != (int64_t)corruption.from + 1)
					fail_msg("scheme %zu, field %zu: keeper %zu names %lld", s, f, corruption.to,
						 (long long)party);
				assert_true(party == 0 || !fields[s][f].never_names);
				if (f == 3) /* a wrong share is found out */
					assert_int_equal(corruption.from + 1, party);
				named += party != 0;
				changes++;
			}
		/* The key is as it was: nothing between the two was lost. */
		team.on_message = nullptr;
		sign(&team, 1, &SCHEMES[s], ++number);
	}
	print_message("%zu changes, %zu of them name the one that made them\n", changes, named);
	assert_int_equal(48, changes);
	assert_int_equal(12, signatures);
}

/* A share that has left is not made a second time: the same frames again, later, do nothing. */
struct recording {
	struct buffer bodies[16];
	size_t count;
};

static bool
record(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	struct recording *recording = team->context;
	if (to == 1 && (kind == PEER_PROTOCOL || kind == PEER_PROPOSE) && recording->count < 16)
		buffer_append_bytes(&recording->bodies[recording->count++], buffer_bytes(body));
	return true;
}

static void
frames_that_come_again_sign_nothing(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		struct recording recording = {};
		found(&team, 2, &SCHEMES[s], "2-of-2", 9);
		team.on_message = record;
		team.context = &recording;
		sign(&team, 0, &SCHEMES[s], 1);
		team.on_message = nullptr;
		assert_true(recording.count >= 3);
		for (unsigned starts = 0; starts < 2; starts++) {
			uint64_t before = team.messages;
			for (size_t i = 0; i < recording.count; i++)
				threshold_message(team.members[1].house.keeper, &team.members[1].peers[0],
						  recording.bodies[i].data[0] == 'G' ? PEER_PROTOCOL : PEER_PROPOSE,
						  buffer_bytes(&recording.bodies[i]));
			team_settle(&team);
			assert_int_equal(before, team.messages); /* not a word */
			team_stop(&team, 1);
			team_start(&team, 1);
			team_settle(&team);
		}
		for (size_t i = 0; i < recording.count; i++)
			buffer_free(&recording.bodies[i]);
		sign(&team, 0, &SCHEMES[s], 2);
	}
}

/* The machine of keeper two is copied after its nonces were drawn, before it has made its share. */
static bool
copy_machine(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	const int *file = team->context;
	if (from == 0 && to == 1 && kind == PEER_PROTOCOL && body->data[6] == FROST_QUORUM_MESSAGES[0].type)
		assert_ok(io_write_at(team->members[1].house.io, *file, 0, "2", 1));
	return true;
}

static void
nonces_sign_on_the_machine_that_drew_them_alone(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		int file;
		found(&team, 2, &SCHEMES[s], "2-of-2", 13);
		const struct io *io = team.members[1].house.io;
		assert_ok(io_open(io, arena_format(&arena, "%s/generation", team.members[1].house.data),
				  IO_READ | IO_WRITE | IO_CREATE, &file));
		assert_ok(io_write_at(io, file, 0, "1", 1));
		team.members[1].house.keeper->config.vm_generation =
			(struct vm_generation){.is_given = true, .file = file};
		sign(&team, 0, &SCHEMES[s], 1);
		team.on_message = copy_machine;
		team.context = &file;
		team_submit(&team, 0, transfer(&team, &SCHEMES[s], 2, &arena), &arena, &response);
		team.on_message = nullptr;
		assert_answer(409, "failed", &response);
		assert_true(says(&response, "joint.generation"));
		assert_true(says(&response, "(keeper two)"));
		/* With nonces of its own the new machine signs. */
		sign(&team, 0, &SCHEMES[s], 3);
		assert_ok(io_close(io, file));
	}
}

/* --- A keeper that goes. --- */

/* Takes the power from one before a message. */
struct fall {
	size_t victim;
	uint64_t at, seen; /* messages of the protocol */
};

static bool
let_fall(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *) {
	struct fall *fall = team->context;
	if (kind != PEER_PROTOCOL && kind != PEER_PROPOSE && kind != PEER_ANSWER)
		return true;
	if (fall->seen++ == fall->at)
		team_stop(team, fall->victim);
	return team->members[fall->victim].is_open;
}

/* At every message, each of two: what was not signed is not signed later, and the next one is. */
static void
a_keeper_that_goes_in_the_middle_leaves_nothing_half_signed(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		uint32_t number = 0;
		size_t falls = 0;
		found(&team, 3, &SCHEMES[s], "2-of-3", 10);
		for (size_t victim = 0; victim < 2; victim++)
			for (uint64_t at = 0;; at++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response = {};
				struct fall fall = {.victim = victim, .at = at};
				set_apart(&team, 3, true);
				team.on_message = let_fall;
				team.context = &fall;
				struct firm_operation asked = transfer(&team, &SCHEMES[s], ++number, &arena);
				if (victim == 0)
					asked.idempotency_key = arena_format(&arena, "fall-%u", number);
				team_submit(&team, victim == 0 ? 1 : 0, asked, &arena, &response);
				team.on_message = nullptr;
				bool fell = !team.members[victim].is_open;
				if (fell) {
					team_start(&team, victim);
					falls++;
				} else
					assert_signed(&team, victim == 0 ? 1 : 0, &SCHEMES[s], number, &arena,
						      &response);
				set_apart(&team, 3, false);
				team_settle(&team);
				if (!fell)
					break;
				sign(&team, victim, &SCHEMES[s], ++number);
			}
		print_message("%s: %zu falls\n", SCHEMES[s].name, falls);
		assert_true(falls >= 8);
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

RUN_TESTS(T(a_key_is_made_by_all_and_known_to_all), T(what_a_scheme_does_not_share_is_refused_by_name),
	  T(a_changed_field_of_a_dealing_leaves_no_key_anywhere), T(every_quorum_signs_what_libraries_accept),
	  T(a_key_signs_as_its_scheme_says_and_not_otherwise),
	  T(a_keeper_that_says_no_ends_it_and_its_reason_comes_back), T(each_decides_on_what_all_signers_have_counted),
	  T(a_changed_field_ends_it_and_names_nobody_else), T(frames_that_come_again_sign_nothing),
	  T(nonces_sign_on_the_machine_that_drew_them_alone),
	  T(a_keeper_that_goes_in_the_middle_leaves_nothing_half_signed),
	  T(shares_are_renewed_and_go_to_fewer_while_the_key_stays),
	  T(a_key_is_audited_and_comes_back_from_what_two_of_three_gave))
