#include "keeper/limit_rows.h"

#include <stdio.h>

#include "keeper/listing.h"
#include "policy/limits_table.h"

constexpr size_t ROWS_MAX = 1000; /* of a page */
constexpr size_t CURSOR_DIGITS = 8;

enum status
limit_rows_find(struct job *job) {
	const struct bundle *bundle = job->keeper->gate->state->bundle;
	const struct bundle_file *file = bundle_file(bundle, BUNDLE_LIMITS, 0);
	job->bundle = bundle->hash;
	if (file == nullptr)
		return OK;
	job->limits.name = arena_copy(&job->arena, bytes_of(file->name.data, file->name.len + 1));
	job->limits.text = arena_copy(&job->arena, file->text);
	TRY_ALLOC(job->limits.name.data);
	TRY_ALLOC(job->limits.text.data);
	return OK;
}

static enum status
read_query(struct bytes query, size_t *from, size_t *limit) {
	uint8_t digits[CURSOR_DIGITS];
	uint64_t number;
	*from = 0;
	*limit = ROWS_MAX;
	while (query.len > 0) {
		struct bytes name, value;
		TRY(listing_take_parameter(&query, &name, &value));
		if (bytes_equal_text(name, "limit"))
			TRY(listing_read_limit(value, ROWS_MAX, limit));
		else if (!bytes_equal_text(name, "after"))
			return fail(STATUS_INVALID, "query.name: \"%.*s\": expected after or limit", BYTES_ARGS(name));
		else if (value.len == 0 || value.len > 2 * CURSOR_DIGITS || value.len % 2 != 0 ||
			 hex_decode(value, digits, value.len / 2) != OK ||
			 decimal_decode(bytes_of(digits, value.len / 2), &number) != OK)
			return fail(STATUS_INVALID, "query.after: expected what \"next\" said");
		else
			*from = (size_t)number;
	}
	return OK;
}

/* "desk:options"; "*" for anyone and anything. */
static void
write_subject(struct json_writer *w, const char *key, enum limits_subject subject, struct bytes id) {
	_cleanup_(buffer_free) struct buffer text = {};
	limits_subject_write(subject, id, &text);
	json_write_member_string(w, key, buffer_bytes(&text));
}

static void
write_row(const struct limits_row *row, struct json_writer *w) {
	json_write_object(w);
	write_subject(w, "account", row->account, row->account_id);
	if (!row->is_never) {
		json_write_key(w, "approvals");
		json_write_array(w);
		for (size_t i = 0; i < row->approval_count; i++) {
			json_write_object(w);
			json_write_member_integer(w, "count", row->approvals[i].count);
			json_write_member_string(w, "group", row->approvals[i].group);
			json_write_end(w);
		}
		json_write_end(w);
	}
	json_write_member_string(w, "asset", row->asset.len == 0 ? BYTES_OF_LITERAL("*") : row->asset);
	json_write_member_integer(w, "cents", row->cents);
	json_write_member_string(w, "id", row->id);
	json_write_member_string(w, "note", row->note);
	if (row->per.len > 0)
		json_write_member_string(w, "per", row->per);
	write_subject(w, "who", row->who, row->who_id);
	json_write_member_text(w, "window", limits_window_name(row->window));
	json_write_end(w);
}

enum status
limit_rows_write(struct job *job, struct bytes query, struct buffer *to) {
	_cleanup_(limits_table_free) struct limits_table table = {};
	struct json_writer w;
	size_t at, limit;
	TRY(read_query(query, &at, &limit));
	if (job->limits.text.data != nullptr)
		TRY(limits_table_read(&table, (const char *)job->limits.name.data, job->limits.text, nullptr));
	size_t end = at < table.count && table.count - at > limit ? at + limit : table.count;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&job->bundle));
	json_write_key(&w, "items");
	json_write_array(&w);
	for (; at < end; at++)
		write_row(&table.rows[at], &w);
	json_write_end(&w);
	if (end < table.count) {
		char digits[24];
		snprintf(digits, sizeof digits, "%zu", end);
		json_write_member_hex(&w, "next", bytes_of_text(digits));
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}
