#include "gate/change_organisation.h"

static enum status
read_unit_kind(struct bytes text, enum unit_kind *kind) {
	for (int i = UNIT_LEGAL_ENTITY; i <= UNIT_ACCOUNT; i++)
		if (bytes_equal_text(text, unit_kind_name((enum unit_kind)i))) {
			*kind = (enum unit_kind)i;
			return OK;
		}
	return fail(STATUS_INVALID, "payload.kind: expected \"legal_entity\", \"desk\" or \"account\"");
}

enum status
can_unit_add(const struct gate_state *state, const struct change *change) {
	struct bytes id, text;
	enum unit_kind kind;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	TRY(json_need_string(change->payload, "payload", "kind", &text));
	TRY(read_unit_kind(text, &kind));
	return directory_check_unit(state->directory, kind, id, payload_text(change->payload, "parent"));
}

enum status
change_unit_add(struct gate_state *state, const struct change *change) {
	struct bytes id, text;
	enum unit_kind kind;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	TRY(json_need_string(change->payload, "payload", "kind", &text));
	TRY(read_unit_kind(text, &kind));
	return directory_add_unit(state->directory, kind, id, payload_text(change->payload, "parent"));
}

/* The networks are tried on a copy, so that a bad one leaves nothing behind. */
static enum status
try_zone(const struct gate_state *state, const struct change *change, struct bytes *id, struct zones *zones) {
	TRY(json_need_string(change->payload, "payload", "id", id));
	TRY(directory_check_zone(state->directory, *id));
	const json *networks = json_get(change->payload, "networks");
	TRY(zones_copy(&state->zones, zones));
	if (networks == nullptr)
		return OK;
	if (json_type_of(networks) != JSON_ARRAY)
		return fail(STATUS_INVALID, "payload.networks: expected array, found %s",
			    json_type_name(json_type_of(networks)));
	struct json_iterator iterator = json_iterate(networks);
	for (const json *network; (network = json_next(&iterator, nullptr)) != nullptr;) {
		if (json_type_of(network) != JSON_STRING)
			return fail(STATUS_INVALID, "payload.networks: an element is not a string");
		TRY(zones_add(zones, *id, json_string(network)));
	}
	return OK;
}

enum status
can_zone_add(const struct gate_state *state, const struct change *change) {
	struct bytes id;
	_cleanup_(zones_free) struct zones zones = {};
	return try_zone(state, change, &id, &zones);
}

enum status
change_zone_add(struct gate_state *state, const struct change *change) {
	struct bytes id;
	_cleanup_(zones_free) struct zones zones = {};
	TRY(try_zone(state, change, &id, &zones));
	TRY(directory_add_zone(state->directory, id));
	struct zones before = state->zones;
	state->zones = zones;
	zones = before;
	return OK;
}

enum status
can_group_add(const struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	return directory_check_group(state->directory, id);
}

enum status
change_group_add(struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	return directory_add_group(state->directory, id);
}

bool
has_voice(const struct directory *directory, struct bytes id) {
	const struct principal *person = directory_principal(directory, id);
	return person != nullptr && person->kind == PRINCIPAL_PERSON && !person->is_auditor;
}

size_t
groups_of_count(const struct directory *directory, struct bytes person) {
	const struct principal *member = directory_principal(directory, person);
	size_t count = 0;
	for (size_t i = 0; member != nullptr && i < directory_group_count(directory); i++)
		count += directory_is_member(directory, directory_group_at(directory, i), member, INT64_MAX);
	return count;
}

enum status
can_group_member_add(const struct gate_state *state, const struct change *change) {
	struct bytes person;
	TRY(json_need_string(change->payload, "payload", "person", &person));
	if (groups_of_count(state->directory, person) >= ENTITY_GROUPS_MAX)
		return fail(STATUS_TOO_LARGE, "payload.person: is in %zu groups already", ENTITY_GROUPS_MAX);
	return directory_check_member(state->directory, change->resource_id, person, true);
}

enum status
change_group_member_add(struct gate_state *state, const struct change *change) {
	struct bytes person;
	int64_t from_ms;
	TRY(can_group_member_add(state, change));
	TRY(json_need_string(change->payload, "payload", "person", &person));
	TRY(payload_optional_number(change->payload, "effective_from", &from_ms));
	TRY(directory_add_member(state->directory, change->resource_id, person, from_ms));
	invitations_outdate(&state->invitations, person);
	return OK;
}

enum status
can_group_member_remove(const struct gate_state *state, const struct change *change) {
	struct bytes person;
	TRY(json_need_string(change->payload, "payload", "person", &person));
	return directory_check_member(state->directory, change->resource_id, person, false);
}

enum status
change_group_member_remove(struct gate_state *state, const struct change *change) {
	struct bytes person;
	TRY(json_need_string(change->payload, "payload", "person", &person));
	return directory_remove_member(state->directory, change->resource_id, person);
}

enum status
can_delegate(const struct gate_state *state, const struct change *change) {
	struct bytes by;
	int64_t from_ms, until_ms;
	TRY(json_need_string(change->payload, "payload", "by", &by));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	TRY(payload_optional_number(change->payload, "effective_from", &from_ms));
	return directory_check_delegation(state->directory, change->operation->resource, by, from_ms, until_ms);
}

enum status
change_delegate(struct gate_state *state, const struct change *change) {
	struct bytes by;
	int64_t from_ms, until_ms;
	TRY(json_need_string(change->payload, "payload", "by", &by));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	TRY(payload_optional_number(change->payload, "effective_from", &from_ms));
	TRY(directory_delegate(state->directory, change->operation->resource, by, from_ms, until_ms, change->now_ms));
	if (until_ms > change->now_ms)
		invitations_outdate(&state->invitations, by);
	return OK;
}

enum status
change_addition_cancel(struct gate_state *state, const struct change *change) {
	struct bytes person = payload_text(change->payload, "person");
	if ((change->resource_type == RESOURCE_GROUP) != (person.len > 0))
		return fail(STATUS_INVALID, "payload.person: given for a group, and only there");
	return change->resource_type == RESOURCE_GROUP
		       ? directory_cancel_member(state->directory, change->resource_id, person, change->now_ms)
		       : directory_cancel_delegation(state->directory, change->operation->resource, change->now_ms);
}

/* Every group can be counted on by a policy. */
void
facts_of_group_member_add(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_waiting(change, true, facts);
}

/* One that is over gives nobody a voice. */
void
facts_of_delegate(const struct gate_state *state, const struct change *change, struct facts *facts) {
	const json *until = json_get(change->payload, "until");
	bool is_over = until != nullptr && json_type_of(until) == JSON_INTEGER && json_integer(until) <= change->now_ms;
	facts_of_own(state, change, facts);
	facts_add_duration(change, facts);
	facts_add_waiting(change, !is_over && groups_of_count(state->directory, change->operation->resource) > 0,
			  facts);
}
