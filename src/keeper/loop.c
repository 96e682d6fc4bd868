#include "keeper/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/problem.h"
#include "base/time.h"
#include "keeper/api.h"
#include "keeper/answer.h"
#include "keeper/fetch_link.h"
#include "keeper/job.h"
#include "keeper/report.h"
#include "keeper/system_entry.h"
#include "ledger/receipt.h"

constexpr size_t BATCH_MAX = 256;
constexpr size_t VOTE_BODY_MAX = 8 * 1024; /* statement, key and signature: a tenth of it is usual */
constexpr int64_t CLOCK_SAMPLE_MS = 60 * SECOND_MS;

/* --- Jobs. --- */

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
	struct arena arena = job->arena;
	arena_reset(&arena);
	*job = (struct job){.next = keeper->free_jobs, .arena = arena};
	keeper->free_jobs = job;
}

static void
free_jobs(struct job *job) {
	while (job != nullptr) {
		struct job *next = job->next;
		gate_step_free(&job->step);
		commit_release(job->commit);
		arena_free(&job->arena);
		free(job);
		job = next;
	}
}

struct rate_bucket {
	int64_t at_ms;
	int64_t tokens_milli; /* thousandths of a request */
};

void
loop_free(struct keeper *keeper) {
	free_jobs(keeper->free_jobs);
	free_jobs(keeper->waiting);
	free_jobs(keeper->done_first);
	commit_release(keeper->last_commit);
	size_t at = 0;
	void *bucket;
	while (map_next(&keeper->buckets, &at, nullptr, &bucket))
		free(bucket);
	map_free(&keeper->buckets);
}

/* --- Answering. --- */

static void
send_response(struct keeper *keeper, struct job *job, const struct ipc_response *response) {
	job->is_answered = true;
	if (job->response != nullptr) { /* keeper_answer() */
		struct ipc_response *to = job->response;
		*to = *response;
		struct bytes *views[] = {&to->content_type,  &to->operation, &to->location, &to->retry_after,
					 &to->cache_control, &to->etag,      &to->body};
		for (size_t i = 0; i < ARRAY_LENGTH(views); i++)
			if (views[i]->data != nullptr)
				*views[i] = arena_copy(job->response_arena, *views[i]);
		return;
	}
	struct buffer *payload;
	if (keeper->channel == nullptr)
		return; /* the gateway is gone: the entry stands, and a repetition gets the answer */
	keeper->credits_due += !job->urgent;
	keeper->urgent_credits_due += job->urgent;
	if (ipc_begin(keeper->channel, IPC_RESPONSE, job->request, job->urgent, &payload) != OK) {
		log_error("an answer is lost: %s", fail_message());
		return;
	}
	ipc_write_response(payload, response);
	if (ipc_end(keeper->channel) != OK)
		log_error("an answer is lost: %s", fail_message());
}

void
keeper_send_problem(struct keeper *keeper, struct job *job, enum status status, const char *error) {
	char name[128];
	size_t length = strcspn(error, ":");
	snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), error);
	const char *detail = error[length] == ':' ? error + length + 1 + (error[length + 1] == ' ') : nullptr;
	unsigned http = problem_http_status(status);
	struct hash256 none = {};
	char hex[65];
	struct problem problem = {.status = http, .name = name, .detail = detail};
	if (!hash256_equal(&job->submission.id, &none)) {
		hex_encode(hash256_bytes(&job->submission.id), hex);
		problem.operation = bytes_of(hex, 64);
	}
	_cleanup_(buffer_free) struct buffer body = {};
	problem_write(&body, &problem);
	struct ipc_response response = {.status = (uint16_t)http,
					.content_type = BYTES_OF_LITERAL(PROBLEM_CONTENT_TYPE),
					.operation = problem.operation,
					.body = buffer_bytes(&body)};
	if (http == 503)
		response.retry_after = BYTES_OF_LITERAL("1");
	send_response(keeper, job, &response);
}

static void
send_job_error(struct keeper *keeper, struct job *job) {
	keeper_send_problem(keeper, job, job->read_status, job->error);
}

