#include "keeper/respond.h"

#include <stdio.h>

#include "base/log.h"
#include "base/problem.h"
#include "keeper/fetch_link.h"
#include "keeper/threshold.h"
#include "ledger/receipt.h"

/* The views of an answer into an arena. What memory refuses is no answer. */
static bool
copy_response(struct arena *arena, const struct ipc_response *from, struct ipc_response *to) {
	*to = *from;
	struct bytes *views[] = {&to->content_type,  &to->operation, &to->location, &to->retry_after,
				 &to->cache_control, &to->etag,      &to->body,     &to->set_cookie};
	bool all = true;
	for (size_t i = 0; i < ARRAY_LENGTH(views); i++)
		if (views[i]->data != nullptr) {
			*views[i] = arena_copy(arena, *views[i]);
			all = all && views[i]->data != nullptr;
		}
	return all;
}

static void
withhold(struct job *job, const struct ipc_response *response) {
	if (!copy_response(&job->arena, response, &job->withheld))
		job->withheld = (struct ipc_response){.status = 503};
}

static void
send_response(struct keeper *keeper, struct job *job, struct ipc_response *response) {
	if (response->body.len > IPC_BODY_MAX) { /* the gateway would take neither it nor anything after it */
		fail_keep("answer.size: %zu bytes, and an answer has at most %zu: ask for less of it",
			  response->body.len, IPC_BODY_MAX);
		job->is_withheld = false; /* nothing is given */
		keeper_send_problem(keeper, job, STATUS_UNSUPPORTED, fail_message());
		return;
	}
	if (job->is_withheld) {
		withhold(job, response);
		return;
	}
	job->is_answered = true;
	if (job->set_cookie[0] != '\0')
		response->set_cookie = bytes_of_text(job->set_cookie);
	if (atomic_load(&keeper->has_ended))
		return;
	if (job->is_internal || job->forwarded_by != 0)
		return;                 /* nobody waits here */
	if (job->response != nullptr) { /* keeper_answer() */
		if (!copy_response(job->response_arena, response, job->response))
			job->response->status = 503;
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
	if (job->forwarded_by != 0)
		threshold_answered(keeper, job, http, error);
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
	if (http == 503 || http == 429)
		response.retry_after =
			job->retry_after[0] != '\0' ? bytes_of_text(job->retry_after) : BYTES_OF_LITERAL("1");
	send_response(keeper, job, &response);
}

void
keeper_send_withheld(struct keeper *keeper, struct job *job) {
	send_response(keeper, job, &job->withheld);
}

void
keeper_send_job_error(struct keeper *keeper, struct job *job) {
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
	struct ipc_response response = {.status = 200,
					.content_type = BYTES_OF_LITERAL("text/event-stream"),
					.is_feed = true,
					.stream = job->stream};
	send_response(keeper, job, &response);
}

/* "operation.denied: forbidden by sanctioned": what the keeper that was asked tells its client. */
static void
tell_refusal(struct keeper *keeper, const struct job *job, const struct answer *answer) {
	_cleanup_(buffer_free) struct buffer reason = {};
	unsigned status = answer_status(answer);
	if (status < 400)
		return;
	buffer_append_format(&reason, "operation.%s: ", operation_state_name(answer->state));
	answer_write_detail(answer, &reason);
	buffer_append_byte(&reason, '\0');
	if (buffer_status(&reason) == OK)
		threshold_answered(keeper, job, status, (const char *)reason.data);
}

void
keeper_send_answer(struct keeper *keeper, struct job *job, const struct answer *answer) {
	constexpr size_t BESIDE = 1024;
	_cleanup_(buffer_free) struct buffer body = {};
	char hex[65];
	/* The receipt's line ends are escaped: one of every 44 characters, and fewer in its signatures. */
	buffer_reserve(&body, answer->receipt.len + answer->receipt.len / 32 + BESIDE);
	if (job->forwarded_by != 0)
		tell_refusal(keeper, job, answer);
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
	constexpr size_t OF_PROOF = 2048;
	struct proof proof;
	if (commit != nullptr) {
		buffer_reserve(receipt, commit->note.len + OF_PROOF);
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

/* What it gave, or why it failed. */
static enum status
read_outcome(const struct keeper *keeper, struct arena *arena, const json *outcome, struct answer *answer) {
	TRY(record_read_result(arena, outcome, &keeper->gate->blobs, &answer->result));
	return json_get(outcome, "error") == nullptr ? OK
						     : json_need_string(outcome, "outcome", "error", &answer->error);
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
	} else if (entry.type == ENTRY_OUTCOME)
		TRY(read_outcome(keeper, arena, entry.document, &answer));
	else if (entry.type == ENTRY_REFUSAL)
		TRY(json_need_string(entry.document, "refusal", "error", &answer.refusal));
	else if (entry.type == ENTRY_VOTE)
		TRY(answer_read_rejection(entry.document, &answer));
	TRY(keeper_write_receipt(keeper, operation->entry, nullptr, stored.leaf, &receipt));
	answer.receipt = buffer_bytes(&receipt);
	keeper_send_answer(keeper, job, &answer);
	return OK;
}
