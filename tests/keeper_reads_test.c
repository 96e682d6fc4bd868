#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "tests/fault_io.h"
#include "tests/house.h"

static struct bytes
done_transfer(struct house *house, struct arena *arena, uint64_t nonce) {
	struct ipc_response response;
	assert_ok(house_submit(house, arena, house_sign(house_transfer(arena, 10, nonce, 30)), &response));
	assert_answer(200, "done", &response);
	return house_text(arena, &response, "operation");
}

/* A keeper whose clock stands, which serves so many reads of each principal a second. */
static void
open_frozen(struct house *house, struct fault_io *fault, uint32_t read_rate) {
	fault_io_start(fault);
	fault_io_freeze(fault);
	house_found(house, &fault->io);
	house->read_rate = read_rate;
	assert_ok(house_open(house));
}

/* How many of `count` reads are answered; the others must say why not. */
static unsigned
answered(struct house *house, enum firm_member by, const char *target, unsigned count) {
	unsigned ok = 0;
	for (unsigned i = 0; i < count; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		assert_ok(house_get_by(house, &arena, by, target, &response));
		ok += response.status == 200;
		if (response.status == 200)
			continue;
		assert_int_equal(429, response.status);
		assert_bytes(BYTES_OF_LITERAL("request.rate"), house_problem(&arena, &response));
		assert_bytes(BYTES_OF_LITERAL("1"), response.retry_after);
	}
	return ok;
}

static void
reads_over_the_limit_of_their_principal_are_refused_and_no_one_else_s(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	open_frozen(&house, &fault, 20);
	assert_int_equal(20, answered(&house, FIRM_PERSON_1, "/v1/policy", 60));
	fault_io_pass(&fault, 2'000);
	assert_int_equal(20, answered(&house, FIRM_PERSON_1, "/v1/policy", 60));
	assert_int_equal(20, answered(&house, FIRM_PERSON_2, "/v1/policy", 20));
	/* Nobody is known to have asked: no principal's part is used up by it. */
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct http_request unsigned_request = {.method = BYTES_OF_LITERAL("GET"),
						.target = BYTES_OF_LITERAL("/v1/instance")};
	struct ipc_request frame = house_frame(&unsigned_request);
	for (unsigned i = 0; i < 100; i++) {
		assert_ok(house_ask(&house, &frame, &arena, &response));
		assert_answer(200, nullptr, &response);
	}
}

static void
operations_and_reads_have_limits_of_their_own(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	open_frozen(&house, &fault, 1);
	assert_int_equal(1, answered(&house, FIRM_PERSON_4, "/v1/policy", 50));
	assert_ok(house_submit(
		&house, &arena,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "group.create", .resource = "group:desk-heads", .payload = "{}"},
		&response));
	assert_int_not_equal(429, response.status);
}

/* Until a new key counts it opens nothing: others may still stop it. */
static void
a_key_that_waits_reads_nothing(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint8_t seed[32] = {42}, public_key[32];
	char hex[65];
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	assert_ok(ed25519_public_key(seed, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	const char *payload = arena_format(&arena,
					   "{\"class\":\"terminal\",\"effective_from\":%lld,\"name\":\"new\","
					   "\"public_key\":\"%s\"}",
					   (long long)(house_now_ms(&house) + 3 * 24 * 3'600'000LL), hex);
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "principal.key_add",
						       .resource = "person:p-0000000000000003",
						       .payload = payload},
			       &response));
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
	assert_ok(house_get_by(&house, &arena, FIRM_PERSON_3, "/v1/policy", &response));
	assert_int_equal(200, response.status);
	memcpy(house.firm.members[FIRM_PERSON_3].seed, seed, sizeof seed);
	memcpy(house.firm.members[FIRM_PERSON_3].public_key, public_key, sizeof public_key);
	house.firm.members[FIRM_PERSON_3].key_id = "person:p-0000000000000003/new";
	assert_ok(house_get_by(&house, &arena, FIRM_PERSON_3, "/v1/policy", &response));
	assert_int_equal(401, response.status);
	assert_bytes(BYTES_OF_LITERAL("directory.key_waiting"), house_problem(&arena, &response));
}

static void
an_explanation_counts_as_ten(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct bytes operation = done_transfer(&house, &arena, 0);
	house_close(&house);
	house.read_rate = 25;
	assert_ok(house_open(&house));
	char *target = arena_format(&arena, "/v1/operations/%.*s/explanation", BYTES_ARGS(operation));
	assert_in_range(answered(&house, FIRM_PERSON_1, target, 60), 2, 30);
}

