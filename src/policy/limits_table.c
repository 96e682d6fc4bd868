#include "policy/limits_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/yaml.h"
#include "policy/hex_address.h"
#include "policy/limits_columns.h"
#include "policy/unicode.h"

/* --- Columns. --- */

const struct limits_column_kind limits_columns[COLUMNS] = {
	[ID] = {"id", true},     [WHO] = {"who"}, [ACCOUNT] = {"account"}, [ASSET] = {"asset"},
	[WINDOW] = {"window"},   [PER] = {"per"}, [AMOUNT] = {"amount"},   [APPROVALS] = {"approvals"},
	[NOTE] = {"note", true},
};

const char *const limits_windows[LIMITS_WINDOWS] = {"transaction", "hour", "day", "week"};
static const char *const dimensions[] = {"account", "asset", "desk", "destination", "key", "legal_entity", "requester"};

const struct limits_subject_kind limits_subjects[LIMITS_SUBJECTS] = {
	[LIMITS_ANYONE] = {"*", nullptr, false, true, true},
	[LIMITS_PERSON] = {"person", "Person", false, true, false},
	[LIMITS_WORKLOAD] = {"workload", "Workload", false, true, false},
	[LIMITS_KEY] = {"key", "Key", false, false, true},
	[LIMITS_ACCOUNT] = {"account", "Account", true, false, true},
	[LIMITS_DESK] = {"desk", "Desk", true, true, true},
	[LIMITS_ENTITY] = {"entity", "LegalEntity", true, true, true},
};

static void complain(struct limits_reading *reading, const struct limits_cell *cell, const char *name,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

static void
complain(struct limits_reading *reading, const struct limits_cell *cell, const char *name, const char *format, ...) {
	char text[256];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	reading->findings++;
	policy_note(reading->diagnostics, &reading->source, cell->offset, cell->text.len, name, "%s", text);
}

#define FOUND(text) (int)((text).len > 60 ? 60 : (text).len), (const char *)(text).data

/* --- Cells. --- */

static bool
is_id(struct bytes text, const char *beside) {
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_plain && (c == '\0' || strchr(beside, c) == nullptr))
			return false;
	}
	return text.len > 0 && text.len <= 128;
}

static void
read_subject(struct limits_reading *reading, const struct limits_cell *cell, bool asks, enum limits_subject *subject,
	     struct bytes *id) {
	*id = (struct bytes){};
	*subject = LIMITS_ANYONE;
	if (bytes_equal_text(cell->text, "*"))
		return;
	const uint8_t *colon = cell->text.len == 0 ? nullptr : memchr(cell->text.data, ':', cell->text.len);
	size_t len = colon == nullptr ? 0 : (size_t)(colon - cell->text.data);
	for (size_t i = 1; colon != nullptr && i < LIMITS_SUBJECTS; i++) {
		bool may = asks ? limits_subjects[i].may_ask : limits_subjects[i].may_own;
		struct bytes given = bytes_of(colon + 1, cell->text.len - len - 1);
		if (!may || !bytes_equal_text(bytes_of(cell->text.data, len), limits_subjects[i].prefix) ||
		    !is_id(given, "._-"))
			continue;
		*subject = (enum limits_subject)i;
		*id = given;
		return;
	}
	complain(reading, cell, asks ? "limits.who" : "limits.account", "expected %s, found \"%.*s\"",
		 asks ? "*, person:ID, workload:ID, desk:ID or entity:ID"
		      : "*, key:ID, account:ID, desk:ID or entity:ID",
		 FOUND(cell->text));
}

static void
read_asset(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	if (bytes_equal_text(cell->text, "*"))
		return;
	row->asset = cell->text;
	if (!is_id(cell->text, "._-:/"))
		complain(reading, cell, "limits.asset",
			 "expected * or the id of an asset, such as eip155:1/native, found \"%.*s\"",
			 FOUND(cell->text));
	else if (!hex_address_is_as_in_facts(cell->text))
		complain(reading, cell, "limits.asset",
			 "expected the contract in upper and lower case, as facts write it, found \"%.*s\"",
			 FOUND(cell->text));
}

