#include "keeper/inbox.h"

#include <stdlib.h>

#include "gate/material.h"

constexpr size_t CURSOR_SIZE = 8 + 32;     /* when it expires, and its id */
constexpr size_t INBOX_BYTES = 256 * 1024; /* a page ends with the item that fills it */
constexpr size_t DELEGATORS_MAX = 64;      /* whose votes one person may cast that are listed */

struct reader {
	const struct gate_state *state;
	const struct principal *person; /* null: a workload */
	const struct principal *seats[1 + DELEGATORS_MAX];
	size_t seat_count;
	int64_t now_ms;
};

static enum status
read_reader(const struct job *job, struct reader *reader) {
	const struct gate_state *state = job->keeper->gate->state;
	const struct directory *directory = state->directory;
	const struct directory_key *key = directory_key(directory, job->reader);
	if (key == nullptr)
		return fail(STATUS_UNAUTHORIZED, "directory.key_unknown: nobody has this key");
	*reader = (struct reader){.state = state, .now_ms = state->now_ms};
	if (key->principal->kind != PRINCIPAL_PERSON)
		return OK;
	reader->person = key->principal;
	reader->seats[reader->seat_count++] = key->principal;
	for (size_t i = 0; i < directory_principal_count(directory) && reader->seat_count < ARRAY_LENGTH(reader->seats);
	     i++) {
		const struct principal *of = directory_principal_at(directory, i);
		if (of->kind == PRINCIPAL_PERSON && of != key->principal &&
		    directory_may_vote(directory, key->principal, of, reader->now_ms))
			reader->seats[reader->seat_count++] = of;
	}
	return OK;
}

/* --- Who may still vote, and what for. --- */

static const struct principal *
signer_of(const struct gate_state *state, const struct vote *vote) {
	const struct directory_key *key = directory_key(state->directory, vote->key_id);
	return key == nullptr ? nullptr : key->principal;
}

/* One human is one vote (identity/votes.h): whoever has voted, or asked for the operation, has no seat to fill. */
static bool
may_vote(const struct reader *reader, const struct votes *votes) {
	if (reader->person == nullptr || reader->person->suspended ||
	    bytes_equal(reader->person->id, votes_initiator(votes)))
		return false;
	for (size_t i = 0; i < votes_size(votes); i++)
		if (signer_of(reader->state, votes_at(votes, i)) == reader->person)
			return false;
	return true;
}

static bool
is_free(const struct principal *seat, const struct votes *votes) {
	if (bytes_equal(seat->id, votes_initiator(votes)))
		return false;
	for (size_t i = 0; i < votes_size(votes); i++)
		if (bytes_equal(seat->id, votes_at(votes, i)->person))
			return false;
	return true;
}

/* Whether the name is of a group: "group.treasury", or of one in a stage, "first.treasury". */
static bool
names_a_group(struct bytes name) {
	const uint8_t *dot = name.len == 0 ? nullptr : memchr(name.data, '.', name.len);
	return dot != nullptr && !bytes_equal_text(bytes_of(name.data, (size_t)(dot - name.data)), "by_client");
}

/* Of "first.treasury" 1; 0: of no stage. */
static unsigned
stage_of(struct bytes name) {
	static const char *const stages[] = {"first.", "second.", "third."};
	for (unsigned i = 0; i < ARRAY_LENGTH(stages); i++)
		if (name.len > strlen(stages[i]) && memcmp(name.data, stages[i], strlen(stages[i])) == 0)
			return i + 1;
	return 0;
}

/* The stage whose turn it is: the first of which something is missing. A vote of whoever is asked later would be one of this stage,
 * and lost for theirs. */
static unsigned
turn_of(const json *missing) {
	struct json_iterator members = json_iterate(missing);
	struct bytes name;
	unsigned turn = 0;
	while (json_next(&members, &name) != nullptr) {
		unsigned stage = stage_of(name);
		if (stage != 0 && (turn == 0 || stage < turn))
			turn = stage;
	}
	return turn;
}

