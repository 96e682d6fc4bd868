/* Cedar's entities JSON: [{"uid":...,"attrs":{...},"parents":[...],"tags":{...}},...]. */
#include <stdlib.h>

#include "base/map.h"
#include "policy/entity_store.h"
#include "policy/json_place.h"

constexpr size_t ENTITIES_DEPTH_MAX = 64;

static const struct json_limits limits = {.integers = JSON_INT64_INTEGERS, .depth = ENTITIES_DEPTH_MAX};

struct reader {
	struct policy_entities *entities;
	const struct policy_source *source;
	struct policy_entities_options options;
	struct policy_diagnostics *diagnostics;
	struct arena arena;
	struct map seen;
	struct buffer key;
	size_t findings;
};

static void
free_reader(struct reader *reader) {
	arena_free(&reader->arena);
	map_free(&reader->seen);
	buffer_free(&reader->key);
}

/* What the last detail says, without its name. */
static const char *
detail_sentence(void) {
	const char *colon = strstr(fail_message(), ": ");
	return colon == nullptr ? fail_message() : colon + 2;
}

/* Stable names are static text in findings; details bring them as text. */
static const char *
keep_name(struct reader *reader) {
	char name[128];
	fail_name(name, sizeof name);
	struct arena *arena = reader->diagnostics == nullptr ? &reader->arena : &reader->diagnostics->arena;
	const char *kept = arena_text(arena, bytes_of_text(name));
	return kept == nullptr ? "entities.detail" : kept;
}

/* A detail that has just been kept becomes a finding at a place; what is no fault of the text stays as it is. */
static enum status
note_at(struct reader *reader, enum status status, struct json_place place) {
	if (status != STATUS_INVALID)
		return status;
	const char *name = keep_name(reader);
	char sentence[512];
	strncpy(sentence, detail_sentence(), sizeof sentence - 1);
	sentence[sizeof sentence - 1] = '\0';
	reader->findings++;
	return policy_complain(reader->diagnostics, reader->source, place.offset, place.length, name, "%s", sentence);
}

/* The place of element `index` of the document, or of one of its members; the nearest around it where that is not there. */
static struct json_place
place_of(const struct reader *reader, size_t index, const char *member) {
	struct json_place root = {}, element, value;
	struct bytes text = reader->source->text;
	if (!json_place_root(text, &root) || !json_place_element(text, root.offset, index, &element))
		return root;
	return member != nullptr && json_place_member(text, element.offset, member, &value) ? value : element;
}

/* JSON that could not be read: the reader's detail may tell an offset. If not, the first element that cannot be read
 * alone is where the fault stands. */
static enum status
note_unreadable(struct reader *reader, enum status status) {
	char detail[512], *end;
	strncpy(detail, fail_message(), sizeof detail - 1);
	detail[sizeof detail - 1] = '\0';
	const char *offset = strstr(detail, " at offset ");
	if (offset != nullptr)
		return note_at(reader, status,
			       (struct json_place){strtoull(offset + strlen(" at offset "), &end, 10), 1});
	struct json_place root = {}, element;
	if (!json_place_root(reader->source->text, &root))
		return note_at(reader, status, root);
	bool more = json_place_first(reader->source->text, root.offset, &element);
	for (; more; more = json_place_next(reader->source->text, &element)) {
		_cleanup_(arena_free) struct arena arena = {};
		const json *ignored;
		struct bytes alone = bytes_of(reader->source->text.data + element.offset, element.length);
		enum status again = json_read(&arena, alone, limits, &ignored);
		if (again != OK)
			return note_at(reader, again, element);
	}
	IGNORE_STATUS(fail(status, "%s", detail)); /* the detail that the search has written over */
	return note_at(reader, status, root);
}

static enum status
read_parents(struct arena *arena, const json *document, struct policy_entity *entity) {
	const json *list;
	TRY(json_need(document, "entities", "parents", JSON_ARRAY, &list));
	struct entity_uid *parents = ARENA_NEW_ARRAY(arena, json_size(list), struct entity_uid);
	TRY_ALLOC(parents);
	struct json_iterator iterator = json_iterate(list);
	entity->parents = parents;
	for (const json *parent; (parent = json_next(&iterator, nullptr)) != nullptr;)
		TRY(value_read_uid(parent, &parents[entity->parent_count++]));
	return OK;
}

/* A record whose fields are values; the record itself is no escape. */
static enum status
read_fields(struct reader *reader, const json *document, const struct value **record) {
	struct value *value = ARENA_NEW(&reader->arena, struct value);
	TRY_ALLOC(value);
	TRY((reader->options.implicit_entities ? value_read_implicit : value_read)(&reader->arena, document, value));
	if (value->type != VALUE_RECORD)
		return fail(STATUS_INVALID, "entities.record: expected a record of attributes, found an escape");
	*record = value;
	return OK;
}

