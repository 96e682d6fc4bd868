#include "tests/test.h"

#include "gate/guards.h"

#define CHAIN BYTES_OF_LITERAL("bitcoin:main")

struct fixture {
	struct gate_state *state;
	struct arena arena;
	struct facts facts;
};

static void
put(struct fixture *f, const char *list, enum destination_list_kind kind, const char *entry,
    struct destination_terms terms) {
	struct bytes name = bytes_of_text(list), text = bytes_of_text(entry);
	if (destinations_find(&f->state->destinations, name) == nullptr)
		assert_ok(destinations_create_list(&f->state->destinations, name, kind, 1));
	assert_ok(destinations_add(&f->state->destinations, name, &text, 1, &terms, 1));
}

static void
set_up(struct fixture *f) {
	*f = (struct fixture){};
	assert_ok(gate_state_create(&f->state, BYTES_OF_LITERAL("test"), BYTES_OF_LITERAL("k1"), nullptr, nullptr));
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:listed", (struct destination_terms){});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:also", (struct destination_terms){});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:late", (struct destination_terms){.effective_ms = 900});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:new", (struct destination_terms){.probation_cents = 500});
}

static void
tear_down(struct fixture *f) {
	gate_state_destroy(&f->state);
	arena_free(&f->arena);
}

static const struct guard *
destinations_row(void) {
	for (size_t i = 0; i < guard_count; i++)
		if (strcmp(guards[i].name, "destinations") == 0)
			return &guards[i];
	fail_msg("there is no row \"destinations\"");
	return nullptr;
}

static void
observe(struct fixture *f, const struct wallet_transaction *transaction) {
	struct observation o = {.state = f->state, .arena = &f->arena, .transaction = transaction, .now_ms = 100};
	f->facts = (struct facts){.arena = &f->arena};
	assert_ok(destinations_row()->observe(&o, &f->facts));
}

static bool
boolean(const struct fixture *f, const char *name) {
	const struct fact *fact = facts_find(&f->facts, name);
	assert_non_null(fact);
	return fact->value.boolean;
}

