#include "keeper/activating.h"

#include <stdio.h>

#include "base/log.h"
#include "gate/activation.h"
#include "gate/evaluate.h"
#include "keeper/decide.h"
#include "keeper/loop.h"
#include "keeper/worker_link.h"

/* The bundle that a request is about; *document empty: it is about none. */
static enum status
find_document(const struct keeper *keeper, struct job *job, struct bytes *document) {
	const json *payload = job->submission.payload_document;
	*document = (struct bytes){};
	if (job->kind == JOB_VOTE) {
		const struct gate_operation *operation =
			operations_find(&keeper->gate->state->operations, &job->vote.operation_id);
		bool activates = operation != nullptr && operation->state == OPERATION_HELD &&
				 bytes_equal_text(operation->held->operation.kind,
						  operation_kinds[OPERATION_POLICY_ACTIVATE].name);
		if (!activates)
			return OK;
		TRY(json_read(&job->arena, operation->held->payload, (struct json_limits){}, &payload));
	} else if (job->submission.kind != OPERATION_POLICY_ACTIVATE)
		return OK;
	return activation_document(&job->arena, payload, document);
}

/* The request outlives the frame that it came in. */
static enum status
keep_bytes(struct arena *arena, struct bytes *text) {
	*text = arena_copy(arena, *text);
	TRY_ALLOC(text->data);
	return OK;
}

static enum status
keep_request(struct job *job) {
	struct http_request *http = &job->http;
	struct bytes *const texts[] = {&http->method, &http->target, &http->body, &job->received.reported.peer_address};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		TRY(keep_bytes(&job->arena, texts[i]));
	for (size_t i = 0; i < http->field_count; i++) {
		TRY(keep_bytes(&job->arena, &job->fields[i].name));
		TRY(keep_bytes(&job->arena, &job->fields[i].value));
	}
	return OK;
}

/* What is held was looked at when it was asked for. */
static bool
may_be_permitted(const struct keeper *keeper, struct job *job) {
	const struct directory_key *key;
	bool may = false;
	return job->kind == JOB_VOTE ||
	       (directory_acting_key(keeper->gate->state->directory, job->submission.key_id, &key) == OK &&
		gate_may_activate(keeper->gate, &job->arena, key->principal, &job->submission, &may) == OK && may);
}

enum status
activating_take(struct keeper *keeper, struct job *job, bool *waits) {
	struct bytes document;
	*waits = false;
	/* What cannot be read or assessed is refused where it is decided. */
	if (find_document(keeper, job, &document) != OK || document.len == 0 || !may_be_permitted(keeper, job) ||
	    !assessments_want_proof(keeper->gate->assessments, document, &job->bundle))
		return OK;
	if (activating_outstanding(keeper) >= ACTIVATING_MAX)
		return fail(STATUS_UNAVAILABLE, "bundle.busy: %zu activations wait for proofs", ACTIVATING_MAX);
	TRY(keep_request(job));
	job->next = keeper->activating;
	keeper->activating = job;
	*waits = true;
	return OK;
}

size_t
activating_outstanding(const struct keeper *keeper) {
	size_t count = 0;
	for (const struct job *job = keeper->activating; job != nullptr; job = job->next)
		count++;
	return count;
}

/* --- The worker. --- */

/* The request that shows it, as far as a detail holds it. */
static void
add_evidence(const struct work_answer *answer) {
	constexpr size_t SHOWN_MAX = 300;
	_cleanup_(buffer_free) struct buffer text = {};
	char why[200];
	struct json_writer w;
	snprintf(why, sizeof why, "%s", fail_message());
	for (size_t i = 0; i < answer->verdict_count; i++) {
		const json *witness = json_get(answer->verdicts[i].whole, "witness");
		if (answer->verdicts[i].verdict != PROVE_COUNTEREXAMPLE || witness == nullptr)
			continue;
		json_writer_start(&w, &text);
		json_write_value(&w, json_get(witness, "request") == nullptr ? witness : json_get(witness, "request"));
		if (json_writer_finish(&w) == OK)
			fail_keep("%s: %.*s", why, (int)(text.len > SHOWN_MAX ? SHOWN_MAX : text.len),
				  (const char *)text.data);
		return;
	}
}

static void
proof_done(void *context, const struct work_answer *answer) {
	struct keeper *keeper = context;
	enum status status = answer == nullptr ? STATUS_UNAVAILABLE : work_answer_is_proved(answer);
	if (status == STATUS_DENIED)
		add_evidence(answer);
	assessments_settle(keeper->gate->assessments, &keeper->proving, status,
			   answer == nullptr ? 0 : (int64_t)answer->verdict_count);
	if (status != OK)
		log_warning("a bundle is not proved: %s", fail_message());
}

static enum status
ask(struct keeper *keeper, struct job *job) {
	_cleanup_(buffer_free) struct buffer request = {};
	struct bytes document;
	TRY(find_document(keeper, job, &document));
	TRY(work_write_bundle(document, false, &request));
	keeper->proving = job->bundle;
	return worker_link_ask(keeper, buffer_bytes(&request), proof_done, keeper);
}

static void
decide_again(struct keeper *keeper, struct job *job) {
	loop_read_again(job);
	if (job->read_status == OK)
		decide_job(keeper, job);
	else {
		fail_keep("%s", job->error);
		decide_refuse(keeper, job, job->read_status);
	}
}

void
activating_turn(struct keeper *keeper) {
	struct job *waiting = keeper->activating;
	keeper->activating = nullptr;
	while (waiting != nullptr) {
		struct job *job = waiting;
		waiting = job->next;
		if (assessments_has_proof(keeper->gate->assessments, &job->bundle)) {
			loop_begin_batch(keeper);
			decide_again(keeper, job);
			continue;
		}
		job->next = keeper->activating;
		keeper->activating = job;
	}
	if (keeper->activating == nullptr || keeper->work.done != nullptr)
		return;
	if (ask(keeper, keeper->activating) != OK)
		assessments_settle(keeper->gate->assessments, &keeper->activating->bundle, STATUS_UNAVAILABLE, 0);
}

void
activating_free(struct keeper *keeper) {
	jobs_free(keeper->activating);
	keeper->activating = nullptr;
}
