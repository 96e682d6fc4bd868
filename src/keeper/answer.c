#include "keeper/answer.h"

#include "base/problem.h"

static const struct {
	unsigned status;
	const char *title;
} states[OPERATION_STATES] = {
	[OPERATION_IN_FLIGHT] = {202, "Being recorded"},
	[OPERATION_HELD] = {202, "Held: more approvals are needed"},
	[OPERATION_DONE] = {200, "Done"},
	[OPERATION_DENIED] = {403, "Denied by policy"},
	[OPERATION_REJECTED] = {403, "Rejected by an approver"},
	[OPERATION_FAILED] = {409, "Permitted, but it could not be done; nothing was released here"},
	[OPERATION_EXPIRED] = {410, "Expired before it was approved"},
	[OPERATION_UNKNOWN] = {202,
			       "Intended; whether it was done or signed is not known here yet: ask for it again, and "
			       "submit nothing in its place under another idempotency key"},
};

unsigned
answer_status(const struct answer *answer) {
	return states[answer->state].status;
}

static bool
is_problem(const struct answer *answer) {
	return answer_status(answer) >= 400;
}

const char *
answer_content_type(const struct answer *answer) {
	return is_problem(answer) ? PROBLEM_CONTENT_TYPE : "application/json";
}

static void
write_errors(const struct decision_record *record, struct json_writer *w) {
	json_write_key(w, "errors");
	json_write_array(w);
	for (size_t i = 0; i < record->error_count; i++) {
		json_write_object(w);
		json_write_member_string(w, "message", record->errors[i].message);
		json_write_member_string(w, "policy", record->errors[i].policy);
		json_write_end(w);
	}
	json_write_end(w);
}

static void
write_reasons(const struct decision_record *record, struct json_writer *w) {
	json_write_key(w, "reasons");
	json_write_array(w);
	for (size_t i = 0; i < record->reason_count; i++)
		json_write_string(w, record->reasons[i].policy);
	json_write_end(w);
}

/* "operation.denied: large_needs_two, sanctioned": what a person reads first. */
void
answer_write_detail(const struct answer *answer, struct buffer *detail) {
	const struct decision_record *record = answer->record;
	if (answer->state == OPERATION_UNKNOWN) {
		buffer_append_text(detail, states[answer->state].title);
		buffer_append_text(detail, record != nullptr && record->error.len > 0 ? ": " : "");
		buffer_append_bytes(detail, record != nullptr ? record->error : (struct bytes){});
	} else if (record != nullptr && record->error.len > 0)
		buffer_append_bytes(detail, record->error);
	else if (answer->error.len > 0)
		buffer_append_bytes(detail, answer->error);
	else if (record != nullptr && record->decision == DECISION_DENY) {
		buffer_append_text(detail, record->reason_count > 0 ? "forbidden by" : "no policy permits it");
		for (size_t i = 0; i < record->reason_count; i++) {
			buffer_append_text(detail, i == 0 ? " " : ", ");
			buffer_append_bytes(detail, record->reasons[i].policy);
		}
	} else
		buffer_append_text(detail, states[answer->state].title);
	if (answer->rejection.len > 0) {
		buffer_append_text(detail, ": ");
		buffer_append_bytes(detail, answer->rejection);
	}
}

static void
write_detail(const struct answer *answer, struct json_writer *w) {
	_cleanup_(buffer_free) struct buffer detail = {};
	answer_write_detail(answer, &detail);
	json_write_member_string(w, "detail", buffer_bytes(&detail));
}

void
rejection_write(struct json_writer *writer, struct bytes person, struct bytes reason) {
	json_write_object(writer);
	json_write_member_string(writer, "person", person);
	if (reason.len > 0)
		json_write_member_string(writer, "reason", reason);
	json_write_end(writer);
}

enum status
answer_read_rejection(const json *vote, struct answer *answer) {
	const json *statement;
	struct bytes verdict;
	TRY(json_need(vote, "vote", "statement", JSON_OBJECT, &statement));
	TRY(json_need_string(statement, "vote", "verdict", &verdict));
	if (!bytes_equal_text(verdict, approval_verdict_name(APPROVAL_REJECT)))
		return OK;
	TRY(json_need_string(statement, "vote", "person", &answer->rejected_by));
	return json_get(statement, "reason") == nullptr
		       ? OK
		       : json_need_string(statement, "vote", "reason", &answer->rejection);
}

enum status
answer_write(const struct answer *answer, struct buffer *body) {
	const struct decision_record *record = answer->record;
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	if (record != nullptr) {
		json_write_member_hex(&w, "bundle", hash256_bytes(&record->bundle));
		json_write_member_text(&w, "decision", decision_name(record->decision));
	}
	if (is_problem(answer) || answer->state == OPERATION_UNKNOWN)
		write_detail(answer, &w);
	if (answer->entry != UINT64_MAX)
		json_write_member_integer(&w, "entry", (int64_t)answer->entry);
	if (record != nullptr)
		write_errors(record, &w);
	if (answer->missing.len > 0) {
		json_write_key(&w, "missing");
		json_write_canonical(&w, answer->missing);
	}
	json_write_member_hex(&w, "operation", hash256_bytes(&answer->operation));
	if (record != nullptr)
		write_reasons(record, &w);
	if (answer->receipt.len > 0)
		json_write_member_string(&w, "receipt", answer->receipt);
	if (answer->refusal.len > 0)
		json_write_member_string(&w, "refusal", answer->refusal);
	if (answer->rejected_by.len > 0) {
		json_write_key(&w, "rejection");
		rejection_write(&w, answer->rejected_by, answer->rejection);
	}
	struct bytes result = record != nullptr ? record->result : answer->result;
	if (result.len > 0) {
		json_write_key(&w, "result");
		json_write_canonical(&w, result);
	}
	json_write_member_text(&w, "state", operation_state_name(answer->state));
	if (is_problem(answer)) {
		json_write_member_integer(&w, "status", answer_status(answer));
		json_write_member_text(&w, "title", states[answer->state].title);
		json_write_key(&w, "type");
		_cleanup_(buffer_free) struct buffer type = {};
		buffer_append_format(&type, "urn:gatehouse:problem:operation.%s", operation_state_name(answer->state));
		json_write_string(&w, buffer_bytes(&type));
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}
