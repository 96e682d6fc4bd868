#include "policy/partial.h"

#include "policy/number_set.h"
#include "policy/set.h"

enum path_state : uint8_t {
	PATH_KNOWN,
	PATH_ABOVE,   /* a record with something unknown in it */
	PATH_UNKNOWN, /* itself */
	PATH_BELOW,   /* an attribute of what is unknown */
};

struct reduction {
	const struct policy_set *set;
	struct evaluation evaluation;
	struct arena *arena;
	const struct policy_unknowns *unknowns;
	enum path_state *states;         /* by path of the compiler */
	const struct policy_ast *policy; /* that is being reduced */
};

/* What is left of an expression: a value, an error whatever the facts are, or an expression. */
enum left_kind { LEFT_VALUE, LEFT_ERROR, LEFT_OPEN };

struct left {
	enum left_kind kind;
	struct value value;
	const struct expression *open; /* LEFT_OPEN, and LEFT_ERROR: what fails */
};

static enum status reduce(struct reduction *r, const struct node *node, struct left *left);
static enum status rebuild(struct reduction *r, const struct node *node, const struct expression **expression);

/* --- Which paths are known. --- */

static struct bytes
next_name(struct bytes *path) {
	const uint8_t *dot = path->len == 0 ? nullptr : memchr(path->data, '.', path->len);
	struct bytes name = bytes_of(path->data, dot == nullptr ? path->len : (size_t)(dot - path->data));
	*path = dot == nullptr ? (struct bytes){} : bytes_of(dot + 1, path->len - name.len - 1);
	return name;
}

static size_t
path_names(const struct path *paths, uint32_t number, struct bytes names[PATHS_MAX]) {
	size_t count = 0;
	for (uint32_t at = number; at != PATH_NONE; at = paths[at].parent)
		names[count++] = paths[at].name;
	for (size_t i = 0; i < count / 2; i++) {
		struct bytes swapped = names[i];
		names[i] = names[count - 1 - i];
		names[count - 1 - i] = swapped;
	}
	return count;
}

static enum path_state
compare_path(const struct bytes *names, size_t count, struct bytes unknown) {
	for (size_t i = 0; i < count; i++) {
		if (unknown.data == nullptr)
			return PATH_BELOW;
		if (!bytes_equal(names[i], next_name(&unknown)))
			return PATH_KNOWN;
	}
	return unknown.data == nullptr ? PATH_UNKNOWN : PATH_ABOVE;
}

