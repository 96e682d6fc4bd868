#include "keeper/operation_listing.h"

#include "keeper/listing.h"
#include "keeper/reading.h"

constexpr size_t LIMIT_DEFAULT = 50;
constexpr size_t SEARCH_MAX = 256; /* bytes, decoded */

/* --- The query. --- */

/* RFC 3986 §2.1, in lower case. */
static enum status
decode_search(struct bytes value, struct buffer *text) {
	for (size_t i = 0; i < value.len; i++) {
		uint8_t byte = value.data[i];
		if (byte == '%' && (value.len - i < 3 || hex_decode(bytes_of(value.data + i + 1, 2), &byte, 1) != OK))
			return fail(STATUS_INVALID, "query.search: expected %%XX, of lower-case digits or not");
		i += value.data[i] == '%' ? 2 : 0;
		if (byte < 0x20 || byte == 0x7f)
			return fail(STATUS_INVALID,
				    "query.search: control characters are in nothing that is looked for");
		byte |= byte >= 'A' && byte <= 'Z' ? 0x20 : 0;
		buffer_append(text, &byte, 1);
	}
	TRY(buffer_status(text));
	return text->len > 0 && text->len <= SEARCH_MAX
		       ? OK
		       : fail(STATUS_INVALID, "query.search: 1 to %zu bytes", SEARCH_MAX);
}

/* Words between spaces; they live in the arena. */
static enum status
read_search(struct arena *arena, struct bytes value, struct projection_operation_filter *filter) {
	_cleanup_(buffer_free) struct buffer text = {};
	size_t count = 0;
	TRY(decode_search(value, &text));
	struct bytes left = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(left.data);
	while (left.len > 0) {
		const uint8_t *space = memchr(left.data, ' ', left.len);
		size_t len = space == nullptr ? left.len : (size_t)(space - left.data);
		if (len > 0 && count == PROJECTION_SEARCH_WORDS)
			return fail(STATUS_INVALID, "query.search: at most %zu words", PROJECTION_SEARCH_WORDS);
		if (len > 0)
			filter->search[count++] = bytes_of(left.data, len);
		left = bytes_of(left.data + len, left.len - len);
		if (left.len > 0)
			left = bytes_of(left.data + 1, left.len - 1);
	}
	return count > 0 ? OK : fail(STATUS_INVALID, "query.search: no words");
}

static enum status
set_parameter(struct arena *arena, struct projection_operation_filter *filter, struct bytes name, struct bytes value) {
	struct {
		const char *name;
		struct bytes *to;
	} texts[] = {{"state", &filter->state},
		     {"kind", &filter->kind},
		     {"principal", &filter->principal},
		     {"resource", &filter->resource},
		     {"legal_entity", &filter->legal_entity}};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		if (bytes_equal_text(name, texts[i].name)) {
			*texts[i].to = value;
			return OK;
		}
	if (bytes_equal_text(name, "search"))
		return read_search(arena, value, filter);
	if (bytes_equal_text(name, "before"))
		return decimal_decode(value, &filter->before);
	if (bytes_equal_text(name, "from"))
		return listing_read_time(value, &filter->from_ms);
	if (bytes_equal_text(name, "until")) {
		TRY(listing_read_time(value, &filter->to_ms));
		return filter->to_ms-- > 1 ? OK : fail(STATUS_INVALID, "query.until: nothing is before that");
	}
	if (!bytes_equal_text(name, "limit"))
		return fail(STATUS_INVALID, "query.name: \"%.*s\" is not a filter", BYTES_ARGS(name));
	return listing_read_limit(value, PROJECTION_PAGE_MAX, &filter->limit);
}

static enum status
read_filter(struct arena *arena, struct bytes query, struct projection_operation_filter *filter) {
	*filter = (struct projection_operation_filter){.limit = LIMIT_DEFAULT};
	while (query.len > 0) {
		struct bytes name, value;
		TRY(listing_take_parameter(&query, &name, &value));
		TRY(set_parameter(arena, filter, name, value));
	}
	return OK;
}

/* --- The page. --- */

static enum status
write_operation(void *context, const struct projection_operation *operation) {
	struct json_writer *w = context;
	json_write_object(w);
	json_write_member_integer(w, "at", operation->at_ms);
	json_write_member_integer(w, "entry", (int64_t)operation->index);
	json_write_member_string(w, "kind", operation->kind);
	json_write_member_string(w, "operation", operation->id);
	json_write_member_string(w, "principal", operation->principal);
	if (operation->rejection.len > 0) {
		json_write_key(w, "rejection");
		json_write_canonical(w, operation->rejection);
	}
	json_write_member_string(w, "resource", operation->resource);
	json_write_member_string(w, "state", operation->state);
	json_write_end(w);
	return OK;
}

/* To what the reader may see. */
static enum status
narrow(const struct job *job, struct projection_operation_filter *filter) {
	const struct access_grant *grant;
	if (!job->scope->is_limited)
		return OK;
	TRY(keeper_read_choose_grant(job, filter->legal_entity, &grant));
	filter->legal_entity = bytes_of_text(grant->entity);
	if (filter->from_ms < grant->from_ms)
		filter->from_ms = grant->from_ms;
	if (filter->to_ms == 0 || filter->to_ms > grant->until_ms - 1)
		filter->to_ms = grant->until_ms - 1;
	return OK;
}

enum status
operation_listing_write(struct job *job, struct bytes query, struct buffer *to) {
	struct keeper *keeper = job->keeper;
	struct projection_operation_filter filter;
	struct json_writer w;
	uint64_t next;
	TRY(read_filter(&job->arena, query, &filter));
	TRY(narrow(job, &filter));
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "operations");
	json_write_array(&w);
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_list_operations(keeper->projection, &filter, write_operation, &w, &next);
	uint64_t size = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	TRY(status);
	json_write_end(&w);
	if (next > 0)
		json_write_member_integer(&w, "rest", (int64_t)next);
	json_write_member_integer(&w, "size", (int64_t)size);
	json_write_end(&w);
	return json_writer_finish(&w);
}
