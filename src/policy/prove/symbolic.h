/*
 * Values that are not known: what an expression gives over all requests of one environment (an action, a principal's and a
 * resource's type), as terms.
 *
 *   Bool                       a truth value
 *   Long, datetime, duration,
 *   decimal                    a number, exactly as the evaluator holds it
 *   String                     a code: that of a literal which the policies name, or of some other string
 *   entity                     its type, which is known, and a code for its id
 *   ipaddr                     version, address and prefix
 *   Set                        guarded parts, each an element or a set that is free
 *   Record                     fields, each with a truth value that says whether it is there
 *
 * What is free is a symbol by its path ("context.transfer.usd_cents"); attributes, tags and ancestors of entities are
 * functions of ids, so that two entities which are one have the same. What must hold of a free value hangs on its term as
 * axioms (prove/term.h).
 *
 * Owner: an encoding's arena holds all of it. Threads: one. Errors: as of terms, encoding_status() tells.
 */
#ifndef GATEHOUSE_POLICY_PROVE_SYMBOLIC_H
#define GATEHOUSE_POLICY_PROVE_SYMBOLIC_H

#include "policy/ast.h"
#include "policy/prove/term.h"
#include "policy/schema.h"
#include "policy/typecheck.h"

struct symbolic;

struct symbolic_field {
	struct bytes name;
	const struct term *present;
	const struct symbolic *value;
};

struct symbolic_part { /* of a set, where guard holds */
	const struct term *guard;
	const struct symbolic *element; /* one element, or, if null, */
	const struct symbol *members;   /* the elements for which this holds, */
	const struct term *const *keys; /* with these arguments before those of the element */
	size_t key_count;
	const struct type *type; /* of the elements */
};

struct symbolic {
	enum value_type type;
	const struct term *term; /* truth value, number or code; of an ipaddr: is it of version 6 */
	union {
		uint32_t entity; /* number of the entity type */
		struct {
			const struct term *high, *low, *prefix;
		} ip;
		struct {
			const struct symbolic_part *parts;
			size_t count;
		} set;
		struct {
			const struct symbolic_field *fields; /* by ascending name */
			size_t count;
			/* Of the context: it may hold more than the schema says (groups, facts of a newer program). */
			bool is_open;
		} record;
	};
};

/* The terms of a value without sets and records. */
constexpr size_t FLAT_MAX = 4;
struct flat {
	const struct term *terms[FLAT_MAX];
	size_t count;
};

struct entity_term {
	uint32_t type;
	const struct term *id;
};

struct ancestry { /* term: entity is strictly below other */
	const struct term *term;
	struct entity_term entity, other;
};

struct element_term { /* what may be an element of a free set */
	const struct type *type;
	struct symbolic value;
};

enum set_rule_kind { RULE_EMPTY, RULE_WITHIN, RULE_APART, RULE_NOT_ABOVE };

/* What holds of every element of a free set, where `when` does. */
struct set_rule {
	const struct term *when;
	struct symbolic_part set; /* free */
	enum set_rule_kind kind;
	struct symbolic other; /* WITHIN, APART: a set; NOT_ABOVE: an entity that is in none of them */
};

struct tag_use { /* a tag of an entity that was asked for */
	struct entity_term entity;
	const struct term *key;
};

struct like_use {
	const struct symbol *symbol; /* of a code */
	const struct bytes *parts;   /* literal parts, a wildcard between each two */
	size_t part_count;
};

struct unsupported {
	const char *construct; /* "a set of records" */
	const struct policy_ast *policy;
	struct place place;
};

/* A list that grows in an arena. */
#define ENCODING_LIST(type)                                                                                            \
	struct {                                                                                                       \
		type *items;                                                                                           \
		size_t count, capacity;                                                                                \
	}

struct encoding {
	const struct policy_schema *schema;
	struct environment environment;
	struct arena *arena;
	struct term_table terms;
	struct symbolic principal, action, resource, context;
	struct map codes;                     /* of literal strings and ids, + 1 */
	struct map noted;                     /* what stands in the lists below already */
	ENCODING_LIST(struct bytes) literals; /* by code */
	ENCODING_LIST(struct entity_term)
	entities; /* each that an attribute, a tag or an ancestor was asked of, or that is one */
	ENCODING_LIST(struct entity_term) descendants; /* left of an `in` */
	ENCODING_LIST(struct ancestry) ancestries;
	ENCODING_LIST(struct element_term) elements;
	ENCODING_LIST(struct set_rule) rules;
	ENCODING_LIST(struct tag_use) tags;
	ENCODING_LIST(struct like_use) likes;
	ENCODING_LIST(const struct term *) longs;      /* that are free */
	ENCODING_LIST(const struct term *) like_codes; /* that a pattern was asked of */
	ENCODING_LIST(struct unsupported) unsupported;
	const struct policy_ast *policy; /* that is being compiled, for the above */
	uint32_t fresh_count;
	bool opaque; /* something was compiled that no free truth value can stand for */
	bool failed;
};

