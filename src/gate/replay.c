#include "gate/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "gate/activation.h"
#include "gate/break_glass.h"
#include "gate/counted_facts.h"
#include "gate/enrolled.h"
#include "gate/local_bundle.h"
#include "gate/replay_request.h"
#include "gate/person_signature.h"
#include "identity/challenges.h"
#include "identity/http_signature.h"
#include "identity/statement.h"
#include "identity/totp.h"
#include "crypto/sign.h"
#include "model/entry.h"
#include "model/operation_kind.h"
#include "policy/held.h"

struct replayer {
	struct record_blobs blobs;
	struct map bundles;          /* hash to struct bundle */
	const struct bundle *bundle; /* in force where the log has come to */
	struct map locals;           /* the same of the keeper's own: gate/local_bundle.h */
	struct map joined;           /* hashes of both to struct policy_set */
	const struct bundle *local;  /* in force where the log has come to; null: none */
	struct map votes;            /* statement digest to struct seen_vote: verified */
	struct map cast;             /* operation to the newest of its votes, which leads to the others */
	struct map erased;           /* people, by id */
	struct map intended;         /* operations that have no outcome yet, to struct intended */
	struct enrolled enrolled;
	char instance[OPERATION_TEXT_MAX + 1]; /* of genesis */
	struct arena arena;
	struct replay_counts counts;
	char difference[256];
};

struct seen_vote {
	struct seen_vote *earlier; /* for the same operation */
	struct hash256 operation;
	struct hash256 operation_digest, bundle;
	struct hash256 signer, seat; /* SHA-256 of their ids */
	struct hash256 digest;
	struct hash256 completed_stage;
	enum approval_verdict verdict;
	enum approval_client client;
	int64_t stage, expires_ms;
	bool is_by_passkey, is_standing;
};

enum status
replayer_create(struct replayer **replayer, const struct record_blobs *blobs) {
	*replayer = calloc(1, sizeof **replayer);
	TRY_ALLOC(*replayer);
	(*replayer)->blobs = *blobs;
	return OK;
}

void
replayer_destroy(struct replayer **replayer) {
	struct replayer *gone = TAKE(*replayer);
	if (gone == nullptr)
		return;
	size_t at = 0;
	void *value;
	while (map_next(&gone->bundles, &at, nullptr, &value)) {
		struct bundle *bundle = value;
		bundle_destroy(&bundle);
	}
	map_free(&gone->bundles);
	at = 0;
	while (map_next(&gone->locals, &at, nullptr, &value)) {
		struct bundle *bundle = value;
		bundle_destroy(&bundle);
	}
	map_free(&gone->locals);
	at = 0;
	while (map_next(&gone->joined, &at, nullptr, &value)) {
		struct policy_set *set = value;
		policy_set_destroy(&set);
	}
	map_free(&gone->joined);
	at = 0;
	while (map_next(&gone->votes, &at, nullptr, &value))
		free(value);
	map_free(&gone->votes);
	map_free(&gone->cast);
	map_free(&gone->erased);
	at = 0;
	while (map_next(&gone->intended, &at, nullptr, &value))
		free(value);
	map_free(&gone->intended);
	enrolled_free(&gone->enrolled);
	arena_free(&gone->arena);
	free(gone);
}

struct replay_counts
replayer_counts(const struct replayer *replayer) {
	return replayer->counts;
}

/* --- Bundles. --- */

/* From here on it is the one in force, whether it was before or not. */
static enum status
add_bundle(struct replayer *replayer, const json *payload) {
	struct bytes document;
	struct bundle *bundle;
	TRY(activation_document(&replayer->arena, payload, &document));
	TRY(bundle_create(&bundle, document, nullptr));
	const struct bundle *known = map_get(&replayer->bundles, hash256_bytes(&bundle->hash));
	if (known != nullptr) {
		bundle_destroy(&bundle);
		replayer->bundle = known;
		return OK;
	}
	enum status status = map_put(&replayer->bundles, hash256_bytes(&bundle->hash), bundle, nullptr);
	if (status != OK) {
		bundle_destroy(&bundle);
		return status;
	}
	replayer->bundle = bundle;
	replayer->counts.bundles++;
	return OK;
}

static enum status
add_local_bundle(struct replayer *replayer, const json *body) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	TRY(local_bundle_read(&replayer->arena, body, &replayer->blobs, &bundle));
	replayer->local = nullptr;
	if (bundle == nullptr)
		return OK;
	struct bytes hash = hash256_bytes(&bundle->hash);
	struct bundle *known = map_get(&replayer->locals, hash);
	if (known == nullptr) {
		TRY(map_put(&replayer->locals, hash, bundle, nullptr));
		known = TAKE(bundle);
	}
	replayer->local = known;
	return OK;
}