/* Whether a vote for the seat brings what is missing under this name further. */
static bool
seat_helps(const struct reader *reader, const struct principal *seat, struct bytes name) {
	if (!names_a_group(name))
		return true; /* total, independent, phishing_resistant, by_client: of any people */
	size_t skip = (size_t)((const uint8_t *)memchr(name.data, '.', name.len) - name.data) + 1;
	const struct group *group =
		directory_group(reader->state->directory, bytes_of(name.data + skip, name.len - skip));
	return group != nullptr && directory_is_member(reader->state->directory, group, seat, reader->now_ms);
}

static bool
reader_helps(const struct reader *reader, const struct votes *votes, struct bytes name) {
	for (size_t i = 0; i < reader->seat_count; i++)
		if (is_free(reader->seats[i], votes) && seat_helps(reader, reader->seats[i], name))
			return true;
	return false;
}

/* Many lack the same: each text is read once. */
static enum status
read_missing(struct arena *arena, struct map *were_read, struct bytes text, const json **missing) {
	*missing = map_get(were_read, text);
	if (*missing != nullptr)
		return OK;
	TRY(json_read(arena, text, (struct json_limits){}, missing));
	return map_put(were_read, text, (void *)(uintptr_t)*missing, nullptr);
}

/* The names of missing, which is ours: an object of counts. A group that is missing counts before what anybody can give. */
static enum status
waits_for(struct arena *arena, const struct reader *reader, const struct held_operation *held, struct map *were_read,
	  bool *waits) {
	const json *missing;
	struct bytes name;
	bool names_group = false, helps_group = false, helps_any = false;
	*waits = false;
	if (!may_vote(reader, held->votes))
		return OK;
	TRY(read_missing(arena, were_read, held->missing, &missing));
	unsigned turn = turn_of(missing);
	struct json_iterator members = json_iterate(missing);
	while (json_next(&members, &name) != nullptr) {
		if (stage_of(name) > turn)
			continue;
		bool is_group = names_a_group(name);
		bool helps = reader_helps(reader, held->votes, name);
		names_group = names_group || is_group;
		helps_group = helps_group || (is_group && helps);
		helps_any = helps_any || helps;
	}
	*waits = names_group ? helps_group : helps_any;
	return OK;
}

/* --- One of them. --- */

static void
write_vote(const struct gate_state *state, const struct vote *vote, struct json_writer *w) {
	const struct directory_key *key = directory_key(state->directory, vote->key_id);
	enum directory_key_class class = key == nullptr ? DIRECTORY_KEY_PLAIN : key->class;
	bool stands = key != nullptr && !key->revoked && !key->principal->suspended && !key->principal->is_auditor &&
		      key->usable_from_ms <= state->now_ms && vote->expires_ms > state->now_ms &&
		      hash256_equal(&vote->bundle_hash, &state->bundle->hash);
	json_write_object(w);
	json_write_member_integer(w, "expires", vote->expires_ms);
	json_write_member_boolean(w, "independent", class == DIRECTORY_KEY_TERMINAL);
	json_write_member_string(w, "key", vote->key_id);
	json_write_member_string(w, "person", vote->person);
	json_write_member_boolean(w, "phishing_resistant", class == DIRECTORY_KEY_PASSKEY);
	json_write_member_boolean(w, "stands", stands);
	json_write_member_text(w, "verdict", approval_verdict_name(vote->verdict));
	json_write_end(w);
}

static enum status
write_helps(struct arena *arena, const struct reader *reader, const struct held_operation *held,
	    struct json_writer *w) {
	const json *missing;
	struct bytes name;
	TRY(json_read(arena, held->missing, (struct json_limits){}, &missing));
	unsigned turn = turn_of(missing);
	struct json_iterator members = json_iterate(missing);
	json_write_key(w, "helps");
	json_write_array(w);
	while (may_vote(reader, held->votes) && json_next(&members, &name) != nullptr)
		if (stage_of(name) <= turn && reader_helps(reader, held->votes, name))
			json_write_string(w, name);
	json_write_end(w);
	return OK;
}