static void
read_window(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	for (size_t i = 0; i < LIMITS_WINDOWS; i++)
		if (bytes_equal_text(cell->text, limits_windows[i])) {
			row->window = (enum limits_window)i;
			return;
		}
	complain(reading, cell, "limits.window", "expected transaction, hour, day or week, found \"%.*s\"",
		 FOUND(cell->text));
}

static void
read_per(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	if (row->window == LIMITS_TRANSACTION) {
		if (!bytes_equal_text(cell->text, "-"))
			complain(reading, cell, "limits.per", "nothing is summed up for a transaction: expected -");
		return;
	}
	row->per = cell->text;
	for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions; i++)
		if (bytes_equal_text(cell->text, dimensions[i]))
			return;
	complain(reading, cell, "limits.per",
		 "expected key, account, desk, legal_entity, requester, destination or asset, found \"%.*s\"",
		 FOUND(cell->text));
}

/* "10000", "10000.5", "10000.05" */
static bool
parse_cents(struct bytes text, int64_t *cents) {
	constexpr int64_t MOST = (INT64_C(1) << 53) - 1;
	size_t dot = 0;
	uint64_t whole, total;
	while (dot < text.len && text.data[dot] != '.')
		dot++;
	size_t decimals = dot < text.len ? text.len - dot - 1 : 0;
	if (decimal_decode(bytes_of(text.data, dot), &whole) != OK || (dot < text.len && decimals == 0) || decimals > 2)
		return false;
	unsigned part = 0;
	for (size_t i = 0; i < 2; i++) {
		uint8_t c = i < decimals ? text.data[dot + 1 + i] : '0';
		if (c < '0' || c > '9')
			return false;
		part = part * 10 + (unsigned)(c - '0');
	}
	if (__builtin_mul_overflow(whole, UINT64_C(100), &total) || __builtin_add_overflow(total, part, &total) ||
	    total > (uint64_t)MOST)
		return false;
	*cents = (int64_t)total;
	return true;
}

static void
read_amount(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	if (!parse_cents(cell->text, &row->cents))
		complain(reading, cell, "limits.amount",
			 "expected US dollars with at most two decimals, such as 10000.00, found \"%.*s\"",
			 FOUND(cell->text));
}

/* One "group:count" of the cell. */
static bool
parse_approval(struct bytes text, struct limits_approvals *approval) {
	uint64_t count;
	const uint8_t *colon = text.len == 0 ? nullptr : memchr(text.data, ':', text.len);
	if (colon == nullptr)
		return false;
	size_t len = (size_t)(colon - text.data);
	*approval = (struct limits_approvals){.group = bytes_of(text.data, len)};
	if (len > 64 || !is_id(approval->group, "_-") ||
	    decimal_decode(bytes_of(colon + 1, text.len - len - 1), &count) != OK || count == 0 || count > 1000)
		return false;
	approval->count = (int64_t)count;
	return true;
}

static bool
parse_approvals(struct bytes text, struct limits_row *row) {
	while (text.len > 0) {
		size_t len = 0;
		while (len < text.len && text.data[len] != ' ')
			len++;
		if (row->approval_count == LIMITS_APPROVALS_MAX)
			return false;
		struct limits_approvals *approval = &row->approvals[row->approval_count];
		if (!parse_approval(bytes_of(text.data, len), approval))
			return false;
		for (size_t i = 0; i < row->approval_count; i++)
			if (bytes_equal(row->approvals[i].group, approval->group))
				return false;
		row->approval_count++;
		if (len + 1 == text.len) /* a blank at the end */
			return false;
		text = len == text.len ? (struct bytes){} : bytes_of(text.data + len + 1, text.len - len - 1);
	}
	return row->approval_count > 0;
}

static void
read_approvals(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	row->is_never = bytes_equal_text(cell->text, "never");
	if (!row->is_never && !parse_approvals(cell->text, row))
		complain(reading, cell, "limits.approvals",
			 "expected never, or groups once each with their counts, such as \"treasury:2 independent:1\", "
			 "found \"%.*s\"",
			 FOUND(cell->text));
}

