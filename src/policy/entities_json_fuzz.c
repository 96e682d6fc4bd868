/*
 * Readers: policy/entities_json.c, policy/json_place.c
 * Properties: what is refused is refused with findings that have places in the text; what is read and sealed gives its
 * attributes back, and they are the same after being written and read again.
 */
#include <stdlib.h>

#include "policy/entities.h"
#include "policy/entity_store.h"

static void
need(bool property) {
	if (!property)
		abort();
}

static void
check_value(const struct value *value) {
	_cleanup_(buffer_free) struct buffer written = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct json_writer writer;
	struct value again;
	const json *root;
	json_writer_start(&writer, &written);
	value_write(&writer, value);
	if (json_writer_finish(&writer) != OK)
		return; /* keys beyond ASCII, integers beyond 53 bits, too deep */
	need(json_read(&arena, buffer_bytes(&written), (struct json_limits){}, &root) == OK);
	need(value_read(&arena, root, &again) == OK);
	need(value_equal(value, &again) && value_compare(value, &again) == 0);
}

static void
check_entities(struct policy_entities *entities) {
	for (uint32_t i = 0; i < policy_entities_count(entities); i++) {
		struct policy_entity entity;
		struct entity_uid uid = entity_store_uid(entities, i);
		if (!policy_entities_get(entities, uid, &entity))
			continue;
		need(policy_entities_is_in(entities, uid, uid));
		if (entity.attributes != nullptr)
			check_value(entity.attributes);
		if (entity.tags != nullptr)
			check_value(entity.tags);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct policy_source source = {"fuzz.json", bytes_of(data, size)};
	need(policy_entities_create(&entities) == OK);
	enum status status = policy_entities_read(
		entities, &source, (struct policy_entities_options){.implicit_entities = true}, &diagnostics);
	need(status == OK || (status == STATUS_INVALID && diagnostics.count > 0));
	for (size_t i = 0; i < diagnostics.count; i++)
		need(diagnostics.items[i].line <= size + 1 && diagnostics.items[i].column <= size + 1);
	if (status != OK)
		return 0;
	status = policy_entities_seal(entities);
	need(status == OK || status == STATUS_INVALID);
	if (status == OK)
		check_entities(entities);
	return 0;
}
