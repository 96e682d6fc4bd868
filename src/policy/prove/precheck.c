#include "policy/prove/precheck.h"

constexpr size_t FACTS_MAX = 96;
constexpr size_t CHOICES_MAX = 16;
constexpr unsigned DEPTH_MAX = 3;
constexpr unsigned BUDGET = 400; /* alternatives that are tried */

struct fact { /* the term is within; a truth value is 0 or 1 */
	const struct term *term;
	int64_t low, high;
};

struct facts {
	struct fact items[FACTS_MAX];
	size_t count;
	const struct term *choices[CHOICES_MAX]; /* disjunctions, to be looked at last */
	size_t choice_count;
};

static int64_t
number_of(const struct term *constant) {
	return constant->width == WIDTH_NUMBER ? (int64_t)constant->constant : (int64_t)(uint32_t)constant->constant;
}

/* a != c is known, and a turns out to be c. */
static bool
is_excluded(const struct facts *facts, const struct term *term, int64_t number) {
	for (size_t i = 0; i < facts->count; i++) {
		const struct term *known = facts->items[i].term;
		if (known->kind != TERM_EQUAL || facts->items[i].high != 0)
			continue;
		for (size_t side = 0; side < 2; side++)
			if (known->operands[side] == term && term_is_constant(known->operands[1 - side]) &&
			    number_of(known->operands[1 - side]) == number)
				return true;
	}
	return false;
}

/* True where that contradicts what is known. What does not fit in any more is forgotten. */
static bool
narrow(struct facts *facts, const struct term *term, int64_t low, int64_t high) {
	size_t at = 0;
	while (at < facts->count && facts->items[at].term != term)
		at++;
	if (at == FACTS_MAX)
		return low > high;
	struct fact *fact = &facts->items[at];
	if (at == facts->count) {
		facts->count++;
		*fact = (struct fact){term, low, high};
	}
	fact->low = low > fact->low ? low : fact->low;
	fact->high = high < fact->high ? high : fact->high;
	return fact->low > fact->high || (fact->low == fact->high && is_excluded(facts, term, fact->low));
}

static bool
add_less(struct facts *facts, const struct term *less, bool holds) {
	const struct term *a = less->operands[0], *b = less->operands[1];
	if (less->operands[0]->width != WIDTH_NUMBER)
		return false;
	if (term_is_constant(b)) {
		int64_t bound = number_of(b);
		if (!holds)
			return narrow(facts, a, bound, INT64_MAX);
		return bound == INT64_MIN || narrow(facts, a, INT64_MIN, bound - 1);
	}
	if (term_is_constant(a)) {
		int64_t bound = number_of(a);
		if (!holds)
			return narrow(facts, b, INT64_MIN, bound);
		return bound == INT64_MAX || narrow(facts, b, bound + 1, INT64_MAX);
	}
	return false;
}

static bool
add_equal(struct facts *facts, const struct term *equal, bool holds) {
	for (size_t side = 0; side < 2; side++) {
		const struct term *term = equal->operands[side], *other = equal->operands[1 - side];
		if (!term_is_constant(other))
			continue;
		int64_t number = number_of(other);
		if (holds && narrow(facts, term, number, number))
			return true;
		for (size_t i = 0; !holds && i < facts->count; i++)
			if (facts->items[i].term == term && facts->items[i].low == number &&
			    facts->items[i].high == number)
				return true;
	}
	return false;
}

/* Adds a literal or a conjunction; true where it contradicts. */
static bool
add(struct facts *facts, const struct term *term, bool holds) {
	while (term->kind == TERM_NOT) {
		term = term->operands[0];
		holds = !holds;
	}
	if (term_is_constant(term))
		return (term->constant != 0) != holds;
	if (narrow(facts, term, holds, holds))
		return true;
	if (term->kind == (holds ? TERM_AND : TERM_OR)) {
		for (uint32_t i = 0; i < term->count; i++)
			if (add(facts, term->operands[i], holds))
				return true;
		return false;
	}
	if (term->kind == TERM_LESS)
		return add_less(facts, term, holds);
	if (term->kind == TERM_EQUAL)
		return add_equal(facts, term, holds);
	if ((term->kind == TERM_OR || term->kind == TERM_AND) && facts->choice_count < CHOICES_MAX)
		facts->choices[facts->choice_count++] = term;
	return false;
}

static bool is_contradictory(const struct facts *facts, unsigned depth, unsigned *budget);

/* No way to fulfil the disjunction is left, whatever the others say. */
static bool
is_blocked(const struct facts *facts, size_t number, unsigned depth, unsigned *budget) {
	const struct term *choice = facts->choices[number];
	bool holds = choice->kind == TERM_OR; /* of a conjunction that is false one operand is */
	for (uint32_t i = 0; i < choice->count; i++) {
		struct facts with = *facts;
		with.choices[number] = with.choices[--with.choice_count];
		if (*budget == 0)
			return false;
		--*budget;
		if (!add(&with, choice->operands[i], holds) &&
		    !(depth > 0 && is_contradictory(&with, depth - 1, budget)))
			return false;
	}
	return true;
}

static bool
is_contradictory(const struct facts *facts, unsigned depth, unsigned *budget) {
	for (size_t i = 0; i < facts->choice_count; i++)
		if (is_blocked(facts, i, depth, budget))
			return true;
	return false;
}

bool
precheck_is_impossible(const struct term *const *terms, size_t count) {
	struct facts facts;
	unsigned budget = BUDGET;
	facts.count = facts.choice_count = 0;
	for (size_t i = 0; i < count; i++)
		if (add(&facts, terms[i], true))
			return true;
	return is_contradictory(&facts, DEPTH_MAX, &budget);
}
