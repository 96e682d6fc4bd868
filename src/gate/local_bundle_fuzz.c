/*
 * Readers: gate/local_bundle.c (open_file, read_document, local_bundle_read)
 * Reads the input as the file of a local bundle, and as the body of its entry in the log. What is taken permits nothing, and its entry
 * gives the same bundle again.
 */
#include "gate/local_bundle.h"
#include "store/blob.h"
#include "tests/fuzz.h"

static struct gate *
make_gate(void) {
	static const char *const authorities[] = {"localhost"};
	static struct gate *gate;
	struct gate_config config = {
		.instance = BYTES_OF_LITERAL("x.example"), .authorities = authorities, .authority_count = 1};
	if (gate == nullptr)
		must(gate_create(&gate, &config) == OK);
	return gate;
}

static void
check(struct arena *arena, const struct bundle *bundle) {
	const struct record_blobs nowhere = {io_system(), "/dev/null/none"};
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(bundle_destroy) struct bundle *again = nullptr;
	const json *read;
	for (size_t i = 0; i < policy_set_count(bundle->policies); i++) {
		struct policy_view view;
		policy_set_view(bundle->policies, i, &view);
		must(view.effect == POLICY_FORBID);
	}
	must(bundle->entity_count == 0);
	if (bundle->text.len > BLOB_THRESHOLD)
		return;
	must(local_bundle_write(bundle, &nowhere, &body) == OK);
	must(json_read(arena, buffer_bytes(&body), (struct json_limits){}, &read) == OK);
	must(local_bundle_read(arena, read, &nowhere, &again) == OK && hash256_equal(&bundle->hash, &again->hash));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct record_blobs nowhere = {io_system(), "/dev/null/none"};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(bundle_destroy) struct bundle *opened = nullptr, *read = nullptr;
	const json *body;
	if (local_bundle_open(make_gate(), bytes_of(data, size), &opened) == OK)
		check(&arena, opened);
	bool is_body = json_read(&arena, bytes_of(data, size), (struct json_limits){}, &body) == OK &&
		       json_type_of(body) == JSON_OBJECT;
	if (is_body && local_bundle_read(&arena, body, &nowhere, &read) == OK && read != nullptr)
		check(&arena, read);
	return 0;
}
