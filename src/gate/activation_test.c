/* Whose signatures under a bundle count, and what a bundle must be before anybody is asked about it. */
#include "tests/test.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "gate/activation.h"
#include "identity/statement.h"
#include "tests/gate_fixture.h"

struct signature_of {
	enum firm_member by;
	const char *key_id; /* null: theirs */
	bool is_of_another_bundle, states_another_key;
};

static void
write_one(struct bench_gate *b, const struct hash256 *bundle, const struct signature_of *of, struct buffer *payload) {
	const char *key_id = of->key_id == nullptr ? b->firm.members[of->by].key_id : of->key_id;
	const uint8_t *public_key = b->firm.members[of->states_another_key ? FIRM_PERSON_5 : of->by].public_key;
	struct hash256 other = sha256(hash256_bytes(bundle));
	uint8_t signature[64];
	assert_ok(person_sign(BUNDLE_SIGNATURE_LABEL, of->is_of_another_bundle ? &other : bundle,
			      b->firm.members[of->by].seed, b->firm.members[of->by].public_key, signature));
	buffer_append_format(payload, "{\"key\":\"%s\",\"public_key\":\"", key_id);
	buffer_append_hex(payload, bytes_of(public_key, 32));
	buffer_append_text(payload, "\",\"signature\":\"");
	buffer_append_hex(payload, BYTES_OF_ARRAY(signature));
	buffer_append_text(payload, "\"}");
}

static enum status
count_signers(struct bench_gate *b, const struct signature_of *signatures, size_t count, int64_t *people) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct hash256 bundle = sha256(BYTES_OF_LITERAL("a bundle"));
	const json *document;
	buffer_append_text(&payload, "{\"signatures\":[");
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(&payload, i == 0 ? "" : ",");
		write_one(b, &bundle, &signatures[i], &payload);
	}
	buffer_append_text(&payload, "]}");
	assert_ok(json_read(&arena, buffer_bytes(&payload), (struct json_limits){}, &document));
	return activation_signers(document, &bundle, b->gate->state->directory, b->now_ms, people);
}

static void
each_person_who_signed_counts_once(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	const struct signature_of signatures[] = {{FIRM_PERSON_1}, {FIRM_PERSON_3}, {FIRM_PERSON_1}};
	int64_t people;
	set_up(&b);
	assert_ok(count_signers(&b, signatures, 0, &people));
	assert_int_equal(0, people);
	assert_ok(count_signers(&b, signatures, ARRAY_LENGTH(signatures), &people));
	assert_int_equal(2, people);
}

static void
one_signature_that_does_not_hold_refuses_the_bundle(void **) {
	static const struct {
		struct signature_of signature;
		enum status status;
		const char *name;
	} cases[] = {
		{{FIRM_PERSON_2, .is_of_another_bundle = true}, STATUS_UNAUTHORIZED, "bundle.signature"},
		{{FIRM_PERSON_2, .states_another_key = true}, STATUS_UNAUTHORIZED, "bundle.signature"},
		{{FIRM_PERSON_2, "person:p-0000000000000005/terminal"}, STATUS_UNAUTHORIZED, "bundle.signature"},
		{{FIRM_SETTLEMENT}, STATUS_UNAUTHORIZED, "bundle.signature"}, /* a program has no say in policies */
		{{FIRM_PERSON_2, "person:p-0000000000000009/terminal"}, STATUS_UNAUTHORIZED, "directory.key_unknown"},
	};
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct signature_of signatures[] = {{FIRM_PERSON_1}, cases[i].signature};
		int64_t people;
		assert_fails(cases[i].status, cases[i].name, count_signers(&b, signatures, 2, &people));
	}
	const struct signature_of signatures[] = {{FIRM_PERSON_1}, {FIRM_PERSON_2}};
	int64_t people;
	assert_int_equal(OPERATION_DONE,
			 stop(&b, FIRM_PERSON_3, "principal.suspend", "person:p-0000000000000002", "{}"));
	assert_fails(STATUS_UNAUTHORIZED, "directory.principal_suspended", count_signers(&b, signatures, 2, &people));
}

/* A key that an approver was given begins to count after its wait, here as under votes. */
static void
a_new_key_counts_after_its_wait(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	char payload[512], hex[65];
	uint8_t seed[32] = {42}, public_key[32];
	int64_t people;
	set_up(&b);
	assert_ok(ed25519_public_key(seed, public_key));
	hex_encode(BYTES_OF_ARRAY(public_key), hex);
	snprintf(payload, sizeof payload,
		 "{\"class\":\"terminal\",\"effective_from\":%lld,\"name\":\"new\",\"public_key\":\"%s\"}",
		 (long long)(b.now_ms + A_DAY_MS), hex);
	ask(&b, "principal.key_add", "person:p-0000000000000003", payload);
	memcpy(b.firm.members[FIRM_PERSON_3].seed, seed, sizeof seed);
	memcpy(b.firm.members[FIRM_PERSON_3].public_key, public_key, sizeof public_key);
	const struct signature_of signatures[] = {{FIRM_PERSON_1}, {FIRM_PERSON_3, "person:p-0000000000000003/new"}};
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting", count_signers(&b, signatures, 2, &people));
	b.now_ms += A_DAY_MS;
	assert_ok(count_signers(&b, signatures, 2, &people));
	assert_int_equal(2, people);
}

/* --- What is proposed. --- */

