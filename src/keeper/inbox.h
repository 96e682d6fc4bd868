/*
 * What waits for a person: the held operations that this person's vote would bring further, those that expire first at the
 * beginning, each as an approver reads it. None of it is trusted by whoever votes from a terminal of their own (gate/material.h);
 * a console shows it, and the statement that is signed there names the digest of the view that was shown.
 *
 *   {"count": of all that wait, "items": [{"bundle", "created", "completed_stage", "digest", "expires", "helps": [names in missing], "missing": {…},
 *    "operation", "seats": [whose vote the reader may cast], "stage", "view": {…}, "view_digest", "votes": [{"expires", "independent",
 *    "key", "person", "phishing_resistant", "stands", "verdict"}]}], "next": cursor where there is more, "person"}
 *
 * Runs in order, on the deciding thread: of all held operations it looks at what is missing, and decodes those that it shows.
 */
#ifndef GATEHOUSE_KEEPER_INBOX_H
#define GATEHOUSE_KEEPER_INBOX_H

#include "keeper/job.h"

constexpr size_t INBOX_PAGE = 32;

/* query: after (a cursor). Errors: STATUS_DENIED "inbox.person" where a workload asks; "query.*". Appended. */
enum status inbox_write(struct job *job, struct bytes query, struct buffer *to);

/* One held operation as the inbox shows it, to anybody: "helps" and "seats" are empty for whoever cannot vote on it.
 * STATUS_CONFLICT "operation.not_held" for one that is not waiting for approvals. */
enum status inbox_write_operation(struct job *job, const struct gate_operation *operation, struct buffer *to);

#endif
