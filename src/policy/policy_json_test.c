#include "tests/test.h"

#include <string.h>

#include "policy/fixture.h"
#include "policy/policy_json.h"

/* What cedar-policy 4.13 writes, but for the order of annotations and for integers that it cannot hold. */
static const struct {
	const char *text, *json;
} pairs[] = {
	{"permit(principal, action, resource);", "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{"
						 "\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]}"},
	{"@a(\"1\") @b(\"\") permit(principal, action, resource);",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[],\"annotations\":{\"a\":\"1\",\"b\":\"\"}}"},
	{"forbid(principal == A::\"a\", action in [Action::\"x\", Action::\"y\"], resource is B in C::\"c\") unless { "
	 "true };",
	 "{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"entity\":{\"type\":\"A\",\"id\":\"a\"}},\"action\":{"
	 "\"op\":\"in\",\"entities\":[{\"type\":\"Action\",\"id\":\"x\"},{\"type\":\"Action\",\"id\":\"y\"}]},"
	 "\"resource\":{\"op\":\"is\",\"entity_type\":\"B\",\"in\":{\"entity\":{\"type\":\"C\",\"id\":\"c\"}}},"
	 "\"conditions\":[{\"kind\":\"unless\",\"body\":{\"Value\":true}}]}"},
	{"permit(principal in N::A::\"a\", action == Action::\"a\", resource == R::\"r\");",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"in\",\"entity\":{\"type\":\"N::A\",\"id\":\"a\"}},\"action\":{"
	 "\"op\":\"==\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}},\"resource\":{\"op\":\"==\",\"entity\":{"
	 "\"type\":\"R\",\"id\":\"r\"}},\"conditions\":[]}"},
	{"permit(principal is T, action in Action::\"a\", resource in R::\"r\") when { true } unless { false };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"is\",\"entity_type\":\"T\"},\"action\":{\"op\":\"in\","
	 "\"entity\":{\"type\":\"Action\",\"id\":\"a\"}},\"resource\":{\"op\":\"in\",\"entity\":{\"type\":\"R\",\"id\":"
	 "\"r\"}},\"conditions\":[{\"kind\":\"when\",\"body\":{\"Value\":true}},{\"kind\":\"unless\",\"body\":{"
	 "\"Value\":false}}]}"},
	{"permit(principal in ?principal, action in [], resource is X in ?resource);",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"in\",\"slot\":\"?principal\"},\"action\":{\"op\":\"in\","
	 "\"entities\":[]},\"resource\":{\"op\":\"is\",\"entity_type\":\"X\",\"in\":{\"slot\":\"?resource\"}},"
	 "\"conditions\":[]}"},
	{"permit(principal == ?principal, action, resource == ?resource) when { principal == resource };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":\"?principal\"},\"action\":{\"op\":\"All\"},"
	 "\"resource\":{\"op\":\"==\",\"slot\":\"?resource\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"==\":{"
	 "\"left\":{\"Var\":\"principal\"},\"right\":{\"Var\":\"resource\"}}}}]}"},
	{"permit(principal, action, resource) when { -1 == - 2 && !true && -(3) == 1 && --4 == 4 };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"&&\":{\"left\":{\"&&\":{\"left\":{"
	 "\"==\":{\"left\":{\"Value\":-1},\"right\":{\"Value\":-2}}},\"right\":{\"!\":{\"arg\":{\"Value\":true}}}}},"
	 "\"right\":{\"==\":{\"left\":{\"neg\":{\"arg\":{\"Value\":3}}},\"right\":{\"Value\":1}}}}},\"right\":{\"==\":{"
	 "\"left\":{\"neg\":{\"arg\":{\"Value\":-4}}},\"right\":{\"Value\":4}}}}}}]}"},
	{"permit(principal, action, resource) when { a::\"x\" in [b::\"y\"] && principal has \"a b\" && principal has "
	 "a.b.c };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"&&\":{\"left\":{\"in\":{\"left\":{"
	 "\"Value\":{\"__entity\":{\"type\":\"a\",\"id\":\"x\"}}},\"right\":{\"Set\":[{\"Value\":{\"__entity\":{"
	 "\"type\":\"b\",\"id\":\"y\"}}}]}}},\"right\":{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"a "
	 "b\"}}}},\"right\":{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":[\"a\",\"b\",\"c\"]}}}}}]}"},
	{"permit(principal, action, resource) when { principal.x.y[\"z w\"] == {a: 1, \"b c\": [1, true, \"s\"]} };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"==\":{\"left\":{\".\":{\"left\":{\".\":{\"left\":{\"."
	 "\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"x\"}},\"attr\":\"y\"}},\"attr\":\"z "
	 "w\"}},\"right\":{\"Record\":{\"a\":{\"Value\":1},\"b "
	 "c\":{\"Set\":[{\"Value\":1},{\"Value\":true},{\"Value\":\"s\"}]}}}}}}]}"},
	{"permit(principal, action, resource) when { \"a*\" like \"x\\**y\" && principal is T && principal is T in "
	 "G::\"g\" };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"&&\":{\"left\":{\"like\":{\"left\":"
	 "{\"Value\":\"a*\"},\"pattern\":[{\"Literal\":\"x\"},{\"Literal\":\"*\"},\"Wildcard\",{\"Literal\":\"y\"}]}},"
	 "\"right\":{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"T\"}}}},\"right\":{\"is\":{\"left\":{"
	 "\"Var\":\"principal\"},\"entity_type\":\"T\",\"in\":{\"Value\":{\"__entity\":{\"type\":\"G\",\"id\":\"g\"}}}}"
	 "}}}}]}"},
	{"permit(principal, action, resource) when { ip(\"1.1.1.1\").isInRange(ip(\"x\")) || [1].contains(1) || "
	 "[1].isEmpty() };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"||\":{\"left\":{\"||\":{\"left\":{\"isInRange\":[{"
	 "\"ip\":[{\"Value\":\"1.1.1.1\"}]},{\"ip\":[{\"Value\":\"x\"}]}]},\"right\":{\"contains\":{\"left\":{\"Set\":["
	 "{\"Value\":1}]},\"right\":{\"Value\":1}}}}},\"right\":{\"isEmpty\":{\"arg\":{\"Set\":[{\"Value\":1}]}}}}}}]"
	 "}"},
	{"permit(principal, action, resource) when { principal.hasTag(\"a\") && principal.getTag(context.t) == 1 };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"hasTag\":{\"left\":{\"Var\":"
	 "\"principal\"},\"right\":{\"Value\":\"a\"}}},\"right\":{\"==\":{\"left\":{\"getTag\":{\"left\":{\"Var\":"
	 "\"principal\"},\"right\":{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"t\"}}}},\"right\":{\"Value\":1}}}}"
	 "}}]}"},
	{"permit(principal, action, resource) when { if true then 1 != 2 else 3 > 4 };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"if-then-else\":{\"if\":{\"Value\":true},\"then\":{\"!"
	 "=\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}},\"else\":{\">\":{\"left\":{\"Value\":3},\"right\":{"
	 "\"Value\":4}}}}}}]}"},
	{"permit(principal, action, resource) when { 1 + 2 - 3 * 4 <= 5 && 1 < 2 && 1 >= 3 && (true || false) || true "
	 "};",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"||\":{\"left\":{\"&&\":{\"left\":{\"&&\":{\"left\":{"
	 "\"&&\":{\"left\":{\"<=\":{\"left\":{\"-\":{\"left\":{\"+\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}},"
	 "\"right\":{\"*\":{\"left\":{\"Value\":3},\"right\":{\"Value\":4}}}}},\"right\":{\"Value\":5}}},\"right\":{\"<"
	 "\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}}},\"right\":{\">=\":{\"left\":{\"Value\":1},\"right\":{"
	 "\"Value\":3}}}}},\"right\":{\"||\":{\"left\":{\"Value\":true},\"right\":{\"Value\":false}}}}},\"right\":{"
	 "\"Value\":true}}}}]}"},
	{"permit(principal, action, resource) when { (true && false) && true && (false && true) };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"&&\":{\"left\":{\"&&\":{\"left\":{"
	 "\"Value\":true},\"right\":{\"Value\":false}}},\"right\":{\"Value\":true}}},\"right\":{\"&&\":{\"left\":{"
	 "\"Value\":false},\"right\":{\"Value\":true}}}}}}]}"},
	{"permit(principal, action, resource) when { context.a && datetime(\"x\").offset(duration(\"1h\")) == "
	 "context.b };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\".\":{\"left\":{\"Var\":\"context\"}"
	 ",\"attr\":\"a\"}},\"right\":{\"==\":{\"left\":{\"offset\":[{\"datetime\":[{\"Value\":\"x\"}]},{\"duration\":["
	 "{\"Value\":\"1h\"}]}]},\"right\":{\".\":{\"left\":{\"Var\":\"context\"},\"attr\":\"b\"}}}}}}}]}"},
	{"permit(principal, action, resource) when { \"a\" like \"\" && \"é\" like \"**é\" };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"like\":{\"left\":{\"Value\":\"a\"},"
	 "\"pattern\":[]}},\"right\":{\"like\":{\"left\":{\"Value\":\"é\"},\"pattern\":[\"Wildcard\",\"Wildcard\",{"
	 "\"Literal\":\"é\"}]}}}}}]}"},
	{"permit(principal, action, resource) when { [1].containsAll([2]) && [].containsAny([]) && {} == {} };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"&&\":{\"left\":{\"containsAll\":{"
	 "\"left\":{\"Set\":[{\"Value\":1}]},\"right\":{\"Set\":[{\"Value\":2}]}}},\"right\":{\"containsAny\":{"
	 "\"left\":{\"Set\":[]},\"right\":{\"Set\":[]}}}}},\"right\":{\"==\":{\"left\":{\"Record\":{}},\"right\":{"
	 "\"Record\":{}}}}}}}]}"},
	{"permit(principal, action, resource) when { \"\\\"\\\\\\n\\u{1F600}\" == \"\" };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"==\":{\"left\":{\"Value\":\"\\\"\\\\\\n😀\"},"
	 "\"right\":{\"Value\":\"\"}}}}]}"},
	{"permit(principal, action, resource) when { decimal(\"1.0\").lessThanOrEqual(decimal(\"2.0\")) && "
	 "duration(\"1d\").toDays() == 1 };",
	 "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"
	 "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":{\"&&\":{\"left\":{\"lessThanOrEqual\":[{\"decimal\":[{"
	 "\"Value\":\"1.0\"}]},{\"decimal\":[{\"Value\":\"2.0\"}]}]},\"right\":{\"==\":{\"left\":{\"toDays\":[{"
	 "\"duration\":[{\"Value\":\"1d\"}]}]},\"right\":{\"Value\":1}}}}}}]}"},
};

static struct policy_set *
read_text(const char *text) {
	struct policy_set *set = nullptr;
	assert_ok(policy_set_create(nullptr, &set));
	if (policy_set_add(set, "test.cedar", bytes_of_text(text), nullptr) != OK)
		fail_msg("%s: %s", text, fail_message());
	return set;
}

static struct policy_set *
read_json(struct bytes text) {
	struct policy_set *set = nullptr;
	assert_ok(policy_set_create(&(struct policy_set_options){.number_all = true}, &set));
	if (policy_set_add_json(set, "test.json", text, nullptr) != OK)
		fail_msg("%.*s: %s", BYTES_ARGS(text), fail_message());
	return set;
}

static void
policies_are_written_as_the_reference_writes_them(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		_cleanup_(buffer_free) struct buffer written = {};
		assert_ok(policy_set_create(&(struct policy_set_options){.number_all = true}, &set));
		assert_ok(policy_set_add(set, "test.cedar", bytes_of_text(pairs[i].text), nullptr));
		assert_ok(policy_write_json(set, bytes_of_text("policy0"), &written));
		if (!bytes_equal_text(buffer_bytes(&written), pairs[i].json))
			fail_msg("%s: expected\n%s\nfound\n%.*s", pairs[i].text, pairs[i].json,
				 BYTES_ARGS(buffer_bytes(&written)));
	}
}

static void
what_is_written_reads_back_the_same(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(pairs); i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = read_json(bytes_of_text(pairs[i].json));
		_cleanup_(buffer_free) struct buffer written = {};
		assert_ok(policy_write_json(set, bytes_of_text("policy0"), &written));
		assert_bytes(bytes_of_text(pairs[i].json), buffer_bytes(&written));
	}
}

