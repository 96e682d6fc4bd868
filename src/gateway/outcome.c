#include "gateway/outcome.h"

#include "model/operation.h"

static bool
find_principal(struct bytes signature_input, struct bytes *principal) {
	static const struct bytes label = BYTES_OF_LITERAL(";keyid=\"");
	if (signature_input.len == 0)
		return false;
	const uint8_t *at = memmem(signature_input.data, signature_input.len, label.data, label.len);
	if (at == nullptr)
		return false;
	at += label.len;
	size_t left = signature_input.len - (size_t)(at - signature_input.data);
	const uint8_t *end = left == 0 ? nullptr : memchr(at, '/', left);
	if (end == nullptr)
		return false;
	*principal = bytes_of(at, (size_t)(end - at));
	return memchr(principal->data, '"', principal->len) == nullptr;
}

bool
outcome_operation_id(struct bytes instance, struct bytes signature_input, struct bytes idempotency_key, char *id) {
	struct bytes principal;
	struct hash256 hash;
	if (instance.len == 0 || idempotency_key.len == 0 || !find_principal(signature_input, &principal) ||
	    operation_id(instance, principal, idempotency_key, &hash) != OK)
		return false;
	hex_encode(hash256_bytes(&hash), id);
	return true;
}