void
keeper_send_body(struct keeper *keeper, struct job *job, unsigned status, const char *content_type, struct bytes body) {
	struct ipc_response response = {
		.status = (uint16_t)status, .content_type = bytes_of_text(content_type), .body = body};
	send_response(keeper, job, &response);
}

void
keeper_send_feed(struct keeper *keeper, struct job *job) {
	struct ipc_response response = {
		.status = 200, .content_type = BYTES_OF_LITERAL("text/event-stream"), .is_feed = true};
	send_response(keeper, job, &response);
}

static void
send_answer(struct keeper *keeper, struct job *job, const struct answer *answer) {
	_cleanup_(buffer_free) struct buffer body = {};
	char hex[65];
	if (answer_write(answer, &body) != OK) {
		keeper_send_problem(keeper, job, STATUS_INTERNAL, fail_message());
		return;
	}
	hex_encode(hash256_bytes(&answer->operation), hex);
	struct ipc_response response = {.status = (uint16_t)answer_status(answer),
					.content_type = bytes_of_text(answer_content_type(answer)),
					.operation = bytes_of(hex, 64),
					.body = buffer_bytes(&body)};
	send_response(keeper, job, &response);
}

/* The receipt of a durable entry, in the tree of the job's own batch or of the newest head. */
enum status
keeper_write_receipt(struct keeper *keeper, uint64_t index, const struct commit *commit, struct bytes leaf,
		     struct buffer *receipt) {
	struct proof proof;
	if (commit != nullptr) {
		TRY(ledger_prove(keeper->ledger, index, commit->size, &proof));
		receipt_write(receipt, leaf, index, &proof, buffer_bytes(&commit->note));
		return buffer_status(receipt);
	}
	struct ledger_head head;
	_cleanup_(buffer_free) struct buffer note = {};
	ledger_durable_head(keeper->ledger, &head);
	TRY(ledger_prove(keeper->ledger, index, head.head.size, &proof));
	head_format(&note, &keeper->installation->keys, &head.head, &head.signatures);
	TRY(buffer_status(&note));
	receipt_write(receipt, leaf, index, &proof, buffer_bytes(&note));
	return buffer_status(receipt);
}

/* What a finished or held operation's entry says, once more. */
enum status
keeper_answer_known(struct keeper *keeper, struct job *job, const struct gate_operation *operation) {
	struct arena *arena = &job->arena;
	struct answer answer = {.state = operation->state, .operation = operation->id, .entry = operation->entry};
	struct decision_record *record = ARENA_NEW(arena, struct decision_record);
	_cleanup_(buffer_free) struct buffer bytes = {}, receipt = {};
	struct ledger_record stored;
	struct entry entry;
	TRY_ALLOC(record);
	if (operation->state == OPERATION_HELD)
		answer.missing = operation->held->missing;
	TRY(ledger_read(keeper->ledger, operation->entry, &bytes, &stored));
	TRY(entry_read(arena, stored.leaf, &entry));
	if (entry.type == ENTRY_DECISION || entry.type == ENTRY_INTENT) {
		TRY(decision_record_read(arena, entry.document, &keeper->gate->blobs, record));
		answer.record = record;
	}
	TRY(keeper_write_receipt(keeper, operation->entry, nullptr, stored.leaf, &receipt));
	answer.receipt = buffer_bytes(&receipt);
	send_answer(keeper, job, &answer);
	return OK;
}

/* --- The committer's side. --- */

static struct commit *
commit_of(struct keeper *keeper, const struct ledger_commit *durable) {
	struct commit *commit = keeper->last_commit;
	if (commit == nullptr || commit->size != durable->head.size) {
		commit_release(commit);
		commit = keeper->last_commit = calloc(1, sizeof *commit);
		if (commit == nullptr)
			return nullptr;
		commit->references = 1;
		commit->size = durable->head.size;
		buffer_append_bytes(&commit->note, durable->note);
	}
	commit->references++;
	return commit;
}