static void
sets_keep_ids_templates_and_links(void **) {
	_cleanup_(policy_set_destroy) struct policy_set *set =
		read_text("@id(\"a\") permit(principal, action, resource);\n"
			  "@id(\"t\") forbid(principal == ?principal, action, resource in ?resource);");
	_cleanup_(buffer_free) struct buffer written = {}, again = {};
	struct entity_uid user = fixture_uid("User", "u"), doc = fixture_uid("Doc", "d");
	assert_ok(policy_set_link(set, bytes_of_text("t"), bytes_of_text("l"), &user, &doc));
	assert_ok(policy_set_write_json(set, &written));
	assert_bytes(
		bytes_of_text(
			"{\"staticPolicies\":{\"a\":{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{"
			"\"op\":"
			"\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[],\"annotations\":{\"id\":\"a\"}}},"
			"\"templates\":{\"t\":{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"slot\":\"?"
			"principal\"},"
			"\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"in\",\"slot\":\"?resource\"},"
			"\"conditions\":[],"
			"\"annotations\":{\"id\":\"t\"}}},\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"l\","
			"\"values\":"
			"{\"?principal\":{\"type\":\"User\",\"id\":\"u\"},\"?resource\":{\"type\":\"Doc\",\"id\":\"d\"}"
			"}}]}"),
		buffer_bytes(&written));
	_cleanup_(policy_set_destroy) struct policy_set *copy = read_json(buffer_bytes(&written));
	assert_ok(policy_set_write_json(copy, &again));
	assert_bytes(buffer_bytes(&written), buffer_bytes(&again));
	assert_ok(policy_set_seal(copy));
	assert_int_equal(policy_set_count(copy), 2);
	assert_int_equal(policy_set_template_count(copy), 1);
	buffer_reset(&again);
	assert_ok(policy_write_json(copy, bytes_of_text("l"), &again));
	assert_bytes(bytes_of_text("{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"entity\":{\"type\":\"User\","
				   "\"id\":\"u\"}},"
				   "\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"in\",\"entity\":{\"type\":"
				   "\"Doc\",\"id\":\"d\"}},"
				   "\"conditions\":[],\"annotations\":{\"id\":\"t\"}}"),
		     buffer_bytes(&again));
	assert_fails(STATUS_NOT_FOUND, "policy.unknown_id", policy_write_json(copy, bytes_of_text("x"), &again));
}

