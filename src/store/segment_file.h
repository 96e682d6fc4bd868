/*
 * The state of open segments, shared by appending (segment.c) and recovery (segment_recovery.c); nobody else includes it.
 */
#ifndef GATEHOUSE_STORE_SEGMENT_FILE_H
#define GATEHOUSE_STORE_SEGMENT_FILE_H

#include <limits.h>
#include <pthread.h>

#include "store/segment.h"

constexpr size_t SEGMENT_HEADER_SIZE = FRAME_ALIGNMENT; /* what it says takes 64 bytes, the rest is zeros */

struct segments {
	const struct io *io;
	char directory[PATH_MAX];
	struct hash256 identity;
	uint64_t first_size, size;
	enum status (*between_pieces)(void *context);
	void *context;
	uint32_t count; /* segments there are, the prepared one included; fixed while opening, then under the mutex */

	pthread_mutex_t mutex;
	uint32_t current; /* the segment that is appended to */
	int file;         /* of the current segment, or -1 */
	uint64_t offset;  /* where the next frame goes */
	uint64_t current_size;
	bool next_is_ready;
	uint64_t next_size;
};

enum status segment_make_path(char path[PATH_MAX], const char *directory, const char *name);
/* Opens and checks its header. */
enum status segment_open(const struct segments *segments, uint32_t segment, int flags, int *file, uint64_t *size);

#endif
