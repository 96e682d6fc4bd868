/*
 * A dealing that must not go on after a restart: where what a keeper kept of it is missing, damaged, another's, of another time or of
 * another machine. It ends by name at all holders alike, the keeper has said nothing more of it, nothing twice and differently, nothing
 * of it is left, and the key as it was signs.
 */
#include "tests/team_ceremonies.h"

#include <limits.h>

#include "crypto/aead.h"
#include "keeper/threshold_internal.h"

constexpr size_t WHO = 1; /* goes */
static const struct ceremony *const REFRESHED = &CEREMONIES[1];

struct spoiling {
	uint64_t at; /* frame of the dealing, before which it goes */
	void (*spoil)(struct team *team, struct secrets *journals);
	bool (*hook)(struct team *team, size_t from, size_t to, enum peer_kind kind,
		     struct buffer *body); /* null: go_and_come */
	int64_t away_ms, back_ms;          /* how long it is away; how far its wall clock is put back meanwhile */
	size_t round;                      /* of what it is put back to */
	uint64_t frames;
	bool is_gone;
	size_t said_after; /* frames of its own */
	struct hash256 sent[TEAM_MAX][TEAM_MAX][256];
};

static struct hash256 operation;
static struct buffer earlier; /* the row as it was */

static bool
is_frame(enum peer_kind kind, const struct buffer *body) {
	for (size_t round = 0; kind == PEER_PROTOCOL && round < FROST_DEALING_ROUNDS; round++)
		if (body->data[6] == FROST_DEALING_MESSAGES[round].type)
			return true;
	return false;
}

static char *
name_of(const struct hash256 *id) {
	static char hex[2 * sizeof id->bytes + 1];
	hex_encode(hash256_bytes(id), hex);
	return hex;
}

static struct secrets *
open_journals(struct team *team, size_t at) {
	struct secrets *journals = nullptr;
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/dealings.db", team->members[at].house.data);
	assert_ok(secrets_open(team->members[at].house.io, path, &journals));
	return journals;
}

static bool
go_and_come(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	static const struct hash256 none;
	struct spoiling *spoiling = team->context;
	if (!is_frame(kind, body))
		return true;
	struct hash256 *first = &spoiling->sent[from][to][body->data[6]], hash = sha256(buffer_bytes(body));
	assert_true(hash256_equal(first, &none) || hash256_equal(first, &hash));
	*first = hash;
	spoiling->said_after += spoiling->is_gone && from == WHO;
	if (spoiling->is_gone || spoiling->frames++ < spoiling->at)
		return true;
	spoiling->is_gone = true;
	team_stop(team, WHO);
	struct secrets *journals = open_journals(team, WHO);
	if (spoiling->spoil != nullptr)
		spoiling->spoil(team, journals);
	secrets_close(&journals);
	if (spoiling->away_ms > 0)
		team_pass_ms(team, spoiling->away_ms);
	if (spoiling->back_ms > 0)
		simulated_disk_step_realtime(team->members[WHO].disk, -spoiling->back_ms * 1'000'000);
	team_start(team, WHO);
	return from != WHO && to != WHO;
}

static enum status
take_row(void *context, struct bytes id, struct bytes value) {
	struct buffer *row = context;
	assert_ok(hex_decode(id, operation.bytes, sizeof operation.bytes));
	buffer_reset(row);
	buffer_append_bytes(row, value);
	return buffer_status(row);
}

static void
get_row(struct secrets *journals, struct buffer *row) {
	assert_ok(secrets_visit(journals, "dealing", take_row, row));
	assert_true(row->len > 0);
}

static void
put_row(struct secrets *journals, struct bytes row) {
	assert_ok(secrets_replace(journals, "dealing", bytes_of_text(name_of(&operation)), row));
}

/* --- How it is spoiled. --- */

static void
remove_row(struct team *, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	static const char nobodys[] = "00000000000000000000000000000000000000000000000000000000000000ff";
	assert_ok(secrets_create(journals, "dealing", bytes_of_text(nobodys), BYTES_OF_LITERAL("left behind")));
	get_row(journals, &row);
	assert_ok(secrets_destroy(journals, "dealing", bytes_of_text(name_of(&operation))));
}

static size_t flipped; /* from the beginning, or, where it is more than half of all, from the end */

static void
flip_bit(struct team *, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	get_row(journals, &row);
	row.data[flipped < 1000 ? flipped : row.len - 1] ^= 1;
	put_row(journals, buffer_bytes(&row));
}

