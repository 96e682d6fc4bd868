#include "identity/votes.h"

#include <stdlib.h>

#include "base/cursor.h"

const char *const votes_stage_names[VOTES_STAGES] = {"first", "second", "third"};

/* A vote that was cast, standing or not. What it points to lies behind it in the same block. */
struct cast_vote {
	struct vote vote;
	bool standing;
	uint8_t text[];
};

struct votes {
	struct bytes initiator;
	struct cast_vote **cast; /* all, in order */
	size_t count;
	size_t capacity;
};

enum status
votes_create(struct votes **votes, struct bytes initiator) {
	struct votes *created = calloc(1, sizeof *created + initiator.len);
	TRY_ALLOC(created);
	uint8_t *text = (uint8_t *)(created + 1);
	if (initiator.len > 0)
		memcpy(text, initiator.data, initiator.len);
	created->initiator = bytes_of(text, initiator.len);
	*votes = created;
	return OK;
}

void
votes_destroy(struct votes **votes) {
	if (*votes == nullptr)
		return;
	for (size_t i = 0; i < (*votes)->count; i++)
		free((*votes)->cast[i]);
	free((*votes)->cast);
	free(*votes);
	*votes = nullptr;
}

struct bytes
votes_initiator(const struct votes *votes) {
	return votes->initiator;
}

/* --- Casting --- */

/* The principal that a key id names. */
static struct bytes
signer_of(const struct vote *vote) {
	const uint8_t *slash = vote->key_id.len == 0 ? nullptr : memchr(vote->key_id.data, '/', vote->key_id.len);
	return bytes_of(vote->key_id.data, slash == nullptr ? vote->key_id.len : (size_t)(slash - vote->key_id.data));
}

static bool
same_signer(const struct vote *a, const struct vote *b) {
	return bytes_equal(signer_of(a), signer_of(b));
}

static enum status
check_people(const struct votes *votes, const struct directory *directory, const struct vote *vote) {
	const struct directory_key *key = directory_key(directory, vote->key_id);
	const struct principal *person = directory_principal(directory, vote->person);
	if (key == nullptr || person == nullptr || key->principal->kind != PRINCIPAL_PERSON ||
	    person->kind != PRINCIPAL_PERSON)
		return fail(STATUS_UNAUTHORIZED, "votes.signer: a vote is one person's, by the key of one");
	if (bytes_equal(key->principal->id, votes->initiator) || bytes_equal(vote->person, votes->initiator))
		return fail(STATUS_DENIED, "votes.initiator: who asked does not vote");
	return OK;
}

bool
votes_have(const struct votes *votes, const struct hash256 *statement_digest) {
	for (size_t i = 0; i < votes->count; i++)
		if (hash256_equal(&votes->cast[i]->vote.statement_digest, statement_digest))
			return true;
	return false;
}

static enum status
check_repetition(const struct votes *votes, const struct vote *vote) {
	size_t by_signer = 0;
	for (size_t i = 0; i < votes->count; i++) {
		const struct vote *cast = &votes->cast[i]->vote;
		if (hash256_equal(&cast->statement_digest, &vote->statement_digest))
			return fail(STATUS_CONFLICT, "votes.repeated: this statement was given before");
		by_signer += same_signer(cast, vote);
	}
	if (votes->count >= VOTES_CAST_MAX || by_signer >= VOTES_CAST_BY_ONE_MAX)
		return fail(STATUS_TOO_LARGE, "votes.full: %zu votes on this operation, %zu of them by this signer",
			    votes->count, by_signer);
	return OK;
}

/* The signer's standing vote, or null. */
static struct cast_vote *
standing_of_signer(const struct votes *votes, const struct vote *vote) {
	for (size_t i = 0; i < votes->count; i++)
		if (votes->cast[i]->standing && same_signer(&votes->cast[i]->vote, vote))
			return votes->cast[i];
	return nullptr;
}

/* The standing vote for a seat, or null. */
static struct cast_vote *
standing_of_seat(const struct votes *votes, struct bytes person) {
	for (size_t i = 0; i < votes->count; i++)
		if (votes->cast[i]->standing && bytes_equal(votes->cast[i]->vote.person, person))
			return votes->cast[i];
	return nullptr;
}

