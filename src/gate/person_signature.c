#include "gate/person_signature.h"

#include "crypto/sign.h"
#include "identity/statement.h"

constexpr size_t SIGNATURE_MAX = 1024; /* RSA of 4,096 bits has 512 */

static enum status
read_hex(struct arena *arena, const json *object, const char *where, const char *member, size_t max,
	 struct bytes *bytes) {
	struct bytes text;
	TRY(json_need_string(object, where, member, &text));
	if (text.len == 0 || text.len % 2 != 0 || text.len / 2 > max)
		return fail(STATUS_INVALID, "%s.%s: expected 1 to %zu bytes as hexadecimal digits", where, member, max);
	uint8_t *decoded = arena_alloc(arena, text.len / 2);
	TRY_ALLOC(decoded);
	TRY(hex_decode(text, decoded, text.len / 2));
	*bytes = bytes_of(decoded, text.len / 2);
	return OK;
}

static enum status
read_assertion(struct arena *arena, const json *object, struct person_signature *signature) {
	static const char *const members[] = {"authenticator_data", "client_data", nullptr};
	const json *assertion = json_get(object, "assertion");
	signature->is_passkey = assertion != nullptr;
	if (assertion == nullptr)
		return OK;
	TRY(json_only(assertion, "assertion", members));
	TRY(read_hex(arena, assertion, "assertion", "authenticator_data", AUTHENTICATOR_DATA_MAX,
		     &signature->authenticator_data));
	return read_hex(arena, assertion, "assertion", "client_data", CLIENT_DATA_MAX, &signature->client_data);
}

static enum status
read_signature(struct arena *arena, const json *object, struct person_signature *signature) {
	TRY(read_assertion(arena, object, signature));
	TRY(read_hex(arena, object, "signature", "signature", SIGNATURE_MAX, &signature->signature));
	if (!signature->is_passkey && signature->signature.len != ED25519_SIGNATURE_SIZE)
		return fail(STATUS_INVALID, "signature.signature: expected %zu bytes, found %zu",
			    ED25519_SIGNATURE_SIZE, signature->signature.len);
	return OK;
}

enum status
person_signature_verify(struct arena *arena, const struct relying_party *party, const struct passkey *passkey,
			const char *label, const struct hash256 *digest, struct person_signature *signature) {
	if (signature->is_passkey != (passkey != nullptr))
		return fail(STATUS_UNAUTHORIZED,
			    "person_signature.kind: not the kind of signature that this key makes");
	if (passkey == nullptr)
		return person_verify(label, digest, signature->public_key.data, signature->signature.data);
	struct passkey_assertion assertion = {
		.authenticator_data = signature->authenticator_data,
		.client_data = signature->client_data,
		.signature = signature->signature,
	};
	return passkey_verify(arena, party, passkey, hash256_bytes(digest), &assertion, &signature->counter);
}

enum status
person_signature_read(struct arena *arena, const struct directory *directory, const struct relying_party *party,
		      const json *object, const char *label, const struct hash256 *digest,
		      struct person_signature *signature) {
	static const char *const members[] = {"assertion", "key_id", "signature", nullptr};
	const struct directory_key *key;
	*signature = (struct person_signature){};
	TRY(json_only(object, "signature", members));
	TRY(json_need_string(object, "signature", "key_id", &signature->key_id));
	TRY(read_signature(arena, object, signature));
	TRY(signature->is_passkey ? directory_active_passkey(directory, signature->key_id, &key)
				  : directory_active_ed25519(directory, signature->key_id, &key));
	signature->public_key = key->passkey != nullptr ? key->passkey->cose_key : BYTES_OF_ARRAY(key->public_key);
	struct relying_party own = *party;
	if (key->passkey != nullptr)
		own.id = key->passkey->rp_id;
	return person_signature_verify(arena, &own, key->passkey, label, digest, signature);
}

void
person_signature_write_assertion(struct json_writer *writer, const struct person_signature *signature) {
	if (!signature->is_passkey)
		return;
	json_write_key(writer, "assertion");
	json_write_object(writer);
	json_write_member_hex(writer, "authenticator_data", signature->authenticator_data);
	json_write_member_hex(writer, "client_data", signature->client_data);
	json_write_end(writer);
}

enum status
person_signature_read_evidence(struct arena *arena, const json *evidence, struct person_signature *signature) {
	*signature = (struct person_signature){};
	TRY(read_signature(arena, evidence, signature));
	TRY(read_hex(arena, evidence, "evidence", "public_key", ATTESTATION_OBJECT_MAX, &signature->public_key));
	if (!signature->is_passkey && signature->public_key.len != ED25519_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "evidence.public_key: expected %zu bytes", ED25519_PUBLIC_SIZE);
	return OK;
}
