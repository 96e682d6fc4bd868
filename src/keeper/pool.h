/*
 * A few threads that do independent pieces of a batch together with the caller: reading and verifying submissions.
 * Owner: the caller. Threads: pool_run() by one thread at a time; it returns when every piece is done.
 */
#ifndef GATEHOUSE_KEEPER_POOL_H
#define GATEHOUSE_KEEPER_POOL_H

#include "base/status.h"

struct pool;

/* threads beside the caller; 0 is allowed. */
enum status pool_create(struct pool **pool, unsigned threads);
void pool_destroy(struct pool **pool);        /* a cleanup function */
size_t pool_threads(const struct pool *pool); /* the caller among them */
/* Calls work(context, i) once for every i below count, in any order, on any of the threads. */
void pool_run(struct pool *pool, size_t count, void (*work)(void *context, size_t index), void *context);

#endif
