#include "tests/test.h"

#include <string.h>

#include "policy/fixture.h"
#include "policy/format.h"

static void
assert_formatted(const char *text, const char *expected) {
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	assert_ok(policy_format("test.cedar", bytes_of_text(text), &first, nullptr));
	if (!bytes_equal_text(buffer_bytes(&first), expected))
		fail_msg("expected\n%s\nfound\n%.*s", expected, BYTES_ARGS(buffer_bytes(&first)));
	assert_ok(policy_format("test.cedar", buffer_bytes(&first), &second, nullptr));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
}

static void
what_fits_stays_on_one_line(void **) {
	assert_formatted("", "");
	assert_formatted("permit(principal,action,resource);", "permit (principal, action, resource);\n");
	assert_formatted("@id( \"a\" )@b permit\n(\nprincipal==A::\"a\",action "
			 "in[Action::\"a\",Action::\"b\",],resource is N :: T in B"
			 "::\"b\",)when{principal . a[\"b c\"]==-1&&!(context has a.b||- -2<3)};",
			 "@id(\"a\")\n"
			 "@b\n"
			 "permit (\n"
			 "  principal == A::\"a\",\n"
			 "  action in [Action::\"a\", Action::\"b\",],\n"
			 "  resource is N::T in B::\"b\",\n"
			 ")\n"
			 "when { principal.a[\"b c\"] == -1 && !(context has a.b || --2 < 3) };\n");
	assert_formatted(
		"permit(principal,action,resource)when{{a:1,\"b\":[ ]}.a-1==ip(\"::1\").x*-2}unless{[1].contains(1)};",
		"permit (principal, action, resource)\n"
		"when { {a: 1, \"b\": []}.a - 1 == ip(\"::1\").x * -2 }\n"
		"unless { [1].contains(1) };\n");
}

static void
what_does_not_fit_is_broken_at_its_weakest_joints(void **) {
	assert_formatted("forbid(principal,action,resource)when{context.transfer has "
			 "usd_cents&&context.transfer.usd_cents>1000000&&"
			 "context.approvals.treasury<2||context.frozen};",
			 "forbid (principal, action, resource)\n"
			 "when {\n"
			 "  context.transfer has usd_cents &&\n"
			 "  context.transfer.usd_cents > 1000000 &&\n"
			 "  context.approvals.treasury < 2 ||\n"
			 "  context.frozen\n"
			 "};\n");
	assert_formatted("permit(principal,action,resource)when{if context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa==1 "
			 "then context.b else "
			 "if context.c then true else "
			 "[\"aaaaaaaaaaaaaaaaaaaaaaaaa\",\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"cccccccccccccc\"]"
			 ".contains(context.d)};",
			 "permit (principal, action, resource)\n"
			 "when {\n"
			 "  if context.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa == 1\n"
			 "  then context.b\n"
			 "  else if context.c\n"
			 "  then true\n"
			 "  else [\n"
			 "    \"aaaaaaaaaaaaaaaaaaaaaaaaa\",\n"
			 "    \"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\n"
			 "    \"cccccccccccccc\"\n"
			 "  ].contains(context.d)\n"
			 "};\n");
}

static void
comments_stay_where_they_are(void **) {
	assert_formatted(
		"// head  \n\n\n// about it\n@id(\"a\")\npermit(principal,action,resource);\n"
		"@id(\"x\")// of the annotation\n"
		"forbid ( // the scope\n  principal is User in // which group\n  Group::\"g\", // principal\n"
		"action in [Action::\"a\", // first\nAction::\"b\"], resource) // end of the scope\n"
		"// before when\nwhen { // opening\n// first\ncontext.a && // and\n// second\n!(context.b) // last\n"
		"// closing\n} // behind\nunless { false }; // tail\n// the end\n\n// really",
		"// head\n"
		"\n"
		"// about it\n"
		"@id(\"a\")\n"
		"permit (principal, action, resource);\n"
		"\n"
		"@id(\"x\") // of the annotation\n"
		"forbid ( // the scope\n"
		"  principal is User in // which group\n"
		"  Group::\"g\", // principal\n"
		"  action in [\n"
		"    Action::\"a\", // first\n"
		"    Action::\"b\"\n"
		"  ],\n"
		"  resource\n"
		") // end of the scope\n"
		"// before when\n"
		"when { // opening\n"
		"  // first\n"
		"  context.a && // and\n"
		"  // second\n"
		"  !(context.b) // last\n"
		"  // closing\n"
		"} // behind\n"
		"unless { false }; // tail\n"
		"\n"
		"// the end\n"
		"\n"
		"// really\n");
}

static void
what_does_not_parse_is_not_formatted(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	assert_fails(STATUS_INVALID, "policy.unexpected_end",
		     policy_format("test.cedar", bytes_of_text("permit(principal"), &text, nullptr));
	assert_int_equal(text.len, 0);
}

RUN_TESTS(T(what_fits_stays_on_one_line), T(what_does_not_fit_is_broken_at_its_weakest_joints),
	  T(comments_stay_where_they_are), T(what_does_not_parse_is_not_formatted))
