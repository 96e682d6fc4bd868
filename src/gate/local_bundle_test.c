#include "tests/test.h"
#include "tests/gate_fixture.h"

#include "crypto/sign.h"
#include "gate/activation.h"
#include "gate/local_bundle.h"
#include "store/blob.h"

static const char FORBIDS_ALL[] = "@id(\"closed\") forbid (principal, action == Action::\"sign\", resource);";
static const char FORBIDS_LARGE[] = "@id(\"small\") forbid (principal, action == Action::\"sign\", resource)\n"
				    "when { context has transfer.usd_cents && context.transfer.usd_cents > 20000 };";
static const char WANTS_TWO[] = "@id(\"two\") forbid (principal, action == Action::\"sign\", resource)\n"
				"unless { context.approvals.total >= 2 };";

/* As the keeper does on a reload. */
static enum status
take(struct bench_gate *b, const char *policies) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(buffer_free) struct buffer packed = {}, body = {};
	if (policies != nullptr) {
		TRY(firm_activation_alone(policies, &packed));
		TRY(local_bundle_open(b->gate, bytes_of(packed.data, packed.len - 1), &bundle));
	}
	TRY(local_bundle_write(bundle, &b->gate->blobs, &body));
	TRY(local_bundle_apply(b->gate->state, &bundle));
	keep_leaf(b, ENTRY_LOCAL_BUNDLE, buffer_bytes(&body));
	return OK;
}

static void
assert_denied_by(const struct submitted *s, const char *policy) {
	assert_ok(s->status);
	assert_int_equal(OPERATION_DENIED, s->step.state);
	assert_int_equal(1, s->step.record->reason_count);
	assert_bytes(bytes_of_text(policy), s->step.record->reasons[0].policy);
}

static void
sign(struct bench_gate *b, unsigned hundredths, unsigned nonce, struct submitted *s) {
	char payload[512];
	struct firm_operation operation = transfer(hundredths, nonce, payload);
	submit(b, &operation, s);
}

static void
what_it_forbids_is_denied_and_replays_until_it_is_gone(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	_cleanup_(submitted_free) struct submitted before, small, large, after;
	sign(&b, 10, 0, &before);
	assert_int_equal(OPERATION_DONE, before.step.state);
	assert_false(before.step.record->has_local_bundle);
	assert_ok(take(&b, FORBIDS_LARGE));
	sign(&b, 1, 1, &small); /* 3 USD */
	assert_int_equal(OPERATION_DONE, small.step.state);
	assert_true(small.step.record->has_local_bundle);
	assert_true(hash256_equal(&small.step.record->local_bundle, &b.gate->state->local->hash));
	assert_restarts_alike(&b);
	sign(&b, 10, 2, &large); /* 300 USD, which the common bundle permits */
	assert_denied_by(&large, "local:small");
	assert_ok(take(&b, nullptr));
	assert_restarts_alike(&b);
	sign(&b, 10, 3, &after);
	assert_int_equal(OPERATION_DONE, after.step.state);
	assert_replays(&b, 6);
}

static void
approvals_that_it_wants_are_missing_until_they_are_given(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	assert_ok(take(&b, WANTS_TWO));
	_cleanup_(submitted_free) struct submitted s;
	sign(&b, 1, 0, &s); /* no approval is needed by the common bundle */
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_bytes(BYTES_OF_LITERAL("{\"total\":2}"), s.step.record->missing);
	assert_int_equal(OPERATION_HELD, vote(&b, s.step.operation, FIRM_PERSON_1, "approve"));
	assert_int_equal(OPERATION_DONE, vote(&b, s.step.operation, FIRM_PERSON_2, "approve"));
	assert_restarts_alike(&b);
	assert_replays(&b, 4);
}

