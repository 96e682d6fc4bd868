/* A protocol of two rounds that only counts, among three parties: order, repetition, strays, endings. */
#include "tests/test.h"

#include "keys/threshold/exchange.h"
#include "tests/threshold_parties.h"

static const struct message_kind KINDS[] = {
	{.type = 1, .name = "first", .field_count = 2, .fields = {{"first.a", 4, 0}, {"first.b", 2, 1}}},
	{.type = 2, .name = "second", .field_count = 1, .fields = {{"second.a", 1, 0}}},
};

static struct message_counts
count_by_sender(const void *, uint8_t from, uint8_t) {
	return (struct message_counts){.counts = {0, from}};
}

static void
open_party(struct exchange *exchange, uint8_t self) {
	struct party_set set = parties_up_to(3);
	static const uint8_t nonce[32] = {7};
	struct protocol_session session;
	assert_ok(session_open(&(struct session_terms){.protocol = "count",
						       .instance = BYTES_OF_LITERAL("i"),
						       .threshold = 2,
						       .self = self,
						       .parties = &set,
						       .nonce = nonce},
			       &session));
	exchange_open(exchange, &session, KINDS, ARRAY_LENGTH(KINDS));
	exchange->counts = count_by_sender;
}

static void
write_round(struct exchange *exchange) {
	static const uint8_t zeros[64];
	for (size_t i = 0; i < 3; i++)
		if (i + 1 != exchange->session.self)
			buffer_append(exchange_frame(exchange, i), zeros,
				      exchange->round == 0 ? 4 + 2 * (size_t)exchange->session.self : 1);
}

static struct bytes
take_frame_to(struct exchange *exchange, uint8_t receiver) {
	uint8_t to;
	struct bytes frame;
	exchange_rewind(exchange);
	while (exchange_next(exchange, &to, &frame))
		if (to == receiver)
			return frame;
	fail_msg("no frame to %u", receiver);
	return (struct bytes){};
}

static void
rounds_follow_when_all_were_heard_and_a_peer_may_be_one_ahead(void **) {
	_cleanup_(exchange_close) struct exchange one = {}, two = {}, three = {};
	bool ends;
	uint8_t to;
	struct bytes frame, fields[MESSAGE_FIELDS_MAX];
	open_party(&one, 1);
	open_party(&two, 2);
	open_party(&three, 3);
	assert_false(exchange_next(&one, &to, &frame));
	write_round(&two);
	write_round(&three);
	assert_ok(exchange_accept(&one, take_frame_to(&two, 1), &ends));
	assert_false(exchange_is_complete(&one));
	exchange_advance(&two);
	write_round(&two);
	assert_true(exchange_next(&two, &to, &frame) && to == 3); /* its first round, which nobody took yet */
	assert_true(exchange_next(&two, &to, &frame) && to == 1);
	assert_ok(exchange_accept(&one, frame, &ends));
	assert_false(exchange_is_complete(&one));
	assert_ok(exchange_accept(&one, take_frame_to(&three, 1), &ends));
	assert_true(exchange_is_complete(&one));
	assert_ok(exchange_fields(&one, 2, fields));
	assert_int_equal(fields[1].len, 6);
	write_round(&one);
	exchange_advance(&one);
	assert_ok(exchange_fields(&one, 1, fields));
	assert_int_equal(fields[0].len, 1);
	exchange_advance(&one);
	assert_int_equal(one.state, EXCHANGE_DONE);
	assert_fails(STATUS_CONFLICT, "exchange.over", exchange_accept(&one, frame, &ends));
}

static void
what_comes_again_is_ignored_and_what_differs_ends_the_session(void **) {
	_cleanup_(exchange_close) struct exchange one = {}, two = {};
	_cleanup_(buffer_free) struct buffer changed = {};
	bool ends;
	open_party(&one, 1);
	open_party(&two, 2);
	write_round(&two);
	struct bytes frame = take_frame_to(&two, 1);
	assert_ok(exchange_accept(&one, frame, &ends));
	assert_ok(exchange_accept(&one, frame, &ends));
	buffer_append_bytes(&changed, frame);
	changed.data[changed.len - 1] ^= 1;
	assert_fails(STATUS_CONFLICT, "exchange.twice", exchange_accept(&one, buffer_bytes(&changed), &ends));
	assert_int_equal(one.culprit, 2);
}

