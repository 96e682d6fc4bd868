#include "policy/bundle_check.h"

#include <stdio.h>

#include "policy/limits_table.h"
#include "policy/set.h"
#include "policy/validator.h"

constexpr size_t PATH_MAX_TEXT = 256;

struct checking {
	const struct bundle *bundle;
	const struct bundle_host *host;
	struct policy_diagnostics *diagnostics;
	size_t findings;
};

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

/* --- Where a name stands in a text that keeps no places. --- */

static bool
is_word_byte(uint8_t byte) {
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '_' || byte >= 0x80;
}

/* The first place where the name stands as a word; the beginning where there is none. */
static size_t
find_word(struct bytes text, struct bytes name) {
	for (size_t at = 0; name.len > 0 && at + name.len <= text.len; at++) {
		const uint8_t *found = memmem(text.data + at, text.len - at, name.data, name.len);
		if (found == nullptr)
			return 0;
		at = (size_t)(found - text.data);
		bool begins = at == 0 || !is_word_byte(text.data[at - 1]);
		bool ends = at + name.len == text.len || !is_word_byte(text.data[at + name.len]);
		if (begins && ends)
			return at;
	}
	return 0;
}

static void note(struct checking *checking, enum bundle_part part, struct bytes word, const char *name,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

static void
note(struct checking *checking, enum bundle_part part, struct bytes word, const char *name, const char *format, ...) {
	const struct bundle_file *file = bundle_file(checking->bundle, part, 0);
	struct policy_source source = {(const char *)file->name.data, file->text};
	char text[384];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	checking->findings++;
	policy_note(checking->diagnostics, &source, find_word(file->text, word), word.len, name, "%s", text);
}

/* --- The schema: nothing that the host does not have, and all that it has. --- */

struct pair {
	const struct type *own, *host;
};

static void check_types(struct checking *checking, struct pair pair, const char *path, struct bytes word);

/* An open record: any names, all of them Longs. */
static void
check_open_record(struct checking *checking, const struct type *own, const char *path, struct bytes word) {
	if (own->kind != TYPE_RECORD) {
		note(checking, BUNDLE_SCHEMA, word, "bundle.schema_fact", "%s: expected a record", path);
		return;
	}
	for (size_t i = 0; i < own->field_count; i++)
		if (own->fields[i].type->kind != TYPE_LONG)
			note(checking, BUNDLE_SCHEMA, own->fields[i].name, "bundle.schema_fact",
			     "%s.%.*s: expected Long", path, NAME_ARGS(own->fields[i].name));
}

static bool
is_open(const struct bundle_host *host, const char *path) {
	for (size_t i = 0; i < host->open_record_count; i++)
		if (strcmp(path, host->open_records[i]) == 0)
			return true;
	return false;
}

static void
check_record(struct checking *checking, struct pair pair, const char *path) {
	for (size_t i = 0; i < pair.own->field_count; i++) {
		const struct type_field *own = &pair.own->fields[i], *host = type_find_field(pair.host, own->name);
		char inside[PATH_MAX_TEXT];
		snprintf(inside, sizeof inside, "%s%s%.*s", path, path[0] == '\0' ? "" : ".", NAME_ARGS(own->name));
		if (host == nullptr)
			note(checking, BUNDLE_SCHEMA, own->name, "bundle.schema_fact", "%s: nothing states such a fact",
			     inside);
		else if (own->is_required && !host->is_required)
			note(checking, BUNDLE_SCHEMA, own->name, "bundle.schema_fact",
			     "%s: may be absent: expected `%.*s?`", inside, NAME_ARGS(own->name));
		else if (is_open(checking->host, inside))
			check_open_record(checking, own->type, inside, own->name);
		else
			check_types(checking, (struct pair){own->type, host->type}, inside, own->name);
	}
}

static bool
same_entity(const struct checking *checking, struct pair pair) {
	return bytes_equal(policy_schema_entity(checking->bundle->schema, pair.own->entity)->name,
			   policy_schema_entity(checking->host->schema, pair.host->entity)->name);
}

static void
check_types(struct checking *checking, struct pair pair, const char *path, struct bytes word) {
	bool differs =
		pair.own->kind != pair.host->kind || (pair.own->kind == TYPE_ENTITY && !same_entity(checking, pair));
	if (differs) {
		_cleanup_(buffer_free) struct buffer own = {}, host = {};
		type_describe(checking->bundle->schema, pair.own, &own);
		type_describe(checking->host->schema, pair.host, &host);
		note(checking, BUNDLE_SCHEMA, word, "bundle.schema_fact", "%s: expected %.*s, found %.*s", path,
		     NAME_ARGS(host), NAME_ARGS(own));
	} else if (pair.own->kind == TYPE_SET)
		check_types(checking, (struct pair){pair.own->element, pair.host->element}, path, word);
	else if (pair.own->kind == TYPE_RECORD)
		check_record(checking, pair, path);
}

/* What stands above in the host's schema stands above in the bundle's. */
static void
check_ancestors(struct checking *checking, const struct schema_entity *host, uint32_t own) {
	for (size_t i = 0; i < host->ancestor_count; i++) {
		struct bytes name = policy_schema_entity(checking->host->schema, host->ancestors[i])->name;
		uint32_t above = policy_schema_find_entity(checking->bundle->schema, name);
		if (above == SCHEMA_NONE || !policy_schema_may_be_in(checking->bundle->schema, own, above))
			note(checking, BUNDLE_SCHEMA, host->name, "bundle.schema_entity",
			     "%.*s: expected it to be in %.*s", NAME_ARGS(host->name), NAME_ARGS(name));
	}
}

static void
check_entity_type(struct checking *checking, const struct schema_entity *host) {
	uint32_t number = policy_schema_find_entity(checking->bundle->schema, host->name);
	char path[PATH_MAX_TEXT];
	if (number == SCHEMA_NONE) {
		note(checking, BUNDLE_SCHEMA, (struct bytes){}, "bundle.schema_entity", "expected the entity type %.*s",
		     NAME_ARGS(host->name));
		return;
	}
	const struct schema_entity *own = policy_schema_entity(checking->bundle->schema, number);
	if (own->ids != nullptr || own->tags != nullptr)
		note(checking, BUNDLE_SCHEMA, host->name, "bundle.schema_entity", "%.*s: expected neither tags nor ids",
		     NAME_ARGS(host->name));
	snprintf(path, sizeof path, "%.*s", NAME_ARGS(host->name));
	check_ancestors(checking, host, number);
	if (own->shape != nullptr && host->shape != nullptr)
		check_types(checking, (struct pair){own->shape, host->shape}, path, host->name);
}

static bool
has_type(const struct policy_schema *schema, const uint32_t *numbers, size_t count, struct bytes name) {
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(policy_schema_entity(schema, numbers[i])->name, name))
			return true;
	return false;
}

