#include "policy/bundle_tests.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/effort.h"
#include "model/facts.h"
#include "policy/fit.h"
#include "policy/held.h"
#include "policy/test_request.h"

constexpr size_t NAMES_MAX = 64;       /* reasons or errors that one test expects */
constexpr int64_t OBTAINABLE_MORE = 9; /* approvals beyond those stated, before a test's operation counts as denied */
constexpr size_t MESSAGE_MAX = 400;

enum expected { EXPECT_PERMIT, EXPECT_DENY, EXPECT_HELD };
static const char *const expected_names[] = {"permit", "deny", "held"};

struct missing {
	struct bytes name; /* "independent", "group.treasury" */
	int64_t count;
};

struct test {
	const struct yaml_node *node; /* null for a recorded one */
	struct bytes name;
	enum expected expected;
	bool has_reasons, has_missing;
	struct bytes reasons[NAMES_MAX], errors[NAMES_MAX];
	size_t reason_count, error_count;
	struct missing missing[HELD_COUNTERS_MAX];
	size_t missing_count;
	struct policy_request request;
	struct value context;
};

struct running {
	const struct bundle *bundle;
	const struct bundle_host *host;
	struct bundle_tests *tests;
	struct policy_diagnostics *diagnostics;
	const char *file;
	struct arena scratch; /* of one test */
};

/* --- One test. --- */

static const struct schema_action *
action_of(const struct running *running, struct entity_uid uid) {
	uint32_t number = policy_schema_find_action(running->bundle->schema, uid);
	return number == SCHEMA_NONE ? nullptr : policy_schema_action(running->bundle->schema, number);
}

static enum status
add_counter(const struct running *running, const struct value *context, const char *path,
	    struct policy_counter *counters, size_t *count) {
	const struct value *value = context;
	for (const char *at = path; value != nullptr && *at != '\0';) {
		size_t len = strcspn(at, ".");
		value = value->type == VALUE_RECORD ? value_record_get(value, bytes_of(at, len)) : nullptr;
		at += at[len] == '.' ? len + 1 : len;
	}
	if (value == nullptr || value->type != VALUE_LONG || *count == HELD_COUNTERS_MAX)
		return OK;
	char *kept = arena_text((struct arena *)(uintptr_t)&running->scratch, bytes_of_text(path));
	TRY_ALLOC(kept);
	counters[(*count)++] =
		(struct policy_counter){bytes_of_text(kept), value->integer, value->integer + OBTAINABLE_MORE};
	return OK;
}

static int
compare_counters(const void *a, const void *b) {
	return bytes_compare(((const struct policy_counter *)a)->path, ((const struct policy_counter *)b)->path);
}

/* The counts of approvals that the context has, in the order in which the gate asks for them. */
static enum status
list_counters(const struct running *running, const struct test *test, struct policy_counter *counters, size_t *count) {
	*count = 0;
	for (size_t i = 0; i < running->host->monotone.count; i++) {
		const struct monotone_fact *fact = &running->host->monotone.facts[i];
		if (fact->kind == MONOTONE_COUNT)
			TRY(add_counter(running, &test->context, fact->path, counters, count));
		if (fact->kind != MONOTONE_COUNTS)
			continue;
		const struct value *record = &test->context;
		for (const char *at = fact->path; record != nullptr && *at != '\0';) {
			size_t len = strcspn(at, ".");
			record = value_record_get(record, bytes_of(at, len));
			at += at[len] == '.' ? len + 1 : len;
		}
		for (size_t j = 0; record != nullptr && j < record->record.count; j++) {
			char path[160];
			snprintf(path, sizeof path, "%s.%.*s", fact->path, BYTES_ARGS(record->record.fields[j].name));
			TRY(add_counter(running, &test->context, path, counters, count));
		}
	}
	qsort(counters, *count, sizeof *counters, compare_counters);
	return OK;
}

struct outcome {
	enum expected decision;
	struct policy_result result;
	struct policy_counter counters[HELD_COUNTERS_MAX];
	size_t counter_count;
	struct policy_held held;
};

