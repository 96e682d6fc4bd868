/*
 * Reader: policy/bundle.c
 * Property: what is read is its own document: writing its files again gives the same bytes; its entities can be put among others
 * and taken away again; every refusal has a name.
 */
#include <stdlib.h>

#include "policy/bundle.h"

static void
put_and_remove_entities(const struct bundle *bundle) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct policy_entity entity;
	if (policy_entities_create(&entities) != OK)
		abort();
	enum status status = bundle_put_entities(bundle, entities);
	if (status == STATUS_TOO_LARGE)
		return;
	if (status != OK || bundle_remove_entities(bundle, entities) != OK)
		abort();
	for (size_t i = 0; i < bundle->entity_count; i++)
		if (policy_entities_get(entities, bundle->entities[i], &entity))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(buffer_free) struct buffer again = {}, summary = {};
	struct json_writer w;
	if (bundle_create(&bundle, bytes_of(data, size), nullptr) != OK) {
		if (fail_message()[0] == '\0')
			abort();
		return 0;
	}
	if (bundle_write(bundle->name, bundle->version, bundle->files, bundle->file_count, &again) != OK ||
	    !bytes_equal(bundle->text, buffer_bytes(&again)))
		abort();
	put_and_remove_entities(bundle);
	json_writer_start(&w, &summary);
	bundle_write_summary(bundle, &w);
	if (json_writer_finish(&w) != OK)
		abort();
	return 0;
}
