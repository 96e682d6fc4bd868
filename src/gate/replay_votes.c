#include "gate/replay_internal.h"

#include <stdlib.h>

#include "identity/http_signature.h"
#include "identity/statement.h"
#include "identity/votes.h"

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
	bool ends; /* a rejection by somebody who was asked */
};

void
replay_votes_free(struct replayer *replayer) {
	size_t at = 0;
	void *value;
	while (map_next(&replayer->votes, &at, nullptr, &value))
		free(value);
	map_free(&replayer->votes);
	map_free(&replayer->cast);
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

/* On the operation that its entry names, at the time that it says. */
static bool
could_be_cast(struct replayer *replayer, const json *body, struct bytes key_id,
	      const struct approval_statement *statement, const struct hash256 *digest,
	      const struct person_signature *signature) {
	struct vote_submission vote = {.arena = &replayer->arena,
				       .operation_id = statement->operation_id,
				       .statement = *statement,
				       .statement_digest = *digest,
				       .key_id = key_id,
				       .signature = *signature};
	char hex[2 * sizeof statement->operation_id.bytes + 1];
	struct bytes named;
	int64_t cast_ms;
	hex_encode(hash256_bytes(&statement->operation_id), hex);
	if (json_need_string(body, "vote", "operation", &named) != OK || !bytes_equal_text(named, hex) ||
	    json_need_integer(body, "vote", "cast_at", &cast_ms) != OK)
		DIFFERS("a vote is on another operation than its entry");
	return replay_past_vote_holds(replayer, &vote, body, cast_ms);
}

/* A vote counts in replay only if its own entry came before and its signature holds, by the key that its signer has. */
enum status
replay_add_vote(struct replayer *replayer, const json *body, bool *holds) {
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
	*holds = key != nullptr &&
		 replay_verify_by_enrolled(replayer, key, APPROVAL_SIGNATURE_LABEL, &digest, &signature) == OK;
	if (!*holds) {
		snprintf(replayer->difference, sizeof replayer->difference,
			 "a vote is not signed by a key that the log enrolled for its signer");
		return OK;
	}
	*holds = could_be_cast(replayer, body, key_id, &statement, &digest, &signature);
	bool ends = statement.verdict == APPROVAL_REJECT && approval_entry_ends(body);
	if (!*holds)
		return OK;
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
						       .ends = ends,
						       .is_standing = statement.verdict != APPROVAL_WITHDRAW});
}

void
replay_forget_votes(struct replayer *replayer, const struct hash256 *operation) {
	struct seen_vote *vote = map_remove(&replayer->cast, hash256_bytes(operation));
	while (vote != nullptr) {
		struct seen_vote *gone = vote;
		vote = vote->earlier;
		free(map_remove(&replayer->votes, hash256_bytes(&gone->digest)));
	}
}

/* The votes that stand, and how many of them are approvals that count. */
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
	if (vote->ends)
		DIFFERS("it was decided after it was rejected");
	return true;
}

/* An approval, under the bundle that decides, and in time. */
static bool
vote_counts(const struct seen_vote *vote, const struct decision_record *record) {
	return vote->verdict == APPROVAL_APPROVE && hash256_equal(&vote->bundle, &record->bundle) &&
	       record->decided_ms < vote->expires_ms;
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
	if (counted->count == 0) /* as of most operations: the array takes longer to clear than all the rest */
		return;
	struct hash256 digests[VOTES_CAST_MAX], before = {};
	for (int64_t stage = 0; stage < VOTES_STAGES; stage++) {
		size_t count = 0;
		for (size_t i = 0; i < counted->count; i++) {
			const struct seen_vote *vote = counted->votes[i];
			if (vote->verdict != APPROVAL_APPROVE || vote->stage != stage ||
			    (stage > 0 && !hash256_equal(&vote->completed_stage, &before)))
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

bool
replay_votes_hold(struct replayer *replayer, const struct decision_record *record, const struct operation *operation,
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
