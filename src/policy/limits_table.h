/*
 * A table of limits, as a risk officer keeps it: above so much, in such a window, so many approvals.
 *
 *   id,who,account,asset,window,per,amount,approvals,note
 *   hot-day,*,account:options-hot,*,day,account,250000.00,treasury:2 independent:1,Daily limit of the hot account
 *   hot-one,desk:options,account:options-hot,*,transaction,-,100000.00,never,
 *
 *   id         of the limit; "limit-<row>" where the column is missing or empty
 *   who        * | person:ID | workload:ID | desk:ID | entity:ID (a legal entity)
 *   account    * | key:ID | account:ID | desk:ID | entity:ID: where the key stands that is to sign
 *   asset      * | the asset's id, such as eip155:1/native
 *   window     transaction | hour | day | week
 *   per        what is summed up in the window: key, account, desk, legal_entity, requester, destination, asset; - for transaction
 *   amount     US dollars, at most two decimals
 *   approvals  never | groups with their counts: "treasury:2 independent:1"; total and independent are people of any group
 *   note       why; optional
 *
 * Each row compiles to one forbid, which applies to what the row names, unless what is spent is known and at most the amount, or is
 * known and approved. A table adds no permission. Its text as CSV or as YAML (`limits:` and a list of mappings with the columns as
 * keys) and its Cedar say the same and lead back to the same table; Cedar that is not from a table is refused.
 *
 * Owner: a table's arena holds its rows. Errors: "csv.*", "yaml.*"; findings "limits.*" at the field.
 */
#ifndef GATEHOUSE_POLICY_LIMITS_TABLE_H
#define GATEHOUSE_POLICY_LIMITS_TABLE_H

#include "policy/diagnostic.h"

constexpr size_t LIMITS_ROWS_MAX = 4096;
constexpr size_t LIMITS_APPROVALS_MAX = 8; /* groups in one row */

enum limits_subject {
	LIMITS_ANYONE,
	LIMITS_PERSON,
	LIMITS_WORKLOAD,
	LIMITS_KEY,
	LIMITS_ACCOUNT,
	LIMITS_DESK,
	LIMITS_ENTITY,
	LIMITS_SUBJECTS,
};
enum limits_window { LIMITS_TRANSACTION, LIMITS_HOUR, LIMITS_DAY, LIMITS_WEEK, LIMITS_WINDOWS };

struct limits_approvals {
	struct bytes group; /* or "total", "independent" */
	int64_t count;
};

struct limits_row {
	struct bytes id;
	enum limits_subject who;
	struct bytes who_id;
	enum limits_subject account;
	struct bytes account_id;
	struct bytes asset; /* empty: any */
	enum limits_window window;
	struct bytes per; /* empty for LIMITS_TRANSACTION */
	int64_t cents;
	bool is_never; /* no approvals lift it */
	struct limits_approvals approvals[LIMITS_APPROVALS_MAX];
	size_t approval_count;
	struct bytes note;
};

struct limits_table {
	struct arena arena;
	struct limits_row *rows;
	size_t count;
};

void limits_table_free(struct limits_table *table); /* a cleanup function */

/* CSV, or YAML where the name ends in .yaml. diagnostics may be null. */
enum status limits_table_read(struct limits_table *table, const char *name, struct bytes text,
			      struct policy_diagnostics *diagnostics);
void limits_table_write_csv(const struct limits_table *table, struct buffer *to);
void limits_table_write_yaml(const struct limits_table *table, struct buffer *to);

/* Cedar, appended, in the form of the formatter. */
enum status limits_table_compile(const struct limits_table *table, struct buffer *to);
/* And back: every policy of the text must be what a row compiles to, comments and spacing apart. "limits.not_a_limit". */
enum status limits_table_extract(struct limits_table *table, const char *name, struct bytes text,
				 struct policy_diagnostics *diagnostics);

/* "day"; and "desk:options", "*" for anyone, appended. */
const char *limits_window_name(enum limits_window window);
void limits_subject_write(enum limits_subject subject, struct bytes id, struct buffer *to);

#endif
