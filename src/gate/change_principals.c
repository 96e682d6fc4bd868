#include "gate/change_principals.h"

#include "gate/change_organisation.h"
#include "gate/one_time.h"
#include "gate/passkey_enrolment.h"

constexpr size_t PRINCIPAL_KEYS_MAX = 8; /* given with a new person or workload */
constexpr size_t AUTHENTICATOR_ROOTS_MAX = 64;
constexpr int64_t PEOPLE_LEFT_MIN = 3; /* to resume somebody: one to ask, and two whose votes count */

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
	key->zone = payload_text(object, "zone");
	return payload_optional_number(object, "effective_from", &key->effective_ms);
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

static enum status
read_is_auditor(const json *payload, bool *is_auditor) {
	*is_auditor = false;
	return json_get(payload, "auditor") == nullptr ? OK
						       : json_need_boolean(payload, "payload", "auditor", is_auditor);
}

/* Every key is checked before the principal is added, so that a bad one leaves nothing behind. */
static enum status
read_principal(const struct gate_state *state, const struct change *change, enum principal_kind kind, struct bytes *id,
	       struct new_key keys[PRINCIPAL_KEYS_MAX], size_t *count, bool *is_auditor) {
	TRY(json_need_string(change->payload, "payload", principal_kind_name(kind), id));
	TRY(read_is_auditor(change->payload, is_auditor));
	TRY(read_new_keys(change->payload, keys, count));
	for (size_t i = 0; i < *count; i++)
		TRY(directory_check_key(state->directory, kind, keys[i].name, keys[i].public_key, keys[i].class,
					keys[i].zone));
	return directory_check_principal(state->directory, kind, *id, change->resource_id);
}

static enum status
check_principal(const struct gate_state *state, const struct change *change, enum principal_kind kind) {
	struct new_key keys[PRINCIPAL_KEYS_MAX];
	size_t count;
	struct bytes id;
	bool is_auditor;
	return read_principal(state, change, kind, &id, keys, &count, &is_auditor);
}

