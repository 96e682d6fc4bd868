#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"
#include "policy/set.h"

#define ANY "permit(principal, action, resource)"
#define WHEN(expression) ANY " when { " expression " };"

static void
every_production_of_the_grammar_is_read(void **) {
	static const char *const texts[] = {
		"",
		"// nothing but a comment",
		ANY ";",
		ANY ";" ANY ";",
		"forbid(principal,action,resource,);",
		"permit\n(\nprincipal\n,\naction\n,\nresource\n)\n;\n",
		"@id(\"first\") @note permit(principal, action, resource);",
		"@if(\"reserved words may be keys\") @true @in(\"x\") permit(principal, action, resource);",
		"permit(principal == User::\"a\", action == Action::\"b\", resource == Doc::\"c\");",
		"permit(principal == (User::\"a\"), action in ((Action::\"b\")), resource);",
		"permit(principal in Team::\"a\", action in Action::\"b\", resource in Folder::\"c\");",
		"permit(principal is User, action in [Action::\"a\", NS::Action::\"b\",], resource is NS::Doc in "
		"Folder::\"c\");",
		"permit(principal, action in [], resource);",
		"permit(principal == ?principal, action, resource in ?resource);",
		"permit(principal in ?principal, action, resource is Doc in ?resource);",
		ANY " when { true } unless { false } when { true };",
		WHEN("if true then false else if false then true else false"),
		WHEN("principal is A::B in A::\"x\" && true"),
		WHEN("A :: B :: \"x\" == principal"),
		WHEN("action::\"a\" == permit::forbid::\"when\""),
		WHEN("{permit: 1, \"if\": 2, unless: {}, when: [],}.permit == 1"),
		WHEN("principal[\"a b\"].c[\"\"] == - -1"),
		WHEN("!!!!true && ----1 == 1"),
		WHEN("-9223372036854775808 < 9223372036854775807"),
		WHEN("00 == 0"),
		WHEN("context has a && context has \"a b\" && context has a.b.c"),
		WHEN("\"a\" like \"\\**\\u{2a}\""),
		WHEN("[1, 2,].containsAll([1,]) && ip(\"::1\",).isLoopback()"),
		WHEN("(((((true)))))"),
		WHEN("principal.contains == resource.ip"),
		WHEN("\"multi\nline\" == \"\""),
		WHEN("\"a\\\\\nb\" == \"\""),
		WHEN("1 + 2 - 3 * 4 == (1 - 2) * 3"),
		"permit(principal, action, resource) // a comment\nwhen { // another\ntrue };",
		"permit(principal,\u00a0action,\u3000resource);",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		if (policy_set_parse("good.cedar", bytes_of_text(texts[i]), &set, nullptr) != OK)
			fail_msg("%s: %s", texts[i], fail_message());
	}
}

