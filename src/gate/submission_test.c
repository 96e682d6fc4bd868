/* What a request must be before anything is decided on it, and what is decided on where it came from and what it is worth. */
#include "tests/test.h"

#include <stdio.h>

#include "base/time.h"
#include "gate/change_assets.h"
#include "gate/enrolment.h"
#include "gate/sign_in.h"
#include "tests/gate_fixture.h"

/* --- The request. --- */

static enum status
read_from(struct bench_gate *b, const struct http_request *request, struct bytes peer_address,
	  struct submission *submission) {
	TRY(gate_begin_operation(b->gate, request, peer_address, b->now_ms, submission));
	return gate_verify_operation(b->gate, request, b->now_ms, submission);
}

static enum status
read_request(struct bench_gate *b, struct arena *arena, const struct http_request *request,
	     struct submission *submission) {
	*submission = (struct submission){.arena = arena};
	return read_from(b, request, (struct bytes){}, submission);
}

static struct firm_operation
freeze(const char *idempotency_key) {
	return (struct firm_operation){.by = FIRM_PERSON_1,
				       .kind = "key.freeze",
				       .resource = "key:eth-hot",
				       .payload = "{}",
				       .idempotency_key = idempotency_key,
				       .created_ms = START_MS};
}

/* A person's signature covers the operation alone, so that nothing else would refuse another form of the body. */
static void
a_body_is_read_in_its_canonical_form_only(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct submission submission;
	set_up(&b);
	struct firm_operation operation = freeze("one");
	assert_ok(firm_body(&b.firm, INSTANCE, &operation, &body));
	const char *document, *payload = ",\"payload\":{}";
	assert_non_null(document = arena_format(&arena, "%.*s", BYTES_ARGS(body)));
	const char *at = strstr(document, payload);
	assert_non_null(at);
	const char *const others[] = {
		arena_format(&arena, "%s\n", document),
		arena_format(&arena, " %s", document),
		arena_format(&arena, "{ %s", document + 1),
		arena_format(&arena, "{\"payload\":{},%.*s%s", (int)(at - document) - 1, document + 1,
			     at + strlen(payload)),
		arena_format(&arena, "{\"\\u006fperation%s", document + strlen("{\"operation")),
	};
	struct http_request request = {.method = BYTES_OF_LITERAL("POST"),
				       .target = BYTES_OF_LITERAL("/v1/operations")};
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		request.body = bytes_of_text(others[i]);
		assert_fails(STATUS_INVALID, "request.canonical", read_request(&b, &arena, &request, &submission));
	}
	request.body = bytes_of_text(document);
	assert_ok(read_request(&b, &arena, &request, &submission));
}

/* 128 kB that would take megabytes while they are read, from whoever it is. */
static void
a_body_of_too_many_values_is_refused_before_it_is_read(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct submission submission;
	struct vote_submission vote;
	struct enrolment enrolment;
	struct sign_in sign_in;
	struct hash256 token;
	set_up(&b);
	for (size_t i = 0; i < JSON_REQUEST_VALUES_MAX; i++)
		buffer_append_text(&body, i == 0 ? "[1" : ",1");
	buffer_append_text(&body, "]");
	assert_ok(buffer_status(&body));
	const struct bytes text = buffer_bytes(&body);
	const struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = BYTES_OF_LITERAL("/v1/operations"), .body = text};
	assert_fails(STATUS_INVALID, "json.values", read_request(&b, &arena, &request, &submission));
	assert_fails(STATUS_INVALID, "json.values", gate_read_vote(b.gate, &arena, text, &vote));
	assert_fails(STATUS_INVALID, "json.values", enrolment_read(&arena, text, &enrolment));
	assert_fails(STATUS_INVALID, "json.values", enrolment_read_token(&arena, text, &token));
	assert_fails(STATUS_INVALID, "json.values", sign_in_read(&arena, text, &sign_in));
	body.len -= 3; /* ",1]": as many as may be */
	buffer_append_text(&body, "]");
	assert_fails(STATUS_INVALID, "request.type", gate_read_vote(b.gate, &arena, buffer_bytes(&body), &vote));
}

