/* Entities as JSON, as policy_entities_read() takes them: for what is read again, and for another engine to read. No process writes them. */
#ifndef GATEHOUSE_POLICY_ENTITIES_TESTING_H
#define GATEHOUSE_POLICY_ENTITIES_TESTING_H

#include "policy/entity_store.h"

static inline void
entities_write_record(struct json_writer *writer, const char *key, const struct value *record) {
	const struct value empty = {.type = VALUE_RECORD};
	json_write_key(writer, key);
	value_write(writer, record == nullptr ? &empty : record);
}

static inline void
entities_write_uid(struct json_writer *writer, struct entity_uid uid) {
	json_write_object(writer);
	json_write_member_string(writer, "id", uid.id);
	json_write_member_string(writer, "type", uid.type);
	json_write_end(writer);
}

static inline void
entities_write_entity(struct json_writer *writer, const struct policy_entities *entities, uint32_t index) {
	size_t parents;
	const uint32_t *parent = entity_store_parents(entities, index, &parents);
	json_write_object(writer);
	entities_write_record(writer, "attrs", entity_store_attributes(entities, index));
	json_write_key(writer, "parents");
	json_write_array(writer);
	for (size_t i = 0; i < parents; i++)
		entities_write_uid(writer, entity_store_uid(entities, parent[i]));
	json_write_end(writer);
	entities_write_record(writer, "tags", entity_store_tags(entities, index));
	json_write_key(writer, "uid");
	entities_write_uid(writer, entity_store_uid(entities, index));
	json_write_end(writer);
}

/* Appended, in no particular order. STATUS_INVALID where JSON cannot hold it (json.h: a long beyond 2^53). */
static inline enum status
entities_write(const struct policy_entities *entities, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_array(&writer);
	for (uint32_t i = 0; i < entity_store_limit(entities); i++)
		if (entity_store_is_present(entities, i))
			entities_write_entity(&writer, entities, i);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

#endif
