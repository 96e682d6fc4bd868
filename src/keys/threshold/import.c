#include "keys/threshold/import.h"

static const char LABEL[] = "gatehouse/import-part/v1";

static enum status
write_associated(const struct import_terms *terms, struct buffer *to) {
	const struct bytes parts[] = {BYTES_OF_LITERAL(LABEL), terms->instance,   terms->key_id,
				      terms->public_key,       terms->chain_code, terms->keeper};
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		buffer_append_prefixed(to, parts[i]);
	return buffer_status(to);
}

enum status
import_seal_part(const struct import_terms *terms, struct bytes import_key, const uint8_t part[SCALAR_SIZE],
		 uint8_t sealed[IMPORT_PART_SIZE]) {
	_cleanup_(buffer_free) struct buffer associated = {};
	uint8_t key[KEM_KEY_SIZE];
	TRY(write_associated(terms, &associated));
	TRY(kem_encapsulate(import_key, BYTES_OF_LITERAL(LABEL), sealed, key));
	enum status status =
		aead_seal(key, buffer_bytes(&associated), bytes_of(part, SCALAR_SIZE), sealed + KEM_CIPHERTEXT_SIZE);
	secret_wipe(key, sizeof key);
	return status;
}

enum status
import_open_part(const struct import_terms *terms, struct bytes private_key, const uint8_t sealed[IMPORT_PART_SIZE],
		 uint8_t part[SCALAR_SIZE]) {
	_cleanup_(buffer_free) struct buffer associated = {};
	uint8_t key[KEM_KEY_SIZE];
	TRY(write_associated(terms, &associated));
	TRY(kem_decapsulate(private_key, BYTES_OF_LITERAL(LABEL), bytes_of(sealed, KEM_CIPHERTEXT_SIZE), key));
	enum status status = aead_open(key, buffer_bytes(&associated),
				       bytes_of(sealed + KEM_CIPHERTEXT_SIZE, SCALAR_SIZE + AEAD_OVERHEAD), part);
	secret_wipe(key, sizeof key);
	return status == OK ? OK
			    : fail(STATUS_UNAUTHORIZED,
				   "import.part: not sealed to the import key that keeper %.*s has now, for this key",
				   BYTES_ARGS(terms->keeper));
}
