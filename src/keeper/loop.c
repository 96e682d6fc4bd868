#include "keeper/activating.h"
#include "keeper/loop.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "keeper/api.h"
#include "keeper/decide.h"
#include "keeper/fetch_link.h"
#include "keeper/reading.h"
#include "keeper/peer_link.h"
#include "keeper/report.h"
#include "keeper/respond.h"
#include "keeper/signing_in.h"
#include "keeper/slow_read.h"
#include "keeper/system_entry.h"
#include "keeper/threshold.h"
#include "keeper/worker_link.h"

constexpr size_t BATCH_MAX = 256;
constexpr size_t TOGETHER_MAX = 64; /* decided before answers go out again */
constexpr size_t GATHER_FROM = 8; /* decided together: these callers are not alone, and more are likely on their way */
constexpr unsigned GATHER_US = 600;
constexpr unsigned GATHER_PAUSE = 4; /* rounds that do not wait, after one that waited for nobody */
constexpr int64_t CLOCK_SAMPLE_MS = 60 * SECOND_MS;

/* --- Reading requests. --- */

static void
add_field(struct job *job, const char *name, struct bytes value) {
	if (value.data != nullptr)
		job->fields[job->http.field_count++] = (struct http_field){bytes_of_text(name), value};
}

static void
prepare(struct job *job, struct bytes payload) {
	job->read_status = ipc_read_request(payload, &job->received);
	if (job->read_status != OK) {
		job_keep_error(job);
		return;
	}
	const struct ipc_request *received = &job->received;
	job->http = (struct http_request){
		.method = received->method, .target = received->target, .fields = job->fields, .body = received->body};
	add_field(job, "host", received->host);
	add_field(job, "content-type", received->content_type);
	add_field(job, "content-digest", received->content_digest);
	add_field(job, "idempotency-key", received->idempotency_key);
	add_field(job, "signature-input", received->signature_input);
	add_field(job, "signature", received->signature);
}

/* On the pool: everything that needs no order. Of operations the signatures are left for verify_job(). */
static void
begin_job(struct job *job) {
	struct keeper *keeper = job->keeper;
	if (job->read_status != OK)
		return;
	job->submission = (struct submission){.arena = &job->arena};
	job->kind = JOB_READ;
	job->read_status = api_route(job);
	bool is_for_all = job->kind == JOB_OPERATION || job->kind == JOB_VOTE || job->kind == JOB_ENROLMENT;
	if (job->read_status == OK && job->forwarded_by != 0 && !is_for_all)
		job->read_status =
			fail(STATUS_INVALID, "peers.request: keepers forward operations, votes and enrolments");
	if (job->read_status == OK && job->kind == JOB_OPERATION)
		job->read_status = gate_begin_operation(keeper->gate, &job->http, job->received.reported.peer_address,
							keeper->batch_ms, &job->submission);
	else if (job->read_status == OK && job->kind == JOB_VOTE) {
		job->read_status = gate_read_vote(keeper->gate, &job->arena, job->http.body, &job->vote);
		job->vote.peer_address = job->received.reported.peer_address;
	} else if (job->read_status == OK && job->kind == JOB_SIGN_IN)
		job->read_status = signing_in_read(job);
	else if (job->read_status == OK && job->kind == JOB_SIGN_OUT)
		job->read_status = signing_in_authenticate(job);
	else if (job->read_status == OK && job->kind == JOB_ENROLMENT)
		job->read_status = signing_in_read_enrolment(job);
	else if (job->read_status == OK)
		job->read_status = api_authenticate(job);
	if (job->read_status != OK)
		job_keep_error(job);
}

static void
verify_job(struct job *job) {
	struct keeper *keeper = job->keeper;
	if (job->read_status != OK || job->kind != JOB_OPERATION)
		return;
	job->read_status = gate_verify_operation(keeper->gate, &job->http, keeper->batch_ms, &job->submission);
	if (job->read_status == OK && job->urgent && !operation_kinds[job->submission.kind].is_protective)
		job->read_status = fail(STATUS_INVALID, "operation.not_protective: %s has no queue of its own",
					operation_kinds[job->submission.kind].name);
	if (job->read_status != OK)
		job_keep_error(job);
}