/* What shows on one line as it is: no controls, no characters that end lines, change direction or cannot be seen. */
static bool
is_one_line(struct bytes text) {
	uint32_t c;
	for (size_t at = 0, len; at < text.len; at += len) {
		len = unicode_decode(text, at, &c);
		if (len == 0 || c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
		    c == 0xFFFE || c == 0xFFFF || unicode_is_bidirectional_control(c))
			return false;
	}
	return true;
}

static void
read_note(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	row->note = cell->text;
	if (!is_one_line(cell->text))
		complain(reading, cell, "limits.note", "expected one line of visible text");
}

static enum status
read_id(struct limits_reading *reading, const struct limits_cell *cell, struct limits_row *row) {
	row->id = cell->text;
	if (cell->text.len == 0) {
		const char *made = arena_format(&reading->table->arena, "limit-%zu", reading->table->count + 1);
		TRY_ALLOC(made);
		row->id = bytes_of_text(made);
	} else if (!is_id(cell->text, "_-"))
		complain(reading, cell, "limits.id", "expected letters, digits, - and _, found \"%.*s\"",
			 FOUND(cell->text));
	for (size_t i = 0; i < reading->table->count; i++)
		if (bytes_equal(reading->table->rows[i].id, row->id))
			complain(reading, cell, "limits.id", "\"%.*s\" is the id of an earlier limit", FOUND(row->id));
	return OK;
}

enum status
limits_row_read(struct limits_reading *reading, const struct limits_cell cells[COLUMNS]) {
	struct limits_table *table = reading->table;
	if (table->count == LIMITS_ROWS_MAX)
		return fail(STATUS_TOO_LARGE, "limits.rows: more than %zu", LIMITS_ROWS_MAX);
	struct limits_row *row = &table->rows[table->count];
	*row = (struct limits_row){};
	TRY(read_id(reading, &cells[ID], row));
	read_subject(reading, &cells[WHO], true, &row->who, &row->who_id);
	read_subject(reading, &cells[ACCOUNT], false, &row->account, &row->account_id);
	read_asset(reading, &cells[ASSET], row);
	read_window(reading, &cells[WINDOW], row);
	read_per(reading, &cells[PER], row);
	read_amount(reading, &cells[AMOUNT], row);
	read_approvals(reading, &cells[APPROVALS], row);
	read_note(reading, &cells[NOTE], row);
	table->count++;
	return OK;
}

/* --- CSV. --- */

