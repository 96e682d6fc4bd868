#include "tests/test.h"

#include "tests/gate_fixture.h"

#define ADDRESS "3535353535353535353535353535353535353535"
#define ENTRY "eip155:1:0x" ADDRESS
#define LIST "list:counterparties"

static enum operation_state
submit_alone(struct bench_gate *b, const struct firm_operation *operation) {
	_cleanup_(submitted_free) struct submitted s;
	submit(b, operation, &s);
	assert_ok(s.status);
	return s.step.state;
}

static enum operation_state
change_list(struct bench_gate *b, const char *kind, const char *terms) {
	_cleanup_(submitted_free) struct submitted s;
	char payload[256];
	snprintf(payload, sizeof payload, "{\"entries\":[\"" ENTRY "\"]%s}", terms);
	submit(b, &(struct firm_operation){.by = FIRM_PERSON_4, .kind = kind, .resource = LIST, .payload = payload},
	       &s);
	assert_ok(s.status);
	if (s.step.state != OPERATION_HELD)
		return s.step.state;
	(void)vote(b, s.step.operation, FIRM_PERSON_5, "approve");
	return vote(b, s.step.operation, FIRM_PERSON_1, "approve");
}

static bool
is_tested(const struct bench_gate *b) {
	const struct destination_list *list =
		destinations_find(&b->gate->state->destinations, BYTES_OF_LITERAL("counterparties"));
	return destination_list_entry(list, BYTES_OF_LITERAL(ENTRY))->is_tested;
}

static void
put_on_probation(struct bench_gate *b) {
	set_up(b);
	make_hot_key(b);
	assert_int_equal(OPERATION_DONE, change_list(b, "list.remove", ""));
	assert_int_equal(OPERATION_DONE, change_list(b, "list.add", ",\"probation\":6500"));
}

static void
a_transfer_of_nothing_is_no_test(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	put_on_probation(&b);
	struct firm_operation nothing = transfer(0, 0, payload);
	assert_int_equal(OPERATION_DONE, submit_alone(&b, &nothing));
	assert_false(is_tested(&b));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_DENIED, change_list(&b, "list.confirm", ""));
	struct firm_operation test = transfer(1, 1, payload);
	assert_int_equal(OPERATION_DONE, submit_alone(&b, &test));
	assert_true(is_tested(&b));
	assert_restarts_alike(&b);
	assert_int_equal(OPERATION_DONE, change_list(&b, "list.confirm", ""));
}

/* approve() of ten USDC by contract 0xA0b8…eB48: worth a test, but nothing is sent. */
static void
nor_is_an_allowance(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	put_on_probation(&b);
	struct firm_operation approve = {
		.by = FIRM_SETTLEMENT,
		.kind = "sign",
		.resource = "key:eth-hot",
		.payload = "{\"format\":\"evm\",\"transaction\":\"0x02f86d0180843b9aca008506fc23ac0082ea6094"
			   "a0b86991c6218b36c1d19d4a2e9eb0ce3606eb4880b844095ea7b3"
			   "000000000000000000000000" ADDRESS
			   "0000000000000000000000000000000000000000000000000000000000989680c0\"}"};
	assert_int_equal(OPERATION_DENIED, submit_alone(&b, &approve)); /* by the shipped policies */
	struct limit_part part = {LIMIT_DESTINATION, BYTES_OF_LITERAL(ENTRY), 1000};
	struct spend spend = {.at_ms = b.now_ms, .operation = {1}, .identity = {1}, .parts = &part, .part_count = 1};
	spend.is_allowance = true;
	assert_ok(gate_state_apply_spend(b.gate->state, &spend)); /* whatever others permit */
	gate_state_note_signed(b.gate->state, &(struct hash256){.bytes = {1}}, b.now_ms);
	assert_false(is_tested(&b));
	spend.is_allowance = false;
	spend.operation[0] = spend.identity[0] = 2;
	assert_ok(gate_state_apply_spend(b.gate->state, &spend));
	assert_true(is_tested(&b));
}

static void
an_allowance_says_that_it_is_one_in_the_log(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	for (int allows = 0; allows < 2; allows++) {
		_cleanup_(buffer_free) struct buffer text = {};
		struct limit_part part = {LIMIT_DESTINATION, BYTES_OF_LITERAL(ENTRY), 1000};
		struct spend spend = {.is_allowance = allows == 1, .parts = &part, .part_count = 1}, read = {};
		struct json_writer w;
		const json *recorded;
		json_writer_start(&w, &text);
		spend_write(&w, &spend);
		assert_ok(json_writer_finish(&w));
		assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &recorded));
		assert_ok(spend_read(&arena, recorded, &read));
		assert_int_equal(allows == 1, read.is_allowance);
		assert_int_equal(allows == 1, json_get(recorded, "allowance") != nullptr);
	}
}

/* Whoever has a counterparty's look-alike entered needs three people who compare no closer than the first two. */
static void
a_look_alike_of_a_destination_is_held_for_one_person_more(void **) {
	static const char payload[] =
		"{\"entries\":[\"eip155:1:0x3535000000000000000000000000000000003535\"],\"probation\":1000}";
	static const char fact[] = "\"change.look_alike_of\":\"eip155:1:0x3535353535353535353535353535353535353535\"";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = {
		.by = FIRM_PERSON_4, .kind = "list.add", .resource = "list:counterparties", .payload = payload};
	set_up(&b);
	submit(&b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_non_null(memmem(s.step.record->facts.data, s.step.record->facts.len, fact, sizeof fact - 1));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	assert_bytes(BYTES_OF_LITERAL("{\"total\":1}"), s.step.operation->held->missing);
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
}

RUN_TESTS(T(a_look_alike_of_a_destination_is_held_for_one_person_more), T(a_transfer_of_nothing_is_no_test),
	  T(nor_is_an_allowance), T(an_allowance_says_that_it_is_one_in_the_log))
