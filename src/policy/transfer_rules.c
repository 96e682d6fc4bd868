#include "policy/transfer_rules.h"

#include <stdio.h>

#include "policy/hex_address.h"
#include "policy/json_source.h"
#include "policy/limits_table.h"
#include "policy/transfer_rules_cedar.h"

constexpr size_t NAMES_MAX = 512; /* in one list, groups put in */

struct reading {
	struct transfer_rules *rules;
	struct json_source json;
	struct json_node groups;
};

/* What a name may be, by its list. */
enum names_kind { NAMES_INITIATOR, NAMES_SOURCE, NAMES_DESTINATION, NAMES_ASSET };

static const struct {
	const char *prefix, *entity;
	bool is_group, asks, owns;
} subjects[] = {
	{"person", "Person", false, true, false}, {"workload", "Workload", false, true, false},
	{"key", "Key", false, false, true},       {"account", "Account", true, false, true},
	{"desk", "Desk", true, true, true},       {"entity", "LegalEntity", true, true, true},
};

static bool
is_plain(struct bytes text, const char *beside) {
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!plain && (c == '\0' || strchr(beside, c) == nullptr))
			return false;
	}
	return text.len > 0 && text.len <= 160;
}

bool
transfer_rules_subject(struct bytes name, bool asks, const char **entity, bool *is_group, struct bytes *id) {
	const uint8_t *colon = name.len == 0 ? nullptr : memchr(name.data, ':', name.len);
	size_t len = colon == nullptr ? 0 : (size_t)(colon - name.data);
	for (size_t i = 0; colon != nullptr && i < sizeof subjects / sizeof *subjects; i++) {
		if (!bytes_equal_text(bytes_of(name.data, len), subjects[i].prefix) ||
		    !(asks ? subjects[i].asks : subjects[i].owns))
			continue;
		*entity = subjects[i].entity;
		*is_group = subjects[i].is_group;
		*id = bytes_of(colon + 1, name.len - len - 1);
		return is_plain(*id, "._-");
	}
	return false;
}

static bool
is_name(struct bytes name, enum names_kind kind) {
	const char *entity;
	bool is_group;
	struct bytes id;
	switch (kind) {
	case NAMES_INITIATOR:
	case NAMES_SOURCE:
		return transfer_rules_subject(name, kind == NAMES_INITIATOR, &entity, &is_group, &id);
	case NAMES_DESTINATION:
		return is_plain(name, "._-:") && memrchr(name.data, ':', name.len) > (const void *)name.data;
	case NAMES_ASSET:
		return is_plain(name, "._-:/") && memchr(name.data, '/', name.len) != nullptr;
	}
	return false;
}

/* --- Lists of names. --- */

