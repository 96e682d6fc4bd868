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

RUN_TESTS(T(the_feed_cannot_walk_a_price_below_every_limit), T(nor_day_by_day_within_a_week),
	  T(after_a_crash_people_set_the_price_and_the_feed_goes_on_from_there))
