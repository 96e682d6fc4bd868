#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/effort.h"
#include "policy/fixture.h"
#include "policy/validator.h"

static const char schema_text[] = "entity User in [Group] {name: String, age?: Long, addr?: {city: String, zip?: "
				  "Long}, boss?: User, teams: Set<Group>} "
				  "tags Long;\n"
				  "entity Group in [Group];\n"
				  "entity Doc {owner: User, public: Bool, \"a b\": Long};\n"
				  "entity Color enum [\"red\", \"blue\"];\n"
				  "action all;\n"
				  "action view in all appliesTo {principal: [User, Group], resource: [Doc, Color], "
				  "context: {n: Long, ip?: ipaddr, at: "
				  "datetime, took?: duration, price?: decimal, names: Set<String>, color?: Color}};\n"
				  "action edit in all appliesTo {principal: User, resource: Doc};\n"
				  "action none;\n";

/* What each gives: the name of its error and of its warning, null for none. An expression stands in the condition of a policy
 * for principal is User, action == Action::"view", resource is Doc. Agreed, but for the names, with cedar-policy 4.13, which
 * warns of what cannot apply also where names are unknown. */
static const struct {
	const char *text, *error, *warning;
} cases[] = {
	/* types of operators */
	{"true", nullptr, nullptr},
	{"1", "validate.type", nullptr},
	{"\"a\"", "validate.type", nullptr},
	{"principal", "validate.type", nullptr},
	{"principal.name == \"a\"", nullptr, nullptr},
	{"principal.name == 1", "validate.incompatible", nullptr},
	{"principal == resource", nullptr, "validate.impossible"},
	{"principal == User::\"a\"", nullptr, nullptr},
	{"principal != User::\"a\"", nullptr, nullptr},
	{"1 == \"a\"", nullptr, "validate.impossible"},
	{"[1] == [\"a\"]", "validate.incompatible", nullptr},
	{"{a: 1} == {a: 2}", nullptr, nullptr},
	{"{a: 1} == {a: \"x\"}", "validate.incompatible", nullptr},
	{"{a: 1} == {b: 1}", "validate.incompatible", nullptr},
	{"1 < 2", nullptr, nullptr},
	{"1 < \"a\"", "validate.type", nullptr},
	{"true < false", "validate.type", nullptr},
	{"context.at < datetime(\"2024-01-01\")", nullptr, nullptr},
	{"context.at < duration(\"1h\")", "validate.type", nullptr},
	{"1 + 2 * 3 - 4 == 5", nullptr, nullptr},
	{"1 + true == 2", "validate.type", nullptr},
	{"-true == 1", "validate.type", nullptr},
	{"-(1) == 1", nullptr, nullptr},
	{"!true", nullptr, "validate.impossible"},
	{"!1", "validate.type", nullptr},
	{"principal.name like \"a*\"", nullptr, nullptr},
	{"1 like \"a\"", "validate.type", nullptr},
	{"principal is User", nullptr, nullptr},
	{"resource is Group", nullptr, "validate.impossible"},
	{"1 is User", "validate.type", nullptr},
	{"principal in Group::\"g\"", nullptr, nullptr},
	{"principal in [Group::\"g\", Group::\"h\"]", nullptr, nullptr},
	{"principal in principal.teams", nullptr, nullptr},
	{"principal in resource", nullptr, "validate.impossible"},
	{"resource in Group::\"g\"", nullptr, "validate.impossible"},
	{"principal in 1", "validate.type", nullptr},
	{"1 in Group::\"g\"", "validate.type", nullptr},
	{"principal in [Group::\"g\", User::\"u\"]", "validate.incompatible", nullptr},
	{"principal is User in Group::\"g\"", nullptr, nullptr},
	{"principal is Group in 1", nullptr, "validate.impossible"},
	{"principal is User in 1", "validate.type", nullptr},
	{"action == Action::\"view\"", nullptr, nullptr},
	{"action == Action::\"edit\"", nullptr, "validate.impossible"},
	{"action in Action::\"all\"", nullptr, nullptr},
	{"action in [Action::\"all\", Action::\"edit\"]", nullptr, nullptr},
	{"action in Action::\"edit\"", nullptr, "validate.impossible"},
	/* logic and what it rules out */
	{"true && 1", "validate.type", nullptr},
	{"1 && true", "validate.type", nullptr},
	{"false && principal.nothing", nullptr, "validate.impossible"},
	{"true && principal.nothing", "validate.attribute", nullptr},
	{"true || principal.nothing", nullptr, nullptr},
	{"false || principal.nothing", "validate.attribute", nullptr},
	{"principal.name == \"a\" && resource.public", nullptr, nullptr},
	{"principal.name == \"a\" || 1", "validate.type", nullptr},
	{"if true then true else principal.nothing", nullptr, nullptr},
	{"if false then principal.nothing else true", nullptr, nullptr},
	{"if principal.name == \"a\" then true else 1", "validate.incompatible", nullptr},
	{"if principal.name == \"a\" then resource.public else false", nullptr, nullptr},
	{"if 1 then true else false", "validate.type", nullptr},
	{"1 == 2 && principal.nothing", nullptr, "validate.impossible"},
	{"(true || false) == false && principal.nothing", nullptr, "validate.impossible"},
	{"(true || false) != false && principal.nothing", "validate.attribute", nullptr},
	{"(true || false) == true && principal.nothing", "validate.attribute", nullptr},
	{"(!(true || false)) == (true || false) && principal.nothing", "validate.attribute", nullptr},
	{"principal == resource && principal.nothing", nullptr, "validate.impossible"},
	/* attributes */
	{"principal.nothing", "validate.attribute", nullptr},
	{"principal.age == 1", "validate.optional_attribute", nullptr},
	{"principal has age && principal.age == 1", nullptr, nullptr},
	{"principal has age || principal.age == 1", "validate.optional_attribute", nullptr},
	{"!(principal has age) || principal.age == 1", "validate.optional_attribute", nullptr},
	{"principal has \"age\" && principal[\"age\"] == 1", nullptr, nullptr},
	{"principal has age && resource.owner.age == 1", "validate.optional_attribute", nullptr},
	{"resource.owner has age && resource.owner.age == 1", nullptr, nullptr},
	{"resource[\"owner\"] has age && resource.owner.age == 1", nullptr, nullptr},
	{"principal has addr && principal.addr.city == \"x\"", nullptr, nullptr},
	{"principal has addr && principal.addr.zip == 1", "validate.optional_attribute", nullptr},
	{"principal has addr.zip && principal.addr.zip == 1", nullptr, nullptr},
	{"principal has addr && principal.addr has zip && principal.addr.zip == 1", nullptr, nullptr},
	{"principal has addr.zip && principal.addr.city == \"\"", nullptr, nullptr},
	{"principal has addr.nothing && principal.nothing", nullptr, "validate.impossible"},
	{"principal has name.nothing", "validate.type", nullptr},
	{"principal has boss.boss.age && principal.boss.boss.age == 1", nullptr, nullptr},
	{"principal has boss && principal.boss has age && principal.boss.age > 1", nullptr, nullptr},
	{"principal has nothing && principal.nothing", nullptr, "validate.impossible"},
	{"principal has name && principal.nothing", "validate.attribute", nullptr},
	{"if principal has age then principal.age == 1 else false", nullptr, nullptr},
	{"if principal has age then true else principal.age == 1", "validate.optional_attribute", nullptr},
	{"(if principal has age then true else false) && principal.age == 1", "validate.optional_attribute", nullptr},
	{"(principal has age && principal.name == \"a\") && principal.age == 1", nullptr, nullptr},
	{"(principal has age || principal.name == \"a\") && principal.age == 1", "validate.optional_attribute",
	 nullptr},
	{"(principal has age || principal has age) && principal.age == 1", nullptr, nullptr},
	{"principal has age && (principal.name == \"a\" || principal.age == 1)", nullptr, nullptr},
	{"(if principal.name == \"a\" then principal has age else principal has age) && principal.age == 1", nullptr,
	 nullptr},
	{"(if principal.name == \"a\" then principal else resource.owner) has age", nullptr, nullptr},
	{"!(!(principal has age)) && principal.age == 1", "validate.optional_attribute", nullptr},
	{"resource[\"a b\"] == 1", nullptr, nullptr},
	{"{a: 1}.a == 1", nullptr, nullptr},
	{"{a: 1}.b == 1", "validate.attribute", nullptr},
	{"{a: 1} has a", nullptr, nullptr},
	{"{a: 1} has b", nullptr, "validate.impossible"},
	{"1.a == 1", "validate.type", nullptr},
	{"1 has a", "validate.type", nullptr},
	{"action.a == 1", "validate.attribute", nullptr},
	{"action has a", nullptr, "validate.impossible"},
	{"context.n == 1", nullptr, nullptr},
	{"context.ip.isIpv4()", "validate.optional_attribute", nullptr},
	{"context has ip && context.ip.isIpv4()", nullptr, nullptr},
	/* tags */
	{"principal.hasTag(\"a\") && principal.getTag(\"a\") == 1", nullptr, nullptr},
	{"principal.hasTag(\"a\") && principal.getTag(\"b\") == 1", "validate.tag", nullptr},
	{"principal.hasTag(principal.name) && principal.getTag(principal.name) == 1", nullptr, nullptr},
	{"principal.getTag(\"a\") == 1", "validate.tag", nullptr},
	{"principal.hasTag(\"a\") && principal.getTag(\"a\") == \"x\"", "validate.incompatible", nullptr},
	{"resource.hasTag(\"a\")", nullptr, "validate.impossible"},
	{"resource.getTag(\"a\") == 1", "validate.tag", nullptr},
	{"principal.hasTag(1)", "validate.type", nullptr},
	{"1.hasTag(\"a\")", "validate.type", nullptr},
	{"action.hasTag(\"a\")", nullptr, "validate.impossible"},
	/* sets */
	{"[].isEmpty()", "validate.empty_set", nullptr},
	{"[1].isEmpty()", nullptr, nullptr},
	{"1.isEmpty()", "validate.type", nullptr},
	{"[1, \"a\"].contains(1)", "validate.incompatible", nullptr},
	{"[1, 2].contains(3)", nullptr, nullptr},
	{"[1].contains(\"a\")", "validate.incompatible", nullptr},
	{"1.contains(1)", "validate.type", nullptr},
	{"context.names.contains(\"a\")", nullptr, nullptr},
	{"context.names.containsAll([\"a\"])", nullptr, nullptr},
	{"context.names.containsAll([1])", "validate.incompatible", nullptr},
	{"context.names.containsAny(\"a\")", "validate.type", nullptr},
	{"[principal, resource].contains(principal)", "validate.incompatible", nullptr},
	{"[principal, resource.owner].contains(principal)", nullptr, nullptr},
	/* extensions */
	{"ip(\"1.1.1.1\").isIpv4()", nullptr, nullptr},
	{"ip(\"x\").isIpv4()", "validate.extension_value", nullptr},
	{"ip(principal.name).isIpv4()", "validate.extension_literal", nullptr},
	{"context has ip && context.ip.isInRange(ip(\"10.0.0.0/8\"))", nullptr, nullptr},
	{"context has ip && context.ip.isInRange(\"10.0.0.0/8\")", "validate.type", nullptr},
	{"decimal(\"1.0\").lessThan(decimal(\"2.0\"))", nullptr, nullptr},
	{"decimal(\"1.0\").lessThan(2)", "validate.type", nullptr},
	{"context has price && context.price.greaterThan(decimal(\"1.5\"))", nullptr, nullptr},
	{"datetime(\"x\") == context.at", "validate.extension_value", nullptr},
	{"context.at.offset(duration(\"1h\")) > context.at", nullptr, nullptr},
	{"context.at.offset(1) > context.at", "validate.type", nullptr},
	{"context.at.durationSince(context.at) == duration(\"1h\")", nullptr, nullptr},
	{"context.at.toDate() == context.at", nullptr, nullptr},
	{"context.at.toTime() < duration(\"1h\")", nullptr, nullptr},
	{"duration(\"1h\").toMinutes() == 60", nullptr, nullptr},
	{"duration(\"1h\").toMinutes() == duration(\"1h\")", "validate.incompatible", nullptr},
	{"1.toDays() == 1", "validate.type", nullptr},
	/* names */
	{"Nope::\"a\" == principal", "validate.unknown_entity", nullptr},
	{"principal is Nope", "validate.unknown_entity", nullptr},
	{"false && principal is Nope", "validate.unknown_entity", nullptr},
	{"Action::\"nope\" == action", "validate.unknown_action", nullptr},
	{"context has color && context.color == Color::\"red\"", nullptr, nullptr},
	{"context has color && context.color == Color::\"green\"", "validate.enumerated_id", nullptr},
	/* scopes */
	{"permit(principal, action, resource);", nullptr, nullptr},
	{"permit(principal == Nope::\"a\", action, resource);", "validate.unknown_entity", nullptr},
	{"permit(principal is Nope, action, resource);", "validate.unknown_entity", nullptr},
	{"permit(principal, action == Action::\"nope\", resource);", "validate.unknown_action", nullptr},
	{"permit(principal, action in [Action::\"view\", Action::\"nope\"], resource);", "validate.unknown_action",
	 nullptr},
	{"permit(principal, action, resource == Color::\"green\");", "validate.enumerated_id", nullptr},
	{"permit(principal == Group::\"g\", action == Action::\"edit\", resource);", nullptr, "validate.inapplicable"},
	{"permit(principal is Group, action == Action::\"edit\", resource);", nullptr, "validate.inapplicable"},
	{"permit(principal in Group::\"g\", action == Action::\"edit\", resource);", nullptr, nullptr},
	{"permit(principal is User in Group::\"g\", action == Action::\"edit\", resource);", nullptr, nullptr},
	{"permit(principal is Group in User::\"g\", action, resource);", nullptr, "validate.inapplicable"},
	{"permit(principal, action == Action::\"none\", resource);", nullptr, "validate.inapplicable"},
	{"permit(principal, action in Action::\"all\", resource is Color);", nullptr, nullptr},
	{"permit(principal, action in [], resource);", "validate.empty_set", nullptr},
	{"permit(principal, action, resource) when { principal.name == \"a\" };", "validate.attribute", nullptr},
	{"permit(principal is User, action, resource) when { principal.name == \"a\" };", nullptr, nullptr},
	{"permit(principal, action, resource is Doc) when { context.n == 1 };", "validate.attribute", nullptr},
	{"permit(principal, action == Action::\"view\", resource is Doc) when { context.n == 1 };", nullptr, nullptr},
	{"permit(principal, action, resource) when { action == Action::\"view\" && context.n == 1 };", nullptr,
	 nullptr},
	{"permit(principal, action, resource) when { resource is Doc && resource.public };", nullptr, nullptr},
	{"permit(principal, action, resource) when { resource.public };", "validate.attribute", nullptr},
	{"permit(principal is User, action, resource) when { principal has age } when { principal.age > 1 };", nullptr,
	 nullptr},
	{"permit(principal is User, action, resource) when { principal has age } unless { principal.age > 1 };",
	 nullptr, nullptr},
	{"permit(principal is User, action, resource) unless { principal has age } when { principal.age > 1 };",
	 "validate.optional_attribute", nullptr},
	{"permit(principal, action, resource) when { false };", nullptr, "validate.impossible"},
	{"forbid(principal, action, resource) unless { true };", nullptr, "validate.impossible"},
};