static enum status
add_name(struct reading *reading, struct json_node node, enum names_kind kind, struct bytes *names, size_t *count) {
	static const char *const expected[] = {
		[NAMES_INITIATOR] = "person:ID, workload:ID, desk:ID, entity:ID or the name of a group",
		[NAMES_SOURCE] = "key:ID, account:ID, desk:ID, entity:ID or the name of a group",
		[NAMES_DESTINATION] = "chain:address or the name of a group",
		[NAMES_ASSET] = "an asset's id, such as eip155:1/native, or the name of a group",
	};
	TRY(json_source_expect(&reading->json, node, JSON_STRING));
	struct bytes name = json_string(node.value);
	if (!is_name(name, kind))
		return json_source_complain(&reading->json, node, "rules.name", "expected %s, found \"%.*s\"",
					    expected[kind], (int)(name.len > 60 ? 60 : name.len),
					    (const char *)name.data);
	if (!hex_address_is_as_in_facts(name))
		return json_source_complain(&reading->json, node, "rules.address",
					    "expected upper and lower case as facts write it, found \"%.*s\"",
					    (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	if (*count == NAMES_MAX)
		return json_source_complain(&reading->json, node, "rules.names", "more than %zu names", NAMES_MAX);
	names[(*count)++] = name;
	return OK;
}

static struct json_node
find_group(const struct reading *reading, struct bytes name) {
	struct json_walk walk;
	struct bytes key;
	struct json_node group;
	if (reading->groups.value == nullptr)
		return (struct json_node){};
	walk = json_source_walk(&reading->json, reading->groups);
	while (json_source_next(&walk, &key, &group))
		if (bytes_equal(key, name))
			return group;
	return (struct json_node){};
}

static enum status
read_names(struct reading *reading, struct json_node rule, const char *key, enum names_kind kind,
	   struct rule_names *names) {
	struct json_node list = json_source_get(&reading->json, rule, key), item, member;
	struct bytes *items = ARENA_NEW_ARRAY(&reading->rules->arena, NAMES_MAX, struct bytes);
	TRY_ALLOC(items);
	*names = (struct rule_names){.items = items, .is_any = list.value == nullptr};
	if (names->is_any)
		return OK;
	TRY(json_source_expect(&reading->json, list, JSON_ARRAY));
	struct json_walk walk = json_source_walk(&reading->json, list);
	while (json_source_next(&walk, nullptr, &item)) {
		struct json_node group = {};
		if (json_type_of(item.value) == JSON_STRING)
			group = find_group(reading, json_string(item.value));
		if (group.value == nullptr) {
			TRY(add_name(reading, item, kind, items, &names->count));
			continue;
		}
		TRY(json_source_expect(&reading->json, group, JSON_ARRAY));
		struct json_walk members = json_source_walk(&reading->json, group);
		while (json_source_next(&members, nullptr, &member))
			TRY(add_name(reading, member, kind, items, &names->count));
	}
	return names->count > 0 ? OK
				: json_source_complain(&reading->json, list, "rules.names",
						       "expected at least one name: an empty list matches nothing");
}

static enum status
read_destination(struct reading *reading, struct json_node rule, struct transfer_rule *read) {
	struct json_node node = json_source_get(&reading->json, rule, "destination");
	if (node.value == nullptr || json_type_of(node.value) == JSON_ARRAY)
		return read_names(reading, rule, "destination", NAMES_DESTINATION, &read->destination);
	TRY(json_source_expect(&reading->json, node, JSON_STRING));
	read->destination.is_any = true;
	read->is_allowed_destination = bytes_equal_text(json_string(node.value), "allowed");
	return read->is_allowed_destination || bytes_equal_text(json_string(node.value), "any")
		       ? OK
		       : json_source_complain(&reading->json, node, "rules.destination",
					      "expected \"any\", \"allowed\" or a list");
}

/* --- Amounts. --- */

static bool
parse_cents(struct bytes text, int64_t *cents) {
	size_t dot = 0;
	uint64_t whole, part = 0;
	while (dot < text.len && text.data[dot] != '.')
		dot++;
	size_t decimals = dot < text.len ? text.len - dot - 1 : 0;
	if (decimal_decode(bytes_of(text.data, dot), &whole) != OK || (dot < text.len && decimals == 0) ||
	    decimals > 2 || whole > UINT64_C(90'000'000'000'000))
		return false;
	for (size_t i = 0; i < 2; i++) {
		uint8_t c = i < decimals ? text.data[dot + 1 + i] : '0';
		if (c < '0' || c > '9')
			return false;
		part = part * 10 + (uint64_t)(c - '0');
	}
	*cents = (int64_t)(whole * 100 + part);
	return true;
}

static enum status
read_bound(struct reading *reading, struct json_node amount, const char *key, bool *has, int64_t *cents) {
	struct json_node node = json_source_get(&reading->json, amount, key);
	*has = node.value != nullptr;
	if (!*has)
		return OK;
	TRY(json_source_expect(&reading->json, node, JSON_STRING));
	return parse_cents(json_string(node.value), cents)
		       ? OK
		       : json_source_complain(&reading->json, node, "rules.amount",
					      "expected US dollars with at most two decimals, such as \"1000.00\"");
}

static enum status
read_amount(struct reading *reading, struct json_node rule, struct transfer_rule *read) {
	static const char *const members[] = {"over_usd", "up_to_usd", nullptr};
	struct json_node amount = json_source_get(&reading->json, rule, "amount");
	if (amount.value == nullptr)
		return OK;
	TRY(json_source_expect(&reading->json, amount, JSON_OBJECT));
	TRY(json_source_only(&reading->json, amount, members));
	TRY(read_bound(reading, amount, "over_usd", &read->has_over, &read->over_cents));
	return read_bound(reading, amount, "up_to_usd", &read->has_up_to, &read->up_to_cents);
}

static enum status
read_choice(struct reading *reading, struct json_node rule, const char *key, const char *const *words, int *choice) {
	struct json_node node = json_source_get(&reading->json, rule, key);
	if (node.value == nullptr)
		return OK;
	TRY(json_source_expect(&reading->json, node, JSON_STRING));
	for (*choice = 0; words[*choice] != nullptr; (*choice)++)
		if (bytes_equal_text(json_string(node.value), words[*choice]))
			return OK;
	char name[32];
	snprintf(name, sizeof name, "rules.%s", key);
	return json_source_complain(&reading->json, node,
				    strcmp(key, "period") == 0 ? "rules.period"
				    : strcmp(key, "per") == 0  ? "rules.per"
							       : "rules.action",
				    "\"%.*s\" is none that there is", (int)json_string(node.value).len,
				    (const char *)json_string(node.value).data);
}

static enum status
read_period(struct reading *reading, struct json_node rule, struct transfer_rule *read) {
	static const char *const periods[] = {"transaction", "hour", "day", "week", nullptr};
	static const char *const dimensions[] = {"account", "asset",        "desk",      "destination",
						 "key",     "legal_entity", "requester", nullptr};
	struct json_node per = json_source_get(&reading->json, rule, "per");
	int period = RULE_TRANSACTION, dimension = 0;
	TRY(read_choice(reading, rule, "period", periods, &period));
	TRY(read_choice(reading, rule, "per", dimensions, &dimension));
	read->period = (enum rule_period)period;
	if ((per.value != nullptr) != (period != RULE_TRANSACTION))
		return json_source_complain(&reading->json, rule, "rules.per",
					    "expected per where there is a period, and only there");
	if (per.value != nullptr)
		read->per = bytes_of_text(dimensions[dimension]);
	return period == RULE_TRANSACTION || read->has_over || read->has_up_to
		       ? OK
		       : json_source_complain(&reading->json, rule, "rules.period",
					      "expected an amount for the period");
}

/* --- Actions. --- */

static enum status
read_approvals(struct reading *reading, struct json_node rule, struct transfer_rule *read) {
	struct json_node node = json_source_get(&reading->json, rule, "approvals"), count;
	struct bytes group;
	if ((node.value != nullptr) != (read->action == RULE_APPROVE))
		return json_source_complain(&reading->json, rule, "rules.approvals",
					    "expected approvals where the action is approve, and only there");
	if (node.value == nullptr)
		return OK;
	TRY(json_source_expect(&reading->json, node, JSON_OBJECT));
	struct json_walk walk = json_source_walk(&reading->json, node);
	while (json_source_next(&walk, &group, &count)) {
		bool is_count = json_type_of(count.value) == JSON_INTEGER && json_integer(count.value) >= 1 &&
				json_integer(count.value) <= 1000;
		if (!is_count || group.len > 64 || !is_plain(group, "_-") || read->approval_count == 8)
			return json_source_complain(&reading->json, count, "rules.approvals",
						    "expected at most 8 groups with counts of 1 to 1000");
		read->approvals[read->approval_count++] = (struct rule_approvals){group, json_integer(count.value)};
	}
	return read->approval_count > 0
		       ? OK
		       : json_source_complain(&reading->json, node, "rules.approvals", "expected a group");
}

static enum status
read_text(struct reading *reading, struct json_node rule, const char *key, struct bytes *text) {
	struct json_node node = json_source_get(&reading->json, rule, key);
	if (node.value == nullptr)
		return OK;
	TRY(json_source_expect(&reading->json, node, JSON_STRING));
	*text = json_string(node.value);
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] < 0x20 || text->data[i] == 0x7F)
			return json_source_complain(&reading->json, node, "rules.note", "expected one line of text");
	return OK;
}

