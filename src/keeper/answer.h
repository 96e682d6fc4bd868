/*
 * What a requester is told about an operation: state, decision with its reasons, what is missing, the result, and the receipt.
 * The body is the same whether the operation was decided just now or is answered again from the log. docs/openapi.yaml.
 */
#ifndef GATEHOUSE_KEEPER_ANSWER_H
#define GATEHOUSE_KEEPER_ANSWER_H

#include "gate/record.h"

struct answer {
	enum operation_state state;
	struct hash256 operation;
	uint64_t entry;                       /* index in the log */
	const struct decision_record *record; /* null: nothing was decided yet beyond what the state says */
	struct bytes result, error;           /* of an outcome whose record is another entry's; empty otherwise */
	struct bytes missing;                 /* canonical JSON of a held operation; empty otherwise */
	struct bytes receipt;                 /* tlog-proof text; may be empty */
	struct bytes refusal;                 /* why the last vote could not decide; empty otherwise */
	struct bytes rejected_by, rejection;  /* whose vote rejected it, and why; empty otherwise */
};

/* {"person","reason"}; an empty reason is left out. */
void rejection_write(struct json_writer *writer, struct bytes person, struct bytes reason);
/* What the entry of a vote says of a rejection; nothing of any other vote. */
enum status answer_read_rejection(const json *vote, struct answer *answer);

/* 200 done, 202 held or unknown, 403 denied or rejected, 409 failed, 410 expired. */
unsigned answer_status(const struct answer *answer);
/* Canonical JSON, appended. What is not done carries the members of a problem document (RFC 9457) as well. */
enum status answer_write(const struct answer *answer, struct buffer *body);
/* Why it was not done, in words, appended. */
void answer_write_detail(const struct answer *answer, struct buffer *detail);
/* "application/json" or "application/problem+json". */
const char *answer_content_type(const struct answer *answer);

#endif