static enum status
check_seen(struct reader *reader, const struct entity_uid *uid) {
	void *previous;
	buffer_reset(&reader->key);
	buffer_append_bytes(&reader->key, uid->type);
	buffer_append_text(&reader->key, "::");
	buffer_append_bytes(&reader->key, uid->id);
	TRY(buffer_status(&reader->key));
	TRY(map_put(&reader->seen, buffer_bytes(&reader->key), reader, &previous));
	if (previous != nullptr)
		return fail(STATUS_INVALID, "entities.duplicate: %.*s::\"%.*s\" stands in the list twice",
			    (int)(uid->type.len > 80 ? 80 : uid->type.len), (const char *)uid->type.data,
			    (int)(uid->id.len > 80 ? 80 : uid->id.len), (const char *)uid->id.data);
	return OK;
}

/* *member: what was being read, for the place of a finding. */
static enum status
read_entity(struct reader *reader, const json *document, const char **member) {
	struct policy_entity entity = {};
	const json *value;
	*member = nullptr;
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_INVALID, "entities.entity: expected object, found %s",
			    json_type_name(json_type_of(document)));
	TRY(json_only(document, "entities", (const char *const[]){"attrs", "parents", "tags", "uid", nullptr}));
	TRY(json_need(document, "entities", *member = "uid", JSON_OBJECT, &value));
	TRY(value_read_uid(value, &entity.uid));
	TRY(json_need(document, "entities", *member = "attrs", JSON_OBJECT, &value));
	TRY(read_fields(reader, value, &entity.attributes));
	*member = "parents";
	TRY(read_parents(&reader->arena, document, &entity));
	*member = "tags";
	if (json_get(document, "tags") != nullptr) {
		TRY(json_need(document, "entities", "tags", JSON_OBJECT, &value));
		TRY(read_fields(reader, value, &entity.tags));
	}
	*member = "uid";
	TRY(check_seen(reader, &entity.uid));
	*member = nullptr;
	return policy_entities_put(reader->entities, &entity);
}

enum status
policy_entities_read(struct policy_entities *entities, const struct policy_source *source,
		     struct policy_entities_options options, struct policy_diagnostics *diagnostics) {
	_cleanup_(free_reader) struct reader reader = {
		.entities = entities, .source = source, .options = options, .diagnostics = diagnostics};
	const json *root;
	enum status status = json_read(&reader.arena, source->text, limits, &root);
	if (status != OK)
		return note_unreadable(&reader, status);
	if (json_type_of(root) != JSON_ARRAY) {
		status = fail(STATUS_INVALID, "entities.list: expected an array of entities, found %s",
			      json_type_name(json_type_of(root)));
		return note_at(&reader, status, place_of(&reader, 0, nullptr));
	}
	struct json_iterator iterator = json_iterate(root);
	size_t index = 0;
	for (const json *document; (document = json_next(&iterator, nullptr)) != nullptr; index++) {
		const char *member;
		status = read_entity(&reader, document, &member);
		if (status == OK)
			continue;
		status = note_at(&reader, status, place_of(&reader, index, member));
		if (status != STATUS_INVALID || reader.findings == DIAGNOSTICS_MAX)
			return status;
	}
	return reader.findings > 0 ? fail_with(STATUS_INVALID) : OK;
}

static void
write_record(struct json_writer *writer, const char *key, const struct value *record) {
	const struct value empty = {.type = VALUE_RECORD};
	json_write_key(writer, key);
	value_write(writer, record == nullptr ? &empty : record);
}

static void
write_uid(struct json_writer *writer, struct entity_uid uid) {
	json_write_object(writer);
	json_write_member_string(writer, "id", uid.id);
	json_write_member_string(writer, "type", uid.type);
	json_write_end(writer);
}

static void
write_entity(struct json_writer *writer, const struct policy_entities *entities, uint32_t index) {
	size_t parents;
	const uint32_t *parent = entity_store_parents(entities, index, &parents);
	json_write_object(writer);
	write_record(writer, "attrs", entity_store_attributes(entities, index));
	json_write_key(writer, "parents");
	json_write_array(writer);
	for (size_t i = 0; i < parents; i++)
		write_uid(writer, entity_store_uid(entities, parent[i]));
	json_write_end(writer);
	write_record(writer, "tags", entity_store_tags(entities, index));
	json_write_key(writer, "uid");
	write_uid(writer, entity_store_uid(entities, index));
	json_write_end(writer);
}

enum status
policy_entities_write(const struct policy_entities *entities, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_array(&writer);
	for (uint32_t i = 0; i < entity_store_limit(entities); i++)
		if (entity_store_is_present(entities, i))
			write_entity(&writer, entities, i);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}
