#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "policy/fixture.h"
#include "policy/monotone.h"
#include "policy/validator.h"

static const struct monotone_fact facts[] = {
	{"approvals.total", MONOTONE_COUNT},
	{"approvals.group", MONOTONE_COUNTS},
	{"approvals.rejections", MONOTONE_OBJECTION},
	{"zone.mismatch", MONOTONE_FLAG},
	{"zone.seen", MONOTONE_REPORT},
};

static const char schema_text[] =
	"entity User = { level: Long }; entity Key;\n"
	"type Context = {\n"
	"  approvals: { group: { a: Long }, rejections: Long, total: Long },\n"
	"  zone: { mismatch: Bool, seen?: String }, n: Long, flag: Bool, by: User };\n"
	"action move_funds, people;\n"
	"action sign in [move_funds] appliesTo { principal: [User], resource: [Key], context: Context };\n"
	"action invite in [people] appliesTo { principal: [User], resource: [Key], context: Context };\n";

struct fixture {
	struct policy_schema *schema;
	struct entity_uid guarded;
	struct monotone_rules rules;
};

static void
start(struct fixture *fixture) {
	assert_ok(policy_schema_parse("test.cedarschema", bytes_of_text(schema_text), SCHEMA_CEDAR, &fixture->schema,
				      nullptr));
	fixture->guarded = fixture_uid("Action", "move_funds");
	fixture->rules = (struct monotone_rules){facts, sizeof facts / sizeof *facts, &fixture->guarded, 1};
}

static void
free_fixture(struct fixture *fixture) {
	policy_schema_destroy(&fixture->schema);
}

/* A whole policy, or the body of a permit's `when`. */
static struct policy_set *
set_of(const char *text) {
	char policy[1024];
	bool is_policy = strncmp(text, "permit", 6) == 0 || strncmp(text, "forbid", 6) == 0;
	snprintf(policy, sizeof policy, "%s%s%s", is_policy ? "" : "permit(principal, action, resource) when {\n", text,
		 is_policy ? "" : "};");
	return fixture_policies(policy);
}

static void
positions_in_which_more_can_only_help_are_accepted(void **) {
	static const char *const accepted[] = {
		"context.approvals.total >= 2",
		"context.approvals.group.a > 0 && context.approvals.total >= 3",
		"2 <= context.approvals.total || context.flag",
		"!(context.approvals.total < 2)",
		"context.approvals.total >= (if context.n > 5 then 3 else 1)",
		"if context.n > 5 then context.approvals.total >= 2 else context.flag",
		"context.approvals.rejections < 1",
		"context.approvals has group && context.approvals.group has a",
		"context.flag && context.n + 1 > 2 && context.approvals.total >= 2",
		/* Clauses of a permit: failing is as good as false. */
		"context.approvals.total >= 2 && context.n + 1 > 2",
		"permit(principal, action, resource) unless { context.approvals.total < 2 || principal.level > 3 };",
		"context.approvals.total >= 2 || context.n + 1 > 2",
		"forbid(principal, action, resource) when { context.flag } unless { context.approvals.total >= 3 };",
		"forbid(principal, action, resource) when { context.approvals.total < 3 && context.n + 1 > 2 };",
		/* Reported facts that narrow. */
		"!context.zone.mismatch",
		"permit(principal, action, resource) unless { context.zone.mismatch };",
		"forbid(principal, action, resource) when { context.zone.mismatch };",
		"forbid(principal, action, resource) when { context.zone has seen && context.zone.seen == \"tor\" };",
		("forbid(principal, action, resource) when { context.zone has seen && context.zone.seen != \"office\" "
		 "};"),
		/* Where nothing is guarded a report may count. */
		"permit(principal, action == Action::\"invite\", resource) when { context.zone.mismatch };",
		"permit(principal, action in Action::\"people\", resource) when { context.zone has seen };",
	};
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture);
	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = set_of(accepted[i]);
		if (policy_validate(set, fixture.schema, (struct policy_validator_options){}, nullptr, nullptr) != OK ||
		    monotone_check(set, fixture.schema, &fixture.rules, nullptr) != OK)
			fail_msg("%s: %s", accepted[i], fail_message());
	}
}

