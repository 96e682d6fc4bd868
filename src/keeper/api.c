#include "keeper/api.h"

#include "keeper/api_reads.h"
#include "keeper/explanation.h"
#include "keeper/export.h"
#include "keeper/inbox.h"
#include "keeper/limit_rows.h"
#include "keeper/listing.h"
#include "keeper/operation_listing.h"
#include "keeper/peer_link.h"
#include "keeper/personal_read.h"
#include "keeper/reading.h"
#include "keeper/respond.h"
#include "keeper/signing_in.h"
#include "keeper/slow_read.h"
#include "keeper/timeline.h"
#include "gate/material.h"

struct api_route {
	const char *method;
	const char *pattern;
	enum job_kind kind;
	enum read_right right; /* JOB_READ */
	uint32_t cost;         /* of the reader's limit */
	/* In order, on the deciding thread: answers; or, with the next, only looks up what the state says. May be null with it. */
	enum status (*read)(struct job *job, const struct route_match *match);
	/* Beside it: fills job->body. Nothing of the state may be touched. */
	enum status (*read_slowly)(struct job *job, const struct route_match *match);
	bool decodes; /* an operation's payload, on the deciding thread: costs more with its size */
	/* How many it goes through on the deciding thread, however few of them it shows: costs more with them. Null: few. */
	size_t (*walks)(const struct job *job, const struct route_match *match);
};

constexpr size_t WALKED_OF_ONE_READ = 2'000; /* some 0.2 ms */

/* --- Helpers. --- */

enum status
api_send_json(struct job *job, const struct json_writer *writer) {
	TRY(json_writer_finish(writer));
	keeper_send_body(job->keeper, job, 200, "application/json", buffer_bytes(writer->to));
	return OK;
}

static enum status
find_operation(struct job *job, const struct route_match *match, struct gate_operation **operation) {
	struct hash256 id;
	TRY(hex_decode(match->path.values[0], id.bytes, sizeof id.bytes));
	*operation = operations_find(&job->keeper->gate->state->operations, &id);
	return *operation != nullptr && (*operation)->entry != UINT64_MAX
		       ? OK
		       : fail(STATUS_NOT_FOUND, "operation.unknown: there is no such operation");
}

/* --- Operations. --- */

/* Of the job's scope. */
static enum status
check_entry(const struct job *job, uint64_t index) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct ledger_record record;
	if (!job->scope->is_limited)
		return OK;
	TRY(ledger_read(job->keeper->ledger, index, &bytes, &record));
	return keeper_read_check_leaf(job, record.leaf);
}

static enum status
read_operation(struct job *job, const struct route_match *match) {
	struct gate_operation *operation;
	TRY(find_operation(job, match, &operation));
	TRY(check_entry(job, operation->entry));
	return keeper_answer_known(job->keeper, job, operation);
}

static enum status
read_material(struct job *job, const struct route_match *match) {
	struct gate_operation *operation;
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(find_operation(job, match, &operation));
	TRY(material_write(job->keeper->gate, &job->arena, operation, &body));
	keeper_send_body(job->keeper, job, 200, "application/json", buffer_bytes(&body));
	return OK;
}

/* What an approver reads, here or in the inbox. */
static enum status
read_view(struct job *job, const struct route_match *match) {
	struct gate_operation *operation;
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(find_operation(job, match, &operation));
	TRY(inbox_write_operation(job, operation, &body));
	keeper_send_body(job->keeper, job, 200, "application/json", buffer_bytes(&body));
	return OK;
}

static enum status
read_inbox(struct job *job, const struct route_match *match) {
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(inbox_write(job, match->query, &body));
	keeper_send_body(job->keeper, job, 200, "application/json", buffer_bytes(&body));
	return OK;
}

/* The operation's newest entry, for the slow part. */
static enum status
find_entry(struct job *job, const struct route_match *match) {
	struct gate_operation *operation;
	TRY(find_operation(job, match, &operation));
	job->index = operation->entry;
	return OK;
}

static enum status
read_explanation(struct job *job, const struct route_match *match) {
	(void)match;
	uint64_t index = job->index;
	job->content_type = "application/json";
	TRY(explanation_find(job->keeper, &index));
	TRY(check_entry(job, index));
	return explanation_write(job->keeper, index, &job->body);
}

static enum status
read_timeline(struct job *job, const struct route_match *match) {
	job->content_type = "application/json";
	return timeline_write(job->keeper, match->path.values[0], &job->body);
}

