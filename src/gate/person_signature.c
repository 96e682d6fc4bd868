#include "gate/person_signature.h"

#include "base/base64url.h"
#include "crypto/sign.h"
#include "gate/hex_member.h"
#include "identity/statement.h"
#include "identity/totp.h"
#include "identity/unknown_key.h"

constexpr size_t SIGNATURE_MAX = 1024; /* RSA of 4,096 bits has 512 */

static enum status
read_assertion(struct arena *arena, const json *object, struct person_signature *signature) {
	static const char *const members[] = {"authenticator_data", "client_data", nullptr};
	const json *assertion = json_get(object, "assertion");
	signature->is_passkey = assertion != nullptr;
	if (assertion == nullptr)
		return OK;
	TRY(json_only(assertion, "assertion", members));
	TRY(hex_member_read(arena, assertion, "assertion", "authenticator_data", AUTHENTICATOR_DATA_MAX,
			    &signature->authenticator_data));
	return hex_member_read(arena, assertion, "assertion", "client_data", CLIENT_DATA_MAX, &signature->client_data);
}

static enum status
read_signature(struct arena *arena, const json *object, struct person_signature *signature) {
	TRY(read_assertion(arena, object, signature));
	TRY(hex_member_read(arena, object, "signature", "signature", SIGNATURE_MAX, &signature->signature));
	if (!signature->is_passkey && signature->signature.len != ED25519_SIGNATURE_SIZE)
		return fail(STATUS_INVALID, "signature.signature: expected %zu bytes, found %zu",
			    ED25519_SIGNATURE_SIZE, signature->signature.len);
	return OK;
}

/* Whether it is a code is for whoever compares it to say. */
static enum status
read_totp(const json *object, struct person_signature *signature) {
	if (json_get(object, "totp") == nullptr)
		return OK;
	TRY(json_need_string(object, "signature", "totp", &signature->totp));
	if (signature->is_passkey || signature->totp.len == 0 || signature->totp.len > TOTP_DIGITS_MAX)
		return fail(STATUS_INVALID, "signature.totp: expected digits, beside an Ed25519 signature");
	return OK;
}

static enum status
verify_passkey(struct arena *arena, const struct relying_party *party, const struct passkey *passkey,
	       const struct hash256 *digest, struct person_signature *signature) {
	struct passkey_assertion assertion = {
		.authenticator_data = signature->authenticator_data,
		.client_data = signature->client_data,
		.signature = signature->signature,
	};
	return passkey_verify(arena, party, passkey, hash256_bytes(digest), &assertion, &signature->counter);
}

enum status
person_signature_verify(struct arena *arena, const struct relying_party *party, const struct passkey *passkey,
			const char *label, const struct hash256 *digest, struct person_signature *signature) {
	if (signature->is_passkey != (passkey != nullptr))
		return fail(STATUS_UNAUTHORIZED,
			    "person_signature.kind: not the kind of signature that this key makes");
	return passkey == nullptr ? person_verify(label, digest, signature->public_key.data, signature->signature.data)
				  : verify_passkey(arena, party, passkey, digest, signature);
}

/* By the key, or by nobody's where key is null. */
static enum status
verify(struct arena *arena, const struct relying_party *party, const struct directory_key *key, const char *label,
       const struct hash256 *digest, struct person_signature *signature) {
	if (!signature->is_passkey) {
		signature->public_key =
			key != nullptr ? BYTES_OF_ARRAY(key->public_key) : BYTES_OF_ARRAY(unknown_key_ed25519);
		TRY(person_verify(label, digest, signature->public_key.data, signature->signature.data));
	} else {
		const struct passkey *passkey = key == nullptr ? nullptr : key->passkey;
		TRY(verify_passkey(arena, party, passkey, digest, signature));
		signature->public_key = passkey == nullptr ? (struct bytes){} : passkey->cose_key;
	}
	return key != nullptr ? OK
			      : fail(STATUS_UNAUTHORIZED,
				     "person_signature.mismatch: not a signature by this key over this %s", label);
}

enum status
person_signature_read(struct arena *arena, const struct directory *directory, const struct relying_party *party,
		      const json *object, const char *label, const struct hash256 *digest,
		      struct person_signature *signature) {
	static const char *const members[] = {"assertion", "key_id", "signature", "totp", nullptr};
	*signature = (struct person_signature){};
	TRY(json_only(object, "signature", members));
	TRY(json_need_string(object, "signature", "key_id", &signature->key_id));
	TRY(read_signature(arena, object, signature));
	TRY(read_totp(object, signature));
	const struct directory_key *key = directory_key(directory, signature->key_id);
	bool is_of_kind = key != nullptr && (key->passkey != nullptr) == signature->is_passkey;
	TRY(verify(arena, party, is_of_kind ? key : nullptr, label, digest, signature));
	/* Whoever signed may know what has become of the key. */
	return directory_active_key(directory, signature->key_id, &key);
}

/* --- Passkeys that say themselves which they are. --- */

static enum status
read_challenge(struct arena *arena, struct bytes text, struct hash256 *challenge) {
	struct client_data client_data;
	size_t len;
	TRY(client_data_read(arena, text, &client_data));
	if (base64url_decode(client_data.challenge, challenge->bytes, sizeof challenge->bytes, &len) != OK ||
	    len != sizeof challenge->bytes)
		return fail(STATUS_INVALID, "signature.challenge: expected %zu bytes in base64url",
			    sizeof challenge->bytes);
	return OK;
}

enum status
person_signature_read_discovered(struct arena *arena, const json *object, struct discovered_signature *discovered) {
	static const char *const members[] = {"assertion", "credential_id", "signature", nullptr};
	const json *assertion;
	*discovered = (struct discovered_signature){};
	TRY(json_only(object, "signature", members));
	TRY(json_need(object, "signature", "assertion", JSON_OBJECT, &assertion));
	TRY(read_signature(arena, object, &discovered->signature));
	TRY(hex_member_read(arena, object, "signature", "credential_id", CREDENTIAL_ID_MAX,
			    &discovered->credential_id));
	return read_challenge(arena, discovered->signature.client_data, &discovered->challenge);
}

enum status
person_signature_verify_discovered(struct arena *arena, const struct directory *directory,
				   const struct relying_party *party, struct discovered_signature *discovered) {
	struct person_signature *signature = &discovered->signature;
	const struct directory_key *key = directory_passkey(directory, discovered->credential_id);
	TRY(verify(arena, party, key, "sign-in", &discovered->challenge, signature));
	signature->key_id = key->id;
	return directory_active_key(directory, key->id, &key);
}

/* --- Evidence. --- */

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
	TRY(hex_member_read(arena, evidence, "evidence", "public_key", ATTESTATION_OBJECT_MAX, &signature->public_key));
	if (!signature->is_passkey && signature->public_key.len != ED25519_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "evidence.public_key: expected %zu bytes", ED25519_PUBLIC_SIZE);
	return OK;
}