static void
positions_in_which_more_could_hurt_are_refused_where_they_stand(void **) {
	static const struct {
		const char *text, *message;
	} refused[] = {
		{"context.approvals.total < 2", "monotone.approvals: test.cedar:2:1"},
		{"context.flag && context.approvals.total <= 2", "monotone.approvals: test.cedar:2:17"},
		{"2 >= context.approvals.group.a", "monotone.approvals: test.cedar:2:1"},
		{"!(context.approvals.total >= 2)", "monotone.approvals: test.cedar:2:3"},
		{"context.approvals.total == 2", "monotone.approvals: test.cedar:2:1"},
		{"context.approvals.total != 0", "monotone.approvals: test.cedar:2:1"},
		{"context.approvals.total + 1 >= 2", "monotone.approvals: test.cedar:2:1"},
		{"context.approvals.total >= context.approvals.group.a", "monotone.approvals: test.cedar:2:1"},
		{"[1, 2].contains(context.approvals.total)", "monotone.approvals: test.cedar:2:1"},
		{"(context.approvals.total >= 2) == context.flag", "monotone.approvals: test.cedar:2:1"},
		{"if context.approvals.total >= 2 then true else context.flag", "monotone.approvals: test.cedar:2:4"},
		{"context.approvals.rejections >= 1", "monotone.approvals: test.cedar:2:1"},
		{"context.approvals == {group: {a: 1}, rejections: 0, total: 2}", "monotone.approvals: test.cedar:2:1"},
		{"context.approvals.group == {a: 1}", "monotone.approvals: test.cedar:2:1"},
		{"context == context", "monotone.approvals: test.cedar:2:1"},
		{"{x: context.approvals.total}.x >= 2", "monotone.approvals: test.cedar:2:1"},
		{"(if context.flag then context else context).approvals.total >= 2",
		 "monotone.approvals: test.cedar:2:1"},
		{"(context.approvals.total >= 2 && context.n + 1 > 2) || context.flag",
		 "monotone.may_fail: test.cedar:2:34"},
		{"(context.approvals.total >= 2 && principal.level > 2) || context.flag",
		 "monotone.may_fail: test.cedar:2:34"},
		{"(context.approvals.total >= 2 && context.by.level > 2) || context.flag",
		 "monotone.may_fail: test.cedar:2:34"},
		{"forbid(principal, action, resource) when { context.approvals.total >= 2 };",
		 "monotone.approvals: test.cedar:1:44"},
		{"forbid(principal, action, resource) unless { context.approvals.total < 2 };",
		 "monotone.approvals: test.cedar:1:46"},
		{"forbid(principal, action, resource) unless { context.approvals.total >= 2 && context.n + 1 > 2 };",
		 "monotone.may_fail: test.cedar:1:78"},
		{"context.zone.mismatch", "monotone.reported: test.cedar:2:1"},
		{"context.zone has seen && context.zone.seen == \"office\"", "monotone.reported: test.cedar:2:1"},
		{"context has zone.seen", "monotone.reported: test.cedar:2:1"},
		{"!(context.zone has seen && context.zone.seen == \"tor\") && context.zone.mismatch",
		 "monotone.reported: test.cedar:2:59"},
		{"if context.zone.mismatch then false else true", "monotone.reported: test.cedar:2:4"},
		{"context.zone.mismatch == false", "monotone.reported: test.cedar:2:1"},
		{"forbid(principal, action, resource) unless { context.zone.mismatch };",
		 "monotone.reported: test.cedar:1:46"},
		{"forbid(principal, action, resource) unless { context.zone has seen && context.zone.seen == \"o\" };",
		 "monotone.reported: test.cedar:1:46"},
		{"permit(principal, action == Action::\"sign\", resource) when { context.zone.mismatch };",
		 "monotone.reported: test.cedar:1:62"},
		{"permit(principal, action in [Action::\"people\", Action::\"move_funds\"], resource) "
		 "when { context.zone.mismatch };",
		 "monotone.reported: test.cedar:1:88"},
	};
	_cleanup_(free_fixture) struct fixture fixture = {};
	start(&fixture);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		_cleanup_(policy_set_destroy) struct policy_set *set = set_of(refused[i].text);
		if (policy_validate(set, fixture.schema, (struct policy_validator_options){}, nullptr, nullptr) != OK)
			fail_msg("%s: %s", refused[i].text, fail_message());
		enum status status = monotone_check(set, fixture.schema, &fixture.rules, nullptr);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), refused[i].message, strlen(refused[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", refused[i].text, refused[i].message,
				 status == OK ? "nothing" : fail_message());
	}
}