enum status encoding_start(struct encoding *encoding, const struct policy_schema *schema,
			   struct environment environment, struct arena *arena);
void encoding_free(struct encoding *encoding); /* a cleanup function; the arena is the caller's */
enum status encoding_status(const struct encoding *encoding);
/* Room for one more item, in place; null, and marked, where there is none. */
void *encoding_grow(struct encoding *encoding, void *list, size_t size);
#define ENCODING_ADD(encoding, list, ...)                                                                              \
	do {                                                                                                           \
		typeof(*(list)->items) *added_ = encoding_grow((encoding), (list), sizeof *(list)->items);             \
		if (added_ != nullptr)                                                                                 \
			*added_ = __VA_ARGS__;                                                                         \
	} while (0)

/* True the first time that these numbers are noted for a list, which a letter names. */
bool encoding_is_new(struct encoding *encoding, char list, const uint32_t *numbers, size_t count);
/* Code of a literal. */
uint32_t encoding_code(struct encoding *encoding, struct bytes text);
const struct term *encoding_literal(struct encoding *encoding, struct bytes text);
/* A free truth value, or one of another width, that nothing else speaks of. */
const struct term *encoding_fresh(struct encoding *encoding, const char *what, uint8_t width);
/* Notes a construct that terms cannot say, and gives a free truth value in its place. */
const struct term *encoding_unsupported(struct encoding *encoding, const char *construct, struct place place);

/* A free value of a type: the symbols are named after path and take the keys as arguments. */
struct symbolic symbolic_free(struct encoding *encoding, struct bytes path, const struct term *const *keys,
			      size_t key_count, const struct type *type);
/* What a field of a record, an attribute or a tag, is named below a path. */
struct bytes symbolic_path(struct encoding *encoding, struct bytes path, const char *between, struct bytes name);
/* Is the optional field at the path there? */
const struct term *symbolic_present(struct encoding *encoding, struct bytes path, const struct term *const *keys,
				    size_t key_count);
struct symbolic symbolic_value(struct encoding *encoding, const struct value *value);
struct symbolic symbolic_entity(uint32_t type, const struct term *id);
static inline struct symbolic
symbolic_truth(const struct term *term) {
	return (struct symbolic){.type = VALUE_BOOLEAN, .term = term};
}
static inline struct symbolic
symbolic_number(enum value_type type, const struct term *term) {
	return (struct symbolic){.type = type, .term = term};
}

/* False for sets and records. */
bool symbolic_flat(const struct symbolic *value, struct flat *flat);
const struct term *symbolic_equal(struct encoding *encoding, const struct symbolic *a, const struct symbolic *b,
				  struct place place);
struct symbolic symbolic_if(struct encoding *encoding, const struct term *condition, const struct symbolic *then,
			    const struct symbolic *otherwise, struct place place);

/* --- Entities (prove/hierarchy.c) --- */

/* Is the entity in the store? The request's own always are. */
const struct term *entity_exists(struct encoding *encoding, const struct symbolic *entity);
/* An attribute that the schema has: *present and the value. */
struct symbolic entity_attribute(struct encoding *encoding, const struct symbolic *entity,
				 const struct type_field *field, const struct term **present);
struct symbolic entity_tag(struct encoding *encoding, const struct symbolic *entity, const struct term *key,
			   const struct type *type);
const struct term *entity_has_tag(struct encoding *encoding, const struct symbolic *entity, const struct term *key);
/* The entity is the other, or below it. */
const struct term *entity_is_in(struct encoding *encoding, const struct symbolic *entity, const struct symbolic *other);
/* Strictly below: an application, or false where the schema rules it out. */
const struct term *entity_is_below(struct encoding *encoding, struct entity_term entity, struct entity_term other);
void entity_note(struct encoding *encoding, const struct symbolic *entity);

/* --- Sets (prove/sets.c) --- */

const struct term *set_contains(struct encoding *encoding, const struct symbolic *set, const struct symbolic *element,
				struct place place);
const struct term *set_is_within(struct encoding *encoding, const struct symbolic *set, const struct symbolic *other,
				 struct place place);
const struct term *set_meets(struct encoding *encoding, const struct symbolic *set, const struct symbolic *other,
			     struct place place);
const struct term *set_is_empty(struct encoding *encoding, const struct symbolic *set, struct place place);
/* The entity is one of the set's, or below one. */
const struct term *set_is_above(struct encoding *encoding, const struct symbolic *set, const struct symbolic *entity,
				struct place place);
/* Does a free set have the element? */
const struct term *set_has(struct encoding *encoding, const struct symbolic_part *part, const struct flat *element);

/* Called once everything has been compiled: what the hierarchy and the rules on sets mean for all that was spoken of.
 * STATUS_TOO_LARGE "prove.elements". */
enum status encoding_finish(struct encoding *encoding);

#endif
