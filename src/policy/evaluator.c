#include "policy/evaluator.h"

#include <stdio.h>

#include "policy/like.h"

/* In place of a path's value: the attribute is not there; there is nothing that could have it. */
static const struct value absent, no_container;

enum status
evaluation_start(struct evaluation *evaluation, const struct path *paths, uint32_t path_count,
		 const struct policy_entities *entities, const struct policy_request *request, struct arena *scratch) {
	static const struct value empty = {.type = VALUE_RECORD};
	const struct entity_uid uids[3] = {request->principal, request->action, request->resource};
	evaluation->paths = paths;
	evaluation->entities = entities;
	evaluation->scratch = scratch;
	evaluation->status = OK;
	evaluation->error_name = nullptr;
	for (size_t i = 0; i < 3; i++) {
		evaluation->variables[i] = value_entity(uids[i].type, uids[i].id);
		evaluation->type_hashes[i] = entity_type_hash(uids[i].type);
		evaluation->hashes[i] = entity_hash_within(evaluation->type_hashes[i], uids[i].id);
		evaluation->indexes[i] = entity_store_find(entities, uids[i], evaluation->hashes[i]);
	}
	evaluation->variables[VARIABLE_CONTEXT] = request->context == nullptr ? empty : *request->context;
	evaluation->values = ARENA_NEW_ARRAY(scratch, path_count, const struct value *);
	TRY_ALLOC(evaluation->values);
	return OK;
}

const struct value *
evaluation_fail(struct evaluation *evaluation, const struct node *node, const char *name, const char *format, ...) {
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	evaluation->error_name = name;
	evaluation->error_offset = node->offset;
	evaluation->error_message = arena_text(evaluation->scratch, bytes_of_text(text));
	if (evaluation->error_message == nullptr) {
		evaluation->status = fail(STATUS_NO_MEMORY, "memory: out of scratch memory in a decision");
		evaluation->error_message = "";
	}
	return nullptr;
}

static const struct value *
out_of_memory(struct evaluation *evaluation, const struct node *node) {
	evaluation->status = fail(STATUS_NO_MEMORY, "memory: out of scratch memory in a decision");
	evaluation->error_name = "evaluate.memory";
	evaluation->error_message = "out of memory";
	evaluation->error_offset = node->offset;
	return nullptr;
}

const struct value *
evaluation_wrong_type(struct evaluation *evaluation, const struct node *node, const char *expected,
		      const struct value *found) {
	return evaluation_fail(evaluation, node, "evaluate.type", "expected %s, found %s", expected,
			       value_type_name(found->type));
}

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static uint32_t
find_entity(const struct evaluation *evaluation, const struct value *entity) {
	return entity_store_find(evaluation->entities, entity->entity, entity_hash(entity->entity));
}

uint32_t
evaluation_locate(const struct evaluation *evaluation, const struct node *node, const struct value *entity) {
	if (node->kind == NODE_VARIABLE && node->detail != VARIABLE_CONTEXT)
		return evaluation->indexes[node->detail];
	if (node->kind == NODE_VALUE && entity == &node->value)
		return entity_store_find(evaluation->entities, entity->entity, node->hash);
	return find_entity(evaluation, entity);
}

/* The attribute, or &absent, or &no_container. index: of the container, if it is an entity. */
static const struct value *
get_attribute(const struct evaluation *evaluation, const struct value *container, uint32_t index, struct bytes name) {
	const struct value *record = container;
	if (container->type == VALUE_ENTITY)
		record = index == ENTITY_NONE ? nullptr : entity_store_attributes(evaluation->entities, index);
	else if (container->type != VALUE_RECORD)
		return &no_container;
	const struct value *value = record == nullptr ? nullptr : value_record_get(record, name);
	return value == nullptr ? &absent : value;
}

static const struct value *
resolve_path(struct evaluation *evaluation, uint32_t path) {
	if (evaluation->values[path] != nullptr)
		return evaluation->values[path];
	const struct path *p = &evaluation->paths[path];
	const struct value *container, *value;
	uint32_t index = ENTITY_NONE;
	if (p->parent == PATH_NONE) {
		container = &evaluation->variables[p->variable];
		if (p->variable != VARIABLE_CONTEXT)
			index = evaluation->indexes[p->variable];
	} else {
		container = resolve_path(evaluation, p->parent);
		if (container == &absent || container == &no_container)
			return evaluation->values[path] = &no_container;
		if (container->type == VALUE_ENTITY)
			index = find_entity(evaluation, container);
	}
	value = get_attribute(evaluation, container, index, p->name);
	return evaluation->values[path] = value;
}

