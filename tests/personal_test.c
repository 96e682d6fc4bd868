/*
 * Personal values from end to end: no leaf, tile or file has them in clear; whoever may read them does, and the log says so; and after an
 * erasure nothing on the disk gives them back, over crashes, restarts and snapshots.
 */
#include "tests/test.h"
#include "tests/profiled.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "gate/replay.h"
#include "gate/snapshot.h"
#include "keeper/internal.h"
#include "tests/fault_io.h"

static const char PERSONAL_ADDRESS[] = "127.1.0.1"; /* tests/house.c */

static struct firm_operation
grant_personal(struct profiled *world, const char *person) {
	return (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = "personal.grant",
				       .resource = person,
				       .payload = arena_format(&world->arena, "{\"until\":%lld}",
							       (long long)house_now_ms(&world->house) + 3'600'000),
				       .reason = "personnel"};
}

static void
assert_problem_of(const json *document, const char *name) {
	static const char prefix[] = "urn:gatehouse:problem:";
	struct bytes type = json_string(json_get(document, "type"));
	assert_true(type.len > sizeof prefix - 1);
	assert_bytes(bytes_of_text(name), bytes_of(type.data + sizeof prefix - 1, type.len - (sizeof prefix - 1)));
}

static struct bytes
value_of(const json *document, const char *field) {
	const json *value = json_get(json_get(json_get(document, "values"), field), "value");
	return value == nullptr ? (struct bytes){} : json_string(value);
}

static struct bytes
value_in(const json *fields, const char *field) {
	const json *value = json_get(json_get(fields, field), "value");
	return value == nullptr ? (struct bytes){} : json_string(value);
}

/* Of one opened field, that the commitment follows from. */
static void
assert_commitment(struct arena *arena, const json *fields, const char *field, const char *expected) {
	struct opening_field opened = {.name = bytes_of_text(field), .value = value_in(fields, field)};
	struct bytes salt = json_string(json_get(json_get(fields, field), "salt"));
	assert_ok(hex_decode(salt, opened.salt, sizeof opened.salt));
	struct hash256 commitment = opening_commit(&opened);
	assert_string_equal(expected, profiled_hex(arena, hash256_bytes(&commitment)));
}