static void
bad_frames_are_refused_by_name(void **) {
	static const struct {
		size_t at;
		uint8_t byte;
		size_t cut;
		enum status status;
		const char *name;
		uint8_t culprit;
	} cases[] = {
		{0, 'X', 0, STATUS_INVALID, "exchange.stray", 0},  {5, 2, 0, STATUS_INVALID, "exchange.stray", 0},
		{7, 1, 0, STATUS_INVALID, "exchange.stray", 0},    {7, 9, 0, STATUS_INVALID, "exchange.stray", 0},
		{8, 3, 0, STATUS_INVALID, "exchange.stray", 0},    {9, 0, 0, STATUS_INVALID, "exchange.stray", 0},
		{0, 'G', 48, STATUS_INVALID, "exchange.stray", 0}, {0, 'G', 16, STATUS_INVALID, "exchange.stray", 0},
		{0, 'G', 1, STATUS_INVALID, "message.length", 2},  {6, 2, 0, STATUS_INVALID, "message.length", 2},
		{6, 3, 0, STATUS_INVALID, "exchange.round", 2},    {6, 0, 0, STATUS_DENIED, "exchange.peer_aborted", 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(exchange_close) struct exchange one = {}, two = {};
		_cleanup_(buffer_free) struct buffer changed = {};
		bool ends;
		open_party(&one, 1);
		open_party(&two, 2);
		write_round(&two);
		buffer_append_bytes(&changed, take_frame_to(&two, 1));
		changed.data[cases[i].at] = cases[i].byte;
		changed.len -= cases[i].cut;
		assert_fails(cases[i].status, cases[i].name, exchange_accept(&one, buffer_bytes(&changed), &ends));
		assert_int_equal(one.culprit, cases[i].culprit);
		assert_int_equal(ends, cases[i].culprit != 0 || one.ended_by == 2);
		assert_int_equal(one.state, EXCHANGE_RUNNING);
	}
}

static void
an_end_looks_the_same_whoever_is_to_blame(void **) {
	struct hash256 seen[2];
	for (uint8_t culprit = 0; culprit < 2; culprit++) {
		_cleanup_(exchange_close) struct exchange one = {};
		uint8_t to;
		struct bytes frame;
		size_t frames = 0;
		open_party(&one, 1);
		write_round(&one);
		exchange_abort(&one, STATUS_UNAUTHORIZED, culprit == 0 ? 0 : 3);
		assert_int_equal(one.culprit, culprit == 0 ? 0 : 3);
		while (exchange_next(&one, &to, &frame)) {
			assert_int_equal(frame.len, MESSAGE_HEADER_SIZE);
			seen[culprit] = SHA256_PARTS(hash256_bytes(&seen[culprit]), frame);
			frames++;
		}
		assert_int_equal(frames, 2);
		if (culprit == 0)
			seen[1] = (struct hash256){};
	}
	struct hash256 first = {};
	_cleanup_(exchange_close) struct exchange one = {};
	uint8_t to;
	struct bytes frame;
	open_party(&one, 1);
	exchange_abort(&one, STATUS_NO_MEMORY, 2);
	assert_int_equal(one.culprit, 0); /* no fault of the peer */
	while (exchange_next(&one, &to, &frame))
		first = SHA256_PARTS(hash256_bytes(&first), frame);
	assert_true(hash256_equal(&first, &seen[1]));
}

RUN_TESTS(T(rounds_follow_when_all_were_heard_and_a_peer_may_be_one_ahead),
	  T(what_comes_again_is_ignored_and_what_differs_ends_the_session), T(bad_frames_are_refused_by_name),
	  T(an_end_looks_the_same_whoever_is_to_blame))