/* One of the bundle's lists of types: nothing in it that the host's does not have. */
static void
check_no_more(struct checking *checking, struct bytes action, const uint32_t *own, size_t own_count,
	      const uint32_t *host, size_t host_count, const char *party) {
	for (size_t i = 0; i < own_count; i++) {
		struct bytes name = policy_schema_entity(checking->bundle->schema, own[i])->name;
		if (!has_type(checking->host->schema, host, host_count, name))
			note(checking, BUNDLE_SCHEMA, name, "bundle.schema_action", "%.*s: no %s is of type %.*s",
			     NAME_ARGS(action), party, NAME_ARGS(name));
	}
}

/* Everything that the host's action applies to, the bundle's applies to: only then are policies validated for it. And nothing
 * else: that never comes, and each would be validated with all others. */
static void
check_applies(struct checking *checking, const struct schema_action *host, const struct schema_action *own) {
	const struct policy_schema *schema = checking->host->schema;
	for (size_t i = 0; i < host->principal_count; i++) {
		struct bytes name = policy_schema_entity(schema, host->principals[i])->name;
		if (!has_type(checking->bundle->schema, own->principals, own->principal_count, name))
			note(checking, BUNDLE_SCHEMA, host->uid.id, "bundle.schema_action",
			     "%.*s: expected principals of type %.*s", NAME_ARGS(host->uid.id), NAME_ARGS(name));
	}
	for (size_t i = 0; i < host->resource_count; i++) {
		struct bytes name = policy_schema_entity(schema, host->resources[i])->name;
		if (!has_type(checking->bundle->schema, own->resources, own->resource_count, name))
			note(checking, BUNDLE_SCHEMA, host->uid.id, "bundle.schema_action",
			     "%.*s: expected resources of type %.*s", NAME_ARGS(host->uid.id), NAME_ARGS(name));
	}
	check_no_more(checking, host->uid.id, own->principals, own->principal_count, host->principals,
		      host->principal_count, "principal");
	check_no_more(checking, host->uid.id, own->resources, own->resource_count, host->resources,
		      host->resource_count, "resource");
}

