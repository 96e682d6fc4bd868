#include "base/csv.h"
#include "policy/limits_columns.h"
#include "policy/policy_json.h"

/* --- Tables. --- */

const char *
limits_window_name(enum limits_window window) {
	return limits_windows[window];
}

void
limits_subject_write(enum limits_subject subject, struct bytes id, struct buffer *to) {
	buffer_append_text(to, limits_subjects[subject].prefix);
	if (subject == LIMITS_ANYONE)
		return;
	buffer_append_byte(to, ':');
	buffer_append_bytes(to, id);
}

static void
append_cell(struct buffer *to, const struct limits_row *row, enum limits_column column) {
	switch (column) {
	case ID:
		buffer_append_bytes(to, row->id);
		return;
	case WHO:
		limits_subject_write(row->who, row->who_id, to);
		return;
	case ACCOUNT:
		limits_subject_write(row->account, row->account_id, to);
		return;
	case ASSET:
		buffer_append_bytes(to, row->asset.len == 0 ? BYTES_OF_LITERAL("*") : row->asset);
		return;
	case WINDOW:
		buffer_append_text(to, limits_windows[row->window]);
		return;
	case PER:
		buffer_append_bytes(to, row->per.len == 0 ? BYTES_OF_LITERAL("-") : row->per);
		return;
	case AMOUNT:
		buffer_append_format(to, "%lld.%02lld", (long long)(row->cents / 100), (long long)(row->cents % 100));
		return;
	case APPROVALS:
		if (row->is_never)
			buffer_append_text(to, "never");
		for (size_t i = 0; i < row->approval_count; i++)
			buffer_append_format(to, "%s%.*s:%lld", i == 0 ? "" : " ", BYTES_ARGS(row->approvals[i].group),
					     (long long)row->approvals[i].count);
		return;
	case NOTE:
		buffer_append_bytes(to, row->note);
		return;
	case COLUMNS:
		return;
	}
}

static void
append_csv_row(struct buffer *to, const struct limits_row *row, enum limits_column first, enum limits_column last) {
	for (enum limits_column column = first; column <= last; column++) {
		_cleanup_(buffer_free) struct buffer cell = {};
		append_cell(&cell, row, column);
		if (column > first)
			buffer_append_byte(to, ',');
		csv_write_field(to, buffer_bytes(&cell));
		to->failed |= cell.failed;
	}
}

void
limits_table_write_csv(const struct limits_table *table, struct buffer *to) {
	for (size_t i = 0; i < COLUMNS; i++)
		buffer_append_format(to, "%s%s", i == 0 ? "" : ",", limits_columns[i].name);
	buffer_append_byte(to, '\n');
	for (size_t i = 0; i < table->count; i++) {
		append_csv_row(to, &table->rows[i], ID, NOTE);
		buffer_append_byte(to, '\n');
	}
}

static void
append_quoted(struct buffer *to, struct bytes text) {
	buffer_append_byte(to, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			buffer_append_byte(to, '\\');
		buffer_append_byte(to, text.data[i]);
	}
	buffer_append_byte(to, '"');
}

void
limits_table_write_yaml(const struct limits_table *table, struct buffer *to) {
	buffer_append_text(to, table->count == 0 ? "limits: []\n" : "limits:\n");
	for (size_t i = 0; i < table->count; i++)
		for (enum limits_column column = ID; column < COLUMNS; column++) {
			_cleanup_(buffer_free) struct buffer cell = {};
			append_cell(&cell, &table->rows[i], column);
			buffer_append_format(to, "  %s %s: ", column == ID ? "-" : " ", limits_columns[column].name);
			append_quoted(to, buffer_bytes(&cell));
			buffer_append_byte(to, '\n');
			to->failed |= cell.failed;
		}
}

/* --- Cedar. --- */

static void
append_scope(struct buffer *to, const char *variable, enum limits_subject subject, struct bytes id) {
	buffer_append_text(to, variable);
	if (subject != LIMITS_ANYONE)
		buffer_append_format(to, " %s %s::\"%.*s\"",
				     limits_subjects[subject].is_group ? "in" : "==", limits_subjects[subject].entity,
				     BYTES_ARGS(id));
}