static enum status
read_header(struct limits_reading *reading, const struct csv_field *fields, size_t count,
	    enum limits_column order[CSV_FIELDS_MAX]) {
	bool seen[COLUMNS] = {};
	for (size_t i = 0; i < count; i++) {
		struct limits_cell cell = {fields[i].text, fields[i].offset};
		size_t column = 0;
		while (column < COLUMNS && !bytes_equal_text(cell.text, limits_columns[column].name))
			column++;
		if (column == COLUMNS || seen[column])
			complain(reading, &cell, "limits.column", "\"%.*s\" is %s", FOUND(cell.text),
				 column == COLUMNS ? "not a column of this table" : "a column already");
		else
			seen[column] = true;
		order[i] = (enum limits_column)column;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		if (!seen[i] && !limits_columns[i].is_optional)
			complain(reading, &(struct limits_cell){}, "limits.column", "expected the column %s",
				 limits_columns[i].name);
	return reading->findings == 0 ? OK : fail_with(STATUS_INVALID);
}

static enum status
read_csv(struct limits_reading *reading) {
	struct csv_reader csv;
	struct csv_field fields[CSV_FIELDS_MAX];
	enum limits_column order[CSV_FIELDS_MAX];
	size_t count;
	csv_start(&csv, &reading->table->arena, reading->source.file, reading->source.text);
	TRY(csv_next(&csv, fields, &count));
	TRY(read_header(reading, fields, count, order));
	for (;;) {
		struct limits_cell cells[COLUMNS] = {};
		TRY(csv_next(&csv, fields, &count));
		if (count == 0)
			return OK;
		for (size_t i = 0; i < count; i++)
			cells[order[i]] = (struct limits_cell){fields[i].text, fields[i].offset};
		for (size_t i = 0; i < COLUMNS; i++)
			if (cells[i].text.data == nullptr)
				cells[i].offset = fields[0].offset;
		TRY(limits_row_read(reading, cells));
	}
}

/* --- YAML. --- */

static size_t
offset_of(const struct limits_reading *reading, size_t line, size_t column) {
	struct bytes text = reading->source.text;
	size_t at = 0;
	for (; line > 1 && at < text.len; at++)
		line -= text.data[at] == '\n';
	return at + column - 1 < text.len ? at + column - 1 : text.len;
}

static struct limits_cell
cell_of(const struct limits_reading *reading, const struct yaml_node *node) {
	return (struct limits_cell){node->text, offset_of(reading, node->line, node->column)};
}

static enum status
read_mapping(struct limits_reading *reading, const struct yaml_node *node) {
	struct limits_cell cells[COLUMNS] = {}, whole = {.offset = offset_of(reading, node->line, node->column)};
	size_t before = reading->findings;
	if (node->kind != YAML_NODE_MAPPING) {
		complain(reading, &whole, "limits.row", "expected a mapping, found a %s", yaml_kind_name(node->kind));
		return OK;
	}
	for (const struct yaml_node *value = node->first; value != nullptr; value = value->next) {
		struct limits_cell cell = cell_of(reading, value);
		size_t column = 0;
		while (column < COLUMNS && !bytes_equal_text(value->key, limits_columns[column].name))
			column++;
		if (column == COLUMNS)
			complain(reading, &cell, "limits.column", "\"%.*s\" is not a column of this table",
				 FOUND(value->key));
		else if (value->kind != YAML_NODE_SCALAR)
			complain(reading, &cell, "limits.column", "%s: expected a scalar, found a %s",
				 limits_columns[column].name, yaml_kind_name(value->kind));
		else
			cells[column] = cell;
	}
	for (size_t i = 0; i < COLUMNS; i++) {
		if (cells[i].text.data != nullptr)
			continue;
		cells[i].offset = whole.offset;
		if (!limits_columns[i].is_optional)
			complain(reading, &whole, "limits.column", "expected %s", limits_columns[i].name);
	}
	return reading->findings == before ? limits_row_read(reading, cells) : OK;
}

static enum status
read_yaml(struct limits_reading *reading) {
	const struct yaml_node *root;
	TRY(yaml_read(&reading->table->arena, reading->source.file, reading->source.text, &root));
	const struct yaml_node *list = yaml_get(root, "limits");
	if (root->kind != YAML_NODE_MAPPING || root->count != 1 || list == nullptr ||
	    list->kind != YAML_NODE_SEQUENCE) {
		complain(reading, &(struct limits_cell){}, "limits.form",
			 "expected `limits:` with a list, and nothing else");
		return OK;
	}
	for (const struct yaml_node *node = list->first; node != nullptr; node = node->next)
		TRY(read_mapping(reading, node));
	return OK;
}

static bool
ends_with(const char *name, const char *end) {
	size_t len = strlen(name), end_len = strlen(end);
	return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

enum status
limits_table_start(struct limits_table *table) {
	*table = (struct limits_table){};
	table->rows = calloc(LIMITS_ROWS_MAX, sizeof *table->rows);
	TRY_ALLOC(table->rows);
	return OK;
}

enum status
limits_table_read(struct limits_table *table, const char *name, struct bytes text,
		  struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	TRY(limits_table_start(table));
	struct bytes kept = arena_copy(&table->arena, text);
	TRY_ALLOC(kept.data);
	struct limits_reading reading = {
		.table = table, .source = {name, kept}, .diagnostics = diagnostics == nullptr ? &own : diagnostics};
	size_t first = reading.diagnostics->count;
	enum status status = ends_with(name, ".yaml") ? read_yaml(&reading) : read_csv(&reading);
	if (status != OK && reading.findings == 0)
		return status;
	return reading.findings > 0 ? policy_diagnostics_fail(reading.diagnostics, first) : OK;
}

void
limits_table_free(struct limits_table *table) {
	free(table->rows);
	arena_free(&table->arena);
	*table = (struct limits_table){};
}
