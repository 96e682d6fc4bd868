#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/entity_store.h"
#include "policy/fixture.h"

#define UID(type, id) "{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define ENTITY(uid, attributes, parents) "{\"uid\":" uid ",\"attrs\":" attributes ",\"parents\":" parents "}"

static void
put(struct policy_entities *entities, const char *id, size_t parent_count, const char *const *parents) {
	struct entity_uid uids[8];
	for (size_t i = 0; i < parent_count; i++)
		uids[i] = fixture_uid("E", parents[i]);
	struct policy_entity entity = {.uid = fixture_uid("E", id), .parents = uids, .parent_count = parent_count};
	assert_ok(policy_entities_put(entities, &entity));
}

#define PUT(entities, id, ...)                                                                                         \
	do {                                                                                                           \
		const char *const put_parents_[] = {__VA_ARGS__};                                                      \
		put((entities), (id), ARRAY_LENGTH(put_parents_), put_parents_);                                       \
	} while (0)

static bool
is_in(const struct policy_entities *entities, const char *descendant, const char *ancestor) {
	return policy_entities_is_in(entities, fixture_uid("E", descendant), fixture_uid("E", ancestor));
}

static void
membership_is_reflexive_and_transitive(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	PUT(entities, "trader", "desk", "guild");
	PUT(entities, "desk", "firm");
	put(entities, "firm", 0, nullptr);
	assert_ok(policy_entities_seal(entities));
	assert_true(is_in(entities, "trader", "trader"));
	assert_true(is_in(entities, "trader", "firm"));
	assert_true(is_in(entities, "trader", "guild")); /* never put */
	assert_true(is_in(entities, "nobody", "nobody"));
	assert_false(is_in(entities, "nobody", "firm"));
	assert_false(is_in(entities, "firm", "trader"));
	assert_false(is_in(entities, "guild", "firm"));
	assert_int_equal(policy_entities_count(entities), 3);
	struct policy_entity entity;
	assert_false(policy_entities_get(entities, fixture_uid("E", "guild"), &entity));
	assert_true(policy_entities_get(entities, fixture_uid("E", "desk"), &entity));
}

static void
what_is_put_is_copied_and_replaced(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	for (int64_t round = 0; round < 3; round++) {
		_cleanup_(arena_free) struct arena arena = {};
		char text[128];
		snprintf(text, sizeof text, "{\"limit\":%lld,\"names\":[\"b\",\"a\",\"b\"],\"r\":{\"x\":{}}}",
			 (long long)round);
		struct value attributes = fixture_record(&arena, text), tags = fixture_record(&arena, "{\"t\":\"v\"}");
		struct policy_entity entity = {
			.uid = fixture_uid("Key", "hot"), .attributes = &attributes, .tags = &tags};
		assert_ok(policy_entities_put(entities, &entity));
		assert_ok(policy_entities_seal(entities));
	}
	struct policy_entity entity;
	_cleanup_(arena_free) struct arena arena = {};
	assert_true(policy_entities_get(entities, fixture_uid("Key", "hot"), &entity));
	struct value expected = fixture_record(&arena, "{\"limit\":2,\"names\":[\"a\",\"b\"],\"r\":{\"x\":{}}}");
	struct value expected_tags = fixture_record(&arena, "{\"t\":\"v\"}");
	assert_true(value_equal(entity.attributes, &expected));
	assert_true(value_equal(entity.tags, &expected_tags));
	assert_true(value_record_get(entity.attributes, bytes_of_text("names"))->set.is_sorted);
	assert_int_equal(policy_entities_count(entities), 1);
}

static void
a_cycle_is_refused_and_can_be_mended(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	PUT(entities, "a", "b");
	PUT(entities, "b", "c");
	PUT(entities, "c", "a");
	assert_fails(STATUS_INVALID, "entities.cycle", policy_entities_seal(entities));
	assert_fails(STATUS_INVALID, "entities.cycle", policy_entities_seal(entities));
	PUT(entities, "c", "d");
	assert_ok(policy_entities_seal(entities));
	assert_true(is_in(entities, "a", "d"));
	PUT(entities, "d", "d");
	assert_fails(STATUS_INVALID, "entities.cycle", policy_entities_seal(entities));
	assert_ok(policy_entities_remove(entities, fixture_uid("E", "d")));
	assert_ok(policy_entities_seal(entities));
	assert_true(is_in(entities, "a", "d"));
	assert_false(is_in(entities, "d", "a"));
}