static void
append_spent(struct buffer *to, const struct limits_row *row) {
	if (row->window == LIMITS_TRANSACTION)
		buffer_append_text(to, "context.transfer has usd_cents && ");
	else
		buffer_append_format(to, "context has limits && context.limits has %.*s && ", BYTES_ARGS(row->per));
}

static void
append_within(struct buffer *to, const struct limits_row *row) {
	if (row->window == LIMITS_TRANSACTION)
		buffer_append_format(to, "context.transfer.usd_cents <= %lld", (long long)row->cents);
	else
		buffer_append_format(to, "context.limits.%.*s.%s <= %lld", BYTES_ARGS(row->per),
				     limits_windows[row->window], (long long)row->cents);
}

static bool
is_of_anyone(struct bytes group) {
	return bytes_equal_text(group, "total") || bytes_equal_text(group, "independent");
}

static bool
is_plain_name(struct bytes name) {
	static const char *const reserved[] = {"true", "false", "if",  "then", "else",
					       "in",   "like",  "has", "is",   "__cedar"};
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (bytes_equal_text(name, reserved[i]))
			return false;
	return memchr(name.data, '-', name.len) == nullptr && !(name.data[0] >= '0' && name.data[0] <= '9');
}

static void
append_count(struct buffer *to, struct bytes group) {
	if (is_of_anyone(group))
		buffer_append_format(to, "context.approvals.%.*s", BYTES_ARGS(group));
	else if (is_plain_name(group))
		buffer_append_format(to, "context.approvals.group.%.*s", BYTES_ARGS(group));
	else
		buffer_append_format(to, "context.approvals.group[\"%.*s\"]", BYTES_ARGS(group));
}

static void
append_approvals(struct buffer *to, const struct limits_row *row) {
	for (size_t i = 0; i < row->approval_count; i++) {
		const struct limits_approvals *approval = &row->approvals[i];
		buffer_append_text(to, i == 0 ? "" : " && ");
		append_count(to, approval->group);
		buffer_append_format(to, " >= %lld", (long long)approval->count);
	}
}

/* Known and within the amount, or known and approved. */
static void
append_unless(struct buffer *to, const struct limits_row *row) {
	buffer_append_text(to, "unless { ");
	append_spent(to, row);
	if (!row->is_never)
		buffer_append_byte(to, '(');
	append_within(to, row);
	if (!row->is_never) {
		buffer_append_text(to, row->approval_count > 1 ? " || (" : " || ");
		append_approvals(to, row);
		buffer_append_text(to, row->approval_count > 1 ? "))" : ")");
	}
	buffer_append_text(to, " };\n");
}

static void
append_policy(struct buffer *to, const struct limits_row *row) {
	_cleanup_(buffer_free) struct buffer cells = {};
	append_csv_row(&cells, row, WHO, APPROVALS);
	buffer_append_format(to, "@id(\"limit:%.*s\")\n@limit(", BYTES_ARGS(row->id));
	append_quoted(to, buffer_bytes(&cells));
	buffer_append_text(to, ")\n");
	if (row->note.len > 0) {
		buffer_append_text(to, "@reason(");
		append_quoted(to, row->note);
		buffer_append_text(to, ")\n");
	}
	buffer_append_text(to, "forbid (");
	append_scope(to, "principal", row->who, row->who_id);
	buffer_append_text(to, ", action == Action::\"sign\", ");
	append_scope(to, "resource", row->account, row->account_id);
	buffer_append_text(to, ")\n");
	if (row->asset.len > 0)
		buffer_append_format(to, "when { context.transfer.asset == \"%.*s\" }\n", BYTES_ARGS(row->asset));
	append_unless(to, row);
	to->failed |= cells.failed;
}

enum status
limits_table_compile(const struct limits_table *table, struct buffer *to) {
	buffer_append_text(to, "// Made from a table of limits: change the table.\n");
	for (size_t i = 0; i < table->count; i++) {
		buffer_append_byte(to, '\n');
		append_policy(to, &table->rows[i]);
	}
	return buffer_status(to);
}

/* --- And back. --- */

static enum status
not_a_limit(const struct policy_source *source, const struct policy_view *view,
	    struct policy_diagnostics *diagnostics) {
	size_t offset = 0;
	for (size_t line = 1; line < view->line && offset < source->text.len; offset++)
		line += source->text.data[offset] == '\n';
	return policy_complain(diagnostics, source, offset + view->column - 1, 6, "limits.not_a_limit",
			       "\"%.*s\" is not what a row of a table of limits compiles to", BYTES_ARGS(view->id));
}

