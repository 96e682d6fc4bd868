/*
 * The solver against enumeration: random small sets of policies over facts with few values each. What requests there are is told to
 * the solver by an assumption, so that "proved" must be exactly "no request breaks it", both ways.
 *
 * GATEHOUSE_CASES, GATEHOUSE_SEED: how many, and where to begin; `make soak` runs 20,000.
 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"
#include "policy/prove.h"
#include "tests/soak.h"

static const char schema_text[] = "entity G; entity U in [G] = { level: Long }; entity R;"
				  "action a, b appliesTo { principal: U, resource: R, context: { f: Bool, n: Long, o?: "
				  "Long, s: String, t: Set<String> } };";

static const char domain[] =
	"@id(\"domain\") @assume(\"these are all the requests there are\") forbid(principal, action, resource)\n"
	"unless { context.n >= 0 && context.n <= 2 && (if context has o then context.o >= 0 && context.o <= 1 else "
	"true) &&\n"
	"  [\"x\", \"xy\"].contains(context.s) && [\"x\", \"y\"].containsAll(context.t) &&\n"
	"  principal.level >= 0 && principal.level <= 1 };\n";

/* --- Random text --- */

struct dice {
	uint64_t state;
};

static unsigned
roll(struct dice *dice, unsigned sides) { /* splitmix64 */
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (unsigned)((z ^ z >> 31) % sides);
}

static void
write_number(struct dice *dice, struct buffer *to, unsigned depth) {
	static const char *const leaves[] = {"context.n", "principal.level",    "context.n", "0", "1", "2",
					     "3",         "9223372036854775806"};
	if (depth == 0 || roll(dice, 2) == 0) {
		buffer_append_text(to, leaves[roll(dice, ARRAY_LENGTH(leaves))]);
		return;
	}
	if (roll(dice, 6) == 0) {
		buffer_append_text(to, "(-");
		write_number(dice, to, depth - 1);
		buffer_append_text(to, ")");
		return;
	}
	static const char *const operators[] = {" + ", " - ", " * "};
	buffer_append_text(to, "(");
	write_number(dice, to, depth - 1);
	buffer_append_text(to, operators[roll(dice, 3)]);
	write_number(dice, to, depth - 1);
	buffer_append_text(to, ")");
}

static void
write_atom(struct dice *dice, struct buffer *to) {
	static const char *const atoms[] = {
		"context.f",
		"(context has o && context.o == 1)",
		"(context has o && context.o < 1)",
		"!(context has o)",
		"context.s == \"x\"",
		"context.s like \"x*\"",
		"context.s like \"*y\"",
		"context.s like \"*\"",
		"context.t.contains(context.s)",
		"context.t.contains(\"y\")",
		"context.t.containsAny([\"x\", \"z\"])",
		"context.t.containsAll([\"x\", \"y\"])",
		"[\"x\"].containsAll(context.t)",
		"context.t.isEmpty()",
		"context.t == [\"y\"]",
		"principal in G::\"g\"",
		"principal == U::\"u\"",
		"resource == R::\"r\"",
		"principal is U",
		"action == Action::\"a\"",
		"(if context.f then context.n else principal.level) == 1",
	};
	static const char *const relations[] = {" < ", " <= ", " == ", " != ", " > ", " >= "};
	if (roll(dice, 3) > 0) {
		buffer_append_text(to, atoms[roll(dice, ARRAY_LENGTH(atoms))]);
		return;
	}
	buffer_append_text(to, "(");
	write_number(dice, to, 2);
	buffer_append_text(to, relations[roll(dice, ARRAY_LENGTH(relations))]);
	write_number(dice, to, 2);
	buffer_append_text(to, ")");
}

