/*
 * When shared keys are to be dealt anew: so many days after they were dealt last, by this keeper's own log and configuration.
 *
 * Age is counted from the entry that put the present sharing in force here; a start, a backup or a clock that was set moves nothing. Who
 * is told is told once: a key whose time is over becomes an entry "overdue" (docs/PROTOCOL.entries), from which notifications come, and
 * which the state keeps until the key is dealt anew. Nothing is dealt by itself: people start operations.
 *
 * Threads: the deciding one. Owner: texts are borrowed for as long as the keeper is there. Errors: none stops anything; an entry that the
 * log does not take is tried again.
 */
#ifndef GATEHOUSE_KEEPER_REFRESH_SCHEDULE_H
#define GATEHOUSE_KEEPER_REFRESH_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

struct keeper;
struct shared_key;

constexpr size_t REFRESH_EXCEPTIONS_MAX = 64;

struct refresh_exception {
	const char *key;
	uint32_t days;
};

struct refresh_schedule {
	uint32_t days; /* 0: never */
	struct refresh_exception exceptions[REFRESH_EXCEPTIONS_MAX];
	size_t exception_count;
};

/* INT64_MAX: never; so is a key that is destroyed, or that this keeper has no share of. */
int64_t refresh_schedule_due_ms(const struct keeper *keeper, const struct shared_key *key);

struct refresh_ages {
	int64_t oldest_ms; /* of the keys that this keeper has a share of, and that are not destroyed; 0: there is none */
	size_t overdue;
};
struct refresh_ages refresh_schedule_ages(const struct keeper *keeper);

/* Once a second: at most one key that is overdue, and was not told of, is. */
void refresh_schedule_turn(struct keeper *keeper);

#endif