static enum status
read_id(struct reading *reading, struct json_node rule, struct transfer_rule *read) {
	struct json_node node;
	TRY(json_source_need(&reading->json, rule, "id", JSON_STRING, &node));
	read->id = json_string(node.value);
	bool is_new = is_plain(read->id, "_-.");
	for (size_t i = 0; is_new && i < reading->rules->count; i++)
		is_new = !bytes_equal(reading->rules->rules[i].id, read->id);
	return is_new ? OK
		      : json_source_complain(&reading->json, node, "rules.id",
					     "expected an id of letters, digits, -, _ and . that no earlier rule has");
}

static enum status
read_rule(struct reading *reading, struct json_node rule) {
	static const char *const members[] = {"id",     "initiator", "source", "destination", "asset", "amount",
					      "period", "per",       "action", "approvals",   "note",  nullptr};
	static const char *const actions[] = {"allow", "block", "approve", nullptr};
	struct transfer_rule *read = &reading->rules->rules[reading->rules->count];
	struct json_node action_node;
	int action = 0;
	*read = (struct transfer_rule){};
	TRY(json_source_expect(&reading->json, rule, JSON_OBJECT));
	TRY(json_source_only(&reading->json, rule, members));
	TRY(read_id(reading, rule, read));
	TRY(read_names(reading, rule, "initiator", NAMES_INITIATOR, &read->initiator));
	TRY(read_names(reading, rule, "source", NAMES_SOURCE, &read->source));
	TRY(read_destination(reading, rule, read));
	TRY(read_names(reading, rule, "asset", NAMES_ASSET, &read->asset));
	TRY(read_amount(reading, rule, read));
	TRY(read_period(reading, rule, read));
	TRY(json_source_need(&reading->json, rule, "action", JSON_STRING, &action_node));
	TRY(read_choice(reading, rule, "action", actions, &action));
	read->action = (enum rule_action)action;
	TRY(read_approvals(reading, rule, read));
	TRY(read_text(reading, rule, "note", &read->note));
	reading->rules->count++;
	return OK;
}

