#include "gate/administration.h"

#include <stdlib.h>

#include "crypto/kem.h"
#include "gate/activation.h"
#include "gate/one_time.h"
#include "gate/passkey_enrolment.h"
#include "gate/personal.h"
#include "gate/shared_keys.h"
#include "wallet/wallet.h"

constexpr size_t ENTRIES_MAX = 4096;     /* of one change to a list */
constexpr size_t PRINCIPAL_KEYS_MAX = 8; /* given with a new person or workload */
constexpr size_t AUTHENTICATOR_ROOTS_MAX = 64;

/* --- Reading payloads. --- */

static struct bytes
text_or_empty(const json *object, const char *key) {
	const json *value = json_get(object, key);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

/* Absent: 0, which means none. A number that is there is above that. */
static enum status
optional_number(const json *payload, const char *member, int64_t *number) {
	*number = 0;
	if (json_get(payload, member) == nullptr)
		return OK;
	TRY(json_need_integer(payload, "payload", member, number));
	return *number > 0 ? OK : fail(STATUS_INVALID, "payload.%s: expected a number above zero", member);
}

/* --- Units, zones, principals, groups. --- */

static enum status
add_unit(struct gate_state *state, const struct change *change) {
	struct bytes id, kind;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	TRY(json_need_string(change->payload, "payload", "kind", &kind));
	struct bytes parent = text_or_empty(change->payload, "parent");
	for (int i = UNIT_LEGAL_ENTITY; i <= UNIT_ACCOUNT; i++)
		if (bytes_equal_text(kind, unit_kind_name((enum unit_kind)i)))
			return directory_add_unit(state->directory, (enum unit_kind)i, id, parent);
	return fail(STATUS_INVALID, "payload.kind: expected \"legal_entity\", \"desk\" or \"account\"");
}

/* The networks are tried on a copy, so that a bad one leaves nothing behind. */
static enum status
add_zone(struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	const json *networks = json_get(change->payload, "networks");
	_cleanup_(zones_free) struct zones zones = {};
	TRY(zones_copy(&state->zones, &zones));
	if (networks != nullptr) {
		if (json_type_of(networks) != JSON_ARRAY)
			return fail(STATUS_INVALID, "payload.networks: expected array, found %s",
				    json_type_name(json_type_of(networks)));
		struct json_iterator iterator = json_iterate(networks);
		for (const json *network; (network = json_next(&iterator, nullptr)) != nullptr;) {
			if (json_type_of(network) != JSON_STRING)
				return fail(STATUS_INVALID, "payload.networks: an element is not a string");
			TRY(zones_add(&zones, id, json_string(network)));
		}
	}
	TRY(directory_add_zone(state->directory, id));
	struct zones before = state->zones;
	state->zones = zones;
	zones = before;
	return OK;
}

struct new_key {
	struct bytes name;
	uint8_t public_key[32];
	enum directory_key_class class;
	struct bytes zone;
	int64_t effective_ms; /* 0: at once */
};

static enum status
read_new_key(const json *object, struct new_key *key) {
	static const char *const members[] = {"class", "effective_from", "name", "public_key", "zone", nullptr};
	struct bytes public_key, class;
	if (json_type_of(object) != JSON_OBJECT)
		return fail(STATUS_INVALID, "payload.key: expected object, found %s",
			    json_type_name(json_type_of(object)));
	TRY(json_only(object, "payload.key", members));
	TRY(json_need_string(object, "payload.key", "name", &key->name));
	TRY(json_need_string(object, "payload.key", "public_key", &public_key));
	TRY(hex_decode(public_key, key->public_key, sizeof key->public_key));
	TRY(json_need_string(object, "payload.key", "class", &class));
	if (!bytes_equal_text(class, "terminal") && !bytes_equal_text(class, "plain"))
		return fail(STATUS_INVALID, "payload.key.class: expected \"plain\" or \"terminal\"");
	key->class = bytes_equal_text(class, "terminal") ? DIRECTORY_KEY_TERMINAL : DIRECTORY_KEY_PLAIN;
	key->zone = text_or_empty(object, "zone");
	return optional_number(object, "effective_from", &key->effective_ms);
}

static enum status
add_new_key(struct directory *directory, struct bytes principal, const struct new_key *key) {
	TRY(directory_add_key(directory, principal, key->name, key->public_key, key->class, key->zone));
	directory_set_usable_from(directory, directory_principal(directory, principal)->keys->id, key->effective_ms);
	return OK;
}

static enum status
read_new_keys(const json *payload, struct new_key keys[PRINCIPAL_KEYS_MAX], size_t *count) {
	const json *array;
	TRY(json_need(payload, "payload", "keys", JSON_ARRAY, &array));
	*count = json_size(array);
	if (*count == 0 || *count > PRINCIPAL_KEYS_MAX)
		return fail(STATUS_INVALID, "payload.keys: expected 1 to %zu keys", PRINCIPAL_KEYS_MAX);
	struct json_iterator iterator = json_iterate(array);
	for (size_t i = 0; i < *count; i++) {
		TRY(read_new_key(json_next(&iterator, nullptr), &keys[i]));
		for (size_t j = 0; j < i; j++)
			if (bytes_equal(keys[i].name, keys[j].name) ||
			    memcmp(keys[i].public_key, keys[j].public_key, sizeof keys[i].public_key) == 0)
				return fail(STATUS_INVALID, "payload.keys: keys %zu and %zu are alike", j, i);
	}
	return OK;
}

/* Every key is checked before the principal is added, so that a bad one leaves nothing behind. */
static enum status
add_principal(struct gate_state *state, const struct change *change, const char *member, enum principal_kind kind) {
	struct new_key keys[PRINCIPAL_KEYS_MAX];
	size_t count;
	struct bytes id;
	bool is_auditor = false;
	TRY(json_need_string(change->payload, "payload", member, &id));
	if (json_get(change->payload, "auditor") != nullptr)
		TRY(json_need_boolean(change->payload, "payload", "auditor", &is_auditor));
	TRY(read_new_keys(change->payload, keys, &count));
	for (size_t i = 0; i < count; i++)
		TRY(directory_check_key(state->directory, kind, keys[i].name, keys[i].public_key, keys[i].class,
					keys[i].zone));
	TRY(kind == PRINCIPAL_PERSON ? directory_add_person(state->directory, id, change->resource_id)
				     : directory_add_workload(state->directory, id, change->resource_id));
	for (size_t i = 0; i < count; i++)
		TRY(add_new_key(state->directory, id, &keys[i]));
	return is_auditor ? access_make_auditor(&state->access, id) : OK;
}

/* People are pseudonyms in the log, for ever: nothing that could be a name (design §5). */
static enum status
check_pseudonym(const json *payload) {
	static const char prefix[] = "person:p-";
	struct bytes id;
	TRY(json_need_string(payload, "payload", "person", &id));
	bool fits = id.len == PERSON_ID_SIZE - 1 && memcmp(id.data, prefix, sizeof prefix - 1) == 0;
	for (size_t i = sizeof prefix - 1; fits && i < id.len; i++)
		fits = (id.data[i] >= '0' && id.data[i] <= '9') || (id.data[i] >= 'a' && id.data[i] <= 'f');
	return fits ? OK
		    : fail(STATUS_INVALID, "payload.person: expected \"%s\" and 16 hexadecimal digits, drawn at random",
			   prefix);
}

static enum status
add_person(struct gate_state *state, const struct change *change) {
	TRY(check_pseudonym(change->payload));
	return add_principal(state, change, "person", PRINCIPAL_PERSON);
}

static enum status
add_workload(struct gate_state *state, const struct change *change) {
	return add_principal(state, change, "workload", PRINCIPAL_WORKLOAD);
}

static enum status
suspend_principal(struct gate_state *state, const struct change *change) {
	return directory_suspend(state->directory, change->operation->resource, true);
}

static enum status
resume_principal(struct gate_state *state, const struct change *change) {
	return directory_suspend(state->directory, change->operation->resource, false);
}

static enum status
add_key_of_principal(struct gate_state *state, const struct change *change) {
	struct new_key key;
	TRY(read_new_key(change->payload, &key));
	return add_new_key(state->directory, change->operation->resource, &key);
}

static enum status
add_passkey_of_person(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct passkey_enrolment enrolment;
	TRY(passkey_enrolment_read(&arena, bytes_of_text(state->instance), change->operation->resource, change->payload,
				   nullptr, 0, &state->trust, change->now_ms, &enrolment));
	return directory_add_passkey(state->directory, change->operation->resource, enrolment.name, &enrolment.passkey,
				     enrolment.usable_from_ms);
}

static enum status
invite_person(struct gate_state *state, const struct change *change) {
	struct invitation invitation;
	struct bytes person = change->operation->resource;
	TRY(invitation_read(change->payload, person, &invitation));
	if (invitation.expires_ms <= change->now_ms ||
	    invitation.expires_ms - change->now_ms > INVITATION_LIFETIME_MAX_MS)
		return fail(STATUS_INVALID, "payload.expires: expected a time within the next 30 days");
	TRY(directory_check_new_key(state->directory, person, invitation.name));
	return invitations_add(&state->invitations, &invitation, change->now_ms);
}

static enum status
add_one_time(struct gate_state *state, const struct change *change) {
	return one_time_add(state, change->operation->resource, change->payload);
}

static enum status
read_root(struct arena *arena, const json *root, struct certificate_roots *roots) {
	if (json_type_of(root) != JSON_STRING)
		return fail(STATUS_INVALID, "payload.roots: an element is not a string");
	struct bytes hex = json_string(root);
	uint8_t *der = arena_alloc(arena, hex.len / 2 + 1);
	TRY_ALLOC(der);
	TRY(hex_decode(hex, der, hex.len / 2));
	return certificate_roots_add(roots, bytes_of(der, hex.len / 2));
}

/* No roots: that model's maker is believed no more. Passkeys that are enrolled stay what they were. */
static enum status
set_authenticator_trust(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *roots = nullptr;
	struct bytes hex;
	const json *array;
	uint8_t aaguid[AAGUID_SIZE];
	TRY(json_need_string(change->payload, "payload", "aaguid", &hex));
	TRY(hex_decode(hex, aaguid, sizeof aaguid));
	TRY(json_need(change->payload, "payload", "roots", JSON_ARRAY, &array));
	if (json_size(array) > AUTHENTICATOR_ROOTS_MAX)
		return fail(STATUS_TOO_LARGE, "payload.roots: more than %zu", AUTHENTICATOR_ROOTS_MAX);
	TRY(certificate_roots_create(&roots));
	struct json_iterator iterator = json_iterate(array);
	for (const json *root; (root = json_next(&iterator, nullptr)) != nullptr;)
		TRY(read_root(&arena, root, roots));
	bool any = certificate_roots_count(roots) > 0;
	TRY(authenticator_trust_set(&state->trust, BYTES_OF_ARRAY(aaguid), any ? roots : nullptr));
	if (any)
		roots = nullptr; /* taken over */
	return OK;
}

static enum status
revoke_key_of_principal(struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "key", &id));
	const struct directory_key *key = directory_key(state->directory, id);
	if (key == nullptr || !bytes_equal(key->principal->id, change->operation->resource))
		return fail(STATUS_NOT_FOUND, "payload.key: the principal has no key \"%.*s\"", BYTES_ARGS(id));
	return directory_revoke_key(state->directory, id);
}