/* Values with escapes, whole sets and records, calls with "arg" and "args": forms that we do not write. */
static void
every_form_of_a_value_is_read(void **) {
	static const struct {
		const char *body, *text;
	} cases[] = {
		{"{\"Value\":[1,{\"a\":true,\"b c\":\"x\"}]}", "[1, {a: true, \"b c\": \"x\"}]"},
		{"{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::1\"}}}", "ip(\"::1\")"},
		{"{\"Value\":{\"__extn\":{\"fn\":\"offset\",\"args\":[{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2024-"
		 "01-01\"}},"
		 "{\"__extn\":{\"fn\":\"duration\",\"arg\":\"1h\"}}]}}}",
		 "datetime(\"2024-01-01\").offset(duration(\"1h\"))"},
		{"{\"Value\":{\"__entity\":{\"type\":\"A::B\",\"id\":\"x\"}}}", "A::B::\"x\""},
		{"{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\"]}}", "context has a"},
		{"{\"like\":{\"left\":{\"Value\":\"x\"},\"pattern\":[{\"Literal\":\"ab*\"},\"Wildcard\",{\"Literal\":"
		 "\"c\"}]}}",
		 "\"x\" like \"ab\\**c\""},
		{"{\"Value\":-9223372036854775808}", "-9223372036854775808"},
		{"{\"neg\":{\"arg\":{\"Value\":9223372036854775807}}}", "-(9223372036854775807)"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer json_text = {}, text = {}, from_json = {}, from_text = {};
		buffer_append_format(&json_text,
				     "{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":\"All\"}"
				     ",\"resource\":{\"op\":"
				     "\"All\"},\"conditions\":[{\"kind\":\"when\",\"body\":%s}]}",
				     cases[i].body);
		buffer_append_format(&text, "permit(principal, action, resource) when { %s };", cases[i].text);
		buffer_append_byte(&text, 0);
		_cleanup_(policy_set_destroy) struct policy_set *a = read_json(buffer_bytes(&json_text));
		_cleanup_(policy_set_destroy) struct policy_set *b = read_text((const char *)text.data);
		assert_ok(policy_write_json(a, bytes_of_text("policy0"), &from_json));
		assert_ok(policy_write_json(b, bytes_of_text("policy0"), &from_text));
		assert_bytes(buffer_bytes(&from_text), buffer_bytes(&from_json));
	}
}

#define POLICY(principal, action, resource, conditions)                                                                \
	"{\"effect\":\"permit\",\"principal\":" principal ",\"action\":" action ",\"resource\":" resource              \
	",\"conditions\":" conditions "}"
#define ALL "{\"op\":\"All\"}"
#define BODY(body) POLICY(ALL, ALL, ALL, "[{\"kind\":\"when\",\"body\":" body "}]")

static const struct {
	const char *text, *name;
	size_t line, column;
} bad_texts[] = {
	{"{", "json.syntax", 1, 2},
	{"[]", "policy.type", 1, 1},
	{"{\"policies\":{}}", "policy.unknown", 1, 13},
	{"{\"staticPolicies\":[]}", "policy.type", 1, 19},
	{"{\"staticPolicies\":{\n\"a\":1}}", "policy.type", 2, 5},
	{"{\"effect\":\"allow\"}", "policy.effect", 1, 1},
	{"{\"effect\":\"permit\"}", "policy.missing", 1, 1},
	{POLICY("{}", ALL, ALL, "[]"), "policy.missing", 1, 32},
	{POLICY("{\"op\":\"<\"}", ALL, ALL, "[]"), "policy.scope_operator", 1, 32},
	{POLICY("{\"op\":\"==\"}", ALL, ALL, "[]"), "policy.missing", 1, 32},
	{POLICY("{\"op\":\"==\",\"slot\":\"?resource\"}", ALL, ALL, "[]"), "policy.scope_slot", 1, 50},
	{POLICY("{\"op\":\"==\",\"entity\":{\"type\":\"A b\",\"id\":\"\"}}", ALL, ALL, "[]"), "value.entity_type", 1,
	 52},
	{POLICY("{\"op\":\"is\",\"entity_type\":\"A b\"}", ALL, ALL, "[]"), "policy.is_type", 1, 32},
	{POLICY(ALL, "{\"op\":\"is\",\"entity_type\":\"A\"}", ALL, "[]"), "policy.scope_operator", 1, 54},
	{POLICY(ALL, "{\"op\":\"==\",\"slot\":\"?action\"}", ALL, "[]"), "policy.scope_slot", 1, 72},
	{POLICY(ALL, "{\"op\":\"==\",\"entity\":{\"type\":\"A\",\"id\":\"\"}}", ALL, "[]"), "policy.action_type", 1,
	 54},
	{POLICY(ALL, ALL, ALL, "{}"), "policy.type", 1, 104},
	{POLICY(ALL, ALL, ALL, "[{\"kind\":\"while\",\"body\":{\"Value\":true}}]"), "policy.condition_keyword", 1, 105},
	{BODY("1"), "policy.type", 1, 127},
	{BODY("{}"), "policy.expression", 1, 127},
	{BODY("{\"Value\":1,\"Var\":\"context\"}"), "policy.expression", 1, 127},
	{BODY("{\"Value\":null}"), "value.null", 1, 136},
	{BODY("{\"Value\":1.5}"), "json.float", 1, 136},
	{BODY("{\"Value\":{\"__extn\":{\"fn\":\"now\",\"arg\":1}}}"), "policy.unknown_function", 1, 146},
	{BODY("{\"Value\":{\"__extn\":{\"fn\":\"ip\"}}}"), "policy.missing", 1, 146},
	{BODY("{\"Value\":{\"__extn\":{\"fn\":\"ip\",\"args\":[\"1\",\"2\"]}}}"), "policy.arguments", 1, 136},
	{BODY("{\"Var\":\"user\"}"), "policy.unknown_variable", 1, 134},
	{BODY("{\"Slot\":\"?principal\"}"), "policy.slot_in_condition", 1, 135},
	{BODY("{\"==\":{\"left\":{\"Value\":1}}}"), "policy.missing", 1, 133},
	{BODY("{\"==\":{\"left\":{\"Value\":1},\"right\":{\"Value\":1},\"x\":1}}"), "policy.unknown", 1, 177},
	{BODY("{\"!\":{\"left\":{\"Value\":1}}}"), "policy.unknown", 1, 140},
	{BODY("{\"now\":[]}"), "policy.unknown_function", 1, 134},
	{BODY("{\"ip\":[]}"), "policy.arguments", 1, 133},
	{BODY("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[]}}"), "policy.has_attribute", 1, 167},
	{BODY("{\"has\":{\"left\":{\"Var\":\"context\"},\"attr\":[\"a\",\"b c\"]}}"), "policy.has_attribute", 1, 172},
	{BODY("{\"like\":{\"left\":{\"Value\":\"\"},\"pattern\":[\"*\"]}}"), "policy.like_pattern", 1, 167},
	{BODY("{\"is\":{\"left\":{\"Value\":\"\"},\"entity_type\":\"A b\"}}"), "policy.is_type", 1, 168},
	{"{\"templates\":{\"a\":" POLICY(ALL, ALL, ALL, "[]") "}}", "policy.template", 1, 19},
	{"{\"staticPolicies\":{\"a\":" POLICY("{\"op\":\"in\",\"slot\":\"?principal\"}", ALL, ALL, "[]") "}}",
	 "policy.template", 1, 24},
	{"{\"templateLinks\":[{\"templateId\":\"t\",\"newId\":\"n\",\"values\":{}}]}", "policy.link_template", 1, 19},
};

static void
each_malformed_document_is_refused_by_name_and_place(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_texts); i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		struct bytes text = bytes_of_text(bad_texts[i].text);
		assert_ok(policy_set_create(nullptr, &set));
		if (policy_set_add_json(set, "bad.json", text, &diagnostics) == OK)
			fail_msg("%s: expected %s", bad_texts[i].text, bad_texts[i].name);
		fixture_assert_first(&diagnostics, bad_texts[i].text, bad_texts[i].name, bad_texts[i].line,
				     bad_texts[i].column);
	}
	print_message("%zu malformed documents\n", ARRAY_LENGTH(bad_texts));
}

