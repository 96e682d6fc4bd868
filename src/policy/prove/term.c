#include "policy/prove/term.h"

#include <stdlib.h>

constexpr size_t BUCKETS_FIRST = 1024;

enum status
term_table_start(struct term_table *table, struct arena *arena) {
	*table = (struct term_table){.arena = arena, .bucket_count = BUCKETS_FIRST};
	table->buckets = calloc(BUCKETS_FIRST, sizeof *table->buckets);
	TRY_ALLOC(table->buckets);
	struct term *no = ARENA_NEW(arena, struct term), *yes = ARENA_NEW(arena, struct term);
	TRY_ALLOC(no);
	TRY_ALLOC(yes);
	*no = (struct term){.kind = TERM_CONSTANT, .number = table->count++};
	*yes = (struct term){.kind = TERM_CONSTANT, .number = table->count++, .constant = 1};
	table->no = no;
	table->yes = yes;
	return OK;
}

void
term_table_free(struct term_table *table) {
	free(table->buckets);
	map_free(&table->symbols);
	*table = (struct term_table){};
}

enum status
term_status(const struct term_table *table) {
	return table->failed ? fail(STATUS_NO_MEMORY, "memory: out of memory for the terms of a proof") : OK;
}

static const struct term *
give_up(struct term_table *table) {
	table->failed = true;
	return table->no;
}

const struct symbol *
term_symbol(struct term_table *table, struct bytes name, uint8_t width, const uint8_t *argument_widths,
	    size_t argument_count) {
	struct symbol *symbol = map_get(&table->symbols, name);
	if (symbol != nullptr) {
		bool same =
			symbol->width == width && symbol->argument_count == argument_count &&
			(argument_count == 0 || memcmp(symbol->argument_widths, argument_widths, argument_count) == 0);
		if (!same)
			table->failed = true;
		return same ? symbol : nullptr;
	}
	symbol = ARENA_NEW(table->arena, struct symbol);
	struct bytes copy = arena_copy(table->arena, name);
	if (symbol == nullptr || copy.data == nullptr || argument_count > SYMBOL_ARGUMENTS_MAX ||
	    map_put(&table->symbols, name, symbol, nullptr) != OK) {
		table->failed = true;
		return nullptr;
	}
	*symbol = (struct symbol){.name = copy,
				  .width = width,
				  .argument_count = (uint8_t)argument_count,
				  .number = table->symbol_count++};
	if (argument_count > 0)
		memcpy(symbol->argument_widths, argument_widths, argument_count);
	return symbol;
}

/* --- Making each term once --- */