/* Called once for each of a job's entries, in order; the last one's index is the job's. */
static void
entry_done(void *context, enum status status, const struct ledger_commit *durable, uint64_t index) {
	struct job *job = context;
	struct keeper *keeper = job->keeper;
	if (--job->entries_pending > 0)
		return;
	bool was_empty;
	pthread_mutex_lock(&keeper->done_mutex);
	job->index = index;
	job->commit_status = status;
	job->commit = status == OK ? commit_of(keeper, durable) : nullptr;
	job->next = nullptr;
	was_empty = keeper->done_first == nullptr;
	if (was_empty)
		keeper->done_first = job;
	else
		keeper->done_last->next = job;
	keeper->done_last = job;
	pthread_mutex_unlock(&keeper->done_mutex);
	if (was_empty)
		(void)!write(keeper->wake, &(uint64_t){1}, sizeof(uint64_t)); /* a full counter wakes as well */
}

static enum status
submit_entries(struct keeper *keeper, struct job *job, const struct ledger_entry *entries, unsigned count) {
	job->entries_pending = count;
	TRY(ledger_submit(keeper->ledger, entries, count, entry_done, job));
	keeper->outstanding++;
	return OK;
}

/* --- Deciding. --- */

/* After these the state may hold what no entry says: only a restart makes it true again. */
static void
end_if_broken(enum status status) {
	if (status != STATUS_INTERNAL && status != STATUS_NO_MEMORY && status != STATUS_CORRUPT)
		return;
	log_error("the keeper ends, to restore its state from the log: %s", fail_message());
	_exit(4);
}

static enum status
submit_step(struct keeper *keeper, struct job *job) {
	struct ledger_entry entries[ARRAY_LENGTH(job->step.entries)];
	for (size_t i = 0; i < job->step.entry_count; i++)
		entries[i] = (struct ledger_entry){.type = job->step.entries[i].type,
						   .body = buffer_bytes(&job->step.entries[i].body)};
	enum status status = submit_entries(keeper, job, entries, (unsigned)job->step.entry_count);
	if (status != OK) {
		/* Decided and not recordable: what does not stand in the log must not stand in the state either. */
		log_error("the keeper ends: a decision could not be given to the log: %s", fail_message());
		_exit(4);
	}
	return status;
}

/* Cut to what a job keeps, between characters. */
static void
keep_error(struct job *job) {
	fail_keep("%.*s", (int)sizeof job->error - 1, fail_message());
	snprintf(job->error, sizeof job->error, "%s", fail_message());
}

/* The key that verifiably asked; empty: nobody is known to have. */
static struct bytes
asking_key(const struct job *job) {
	return job->kind == JOB_VOTE ? job->vote.key_id : job->submission.key_id;
}

static void
record_refusal(struct keeper *keeper, struct job *job, enum status status) {
	struct bytes key_id = asking_key(job);
	job->read_status = status;
	keep_error(job);
	metric_add(&keeper->refusals, 1);
	if (key_id.len == 0) { /* nobody is known to have asked: counted, never one entry each */
		send_job_error(keeper, job);
		job_give_back(keeper, job);
		return;
	}
	_cleanup_(buffer_free) struct buffer body = {};
	const struct hash256 *operation = job->kind == JOB_VOTE ? &job->vote.operation_id : &job->submission.id;
	job->is_refusal = true;
	if (refusal_write(&body, key_id, operation, &job->submission, keeper->batch_ms, job->error) != OK ||
	    submit_entries(keeper, job, &(struct ledger_entry){.type = ENTRY_REFUSAL, .body = buffer_bytes(&body)},
			   1) != OK) {
		keeper_send_problem(keeper, job, STATUS_UNAVAILABLE, fail_message());
		job_give_back(keeper, job);
	}
}

/* A token bucket per principal stands before the ledger, so that nobody fills it alone. */
static enum status
take_token(struct keeper *keeper, struct bytes key_id) {
	uint32_t rate = keeper->config.requests_per_principal_per_s;
	struct bytes principal = http_signature_principal(key_id);
	if (rate == 0)
		return OK;
	struct rate_bucket *bucket = map_get(&keeper->buckets, principal);
	int64_t full = (int64_t)rate * 1000;
	if (bucket == nullptr) {
		bucket = malloc(sizeof *bucket);
		TRY_ALLOC(bucket);
		*bucket = (struct rate_bucket){keeper->batch_ms, full};
		enum status status = map_put(&keeper->buckets, principal, bucket, nullptr);
		if (status != OK) {
			free(bucket);
			return status;
		}
	}
	bucket->tokens_milli += (keeper->batch_ms - bucket->at_ms) * rate;
	bucket->tokens_milli = bucket->tokens_milli > full ? full : bucket->tokens_milli;
	bucket->at_ms = keeper->batch_ms;
	if (bucket->tokens_milli < 1000)
		return fail(STATUS_UNAVAILABLE, "request.rate: more than %u requests a second", rate);
	bucket->tokens_milli -= 1000;
	return OK;
}