static struct policy_schema *
parse_schema(const char *text) {
	struct policy_schema *schema = nullptr;
	assert_ok(policy_schema_parse("test.cedarschema", bytes_of_text(text), SCHEMA_CEDAR, &schema, nullptr));
	return schema;
}

static bool
same_name(const char *expected, const struct policy_diagnostics *found) {
	return expected == nullptr ? found->count == 0
				   : found->count > 0 && strcmp(found->items[0].name, expected) == 0;
}

static const char *
name_of(const struct policy_diagnostics *found) {
	return found->count == 0 ? "nothing" : found->items[0].name;
}

static void
every_rule_finds_what_the_language_says(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics errors = {}, warnings = {};
		bool is_policy = strncmp(cases[i].text, "permit(", 7) == 0 || strncmp(cases[i].text, "forbid(", 7) == 0;
		char text[1024];
		snprintf(text, sizeof text, "%s%s%s",
			 is_policy ? ""
				   : "permit(principal is User, action == Action::\"view\", resource is Doc) when { ",
			 cases[i].text, is_policy ? "" : " };");
		_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies(text);
		enum status status =
			policy_validate(set, schema, (struct policy_validator_options){}, &errors, &warnings);
		if (status != (cases[i].error == nullptr ? OK : STATUS_INVALID) ||
		    !same_name(cases[i].error, &errors) || !same_name(cases[i].warning, &warnings))
			fail_msg("%s: expected %s and %s, found %s and %s", cases[i].text,
				 cases[i].error == nullptr ? "nothing" : cases[i].error,
				 cases[i].warning == nullptr ? "nothing" : cases[i].warning, name_of(&errors),
				 name_of(&warnings));
	}
	print_message("%zu policies\n", ARRAY_LENGTH(cases));
}