/* --- Personal values, and who may read what. --- */

static enum status
find_principal(const struct gate_state *state, const struct change *change, const struct principal **principal) {
	*principal = directory_principal(state->directory, change->operation->resource);
	return *principal != nullptr ? OK
				     : fail(STATUS_NOT_FOUND, "directory.unknown: there is no \"%.*s\"",
					    BYTES_ARGS(change->operation->resource));
}

/* What was brought with the operation, sealed beside its first entry, becomes what the person is called. */
static enum status
set_profile(struct gate_state *state, const struct change *change) {
	const struct principal *person;
	const char *field;
	TRY(find_principal(state, change, &person));
	for (size_t i = 0; (field = personal_profile_field(i)) != nullptr; i++) {
		struct bytes hex;
		struct hash256 commitment;
		if (json_get(change->payload, field) == nullptr)
			continue;
		TRY(json_need_string(change->payload, "payload", field, &hex));
		TRY(hex_decode(hex, commitment.bytes, sizeof commitment.bytes));
		TRY(subjects_take(&state->subjects, person->id, bytes_of_text(field), &commitment));
	}
	return OK;
}

static enum status
erase_person(struct gate_state *state, const struct change *change) {
	const struct principal *person;
	TRY(find_principal(state, change, &person));
	return subjects_erase(&state->subjects, person->id);
}