/* The row that the annotations tell of; whether the policy is it, is seen by compiling it. */
static enum status
row_of_annotations(struct limits_reading *reading, const struct policy_view *view) {
	static const char prefix[] = "limit:";
	struct csv_reader csv;
	struct csv_field fields[CSV_FIELDS_MAX];
	struct bytes limit, note = {};
	struct limits_cell cells[COLUMNS] = {};
	size_t count;
	if (!policy_view_annotation(view, "limit", &limit) || view->id.len < sizeof prefix ||
	    memcmp(view->id.data, prefix, sizeof prefix - 1) != 0)
		return fail_with(STATUS_INVALID);
	csv_start(&csv, &reading->table->arena, "@limit", limit);
	TRY(csv_next(&csv, fields, &count));
	if (count != APPROVALS - WHO + 1)
		return fail_with(STATUS_INVALID);
	for (size_t i = 0; i < count; i++)
		cells[WHO + i].text = fields[i].text;
	cells[ID].text = bytes_of(view->id.data + sizeof prefix - 1, view->id.len - sizeof prefix + 1);
	if (policy_view_annotation(view, "reason", &note))
		cells[NOTE].text = note;
	size_t before = reading->findings;
	TRY(limits_row_read(reading, cells));
	return reading->findings == before ? OK : fail_with(STATUS_INVALID);
}

static enum status
same_policy(const struct policy_set *set, const struct policy_view *view, const struct limits_row *row, bool *is_same) {
	_cleanup_(policy_set_destroy) struct policy_set *again = nullptr;
	_cleanup_(buffer_free) struct buffer text = {}, found = {}, expected = {};
	append_policy(&text, row);
	TRY(buffer_status(&text));
	TRY(policy_set_parse("limit", buffer_bytes(&text), &again, nullptr));
	TRY(policy_write_json(set, view->id, &found));
	TRY(policy_write_json(again, view->id, &expected));
	*is_same = bytes_equal(buffer_bytes(&found), buffer_bytes(&expected));
	return OK;
}

static enum status
extract(struct limits_table *table, const struct policy_source *source, const struct policy_set *set,
	struct policy_diagnostics *diagnostics) {
	/* What is wrong with an annotation is that the policy is none of ours. */
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics ignored = {};
	struct limits_reading reading = {.table = table, .source = {"@limit", {}}, .diagnostics = &ignored};
	for (size_t i = 0; i < policy_set_count(set); i++) {
		struct policy_view view;
		bool is_same = false;
		policy_set_view(set, i, &view);
		enum status status = row_of_annotations(&reading, &view);
		if (status == OK)
			status = same_policy(set, &view, &table->rows[table->count - 1], &is_same);
		if (status != OK && status != STATUS_INVALID)
			return status;
		if (status != OK || !is_same)
			return not_a_limit(source, &view, diagnostics);
	}
	return OK;
}

enum status
limits_table_extract(struct limits_table *table, const char *name, struct bytes text,
		     struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	TRY(limits_table_start(table));
	TRY(policy_set_parse(name, text, &set, diagnostics));
	if (policy_set_template_count(set) > 0)
		return fail(STATUS_INVALID, "limits.not_a_limit: %s holds templates", name);
	TRY(extract(table, &(struct policy_source){name, text}, set, diagnostics));
	for (size_t i = 0; i < table->count; i++) { /* what borrows from the set */
		struct limits_row *row = &table->rows[i];
		struct bytes *const borrowed[] = {&row->id,    &row->who_id, &row->account_id,
						  &row->asset, &row->per,    &row->note};
		for (size_t j = 0; j < sizeof borrowed / sizeof *borrowed; j++) {
			*borrowed[j] = arena_copy(&table->arena, *borrowed[j]);
			TRY_ALLOC(borrowed[j]->data);
		}
		for (size_t j = 0; j < row->approval_count; j++) {
			row->approvals[j].group = arena_copy(&table->arena, row->approvals[j].group);
			TRY_ALLOC(row->approvals[j].group.data);
		}
	}
	return OK;
}