/* Cast for somebody whose delegation was over by now_ms: it does not count, whatever comes. */
static bool
is_over(const struct directory *directory, const struct vote *vote, int64_t now_ms) {
	const struct directory_key *key = directory_key(directory, vote->key_id);
	const struct principal *person = directory_principal(directory, vote->person);
	return key == nullptr || person == nullptr || !directory_may_vote(directory, key->principal, person, now_ms);
}

static enum status
check_stage(const struct cast_vote *before, const struct vote *vote) {
	if (vote->verdict != APPROVAL_APPROVE || before == nullptr || before->vote.stage == vote->stage)
		return OK;
	return fail(STATUS_CONFLICT,
		    "votes.stage_voted: %.*s has approved in the %s stage: that vote is withdrawn first",
		    BYTES_ARGS(before->vote.person), votes_stage_names[before->vote.stage % VOTES_STAGES]);
}

/* Which standing votes this one puts aside, of the signer and of the seat; either may be null. */
static enum status
find_replaced(const struct votes *votes, const struct directory *directory, const struct vote *vote, int64_t now_ms,
	      struct cast_vote **of_signer, struct cast_vote **of_seat) {
	*of_signer = standing_of_signer(votes, vote);
	*of_seat = standing_of_seat(votes, vote->person);
	bool is_elsewhere = *of_signer != nullptr && !bytes_equal((*of_signer)->vote.person, vote->person);
	if (is_elsewhere && !is_over(directory, &(*of_signer)->vote, now_ms))
		return fail(STATUS_CONFLICT,
			    "votes.signer_voted: this signer has voted for %.*s; one human is one vote",
			    BYTES_ARGS((*of_signer)->vote.person));
	if (vote->verdict == APPROVAL_WITHDRAW && (*of_signer == nullptr || is_elsewhere))
		return fail(STATUS_CONFLICT, "votes.nothing_to_withdraw: this signer has no vote here");
	if (*of_seat != nullptr && *of_seat != *of_signer && !bytes_equal(signer_of(vote), vote->person) &&
	    !is_over(directory, &(*of_seat)->vote, now_ms))
		return fail(STATUS_CONFLICT, "votes.seat_taken: %.*s has voted", BYTES_ARGS(vote->person));
	TRY(check_stage(*of_seat, vote));
	return check_stage(*of_signer, vote);
}

static enum status
make_room(struct votes *votes) {
	if (votes->count < votes->capacity)
		return OK;
	size_t capacity = votes->capacity == 0 ? 8 : 2 * votes->capacity;
	struct cast_vote **cast = realloc(votes->cast, capacity * sizeof(struct cast_vote *));
	TRY_ALLOC(cast);
	votes->cast = cast;
	votes->capacity = capacity;
	return OK;
}

static enum status
append(struct votes *votes, const struct vote *vote, bool standing) {
	TRY(make_room(votes));
	struct cast_vote *cast = calloc(1, sizeof *cast + vote->key_id.len + vote->person.len);
	TRY_ALLOC(cast);
	memcpy(cast->text, vote->key_id.data, vote->key_id.len);
	memcpy(cast->text + vote->key_id.len, vote->person.data, vote->person.len);
	cast->vote = *vote;
	cast->vote.key_id = bytes_of(cast->text, vote->key_id.len);
	cast->vote.person = bytes_of(cast->text + vote->key_id.len, vote->person.len);
	cast->standing = standing;
	votes->cast[votes->count++] = cast;
	return OK;
}

enum status
votes_cast(struct votes *votes, const struct directory *directory, const struct vote *vote, int64_t now_ms) {
	struct cast_vote *of_signer, *of_seat;
	TRY(check_people(votes, directory, vote));
	TRY(check_repetition(votes, vote));
	TRY(find_replaced(votes, directory, vote, now_ms, &of_signer, &of_seat));
	TRY(append(votes, vote, vote->verdict != APPROVAL_WITHDRAW));
	if (of_signer != nullptr)
		of_signer->standing = false;
	if (of_seat != nullptr)
		of_seat->standing = false;
	return OK;
}

/* --- Counting --- */

