#include "tests/test.h"

#include <stdio.h>

#include "base/time.h"
#include "guards/limits/limits.h"

static void
spend(struct limits *limits, int64_t at_ms, uint8_t operation, uint8_t identity, const char *destination,
      int64_t cents) {
	const struct limit_part parts[] = {
		{LIMIT_KEY, BYTES_OF_LITERAL("hot"), cents},
		{LIMIT_DESTINATION, bytes_of_text(destination), cents},
	};
	struct spend s = {.at_ms = at_ms, .parts = parts, .part_count = 2};
	memset(s.operation, operation, sizeof s.operation);
	memset(s.identity, identity, sizeof s.identity);
	assert_ok(limits_apply(limits, &s));
}

static int64_t
key_sum(struct limits *limits, enum limit_window window, int64_t at_ms) {
	return limits_sum(limits, LIMIT_KEY, BYTES_OF_LITERAL("hot"), window, at_ms, nullptr, 0);
}

static void
windows_slide_and_are_open_at_their_far_end(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	spend(limits, 0, 1, 1, "a", 100);
	spend(limits, 10 * MINUTE_MS, 2, 2, "a", 10);
	assert_int_equal(110, key_sum(limits, LIMIT_HOUR, 10 * MINUTE_MS));
	assert_int_equal(110, key_sum(limits, LIMIT_HOUR, HOUR_MS - 1));
	assert_int_equal(10, key_sum(limits, LIMIT_HOUR, HOUR_MS));
	assert_int_equal(110, key_sum(limits, LIMIT_DAY, HOUR_MS));
	assert_int_equal(0, key_sum(limits, LIMIT_DAY, 2 * DAY_MS));
	assert_int_equal(110, key_sum(limits, LIMIT_WEEK, 2 * DAY_MS));
	assert_int_equal(0,
			 limits_sum(limits, LIMIT_KEY, BYTES_OF_LITERAL("other"), LIMIT_WEEK, 2 * DAY_MS, nullptr, 0));
}

static void
a_replacement_counts_the_greatest_per_subject(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	spend(limits, 1, 1, 7, "a", 100);
	uint8_t identity[32];
	memset(identity, 7, sizeof identity);
	assert_int_equal(150, limits_sum(limits, LIMIT_KEY, BYTES_OF_LITERAL("hot"), LIMIT_DAY, 2, identity, 150));
	assert_int_equal(100, limits_sum(limits, LIMIT_KEY, BYTES_OF_LITERAL("hot"), LIMIT_DAY, 2, identity, 40));
	assert_int_equal(140, limits_sum(limits, LIMIT_KEY, BYTES_OF_LITERAL("hot"), LIMIT_DAY, 2, nullptr, 40));
	spend(limits, 2, 2, 7, "b", 40);
	assert_int_equal(100, key_sum(limits, LIMIT_DAY, 2));
	spend(limits, 3, 3, 7, "a", 130);
	assert_int_equal(130, key_sum(limits, LIMIT_DAY, 3));
	assert_int_equal(130, limits_sum(limits, LIMIT_DESTINATION, BYTES_OF_LITERAL("a"), LIMIT_DAY, 3, nullptr, 0));
	assert_int_equal(40, limits_sum(limits, LIMIT_DESTINATION, BYTES_OF_LITERAL("b"), LIMIT_DAY, 3, nullptr, 0));
	spend(limits, 4, 4, 8, "a", 5);
	assert_int_equal(135, key_sum(limits, LIMIT_DAY, 4));
}

static void
an_operation_counts_once_however_often_it_is_applied(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	for (int i = 0; i < 3; i++)
		spend(limits, 5, 1, 1, "a", 100);
	assert_int_equal(100, key_sum(limits, LIMIT_DAY, 5));
}

static void
a_release_brings_back_the_next_greatest(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	spend(limits, 1, 1, 7, "a", 100);
	spend(limits, 2, 2, 7, "a", 300);
	uint8_t operation[32];
	memset(operation, 2, sizeof operation);
	assert_ok(limits_release(limits, operation));
	assert_int_equal(100, key_sum(limits, LIMIT_DAY, 2));
	memset(operation, 1, sizeof operation);
	assert_ok(limits_release(limits, operation));
	assert_int_equal(0, key_sum(limits, LIMIT_DAY, 2));
	spend(limits, 3, 2, 7, "a", 300);
	assert_int_equal(0, key_sum(limits, LIMIT_DAY, 3));
	memset(operation, 99, sizeof operation);
	assert_fails(STATUS_NOT_FOUND, "limits.operation", limits_release(limits, operation));
}

