#include "gate/enrolment.h"

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
	TRY(json_read(arena, body, (struct json_limits){}, &root));
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
	TRY(json_read(arena, body, (struct json_limits){}, &root));
	TRY(json_only(root, "enrolment", members));
	TRY(read_token(arena, root, &enrolment->token));
	return read_registration(arena, root, enrolment);
}

/* --- Checking. --- */

enum status
enrolment_find(const struct gate *gate, const struct hash256 *token, int64_t now_ms,
	       const struct invitation **invitation) {
	*invitation = invitations_find(&gate->state->invitations, token, now_ms);
	const struct principal *person =
		*invitation == nullptr ? nullptr : directory_principal(gate->state->directory, (*invitation)->person);
	if (person == nullptr || person->suspended)
		return fail(STATUS_UNAUTHORIZED, "enrolment.refused: there is no such invitation, or it is over");
	return OK;
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
	TRY(enrolment_find(gate, &enrolment->token, now_ms, invitation));
	TRY(enrolment_check(arena, bytes_of_text(gate->state->instance), *invitation, enrolment, origins, origin_count,
			    &gate->state->trust, now_ms, passkey));
	if ((*invitation)->must_be_certified && !passkey->is_certified)
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

enum status
enrolment_take(struct gate *gate, struct arena *arena, int64_t now_ms, struct enrolment *enrolment) {
	struct gate_state *state = gate->state;
	const struct invitation *invitation;
	struct passkey passkey;
	TRY(check(gate, arena, now_ms, enrolment, nullptr, 0, &invitation, &passkey));
	const char *key_id =
		arena_format(arena, "%.*s/%.*s", BYTES_ARGS(invitation->person), BYTES_ARGS(invitation->name));
	TRY_ALLOC(key_id);
	enrolment->key_id = bytes_of_text(key_id);
	enrolment->usable_from_ms = now_ms + invitation->waiting_ms;
	TRY(directory_add_passkey(state->directory, invitation->person, invitation->name, &passkey,
				  enrolment->usable_from_ms));
	invitations_remove(&state->invitations, &enrolment->token);
	return OK;
}

/* --- The entry. --- */

enum status
enrolment_write(const struct enrolment *enrolment, int64_t now_ms, struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_hex(&w, "attestation_object", enrolment->registration.attestation_object);
	json_write_member_hex(&w, "client_data", enrolment->registration.client_data);
	json_write_member_integer(&w, "enrolled_at", now_ms);
	json_write_member_string(&w, "key", enrolment->key_id);
	json_write_member_string(&w, "rp_id", enrolment->rp_id);
	json_write_member_hex(&w, "token_sha256", hash256_bytes(&enrolment->token));
	json_write_member_integer(&w, "usable_from", enrolment->usable_from_ms);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
enrolment_read_entry(struct arena *arena, const json *body, struct enrolment *enrolment, int64_t *at_ms) {
	struct bytes token;
	*enrolment = (struct enrolment){};
	TRY(read_registration(arena, body, enrolment));
	TRY(json_need_integer(body, "enrolment", "enrolled_at", at_ms));
	TRY(json_need_string(body, "enrolment", "key", &enrolment->key_id));
	TRY(hex_member_read(arena, body, "enrolment", "token_sha256", sizeof enrolment->token.bytes, &token));
	if (token.len != sizeof enrolment->token.bytes)
		return fail(STATUS_INVALID, "enrolment.token_sha256: expected %zu bytes",
			    sizeof enrolment->token.bytes);
	memcpy(enrolment->token.bytes, token.data, token.len);
	return json_need_integer(body, "enrolment", "usable_from", &enrolment->usable_from_ms);
}

enum status
enrolment_restore(struct gate *gate, struct arena *arena, const json *body) {
	struct enrolment recorded, taken;
	int64_t at_ms;
	TRY(enrolment_read_entry(arena, body, &recorded, &at_ms));
	taken = recorded;
	gate->state->now_ms = at_ms;
	TRY(enrolment_take(gate, arena, at_ms, &taken));
	return bytes_equal(taken.key_id, recorded.key_id) && taken.usable_from_ms == recorded.usable_from_ms
		       ? OK
		       : fail(STATUS_CORRUPT, "restore.enrolment: another passkey than the invitation's");
}