static void
every_destination_counts_for_allowed_and_any_for_some_allowed(void **) {
	static const struct {
		const char *destinations[3];
		bool allowed, some_allowed, waiting, probation;
	} cases[] = {
		{{"listed"}, true, true, false, false},
		{{"listed", "also"}, true, true, false, false},
		{{"listed", "stranger"}, false, true, false, false},
		{{"stranger", "also"}, false, true, false, false},
		{{"stranger"}, false, false, false, false},
		{{"listed", "late"}, false, true, true, false},
		{{"late"}, false, false, true, false},
		{{"listed", "new"}, false, true, false, true},
		{{"new", "stranger"}, false, false, false, false},
		{{"listed", "also", "stranger"}, false, true, false, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct fixture f;
		struct bytes destinations[3];
		struct wallet_transaction transaction = {.chain = CHAIN, .destinations = destinations};
		set_up(&f);
		for (; transaction.destination_count < 3 &&
		       cases[i].destinations[transaction.destination_count] != nullptr;
		     transaction.destination_count++)
			destinations[transaction.destination_count] =
				bytes_of_text(cases[i].destinations[transaction.destination_count]);
		observe(&f, &transaction);
		assert_int_equal(cases[i].allowed, boolean(&f, "destination.allowed"));
		assert_int_equal(cases[i].some_allowed, boolean(&f, "destination.some_allowed"));
		assert_int_equal(cases[i].waiting, boolean(&f, "destination.waiting"));
		assert_int_equal(cases[i].probation, boolean(&f, "destination.probation"));
	}
}

/* --- Sanctions. --- */

#define USDC_CONTRACT "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

static const char TRANSFER_FROM[] = /* of 0x1111…11 to 0x3535…35 */
	"02f88d0180843b9aca008506fc23ac0082ea6094a0b86991c6218b36c1d19d4a2e9eb0ce3606eb4880b86423b872dd"
	"0000000000000000000000001111111111111111111111111111111111111111"
	"0000000000000000000000003535353535353535353535353535353535353535"
	"0000000000000000000000000000000000000000000000000000000000989680c0";
static const char NONCE_AND_TRANSFER[] = /* of the key of 32 bytes of 7 */
	"01000204ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f3d"
	"bd2f69fca93216218dc8997e416bd17d93ca0000000000000000000000000000000000000000000000000000000000000000"
	"06a7d517192c568ee08a845f73d29788cf035c3145b21ab344d8062ea9400000fd1724385aa0c75b64fb78cd602fa1d991fd"
	"ebf76b13c58ed702eac835e9f6180202030103000404000000020200010c020000000100000000000000";

struct named {
	const char *role, *address; /* null: of the signing key, which is not written down here */
};

static const struct {
	enum wallet_format format;
	enum key_algorithm algorithm;
	const char *chain, *transaction;
	struct named parties[8];
	size_t party_count;
} transactions[] = {
	{WALLET_EVM,
	 KEY_SECP256K1,
	 "eip155:1",
	 TRANSFER_FROM,
	 {{"sender", nullptr},
	  {"destination", "0x3535353535353535353535353535353535353535"},
	  {"contract", USDC_CONTRACT},
	  {"token_owner", "0x1111111111111111111111111111111111111111"}},
	 4},
	{WALLET_SOLANA,
	 KEY_ED25519,
	 "solana:main",
	 NONCE_AND_TRANSFER,
	 {{"sender", "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB"},
	  {"destination", "2KW2XRd9kwqet15Aha2oK3tYvd3nWbTFH1MBiRAv1BE1"},
	  {"account", "2KW2XRd9kwqet15Aha2oK3tYvd3nWbTFH1MBiRAv1BE1"},
	  {"account", "11111111111111111111111111111111"},
	  {"account", "SysvarRecentB1ockHashes11111111111111111111"}},
	 5},
};

static struct wallet_transaction *
decode(struct fixture *f, size_t which, struct wallet_key *key, struct wallet_context *context) {
	static const uint8_t solana_key[] = "\xea\x4a\x6c\x63\xe2\x9c\x52\x0a\xbe\xf5\x50\x7b\x13\x2e\xc5\xf9\x95\x47"
					    "\x76\xae\xbe\xbe\x7b\x92\x42\x1e\xea\x69\x14\x46\xd2\x2c";
	const char *hex = transactions[which].transaction;
	size_t before = transactions[which].format == WALLET_SOLANA ? 65 : 0; /* one signature, not there yet */
	struct wallet_transaction *transaction;
	uint8_t *bytes = arena_alloc(&f->arena, before + strlen(hex) / 2);
	assert_non_null(bytes);
	memset(bytes, 0, before);
	bytes[0] = 1;
	assert_ok(hex_decode(bytes_of_text(hex), bytes + before, strlen(hex) / 2));
	*key = (struct wallet_key){.id = BYTES_OF_LITERAL("k"), .algorithm = transactions[which].algorithm};
	memcpy(key->public_key, solana_key, 32);
	*context = (struct wallet_context){.assets = f->state->assets, .now_ms = 100, .key = key};
	assert_ok(wallet_decode(&f->arena, transactions[which].format, bytes_of(bytes, before + strlen(hex) / 2),
				context, &transaction));
	return transaction;
}

static void
every_party_is_held_against_the_lists_of_sanctions(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(transactions); i++)
		for (size_t j = 0; j <= transactions[i].party_count; j++) {
			_cleanup_(tear_down) struct fixture f;
			struct wallet_key key;
			struct wallet_context context;
			const struct wallet_party *parties;
			size_t count;
			set_up(&f);
			assert_ok(asset_registry_add(f.state->assets, BYTES_OF_LITERAL("eip155:1"),
						     BYTES_OF_LITERAL(USDC_CONTRACT), BYTES_OF_LITERAL("USDC"), 6));
			const struct wallet_transaction *transaction = decode(&f, i, &key, &context);
			assert_ok(wallet_parties(transaction, &f.arena, &parties, &count));
			assert_int_equal(transactions[i].party_count, count);
			bool is_nobody = j == count;
			struct bytes address = is_nobody ? BYTES_OF_LITERAL("nobody") : parties[j].address;
			const struct named *named = &transactions[i].parties[j];
			if (!is_nobody && named->address != nullptr)
				assert_bytes(bytes_of_text(named->address), address);
			if (!is_nobody)
				assert_string_equal(named->role, wallet_role_name(parties[j].role));
			put(&f, "bad", DESTINATIONS_SANCTIONED,
			    arena_format(&f.arena, "%s:%.*s", transactions[i].chain, BYTES_ARGS(address)),
			    (struct destination_terms){});
			observe(&f, transaction);
			assert_int_equal(!is_nobody, boolean(&f, "destination.sanctioned"));
			assert_int_equal(is_nobody, facts_find(&f.facts, "destination.sanctioned_as") == nullptr);
			if (!is_nobody)
				assert_bytes(BYTES_OF_LITERAL("bad"),
					     facts_find(&f.facts, "destination.sanctioned_by")->value.string);
		}
}

RUN_TESTS(T(every_destination_counts_for_allowed_and_any_for_some_allowed),
	  T(every_party_is_held_against_the_lists_of_sanctions))
