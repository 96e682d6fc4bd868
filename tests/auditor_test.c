/*
 * Auditors: what they may read and what not, route by route; that each of their reads is an entry before the answer; and exports.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/internal.h"
#include "ledger/receipt.h"

#define AUDITOR "workload:prices" /* desk options, of northwind-trading */

struct world {
	struct house house;
	struct arena arena;
};

static void
begin(struct world *world) {
	*world = (struct world){};
	house_found(&world->house, nullptr);
	assert_ok(house_open(&world->house));
	house_make_key(&world->house, "eth-hot");
}

static void
world_end(struct world *world) {
	house_free(&world->house);
	arena_free(&world->arena);
}

static void
restart(struct world *world) {
	house_close(&world->house);
	assert_ok(house_open(&world->house));
}

static uint64_t
count_of(struct world *world, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(keeper_ledger(world->house.keeper), counts);
	return counts[type];
}

static void
grant(struct world *world, const char *entity, int64_t from_ms, int64_t until_ms) {
	struct ipc_response response;
	assert_ok(house_submit(
		&world->house, &world->arena,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "auditor.grant",
					.resource = AUDITOR,
					.payload = arena_format(&world->arena,
								"{\"entity\":\"%s\",\"from\":%lld,"
								"\"until\":%lld}",
								entity, (long long)from_ms, (long long)until_ms),
					.reason = "audit"},
		&response));
	assert_answer(202, "held", &response);
	struct bytes id = response.operation;
	assert_ok(house_vote(&world->house, &world->arena, id, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&world->house, &world->arena, id, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
}

static void
revoke_grant(struct world *world, const char *entity) {
	struct ipc_response response;
	assert_ok(house_submit(
		&world->house, &world->arena,
		(struct firm_operation){.by = FIRM_PERSON_1,
					.kind = "auditor.revoke",
					.resource = AUDITOR,
					.payload = arena_format(&world->arena, "{\"entity\":\"%s\"}", entity)},
		&response));
	assert_answer(200, "done", &response);
}

/* Of northwind-trading; its entry's index. */
static struct bytes
transfer(struct world *world, unsigned nonce, int64_t *entry) {
	struct ipc_response response;
	const json *document;
	assert_ok(house_submit(&world->house, &world->arena, house_sign(house_transfer(&world->arena, 2, nonce, 30)),
			       &response));
	assert_answer(200, "done", &response);
	assert_ok(json_read(&world->arena, response.body, (struct json_limits){}, &document));
	*entry = json_integer(json_get(document, "entry"));
	return house_text(&world->arena, &response, "operation");
}

/* Of northwind-custody: asked for by a person of its desk. */
static struct bytes
custody_operation(struct world *world, int64_t *entry) {
	struct ipc_response response;
	const json *document;
	assert_ok(house_submit(&world->house, &world->arena,
			       (struct firm_operation){.by = FIRM_PERSON_1,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"vault\"}"},
			       &response));
	assert_answer(202, "held", &response);
	assert_ok(json_read(&world->arena, response.body, (struct json_limits){}, &document));
	*entry = json_integer(json_get(document, "entry"));
	return response.operation;
}

static const json *
ask(struct world *world, enum firm_member by, const char *target, unsigned expected) {
	struct ipc_response response;
	const json *document = nullptr;
	assert_ok(house_get_by(&world->house, &world->arena, by, target, &response));
	if (response.status != expected)
		fail_msg("%s: expected %u, got %u: %.*s", target, expected, response.status, BYTES_ARGS(response.body));
	IGNORE_STATUS(
		json_read(&world->arena, response.body, (struct json_limits){}, &document)); /* receipts are none */
	return document;
}

static void
assert_refused(struct world *world, const char *target, const char *name) {
	static const char prefix[] = "urn:gatehouse:problem:";
	const json *document = ask(world, FIRM_PRICES, target, 403);
	struct bytes type = json_string(json_get(document, "type"));
	assert_bytes(bytes_of_text(name), bytes_of(type.data + sizeof prefix - 1, type.len - (sizeof prefix - 1)));
}

static void
wait_until_listed(struct world *world) {
	for (;;) {
		struct ledger_head head;
		ledger_durable_head(keeper_ledger(world->house.keeper), &head);
		pthread_mutex_lock(&world->house.keeper->projection_mutex);
		uint64_t applied = projection_applied(world->house.keeper->projection).size;
		pthread_mutex_unlock(&world->house.keeper->projection_mutex);
		if (applied == head.head.size)
			return;
		usleep(20'000);
	}
}

static void
an_auditor_reads_what_is_granted_and_nothing_else(void **) {
	_cleanup_(world_end) struct world world;
	int64_t own_entry, other_entry;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	struct bytes own = transfer(&world, 0, &own_entry), other = custody_operation(&world, &other_entry);
	ask(&world, FIRM_PRICES, "/v1/keys", 200); /* before, it reads as everybody does */
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	wait_until_listed(&world);
	static const char *const parts[] = {"", "/receipt", "/explanation"};
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		uint64_t before = count_of(&world, ENTRY_READ);
		ask(&world, FIRM_PRICES, arena_format(&world.arena, "/v1/operations/%.*s%s", BYTES_ARGS(own), parts[i]),
		    200);
		assert_int_equal(before + 1, count_of(&world, ENTRY_READ));
		assert_refused(&world, arena_format(&world.arena, "/v1/operations/%.*s%s", BYTES_ARGS(other), parts[i]),
			       "read.out_of_scope");
		assert_int_equal(before + 1, count_of(&world, ENTRY_READ));
	}
	ask(&world, FIRM_PRICES, arena_format(&world.arena, "/v1/ledger/entries/%lld", (long long)own_entry), 200);
	assert_refused(&world, arena_format(&world.arena, "/v1/ledger/entries/%lld", (long long)other_entry),
		       "read.out_of_scope");
	assert_refused(&world, "/v1/ledger/entries/0", "read.out_of_scope"); /* genesis is of no legal entity */
	const json *listed = json_get(ask(&world, FIRM_PRICES, "/v1/operations?limit=1000", 200), "operations");
	assert_true(json_size(listed) > 0);
	struct json_iterator iterator = json_iterate(listed);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		assert_false(bytes_equal(other, json_string(json_get(one, "operation"))));
	assert_refused(&world, "/v1/operations?legal_entity=northwind-custody", "read.out_of_scope");
	static const char *const others[] = {"/v1/keys",   "/v1/keys/eth-hot",
					     "/v1/people", "/v1/workloads",
					     "/v1/groups", "/v1/lists",
					     "/v1/zones",  "/v1/prices",
					     "/v1/policy", "/v1/inbox",
					     "/v1/limits", "/v1/ledger/tile/0/000",
					     "/v1/events", "/v1/lists/counterparties"};
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		assert_refused(&world, others[i], "read.auditor");
	static const char *const of_operation[] = {"payload", "view", "timeline"};
	for (size_t i = 0; i < ARRAY_LENGTH(of_operation); i++)
		assert_refused(&world,
			       arena_format(&world.arena, "/v1/operations/%.*s/%s", BYTES_ARGS(own), of_operation[i]),
			       "read.auditor");
	assert_refused(&world, "/v1/people/p-0000000000000001/personal", "read.personal");
	ask(&world, FIRM_PRICES, "/v1/ledger/checkpoint", 200); /* is public */
	/* Others read as before, and nothing is recorded of it. */
	uint64_t before = count_of(&world, ENTRY_READ);
	ask(&world, FIRM_PERSON_1, arena_format(&world.arena, "/v1/operations/%.*s", BYTES_ARGS(other)), 202);
	ask(&world, FIRM_PERSON_1, "/v1/ledger/entries/0", 200);
	assert_int_equal(before, count_of(&world, ENTRY_READ));
}

/* Whose an operation on a person or a workload is, says where these stand, and not where those do who ask for it. */
static void
an_auditor_reads_what_is_done_to_those_of_their_legal_entity_whoever_asks(void **) {
	static const struct {
		enum firm_member by;
		const char *resource;
		bool is_theirs;
	} cases[] = {
		{FIRM_PERSON_1, "workload:settlement", true}, /* asked for at custody, of one at trading */
		{FIRM_PERSON_4, "workload:treasurer", false}, /* and the other way round */
		{FIRM_PERSON_4, "person:p-0000000000000002", false},
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ipc_response response;
		assert_ok(house_submit(&world.house, &world.arena,
				       (struct firm_operation){.by = cases[i].by,
							       .kind = "principal.suspend",
							       .resource = cases[i].resource,
							       .payload = "{}"},
				       &response));
		assert_answer(200, "done", &response);
		const char *target = arena_format(&world.arena, "/v1/operations/%.*s",
						  BYTES_ARGS(house_text(&world.arena, &response, "operation")));
		if (cases[i].is_theirs)
			ask(&world, FIRM_PRICES, target, 200);
		else
			assert_refused(&world, target, "read.out_of_scope");
	}
}

/* A denied or held operation is answered with its state's status: that is read as well. */
static void
what_is_no_success_is_a_read_all_the_same(void **) {
	_cleanup_(world_end) struct world world;
	struct ipc_response response;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	assert_ok(house_submit(&world.house, &world.arena,
			       (struct firm_operation){.by = FIRM_SETTLEMENT,
						       .kind = "key.create",
						       .resource = "account:options-hot",
						       .payload = "{\"algorithm\":\"secp256k1\",\"id\":\"x\","
								  "\"material\":\"single\",\"purpose\":\"transfer\"}"},
			       &response));
	assert_true(response.status == 403 || response.status == 202);
	unsigned expected = response.status;
	uint64_t before = count_of(&world, ENTRY_READ);
	const json *read = ask(&world, FIRM_PRICES,
			       arena_format(&world.arena, "/v1/operations/%.*s",
					    BYTES_ARGS(house_text(&world.arena, &response, "operation"))),
			       expected);
	assert_non_null(json_get(read, "state"));
	assert_int_equal(before + 1, count_of(&world, ENTRY_READ));
}

static void
the_period_is_that_of_the_entries(void **) {
	_cleanup_(world_end) struct world world;
	int64_t entry;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	struct bytes operation = transfer(&world, 0, &entry);
	char *target = arena_format(&world.arena, "/v1/operations/%.*s", BYTES_ARGS(operation));
	grant(&world, "northwind-trading", now_ms - 7'200'000, now_ms - 3'600'000);
	assert_refused(&world, target, "read.out_of_scope");
	wait_until_listed(&world);
	assert_int_equal(0, json_size(json_get(ask(&world, FIRM_PRICES, "/v1/operations", 200), "operations")));
	grant(&world, "northwind-trading", now_ms + 3'600'000, now_ms + 7'200'000);
	assert_refused(&world, target, "read.out_of_scope");
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	ask(&world, FIRM_PRICES, target, 200);
	wait_until_listed(&world);
	assert_true(json_size(json_get(ask(&world, FIRM_PRICES, "/v1/operations", 200), "operations")) > 0);
	/* What they ask for narrows, and never widens. */
	assert_int_equal(0, json_size(json_get(ask(&world, FIRM_PRICES,
						   arena_format(&world.arena, "/v1/operations?from=0&until=%lld",
								(long long)now_ms - 60'000),
						   200),
					       "operations")));
}

static void
whose_grants_are_revoked_reads_nothing_also_after_a_restart(void **) {
	_cleanup_(world_end) struct world world;
	int64_t entry;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	struct bytes operation = transfer(&world, 0, &entry);
	char *target = arena_format(&world.arena, "/v1/operations/%.*s", BYTES_ARGS(operation));
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	grant(&world, "northwind-custody", now_ms - 60'000, now_ms + 3'600'000);
	ask(&world, FIRM_PRICES, "/v1/operations", 400); /* which of the two? */
	ask(&world, FIRM_PRICES, "/v1/operations?legal_entity=northwind-trading", 200);
	revoke_grant(&world, "northwind-trading");
	assert_refused(&world, target, "read.out_of_scope");
	restart(&world);
	assert_refused(&world, target, "read.out_of_scope");
	ask(&world, FIRM_PRICES, "/v1/operations", 200);
	revoke_grant(&world, "northwind-custody");
	assert_refused(&world, target, "read.no_grant");
	assert_refused(&world, "/v1/keys", "read.auditor");
	assert_ok(keeper_snapshot(world.house.keeper));
	restart(&world);
	assert_refused(&world, target, "read.no_grant");
	assert_refused(&world, "/v1/keys", "read.auditor");
}

/* --- Exports. --- */

/* The page's entries, newest first; where the next begins, 0 at the end. */
static uint64_t
check_page(struct world *world, struct bytes body, size_t *count, int64_t *least) {
	const json *page, *entry;
	assert_ok(json_read(&world->arena, body, (struct json_limits){}, &page));
	struct json_iterator iterator = json_iterate(json_get(page, "entries"));
	while ((entry = json_next(&iterator, nullptr)) != nullptr) {
		struct receipt receipt;
		struct entry read;
		int64_t index = json_integer(json_get(entry, "index"));
		assert_true(index < *least);
		*least = index;
		++*count;
		assert_ok(receipt_parse(&world->arena, json_string(json_get(entry, "receipt")), &receipt));
		assert_int_equal(index, receipt.index);
		assert_ok(note_verify_ed25519(&receipt.note, &world->house.installation.keys.ed25519));
		assert_ok(receipt_check_entry(&receipt, receipt.entry));
		assert_ok(entry_read(&world->arena, receipt.entry, &read));
		assert_bytes(BYTES_OF_LITERAL("northwind-trading"),
			     json_string(json_get(read.document, "legal_entity")));
	}
	const json *next = json_get(page, "next");
	return next == nullptr ? 0 : (uint64_t)json_integer(next);
}

static void
an_export_is_pages_that_verify_each_an_entry_with_its_hash(void **) {
	_cleanup_(world_end) struct world world;
	struct hash256 hashes[32];
	size_t pages = 0, count = 0;
	int64_t entry, least = INT64_MAX;
	begin(&world);
	int64_t now_ms = house_now_ms(&world.house);
	for (unsigned i = 0; i < 7; i++)
		transfer(&world, i, &entry);
	custody_operation(&world, &entry);
	grant(&world, "northwind-trading", now_ms - 60'000, now_ms + 3'600'000);
	wait_until_listed(&world);
	uint64_t next = 0;
	do {
		struct ipc_response response;
		char target[96];
		snprintf(target, sizeof target, "/v1/ledger/export?limit=5%s%.0llu",
			 next == 0 ? "" : "&before=", (unsigned long long)next);
		assert_ok(house_get_by(&world.house, &world.arena, FIRM_PRICES, target, &response));
		assert_answer(200, nullptr, &response);
		hashes[pages++] = sha256(response.body);
		next = check_page(&world, response.body, &count, &least);
		assert_int_equal(pages, count_of(&world, ENTRY_EXPORT));
	} while (next != 0 && pages < ARRAY_LENGTH(hashes));
	assert_true(pages > 1 && count > 7);
	/* The log has the hash of each. */
	struct ledger_head head;
	size_t seen = 0;
	ledger_durable_head(keeper_ledger(world.house.keeper), &head);
	for (uint64_t i = 0; i < head.head.size; i++) {
		_cleanup_(buffer_free) struct buffer bytes = {};
		struct ledger_record record;
		struct entry read;
		char expected[65];
		assert_ok(ledger_read(keeper_ledger(world.house.keeper), i, &bytes, &record));
		assert_ok(entry_read(&world.arena, record.leaf, &read));
		if (read.type != ENTRY_EXPORT)
			continue;
		hex_encode(hash256_bytes(&hashes[seen++]), expected);
		assert_bytes(bytes_of_text(expected), json_string(json_get(read.document, "hash")));
		assert_bytes(BYTES_OF_LITERAL(AUDITOR "/main"), json_string(json_get(read.document, "key")));
	}
	assert_int_equal(pages, seen);
	/* Nobody exports without saying whose; and whoever is no auditor is recorded as well. */
	ask(&world, FIRM_PERSON_1, "/v1/ledger/export", 400);
	ask(&world, FIRM_PERSON_1, "/v1/ledger/export?legal_entity=northwind-custody", 200);
	assert_int_equal(pages + 1, count_of(&world, ENTRY_EXPORT));
	assert_refused(&world, "/v1/ledger/export?legal_entity=northwind-custody", "read.out_of_scope");
	static const char *const bad[] = {"limit=0", "limit=101", "limit=x",
					  "from=x",  "until=0",   "before=-1",
					  "state=x", "nonsense",  "until=99999999999999999"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		ask(&world, FIRM_PRICES, arena_format(&world.arena, "/v1/ledger/export?%s", bad[i]), 400);
	assert_int_equal(pages + 1, count_of(&world, ENTRY_EXPORT));
}

static void
bad_grants_are_refused_by_name(void **) {
	static const struct {
		const char *resource, *payload, *name;
	} cases[] = {
		{AUDITOR, "{\"entity\":\"options\",\"from\":1,\"until\":2}", "payload.entity"}, /* a desk */
		{AUDITOR, "{\"entity\":\"nobody\",\"from\":1,\"until\":2}", "payload.entity"},
		{AUDITOR, "{\"entity\":\"northwind-trading\",\"from\":2,\"until\":2}", "access.period"},
		{AUDITOR, "{\"entity\":\"northwind-trading\",\"until\":2}", "payload.from"},
		{"workload:nobody", "{\"entity\":\"northwind-trading\",\"from\":1,\"until\":2}", "directory.unknown"},
		{"key:eth-hot", "{\"entity\":\"northwind-trading\",\"from\":1,\"until\":2}", "operation.resource"},
	};
	_cleanup_(world_end) struct world world;
	begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ipc_response response;
		assert_ok(house_submit(&world.house, &world.arena,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "auditor.grant",
							       .resource = cases[i].resource,
							       .payload = cases[i].payload,
							       .reason = "audit"},
				       &response));
		if (response.status == 202) { /* what only the change itself can tell */
			struct bytes id = response.operation;
			assert_ok(house_vote(&world.house, &world.arena, id, FIRM_PERSON_3, "approve", &response));
			assert_ok(house_vote(&world.house, &world.arena, id, FIRM_PERSON_5, "approve", &response));
			assert_answer(409, "failed", &response);
			assert_non_null(
				memmem(response.body.data, response.body.len, cases[i].name, strlen(cases[i].name)));
		} else
			assert_bytes(bytes_of_text(cases[i].name), house_problem(&world.arena, &response));
	}
	ask(&world, FIRM_PRICES, "/v1/keys", 200);
}

/* Nobody asks again while a stream is open, so it ends when it could not be asked for any more. */
static void
live_updates_end_when_whoever_watches_becomes_an_auditor(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response watched, other, response;
	house_found(&house, nullptr);
	house_start(&house);
	assert_ok(house_get_by(&house, &arena, FIRM_PRICES, "/v1/events", &watched));
	assert_ok(house_get_by(&house, &arena, FIRM_TREASURER, "/v1/events", &other));
	assert_true(watched.is_feed && watched.stream != 0 && other.is_feed && other.stream != watched.stream);
	assert_ok(house_submit(
		&house, &arena,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "auditor.grant",
					.resource = AUDITOR,
					.payload = "{\"entity\":\"northwind-trading\",\"from\":0,\"until\":1}"},
		&response));
	assert_answer(202, "held", &response);
	struct bytes id = response.operation;
	assert_ok(house_vote(&house, &arena, id, FIRM_PERSON_3, "approve", &response));
	assert_int_equal(0, house.stream_ended);
	assert_ok(house_vote(&house, &arena, id, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
	assert_int_equal(watched.stream, house.stream_ended);
	assert_ok(house_get_by(&house, &arena, FIRM_PRICES, "/v1/events", &response));
	assert_int_equal(403, response.status);
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_1,
						       .kind = "principal.suspend",
						       .resource = "workload:treasurer",
						       .payload = "{}"},
			       &response));
	assert_answer(200, "done", &response);
	assert_int_equal(other.stream, house.stream_ended);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(an_auditor_reads_what_is_granted_and_nothing_else),
		T(an_auditor_reads_what_is_done_to_those_of_their_legal_entity_whoever_asks),
		T(what_is_no_success_is_a_read_all_the_same),
		T(the_period_is_that_of_the_entries),
		T(whose_grants_are_revoked_reads_nothing_also_after_a_restart),
		T(an_export_is_pages_that_verify_each_an_entry_with_its_hash),
		T(bad_grants_are_refused_by_name),
		T(live_updates_end_when_whoever_watches_becomes_an_auditor),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
