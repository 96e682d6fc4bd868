#include "policy/bundle.h"

#include <stdlib.h>

#include "policy/policy_json.h"

constexpr size_t ENTITY_PARENTS_MAX = 256;

/* --- Parts. --- */

static const struct part {
	const char *name;
	const char *patterns[4]; /* of file names: "*" stands for a name without a slash; ends in null */
	size_t least, most;      /* how many files */
} parts[BUNDLE_PARTS] = {
	[BUNDLE_ENTITIES] = {"entities", {"entities.json"}, 0, 1},
	[BUNDLE_INVARIANTS] = {"invariants", {"invariants.cedar", "invariants/*.cedar"}, 0, BUNDLE_FILES_MAX},
	[BUNDLE_LIMITS] = {"limits", {"limits.csv", "limits.yaml"}, 0, 1},
	[BUNDLE_LINKS] = {"links", {"links.json"}, 0, 1},
	[BUNDLE_POLICIES] = {"policies", {"*.cedar", "policies/*.cedar"}, 1, BUNDLE_FILES_MAX},
	[BUNDLE_SCHEMA] = {"schema", {"schema.cedarschema", "schema.json"}, 1, 1},
	[BUNDLE_TESTS] = {"tests", {"tests/*.yaml", "tests/*.json"}, 0, BUNDLE_FILES_MAX},
};

static bool
is_name_character(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
	       c == '.';
}

static bool
is_like(const char *file, const char *pattern) {
	const char *star = strchr(pattern, '*');
	if (star == nullptr)
		return strcmp(file, pattern) == 0;
	size_t before = (size_t)(star - pattern), after = strlen(star + 1), len = strlen(file);
	if (len <= before + after || strncmp(file, pattern, before) != 0 || strcmp(file + len - after, star + 1) != 0 ||
	    file[before] == '.')
		return false;
	for (size_t i = before; i < len; i++)
		if (!is_name_character(file[i]))
			return false;
	return true;
}

enum bundle_part
bundle_part_of(const char *file) {
	for (size_t part = 0; part < BUNDLE_PARTS; part++)
		for (size_t i = 0; parts[part].patterns[i] != nullptr; i++)
			if (strlen(file) <= BUNDLE_NAME_MAX && is_like(file, parts[part].patterns[i]))
				return (enum bundle_part)part;
	return BUNDLE_PARTS;
}

/* --- Writing. --- */

static int
compare_files(const void *a, const void *b) {
	const struct bundle_file *x = a, *y = b;
	return x->part != y->part ? (x->part < y->part ? -1 : 1) : bytes_compare(x->name, y->name);
}

static void
write_part(enum bundle_part part, const struct bundle_file *files, size_t count, struct json_writer *w) {
	json_write_key(w, parts[part].name);
	json_write_array(w);
	for (size_t i = 0; i < count; i++) {
		if (files[i].part != part)
			continue;
		json_write_object(w);
		json_write_member_string(w, "file", files[i].name);
		json_write_member_string(w, "text", files[i].text);
		json_write_end(w);
	}
	json_write_end(w);
}

/* The keys of a document, in their order: its parts, and what stands between them. */
static void
write_document(struct bytes name, struct bytes version, const struct bundle_file *files, size_t count,
	       struct json_writer *w) {
	json_write_object(w);
	write_part(BUNDLE_ENTITIES, files, count, w);
	write_part(BUNDLE_INVARIANTS, files, count, w);
	write_part(BUNDLE_LIMITS, files, count, w);
	write_part(BUNDLE_LINKS, files, count, w);
	json_write_member_string(w, "name", name);
	write_part(BUNDLE_POLICIES, files, count, w);
	write_part(BUNDLE_SCHEMA, files, count, w);
	json_write_member_boolean(w, "strict", true);
	write_part(BUNDLE_TESTS, files, count, w);
	json_write_member_text(w, "type", BUNDLE_LABEL);
	json_write_member_string(w, "version", version);
	json_write_end(w);
}

