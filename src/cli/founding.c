#include "cli/founding.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/yaml_schema.h"
#include "cli/asset_file.h"
#include "cli/key_file.h"
#include "cli/output.h"
#include "gate/activation.h"
#include "helpers/worker_client.h"
#include "policy/bundle_directory.h"
#include "policy/work.h"

/* --- The schema. --- */

struct written_desk {
	const char *id;
	struct yaml_texts accounts;
};
struct written_entity {
	const char *id;
	struct yaml_objects desks;
};
struct written_zone {
	const char *id;
	struct yaml_texts networks;
};
struct written_person {
	const char *id, *desk, *key, *public_key, *key_name, *zone;
	struct yaml_texts groups;
};
struct written_list {
	const char *id;
	int kind;
	struct yaml_texts entries;
};
struct written {
	const char *instance, *keeper, *bundle;
	struct yaml_objects entities, zones, people, workloads, lists, assets;
	struct yaml_texts groups;
};

static const char *const list_kinds[] = {"allowed", "sanctioned", nullptr};

#define SCHEMA(table, structure) {table, ARRAY_LENGTH(table), sizeof(struct structure), nullptr}
#define NEED(structure, name) {#name, YAML_TEXT, offsetof(struct structure, name), .required = true}
#define MAY(structure, name) {#name, YAML_TEXT, offsetof(struct structure, name)}
#define TEXTS(structure, name) {#name, YAML_TEXTS, offsetof(struct structure, name)}
#define OBJECTS(key, structure, name, of, needed)                                                                      \
	{key, YAML_OBJECTS, offsetof(struct structure, name), .required = needed, .schema = &of}

static const struct yaml_field desk_fields[] = {NEED(written_desk, id), TEXTS(written_desk, accounts)};
static const struct yaml_schema desk_schema = SCHEMA(desk_fields, written_desk);
static const struct yaml_field entity_fields[] = {NEED(written_entity, id),
						  OBJECTS("desks", written_entity, desks, desk_schema, true)};
static const struct yaml_schema entity_schema = SCHEMA(entity_fields, written_entity);
static const struct yaml_field zone_fields[] = {NEED(written_zone, id), TEXTS(written_zone, networks)};
static const struct yaml_schema zone_schema = SCHEMA(zone_fields, written_zone);
static const struct yaml_field person_fields[] = {
	NEED(written_person, id),        NEED(written_person, desk),    MAY(written_person, key),
	MAY(written_person, public_key), MAY(written_person, key_name), MAY(written_person, zone),
	TEXTS(written_person, groups),
};
static const struct yaml_schema person_schema = SCHEMA(person_fields, written_person);
static const struct yaml_field workload_fields[] = {
	NEED(written_person, id),        NEED(written_person, desk),    MAY(written_person, key),
	MAY(written_person, public_key), MAY(written_person, key_name), MAY(written_person, zone),
};
static const struct yaml_schema workload_schema = SCHEMA(workload_fields, written_person);
static const struct yaml_field list_fields[] = {
	NEED(written_list, id),
	{"kind", YAML_CHOICE, offsetof(struct written_list, kind), .required = true, .choices = list_kinds},
	TEXTS(written_list, entries),
};
static const struct yaml_schema list_schema = SCHEMA(list_fields, written_list);
static const struct yaml_field fields[] = {
	NEED(written, instance),
	NEED(written, keeper),
	NEED(written, bundle),
	OBJECTS("legal_entities", written, entities, entity_schema, true),
	OBJECTS("zones", written, zones, zone_schema, false),
	OBJECTS("people", written, people, person_schema, true),
	OBJECTS("workloads", written, workloads, workload_schema, false),
	OBJECTS("lists", written, lists, list_schema, false),
	OBJECTS("assets", written, assets, asset_file_entry, false),
	TEXTS(written, groups),
};
static const struct yaml_schema schema = SCHEMA(fields, written);

