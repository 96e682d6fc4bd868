#include "gate/change_access.h"

#include "gate/change_principals.h"
#include "gate/personal.h"

static enum status
find_principal(const struct gate_state *state, const struct change *change, const struct principal **principal) {
	*principal = directory_principal(state->directory, change->operation->resource);
	return *principal != nullptr ? OK
				     : fail(STATUS_NOT_FOUND, "directory.unknown: there is no \"%.*s\"",
					    BYTES_ARGS(change->operation->resource));
}

/* What was brought with the operation, sealed beside its first entry, becomes what the person is called. */
enum status
change_person_profile(struct gate_state *state, const struct change *change) {
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

enum status
change_person_erase(struct gate_state *state, const struct change *change) {
	const struct principal *person;
	TRY(find_principal(state, change, &person));
	return subjects_erase(&state->subjects, person->id);
}

struct grant {
	const struct principal *auditor;
	const struct unit *entity;
	int64_t from_ms, until_ms;
};

static enum status
read_grant(const struct gate_state *state, const struct change *change, struct grant *grant) {
	struct bytes entity;
	TRY(find_principal(state, change, &grant->auditor));
	TRY(json_need_string(change->payload, "payload", "entity", &entity));
	TRY(json_need_integer(change->payload, "payload", "from", &grant->from_ms));
	TRY(json_need_integer(change->payload, "payload", "until", &grant->until_ms));
	grant->entity = directory_unit(state->directory, entity);
	return grant->entity != nullptr && grant->entity->kind == UNIT_LEGAL_ENTITY
		       ? OK
		       : fail(STATUS_NOT_FOUND, "payload.entity: there is no legal entity of that name");
}

enum status
can_auditor_grant(const struct gate_state *state, const struct change *change) {
	struct grant grant;
	TRY(read_grant(state, change, &grant));
	return grant.until_ms > grant.from_ms ? OK
					      : fail(STATUS_INVALID, "access.period: from %lld until %lld",
						     (long long)grant.from_ms, (long long)grant.until_ms);
}

enum status
change_auditor_grant(struct gate_state *state, const struct change *change) {
	struct grant grant;
	TRY(read_grant(state, change, &grant));
	TRY(change_check_people_left(state, change));
	TRY(access_grant(&state->access, grant.auditor->id, grant.entity->id, grant.from_ms, grant.until_ms));
	return gate_state_make_auditor(state, grant.auditor->id);
}

enum status
change_auditor_revoke(struct gate_state *state, const struct change *change) {
	struct bytes entity;
	TRY(json_need_string(change->payload, "payload", "entity", &entity));
	return access_revoke(&state->access, change->operation->resource, entity);
}

enum status
change_personal_grant(struct gate_state *state, const struct change *change) {
	const struct principal *reader;
	int64_t until_ms;
	TRY(find_principal(state, change, &reader));
	TRY(json_need_integer(change->payload, "payload", "until", &until_ms));
	return access_let_read(&state->access, reader->id, until_ms);
}

enum status
change_personal_revoke(struct gate_state *state, const struct change *change) {
	return access_let_read_no_more(&state->access, change->operation->resource);
}

void
facts_of_personal_grant(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_of_own(state, change, facts);
	facts_add_duration(change, facts);
}

void
facts_of_auditor(const struct gate_state *state, const struct change *change, struct facts *facts) {
	facts_of_own(state, change, facts);
	facts_add_payload_text(facts, "change.legal_entity", change->payload, "entity");
}