static void
templates_are_checked_once_with_all_findings(void **) {
	_cleanup_(free_fixture) struct fixture fixture = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics found = {};
	start(&fixture);
	assert_ok(policy_set_create(nullptr, &set));
	assert_ok(policy_set_add(set, "t.cedar",
				 bytes_of_text("@id(\"t\") permit(principal == ?principal, action, resource)\n"
					       "when { context.approvals.total < 2 && context.zone.mismatch };"),
				 nullptr));
	struct entity_uid user = fixture_uid("User", "u");
	assert_ok(policy_set_link(set, bytes_of_text("t"), bytes_of_text("t1"), &user, nullptr));
	assert_ok(policy_set_link(set, bytes_of_text("t"), bytes_of_text("t2"), &user, nullptr));
	assert_ok(policy_set_seal(set));
	assert_fails(STATUS_INVALID, "monotone.approvals", monotone_check(set, fixture.schema, &fixture.rules, &found));
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[0].name, "monotone.approvals");
	assert_string_equal(found.items[1].name, "monotone.reported");
}

/* --- The property, against brute force over random sets. --- */

static uint64_t random_state = 1;

static uint32_t
random_below(uint32_t bound) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

static void
append_boolean(struct buffer *to, unsigned depth) {
	static const char *const leaves[] = {
		"context.approvals.total >= 1",
		"context.approvals.total >= 2",
		"context.approvals.total < 1",
		"context.approvals.group.a >= 1",
		"context.approvals.group.a <= 1",
		"context.approvals.rejections < 1",
		"context.approvals.rejections > 0",
		"context.approvals.total == 1",
		"context.zone.mismatch",
		"context.zone has seen",
		"(context.zone has seen && context.zone.seen == \"x\")",
		"(context.zone has seen && context.zone.seen != \"x\")",
		"context.flag",
		"context.flag",
		"context.n > 0",
		"context.n * 9223372036854775807 > 0",
		"principal.level > 1",
		"context.by.level > 1",
	};
	uint32_t choice = depth == 0 ? 5 : random_below(6);
	if (choice >= 4) {
		buffer_append_text(to, leaves[random_below(sizeof leaves / sizeof *leaves)]);
		return;
	}
	buffer_append_text(to, choice == 2 ? "!(" : choice == 3 ? "(if " : "(");
	append_boolean(to, depth - 1);
	if (choice < 2) {
		buffer_append_text(to, choice == 0 ? " && " : " || ");
		append_boolean(to, depth - 1);
	} else if (choice == 3) {
		buffer_append_text(to, " then ");
		append_boolean(to, depth - 1);
		buffer_append_text(to, " else ");
		append_boolean(to, depth - 1);
	}
	buffer_append_byte(to, ')');
}

static void
append_policies(struct buffer *to) {
	uint32_t count = 1 + random_below(2);
	for (uint32_t i = 0; i < count; i++) {
		bool is_permit = i == 0 && random_below(3) > 0;
		buffer_append_format(to, "%s(principal, action, resource)", is_permit ? "permit" : "forbid");
		for (uint32_t j = 1 + random_below(2); j > 0; j--) {
			buffer_append_text(to, random_below(3) == 0 ? " unless { " : " when { ");
			append_boolean(to, 2);
			buffer_append_text(to, " }");
		}
		buffer_append_text(to, ";\n");
	}
	buffer_append_text(to, "permit(principal, action, resource) when { context.flag };\n");
}

struct world { /* everything that the leaves can see */
	int64_t total, group, rejections;
	int seen; /* 0: none */
	bool mismatch;
	int64_t n;
	bool flag;
	const struct policy_entities *entities;
};

static bool
permits(const struct policy_set *set, const struct world *world, struct arena *arena) {
	struct value_field groups[] = {{bytes_of_text("a"), value_long(world->group)}};
	struct value_field approvals[] = {
		{bytes_of_text("group"), {.type = VALUE_RECORD, .record = {groups, 1}}},
		{bytes_of_text("rejections"), value_long(world->rejections)},
		{bytes_of_text("total"), value_long(world->total)},
	};
	struct value_field zone[] = {
		{bytes_of_text("mismatch"), value_boolean(world->mismatch)},
		{bytes_of_text("seen"), value_text(world->seen == 1 ? "x" : "y")},
	};
	struct value_field fields[] = {
		{bytes_of_text("approvals"), {.type = VALUE_RECORD, .record = {approvals, 3}}},
		{bytes_of_text("by"), value_entity(bytes_of_text("User"), bytes_of_text("u"))},
		{bytes_of_text("flag"), value_boolean(world->flag)},
		{bytes_of_text("n"), value_long(world->n)},
		{bytes_of_text("zone"), {.type = VALUE_RECORD, .record = {zone, world->seen == 0 ? 1 : 2}}},
	};
	struct value context = {.type = VALUE_RECORD, .record = {fields, 5}};
	struct policy_request request = {fixture_uid("User", "u"), fixture_uid("Action", "sign"),
					 fixture_uid("Key", "k"), &context};
	struct policy_result result;
	arena_reset(arena);
	assert_ok(
		policy_decide(set, world->entities, &request, (struct policy_options){.strict = true}, arena, &result));
	return result.decision == POLICY_ALLOW;
}