static void
a_release_changes_nothing_of_others_of_which_the_first_is_forgotten(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	uint8_t operation[32];
	assert_ok(limits_create(&limits));
	spend(limits, 0, 1, 7, "a", 100);
	spend(limits, 6 * DAY_MS, 2, 7, "a", 40);
	spend(limits, 6 * DAY_MS, 3, 7, "b", 50);
	limits_expire(limits, 7 * DAY_MS);
	spend(limits, 7 * DAY_MS, 4, 8, "a", 5);
	assert_int_equal(105, key_sum(limits, LIMIT_WEEK, 7 * DAY_MS));
	memset(operation, 4, sizeof operation);
	assert_ok(limits_release(limits, operation));
	assert_int_equal(100, key_sum(limits, LIMIT_WEEK, 7 * DAY_MS));
	memset(operation, 3, sizeof operation);
	assert_ok(limits_release(limits, operation));
	assert_int_equal(100, key_sum(limits, LIMIT_WEEK, 7 * DAY_MS));
}

static enum status
note_parts(void *context, const struct spend *told) {
	struct buffer *text = context;
	for (size_t i = 0; i < told->part_count; i++) {
		buffer_append_text(text, limit_dimension_names[told->parts[i].dimension]);
		buffer_append_text(text, " ");
		buffer_append_bytes(text, told->parts[i].subject);
		buffer_append_text(text, ",");
	}
	return buffer_status(text);
}

/* Whoever hears of a spend hears the same after a restart. */
static void
what_a_spend_counted_is_told_in_one_order(void **) {
	static const char expected[] = "key hot,destination a,destination b,destination c,";
	_cleanup_(limits_destroy) struct limits *limits = nullptr, *read = nullptr;
	_cleanup_(buffer_free) struct buffer snapshot = {}, told = {}, after = {};
	const struct limit_part parts[] = {{LIMIT_DESTINATION, BYTES_OF_LITERAL("c"), 1},
					   {LIMIT_DESTINATION, BYTES_OF_LITERAL("a"), 1},
					   {LIMIT_KEY, BYTES_OF_LITERAL("hot"), 3},
					   {LIMIT_DESTINATION, BYTES_OF_LITERAL("b"), 1},
					   {LIMIT_DESTINATION, BYTES_OF_LITERAL("a"), 1}};
	uint64_t from = 0, again = 0;
	assert_ok(limits_create(&limits));
	assert_ok(limits_create(&read));
	assert_ok(limits_apply(limits, &(struct spend){.at_ms = 1, .parts = parts, .part_count = ARRAY_LENGTH(parts)}));
	assert_ok(limits_visit(limits, &from, note_parts, &told));
	assert_bytes(bytes_of_text(expected), buffer_bytes(&told));
	assert_ok(limits_write(limits, &snapshot));
	assert_ok(limits_read(read, buffer_bytes(&snapshot)));
	assert_ok(limits_visit(read, &again, note_parts, &after));
	assert_bytes(bytes_of_text(expected), buffer_bytes(&after));
	assert_int_equal(from, again);
}

struct seen {
	size_t count;
	int64_t cents;
};

static void
see(void *context, struct bytes subject, int64_t cents) {
	struct seen *seen = context;
	assert_bytes(BYTES_OF_LITERAL("a"), subject);
	seen->count++;
	seen->cents += cents;
}

static void
what_an_operation_paid_is_told_and_nothing_of_others_nor_what_it_only_allowed(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	struct seen seen = {}, none = {};
	uint8_t operation[32];
	assert_ok(limits_create(&limits));
	spend(limits, 1, 1, 7, "a", 100);
	spend(limits, 2, 2, 8, "b", 300);
	memset(operation, 1, sizeof operation);
	limits_visit_paid(limits, operation, see, &seen);
	assert_int_equal(1, seen.count);
	assert_int_equal(100, seen.cents);
	struct spend allowance = {.at_ms = 3,
				  .operation = {9},
				  .identity = {9},
				  .is_allowance = true,
				  .parts = &(struct limit_part){LIMIT_DESTINATION, BYTES_OF_LITERAL("a"), 5},
				  .part_count = 1};
	assert_ok(limits_apply(limits, &allowance));
	assert_int_equal(105, limits_sum(limits, LIMIT_DESTINATION, BYTES_OF_LITERAL("a"), LIMIT_DAY, 3, nullptr, 0));
	limits_visit_paid(limits, allowance.operation, see, &none);
	memset(operation, 8, sizeof operation);
	limits_visit_paid(limits, operation, see, &none);
	assert_int_equal(0, none.count);
}

