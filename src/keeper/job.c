#include "keeper/job.h"

#include <stdio.h>
#include <stdlib.h>

struct job *
job_take(struct keeper *keeper) {
	struct job *job = keeper->free_jobs;
	if (job == nullptr) {
		job = calloc(1, sizeof *job);
		if (job == nullptr)
			return nullptr;
	} else
		keeper->free_jobs = job->next;
	job->keeper = keeper;
	job->next = nullptr;
	return job;
}

void
commit_release(struct commit *commit) {
	if (commit == nullptr || --commit->references > 0)
		return;
	buffer_free(&commit->note);
	free(commit);
}

void
job_give_back(struct keeper *keeper, struct job *job) {
	gate_step_free(&job->step);
	commit_release(job->commit);
	buffer_free(&job->body);
	struct arena arena = job->arena;
	arena_reset(&arena);
	*job = (struct job){.next = keeper->free_jobs, .arena = arena};
	keeper->free_jobs = job;
}

void
jobs_free(struct job *job) {
	while (job != nullptr) {
		struct job *next = job->next;
		gate_step_free(&job->step);
		commit_release(job->commit);
		buffer_free(&job->body);
		arena_free(&job->arena);
		free(job);
		job = next;
	}
}

/* Cut to what a job keeps, between characters. */
void
job_keep_error(struct job *job) {
	fail_keep("%.*s", (int)sizeof job->error - 1, fail_message());
	snprintf(job->error, sizeof job->error, "%s", fail_message());
}

/* The key that verifiably asked; empty: nobody is known to have. */
struct bytes
job_asking_key(const struct job *job) {
	switch (job->kind) {
	case JOB_VOTE:
		return job->vote.key_id;
	case JOB_READ:
	case JOB_SIGN_OUT:
		return job->reader;
	case JOB_SIGN_IN:
		return job->sign_in.key_id;
	case JOB_ENROLMENT: /* a token is nobody's key */
		return (struct bytes){};
	default:
		return job->submission.key_id;
	}
}
