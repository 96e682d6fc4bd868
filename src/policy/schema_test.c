#include "tests/test.h"

#include <string.h>

#include "policy/differential_case.h"
#include "policy/fixture.h"
#include "policy/schema.h"
#include "policy/schema_write.h"

static struct policy_schema *
parse(const char *text, enum schema_syntax syntax) {
	struct policy_schema *schema = nullptr;
	if (policy_schema_parse("test.cedarschema", bytes_of_text(text), syntax, &schema, nullptr) != OK)
		fail_msg("%s: %s", text, fail_message());
	return schema;
}

static void
every_production_of_the_grammar_is_read(void **) {
	static const char *const texts[] = {
		"",
		"// nothing",
		"entity A;",
		"entity A, B in [A, C]; entity C in B;",
		"entity A in A; entity B in [];",
		"entity A {}; entity B = {x: Long};",
		"entity A enum [\"x\", \"y\", \"x\"];",
		"entity A {x: Long} tags Set<A>;",
		"entity A tags String;",
		"entity A {x: Set<Set<Long>>, \"y z\"?: {a: Long,}, w ? : String,};",
		"entity A {a: ipaddr, b: decimal, c: datetime, d: duration, e: Bool};",
		"entity A {a: __cedar::Long, b: __cedar::ipaddr};",
		"type T = {x: U}; type U = Long; entity A {t: T};",
		"entity A; type T = A; entity B {t: T};",
		"entity A; type A = Long;",
		"entity Long; entity ipaddr; entity A {x: Long, y: ipaddr};",
		"type datetime = Long; entity A {x: datetime};",
		"namespace N { entity A; entity B in A; } entity C in N::A;",
		"namespace N::M { entity A; } entity B in N::M::A;",
		"namespace N { entity B {x: A}; } entity A;",
		"namespace N { entity User; action a appliesTo { principal: User, resource: N::User }; }",
		"action a; action \"a b\", c; action \"\";",
		"action a in b; action b in [c, \"d\"]; action c, d;",
		"action a in Action::\"b\"; action b;",
		"namespace N { action a in Action::\"b\"; action b; action c in N::Action::\"b\"; }",
		"namespace N { action a in b; } action b;",
		"entity A; action a appliesTo { principal: A, resource: [A] };",
		"entity A; action a appliesTo { resource: A, context: {x: Long}, principal: A, };",
		"entity A; type T = {x: Long}; action a appliesTo { principal: A, resource: A, context: T };",
		"action a attributes {};",
		"@doc(\"x\") entity A { @doc(\"y\") x: Long }; @d action a; @t type T = Long; @n namespace N {}",
		"entity entity; entity type {namespace: Long, action: Bool}; action action;",
		"entity B {a: Action}; action x;",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse(texts[i], SCHEMA_CEDAR);
	}
}

static const char cedar_schema[] =
	"namespace N {\n"
	"  entity User in [Group] { name: String, age?: Long, boss?: User, when: __cedar::datetime } tags Set<Long>;\n"
	"  entity Group in Group;\n"
	"  entity Doc { owner: User, at: Place };\n"
	"  entity Color enum [\"red\", \"blue\"];\n"
	"  type Place = { ip: ipaddr, zip?: Long };\n"
	"  action all;\n"
	"  action view in all appliesTo { principal: [User, Group], resource: Doc, context: Place };\n"
	"}";

static const char json_schema[] =
	"{\"N\": {\"entityTypes\": {"
	"\"User\": {\"memberOfTypes\": [\"Group\"], \"shape\": {\"type\": \"Record\", \"attributes\": {"
	"\"name\": {\"type\": \"String\"}, \"age\": {\"type\": \"Long\", \"required\": false},"
	"\"boss\": {\"type\": \"Entity\", \"name\": \"User\", \"required\": false},"
	"\"when\": {\"type\": \"Extension\", \"name\": \"datetime\"}}}, \"tags\": {\"type\": \"Set\", \"element\": "
	"{\"type\": "
	"\"Long\"}}},"
	"\"Group\": {\"memberOfTypes\": [\"N::Group\"], \"annotations\": {\"doc\": \"x\"}},"
	"\"Doc\": {\"shape\": {\"type\": \"Record\", \"additionalAttributes\": false, \"attributes\": {"
	"\"owner\": {\"type\": \"EntityOrCommon\", \"name\": \"User\"}, \"at\": {\"type\": \"Place\"}}}},"
	"\"Color\": {\"enum\": [\"red\", \"blue\"]}},"
	"\"actions\": {\"all\": {}, \"view\": {\"memberOf\": [{\"id\": \"all\"}], \"appliesTo\": {"
	"\"principalTypes\": [\"User\", \"Group\"], \"resourceTypes\": [\"Doc\"], \"context\": {\"type\": "
	"\"Place\"}}}},"
	"\"commonTypes\": {\"Place\": {\"type\": \"Record\", \"attributes\": {"
	"\"ip\": {\"type\": \"EntityOrCommon\", \"name\": \"ipaddr\"}, \"zip\": {\"type\": \"Long\", \"required\": "
	"false}}}}}}";

