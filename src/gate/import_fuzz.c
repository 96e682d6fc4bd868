/*
 * Readers: gate/import_key.c (import_check_secret, find_own, import_open), keys/threshold/import.c (write_associated, import_open_part)
 * With the first byte even the rest is the secret of an operation as JSON, and the payload commits to it where it can. With it odd the
 * secret is sound, and the rest is laid over the sealed parts: this keeper's opens if and only if nothing of it differs.
 */
#include <stdlib.h>

#include "gate/import_key.h"
#include "keys/threshold/import.h"
#include "tests/fuzz.h"

constexpr size_t PARTIES = 3;
constexpr size_t OWN = 1;
constexpr size_t SEALED = PARTIES * IMPORT_PART_SIZE;

static struct joint_key wanted = {.party_count = PARTIES, .names = {"one", "two", "three"}};
static const uint8_t salt[32] = {5};
static uint8_t sealed[SEALED];

static struct gate *
make_gate(void) {
	static const char *const authorities[] = {"localhost"};
	struct gate_config config = {.instance = BYTES_OF_LITERAL("x.example"),
				     .authorities = authorities,
				     .authority_count = 1,
				     .keeper = BYTES_OF_LITERAL("two")};
	struct gate *gate;
	struct import_key *key = calloc(1, sizeof *key);
	must(gate_create(&gate, &config) == OK && key != nullptr);
	must(kem_generate(key->public_key, &key->private_key) == OK);
	gate->import_key = key;
	strcpy(wanted.key.id, "k");
	for (size_t i = 0; i < PARTIES; i++) {
		const uint8_t part[SCALAR_SIZE] = {(uint8_t)(i + 1)};
		struct import_terms terms = {.instance = BYTES_OF_LITERAL("x.example"),
					     .key_id = BYTES_OF_LITERAL("k"),
					     .public_key = key_public(&wanted.key),
					     .chain_code = BYTES_OF_ARRAY(wanted.chain_code),
					     .keeper = bytes_of_text(wanted.names[i])};
		must(import_seal_part(&terms, BYTES_OF_ARRAY(key->public_key), part, sealed + i * IMPORT_PART_SIZE) ==
		     OK);
	}
	return gate;
}

static void
write_payload(struct buffer *to, struct bytes salted, struct bytes value) {
	struct hash256 commitment = SHA256_PARTS(salted, value);
	buffer_append_text(to, "{\"commitment\":\"");
	buffer_append_hex(to, hash256_bytes(&commitment));
	buffer_append_text(to, "\"}");
}

static enum status
open_part(const struct gate *gate, struct bytes payload, struct bytes secret, uint8_t part[SCALAR_SIZE]) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *payload_read, *secret_read;
	must(json_read(&arena, payload, (struct json_limits){}, &payload_read) == OK);
	TRY(json_read(&arena, secret, (struct json_limits){}, &secret_read));
	return json_type_of(secret_read) == JSON_OBJECT ? import_open(gate, &wanted, payload_read, secret_read, part)
							: fail(STATUS_INVALID, "fuzz.object");
}

/* What the payload would commit to, had whoever made the secret made it. */
static void
commit_to(struct bytes secret, struct buffer *payload) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t read_salt[32] = {};
	struct bytes text, value = {};
	const json *read;
	if (json_read(&arena, secret, (struct json_limits){}, &read) == OK && json_type_of(read) == JSON_OBJECT &&
	    json_need_string(read, "secret", "salt", &text) == OK &&
	    json_need_string(read, "secret", "value", &value) == OK)
		(void)hex_decode(text, read_salt, sizeof read_salt);
	write_payload(payload, BYTES_OF_ARRAY(read_salt), value);
}

static void
lay_over(const struct gate *gate, struct bytes input) {
	_cleanup_(buffer_free) struct buffer payload = {}, secret = {}, value = {};
	uint8_t changed[SEALED], part[SCALAR_SIZE] = {};
	memcpy(changed, sealed, sizeof changed);
	size_t at = input.len < 2 ? 0 : (size_t)input.data[0] << 8 | input.data[1];
	for (size_t i = 2; i < input.len && at < sizeof changed; i++, at++)
		changed[at] ^= input.data[i];
	bool is_whole =
		memcmp(changed + OWN * IMPORT_PART_SIZE, sealed + OWN * IMPORT_PART_SIZE, IMPORT_PART_SIZE) == 0;
	buffer_append_base64(&value, BYTES_OF_ARRAY(changed));
	write_payload(&payload, BYTES_OF_ARRAY(salt), buffer_bytes(&value));
	buffer_append_text(&secret, "{\"salt\":\"");
	buffer_append_hex(&secret, BYTES_OF_ARRAY(salt));
	buffer_append_text(&secret, "\",\"value\":\"");
	buffer_append_bytes(&secret, buffer_bytes(&value));
	buffer_append_text(&secret, "\"}");
	enum status status = open_part(gate, buffer_bytes(&payload), buffer_bytes(&secret), part);
	must(status == (is_whole ? OK : STATUS_UNAUTHORIZED));
	must(!is_whole || part[0] == OWN + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct gate *gate;
	if (gate == nullptr)
		gate = make_gate();
	if (size == 0)
		return 0;
	struct bytes input = bytes_of(data + 1, size - 1);
	if (data[0] & 1) {
		lay_over(gate, input);
		return 0;
	}
	_cleanup_(buffer_free) struct buffer payload = {};
	uint8_t part[SCALAR_SIZE];
	commit_to(input, &payload);
	must(open_part(gate, buffer_bytes(&payload), input, part) != OK);
	return 0;
}