static enum status
grant_audit(struct gate_state *state, const struct change *change) {
	const struct principal *auditor;
	struct bytes entity;
	int64_t from_ms, until_ms;
	TRY(find_principal(state, change, &auditor));
	TRY(json_need_string(change->payload, "payload", "entity", &entity));
	TRY(json_need_integer(change->payload, "payload", "from", &from_ms));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	const struct unit *unit = directory_unit(state->directory, entity);
	if (unit == nullptr || unit->kind != UNIT_LEGAL_ENTITY)
		return fail(STATUS_NOT_FOUND, "payload.entity: there is no legal entity of that name");
	return access_grant(&state->access, auditor->id, unit->id, from_ms, until_ms);
}

static enum status
revoke_audit(struct gate_state *state, const struct change *change) {
	struct bytes entity;
	TRY(json_need_string(change->payload, "payload", "entity", &entity));
	return access_revoke(&state->access, change->operation->resource, entity);
}

static enum status
let_read_personal(struct gate_state *state, const struct change *change) {
	const struct principal *reader;
	int64_t until_ms;
	TRY(find_principal(state, change, &reader));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	return access_let_read(&state->access, reader->id, until_ms);
}

static enum status
let_read_personal_no_more(struct gate_state *state, const struct change *change) {
	return access_let_read_no_more(&state->access, change->operation->resource);
}

static enum status
add_group(struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	return directory_add_group(state->directory, id);
}

static size_t
count_groups(const struct directory *directory, struct bytes person) {
	const struct principal *member = directory_principal(directory, person);
	size_t count = 0;
	for (size_t i = 0; member != nullptr && i < directory_group_count(directory); i++)
		count += directory_is_member(directory, directory_group_at(directory, i), member, INT64_MAX);
	return count;
}

static enum status
add_group_member(struct gate_state *state, const struct change *change) {
	struct bytes person;
	int64_t from_ms;
	TRY(json_need_string(change->payload, "payload", "person", &person));
	if (count_groups(state->directory, person) >= ENTITY_GROUPS_MAX)
		return fail(STATUS_TOO_LARGE, "payload.person: is in %zu groups already", ENTITY_GROUPS_MAX);
	TRY(optional_number(change->payload, "effective_from", &from_ms));
	return directory_add_member(state->directory, change->resource_id, person, from_ms);
}

static enum status
remove_group_member(struct gate_state *state, const struct change *change) {
	struct bytes person;
	TRY(json_need_string(change->payload, "payload", "person", &person));
	return directory_remove_member(state->directory, change->resource_id, person);
}

static enum status
set_delegate(struct gate_state *state, const struct change *change) {
	struct bytes by;
	int64_t from_ms, until_ms;
	TRY(json_need_string(change->payload, "payload", "by", &by));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	TRY(optional_number(change->payload, "effective_from", &from_ms));
	return directory_delegate(state->directory, change->operation->resource, by, from_ms, until_ms);
}

/* Of a group, who is about to enter it; of a person, the delegation that is about to begin. */
static enum status
cancel_addition(struct gate_state *state, const struct change *change) {
	struct bytes person = text_or_empty(change->payload, "person");
	if ((change->resource_type == RESOURCE_GROUP) != (person.len > 0))
		return fail(STATUS_INVALID, "payload.person: given for a group, and only there");
	return change->resource_type == RESOURCE_GROUP
		       ? directory_cancel_member(state->directory, change->resource_id, person, change->now_ms)
		       : directory_cancel_delegation(state->directory, change->operation->resource, change->now_ms);
}

/* --- Destinations, assets, prices. --- */

static enum status
create_list(struct gate_state *state, const struct change *change) {
	struct bytes id, kind_text;
	enum destination_list_kind kind;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	TRY(json_need_string(change->payload, "payload", "kind", &kind_text));
	TRY(destination_list_kind_parse(kind_text, &kind));
	return destinations_create_list(&state->destinations, id, kind, change->now_ms);
}

/* "<chain>:<address>" with the address as facts write it, so that what was entered in another spelling is found as well. */
static enum status
normalise_entry(struct arena *arena, struct bytes given, struct bytes *entry) {
	const uint8_t *colon = given.len == 0 ? nullptr : memrchr(given.data, ':', given.len);
	if (colon == nullptr)
		return fail(STATUS_INVALID, "payload.entries: expected \"<chain>:<address>\", found \"%.*s\"",
			    (int)(given.len > 80 ? 80 : given.len), (const char *)given.data);
	struct bytes chain = bytes_of(given.data, (size_t)(colon - given.data)), address;
	TRY(wallet_normalise_address(arena, chain, bytes_of(colon + 1, given.len - chain.len - 1), &address));
	*entry = bytes_of_text(arena_format(arena, "%.*s:%.*s", BYTES_ARGS(chain), BYTES_ARGS(address)) ?: "");
	return entry->len > 0 ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
}

