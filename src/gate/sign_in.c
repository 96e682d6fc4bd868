#include "gate/sign_in.h"

enum status
sign_in_read(struct arena *arena, struct bytes body, struct sign_in *sign_in) {
	const json *root;
	*sign_in = (struct sign_in){};
	TRY(json_read(arena, body, (struct json_limits){.values = JSON_REQUEST_VALUES_MAX}, &root));
	return person_signature_read_discovered(arena, root, &sign_in->discovered);
}

enum status
sign_in_verify(const struct gate *gate, struct arena *arena, const struct challenges *challenges, int64_t now_ms,
	       struct sign_in *sign_in) {
	struct relying_party party = {.origins = gate->origins, .origin_count = gate->origin_count};
	TRY(challenge_check(challenges, sign_in->discovered.challenge.bytes, now_ms));
	enum status status =
		person_signature_verify_discovered(arena, gate->state->directory, &party, &sign_in->discovered);
	sign_in->key_id = sign_in->discovered.signature.key_id;
	return status;
}

enum status
sign_in_take(struct gate *gate, struct challenges *challenges, int64_t now_ms, struct sign_in *sign_in) {
	const struct directory_key *key;
	uint32_t counter = sign_in->discovered.signature.counter;
	TRY(directory_active_key(gate->state->directory, sign_in->key_id, &key));
	TRY(directory_key_check_waiting(key, now_ms));
	TRY(authenticator_counter_check(key->passkey->counter, counter));
	TRY(challenge_use(challenges, sign_in->discovered.challenge.bytes, now_ms));
	directory_set_counter(gate->state->directory, sign_in->key_id, counter);
	sign_in->assurance_level = passkey_assurance_level(key->passkey);
	return OK;
}

enum status
sign_in_write(const struct gate_state *state, const struct sign_in *sign_in, struct bytes session, int64_t ends_ms,
	      int64_t now_ms, struct buffer *body) {
	const struct person_signature *signature = &sign_in->discovered.signature;
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_integer(&w, "aal", sign_in->assurance_level);
	person_signature_write_assertion(&w, signature);
	json_write_member_hex(&w, "challenge", hash256_bytes(&sign_in->discovered.challenge));
	json_write_member_integer(&w, "ends_at", ends_ms);
	json_write_member_string(&w, "key", sign_in->key_id);
	json_write_member_string(&w, "legal_entity", gate_state_entity_of(state, sign_in->key_id));
	json_write_member_hex(&w, "public_key", signature->public_key);
	json_write_member_hex(&w, "session", session);
	json_write_member_hex(&w, "signature", signature->signature);
	json_write_member_integer(&w, "signed_in_at", now_ms);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
sign_out_write(const struct gate_state *state, struct bytes key_id, struct bytes session, int64_t now_ms,
	       struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_integer(&w, "ended_at", now_ms);
	json_write_member_string(&w, "key", key_id);
	json_write_member_string(&w, "legal_entity", gate_state_entity_of(state, key_id));
	json_write_member_hex(&w, "session", session);
	json_write_end(&w);
	return json_writer_finish(&w);
}
