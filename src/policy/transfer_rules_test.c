#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"
#include "policy/transfer_rules.h"

#define LIST(rules) "{\"type\":\"gatehouse/transfer-rules/v1\",\"rules\":[" rules "]}"

static void
a_rule_becomes_a_permit_that_earlier_rules_can_take_away(void **) {
	static const char list[] =
		"{\"type\":\"gatehouse/transfer-rules/v1\",\"groups\":{\"hot\":[\"account:a1\",\"key:k\"]},\"rules\":["
		"{\"id\":\"small\",\"source\":[\"hot\"],\"amount\":{\"up_to_usd\":\"10.50\"},\"action\":\"allow\"},"
		"{\"id\":\"stop\",\"asset\":[\"eip155:1/native\"],\"action\":\"block\"},"
		"{\"id\":\"rest\",\"destination\":[\"eip155:1:0x1\",\"bitcoin:main:b\",\"eip155:1:0x2\"],\"period\":"
		"\"day\","
		"\"per\":\"account\",\"amount\":{\"over_usd\":\"5\"},\"action\":\"approve\",\"approvals\":{\"a-b\":2,"
		"\"total\":3},"
		"\"note\":\"say \\\"why\\\"\"}]}";
	static const char expected[] =
		"// Made from a list of transfer rules, of which the first that matches decides.\n\n"
		"@id(\"rule-list:known\")\n"
		"@reason(\"What is not known to be worth or spent so much, or to be a transfer at all, matches no "
		"rule.\")\n"
		"forbid (principal, action == Action::\"sign\", resource)\n"
		"unless { !context.call.unrecognised && context.transfer has usd_cents && context has limits && "
		"context.limits has account };\n\n"
		"@id(\"rule:small\")\n"
		"permit (principal, action == Action::\"sign\", resource)\n"
		"when { (resource in Account::\"a1\" || resource == Key::\"k\") && context.transfer has usd_cents && "
		"context.transfer.usd_cents <= 1050 }\n;\n\n"
		"@id(\"rule:rest\")\n@reason(\"say \\\"why\\\"\")\n"
		"permit (principal, action == Action::\"sign\", resource)\n"
		"when { ((context.transfer.chain == \"eip155:1\" && "
		"[\"0x1\", \"0x2\"].containsAll(context.transfer.destinations)) || (context.transfer.chain == "
		"\"bitcoin:main\" && "
		"[\"b\"].containsAll(context.transfer.destinations))) && context has limits && context.limits has "
		"account && "
		"context.limits.account.day > 500 && context.approvals.group[\"a-b\"] >= 2 && context.approvals.total "
		">= 3 }\n"
		"unless {\n  ([\"eip155:1/native\"].contains(context.transfer.asset))\n};\n";
	_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(transfer_rules_read(&rules, "r.json", bytes_of_text(list), nullptr));
	assert_ok(transfer_rules_compile(&rules, &text));
	buffer_append_byte(&text, '\0');
	assert_string_equal(expected, (const char *)text.data);
}