static void
cut_row(struct team *, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	get_row(journals, &row);
	put_row(journals, bytes_of(row.data, row.len - 1));
}

static void
empty_row(struct team *, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	get_row(journals, &row);
	put_row(journals, BYTES_OF_LITERAL("GHTJ"));
}

static void
take_others_row(struct team *team, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {}, others = {};
	get_row(journals, &row);
	assert_ok(secrets_get(team->members[0].house.keeper->threshold->journals, "dealing",
			      bytes_of_text(name_of(&operation)), &others));
	put_row(journals, buffer_bytes(&others));
}

static void
put_earlier(struct team *, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	get_row(journals, &row);
	put_row(journals, buffer_bytes(&earlier));
}

/* By the text of docs/PROTOCOL.threshold §22, and nothing else of the program. */
static void
associated_of(struct team *team, struct buffer *to) {
	const struct gate_operation *known = operations_find(&state_of(team, 0)->operations, &operation);
	static const char label[] = "gatehouse/threshold-dealings/v1";
	assert_non_null(known);
	buffer_append(to, label, sizeof label);
	buffer_append(to, "GHTJ\0\1", 6);
	buffer_append_prefixed(to, BYTES_OF_LITERAL(HOUSE_INSTANCE "/two"));
	buffer_append_bytes(to, hash256_bytes(&operation));
	buffer_append_bytes(to, hash256_bytes(&known->digest));
	buffer_append_prefixed(to, bytes_of_text(KINDS[1].key));
	buffer_append_u32be(to, key_at(team, 0, &KINDS[1])->sharing.key.epoch + 1);
}

static uint8_t row_key[AEAD_KEY_SIZE];

static void
open_row(struct team *team, const struct buffer *row, uint8_t *plain, size_t *len) {
	_cleanup_(buffer_free) struct buffer associated = {};
	associated_of(team, &associated);
	assert_true(row->len > 6 + AEAD_OVERHEAD && memcmp(row->data, "GHTJ\0\1", 6) == 0);
	*len = row->len - 6 - AEAD_OVERHEAD;
	assert_ok(aead_open(row_key, buffer_bytes(&associated), bytes_of(row->data + 6, row->len - 6), plain));
}

static void
seal_row(struct team *team, const uint8_t *plain, size_t len, struct buffer *row) {
	_cleanup_(buffer_free) struct buffer associated = {};
	associated_of(team, &associated);
	buffer_reset(row);
	buffer_append(row, "GHTJ\0\1", 6);
	assert_true(buffer_reserve(row, len + AEAD_OVERHEAD));
	assert_ok(aead_seal(row_key, buffer_bytes(&associated), bytes_of(plain, len), row->data + row->len));
	row->len += len + AEAD_OVERHEAD;
}

enum altered { ALTERED_SEED, ALTERED_SESSION, ALTERED_HOLDERS, ALTERED_SENT, ALTERED_HEARD, ALTERED_NOTHING };
static enum altered altered;

static uint8_t *
place_of(uint8_t *plain, size_t len) {
	struct journal journal;
	assert_ok(journal_read_row(bytes_of(plain, len), &journal));
	const uint8_t *const places[] = {[ALTERED_SEED] = journal.seed.data,
					 [ALTERED_SESSION] = journal.seed.data + SEEDED_SIZE + 4 + 1,
					 [ALTERED_HOLDERS] = journal.seed.data + SEEDED_SIZE + 4 + 1 + 32,
					 [ALTERED_SENT] = journal.sent[0][2].data + journal.sent[0][2].len - 1,
					 [ALTERED_HEARD] = journal.rounds < 2 ? nullptr
									      : journal.received[0][0].data +
											journal.received[0][0].len - 1};
	return plain + (places[altered] - plain);
}

/* By somebody who can seal it: what does not fit together is not gone on from. */
static void
alter_row(struct team *team, struct secrets *journals) {
	_cleanup_(buffer_free) struct buffer row = {};
	uint8_t plain[8192];
	size_t len;
	get_row(journals, &row);
	open_row(team, &row, plain, &len);
	if (altered != ALTERED_NOTHING)
		*place_of(plain, len) ^= 1;
	seal_row(team, plain, len, &row);
	put_row(journals, buffer_bytes(&row));
}

/* Left by another dealing under this one's name. */
static void
put_another(struct team *team, struct secrets *journals) {
	put_earlier(team, journals);
}

