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

/* One party, and what its steps saw. */
struct counter {
	struct exchange exchange;
	size_t steps, ends;
	enum status fails_with; /* OK: its steps do not fail */
	uint8_t names;
	bool is_slow; /* speaks in the second round only when it is told to */
};

static void
write_round(struct counter *counter) {
	static const uint8_t zeros[64];
	const struct exchange *exchange = &counter->exchange;
	assert_ok(
		exchange_tell_all(&counter->exchange,
				  bytes_of(zeros, exchange->round == 0 ? 4 + 2 * (size_t)exchange->session.self : 1)));
}

static enum status
count_step(struct counter *counter) {
	counter->steps++;
	counter->exchange.suspect = counter->names;
	exchange_look_at(&counter->exchange, 1);
	return counter->fails_with == OK ? OK : fail(counter->fails_with, "counter.step: as it was told");
}

static enum status
take_first(void *self) {
	struct counter *counter = self;
	TRY(count_step(counter));
	exchange_advance(&counter->exchange);
	if (!counter->is_slow)
		write_round(counter);
	return OK;
}

static enum status
take_second(void *self) {
	struct counter *counter = self;
	struct bytes fields[MESSAGE_FIELDS_MAX];
	TRY(count_step(counter));
	assert_ok(exchange_fields(&counter->exchange, 1, fields));
	assert_int_equal(fields[0].len, 1);
	exchange_advance(&counter->exchange);
	return OK;
}

static void
count_end(void *self, enum status) {
	((struct counter *)self)->ends++;
}

static const struct exchange_protocol COUNTING = {.kinds = KINDS,
						  .rounds = ARRAY_LENGTH(KINDS),
						  .steps = {take_first, take_second},
						  .counts = count_by_sender,
						  .ended = count_end};

static void
open_party(struct counter *counter, uint8_t self) {
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
	exchange_open(&counter->exchange, &session, &COUNTING, counter);
}

static void
counter_close(struct counter *counter) {
	exchange_close(&counter->exchange);
}

static struct bytes
take_frame_to(struct counter *counter, uint8_t receiver) {
	uint8_t to;
	struct bytes frame, last = {};
	exchange_rewind(&counter->exchange);
	while (exchange_next(&counter->exchange, &to, &frame))
		if (to == receiver)
			last = frame;
	if (last.len == 0)
		fail_msg("no frame to %u", receiver);
	return last;
}

/* One round of two, which they have begun, as one hears it. */
static void
hear_first_round(struct counter *one, struct counter *two, struct counter *three) {
	open_party(one, 1);
	open_party(two, 2);
	open_party(three, 3);
	write_round(two);
	write_round(three);
	assert_ok(exchange_receive(&one->exchange, take_frame_to(two, 1)));
	assert_ok(exchange_receive(&one->exchange, take_frame_to(three, 1)));
}

static void
a_round_ends_when_all_were_heard_and_the_own_part_was_said(void **) {
	_cleanup_(counter_close) struct counter one = {}, two = {}, three = {};
	uint8_t to;
	struct bytes frame;
	hear_first_round(&one, &two, &three);
	assert_int_equal(one.steps, 0); /* it has not spoken itself */
	assert_false(exchange_next(&one.exchange, &to, &frame));
	one.is_slow = true;
	write_round(&one);
	assert_ok(exchange_go_on(&one.exchange));
	assert_int_equal(one.steps, 1);
	assert_int_equal(one.exchange.round, 1);
	assert_true(exchange_next(&one.exchange, &to, &frame) && to == 2);
	assert_true(exchange_next(&one.exchange, &to, &frame) && to == 3);
	assert_false(exchange_next(&one.exchange, &to, &frame)); /* what it says in the second is not made yet */
	assert_ok(exchange_receive(&two.exchange, frame = take_frame_to(&one, 2)));
	assert_ok(exchange_receive(&two.exchange, take_frame_to(&three, 2)));
	assert_ok(exchange_receive(&three.exchange, take_frame_to(&one, 3)));
	assert_ok(exchange_receive(&one.exchange, take_frame_to(&two, 1))); /* of the second round */
	assert_ok(exchange_receive(&three.exchange, take_frame_to(&two, 3)));
	assert_int_equal(three.steps,
			 0); /* a peer is one ahead of it, and what came of the first round was the second's */
	exchange_rewind(&two.exchange);
	assert_true(exchange_next(&two.exchange, &to, &frame) && to == 1);
	assert_true(exchange_next(&two.exchange, &to, &frame) && to == 3);
	assert_ok(exchange_receive(&three.exchange, frame));
	assert_int_equal(three.steps, 1);
	assert_ok(exchange_receive(&one.exchange, take_frame_to(&three, 1)));
	assert_int_equal(one.steps, 1); /* all have been heard, and it has not spoken */
	write_round(&one);
	assert_ok(exchange_go_on(&one.exchange));
	assert_int_equal(one.steps, 2);
	assert_int_equal(one.exchange.state, EXCHANGE_DONE);
	assert_int_equal(one.ends, 0);
	assert_fails(STATUS_CONFLICT, "exchange.over", exchange_receive(&one.exchange, take_frame_to(&two, 1)));
}