static void
bad_lists_are_refused_where_they_stand(void **) {
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"[]", "rules.type: r.json:1:1"},
		{"{\"type\":\"x\",\"rules\":[]}", "rules.type: r.json:1:9"},
		{"{\"type\":\"gatehouse/transfer-rules/v1\"}", "rules.missing: r.json:1:1"},
		{"{\"type\":\"gatehouse/transfer-rules/v1\",\"rules\":[],\"more\":1}", "rules.unknown: r.json:1:57"},
		{LIST("1"), "rules.type: r.json:1:48"},
		{LIST("{}"), "rules.missing: r.json:1:48"},
		{LIST("{\"id\":\"a b\",\"action\":\"allow\"}"), "rules.id: r.json:1:54"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\"},{\"id\":\"a\",\"action\":\"allow\"}"),
		 "rules.id: r.json:1:82"},
		{LIST("{\"id\":\"a\"}"), "rules.missing: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"maybe\"}"), "rules.action: r.json:1:67"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"colour\":1}"), "rules.unknown: r.json:1:84"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"initiator\":[\"key:k\"]}"), "rules.name: r.json:1:88"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"source\":[\"person:p\"]}"), "rules.name: r.json:1:85"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"source\":[]}"), "rules.names: r.json:1:84"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"asset\":[\"eth\"]}"), "rules.name: r.json:1:84"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"destination\":\"some\"}"),
		 "rules.destination: r.json:1:89"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"destination\":[\"nocolon\"]}"), "rules.name: r.json:1:90"},
		{LIST("{\"id\":\"a\",\"action\":\"block\",\"destination\":[\"eip155:1:"
		      "0x7f367cc41522ce07553e823bf3be79a889debe1b\"]}"),
		 "rules.address: r.json:1:90"},
		{LIST("{\"id\":\"a\",\"action\":\"block\",\"asset\":[\"eip155:1/"
		      "0XA0B86991C6218B36C1D19D4A2E9EB0CE3606EB48\"]}"),
		 "rules.address: r.json:1:84"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"amount\":{\"over_usd\":\"1.234\"}}"),
		 "rules.amount: r.json:1:"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"amount\":{\"under\":\"1\"}}"),
		 "rules.unknown: r.json:1:93"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"period\":\"month\"}"), "rules.period: r.json:1:84"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"period\":\"day\"}"), "rules.per: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"per\":\"key\"}"), "rules.per: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"period\":\"day\",\"per\":\"key\"}"),
		 "rules.period: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"approve\"}"), "rules.approvals: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"approvals\":{\"x\":1}}"), "rules.approvals: r.json:1:48"},
		{LIST("{\"id\":\"a\",\"action\":\"approve\",\"approvals\":{\"x\":0}}"), "rules.approvals: r.json:1:"},
		{LIST("{\"id\":\"a\",\"action\":\"approve\",\"approvals\":{}}"), "rules.approvals: r.json:1:"},
		{LIST("{\"id\":\"a\",\"action\":\"allow\",\"note\":\"a\\nb\"}"), "rules.note: r.json:1:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
		enum status status = transfer_rules_read(&rules, "r.json", bytes_of_text(cases[i].text), nullptr);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].message,
				 status == OK ? "nothing" : fail_message());
	}
}

/* --- A thousand random lists, against first-match evaluation of the list itself. --- */

static uint64_t random_state = 11;

static uint32_t
random_below(uint32_t bound) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

static const char *const initiators[] = {
	"", "\"workload:a\"", "\"workload:b\"", "\"desk:d1\"", "\"desk:d2\",\"person:x\"", "\"traders\""};
static const char *const sources[] = {"", "\"key:k1\"", "\"account:a2\"", "\"hot\"", "\"desk:d2\""};
static const char *const assets[] = {"", "\"eip155:1/native\"", "\"bitcoin:main/native\"", "\"coins\""};
static const char *const periods[] = {"", "\"period\":\"transaction\",", "\"period\":\"hour\",\"per\":\"key\",",
				      "\"period\":\"day\",\"per\":\"account\",",
				      "\"period\":\"week\",\"per\":\"requester\","};
static const char *const destinations[] = {"", "\"destination\":\"any\",", "\"destination\":\"allowed\",",
					   "\"destination\":[\"eip155:1:x\"],",
					   "\"destination\":[\"eip155:1:y\",\"bitcoin:main:x\",\"eip155:1:x\"],"};
static const char *const actions[] = {"\"action\":\"allow\"", "\"action\":\"block\"",
				      "\"action\":\"approve\",\"approvals\":{\"treasury\":1}",
				      "\"action\":\"approve\",\"approvals\":{\"independent\":1,\"treasury\":2}"};

#define PICK(list) list[random_below(sizeof list / sizeof *list)]

static void
append_list(struct buffer *to, const char *key, const char *items) {
	if (items[0] != '\0')
		buffer_append_format(to, "\"%s\":[%s],", key, items);
}

