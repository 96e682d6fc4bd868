#include "keys/root_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "keys/root_key_record.h"

static const char CHECK_LABEL[] = "gatehouse/root-key-check/v1";
constexpr size_t ROOT_KEY_SIZE = 32;

struct root_key {
	enum root_key_source source;
	struct secret_region *region;
	uint8_t *bytes; /* in the region */
};

const char *
root_key_source_name(enum root_key_source source) {
	static const char *const names[ROOT_KEY_SOURCE_COUNT] = {
		[ROOT_KEY_PASSPHRASE] = "passphrase",
		[ROOT_KEY_CREDENTIAL] = "credential",
		[ROOT_KEY_FILE] = "file",
	};
	return (unsigned)source < ROOT_KEY_SOURCE_COUNT ? names[source] : "unknown";
}

enum root_key_source
root_key_source(const struct root_key *key) {
	return key->source;
}

static enum status
root_key_alloc(struct root_key **key, enum root_key_source source) {
	_cleanup_(root_key_destroy) struct root_key *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->source = source;
	TRY(secret_region_create(&made->region, ROOT_KEY_SIZE, 1));
	made->bytes = secret_region_take(made->region);
	*key = TAKE(made);
	return OK;
}

void
root_key_destroy(struct root_key **key) {
	struct root_key *gone = TAKE(*key);
	if (gone == nullptr)
		return;
	if (gone->region != nullptr)
		secret_region_destroy(&gone->region);
	free(gone);
}

enum status
root_key_derive(const struct root_key *key, const char *label, uint8_t derived[32]) {
	return hkdf_sha256(bytes_of(key->bytes, ROOT_KEY_SIZE), (struct bytes){}, bytes_of_text(label), derived, 32);
}

/* 64 digits, lower or upper case, without a branch or index on any. */
static enum status
read_digits(struct bytes given, uint8_t key[ROOT_KEY_SIZE]) {
	if (given.len != 2 * ROOT_KEY_SIZE)
		return fail(STATUS_INVALID, "root_key.digits: %zu characters where 64 hexadecimal digits were expected",
			    given.len);
	unsigned wrong = 0;
	for (size_t i = 0; i < given.len; i++) {
		unsigned decimal = given.data[i] - 48u, letter = (given.data[i] | 0x20u) - 97u; /* from '0', from 'a' */
		unsigned is_decimal = decimal <= 9, is_letter = letter <= 5;
		unsigned digit = ((0 - is_decimal) & decimal) | ((0 - is_letter) & (letter + 10));
		wrong |= (is_decimal | is_letter) ^ 1;
		key[i / 2] = (uint8_t)((unsigned)key[i / 2] << 4 | digit);
	}
	if (declassified(wrong != 0))
		return fail(STATUS_INVALID, "root_key.digits: a character is not a hexadecimal digit");
	return OK;
}

static enum status
fill(struct root_key *key, struct bytes given, const struct root_key_record *record) {
	if (key->source != ROOT_KEY_PASSPHRASE)
		return read_digits(given, key->bytes);
	return argon2id(given, BYTES_OF_ARRAY(record->salt), record->cost, key->bytes, ROOT_KEY_SIZE);
}

enum status
root_key_create(struct root_key **key, enum root_key_source source, struct bytes given, struct argon2id_cost cost,
		struct buffer *record) {
	struct root_key_record made = {.source = source, .cost = cost};
	if (source == ROOT_KEY_PASSPHRASE) {
		TRY(root_key_record_check_cost(cost));
		if (given.len < ROOT_KEY_PASSPHRASE_MIN)
			return fail(STATUS_INVALID, "root_key.passphrase: %zu bytes; at least %zu are wanted",
				    given.len, ROOT_KEY_PASSPHRASE_MIN);
		random_bytes(made.salt, sizeof made.salt);
	}
	_cleanup_(root_key_destroy) struct root_key *filled = nullptr;
	TRY(root_key_alloc(&filled, source));
	TRY(fill(filled, given, &made));
	TRY(root_key_derive(filled, CHECK_LABEL, made.check));
	declassify(made.check, sizeof made.check);
	TRY(root_key_record_write(&made, record));
	*key = TAKE(filled);
	return OK;
}

