/*
 * Backups of an installation that serves, and restoring them: what comes back is what was there, and no log is set back unless
 * somebody says how much of it is given up.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/snapshot.h"
#include "keeper/backup.h"
#include "keeper/internal.h"
#include "store/archive.h"

static const char PASSPHRASE[] = "correct horse battery"; /* tests/house.c */

struct world {
	const struct io *io;
	struct house house;
	struct arena arena;
	struct secret private_key;
	uint8_t public_key[KEM_PUBLIC_SIZE];
	char original[192], archive[224], restored[224], note[256];
};

static void
begin(struct world *world) {
	*world = (struct world){.io = io_system()};
	house_found(&world->house, nullptr);
	snprintf(world->original, sizeof world->original, "%s", world->house.data);
	snprintf(world->archive, sizeof world->archive, "%s/archive", world->house.directory);
	snprintf(world->restored, sizeof world->restored, "%s/restored", world->house.directory);
	snprintf(world->note, sizeof world->note, "%s/" BACKUP_NOTE, world->house.data);
	assert_ok(kem_generate(world->public_key, &world->private_key));
	assert_ok(house_open(&world->house));
	house_make_key(&world->house, "eth-hot");
}

static void
world_end(struct world *world) {
	house_free(&world->house);
	arena_free(&world->arena);
	secret_free(&world->private_key);
}

static void
transfer(struct world *world, unsigned nonce) {
	struct ipc_response response;
	assert_ok(house_submit(&world->house, &world->arena, house_sign(house_transfer(&world->arena, 2, nonce, 30)),
			       &response));
	assert_answer(200, "done", &response);
}

static struct hash256
state_digest(struct world *world, int64_t now_ms) {
	struct hash256 digest;
	assert_ok(gate_state_digest(world->house.keeper->gate, now_ms, &digest));
	return digest;
}

static void
make(struct world *world, struct backup_made *made) {
	struct bytes recipient = BYTES_OF_ARRAY(world->public_key);
	assert_ok(backup_make(world->io, world->house.data, world->archive, &recipient, 1, made));
}

static struct backup_source
source_of(struct world *world) {
	return (struct backup_source){.io = world->io,
				      .archive = world->archive,
				      .private_key = secret_bytes(&world->private_key),
				      .directory = world->restored,
				      .root_source = ROOT_KEY_PASSPHRASE,
				      .given = bytes_of_text(PASSPHRASE),
				      .guard = ROLLBACK_PATH,
				      .guard_path = world->house.mark};
}

static uint64_t
count_of(struct world *world, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(world->house.keeper->ledger, counts);
	return counts[type];
}

static void
open_restored(struct world *world) {
	snprintf(world->house.data, sizeof world->house.data, "%.*s", (int)sizeof world->house.data - 1,
		 world->restored);
	assert_ok(house_open(&world->house));
}

