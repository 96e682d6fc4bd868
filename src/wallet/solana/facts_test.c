#include "tests/test.h"

#include "crypto/sign.h"
#include "wallet/wallet.h"

/* Messages that @solana/web3.js and @solana/spl-token made, paid by the key of 32 bytes of 7; a transaction is 0x01 and 64 zeros before
 * one of these. */
static const char SOL[] = /* 1.5 SOL to OWNER */
	"01000103ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f3d"
	"bd2f69fca93216218dc8997e416bd17d93ca0000000000000000000000000000000000000000000000000000000000000000"
	"fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f61801020200010c02000000002f685900000000";
static const char USDC[] = /* 100,000 units at 1,000; the account of OWNER created; 12.5 of MINT to it */
	"01000609ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c67302e491894d7492ea6be4f914e"
	"a4f45fa142e645867c9164a276d5dd76f076e0e377885138ca9daac3f6ac5fc73e9f754d58989cd44e28dad5ee3d3c871814"
	"00000000000000000000000000000000000000000000000000000000000000001398f62c6d1a457c51ba6a4b5f3dbd2f69fc"
	"a93216218dc8997e416bd17d93ca8c97258f4e2489f1bb3d1029148e0d830b5a1399daff1084048e7bd8dbe9f8590306466f"
	"e5211732ffecadba72c39be7bc8ce5bbc5f7126b2c439b3a40000000c6fa7af3bedbad3a3d65f36aabc97431b1bbe4c2d2f6"
	"e0e47ca60203452f5d6106ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9fd1724385aa0c75b"
	"64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f6180406000502a086010006000903e8030000000000000506000204"
	"07030801010804010702000a0c20bcbe000000000006";
static const char USDC_BARE[] = /* the same transfer, and nothing else */
	"01000205ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c67302e491894d7492ea6be4f914e"
	"a4f45fa142e645867c9164a276d5dd76f076e0e377885138ca9daac3f6ac5fc73e9f754d58989cd44e28dad5ee3d3c871814"
	"c6fa7af3bedbad3a3d65f36aabc97431b1bbe4c2d2f6e0e47ca60203452f5d6106ddf6e1d765a193d9cbe146ceeb79ac1cb4"
	"85ed5f5b37913a8cf5857eff00a9fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f61801040401"
	"0302000a0c20bcbe000000000006";
static const char NONCE[] = /* a durable nonce advanced; 1 lamport to OWNER */
	"01000204ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f3d"
	"bd2f69fca93216218dc8997e416bd17d93ca0000000000000000000000000000000000000000000000000000000000000000"
	"06a7d517192c568ee08a845f73d29788cf035c3145b21ab344d8062ea9400000fd1724385aa0c75b64fb78cd602fa1d991fd"
	"ebf76b13c58ed702eac835e9f6180202030103000404000000020200010c020000000100000000000000";
static const char BOTH[] = /* 1 lamport and 12.5 of MINT */
	"01000307ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f3d"
	"bd2f69fca93216218dc8997e416bd17d93ca67302e491894d7492ea6be4f914ea4f45fa142e645867c9164a276d5dd76f076"
	"e0e377885138ca9daac3f6ac5fc73e9f754d58989cd44e28dad5ee3d3c871814000000000000000000000000000000000000"
	"0000000000000000000000000000c6fa7af3bedbad3a3d65f36aabc97431b1bbe4c2d2f6e0e47ca60203452f5d6106ddf6e1"
	"d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13"
	"c58ed702eac835e9f61802040200010c0200000001000000000000000604020503000a0c20bcbe000000000006";
static const char TABLE
	[] = /* version 0: 1.5 SOL to OWNER, and an address lookup table that no instruction takes an account from */
	"8001000103ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f"
	"3dbd2f69fca93216218dc8997e416bd17d93ca00000000000000000000000000000000000000000000000000000000000000"
	"00fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f61801020200010c02000000002f6859000000"
	"000166be7e332c7a453332bd9d0a7f7db055f5c5ef1a06ada66d98b39fb6810c473a010000";
