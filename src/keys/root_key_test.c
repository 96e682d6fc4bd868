#include "tests/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "keys/root_key.h"

static const struct argon2id_cost CHEAP = {.memory_kib = 64, .passes = 1, .lanes = 1};
static const struct bytes PASSPHRASE = {(const uint8_t *)"correct horse battery", 21};

static void
assert_same_key(const struct root_key *a, const struct root_key *b) {
	uint8_t first[32], second[32];
	assert_ok(root_key_derive(a, "test", first));
	assert_ok(root_key_derive(b, "test", second));
	assert_memory_equal(first, second, 32);
}

static void
a_passphrase_gives_the_same_key_again(void **) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(root_key_destroy) struct root_key *made = nullptr, *opened = nullptr, *wrong = nullptr;
	assert_ok(root_key_create(&made, ROOT_KEY_PASSPHRASE, PASSPHRASE, CHEAP, &record));
	assert_ok(json_check_canonical(&arena, buffer_bytes(&record)));
	assert_ok(root_key_open(&opened, ROOT_KEY_PASSPHRASE, PASSPHRASE, buffer_bytes(&record)));
	assert_same_key(made, opened);
	assert_int_equal(root_key_source(opened), ROOT_KEY_PASSPHRASE);
	assert_fails(STATUS_UNAUTHORIZED, "root_key.wrong",
		     root_key_open(&wrong, ROOT_KEY_PASSPHRASE, BYTES_OF_LITERAL("correct horse batterz"),
				   buffer_bytes(&record)));
	assert_null(wrong);
}

static void
the_same_passphrase_gives_another_installation_another_key(void **) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *first = nullptr, *second = nullptr;
	uint8_t a[32], b[32];
	assert_ok(root_key_create(&first, ROOT_KEY_PASSPHRASE, PASSPHRASE, CHEAP, &record));
	assert_ok(root_key_create(&second, ROOT_KEY_PASSPHRASE, PASSPHRASE, CHEAP, &record));
	assert_ok(root_key_derive(first, "test", a));
	assert_ok(root_key_derive(second, "test", b));
	assert_memory_not_equal(a, b, 32);
}

static void
labels_give_unrelated_keys(void **) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *key = nullptr;
	uint8_t a[32], b[32];
	assert_ok(root_key_create(&key, ROOT_KEY_PASSPHRASE, PASSPHRASE, CHEAP, &record));
	assert_ok(root_key_derive(key, "gatehouse/key-blobs/v1", a));
	assert_ok(root_key_derive(key, "gatehouse/key-blobs/v2", b));
	assert_memory_not_equal(a, b, 32);
}