static enum status
read_entries(struct arena *arena, const json *payload, struct bytes **entries, size_t *count) {
	const json *array;
	TRY(json_need(payload, "payload", "entries", JSON_ARRAY, &array));
	*count = json_size(array);
	if (*count == 0 || *count > ENTRIES_MAX)
		return fail(STATUS_INVALID, "payload.entries: expected 1 to %zu entries, found %zu", ENTRIES_MAX,
			    *count);
	*entries = ARENA_NEW_ARRAY(arena, *count, struct bytes);
	TRY_ALLOC(*entries);
	struct json_iterator iterator = json_iterate(array);
	for (size_t i = 0; i < *count; i++) {
		const json *entry = json_next(&iterator, nullptr);
		if (json_type_of(entry) != JSON_STRING)
			return fail(STATUS_INVALID, "payload.entries: entry %zu is not a string", i);
		TRY(normalise_entry(arena, json_string(entry), &(*entries)[i]));
	}
	return OK;
}

static enum status
read_terms(const json *payload, struct destination_terms *terms) {
	struct bytes note = {};
	*terms = (struct destination_terms){};
	TRY(optional_number(payload, "effective_from", &terms->effective_ms));
	TRY(optional_number(payload, "expires", &terms->expires_ms));
	TRY(optional_number(payload, "probation", &terms->probation_cents));
	if (json_get(payload, "note") == nullptr)
		return OK;
	TRY(json_need_string(payload, "payload", "note", &note));
	if (note.len == 0 || note.len > DESTINATION_NOTE_MAX || memchr(note.data, '\0', note.len) != nullptr)
		return fail(STATUS_INVALID, "payload.note: expected 1 to %zu characters", DESTINATION_NOTE_MAX);
	memcpy(terms->note, note.data, note.len);
	return OK;
}

static enum status
add_to_list(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct destination_terms terms;
	struct bytes *entries;
	size_t count;
	TRY(read_terms(change->payload, &terms));
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return destinations_add(&state->destinations, change->resource_id, entries, count, &terms, change->now_ms);
}

static enum status
change_list(struct gate_state *state, const struct change *change,
	    enum status (*apply)(struct destinations *, struct bytes, const struct bytes *, size_t, int64_t)) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *entries;
	size_t count;
	TRY(read_entries(&arena, change->payload, &entries, &count));
	return apply(&state->destinations, change->resource_id, entries, count, change->now_ms);
}

static enum status
confirm_in_list(struct gate_state *state, const struct change *change) {
	return change_list(state, change, destinations_confirm);
}

static enum status
remove_from_list(struct gate_state *state, const struct change *change) {
	return change_list(state, change, destinations_remove);
}

static enum status
add_asset(struct gate_state *state, const struct change *change) {
	struct bytes chain, symbol;
	int64_t decimals;
	TRY(json_need_string(change->payload, "payload", "chain", &chain));
	TRY(json_need_string(change->payload, "payload", "symbol", &symbol));
	TRY(json_need_integer(change->payload, "payload", "decimals", &decimals));
	if (decimals < 0 || decimals > ASSET_DECIMALS_MAX)
		return fail(STATUS_INVALID, "payload.decimals: expected 0 to %u", ASSET_DECIMALS_MAX);
	return asset_registry_add(state->assets, chain, text_or_empty(change->payload, "contract"), symbol,
				  (unsigned)decimals);
}

static enum status
set_price(struct gate_state *state, const struct change *change) {
	int64_t price;
	TRY(json_need_integer(change->payload, "payload", "microcents", &price));
	if (price <= 0)
		return fail(STATUS_INVALID, "payload.microcents: a price is above zero");
	return asset_registry_set_price(state->assets, change->resource_id, (uint64_t)price, change->now_ms);
}

/* --- Keys. --- */

enum status
change_add_key(struct gate_state *state, const json *record) {
	struct key_info info;
	TRY(key_read(record, &info));
	struct bytes id = bytes_of_text(info.id);
	if (state->ring != nullptr) {
		_cleanup_(buffer_free) struct buffer blob = {};
		if (info.state != KEY_DESTROYED && info.sharing == KEY_WHOLE)
			TRY(secrets_get(state->secrets, "key", id, &blob));
		return keyring_add(state->ring, &info, buffer_bytes(&blob));
	}
	if (map_get(&state->keys, id) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key \"%s\"", info.id);
	struct key_info *kept = malloc(sizeof *kept);
	TRY_ALLOC(kept);
	*kept = info;
	enum status status = map_put(&state->keys, id, kept, nullptr);
	if (status != OK)
		free(kept);
	return status;
}

