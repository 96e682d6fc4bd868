#include "gate/change_assets.h"

enum status
can_asset_add(const struct gate_state *state, const struct change *change) {
	struct bytes chain, symbol;
	int64_t decimals;
	TRY(json_need_string(change->payload, "payload", "chain", &chain));
	TRY(json_need_string(change->payload, "payload", "symbol", &symbol));
	TRY(json_need_integer(change->payload, "payload", "decimals", &decimals));
	return asset_registry_check(state->assets, chain, payload_text(change->payload, "contract"), symbol,
				    (unsigned)decimals);
}

enum status
can_price_set(const struct gate_state *state, const struct change *change) {
	return asset_find(state->assets, change->resource_id) != nullptr
		       ? OK
		       : fail(STATUS_NOT_FOUND, "asset.unknown: %.*s is not registered",
			      BYTES_ARGS(change->resource_id));
}

enum status
change_asset_add(struct gate_state *state, const struct change *change) {
	struct bytes chain, symbol;
	int64_t decimals;
	TRY(json_need_string(change->payload, "payload", "chain", &chain));
	TRY(json_need_string(change->payload, "payload", "symbol", &symbol));
	TRY(json_need_integer(change->payload, "payload", "decimals", &decimals));
	if (decimals < 0 || decimals > ASSET_DECIMALS_MAX)
		return fail(STATUS_INVALID, "payload.decimals: expected 0 to %u", ASSET_DECIMALS_MAX);
	return asset_registry_add(state->assets, chain, payload_text(change->payload, "contract"), symbol,
				  (unsigned)decimals);
}

enum status
change_price_set(struct gate_state *state, const struct change *change) {
	int64_t price;
	TRY(json_need_integer(change->payload, "payload", "microcents", &price));
	if (price <= 0)
		return fail(STATUS_INVALID, "payload.microcents: a price is above zero");
	static const char workload[] = "workload:";
	struct bytes by = change->operation->principal;
	bool is_by_program = by.len > strlen(workload) && memcmp(by.data, workload, strlen(workload)) == 0;
	return is_by_program
		       ? asset_registry_set_price(state->assets, change->resource_id, (uint64_t)price, change->now_ms)
		       : asset_registry_reset_price(state->assets, change->resource_id, (uint64_t)price,
						    change->now_ms);
}

void
facts_of_price_set(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct asset *asset = asset_find(state->assets, change->resource_id);
	const json *price = json_get(change->payload, "microcents");
	if (asset == nullptr || price == nullptr || json_type_of(price) != JSON_INTEGER || json_integer(price) <= 0)
		return;
	facts_add_boolean(facts, "price.is_first", FACT_VERIFIED, !asset->has_price);
	if (!asset->has_price)
		return;
	uint64_t now = (uint64_t)json_integer(price), before = asset->price_microcents;
	unsigned __int128 step = (unsigned __int128)(now > before ? now - before : before - now) * 10'000;
	step = (step + before - 1) / before;
	facts_add_long(facts, "price.step_basis_points", FACT_VERIFIED,
		       step > (unsigned __int128)JSON_INTEGER_MAX ? JSON_INTEGER_MAX : (int64_t)step);
	static const char *const falls[PRICE_PERIODS] = {
		[PRICE_DAY] = "price.day_fall_basis_points", [PRICE_WEEK] = "price.week_fall_basis_points"};
	for (int period = 0; period < PRICE_PERIODS; period++)
		facts_add_long(facts, falls[period], FACT_VERIFIED,
			       price_history_fall(&asset->prices, (enum price_period)period, now, change->now_ms));
	facts_add_long(facts, "price.age_ms", FACT_VERIFIED, change->now_ms - asset->price_recorded_ms);
}