static void
assert_type(const struct policy_schema *schema, const struct type *type, const char *expected) {
	_cleanup_(buffer_free) struct buffer text = {};
	type_describe(schema, type, &text);
	assert_bytes(bytes_of_text(expected), buffer_bytes(&text));
}

static const struct schema_entity *
entity(const struct policy_schema *schema, const char *name) {
	uint32_t number = policy_schema_find_entity(schema, bytes_of_text(name));
	assert_int_not_equal(number, SCHEMA_NONE);
	return policy_schema_entity(schema, number);
}

static uint32_t
action(const struct policy_schema *schema, const char *id) {
	struct entity_uid uid = {BYTES_OF_LITERAL("N::Action"), bytes_of_text(id)};
	uint32_t number = policy_schema_find_action(schema, uid);
	assert_int_not_equal(number, SCHEMA_NONE);
	return number;
}

static void
both_syntaxes_give_the_same_schema(void **) {
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(policy_schema_destroy) struct policy_schema *schema =
			i == 0 ? parse(cedar_schema, SCHEMA_CEDAR) : parse(json_schema, SCHEMA_JSON);
		assert_int_equal(policy_schema_entity_count(schema), 5);
		assert_int_equal(policy_schema_action_count(schema), 2);
		assert_type(schema, entity(schema, "N::User")->shape,
			    "{age?: Long, boss?: N::User, name: String, when: datetime}");
		assert_type(schema, entity(schema, "N::User")->tags, "Set<Long>");
		assert_type(schema, entity(schema, "N::Doc")->shape, "{at: {ip: ipaddr, zip?: Long}, owner: N::User}");
		assert_true(entity(schema, "N::Action")->is_action);
		assert_true(policy_schema_has_id(entity(schema, "N::Color"), bytes_of_text("blue")));
		assert_false(policy_schema_has_id(entity(schema, "N::Color"), bytes_of_text("green")));
		assert_true(policy_schema_has_id(entity(schema, "N::User"), bytes_of_text("anyone")));
		uint32_t user = policy_schema_find_entity(schema, bytes_of_text("N::User"));
		uint32_t group = policy_schema_find_entity(schema, bytes_of_text("N::Group"));
		assert_true(policy_schema_may_be_in(schema, user, group) &&
			    policy_schema_may_be_in(schema, group, group));
		assert_false(policy_schema_may_be_in(schema, group, user));
		uint32_t view = action(schema, "view"), all = action(schema, "all");
		assert_true(policy_schema_action_is_in(schema, view, all));
		assert_false(policy_schema_action_is_in(schema, all, view));
		assert_int_equal(policy_schema_action(schema, view)->principal_count, 2);
		assert_int_equal(policy_schema_action(schema, all)->principal_count, 0);
		assert_type(schema, policy_schema_action(schema, view)->context, "{ip: ipaddr, zip?: Long}");
		assert_int_equal(policy_schema_find_entity(schema, bytes_of_text("User")), SCHEMA_NONE);
	}
}