static void
keep_row(struct team *, struct secrets *journals) {
	get_row(journals, &earlier);
}

static enum status
copy_row(void *context, struct bytes, struct bytes value) {
	buffer_reset(context);
	buffer_append_bytes(context, value);
	return OK;
}

/* What it has said in one round it would say otherwise in the next: where it is put back to before, the others remember. */
static bool
go_back(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct spoiling *spoiling = team->context;
	if (spoiling->is_gone || !is_frame(kind, body) || from != WHO)
		return go_and_come(team, from, to, kind, body);
	size_t round = body->data[6] - FROST_DEALING_MESSAGES[0].type;
	if (round == spoiling->round && earlier.len == 0)
		assert_ok(secrets_visit(team->members[WHO].house.keeper->threshold->journals, "dealing", copy_row,
					&earlier));
	if (round == spoiling->round + 1 && spoiling->at == UINT64_MAX)
		spoiling->at = spoiling->frames + 1; /* when that has been heard */
	return go_and_come(team, from, to, kind, body);
}

/* --- What comes of it. --- */

static enum status
count_row(void *context, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

static void
assert_error(struct team *team, size_t at, const struct hash256 *id, const char *error) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	assert_ok(house_get(&team->members[at].house, &arena, arena_format(&arena, "/v1/operations/%s", name_of(id)),
			    &response));
	/* The entry stands in the receipt. */
	uint8_t entry[4096];
	size_t len = 0;
	const uint8_t *text = memmem(response.body.data, response.body.len, "extra ", 6);
	assert_non_null(text);
	size_t left = response.body.len - (size_t)(text + 6 - response.body.data);
	const uint8_t *last = memchr(text + 6, '\\', left);
	assert_non_null(last);
	assert_ok(base64_decode(bytes_of(text + 6, (size_t)(last - text - 6)), entry, sizeof entry, &len));
	if (memmem(entry, len, error, strlen(error)) == nullptr)
		fail_msg("keeper %zu does not say %s: %.*s", at, error, (int)len, (const char *)entry);
}

static void
deal(struct team *team, struct spoiling *spoiling, uint64_t number, struct ipc_response *response,
     struct arena *arena) {
	struct firm_operation asked = ceremony_operation(team, &KINDS[1], REFRESHED, arena);
	asked.idempotency_key = arena_format(arena, "dealing-%llu", (unsigned long long)number);
	team->on_message = spoiling->hook != nullptr ? spoiling->hook : go_and_come;
	team->context = spoiling;
	team_submit(team, 0, asked, arena, response);
	team_settle(team);
	team->on_message = nullptr;
}

static void
assert_ends(struct team *team, struct spoiling spoiling, const char *own) {
	static uint64_t number;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	uint32_t epoch = key_at(team, 0, &KINDS[1])->sharing.key.epoch;
	deal(team, &spoiling, ++number, &response, &arena);
	assert_true(spoiling.is_gone);
	assert_answer(409, "failed", &response);
	struct hash256 id = id_of(&response);
	team_pass_ms(team, 31'000);
	team_settle(team);
	for (size_t i = 0; i < 3; i++) {
		size_t rows = 0;
		assert_int_equal(OPERATION_FAILED, team_state(team, i, &id));
		assert_int_equal(epoch, key_at(team, i, &KINDS[1])->sharing.key.epoch);
		assert_ok(
			secrets_visit(team->members[i].house.keeper->threshold->journals, "dealing", count_row, &rows));
		assert_int_equal(0, rows);
	}
	assert_error(team, WHO, &id, own);
	if (spoiling.hook != go_back) /* there it repeats what it said before */
		assert_int_equal(0, spoiling.said_after);
	assert_signs(team, 0, &KINDS[1], 100 + (uint32_t)number);
	assert_signs(team, WHO, &KINDS[1], 200 + (uint32_t)number);
}

/* Its disk is full when the last frame of that round comes: nothing of the next one leaves. */
static bool
fill_disk(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct spoiling *spoiling = team->context;
	const struct joint_session *session = team->members[WHO].house.keeper->threshold->sessions;
	if (!is_frame(kind, body))
		return true;
	size_t round = body->data[6] - FROST_DEALING_MESSAGES[0].type;
	spoiling->said_after += spoiling->is_gone && from == WHO && round > spoiling->round;
	if (spoiling->is_gone || to != WHO || round != spoiling->round || session == nullptr ||
	    session->journal.rounds != round + 1 ||
	    machine_heard(&session->dealing, round, (uint8_t)(from == 0 ? 3 : 1)).len == 0)
		return true;
	spoiling->is_gone = true;
	simulated_disk_fail(team->members[WHO].disk, SIMULATED_WRITE, 0, STATUS_UNAVAILABLE);
	return true;
}

static struct team all;

static int
found_team(void **) {
	found_for_ceremony(&all, &KINDS[1], REFRESHED, 311);
	assert_ok(
		root_key_derive(all.members[WHO].house.installation.root, "gatehouse/threshold-dealings/v1", row_key));
	return 0;
}

static int
end(void **) {
	buffer_free(&earlier);
	team_free(&all);
	return 0;
}

static void
what_is_missing_or_damaged_is_not_gone_on_from(void **) {
	assert_ends(&all, (struct spoiling){.at = 3, .spoil = remove_row}, "joint.interrupted");
	static const size_t places[] = {0, 4, 5, 6, 20, 400, 999, 1000};
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		flipped = places[i];
		assert_ends(&all, (struct spoiling){.at = 8, .spoil = flip_bit}, "joint.journal");
	}
	assert_ends(&all, (struct spoiling){.at = 8, .spoil = cut_row}, "joint.journal");
	assert_ends(&all, (struct spoiling){.at = 8, .spoil = empty_row}, "joint.journal");
}