/* A page of it is looked for in all of it, and nobody is decided for meanwhile. */
static void
a_page_of_a_long_list_counts_by_its_length(void **) {
	constexpr unsigned ADDED = 4'000;
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	open_frozen(&house, &fault, 20);
	assert_int_equal(10, answered(&house, FIRM_PERSON_1, "/v1/lists/sanctions?limit=1", 20));
	buffer_append_text(&payload, "{\"entries\":[");
	for (unsigned i = 0; i < ADDED; i++) {
		char entry[64];
		snprintf(entry, sizeof entry, "%s\"eip155:1:0x%040x\"", i == 0 ? "" : ",", 77 + i);
		buffer_append_text(&payload, entry);
	}
	buffer_append(&payload, "]}", 3); /* with its NUL */
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "list.add",
						       .resource = "list:sanctions",
						       .payload = (const char *)payload.data},
			       &response));
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	static const enum firm_member approvers[] = {FIRM_PERSON_3, FIRM_PERSON_5};
	for (size_t i = 0; i < ARRAY_LENGTH(approvers); i++) {
		fault_io_pass(&fault, 2'000);
		assert_ok(house_vote(&house, &arena, operation, approvers[i], "approve", &response));
	}
	assert_answer(200, "done", &response);
	fault_io_pass(&fault, 2'000);
	assert_int_equal(20 / (2 + ADDED / 2'000), answered(&house, FIRM_PERSON_1, "/v1/lists/sanctions?limit=1", 20));
	assert_int_equal(10, answered(&house, FIRM_PERSON_2, "/v1/lists/counterparties?limit=1", 20));
}

/* It is decoded, or written out, for each who reads it, and nobody else is decided for meanwhile. */
static void
what_is_held_counts_by_its_size_where_it_is_decoded(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	open_frozen(&house, &fault, 40);
	assert_ok(firm_activation(nullptr, &payload));
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "policy.activate",
						       .resource = "system:gatehouse",
						       .payload = (const char *)payload.data,
						       .reason = "large"},
			       &response));
	assert_answer(202, "held", &response);
	unsigned cost = 1 + (unsigned)(payload.len / 4096);
	assert_in_range(cost, 3, 20);
	static const char *const parts[] = {"payload", "view"};
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		char *target = arena_format(&arena, "/v1/operations/%.*s/%s", BYTES_ARGS(response.operation), parts[i]);
		assert_int_equal(40 / cost, answered(&house, FIRM_PERSON_1, target, 40));
		assert_int_equal(40 / cost, answered(&house, FIRM_PERSON_2, target, 40));
		fault_io_pass(&fault, 2'000);
	}
}

/* --- Explanations of what was decided under another bundle. --- */

static void
activate(struct house *house, struct arena *arena, const char *policies) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	assert_ok(firm_activation(policies, &payload));
	assert_ok(house_submit(house, arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "policy.activate",
						       .resource = "system:gatehouse",
						       .payload = (const char *)payload.data,
						       .reason = "another bundle"},
			       &response));
	struct bytes operation = house_text(arena, &response, "operation");
	for (enum firm_member by = FIRM_PERSON_2; response.status == 202 && by <= FIRM_PERSON_5; by++)
		if (by != FIRM_PERSON_4)
			assert_ok(house_vote(house, arena, operation, by, "approve", &response));
	assert_answer(200, "done", &response);
}

static void
assert_explained(struct house *house, struct bytes operation, const struct hash256 *bundle) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	char hex[65];
	hex_encode(hash256_bytes(bundle), hex);
	assert_ok(house_get(house, &arena,
			    arena_format(&arena, "/v1/operations/%.*s/explanation", BYTES_ARGS(operation)), &response));
	assert_answer(200, nullptr, &response);
	assert_bytes(bytes_of(hex, 64), house_text(&arena, &response, "bundle"));
	assert_bytes(operation, house_text(&arena, &response, "operation"));
}

static void
wait_until_listed(struct house *house, struct bytes operation) {
	for (bool listed = false; !listed;) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		usleep(20'000);
		assert_ok(house_get(house, &arena, "/v1/operations?limit=1000", &response));
		listed = memmem(response.body.data, response.body.len, operation.data, operation.len) != nullptr;
	}
}