static void
time_does_not_go_back(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	spend(limits, 10, 1, 1, "a", 1);
	struct spend early = {.at_ms = 9, .operation = {2}};
	assert_fails(STATUS_INTERNAL, "limits.time", limits_apply(limits, &early));
}

static void
write_down(struct limits *limits, int64_t now_ms, struct buffer *to) {
	limits_expire(limits, now_ms);
	buffer_reset(to);
	assert_ok(limits_write(limits, to));
}

/* Swept at every step, written down and read again at some: the same as limits that only ever count. */
static void
what_was_forgotten_or_read_from_a_snapshot_counts_the_same(void **) {
	for (uint32_t seed = 1; seed <= 10; seed++) {
		_cleanup_(limits_destroy) struct limits *plain = nullptr, *swept = nullptr;
		_cleanup_(buffer_free) struct buffer first = {}, second = {};
		uint32_t random = seed;
		int64_t now = 0;
		assert_ok(limits_create(&plain));
		assert_ok(limits_create(&swept));
		for (int n = 0; n < 300; n++) {
			random = random * 1'664'525 + 1'013'904'223;
			now += random >> 8 & 0x1fff'fff;
			const struct limit_part parts[] = {
				{LIMIT_KEY, BYTES_OF_LITERAL("hot"), random >> 20},
				{LIMIT_ASSET, n % 3 ? BYTES_OF_LITERAL("a") : BYTES_OF_LITERAL("b"), random >> 22}};
			struct spend s = {.at_ms = now, .parts = parts, .part_count = 2};
			snprintf((char *)s.operation, sizeof s.operation, "operation %d", n);
			bool may_be_released = n % 5 == 3;
			s.identity[0] = may_be_released ? 0xff : (uint8_t)((random >> 4) % 20);
			s.identity[1] = may_be_released ? (uint8_t)n : 0;
			assert_ok(limits_apply(plain, &s));
			assert_ok(limits_apply(swept, &s));
			int victim = n - (int)((random >> 12) % 40);
			snprintf((char *)s.operation, sizeof s.operation, "operation %d", victim);
			if (victim % 5 == 3 && limits_release(swept, s.operation) == OK)
				assert_ok(limits_release(plain, s.operation));
			write_down(swept, now, &second);
			for (size_t window = 0; window < LIMIT_WINDOWS; window++)
				assert_int_equal(key_sum(plain, (enum limit_window)window, now),
						 key_sum(swept, (enum limit_window)window, now));
			if (n % 11 == 5) {
				limits_destroy(&swept);
				assert_ok(limits_create(&swept));
				assert_ok(limits_read(swept, buffer_bytes(&second)));
			}
		}
		write_down(plain, now, &first);
		write_down(swept, now, &second);
		assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	}
}

/* What comes takes the places of what has left. */
static void
an_hourly_spend_counts_a_week_of_them_for_weeks_on_end(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	for (int n = 0; n < 2'000; n++) {
		const struct limit_part part = {LIMIT_KEY, BYTES_OF_LITERAL("hot"), n};
		struct spend s = {.at_ms = n * HOUR_MS, .parts = &part, .part_count = 1};
		int first = n < 7 * 24 ? 0 : n - 7 * 24 + 1;
		snprintf((char *)s.operation, sizeof s.operation, "operation %d", n);
		memcpy(s.identity, s.operation, sizeof s.identity);
		assert_ok(limits_apply(limits, &s));
		limits_expire(limits, s.at_ms);
		assert_int_equal((first + n) * (n - first + 1) / 2, key_sum(limits, LIMIT_WEEK, s.at_ms));
		assert_true(limits_holds(limits, s.operation));
	}
}