static void
check_action_groups(struct checking *checking, const struct schema_action *host, uint32_t own) {
	for (size_t i = 0; i < host->ancestor_count; i++) {
		struct entity_uid group = policy_schema_action(checking->host->schema, host->ancestors[i])->uid;
		uint32_t above = policy_schema_find_action(checking->bundle->schema, group);
		if (above == SCHEMA_NONE || !policy_schema_action_is_in(checking->bundle->schema, own, above))
			note(checking, BUNDLE_SCHEMA, host->uid.id, "bundle.schema_action",
			     "%.*s: expected it to be in %.*s", NAME_ARGS(host->uid.id), NAME_ARGS(group.id));
	}
}

static void
check_action(struct checking *checking, const struct schema_action *host) {
	uint32_t number = policy_schema_find_action(checking->bundle->schema, host->uid);
	if (number == SCHEMA_NONE) {
		note(checking, BUNDLE_SCHEMA, (struct bytes){}, "bundle.schema_action", "expected the action \"%.*s\"",
		     NAME_ARGS(host->uid.id));
		return;
	}
	const struct schema_action *own = policy_schema_action(checking->bundle->schema, number);
	check_action_groups(checking, host, number);
	check_applies(checking, host, own);
	if (host->principal_count > 0 && own->context != nullptr && host->context != nullptr)
		check_record(checking, (struct pair){own->context, host->context}, "");
}

static void
check_schema(struct checking *checking) {
	const struct policy_schema *host = checking->host->schema, *own = checking->bundle->schema;
	for (uint32_t i = 0; i < policy_schema_entity_count(host); i++)
		if (!policy_schema_entity(host, i)->is_action)
			check_entity_type(checking, policy_schema_entity(host, i));
	for (uint32_t i = 0; i < policy_schema_action_count(host); i++)
		check_action(checking, policy_schema_action(host, i));
	for (uint32_t i = 0; i < policy_schema_action_count(own); i++) {
		struct entity_uid uid = policy_schema_action(own, i)->uid;
		if (policy_schema_find_action(host, uid) == SCHEMA_NONE)
			note(checking, BUNDLE_SCHEMA, uid.id, "bundle.schema_action", "there is no action \"%.*s\"",
			     NAME_ARGS(uid.id));
	}
}

/* --- Entities. --- */

/* That they fit the bundle's schema was seen when they were read. */
static void
check_entities(struct checking *checking) {
	const struct bundle *bundle = checking->bundle;
	for (size_t i = 0; i < bundle->entity_count; i++) {
		struct entity_uid uid = bundle->entities[i];
		if (policy_schema_find_entity(checking->host->schema, uid.type) != SCHEMA_NONE)
			note(checking, BUNDLE_ENTITIES, uid.id, "bundle.shadows",
			     "%.*s::\"%.*s\": entities of type %.*s come from the state alone", NAME_ARGS(uid.type),
			     NAME_ARGS(uid.id), NAME_ARGS(uid.type));
	}
}

/* --- Limits. --- */

static enum status
check_limits(struct checking *checking) {
	const struct bundle_file *table = bundle_file(checking->bundle, BUNDLE_LIMITS, 0), *compiled = nullptr;
	_cleanup_(buffer_free) struct buffer expected = {};
	_cleanup_(limits_table_free) struct limits_table limits = {};
	for (size_t i = 0; (compiled = bundle_file(checking->bundle, BUNDLE_POLICIES, i)) != nullptr; i++)
		if (bytes_equal_text(compiled->name, BUNDLE_LIMITS_FILE))
			break;
	if (table == nullptr && compiled == nullptr)
		return OK;
	if (table != nullptr) {
		TRY(limits_table_read(&limits, (const char *)table->name.data, table->text, checking->diagnostics));
		TRY(limits_table_compile(&limits, &expected));
	}
	if (table != nullptr && compiled != nullptr && bytes_equal(compiled->text, buffer_bytes(&expected)))
		return OK;
	note(checking, table == nullptr ? BUNDLE_POLICIES : BUNDLE_LIMITS, (struct bytes){}, "bundle.limits_differ",
	     BUNDLE_LIMITS_FILE " is not what the table of limits compiles to");
	return OK;
}

/* --- Policies. --- */

/* At the word that says what the policy does. */
static void
note_policy(struct checking *checking, const struct policy_entry *entry, const char *name, const char *sentence) {
	const struct policy_ast *ast = entry->ast;
	checking->findings++;
	policy_note(checking->diagnostics, ast->source, ast->effect_place.offset, ast->effect_place.length, name,
		    "\"%.*s\" %s", NAME_ARGS(entry->id), sentence);
}

