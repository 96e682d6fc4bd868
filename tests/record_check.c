#include "tests/test.h"
#include "tests/record_check.h"

#include <stdio.h>

#include "base/map.h"
#include "gate/replay.h"
#include "keeper/projection.h"
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

struct spent {
	uint8_t identity[32];
	int64_t greatest;
};

struct reading {
	struct keeper *keeper;
	struct hash256 *roots; /* by size */
	uint64_t size;
	struct tree_frontier frontier;
	uint64_t seq[ENTRY_TYPES];
	int64_t at_ms;
	struct map done; /* operations that were carried out */
	struct spent *spent;
	size_t spent_count, spent_capacity, decisions, signed_count;
	struct replayer *replayer;
};

/* The greatest that was signed for one nonce counts, once. */
static int64_t
count_limit(struct reading *reading, const uint8_t identity[32], int64_t cents) {
	int64_t sum = 0;
	struct spent *own = nullptr;
	for (size_t i = 0; i < reading->spent_count; i++) {
		if (memcmp(reading->spent[i].identity, identity, 32) == 0)
			own = &reading->spent[i];
		else
			sum += reading->spent[i].greatest;
	}
	if (own == nullptr) {
		assert_true(reading->spent_count < reading->spent_capacity);
		own = &reading->spent[reading->spent_count++];
		*own = (struct spent){};
		memcpy(own->identity, identity, sizeof own->identity);
	}
	if (cents > own->greatest)
		own->greatest = cents;
	return sum + own->greatest;
}

static void
recount_limits(struct reading *reading, struct arena *arena, const struct decision_record *record) {
	static const char *const facts_of[] = {"limits.key", "limits.account", "limits.desk", "limits.legal_entity",
					       "limits.requester"};
	static const char *const windows[] = {"hour", "day", "week"};
	const json *facts;
	int64_t cents = 0;
	for (size_t i = 0; i < record->spend.part_count; i++)
		if (record->spend.parts[i].dimension == LIMIT_KEY)
			cents = record->spend.parts[i].cents;
	int64_t expected = count_limit(reading, record->spend.identity, cents);
	assert_ok(json_read(arena, record->facts, (struct json_limits){}, &facts));
	for (size_t i = 0; i < ARRAY_LENGTH(facts_of); i++)
		for (size_t j = 0; j < ARRAY_LENGTH(windows); j++) {
			const json *fact = json_get(json_get(json_get(facts, "verified"), facts_of[i]), windows[j]);
			assert_non_null(fact);
			assert_int_equal(expected, json_integer(fact));
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
	assert_ok(note_verify_ed25519(&receipt.note, &reading->keeper->installation->keys.ed25519));
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
	struct reading reading = {.keeper = keeper, .spent_capacity = count + 1};
	struct ledger_head head;
	ledger_durable_head(keeper->ledger, &head);
	reading.size = head.head.size;
	reading.roots = calloc(reading.size + 1, sizeof *reading.roots);
	reading.spent = calloc(reading.spent_capacity, sizeof *reading.spent);
	assert_true(reading.roots != nullptr && reading.spent != nullptr);
	assert_ok(replayer_create(&reading.replayer, &keeper->gate->blobs));
	assert_ok(ledger_check(keeper->ledger));
	assert_ok(ledger_visit(keeper->ledger, 0, reading.size, check_entry, &reading));
	assert_memory_equal(&head.head.root, &reading.roots[reading.size], sizeof head.head.root);
	for (size_t i = 0; i < count; i++)
		check_acknowledged(&reading, &asked[i]);
	int64_t total = 0;
	for (size_t i = 0; i < reading.spent_count; i++)
		total += reading.spent[i].greatest;
	assert_int_equal(total, limits_sum(keeper->gate->state->limits, LIMIT_KEY, BYTES_OF_LITERAL("eth-hot"),
					   LIMIT_WEEK, keeper->gate->state->now_ms, nullptr, 0));
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
	free(reading.spent);
	free(reading.roots);
}
