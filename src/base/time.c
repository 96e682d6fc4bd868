#include "base/time.h"

#include <stdio.h>

/* Counts in 400-year eras of 146,097 days, with years that begin in March, so that the leap day is a year's last. */
int64_t
time_days_from_date(int64_t year, int month, int day) {
	int64_t shifted = month <= 2 ? year - 1 : year;
	int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
	int64_t year_of_era = shifted - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146'097 + day_of_era - 719'468;
}

void
time_date_from_days(int64_t days, int64_t *year, int *month, int *day) {
	int64_t shifted = days + 719'468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
	int64_t day_of_era = shifted - era * 146'097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t march_month = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
	*month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

void
time_format(int64_t time_ms, char *text) {
	int64_t days = time_ms / DAY_MS, rest = time_ms % DAY_MS, year;
	int month, day;
	if (rest < 0) {
		rest += DAY_MS;
		days--;
	}
	time_date_from_days(days, &year, &month, &day);
	snprintf(text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month, day,
		 (int)(rest / HOUR_MS), (int)(rest / MINUTE_MS % 60), (int)(rest / SECOND_MS % 60), (int)(rest % 1000));
}

static bool
read_digits(struct bytes text, size_t at, size_t count, int *number) {
	*number = 0;
	if (at + count > text.len)
		return false;
	for (size_t i = at; i < at + count; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*number = *number * 10 + (text.data[i] - '0');
	}
	return true;
}

static bool
has_character(struct bytes text, size_t at, char character) {
	return at < text.len && text.data[at] == (uint8_t)character;
}

static int
days_in_month(int year, int month) {
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

enum status
time_parse(struct bytes text, int64_t *time_ms) {
	int year, month, day, hour, minute, second, millisecond = 0;
	bool valid = read_digits(text, 0, 4, &year) && has_character(text, 4, '-') && read_digits(text, 5, 2, &month) &&
		     has_character(text, 7, '-') && read_digits(text, 8, 2, &day) && has_character(text, 10, 'T') &&
		     read_digits(text, 11, 2, &hour) && has_character(text, 13, ':') &&
		     read_digits(text, 14, 2, &minute) && has_character(text, 16, ':') &&
		     read_digits(text, 17, 2, &second);
	if (!valid || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
	    minute > 59 || second > 59)
		return fail(STATUS_INVALID, "time.syntax: expected a time such as 2026-11-21T09:30:00Z");
	size_t at = 19;
	if (has_character(text, at, '.')) {
		size_t digits = 0;
		while (at + 1 + digits < text.len && text.data[at + 1 + digits] >= '0' &&
		       text.data[at + 1 + digits] <= '9')
			digits++;
		if (digits < 1 || digits > 3 || !read_digits(text, at + 1, digits, &millisecond))
			return fail(STATUS_INVALID, "time.fraction: expected one to three digits");
		for (size_t i = digits; i < 3; i++)
			millisecond *= 10;
		at += 1 + digits;
	}
	int64_t offset_ms = 0;
	if (has_character(text, at, 'Z'))
		at++;
	else {
		int hours, minutes;
		bool negative = has_character(text, at, '-');
		if ((!negative && !has_character(text, at, '+')) || !read_digits(text, at + 1, 2, &hours) ||
		    !has_character(text, at + 3, ':') || !read_digits(text, at + 4, 2, &minutes) || hours > 23 ||
		    minutes > 59)
			return fail(STATUS_INVALID, "time.offset: expected Z or an offset such as +01:00");
		offset_ms = (hours * HOUR_MS + minutes * MINUTE_MS) * (negative ? -1 : 1);
		at += 6;
	}
	if (at != text.len)
		return fail(STATUS_INVALID, "time.trailing: characters after the time");
	*time_ms = time_days_from_date(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS +
		   second * SECOND_MS + millisecond - offset_ms;
	return OK;
}
