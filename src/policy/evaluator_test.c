#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"

static const char entities_json[] =
	"[{\"uid\":{\"type\":\"User\",\"id\":\"alice\"},\"attrs\":{\"age\":30,\"address\":{\"city\":\"Bern\"}},"
	"\"parents\":[{\"type\":\"Team\",\"id\":\"desk\"}],\"tags\":{\"clearance\":5}},"
	"{\"uid\":{\"type\":\"User\",\"id\":\"bob\"},\"attrs\":{},\"parents\":[{\"type\":\"Team\",\"id\":\"ghost\"}]},"
	"{\"uid\":{\"type\":\"Team\",\"id\":\"desk\"},\"attrs\":{},\"parents\":[{\"type\":\"Team\",\"id\":\"firm\"}]},"
	"{\"uid\":{\"type\":\"Team\",\"id\":\"firm\"},\"attrs\":{},\"parents\":[]},"
	"{\"uid\":{\"type\":\"Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"Action\",\"id\":\"all\"}]"
	"},"
	"{\"uid\":{\"type\":\"Doc\",\"id\":\"plan\"},\"attrs\":{\"owner\":{\"__entity\":{\"type\":\"User\",\"id\":"
	"\"alice\"}},"
	"\"readers\":{\"__entity\":{\"type\":\"Team\",\"id\":\"firm\"}},\"owners\":[{\"__entity\":{\"type\":\"User\","
	"\"id\":"
	"\"bob\"}},{\"__entity\":{\"type\":\"Team\",\"id\":\"desk\"}}]},\"parents\":[]}]";

static const char context_json[] = "{\"amount\":100,\"nested\":{\"deep\":{\"x\":7}},\"a key\":true,"
				   "\"names\":[\"ann\",\"bob\",\"cy\"],\"text\":\"1.5\"}";

/* Of sets in sets, as deep as they can stand here: what is not looked at once but twice in each takes for ever. */
#define IN_8(item) "[[[[[[[[" item "]]]]]]]]"
#define IN_64(item) IN_8(IN_8(IN_8(IN_8(IN_8(IN_8(IN_8(IN_8(item))))))))

