#include "gate/enrolment.h"

#include <stdio.h>

#include "gate/hex_member.h"

/* --- Reading. --- */

static enum status
read_token(struct arena *arena, const json *root, struct hash256 *token) {
	struct bytes bytes;
	TRY(hex_member_read(arena, root, "enrolment", "token", INVITATION_TOKEN_SIZE, &bytes));
	if (bytes.len != INVITATION_TOKEN_SIZE)
		return fail(STATUS_INVALID, "enrolment.token: expected %zu bytes", INVITATION_TOKEN_SIZE);
	*token = sha256_of_secret(bytes);
	return OK;
}

enum status
enrolment_read_token(struct arena *arena, struct bytes body, struct hash256 *token) {
	static const char *const members[] = {"token", nullptr};
	const json *root;
	TRY(json_read(arena, body, (struct json_limits){.values = JSON_REQUEST_VALUES_MAX}, &root));
	TRY(json_only(root, "enrolment", members));
	return read_token(arena, root, token);
}

static enum status
read_registration(struct arena *arena, const json *object, struct enrolment *enrolment) {
	struct passkey_registration *registration = &enrolment->registration;
	TRY(hex_member_read(arena, object, "enrolment", "attestation_object", ATTESTATION_OBJECT_MAX,
			    &registration->attestation_object));
	TRY(hex_member_read(arena, object, "enrolment", "client_data", CLIENT_DATA_MAX, &registration->client_data));
	TRY(json_need_string(object, "enrolment", "rp_id", &enrolment->rp_id));
	return enrolment->rp_id.len <= RP_ID_MAX
		       ? OK
		       : fail(STATUS_INVALID, "enrolment.rp_id: expected at most %zu characters", RP_ID_MAX);
}

enum status
enrolment_read(struct arena *arena, struct bytes body, struct enrolment *enrolment) {
	static const char *const members[] = {"attestation_object", "client_data", "rp_id", "token", nullptr};
	const json *root;
	*enrolment = (struct enrolment){};
	TRY(json_read(arena, body, (struct json_limits){.values = JSON_REQUEST_VALUES_MAX}, &root));
	TRY(json_only(root, "enrolment", members));
	TRY(read_token(arena, root, &enrolment->token));
	return read_registration(arena, root, enrolment);
}

struct hash256
enrolment_registration_hash(const struct enrolment *enrolment) {
	static const uint8_t label[] = "gatehouse/enrolment/v1";
	const struct bytes parts[] = {enrolment->rp_id, enrolment->registration.attestation_object,
				      enrolment->registration.client_data};
	uint8_t lengths[ARRAY_LENGTH(parts)][4];
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		store_u32be(lengths[i], (uint32_t)parts[i].len);
	return SHA256_PARTS(BYTES_OF_ARRAY(label), BYTES_OF_ARRAY(lengths[0]), parts[0], BYTES_OF_ARRAY(lengths[1]),
			    parts[1], BYTES_OF_ARRAY(lengths[2]), parts[2]);
}

/* --- Checking. --- */

/* As long as its person may have passkeys. */
static enum status
find(const struct gate *gate, const struct hash256 *token, bool is_handed_over, int64_t now_ms,
     const struct invitation **invitation) {
	TRY(invitations_check(&gate->state->invitations, token, is_handed_over, now_ms, invitation));
	const struct principal *person = directory_principal(gate->state->directory, (*invitation)->person);
	if (person == nullptr || person->suspended)
		return fail(STATUS_UNAUTHORIZED, "enrolment.refused: there is no such invitation, or it is over");
	return OK;
}

enum status
enrolment_find(const struct gate *gate, const struct hash256 *token, int64_t now_ms,
	       const struct invitation **invitation) {
	return find(gate, token, false, now_ms, invitation);
}