static void
another_common_bundle_leaves_it_in_force(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer payload = {};
	set_up(&b);
	make_hot_key(&b);
	assert_ok(take(&b, FORBIDS_ALL));
	assert_ok(firm_activation(
		"@id(\"more\") permit (principal, action == Action::\"sign\", resource) when { false };", &payload));
	struct hash256 former = b.gate->state->bundle->hash;
	struct firm_operation activate = {.by = FIRM_PERSON_4,
					  .kind = "policy.activate",
					  .resource = "system:gatehouse",
					  .reason = "tested",
					  .payload = (const char *)payload.data};
	_cleanup_(submitted_free) struct submitted s, denied;
	submit(&b, &activate, &s);
	assert_ok(s.status);
	enum firm_member voters[] = {FIRM_PERSON_1, FIRM_PERSON_2, FIRM_PERSON_3, FIRM_PERSON_5};
	enum operation_state state = s.step.state;
	for (size_t i = 0; state == OPERATION_HELD && i < ARRAY_LENGTH(voters); i++)
		state = vote(&b, s.step.operation, voters[i], "approve");
	assert_int_equal(OPERATION_DONE, state);
	assert_false(hash256_equal(&former, &b.gate->state->bundle->hash));
	sign(&b, 1, 0, &denied);
	assert_denied_by(&denied, "local:closed");
	assert_restarts_alike(&b);
}