/* What decided. STATUS_NOT_FOUND "replay.local_bundle". */
static enum status
find_policies(struct replayer *replayer, const struct bundle *bundle, const struct decision_record *record,
	      const struct policy_set **policies) {
	struct hash256 both[2] = {record->bundle, record->local_bundle};
	*policies = bundle->policies;
	if (!record->has_local_bundle)
		return OK;
	struct policy_set *joined = map_get(&replayer->joined, bytes_of(both, sizeof both));
	const struct bundle *local = map_get(&replayer->locals, hash256_bytes(&record->local_bundle));
	if (local == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.local_bundle: the decision's local bundle is not known");
	if (joined == nullptr) {
		TRY(bundle_join(bundle, local, &joined));
		enum status status = map_put(&replayer->joined, bytes_of(both, sizeof both), joined, nullptr);
		if (status != OK) {
			policy_set_destroy(&joined);
			return status;
		}
	}
	*policies = joined;
	return OK;
}

static bool
is_policy_change(const json *described) {
	const json *kind = json_get(described, "kind");
	return kind != nullptr && json_type_of(kind) == JSON_STRING &&
	       bytes_equal_text(json_string(kind), "policy.activate");
}

static enum status
add_genesis(struct replayer *replayer, const json *body) {
	const json *document, *changes;
	struct bytes instance;
	int64_t created_ms;
	TRY(json_need(body, "genesis", "document", JSON_OBJECT, &document));
	TRY(json_need_string(document, "genesis", "instance", &instance));
	TRY(json_need_integer(document, "genesis", "created", &created_ms));
	snprintf(replayer->instance, sizeof replayer->instance, "%.*s", BYTES_ARGS(instance));
	TRY(json_need(document, "genesis", "changes", JSON_ARRAY, &changes));
	struct json_iterator iterator = json_iterate(changes);
	for (const json *change; (change = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes kind, resource;
		TRY(json_need_string(change, "genesis.change", "kind", &kind));
		TRY(json_need_string(change, "genesis.change", "resource", &resource));
		TRY(enrolled_follow(&replayer->enrolled, instance, kind, resource, created_ms,
				    json_get(change, "payload")));
		if (is_policy_change(change))
			TRY(add_bundle(replayer, json_get(change, "payload")));
	}
	return OK;
}

/* --- Votes. --- */

/* The signature holds by a key that the log enrolled; a passkey's assertion was asked by its own relying party. */
static enum status
verify_by_enrolled(struct replayer *replayer, const struct enrolled_key *key, const char *label,
		   const struct hash256 *digest, struct person_signature *signature) {
	struct relying_party party = {.id = key->passkey.rp_id};
	return person_signature_verify(&replayer->arena, &party, key->is_passkey ? &key->passkey : nullptr, label,
				       digest, signature);
}

/* As identity/votes.c has it: one human is one vote, on one seat; a statement that is given again changes nothing. */
static enum status
keep_vote(struct replayer *replayer, const struct seen_vote *cast) {
	void *latest = nullptr;
	if (map_get(&replayer->votes, hash256_bytes(&cast->digest)) != nullptr)
		return OK;
	struct seen_vote *vote = malloc(sizeof *vote);
	TRY_ALLOC(vote);
	*vote = *cast;
	enum status status = map_put(&replayer->votes, hash256_bytes(&cast->digest), vote, nullptr);
	if (status != OK) {
		free(vote);
		return status;
	}
	TRY(map_put(&replayer->cast, hash256_bytes(&cast->operation), vote, &latest));
	vote->earlier = latest;
	for (struct seen_vote *other = latest; other != nullptr; other = other->earlier)
		if (hash256_equal(&other->signer, &vote->signer) || hash256_equal(&other->seat, &vote->seat))
			other->is_standing = false;
	return OK;
}

/* A vote counts in replay only if its own entry came before and its signature holds, by the key that its signer has. */
static enum status
add_vote(struct replayer *replayer, const json *body) {
	const json *object;
	struct bytes key_id;
	struct approval_statement statement;
	struct hash256 digest;
	struct person_signature signature;
	TRY(json_need(body, "vote", "statement", JSON_OBJECT, &object));
	_cleanup_(buffer_free) struct buffer canonical = {};
	struct json_writer writer;
	json_writer_start(&writer, &canonical);
	json_write_value(&writer, object);
	TRY(json_writer_finish(&writer));
	TRY(approval_read(&replayer->arena, buffer_bytes(&canonical), &statement));
	TRY(approval_digest(&statement, &digest));
	TRY(person_signature_read_evidence(&replayer->arena, body, &signature));
	TRY(json_need_string(body, "vote", "key", &key_id));
	const struct enrolled_key *key =
		enrolled_find(&replayer->enrolled, http_signature_principal(key_id), key_id, signature.public_key);
	if (key == nullptr || verify_by_enrolled(replayer, key, APPROVAL_SIGNATURE_LABEL, &digest, &signature) != OK)
		return OK; /* a decision that counts it will differ */
	return keep_vote(replayer, &(struct seen_vote){.operation = statement.operation_id,
						       .operation_digest = statement.operation_digest,
						       .bundle = statement.bundle_hash,
						       .signer = sha256(http_signature_principal(key_id)),
						       .seat = sha256(statement.person),
						       .digest = digest,
						       .completed_stage = statement.completed_stage,
						       .verdict = statement.verdict,
						       .client = statement.client,
						       .stage = statement.stage,
						       .expires_ms = statement.expires_ms,
						       .is_by_passkey = key->is_passkey,
						       .is_standing = statement.verdict != APPROVAL_WITHDRAW});
}

/* --- Comparing. --- */

/* OK and *difference set: the decision differs. */
#define DIFFERS(...)                                                                                                   \
	do {                                                                                                           \
		snprintf(replayer->difference, sizeof replayer->difference, __VA_ARGS__);                              \
		return false;                                                                                          \
	} while (0)

static bool
same_reasons(struct replayer *replayer, const struct policy_set *policies, const struct decision_record *record,
	     const struct policy_result *result) {
	struct policy_view view;
	if (result->reason_count != record->reason_count)
		DIFFERS("%zu determining policies, recorded %zu", result->reason_count, record->reason_count);
	for (size_t i = 0; i < result->reason_count; i++) {
		policy_set_view(policies, result->reasons[i], &view);
		if (!bytes_equal(view.id, record->reasons[i].policy))
			DIFFERS("policy %.*s determines, recorded %.*s", BYTES_ARGS(view.id),
				BYTES_ARGS(record->reasons[i].policy));
	}
	if (result->error_count != record->error_count)
		DIFFERS("%zu policies err, recorded %zu", result->error_count, record->error_count);
	for (size_t i = 0; i < result->error_count; i++) {
		policy_set_view(policies, result->errors[i].policy, &view);
		if (!bytes_equal(view.id, record->errors[i].policy) ||
		    !bytes_equal_text(record->errors[i].message, result->errors[i].name))
			DIFFERS("policy %.*s errs with %s", BYTES_ARGS(view.id), result->errors[i].name);
	}
	return true;
}

/* The document under its hash, and the payload under the one that the document names. */
static bool
read_document(struct replayer *replayer, const struct decision_record *record, struct operation *operation) {
	struct hash256 digest = sha256(record->document), payload = sha256(record->payload);
	const json *document;
	if (json_read(&replayer->arena, record->document, (struct json_limits){}, &document) != OK ||
	    operation_read(document, operation) != OK)
		DIFFERS("the operation's document cannot be read: %s", fail_message());
	if (!hash256_equal(&digest, &record->digest) || !hash256_equal(&payload, &operation->payload_hash))
		DIFFERS("document or payload has another hash");
	return true;
}

/* "person:p-1" is Person::"p-1". */
static bool
names_entity(struct bytes text, const char *prefix, const struct entity_uid *entity, const char *type) {
	size_t len = strlen(prefix);
	return text.len > len && memcmp(text.data, prefix, len) == 0 && text.data[len] == ':' &&
	       bytes_equal_text(entity->type, type) &&
	       bytes_equal(entity->id, bytes_of(text.data + len + 1, text.len - len - 1));
}

/* Who asks for what, as the policy was asked, is who signed for what; and the id is the document's own. */
static bool
same_question(struct replayer *replayer, const struct decision_record *record, const struct operation *operation) {
	struct hash256 id;
	enum resource_type type;
	struct bytes resource, principal = operation->principal;
	if (!bytes_equal_text(operation->instance, replayer->instance))
		DIFFERS("the operation's document is of another installation");
	if (operation_id(operation->instance, principal, operation->idempotency_key, &id) != OK ||
	    !hash256_equal(&id, &record->operation_id))
		DIFFERS("the operation's document has another id");
	if ((!names_entity(principal, "person", &record->principal, "Person") &&
	     !names_entity(principal, "workload", &record->principal, "Workload")) ||
	    !bytes_equal_text(record->action.type, "Action") || !bytes_equal(record->action.id, operation->kind) ||
	    resource_parse(operation->resource, &type, &resource) != OK ||
	    !names_entity(operation->resource, resource_kinds[type].prefix, &record->resource,
			  resource_kinds[type].entity))
		DIFFERS("principal, action or resource is not the document's");
	return true;
}

/* Nobody decides on what has expired. */
static bool
document_holds(struct replayer *replayer, const struct decision_record *record, struct operation *operation) {
	if (!read_document(replayer, record, operation) || !same_question(replayer, record, operation))
		return false;
	if (operation->expires_ms <= record->decided_ms)
		DIFFERS("the operation had expired when it was decided");
	return true;
}

/* The signed base names the digest of the body, which is made of document and payload. */
static bool
http_signature_holds(struct replayer *replayer, const struct decision_record *record, const json *requester,
		     const struct person_signature *signature) {
	struct bytes base;
	if (signature->is_passkey || json_need_string(requester, "requester", "base", &base) != OK ||
	    ed25519_verify(signature->public_key.data, base, signature->signature.data) != OK)
		DIFFERS("the requester's signature does not verify");
	struct hash256 body = SHA256_PARTS(BYTES_OF_LITERAL("{\"operation\":"), record->document,
					   BYTES_OF_LITERAL(",\"payload\":"), record->payload, BYTES_OF_LITERAL("}"));
	char encoded[BASE64_LENGTH(sizeof body.bytes) + 1], line[96];
	base64_encode(hash256_bytes(&body), encoded);
	snprintf(line, sizeof line, "\n\"content-digest\": sha-256=:%s:\n", encoded);
	if (memmem(base.data, base.len, line, strlen(line)) == nullptr)
		DIFFERS("the requester's signature covers another body");
	return true;
}

/* The policy was told of no more assurance than the signature gives. */
static bool
assurance_holds(struct replayer *replayer, const struct enrolled_key *key, bool has_totp, const struct facts *facts) {
	const struct fact *resistant = facts_find(facts, "mfa.phishing_resistant");
	int64_t level = 1;
	int64_t most = key->is_passkey ? (key->passkey.backup_eligible ? 2 : 3) : has_totp ? 2 : 1;
	if (resistant != nullptr && resistant->value.boolean && !key->is_passkey)
		DIFFERS("mfa.phishing_resistant is true, and no passkey signed");
	if (facts_long_at(facts, "mfa.aal", &level) && level > most)
		DIFFERS("mfa.aal is %lld, and the requester's key gives %lld", (long long)level, (long long)most);
	return true;
}

/* The log enrolled one-time passwords for them, and says that one was taken, of a step that had begun. Whether it matched is known to
 * the keeper alone, which has the secret. */
static bool
totp_is_stated(const struct replayer *replayer, const struct decision_record *record, struct bytes person,
	       const json *requester) {
	const json *totp = json_get(requester, "totp");
	int64_t step;
	return totp != nullptr && json_need_integer(totp, "requester.totp", "step", &step) == OK && step > 0 &&
	       step <= record->decided_ms / TOTP_STEP_MS + 1 &&
	       map_get(&replayer->enrolled.one_time, person) != nullptr;
}

/* The requester's signature over exactly this operation, by a key that the log enrolled for them. */
static bool
evidence_holds(struct replayer *replayer, const struct decision_record *record, const struct operation *operation,
	       const struct facts *facts) {
	const json *requester;
	struct bytes method, key_id;
	struct person_signature signature;
	if (json_read(&replayer->arena, record->requester, (struct json_limits){}, &requester) != OK ||
	    json_need_string(requester, "requester", "method", &method) != OK ||
	    json_need_string(requester, "requester", "key", &key_id) != OK ||
	    person_signature_read_evidence(&replayer->arena, requester, &signature) != OK)
		DIFFERS("the requester's evidence cannot be read: %s", fail_message());
	const struct enrolled_key *key =
		enrolled_find(&replayer->enrolled, operation->principal, key_id, signature.public_key);
	if (key == nullptr)
		DIFFERS("the requester's key is not one that the log enrolled for them");
	bool has_totp = totp_is_stated(replayer, record, operation->principal, requester);
	if (!assurance_holds(replayer, key, has_totp, facts))
		return false;
	if (bytes_equal_text(method, "http-message-signature"))
		return http_signature_holds(replayer, record, requester, &signature);
	if (!bytes_equal_text(method, key->is_passkey ? "passkey" : "digest-signature") ||
	    verify_by_enrolled(replayer, key, OPERATION_SIGNATURE_LABEL, &record->digest, &signature) != OK)
		DIFFERS("the requester's signature does not verify");
	return true;
}

/* The approvals that stand, and how many of them count. */
struct counted {
	const struct seen_vote *votes[VOTES_CAST_MAX];
	size_t count;
	int64_t total, by_passkey, by_client[APPROVAL_CLIENTS], by_stage[VOTES_STAGES];
};

/* Cast on exactly this, by others than who asked, and neither withdrawn nor replaced. */
static bool
vote_stands(struct replayer *replayer, const struct decision_record *record, const struct hash256 *initiator,
	    const struct seen_vote *vote) {
	if (vote == nullptr || !hash256_equal(&vote->operation, &record->operation_id))
		DIFFERS("a vote was counted that was never cast");
	if (!hash256_equal(&vote->operation_digest, &record->digest))
		DIFFERS("a vote was counted that was cast on another document");
	if (hash256_equal(&vote->signer, initiator) || hash256_equal(&vote->seat, initiator))
		DIFFERS("a vote was counted of who asked");
	if (!vote->is_standing)
		DIFFERS("a vote was counted that was withdrawn or replaced");
	if (vote->verdict == APPROVAL_REJECT)
		DIFFERS("it was decided after it was rejected");
	return true;
}

/* Under the bundle that decides, and in time. */
static bool
vote_counts(const struct seen_vote *vote, const struct decision_record *record) {
	return hash256_equal(&vote->bundle, &record->bundle) && record->decided_ms < vote->expires_ms;
}

static size_t
standing_votes(const struct replayer *replayer, const struct decision_record *record) {
	const struct seen_vote *vote = map_get(&replayer->cast, hash256_bytes(&record->operation_id));
	size_t count = 0;
	for (; vote != nullptr; vote = vote->earlier)
		count += vote->is_standing;
	return count;
}

static bool
find_votes(struct replayer *replayer, const struct decision_record *record, const struct operation *operation,
	   struct counted *counted) {
	struct hash256 initiator = sha256(operation->principal);
	const json *votes;
	if (record->votes.len == 0)
		return true;
	if (json_read(&replayer->arena, record->votes, (struct json_limits){}, &votes) != OK)
		DIFFERS("the votes cannot be read");
	struct json_iterator iterator = json_iterate(votes);
	for (const json *vote; (vote = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes text;
		struct hash256 statement;
		const struct seen_vote *seen = nullptr;
		if (json_need_string(vote, "vote", "statement", &text) == OK &&
		    hex_decode(text, statement.bytes, 32) == OK)
			seen = map_get(&replayer->votes, hash256_bytes(&statement));
		if (!vote_stands(replayer, record, &initiator, seen))
			return false;
		for (size_t i = 0; i < counted->count; i++)
			if (counted->votes[i] == seen)
				DIFFERS("a vote was counted twice");
		if (counted->count == VOTES_CAST_MAX)
			DIFFERS("more votes were counted than can be cast");
		bool counts = vote_counts(seen, record);
		counted->votes[counted->count++] = seen;
		counted->total += counts;
		counted->by_passkey += counts && seen->is_by_passkey;
		counted->by_client[seen->client] += counts;
	}
	return true;
}

/* Of each stage those that rest on the one before, as identity/votes.c has it. */
static void
count_stages(struct counted *counted, const struct decision_record *record) {
	struct hash256 digests[VOTES_CAST_MAX], before = {};
	for (int64_t stage = 0; stage < VOTES_STAGES; stage++) {
		size_t count = 0;
		for (size_t i = 0; i < counted->count; i++) {
			const struct seen_vote *vote = counted->votes[i];
			if (vote->stage != stage || (stage > 0 && !hash256_equal(&vote->completed_stage, &before)))
				continue;
			digests[count++] = vote->digest;
			counted->by_stage[stage] += vote_counts(vote, record);
		}
		before = votes_digest_of_stage(digests, count);
	}
}

/* The policy was told of no more approvals than there are, in any of a record's counts. */
static bool
record_holds(struct replayer *replayer, const struct facts *facts, const char *name, int64_t most) {
	const struct fact *fact = facts_find(facts, name);
	for (size_t i = 0; fact != nullptr && i < fact->value.record.count; i++)
		if (fact->value.record.fields[i].value.integer > most)
			DIFFERS("%s counts more approvals than the %lld votes that there are", name, (long long)most);
	return true;
}

static bool
clients_hold(struct replayer *replayer, const struct facts *facts, const struct counted *counted) {
	for (size_t i = 0; i < APPROVAL_CLIENTS; i++) {
		char path[64];
		int64_t stated = 0;
		snprintf(path, sizeof path, "approvals.by_client.%s", approval_client_name((enum approval_client)i));
		if (facts_long_at(facts, path, &stated) && stated > counted->by_client[i])
			DIFFERS("%s is %lld, and %lld votes say so", path, (long long)stated,
				(long long)counted->by_client[i]);
	}
	return true;
}

static bool
votes_hold(struct replayer *replayer, const struct decision_record *record, const struct operation *operation,
	   const struct facts *facts) {
	struct counted *counted = ARENA_NEW(&replayer->arena, struct counted);
	int64_t stated = 0;
	if (counted == nullptr)
		DIFFERS("out of memory");
	*counted = (struct counted){};
	if (!find_votes(replayer, record, operation, counted))
		return false;
	if (counted->count != standing_votes(replayer, record))
		DIFFERS("%zu votes stand, and %zu are recorded", standing_votes(replayer, record), counted->count);
	count_stages(counted, record);
	int64_t approvals = counted->total;
	const struct {
		const char *fact;
		int64_t most;
		bool may_be_absent;
	} counts[] = {
		{"approvals.total", approvals, false},
		{"approvals.independent", approvals - counted->by_passkey, false},
		{"approvals.phishing_resistant", counted->by_passkey, true}, /* decided before there were passkeys */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(counts); i++) {
		bool is_there = facts_long_at(facts, counts[i].fact, &stated);
		if (is_there ? stated > counts[i].most : !counts[i].may_be_absent)
			DIFFERS("%s is %lld, and %lld such votes approve", counts[i].fact, (long long)stated,
				(long long)counts[i].most);
	}
	return record_holds(replayer, facts, "approvals.group", approvals) &&
	       record_holds(replayer, facts, "approvals.first", counted->by_stage[0]) &&
	       record_holds(replayer, facts, "approvals.second", counted->by_stage[1]) &&
	       record_holds(replayer, facts, "approvals.third", counted->by_stage[2]) &&
	       clients_hold(replayer, facts, counted);
}

/* The recorded forecast: exactly these approvals more permit. */
static bool
same_missing(struct replayer *replayer, const struct policy_set *policies, const struct policy_entities *entities,
	     const struct policy_request *request, const struct facts *facts, const struct decision_record *record) {
	struct policy_counter counters[HELD_COUNTERS_MAX];
	struct policy_held held;
	size_t count = 0;
	const json *missing;
	if (json_read(&replayer->arena, record->missing, (struct json_limits){}, &missing) != OK)
		DIFFERS("the missing approvals cannot be read");
	struct json_iterator iterator = json_iterate(missing);
	struct bytes name;
	for (const json *more; (more = json_next(&iterator, &name)) != nullptr;) {
		const char *path = arena_format(&replayer->arena, "approvals.%.*s", BYTES_ARGS(name));
		int64_t current = 0;
		if (path == nullptr || count == HELD_COUNTERS_MAX || json_type_of(more) != JSON_INTEGER ||
		    !facts_long_at(facts, path, &current))
			DIFFERS("the missing approvals name what is not a fact");
		counters[count++] = (struct policy_counter){bytes_of_text(path), current, current + json_integer(more)};
	}
	policy_floor_need(&break_glass_floor, request->context, counters, count);
	if (policy_held(policies, entities, request, (struct policy_options){.strict = true}, counters, count,
			&replayer->arena, &held) != OK ||
	    !held.is_held)
		DIFFERS("the approvals that were missing would not permit");
	for (size_t i = 0; i < count; i++)
		if (held.missing[i] != counters[i].obtainable - counters[i].current)
			DIFFERS("fewer approvals than recorded would permit");
	return true;
}

/* That of the entry before it, and no other. */
static bool
same_local_bundle(struct replayer *replayer, const struct decision_record *record) {
	if (record->has_local_bundle != (replayer->local != nullptr) ||
	    (replayer->local != nullptr && !hash256_equal(&record->local_bundle, &replayer->local->hash)))
		DIFFERS("its local bundle is not the one that the log says was in force");
	return true;
}

/* What the policies say to the recorded facts, by the recorded bundles. */
static bool
same_by_policy(struct replayer *replayer, const struct bundle *bundle, const struct decision_record *record,
	       const struct policy_set **policies, struct replay_request *made) {
	struct policy_result result;
	if (find_policies(replayer, bundle, record, policies) != OK)
		DIFFERS("its local bundle cannot be joined to the other: %.200s", fail_message());
	if (replay_request_make(&replayer->arena, bundle, record, made) != OK)
		DIFFERS("facts or entities cannot be read: %.200s", fail_message());
	if (policy_decide(*policies, made->entities, &made->request, (struct policy_options){.strict = true},
			  &replayer->arena, &result) != OK)
		DIFFERS("cannot be decided: %.200s", fail_message());
	bool permitted = result.decision == POLICY_ALLOW && policy_floor_holds(&break_glass_floor, &made->context);
	if (permitted != (record->decision == DECISION_PERMIT))
		DIFFERS("decided %s, recorded %s", permitted ? "permit" : "deny", decision_name(record->decision));
	return same_reasons(replayer, *policies, record, &result);
}

static bool
same_decision(struct replayer *replayer, const struct decision_record *record) {
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record->bundle));
	_cleanup_(replay_request_free) struct replay_request made = {};
	struct operation operation;
	const struct policy_set *policies;
	if (bundle == nullptr)
		DIFFERS("its bundle is not in the log before it");
	if (bundle != replayer->bundle)
		DIFFERS("its bundle is not the one that was in force");
	if (!same_local_bundle(replayer, record) || !same_by_policy(replayer, bundle, record, &policies, &made))
		return false;
	if (record->decision == DECISION_HELD &&
	    !same_missing(replayer, policies, made.entities, &made.request, made.facts, record))
		return false;
	return document_holds(replayer, record, &operation) &&
	       evidence_holds(replayer, record, &operation, made.facts) &&
	       votes_hold(replayer, record, &operation, made.facts);
}

/* A passkey that the log enrolled signed this challenge, which was fresh; its maker's say is not known here, and so bounds nothing. */
static bool
sign_in_holds(struct replayer *replayer, const json *body) {
	struct bytes key_id, hex;
	struct person_signature signature;
	struct hash256 challenge;
	int64_t at_ms, aal;
	if (person_signature_read_evidence(&replayer->arena, body, &signature) != OK || !signature.is_passkey ||
	    json_need_string(body, "sign_in", "key", &key_id) != OK ||
	    json_need_string(body, "sign_in", "challenge", &hex) != OK ||
	    hex_decode(hex, challenge.bytes, sizeof challenge.bytes) != OK ||
	    json_need_integer(body, "sign_in", "signed_in_at", &at_ms) != OK ||
	    json_need_integer(body, "sign_in", "aal", &aal) != OK)
		DIFFERS("a sign-in's evidence cannot be read: %s", fail_message());
	const struct enrolled_key *key =
		enrolled_find(&replayer->enrolled, http_signature_principal(key_id), key_id, signature.public_key);
	if (key == nullptr || !key->is_passkey ||
	    verify_by_enrolled(replayer, key, "sign-in", &challenge, &signature) != OK)
		DIFFERS("a sign-in's assertion does not verify by a passkey that the log enrolled");
	int64_t made_ms = challenge_time(challenge.bytes);
	if (made_ms > at_ms || at_ms - made_ms >= CHALLENGE_LIFETIME_MS)
		DIFFERS("a sign-in's challenge was not made within the two minutes before it");
	if (aal < 2 || aal > (key->passkey.backup_eligible ? 2 : 3))
		DIFFERS("a sign-in amounts to %lld, which its passkey does not give", (long long)aal);
	return true;
}

static enum replay_result
replay_enrolment(struct replayer *replayer, const json *body) {
	if (enrolled_follow_enrolment(&replayer->enrolled, bytes_of_text(replayer->instance), body) == OK) {
		replayer->counts.enrolments++;
		return REPLAY_NOT_A_DECISION;
	}
	snprintf(replayer->difference, sizeof replayer->difference, "an enrolment does not hold: %.200s",
		 fail_message());
	replayer->counts.different++;
	return REPLAY_DIFFERENT;
}

static enum replay_result
replay_divergence(struct replayer *replayer, const json *body) {
	if (enrolled_follow_divergence(&replayer->enrolled, bytes_of_text(replayer->instance), body) == OK)
		return REPLAY_NOT_A_DECISION;
	snprintf(replayer->difference, sizeof replayer->difference, "a divergence does not hold: %.200s",
		 fail_message());
	replayer->counts.different++;
	return REPLAY_DIFFERENT;
}

static enum replay_result
replay_sign_in(struct replayer *replayer, const json *body) {
	bool holds = sign_in_holds(replayer, body);
	replayer->counts.sign_ins += holds;
	replayer->counts.different += !holds;
	return holds ? REPLAY_NOT_A_DECISION : REPLAY_DIFFERENT;
}

enum status
replayer_foresee(struct replayer *replayer, struct bytes leaf) {
	struct entry entry;
	struct bytes subject;
	TRY(entry_peek(leaf, &entry));
	if (entry.type != ENTRY_ERASED)
		return OK;
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	TRY(json_need_string(entry.document, "erased", "subject", &subject));
	return map_put(&replayer->erased, subject, replayer, nullptr);
}

/* Whether values that the record commits to are of somebody who was erased. */
static enum status
commits_to_erased(struct replayer *replayer, const struct decision_record *record, bool *erased) {
	const json *members;
	*erased = false;
	if (record->personal.len == 0 || replayer->erased.count == 0)
		return OK;
	TRY(json_read(&replayer->arena, record->personal, (struct json_limits){}, &members));
	struct json_iterator iterator = json_iterate(members);
	for (const json *part; (part = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes subject;
		TRY(json_need_string(part, "personal", "subject", &subject));
		*erased = *erased || map_get(&replayer->erased, subject) != nullptr;
	}
	return OK;
}

/* --- What is decided once more, before a share leaves. --- */

static struct hash256
asked_hash(const struct decision_record *record) {
	return SHA256_PARTS(record->action.type, BYTES_OF_LITERAL("\n"), record->action.id, BYTES_OF_LITERAL("\n"),
			    record->principal.type, BYTES_OF_LITERAL("\n"), record->principal.id,
			    BYTES_OF_LITERAL("\n"), record->resource.type, BYTES_OF_LITERAL("\n"), record->resource.id);
}

struct intended {
	struct hash256 asked;
	const struct bundle *bundle; /* that was in force */
};

static enum status
note_intended(struct replayer *replayer, const struct decision_record *record) {
	void *before = nullptr;
	struct intended *intended = malloc(sizeof *intended);
	TRY_ALLOC(intended);
	*intended = (struct intended){asked_hash(record), replayer->bundle};
	enum status status = map_put(&replayer->intended, hash256_bytes(&record->operation_id), intended, &before);
	free(status == OK ? before : intended);
	return status;
}

/* The policy was told of no less than others had counted, and this. */
static bool
others_hold(struct replayer *replayer, const struct decision_record *record, const json *others,
	    const struct facts *facts) {
	const char *difference = nullptr;
	if (counted_facts_hold(&replayer->arena, record, others, facts, &difference) != OK)
		DIFFERS("what others had counted cannot be read: %.200s", fail_message());
	if (difference != nullptr)
		DIFFERS("%s is less than what others had counted", difference);
	return true;
}

static bool
same_again(struct replayer *replayer, const json *body) {
	_cleanup_(replay_request_free) struct replay_request made = {};
	struct decision_record record;
	const struct policy_set *policies;
	const json *others;
	struct bytes outcome;
	if (decision_record_read_again(&replayer->arena, body, &replayer->blobs, &record, &others) != OK ||
	    json_need_string(body, "outcome", "outcome", &outcome) != OK)
		DIFFERS("what was decided again cannot be read: %.200s", fail_message());
	const struct intended *intended = map_get(&replayer->intended, hash256_bytes(&record.operation_id));
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record.bundle));
	struct hash256 asked = asked_hash(&record);
	if (intended == nullptr || !hash256_equal(&intended->asked, &asked))
		DIFFERS("what was decided again was not intended so");
	if (bundle == nullptr || (bundle != intended->bundle && bundle != replayer->bundle))
		DIFFERS("what was decided again was not decided by a bundle that was in force meanwhile");
	if (bytes_equal_text(outcome, outcome_name(OUTCOME_DONE)) && record.decision != DECISION_PERMIT)
		DIFFERS("it was done, and decided again otherwise");
	return same_by_policy(replayer, bundle, &record, &policies, &made) &&
	       others_hold(replayer, &record, others, made.facts);
}