enum status
root_key_open(struct root_key **key, enum root_key_source source, struct bytes given, struct bytes record) {
	struct root_key_record read = {};
	uint8_t check[sizeof read.check];
	TRY(root_key_record_read(record, &read));
	if (read.source != source)
		return fail(STATUS_CONFLICT,
			    "root_key.source: this installation's root key comes from a %s, not from a %s",
			    root_key_source_name(read.source), root_key_source_name(source));
	_cleanup_(root_key_destroy) struct root_key *filled = nullptr;
	TRY(root_key_alloc(&filled, source));
	TRY(fill(filled, given, &read));
	TRY(root_key_derive(filled, CHECK_LABEL, check));
	bool right = secret_equal(BYTES_OF_ARRAY(check), BYTES_OF_ARRAY(read.check));
	secret_wipe(check, sizeof check);
	if (!declassified(right))
		return fail(STATUS_UNAUTHORIZED, "root_key.wrong: this %s is not the one of this installation",
			    root_key_source_name(source));
	*key = TAKE(filled);
	return OK;
}

/* Without an index: '0' and the digit, and what lies between '9' and 'a' if it is above nine. */
static uint8_t
hexadecimal_digit(unsigned digit) {
	return (uint8_t)(48 + digit + ((9 - digit) >> 8 & 39));
}

enum status
root_key_generate(struct secret *digits) {
	uint8_t bytes[ROOT_KEY_SIZE];
	TRY(secret_alloc(digits, 2 * ROOT_KEY_SIZE));
	random_bytes(bytes, sizeof bytes);
	for (size_t i = 0; i < ROOT_KEY_SIZE; i++) {
		digits->data[2 * i] = hexadecimal_digit(bytes[i] >> 4);
		digits->data[2 * i + 1] = hexadecimal_digit(bytes[i] & 15);
	}
	secret_wipe(bytes, sizeof bytes);
	return OK;
}

enum status
root_key_read_credential(const char *name, struct secret *given) {
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	if (directory == nullptr || directory[0] != '/')
		return fail(STATUS_NOT_FOUND, "root_key.credential: the service manager gave no credentials directory");
	if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != nullptr)
		return fail(STATUS_INVALID, "root_key.credential: \"%s\" is not the name of a credential", name);
	_cleanup_(buffer_free) struct buffer path = {};
	buffer_append_format(&path, "%s/%s", directory, name);
	buffer_append_byte(&path, '\0');
	TRY(buffer_status(&path));
	return secret_read_file(given, (const char *)path.data, ROOT_KEY_GIVEN_MAX);
}

static enum status
check_mode(int descriptor, const char *path) {
	struct stat found;
	if (fstat(descriptor, &found) != 0)
		return fail_errno(STATUS_IO, "root_key.file: %s", path);
	if (!S_ISREG(found.st_mode) || (found.st_mode & 077) != 0 || (found.st_uid != geteuid() && found.st_uid != 0))
		return fail(STATUS_DENIED,
			    "root_key.file_mode: %s has mode %04o and owner %u; expected a file of mode 0600 or less, "
			    "of this user or root",
			    path, (unsigned)found.st_mode & 07777, (unsigned)found.st_uid);
	return OK;
}

enum status
root_key_read_file(const char *path, bool allowed, struct secret *given) {
	if (!allowed)
		return fail(STATUS_DENIED,
			    "root_key.file_not_allowed: a bare file holds the root key only where the configuration "
			    "says so explicitly");
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	if (descriptor < 0)
		return fail_errno(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "root_key.file: %s", path);
	enum status status = check_mode(descriptor, path);
	if (status == OK)
		status = secret_read_descriptor(given, descriptor, ROOT_KEY_GIVEN_MAX);
	close(descriptor);
	return status;
}