static enum status
list_operations(struct job *job, const struct route_match *match) {
	job->content_type = "application/json";
	return operation_listing_write(job, match->query, &job->body);
}

static enum status
export_entries(struct job *job, const struct route_match *match) {
	job->content_type = "application/json";
	return export_write(job, match->query, &job->body);
}

/* --- State. --- */

static enum status
send_page(struct job *job, const struct route_match *match, enum listing of) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(listing_page(&job->arena, job->keeper->gate->state, of, match->query, &w));
	return api_send_json(job, &w);
}

static enum status
list_keys(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_KEYS);
}

static enum status
list_limits(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_LIMITS);
}

static enum status
find_limit_rows(struct job *job, const struct route_match *match) {
	(void)match;
	return limit_rows_find(job);
}

static enum status
list_limit_rows(struct job *job, const struct route_match *match) {
	job->content_type = "application/json";
	return limit_rows_write(job, match->query, &job->body);
}

static enum status
list_people(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_PEOPLE);
}

static enum status
list_workloads(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_WORKLOADS);
}

static enum status
list_groups(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_GROUPS);
}

static enum status
list_lists(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_LISTS);
}

static enum status
list_zones(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_ZONES);
}

static enum status
list_assets(struct job *job, const struct route_match *match) {
	return send_page(job, match, LISTING_ASSETS);
}

static enum status
read_list(struct job *job, const struct route_match *match) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(listing_list(&job->arena, job->keeper->gate->state, match->path.values[0], job->keeper->batch_ms,
			 match->query, &w));
	return api_send_json(job, &w);
}

static enum status
read_policy(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(listing_policy(job->keeper->gate->state, &w));
	return api_send_json(job, &w);
}

/* A bundle that is or was in force. */
static enum status
read_bundle(struct job *job, const struct route_match *match) {
	struct hash256 hash;
	if (match->path.values[0].len != 2 * sizeof hash.bytes ||
	    hex_decode(match->path.values[0], hash.bytes, sizeof hash.bytes) != OK)
		return fail(STATUS_INVALID, "bundle.hash: expected 64 hexadecimal digits");
	job->content_type = "application/json";
	return explanation_write_bundle(job->keeper, &hash, &job->body);
}

static enum status
read_instance(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {}, keys = {};
	struct json_writer w;
	installation_vkeys(job->keeper->installation, &keys);
	TRY(buffer_status(&keys));
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_text(&w, "instance", job->keeper->installation->instance);
	json_write_member_string(&w, "log_keys", buffer_bytes(&keys));
	json_write_member_text(&w, "origin", job->keeper->installation->origin);
	json_write_member_text(&w, "version", GATEHOUSE_VERSION);
	json_write_end(&w);
	return api_send_json(job, &w);
}

static enum status
list_keepers(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	peer_link_write_listing(job->keeper, &w);
	return api_send_json(job, &w);
}

/* --- Personal values. --- */

static enum status
read_personal(struct job *job, const struct route_match *match) {
	_cleanup_(personal_read_wipe) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(personal_read_profile(job, match->path.values[0], &w));
	return api_send_json(job, &w);
}

static enum status
read_personal_of_entry(struct job *job, const struct route_match *match) {
	_cleanup_(personal_read_wipe) struct buffer body = {};
	struct json_writer w;
	uint64_t index;
	TRY(decimal_decode(match->path.values[0], &index));
	json_writer_start(&w, &body);
	TRY(personal_read_entry(job, index, &w));
	return api_send_json(job, &w);
}

static enum status
read_events(struct job *job, const struct route_match *match) {
	(void)match;
	signing_in_name_stream(job);
	keeper_send_feed(job->keeper, job);
	return OK;
}

/* --- Sessions. --- */

static enum status
make_challenge(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(signing_in_write_challenge(job, &w));
	return api_send_json(job, &w);
}

static enum status
read_enrolment_options(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(signing_in_write_options(job, &w));
	return api_send_json(job, &w);
}

static enum status
read_session(struct job *job, const struct route_match *match) {
	(void)match;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	TRY(signing_in_write_session(job, &w));
	return api_send_json(job, &w);
}

/* That somebody is there was noted with the use of the session. */
static enum status
note_activity(struct job *job, const struct route_match *match) {
	return read_session(job, match);
}

/* --- What goes through many. --- */

/* Each of them is asked whom it waits for, which takes four times as long as an address does. */
static size_t
walk_held(const struct job *job, const struct route_match *) {
	return 4 * job->keeper->gate->state->operations.kept.count;
}

