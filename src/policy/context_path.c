#include "policy/context_path.h"

#include "policy/set.h"

void
context_path_append(struct context_path *path, struct bytes name) {
	size_t dot = path->len > 0;
	if (name.len >= CONTEXT_PATH_MAX - path->len - dot)
		return;
	if (dot)
		path->text[path->len++] = '.';
	memcpy(path->text + path->len, name.data, name.len);
	path->len += name.len;
	path->text[path->len] = '\0';
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX, here and below. */
bool
expression_context_path(const struct expression *expression, struct context_path *path) {
	if (expression->kind == EXPRESSION_VARIABLE) {
		path->text[path->len = 0] = '\0';
		return expression->variable == VARIABLE_CONTEXT;
	}
	if (expression->kind != EXPRESSION_ATTRIBUTE || !expression_context_path(expression->operands[0], path))
		return false;
	context_path_append(path, expression->names[0]);
	return true;
}

bool
context_path_is_below(const char *path, const char *above) {
	size_t len = strlen(above);
	return len == 0 || (strncmp(path, above, len) == 0 && (path[len] == '\0' || path[len] == '.'));
}

static bool
mentions(const struct expression *expression, const char *path) {
	struct context_path found;
	bool is_path = expression_context_path(expression, &found);
	if (!is_path && expression->kind == EXPRESSION_HAS &&
	    expression_context_path(expression->operands[0], &found)) {
		for (size_t i = 0; i < expression->name_count; i++)
			context_path_append(&found, expression->names[i]);
		is_path = true;
	}
	if (is_path)
		return context_path_is_below(found.text, path) || context_path_is_below(path, found.text);
	for (size_t i = 0; i < expression->operand_count; i++)
		if (mentions(expression->operands[i], path))
			return true;
	return false;
}

bool
policy_set_mentions(const struct policy_set *set, const char *path) {
	for (size_t i = 0; i < set->entry_count; i++)
		for (size_t j = 0; j < set->entries[i].ast->condition_count; j++)
			if (mentions(set->entries[i].ast->conditions[j].body, path))
				return true;
	return false;
}
