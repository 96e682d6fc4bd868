#include "keeper/explanation.h"

#include "gate/replay.h"

struct explaining {
	struct keeper *keeper;
	uint64_t index;
	struct replayer *replayer;
	uint64_t activations[PROJECTION_PAGE_MAX];
	size_t count;
	char last[EXPLANATION_ID_DIGITS + 1];
};

static enum status
add_record(void *context, const struct ledger_record *record) {
	return replayer_add_bundles(((struct explaining *)context)->replayer, record->leaf);
}

static enum status
add_entry(struct explaining *explaining, uint64_t index) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	TRY(ledger_read(explaining->keeper->ledger, index, &bytes, &record));
	return add_record(explaining, &record);
}

/* --- The list of activations. --- */

static enum status
take_activation(void *context, struct bytes id, struct bytes, struct bytes) {
	struct explaining *explaining = context;
	uint64_t index;
	size_t zeros = 0;
	if (id.len != EXPLANATION_ID_DIGITS)
		return fail(STATUS_CORRUPT, "replay.activation: %zu digits in state.db", id.len);
	memcpy(explaining->last, id.data, id.len);
	while (zeros < id.len - 1 && id.data[zeros] == '0')
		zeros++;
	TRY(decimal_decode(bytes_of(id.data + zeros, id.len - zeros), &index));
	if (index < explaining->index)
		explaining->activations[explaining->count++] = index;
	return OK;
}

/* The next page; what makes a visit of it must not be done while state.db is locked. */
static enum status
list_activations(struct explaining *explaining) {
	struct keeper *keeper = explaining->keeper;
	char after[sizeof explaining->last];
	memcpy(after, explaining->last, sizeof after);
	explaining->count = 0;
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_list_objects(keeper->projection, EXPLANATION_ACTIVATIONS, bytes_of_text(after),
						     PROJECTION_PAGE_MAX, take_activation, explaining);
	pthread_mutex_unlock(&keeper->projection_mutex);
	return status;
}

static enum status
add_listed_bundles(struct explaining *explaining) {
	do {
		TRY(list_activations(explaining));
		for (size_t i = 0; i < explaining->count; i++)
			TRY(add_entry(explaining, explaining->activations[i]));
	} while (explaining->count == PROJECTION_PAGE_MAX);
	return OK;
}

/* --- The log itself. --- */

static enum status
visit_bundle(void *context, const struct ledger_record *record) {
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	TRY(entry_read(&arena, record->leaf, &entry));
	const json *action = json_get(json_get(entry.document, "action"), "id");
	bool carries_bundle = entry.type == ENTRY_LOCAL_BUNDLE ||
			      (action != nullptr && bytes_equal_text(json_string(action), "policy.activate"));
	return carries_bundle ? add_record(context, record) : OK;
}

static enum status
explain(struct explaining *explaining, struct buffer *to) {
	struct keeper *keeper = explaining->keeper;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	TRY(ledger_read(keeper->ledger, explaining->index, &bytes, &record));
	TRY(add_entry(explaining, 0));
	TRY(add_listed_bundles(explaining));
	enum status status = replayer_explain(explaining->replayer, record.leaf, to);
	if (status != STATUS_NOT_FOUND)
		return status;
	TRY(ledger_visit(keeper->ledger, 1, explaining->index, visit_bundle, explaining));
	return replayer_explain(explaining->replayer, record.leaf, to);
}

/* --- The decision of an operation whose newest entry is a vote or an outcome. --- */

struct deciding {
	struct bytes operation; /* hexadecimal, of the first entry looked at; empty: it is about none */
	uint64_t found;         /* UINT64_MAX: not yet */
};

static bool
is_decision(struct bytes type) {
	return bytes_equal_text(type, entry_kinds[ENTRY_DECISION].name) ||
	       bytes_equal_text(type, entry_kinds[ENTRY_INTENT].name);
}

static enum status
look_at_row(void *context, const struct projection_row *row) {
	struct deciding *deciding = context;
	if (deciding->found == UINT64_MAX && is_decision(row->type)) /* the newest come first */
		deciding->found = row->index;
	return OK;
}

/* Sets found where the entry decided the operation; takes the operation's name from the first entry looked at. */
static enum status
look_at_entry(const struct keeper *keeper, struct arena *arena, uint64_t index, struct deciding *deciding) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	struct entry entry;
	TRY(ledger_read(keeper->ledger, index, &bytes, &record));
	TRY(entry_read(arena, record.leaf, &entry));
	const json *operation = json_get(entry.document, "operation");
	if (operation == nullptr || json_type_of(operation) != JSON_STRING)
		return OK;
	if (deciding->operation.len == 0) {
		deciding->operation = arena_copy(arena, json_string(operation));
		TRY_ALLOC(deciding->operation.data);
	}
	if (bytes_equal(deciding->operation, json_string(operation)) &&
	    is_decision(bytes_of_text(entry_kinds[entry.type].name)))
		deciding->found = index;
	return OK;
}

enum status
explanation_find(struct keeper *keeper, uint64_t *index) {
	_cleanup_(arena_free) struct arena arena = {};
	struct deciding deciding = {.found = UINT64_MAX};
	TRY(look_at_entry(keeper, &arena, *index, &deciding));
	if (deciding.operation.len == 0)
		return OK;
	struct projection_entry_filter filter = {
		.operation = deciding.operation, .to_ms = INT64_MAX, .before = *index, .limit = PROJECTION_PAGE_MAX};
	pthread_mutex_lock(&keeper->projection_mutex);
	uint64_t listed = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	/* What state.db does not have yet; then what it has. */
	for (uint64_t at = *index; deciding.found == UINT64_MAX && at-- > listed;)
		TRY(look_at_entry(keeper, &arena, at, &deciding));
	if (deciding.found == UINT64_MAX) {
		pthread_mutex_lock(&keeper->projection_mutex);
		enum status status = projection_list_entries(keeper->projection, &filter, look_at_row, &deciding);
		pthread_mutex_unlock(&keeper->projection_mutex);
		TRY(status);
	}
	if (deciding.found != UINT64_MAX)
		*index = deciding.found;
	return OK;
}

static enum status
find_bundle(struct explaining *explaining, const struct hash256 *hash, struct buffer *to) {
	struct ledger_head head;
	TRY(add_entry(explaining, 0));
	TRY(add_listed_bundles(explaining));
	enum status status = replayer_write_bundle(explaining->replayer, hash, to);
	if (status != STATUS_NOT_FOUND)
		return status;
	ledger_durable_head(explaining->keeper->ledger, &head);
	TRY(ledger_visit(explaining->keeper->ledger, 1, head.head.size, visit_bundle, explaining));
	return replayer_write_bundle(explaining->replayer, hash, to);
}

enum status
explanation_write_bundle(struct keeper *keeper, const struct hash256 *hash, struct buffer *to) {
	struct explaining explaining = {.keeper = keeper, .index = UINT64_MAX};
	TRY(replayer_create(&explaining.replayer, &keeper->gate->blobs));
	enum status status = find_bundle(&explaining, hash, to);
	replayer_destroy(&explaining.replayer);
	return status;
}

enum status
explanation_write(struct keeper *keeper, uint64_t index, struct buffer *to) {
	struct explaining explaining = {.keeper = keeper, .index = index};
	TRY(replayer_create(&explaining.replayer, &keeper->gate->blobs));
	enum status status = explain(&explaining, to);
	replayer_destroy(&explaining.replayer);
	return status;
}