static void
random_rules(struct transfer_rules *rules) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(
		&text,
		"{\"type\":\"gatehouse/transfer-rules/v1\",\"groups\":{\"hot\":[\"account:a1\",\"key:k2\"],"
		"\"traders\":[\"workload:a\",\"desk:d2\"],\"coins\":[\"eip155:1/native\",\"bitcoin:main/native\"]},"
		"\"rules\":[");
	uint32_t count = random_below(8);
	for (uint32_t i = 0; i < count; i++) {
		const char *period = PICK(periods);
		bool needs_amount = period[0] != '\0' && period[10] != 't';
		buffer_append_format(&text, "%s{\"id\":\"r%u\",", i == 0 ? "" : ",", i);
		append_list(&text, "initiator", PICK(initiators));
		append_list(&text, "source", PICK(sources));
		append_list(&text, "asset", PICK(assets));
		buffer_append_text(&text, PICK(destinations));
		buffer_append_text(&text, period);
		if (needs_amount || random_below(2))
			buffer_append_format(&text,
					     random_below(2) ? "\"amount\":{\"over_usd\":\"%u.50\"},"
							     : "\"amount\":{\"over_usd\":\"0\",\"up_to_usd\":\"%u\"},",
					     random_below(4));
		buffer_append_text(&text, PICK(actions));
		buffer_append_byte(&text, '}');
	}
	buffer_append_text(&text, "]}");
	assert_ok(transfer_rules_read(rules, "r.json", buffer_bytes(&text), nullptr));
}

struct transfer {
	bool by_b, from_two, is_bitcoin, allowed, some_allowed, unrecognised;
	bool to_x, to_y; /* at least one */
	int64_t cents;   /* −1: not known */
	int64_t key_hour, account_day, requester_week;
	int64_t treasury, independent;
};

static bool
has(const struct rule_names *names, const char *const *mine, size_t count) {
	for (size_t i = 0; i < names->count; i++)
		for (size_t j = 0; j < count; j++)
			if (bytes_equal_text(names->items[i], mine[j]))
				return true;
	return names->is_any;
}

/* touches: one of the destinations is enough. */
static bool
matches(const struct transfer_rule *rule, const struct transfer *t, bool touches) {
	const char *const asks[] = {t->by_b ? "workload:b" : "workload:a", t->by_b ? "desk:d2" : "desk:d1"};
	const char *const owns[] = {t->from_two ? "key:k2" : "key:k1", t->from_two ? "account:a2" : "account:a1",
				    t->from_two ? "desk:d2" : "desk:d1"};
	const char *const asset[] = {t->is_bitcoin ? "bitcoin:main/native" : "eip155:1/native"};
	const char *const x[] = {t->is_bitcoin ? "bitcoin:main:x" : "eip155:1:x"};
	const char *const y[] = {t->is_bitcoin ? "bitcoin:main:y" : "eip155:1:y"};
	int64_t spent = rule->period == RULE_TRANSACTION ? t->cents
			: rule->period == RULE_HOUR      ? t->key_hour
			: rule->period == RULE_DAY       ? t->account_day
							 : t->requester_week;
	bool all = (!t->to_x || has(&rule->destination, x, 1)) && (!t->to_y || has(&rule->destination, y, 1));
	bool any = (t->to_x && has(&rule->destination, x, 1)) || (t->to_y && has(&rule->destination, y, 1));
	return has(&rule->initiator, asks, 2) && has(&rule->source, owns, 3) && has(&rule->asset, asset, 1) &&
	       (!rule->is_allowed_destination || (t->allowed || (touches && t->some_allowed))) &&
	       (touches ? any : all) && (!rule->has_over || spent > rule->over_cents) &&
	       (!rule->has_up_to || spent <= rule->up_to_cents);
}

static bool
first_match_allows(const struct transfer_rules *rules, const struct transfer *t) {
	if (t->cents < 0 || t->unrecognised)
		return false;
	for (size_t i = 0; i < rules->count; i++) {
		const struct transfer_rule *rule = &rules->rules[i];
		if (!matches(rule, t, rule->action != RULE_ALLOW))
			continue;
		bool approved = rule->action != RULE_BLOCK && matches(rule, t, false);
		for (size_t j = 0; j < rule->approval_count; j++)
			approved = approved && (bytes_equal_text(rule->approvals[j].group, "treasury")
							? t->treasury
							: t->independent) >= rule->approvals[j].count;
		return approved;
	}
	return false;
}

