#include "wallet/asset.h"

#include <stdlib.h>

#include "base/map.h"
#include "wallet/evm/address.h"
#include "wallet/solana/address.h"
#include "wallet/wallet.h"

struct asset_registry {
	struct map by_id, by_symbol;
	struct asset **assets; /* in order of addition */
	size_t count;
	size_t capacity;
};

constexpr size_t ASSET_SYMBOL_KEY_MAX = ASSET_CHAIN_MAX + 1 + ASSET_SYMBOL_MAX;

/* An asset and the text that it points to, in one block. */
struct stored_asset {
	struct asset asset;
	char id[ASSET_ID_MAX];
	char symbol[ASSET_SYMBOL_MAX];
	char symbol_key[ASSET_SYMBOL_KEY_MAX];
};

static const char NATIVE[] = "native";

enum status
asset_registry_create(struct asset_registry **registry) {
	*registry = calloc(1, sizeof **registry);
	TRY_ALLOC(*registry);
	return OK;
}

void
asset_registry_destroy(struct asset_registry **registry) {
	if (*registry == nullptr)
		return;
	for (size_t i = 0; i < (*registry)->count; i++)
		free((*registry)->assets[i]);
	free((*registry)->assets);
	map_free(&(*registry)->by_id);
	map_free(&(*registry)->by_symbol);
	free(*registry);
	*registry = nullptr;
}

/* --- Ids --- */

/* "<chain>/<contract>" or "<chain>/native"; 0 if either is empty where it may not be, or too long. */
static size_t
compose_id(struct bytes chain, struct bytes contract, char id[static ASSET_ID_MAX]) {
	if (contract.len == 0)
		contract = bytes_of_text(NATIVE);
	if (chain.len == 0 || chain.len > ASSET_CHAIN_MAX || contract.len > ASSET_CONTRACT_MAX)
		return 0;
	memcpy(id, chain.data, chain.len);
	id[chain.len] = '/';
	memcpy(id + chain.len + 1, contract.data, contract.len);
	return chain.len + 1 + contract.len;
}

struct bytes
asset_id(struct arena *arena, struct bytes chain, struct bytes contract) {
	char id[ASSET_ID_MAX];
	size_t len = compose_id(chain, contract, id);
	return arena_copy(arena, bytes_of(id, len));
}

/* What people read: one case of letters, and one of those that look alike. */
static char
letter_read(uint8_t c) {
	static const char alike[][2] = {{'0', 'o'}, {'1', 'l'}, {'i', 'l'}, {'2', 'z'}, {'5', 's'}, {'8', 'b'}};
	char lower = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	for (size_t i = 0; i < ARRAY_LENGTH(alike); i++)
		if (lower == alike[i][0])
			return alike[i][1];
	return lower;
}

/* A chain's symbols as people read them: "USDC", "usdc", "U5DC" and "USD-C" are one. */
static struct bytes
symbol_key(struct bytes chain, struct bytes symbol, char key[static ASSET_SYMBOL_KEY_MAX]) {
	size_t len = chain.len;
	memcpy(key, chain.data, len);
	key[len++] = '/';
	for (size_t i = 0; i < symbol.len; i++)
		if (symbol.data[i] != '.' && symbol.data[i] != '-')
			key[len++] = letter_read(symbol.data[i]);
	return bytes_of(key, len);
}

static bool
is_alphanumeric(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_made_of(struct bytes text, size_t max, const char *others) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]) && (text.data[i] == '\0' || strchr(others, text.data[i]) == nullptr))
			return false;
	return text.len > 0 && text.len <= max;
}

bool
asset_symbol_is_valid(struct bytes symbol) {
	return is_made_of(symbol, ASSET_SYMBOL_MAX, ".-") && is_alphanumeric(symbol.data[0]) &&
	       is_alphanumeric(symbol.data[symbol.len - 1]);
}

static enum status
check_asset(struct bytes chain, struct bytes contract, struct bytes symbol, unsigned decimals) {
	if (!is_made_of(chain, ASSET_CHAIN_MAX, ":-"))
		return fail(STATUS_INVALID, "asset.chain: expected 1 to %zu letters, digits, ':' or '-'",
			    ASSET_CHAIN_MAX);
	if (wallet_check_chain(chain) != OK) /* under another spelling of it nothing would ever be found */
		return fail(STATUS_INVALID,
			    "asset.chain: no transaction is of \"%.*s\"; chains are written as in eip155:1",
			    BYTES_ARGS(chain));
	if (contract.len > 0 && !is_made_of(contract, ASSET_CONTRACT_MAX, ""))
		return fail(STATUS_INVALID, "asset.contract: expected at most %zu letters and digits",
			    ASSET_CONTRACT_MAX);
	if (bytes_equal_text(contract, NATIVE))
		return fail(STATUS_INVALID, "asset.contract: \"native\" is no contract; leave it empty");
	if (!asset_symbol_is_valid(symbol))
		return fail(STATUS_INVALID,
			    "asset.symbol: expected 1 to %zu letters, digits and, between them, '.' or '-'",
			    ASSET_SYMBOL_MAX);
	if (decimals > ASSET_DECIMALS_MAX)
		return fail(STATUS_INVALID, "asset.decimals: expected at most %u, found %u", ASSET_DECIMALS_MAX,
			    decimals);
	return OK;
}

