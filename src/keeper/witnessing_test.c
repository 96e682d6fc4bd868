/* A keeper under `rollback_guard: witness`, without processes: its questions are carried to a witness by hand. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/fetch_link.h"
#include "ledger/receipt.h"
#include "ledger/witness.h"
#include "tests/founding.h"

#define AUTHORITY "127.0.0.1:8443"
static const char INSTANCE[] = "northwind.example";
static const char PASSPHRASE[] = "correct horse battery";

struct house {
	struct firm firm;
	char directory[128], data[160], old[160], witness_directory[160];
	struct installation installation;
	struct keeper *keeper;
	/* The witness, with its own list of logs. */
	uint8_t seed[32];
	struct mldsa44_private *mldsa44;
	struct cosigner cosigner;
	struct tlog_policy *logs;
	struct witness *witness;
	struct buffer policy;
	size_t witnesses;
	int64_t now_ms; /* of the rounds */
};

static void
run_command(const char *command, const char *from, const char *to) {
	char line[512];
	snprintf(line, sizeof line, "%s '%s' '%s'", command, from, to);
	assert_int_equal(0, system(line));
}

static enum status
open_house(struct house *house) {
	static const char *const authorities[] = {AUTHORITY};
	struct keeper_config config = {.io = io_system(),
				       .authorities = authorities,
				       .authority_count = 1,
				       .guard = ROLLBACK_WITNESS,
				       .witness_policy = buffer_bytes(&house->policy),
				       .witnesses = house->witnesses};
	TRY(installation_open(io_system(), house->data, ROOT_KEY_PASSPHRASE, bytes_of_text(PASSPHRASE),
			      &house->installation));
	return keeper_open(&config, &house->installation, &house->keeper);
}

static void
close_house(struct house *house) {
	keeper_close(&house->keeper);
	installation_close(&house->installation);
}

static void
make_cosigner(struct house *house) {
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	house->seed[0] = 42;
	assert_ok(ed25519_public_key(house->seed, ed25519));
	assert_ok(mldsa44_private_create(&house->mldsa44, house->seed));
	mldsa44_private_public_key(house->mldsa44, mldsa44);
	assert_ok(note_key_make(BYTES_OF_LITERAL("witness.example/w1"), NOTE_COSIGNATURE_ED25519,
				BYTES_OF_ARRAY(ed25519), &house->cosigner.ed25519));
	assert_ok(note_key_make(BYTES_OF_LITERAL("witness.example/w1"), NOTE_COSIGNATURE_MLDSA44,
				BYTES_OF_ARRAY(mldsa44), &house->cosigner.mldsa44));
	house->cosigner.ed25519_seed = house->seed;
	house->cosigner.mldsa44_private = house->mldsa44;
}

static void
append_key_line(struct buffer *policy, const char *what, const struct note_key *key) {
	buffer_append_text(policy, what);
	note_key_format(key, policy);
	buffer_append_byte(policy, '\n');
}

static void
write_policy(struct house *house, const char *quorum) {
	buffer_reset(&house->policy);
	append_key_line(&house->policy, "log ", &house->installation.keys.ed25519);
	append_key_line(&house->policy, "log ", &house->installation.keys.mldsa44);
	append_key_line(&house->policy, "witness a ", &house->cosigner.ed25519);
	append_key_line(&house->policy, "witness b ", &house->cosigner.mldsa44);
	buffer_append_text(&house->policy, quorum);
	assert_ok(buffer_status(&house->policy));
}

