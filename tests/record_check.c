#include "tests/test.h"
#include "tests/record_check.h"

#include <stdio.h>

#include "base/map.h"
#include "gate/replay.h"
#include "keeper/projection.h"
#include "ledger/cosignature.h"
#include "ledger/receipt.h"
#include "ledger/tree.h"
#include "tests/house.h"

/* --- Answers. --- */

static struct bytes
keep_text(struct arena *to, const struct ipc_response *response, const char *member) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes text = house_text(&arena, response, member);
	return text.len == 0 ? (struct bytes){} : arena_copy(to, text);
}

static struct bytes
transaction_of(struct arena *to, const struct ipc_response *response) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	if (json_read(&arena, response->body, (struct json_limits){}, &document) != OK)
		return (struct bytes){};
	const json *transaction = json_get(json_get(document, "result"), "transaction");
	return transaction == nullptr ? (struct bytes){} : arena_copy(to, json_string(transaction));
}

bool
asked_note(struct asked *asked, struct arena *arena, const struct ipc_response *response) {
	struct bytes transaction = transaction_of(arena, response);
	asked->number = 0;
	if (asked->transaction.len > 0 && !asked->is_operation && transaction.len == 0)
		return false; /* the vote that decided, given once more: what it brought about stands */
	if (asked->transaction.len > 0 && !bytes_equal(asked->transaction, transaction))
		fail_msg("signed before, and now answered %u: %.*s", response->status, BYTES_ARGS(response->body));
	asked->answered = true;
	asked->status = response->status;
	asked->transaction = transaction;
	struct bytes receipt = keep_text(arena, response, "receipt");
	if (receipt.len == 0)
		return true; /* refused before a decision */
	asked->receipt = receipt;
	asked->operation = keep_text(arena, response, "operation");
	asked->state = keep_text(arena, response, "state");
	return true;
}

/* --- The log. --- */

/* What was spent in one dimension by one subject, as the log says it. */
struct total {
	enum limit_dimension dimension;
	struct bytes subject;
	int64_t cents;
};

struct reading {
	struct keeper *keeper;
	struct hash256 *roots; /* by size */
	uint64_t size;
	struct tree_frontier frontier;
	uint64_t seq[ENTRY_TYPES];
	int64_t at_ms;
	struct map done; /* operations that were carried out */
	struct arena memory;
	struct map totals;   /* dimension and subject: struct total */
	struct map greatest; /* dimension, subject and identity: the greatest that counted, int64_t */
	size_t decisions, signed_count;
	struct replayer *replayer;
};

static void *
kept(struct reading *reading, struct map *map, const struct buffer *key, size_t size) {
	void *value = map_get(map, buffer_bytes(key));
	if (value != nullptr)
		return value;
	value = arena_alloc(&reading->memory, size);
	assert_non_null(value);
	assert_ok(map_put(map, buffer_bytes(key), value, nullptr));
	return value;
}

/* The greatest that was signed for one nonce counts, once: of whatever it is counted for. */
static int64_t
count_part(struct reading *reading, const uint8_t identity[32], const struct limit_part *part) {
	_cleanup_(buffer_free) struct buffer key = {};
	buffer_append_byte(&key, (uint8_t)part->dimension);
	buffer_append_bytes(&key, part->subject);
	struct total *total = kept(reading, &reading->totals, &key, sizeof *total);
	if (total->subject.data == nullptr)
		*total = (struct total){part->dimension, arena_copy(&reading->memory, part->subject), 0};
	buffer_append(&key, identity, 32);
	int64_t *greatest = kept(reading, &reading->greatest, &key, sizeof *greatest);
	if (part->cents > *greatest) {
		total->cents += part->cents - *greatest;
		*greatest = part->cents;
	}
	return total->cents;
}

/* Each transfer of these workloads moves ether to one address: all of it counts for ether, and all but the fee for the address. */
static void
check_parts(const struct spend *spend) {
	int64_t cents[LIMIT_DIMENSIONS] = {};
	assert_int_equal(LIMIT_DIMENSIONS, spend->part_count);
	for (size_t i = 0; i < spend->part_count; i++)
		cents[spend->parts[i].dimension] += spend->parts[i].cents;
	for (int dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++)
		if (dimension != LIMIT_DESTINATION)
			assert_int_equal(cents[LIMIT_KEY], cents[dimension]);
	assert_in_range(cents[LIMIT_DESTINATION], 1, cents[LIMIT_KEY] - 1);
}