static const struct {
	const char *text, *name;
	size_t line, column;
} bad_texts[] = {
	{"entity A", "policy.unexpected_end", 1, 9},
	{"entity A = Long;", "policy.unexpected_token", 1, 12},
	{"entity N::A;", "policy.unexpected_token", 1, 9},
	{"entity if;", "policy.reserved_word", 1, 8},
	{"entity A {in: Long};", "policy.reserved_word", 1, 11},
	{"entity A in [A,];", "policy.unexpected_token", 1, 16},
	{"entity A enum [];", "policy.unexpected_token", 1, 16},
	{"entity A enum [\"x\",];", "policy.unexpected_token", 1, 20},
	{"entity A enum [\"\\q\"];", "policy.escape", 1, 17},
	{"entity A {x: Set<Long};", "policy.unexpected_token", 1, 22},
	{"entity A {x Long};", "policy.unexpected_token", 1, 13},
	{"action N::a;", "policy.unexpected_token", 1, 9},
	{"action a in [];", "policy.unexpected_token", 1, 14},
	{"action a in A::B;", "policy.unexpected_token", 1, 17},
	{"type T;", "policy.unexpected_token", 1, 7},
	{"permit(principal, action, resource);", "policy.unexpected_token", 1, 1},
	{"namespace N { namespace M {} }", "policy.unexpected_token", 1, 15},
	{"namespace N {} ;", "policy.unexpected_token", 1, 16},
	{"namespace N {\nentity A;\n", "policy.unexpected_end", 3, 1},
	{"namespace if {}", "policy.reserved_word", 1, 11},
	{"namespace __cedar {}", "policy.reserved_word", 1, 11},
	{"entity __cedar;", "policy.reserved_word", 1, 8},
	{"@d @d entity A;", "policy.annotation_duplicate", 1, 5},
	{"entity A; // \u202e", "policy.bidirectional_control", 1, 14},
	{"entity A;\nentity A;", "schema.duplicate", 2, 8},
	{"type A = Long;\ntype A = String;", "schema.duplicate", 2, 6},
	{"action a;\naction b, a;", "schema.duplicate", 2, 11},
	{"entity A {x: Long, x: Long};", "schema.duplicate", 1, 10},
	{"namespace N {}\nnamespace N {}", "schema.duplicate", 2, 11},
	{"entity A; action a appliesTo {principal: A,\nprincipal: A, resource: A};", "schema.duplicate", 2, 1},
	{"type Long = String;", "schema.reserved_name", 1, 6},
	{"type Set = String;", "schema.reserved_name", 1, 6},
	{"entity Action;", "schema.reserved_name", 1, 8},
	{"entity A {x: Nope};", "schema.unknown_type", 1, 14},
	{"entity A {x: Boolean};", "schema.unknown_type", 1, 14},
	{"entity A {x: Record};", "schema.unknown_type", 1, 14},
	{"entity A {x: __cedar::Nope};", "schema.unknown_type", 1, 14},
	{"entity A in [A, B];", "schema.unknown_type", 1, 17},
	{"entity A; entity B in T; type T = A;", "schema.unknown_type", 1, 23},
	{"action a; entity A in Action;", "schema.unknown_type", 1, 23},
	{"namespace N { entity A; } entity B in A;", "schema.unknown_type", 1, 39},
	{"namespace N::M { entity A; } namespace N { entity B in M::A; }", "schema.unknown_type", 1, 56},
	{"action a appliesTo {principal: A, resource: B};", "schema.unknown_type", 1, 32},
	{"action a in b;", "schema.unknown_action", 1, 13},
	{"action a in N::Action::\"a\";", "schema.unknown_action", 1, 13},
	{"action a in a;", "schema.action_cycle", 1, 8},
	{"action a in b;\naction b in c;\naction c in a;", "schema.action_cycle", 1, 8},
	{"type T = T;", "schema.type_cycle", 1, 10},
	{"type T = Set<U>; type U = {t: T};", "schema.type_cycle", 1, 31},
	{"namespace N { entity A; } entity A;", "schema.shadow", 1, 22},
	{"namespace N { type A = Long; } entity A;", "schema.shadow", 1, 20},
	{"namespace N { action a; } action a;", "schema.shadow", 1, 22},
	{"entity A; action a appliesTo {principal: A};", "schema.applies_to", 1, 20},
	{"entity A; action a appliesTo {principal: [], resource: A};", "schema.applies_to", 1, 42},
	{"entity A; action a appliesTo {};", "policy.unexpected_token", 1, 31},
	{"entity A; type T = Long; action a appliesTo {principal: A, resource: A, context: T};", "schema.record", 1,
	 82},
	{"entity A; action a appliesTo {principal: A, resource: A, context: Set<A>};", "schema.context", 1, 67},
	{"action a attributes {x: Long};", "schema.action_attributes", 1, 21},
};