static void
every_cut_of_a_snapshot_is_refused(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	_cleanup_(buffer_free) struct buffer snapshot = {};
	assert_ok(limits_create(&limits));
	spend(limits, 1, 1, 7, "a", 100);
	spend(limits, 2, 2, 7, "a", 300);
	assert_ok(limits_write(limits, &snapshot));
	for (size_t len = 0; len < snapshot.len; len++) {
		_cleanup_(limits_destroy) struct limits *read = nullptr;
		assert_ok(limits_create(&read));
		assert_fails(STATUS_CORRUPT, "limits.snapshot", limits_read(read, bytes_of(snapshot.data, len)));
	}
	snapshot.data[0]++;
	_cleanup_(limits_destroy) struct limits *read = nullptr;
	assert_ok(limits_create(&read));
	assert_fails(STATUS_UNSUPPORTED, "limits.snapshot", limits_read(read, buffer_bytes(&snapshot)));
}

/* The definition, computed the slow way, against the guard, under random spends, replacements and releases. What had left every
 * window when its replacement came does not count in it. */
static void
sums_are_those_of_each_part(struct limits *limits, const struct spend *spend, int64_t at_ms) {
	struct limit_part parts[2] = {spend->parts[0], {LIMIT_DESK, BYTES_OF_LITERAL("never"), 5}};
	struct spend asked = *spend;
	int64_t sums[2][LIMIT_WINDOWS];
	asked.parts = parts;
	asked.part_count = 2;
	limits_sums(limits, &asked, at_ms, sums);
	for (int window = 0; window < LIMIT_WINDOWS; window++)
		for (size_t i = 0; i < asked.part_count; i++)
			assert_int_equal(limits_sum(limits, parts[i].dimension, parts[i].subject,
						    (enum limit_window)window, at_ms, spend->identity, parts[i].cents),
					 sums[i][window]);
}

static void
agrees_with_the_definition_under_random_histories(void **) {
	enum { SPENDS = 400, IDENTITIES = 60 };
	struct {
		int64_t at, cents;
		uint8_t identity;
		bool released;
	} history[SPENDS];
	for (uint32_t seed = 1; seed <= 20; seed++) {
		_cleanup_(limits_destroy) struct limits *limits = nullptr;
		assert_ok(limits_create(&limits));
		uint32_t random = seed;
		int64_t now = 0;
		for (int n = 0; n < SPENDS; n++) {
			random = random * 1'664'525 + 1'013'904'223;
			now += random >> 8 & 0xffff'ff;
			history[n].at = now;
			history[n].cents = random >> 20;
			history[n].identity = (uint8_t)(n < 10 ? n : (int)((random >> 4) % IDENTITIES) % (n / 2 + 1));
			history[n].released = false;
			struct limit_part part = {LIMIT_KEY, BYTES_OF_LITERAL("hot"), history[n].cents};
			struct spend s = {.at_ms = now, .parts = &part, .part_count = 1};
			snprintf((char *)s.operation, sizeof s.operation, "operation %d", n);
			s.identity[0] = history[n].identity;
			sums_are_those_of_each_part(limits, &s, now);
			assert_ok(limits_apply(limits, &s));
			if (n % 7 == 3) {
				int victim = n - (int)(random % 3);
				history[victim].released = true;
				snprintf((char *)s.operation, sizeof s.operation, "operation %d", victim);
				enum status released = limits_release(limits, s.operation);
				assert_int_equal(OK, released);
			}
			for (size_t window = 0; window < LIMIT_WINDOWS; window++) {
				int64_t expected = 0;
				for (int identity = 0; identity < 256; identity++) {
					int64_t greatest = 0, last = INT64_MIN;
					for (int i = 0; i <= n; i++)
						if (history[i].identity == identity) {
							if (history[i].at - limit_window_ms[LIMIT_WEEK] >= last)
								greatest = 0;
							last = history[i].at;
							if (!history[i].released && history[i].cents > greatest)
								greatest = history[i].cents;
						}
					if (last > now - limit_window_ms[window])
						expected += greatest;
				}
				assert_int_equal(expected, key_sum(limits, (enum limit_window)window, now));
			}
		}
	}
}

/* --- Against a list of all spends: what they counted in whatever order they came, were given back, were swept and were read again. --- */

constexpr int SUBJECTS = 5, IDENTITIES_OF_MODEL = 12, STEPS_OF_MODEL = 600;

static const struct {
	enum limit_dimension dimension;
	struct bytes name;
} SUBJECT[] = {
	{LIMIT_KEY, {(const uint8_t *)"hot", 3}},       {LIMIT_DESTINATION, {(const uint8_t *)"a", 1}},
	{LIMIT_DESTINATION, {(const uint8_t *)"b", 1}}, {LIMIT_DESTINATION, {(const uint8_t *)"c", 1}},
	{LIMIT_ASSET, {(const uint8_t *)"a", 1}},
};