static void
recount_limits(struct reading *reading, struct arena *arena, const struct decision_record *record) {
	const json *facts;
	check_parts(&record->spend);
	assert_ok(json_read(arena, record->facts, (struct json_limits){}, &facts));
	for (size_t i = 0; i < record->spend.part_count; i++) {
		const struct limit_part *part = &record->spend.parts[i];
		int64_t expected = count_part(reading, record->spend.identity, part);
		const char *name = arena_format(arena, "limits.%s", limit_dimension_names[part->dimension]);
		for (size_t window = 0; window < LIMIT_WINDOWS; window++) {
			const json *fact =
				json_get(json_get(json_get(facts, "verified"), name), limit_window_names[window]);
			if (fact == nullptr || json_integer(fact) != expected)
				fail_msg("%s.%s of %.*s: decided on %lld, and the log has %lld", name,
					 limit_window_names[window], BYTES_ARGS(part->subject),
					 fact == nullptr ? -1 : (long long)json_integer(fact), (long long)expected);
		}
	}
}

static void
read_decision(struct reading *reading, struct arena *arena, const json *body) {
	struct decision_record record;
	void *before;
	assert_ok(decision_record_read(arena, body, nullptr, &record));
	reading->decisions++;
	if (record.outcome != OUTCOME_DONE)
		return;
	assert_null(map_get(&reading->done, hash256_bytes(&record.operation_id)));
	assert_ok(map_put(&reading->done, hash256_bytes(&record.operation_id), reading, &before));
	if (!record.has_spend)
		return;
	reading->signed_count++;
	recount_limits(reading, arena, &record);
}

static enum status
check_entry(void *context, const struct ledger_record *record) {
	struct reading *reading = context;
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	struct hash256 leaf = tree_leaf_hash(record->leaf);
	enum replay_result result;
	const char *difference;
	assert_int_equal(reading->frontier.size, record->index);
	TRY(tree_frontier_append(&reading->frontier, &leaf));
	reading->roots[record->index + 1] = tree_frontier_root(&reading->frontier);
	TRY(entry_read(&arena, record->leaf, &entry));
	assert_int_equal(reading->seq[entry.type]++, entry.seq);
	assert_true(entry.at_ms >= reading->at_ms);
	reading->at_ms = entry.at_ms;
	if (entry.type == ENTRY_DECISION)
		read_decision(reading, &arena, entry.document);
	TRY(replayer_add(reading->replayer, record->index, record->leaf, &result, &difference));
	if (result == REPLAY_DIFFERENT)
		fail_msg("entry %llu replays otherwise: %s", (unsigned long long)record->index, difference);
	return OK;
}

/* The receipt is of a head that this log had, and of an entry that it still has and that says what was answered. */
static void
check_acknowledged(struct reading *reading, const struct asked *asked) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct receipt receipt;
	struct ledger_record record;
	struct entry entry;
	if (asked->receipt.len == 0)
		return;
	assert_ok(receipt_parse(&arena, asked->receipt, &receipt));
	const struct head_keys *keys = &reading->keeper->installation->keys;
	uint64_t time_s;
	assert_ok(note_verify_ed25519(&receipt.note, &keys->ed25519));
	assert_ok(cosignature_verify(&receipt.note, &receipt.checkpoint, &keys->mldsa44, &time_s));
	assert_true(receipt.checkpoint.size <= reading->size);
	assert_memory_equal(&reading->roots[receipt.checkpoint.size], &receipt.checkpoint.root, sizeof(struct hash256));
	assert_ok(ledger_read(reading->keeper->ledger, receipt.index, &bytes, &record));
	assert_ok(receipt_check_entry(&receipt, record.leaf));
	assert_ok(entry_read(&arena, record.leaf, &entry));
	assert_bytes(asked->operation, json_string(json_get(entry.document, "operation")));
	if (asked->transaction.len > 0)
		assert_bytes(asked->transaction,
			     json_string(json_get(json_get(entry.document, "result"), "transaction")));
}