/* What is asked for: of a vote, the kind of the operation that it may bring about. */
static enum operation_kind_id
kind_asked_for(const struct keeper *keeper, const struct job *job) {
	enum operation_kind_id kind = job->submission.kind;
	if (job->kind != JOB_VOTE)
		return kind;
	const struct gate_operation *operation =
		operations_find(&keeper->gate->state->operations, &job->vote.operation_id);
	bool known = operation != nullptr && operation->held != nullptr &&
		     operation_kind_parse(operation->held->operation.kind, &kind) == OK;
	return known ? kind : OPERATION_SIGN;
}

static enum status
check_readiness(const struct keeper *keeper, const struct job *job) {
	TRY(high_water_may_decide(keeper->high_water));
	if (!keeper->clock.in_doubt)
		return OK;
	enum operation_kind_id kind = kind_asked_for(keeper, job);
	if (operation_kinds[kind].is_protective || kind == OPERATION_CLOCK_ACCEPT)
		return OK;
	return fail(STATUS_UNAVAILABLE,
		    "clock.doubt: wall clock and boot clock disagree; waiting for them or for clock.accept");
}

static void
wait_for_operation(struct keeper *keeper, struct job *job) {
	job->next = keeper->waiting;
	keeper->waiting = job;
}

/* Nothing is decided that could not be recorded. What was decided before is answered from the log, full or not; a secret that is
 * brought again may bring about a decision. */
static enum status
check_room(const struct keeper *keeper, const struct job *job) {
	static const struct ledger_entry largest[] = {{.type = ENTRY_VOTE, .body = {.len = VOTE_BODY_MAX}},
						      {.type = ENTRY_DECISION, .body = {.len = ENTRY_SIZE_MAX}}};
	if (job->kind == JOB_OPERATION && job->submission.secret == nullptr &&
	    operations_find(&keeper->gate->state->operations, &job->submission.id) != nullptr)
		return OK;
	return ledger_check_room(keeper->ledger, largest, ARRAY_LENGTH(largest));
}

/* Overload, unlike a full disk, is answered before anything is recorded. */
static bool
is_overload(struct keeper *keeper) {
	struct ledger_statistics statistics;
	ledger_statistics(keeper->ledger, &statistics);
	return !statistics.is_disk_full;
}

static void
decide(struct keeper *keeper, struct job *job) {
	enum status status = check_room(keeper, job);
	if (status != OK && is_overload(keeper)) {
		keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
		return;
	}
	if (status == OK)
		status = check_readiness(keeper, job);
	if (status == OK)
		status = job->kind == JOB_VOTE
				 ? gate_vote(keeper->gate, &job->vote, keeper->batch_ms, &job->step)
				 : gate_submit(keeper->gate, &job->submission, keeper->batch_ms, &job->step);
	end_if_broken(status);
	if (status != OK) {
		record_refusal(keeper, job, status);
		return;
	}
	switch (job->step.kind) {
	case GATE_KNOWN:
		status = keeper_answer_known(keeper, job, job->step.operation);
		if (status != OK)
			keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
		return;
	case GATE_IN_FLIGHT:
		wait_for_operation(keeper, job);
		return;
	case GATE_DECIDED:
		if (job->step.record != nullptr)
			metric_add(&keeper->decisions[job->step.record->decision], 1);
		IGNORE_STATUS(submit_step(keeper, job)); /* ends the process where it fails */
		return;
	}
}

/* --- What has become durable. --- */

static struct job *
take_done(struct keeper *keeper) {
	pthread_mutex_lock(&keeper->done_mutex);
	struct job *first = keeper->done_first;
	keeper->done_first = keeper->done_last = nullptr;
	pthread_mutex_unlock(&keeper->done_mutex);
	return first;
}