static void
nesting_is_bounded_and_chains_are_not_nesting(void **) {
	_cleanup_(buffer_free) struct buffer deep = {}, chain = {}, written = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	static const char head[] = "{\"effect\":\"permit\",\"principal\":" ALL ",\"action\":" ALL ",\"resource\":" ALL
				   ",\"conditions\":[{\"kind\":\"when\",\"body\":";
	buffer_append_text(&deep, head);
	buffer_append_text(&chain, head);
	for (size_t i = 0; i < 300; i++) {
		buffer_append_text(&deep, "{\"!\":{\"arg\":");
		buffer_append_text(&chain, "{\"&&\":{\"left\":");
	}
	buffer_append_text(&deep, "{\"Value\":true}");
	buffer_append_text(&chain, "{\"Value\":true}");
	for (size_t i = 0; i < 300; i++) {
		buffer_append_text(&deep, "}}");
		buffer_append_text(&chain, ",\"right\":{\"Value\":true}}}");
	}
	buffer_append_text(&deep, "}]}");
	buffer_append_text(&chain, "}]}");
	assert_ok(policy_set_create(nullptr, &set));
	assert_fails(STATUS_INVALID, "policy.depth", policy_set_add_json(set, "deep", buffer_bytes(&deep), nullptr));
	assert_ok(policy_set_add_json(set, "chain", buffer_bytes(&chain), nullptr));
	assert_ok(policy_write_json(set, bytes_of_text("policy0"), &written));
	assert_bytes(buffer_bytes(&chain), buffer_bytes(&written));
}

RUN_TESTS(T(policies_are_written_as_the_reference_writes_them), T(what_is_written_reads_back_the_same),
	  T(sets_keep_ids_templates_and_links), T(every_form_of_a_value_is_read),
	  T(each_malformed_document_is_refused_by_name_and_place), T(nesting_is_bounded_and_chains_are_not_nesting))