static enum status
replay_outcome(struct replayer *replayer, const json *body, enum replay_result *result) {
	struct bytes text;
	struct hash256 id;
	TRY(json_need_string(body, "outcome", "operation", &text));
	TRY(hex_decode(text, id.bytes, sizeof id.bytes));
	*result = REPLAY_NOT_A_DECISION;
	if (json_get(body, "again") != nullptr || json_get(body, "again_blob") != nullptr) {
		bool same = same_again(replayer, body);
		replayer->counts.again += same;
		replayer->counts.different += !same;
		*result = same ? REPLAY_NOT_A_DECISION : REPLAY_DIFFERENT;
	}
	free(map_remove(&replayer->intended, hash256_bytes(&id)));
	return OK;
}

static enum status
replay_decision(struct replayer *replayer, const json *body, enum replay_result *result) {
	struct decision_record record;
	TRY(decision_record_read(&replayer->arena, body, &replayer->blobs, &record));
	bool same = same_decision(replayer, &record), erased;
	TRY(commits_to_erased(replayer, &record, &erased));
	*result = !same ? REPLAY_DIFFERENT : erased ? REPLAY_ERASED : REPLAY_SAME;
	replayer->counts.same += *result == REPLAY_SAME;
	replayer->counts.erased += *result == REPLAY_ERASED;
	replayer->counts.different += *result == REPLAY_DIFFERENT;
	if (record.outcome == OUTCOME_INTENDED)
		return note_intended(replayer, &record);
	if (record.outcome != OUTCOME_DONE)
		return OK;
	const json *payload, *document;
	struct operation operation;
	TRY(json_read(&replayer->arena, record.payload, (struct json_limits){}, &payload));
	if (same) { /* a forged one enrols nobody */
		TRY(json_read(&replayer->arena, record.document, (struct json_limits){}, &document));
		TRY(operation_read(document, &operation));
		TRY(enrolled_follow(&replayer->enrolled, operation.instance, operation.kind, operation.resource,
				    record.decided_ms, payload));
	}
	return bytes_equal_text(record.action.id, "policy.activate") ? add_bundle(replayer, payload) : OK;
}