static const struct value *
attribute_error(struct evaluation *evaluation, const struct node *node, const struct value *container,
		struct bytes name) {
	if (container->type == VALUE_RECORD)
		return evaluation_fail(evaluation, node, "evaluate.attribute", "the record has no attribute %.*s",
				       NAME_ARGS(name));
	if (container->type != VALUE_ENTITY)
		return evaluation_wrong_type(evaluation, node, "a record or an entity", container);
	uint32_t index = find_entity(evaluation, container);
	if (index == ENTITY_NONE || !entity_store_is_present(evaluation->entities, index))
		return evaluation_fail(evaluation, node, "evaluate.entity", "there is no entity %.*s::\"%.*s\"",
				       NAME_ARGS(container->entity.type), NAME_ARGS(container->entity.id));
	return evaluation_fail(evaluation, node, "evaluate.attribute", "%.*s::\"%.*s\" has no attribute %.*s",
			       NAME_ARGS(container->entity.type), NAME_ARGS(container->entity.id), NAME_ARGS(name));
}

/* Of the first part of the path that is not there. */
static const struct value *
path_error(struct evaluation *evaluation, const struct node *node, uint32_t path) {
	const struct path *p = &evaluation->paths[path];
	const struct value *container = &evaluation->variables[p->variable];
	if (p->parent != PATH_NONE) {
		container = resolve_path(evaluation, p->parent);
		if (container == &absent || container == &no_container)
			return path_error(evaluation, node, p->parent);
	}
	return attribute_error(evaluation, node, container, p->name);
}

static enum truth
evaluate_has_path(struct evaluation *evaluation, const struct node *node) {
	const struct value *value = resolve_path(evaluation, node->path);
	if (value == &no_container) {
		path_error(evaluation, node, node->path);
		return TRUTH_ERROR;
	}
	return value == &absent ? TRUTH_FALSE : TRUTH_TRUE;
}

static enum truth
evaluate_has(struct evaluation *evaluation, const struct node *node) {
	struct value room;
	const struct value *container = evaluate(evaluation, node->operands[0], &room);
	if (container == nullptr)
		return TRUTH_ERROR;
	for (uint32_t i = 0; i < node->name_count; i++) {
		uint32_t index = container->type == VALUE_ENTITY ? find_entity(evaluation, container) : ENTITY_NONE;
		const struct value *value = get_attribute(evaluation, container, index, node->names[i]);
		if (value == &absent)
			return TRUTH_FALSE;
		if (value == &no_container) {
			evaluation_wrong_type(evaluation, node, "a record or an entity", container);
			return TRUTH_ERROR;
		}
		container = value;
	}
	return TRUTH_TRUE;
}

static const struct value *
evaluate_attribute(struct evaluation *evaluation, const struct node *node) {
	struct value room;
	const struct value *container = evaluate(evaluation, node->operands[0], &room);
	if (container == nullptr)
		return nullptr;
	uint32_t index = container->type == VALUE_ENTITY ? find_entity(evaluation, container) : ENTITY_NONE;
	const struct value *value = get_attribute(evaluation, container, index, node->names[0]);
	if (value == &absent || value == &no_container)
		return attribute_error(evaluation, node, container, node->names[0]);
	return value;
}

static enum truth
evaluate_equal(struct evaluation *evaluation, const struct node *node) {
	struct value rooms[2];
	const struct value *left = evaluate(evaluation, node->operands[0], &rooms[0]);
	const struct value *right = left == nullptr ? nullptr : evaluate(evaluation, node->operands[1], &rooms[1]);
	if (right == nullptr)
		return TRUTH_ERROR;
	return value_equal(left, right) == (node->kind == NODE_EQUAL) ? TRUTH_TRUE : TRUTH_FALSE;
}

static bool
is_ordered(enum value_type type) {
	return type == VALUE_LONG || type == VALUE_DATETIME || type == VALUE_DURATION;
}

