#include "tests/test.h"

#include "base/io.h"
#include "cli/asset_file.h"

#define USDC "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

static enum status
read_text(const char *text, struct asset_registry **registry) {
	_cleanup_(arena_free) struct arena arena = {};
	assert_ok(asset_registry_create(registry));
	return asset_file_read(&arena, "a.yaml", bytes_of_text(text), *registry);
}

static void
what_is_written_is_registered_with_its_price(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	assert_ok(read_text("assets:\n"
			    "  - {chain: \"eip155:1\", symbol: ETH, decimals: 18, price_usd: \"3000.25\"}\n"
			    "  - {chain: \"eip155:1\", symbol: USDC, decimals: 6, contract: \"" USDC "\"}\n",
			    &registry));
	assert_int_equal(2, asset_registry_count(registry));
	const struct asset *ether = asset_registry_at(registry, 0);
	assert_bytes(BYTES_OF_LITERAL("eip155:1/native"), ether->id);
	assert_int_equal(18, ether->decimals);
	assert_true(ether->has_price && ether->price_microcents == 300'025'000'000);
	const struct asset *token = asset_registry_at(registry, 1);
	assert_bytes(BYTES_OF_LITERAL("eip155:1/" USDC), token->id);
	assert_bytes(BYTES_OF_LITERAL("USDC"), token->symbol);
	assert_false(token->has_price);
}

/* JSON is read as well, and the same asset twice is one. */
static void
json_and_repetitions_are_read(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	assert_ok(read_text("{\"assets\": [{\"chain\": \"eip155:1\", \"contract\": \"" USDC
			    "\", \"symbol\": \"USDC\", \"decimals\": 6},\n"
			    " {\"chain\": \"eip155:1\", \"contract\": \"" USDC
			    "\", \"symbol\": \"USDC\", \"decimals\": 6}]}",
			    &registry));
	assert_int_equal(1, asset_registry_count(registry));
}

static void
what_is_no_list_of_assets_is_refused_by_name_and_place(void **) {
	static const struct {
		enum status status;
		const char *message, *text;
	} rows[] = {
		{STATUS_INVALID, "yaml.", ""},
		{STATUS_INVALID, "yaml.missing_key: a.yaml:1:1", "{}"},
		{STATUS_INVALID, "yaml.unknown_key: a.yaml:2:", "assets: []\nprices: []\n"},
		{STATUS_INVALID, "yaml.type: a.yaml:1:", "assets: {}\n"},
		{STATUS_INVALID, "yaml.type: a.yaml:1:", "assets: USDC\n"},
		{STATUS_INVALID, "yaml.", "assets: [\n"},
		{STATUS_INVALID, "yaml.type: a.yaml:2:", "assets:\n  - USDC\n"},
		{STATUS_INVALID, "yaml.missing_key: a.yaml:2:", "assets:\n  - {chain: \"eip155:1\", symbol: ETH}\n"},
		{STATUS_INVALID, "yaml.missing_key: a.yaml:2:", "assets:\n  - {symbol: ETH, decimals: 18}\n"},
		{STATUS_INVALID, "yaml.unknown_key: a.yaml:2:",
		 "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: 18, address: \"0x\"}\n"},
		{STATUS_INVALID,
		 "yaml.range: a.yaml:2:", "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: 37}\n"},
		{STATUS_INVALID,
		 "yaml.type: a.yaml:2:", "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: six}\n"},
		{STATUS_INVALID, "asset.chain: a.yaml:3:5: ",
		 "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: 18}\n  - {chain: eip155, symbol: ETH, "
		 "decimals: 18}\n"},
		{STATUS_INVALID,
		 "asset.symbol: a.yaml:2:5: ", "assets:\n  - {chain: \"eip155:1\", symbol: \"US DC\", decimals: 18}\n"},
		{STATUS_INVALID, "asset.contract: a.yaml:2:5: ",
		 "assets:\n  - {chain: \"eip155:1\", symbol: USDC, decimals: 6, contract: \"0xA0b8\"}\n"},
		{STATUS_CONFLICT, "asset.conflict: a.yaml:3:5: ",
		 "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: 18}\n  - {chain: \"eip155:1\", symbol: "
		 "ETH, decimals: 8}\n"},
		{STATUS_CONFLICT, "asset.symbol_taken: a.yaml:3:5: ",
		 "assets:\n  - {chain: \"eip155:1\", symbol: USDC, decimals: 18}\n"
		 "  - {chain: \"eip155:1\", symbol: U5DC, decimals: 6, contract: \"" USDC "\"}\n"},
		{STATUS_INVALID, "price.form: a.yaml:2:5: ",
		 "assets:\n  - {chain: \"eip155:1\", symbol: ETH, decimals: 18, price_usd: \"3,000\"}\n"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
		enum status status = read_text(rows[i].text, &registry);
		if (status != rows[i].status || strncmp(fail_message(), rows[i].message, strlen(rows[i].message)) != 0)
			fail_msg("%s: %s %s", rows[i].text, status_name(status), fail_message());
	}
}

static void
the_example_is_read(void **) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(asset_registry_create(&registry));
	assert_ok(io_read_file(io_system(), TEST_SOURCE_ROOT "/examples/assets.yaml", 64 * 1024, &text));
	assert_ok(asset_file_read(&arena, "assets.yaml", buffer_bytes(&text), registry));
	assert_int_equal(4, asset_registry_count(registry));
}

RUN_TESTS(T(what_is_written_is_registered_with_its_price), T(json_and_repetitions_are_read),
	  T(what_is_no_list_of_assets_is_refused_by_name_and_place), T(the_example_is_read))
