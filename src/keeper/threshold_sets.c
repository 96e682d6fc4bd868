#include "keeper/threshold_sets.h"

/* What one keeper would choose, one after the other: of the others as many as it takes, the lower positions first. */
struct asker {
	uint8_t others[PARTIES_MAX]; /* positions */
	size_t count;
	uint32_t own, next; /* next: as bits over the others; 0: there are no more */
};

static void
begin(struct asker *asker, size_t position, const struct signer_question *question) {
	*asker = (struct asker){.own = UINT32_C(1) << position};
	for (size_t i = 0; i < question->holders; i++)
		if (i != position && (question->usable >> i & 1) != 0)
			asker->others[asker->count++] = (uint8_t)i;
	if (asker->count + 1 >= question->needed)
		asker->next = (UINT32_C(1) << (question->needed - 1)) - 1;
}

/* The next greater number with as many bits (Gosper). */
static uint32_t
advance(uint32_t bits) {
	uint32_t lowest = bits & -bits, ripple = bits + lowest;
	return ((ripple ^ bits) >> 2) / lowest | ripple;
}

static uint32_t
take(struct asker *asker) {
	uint32_t set = asker->own;
	for (size_t i = 0; i < asker->count; i++)
		if ((asker->next >> i & 1) != 0)
			set |= UINT32_C(1) << asker->others[i];
	asker->next = advance(asker->next);
	if (asker->next >> asker->count != 0)
		asker->next = 0;
	return set;
}

static bool
is_among(uint32_t set, const uint32_t *sets, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (sets[i] == set)
			return true;
	return false;
}

static bool
is_whole(const struct signer_question *question, uint32_t set) {
	for (size_t i = 0; i < question->holders; i++)
		if ((set >> i & 1) != 0 && (question->lost[i] & set) != 0)
			return false;
	return true;
}

static void
add(struct signer_sets *found, uint32_t set) {
	if (found->count < SIGNER_SETS_MAX && !is_among(set, found->sets, found->count))
		found->sets[found->count++] = set;
}

static bool
is_over(const struct signer_sets *found) {
	return found->count == SIGNER_SETS_MAX || found->steps == SIGNER_STEPS_MAX;
}

/* The first one of whole pairs that did not fail; 0: there are no more. */
static uint32_t
take_next(const struct signer_question *question, struct asker *asker, struct signer_sets *found) {
	while (asker->next != 0 && !is_over(found)) {
		uint32_t set = take(asker);
		found->steps++;
		if (is_whole(question, set) && !is_among(set, question->failed, question->failed_count))
			return set;
	}
	return 0;
}

/* All askers take turns, so that each has its first ones among those that are found. False: there are no more. */
static bool
take_turns(const struct signer_question *question, struct asker *askers, struct signer_sets *found) {
	bool is_any = false;
	for (size_t i = 0; i < question->holders; i++) {
		uint32_t set = take_next(question, &askers[i], found);
		is_any = is_any || set != 0;
		if (set != 0 &&
		    (set & -set) == UINT32_C(1) << question->self) /* others prepare what they are the first of */
			add(found, set);
	}
	return is_any;
}

void
signer_sets_find(const struct signer_question *question, struct signer_sets *found) {
	struct asker askers[PARTIES_MAX] = {};
	*found = (struct signer_sets){};
	for (size_t i = 0; i < question->holders; i++)
		if ((question->usable >> i & 1) != 0)
			begin(&askers[i], i, question);
	while (!is_over(found) && take_turns(question, askers, found))
		;
	for (size_t i = 0; i < question->failed_count; i++) {
		uint32_t set = question->failed[i];
		if ((set & ~question->usable) == 0 && is_whole(question, set) &&
		    (set & -set) == UINT32_C(1) << question->self &&
		    (size_t)__builtin_popcount(set) == question->needed)
			add(found, set);
	}
}
