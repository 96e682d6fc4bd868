/*
 * Readers: policy/entities_json.c, policy/json_place.c
 * Properties: what is refused is refused with findings that have places in the text; what is read and sealed gives its
 * attributes back, and they are the same after being written and read again.
 */
#include <stdlib.h>

#include "policy/entities.h"
#include "policy/entities_testing.h"
#include "policy/schema.h"

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

/* Written and read again there are as many. */
static void
check_written(const struct policy_entities *entities) {
	_cleanup_(policy_entities_destroy) struct policy_entities *again = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	if (entities_write(entities, &text) != OK)
		return; /* keys beyond ASCII, integers beyond 53 bits, too deep */
	struct policy_source source = {"again.json", buffer_bytes(&text)};
	need(policy_entities_create(&again) == OK);
	need(policy_entities_load(again, &source, (struct policy_entities_options){}, nullptr) == OK);
	need(policy_entities_count(entities) == policy_entities_count(again));
}

static const struct policy_schema *
schema(void) {
	static const char text[] =
		"entity A in [A, B] {a?: Long, n?: Long, x?: ipaddr} tags String; entity B; action a;";
	static struct policy_schema *read;
	if (read == nullptr)
		need(policy_schema_parse("schema", bytes_of_text(text), SCHEMA_CEDAR, &read, nullptr) == OK);
	return read;
}

static void
try_load(const struct policy_source *source, struct policy_entities_options options) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	size_t size = source->text.len;
	need(policy_entities_create(&entities) == OK);
	enum status status = policy_entities_load(entities, source, options, &diagnostics);
	need(status == OK || (status == STATUS_INVALID && diagnostics.count > 0));
	for (size_t i = 0; i < diagnostics.count; i++)
		need(diagnostics.items[i].line <= size + 1 && diagnostics.items[i].column <= size + 1);
	if (status != OK)
		return;
	check_entities(entities);
	check_written(entities);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct policy_source source = {"fuzz.json", bytes_of(data, size)};
	try_load(&source, (struct policy_entities_options){.implicit_entities = true});
	try_load(&source, (struct policy_entities_options){.schema = schema()});
	return 0;
}
