/*
 * What compiled expressions give for one request. Cedar's semantics, errors included; nothing here decides.
 *
 * An evaluation resolves principal, action, resource and every attribute path at most once. It allocates only from its
 * scratch arena, and only for sets and records that are not constant, and for the text of errors.
 * Errors of the language (a missing attribute, an overflow, a wrong type) are no status: they are kept in the evaluation
 * and told by TRUTH_ERROR. Running out of memory is one of them, so that whoever asks must look at `status` last.
 */
#ifndef GATEHOUSE_POLICY_EVALUATOR_H
#define GATEHOUSE_POLICY_EVALUATOR_H

#include "policy/compile.h"
#include "policy/entity_store.h"
#include "policy/policy.h"

struct evaluation {
	const struct path *paths;
	const struct policy_entities *entities;
	struct arena *scratch;
	struct value variables[4]; /* by enum variable */
	uint64_t hashes[3];        /* of principal, action, resource */
	uint64_t type_hashes[3];
	uint32_t indexes[3];         /* in the store */
	const struct value **values; /* by path: null: not resolved yet */
	enum status status;          /* of the scratch arena */

	const char *error_name; /* of the last error */
	const char *error_message;
	uint32_t error_offset;
};

enum status evaluation_start(struct evaluation *evaluation, const struct path *paths, uint32_t path_count,
			     const struct policy_entities *entities, const struct policy_request *request,
			     struct arena *scratch);

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_ERROR };

enum truth evaluate_condition(struct evaluation *evaluation, const struct node *node);
/* Scopes cannot fail. */
bool evaluate_scope(const struct evaluation *evaluation, const struct compiled_policy *policy);

/* What follows is between evaluator.c and evaluator_call.c. */

/* The value, which may stand in *room; null after an error. */
const struct value *evaluate(struct evaluation *evaluation, const struct node *node, struct value *room);
/* Keeps the error. Returns null, for evaluate() to return. */
const struct value *evaluation_fail(struct evaluation *evaluation, const struct node *node, const char *name,
				    const char *format, ...) __attribute__((format(printf, 4, 5)));
const struct value *evaluation_wrong_type(struct evaluation *evaluation, const struct node *node, const char *expected,
					  const struct value *found);
/* The index of the entity that the node gave: known beforehand for variables, and half-way for literals. */
uint32_t evaluation_locate(const struct evaluation *evaluation, const struct node *node, const struct value *entity);
/* NODE_CALL. */
const struct value *evaluate_call(struct evaluation *evaluation, const struct node *node, struct value *room);

#endif
