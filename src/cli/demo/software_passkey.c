#include "cli/demo/software_passkey.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/base64url.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "identity/der.h"

enum { FLAG_UP = 0x01, FLAG_UV = 0x04, FLAG_AT = 0x40 };

void
software_passkey_make(struct software_passkey *passkey, const char *origin) {
	*passkey = (struct software_passkey){.origin = origin, .counter = 1};
	uint8_t public_key[33];
	do /* nearly every number is a key */
		random_bytes(passkey->private_key, sizeof passkey->private_key);
	while (p256_public_key(passkey->private_key, public_key) != OK);
	random_bytes(passkey->credential_id, sizeof passkey->credential_id);
}

/* x ‖ y, behind the byte 4. */
static enum status
public_point(const struct software_passkey *passkey, uint8_t point[65]) {
	uint8_t compressed[33];
	TRY(p256_public_key(passkey->private_key, compressed));
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *read = group == nullptr ? nullptr : EC_POINT_new(group);
	bool made = read != nullptr && EC_POINT_oct2point(group, read, compressed, sizeof compressed, nullptr) == 1 &&
		    EC_POINT_point2oct(group, read, POINT_CONVERSION_UNCOMPRESSED, point, 65, nullptr) == 65;
	EC_POINT_free(read);
	EC_GROUP_free(group);
	return made ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
}

static void
put_client_data(const struct software_passkey *passkey, const char *type, const struct hash256 *challenge,
		struct buffer *to) {
	char text[BASE64URL_LENGTH(32) + 1];
	base64url_encode(hash256_bytes(challenge), text);
	buffer_append_format(to, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",\"crossOrigin\":false}", type,
			     text, passkey->origin);
}

static void
put_authenticator_data(struct software_passkey *passkey, uint8_t more_flags, struct buffer *to) {
	struct hash256 rp = sha256(BYTES_OF_LITERAL(SOFTWARE_PASSKEY_RP_ID));
	buffer_append_bytes(to, hash256_bytes(&rp));
	buffer_append_byte(to, FLAG_UP | FLAG_UV | more_flags);
	buffer_append_u32be(to, passkey->counter++);
}

/* The COSE key {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
static enum status
put_key(const struct software_passkey *passkey, struct buffer *to) {
	static const uint8_t before_x[] = {0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20},
			     before_y[] = {0x22, 0x58, 0x20};
	uint8_t point[65];
	TRY(public_point(passkey, point));
	buffer_append(to, before_x, sizeof before_x);
	buffer_append(to, point + 1, 32);
	buffer_append(to, before_y, sizeof before_y);
	buffer_append(to, point + 33, 32);
	return OK;
}

enum status
software_passkey_register(struct software_passkey *passkey, const struct hash256 *challenge,
			  struct buffer *attestation_object, struct buffer *client_data) {
	_cleanup_(buffer_free) struct buffer data = {};
	static const uint8_t aaguid[16] = {};
	put_client_data(passkey, "webauthn.create", challenge, client_data);
	put_authenticator_data(passkey, FLAG_AT, &data);
	buffer_append(&data, aaguid, sizeof aaguid);
	buffer_append_u16be(&data, sizeof passkey->credential_id);
	buffer_append(&data, passkey->credential_id, sizeof passkey->credential_id);
	TRY(put_key(passkey, &data));
	TRY(buffer_status(&data));
	if (data.len > UINT8_MAX)
		return fail(STATUS_INTERNAL, "demo.passkey: %zu bytes of authenticator data", data.len);
	/* {"fmt": "none", "attStmt": {}, "authData": h'...'} */
	buffer_append_text(attestation_object, "\xa3\x63"
					       "fmt\x64none\x67"
					       "attStmt\xa0\x68"
					       "authData\x58");
	buffer_append_byte(attestation_object, (uint8_t)data.len);
	buffer_append_bytes(attestation_object, buffer_bytes(&data));
	TRY(buffer_status(client_data));
	return buffer_status(attestation_object);
}

/* --- Signing. --- */

void
software_assertion_free(struct software_assertion *assertion) {
	buffer_free(&assertion->authenticator_data);
	buffer_free(&assertion->client_data);
	buffer_free(&assertion->signature);
}

enum status
software_passkey_assert(struct software_passkey *passkey, const struct hash256 *challenge,
			struct software_assertion *assertion) {
	uint8_t signature[64];
	*assertion = (struct software_assertion){};
	put_client_data(passkey, "webauthn.get", challenge, &assertion->client_data);
	put_authenticator_data(passkey, 0, &assertion->authenticator_data);
	TRY(buffer_status(&assertion->client_data));
	TRY(buffer_status(&assertion->authenticator_data));
	struct hash256 client = sha256(buffer_bytes(&assertion->client_data));
	struct hash256 digest = SHA256_PARTS(buffer_bytes(&assertion->authenticator_data), hash256_bytes(&client));
	TRY(p256_sign(passkey->private_key, digest.bytes, signature));
	der_append_signature(&assertion->signature, signature);
	return buffer_status(&assertion->signature);
}