static void
set_up(struct house *house) {
	*house = (struct house){.now_ms = 1, .witnesses = 1};
	firm_make(&house->firm, 7);
	snprintf(house->directory, sizeof house->directory, "/tmp/gatehouse-witnessing-test-XXXXXX");
	assert_non_null(mkdtemp(house->directory));
	snprintf(house->data, sizeof house->data, "%s/data", house->directory);
	snprintf(house->old, sizeof house->old, "%s/old", house->directory);
	snprintf(house->witness_directory, sizeof house->witness_directory, "%s/witness", house->directory);
	struct founding founding = {.instance = INSTANCE,
				    .data = house->data,
				    .source = ROOT_KEY_PASSPHRASE,
				    .given = bytes_of_text(PASSPHRASE),
				    .guard = ROLLBACK_WITNESS};
	assert_ok(found_installation(&house->firm, &founding));
	make_cosigner(house);
	assert_ok(installation_open(io_system(), house->data, ROOT_KEY_PASSPHRASE, bytes_of_text(PASSPHRASE),
				    &house->installation));
	write_policy(house, "group both all a b\nquorum both\n");
	installation_close(&house->installation);
	assert_ok(tlog_policy_parse(buffer_bytes(&house->policy), &house->logs));
	assert_ok(io_make_directory(io_system(), house->witness_directory));
	assert_ok(witness_open(io_system(), house->witness_directory, house->logs, &house->cosigner, &house->witness));
	run_command("cp -a", house->data, house->old);
	assert_ok(open_house(house));
}

static void
tear_down(struct house *house) {
	close_house(house);
	witness_close(&house->witness);
	tlog_policy_destroy(&house->logs);
	note_key_free(&house->cosigner.mldsa44);
	mldsa44_private_destroy(&house->mldsa44);
	buffer_free(&house->policy);
	firm_free(&house->firm);
	run_command("rm -rf", house->directory, house->directory);
}

/* --- Rounds by hand --- */

/* What is due a good while later. */
static bool
next_question(struct house *house, struct ipc_fetch *fetch) {
	bool is_due;
	house->now_ms += 60'000;
	assert_ok(witnessing_next(house->keeper->witnessing, house->now_ms, fetch, &is_due));
	return is_due;
}

static void
ask_witness(struct house *house, const struct ipc_fetch *fetch, struct witness_answer *answer) {
	char hex[65];
	if (fetch->action == IPC_FETCH_WITNESS_ADD) {
		assert_ok(witness_add_checkpoint(house->witness, fetch->body, answer));
		return;
	}
	assert_int_equal(32, fetch->body.len);
	hex_encode(fetch->body, hex);
	assert_ok(witness_get_checkpoint(house->witness, bytes_of(hex, 64), answer));
}

static enum status
give_answer(struct house *house, int status, const char *type, struct bytes body) {
	struct ipc_fetched fetched = {.status = (uint16_t)status, .content_type = bytes_of_text(type), .body = body};
	return witnessing_take(house->keeper->witnessing, house->now_ms, &fetched);
}

/* Whatever is due, until nothing is or the keeper is to end. */
static enum status
run_rounds(struct house *house) {
	struct ipc_fetch fetch;
	for (int i = 0; i < 8 && next_question(house, &fetch); i++) {
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		ask_witness(house, &fetch, &answer);
		TRY(give_answer(house, answer.status, answer.content_type, buffer_bytes(&answer.body)));
	}
	return OK;
}

static void
append_clock(struct house *house, int count) {
	for (int i = 0; i < count; i++)
		assert_ok(ledger_append(house->keeper->ledger,
					&(struct ledger_entry){.type = ENTRY_CLOCK, .body = BYTES_OF_LITERAL("{}")}, 1,
					nullptr));
}

static uint64_t
count_of(struct house *house, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	/* What was submitted before is durable once this is. */
	append_clock(house, 1);
	ledger_counts(house->keeper->ledger, counts);
	return counts[type];
}

static void
get(struct house *house, struct arena *arena, const char *target, struct ipc_response *response) {
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"), .target = bytes_of_text(target)};
	struct http_field fields[6];
	struct http_request_signer signer = {.key_id = bytes_of_text(house->firm.members[FIRM_PERSON_1].key_id),
					     .seed = house->firm.members[FIRM_PERSON_1].seed};
	memcpy(signer.public_key, house->firm.members[FIRM_PERSON_1].public_key, 32);
	assert_ok(http_signature_create(arena, &signer, &request, BYTES_OF_LITERAL(AUTHORITY),
					BYTES_OF_LITERAL("application/json"), BYTES_OF_LITERAL("read"),
					io_realtime_ns(io_system()) / 1'000'000, 60, fields));
	struct ipc_request received = {.method = request.method, .target = request.target};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
		static const char *const names[] = {
			"host", "content-type", "content-digest", "idempotency-key", "signature-input", "signature"};
		struct bytes *const values[] = {&received.host,
						&received.content_type,
						&received.content_digest,
						&received.idempotency_key,
						&received.signature_input,
						&received.signature};
		for (size_t j = 0; j < ARRAY_LENGTH(names); j++)
			if (bytes_equal_text(fields[i].name, names[j]))
				*values[j] = fields[i].value;
	}
	static const uint8_t trading[] = {127, 1, 0, 9};
	received.host = BYTES_OF_LITERAL(AUTHORITY);
	received.reported.peer_address = BYTES_OF_ARRAY(trading);
	received.reported.peer_port = 50'000;
	received.reported.tls_group = BYTES_OF_LITERAL("X25519MLKEM768");
	assert_ok(keeper_answer(house->keeper, &received, arena, response));
}