enum status
enrolment_check(struct arena *arena, struct bytes instance, const struct invitation *invitation,
		const struct enrolment *enrolment, const char *const *origins, size_t origin_count,
		const struct authenticator_trust *trust, int64_t at_ms, struct passkey *passkey) {
	struct relying_party party = {.id = enrolment->rp_id, .origins = origins, .origin_count = origin_count};
	struct hash256 challenge;
	TRY(passkey_enrolment_challenge(instance, invitation->person, invitation->name, invitation_nonce(invitation),
					&challenge));
	TRY(passkey_register(arena, &party, hash256_bytes(&challenge), &enrolment->registration, trust, at_ms,
			     passkey));
	if (passkey->backup_eligible && !invitation->may_be_synced)
		return fail(
			STATUS_UNAUTHORIZED,
			"enrolment.synced: this passkey can be copied to other devices, and the invitation is for one "
			"that cannot");
	return OK;
}

static enum status
check(const struct gate *gate, struct arena *arena, int64_t now_ms, const struct enrolment *enrolment,
      const char *const *origins, size_t origin_count, const struct invitation **invitation, struct passkey *passkey) {
	TRY(find(gate, &enrolment->token, enrolment->from.len > 0, now_ms, invitation));
	TRY(enrolment_check(arena, bytes_of_text(gate->state->instance), *invitation, enrolment, origins, origin_count,
			    &gate->state->trust, now_ms, passkey));
	/* Whether a maker vouches for it says nothing about whether it is another one. */
	if ((*invitation)->must_be_certified && !passkey->is_certified && !(*invitation)->is_used)
		return fail(
			STATUS_UNAUTHORIZED,
			"enrolment.not_certified: no maker whose certificates are trusted vouches for this passkey");
	return OK;
}

enum status
enrolment_verify(const struct gate *gate, struct arena *arena, int64_t now_ms, const struct enrolment *enrolment) {
	const struct invitation *invitation;
	struct passkey passkey;
	return check(gate, arena, now_ms, enrolment, gate->origins, gate->origin_count, &invitation, &passkey);
}

/* Handed over, and the invitation is used here. */
static enum enrolment_outcome
compare(const struct invitation *invitation, const struct hash256 *registration, uint8_t party) {
	if (hash256_equal(&invitation->registration, registration))
		return ENROLMENT_KNOWN;
	return invitation->differing & UINT32_C(1) << party ? ENROLMENT_DIFFERS_KNOWN : ENROLMENT_DIFFERS;
}

enum status
enrolment_take(struct gate *gate, struct arena *arena, int64_t now_ms, struct enrolment *enrolment) {
	struct gate_state *state = gate->state;
	const struct invitation *invitation;
	struct passkey passkey;
	struct hash256 registration = enrolment_registration_hash(enrolment);
	TRY(check(gate, arena, now_ms, enrolment, nullptr, 0, &invitation, &passkey));
	const char *key_id =
		arena_format(arena, "%.*s/%.*s", BYTES_ARGS(invitation->person), BYTES_ARGS(invitation->name));
	TRY_ALLOC(key_id);
	enrolment->key_id = bytes_of_text(key_id);
	enrolment->legal_entity = gate_state_entity_of(state, invitation->person);
	enrolment->outcome = ENROLMENT_MADE;
	if (invitation->is_used) {
		enrolment->outcome = compare(invitation, &registration, enrolment->party);
		if (enrolment->outcome == ENROLMENT_DIFFERS)
			invitations_differ(&state->invitations, &enrolment->token, enrolment->party);
		return OK;
	}
	enrolment->usable_from_ms = now_ms + invitation->waiting_ms;
	TRY(directory_add_passkey(state->directory, invitation->person, invitation->name, &passkey,
				  enrolment->usable_from_ms));
	invitations_use(&state->invitations, &enrolment->token, &registration);
	return OK;
}

/* --- The entry. --- */