/* The sharing first: with it its record is added, or neither. */
enum status
change_add_shared_key(struct gate_state *state, const json *record, const json *text) {
	struct key_info info;
	struct sharing sharing;
	TRY(key_read(record, &info));
	TRY(sharing_read(text, &sharing));
	TRY(sharing_check_record(&sharing, &info));
	if (gate_state_key(state, bytes_of_text(info.id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key \"%s\"", info.id);
	TRY(shared_keys_put(state, text));
	enum status status = change_add_key(state, record);
	if (status != OK)
		shared_keys_forget(state, bytes_of_text(info.id));
	return status;
}

static enum status
create_key(struct gate_state *state, const struct change *change) {
	const json *record, *sharing;
	if (change->result == nullptr)
		return fail(STATUS_INTERNAL, "key.record: the act yielded no key");
	TRY(json_need(change->result, "result", "key", JSON_OBJECT, &record));
	if (json_get(record, "sharing") == nullptr)
		return change_add_key(state, record);
	TRY(json_need(change->result, "result", "sharing", JSON_OBJECT, &sharing));
	return change_add_shared_key(state, record, sharing);
}

static enum status
set_key_state(struct gate_state *state, const struct change *change, enum key_state to,
	      enum status (*ring_change)(struct keyring *, struct bytes)) {
	if (state->ring != nullptr)
		return ring_change(state->ring, change->resource_id);
	struct key_info *key = map_get(&state->keys, change->resource_id);
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"", BYTES_ARGS(change->resource_id));
	key->state = to;
	return OK;
}

static enum status
freeze_key(struct gate_state *state, const struct change *change) {
	return set_key_state(state, change, KEY_FROZEN, keyring_freeze);
}

static enum status
unfreeze_key(struct gate_state *state, const struct change *change) {
	return set_key_state(state, change, KEY_ACTIVE, keyring_unfreeze);
}

static enum status
destroy_key(struct gate_state *state, const struct change *change) {
	TRY(set_key_state(state, change, KEY_DESTROYED, keyring_destroy_key));
	shared_keys_drop_share(state, change->resource_id);
	return OK;
}

static enum status
rotate_key(struct gate_state *state, const struct change *change) {
	struct bytes successor;
	TRY(create_key(state, change));
	TRY(json_need_string(change->payload, "payload", "id", &successor));
	if (state->ring != nullptr)
		return keyring_rotate(state->ring, change->resource_id, successor);
	struct key_info *key = map_get(&state->keys, change->resource_id);
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"", BYTES_ARGS(change->resource_id));
	key->state = KEY_ROTATED;
	memcpy(key->successor, successor.data, successor.len < KEY_ID_MAX ? successor.len : KEY_ID_MAX);
	return OK;
}

/* --- Keepers. --- */

static enum status
add_keeper(struct gate_state *state, const struct change *change) {
	return keepers_add(&state->keepers, state->instance, change->payload);
}

static enum status
remove_keeper(struct gate_state *state, const struct change *change) {
	struct bytes name;
	TRY(json_need_string(change->payload, "payload", "name", &name));
	return keepers_remove(&state->keepers, name);
}

static enum status
readmit_keeper(struct gate_state *state, const struct change *change) {
	struct bytes name, root;
	struct mark head;
	int64_t size;
	TRY(json_need_string(change->payload, "payload", "name", &name));
	TRY(json_need_integer(change->payload, "payload", "size", &size));
	TRY(json_need_string(change->payload, "payload", "root", &root));
	TRY(hex_decode(root, head.root.bytes, sizeof head.root.bytes));
	if (size < 1)
		return fail(STATUS_INVALID, "payload.size: a log has one entry at least");
	head.size = (uint64_t)size;
	return keepers_readmit(&state->keepers, name, &head);
}

/* What was dealt anew: the same key, in force from now on with the shares of its next epoch. */
static enum status
redeal_key(struct gate_state *state, const struct change *change) {
	const json *record, *text;
	struct key_info info;
	struct sharing sharing;
	if (change->result == nullptr)
		return fail(STATUS_INTERNAL, "key.record: the act yielded no key");
	TRY(json_need(change->result, "result", "key", JSON_OBJECT, &record));
	TRY(json_need(change->result, "result", "sharing", JSON_OBJECT, &text));
	TRY(key_read(record, &info));
	TRY(sharing_read(text, &sharing));
	TRY(sharing_check_record(&sharing, &info));
	const struct key_info *known = gate_state_key(state, bytes_of_text(info.id));
	if (known == nullptr || !bytes_equal_text(change->resource_id, info.id) || known->epoch + 1 != info.epoch ||
	    !bytes_equal(key_public(known), key_public(&info)))
		return fail(STATUS_CONFLICT, "key.epoch: what was dealt does not follow from the key as it is");
	TRY(shared_keys_put(state, text));
	if (state->ring != nullptr)
		return keyring_reshare(state->ring, &info);
	struct key_info *kept = map_get(&state->keys, bytes_of_text(info.id));
	kept->threshold = info.threshold;
	kept->parties = info.parties;
	kept->epoch = info.epoch;
	return OK;
}

/* --- Policy, system. --- */

static enum status
activate_policy(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes document;
	struct bundle *bundle;
	TRY(activation_document(&arena, change->payload, &document));
	TRY(bundle_create(&bundle, document, nullptr));
	bundle_destroy(&state->bundle);
	state->bundle = bundle;
	return OK;
}

/* A person says what became of an intended act; where it happened, its change is made now. */
static enum status
resolve_intent(struct gate_state *state, const struct change *change) {
	struct hash256 id;
	bool happened;
	TRY(hex_decode(change->resource_id, id.bytes, sizeof id.bytes));
	TRY(json_need_boolean(change->payload, "payload", "happened", &happened));
	struct gate_operation *operation = operations_find(&state->operations, &id);
	if (operation == nullptr || operation->state != OPERATION_UNKNOWN || operation->held == nullptr)
		return fail(STATUS_CONFLICT, "operation.not_unknown: this operation's outcome is known");
	if (operation->is_acting)
		return fail(STATUS_CONFLICT, "operation.acting: this operation's outcome is about to be known");
	if (happened) {
		struct change intended;
		TRY(change_of_kept(operation, change->now_ms, &intended));
		if (intended.kind == OPERATION_KEY_CREATE || intended.kind == OPERATION_KEY_REFRESH ||
		    intended.kind == OPERATION_KEY_RESHARE)
			return fail(STATUS_CONFLICT,
				    "operation.joint: only the other keepers can say which key was made");
		TRY(change_apply(state, &intended));
	}
	operations_set_state(&state->operations, operation, happened ? OPERATION_DONE : OPERATION_FAILED);
	return OK;
}

