/*
 * Founds the firm of tests/firm.h with so many keys, for tests of the program with large installations:
 *
 *   many_keys FOLDER COUNT
 *
 * makes FOLDER/data and FOLDER/mark/high-water, FOLDER/root-key (digits), and FOLDER/person1 to person5 and settlement, key files of
 * the command line's.
 * The keys are key-0 and so on. Nothing is synced before the end: what is made here is lost or whole with the machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "keeper/keeper.h"
#include "tests/firm_keys.h"
#include "tests/founding.h"

static const char INSTANCE[] = "northwind.example", AUTHORITY[] = "gate.example:8443";
static const char DIGITS[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* The system, which says that all is durable. */
static struct io_operations hurried;
static const struct io hurried_io = {&hurried};

static enum status
sync_nothing(const struct io *, int) {
	return OK;
}

static enum status
sync_no_directory(const struct io *, const char *) {
	return OK;
}

static enum status
write_file(const char *folder, const char *name, struct bytes content) {
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return fail_errno(STATUS_IO, "many_keys: %s", path);
	bool whole = write(file, content.data, content.len) == (ssize_t)content.len;
	close(file);
	return whole ? OK : fail_errno(STATUS_IO, "many_keys: %s", path);
}

static enum status
write_key_file(const struct firm *firm, enum firm_member who, const char *folder, const char *name) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_text(&w, "key_id", firm->members[who].key_id);
	json_write_member_text(&w, "principal", firm->members[who].principal);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(firm->members[who].public_key));
	json_write_member_hex(&w, "seed", BYTES_OF_ARRAY(firm->members[who].seed));
	json_write_member_text(&w, "type", "gatehouse/key/v1");
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return write_file(folder, name, buffer_bytes(&text));
}

static enum status
make(const char *folder, unsigned long count) {
	static const char *const authorities[] = {AUTHORITY};
	_cleanup_(firm_free) struct firm firm = {};
	_cleanup_(installation_close) struct installation installation = {};
	_cleanup_(keeper_close) struct keeper *keeper = nullptr;
	char data[512], mark[512];
	snprintf(data, sizeof data, "%s/data", folder);
	snprintf(mark, sizeof mark, "%s/mark", folder);
	if (mkdir(mark, 0700) != 0)
		return fail_errno(STATUS_IO, "many_keys: %s", mark);
	snprintf(mark, sizeof mark, "%s/mark/high-water", folder);
	firm_make(&firm, 7);
	hurried = *io_system()->operations;
	hurried.sync_data = sync_nothing;
	hurried.sync_directory = sync_no_directory;
	struct founding founding = {.io = &hurried_io,
				    .instance = INSTANCE,
				    .data = data,
				    .source = ROOT_KEY_FILE,
				    .given = bytes_of_text(DIGITS),
				    .guard = ROLLBACK_PATH,
				    .mark = mark};
	struct keeper_config config = {.io = &hurried_io,
				       .authorities = authorities,
				       .authority_count = 1,
				       .guard = ROLLBACK_PATH,
				       .guard_path = mark};
	TRY(write_file(folder, "root-key", bytes_of_text(DIGITS)));
	for (enum firm_member who = FIRM_PERSON_1; who <= FIRM_PERSON_5; who++) {
		char name[] = {'p', 'e', 'r', 's', 'o', 'n', (char)('1' + who), '\0'};
		TRY(write_key_file(&firm, who, folder, name));
	}
	TRY(write_key_file(&firm, FIRM_SETTLEMENT, folder, "settlement"));
	TRY(found_installation(&firm, &founding));
	TRY(installation_open(&hurried_io, data, ROOT_KEY_FILE, bytes_of_text(DIGITS), &installation));
	TRY(keeper_open(&config, &installation, &keeper));
	for (unsigned long i = 0; i < count; i++) {
		char id[32];
		snprintf(id, sizeof id, "key-%lu", i);
		TRY(firm_make_key(&firm, keeper, INSTANCE, AUTHORITY, id));
	}
	return OK;
}

int
main(int argc, char **argv) {
	char *end = nullptr;
	unsigned long count = argc == 3 ? strtoul(argv[2], &end, 10) : 0;
	if (end == nullptr || *end != '\0') {
		fprintf(stderr, "usage: many_keys FOLDER COUNT\n");
		return 2;
	}
	if (make(argv[1], count) == OK)
		return 0;
	fprintf(stderr, "%s\n", fail_message());
	return 1;
}
