#include "ledger/witness.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct bytes OLD = BYTES_OF_LITERAL("old ");
constexpr char TEXT[] = "text/plain; charset=utf-8";
constexpr char SIZE_TYPE[] = "text/x.tlog.size";
constexpr int64_t NS_PER_SECOND = 1'000'000'000;

struct witness {
	const struct io *io;
	char *directory;
	const struct tlog_policy *logs;
	const struct cosigner *cosigner;
	int lock;
};

enum status
witness_open(const struct io *io, const char *directory, const struct tlog_policy *logs,
	     const struct cosigner *cosigner, struct witness **witness) {
	_cleanup_(witness_close) struct witness *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	*opened = (struct witness){.io = io, .logs = logs, .cosigner = cosigner, .lock = -1};
	opened->directory = strdup(directory);
	TRY_ALLOC(opened->directory);
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/lock", directory) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s", directory);
	TRY(io_open(io, path, IO_WRITE | IO_CREATE, &opened->lock));
	enum status status = io_lock(io, opened->lock);
	if (status == STATUS_CONFLICT)
		return fail(STATUS_CONFLICT, "witness.locked: another witness uses %s", directory);
	TRY(status);
	*witness = TAKE(opened);
	return OK;
}

void
witness_close(struct witness **witness) {
	struct witness *closed = *witness;
	*witness = nullptr;
	if (closed == nullptr)
		return;
	if (closed->lock >= 0)
		IGNORE_STATUS(io_close(closed->io, closed->lock)); /* nothing was written through it */
	free(closed->directory);
	free(closed);
}

void
witness_answer_free(struct witness_answer *answer) {
	buffer_free(&answer->body);
}

[[gnu::format(printf, 3, 4)]] static enum status
answer_with(struct witness_answer *answer, int status, const char *format, ...) {
	char text[1200];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	answer->status = status;
	answer->content_type = TEXT;
	buffer_reset(&answer->body);
	buffer_append_text(&answer->body, text);
	buffer_append_byte(&answer->body, '\n');
	return buffer_status(&answer->body);
}

/* --- State: one file for each origin, the newest checkpoint that was cosigned --- */

struct cosigned {
	struct buffer text; /* empty: never cosigned */
	uint64_t size;
	struct hash256 root;
	uint64_t time_s;
};

static void
cosigned_free(struct cosigned *cosigned) {
	buffer_free(&cosigned->text);
}

static enum status
state_path(const struct witness *witness, const char hex[65], char path[PATH_MAX]) {
	if (snprintf(path, PATH_MAX, "%s/%s.checkpoint", witness->directory, hex) >= PATH_MAX)
		return fail(STATUS_INVALID, "io.path: too long: %s", witness->directory);
	return OK;
}

static void
origin_hex(struct bytes origin, char hex[65]) {
	struct hash256 hash = sha256(origin);
	hex_encode(hash256_bytes(&hash), hex);
}

/* What this witness signed before is believed only under its own two signatures. */
static enum status
check_state(const struct witness *witness, struct arena *arena, const char hex[65], struct cosigned *cosigned) {
	struct note *note = ARENA_NEW(arena, struct note);
	TRY_ALLOC(note);
	struct checkpoint checkpoint;
	uint64_t other_time_s;
	TRY(note_parse(arena, buffer_bytes(&cosigned->text), note));
	TRY(checkpoint_parse(note->text, &checkpoint));
	TRY(cosignature_verify(note, &checkpoint, &witness->cosigner->ed25519, &cosigned->time_s));
	TRY(cosignature_verify(note, &checkpoint, &witness->cosigner->mldsa44, &other_time_s));
	char own_hex[65];
	origin_hex(checkpoint.origin, own_hex);
	if (strcmp(own_hex, hex) != 0)
		return fail(STATUS_CORRUPT, "witness.origin: the state is of %.*s", BYTES_ARGS(checkpoint.origin));
	cosigned->size = checkpoint.size;
	cosigned->root = checkpoint.root;
	return OK;
}