static size_t
walk_list(const struct job *job, const struct route_match *match) {
	const struct destination_list *list =
		destinations_find(&job->keeper->gate->state->destinations, match->path.values[0]);
	return list == nullptr ? 0 : list->entries.count;
}

/* --- The table. --- */

static const struct api_route routes[] = {
	{"POST", "/v1/operations", JOB_OPERATION, READ_STATE, 0, nullptr, nullptr},
	{"POST", "/v1/protective", JOB_OPERATION, READ_STATE, 0, nullptr, nullptr},
	{"POST", "/v1/operations/*/votes", JOB_VOTE, READ_STATE, 0, nullptr, nullptr},
	{"GET", "/v1/operations", JOB_READ, READ_RECORD, 2, nullptr, list_operations},
	{"GET", "/v1/operations/*", JOB_READ, READ_RECORD, 1, read_operation, nullptr},
	{"GET", "/v1/operations/*/payload", JOB_READ, READ_STATE, 1, read_material, nullptr, true},
	{"GET", "/v1/operations/*/receipt", JOB_READ, READ_RECORD, 2, find_entry, api_read_receipt},
	{"GET", "/v1/operations/*/explanation", JOB_READ, READ_RECORD, 10, find_entry, read_explanation},
	{"GET", "/v1/operations/*/view", JOB_READ, READ_STATE, 1, read_view, nullptr, true},
	{"GET", "/v1/operations/*/timeline", JOB_READ, READ_STATE, 2, find_entry, read_timeline},
	{"GET", "/v1/inbox", JOB_READ, READ_STATE, 2, read_inbox, nullptr, .walks = walk_held},
	{"GET", "/v1/limits", JOB_READ, READ_STATE, 2, list_limits, nullptr},
	{"GET", "/v1/keys", JOB_READ, READ_STATE, 2, list_keys, nullptr},
	{"GET", "/v1/keys/*", JOB_READ, READ_STATE, 1, api_read_key, nullptr},
	{"GET", "/v1/keys/*/derived", JOB_READ, READ_STATE, 1, api_read_derived_key, nullptr},
	{"GET", "/v1/import-key", JOB_READ, READ_STATE, 2, api_read_import_key, nullptr},
	{"GET", "/v1/keys/*/sharing", JOB_READ, READ_STATE, 1, api_read_sharing, nullptr},
	{"GET", "/v1/people", JOB_READ, READ_STATE, 2, list_people, nullptr},
	{"GET", "/v1/people/*/personal", JOB_READ, READ_PERSONAL, 2, read_personal, nullptr},
	{"GET", "/v1/workloads", JOB_READ, READ_STATE, 2, list_workloads, nullptr},
	{"GET", "/v1/groups", JOB_READ, READ_STATE, 2, list_groups, nullptr},
	{"GET", "/v1/lists", JOB_READ, READ_STATE, 2, list_lists, nullptr},
	{"GET", "/v1/lists/*", JOB_READ, READ_STATE, 2, read_list, nullptr, .walks = walk_list},
	{"GET", "/v1/zones", JOB_READ, READ_STATE, 2, list_zones, nullptr},
	{"GET", "/v1/prices", JOB_READ, READ_STATE, 2, list_assets, nullptr},
	{"GET", "/v1/policy", JOB_READ, READ_STATE, 1, read_policy, nullptr},
	{"GET", "/v1/policy/limits", JOB_READ, READ_STATE, 5, find_limit_rows, list_limit_rows},
	{"GET", "/v1/policy/bundles/*", JOB_READ, READ_STATE, 10, nullptr, read_bundle},
	{"GET", "/v1/keepers", JOB_READ, READ_STATE, 2, list_keepers, nullptr},
	{"GET", "/v1/instance", JOB_READ, READ_PUBLIC, 0, read_instance, nullptr},
	{"GET", "/v1/ledger/checkpoint", JOB_READ, READ_PUBLIC, 0, api_read_checkpoint, nullptr},
	{"GET", "/v1/ledger/entries/*", JOB_READ, READ_RECORD, 2, nullptr, api_read_entry},
	{"GET", "/v1/ledger/entries/*/personal", JOB_READ, READ_PERSONAL, 2, read_personal_of_entry, nullptr},
	{"GET", "/v1/ledger/export", JOB_READ, READ_EXPORT, 20, nullptr, export_entries},
	{"GET", "/v1/ledger/tile/**", JOB_READ, READ_STATE, 1, nullptr, api_read_tile},
	{"GET", "/v1/events", JOB_READ, READ_STATE, 1, read_events, nullptr},
	{"POST", "/v1/session/challenge", JOB_READ, READ_PUBLIC, 0, make_challenge, nullptr},
	{"POST", "/v1/session", JOB_SIGN_IN, READ_PUBLIC, 0, nullptr, nullptr},
	{"POST", "/v1/session/activity", JOB_READ, READ_SELF, 1, note_activity, nullptr},
	{"GET", "/v1/session", JOB_READ, READ_SELF, 1, read_session, nullptr},
	{"DELETE", "/v1/session", JOB_SIGN_OUT, READ_SELF, 0, nullptr, nullptr},
	{"POST", "/v1/enrolment/options", JOB_READ, READ_PUBLIC, 0, read_enrolment_options, nullptr},
	{"POST", "/v1/enrolment", JOB_ENROLMENT, READ_PUBLIC, 0, nullptr, nullptr},
};

