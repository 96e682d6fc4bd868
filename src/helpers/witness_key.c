#include "helpers/witness_key.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cursor.h"
#include "base/io.h"
#include "crypto/random.h"

constexpr char MAGIC[] = "gatehouse/witness-key/v1";
constexpr size_t FILE_MAX = 1024;
constexpr size_t SEED_SIZE = 32;
static_assert(ED25519_SEED_SIZE == SEED_SIZE && MLDSA44_SEED_SIZE == SEED_SIZE);

static void
append_fresh_seed(struct buffer *text) {
	uint8_t seed[SEED_SIZE];
	random_bytes(seed, sizeof seed);
	buffer_append_base64(text, BYTES_OF_ARRAY(seed));
	buffer_append_byte(text, '\n');
	secret_wipe(seed, sizeof seed);
}

enum status
witness_key_create(const char *path, struct bytes name) {
	TRY(note_check_name(name));
	struct stat found;
	if (lstat(path, &found) == 0 || errno != ENOENT)
		return fail(STATUS_CONFLICT, "witness_key.exists: %s", path);
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text, "%s\n", MAGIC);
	buffer_append_bytes(&text, name);
	buffer_append_byte(&text, '\n');
	append_fresh_seed(&text);
	append_fresh_seed(&text);
	TRY(buffer_status(&text));
	return io_replace_file(io_system(), path, buffer_bytes(&text));
}

static enum status
parse_seed(struct cursor *cursor, uint8_t seed[SEED_SIZE]) {
	struct bytes line;
	size_t len;
	TRY(cursor_until(cursor, "witness_key.seed", '\n', &line));
	if (base64_decode(line, seed, SEED_SIZE, &len) != OK || len != SEED_SIZE)
		return fail(STATUS_INVALID, "witness_key.seed: expected base64 of %zu bytes", SEED_SIZE);
	return OK;
}

/* What is public of both keys, and the private ones where they stay. */
static enum status
make_cosigner(struct bytes name, const struct secret *mldsa44_seed, struct witness_key *key) {
	uint8_t ed25519[ED25519_PUBLIC_SIZE], mldsa44[MLDSA44_PUBLIC_SIZE];
	TRY(ed25519_public_key(key->ed25519_seed.data, ed25519));
	TRY(mldsa44_private_create(&key->mldsa44, mldsa44_seed->data));
	mldsa44_private_public_key(key->mldsa44, mldsa44);
	struct cosigner *cosigner = &key->cosigner;
	cosigner->ed25519_seed = key->ed25519_seed.data;
	cosigner->mldsa44_private = key->mldsa44;
	TRY(note_key_make(name, NOTE_COSIGNATURE_ED25519, BYTES_OF_ARRAY(ed25519), &cosigner->ed25519));
	return note_key_make(name, NOTE_COSIGNATURE_MLDSA44, BYTES_OF_ARRAY(mldsa44), &cosigner->mldsa44);
}

static enum status
parse_key(struct bytes text, struct witness_key *key) {
	struct cursor cursor = cursor_of(text);
	struct bytes magic, name;
	TRY(cursor_until(&cursor, "witness_key.magic", '\n', &magic));
	if (!bytes_equal_text(magic, MAGIC))
		return fail(STATUS_UNSUPPORTED, "witness_key.magic: expected %s", MAGIC);
	TRY(cursor_until(&cursor, "witness_key.name", '\n', &name));
	_cleanup_(secret_free) struct secret mldsa44_seed = {};
	TRY(secret_alloc(&key->ed25519_seed, SEED_SIZE));
	TRY(secret_alloc(&mldsa44_seed, SEED_SIZE));
	TRY(parse_seed(&cursor, key->ed25519_seed.data));
	TRY(parse_seed(&cursor, mldsa44_seed.data));
	TRY(cursor_end(&cursor, "witness_key"));
	return make_cosigner(name, &mldsa44_seed, key);
}

enum status
witness_key_load(const char *path, struct witness_key *key) {
	*key = (struct witness_key){};
	struct stat found;
	if (stat(path, &found) != 0)
		return fail_errno(STATUS_NOT_FOUND, "witness_key.missing: %s", path);
	if (found.st_mode & 077)
		return fail(STATUS_DENIED, "witness_key.mode: %s may be read by others (mode %03o, expected 600)", path,
			    (unsigned)found.st_mode & 0777);
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(io_read_file(io_system(), path, FILE_MAX, &text));
	enum status status = parse_key(buffer_bytes(&text), key);
	if (status != OK)
		witness_key_free(key);
	return status;
}

void
witness_key_free(struct witness_key *key) {
	note_key_free(&key->cosigner.ed25519);
	note_key_free(&key->cosigner.mldsa44);
	mldsa44_private_destroy(&key->mldsa44);
	secret_free(&key->ed25519_seed);
}
