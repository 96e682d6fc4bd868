/*
 * Cedar policies: read, compiled, and asked for decisions. Language 4.5.
 *
 * A set is made from one or more texts, and templates in it may be linked; sealing compiles it, and from then on it does not
 * change and any number of threads may decide with it. A policy's id is its @id annotation, or "policy0", "policy1", ...
 * by its place among all policies and templates of the set.
 *
 * A decision evaluates every policy whose scope may match (none of the others could be satisfied or fail): any satisfied
 * forbid denies; otherwise any satisfied permit allows; otherwise it is denied. A policy that cannot be evaluated (a missing
 * attribute, an overflow, a wrong type) is left out and listed with its error: that is Cedar. With options.strict, which
 * production always sets, an erroring forbid denies.
 *
 * Owner: the set owns its texts; results live in the caller's scratch arena, the only memory that a decision takes.
 * Errors: findings in a text are "policy.*" diagnostics; evaluation errors are "evaluate.*". Source:
 * https://docs.cedarpolicy.com, "Cedar policy language".
 */
#ifndef GATEHOUSE_POLICY_POLICY_H
#define GATEHOUSE_POLICY_POLICY_H

#include "model/value.h"
#include "policy/diagnostic.h"
#include "policy/entities.h"

struct policy_set;

enum policy_effect { POLICY_PERMIT, POLICY_FORBID };
enum policy_decision { POLICY_DENY, POLICY_ALLOW };

struct policy_set_options {
	bool number_all;          /* ids are always policy0, policy1, ...: @id is an annotation like any other */
	bool allow_bidirectional; /* do not refuse bidirectional control characters in strings and comments */
	bool allow_any_arguments; /* a wrong number of arguments of an extension function is an error of evaluation only */
};

enum status policy_set_create(const struct policy_set_options *options,
			      struct policy_set **set); /* options may be null */
void policy_set_destroy(struct policy_set **set);       /* a cleanup function */
/* Adds every policy and template of a text, which is copied. On STATUS_INVALID diagnostics (may be null) hold the findings
 * and the set is to be destroyed. */
enum status policy_set_add(struct policy_set *set, const char *file, struct bytes text,
			   struct policy_diagnostics *diagnostics);
/* Adds a policy made from a template. A slot that the template has needs its uid; one that it has not must be null. */
enum status policy_set_link(struct policy_set *set, struct bytes template_id, struct bytes id,
			    const struct entity_uid *principal, const struct entity_uid *resource);
/* Adds all that another set has, templates and links included, each id behind the prefix; the other must outlive this one.
 * STATUS_CONFLICT "policy.duplicate_id". */
enum status policy_set_join(struct policy_set *set, const struct policy_set *other, struct bytes prefix);
enum status policy_set_seal(struct policy_set *set);

/* The three above in one, for a single text. */
enum status policy_set_parse(const char *file, struct bytes text, struct policy_set **set,
			     struct policy_diagnostics *diagnostics);

struct policy_annotation {
	struct bytes key;
	struct bytes value;
};

struct policy_view {
	struct bytes id;
	enum policy_effect effect;
	const char *file;
	size_t line, column;
	const struct policy_annotation *annotations;
	size_t annotation_count;
};

/* Policies that take part in decisions, links included, templates not. */
size_t policy_set_count(const struct policy_set *set);
size_t policy_set_template_count(const struct policy_set *set);
void policy_set_view(const struct policy_set *set, size_t policy, struct policy_view *view);
/* The annotation's value; false where there is none. */
bool policy_view_annotation(const struct policy_view *view, const char *key, struct bytes *value);

struct policy_request {
	struct entity_uid principal;
	struct entity_uid action;
	struct entity_uid resource;
	const struct value *context; /* a record; null: empty */
};

struct policy_options {
	bool strict;      /* an erroring forbid denies */
	bool look_at_all; /* do without the index: for its tests and benchmarks */
};

struct policy_error {
	size_t policy;
	const char *name;    /* "evaluate.overflow" */
	const char *message; /* a sentence, without the name */
	size_t line, column; /* of the expression, in the policy's file */
};

struct policy_result {
	enum policy_decision decision;
	bool denied_by_error;  /* strict: no forbid was satisfied, and at least one could not be evaluated */
	const size_t *reasons; /* the determining policies, ascending */
	size_t reason_count;
	const struct policy_error *errors; /* by ascending policy */
	size_t error_count;
};

/* set is sealed, entities are sealed. A failure (out of memory, not sealed) is not a decision: nothing is permitted. */
enum status policy_decide(const struct policy_set *set, const struct policy_entities *entities,
			  const struct policy_request *request, struct policy_options options, struct arena *scratch,
			  struct policy_result *result);

/* Whether any permit's scope fits the request, whatever the context: false means that no facts make it ALLOW. */
enum status policy_may_permit(const struct policy_set *set, const struct policy_entities *entities,
			      const struct policy_request *request, struct arena *scratch, bool *may);

enum policy_outcome {
	POLICY_SATISFIED,
	POLICY_SCOPE_DIFFERS,     /* principal, action or resource is another */
	POLICY_CONDITION_DIFFERS, /* a when is false or an unless is true */
	POLICY_ERRORED,
};

struct policy_explanation {
	size_t policy;
	enum policy_outcome outcome;
	size_t line, column;              /* of the first condition that differs; of the policy otherwise */
	const struct policy_error *error; /* POLICY_ERRORED */
};

const char *policy_outcome_name(enum policy_outcome outcome); /* "satisfied", "scope", "condition", "error" */

/* What each policy said, policy_set_count() rows in scratch. */
enum status policy_explain(const struct policy_set *set, const struct policy_entities *entities,
			   const struct policy_request *request, struct arena *scratch,
			   const struct policy_explanation **explanations);

#endif
