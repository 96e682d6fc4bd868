/*
 * Readers: identity/attestation.c (read_format, attestation_read, attestation_verify, verify_none, statement_read_chain,
 * statement_signed_bytes), identity/attestation_tpm.c (not check_certificate, is_known_manufacturer, attestation_verify_tpm),
 * identity/der.c
 * Reads the input as an attestation object with the client data "{}", and as DER, one element after another; and its first 64 bytes as a
 * signature, which DER that is made of it must say again. A statement that a fuzzer makes verifies only where nobody signs it.
 */
#include "identity/attestation.h"
#include "identity/der.h"
#include "tests/fuzz.h"

static void
read_object(struct bytes input) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(attestation_result_free) struct attestation_result result = {};
	struct attestation attestation;
	struct hash256 hash = sha256(BYTES_OF_LITERAL("{}"));
	if (attestation_read(input, &attestation) != OK)
		return;
	must(attestation.data.has_credential && attestation.format < ATTESTATION_FORMATS);
	if (attestation_verify(&arena, &attestation, &hash, &result) == OK)
		must((result.kind == ATTESTATION_CERTIFIED) == (result.chain.count > 0));
}

static void
read_der(struct bytes input) {
	struct der_element element;
	uint32_t number;
	for (struct cursor cursor = cursor_of(input); cursor.left > 0;) {
		struct cursor again = cursor;
		size_t left = cursor.left;
		if (der_read_number(&again, DER_INTEGER, &number) == OK)
			must(number <= INT32_MAX);
		if (der_read(&cursor, &element) != OK)
			return;
		must(cursor.left < left && element.content.len < left);
	}
}

static void
read_integer(struct cursor *cursor, const uint8_t number[static 32]) {
	struct bytes content;
	must(der_read_tag(cursor, DER_INTEGER, &content) == OK && content.len > 0);
	if (content.len > 1)
		must(content.data[0] != 0 || content.data[1] >= 0x80); /* the shortest, */
	must(content.data[0] < 0x80);                                  /* and positive */
	if (content.len == 33)
		content = bytes_of(content.data + 1, 32);
	must(content.len <= 32);
	uint8_t again[32] = {};
	memcpy(again + 32 - content.len, content.data, content.len);
	must(memcmp(again, number, sizeof again) == 0);
}

static void
write_signature(struct bytes input) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes content;
	if (input.len < 64)
		return;
	der_append_signature(&text, input.data);
	must(buffer_status(&text) == OK);
	struct cursor cursor = cursor_of(buffer_bytes(&text));
	must(der_read_tag(&cursor, DER_SEQUENCE, &content) == OK && cursor.left == 0);
	cursor = cursor_of(content);
	read_integer(&cursor, input.data);
	read_integer(&cursor, input.data + 32);
	must(cursor.left == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	read_object(bytes_of(data, size));
	read_der(bytes_of(data, size));
	write_signature(bytes_of(data, size));
	return 0;
}