static void
what_comes_again_is_ignored_and_what_differs_ends_the_session(void **) {
	_cleanup_(counter_close) struct counter one = {}, two = {};
	_cleanup_(buffer_free) struct buffer changed = {};
	open_party(&one, 1);
	open_party(&two, 2);
	write_round(&two);
	struct bytes frame = take_frame_to(&two, 1);
	assert_ok(exchange_receive(&one.exchange, frame));
	assert_ok(exchange_receive(&one.exchange, frame));
	buffer_append_bytes(&changed, frame);
	changed.data[changed.len - 1] ^= 1;
	assert_fails(STATUS_CONFLICT, "exchange.twice", exchange_receive(&one.exchange, buffer_bytes(&changed)));
	assert_int_equal(one.exchange.culprit, 2);
	assert_int_equal(one.exchange.state, EXCHANGE_ABORTED);
	assert_int_equal(one.ends, 1);
}

static enum status
take_any(void *self) {
	struct counter *counter = self;
	TRY(count_step(counter));
	exchange_advance(&counter->exchange);
	return OK;
}

/* A peer can be one round ahead, as it has all that it needs for that; nobody honest is two. */
static void
what_comes_two_rounds_early_ends_the_session(void **) {
	static const struct message_kind kinds[] = {
		{.type = 1, .name = "first", .field_count = 1, .fields = {{"first.a", 4, 0}}},
		{.type = 2, .name = "second", .field_count = 1, .fields = {{"second.a", 4, 0}}},
		{.type = 3, .name = "third", .field_count = 1, .fields = {{"third.a", 4, 0}}},
	};
	static const struct exchange_protocol three_rounds = {.kinds = kinds,
							      .rounds = ARRAY_LENGTH(kinds),
							      .steps = {take_any, take_any, take_any},
							      .ended = count_end};
	_cleanup_(counter_close) struct counter one = {}, two = {};
	_cleanup_(buffer_free) struct buffer early = {};
	open_party(&one, 1);
	open_party(&two, 2);
	one.exchange.protocol = two.exchange.protocol = &three_rounds;
	assert_ok(exchange_tell_all(&two.exchange, BYTES_OF_LITERAL("four")));
	buffer_append_bytes(&early, take_frame_to(&two, 1));
	early.data[6] = 2;
	assert_ok(exchange_receive(&one.exchange, buffer_bytes(&early)));
	early.data[6] = 3;
	assert_fails(STATUS_INVALID, "exchange.round", exchange_receive(&one.exchange, buffer_bytes(&early)));
	assert_int_equal(one.exchange.culprit, 2);
	assert_int_equal(one.exchange.state, EXCHANGE_ABORTED);
	assert_int_equal(one.ends, 1);
	assert_int_equal(one.steps, 0);
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
		_cleanup_(counter_close) struct counter one = {}, two = {};
		_cleanup_(buffer_free) struct buffer changed = {};
		open_party(&one, 1);
		open_party(&two, 2);
		write_round(&two);
		buffer_append_bytes(&changed, take_frame_to(&two, 1));
		changed.data[cases[i].at] = cases[i].byte;
		changed.len -= cases[i].cut;
		assert_fails(cases[i].status, cases[i].name, exchange_receive(&one.exchange, buffer_bytes(&changed)));
		assert_int_equal(one.exchange.culprit, cases[i].culprit);
		bool ends = cases[i].culprit != 0 || one.exchange.ended_by == 2;
		assert_int_equal(one.exchange.state, ends ? EXCHANGE_ABORTED : EXCHANGE_RUNNING);
		assert_int_equal(one.ends, ends);
		/* Also of what came early, the message that is wrong is told. */
		if (strcmp(cases[i].name, "message.length") == 0)
			assert_int_equal(one.exchange.failed_round, cases[i].at == 6 ? 1 : 0);
		assert_null(one.exchange.failed_field);
	}
}

/* What leaves after a step that failed so, naming that party. */
static struct hash256
outward(enum status status, uint8_t names, uint8_t culprit) {
	_cleanup_(counter_close) struct counter one = {.fails_with = status, .names = names}, two = {}, three = {};
	struct hash256 seen = {};
	uint8_t to;
	struct bytes frame;
	size_t frames = 0;
	hear_first_round(&one, &two, &three);
	write_round(&one);
	assert_fails(status, "counter.step", exchange_go_on(&one.exchange));
	assert_int_equal(one.exchange.culprit, culprit);
	assert_int_equal(one.exchange.failed_round, 0);
	assert_string_equal(one.exchange.failed_field->name, "first.b");
	assert_int_equal(one.ends, 1);
	for (; exchange_next(&one.exchange, &to, &frame); frames++) {
		assert_int_equal(frame.len, MESSAGE_HEADER_SIZE);
		seen = SHA256_PARTS(hash256_bytes(&seen), frame);
	}
	assert_int_equal(frames, 2);
	return seen;
}

static void
an_end_looks_the_same_whoever_is_to_blame(void **) {
	struct hash256 nobody = outward(STATUS_UNAUTHORIZED, 0, 0), somebody = outward(STATUS_UNAUTHORIZED, 3, 3);
	struct hash256 itself = outward(STATUS_NO_MEMORY, 2, 0); /* no fault of the peer */
	assert_true(hash256_equal(&nobody, &somebody));
	assert_true(hash256_equal(&nobody, &itself));
}

RUN_TESTS(T(a_round_ends_when_all_were_heard_and_the_own_part_was_said),
	  T(what_comes_again_is_ignored_and_what_differs_ends_the_session), T(bad_frames_are_refused_by_name),
	  T(what_comes_two_rounds_early_ends_the_session), T(an_end_looks_the_same_whoever_is_to_blame))
