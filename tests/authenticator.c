#include "tests/test.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/base64url.h"
#include "crypto/sign.h"
#include "identity/der.h"
#include "tests/authenticator.h"

enum { FLAG_AT = 0x40 };
enum { CBOR_MAJOR_BYTES = 2, CBOR_MAJOR_TEXT = 3, CBOR_MAJOR_ARRAY = 4, CBOR_MAJOR_MAP = 5 };

void
cbor_put(struct buffer *to, unsigned major, uint64_t argument) {
	uint8_t first = (uint8_t)(major << 5);
	if (argument < 24) {
		buffer_append_byte(to, (uint8_t)(first | argument));
	} else if (argument <= UINT8_MAX) {
		buffer_append_byte(to, first | 24);
		buffer_append_byte(to, (uint8_t)argument);
	} else if (argument <= UINT16_MAX) {
		buffer_append_byte(to, first | 25);
		buffer_append_u16be(to, (uint16_t)argument);
	} else {
		buffer_append_byte(to, first | 26);
		buffer_append_u32be(to, (uint32_t)argument);
	}
}

void
cbor_put_bytes(struct buffer *to, struct bytes bytes) {
	cbor_put(to, CBOR_MAJOR_BYTES, bytes.len);
	buffer_append_bytes(to, bytes);
}

void
cbor_put_text(struct buffer *to, const char *text) {
	cbor_put(to, CBOR_MAJOR_TEXT, strlen(text));
	buffer_append_text(to, text);
}

void
cbor_put_integer(struct buffer *to, int64_t number) {
	cbor_put(to, number < 0, number < 0 ? (uint64_t)(-1 - number) : (uint64_t)number);
}

void
authenticator_start(struct authenticator *authenticator, uint8_t number, const char *rp_id, const char *origin) {
	*authenticator = (struct authenticator){
		.rp_id = rp_id, .origin = origin, .flags = AUTHENTICATOR_UP | AUTHENTICATOR_UV, .counter = 1};
	memset(authenticator->private_key, 0x10 + number, sizeof authenticator->private_key);
	memset(authenticator->credential_id, 0xa0 + number, sizeof authenticator->credential_id);
	memset(authenticator->aaguid, 0xee, sizeof authenticator->aaguid);
}

/* The point that a compressed one stands for. */
static void
uncompress(const uint8_t compressed[33], uint8_t point[65]) {
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *read = EC_POINT_new(group);
	assert_int_equal(EC_POINT_oct2point(group, read, compressed, 33, nullptr), 1);
	assert_int_equal(EC_POINT_point2oct(group, read, POINT_CONVERSION_UNCOMPRESSED, point, 65, nullptr), 65);
	EC_POINT_free(read);
	EC_GROUP_free(group);
}

void
authenticator_key(const struct authenticator *authenticator, struct buffer *to) {
	uint8_t compressed[33], point[65];
	assert_ok(p256_public_key(authenticator->private_key, compressed));
	uncompress(compressed, point);
	cbor_put(to, CBOR_MAJOR_MAP, 5);
	cbor_put_integer(to, 1);
	cbor_put_integer(to, 2);
	cbor_put_integer(to, 3);
	cbor_put_integer(to, -7);
	cbor_put_integer(to, -1);
	cbor_put_integer(to, 1);
	cbor_put_integer(to, -2);
	cbor_put_bytes(to, bytes_of(point + 1, 32));
	cbor_put_integer(to, -3);
	cbor_put_bytes(to, bytes_of(point + 33, 32));
}

static void
put_client_data(const struct authenticator *authenticator, const char *type, struct bytes challenge,
		struct buffer *to) {
	char text[BASE64URL_LENGTH(64) + 1];
	assert_true(challenge.len <= 64);
	base64url_encode(challenge, text);
	buffer_append_format(to, "{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",\"crossOrigin\":false%s}",
			     type, text, authenticator->origin, authenticator->client_extra ?: "");
}