static void
a_store_that_is_not_sealed_decides_nothing(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	_cleanup_(policy_set_destroy) struct policy_set *set = fixture_policies("permit(principal, action, resource);");
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_request request = {fixture_uid("A", ""), fixture_uid("A", ""), fixture_uid("A", ""), nullptr};
	struct policy_result result;
	assert_ok(policy_entities_create(&entities));
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){}, &arena, &result));
	PUT(entities, "a", "b");
	assert_fails(STATUS_INTERNAL, "entities.unsealed",
		     policy_decide(set, entities, &request, (struct policy_options){}, &arena, &result));
	assert_int_equal(result.decision, POLICY_DENY);
	assert_ok(policy_entities_seal(entities));
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){}, &arena, &result));
	assert_int_equal(result.decision, POLICY_ALLOW);
}

constexpr size_t NODES = 12;

struct model { /* what the store should be: parents as bits, or not put */
	bool is_put[NODES];
	uint32_t parents[NODES];
};

static uint32_t
ancestors_of(const struct model *model, size_t node) {
	uint32_t found = model->is_put[node] ? model->parents[node] : 0;
	for (size_t round = 0; round < NODES; round++)
		for (size_t i = 0; i < NODES; i++)
			if ((found >> i & 1) != 0 && model->is_put[i])
				found |= model->parents[i];
	return found;
}

static uint32_t random_state = 12345;

static uint32_t
random_below(uint32_t limit) {
	random_state = random_state * 1'664'525 + 1'013'904'223;
	return (random_state >> 8) % limit;
}

static void
name_node(size_t node, char name[8]) {
	snprintf(name, 8, "n%zu", node);
}

static void
put_random(struct policy_entities *entities, struct model *model, size_t node) {
	char names[NODES][8], own[8];
	const char *parents[NODES];
	size_t count = 0;
	model->is_put[node] = true;
	model->parents[node] = 0;
	for (size_t i = 0; i < NODES; i++)
		if (i != node && random_below(5) == 0 && count < 8 && (ancestors_of(model, i) >> node & 1) == 0) {
			model->parents[node] |= UINT32_C(1) << i;
			name_node(i, names[count]);
			parents[count] = names[count];
			count++;
		}
	name_node(node, own);
	put(entities, own, count, parents);
}

static void
ancestors_agree_with_a_plain_search_after_every_change(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct model model = {};
	assert_ok(policy_entities_create(&entities));
	for (size_t round = 0; round < 4000; round++) {
		for (uint32_t changes = 1 + random_below(3); changes > 0; changes--) {
			size_t node = random_below(NODES);
			char name[8];
			name_node(node, name);
			if (random_below(3) == 0) {
				assert_ok(policy_entities_remove(entities, fixture_uid("E", name)));
				model.is_put[node] = false;
			} else
				put_random(entities, &model, node);
		}
		assert_ok(policy_entities_seal(entities));
		size_t put_count = 0;
		for (size_t i = 0; i < NODES; i++) {
			uint32_t expected = ancestors_of(&model, i);
			put_count += model.is_put[i];
			for (size_t j = 0; j < NODES; j++) {
				char below[8], above[8];
				name_node(i, below);
				name_node(j, above);
				assert_int_equal(is_in(entities, below, above), i == j || (expected >> j & 1) != 0);
			}
		}
		assert_int_equal(policy_entities_count(entities), put_count);
	}
}