struct tally {
	bool approvals_hurt, report_gains;
	bool approvals_matter, report_matters;
};

static void
try_approvals(const struct policy_set *set, struct world world, struct arena *arena, struct tally *tally) {
	bool allowed[3][3][2];
	for (world.total = 0; world.total < 3; world.total++)
		for (world.group = 0; world.group < 3; world.group++)
			for (world.rejections = 0; world.rejections < 2; world.rejections++)
				allowed[world.total][world.group][world.rejections] = permits(set, &world, arena);
	for (size_t t = 0; t < 3; t++)
		for (size_t g = 0; g < 3; g++)
			for (size_t r = 0; r < 2; r++) {
				tally->approvals_matter |= allowed[t][g][r] != allowed[0][0][1];
				if (!allowed[t][g][r])
					continue;
				tally->approvals_hurt |= (t < 2 && !allowed[t + 1][g][r]) ||
							 (g < 2 && !allowed[t][g + 1][r]) ||
							 (r == 1 && !allowed[t][g][0]);
			}
}

static void
try_reports(const struct policy_set *set, struct world world, struct arena *arena, struct tally *tally) {
	for (world.total = 0; world.total < 3; world.total++) {
		world.seen = 0;
		world.mismatch = false;
		bool without = permits(set, &world, arena);
		for (world.seen = 0; world.seen < 3; world.seen++)
			for (int mismatch = 0; mismatch < 2; mismatch++) {
				world.mismatch = mismatch;
				bool with = permits(set, &world, arena);
				tally->report_gains |= with && !without;
				tally->report_matters |= with != without;
			}
	}
}

static struct tally
try_all(const struct policy_set *set, const struct policy_entities *const stores[2], struct arena *arena) {
	struct tally tally = {};
	for (unsigned bits = 0; bits < 48; bits++) {
		struct world world = {.n = bits & 1 ? 2 : 0,
				      .flag = bits & 2,
				      .entities = stores[bits >> 2 & 1],
				      .mismatch = bits & 8,
				      .seen = (int)(bits >> 4)};
		try_approvals(set, world, arena, &tally);
		if (bits < 8)
			try_reports(set, world, arena, &tally);
	}
	return tally;
}

static void
what_is_accepted_holds_on_every_request(void **) {
	constexpr size_t SETS = 1500;
	_cleanup_(free_fixture) struct fixture fixture = {};
	_cleanup_(arena_free) struct arena arena = {};
	size_t accepted = 0, matter = 0, hurt = 0, gain = 0;
	start(&fixture);
	struct policy_entities *here =
		fixture_entities("[{\"uid\":{\"type\":\"User\",\"id\":\"u\"},\"attrs\":{\"level\":2},\"parents\":[]}]");
	struct policy_entities *gone = fixture_entities("[]");
	const struct policy_entities *const stores[2] = {here, gone};
	for (size_t i = 0; i < SETS; i++) {
		_cleanup_(buffer_free) struct buffer text = {};
		append_policies(&text);
		buffer_append_byte(&text, '\0');
		_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies((const char *)text.data);
		assert_ok(policy_validate(set, fixture.schema, (struct policy_validator_options){}, nullptr, nullptr));
		enum status status = monotone_check(set, fixture.schema, &fixture.rules, nullptr);
		struct tally tally = try_all(set, stores, &arena);
		bool violates = tally.approvals_hurt || tally.report_gains;
		if (status == OK && violates)
			fail_msg("accepted, and %s:\n%s",
				 tally.approvals_hurt ? "more approvals deny" : "a report permits", text.data);
		accepted += status == OK;
		matter += status == OK && (tally.approvals_matter || tally.report_matters);
		hurt += tally.approvals_hurt;
		gain += tally.report_gains;
	}
	policy_entities_destroy(&here);
	policy_entities_destroy(&gone);
	/* The property was tried on sets in which it could have failed. */
	assert_true(accepted > SETS / 20);
	assert_true(matter > SETS / 50);
	assert_true(hurt > SETS / 10);
	assert_true(gain > SETS / 10);
}

RUN_TESTS(T(positions_in_which_more_can_only_help_are_accepted),
	  T(positions_in_which_more_could_hurt_are_refused_where_they_stand),
	  T(templates_are_checked_once_with_all_findings), T(what_is_accepted_holds_on_every_request))
