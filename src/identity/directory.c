#include "identity/directory_internal.h"

#include <stdlib.h>

#include "crypto/random.h"
#include "crypto/sign.h"

static const char PERSON_PREFIX[] = "person:p-";
static const char WORKLOAD_PREFIX[] = "workload:";
constexpr size_t PSEUDONYM_BYTES = 8;

static const char *const UNIT_KIND_NAMES[] = {
	[UNIT_LEGAL_ENTITY] = "legal_entity",
	[UNIT_DESK] = "desk",
	[UNIT_ACCOUNT] = "account",
};

static const char *const PRINCIPAL_KIND_NAMES[] = {
	[PRINCIPAL_PERSON] = "person",
	[PRINCIPAL_WORKLOAD] = "workload",
};

static const char *const KEY_CLASS_NAMES[] = {
	[DIRECTORY_KEY_PLAIN] = "plain",
	[DIRECTORY_KEY_TERMINAL] = "terminal",
	[DIRECTORY_KEY_PASSKEY] = "passkey",
};

const char *
unit_kind_name(enum unit_kind kind) {
	return UNIT_KIND_NAMES[kind];
}

const char *
principal_kind_name(enum principal_kind kind) {
	return PRINCIPAL_KIND_NAMES[kind];
}

const char *
directory_key_class_name(enum directory_key_class class) {
	return KEY_CLASS_NAMES[class];
}

enum status
directory_unknown(const char *what, struct bytes id) {
	return fail(STATUS_NOT_FOUND, "directory.unknown: %s \"%.*s\"", what,
		    (int)(id.len > DIRECTORY_KEY_ID_MAX ? DIRECTORY_KEY_ID_MAX : id.len), (const char *)id.data);
}

enum status
directory_create(struct directory **directory) {
	*directory = calloc(1, sizeof **directory);
	TRY_ALLOC(*directory);
	return OK;
}

void
directory_destroy(struct directory **directory) {
	if (*directory == nullptr)
		return;
	for (size_t i = 0; i < (*directory)->groups.count; i++)
		map_free(&((struct stored_group *)(*directory)->groups.items[i])->members);
	registry_free(&(*directory)->units);
	registry_free(&(*directory)->zones);
	registry_free(&(*directory)->principals);
	registry_free(&(*directory)->keys);
	registry_free(&(*directory)->groups);
	map_free(&(*directory)->by_public_key);
	map_free(&(*directory)->by_credential);
	arena_free(&(*directory)->arena);
	free(*directory);
	*directory = nullptr;
}

/* --- Names --- */