static void
what_does_not_fit_together_is_not_gone_on_from(void **) {
	static const char *const errors[] = {[ALTERED_SEED] = "joint.journal: what ",
					     [ALTERED_SESSION] = "joint.journal: it is of another session",
					     [ALTERED_HOLDERS] = "joint.admission",
					     [ALTERED_SENT] = "joint.journal: what would be sent",
					     [ALTERED_HEARD] = "joint.journal: what "};
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	for (altered = 0; altered < ALTERED_NOTHING; altered++)
		assert_ends(&all, (struct spoiling){.at = 10, .spoil = alter_row}, errors[altered]);
	/* Sealed as it was it is gone on from: this test makes no other mistake. */
	struct spoiling nothing = {.at = 10, .spoil = alter_row};
	deal(&all, &nothing, 900, &response, &arena);
	assert_true(nothing.is_gone);
	assert_answer(200, "done", &response);
}

/* --- What is left, and when. --- */

/* Its row, when it has told that its share is stored. */
static bool
look_when_stored(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct spoiling *spoiling = team->context;
	_cleanup_(buffer_free) struct buffer row = {};
	uint8_t plain[8192];
	struct journal journal;
	size_t len;
	if (kind != PEER_ANSWER || from != WHO || to == WHO || body->data[0] != ANSWER_STORED)
		return true;
	get_row(team->members[WHO].house.keeper->threshold->journals, &row);
	open_row(team, &row, plain, &len);
	assert_ok(journal_read_row(bytes_of(plain, len), &journal));
	assert_true(journal_is_stored(&journal) && journal.part.len == 0 && journal.sent[0][0].len == 0 &&
		    journal.received[1][0].len == 0);
	assert_true(journal.sent[2][0].len > 0 && journal.sent[2][2].len > 0 && journal.sent[2][1].len == 0);
	spoiling->is_gone = true;
	return true;
}

static void
of_a_stored_share_nothing_secret_is_kept(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct spoiling looking = {.hook = look_when_stored};
	deal(&all, &looking, 901, &response, &arena);
	assert_true(looking.is_gone);
	assert_answer(200, "done", &response);
}

/* The last frame of a round is a lie, while its disk cannot forget what it made: then it says nothing of having noticed, for it would
 * go on, and be tried again. */
static bool
lie_when_nothing_is_forgotten(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct spoiling *spoiling = team->context;
	const struct joint_session *session = team->members[WHO].house.keeper->threshold->sessions;
	size_t round = 1;
	spoiling->said_after += spoiling->is_gone && from == WHO && !is_frame(kind, body);
	if (spoiling->is_gone || to != WHO || kind != PEER_PROTOCOL ||
	    body->data[6] != FROST_DEALING_MESSAGES[round].type || session == nullptr ||
	    session->journal.rounds != round + 1 ||
	    machine_heard(&session->dealing, round, (uint8_t)(from == 0 ? 3 : 1)).len == 0)
		return true;
	body->data[body->len - 1] ^= 1;
	simulated_disk_fail(team->members[WHO].disk, SIMULATED_WRITE, 0, STATUS_IO);
	spoiling->is_gone = true;
	return true;
}