static const struct {
	const char *text, *name;
	size_t line, column;
} bad_texts[] = {
	/* characters and words */
	{"permit(principal, action, resource) & ;", "policy.unexpected_character", 1, 37},
	{"permit(principal, action, resource) when { 'a' == 1 };", "policy.unexpected_character", 1, 44},
	{"\npermit\x01(principal, action, resource);", "policy.unexpected_character", 2, 7},
	{"permit(principal, action, resource);\n\xef\xbb\xbf", "policy.unexpected_character", 2, 1},
	{"permit(principal, action, resource) when { \"\xff\" == 1 };", "policy.utf8", 1, 45},
	{"// \xc0\xaf\n", "policy.utf8", 1, 4},
	{"permit(principal, action, resource) when { \"a };\n", "policy.unterminated_string", 1, 44},
	{"permit(principal, action, resource) when { \"a\\", "policy.unterminated_string", 1, 44},
	{"permit(principal, action, resource) when { \"a\\\n\" == 1 };", "policy.unterminated_string", 1, 44},
	{"// safe \u202e comment\n" ANY ";", "policy.bidirectional_control", 1, 9},
	{WHEN("context.user == \"adm\u2066in\""), "policy.bidirectional_control", 1, 64},
	{"permit(principal\u200f, action, resource);", "policy.bidirectional_control", 1, 17},
	{WHEN("if == 1"), "policy.unexpected_token", 1, 47},
	{WHEN("then == 1"), "policy.reserved_word", 1, 44},
	{WHEN("context.in"), "policy.reserved_word", 1, 52},
	{WHEN("context has like"), "policy.reserved_word", 1, 56},
	{WHEN("principal.__cedar"), "policy.reserved_word", 1, 54},
	{WHEN("__cedar::A::\"x\" == principal"), "policy.reserved_word", 1, 44},
	{WHEN("{is: 1} == 1"), "policy.reserved_word", 1, 45},
	/* escapes */
	{WHEN("\"a\\qb\" == \"\""), "policy.escape", 1, 46},
	{WHEN("\"\\*\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\x80\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\x4\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\u{}\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\u{110000}\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\u{d800}\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\u{0000041}\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"\\u41\" == \"\""), "policy.escape", 1, 45},
	{WHEN("\"a\rb\" == \"\""), "policy.escape", 1, 46},
	{WHEN("\"a\" like \"\\p*\""), "policy.escape", 1, 54},
	/* numbers */
	{WHEN("9223372036854775808 > 1"), "policy.integer_range", 1, 44},
	{WHEN("-(9223372036854775808) < 1"), "policy.integer_range", 1, 46},
	{WHEN("-9223372036854775809 < 1"), "policy.integer_range", 1, 45},
	{WHEN("99999999999999999999999999999999 > 1"), "policy.integer_range", 1, 44},
	{WHEN("1.5 > 1"), "policy.unexpected_token", 1, 46},
	{WHEN("0x10 > 1"), "policy.unexpected_token", 1, 45},
	/* the head of a policy */
	{"allow(principal, action, resource);", "policy.effect", 1, 1},
	{"(principal, action, resource);", "policy.unexpected_token", 1, 1},
	{ANY ";;", "policy.unexpected_token", 1, 37},
	{ANY, "policy.unexpected_end", 1, 36},
	{"permit", "policy.unexpected_end", 1, 7},
	{"@ permit(principal, action, resource);", "policy.unexpected_token", 1, 10},
	{"@a() permit(principal, action, resource);", "policy.unexpected_token", 1, 4},
	{"@a(1) permit(principal, action, resource);", "policy.unexpected_token", 1, 4},
	{"@a(\"1\") @b @a permit(principal, action, resource);", "policy.annotation_duplicate", 1, 13},
	/* the scope */
	{"permit();", "policy.scope_missing", 1, 8},
	{"permit(principal, action);", "policy.scope_missing", 1, 25},
	{"permit(action, principal, resource);", "policy.scope_variable", 1, 8},
	{"permit(principal, action, resource, context);", "policy.scope_extra", 1, 37},
	{"permit(principal action, resource);", "policy.unexpected_token", 1, 18},
	{"permit(principal: User, action, resource);", "policy.scope_operator", 1, 17},
	{"permit(principal != User::\"a\", action, resource);", "policy.scope_operator", 1, 18},
	{"permit(principal = User::\"a\", action, resource);", "policy.scope_operator", 1, 18},
	{"permit(principal == \"a\", action, resource);", "policy.scope_entity", 1, 21},
	{"permit(principal in [User::\"a\"], action, resource);", "policy.scope_entity", 1, 21},
	{"permit(principal == User, action, resource);", "policy.unexpected_token", 1, 25},
	{"permit(principal == User::a, action, resource);", "policy.unexpected_token", 1, 28},
	{"permit(principal is User == User::\"a\", action, resource);", "policy.scope_is", 1, 26},
	{"permit(principal in User::\"a\" is User, action, resource);", "policy.scope_is", 1, 31},
	{"permit(principal, action is Action, resource);", "policy.scope_is", 1, 26},
	{"permit(principal, action == User::\"a\", resource);", "policy.action_type", 1, 29},
	{"permit(principal, action in [Action::\"a\", Faction::\"b\"], resource);", "policy.action_type", 1, 43},
	{"permit(principal, action == ?action, resource);", "policy.scope_slot", 1, 29},
	{"permit(principal == ?resource, action, resource);", "policy.scope_slot", 1, 21},
	{"permit(principal == ?who, action, resource);", "policy.scope_slot", 1, 21},
	/* conditions */
	{ANY " when {};", "policy.condition_empty", 1, 43},
	{ANY " while { true };", "policy.condition_keyword", 1, 37},
	{ANY " when true;", "policy.unexpected_token", 1, 42},
	{ANY " when { true }", "policy.unexpected_end", 1, 50},
	{ANY " when { true", "policy.unexpected_end", 1, 48},
	{WHEN("?principal == principal"), "policy.slot_in_condition", 1, 44},
	/* expressions */
	{WHEN("1 < 2 < 3"), "policy.relation_chain", 1, 50},
	{WHEN("principal has a has b"), "policy.relation_chain", 1, 60},
	{WHEN("1 = 2"), "policy.single_equals", 1, 46},
	{WHEN("4 / 2 == 2"), "policy.division", 1, 46},
	{WHEN("4 % 2 == 0"), "policy.division", 1, 46},
	{WHEN("!!!!!true"), "policy.negations", 1, 44},
	{WHEN("!-1"), "policy.unexpected_token", 1, 45},
	{WHEN("true && if true then true else true"), "policy.reserved_word", 1, 52},
	{WHEN("if true then true"), "policy.unexpected_token", 1, 62},
	{WHEN("if true else true"), "policy.unexpected_token", 1, 52},
	{WHEN("user == principal"), "policy.unknown_variable", 1, 44},
	{WHEN("A::B == principal"), "policy.unknown_variable", 1, 44},
	{WHEN("User::{id: 1} == principal"), "policy.entity_record", 1, 50},
	{WHEN("now() > 1"), "policy.unknown_function", 1, 44},
	{WHEN("ip::v4(\"1\") == 1"), "policy.unknown_function", 1, 44},
	{WHEN("principal.isAdmin()"), "policy.unknown_method", 1, 54},
	{WHEN("isIpv4(ip(\"1.1.1.1\"))"), "policy.function_style", 1, 44},
	{WHEN("\"1.1.1.1\".ip() == 1"), "policy.method_style", 1, 54},
	{WHEN("[1].contains()"), "policy.arguments", 1, 44},
	{WHEN("ip() == 1"), "policy.arguments", 1, 44},
	{WHEN("decimal(\"1.0\", \"2.0\") == 1"), "policy.arguments", 1, 44},
	{WHEN("(principal)(1)"), "policy.call", 1, 55},
	{WHEN("principal[context.a] == 1"), "policy.index", 1, 54},
	{WHEN("principal[0] == 1"), "policy.index", 1, 54},
	{WHEN("\"a\" like context.pattern"), "policy.like_pattern", 1, 53},
	{WHEN("principal has (a)"), "policy.has_attribute", 1, 58},
	{WHEN("principal has a[\"b\"]"), "policy.unexpected_token", 1, 59},
	{WHEN("principal is \"User\""), "policy.is_type", 1, 57},
	{WHEN("{a: 1, a: 2} == 1"), "policy.record_duplicate", 1, 44},
	{WHEN("{a: 1, \"\\u{61}\": 2} == 1"), "policy.record_duplicate", 1, 44},
	{WHEN("{1: 2} == 1"), "policy.unexpected_token", 1, 45},
	{WHEN("[1,,2] == 1"), "policy.unexpected_token", 1, 47},
	{WHEN("[1 2] == 1"), "policy.unexpected_token", 1, 47},
	{WHEN("(true"), "policy.unexpected_token", 1, 50},
	{WHEN("\n\t\u00e9\n"), "policy.unexpected_character", 2, 2},
	{WHEN("\n\t\"\u00e9\" == foo"), "policy.unknown_variable", 2, 9},
	/* ids */
	{"@id(\"a\") " ANY ";\n@id(\"a\") " ANY ";", "policy.duplicate_id", 2, 10},
	{"@id(\"policy1\") " ANY ";\n" ANY ";", "policy.duplicate_id", 2, 1},
};

