#include "gate/evaluate.h"

#include <stdlib.h>

#include "base/fault.h"
#include "gate/digest.h"
#include "gate/joint.h"
#include "gate/view.h"
#include "policy/held.h"

/* --- Observe. --- */

static enum status
derive_public_key(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	const struct wallet_source *source = context;
	return gate_state_public_key(source->state, bytes_of_text(source->key->id), path, public_key);
}

enum status
wallet_key_of(struct wallet_source *source, struct wallet_key *key) {
	const struct key_info *info = source->key;
	TRY(wallet_key_of_record(info, source->points, key));
	bool is_derivable = source->state->ring != nullptr || info->sharing != KEY_WHOLE;
	if (is_derivable && info->material == KEY_MATERIAL_EXTENDED) {
		key->derive = derive_public_key;
		key->context = source;
	}
	return OK;
}

/* A requester who says which chain is meant is not served on another. */
static enum status
check_stated_chain(const json *payload, const struct wallet_transaction *transaction) {
	struct bytes chain;
	if (json_get(payload, "chain") == nullptr)
		return OK;
	TRY(json_need_string(payload, "payload", "chain", &chain));
	if (!bytes_equal(chain, transaction->chain))
		return fail(STATUS_DENIED, "payload.chain: says %.*s, and key \"%.*s\" would sign for %.*s",
			    (int)(chain.len > ASSET_CHAIN_MAX ? ASSET_CHAIN_MAX : chain.len), (const char *)chain.data,
			    BYTES_ARGS(transaction->context->key->id), BYTES_ARGS(transaction->chain));
	return OK;
}

enum status
gate_decode_transaction(struct gate *gate, struct arena *arena, const json *payload, struct bytes key, int64_t now_ms,
			struct wallet_transaction **transaction) {
	const struct key_info *key_info = gate_state_key(gate->state, key);
	if (key_info == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"", BYTES_ARGS(key));
	struct decoding {
		struct wallet_context context;
		struct wallet_key key;
		struct wallet_source source;
	} *decoding = ARENA_NEW(arena, struct decoding);
	TRY_ALLOC(decoding);
	decoding->source = (struct wallet_source){gate->state, key_info, gate->points};
	decoding->context = (struct wallet_context){.assets = gate->state->assets,
						    .now_ms = now_ms,
						    .price_age_max_ms = gate->price_age_max_ms,
						    .key = &decoding->key};
	enum wallet_format format;
	struct bytes bytes;
	TRY(wallet_key_of(&decoding->source, &decoding->key));
	TRY(transaction_of_payload(arena, payload, &format, &bytes));
	TRY(wallet_decode(arena, format, bytes, &decoding->context, transaction));
	return check_stated_chain(payload, *transaction);
}

enum status
gate_may_activate(const struct gate *gate, struct arena *arena, const struct principal *principal,
		  const struct submission *submission, bool *may) {
	const struct policy_request request = {
		.principal = entity_of_principal(principal),
		.action = entity_of_action(submission->kind),
		.resource = entity_of_resource(submission->resource_type, submission->resource_id)};
	return policy_may_permit(gate_state_policies(gate->state), gate->entities, &request, arena, may);
}

/* What fails by itself is refused before anyone is asked whether it may be put into force; what nobody would be asked about is
 * denied without having been looked at, which takes much longer than to write it. */
static enum status
assess(struct gate *gate, struct arena *arena, const struct principal *requester, const struct submission *submission,
       const struct assessment **assessment) {
	struct bytes document;
	const json *payload = submission->payload_document;
	bool may;
	TRY(gate_may_activate(gate, arena, requester, submission, &may));
	if (!may)
		return OK;
	TRY(activation_document(arena, payload, &document));
	TRY(assessments_get(gate->assessments, document, assessment));
	if ((*assessment)->status != OK)
		return fail((*assessment)->status, "%s", (*assessment)->error);
	TRY(assessments_check_proof(gate->assessments, &(*assessment)->bundle));
	return activation_check_groups(*assessment, gate->state->directory);
}