static const char LATE[] = /* 1.5 SOL to OWNER, and a nonce advanced after it */
	"01000205ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c1398f62c6d1a457c51ba6a4b5f3d"
	"bd2f69fca93216218dc8997e416bd17d93ca43a72e714401762df66b68c26dfbdf2682aaec9f2474eca4613e424a0fbafd3c"
	"000000000000000000000000000000000000000000000000000000000000000006a7d517192c568ee08a845f73d29788cf03"
	"5c3145b21ab344d8062ea9400000fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f61802030200"
	"010c02000000002f68590000000003030204000404000000";
static const char WRONG[] = /* an account created for OWNER and MINT that is not theirs, and 12.5 of MINT to it */
	"01000508ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c43a72e714401762df66b68c26dfb"
	"df2682aaec9f2474eca4613e424a0fbafd3c67302e491894d7492ea6be4f914ea4f45fa142e645867c9164a276d5dd76f076"
	"00000000000000000000000000000000000000000000000000000000000000001398f62c6d1a457c51ba6a4b5f3dbd2f69fc"
	"a93216218dc8997e416bd17d93ca8c97258f4e2489f1bb3d1029148e0d830b5a1399daff1084048e7bd8dbe9f859c6fa7af3"
	"bedbad3a3d65f36aabc97431b1bbe4c2d2f6e0e47ca60203452f5d6106ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b"
	"37913a8cf5857eff00a9fd1724385aa0c75b64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f6180205060001040603"
	"07000704020601000a0c20bcbe000000000006";
static const char OTHER[] = /* OWNER's account for another mint created, and 12.5 of MINT to it */
	"01000609ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c67302e491894d7492ea6be4f914e"
	"a4f45fa142e645867c9164a276d5dd76f0769a501d29b8d305278fe22494fe1f8d1a0950ec5b9e0105b73c43fee7271bb046"
	"00000000000000000000000000000000000000000000000000000000000000001398f62c6d1a457c51ba6a4b5f3dbd2f69fc"
	"a93216218dc8997e416bd17d93ca8c97258f4e2489f1bb3d1029148e0d830b5a1399daff1084048e7bd8dbe9f859c6fa7af3"
	"bedbad3a3d65f36aabc97431b1bbe4c2d2f6e0e47ca60203452f5d61ce010e60afedb22717bd63192f54145a3f965a33bb82"
	"d2c7029eb2ce1e20826406ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9fd1724385aa0c75b"
	"64fb78cd602fa1d991fdebf76b13c58ed702eac835e9f618020506000204070308000804010602000a0c20bcbe0000000000"
	"06";

static const char PAYER[] = "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB";
static const char OWNER[] = "2KW2XRd9kwqet15Aha2oK3tYvd3nWbTFH1MBiRAv1BE1";
static const char ACCOUNT[] = "G8sVqaVs7nUeXfK48nwmaWocw1T9sVGbqUFYYbX63S1q"; /* OWNER's, for MINT */
static const char NOT_DERIVED[] = "5Z6Ay5NEcbg3xhopc522sBCRXQujkTiuDRnHGfQdcnSf";
static const char OTHER_MINTS[] = "BPNe3HYFQYiLb6K7Xc6GgU1N3tvmmzzNHMnKyfGwpxz9"; /* OWNER's, for another mint */
static const char LOOKUP_TABLE[] = "7v54NWdBtkjuAFJrLGsS2SXnuk8nKam81mZJeeYxVFi9";
static const char MINT[] = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
static const char MINT_ID[] = "solana:main/EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
constexpr int64_t NOW_MS = 1'000'000'000;
constexpr uint64_t DOLLAR = 100'000'000; /* micro-cents */

struct fixture {
	struct arena arena;
	struct asset_registry *assets;
	uint8_t seed[32];
	struct wallet_key key;
	struct wallet_context context;
};

