/*
 * Reader: policy/transfer_rules.c, policy/transfer_rules_cedar.c
 * Property: rules that are read compile to policies that parse; every refusal has a name.
 */
#include <stdlib.h>

#include "policy/policy.h"
#include "policy/transfer_rules.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	if (transfer_rules_read(&rules, "input", bytes_of(data, size), nullptr) != OK) {
		if (fail_message()[0] == '\0')
			abort();
		return 0;
	}
	enum status status = transfer_rules_compile(&rules, &text);
	if (status == STATUS_TOO_LARGE)
		return 0;
	/* Notes may hold what policies refuse: characters that change the direction of text. */
	if (status != OK || (policy_set_parse("rules", buffer_bytes(&text), &set, nullptr) != OK &&
			     strncmp(fail_message(), "policy.bidirectional_control", 28) != 0))
		abort();
	return 0;
}