static enum status
decide(struct running *running, const struct test *test, const struct policy_entities *entities,
       struct outcome *outcome) {
	const struct policy_options strict = {.strict = true};
	const struct policy_set *set = running->bundle->policies;
	TRY(policy_decide(set, entities, &test->request, strict, &running->scratch, &outcome->result));
	bool permits = outcome->result.decision == POLICY_ALLOW &&
		       policy_floor_holds(running->host->floor, test->request.context);
	outcome->decision = permits ? EXPECT_PERMIT : EXPECT_DENY;
	TRY(coverage_add(running->tests->coverage, entities, &test->request));
	if (outcome->decision == EXPECT_PERMIT)
		return OK;
	TRY(list_counters(running, test, outcome->counters, &outcome->counter_count));
	policy_floor_need(running->host->floor, test->request.context, outcome->counters, outcome->counter_count);
	TRY(policy_held(set, entities, &test->request, strict, outcome->counters, outcome->counter_count,
			&running->scratch, &outcome->held));
	if (outcome->held.is_held)
		outcome->decision = EXPECT_HELD;
	return OK;
}

static struct bytes
id_of(const struct running *running, size_t policy) {
	struct policy_view view;
	policy_set_view(running->bundle->policies, policy, &view);
	return view.id;
}

static bool
is_among(const struct bytes *names, size_t count, struct bytes name) {
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(names[i], name))
			return true;
	return false;
}

static bool
differ(char *message, const char *what, struct bytes name, const char *how) {
	snprintf(message, MESSAGE_MAX, "%s %.*s %s", what, (int)(name.len > 80 ? 80 : name.len),
		 (const char *)name.data, how);
	return true;
}

static bool
names_differ(const struct running *running, const struct outcome *outcome, const struct test *test, char *message) {
	const struct policy_result *result = &outcome->result;
	size_t errors = 0;
	for (size_t i = 0; test->has_reasons && i < result->reason_count; i++)
		if (!is_among(test->reasons, test->reason_count, id_of(running, result->reasons[i])))
			return differ(message, "policy", id_of(running, result->reasons[i]),
				      "determined it, unexpectedly");
	for (size_t i = 0; i < test->reason_count; i++) {
		bool found = false;
		for (size_t j = 0; j < result->reason_count; j++)
			found = found || bytes_equal(test->reasons[i], id_of(running, result->reasons[j]));
		if (!found)
			return differ(message, "policy", test->reasons[i], "did not determine it");
	}
	for (size_t i = 0; i < result->error_count; i++) {
		if (!is_among(test->errors, test->error_count, id_of(running, result->errors[i].policy)))
			return differ(message, "policy", id_of(running, result->errors[i].policy),
				      "could not be evaluated");
		errors++;
	}
	return errors < test->error_count && differ(message, "policy", test->errors[0], "was evaluated without error");
}

static bool
missing_differs(const struct outcome *outcome, const struct test *test, char *message) {
	static const char prefix[] = "approvals.";
	int64_t expected_sum = 0, sum = 0;
	for (size_t i = 0; i < test->missing_count; i++)
		expected_sum += test->missing[i].count;
	for (size_t i = 0; i < outcome->counter_count; i++) {
		struct bytes path = outcome->counters[i].path;
		int64_t expected = 0;
		for (size_t j = 0; j < test->missing_count; j++)
			if (path.len == sizeof prefix - 1 + test->missing[j].name.len &&
			    memcmp(path.data + sizeof prefix - 1, test->missing[j].name.data,
				   test->missing[j].name.len) == 0)
				expected = test->missing[j].count;
		sum += outcome->held.missing[i];
		if (outcome->held.missing[i] != expected) {
			snprintf(message, MESSAGE_MAX, "%lld more of %.*s are missing, expected %lld",
				 (long long)outcome->held.missing[i], BYTES_ARGS(path), (long long)expected);
			return true;
		}
	}
	if (sum == expected_sum)
		return false;
	snprintf(message, MESSAGE_MAX, "missing names a group that there is not");
	return true;
}

static bool
outcome_differs(const struct running *running, const struct outcome *outcome, const struct test *test, char *message) {
	if (outcome->decision != test->expected) {
		int len = snprintf(message, MESSAGE_MAX, "expected %s, found %s", expected_names[test->expected],
				   expected_names[outcome->decision]);
		for (size_t i = 0; i < outcome->result.reason_count && (size_t)len < MESSAGE_MAX - 100; i++) {
			struct bytes id = id_of(running, outcome->result.reasons[i]);
			len += snprintf(message + len, MESSAGE_MAX - (size_t)len, "%s%.*s", i == 0 ? " by " : ", ",
					(int)(id.len > 80 ? 80 : id.len), (const char *)id.data);
		}
		return true;
	}
	return names_differ(running, outcome, test, message) ||
	       (test->has_missing && missing_differs(outcome, test, message));
}

