/*
 * Readers: policy/policy_json_read.c, policy/policy_json_expression.c
 * Properties: what is refused is refused with findings that have places in the text; what is read is written and read back the
 * same, and can be compiled.
 */
#include <stdlib.h>

#include "policy/policy_json.h"

static void
need(bool property) {
	if (!property)
		abort();
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
	need(policy_set_add_json(again, "again.json", buffer_bytes(&first), nullptr) == OK);
	need(policy_set_write_json(again, &second) == OK);
	need(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
	return 0;
}
