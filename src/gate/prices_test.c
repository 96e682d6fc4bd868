#include "tests/test.h"

#include "base/time.h"
#include "tests/gate_fixture.h"

#define NATIVE "asset:eip155:1/native"

/* In US dollars for one ether, of which there are 3,000 at first. */
static enum operation_state
set_price(struct bench_gate *b, enum firm_member by, unsigned long dollars) {
	_cleanup_(submitted_free) struct submitted s;
	char payload[64];
	snprintf(payload, sizeof payload, "{\"microcents\":%lu}", dollars * 100'000'000);
	submit(b, &(struct firm_operation){.by = by, .kind = "price.set", .resource = NATIVE, .payload = payload}, &s);
	assert_ok(s.status);
	if (s.step.state != OPERATION_HELD)
		return s.step.state;
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, FIRM_PERSON_1, "approve"));
	enum operation_state state = vote(b, s.step.operation, FIRM_PERSON_2, "approve");
	return state == OPERATION_HELD ? vote(b, s.step.operation, FIRM_PERSON_5, "approve") : state;
}

static uint64_t
dollars_of(const struct bench_gate *b) {
	return asset_find(b->gate->state->assets, BYTES_OF_LITERAL("eip155:1/native"))->price_microcents / 100'000'000;
}

/* As long as the feed is heard: what it reached. */
static uint64_t
walk_down(struct bench_gate *b) {
	for (uint64_t price = dollars_of(b); set_price(b, FIRM_PRICES, price) == OPERATION_DONE;
	     price = price * 19 / 20)
		b->now_ms += MINUTE_MS;
	return dollars_of(b);
}

static void
the_feed_cannot_walk_a_price_below_every_limit(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	b.now_ms += HOUR_MS;
	assert_in_range(walk_down(&b), 2400, 2500);
	struct firm_operation large = transfer(1000, 0, payload); /* 10 ether: held at 3,000 dollars, and still */
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &large, &s);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_restarts_alike(&b); /* what was highest is known after it */
	assert_int_equal(OPERATION_DENIED, set_price(&b, FIRM_PRICES, 2300));
	assert_replays(&b, (uint64_t)b.submissions + 1); /* each decides, and the last vote on the key */
}

static void
nor_day_by_day_within_a_week(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (int day = 0; day < 6; day++) {
		b.now_ms += DAY_MS + HOUR_MS;
		assert_true(walk_down(&b) >= 1800);
	}
	assert_in_range(dollars_of(&b), 1800, 1900);
}

static void
after_a_crash_people_set_the_price_and_the_feed_goes_on_from_there(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	b.now_ms += HOUR_MS;
	walk_down(&b);
	assert_int_equal(OPERATION_DENIED, set_price(&b, FIRM_PRICES, 2300));
	assert_int_equal(OPERATION_DONE, set_price(&b, FIRM_PERSON_4, 1000));
	assert_int_equal(OPERATION_DONE, set_price(&b, FIRM_PRICES, 950));
	assert_restarts_alike(&b);
	assert_in_range(walk_down(&b), 800, 850);
}

/* --- What a transfer is worth. --- */

#define USDC "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
#define WETH "C02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2" /* nobody has said what it is worth */

/* Where it is denied: by what, and only by that. */
static void
assert_signed(struct bench_gate *b, const struct firm_operation *operation, bool permitted, const char *fact) {
	_cleanup_(submitted_free) struct submitted s;
	submit(b, operation, &s);
	assert_ok(s.status);
	assert_int_equal(permitted ? OPERATION_DONE : OPERATION_DENIED, s.step.state);
	struct bytes facts = s.step.record->facts;
	if (memmem(facts.data, facts.len, fact, strlen(fact)) == nullptr)
		fail_msg("not stated: %s", fact);
	assert_int_equal(1, s.step.record->reason_count);
	assert_bytes(bytes_of_text(permitted ? "small_transfer" : "value_unknown"), s.step.record->reasons[0].policy);
}

static const char fresh[] = "\"transfer.price_missing\":false,\"transfer.price_stale\":false",
		  stale[] = "\"transfer.price_missing\":false,\"transfer.price_stale\":true",
		  missing[] = "\"transfer.price_missing\":true,\"transfer.price_stale\":false";

/* Prices are an hour old at most: of the asset that moves, and of the one that pays the fee. */
static void
a_price_holds_for_an_hour_and_no_millisecond_more(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char native[512], token[512];
	set_up(&b);
	make_hot_key(&b);
	b.now_ms = START_MS + HOUR_MS;
	struct firm_operation operation = transfer(10, 0, native), call = token_call("a9059cbb", USDC, 1, 1, token);
	assert_signed(&b, &operation, true, fresh);
	assert_signed(&b, &call, true, fresh);
	b.now_ms++;
	operation = transfer(10, 2, native);
	call = token_call("a9059cbb", USDC, 1, 2, token);
	assert_signed(&b, &operation, false, stale);
	assert_signed(&b, &call, false, stale);
	assert_int_equal(OPERATION_DONE, set_price(&b, FIRM_PRICES, 3000));
	assert_signed(&b, &call, false, stale); /* the token's own is no younger */
	assert_signed(&b, &operation, true, fresh);
	assert_honest(&b);
}

/* Nobody's vote stands for a price that has grown old while it was waited for. */
static void
what_waits_is_decided_by_the_price_of_its_last_vote(void **) {
	static const int64_t ages[] = {HOUR_MS, HOUR_MS + 1};
	for (size_t i = 0; i < ARRAY_LENGTH(ages); i++) {
		_cleanup_(tear_down) struct bench_gate b;
		_cleanup_(submitted_free) struct submitted s;
		char payload[512];
		set_up(&b);
		make_hot_key(&b);
		struct firm_operation large = transfer(1000, 0, payload);
		large.lifetime_ms = DAY_MS;
		submit(&b, &large, &s);
		assert_int_equal(OPERATION_HELD, s.step.state);
		b.now_ms = START_MS + ages[i] - MINUTE_MS;
		assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
		b.now_ms = START_MS + ages[i];
		assert_int_equal(i == 0 ? OPERATION_DONE : OPERATION_DENIED,
				 vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
		assert_honest(&b);
	}
}

static void
what_nobody_has_priced_is_not_moved(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	ask(&b, "asset.add", "system:gatehouse",
	    "{\"chain\":\"eip155:1\",\"contract\":\"0x" WETH "\",\"decimals\":18,\"symbol\":\"WETH\"}");
	struct firm_operation call = token_call("a9059cbb", WETH, 1, 0, payload);
	assert_signed(&b, &call, false, missing);
	assert_restarts_alike(&b);
	assert_signed(&b, &call, false, missing);
	assert_honest(&b);
}

RUN_TESTS(T(the_feed_cannot_walk_a_price_below_every_limit), T(nor_day_by_day_within_a_week),
	  T(after_a_crash_people_set_the_price_and_the_feed_goes_on_from_there),
	  T(a_price_holds_for_an_hour_and_no_millisecond_more), T(what_waits_is_decided_by_the_price_of_its_last_vote),
	  T(what_nobody_has_priced_is_not_moved))