/* The keeper's notifier sends it, when the entry is durable. */
static enum status
test_notification(struct gate_state *, const struct change *change) {
	struct bytes receiver;
	return json_need_string(change->payload, "payload", "receiver", &receiver);
}

/* What was found is in the payload, and with it in the log. Nobody reviews what they asked for themselves. */
static enum status
review_break_glass(struct gate_state *state, const struct change *change) {
	struct hash256 id;
	struct bytes finding;
	TRY(json_need_string(change->payload, "payload", "finding", &finding));
	if (finding.len == 0)
		return fail(STATUS_INVALID, "payload.finding: expected what was found");
	TRY(text_check("payload.finding", finding, BREAK_GLASS_FINDING_MAX));
	if (change->resource_id.len != 2 * sizeof id.bytes)
		return fail(STATUS_INVALID, "operation.resource: expected an operation's id");
	TRY(hex_decode(change->resource_id, id.bytes, sizeof id.bytes));
	const struct open_review *review = reviews_find(&state->reviews, &id);
	if (review != nullptr && bytes_equal(review->requester, change->operation->principal))
		return fail(STATUS_DENIED, "review.own: who asked for it does not review it");
	return reviews_close(&state->reviews, &id);
}

static enum status
nothing_to_change(struct gate_state *, const struct change *) {
	return OK;
}

/* --- Facts. --- */

static void
add_text_fact(struct facts *facts, const char *name, const json *payload, const char *member) {
	struct bytes text = text_or_empty(payload, member);
	if (text.data != nullptr)
		facts_add_string(facts, name, FACT_VERIFIED, text);
}

static void
key_facts(const struct gate_state *, const struct change *change, struct facts *facts) {
	add_text_fact(facts, "change.algorithm", change->payload, "algorithm");
	add_text_fact(facts, "change.chain", change->payload, "chain");
	add_text_fact(facts, "change.purpose", change->payload, "purpose");
	uint8_t threshold, parties;
	if (sharing_parse_threshold(text_or_empty(change->payload, "threshold"), &threshold, &parties) != OK)
		return;
	facts_add_long(facts, "change.parties", FACT_VERIFIED, parties);
	facts_add_long(facts, "change.threshold", FACT_VERIFIED, threshold);
}

/* What a policy asks of whatever gives somebody a voice: whether it does, and how long others have to object. approver: whose
 * group, key or delegation it is approves. What cannot be read states nothing; the change itself will be refused. */
static void
waiting_facts(const struct change *change, bool approver, struct facts *facts) {
	int64_t effective_ms;
	if (optional_number(change->payload, "effective_from", &effective_ms) != OK)
		return;
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED, approver);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED,
		       effective_ms > change->now_ms ? effective_ms - change->now_ms : 0);
}

/* Which recovery key, so that a policy can name it. */
static void
recovery_facts(const struct gate_state *, const struct change *change, struct facts *facts) {
	uint8_t key[KEM_PUBLIC_SIZE];
	char hex[65];
	struct bytes text = text_or_empty(change->payload, "recovery_key");
	if (hex_decode(text, key, sizeof key) != OK)
		return;
	struct hash256 hash = sha256(BYTES_OF_ARRAY(key));
	hex_encode(hash256_bytes(&hash), hex);
	facts_add_string(facts, "change.recovery_key", FACT_VERIFIED, bytes_of(hex, 64));
}

static void
principal_key_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	add_text_fact(facts, "change.key_class", change->payload, "class");
	waiting_facts(change, count_groups(state->directory, change->operation->resource) > 0, facts);
}

/* Every group can be counted on by a policy. */
static void
member_facts(const struct gate_state *, const struct change *change, struct facts *facts) {
	waiting_facts(change, true, facts);
}

/* What a policy asks of a new passkey: whose it is, how long it waits before it counts, and what its maker says. */
static void
passkey_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct passkey_enrolment enrolment;
	if (passkey_enrolment_read(facts->arena, bytes_of_text(state->instance), change->operation->resource,
				   change->payload, nullptr, 0, &state->trust, change->now_ms, &enrolment) != OK)
		return;
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("passkey"));
	facts_add_boolean(facts, "change.own", FACT_VERIFIED,
			  bytes_equal(change->operation->principal, change->operation->resource));
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED,
			  count_groups(state->directory, change->operation->resource) > 0);
	facts_add_boolean(facts, "change.certified", FACT_VERIFIED, enrolment.passkey.is_certified);
	facts_add_boolean(facts, "change.synced", FACT_VERIFIED, enrolment.passkey.backup_eligible);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, enrolment.usable_from_ms - change->now_ms);
}

/* The same of one that is to be made: what the invitation demands is what the policy may rely on. */
static void
invitation_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct invitation invitation;
	struct bytes person = change->operation->resource;
	if (invitation_read(change->payload, person, &invitation) != OK)
		return;
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("passkey"));
	facts_add_boolean(facts, "change.own", FACT_VERIFIED, bytes_equal(change->operation->principal, person));
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED, count_groups(state->directory, person) > 0);
	facts_add_boolean(facts, "change.certified", FACT_VERIFIED, invitation.must_be_certified);
	facts_add_boolean(facts, "change.synced", FACT_VERIFIED, invitation.may_be_synced);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, invitation.waiting_ms);
}

static void
one_time_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct bytes person = change->operation->resource;
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("totp"));
	facts_add_boolean(facts, "change.own", FACT_VERIFIED, bytes_equal(change->operation->principal, person));
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED, count_groups(state->directory, person) > 0);
}

static void
list_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct destination_list *list = destinations_find(&state->destinations, change->resource_id);
	if (list != nullptr)
		facts_add_string(facts, "change.list_kind", FACT_VERIFIED,
				 bytes_of_text(destination_list_kind_name(list->kind)));
	const json *entries = json_get(change->payload, "entries");
	if (entries != nullptr)
		facts_add_long(facts, "change.entries", FACT_VERIFIED, (int64_t)json_size(entries));
}