static int
compare_hashes(const void *a, const void *b) {
	return memcmp(((const struct hash256 *)a)->bytes, ((const struct hash256 *)b)->bytes, sizeof(struct hash256));
}

struct hash256
votes_digest_of_stage(struct hash256 *digests, size_t count) {
	if (count > 1)
		qsort(digests, count, sizeof *digests, compare_hashes);
	return SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/stage/v1\0"), bytes_of(digests, count * sizeof *digests));
}

/* From the first stage on: what no longer rests on the stage before is no part of its own. */
struct hash256
votes_stage_digest(const struct votes *votes, int64_t stage) {
	struct hash256 digests[VOTES_CAST_MAX], before = {};
	for (int64_t at = 0;; at++) {
		size_t count = 0;
		for (size_t i = 0; i < votes->count; i++) {
			const struct vote *vote = &votes->cast[i]->vote;
			if (votes->cast[i]->standing && vote->stage == at && vote->verdict == APPROVAL_APPROVE &&
			    (at == 0 || hash256_equal(&vote->completed_stage, &before)))
				digests[count++] = vote->statement_digest;
		}
		before = votes_digest_of_stage(digests, count);
		if (at >= stage)
			return before;
	}
}

/* A rejection rests on nothing. */
static bool
rests_on_its_stage(const struct votes *votes, const struct vote *vote) {
	if (vote->stage == 0 || vote->verdict == APPROVAL_REJECT)
		return true;
	struct hash256 completed = votes_stage_digest(votes, vote->stage - 1);
	return hash256_equal(&completed, &vote->completed_stage);
}

/* Whether a vote counts now: its bundle is active, it has not expired, and the people behind it still may vote: neither is
 * suspended or an auditor. */
static bool
counts(const struct votes *votes, const struct votes_question *question, const struct vote *vote,
       const struct directory_key **key) {
	const struct directory *directory = question->directory;
	const struct principal *person = directory_principal(directory, vote->person);
	return hash256_equal(&vote->bundle_hash, question->bundle_hash) && question->now_ms < vote->expires_ms &&
	       person != nullptr && !person->suspended && directory_acting_key(directory, vote->key_id, key) == OK &&
	       directory_key_check_waiting(*key, question->now_ms) == OK &&
	       directory_may_vote(directory, (*key)->principal, person, question->now_ms) &&
	       (question->group == nullptr ||
		directory_is_member(directory, question->group, person, question->now_ms)) &&
	       (question->stage < 0 || question->stage == vote->stage) &&
	       rests_on_its_stage(votes, vote); /* last: it goes through all votes */
}

/* Standing votes have distinct signers and distinct seats, so each that counts is one human. */
struct votes_count
votes_count(const struct votes *votes, const struct votes_question *question) {
	struct votes_count count = {};
	for (size_t i = 0; i < votes->count; i++) {
		const struct vote *vote = &votes->cast[i]->vote;
		const struct directory_key *key;
		if (!votes->cast[i]->standing || !counts(votes, question, vote, &key))
			continue;
		bool approves = vote->verdict == APPROVAL_APPROVE;
		count.rejections += vote->verdict == APPROVAL_REJECT;
		count.approvals += approves;
		count.independent += approves && key->class == DIRECTORY_KEY_TERMINAL;
		count.phishing_resistant += approves && key->class == DIRECTORY_KEY_PASSKEY;
		count.by_client[vote->client] += approves;
	}
	return count;
}

static int
compare_fields(const void *a, const void *b) {
	return bytes_compare(((const struct value_field *)a)->name, ((const struct value_field *)b)->name);
}

/* One count for every group, of any stage or of one. */
static void
add_group_counts(const struct votes *votes, const struct votes_question *question, const char *name,
		 struct facts *facts) {
	size_t groups = directory_group_count(question->directory);
	struct value_field *fields = ARENA_NEW_ARRAY(facts->arena, groups, struct value_field);
	if (fields == nullptr) {
		facts->failed = true;
		return;
	}
	for (size_t i = 0; i < groups; i++) {
		struct votes_question of_group = *question;
		struct votes_count count = {};
		of_group.group = directory_group_at(question->directory, i);
		if (votes != nullptr)
			count = votes_count(votes, &of_group);
		fields[i] = (struct value_field){arena_copy(facts->arena, of_group.group->id),
						 value_long((int64_t)count.approvals)};
		facts->failed |= fields[i].name.data == nullptr;
	}
	if (groups > 1)
		qsort(fields, groups, sizeof *fields, compare_fields);
	facts_add(facts, name, FACT_VERIFIED, (struct value){.type = VALUE_RECORD, .record = {fields, groups}});
}