static enum status
add_result(struct running *running, const struct test *test, const char *message) {
	struct bundle_tests *tests = running->tests;
	struct bundle_test_result *result = &tests->results[tests->count];
	*result = (struct bundle_test_result){.file = running->file,
					      .line = test->node == nullptr ? 1 : test->node->line,
					      .column = test->node == nullptr ? 1 : test->node->column,
					      .name = arena_copy(&tests->arena, test->name),
					      .passed = message[0] == '\0',
					      .message = arena_text(&tests->arena, bytes_of_text(message))};
	TRY_ALLOC(result->name.data);
	TRY_ALLOC(result->message);
	tests->count++;
	tests->failed += !result->passed;
	return OK;
}

static enum status
run(struct running *running, const struct test *test, const struct policy_entities *entities) {
	struct outcome outcome = {};
	char message[MESSAGE_MAX] = "";
	TRY(effort_check());
	if (running->tests->count == BUNDLE_TESTS_MAX)
		return fail(STATUS_TOO_LARGE, "tests.count: more than %zu", BUNDLE_TESTS_MAX);
	TRY(decide(running, test, entities, &outcome));
	if (!outcome_differs(running, &outcome, test, message))
		message[0] = '\0';
	return add_result(running, test, message);
}

/* --- YAML. --- */

static enum status
read_names(const struct test_reader *reader, const struct yaml_node *list, struct bytes names[NAMES_MAX],
	   size_t *count) {
	if (list == nullptr)
		return OK;
	if (list->kind != YAML_NODE_SEQUENCE || list->count > NAMES_MAX)
		return test_complain(reader, list, "tests.names", "expected a list of at most %zu policies", NAMES_MAX);
	for (const struct yaml_node *item = list->first; item != nullptr; item = item->next) {
		struct policy_view view;
		bool found = false;
		for (size_t i = 0; i < policy_set_count(reader->bundle->policies) && !found; i++) {
			policy_set_view(reader->bundle->policies, i, &view);
			found = bytes_equal(view.id, item->text);
		}
		if (!found)
			return test_complain(reader, item, "tests.policy", "the bundle has no policy \"%.*s\"",
					     (int)(item->text.len > 60 ? 60 : item->text.len),
					     (const char *)item->text.data);
		names[(*count)++] = item->text;
	}
	return OK;
}

static enum status
read_missing(const struct test_reader *reader, const struct yaml_node *list, struct test *test) {
	if (list == nullptr)
		return OK;
	test->has_missing = true;
	if (list->kind != YAML_NODE_MAPPING || list->count > HELD_COUNTERS_MAX)
		return test_complain(reader, list, "tests.missing", "expected a mapping of counts");
	for (const struct yaml_node *item = list->first; item != nullptr; item = item->next) {
		uint64_t count;
		if (decimal_decode(item->text, &count) != OK || count > 1000)
			return test_complain(reader, item, "tests.missing", "expected a count");
		test->missing[test->missing_count++] = (struct missing){item->key, (int64_t)count};
	}
	return OK;
}

static const struct yaml_node *
own_or_default(const struct yaml_node *node, const struct yaml_node *defaults, const char *key) {
	const struct yaml_node *own = yaml_get(node, key);
	return own != nullptr || defaults == nullptr ? own : yaml_get(defaults, key);
}

static enum status
check_keys(const struct test_reader *reader, const struct yaml_node *node, const char *const *keys) {
	if (node->kind != YAML_NODE_MAPPING)
		return test_complain(reader, node, "tests.form", "expected a mapping, found a %s",
				     yaml_kind_name(node->kind));
	for (const struct yaml_node *child = node->first; child != nullptr; child = child->next) {
		size_t i = 0;
		while (keys[i] != nullptr && !bytes_equal_text(child->key, keys[i]))
			i++;
		if (keys[i] == nullptr)
			return test_complain(reader, child, "tests.key", "\"%.*s\" is not known here",
					     (int)(child->key.len > 60 ? 60 : child->key.len),
					     (const char *)child->key.data);
	}
	return OK;
}

