/*
 * Terms: what policies say about requests, as logic over truth values and bit vectors.
 *
 * A term is made once: two that are written the same are one, so they are compared by address, and each maker simplifies
 * as it goes (constants are folded, what is certain disappears). Widths are in bits; 0 is a truth value. Numbers are two's
 * complement, 64 bits wide; strings and ids are codes, 32 bits wide (prove/symbolic.h).
 *
 * Owner: a table's terms live in its arena. Threads: one per table. Errors: a table that runs out of memory is marked, goes
 * on giving a constant, and says so in term_status(), which whoever uses the terms asks before believing them.
 */
#ifndef GATEHOUSE_POLICY_PROVE_TERM_H
#define GATEHOUSE_POLICY_PROVE_TERM_H

#include "base/arena.h"
#include "base/map.h"

enum term_kind : uint8_t {
	TERM_CONSTANT, /* constant: of a truth value 0 or 1 */
	TERM_APPLY,    /* symbol of operands; a free variable where it takes none */
	TERM_NOT,      /* operands[0] */
	TERM_AND,      /* operands, two or more */
	TERM_OR,       /* operands, two or more */
	TERM_IF,       /* operands: condition, then, otherwise */
	TERM_EQUAL,    /* operands: left, right; so are all the next */
	TERM_LESS,     /* signed */
	TERM_ADD,      /* modulo 2^width, as the next two */
	TERM_SUBTRACT,
	TERM_MULTIPLY,
	TERM_ADD_FITS, /* the sum, difference or product needs no more bits than the operands have, signed */
	TERM_SUBTRACT_FITS,
	TERM_MULTIPLY_FITS,
	TERM_DIVIDE,      /* signed, towards zero; the right one is a constant, not zero */
	TERM_REMAINDER,   /* signed, with the sign of the left one */
	TERM_SHIFT_RIGHT, /* logical; by the width or more gives 0 */
	TERM_BIT_AND,
	TERM_BIT_NOT, /* operands[0] */
};

constexpr uint8_t WIDTH_TRUTH = 0;
constexpr uint8_t WIDTH_CODE = 32;
constexpr uint8_t WIDTH_NUMBER = 64;

constexpr size_t SYMBOL_ARGUMENTS_MAX = 8;

struct symbol { /* an uninterpreted function, or a free variable */
	struct bytes name;
	uint8_t width; /* of the result */
	uint8_t argument_count;
	uint8_t argument_widths[SYMBOL_ARGUMENTS_MAX];
	uint32_t number;
};

struct term {
	enum term_kind kind;
	uint8_t width;
	uint32_t number; /* in order of making: operands come before what is made of them */
	uint32_t count;
	const struct term *const *operands;
	union {
		uint64_t constant;
		const struct symbol *symbol;
	};
	uint64_t hash;
	const struct term *next;         /* of the same bucket */
	const struct term_axiom *axioms; /* of an application: what holds whenever it is spoken of */
};

struct term_axiom {
	const struct term *term;
	const struct term_axiom *next;
};

struct term_table {
	struct arena *arena;
	const struct term **buckets;
	size_t bucket_count; /* a power of two */
	uint32_t count;
	struct map symbols;
	uint32_t symbol_count;
	const struct term *yes, *no;
	bool failed;
};

enum status term_table_start(struct term_table *table, struct arena *arena);
void term_table_free(struct term_table *table); /* a cleanup function; the arena is the caller's */
enum status term_status(const struct term_table *table);

/* The symbol of that name, made at its first use; null where one of another shape has the name, which marks the table. */
const struct symbol *term_symbol(struct term_table *table, struct bytes name, uint8_t width,
				 const uint8_t *argument_widths, size_t argument_count);

const struct term *term_truth(struct term_table *table, bool truth);
const struct term *term_constant(struct term_table *table, uint8_t width, uint64_t constant);
static inline const struct term *
term_number(struct term_table *table, int64_t number) {
	return term_constant(table, WIDTH_NUMBER, (uint64_t)number);
}
const struct term *term_apply(struct term_table *table, const struct symbol *symbol,
			      const struct term *const *arguments);
/* Holds whenever term, an application, is spoken of. */
void term_attach(struct term_table *table, const struct term *term, const struct term *axiom);

const struct term *term_not(struct term_table *table, const struct term *a);
const struct term *term_all(struct term_table *table, const struct term *const *terms, size_t count);
const struct term *term_any(struct term_table *table, const struct term *const *terms, size_t count);
const struct term *term_and(struct term_table *table, const struct term *a, const struct term *b);
const struct term *term_or(struct term_table *table, const struct term *a, const struct term *b);
static inline const struct term *
term_implies(struct term_table *table, const struct term *a, const struct term *b) {
	return term_or(table, term_not(table, a), b);
}
const struct term *term_if(struct term_table *table, const struct term *condition, const struct term *then,
			   const struct term *otherwise);
const struct term *term_equal(struct term_table *table, const struct term *a, const struct term *b);
const struct term *term_less(struct term_table *table, const struct term *a, const struct term *b);
static inline const struct term *
term_less_equal(struct term_table *table, const struct term *a, const struct term *b) {
	return term_not(table, term_less(table, b, a));
}
/* TERM_ADD to TERM_BIT_AND. */
const struct term *term_binary(struct term_table *table, enum term_kind kind, const struct term *a,
			       const struct term *b);
const struct term *term_bit_not(struct term_table *table, const struct term *a);

static inline bool
term_is_constant(const struct term *term) {
	return term->kind == TERM_CONSTANT;
}

static inline bool
term_is_true(const struct term *term) {
	return term->kind == TERM_CONSTANT && term->width == WIDTH_TRUTH && term->constant != 0;
}

static inline bool
term_is_false(const struct term *term) {
	return term->kind == TERM_CONSTANT && term->width == WIDTH_TRUTH && term->constant == 0;
}

#endif
