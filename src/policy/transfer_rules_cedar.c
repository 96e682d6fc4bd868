#include "policy/transfer_rules.h"
#include "policy/transfer_rules_cedar.h"

/* --- One rule's conditions, each a Boolean that cannot fail. --- */

static void
append_subjects(struct buffer *to, const char *variable, const struct rule_names *names, bool asks) {
	buffer_append_byte(to, '(');
	for (size_t i = 0; i < names->count; i++) {
		const char *entity = "";
		bool is_group = false;
		struct bytes id = {};
		(void)transfer_rules_subject(names->items[i], asks, &entity, &is_group, &id);
		buffer_append_format(to, "%s%s %s %s::\"%.*s\"", i == 0 ? "" : " || ", variable,
				     is_group ? "in" : "==", entity, BYTES_ARGS(id));
	}
	buffer_append_byte(to, ')');
}

static void
append_strings(struct buffer *to, const struct bytes *items, size_t count) {
	buffer_append_byte(to, '[');
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "%s\"%.*s\"", i == 0 ? "" : ", ", BYTES_ARGS(items[i]));
	buffer_append_byte(to, ']');
}

static struct bytes
chain_of(struct bytes destination) {
	const uint8_t *colon = memrchr(destination.data, ':', destination.len);
	return bytes_of(destination.data, (size_t)(colon - destination.data));
}

/* Facts name chain and addresses apart: one term for each chain. touches: one of the destinations is enough. */
static void
append_destinations(struct buffer *to, const struct rule_names *names, bool touches) {
	const char *or = "(";
	for (size_t i = 0; i < names->count; i++) {
		struct bytes chain = chain_of(names->items[i]);
		const char *comma = "";
		bool is_first = true;
		for (size_t j = 0; j < i; j++)
			is_first = is_first && !bytes_equal(chain, chain_of(names->items[j]));
		if (!is_first)
			continue;
		buffer_append_format(to, "%s(context.transfer.chain == \"%.*s\" && [", or, BYTES_ARGS(chain));
		for (size_t j = i; j < names->count; j++) {
			if (!bytes_equal(chain, chain_of(names->items[j])))
				continue;
			struct bytes name = names->items[j];
			buffer_append_format(to, "%s\"%.*s\"", comma, (int)(name.len - chain.len - 1),
					     (const char *)name.data + chain.len + 1);
			comma = ", ";
		}
		buffer_append_format(to, "].%s(context.transfer.destinations))",
				     touches ? "containsAny" : "containsAll");
		or = " || ";
	}
	buffer_append_byte(to, ')');
}

static void
append_spent(struct buffer *to, const struct transfer_rule *rule) {
	static const char *const periods[] = {"", "hour", "day", "week"};
	if (rule->period == RULE_TRANSACTION)
		buffer_append_text(to, "context.transfer.usd_cents");
	else
		buffer_append_format(to, "context.limits.%.*s.%s", BYTES_ARGS(rule->per), periods[rule->period]);
}

static void
append_known(struct buffer *to, const struct transfer_rule *rule) {
	if (rule->period == RULE_TRANSACTION)
		buffer_append_text(to, "context.transfer has usd_cents");
	else
		buffer_append_format(to, "context has limits && context.limits has %.*s", BYTES_ARGS(rule->per));
}

/* `true` where the rule matches everything. */
static void
append_match(struct buffer *to, const struct transfer_rule *rule, bool touches) {
	size_t start = to->len;
#define AND buffer_append_text(to, to->len == start ? "" : " && ")
	if (!rule->initiator.is_any) {
		AND;
		append_subjects(to, "principal", &rule->initiator, true);
	}
	if (!rule->source.is_any) {
		AND;
		append_subjects(to, "resource", &rule->source, false);
	}
	if (rule->is_allowed_destination) {
		AND;
		buffer_append_text(to, touches ? "(context.destination.allowed || context.destination.some_allowed)"
					       : "context.destination.allowed");
	}
	if (!rule->destination.is_any) {
		AND;
		append_destinations(to, &rule->destination, touches);
	}
	if (!rule->asset.is_any) {
		AND;
		append_strings(to, rule->asset.items, rule->asset.count);
		buffer_append_text(to, ".contains(context.transfer.asset)");
	}
	if (rule->has_over || rule->has_up_to) {
		AND;
		append_known(to, rule);
	}
	if (rule->has_over) {
		AND;
		append_spent(to, rule);
		buffer_append_format(to, " > %lld", (long long)rule->over_cents);
	}
	if (rule->has_up_to) {
		AND;
		append_spent(to, rule);
		buffer_append_format(to, " <= %lld", (long long)rule->up_to_cents);
	}
#undef AND
	if (to->len == start)
		buffer_append_text(to, "true");
}

