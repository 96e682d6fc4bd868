#include "keeper/backup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "keeper/erasures.h"
#include "ledger/log.h"
#include "ledger/publisher.h"
#include "store/archive.h"

constexpr size_t SMALL_FILE_MAX = 1024 * 1024;
constexpr size_t SECRETS_MAX = 512 * 1024 * 1024;
constexpr unsigned ATTEMPTS = 8;
static const char TYPE[] = "gatehouse/backup/v1";

static enum status
make_path(char path[PATH_MAX], const char *directory, const char *name) {
	return (size_t)snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX
		       ? OK
		       : fail(STATUS_INVALID, "io.path: too long: %s", directory);
}

/* --- Names in a folder, sorted. --- */

struct names {
	char **names;
	size_t count;
};

static void
names_free(struct names *names) {
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
}

static bool
ends_with(const char *name, const char *end) {
	size_t len = strlen(name), end_len = strlen(end);
	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* What is being prepared is not part of an installation. */
static enum status
add_name(void *context, const char *name) {
	struct names *names = context;
	if (ends_with(name, ".new") || strcmp(name, "lock") == 0)
		return OK;
	char **grown = reallocarray(names->names, names->count + 1, sizeof *grown);
	TRY_ALLOC(grown);
	names->names = grown;
	names->names[names->count] = strdup(name);
	TRY_ALLOC(names->names[names->count]);
	names->count++;
	return OK;
}

static int
compare_names(const void *a, const void *b) {
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* The last name first. */
static enum status
list(const struct io *io, const char *path, struct names *names) {
	enum status status = io_list_directory(io, path, add_name, names);
	if (status == STATUS_NOT_FOUND)
		return OK;
	if (names->count > 1)
		qsort(names->names, names->count, sizeof *names->names, compare_names);
	return status;
}

/* --- Making. --- */

struct making {
	const struct io *io;
	const char *directory;
	struct sealed_writer *writer;
};

static enum status
put_small(const struct making *making, const char *name, bool may_lack) {
	_cleanup_(buffer_free) struct buffer content = {};
	char path[PATH_MAX];
	TRY(make_path(path, making->directory, name));
	enum status status = io_read_file(making->io, path, SMALL_FILE_MAX, &content);
	if (status == STATUS_NOT_FOUND && may_lack)
		return OK;
	TRY(status);
	return archive_put(making->writer, name, buffer_bytes(&content));
}

static enum status
put_folder(const struct making *making, const char *folder) {
	_cleanup_(names_free) struct names names = {};
	char path[PATH_MAX], name[PATH_MAX];
	TRY(make_path(path, making->directory, folder));
	TRY(list(making->io, path, &names));
	for (size_t i = 0; i < names.count; i++) {
		TRY(make_path(name, folder, names.names[i]));
		TRY(make_path(path, making->directory, name));
		TRY(archive_put_file(making->writer, name, making->io, path));
	}
	return OK;
}

static enum status
put_blobs(const struct making *making) {
	_cleanup_(names_free) struct names folders = {};
	char path[PATH_MAX], folder[PATH_MAX];
	TRY(make_path(path, making->directory, "blobs"));
	TRY(list(making->io, path, &folders));
	for (size_t i = 0; i < folders.count; i++) {
		TRY(make_path(folder, "blobs", folders.names[i]));
		TRY(put_folder(making, folder));
	}
	return OK;
}

/* A journal that says that a transaction is under way (https://sqlite.org/fileformat.html#the_rollback_journal). */
static enum status
check_quiet(const struct io *io, const char *database) {
	static const uint8_t hot[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
	char path[PATH_MAX];
	uint8_t begin[sizeof hot];
	size_t got = 0;
	int file;
	if ((size_t)snprintf(path, sizeof path, "%s-journal", database) >= sizeof path)
		return fail(STATUS_INVALID, "io.path: too long: %s", database);
	enum status status = io_open(io, path, IO_READ, &file);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	status = io_read_at(io, file, 0, begin, sizeof begin, &got);
	IGNORE_STATUS(io_close(io, file)); /* read only */
	TRY(status);
	return got == sizeof hot && memcmp(begin, hot, sizeof hot) == 0
		       ? fail(STATUS_UNAVAILABLE, "backup.busy: secrets.db is being written")
		       : OK;
}

static enum status
read_secrets(const struct making *making, struct buffer *content) {
	char path[PATH_MAX];
	TRY(make_path(path, making->directory, "secrets.db"));
	TRY(check_quiet(making->io, path));
	TRY(io_read_file(making->io, path, SECRETS_MAX, content));
	return check_quiet(making->io, path);
}

static enum status
put_secrets(const struct making *making, const struct buffer *before) {
	_cleanup_(buffer_free) struct buffer after = {};
	TRY(read_secrets(making, &after));
	if (!bytes_equal(buffer_bytes(before), buffer_bytes(&after)))
		return fail(STATUS_UNAVAILABLE, "backup.busy: keys are being made or destroyed");
	return archive_put(making->writer, "secrets.db", buffer_bytes(before));
}

/* Of the published head; the log is copied later and has it. */
static enum status
read_size(const struct making *making, uint64_t *size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	char path[PATH_MAX];
	struct note note;
	struct checkpoint checkpoint;
	*size = 0;
	TRY(make_path(path, making->directory, "public/checkpoint"));
	enum status status = io_read_file(making->io, path, SMALL_FILE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	TRY(note_parse(&arena, buffer_bytes(&text), &note));
	TRY(checkpoint_parse(note.text, &checkpoint));
	*size = checkpoint.size;
	return OK;
}

static enum status
write_description(const struct backup_made *made, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_integer(&w, "size", (int64_t)made->size);
	json_write_member_integer(&w, "taken_at", made->taken_ms);
	json_write_member_text(&w, "type", TYPE);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
put_all(const struct making *making, struct backup_made *made) {
	_cleanup_(buffer_free) struct buffer secrets = {}, description = {};
	TRY(read_secrets(making, &secrets));
	TRY(read_size(making, &made->size));
	TRY(write_description(made, &description));
	TRY(archive_begin(making->writer, buffer_bytes(&description)));
	TRY(put_small(making, "installation.json", false));
	TRY(put_small(making, "root-key", false));
	TRY(put_small(making, "public/checkpoint", true));
	TRY(put_small(making, "public/checkpoint.witnessed", true));
	TRY(put_folder(making, "ledger/segments"));
	TRY(put_folder(making, "ledger/cut"));
	TRY(put_blobs(making));
	TRY(put_secrets(making, &secrets));
	return archive_end(making->writer);
}

static enum status
attempt(const struct io *io, const char *directory, const char *out, const struct bytes *recipients, size_t count,
	struct backup_made *made) {
	_cleanup_(sealed_writer_close) struct sealed_writer *writer = nullptr;
	TRY(sealed_writer_create(io, out, recipients, count, &writer));
	enum status status = put_all(&(struct making){io, directory, writer}, made);
	if (status == OK)
		status = sealed_writer_finish(writer, &made->archive);
	if (status == OK)
		return OK;
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	IGNORE_STATUS(io_unlink(io, out)); /* what is incomplete says so itself */
	return fail(status, "%s", why);
}

enum status
backup_make(const struct io *io, const char *directory, const char *out, const struct bytes *recipients, size_t count,
	    struct backup_made *made) {
	enum status status = STATUS_UNAVAILABLE;
	for (unsigned i = 0; i < ATTEMPTS && status == STATUS_UNAVAILABLE; i++) {
		*made = (struct backup_made){.taken_ms = io_realtime_ns(io) / 1'000'000};
		status = attempt(io, directory, out, recipients, count, made);
	}
	return status;
}

enum status
backup_note_write(const struct backup_made *made, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_hex(&w, "archive", hash256_bytes(&made->archive));
	json_write_member_integer(&w, "size", (int64_t)made->size);
	json_write_member_integer(&w, "taken_at", made->taken_ms);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* --- Restoring. --- */

struct restoring {
	const struct backup_source *source;
	struct backup_restored *restored;
	char staging[PATH_MAX];
	struct installation installation;
	struct ledger *ledger;
	struct high_water *high_water;
	struct mark known; /* what the mark outside says; size 0: nothing */
	bool has_mark;
};

static void
restoring_free(struct restoring *restoring) {
	ledger_close(&restoring->ledger);
	high_water_close(&restoring->high_water);
	installation_close(&restoring->installation);
}

static enum status
refuse_name(void *context, const char *name) {
	return fail(STATUS_CONFLICT, "backup.exists: %s holds \"%s\"", (const char *)context, name);
}

static enum status
check_empty(const struct io *io, const char *directory) {
	enum status status = io_list_directory(io, directory, refuse_name, (void *)(uintptr_t)directory);
	return status == STATUS_NOT_FOUND ? OK : status;
}

static enum status
hash_archive(const struct backup_source *source, struct hash256 *hash) {
	_cleanup_(sha256_stream_destroy) struct sha256_stream *stream = nullptr;
	uint8_t block[64 * 1024];
	size_t got = 1;
	int file;
	TRY(sha256_stream_create(&stream));
	TRY(io_open(source->io, source->archive, IO_READ, &file));
	enum status status = OK;
	for (uint64_t at = 0; status == OK && got > 0; at += got) {
		status = io_read_at(source->io, file, at, block, sizeof block, &got);
		if (status == OK)
			sha256_stream_add(stream, bytes_of(block, got));
	}
	IGNORE_STATUS(io_close(source->io, file)); /* read only */
	*hash = sha256_stream_finish(stream);
	return status;
}

static enum status
read_description(struct sealed_reader *reader, struct backup_restored *restored) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	const json *description;
	struct bytes type;
	TRY(archive_read_description(reader, &text));
	enum status status = json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &description);
	if (status == OK)
		status = json_need_string(description, "backup", "type", &type);
	if (status == OK)
		status = json_need_integer(description, "backup", "taken_at", &restored->taken_ms);
	if (status != OK)
		return fail(STATUS_CORRUPT, "backup.description: %s", fail_message());
	return bytes_equal_text(type, TYPE)
		       ? OK
		       : fail(STATUS_UNSUPPORTED, "backup.type: \"%.*s\" is not known to this program",
			      (int)(type.len > 64 ? 64 : type.len), (const char *)type.data);
}

static enum status
unpack(struct restoring *restoring) {
	const struct backup_source *source = restoring->source;
	_cleanup_(sealed_reader_close) struct sealed_reader *reader = nullptr;
	struct archive_file file;
	TRY(sealed_reader_open(source->io, source->archive, source->private_key, &reader));
	TRY(read_description(reader, restoring->restored));
	TRY(io_make_directory(source->io, restoring->staging));
	static const char *const folders[] = {"ledger", "ledger/segments", "ledger/cut", "blobs", "public"};
	for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
		char path[PATH_MAX];
		TRY(make_path(path, restoring->staging, folders[i]));
		TRY(io_make_directory(source->io, path));
		TRY(io_sync_parent(source->io, path));
	}
	for (bool more = true; more;) {
		TRY(archive_next(reader, &file, &more));
		if (more)
			TRY(archive_take_file(reader, &file, source->io, restoring->staging));
	}
	return OK;
}

static enum status
check_genesis(void *context, const struct ledger_record *record) {
	const struct restoring *restoring = context;
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	if (record->index != 0)
		return OK;
	TRY(entry_read(&arena, record->leaf, &entry));
	return installation_check_genesis(&restoring->installation, entry.document);
}

static enum status
open_log(struct restoring *restoring) {
	const struct backup_source *source = restoring->source;
	static const char *const heads[] = {"public/checkpoint", "public/checkpoint.witnessed"};
	struct ledger_pin pins[ARRAY_LENGTH(heads)];
	size_t pin_count = 0;
	char path[PATH_MAX];
	TRY(installation_open(source->io, restoring->staging, source->root_source, source->given,
			      &restoring->installation));
	for (size_t i = 0; i < ARRAY_LENGTH(heads); i++) {
		bool is_set;
		TRY(make_path(path, restoring->staging, heads[i]));
		const struct checkpoint_target target = {
			.io = source->io, .path = path, .keys = &restoring->installation.keys};
		pins[pin_count].what = "a head in the backup";
		TRY(checkpoint_target_read(&target, &pins[pin_count].mark, &is_set));
		pin_count += is_set;
	}
	TRY(make_path(path, restoring->staging, "ledger"));
	struct ledger_config config = {.io = source->io,
				       .directory = path,
				       .signer = &restoring->installation.signer,
				       .pins = pins,
				       .pin_count = pin_count,
				       .replay = check_genesis,
				       .context = restoring};
	TRY(ledger_open(&config, &restoring->ledger));
	struct ledger_head head;
	ledger_durable_head(restoring->ledger, &head);
	restoring->restored->mark = (struct mark){head.head.size, head.head.root};
	return OK;
}

/* A mark that knows more than the backup says how much would be lost. */
static enum status
check_mark(struct restoring *restoring) {
	const struct backup_source *source = restoring->source;
	struct backup_restored *restored = restoring->restored;
	struct high_water_config config = {.guard = source->guard,
					   .io = source->io,
					   .origin = bytes_of_text(restoring->installation.origin),
					   .data_directory = source->directory,
					   .path = source->guard_path};
	TRY(high_water_open(&config, &restoring->high_water));
	enum status status = high_water_read(restoring->high_water, &restoring->known, &restoring->has_mark);
	if (status == STATUS_NOT_FOUND)
		return OK; /* another machine */
	TRY(status);
	if (!restoring->has_mark || ledger_had_head(restoring->ledger, &restoring->known) == OK)
		return OK;
	if (restoring->known.size <= restored->mark.size)
		return fail(
			STATUS_CONFLICT,
			"backup.fork: the mark's head of %llu entries is not one of this log: the backup is of another",
			(unsigned long long)restoring->known.size);
	restored->lost = restoring->known.size - restored->mark.size;
	if (source->accept_loss == restored->lost)
		return OK;
	return fail(STATUS_CONFLICT,
		    "backup.behind: the log had %llu entries, the backup has %llu: %llu would be lost, and with them "
		    "what they "
		    "say was signed; it must be said that this is accepted",
		    (unsigned long long)restoring->known.size, (unsigned long long)restored->mark.size,
		    (unsigned long long)restored->lost);
}

static enum status
record(struct restoring *restoring) {
	const struct backup_restored *restored = restoring->restored;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_hex(&w, "archive", hash256_bytes(&restored->archive));
	json_write_member_integer(&w, "lost", (int64_t)restored->lost);
	if (restored->lost > 0)
		json_write_member_hex(&w, "lost_root", hash256_bytes(&restoring->known.root));
	json_write_member_hex(&w, "root", hash256_bytes(&restored->mark.root));
	json_write_member_integer(&w, "size", (int64_t)restored->mark.size);
	json_write_member_integer(&w, "taken_at", restored->taken_ms);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	TRY(ledger_record_cuts(restoring->ledger));
	return ledger_append(restoring->ledger,
			     &(struct ledger_entry){.type = ENTRY_RESTORE, .body = buffer_bytes(&body)}, 1, nullptr);
}

/* Entry, then row, as when they were erased first. */
static enum status
erase_again(struct restoring *restoring) {
	const struct backup_source *source = restoring->source;
	for (size_t i = 0; i < source->erased_count; i++) {
		_cleanup_(buffer_free) struct buffer body = {};
		TRY(erasures_write_entry(source->erased[i], (struct bytes){}, ledger_time_ms(restoring->ledger),
					 &body));
		TRY(ledger_append(restoring->ledger,
				  &(struct ledger_entry){.type = ENTRY_ERASED, .body = buffer_bytes(&body)}, 1,
				  nullptr));
		TRY(secrets_destroy(restoring->installation.secrets, "subject", source->erased[i]));
	}
	return OK;
}

/* The data first: a mark that is behind its log marks less, one ahead of it would stop the start. */
static enum status
put_in_place(struct restoring *restoring) {
	const struct backup_source *source = restoring->source;
	struct ledger_head head;
	ledger_durable_head(restoring->ledger, &head);
	ledger_close(&restoring->ledger);
	installation_close(&restoring->installation);
	IGNORE_STATUS(io_unlink(source->io, source->directory)); /* an empty one */
	TRY(io_rename(source->io, restoring->staging, source->directory));
	TRY(io_sync_parent(source->io, source->directory));
	if (source->guard != ROLLBACK_PATH)
		return OK;
	if (restoring->has_mark)
		TRY(io_unlink(source->io, source->guard_path));
	return high_water_begin(restoring->high_water, &(struct mark){head.head.size, head.head.root});
}

enum status
backup_restore(const struct backup_source *source, struct backup_restored *restored) {
	_cleanup_(restoring_free) struct restoring restoring = {.source = source, .restored = restored};
	*restored = (struct backup_restored){};
	if ((size_t)snprintf(restoring.staging, sizeof restoring.staging, "%s.restoring", source->directory) >=
	    sizeof restoring.staging)
		return fail(STATUS_INVALID, "io.path: too long: %s", source->directory);
	TRY(check_empty(source->io, source->directory));
	TRY(check_empty(source->io, restoring.staging));
	TRY(hash_archive(source, &restored->archive));
	TRY(unpack(&restoring));
	TRY(open_log(&restoring));
	TRY(check_mark(&restoring));
	TRY(record(&restoring));
	TRY(erase_again(&restoring));
	return put_in_place(&restoring);
}