/* What the key is asked to sign. */
static enum status
read_requests(struct gate *gate, struct arena *arena, const struct submission *submission,
	      const struct key_info *subject_key, int64_t now_ms, struct evaluation *evaluation) {
	if (submission->kind == OPERATION_SIGN) {
		TRY(gate_decode_transaction(gate, arena, submission->payload_document, submission->resource_id, now_ms,
					    &evaluation->transaction));
		evaluation->requests = evaluation->transaction->requests;
		evaluation->request_count = evaluation->transaction->request_count;
		evaluation->use = KEY_PURPOSE_TRANSFER;
	} else if (submission->kind == OPERATION_DIGEST_SIGN) {
		struct signing_request *request = ARENA_NEW(arena, struct signing_request);
		TRY_ALLOC(request);
		TRY(digest_read(submission->payload_document, subject_key, request));
		TRY(digest_check_path(request));
		evaluation->requests = request;
		evaluation->request_count = 1;
		evaluation->use = KEY_PURPOSE_DIGEST;
	}
	return OK;
}

static enum status
observe(struct gate *gate, struct arena *arena, const struct submission *submission, const struct directory_key *key,
	const struct votes *votes, int64_t now_ms, bool decodes, struct evaluation *evaluation) {
	const struct key_info *subject_key = nullptr;
	if (submission->resource_type == RESOURCE_KEY) {
		subject_key = gate_state_key(gate->state, submission->resource_id);
		if (subject_key == nullptr)
			TRY(joint_stated_record(arena, submission, &subject_key));
		if (subject_key == nullptr)
			return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"",
				    BYTES_ARGS(submission->resource_id));
	}
	if (decodes)
		TRY(read_requests(gate, arena, submission, subject_key, now_ms, evaluation));
	const struct assessment *assessment = nullptr;
	if (submission->kind == OPERATION_POLICY_ACTIVATE)
		TRY(assess(gate, arena, key->principal, submission, &assessment));
	struct change *change = ARENA_NEW(arena, struct change);
	evaluation->facts = ARENA_NEW(arena, struct facts);
	TRY_ALLOC(change);
	TRY_ALLOC(evaluation->facts);
	*change = (struct change){.kind = submission->kind,
				  .operation = &submission->operation,
				  .resource_type = submission->resource_type,
				  .resource_id = submission->resource_id,
				  .payload = submission->payload_document,
				  .now_ms = now_ms};
	evaluation->observation = (struct observation){.state = gate->state,
						       .arena = arena,
						       .operation = &submission->operation,
						       .operation_id = &submission->id,
						       .requester = key->principal,
						       .key = key,
						       .has_totp = submission->has_totp,
						       .kind = submission->kind,
						       .resource_type = submission->resource_type,
						       .resource_id = submission->resource_id,
						       .change = change,
						       .subject_key = subject_key,
						       .transaction = evaluation->transaction,
						       .votes = votes,
						       .assessment = assessment,
						       .peer_address = submission->peer_address,
						       .seen = submission->seen,
						       .told = submission->told,
						       .now_ms = now_ms};
	facts_start(evaluation->facts, arena);
	return guards_observe(&evaluation->observation, evaluation->facts);
}

/* --- Decide. --- */

static int64_t
long_fact(const struct facts *facts, const char *path) {
	int64_t integer;
	return facts_long_at(facts, path, &integer) ? integer : 0;
}

static bool
has_key_of(const struct principal *person, enum directory_key_class class) {
	for (const struct directory_key *key = person->keys; key != nullptr; key = key->next)
		if (!key->revoked && key->class == class)
			return true;
	return false;
}

/* How many people could ever approve: everyone active but the initiator and auditors; and with which kinds of keys. */
struct obtainable {
	int64_t people, with_terminal, with_passkey;
};

static bool
could_approve(const struct principal *person, const struct principal *initiator) {
	return person->kind == PRINCIPAL_PERSON && person != initiator && !person->suspended && !person->is_auditor;
}

static struct obtainable
count_people(const struct directory *directory, const struct principal *initiator) {
	struct obtainable count = {};
	for (size_t i = 0; i < directory_principal_count(directory); i++) {
		const struct principal *person = directory_principal_at(directory, i);
		if (!could_approve(person, initiator))
			continue;
		count.people++;
		count.with_terminal += has_key_of(person, DIRECTORY_KEY_TERMINAL);
		count.with_passkey += has_key_of(person, DIRECTORY_KEY_PASSKEY);
	}
	return count;
}

