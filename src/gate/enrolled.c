#include "gate/enrolled.h"

#include <stdlib.h>

#include "gate/enrolment.h"
#include "gate/passkey_enrolment.h"

static void
free_key(struct enrolled_key **key) {
	struct enrolled_key *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	arena_free(&gone->arena);
	free(gone);
}

void
enrolled_free(struct enrolled *enrolled) {
	size_t at = 0;
	void *value;
	while (map_next(&enrolled->keys, &at, nullptr, &value)) {
		struct enrolled_key *key = value;
		free_key(&key);
	}
	map_free(&enrolled->keys);
	invitations_free(&enrolled->invitations);
	map_free(&enrolled->one_time);
}

static enum status
create_key(struct enrolled_key **key) {
	*key = calloc(1, sizeof **key);
	TRY_ALLOC(*key);
	(*key)->arena.block_size = 1024;
	return OK;
}

/* Takes the key over. */
static enum status
put(struct enrolled *enrolled, struct bytes principal, struct bytes name, struct enrolled_key **key) {
	_cleanup_(buffer_free) struct buffer id = {};
	void *before = nullptr;
	buffer_append_bytes(&id, principal);
	buffer_append_byte(&id, '/');
	buffer_append_bytes(&id, name);
	TRY(buffer_status(&id));
	TRY(map_put(&enrolled->keys, buffer_bytes(&id), *key, &before));
	*key = before; /* for the caller to free */
	return OK;
}

static enum status
enrol(struct enrolled *enrolled, struct bytes principal, const json *payload) {
	_cleanup_(free_key) struct enrolled_key *key = nullptr;
	struct bytes name, hex;
	TRY(json_need_string(payload, "payload.key", "name", &name));
	TRY(json_need_string(payload, "payload.key", "public_key", &hex));
	TRY(create_key(&key));
	uint8_t *public_key = arena_alloc(&key->arena, 32);
	TRY_ALLOC(public_key);
	TRY(hex_decode(hex, public_key, 32));
	key->public_key = bytes_of(public_key, 32);
	return put(enrolled, principal, name, &key);
}

/* Takes the key over, in whose arena the passkey is, but for its relying party. */
static enum status
put_passkey(struct enrolled *enrolled, struct bytes person, struct bytes name, const struct passkey *passkey,
	    struct enrolled_key **key) {
	struct bytes rp_id = arena_copy(&(*key)->arena, passkey->rp_id);
	TRY_ALLOC(rp_id.data);
	(*key)->is_passkey = true;
	(*key)->passkey = *passkey;
	(*key)->passkey.rp_id = rp_id;
	(*key)->public_key = passkey->cose_key;
	return put(enrolled, person, name, key);
}

/* A registration that does not verify enrols nobody: what the passkey signs differs. */
static enum status
enrol_passkey(struct enrolled *enrolled, struct bytes instance, struct bytes person, int64_t at_ms,
	      const json *payload) {
	_cleanup_(free_key) struct enrolled_key *key = nullptr;
	struct passkey_enrolment enrolment;
	TRY(create_key(&key));
	if (passkey_enrolment_read(&key->arena, instance, person, payload, nullptr, 0, nullptr, at_ms, &enrolment) !=
	    OK)
		return OK;
	return put_passkey(enrolled, person, enrolment.name, &enrolment.passkey, &key);
}

static enum status
invite(struct enrolled *enrolled, struct bytes person, int64_t at_ms, const json *payload) {
	struct invitation invitation;
	TRY(invitation_read(payload, person, &invitation));
	enum status status = invitations_add(&enrolled->invitations, &invitation, at_ms);
	if (status == OK)
		(void)invitations_withdraw(&enrolled->invitations, person, invitation.name, &invitation.token, at_ms);
	return status == STATUS_CONFLICT ? OK : status; /* one whose enrolment did not hold */
}

static enum status
find_invitation(const struct enrolled *enrolled, const struct enrolment *enrolment, int64_t at_ms,
		const struct invitation **invitation) {
	return invitations_check(&enrolled->invitations, &enrolment->token, enrolment->from.len > 0, at_ms, invitation);
}

/* What people approved of them before is not what they would be asked now (gate/change_organisation.c). */
static enum status
enter_group(struct enrolled *enrolled, const json *payload) {
	struct bytes person;
	TRY(json_need_string(payload, "payload", "person", &person));
	invitations_outdate(&enrolled->invitations, person);
	return OK;
}

static enum status
delegate(struct enrolled *enrolled, int64_t at_ms, const json *payload) {
	struct bytes by;
	int64_t until_ms;
	TRY(json_need_string(payload, "payload", "by", &by));
	TRY(json_need_integer(payload, "payload", "until", &until_ms));
	if (until_ms > at_ms)
		invitations_outdate(&enrolled->invitations, by);
	return OK;
}

