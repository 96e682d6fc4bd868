#include "keeper/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/api.h"
#include "keeper/activating.h"
#include "keeper/event.h"
#include "keeper/erasures.h"
#include "keeper/fetch_link.h"
#include "keeper/reading.h"
#include "keeper/respond.h"
#include "keeper/signing_in.h"
#include "keeper/system_entry.h"
#include "keeper/threshold.h"

constexpr size_t OPENING_MAX = 2 * 1024;      /* a profile's values and an address: a third of it */
constexpr size_t VOTE_BODY_MAX = 8 * 1024;    /* statement, key and signature: a tenth of it is usual */
constexpr uint64_t FORWARDED_PER_S = 1'000;   /* of one keeper, and as much again as */
constexpr uint64_t FORWARDED_PRINCIPALS = 20; /* so many principals may ask for */
constexpr uint32_t FORWARDED_REFUSALS_PER_MINUTE = 60;

/* --- The committer's side. --- */

static struct commit *
commit_of(struct keeper *keeper, const struct ledger_commit *durable) {
	struct commit *commit = keeper->last_commit;
	if (commit == nullptr) {
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
	job->is_lost |= status != OK;
	if (--job->entries_pending > 0)
		return;
	job->index = index;
	job->commit = status == OK ? commit_of(keeper, durable) : nullptr;
	job->next = nullptr;
	if (keeper->told_first == nullptr)
		keeper->told_first = job;
	else
		keeper->told_last->next = job;
	keeper->told_last = job;
}

void
decide_told(void *context) {
	struct keeper *keeper = context;
	bool was_empty;
	if (keeper->told_first == nullptr)
		return;
	commit_release(TAKE(keeper->last_commit)); /* from here on the jobs share it, and one thread has them */
	pthread_mutex_lock(&keeper->done_mutex);
	was_empty = keeper->done_first == nullptr;
	if (was_empty)
		keeper->done_first = keeper->told_first;
	else
		keeper->done_last->next = keeper->told_first;
	keeper->done_last = keeper->told_last;
	keeper->told_first = keeper->told_last = nullptr;
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

enum status
decide_record(struct keeper *keeper, struct job *job, enum entry_type type, struct bytes body) {
	return submit_entries(keeper, job, &(struct ledger_entry){.type = type, .body = body}, 1);
}

/* --- Deciding. --- */

/* After these the state may hold what no entry says: only a restart makes it true again. */
static void
end_if_broken(struct keeper *keeper, enum status status) {
	if (status == STATUS_INTERNAL || status == STATUS_NO_MEMORY || status == STATUS_CORRUPT)
		keeper_end(keeper, fail_message());
}

/* Decided and not recordable: what does not stand in the log must not stand in the state either. */
static void
submit_step(struct keeper *keeper, struct job *job) {
	struct ledger_entry entries[ARRAY_LENGTH(job->step.entries)];
	for (size_t i = 0; i < job->step.entry_count; i++)
		entries[i] = (struct ledger_entry){.type = job->step.entries[i].type,
						   .body = buffer_bytes(&job->step.entries[i].body),
						   .openings = job->step.entries[i].openings,
						   .opening_count = job->step.entries[i].opening_count};
	if (submit_entries(keeper, job, entries, (unsigned)job->step.entry_count) == OK)
		return;
	keeper_end(keeper, fail_message());
	job_give_back(keeper, job);
}

void
decide_flush(struct keeper *keeper) {
	size_t count = keeper->decided_count;
	enum status status = OK;
	keeper->decided_count = 0;
	for (size_t i = 0; status == OK && i < count; i++)
		if (keeper->decided[i]->step.to_sign != nullptr)
			status = gate_sign(keeper->gate, &keeper->decided[i]->step);
	for (size_t i = 0; i < count; i++) {
		struct job *job = keeper->decided[i];
		if (status == OK && job->step.to_sign != nullptr)
			status = gate_finish(keeper->gate, &job->step);
		if (status != OK && !atomic_load(&keeper->has_ended))
			keeper_end(keeper, fail_message()); /* what was decided after it counts its spend */
		if (!atomic_load(&keeper->has_ended))
			submit_step(keeper, job);
		else
			job_give_back(keeper, job);
	}
}

/* It stands already, or is of what is over. */
static bool
is_repeated_vote(const struct keeper *keeper, const struct job *job) {
	const struct gate_operation *operation =
		operations_find(&keeper->gate->state->operations, &job->vote.operation_id);
	return job->kind == JOB_VOTE && operation != nullptr &&
	       (operation->state != OPERATION_HELD || votes_have(operation->held->votes, &job->vote.statement_digest));
}

/* Whoever signed it, another keeper may bring it as often as it likes; but not what a signature can be used for once, which only this entry
 * says after a restart. */
static bool
may_record_refusal(struct keeper *keeper, const struct job *job) {
	if (job->forwarded_by == 0 || job->submission.nonce_taken || job->submission.has_totp)
		return true;
	return !is_repeated_vote(keeper, job) && rate_take(&keeper->forwarded_refusals, bytes_of(&job->forwarded_by, 1),
							   1, keeper->batch_boot_ms / 60) == OK;
}

void
decide_refuse(struct keeper *keeper, struct job *job, enum status status) {
	struct bytes key_id = job_asking_key(job);
	job->read_status = status;
	job_keep_error(job);
	metric_add(&keeper->refusals, 1);
	/* Where nobody is known to have asked, or another keeper says it once more: counted, never one entry each. */
	if (key_id.len == 0 || !may_record_refusal(keeper, job)) {
		signing_in_hide(job);
		signing_in_slow_down(job);
		keeper_send_job_error(keeper, job);
		job_give_back(keeper, job);
		return;
	}
	_cleanup_(buffer_free) struct buffer body = {};
	const struct hash256 *operation = job->kind == JOB_VOTE        ? &job->vote.operation_id
					  : job->kind == JOB_OPERATION ? &job->submission.id
								       : nullptr;
	job->is_refusal = true;
	if (refusal_write(&body, key_id, gate_state_entity_of(keeper->gate->state, key_id), operation, &job->submission,
			  keeper->batch_ms, job->error) != OK ||
	    submit_entries(keeper, job, &(struct ledger_entry){.type = ENTRY_REFUSAL, .body = buffer_bytes(&body)},
			   1) != OK) {
		keeper_send_problem(keeper, job, STATUS_UNAVAILABLE, fail_message());
		job_give_back(keeper, job);
	}
}

void
decide_start(struct keeper *keeper) {
	uint64_t own = keeper->config.requests_per_principal_per_s, all = FORWARDED_PER_S + FORWARDED_PRINCIPALS * own;
	uint32_t per_s = all > UINT32_MAX ? UINT32_MAX : (uint32_t)all;
	keeper->request_rate = (struct rate){.what = "requests", .per_s = (uint32_t)own};
	keeper->read_rate = (struct rate){.what = "reads", .per_s = keeper->config.reads_per_principal_per_s};
	keeper->forwarded_rate = (struct rate){.what = "requests of a keeper", .per_s = own == 0 ? 0 : per_s};
	keeper->forwarded_refusals =
		(struct rate){.what = "refusals of a keeper", .per_s = FORWARDED_REFUSALS_PER_MINUTE};
}

static uint32_t
cost_of_bytes(size_t len) {
	return 1 + (uint32_t)(len / API_BYTES_OF_ONE_REQUEST);
}

static uint32_t
cost_of(const struct job *job) {
	return job->kind == JOB_READ ? api_cost(job) : cost_of_bytes(job->http.body.len);
}

enum status
decide_take_forwarded(struct keeper *keeper, uint8_t party, size_t len) {
	enum status status = rate_take(&keeper->forwarded_rate, bytes_of(&party, 1), cost_of_bytes(len),
				       io_boottime_ns(keeper->config.io) / 1'000'000);
	metric_add(&keeper->limited[0], status == STATUS_RATE);
	return status;
}

enum status
decide_take_token(struct keeper *keeper, const struct job *job) {
	struct bytes key_id = job_asking_key(job);
	bool is_read = job->kind == JOB_READ;
	if (key_id.len == 0 || job->forwarded_by != 0) /* who forwards it has a part of its own */
		return OK;
	enum status status = rate_take(is_read ? &keeper->read_rate : &keeper->request_rate,
				       http_signature_principal(key_id), cost_of(job), keeper->batch_ms);
	metric_add(&keeper->limited[is_read], status == STATUS_RATE);
	return status;
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

/* For so many decisions. */
static enum status
check_room_for(const struct keeper *keeper, size_t count) {
	static const struct bytes openings[PERSONAL_PARTS_MAX] = {{.len = OPENING_MAX}, {.len = OPENING_MAX}};
	struct ledger_entry largest[2 + DECIDED_MAX] = {
		{.type = ENTRY_VOTE, .body = {.len = VOTE_BODY_MAX}, .openings = openings, .opening_count = 1}};
	for (size_t i = 1; i <= count; i++)
		largest[i] = (struct ledger_entry){.type = ENTRY_DECISION,
						   .body = {.len = ENTRY_SIZE_MAX},
						   .openings = openings,
						   .opening_count = ARRAY_LENGTH(openings)};
	return ledger_check_room(keeper->ledger, largest, 1 + count);
}

enum status
decide_check_room(const struct keeper *keeper) {
	return check_room_for(keeper, 1);
}

/* Nothing is decided that could not be recorded. What was decided before is answered from the log, full or not; a secret that is
 * brought again may bring about a decision. */
static enum status
check_room(const struct keeper *keeper, const struct job *job) {
	if (job->kind == JOB_OPERATION && job->submission.secret == nullptr &&
	    operations_find(&keeper->gate->state->operations, &job->submission.id) != nullptr)
		return OK;
	return decide_check_room(keeper);
}

/* Overload, unlike a full disk, is answered before anything is recorded. */
static bool
is_overload(struct keeper *keeper) {
	struct ledger_statistics statistics;
	ledger_statistics(keeper->ledger, &statistics);
	return !statistics.is_disk_full;
}

/* Receivers are the configuration's: the gate knows nothing of them. What was done before is answered as it was. */
static enum status
check_receiver(const struct keeper *keeper, const struct job *job) {
	if (job->kind != JOB_OPERATION || job->submission.kind != OPERATION_NOTIFICATION_TEST ||
	    operations_find(&keeper->gate->state->operations, &job->submission.id) != nullptr)
		return OK;
	struct bytes name;
	TRY(json_need_string(job->submission.payload_document, "payload", "receiver", &name));
	return notifier_check_receiver(keeper->notifier, name);
}

/* Votes that come together are decided one after the other before the first is recorded and answered: the last may have ended what
 * the first left held. */
static void
keep_missing(struct job *job) {
	const struct gate_step *step = &job->step;
	if (step->state == OPERATION_HELD)
		job->missing = arena_copy(&job->arena, step->record != nullptr ? step->record->missing
									       : step->operation->held->missing);
}

/* What follows is recorded at once, and says why. */
static void
fail_after_flush(struct keeper *keeper) {
	char why[512];
	if (keeper->decided_count == 0)
		return;
	snprintf(why, sizeof why, "%s", fail_message());
	decide_flush(keeper);
	fail_keep("%s", why);
}

void
decide_job(struct keeper *keeper, struct job *job) {
	if (keeper->decided_count > 0 && check_room_for(keeper, keeper->decided_count + 1) != OK)
		decide_flush(keeper);
	enum status status = check_room(keeper, job);
	if (status != OK && is_overload(keeper)) {
		keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
		return;
	}
	if (status == OK)
		status = check_readiness(keeper, job);
	if (status == OK)
		status = check_receiver(keeper, job);
	if (status == OK)
		status = job->kind == JOB_VOTE
				 ? gate_vote(keeper->gate, &job->vote, keeper->batch_ms, &job->step)
				 : gate_submit(keeper->gate, &job->submission, keeper->batch_ms, &job->step);
	end_if_broken(keeper, status);
	if (status != OK) {
		fail_after_flush(keeper);
		decide_refuse(keeper, job, status);
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
		if (job->step.refusal.len > 0)
			metric_add(&keeper->refusals, 1);
		keep_missing(job);
		if (job->step.is_joint)
			threshold_intend(keeper, job);
		if (!job->submission.may_wait) {
			submit_step(keeper, job);
			return;
		}
		keeper->decided[keeper->decided_count++] = job;
		if (keeper->decided_count == DECIDED_MAX)
			decide_flush(keeper);
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
	struct answer answer = {.state = job->step.state,
				.operation = operation->id,
				.entry = job->index,
				.record = job->step.record != nullptr ? job->step.record : job->intent,
				.refusal = job->step.refusal};
	_cleanup_(buffer_free) struct buffer receipt = {};
	if (job->kind == JOB_VOTE && job->vote.statement.verdict == APPROVAL_REJECT) {
		answer.rejected_by = job->vote.statement.person;
		answer.rejection = job->vote.statement.reason;
	}
	if (job->step.state == OPERATION_HELD)
		answer.missing = job->missing;
	_cleanup_(buffer_free) struct buffer bytes = {};
	if (keeper_write_receipt(keeper, job->index, job->commit, (struct bytes){}, &receipt) == OK)
		answer.receipt = buffer_bytes(&receipt);
	else
		log_warning("a receipt could not be written: %s", fail_message());
	keeper_send_answer(keeper, job, &answer);
}

/* What stands after the type. */
static struct bytes
resource_name(struct bytes resource) {
	enum resource_type type;
	struct bytes id;
	return resource_parse(resource, &type, &id) == OK ? id : (struct bytes){};
}

/* The intent stands; the act follows, and its outcome is an entry of its own. */
static void
perform(struct keeper *keeper, struct job *job) {
	struct gate_operation *operation = job->step.operation;
	if (job->step.is_joint) {
		threshold_begin(keeper, job);
		return;
	}
	if (operation->held != nullptr && bytes_equal_text(operation->held->operation.kind, "key.destroy"))
		threshold_end_key(keeper, resource_name(operation->held->operation.resource));
	gate_step_free(&job->step);
	commit_release(job->commit);
	job->commit = nullptr;
	enum status status = gate_perform(keeper->gate, operation, keeper->batch_ms, &job->step);
	end_if_broken(keeper, status);
	if (status != OK) {
		keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
		return;
	}
	submit_step(keeper, job);
}

void
decide_concluded(struct keeper *keeper, struct job *job, enum status status) {
	end_if_broken(keeper, status);
	if (status == OK) {
		submit_step(keeper, job);
		return;
	}
	keeper_send_problem(keeper, job, status, fail_message());
	job_give_back(keeper, job);
}

void
decide_answer_unknown(struct keeper *keeper, struct job *job) {
	struct answer answer = {.state = OPERATION_UNKNOWN,
				.operation = job->step.operation->id,
				.entry = job->index,
				.record = job->intent};
	keeper_send_answer(keeper, job, &answer);
	job_give_back(keeper, job);
}

static void
after_done(struct keeper *keeper, struct job *job) {
	if (job->is_lost) { /* the keeper has ended: whoever asked hears nothing */
		job_give_back(keeper, job);
		return;
	}
	if (job->kind == JOB_READ && !job->is_refusal) {
		keeper_read_settle(job);
		return;
	}
	if (job->is_refusal) {
		signing_in_hide(job);
		keeper_send_job_error(keeper, job);
	} else if (job->kind == JOB_SIGN_IN || job->kind == JOB_SIGN_OUT || job->kind == JOB_ENROLMENT)
		signing_in_answer(keeper, job);
	else {
		gate_settle(keeper->gate, &job->step, job->index);
		event_of_step(keeper, job);
		if (job->step.destroys)
			erasures_follow(keeper);
		if (job->step.state == OPERATION_DONE && job->step.record != nullptr &&
		    bytes_equal_text(job->step.record->action.id, operation_kinds[OPERATION_CLOCK_ACCEPT].name))
			clock_accept(&keeper->clock);
		if ((job->step.state == OPERATION_DONE || job->step.is_outward) && job->step.record != nullptr)
			signing_in_follow(keeper, job->step.record);
		if (job->step.is_outward) {
			perform(keeper, job);
			return;
		}
		if (job->kind != JOB_EXPIRY)
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
		if (job->step.operation->entry == UINT64_MAX || job->step.operation->is_settling) {
			wait_for_operation(keeper, job);
			continue;
		}
		enum status status = keeper_answer_known(keeper, job, job->step.operation);
		if (status != OK)
			keeper_send_problem(keeper, job, status, fail_message());
		job_give_back(keeper, job);
	}
}

bool
decide_expire(struct keeper *keeper) {
	static const struct ledger_entry largest = {.type = ENTRY_EXPIRY, .body = {.len = 1024}};
	if (ledger_check_room(keeper->ledger, &largest, 1) != OK)
		return false; /* the next second */
	struct job *job = job_take(keeper);
	if (job == nullptr)
		return false;
	job->kind = JOB_EXPIRY;
	enum status status = gate_expire(keeper->gate, keeper->batch_ms, &job->step);
	end_if_broken(keeper, status);
	if (status != OK || job->step.entry_count == 0) {
		job_give_back(keeper, job);
		return false;
	}
	submit_step(keeper, job);
	return true;
}

void
decide_settle(struct keeper *keeper) {
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
		event_head(keeper, size);
	}
	if (keeper->waiting != nullptr)
		wake_waiting(keeper);
}

void
decide_free(struct keeper *keeper) {
	jobs_free(keeper->waiting);
	activating_free(keeper);
	jobs_free(keeper->done_first);
	commit_release(keeper->last_commit);
	rate_free(&keeper->request_rate);
	rate_free(&keeper->read_rate);
	rate_free(&keeper->forwarded_rate);
	rate_free(&keeper->forwarded_refusals);
}
