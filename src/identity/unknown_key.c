#include "identity/unknown_key.h"

constexpr size_t RSA_SIZE_MIN = 256; /* of 2,048 to 4,096 bits: crypto/public_key.h */
constexpr size_t RSA_SIZE_MAX = 512;
constexpr size_t P256_DER_MAX = 2 + 2 * (2 + 33); /* SEC 1 §C.8: two integers of up to 33 bytes */
constexpr size_t P384_DER_MAX = 2 + 2 * (2 + 49); /* and of up to 49 */
constexpr uint8_t DER_OF_SEQUENCE = 0x30;

/* RFC 8032 §7.1, test 1. */
const uint8_t unknown_key_ed25519[ED25519_PUBLIC_SIZE] = {
	0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
	0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
};

/* The generators of P-256 and P-384 (FIPS 186-4 §D.1.2), x ‖ y. */
static const uint8_t P256_POINT[64] = {
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};
static const uint8_t P384_POINT[96] = {
	0xaa, 0x87, 0xca, 0x22, 0xbe, 0x8b, 0x05, 0x37, 0x8e, 0xb1, 0xc7, 0x1e, 0xf3, 0x20, 0xad, 0x74,
	0x6e, 0x1d, 0x3b, 0x62, 0x8b, 0xa7, 0x9b, 0x98, 0x59, 0xf7, 0x41, 0xe0, 0x82, 0x54, 0x2a, 0x38,
	0x55, 0x02, 0xf2, 0x5d, 0xbf, 0x55, 0x29, 0x6c, 0x3a, 0x54, 0x5e, 0x38, 0x72, 0x76, 0x0a, 0xb7,
	0x36, 0x17, 0xde, 0x4a, 0x96, 0x26, 0x2c, 0x6f, 0x5d, 0x9e, 0x98, 0xbf, 0x92, 0x92, 0xdc, 0x29,
	0xf8, 0xf4, 0x1d, 0xbd, 0x28, 0x9a, 0x14, 0x7c, 0xe9, 0xda, 0x31, 0x13, 0xb5, 0xf0, 0xb8, 0xc0,
	0x0a, 0x60, 0xb1, 0xce, 0x1d, 0x7e, 0x81, 0x9d, 0x7a, 0x43, 0x1d, 0x7c, 0x90, 0xea, 0x0e, 0x5f,
};
static const uint8_t RSA_EXPONENT[] = {0x01, 0x00, 0x01};

/* As generous as it is cheap: a signature that an algorithm could not have made is none of its. */
static bool
could_be(enum signature_algorithm algorithm, struct bytes signature) {
	bool is_sequence = signature.len > 0 && signature.data[0] == DER_OF_SEQUENCE;
	switch (algorithm) {
	case SIGNATURE_ES256:
		return is_sequence && signature.len <= P256_DER_MAX;
	case SIGNATURE_ES384: /* one that is shorter has lost a third of its digits: nobody meets one */
		return is_sequence && signature.len > P256_DER_MAX && signature.len <= P384_DER_MAX;
	case SIGNATURE_EDDSA:
		return signature.len == ED25519_SIGNATURE_SIZE;
	default:
		return signature.len >= RSA_SIZE_MIN && signature.len <= RSA_SIZE_MAX;
	}
}

/* An RSA modulus of so many bytes; as large as can be, so that what is not below a real one is still below this. */
static struct cose_key
nobodys_key(enum signature_algorithm algorithm, size_t size, uint8_t modulus[static RSA_SIZE_MAX]) {
	struct cose_key key = {.algorithm = algorithm};
	switch (algorithm) {
	case SIGNATURE_ES256:
		key.a = bytes_of(P256_POINT, 32);
		key.b = bytes_of(P256_POINT + 32, 32);
		break;
	case SIGNATURE_ES384:
		key.a = bytes_of(P384_POINT, 48);
		key.b = bytes_of(P384_POINT + 48, 48);
		break;
	case SIGNATURE_EDDSA:
		key.a = BYTES_OF_ARRAY(unknown_key_ed25519);
		break;
	default:
		memset(modulus, 0xff, size);
		key.a = bytes_of(modulus, size);
		key.b = BYTES_OF_ARRAY(RSA_EXPONENT);
		break;
	}
	return key;
}

/* RFC 8017 §5.2.2: of the modulus's length, and below it. What is not would be refused before any work. */
static bool
is_worked_through(const struct cose_key *key, struct bytes signature) {
	return key->algorithm != SIGNATURE_RS256 ||
	       (signature.len == key->a.len && memcmp(signature.data, key->a.data, signature.len) < 0);
}

/* By the key, if it is one of that algorithm; by nobody's otherwise. */
static enum status
work_through(enum signature_algorithm algorithm, const struct cose_key *key, struct bytes message,
	     struct bytes signature, bool *holds) {
	uint8_t modulus[RSA_SIZE_MAX];
	struct cose_key nobodys = nobodys_key(algorithm, signature.len, modulus);
	bool is_own = key != nullptr && key->algorithm == algorithm && is_worked_through(key, signature);
	enum status status = cose_verify(is_own ? key : &nobodys, message, signature);
	*holds |= is_own && status == OK;
	return status == STATUS_NO_MEMORY ? status : OK;
}

enum status
cose_verify_evenly(struct bytes encoding, struct bytes message, struct bytes signature) {
	bool holds = false;
	for (unsigned i = 0; i < SIGNATURE_ALGORITHMS; i++) {
		struct cose_key key;
		if (!could_be((enum signature_algorithm)i, signature))
			continue;
		if (encoding.len > 0)
			TRY(cose_read_whole(encoding, &key));
		TRY(work_through((enum signature_algorithm)i, encoding.len > 0 ? &key : nullptr, message, signature,
				 &holds));
	}
	return holds ? OK
		     : fail(STATUS_UNAUTHORIZED, "signature.mismatch: not a signature by this key over this message");
}
