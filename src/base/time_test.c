#include "tests/test.h"
#include "base/time.h"

/* Computed with Python's datetime. */
static const struct {
	const char *text;
	int64_t time_ms;
} KNOWN[] = {
	{"1970-01-01T00:00:00.000Z", INT64_C(0)},
	{"2000-02-29T23:59:59.999Z", INT64_C(951868799999)},
	{"1900-02-28T00:00:00.001Z", INT64_C(-2203977599999)},
	{"1600-02-29T12:00:00.000Z", INT64_C(-11670955200000)},
	{"0001-01-01T00:00:00.000Z", INT64_C(-62135596800000)},
	{"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
	{"2026-11-21T09:30:00.250Z", INT64_C(1795253400250)},
	{"1969-12-31T23:59:59.999Z", INT64_C(-1)},
	{"2100-03-01T00:00:00.000Z", INT64_C(4107542400000)},
	{"2038-01-19T03:14:08.000Z", INT64_C(2147483648000)},
};

static void
times_agree_with_known_answers(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(KNOWN); i++) {
		char text[TIME_TEXT_SIZE];
		int64_t time_ms;
		time_format(KNOWN[i].time_ms, text);
		assert_string_equal(KNOWN[i].text, text);
		assert_ok(time_parse(bytes_of_text(KNOWN[i].text), &time_ms));
		assert_true(KNOWN[i].time_ms == time_ms);
	}
}

static void
other_spellings_of_one_instant_are_equal(void **) {
	static const char *const spellings[] = {"2026-11-21T09:30:00.250Z", "2026-11-21T09:30:00.25Z",
						"2026-11-21T10:30:00.250+01:00", "2026-11-21T00:00:00.250-09:30",
						"2026-11-22T09:29:00.250+23:59"};
	for (size_t i = 0; i < ARRAY_LENGTH(spellings); i++) {
		int64_t time_ms;
		assert_ok(time_parse(bytes_of_text(spellings[i]), &time_ms));
		assert_true(time_ms == INT64_C(1795253400250));
	}
}

static void
every_day_of_eight_centuries_comes_back_and_follows_the_last(void **) {
	int64_t year_before = 1599;
	int month_before = 12, day_before = 31;
	int64_t first = time_days_from_date(1600, 1, 1), last = time_days_from_date(2400, 12, 31);
	for (int64_t days = first; days <= last; days++) {
		int64_t year;
		int month, day;
		time_date_from_days(days, &year, &month, &day);
		assert_true(time_days_from_date(year, month, day) == days);
		bool next_day = year == year_before && month == month_before && day == day_before + 1;
		bool next_month = year == year_before && month == month_before + 1 && day == 1 && day_before >= 28;
		bool next_year =
			year == year_before + 1 && month == 1 && day == 1 && month_before == 12 && day_before == 31;
		assert_true(next_day || next_month || next_year);
		year_before = year, month_before = month, day_before = day;
	}
}

static void
bad_times_are_refused_by_name(void **) {
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"", "time.syntax"},
		{"2026-11-21", "time.syntax"},
		{"2026-11-21 09:30:00Z", "time.syntax"},
		{"2026-11-21t09:30:00Z", "time.syntax"},
		{"26-11-21T09:30:00Z", "time.syntax"},
		{"2026-00-21T09:30:00Z", "time.syntax"},
		{"2026-13-21T09:30:00Z", "time.syntax"},
		{"2026-11-00T09:30:00Z", "time.syntax"},
		{"2026-11-31T09:30:00Z", "time.syntax"},
		{"2026-02-29T09:30:00Z", "time.syntax"},
		{"1900-02-29T09:30:00Z", "time.syntax"},
		{"2026-11-21T24:00:00Z", "time.syntax"},
		{"2026-11-21T09:60:00Z", "time.syntax"},
		{"2026-11-21T09:30:60Z", "time.syntax"},
		{"2026-11-21T09:30:0", "time.syntax"},
		{"+026-11-21T09:30:00Z", "time.syntax"},
		{"2026-11-21T09:30:00.Z", "time.fraction"},
		{"2026-11-21T09:30:00.0000Z", "time.fraction"},
		{"2026-11-21T09:30:00", "time.offset"},
		{"2026-11-21T09:30:00z", "time.offset"},
		{"2026-11-21T09:30:00+0100", "time.offset"},
		{"2026-11-21T09:30:00+24:00", "time.offset"},
		{"2026-11-21T09:30:00+01:60", "time.offset"},
		{"2026-11-21T09:30:00Z ", "time.trailing"},
		{"2026-11-21T09:30:00+01:00Z", "time.trailing"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t time_ms;
		assert_fails(STATUS_INVALID, cases[i].name, time_parse(bytes_of_text(cases[i].text), &time_ms));
	}
}

RUN_TESTS(T(times_agree_with_known_answers), T(other_spellings_of_one_instant_are_equal),
	  T(every_day_of_eight_centuries_comes_back_and_follows_the_last), T(bad_times_are_refused_by_name))