static void
publish(struct profiled *world) {
	for (;;) { /* until the publisher has brought tiles and state.db up to the log */
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
assert_values_nowhere(struct profiled *world) {
	publish(world);
	profiled_assert_nowhere(world, bytes_of_text(PERSONAL_NAME), "the name");
	profiled_assert_nowhere(world, bytes_of_text(PERSONAL_CONTACT), "the contact");
	profiled_assert_nowhere(world, bytes_of_text(PERSONAL_ADDRESS), "the source address");
}

static struct buffer
wrapped_key(struct profiled *world) {
	struct buffer wrapped = {};
	assert_ok(secrets_get(world->house.installation.secrets, "subject", BYTES_OF_LITERAL(PERSON_2), &wrapped));
	return wrapped;
}

/* --- What is promised. --- */

static void
a_profile_is_read_by_its_person_and_by_who_may_and_every_read_is_an_entry_before(void **) {
	_cleanup_(profiled_end) struct profiled world;
	profiled_begin(&world);
	profiled_enter_profile(&world);
	assert_int_equal(0, profiled_count(&world, ENTRY_READ));
	const json *own = profiled_read_profile(&world, FIRM_PERSON_2, 200);
	assert_bytes(bytes_of_text(PERSONAL_NAME), value_of(own, "name"));
	assert_bytes(bytes_of_text(PERSONAL_CONTACT), value_of(own, "contact"));
	assert_false(json_boolean(json_get(own, "erased")));
	assert_int_equal(1, profiled_count(&world, ENTRY_READ));
	/* Neither an approver nor whoever entered it. */
	assert_problem_of(profiled_read_profile(&world, FIRM_PERSON_3, 403), "read.personal");
	assert_problem_of(profiled_read_profile(&world, FIRM_PERSON_4, 403), "read.personal");
	assert_problem_of(profiled_read_profile(&world, FIRM_SETTLEMENT, 403), "read.personal");
	assert_int_equal(1, profiled_count(&world, ENTRY_READ));
	profiled_submit(&world, grant_personal(&world, "person:p-0000000000000001"), 200, "done");
	assert_bytes(bytes_of_text(PERSONAL_NAME), value_of(profiled_read_profile(&world, FIRM_PERSON_1, 200), "name"));
	assert_int_equal(2, profiled_count(&world, ENTRY_READ));
	/* What the entry says. */
	struct ledger_head head;
	struct ledger_record record;
	struct entry entry = {};
	_cleanup_(buffer_free) struct buffer bytes = {};
	ledger_durable_head(keeper_ledger(world.house.keeper), &head);
	for (uint64_t i = head.head.size; i-- > 0;) {
		buffer_reset(&bytes);
		assert_ok(ledger_read(keeper_ledger(world.house.keeper), i, &bytes, &record));
		assert_ok(entry_read(&world.arena, record.leaf, &entry));
		if (entry.type == ENTRY_READ)
			break;
	}
	assert_int_equal(ENTRY_READ, entry.type);
	static const char expected[] = "\"subjects\":[{\"fields\":[\"contact\",\"name\"],\"subject\":\"" PERSON_2
				       "\"}],\"target\":\"/v1/people/p-0000000000000002/personal\"}";
	assert_non_null(memmem(entry.body.data, entry.body.len, expected, sizeof expected - 1));
	static const char key[] = "\"key\":\"person:p-0000000000000001/terminal\"";
	assert_non_null(memmem(entry.body.data, entry.body.len, key, sizeof key - 1));
	/* Revoked, and the same after a restart. */
	profiled_submit(&world,
			(struct firm_operation){.by = FIRM_PERSON_4,
						.kind = "personal.revoke",
						.resource = "person:p-0000000000000001",
						.payload = "{}"},
			200, "done");
	assert_problem_of(profiled_read_profile(&world, FIRM_PERSON_1, 403), "read.personal");
	profiled_restart(&world);
	assert_problem_of(profiled_read_profile(&world, FIRM_PERSON_1, 403), "read.personal");
	assert_bytes(bytes_of_text(PERSONAL_CONTACT),
		     value_of(profiled_read_profile(&world, FIRM_PERSON_2, 200), "contact"));
}

/* Operations with long payloads until the log takes no more of them. */
static void
fill(struct profiled *world) {
	_cleanup_(buffer_free) struct buffer entries = {};
	for (size_t i = 1; entries.len < 12'000; i++) /* each once, and none that is on the list */
		buffer_append_format(&entries, ",\"eip155:1:0x%040zu\"", i);
	const char *payload = arena_format(&world->arena, "{\"entries\":[%.*s],\"probation\":100}",
					   (int)entries.len - 1, (const char *)entries.data + 1);
	for (size_t count = 0; count < 4000; count++) {
		_cleanup_(arena_free) struct arena scratch = {};
		struct ipc_response response;
		assert_ok(house_submit(&world->house, &scratch,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "list.add",
							       .resource = "list:counterparties",
							       .payload = payload,
							       .reason = "to fill the log"},
				       &response));
		if (response.status == 503)
			return;
	}
	fail_msg("the log never became full");
}

/* Also under the key of the reader itself: without an entry there is no answer. */
static void
what_cannot_be_recorded_is_not_read(void **) {
	_cleanup_(fault_io_stop) struct fault_io fault;
	_cleanup_(profiled_end) struct profiled world = {};
	fault_io_start(&fault);
	house_found(&world.house, &fault.io);
	assert_ok(house_open(&world.house));
	profiled_enter_profile(&world);
	profiled_read_profile(&world, FIRM_PERSON_2, 200);
	fault.controls->disk_full = true;
	fill(&world);
	for (unsigned i = 0; i < 4000; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		assert_ok(house_get_by(&world.house, &arena, FIRM_PERSON_2, "/v1/people/p-0000000000000002/personal",
				       &response));
		if (response.status == 200)
			continue;
		assert_int_equal(503, response.status);
		assert_bytes(BYTES_OF_LITERAL("ledger.disk_full"), house_problem(&arena, &response));
		assert_null(memmem(response.body.data, response.body.len, PERSONAL_NAME, strlen(PERSONAL_NAME)));
		/* What needs no entry is read on. */
		assert_ok(house_get_by(&world.house, &arena, FIRM_PERSON_2, "/v1/people", &response));
		assert_answer(200, nullptr, &response);
		return;
	}
	fail_msg("the log never became full");
}

static void
no_file_has_a_value_in_clear_and_an_erasure_leaves_nothing_that_opens_one(void **) {
	_cleanup_(profiled_end) struct profiled world;
	_cleanup_(buffer_free) struct buffer wrapped = {};
	profiled_begin(&world);
	profiled_enter_profile(&world);
	profiled_read_profile(&world, FIRM_PERSON_2, 200);
	assert_values_nowhere(&world); /* before as well: not in a leaf, nor in a tile */
	wrapped = wrapped_key(&world);
	assert_true(profiled_files_with(world.house.directory, buffer_bytes(&wrapped)) >
		    0); /* so the search finds things */
	profiled_erase(&world);
	assert_int_equal(1, profiled_count(&world, ENTRY_ERASED));
	profiled_assert_nowhere(&world, buffer_bytes(&wrapped), "the person's key");
	assert_values_nowhere(&world);
	const json *gone = profiled_read_profile(&world, FIRM_PERSON_2, 200);
	assert_true(json_boolean(json_get(gone, "erased")));
	assert_int_equal(0, value_of(gone, "name").len);
	/* Over a snapshot and a restart. */
	assert_ok(keeper_snapshot(world.house.keeper));
	profiled_restart(&world);
	profiled_assert_nowhere(&world, buffer_bytes(&wrapped), "the person's key");
	assert_values_nowhere(&world);
	assert_true(json_boolean(json_get(profiled_read_profile(&world, FIRM_PERSON_2, 200), "erased")));
	/* Once erased, never again. */
	struct ipc_response response;
	assert_ok(house_submit(&world.house, &world.arena,
			       profiled_profile(&world.arena, PERSON_2, PERSONAL_NAME, PERSONAL_CONTACT), &response));
	assert_answer(409, nullptr, &response);
	assert_bytes(BYTES_OF_LITERAL("personal.erased"), house_problem(&world.arena, &response));
	assert_values_nowhere(&world);
}

/* Whoever crashes between the entry and the row: the next start does what was begun. */
static void
an_erasure_is_repeated_at_every_start(void **) {
	_cleanup_(profiled_end) struct profiled world;
	_cleanup_(buffer_free) struct buffer wrapped = {};
	profiled_begin(&world);
	profiled_enter_profile(&world);
	wrapped = wrapped_key(&world);
	profiled_erase(&world);
	assert_ok(secrets_create(world.house.installation.secrets, "subject", BYTES_OF_LITERAL(PERSON_2),
				 buffer_bytes(&wrapped)));
	assert_true(profiled_files_with(world.house.directory, buffer_bytes(&wrapped)) > 0);
	profiled_restart(&world);
	profiled_assert_nowhere(&world, buffer_bytes(&wrapped), "the person's key");
	assert_true(json_boolean(json_get(profiled_read_profile(&world, FIRM_PERSON_2, 200), "erased")));
}

static void
a_person_s_key_that_is_lost_stops_the_start(void **) {
	_cleanup_(profiled_end) struct profiled world;
	profiled_begin(&world);
	profiled_enter_profile(&world);
	assert_ok(secrets_destroy(world.house.installation.secrets, "subject", BYTES_OF_LITERAL(PERSON_2)));
	house_close(&world.house);
	assert_fails(STATUS_CORRUPT, "secrets.lost", house_open(&world.house));
}

/* Who approves a profile approves commitments; whoever may read the person's values sees what they are of, before the vote. */
static void
what_a_held_profile_would_enter_is_seen_and_checked_before_the_vote(void **) {
	_cleanup_(profiled_end) struct profiled world;
	struct ipc_response response;
	const json *answered;
	profiled_begin(&world);
	profiled_submit(&world, grant_personal(&world, "person:p-0000000000000003"), 200, "done");
	assert_ok(house_submit(&world.house, &world.arena,
			       profiled_profile(&world.arena, PERSON_2, PERSONAL_NAME, PERSONAL_CONTACT), &response));
	assert_answer(202, "held", &response);
	assert_ok(json_read(&world.arena, response.body, (struct json_limits){}, &answered));
	const json *opened = profiled_read_as(&world, FIRM_PERSON_3,
					      arena_format(&world.arena, "/v1/ledger/entries/%lld/personal",
							   (long long)json_integer(json_get(answered, "entry"))),
					      200);
	struct json_iterator subjects = json_iterate(json_get(opened, "subjects"));
	const json *subject = json_next(&subjects, nullptr);
	assert_bytes(BYTES_OF_LITERAL(PERSON_2), json_string(json_get(subject, "subject")));
	const json *fields = json_get(subject, "fields");
	assert_bytes(bytes_of_text(PERSONAL_NAME), value_in(fields, "name"));
	assert_commitment(&world.arena, fields, "name", profiled_commitment(&world.arena, "name", PERSONAL_NAME));
	assert_commitment(&world.arena, fields, "contact",
			  profiled_commitment(&world.arena, "contact", PERSONAL_CONTACT));
	/* It is nobody's profile yet. */
	assert_int_equal(0, value_of(profiled_read_profile(&world, FIRM_PERSON_2, 200), "name").len);
}

static void
a_profile_that_waits_while_its_person_is_erased_comes_to_nothing(void **) {
	_cleanup_(profiled_end) struct profiled world;
	struct ipc_response response;
	profiled_begin(&world);
	profiled_enter_profile(&world);
	assert_ok(house_submit(&world.house, &world.arena,
			       profiled_profile(&world.arena, PERSON_2, "Somebody Else", PERSONAL_CONTACT), &response));
	assert_answer(202, "held", &response);
	struct bytes id = response.operation;
	profiled_erase(&world);
	assert_ok(house_vote(&world.house, &world.arena, id, FIRM_PERSON_3, "approve", &response));
	assert_ok(house_vote(&world.house, &world.arena, id, FIRM_PERSON_5, "approve", &response));
	assert_answer(409, "failed", &response);
	profiled_assert_nowhere(&world, BYTES_OF_LITERAL("Somebody Else"), "the name");
}

/* Whose request came from where is sealed beside it, for who may read it; a workload's is nobody's. */
static void
the_source_address_of_a_person_s_request_is_sealed_beside_its_entry(void **) {
	_cleanup_(profiled_end) struct profiled world;
	struct ipc_response response;
	profiled_begin(&world);
	assert_ok(house_submit(&world.house, &world.arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"desk_heads\"}"},
			       &response));
	assert_answer(202, "held", &response);
	const json *answered;
	assert_ok(json_read(&world.arena, response.body, (struct json_limits){}, &answered));
	const char *target = arena_format(&world.arena, "/v1/ledger/entries/%lld/personal",
					  (long long)json_integer(json_get(answered, "entry")));
	assert_problem_of(profiled_read_as(&world, FIRM_PERSON_1, target, 403), "read.personal");
	const json *opened = profiled_read_as(&world, FIRM_PERSON_4, target, 200);
	struct json_iterator subjects = json_iterate(json_get(opened, "subjects"));
	const json *subject = json_next(&subjects, nullptr);
	assert_non_null(subject);
	assert_bytes(BYTES_OF_LITERAL(PERSON_4), json_string(json_get(subject, "subject")));
	assert_bytes(bytes_of_text(PERSONAL_ADDRESS), value_in(json_get(subject, "fields"), "source_address"));
	assert_null(json_next(&subjects, nullptr));
	/* A vote as well; and a workload's request has none. */
	assert_ok(house_vote(&world.house, &world.arena, response.operation, FIRM_PERSON_3, "approve", &response));
	assert_ok(json_read(&world.arena, response.body, (struct json_limits){}, &answered));
	target = arena_format(&world.arena, "/v1/ledger/entries/%lld/personal",
			      (long long)json_integer(json_get(answered, "entry")));
	assert_int_equal(1, json_size(json_get(profiled_read_as(&world, FIRM_PERSON_3, target, 200), "subjects")));
	house_make_key(&world.house, "eth-hot");
	assert_ok(house_submit(&world.house, &world.arena, house_sign(house_transfer(&world.arena, 2, 0, 30)),
			       &response));
	assert_answer(200, "done", &response);
	assert_ok(json_read(&world.arena, response.body, (struct json_limits){}, &answered));
	target = arena_format(&world.arena, "/v1/ledger/entries/%lld/personal",
			      (long long)json_integer(json_get(answered, "entry")));
	assert_int_equal(0, json_size(json_get(profiled_read_as(&world, FIRM_PERSON_4, target, 200), "subjects")));
	assert_values_nowhere(&world);
}

static void
the_state_is_the_same_whichever_way_it_came_about(void **) {
	_cleanup_(profiled_end) struct profiled world;
	struct hash256 before, after;
	struct ipc_response response;
	profiled_begin(&world);
	profiled_enter_profile(&world);
	profiled_submit(&world, grant_personal(&world, "person:p-0000000000000001"), 200, "done");
	profiled_submit(&world, profiled_profile(&world.arena, PERSON_4, "Another", "another@desk.example"), 200,
			"done");
	profiled_submit(&world, profiled_erasure(PERSON_4), 200, "done");
	assert_ok(house_submit(&world.house, &world.arena,
			       profiled_profile(&world.arena, PERSON_2, "Changed", PERSONAL_CONTACT), &response));
	assert_answer(202, "held", &response);
	int64_t now_ms = house_now_ms(&world.house);
	assert_ok(gate_state_digest(world.house.keeper->gate, now_ms, &before));
	profiled_restart(&world);
	assert_ok(gate_state_digest(world.house.keeper->gate, now_ms, &after));
	assert_memory_equal(&before, &after, sizeof before);
	assert_ok(keeper_snapshot(world.house.keeper));
	profiled_restart(&world);
	assert_true(ledger_restored_size(world.house.keeper->ledger) > 0);
	assert_ok(gate_state_digest(world.house.keeper->gate, now_ms, &after));
	assert_memory_equal(&before, &after, sizeof before);
}

/* --- Replay. --- */

struct replaying {
	struct replayer *replayer;
	bool foresees;
};

static enum status
replay_record(void *context, const struct ledger_record *record) {
	struct replaying *replaying = context;
	enum replay_result result;
	const char *difference;
	if (replaying->foresees)
		return replayer_foresee(replaying->replayer, record->leaf);
	TRY(replayer_add(replaying->replayer, record->index, record->leaf, &result, &difference));
	return result != REPLAY_DIFFERENT ? OK : fail(STATUS_CONFLICT, "replay.different: %s", difference);
}

static struct replay_counts
replay(struct profiled *world) {
	struct ledger_head head;
	struct replaying replaying = {};
	const struct record_blobs blobs = {world->house.io, world->house.keeper->blobs_path};
	ledger_durable_head(keeper_ledger(world->house.keeper), &head);
	assert_ok(replayer_create(&replaying.replayer, &blobs));
	for (int pass = 0; pass < 2; pass++) {
		replaying.foresees = pass == 0;
		assert_ok(
			ledger_visit(keeper_ledger(world->house.keeper), 0, head.head.size, replay_record, &replaying));
	}
	struct replay_counts counts = replayer_counts(replaying.replayer);
	replayer_destroy(&replaying.replayer);
	return counts;
}

static void
replay_tells_what_was_erased_apart(void **) {
	_cleanup_(profiled_end) struct profiled world;
	profiled_begin(&world);
	profiled_enter_profile(&world);
	struct replay_counts before = replay(&world);
	assert_int_equal(0, before.erased);
	assert_int_equal(0, before.different);
	profiled_erase(&world);
	struct replay_counts after = replay(&world);
	assert_int_equal(1, after.erased); /* the decision that held the profile: decided the same, opened by nobody */
	assert_int_equal(0, after.different);
	assert_int_equal(before.same - 1 + 2, after.same); /* the erasure itself: held, then intended */
}

/* --- What is brought. --- */

static void
what_is_brought_badly_is_refused_by_name_and_never_said(void **) {
#define HASH "0000000000000000000000000000000000000000000000000000000000000000"
	static const struct {
		const char *payload, *personal, *name;
	} cases[] = {
		{"{}", "{}", "personal.fields"},
		{"{\"name\":\"" HASH "\"}", nullptr, "request.personal"},
		{"{\"name\":\"" HASH "\"}", "{}", "personal.name"},
		{"{}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}", "payload.name"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}",
		 "personal.commitment"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":\"Zyxq\"}", "personal.name"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"00\",\"value\":\"Zyxq\"}}", "personal.salt"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"value\":\"Zyxq\"}}", "personal.salt"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"" HASH "\"}}", "personal.value"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":7}}", "personal.value"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":\"\"}}", "personal.name"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\\u0007\"}}",
		 "personal.name"},
		{"{\"name\":\"" HASH "\"}", "{\"name\":{\"more\":1,\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}",
		 "personal.more"},
		{"{\"name\":\"00\"}", "{\"name\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}", "payload.name"},
		{"{\"nickname\":\"" HASH "\"}", "{\"nickname\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}",
		 "payload.nickname"},
		{"{\"name\":\"" HASH "\"}", "{\"nickname\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}",
		 "personal.nickname"},
		{"{\"contact\":\"" HASH "\"}", "{\"contact\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq\"}}",
		 "personal.contact"},
		{"{\"contact\":\"" HASH "\"}", "{\"contact\":{\"salt\":\"" HASH "\",\"value\":\"@Zyxq\"}}",
		 "personal.contact"},
		{"{\"contact\":\"" HASH "\"}", "{\"contact\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq@a@b\"}}",
		 "personal.contact"},
		{"{\"contact\":\"" HASH "\"}", "{\"contact\":{\"salt\":\"" HASH "\",\"value\":\"Zyxq@a b\"}}",
		 "personal.contact"},
		{"{\"contact\":\"" HASH "\"}", "{\"contact\":{\"salt\":\"" HASH "\",\"value\":\"<Zyxq@a>\"}}",
		 "personal.contact"},
	};
	_cleanup_(profiled_end) struct profiled world;
	profiled_begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct ipc_response response;
		assert_ok(house_submit(&world.house, &world.arena,
				       (struct firm_operation){.by = FIRM_PERSON_4,
							       .kind = "person.profile",
							       .resource = PERSON_2,
							       .payload = cases[i].payload,
							       .personal = cases[i].personal},
				       &response));
		struct bytes problem = house_problem(&world.arena, &response);
		if (!bytes_equal_text(problem, cases[i].name))
			fail_msg("case %zu: expected %s, got %u: %.*s", i, cases[i].name, response.status,
				 BYTES_ARGS(response.body));
		assert_null(memmem(response.body.data, response.body.len, "Zyxq", 4));
	}
	publish(&world);
	profiled_assert_nowhere(&world, BYTES_OF_LITERAL("Zyxq"),
				"what was refused"); /* nor in an entry of its refusal */
	/* With any other kind, and by a workload. */
	struct ipc_response response;
	assert_ok(house_submit(&world.house, &world.arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "group.add",
						       .resource = "system:gatehouse",
						       .payload = "{\"id\":\"x\"}",
						       .personal = "{}"},
			       &response));
	assert_bytes(BYTES_OF_LITERAL("request.personal"), house_problem(&world.arena, &response));
	struct firm_operation by_workload = profiled_profile(&world.arena, PERSON_2, PERSONAL_NAME, PERSONAL_CONTACT);
	by_workload.by = FIRM_SETTLEMENT;
	assert_ok(house_submit(&world.house, &world.arena, by_workload, &response));
	assert_bytes(BYTES_OF_LITERAL("request.personal"), house_problem(&world.arena, &response));
	assert_values_nowhere(&world);
}

