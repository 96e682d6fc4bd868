#include "policy/validator.h"

#include <stdio.h>

#include "base/effort.h"
#include "policy/set.h"
#include "policy/typecheck.h"

struct validation {
	const struct policy_schema *schema;
	struct policy_validator_options options;
	struct policy_diagnostics *errors;
	struct policy_diagnostics *warnings;
	size_t error_count;
};

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static void note_error(struct validation *validation, const struct policy_ast *policy, struct place place,
		       const char *name, const char *format, ...) __attribute__((format(printf, 5, 6)));

static void
note_error(struct validation *validation, const struct policy_ast *policy, struct place place, const char *name,
	   const char *format, ...) {
	char text[384];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	validation->error_count++;
	policy_note(validation->errors, policy->source, place.offset, place.length, name, "%s", text);
}

/* Names that the schema does not have are errors wherever they stand, also where nothing would evaluate them. */
static void
check_uid(struct validation *validation, const struct policy_ast *policy, struct place place, struct entity_uid uid) {
	uint32_t number = policy_schema_find_entity(validation->schema, uid.type);
	if (number == SCHEMA_NONE) {
		note_error(validation, policy, place, "validate.unknown_entity", "the schema has no entity type %.*s",
			   NAME_ARGS(uid.type));
		return;
	}
	const struct schema_entity *entity = policy_schema_entity(validation->schema, number);
	if (entity->is_action && policy_schema_find_action(validation->schema, uid) == SCHEMA_NONE)
		note_error(validation, policy, place, "validate.unknown_action",
			   "the schema has no action %.*s::\"%.*s\"", NAME_ARGS(uid.type), NAME_ARGS(uid.id));
	else if (!policy_schema_has_id(entity, uid.id))
		note_error(validation, policy, place, "validate.enumerated_id",
			   "\"%.*s\" is none of the ids that %.*s enumerates", NAME_ARGS(uid.id), NAME_ARGS(uid.type));
}