/* What is registered from now on. mint_decimals 0: not the mint. */
static void
register_assets(struct fixture *f, unsigned mint_decimals) {
	const struct bytes chain = BYTES_OF_LITERAL("solana:main");
	asset_registry_destroy(&f->assets);
	assert_ok(asset_registry_create(&f->assets));
	assert_ok(asset_registry_add(f->assets, chain, (struct bytes){}, BYTES_OF_LITERAL("SOL"), 9));
	assert_ok(asset_registry_set_price(f->assets, BYTES_OF_LITERAL("solana:main/native"), 200 * DOLLAR, NOW_MS));
	f->context.assets = f->assets;
	if (mint_decimals == 0)
		return;
	assert_ok(asset_registry_add(f->assets, chain, bytes_of_text(MINT), BYTES_OF_LITERAL("USDC"), mint_decimals));
	assert_ok(asset_registry_set_price(f->assets, bytes_of_text(MINT_ID), DOLLAR, NOW_MS));
}

static int
set_up(void **state) {
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	memset(f->seed, 7, sizeof f->seed);
	f->key = (struct wallet_key){.id = BYTES_OF_LITERAL("sol-1"), .algorithm = KEY_ED25519};
	assert_ok(ed25519_public_key(f->seed, f->key.public_key));
	f->context = (struct wallet_context){.now_ms = NOW_MS, .price_age_max_ms = 1000, .key = &f->key};
	register_assets(f, 6);
	*state = f;
	return 0;
}

static int
tear_down(void **state) {
	struct fixture *f = *state;
	asset_registry_destroy(&f->assets);
	arena_free(&f->arena);
	free(f);
	return 0;
}

static struct bytes
transaction_of(struct fixture *f, const char *message) {
	size_t len = strlen(message) / 2;
	uint8_t *bytes = arena_alloc(&f->arena, 65 + len);
	assert_non_null(bytes);
	bytes[0] = 1;
	assert_ok(hex_decode(bytes_of_text(message), bytes + 65, len));
	return bytes_of(bytes, 65 + len);
}

static struct wallet_transaction *
decoded(struct fixture *f, const char *message) {
	struct wallet_transaction *transaction;
	assert_ok(wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, message), &f->context, &transaction));
	return transaction;
}

static const struct facts *
facts_of(struct fixture *f, const char *message) {
	struct facts *facts = ARENA_NEW(&f->arena, struct facts);
	assert_non_null(facts);
	facts_start(facts, &f->arena);
	assert_ok(wallet_facts(decoded(f, message), facts));
	return facts;
}

static const struct value *
fact(const struct facts *facts, const char *name) {
	const struct fact *found = facts_find(facts, name);
	if (found == nullptr)
		fail_msg("%s is absent", name);
	return &found->value;
}

static void
assert_text(const struct facts *facts, const char *name, const char *expected) {
	if (!bytes_equal_text(fact(facts, name)->string, expected))
		fail_msg("%s is %.*s, expected %s", name, BYTES_ARGS(fact(facts, name)->string), expected);
}

static void
assert_long(const struct facts *facts, const char *name, int64_t expected) {
	if (fact(facts, name)->integer != expected)
		fail_msg("%s is %lld, expected %lld", name, (long long)fact(facts, name)->integer, (long long)expected);
}

static void
assert_flag(const struct facts *facts, const char *name, bool expected) {
	if (fact(facts, name)->boolean != expected)
		fail_msg("%s is not %d", name, expected);
}

static bool
set_has(const struct facts *facts, const char *name, const char *text) {
	const struct value *set = fact(facts, name);
	for (size_t i = 0; i < set->set.count; i++)
		if (bytes_equal_text(set->set.items[i].string, text))
			return true;
	return false;
}