struct listed {
	int64_t at_ms, cents[5]; /* of each subject; -1: none */
	uint8_t identity;
	bool is_released;
};

struct model {
	struct limits *limits;
	struct listed spends[600];
	int count;
	uint32_t random;
	int64_t now_ms, swept_ms; /* until then what is a week old is forgotten */
};

static uint32_t
draw(struct model *model, uint32_t below) {
	model->random = model->random * 1'664'525 + 1'013'904'223;
	return (uint32_t)((uint64_t)(model->random >> 4) * below >> 28);
}

/* What one identity counts of a subject, and since when; of those that are forgotten alone where is_forgotten. */
static int64_t
greatest_of(const struct model *model, int identity, int subject, bool is_forgotten, int64_t *last_ms) {
	int64_t greatest = 0;
	*last_ms = INT64_MIN;
	for (int i = 0; i < model->count; i++) {
		const struct listed *spend = &model->spends[i];
		bool is_seen = !is_forgotten || spend->at_ms <= model->swept_ms - limit_window_ms[LIMIT_WEEK];
		if (spend->identity != identity || spend->cents[subject] < 0)
			continue;
		if (spend->at_ms - limit_window_ms[LIMIT_WEEK] >= *last_ms)
			greatest = 0;
		*last_ms = spend->at_ms;
		if (is_seen && !spend->is_released && spend->cents[subject] > greatest)
			greatest = spend->cents[subject];
	}
	return greatest;
}

/* As if the asked identity had spent so much more; -1: nobody is asked about. */
static int64_t
expected_sum(const struct model *model, int subject, int window, int asked, int64_t cents) {
	int64_t sum = asked < 0 ? 0 : cents;
	for (int identity = 0; identity < IDENTITIES_OF_MODEL; identity++) {
		int64_t last_ms, greatest = greatest_of(model, identity, subject, false, &last_ms);
		if (identity == asked && last_ms > model->now_ms - limit_window_ms[LIMIT_WEEK])
			sum += greatest > cents ? greatest - cents : 0;
		else if (last_ms > model->now_ms - limit_window_ms[window])
			sum += greatest;
	}
	return sum;
}

static void
assert_model(struct model *model) {
	int asked = (int)draw(model, IDENTITIES_OF_MODEL + 1) - 1;
	uint8_t identity[32] = {(uint8_t)asked};
	int64_t cents = asked < 0 ? 0 : draw(model, 1000);
	for (int subject = 0; subject < SUBJECTS; subject++)
		for (int window = 0; window < LIMIT_WINDOWS; window++) {
			int64_t sum = limits_sum(model->limits, SUBJECT[subject].dimension, SUBJECT[subject].name,
						 (enum limit_window)window, model->now_ms,
						 asked < 0 ? nullptr : identity, cents);
			int64_t expected = expected_sum(model, subject, window, asked, cents);
			if (sum != expected)
				fail_msg("step %d, subject %d, window %d, asked %d: %lld, expected %lld", model->count,
					 subject, window, asked, (long long)sum, (long long)expected);
		}
}

static void
name_operation(int number, uint8_t operation[32]) {
	memset(operation, 0, 32);
	store_u32be(operation, (uint32_t)number);
}

static void
spend_some(struct model *model) {
	struct limit_part parts[8];
	struct listed *listed = &model->spends[model->count];
	struct spend spend = {.at_ms = model->now_ms, .parts = parts, .part_count = 1 + draw(model, 8)};
	*listed =
		(struct listed){model->now_ms, {-1, -1, -1, -1, -1}, (uint8_t)draw(model, IDENTITIES_OF_MODEL), false};
	for (size_t i = 0; i < spend.part_count; i++) {
		uint32_t subject = draw(model, (uint32_t)SUBJECTS), cents = draw(model, 4) == 0 ? 0 : draw(model, 1000);
		int64_t *all = &listed->cents[subject];
		parts[i] = (struct limit_part){SUBJECT[subject].dimension, SUBJECT[subject].name, cents};
		*all = (*all < 0 ? 0 : *all) + cents;
	}
	spend.identity[0] = listed->identity;
	name_operation(model->count++, spend.operation);
	assert_ok(limits_apply(model->limits, &spend));
	assert_true(limits_holds(model->limits, spend.operation));
	if (draw(model, 4) == 0)
		assert_ok(limits_apply(model->limits, &spend)); /* the same once more */
}

