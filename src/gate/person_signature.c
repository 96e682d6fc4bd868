#include "gate/person_signature.h"

#include "base/base64url.h"
#include "crypto/sign.h"
#include "gate/hex_member.h"
#include "identity/statement.h"
#include "identity/totp.h"

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

/* --- Nobody's keys: what is verified against where there is no such key, so that the answer, and how long it takes, do not tell
 * whether there is one. Nothing that verifies by them is taken. --- */

static const uint8_t NOBODYS_KEY[ED25519_PUBLIC_SIZE] = {
	0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
	0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
};

/* The generator of P-256. */
static const uint8_t NOBODYS_PASSKEY[] = {
	0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c,
	0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb,
	0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x22, 0x58, 0x20, 0x4f, 0xe3, 0x42,
	0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
	0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};

/* The host of our first address, as most passkeys name it. */
static struct bytes
own_host(const struct relying_party *party) {
	static const char scheme[] = "https://";
	if (party->origin_count == 0 || strncmp(party->origins[0], scheme, sizeof scheme - 1) != 0)
		return (struct bytes){};
	const char *host = party->origins[0] + sizeof scheme - 1;
	return bytes_of(host, strcspn(host, ":"));
}

enum status
person_signature_read(struct arena *arena, const struct directory *directory, const struct relying_party *party,
		      const json *object, const char *label, const struct hash256 *digest,
		      struct person_signature *signature) {
	static const char *const members[] = {"assertion", "key_id", "signature", "totp", nullptr};
	struct relying_party own = *party;
	*signature = (struct person_signature){};
	TRY(json_only(object, "signature", members));
	TRY(json_need_string(object, "signature", "key_id", &signature->key_id));
	TRY(read_signature(arena, object, signature));
	TRY(read_totp(object, signature));
	const struct directory_key *key = directory_key(directory, signature->key_id);
	struct passkey nobodys = {.rp_id = own_host(party), .cose_key = BYTES_OF_ARRAY(NOBODYS_PASSKEY)};
	bool is_known = key != nullptr && (key->passkey != nullptr) == signature->is_passkey;
	const struct passkey *passkey = !signature->is_passkey ? nullptr : is_known ? key->passkey : &nobodys;
	if (passkey != nullptr) {
		own.id = passkey->rp_id;
		signature->public_key = passkey->cose_key;
	} else {
		signature->public_key = is_known ? BYTES_OF_ARRAY(key->public_key) : BYTES_OF_ARRAY(NOBODYS_KEY);
	}
	TRY(person_signature_verify(arena, &own, passkey, label, digest, signature));
	/* Whoever signed may know what has become of the key. */
	return is_known ? directory_active_key(directory, signature->key_id, &key)
			: fail(STATUS_UNAUTHORIZED,
			       "person_signature.mismatch: not a signature by this key over this %s", label);
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
	struct relying_party own = *party;
	const struct directory_key *key = directory_passkey(directory, discovered->credential_id);
	struct passkey nobodys = {.rp_id = own_host(party), .cose_key = BYTES_OF_ARRAY(NOBODYS_PASSKEY)};
	const struct passkey *passkey = key != nullptr ? key->passkey : &nobodys;
	own.id = passkey->rp_id;
	signature->public_key = passkey->cose_key;
	TRY(person_signature_verify(arena, &own, passkey, "sign-in", &discovered->challenge, signature));
	if (key == nullptr)
		return fail(STATUS_UNAUTHORIZED, "person_signature.mismatch: not a signature by this passkey");
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