static enum status
add_principal(struct gate_state *state, const struct change *change, enum principal_kind kind) {
	struct new_key keys[PRINCIPAL_KEYS_MAX];
	size_t count;
	struct bytes id;
	bool is_auditor;
	TRY(read_principal(state, change, kind, &id, keys, &count, &is_auditor));
	TRY(kind == PRINCIPAL_PERSON ? directory_add_person(state->directory, id, change->resource_id)
				     : directory_add_workload(state->directory, id, change->resource_id));
	for (size_t i = 0; i < count; i++)
		TRY(add_new_key(state->directory, id, &keys[i]));
	return is_auditor ? gate_state_make_auditor(state, id) : OK;
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

enum status
can_person_add(const struct gate_state *state, const struct change *change) {
	TRY(check_pseudonym(change->payload));
	return check_principal(state, change, PRINCIPAL_PERSON);
}

enum status
can_workload_add(const struct gate_state *state, const struct change *change) {
	return check_principal(state, change, PRINCIPAL_WORKLOAD);
}

enum status
change_person_add(struct gate_state *state, const struct change *change) {
	TRY(check_pseudonym(change->payload));
	return add_principal(state, change, PRINCIPAL_PERSON);
}

enum status
change_workload_add(struct gate_state *state, const struct change *change) {
	return add_principal(state, change, PRINCIPAL_WORKLOAD);
}

/* --- Who is left. Whatever the policies let one alone stop, people remain who can undo it without whoever asked. --- */

/* Whether they could ask and vote now: with a terminal's key only, or with any; without that key, which may be null. */
static bool
could_act(const struct principal *person, const struct directory_key *without, bool at_terminal, int64_t now_ms) {
	if (person->kind != PRINCIPAL_PERSON || person->suspended || person->is_auditor)
		return false;
	for (const struct directory_key *key = person->keys; key != nullptr; key = key->next)
		if (key != without && !key->revoked && key->usable_from_ms <= now_ms &&
		    (!at_terminal || key->class == DIRECTORY_KEY_TERMINAL))
			return true;
	return false;
}

/* Besides the one that it is about, and whoever asks, who may be the one to be stopped. */
static int64_t
others_who_could_act(const struct gate_state *state, const struct change *change, bool at_terminal) {
	int64_t count = 0;
	for (size_t i = 0; i < directory_principal_count(state->directory); i++) {
		const struct principal *person = directory_principal_at(state->directory, i);
		if (!bytes_equal(person->id, change->operation->resource) &&
		    !bytes_equal(person->id, change->operation->principal))
			count += could_act(person, nullptr, at_terminal, change->now_ms);
	}
	return count;
}

/* key: the one that is taken away; null: the person can do nothing any more. */
static enum status
check_who_is_left(const struct gate_state *state, const struct change *change, const struct directory_key *key) {
	const struct principal *person = directory_principal(state->directory, change->operation->resource);
	if (person == nullptr)
		return OK;
	for (int at_terminal = 0; at_terminal <= 1; at_terminal++) {
		int64_t least = at_terminal ? 1 : PEOPLE_LEFT_MIN, left;
		if (!could_act(person, nullptr, at_terminal, change->now_ms) ||
		    (key != nullptr && could_act(person, key, at_terminal, change->now_ms)))
			continue;
		left = others_who_could_act(state, change, at_terminal);
		if (left < least)
			return fail(
				STATUS_DENIED,
				"principal.last_people: besides whoever asks, %lld could still act%s, and %lld must "
				"be left to resume somebody: add people, or resume others first",
				(long long)left, at_terminal ? " at an own terminal" : "", (long long)least);
	}
	return OK;
}

enum status
change_check_people_left(struct gate_state *state, const struct change *change) {
	return check_who_is_left(state, change, nullptr);
}

enum status
change_principal_suspend(struct gate_state *state, const struct change *change) {
	TRY(change_check_people_left(state, change));
	return directory_suspend(state->directory, change->operation->resource, true);
}

/* Every key that they have waits until then: what they can do begins with their keys. Whoever is not suspended keeps theirs. */
enum status
change_principal_resume(struct gate_state *state, const struct change *change) {
	int64_t effective_ms;
	const struct principal *principal = directory_principal(state->directory, change->operation->resource);
	TRY(payload_optional_number(change->payload, "effective_from", &effective_ms));
	if (principal != nullptr && principal->suspended)
		for (const struct directory_key *key = principal->keys; key != nullptr; key = key->next)
			if (key->usable_from_ms < effective_ms)
				directory_set_usable_from(state->directory, key->id, effective_ms);
	return directory_suspend(state->directory, change->operation->resource, false);
}

static enum status
check_expiry(const struct invitation *invitation, int64_t now_ms) {
	return invitation->expires_ms > now_ms && invitation->expires_ms - now_ms <= INVITATION_LIFETIME_MAX_MS
		       ? OK
		       : fail(STATUS_INVALID, "payload.expires: expected a time within the next 30 days");
}

/* It is about somebody who is there. */
enum status
can_change_principal(const struct gate_state *state, const struct change *change) {
	return directory_principal(state->directory, change->operation->resource) != nullptr
		       ? OK
		       : fail(STATUS_NOT_FOUND, "directory.unknown: there is no \"%.*s\"",
			      BYTES_ARGS(change->operation->resource));
}

enum status
can_principal_key_add(const struct gate_state *state, const struct change *change) {
	struct new_key key;
	TRY(can_change_principal(state, change));
	TRY(read_new_key(change->payload, &key));
	enum principal_kind kind = directory_principal(state->directory, change->operation->resource)->kind;
	TRY(directory_check_key(state->directory, kind, key.name, key.public_key, key.class, key.zone));
	return directory_check_new_key(state->directory, change->operation->resource, key.name);
}

enum status
can_principal_passkey_add(const struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct passkey_enrolment enrolment;
	TRY(passkey_enrolment_read(&arena, bytes_of_text(state->instance), change->operation->resource, change->payload,
				   nullptr, 0, &state->trust, change->now_ms, &enrolment));
	const struct directory_key *taken = directory_passkey(state->directory, enrolment.passkey.credential_id);
	if (taken != nullptr)
		return fail(STATUS_CONFLICT, "directory.key_taken: this credential is %.*s", BYTES_ARGS(taken->id));
	return directory_check_new_key(state->directory, change->operation->resource, enrolment.name);
}

enum status
can_principal_invite(const struct gate_state *state, const struct change *change) {
	struct invitation invitation;
	TRY(invitation_read(change->payload, change->operation->resource, &invitation));
	TRY(check_expiry(&invitation, change->now_ms));
	return directory_check_new_key(state->directory, change->operation->resource, invitation.name);
}

enum status
change_principal_key_add(struct gate_state *state, const struct change *change) {
	struct new_key key;
	TRY(read_new_key(change->payload, &key));
	return add_new_key(state->directory, change->operation->resource, &key);
}

enum status
change_principal_passkey_add(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct passkey_enrolment enrolment;
	TRY(passkey_enrolment_read(&arena, bytes_of_text(state->instance), change->operation->resource, change->payload,
				   nullptr, 0, &state->trust, change->now_ms, &enrolment));
	return directory_add_passkey(state->directory, change->operation->resource, enrolment.name, &enrolment.passkey,
				     enrolment.usable_from_ms);
}

enum status
change_principal_invite(struct gate_state *state, const struct change *change) {
	struct invitation invitation;
	struct bytes person = change->operation->resource;
	TRY(invitation_read(change->payload, person, &invitation));
	TRY(check_expiry(&invitation, change->now_ms));
	TRY(directory_check_new_key(state->directory, person, invitation.name));
	TRY(invitations_add(&state->invitations, &invitation, change->now_ms));
	/* One link for one passkey: what is made by an earlier one elsewhere would stand in this one's place. */
	(void)invitations_withdraw(&state->invitations, person, invitation.name, &invitation.token, change->now_ms);
	return OK;
}

enum status
change_principal_totp_add(struct gate_state *state, const struct change *change) {
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

enum status
change_authenticator_trust(struct gate_state *state, const struct change *change) {
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
	bool includes = authenticator_trust_includes(&state->trust, BYTES_OF_ARRAY(aaguid), any ? roots : nullptr);
	TRY(authenticator_trust_set(&state->trust, BYTES_OF_ARRAY(aaguid), any ? roots : nullptr));
	if (!includes) /* it is not kept which root each led to: whoever is vouched for still is enrolled again */
		directory_distrust_model(state->directory, BYTES_OF_ARRAY(aaguid));
	if (any)
		roots = nullptr; /* taken over */
	return OK;
}

/* The key is one that an invitation would yet make, or that another keeper may yet hand over. */
static bool
withdraw_invitation(struct gate_state *state, const struct change *change, struct bytes id) {
	struct bytes person = change->operation->resource, name;
	if (id.len <= person.len || id.data[person.len] != '/' || memcmp(id.data, person.data, person.len) != 0)
		return false;
	name = bytes_of(id.data + person.len + 1, id.len - person.len - 1);
	return invitations_withdraw(&state->invitations, person, name, nullptr, change->now_ms);
}

enum status
change_principal_key_revoke(struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "key", &id));
	const struct directory_key *key = directory_key(state->directory, id);
	if (key == nullptr && withdraw_invitation(state, change, id))
		return OK;
	if (key == nullptr || !bytes_equal(key->principal->id, change->operation->resource))
		return fail(STATUS_NOT_FOUND, "payload.key: the principal has no key \"%.*s\"", BYTES_ARGS(id));
	TRY(check_who_is_left(state, change, key));
	return directory_revoke_key(state->directory, id);
}