static void
assert_not_cosigned(struct house *house, const char *error) {
	_cleanup_(buffer_free) struct buffer health = {};
	struct json_writer w;
	json_writer_start(&w, &health);
	witnessing_write_health(house->keeper->witnessing, &w);
	assert_ok(json_writer_finish(&w));
	buffer_append_byte(&health, '\0');
	assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned", high_water_may_decide(house->keeper->high_water));
	if (strstr((const char *)health.data, error) == nullptr)
		fail_msg("no %s in %s", error, (const char *)health.data);
}

/* --- --- */

static void
nothing_is_decided_before_the_quorum_has_cosigned_the_start(void **) {
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	assert_not_cosigned(&house, "\"cosigned\":0");
	assert_true(next_question(&house, &fetch));
	assert_int_equal(IPC_FETCH_WITNESS_ADD, fetch.action);
	assert_memory_equal("old 0\n\n", fetch.body.data, 7);
	assert_not_cosigned(&house, "\"cosigned\":0"); /* asked is not answered */
	assert_ok(give_answer(&house, 503, "", (struct bytes){}));
	assert_ok(run_rounds(&house));
	assert_ok(high_water_may_decide(house.keeper->high_water));
	assert_int_equal(1, count_of(&house, ENTRY_COSIGNATURE));
}

static void
a_cosigned_head_is_published_and_receipts_end_in_it(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer published = {};
	struct ipc_response response;
	struct receipt receipt;
	struct tlog_verdict verdict;
	set_up(&house);
	get(&house, &arena, "/v1/ledger/checkpoint?cosigned=1", &response);
	assert_int_equal(404, response.status);
	assert_ok(run_rounds(&house));
	get(&house, &arena, "/v1/ledger/checkpoint?cosigned=1", &response);
	assert_int_equal(200, response.status);
	assert_ok(witnessing_publish(house.keeper->witnessing));
	assert_ok(io_read_file(io_system(), house.keeper->cosigned_path, NOTE_SIZE_MAX, &published));
	assert_bytes(response.body, buffer_bytes(&published));
	get(&house, &arena, "/v1/ledger/entries/0?cosigned=1", &response);
	assert_int_equal(200, response.status);
	assert_ok(receipt_parse(&arena, response.body, &receipt));
	assert_ok(receipt_check_entry(&receipt, receipt.entry));
	assert_ok(tlog_policy_check(house.logs, &receipt.note, &receipt.checkpoint, &verdict));
	assert_true(verdict.has_ed25519 && verdict.has_mldsa44 && verdict.has_quorum);
	append_clock(&house, 1); /* stands behind the cosigned head */
	char target[64];
	snprintf(target, sizeof target, "/v1/ledger/entries/%llu?cosigned=1",
		 (unsigned long long)receipt.checkpoint.size);
	get(&house, &arena, target, &response);
	assert_int_equal(404, response.status);
}

static void
a_cosignatures_entry_brings_no_further_round_and_any_other_does(void **) {
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	assert_ok(run_rounds(&house));
	assert_int_equal(1, count_of(&house, ENTRY_COSIGNATURE)); /* with an entry of its own: a clock sample */
	assert_ok(run_rounds(&house));
	assert_false(next_question(&house, &fetch));
	assert_false(next_question(&house, &fetch));
	append_clock(&house, 1);
	assert_true(next_question(&house, &fetch));
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	ask_witness(&house, &fetch, &answer);
	assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&answer.body)));
	append_clock(&house, 1);
	bool is_due;
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms + 999, &fetch, &is_due));
	assert_false(is_due); /* at most once a second */
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms + 1'000, &fetch, &is_due));
	assert_true(is_due);
}

