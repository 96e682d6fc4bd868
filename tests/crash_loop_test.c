/*
 * The keeper is killed under load, again and again, and started on the same directory. A client submits transfers, replacements
 * and large transfers, votes on them, and asks again for what was not answered. At the end: nothing acknowledged is lost,
 * the log has no gap and no fork, every limit is counted once, nothing is signed twice differently, state.db built anew is equal,
 * and every decision replays. GATEHOUSE_SOAK=1: 100 kills instead of 5; GATEHOUSE_SEED repeats a run.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "gate/replay.h"
#include "keeper/internal.h"
#include "keeper/projection.h"
#include "ledger/receipt.h"
#include "ledger/tree.h"

constexpr size_t ASKED_MAX = 20'000;
constexpr size_t OUTSTANDING_MAX = 12;

/* One request, sent once or more, and what was said to it. */
struct asked {
	struct ipc_request request;
	uint64_t number; /* of its last sending; 0: not outstanding */
	bool is_operation, answered;
	unsigned status;
	struct bytes operation, state, transaction, receipt;
};

struct client {
	struct house house;
	struct arena arena;
	struct asked *asked;
	size_t count, outstanding;
	uint64_t random, next_nonce;
	size_t kills, answers, repeated;
};

/* xorshift64*: a run is repeated from its seed. */
static uint64_t
draw(struct client *client, uint64_t below) {
	client->random ^= client->random >> 12;
	client->random ^= client->random << 25;
	client->random ^= client->random >> 27;
	return (client->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below;
}

/* --- Asking. --- */

static struct bytes
keep_text(struct client *client, const struct ipc_response *response, const char *member) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes text = house_text(&arena, response, member);
	return text.len == 0 ? (struct bytes){} : arena_copy(&client->arena, text);
}

static struct bytes
transaction_of(struct client *client, const struct ipc_response *response) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	if (json_read(&arena, response->body, (struct json_limits){}, &document) != OK)
		return (struct bytes){};
	const json *transaction = json_get(json_get(document, "result"), "transaction");
	return transaction == nullptr ? (struct bytes){} : arena_copy(&client->arena, json_string(transaction));
}

static struct asked *
asked_as(struct client *client, uint64_t number) {
	for (size_t i = client->count; i-- > 0;)
		if (client->asked[i].number == number)
			return &client->asked[i];
	return nullptr;
}

/* The vote that decided, given once more: it is refused, and what it brought about stands. */
static void
note_repeated_vote(struct client *client, struct asked *asked) {
	asked->number = 0;
	client->answers++;
	client->repeated++;
}

/* An answer, first or repeated: what was signed is the same each time. */
static void
note_answer(struct client *client, struct asked *asked, const struct ipc_response *response) {
	struct bytes transaction = transaction_of(client, response);
	if (asked->transaction.len > 0 && !asked->is_operation && transaction.len == 0) {
		note_repeated_vote(client, asked);
		return;
	}
	if (asked->transaction.len > 0)
		assert_bytes(asked->transaction, transaction);
	client->repeated += asked->answered;
	client->answers++;
	asked->number = 0;
	asked->answered = true;
	asked->status = response->status;
	asked->transaction = transaction;
	struct bytes receipt = keep_text(client, response, "receipt");
	if (receipt.len == 0)
		return; /* refused before a decision */
	asked->receipt = receipt;
	asked->operation = keep_text(client, response, "operation");
	asked->state = keep_text(client, response, "state");
}