static void
a_check_that_failed_is_forgotten_before_it_is_told(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct spoiling lying = {.hook = lie_when_nothing_is_forgotten};
	deal(&all, &lying, 902, &response, &arena);
	assert_true(lying.is_gone);
	assert_true(all.members[WHO].has_ended);
	assert_int_equal(0, lying.said_after);
	team_stop(&all, WHO);
	team_start(&all, WHO);
	team_settle(&all);
	team_pass_ms(&all, 31'000);
	team_settle(&all);
	assert_signs(&all, 0, &KINDS[1], 300);
}

static void
what_is_anothers_is_not_gone_on_from(void **) {
	assert_ends(&all, (struct spoiling){.at = 8, .spoil = take_others_row}, "joint.journal");
	struct spoiling keeping = {.at = 8, .spoil = keep_row};
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	deal(&all, &keeping, 1000, &response, &arena);
	assert_answer(200, "done", &response); /* it was not spoiled */
	assert_ends(&all, (struct spoiling){.at = 8, .spoil = put_another}, "joint.journal");
}

static void
what_is_of_an_earlier_time_is_not_gone_on_from(void **) {
	for (size_t round = 0; round < 2; round++) {
		buffer_free(&earlier);
		assert_ends(&all,
			    (struct spoiling){.at = UINT64_MAX, .round = round, .spoil = put_earlier, .hook = go_back},
			    "joint.behind");
	}
}

static void
where_nothing_can_be_kept_nothing_is_said(void **) {
	assert_ends(&all, (struct spoiling){.round = 0, .hook = fill_disk}, "database.");
	assert_ends(&all, (struct spoiling){.round = 1, .hook = fill_disk}, "database.");
}

static void
what_is_too_old_is_not_gone_on_from(void **) {
	assert_ends(&all, (struct spoiling){.at = 8, .away_ms = RESUMING_MS + 1'000}, "joint.time");
}

static void
of_a_time_to_come_nothing_is_gone_on_from(void **) {
	constexpr int64_t TOO_FAR_MS = CLOCK_SKEW_MS + 3'000;
	assert_ends(&all, (struct spoiling){.at = 8, .back_ms = TOO_FAR_MS}, "joint.time");
	team_stop(&all, WHO);
	simulated_disk_step_realtime(all.members[WHO].disk, TOO_FAR_MS * 1'000'000);
	team_start(&all, WHO);
	team_settle(&all);
	struct spoiling little = {.at = 8, .back_ms = CLOCK_SKEW_MS - 3'000};
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	deal(&all, &little, 1100, &response, &arena);
	assert_true(little.is_gone);
	assert_answer(200, "done", &response);
}

static void
what_another_machine_drew_is_not_gone_on_from(void **) {
	const struct io *io = all.members[WHO].house.io;
	_cleanup_(arena_free) struct arena arena = {};
	struct keeper *keeper = all.members[WHO].house.keeper;
	int file;
	assert_ok(io_open(io, arena_format(&arena, "%s/generation", all.members[WHO].house.data),
			  IO_READ | IO_WRITE | IO_CREATE, &file));
	assert_ok(io_write_at(io, file, 0, "1", 1));
	keeper->config.vm_generation = (struct vm_generation){.is_given = true, .file = file};
	assert_false(vm_generation_has_changed(&keeper->config.vm_generation, io));
	/* Started anew it is told of no generation: it cannot know that it is the same. */
	assert_ends(&all, (struct spoiling){.at = 8}, "joint.generation");
}

int
main(void) {
	static const struct CMUnitTest tests[] = {T(what_is_missing_or_damaged_is_not_gone_on_from),
						  T(what_does_not_fit_together_is_not_gone_on_from),
						  T(of_a_stored_share_nothing_secret_is_kept),
						  T(a_check_that_failed_is_forgotten_before_it_is_told),
						  T(what_is_anothers_is_not_gone_on_from),
						  T(what_is_of_an_earlier_time_is_not_gone_on_from),
						  T(what_is_too_old_is_not_gone_on_from),
						  T(of_a_time_to_come_nothing_is_gone_on_from),
						  T(where_nothing_can_be_kept_nothing_is_said),
						  T(what_another_machine_drew_is_not_gone_on_from)};
	return cmocka_run_group_tests(tests, found_team, end);
}