void
loop_read_again(struct job *job) {
	job->read_status = OK;
	job->vote = (struct vote_submission){};
	begin_job(job);
	verify_job(job);
}

struct reading {
	struct job **jobs;
	size_t count, together;
};

static void
read_together(void *context, size_t index) {
	const struct reading *reading = context;
	size_t first = index * reading->together, left = reading->count - first;
	size_t end = first + (left < reading->together ? left : reading->together);
	for (size_t i = first; i < end; i++)
		begin_job(reading->jobs[i]);
	for (size_t i = first; i < end; i++)
		verify_job(reading->jobs[i]);
}

/* A few together; so few that the threads end at about the same time. */
static void
read_jobs(struct keeper *keeper, struct job **jobs, size_t count) {
	struct reading reading = {
		.jobs = jobs, .count = count, .together = 1 + count / (4 * pool_threads(keeper->pool))};
	pool_run(keeper->pool, (count + reading.together - 1) / reading.together, read_together, &reading);
}

static void
answer_read(struct keeper *keeper, struct job *job) {
	bool is_under_way = false;
	enum status status = api_read(job, &is_under_way);
	metric_add(&keeper->reads, 1);
	if (status != OK) {
		job->is_withheld = false;
		keeper_send_problem(keeper, job, status, fail_message());
	}
	if (!is_under_way)
		keeper_read_finish(job);
}

static void
decide_or_wait(struct keeper *keeper, struct job *job) {
	bool waits;
	enum status status = activating_take(keeper, job, &waits);
	if (status != OK) { /* before the ledger: not recorded */
		keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
	} else if (!waits)
		decide_job(keeper, job);
}

/* Transfers are decided together and then signed; whatever else comes between them waits until those before it are recorded. */
static void
handle(struct keeper *keeper, struct job *job) {
	job->submission.may_wait =
		job->read_status == OK && job->kind == JOB_OPERATION && job->submission.kind == OPERATION_SIGN;
	if (!job->submission.may_wait)
		decide_flush(keeper);
	enum status limited = decide_take_token(keeper, job);
	if (limited == OK)
		limited = signing_in_check_throttled(job);
	if (limited != OK) { /* before the ledger: not recorded */
		keeper_send_problem(keeper, job, limited, fail_message());
		job_give_back(keeper, job);
	} else if (job->read_status != OK) {
		fail_keep("%s", job->error);
		decide_refuse(keeper, job, job->read_status);
	} else if (job->kind == JOB_READ) {
		answer_read(keeper, job);
	} else if (job->kind == JOB_SIGN_IN || job->kind == JOB_SIGN_OUT || job->kind == JOB_ENROLMENT) {
		signing_in_decide(keeper, job);
	} else {
		threshold_forward(keeper, job);
		decide_or_wait(keeper, job);
	}
}

void
loop_begin_batch(struct keeper *keeper) {
	bool changed;
	keeper->batch_ms = clock_now_ms(&keeper->clock, &changed);
	keeper->batch_boot_ms = io_boottime_ns(keeper->config.io) / 1'000'000;
	if (changed && system_entry_clock(keeper) != OK)
		log_error("a clock step could not be recorded: %s", fail_message());
}

static int64_t
thread_ns(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io);
}

/* Urgent ones first, then in the order of arrival. */
static void
run_batch(struct keeper *keeper, struct job **jobs, size_t count) {
	int64_t start_ns = thread_ns(keeper);
	loop_begin_batch(keeper);
	read_jobs(keeper, jobs, count);
	for (size_t i = 0; i < count; i++)
		if (jobs[i]->urgent) {
			struct job *job = jobs[i];
			jobs[i] = nullptr;
			handle(keeper, job);
		}
	if (count > 1)
		ledger_hold(keeper->ledger); /* until take_requests() releases it */
	for (size_t i = 0; i < count; i++)
		if (jobs[i] != nullptr)
			handle(keeper, jobs[i]);
	decide_flush(keeper);
	metric_observe_ns(&keeper->decide_seconds, (uint64_t)(thread_ns(keeper) - start_ns));
}

