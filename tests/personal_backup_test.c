/*
 * Backups from before an erasure: whatever is restored from them, and wherever, whoever was erased stays erased.
 */
#include "tests/test.h"
#include "tests/profiled.h"

#include <stdio.h>
#include <stdlib.h>

#include "keeper/backup.h"
#include "keeper/erasures.h"
#include "keeper/internal.h"

struct restoring {
	struct secret private_key;
	uint8_t public_key[KEM_PUBLIC_SIZE];
	char archive[256], restored[256];
};

static void
restoring_end(struct restoring *restoring) {
	secret_free(&restoring->private_key);
}

/* A backup that knows the profile, and then the erasure. */
static void
back_up_and_erase(struct profiled *world, struct restoring *restoring) {
	struct backup_made made;
	snprintf(restoring->archive, sizeof restoring->archive, "%s/archive", world->house.directory);
	snprintf(restoring->restored, sizeof restoring->restored, "%s/restored", world->house.directory);
	assert_ok(kem_generate(restoring->public_key, &restoring->private_key));
	profiled_enter_profile(world);
	struct bytes recipient = BYTES_OF_ARRAY(restoring->public_key);
	assert_ok(backup_make(io_system(), world->house.data, restoring->archive, &recipient, 1, &made));
	profiled_erase(world);
	house_close(&world->house);
}

static struct backup_source
source_of(const struct profiled *world, const struct restoring *restoring) {
	return (struct backup_source){.io = io_system(),
				      .archive = restoring->archive,
				      .private_key = secret_bytes(&restoring->private_key),
				      .directory = restoring->restored,
				      .root_source = ROOT_KEY_PASSPHRASE,
				      .given = BYTES_OF_LITERAL("correct horse battery"), /* tests/house.c */
				      .guard = ROLLBACK_PATH,
				      .guard_path = world->house.mark};
}

/* As if it were the installation, whose own directory is gone. */
static enum status
open_restored(struct profiled *world, const struct restoring *restoring) {
	char command[600];
	snprintf(command, sizeof command, "rm -rf '%s' && mv '%s' '%s'", world->house.data, restoring->restored,
		 world->house.data);
	assert_int_equal(0, system(command));
	return house_open(&world->house);
}

static void
a_backup_from_before_an_erasure_brings_nobody_back(void **) {
	_cleanup_(profiled_end) struct profiled world;
	_cleanup_(restoring_end) struct restoring restoring = {};
	_cleanup_(buffer_free) struct buffer wrapped = {};
	struct backup_restored restored;
	profiled_begin(&world);
	back_up_and_erase(&world, &restoring);
	struct backup_source source = source_of(&world, &restoring);
	assert_fails(STATUS_CONFLICT, "backup.behind", backup_restore(&source, &restored));
	char command[600];
	snprintf(command, sizeof command, "rm -rf '%s.restoring'", restoring.restored);
	assert_int_equal(0, system(command));
	source.accept_loss = restored.lost;
	assert_ok(backup_restore(&source, &restored));
	/* The restored log does not know of it, and its secrets have the key. */
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	char path[300];
	snprintf(path, sizeof path, "%s/secrets.db", restoring.restored);
	assert_ok(secrets_open(io_system(), path, &secrets));
	assert_ok(secrets_get(secrets, "subject", BYTES_OF_LITERAL(PERSON_2), &wrapped));
	secrets_close(&secrets);
	/* The start does, from what stands beside the mark. */
	assert_ok(open_restored(&world, &restoring));
	assert_true(json_boolean(json_get(profiled_read_profile(&world, FIRM_PERSON_2, 200), "erased")));
	assert_int_equal(1, profiled_count(&world, ENTRY_ERASED));
	assert_int_equal(0, profiled_files_with(world.house.data, buffer_bytes(&wrapped)));
	profiled_restart(&world);
	assert_int_equal(1, profiled_count(&world, ENTRY_ERASED)); /* once is enough */
	assert_true(json_boolean(json_get(profiled_read_profile(&world, FIRM_PERSON_2, 200), "erased")));
}

static void
on_another_machine_whoever_restores_says_who_was_erased(void **) {
	_cleanup_(profiled_end) struct profiled world;
	_cleanup_(restoring_end) struct restoring restoring = {};
	struct backup_restored restored;
	static const struct bytes erased[] = {BYTES_OF_LITERAL(PERSON_2)};
	char command[600];
	profiled_begin(&world);
	back_up_and_erase(&world, &restoring);
	snprintf(command, sizeof command, "rm '%s' '%s.erased'", world.house.mark, world.house.mark);
	assert_int_equal(0, system(command)); /* and so they stood there */
	struct backup_source source = source_of(&world, &restoring);
	source.erased = erased;
	source.erased_count = 1;
	assert_ok(backup_restore(&source, &restored));
	/* Gone before anything is started. */
	_cleanup_(secrets_close) struct secrets *secrets = nullptr;
	_cleanup_(buffer_free) struct buffer wrapped = {};
	char path[300];
	snprintf(path, sizeof path, "%s/secrets.db", restoring.restored);
	assert_ok(secrets_open(io_system(), path, &secrets));
	assert_int_equal(STATUS_NOT_FOUND, secrets_get(secrets, "subject", BYTES_OF_LITERAL(PERSON_2), &wrapped));
	secrets_close(&secrets);
	assert_ok(open_restored(&world, &restoring));
	assert_int_equal(1, profiled_count(&world, ENTRY_ERASED));
	assert_true(json_boolean(json_get(profiled_read_profile(&world, FIRM_PERSON_2, 200), "erased")));
}

