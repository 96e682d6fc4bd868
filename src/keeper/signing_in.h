/*
 * Signing in and out, reads by whoever is signed in, and enrolments by invitation: the keeper's side of identity/sessions.h and
 * gate/enrolment.h. docs/people.md.
 *
 * The keeper alone holds sessions; the gateway hands the Cookie field over as it came. A cookie reads, says that somebody is there, and
 * signs out, and nothing else: whatever changes something is signed by itself. Sign-ins, refusals of those whose signature held, and sign-outs are
 * entries, durable before the answer leaves. All refusals are one and the same answer, session.refused.
 */
#ifndef GATEHOUSE_KEEPER_SIGNING_IN_H
#define GATEHOUSE_KEEPER_SIGNING_IN_H

#include "keeper/job.h"

/* The cookie: its name is a promise that browsers hold it to (RFC 6265bis §4.1.3.2). */
#define SESSION_COOKIE "__Host-gatehouse"

void signing_in_start(struct keeper *keeper);
void signing_in_free(struct keeper *keeper);

/* On the pool. Who asks by a cookie: sets job->reader and job->by_session. STATUS_UNAUTHORIZED session.none. */
enum status signing_in_authenticate(struct job *job);
/* JOB_SIGN_IN, JOB_ENROLMENT. */
enum status signing_in_read(struct job *job);
enum status signing_in_read_enrolment(struct job *job);

/* In order. A read by a cookie: the session is still there, and is used now. */
enum status signing_in_use(struct job *job, bool is_activity, bool may_renew);
/* The live updates that the job asks for: what ends them when its reader may not have them any more. */
void signing_in_name_stream(struct job *job);
/* JOB_SIGN_IN, JOB_SIGN_OUT, JOB_ENROLMENT: answered when it is recorded. */
void signing_in_decide(struct keeper *keeper, struct job *job);
void signing_in_answer(struct keeper *keeper, struct job *job);
/* What whoever asks is told of a sign-in that is refused, in the place of why. */
void signing_in_hide(struct job *job);
/* One that is nobody's: counted with its origin, and told to wait where that keeps failing. Who signs is never made to wait by
 * others: what is right is taken, whatever its origin did before. */
void signing_in_slow_down(struct job *job);

/* Operations, votes and sign-ins by a passkey, in order: where too many assertions in its name did not hold, of the network that this
 * one comes from, another that does not is told to wait; one that does is taken, and forgives them. STATUS_RATE session.throttled. */
enum status signing_in_check_throttled(struct job *job);

/* An operation is done, or is about to act: sessions that it ends are over, and their streams with them; and streams of those who
 * may not watch any more, in a session or not. */
void signing_in_follow(struct keeper *keeper, const struct decision_record *done);
void signing_in_tick(struct keeper *keeper);

/* Answers to reads. */
enum status signing_in_write_challenge(struct job *job, struct json_writer *writer);
enum status signing_in_write_session(struct job *job, struct json_writer *writer);
enum status signing_in_write_options(struct job *job, struct json_writer *writer);

#endif