static void
check_type_name(struct validation *validation, const struct policy_ast *policy, struct place place, struct bytes name) {
	if (policy_schema_find_entity(validation->schema, name) == SCHEMA_NONE)
		note_error(validation, policy, place, "validate.unknown_entity", "the schema has no entity type %.*s",
			   NAME_ARGS(name));
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static void
check_names(struct validation *validation, const struct policy_ast *policy, const struct expression *expression) {
	if (expression->kind == EXPRESSION_LITERAL && expression->value.type == VALUE_ENTITY)
		check_uid(validation, policy, expression->place, expression->value.entity);
	if (expression->kind == EXPRESSION_IS)
		check_type_name(validation, policy, expression->place, expression->names[0]);
	for (size_t i = 0; i < expression->operand_count; i++)
		check_names(validation, policy, expression->operands[i]);
}

static void
check_scope_names(struct validation *validation, const struct policy_ast *policy, const struct scope *scope) {
	for (size_t i = 0; i < scope->entity_count; i++)
		check_uid(validation, policy, scope->place, scope->entities[i]);
	if (scope->kind == SCOPE_IS || scope->kind == SCOPE_IS_IN)
		check_type_name(validation, policy, scope->place, scope->type);
}

/* A link: the template is checked as itself, whoever stands for its slots. */
static bool
is_link(const struct policy_entry *entry) {
	return !entry->is_template && policy_ast_is_template(entry->ast);
}

static void
check_policy_names(struct validation *validation, const struct policy_entry *entry) {
	const struct policy_ast *policy = entry->ast;
	if (entry->principal != nullptr)
		check_uid(validation, policy, policy->principal.place, *entry->principal);
	if (entry->resource != nullptr)
		check_uid(validation, policy, policy->resource.place, *entry->resource);
	if (is_link(entry))
		return;
	check_scope_names(validation, policy, &policy->principal);
	check_scope_names(validation, policy, &policy->action);
	check_scope_names(validation, policy, &policy->resource);
	if (policy->action.is_list && policy->action.entity_count == 0)
		note_error(validation, policy, policy->action.place, "validate.empty_set",
			   "no action is in an empty set");
	for (size_t i = 0; i < policy->condition_count; i++)
		check_names(validation, policy, policy->conditions[i].body);
}

/* What a scope is for a principal or resource of that type: false, or not known. slot: what stands for a slot; null: any. */
static enum type_kind
party_scope(const struct validation *validation, const struct scope *scope, const struct entity_uid *slot,
	    uint32_t type) {
	const struct schema_entity *entity = policy_schema_entity(validation->schema, type);
	const struct entity_uid *uid = scope->is_slot ? slot : scope->entity_count > 0 ? &scope->entities[0] : nullptr;
	uint32_t above = uid == nullptr ? SCHEMA_NONE : policy_schema_find_entity(validation->schema, uid->type);
	bool is_type = bytes_equal(entity->name, scope->type);
	bool may_be_in =
		uid == nullptr || (above != SCHEMA_NONE && policy_schema_may_be_in(validation->schema, type, above));
	switch (scope->kind) {
	case SCOPE_ANY:
		return TYPE_TRUE;
	case SCOPE_EQUAL:
		return uid == nullptr || type == above ? TYPE_BOOLEAN : TYPE_FALSE;
	case SCOPE_IN:
		return may_be_in ? TYPE_BOOLEAN : TYPE_FALSE;
	case SCOPE_IS:
		return is_type ? TYPE_TRUE : TYPE_FALSE;
	case SCOPE_IS_IN:
		return is_type && may_be_in ? TYPE_BOOLEAN : TYPE_FALSE;
	}
	return TYPE_BOOLEAN;
}

static bool
action_fits(const struct validation *validation, const struct scope *scope, uint32_t action) {
	if (scope->kind == SCOPE_ANY)
		return true;
	for (size_t i = 0; i < scope->entity_count; i++) {
		uint32_t named = policy_schema_find_action(validation->schema, scope->entities[i]);
		if (named == action || (named != SCHEMA_NONE && scope->kind == SCOPE_IN &&
					policy_schema_action_is_in(validation->schema, action, named)))
			return true;
	}
	return false;
}

/* The conditions, one behind the other, in an environment that the scope does not rule out. */
static enum status
check_conditions(struct checker *checker, const struct policy_ast *policy, struct typed *typed) {
	struct conjunction conjunction = {.typed = *typed};
	for (size_t i = 0; i < policy->condition_count; i++) {
		const struct condition *condition = &policy->conditions[i];
		const struct expression *body = condition->body;
		const struct expression not = {.kind = EXPRESSION_NOT,
					       .depth = body->depth,
					       .place = body->place,
					       .operands = &body,
					       .operand_count = 1};
		TRY(typecheck_and(checker, condition->is_unless ? &not : body, &conjunction));
	}
	*typed = conjunction.typed;
	return OK;
}

struct verdict {          /* over all environments */
	bool applies;     /* the scope fits one */
	bool is_possible; /* and it could be true there */
};

static enum status
check_environment(struct validation *validation, const struct policy_entry *entry, struct environment environment,
		  struct verdict *verdict) {
	enum type_kind principal =
		party_scope(validation, &entry->ast->principal, entry->principal, environment.principal);
	enum type_kind resource = party_scope(validation, &entry->ast->resource, entry->resource, environment.resource);
	TRY(effort_check());
	if (principal == TYPE_FALSE || resource == TYPE_FALSE)
		return OK;
	verdict->applies = true;
	if (!entry->is_template &&
	    policy_ast_is_template(entry->ast)) { /* its template is checked where it may be anyone's */
		verdict->is_possible = true;
		return OK;
	}
	struct checker checker = {
		.schema = validation->schema,
		.environment = environment,
		.source = entry->ast->source,
		.diagnostics = validation->errors,
	};
	bool is_true = principal == TYPE_TRUE && resource == TYPE_TRUE;
	struct typed typed = {.type = type_plain(is_true ? TYPE_TRUE : TYPE_BOOLEAN)};
	enum status status = check_conditions(&checker, entry->ast, &typed);
	validation->error_count += checker.findings;
	if (typed.type == nullptr || typed.type->kind != TYPE_FALSE)
		verdict->is_possible = true;
	arena_free(&checker.arena);
	return status;
}

static enum status
check_action(struct validation *validation, const struct policy_entry *entry, uint32_t number,
	     struct verdict *verdict) {
	const struct schema_action *action = policy_schema_action(validation->schema, number);
	for (size_t i = 0; i < action->principal_count; i++)
		for (size_t j = 0; j < action->resource_count; j++) {
			struct environment environment = {number, action->principals[i], action->resources[j]};
			TRY(check_environment(validation, entry, environment, verdict));
		}
	return OK;
}

static void
note_verdict(struct validation *validation, const struct policy_ast *policy, struct verdict verdict) {
	struct place place = policy->effect_place;
	if (!verdict.applies && validation->options.inapplicable_is_error)
		note_error(validation, policy, place, "validate.inapplicable",
			   "no action applies to what the scope asks for");
	else if (!verdict.applies)
		policy_note(validation->warnings, policy->source, place.offset, place.length, "validate.inapplicable",
			    "no action applies to what the scope asks for");
	else if (!verdict.is_possible)
		policy_note(validation->warnings, policy->source, place.offset, place.length, "validate.impossible",
			    "the policy is false for every request that fits the schema");
}

static enum status
check_entry(struct validation *validation, const struct policy_entry *entry) {
	struct verdict verdict = {};
	size_t before = validation->error_count;
	check_policy_names(validation, entry);
	bool is_sound = validation->error_count == before;
	for (uint32_t i = 0; i < policy_schema_action_count(validation->schema); i++)
		if (action_fits(validation, &entry->ast->action, i))
			TRY(check_action(validation, entry, i, &verdict));
	if (is_sound) /* with unknown names nothing is known of what applies */
		note_verdict(validation, entry->ast, verdict);
	return OK;
}

enum status
policy_validate(const struct policy_set *set, const struct policy_schema *schema,
		struct policy_validator_options options, struct policy_diagnostics *errors,
		struct policy_diagnostics *warnings) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own_errors = {}, own_warnings = {};
	struct validation validation = {
		.schema = schema,
		.options = options,
		.errors = errors == nullptr ? &own_errors : errors,
		.warnings = warnings == nullptr ? &own_warnings : warnings,
	};
	size_t first = validation.errors->count;
	for (size_t i = 0; i < set->entry_count && validation.errors->count < DIAGNOSTICS_MAX; i++)
		TRY(check_entry(&validation, &set->entries[i]));
	return validation.error_count > 0 ? policy_diagnostics_fail(validation.errors, first) : OK;
}
