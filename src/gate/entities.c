#include "gate/entities.h"
#include "gate/change_organisation.h"

#include <stdlib.h>

static const struct {
	const char *entity;
} unit_entities[] = {[UNIT_LEGAL_ENTITY] = {"LegalEntity"}, [UNIT_DESK] = {"Desk"}, [UNIT_ACCOUNT] = {"Account"}};

static struct entity_uid
uid(const char *type, struct bytes id) {
	return (struct entity_uid){bytes_of_text(type), id};
}

/* "person:p-1" is Person::"p-1": the type says the rest. */
struct entity_uid
entity_of_principal(const struct principal *principal) {
	const uint8_t *colon = memchr(principal->id.data, ':', principal->id.len);
	size_t start = colon == nullptr ? 0 : (size_t)(colon - principal->id.data) + 1;
	return uid(principal->kind == PRINCIPAL_PERSON ? "Person" : "Workload",
		   bytes_of(principal->id.data + start, principal->id.len - start));
}

struct entity_uid
entity_of_action(enum operation_kind_id kind) {
	return uid("Action", bytes_of_text(operation_kinds[kind].name));
}

struct entity_uid
entity_of_resource(enum resource_type type, struct bytes id) {
	return uid(resource_kinds[type].entity, id);
}

static struct entity_uid
entity_of_unit(const struct unit *unit) {
	return uid(unit_entities[unit->kind].entity, unit->id);
}

static struct value_field
field(const char *name, struct value value) {
	return (struct value_field){bytes_of_text(name), value};
}

static enum status
put(struct policy_entities *entities, struct entity_uid entity, const struct value_field *fields, size_t field_count,
    const struct entity_uid *parents, size_t parent_count) {
	struct value attributes = {.type = VALUE_RECORD, .record = {fields, field_count}};
	return policy_entities_put(entities, &(struct policy_entity){.uid = entity,
								     .attributes = &attributes,
								     .parents = parents,
								     .parent_count = parent_count});
}

static enum status
put_unit(struct policy_entities *entities, const struct unit *unit) {
	struct entity_uid parent = unit->parent == nullptr ? (struct entity_uid){} : entity_of_unit(unit->parent);
	return put(entities, entity_of_unit(unit), nullptr, 0, &parent, unit->parent != nullptr);
}

constexpr size_t PARENTS_MAX = ENTITY_GROUPS_MAX + 1; /* and the desk */

static enum status
put_principal(struct policy_entities *entities, const struct gate_state *state, const struct principal *principal,
	      int64_t now_ms) {
	struct entity_uid parents[PARENTS_MAX] = {entity_of_unit(principal->unit)};
	size_t count = 1;
	for (size_t i = 0; i < directory_group_count(state->directory); i++) {
		const struct group *group = directory_group_at(state->directory, i);
		if (!directory_is_member(state->directory, group, principal, now_ms))
			continue;
		if (count == PARENTS_MAX)
			return fail(STATUS_TOO_LARGE, "entities.groups: %.*s is in more than %zu groups",
				    BYTES_ARGS(principal->id), PARENTS_MAX - 1);
		parents[count++] = uid("Group", group->id);
	}
	const struct value_field fields[] = {field("suspended", value_boolean(principal->suspended))};
	return put(entities, entity_of_principal(principal), fields, ARRAY_LENGTH(fields), parents, count);
}

static enum status
put_key(struct policy_entities *entities, const struct key_info *key) {
	const struct value_field fields[] = {
		field("algorithm", value_text(key_algorithm_name(key->algorithm))),
		field("purpose", value_text(key_purpose_name(key->purpose))),
		field("state", value_text(key_state_name(key->state))),
	};
	struct entity_uid account = uid("Account", bytes_of_text(key->account));
	return put(entities, uid("Key", bytes_of_text(key->id)), fields, ARRAY_LENGTH(fields), &account, 1);
}

static enum status
put_list(struct policy_entities *entities, const struct destination_list *list) {
	const struct value_field fields[] = {field("kind", value_text(destination_list_kind_name(list->kind)))};
	return put(entities, uid("List", bytes_of_text(list->name)), fields, ARRAY_LENGTH(fields), nullptr, 0);
}

static enum status
put_asset(struct policy_entities *entities, const struct asset *asset) {
	const struct value_field fields[] = {
		field("chain", value_string(asset->chain)),
		field("symbol", value_string(asset->symbol)),
	};
	return put(entities, uid("Asset", asset->id), fields, ARRAY_LENGTH(fields), nullptr, 0);
}