enum status
bundle_write(struct bytes name, struct bytes version, const struct bundle_file *files, size_t count,
	     struct buffer *to) {
	_cleanup_(arena_free) struct arena arena = {};
	struct json_writer w;
	struct bundle_file *sorted = ARENA_NEW_ARRAY(&arena, count + 1, struct bundle_file);
	TRY_ALLOC(sorted);
	memcpy(sorted, files, count * sizeof *files);
	qsort(sorted, count, sizeof *sorted, compare_files);
	for (size_t i = 0; i < count; i++)
		if (!utf8_is_valid(sorted[i].text))
			return fail(STATUS_INVALID, "bundle.text: %.*s is not UTF-8", BYTES_ARGS(sorted[i].name));
	json_writer_start(&w, to);
	write_document(name, version, sorted, count, &w);
	return json_writer_finish(&w);
}

/* --- Reading. --- */

static enum status
read_file(struct bundle *bundle, enum bundle_part part, const json *document, struct bundle_file *file) {
	static const char *const members[] = {"file", "text", nullptr};
	TRY(json_only(document, "bundle.file", members));
	TRY(json_need_string(document, "bundle.file", "file", &file->name));
	TRY(json_need_string(document, "bundle.file", "text", &file->text));
	file->part = part;
	file->name = arena_copy(&bundle->arena, file->name);
	TRY_ALLOC(file->name.data);
	if (strlen((const char *)file->name.data) != file->name.len ||
	    bundle_part_of((const char *)file->name.data) != part)
		return fail(STATUS_INVALID, "bundle.file: \"%.*s\" is not the name of a file of %s",
			    (int)(file->name.len > 80 ? 80 : file->name.len), (const char *)file->name.data,
			    parts[part].name);
	return OK;
}

static enum status
read_part(struct bundle *bundle, const json *root, enum bundle_part part, struct bundle_file *files) {
	const json *list;
	TRY(json_need(root, "bundle", parts[part].name, JSON_ARRAY, &list));
	size_t count = json_size(list), first = bundle->file_count;
	if (count < parts[part].least || count > parts[part].most || count > BUNDLE_FILES_MAX - first)
		return fail(STATUS_INVALID, "bundle.%s: %zu files, expected %zu to %zu", parts[part].name, count,
			    parts[part].least, parts[part].most);
	struct json_iterator iterator = json_iterate(list);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		struct bundle_file *file = &files[bundle->file_count++];
		TRY(read_file(bundle, part, one, file));
		if (bundle->file_count > first + 1 && bytes_compare(file[-1].name, file->name) >= 0)
			return fail(STATUS_INVALID, "bundle.file: \"%.*s\" is out of order or stands there twice",
				    BYTES_ARGS(file->name));
	}
	return OK;
}

static enum status
read_name(const json *root, const char *key, struct bytes *name) {
	TRY(json_need_string(root, "bundle", key, name));
	if (name->len == 0 || name->len > BUNDLE_NAME_MAX)
		return fail(STATUS_INVALID, "bundle.%s: expected 1 to %zu bytes, found %zu", key, BUNDLE_NAME_MAX,
			    name->len);
	return OK;
}

static enum status
check_type(const json *root) {
	struct bytes type;
	bool strict;
	static const char *const members[] = {"entities", "invariants", "limits", "links", "name",    "policies",
					      "schema",   "strict",     "tests",  "type",  "version", nullptr};
	if (json_type_of(root) != JSON_OBJECT)
		return fail(STATUS_INVALID, "bundle.type: expected an object, found %s",
			    json_type_name(json_type_of(root)));
	TRY(json_need_string(root, "bundle", "type", &type));
	if (!bytes_equal_text(type, BUNDLE_LABEL))
		return fail(STATUS_UNSUPPORTED, "bundle.type: this program reads " BUNDLE_LABEL ", found \"%.*s\"",
			    (int)(type.len > 80 ? 80 : type.len), (const char *)type.data);
	TRY(json_only(root, "bundle", members));
	TRY(json_need_boolean(root, "bundle", "strict", &strict));
	return strict ? OK : fail(STATUS_UNSUPPORTED, "bundle.strict: expected true: there is no other mode");
}

