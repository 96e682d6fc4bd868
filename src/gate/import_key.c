#include "gate/import_key.h"

#include <stdlib.h>

#include "base/log.h"
#include "keys/threshold/import.h"

void
import_key_destroy(struct import_key **key) {
	struct import_key *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	secret_free(&gone->private_key);
	free(gone);
}

enum status
import_key_get(struct gate *gate, const struct import_key **key) {
	if (gate->state->ring == nullptr)
		return fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
	if (gate->import_key == nullptr) {
		_cleanup_(import_key_destroy) struct import_key *made = calloc(1, sizeof *made);
		char hex[65];
		TRY_ALLOC(made);
		TRY(kem_generate(made->public_key, &made->private_key));
		struct hash256 hash = sha256(BYTES_OF_ARRAY(made->public_key));
		hex_encode(hash256_bytes(&hash), hex);
		log_notice("import key of this process: SHA-256 %s", hex);
		gate->import_key = TAKE(made);
	}
	*key = gate->import_key;
	return OK;
}

enum status
import_check_secret(const json *payload, const json *secret, struct bytes *value) {
	static const char *const members[] = {"salt", "value", nullptr};
	uint8_t salt[32], commitment[32];
	struct bytes text;
	if (secret == nullptr)
		return fail(STATUS_INVALID, "request.secret: the parts of the key are missing");
	TRY(json_need_string(payload, "payload", "commitment", &text));
	TRY(hex_decode(text, commitment, sizeof commitment));
	TRY(json_only(secret, "secret", members));
	TRY(json_need_string(secret, "secret", "salt", &text));
	TRY(hex_decode(text, salt, sizeof salt));
	TRY(json_need_string(secret, "secret", "value", value));
	struct hash256 computed = SHA256_PARTS(BYTES_OF_ARRAY(salt), *value);
	return secret_equal(hash256_bytes(&computed), BYTES_OF_ARRAY(commitment))
		       ? OK
		       : fail(STATUS_UNAUTHORIZED,
			      "secret.commitment: the secret is not the one that the payload commits to");
}

static enum status
find_own(const struct gate *gate, const struct joint_key *wanted, size_t *position) {
	for (*position = 0; *position < wanted->party_count; ++*position)
		if (strcmp(wanted->names[*position], gate->state->keeper) == 0)
			return OK;
	return fail(STATUS_CONFLICT, "payload.parties: this keeper is not among them");
}

enum status
import_open(const struct gate *gate, const struct joint_key *wanted, const json *payload, const json *secret,
	    uint8_t part[SCALAR_SIZE]) {
	uint8_t sealed[PARTIES_MAX * IMPORT_PART_SIZE];
	struct bytes value;
	size_t position, len;
	TRY(import_check_secret(payload, secret, &value));
	TRY(find_own(gate, wanted, &position));
	if (base64_decode(value, sealed, sizeof sealed, &len) != OK || len != wanted->party_count * IMPORT_PART_SIZE)
		return fail(STATUS_INVALID, "secret.value: expected %zu sealed parts, in base64",
			    (size_t)wanted->party_count);
	if (gate->import_key == nullptr)
		return fail(
			STATUS_UNAVAILABLE,
			"import.no_key: this keeper was started anew since it gave its import key: ask for it again");
	struct import_terms terms = {.instance = bytes_of_text(gate->state->instance),
				     .key_id = bytes_of_text(wanted->key.id),
				     .public_key = key_public(&wanted->key),
				     .chain_code = BYTES_OF_ARRAY(wanted->chain_code),
				     .keeper = bytes_of_text(wanted->names[position])};
	return import_open_part(&terms, secret_bytes(&gate->import_key->private_key),
				sealed + position * IMPORT_PART_SIZE, part);
}
