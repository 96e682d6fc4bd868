/*
 * For tests that change every field of every message: under which field's name, and in which round, the check that failed stands at the
 * victim. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_SEEN_FIELDS_H
#define GATEHOUSE_TESTS_SEEN_FIELDS_H

#include "keys/threshold/exchange.h"

/* As docs/PROTOCOL.entries says of "names": where a lie about a field is seen elsewhere than in it. */
struct seen {
	const char *field, *in; /* null: under no field's name */
	size_t later;           /* rounds */
};

static inline bool
is_seen(const struct seen *seen, const struct exchange *victim, size_t round) {
	const char *in = victim->failed_field == nullptr ? nullptr : victim->failed_field->name;
	return victim->failed_round == round + seen->later && (in == nullptr) == (seen->in == nullptr) &&
	       (in == nullptr || strcmp(in, seen->in) == 0);
}

/* The field was sent in that round. Elsewhere, in one of the places that the table has for it; without any, in itself. */
static inline void
assert_seen(const struct exchange *victim, size_t round, const char *field, const struct seen *elsewhere,
	    size_t count) {
	const struct seen itself = {field, field, 0};
	bool is_elsewhere = false, is_told = false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(elsewhere[i].field, field) == 0) {
			is_elsewhere = true;
			is_told = is_told || is_seen(&elsewhere[i], victim, round);
		}
	if (!is_told && (is_elsewhere || !is_seen(&itself, victim, round)))
		fail_msg("%s: seen in round %zu, under the name of %s", field, victim->failed_round + 1,
			 victim->failed_field == nullptr ? "none" : victim->failed_field->name);
}

#endif