static void
check_state_db(struct keeper *keeper, const struct ledger_head *head) {
	struct hash256 kept, anew;
	pthread_mutex_lock(&keeper->projection_mutex);
	assert_int_equal(head->head.size, projection_applied(keeper->projection).size);
	pthread_mutex_unlock(&keeper->projection_mutex);
	struct keeper second = *keeper;
	char path[256];
	snprintf(path, sizeof path, "%s.anew", keeper->state_path);
	second.state_path = path;
	second.projection = nullptr;
	pthread_mutex_init(&second.projection_mutex, nullptr);
	assert_ok(projection_start(&second));
	assert_ok(projection_clear(second.projection));
	struct publish_target target = projection_target(&second);
	assert_ok(target.begin(target.context));
	assert_ok(ledger_visit(keeper->ledger, 0, head->head.size, target.apply, target.context));
	assert_ok(target.finish(target.context, head));
	assert_ok(projection_fingerprint(second.projection, &anew));
	pthread_mutex_lock(&keeper->projection_mutex);
	assert_ok(projection_fingerprint(keeper->projection, &kept));
	pthread_mutex_unlock(&keeper->projection_mutex);
	projection_close(&second.projection);
	pthread_mutex_destroy(&second.projection_mutex);
	assert_memory_equal(&kept, &anew, sizeof kept);
}

static enum status
find_total(void *context, const struct spend *spend) {
	struct reading *reading = context;
	for (size_t i = 0; i < spend->part_count; i++) {
		const struct limit_part *part = &spend->parts[i];
		_cleanup_(buffer_free) struct buffer key = {};
		buffer_append_byte(&key, (uint8_t)part->dimension);
		buffer_append_bytes(&key, part->subject);
		if (map_get(&reading->totals, buffer_bytes(&key)) == nullptr)
			fail_msg("%s %.*s is counted, and the log has nothing of it",
				 limit_dimension_names[part->dimension], BYTES_ARGS(part->subject));
	}
	return OK;
}

/* What decision state counts is what the log says, of every subject in every dimension, and of nothing else. */
static void
check_totals(struct reading *reading) {
	const struct gate_state *state = reading->keeper->gate->state;
	size_t at = 0;
	uint64_t from = 0;
	void *value;
	while (map_next(&reading->totals, &at, nullptr, &value)) {
		const struct total *total = value;
		for (int window = 0; window < LIMIT_WINDOWS; window++) {
			int64_t sum = limits_sum(state->limits, total->dimension, total->subject,
						 (enum limit_window)window, state->now_ms, nullptr, 0);
			if (sum != total->cents)
				fail_msg("%s %.*s, %s: %lld are counted, and the log has %lld",
					 limit_dimension_names[total->dimension], BYTES_ARGS(total->subject),
					 limit_window_names[window], (long long)sum, (long long)total->cents);
		}
	}
	assert_ok(limits_visit(state->limits, &from, find_total, reading));
}

static enum status
count_row(void *context, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

/* A row for every key that is not destroyed, and none else. That each opens was seen at the start. */
static void
check_secrets(const struct keeper *keeper) {
	const struct keyring *ring = keeper->gate->state->ring;
	size_t rows = 0, keys = 0;
	for (size_t i = 0; i < keyring_count(ring); i++)
		keys += keyring_at(ring, i)->state != KEY_DESTROYED;
	assert_ok(secrets_visit(keeper->installation->secrets, "key", count_row, &rows));
	assert_int_equal(keys, rows);
}

void
record_check(struct keeper *keeper, const struct asked *asked, size_t count, struct record_findings *findings) {
	struct reading reading = {.keeper = keeper};
	struct ledger_head head;
	ledger_durable_head(keeper->ledger, &head);
	reading.size = head.head.size;
	reading.roots = calloc(reading.size + 1, sizeof *reading.roots);
	assert_non_null(reading.roots);
	assert_ok(replayer_create(&reading.replayer, &keeper->gate->blobs));
	assert_ok(ledger_check(keeper->ledger));
	assert_ok(ledger_visit(keeper->ledger, 0, reading.size, check_entry, &reading));
	assert_memory_equal(&head.head.root, &reading.roots[reading.size], sizeof head.head.root);
	for (size_t i = 0; i < count; i++)
		check_acknowledged(&reading, &asked[i]);
	check_totals(&reading);
	check_state_db(keeper, &head);
	check_secrets(keeper);
	struct replay_counts counts = replayer_counts(reading.replayer);
	assert_int_equal(0, counts.different);
	*findings = (struct record_findings){.entries = reading.size,
					     .replayed = counts.same,
					     .decisions = reading.decisions,
					     .signed_count = reading.signed_count};
	replayer_destroy(&reading.replayer);
	map_free(&reading.done);
	map_free(&reading.totals);
	map_free(&reading.greatest);
	arena_free(&reading.memory);
	free(reading.roots);
}