void
loop_flush(struct keeper *keeper) {
	if (keeper->channel != nullptr)
		IGNORE_STATUS(ipc_flush(keeper->channel)); /* the end of the turn says why */
}

void
loop_take_forwarded(struct keeper *keeper, struct job *job, struct bytes body) {
	prepare(job, body);
	run_batch(keeper, &job, 1);
}

/* Credit bounds what a gateway can make us hold: one that asks without it is not ours. */
static enum status
take_request(struct keeper *keeper, const struct ipc_frame *frame, struct job **job) {
	bool urgent = frame->type == IPC_URGENT_REQUEST;
	uint32_t *credits = urgent ? &keeper->urgent_credits_left : &keeper->credits_left;
	if (frame->type != IPC_REQUEST && !urgent)
		return fail(STATUS_INVALID, "keeper.frame: a frame of type %d from the gateway", (int)frame->type);
	if (*credits == 0)
		return fail(STATUS_INVALID, "keeper.credit: a request beyond what the gateway was granted");
	*job = job_take(keeper);
	TRY_ALLOC(*job);
	--*credits;
	(*job)->request = frame->request;
	(*job)->urgent = urgent;
	prepare(*job, frame->payload);
	return OK;
}

static enum status
take_drain(const struct ipc_frame *frame, bool *draining) {
	if (frame->payload.len > 0)
		return fail(STATUS_INVALID, "keeper.drain: %zu bytes of payload, expected none", frame->payload.len);
	*draining = true;
	return OK;
}

/* The requests that have arrived, at most BATCH_MAX. Those before a frame that breaks the protocol are taken with it. */
static enum status
take_batch(struct keeper *keeper, struct job *jobs[BATCH_MAX], size_t *count, bool *draining, bool *more) {
	struct ipc_frame frame;
	*more = true;
	for (*count = 0; *count < BATCH_MAX;) {
		TRY(ipc_next(keeper->channel, &frame, more));
		if (!*more)
			return OK;
		if (frame.type == IPC_DRAIN) {
			TRY(take_drain(&frame, draining));
			continue;
		}
		if (peer_link_is_for(frame.type)) {
			TRY(peer_link_take(keeper, &frame));
			continue;
		}
		if (*draining)
			return fail(STATUS_INVALID, "keeper.drained: a frame of type %d, and none was to follow",
				    (int)frame.type);
		TRY(take_request(keeper, &frame, &jobs[*count]));
		++*count;
	}
	return OK;
}

static size_t
unread(const struct ipc_channel *channel) {
	return channel->input.len - channel->consumed;
}

/* What has arrived meanwhile. A round of some size waits a moment for those that are on their way: signing a head and a sync cost as
 * much for twice as many. Whether any came says whether the next rounds wait. */
static enum status
receive_more(struct keeper *keeper, size_t decided) {
	size_t before = unread(keeper->channel);
	TRY(ipc_receive(keeper->channel));
	if (unread(keeper->channel) > before || decided < GATHER_FROM)
		return OK;
	if (keeper->rounds_without_waiting > 0) {
		keeper->rounds_without_waiting--;
		return OK;
	}
	usleep(GATHER_US);
	TRY(ipc_receive(keeper->channel));
	if (unread(keeper->channel) == before)
		keeper->rounds_without_waiting = GATHER_PAUSE;
	return OK;
}

/* What is decided together is recorded together, under one head. That includes what has arrived while it was decided, as far as
 * one batch goes; a request that came alone does not wait for another. */
static enum status
take_requests(struct keeper *keeper, bool *draining) {
	struct job *jobs[BATCH_MAX];
	enum status status = OK;
	size_t decided = 0;
	for (bool more = true; status == OK && more;) {
		size_t count;
		char broken[256];
		status = take_batch(keeper, jobs, &count, draining, &more);
		snprintf(broken, sizeof broken, "%s", status == OK ? "" : fail_message());
		if (count > 0)
			run_batch(keeper, jobs, count);
		decided += count;
		if (status != OK)
			fail_keep("%s", broken);
		else if (!more && count > 1 && decided < TOGETHER_MAX) {
			status = receive_more(keeper, decided);
			more = true;
		}
	}
	if (decided > 1)
		ledger_release(keeper->ledger);
	return status;
}