static void
write_condition(struct dice *dice, struct buffer *to, unsigned depth) {
	unsigned shape = depth == 0 ? 0 : roll(dice, 5);
	if (shape <= 1) {
		write_atom(dice, to);
		return;
	}
	buffer_append_text(to, shape == 4 ? "!(" : "(");
	write_condition(dice, to, depth - 1);
	if (shape == 2 || shape == 3) {
		buffer_append_text(to, shape == 2 ? " && " : " || ");
		write_condition(dice, to, depth - 1);
	}
	buffer_append_text(to, ")");
}

static void
write_statement(struct dice *dice, struct buffer *to, bool is_permit) {
	static const char *const scopes[] = {
		"principal, action, resource",
		"principal, action == Action::\"a\", resource",
		"principal in G::\"g\", action, resource",
		"principal == U::\"u\", action, resource == R::\"r\"",
	};
	buffer_append_format(to, "%s(%s)", is_permit ? "permit" : "forbid", scopes[roll(dice, ARRAY_LENGTH(scopes))]);
	if (roll(dice, 4) > 0) {
		buffer_append_text(to, " when { ");
		write_condition(dice, to, 3);
		buffer_append_text(to, " }");
	}
	if (roll(dice, 4) == 0) {
		buffer_append_text(to, " unless { ");
		write_condition(dice, to, 2);
		buffer_append_text(to, " }");
	}
	buffer_append_text(to, ";\n");
}

/* --- All requests --- */

struct enumeration {
	struct policy_entities *stores[8]; /* level, in the group, which principal */
	struct value contexts[3 * 3 * 2 * 2 * 4];
	size_t context_count;
	struct arena arena;
};

static void
enumerate(struct enumeration *all) {
	for (unsigned i = 0; i < 8; i++) {
		char text[400];
		snprintf(text, sizeof text,
			 "[{\"uid\":{\"type\":\"U\",\"id\":\"%s\"},\"attrs\":{\"level\":%u},\"parents\":[%s]},"
			 "{\"uid\":{\"type\":\"R\",\"id\":\"r\"},\"attrs\":{},\"parents\":[]},"
			 "{\"uid\":{\"type\":\"R\",\"id\":\"q\"},\"attrs\":{},\"parents\":[]}]",
			 i & 4 ? "u" : "v", i & 1, i & 2 ? "{\"type\":\"G\",\"id\":\"g\"}" : "");
		all->stores[i] = fixture_entities(text);
	}
	static const char *const optional[] = {"", "\"o\":0,", "\"o\":1,"};
	static const char *const sets[] = {"", "\"x\"", "\"y\"", "\"x\",\"y\""};
	for (unsigned n = 0; n < 3; n++)
		for (unsigned o = 0; o < 3; o++)
			for (unsigned s = 0; s < 2; s++)
				for (unsigned f = 0; f < 2; f++)
					for (unsigned t = 0; t < 4; t++) {
						char text[200];
						snprintf(text, sizeof text,
							 "{\"f\":%s,\"n\":%u,%s\"s\":\"%s\",\"t\":[%s]}",
							 f ? "true" : "false", n, optional[o], s ? "xy" : "x", sets[t]);
						all->contexts[all->context_count++] = fixture_record(&all->arena, text);
					}
}

static void
free_enumeration(struct enumeration *all) {
	for (size_t i = 0; i < ARRAY_LENGTH(all->stores); i++)
		policy_entities_destroy(&all->stores[i]);
	arena_free(&all->arena);
}

static bool
breaks(const struct policy_set *policies, const struct policy_set *invariants, const struct policy_entities *entities,
       const struct policy_request *request, struct arena *scratch) {
	struct policy_result result;
	const struct policy_explanation *said;
	arena_reset(scratch);
	assert_ok(
		policy_decide(policies, entities, request, (struct policy_options){.strict = true}, scratch, &result));
	assert_ok(policy_explain(invariants, entities, request, scratch, &said));
	struct policy_view view;
	policy_set_view(invariants, 1, &view); /* 0 is the domain */
	enum policy_outcome outcome = said[1].outcome;
	if (view.effect == POLICY_PERMIT)
		return outcome == POLICY_SATISFIED && result.decision == POLICY_DENY;
	return (outcome == POLICY_SATISFIED || outcome == POLICY_ERRORED) && result.decision == POLICY_ALLOW;
}

