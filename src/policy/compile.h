/*
 * Policies as the evaluator reads them: compact trees of nodes, made once from the parsed form.
 *
 * Compiling folds what is constant (sets and records of literals, extension values of well-formed literals), turns attribute
 * paths from a variable (context.transfer.usd_cents) into numbered paths that a decision resolves at most once, and hashes
 * entity literals. It never changes what an expression gives, errors included: what would fail stays to fail.
 * Owner: nodes live in the arena of their set and borrow from the parsed form.
 */
#ifndef GATEHOUSE_POLICY_COMPILE_H
#define GATEHOUSE_POLICY_COMPILE_H

#include "base/map.h"
#include "policy/ast.h"

enum node_kind : uint8_t {
	NODE_VALUE,    /* value; hash, if it is an entity */
	NODE_VARIABLE, /* variable */
	NODE_PATH,     /* path */
	NODE_IF,       /* operands[0..2] */
	NODE_AND,      /* operands */
	NODE_OR,       /* operands */
	NODE_NOT,      /* operands[0] */
	NODE_NEGATE,   /* operands[0] */
	NODE_EQUAL,    /* operands[0], [1]; the next eight too */
	NODE_NOT_EQUAL,
	NODE_LESS,
	NODE_LESS_EQUAL,
	NODE_GREATER,
	NODE_GREATER_EQUAL,
	NODE_IN,
	NODE_ADD,
	NODE_SUBTRACT,
	NODE_MULTIPLY,
	NODE_HAS,       /* operands[0]; names: one below the other */
	NODE_HAS_PATH,  /* path: is it there? */
	NODE_LIKE,      /* operands[0]; names: the literal parts */
	NODE_IS,        /* operands[0]; names[0]: the type; operands[1]: what it must be in as well */
	NODE_ATTRIBUTE, /* operands[0]; names[0] */
	NODE_SET,       /* operands */
	NODE_RECORD,    /* operands by names, ascending */
	NODE_CALL,      /* function; operands */
};

struct node {
	enum node_kind kind;
	uint8_t detail;  /* enum variable, or enum function_id */
	uint32_t count;  /* of operands */
	uint32_t offset; /* in the source: where an error is reported */
	uint32_t path;   /* of NODE_PATH and NODE_HAS_PATH */
	union {
		struct {
			struct value value;
			uint64_t hash;
		};
		struct {
			const struct node *const *operands;
			const struct bytes *names;
			uint32_t name_count;
		};
	};
};

/* A variable, followed by attributes. Two equal paths are one, and every prefix of a path is a path. */
struct path {
	enum variable variable;
	uint32_t parent; /* PATH_NONE: the variable itself */
	struct bytes name;
};

constexpr uint32_t PATH_NONE = UINT32_MAX;
/* Paths beyond are compiled as nested attributes: what a decision must clear beforehand stays small. */
constexpr uint32_t PATHS_MAX = 256;

struct compiler {
	struct arena *arena;
	struct path paths[PATHS_MAX];
	uint32_t path_count;
	struct map path_index; /* parent or variable, and name, to number + 1 */
};

void compiler_free(struct compiler *compiler); /* a cleanup function; nodes stay */

struct uid_literal {
	struct entity_uid uid;
	uint64_t hash;
};

struct compiled_scope {
	enum scope_kind kind;
	struct bytes type;
	const struct uid_literal *entities;
	size_t count;
};

struct compiled_condition {
	bool is_unless;
	const struct node *body;
};

struct compiled_policy {
	struct bytes id;
	const struct policy_ast *ast;
	enum policy_effect effect;
	struct compiled_scope principal, action, resource;
	const struct compiled_condition *conditions;
	size_t condition_count;
};

/* The uids stand for the slots of a template; null where there is none. */
enum status policy_compile(struct compiler *compiler, const struct policy_ast *ast, const struct entity_uid *principal,
			   const struct entity_uid *resource, struct compiled_policy *policy);

#endif