/* --- The loop. --- */

static enum status
send_credits(struct keeper *keeper) {
	if (keeper->credits_due == 0 && keeper->urgent_credits_due == 0)
		return OK;
	struct buffer *payload;
	struct ipc_credit credit = {keeper->credits_due, keeper->urgent_credits_due};
	TRY(ipc_begin(keeper->channel, IPC_CREDIT, 0, false, &payload));
	ipc_write_credit(payload, &credit);
	keeper->credits_left += keeper->credits_due;
	keeper->urgent_credits_left += keeper->urgent_credits_due;
	keeper->credits_due = keeper->urgent_credits_due = 0;
	return ipc_end(keeper->channel);
}

constexpr unsigned QUORUM_MISSING = 5; /* rounds in a row: half a minute and more */

static void
tell_alarms(struct keeper *keeper) {
	struct ledger_statistics statistics;
	if (keeper->notifier == nullptr)
		return;
	ledger_statistics(keeper->ledger, &statistics);
	const struct {
		enum notice_alarm alarm;
		bool is_on;
	} alarms[] = {
		{ALARM_CLOCK_DOUBT, keeper->clock.in_doubt},
		{ALARM_PASSKEYS_DIFFER, enrolments_that_differ(keeper->gate->state) > 0},
		{ALARM_DISK_RESERVE, statistics.is_disk_full},
		{ALARM_REVIEW_OVERDUE, reviews_overdue(&keeper->gate->state->reviews, keeper->batch_ms) > 0},
		{ALARM_ROLLBACK_GUARD_NONE, keeper->config.guard == ROLLBACK_NONE},
		{ALARM_WITNESS_QUORUM_MISSING,
		 keeper->witnessing != nullptr && witnessing_failures(keeper->witnessing) >= QUORUM_MISSING},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(alarms); i++)
		notifier_alarm(keeper->notifier, alarms[i].alarm, alarms[i].is_on, keeper->batch_ms);
	notifier_tick(keeper->notifier, &keeper->gate->state->operations, keeper->batch_ms);
}

/* Once a second: time passes, held operations expire, the gateway hears how we are. */
static void
every_second(struct keeper *keeper) {
	int64_t now_ms = io_boottime_ns(keeper->config.io) / 1'000'000;
	if (now_ms - keeper->ticked_ms < SECOND_MS)
		return;
	keeper->ticked_ms = now_ms;
	loop_begin_batch(keeper);
	gate_tick(keeper->gate, keeper->batch_ms);
	event_turn(keeper);
	signing_in_tick(keeper);
	refresh_schedule_turn(keeper);
	tell_alarms(keeper);
	system_entry_backup(keeper);
	if (keeper->sampled_ms == 0 || now_ms - keeper->sampled_ms >= CLOCK_SAMPLE_MS) {
		keeper->sampled_ms = now_ms;
		if (system_entry_clock(keeper) != OK)
			log_warning("a clock sample could not be recorded: %s", fail_message());
	}
	if (keeper->channel != nullptr && report_send(keeper) != OK)
		log_warning("the report could not be sent: %s", fail_message());
}

static enum status
wait_for_events(struct keeper *keeper, const struct keeper_watch *watch, bool *stop) {
	struct pollfd polled[] = {
		{.fd = keeper->channel->descriptor,
		 .events = (short)(POLLIN | (ipc_wants_write(keeper->channel) ? POLLOUT : 0))},
		{.fd = keeper->wake, .events = POLLIN},
		{.fd = watch->descriptor, .events = POLLIN},
		{.fd = fetch_link_descriptor(keeper), .events = fetch_link_events(keeper)},
		{.fd = worker_link_descriptor(keeper), .events = worker_link_events(keeper)},
	};
	int ready = poll(polled, ARRAY_LENGTH(polled), 500);
	if (ready < 0 && errno != EINTR)
		return fail_errno(STATUS_IO, "keeper.poll");
	if (ready > 0 && polled[1].revents != 0)
		(void)!read(keeper->wake, &(uint64_t){}, sizeof(uint64_t)); /* only its being readable matters */
	if (ready > 0 && polled[2].revents != 0)
		TRY(watch->handle(watch->context, stop));
	return ready > 0 && polled[0].revents != 0 ? ipc_receive(keeper->channel) : OK;
}