/* The i-th structure of a list. */
#define ITEM(type, list, i) (&((const struct type *)(list).items)[i])

/* --- Changes. --- */

struct changes {
	struct founding *founding;
	const char *path; /* of the document */
	struct json_writer w;
};

static void
begin_change(struct changes *changes, const char *kind) {
	json_write_object(&changes->w);
	json_write_member_text(&changes->w, "kind", kind);
	json_write_key(&changes->w, "payload");
	json_write_object(&changes->w);
}

static enum status
end_change(struct changes *changes, const char *type, const char *id) {
	const char *resource = arena_format(&changes->founding->arena, "%s:%s", type, id);
	TRY_ALLOC(resource);
	json_write_end(&changes->w);
	json_write_member_text(&changes->w, "resource", resource);
	json_write_end(&changes->w);
	return OK;
}

static enum status
end_system_change(struct changes *changes) {
	return end_change(changes, "system", "gatehouse");
}

static enum status
add_unit(struct changes *changes, const char *id, const char *kind, const char *parent) {
	begin_change(changes, "unit.add");
	json_write_member_text(&changes->w, "id", id);
	json_write_member_text(&changes->w, "kind", kind);
	if (parent != nullptr)
		json_write_member_text(&changes->w, "parent", parent);
	return end_system_change(changes);
}

static enum status
add_desks(struct changes *changes, const struct written_entity *entity) {
	for (size_t i = 0; i < entity->desks.count; i++)
		TRY(add_unit(changes, ITEM(written_desk, entity->desks, i)->id, "desk", entity->id));
	return OK;
}

static enum status
add_accounts(struct changes *changes, const struct written_entity *entity) {
	for (size_t i = 0; i < entity->desks.count; i++) {
		const struct written_desk *desk = ITEM(written_desk, entity->desks, i);
		for (size_t j = 0; j < desk->accounts.count; j++)
			TRY(add_unit(changes, desk->accounts.items[j], "account", desk->id));
	}
	return OK;
}

/* From the top down: what a unit stands in is there before it. */
static enum status
add_units(struct changes *changes, const struct written *written) {
	for (size_t i = 0; i < written->entities.count; i++)
		TRY(add_unit(changes, ITEM(written_entity, written->entities, i)->id, "legal_entity", nullptr));
	for (size_t i = 0; i < written->entities.count; i++)
		TRY(add_desks(changes, ITEM(written_entity, written->entities, i)));
	for (size_t i = 0; i < written->entities.count; i++)
		TRY(add_accounts(changes, ITEM(written_entity, written->entities, i)));
	return OK;
}

static void
write_texts(struct json_writer *w, const char *key, const struct yaml_texts *texts) {
	json_write_key(w, key);
	json_write_array(w);
	for (size_t i = 0; i < texts->count; i++)
		json_write_text(w, texts->items[i]);
	json_write_end(w);
}

static enum status
add_zones(struct changes *changes, const struct written *written) {
	for (size_t i = 0; i < written->zones.count; i++) {
		const struct written_zone *zone = ITEM(written_zone, written->zones, i);
		begin_change(changes, "zone.add");
		json_write_member_text(&changes->w, "id", zone->id);
		if (zone->networks.count > 0)
			write_texts(&changes->w, "networks", &zone->networks);
		TRY(end_system_change(changes));
	}
	return OK;
}

static const char *
beside(struct changes *changes, const char *path) {
	const char *slash = strrchr(changes->path, '/');
	if (path[0] == '/' || slash == nullptr)
		return path;
	return arena_format(&changes->founding->arena, "%.*s/%s", (int)(slash - changes->path), changes->path, path);
}