static void
a_restart_asks_from_the_head_that_was_published(void **) {
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	assert_ok(run_rounds(&house));
	close_house(&house); /* publishes once more */
	assert_ok(open_house(&house));
	assert_not_cosigned(&house, "\"error\":\"\""); /* what was cosigned before says nothing about this start */
	assert_true(next_question(&house, &fetch));
	assert_memory_not_equal("old 0\n", fetch.body.data, 6);
	assert_ok(give_answer(&house, 503, "", (struct bytes){}));
	assert_ok(run_rounds(&house));
	assert_ok(high_water_may_decide(house.keeper->high_water));
}

static void
an_old_cosignature_proves_nothing_about_this_start(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(witness_answer_free) struct witness_answer old = {};
	struct ipc_fetch fetch;
	set_up(&house);
	assert_true(next_question(&house, &fetch));
	ask_witness(&house, &fetch, &old);
	assert_int_equal(200, old.status);
	assert_ok(give_answer(&house, 200, old.content_type, buffer_bytes(&old.body)));
	close_house(&house);
	assert_ok(open_house(&house));
	assert_true(next_question(&house, &fetch));
	assert_ok(give_answer(&house, 200, old.content_type, buffer_bytes(&old.body)));
	assert_not_cosigned(&house, "signature");
}

static void
bad_answers_are_refused_by_name_and_stop_nothing(void **) {
	static const struct {
		int status;
		const char *type, *body, *error;
	} cases[] = {
		{200, "text/plain", "", "note."},
		{200, "text/plain", "\u2014 other.example/w AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		 "witness.no_signature"},
		{200, "text/plain", "x\n\n\u2014 other.example/w AAAAAAAA\n", "witness.lines"},
		{400, "text/plain", "", "witness.refused_400"},
		{403, "text/plain", "", "witness.refused_403"},
		{404, "text/plain", "", "witness.refused_404"},
		{409, "text/x.tlog.size", "x\n", "witness.size_format"},
		{500, "text/plain", "", "witness.status"},
		{302, "text/plain", "", "witness.status"},
	};
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_true(next_question(&house, &fetch));
		assert_int_equal(IPC_FETCH_WITNESS_ADD, fetch.action);
		assert_ok(give_answer(&house, cases[i].status, cases[i].type, bytes_of_text(cases[i].body)));
		assert_not_cosigned(&house, cases[i].error);
	}
	/* One flipped bit in either signature. */
	for (int line = 0; line < 2; line++) {
		_cleanup_(witness_answer_free) struct witness_answer answer = {};
		assert_true(next_question(&house, &fetch));
		if (line == 1) /* the witness has cosigned this head: it asks for the proof from there */
			assert_memory_equal("old 0\n", fetch.body.data, 6);
		ask_witness(&house, &fetch, &answer);
		if (line == 1) {
			assert_int_equal(409, answer.status);
			assert_ok(give_answer(&house, 409, answer.content_type, buffer_bytes(&answer.body)));
			assert_true(next_question(&house, &fetch));
			ask_witness(&house, &fetch, &answer);
		}
		assert_int_equal(200, answer.status);
		uint8_t *end = memchr(answer.body.data, '\n', answer.body.len);
		assert_non_null(end);
		uint8_t *at = line == 0 ? end - 40 : end + 100;
		*at = *at == 'A' ? 'B' : 'A';
		assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&answer.body)));
		assert_not_cosigned(&house, "signature");
	}
	assert_ok(run_rounds(&house));
	assert_ok(high_water_may_decide(house.keeper->high_water));
}

static void
half_a_quorum_is_none(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	struct ipc_fetch fetch;
	set_up(&house);
	assert_true(next_question(&house, &fetch));
	ask_witness(&house, &fetch, &answer);
	const uint8_t *end = memchr(answer.body.data, '\n', answer.body.len);
	assert_ok(give_answer(&house, 200, answer.content_type,
			      bytes_of(answer.body.data, (size_t)(end - answer.body.data) + 1)));
	assert_not_cosigned(&house, "witnessing.quorum");
}