static void
a_deep_hierarchy_takes_no_stack(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	constexpr size_t DEEP = 5'000;
	for (size_t i = 0; i < DEEP; i++) {
		char id[16], parent[16];
		snprintf(id, sizeof id, "%zu", i);
		snprintf(parent, sizeof parent, "%zu", i + 1);
		PUT(entities, id, parent);
	}
	assert_ok(policy_entities_seal(entities));
	assert_true(is_in(entities, "0", "5000"));
	assert_false(is_in(entities, "5000", "0"));
}

static void
more_ancestors_than_the_limit_are_refused(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	for (size_t i = 0; i < 10'001; i++) {
		char id[16], parent[16];
		snprintf(id, sizeof id, "%zu", i);
		snprintf(parent, sizeof parent, "%zu", i + 1);
		PUT(entities, id, parent);
	}
	assert_fails(STATUS_TOO_LARGE, "entities.ancestors", policy_entities_seal(entities));
}

static void
many_entities_are_found_again(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	constexpr size_t MANY = 20'000;
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < MANY; i++) {
			char id[16];
			snprintf(id, sizeof id, "%zu", i);
			PUT(entities, id, "group");
		}
		assert_ok(policy_entities_seal(entities));
		assert_int_equal(policy_entities_count(entities), MANY);
		assert_true(is_in(entities, "0", "group") && is_in(entities, "19999", "group"));
		for (size_t i = 0; i < MANY; i++) {
			char id[16];
			snprintf(id, sizeof id, "%zu", i);
			assert_ok(policy_entities_remove(entities, fixture_uid("E", id)));
		}
		assert_ok(policy_entities_seal(entities));
		assert_int_equal(policy_entities_count(entities), 0);
		assert_false(is_in(entities, "0", "group"));
	}
}

static const struct {
	const char *text, *name;
	size_t line, column;
} bad_texts[] = {
	{"", "json.syntax", 1, 1},
	{"[", "json.syntax", 1, 2},
	{"[\n  {\"uid\": x}\n]", "json.syntax", 2, 11},
	{"[1.5]", "json.float", 1, 2},
	{"[\n 99999999999999999999]", "json.integer", 2, 2},
	{"[\n" ENTITY(UID("A", "a"), "{\"n\":9223372036854775808}", "[]") "]", "json.integer", 2, 43},
	{"[\n" ENTITY(UID("A", "a"), "{}", "[]") ",\n" ENTITY(UID("A", "b"), "{\"x\":1,\"x\":2}", "[]") "]",
	 "json.duplicate_key", 3, 49},
	{"[\"\xff\"]", "json.syntax", 1, 3},
	{"{}", "entities.list", 1, 1},
	{" null", "entities.list", 1, 2},
	{"[1]", "entities.entity", 1, 2},
	{"[\n {}\n]", "entities.uid", 2, 2},
	{"[{\"uid\":\"A::a\",\"attrs\":{},\"parents\":[]}]", "entities.uid", 1, 9},
	{"[{\"uid\":{\"type\":\"A\"},\"attrs\":{},\"parents\":[]}]", "value.entity.id", 1, 9},
	{"[{\"uid\":{\"type\":\"A\",\"id\":1},\"attrs\":{},\"parents\":[]}]", "value.entity.id", 1, 9},
	{"[{\"uid\":{\"type\":\"A B\",\"id\":\"\"},\"attrs\":{},\"parents\":[]}]", "value.entity_type", 1, 9},
	{"[{\"uid\":{\"type\":\"if\",\"id\":\"\"},\"attrs\":{},\"parents\":[]}]", "value.entity_type", 1, 9},
	{"[{\"uid\":" UID("A", "a") ",\"parents\":[]}]", "entities.attrs", 1, 2},
	{"[{\"uid\":" UID("A", "a") ",\"attrs\":[],\"parents\":[]}]", "entities.attrs", 1, 39},
	{"[{\"uid\":" UID("A", "a") ",\"attrs\":{}}]", "entities.parents", 1, 2},
	{"[{\"uid\":" UID("A", "a") ",\"attrs\":{},\"parents\":{}}]", "entities.parents", 1, 52},
	{"[" ENTITY(UID("A", "a"), "{}", "[1]") "]", "value.entity", 1, 52},
	{"[{\"uid\":" UID("A", "a") ",\"attrs\":{},\"parents\":[],\"tags\":1}]", "entities.tags", 1, 62},
	{"[{\"uid\":" UID("A", "a") ",\"attrs\":{},\"parents\":[],\"age\":1}]", "entities.age", 1, 2},
	{"[" ENTITY(UID("A", "a"), "{\"x\":null}", "[]") "]", "value.null", 1, 39},
	{"[" ENTITY(UID("A", "a"), "{\"x\":{\"__expr\":\"1\"}}", "[]") "]", "value.expression", 1, 39},
	{"[" ENTITY(UID("A", "a"), "{\"__entity\":{\"type\":\"A\",\"id\":\"\"}}", "[]") "]", "entities.record", 1, 39},
	{"[" ENTITY(UID("A", "a"), "{\"x\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"1\"}}}", "[]") "]", "value.ip", 1, 39},
	{"[" ENTITY(UID("A", "a"), "{\"x\":{\"__extn\":{\"fn\":\"now\",\"arg\":\"1\"}}}", "[]") "]",
	 "value.extension_function", 1, 39},
	{"[\n" ENTITY(UID("A", "a"), "{}", "[]") ",\n\t" ENTITY(UID("A", "a"), "{}", "[]") "\n]", "entities.duplicate",
	 3, 9},
};