static void
add_client_counts(const struct votes_count *count, struct facts *facts) {
	static const enum approval_client by_name[APPROVAL_CLIENTS] = {APPROVAL_CLIENT_CLI, APPROVAL_CLIENT_CONSOLE,
								       APPROVAL_CLIENT_OFFLINE};
	struct value_field *fields = ARENA_NEW_ARRAY(facts->arena, APPROVAL_CLIENTS, struct value_field);
	if (fields == nullptr) {
		facts->failed = true;
		return;
	}
	for (size_t i = 0; i < APPROVAL_CLIENTS; i++)
		fields[i] = (struct value_field){bytes_of_text(approval_client_name(by_name[i])),
						 value_long((int64_t)count->by_client[by_name[i]])};
	facts_add(facts, "approvals.by_client", FACT_VERIFIED,
		  (struct value){.type = VALUE_RECORD, .record = {fields, APPROVAL_CLIENTS}});
}

void
votes_facts(const struct votes *votes, const struct directory *directory, const struct hash256 *bundle_hash,
	    unsigned stages, int64_t now_ms, struct facts *facts) {
	static const char *const names[VOTES_STAGES] = {"approvals.first", "approvals.second", "approvals.third"};
	struct votes_question question = {
		.directory = directory, .bundle_hash = bundle_hash, .now_ms = now_ms, .stage = -1};
	struct votes_count count = {};
	if (votes != nullptr)
		count = votes_count(votes, &question);
	facts_add_long(facts, "approvals.total", FACT_VERIFIED, (int64_t)count.approvals);
	facts_add_long(facts, "approvals.independent", FACT_VERIFIED, (int64_t)count.independent);
	facts_add_long(facts, "approvals.phishing_resistant", FACT_VERIFIED, (int64_t)count.phishing_resistant);
	facts_add_long(facts, "approvals.rejections", FACT_VERIFIED, (int64_t)count.rejections);
	add_client_counts(&count, facts);
	add_group_counts(votes, &question, "approvals.group", facts);
	for (unsigned stage = 0; stage < stages && stage < VOTES_STAGES; stage++) {
		question.stage = stage;
		add_group_counts(votes, &question, names[stage], facts);
	}
}

/* --- Listing --- */

int64_t
votes_last_stage(const struct votes *votes) {
	int64_t last = 0;
	for (size_t i = 0; i < votes->count; i++) {
		const struct vote *vote = &votes->cast[i]->vote;
		if (votes->cast[i]->standing && vote->verdict == APPROVAL_APPROVE && vote->stage > last)
			last = vote->stage;
	}
	return last;
}

size_t
votes_size(const struct votes *votes) {
	size_t size = 0;
	for (size_t i = 0; i < votes->count; i++)
		size += votes->cast[i]->standing;
	return size;
}

const struct vote *
votes_at(const struct votes *votes, size_t index) {
	for (size_t i = 0; i < votes->count; i++)
		if (votes->cast[i]->standing && index-- == 0)
			return &votes->cast[i]->vote;
	return nullptr;
}

/* --- Snapshots: magic, version, initiator, count; then per vote all of it --- */

static const char FIELD[] = "votes.snapshot";
static const uint8_t MAGIC[8] = {'G', 'H', 'V', 'O', 'T', 'E', 'S', '\0'};
constexpr uint32_t VERSION = 2; /* clients */

static void
write_text(struct buffer *to, struct bytes text) {
	buffer_append_u16be(to, (uint16_t)text.len);
	buffer_append_bytes(to, text);
}