/* What a stranger says without our signature keeps the keeper from deciding and does no more. */
static void
a_size_that_nobody_proves_stops_nothing(void **) {
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	assert_true(next_question(&house, &fetch));
	assert_ok(give_answer(&house, 409, "text/x.tlog.size", BYTES_OF_LITERAL("1000000\n")));
	assert_true(next_question(&house, &fetch));
	assert_int_equal(IPC_FETCH_WITNESS_NEWEST, fetch.action);
	assert_ok(give_answer(&house, 404, "text/plain", (struct bytes){}));
	assert_not_cosigned(&house, "witnessing.newest");
	static const struct {
		const char *note, *error;
	} shown[] = {
		{"other.example/k1\n1000000\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 a AAAAAAAA\n",
		 "witnessing.origin"},
		{"northwind.example/k1\n1000000\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 a AAAAAAAA\n",
		 "note.unsigned"},
		{"northwind.example/k1\n", "note."},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(shown); i++) {
		assert_true(next_question(&house, &fetch));
		assert_int_equal(IPC_FETCH_WITNESS_ADD, fetch.action);
		assert_ok(give_answer(&house, 422, "text/plain", (struct bytes){}));
		assert_true(next_question(&house, &fetch));
		assert_ok(give_answer(&house, 200, "text/plain", bytes_of_text(shown[i].note)));
		assert_not_cosigned(&house, shown[i].error);
	}
	assert_ok(run_rounds(&house));
	assert_ok(high_water_may_decide(house.keeper->high_water));
}

/* What the witness wrote stands in /healthz, cut somewhere: it must still be text. */
static void
an_error_that_quotes_the_witness_stays_text(void **) {
	_cleanup_(tear_down) struct house house;
	set_up(&house);
	for (int offset = 0; offset < 4; offset++) {
		_cleanup_(buffer_free) struct buffer note = {};
		struct ipc_fetch fetch;
		for (int i = 0; i < offset; i++)
			buffer_append_byte(&note, 'x');
		for (int i = 0; i < 100; i++)
			buffer_append_text(&note, "\u2014");
		buffer_append_text(&note, "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u2014 a AAAAAAAA\n");
		assert_true(next_question(&house, &fetch));
		assert_ok(give_answer(&house, 422, "text/plain", (struct bytes){}));
		assert_true(next_question(&house, &fetch));
		assert_ok(give_answer(&house, 200, "text/plain", buffer_bytes(&note)));
		assert_not_cosigned(&house, "witnessing.origin");
	}
}

static void
put_old_directory_back(struct house *house) {
	close_house(house);
	run_command("rm -rf", house->data, house->data);
	run_command("cp -a", house->old, house->data);
	assert_ok(open_house(house));
}

static void
an_older_log_is_told_by_the_newer_head_that_the_witness_holds(void **) {
	_cleanup_(tear_down) struct house house;
	set_up(&house);
	append_clock(&house, 4);
	assert_ok(run_rounds(&house));
	put_old_directory_back(&house);
	assert_fails(STATUS_CONFLICT, "high_water.behind", run_rounds(&house));
	assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned", high_water_may_decide(house.keeper->high_water));
}

static void
an_older_log_that_has_grown_is_told_as_a_fork(void **) {
	for (int more = 0; more < 6; more += 5) {
		_cleanup_(tear_down) struct house house;
		set_up(&house);
		assert_ok(run_rounds(&house));
		put_old_directory_back(&house);
		append_clock(&house, more);
		assert_fails(STATUS_CONFLICT, "high_water.fork", run_rounds(&house));
		assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned",
			     high_water_may_decide(house.keeper->high_water));
	}
}