/* What a policy asks of new entries: how long they wait, until when they hold, and what may be sent there before they are
 * confirmed. Terms that cannot be read state nothing; the change itself will be refused. */
static void
new_entries_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct destination_terms terms;
	list_facts(state, change, facts);
	if (read_terms(change->payload, &terms) != OK)
		return;
	int64_t waiting_ms = terms.effective_ms > change->now_ms ? terms.effective_ms - change->now_ms : 0;
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, waiting_ms);
	if (terms.expires_ms != 0)
		facts_add_long(facts, "change.expires_in_ms", FACT_VERIFIED, terms.expires_ms - change->now_ms);
	if (terms.probation_cents != 0)
		facts_add_long(facts, "change.test_cents", FACT_VERIFIED, terms.probation_cents);
}

/* Whether every entry is on the list, on probation, and had its test transfer. */
static void
confirmation_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct destination_list *list = destinations_find(&state->destinations, change->resource_id);
	struct bytes *entries;
	size_t count;
	list_facts(state, change, facts);
	if (list == nullptr || read_entries(facts->arena, change->payload, &entries, &count) != OK)
		return;
	bool all_tested = true;
	for (size_t i = 0; i < count; i++) {
		const struct destination_entry *entry = destination_list_entry(list, entries[i]);
		all_tested = all_tested && entry != nullptr && entry->terms.probation_cents != 0 && entry->is_tested;
	}
	facts_add_boolean(facts, "change.tested", FACT_VERIFIED, all_tested);
}

static void
new_list_facts(const struct gate_state *, const struct change *change, struct facts *facts) {
	add_text_fact(facts, "change.list_kind", change->payload, "kind");
}

static void
own_facts(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_boolean(facts, "change.own", FACT_VERIFIED,
			  bytes_equal(change->operation->principal, change->operation->resource));
}

static void
personal_grant_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const json *until = json_get(change->payload, "until");
	own_facts(state, change, facts);
	if (until != nullptr && json_type_of(until) == JSON_INTEGER)
		facts_add_long(facts, "change.duration_ms", FACT_VERIFIED, json_integer(until) - change->now_ms);
}

static void
audit_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	own_facts(state, change, facts);
	add_text_fact(facts, "change.legal_entity", change->payload, "entity");
}

static void
delegate_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_add_boolean(facts, "change.own", FACT_VERIFIED,
			  bytes_equal(change->operation->principal, change->operation->resource));
	const json *until = json_get(change->payload, "until");
	if (until != nullptr && json_type_of(until) == JSON_INTEGER)
		facts_add_long(facts, "change.duration_ms", FACT_VERIFIED, json_integer(until) - change->now_ms);
	waiting_facts(change, count_groups(state->directory, change->operation->resource) > 0, facts);
}

/* How far the price would move, in hundredths of a percent, rounded up; absent for a first price. */
static void
price_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const struct asset *asset = asset_find(state->assets, change->resource_id);
	const json *price = json_get(change->payload, "microcents");
	if (asset == nullptr || price == nullptr || json_type_of(price) != JSON_INTEGER || json_integer(price) <= 0)
		return;
	facts_add_boolean(facts, "price.is_first", FACT_VERIFIED, !asset->has_price);
	if (!asset->has_price)
		return;
	uint64_t now = (uint64_t)json_integer(price), before = asset->price_microcents;
	unsigned __int128 step = (unsigned __int128)(now > before ? now - before : before - now) * 10'000;
	step = (step + before - 1) / before;
	facts_add_long(facts, "price.step_basis_points", FACT_VERIFIED,
		       step > (unsigned __int128)JSON_INTEGER_MAX ? JSON_INTEGER_MAX : (int64_t)step);
	facts_add_long(facts, "price.age_ms", FACT_VERIFIED, change->now_ms - asset->price_recorded_ms);
}

static void
review_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct hash256 id;
	if (change->resource_id.len != 2 * sizeof id.bytes ||
	    hex_decode(change->resource_id, id.bytes, sizeof id.bytes) != OK)
		return;
	const struct open_review *review = reviews_find(&state->reviews, &id);
	if (review != nullptr)
		facts_add_boolean(facts, "change.own", FACT_VERIFIED,
				  bytes_equal(review->requester, change->operation->principal));
}

static void
no_facts(const struct gate_state *, const struct change *, struct facts *) {}

/* --- The table. --- */