static enum status
read_document(struct bundle *bundle, struct bytes document) {
	const json *root;
	bundle->text = arena_copy(&bundle->arena, document);
	TRY_ALLOC(bundle->text.data);
	bundle->hash = sha256(document);
	TRY(json_read(&bundle->arena, bundle->text, (struct json_limits){}, &root));
	TRY(check_type(root));
	if (json_check_canonical(&bundle->arena, bundle->text) != OK)
		return fail(STATUS_INVALID, "bundle.canonical: the document is not canonical JSON");
	struct bundle_file *files = ARENA_NEW_ARRAY(&bundle->arena, BUNDLE_FILES_MAX, struct bundle_file);
	TRY_ALLOC(files);
	bundle->files = files;
	TRY(read_name(root, "name", &bundle->name));
	TRY(read_name(root, "version", &bundle->version));
	for (size_t part = 0; part < BUNDLE_PARTS; part++)
		TRY(read_part(bundle, root, (enum bundle_part)part, files));
	return OK;
}

const struct bundle_file *
bundle_file(const struct bundle *bundle, enum bundle_part part, size_t i) {
	for (size_t at = 0; at < bundle->file_count; at++)
		if (bundle->files[at].part == part && i-- == 0)
			return &bundle->files[at];
	return nullptr;
}

/* --- Compiling. --- */

static bool
is_json(struct bytes name) {
	return name.len > 5 && memcmp(name.data + name.len - 5, ".json", 5) == 0;
}

/* All files are read before the first finding ends it, so that one run tells of every one. */
static enum status
compile_policies(struct bundle *bundle, struct policy_diagnostics *diagnostics) {
	size_t first = diagnostics->count;
	bool is_broken = false;
	TRY(policy_set_create(nullptr, &bundle->policies));
	for (size_t i = 0; i < bundle->file_count; i++) {
		const struct bundle_file *file = &bundle->files[i];
		if (file->part != BUNDLE_POLICIES)
			continue;
		enum status status =
			policy_set_add(bundle->policies, (const char *)file->name.data, file->text, diagnostics);
		if (status != OK && status != STATUS_INVALID)
			return status;
		is_broken |= status == STATUS_INVALID;
	}
	if (is_broken)
		return policy_diagnostics_fail(diagnostics, first);
	const struct bundle_file *links = bundle_file(bundle, BUNDLE_LINKS, 0);
	if (links != nullptr)
		TRY(policy_set_add_json(bundle->policies, (const char *)links->name.data, links->text, diagnostics));
	TRY(policy_set_seal(bundle->policies));
	return policy_set_count(bundle->policies) > 0
		       ? OK
		       : fail(STATUS_INVALID, "bundle.empty: a bundle without policies denies everything for ever");
}

static enum status
compile_schema(struct bundle *bundle, struct policy_diagnostics *diagnostics) {
	const struct bundle_file *file = bundle_file(bundle, BUNDLE_SCHEMA, 0);
	return policy_schema_parse((const char *)file->name.data, file->text,
				   is_json(file->name) ? SCHEMA_JSON : SCHEMA_CEDAR, &bundle->schema, diagnostics);
}

/* Which entities there are; that they can be read has been seen. */
static enum status
list_entities(struct bundle *bundle) {
	const struct bundle_file *file = bundle_file(bundle, BUNDLE_ENTITIES, 0);
	const json *root;
	if (file == nullptr)
		return OK;
	struct json_limits limits = {.integers = JSON_INT64_INTEGERS, .depth = 64};
	TRY(json_read(&bundle->arena, file->text, limits, &root));
	struct entity_uid *uids = ARENA_NEW_ARRAY(&bundle->arena, json_size(root) + 1, struct entity_uid);
	TRY_ALLOC(uids);
	bundle->entities = uids;
	struct json_iterator iterator = json_iterate(root);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		TRY(value_read_uid(json_get(one, "uid"), &uids[bundle->entity_count++]));
	return OK;
}

static enum status
compile_entities(struct bundle *bundle, struct policy_diagnostics *diagnostics) {
	const struct bundle_file *file = bundle_file(bundle, BUNDLE_ENTITIES, 0);
	size_t first = diagnostics->count;
	if (file == nullptr)
		return OK;
	struct policy_source source = {(const char *)file->name.data, file->text};
	TRY(policy_entities_create(&bundle->store));
	enum status status = policy_entities_load(
		bundle->store, &source, (struct policy_entities_options){.schema = bundle->schema}, diagnostics);
	if (status != OK)
		return status == STATUS_INVALID ? policy_diagnostics_fail(diagnostics, first) : status;
	return list_entities(bundle);
}

