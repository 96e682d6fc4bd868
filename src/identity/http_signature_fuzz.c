/*
 * Reader: identity/http_signature.c (not format_parameters, format_content_digest, sign_base, http_signature_create)
 * The first line of the input is Signature-Input, the second Signature, the third Content-Digest, the fourth the target, the rest
 * the body: what is accepted has the base that RFC 9421 says. A valid request around a fuzzed field would never pass the digest,
 * so the digest is made right where the input leaves it empty.
 */
#include "identity/http_signature.h"

#include <stdlib.h>

#include "crypto/hash.h"

constexpr int64_t NOW_MS = INT64_C(1'800'000'000'000);

static struct bytes
take_line(struct bytes *rest) {
	const uint8_t *end = rest->len == 0 ? nullptr : memchr(rest->data, '\n', rest->len);
	size_t len = end == nullptr ? rest->len : (size_t)(end - rest->data);
	struct bytes line = bytes_of(rest->data, len);
	size_t taken = end == nullptr ? len : len + 1;
	*rest = bytes_of(rest->data + taken, rest->len - taken);
	return line;
}

static struct bytes
right_digest(struct arena *arena, struct bytes body) {
	struct hash256 digest = sha256(body);
	char base64[BASE64_LENGTH(32) + 1];
	base64_encode(hash256_bytes(&digest), base64);
	return bytes_of_text(arena_format(arena, "sha-256=:%s:", base64));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes rest = bytes_of(data, size);
	struct http_field fields[] = {
		{BYTES_OF_LITERAL("signature-input"), take_line(&rest)},
		{BYTES_OF_LITERAL("signature"), take_line(&rest)},
		{BYTES_OF_LITERAL("content-digest"), take_line(&rest)},
		{BYTES_OF_LITERAL("host"), BYTES_OF_LITERAL("gate.example")},
		{BYTES_OF_LITERAL("content-type"), BYTES_OF_LITERAL("application/json")},
		{BYTES_OF_LITERAL("idempotency-key"), BYTES_OF_LITERAL("k")},
	};
	struct bytes target = take_line(&rest);
	if (fields[2].value.len == 0)
		fields[2].value = right_digest(&arena, rest);
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = target, .fields = fields, .field_count = 6, .body = rest};
	struct http_signature signature;
	const uint8_t public_key[32] = {1};
	if (http_signature_read(&arena, &request, BYTES_OF_LITERAL("gate.example"), NOW_MS, &signature) != OK)
		return 0;
	if (signature.path.len == 0 || signature.path.data[0] != '/' ||
	    http_signature_principal(signature.key_id).len == 0 || signature.expires_s * 1000 <= NOW_MS ||
	    signature.nonce.len < REQUEST_NONCE_MIN || memchr(signature.base.data, '\0', signature.base.len) != nullptr)
		abort();
	IGNORE_STATUS(http_signature_verify(&signature, public_key)); /* almost never true */
	return 0;
}
