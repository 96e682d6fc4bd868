#include "cli/log_files.h"

#include <sys/stat.h>

#include "cli/output.h"
#include "store/segment.h"

static enum status
visit_frame(void *context, const struct frame *frame, struct frame_place) {
	struct log_visit *log = context;
	struct frame_iterator entries = {frame->entries};
	if (frame->first_index != log->next)
		return fail(STATUS_CORRUPT, "ledger.gap: entry %llu follows entry %llu",
			    (unsigned long long)frame->first_index, (unsigned long long)log->next);
	for (struct bytes leaf; frame_next_entry(&entries, &leaf); log->next++)
		TRY(log->visit(log->context, log->next, leaf));
	return OK;
}

/* A data directory holds "ledger"; else it is the ledger itself. */
static enum status
find_ledger(struct arena *arena, const char *given, const char **ledger) {
	struct stat found;
	*ledger = arena_format(arena, "%s/ledger", given);
	TRY_ALLOC(*ledger);
	if (stat(*ledger, &found) != 0 || !S_ISDIR(found.st_mode))
		*ledger = given;
	return OK;
}

enum status
log_files_visit(struct arena *arena, const char *directory, struct log_visit *log) {
	struct read_only_io io = read_only_io_over(io_system()); /* outlives what closes through it */
	_cleanup_(segments_close) struct segments *segments = nullptr;
	struct segments_config config = {.io = &io.io};
	struct segment_tail tail;
	TRY(find_ledger(arena, directory, &config.directory));
	TRY(segments_read_identity(&io.io, config.directory, &config.identity));
	TRY(segments_open(&config, &segments));
	TRY(segments_scan(segments, 0, visit_frame, log, &tail));
	if (tail.is_damaged && !log->is_quiet)
		output_note("gatehouse: the log ends in an incomplete frame: %s", tail.reason);
	return OK;
}
