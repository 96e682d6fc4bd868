#include "keeper/export.h"

#include "keeper/listing.h"
#include "keeper/reading.h"
#include "keeper/respond.h"

constexpr size_t PAGE_BYTES = 512 * 1024; /* a page ends with the receipt that fills it: an answer has 896 KiB */

struct exporting {
	struct projection_entry_filter filter;
	uint64_t indexes[EXPORT_PAGE_MAX + 1]; /* and one more, to know that there is more */
	size_t count;
	uint64_t size; /* that state.db shows */
};

static enum status
set_parameter(struct projection_entry_filter *filter, struct bytes name, struct bytes value) {
	uint64_t number;
	if (bytes_equal_text(name, "legal_entity")) {
		filter->legal_entity = value;
		return OK;
	}
	if (bytes_equal_text(name, "from"))
		return listing_read_time(value, &filter->from_ms);
	if (bytes_equal_text(name, "until")) {
		TRY(listing_read_time(value, &filter->to_ms));
		return filter->to_ms-- > 1 ? OK : fail(STATUS_INVALID, "query.until: nothing is before that");
	}
	if (bytes_equal_text(name, "before"))
		return decimal_decode(value, &filter->before);
	if (!bytes_equal_text(name, "limit"))
		return fail(STATUS_INVALID, "query.name: \"%.*s\" is not a filter", BYTES_ARGS(name));
	TRY(decimal_decode(value, &number));
	filter->limit = (size_t)number + 1;
	return number > 0 && number <= EXPORT_PAGE_MAX
		       ? OK
		       : fail(STATUS_INVALID, "query.limit: expected 1 to %zu", EXPORT_PAGE_MAX);
}

static enum status
read_filter(const struct job *job, struct bytes query, struct projection_entry_filter *filter) {
	const struct access_grant *grant;
	*filter = (struct projection_entry_filter){.limit = EXPORT_PAGE_MAX + 1};
	while (query.len > 0) {
		struct bytes name, value;
		TRY(listing_take_parameter(&query, &name, &value));
		TRY(set_parameter(filter, name, value));
	}
	if (!job->scope->is_limited)
		return filter->legal_entity.len > 0
			       ? OK
			       : fail(STATUS_INVALID, "query.legal_entity: say whose entries are to be exported");
	TRY(keeper_read_choose_grant(job, filter->legal_entity, &grant));
	filter->legal_entity = bytes_of_text(grant->entity);
	if (filter->from_ms < grant->from_ms)
		filter->from_ms = grant->from_ms;
	if (filter->to_ms == 0 || filter->to_ms > grant->until_ms - 1)
		filter->to_ms = grant->until_ms - 1;
	return OK;
}

static enum status
take_row(void *context, const struct projection_row *row) {
	struct exporting *exporting = context;
	exporting->indexes[exporting->count++] = row->index;
	return OK;
}

/* What makes a page of them must not be done while state.db is locked. */
static enum status
list_entries(struct keeper *keeper, struct exporting *exporting) {
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_list_entries(keeper->projection, &exporting->filter, take_row, exporting);
	exporting->size = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	return status;
}

/* state.db is no evidence: the leaf itself must be of the legal entity and the period. */
static enum status
check_leaf(const struct projection_entry_filter *filter, uint64_t index, struct bytes leaf) {
	static const char *const members[] = {"legal_entity", nullptr};
	_cleanup_(arena_free) struct arena arena = {.block_size = 1024};
	_cleanup_(buffer_free) struct buffer selected = {};
	struct entry entry;
	const json *body;
	TRY(entry_peek(leaf, &entry));
	TRY(json_select(entry.body, members, &selected));
	TRY(json_read(&arena, buffer_bytes(&selected), (struct json_limits){}, &body));
	const json *entity = json_get(body, "legal_entity");
	bool fits = entity != nullptr && json_type_of(entity) == JSON_STRING &&
		    bytes_equal(json_string(entity), filter->legal_entity) && entry.at_ms >= filter->from_ms &&
		    (filter->to_ms == 0 || entry.at_ms <= filter->to_ms);
	return fits ? OK
		    : fail(STATUS_CORRUPT, "export.state: state.db lists entry %llu, which is none of these",
			   (unsigned long long)index);
}

static enum status
write_entry(struct job *job, const struct exporting *exporting, uint64_t index, struct json_writer *w) {
	_cleanup_(buffer_free) struct buffer bytes = {}, receipt = {};
	struct ledger_record record;
	TRY(ledger_read(job->keeper->ledger, index, &bytes, &record));
	TRY(check_leaf(&exporting->filter, index, record.leaf));
	TRY(keeper_read_check_leaf(job, record.leaf));
	TRY(keeper_write_receipt(job->keeper, index, nullptr, record.leaf, &receipt));
	json_write_object(w);
	json_write_member_integer(w, "index", (int64_t)index);
	json_write_member_string(w, "receipt", buffer_bytes(&receipt));
	json_write_end(w);
	return OK;
}

enum status
export_write(struct job *job, struct bytes query, struct buffer *to) {
	struct exporting exporting = {};
	struct json_writer w;
	size_t start = to->len, written = 0;
	TRY(read_filter(job, query, &exporting.filter));
	TRY(list_entries(job->keeper, &exporting));
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "entries");
	json_write_array(&w);
	size_t most = exporting.filter.limit - 1;
	for (; written < exporting.count && written < most && to->len - start < PAGE_BYTES; written++)
		TRY(write_entry(job, &exporting, exporting.indexes[written], &w));
	json_write_end(&w);
	if (written < exporting.count)
		json_write_member_integer(&w, "next", (int64_t)exporting.indexes[written - 1]);
	json_write_member_integer(&w, "size", (int64_t)exporting.size);
	json_write_end(&w);
	job->exported.count = written;
	if (written > 0) {
		job->exported.first = exporting.indexes[written - 1];
		job->exported.last = exporting.indexes[0];
	}
	return json_writer_finish(&w);
}