/* Of a group: by its members, since people are many and groups are many. */
static int64_t
count_members(const struct group *group, const struct principal *initiator, int64_t now_ms) {
	const struct principal *person;
	int64_t from_ms, count = 0;
	size_t at = 0;
	while ((person = directory_next_of_group(group, &at, &from_ms)) != nullptr)
		count += from_ms <= now_ms && could_approve(person, initiator);
	return count;
}

static struct policy_counter
counter_of(const struct facts *facts, struct bytes path, int64_t obtainable) {
	int64_t current = long_fact(facts, (const char *)path.data);
	return (struct policy_counter){path, current, obtainable > current ? obtainable : current};
}

struct counters {
	struct policy_counter all[HELD_COUNTERS_MAX];
	size_t count;
};

static enum status
add_counter(struct arena *arena, const struct facts *facts, const char *record, struct bytes name, int64_t obtainable,
	    struct counters *counters) {
	const char *path = arena_format(arena, "approvals.%s%.*s", record, BYTES_ARGS(name));
	TRY_ALLOC(path);
	if (counters->count == HELD_COUNTERS_MAX)
		return fail(STATUS_TOO_LARGE, "held.counters: more than %zu", HELD_COUNTERS_MAX);
	counters->all[counters->count++] = counter_of(facts, bytes_of_text(path), obtainable);
	return OK;
}

static enum status
make_counters(const struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
	      struct counters *counters) {
	static const char *const records[] = {"group.", "first.", "second.", "third."};
	const struct directory *directory = gate->state->directory;
	const struct principal *initiator = evaluation->observation.requester;
	size_t of_groups = 1 + gate_state_stages(gate->state), groups = directory_group_count(directory);
	const struct obtainable all = count_people(directory, initiator);
	const struct {
		const char *name;
		int64_t obtainable;
	} of_anyone[] = {
		{"independent", all.with_terminal},
		{"phishing_resistant", all.with_passkey},
		{"total", all.people},
		{"by_client.cli", all.people},
		{"by_client.console", all.people},
		{"by_client.offline", all.people},
	};
	counters->count = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(of_anyone); i++)
		TRY(add_counter(arena, evaluation->facts, "", bytes_of_text(of_anyone[i].name), of_anyone[i].obtainable,
				counters));
	for (size_t i = 0; i < groups && counters->count + of_groups <= HELD_COUNTERS_MAX; i++) {
		const struct group *group = directory_group_at(directory, i);
		int64_t members = count_members(group, initiator, evaluation->observation.now_ms);
		for (size_t j = 0; j < of_groups; j++)
			TRY(add_counter(arena, evaluation->facts, records[j], group->id, members, counters));
	}
	return OK;
}

static int
compare_counters(const void *a, const void *b) {
	return bytes_compare(((const struct policy_counter *)a)->path, ((const struct policy_counter *)b)->path);
}

/* {"independent":1,"treasury":2}: what is missing, by the last part of the counter's path. */
static enum status
write_missing(struct arena *arena, const struct policy_counter *counters, const struct policy_held *held, size_t count,
	      struct bytes *missing) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	for (size_t i = 0; i < count; i++) {
		if (held->missing[i] == 0)
			continue;
		char name[80];
		struct bytes path = counters[i].path;
		size_t skip = sizeof "approvals." - 1;
		memcpy(name, path.data + skip, path.len - skip);
		name[path.len - skip] = '\0';
		json_write_member_integer(&writer, name, held->missing[i]);
	}
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	*missing = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(missing->data);
	return OK;
}

static enum status
forecast(struct gate *gate, struct arena *arena, const struct policy_request *request, struct evaluation *evaluation) {
	struct counters counters;
	struct policy_held held;
	TRY(make_counters(gate, arena, evaluation, &counters));
	policy_floor_need(&break_glass_floor, request->context, counters.all, counters.count);
	qsort(counters.all, counters.count, sizeof counters.all[0], compare_counters);
	TRY(policy_held(gate_state_policies(gate->state), gate->entities, request,
			(struct policy_options){.strict = true}, counters.all, counters.count, arena, &held));
	if (!held.is_held)
		return OK;
	evaluation->decision = DECISION_HELD;
	return write_missing(arena, counters.all, &held, counters.count, &evaluation->missing);
}

