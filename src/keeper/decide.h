/*
 * A job's way from decision to answer: rate limit, readiness, the gate, the log, and what follows when its entries are durable.
 */
#ifndef GATEHOUSE_KEEPER_DECIDE_H
#define GATEHOUSE_KEEPER_DECIDE_H

#include "keeper/job.h"

/* The limits, from the configuration. */
void decide_start(struct keeper *keeper);
/* What one keeper may forward in a second, whoever signed it, of so many bytes: STATUS_RATE "request.rate". It is a thousand requests, and
 * as much again as its gateway lets in of twenty principals at once: an honest one never comes near it. */
enum status decide_take_forwarded(struct keeper *keeper, uint8_t party, size_t len);
/* A limit per principal, ahead of every entry that a requester can cause, and another of what is read: STATUS_RATE "request.rate".
 * Nobody is known to have asked, or another keeper forwards it: OK. */
enum status decide_take_token(struct keeper *keeper, const struct job *job);
/* An operation or vote that was read; in order. The job is answered and given back, now or when it is durable. */
void decide_job(struct keeper *keeper, struct job *job);
/* What was decided of submissions that may wait is signed and given to the log; before anything else is decided or recorded, which may
 * depend on it, and at the end of a batch. */
void decide_flush(struct keeper *keeper);
/* Whether the log can take what a decision needs at most. */
enum status decide_check_room(const struct keeper *keeper);
/* One entry of this job's; signing_in_answer() when it is durable. */
enum status decide_record(struct keeper *keeper, struct job *job, enum entry_type type, struct bytes body);
/* One that was refused at reading; fail_message() says why. Recorded where somebody is known to have asked; of what
 * another keeper forwards no vote that is known or too late, and of the rest so many a minute. */
void decide_refuse(struct keeper *keeper, struct job *job, enum status status);
/* The outcome of a joint act, as gate_conclude() gave it in job->step, or its failure. */
void decide_concluded(struct keeper *keeper, struct job *job, enum status status);
/* Whoever waits is told that the outcome is not known yet; the job is given back. */
void decide_answer_unknown(struct keeper *keeper, struct job *job);
/* Answers everything that has become durable meanwhile. */
void decide_settle(struct keeper *keeper);
/* One held operation whose time is over: true if there was one, whose entry is being made durable. */
bool decide_expire(struct keeper *keeper);
/* On the committer's thread, with the keeper as its context: hands over what became of a batch. */
void decide_told(void *context);
void decide_free(struct keeper *keeper);

#endif
