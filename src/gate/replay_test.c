/* What a log that its own keeper forged says, and replay does not believe. */
#include "tests/test.h"

#include "crypto/sign.h"
#include "tests/gate_fixture.h"

static const char everyone[] = "@id(\"all\") permit (principal, action, resource) when {\n"
			       "  action != Action::\"policy.activate\" || context.approvals.total >= 2 };\n";

/* All of the log but the last, without a difference; then this one. */
static void
assert_last_differs(const struct bench_gate *b, size_t count, struct bytes last, const char *expected) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	enum replay_result result;
	const char *difference;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	for (size_t i = 0; i < count; i++) {
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b->leaves[i]), &result, &difference));
		if (difference != nullptr)
			fail_msg("entry %zu: %s", i, difference);
	}
	assert_ok(replayer_add(replayer, count, last, &result, &difference));
	assert_int_equal(REPLAY_DIFFERENT, result);
	if (strncmp(difference, expected, strlen(expected)) != 0)
		fail_msg("expected \"%s\", found \"%s\"", expected, difference);
}

/* The entry of this number behind all others, and back. */
static void
put_last(struct bench_gate *b, size_t index) {
	struct buffer leaf = b->leaves[index];
	memmove(&b->leaves[index], &b->leaves[index + 1], (b->count - index - 1) * sizeof leaf);
	b->leaves[b->count - 1] = leaf;
}

static void
put_back(struct bench_gate *b, size_t index) {
	struct buffer leaf = b->leaves[b->count - 1];
	memmove(&b->leaves[index + 1], &b->leaves[index], (b->count - index - 1) * sizeof leaf);
	b->leaves[index] = leaf;
}

static void
a_bundle_that_was_replaced_decides_no_more(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s, again;
	set_up(&b);
	activate(&b, everyone);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_DONE, s.step.state);
	size_t decided = b.count - 1;
	activate(&b, "@id(\"none\") permit (principal, action, resource) when { context.approvals.total > 1 };\n");
	put_last(&b, decided);
	assert_last_differs(&b, b.count - 1, buffer_bytes(&b.leaves[b.count - 1]),
			    "its bundle is not the one that was in force");
	put_back(&b, decided);
	activate(&b, everyone);
	submit(&b,
	       &(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "zone.add",
					.resource = "system:gatehouse",
					.payload = "{\"id\":\"north\"}"},
	       &again);
	assert_int_equal(OPERATION_DONE, again.step.state);
	assert_replays(&b, 8);
}

/* In a copy of the log's last entry, each time that it is there. */
static void
exchange_in_last(const struct bench_gate *b, const char *from, const char *to, struct buffer *changed) {
	const struct buffer *leaf = &b->leaves[b->count - 1];
	size_t len = strlen(from), count = 0;
	buffer_reset(changed);
	for (size_t i = 0; i < leaf->len;) {
		bool is_here = leaf->len - i >= len && memcmp(leaf->data + i, from, len) == 0;
		if (is_here)
			buffer_append_text(changed, to);
		else
			buffer_append_byte(changed, leaf->data[i]);
		i += is_here ? len : 1;
		count += is_here;
	}
	assert_true(count > 0);
	assert_ok(buffer_status(changed));
}