static void
findings_name_the_place_and_the_environment(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics errors = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies(
		"permit(principal is User, action, resource) when {\n  principal.age > 1 &&\n  principal.nothing };\n"
		"forbid(principal is User, action == Action::\"edit\", resource) when { context has n && "
		"principal.name < 1 };\n"
		"forbid(principal, action == Action::\"edit\", resource) when { principal.name < 1 };");
	assert_fails(STATUS_INVALID, "validate.optional_attribute",
		     policy_validate(set, schema, (struct policy_validator_options){}, &errors, nullptr));
	assert_int_equal(errors.count,
			 2); /* once per place, whatever the environment; nothing behind what has no type */
	assert_int_equal(errors.items[0].line, 2);
	assert_int_equal(errors.items[0].column, 3);
	assert_string_equal(
		errors.items[0].message,
		"the attribute age is optional: expected a `has` before (principal User, action Action::\"view\", "
		"resource Doc)");
	assert_string_equal(errors.items[1].name, "validate.type");
	assert_int_equal(errors.items[1].line, 5);
}

static void
an_inapplicable_scope_is_an_error_on_demand(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	_cleanup_(policy_set_destroy) struct policy_set *set =
		fixture_policies("permit(principal is Group, action == Action::\"edit\", resource);");
	assert_ok(policy_validate(set, schema, (struct policy_validator_options){}, nullptr, nullptr));
	assert_fails(STATUS_INVALID, "validate.inapplicable",
		     policy_validate(set, schema, (struct policy_validator_options){.inapplicable_is_error = true},
				     nullptr, nullptr));
}