static enum status
classify_paths(struct reduction *r) {
	const struct compiler *compiler = r->set->compiler;
	struct bytes names[PATHS_MAX];
	r->states = ARENA_NEW_ARRAY(r->arena, compiler->path_count, enum path_state);
	TRY_ALLOC(r->states);
	for (size_t i = 0; i < r->unknowns->count; i++)
		for (struct bytes rest = r->unknowns->paths[i]; rest.data != nullptr;)
			if (next_name(&rest).len == 0)
				return fail(STATUS_INVALID,
					    "partial.path: expected names joined by dots, found \"%.*s\"",
					    (int)(r->unknowns->paths[i].len > 80 ? 80 : r->unknowns->paths[i].len),
					    (const char *)r->unknowns->paths[i].data);
	for (uint32_t path = 0; path < compiler->path_count; path++) {
		if (compiler->paths[path].variable != VARIABLE_CONTEXT)
			continue;
		size_t count = path_names(compiler->paths, path, names);
		for (size_t i = 0; i < r->unknowns->count; i++) {
			enum path_state state = compare_path(names, count, r->unknowns->paths[i]);
			if (state > r->states[path])
				r->states[path] = state;
		}
	}
	return OK;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX here and below. */
static bool
depends(const struct reduction *r, const struct node *node) {
	switch (node->kind) {
	case NODE_VALUE:
		return false;
	case NODE_VARIABLE:
		return node->detail == VARIABLE_CONTEXT && r->unknowns->count > 0;
	case NODE_PATH:
	case NODE_HAS_PATH:
		return r->states[node->path] != PATH_KNOWN;
	default:
		for (uint32_t i = 0; i < node->count; i++)
			if (depends(r, node->operands[i]))
				return true;
		return false;
	}
}

/* --- Nodes as expressions again. --- */

static struct place
place_of(const struct node *node) {
	return (struct place){node->offset, 1};
}

static enum status
make(struct reduction *r, enum expression_kind kind, const struct node *node, const struct expression *const *operands,
     size_t count, const struct expression **expression) {
	struct expression *made;
	TRY(expression_make(r->arena, kind, place_of(node), operands, count, &made));
	made->names = node->kind == NODE_PATH || node->kind == NODE_HAS_PATH ? nullptr : node->names;
	made->name_count = made->names == nullptr ? 0 : node->name_count;
	if (kind == EXPRESSION_CALL)
		made->function = policy_function((enum function_id)node->detail);
	*expression = made;
	return OK;
}

static enum status
make_value(struct reduction *r, const struct node *node, const struct value *value,
	   const struct expression **expression) {
	struct expression *made;
	TRY(expression_make_literal(r->arena, place_of(node), *value, &made));
	*expression = made;
	return OK;
}

static enum status
make_variable(struct reduction *r, const struct node *node, enum variable variable,
	      const struct expression **expression) {
	struct expression *made;
	TRY(expression_make(r->arena, EXPRESSION_VARIABLE, place_of(node), nullptr, 0, &made));
	made->variable = variable;
	*expression = made;
	return OK;
}

/* context.a.b, or `context.a has b`. */
static enum status
make_path(struct reduction *r, const struct node *node, uint32_t path, enum expression_kind kind,
	  const struct expression **expression) {
	const struct path *p = &r->set->compiler->paths[path];
	const struct expression *container;
	struct expression *made;
	if (p->parent == PATH_NONE)
		TRY(make_variable(r, node, p->variable, &container));
	else
		TRY(make_path(r, node, p->parent, EXPRESSION_ATTRIBUTE, &container));
	TRY(expression_make_named(r->arena, kind, place_of(node), container, p->name, &made));
	*expression = made;
	return OK;
}

static enum expression_kind
expression_kind_of(enum node_kind kind) {
	static const enum expression_kind kinds[] = {
		[NODE_IF] = EXPRESSION_IF,
		[NODE_AND] = EXPRESSION_AND,
		[NODE_OR] = EXPRESSION_OR,
		[NODE_NOT] = EXPRESSION_NOT,
		[NODE_NEGATE] = EXPRESSION_NEGATE,
		[NODE_EQUAL] = EXPRESSION_EQUAL,
		[NODE_NOT_EQUAL] = EXPRESSION_NOT_EQUAL,
		[NODE_LESS] = EXPRESSION_LESS,
		[NODE_LESS_EQUAL] = EXPRESSION_LESS_EQUAL,
		[NODE_GREATER] = EXPRESSION_GREATER,
		[NODE_GREATER_EQUAL] = EXPRESSION_GREATER_EQUAL,
		[NODE_IN] = EXPRESSION_IN,
		[NODE_ADD] = EXPRESSION_ADD,
		[NODE_SUBTRACT] = EXPRESSION_SUBTRACT,
		[NODE_MULTIPLY] = EXPRESSION_MULTIPLY,
		[NODE_HAS] = EXPRESSION_HAS,
		[NODE_LIKE] = EXPRESSION_LIKE,
		[NODE_IS] = EXPRESSION_IS,
		[NODE_ATTRIBUTE] = EXPRESSION_ATTRIBUTE,
		[NODE_SET] = EXPRESSION_SET,
		[NODE_RECORD] = EXPRESSION_RECORD,
		[NODE_CALL] = EXPRESSION_CALL,
	};
	return kinds[kind];
}

static enum status
rebuild(struct reduction *r, const struct node *node, const struct expression **expression) {
	switch (node->kind) {
	case NODE_VALUE:
		return make_value(r, node, &node->value, expression);
	case NODE_VARIABLE:
		return make_variable(r, node, (enum variable)node->detail, expression);
	case NODE_PATH:
		return make_path(r, node, node->path, EXPRESSION_ATTRIBUTE, expression);
	case NODE_HAS_PATH:
		return make_path(r, node, node->path, EXPRESSION_HAS, expression);
	default: {
		const struct expression **operands = ARENA_NEW_ARRAY(r->arena, node->count, const struct expression *);
		TRY_ALLOC(operands);
		for (uint32_t i = 0; i < node->count; i++)
			TRY(rebuild(r, node->operands[i], &operands[i]));
		return make(r, expression_kind_of(node->kind), node, operands, node->count, expression);
	}
	}
}

/* --- What is left. --- */

static enum status
leave_value(struct left *left, struct value value) {
	*left = (struct left){.kind = LEFT_VALUE, .value = value};
	return OK;
}

static enum status
leave_error(struct reduction *r, const struct node *node, struct left *left) {
	*left = (struct left){.kind = LEFT_ERROR};
	return rebuild(r, node, &left->open);
}

/* As an operand of what stays open. */
static enum status
as_expression(struct reduction *r, const struct node *node, const struct left *left,
	      const struct expression **expression) {
	if (left->kind == LEFT_VALUE)
		return make_value(r, node, &left->value, expression);
	*expression = left->open;
	return OK;
}

/* Nothing in it is unknown: it has a value or fails. */
static enum status
reduce_known(struct reduction *r, const struct node *node, struct left *left) {
	struct value room;
	const struct value *value = evaluate(&r->evaluation, node, &room);
	TRY(r->evaluation.status);
	return value == nullptr ? leave_error(r, node, left) : leave_value(left, *value);
}

static bool
function_gives_boolean(enum function_id id) {
	switch (id) {
	case FUNCTION_GET_TAG:
	case FUNCTION_DECIMAL:
	case FUNCTION_IP:
	case FUNCTION_DATETIME:
	case FUNCTION_OFFSET:
	case FUNCTION_DURATION_SINCE:
	case FUNCTION_TO_DATE:
	case FUNCTION_TO_TIME:
	case FUNCTION_DURATION:
	case FUNCTION_TO_MILLISECONDS:
	case FUNCTION_TO_SECONDS:
	case FUNCTION_TO_MINUTES:
	case FUNCTION_TO_HOURS:
	case FUNCTION_TO_DAYS:
		return false;
	default:
		return true;
	}
}

static bool
gives_boolean(const struct expression *expression) {
	switch (expression->kind) {
	case EXPRESSION_AND:
	case EXPRESSION_OR:
	case EXPRESSION_NOT:
	case EXPRESSION_EQUAL:
	case EXPRESSION_NOT_EQUAL:
	case EXPRESSION_LESS:
	case EXPRESSION_LESS_EQUAL:
	case EXPRESSION_GREATER:
	case EXPRESSION_GREATER_EQUAL:
	case EXPRESSION_IN:
	case EXPRESSION_HAS:
	case EXPRESSION_LIKE:
	case EXPRESSION_IS:
		return true;
	case EXPRESSION_CALL:
		return function_gives_boolean(expression->function->id);
	default:
		return false;
	}
}

/* && and ||: what is certain and goes on is dropped; what is certain and ends, or fails, ends. */
static enum status
reduce_chain(struct reduction *r, const struct node *node, struct left *left) {
	bool is_and = node->kind == NODE_AND, is_ended = false;
	const struct expression **kept = ARENA_NEW_ARRAY(r->arena, node->count + 1, const struct expression *);
	size_t count = 0;
	TRY_ALLOC(kept);
	for (uint32_t i = 0; i < node->count && !is_ended; i++) {
		struct left operand;
		TRY(reduce(r, node->operands[i], &operand));
		bool is_boolean = operand.kind == LEFT_VALUE && operand.value.type == VALUE_BOOLEAN;
		if (is_boolean && operand.value.boolean == is_and)
			continue;
		is_ended = operand.kind != LEFT_OPEN;
		if (is_ended && count == 0)
			return is_boolean ? leave_value(left, operand.value) : leave_error(r, node, left);
		TRY(as_expression(r, node->operands[i], &operand, &kept[count++]));
	}
	if (count == 0)
		return leave_value(left, value_boolean(is_and));
	if (count == 1 && !gives_boolean(kept[0])) { /* what is no bool must go on to fail */
		struct value neutral = value_boolean(is_and);
		TRY(make_value(r, node, &neutral, &kept[count++]));
	}
	*left = (struct left){.kind = LEFT_OPEN, .open = kept[0]};
	if (count == 1)
		return OK;
	struct expression *made;
	TRY(expression_make(r->arena, is_and ? EXPRESSION_AND : EXPRESSION_OR, place_of(node), kept, count, &made));
	left->open = made;
	return OK;
}

static enum status
reduce_if(struct reduction *r, const struct node *node, struct left *left) {
	const struct expression *operands[3];
	struct left condition, branch;
	TRY(reduce(r, node->operands[0], &condition));
	if (condition.kind == LEFT_ERROR || (condition.kind == LEFT_VALUE && condition.value.type != VALUE_BOOLEAN))
		return leave_error(r, node, left);
	if (condition.kind == LEFT_VALUE)
		return reduce(r, node->operands[condition.value.boolean ? 1 : 2], left);
	operands[0] = condition.open;
	for (size_t i = 1; i < 3; i++) {
		TRY(reduce(r, node->operands[i], &branch));
		TRY(as_expression(r, node->operands[i], &branch, &operands[i]));
	}
	left->kind = LEFT_OPEN;
	return make(r, EXPRESSION_IF, node, operands, 3, &left->open);
}

/* is T in E: E is looked at only where the type is T. */
static enum status
reduce_is(struct reduction *r, const struct node *node, struct left *left) {
	const struct expression *operands[2];
	struct left entity, above;
	TRY(reduce(r, node->operands[0], &entity));
	if (entity.kind == LEFT_ERROR || (entity.kind == LEFT_VALUE && entity.value.type != VALUE_ENTITY))
		return leave_error(r, node, left);
	if (entity.kind == LEFT_VALUE && !bytes_equal(entity.value.entity.type, node->names[0]))
		return leave_value(left, value_boolean(false));
	TRY(as_expression(r, node->operands[0], &entity, &operands[0]));
	left->kind = LEFT_OPEN;
	if (node->count == 1)
		return make(r, EXPRESSION_IS, node, operands, 1, &left->open);
	TRY(reduce(r, node->operands[1], &above));
	if (entity.kind == LEFT_VALUE && above.kind == LEFT_ERROR)
		return leave_error(r, node, left);
	TRY(as_expression(r, node->operands[1], &above, &operands[1]));
	return make(r, EXPRESSION_IS, node, operands, 2, &left->open);
}

/* All operands are always evaluated, so that one that fails is the end of it. */
static enum status
reduce_strict(struct reduction *r, const struct node *node, struct left *left) {
	const struct expression **operands = ARENA_NEW_ARRAY(r->arena, node->count, const struct expression *);
	TRY_ALLOC(operands);
	for (uint32_t i = 0; i < node->count; i++) {
		struct left operand;
		TRY(reduce(r, node->operands[i], &operand));
		if (operand.kind == LEFT_ERROR)
			return leave_error(r, node, left);
		TRY(as_expression(r, node->operands[i], &operand, &operands[i]));
	}
	left->kind = LEFT_OPEN;
	return make(r, expression_kind_of(node->kind), node, operands, node->count, &left->open);
}

static enum status
reduce(struct reduction *r, const struct node *node, struct left *left) {
	*left = (struct left){};
	if (!depends(r, node))
		return reduce_known(r, node, left);
	switch (node->kind) {
	case NODE_AND:
	case NODE_OR:
		return reduce_chain(r, node, left);
	case NODE_IF:
		return reduce_if(r, node, left);
	case NODE_IS:
		return reduce_is(r, node, left);
	case NODE_HAS_PATH:
		if (r->states[node->path] != PATH_BELOW) /* an unknown fact is there */
			return leave_value(left, value_boolean(true));
		[[fallthrough]];
	case NODE_PATH:
	case NODE_VARIABLE:
		left->kind = LEFT_OPEN;
		return rebuild(r, node, &left->open);
	default:
		return reduce_strict(r, node, left);
	}
}

/* --- Policies. --- */

struct rest { /* of a policy */
	struct condition *conditions;
	size_t count;
	bool is_open;
	bool is_satisfied, is_false, is_error; /* whatever the facts are */
};

static enum status
keep_condition(struct rest *rest, const struct compiled_condition *condition, const struct expression *body) {
	rest->conditions[rest->count++] = (struct condition){condition->is_unless, body->place, body};
	return OK;
}

/* In order, up to the first that certainly does not hold or fails. */
static enum status
reduce_conditions(struct reduction *r, const struct compiled_policy *policy, struct rest *rest) {
	rest->conditions = ARENA_NEW_ARRAY(r->arena, policy->condition_count, struct condition);
	TRY_ALLOC(rest->conditions);
	for (size_t i = 0; i < policy->condition_count; i++) {
		const struct compiled_condition *condition = &policy->conditions[i];
		const struct expression *body;
		struct left left;
		TRY(reduce(r, condition->body, &left));
		bool is_boolean = left.kind == LEFT_VALUE && left.value.type == VALUE_BOOLEAN;
		if (is_boolean && left.value.boolean != condition->is_unless)
			continue;
		rest->is_false = is_boolean && !rest->is_open;
		rest->is_error = !is_boolean && left.kind != LEFT_OPEN && !rest->is_open;
		if (rest->is_false)
			return OK;
		TRY(as_expression(r, condition->body, &left, &body));
		TRY(keep_condition(rest, condition, body));
		if (left.kind != LEFT_OPEN)
			return OK;
		rest->is_open = true;
	}
	rest->is_satisfied = !rest->is_open;
	return OK;
}

static enum status
add_rest(struct reduction *r, const struct compiled_policy *policy, const struct rest *rest,
	 struct policy_set *residual) {
	struct policy_ast *ast = ARENA_NEW(r->arena, struct policy_ast);
	TRY_ALLOC(ast);
	*ast = *policy->ast;
	ast->principal = ast->action = ast->resource = (struct scope){.kind = SCOPE_ANY};
	ast->conditions = rest->conditions;
	ast->condition_count = rest->count;
	return policy_set_add_ast(residual, ast, &policy->id, nullptr);
}

struct tally { /* of what is certain, and of what is not */
	size_t permits, forbids, forbid_errors, open_permits, open_forbids;
};

static enum status
add_policy(struct reduction *r, uint32_t number, struct policy_set *residual, struct tally *tally) {
	const struct compiled_policy *policy = &r->set->policies[number];
	bool is_forbid = policy->effect == POLICY_FORBID;
	struct rest rest = {};
	if (!evaluate_scope(&r->evaluation, policy))
		return OK;
	TRY(reduce_conditions(r, policy, &rest));
	if (rest.is_false)
		return OK;
	if (rest.is_open)
		*(is_forbid ? &tally->open_forbids : &tally->open_permits) += 1;
	else if (rest.is_satisfied)
		*(is_forbid ? &tally->forbids : &tally->permits) += 1;
	else
		tally->forbid_errors += is_forbid;
	return add_rest(r, policy, &rest, residual);
}

static enum partial_decision
conclude(const struct tally *tally, struct policy_options options) {
	if (tally->forbids > 0 || (options.strict && tally->forbid_errors > 0) ||
	    tally->permits + tally->open_permits == 0)
		return PARTIAL_DENY;
	return tally->open_forbids == 0 && tally->permits > 0 ? PARTIAL_ALLOW : PARTIAL_OPEN;
}

struct candidates {
	uint32_t *numbers;
	size_t count;
};

static enum status
add_candidate(void *context, uint32_t policy) {
	struct candidates *candidates = context;
	candidates->numbers[candidates->count++] = policy;
	return OK;
}

enum status
policy_decide_partially(const struct policy_set *set, const struct policy_entities *entities,
			const struct policy_request *request, struct policy_options options,
			const struct policy_unknowns *unknowns, struct arena *arena, struct policy_partial *partial) {
	_cleanup_(policy_set_destroy) struct policy_set *residual = nullptr;
	struct reduction r = {.set = set, .arena = arena, .unknowns = unknowns};
	struct candidates candidates = {ARENA_NEW_ARRAY(arena, set->policy_count, uint32_t), 0};
	struct tally tally = {};
	*partial = (struct policy_partial){};
	TRY_ALLOC(candidates.numbers);
	TRY(evaluation_start_checked(&r.evaluation, set, entities, request, arena));
	TRY(classify_paths(&r));
	TRY(policy_index_visit(&set->index, &r.evaluation, add_candidate, &candidates));
	candidates.count = number_set_make(candidates.numbers, candidates.count);
	TRY(policy_set_create(&set->options, &residual));
	for (size_t i = 0; i < candidates.count; i++)
		TRY(add_policy(&r, candidates.numbers[i], residual, &tally));
	TRY(policy_set_seal(residual));
	partial->decision = conclude(&tally, options);
	partial->open_count = tally.open_permits + tally.open_forbids;
	partial->residual = TAKE(residual);
	return OK;
}