static void
a_decision_is_explained_by_the_bundle_of_its_day(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct hash256 bundles[3];
	struct bytes operations[3];
	static const char *const texts[] = {"permit (principal, action, resource);",
					    "@id(\"all\") permit (principal, action, resource);"};
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			activate(&house, &arena, texts[i - 1]);
		bundles[i] = keeper_gate(house.keeper)->state->bundle->hash;
		operations[i] = done_transfer(&house, &arena, i);
	}
	assert_false(hash256_equal(&bundles[1], &bundles[2]));
	/* At once, when state.db may not know the bundles yet; and when it does. */
	for (size_t i = 0; i < 3; i++)
		assert_explained(&house, operations[i], &bundles[i]);
	wait_until_listed(&house, operations[2]);
	for (size_t i = 0; i < 3; i++)
		assert_explained(&house, operations[i], &bundles[i]);
}

static void
assert_explains(struct house *house, struct bytes operation, const char *decision) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	char *target = arena_format(&arena, "/v1/operations/%.*s/explanation", BYTES_ARGS(operation));
	assert_ok(house_get(house, &arena, target, &response));
	assert_answer(200, nullptr, &response);
	assert_bytes(bytes_of_text(decision), house_text(&arena, &response, "decision"));
	assert_bytes(operation, house_text(&arena, &response, "operation"));
}