/* The public key stands in the document or in the file that its owner made. */
static enum status
find_public_key(struct changes *changes, const struct written_person *one, const char *principal, const char **name,
		uint8_t public_key[32]) {
	_cleanup_(key_file_free) struct key_file file = {};
	if ((one->key != nullptr) == (one->public_key != nullptr))
		return fail(STATUS_INVALID, "founding.key: \"%s\" needs either key (a file) or public_key", one->id);
	if (one->public_key != nullptr) {
		if (strlen(one->public_key) != 64)
			return fail(STATUS_INVALID, "founding.public_key: \"%s\": expected 64 hexadecimal digits",
				    one->id);
		return hex_decode(bytes_of_text(one->public_key), public_key, 32);
	}
	const char *path = beside(changes, one->key);
	TRY_ALLOC(path);
	TRY(key_file_read_public(path, &file));
	if (!bytes_equal_text(file.principal, principal))
		return fail(STATUS_CONFLICT, "founding.key: %s is a key of \"%.*s\", not of \"%s\"", path,
			    BYTES_ARGS(file.principal), principal);
	memcpy(public_key, file.public_key, 32);
	struct bytes found =
		bytes_of(file.key_id.data + file.principal.len + 1, file.key_id.len - file.principal.len - 1);
	if (one->key_name != nullptr && !bytes_equal_text(found, one->key_name))
		return fail(STATUS_CONFLICT, "founding.key: %s holds the key \"%.*s\", not \"%s\"", path,
			    BYTES_ARGS(found), one->key_name);
	*name = arena_text(&changes->founding->arena, found);
	TRY_ALLOC(*name);
	return OK;
}

static void
keep_if_longest(struct founding *founding, struct bytes id) {
	for (size_t i = 0; i < ARRAY_LENGTH(founding->longest_keys); i++) {
		struct bytes kept = founding->longest_keys[i];
		if (id.len <= kept.len)
			continue;
		founding->longest_keys[i] = id;
		id = kept;
	}
}

static enum status
add_principal(struct changes *changes, const struct written_person *one, bool is_person) {
	const char *prefix = is_person ? "person:" : "workload:";
	const char *name = one->key_name != nullptr ? one->key_name : is_person ? "terminal" : "main";
	const char *principal = arena_format(&changes->founding->arena, "%s%s", prefix, one->id);
	uint8_t public_key[32];
	TRY_ALLOC(principal);
	TRY(find_public_key(changes, one, principal, &name, public_key));
	const char *id = arena_format(&changes->founding->arena, "%s/%s", principal, name);
	TRY_ALLOC(id);
	if (is_person)
		keep_if_longest(changes->founding, bytes_of_text(id));
	begin_change(changes, is_person ? "person.add" : "workload.add");
	json_write_key(&changes->w, "keys");
	json_write_array(&changes->w);
	json_write_object(&changes->w);
	json_write_member_text(&changes->w, "class", is_person ? "terminal" : "plain");
	json_write_member_text(&changes->w, "name", name);
	json_write_member_hex(&changes->w, "public_key", BYTES_OF_ARRAY(public_key));
	if (one->zone != nullptr)
		json_write_member_text(&changes->w, "zone", one->zone);
	json_write_end(&changes->w);
	json_write_end(&changes->w);
	json_write_member_text(&changes->w, is_person ? "person" : "workload", principal);
	return end_change(changes, "desk", one->desk);
}

static enum status
add_memberships(struct changes *changes, const struct written_person *person) {
	const char *principal = arena_format(&changes->founding->arena, "person:%s", person->id);
	TRY_ALLOC(principal);
	for (size_t i = 0; i < person->groups.count; i++) {
		begin_change(changes, "group.member_add");
		json_write_member_text(&changes->w, "person", principal);
		TRY(end_change(changes, "group", person->groups.items[i]));
	}
	return OK;
}

static enum status
add_groups(struct changes *changes, const struct written *written) {
	for (size_t i = 0; i < written->groups.count; i++) {
		begin_change(changes, "group.add");
		json_write_member_text(&changes->w, "id", written->groups.items[i]);
		TRY(end_system_change(changes));
	}
	for (size_t i = 0; i < written->people.count; i++)
		TRY(add_memberships(changes, ITEM(written_person, written->people, i)));
	return OK;
}