/* --- The list. --- */

static enum status
read_rules(struct reading *reading) {
	static const char *const members[] = {"groups", "rules", "type", nullptr};
	struct json_node root, type, list, rule;
	TRY(json_source_read(&reading->json, &root));
	TRY(json_source_expect(&reading->json, root, JSON_OBJECT));
	TRY(json_source_need(&reading->json, root, "type", JSON_STRING, &type));
	if (!bytes_equal_text(json_string(type.value), "gatehouse/transfer-rules/v1"))
		return json_source_complain(&reading->json, type, "rules.type",
					    "this program reads gatehouse/transfer-rules/v1");
	TRY(json_source_only(&reading->json, root, members));
	reading->groups = json_source_get(&reading->json, root, "groups");
	if (reading->groups.value != nullptr)
		TRY(json_source_expect(&reading->json, reading->groups, JSON_OBJECT));
	TRY(json_source_need(&reading->json, root, "rules", JSON_ARRAY, &list));
	if (json_size(list.value) > RULES_MAX)
		return json_source_complain(&reading->json, list, "rules.count", "more than %zu rules", RULES_MAX);
	reading->rules->rules =
		ARENA_NEW_ARRAY(&reading->rules->arena, json_size(list.value) + 1, struct transfer_rule);
	TRY_ALLOC(reading->rules->rules);
	struct json_walk walk = json_source_walk(&reading->json, list);
	while (json_source_next(&walk, nullptr, &rule))
		TRY(read_rule(reading, rule));
	return OK;
}

enum status
transfer_rules_read(struct transfer_rules *rules, const char *name, struct bytes text,
		    struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	*rules = (struct transfer_rules){};
	struct bytes kept = arena_copy(&rules->arena, text);
	TRY_ALLOC(kept.data);
	const struct policy_source source = {name, kept};
	struct reading reading = {.rules = rules,
				  .json = {.arena = &rules->arena,
					   .source = &source,
					   .diagnostics = diagnostics == nullptr ? &own : diagnostics,
					   .prefix = "rules"}};
	return read_rules(&reading);
}

void
transfer_rules_free(struct transfer_rules *rules) {
	arena_free(&rules->arena);
	*rules = (struct transfer_rules){};
}
