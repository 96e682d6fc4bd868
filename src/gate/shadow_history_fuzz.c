/*
 * Reader: gate/shadow_history.c
 * Property: every row of a history is decided or refused with a name; what is counted adds up.
 */
#include <stdlib.h>

#include "gate/shadow_history.h"

static const char policies[] =
	"@id(\"p\") permit(principal, action == Action::\"sign\", resource)\n"
	"when { context has limits && context.limits has key && context.limits.key.day < 100000 };\n"
	"@id(\"q\") permit(principal, action == Action::\"sign\", resource) when { context.approvals.total >= 2 };\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct host *host;
	static struct bundle *bundle;
	const struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), BYTES_OF_LITERAL(policies)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), host_schema_text},
	};
	if (host == nullptr &&
	    (host_create(&host) != OK ||
	     bundle_create_of_files(&bundle, BYTES_OF_LITERAL("f"), BYTES_OF_LITERAL("1"), files, 2, nullptr) != OK))
		abort();
	_cleanup_(shadow_destroy) struct shadow *shadow = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	if (shadow_create(&shadow, bundle, host, nullptr) != OK)
		abort();
	if (shadow_add_history(shadow, bundle, host, "history.csv", bytes_of(data, size), nullptr) != OK &&
	    fail_message()[0] == '\0')
		abort();
	struct shadow_counts counts = shadow_counts(shadow);
	uint64_t sum = 0;
	for (size_t was = 0; was < DECISION_COUNT; was++)
		for (size_t would = 0; would < DECISION_COUNT; would++)
			sum += counts.by[was][would];
	if (sum != counts.compared || counts.different > counts.compared || shadow_write(shadow, &text) != OK)
		abort();
	return 0;
}
