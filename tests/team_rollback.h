/*
 * For tests of a keeper whose disk is put back: it is copied before a message, and the keeper begins anew from that copy before a later one,
 * or when all has ended. Its connections come up again at once. Where the test says so, they do as keeper/peer_stream.c would let them, and its
 * peers refuse a keeper whose log had entries that are gone, all of which they may have seen.
 *
 * Nobody says two things in one round of one session to one receiver, pledges both words, or says that nothing was released and releases
 * its share; that does not hold without the refusal for a keeper whose log is behind: it has forgotten that it dealt, and draws anew for a
 * dealing that it hears of again, in the session of the same name. The others have ended it, or end it when they hear two things. With the
 * refusal or without it an operation has one signature, and what signs once, a nonce or a presignature, serves one session of the one
 * process that drew it. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_ROLLBACK_H
#define GATEHOUSE_TESTS_TEAM_ROLLBACK_H

#include "keeper/threshold_internal.h"
#include "keeper/threshold_message.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "keys/threshold/ecdsa/signing.h"
#include "keys/threshold/frost/frost_quorum.h"
#include "keys/threshold/message.h"
#include "tests/team_going.h"

constexpr uint64_t WHEN_ENDED = 1'000'000; /* messages later: more than there are */

struct said {
	size_t from, to;
	uint8_t type;
	uint8_t session[32];
	struct hash256 frame;
};

/* What signs once: whose it is, and where it was shown. */
struct drawn {
	size_t from;
	uint8_t boots;
	uint8_t session[32];
	struct hash256 what;
};

enum word {
	WORD_KEEPS = 1,
	WORD_NEVER = 2,
	WORD_RELEASED_NOTHING = 4,
	WORD_RELEASES = 8,
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
	char *transaction;              /* signed, whoever has shown it first; null: nobody has */
	struct joint_answer signatures; /* as they were told first */
	bool is_signed, is_over;        /* over: what is signed from now on is another operation */
	unsigned words[TEAM_MAX];       /* of enum word, that each has said of the operation */
	size_t said_count, drawn_count;
	struct said said[2000];
	struct drawn drawn[1000];
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
note_signatures(struct rollback *rollback, const struct joint_answer *answer) {
	struct joint_answer *first = &rollback->signatures;
	rollback->is_signed = true;
	if (first->signature_count == 0)
		*first = *answer;
	assert_int_equal(first->signature_count, answer->signature_count);
	for (uint8_t i = 0; i < answer->signature_count; i++)
		assert_memory_equal(first->signatures[i].compact, answer->signatures[i].compact, 64);
}

/* What the others were told is what all show. */
static inline void
assert_one_signature(const struct rollback *rollback) {
	for (uint8_t i = 0; i < rollback->signatures.signature_count && rollback->transaction != nullptr; i++) {
		char half[33];
		hex_encode(bytes_of(rollback->signatures.signatures[i].compact + 48, 16), half);
		assert_non_null(strstr(rollback->transaction, half));
	}
}

static inline void
note_words(struct rollback *rollback, size_t from, unsigned words) {
	static const unsigned CONTRARY[] = {WORD_KEEPS | WORD_NEVER, WORD_RELEASED_NOTHING | WORD_RELEASES};
	if (from == rollback->who && rollback->is_behind)
		return;
	rollback->words[from] |= words;
	for (size_t i = 0; i < ARRAY_LENGTH(CONTRARY); i++)
		if ((rollback->words[from] & CONTRARY[i]) == CONTRARY[i])
			fail_msg("keeper %zu has said two words of one operation: %x", from, rollback->words[from]);
}

static inline void
note_answer(struct rollback *rollback, size_t from, const struct buffer *body) {
	struct joint_answer answer;
	assert_ok(joint_answer_read(buffer_bytes(body), &answer));
	if (!hash256_equal(&answer.operation, &rollback->operation))
		return;
	if (answer.kind == ANSWER_SIGNED)
		note_signatures(rollback, &answer);
	if (answer.kind == ANSWER_REFUSED && answer.gives_back)
		note_words(rollback, from, WORD_RELEASED_NOTHING);
	for (uint8_t i = 0; answer.kind == ANSWER_PLEDGED && i < answer.pledges.count; i++)
		if (answer.pledges.of[i].holder == from + 1)
			note_words(rollback, from, answer.pledges.of[i].word == PLEDGE_KEEPS ? WORD_KEEPS : WORD_NEVER);
}

/* A commitment to nonces, or a presignature by its id: in one session of one process, whatever is put back. */
static inline void
note_drawn(struct team *team, struct rollback *rollback, size_t from, const struct buffer *body) {
	uint8_t type = body->data[6];
	bool is_frost = type == FROST_QUORUM_MESSAGES[0].type;
	if (!is_frost && type != ONLINE_MESSAGES[0].type && type != SIGNING_MESSAGES[0].type)
		return;
	struct bytes fields = bytes_of(body->data + MESSAGE_HEADER_SIZE, body->len - MESSAGE_HEADER_SIZE);
	struct drawn drawn = {.from = from, .boots = team->members[from].boots};
	drawn.what = sha256(is_frost ? fields : bytes_of(fields.data, 32));
	memcpy(drawn.session, body->data + 9, sizeof drawn.session);
	for (size_t i = 0; i < rollback->drawn_count; i++) {
		const struct drawn *other = &rollback->drawn[i];
		if (other->from != from || !hash256_equal(&other->what, &drawn.what))
			continue;
		if (other->boots != drawn.boots || memcmp(other->session, drawn.session, sizeof drawn.session) != 0)
			fail_msg("keeper %zu has shown twice what signs once, in a message of type %u", from, type);
		return;
	}
	assert_true(rollback->drawn_count < ARRAY_LENGTH(rollback->drawn));
	rollback->drawn[rollback->drawn_count++] = drawn;
}

/* With this others may complete a signature. */
static inline bool
releases_share(uint8_t type) {
	return type == ONLINE_MESSAGES[0].type || type == SIGNING_MESSAGES[2].type ||
	       type == FROST_QUORUM_MESSAGES[1].type;
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

static inline void
note_protocol(struct team *team, struct rollback *rollback, size_t from, size_t to, const struct buffer *body) {
	note_drawn(team, rollback, from, body);
	if (!rollback->is_over && releases_share(body->data[6]))
		note_words(rollback, from, WORD_RELEASES);
	if (from != rollback->who || !rollback->is_behind)
		note_frame(rollback, from, to, body);
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
	if (kind == PEER_PROTOCOL)
		note_protocol(team, rollback, from, to, body); /* as it was sent */
	if (rollback->is_spoilt) {
		team->context = &rollback->corruption;
		team_corrupt(team, from, to, kind, body);
		team->context = rollback;
	}
	if (kind == PEER_ANSWER)
		note_answer(rollback, from, body);
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
