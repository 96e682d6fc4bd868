/*
 * Reader: policy/bundle_tests.c, policy/test_request.c
 * Property: a file of tests is run or refused with a name, and what ran is counted. The first byte says which form it has.
 */
#include <stdlib.h>

#include "policy/bundle_tests.h"

static const char schema[] =
	"entity U in [G] = { level: Long }; entity G; type Votes = { a: Long };\n"
	"action sign appliesTo { principal: [U], resource: [U], context: {\n"
	"  approvals: { group: Votes, total: Long }, zone: { mismatch: Bool, seen?: String }, n: Long,\n"
	"  s?: String, set?: Set<String>, at?: datetime, ip?: ipaddr, d?: decimal, u?: U, l?: duration } };\n";
static const char policies[] =
	"@id(\"p\") permit(principal, action, resource) when { context.n > 1 || principal in G::\"g\" };\n"
	"@id(\"q\") forbid(principal, action, resource) unless { context.approvals.total > 0 };\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const struct monotone_fact facts[] = {{"approvals.total", MONOTONE_COUNT},
						     {"approvals.group", MONOTONE_COUNTS},
						     {"zone.mismatch", MONOTONE_FLAG}};
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
	_cleanup_(buffer_free) struct buffer text = {};
	if (size == 0)
		return 0;
	bool is_json = data[0] == '[';
	struct bundle_file files[] = {
		{BUNDLE_POLICIES, BYTES_OF_LITERAL("p.cedar"), BYTES_OF_LITERAL(policies)},
		{BUNDLE_SCHEMA, BYTES_OF_LITERAL("schema.cedarschema"), BYTES_OF_LITERAL(schema)},
		{BUNDLE_TESTS, is_json ? BYTES_OF_LITERAL("tests/t.json") : BYTES_OF_LITERAL("tests/t.yaml"),
		 is_json ? bytes_of(data, size) : bytes_of(data + 1, size - 1)},
	};
	if (bundle_create_of_files(&bundle, BYTES_OF_LITERAL("f"), BYTES_OF_LITERAL("1"), files, 3, nullptr) != OK)
		return 0; /* not UTF-8 */
	static const char *const open_records[] = {"approvals.group"};
	struct bundle_host host = {bundle->schema, open_records, 1, {facts, 3, nullptr, 0}};
	enum status status = bundle_tests_run(bundle, &host, &tests, nullptr);
	if (status != OK && fail_message()[0] == '\0')
		abort();
	bundle_tests_print(&tests, &text);
	struct json_writer w;
	_cleanup_(buffer_free) struct buffer document = {};
	json_writer_start(&w, &document);
	json_write_object(&w);
	bundle_tests_write(&tests, &w);
	json_write_end(&w);
	if (json_writer_finish(&w) != OK)
		abort();
	if (tests.failed > tests.count || buffer_status(&text) != OK)
		abort();
	return 0;
}