/* What each gives: true, false, or the name of its error. Agreed, but for the names, with cedar-policy 4.13. */
static const struct {
	const char *expression, *result;
} expressions[] = {
	/* literals and equality */
	{"true", "true"},
	{"false", "false"},
	{"1 == 1", "true"},
	{"1 == 2", "false"},
	{"1 != 2", "true"},
	{"1 == \"1\"", "false"},
	{"\"a\" == \"a\"", "true"},
	{"\"a\" != \"b\"", "true"},
	{"[1, 2] == [2, 1, 1]", "true"},
	{"[1, 2] == [1]", "false"},
	{"[] == []", "true"},
	{"[] == {}", "false"},
	{"[[1, 2], [3]] == [[3], [2, 1]]", "true"},
	{IN_64("context.amount") " == " IN_64("context.amount"), "true"},
	{IN_64("context.amount") " == " IN_64("principal.age"), "false"},
	{"[" IN_64("context.amount") ", 1].contains(" IN_64("context.amount") ")", "true"},
	{"[context.amount, 1] == [1, context.amount, 1]", "true"},
	{"[context.amount, 1].containsAll([1, context.amount])", "true"},
	{"{} == {}", "true"},
	{"{a: 1, b: 2} == {\"b\": 2, \"a\": 1}", "true"},
	{"{a: 1} == {a: 2}", "false"},
	{"{a: 1} == {a: 1, b: 1}", "false"},
	{"User::\"alice\" == principal", "true"},
	{"User::\"alice\" == Admin::\"alice\"", "false"},
	{"User::\"alice\" != User::\"bob\"", "true"},
	{"context.nowhere == 1", "evaluate.attribute"},
	{"1 == context.nowhere", "evaluate.attribute"},
	/* order */
	{"1 < 2", "true"},
	{"2 < 1", "false"},
	{"2 <= 2", "true"},
	{"3 > 2", "true"},
	{"2 >= 3", "false"},
	{"-1 < 1", "true"},
	{"1 < \"2\"", "evaluate.type"},
	{"\"1\" < \"2\"", "evaluate.type"},
	{"true < false", "evaluate.type"},
	{"1 < datetime(\"2024-01-01\")", "evaluate.type"},
	{"datetime(\"2024-01-01\") < datetime(\"2024-01-02\")", "true"},
	{"datetime(\"2024-01-01T00:00:00Z\") >= datetime(\"2024-01-01\")", "true"},
	{"duration(\"1h\") > duration(\"59m\")", "true"},
	{"duration(\"1h\") < datetime(\"2024-01-01\")", "evaluate.type"},
	{"decimal(\"1.0\") < decimal(\"2.0\")", "evaluate.type"},
	{"ip(\"1.1.1.1\") < ip(\"1.1.1.2\")", "evaluate.type"},
	/* arithmetic */
	{"1 + 2 == 3", "true"},
	{"5 - 7 == -2", "true"},
	{"3 * 4 == 12", "true"},
	{"2 + 3 * 4 == 14", "true"},
	{"10 - 3 - 2 == 5", "true"},
	{"-(5) == -5", "true"},
	{"- -5 == 5", "true"},
	{"----5 == 5", "true"},
	{"9223372036854775807 + 1 == 0", "evaluate.overflow"},
	{"-9223372036854775808 - 1 == 0", "evaluate.overflow"},
	{"9223372036854775807 * 2 == 0", "evaluate.overflow"},
	{"-9223372036854775808 * -1 == 0", "evaluate.overflow"},
	{"--9223372036854775808 == 0", "evaluate.overflow"},
	{"-9223372036854775808 == -9223372036854775807 - 1", "true"},
	{"1 + true == 2", "evaluate.type"},
	{"\"a\" + \"b\" == \"ab\"", "evaluate.type"},
	{"-true", "evaluate.type"},
	{"-\"a\" == 1", "evaluate.type"},
	/* logic */
	{"true && true", "true"},
	{"true && false", "false"},
	{"false && 1", "false"},
	{"true && 1", "evaluate.type"},
	{"1 && true", "evaluate.type"},
	{"false || true", "true"},
	{"false || false", "false"},
	{"true || 1", "true"},
	{"false || 1", "evaluate.type"},
	{"1 || true", "evaluate.type"},
	{"!true", "false"},
	{"!false", "true"},
	{"!!true", "true"},
	{"!1", "evaluate.type"},
	{"true && true && false", "false"},
	{"false || false || true", "true"},
	{"(9223372036854775807 + 1 == 0) || true", "evaluate.overflow"},
	{"false && (9223372036854775807 + 1 == 0)", "false"},
	{"if true then true else 1", "true"},
	{"if false then 1 else true", "true"},
	{"if 1 then true else false", "evaluate.type"},
	{"if true then 1 else true", "evaluate.type"},
	{"(if principal.age > 18 then \"adult\" else \"child\") == \"adult\"", "true"},
	/* attributes */
	{"principal.age == 30", "true"},
	{"principal[\"age\"] == 30", "true"},
	{"principal.address.city == \"Bern\"", "true"},
	{"principal.missing == 1", "evaluate.attribute"},
	{"principal.address.street == \"x\"", "evaluate.attribute"},
	{"principal.age.foo == 1", "evaluate.type"},
	{"resource.owner.age == 30", "true"},
	{"resource.owner.address.city == \"Bern\"", "true"},
	{"User::\"alice\".age == 30", "true"},
	{"User::\"nobody\".age == 30", "evaluate.entity"},
	{"Team::\"desk\".name == 1", "evaluate.attribute"},
	{"context.amount == 100", "true"},
	{"context.nested.deep.x == 7", "true"},
	{"context.nested.deep.y == 7", "evaluate.attribute"},
	{"context[\"a key\"] == true", "true"},
	{"{a: {b: 1}}.a.b == 1", "true"},
	{"{a: 1}.b == 1", "evaluate.attribute"},
	{"1.foo == 1", "evaluate.type"},
	{"\"a\".foo == 1", "evaluate.type"},
	{"[1].foo == 1", "evaluate.type"},
	/* has */
	{"principal has age", "true"},
	{"principal has missing", "false"},
	{"principal has address.city", "true"},
	{"principal has address.street", "false"},
	{"principal has address.city.x", "evaluate.type"},
	{"principal has missing.city", "false"},
	{"principal has \"age\"", "true"},
	{"principal has \"a key\"", "false"},
	{"context has \"a key\"", "true"},
	{"context has nested.deep.x", "true"},
	{"context has nested.deep.y", "false"},
	{"context has nested.deep.x.z", "evaluate.type"},
	{"context has amount.x", "evaluate.type"},
	{"context.nowhere has x", "evaluate.attribute"},
	{"resource has owner.age", "true"},
	{"resource has owner.address.city", "true"},
	{"User::\"nobody\" has age", "false"},
	{"User::\"nobody\" has age.b", "false"},
	{"{a: {b: 1}} has a.b", "true"},
	{"{a: {b: 1}} has a.c", "false"},
	{"{a: {b: 1}} has a.b.c", "evaluate.type"},
	{"1 has a", "evaluate.type"},
	{"\"a\" has a", "evaluate.type"},
	{"[1] has a", "evaluate.type"},
	{"(if true then principal else resource) has address.city", "true"},
	/* like */
	{"\"abc\" like \"abc\"", "true"},
	{"\"abc\" like \"a*\"", "true"},
	{"\"abc\" like \"*c\"", "true"},
	{"\"abc\" like \"*b*\"", "true"},
	{"\"abc\" like \"a*c\"", "true"},
	{"\"abc\" like \"b*\"", "false"},
	{"\"abc\" like \"*\"", "true"},
	{"\"\" like \"*\"", "true"},
	{"\"\" like \"\"", "true"},
	{"\"abc\" like \"\"", "false"},
	{"\"a*c\" like \"a\\*c\"", "true"},
	{"\"abc\" like \"a\\*c\"", "false"},
	{"\"aXbXc\" like \"a*b*c\"", "true"},
	{"\"abab\" like \"*ab\"", "true"},
	{"\"aab\" like \"a*ab\"", "true"},
	{"\"ab\" like \"ab*ab\"", "false"},
	{"\"aaa\" like \"aa*aa\"", "false"},
	{"\"aaaa\" like \"aa*aa\"", "true"},
	{"\"mississippi\" like \"*iss*ppi\"", "true"},
	{"\"mississippi\" like \"m*iss*iss*iss*\"", "false"},
	{"\"☃ snow\" like \"☃*\"", "true"},
	{"\"a\\nb\" like \"a*b\"", "true"},
	{"\"**\" like \"\\*\\*\"", "true"},
	{"1 like \"1\"", "evaluate.type"},
	{"principal like \"User\"", "evaluate.type"},
	/* is */
	{"principal is User", "true"},
	{"principal is Admin", "false"},
	{"resource is Doc", "true"},
	{"principal is User in Team::\"desk\"", "true"},
	{"principal is User in Team::\"firm\"", "true"},
	{"principal is User in Team::\"other\"", "false"},
	{"principal is Admin in Team::\"desk\"", "false"},
	{"principal is Admin in 1", "false"},
	{"principal is User in 1", "evaluate.type"},
	{"User::\"nobody\" is User", "true"},
	{"1 is User", "evaluate.type"},
	{"\"User\" is User", "evaluate.type"},
	{"principal is A::User", "false"},
	/* in */
	{"principal in principal", "true"},
	{"principal in Team::\"desk\"", "true"},
	{"principal in Team::\"firm\"", "true"},
	{"principal in Team::\"other\"", "false"},
	{"Team::\"firm\" in principal", "false"},
	{"principal in [Team::\"other\", Team::\"firm\"]", "true"},
	{"principal in [Team::\"other\"]", "false"},
	{"principal in []", "false"},
	{"principal in [principal]", "true"},
	{"principal in [Team::\"firm\", 1]", "evaluate.type"},
	{"principal in [1, Team::\"firm\"]", "evaluate.type"},
	{"User::\"nobody\" in User::\"nobody\"", "true"},
	{"User::\"nobody\" in Team::\"desk\"", "false"},
	{"User::\"bob\" in Team::\"ghost\"", "true"},
	{"User::\"nobody\" in [User::\"nobody\", Team::\"desk\"]", "true"},
	{"1 in Team::\"desk\"", "evaluate.type"},
	{"principal in 1", "evaluate.type"},
	{"principal in {}", "evaluate.type"},
	{"\"a\" in [\"a\"]", "evaluate.type"},
	{"action in Action::\"all\"", "true"},
	{"action in Action::\"view\"", "true"},
	{"resource.owner in Team::\"firm\"", "true"},
	{"principal in resource.readers", "true"},
	{"principal in resource.owners", "true"},
	/* sets */
	{"[1, 2].contains(1)", "true"},
	{"[1, 2].contains(3)", "false"},
	{"[].contains(1)", "false"},
	{"[1, \"a\"].contains(\"a\")", "true"},
	{"[[1]].contains([1, 1])", "true"},
	{"[{a: 1}].contains({a: 1})", "true"},
	{"1.contains(1)", "evaluate.type"},
	{"principal.contains(1)", "evaluate.type"},
	{"context.names.contains(\"bob\")", "true"},
	{"context.names.contains(\"zoe\")", "false"},
	{"context.names.containsAll([\"bob\", \"ann\"])", "true"},
	{"context.names.containsAll([\"bob\", \"zoe\"])", "false"},
	{"context.names.containsAll([])", "true"},
	{"[].containsAll([1])", "false"},
	{"[1].containsAll(1)", "evaluate.type"},
	{"1.containsAll([1])", "evaluate.type"},
	{"[1, 2, 3].containsAny([3, 4])", "true"},
	{"[1, 2, 3].containsAny([4])", "false"},
	{"[1].containsAny([])", "false"},
	{"[].containsAny([1])", "false"},
	{"[1].containsAny(1)", "evaluate.type"},
	{"[].isEmpty()", "true"},
	{"[1].isEmpty()", "false"},
	{"context.names.isEmpty()", "false"},
	{"\"\".isEmpty()", "evaluate.type"},
	{"[principal, resource].contains(principal)", "true"},
	{"[context.amount, 5].contains(100)", "true"},
	{"[1, context.nowhere].contains(1)", "evaluate.attribute"},
	{"[1,2,3,4,5,6,7,8,9,10].contains(10)", "true"},
	{"[1,2,3,4,5,6,7,8,9,10].contains(11)", "false"},
	{"[10,9,8,7,6,5,4,3,2,1].containsAll([1, 5, 10])", "true"},
	/* tags */
	{"principal.hasTag(\"clearance\")", "true"},
	{"principal.hasTag(\"none\")", "false"},
	{"principal.getTag(\"clearance\") == 5", "true"},
	{"principal.getTag(\"none\") == 5", "evaluate.tag"},
	{"User::\"nobody\".hasTag(\"x\")", "false"},
	{"User::\"nobody\".getTag(\"x\") == 1", "evaluate.entity"},
	{"User::\"bob\".hasTag(\"x\")", "false"},
	{"User::\"bob\".getTag(\"x\") == 1", "evaluate.tag"},
	{"1.hasTag(\"x\")", "evaluate.type"},
	{"principal.hasTag(1)", "evaluate.type"},
	{"principal.getTag(1) == 1", "evaluate.type"},
	{"{a: 1}.hasTag(\"a\")", "evaluate.type"},
	/* decimal */
	{"decimal(\"1.23\") == decimal(\"1.2300\")", "true"},
	{"decimal(\"1.0\").lessThan(decimal(\"2.0\"))", "true"},
	{"decimal(\"2.0\").lessThan(decimal(\"2.0\"))", "false"},
	{"decimal(\"2.0\").lessThanOrEqual(decimal(\"2.0\"))", "true"},
	{"decimal(\"-0.5\").greaterThan(decimal(\"-0.6\"))", "true"},
	{"decimal(\"0.1\").greaterThanOrEqual(decimal(\"0.2\"))", "false"},
	{"decimal(\"1\") == decimal(\"1.0\")", "evaluate.extension"},
	{"decimal(\"1.00000\") == decimal(\"1.0\")", "evaluate.extension"},
	{"decimal(\"922337203685477.5808\") == decimal(\"1.0\")", "evaluate.extension"},
	{"decimal(1) == decimal(\"1.0\")", "evaluate.type"},
	{"decimal(\"1.0\").lessThan(1)", "evaluate.type"},
	{"1.lessThan(2)", "evaluate.type"},
	{"decimal(context.text) == decimal(\"1.5\")", "true"},
	/* ip */
	{"ip(\"127.0.0.1\").isIpv4()", "true"},
	{"ip(\"::1\").isIpv4()", "false"},
	{"ip(\"::1\").isIpv6()", "true"},
	{"ip(\"10.0.0.1\").isIpv6()", "false"},
	{"ip(\"127.0.0.1\").isLoopback()", "true"},
	{"ip(\"127.255.0.1/8\").isLoopback()", "true"},
	{"ip(\"127.0.0.1/4\").isLoopback()", "false"},
	{"ip(\"::1\").isLoopback()", "true"},
	{"ip(\"::2\").isLoopback()", "false"},
	{"ip(\"::1/127\").isLoopback()", "false"},
	{"ip(\"224.0.0.1\").isMulticast()", "true"},
	{"ip(\"239.255.255.255\").isMulticast()", "true"},
	{"ip(\"240.0.0.0\").isMulticast()", "false"},
	{"ip(\"224.0.0.0/3\").isMulticast()", "false"},
	{"ip(\"ff00::1\").isMulticast()", "true"},
	{"ip(\"fe80::1\").isMulticast()", "false"},
	{"ip(\"10.1.2.3\").isInRange(ip(\"10.0.0.0/8\"))", "true"},
	{"ip(\"11.1.2.3\").isInRange(ip(\"10.0.0.0/8\"))", "false"},
	{"ip(\"10.0.0.0/8\").isInRange(ip(\"10.0.0.0/16\"))", "false"},
	{"ip(\"10.0.0.0/16\").isInRange(ip(\"10.0.0.0/8\"))", "true"},
	{"ip(\"10.1.0.0/16\").isInRange(ip(\"10.0.0.0/16\"))", "false"},
	{"ip(\"10.0.0.9\").isInRange(ip(\"10.0.0.8/31\"))", "true"},
	{"ip(\"10.0.0.10\").isInRange(ip(\"10.0.0.8/31\"))", "false"},
	{"ip(\"1.2.3.4\").isInRange(ip(\"0.0.0.0/0\"))", "true"},
	{"ip(\"::1\").isInRange(ip(\"0.0.0.0/0\"))", "false"},
	{"ip(\"2001:db8::5\").isInRange(ip(\"2001:db8::/32\"))", "true"},
	{"ip(\"2001:db9::5\").isInRange(ip(\"2001:db8::/32\"))", "false"},
	{"ip(\"10.0.0.1\") == ip(\"10.0.0.1/32\")", "true"},
	{"ip(\"10.0.0.1/8\") == ip(\"10.0.0.0/8\")", "false"},
	{"ip(\"999.0.0.1\").isIpv4()", "evaluate.extension"},
	{"ip(\"::ffff:1.2.3.4\").isIpv6()", "evaluate.extension"},
	{"ip(1).isIpv4()", "evaluate.type"},
	{"\"10.0.0.1\".isIpv4()", "evaluate.type"},
	{"ip(\"10.0.0.1\").isInRange(\"10.0.0.0/8\")", "evaluate.type"},
	/* datetime */
	{"datetime(\"2024-01-01\") == datetime(\"2024-01-01T00:00:00Z\")", "true"},
	{"datetime(\"2024-01-01T01:00:00+0100\") == datetime(\"2024-01-01\")", "true"},
	{"datetime(\"2024-01-01\").offset(duration(\"1d\")) == datetime(\"2024-01-02\")", "true"},
	{"datetime(\"2024-01-01\").offset(duration(\"-1ms\")) == datetime(\"2023-12-31T23:59:59.999Z\")", "true"},
	{"datetime(\"2024-01-02\").durationSince(datetime(\"2024-01-01\")) == duration(\"1d\")", "true"},
	{"datetime(\"2024-01-02T15:04:05Z\").toDate() == datetime(\"2024-01-02\")", "true"},
	{"datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", "true"},
	{"datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", "true"},
	{"datetime(\"2024-01-02T15:04:05Z\").toTime() == duration(\"15h4m5s\")", "true"},
	{"datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\")).offset(duration(\"1ms\")) == "
	 "datetime(\"1970-01-01\")",
	 "evaluate.overflow"},
	{"datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toDate() == datetime(\"1970-01-01\")",
	 "evaluate.overflow"},
	{"datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toTime() == "
	 "duration(\"16h47m4s192ms\")",
	 "true"},
	{"datetime(\"1970-01-02\").offset(duration(\"9223372036854775807ms\")) == datetime(\"1970-01-01\")",
	 "evaluate.overflow"},
	{"datetime(\"1969-12-31\").durationSince(datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\"))) "
	 "== duration(\"0ms\")",
	 "evaluate.overflow"},
	{"datetime(\"2024-02-30\") == datetime(\"2024-01-01\")", "evaluate.extension"},
	{"datetime(5) == datetime(\"2024-01-01\")", "evaluate.type"},
	{"datetime(\"2024-01-01\").offset(1) == datetime(\"2024-01-01\")", "evaluate.type"},
	{"datetime(\"2024-01-01\").durationSince(duration(\"1d\")) == duration(\"1d\")", "evaluate.type"},
	/* duration */
	{"duration(\"1d2h3m4s5ms\").toMilliseconds() == 93784005", "true"},
	{"duration(\"1d2h3m4s5ms\").toSeconds() == 93784", "true"},
	{"duration(\"1d2h3m4s5ms\").toMinutes() == 1563", "true"},
	{"duration(\"1d2h3m4s5ms\").toHours() == 26", "true"},
	{"duration(\"1d2h3m4s5ms\").toDays() == 1", "true"},
	{"duration(\"-90s\").toMinutes() == -1", "true"},
	{"duration(\"-1ms\").toSeconds() == 0", "true"},
	{"duration(\"60m\") == duration(\"1h\")", "true"},
	{"duration(\"1h1d\") == duration(\"1d\")", "evaluate.extension"},
	{"duration(\"x\") == duration(\"1d\")", "evaluate.extension"},
	{"duration(\"9223372036854775808ms\") == duration(\"1d\")", "evaluate.extension"},
	{"1.toDays() == 1", "evaluate.type"},
	/* strings */
	{"\"\\n\\t\\r\\\\\\0\\\"\\'\" == \"\\u{a}\\u{9}\\u{d}\\u{5c}\\u{0}\\u{22}\\u{27}\"", "true"},
	{"\"\\x41\" == \"A\"", "true"},
	{"\"\\u{1F600}\" == \"😀\"", "true"},
	{"\"é\" == \"\\u{e9}\"", "true"},
	{"\"e\\u{301}\" == \"é\"", "false"},
};