/* The policy was asked of something else than what was signed. */
static void
what_was_decided_is_what_was_signed(void **) {
	static const struct {
		const char *from, *to, *difference;
	} cases[] = {
		{"\"action\":{\"id\":\"unit.add\"", "\"action\":{\"id\":\"zone.add\"", "principal, action or resource"},
		{"\"principal\":{\"id\":\"p-0000000000000004\"", "\"principal\":{\"id\":\"p-0000000000000005\"",
		 "principal, action or resource"},
		{"\"resource\":{\"id\":\"gatehouse\",\"type\":\"System\"}",
		 "\"resource\":{\"id\":\"office\",\"type\":\"Zone\"}", "principal, action or resource"},
		{"\"operation\":\"", "\"operation\":\"00", nullptr},
		{"\"decided_at\":17", "\"decided_at\":18", "the operation had expired when it was decided"},
	};
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(buffer_free) struct buffer changed = {};
	set_up(&b);
	activate(&b, everyone);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_DONE, s.step.state);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const char *to = cases[i].to, *difference = cases[i].difference;
		char from[128], other[128];
		snprintf(from, sizeof from, "%s", cases[i].from);
		if (difference == nullptr) { /* the id, whatever it is */
			char hex[2 * 32 + 1];
			hex_encode(hash256_bytes(&s.submission.id), hex);
			snprintf(from, sizeof from, "\"operation\":\"%s\"", hex);
			hex[0] = hex[0] == '0' ? '1' : '0';
			snprintf(other, sizeof other, "\"operation\":\"%s\"", hex);
			to = other;
			difference = "the operation's document has another id";
		}
		exchange_in_last(&b, from, to, &changed);
		assert_last_differs(&b, b.count - 1, buffer_bytes(&changed), difference);
	}
}

/* The hex digest of the statement that the log's entry of this number holds. */
static void
statement_of(const struct bench_gate *b, size_t index, char hex[static 65]) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer canonical = {};
	struct approval_statement statement;
	struct json_writer writer;
	struct entry entry;
	struct hash256 digest;
	assert_ok(entry_read(&arena, buffer_bytes(&b->leaves[index]), &entry));
	assert_int_equal(ENTRY_VOTE, entry.type);
	json_writer_start(&writer, &canonical);
	json_write_value(&writer, json_get(entry.document, "statement"));
	assert_ok(json_writer_finish(&writer));
	assert_ok(approval_read(&arena, buffer_bytes(&canonical), &statement));
	assert_ok(approval_digest(&statement, &digest));
	hex_encode(hash256_bytes(&digest), hex);
}

static void
a_vote_that_was_taken_back_or_given_anew_counts_once(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(buffer_free) struct buffer changed = {};
	enum operation_state state;
	char withdrawn[65], given_anew[65], counted[65];
	set_up(&b);
	activate(&b, "@id(\"two\") permit (principal, action, resource) when { context.approvals.total >= 2 };\n");
	submit(&b, &new_unit, &s);
	size_t first = b.count;
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "withdraw"));
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	struct firm_choice again = {.verdict = "approve", .client = APPROVAL_CLIENT_CONSOLE};
	assert_ok(vote_as(&b, s.step.operation, FIRM_PERSON_2, &again, &state));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_replays(&b, 4);
	statement_of(&b, first, withdrawn);
	statement_of(&b, first + 2, given_anew);
	statement_of(&b, first + 4, counted);
	exchange_in_last(&b, counted, withdrawn, &changed);
	assert_last_differs(&b, b.count - 1, buffer_bytes(&changed), "a vote was counted that was withdrawn");
	exchange_in_last(&b, counted, given_anew, &changed);
	assert_last_differs(&b, b.count - 1, buffer_bytes(&changed), "a vote was counted that was withdrawn");
	/* Nor is one left out. */
	struct bytes leaf = buffer_bytes(&b.leaves[b.count - 1]);
	const uint8_t *votes = memmem(leaf.data, leaf.len, "\"votes\":[{", 10);
	assert_non_null(votes);
	const uint8_t *end = memchr(votes, '}', leaf.len - (size_t)(votes - leaf.data));
	assert_non_null(end);
	size_t before = (size_t)(votes - leaf.data) + 9, after = (size_t)(end - leaf.data) + 2;
	buffer_reset(&changed);
	buffer_append(&changed, leaf.data, before);
	buffer_append(&changed, leaf.data + after, leaf.len - after);
	assert_last_differs(&b, b.count - 1, buffer_bytes(&changed), "2 votes stand, and 1 are recorded");
}

