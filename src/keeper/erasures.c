#include "keeper/erasures.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/cursor.h"

static const char MAGIC[] = "gatehouse-erased/v1\n";
static const char KEY_LABEL[] = "gatehouse/erased/v1";
constexpr size_t MAC_LINE = 64 + 1;

/* --- The file. --- */

enum status
erasures_write(const struct bytes *ids, size_t count, struct bytes origin, struct bytes key, struct buffer *to) {
	size_t start = to->len;
	buffer_append_text(to, MAGIC);
	buffer_append_bytes(to, origin);
	buffer_append_byte(to, '\n');
	for (size_t i = 0; i < count; i++) {
		buffer_append_bytes(to, ids[i]);
		buffer_append_byte(to, '\n');
	}
	TRY(buffer_status(to));
	struct hash256 mac = hmac_sha256(key, bytes_of(to->data + start, to->len - start));
	buffer_append_hex(to, hash256_bytes(&mac));
	buffer_append_byte(to, '\n');
	return buffer_status(to);
}

static enum status
check_authentic(struct bytes text, struct bytes key, struct bytes *signed_part) {
	char expected[65];
	if (text.len < MAC_LINE || text.data[text.len - 1] != '\n')
		return fail(STATUS_CORRUPT, "erasures.form: %zu bytes", text.len);
	*signed_part = bytes_of(text.data, text.len - MAC_LINE);
	struct hash256 mac = hmac_sha256(key, *signed_part);
	hex_encode(hash256_bytes(&mac), expected); /* as it is written: in lower case */
	if (!secret_equal(bytes_of(text.data + signed_part->len, 64), bytes_of(expected, 64)))
		return fail(STATUS_CORRUPT, "erasures.mac: not written by this installation, or changed");
	return OK;
}

static enum status
read_ids(struct arena *arena, struct cursor *cursor, struct bytes **ids, size_t *count) {
	size_t lines = 0;
	for (size_t i = 0; i < cursor->left; i++)
		lines += cursor->at[i] == '\n';
	*ids = ARENA_NEW_ARRAY(arena, lines + 1, struct bytes);
	TRY_ALLOC(*ids);
	for (*count = 0; cursor->left > 0; ++*count) {
		struct bytes *id = &(*ids)[*count];
		TRY(cursor_until(cursor, "erasures.line", '\n', id));
		if (id->len == 0 || id->len > SUBJECT_ID_MAX || (*count > 0 && bytes_compare(id[-1], *id) >= 0))
			return fail(STATUS_CORRUPT, "erasures.order: line %zu", *count);
	}
	return OK;
}

enum status
erasures_read(struct arena *arena, struct bytes text, struct bytes origin, struct bytes key, struct bytes **ids,
	      size_t *count) {
	struct bytes signed_part, magic, stated;
	TRY(check_authentic(text, key, &signed_part));
	struct cursor cursor = cursor_of(signed_part);
	if (cursor_until(&cursor, "erasures.form", '\n', &magic) != OK || magic.len + 1 != sizeof MAGIC - 1 ||
	    memcmp(magic.data, MAGIC, magic.len) != 0)
		return fail(STATUS_CORRUPT, "erasures.magic: another kind or version of file");
	if (cursor_until(&cursor, "erasures.form", '\n', &stated) != OK || !bytes_equal(stated, origin))
		return fail(STATUS_CORRUPT, "erasures.origin: of another log");
	return read_ids(arena, &cursor, ids, count);
}

/* --- The keeper's. --- */

static enum status
derive_key(const struct keeper *keeper, struct secret *key) {
	TRY(secret_alloc(key, 32));
	return root_key_derive(keeper->installation->root, KEY_LABEL, key->data);
}

enum status
erasures_write_entry(struct bytes subject, struct bytes legal_entity, int64_t now_ms, struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_integer(&w, "erased_at", now_ms);
	if (legal_entity.len > 0)
		json_write_member_string(&w, "legal_entity", legal_entity);
	json_write_member_string(&w, "subject", subject);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
erase_again(struct keeper *keeper, struct bytes subject) {
	_cleanup_(buffer_free) struct buffer body = {};
	log_notice("%.*s was erased in entries that this log does not have, and is erased again", BYTES_ARGS(subject));
	TRY(erasures_write_entry(subject, gate_state_entity_of(keeper->gate->state, subject),
				 ledger_time_ms(keeper->ledger), &body));
	TRY(ledger_append(keeper->ledger, &(struct ledger_entry){.type = ENTRY_ERASED, .body = buffer_bytes(&body)}, 1,
			  nullptr));
	return subjects_erase(&keeper->gate->state->subjects, subject);
}

static enum status
repeat(struct keeper *keeper, struct bytes key) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *ids;
	size_t count;
	enum status status = io_read_file(keeper->config.io, keeper->erasures_path, ERASURES_SIZE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return OK; /* nobody was erased yet */
	TRY(status);
	TRY(erasures_read(&arena, buffer_bytes(&text), bytes_of_text(keeper->installation->origin), key, &ids, &count));
	for (size_t i = 0; i < count; i++) {
		const struct subject *subject = subjects_find(&keeper->gate->state->subjects, ids[i]);
		if (subject == nullptr || !subject->is_erased)
			TRY(erase_again(keeper, ids[i]));
	}
	return OK;
}

static enum status
write_down(struct keeper *keeper, struct bytes key) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes *ids;
	size_t count;
	TRY(subjects_list_erased(&keeper->gate->state->subjects, &ids, &count));
	enum status status =
		count == keeper->erasures_written
			? OK
			: erasures_write(ids, count, bytes_of_text(keeper->installation->origin), key, &text);
	free(ids);
	TRY(status);
	if (text.len == 0)
		return OK;
	TRY(io_replace_file(keeper->config.io, keeper->erasures_path, buffer_bytes(&text)));
	keeper->erasures_written = count;
	return OK;
}

enum status
erasures_start(struct keeper *keeper) {
	_cleanup_(secret_free) struct secret key = {};
	if (keeper->erasures_path == nullptr)
		return OK;
	TRY(derive_key(keeper, &key));
	TRY(repeat(keeper, secret_bytes(&key)));
	TRY(personal_reconcile(keeper->gate));
	return write_down(keeper, secret_bytes(&key));
}

void
erasures_follow(struct keeper *keeper) {
	_cleanup_(secret_free) struct secret key = {};
	if (keeper->erasures_path == nullptr)
		return;
	if (derive_key(keeper, &key) != OK || write_down(keeper, secret_bytes(&key)) != OK)
		log_error("an erasure is not written down beside the mark until the next start: %s", fail_message());
}