static const char *
evaluate_text(const char *expression, const struct policy_entities *entities, struct arena *arena) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	char text[4096];
	snprintf(text, sizeof text, "permit(principal, action, resource) when { %s };", expression);
	set = fixture_policies(text);
	struct value context = fixture_record(arena, context_json);
	struct policy_request request = {
		.principal = fixture_uid("User", "alice"),
		.action = fixture_uid("Action", "view"),
		.resource = fixture_uid("Doc", "plan"),
		.context = &context,
	};
	struct policy_result result;
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){}, arena, &result));
	if (result.error_count > 0) {
		assert_int_equal(result.decision, POLICY_DENY);
		assert_true(strlen(result.errors[0].message) > 0);
		return result.errors[0].name;
	}
	return result.decision == POLICY_ALLOW ? "true" : "false";
}

static void
every_operator_gives_what_the_language_says(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities(entities_json);
	for (size_t i = 0; i < ARRAY_LENGTH(expressions); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const char *result = evaluate_text(expressions[i].expression, entities, &arena);
		if (strcmp(result, expressions[i].result) != 0)
			fail_msg("%s: expected %s, found %s", expressions[i].expression, expressions[i].result, result);
	}
}

/* The same expressions behind an if, whose value is a variable's or an attribute's: nothing is folded, no path is numbered. */
static void
what_is_constant_gives_the_same_when_it_is_computed(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities(entities_json);
	static const struct {
		const char *expression, *result;
	} cases[] = {
		{"[1, if context has amount then 2 else 3].contains(2)", "true"},
		{"[1, 2, if context has amount then 2 else 3] == [2, 1]", "true"},
		{"{a: if context has amount then 2 else 3} == {a: 2}", "true"},
		{"(if context has amount then principal else resource).address.city == \"Bern\"", "true"},
		{"(if context has amount then principal else resource) has address.city", "true"},
		{"(if context has amount then principal else resource) has missing.city", "false"},
		{"(if context has amount then principal else resource) has age.city", "evaluate.type"},
		{"ip(if context has amount then \"::1\" else \"::2\").isLoopback()", "true"},
		{"decimal(if context has amount then \"x\" else \"1.0\") == decimal(\"1.0\")", "evaluate.extension"},
		{"(if context has amount then principal else resource) in Team::\"firm\"", "true"},
		{"(if context has amount then principal else resource) is User in Team::\"firm\"", "true"},
		{"[[principal]] == [[principal, User::\"alice\"]]", "true"},
		{"[[principal], [resource]].containsAll([[resource]])", "true"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		assert_string_equal(evaluate_text(cases[i].expression, entities, &arena), cases[i].result);
	}
}

/* More attribute paths than are numbered. */
static void
a_set_with_many_paths_evaluates_them_all(void **) {
	_cleanup_(buffer_free) struct buffer policies = {}, json_text = {};
	_cleanup_(arena_free) struct arena arena = {};
	constexpr size_t COUNT = 600;
	buffer_append_text(&json_text, "{");
	for (size_t i = 0; i < COUNT; i++) {
		buffer_append_format(&json_text, "%s\"a%zu\":{\"b\":%zu}", i == 0 ? "" : ",", i, i);
		buffer_append_format(
			&policies,
			"permit(principal, action, resource) when { context has a%zu.b && context.a%zu.b == %zu };\n",
			i, i, i);
	}
	buffer_append_text(&json_text, "}");
	buffer_append_byte(&json_text, 0);
	buffer_append_byte(&policies, 0);
	_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies((const char *)policies.data);
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities("[]");
	struct value context = fixture_record(&arena, (const char *)json_text.data);
	struct policy_request request = {
		.principal = fixture_uid("A", ""),
		.action = fixture_uid("Action", ""),
		.resource = fixture_uid("A", ""),
		.context = &context,
	};
	struct policy_result result;
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){}, &arena, &result));
	assert_int_equal(result.reason_count, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(result.reasons[i], i);
}