/* One that is no less than what its identity has forgotten would take that with it until all of them leave the week. */
static bool
hides_what_is_forgotten(const struct model *model, const struct listed *spend) {
	for (int subject = 0; subject < SUBJECTS; subject++) {
		int64_t last_ms, forgotten = greatest_of(model, spend->identity, subject, true, &last_ms);
		if (forgotten > 0 && spend->cents[subject] >= forgotten)
			return true;
	}
	return false;
}

static void
give_back_one(struct model *model) {
	uint8_t operation[32];
	int number = model->count - 1 - (int)draw(model, 60);
	if (number < 0 || hides_what_is_forgotten(model, &model->spends[number]))
		return;
	name_operation(number, operation);
	bool is_forgotten = model->spends[number].at_ms <= model->swept_ms - limit_window_ms[LIMIT_WEEK];
	assert_int_equal(is_forgotten ? STATUS_NOT_FOUND : OK, limits_release(model->limits, operation));
	assert_false(limits_holds(model->limits, operation));
	model->spends[number].is_released |= !is_forgotten;
}

static void
read_again(struct model *model) {
	_cleanup_(buffer_free) struct buffer snapshot = {}, again = {};
	assert_ok(limits_write(model->limits, &snapshot));
	limits_destroy(&model->limits);
	assert_ok(limits_create(&model->limits));
	assert_ok(limits_read(model->limits, buffer_bytes(&snapshot)));
	assert_ok(limits_write(model->limits, &again));
	assert_bytes(buffer_bytes(&snapshot), buffer_bytes(&again));
}

static void
agrees_with_a_list_of_all_spends_whatever_happens_to_them(void **) {
	for (uint32_t seed = 1; seed <= 12; seed++) {
		struct model model = {.random = seed};
		assert_ok(limits_create(&model.limits));
		while (model.count < STEPS_OF_MODEL) {
			if (draw(&model, 3) > 0) /* else at the same time */
				model.now_ms += draw(&model, 12) == 0 ? draw(&model, 9) * DAY_MS
								      : draw(&model, 16) * HOUR_MS / 2;
			if (draw(&model, 3) == 0)
				assert_model(&model);
			spend_some(&model);
			if (draw(&model, 4) == 0)
				give_back_one(&model);
			if (draw(&model, 5) == 0)
				limits_expire(model.limits, model.swept_ms = model.now_ms);
			if (draw(&model, 20) == 0)
				read_again(&model);
			assert_model(&model);
		}
		limits_destroy(&model.limits);
	}
}

static void
what_left_every_window_is_forgotten_and_changes_no_sum(void **) {
	_cleanup_(limits_destroy) struct limits *limits = nullptr;
	assert_ok(limits_create(&limits));
	spend(limits, 0, 1, 1, "a", 100);
	spend(limits, 6 * DAY_MS, 2, 2, "a", 10);
	limits_expire(limits, 8 * DAY_MS);
	assert_int_equal(10, key_sum(limits, LIMIT_WEEK, 8 * DAY_MS));
	spend(limits, 8 * DAY_MS, 3, 1, "a", 7);
	assert_int_equal(17, key_sum(limits, LIMIT_WEEK, 8 * DAY_MS));
	assert_int_equal(7, key_sum(limits, LIMIT_DAY, 8 * DAY_MS));
}

RUN_TESTS(T(windows_slide_and_are_open_at_their_far_end), T(a_replacement_counts_the_greatest_per_subject),
	  T(an_operation_counts_once_however_often_it_is_applied), T(a_release_brings_back_the_next_greatest),
	  T(a_release_changes_nothing_of_others_of_which_the_first_is_forgotten),
	  T(what_a_spend_counted_is_told_in_one_order),
	  T(what_an_operation_paid_is_told_and_nothing_of_others_nor_what_it_only_allowed), T(time_does_not_go_back),
	  T(agrees_with_the_definition_under_random_histories),
	  T(agrees_with_a_list_of_all_spends_whatever_happens_to_them), T(every_cut_of_a_snapshot_is_refused),
	  T(an_hourly_spend_counts_a_week_of_them_for_weeks_on_end),
	  T(what_was_forgotten_or_read_from_a_snapshot_counts_the_same),
	  T(what_left_every_window_is_forgotten_and_changes_no_sum))
