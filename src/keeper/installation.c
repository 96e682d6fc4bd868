#include "keeper/installation.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/random.h"

constexpr size_t FILE_MAX = 64 * 1024;
static const char LOG_KEYS_LABEL[] = "gatehouse/log-keys/v1";
constexpr size_t LOG_SECRET_SIZE = ED25519_SEED_SIZE + MLDSA44_SEED_SIZE;

void
installation_close(struct installation *installation) {
	mldsa44_private_destroy(&installation->mldsa44);
	secret_region_destroy(&installation->region);
	head_keys_free(&installation->keys);
	secrets_close(&installation->secrets);
	root_key_destroy(&installation->root);
	free(installation->directory);
	free(installation->instance);
	free(installation->origin);
	*installation = (struct installation){};
}

char *
installation_path(const struct installation *installation, const char *name) {
	char *path;
	return asprintf(&path, "%s/%s", installation->directory, name) < 0 ? nullptr : path;
}

static void
free_text(char **text) {
	free(*text);
}

void
installation_vkeys(const struct installation *installation, struct buffer *to) {
	note_key_format(&installation->keys.ed25519, to);
	buffer_append_byte(to, '\n');
	note_key_format(&installation->keys.mldsa44, to);
	buffer_append_byte(to, '\n');
}

static enum status
start(const struct io *io, const char *directory, struct installation *installation) {
	*installation = (struct installation){.io = io, .directory = strdup(directory)};
	TRY_ALLOC(installation->directory);
	return OK;
}

/* The signer reads the Ed25519 seed where it lies; the ML-DSA key is expanded from its seed, which is wiped. */
static enum status
use_log_secret(struct installation *installation, struct secret *secret) {
	uint8_t ed25519[ED25519_PUBLIC_SIZE], mldsa44[MLDSA44_PUBLIC_SIZE];
	TRY(secret_region_create(&installation->region, ED25519_SEED_SIZE, 1));
	installation->ed25519_seed = secret_region_take(installation->region);
	memcpy(installation->ed25519_seed, secret->data, ED25519_SEED_SIZE);
	TRY(ed25519_public_key(installation->ed25519_seed, ed25519));
	TRY(mldsa44_private_create(&installation->mldsa44, secret->data + ED25519_SEED_SIZE));
	mldsa44_private_public_key(installation->mldsa44, mldsa44);
	TRY(head_keys_make(bytes_of_text(installation->origin), ed25519, mldsa44, &installation->keys));
	installation->signer = (struct head_signer){.keys = &installation->keys,
						    .ed25519_seed = installation->ed25519_seed,
						    .mldsa44 = installation->mldsa44};
	return OK;
}

static enum status
make_log_secret(struct installation *installation) {
	_cleanup_(secret_free) struct secret secret = {}, wrapping = {};
	uint8_t sealed[LOG_SECRET_SIZE + AEAD_OVERHEAD];
	TRY(secret_alloc(&secret, LOG_SECRET_SIZE));
	TRY(secret_alloc(&wrapping, AEAD_KEY_SIZE));
	random_bytes(secret.data, secret.len);
	TRY(root_key_derive(installation->root, LOG_KEYS_LABEL, wrapping.data));
	TRY(aead_seal(wrapping.data, bytes_of_text(installation->origin), secret_bytes(&secret), sealed));
	TRY(secrets_create(installation->secrets, "log", BYTES_OF_LITERAL("keys"), BYTES_OF_ARRAY(sealed)));
	return use_log_secret(installation, &secret);
}

static enum status
open_log_secret(struct installation *installation) {
	_cleanup_(secret_free) struct secret secret = {}, wrapping = {};
	_cleanup_(buffer_free) struct buffer sealed = {};
	TRY(secret_alloc(&secret, LOG_SECRET_SIZE));
	TRY(secret_alloc(&wrapping, AEAD_KEY_SIZE));
	TRY(secrets_get(installation->secrets, "log", BYTES_OF_LITERAL("keys"), &sealed));
	if (sealed.len != LOG_SECRET_SIZE + AEAD_OVERHEAD)
		return fail(STATUS_CORRUPT, "installation.log_keys: %zu bytes, expected %zu", sealed.len,
			    LOG_SECRET_SIZE + AEAD_OVERHEAD);
	TRY(root_key_derive(installation->root, LOG_KEYS_LABEL, wrapping.data));
	TRY(aead_open(wrapping.data, bytes_of_text(installation->origin), buffer_bytes(&sealed), secret.data));
	return use_log_secret(installation, &secret);
}

static enum status
open_secrets(struct installation *installation) {
	_cleanup_(free_text) char *path = installation_path(installation, "secrets.db");
	TRY_ALLOC(path);
	return secrets_open(installation->io, path, &installation->secrets);
}

static void
write_keys(const struct installation *installation, struct json_writer *writer) {
	_cleanup_(buffer_free) struct buffer vkey = {};
	const struct note_key *keys[] = {&installation->keys.ed25519, &installation->keys.mldsa44};
	json_write_array(writer);
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		buffer_reset(&vkey);
		note_key_format(keys[i], &vkey);
		json_write_string(writer, buffer_bytes(&vkey));
	}
	json_write_end(writer);
}

