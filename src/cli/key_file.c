#include "cli/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "identity/directory.h"
#include "identity/statement.h"

static const char SECRET_TYPE[] = "gatehouse/key/v1", PUBLIC_TYPE[] = "gatehouse/public-key/v1";
constexpr size_t KEY_FILE_MAX = 4096;

void
key_file_free(struct key_file *key) {
	secret_free(&key->seed);
	arena_free(&key->arena);
	*key = (struct key_file){};
}

bool
key_file_is_person(const struct key_file *key) {
	return key->principal.len > 7 && memcmp(key->principal.data, "person:", 7) == 0;
}

/* The directory says what names are; a mistake shows here and not only when the key is enrolled. */
static enum status
check_names(const char *principal, const char *name) {
	struct directory *directory;
	bool is_person = strncmp(principal, "person:", 7) == 0;
	uint8_t seed[32] = {1}, public_key[32];
	TRY(ed25519_public_key(seed, public_key));
	TRY(directory_create(&directory));
	enum status status = directory_add_unit(directory, UNIT_LEGAL_ENTITY, BYTES_OF_LITERAL("e"), (struct bytes){});
	if (status == OK)
		status = directory_add_unit(directory, UNIT_DESK, BYTES_OF_LITERAL("d"), BYTES_OF_LITERAL("e"));
	if (status == OK)
		status = is_person ? directory_add_person(directory, bytes_of_text(principal), BYTES_OF_LITERAL("d"))
				   : directory_add_workload(directory, bytes_of_text(principal), BYTES_OF_LITERAL("d"));
	if (status == OK)
		status = directory_add_key(directory, bytes_of_text(principal), bytes_of_text(name), public_key,
					   is_person ? DIRECTORY_KEY_TERMINAL : DIRECTORY_KEY_PLAIN, (struct bytes){});
	directory_destroy(&directory);
	return status;
}

enum status
key_file_generate(struct key_file *key, const char *principal, const char *name) {
	*key = (struct key_file){};
	TRY(check_names(principal, name));
	key->principal = arena_copy(&key->arena, bytes_of_text(principal));
	TRY_ALLOC(key->principal.data);
	const char *id = arena_format(&key->arena, "%s/%s", principal, name);
	TRY_ALLOC(id);
	key->key_id = bytes_of_text(id);
	TRY(secret_alloc(&key->seed, ED25519_SEED_SIZE));
	random_bytes(key->seed.data, key->seed.len);
	return ed25519_public_key(key->seed.data, key->public_key);
}

static enum status
write_document(const struct key_file *key, bool with_seed, struct buffer *text) {
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_object(&w);
	json_write_member_string(&w, "key_id", key->key_id);
	json_write_member_string(&w, "principal", key->principal);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(key->public_key));
	if (with_seed)
		json_write_member_hex(&w, "seed", secret_bytes(&key->seed));
	json_write_member_text(&w, "type", with_seed ? SECRET_TYPE : PUBLIC_TYPE);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(text, '\n');
	return buffer_status(text);
}

enum status
key_file_write(const struct key_file *key, const char *path) {
	_cleanup_(buffer_free) struct buffer secret = {}, public = {};
	_cleanup_(arena_free) struct arena arena = {};
	const char *public_path = arena_format(&arena, "%s.pub", path);
	TRY_ALLOC(public_path);
	TRY(write_document(key, true, &secret));
	TRY(write_document(key, false, &public));
	TRY(output_file(path, buffer_bytes(&secret), 0600, false));
	return output_file(public_path, buffer_bytes(&public), 0644, false);
}

static void
close_file(int *file) {
	if (*file >= 0)
		close(*file);
}