/* The target is path?query. */
static bool
matches_target(const struct api_route *route, struct bytes target, struct route_match *match) {
	const uint8_t *mark = target.len == 0 ? nullptr : memchr(target.data, '?', target.len);
	struct bytes path = target;
	match->query = (struct bytes){};
	if (mark != nullptr) {
		path.len = (size_t)(mark - path.data);
		match->query = bytes_of(mark + 1, target.len - path.len - 1);
	}
	return path_pattern_matches(route->pattern, path, &match->path);
}

enum status
api_route(struct job *job) {
	struct route_match match;
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++)
		if (bytes_equal_text(job->http.method, routes[i].method) &&
		    matches_target(&routes[i], job->http.target, &match)) {
			job->route = &routes[i];
			job->kind = job->route->kind;
			return OK;
		}
	return fail(STATUS_NOT_FOUND, "route.unknown: there is nothing at this path");
}

enum status
api_authenticate(struct job *job) {
	struct http_signature signature;
	const struct directory_key *key;
	const struct gate *gate = job->keeper->gate;
	if (job->route->right == READ_PUBLIC)
		return OK;
	/* Whoever asks for its session and has none is told so. */
	bool is_of_session = job->route->read == read_session || job->route->read == note_activity;
	bool by_session = job->received.cookie.data != nullptr || is_of_session;
	if (by_session && job->received.signature_input.data == nullptr)
		return signing_in_authenticate(job);
	TRY(http_signature_read(&job->arena, &job->http, gate_authority_of(gate, &job->http), job->keeper->batch_ms,
				&signature));
	TRY(gate_verify_request(gate, &signature, &key));
	TRY(directory_key_check_waiting(key, job->keeper->batch_ms));
	job->reader = signature.key_id;
	return OK;
}

static size_t
payload_size(const struct job *job) {
	struct route_match match;
	struct hash256 id;
	if (!matches_target(job->route, job->http.target, &match) ||
	    hex_decode(match.path.values[0], id.bytes, sizeof id.bytes) != OK)
		return 0;
	const struct gate_operation *operation = operations_find(&job->keeper->gate->state->operations, &id);
	return operation == nullptr || operation->held == nullptr ? 0 : operation->held->payload.len;
}

static size_t
walked(const struct job *job) {
	struct route_match match;
	return job->route->walks != nullptr && matches_target(job->route, job->http.target, &match)
		       ? job->route->walks(job, &match)
		       : 0;
}

uint32_t
api_cost(const struct job *job) {
	size_t size = job->route->decodes ? payload_size(job) / API_BYTES_OF_ONE_REQUEST : 0;
	return job->route->cost + (uint32_t)(size + walked(job) / WALKED_OF_ONE_READ);
}

static enum status
run(enum status (*part)(struct job *, const struct route_match *), struct job *job) {
	struct route_match match;
	if (part == nullptr)
		return OK;
	bool fits = matches_target(job->route, job->http.target, &match);
	return fits ? part(job, &match) : fail(STATUS_INTERNAL, "route.lost: the target is of another route");
}

enum status
api_read(struct job *job, bool *is_under_way) {
	/* A page reads by itself, whether anybody is there or not: none of that is a sign of a person. */
	if (job->by_session)
		TRY(signing_in_use(job, job->route->read == note_activity, job->route->read != read_events));
	TRY(keeper_read_begin(job, job->route->right));
	TRY(run(job->route->read, job));
	if (job->route->read_slowly == nullptr)
		return OK;
	TRY(slow_reads_take(job->keeper->slow_reads, job));
	*is_under_way = true;
	return OK;
}

enum status
api_read_slowly(struct job *job) {
	return run(job->route->read_slowly, job);
}
