#include "policy/ast.h"

enum status
expression_make(struct arena *arena, enum expression_kind kind, struct place place,
		const struct expression *const *operands, size_t count, struct expression **node) {
	uint16_t depth = 1;
	struct expression *made = ARENA_NEW(arena, struct expression);
	const struct expression **copy =
		count == 0 ? nullptr : ARENA_NEW_ARRAY(arena, count, const struct expression *);
	TRY_ALLOC(made);
	if (count > 0)
		TRY_ALLOC(copy);
	for (size_t i = 0; i < count; i++) {
		copy[i] = operands[i];
		if (operands[i]->depth >= depth)
			depth = (uint16_t)(operands[i]->depth + 1);
	}
	*made = (struct expression){
		.kind = kind, .depth = depth, .place = place, .operands = copy, .operand_count = (uint32_t)count};
	*node = made;
	return OK;
}

enum status
expression_make_named(struct arena *arena, enum expression_kind kind, struct place place,
		      const struct expression *operand, struct bytes name, struct expression **node) {
	struct bytes *names = ARENA_NEW(arena, struct bytes);
	TRY_ALLOC(names);
	TRY(expression_make(arena, kind, place, &operand, 1, node));
	*names = name;
	(*node)->names = names;
	(*node)->name_count = 1;
	return OK;
}

enum status
expression_make_literal(struct arena *arena, struct place place, struct value value, struct expression **node) {
	TRY(expression_make(arena, EXPRESSION_LITERAL, place, nullptr, 0, node));
	(*node)->value = value;
	return OK;
}

enum status
expression_make_chain(struct arena *arena, enum expression_kind kind, struct place place, const struct expression *left,
		      const struct expression *const *right, size_t count, struct expression **node) {
	bool goes_on = left->kind == kind;
	size_t before = goes_on ? left->operand_count : 1;
	const struct expression **operands = ARENA_NEW_ARRAY(arena, before + count, const struct expression *);
	TRY_ALLOC(operands);
	for (size_t i = 0; i < before; i++)
		operands[i] = goes_on ? left->operands[i] : left;
	for (size_t i = 0; i < count; i++)
		operands[before + i] = right[i];
	return expression_make(arena, kind, place, operands, before + count, node);
}

void
policy_ast_position(const struct policy_ast *policy, size_t offset, size_t *line, size_t *column) {
	struct policy_source from_start = *policy->source;
	size_t start = policy->place.offset;
	while (start > 0 && from_start.text.data[start - 1] != '\n')
		start--;
	from_start.text = bytes_of(from_start.text.data + start, from_start.text.len - start);
	policy_source_position(&from_start, offset - start, line, column);
	*line += policy->line - 1;
}

bool
policy_is_action_type(struct bytes type) {
	static const struct bytes action = BYTES_OF_LITERAL("Action");
	if (type.len < action.len || memcmp(type.data + type.len - action.len, action.data, action.len) != 0)
		return false;
	return type.len == action.len || type.data[type.len - action.len - 1] == ':';
}
