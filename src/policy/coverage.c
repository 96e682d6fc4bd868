#include "policy/coverage.h"

#include <stdlib.h>

#include "policy/set.h"

struct leaf {
	const struct node *node;
	uint32_t policy;
	bool was_true, was_false;
};

struct coverage {
	const struct policy_set *set;
	struct arena arena;
	struct arena scratch; /* of one request */
	bool *satisfied;      /* by policy */
	struct leaf *leaves;  /* by policy, then as they are evaluated */
	size_t leaf_count;
	size_t *first_leaf; /* by policy */
};

/* --- The leaves. --- */

static bool
is_structure(const struct node *node) {
	return node->kind == NODE_AND || node->kind == NODE_OR || node->kind == NODE_NOT || node->kind == NODE_IF;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static size_t
count_leaves(const struct node *node) {
	if (!is_structure(node))
		return node->kind == NODE_VALUE ? 0 : 1;
	size_t count = 0;
	for (uint32_t i = 0; i < node->count; i++)
		count += count_leaves(node->operands[i]);
	return count;
}

static void
list_leaves(struct coverage *coverage, const struct node *node, uint32_t policy) {
	if (!is_structure(node)) {
		if (node->kind != NODE_VALUE)
			coverage->leaves[coverage->leaf_count++] = (struct leaf){.node = node, .policy = policy};
		return;
	}
	for (uint32_t i = 0; i < node->count; i++)
		list_leaves(coverage, node->operands[i], policy);
}

static enum status
prepare(struct coverage *coverage) {
	const struct policy_set *set = coverage->set;
	size_t count = 0;
	for (size_t i = 0; i < set->policy_count; i++)
		for (size_t j = 0; j < set->policies[i].condition_count; j++)
			count += count_leaves(set->policies[i].conditions[j].body);
	coverage->satisfied = ARENA_NEW_ARRAY(&coverage->arena, set->policy_count + 1, bool);
	coverage->first_leaf = ARENA_NEW_ARRAY(&coverage->arena, set->policy_count + 1, size_t);
	coverage->leaves = ARENA_NEW_ARRAY(&coverage->arena, count + 1, struct leaf);
	TRY_ALLOC(coverage->satisfied);
	TRY_ALLOC(coverage->first_leaf);
	TRY_ALLOC(coverage->leaves);
	for (size_t i = 0; i < set->policy_count; i++) {
		coverage->first_leaf[i] = coverage->leaf_count;
		for (size_t j = 0; j < set->policies[i].condition_count; j++)
			list_leaves(coverage, set->policies[i].conditions[j].body, (uint32_t)i);
	}
	return OK;
}

enum status
coverage_create(struct coverage **coverage, const struct policy_set *set) {
	_cleanup_(coverage_destroy) struct coverage *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->set = set;
	TRY(prepare(made));
	*coverage = TAKE(made);
	return OK;
}

void
coverage_destroy(struct coverage **coverage) {
	struct coverage *gone = TAKE(*coverage);
	if (gone == nullptr)
		return;
	arena_free(&gone->arena);
	arena_free(&gone->scratch);
	free(gone);
}

/* --- One request. --- */

struct walk {
	struct coverage *coverage;
	struct evaluation evaluation;
	size_t leaf; /* the next, as in list_leaves() */
};

static enum truth not(enum truth truth) {
	return truth == TRUTH_ERROR  ? TRUTH_ERROR
	       : truth == TRUTH_TRUE ? TRUTH_FALSE
				     : TRUTH_TRUE;
}

static enum truth cover(struct walk *walk, const struct node *node);

/* Up to the operand that decides; those behind it are passed over. */
static enum truth
cover_chain(struct walk *walk, const struct node *node) {
	enum truth goes_on = node->kind == NODE_AND ? TRUTH_TRUE : TRUTH_FALSE, truth = goes_on;
	for (uint32_t i = 0; i < node->count; i++) {
		if (truth == goes_on)
			truth = cover(walk, node->operands[i]);
		else
			walk->leaf += count_leaves(node->operands[i]);
	}
	return truth;
}

static enum truth
cover_if(struct walk *walk, const struct node *node) {
	enum truth truth = cover(walk, node->operands[0]), result = TRUTH_ERROR;
	for (uint32_t i = 1; i < 3; i++) {
		if (truth == (i == 1 ? TRUTH_TRUE : TRUTH_FALSE))
			result = cover(walk, node->operands[i]);
		else
			walk->leaf += count_leaves(node->operands[i]);
	}
	return result;
}

static enum truth
cover(struct walk *walk, const struct node *node) {
	switch (node->kind) {
	case NODE_AND:
	case NODE_OR:
		return cover_chain(walk, node);
	case NODE_NOT:
		return not(cover(walk, node->operands[0]));
	case NODE_IF:
		return cover_if(walk, node);
	default:
		break;
	}
	enum truth truth = evaluate_condition(&walk->evaluation, node);
	if (node->kind == NODE_VALUE)
		return truth;
	struct leaf *leaf = &walk->coverage->leaves[walk->leaf++];
	leaf->was_true |= truth == TRUTH_TRUE;
	leaf->was_false |= truth == TRUTH_FALSE;
	return truth;
}

static void
cover_policy(struct walk *walk, size_t number) {
	const struct compiled_policy *policy = &walk->coverage->set->policies[number];
	if (!evaluate_scope(&walk->evaluation, policy))
		return;
	walk->leaf = walk->coverage->first_leaf[number];
	for (size_t i = 0; i < policy->condition_count; i++) {
		enum truth truth = cover(walk, policy->conditions[i].body);
		if (truth == TRUTH_ERROR || (truth == TRUTH_TRUE) == policy->conditions[i].is_unless)
			return;
	}
	walk->coverage->satisfied[number] = true;
}

enum status
coverage_add(struct coverage *coverage, const struct policy_entities *entities, const struct policy_request *request) {
	struct walk walk = {.coverage = coverage};
	const struct policy_set *set = coverage->set;
	arena_reset(&coverage->scratch);
	TRY(evaluation_start(&walk.evaluation, set->compiler->paths, set->compiler->path_count, entities, request,
			     &coverage->scratch));
	for (size_t i = 0; i < set->policy_count; i++)
		cover_policy(&walk, i);
	return walk.evaluation.status;
}

/* --- What came of it. --- */

struct coverage_counts
coverage_counts(const struct coverage *coverage) {
	struct coverage_counts counts = {.policies = coverage->set->policy_count,
					 .conditions = 2 * coverage->leaf_count};
	for (size_t i = 0; i < counts.policies; i++)
		counts.policies_covered += coverage->satisfied[i];
	for (size_t i = 0; i < coverage->leaf_count; i++)
		counts.conditions_covered += (size_t)coverage->leaves[i].was_true + coverage->leaves[i].was_false;
	return counts;
}

static void
place_gap(const struct coverage *coverage, uint32_t policy, size_t offset, const char *never,
	  struct coverage_gap *gap) {
	const struct compiled_policy *compiled = &coverage->set->policies[policy];
	*gap = (struct coverage_gap){.policy = compiled->id, .file = compiled->ast->source->file, .never = never};
	policy_ast_position(compiled->ast, offset, &gap->line, &gap->column);
}

static bool
leaf_gap(const struct coverage *coverage, const struct leaf *leaf, size_t *i, struct coverage_gap *gap) {
	static const char *const never[] = {"true", "false"};
	const bool was[] = {leaf->was_true, leaf->was_false};
	for (size_t way = 0; way < 2; way++)
		if (!was[way] && (*i)-- == 0) {
			place_gap(coverage, leaf->policy, leaf->node->offset, never[way], gap);
			return true;
		}
	return false;
}

bool
coverage_gap(const struct coverage *coverage, size_t i, struct coverage_gap *gap) {
	size_t leaf = 0;
	for (size_t policy = 0; policy < coverage->set->policy_count; policy++) {
		if (!coverage->satisfied[policy] && i-- == 0) {
			place_gap(coverage, (uint32_t)policy, coverage->set->policies[policy].ast->effect_place.offset,
				  "satisfied", gap);
			return true;
		}
		for (; leaf < coverage->leaf_count && coverage->leaves[leaf].policy == policy; leaf++)
			if (leaf_gap(coverage, &coverage->leaves[leaf], &i, gap))
				return true;
	}
	return false;
}