static void
answer_decided(struct keeper *keeper, struct job *job) {
	const struct gate_operation *operation = job->step.operation;
	struct answer answer = {
		.state = job->step.state, .operation = operation->id, .entry = job->index, .record = job->step.record};
	_cleanup_(buffer_free) struct buffer receipt = {};
	if (job->step.state == OPERATION_HELD)
		answer.missing = job->step.record != nullptr ? job->step.record->missing : operation->held->missing;
	_cleanup_(buffer_free) struct buffer bytes = {};
	if (keeper_write_receipt(keeper, job->index, job->commit, (struct bytes){}, &receipt) == OK)
		answer.receipt = buffer_bytes(&receipt);
	else
		log_warning("a receipt could not be written: %s", fail_message());
	send_answer(keeper, job, &answer);
}

/* The intent stands; the act follows, and its outcome is an entry of its own. */
static void
perform(struct keeper *keeper, struct job *job) {
	struct gate_operation *operation = job->step.operation;
	gate_step_free(&job->step);
	commit_release(job->commit);
	job->commit = nullptr;
	enum status status = gate_perform(keeper->gate, operation, keeper->batch_ms, &job->step);
	end_if_broken(status);
	if (status != OK) {
		keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
		return;
	}
	IGNORE_STATUS(submit_step(keeper, job)); /* ends the process where it fails */
}

static void
after_done(struct keeper *keeper, struct job *job) {
	if (job->is_refusal)
		send_job_error(keeper, job);
	else {
		gate_settle(keeper->gate, &job->step, job->index);
		if (job->step.state == OPERATION_DONE && job->step.record != nullptr &&
		    bytes_equal_text(job->step.record->action.id, operation_kinds[OPERATION_CLOCK_ACCEPT].name))
			clock_accept(&keeper->clock);
		if (job->step.is_outward) {
			perform(keeper, job);
			return;
		}
		answer_decided(keeper, job);
	}
	job_give_back(keeper, job);
}

/* Repetitions of what has meanwhile been recorded get its answer. */
static void
wake_waiting(struct keeper *keeper) {
	struct job *waiting = keeper->waiting;
	keeper->waiting = nullptr;
	while (waiting != nullptr) {
		struct job *job = waiting;
		waiting = job->next;
		if (job->step.operation->entry == UINT64_MAX) {
			wait_for_operation(keeper, job);
			continue;
		}
		enum status status = keeper_answer_known(keeper, job, job->step.operation);
		if (status != OK)
			keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
	}
}

static void
send_feed(struct keeper *keeper, uint64_t size) {
	char data[64];
	_cleanup_(buffer_free) struct buffer payload = {};
	if (keeper->channel == nullptr)
		return;
	snprintf(data, sizeof data, "{\"size\":%llu}", (unsigned long long)size);
	struct ipc_feed feed = {.index = size, .event = BYTES_OF_LITERAL("head"), .data = bytes_of_text(data)};
	ipc_write_feed(&payload, &feed);
	if (ipc_send(keeper->channel, IPC_FEED, 0, false, buffer_bytes(&payload)) != OK)
		log_warning("a feed event is lost: %s", fail_message());
}

static void
settle_done(struct keeper *keeper) {
	uint64_t size = 0;
	for (struct job *job = take_done(keeper); job != nullptr;) {
		struct job *next = job->next;
		keeper->outstanding--;
		if (job->commit != nullptr && job->commit->size > size)
			size = job->commit->size;
		after_done(keeper, job);
		job = next;
	}
	if (size > 0) {
		metric_add(&keeper->batches, 1);
		send_feed(keeper, size);
	}
	if (keeper->waiting != nullptr)
		wake_waiting(keeper);
}

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
		keep_error(job);
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

