/*
 * Readers: policy/policy_json_read.c, policy/policy_json_expression.c
 * Properties: what is refused is refused with findings that have places in the text; what is read is written and read back the
 * same, and can be compiled.
 */
#include <stdlib.h>

#include "policy/policy_json.h"
#include "policy/policy_text.h"

static void
need(bool property) {
	if (!property)
		abort();
}

/* As text it is policies, or one of a few things that text cannot say. */
static void
check_text(const struct policy_set *set) {
	_cleanup_(policy_set_destroy) struct policy_set *again = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	if (policy_set_write_text(set, &text) == OK)
		need(policy_set_parse("again.cedar", buffer_bytes(&text), &again, nullptr) == OK);
	else
		need(strstr(fail_message(), "policy.depth") != nullptr ||
		     strstr(fail_message(), "policy.too_large") != nullptr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr, *again = nullptr;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	need(policy_set_create(nullptr, &set) == OK && policy_set_create(nullptr, &again) == OK);
	enum status status = policy_set_add_json(set, "fuzz.json", bytes_of(data, size), &diagnostics);
	need(status == OK || (status == STATUS_INVALID && diagnostics.count > 0));
	for (size_t i = 0; i < diagnostics.count; i++)
		need(diagnostics.items[i].line <= size + 1 && diagnostics.items[i].column <= size + 1);
	if (status != OK)
		return 0;
	need(policy_set_write_json(set, &first) == OK && policy_set_seal(set) == OK);
	check_text(set);
	need(policy_set_add_json(again, "again.json", buffer_bytes(&first), nullptr) == OK);
	need(policy_set_write_json(again, &second) == OK);
	need(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
	return 0;
}