/* < <= > >= on two longs, two datetimes or two durations. */
static enum truth
evaluate_order(struct evaluation *evaluation, const struct node *node) {
	struct value rooms[2];
	const struct value *left = evaluate(evaluation, node->operands[0], &rooms[0]);
	const struct value *right = left == nullptr ? nullptr : evaluate(evaluation, node->operands[1], &rooms[1]);
	if (right == nullptr)
		return TRUTH_ERROR;
	if (!is_ordered(left->type)) {
		evaluation_wrong_type(evaluation, node->operands[0], "long, datetime or duration", left);
		return TRUTH_ERROR;
	}
	if (right->type != left->type) {
		evaluation_wrong_type(evaluation, node->operands[1], value_type_name(left->type), right);
		return TRUTH_ERROR;
	}
	int64_t a = left->integer, b = right->integer;
	bool holds = node->kind == NODE_LESS         ? a < b
		     : node->kind == NODE_LESS_EQUAL ? a <= b
		     : node->kind == NODE_GREATER    ? a > b
						     : a >= b;
	return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static bool
is_below(const struct evaluation *evaluation, uint32_t descendant, uint32_t ancestor) {
	return descendant != ENTITY_NONE && ancestor != ENTITY_NONE &&
	       entity_store_has_ancestor(evaluation->entities, descendant, ancestor);
}

/* Every element is checked for its type, also behind one that is found. */
static enum truth
is_in_set(struct evaluation *evaluation, const struct node *node, const struct value *entity, uint32_t index,
	  const struct value *set) {
	for (size_t i = 0; i < set->set.count; i++)
		if (set->set.items[i].type != VALUE_ENTITY) {
			evaluation_wrong_type(evaluation, node, "a set of entities", &set->set.items[i]);
			return TRUTH_ERROR;
		}
	if (value_set_contains(set, entity))
		return TRUTH_TRUE;
	size_t ancestors = 0;
	if (index != ENTITY_NONE)
		entity_store_ancestors(evaluation->entities, index, &ancestors);
	if (ancestors == 0)
		return TRUTH_FALSE;
	for (size_t i = 0; i < set->set.count; i++)
		if (is_below(evaluation, index, find_entity(evaluation, &set->set.items[i])))
			return TRUTH_TRUE;
	return TRUTH_FALSE;
}

static enum truth
is_in(struct evaluation *evaluation, const struct node *node, const struct node *left_node, const struct value *left,
      const struct node *right_node) {
	struct value room;
	const struct value *right = evaluate(evaluation, right_node, &room);
	if (right == nullptr)
		return TRUTH_ERROR;
	if (left->type != VALUE_ENTITY) {
		evaluation_wrong_type(evaluation, node, "an entity before `in`", left);
		return TRUTH_ERROR;
	}
	uint32_t index = evaluation_locate(evaluation, left_node, left);
	if (right->type == VALUE_SET)
		return is_in_set(evaluation, node, left, index, right);
	if (right->type != VALUE_ENTITY) {
		evaluation_wrong_type(evaluation, node, "an entity or a set of entities after `in`", right);
		return TRUTH_ERROR;
	}
	if (value_equal(left, right))
		return TRUTH_TRUE;
	if (index == ENTITY_NONE)
		return TRUTH_FALSE;
	return is_below(evaluation, index, evaluation_locate(evaluation, right_node, right)) ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
evaluate_in(struct evaluation *evaluation, const struct node *node) {
	struct value room;
	const struct value *left = evaluate(evaluation, node->operands[0], &room);
	return left == nullptr ? TRUTH_ERROR : is_in(evaluation, node, node->operands[0], left, node->operands[1]);
}

/* is T, or is T in E. */
static enum truth
evaluate_is(struct evaluation *evaluation, const struct node *node) {
	struct value room;
	const struct value *entity = evaluate(evaluation, node->operands[0], &room);
	if (entity == nullptr)
		return TRUTH_ERROR;
	if (entity->type != VALUE_ENTITY) {
		evaluation_wrong_type(evaluation, node, "an entity before `is`", entity);
		return TRUTH_ERROR;
	}
	if (!bytes_equal(entity->entity.type, node->names[0]))
		return TRUTH_FALSE;
	return node->count == 1 ? TRUTH_TRUE : is_in(evaluation, node, node->operands[0], entity, node->operands[1]);
}

static enum truth
evaluate_like(struct evaluation *evaluation, const struct node *node) {
	struct value room;
	const struct value *text = evaluate(evaluation, node->operands[0], &room);
	if (text == nullptr)
		return TRUTH_ERROR;
	if (text->type != VALUE_STRING) {
		evaluation_wrong_type(evaluation, node, "a string before `like`", text);
		return TRUTH_ERROR;
	}
	return like_matches(text->string, node->names, node->name_count) ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
evaluate_and(struct evaluation *evaluation, const struct node *node) {
	for (uint32_t i = 0; i < node->count; i++) {
		enum truth truth = evaluate_condition(evaluation, node->operands[i]);
		if (truth != TRUTH_TRUE)
			return truth;
	}
	return TRUTH_TRUE;
}

static enum truth
evaluate_or(struct evaluation *evaluation, const struct node *node) {
	for (uint32_t i = 0; i < node->count; i++) {
		enum truth truth = evaluate_condition(evaluation, node->operands[i]);
		if (truth != TRUTH_FALSE)
			return truth;
	}
	return TRUTH_FALSE;
}

enum truth
evaluate_condition(struct evaluation *evaluation, const struct node *node) {
	switch (node->kind) {
	case NODE_AND:
		return evaluate_and(evaluation, node);
	case NODE_OR:
		return evaluate_or(evaluation, node);
	case NODE_NOT: {
		enum truth truth = evaluate_condition(evaluation, node->operands[0]);
		return truth == TRUTH_ERROR ? truth : truth == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
	}
	case NODE_IF: {
		enum truth truth = evaluate_condition(evaluation, node->operands[0]);
		if (truth == TRUTH_ERROR)
			return truth;
		return evaluate_condition(evaluation, node->operands[truth == TRUTH_TRUE ? 1 : 2]);
	}
	case NODE_EQUAL:
	case NODE_NOT_EQUAL:
		return evaluate_equal(evaluation, node);
	case NODE_LESS:
	case NODE_LESS_EQUAL:
	case NODE_GREATER:
	case NODE_GREATER_EQUAL:
		return evaluate_order(evaluation, node);
	case NODE_IN:
		return evaluate_in(evaluation, node);
	case NODE_HAS:
		return evaluate_has(evaluation, node);
	case NODE_HAS_PATH:
		return evaluate_has_path(evaluation, node);
	case NODE_LIKE:
		return evaluate_like(evaluation, node);
	case NODE_IS:
		return evaluate_is(evaluation, node);
	default: {
		struct value room;
		const struct value *value = evaluate(evaluation, node, &room);
		if (value != nullptr && value->type != VALUE_BOOLEAN)
			evaluation_wrong_type(evaluation, node, "bool", value);
		if (value == nullptr || value->type != VALUE_BOOLEAN)
			return TRUTH_ERROR;
		return value->boolean ? TRUTH_TRUE : TRUTH_FALSE;
	}
	}
}

static const struct value *
overflow(struct evaluation *evaluation, const struct node *node) {
	return evaluation_fail(evaluation, node, "evaluate.overflow", "the result does not fit into 64 bits");
}

static const struct value *
evaluate_arithmetic(struct evaluation *evaluation, const struct node *node, struct value *room) {
	struct value rooms[2];
	const struct value *left = evaluate(evaluation, node->operands[0], &rooms[0]);
	if (left == nullptr)
		return nullptr;
	if (left->type != VALUE_LONG)
		return evaluation_wrong_type(evaluation, node->operands[0], "long", left);
	if (node->kind == NODE_NEGATE) {
		*room = value_long(0);
		return __builtin_sub_overflow((int64_t)0, left->integer, &room->integer) ? overflow(evaluation, node)
											 : room;
	}
	const struct value *right = evaluate(evaluation, node->operands[1], &rooms[1]);
	if (right == nullptr)
		return nullptr;
	if (right->type != VALUE_LONG)
		return evaluation_wrong_type(evaluation, node->operands[1], "long", right);
	int64_t result;
	bool overflows = node->kind == NODE_ADD        ? __builtin_add_overflow(left->integer, right->integer, &result)
			 : node->kind == NODE_SUBTRACT ? __builtin_sub_overflow(left->integer, right->integer, &result)
						       : __builtin_mul_overflow(left->integer, right->integer, &result);
	if (overflows)
		return overflow(evaluation, node);
	*room = value_long(result);
	return room;
}

/* Sorted, as the sets that are written out and those of facts are: comparing two that are not would look at each part of one once for
 * every part of the other, and twice at each level of sets in sets. */
static const struct value *
evaluate_set(struct evaluation *evaluation, const struct node *node, struct value *room) {
	struct value *items = ARENA_NEW_ARRAY(evaluation->scratch, node->count, struct value);
	if (items == nullptr)
		return out_of_memory(evaluation, node);
	for (uint32_t i = 0; i < node->count; i++) {
		const struct value *item = evaluate(evaluation, node->operands[i], &items[i]);
		if (item == nullptr)
			return nullptr;
		if (item != &items[i])
			items[i] = *item;
	}
	*room = value_set(items, node->count);
	return room;
}

static const struct value *
evaluate_record(struct evaluation *evaluation, const struct node *node, struct value *room) {
	struct value_field *fields = ARENA_NEW_ARRAY(evaluation->scratch, node->count, struct value_field);
	if (fields == nullptr)
		return out_of_memory(evaluation, node);
	for (uint32_t i = 0; i < node->count; i++) {
		const struct value *value = evaluate(evaluation, node->operands[i], &fields[i].value);
		if (value == nullptr)
			return nullptr;
		if (value != &fields[i].value)
			fields[i].value = *value;
		fields[i].name = node->names[i];
	}
	*room = (struct value){.type = VALUE_RECORD, .record = {fields, node->count}};
	return room;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
const struct value *
evaluate(struct evaluation *evaluation, const struct node *node, struct value *room) {
	switch (node->kind) {
	case NODE_VALUE:
		return &node->value;
	case NODE_VARIABLE:
		return &evaluation->variables[node->detail];
	case NODE_PATH: {
		const struct value *value = resolve_path(evaluation, node->path);
		return value == &absent || value == &no_container ? path_error(evaluation, node, node->path) : value;
	}
	case NODE_IF: {
		enum truth truth = evaluate_condition(evaluation, node->operands[0]);
		if (truth == TRUTH_ERROR)
			return nullptr;
		return evaluate(evaluation, node->operands[truth == TRUTH_TRUE ? 1 : 2], room);
	}
	case NODE_ATTRIBUTE:
		return evaluate_attribute(evaluation, node);
	case NODE_NEGATE:
	case NODE_ADD:
	case NODE_SUBTRACT:
	case NODE_MULTIPLY:
		return evaluate_arithmetic(evaluation, node, room);
	case NODE_SET:
		return evaluate_set(evaluation, node, room);
	case NODE_RECORD:
		return evaluate_record(evaluation, node, room);
	case NODE_CALL:
		return evaluate_call(evaluation, node, room);
	default: {
		enum truth truth = evaluate_condition(evaluation, node);
		*room = value_boolean(truth == TRUTH_TRUE);
		return truth == TRUTH_ERROR ? nullptr : room;
	}
	}
}

static bool
is_scope_entity(const struct evaluation *evaluation, enum variable variable, const struct uid_literal *literal) {
	const struct entity_uid *uid = &evaluation->variables[variable].entity;
	return evaluation->hashes[variable] == literal->hash && bytes_equal(uid->id, literal->uid.id) &&
	       bytes_equal(uid->type, literal->uid.type);
}

static bool
is_in_scope_entity(const struct evaluation *evaluation, enum variable variable, const struct uid_literal *literal) {
	if (is_scope_entity(evaluation, variable, literal))
		return true;
	uint32_t index = evaluation->indexes[variable];
	return index != ENTITY_NONE &&
	       is_below(evaluation, index, entity_store_find(evaluation->entities, literal->uid, literal->hash));
}

static bool
is_in_scope(const struct evaluation *evaluation, enum variable variable, const struct compiled_scope *scope) {
	if (scope->kind == SCOPE_ANY)
		return true;
	if (scope->kind == SCOPE_EQUAL)
		return is_scope_entity(evaluation, variable, &scope->entities[0]);
	if (scope->kind == SCOPE_IS || scope->kind == SCOPE_IS_IN) {
		bool is_type = bytes_equal(evaluation->variables[variable].entity.type, scope->type);
		if (!is_type || scope->kind == SCOPE_IS)
			return is_type;
	}
	for (size_t i = 0; i < scope->count; i++)
		if (is_in_scope_entity(evaluation, variable, &scope->entities[i]))
			return true;
	return false;
}

bool
evaluate_scope(const struct evaluation *evaluation, const struct compiled_policy *policy) {
	return is_in_scope(evaluation, VARIABLE_ACTION, &policy->action) &&
	       is_in_scope(evaluation, VARIABLE_PRINCIPAL, &policy->principal) &&
	       is_in_scope(evaluation, VARIABLE_RESOURCE, &policy->resource);
}