static enum status
add_list(struct changes *changes, const struct written_list *list) {
	begin_change(changes, "list.create");
	json_write_member_text(&changes->w, "id", list->id);
	json_write_member_text(&changes->w, "kind", list_kinds[list->kind]);
	TRY(end_system_change(changes));
	if (list->entries.count == 0)
		return OK;
	begin_change(changes, "list.add");
	write_texts(&changes->w, "entries", &list->entries);
	return end_change(changes, "list", list->id);
}

static enum status
set_price(struct changes *changes, const struct written_asset *asset) {
	int64_t microcents;
	TRY(price_parse(bytes_of_text(asset->price_usd), &microcents));
	struct bytes contract = asset->contract == nullptr ? (struct bytes){} : bytes_of_text(asset->contract);
	struct bytes id = asset_id(&changes->founding->arena, bytes_of_text(asset->chain), contract);
	TRY_ALLOC(id.data);
	const char *text = arena_text(&changes->founding->arena, id);
	TRY_ALLOC(text);
	begin_change(changes, "price.set");
	json_write_member_integer(&changes->w, "microcents", microcents);
	return end_change(changes, "asset", text);
}

static enum status
add_asset(struct changes *changes, const struct written_asset *asset) {
	begin_change(changes, "asset.add");
	json_write_member_text(&changes->w, "chain", asset->chain);
	if (asset->contract != nullptr)
		json_write_member_text(&changes->w, "contract", asset->contract);
	json_write_member_integer(&changes->w, "decimals", asset->decimals);
	json_write_member_text(&changes->w, "symbol", asset->symbol);
	TRY(end_system_change(changes));
	return asset->price_usd == nullptr ? OK : set_price(changes, asset);
}

/* By a worker of this process's own, as activation does it by the installation's. */
static enum status
prove(const struct bundle *bundle) {
	constexpr int64_t TIMEOUT_MS = 90'000;
	_cleanup_(buffer_free) struct buffer request = {}, document = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct work_answer answer;
	TRY(work_write_bundle(bundle->text, false, &request));
	int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (program < 0)
		return fail_errno(STATUS_IO, "worker.program: /proc/self/exe");
	enum status status = worker_client_run(program, buffer_bytes(&request), TIMEOUT_MS, &document);
	close(program);
	TRY(status);
	TRY(work_read_answer(&arena, buffer_bytes(&request), buffer_bytes(&document), &answer));
	return work_answer_is_proved(&answer);
}

static enum status
add_bundle(struct changes *changes, const struct written *written) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(assessments_destroy) struct assessments *assessments = nullptr;
	const struct assessment *assessment;
	const char *path = beside(changes, written->bundle);
	TRY_ALLOC(path);
	TRY(assessments_create(&assessments));
	TRY(bundle_create_of_directory(&bundle, io_system(), path, host_schema_text, nullptr));
	TRY(assessments_get(assessments, bundle->text, &assessment));
	if (assessment->status != OK)
		return fail(assessment->status, "%s", assessment->error);
	if (assessment->proof == ASSESSMENT_UNPROVED)
		TRY(prove(bundle));
	begin_change(changes, "policy.activate");
	json_write_key(&changes->w, "bundle");
	json_write_canonical(&changes->w, bundle->text);
	return end_system_change(changes);
}

static enum status
add_changes(struct changes *changes, const struct written *written) {
	TRY(add_units(changes, written));
	TRY(add_zones(changes, written));
	for (size_t i = 0; i < written->people.count; i++)
		TRY(add_principal(changes, ITEM(written_person, written->people, i), true));
	for (size_t i = 0; i < written->workloads.count; i++)
		TRY(add_principal(changes, ITEM(written_person, written->workloads, i), false));
	TRY(add_groups(changes, written));
	for (size_t i = 0; i < written->lists.count; i++)
		TRY(add_list(changes, ITEM(written_list, written->lists, i)));
	for (size_t i = 0; i < written->assets.count; i++)
		TRY(add_asset(changes, ITEM(written_asset, written->assets, i)));
	return add_bundle(changes, written);
}