static uint64_t
mix(uint64_t hash, uint64_t with) {
	hash = (hash ^ with) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t
hash_of(const struct term *term) {
	uint64_t hash = mix((uint64_t)term->kind << 8 | term->width, term->count);
	if (term->kind == TERM_CONSTANT)
		hash = mix(hash, term->constant);
	if (term->kind == TERM_APPLY)
		hash = mix(hash, term->symbol->number);
	for (uint32_t i = 0; i < term->count; i++)
		hash = mix(hash, term->operands[i]->number);
	return hash;
}

static bool
is_same(const struct term *a, const struct term *b) {
	if (a->hash != b->hash || a->kind != b->kind || a->width != b->width || a->count != b->count)
		return false;
	if (a->kind == TERM_CONSTANT && a->constant != b->constant)
		return false;
	if (a->kind == TERM_APPLY && a->symbol != b->symbol)
		return false;
	return a->count == 0 || memcmp(a->operands, b->operands, a->count * sizeof(const struct term *)) == 0;
}

/* Twice as many buckets: chains stay short. */
static bool
grow(struct term_table *table) {
	size_t larger = 2 * table->bucket_count;
	const struct term **buckets = calloc(larger, sizeof *buckets);
	if (buckets == nullptr)
		return false;
	for (size_t i = 0; i < table->bucket_count; i++)
		for (const struct term *term = table->buckets[i], *next; term != nullptr; term = next) {
			next = term->next;
			((struct term *)(uintptr_t)term)->next = buckets[term->hash & (larger - 1)];
			buckets[term->hash & (larger - 1)] = term;
		}
	free(table->buckets);
	table->buckets = buckets;
	table->bucket_count = larger;
	return true;
}

static const struct term *
make(struct term_table *table, struct term wanted) {
	wanted.hash = hash_of(&wanted);
	for (const struct term *term = table->buckets[wanted.hash & (table->bucket_count - 1)]; term != nullptr;
	     term = term->next)
		if (is_same(term, &wanted))
			return term;
	if (table->failed || (table->count > 2 * table->bucket_count && !grow(table)))
		return give_up(table);
	struct term *made = ARENA_NEW(table->arena, struct term);
	const struct term **operands = ARENA_NEW_ARRAY(table->arena, wanted.count, const struct term *);
	if (made == nullptr || operands == nullptr)
		return give_up(table);
	if (wanted.count > 0)
		memcpy(operands, wanted.operands, wanted.count * sizeof *operands);
	*made = wanted;
	made->operands = operands;
	made->number = table->count++;
	made->next = table->buckets[wanted.hash & (table->bucket_count - 1)];
	table->buckets[wanted.hash & (table->bucket_count - 1)] = made;
	return made;
}

static const struct term *
make_pair(struct term_table *table, enum term_kind kind, uint8_t width, const struct term *a, const struct term *b) {
	const struct term *operands[] = {a, b};
	return make(table, (struct term){.kind = kind, .width = width, .count = 2, .operands = operands});
}

const struct term *
term_truth(struct term_table *table, bool truth) {
	return truth ? table->yes : table->no;
}

const struct term *
term_constant(struct term_table *table, uint8_t width, uint64_t constant) {
	if (width == WIDTH_TRUTH)
		return term_truth(table, constant != 0);
	if (width < 64)
		constant &= (UINT64_C(1) << width) - 1;
	return make(table, (struct term){.kind = TERM_CONSTANT, .width = width, .constant = constant});
}

const struct term *
term_apply(struct term_table *table, const struct symbol *symbol, const struct term *const *arguments) {
	if (symbol == nullptr)
		return give_up(table);
	return make(table, (struct term){.kind = TERM_APPLY,
					 .width = symbol->width,
					 .count = symbol->argument_count,
					 .operands = arguments,
					 .symbol = symbol});
}

void
term_attach(struct term_table *table, const struct term *term, const struct term *axiom) {
	if (term_is_true(axiom) || term->kind != TERM_APPLY)
		return;
	for (const struct term_axiom *other = term->axioms; other != nullptr; other = other->next)
		if (other->term == axiom)
			return;
	struct term_axiom *made = ARENA_NEW(table->arena, struct term_axiom);
	if (made == nullptr) {
		table->failed = true;
		return;
	}
	*made = (struct term_axiom){axiom, term->axioms};
	((struct term *)(uintptr_t)term)->axioms = made;
}

/* --- Truth --- */

const struct term *
term_not(struct term_table *table, const struct term *a) {
	if (term_is_constant(a))
		return term_truth(table, a->constant == 0);
	if (a->kind == TERM_NOT)
		return a->operands[0];
	return make(table, (struct term){.kind = TERM_NOT, .count = 1, .operands = &a});
}

/* Terms by their number, without repetition; false where one stands beside its opposite. */
static int
compare_numbers(const void *a, const void *b) {
	uint32_t x = (*(const struct term *const *)a)->number, y = (*(const struct term *const *)b)->number;
	return (x > y) - (x < y);
}

static bool
has_opposites(const struct term *const *terms, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (terms[i]->kind == TERM_NOT && bsearch(&terms[i]->operands[0], terms, count,
							  sizeof(const struct term *), compare_numbers) != nullptr)
			return true;
	return false;
}

/* kind TERM_AND: all of them, where false decides; TERM_OR: any of them, where true decides. */
static const struct term *
chain(struct term_table *table, enum term_kind kind, const struct term *const *terms, size_t count) {
	const struct term *deciding = term_truth(table, kind == TERM_OR), *neutral = term_not(table, deciding);
	size_t total = 0, kept = 0;
	for (size_t i = 0; i < count; i++)
		total += terms[i]->kind == kind ? terms[i]->count : 1;
	const struct term *few[16];
	const struct term **list = total <= ARRAY_LENGTH(few) ? few : malloc(total * sizeof(const struct term *));
	if (list == nullptr)
		return give_up(table);
	for (size_t i = 0; i < count; i++) {
		const struct term *const *parts = terms[i]->kind == kind ? terms[i]->operands : &terms[i];
		size_t part_count = terms[i]->kind == kind ? terms[i]->count : 1;
		for (size_t j = 0; j < part_count; j++)
			if (parts[j] != neutral)
				list[kept++] = parts[j];
	}
	qsort(list, kept, sizeof *list, compare_numbers);
	size_t unique = 0;
	bool decided = false;
	for (size_t i = 0; i < kept; i++) {
		decided |= list[i] == deciding;
		if (unique == 0 || list[unique - 1] != list[i])
			list[unique++] = list[i];
	}
	const struct term *made;
	if (decided || has_opposites(list, unique))
		made = deciding;
	else if (unique < 2)
		made = unique == 0 ? neutral : list[0];
	else
		made = make(table, (struct term){.kind = kind, .count = (uint32_t)unique, .operands = list});
	if (list != few)
		free(list);
	return made;
}

const struct term *
term_all(struct term_table *table, const struct term *const *terms, size_t count) {
	return chain(table, TERM_AND, terms, count);
}

const struct term *
term_any(struct term_table *table, const struct term *const *terms, size_t count) {
	return chain(table, TERM_OR, terms, count);
}

const struct term *
term_and(struct term_table *table, const struct term *a, const struct term *b) {
	return chain(table, TERM_AND, (const struct term *const[]){a, b}, 2);
}

const struct term *
term_or(struct term_table *table, const struct term *a, const struct term *b) {
	return chain(table, TERM_OR, (const struct term *const[]){a, b}, 2);
}

const struct term *
term_if(struct term_table *table, const struct term *condition, const struct term *then, const struct term *otherwise) {
	if (term_is_constant(condition))
		return condition->constant != 0 ? then : otherwise;
	if (then == otherwise)
		return then;
	if (then->width == WIDTH_TRUTH)
		return term_and(table, term_implies(table, condition, then), term_or(table, condition, otherwise));
	const struct term *operands[] = {condition, then, otherwise};
	return make(table, (struct term){.kind = TERM_IF, .width = then->width, .count = 3, .operands = operands});
}

/* --- Comparison and arithmetic --- */

static int64_t
signed_of(const struct term *constant) {
	return constant->width == WIDTH_CODE ? (int64_t)(int32_t)constant->constant : (int64_t)constant->constant;
}

const struct term *
term_equal(struct term_table *table, const struct term *a, const struct term *b) {
	if (a == b)
		return table->yes;
	if (a->width != b->width)
		return give_up(table);
	if (term_is_constant(a) && term_is_constant(b))
		return table->no; /* two constants of one value are one term */
	if (a->width == WIDTH_TRUTH && term_is_constant(a))
		return a->constant != 0 ? b : term_not(table, b);
	if (a->width == WIDTH_TRUTH && term_is_constant(b))
		return b->constant != 0 ? a : term_not(table, a);
	return a->number < b->number ? make_pair(table, TERM_EQUAL, WIDTH_TRUTH, a, b)
				     : make_pair(table, TERM_EQUAL, WIDTH_TRUTH, b, a);
}

const struct term *
term_less(struct term_table *table, const struct term *a, const struct term *b) {
	if (a == b)
		return table->no;
	if (term_is_constant(a) && term_is_constant(b))
		return term_truth(table, signed_of(a) < signed_of(b));
	return make_pair(table, TERM_LESS, WIDTH_TRUTH, a, b);
}

static bool
fold_fits(enum term_kind kind, int64_t a, int64_t b) {
	int64_t result;
	return kind == TERM_ADD_FITS        ? !__builtin_add_overflow(a, b, &result)
	       : kind == TERM_SUBTRACT_FITS ? !__builtin_sub_overflow(a, b, &result)
					    : !__builtin_mul_overflow(a, b, &result);
}

static uint64_t
fold(enum term_kind kind, uint64_t a, uint64_t b) {
	int64_t x = (int64_t)a, y = (int64_t)b;
	switch (kind) {
	case TERM_ADD:
		return a + b;
	case TERM_SUBTRACT:
		return a - b;
	case TERM_MULTIPLY:
		return a * b;
	case TERM_DIVIDE:
		return y == -1 ? 0 - a : (uint64_t)(x / y);
	case TERM_REMAINDER:
		return y == -1 ? 0 : (uint64_t)(x % y);
	case TERM_SHIFT_RIGHT:
		return b >= 64 ? 0 : a >> b;
	default:
		return a & b;
	}
}

const struct term *
term_binary(struct term_table *table, enum term_kind kind, const struct term *a, const struct term *b) {
	bool is_predicate = kind == TERM_ADD_FITS || kind == TERM_SUBTRACT_FITS || kind == TERM_MULTIPLY_FITS;
	if (a->width != WIDTH_NUMBER || b->width != WIDTH_NUMBER)
		return give_up(table);
	bool is_division = kind == TERM_DIVIDE || kind == TERM_REMAINDER;
	if (is_division && (!term_is_constant(b) || b->constant == 0))
		return give_up(table);
	if (term_is_constant(a) && term_is_constant(b))
		return is_predicate ? term_truth(table, fold_fits(kind, (int64_t)a->constant, (int64_t)b->constant))
				    : term_constant(table, WIDTH_NUMBER, fold(kind, a->constant, b->constant));
	return make_pair(table, kind, is_predicate ? WIDTH_TRUTH : WIDTH_NUMBER, a, b);
}

const struct term *
term_bit_not(struct term_table *table, const struct term *a) {
	if (term_is_constant(a))
		return term_constant(table, a->width, ~a->constant);
	return make(table, (struct term){.kind = TERM_BIT_NOT, .width = a->width, .count = 1, .operands = &a});
}
