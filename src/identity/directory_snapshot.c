#include <stdlib.h>

#include "base/cursor.h"
#include "identity/directory.h"

/*
 * Version; units with kind, id, parent; zones; principals with kind, id, unit, suspension and their keys, oldest first; groups
 * with their members in the order of principals; delegations, those of one person in order of their beginnings. Each list after its
 * count, in order of addition, so that reading adds them by the functions that added them first, with all their checks.
 */

static const char FIELD[] = "directory.snapshot";
constexpr uint8_t VERSION = 4; /* a delegation that takes the place of another later */
enum { PASSKEY_BACKUP_ELIGIBLE = 0x01, PASSKEY_CERTIFIED = 0x02 };

/* --- Writing. --- */

static struct bytes
id_or_empty(const struct unit *unit) {
	return unit == nullptr ? (struct bytes){} : unit->id;
}

static void
write_units(const struct directory *directory, struct buffer *to) {
	size_t count = directory_unit_count(directory);
	buffer_append_u32be(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct unit *unit = directory_unit_at(directory, i);
		buffer_append_byte(to, (uint8_t)unit->kind);
		buffer_append_prefixed(to, unit->id);
		buffer_append_prefixed(to, id_or_empty(unit->parent));
	}
	count = directory_zone_count(directory);
	buffer_append_u32be(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		buffer_append_prefixed(to, directory_zone_at(directory, i)->id);
}

static void
write_passkey(const struct directory_key *key, struct buffer *to) {
	const struct passkey *passkey = key->passkey;
	if (passkey == nullptr)
		return;
	buffer_append_prefixed(to, passkey->rp_id);
	buffer_append_prefixed(to, passkey->credential_id);
	buffer_append_prefixed(to, passkey->cose_key);
	buffer_append_bytes(to, passkey->aaguid);
	buffer_append_byte(to, (uint8_t)((passkey->backup_eligible ? PASSKEY_BACKUP_ELIGIBLE : 0) |
					 (passkey->is_certified ? PASSKEY_CERTIFIED : 0)));
	buffer_append_u32be(to, passkey->counter);
}

/* The newest hangs first. */
static void
write_keys(const struct directory_key *key, struct buffer *to) {
	if (key == nullptr)
		return;
	write_keys(key->next, to);
	size_t prefix = key->principal->id.len + 1;
	buffer_append_prefixed(to, bytes_of(key->id.data + prefix, key->id.len - prefix));
	buffer_append(to, key->public_key, sizeof key->public_key);
	buffer_append_byte(to, (uint8_t)key->class);
	buffer_append_prefixed(to, key->zone == nullptr ? (struct bytes){} : key->zone->id);
	buffer_append_byte(to, key->revoked);
	buffer_append_u64be(to, (uint64_t)key->usable_from_ms);
	write_passkey(key, to);
}

static void
write_principals(const struct directory *directory, struct buffer *to) {
	size_t count = directory_principal_count(directory);
	buffer_append_u32be(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct principal *principal = directory_principal_at(directory, i);
		uint32_t keys = 0;
		for (const struct directory_key *key = principal->keys; key != nullptr; key = key->next)
			keys++;
		buffer_append_byte(to, (uint8_t)principal->kind);
		buffer_append_prefixed(to, principal->id);
		buffer_append_prefixed(to, principal->unit->id);
		buffer_append_byte(to, principal->suspended);
		buffer_append_u32be(to, keys);
		write_keys(principal->keys, to);
	}
}

static enum status
write_groups(const struct directory *directory, struct buffer *to) {
	size_t count = directory_group_count(directory);
	buffer_append_u32be(to, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		const struct group *group = directory_group_at(directory, i);
		buffer_append_prefixed(to, group->id);
		buffer_append_u32be(to, (uint32_t)group->member_count);
		struct membership *members;
		TRY(directory_list_members(group, &members));
		for (size_t j = 0; j < group->member_count; j++) {
			buffer_append_prefixed(to, members[j].person->id);
			buffer_append_u64be(to, (uint64_t)members[j].from_ms);
		}
		free(members);
	}
	return OK;
}

static void
write_delegations(const struct directory *directory, struct buffer *to) {
	struct delegation kept[DELEGATIONS_MAX];
	uint32_t count = 0;
	for (size_t i = 0; i < directory_principal_count(directory); i++)
		count += (uint32_t)directory_delegations(directory, directory_principal_at(directory, i), INT64_MIN,
							 kept);
	buffer_append_u32be(to, count);
	for (size_t i = 0; i < directory_principal_count(directory); i++) {
		const struct principal *of = directory_principal_at(directory, i);
		size_t of_this = directory_delegations(directory, of, INT64_MIN, kept);
		for (size_t j = 0; j < of_this; j++) {
			buffer_append_prefixed(to, of->id);
			buffer_append_prefixed(to, kept[j].by->id);
			buffer_append_u64be(to, (uint64_t)kept[j].from_ms);
			buffer_append_u64be(to, (uint64_t)kept[j].until_ms);
		}
	}
}

enum status
directory_write(const struct directory *directory, struct buffer *to) {
	buffer_append_byte(to, VERSION);
	write_units(directory, to);
	write_principals(directory, to);
	TRY(write_groups(directory, to));
	write_delegations(directory, to);
	return buffer_status(to);
}

/* --- Reading. --- */

static enum status
read_text(struct cursor *cursor, struct bytes *text) {
	return cursor_prefixed(cursor, FIELD, DIRECTORY_KEY_ID_MAX, text);
}

static enum status
read_flag(struct cursor *cursor, bool *flag) {
	uint8_t byte;
	TRY(cursor_u8(cursor, FIELD, &byte));
	*flag = byte == 1;
	return byte <= 1 ? OK : fail(STATUS_INVALID, "%s: neither yes nor no", FIELD);
}

static enum status
read_time(struct cursor *cursor, int64_t *time_ms) {
	uint64_t number;
	TRY(cursor_u64be(cursor, FIELD, &number));
	*time_ms = (int64_t)number;
	return number <= INT64_MAX ? OK : fail(STATUS_INVALID, "%s: a time out of range", FIELD);
}

static enum status
read_unit(struct directory *directory, struct cursor *cursor) {
	uint8_t kind;
	struct bytes id, parent;
	TRY(cursor_u8(cursor, FIELD, &kind));
	TRY(read_text(cursor, &id));
	TRY(read_text(cursor, &parent));
	if (kind > UNIT_ACCOUNT)
		return fail(STATUS_INVALID, "%s: no kind of unit", FIELD);
	return directory_add_unit(directory, (enum unit_kind)kind, id, parent);
}

static enum status
read_zone(struct directory *directory, struct cursor *cursor) {
	struct bytes id;
	TRY(read_text(cursor, &id));
	return directory_add_zone(directory, id);
}

static enum status
read_passkey(struct directory *directory, struct cursor *cursor, struct bytes person, struct bytes name,
	     int64_t usable_from_ms) {
	struct passkey passkey = {};
	struct cose_key key;
	uint8_t flags;
	TRY(cursor_prefixed(cursor, FIELD, RP_ID_MAX, &passkey.rp_id));
	TRY(cursor_prefixed(cursor, FIELD, CREDENTIAL_ID_MAX, &passkey.credential_id));
	TRY(cursor_prefixed(cursor, FIELD, AUTHENTICATOR_DATA_MAX, &passkey.cose_key));
	TRY(cursor_take(cursor, FIELD, AAGUID_SIZE, &passkey.aaguid));
	TRY(cursor_u8(cursor, FIELD, &flags));
	TRY(cursor_u32be(cursor, FIELD, &passkey.counter));
	TRY(cose_read_whole(passkey.cose_key, &key));
	if (flags > (PASSKEY_BACKUP_ELIGIBLE | PASSKEY_CERTIFIED) || passkey.rp_id.len == 0 ||
	    passkey.credential_id.len == 0)
		return fail(STATUS_INVALID, "%s: no passkey", FIELD);
	passkey.backup_eligible = (flags & PASSKEY_BACKUP_ELIGIBLE) != 0;
	passkey.is_certified = (flags & PASSKEY_CERTIFIED) != 0;
	return directory_add_passkey(directory, person, name, &passkey, usable_from_ms);
}

static enum status
read_key(struct directory *directory, struct cursor *cursor, struct bytes principal) {
	struct bytes name, zone;
	uint8_t public_key[32], class;
	bool revoked;
	int64_t usable_from_ms;
	TRY(read_text(cursor, &name));
	TRY(cursor_copy(cursor, FIELD, public_key, sizeof public_key));
	TRY(cursor_u8(cursor, FIELD, &class));
	TRY(read_text(cursor, &zone));
	TRY(read_flag(cursor, &revoked));
	TRY(read_time(cursor, &usable_from_ms));
	if (class > DIRECTORY_KEY_PASSKEY)
		return fail(STATUS_INVALID, "%s: no class of key", FIELD);
	TRY(class == DIRECTORY_KEY_PASSKEY ? read_passkey(directory, cursor, principal, name, usable_from_ms)
					   : directory_add_key(directory, principal, name, public_key,
							       (enum directory_key_class) class, zone));
	struct bytes id = directory_principal(directory, principal)->keys->id;
	directory_set_usable_from(directory, id, usable_from_ms);
	return revoked ? directory_revoke_key(directory, id) : OK;
}

static enum status
read_principal(struct directory *directory, struct cursor *cursor) {
	uint8_t kind;
	uint32_t keys;
	struct bytes id, unit;
	bool suspended;
	TRY(cursor_u8(cursor, FIELD, &kind));
	TRY(read_text(cursor, &id));
	TRY(read_text(cursor, &unit));
	TRY(read_flag(cursor, &suspended));
	TRY(cursor_u32be(cursor, FIELD, &keys));
	if (kind > PRINCIPAL_WORKLOAD)
		return fail(STATUS_INVALID, "%s: no kind of principal", FIELD);
	TRY(kind == PRINCIPAL_PERSON ? directory_add_person(directory, id, unit)
				     : directory_add_workload(directory, id, unit));
	for (; keys > 0; keys--)
		TRY(read_key(directory, cursor, id));
	return suspended ? directory_suspend(directory, id, true) : OK;
}

static enum status
read_group(struct directory *directory, struct cursor *cursor) {
	struct bytes id, person;
	uint32_t members;
	TRY(read_text(cursor, &id));
	TRY(cursor_u32be(cursor, FIELD, &members));
	TRY(directory_add_group(directory, id));
	for (; members > 0; members--) {
		int64_t from_ms;
		TRY(read_text(cursor, &person));
		TRY(read_time(cursor, &from_ms));
		TRY(directory_add_member(directory, id, person, from_ms));
	}
	return OK;
}

static enum status
read_delegation(struct directory *directory, struct cursor *cursor) {
	struct bytes of, by;
	int64_t from_ms, until_ms;
	TRY(read_text(cursor, &of));
	TRY(read_text(cursor, &by));
	TRY(read_time(cursor, &from_ms));
	TRY(read_time(cursor, &until_ms));
	return directory_restore_delegation(directory, of, by, from_ms, until_ms);
}

static enum status
read_all(struct directory *directory, struct cursor *cursor) {
	static enum status (*const lists[])(struct directory *, struct cursor *) = {
		read_unit, read_zone, read_principal, read_group, read_delegation};
	uint8_t version;
	TRY(cursor_u8(cursor, FIELD, &version));
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "%s: version %u", FIELD, version);
	for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
		uint32_t count;
		TRY(cursor_u32be(cursor, FIELD, &count));
		for (; count > 0; count--)
			TRY(lists[i](directory, cursor));
	}
	return cursor_end(cursor, FIELD);
}

enum status
directory_read(struct directory *directory, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	enum status status = read_all(directory, &cursor);
	return status == OK || status == STATUS_NO_MEMORY || status == STATUS_UNSUPPORTED
		       ? status
		       : fail(STATUS_CORRUPT, "%s: damaged", FIELD);
}