static enum status
read_founding(const char *path, struct founding *founding) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes yaml;
	const struct yaml_node *root;
	struct written written = {};
	TRY(input_file(&founding->arena, path, YAML_SIZE_MAX, &yaml));
	TRY(yaml_read(&founding->arena, path, yaml, &root));
	TRY(yaml_fill(&founding->arena, path, root, &schema, &written));
	struct changes changes = {.founding = founding, .path = path};
	json_writer_start(&changes.w, &text);
	json_write_array(&changes.w);
	TRY(add_changes(&changes, &written));
	json_write_end(&changes.w);
	if (json_writer_finish(&changes.w) != OK)
		return fail(STATUS_INVALID, "founding.text: %s holds a text that JSON cannot", path);
	founding->changes = arena_copy(&founding->arena, buffer_bytes(&text));
	TRY_ALLOC(founding->changes.data);
	founding->instance = written.instance;
	founding->keeper = written.keeper;
	founding->people = written.people.count;
	founding->workloads = written.workloads.count;
	founding->entities = written.entities.count;
	founding->zones = written.zones.count;
	founding->assets = written.assets.count;
	return OK;
}

enum status
founding_read(const char *path, struct founding *founding) {
	*founding = (struct founding){};
	enum status status = read_founding(path, founding);
	if (status != OK)
		founding_free(founding);
	return status;
}

void
founding_free(struct founding *founding) {
	arena_free(&founding->arena);
	*founding = (struct founding){};
}

enum status
founding_document(const struct founding *founding, const char *origin, const struct bytes *vkeys, size_t vkey_count,
		  int64_t created_ms, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "changes");
	json_write_canonical(&w, founding->changes);
	json_write_member_integer(&w, "created", created_ms);
	json_write_member_integer(&w, "format", 1);
	json_write_member_text(&w, "instance", founding->instance);
	json_write_key(&w, "log_keys");
	json_write_array(&w);
	for (size_t i = 0; i < vkey_count; i++)
		json_write_string(&w, vkeys[i]);
	json_write_end(&w);
	json_write_member_text(&w, "origin", origin);
	json_write_member_text(&w, "type", GENESIS_LABEL);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
price_parse(struct bytes dollars, int64_t *microcents) {
	const uint8_t *dot = dollars.len == 0 ? nullptr : memchr(dollars.data, '.', dollars.len);
	size_t whole_len = dot == nullptr ? dollars.len : (size_t)(dot - dollars.data);
	struct bytes fraction = dot == nullptr ? (struct bytes){} : bytes_of(dot + 1, dollars.len - whole_len - 1);
	uint64_t whole, total, part = 0;
	if (decimal_decode(bytes_of(dollars.data, whole_len), &whole) != OK || fraction.len > 8 ||
	    (dot != nullptr && fraction.len == 0))
		return fail(STATUS_INVALID,
			    "price.form: expected US dollars with at most 8 decimals, such as 3000.25, found \"%.*s\"",
			    (int)(dollars.len > 40 ? 40 : dollars.len), (const char *)dollars.data);
	for (size_t i = 0; i < 8; i++) {
		if (i < fraction.len && (fraction.data[i] < '0' || fraction.data[i] > '9'))
			return fail(STATUS_INVALID, "price.form: \"%.*s\" has a decimal that is no digit",
				    BYTES_ARGS(fraction));
		part = part * 10 + (i < fraction.len ? (uint64_t)(fraction.data[i] - '0') : 0);
	}
	if (__builtin_mul_overflow(whole, UINT64_C(100'000'000), &total) ||
	    __builtin_add_overflow(total, part, &total) || total == 0 || total > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "price.range: a price is above zero and at most 90,071,992 dollars");
	*microcents = (int64_t)total;
	return OK;
}
