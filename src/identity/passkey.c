#include "identity/passkey.h"

#include "identity/unknown_key.h"

/* Steps that both ceremonies share: what the browser was asked, and by whom. For whom is the passkey's to say:
 * client_data_check_relying_party(). */
static enum status
check_client_data(struct arena *arena, const struct relying_party *party, struct bytes text, enum client_data_type type,
		  struct bytes challenge, struct client_data *client_data) {
	TRY(client_data_read(arena, text, client_data));
	TRY(client_data_check_type(client_data, type));
	TRY(client_data_check_challenge(client_data, challenge));
	return party->origin_count == 0 ? OK
					: client_data_check_origin(client_data, party->origins, party->origin_count);
}

/* The key is one that signatures can be verified with, now rather than at its first use. */
static enum status
check_key(const struct cose_key *key) {
	_cleanup_(public_key_destroy) struct public_key *public_key = nullptr;
	return cose_public_key(key, &public_key);
}

static enum status
check_attestation(struct arena *arena, const struct attestation *attestation, struct bytes client_data,
		  const struct authenticator_trust *trust, int64_t at_ms, bool *is_certified) {
	const struct certificate_roots *roots =
		trust == nullptr ? nullptr : authenticator_trust_of(trust, attestation->data.aaguid);
	_cleanup_(attestation_result_free) struct attestation_result result = {};
	struct hash256 hash = sha256(client_data);
	TRY(attestation_verify(arena, attestation, &hash, &result));
	*is_certified = roots != nullptr && attestation_check_trust(&result, roots, at_ms) == OK;
	return OK;
}

enum status
passkey_register(struct arena *arena, const struct relying_party *party, struct bytes challenge,
		 const struct passkey_registration *registration, const struct authenticator_trust *trust,
		 int64_t at_ms, struct passkey *passkey) {
	struct attestation attestation;
	struct client_data client_data;
	const struct authenticator_data *data = &attestation.data;
	*passkey = (struct passkey){};
	TRY(check_client_data(arena, party, registration->client_data, CLIENT_DATA_CREATE, challenge, &client_data));
	TRY(client_data_check_relying_party(&client_data, party->id));
	TRY(attestation_read(registration->attestation_object, &attestation));
	TRY(authenticator_data_check(data, party->id, true));
	TRY(check_key(&data->key));
	TRY(check_attestation(arena, &attestation, registration->client_data, trust, at_ms, &passkey->is_certified));
	passkey->rp_id = party->id;
	passkey->credential_id = data->credential_id;
	passkey->cose_key = data->key.encoding;
	passkey->aaguid = data->aaguid;
	passkey->backup_eligible = data->backup_eligible;
	passkey->counter = data->counter;
	return OK;
}

static enum status
check_signature(struct arena *arena, const struct passkey *passkey, const struct passkey_assertion *assertion) {
	struct hash256 hash = sha256(assertion->client_data);
	size_t len = assertion->authenticator_data.len;
	uint8_t *message = arena_alloc(arena, len + sizeof hash.bytes);
	TRY_ALLOC(message);
	memcpy(message, assertion->authenticator_data.data, len);
	memcpy(message + len, hash.bytes, sizeof hash.bytes);
	return cose_verify_evenly(passkey == nullptr ? (struct bytes){} : passkey->cose_key,
				  bytes_of(message, len + sizeof hash.bytes), assertion->signature);
}

enum status
passkey_verify(struct arena *arena, const struct relying_party *party, const struct passkey *passkey,
	       struct bytes challenge, const struct passkey_assertion *assertion, uint32_t *counter) {
	struct authenticator_data data;
	struct client_data client_data;
	TRY(check_client_data(arena, party, assertion->client_data, CLIENT_DATA_GET, challenge, &client_data));
	TRY(authenticator_data_read(assertion->authenticator_data, &data));
	TRY(check_signature(arena, passkey, assertion));
	/* Told to whoever signed alone: what a passkey is like, and whether there is one, is nobody else's business. */
	TRY(client_data_check_relying_party(&client_data, passkey->rp_id));
	TRY(authenticator_data_check(&data, passkey->rp_id, true));
	if (data.backup_eligible != passkey->backup_eligible)
		return fail(STATUS_UNAUTHORIZED, "passkey.backup: it was %seligible for backup when it was enrolled",
			    passkey->backup_eligible ? "" : "not ");
	*counter = data.counter;
	return OK;
}

int
passkey_assurance_level(const struct passkey *passkey) {
	return passkey->is_certified && !passkey->backup_eligible ? 3 : 2;
}

enum status
passkey_enrolment_challenge(struct bytes instance, struct bytes person, struct bytes name, const uint8_t nonce[16],
			    struct hash256 *challenge) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	json_write_member_string(&writer, "instance", instance);
	json_write_member_string(&writer, "name", name);
	json_write_member_hex(&writer, "nonce", bytes_of(nonce, 16));
	json_write_member_string(&writer, "person", person);
	json_write_member_text(&writer, "type", "gatehouse/passkey-enrolment/v1");
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	*challenge = sha256(buffer_bytes(&text));
	return OK;
}
