/*
 * Signs a head with both of the log's keys at once: Ed25519 on a thread of its own, ML-DSA-44, which takes ten times as long,
 * on the caller's. A caller that is done before the other thread began does that half itself. Each signature is verified
 * by who made it.
 *
 * Owner: the caller; the signer borrows its keys. Threads: one caller at a time. Errors: those of head_sign().
 */
#ifndef GATEHOUSE_LEDGER_PARALLEL_SIGNER_H
#define GATEHOUSE_LEDGER_PARALLEL_SIGNER_H

#include "ledger/head.h"

struct parallel_signer;

enum status parallel_signer_create(const struct head_signer *signer, struct parallel_signer **parallel);
void parallel_signer_destroy(struct parallel_signer **parallel); /* a cleanup function */
enum status parallel_signer_sign(struct parallel_signer *parallel, const struct head *head, uint64_t time_s,
				 struct head_signatures *signatures);

#endif