/* The group that a counter is of, "approvals.group.treasury" or of a stage; null: any people's. */
static const struct group *
group_of_counter(const struct directory *directory, struct bytes path) {
	const size_t prefix = sizeof "approvals." - 1;
	struct bytes name = bytes_of(path.data + prefix, path.len - prefix);
	const uint8_t *dot = memchr(name.data, '.', name.len);
	if (dot == nullptr || bytes_equal_text(bytes_of(name.data, (size_t)(dot - name.data)), "by_client"))
		return nullptr;
	return directory_group(directory, bytes_of(dot + 1, name.len - (size_t)(dot + 1 - name.data)));
}

static bool
key_raises(const struct directory_key *key, struct bytes path) {
	return bytes_equal_text(path, "approvals.independent")          ? key->class == DIRECTORY_KEY_TERMINAL
	       : bytes_equal_text(path, "approvals.phishing_resistant") ? key->class == DIRECTORY_KEY_PASSKEY
									: true;
}

static struct policy_request
request_of(const struct observation *o, const struct value *context) {
	return (struct policy_request){.principal = entity_of_principal(o->requester),
				       .action = entity_of_action(o->kind),
				       .resource = entity_of_resource(o->resource_type, o->resource_id),
				       .context = context};
}

enum status
gate_is_asked(const struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
	      const struct principal *seat, const struct directory_key *key, bool *is_asked) {
	const struct directory *directory = gate->state->directory;
	struct counters counters;
	struct policy_held held;
	struct value context;
	TRY(facts_context(evaluation->facts, &context));
	const struct policy_request request = request_of(&evaluation->observation, &context);
	TRY(make_counters(gate, arena, evaluation, &counters));
	for (size_t i = 0; i < counters.count; i++)
		if (group_of_counter(directory, counters.all[i].path) != nullptr)
			counters.all[i].obtainable = counters.all[i].current;
	policy_floor_need(&break_glass_floor, &context, counters.all, counters.count);
	TRY(policy_held(gate_state_policies(gate->state), gate->entities, &request,
			(struct policy_options){.strict = true}, counters.all, counters.count, arena, &held));
	*is_asked = false;
	for (size_t i = 0; i < counters.count && !*is_asked; i++) {
		const struct group *group = group_of_counter(directory, counters.all[i].path);
		*is_asked = group == nullptr
				    ? held.is_held && held.missing[i] > 0 && key_raises(key, counters.all[i].path)
				    : held.is_asked[i] && directory_is_member(directory, group, seat,
									      evaluation->observation.now_ms);
	}
	return OK;
}

static enum status
decide(struct gate *gate, struct arena *arena, struct evaluation *evaluation) {
	struct value context;
	const struct observation *o = &evaluation->observation;
	TRY(facts_context(evaluation->facts, &context));
	const struct policy_request request = request_of(o, &context);
	TRY(policy_decide(gate_state_policies(gate->state), gate->entities, &request,
			  (struct policy_options){.strict = true}, arena, &evaluation->result));
	bool permits = (evaluation->result.decision == POLICY_ALLOW || FAULT_SKIP_POLICY) &&
		       policy_floor_holds(&break_glass_floor, &context);
	evaluation->decision = permits ? DECISION_PERMIT : DECISION_DENY;
	return evaluation->decision == DECISION_PERMIT ? OK : forecast(gate, arena, &request, evaluation);
}

enum status
gate_evaluate(struct gate *gate, struct arena *arena, const struct submission *submission,
	      const struct directory_key *key, const struct votes *votes, int64_t now_ms,
	      struct evaluation *evaluation) {
	*evaluation = (struct evaluation){};
	TRY(gate_follow_time(gate, now_ms));
	TRY(observe(gate, arena, submission, key, votes, now_ms, true, evaluation));
	return decide(gate, arena, evaluation);
}

