#include <stdlib.h>

#include "policy/set.h"

struct list {
	uint32_t *items;
	size_t count;
};

struct decision {
	const struct policy_set *set;
	struct evaluation evaluation;
	struct list permits; /* satisfied */
	struct list forbids;
	struct policy_error *errors;
	size_t error_count;
	bool forbid_failed;
};

/* Arrays that grow by doubling in the scratch. */
static void *
grow(struct arena *scratch, const void *items, size_t count, size_t size) {
	constexpr size_t FIRST = 8;
	if (count > 0 && (count < FIRST || (count & (count - 1)) != 0))
		return (void *)(uintptr_t)items;
	void *larger = arena_alloc_array(scratch, count == 0 ? FIRST : 2 * count, size);
	if (larger != nullptr && count > 0)
		memcpy(larger, items, count * size);
	return larger;
}

static enum status
add_item(struct arena *scratch, struct list *list, uint32_t item) {
	list->items = grow(scratch, list->items, list->count, sizeof *list->items);
	TRY_ALLOC(list->items);
	list->items[list->count++] = item;
	return OK;
}

/* The conditions in order, up to the first that does not hold or cannot be evaluated: its number, or the count. */
static enum truth
evaluate_conditions(struct evaluation *evaluation, const struct compiled_policy *policy, size_t *at) {
	for (*at = 0; *at < policy->condition_count; (*at)++) {
		const struct compiled_condition *condition = &policy->conditions[*at];
		enum truth truth = evaluate_condition(evaluation, condition->body);
		if (truth == TRUTH_ERROR)
			return truth;
		if ((truth == TRUTH_TRUE) == condition->is_unless)
			return TRUTH_FALSE;
	}
	return TRUTH_TRUE;
}

static void
describe_error(const struct decision *decision, uint32_t policy, struct policy_error *error) {
	*error = (struct policy_error){
		.policy = policy,
		.name = decision->evaluation.error_name,
		.message = decision->evaluation.error_message,
	};
	policy_ast_position(decision->set->policies[policy].ast, decision->evaluation.error_offset, &error->line,
			    &error->column);
}

static enum status
add_error(struct decision *decision, uint32_t policy) {
	struct arena *scratch = decision->evaluation.scratch;
	decision->errors = grow(scratch, decision->errors, decision->error_count, sizeof *decision->errors);
	TRY_ALLOC(decision->errors);
	describe_error(decision, policy, &decision->errors[decision->error_count++]);
	return OK;
}

static enum status
visit_policy(void *context, uint32_t number) {
	struct decision *decision = context;
	const struct compiled_policy *policy = &decision->set->policies[number];
	size_t at;
	if (!evaluate_scope(&decision->evaluation, policy))
		return OK;
	switch (evaluate_conditions(&decision->evaluation, policy, &at)) {
	case TRUTH_FALSE:
		return OK;
	case TRUTH_TRUE:
		return add_item(decision->evaluation.scratch,
				policy->effect == POLICY_FORBID ? &decision->forbids : &decision->permits, number);
	case TRUTH_ERROR:
		break;
	}
	if (decision->evaluation.status != OK)
		return decision->evaluation.status;
	if (policy->effect == POLICY_FORBID)
		decision->forbid_failed = true;
	return add_error(decision, number);
}