static void
each_malformed_policy_is_refused_by_name_and_place(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_texts); i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
		struct policy_set *set = nullptr;
		struct bytes text = bytes_of_text(bad_texts[i].text);
		if (policy_set_parse("bad.cedar", text, &set, &diagnostics) == OK) {
			policy_set_destroy(&set);
			fail_msg("%s: expected %s", bad_texts[i].text, bad_texts[i].name);
		}
		const struct policy_diagnostic *first = &diagnostics.items[0];
		assert_true(diagnostics.count > 0);
		if (strcmp(first->name, bad_texts[i].name) != 0 || first->line != bad_texts[i].line ||
		    first->column != bad_texts[i].column)
			fail_msg("%s: expected %s at %zu:%zu, found %s at %zu:%zu", bad_texts[i].text,
				 bad_texts[i].name, bad_texts[i].line, bad_texts[i].column, first->name, first->line,
				 first->column);
		assert_fails(STATUS_INVALID, bad_texts[i].name, policy_set_parse("bad.cedar", text, &set, nullptr));
	}
	print_message("%zu malformed policies\n", ARRAY_LENGTH(bad_texts));
}

static void
one_run_tells_of_every_broken_policy(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer printed = {};
	struct policy_set *set = nullptr;
	static const char text[] = "permit(principal when);\n"
				   "permit(principal, action, resource);\n"
				   "\tforbid(principal, action, resource) when { context.a = 1 };\n"
				   "permit(principal, action, resource) when { foo(\u00e9 };\n"
				   "forbid(principal, action, resource) unless { principal has };\n";
	static const char expected[] = "x.cedar:1:18: policy.unexpected_token: expected `,` or `)`, found `when`\n"
				       "     1 | permit(principal when);\n"
				       "       |                  ^^^^\n"
				       "x.cedar:3:55: policy.single_equals: expected `==`, found `=`\n"
				       "     3 |  forbid(principal, action, resource) when { context.a = 1 };\n"
				       "       |                                                       ^\n"
				       "x.cedar:4:44: policy.unknown_function: there is no function `foo`: expected "
				       "decimal, ip, datetime or duration\n"
				       "     4 | permit(principal, action, resource) when { foo(\u00e9 };\n"
				       "       |                                            ^^^\n"
				       "x.cedar:4:48: policy.unexpected_character: the character U+00E9 stands where "
				       "no character of Cedar does\n"
				       "     4 | permit(principal, action, resource) when { foo(\u00e9 };\n"
				       "       |                                                ^\n"
				       "x.cedar:5:60: policy.has_attribute: after has stands an attribute: a name, "
				       "names joined by dots, or a string\n"
				       "     5 | forbid(principal, action, resource) unless { principal has };\n"
				       "       |                                                            ^\n";
	assert_fails(STATUS_INVALID, "policy.unexpected_token",
		     policy_set_parse("x.cedar", bytes_of_text(text), &set, &diagnostics));
	policy_diagnostics_print(&diagnostics, &printed);
	assert_ok(buffer_status(&printed));
	if (printed.len != strlen(expected) || memcmp(printed.data, expected, printed.len) != 0)
		fail_msg("expected\n%s\nfound\n%.*s", expected, BYTES_ARGS(buffer_bytes(&printed)));
}

