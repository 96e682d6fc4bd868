#include "store/segment.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "store/segment_file.h"

static const uint8_t magic[8] = "GHSEGMT\n";
constexpr size_t HEADER_USED = 64;
constexpr size_t HEADER_IDENTITY = 24;
constexpr size_t HEADER_CHECKED = HEADER_USED - sizeof(uint32_t);
constexpr size_t PIECE = 1024 * 1024; /* of zeros, when a segment is prepared: written and synced */
constexpr uint32_t SEGMENTS_MAX = 99'999'999;

enum status
segment_make_path(char path[PATH_MAX], const char *directory, const char *name) {
	if ((size_t)snprintf(path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s/%s", directory, name);
	return OK;
}

static enum status
segment_path(const struct segments *segments, uint32_t segment, const char *suffix, char path[PATH_MAX]) {
	char name[64];
	snprintf(name, sizeof name, "segments/%08u.segment%s", segment, suffix);
	return segment_make_path(path, segments->directory, name);
}

/* --- Headers. --- */

static void
store_header(const struct segments *segments, uint32_t segment, uint64_t size, uint8_t header[SEGMENT_HEADER_SIZE]) {
	memset(header, 0, SEGMENT_HEADER_SIZE);
	memcpy(header, magic, sizeof magic);
	header[8] = SEGMENT_VERSION >> 8;
	header[9] = SEGMENT_VERSION & 0xff;
	store_u32be(header + 12, segment);
	store_u64be(header + 16, size);
	memcpy(header + HEADER_IDENTITY, segments->identity.bytes, sizeof segments->identity.bytes);
	store_u32be(header + HEADER_CHECKED, crc32c(0, bytes_of(header, HEADER_CHECKED)));
}

static enum status
check_form(uint32_t segment, struct bytes header) {
	if (header.len < HEADER_USED || memcmp(header.data, magic, sizeof magic) != 0)
		return fail(STATUS_CORRUPT, "segment.magic: segment %u is not one", segment);
	if (load_u32be(header.data + HEADER_CHECKED) != crc32c(0, bytes_of(header.data, HEADER_CHECKED)))
		return fail(STATUS_CORRUPT, "segment.header_crc: segment %u", segment);
	unsigned version = (unsigned)header.data[8] << 8 | header.data[9];
	if (version != SEGMENT_VERSION)
		return fail(STATUS_UNSUPPORTED, "segment.version: segment %u has version %u, this program reads %u",
			    segment, version, SEGMENT_VERSION);
	return OK;
}

static enum status
check_header(const struct segments *segments, uint32_t segment, struct bytes header, uint64_t size) {
	TRY(check_form(segment, header));
	if (load_u32be(header.data + 12) != segment)
		return fail(STATUS_CORRUPT, "segment.number: segment %u says that it is %u", segment,
			    load_u32be(header.data + 12));
	if (load_u64be(header.data + 16) != size || size > SEGMENT_SIZE_MAX)
		return fail(STATUS_CORRUPT, "segment.size: segment %u has %llu bytes, expected %llu", segment,
			    (unsigned long long)size, (unsigned long long)load_u64be(header.data + 16));
	if (memcmp(header.data + HEADER_IDENTITY, segments->identity.bytes, sizeof segments->identity.bytes) != 0)
		return fail(STATUS_CORRUPT, "segment.identity: segment %u belongs to another log", segment);
	return OK;
}

static const char FIRST_SEGMENT[] = "segments/00000001.segment";

enum status
segments_read_identity(const struct io *io, const char *directory, struct hash256 *identity) {
	char path[PATH_MAX];
	uint8_t header[HEADER_USED];
	size_t got = 0;
	int file;
	TRY(segment_make_path(path, directory, FIRST_SEGMENT));
	enum status status = io_open(io, path, IO_READ, &file);
	if (status == STATUS_NOT_FOUND)
		return fail(
			STATUS_NOT_FOUND,
			"segment.none: there is no log in %s, expected a data directory or the ledger in one, with %s",
			directory, FIRST_SEGMENT);
	TRY(status);
	status = io_read_at(io, file, 0, header, sizeof header, &got);
	IGNORE_STATUS(io_close(io, file)); /* nothing was written */
	TRY(status);
	TRY(check_form(1, bytes_of(header, got)));
	memcpy(identity->bytes, header + HEADER_IDENTITY, sizeof identity->bytes);
	return OK;
}

enum status
segment_open(const struct segments *segments, uint32_t segment, int flags, int *file, uint64_t *size) {
	char path[PATH_MAX];
	uint8_t header[HEADER_USED];
	size_t got;
	TRY(segment_path(segments, segment, "", path));
	TRY(io_open(segments->io, path, flags, file));
	enum status status = io_size(segments->io, *file, size);
	if (status == OK)
		status = io_read_at(segments->io, *file, 0, header, sizeof header, &got);
	if (status == OK)
		status = check_header(segments, segment, bytes_of(header, got), *size);
	if (status != OK)
		IGNORE_STATUS(io_close(segments->io, *file)); /* the check's failure is the one to report */
	return status;
}

/* --- Making segments. --- */

static void
free_piece(uint8_t **piece) {
	free(*piece);
}

/* Past the page cache: copying zeros there, and finding pages for them, took more time than all that becomes of an entry in
 * the log, and left less of the cache for what is read. */
static enum status
write_segment(const struct segments *segments, int file, uint32_t segment, uint64_t size) {
	_cleanup_(free_piece) uint8_t *piece = aligned_alloc(IO_DIRECT_ALIGNMENT, PIECE);
	TRY_ALLOC(piece);
	memset(piece, 0, PIECE);
	for (uint64_t at = 0; at < size; at += PIECE) {
		TRY(io_write_at(segments->io, file, at, piece, size - at < PIECE ? (size_t)(size - at) : PIECE));
		TRY(io_sync_data(segments->io,
				 file)); /* many short syncs delay the frames of the path less than one long one */
		if (segments->between_pieces != nullptr && size - at > PIECE)
			TRY(segments->between_pieces(segments->context));
	}
	store_header(segments, segment, size, piece);
	TRY(io_write_at(segments->io, file, 0, piece, SEGMENT_HEADER_SIZE));
	return io_sync_data(segments->io, file);
}

/* Under its name only when every byte of it is durable. */
static enum status
make_segment(const struct segments *segments, uint32_t segment, uint64_t size) {
	char beside[PATH_MAX], path[PATH_MAX], directory[PATH_MAX];
	int file;
	TRY(segment_path(segments, segment, ".new", beside));
	TRY(segment_path(segments, segment, "", path));
	TRY(segment_make_path(directory, segments->directory, "segments"));
	TRY(io_open(segments->io, beside, IO_WRITE | IO_CREATE | IO_TRUNCATE | IO_DIRECT, &file));
	enum status status = write_segment(segments, file, segment, size);
	enum status closed = io_close(segments->io, file);
	if (status == OK)
		status = closed;
	if (status != OK) {
		IGNORE_STATUS(
			io_unlink(segments->io, beside)); /* gives the space back; a leftover is removed at start */
		return status;
	}
	TRY(io_rename(segments->io, beside, path));
	return io_sync_directory(segments->io, directory);
}

static enum status
segments_init(const struct segments_config *config, struct segments *segments) {
	*segments = (struct segments){
		.io = config->io,
		.identity = config->identity,
		.between_pieces = config->between_pieces,
		.context = config->context,
		.first_size = config->first_size != 0 ? config->first_size : SEGMENT_SIZE_FIRST,
		.size = config->size != 0 ? config->size : SEGMENT_SIZE,
		.file = -1,
	};
	if (segments->first_size < SEGMENT_SIZE_MIN || segments->first_size > SEGMENT_SIZE_MAX ||
	    segments->size < SEGMENT_SIZE_MIN || segments->size > SEGMENT_SIZE_MAX ||
	    (segments->first_size | segments->size) % FRAME_ALIGNMENT != 0)
		return fail(STATUS_INVALID,
			    "segment.configured_size: %llu and %llu bytes, expected multiples of %zu from %llu to %llu",
			    (unsigned long long)segments->first_size, (unsigned long long)segments->size,
			    FRAME_ALIGNMENT, (unsigned long long)SEGMENT_SIZE_MIN,
			    (unsigned long long)SEGMENT_SIZE_MAX);
	if ((size_t)snprintf(segments->directory, sizeof segments->directory, "%s", config->directory) >=
	    sizeof segments->directory)
		return fail(STATUS_INVALID, "io.path: too long: %s", config->directory);
	return OK;
}

enum status
segments_create(const struct segments_config *config) {
	struct segments *segments = malloc(sizeof *segments);
	char path[PATH_MAX];
	int file;
	TRY_ALLOC(segments);
	enum status status = segments_init(config, segments);
	const char *const directories[] = {"segments", "cut"};
	for (size_t i = 0; status == OK && i < ARRAY_LENGTH(directories); i++) {
		status = segment_make_path(path, config->directory, directories[i]);
		if (status == OK)
			status = io_make_directory(config->io, path);
	}
	if (status == OK)
		status = io_sync_directory(config->io, config->directory);
	if (status == OK)
		status = segment_path(segments, 1, "", path);
	if (status == OK && io_open(config->io, path, IO_READ, &file) == OK) {
		IGNORE_STATUS(io_close(config->io, file)); /* nothing was written */
		status = fail(STATUS_CONFLICT, "segment.exists: there is a log in %s", config->directory);
	}
	if (status == OK)
		status = make_segment(segments, 1, segments->first_size);
	free(segments);
	return status;
}

/* --- Opening. --- */

struct listing {
	struct segments *segments;
	const char *directory;
	uint64_t found, greatest;
};

static enum status
visit_segment_name(void *context, const char *name) {
	struct listing *listing = context;
	char path[PATH_MAX], expected[64];
	unsigned number = 0;
	if (sscanf(name, "%8u.segment", &number) == 1 && number > 0) {
		snprintf(expected, sizeof expected, "%08u.segment", number);
		if (strcmp(name, expected) == 0) {
			listing->found++;
			listing->greatest = number > listing->greatest ? number : listing->greatest;
			return OK;
		}
		snprintf(expected, sizeof expected, "%08u.segment.new", number);
		if (strcmp(name, expected) == 0) { /* its preparation was interrupted */
			TRY(segment_make_path(path, listing->directory, name));
			return io_unlink(listing->segments->io, path);
		}
	}
	return fail(STATUS_CORRUPT, "segment.name: %s/%s is not a segment", listing->directory, name);
}

enum status
segments_open(const struct segments_config *config, struct segments **segments) {
	char directory[PATH_MAX];
	_cleanup_(segments_close) struct segments *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	pthread_mutex_init(&opened->mutex, nullptr);
	TRY(segments_init(config, opened));
	TRY(segment_make_path(directory, opened->directory, "segments"));
	struct listing listing = {.segments = opened, .directory = directory};
	TRY(io_list_directory(opened->io, directory, visit_segment_name, &listing));
	if (listing.found == 0)
		return fail(STATUS_NOT_FOUND, "segment.none: there is no log in %s", config->directory);
	if (listing.found != listing.greatest)
		return fail(STATUS_CORRUPT, "segment.missing: %llu segments, the last is number %llu",
			    (unsigned long long)listing.found, (unsigned long long)listing.greatest);
	opened->count = (uint32_t)listing.greatest;
	/* A name may be there only in the cache of a process that ended. */
	TRY(io_sync_directory(opened->io, directory));
	*segments = TAKE(opened);
	return OK;
}

void
segments_close(struct segments **segments) {
	if (*segments == nullptr)
		return;
	struct segments *gone = TAKE(*segments);
	if (gone->file >= 0)
		IGNORE_STATUS(io_close(gone->io, gone->file)); /* what matters was synced */
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

/* --- Appending. --- */

static enum status
enter_next(struct segments *segments) {
	int file;
	uint64_t size;
	TRY(segment_open(segments, segments->current + 1, IO_WRITE, &file, &size));
	enum status closed = io_close(segments->io, segments->file);
	pthread_mutex_lock(&segments->mutex);
	segments->file = file;
	segments->current++;
	segments->current_size = size;
	segments->offset = SEGMENT_HEADER_SIZE;
	segments->next_is_ready = false;
	pthread_mutex_unlock(&segments->mutex);
	return closed;
}

enum status
segments_append(struct segments *segments, struct bytes frame, struct frame_place *place) {
	if (frame.len == 0 || frame.len % FRAME_ALIGNMENT != 0)
		return fail(STATUS_INTERNAL, "segment.alignment: a frame of %zu bytes", frame.len);
	if (frame.len > segments->current_size - segments->offset) {
		pthread_mutex_lock(&segments->mutex);
		bool next_fits = segments->next_is_ready && frame.len <= segments->next_size - SEGMENT_HEADER_SIZE;
		pthread_mutex_unlock(&segments->mutex);
		if (!next_fits)
			return fail(STATUS_UNAVAILABLE,
				    "segment.full: %llu bytes are left in segment %u, %zu are needed",
				    (unsigned long long)(segments->current_size - segments->offset), segments->current,
				    frame.len);
		TRY(enter_next(segments));
	}
	*place = (struct frame_place){segments->current, (uint32_t)segments->offset};
	TRY(io_write_at(segments->io, segments->file, segments->offset, frame.data, frame.len));
	pthread_mutex_lock(&segments->mutex);
	segments->offset += frame.len;
	pthread_mutex_unlock(&segments->mutex);
	return OK;
}

enum status
segments_sync(struct segments *segments) {
	return io_sync_data(segments->io, segments->file);
}

void
segments_room(struct segments *segments, struct segments_room *room) {
	pthread_mutex_lock(&segments->mutex);
	room->current = segments->current_size - segments->offset;
	room->current_size = segments->current_size;
	room->next = segments->next_is_ready ? segments->next_size - SEGMENT_HEADER_SIZE : 0;
	room->next_is_ready = segments->next_is_ready;
	room->is_growing = segments->current_size < segments->size;
	pthread_mutex_unlock(&segments->mutex);
}

static uint64_t
size_after(const struct segments *segments, uint64_t size) {
	return size > segments->size / 2 ? segments->size : 2 * size;
}

enum status
segments_prepare_next(struct segments *segments) {
	pthread_mutex_lock(&segments->mutex);
	uint32_t next = segments->current + 1;
	bool is_ready = segments->next_is_ready;
	uint64_t size = size_after(segments, segments->current_size);
	pthread_mutex_unlock(&segments->mutex);
	if (is_ready)
		return OK;
	if (next > SEGMENTS_MAX)
		return fail(STATUS_UNAVAILABLE, "segment.count: %u segments are written", next - 1);
	/* Until the next one is ready nobody leaves the current one, so its number stays right. */
	TRY(make_segment(segments, next, size));
	pthread_mutex_lock(&segments->mutex);
	segments->next_is_ready = true;
	segments->next_size = size;
	pthread_mutex_unlock(&segments->mutex);
	return OK;
}

/* --- Reading. --- */

static enum status
read_frame(const struct segments *segments, int file, struct frame_place place, struct buffer *bytes,
	   struct frame *frame) {
	size_t got;
	buffer_reset(bytes);
	if (!buffer_reserve(bytes, FRAME_ALIGNMENT))
		return buffer_status(bytes);
	TRY(io_read_at(segments->io, file, place.offset, bytes->data, FRAME_ALIGNMENT, &got));
	TRY(frame_parse_header(bytes_of(bytes->data, got), frame));
	size_t size = frame->size;
	if (size > FRAME_ALIGNMENT) {
		bytes->len = FRAME_ALIGNMENT;
		if (!buffer_reserve(bytes, size - FRAME_ALIGNMENT))
			return buffer_status(bytes);
		TRY(io_read_at(segments->io, file, place.offset + FRAME_ALIGNMENT, bytes->data + FRAME_ALIGNMENT,
			       size - FRAME_ALIGNMENT, &got));
		got += FRAME_ALIGNMENT;
	}
	bytes->len = got;
	return frame_parse(buffer_bytes(bytes), frame);
}

enum status
segments_read(struct segments *segments, struct frame_place place, struct buffer *bytes, struct frame *frame) {
	int file;
	uint64_t size;
	TRY(segment_open(segments, place.segment, IO_READ, &file, &size));
	enum status status = read_frame(segments, file, place, bytes, frame);
	IGNORE_STATUS(io_close(segments->io, file)); /* nothing was written */
	return status;
}

/* The header at place, or in the next segment where the writer went on there. */
enum status
segments_next(struct segments *segments, struct frame_place after, size_t size, struct frame_place *place,
	      struct frame *frame) {
	*place = (struct frame_place){after.segment, after.offset + (uint32_t)size};
	for (int tries = 0;; tries++) {
		uint8_t header[FRAME_HEADER_SIZE];
		size_t got = 0;
		int file;
		uint64_t segment_size;
		TRY(segment_open(segments, place->segment, IO_READ, &file, &segment_size));
		enum status status = io_read_at(segments->io, file, place->offset, header, sizeof header, &got);
		IGNORE_STATUS(io_close(segments->io, file)); /* nothing was written */
		TRY(status);
		status = frame_parse_header(bytes_of(header, got), frame);
		if (status == OK || tries == 1)
			return status;
		*place = (struct frame_place){place->segment + 1, SEGMENT_HEADER_SIZE};
	}
}
