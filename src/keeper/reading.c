#include "keeper/reading.h"

#include "base/log.h"
#include "identity/http_signature.h"
#include "keeper/decide.h"
#include "keeper/respond.h"

static struct bytes
principal_of(const struct job *job) {
	return http_signature_principal(job->reader);
}

/* --- Who may. --- */

enum status
keeper_read_authorise(const struct keeper *keeper, struct bytes principal, enum read_right right,
		      struct read_scope *scope) {
	const struct access *access = &keeper->gate->state->access;
	*scope = (struct read_scope){.is_limited = access_is_auditor(access, principal)};
	if (right == READ_PUBLIC || right == READ_SELF || right == READ_PERSONAL || !scope->is_limited)
		return OK;
	if (right == READ_STATE)
		return fail(STATUS_DENIED, "read.auditor: an auditor reads operations, explanations, entries and "
					   "receipts, and not this");
	scope->count = access_grant_count(access, principal);
	for (size_t i = 0; i < scope->count; i++)
		scope->grants[i] = *access_grant_at(access, principal, i);
	return scope->count > 0 ? OK : fail(STATUS_DENIED, "read.no_grant: an auditor to whom nothing is granted now");
}

static bool
is_recorded(const struct read_scope *scope, enum read_right right) {
	return right == READ_PERSONAL || right == READ_EXPORT || (right == READ_RECORD && scope->is_limited);
}

enum status
keeper_read_begin(struct job *job, enum read_right right) {
	job->scope = ARENA_NEW(&job->arena, struct read_scope);
	TRY_ALLOC(job->scope);
	TRY(keeper_read_authorise(job->keeper, principal_of(job), right, job->scope));
	job->recorded_as = right == READ_EXPORT ? ENTRY_EXPORT : ENTRY_READ;
	job->is_withheld = is_recorded(job->scope, right);
	return OK;
}

enum status
keeper_read_check_subject(const struct job *job, struct bytes subject) {
	const struct keeper *keeper = job->keeper;
	return access_may_read(&keeper->gate->state->access, principal_of(job), subject, keeper->batch_ms)
		       ? OK
		       : fail(STATUS_DENIED, "read.personal: %.*s may not read personal values of %.*s",
			      BYTES_ARGS(principal_of(job)), BYTES_ARGS(subject));
}

static bool
holds(const struct read_scope *scope, struct bytes entity, int64_t at_ms) {
	for (size_t i = 0; i < scope->count; i++)
		if (bytes_equal_text(entity, scope->grants[i].entity) && at_ms >= scope->grants[i].from_ms &&
		    at_ms < scope->grants[i].until_ms)
			return true;
	return false;
}

enum status
keeper_read_check_leaf(const struct job *job, struct bytes leaf) {
	static const char *const members[] = {"legal_entity", nullptr};
	_cleanup_(arena_free) struct arena arena = {.block_size = 1024};
	_cleanup_(buffer_free) struct buffer selected = {};
	struct entry entry;
	const json *body;
	if (!job->scope->is_limited)
		return OK;
	TRY(entry_peek(leaf, &entry));
	TRY(json_select(entry.body, members, &selected));
	TRY(json_read(&arena, buffer_bytes(&selected), (struct json_limits){}, &body));
	const json *entity = json_get(body, "legal_entity");
	bool is_text = entity != nullptr && json_type_of(entity) == JSON_STRING;
	return is_text && holds(job->scope, json_string(entity), entry.at_ms)
		       ? OK
		       : fail(STATUS_DENIED,
			      "read.out_of_scope: not of a legal entity and a period that this auditor may read");
}

enum status
keeper_read_choose_grant(const struct job *job, struct bytes entity, const struct access_grant **grant) {
	const struct read_scope *scope = job->scope;
	*grant = nullptr;
	for (size_t i = 0; i < scope->count; i++)
		if (entity.len == 0 ? scope->count == 1 : bytes_equal_text(entity, scope->grants[i].entity))
			*grant = &scope->grants[i];
	if (*grant != nullptr)
		return OK;
	return entity.len > 0 ? fail(STATUS_DENIED, "read.out_of_scope: nothing of that legal entity is granted")
			      : fail(STATUS_INVALID, "read.entity: several legal entities are granted: say which");
}

/* --- What was read. --- */

static enum status
write_read(const struct job *job, struct bytes legal_entity, struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_string(&w, "key", job->reader);
	json_write_member_string(&w, "legal_entity", legal_entity);
	json_write_member_integer(&w, "read_at", job->keeper->batch_ms);
	if (job->subjects_read.len > 0) {
		json_write_key(&w, "subjects");
		json_write_canonical(&w, job->subjects_read);
	}
	json_write_member_string(&w, "target", job->http.target);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
write_export(const struct job *job, struct bytes legal_entity, struct buffer *body) {
	struct hash256 hash = sha256(job->withheld.body);
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_integer(&w, "count", (int64_t)job->exported.count);
	json_write_member_integer(&w, "exported_at", job->keeper->batch_ms);
	if (job->exported.count > 0)
		json_write_member_integer(&w, "first", (int64_t)job->exported.first);
	json_write_member_hex(&w, "hash", hash256_bytes(&hash));
	json_write_member_string(&w, "key", job->reader);
	if (job->exported.count > 0)
		json_write_member_integer(&w, "last", (int64_t)job->exported.last);
	json_write_member_string(&w, "legal_entity", legal_entity);
	json_write_member_string(&w, "target", job->http.target);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static void
release(struct job *job) {
	job->is_withheld = false;
	keeper_send_withheld(job->keeper, job);
	job_give_back(job->keeper, job);
}

void
keeper_read_finish(struct job *job) {
	_cleanup_(buffer_free) struct buffer body = {};
	if (!job->is_withheld) {
		job_give_back(job->keeper, job);
		return;
	}
	struct bytes legal_entity = gate_state_entity_of(job->keeper->gate->state, job->reader);
	enum status status = job->recorded_as == ENTRY_EXPORT ? write_export(job, legal_entity, &body)
							      : write_read(job, legal_entity, &body);
	if (status == OK)
		status = decide_record(job->keeper, job, job->recorded_as, buffer_bytes(&body));
	if (status == OK)
		return;
	job->is_withheld = false; /* what cannot be recorded is not given */
	keeper_send_problem(job->keeper, job, status, fail_message());
	job_give_back(job->keeper, job);
}

void
keeper_read_settle(struct job *job) {
	release(job);
}