static void
bad_policies_are_refused_at_the_start(void **) {
	static const struct {
		const char *quorum, *error;
	} cases[] = {
		{"quorum none\n", "witnessing.policy_quorum"},
		{"quorum nobody\n", "policy."},
		{"", "policy."},
	};
	_cleanup_(tear_down) struct house house;
	set_up(&house);
	write_policy(&house, "quorum a\n");
	_cleanup_(buffer_free) struct buffer whole = {};
	buffer_append_bytes(&whole, buffer_bytes(&house.policy));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		write_policy(&house, cases[i].quorum);
		close_house(&house);
		enum status status = open_house(&house);
		assert_int_equal(STATUS_INVALID, status);
		assert_memory_equal(cases[i].error, fail_message(), strlen(cases[i].error));
	}
	close_house(&house);
	/* Without the log's second key. */
	const uint8_t *second = memmem(whole.data + 1, whole.len - 1, "\nlog ", 5);
	assert_non_null(second);
	const uint8_t *third = memmem(second + 1, whole.len - (size_t)(second + 1 - whole.data), "\n", 1);
	buffer_reset(&house.policy);
	buffer_append(&house.policy, whole.data, (size_t)(second - whole.data));
	buffer_append(&house.policy, third, whole.len - (size_t)(third - whole.data));
	assert_fails(STATUS_INVALID, "witnessing.policy_log", open_house(&house));
}

/* --- Several witnesses, of which the first alone is real --- */

static void
open_with_witnesses(struct house *house, size_t witnesses) {
	close_house(house);
	house->witnesses = witnesses;
	assert_ok(open_house(house));
}

static void
one_that_repeats_another_s_lines_adds_nothing_and_spoils_nothing(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	_cleanup_(buffer_free) struct buffer first_half = {};
	struct ipc_fetch fetch;
	set_up(&house);
	open_with_witnesses(&house, 3);
	assert_true(next_question(&house, &fetch));
	assert_int_equal(0, fetch.witness);
	ask_witness(&house, &fetch, &answer);
	assert_int_equal(200, answer.status);
	const uint8_t *end = memchr(answer.body.data, '\n', answer.body.len);
	buffer_append(&first_half, answer.body.data, (size_t)(end - answer.body.data) + 1);
	assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&first_half)));
	assert_not_cosigned(&house, "\"cosigned\":0");
	assert_true(next_question(&house, &fetch));
	assert_int_equal(1, fetch.witness);
	assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&first_half)));
	assert_not_cosigned(&house, "\"cosigned\":0");
	assert_true(next_question(&house, &fetch));
	assert_int_equal(2, fetch.witness);
	assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&answer.body)));
	assert_ok(high_water_may_decide(house.keeper->high_water));
	assert_int_equal(1, count_of(&house, ENTRY_COSIGNATURE));
}

