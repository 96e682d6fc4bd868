/*
 * Operations as they are listed and found: from the projection, the newest first, narrowed to what an auditor may read.
 *
 * A search is up to four words, all of which occur, in whatever case, in the kind, requester, resource, destinations, reference or
 * reason of an operation, or begin its id. A page of it costs no more than PROJECTION_SEARCH_ROWS rows: it may be empty and go on.
 *
 * Threads: any; the projection's mutex is taken. Errors: "query.*", "read.*".
 */
#ifndef GATEHOUSE_KEEPER_OPERATION_LISTING_H
#define GATEHOUSE_KEEPER_OPERATION_LISTING_H

#include "keeper/job.h"

/* query: state, kind, principal, resource, legal_entity, from, until (ms since 1970), search, before, limit (default 50); within the
 * job's scope. Appended: {"operations":[...],"rest"?,"size"}; rest is the `before` of the next page. */
enum status operation_listing_write(struct job *job, struct bytes query, struct buffer *to);

#endif