static bool
policies_allow(const struct policy_set *set, const struct policy_entities *entities, const struct transfer *t,
	       struct arena *arena) {
	char text[1024], known[400] = "", usd[40] = "";
	if (t->cents >= 0) {
		snprintf(known, sizeof known,
			 "\"limits\":{\"account\":{\"day\":%lld},\"key\":{\"hour\":%lld},\"requester\":{\"week\":%lld}}"
			 ",",
			 (long long)t->account_day, (long long)t->key_hour, (long long)t->requester_week);
		snprintf(usd, sizeof usd, ",\"usd_cents\":%lld", (long long)t->cents);
	}
	snprintf(text, sizeof text,
		 "{\"approvals\":{\"group\":{\"treasury\":%lld},\"independent\":%lld},\"call\":{\"unrecognised\":%s},"
		 "\"destination\":{\"allowed\":%s,\"some_allowed\":%s},"
		 "%s"
		 "\"transfer\":{\"asset\":\"%s\",\"chain\":\"%s\",\"destinations\":[%s%s%s]%s}}",
		 (long long)t->treasury, (long long)t->independent, t->unrecognised ? "true" : "false",
		 t->allowed ? "true" : "false", t->some_allowed ? "true" : "false", known,
		 t->is_bitcoin ? "bitcoin:main/native" : "eip155:1/native", t->is_bitcoin ? "bitcoin:main" : "eip155:1",
		 t->to_x ? "\"x\"" : "", t->to_x && t->to_y ? "," : "", t->to_y ? "\"y\"" : "", usd);
	arena_reset(arena);
	struct value context = fixture_record(arena, text);
	struct policy_request request = {fixture_uid("Workload", t->by_b ? "b" : "a"), fixture_uid("Action", "sign"),
					 fixture_uid("Key", t->from_two ? "k2" : "k1"), &context};
	struct policy_result result;
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){.strict = true}, arena, &result));
	assert_int_equal(result.error_count, 0);
	return result.decision == POLICY_ALLOW;
}

static struct transfer
random_transfer(void) {
	struct transfer t = {.by_b = random_below(2),
			     .from_two = random_below(2),
			     .is_bitcoin = random_below(2),
			     .allowed = random_below(2),
			     .some_allowed = random_below(2),
			     .unrecognised = random_below(10) == 0,
			     .to_x = random_below(2),
			     .cents = random_below(10) == 0 ? -1 : (int64_t)random_below(9) * 50,
			     .key_hour = (int64_t)random_below(9) * 50,
			     .account_day = (int64_t)random_below(9) * 50,
			     .requester_week = (int64_t)random_below(9) * 50,
			     .treasury = random_below(3),
			     .independent = random_below(2)};
	t.to_y = !t.to_x || random_below(3) == 0;
	return t;
}

static void
a_thousand_random_lists_decide_as_their_first_match_says(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_entities *entities = fixture_two_desks();
	size_t allowed = 0, blocked = 0;
	for (size_t i = 0; i < 1000; i++) {
		_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
		_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
		_cleanup_(buffer_free) struct buffer text = {};
		random_rules(&rules);
		assert_ok(transfer_rules_compile(&rules, &text));
		assert_ok(policy_set_parse("rules.cedar", buffer_bytes(&text), &set, nullptr));
		for (size_t j = 0; j < 60; j++) {
			struct transfer t = random_transfer();
			bool expected = first_match_allows(&rules, &t);
			assert_int_equal(expected, policies_allow(set, entities, &t, &arena));
			allowed += expected;
			blocked += !expected;
		}
	}
	policy_entities_destroy(&entities);
	assert_true(allowed > 5'000 && blocked > 20'000);
}

RUN_TESTS(T(a_rule_becomes_a_permit_that_earlier_rules_can_take_away), T(bad_lists_are_refused_where_they_stand),
	  T(a_thousand_random_lists_decide_as_their_first_match_says))
