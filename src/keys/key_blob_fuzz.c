/*
 * Key blobs, and the records of keys and of the root key, from outside. What a stranger made never opens; what was sealed
 * here opens to the same.
 * Readers: keys/blob.c, keys/key.c, keys/root_key_record.c
 */
#include "keys/blob.h"
#include "keys/root_key_record.h"
#include "tests/fuzz.h"

static void
check_blob(struct bytes blob) {
	static const uint8_t wrapping_key[32] = {1}, zero[KEY_SECRET_SIZE];
	static const struct key_info key = {.id = "k", .account = "a", .public_key = {2, 1}, .public_key_len = 33};
	uint8_t secret[KEY_SECRET_SIZE];
	must(blob_open(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, blob, secret) != OK);
	must(memcmp(secret, zero, sizeof zero) == 0);
}

static void
check_root_key_record(struct bytes text) {
	_cleanup_(buffer_free) struct buffer written = {};
	struct root_key_record record, again;
	if (root_key_record_read(text, &record) != OK)
		return;
	must(root_key_record_write(&record, &written) == OK);
	must(root_key_record_read(buffer_bytes(&written), &again) == OK && memcmp(&record, &again, sizeof again) == 0);
}

/* The input as algorithm and secret. */
static void
check_round_trip(struct bytes input) {
	static const uint8_t wrapping_key[32] = {2};
	struct key_info key = {.id = "k", .account = "a", .algorithm = input.data[0] % 3};
	uint8_t secret[KEY_SECRET_SIZE], opened[KEY_SECRET_SIZE], blob[BLOB_SIZE];
	memcpy(secret, input.data + 1, sizeof secret);
	if (key_derive_public(key.algorithm, secret, key.public_key, &key.public_key_len) != OK)
		return;
	must(blob_seal(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, secret, blob) == OK);
	must(blob_open(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, BYTES_OF_ARRAY(blob), opened) == OK);
	must(memcmp(secret, opened, sizeof secret) == 0);
	key.public_key[5] ^= 1;
	must(blob_open(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, BYTES_OF_ARRAY(blob), opened) != OK);
	must(blob_seal(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, secret, blob) == OK);
	must(blob_open(wrapping_key, BYTES_OF_LITERAL("fuzz"), &key, BYTES_OF_ARRAY(blob), opened) != OK);
}

static void
write_record(const struct key_info *key, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	key_write(&writer, key);
	must(json_writer_finish(&writer) == OK);
}

static void
check_record(struct bytes text) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer written = {}, rewritten = {};
	const json *root;
	struct key_info key, again;
	if (json_read(&arena, text, (struct json_limits){}, &root) != OK || key_read(root, &key) != OK)
		return;
	write_record(&key, &written);
	must(json_read(&arena, buffer_bytes(&written), (struct json_limits){}, &root) == OK &&
	     key_read(root, &again) == OK);
	write_record(&again, &rewritten);
	must(bytes_equal(buffer_bytes(&written), buffer_bytes(&rewritten)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct bytes input = bytes_of(data, size);
	check_blob(input);
	check_root_key_record(input);
	check_record(input);
	if (size > KEY_SECRET_SIZE)
		check_round_trip(input);
	return 0;
}
