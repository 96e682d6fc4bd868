/* The inside of a table of limits: its columns, for limits_table.c, which reads, and limits_cedar.c, which writes and compiles. */
#ifndef GATEHOUSE_POLICY_LIMITS_COLUMNS_H
#define GATEHOUSE_POLICY_LIMITS_COLUMNS_H

#include "policy/limits_table.h"

enum limits_column { ID, WHO, ACCOUNT, ASSET, WINDOW, PER, AMOUNT, APPROVALS, NOTE, COLUMNS };

struct limits_column_kind {
	const char *name;
	bool is_optional;
};
extern const struct limits_column_kind limits_columns[COLUMNS];
extern const char *const limits_windows[LIMITS_WINDOWS];

struct limits_subject_kind {
	const char *prefix; /* in the table */
	const char *entity;
	bool is_group; /* the policy's scope says `in` */
	bool may_ask, may_own;
};
extern const struct limits_subject_kind limits_subjects[LIMITS_SUBJECTS];

struct limits_cell {
	struct bytes text;
	size_t offset; /* in the source */
};

struct limits_reading {
	struct limits_table *table;
	struct policy_source source;
	struct policy_diagnostics *diagnostics;
	size_t findings;
};

/* An empty table with room. */
enum status limits_table_start(struct limits_table *table);
/* Adds a row of these cells; what is wrong with them is noted. */
enum status limits_row_read(struct limits_reading *reading, const struct limits_cell cells[COLUMNS]);

#endif