static enum status
read_expected(const struct test_reader *reader, const struct yaml_node *node, struct test *test) {
	const struct yaml_node *name = yaml_get(node, "name"), *expect = yaml_get(node, "expect");
	if (name == nullptr || name->kind != YAML_NODE_SCALAR || name->text.len == 0)
		return test_complain(reader, node, "tests.name", "expected a name");
	test->name = name->text;
	for (size_t i = 0; expect != nullptr && i < sizeof expected_names / sizeof *expected_names; i++)
		if (bytes_equal_text(expect->text, expected_names[i])) {
			test->expected = (enum expected)i;
			test->has_reasons = yaml_get(node, "reasons") != nullptr;
			TRY(read_names(reader, yaml_get(node, "reasons"), test->reasons, &test->reason_count));
			TRY(read_names(reader, yaml_get(node, "errors"), test->errors, &test->error_count));
			return read_missing(reader, yaml_get(node, "missing"), test);
		}
	return test_complain(reader, expect == nullptr ? node : expect, "tests.expect",
			     "expected `expect: permit`, deny or held");
}

static enum status
read_request(struct running *running, const struct test_reader *reader, const struct yaml_node *node,
	     const struct yaml_node *defaults, struct test *test) {
	static const char *const keys[] = {"principal", "action", "resource"};
	struct entity_uid *const uids[] = {&test->request.principal, &test->request.action, &test->request.resource};
	for (size_t i = 0; i < 3; i++) {
		const struct yaml_node *given = own_or_default(node, defaults, keys[i]);
		if (given == nullptr)
			return test_complain(reader, node, "tests.request", "expected %s", keys[i]);
		TRY(test_read_uid(reader, given, i == 1, uids[i]));
	}
	const struct schema_action *action = action_of(running, test->request.action);
	if (action == nullptr || action->principal_count == 0)
		return test_complain(reader, own_or_default(node, defaults, "action"), "tests.action",
				     "the schema has no such action");
	TRY(test_read_context(reader, node, yaml_get(node, "facts"),
			      defaults == nullptr ? nullptr : yaml_get(defaults, "facts"), action, &test->context));
	test->request.context = &test->context;
	return policy_request_fit(running->bundle->schema, &test->request) == OK
		       ? OK
		       : test_complain(reader, node, "tests.request", "%s", fail_message());
}

static enum status
run_list(struct running *running, struct test_reader *reader, const struct yaml_node *root) {
	static const char *const keys[] = {"name",   "principal", "action", "resource", "facts",
					   "expect", "reasons",   "errors", "missing",  nullptr};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	const struct yaml_node *list = yaml_get(root, "tests"), *defaults = yaml_get(root, "defaults");
	TRY(test_read_entities(reader, yaml_get(root, "entities"), &entities));
	if (list == nullptr || list->kind != YAML_NODE_SEQUENCE)
		return test_complain(reader, root, "tests.form", "expected a list of tests");
	for (const struct yaml_node *node = list->first; node != nullptr; node = node->next) {
		struct test test = {.node = node};
		arena_reset(&running->scratch);
		TRY(check_keys(reader, node, keys));
		TRY(read_expected(reader, node, &test));
		TRY(read_request(running, reader, node, defaults, &test));
		TRY(run(running, &test, entities));
	}
	return OK;
}

static enum status
run_yaml(struct running *running, const struct bundle_file *file) {
	static const char *const keys[] = {"defaults", "entities", "tests", nullptr};
	static const char *const default_keys[] = {"principal", "action", "resource", "facts", nullptr};
	_cleanup_(arena_free) struct arena arena = {};
	struct test_reader reader = {.arena = &running->scratch,
				     .bundle = running->bundle,
				     .host = running->host,
				     .source = {running->file, file->text},
				     .diagnostics = running->diagnostics};
	const struct yaml_node *root;
	TRY(yaml_read(&arena, running->file, file->text, &root));
	TRY(check_keys(&reader, root, keys));
	if (yaml_get(root, "defaults") != nullptr)
		TRY(check_keys(&reader, yaml_get(root, "defaults"), default_keys));
	reader.arena = &running->scratch;
	return run_list(running, &reader, root);
}

/* --- Recorded operations. --- */