static const struct {
	const char *text, *name;
	size_t line, column;
} bad_documents[] = {
	{"", "json.syntax", 1, 1},
	{"{\"\":", "json.syntax", 1, 5},
	{"[]", "schema.type", 1, 1},
	{"{\"\": 1}", "schema.type", 1, 6},
	{"{\"a b\": {\"entityTypes\":{}, \"actions\":{}}}", "schema.name", 1, 9},
	{"{\"\": {\"entityTypes\":{}}}", "schema.missing", 1, 6},
	{"{\"\": {\"entityTypes\":{}, \"actions\":{}, \"foo\": 1}}", "schema.unknown", 1, 46},
	{"{\"\": {\"entityTypes\":{\"A b\":{}}, \"actions\":{}}}", "schema.name", 1, 28},
	{"{\"\": {\"entityTypes\":{\"A\":{\"foo\":1}}, \"actions\":{}}}", "schema.unknown", 1, 33},
	{"{\"\": {\"entityTypes\":{\"A\":{\"enum\":[]}}, \"actions\":{}}}", "schema.enumeration", 1, 34},
	{"{\"\": {\"entityTypes\":{\"A\":{\"enum\":[\"a\"],\"shape\":{}}}, \"actions\":{}}}", "schema.unknown", 1, 48},
	{"{\"\": {\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Long\"}}}, \"actions\":{}}}", "schema.record", 1, 35},
	{"{\"\": {\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\"}}}, \"actions\":{}}}", "schema.missing", 1,
	 35},
	{"{\"\": {\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"Set\"}}}, \"actions\":{}}}", "schema.missing", 1, 34},
	{"{\"\": {\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"A\"}}}, \"actions\":{}}}", "schema.unknown_type", 1, 34},
	{"{\"\": {\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"Entity\",\"name\":\"a b\"}}}, \"actions\":{}}}",
	 "schema.name", 1, 58},
	{"{\"\": {\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"Extension\",\"name\":\"foo\"}}}, \"actions\":{}}}",
	 "schema.unknown_type", 1, 34},
	{"{\"\": {\"entityTypes\":{\"A\":{\"tags\":{\"type\":\"Long\",\"element\":1}}}, \"actions\":{}}}",
	 "schema.unknown", 1, 59},
	{"{\"\": "
	 "{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"Record\",\"attributes\":{},\"additionalAttributes\":true}}}, "
	 "\"actions\":{}}}",
	 "schema.open_record", 1, 91},
	{"{\"\": {\"entityTypes\":{}, \"actions\":{\n\"a\":{\"appliesTo\":{\"principalTypes\":[]}}}}}",
	 "schema.missing", 2, 18},
	{"{\"\": {\"entityTypes\":{}, \"actions\":{\n\"a\":{\"memberOf\":[{\"id\":\"b\"}]}}}}", "schema.unknown_action",
	 2, 18},
	{"{\"\": {\"entityTypes\":{}, \"actions\":{}, \"commonTypes\":{\"Set\":{\"type\":\"Long\"}}}}",
	 "schema.reserved_name", 1, 60},
};

static void
assert_refused(const char *text, enum schema_syntax syntax, const char *name, size_t line, size_t column) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	struct policy_schema *schema = nullptr;
	if (policy_schema_parse("bad", bytes_of_text(text), syntax, &schema, &diagnostics) == OK) {
		policy_schema_destroy(&schema);
		fail_msg("%s: expected %s", text, name);
	}
	fixture_assert_first(&diagnostics, text, name, line, column);
	assert_fails(STATUS_INVALID, name, policy_schema_parse("bad", bytes_of_text(text), syntax, &schema, nullptr));
}

static void
each_malformed_schema_is_refused_by_name_and_place(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_texts); i++)
		assert_refused(bad_texts[i].text, SCHEMA_CEDAR, bad_texts[i].name, bad_texts[i].line,
			       bad_texts[i].column);
	for (size_t i = 0; i < ARRAY_LENGTH(bad_documents); i++)
		assert_refused(bad_documents[i].text, SCHEMA_JSON, bad_documents[i].name, bad_documents[i].line,
			       bad_documents[i].column);
	print_message("%zu malformed schemas\n", ARRAY_LENGTH(bad_texts) + ARRAY_LENGTH(bad_documents));
}

