/*
 * Exports: the entries of one legal entity and period with their proofs, in pages, each of which is verified by itself.
 *
 *   {"entries":[{"index","receipt"}],"next"?,"size"}
 *
 * A receipt is a tlog-proof with the entry inside (docs/PROTOCOL.receipt). Each page is an entry of its own in the log, with the page's
 * hash (keeper/reading.h). state.db says which entries belong to it; each is compared with what was asked for, so that a page
 * holds nothing else whatever state.db says, and `size` says how far it has come.
 *
 * Threads: any; reads durable entries and state.db only. Errors: "query.*", "read.*", those of the ledger.
 */
#ifndef GATEHOUSE_KEEPER_EXPORT_H
#define GATEHOUSE_KEEPER_EXPORT_H

#include "keeper/job.h"

constexpr size_t EXPORT_PAGE_MAX = 100;

/* query: legal_entity, from, until (ms since 1970), before (what "next" said), limit (default and greatest EXPORT_PAGE_MAX). The newest
 * first. Fills job->exported. Appended. */
enum status export_write(struct job *job, struct bytes query, struct buffer *to);

#endif
