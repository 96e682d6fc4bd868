#include "policy/capability.h"

#include "base/effort.h"

static bool same_expressions(const struct expression *a, const struct expression *b);

static bool
same_operands(const struct expression *a, const struct expression *b) {
	if (a->operand_count != b->operand_count || a->name_count != b->name_count)
		return false;
	for (size_t i = 0; i < a->name_count; i++)
		if (!bytes_equal(a->names[i], b->names[i]))
			return false;
	for (size_t i = 0; i < a->operand_count; i++)
		if (!same_expressions(a->operands[i], b->operands[i]))
			return false;
	return true;
}

/* As they are written, wherever they stand. */
static bool
same_expressions(const struct expression *a, const struct expression *b) {
	if (a == b)
		return true;
	if (a->kind != b->kind || a->depth != b->depth || !same_operands(a, b))
		return false;
	switch (a->kind) {
	case EXPRESSION_LITERAL:
		return value_equal(&a->value, &b->value);
	case EXPRESSION_VARIABLE:
		return a->variable == b->variable;
	case EXPRESSION_CALL:
		return a->function == b->function;
	default:
		return true;
	}
}

bool
capability_holds(const struct capability *known, const struct capability *wanted) {
	for (; known != nullptr; known = known->next)
		if (known->is_tag == wanted->is_tag && bytes_equal(known->attribute, wanted->attribute) &&
		    same_expressions(known->target, wanted->target) &&
		    (!known->is_tag || same_expressions(known->tag, wanted->tag)))
			return true;
	return false;
}

enum status
capability_add(struct arena *arena, const struct capability *capability, const struct capability **list) {
	struct capability *copy = ARENA_NEW(arena, struct capability);
	TRY(effort_check()); /* whoever adds has looked through all that there are */
	TRY_ALLOC(copy);
	*copy = *capability;
	copy->next = *list;
	*list = copy;
	return OK;
}

enum status
capability_unite(struct arena *arena, const struct capability *a, const struct capability *b,
		 const struct capability **both) {
	*both = b == nullptr ? a : b;
	if (b == nullptr)
		return OK;
	for (; a != nullptr; a = a->next)
		if (!capability_holds(*both, a))
			TRY(capability_add(arena, a, both));
	return OK;
}

enum status
capability_intersect(struct arena *arena, const struct capability *a, const struct capability *b,
		     const struct capability **common) {
	*common = nullptr;
	for (; a != nullptr; a = a->next)
		if (capability_holds(b, a))
			TRY(capability_add(arena, a, common));
	return OK;
}
