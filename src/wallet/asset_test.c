#include "tests/test.h"

#include <stdio.h>

#include "model/amount_testing.h"
#include "wallet/asset.h"

#define ETH BYTES_OF_LITERAL("eip155:1")
#define NATIVE BYTES_OF_LITERAL("eip155:1/native")
#define USD "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
constexpr uint64_t DOLLAR = 100'000'000; /* micro-cents */

static void
assets_are_found_by_chain_and_contract(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	assert_ok(asset_registry_create(&assets));
	assert_ok(asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	assert_ok(asset_registry_add(assets, ETH, BYTES_OF_LITERAL("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"),
				     BYTES_OF_LITERAL("USD.e"), 6));
	assert_ok(asset_registry_add(assets, BYTES_OF_LITERAL("bitcoin:main"), (struct bytes){},
				     BYTES_OF_LITERAL("BTC"), 8));
	assert_int_equal(3, asset_registry_count(assets));
	const struct asset *asset = asset_find(assets, BYTES_OF_LITERAL("eip155:1/" USD));
	assert_non_null(asset);
	assert_bytes(BYTES_OF_LITERAL("eip155:1"), asset->chain);
	assert_bytes(BYTES_OF_LITERAL(USD), asset->contract);
	assert_bytes(BYTES_OF_LITERAL("USD.e"), asset->symbol);
	assert_int_equal(6, asset->decimals);
	assert_ptr_equal(asset, asset_find_contract(assets, ETH, BYTES_OF_LITERAL(USD)));
	assert_ptr_equal(asset, asset_registry_at(assets, 1));
	assert_null(asset_registry_at(assets, 3));
	assert_null(asset_find_contract(assets, ETH, BYTES_OF_LITERAL("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")));
	assert_null(asset_find_contract(assets, (struct bytes){}, (struct bytes){}));
	assert_null(asset_find(nullptr, NATIVE));
}

static void
an_asset_keeps_its_symbol_and_decimals(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	assert_ok(asset_registry_create(&assets));
	assert_ok(asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	assert_ok(asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	assert_fails(STATUS_CONFLICT, "asset.conflict",
		     asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 6));
	assert_fails(STATUS_CONFLICT, "asset.conflict",
		     asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETC"), 18));
	assert_int_equal(1, asset_registry_count(assets));
}

static void
a_symbol_stands_for_one_asset_of_a_chain(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	static const char other[] = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
	assert_ok(asset_registry_create(&assets));
	assert_ok(asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	assert_ok(asset_registry_add(assets, ETH, BYTES_OF_LITERAL(USD), BYTES_OF_LITERAL("USDC"), 6));
	static const char *const taken[] = {"USDC", "usdc", "UsdC", "ETH", "eth", "U5DC", "USD-C", "u.s.d.c"};
	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
		assert_fails(STATUS_CONFLICT, "asset.symbol_taken",
			     asset_registry_add(assets, ETH, BYTES_OF_LITERAL(other), bytes_of_text(taken[i]), 6));
		assert_null(asset_find_contract(assets, ETH, BYTES_OF_LITERAL(other)));
	}
	assert_ok(asset_registry_add(assets, ETH, BYTES_OF_LITERAL(other), BYTES_OF_LITERAL("USDC.e"), 6));
	assert_ok(asset_registry_add(assets, BYTES_OF_LITERAL("eip155:10"), BYTES_OF_LITERAL(other),
				     BYTES_OF_LITERAL("USDC"), 6)); /* another chain's */
	assert_int_equal(4, asset_registry_count(assets));
}

static void
bad_input_is_refused_by_name(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	assert_ok(asset_registry_create(&assets));
	static const char LONG[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	static const struct {
		const char *chain, *contract, *symbol;
		unsigned decimals;
		const char *name;
	} cases[] = {
		{"", "", "ETH", 18, "asset.chain"},
		{LONG, "", "ETH", 18, "asset.chain"},
		{"eip155/1", "", "ETH", 18, "asset.chain"},
		{"eip155:01", "", "ETH", 18, "asset.chain"},
		{"EIP155:1", "", "ETH", 18, "asset.chain"},
		{"bitcoin:mainnet", "", "BTC", 8, "asset.chain"},
		{"eip155:1", LONG, "ETH", 18, "asset.contract"},
		{"eip155:1", "0x/1", "ETH", 18, "asset.contract"},
		{"eip155:1", "native", "ETH", 18, "asset.contract"},
		{"eip155:1", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "ETH", 18, "asset.contract"},
		{"eip155:1", "0x12", "ETH", 18, "asset.contract"},
		{"eip155:1", "", "", 18, "asset.symbol"},
		{"eip155:1", "", LONG, 18, "asset.symbol"},
		{"eip155:1", "", "E\"H", 18, "asset.symbol"},
		{"eip155:1", "", "usdc.", 18, "asset.symbol"},
		{"eip155:1", "", "-", 18, "asset.symbol"},
		{"eip155:1", "", "ETH", 37, "asset.decimals"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(STATUS_INVALID, cases[i].name,
			     asset_registry_add(assets, bytes_of_text(cases[i].chain), bytes_of_text(cases[i].contract),
						bytes_of_text(cases[i].symbol), cases[i].decimals));
	assert_fails(STATUS_NOT_FOUND, "asset.unknown", asset_registry_set_price(assets, NATIVE, 1, 1));
	assert_int_equal(0, asset_registry_count(assets));
}

static void
values_need_a_price_that_is_fresh(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	const struct amount one = amount_of(1'000'000'000'000'000'000), zero = {};
	const struct amount all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	int64_t cents = -1;
	assert_ok(asset_registry_create(&assets));
	assert_ok(asset_registry_add(assets, ETH, (struct bytes){}, BYTES_OF_LITERAL("ETH"), 18));
	const struct asset *asset = asset_find(assets, NATIVE);
	assert_int_equal(ASSET_PRICE_MISSING, asset_usd_cents(nullptr, &one, 1000, 100, &cents));
	assert_int_equal(ASSET_PRICE_MISSING, asset_usd_cents(asset, &one, 1000, 100, &cents));
	assert_int_equal(ASSET_VALUED, asset_usd_cents(asset, &zero, 1000, 100, &cents));
	assert_int_equal(0, cents);
	assert_fails(STATUS_INVALID, "asset.price", asset_registry_set_price(assets, NATIVE, 0, 1000));
	assert_int_equal(ASSET_PRICE_MISSING, asset_usd_cents(asset, &one, 1000, 100, &cents));
	assert_ok(asset_registry_set_price(assets, NATIVE, 3000 * DOLLAR, 1000));
	assert_int_equal(ASSET_VALUED, asset_usd_cents(asset, &one, 1000, 0, &cents));
	assert_int_equal(300000, cents);
	assert_int_equal(ASSET_VALUED, asset_usd_cents(asset, &one, 1100, 100, &cents));
	assert_int_equal(ASSET_PRICE_STALE, asset_usd_cents(asset, &one, 1101, 100, &cents));
	assert_int_equal(ASSET_PRICE_STALE, asset_usd_cents(asset, &one, 999, 100, &cents));
	assert_int_equal(ASSET_PRICE_STALE, asset_usd_cents(asset, &one, INT64_MIN, 100, &cents));
	assert_int_equal(ASSET_VALUE_TOO_LARGE, asset_usd_cents(asset, &all, 1000, 100, &cents));
	assert_int_equal(0, cents);
}

static void
amounts_are_written_in_whole_units(void **) {
	static const struct {
		const char *amount;
		unsigned decimals;
		const char *text;
	} cases[] = {
		{"0", 18, "0"},
		{"0", 0, "0"},
		{"1", 0, "1"},
		{"10", 0, "10"},
		{"1", 18, "0.000000000000000001"},
		{"1500000000000000000", 18, "1.5"},
		{"100000000", 8, "1"},
		{"10", 1, "1"},
		{"12", 2, "0.12"},
		{"10", 2, "0.1"},
		{"1", 36, "0.000000000000000000000000000000000001"},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935", 36,
		 "115792089237316195423570985008687907853269.984665640564039457584007913129639935"},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935", 0,
		 "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct amount amount = amount_of_text(cases[i].amount);
		char text[ASSET_AMOUNT_TEXT_SIZE];
		asset_amount_format(&amount, cases[i].decimals, text);
		assert_string_equal(cases[i].text, text);
	}
}

static void
thousandths_are_rounded_up(void **) {
	static const struct {
		uint64_t amount;
		unsigned decimals;
		int64_t milli;
	} cases[] = {{0, 18, 0},
		     {1, 18, 1},
		     {1'000'000'000'000'000, 18, 1},
		     {1'000'000'000'000'001, 18, 2},
		     {5, 0, 5000},
		     {1, 36, 1},
		     {10'000'000'000'000'000'000U, 19, 1000},
		     {10'000'000'000'000'000'000U, 20, 100},
		     {10'000'000'000'000'000'000U, 21, 10}};
	int64_t milli;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct amount amount = amount_of(cases[i].amount);
		assert_true(asset_milli_units(&amount, cases[i].decimals, &milli));
		assert_int_equal(cases[i].milli, milli);
	}
	const struct amount all = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, large = amount_of(UINT64_MAX);
	assert_false(asset_milli_units(&all, 36, &milli));
	assert_false(asset_milli_units(&large, 0, &milli));
}

static void
a_registry_grows_and_stays_ordered(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *assets = nullptr;
	char contract[64], symbol[16];
	assert_ok(asset_registry_create(&assets));
	for (int i = 0; i < 1000; i++) {
		snprintf(contract, sizeof contract, "c%04d", i);
		snprintf(symbol, sizeof symbol, "T%04d", i);
		assert_ok(asset_registry_add(assets, BYTES_OF_LITERAL("bitcoin:regtest"), bytes_of_text(contract),
					     bytes_of_text(symbol), 6));
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(contract, sizeof contract, "c%04d", i);
		assert_bytes(bytes_of_text(contract), asset_registry_at(assets, (size_t)i)->contract);
		assert_ptr_equal(
			asset_registry_at(assets, (size_t)i),
			asset_find_contract(assets, BYTES_OF_LITERAL("bitcoin:regtest"), bytes_of_text(contract)));
	}
}

RUN_TESTS(T(assets_are_found_by_chain_and_contract), T(an_asset_keeps_its_symbol_and_decimals),
	  T(a_symbol_stands_for_one_asset_of_a_chain), T(bad_input_is_refused_by_name),
	  T(values_need_a_price_that_is_fresh), T(amounts_are_written_in_whole_units), T(thousandths_are_rounded_up),
	  T(a_registry_grows_and_stays_ordered))
