/*
 * Times as text and back. Inside, a time is an int64: milliseconds since 1970-01-01T00:00:00Z (unit in the name: _ms), or
 * nanoseconds (_ns) where a clock is read. Outside it is RFC 3339 in UTC: "2026-11-21T09:30:00.250Z".
 */
#ifndef GATEHOUSE_BASE_TIME_H
#define GATEHOUSE_BASE_TIME_H

#include "base/bytes.h"

constexpr size_t TIME_TEXT_SIZE = 32;

constexpr int64_t SECOND_MS = 1000;
constexpr int64_t MINUTE_MS = 60 * SECOND_MS;
constexpr int64_t HOUR_MS = 60 * MINUTE_MS;
constexpr int64_t DAY_MS = 24 * HOUR_MS;

/* Always with milliseconds. text holds TIME_TEXT_SIZE. Years 0 to 9999. */
void time_format(int64_t time_ms, char *text);
/* RFC 3339 §5.6 with an offset or Z; fractions beyond milliseconds are refused. */
enum status time_parse(struct bytes text, int64_t *time_ms);

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. */
int64_t time_days_from_date(int64_t year, int month, int day);
void time_date_from_days(int64_t days, int64_t *year, int *month, int *day);

#endif