static void
findings_are_written_as_canonical_json(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer written = {};
	struct json_writer writer;
	struct policy_set *set = nullptr;
	assert_fails(STATUS_INVALID, "policy.unknown_variable",
		     policy_set_parse("x.cedar", bytes_of_text(WHEN("\nfoo")), &set, &diagnostics));
	json_writer_start(&writer, &written);
	policy_diagnostics_write(&diagnostics, &writer);
	assert_ok(json_writer_finish(&writer));
	assert_bytes(
		bytes_of_text(
			"[{\"column\":1,\"file\":\"x.cedar\",\"line\":2,\"message\":\"`foo` is no variable: expected "
			"principal, action, resource or context\",\"name\":\"policy.unknown_variable\"}]"),
		buffer_bytes(&written));
}

/* The excerpt must not do to a terminal what the text was meant to do to its reader. */
static void
an_excerpt_holds_no_control_characters(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	struct policy_set *set = nullptr;
	assert_fails(STATUS_INVALID, "policy.bidirectional_control",
		     policy_set_parse("x.cedar", bytes_of_text("// \u202e\x1b[2J\x7f \xc2\x85\n"), &set, &diagnostics));
	assert_string_equal(diagnostics.items[0].excerpt, "// \ufffd [2J   ");
}

static void
long_lines_are_shown_around_the_finding(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set = nullptr;
	for (size_t i = 0; i < 50; i++)
		buffer_append_text(&text, "/* */ // ");
	buffer_reset(&text);
	buffer_append_text(&text, ANY " when { [");
	for (size_t i = 0; i < 300; i++)
		buffer_append_format(&text, "%zu, ", i);
	buffer_append_text(&text, "foo] == 1 };");
	assert_fails(STATUS_INVALID, "policy.unknown_variable",
		     policy_set_parse("x.cedar", buffer_bytes(&text), &set, &diagnostics));
	const struct policy_diagnostic *item = &diagnostics.items[0];
	assert_true(strlen(item->excerpt) <= 100);
	assert_memory_equal(item->excerpt + item->excerpt_column - 1, "foo", 3);
}