/* Nested has, is-in and like must not take time or stack that grows beyond their length. */
static void
deep_nesting_is_evaluated_in_linear_time(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities(entities_json);
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer has = {}, is = {};
	constexpr size_t DEEP = 60;
	for (size_t i = 0; i < DEEP; i++) {
		buffer_append_text(&has, "(if (");
		buffer_append_text(&is, "(if (");
	}
	buffer_append_text(&has, "principal");
	buffer_append_text(&is, "principal");
	for (size_t i = 0; i < DEEP; i++) {
		buffer_append_text(&has, ") has address.city then principal else resource)");
		buffer_append_text(&is, ") is User in Team::\"firm\" then principal else resource)");
	}
	buffer_append_text(&has, " == principal");
	buffer_append_text(&is, " == principal");
	buffer_append_byte(&has, 0);
	buffer_append_byte(&is, 0);
	assert_string_equal(evaluate_text((const char *)has.data, entities, &arena), "true");
	assert_string_equal(evaluate_text((const char *)is.data, entities, &arena), "true");
}

static void
scratch_memory_that_runs_out_is_no_decision(void **) {
	_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies(
		"permit(principal, action, resource) when { [principal, resource].contains(principal) };");
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities("[]");
	struct policy_request request = {fixture_uid("A", "a"), fixture_uid("Action", "b"), fixture_uid("A", "c"),
					 nullptr};
	size_t allowed = 0, failed = 0;
	for (size_t limit = 1; limit < 1000; limit += 16) {
		_cleanup_(arena_free) struct arena arena = {.limit = limit};
		struct policy_result result = {.decision = POLICY_ALLOW};
		enum status status = policy_decide(set, entities, &request, (struct policy_options){}, &arena, &result);
		if (status == OK) {
			allowed += result.decision == POLICY_ALLOW;
		} else {
			assert_int_equal(status, STATUS_NO_MEMORY);
			assert_int_equal(result.decision, POLICY_DENY);
			failed++;
		}
	}
	assert_true(allowed > 0 && failed > 3);
}

RUN_TESTS(T(every_operator_gives_what_the_language_says), T(what_is_constant_gives_the_same_when_it_is_computed),
	  T(a_set_with_many_paths_evaluates_them_all), T(deep_nesting_is_evaluated_in_linear_time),
	  T(scratch_memory_that_runs_out_is_no_decision))