static void
each_malformed_document_is_refused_by_name_and_place(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_texts); i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
		_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
		struct policy_source source = {"bad.json", bytes_of_text(bad_texts[i].text)};
		assert_ok(policy_entities_create(&entities));
		if (policy_entities_read(entities, &source, (struct policy_entities_options){}, &diagnostics) == OK)
			fail_msg("%s: expected %s", bad_texts[i].text, bad_texts[i].name);
		assert_fails(STATUS_INVALID, bad_texts[i].name,
			     policy_entities_read(entities, &source, (struct policy_entities_options){}, nullptr));
		fixture_assert_first(&diagnostics, bad_texts[i].text, bad_texts[i].name, bad_texts[i].line,
				     bad_texts[i].column);
	}
	print_message("%zu malformed documents\n", ARRAY_LENGTH(bad_texts));
}

static void
one_run_tells_of_every_broken_entity(void **) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct policy_source source = {"bad.json",
				       bytes_of_text("[{},\n" ENTITY(UID("A", "a"), "{}", "[]") ",\n7,\n8]")};
	assert_ok(policy_entities_create(&entities));
	assert_int_equal(policy_entities_read(entities, &source, (struct policy_entities_options){}, &diagnostics),
			 STATUS_INVALID);
	assert_int_equal(diagnostics.count, 3);
	assert_int_equal(diagnostics.items[1].line, 3);
	assert_int_equal(diagnostics.items[2].line, 4);
}

static void
integers_are_exact_to_64_bits(void **) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = fixture_entities(
		"[" ENTITY(UID("A", "a"), "{\"least\":-9223372036854775808,\"most\":9223372036854775807}", "[]") "]");
	struct policy_entity entity;
	assert_true(policy_entities_get(entities, fixture_uid("A", "a"), &entity));
	assert_true(value_record_get(entity.attributes, bytes_of_text("least"))->integer == INT64_MIN);
	assert_true(value_record_get(entity.attributes, bytes_of_text("most"))->integer == INT64_MAX);
}

RUN_TESTS(T(membership_is_reflexive_and_transitive), T(what_is_put_is_copied_and_replaced),
	  T(a_cycle_is_refused_and_can_be_mended), T(a_store_that_is_not_sealed_decides_nothing),
	  T(ancestors_agree_with_a_plain_search_after_every_change), T(a_deep_hierarchy_takes_no_stack),
	  T(more_ancestors_than_the_limit_are_refused), T(many_entities_are_found_again),
	  T(each_malformed_document_is_refused_by_name_and_place), T(one_run_tells_of_every_broken_entity),
	  T(integers_are_exact_to_64_bits))