static void
expect_refused(struct bench_gate *b, const struct buffer *payload, enum status status, const char *name) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.reason = "tested",
					.payload = (const char *)payload->data};
	size_t entries = b->count;
	submit(b, &change, &s);
	assert_fails(status, name, s.status);
	assert_int_equal(entries, b->count);
}

static void
invariants_that_nobody_has_proved_are_no_reason_to_ask_anybody(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	set_up(&b);
	assert_ok(firm_activation_with_invariants(&payload));
	expect_refused(&b, &payload, STATUS_UNAVAILABLE, "bundle.unproved");
}

/* Votes of such a group could never be counted, and what asks for none of it would seem to ask for some. */
static void
a_bundle_that_counts_on_an_unknown_group_is_refused(void **) {
	static const char known[] = "treasury", unknown[] = "treasuri";
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	set_up(&b);
	assert_ok(firm_activation_alone("permit (principal, action, resource);", &payload));
	size_t renamed = 0;
	for (uint8_t *at; (at = memmem(payload.data, payload.len, known, strlen(known))) != nullptr; renamed++)
		memcpy(at, unknown, strlen(unknown));
	assert_true(renamed > 0);
	expect_refused(&b, &payload, STATUS_CONFLICT, "bundle.group");
}

/* What the worker says is kept by the bundle's hash; without its word nothing is proposed, and its word alone activates nothing. */
static void
a_bundle_with_invariants_is_proposed_only_when_they_are_proved(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(submitted_free) struct submitted first, refuted, again, proved;
	const json *root;
	struct bytes document;
	struct hash256 bundle;
	set_up(&b);
	assert_ok(firm_activation_with_invariants(&payload));
	assert_ok(json_read(&arena, bytes_of_text((const char *)payload.data), (struct json_limits){}, &root));
	assert_ok(activation_document(&arena, root, &document));
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.reason = "tested",
					.payload = (const char *)payload.data};
	submit(&b, &change, &first);
	assert_int_equal(STATUS_UNAVAILABLE, first.status);
	assert_true(assessments_want_proof(b.gate->assessments, document, &bundle));
	IGNORE_STATUS(fail(STATUS_DENIED, "work.refuted: frozen_keys_sign_nothing: a request that is permitted"));
	assessments_settle(b.gate->assessments, &bundle, STATUS_DENIED, 0);
	submit(&b, &change, &refuted);
	assert_int_equal(STATUS_DENIED, refuted.status);
	IGNORE_STATUS(fail(STATUS_UNAVAILABLE, "work.unknown: frozen_keys_sign_nothing: prove.effort"));
	assessments_settle(b.gate->assessments, &bundle, STATUS_UNAVAILABLE, 0);
	submit(&b, &change, &again);
	assert_int_equal(STATUS_UNAVAILABLE, again.status);
	assert_true(
		assessments_want_proof(b.gate->assessments, document, &bundle)); /* what is unknown is asked again */
	assessments_settle(b.gate->assessments, &bundle, OK, 9);
	submit(&b, &change, &proved);
	assert_ok(proved.status);
	assert_int_equal(OPERATION_HELD, proved.step.state);
	static const char fact[] = "\"bundle.invariants\":9";
	assert_non_null(memmem(proved.step.record->facts.data, proved.step.record->facts.len, fact, strlen(fact)));
}

/* To look at a bundle takes much longer than to write one: who could not put it into force whatever the facts does not bring it about. */
static void
a_bundle_of_whoever_may_never_activate_one_is_denied_without_a_look_at_it(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted of_person, of_workload;
	set_up(&b);
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.payload = "{\"bundle\":{\"policies\":\"none\"}}"};
	submit(&b, &change, &of_person);
	assert_int_equal(STATUS_INVALID, of_person.status);
	change.by = FIRM_PRICES;
	submit(&b, &change, &of_workload);
	assert_ok(of_workload.status);
	assert_int_equal(OPERATION_DENIED, of_workload.step.state);
	assert_null(memmem(of_workload.step.record->facts.data, of_workload.step.record->facts.len, "bundle.", 7));
	assert_replays(&b, 1);
}

/* The bundle is gone when the record is written, and so are the names of its policies. */
static void
a_change_of_policy_names_the_policy_that_permitted_it(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	set_up(&b);
	assert_ok(firm_activation("@id(\"all\") permit (principal, action, resource);", &payload));
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.reason = "tested",
					.payload = (const char *)payload.data};
	_cleanup_(submitted_free) struct submitted s;
	submit(&b, &change, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_5, "approve"));
	const struct buffer *leaf = &b.leaves[b.count - 1];
	static const char reasons[] = "\"reasons\":[\"change_policy\"]";
	assert_non_null(memmem(leaf->data, leaf->len, reasons, strlen(reasons)));
	assert_replays(&b, 2);
}

RUN_TESTS(T(each_person_who_signed_counts_once), T(one_signature_that_does_not_hold_refuses_the_bundle),
	  T(a_new_key_counts_after_its_wait), T(invariants_that_nobody_has_proved_are_no_reason_to_ask_anybody),
	  T(a_bundle_that_counts_on_an_unknown_group_is_refused),
	  T(a_bundle_with_invariants_is_proposed_only_when_they_are_proved),
	  T(a_bundle_of_whoever_may_never_activate_one_is_denied_without_a_look_at_it),
	  T(a_change_of_policy_names_the_policy_that_permitted_it))