/* The header's key is what gateways see and what answers are kept by; the document's is what the gate counts by. */
static void
the_headers_idempotency_key_is_the_documents(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct http_request request;
	struct submission submission;
	char payload[512];
	set_up(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	operation.created_ms = b.now_ms;
	operation.idempotency_key = "invoice-17";
	assert_ok(firm_request(&b.firm, &arena, INSTANCE, AUTHORITY, &operation, &request));
	assert_ok(read_request(&b, &arena, &request, &submission));
	operation.header_key = "invoice-18";
	assert_ok(firm_request(&b.firm, &arena, INSTANCE, AUTHORITY, &operation, &request));
	assert_fails(STATUS_INVALID, "operation.idempotency_key", read_request(&b, &arena, &request, &submission));
}

static void
secrets_are_brought_by_people(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	struct http_request request;
	struct submission submission;
	set_up(&b);
	struct firm_operation operation = {.by = FIRM_SETTLEMENT,
					   .kind = "key.import",
					   .resource = "account:options-hot",
					   .payload = "{}",
					   .secret = "{\"salt\":\"00\",\"value\":\"11\"}",
					   .idempotency_key = "import",
					   .created_ms = b.now_ms};
	assert_ok(firm_request(&b.firm, &arena, INSTANCE, AUTHORITY, &operation, &request));
	assert_fails(STATUS_INVALID, "request.secret", read_request(&b, &arena, &request, &submission));
	assert_non_null(strstr(fail_message(), "brought by people"));
}

static void
an_operation_is_taken_between_its_times(void **) {
	static const struct {
		int64_t created, lifetime; /* from now */
		enum status status;
		const char *name;
	} cases[] = {
		{5'001, HOUR_MS, STATUS_EXPIRED, "operation.created"},
		{DAY_MS, HOUR_MS, STATUS_EXPIRED, "operation.created"},
		{-MINUTE_MS, MINUTE_MS, STATUS_EXPIRED, "operation.expired"},
		{5'000, HOUR_MS, OK, nullptr}, /* the requester's clock may be ahead by this much */
		{-MINUTE_MS, MINUTE_MS + 1, OK, nullptr},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		size_t entries = b.count;
		struct firm_operation operation = freeze(nullptr);
		operation.created_ms = b.now_ms + cases[i].created;
		operation.lifetime_ms = cases[i].lifetime;
		submit(&b, &operation, &s);
		if (cases[i].status == OK) {
			assert_ok(s.status);
			continue;
		}
		assert_fails(cases[i].status, cases[i].name, s.status);
		assert_int_equal(entries, b.count);
	}
}

/* --- What is decided on. --- */

static void
submit_from(struct bench_gate *b, struct bytes peer_address, unsigned nonce, struct submitted *s) {
	char payload[512], key[32];
	struct http_request request;
	struct firm_operation operation = transfer(10, nonce, payload);
	snprintf(key, sizeof key, "from-%u", nonce);
	operation.idempotency_key = key;
	operation.created_ms = b->now_ms;
	*s = (struct submitted){};
	s->submission.arena = &s->arena;
	assert_ok(firm_request(&b->firm, &s->arena, INSTANCE, AUTHORITY, &operation, &request));
	assert_ok(read_from(b, &request, peer_address, &s->submission));
	s->status = gate_submit(b->gate, &s->submission, b->now_ms, &s->step);
	assert_ok(s->status);
	write_step(b, &s->step);
}

static bool
states(const struct submitted *s, const char *fact) {
	struct bytes facts = s->step.record->facts;
	return memmem(facts.data, facts.len, fact, strlen(fact)) != nullptr;
}

/* The workload's key is registered with the zone "trading". */
static void
a_request_over_another_network_is_a_mismatch(void **) {
	static const struct {
		uint8_t address[16];
		size_t len;
		const char *seen; /* null: no zone */
		bool mismatch;
	} cases[] = {
		{{127, 0, 0, 1}, 4, "trading", false},
		{{127, 1, 255, 255}, 4, "trading", false},
		{{127, 2, 0, 1}, 4, "treasury", true},
		{{127, 3, 0, 1}, 4, "office", true},
		{{127, 4, 0, 1}, 4, nullptr, true}, /* none's */
		{{0x20, 0x01, 0x0d, 0xb8}, 16, nullptr, true},
		{{}, 0, nullptr, false}, /* the keeper's own: nothing was seen */
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		submit_from(&b, bytes_of(cases[i].address, cases[i].len), (unsigned)i, &s);
		char seen[64];
		snprintf(seen, sizeof seen, "\"zone.seen\":\"%s\"", cases[i].seen == nullptr ? "" : cases[i].seen);
		assert_int_equal(cases[i].seen != nullptr, states(&s, seen));
		assert_true(states(&s, "\"zone.registered\":\"trading\""));
		assert_true(states(&s, cases[i].mismatch ? "\"zone.mismatch\":true" : "\"zone.mismatch\":false"));
		assert_int_equal(cases[i].mismatch ? OPERATION_DENIED : OPERATION_DONE, s.step.state);
		if (cases[i].mismatch)
			assert_bytes(BYTES_OF_LITERAL("zone_mismatch"), s.step.record->reasons[0].policy);
	}
	assert_honest(&b);
}

/* A sum that nobody can know holds no permit up unless the engine is strict; the gate's always is. */
static void
a_forbid_that_cannot_be_evaluated_denies(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	activate(&b,
		 "@id(\"anything\") permit (principal, action, resource);\n"
		 "@id(\"overflows\") forbid (principal, action == Action::\"sign\", resource)\n"
		 "when { context.transfer has usd_cents && context.transfer.usd_cents * 9223372036854775807 < 0 };\n");
	struct firm_operation operation = transfer(10, 0, payload);
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DENIED, s.step.state);
	assert_int_equal(DECISION_DENY, s.step.record->decision);
	assert_honest(&b);
}

/* It is signed with the operation and stands in its document, where whoever reconciles finds it. */
static void
a_policy_can_demand_a_reference(void **) {
	static const struct {
		const char *reference, *fact;
		enum operation_state state;
	} cases[] = {
		{nullptr, "\"request.has_reference\":false", OPERATION_DENIED},
		{"INV 77", "\"request.has_reference\":true", OPERATION_DONE},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	activate(&b, "@id(\"anything\") permit (principal, action, resource);\n"
		     "@id(\"no_reference\") forbid (principal, action == Action::\"sign\", resource)\n"
		     "unless { context.request.has_reference };\n");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		char payload[512];
		struct firm_operation operation = transfer(10, (unsigned)i, payload);
		operation.reference = cases[i].reference;
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(cases[i].state, s.step.state);
		assert_true(states(&s, cases[i].fact));
		const struct decision_record *record = s.step.record;
		bool stated =
			memmem(record->document.data, record->document.len, "\"reference\":\"INV 77\"", 20) != nullptr;
		assert_int_equal(cases[i].reference != nullptr, stated);
		assert_int_equal(1, record->reason_count);
		assert_bytes(stated ? BYTES_OF_LITERAL("anything") : BYTES_OF_LITERAL("no_reference"),
			     record->reasons[0].policy);
	}
	assert_honest(&b);
}

/* 0.1 ether at 3,000 dollars, and 21,000 × 30 gwei for the block. */
static void
a_transfer_counts_in_every_dimension(void **) {
	constexpr int64_t AMOUNT = 30'000;
	constexpr int64_t WITH_FEE = 30'189;
	static const struct {
		enum limit_dimension dimension;
		const char *fact, *subject;
		int64_t cents;
	} cases[LIMIT_DIMENSIONS] = {
		{LIMIT_KEY, "limits.key", "eth-hot", WITH_FEE},
		{LIMIT_ACCOUNT, "limits.account", "options-hot", WITH_FEE},
		{LIMIT_DESK, "limits.desk", "options", WITH_FEE},
		{LIMIT_LEGAL_ENTITY, "limits.legal_entity", "northwind-trading", WITH_FEE},
		{LIMIT_REQUESTER, "limits.requester", "workload:settlement", WITH_FEE},
		{LIMIT_DESTINATION, "limits.destination", "eip155:1:0x3535353535353535353535353535353535353535",
		 AMOUNT},
		{LIMIT_ASSET, "limits.asset", "eip155:1/native", WITH_FEE},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	for (int64_t times = 1; times <= 2; times++) {
		_cleanup_(submitted_free) struct submitted s;
		char payload[512], fact[160];
		struct firm_operation operation = transfer(10, (unsigned)times, payload);
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(OPERATION_DONE, s.step.state);
		for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
			long long sum = times * cases[i].cents;
			snprintf(fact, sizeof fact, "\"%s\":{\"day\":%lld,\"hour\":%lld,\"week\":%lld}", cases[i].fact,
				 sum, sum, sum);
			if (!states(&s, fact))
				fail_msg("not stated: %s", fact);
			for (int window = 0; window < LIMIT_WINDOWS; window++)
				assert_int_equal(sum, limits_sum(b.gate->state->limits, cases[i].dimension,
								 bytes_of_text(cases[i].subject),
								 (enum limit_window)window, b.now_ms, nullptr, 0));
		}
	}
}

static void
assert_states_sum(const struct submitted *s, const char *dimension, int64_t cents) {
	char fact[160];
	long long sum = cents;
	snprintf(fact, sizeof fact, "\"limits.%s\":{\"day\":%lld,\"hour\":%lld,\"week\":%lld}", dimension, sum, sum,
		 sum);
	if (!states(s, fact))
		fail_msg("not stated: %s", fact);
}

static int64_t
counted_today(struct bench_gate *b, enum limit_dimension dimension, const char *subject) {
	return limits_sum(b->gate->state->limits, dimension, bytes_of_text(subject), LIMIT_DAY, b->now_ms, nullptr, 0);
}

static void
add_paid(void *context, struct bytes, int64_t cents) {
	*(int64_t *)context += cents;
}

#define USDC "A0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
#define PAYEE "0x3535353535353535353535353535353535353535"

/* A dollar a token, and 60,000 × 30 gwei for the block, in ether. What a spender may take is counted as if it were taken, and nothing
 * was sent there. */
static void
a_token_counts_in_its_own_asset_and_its_fee_in_ether(void **) {
	constexpr int64_t FEE = 540;
	static const struct {
		const char *selector;
		unsigned tokens;
		int64_t all, amounts, fees, paid; /* with what came before; paid: by this one */
	} cases[] = {
		{"a9059cbb", 250, 25'000 + FEE, 25'000, FEE, 25'000},
		{"095ea7b3", 100, 35'000 + 2 * FEE, 35'000, 2 * FEE, 0},
		{"095ea7b3", 0, 35'000 + 3 * FEE, 35'000, 3 * FEE, 0}, /* taken back: only the fee */
	};
	static const char *const wholes[] = {"key", "account", "desk", "legal_entity", "requester"};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		char payload[512];
		int64_t paid = 0;
		struct firm_operation operation =
			token_call(cases[i].selector, USDC, cases[i].tokens * 1'000'000, i, payload);
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(OPERATION_DONE, s.step.state);
		for (size_t j = 0; j < ARRAY_LENGTH(wholes); j++)
			assert_states_sum(&s, wholes[j], cases[i].all);
		assert_states_sum(&s, "destination", cases[i].amounts);
		assert_states_sum(&s, "asset", cases[i].amounts); /* the greater of both */
		assert_int_equal(cases[i].amounts, counted_today(&b, LIMIT_ASSET, "eip155:1/0x" USDC));
		assert_int_equal(cases[i].fees, counted_today(&b, LIMIT_ASSET, "eip155:1/native"));
		assert_int_equal(cases[i].amounts, counted_today(&b, LIMIT_DESTINATION, "eip155:1:" PAYEE));
		assert_int_equal(0, counted_today(&b, LIMIT_DESTINATION, "eip155:1:0x" USDC));
		limits_visit_paid(b.gate->state->limits, s.submission.id.bytes, add_paid, &paid);
		assert_int_equal(cases[i].paid, paid);
	}
	assert_restarts_alike(&b);
}

/* A second key, and ether on a second chain. */
static void
set_up_two_keys_and_chains(struct bench_gate *b) {
	static const struct {
		const char *kind, *resource, *payload;
	} changes[] = {
		{"key.create", "account:options-hot",
		 "{\"algorithm\":\"secp256k1\",\"id\":\"eth-two\",\"material\":\"single\",\"purpose\":\"transfer\"}"},
		{"asset.add", "system:gatehouse", "{\"chain\":\"eip155:10\",\"decimals\":18,\"symbol\":\"ETH\"}"},
		{"price.set", "asset:eip155:10/native", "{\"microcents\":300000000000}"},
	};
	set_up(b);
	make_hot_key(b);
	activate(b, "@id(\"all\") permit (principal, action, resource);");
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++)
		assert_int_equal(OPERATION_DONE,
				 stop(b, FIRM_PERSON_4, changes[i].kind, changes[i].resource, changes[i].payload));
}

/* Of two with one key, chain and nonce the chain takes one; any others it takes both. */
static void
a_replacement_counts_as_the_greatest_and_all_else_as_the_sum(void **) {
	static const struct {
		const char *key, *chain;    /* in hexadecimal */
		unsigned nonce, hundredths; /* 0: 250 tokens instead */
		int64_t of_key, of_account, of_asset, to_destination;
	} cases[] = {
		{"eth-hot", "01", 0, 10, 30'189, 30'189, 30'189, 30'000},
		{"eth-hot", "01", 0, 5, 30'189, 30'189, 30'189, 30'000},  /* a smaller one */
		{"eth-hot", "01", 0, 20, 60'189, 60'189, 60'189, 60'000}, /* a greater one */
		{"eth-hot", "01", 0, 0, 60'189, 60'189, 60'189, 60'000},  /* another asset */
		{"eth-hot", "01", 1, 10, 90'378, 90'378, 90'378, 90'000},
		{"eth-two", "01", 0, 10, 30'189, 120'567, 120'567, 120'000},
		{"eth-hot", "0a", 0, 10, 120'567, 150'756, 30'189, 30'000},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up_two_keys_and_chains(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		char payload[512], resource[32];
		struct firm_operation operation =
			cases[i].hundredths > 0 ? transfer(cases[i].hundredths, cases[i].nonce, payload)
						: token_call("a9059cbb", USDC, 250'000'000, cases[i].nonce, payload);
		if (cases[i].hundredths > 0)
			memcpy(strstr(payload, "0x02") + strlen("0x02f0"), cases[i].chain, 2);
		snprintf(resource, sizeof resource, "key:%s", cases[i].key);
		operation.resource = resource;
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(OPERATION_DONE, s.step.state);
		assert_states_sum(&s, "key", cases[i].of_key);
		assert_states_sum(&s, "account", cases[i].of_account);
		assert_states_sum(&s, "requester", cases[i].of_account);
		assert_states_sum(&s, "asset", cases[i].of_asset);
		assert_states_sum(&s, "destination", cases[i].to_destination);
		assert_int_equal(cases[i].of_key, counted_today(&b, LIMIT_KEY, cases[i].key));
	}
	assert_int_equal(25'000, counted_today(&b, LIMIT_ASSET, "eip155:1/0x" USDC));
	assert_restarts_alike(&b);
}

/* Of a price, in units that are as small as can be: a step is never stated smaller than it is. */
static void
a_price_steps_by_no_less_than_is_stated(void **) {
	static const struct {
		uint64_t before, now;
		int64_t basis_points;
	} cases[] = {
		{0, 7, -1}, /* the first */
		{1'000'000, 1'000'000, 0},
		{1'000'000, 1'100'000, 1'000},
		{1'000'000, 1'100'001, 1'001},
		{1'000'000, 900'000, 1'000},
		{1'000'000, 899'999, 1'001},
		{3, 4, 3'334},
		{1, JSON_INTEGER_MAX, JSON_INTEGER_MAX},
	};
	static const char asset[] = "eip155:1/native";
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
		_cleanup_(arena_free) struct arena arena = {};
		struct facts facts;
		struct gate_state state = {};
		struct change change = {
			.kind = OPERATION_PRICE_SET, .resource_id = bytes_of_text(asset), .now_ms = START_MS};
		const char *payload = arena_format(&arena, "{\"microcents\":%llu}", (unsigned long long)cases[i].now);
		assert_ok(json_read(&arena, bytes_of_text(payload), (struct json_limits){}, &change.payload));
		assert_ok(asset_registry_create(&registry));
		assert_ok(asset_registry_add(registry, BYTES_OF_LITERAL("eip155:1"), (struct bytes){},
					     BYTES_OF_LITERAL("ETH"), 18));
		if (cases[i].before > 0)
			assert_ok(asset_registry_set_price(registry, bytes_of_text(asset), cases[i].before, START_MS));
		state.assets = registry;
		facts_start(&facts, &arena);
		facts_of_price_set(&state, &change, &facts);
		const struct fact *first = facts_find(&facts, "price.is_first"),
				  *step = facts_find(&facts, "price.step_basis_points");
		assert_int_equal(cases[i].before == 0, first->value.boolean);
		assert_int_equal(cases[i].before > 0, step != nullptr);
		if (step != nullptr)
			assert_int_equal(cases[i].basis_points, step->value.integer);
	}
}

RUN_TESTS(T(a_body_is_read_in_its_canonical_form_only), T(a_body_of_too_many_values_is_refused_before_it_is_read),
	  T(the_headers_idempotency_key_is_the_documents), T(secrets_are_brought_by_people),
	  T(an_operation_is_taken_between_its_times), T(a_request_over_another_network_is_a_mismatch),
	  T(a_forbid_that_cannot_be_evaluated_denies), T(a_policy_can_demand_a_reference),
	  T(a_transfer_counts_in_every_dimension), T(a_token_counts_in_its_own_asset_and_its_fee_in_ether),
	  T(a_replacement_counts_as_the_greatest_and_all_else_as_the_sum), T(a_price_steps_by_no_less_than_is_stated))