static void
one_that_is_away_is_asked_again_and_holds_up_nobody(void **) {
	_cleanup_(tear_down) struct house house;
	struct ipc_fetch fetch;
	set_up(&house);
	open_with_witnesses(&house, 2);
	bool is_due;
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms, &fetch, &is_due));
	assert_true(is_due && fetch.witness == 0);
	witnessing_lost(house.keeper->witnessing, house.now_ms, "endpoint.connect: refused");
	assert_not_cosigned(&house, "endpoint.connect");
	/* At once the other's turn. */
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms, &fetch, &is_due));
	assert_true(is_due && fetch.witness == 1);
	ask_witness(&house, &fetch, &answer);
	assert_ok(give_answer(&house, 200, answer.content_type, buffer_bytes(&answer.body)));
	assert_ok(high_water_may_decide(house.keeper->high_water));
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms + 999, &fetch, &is_due));
	assert_false(is_due);
	/* The same head, for the one that lags behind. */
	assert_ok(witnessing_next(house.keeper->witnessing, house.now_ms + 1'000, &fetch, &is_due));
	assert_true(is_due && fetch.witness == 0);
}

static void
so_many_witnesses_are_none_or_too_many(void **) {
	_cleanup_(tear_down) struct house house;
	set_up(&house);
	close_house(&house);
	house.witnesses = WITNESSING_WITNESSES_MAX + 1;
	assert_fails(STATUS_INVALID, "witnessing.witnesses", open_house(&house));
}

/* --- Over the channel --- */

static void
connect_peer(struct house *house, struct ipc_channel *peer) {
	int pair[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	assert_ok(keeper_connect_fetch(house->keeper, pair[0]));
	assert_ok(ipc_start(peer, pair[1], IPC_ROLE_FETCH, IPC_ROLE_KEEPER));
	assert_ok(ipc_flush(peer));
}

static bool
receive_question(struct house *house, struct ipc_channel *peer, struct ipc_frame *frame) {
	bool found;
	assert_ok(fetch_link_turn(house->keeper));
	assert_ok(ipc_receive(peer));
	assert_ok(ipc_next(peer, frame, &found));
	return found;
}

static void
send_fetched(struct ipc_channel *peer, uint64_t request, const struct ipc_fetched *fetched) {
	struct buffer *payload;
	assert_ok(ipc_begin(peer, IPC_FETCHED, request, false, &payload));
	ipc_write_fetched(payload, fetched);
	assert_ok(ipc_end(peer));
	assert_ok(ipc_flush(peer));
}

static void
the_channel_carries_a_round(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(ipc_stop) struct ipc_channel peer = {.descriptor = -1};
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	struct ipc_frame frame;
	struct ipc_fetch fetch;
	set_up(&house);
	connect_peer(&house, &peer);
	assert_true(receive_question(&house, &peer, &frame));
	assert_int_equal(IPC_FETCH, frame.type);
	assert_ok(ipc_read_fetch(frame.payload, &fetch));
	ask_witness(&house, &fetch, &answer);
	struct ipc_fetched fetched = {
		.status = 200, .content_type = bytes_of_text(answer.content_type), .body = buffer_bytes(&answer.body)};
	send_fetched(&peer, frame.request + 1, &fetched); /* to no question */
	assert_ok(fetch_link_turn(house.keeper));
	assert_fails(STATUS_UNAVAILABLE, "high_water.not_cosigned", high_water_may_decide(house.keeper->high_water));
	send_fetched(&peer, frame.request, &fetched);
	assert_ok(fetch_link_turn(house.keeper));
	assert_ok(high_water_may_decide(house.keeper->high_water));
}

static void
a_helper_that_breaks_the_protocol_or_goes_away_loses_its_channel(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(ipc_stop) struct ipc_channel peer = {.descriptor = -1};
	struct ipc_frame frame;
	set_up(&house);
	connect_peer(&house, &peer);
	assert_true(receive_question(&house, &peer, &frame));
	assert_ok(ipc_send(&peer, IPC_REQUEST, 1, false, (struct bytes){}));
	assert_ok(ipc_flush(&peer));
	assert_ok(fetch_link_turn(house.keeper));
	assert_int_equal(-1, fetch_link_descriptor(house.keeper));
	assert_not_cosigned(&house, "fetch_link.direction");
	ipc_stop(&peer);
	connect_peer(&house, &peer);
	assert_ok(fetch_link_turn(house.keeper));
	ipc_stop(&peer);
	assert_ok(fetch_link_turn(house.keeper));
	assert_int_equal(-1, fetch_link_descriptor(house.keeper));
	assert_not_cosigned(&house, "ipc.closed");
}

RUN_TESTS(T(one_that_repeats_another_s_lines_adds_nothing_and_spoils_nothing),
	  T(one_that_is_away_is_asked_again_and_holds_up_nobody), T(so_many_witnesses_are_none_or_too_many),
	  T(nothing_is_decided_before_the_quorum_has_cosigned_the_start),
	  T(a_cosigned_head_is_published_and_receipts_end_in_it),
	  T(a_cosignatures_entry_brings_no_further_round_and_any_other_does),
	  T(a_restart_asks_from_the_head_that_was_published), T(an_old_cosignature_proves_nothing_about_this_start),
	  T(bad_answers_are_refused_by_name_and_stop_nothing), T(half_a_quorum_is_none),
	  T(a_size_that_nobody_proves_stops_nothing), T(an_error_that_quotes_the_witness_stays_text),
	  T(an_older_log_is_told_by_the_newer_head_that_the_witness_holds),
	  T(an_older_log_that_has_grown_is_told_as_a_fork), T(bad_policies_are_refused_at_the_start),
	  T(the_channel_carries_a_round), T(a_helper_that_breaks_the_protocol_or_goes_away_loses_its_channel))