static bool
is_lower_alphanumeric(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum status
directory_check_name(struct bytes name, const char *others) {
	bool valid = name.len > 0 && name.len <= DIRECTORY_NAME_MAX && is_lower_alphanumeric(name.data[0]);
	for (size_t i = 0; valid && i < name.len; i++)
		valid = is_lower_alphanumeric(name.data[i]) ||
			(name.data[i] != '\0' && strchr(others, name.data[i]) != nullptr);
	if (!valid)
		return fail(STATUS_INVALID, "directory.name: expected 1 to %zu of a-z, 0-9 and \"%s\", found \"%.*s\"",
			    DIRECTORY_NAME_MAX, others,
			    (int)(name.len > DIRECTORY_NAME_MAX ? DIRECTORY_NAME_MAX : name.len),
			    (const char *)name.data);
	return OK;
}

static enum status
check_prefixed(struct bytes id, const char *prefix) {
	size_t len = strlen(prefix);
	if (id.len <= len || memcmp(id.data, prefix, len) != 0)
		return fail(STATUS_INVALID, "directory.name: expected \"%s\" and a name", prefix);
	return directory_check_name(bytes_of(id.data + len, id.len - len), "._-");
}

void
directory_new_person_id(char id[static 26]) {
	uint8_t random[PSEUDONYM_BYTES];
	static_assert(sizeof PERSON_PREFIX - 1 + 2 * PSEUDONYM_BYTES + 1 == PERSON_ID_SIZE);
	random_bytes(random, sizeof random);
	memcpy(id, PERSON_PREFIX, sizeof PERSON_PREFIX - 1);
	hex_encode(BYTES_OF_ARRAY(random), id + sizeof PERSON_PREFIX - 1);
}

/* --- Units and zones --- */

static enum status
find_parent(const struct directory *directory, enum unit_kind kind, struct bytes parent, const struct unit **found) {
	*found = nullptr;
	if (kind == UNIT_LEGAL_ENTITY && parent.len == 0)
		return OK;
	*found = directory_unit(directory, parent);
	if (kind == UNIT_LEGAL_ENTITY || *found == nullptr || (*found)->kind + 1 != kind)
		return fail(STATUS_INVALID, "directory.parent: a %s stands in %s", UNIT_KIND_NAMES[kind],
			    kind == UNIT_LEGAL_ENTITY ? "nothing"
			    : kind == UNIT_DESK       ? "a legal_entity that is registered"
						      : "a desk that is registered");
	return OK;
}

enum status
directory_check_unit(const struct directory *directory, enum unit_kind kind, struct bytes id, struct bytes parent) {
	const struct unit *above;
	TRY(directory_check_name(id, "._-"));
	TRY(registry_check_new(&directory->units, "unit", id));
	return find_parent(directory, kind, parent, &above);
}

enum status
directory_add_unit(struct directory *directory, enum unit_kind kind, struct bytes id, struct bytes parent) {
	const struct unit *above;
	TRY(directory_check_unit(directory, kind, id, parent));
	TRY(find_parent(directory, kind, parent, &above));
	struct unit *unit = ARENA_NEW(&directory->arena, struct unit);
	TRY_ALLOC(unit);
	*unit = (struct unit){.id = arena_copy(&directory->arena, id), .kind = kind, .parent = above};
	TRY_ALLOC(unit->id.data);
	return registry_add(&directory->units, unit->id, unit);
}

enum status
directory_check_zone(const struct directory *directory, struct bytes id) {
	TRY(directory_check_name(id, "._-"));
	return registry_check_new(&directory->zones, "zone", id);
}

enum status
directory_add_zone(struct directory *directory, struct bytes id) {
	TRY(directory_check_zone(directory, id));
	struct zone *zone = ARENA_NEW(&directory->arena, struct zone);
	TRY_ALLOC(zone);
	zone->id = arena_copy(&directory->arena, id);
	TRY_ALLOC(zone->id.data);
	return registry_add(&directory->zones, zone->id, zone);
}

/* --- Principals --- */

static enum status
find_unit(const struct directory *directory, struct bytes id, const struct unit **unit) {
	*unit = directory_unit(directory, id);
	return *unit == nullptr ? directory_unknown("unit", id) : OK;
}

enum status
directory_find_principal(const struct directory *directory, struct bytes id, struct stored_principal **principal) {
	*principal = map_get(&directory->principals.by_id, id);
	return *principal == nullptr ? directory_unknown("principal", id) : OK;
}

enum status
directory_check_principal(const struct directory *directory, enum principal_kind kind, struct bytes id,
			  struct bytes unit_id) {
	const struct unit *unit;
	TRY(check_prefixed(id, kind == PRINCIPAL_PERSON ? PERSON_PREFIX : WORKLOAD_PREFIX));
	TRY(registry_check_new(&directory->principals, PRINCIPAL_KIND_NAMES[kind], id));
	return find_unit(directory, unit_id, &unit);
}

static enum status
add_principal(struct directory *directory, enum principal_kind kind, struct bytes id, struct bytes unit_id) {
	const struct unit *unit;
	TRY(directory_check_principal(directory, kind, id, unit_id));
	TRY(find_unit(directory, unit_id, &unit));
	struct stored_principal *stored = ARENA_NEW(&directory->arena, struct stored_principal);
	TRY_ALLOC(stored);
	stored->principal = (struct principal){.id = arena_copy(&directory->arena, id),
					       .kind = kind,
					       .unit = unit,
					       .number = directory->principals.count};
	TRY_ALLOC(stored->principal.id.data);
	return registry_add(&directory->principals, stored->principal.id, stored);
}

enum status
directory_add_person(struct directory *directory, struct bytes id, struct bytes unit) {
	return add_principal(directory, PRINCIPAL_PERSON, id, unit);
}

enum status
directory_add_workload(struct directory *directory, struct bytes id, struct bytes unit) {
	return add_principal(directory, PRINCIPAL_WORKLOAD, id, unit);
}

enum status
directory_suspend(struct directory *directory, struct bytes principal, bool suspended) {
	struct stored_principal *stored;
	TRY(directory_find_principal(directory, principal, &stored));
	stored->principal.suspended = suspended;
	return OK;
}

enum status
directory_make_auditor(struct directory *directory, struct bytes principal) {
	struct stored_principal *stored;
	TRY(directory_find_principal(directory, principal, &stored));
	stored->principal.is_auditor = true;
	return OK;
}

/* --- Keys --- */

static enum status
check_key(const struct directory *directory, enum principal_kind kind, const uint8_t public_key[32],
	  enum directory_key_class class) {
	if (class == DIRECTORY_KEY_TERMINAL && kind != PRINCIPAL_PERSON)
		return fail(STATUS_INVALID, "directory.key_class: only a person has a terminal");
	if (class == DIRECTORY_KEY_PASSKEY)
		return fail(STATUS_INVALID, "directory.key_class: a passkey is no Ed25519 key");
	if (ed25519_public_check(public_key) != OK)
		return fail(STATUS_INVALID, "directory.public_key: not a point of Ed25519's group, or of small order");
	const struct directory_key *taken = map_get(&directory->by_public_key, bytes_of(public_key, 32));
	if (taken != nullptr)
		return fail(STATUS_CONFLICT, "directory.key_taken: this public key is %.*s", BYTES_ARGS(taken->id));
	return OK;
}

static enum status
find_zone(const struct directory *directory, struct bytes id, const struct zone **zone) {
	*zone = id.len == 0 ? nullptr : directory_zone(directory, id);
	return id.len > 0 && *zone == nullptr ? directory_unknown("zone", id) : OK;
}

/* "<principal>/<name>". */
static enum status
compose_key_id(struct directory *directory, const struct principal *principal, struct bytes name, struct bytes *id) {
	TRY(directory_check_name(name, "._-"));
	const char *text = arena_format(&directory->arena, "%.*s/%.*s", BYTES_ARGS(principal->id), BYTES_ARGS(name));
	TRY_ALLOC(text);
	*id = bytes_of_text(text);
	return registry_check_new(&directory->keys, "key", *id);
}

enum status
directory_check_key(const struct directory *directory, enum principal_kind kind, struct bytes name,
		    const uint8_t public_key[32], enum directory_key_class class, struct bytes zone_id) {
	const struct zone *zone;
	TRY(find_zone(directory, zone_id, &zone));
	TRY(directory_check_name(name, "._-"));
	return check_key(directory, kind, public_key, class);
}

enum status
directory_add_key(struct directory *directory, struct bytes principal, struct bytes name, const uint8_t public_key[32],
		  enum directory_key_class class, struct bytes zone_id) {
	struct stored_principal *stored;
	const struct zone *zone;
	struct bytes id;
	TRY(directory_find_principal(directory, principal, &stored));
	TRY(find_zone(directory, zone_id, &zone));
	TRY(check_key(directory, stored->principal.kind, public_key, class));
	TRY(compose_key_id(directory, &stored->principal, name, &id));
	struct directory_key *key = ARENA_NEW(&directory->arena, struct directory_key);
	TRY_ALLOC(key);
	*key = (struct directory_key){
		.id = id,
		.principal = &stored->principal,
		.class = class,
		.zone = zone,
		.next = stored->principal.keys,
	};
	memcpy(key->public_key, public_key, sizeof key->public_key);
	TRY(map_put(&directory->by_public_key, BYTES_OF_ARRAY(key->public_key), key, nullptr));
	enum status status = registry_add(&directory->keys, id, key);
	if (status != OK) {
		(void)map_remove(&directory->by_public_key, BYTES_OF_ARRAY(key->public_key));
		return status;
	}
	stored->principal.keys = key;
	return OK;
}

static enum status
copy_bytes(struct directory *directory, struct bytes *bytes) {
	*bytes = arena_copy(&directory->arena, *bytes);
	TRY_ALLOC(bytes->data);
	return OK;
}

static enum status
copy_passkey(struct directory *directory, const struct passkey *from, struct passkey **copy) {
	*copy = ARENA_NEW(&directory->arena, struct passkey);
	TRY_ALLOC(*copy);
	**copy = *from;
	TRY(copy_bytes(directory, &(*copy)->rp_id));
	TRY(copy_bytes(directory, &(*copy)->credential_id));
	TRY(copy_bytes(directory, &(*copy)->cose_key));
	return copy_bytes(directory, &(*copy)->aaguid);
}

enum status
directory_add_passkey(struct directory *directory, struct bytes person, struct bytes name,
		      const struct passkey *passkey, int64_t usable_from_ms) {
	struct stored_principal *stored;
	struct bytes id;
	TRY(directory_find_principal(directory, person, &stored));
	if (stored->principal.kind != PRINCIPAL_PERSON)
		return fail(STATUS_INVALID, "directory.key_class: only a person has passkeys");
	const struct directory_key *taken = map_get(&directory->by_credential, passkey->credential_id);
	if (taken != nullptr)
		return fail(STATUS_CONFLICT, "directory.key_taken: this credential is %.*s", BYTES_ARGS(taken->id));
	TRY(compose_key_id(directory, &stored->principal, name, &id));
	struct directory_key *key = ARENA_NEW(&directory->arena, struct directory_key);
	TRY_ALLOC(key);
	*key = (struct directory_key){
		.id = id,
		.principal = &stored->principal,
		.class = DIRECTORY_KEY_PASSKEY,
		.usable_from_ms = usable_from_ms,
		.next = stored->principal.keys,
	};
	TRY(copy_passkey(directory, passkey, &key->passkey));
	TRY(map_put(&directory->by_credential, key->passkey->credential_id, key, nullptr));
	enum status status = registry_add(&directory->keys, id, key);
	if (status != OK) {
		(void)map_remove(&directory->by_credential, key->passkey->credential_id);
		return status;
	}
	stored->principal.keys = key;
	return OK;
}

enum status
directory_check_new_key(const struct directory *directory, struct bytes of, struct bytes name) {
	const struct principal *principal = directory_principal(directory, of);
	if (principal == nullptr)
		return directory_unknown("principal", of);
	TRY(directory_check_name(name, "._-"));
	for (const struct directory_key *key = principal->keys; key != nullptr; key = key->next)
		if (bytes_equal(bytes_of(key->id.data + of.len + 1, key->id.len - of.len - 1), name))
			return fail(STATUS_CONFLICT, "directory.exists: key \"%.*s\"", BYTES_ARGS(key->id));
	return OK;
}

void
directory_distrust_model(struct directory *directory, struct bytes aaguid) {
	for (size_t i = 0; i < directory_principal_count(directory); i++)
		for (const struct directory_key *key = directory_principal_at(directory, i)->keys; key != nullptr;
		     key = key->next)
			if (key->passkey != nullptr && bytes_equal(key->passkey->aaguid, aaguid))
				key->passkey->is_certified = false;
}

void
directory_set_counter(struct directory *directory, struct bytes key_id, uint32_t counter) {
	const struct directory_key *key = directory_key(directory, key_id);
	if (key != nullptr && key->passkey != nullptr)
		key->passkey->counter = counter;
}

enum status
directory_revoke_key(struct directory *directory, struct bytes key_id) {
	struct directory_key *key = map_get(&directory->keys.by_id, key_id);
	if (key == nullptr)
		return directory_unknown("key", key_id);
	key->revoked = true;
	return OK;
}

void
directory_set_usable_from(struct directory *directory, struct bytes key_id, int64_t usable_from_ms) {
	struct directory_key *key = map_get(&directory->keys.by_id, key_id);
	if (key != nullptr)
		key->usable_from_ms = usable_from_ms;
}

/* --- Reading --- */

const struct unit *
directory_unit(const struct directory *directory, struct bytes id) {
	return map_get(&directory->units.by_id, id);
}

const struct zone *
directory_zone(const struct directory *directory, struct bytes id) {
	return map_get(&directory->zones.by_id, id);
}

const struct principal *
directory_principal(const struct directory *directory, struct bytes id) {
	return map_get(&directory->principals.by_id, id);
}

const struct directory_key *
directory_key(const struct directory *directory, struct bytes key_id) {
	return map_get(&directory->keys.by_id, key_id);
}

const struct directory_key *
directory_passkey(const struct directory *directory, struct bytes credential_id) {
	return map_get(&directory->by_credential, credential_id);
}

const struct unit *
unit_above(const struct unit *unit, enum unit_kind kind) {
	while (unit != nullptr && unit->kind != kind)
		unit = unit->parent;
	return unit;
}

size_t
directory_unit_count(const struct directory *directory) {
	return directory->units.count;
}

const struct unit *
directory_unit_at(const struct directory *directory, size_t index) {
	return registry_at(&directory->units, index);
}

size_t
directory_zone_count(const struct directory *directory) {
	return directory->zones.count;
}

const struct zone *
directory_zone_at(const struct directory *directory, size_t index) {
	return registry_at(&directory->zones, index);
}

size_t
directory_principal_count(const struct directory *directory) {
	return directory->principals.count;
}

const struct principal *
directory_principal_at(const struct directory *directory, size_t index) {
	return registry_at(&directory->principals, index);
}

enum status
directory_active_key(const struct directory *directory, struct bytes key_id, const struct directory_key **key) {
	const struct directory_key *found = directory_key(directory, key_id);
	if (found == nullptr)
		return fail(STATUS_UNAUTHORIZED, "directory.key_unknown: \"%.*s\"",
			    (int)(key_id.len > DIRECTORY_KEY_ID_MAX ? DIRECTORY_KEY_ID_MAX : key_id.len),
			    (const char *)key_id.data);
	if (found->revoked)
		return fail(STATUS_UNAUTHORIZED, "directory.key_revoked: \"%.*s\"", BYTES_ARGS(key_id));
	if (found->principal->suspended)
		return fail(STATUS_UNAUTHORIZED, "directory.principal_suspended: \"%.*s\"",
			    BYTES_ARGS(found->principal->id));
	*key = found;
	return OK;
}

enum status
directory_acting_key(const struct directory *directory, struct bytes key_id, const struct directory_key **key) {
	TRY(directory_active_key(directory, key_id, key));
	if ((*key)->principal->is_auditor)
		return fail(STATUS_DENIED, "directory.auditor: \"%.*s\" is an auditor, who reads and does nothing else",
			    BYTES_ARGS((*key)->principal->id));
	return OK;
}

enum status
directory_acting_ed25519(const struct directory *directory, struct bytes key_id, const struct directory_key **key) {
	TRY(directory_acting_key(directory, key_id, key));
	if ((*key)->class == DIRECTORY_KEY_PASSKEY)
		return fail(STATUS_UNAUTHORIZED, "directory.key_class: \"%.*s\" is a passkey", BYTES_ARGS(key_id));
	return OK;
}

enum status
directory_key_check_waiting(const struct directory_key *key, int64_t now_ms) {
	if (now_ms < key->usable_from_ms)
		return fail(STATUS_UNAUTHORIZED, "directory.key_waiting: \"%.*s\" is new, and counts in %lld s",
			    BYTES_ARGS(key->id), (long long)((key->usable_from_ms - now_ms) / 1000 + 1));
	return OK;
}