/* Takes one answer; false when the keeper is gone. */
static bool
take_answer(struct client *client) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint64_t number;
	if (house_receive(&client->house, 30'000, &number, &arena, &response) != OK)
		return false;
	struct asked *asked = asked_as(client, number);
	if (asked == nullptr)
		return true;
	note_answer(client, asked, &response);
	client->outstanding--;
	return true;
}

static void
send_request(struct client *client, struct asked *asked) {
	_cleanup_(buffer_free) struct buffer payload = {};
	while (client->outstanding >= OUTSTANDING_MAX)
		assert_true(take_answer(client));
	asked->number = ++client->house.next_request;
	client->outstanding++;
	ipc_write_request(&payload, &asked->request);
	assert_ok(ipc_send(&client->house.channel, IPC_REQUEST, asked->number, false, buffer_bytes(&payload)));
	assert_ok(ipc_flush(&client->house.channel));
}

static struct asked *
add_request(struct client *client, const struct ipc_request *request, bool is_operation) {
	assert_true(client->count < ASKED_MAX);
	struct asked *asked = &client->asked[client->count++];
	*asked = (struct asked){.request = *request, .is_operation = is_operation};
	return asked;
}

/* --- What is asked for. --- */

static void
submit(struct client *client, unsigned hundredths, uint64_t nonce, unsigned fee_gwei) {
	struct ipc_request request;
	house_request(&client->house, &client->arena,
		      house_sign(house_transfer(&client->arena, hundredths, nonce, fee_gwei)), &request);
	send_request(client, add_request(client, &request, true));
}

static void
vote_on(struct client *client, struct bytes operation) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_request request;
	while (client->outstanding > 0) /* what is held is looked at alone */
		assert_true(take_answer(client));
	struct ipc_response material;
	assert_ok(house_get(&client->house, &client->arena,
			    arena_format(&client->arena, "/v1/operations/%.*s/payload", BYTES_ARGS(operation)),
			    &material));
	if (material.status != 200)
		return; /* decided meanwhile */
	enum firm_member by = draw(client, 2) == 0 ? FIRM_PERSON_1 : FIRM_PERSON_2;
	assert_ok(firm_vote(&client->house.firm, HOUSE_INSTANCE, by, material.body, "approve",
			    house_now_ms(&client->house), &body));
	struct http_request plain = {.method = BYTES_OF_LITERAL("POST"),
				     .target = bytes_of_text(arena_format(&client->arena, "/v1/operations/%.*s/votes",
									  BYTES_ARGS(operation))),
				     .body = arena_copy(&client->arena, buffer_bytes(&body))};
	request = house_frame(&plain);
	send_request(client, add_request(client, &request, false));
}

static void
vote_on_something(struct client *client) {
	for (size_t tries = 0; tries < 40 && client->count > 0; tries++) {
		struct asked *asked = &client->asked[draw(client, client->count)];
		if (asked->is_operation && bytes_equal_text(asked->state, "held")) {
			vote_on(client, asked->operation);
			return;
		}
	}
}

static void
ask_again(struct client *client) {
	if (client->count == 0)
		return;
	struct asked *asked = &client->asked[draw(client, client->count)];
	if (asked->number == 0)
		send_request(client, asked);
}

static void
act(struct client *client) {
	switch (draw(client, 10)) {
	case 0:
		submit(client, 350 + (unsigned)draw(client, 10), client->next_nonce++, 30); /* held: above 10,000 USD */
		break;
	case 1:
	case 2:
		vote_on_something(client);
		break;
	case 3:
		if (client->next_nonce > 0) /* the same nonce for a higher fee, or for another amount */
			submit(client, 1 + (unsigned)draw(client, 3), draw(client, client->next_nonce),
			       30 + (unsigned)draw(client, 40));
		break;
	case 4:
		ask_again(client);
		break;
	default:
		submit(client, 1 + (unsigned)draw(client, 3), client->next_nonce++, 30);
	}
}

/* --- Lives. --- */

static void
ask_for_the_unanswered(struct client *client) {
	for (size_t i = 0; i < client->count; i++) {
		struct asked *asked = &client->asked[i];
		if (asked->number == 0)
			continue;
		asked->number = 0;
		send_request(client, asked);
	}
}

static void
live(struct client *client, size_t actions) {
	client->outstanding = 0;
	house_start(&client->house);
	ask_for_the_unanswered(client);
	for (size_t i = 0; i < actions; i++)
		act(client);
}

static void
live_and_be_killed(struct client *client) {
	live(client, 10 + draw(client, 50));
	usleep((useconds_t)draw(client, 3000));
	house_kill(&client->house);
	client->kills++;
}

/* --- What must hold. --- */

struct spent {
	uint8_t identity[32];
	int64_t greatest;
};

