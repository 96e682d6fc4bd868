/*
 * Reads that go to the log, to state.db or to published files, beside the deciding thread.
 *
 * The deciding thread takes down where a read stands (an entry's index), a thread of its own does the work on what never changes
 * any more, and the deciding thread sends the answer with the next turn of the loop. Each is of one moment: durable entries do
 * not change, and state.db says which size it shows.
 *
 * Bounded: so many wait, so many of one principal: STATUS_UNAVAILABLE "read.overloaded", never a wait. A job that was
 * taken belongs to the reads until slow_reads_settle(). Threads: all functions are the deciding thread's.
 */
#ifndef GATEHOUSE_KEEPER_SLOW_READ_H
#define GATEHOUSE_KEEPER_SLOW_READ_H

#include "keeper/job.h"

constexpr size_t SLOW_READS_MAX = 64;
constexpr size_t SLOW_READS_PER_PRINCIPAL_MAX = 8;

struct slow_reads;

/* work() runs beside and writes job->body and job->content_type; wake is an eventfd that is written when something is done.
 * is_manual: no thread; the work is done while it is taken. */
enum status slow_reads_start(struct slow_reads **reads, enum status (*work)(struct job *job), int wake, bool is_manual);
/* What waits is given up, what is being read is waited for. A cleanup function. */
void slow_reads_stop(struct slow_reads **reads);

/* What the job views of the frame that it came in is copied first. */
enum status slow_reads_take(struct slow_reads *reads, struct job *job);
/* Answers what is done. */
void slow_reads_settle(struct slow_reads *reads);
/* Taken and not answered. */
size_t slow_reads_outstanding(const struct slow_reads *reads);

#endif
