/* Cedar's entities JSON: [{"uid":...,"attrs":{...},"parents":[...],"tags":{...}},...]. */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "policy/entity_store.h"
#include "policy/fit.h"
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
	size_t index;   /* of the entity that is being read, */
	struct fit fit; /* whose path leads to what is being read of it */
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

/* What is being read; the nearest around it where that cannot be found. */
static struct json_place
current_place(const struct reader *reader) {
	struct json_place place = {}, inner;
	struct bytes text = reader->source->text;
	if (!json_place_root(text, &place) || !json_place_element(text, place.offset, reader->index, &inner))
		return place;
	place = inner;
	for (size_t i = 0; i < reader->fit.depth && i < FIT_PATH_MAX; i++) {
		if (!json_place_member(text, place.offset, reader->fit.path[i], &inner))
			break;
		place = inner;
	}
	return place;
}

static void
enter_member(struct reader *reader, const char *name) {
	reader->fit.path[0] = bytes_of_text(name);
	reader->fit.depth = 1;
}

/* Of fit_entity(). */
static void
note_unfit(struct fit *fit, const char *name, const char *sentence) {
	struct reader *reader = fit->context;
	struct json_place place = current_place(reader);
	reader->findings++;
	policy_note(reader->diagnostics, reader->source, place.offset, place.length, name, "%s", sentence);
}

