#include "store/high_water.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "crypto/random.h"

constexpr int64_t ADVANCE_INTERVAL_NS = 1'000'000'000;
constexpr size_t FILE_SIZE_MAX = 4096;

struct high_water {
	enum rollback_guard guard;
	const struct io *io;
	struct buffer origin;
	char path[PATH_MAX];
	pthread_mutex_t mutex;
	struct mark written;
	int64_t written_at_ns; /* boot time; 0: not yet */
	/* witness */
	struct mark cosigned;
	bool has_cosigned, is_started;
	uint64_t start_index; /* UINT64_MAX until the entry has an index */
};

static const char *const guard_names[] = {
	[ROLLBACK_NONE] = "none",
	[ROLLBACK_PATH] = "path",
	[ROLLBACK_WITNESS] = "witness",
};

const char *
rollback_guard_name(enum rollback_guard guard) {
	return guard_names[guard];
}

/* The next name of a path, past slashes and "."; false at its end. */
static bool
next_name(const char **path, struct bytes *name) {
	do {
		*path += strspn(*path, "/");
		*name = bytes_of(*path, strcspn(*path, "/"));
		*path += name->len;
	} while (bytes_equal_text(*name, "."));
	return name->len > 0;
}

static enum status
check_form(const char *path) {
	struct bytes name;
	bool is_plain = path[0] == '/';
	for (const char *rest = path; next_name(&rest, &name);)
		is_plain = is_plain && !bytes_equal_text(name, "..");
	return is_plain ? OK
			: fail(STATUS_INVALID, "high_water.path: %s: expected an absolute path without \"..\"", path);
}

/* A mark that is restored together with what it guards is none. */
static enum status
check_outside(const char *path, const char *directory) {
	struct bytes name, above;
	TRY(check_form(path));
	TRY(check_form(directory));
	for (const char *rest = path, *outer = directory; next_name(&outer, &above);)
		if (!next_name(&rest, &name) || !bytes_equal(name, above))
			return OK;
	return fail(STATUS_INVALID, "high_water.inside: %s lies in the data directory %s", path, directory);
}

enum status
high_water_open(const struct high_water_config *config, struct high_water **high_water) {
	if (config->guard == ROLLBACK_PATH)
		TRY(check_outside(config->path, config->data_directory));
	_cleanup_(high_water_close) struct high_water *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	pthread_mutex_init(&opened->mutex, nullptr);
	opened->guard = config->guard;
	opened->io = config->io;
	opened->start_index = UINT64_MAX;
	buffer_append_bytes(&opened->origin, config->origin);
	TRY(buffer_status(&opened->origin));
	if (config->guard == ROLLBACK_PATH &&
	    (size_t)snprintf(opened->path, sizeof opened->path, "%s", config->path) >= sizeof opened->path)
		return fail(STATUS_INVALID, "io.path: too long: %s", config->path);
	*high_water = TAKE(opened);
	return OK;
}

void
high_water_close(struct high_water **high_water) {
	if (*high_water == nullptr)
		return;
	struct high_water *gone = TAKE(*high_water);
	buffer_free(&gone->origin);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

/* --- The file. --- */

static enum status
write_mark(struct high_water *high_water, const struct mark *mark) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(mark_format(mark, buffer_bytes(&high_water->origin), &text));
	TRY(io_replace_file(high_water->io, high_water->path, buffer_bytes(&text)));
	high_water->written = *mark;
	high_water->written_at_ns = io_boottime_ns(high_water->io);
	return OK;
}

static enum status
read_file_mark(struct high_water *high_water, struct mark *mark) {
	_cleanup_(buffer_free) struct buffer text = {};
	enum status status = io_read_file(high_water->io, high_water->path, FILE_SIZE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return fail(STATUS_NOT_FOUND, "high_water.missing: there is no mark at %s", high_water->path);
	TRY(status);
	return mark_parse(buffer_bytes(&text), buffer_bytes(&high_water->origin), mark);
}

enum status
high_water_begin(struct high_water *high_water, const struct mark *mark) {
	int file;
	if (high_water->guard != ROLLBACK_PATH)
		return OK;
	if (io_open(high_water->io, high_water->path, IO_READ, &file) == OK) {
		IGNORE_STATUS(io_close(high_water->io, file)); /* nothing was written */
		return fail(STATUS_CONFLICT, "high_water.exists: there is a mark at %s", high_water->path);
	}
	return write_mark(high_water, mark);
}

enum status
high_water_read(struct high_water *high_water, struct mark *mark, bool *is_set) {
	*mark = (struct mark){};
	*is_set = false;
	pthread_mutex_lock(&high_water->mutex);
	enum status status = OK;
	if (high_water->guard == ROLLBACK_PATH) {
		status = read_file_mark(high_water, mark);
		if (status == OK)
			high_water->written = *mark;
		*is_set = status == OK;
	} else if (high_water->guard == ROLLBACK_WITNESS && high_water->has_cosigned) {
		*mark = high_water->cosigned;
		*is_set = true;
	}
	pthread_mutex_unlock(&high_water->mutex);
	return status;
}

enum status
high_water_advance(struct high_water *high_water, const struct mark *mark, bool now) {
	enum status status = OK;
	if (high_water->guard != ROLLBACK_PATH)
		return OK;
	pthread_mutex_lock(&high_water->mutex);
	bool is_due = now || high_water->written_at_ns == 0 ||
		      io_boottime_ns(high_water->io) - high_water->written_at_ns >= ADVANCE_INTERVAL_NS;
	if (mark->size < high_water->written.size)
		status = fail(STATUS_CONFLICT, "high_water.behind: the log has %llu entries, the mark says %llu",
			      (unsigned long long)mark->size, (unsigned long long)high_water->written.size);
	else if (is_due && !mark_equal(mark, &high_water->written))
		status = write_mark(high_water, mark);
	pthread_mutex_unlock(&high_water->mutex);
	return status;
}

/* --- witness --- */

void
high_water_start(struct high_water *high_water, uint8_t nonce[HIGH_WATER_NONCE_SIZE]) {
	random_bytes(nonce, HIGH_WATER_NONCE_SIZE);
	pthread_mutex_lock(&high_water->mutex);
	high_water->is_started = true;
	high_water->start_index = UINT64_MAX;
	pthread_mutex_unlock(&high_water->mutex);
}

void
high_water_started(struct high_water *high_water, uint64_t index) {
	pthread_mutex_lock(&high_water->mutex);
	high_water->start_index = index;
	pthread_mutex_unlock(&high_water->mutex);
}

void
high_water_cosigned(struct high_water *high_water, const struct mark *head) {
	pthread_mutex_lock(&high_water->mutex);
	if (!high_water->has_cosigned || head->size > high_water->cosigned.size) {
		high_water->cosigned = *head;
		high_water->has_cosigned = true;
	}
	pthread_mutex_unlock(&high_water->mutex);
}

enum status
high_water_may_decide(struct high_water *high_water) {
	if (high_water->guard != ROLLBACK_WITNESS)
		return OK;
	pthread_mutex_lock(&high_water->mutex);
	bool may = high_water->is_started && high_water->start_index != UINT64_MAX && high_water->has_cosigned &&
		   high_water->cosigned.size > high_water->start_index;
	pthread_mutex_unlock(&high_water->mutex);
	return may ? OK
		   : fail(STATUS_UNAVAILABLE, "high_water.not_cosigned: the witness quorum has not cosigned a head "
					      "with this start's entry");
}
