/*
 * Sets: parts that are known elements, and parts that are free.
 *
 * A free set is what its symbol says of the elements that are spoken of anywhere; it has no others. So "every element" means
 * each of those, where a rule (struct set_rule) is worked out once all are known, and "some element" is a fresh one that is
 * spoken of from then on.
 */
#include "policy/prove/symbolic.h"

constexpr size_t INSTANCES_MAX = 100'000;

static bool
types_match(const struct type *a, const struct type *b) {
	return a->kind == b->kind ? a->kind != TYPE_ENTITY || a->entity == b->entity
				  : type_is_boolean(a) && type_is_boolean(b);
}

static bool
fits(const struct symbolic *value, const struct type *type) {
	static const enum value_type types[] = {
		[TYPE_FALSE] = VALUE_BOOLEAN, [TYPE_TRUE] = VALUE_BOOLEAN,      [TYPE_BOOLEAN] = VALUE_BOOLEAN,
		[TYPE_LONG] = VALUE_LONG,     [TYPE_STRING] = VALUE_STRING,     [TYPE_ENTITY] = VALUE_ENTITY,
		[TYPE_SET] = VALUE_SET,       [TYPE_RECORD] = VALUE_RECORD,     [TYPE_DECIMAL] = VALUE_DECIMAL,
		[TYPE_IPADDR] = VALUE_IPADDR, [TYPE_DATETIME] = VALUE_DATETIME, [TYPE_DURATION] = VALUE_DURATION,
	};
	return types[type->kind] == value->type && (type->kind != TYPE_ENTITY || type->entity == value->entity);
}

/* Of an element's type what tells it from others. */
static uint32_t
type_number(const struct type *type) {
	uint32_t kind = type_is_boolean(type) ? TYPE_BOOLEAN : (uint32_t)type->kind;
	return type->kind == TYPE_ENTITY ? kind | type->entity << 4 : kind;
}

static void
note_element(struct encoding *encoding, const struct type *type, const struct symbolic *element) {
	struct flat flat;
	uint32_t numbers[1 + FLAT_MAX] = {type_number(type)};
	if (!symbolic_flat(element, &flat))
		return;
	for (size_t i = 0; i < flat.count; i++)
		numbers[1 + i] = flat.terms[i]->number;
	if (encoding_is_new(encoding, 'm', numbers, 1 + flat.count))
		ENCODING_ADD(encoding, &encoding->elements, (struct element_term){type, *element});
}

const struct term *
set_has(struct encoding *encoding, const struct symbolic_part *part, const struct flat *element) {
	const struct term *arguments[SYMBOL_ARGUMENTS_MAX];
	if (part->key_count > 0)
		memcpy(arguments, part->keys, part->key_count * sizeof arguments[0]);
	memcpy(arguments + part->key_count, element->terms, element->count * sizeof arguments[0]);
	return term_apply(&encoding->terms, part->members, arguments);
}

static const struct term *
part_contains(struct encoding *encoding, const struct symbolic_part *part, const struct symbolic *element,
	      struct place place) {
	struct flat flat;
	if (part->element != nullptr)
		return symbolic_equal(encoding, part->element, element, place);
	if (!fits(element, part->type))
		return encoding->terms.no;
	if (part->members == nullptr || !symbolic_flat(element, &flat))
		return encoding_unsupported(encoding, "a set whose elements are sets or records", place);
	note_element(encoding, part->type, element);
	return set_has(encoding, part, &flat);
}

const struct term *
set_contains(struct encoding *encoding, const struct symbolic *set, const struct symbolic *element,
	     struct place place) {
	const struct term **any = ARENA_NEW_ARRAY(encoding->arena, set->set.count, const struct term *);
	if (any == nullptr) {
		encoding->failed = true;
		return encoding->terms.no;
	}
	for (size_t i = 0; i < set->set.count; i++)
		any[i] = term_and(&encoding->terms, set->set.parts[i].guard,
				  part_contains(encoding, &set->set.parts[i], element, place));
	return term_any(&encoding->terms, any, set->set.count);
}

/* --- Every element, some element --- */

