#include "tests/test.h"

#include "tests/house.h"
#include "tests/psbt_fixture.h"

/* The firm with a bundle that permits everything: what refuses is not a policy. */
static void
start(struct house *house, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	assert_ok(firm_activation_alone("permit (principal, action, resource);", &payload));
	house_found(house, nullptr);
	assert_ok(house_open(house));
	assert_ok(house_submit(house, arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "policy.activate",
						       .resource = "system:gatehouse",
						       .payload = (const char *)payload.data,
						       .reason = "a test network"},
			       &response));
	struct bytes operation = house_text(arena, &response, "operation");
	for (enum firm_member by = FIRM_PERSON_2; response.status == 202 && by <= FIRM_PERSON_5; by++)
		if (by != FIRM_PERSON_4)
			assert_ok(house_vote(house, arena, operation, by, "approve", &response));
	assert_answer(200, "done", &response);
}

static void
create_key(struct house *house, struct arena *arena, const char *id, const char *attributes,
	   struct ipc_response *response) {
	assert_ok(house_submit(
		house, arena,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.create",
					.resource = "account:options-hot",
					.payload = arena_format(arena,
								"{\"algorithm\":\"secp256k1\",%s\"id\":\"%s\","
								"\"material\":\"single\",\"purpose\":\"transfer\"}",
								attributes, id)},
		response));
}

/* A PSBT that pays 0.0006 to 0x0102…, with the rest to fees. */
static struct bytes
psbt_of(struct house *house, struct arena *arena, const char *key_id) {
	static const uint8_t PAYEE[22] = {0x00, 0x14, 1, 2};
	struct psbt_fixture_coin coin = {.template = BITCOIN_P2WPKH, .sats = 61'000, .without_derivation = true};
	struct psbt_payment output = {.sats = 60'000, .script = BYTES_OF_ARRAY(PAYEE)};
	struct psbt_fixture fixture = {.coins = &coin,
				       .coin_count = 1,
				       .outputs = &output,
				       .output_count = 1,
				       .sequence = BITCOIN_SEQUENCE_FINAL};
	struct ipc_response response;
	struct bytes psbt;
	assert_ok(house_get(house, arena, arena_format(arena, "/v1/keys/%s", key_id), &response));
	assert_answer(200, nullptr, &response);
	assert_ok(hex_decode(house_text(arena, &response, "public_key"), coin.public_key, sizeof coin.public_key));
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	return psbt;
}

static void
sign(struct house *house, struct arena *arena, const char *key_id, const char *stated, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer payload = {};
	buffer_append_format(&payload, "{%s\"format\":\"psbt\",\"transaction\":\"", stated);
	buffer_append_base64(&payload, psbt_of(house, arena, key_id));
	buffer_append_text(&payload, "\"}");
	buffer_append_byte(&payload, 0);
	assert_ok(buffer_status(&payload));
	assert_ok(house_submit(house, arena,
			       (struct firm_operation){.by = FIRM_SETTLEMENT,
						       .kind = "sign",
						       .resource = arena_format(arena, "key:%s", key_id),
						       .payload = (const char *)payload.data},
			       response));
}

static bool
says(const struct ipc_response *response, const char *text) {
	return memmem(response->body.data, response->body.len, text, strlen(text)) != nullptr;
}

static void
a_key_of_a_test_network_signs_for_it_and_the_record_says_so(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	start(&house, &arena);
	create_key(&house, &arena, "btc-test", "\"chain\":\"bitcoin:regtest\",", &response);
	assert_answer(200, "done", &response);
	sign(&house, &arena, "btc-test", "\"chain\":\"bitcoin:regtest\",", &response);
	assert_answer(200, "done", &response);
	struct bytes operation = house_text(&arena, &response, "operation");
	assert_ok(house_get(&house, &arena,
			    arena_format(&arena, "/v1/operations/%.*s/explanation", BYTES_ARGS(operation)), &response));
	assert_answer(200, nullptr, &response);
	assert_true(says(&response, "\"transfer.chain\":{\"origin\":\"verified\",\"value\":\"bitcoin:regtest\"}"));
	assert_true(says(&response, "bcrt1q"));
	/* A restart reads the key's chain from the log. */
	house_close(&house);
	assert_ok(house_open(&house));
	assert_ok(house_get(&house, &arena, "/v1/keys/btc-test", &response));
	assert_true(says(&response, "\"chain\":\"bitcoin:regtest\""));
}

static void
a_stated_chain_that_is_not_the_key_s_is_refused(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	start(&house, &arena);
	create_key(&house, &arena, "btc-main", "", &response);
	assert_answer(200, "done", &response);
	create_key(&house, &arena, "btc-signet", "\"chain\":\"bitcoin:signet\",", &response);
	assert_answer(200, "done", &response);
	static const struct {
		const char *key, *stated, *problem;
	} cases[] = {
		{"btc-main", "\"chain\":\"bitcoin:regtest\",", "payload.chain"},
		{"btc-signet", "\"chain\":\"bitcoin:test\",", "payload.chain"},
		{"btc-signet", "\"chain\":\"bitcoin:main\",", "payload.chain"},
		{"btc-signet", "\"chain\":7,", "payload.chain"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		sign(&house, &arena, cases[i].key, cases[i].stated, &response);
		assert_true(response.status >= 400);
		assert_bytes(bytes_of_text(cases[i].problem), house_problem(&arena, &response));
	}
	sign(&house, &arena, "btc-main", "", &response);
	assert_answer(200, "done", &response);
	struct firm_operation ethereum = house_sign(house_transfer(&arena, 1, 0, 30));
	ethereum.resource = "key:btc-signet";
	assert_ok(house_submit(&house, &arena, ethereum, &response));
	assert_bytes(BYTES_OF_LITERAL("evm.chain"), house_problem(&arena, &response));
}

static void
a_chain_that_no_wallet_knows_makes_no_key(void **) {
	static const char *const chains[] = {
		"\"chain\":\"bitcoin:mainnet\",", "\"chain\":\"dogecoin:main\",", "\"chain\":\"eip155:01\",",
		"\"chain\":\"bitcoin\",",         "\"chain\":\"Bitcoin:main\",",
	};
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	start(&house, &arena);
	for (size_t i = 0; i < ARRAY_LENGTH(chains); i++) {
		struct ipc_response response;
		create_key(&house, &arena, "k", chains[i], &response);
		assert_answer(400, nullptr, &response);
		assert_bytes(BYTES_OF_LITERAL("payload.chain"), house_problem(&arena, &response));
		assert_ok(house_get(&house, &arena, "/v1/keys/k", &response));
		assert_answer(404, nullptr, &response);
	}
}

RUN_TESTS(T(a_key_of_a_test_network_signs_for_it_and_the_record_says_so),
	  T(a_stated_chain_that_is_not_the_key_s_is_refused), T(a_chain_that_no_wallet_knows_makes_no_key))