static void
expect_nothing_restored(struct world *world) {
	assert_int_not_equal(0, access(world->restored, F_OK));
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
shell(const char *format, ...) {
	char command[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	assert_int_equal(0, system(command));
}

/* What an administrator does with what a refused restore left beside the data directory. */
static void
clear_staging(struct world *world) {
	shell("rm -rf '%s.restoring'", world->restored);
}

static void
what_was_backed_up_while_serving_comes_back(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	transfer(&world, 0);
	transfer(&world, 1);
	/* What dealings go on from is there once, and nowhere else. */
	shell("echo seed > '%s/dealings.db'", world.house.data);
	make(&world, &made);
	shell("rm '%s/dealings.db'", world.house.data);
	int64_t now_ms = house_now_ms(&world.house);
	struct hash256 before = state_digest(&world, now_ms);
	house_close(&world.house);
	assert_ok(io_unlink(world.io, world.house.mark)); /* another machine */
	struct backup_source source = source_of(&world);
	assert_ok(backup_restore(&source, &restored));
	assert_int_equal(0, restored.lost);
	assert_true(hash256_equal(&made.archive, &restored.archive));
	shell("test -e '%s/secrets.db' && ! test -e '%s/dealings.db'", world.restored, world.restored);
	open_restored(&world);
	struct hash256 after = state_digest(&world, now_ms);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(1, count_of(&world, ENTRY_RESTORE));
	transfer(&world, 2);
}

static void
a_restore_that_would_lose_entries_says_how_many_and_is_refused(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	transfer(&world, 0);
	make(&world, &made);
	int64_t now_ms = house_now_ms(&world.house);
	struct hash256 before = state_digest(&world, now_ms);
	transfer(&world, 1);
	house_close(&world.house);
	struct backup_source source = source_of(&world);
	assert_fails(STATUS_CONFLICT, "backup.behind", backup_restore(&source, &restored));
	expect_nothing_restored(&world);
	uint64_t lost = restored.lost;
	assert_true(lost > 0);
	clear_staging(&world);
	source.accept_loss = lost + 1;
	assert_fails(STATUS_CONFLICT, "backup.behind", backup_restore(&source, &restored));
	clear_staging(&world);
	source.accept_loss = lost;
	assert_ok(backup_restore(&source, &restored));
	assert_int_equal(lost, restored.lost);
	open_restored(&world);
	struct hash256 after = state_digest(&world, now_ms);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(1, count_of(&world, ENTRY_RESTORE));
}

/* The log went on on this machine by a little and on a copy of it by more: what is restored is not what the mark saw. */
static void
a_backup_of_a_log_that_the_mark_never_saw_is_refused_whatever_is_accepted(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	house_close(&world.house);
	shell("cp -a '%s' '%s.copy' && cp '%s' '%s.copy'", world.original, world.original, world.house.mark,
	      world.house.mark);
	assert_ok(house_open(&world.house));
	transfer(&world, 0);
	house_close(&world.house);
	shell("mv '%s' '%s.seen' && mv '%s.copy' '%s'", world.house.mark, world.house.mark, world.house.mark,
	      world.house.mark);
	shell("mv '%s' '%s.gone' && mv '%s.copy' '%s'", world.original, world.original, world.original, world.original);
	assert_ok(house_open(&world.house));
	for (unsigned i = 0; i < 6; i++)
		transfer(&world, i);
	make(&world, &made);
	house_close(&world.house);
	shell("mv '%s.seen' '%s'", world.house.mark, world.house.mark);
	struct backup_source source = source_of(&world);
	for (uint64_t accepted = 0; accepted < 4; accepted++) {
		source.accept_loss = accepted;
		assert_fails(STATUS_CONFLICT, "backup.fork", backup_restore(&source, &restored));
		clear_staging(&world);
	}
	expect_nothing_restored(&world);
}

static void
tampered_and_truncated_archives_restore_nothing(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	make(&world, &made);
	house_close(&world.house);
	assert_ok(io_read_file(world.io, world.archive, 64 << 20, &bytes));
	struct backup_source source = source_of(&world);
	for (size_t i = 0; i < 24; i++) {
		size_t at = (i * 2'654'435'761U) % bytes.len, len = i < 12 ? bytes.len : at;
		if (i < 12)
			bytes.data[at] ^= 0x10;
		assert_ok(io_replace_file(world.io, world.archive, bytes_of(bytes.data, len)));
		enum status status = backup_restore(&source, &restored);
		if (status != STATUS_CORRUPT && status != STATUS_UNAUTHORIZED && status != STATUS_UNSUPPORTED)
			fail_msg("case %zu: %s", i, status == OK ? "restored" : fail_message());
		expect_nothing_restored(&world);
		clear_staging(&world);
		if (i < 12)
			bytes.data[at] ^= 0x10;
	}
}

static void
neither_another_recovery_key_nor_another_passphrase_will_do(void **) {
	_cleanup_(world_end) struct world world;
	_cleanup_(secret_free) struct secret other = {};
	uint8_t other_public[KEM_PUBLIC_SIZE];
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	make(&world, &made);
	house_close(&world.house);
	assert_ok(kem_generate(other_public, &other));
	struct backup_source source = source_of(&world);
	source.private_key = secret_bytes(&other);
	assert_fails(STATUS_UNAUTHORIZED, "sealed_file.recipient", backup_restore(&source, &restored));
	source = source_of(&world);
	source.given = BYTES_OF_LITERAL("incorrect horse battery");
	assert_fails(STATUS_UNAUTHORIZED, "root_key.wrong", backup_restore(&source, &restored));
	expect_nothing_restored(&world);
}

/* On another machine no mark knows better: but the head that was published stands in the backup too. */
static void
a_log_that_is_behind_its_own_published_head_is_not_restored(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	house_close(&world.house);
	shell("cp -r '%s/ledger' '%s/older'", world.house.data, world.house.directory);
	assert_ok(house_open(&world.house));
	transfer(&world, 0);
	house_close(&world.house); /* which publishes what is new */
	shell("rm -r '%s/ledger' && mv '%s/older' '%s/ledger'", world.house.data, world.house.directory,
	      world.house.data);
	assert_ok(io_unlink(world.io, world.house.mark));
	make(&world, &made);
	struct backup_source source = source_of(&world);
	assert_fails(STATUS_CONFLICT, "ledger.behind", backup_restore(&source, &restored));
	expect_nothing_restored(&world);
}

/* Whoever has the data directory, and not the log's keys, gives the log another name. */
static void
a_log_whose_genesis_names_another_installation_neither_starts_nor_is_restored(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	house_close(&world.house);
	shell("sed -i 's/\"instance\":\"north/\"instance\":\"south/' '%s/installation.json'", world.house.data);
	assert_fails(STATUS_CORRUPT, "installation.genesis", house_open(&world.house));
	house_close(&world.house);
	make(&world, &made);
	struct backup_source source = source_of(&world);
	assert_fails(STATUS_CORRUPT, "installation.genesis", backup_restore(&source, &restored));
	expect_nothing_restored(&world);
}

/* Anybody can seal something to the recovery key. */
static void
what_calls_itself_something_else_is_no_backup(void **) {
	static const struct {
		const char *description;
		enum status status;
		const char *name;
	} cases[] = {
		{"{\"taken_at\":1,\"type\":\"gatehouse/backup/v9\"}", STATUS_UNSUPPORTED, "backup.type"},
		{"{\"type\":\"gatehouse/backup/v1\"}", STATUS_CORRUPT, "backup.description"},
		{"{\"taken_at\":1}", STATUS_CORRUPT, "backup.description"},
		{"[]", STATUS_CORRUPT, "backup.description"},
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	house_close(&world.house);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(sealed_writer_close) struct sealed_writer *writer = nullptr;
		struct bytes recipient = BYTES_OF_ARRAY(world.public_key);
		struct hash256 archive;
		struct backup_restored restored;
		assert_ok(sealed_writer_create(world.io, world.archive, &recipient, 1, &writer));
		assert_ok(archive_begin(writer, bytes_of_text(cases[i].description)));
		assert_ok(archive_end(writer));
		assert_ok(sealed_writer_finish(writer, &archive));
		struct backup_source source = source_of(&world);
		assert_fails(cases[i].status, cases[i].name, backup_restore(&source, &restored));
		expect_nothing_restored(&world);
		assert_ok(io_unlink(world.io, world.archive));
	}
}

static void
nothing_is_restored_over_an_installation(void **) {
	_cleanup_(world_end) struct world world;
	struct backup_made made;
	struct backup_restored restored;
	begin(&world);
	make(&world, &made);
	struct backup_source source = source_of(&world);
	source.directory = world.original;
	assert_fails(STATUS_CONFLICT, "backup.exists", backup_restore(&source, &restored));
}

static void
a_backup_that_was_taken_becomes_an_entry_and_a_forged_note_does_not(void **) {
	static const struct bytes forged[] = {
		BYTES_OF_LITERAL("no JSON"),
		BYTES_OF_LITERAL("[]"),
		BYTES_OF_LITERAL("{\"archive\":\"00\"}"),
		BYTES_OF_LITERAL("{\"archive\":\"0000000000000000000000000000000000000000000000000000000000000000\","
				 "\"size\":1,\"taken_at\":2,\"type\":\"genesis\"}"),
	};
	_cleanup_(world_end) struct world world;
	_cleanup_(buffer_free) struct buffer note = {};
	struct backup_made made;
	begin(&world);
	make(&world, &made);
	assert_ok(backup_note_write(&made, &note));
	assert_ok(io_replace_file(world.io, world.note, buffer_bytes(&note)));
	house_close(&world.house);
	assert_ok(house_open(&world.house));
	transfer(&world, 0);
	assert_int_equal(1, count_of(&world, ENTRY_BACKUP));
	for (size_t i = 0; i < ARRAY_LENGTH(forged); i++) {
		int file;
		assert_ok(io_replace_file(world.io, world.note, forged[i]));
		house_close(&world.house);
		assert_ok(house_open(&world.house));
		assert_int_equal(STATUS_NOT_FOUND, io_open(world.io, world.note, IO_READ, &file));
	}
	transfer(&world, 1);
	assert_int_equal(1, count_of(&world, ENTRY_BACKUP));
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(what_was_backed_up_while_serving_comes_back),
		T(a_restore_that_would_lose_entries_says_how_many_and_is_refused),
		T(a_backup_of_a_log_that_the_mark_never_saw_is_refused_whatever_is_accepted),
		T(tampered_and_truncated_archives_restore_nothing),
		T(neither_another_recovery_key_nor_another_passphrase_will_do),
		T(a_log_that_is_behind_its_own_published_head_is_not_restored),
		T(a_log_whose_genesis_names_another_installation_neither_starts_nor_is_restored),
		T(what_calls_itself_something_else_is_no_backup),
		T(nothing_is_restored_over_an_installation),
		T(a_backup_that_was_taken_becomes_an_entry_and_a_forged_note_does_not),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
