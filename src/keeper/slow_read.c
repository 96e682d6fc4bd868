#include "keeper/slow_read.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "identity/http_signature.h"
#include "keeper/reading.h"
#include "keeper/respond.h"

struct slow_reads {
	enum status (*work)(struct job *job);
	int wake;
	size_t outstanding; /* of the deciding thread */
	pthread_mutex_t mutex;
	pthread_cond_t more;
	struct job *waiting, **waiting_end; /* oldest first */
	struct job *reading;
	struct job *done;
	bool is_stopping, has_thread;
	pthread_t thread;
};

static void
read_one(struct slow_reads *reads, struct job *job) {
	job->read_status = reads->work(job);
	if (job->read_status == OK)
		job->read_status = buffer_status(&job->body);
	if (job->read_status != OK)
		job_keep_error(job);
}

/* The oldest that waits, from lock to lock. */
static void
read_next(struct slow_reads *reads) {
	struct job *job = reads->reading = reads->waiting;
	reads->waiting = job->next;
	if (reads->waiting == nullptr)
		reads->waiting_end = &reads->waiting;
	pthread_mutex_unlock(&reads->mutex);
	read_one(reads, job);
	pthread_mutex_lock(&reads->mutex);
	reads->reading = nullptr;
	job->next = reads->done;
	reads->done = job;
	(void)!write(reads->wake, &(uint64_t){1}, sizeof(uint64_t)); /* a full counter wakes as well */
}

static void *
thread_main(void *argument) {
	struct slow_reads *reads = argument;
	pthread_mutex_lock(&reads->mutex);
	for (;;) {
		while (!reads->is_stopping && reads->waiting == nullptr)
			pthread_cond_wait(&reads->more, &reads->mutex);
		if (reads->is_stopping)
			break;
		read_next(reads);
	}
	pthread_mutex_unlock(&reads->mutex);
	return nullptr;
}

enum status
slow_reads_start(struct slow_reads **reads, enum status (*work)(struct job *job), int wake, bool is_manual) {
	_cleanup_(slow_reads_stop) struct slow_reads *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->work = work;
	made->wake = wake;
	made->waiting_end = &made->waiting;
	pthread_mutex_init(&made->mutex, nullptr);
	pthread_cond_init(&made->more, nullptr);
	if (!is_manual && (errno = pthread_create(&made->thread, nullptr, thread_main, made)) != 0)
		return fail_errno(STATUS_UNAVAILABLE, "read.thread");
	made->has_thread = !is_manual;
	*reads = TAKE(made);
	return OK;
}

void
slow_reads_stop(struct slow_reads **reads) {
	struct slow_reads *gone = TAKE(*reads);
	if (gone == nullptr)
		return;
	if (gone->has_thread) {
		pthread_mutex_lock(&gone->mutex);
		gone->is_stopping = true;
		pthread_cond_signal(&gone->more);
		pthread_mutex_unlock(&gone->mutex);
		pthread_join(gone->thread, nullptr);
	}
	jobs_free(gone->waiting);
	jobs_free(gone->done);
	pthread_cond_destroy(&gone->more);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

static bool
is_of(const struct job *job, struct bytes principal) {
	return job != nullptr && bytes_equal(http_signature_principal(job->reader), principal);
}

/* With the lock. */
static enum status
check_room(const struct slow_reads *reads, struct bytes principal) {
	size_t all = reads->reading != nullptr, own = is_of(reads->reading, principal);
	for (const struct job *job = reads->waiting; job != nullptr; job = job->next) {
		all++;
		own += is_of(job, principal);
	}
	if (all >= SLOW_READS_MAX || own >= SLOW_READS_PER_PRINCIPAL_MAX)
		return fail(STATUS_UNAVAILABLE,
			    "read.overloaded: %zu reads are under way, %zu of them of this principal", all, own);
	return OK;
}

enum status
slow_reads_take(struct slow_reads *reads, struct job *job) {
	struct bytes target = arena_copy(&job->arena, job->http.target);
	struct bytes reader = arena_copy(&job->arena, job->reader);
	TRY_ALLOC(target.data);
	TRY_ALLOC(reader.data);
	job->http = (struct http_request){.target = target};
	job->received = (struct ipc_request){};
	job->reader = reader;
	pthread_mutex_lock(&reads->mutex);
	enum status status = check_room(reads, http_signature_principal(reader));
	if (status == OK) {
		job->next = nullptr;
		*reads->waiting_end = job;
		reads->waiting_end = &job->next;
		pthread_cond_signal(&reads->more);
		if (!reads->has_thread)
			read_next(reads);
	}
	pthread_mutex_unlock(&reads->mutex);
	reads->outstanding += status == OK;
	return status;
}

static void
answer(struct job *job) {
	struct keeper *keeper = job->keeper;
	if (job->read_status == OK)
		keeper_send_body(keeper, job, 200, job->content_type, buffer_bytes(&job->body));
	else {
		job->is_withheld = false;
		keeper_send_job_error(keeper, job);
	}
	keeper_read_finish(job);
}

void
slow_reads_settle(struct slow_reads *reads) {
	if (reads->outstanding == 0)
		return;
	pthread_mutex_lock(&reads->mutex);
	struct job *done = TAKE(reads->done);
	pthread_mutex_unlock(&reads->mutex);
	while (done != nullptr) {
		struct job *job = done;
		done = job->next;
		reads->outstanding--;
		answer(job);
	}
}

size_t
slow_reads_outstanding(const struct slow_reads *reads) {
	return reads->outstanding;
}
