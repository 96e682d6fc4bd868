/*
 * For tests of a keeper whose disk is put back: it is copied before a message, and the keeper begins anew from that copy before a later one,
 * or when all has ended. Its connections come up again at once. Where the test says so, they do as keeper/peer_stream.c would let them, and its
 * peers refuse a keeper whose log had entries that are gone, all of which they may have seen.
 *
 * Nobody says two things in one round of one session to one receiver; that does not hold without the refusal for a keeper whose log
 * is behind: it has forgotten that it dealt, and draws anew for a dealing that it hears of again, in the session of the same name. The others
 * have ended it, or end it when they hear two things. An operation has one signature, with the refusal or without it. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_ROLLBACK_H
#define GATEHOUSE_TESTS_TEAM_ROLLBACK_H

#include "keeper/threshold_internal.h"
#include "keys/threshold/message.h"
#include "tests/team_going.h"
#include "tests/team_limits.h"

constexpr uint64_t WHEN_ENDED = 1'000'000; /* messages later: more than there are */

struct said {
	size_t from, to;
	uint8_t type;
	uint8_t session[32];
	struct hash256 frame;
};

struct rollback {
	size_t who;
	uint64_t at,
		later; /* messages: copied before that one, counted from when this was armed; put back so many later */
	bool is_refused; /* where it is behind what others may have seen */
	bool prepares;   /* else nobody prepares presignatures */
	bool is_spoilt;  /* one message is altered on its way, so that a check fails */
	bool makes;      /* a dealing: of a new key, else of "vault" anew */
	struct corruption corruption;

	uint64_t counted, messages; /* so far; until what was asked had ended */
	bool is_asking;             /* what the first keeper is asked is on its way: its process cannot begin anew */
	bool is_gone, is_back, is_behind;
	struct simulated_disk *copy;
	uint64_t entries; /* in the copy */
	struct hash256 operation;
	char *transaction; /* signed, whoever has shown it first; null: nobody has */
	uint8_t signature[65];
	bool is_signed;
	size_t said_count;
	struct said said[2000];
};

static inline void
rollback_free(struct rollback *rollback) {
	simulated_disk_destroy(&rollback->copy);
	free(rollback->transaction);
}

static inline uint64_t
team_entries(struct team *team, size_t at) {
	struct ledger_head head;
	ledger_durable_head(keeper_ledger(team->members[at].house.keeper), &head);
	return head.head.size;
}

/* What that keeper shows as the signed transaction is what any other has shown. */
static inline void
note_transaction(struct team *team, struct rollback *rollback, size_t at) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	char hex[2 * sizeof rollback->operation.bytes + 1];
	const json *document, *result;
	struct bytes text;
	if (team_state(team, at, &rollback->operation) != OPERATION_DONE)
		return;
	hex_encode(hash256_bytes(&rollback->operation), hex);
	assert_ok(
		house_get(&team->members[at].house, &arena, arena_format(&arena, "/v1/operations/%s", hex), &response));
	assert_ok(json_read(&arena, arena_copy(&arena, response.body), (struct json_limits){}, &document));
	result = json_get(document, "result");
	if (result == nullptr || json_get(result, "transaction") == nullptr)
		return; /* of a dealing */
	assert_ok(json_need_string(result, "result", "transaction", &text));
	if (rollback->transaction == nullptr)
		rollback->transaction = strndup((const char *)text.data, text.len);
	if (strlen(rollback->transaction) != text.len || memcmp(rollback->transaction, text.data, text.len) != 0)
		fail_msg("two signatures: %s and %.*s", rollback->transaction, BYTES_ARGS(text));
	rollback->is_signed = true;
}

static inline void
note_signature(struct rollback *rollback, const struct buffer *body) {
	constexpr size_t PLACE = 1 + 32 + 1;
	if (body->data[0] != ANSWER_SIGNED || body->len != PLACE + 65 ||
	    memcmp(body->data + 1, rollback->operation.bytes, 32) != 0)
		return;
	if (rollback->is_signed && rollback->signature[0] != 0)
		assert_memory_equal(rollback->signature, body->data + PLACE, 65);
	memcpy(rollback->signature, body->data + PLACE, 65);
	rollback->is_signed = true;
}