enum status
gate_observe_undecoded(struct gate *gate, struct arena *arena, const struct submission *submission,
		       const struct directory_key *key, const struct votes *votes, int64_t now_ms,
		       struct evaluation *evaluation) {
	*evaluation = (struct evaluation){};
	TRY(gate_follow_time(gate, now_ms));
	return observe(gate, arena, submission, key, votes, now_ms, false, evaluation);
}

/* --- Record. --- */

struct bytes
evaluation_legal_entity(const struct gate *gate, const struct evaluation *evaluation) {
	const struct observation *o = &evaluation->observation;
	const struct directory *directory = gate->state->directory;
	const struct principal *principal = nullptr;
	const struct unit *unit = nullptr;
	if (o->subject_key != nullptr)
		unit = directory_unit(directory, bytes_of_text(o->subject_key->account));
	else if (o->resource_type == RESOURCE_ACCOUNT || o->resource_type == RESOURCE_DESK)
		unit = directory_unit(directory, o->resource_id);
	else if (o->resource_type == RESOURCE_PERSON || o->resource_type == RESOURCE_WORKLOAD)
		principal = directory_principal(directory, o->operation->resource);
	if (principal != nullptr)
		unit = principal->unit;
	if (unit == nullptr)
		unit = o->requester->unit;
	const struct unit *legal_entity = unit_above(unit, UNIT_LEGAL_ENTITY);
	return legal_entity == nullptr ? (struct bytes){} : legal_entity->id;
}

/* A copy: policy.activate frees the bundle that the view belongs to before its own record is written. */
static enum status
policy_id_of(const struct gate *gate, struct arena *arena, size_t policy, struct bytes *id) {
	struct policy_view view;
	policy_set_view(gate_state_policies(gate->state), policy, &view);
	*id = arena_copy(arena, view.id);
	TRY_ALLOC(id->data);
	return OK;
}

static enum status
record_reasons(const struct gate *gate, struct arena *arena, const struct policy_result *result,
	       struct decision_record *record) {
	struct record_reason *reasons = ARENA_NEW_ARRAY(arena, result->reason_count + 1, struct record_reason);
	struct record_reason *errors = ARENA_NEW_ARRAY(arena, result->error_count + 1, struct record_reason);
	TRY_ALLOC(reasons);
	TRY_ALLOC(errors);
	for (size_t i = 0; i < result->reason_count; i++)
		TRY(policy_id_of(gate, arena, result->reasons[i], &reasons[i].policy));
	for (size_t i = 0; i < result->error_count; i++) {
		TRY(policy_id_of(gate, arena, result->errors[i].policy, &errors[i].policy));
		errors[i].message = bytes_of_text(result->errors[i].name);
	}
	record->reasons = reasons;
	record->reason_count = result->reason_count;
	record->errors = errors;
	record->error_count = result->error_count;
	return OK;
}

static enum status
record_facts(struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
	     struct decision_record *record) {
	constexpr size_t USUAL = 4096;
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	buffer_reserve(&text, USUAL);
	json_writer_start(&writer, &text);
	facts_write(&writer, evaluation->facts);
	TRY(json_writer_finish(&writer));
	record->facts = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(record->facts.data);

	const struct entity_uid from[] = {record->principal, record->action, record->resource};
	return entities_text_of(&gate->entities_text, gate->entities, from, ARRAY_LENGTH(from), arena,
				&record->entities);
}

enum status
evaluation_record(struct gate *gate, struct arena *arena, const struct evaluation *evaluation,
		  struct decision_record *record) {
	const struct observation *o = &evaluation->observation;
	record->principal = entity_of_principal(o->requester);
	record->action = entity_of_action(o->kind);
	record->resource = entity_of_resource(o->resource_type, o->resource_id);
	record->decided_ms = o->now_ms;
	record->legal_entity = evaluation_legal_entity(gate, evaluation);
	record->bundle = gate->state->bundle->hash;
	record->has_local_bundle = gate->state->local != nullptr;
	if (record->has_local_bundle)
		record->local_bundle = gate->state->local->hash;
	record->decision = evaluation->decision;
	record->missing = evaluation->missing;
	record->others = o->others;
	TRY(record_reasons(gate, arena, &evaluation->result, record));
	return record_facts(gate, arena, evaluation, record);
}