static void
write_seats(const struct reader *reader, const struct held_operation *held, struct json_writer *w) {
	json_write_key(w, "seats");
	json_write_array(w);
	for (size_t i = 0; may_vote(reader, held->votes) && i < reader->seat_count; i++)
		if (is_free(reader->seats[i], held->votes))
			json_write_string(w, reader->seats[i]->id);
	json_write_end(w);
}

static enum status
write_operation(struct job *job, const struct reader *reader, const struct gate_operation *operation,
		struct json_writer *w) {
	const struct held_operation *held = operation->held;
	_cleanup_(buffer_free) struct buffer view = {};
	int64_t stage;
	TRY(material_write_view(job->keeper->gate, &job->arena, held, &view));
	TRY(gate_next_stage(job->keeper->gate, &job->arena, operation, reader->now_ms, &stage));
	json_write_object(w);
	json_write_member_hex(w, "bundle", hash256_bytes(&reader->state->bundle->hash));
	if (stage > 0) {
		struct hash256 completed = votes_stage_digest(held->votes, stage - 1);
		json_write_member_hex(w, "completed_stage", hash256_bytes(&completed));
	}
	json_write_member_integer(w, "created", held->operation.created_ms);
	json_write_member_hex(w, "digest", hash256_bytes(&operation->digest));
	json_write_member_integer(w, "expires", operation->expires_ms);
	TRY(write_helps(&job->arena, reader, held, w));
	json_write_key(w, "missing");
	json_write_canonical(w, held->missing);
	json_write_member_hex(w, "operation", hash256_bytes(&operation->id));
	write_seats(reader, held, w);
	if (stage > 0)
		json_write_member_integer(w, "stage", stage);
	json_write_key(w, "view");
	json_write_canonical(w, buffer_bytes(&view));
	json_write_member_hex(w, "view_digest", hash256_bytes(&held->view_digest));
	json_write_key(w, "votes");
	json_write_array(w);
	for (size_t i = 0; i < votes_size(held->votes); i++)
		write_vote(reader->state, votes_at(held->votes, i), w);
	json_write_end(w);
	json_write_end(w);
	return OK;
}

enum status
inbox_write_operation(struct job *job, const struct gate_operation *operation, struct buffer *to) {
	struct reader reader;
	struct json_writer w;
	if (operation->state != OPERATION_HELD)
		return fail(STATUS_CONFLICT, "operation.not_held: it is %s", operation_state_name(operation->state));
	TRY(read_reader(job, &reader));
	json_writer_start(&w, to);
	TRY(write_operation(job, &reader, operation, &w));
	return json_writer_finish(&w);
}

/* --- All of them, in order. --- */

static void
place_of(const struct gate_operation *operation, uint8_t cursor[static CURSOR_SIZE]) {
	uint64_t expires = (uint64_t)operation->expires_ms;
	for (size_t i = 0; i < 8; i++)
		cursor[i] = (uint8_t)(expires >> (56 - 8 * i));
	memcpy(cursor + 8, operation->id.bytes, sizeof operation->id.bytes);
}

/* As their places. */
static int
compare_operations(const void *a, const void *b) {
	const struct gate_operation *left = *(const struct gate_operation *const *)a,
				    *right = *(const struct gate_operation *const *)b;
	uint64_t ends = (uint64_t)left->expires_ms, other_ends = (uint64_t)right->expires_ms;
	return ends != other_ends ? (ends > other_ends) - (ends < other_ends)
				  : memcmp(left->id.bytes, right->id.bytes, sizeof left->id.bytes);
}