/* Each reader of the file and of the entry: what is wrong, and what it is called. */
static void
what_does_more_than_forbid_is_refused_by_name(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	const struct {
		const char *policies, *error;
		enum status status;
	} cases[] = {
		{"@id(\"open\") permit (principal, action, resource);",
		 "bundle.permit: policies/test.cedar:1:13: \"open\"", STATUS_INVALID},
		{"forbid (principal, action, resource); permit (principal == ?principal, action, resource);",
		 "bundle.permit: policies/test.cedar:1:39: \"policy1\"", STATUS_INVALID},
		{"@id(\"local:x\") forbid (principal, action, resource);", "bundle.reserved_id", STATUS_INVALID},
		{"forbid (principal, action, resource) when { context.nonsense };", "validate.", STATUS_INVALID},
		{"forbid (principal, action, resource) when { context.approvals.total > 0 };", "monotone.",
		 STATUS_INVALID},
		{"forbid (principal, action, resource) when", "policy.", STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_int_equal(cases[i].status, take(&b, cases[i].policies));
		if (strncmp(fail_message(), "local_bundle.refused: ", 22) != 0 ||
		    strstr(fail_message(), cases[i].error) == nullptr)
			fail_msg("%s: %s", cases[i].policies, fail_message());
		assert_null(b.gate->state->local);
	}
	const struct {
		const char *file, *error;
	} files[] = {
		{"", "json."},
		{"[]", "bundle.file"},
		{"{}", "payload.bundle"},
		{"{\"bundle\":{},\"more\":1}", "bundle.more"},
		{"{\"bundle\":{}}", "bundle."},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		struct bundle *bundle = nullptr;
		assert_int_not_equal(OK, local_bundle_open(b.gate, bytes_of_text(files[i].file), &bundle));
		if (strstr(fail_message(), files[i].error) == nullptr)
			fail_msg("%s: %s", files[i].file, fail_message());
		assert_null(bundle);
	}
}

/* Signed by a member, under the name of person 1's key. */
static void
write_signed(const struct bench_gate *b, const struct buffer *packed, const struct hash256 *hash, int whose,
	     struct buffer *file) {
	_cleanup_(buffer_free) struct buffer message = {};
	const uint8_t *seed = b->firm.members[whose].seed, *public_key = b->firm.members[whose].public_key;
	uint8_t signature[64];
	char key[65], hex[129];
	buffer_append_text(&message, BUNDLE_LABEL);
	buffer_append_byte(&message, '\0');
	buffer_append_bytes(&message, hash256_bytes(hash));
	assert_ok(ed25519_sign(seed, public_key, buffer_bytes(&message), signature));
	hex_encode(bytes_of(public_key, 32), key);
	hex_encode(BYTES_OF_ARRAY(signature), hex);
	buffer_reset(file);
	buffer_append(file, packed->data, packed->len - 2);
	buffer_append_format(file, ",\"signatures\":[{\"key\":\"%s\",\"public_key\":\"%s\",\"signature\":\"%s\"}]}",
			     b->firm.members[0].key_id, key, hex);
}

static void
signatures_in_it_are_of_people_who_are_enrolled(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer packed = {}, file = {};
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	set_up(&b);
	assert_ok(firm_activation_alone(FORBIDS_ALL, &packed));
	assert_ok(local_bundle_open(b.gate, bytes_of(packed.data, packed.len - 1), &bundle));
	for (int whose = 0; whose < 2; whose++) { /* person 1's key, and person 2's under the name of person 1's */
		_cleanup_(bundle_destroy) struct bundle *again = nullptr;
		write_signed(&b, &packed, &bundle->hash, whose, &file);
		enum status status = local_bundle_open(b.gate, buffer_bytes(&file), &again);
		if (whose == 0)
			assert_ok(status);
		else {
			assert_fails(STATUS_UNAUTHORIZED, "local_bundle.refused", status);
			assert_non_null(strstr(fail_message(), ": bundle.signature: "));
		}
	}
}

/* A new key of an approver has no voice before its time, in a bundle's signatures either. */
static void
a_key_that_waits_signs_no_bundle(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer packed = {}, file = {};
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr, *early = nullptr, *later = nullptr;
	set_up(&b);
	assert_ok(firm_activation_alone(FORBIDS_ALL, &packed));
	assert_ok(local_bundle_open(b.gate, bytes_of(packed.data, packed.len - 1), &bundle));
	write_signed(&b, &packed, &bundle->hash, 0, &file);
	directory_set_usable_from(b.gate->state->directory, bytes_of_text(b.firm.members[0].key_id),
				  b.gate->state->now_ms + 1);
	assert_fails(STATUS_UNAUTHORIZED, "local_bundle.refused",
		     local_bundle_open(b.gate, buffer_bytes(&file), &early));
	assert_non_null(strstr(fail_message(), ": directory.key_waiting: "));
	b.gate->state->now_ms++;
	assert_ok(local_bundle_open(b.gate, buffer_bytes(&file), &later));
}

/* Else a keeper could not start any more once somebody who signed has left the firm. */
static void
what_is_in_force_is_taken_again_whoever_has_left(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer packed = {}, file = {};
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr, *again = nullptr, *refused = nullptr;
	set_up(&b);
	assert_ok(firm_activation_alone(FORBIDS_ALL, &packed));
	assert_ok(local_bundle_open(b.gate, bytes_of(packed.data, packed.len - 1), &bundle));
	write_signed(&b, &packed, &bundle->hash, 0, &file);
	assert_ok(directory_suspend(b.gate->state->directory, BYTES_OF_LITERAL("person:p-0000000000000001"), true));
	assert_int_not_equal(OK, local_bundle_open(b.gate, buffer_bytes(&file), &refused));
	assert_non_null(strstr(fail_message(), "local_bundle.refused: "));
	assert_ok(take(&b, FORBIDS_ALL));
	assert_ok(local_bundle_open(b.gate, buffer_bytes(&file), &again));
	assert_true(hash256_equal(&again->hash, &b.gate->state->local->hash));
}

/* --- The log. --- */

/* What replay says of the log, with one leaf exchanged or left out. */
static void
replay_with(const struct bench_gate *b, size_t changed, struct bytes leaf, enum status *status, uint64_t *different,
	    char why[256]) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	*status = OK;
	why[0] = '\0';
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	for (size_t i = 0; *status == OK && i < b->count; i++) {
		enum replay_result result;
		const char *difference = nullptr;
		struct bytes given = i == changed ? leaf : buffer_bytes(&b->leaves[i]);
		if (given.len > 0)
			*status = replayer_add(replayer, i, given, &result, &difference);
		if (difference != nullptr)
			snprintf(why, 256, "%s", difference);
	}
	*different = replayer_counts(replayer).different;
}