/* The newest entry is a vote, and then an outcome: what is explained is the decision before. */
static void
an_operation_is_explained_after_a_vote_and_after_its_outcome(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "key.destroy",
						       .resource = "key:eth-hot",
						       .payload = "{}",
						       .reason = "it is over"},
			       &response));
	assert_answer(202, "held", &response);
	struct bytes operation = house_text(&arena, &response, "operation");
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_answer(202, "held", &response);
	assert_explains(&house, operation, "held"); /* at once, and when state.db knows it */
	wait_until_listed(&house, operation);
	assert_explains(&house, operation, "held");
	assert_ok(house_vote(&house, &arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
	assert_explains(&house, operation, "permit");
	house_close(&house);
	assert_ok(house_open(&house));
	wait_until_listed(&house, operation);
	assert_explains(&house, operation, "permit");
}

/* The ids on a page, comma-separated, and the target of the next in `next`, empty at the end. */
static void
read_ids(struct house *house, struct arena *arena, const char *target, char ids[256], char next[256]) {
	struct ipc_response response;
	const json *page, *item;
	assert_ok(house_get_by(house, arena, FIRM_PERSON_1, target, &response));
	assert_int_equal(200, response.status);
	assert_ok(json_read(arena, response.body, (struct json_limits){}, &page));
	struct json_iterator iterator = json_iterate(json_get(page, "items"));
	ids[0] = '\0';
	while ((item = json_next(&iterator, nullptr)) != nullptr) {
		size_t len = strlen(ids);
		snprintf(ids + len, 256 - len, "%.*s,", BYTES_ARGS(json_string(json_get(item, "id"))));
	}
	const json *cursor = json_get(page, "next");
	next[0] = '\0';
	if (cursor != nullptr)
		snprintf(next, 256, "/v1/workloads?limit=2&after=%.*s", BYTES_ARGS(json_string(cursor)));
}

static void
a_listing_goes_on_where_the_page_before_ended(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	char ids[256], next[256];
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	read_ids(&house, &arena, "/v1/workloads?limit=2", ids, next);
	assert_string_equal("workload:prices,workload:settlement,", ids);
	read_ids(&house, &arena, next, ids, next);
	assert_string_equal("workload:treasurer,", ids);
	assert_string_equal("", next);
	/* A full page is not followed by an empty one; a cursor may name what is not there. */
	read_ids(&house, &arena, "/v1/workloads?limit=3", ids, next);
	assert_string_equal("", next);
	read_ids(&house, &arena, "/v1/workloads?after=776f726b6c6f61643a71", ids, next);
	assert_string_equal("workload:settlement,workload:treasurer,", ids);
	read_ids(&house, &arena, "/v1/workloads?after=ff", ids, next);
	assert_string_equal("", ids);
}

static void
a_page_that_cannot_be_is_refused_by_name(void **) {
	_cleanup_(house_free) struct house house;
	house_found(&house, nullptr);
	assert_ok(house_open(&house));
	char far[600] = "/v1/keys?after=";
	memset(far + strlen(far), 'a', 514);
	const struct {
		const char *target, *name;
	} cases[] = {
		{"/v1/keys?limit=0", "query.limit"},
		{"/v1/keys?limit=1001", "query.limit"},
		{"/v1/keys?after=", "query.after"},
		{"/v1/keys?after=abc", "query.after"},
		{"/v1/keys?after=zz", "query.after"},
		{far, "query.after"},
		{"/v1/keys?first=1", "query.name"},
		{"/v1/keys?limit", "query.form"},
		{"/v1/policy/limits?limit=0", "query.limit"},
		{"/v1/policy/limits?after=zz", "query.after"},
		{"/v1/policy/limits?after=6162", "query.after"},
		{"/v1/policy/limits?after=313233343536373839", "query.after"},
		{"/v1/policy/limits?x=1", "query.name"},
		{"/v1/keys?&", "query.form"},
		{"/v1/lists/none", "list.unknown"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		assert_ok(house_get_by(&house, &arena, FIRM_PERSON_1, cases[i].target, &response));
		assert_bytes(bytes_of_text(cases[i].name), house_problem(&arena, &response));
	}
}

/* How many the page has, and the newest of them. */
static size_t
listed(struct house *house, struct arena *arena, const char *target, struct bytes *first) {
	struct ipc_response response;
	const json *page;
	assert_ok(house_get_by(house, arena, FIRM_PERSON_1, target, &response));
	assert_answer(200, nullptr, &response);
	assert_ok(json_read(arena, response.body, (struct json_limits){}, &page));
	const json *operations = json_get(page, "operations");
	struct json_iterator all = json_iterate(operations);
	const json *one = json_next(&all, nullptr);
	*first = one == nullptr ? (struct bytes){} : json_string(json_get(one, "operation"));
	return json_size(operations);
}

static void
operations_are_found_by_what_they_say_and_where_funds_go(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct bytes found;
	house_found(&house, nullptr);
	house.is_manual = true;
	assert_ok(house_open(&house));
	house_make_key(&house, "eth-hot");
	struct bytes transfer = done_transfer(&house, &arena, 0);
	assert_ok(house_submit(&house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"vault\"}",
						       .reason = "Audit of Q3, as agreed, TICKET-77"},
			       &response));
	assert_answer(202, "held", &response);
	struct bytes held = response.operation;
	assert_ok(house_vote(&house, &arena, held, FIRM_PERSON_5, "reject", &response));
	assert_ok(keeper_publish(house.keeper));
	const struct {
		const char *search;
		size_t count;
		struct bytes first;
	} cases[] = {
		{"0x3535353535353535353535353535353535353535", 1, transfer},
		{"0X35353535", 1, transfer}, /* in whatever case, by a part */
		{"eth-hot%20settlement", 1, transfer},
		{"ticket-77", 1, held},
		{"audit%20of%20q3,", 1, held},
		{"agreed%20transfer", 0, {}},
		{"key.create", 1, {}},
		{"transfer%20settlement", 1, transfer},      /* as people call a signature */
		{"vault", 1, held},                          /* what the payload names */
		{"eth-hot", 2, transfer},                    /* the key, where it is made as well */
		{"tested", 1, held},                         /* why it was rejected, */
		{"group.add%20p-0000000000000005", 1, held}, /* and by whom */
		{"p-0000000000000002", 0, {}},
		{arena_format(&arena, "%.12s", (const char *)transfer.data), 1, transfer},
		{arena_format(&arena, "%.12s", (const char *)transfer.data + 1), 0, {}}, /* ids by how they begin */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		size_t count = listed(&house, &arena, arena_format(&arena, "/v1/operations?search=%s", cases[i].search),
				      &found);
		if (count != cases[i].count || (cases[i].first.len > 0 && !bytes_equal(found, cases[i].first)))
			fail_msg("%s: %zu", cases[i].search, count);
	}
	static const char *const bad[] = {"", "%20", "%2", "%zz", "%00", "a%20b%20c%20d%20e", "%0a", "%7f"};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		const char *target = arena_format(&arena, "/v1/operations?search=%s", bad[i]);
		assert_ok(house_get_by(&house, &arena, FIRM_PERSON_1, target, &response));
		assert_int_equal(400, response.status);
		assert_bytes(BYTES_OF_LITERAL("query.search"), house_problem(&arena, &response));
	}
}

RUN_TESTS(T(an_operation_is_explained_after_a_vote_and_after_its_outcome),
	  T(a_listing_goes_on_where_the_page_before_ended), T(a_page_that_cannot_be_is_refused_by_name),
	  T(reads_over_the_limit_of_their_principal_are_refused_and_no_one_else_s),
	  T(operations_and_reads_have_limits_of_their_own), T(a_key_that_waits_reads_nothing),
	  T(operations_are_found_by_what_they_say_and_where_funds_go), T(an_explanation_counts_as_ten),
	  T(a_page_of_a_long_list_counts_by_its_length), T(what_is_held_counts_by_its_size_where_it_is_decoded),
	  T(a_decision_is_explained_by_the_bundle_of_its_day))
