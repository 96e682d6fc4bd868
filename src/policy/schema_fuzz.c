/*
 * Readers: policy/schema_parser.c, policy/schema_json.c, policy/json_source.c, policy/schema_resolve.c, policy/schema_write.c
 * Properties: what is refused is refused with findings that have places in the text; what is read is closed upwards, every type
 * can be described, and a policy is validated against it.
 */
#include <stdlib.h>

#include "policy/schema_write.h"
#include "policy/validator.h"

static const char policies[] =
	"permit(principal, action, resource) when { principal has a.b && principal.a.b == context.c };"
	"forbid(principal in A::\"a\", action in Action::\"a\", resource is N::B) when {"
	" resource.x.contains(1) || principal.hasTag(\"t\") && principal.getTag(\"t\") == \"\" };";

static void
need(bool property) {
	if (!property)
		abort();
}

static void
check_schema(const struct policy_schema *schema) {
	_cleanup_(buffer_free) struct buffer text = {};
	for (uint32_t i = 0; i < policy_schema_entity_count(schema); i++) {
		const struct schema_entity *entity = policy_schema_entity(schema, i);
		need(policy_schema_find_entity(schema, entity->name) == i && entity->shape->kind == TYPE_RECORD);
		type_describe(schema, entity->shape, &text);
		for (size_t j = 0; j < entity->ancestor_count; j++)
			for (uint32_t k = 0; k < policy_schema_entity_count(schema); k++)
				need(!policy_schema_may_be_in(schema, entity->ancestors[j], k) ||
				     policy_schema_may_be_in(schema, i, k));
	}
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *action = policy_schema_action(schema, i);
		need(policy_schema_find_action(schema, action->uid) == i && action->context->kind == TYPE_RECORD);
		for (size_t j = 0; j < action->ancestor_count; j++)
			need(action->ancestors[j] != i);
	}
}

/* In the other syntax it has as many entity types and actions. */
static void
check_conversion(const struct policy_schema *schema, struct bytes text, enum schema_syntax syntax) {
	_cleanup_(policy_schema_destroy) struct policy_schema *again = nullptr;
	_cleanup_(buffer_free) struct buffer other = {};
	if (policy_schema_convert("fuzz", text, syntax, &other, nullptr) != OK) {
		need(strstr(fail_message(), "schema.ambiguous") != nullptr);
		return;
	}
	enum status status = policy_schema_parse("again", buffer_bytes(&other),
						 syntax == SCHEMA_JSON ? SCHEMA_CEDAR : SCHEMA_JSON, &again, nullptr);
	if (status != OK && strstr(fail_message(), "policy.depth") != nullptr)
		return; /* a shape that was named before nests where it is written out */
	need(status == OK && policy_schema_entity_count(schema) == policy_schema_entity_count(again) &&
	     policy_schema_action_count(schema) == policy_schema_action_count(again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	bool is_json = size > 0 && (data[0] == '{' || data[0] == '[');
	enum status status = policy_schema_parse("fuzz", bytes_of(data, size), is_json ? SCHEMA_JSON : SCHEMA_CEDAR,
						 &schema, &diagnostics);
	need(status == OK || status == STATUS_TOO_LARGE || (status == STATUS_INVALID && diagnostics.count > 0));
	for (size_t i = 0; i < diagnostics.count; i++)
		need(diagnostics.items[i].line <= size + 1 && diagnostics.items[i].column <= size + 1);
	if (status != OK)
		return 0;
	check_schema(schema);
	check_conversion(schema, bytes_of(data, size), is_json ? SCHEMA_JSON : SCHEMA_CEDAR);
	need(policy_set_parse("fuzz.cedar", bytes_of_text(policies), &set, nullptr) == OK);
	status = policy_validate(set, schema, (struct policy_validator_options){}, nullptr, nullptr);
	need(status == OK || status == STATUS_INVALID);
	return 0;
}
