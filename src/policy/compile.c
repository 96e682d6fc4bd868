#include "policy/compile.h"

#include <stdlib.h>

#include "policy/entity_store.h"

void
compiler_free(struct compiler *compiler) {
	map_free(&compiler->path_index);
}

static enum status compile_expression(struct compiler *compiler, const struct expression *expression,
				      const struct node **node);

static enum status
new_node(struct compiler *compiler, enum node_kind kind, const struct expression *expression, struct node **node) {
	*node = ARENA_NEW(compiler->arena, struct node);
	TRY_ALLOC(*node);
	(*node)->kind = kind;
	(*node)->offset = expression->place.offset;
	return OK;
}

static enum status
new_value_node(struct compiler *compiler, const struct expression *expression, struct value value,
	       const struct node **node) {
	struct node *made;
	TRY(new_node(compiler, NODE_VALUE, expression, &made));
	made->value = value;
	if (value.type == VALUE_ENTITY)
		made->hash = entity_hash(value.entity);
	*node = made;
	return OK;
}

static enum status
compile_operands(struct compiler *compiler, const struct expression *expression, struct node *node) {
	const struct node **operands = ARENA_NEW_ARRAY(compiler->arena, expression->operand_count, const struct node *);
	TRY_ALLOC(operands);
	for (size_t i = 0; i < expression->operand_count; i++)
		TRY(compile_expression(compiler, expression->operands[i], &operands[i]));
	node->operands = operands;
	node->count = expression->operand_count;
	return OK;
}

static bool
all_constant(const struct node *node) {
	for (uint32_t i = 0; i < node->count; i++)
		if (node->operands[i]->kind != NODE_VALUE)
			return false;
	return true;
}