enum status
replayer_add(struct replayer *replayer, uint64_t index, struct bytes leaf, enum replay_result *result,
	     const char **difference) {
	struct entry entry;
	arena_reset(&replayer->arena);
	*result = REPLAY_NOT_A_DECISION;
	*difference = nullptr;
	TRY(entry_read(&replayer->arena, leaf, &entry));
	if ((entry.type == ENTRY_GENESIS) != (index == 0))
		return fail(STATUS_CORRUPT, "replay.genesis: entry %llu", (unsigned long long)index);
	replayer->counts.entries++;
	switch (entry.type) {
	case ENTRY_GENESIS:
		return add_genesis(replayer, entry.document);
	case ENTRY_VOTE:
		return add_vote(replayer, entry.document);
	case ENTRY_SIGN_IN:
	case ENTRY_ENROLMENT:
	case ENTRY_DIVERGENCE:
		*result = entry.type == ENTRY_SIGN_IN     ? replay_sign_in(replayer, entry.document)
			  : entry.type == ENTRY_ENROLMENT ? replay_enrolment(replayer, entry.document)
							  : replay_divergence(replayer, entry.document);
		*difference = *result == REPLAY_DIFFERENT ? replayer->difference : nullptr;
		return OK;
	case ENTRY_DECISION:
	case ENTRY_INTENT:
		TRY(replay_decision(replayer, entry.document, result));
		*difference = *result == REPLAY_DIFFERENT ? replayer->difference : nullptr;
		return OK;
	case ENTRY_OUTCOME:
		TRY(replay_outcome(replayer, entry.document, result));
		*difference = *result == REPLAY_DIFFERENT ? replayer->difference : nullptr;
		return OK;
	case ENTRY_LOCAL_BUNDLE:
		return add_local_bundle(replayer, entry.document);
	default:
		return OK;
	}
}