static void
one_run_tells_of_every_fault(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	struct policy_schema *schema = nullptr;
	static const char text[] = "entity A in B;\nentity C {x: D, y: E};\ntype = Long;\naction a in b;";
	assert_fails(STATUS_INVALID, "policy.unexpected_token",
		     policy_schema_parse("x", bytes_of_text(text), SCHEMA_CEDAR, &schema, &diagnostics));
	assert_int_equal(diagnostics.count, 1); /* names are looked up in what could be read */
	policy_diagnostics_free(&diagnostics);
	static const char names[] = "entity A in B;\nentity C {x: D, y: E};\naction a in b;";
	assert_fails(STATUS_INVALID, "schema.unknown_type",
		     policy_schema_parse("x", bytes_of_text(names), SCHEMA_CEDAR, &schema, &diagnostics));
	assert_int_equal(diagnostics.count, 4);
}

/* Types that double with each declaration, and types that nest without end. */
static void
types_are_bounded_in_size_and_depth(void **) {
	_cleanup_(buffer_free) struct buffer doubling = {}, chain = {}, nested = {};
	struct policy_schema *schema = nullptr;
	buffer_append_text(&doubling, "type T0 = {a: Long};");
	buffer_append_text(&chain, "type T0 = {a: Long};");
	buffer_append_text(&nested, "type T = ");
	for (size_t i = 1; i < 300; i++) {
		buffer_append_format(&doubling, "type T%zu = {a: T%zu, b: T%zu};", i, i - 1, i - 1);
		buffer_append_format(&chain, "type T%zu = {a: T%zu};", i, i - 1);
		buffer_append_text(&nested, "Set<");
	}
	assert_fails(STATUS_INVALID, "schema.type_size",
		     policy_schema_parse("x", buffer_bytes(&doubling), SCHEMA_CEDAR, &schema, nullptr));
	assert_fails(STATUS_INVALID, "schema.type_depth",
		     policy_schema_parse("x", buffer_bytes(&chain), SCHEMA_CEDAR, &schema, nullptr));
	assert_fails(STATUS_INVALID, "policy.depth",
		     policy_schema_parse("x", buffer_bytes(&nested), SCHEMA_CEDAR, &schema, nullptr));
	buffer_reset(&chain); /* the other way round, each type is resolved from within the one before */
	for (size_t i = 100'000; i > 0; i--)
		buffer_append_format(&chain, "type T%zu = {a: T%zu};", i, i - 1);
	buffer_append_text(&chain, "type T0 = Long;");
	assert_fails(STATUS_INVALID, "schema.type_depth",
		     policy_schema_parse("x", buffer_bytes(&chain), SCHEMA_CEDAR, &schema, nullptr));
}

/* All that a schema says, one thing a line. */
static const char *
describe(const char *text, enum schema_syntax syntax, struct buffer *to) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = parse(text, syntax);
	buffer_reset(to);
	for (uint32_t i = 0; i < policy_schema_entity_count(schema); i++) {
		const struct schema_entity *entity = policy_schema_entity(schema, i);
		buffer_append_format(to, "%.*s %d", BYTES_ARGS(entity->name), entity->is_action);
		for (size_t j = 0; j < entity->id_count; j++)
			buffer_append_format(to, " \"%.*s\"", BYTES_ARGS(entity->ids[j]));
		for (size_t j = 0; j < entity->ancestor_count; j++)
			buffer_append_format(to, " in %u", entity->ancestors[j]);
		type_describe(schema, entity->shape, to);
		if (entity->tags != nullptr)
			type_describe(schema, entity->tags, to);
		buffer_append_text(to, "\n");
	}
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *action = policy_schema_action(schema, i);
		buffer_append_format(to, "%.*s::%.*s", BYTES_ARGS(action->uid.type), BYTES_ARGS(action->uid.id));
		for (size_t j = 0; j < action->ancestor_count; j++)
			buffer_append_format(to, " in %u", action->ancestors[j]);
		for (size_t j = 0; j < action->principal_count; j++)
			buffer_append_format(to, " p%u", action->principals[j]);
		for (size_t j = 0; j < action->resource_count; j++)
			buffer_append_format(to, " r%u", action->resources[j]);
		if (action->principal_count > 0)
			type_describe(schema, action->context, to);
		buffer_append_text(to, "\n");
	}
	buffer_append_byte(to, 0);
	return (const char *)to->data;
}