/* Votes of a bundle that is in force no more stand, and count for nothing. */
static void
a_vote_under_another_bundle_counts_for_nothing(void **) {
	static const char two[] =
		"@id(\"two\") permit (principal, action, resource) when { context.approvals.total >= 2 };\n";
	static const char three[] =
		"@id(\"two\") permit (principal, action, resource) when { context.approvals.total >= 2 };\n ";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted s;
	_cleanup_(buffer_free) struct buffer changed = {};
	set_up(&b);
	activate(&b, two);
	submit(&b, &new_unit, &s);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	activate(&b, three);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_replays(&b, 6);
	exchange_in_last(&b, "\"approvals.total\":2", "\"approvals.total\":3", &changed);
	assert_last_differs(&b, b.count - 1, buffer_bytes(&changed), "approvals.total is 3, and 2 such votes approve");
}

/* Whatever of a decision's entry is changed, replay or the reader notices. */
static void
a_changed_decision_does_not_replay(void **) {
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"\"decision\":\"deny\"", "\"decision\":\"held\""},
		{"\"reasons\":[\"hourly_limit\"]", "\"reasons\":[]"},
		{"\"approvals.total\":0", "\"approvals.total\":2"},
	};
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512];
	set_up(&b);
	make_hot_key(&b);
	struct firm_operation operation = transfer(9000, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
		_cleanup_(buffer_free) struct buffer changed = {};
		enum replay_result result = REPLAY_NOT_A_DECISION;
		const char *difference;
		assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b.directory}));
		for (size_t j = 0; j + 1 < b.count; j++)
			assert_ok(replayer_add(replayer, j, buffer_bytes(&b.leaves[j]), &result, &difference));
		struct bytes leaf = buffer_bytes(&b.leaves[b.count - 1]);
		const uint8_t *at = memmem(leaf.data, leaf.len, changes[i].from, strlen(changes[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - leaf.data), after = before + strlen(changes[i].from);
		buffer_append(&changed, leaf.data, before);
		buffer_append_text(&changed, changes[i].to);
		buffer_append(&changed, leaf.data + after, leaf.len - after);
		assert_ok(replayer_add(replayer, b.count - 1, buffer_bytes(&changed), &result, &difference));
		assert_int_equal(REPLAY_DIFFERENT, result);
	}
}

static void
exchange(struct bytes leaf, struct bytes from, const char *to) {
	uint8_t *at = memmem(leaf.data, leaf.len, from.data, from.len);
	assert_non_null(at);
	assert_int_equal(from.len, strlen(to));
	memcpy(at, to, from.len);
}

/* Whoever can write the log can sign with a key of their own and write that beside it; the log never enrolled it. */
static void
a_decision_that_another_key_signed_does_not_replay(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	char payload[512], hex[129];
	uint8_t seed[32] = {9}, public_key[32], signature[64];
	struct entry entry;
	enum replay_result result = REPLAY_NOT_A_DECISION;
	const char *difference;
	set_up(&b);
	b.is_forged = true;
	make_hot_key(&b);
	struct firm_operation operation = transfer(10, 0, payload);
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &operation, &s);
	struct bytes leaf = buffer_bytes(&b.leaves[b.count - 1]), copy = arena_copy(&arena, leaf);
	assert_ok(entry_read(&arena, copy, &entry));
	const json *requester = json_get(entry.document, "requester");
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(ed25519_sign(seed, public_key, json_string(json_get(requester, "base")), signature));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	exchange(leaf, json_string(json_get(requester, "public_key")), hex);
	hex_encode(BYTES_OF_ARRAY(signature), hex);
	exchange(leaf, json_string(json_get(requester, "signature")), hex);
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b.directory}));
	for (size_t i = 0; i < b.count; i++)
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b.leaves[i]), &result, &difference));
	assert_int_equal(REPLAY_DIFFERENT, result);
	assert_string_equal("the requester's key is not one that the log enrolled for them", difference);
	assert_int_equal(1, replayer_counts(replayer).different);
}

RUN_TESTS(T(a_bundle_that_was_replaced_decides_no_more), T(what_was_decided_is_what_was_signed),
	  T(a_vote_that_was_taken_back_or_given_anew_counts_once), T(a_vote_under_another_bundle_counts_for_nothing),
	  T(a_changed_decision_does_not_replay), T(a_decision_that_another_key_signed_does_not_replay))