/* --- Explaining. --- */

static void
explain_policy(const struct policy_set *policies, const struct policy_explanation *explanation,
	       struct json_writer *writer) {
	struct policy_view view;
	policy_set_view(policies, explanation->policy, &view);
	json_write_object(writer);
	json_write_member_integer(writer, "column", (int64_t)explanation->column);
	json_write_member_text(writer, "effect", view.effect == POLICY_PERMIT ? "permit" : "forbid");
	if (explanation->error != nullptr)
		json_write_member_text(writer, "error", explanation->error->message);
	json_write_member_string(writer, "id", view.id);
	json_write_member_integer(writer, "line", (int64_t)explanation->line);
	json_write_member_text(writer, "outcome", policy_outcome_name(explanation->outcome));
	struct bytes reason;
	if (policy_view_annotation(&view, "reason", &reason))
		json_write_member_string(writer, "reason", reason);
	json_write_end(writer);
}

enum status
replayer_explain(struct replayer *replayer, struct bytes leaf, struct buffer *explanation) {
	struct entry entry;
	struct decision_record record;
	const struct policy_explanation *rows;
	const struct policy_set *policies;
	_cleanup_(replay_request_free) struct replay_request made = {};
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	if (entry.type != ENTRY_DECISION && entry.type != ENTRY_INTENT)
		return fail(STATUS_INVALID, "replay.entry: a %s is not a decision", entry_kinds[entry.type].name);
	TRY(decision_record_read(&replayer->arena, entry.document, &replayer->blobs, &record));
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record.bundle));
	if (bundle == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.bundle: the decision's bundle is not known");
	TRY(find_policies(replayer, bundle, &record, &policies));
	TRY(replay_request_make(&replayer->arena, bundle, &record, &made));
	TRY(policy_explain(policies, made.entities, &made.request, &replayer->arena, &rows));
	struct json_writer writer;
	json_writer_start(&writer, explanation);
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle", hash256_bytes(&record.bundle));
	json_write_member_text(&writer, "decision", decision_name(record.decision));
	json_write_key(&writer, "facts");
	facts_write_by_name(&writer, made.facts);
	if (record.has_local_bundle)
		json_write_member_hex(&writer, "local_bundle", hash256_bytes(&record.local_bundle));
	if (record.missing.len > 0) {
		json_write_key(&writer, "missing");
		json_write_canonical(&writer, record.missing);
	}
	json_write_member_hex(&writer, "operation", hash256_bytes(&record.operation_id));
	json_write_key(&writer, "policies");
	json_write_array(&writer);
	for (size_t i = 0; i < policy_set_count(policies); i++)
		explain_policy(policies, &rows[i], &writer);
	json_write_end(&writer);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

enum status
replayer_write_bundle(const struct replayer *replayer, const struct hash256 *hash, struct buffer *to) {
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(hash));
	struct json_writer writer;
	if (bundle == nullptr)
		bundle = map_get(&replayer->locals, hash256_bytes(hash));
	if (bundle == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.bundle: no such bundle was ever in force");
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle", hash256_bytes(hash));
	json_write_key(&writer, "document");
	json_write_canonical(&writer, bundle->text);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}