static void
replay_holds_decisions_to_the_local_bundle_that_the_log_says(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted denied;
	_cleanup_(buffer_free) struct buffer leaf = {}, body = {}, packed = {};
	_cleanup_(bundle_destroy) struct bundle *other = nullptr;
	enum status status;
	uint64_t different;
	char why[256];
	set_up(&b);
	make_hot_key(&b);
	assert_ok(take(&b, FORBIDS_ALL));
	size_t at = b.count - 1;
	sign(&b, 1, 0, &denied);
	assert_denied_by(&denied, "local:closed");
	replay_with(&b, at, buffer_bytes(&b.leaves[at]), &status, &different, why);
	assert_ok(status);
	assert_int_equal(0, different);
	/* Left out, and another one. */
	replay_with(&b, at, (struct bytes){}, &status, &different, why);
	assert_ok(status);
	assert_int_equal(1, different);
	assert_string_equal("its local bundle is not the one that the log says was in force", why);
	assert_ok(firm_activation_alone(FORBIDS_LARGE, &packed));
	assert_ok(local_bundle_open(b.gate, bytes_of(packed.data, packed.len - 1), &other));
	assert_ok(local_bundle_write(other, &b.gate->blobs, &body));
	struct entry entry = {.type = ENTRY_LOCAL_BUNDLE, .seq = at, .at_ms = b.now_ms, .body = buffer_bytes(&body)};
	assert_ok(entry_write(&entry, &leaf));
	replay_with(&b, at, buffer_bytes(&leaf), &status, &different, why);
	assert_ok(status);
	assert_int_equal(1, different);
}

/* Whoever can write the log could write one that permits. */
static void
an_entry_that_is_none_is_refused_when_the_log_is_read(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(buffer_free) struct buffer packed = {};
	_cleanup_(arena_free) struct arena arena = {};
	set_up(&b);
	assert_ok(firm_activation_alone("permit (principal, action, resource);", &packed));
	const json *root;
	struct bytes document;
	assert_ok(json_read(&arena, bytes_of(packed.data, packed.len - 1), (struct json_limits){}, &root));
	assert_ok(activation_document(&arena, root, &document));
	struct hash256 hash = sha256(document), missing = sha256(BYTES_OF_LITERAL("nothing")), blob;
	assert_ok(blob_put(io_system(), b.directory, document, &blob));
	char hex[65], none[65];
	hex_encode(hash256_bytes(&hash), hex);
	hex_encode(hash256_bytes(&missing), none);
	const struct {
		const char *body;
		enum status status;
		const char *error;
	} cases[] = {
		{arena_format(&arena, "{\"bundle\":\"%s\",\"document_blob\":\"%s\"}", hex, hex), STATUS_INVALID,
		 "bundle.permit"},
		{arena_format(&arena, "{\"bundle\":\"%s\",\"document_blob\":\"%s\"}", none, hex), STATUS_CORRUPT,
		 "local_bundle.entry"},
		{arena_format(&arena, "{\"bundle\":\"%s\",\"document_blob\":\"%s\"}", none, none), STATUS_NOT_FOUND,
		 "blob.missing"},
		{arena_format(&arena, "{\"bundle\":\"%s\"}", hex), STATUS_INVALID, "local_bundle.document_blob"},
		{"{\"bundle\":\"00\"}", STATUS_INVALID, "hex.length"},
		{"{\"bundle\":1}", STATUS_INVALID, "local_bundle.bundle"},
		{"{\"more\":1}", STATUS_INVALID, "local_bundle.more"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer leaf = {};
		struct entry entry = {
			.type = ENTRY_LOCAL_BUNDLE, .seq = 1, .at_ms = START_MS, .body = bytes_of_text(cases[i].body)};
		assert_ok(entry_write(&entry, &leaf));
		assert_fails(cases[i].status, cases[i].error, gate_restore_entry(b.gate, 1, buffer_bytes(&leaf)));
		assert_null(b.gate->state->local);
	}
}

RUN_TESTS(T(what_it_forbids_is_denied_and_replays_until_it_is_gone),
	  T(approvals_that_it_wants_are_missing_until_they_are_given), T(another_common_bundle_leaves_it_in_force),
	  T(what_does_more_than_forbid_is_refused_by_name), T(signatures_in_it_are_of_people_who_are_enrolled),
	  T(a_key_that_waits_signs_no_bundle), T(what_is_in_force_is_taken_again_whoever_has_left),
	  T(replay_holds_decisions_to_the_local_bundle_that_the_log_says),
	  T(an_entry_that_is_none_is_refused_when_the_log_is_read))