enum status
votes_write(const struct votes *votes, struct buffer *to) {
	buffer_append(to, MAGIC, sizeof MAGIC);
	buffer_append_u32be(to, VERSION);
	write_text(to, votes->initiator);
	buffer_append_u32be(to, (uint32_t)votes->count);
	for (size_t i = 0; i < votes->count; i++) {
		const struct vote *vote = &votes->cast[i]->vote;
		write_text(to, vote->key_id);
		write_text(to, vote->person);
		buffer_append_byte(to, (uint8_t)vote->verdict);
		buffer_append_byte(to, votes->cast[i]->standing);
		buffer_append_byte(to, (uint8_t)vote->stage);
		buffer_append_byte(to, (uint8_t)vote->client);
		buffer_append_bytes(to, hash256_bytes(&vote->completed_stage));
		buffer_append_bytes(to, hash256_bytes(&vote->statement_digest));
		buffer_append_bytes(to, hash256_bytes(&vote->bundle_hash));
		buffer_append_u64be(to, (uint64_t)vote->expires_ms);
	}
	return buffer_status(to);
}

static enum status
corrupt(const char *what) {
	return fail(STATUS_CORRUPT, "%s: %s", FIELD, what);
}

static enum status
read_text(struct cursor *cursor, struct bytes *text) {
	uint16_t len;
	TRY(cursor_u16be(cursor, FIELD, &len));
	return cursor_take(cursor, FIELD, len, text);
}

static enum status
read_vote(struct cursor *cursor, struct votes *votes) {
	struct vote vote = {};
	uint8_t verdict, standing, stage, client;
	uint64_t expires_ms;
	TRY(read_text(cursor, &vote.key_id));
	TRY(read_text(cursor, &vote.person));
	TRY(cursor_u8(cursor, FIELD, &verdict));
	TRY(cursor_u8(cursor, FIELD, &standing));
	TRY(cursor_u8(cursor, FIELD, &stage));
	TRY(cursor_u8(cursor, FIELD, &client));
	TRY(cursor_copy(cursor, FIELD, vote.completed_stage.bytes, sizeof vote.completed_stage.bytes));
	TRY(cursor_copy(cursor, FIELD, vote.statement_digest.bytes, sizeof vote.statement_digest.bytes));
	TRY(cursor_copy(cursor, FIELD, vote.bundle_hash.bytes, sizeof vote.bundle_hash.bytes));
	TRY(cursor_u64be(cursor, FIELD, &expires_ms));
	if (verdict > APPROVAL_WITHDRAW || standing > 1 || stage > APPROVAL_STAGE_MAX || client >= APPROVAL_CLIENTS ||
	    expires_ms > INT64_MAX)
		return corrupt("a number out of range");
	vote.verdict = (enum approval_verdict)verdict;
	vote.stage = stage;
	vote.client = (enum approval_client)client;
	vote.expires_ms = (int64_t)expires_ms;
	return append(votes, &vote, standing == 1);
}

static enum status
read_header(struct cursor *cursor, struct bytes *initiator, uint32_t *count) {
	uint8_t magic[sizeof MAGIC];
	uint32_t version;
	TRY(cursor_copy(cursor, FIELD, magic, sizeof magic));
	TRY(cursor_u32be(cursor, FIELD, &version));
	if (memcmp(magic, MAGIC, sizeof magic) != 0 || version != VERSION)
		return corrupt("not a snapshot of votes of this version");
	TRY(read_text(cursor, initiator));
	TRY(cursor_u32be(cursor, FIELD, count));
	return *count > VOTES_CAST_MAX ? corrupt("too many votes") : OK;
}

static enum status
read_all(struct bytes snapshot, struct votes **votes) {
	struct cursor cursor = cursor_of(snapshot);
	struct bytes initiator;
	uint32_t count;
	_cleanup_(votes_destroy) struct votes *read = nullptr;
	TRY(read_header(&cursor, &initiator, &count));
	TRY(votes_create(&read, initiator));
	for (; count > 0; count--)
		TRY(read_vote(&cursor, read));
	TRY(cursor_end(&cursor, FIELD));
	*votes = TAKE(read);
	return OK;
}

enum status
votes_read(struct bytes snapshot, struct votes **votes) {
	enum status status = read_all(snapshot, votes);
	return status == OK || status == STATUS_NO_MEMORY || status == STATUS_CORRUPT ? status : corrupt("damaged");
}
