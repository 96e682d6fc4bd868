#include "gate/digest.h"

#include "crypto/sign.h"
#include "keys/bip32.h"

/* By the key alone, so that whoever asks does not choose how. */
static enum signature_scheme
scheme_of(const struct key_info *key) {
	switch (key->algorithm) {
	case KEY_P256:
		return SCHEME_ECDSA_P256;
	case KEY_ED25519:
		return SCHEME_ED25519;
	case KEY_SECP256K1:
		break;
	}
	return SCHEME_ECDSA_SECP256K1;
}

enum status
digest_read(const json *payload, const struct key_info *key, struct signing_request *request) {
	struct bytes text;
	*request = (struct signing_request){.scheme = scheme_of(key)};
	TRY(json_need_string(payload, "payload", "digest", &text));
	if (hex_decode(text, request->digest, sizeof request->digest) != OK)
		return fail(STATUS_INVALID, "payload.digest: expected %zu hexadecimal digits",
			    2 * sizeof request->digest);
	if (json_get(payload, "path") == nullptr)
		return OK;
	TRY(json_need_string(payload, "payload", "path", &text));
	return bip32_path_parse(text, &request->path);
}

enum status
digest_check_path(const struct signing_request *request) {
	char path[BIP32_PATH_TEXT_SIZE];
	bip32_path_format(&request->path, path);
	for (size_t i = 0; i < request->path.count; i++)
		if ((request->path.steps[i] & BIP32_HARDENED) == 0)
			return fail(STATUS_DENIED,
				    "digest.path: %s: below a step that is not hardened, a signature of one digest is "
				    "one of "
				    "another by each other child; opaque digests are signed below hardened steps, or "
				    "by the "
				    "key itself",
				    path);
	return OK;
}

enum status
digest_result(struct arena *arena, const struct signing_request *request, const struct signature *signature,
	      struct bytes *result) {
	static const char *const names[] = {[SCHEME_ECDSA_SECP256K1] = "ecdsa-secp256k1",
					    [SCHEME_BIP340] = "bip340",
					    [SCHEME_ECDSA_P256] = "ecdsa-p256",
					    [SCHEME_ED25519] = "ed25519"};
	_cleanup_(buffer_free) struct buffer text = {};
	char path[BIP32_PATH_TEXT_SIZE];
	struct json_writer w;
	size_t public_key_len = request->scheme == SCHEME_ED25519 ? 32 : sizeof signature->public_key;
	bip32_path_format(&request->path, path);
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_hex(&w, "digest", BYTES_OF_ARRAY(request->digest));
	json_write_member_text(&w, "path", path);
	json_write_member_hex(&w, "public_key", bytes_of(signature->public_key, public_key_len));
	if (request->scheme == SCHEME_ECDSA_SECP256K1)
		json_write_member_integer(&w, "recovery", signature->recovery);
	json_write_member_text(&w, "scheme", names[request->scheme]);
	json_write_member_hex(&w, "signature", BYTES_OF_ARRAY(signature->bytes));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	*result = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(result->data);
	return OK;
}

/* Low s; and the key is recovered, so that the recovery id is verified as well. */
static enum status
verify_recoverable(const struct signing_request *request, const struct signature *signature) {
	uint8_t signer[65], named[65];
	TRY(secp256k1_verify(BYTES_OF_ARRAY(signature->public_key), request->digest, signature->bytes));
	TRY(secp256k1_recover(request->digest, signature->bytes, signature->recovery, signer));
	TRY(secp256k1_public_uncompressed(BYTES_OF_ARRAY(signature->public_key), named));
	return memcmp(signer, named, sizeof signer) == 0
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "signature.recovery: it recovers another key");
}

static enum status
verify(const struct signing_request *request, const struct signature *signature) {
	switch (request->scheme) {
	case SCHEME_ECDSA_SECP256K1:
		return verify_recoverable(request, signature);
	case SCHEME_ECDSA_P256:
		return p256_verify(BYTES_OF_ARRAY(signature->public_key), request->digest, signature->bytes);
	case SCHEME_ED25519:
		return ed25519_verify(signature->public_key, BYTES_OF_ARRAY(request->digest), signature->bytes);
	case SCHEME_BIP340: /* no digest is signed so */
		break;
	}
	return fail(STATUS_UNSUPPORTED, "result.scheme: no opaque digest is signed so");
}

enum status
digest_read_result(const json *result, const struct signing_request *request, struct signature *signature) {
	size_t public_key_len = request->scheme == SCHEME_ED25519 ? 32 : sizeof signature->public_key;
	struct bytes text;
	int64_t recovery = 0;
	*signature = (struct signature){};
	TRY(json_need_string(result, "result", "public_key", &text));
	TRY(hex_decode(text, signature->public_key, public_key_len));
	TRY(json_need_string(result, "result", "signature", &text));
	TRY(hex_decode(text, signature->bytes, sizeof signature->bytes));
	if (request->scheme == SCHEME_ECDSA_SECP256K1)
		TRY(json_need_integer(result, "result", "recovery", &recovery));
	if (recovery < 0 || recovery > 3)
		return fail(STATUS_INVALID, "result.recovery: expected 0 to 3");
	signature->recovery = (int)recovery;
	return verify(request, signature);
}
