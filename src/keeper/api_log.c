/* What is read of the log: heads, receipts, tiles. */
#include <stdio.h>

#include "keeper/api_reads.h"
#include "keeper/reading.h"
#include "keeper/respond.h"
#include "ledger/tile.h"

/* "?cosigned=1": in the newest head that the witness quorum cosigned, with its cosignatures. */
static bool
wants_cosigned(const struct route_match *match) {
	return bytes_equal_text(match->query, "cosigned=1");
}

/* OK also where no head is cosigned: size 0. */
static enum status
find_cosigned(const struct keeper *keeper, struct commit *cosigned) {
	return keeper->witnessing == nullptr ? OK
					     : witnessing_newest(keeper->witnessing, &cosigned->size, &cosigned->note);
}

static void
cosigned_free(struct commit *cosigned) {
	buffer_free(&cosigned->note);
}

/* A slow read's answer; takes the bytes over. */
static void
give_slowly(struct job *job, const char *content_type, struct buffer *body) {
	job->content_type = content_type;
	job->body = *body;
	*body = (struct buffer){};
}

static enum status
write_receipt(struct job *job, const struct route_match *match, uint64_t index) {
	_cleanup_(buffer_free) struct buffer bytes = {}, receipt = {};
	_cleanup_(cosigned_free) struct commit cosigned = {};
	struct ledger_record record;
	bool is_cosigned = wants_cosigned(match);
	TRY(ledger_read(job->keeper->ledger, index, &bytes, &record));
	TRY(keeper_read_check_leaf(job, record.leaf));
	if (is_cosigned)
		TRY(find_cosigned(job->keeper, &cosigned));
	if (is_cosigned && cosigned.size <= index)
		return fail(STATUS_NOT_FOUND,
			    "receipt.not_cosigned: the newest cosigned head has %llu entries, this is %llu",
			    (unsigned long long)cosigned.size, (unsigned long long)index);
	TRY(keeper_write_receipt(job->keeper, index, is_cosigned ? &cosigned : nullptr, record.leaf, &receipt));
	give_slowly(job, "text/plain; charset=utf-8", &receipt);
	return OK;
}

enum status
api_read_receipt(struct job *job, const struct route_match *match) {
	return write_receipt(job, match, job->index);
}

static enum status
read_cosigned_checkpoint(struct job *job) {
	_cleanup_(cosigned_free) struct commit cosigned = {};
	TRY(find_cosigned(job->keeper, &cosigned));
	if (cosigned.size == 0)
		return fail(STATUS_NOT_FOUND,
			    "checkpoint.not_cosigned: no head is known that the witness quorum cosigned");
	keeper_send_body(job->keeper, job, 200, "text/plain; charset=utf-8", buffer_bytes(&cosigned.note));
	return OK;
}

enum status
api_read_checkpoint(struct job *job, const struct route_match *match) {
	if (wants_cosigned(match))
		return read_cosigned_checkpoint(job);
	_cleanup_(buffer_free) struct buffer note = {};
	struct ledger_head head;
	ledger_durable_head(job->keeper->ledger, &head);
	head_format(&note, &job->keeper->installation->keys, &head.head, &head.signatures);
	TRY(buffer_status(&note));
	keeper_send_body(job->keeper, job, 200, "text/plain; charset=utf-8", buffer_bytes(&note));
	return OK;
}

/* The receipt of an entry, the entry itself inside. */
enum status
api_read_entry(struct job *job, const struct route_match *match) {
	uint64_t index;
	TRY(decimal_decode(match->path.values[0], &index));
	return write_receipt(job, match, index);
}

enum status
api_read_tile(struct job *job, const struct route_match *match) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct tile_name name;
	char path[512];
	if (match->path.values[0].len >= sizeof path - 8)
		return fail(STATUS_NOT_FOUND, "tile.path: too long");
	snprintf(path, sizeof path, "tile/%.*s", BYTES_ARGS(match->path.values[0]));
	TRY(tile_parse_path(bytes_of_text(path), &name));
	TRY(tile_read_file(job->keeper->config.io, job->keeper->public_path, &name, &body));
	give_slowly(job, "application/octet-stream", &body);
	return OK;
}