enum status
entities_create(struct policy_entities **entities) {
	_cleanup_(policy_entities_destroy) struct policy_entities *made = nullptr;
	TRY(policy_entities_create(&made));
	for (size_t i = 0; i < OPERATION_KINDS; i++) {
		struct entity_uid group = uid("Action", bytes_of_text(operation_kinds[i].action_group));
		TRY(put(made, entity_of_action((enum operation_kind_id)i), nullptr, 0, &group, 1));
	}
	TRY(put(made, uid("System", BYTES_OF_LITERAL("gatehouse")), nullptr, 0, nullptr, 0));
	TRY(policy_entities_seal(made));
	*entities = TAKE(made);
	return OK;
}

static enum status
follow_key(struct policy_entities *entities, const struct gate_state *state, struct bytes id) {
	const struct key_info *key = gate_state_key(state, id);
	return key == nullptr ? OK : put_key(entities, key);
}

static enum status
follow_principal(struct policy_entities *entities, const struct gate_state *state, struct bytes id, int64_t now_ms) {
	const struct principal *principal = directory_principal(state->directory, id);
	return principal == nullptr ? OK : put_principal(entities, state, principal, now_ms);
}

static struct bytes
member(const struct change *change, const char *name) {
	const json *value = json_get(change->payload, name);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

static enum status
follow(struct policy_entities *entities, const struct gate_state *state, const struct change *change, bool *touched) {
	*touched = true;
	switch (change->kind) {
	case OPERATION_KEY_CREATE:
	case OPERATION_KEY_IMPORT:
		return follow_key(entities, state, member(change, "id"));
	case OPERATION_KEY_ROTATE:
		TRY(follow_key(entities, state, member(change, "id")));
		[[fallthrough]];
	case OPERATION_KEY_FREEZE:
	case OPERATION_KEY_UNFREEZE:
	case OPERATION_KEY_REFRESH:
	case OPERATION_KEY_RESHARE:
	case OPERATION_KEY_BACKUP:
	case OPERATION_KEY_DESTROY:
		return follow_key(entities, state, change->resource_id);
	case OPERATION_UNIT_ADD: {
		const struct unit *unit = directory_unit(state->directory, member(change, "id"));
		return unit == nullptr ? OK : put_unit(entities, unit);
	}
	case OPERATION_ZONE_ADD:
		return put(entities, uid("Zone", member(change, "id")), nullptr, 0, nullptr, 0);
	case OPERATION_PERSON_ADD:
		return follow_principal(entities, state, member(change, "person"), change->now_ms);
	case OPERATION_WORKLOAD_ADD:
		return follow_principal(entities, state, member(change, "workload"), change->now_ms);
	case OPERATION_PRINCIPAL_SUSPEND:
	case OPERATION_PRINCIPAL_RESUME:
		return follow_principal(entities, state, change->operation->resource, change->now_ms);
	case OPERATION_GROUP_ADD:
		return put(entities, uid("Group", member(change, "id")), nullptr, 0, nullptr, 0);
	case OPERATION_GROUP_MEMBER_ADD:
	case OPERATION_GROUP_MEMBER_REMOVE:
	case OPERATION_ADDITION_CANCEL:
		return follow_principal(entities, state, member(change, "person"), change->now_ms);
	case OPERATION_LIST_CREATE: {
		const struct destination_list *list = destinations_find(&state->destinations, member(change, "id"));
		return list == nullptr ? OK : put_list(entities, list);
	}
	case OPERATION_ASSET_ADD: {
		const struct asset *asset =
			asset_find_contract(state->assets, member(change, "chain"), member(change, "contract"));
		return asset == nullptr ? OK : put_asset(entities, asset);
	}
	default:
		*touched = false;
		return OK;
	}
}

enum status
entities_follow(struct policy_entities *entities, const struct gate_state *state, const struct change *change,
		bool *touched) {
	TRY(follow(entities, state, change, touched));
	return *touched ? policy_entities_seal(entities) : OK;
}

enum status
entities_follow_time(struct policy_entities *entities, const struct gate_state *state, int64_t from_ms, int64_t now_ms,
		     bool *touched) {
	*touched = false;
	for (size_t i = 0; i < directory_group_count(state->directory); i++) {
		const struct group *group = directory_group_at(state->directory, i);
		const struct principal *principal;
		int64_t begins_ms;
		size_t at = 0;
		while ((principal = directory_next_of_group(group, &at, &begins_ms)) != nullptr) {
			if (begins_ms <= from_ms || begins_ms > now_ms)
				continue;
			*touched = true;
			TRY(put_principal(entities, state, principal, now_ms));
		}
	}
	return *touched ? policy_entities_seal(entities) : OK;
}

static enum status
load_directory(struct policy_entities *entities, const struct gate_state *state) {
	const struct directory *directory = state->directory;
	for (size_t i = 0; i < directory_unit_count(directory); i++)
		TRY(put_unit(entities, directory_unit_at(directory, i)));
	for (size_t i = 0; i < directory_zone_count(directory); i++)
		TRY(put(entities, uid("Zone", directory_zone_at(directory, i)->id), nullptr, 0, nullptr, 0));
	for (size_t i = 0; i < directory_group_count(directory); i++)
		TRY(put(entities, uid("Group", directory_group_at(directory, i)->id), nullptr, 0, nullptr, 0));
	for (size_t i = 0; i < directory_principal_count(directory); i++)
		TRY(put_principal(entities, state, directory_principal_at(directory, i), state->now_ms));
	return OK;
}

enum status
entities_load(struct policy_entities *entities, const struct gate_state *state) {
	size_t at = 0;
	void *item;
	TRY(load_directory(entities, state));
	for (size_t i = 0; i < asset_registry_count(state->assets); i++)
		TRY(put_asset(entities, asset_registry_at(state->assets, i)));
	while (map_next(&state->destinations.lists, &at, nullptr, &item))
		TRY(put_list(entities, item));
	at = 0;
	while (map_next(&state->keys, &at, nullptr, &item))
		TRY(put_key(entities, item));
	return policy_entities_seal(entities);
}

/* --- What a decision could reach. --- */

constexpr size_t REACHABLE_MAX = 256;

static int
compare_uids(const void *a, const void *b) {
	const struct entity_uid *x = a, *y = b;
	int order = bytes_compare(x->type, y->type);
	return order != 0 ? order : bytes_compare(x->id, y->id);
}

static enum status
collect(const struct policy_entities *entities, struct entity_uid from, struct entity_uid *found, size_t *count) {
	for (size_t i = 0; i < *count; i++)
		if (compare_uids(&found[i], &from) == 0)
			return OK;
	struct policy_entity entity;
	if (!policy_entities_get(entities, from, &entity))
		return OK;
	if (*count == REACHABLE_MAX)
		return fail(STATUS_TOO_LARGE, "entities.reachable: a request reaches more than %zu entities",
			    REACHABLE_MAX);
	found[(*count)++] = from;
	struct entity_uid parents[PARENTS_MAX];
	size_t parent_count = policy_entities_parents(entities, from, parents, PARENTS_MAX);
	for (size_t i = 0; i < parent_count; i++)
		TRY(collect(entities, parents[i], found, count));
	return OK;
}

static void
write_uid(struct json_writer *writer, struct entity_uid entity) {
	json_write_object(writer);
	json_write_member_string(writer, "id", entity.id);
	json_write_member_string(writer, "type", entity.type);
	json_write_end(writer);
}

enum status
entities_write_reachable(const struct policy_entities *entities, const struct entity_uid *from, size_t from_count,
			 struct arena *scratch, struct json_writer *writer) {
	struct entity_uid *found = ARENA_NEW_ARRAY(scratch, REACHABLE_MAX, struct entity_uid);
	TRY_ALLOC(found);
	size_t count = 0;
	for (size_t i = 0; i < from_count; i++)
		TRY(collect(entities, from[i], found, &count));
	qsort(found, count, sizeof *found, compare_uids);
	json_write_array(writer);
	for (size_t i = 0; i < count; i++) {
		struct policy_entity entity;
		(void)policy_entities_get(entities, found[i], &entity);
		struct entity_uid parents[PARENTS_MAX];
		size_t parent_count = policy_entities_parents(entities, found[i], parents, PARENTS_MAX);
		qsort(parents, parent_count, sizeof *parents, compare_uids);
		static const struct value none = {.type = VALUE_RECORD};
		json_write_object(writer);
		json_write_key(writer, "attrs");
		value_write(writer, entity.attributes == nullptr ? &none : entity.attributes);
		json_write_key(writer, "parents");
		json_write_array(writer);
		for (size_t j = 0; j < parent_count; j++)
			write_uid(writer, parents[j]);
		json_write_end(writer);
		json_write_key(writer, "uid");
		write_uid(writer, entity.uid);
		json_write_end(writer);
	}
	json_write_end(writer);
	return OK;
}