static enum status
compile_set(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	TRY(new_node(compiler, NODE_SET, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	*node = made;
	if (!all_constant(made))
		return OK;
	struct value *items = ARENA_NEW_ARRAY(compiler->arena, made->count, struct value);
	TRY_ALLOC(items);
	for (uint32_t i = 0; i < made->count; i++)
		items[i] = made->operands[i]->value;
	return new_value_node(compiler, expression, value_set(items, made->count), node);
}

struct field {
	struct bytes name;
	const struct expression *body;
};

static int
compare_fields(const void *a, const void *b) {
	return bytes_compare(((const struct field *)a)->name, ((const struct field *)b)->name);
}

/* Fields by ascending name, as records have them. All are evaluated, so that their order shows in nothing but in which of
 * several errors is told. */
static enum status
compile_record(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	size_t count = expression->operand_count;
	struct field *fields = ARENA_NEW_ARRAY(compiler->arena, count, struct field);
	const struct node **operands = ARENA_NEW_ARRAY(compiler->arena, count, const struct node *);
	struct bytes *names = ARENA_NEW_ARRAY(compiler->arena, count, struct bytes);
	TRY(new_node(compiler, NODE_RECORD, expression, &made));
	TRY_ALLOC(fields);
	TRY_ALLOC(operands);
	TRY_ALLOC(names);
	for (size_t i = 0; i < count; i++)
		fields[i] = (struct field){expression->names[i], expression->operands[i]};
	if (count > 1)
		qsort(fields, count, sizeof *fields, compare_fields);
	for (size_t i = 0; i < count; i++) {
		names[i] = fields[i].name;
		TRY(compile_expression(compiler, fields[i].body, &operands[i]));
	}
	made->operands = operands;
	made->names = names;
	made->count = made->name_count = (uint32_t)count;
	*node = made;
	if (!all_constant(made))
		return OK;
	struct value_field *values = ARENA_NEW_ARRAY(compiler->arena, count, struct value_field);
	TRY_ALLOC(values);
	for (size_t i = 0; i < count; i++)
		values[i] = (struct value_field){names[i], operands[i]->value};
	struct value record = {.type = VALUE_RECORD, .record = {values, count}};
	return new_value_node(compiler, expression, record, node);
}

static enum status
compile_call(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	static enum status (*const constructors[FUNCTION_COUNT])(struct bytes, struct value *) = {
		[FUNCTION_DECIMAL] = value_parse_decimal,
		[FUNCTION_IP] = value_parse_ip,
		[FUNCTION_DATETIME] = value_parse_datetime,
		[FUNCTION_DURATION] = value_parse_duration,
	};
	struct node *made;
	TRY(new_node(compiler, NODE_CALL, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	made->detail = (uint8_t)expression->function->id;
	*node = made;
	struct value value;
	bool is_constant = constructors[made->detail] != nullptr && made->count == 1 &&
			   made->operands[0]->kind == NODE_VALUE && made->operands[0]->value.type == VALUE_STRING &&
			   constructors[made->detail](made->operands[0]->value.string, &value) == OK;
	return is_constant ? new_value_node(compiler, expression, value, node) : OK;
}

/* The number of the path, which is given one if there is room; PATH_NONE otherwise. */
static enum status
enter_path(struct compiler *compiler, enum variable variable, uint32_t parent, struct bytes name, uint32_t *path) {
	_cleanup_(buffer_free) struct buffer key = {};
	buffer_append_u32be(&key, variable);
	buffer_append_u32be(&key, parent);
	buffer_append_bytes(&key, name);
	TRY(buffer_status(&key));
	void *known = map_get(&compiler->path_index, buffer_bytes(&key));
	*path = known == nullptr ? PATH_NONE : (uint32_t)((uintptr_t)known - 1);
	if (known != nullptr || compiler->path_count == PATHS_MAX)
		return OK;
	*path = compiler->path_count++;
	compiler->paths[*path] = (struct path){variable, parent, name};
	return map_put(&compiler->path_index, buffer_bytes(&key), (void *)(uintptr_t)(*path + 1), nullptr);
}

/* The path that continues the target by name, or PATH_NONE if the target is no path. */
static enum status
extend_path(struct compiler *compiler, const struct node *target, struct bytes name, uint32_t *path) {
	*path = PATH_NONE;
	if (target->kind == NODE_VARIABLE)
		return enter_path(compiler, target->detail, PATH_NONE, name, path);
	if (target->kind == NODE_PATH)
		return enter_path(compiler, compiler->paths[target->path].variable, target->path, name, path);
	return OK;
}

static enum status
new_path_node(struct compiler *compiler, enum node_kind kind, const struct expression *expression, uint32_t path,
	      const struct node **node) {
	struct node *made;
	TRY(new_node(compiler, kind, expression, &made));
	made->path = path;
	*node = made;
	return OK;
}

static enum status
compile_attribute(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	uint32_t path;
	TRY(new_node(compiler, NODE_ATTRIBUTE, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	TRY(extend_path(compiler, made->operands[0], expression->names[0], &path));
	if (path != PATH_NONE)
		return new_path_node(compiler, NODE_PATH, expression, path, node);
	made->names = expression->names;
	made->name_count = 1;
	*node = made;
	return OK;
}

/* e has a.b.c is e has a && e.a has b && e.a.b has c. On a path each part is a path, resolved once. Elsewhere one node
 * walks down all names, so that e is evaluated once: several times, nested, would be exponential. */
static enum status
compile_has(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	const struct node **whole = ARENA_NEW(compiler->arena, const struct node *);
	TRY_ALLOC(whole);
	TRY(compile_expression(compiler, expression->operands[0], whole));
	const struct node *target = *whole;
	const struct node **parts = ARENA_NEW_ARRAY(compiler->arena, expression->name_count, const struct node *);
	TRY_ALLOC(parts);
	for (size_t i = 0; i < expression->name_count; i++) {
		uint32_t path;
		TRY(extend_path(compiler, target, expression->names[i], &path));
		if (path == PATH_NONE) {
			TRY(new_node(compiler, NODE_HAS, expression, &made));
			made->operands = whole;
			made->count = 1;
			made->names = expression->names;
			made->name_count = expression->name_count;
			*node = made;
			return OK;
		}
		TRY(new_path_node(compiler, NODE_HAS_PATH, expression, path, &parts[i]));
		TRY(new_path_node(compiler, NODE_PATH, expression, path, &target));
	}
	*node = parts[0];
	if (expression->name_count == 1)
		return OK;
	TRY(new_node(compiler, NODE_AND, expression, &made));
	made->operands = parts;
	made->count = (uint32_t)expression->name_count;
	*node = made;
	return OK;
}

static enum status
compile_is(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	TRY(new_node(compiler, NODE_IS, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	made->names = expression->names;
	made->name_count = 1;
	*node = made;
	return OK;
}

/* Two wildcards in a row are one: empty parts in the middle say nothing. */
static enum status
compile_like(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	struct node *made;
	struct bytes *parts = ARENA_NEW_ARRAY(compiler->arena, expression->name_count, struct bytes);
	TRY_ALLOC(parts);
	TRY(new_node(compiler, NODE_LIKE, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	for (size_t i = 0; i < expression->name_count; i++) {
		bool is_edge = i == 0 || i + 1 == expression->name_count;
		if (is_edge || expression->names[i].len > 0)
			parts[made->name_count++] = expression->names[i];
	}
	made->names = parts;
	*node = made;
	return OK;
}

static enum status
compile_simple(struct compiler *compiler, enum node_kind kind, const struct expression *expression,
	       const struct node **node) {
	struct node *made;
	TRY(new_node(compiler, kind, expression, &made));
	TRY(compile_operands(compiler, expression, made));
	*node = made;
	return OK;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static enum status
compile_expression(struct compiler *compiler, const struct expression *expression, const struct node **node) {
	static const enum node_kind simple[] = {
		[EXPRESSION_IF] = NODE_IF,
		[EXPRESSION_AND] = NODE_AND,
		[EXPRESSION_OR] = NODE_OR,
		[EXPRESSION_NOT] = NODE_NOT,
		[EXPRESSION_NEGATE] = NODE_NEGATE,
		[EXPRESSION_EQUAL] = NODE_EQUAL,
		[EXPRESSION_NOT_EQUAL] = NODE_NOT_EQUAL,
		[EXPRESSION_LESS] = NODE_LESS,
		[EXPRESSION_LESS_EQUAL] = NODE_LESS_EQUAL,
		[EXPRESSION_GREATER] = NODE_GREATER,
		[EXPRESSION_GREATER_EQUAL] = NODE_GREATER_EQUAL,
		[EXPRESSION_IN] = NODE_IN,
		[EXPRESSION_ADD] = NODE_ADD,
		[EXPRESSION_SUBTRACT] = NODE_SUBTRACT,
		[EXPRESSION_MULTIPLY] = NODE_MULTIPLY,
	};
	switch (expression->kind) {
	case EXPRESSION_LITERAL:
		return new_value_node(compiler, expression, expression->value, node);
	case EXPRESSION_VARIABLE: {
		struct node *made;
		TRY(new_node(compiler, NODE_VARIABLE, expression, &made));
		made->detail = (uint8_t)expression->variable;
		*node = made;
		return OK;
	}
	case EXPRESSION_ATTRIBUTE:
		return compile_attribute(compiler, expression, node);
	case EXPRESSION_HAS:
		return compile_has(compiler, expression, node);
	case EXPRESSION_LIKE:
		return compile_like(compiler, expression, node);
	case EXPRESSION_IS:
		return compile_is(compiler, expression, node);
	case EXPRESSION_SET:
		return compile_set(compiler, expression, node);
	case EXPRESSION_RECORD:
		return compile_record(compiler, expression, node);
	case EXPRESSION_CALL:
		return compile_call(compiler, expression, node);
	default:
		return compile_simple(compiler, simple[expression->kind], expression, node);
	}
}

static enum status
compile_scope(struct compiler *compiler, const struct scope *scope, const struct entity_uid *slot,
	      struct compiled_scope *compiled) {
	if (scope->is_slot && slot == nullptr)
		return fail(STATUS_INTERNAL, "policy.slot: a template is compiled without the entity of its slot");
	const struct entity_uid *uids = scope->is_slot ? slot : scope->entities;
	size_t count = scope->is_slot ? 1 : scope->entity_count;
	struct uid_literal *entities = ARENA_NEW_ARRAY(compiler->arena, count, struct uid_literal);
	TRY_ALLOC(entities);
	for (size_t i = 0; i < count; i++)
		entities[i] = (struct uid_literal){uids[i], entity_hash(uids[i])};
	*compiled = (struct compiled_scope){scope->kind, scope->type, entities, count};
	return OK;
}

enum status
policy_compile(struct compiler *compiler, const struct policy_ast *ast, const struct entity_uid *principal,
	       const struct entity_uid *resource, struct compiled_policy *policy) {
	policy->ast = ast;
	policy->effect = ast->effect;
	TRY(compile_scope(compiler, &ast->principal, principal, &policy->principal));
	TRY(compile_scope(compiler, &ast->action, nullptr, &policy->action));
	TRY(compile_scope(compiler, &ast->resource, resource, &policy->resource));
	struct compiled_condition *conditions =
		ARENA_NEW_ARRAY(compiler->arena, ast->condition_count, struct compiled_condition);
	TRY_ALLOC(conditions);
	for (size_t i = 0; i < ast->condition_count; i++) {
		conditions[i].is_unless = ast->conditions[i].is_unless;
		TRY(compile_expression(compiler, ast->conditions[i].body, &conditions[i].body));
	}
	policy->conditions = conditions;
	policy->condition_count = ast->condition_count;
	return OK;
}