static void
templates_and_links_are_validated(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	static const struct {
		const char *text;
		const char *type, *id;
		const char *error;
	} links[] = {
		{"permit(principal == ?principal, action == Action::\"edit\", resource) when { principal.name == \"a\" "
		 "};",
		 "User", "u", nullptr},
		{"permit(principal in ?principal, action == Action::\"edit\", resource) when { principal.age == 1 };",
		 "User", "u", "validate.optional_attribute"},
		{"permit(principal == ?principal, action, resource);", "Nope", "u", "validate.unknown_entity"},
		{"permit(principal == ?principal, action, resource);", "Color", "green", "validate.enumerated_id"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		struct entity_uid uid = fixture_uid(links[i].type, links[i].id);
		assert_ok(policy_set_create(nullptr, &set));
		assert_ok(policy_set_add(set, "t", bytes_of_text(links[i].text), nullptr));
		assert_ok(policy_set_link(set, bytes_of_text("policy0"), bytes_of_text("link"), &uid, nullptr));
		if (links[i].error == nullptr)
			assert_ok(policy_validate(set, schema, (struct policy_validator_options){}, nullptr, nullptr));
		else
			assert_fails(
				STATUS_INVALID, links[i].error,
				policy_validate(set, schema, (struct policy_validator_options){}, nullptr, nullptr));
	}
}

/* What would be exponential, or cubic, if parts were typed or capabilities compared once too often. */
static void
long_and_deep_policies_are_validated_in_time(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	_cleanup_(buffer_free) struct buffer chain = {}, nested = {};
	buffer_append_text(&chain, "permit(principal is User, action == Action::\"edit\", resource) when { true");
	for (size_t i = 0; i < 300; i++)
		buffer_append_format(&chain, " && principal.hasTag(\"%zu\") && principal.getTag(\"%zu\") > 1", i, i);
	buffer_append_text(&chain, " };");
	buffer_append_byte(&chain, 0);
	buffer_append_text(&nested, "permit(principal is User, action == Action::\"edit\", resource) when { ");
	for (size_t i = 0; i < 60; i++)
		buffer_append_text(&nested, "(if ");
	buffer_append_text(&nested, "principal has addr.zip");
	for (size_t i = 0; i < 60; i++)
		buffer_append_text(&nested, " then principal else resource.owner) has addr.zip");
	buffer_append_text(&nested, " };");
	buffer_append_byte(&nested, 0);
	_cleanup_(policy_set_destroy) struct policy_set *long_set = fixture_policies((const char *)chain.data);
	_cleanup_(policy_set_destroy) struct policy_set *deep_set = fixture_policies((const char *)nested.data);
	assert_ok(policy_validate(long_set, schema, (struct policy_validator_options){}, nullptr, nullptr));
	assert_ok(policy_validate(deep_set, schema, (struct policy_validator_options){}, nullptr, nullptr));
}

/* Each of many `has` is looked for among all before it, in every environment. */
static void
a_policy_that_takes_too_long_is_given_up(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse_schema(schema_text);
	_cleanup_(buffer_free) struct buffer policy = {};
	buffer_append_text(&policy, "permit (principal, action, resource) when { true");
	for (size_t i = 0; i < 4'000; i++)
		buffer_append_format(&policy, " && {a%zu: principal}.a%zu has name", i, i);
	buffer_append_text(&policy, " };");
	buffer_append_byte(&policy, 0);
	_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies((const char *)policy.data);
	effort_limit(50);
	enum status status = policy_validate(set, schema, (struct policy_validator_options){}, nullptr, nullptr);
	effort_limit(0);
	assert_fails(STATUS_TOO_LARGE, "effort.spent", status);
}

RUN_TESTS(T(every_rule_finds_what_the_language_says), T(findings_name_the_place_and_the_environment),
	  T(an_inapplicable_scope_is_an_error_on_demand), T(templates_and_links_are_validated),
	  T(long_and_deep_policies_are_validated_in_time), T(a_policy_that_takes_too_long_is_given_up))
