/*
 * The asset registry: what the gate knows of assets and their prices. An asset that is not in it has no symbol, no decimals
 * and no value; a call to a contract that is not in it is never taken for a token transfer.
 *
 * An asset is named by its chain and contract, so that a symbol can never stand for two things:
 *   "eip155:1/native", "eip155:1/0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "bitcoin:main/native",
 *   "solana:main/EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v" (a mint)
 * Chains are named "eip155:<chain id>" and "bitcoin:main", "bitcoin:test", "bitcoin:testnet4", "bitcoin:signet",
 * "bitcoin:regtest", "solana:main", "solana:test", "solana:dev".
 *
 * Owner: the keeper's state owns one registry, filled by operations only; it copies what it is given. Everybody else gets it
 * as const. Threads: many readers or one writer. Errors: "asset.*".
 */
#ifndef GATEHOUSE_WALLET_ASSET_H
#define GATEHOUSE_WALLET_ASSET_H

#include "base/arena.h"
#include "model/amount.h"
#include "wallet/price_history.h"

constexpr unsigned ASSET_DECIMALS_MAX = 36;
constexpr size_t ASSET_SYMBOL_MAX = 16;
constexpr size_t ASSET_CHAIN_MAX = 32;
constexpr size_t ASSET_CONTRACT_MAX = 64;
constexpr size_t ASSET_ID_MAX = ASSET_CHAIN_MAX + 1 + ASSET_CONTRACT_MAX;
constexpr size_t ASSETS_MAX = 65536; /* in one registry */

struct asset {
	struct bytes id; /* chain "/" contract, or chain "/native" */
	struct bytes chain;
	struct bytes contract; /* as the chain writes addresses (EIP-55 checksummed); empty: the native asset */
	struct bytes symbol;   /* "USDC": letters, digits, ".", "-"; for people only */
	unsigned decimals;
	bool has_price;
	uint64_t price_microcents; /* US cents × 10⁻⁶ for one whole unit */
	int64_t price_recorded_ms;
	struct price_history prices; /* that one included */
};

struct asset_registry;

/* 1 to ASSET_SYMBOL_MAX letters, digits and, between them, "." or "-". */
bool asset_symbol_is_valid(struct bytes symbol);

enum status asset_registry_create(struct asset_registry **registry);
void asset_registry_destroy(struct asset_registry **registry); /* a cleanup function */

/* Adds an asset without a price; an Ethereum contract in any case of letters, which is kept with its checksum. Errors: asset.chain, asset.contract, asset.symbol, asset.decimals; asset.conflict
 * (STATUS_CONFLICT) if the contract is there with another symbol or decimals; the same again is OK; asset.symbol_taken (STATUS_CONFLICT) if
 * another asset of the chain has the symbol, in whichever case, with whatever signs between, or with letters and digits that look alike. */
enum status asset_registry_add(struct asset_registry *registry, struct bytes chain, struct bytes contract,
			       struct bytes symbol, unsigned decimals);
/* Whether it could be added. */
enum status asset_registry_check(const struct asset_registry *registry, struct bytes chain, struct bytes contract,
				 struct bytes symbol, unsigned decimals);
/* Errors: asset.unknown (STATUS_NOT_FOUND); asset.price for a price of zero. */
enum status asset_registry_set_price(struct asset_registry *registry, struct bytes id, uint64_t price_microcents,
				     int64_t recorded_ms);
/* The same by people: how far it fell is counted from this price on. */
enum status asset_registry_reset_price(struct asset_registry *registry, struct bytes id, uint64_t price_microcents,
				       int64_t recorded_ms);
/* From a snapshot: the price that is in force, and what was before. */
enum status asset_registry_restore_price(struct asset_registry *registry, struct bytes id,
					 const struct price_history *prices);

/* Null if it is not registered, or registry is null. Valid until the registry changes. */
const struct asset *asset_find(const struct asset_registry *registry, struct bytes id);
const struct asset *asset_find_contract(const struct asset_registry *registry, struct bytes chain,
					struct bytes contract);
size_t asset_registry_count(const struct asset_registry *registry);
const struct asset *asset_registry_at(const struct asset_registry *registry, size_t index); /* in order of addition */

/* The id of an asset, registered or not, in the arena; contract may be empty. data is null when out of memory. */
struct bytes asset_id(struct arena *arena, struct bytes chain, struct bytes contract);

enum asset_value { ASSET_VALUED, ASSET_PRICE_MISSING, ASSET_PRICE_STALE, ASSET_VALUE_TOO_LARGE };

/* US cents of amount, rounded up. Zero is worth zero without a price. asset may be null: no price. A price is stale if it is
 * older than price_age_max_ms at now_ms, or recorded after it. */
enum asset_value asset_usd_cents(const struct asset *asset, const struct amount *amount, int64_t now_ms,
				 int64_t price_age_max_ms, int64_t *cents);

/* Thousandths of a whole unit, rounded up; false if they exceed int64. */
[[nodiscard]] bool asset_milli_units(const struct amount *amount, unsigned decimals, int64_t *milli);
/* In whole units with as many decimals as it needs: "12.5". */
constexpr size_t ASSET_AMOUNT_TEXT_SIZE = 82; /* 78 digits or 36 decimals, "0.", NUL */
void asset_amount_format(const struct amount *amount, unsigned decimals, char text[static 82]);

#endif
