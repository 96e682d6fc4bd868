#include "tests/test.h"

#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "keeper/respond.h"
#include "keeper/slow_read.h"

/* The part of a keeper that slow reads touch, and work that waits until it is let go on. */
struct reading {
	struct keeper keeper;
	struct arena arena;
	struct ipc_response responses[2 * SLOW_READS_MAX];
	size_t asked;
};

static sem_t may_go_on;

static enum status
echo_target(struct job *job) {
	sem_wait(&may_go_on);
	job->content_type = "text/plain";
	if (bytes_equal_text(job->http.target, "/fails"))
		return fail(STATUS_NOT_FOUND, "operation.unknown: there is none");
	buffer_append_bytes(&job->body, job->http.target);
	return OK;
}

static void
start(struct reading *reading) {
	*reading = (struct reading){};
	sem_init(&may_go_on, 0, 0);
	reading->keeper.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(reading->keeper.wake >= 0);
	assert_ok(slow_reads_start(&reading->keeper.slow_reads, echo_target, reading->keeper.wake, false));
}

static void
end(struct reading *reading) {
	for (size_t i = 0; i < ARRAY_LENGTH(reading->responses); i++)
		sem_post(&may_go_on); /* for whatever is read until it is told to stop */
	slow_reads_stop(&reading->keeper.slow_reads);
	jobs_free(reading->keeper.free_jobs);
	close(reading->keeper.wake);
	arena_free(&reading->arena);
}

/* The target is overwritten afterwards, as the channel's buffer is. */
static enum status
ask(struct reading *reading, const char *reader, const char *target) {
	char frame[64], key[64];
	snprintf(frame, sizeof frame, "%s", target);
	snprintf(key, sizeof key, "%s", reader);
	struct job *job = job_take(&reading->keeper);
	job->kind = JOB_READ;
	job->http.target = bytes_of_text(frame);
	job->reader = bytes_of_text(key);
	job->response = &reading->responses[reading->asked++];
	job->response_arena = &reading->arena;
	enum status status = slow_reads_take(reading->keeper.slow_reads, job);
	memset(frame, '#', sizeof frame);
	memset(key, '#', sizeof key);
	if (status != OK)
		job_give_back(&reading->keeper, job);
	return status;
}

static void
settle_all(struct reading *reading) {
	while (slow_reads_outstanding(reading->keeper.slow_reads) > 0) {
		struct pollfd polled = {.fd = reading->keeper.wake, .events = POLLIN};
		assert_int_equal(1, poll(&polled, 1, -1));
		(void)!read(reading->keeper.wake, &(uint64_t){}, sizeof(uint64_t));
		slow_reads_settle(reading->keeper.slow_reads);
	}
}

static void
each_is_answered_with_what_it_asked_for(void **) {
	_cleanup_(end) struct reading reading;
	start(&reading);
	assert_ok(ask(&reading, "person:anna/laptop", "/one"));
	assert_ok(ask(&reading, "person:boris/laptop", "/fails"));
	assert_ok(ask(&reading, "workload:desk/one", "/three"));
	slow_reads_settle(reading.keeper.slow_reads);
	assert_int_equal(3, slow_reads_outstanding(reading.keeper.slow_reads));
	for (size_t i = 0; i < 3; i++)
		sem_post(&may_go_on);
	settle_all(&reading);
	assert_bytes(BYTES_OF_LITERAL("/one"), reading.responses[0].body);
	assert_int_equal(404, reading.responses[1].status);
	assert_bytes(BYTES_OF_LITERAL("/three"), reading.responses[2].body);
}

static void
one_principal_gets_so_many_and_others_still_some(void **) {
	_cleanup_(end) struct reading reading;
	start(&reading);
	for (size_t i = 0; i < SLOW_READS_PER_PRINCIPAL_MAX; i++)
		assert_ok(ask(&reading, i % 2 == 0 ? "person:anna/laptop" : "person:anna/phone", "/one"));
	assert_fails(STATUS_UNAVAILABLE, "read.overloaded", ask(&reading, "person:anna/laptop", "/one"));
	assert_ok(ask(&reading, "person:boris/laptop", "/one"));
	for (size_t i = 0; i <= SLOW_READS_PER_PRINCIPAL_MAX; i++)
		sem_post(&may_go_on);
	settle_all(&reading);
	assert_ok(ask(&reading, "person:anna/laptop", "/one"));
}

static void
all_together_get_so_many(void **) {
	_cleanup_(end) struct reading reading;
	char reader[32];
	start(&reading);
	for (size_t i = 0; i < SLOW_READS_MAX; i++) {
		snprintf(reader, sizeof reader, "person:%zu/laptop", i);
		assert_ok(ask(&reading, reader, "/one"));
	}
	assert_fails(STATUS_UNAVAILABLE, "read.overloaded", ask(&reading, "person:anna/laptop", "/one"));
}

/* Neither lost nor sent: the client hears why. */
static void
an_answer_that_no_frame_holds_is_a_problem_by_name(void **) {
	_cleanup_(end) struct reading reading;
	_cleanup_(buffer_free) struct buffer body = {};
	start(&reading);
	assert_true(buffer_reserve(&body, IPC_BODY_MAX + 1));
	memset(body.data, 'x', IPC_BODY_MAX + 1);
	for (size_t more = 0; more < 2; more++) {
		struct job *job = job_take(&reading.keeper);
		job->response = &reading.responses[more];
		job->response_arena = &reading.arena;
		keeper_send_body(&reading.keeper, job, 200, "text/plain", bytes_of(body.data, IPC_BODY_MAX + more));
		assert_int_equal(more == 0 ? 200 : 422, reading.responses[more].status);
		job_give_back(&reading.keeper, job);
	}
	assert_non_null(memmem(reading.responses[1].body.data, reading.responses[1].body.len, "answer.size", 11));
}

RUN_TESTS(T(an_answer_that_no_frame_holds_is_a_problem_by_name), T(each_is_answered_with_what_it_asked_for),
	  T(one_principal_gets_so_many_and_others_still_some), T(all_together_get_so_many))