static void
put_authenticator_data(struct authenticator *authenticator, uint8_t more_flags, struct buffer *to) {
	struct hash256 rp = sha256(bytes_of_text(authenticator->rp_id));
	buffer_append_bytes(to, hash256_bytes(&rp));
	buffer_append_byte(to, authenticator->flags | more_flags);
	buffer_append_u32be(to, authenticator->counter);
	authenticator->counter += authenticator->counter != 0;
}

void
authenticator_sign(const struct authenticator *authenticator, struct bytes authenticator_data, struct bytes client_data,
		   struct buffer *signature) {
	uint8_t compact[64];
	struct hash256 client = sha256(client_data), digest = SHA256_PARTS(authenticator_data, hash256_bytes(&client));
	assert_ok(p256_sign(authenticator->private_key, digest.bytes, compact));
	der_append_signature(signature, compact);
}

void
registration_made_free(struct registration_made *made) {
	buffer_free(&made->attestation_object);
	buffer_free(&made->client_data);
}

static void
put_statement(const struct authenticator *authenticator, struct bytes data, struct bytes client_data,
	      struct buffer *to) {
	struct buffer signature = {}, message = {};
	const struct authenticator_maker *maker = authenticator->maker;
	struct hash256 client = sha256(client_data);
	buffer_append_bytes(&message, data);
	buffer_append_bytes(&message, hash256_bytes(&client));
	if (maker != nullptr)
		maker->sign(maker->key, buffer_bytes(&message), &signature);
	else
		authenticator_sign(authenticator, data, client_data, &signature);
	cbor_put(to, CBOR_MAJOR_MAP, maker != nullptr ? 3 : 2);
	cbor_put_text(to, "alg");
	cbor_put_integer(to, -7);
	cbor_put_text(to, "sig");
	cbor_put_bytes(to, buffer_bytes(&signature));
	if (maker != nullptr) {
		cbor_put_text(to, "x5c");
		cbor_put(to, CBOR_MAJOR_ARRAY, 1);
		cbor_put_bytes(to, maker->certificate);
	}
	buffer_free(&message);
	buffer_free(&signature);
}

void
authenticator_register(struct authenticator *authenticator, struct bytes challenge, bool self_attested,
		       struct registration_made *made) {
	struct buffer data = {}, *to = &made->attestation_object;
	*made = (struct registration_made){};
	put_client_data(authenticator, "webauthn.create", challenge, &made->client_data);
	put_authenticator_data(authenticator, FLAG_AT, &data);
	buffer_append(&data, authenticator->aaguid, sizeof authenticator->aaguid);
	buffer_append_u16be(&data, sizeof authenticator->credential_id);
	buffer_append(&data, authenticator->credential_id, sizeof authenticator->credential_id);
	authenticator_key(authenticator, &data);
	cbor_put(to, CBOR_MAJOR_MAP, 3);
	cbor_put_text(to, "fmt");
	bool is_attested = self_attested || authenticator->maker != nullptr;
	cbor_put_text(to, is_attested ? "packed" : "none");
	cbor_put_text(to, "attStmt");
	if (is_attested)
		put_statement(authenticator, buffer_bytes(&data), buffer_bytes(&made->client_data), to);
	else
		cbor_put(to, CBOR_MAJOR_MAP, 0);
	cbor_put_text(to, "authData");
	cbor_put_bytes(to, buffer_bytes(&data));
	buffer_free(&data);
}

void
assertion_made_free(struct assertion_made *made) {
	buffer_free(&made->authenticator_data);
	buffer_free(&made->client_data);
	buffer_free(&made->signature);
}

void
authenticator_assert(struct authenticator *authenticator, struct bytes challenge, struct assertion_made *made) {
	*made = (struct assertion_made){};
	put_client_data(authenticator, "webauthn.get", challenge, &made->client_data);
	put_authenticator_data(authenticator, 0, &made->authenticator_data);
	authenticator_sign(authenticator, buffer_bytes(&made->authenticator_data), buffer_bytes(&made->client_data),
			   &made->signature);
}