static enum status
load_state(const struct witness *witness, struct arena *arena, const char hex[65], struct cosigned *cosigned) {
	char path[PATH_MAX];
	TRY(state_path(witness, hex, path));
	enum status status = io_read_file(witness->io, path, NOTE_SIZE_MAX, &cosigned->text);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	status = check_state(witness, arena, hex, cosigned);
	if (status == OK || status == STATUS_NO_MEMORY)
		return status;
	return fail(STATUS_CORRUPT, "witness.state: %s: %s", path, fail_message());
}

/* --- add-checkpoint --- */

struct submission {
	uint64_t old_size;
	struct proof proof;
	struct note note;
	struct checkpoint checkpoint;
};

static enum status
parse_submission(struct arena *arena, struct bytes request, struct submission *submission) {
	if (request.len > WITNESS_REQUEST_MAX)
		return fail(STATUS_TOO_LARGE, "witness.request: %zu bytes, at most %zu", request.len,
			    WITNESS_REQUEST_MAX);
	struct cursor cursor = cursor_of(request);
	struct bytes old, old_size;
	TRY(cursor_take(&cursor, "witness.old", OLD.len, &old));
	TRY(cursor_until(&cursor, "witness.old", '\n', &old_size));
	if (!bytes_equal(old, OLD) || decimal_decode(old_size, &submission->old_size) != OK)
		return fail(STATUS_INVALID, "witness.old: expected old and a decimal number");
	TRY(proof_parse_lines(&cursor, "witness.proof", &submission->proof));
	if (submission->proof.count > WITNESS_PROOF_MAX)
		return fail(STATUS_INVALID, "witness.proof: more than %zu hashes", WITNESS_PROOF_MAX);
	TRY(note_parse(arena, bytes_of(cursor.at, cursor.left), &submission->note));
	return checkpoint_parse(submission->note.text, &submission->checkpoint);
}

/* Both keys of a log that is pinned by two must have signed: with one of them forged, the witness still refuses. */
static enum status
check_signatures(const struct witness *witness, const struct submission *submission) {
	struct tlog_verdict verdict;
	TRY(tlog_policy_check(witness->logs, &submission->note, &submission->checkpoint, &verdict));
	for (size_t i = 0; i < tlog_policy_log_count(witness->logs); i++) {
		const struct note_key *key = &tlog_policy_log(witness->logs, i)->key;
		bool has_signed = key->type == NOTE_ED25519 ? verdict.has_ed25519 : verdict.has_mldsa44;
		if (bytes_equal(note_key_name(key), submission->checkpoint.origin) && !has_signed)
			return fail(STATUS_UNAUTHORIZED,
				    "witness.unsigned: no signature of type 0x%02x, for which %s has a key",
				    (unsigned)key->type, key->name);
	}
	return OK;
}

static bool
knows_origin(const struct witness *witness, struct bytes origin) {
	for (size_t i = 0; i < tlog_policy_log_count(witness->logs); i++)
		if (bytes_equal(note_key_name(&tlog_policy_log(witness->logs, i)->key), origin))
			return true;
	return false;
}

static enum status
check_consistency(const struct submission *submission, const struct cosigned *last) {
	const struct checkpoint *checkpoint = &submission->checkpoint;
	const struct proof *proof = &submission->proof;
	if (checkpoint->size == 0) {
		struct hash256 empty = tree_empty_root();
		if (!hash256_equal(&empty, &checkpoint->root))
			return fail(STATUS_CONFLICT,
				    "witness.empty_root: size 0 with another root than that of the empty tree");
	}
	if (submission->old_size == 0)
		return proof->count == 0
			       ? OK
			       : fail(STATUS_CONFLICT, "witness.proof: a proof from size 0 is empty, found %zu hashes",
				      proof->count);
	return proof_verify_consistency(last->size, &last->root, checkpoint->size, &checkpoint->root, proof->hashes,
					proof->count);
}