static bool
is_chain_of(struct bytes chain, const char *prefix) {
	return chain.len > strlen(prefix) && memcmp(chain.data, prefix, strlen(prefix)) == 0;
}

/* Contracts are found by the text that a decoder writes, so an Ethereum one is kept with its checksum. */
static enum status
normalise_contract(struct bytes chain, char text[static EVM_ADDRESS_TEXT_SIZE], struct bytes *contract) {
	struct evm_address address;
	struct solana_address mint;
	if (contract->len == 0)
		return OK;
	if (is_chain_of(chain, "solana:") && solana_address_parse(*contract, &mint) != OK)
		return fail(STATUS_INVALID, "asset.contract: \"%.*s\" is no address of Solana", BYTES_ARGS(*contract));
	if (!is_chain_of(chain, "eip155:"))
		return OK;
	if (evm_address_parse(*contract, &address) != OK)
		return fail(STATUS_INVALID, "asset.contract: \"%.*s\" is no Ethereum address", BYTES_ARGS(*contract));
	evm_address_format(&address, text);
	*contract = bytes_of_text(text);
	return OK;
}

/* --- Writing --- */

static enum status
make_room(struct asset_registry *registry) {
	if (registry->count < registry->capacity)
		return OK;
	if (registry->count >= ASSETS_MAX)
		return fail(STATUS_TOO_LARGE, "asset.full: a registry holds at most %zu assets", ASSETS_MAX);
	size_t capacity = registry->capacity == 0 ? 16 : 2 * registry->capacity;
	struct asset **assets = realloc(registry->assets, capacity * sizeof(struct asset *));
	TRY_ALLOC(assets);
	registry->assets = assets;
	registry->capacity = capacity;
	return OK;
}

static struct stored_asset *
store(struct bytes chain, struct bytes contract, struct bytes symbol, unsigned decimals) {
	struct stored_asset *stored = calloc(1, sizeof *stored);
	if (stored == nullptr)
		return nullptr;
	size_t id_len = compose_id(chain, contract, stored->id);
	memcpy(stored->symbol, symbol.data, symbol.len);
	stored->asset = (struct asset){
		.id = bytes_of(stored->id, id_len),
		.chain = bytes_of(stored->id, chain.len),
		.contract = contract.len == 0 ? (struct bytes){} : bytes_of(stored->id + chain.len + 1, contract.len),
		.symbol = bytes_of(stored->symbol, symbol.len),
		.decimals = decimals,
	};
	return stored;
}

/* People read the symbol alone: two assets of one chain that share it are what a forger of tokens hopes for. */
static enum status
check_symbol_is_free(const struct asset_registry *registry, struct bytes chain, struct bytes symbol) {
	char key[ASSET_SYMBOL_KEY_MAX];
	const struct asset *present = map_get(&registry->by_symbol, symbol_key(chain, symbol, key));
	return present == nullptr ? OK
				  : fail(STATUS_CONFLICT, "asset.symbol_taken: %.*s is the symbol of %.*s",
					 BYTES_ARGS(present->symbol), BYTES_ARGS(present->id));
}

enum status
asset_registry_check(const struct asset_registry *registry, struct bytes chain, struct bytes contract,
		     struct bytes symbol, unsigned decimals) {
	char text[EVM_ADDRESS_TEXT_SIZE];
	TRY(check_asset(chain, contract, symbol, decimals));
	TRY(normalise_contract(chain, text, &contract));
	const struct asset *present = asset_find_contract(registry, chain, contract);
	if (present == nullptr)
		return check_symbol_is_free(registry, chain, symbol);
	if (bytes_equal(present->symbol, symbol) && present->decimals == decimals)
		return OK;
	return fail(STATUS_CONFLICT, "asset.conflict: %.*s is registered as %.*s with %u decimals",
		    BYTES_ARGS(present->id), BYTES_ARGS(present->symbol), present->decimals);
}

enum status
asset_registry_add(struct asset_registry *registry, struct bytes chain, struct bytes contract, struct bytes symbol,
		   unsigned decimals) {
	char text[EVM_ADDRESS_TEXT_SIZE];
	TRY(asset_registry_check(registry, chain, contract, symbol, decimals));
	TRY(normalise_contract(chain, text, &contract));
	if (asset_find_contract(registry, chain, contract) != nullptr)
		return OK; /* as it is there */
	TRY(make_room(registry));
	struct stored_asset *stored = store(chain, contract, symbol, decimals);
	TRY_ALLOC(stored);
	struct bytes key = symbol_key(chain, symbol, stored->symbol_key);
	enum status status = map_put(&registry->by_id, stored->asset.id, &stored->asset, nullptr);
	if (status == OK)
		status = map_put(&registry->by_symbol, key, &stored->asset, nullptr);
	if (status != OK) {
		(void)map_remove(&registry->by_id, stored->asset.id);
		free(stored);
		return status;
	}
	registry->assets[registry->count++] = &stored->asset;
	return OK;
}

