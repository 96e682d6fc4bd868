/*
 * A policy as it was written: scope, conditions, annotations, every expression with its place in the source.
 *
 * The parser makes these; the compiler, the validator, the formatter and the prover read them. They are immutable and live
 * in the arena of their set. && and || hold all their operands in one node, since both associate and long chains of them
 * are common; everything else is as the grammar nests it. Parentheses are not kept.
 */
#ifndef GATEHOUSE_POLICY_AST_H
#define GATEHOUSE_POLICY_AST_H

#include "model/value.h"
#include "policy/diagnostic.h"
#include "policy/function.h"
#include "policy/policy.h"

struct place { /* bytes of the source */
	uint32_t offset;
	uint32_t length;
};

enum variable { VARIABLE_PRINCIPAL, VARIABLE_ACTION, VARIABLE_RESOURCE, VARIABLE_CONTEXT };

enum expression_kind {
	EXPRESSION_LITERAL,  /* value: boolean, long, string or entity; any, in what partial evaluation leaves */
	EXPRESSION_VARIABLE, /* variable */
	EXPRESSION_IF,       /* operands: condition, then, else */
	EXPRESSION_AND,      /* operands, two or more */
	EXPRESSION_OR,       /* operands, two or more */
	EXPRESSION_NOT,      /* operands[0] */
	EXPRESSION_NEGATE,   /* operands[0] */
	EXPRESSION_EQUAL,    /* operands: left, right; so are the next nine */
	EXPRESSION_NOT_EQUAL,
	EXPRESSION_LESS,
	EXPRESSION_LESS_EQUAL,
	EXPRESSION_GREATER,
	EXPRESSION_GREATER_EQUAL,
	EXPRESSION_IN,
	EXPRESSION_ADD,
	EXPRESSION_SUBTRACT,
	EXPRESSION_MULTIPLY,
	EXPRESSION_HAS,       /* operands[0]; names: one, or the parts of a dotted path */
	EXPRESSION_LIKE,      /* operands[0]; names: literal parts, with a wildcard between each two */
	EXPRESSION_IS,        /* operands[0], and operands[1] where `in` follows; names[0]: the entity type */
	EXPRESSION_ATTRIBUTE, /* operands[0]; names[0] */
	EXPRESSION_SET,       /* operands */
	EXPRESSION_RECORD,    /* operands by names, in source order */
	EXPRESSION_CALL,      /* function; operands: the receiver first, if it is a method */
};

/* No expression nests deeper, so that whoever walks one may recurse. */
constexpr size_t EXPRESSION_DEPTH_MAX = 256;

struct expression {
	enum expression_kind kind;
	uint16_t depth; /* 1 for a leaf */
	struct place place;
	union {
		struct value value;
		enum variable variable;
		const struct policy_function *function;
	};
	const struct expression *const *operands;
	const struct bytes *names;
	uint32_t operand_count;
	uint32_t name_count;
};

/* A node over copies of the operands, one deeper than the deepest; whoever makes it sees to EXPRESSION_DEPTH_MAX. */
enum status expression_make(struct arena *arena, enum expression_kind kind, struct place place,
			    const struct expression *const *operands, size_t count, struct expression **node);
/* The same with one name, and with a value. */
enum status expression_make_named(struct arena *arena, enum expression_kind kind, struct place place,
				  const struct expression *operand, struct bytes name, struct expression **node);
enum status expression_make_literal(struct arena *arena, struct place place, struct value value,
				    struct expression **node);
/* `left && right`, or ||: what is on the left goes on. */
enum status expression_make_chain(struct arena *arena, enum expression_kind kind, struct place place,
				  const struct expression *left, const struct expression *const *right, size_t count,
				  struct expression **node);

enum scope_kind {
	SCOPE_ANY,
	SCOPE_EQUAL, /* == entity or slot */
	SCOPE_IN,    /* in entity or slot; for action: in entities */
	SCOPE_IS,    /* is type */
	SCOPE_IS_IN, /* is type in entity or slot */
};

struct scope {
	enum scope_kind kind;
	struct place place;
	bool is_slot; /* ?principal or ?resource stands in the place of the entity */
	bool is_list; /* action in [...], to tell it from action in E */
	struct bytes type;
	const struct entity_uid *entities;
	size_t entity_count;
};

struct condition {
	bool is_unless;
	struct place place;
	const struct expression *body;
};

struct policy_ast {
	const struct policy_source *source;
	struct place place; /* annotations and semicolon included */
	size_t line;        /* on which place begins */
	struct place effect_place;
	enum policy_effect effect;
	struct scope principal, action, resource;
	const struct condition *conditions;
	size_t condition_count;
	const struct policy_annotation *annotations;
	size_t annotation_count;
};

/* True for "Action" and "N::Action". */
bool policy_is_action_type(struct bytes type);

/* The line and column of an offset within the policy, without a search through the whole source. */
void policy_ast_position(const struct policy_ast *policy, size_t offset, size_t *line, size_t *column);

static inline bool
policy_ast_is_template(const struct policy_ast *policy) {
	return policy->principal.is_slot || policy->resource.is_slot;
}

#endif