/* The checkpoint with the log's own signatures and this witness's: other lines that were submitted are dropped. */
static enum status
write_cosigned(const struct witness *witness, const struct submission *submission, struct bytes lines,
	       struct buffer *text) {
	buffer_append_bytes(text, submission->note.text);
	buffer_append_byte(text, '\n');
	for (size_t i = 0; i < tlog_policy_log_count(witness->logs); i++) {
		const struct note_key *key = &tlog_policy_log(witness->logs, i)->key;
		const struct note_signature *signature;
		if (note_find_signature(&submission->note, key, &signature) == OK)
			note_append_signature(text, key, signature->signature);
	}
	buffer_append_bytes(text, lines);
	return buffer_status(text);
}

static enum status
cosign(struct witness *witness, const struct submission *submission, const char hex[65], const struct cosigned *last,
       struct witness_answer *answer) {
	uint64_t time_s = (uint64_t)(io_realtime_ns(witness->io) / NS_PER_SECOND);
	if (time_s < last->time_s)
		time_s = last->time_s; /* a clock set back does not make an older statement of a newer one */
	_cleanup_(buffer_free) struct buffer lines = {}, text = {};
	char path[PATH_MAX];
	TRY(cosigner_sign(witness->cosigner, submission->note.text, &submission->checkpoint, time_s, &lines));
	TRY(write_cosigned(witness, submission, buffer_bytes(&lines), &text));
	TRY(state_path(witness, hex, path));
	TRY(io_replace_file(witness->io, path, buffer_bytes(&text)));
	answer->status = 200;
	answer->content_type = TEXT;
	buffer_reset(&answer->body);
	buffer_append_bytes(&answer->body, buffer_bytes(&lines));
	return buffer_status(&answer->body);
}

static bool
is_own_fault(enum status status) {
	return status == STATUS_NO_MEMORY || status == STATUS_INTERNAL;
}

enum status
witness_add_checkpoint(struct witness *witness, struct bytes request, struct witness_answer *answer) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(cosigned_free) struct cosigned last = {};
	struct submission *submission = ARENA_NEW(&arena, struct submission);
	TRY_ALLOC(submission);
	enum status status = parse_submission(&arena, request, submission);
	if (is_own_fault(status))
		return status;
	if (status != OK)
		return answer_with(answer, 400, "%s", fail_message());
	const struct checkpoint *checkpoint = &submission->checkpoint;
	if (!knows_origin(witness, checkpoint->origin))
		return answer_with(answer, 404, "witness.origin: %.*s is not known here",
				   BYTES_ARGS(checkpoint->origin));
	status = check_signatures(witness, submission);
	if (is_own_fault(status))
		return status;
	if (status != OK)
		return answer_with(answer, 403, "%s", fail_message());
	if (submission->old_size > checkpoint->size)
		return answer_with(answer, 400, "witness.old: %llu is beyond the checkpoint's size, %llu",
				   (unsigned long long)submission->old_size, (unsigned long long)checkpoint->size);
	char hex[65];
	origin_hex(checkpoint->origin, hex);
	TRY(load_state(witness, &arena, hex, &last));
	if (submission->old_size != last.size) {
		TRY(answer_with(answer, 409, "%llu", (unsigned long long)last.size));
		answer->content_type = SIZE_TYPE;
		return OK;
	}
	if (check_consistency(submission, &last) != OK)
		return answer_with(answer, 422, "%s", fail_message());
	return cosign(witness, submission, hex, &last, answer);
}

enum status
witness_get_checkpoint(struct witness *witness, struct bytes origin_hash, struct witness_answer *answer) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(cosigned_free) struct cosigned last = {};
	uint8_t hash[32];
	char hex[65];
	bool is_hash = hex_decode(origin_hash, hash, sizeof hash) == OK;
	if (is_hash) {
		hex_encode(BYTES_OF_ARRAY(hash), hex);
		TRY(load_state(witness, &arena, hex, &last));
	}
	if (last.text.len == 0)
		return answer_with(answer, 404, "witness.origin: nothing was cosigned for this origin");
	answer->status = 200;
	answer->content_type = TEXT;
	buffer_reset(&answer->body);
	buffer_append_bytes(&answer->body, buffer_bytes(&last.text));
	return buffer_status(&answer->body);
}