/* An element of a free set that nothing is known of. */
static struct symbolic
witness(struct encoding *encoding, const struct type *type) {
	char name[32];
	struct bytes path = bytes_of_text("!element");
	uint32_t number = encoding->fresh_count++;
	size_t at = sizeof name;
	do
		name[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	return symbolic_free(encoding, symbolic_path(encoding, path, "", bytes_of(name + at, sizeof name - at)),
			     nullptr, 0, type);
}

/* A truth value: does the rule hold for every element of the free set? For one where it does not, counter() says so. */
static const struct term *
rule_holds(struct encoding *encoding, const struct symbolic_part *part, enum set_rule_kind kind,
	   const struct symbolic *other, struct place place) {
	struct term_table *terms = &encoding->terms;
	struct flat flat;
	if (part->members == nullptr)
		return encoding_unsupported(encoding, "a set whose elements are sets or records", place);
	const struct term *holds = encoding_fresh(encoding, "every", WIDTH_TRUTH);
	struct symbolic one = witness(encoding, part->type);
	symbolic_flat(&one, &flat);
	note_element(encoding, part->type, &one);
	ENCODING_ADD(encoding, &encoding->rules,
		     (struct set_rule){.when = holds, .set = *part, .kind = kind, .other = *other});
	const struct term *differs = terms->yes;
	if (kind == RULE_WITHIN)
		differs = term_not(terms, set_contains(encoding, other, &one, place));
	else if (kind == RULE_APART)
		differs = set_contains(encoding, other, &one, place);
	else if (kind == RULE_NOT_ABOVE)
		differs = entity_is_in(encoding, other, &one);
	const struct term *counter = term_and(terms, set_has(encoding, part, &flat), differs);
	term_attach(terms, holds, term_or(terms, holds, counter));
	return holds;
}

static const struct term *
every_part(struct encoding *encoding, const struct symbolic *set, enum set_rule_kind kind, const struct symbolic *other,
	   struct place place) {
	struct term_table *terms = &encoding->terms;
	const struct term **all = ARENA_NEW_ARRAY(encoding->arena, set->set.count, const struct term *);
	if (all == nullptr) {
		encoding->failed = true;
		return terms->no;
	}
	for (size_t i = 0; i < set->set.count; i++) {
		const struct symbolic_part *part = &set->set.parts[i];
		const struct term *holds = terms->no;
		if (part->element == nullptr)
			holds = rule_holds(encoding, part, kind, other, place);
		else if (kind == RULE_WITHIN)
			holds = set_contains(encoding, other, part->element, place);
		else if (kind == RULE_APART)
			holds = term_not(terms, set_contains(encoding, other, part->element, place));
		else if (kind == RULE_NOT_ABOVE)
			holds = term_not(terms, entity_is_in(encoding, other, part->element));
		all[i] = term_implies(terms, part->guard, holds);
	}
	return term_all(terms, all, set->set.count);
}

const struct term *
set_is_within(struct encoding *encoding, const struct symbolic *set, const struct symbolic *other, struct place place) {
	return every_part(encoding, set, RULE_WITHIN, other, place);
}

static bool
is_free(const struct symbolic *set) {
	for (size_t i = 0; i < set->set.count; i++)
		if (set->set.parts[i].element == nullptr)
			return true;
	return false;
}

const struct term *
set_meets(struct encoding *encoding, const struct symbolic *set, const struct symbolic *other, struct place place) {
	bool swap = is_free(set) && !is_free(other); /* known elements need no rule */
	return term_not(&encoding->terms, swap ? every_part(encoding, other, RULE_APART, set, place)
					       : every_part(encoding, set, RULE_APART, other, place));
}

const struct term *
set_is_empty(struct encoding *encoding, const struct symbolic *set, struct place place) {
	return every_part(encoding, set, RULE_EMPTY, set, place);
}

const struct term *
set_is_above(struct encoding *encoding, const struct symbolic *set, const struct symbolic *entity, struct place place) {
	return term_not(&encoding->terms, every_part(encoding, set, RULE_NOT_ABOVE, entity, place));
}

/* --- Once everything is known --- */

static const struct term *
rule_for(struct encoding *encoding, const struct set_rule *rule, const struct symbolic *element) {
	struct term_table *terms = &encoding->terms;
	const struct place nowhere = {};
	switch (rule->kind) {
	case RULE_EMPTY:
		return terms->no;
	case RULE_WITHIN:
		return set_contains(encoding, &rule->other, element, nowhere);
	case RULE_APART:
		return term_not(terms, set_contains(encoding, &rule->other, element, nowhere));
	case RULE_NOT_ABOVE:
		return term_not(terms, entity_is_in(encoding, &rule->other, element));
	}
	return terms->no;
}

static enum status
finish_sets(struct encoding *encoding) {
	struct term_table *terms = &encoding->terms;
	size_t instances = 0;
	for (size_t i = 0; i < encoding->rules.count; i++)
		for (size_t j = 0; j < encoding->elements.count; j++) {
			const struct set_rule rule = encoding->rules.items[i];
			const struct element_term element = encoding->elements.items[j];
			struct flat flat;
			if (!types_match(rule.set.type, element.type) || !symbolic_flat(&element.value, &flat))
				continue;
			if (++instances > INSTANCES_MAX)
				return fail(STATUS_TOO_LARGE,
					    "prove.elements: more than %zu elements of sets to relate", INSTANCES_MAX);
			const struct term *has = set_has(encoding, &rule.set, &flat);
			const struct term *body = rule_for(encoding, &rule, &element.value);
			term_attach(terms, rule.when, term_implies(terms, term_and(terms, rule.when, has), body));
		}
	return OK;
}

/* entity < middle and middle < other give entity < other, for every middle whose ancestors are asked for. */
static enum status
finish_hierarchy(struct encoding *encoding) {
	struct term_table *terms = &encoding->terms;
	size_t instances = 0;
	for (size_t i = 0; i < encoding->ancestries.count; i++) { /* which grow by what is made here */
		const struct ancestry it = encoding->ancestries.items[i];
		for (size_t j = 0; j < encoding->descendants.count; j++) {
			struct entity_term middle = encoding->descendants.items[j];
			const struct term *lower = entity_is_below(encoding, it.entity, middle);
			const struct term *upper =
				term_is_false(lower) ? lower : entity_is_below(encoding, middle, it.other);
			if (++instances > INSTANCES_MAX)
				return fail(STATUS_TOO_LARGE, "prove.hierarchy: more than %zu relations of entities",
					    INSTANCES_MAX);
			term_attach(terms, it.term, term_implies(terms, term_and(terms, lower, upper), it.term));
			if (middle.type == it.other.type && middle.id == it.other.id) /* no chain leads back */
				term_attach(terms, it.term,
					    term_not(terms, term_and(terms, it.term,
								     entity_is_below(encoding, middle, it.entity))));
		}
	}
	return OK;
}

enum status
encoding_finish(struct encoding *encoding) {
	TRY(finish_sets(encoding));
	TRY(finish_hierarchy(encoding));
	return encoding_status(encoding);
}