/* What the others were told is what all show. */
static inline void
assert_one_signature(const struct rollback *rollback) {
	char half[33];
	hex_encode(bytes_of(rollback->signature + 48, 16), half);
	if (rollback->transaction != nullptr && rollback->signature[0] != 0)
		assert_non_null(strstr(rollback->transaction, half));
}

static inline void
note_frame(struct rollback *rollback, size_t from, size_t to, const struct buffer *body) {
	struct said said = {.from = from, .to = to, .type = body->data[6], .frame = sha256(buffer_bytes(body))};
	memcpy(said.session, body->data + 9, sizeof said.session);
	for (size_t i = 0; i < rollback->said_count; i++) {
		const struct said *other = &rollback->said[i];
		if (other->from != from || other->to != to || other->type != said.type ||
		    memcmp(other->session, said.session, sizeof said.session) != 0)
			continue;
		if (!hash256_equal(&other->frame, &said.frame))
			fail_msg("keeper %zu has said two things of type %u to keeper %zu", from, said.type, to);
		return;
	}
	assert_true(rollback->said_count < ARRAY_LENGTH(rollback->said));
	rollback->said[rollback->said_count++] = said;
}

/* Its process ends, its disk is the copy, and it begins anew. */
static inline void
team_go_back(struct team *team, struct rollback *rollback) {
	struct team_member *member = &team->members[rollback->who];
	const struct io *others = team->members[rollback->who == 0 ? 1 : 0].house.io;
	rollback->is_back = true;
	rollback->is_behind = team_entries(team, rollback->who) > rollback->entries;
	team_stop(team, rollback->who);
	simulated_disk_destroy(&member->disk);
	member->disk = TAKE(rollback->copy);
	member->house.io = simulated_disk_io(member->disk);
	simulated_disk_advance_clock(member->disk, io_realtime_ns(others) - io_realtime_ns(member->house.io));
	for (size_t i = 0; i < team->count; i++)
		team->is_cut[rollback->who][i] = team->is_cut[i][rollback->who] =
			rollback->is_refused && rollback->is_behind;
	team_start(team, rollback->who);
}

/* Its time has come, and what asked it has not returned: it says nothing from now on. */
static inline void
team_fall_silent(struct team *team, struct rollback *rollback) {
	struct team_member *gone = &team->members[rollback->who];
	rollback->is_gone = true;
	gone->is_open = false;
	atomic_store(&gone->house.keeper->has_ended, true);
	for (size_t i = 0; i < team->count; i++)
		if (i != rollback->who)
			team_cut(team, rollback->who, i);
}

static inline bool
team_roll_back(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct rollback *rollback = team->context;
	if (!rollback->prepares && kind == PEER_PROPOSE && body->data[0] == PROPOSE_PREPARE)
		return false;
	uint64_t number = rollback->counted++;
	if (rollback->copy == nullptr && !rollback->is_back && number >= rollback->at) {
		rollback->entries = team_entries(team, rollback->who);
		assert_ok(simulated_disk_copy(team->members[rollback->who].disk, &rollback->copy, 99));
	}
	if (rollback->copy != nullptr && !rollback->is_gone && number >= rollback->at + rollback->later) {
		if (rollback->is_asking && rollback->who == 0)
			team_fall_silent(team, rollback);
		else
			team_go_back(team, rollback);
		if (from == rollback->who || to == rollback->who)
			return false;
	}
	if (kind == PEER_PROTOCOL && !(from == rollback->who && rollback->is_behind))
		note_frame(rollback, from, to, body); /* as it was sent */
	if (rollback->is_spoilt) {
		team->context = &rollback->corruption;
		team_corrupt(team, from, to, kind, body);
		team->context = rollback;
	}
	if (kind == PEER_ANSWER)
		note_signature(rollback, body);
	return true;
}

/* What the first keeper is asked, and all that follows, with the keeper put back on the way, or afterwards. */
static inline void
team_ask_rolled_back(struct team *team, const struct ipc_request *request, struct rollback *rollback) {
	team->on_message = team_roll_back;
	team->context = rollback;
	rollback->is_asking = true;
	team_ask(team, 0, request);
	rollback->is_asking = false;
	if (!rollback->is_gone)
		team_settle(team);
	rollback->messages = rollback->counted;
	if (!rollback->is_back && !rollback->is_gone)
		note_transaction(team, rollback, rollback->who);
	if (!rollback->is_back && rollback->copy != nullptr)
		team_go_back(team, rollback);
	team_settle(team);
}

#endif