struct reading {
	struct client *client;
	struct hash256 *roots; /* by size */
	uint64_t size;
	struct tree_frontier frontier;
	uint64_t seq[ENTRY_TYPES];
	int64_t at_ms;
	struct map done; /* operations that were carried out */
	struct spent *spent;
	size_t spent_count, decisions, signed_count;
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
		assert_true(reading->spent_count < ASKED_MAX);
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
	struct client *client = reading->client;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct receipt receipt;
	struct ledger_record record;
	struct entry entry;
	if (asked->receipt.len == 0)
		return;
	assert_ok(receipt_parse(&arena, asked->receipt, &receipt));
	assert_ok(note_verify_ed25519(&receipt.note, &client->house.installation.keys.ed25519));
	assert_true(receipt.checkpoint.size <= reading->size);
	assert_memory_equal(&reading->roots[receipt.checkpoint.size], &receipt.checkpoint.root, sizeof(struct hash256));
	assert_ok(ledger_read(keeper_ledger(client->house.keeper), receipt.index, &bytes, &record));
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
	bool is_current = false;
	for (size_t tries = 0; tries < 300 && !is_current; tries++) {
		usleep(20'000);
		pthread_mutex_lock(&keeper->projection_mutex);
		is_current = projection_applied(keeper->projection).size == head->head.size;
		pthread_mutex_unlock(&keeper->projection_mutex);
	}
	assert_true(is_current);
	struct keeper second = *keeper;
	char path[256];
	snprintf(path, sizeof path, "%s.anew", keeper->state_path);
	second.state_path = path;
	second.projection = nullptr;
	pthread_mutex_init(&second.projection_mutex, nullptr);
	assert_ok(projection_start(&second));
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

static void
check_everything(struct client *client) {
	struct reading reading = {.client = client};
	struct ledger_head head;
	assert_ok(house_open(&client->house));
	struct keeper *keeper = client->house.keeper;
	ledger_durable_head(keeper->ledger, &head);
	reading.size = head.head.size;
	reading.roots = calloc(reading.size + 1, sizeof *reading.roots);
	reading.spent = calloc(ASKED_MAX, sizeof *reading.spent);
	assert_true(reading.roots != nullptr && reading.spent != nullptr);
	assert_ok(replayer_create(&reading.replayer, &keeper->gate->blobs));
	assert_ok(ledger_visit(keeper->ledger, 0, reading.size, check_entry, &reading));
	assert_memory_equal(&head.head.root, &reading.roots[reading.size], sizeof head.head.root);
	for (size_t i = 0; i < client->count; i++)
		check_acknowledged(&reading, &client->asked[i]);
	int64_t total = 0;
	for (size_t i = 0; i < reading.spent_count; i++)
		total += reading.spent[i].greatest;
	assert_int_equal(total, limits_sum(keeper->gate->state->limits, LIMIT_KEY, BYTES_OF_LITERAL("eth-hot"),
					   LIMIT_WEEK, keeper->gate->state->now_ms, nullptr, 0));
	check_state_db(keeper, &head);
	struct replay_counts counts = replayer_counts(reading.replayer);
	print_message("%zu kills, %zu answers (%zu repeated) to %zu requests; %llu entries, %zu decisions, %zu signed, "
		      "%llu replayed alike\n",
		      client->kills, client->answers, client->repeated, client->count, (unsigned long long)reading.size,
		      reading.decisions, reading.signed_count, (unsigned long long)counts.same);
	printf("# result kills %zu\n# result requests %zu\n# result signed %zu\n", client->kills, client->count,
	       reading.signed_count);
	assert_int_equal(0, counts.different);
	replayer_destroy(&reading.replayer);
	map_free(&reading.done);
	free(reading.spent);
	free(reading.roots);
}

static uint64_t
seed_of_run(void) {
	const char *given = getenv("GATEHOUSE_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : (uint64_t)now.tv_nsec * 2 + 1;
	print_message("GATEHOUSE_SEED=%llu\n", (unsigned long long)seed);
	return seed == 0 ? 1 : seed;
}

static void
nothing_acknowledged_is_lost_however_often_the_keeper_is_killed(void **) {
	const char *soak = getenv("GATEHOUSE_SOAK");
	size_t kills = soak != nullptr && strcmp(soak, "1") == 0 ? 100 : 5;
	struct client *client = calloc(1, sizeof *client);
	assert_non_null(client);
	client->asked = calloc(ASKED_MAX, sizeof *client->asked);
	client->random = seed_of_run();
	assert_non_null(client->asked);
	house_found(&client->house, nullptr);
	assert_ok(house_open(&client->house));
	house_make_key(&client->house, "eth-hot");
	house_close(&client->house);
	while (client->kills < kills)
		live_and_be_killed(client);
	live(client, 20);
	while (client->outstanding > 0)
		assert_true(take_answer(client));
	assert_int_equal(0, house_stop(&client->house));
	for (size_t i = 0; i < client->count; i++)
		assert_true(client->asked[i].answered);
	check_everything(client);
	house_free(&client->house);
	arena_free(&client->arena);
	free(client->asked);
	free(client);
}

RUN_TESTS(T(nothing_acknowledged_is_lost_however_often_the_keeper_is_killed))