static bool
is_busy(const struct keeper *keeper) {
	return keeper->outstanding > 0 || activating_outstanding(keeper) > 0 || threshold_outstanding(keeper) > 0 ||
	       slow_reads_outstanding(keeper->slow_reads) > 0;
}

static enum status
serve(struct keeper *keeper, const struct keeper_watch *watch) {
	bool draining = false, stop = false;
	keeper->credits_left = keeper->urgent_credits_left = 0;
	keeper->credits_due = keeper->config.credits;
	keeper->urgent_credits_due = keeper->config.urgent_credits;
	for (;;) {
		decide_settle(keeper);
		slow_reads_settle(keeper->slow_reads);
		TRY(take_requests(keeper, &draining));
		every_second(keeper);
		TRY(fetch_link_turn(keeper));
		worker_link_turn(keeper);
		peer_link_turn(keeper);
		activating_turn(keeper);
		threshold_turn(keeper);
		TRY(send_credits(keeper));
		TRY(ipc_flush(keeper->channel));
		bool idle = !is_busy(keeper) && !ipc_wants_write(keeper->channel);
		if (keeper->channel->closed || (idle && (draining || stop)))
			return OK;
		TRY(wait_for_events(keeper, watch, &stop));
	}
}

/* What was given to the log becomes durable; whoever asked is gone, and a repetition gets the answer. */
static void
finish_outstanding(struct keeper *keeper) {
	activating_free(keeper); /* nothing of them is recorded: who asked asks again */
	while (is_busy(keeper)) {
		if (keeper->config.is_manual)
			IGNORE_STATUS(ledger_commit_now(keeper->ledger)); /* whoever waits is told by entry_done() */
		struct pollfd polled = {.fd = keeper->wake, .events = POLLIN};
		(void)poll(&polled, 1, threshold_wait(keeper) ? 0 : 100);
		(void)!read(keeper->wake, &(uint64_t){}, sizeof(uint64_t)); /* only its being readable matters */
		decide_settle(keeper);
		slow_reads_settle(keeper->slow_reads);
		threshold_turn(keeper);
	}
}

void
keeper_turn(struct keeper *keeper) {
	loop_begin_batch(keeper);
	if (keeper->outstanding > 0)
		IGNORE_STATUS(ledger_commit_now(keeper->ledger)); /* whoever waits is told by entry_done() */
	decide_settle(keeper);
	threshold_turn(keeper);
}

enum status
keeper_serve(struct keeper *keeper, int channel_descriptor, const struct keeper_watch *watch) {
	_cleanup_(ipc_stop) struct ipc_channel channel = {.descriptor = -1};
	TRY(ipc_start(&channel, channel_descriptor, IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY));
	keeper->channel = &channel;
	keeper->ticked_ms = 0;
	peer_link_begin(keeper);
	enum status status = serve(keeper, watch);
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	if (status == STATUS_UNAVAILABLE || status == STATUS_INVALID || status == STATUS_CORRUPT ||
	    status == STATUS_UNSUPPORTED) {
		log_warning("the gateway's channel ends: %s", fail_message());
		status = OK;
	}
	keeper->channel = nullptr;
	peer_link_end(keeper);
	finish_outstanding(keeper);
	return status == OK ? OK : fail(status, "%s", why);
}

enum status
keeper_answer(struct keeper *keeper, const struct ipc_request *request, struct arena *arena,
	      struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_request(&payload, request);
	TRY(buffer_status(&payload));
	struct job *job = job_take(keeper);
	TRY_ALLOC(job);
	*response = (struct ipc_response){};
	job->response = response;
	job->response_arena = arena;
	prepare(job, buffer_bytes(&payload));
	run_batch(keeper, &job, 1);
	finish_outstanding(keeper);
	return response->status != 0 ? OK : fail(STATUS_INTERNAL, "keeper.answer: a request was not answered");
}