static void
a_transfer_of_sol_counts_amount_and_fee(void **state) {
	const struct facts *facts = facts_of(*state, SOL);
	assert_text(facts, "transfer.format", "solana");
	assert_text(facts, "transfer.kind", "native");
	assert_text(facts, "transfer.chain", "solana:main");
	assert_text(facts, "transfer.asset", "solana:main/native");
	assert_text(facts, "transfer.from", PAYER);
	assert_text(facts, "transfer.to", OWNER);
	assert_text(facts, "transfer.amount", "1500000000");
	assert_long(facts, "transfer.amount_milli", 1500);
	assert_long(facts, "transfer.amount_usd_cents", 30000);
	assert_text(facts, "transfer.fee_max", "5000");
	assert_long(facts, "transfer.usd_cents", 30001);
	assert_text(facts, "transfer.transaction_type", "legacy");
	assert_flag(facts, "transfer.durable_nonce", false);
	assert_flag(facts, "transfer.destination_owner_known", true);
	assert_flag(facts, "call.unrecognised", false);
	assert_int_equal(1, fact(facts, "call.programs")->set.count);
	assert_null(facts_find(facts, "transfer.nonce_account"));
	assert_null(facts_find(facts, "transfer.compute_unit_limit"));
}

static void
a_token_transfer_goes_to_the_owner_that_the_transaction_proves(void **state) {
	const struct facts *facts = facts_of(*state, USDC);
	assert_text(facts, "transfer.kind", "token_transfer");
	assert_text(facts, "transfer.asset", MINT_ID);
	assert_text(facts, "transfer.to", OWNER);
	assert_long(facts, "transfer.destination_count", 1);
	assert_flag(facts, "transfer.destination_owner_known", true);
	assert_text(facts, "transfer.amount", "12500000");
	assert_long(facts, "transfer.amount_usd_cents", 1250);
	assert_text(facts, "transfer.fee_max", "2044380"); /* 5,000, the rent, and 100 */
	assert_long(facts, "transfer.accounts_created", 1);
	assert_long(facts, "transfer.compute_unit_limit", 100000);
	assert_long(facts, "transfer.compute_unit_price", 1000);
	assert_long(facts, "transfer.instructions", 4);
}

static void
a_token_transfer_alone_goes_to_an_account_of_unknown_owner(void **state) {
	const struct facts *facts = facts_of(*state, USDC_BARE);
	assert_text(facts, "transfer.to", ACCOUNT);
	assert_flag(facts, "transfer.destination_owner_known", false);
	assert_flag(facts, "call.unrecognised", false);
}

/* What it holds, and what the chain does with it, nobody here knows: named, and denied where unrecognised calls are. */
static void
a_lookup_table_is_not_understood_though_nothing_takes_from_it(void **state) {
	struct fixture *f = *state;
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	const struct facts *facts = facts_of(f, TABLE);
	assert_flag(facts, "call.unrecognised", true);
	assert_text(facts, "transfer.kind", "unrecognised_call");
	assert_text(facts, "transfer.transaction_type", "v0");
	assert_long(facts, "transfer.lookup_tables", 1);
	assert_ok(wallet_view(decoded(f, TABLE), &view));
	assert_ok(wallet_explain(decoded(f, TABLE), &text));
	assert_non_null(memmem(view.data, view.len, LOOKUP_TABLE, strlen(LOOKUP_TABLE)));
	assert_non_null(memmem(text.data, text.len, LOOKUP_TABLE, strlen(LOOKUP_TABLE)));
}

/* Only as the first instruction is it what the runtime takes in the place of a recent blockhash. */
static void
a_nonce_that_is_advanced_later_makes_nothing_durable(void **state) {
	const struct facts *facts = facts_of(*state, LATE);
	assert_flag(facts, "transfer.durable_nonce", false);
	assert_null(facts_find(facts, "transfer.nonce_account"));
	assert_flag(facts, "call.unrecognised", true);
}

static void
no_owner_is_proved_by_another_account_or_mint(void **state) {
	const struct facts *facts = facts_of(*state, WRONG);
	assert_flag(facts, "call.unrecognised", true);
	assert_flag(facts, "transfer.destination_owner_known", false);
	assert_long(facts, "transfer.accounts_created", 0);
	assert_true(set_has(facts, "transfer.destinations", NOT_DERIVED));
	assert_false(set_has(facts, "transfer.destinations", OWNER));
	facts = facts_of(*state, OTHER);
	assert_flag(facts, "call.unrecognised", false);
	assert_flag(facts, "transfer.destination_owner_known", false);
	assert_long(facts, "transfer.accounts_created", 1);
	assert_true(set_has(facts, "transfer.destinations", OTHER_MINTS));
}