/* The open file itself is looked at, so that nobody can put another in its place in between. */
static enum status
read_private(const char *path, struct secret *text) {
	struct stat found;
	_cleanup_(close_file) int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file < 0 || fstat(file, &found) != 0)
		return fail_errno(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "key_file.open: %s", path);
	if (!S_ISREG(found.st_mode))
		return fail(STATUS_INVALID, "key_file.open: %s is no regular file", path);
	if (found.st_mode & 077)
		return fail(STATUS_DENIED,
			    "key_file.mode: %s can be read or written by others (mode %03o); chmod 600 it", path,
			    found.st_mode & 0777);
	return secret_read_descriptor(text, file, KEY_FILE_MAX);
}

static enum status
read_members(const char *path, struct bytes text, struct key_file *key, bool needs_seed) {
	static const char *const members[] = {"key_id", "principal", "public_key", "seed", "type", nullptr};
	/* The arena is wiped when it is freed, and with it what stands of the seed in it. */
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	struct bytes type, key_id, principal, public_key, seed;
	TRY(json_read(&arena, text, (struct json_limits){}, &document));
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_INVALID, "key_file.type: %s is no key file", path);
	TRY(json_only(document, "key_file", members));
	TRY(json_need_string(document, "key_file", "type", &type));
	bool is_secret = bytes_equal_text(type, SECRET_TYPE);
	if (!is_secret && (needs_seed || !bytes_equal_text(type, PUBLIC_TYPE)))
		return fail(STATUS_INVALID, "key_file.type: %s is a \"%.*s\", expected \"%s\"", path, BYTES_ARGS(type),
			    SECRET_TYPE);
	TRY(json_need_string(document, "key_file", "key_id", &key_id));
	TRY(json_need_string(document, "key_file", "principal", &principal));
	TRY(json_need_string(document, "key_file", "public_key", &public_key));
	TRY(hex_decode(public_key, key->public_key, sizeof key->public_key));
	key->key_id = arena_copy(&key->arena, key_id);
	key->principal = arena_copy(&key->arena, principal);
	TRY_ALLOC(key->key_id.data);
	TRY_ALLOC(key->principal.data);
	if (!bytes_equal(http_signature_principal(key_id), principal))
		return fail(STATUS_INVALID, "key_file.key_id: \"%.*s\" is no key of \"%.*s\"", BYTES_ARGS(key_id),
			    BYTES_ARGS(principal));
	if (!needs_seed)
		return OK;
	uint8_t computed[32];
	TRY(json_need_string(document, "key_file", "seed", &seed));
	TRY(secret_alloc(&key->seed, ED25519_SEED_SIZE));
	TRY(hex_decode(seed, key->seed.data, key->seed.len));
	TRY(ed25519_public_key(key->seed.data, computed));
	return memcmp(computed, key->public_key, sizeof computed) == 0
		       ? OK
		       : fail(STATUS_CORRUPT, "key_file.pair: the seed in %s has another public key", path);
}

enum status
key_file_read(const char *path, struct key_file *key) {
	_cleanup_(secret_free) struct secret text = {};
	*key = (struct key_file){};
	TRY(read_private(path, &text));
	enum status status = read_members(path, secret_bytes(&text), key, true);
	if (status != OK)
		key_file_free(key);
	return status;
}

enum status
key_file_read_public(const char *path, struct key_file *key) {
	_cleanup_(arena_free) struct arena arena = {}; /* wipes: the file may be the secret one */
	struct bytes text;
	*key = (struct key_file){};
	TRY(input_file(&arena, path, KEY_FILE_MAX, &text));
	enum status status = read_members(path, text, key, false);
	if (status != OK)
		key_file_free(key);
	return status;
}

struct http_request_signer
key_file_signer(const struct key_file *key) {
	struct http_request_signer signer = {.key_id = key->key_id, .seed = key->seed.data};
	memcpy(signer.public_key, key->public_key, sizeof signer.public_key);
	return signer;
}

enum status
key_file_sign(const struct key_file *key, const char *label, const struct hash256 *digest, uint8_t signature[64]) {
	return person_sign(label, digest, key->seed.data, key->public_key, signature);
}