static size_t
count_breaking(const struct enumeration *all, const struct policy_set *policies, const struct policy_set *invariants) {
	_cleanup_(arena_free) struct arena scratch = {};
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(all->stores) * 4; i++) {
		size_t store = i / 4;
		struct policy_request request = {
			.principal = fixture_uid("U", store & 4 ? "u" : "v"),
			.action = fixture_uid("Action", i & 1 ? "a" : "b"),
			.resource = fixture_uid("R", i & 2 ? "r" : "q"),
		};
		for (size_t j = 0; j < all->context_count; j++) {
			request.context = &all->contexts[j];
			count += breaks(policies, invariants, all->stores[store], &request, &scratch);
		}
	}
	return count;
}

constexpr unsigned SHORT_CASES = 120;
constexpr unsigned SOAK_CASES = 20'000;

static unsigned
setting(const char *name, unsigned otherwise) {
	const char *value = getenv(name);
	return value == nullptr ? otherwise : (unsigned)strtoul(value, nullptr, 10);
}

static void
the_solver_agrees_with_enumeration_both_ways(void **) {
	_cleanup_(free_enumeration) struct enumeration all = {};
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	unsigned cases = setting("GATEHOUSE_CASES", soak_is_on() ? SOAK_CASES : SHORT_CASES);
	unsigned seed = setting("GATEHOUSE_SEED", 1), verdicts[3] = {};
	size_t requests = 0;
	enumerate(&all);
	assert_ok(policy_schema_parse("s", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr));
	for (unsigned i = 0; i < cases; i++) {
		_cleanup_(policy_set_destroy) struct policy_set *policies = nullptr, *invariants = nullptr;
		_cleanup_(buffer_free) struct buffer text = {}, invariant = {};
		_cleanup_(arena_free) struct arena arena = {};
		struct prove_report report;
		struct dice dice = {((uint64_t)seed << 32) + i};
		for (unsigned count = 1 + roll(&dice, 5), j = 0; j < count; j++)
			write_statement(&dice, &text, j == 0 || roll(&dice, 2) == 0);
		buffer_append_byte(&text, 0);
		buffer_append_text(&invariant, domain);
		buffer_append_text(&invariant, "@id(\"i\") ");
		write_statement(&dice, &invariant, roll(&dice, 4) == 0);
		policies = fixture_policies((const char *)text.data);
		if (prove_invariants_read("i", buffer_bytes(&invariant), schema, &invariants, nullptr) != OK)
			fail_msg("case %u: %.*s: %s", i, BYTES_ARGS(buffer_bytes(&invariant)), fail_message());
		assert_ok(policy_prove(policies, schema, invariants, nullptr, &arena, &report));
		assert_int_equal(1, report.finding_count);
		enum prove_verdict verdict = report.findings[0].verdict;
		size_t breaking = count_breaking(&all, policies, invariants);
		requests += ARRAY_LENGTH(all.stores) * 4 * all.context_count;
		verdicts[verdict]++;
		if (verdict != (breaking == 0 ? PROVE_PROVED : PROVE_COUNTEREXAMPLE))
			fail_msg("case %u of seed %u: %s (%s), and %zu requests break it\n%s%.*s", i, seed,
				 prove_verdict_name(verdict),
				 report.findings[0].reason == nullptr ? "" : report.findings[0].reason, breaking,
				 (const char *)text.data, BYTES_ARGS(buffer_bytes(&invariant)));
	}
	printf("# result cases %u over %zu requests\n# result proved %u\n# result refuted %u\n", cases, requests,
	       verdicts[PROVE_PROVED], verdicts[PROVE_COUNTEREXAMPLE]);
	assert_true(verdicts[PROVE_PROVED] > cases / 20 && verdicts[PROVE_COUNTEREXAMPLE] > cases / 20);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_solver_agrees_with_enumeration_both_ways),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