static void
a_mint_that_is_not_registered_is_not_understood(void **state) {
	struct fixture *f = *state;
	register_assets(f, 0);
	const struct facts *facts = facts_of(f, USDC);
	assert_flag(facts, "call.unrecognised", true);
	assert_flag(facts, "transfer.price_missing", true);
	assert_text(facts, "transfer.kind", "unrecognised_call");
}

static void
decimals_other_than_the_registry_has_are_refused(void **state) {
	struct fixture *f = *state;
	struct wallet_transaction *transaction;
	register_assets(f, 9);
	assert_fails(STATUS_INVALID, "solana.token.decimals",
		     wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, USDC), &f->context, &transaction));
}

/* Where the value that both state is a recent blockhash, both take effect: the bytes do not tell it from a nonce's. */
static void
transactions_that_advance_one_nonce_do_not_replace_each_other(void **state) {
	struct fixture *f = *state;
	const struct facts *facts = facts_of(f, NONCE);
	assert_flag(facts, "transfer.durable_nonce", true);
	assert_text(facts, "transfer.nonce_account", OWNER);
	const struct wallet_transaction *first = decoded(f, NONCE);
	char changed[sizeof NONCE];
	memcpy(changed, NONCE, sizeof NONCE);
	changed[sizeof NONCE - 1 - 16] ^= 1; /* the amount */
	assert_true(hash256_equal(&first->spend, &decoded(f, NONCE)->spend));
	assert_false(hash256_equal(&first->spend, &decoded(f, changed)->spend));

	char other[sizeof SOL];
	memcpy(other, SOL, sizeof SOL);
	other[sizeof SOL - 1 - 16] ^= 1;
	assert_false(hash256_equal(&decoded(f, SOL)->spend, &decoded(f, other)->spend));
}

static void
what_the_gate_does_not_sign_is_refused_by_name(void **state) {
	struct fixture *f = *state;
	struct wallet_transaction *transaction;
	uint8_t *bytes = (uint8_t *)transaction_of(f, SOL).data;
	size_t len = 65 + strlen(SOL) / 2;
	assert_fails(STATUS_UNSUPPORTED, "solana.assets",
		     wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, BOTH), &f->context, &transaction));
	bytes[5] = 1;
	assert_fails(STATUS_INVALID, "solana.signed",
		     wallet_decode(&f->arena, WALLET_SOLANA, bytes_of(bytes, len), &f->context, &transaction));
	bytes[5] = 0;
	bytes[70] ^= 1; /* of the account that pays */
	assert_fails(STATUS_INVALID, "solana.signer",
		     wallet_decode(&f->arena, WALLET_SOLANA, bytes_of(bytes, len), &f->context, &transaction));
	f->context.chain = BYTES_OF_LITERAL("bitcoin:main");
	assert_fails(STATUS_INVALID, "solana.chain",
		     wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, SOL), &f->context, &transaction));
	f->context.chain = BYTES_OF_LITERAL("solana:dev");
	assert_ok(wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, SOL), &f->context, &transaction));
	assert_bytes(BYTES_OF_LITERAL("solana:dev"), transaction->chain);
	f->key.algorithm = KEY_SECP256K1;
	assert_fails(STATUS_UNSUPPORTED, "wallet.key",
		     wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, SOL), &f->context, &transaction));
}