/* JSON that could not be read: the reader's detail may tell an offset. */
static enum status
note_unreadable(struct reader *reader, enum status status) {
	char detail[512];
	strncpy(detail, fail_message(), sizeof detail - 1);
	detail[sizeof detail - 1] = '\0';
	const char *offset = strstr(detail, " at offset ");
	if (offset != nullptr)
		return note_at(reader, status,
			       (struct json_place){strtoull(offset + strlen(" at offset "), nullptr, 10), 1});
	struct json_place place = {0, 1};
	if (!json_place_fault(reader->source->text, &place))
		json_place_root(reader->source->text, &place);
	return note_at(reader, status, place);
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

/* A record whose fields are values; the record itself is no escape. type: as the schema says; null: not known. */
static enum status
read_fields(struct reader *reader, const json *document, const struct type *type, const struct value **record) {
	struct value *value = ARENA_NEW(&reader->arena, struct value);
	TRY_ALLOC(value);
	if (reader->options.schema != nullptr)
		TRY(fit_read_value(&reader->fit, &reader->arena, document, type, value));
	else
		TRY((reader->options.implicit_entities ? value_read_implicit : value_read)(&reader->arena, document,
											   value));
	if (value->type != VALUE_RECORD)
		return fail(STATUS_INVALID, "entities.record: expected a record of attributes, found an escape");
	*record = value;
	return OK;
}

/* Tags are a record whose names the schema leaves open. */
static enum status
read_typed_tags(struct reader *reader, const json *document, const struct type *type, const struct value **record) {
	struct json_iterator iterator = json_iterate(document);
	size_t count = json_size(document);
	struct type_field *fields = ARENA_NEW_ARRAY(&reader->arena, count, struct type_field);
	struct type *open = ARENA_NEW(&reader->arena, struct type);
	TRY_ALLOC(fields);
	TRY_ALLOC(open);
	for (size_t i = 0; i < count; i++) {
		json_next(&iterator, &fields[i].name);
		fields[i].type = type;
	}
	*open = (struct type){.kind = TYPE_RECORD, .fields = fields, .field_count = count};
	return read_fields(reader, document, open, record);
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

static const struct schema_entity *
declaration_of(const struct reader *reader, struct bytes type) {
	if (reader->options.schema == nullptr)
		return nullptr;
	uint32_t number = policy_schema_find_entity(reader->options.schema, type);
	return number == SCHEMA_NONE ? nullptr : policy_schema_entity(reader->options.schema, number);
}

static enum status
read_entity(struct reader *reader, const json *document, struct policy_entity *entity) {
	const json *value;
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_INVALID, "entities.entity: expected object, found %s",
			    json_type_name(json_type_of(document)));
	TRY(json_only(document, "entities", (const char *const[]){"attrs", "parents", "tags", "uid", nullptr}));
	enter_member(reader, "uid");
	TRY(json_need(document, "entities", "uid", JSON_OBJECT, &value));
	TRY(value_read_uid(value, &entity->uid));
	const struct schema_entity *declared = declaration_of(reader, entity->uid.type);
	enter_member(reader, "attrs");
	TRY(json_need(document, "entities", "attrs", JSON_OBJECT, &value));
	TRY(read_fields(reader, value, declared == nullptr ? nullptr : declared->shape, &entity->attributes));
	enter_member(reader, "parents");
	TRY(read_parents(&reader->arena, document, entity));
	enter_member(reader, "tags");
	if (json_get(document, "tags") != nullptr) {
		TRY(json_need(document, "entities", "tags", JSON_OBJECT, &value));
		if (declared != nullptr && declared->tags != nullptr)
			TRY(read_typed_tags(reader, value, declared->tags, &entity->tags));
		else
			TRY(read_fields(reader, value, nullptr, &entity->tags));
	}
	enter_member(reader, "uid");
	return check_seen(reader, &entity->uid);
}

static enum status
add_entity(struct reader *reader, const json *document) {
	struct policy_entity entity = {};
	size_t findings = reader->findings;
	reader->fit.depth = 0;
	enum status status = read_entity(reader, document, &entity);
	if (status == OK) {
		reader->fit.depth = 0;
		if (reader->options.schema != nullptr)
			fit_entity(&reader->fit, &entity);
		if (reader->findings > findings)
			return OK;
		status = policy_entities_put(reader->entities, &entity);
	}
	status = note_at(reader, status, current_place(reader));
	return status == STATUS_INVALID && reader->findings < DIAGNOSTICS_MAX ? OK : status;
}

static enum status
read_document(struct reader *reader) {
	const json *root;
	enum status status = json_read(&reader->arena, reader->source->text, limits, &root);
	if (status != OK)
		return note_unreadable(reader, status);
	if (json_type_of(root) != JSON_ARRAY) {
		struct json_place place = {};
		status = fail(STATUS_INVALID, "entities.list: expected an array of entities, found %s",
			      json_type_name(json_type_of(root)));
		json_place_root(reader->source->text, &place);
		return note_at(reader, status, place);
	}
	struct json_iterator iterator = json_iterate(root);
	for (const json *document; (document = json_next(&iterator, nullptr)) != nullptr; reader->index++)
		TRY(add_entity(reader, document));
	if (reader->findings > 0)
		return fail_with(STATUS_INVALID);
	return reader->options.schema == nullptr
		       ? OK
		       : policy_entities_put_actions(reader->entities, reader->options.schema);
}

enum status
policy_entities_read(struct policy_entities *entities, const struct policy_source *source,
		     struct policy_entities_options options, struct policy_diagnostics *diagnostics) {
	_cleanup_(free_reader) struct reader reader = {
		.entities = entities,
		.source = source,
		.options = options,
		.diagnostics = diagnostics,
		.fit = {.schema = options.schema, .found = note_unfit, .context = &reader},
	};
	return read_document(&reader);
}

/* The parents of the entity of that uid, in a document that has been read. */
static struct json_place
parents_place(struct reader *reader, struct entity_uid wanted) {
	const json *root, *document;
	struct json_place place = {0, 1};
	if (json_read(&reader->arena, reader->source->text, limits, &root) != OK)
		return place;
	struct json_iterator iterator = json_iterate(root);
	for (reader->index = 0; (document = json_next(&iterator, nullptr)) != nullptr; reader->index++) {
		struct entity_uid uid;
		if (value_read_uid(json_get(document, "uid"), &uid) != OK || !bytes_equal(uid.id, wanted.id) ||
		    !bytes_equal(uid.type, wanted.type))
			continue;
		enter_member(reader, "parents");
		return current_place(reader);
	}
	return place;
}

enum status
policy_entities_load(struct policy_entities *entities, const struct policy_source *source,
		     struct policy_entities_options options, struct policy_diagnostics *diagnostics) {
	_cleanup_(free_reader) struct reader reader = {
		.entities = entities, .source = source, .options = options, .diagnostics = diagnostics};
	TRY(policy_entities_read(entities, source, options, diagnostics));
	enum status status = policy_entities_seal(entities);
	struct entity_uid uid;
	if (status != STATUS_INVALID || !entity_store_cycle(entities, &uid))
		return status;
	char sentence[512];
	snprintf(sentence, sizeof sentence, "%s", detail_sentence());
	struct json_place place = parents_place(&reader, uid);
	return policy_complain(diagnostics, source, place.offset, place.length, "entities.cycle", "%s", sentence);
}