/* On the pool: everything that needs no order. */
static void
read_job(struct job *job) {
	struct keeper *keeper = job->keeper;
	if (job->read_status != OK)
		return;
	job->submission = (struct submission){.arena = &job->arena};
	job->kind = JOB_READ;
	job->read_status = api_route(job);
	if (job->read_status == OK && job->kind == JOB_OPERATION)
		job->read_status = gate_read_operation(keeper->gate, &job->http, job->received.reported.peer_address,
						       keeper->batch_ms, &job->submission);
	else if (job->read_status == OK && job->kind == JOB_VOTE)
		job->read_status = gate_read_vote(keeper->gate, &job->arena, job->http.body, &job->vote);
	else if (job->read_status == OK)
		job->read_status = api_authenticate(job);
	if (job->read_status == OK && job->kind == JOB_OPERATION && job->urgent &&
	    !operation_kinds[job->submission.kind].is_protective)
		job->read_status = fail(STATUS_INVALID, "operation.not_protective: %s has no queue of its own",
					operation_kinds[job->submission.kind].name);
	if (job->read_status != OK)
		keep_error(job);
}

static void
read_indexed(void *context, size_t index) {
	read_job(((struct job **)context)[index]);
}

static void
handle(struct keeper *keeper, struct job *job) {
	struct bytes key_id = asking_key(job);
	enum status limited = key_id.len == 0 ? OK : take_token(keeper, key_id);
	if (limited != OK) { /* before the ledger: not recorded */
		keeper_send_problem(keeper, job, limited, fail_message());
		job_give_back(keeper, job);
	} else if (job->read_status != OK) {
		fail_keep("%s", job->error);
		record_refusal(keeper, job, job->read_status);
	} else if (job->kind == JOB_READ) {
		enum status status = api_read(job);
		if (status != OK)
			keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
	} else
		decide(keeper, job);
}

static void
begin_batch(struct keeper *keeper) {
	bool changed;
	keeper->batch_ms = clock_now_ms(&keeper->clock, &changed);
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
	begin_batch(keeper);
	pool_run(keeper->pool, count, read_indexed, jobs);
	for (size_t i = 0; i < count; i++)
		if (jobs[i]->urgent) {
			struct job *job = jobs[i];
			jobs[i] = nullptr;
			handle(keeper, job);
		}
	for (size_t i = 0; i < count; i++)
		if (jobs[i] != nullptr)
			handle(keeper, jobs[i]);
	metric_observe_ns(&keeper->decide_seconds, (uint64_t)(thread_ns(keeper) - start_ns));
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
			*draining = true;
			continue;
		}
		TRY(take_request(keeper, &frame, &jobs[*count]));
		++*count;
	}
	return OK;
}

