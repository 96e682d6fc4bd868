/*
 * Answering a job: over the channel, or to keeper_answer(). Bodies of operations are written by keeper/answer.h.
 */
#ifndef GATEHOUSE_KEEPER_RESPOND_H
#define GATEHOUSE_KEEPER_RESPOND_H

#include "keeper/answer.h"
#include "keeper/job.h"

/* error: stable name, colon, sentence. */
void keeper_send_problem(struct keeper *keeper, struct job *job, enum status status, const char *error);
/* What the job itself keeps of why it was refused. */
void keeper_send_job_error(struct keeper *keeper, struct job *job);
void keeper_send_body(struct keeper *keeper, struct job *job, unsigned status, const char *content_type,
		      struct bytes body);
/* The answer that waited for its entry. */
void keeper_send_withheld(struct keeper *keeper, struct job *job);
void keeper_send_feed(struct keeper *keeper, struct job *job);
void keeper_send_answer(struct keeper *keeper, struct job *job, const struct answer *answer);

/* What a finished or held operation's entry says, once more. */
enum status keeper_answer_known(struct keeper *keeper, struct job *job, const struct gate_operation *operation);
/* leaf.data null: without the entry. commit null: in the newest head. */
enum status keeper_write_receipt(struct keeper *keeper, uint64_t index, const struct commit *commit, struct bytes leaf,
				 struct buffer *receipt);

#endif