/* A person is somebody's voice from the first of their keys on that counts. */
void
facts_of_person_add(const struct gate_state *, const struct change *change, struct facts *facts) {
	struct new_key keys[PRINCIPAL_KEYS_MAX];
	size_t count;
	bool is_auditor;
	if (read_new_keys(change->payload, keys, &count) != OK || read_is_auditor(change->payload, &is_auditor) != OK)
		return;
	int64_t first_ms = keys[0].effective_ms;
	for (size_t i = 1; i < count; i++)
		first_ms = keys[i].effective_ms < first_ms ? keys[i].effective_ms : first_ms;
	facts_add_voice(change, !is_auditor, first_ms, facts);
}

void
facts_of_principal_resume(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_add_waiting(change, has_voice(state->directory, change->operation->resource), facts);
}

void
facts_of_principal_key_add(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_add_payload_text(facts, "change.key_class", change->payload, "class");
	facts_add_waiting(change, has_voice(state->directory, change->operation->resource), facts);
}

/* Whether the requester asks for themselves, and whether whoever it is for is counted on by policies. */
static void
add_whose_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_of_own(state, change, facts);
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED,
			  has_voice(state->directory, change->operation->resource));
}

/* What a policy asks of a new passkey: whose it is, how long it waits before it counts, and what its maker says. */
void
facts_of_principal_passkey_add(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct passkey_enrolment enrolment;
	if (passkey_enrolment_read(facts->arena, bytes_of_text(state->instance), change->operation->resource,
				   change->payload, nullptr, 0, &state->trust, change->now_ms, &enrolment) != OK)
		return;
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("passkey"));
	add_whose_facts(state, change, facts);
	facts_add_boolean(facts, "change.certified", FACT_VERIFIED, enrolment.passkey.is_certified);
	facts_add_boolean(facts, "change.synced", FACT_VERIFIED, enrolment.passkey.backup_eligible);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, enrolment.usable_from_ms - change->now_ms);
}

/* The same of one that is to be made: what the invitation demands is what the policy may rely on. */
void
facts_of_principal_invite(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct invitation invitation;
	if (invitation_read(change->payload, change->operation->resource, &invitation) != OK)
		return;
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("passkey"));
	add_whose_facts(state, change, facts);
	facts_add_boolean(facts, "change.certified", FACT_VERIFIED, invitation.must_be_certified);
	facts_add_boolean(facts, "change.synced", FACT_VERIFIED, invitation.may_be_synced);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED, invitation.waiting_ms);
}

void
facts_of_principal_totp_add(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_add_string(facts, "change.key_class", FACT_VERIFIED, BYTES_OF_LITERAL("totp"));
	add_whose_facts(state, change, facts);
}
