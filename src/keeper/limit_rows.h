/*
 * The table of limits of the bundle in force, row by row, as whoever reads it beside what was spent needs it. Where the firm wrote
 * it as CSV or as YAML is no matter here.
 *
 * Threads: limit_rows_find() the deciding one; limit_rows_write() any. Errors: "query.*"; those of policy/limits_table.h.
 */
#ifndef GATEHOUSE_KEEPER_LIMIT_ROWS_H
#define GATEHOUSE_KEEPER_LIMIT_ROWS_H

#include "keeper/job.h"

/* Copies the table's text into the job. */
enum status limit_rows_find(struct job *job);
/* {"bundle","items":[{"account","approvals","asset","cents","id","note","per"?,"who","window"},...],"next"?} */
enum status limit_rows_write(struct job *job, struct bytes query, struct buffer *to);

#endif