static enum status
unknown(struct bytes id) {
	return fail(STATUS_NOT_FOUND, "asset.unknown: %.*s is not registered",
		    (int)(id.len > ASSET_ID_MAX ? ASSET_ID_MAX : id.len), (const char *)id.data);
}

typedef void history_change(struct price_history *, uint64_t price, int64_t now_ms);

static enum status
change_price(struct asset_registry *registry, struct bytes id, uint64_t price_microcents, int64_t recorded_ms,
	     history_change *change) {
	struct asset *asset = map_get(&registry->by_id, id);
	if (asset == nullptr)
		return unknown(id);
	if (price_microcents == 0)
		return fail(STATUS_INVALID, "asset.price: a price is above zero; at zero every limit would be blind");
	change(&asset->prices, price_microcents, recorded_ms);
	asset->has_price = true;
	asset->price_microcents = asset->prices.in_force;
	asset->price_recorded_ms = asset->prices.at_ms;
	return OK;
}

enum status
asset_registry_set_price(struct asset_registry *registry, struct bytes id, uint64_t price_microcents,
			 int64_t recorded_ms) {
	return change_price(registry, id, price_microcents, recorded_ms, price_history_add);
}

enum status
asset_registry_reset_price(struct asset_registry *registry, struct bytes id, uint64_t price_microcents,
			   int64_t recorded_ms) {
	return change_price(registry, id, price_microcents, recorded_ms, price_history_restart);
}

enum status
asset_registry_restore_price(struct asset_registry *registry, struct bytes id, const struct price_history *prices) {
	TRY(asset_registry_reset_price(registry, id, prices->in_force, prices->at_ms));
	((struct asset *)map_get(&registry->by_id, id))->prices = *prices;
	return OK;
}

/* --- Reading --- */

const struct asset *
asset_find(const struct asset_registry *registry, struct bytes id) {
	return registry == nullptr ? nullptr : map_get(&registry->by_id, id);
}

const struct asset *
asset_find_contract(const struct asset_registry *registry, struct bytes chain, struct bytes contract) {
	char id[ASSET_ID_MAX];
	size_t len = compose_id(chain, contract, id);
	return len == 0 ? nullptr : asset_find(registry, bytes_of(id, len));
}

size_t
asset_registry_count(const struct asset_registry *registry) {
	return registry->count;
}

const struct asset *
asset_registry_at(const struct asset_registry *registry, size_t index) {
	return index < registry->count ? registry->assets[index] : nullptr;
}

enum asset_value
asset_usd_cents(const struct asset *asset, const struct amount *amount, int64_t now_ms, int64_t price_age_max_ms,
		int64_t *cents) {
	*cents = 0;
	if (amount_is_zero(amount))
		return ASSET_VALUED;
	if (asset == nullptr || !asset->has_price)
		return ASSET_PRICE_MISSING;
	int64_t age_ms;
	if (__builtin_sub_overflow(now_ms, asset->price_recorded_ms, &age_ms) || age_ms < 0 ||
	    age_ms > price_age_max_ms)
		return ASSET_PRICE_STALE;
	if (amount_usd_cents(amount, asset->price_microcents, asset->decimals, cents))
		return ASSET_VALUED;
	*cents = 0;
	return ASSET_VALUE_TOO_LARGE;
}

static struct amount
whole_unit(unsigned decimals) {
	uint64_t low = 1; /* 10^19 is the last that fits */
	unsigned i = 0;
	for (; i < decimals && i < 19; i++)
		low *= 10;
	struct amount unit = amount_of(low);
	for (; i < decimals && amount_multiply_u64(&unit, 10, &unit); i++)
		;
	return unit; /* at most 10^36: fits */
}

bool
asset_milli_units(const struct amount *amount, unsigned decimals, int64_t *milli) {
	struct amount thousandths, unit = whole_unit(decimals);
	uint64_t number;
	if (!amount_multiply_u64(amount, 1000, &thousandths))
		return false;
	thousandths = amount_divide_up(&thousandths, &unit);
	if (!amount_fits_u64(&thousandths, &number) || number > INT64_MAX)
		return false;
	*milli = (int64_t)number;
	return true;
}

void
asset_amount_format(const struct amount *amount, unsigned decimals, char text[static 82]) {
	char digits[AMOUNT_TEXT_SIZE];
	amount_format(amount, digits);
	size_t count = strlen(digits);
	size_t whole = count > decimals ? count - decimals : 0;
	size_t fraction_end = count;
	while (fraction_end > whole && digits[fraction_end - 1] == '0')
		fraction_end--;

	size_t at = 0;
	if (whole == 0)
		text[at++] = '0';
	memcpy(text + at, digits, whole);
	at += whole;
	if (fraction_end > whole) {
		text[at++] = '.';
		for (size_t zeros = count; zeros < decimals; zeros++)
			text[at++] = '0';
		memcpy(text + at, digits + whole, fraction_end - whole);
		at += fraction_end - whole;
	}
	text[at] = '\0';
}