static void
assert_converts(const char *text, enum schema_syntax syntax) {
	_cleanup_(buffer_free) struct buffer other = {}, before = {}, after = {};
	enum schema_syntax other_syntax = syntax == SCHEMA_JSON ? SCHEMA_CEDAR : SCHEMA_JSON;
	assert_ok(policy_schema_convert("x", bytes_of_text(text), syntax, &other, nullptr));
	buffer_append_byte(&other, 0);
	assert_string_equal(describe(text, syntax, &before), describe((const char *)other.data, other_syntax, &after));
}

/* Random schemas, and those that try something special; there and back is what another test's two texts say. */
static void
a_schema_in_the_other_syntax_says_the_same(void **) {
	static const char *const texts[] = {
		"",
		"namespace N {}",
		"entity A {\"a\\n\u{e9}\": Long, \"is\"?: Set<{}>, b: {}};",
		"entity Long; entity ipaddr; entity A {x: Long, y: __cedar::ipaddr};",
		"type T = {x: U}; type U = Long; entity A {t: T} tags T;",
		"namespace N::M { entity A enum [\"\\\"\", \"\\\\\"]; action \"a b\" in Action::\"c\"; action c; }",
		"namespace N { entity A; entity B in A; action a appliesTo {principal: A, resource: [A, B]}; }",
		"entity C in N::A; namespace N { entity A; }",
	};
	static const char *const documents[] = {
		"{\"\":{\"commonTypes\":{\"T\":{\"type\":\"U\"},\"U\":{\"type\":\"Record\",\"attributes\":{\"x\":{"
		"\"type\":\"Long\"}}}},"
		"\"entityTypes\":{},\"actions\":{}},\"N\":{\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},"
		"\"actions\":{}}}",
		"{\"\":{\"entityTypes\":{\"Long\":{},\"A\":{\"tags\":{\"type\":\"Long\"}}},\"actions\":{}}}",
		"{\"N\":{\"commonTypes\":{\"ipaddr\":{\"type\":\"String\"}},\"entityTypes\":{\"A\":{\"tags\":"
		"{\"type\":\"Extension\",\"name\":\"ipaddr\"}}},\"actions\":{\"\":{\"memberOf\":[{\"id\":\"b "
		"c\"}]},\"b c\":{}}}}",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		assert_converts(texts[i], SCHEMA_CEDAR);
	for (size_t i = 0; i < ARRAY_LENGTH(documents); i++)
		assert_converts(documents[i], SCHEMA_JSON);
	size_t counts[CONSTRUCT_COUNT] = {};
	for (uint64_t seed = 0; seed < 600; seed += CASES_PER_SCHEMA) {
		_cleanup_(arena_free) struct arena arena = {};
		struct differential_case drawn;
		assert_ok(differential_draw(&arena, seed, counts, &drawn));
		assert_converts(drawn.schema, drawn.schema_is_json ? SCHEMA_JSON : SCHEMA_CEDAR);
	}
	_cleanup_(buffer_free) struct buffer other = {};
	assert_fails(
		STATUS_INVALID, "schema.ambiguous",
		policy_schema_convert(
			"x",
			bytes_of_text(
				"{\"\":{\"commonTypes\":{\"A\":{\"type\":\"Long\"}},\"entityTypes\":{\"A\":{\"tags\":"
				"{\"type\":\"Entity\",\"name\":\"A\"}}},\"actions\":{}}}"),
			SCHEMA_JSON, &other, nullptr));
}

RUN_TESTS(T(every_production_of_the_grammar_is_read), T(both_syntaxes_give_the_same_schema),
	  T(each_malformed_schema_is_refused_by_name_and_place), T(one_run_tells_of_every_fault),
	  T(types_are_bounded_in_size_and_depth), T(a_schema_in_the_other_syntax_says_the_same))
