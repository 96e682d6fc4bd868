/*
 * The keeper's channel to the helper worker: one piece of work at a time, asked for and answered between requests.
 *
 * Whoever asks gives the document (policy/work.h) and a function that is told once what came of it: an answer to that very
 * document, or why there is none. A worker that goes away, answers something else or takes too long is work without a result; the
 * supervisor is told to end it. A worker ends after each answer, so the next piece of work waits for the channel to its successor.
 * Threads: the deciding one.
 */
#ifndef GATEHOUSE_KEEPER_WORKER_LINK_H
#define GATEHOUSE_KEEPER_WORKER_LINK_H

#include "keeper/internal.h"
#include "policy/work.h"

constexpr int64_t WORK_MS = 90'000; /* longer than the worker's own limit of processor time */

/* answer: null where there is none; fail_message() then says why: "worker.*", "work.*". Both live for the call only. */
typedef void work_done(void *context, const struct work_answer *answer);

/* Copies the request. STATUS_UNAVAILABLE "worker.busy": another piece of work is under way. done is called later, never from
 * within; it may ask again. */
enum status worker_link_ask(struct keeper *keeper, struct bytes request, work_done *done, void *context);

void worker_link_turn(struct keeper *keeper);
/* The answer is not wanted any more: done is not called. */
void worker_link_forget(struct keeper *keeper);
/* For poll(2): −1 where there is no channel. */
int worker_link_descriptor(const struct keeper *keeper);
short worker_link_events(const struct keeper *keeper);
void worker_link_stop(struct keeper *keeper);

#endif