static enum status
take_requests(struct keeper *keeper, bool *draining) {
	struct job *jobs[BATCH_MAX];
	enum status status = OK;
	for (bool more = true; status == OK && more;) {
		size_t count;
		char broken[256];
		status = take_batch(keeper, jobs, &count, draining, &more);
		snprintf(broken, sizeof broken, "%s", status == OK ? "" : fail_message());
		if (count > 0)
			run_batch(keeper, jobs, count);
		if (status != OK)
			fail_keep("%s", broken);
	}
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

/* Once a second: time passes, held operations expire, the gateway hears how we are. */
static void
every_second(struct keeper *keeper) {
	int64_t now_ms = io_boottime_ns(keeper->config.io) / 1'000'000;
	if (now_ms - keeper->ticked_ms < SECOND_MS)
		return;
	keeper->ticked_ms = now_ms;
	begin_batch(keeper);
	gate_tick(keeper->gate, keeper->batch_ms);
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

static enum status
serve(struct keeper *keeper, const struct keeper_watch *watch) {
	bool draining = false, stop = false;
	keeper->credits_left = keeper->urgent_credits_left = 0;
	keeper->credits_due = keeper->config.credits;
	keeper->urgent_credits_due = keeper->config.urgent_credits;
	for (;;) {
		settle_done(keeper);
		TRY(take_requests(keeper, &draining));
		every_second(keeper);
		TRY(fetch_link_turn(keeper));
		TRY(send_credits(keeper));
		TRY(ipc_flush(keeper->channel));
		bool idle = keeper->outstanding == 0 && !ipc_wants_write(keeper->channel);
		if (keeper->channel->closed || (idle && (draining || stop)))
			return OK;
		TRY(wait_for_events(keeper, watch, &stop));
	}
}

/* What was given to the log becomes durable; whoever asked is gone, and a repetition gets the answer. */
static void
finish_outstanding(struct keeper *keeper) {
	while (keeper->outstanding > 0) {
		struct pollfd polled = {.fd = keeper->wake, .events = POLLIN};
		(void)poll(&polled, 1, 100);
		(void)!read(keeper->wake, &(uint64_t){}, sizeof(uint64_t)); /* only its being readable matters */
		settle_done(keeper);
	}
}

enum status
keeper_serve(struct keeper *keeper, int channel_descriptor, const struct keeper_watch *watch) {
	_cleanup_(ipc_stop) struct ipc_channel channel = {.descriptor = -1};
	TRY(ipc_start(&channel, channel_descriptor, IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY));
	keeper->channel = &channel;
	keeper->ticked_ms = 0;
	enum status status = serve(keeper, watch);
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	if (status == STATUS_UNAVAILABLE || status == STATUS_INVALID || status == STATUS_CORRUPT ||
	    status == STATUS_UNSUPPORTED) {
		log_warning("the gateway's channel ends: %s", fail_message());
		status = OK;
	}
	keeper->channel = nullptr;
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

/* --- Metrics. --- */

void
loop_metrics_start(struct keeper *keeper) {
	static const char *const labels[] = {[DECISION_PERMIT] = "decision=\"permit\"",
					     [DECISION_DENY] = "decision=\"deny\"",
					     [DECISION_HELD] = "decision=\"held\""};
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->decisions); i++) {
		keeper->decisions[i].name = "gatehouse_decisions";
		keeper->decisions[i].help = "Decisions recorded.";
		keeper->decisions[i].kind = METRIC_COUNTER;
		keeper->decisions[i].labels = labels[i];
	}
	keeper->refusals.name = "gatehouse_keeper_refusals";
	keeper->refusals.help = "Requests refused before a decision.";
	keeper->batches.name = "gatehouse_batches";
	keeper->batches.help = "Batches made durable.";
	keeper->decide_histogram.first_ns = 10'000;
	keeper->decide_seconds.name = "gatehouse_decide_seconds";
	keeper->decide_seconds.help = "Reading, verifying, deciding and acting on one batch.";
	keeper->decide_seconds.kind = METRIC_HISTOGRAM;
	keeper->decide_seconds.histogram = &keeper->decide_histogram;
}

void
loop_write_metrics(struct keeper *keeper, struct buffer *to) {
	struct ledger_statistics statistics;
	ledger_statistics(keeper->ledger, &statistics);
	struct metric counters[] = {
		{.name = "gatehouse_entries",
		 .help = "Entries made durable since the start.",
		 .value = (int64_t)statistics.entries},
		{.name = "gatehouse_frames",
		 .help = "Frames made durable since the start.",
		 .value = (int64_t)statistics.frames},
		{.name = "gatehouse_ledger_bytes",
		 .help = "Bytes of frames since the start.",
		 .value = (int64_t)statistics.bytes},
		{.name = "gatehouse_ledger_sync_milliseconds",
		 .help = "Time spent in fdatasync.",
		 .value = (int64_t)(statistics.sync_ns / 1'000'000)},
		{.name = "gatehouse_ledger_sign_milliseconds",
		 .help = "Time spent signing heads.",
		 .value = (int64_t)(statistics.sign_ns / 1'000'000)},
		{.name = "gatehouse_outstanding",
		 .help = "Requests being recorded.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)keeper->outstanding},
		{.name = "gatehouse_clock_step_milliseconds",
		 .help = "Wall clock against boot clock.",
		 .kind = METRIC_GAUGE,
		 .value = clock_step_ns(&keeper->clock) / 1'000'000},
	};
	struct metric *table[ARRAY_LENGTH(counters) + ARRAY_LENGTH(keeper->decisions) + 3];
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->decisions); i++)
		table[count++] = &keeper->decisions[i];
	table[count++] = &keeper->refusals;
	table[count++] = &keeper->batches;
	table[count++] = &keeper->decide_seconds;
	for (size_t i = 0; i < ARRAY_LENGTH(counters); i++)
		table[count++] = &counters[i];
	metrics_write(to, table, count);
}