static void
check_ids(struct checking *checking) {
	struct bytes reserved = bytes_of_text(BUNDLE_LOCAL_PREFIX);
	const struct policy_set *set = checking->bundle->policies;
	for (size_t i = 0; i < set->entry_count; i++) {
		struct bytes id = set->entries[i].id;
		if (id.len >= reserved.len && memcmp(id.data, reserved.data, reserved.len) == 0)
			note_policy(checking, &set->entries[i], "bundle.reserved_id",
				    "begins as the ids of a keeper's local policies do");
	}
}

enum status
bundle_check_forbids(const struct bundle *bundle, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	struct checking checking = {.bundle = bundle, .diagnostics = diagnostics == nullptr ? &own : diagnostics};
	size_t first = checking.diagnostics->count;
	for (size_t i = 0; i < bundle->policies->entry_count; i++)
		if (bundle->policies->entries[i].ast->effect == POLICY_PERMIT)
			note_policy(&checking, &bundle->policies->entries[i], "bundle.permit",
				    "permits, and a local bundle can only forbid");
	if (bundle->entity_count > 0)
		note(&checking, BUNDLE_ENTITIES, (struct bytes){}, "bundle.entities",
		     "a local bundle brings no entities along");
	return checking.findings == 0 ? OK : policy_diagnostics_fail(checking.diagnostics, first);
}

/* --- All of it. --- */

enum status
bundle_check(const struct bundle *bundle, const struct bundle_host *host, struct policy_diagnostics *diagnostics,
	     struct policy_diagnostics *warnings) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	struct checking checking = {
		.bundle = bundle, .host = host, .diagnostics = diagnostics == nullptr ? &own : diagnostics};
	size_t first = checking.diagnostics->count;
	check_schema(&checking);
	check_entities(&checking);
	check_ids(&checking);
	TRY(check_limits(&checking));
	if (checking.findings > 0)
		return policy_diagnostics_fail(checking.diagnostics, first);
	TRY(policy_validate(bundle->policies, bundle->schema, (struct policy_validator_options){}, checking.diagnostics,
			    warnings));
	return monotone_check(bundle->policies, bundle->schema, &host->monotone, checking.diagnostics);
}

/* --- Names in the open records. --- */

static const struct type *
type_at(const struct type *type, const char *path) {
	while (type != nullptr && type->kind == TYPE_RECORD && path != nullptr && path[0] != '\0') {
		const char *dot = strchr(path, '.');
		size_t len = dot == nullptr ? strlen(path) : (size_t)(dot - path);
		const struct type_field *field = type_find_field(type, bytes_of(path, len));
		type = field == nullptr ? nullptr : field->type;
		path = dot == nullptr ? nullptr : dot + 1;
	}
	return type != nullptr && type->kind == TYPE_RECORD ? type : nullptr;
}

static bool
is_listed(const struct bytes *names, size_t count, struct bytes name) {
	for (size_t i = 0; i < count; i++)
		if (bytes_equal(names[i], name))
			return true;
	return false;
}

constexpr size_t OPEN_NAMES_MAX = 256;

static enum status
add_names(const struct type *record, const char *path, struct bytes *names, size_t *count) {
	for (size_t j = 0; record != nullptr && j < record->field_count; j++) {
		const struct type_field *field = &record->fields[j];
		if (!field->is_required || is_listed(names, *count, field->name))
			continue;
		if (*count == OPEN_NAMES_MAX)
			return fail(STATUS_TOO_LARGE, "bundle.groups: more than %zu names in %s", OPEN_NAMES_MAX, path);
		names[(*count)++] = field->name;
	}
	return OK;
}

enum status
bundle_open_names(const struct bundle *bundle, const struct bundle_host *host, struct arena *arena,
		  const struct bytes **names, size_t *count) {
	struct bytes *found = ARENA_NEW_ARRAY(arena, OPEN_NAMES_MAX, struct bytes);
	TRY_ALLOC(found);
	*names = found;
	*count = 0;
	for (uint32_t i = 0; i < policy_schema_action_count(bundle->schema); i++) {
		const struct schema_action *action = policy_schema_action(bundle->schema, i);
		for (size_t j = 0; action->context != nullptr && j < host->open_record_count; j++)
			TRY(add_names(type_at(action->context, host->open_records[j]), host->open_records[j], found,
				      count));
	}
	return OK;
}