/* Who edits the file, or leaves one of another installation there, stops the start; who cannot, brings nobody back. */
static void
what_stands_beside_the_mark_is_authentic_or_nothing_starts(void **) {
	_cleanup_(profiled_end) struct profiled world;
	_cleanup_(buffer_free) struct buffer text = {};
	char path[300];
	profiled_begin(&world);
	profiled_enter_profile(&world);
	profiled_erase(&world);
	house_close(&world.house);
	snprintf(path, sizeof path, "%s.erased", world.house.mark);
	assert_ok(io_read_file(io_system(), path, 1 << 20, &text));
	for (size_t i = 0; i < text.len; i += 7) {
		text.data[i] ^= 1;
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
		text.data[i] ^= 1;
		enum status status = house_open(&world.house);
		assert_int_equal(STATUS_CORRUPT, status);
		assert_non_null(strstr(fail_message(), "erasures."));
		house_close(&world.house);
	}
	assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(house_open(&world.house));
}

static void
bad_lists_of_erased_people_are_refused_by_name(void **) {
	static const uint8_t key[32] = {7};
	static const struct {
		const char *text,
			*name; /* text: without its code, which is added where the name is of what follows it */
	} cases[] = {
		{"gatehouse-erased/v2\nfirm/k\n", "erasures.magic"},
		{"gatehouse-erased/v1", "erasures.magic"},
		{"", "erasures.magic"},
		{"gatehouse-erased/v1\nfirm/other\n", "erasures.origin"},
		{"gatehouse-erased/v1\nfirm/k", "erasures.origin"},
		{"gatehouse-erased/v1\nfirm/k\nperson:p-2\nperson:p-1\n", "erasures.order"},
		{"gatehouse-erased/v1\nfirm/k\nperson:p-1\nperson:p-1\n", "erasures.order"},
		{"gatehouse-erased/v1\nfirm/k\n\n", "erasures.order"},
		{"gatehouse-erased/v1\nfirm/k\nperson:p-1", "erasures.line"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *ids;
	size_t count;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer text = {};
		char name[64];
		struct hash256 mac = hmac_sha256(BYTES_OF_ARRAY(key), bytes_of_text(cases[i].text));
		buffer_append_text(&text, cases[i].text);
		buffer_append_hex(&text, hash256_bytes(&mac));
		buffer_append_byte(&text, '\n');
		assert_true(erasures_read(&arena, buffer_bytes(&text), BYTES_OF_LITERAL("firm/k"), BYTES_OF_ARRAY(key),
					  &ids, &count) != OK);
		fail_name(name, sizeof name);
		assert_string_equal(cases[i].name, name);
		text.data[text.len / 2] ^= 1;
		assert_fails(STATUS_CORRUPT, "erasures.mac",
			     erasures_read(&arena, buffer_bytes(&text), BYTES_OF_LITERAL("firm/k"), BYTES_OF_ARRAY(key),
					   &ids, &count));
		assert_fails(STATUS_CORRUPT, "erasures.form",
			     erasures_read(&arena, bytes_of(text.data, text.len - 1), BYTES_OF_LITERAL("firm/k"),
					   BYTES_OF_ARRAY(key), &ids, &count));
	}
	static const struct bytes some[] = {BYTES_OF_LITERAL("person:p-1"), BYTES_OF_LITERAL("person:p-2")};
	_cleanup_(buffer_free) struct buffer good = {};
	assert_ok(erasures_write(some, 2, BYTES_OF_LITERAL("firm/k"), BYTES_OF_ARRAY(key), &good));
	assert_ok(erasures_read(&arena, buffer_bytes(&good), BYTES_OF_LITERAL("firm/k"), BYTES_OF_ARRAY(key), &ids,
				&count));
	assert_int_equal(2, count);
	assert_bytes(some[1], ids[1]);
}

RUN_TESTS(T(a_backup_from_before_an_erasure_brings_nobody_back),
	  T(on_another_machine_whoever_restores_says_who_was_erased),
	  T(what_stands_beside_the_mark_is_authentic_or_nothing_starts),
	  T(bad_lists_of_erased_people_are_refused_by_name))
