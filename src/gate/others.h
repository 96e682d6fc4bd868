/*
 * What other keepers have told that they counted, and this one does not, of the subjects of one spend: sums by window, which limits state
 * beside the own ones. Decisions record them, so that replay knows on what a keeper decided whose limits count what others told.
 *
 * Sums and not the spends themselves: those grow with whatever other keepers sign within a week, and a record would with them.
 *
 * Plain values in an arena. Threads: one. Errors: STATUS_NO_MEMORY; of what is recorded STATUS_CORRUPT "others.*".
 */
#ifndef GATEHOUSE_GATE_OTHERS_H
#define GATEHOUSE_GATE_OTHERS_H

#include "base/arena.h"
#include "gate/counted.h"
#include "model/facts.h"
#include "base/json.h"

struct others_row {
	enum limit_dimension dimension;
	struct bytes subject;
	int64_t cents[LIMIT_WINDOWS]; /* US cents of each window: ascending */
};

struct others {
	const struct others_row *rows;
	size_t count;
};

/* A row for each part of the spend that is asked about, in their order: what was counted, and no less than what is recorded of it where
 * recorded is not null. */
enum status others_of_spend(struct arena *arena, const struct counted_spends *counted, const struct limits *own,
			    const struct spend *asked, int64_t at_ms, const struct others *recorded,
			    struct others *others);

/* The member "others" of a record, [[dimension, subject, hour, day, week], ...], in the order of the spend's parts: rows in which nothing is
 * counted are left out, and the member where all are; and back, of a record's document. A row that is out of order is of no part. */
void others_write(struct json_writer *writer, const struct others *others);
enum status others_read(struct arena *arena, const json *record, struct others *others);

/* Whether recorded facts of limits say as much as the spend and what others had counted beside it. *difference: the fact that says less;
 * null: none does. */
enum status others_hold(struct arena *arena, const struct spend *spend, const struct others *others,
			const struct facts *facts, const char **difference);

#endif