static const struct administration {
	const char *members[12]; /* all that the payload may have; ends in null */
	enum status (*apply)(struct gate_state *, const struct change *);
	void (*add_facts)(const struct gate_state *, const struct change *, struct facts *);
} rows[OPERATION_KINDS] = {
	[OPERATION_SIGN] = {{"chain", "format", "transaction"}, nothing_to_change, no_facts},
	[OPERATION_KEY_CREATE] = {{"algorithm", "branches", "chain", "id", "material", "parties", "purpose", "scheme",
				   "threshold"},
				  create_key,
				  key_facts},
	[OPERATION_KEY_IMPORT] = {{"algorithm", "branches", "chain", "commitment", "id", "material", "purpose",
				   "secret_kind"},
				  create_key,
				  key_facts},
	[OPERATION_KEY_FREEZE] = {{}, freeze_key, no_facts},
	[OPERATION_KEY_UNFREEZE] = {{}, unfreeze_key, no_facts},
	[OPERATION_KEY_ROTATE] = {{"id"}, rotate_key, no_facts},
	[OPERATION_KEY_REFRESH] = {{}, redeal_key, no_facts},
	[OPERATION_KEY_RESHARE] = {{"parties", "threshold"}, redeal_key, key_facts},
	[OPERATION_KEY_BACKUP] = {{"recovery_key"}, nothing_to_change, recovery_facts},
	[OPERATION_KEY_DESTROY] = {{}, destroy_key, no_facts},
	[OPERATION_UNIT_ADD] = {{"id", "kind", "parent"}, add_unit, no_facts},
	[OPERATION_ZONE_ADD] = {{"id", "networks"}, add_zone, no_facts},
	[OPERATION_PERSON_ADD] = {{"auditor", "keys", "person"}, add_person, no_facts},
	[OPERATION_WORKLOAD_ADD] = {{"auditor", "keys", "workload"}, add_workload, no_facts},
	[OPERATION_PRINCIPAL_SUSPEND] = {{}, suspend_principal, no_facts},
	[OPERATION_PRINCIPAL_RESUME] = {{}, resume_principal, no_facts},
	[OPERATION_PRINCIPAL_KEY_ADD] = {{"class", "effective_from", "name", "public_key", "zone"},
					 add_key_of_principal,
					 principal_key_facts},
	[OPERATION_PRINCIPAL_PASSKEY_ADD] = {{"attestation_object", "client_data", "name", "nonce", "rp_id",
					      "usable_from"},
					     add_passkey_of_person,
					     passkey_facts},
	[OPERATION_PRINCIPAL_INVITE] = {{"certified", "expires", "name", "synced", "token_sha256", "waiting_ms"},
					invite_person,
					invitation_facts},
	[OPERATION_PRINCIPAL_TOTP_ADD] = {{"algorithm", "commitment", "digits"}, add_one_time, one_time_facts},
	[OPERATION_AUTHENTICATOR_TRUST] = {{"aaguid", "roots"}, set_authenticator_trust, no_facts},
	[OPERATION_PRINCIPAL_KEY_REVOKE] = {{"key"}, revoke_key_of_principal, no_facts},
	[OPERATION_SESSION_REVOKE] = {{}, nothing_to_change, no_facts},
	[OPERATION_PERSON_PROFILE] = {{"contact", "name"}, set_profile, own_facts},
	[OPERATION_PERSON_ERASE] = {{}, erase_person, own_facts},
	[OPERATION_AUDITOR_GRANT] = {{"entity", "from", "until"}, grant_audit, audit_facts},
	[OPERATION_AUDITOR_REVOKE] = {{"entity"}, revoke_audit, audit_facts},
	[OPERATION_PERSONAL_GRANT] = {{"until"}, let_read_personal, personal_grant_facts},
	[OPERATION_PERSONAL_REVOKE] = {{}, let_read_personal_no_more, own_facts},
	[OPERATION_GROUP_ADD] = {{"id"}, add_group, no_facts},
	[OPERATION_GROUP_MEMBER_ADD] = {{"effective_from", "person"}, add_group_member, member_facts},
	[OPERATION_GROUP_MEMBER_REMOVE] = {{"person"}, remove_group_member, no_facts},
	[OPERATION_DELEGATE] = {{"by", "effective_from", "until"}, set_delegate, delegate_facts},
	[OPERATION_ADDITION_CANCEL] = {{"person"}, cancel_addition, no_facts},
	[OPERATION_LIST_CREATE] = {{"id", "kind"}, create_list, new_list_facts},
	[OPERATION_LIST_ADD] = {{"effective_from", "entries", "expires", "note", "probation"},
				add_to_list,
				new_entries_facts},
	[OPERATION_LIST_CONFIRM] = {{"entries"}, confirm_in_list, confirmation_facts},
	[OPERATION_LIST_REMOVE] = {{"entries"}, remove_from_list, list_facts},
	[OPERATION_ASSET_ADD] = {{"chain", "contract", "decimals", "symbol"}, add_asset, no_facts},
	[OPERATION_PRICE_SET] = {{"microcents"}, set_price, price_facts},
	[OPERATION_POLICY_ACTIVATE] = {{"bundle", "signatures"}, activate_policy, no_facts},
	[OPERATION_KEEPER_ADD] = {{"certificate", "key", "log_keys", "name", "party"}, add_keeper, no_facts},
	[OPERATION_KEEPER_REMOVE] = {{"name"}, remove_keeper, no_facts},
	[OPERATION_KEEPER_READMIT] = {{"name", "root", "size"}, readmit_keeper, no_facts},
	[OPERATION_CLOCK_ACCEPT] = {{"realtime"}, nothing_to_change, no_facts},
	[OPERATION_INTENT_RESOLVE] = {{"happened"}, resolve_intent, no_facts},
	[OPERATION_NOTIFICATION_TEST] = {{"receiver"}, test_notification, no_facts},
	[OPERATION_BREAK_GLASS_REVIEW] = {{"finding"}, review_break_glass, review_facts},
};

enum status
change_of_kept(const struct gate_operation *operation, int64_t now_ms, struct change *change) {
	struct held_operation *held = operation->held;
	*change = (struct change){.operation = &held->operation, .now_ms = now_ms};
	TRY(operation_kind_parse(held->operation.kind, &change->kind));
	TRY(operation_kind_check_resource(change->kind, held->operation.resource, &change->resource_type,
					  &change->resource_id));
	return json_read(&held->arena, held->payload, (struct json_limits){}, &change->payload);
}

enum status
change_check_payload(enum operation_kind_id kind, const json *payload) {
	if (json_type_of(payload) != JSON_OBJECT)
		return fail(STATUS_INVALID, "payload.type: expected object, found %s",
			    json_type_name(json_type_of(payload)));
	return json_only(payload, "payload", rows[kind].members);
}

enum status
change_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	rows[change->kind].add_facts(state, change, facts);
	return facts_status(facts);
}

enum status
change_apply(struct gate_state *state, const struct change *change) {
	return rows[change->kind].apply(state, change);
}