static enum status
read_recorded(struct running *running, const json *entry, struct test *test, struct policy_entities *entities) {
	const json *facts, *list;
	struct facts *read = ARENA_NEW(&running->scratch, struct facts);
	static const char *const keys[] = {"principal", "action", "resource"};
	struct entity_uid *const uids[] = {&test->request.principal, &test->request.action, &test->request.resource};
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	TRY_ALLOC(read);
	for (size_t i = 0; i < 3; i++) {
		const json *uid;
		TRY(json_need(entry, "recorded", keys[i], JSON_OBJECT, &uid));
		TRY(value_read_uid(uid, uids[i]));
	}
	TRY(json_need(entry, "recorded", "facts", JSON_OBJECT, &facts));
	TRY(json_need(entry, "recorded", "entities", JSON_ARRAY, &list));
	facts_start(read, &running->scratch);
	TRY(facts_read(read, facts));
	TRY(facts_context(read, &test->context));
	test->request.context = &test->context;
	json_writer_start(&w, &text);
	json_write_value(&w, list);
	TRY(json_writer_finish(&w));
	TRY(policy_entities_read(entities, &(struct policy_source){running->file, buffer_bytes(&text)},
				 (struct policy_entities_options){}, running->diagnostics));
	TRY(bundle_put_entities(running->bundle, entities));
	return policy_entities_seal(entities);
}

static enum status
read_json_names(const json *list, struct bytes names[NAMES_MAX], size_t *count) {
	if (list == nullptr)
		return OK;
	if (json_type_of(list) != JSON_ARRAY || json_size(list) > NAMES_MAX)
		return fail(STATUS_INVALID, "tests.names: expected a list of at most %zu policies", NAMES_MAX);
	struct json_iterator iterator = json_iterate(list);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		if (json_type_of(one) != JSON_STRING)
			return fail(STATUS_INVALID, "tests.names: expected ids of policies");
		names[(*count)++] = json_string(one);
	}
	return OK;
}

static enum status
read_json_missing(const json *object, struct test *test) {
	if (object == nullptr)
		return OK;
	if (json_type_of(object) != JSON_OBJECT || json_size(object) > HELD_COUNTERS_MAX)
		return fail(STATUS_INVALID, "tests.missing: expected an object of counts");
	test->has_missing = true;
	struct json_iterator iterator = json_iterate(object);
	struct bytes name;
	for (const json *one; (one = json_next(&iterator, &name)) != nullptr;) {
		if (json_type_of(one) != JSON_INTEGER)
			return fail(STATUS_INVALID, "tests.missing: expected counts");
		test->missing[test->missing_count++] = (struct missing){name, json_integer(one)};
	}
	return OK;
}

static enum status
run_recorded(struct running *running, const json *document) {
	static const char *const keys[] = {"errors", "expect", "missing", "name", "reasons", "recorded", nullptr};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct test test = {.has_reasons = json_get(document, "reasons") != nullptr};
	struct bytes expect;
	const json *entry;
	size_t i = 0;
	arena_reset(&running->scratch);
	TRY(json_only(document, "tests", keys));
	TRY(json_need_string(document, "tests", "name", &test.name));
	TRY(json_need_string(document, "tests", "expect", &expect));
	while (i < 3 && !bytes_equal_text(expect, expected_names[i]))
		i++;
	if (i == 3)
		return fail(STATUS_INVALID, "tests.expect: expected permit, deny or held");
	test.expected = (enum expected)i;
	TRY(read_json_names(json_get(document, "reasons"), test.reasons, &test.reason_count));
	TRY(read_json_names(json_get(document, "errors"), test.errors, &test.error_count));
	TRY(read_json_missing(json_get(document, "missing"), &test));
	TRY(json_need(document, "tests", "recorded", JSON_OBJECT, &entry));
	TRY(policy_entities_create(&entities));
	TRY(read_recorded(running, entry, &test, entities));
	return run(running, &test, entities);
}

static enum status
run_json(struct running *running, const struct bundle_file *file) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *root;
	struct policy_source source = {running->file, file->text};
	TRY(json_read(&arena, file->text, (struct json_limits){.integers = JSON_INT64_INTEGERS}, &root));
	if (json_type_of(root) != JSON_ARRAY)
		return policy_complain(running->diagnostics, &source, 0, 1, "tests.form",
				       "expected an array of recorded operations");
	struct json_iterator iterator = json_iterate(root);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		enum status status = run_recorded(running, one);
		if (status != STATUS_INVALID)
			TRY(status);
		else
			return policy_complain(running->diagnostics, &source, 0, 1, "tests.recorded", "%s",
					       fail_message());
	}
	return OK;
}

/* --- All of them. --- */

