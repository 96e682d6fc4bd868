#include "policy/bundle_directory.h"

#include <stdio.h>

#include "base/yaml_schema.h"
#include "policy/limits_table.h"

constexpr size_t PATH_LENGTH_MAX = 4096;

struct listing {
	const struct io *io;
	const char *path;   /* of the bundle */
	const char *folder; /* within it; "" for itself */
	struct bundle_directory *directory;
};

void
bundle_directory_free(struct bundle_directory *directory) {
	arena_free(&directory->arena);
	*directory = (struct bundle_directory){};
}

static enum status
read_text(const struct listing *listing, const char *file, struct bytes *text) {
	_cleanup_(buffer_free) struct buffer content = {};
	char path[PATH_LENGTH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s/%s", listing->path, file) >= sizeof path)
		return fail(STATUS_TOO_LARGE, "bundle.directory: the path is too long");
	TRY(io_read_file(listing->io, path, BUNDLE_SIZE_MAX, &content));
	*text = arena_copy(&listing->directory->arena, buffer_bytes(&content));
	TRY_ALLOC(text->data);
	return OK;
}

static enum status
add_file(struct bundle_directory *directory, enum bundle_part part, const char *name, struct bytes text) {
	if (directory->count == BUNDLE_FILES_MAX)
		return fail(STATUS_TOO_LARGE, "bundle.file: more than %zu files", BUNDLE_FILES_MAX);
	char *kept = arena_text(&directory->arena, bytes_of_text(name));
	TRY_ALLOC(kept);
	directory->files[directory->count++] =
		(struct bundle_file){.part = part, .name = bytes_of_text(kept), .text = text};
	return OK;
}

static bool
is_folder(const char *name) {
	return strcmp(name, "policies") == 0 || strcmp(name, "invariants") == 0 || strcmp(name, "tests") == 0;
}

static bool
is_passed_over(const struct listing *listing, const char *name) {
	bool is_top = listing->folder[0] == '\0';
	return name[0] == '.' || (is_top && (strcmp(name, "README.md") == 0 || strcmp(name, "bundle.yaml") == 0 ||
					     strcmp(name, BUNDLE_LIMITS_FILE) == 0));
}

static enum status visit(void *context, const char *name);

static enum status
visit_folder(const struct listing *listing, const char *name) {
	struct listing inside = *listing;
	char path[PATH_LENGTH_MAX];
	inside.folder = name;
	if ((size_t)snprintf(path, sizeof path, "%s/%s", listing->path, name) >= sizeof path)
		return fail(STATUS_TOO_LARGE, "bundle.directory: the path is too long");
	return io_list_directory(listing->io, path, visit, &inside);
}

static enum status
visit(void *context, const char *name) {
	struct listing *listing = context;
	bool is_top = listing->folder[0] == '\0';
	char file[PATH_LENGTH_MAX];
	struct bytes text;
	if (is_passed_over(listing, name))
		return OK;
	if (is_top && is_folder(name))
		return visit_folder(listing, name);
	snprintf(file, sizeof file, "%s%s%s", listing->folder, is_top ? "" : "/", name);
	enum bundle_part part = bundle_part_of(file);
	if (part == BUNDLE_PARTS)
		return fail(STATUS_INVALID, "bundle.file: %s/%s: is no part of a bundle", listing->path, file);
	TRY(read_text(listing, file, &text));
	return add_file(listing->directory, part, file, text);
}

static enum status
read_names(const struct listing *listing, struct yaml_texts *groups) {
	struct names {
		const char *name, *version;
		struct yaml_texts groups;
	} names = {};
	static const struct yaml_field fields[] = {
		{"name", YAML_TEXT, offsetof(struct names, name), .required = true},
		{"version", YAML_TEXT, offsetof(struct names, version), .required = true},
		{"groups", YAML_TEXTS, offsetof(struct names, groups)},
	};
	static const struct yaml_schema schema = {fields, ARRAY_LENGTH(fields), sizeof(struct names), nullptr};
	struct bytes text;
	const struct yaml_node *root;
	TRY(read_text(listing, "bundle.yaml", &text));
	TRY(yaml_read(&listing->directory->arena, "bundle.yaml", text, &root));
	TRY(yaml_fill(&listing->directory->arena, "bundle.yaml", root, &schema, &names));
	listing->directory->name = bytes_of_text(names.name);
	listing->directory->version = bytes_of_text(names.version);
	*groups = names.groups;
	return OK;
}

/* `{ "risk-officers": Long, treasury: Long };` as a line of the schema. */
static enum status
append_groups(const struct yaml_texts *groups, struct buffer *to) {
	buffer_append_text(to, BUNDLE_GROUPS_LINE "{");
	for (size_t i = 0; i < groups->count; i++) {
		if (strpbrk(groups->items[i], "\"\\\n") != nullptr)
			return fail(STATUS_INVALID, "bundle.groups: bundle.yaml: \"%s\" is no name of a group",
				    groups->items[i]);
		buffer_append_format(to, "%s \"%s\": Long", i == 0 ? "" : ",", groups->items[i]);
	}
	buffer_append_text(to, " };");
	return buffer_status(to);
}

static enum status
complete_schema(struct bundle_directory *directory, struct bytes host_schema, const struct yaml_texts *groups) {
	_cleanup_(buffer_free) struct buffer text = {};
	for (size_t i = 0; i < directory->count; i++)
		if (directory->files[i].part == BUNDLE_SCHEMA)
			return groups->count == 0
				       ? OK
				       : fail(STATUS_INVALID, "bundle.groups: bundle.yaml: the directory has "
							      "a schema of its own, which names them");
	const uint8_t *line =
		memmem(host_schema.data, host_schema.len, BUNDLE_GROUPS_LINE, sizeof BUNDLE_GROUPS_LINE - 1);
	if (line == nullptr)
		return fail(STATUS_INTERNAL, "bundle.groups: the host's schema has no place for them");
	size_t before = (size_t)(line - host_schema.data);
	const uint8_t *end = memchr(line, '\n', host_schema.len - before);
	buffer_append(&text, host_schema.data, before);
	TRY(append_groups(groups, &text));
	if (end != nullptr)
		buffer_append(&text, end, host_schema.len - (size_t)(end - host_schema.data));
	TRY(buffer_status(&text));
	struct bytes kept = arena_copy(&directory->arena, buffer_bytes(&text));
	TRY_ALLOC(kept.data);
	return add_file(directory, BUNDLE_SCHEMA, "schema.cedarschema", kept);
}

static enum status
compile_limits(struct bundle_directory *directory, struct policy_diagnostics *diagnostics) {
	_cleanup_(limits_table_free) struct limits_table table = {};
	_cleanup_(buffer_free) struct buffer cedar = {};
	const struct bundle_file *file = nullptr;
	for (size_t i = 0; i < directory->count; i++)
		if (directory->files[i].part == BUNDLE_LIMITS)
			file = &directory->files[i];
	if (file == nullptr)
		return OK;
	TRY(limits_table_read(&table, (const char *)file->name.data, file->text, diagnostics));
	TRY(limits_table_compile(&table, &cedar));
	struct bytes text = arena_copy(&directory->arena, buffer_bytes(&cedar));
	TRY_ALLOC(text.data);
	return add_file(directory, BUNDLE_POLICIES, BUNDLE_LIMITS_FILE, text);
}

enum status
bundle_directory_read(const struct io *io, const char *path, struct bytes host_schema,
		      struct bundle_directory *directory, struct policy_diagnostics *diagnostics) {
	struct yaml_texts groups;
	*directory = (struct bundle_directory){};
	struct listing listing = {.io = io, .path = path, .folder = "", .directory = directory};
	TRY(read_names(&listing, &groups));
	TRY(io_list_directory(io, path, visit, &listing));
	TRY(complete_schema(directory, host_schema, &groups));
	return compile_limits(directory, diagnostics);
}

enum status
bundle_create_of_directory(struct bundle **bundle, const struct io *io, const char *path, struct bytes host_schema,
			   struct policy_diagnostics *diagnostics) {
	_cleanup_(bundle_directory_free) struct bundle_directory directory = {};
	TRY(bundle_directory_read(io, path, host_schema, &directory, diagnostics));
	return bundle_create_of_files(bundle, directory.name, directory.version, directory.files, directory.count,
				      diagnostics);
}

/* --- Writing. --- */

static enum status
refuse_any(void *, const char *name) {
	return fail(STATUS_CONFLICT, "bundle.directory: it holds %s: expected an empty directory", name);
}

static enum status
write_file(const struct io *io, const char *directory, const char *name, struct bytes text) {
	char path[PATH_LENGTH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
		return fail(STATUS_TOO_LARGE, "bundle.directory: the path is too long");
	return io_replace_file(io, path, text);
}

static void
append_member(struct buffer *to, const char *key, struct bytes text) {
	buffer_append_format(to, "%s: \"", key);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buffer_append_byte(to, '\\');
		buffer_append_byte(to, text.data[i]);
	}
	buffer_append_text(to, "\"\n");
}

static enum status
make_folders(const struct io *io, const char *directory, const struct bundle *bundle) {
	char path[PATH_LENGTH_MAX];
	for (size_t i = 0; i < bundle->file_count; i++) {
		const char *name = (const char *)bundle->files[i].name.data, *slash = strchr(name, '/');
		if (slash == nullptr)
			continue;
		if ((size_t)snprintf(path, sizeof path, "%s/%.*s", directory, (int)(slash - name), name) >= sizeof path)
			return fail(STATUS_TOO_LARGE, "bundle.directory: the path is too long");
		TRY(io_make_directory(io, path));
	}
	return OK;
}

enum status
bundle_directory_write(const struct io *io, const char *path, const struct bundle *bundle) {
	_cleanup_(buffer_free) struct buffer names = {};
	TRY(io_make_directory(io, path));
	TRY(io_list_directory(io, path, refuse_any, nullptr));
	TRY(make_folders(io, path, bundle));
	append_member(&names, "name", bundle->name);
	append_member(&names, "version", bundle->version);
	TRY(buffer_status(&names));
	TRY(write_file(io, path, "bundle.yaml", buffer_bytes(&names)));
	for (size_t i = 0; i < bundle->file_count; i++)
		TRY(write_file(io, path, (const char *)bundle->files[i].name.data, bundle->files[i].text));
	return OK;
}