enum status
enrolment_write(const struct enrolment *enrolment, int64_t now_ms, struct buffer *body) {
	struct json_writer w;
	bool is_made = enrolment->outcome == ENROLMENT_MADE;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_hex(&w, "attestation_object", enrolment->registration.attestation_object);
	json_write_member_hex(&w, "client_data", enrolment->registration.client_data);
	json_write_member_integer(&w, is_made ? "enrolled_at" : "found_at", now_ms);
	if (enrolment->from.len > 0)
		json_write_member_string(&w, "from", enrolment->from);
	json_write_member_string(&w, "key", enrolment->key_id);
	json_write_member_string(&w, "legal_entity", enrolment->legal_entity);
	if (!is_made)
		json_write_member_integer(&w, "party", enrolment->party);
	json_write_member_string(&w, "rp_id", enrolment->rp_id);
	json_write_member_hex(&w, "token_sha256", hash256_bytes(&enrolment->token));
	if (is_made)
		json_write_member_integer(&w, "usable_from", enrolment->usable_from_ms);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static bool
is_in_force(const struct gate_state *state, const struct invitation *invitation) {
	char id[DIRECTORY_KEY_ID_MAX + 1];
	snprintf(id, sizeof id, "%.*s/%.*s", BYTES_ARGS(invitation->person), BYTES_ARGS(invitation->name));
	const struct directory_key *key = directory_key(state->directory, bytes_of_text(id));
	return key != nullptr && !key->revoked;
}

size_t
enrolments_that_differ(const struct gate_state *state) {
	size_t count = 0, at = 0;
	void *value;
	while (map_next(&state->invitations.by_token, &at, nullptr, &value)) {
		const struct invitation *invitation = value;
		count += invitation->differing != 0 && is_in_force(state, invitation);
	}
	return count;
}

/* What both entries have. */
static enum status
read_entry(struct arena *arena, const json *body, const char *time, struct enrolment *enrolment, int64_t *at_ms) {
	struct bytes token;
	const json *from;
	*enrolment = (struct enrolment){};
	TRY(read_registration(arena, body, enrolment));
	TRY(json_need_integer(body, "enrolment", time, at_ms));
	TRY(json_need_string(body, "enrolment", "key", &enrolment->key_id));
	TRY(hex_member_read(arena, body, "enrolment", "token_sha256", sizeof enrolment->token.bytes, &token));
	if (token.len != sizeof enrolment->token.bytes)
		return fail(STATUS_INVALID, "enrolment.token_sha256: expected %zu bytes",
			    sizeof enrolment->token.bytes);
	memcpy(enrolment->token.bytes, token.data, token.len);
	from = json_get(body, "from");
	if (from != nullptr)
		TRY(json_need_string(body, "enrolment", "from", &enrolment->from));
	return OK;
}

enum status
enrolment_read_entry(struct arena *arena, const json *body, struct enrolment *enrolment, int64_t *at_ms) {
	TRY(read_entry(arena, body, "enrolled_at", enrolment, at_ms));
	return json_need_integer(body, "enrolment", "usable_from", &enrolment->usable_from_ms);
}

enum status
enrolment_read_divergence(struct arena *arena, const json *body, struct enrolment *enrolment, int64_t *at_ms) {
	int64_t party;
	TRY(read_entry(arena, body, "found_at", enrolment, at_ms));
	TRY(json_need_integer(body, "divergence", "party", &party));
	if (enrolment->from.len == 0 || party < 1 || party > (int64_t)KEEPERS_MAX)
		return fail(STATUS_INVALID, "divergence.party: expected a keeper");
	enrolment->party = (uint8_t)party;
	return OK;
}

enum status
enrolment_restore(struct gate *gate, struct arena *arena, const json *body) {
	struct enrolment recorded, taken;
	int64_t at_ms;
	TRY(enrolment_read_entry(arena, body, &recorded, &at_ms));
	taken = recorded;
	gate->state->now_ms = at_ms;
	TRY(enrolment_take(gate, arena, at_ms, &taken));
	return taken.outcome == ENROLMENT_MADE && bytes_equal(taken.key_id, recorded.key_id) &&
			       taken.usable_from_ms == recorded.usable_from_ms
		       ? OK
		       : fail(STATUS_CORRUPT, "restore.enrolment: another passkey than the invitation's");
}

enum status
enrolment_restore_divergence(struct gate *gate, struct arena *arena, const json *body) {
	struct enrolment recorded;
	int64_t at_ms;
	TRY(enrolment_read_divergence(arena, body, &recorded, &at_ms));
	gate->state->now_ms = at_ms;
	TRY(enrolment_take(gate, arena, at_ms, &recorded));
	return recorded.outcome == ENROLMENT_DIFFERS
		       ? OK
		       : fail(STATUS_CORRUPT, "restore.divergence: there is no other passkey by this invitation");
}