static enum status
run_all(struct running *running) {
	const struct bundle_file *file;
	for (size_t i = 0; (file = bundle_file(running->bundle, BUNDLE_TESTS, i)) != nullptr; i++) {
		bool is_json = file->name.len > 5 && memcmp(file->name.data + file->name.len - 5, ".json", 5) == 0;
		running->file = arena_text(&running->tests->arena, file->name);
		TRY_ALLOC(running->file);
		TRY(is_json ? run_json(running, file) : run_yaml(running, file));
	}
	return OK;
}

enum status
bundle_tests_run(const struct bundle *bundle, const struct bundle_host *host, struct bundle_tests *tests,
		 struct policy_diagnostics *diagnostics) {
	struct running running = {.bundle = bundle, .host = host, .tests = tests, .diagnostics = diagnostics};
	*tests = (struct bundle_tests){};
	TRY(coverage_create(&tests->coverage, bundle->policies));
	tests->results = calloc(BUNDLE_TESTS_MAX, sizeof *tests->results);
	TRY_ALLOC(tests->results);
	enum status status = run_all(&running);
	arena_free(&running.scratch);
	return status;
}

void
bundle_tests_free(struct bundle_tests *tests) {
	coverage_destroy(&tests->coverage);
	free(tests->results);
	arena_free(&tests->arena);
	*tests = (struct bundle_tests){};
}

/* --- Reports. --- */

static void
write_gaps(const struct coverage *coverage, bool of_policies, struct json_writer *w) {
	struct coverage_gap gap;
	json_write_array(w);
	for (size_t i = 0; coverage_gap(coverage, i, &gap); i++) {
		if ((strcmp(gap.never, "satisfied") == 0) != of_policies)
			continue;
		json_write_object(w);
		json_write_member_integer(w, "column", (int64_t)gap.column);
		json_write_member_text(w, "file", gap.file);
		json_write_member_integer(w, "line", (int64_t)gap.line);
		json_write_member_text(w, "never", gap.never);
		json_write_member_string(w, "policy", gap.policy);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_covered(const struct coverage *coverage, const char *key, size_t covered, size_t total, bool of_policies,
	      struct json_writer *w) {
	json_write_key(w, key);
	json_write_object(w);
	json_write_member_integer(w, "covered", (int64_t)covered);
	json_write_member_integer(w, "total", (int64_t)total);
	json_write_key(w, "uncovered");
	write_gaps(coverage, of_policies, w);
	json_write_end(w);
}

void
bundle_tests_write(const struct bundle_tests *tests, struct json_writer *w) {
	struct coverage_counts counts = coverage_counts(tests->coverage);
	write_covered(tests->coverage, "conditions", counts.conditions_covered, counts.conditions, false, w);
	json_write_member_integer(w, "failed", (int64_t)tests->failed);
	json_write_member_integer(w, "passed", (int64_t)(tests->count - tests->failed));
	write_covered(tests->coverage, "policies", counts.policies_covered, counts.policies, true, w);
	json_write_key(w, "tests");
	json_write_array(w);
	for (size_t i = 0; i < tests->count; i++) {
		const struct bundle_test_result *result = &tests->results[i];
		json_write_object(w);
		json_write_member_integer(w, "column", (int64_t)result->column);
		json_write_member_text(w, "file", result->file);
		json_write_member_integer(w, "line", (int64_t)result->line);
		json_write_member_text(w, "message", result->message);
		json_write_member_string(w, "name", result->name);
		json_write_member_boolean(w, "passed", result->passed);
		json_write_end(w);
	}
	json_write_end(w);
}

void
bundle_tests_print(const struct bundle_tests *tests, struct buffer *to) {
	struct coverage_counts counts = coverage_counts(tests->coverage);
	struct coverage_gap gap;
	for (size_t i = 0; i < tests->count; i++) {
		const struct bundle_test_result *result = &tests->results[i];
		if (!result->passed)
			buffer_append_format(to, "%s:%zu:%zu: FAILED %.*s: %s\n", result->file, result->line,
					     result->column, BYTES_ARGS(result->name), result->message);
	}
	for (size_t i = 0; coverage_gap(tests->coverage, i, &gap); i++)
		buffer_append_format(to, "%s:%zu:%zu: never %s (policy %.*s)\n", gap.file, gap.line, gap.column,
				     gap.never, BYTES_ARGS(gap.policy));
	buffer_append_format(to,
			     "%zu tests passed, %zu failed; %zu of %zu policies and %zu of %zu conditions covered\n",
			     tests->count - tests->failed, tests->failed, counts.policies_covered, counts.policies,
			     counts.conditions_covered, counts.conditions);
}