/* --- The log's side --- */

void
witness_request_write(struct buffer *request, uint64_t old_size, const struct proof *proof, struct bytes note) {
	buffer_append_bytes(request, OLD);
	buffer_append_decimal(request, old_size);
	buffer_append_byte(request, '\n');
	proof_append_lines(request, proof);
	buffer_append_byte(request, '\n');
	buffer_append_bytes(request, note);
}

/* "To parse the response, the client MAY concatenate it to the checkpoint" */
static enum status
take_lines(struct bytes body, struct bytes note_text, const struct note_key *const *keys, size_t key_count,
	   struct buffer *lines) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer whole = {};
	struct note *own = ARENA_NEW(&arena, struct note), *cosigned = ARENA_NEW(&arena, struct note);
	struct checkpoint checkpoint;
	TRY_ALLOC(own);
	TRY_ALLOC(cosigned);
	TRY(note_parse(&arena, note_text, own));
	TRY(checkpoint_parse(own->text, &checkpoint));
	buffer_append_bytes(&whole, own->text);
	buffer_append_byte(&whole, '\n');
	buffer_append_bytes(&whole, body);
	TRY(buffer_status(&whole));
	TRY(note_parse(&arena, buffer_bytes(&whole), cosigned));
	if (!bytes_equal(cosigned->text, own->text))
		return fail(STATUS_INVALID, "witness.lines: the answer is more than signature lines");
	size_t taken = 0;
	for (size_t i = 0; i < key_count; i++) {
		uint64_t time_s;
		const struct note_signature *found;
		enum status status = cosignature_verify(cosigned, &checkpoint, keys[i], &time_s);
		if (status == STATUS_NOT_FOUND)
			continue;
		TRY(status);
		TRY(note_find_signature(cosigned, keys[i], &found));
		note_append_signature(lines, keys[i], found->signature);
		taken++;
	}
	if (taken == 0)
		return fail(STATUS_UNAUTHORIZED, "witness.no_signature: no line of the answer is by a known key");
	return buffer_status(lines);
}

static enum status
read_size(struct bytes content_type, struct bytes body, uint64_t *size) {
	if (!bytes_equal_text(content_type, SIZE_TYPE))
		return fail(STATUS_CONFLICT, "witness.refused_409: the witness gives no size");
	if (body.len == 0 || body.data[body.len - 1] != '\n' ||
	    decimal_decode(bytes_of(body.data, body.len - 1), size) != OK)
		return fail(STATUS_INVALID, "witness.size_format: expected a decimal number and a line feed");
	return fail(STATUS_CONFLICT, "witness.size: the witness cosigned size %llu last", (unsigned long long)*size);
}

enum status
witness_response_read(int status, struct bytes content_type, struct bytes body, struct bytes note,
		      const struct note_key *const *keys, size_t key_count, struct buffer *lines, uint64_t *size) {
	switch (status) {
	case 200:
		return take_lines(body, note, keys, key_count, lines);
	case 400:
		return fail(STATUS_INVALID, "witness.refused_400: the witness cannot read the request");
	case 403:
		return fail(STATUS_UNAUTHORIZED,
			    "witness.refused_403: the witness does not accept the log's signatures");
	case 404:
		return fail(STATUS_NOT_FOUND, "witness.refused_404: the witness does not know the log");
	case 409:
		return read_size(content_type, body, size);
	case 422:
		return fail(STATUS_CONFLICT,
			    "witness.refused_422: the head is not consistent with what was cosigned before");
	default:
		return fail(STATUS_UNAVAILABLE, "witness.status: unexpected status %d", status);
	}
}
