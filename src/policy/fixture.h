/*
 * What the tests of policy/ share: sets and stores from literals. Include after tests/test.h.
 */
#ifndef GATEHOUSE_POLICY_FIXTURE_H
#define GATEHOUSE_POLICY_FIXTURE_H

#include "policy/policy.h"

static inline struct policy_set *
fixture_policies(const char *text) {
	struct policy_set *set = nullptr;
	if (policy_set_parse("test.cedar", bytes_of_text(text), &set, nullptr) != OK)
		fail_msg("%s: %s", text, fail_message());
	return set;
}

/* The first finding of that text, of that name at that place. */
static inline void
fixture_assert_first(const struct policy_diagnostics *diagnostics, const char *text, const char *name, size_t line,
		     size_t column) {
	if (diagnostics->count == 0)
		fail_msg("%s: expected %s at %zu:%zu, found nothing", text, name, line, column);
	const struct policy_diagnostic *first = &diagnostics->items[0];
	if (strcmp(first->name, name) != 0 || first->line != line || first->column != column)
		fail_msg("%s: expected %s at %zu:%zu, found %s at %zu:%zu", text, name, line, column, first->name,
			 first->line, first->column);
}

static inline struct policy_entities *
fixture_entities(const char *text) {
	struct policy_entities *entities = nullptr;
	struct policy_source source = {"test.entities.json", bytes_of_text(text)};
	assert_ok(policy_entities_create(&entities));
	if (policy_entities_read(entities, &source, (struct policy_entities_options){}, nullptr) != OK ||
	    policy_entities_seal(entities) != OK)
		fail_msg("%s: %s", text, fail_message());
	return entities;
}

/* What tables are tried on: two workloads and two keys, one of each on either of two desks, of two legal entities. */
static inline struct policy_entities *
fixture_two_desks(void) {
	return fixture_entities("[{\"uid\":{\"type\":\"Workload\",\"id\":\"a\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Desk\",\"id\":\"d1\"}]},"
				"{\"uid\":{\"type\":\"Workload\",\"id\":\"b\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Desk\",\"id\":\"d2\"}]},"
				"{\"uid\":{\"type\":\"Key\",\"id\":\"k1\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Account\",\"id\":\"a1\"}]},"
				"{\"uid\":{\"type\":\"Key\",\"id\":\"k2\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Account\",\"id\":\"a2\"}]},"
				"{\"uid\":{\"type\":\"Account\",\"id\":\"a1\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Desk\",\"id\":\"d1\"}]},"
				"{\"uid\":{\"type\":\"Account\",\"id\":\"a2\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"Desk\",\"id\":\"d2\"}]},"
				"{\"uid\":{\"type\":\"Desk\",\"id\":\"d1\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"LegalEntity\",\"id\":\"e1\"}]},"
				"{\"uid\":{\"type\":\"Desk\",\"id\":\"d2\"},\"attrs\":{},\"parents\":[{\"type\":"
				"\"LegalEntity\",\"id\":\"e2\"}]}]");
}

static inline struct entity_uid
fixture_uid(const char *type, const char *id) {
	return (struct entity_uid){bytes_of_text(type), bytes_of_text(id)};
}

/* A record in the arena. */
static inline struct value
fixture_record(struct arena *arena, const char *text) {
	struct value value = {};
	const json *root;
	struct json_limits limits = {.integers = JSON_INT64_INTEGERS};
	if (json_read(arena, bytes_of_text(text), limits, &root) != OK || value_read(arena, root, &value) != OK)
		fail_msg("%s: %s", text, fail_message());
	return value;
}

#endif