enum status
enrolled_follow_enrolment(struct enrolled *enrolled, struct bytes instance, const json *body) {
	_cleanup_(free_key) struct enrolled_key *key = nullptr;
	struct enrolment enrolment;
	struct passkey passkey;
	int64_t at_ms;
	TRY(create_key(&key));
	TRY(enrolment_read_entry(&key->arena, body, &enrolment, &at_ms));
	const struct invitation *invitation;
	TRY(find_invitation(enrolled, &enrolment, at_ms, &invitation));
	if (invitation->is_used)
		return fail(STATUS_CONFLICT, "enrolment.refused: this invitation was used before");
	const char *id =
		arena_format(&key->arena, "%.*s/%.*s", BYTES_ARGS(invitation->person), BYTES_ARGS(invitation->name));
	TRY_ALLOC(id);
	if (!bytes_equal_text(enrolment.key_id, id) || enrolment.usable_from_ms != at_ms + invitation->waiting_ms)
		return fail(STATUS_CONFLICT, "enrolment.terms: not the name or the waiting time of the invitation");
	TRY(enrolment_check(&key->arena, instance, invitation, &enrolment, nullptr, 0, nullptr, at_ms, &passkey));
	TRY(put_passkey(enrolled, invitation->person, invitation->name, &passkey, &key));
	struct hash256 registration = enrolment_registration_hash(&enrolment);
	invitations_use(&enrolled->invitations, &enrolment.token, &registration);
	return OK;
}

enum status
enrolled_follow_divergence(struct enrolled *enrolled, struct bytes instance, const json *body) {
	_cleanup_(arena_free) struct arena arena = {};
	struct enrolment other;
	struct passkey passkey;
	int64_t at_ms;
	TRY(enrolment_read_divergence(&arena, body, &other, &at_ms));
	const struct invitation *invitation;
	struct hash256 registration = enrolment_registration_hash(&other);
	TRY(find_invitation(enrolled, &other, at_ms, &invitation));
	if (!invitation->is_used || hash256_equal(&registration, &invitation->registration))
		return fail(STATUS_CONFLICT, "divergence.none: no other passkey was enrolled with this token");
	return enrolment_check(&arena, instance, invitation, &other, nullptr, 0, nullptr, at_ms, &passkey);
}

static enum status
enrol_principal(struct enrolled *enrolled, const json *payload, const char *member) {
	struct bytes principal;
	const json *keys;
	TRY(json_need_string(payload, "payload", member, &principal));
	TRY(json_need(payload, "payload", "keys", JSON_ARRAY, &keys));
	struct json_iterator iterator = json_iterate(keys);
	for (const json *key; (key = json_next(&iterator, nullptr)) != nullptr;)
		TRY(enrol(enrolled, principal, key));
	return OK;
}

enum status
enrolled_follow(struct enrolled *enrolled, struct bytes instance, struct bytes kind, struct bytes resource,
		int64_t at_ms, const json *payload) {
	struct bytes key_id;
	if (bytes_equal_text(kind, "person.add"))
		return enrol_principal(enrolled, payload, "person");
	if (bytes_equal_text(kind, "workload.add"))
		return enrol_principal(enrolled, payload, "workload");
	if (bytes_equal_text(kind, "principal.key_add"))
		return enrol(enrolled, resource, payload);
	if (bytes_equal_text(kind, "principal.passkey_add"))
		return enrol_passkey(enrolled, instance, resource, at_ms, payload);
	if (bytes_equal_text(kind, "principal.totp_add"))
		return map_put(&enrolled->one_time, resource, enrolled, nullptr);
	if (bytes_equal_text(kind, "principal.invite"))
		return invite(enrolled, resource, at_ms, payload);
	if (bytes_equal_text(kind, "group.member_add"))
		return enter_group(enrolled, payload);
	if (bytes_equal_text(kind, "delegate"))
		return delegate(enrolled, at_ms, payload);
	if (bytes_equal_text(kind, "policy.activate"))
		invitations_outdate(&enrolled->invitations, (struct bytes){});
	if (!bytes_equal_text(kind, "principal.key_revoke"))
		return OK;
	TRY(json_need_string(payload, "payload", "key", &key_id));
	bool is_theirs = key_id.len > resource.len && key_id.data[resource.len] == '/';
	if (is_theirs && map_get(&enrolled->keys, key_id) == nullptr)
		(void)invitations_withdraw(&enrolled->invitations, resource,
					   bytes_of(key_id.data + resource.len + 1, key_id.len - resource.len - 1),
					   nullptr, at_ms);
	struct enrolled_key *revoked = map_remove(&enrolled->keys, key_id);
	free_key(&revoked);
	return OK;
}

const struct enrolled_key *
enrolled_find(const struct enrolled *enrolled, struct bytes principal, struct bytes key_id, struct bytes public_key) {
	const struct enrolled_key *known = map_get(&enrolled->keys, key_id);
	bool is_theirs = key_id.len > principal.len && key_id.data[principal.len] == '/' &&
			 memcmp(key_id.data, principal.data, principal.len) == 0;
	return is_theirs && known != nullptr && bytes_equal(known->public_key, public_key) ? known : nullptr;
}
