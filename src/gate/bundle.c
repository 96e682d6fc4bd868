#include "gate/bundle.h"

#include <stdlib.h>

#include "base/json.h"

enum status
bundle_hash(struct bytes policies, struct hash256 *hash) {
	_cleanup_(buffer_free) struct buffer document = {};
	struct json_writer writer;
	json_writer_start(&writer, &document);
	json_write_object(&writer);
	json_write_key(&writer, "entities");
	json_write_array(&writer);
	json_write_end(&writer);
	json_write_key(&writer, "invariants");
	json_write_array(&writer);
	json_write_end(&writer);
	json_write_key(&writer, "links");
	json_write_array(&writer);
	json_write_end(&writer);
	json_write_member_string(&writer, "policies", policies);
	json_write_member_text(&writer, "schema", "");
	json_write_member_boolean(&writer, "strict", true);
	json_write_member_text(&writer, "type", "gatehouse/bundle/v1");
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	*hash = sha256(buffer_bytes(&document));
	return OK;
}

enum status
bundle_create(struct bundle **bundle, struct bytes policies) {
	_cleanup_(bundle_destroy) struct bundle *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	if (policies.len > BUNDLE_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "bundle.size: %zu bytes of policies, at most %zu", policies.len,
			    BUNDLE_SIZE_MAX);
	TRY(bundle_hash(policies, &made->hash));
	uint8_t *text = malloc(policies.len == 0 ? 1 : policies.len);
	TRY_ALLOC(text);
	if (policies.len > 0)
		memcpy(text, policies.data, policies.len);
	made->text = bytes_of(text, policies.len);
	TRY(policy_set_parse("policies", made->text, &made->policies, nullptr));
	if (policy_set_count(made->policies) == 0)
		return fail(STATUS_INVALID, "bundle.empty: a bundle without policies denies everything for ever");
	*bundle = TAKE(made);
	return OK;
}

void
bundle_destroy(struct bundle **bundle) {
	struct bundle *gone = TAKE(*bundle);
	if (gone == nullptr)
		return;
	policy_set_destroy(&gone->policies);
	free((void *)(uintptr_t)gone->text.data);
	free(gone);
}