static void
digits_are_the_key_itself(void **) {
	static const char lower[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	static const char upper[] = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF";
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *made = nullptr, *opened = nullptr, *other = nullptr;
	assert_ok(root_key_create(&made, ROOT_KEY_CREDENTIAL, bytes_of_text(lower), ROOT_KEY_COST, &record));
	assert_ok(root_key_open(&opened, ROOT_KEY_CREDENTIAL, bytes_of_text(upper), buffer_bytes(&record)));
	assert_same_key(made, opened);
	assert_fails(STATUS_CONFLICT, "root_key.source",
		     root_key_open(&other, ROOT_KEY_FILE, bytes_of_text(lower), buffer_bytes(&record)));
	/* The check value is HKDF's; it stays the same as long as the format has its version. */
	static const char members[] = "\"source\":\"credential\",\"type\":\"gatehouse/root-key/v1\"}";
	assert_non_null(memmem(record.data, record.len, members, sizeof members - 1));
}

static void
malformed_digits_are_refused(void **) {
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *key = nullptr;
	char text[66] = {};
	memset(text, 'a', 65);
	for (size_t len = 0; len <= 65; len++)
		if (len != 64)
			assert_fails(STATUS_INVALID, "root_key.digits",
				     root_key_create(&key, ROOT_KEY_FILE, bytes_of(text, len), ROOT_KEY_COST, &record));
	for (unsigned c = 0; c < 256; c++) {
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		text[c % 64] = (char)c;
		enum status status = root_key_create(&key, ROOT_KEY_FILE, bytes_of(text, 64), ROOT_KEY_COST, &record);
		assert_int_equal(status, digit ? OK : STATUS_INVALID);
		root_key_destroy(&key);
		text[c % 64] = 'a';
	}
}

static void
short_passphrases_and_impossible_costs_are_refused(void **) {
	static const struct argon2id_cost costs[] = {
		{0, 1, 1}, {64, 0, 1}, {64, 1, 0}, {7, 1, 1}, {64, 65, 1}, {512, 1, 65}, {(4u << 20) + 1, 1, 1}};
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *key = nullptr;
	assert_fails(STATUS_INVALID, "root_key.passphrase",
		     root_key_create(&key, ROOT_KEY_PASSPHRASE, BYTES_OF_LITERAL("eleven char"), CHEAP, &record));
	for (size_t i = 0; i < ARRAY_LENGTH(costs); i++)
		assert_fails(STATUS_INVALID, "root_key.cost",
			     root_key_create(&key, ROOT_KEY_PASSPHRASE, PASSPHRASE, costs[i], &record));
	assert_int_equal(record.len, 0);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define SALT "00000000000000000000000000000000"

static void
damaged_records_are_refused(void **) {
	static const struct {
		enum status status;
		const char *reason, *text;
	} cases[] = {
		{STATUS_CORRUPT, "root_key.record", ""},
		{STATUS_CORRUPT, "root_key.record", "[]"},
		{STATUS_CORRUPT, "root_key.record", "{\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_UNSUPPORTED, "root_key.version", "{\"type\":\"gatehouse/root-key/v2\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"" ZEROS "\",\"source\":\"paper\",\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"00\",\"source\":\"file\",\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"" ZEROS "\",\"salt\":\"" SALT
		 "\",\"source\":\"file\",\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"" ZEROS "\",\"lanes\":1,\"memory_kib\":99999999,\"passes\":1,\"salt\":\"" SALT
		 "\",\"source\":\"passphrase\",\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"" ZEROS "\",\"lanes\":1,\"memory_kib\":4294967304,\"passes\":1,\"salt\":\"" SALT
		 "\",\"source\":\"passphrase\",\"type\":\"gatehouse/root-key/v1\"}"},
		{STATUS_CORRUPT, "root_key.record",
		 "{\"check\":\"" ZEROS "\",\"lanes\":1,\"memory_kib\":64,\"passes\":-1,\"salt\":\"" SALT
		 "\",\"source\":\"passphrase\",\"type\":\"gatehouse/root-key/v1\"}"},
	};
	_cleanup_(root_key_destroy) struct root_key *key = nullptr;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(cases[i].status, cases[i].reason,
			     root_key_open(&key, ROOT_KEY_FILE, BYTES_OF_LITERAL(ZEROS), bytes_of_text(cases[i].text)));
}

struct scratch {
	char directory[64];
	char path[96];
};

static void
scratch_make(struct scratch *scratch, const char *content, mode_t mode) {
	strcpy(scratch->directory, "/tmp/gatehouse-root-key-XXXXXX");
	assert_non_null(mkdtemp(scratch->directory));
	snprintf(scratch->path, sizeof scratch->path, "%s/root", scratch->directory);
	FILE *file = fopen(scratch->path, "we");
	if (file == nullptr)
		fail_msg("%s: could not be made", scratch->path);
	fputs(content, file);
	fclose(file);
	assert_int_equal(chmod(scratch->path, mode), 0);
}

static void
scratch_remove(struct scratch *scratch) {
	unlink(scratch->path);
	rmdir(scratch->directory);
}

static void
a_bare_file_is_read_only_where_allowed_and_private(void **) {
	_cleanup_(scratch_remove) struct scratch scratch;
	_cleanup_(secret_free) struct secret given = {};
	scratch_make(&scratch, ZEROS "\n", 0600);
	assert_fails(STATUS_DENIED, "root_key.file_not_allowed", root_key_read_file(scratch.path, false, &given));
	assert_ok(root_key_read_file(scratch.path, true, &given));
	assert_bytes(BYTES_OF_LITERAL(ZEROS), secret_bytes(&given));
	secret_free(&given);
	for (mode_t mode = 1; mode <= 040; mode <<= 1) {
		assert_int_equal(chmod(scratch.path, 0600 | mode), 0);
		assert_fails(STATUS_DENIED, "root_key.file_mode", root_key_read_file(scratch.path, true, &given));
	}
	assert_fails(STATUS_DENIED, "root_key.file_mode", root_key_read_file(scratch.directory, true, &given));
	assert_fails(STATUS_NOT_FOUND, "root_key.file", root_key_read_file("/nonexistent/root", true, &given));
}

static void
a_credential_is_named_never_a_path(void **) {
	_cleanup_(scratch_remove) struct scratch scratch;
	_cleanup_(secret_free) struct secret given = {};
	scratch_make(&scratch, ZEROS, 0400);
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	assert_fails(STATUS_NOT_FOUND, "root_key.credential", root_key_read_credential("root", &given));
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", scratch.directory, 1), 0);
	assert_ok(root_key_read_credential("root", &given));
	assert_bytes(BYTES_OF_LITERAL(ZEROS), secret_bytes(&given));
	secret_free(&given);
	static const char *const bad[] = {"", ".", "..", "../root", "a/b", "/root"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, "root_key.credential", root_key_read_credential(bad[i], &given));
	assert_fails(STATUS_IO, "secret.open", root_key_read_credential("other", &given));
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "relative", 1), 0);
	assert_fails(STATUS_NOT_FOUND, "root_key.credential", root_key_read_credential("root", &given));
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void
generated_digits_make_a_key(void **) {
	_cleanup_(secret_free) struct secret first = {}, second = {};
	_cleanup_(buffer_free) struct buffer record = {};
	_cleanup_(root_key_destroy) struct root_key *key = nullptr;
	assert_ok(root_key_generate(&first));
	assert_ok(root_key_generate(&second));
	assert_false(secret_equal(secret_bytes(&first), secret_bytes(&second)));
	for (size_t i = 0; i < first.len; i++)
		assert_non_null(memchr("0123456789abcdef", first.data[i], 16));
	assert_ok(root_key_create(&key, ROOT_KEY_FILE, secret_bytes(&first), ROOT_KEY_COST, &record));
}

RUN_TESTS(T(a_passphrase_gives_the_same_key_again), T(the_same_passphrase_gives_another_installation_another_key),
	  T(labels_give_unrelated_keys), T(digits_are_the_key_itself), T(malformed_digits_are_refused),
	  T(short_passphrases_and_impossible_costs_are_refused), T(damaged_records_are_refused),
	  T(a_bare_file_is_read_only_where_allowed_and_private), T(a_credential_is_named_never_a_path),
	  T(generated_digits_make_a_key))