static int
compare_sizes(const void *a, const void *b) {
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

static int
compare_errors(const void *a, const void *b) {
	return compare_sizes(&((const struct policy_error *)a)->policy, &((const struct policy_error *)b)->policy);
}

/* The index visits policies in an order of its own; what is recorded has one order. */
static enum status
sort_reasons(struct arena *scratch, const struct list *list, struct policy_result *result) {
	if (list->count == 0)
		return OK;
	size_t *numbers = ARENA_NEW_ARRAY(scratch, list->count, size_t);
	TRY_ALLOC(numbers);
	for (size_t i = 0; i < list->count; i++)
		numbers[i] = list->items[i];
	if (list->count > 1)
		qsort(numbers, list->count, sizeof *numbers, compare_sizes);
	result->reasons = numbers;
	result->reason_count = list->count;
	return OK;
}

static enum status
conclude(struct decision *decision, struct policy_options options, struct policy_result *result) {
	bool is_forbidden = decision->forbids.count > 0;
	if (decision->error_count > 1)
		qsort(decision->errors, decision->error_count, sizeof *decision->errors, compare_errors);
	result->errors = decision->errors;
	result->error_count = decision->error_count;
	result->denied_by_error = options.strict && decision->forbid_failed && !is_forbidden;
	if (result->denied_by_error)
		return OK;
	TRY(sort_reasons(decision->evaluation.scratch, is_forbidden ? &decision->forbids : &decision->permits, result));
	if (!is_forbidden && decision->permits.count > 0)
		result->decision = POLICY_ALLOW;
	return OK;
}

enum status
evaluation_start_checked(struct evaluation *evaluation, const struct policy_set *set,
			 const struct policy_entities *entities, const struct policy_request *request,
			 struct arena *scratch) {
	if (!set->is_sealed)
		return fail(STATUS_INTERNAL, "policy.unsealed: the policies are not sealed");
	if (!entity_store_is_sealed(entities))
		return fail(STATUS_INTERNAL, "entities.unsealed: the entities are not sealed");
	if (request->context != nullptr && request->context->type != VALUE_RECORD)
		return fail(STATUS_INVALID, "policy.context: expected a record, found %s",
			    value_type_name(request->context->type));
	return evaluation_start(evaluation, set->compiler->paths, set->compiler->path_count, entities, request,
				scratch);
}

/* So few are looked at sooner than looked up. */
constexpr size_t INDEXED_POLICIES_MIN = 16;

static enum status
visit_all(struct decision *decision) {
	for (size_t i = 0; i < decision->set->policy_count; i++)
		TRY(visit_policy(decision, (uint32_t)i));
	return OK;
}

enum status
policy_decide(const struct policy_set *set, const struct policy_entities *entities,
	      const struct policy_request *request, struct policy_options options, struct arena *scratch,
	      struct policy_result *result) {
	struct decision decision = {.set = set};
	*result = (struct policy_result){.decision = POLICY_DENY};
	TRY(evaluation_start_checked(&decision.evaluation, set, entities, request, scratch));
	TRY(options.look_at_all || set->policy_count < INDEXED_POLICIES_MIN
		    ? visit_all(&decision)
		    : policy_index_visit(&set->index, &decision.evaluation, visit_policy, &decision));
	return conclude(&decision, options, result);
}

enum status
policy_may_permit(const struct policy_set *set, const struct policy_entities *entities,
		  const struct policy_request *request, struct arena *scratch, bool *may) {
	struct evaluation evaluation;
	*may = false;
	TRY(evaluation_start_checked(&evaluation, set, entities, request, scratch));
	for (size_t i = 0; i < set->policy_count && !*may; i++)
		*may = set->policies[i].effect == POLICY_PERMIT && evaluate_scope(&evaluation, &set->policies[i]);
	return OK;
}

const char *
policy_outcome_name(enum policy_outcome outcome) {
	static const char *const names[] = {
		[POLICY_SATISFIED] = "satisfied",
		[POLICY_SCOPE_DIFFERS] = "scope",
		[POLICY_CONDITION_DIFFERS] = "condition",
		[POLICY_ERRORED] = "error",
	};
	return (size_t)outcome < ARRAY_LENGTH(names) ? names[outcome] : "unknown";
}

static enum status
explain_policy(struct decision *decision, uint32_t number, struct policy_explanation *explanation) {
	const struct compiled_policy *policy = &decision->set->policies[number];
	uint32_t offset = policy->ast->effect_place.offset;
	*explanation = (struct policy_explanation){.policy = number, .outcome = POLICY_SCOPE_DIFFERS};
	if (evaluate_scope(&decision->evaluation, policy)) {
		size_t at;
		enum truth truth = evaluate_conditions(&decision->evaluation, policy, &at);
		explanation->outcome = truth == TRUTH_TRUE    ? POLICY_SATISFIED
				       : truth == TRUTH_FALSE ? POLICY_CONDITION_DIFFERS
							      : POLICY_ERRORED;
		if (truth == TRUTH_FALSE)
			offset = policy->ast->conditions[at].place.offset;
	}
	policy_ast_position(policy->ast, offset, &explanation->line, &explanation->column);
	if (explanation->outcome != POLICY_ERRORED)
		return OK;
	TRY(decision->evaluation.status);
	struct policy_error *error = ARENA_NEW(decision->evaluation.scratch, struct policy_error);
	TRY_ALLOC(error);
	describe_error(decision, number, error);
	explanation->error = error;
	return OK;
}

enum status
policy_explain(const struct policy_set *set, const struct policy_entities *entities,
	       const struct policy_request *request, struct arena *scratch,
	       const struct policy_explanation **explanations) {
	struct decision decision = {.set = set};
	TRY(evaluation_start_checked(&decision.evaluation, set, entities, request, scratch));
	struct policy_explanation *rows = ARENA_NEW_ARRAY(scratch, set->policy_count, struct policy_explanation);
	TRY_ALLOC(rows);
	for (size_t i = 0; i < set->policy_count; i++)
		TRY(explain_policy(&decision, (uint32_t)i, &rows[i]));
	*explanations = rows;
	return OK;
}