static void
two_signers_are_read_and_not_signed(void **state) {
	struct fixture *f = *state;
	struct wallet_transaction *transaction;
	struct bytes one = transaction_of(f, SOL);
	uint8_t *two = arena_alloc(&f->arena, one.len + 64);
	assert_non_null(two);
	memcpy(two + 64, one.data, one.len);
	memset(two, 0, 65);
	two[0] = two[129] = 2;
	assert_fails(STATUS_UNSUPPORTED, "solana.signers",
		     wallet_decode(&f->arena, WALLET_SOLANA, bytes_of(two, one.len + 64), &f->context, &transaction));
	f->context.key = nullptr;
	assert_ok(wallet_decode(&f->arena, WALLET_SOLANA, bytes_of(two, one.len + 64), &f->context, &transaction));
	assert_int_equal(0, transaction->request_count);
	assert_true(transaction->fee_max.limbs[0] == 10'000);
	assert_true(strncmp(transaction->refusal, "solana.signers: ", 16) == 0);
	assert_ok(wallet_decode(&f->arena, WALLET_SOLANA, transaction_of(f, SOL), &f->context, &transaction));
	assert_null(transaction->refusal);
}

static void
the_signed_transaction_holds_the_signature_and_is_named_by_it(void **state) {
	struct fixture *f = *state;
	struct wallet_result result;
	struct signature signature = {};
	const struct wallet_transaction *transaction = decoded(f, SOL);
	assert_int_equal(SCHEME_ED25519, transaction->requests[0].scheme);
	assert_ok(ed25519_sign(f->seed, f->key.public_key, transaction->requests[0].message, signature.bytes));
	assert_fails(STATUS_INTERNAL, "solana.signature.key",
		     wallet_assemble(&f->arena, transaction, &signature, 1, &result));
	memcpy(signature.public_key, f->key.public_key, 32);
	assert_ok(wallet_assemble(&f->arena, transaction, &signature, 1, &result));
	assert_memory_equal(signature.bytes, result.transaction.data + 1, 64);
	assert_true(result.transaction_id.len >= 80 && result.transaction_id.len <= 88);
}

static void
the_view_and_the_explanation_say_what_happens(void **state) {
	struct fixture *f = *state;
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	assert_ok(wallet_view(decoded(f, USDC), &view));
	assert_ok(json_check_canonical(&f->arena, buffer_bytes(&view)));
	assert_ok(wallet_explain(decoded(f, USDC_BARE), &text));
	buffer_append_byte(&text, '\0');
	assert_non_null(strstr((const char *)text.data,
			       "sends         12.5 USDC to G8sVqaVs7nUeXfK48nwmaWocw1T9sVGbqUFYYbX63S1q"));
	assert_non_null(strstr((const char *)text.data, "whose owner this transaction does not show"));
}

/* Hexadecimal, base64 and bytes; an Ethereum transaction of type 1 begins with the same byte and is not taken for one. */
static void
the_format_is_told_by_the_bytes(void **state) {
	struct fixture *f = *state;
	enum wallet_format format;
	struct bytes payload, bytes = transaction_of(f, SOL);
	_cleanup_(buffer_free) struct buffer hex = {}, base64 = {};
	buffer_append_hex(&hex, bytes);
	buffer_append_base64(&base64, bytes);
	const struct bytes texts[] = {bytes, buffer_bytes(&hex), buffer_bytes(&base64)};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		assert_ok(wallet_payload_of_text(&f->arena, texts[i], &format, &payload));
		assert_int_equal(WALLET_SOLANA, format);
		assert_bytes(bytes, payload);
	}
	assert_ok(wallet_payload_of_text(&f->arena, BYTES_OF_LITERAL("01c3018080"), &format, &payload));
	assert_int_equal(WALLET_EVM, format);
}

#define F(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

RUN_TESTS(F(a_transfer_of_sol_counts_amount_and_fee), F(a_token_transfer_goes_to_the_owner_that_the_transaction_proves),
	  F(a_token_transfer_alone_goes_to_an_account_of_unknown_owner),
	  F(a_lookup_table_is_not_understood_though_nothing_takes_from_it),
	  F(a_nonce_that_is_advanced_later_makes_nothing_durable), F(no_owner_is_proved_by_another_account_or_mint),
	  F(a_mint_that_is_not_registered_is_not_understood), F(decimals_other_than_the_registry_has_are_refused),
	  F(transactions_that_advance_one_nonce_do_not_replace_each_other),
	  F(what_the_gate_does_not_sign_is_refused_by_name), F(two_signers_are_read_and_not_signed),
	  F(the_signed_transaction_holds_the_signature_and_is_named_by_it),
	  F(the_view_and_the_explanation_say_what_happens), F(the_format_is_told_by_the_bytes))