/* after: zeros where there is no cursor, which nothing stands before. */
static enum status
read_after(struct bytes query, uint8_t after[static CURSOR_SIZE]) {
	static const char name[] = "after=";
	memset(after, 0, CURSOR_SIZE);
	if (query.len == 0)
		return OK;
	if (query.len != sizeof name - 1 + 2 * CURSOR_SIZE || memcmp(query.data, name, sizeof name - 1) != 0 ||
	    hex_decode(bytes_of(query.data + sizeof name - 1, 2 * CURSOR_SIZE), after, CURSOR_SIZE) != OK)
		return fail(STATUS_INVALID, "query.after: expected what \"next\" said, and nothing else");
	return OK;
}

static enum status
collect(struct arena *arena, const struct reader *reader, const struct gate_operation ***waiting, size_t *count) {
	const struct map *kept = &reader->state->operations.kept;
	_cleanup_(map_free) struct map were_read = {};
	size_t at = 0;
	struct bytes id;
	void *value;
	*count = 0;
	*waiting = arena_alloc(arena, (kept->count + 1) * sizeof **waiting);
	TRY_ALLOC(*waiting);
	while (map_next(kept, &at, &id, &value)) {
		const struct gate_operation *operation = value;
		bool waits;
		if (operation->state != OPERATION_HELD || operation->entry == UINT64_MAX ||
		    operation->expires_ms <= reader->now_ms)
			continue;
		TRY(waits_for(arena, reader, operation->held, &were_read, &waits));
		if (waits)
			(*waiting)[(*count)++] = operation;
	}
	qsort(*waiting, *count, sizeof **waiting, compare_operations);
	return OK;
}

static enum status
write_items(struct job *job, const struct reader *reader, const struct gate_operation *const *waiting, size_t count,
	    const uint8_t *after, struct json_writer *w, uint8_t *next, bool *is_more) {
	size_t start = w->to->len, written = 0;
	*is_more = false;
	for (size_t i = 0; i < count; i++) {
		uint8_t cursor[CURSOR_SIZE];
		place_of(waiting[i], cursor);
		if (memcmp(cursor, after, CURSOR_SIZE) <= 0)
			continue;
		*is_more = written == INBOX_PAGE || w->to->len - start >= INBOX_BYTES;
		if (*is_more)
			return OK;
		TRY(write_operation(job, reader, waiting[i], w));
		memcpy(next, cursor, CURSOR_SIZE);
		written++;
	}
	return OK;
}

/* Emergencies that went through and wait for their review. */
static void
write_reviews(const struct reader *reader, struct json_writer *w) {
	const struct map *open = &reader->state->reviews.open;
	size_t at = 0, written = 0;
	void *value;
	json_write_key(w, "reviews");
	json_write_array(w);
	while (written < INBOX_PAGE && map_next(open, &at, nullptr, &value)) {
		const struct open_review *review = value;
		json_write_object(w);
		json_write_member_integer(w, "due", review->due_ms);
		json_write_member_hex(w, "operation", hash256_bytes(&review->operation));
		json_write_member_string(w, "requester", review->requester);
		json_write_end(w);
		written++;
	}
	json_write_end(w);
}

enum status
inbox_write(struct job *job, struct bytes query, struct buffer *to) {
	uint8_t after[CURSOR_SIZE], next[CURSOR_SIZE];
	const struct gate_operation **waiting;
	struct reader reader;
	struct json_writer w;
	size_t count;
	bool is_more;
	TRY(read_after(query, after));
	TRY(read_reader(job, &reader));
	if (reader.person == nullptr)
		return fail(STATUS_DENIED, "inbox.person: only people approve");
	TRY(collect(&job->arena, &reader, &waiting, &count));
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_integer(&w, "count", (int64_t)count);
	json_write_key(&w, "items");
	json_write_array(&w);
	TRY(write_items(job, &reader, waiting, count, after, &w, next, &is_more));
	json_write_end(&w);
	if (is_more)
		json_write_member_hex(&w, "next", BYTES_OF_ARRAY(next));
	json_write_member_string(&w, "person", reader.person->id);
	write_reviews(&reader, &w);
	json_write_end(&w);
	return json_writer_finish(&w);
}