static void
an_id_that_could_be_a_name_is_refused(void **) {
	static const char *const ids[] = {"person:p-jane.doe", "person:p-000000000000000g",
					  "person:p-00000000000000001", "person:p-000000000000001",
					  "person:p-000000000000ABCD"};
	_cleanup_(profiled_end) struct profiled world;
	profiled_begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
		struct ipc_response response;
		assert_ok(house_submit(
			&world.house, &world.arena,
			(struct firm_operation){
				.by = FIRM_PERSON_4,
				.kind = "person.add",
				.resource = "desk:options",
				.payload = arena_format(
					&world.arena,
					"{\"keys\":[{\"class\":\"terminal\",\"effective_from\":"
					"4102444800000,\"name\":"
					"\"terminal\",\"public_key\":\"%s\"}],"
					"\"person\":\"%s\"}",
					profiled_hex(&world.arena,
						     BYTES_OF_ARRAY(world.house.firm.members[0].public_key)),
					ids[i]),
				.reason = "somebody new"},
			&response));
		assert_int_equal(400, response.status);
		assert_bytes(BYTES_OF_LITERAL("payload.person"), house_problem(&world.arena, &response));
	}
}

RUN_TESTS(T(a_profile_is_read_by_its_person_and_by_who_may_and_every_read_is_an_entry_before),
	  T(what_cannot_be_recorded_is_not_read),
	  T(no_file_has_a_value_in_clear_and_an_erasure_leaves_nothing_that_opens_one),
	  T(an_erasure_is_repeated_at_every_start), T(a_person_s_key_that_is_lost_stops_the_start),
	  T(what_a_held_profile_would_enter_is_seen_and_checked_before_the_vote),
	  T(a_profile_that_waits_while_its_person_is_erased_comes_to_nothing),
	  T(the_source_address_of_a_person_s_request_is_sealed_beside_its_entry),
	  T(the_state_is_the_same_whichever_way_it_came_about), T(replay_tells_what_was_erased_apart),
	  T(what_is_brought_badly_is_refused_by_name_and_never_said), T(an_id_that_could_be_a_name_is_refused))