static enum status
write_description(const struct installation *installation) {
	_cleanup_(free_text) char *path = installation_path(installation, "installation.json");
	_cleanup_(buffer_free) struct buffer text = {};
	TRY_ALLOC(path);
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	json_write_member_text(&writer, "instance", installation->instance);
	json_write_key(&writer, "log_keys");
	write_keys(installation, &writer);
	json_write_member_text(&writer, "origin", installation->origin);
	json_write_member_text(&writer, "type", "gatehouse/installation/v1");
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	buffer_append_byte(&text, '\n');
	TRY(buffer_status(&text));
	return io_replace_file(installation->io, path, buffer_bytes(&text));
}

static enum status
refuse_visit(void *context, const char *name) {
	return fail(STATUS_CONFLICT, "installation.exists: %s holds \"%s\" already", (const char *)context, name);
}

static enum status
make_directories(const struct installation *installation) {
	static const char *const names[] = {"ledger", "blobs", "public"};
	TRY(io_make_directory(installation->io, installation->directory));
	TRY(io_list_directory(installation->io, installation->directory, refuse_visit, installation->directory));
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		_cleanup_(free_text) char *path = installation_path(installation, names[i]);
		TRY_ALLOC(path);
		TRY(io_make_directory(installation->io, path));
	}
	return io_sync_directory(installation->io, installation->directory);
}

enum status
installation_create(const struct io *io, const char *directory, const char *instance, const char *keeper,
		    struct root_key *root, struct bytes root_record, struct installation *installation) {
	TRY(start(io, directory, installation));
	installation->root = root;
	installation->instance = strdup(instance);
	TRY_ALLOC(installation->instance);
	if (asprintf(&installation->origin, "%s/%s", instance, keeper) < 0)
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	TRY(note_check_name(bytes_of_text(installation->origin)));
	TRY(make_directories(installation));
	_cleanup_(free_text) char *record_path = installation_path(installation, "root-key");
	TRY_ALLOC(record_path);
	TRY(io_replace_file(io, record_path, root_record));
	TRY(open_secrets(installation));
	TRY(make_log_secret(installation));
	return write_description(installation);
}

static enum status
read_description(struct installation *installation, struct buffer *text, struct arena *arena, const json **document) {
	_cleanup_(free_text) char *path = installation_path(installation, "installation.json");
	struct bytes instance, origin, type;
	TRY_ALLOC(path);
	TRY(io_read_file(installation->io, path, FILE_MAX, text));
	TRY(json_read(arena, buffer_bytes(text), (struct json_limits){}, document));
	TRY(json_need_string(*document, "installation", "type", &type));
	TRY(json_need_string(*document, "installation", "instance", &instance));
	TRY(json_need_string(*document, "installation", "origin", &origin));
	if (!bytes_equal_text(type, "gatehouse/installation/v1"))
		return fail(STATUS_UNSUPPORTED, "installation.type: \"%.*s\" is not known to this program",
			    BYTES_ARGS(type));
	installation->instance = strndup((const char *)instance.data, instance.len);
	installation->origin = strndup((const char *)origin.data, origin.len);
	TRY_ALLOC(installation->instance);
	TRY_ALLOC(installation->origin);
	return OK;
}

static enum status
same_keys(const struct installation *installation, const json *document, const char *where) {
	const json *keys;
	TRY(json_need(document, where, "log_keys", JSON_ARRAY, &keys));
	_cleanup_(buffer_free) struct buffer expected = {}, found = {};
	struct json_writer writer;
	json_writer_start(&writer, &expected);
	write_keys(installation, &writer);
	json_writer_start(&writer, &found);
	json_write_value(&writer, keys);
	TRY(json_writer_finish(&writer));
	return bytes_equal(buffer_bytes(&expected), buffer_bytes(&found))
		       ? OK
		       : fail(STATUS_CORRUPT, "installation.%s: names other log keys than secrets.db holds", where);
}

enum status
installation_open(const struct io *io, const char *directory, enum root_key_source source, struct bytes given,
		  struct installation *installation) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {}, record = {};
	const json *document;
	TRY(start(io, directory, installation));
	TRY(read_description(installation, &text, &arena, &document));
	_cleanup_(free_text) char *record_path = installation_path(installation, "root-key");
	TRY_ALLOC(record_path);
	TRY(io_read_file(io, record_path, FILE_MAX, &record));
	TRY(root_key_open(&installation->root, source, given, buffer_bytes(&record)));
	TRY(open_secrets(installation));
	TRY(open_log_secret(installation));
	return same_keys(installation, document, "description");
}

enum status
installation_check_genesis(const struct installation *installation, const json *genesis_body) {
	const json *document;
	struct bytes instance, origin;
	TRY(json_need(genesis_body, "genesis", "document", JSON_OBJECT, &document));
	TRY(json_need_string(document, "genesis", "instance", &instance));
	TRY(json_need_string(document, "genesis", "origin", &origin));
	if (!bytes_equal_text(instance, installation->instance) || !bytes_equal_text(origin, installation->origin))
		return fail(STATUS_CORRUPT, "installation.genesis: the log is of \"%.*s\", the installation of \"%s\"",
			    BYTES_ARGS(origin), installation->origin);
	return same_keys(installation, document, "genesis");
}
