#include "tests/test.h"

#include <string.h>

#include "policy/fixture.h"
#include "policy/prove.h"
#include "policy/transfer_rules.h"

/* Lists of transfer rules, compiled, against another way of saying the same: one nested `if`, in which the first that matches decides.
 * That the two permit the same of every request is proved. */

static const char schema_text[] =
	"entity Desk; entity Workload in [Desk]; entity Account; entity Key in [Account];\n"
	"action sign appliesTo { principal: [Workload], resource: [Key], context: {\n"
	"  approvals: { group: { treasury: Long }, independent: Long, total: Long }, call: { unrecognised: Bool },\n"
	"  destination: { allowed: Bool, some_allowed: Bool },\n"
	"  limits?: { account?: { day: Long, hour: Long, week: Long } },\n"
	"  transfer: { asset: String, chain: String, destinations: Set<String>, usd_cents?: Long } } };\n";

struct both_ways {
	const char *json, *cedar;
	const char *touches; /* of a rule that blocks or asks for approvals; null: the same */
};

static const struct both_ways initiators[] = {
	{"", "true"},
	{"\"initiator\":[\"workload:a\"],", "principal == Workload::\"a\""},
	{"\"initiator\":[\"desk:d\",\"workload:b\"],", "(principal in Desk::\"d\" || principal == Workload::\"b\")"},
};
static const struct both_ways sources[] = {
	{"", "true"},
	{"\"source\":[\"key:k\"],", "resource == Key::\"k\""},
	{"\"source\":[\"account:h\"],", "resource in Account::\"h\""},
};
static const struct both_ways assets[] = {
	{"", "true"},
	{"\"asset\":[\"c/native\",\"c/x\"],",
	 "(context.transfer.asset == \"c/native\" || context.transfer.asset == \"c/x\")"},
};
static const struct both_ways destinations[] = {
	{"", "true"},
	{"\"destination\":\"allowed\",", "context.destination.allowed",
	 "(context.destination.some_allowed || context.destination.allowed)"},
};
static const struct both_ways amounts[] = {
	{"", "true"},
	{"\"amount\":{\"over_usd\":\"100\"},", "context.transfer.usd_cents >= 10001"},
	{"\"amount\":{\"over_usd\":\"5\",\"up_to_usd\":\"100\"},",
	 "(500 < context.transfer.usd_cents && !(context.transfer.usd_cents > 10000))"},
	{"\"amount\":{\"up_to_usd\":\"1000\"},\"period\":\"day\",\"per\":\"account\",",
	 "context.limits.account.day < 100001"},
};
static const struct both_ways actions[] = {
	{"\"action\":\"allow\"", "true"},
	{"\"action\":\"block\"", "false"},
	{"\"action\":\"approve\",\"approvals\":{\"treasury\":2,\"independent\":1}",
	 "(context.approvals.group.treasury > 1 && context.approvals.independent > 0)"},
};

static uint64_t random_state = 3;

static uint32_t
random_below(uint32_t bound) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

#define PICK(list) (&(list)[random_below(sizeof(list) / sizeof *(list))])

struct pair {
	struct policy_set *compiled, *nested;
};

static void
free_pair(struct pair *pair) {
	policy_set_destroy(&pair->compiled);
	policy_set_destroy(&pair->nested);
}

/* planted: the nested one blocks what the first rule decides. */
static void
make_pair(struct pair *pair, bool planted) {
	_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
	_cleanup_(buffer_free) struct buffer json = {}, cedar = {}, nested = {};
	bool has_period = false;
	buffer_append_text(&json, "{\"type\":\"gatehouse/transfer-rules/v1\",\"rules\":[");
	uint32_t count = 1 + random_below(5);
	_cleanup_(buffer_free) struct buffer body = {};
	for (uint32_t i = 0; i < count; i++) {
		const struct both_ways *parts[] = {PICK(initiators),   PICK(sources), PICK(assets),
						   PICK(destinations), PICK(amounts), PICK(actions)};
		has_period |= parts[4] == &amounts[3];
		buffer_append_format(&json, "%s{\"id\":\"r%u\",%s%s%s%s%s%s}", i == 0 ? "" : ",", i, parts[0]->json,
				     parts[1]->json, parts[2]->json, parts[3]->json, parts[4]->json, parts[5]->json);
		bool touches = parts[5] != &actions[0] && parts[3]->touches != nullptr;
		buffer_append_format(&body, "if %s && %s && %s && %s && %s then %s && %s else ", parts[0]->cedar,
				     parts[1]->cedar, parts[2]->cedar, touches ? parts[3]->touches : parts[3]->cedar,
				     parts[4]->cedar, touches ? parts[3]->cedar : "true",
				     planted && i == 0 ? "!context.destination.allowed" : parts[5]->cedar);
	}
	buffer_append_text(&json, "]}");
	buffer_append_format(&nested,
			     "permit(principal, action, resource) when { context.transfer has usd_cents && "
			     "!context.call.unrecognised %s } when { %.*s false };",
			     has_period ? "&& context has limits && context.limits has account" : "", BYTES_ARGS(body));
	assert_ok(transfer_rules_read(&rules, "r.json", buffer_bytes(&json), nullptr));
	assert_ok(transfer_rules_compile(&rules, &cedar));
	assert_ok(policy_set_parse("rules.cedar", buffer_bytes(&cedar), &pair->compiled, nullptr));
	assert_ok(policy_set_parse("nested.cedar", buffer_bytes(&nested), &pair->nested, nullptr));
}

static size_t
count_differences(const struct pair *pair, const struct policy_schema *schema) {
	_cleanup_(arena_free) struct arena arena = {};
	struct prove_report report;
	size_t different = 0;
	assert_ok(policy_compare(pair->nested, pair->compiled, schema, nullptr, &arena, &report));
	assert_true(report.finding_count >= 2);
	for (size_t i = 0; i < report.finding_count; i++) {
		if (report.findings[i].verdict == PROVE_UNKNOWN)
			fail_msg("unknown: %s", report.findings[i].reason);
		different += report.findings[i].verdict == PROVE_COUNTEREXAMPLE;
	}
	return different;
}

static void
compiled_rules_are_proved_equal_to_their_first_match(void **) {
	struct policy_schema *schema = nullptr;
	size_t found = 0;
	assert_ok(policy_schema_parse("s.cedarschema", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr));
	for (size_t i = 0; i < 120; i++) {
		_cleanup_(free_pair) struct pair pair = {};
		make_pair(&pair, false);
		assert_int_equal(0, count_differences(&pair, schema));
	}
	for (size_t i = 0; i < 40; i++) {
		_cleanup_(free_pair) struct pair pair = {};
		make_pair(&pair, true);
		found += count_differences(&pair, schema) > 0;
	}
	policy_schema_destroy(&schema);
	assert_true(found > 20); /* what is planted behind what another rule decides first makes no difference */
}

RUN_TESTS(T(compiled_rules_are_proved_equal_to_their_first_match))