static void
assert_too_deep(const char *before, const char *opening, const char *middle, const char *closing, const char *after,
		size_t deep) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set = nullptr;
	buffer_append_text(&text, before);
	for (size_t i = 0; i < deep; i++)
		buffer_append_text(&text, opening);
	buffer_append_text(&text, middle);
	for (size_t i = 0; i < deep; i++)
		buffer_append_text(&text, closing);
	buffer_append_text(&text, after);
	assert_ok(buffer_status(&text));
	assert_fails(STATUS_INVALID, "policy.depth",
		     policy_set_parse("deep.cedar", buffer_bytes(&text), &set, nullptr));
}

static void
nesting_is_bounded_by_name(void **) {
	static const size_t depths[] = {300, 100'000};
	for (size_t i = 0; i < ARRAY_LENGTH(depths); i++) {
		size_t deep = depths[i];
		assert_too_deep(ANY " when { ", "(", "true", ")", " };", deep);
		assert_too_deep(ANY " when { ", "[", "", "]", " };", deep);
		assert_too_deep(ANY " when { ", "{a:", "1", "}", " };", deep);
		assert_too_deep(ANY " when { context", ".a", "", "", " };", deep);
		assert_too_deep(ANY " when { context", "[\"a\"]", "", "", " };", deep);
		assert_too_deep(ANY " when { 1", " + 1", "", "", " == 1 };", deep);
		assert_too_deep(ANY " when { 1", " * 1", "", "", " == 1 };", deep);
		assert_too_deep(ANY " when { ", "if true then true else ", "true", "", " };", deep);
		assert_too_deep(ANY " when { ", "if ", "true", " then true else true", " };", deep);
		assert_too_deep(ANY " when { ", "ip(", "true", ")", " };", deep);
		assert_too_deep(ANY " when { principal", ".contains(1)", "", "", " };", deep);
		assert_too_deep(ANY " when { context has a", ".a", "", "", " };", deep);
		assert_too_deep("permit(principal == ", "(", "A::\"a\"", ")", ", action, resource);", deep);
	}
}

static void
long_chains_are_no_nesting(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	buffer_append_text(&text, ANY " when { true");
	for (size_t i = 0; i < 20'000; i++)
		buffer_append_text(&text, i % 2 == 0 ? " && true" : " && (false || true)");
	buffer_append_text(&text, " };");
	assert_ok(policy_set_parse("chain.cedar", buffer_bytes(&text), &set, nullptr));
}

static void
a_text_beyond_the_limit_is_refused(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set = nullptr;
	assert_true(buffer_reserve(&text, (16 << 20) + 1));
	memset(text.data, ' ', (16 << 20) + 1);
	text.len = (16 << 20) + 1;
	assert_fails(STATUS_INVALID, "policy.too_large",
		     policy_set_parse("big.cedar", buffer_bytes(&text), &set, nullptr));
	text.len--;
	assert_ok(policy_set_parse("big.cedar", buffer_bytes(&text), &set, nullptr));
	policy_set_destroy(&set);
	/* Findings without end must not take time without end. */
	memset(text.data, '#', text.len);
	assert_fails(STATUS_INVALID, "policy.unexpected_character",
		     policy_set_parse("big.cedar", buffer_bytes(&text), &set, nullptr));
	memset(text.data, ';', text.len);
	assert_fails(STATUS_INVALID, "policy.unexpected_token",
		     policy_set_parse("big.cedar", buffer_bytes(&text), &set, nullptr));
	memset(text.data, 0xff, text.len);
	text.data[0] = '"';
	assert_fails(STATUS_INVALID, "policy.utf8", policy_set_parse("big.cedar", buffer_bytes(&text), &set, nullptr));
}

static void
too_many_annotations_are_refused(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set = nullptr;
	for (size_t i = 0; i < 1025; i++)
		buffer_append_format(&text, "@a%zu ", i);
	buffer_append_text(&text, ANY ";");
	assert_fails(STATUS_INVALID, "policy.annotation_count",
		     policy_set_parse("x.cedar", buffer_bytes(&text), &set, nullptr));
}

/* The parsed form keeps what the formatter, the validator and the prover will ask for. */
static void
the_parsed_form_keeps_places_and_structure(void **) {
	_cleanup_(policy_set_destroy) struct policy_set *set =
		fixture_policies("\n@id(\"a\")\nforbid(principal, action in [Action::\"x\"], resource is T)\n"
				 "when { a::b::\"c\" == principal && context.x like \"a**\" };");
	const struct policy_ast *ast = set->entries[0].ast;
	assert_int_equal(ast->line, 2);
	assert_int_equal(ast->effect, POLICY_FORBID);
	assert_int_equal(ast->action.kind, SCOPE_IN);
	assert_true(ast->action.is_list);
	assert_int_equal(ast->resource.kind, SCOPE_IS);
	const struct expression *body = ast->conditions[0].body;
	assert_int_equal(body->kind, EXPRESSION_AND);
	assert_int_equal(body->operand_count, 2);
	const struct expression *equal = body->operands[0], *like = body->operands[1];
	assert_int_equal(equal->kind, EXPRESSION_EQUAL);
	assert_bytes(bytes_of_text("a::b::\"c\" == principal"),
		     bytes_of(ast->source->text.data + equal->place.offset, equal->place.length));
	assert_bytes(bytes_of_text("a::b"), equal->operands[0]->value.entity.type);
	assert_int_equal(like->name_count, 3);
	assert_bytes(bytes_of_text("a"), like->names[0]);
	assert_bytes(bytes_of_text(""), like->names[1]);
	assert_bytes(bytes_of_text(""), like->names[2]);
	struct policy_view view;
	struct bytes value;
	policy_set_view(set, 0, &view);
	assert_int_equal(view.line, 3);
	assert_int_equal(view.column, 1);
	assert_true(policy_view_annotation(&view, "id", &value));
	assert_bytes(bytes_of_text("a"), value);
	assert_false(policy_view_annotation(&view, "name", &value));
}

RUN_TESTS(T(every_production_of_the_grammar_is_read), T(each_malformed_policy_is_refused_by_name_and_place),
	  T(one_run_tells_of_every_broken_policy), T(findings_are_written_as_canonical_json),
	  T(an_excerpt_holds_no_control_characters), T(long_lines_are_shown_around_the_finding),
	  T(nesting_is_bounded_by_name), T(long_chains_are_no_nesting), T(a_text_beyond_the_limit_is_refused),
	  T(too_many_annotations_are_refused), T(the_parsed_form_keeps_places_and_structure))
