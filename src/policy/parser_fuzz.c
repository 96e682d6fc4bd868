/*
 * Readers: policy/lexer.c, policy/parser.c, policy/parser_expression.c, policy/literal.c
 * Properties: what is refused is refused with findings that print and have places in the text; what is read decides, and the
 * decision agrees with what each policy says of itself; it survives the JSON form, and formatting, which done twice is done once.
 */
#include <stdlib.h>

#include "policy/format.h"
#include "policy/policy_json.h"
#include "policy/policy_text.h"

static const struct value_field inner[] = {
	{BYTES_OF_LITERAL("b"), {.type = VALUE_LONG, .integer = INT64_MAX}},
	{BYTES_OF_LITERAL("c"), {.type = VALUE_STRING, .string = BYTES_OF_LITERAL("1.5")}},
};
static const struct value_field fields[] = {
	{BYTES_OF_LITERAL("a"), {.type = VALUE_RECORD, .record = {inner, ARRAY_LENGTH(inner)}}},
	{BYTES_OF_LITERAL("t"), {.type = VALUE_BOOLEAN, .boolean = true}},
};
static const struct value context = {.type = VALUE_RECORD, .record = {fields, ARRAY_LENGTH(fields)}};

static const struct policy_request request = {
	.principal = {BYTES_OF_LITERAL("A"), BYTES_OF_LITERAL("a")},
	.action = {BYTES_OF_LITERAL("Action"), BYTES_OF_LITERAL("a")},
	.resource = {BYTES_OF_LITERAL("B"), BYTES_OF_LITERAL("b")},
	.context = &context,
};

static void
need(bool property) {
	if (!property)
		abort();
}

static void
check_findings(struct policy_diagnostics *diagnostics, size_t size) {
	_cleanup_(buffer_free) struct buffer printed = {}, written = {};
	struct json_writer writer;
	need(diagnostics->count > 0);
	for (size_t i = 0; i < diagnostics->count; i++)
		need(diagnostics->items[i].line >= 1 && diagnostics->items[i].line <= size + 1 &&
		     diagnostics->items[i].column >= 1 && diagnostics->items[i].column <= size + 1);
	policy_diagnostics_print(diagnostics, &printed);
	need(utf8_is_valid(buffer_bytes(&printed)));
	json_writer_start(&writer, &written);
	policy_diagnostics_write(diagnostics, &writer);
	need(json_writer_finish(&writer) == OK);
}

static void
check_decision(const struct policy_set *set) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	_cleanup_(arena_free) struct arena arena = {.limit = 64 << 20};
	struct policy_entity entity = {.uid = request.principal,
				       .attributes = &context,
				       .tags = &context,
				       .parents = &request.resource,
				       .parent_count = 1};
	struct policy_result result;
	const struct policy_explanation *rows;
	need(policy_entities_create(&entities) == OK && policy_entities_put(entities, &entity) == OK &&
	     policy_entities_seal(entities) == OK);
	if (policy_decide(set, entities, &request, (struct policy_options){.strict = true}, &arena, &result) != OK ||
	    policy_explain(set, entities, &request, &arena, &rows) != OK)
		return; /* the arena is full */
	size_t permits = 0, forbids = 0, errors = 0, erring_forbids = 0;
	for (size_t i = 0; i < policy_set_count(set); i++) {
		struct policy_view view;
		policy_set_view(set, i, &view);
		bool is_forbid = view.effect == POLICY_FORBID;
		permits += rows[i].outcome == POLICY_SATISFIED && !is_forbid;
		forbids += rows[i].outcome == POLICY_SATISFIED && is_forbid;
		errors += rows[i].outcome == POLICY_ERRORED;
		erring_forbids += rows[i].outcome == POLICY_ERRORED && is_forbid;
	}
	need(errors == result.error_count);
	need((result.decision == POLICY_ALLOW) == (permits > 0 && forbids == 0 && erring_forbids == 0));
	need(result.reason_count == (forbids > 0 ? forbids : erring_forbids > 0 ? 0 : permits));
}

static void
check_json(const struct policy_set *set) {
	_cleanup_(policy_set_destroy) struct policy_set *again = nullptr;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	need(policy_set_write_json(set, &first) == OK && policy_set_create(nullptr, &again) == OK);
	enum status status = policy_set_add_json(again, "fuzz.json", buffer_bytes(&first), nullptr);
	if (status == STATUS_INVALID &&
	    (strstr(fail_message(), "json.depth") != nullptr || strstr(fail_message(), "policy.too_large") != nullptr))
		return; /* a chain of && is as deep in JSON as it is long */
	need(status == OK && policy_set_write_json(again, &second) == OK);
	need(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

/* Written as text and read again it has the same JSON. */
static void
check_text(const struct policy_set *set) {
	_cleanup_(policy_set_destroy) struct policy_set *again = nullptr;
	_cleanup_(buffer_free) struct buffer text = {}, first = {}, second = {};
	if (policy_set_write_text(set, &text) != OK) {
		need(strstr(fail_message(), "policy.depth") != nullptr ||
		     strstr(fail_message(), "policy.too_large") != nullptr);
		return;
	}
	need(policy_set_parse("again.cedar", buffer_bytes(&text), &again, nullptr) == OK);
	need(policy_set_write_json(set, &first) == OK && policy_set_write_json(again, &second) == OK);
	need(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

static void
check_format(struct bytes text) {
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	need(policy_format("fuzz.cedar", text, &first, nullptr) == OK);
	need(policy_format("fuzz.cedar", buffer_bytes(&first), &second, nullptr) == OK);
	need(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	enum status status = policy_set_parse("fuzz.cedar", bytes_of(data, size), &set, &diagnostics);
	need(status == OK || status == STATUS_INVALID);
	if (status == OK) {
		check_decision(set);
		check_json(set);
		check_text(set);
		check_format(bytes_of(data, size));
	} else
		check_findings(&diagnostics, size);
	return 0;
}