static void
append_approvals(struct buffer *to, const struct transfer_rule *rule) {
	for (size_t i = 0; i < rule->approval_count; i++) {
		struct bytes group = rule->approvals[i].group;
		bool of_anyone = bytes_equal_text(group, "total") || bytes_equal_text(group, "independent");
		buffer_append_format(to,
				     of_anyone ? " && context.approvals.%.*s >= %lld"
					       : " && context.approvals.group[\"%.*s\"] >= %lld",
				     BYTES_ARGS(group), (long long)rule->approvals[i].count);
	}
}

static void
append_note(struct buffer *to, struct bytes note) {
	if (note.len == 0)
		return;
	buffer_append_text(to, "@reason(\"");
	for (size_t i = 0; i < note.len; i++) {
		if (note.data[i] == '"' || note.data[i] == '\\')
			buffer_append_byte(to, '\\');
		buffer_append_byte(to, note.data[i]);
	}
	buffer_append_text(to, "\")\n");
}

/* --- The list. --- */

/* An earlier rule that allows without approvals is passed over: what it matches is permitted as well. Of the others one destination is
 * enough: else whoever pays a second one beside it would be free of them. */
static void
append_earlier(struct buffer *to, const struct transfer_rules *rules, size_t before) {
	const char *or = "unless {\n  ";
	for (size_t i = 0; i < before; i++) {
		if (rules->rules[i].action == RULE_ALLOW)
			continue;
		buffer_append_format(to, "%s(", or);
		append_match(to, &rules->rules[i], true);
		buffer_append_byte(to, ')');
		or = " ||\n  ";
	}
	if (or [0] == ' ')
		buffer_append_text(to, "\n}");
}

static void
append_rule(struct buffer *to, const struct transfer_rules *rules, size_t number) {
	const struct transfer_rule *rule = &rules->rules[number];
	if (rule->action == RULE_BLOCK)
		return;
	buffer_append_format(to, "\n@id(\"rule:%.*s\")\n", BYTES_ARGS(rule->id));
	append_note(to, rule->note);
	buffer_append_text(to, "permit (principal, action == Action::\"sign\", resource)\nwhen { ");
	append_match(to, rule, false);
	append_approvals(to, rule);
	buffer_append_text(to, " }\n");
	append_earlier(to, rules, number);
	buffer_append_text(to, ";\n");
}

/* What must be known before any rule is asked. */
static void
append_known_first(struct buffer *to, const struct transfer_rules *rules) {
	buffer_append_text(
		to, "\n@id(\"rule-list:known\")\n"
		    "@reason(\"What is not known to be worth or spent so much, or to be a transfer at all, matches "
		    "no rule.\")\n"
		    "forbid (principal, action == Action::\"sign\", resource)\n"
		    "unless { !context.call.unrecognised && context.transfer has usd_cents");
	bool has_limits = false;
	for (size_t i = 0; i < rules->count; i++) {
		bool is_new = rules->rules[i].period != RULE_TRANSACTION;
		for (size_t j = 0; j < i; j++)
			is_new = is_new && !bytes_equal(rules->rules[j].per, rules->rules[i].per);
		if (!is_new)
			continue;
		buffer_append_format(to, "%s && context.limits has %.*s", has_limits ? "" : " && context has limits",
				     BYTES_ARGS(rules->rules[i].per));
		has_limits = true;
	}
	buffer_append_text(to, " };\n");
}

enum status
transfer_rules_compile(const struct transfer_rules *rules, struct buffer *to) {
	size_t start = to->len;
	buffer_append_text(to, "// Made from a list of transfer rules, of which the first that matches decides.\n");
	append_known_first(to, rules);
	for (size_t i = 0; i < rules->count; i++) {
		append_rule(to, rules, i);
		if (to->len - start > RULES_TEXT_MAX)
			return fail(STATUS_TOO_LARGE, "rules.size: the policies would have more than %zu bytes",
				    RULES_TEXT_MAX);
	}
	return buffer_status(to);
}