static enum status
create(struct bundle *bundle, struct bytes document, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	if (document.len > BUNDLE_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "bundle.size: %zu bytes, at most %zu", document.len, BUNDLE_SIZE_MAX);
	if (diagnostics == nullptr)
		diagnostics = &own;
	TRY(read_document(bundle, document));
	TRY(compile_policies(bundle, diagnostics));
	TRY(compile_schema(bundle, diagnostics));
	return compile_entities(bundle, diagnostics);
}

enum status
bundle_create(struct bundle **bundle, struct bytes document, struct policy_diagnostics *diagnostics) {
	_cleanup_(bundle_destroy) struct bundle *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(create(made, document, diagnostics));
	*bundle = TAKE(made);
	return OK;
}

enum status
bundle_create_of_files(struct bundle **bundle, struct bytes name, struct bytes version, const struct bundle_file *files,
		       size_t count, struct policy_diagnostics *diagnostics) {
	_cleanup_(buffer_free) struct buffer document = {};
	TRY(bundle_write(name, version, files, count, &document));
	return bundle_create(bundle, buffer_bytes(&document), diagnostics);
}

void
bundle_destroy(struct bundle **bundle) {
	struct bundle *gone = TAKE(*bundle);
	if (gone == nullptr)
		return;
	policy_set_destroy(&gone->policies);
	policy_schema_destroy(&gone->schema);
	policy_entities_destroy(&gone->store);
	arena_free(&gone->arena);
	free(gone);
}

enum status
bundle_join(const struct bundle *common, const struct bundle *local, struct policy_set **joined) {
	_cleanup_(policy_set_destroy) struct policy_set *made = nullptr;
	TRY(policy_set_create(nullptr, &made));
	TRY(policy_set_join(made, common->policies, (struct bytes){}));
	TRY(policy_set_join(made, local->policies, bytes_of_text(BUNDLE_LOCAL_PREFIX)));
	TRY(policy_set_seal(made));
	*joined = TAKE(made);
	return OK;
}

enum status
bundle_put_entities(const struct bundle *bundle, struct policy_entities *entities) {
	struct entity_uid parents[ENTITY_PARENTS_MAX];
	for (size_t i = 0; i < bundle->entity_count; i++) {
		struct policy_entity entity;
		if (!policy_entities_get(bundle->store, bundle->entities[i], &entity))
			return fail(STATUS_INTERNAL, "bundle.entities: one is listed that is not there");
		entity.parent_count =
			policy_entities_parents(bundle->store, bundle->entities[i], parents, ENTITY_PARENTS_MAX);
		entity.parents = parents;
		if (entity.parent_count > ENTITY_PARENTS_MAX)
			return fail(STATUS_TOO_LARGE, "bundle.parents: an entity has more than %zu",
				    ENTITY_PARENTS_MAX);
		TRY(policy_entities_put(entities, &entity));
	}
	return OK;
}

enum status
bundle_remove_entities(const struct bundle *bundle, struct policy_entities *entities) {
	for (size_t i = 0; i < bundle->entity_count; i++)
		TRY(policy_entities_remove(entities, bundle->entities[i]));
	return OK;
}

void
bundle_write_summary(const struct bundle *bundle, struct json_writer *w) {
	json_write_object(w);
	json_write_member_hex(w, "bundle", hash256_bytes(&bundle->hash));
	json_write_key(w, "files");
	json_write_array(w);
	for (size_t i = 0; i < bundle->file_count; i++) {
		const struct bundle_file *file = &bundle->files[i];
		struct hash256 hash = sha256(file->text);
		json_write_object(w);
		json_write_member_integer(w, "bytes", (int64_t)file->text.len);
		json_write_member_string(w, "file", file->name);
		json_write_member_text(w, "part", parts[file->part].name);
		json_write_member_hex(w, "sha256", hash256_bytes(&hash));
		json_write_end(w);
	}
	json_write_end(w);
	json_write_member_string(w, "name", bundle->name);
	json_write_member_integer(w, "policies", (int64_t)policy_set_count(bundle->policies));
	json_write_member_string(w, "version", bundle->version);
	json_write_end(w);
}
