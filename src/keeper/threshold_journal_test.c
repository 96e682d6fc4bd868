#include "tests/test.h"

#include "keeper/threshold_journal.h"

static const uint8_t SECRET[32] = {3};

enum form { BEGUN, FIRST, SECOND, THIRD, STORED, FORMS };

/* A frame that says whose it is, of which round, and whether it was heard. */
static struct bytes
frame(size_t round, size_t position, bool is_heard) {
	static uint8_t frames[EXCHANGE_ROUNDS_MAX][3][2][40];
	uint8_t *bytes = frames[round][position][is_heard];
	memset(bytes, (int)(1 + round * 16 + position * 2 + is_heard), sizeof frames[0][0][0]);
	return bytes_of(bytes, 30 + round);
}

/* Of the second of three parties. */
static struct journal
example(enum form form) {
	struct journal journal = {.begun_ms = 1'700'000'000'123,
				  .has_generation = true,
				  .generation = BYTES_OF_LITERAL("machine"),
				  .seed = form == STORED ? (struct bytes){} : BYTES_OF_ARRAY(SECRET),
				  .part = form == FIRST ? BYTES_OF_ARRAY(SECRET) : (struct bytes){},
				  .rounds = form == STORED ? 3 : (uint8_t)form};
	memset(&journal.bundle, 5, sizeof journal.bundle);
	if (form == BEGUN)
		return journal;
	memset(&journal.session_id, 6, sizeof journal.session_id);
	memset(&journal.parties, 7, sizeof journal.parties);
	journal.party_count = 3;
	for (size_t round = form == STORED ? 2 : 0; round < journal.rounds; round++)
		for (size_t i = 0; i < 3; i += 2) {
			journal.sent[round][i] = frame(round, i, false);
			if (round + 1 < journal.rounds)
				journal.received[round][i] = frame(round, i, true);
		}
	return journal;
}

static void
what_is_written_is_read_and_nothing_shorter(void **) {
	for (enum form form = BEGUN; form < FORMS; form++) {
		_cleanup_(buffer_free) struct buffer text = {}, again = {};
		struct journal written = example(form), read;
		journal_write_row(&written, &text);
		assert_ok(journal_read_row(buffer_bytes(&text), &read));
		assert_int_equal(form == STORED, journal_is_stored(&read));
		assert_int_equal(written.rounds, read.rounds);
		for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++)
			for (size_t i = 0; i < PARTIES_MAX; i++) {
				assert_true(bytes_equal(written.sent[round][i], read.sent[round][i]));
				assert_true(bytes_equal(written.received[round][i], read.received[round][i]));
			}
		journal_write_row(&read, &again);
		assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
		for (size_t len = 0; len < text.len; len++)
			assert_fails(STATUS_INVALID, "joint.journal",
				     journal_read_row(bytes_of(text.data, len), &read));
		buffer_append_byte(&text, 0);
		assert_fails(STATUS_INVALID, "joint.journal.trailing", journal_read_row(buffer_bytes(&text), &read));
	}
}

/* One byte of a good text is another. */
static const struct {
	enum form form;
	size_t at;
	uint8_t becomes;
	const char *error;
} bad_inputs[] = {
	{BEGUN, 40, 2, "joint.journal"},  /* a generation */
	{BEGUN, 44, 65, "joint.journal"}, /* a longer one than there is */
	{BEGUN, 55, 31, "joint.journal"}, /* seed */
	{BEGUN, 55, 33, "joint.journal"},          {BEGUN, 54, 1, "joint.journal"},
	{BEGUN, 91, 1, "joint.journal"}, /* part */
	{BEGUN, 92, 4, "joint.journal"}, /* rounds */
	{BEGUN, 92, 1, "joint.journal"},           {SECOND, 92, 0, "joint.journal.trailing"},
	{SECOND, 92, 1, "joint.journal.trailing"}, {SECOND, 92, 3, "joint.journal"},
	{SECOND, 157, 1, "joint.journal"}, /* parties */
	{SECOND, 157, 17, "joint.journal"},        {SECOND, 157, 4, "joint.journal"},
	{SECOND, 158, 1, "joint.journal"},                                           /* a frame */
	{SECOND, 160, 0x41, "joint.journal"},      {STORED, 60, 2, "joint.journal"}, /* rounds of what is stored */
	{STORED, 59, 32, "joint.journal"},                                           /* which has no part */
};

static void
bad_inputs_are_refused_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_inputs); i++) {
		_cleanup_(buffer_free) struct buffer text = {};
		struct journal journal = example(bad_inputs[i].form);
		journal_write_row(&journal, &text);
		assert_true(bad_inputs[i].at < text.len);
		text.data[bad_inputs[i].at] = bad_inputs[i].becomes;
		enum status status = journal_read_row(buffer_bytes(&text), &journal);
		if (status == OK)
			fail_msg("input %zu is read", i);
		assert_fails(STATUS_INVALID, bad_inputs[i].error, status);
	}
}

/* Sixteen parties with the longest frames: what a hostile peer can make a keeper keep has a bound. */
static void
the_longest_frame_of_all_parties_is_read(void **) {
	static uint8_t longest[JOURNAL_FRAME_MAX + 1];
	_cleanup_(buffer_free) struct buffer text = {}, more = {};
	struct journal journal = example(THIRD);
	journal.party_count = PARTIES_MAX;
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < PARTIES_MAX; i++) {
			journal.sent[round][i] = bytes_of(longest, JOURNAL_FRAME_MAX);
			journal.received[round][i] = bytes_of(longest, round < 2 ? JOURNAL_FRAME_MAX : 0);
		}
	journal_write_row(&journal, &text);
	assert_ok(journal_read_row(buffer_bytes(&text), &journal));
	journal.sent[2][15] = BYTES_OF_ARRAY(longest);
	journal_write_row(&journal, &more);
	assert_fails(STATUS_INVALID, "joint.journal", journal_read_row(buffer_bytes(&more), &journal));
}

RUN_TESTS(T(what_is_written_is_read_and_nothing_shorter), T(bad_inputs_are_refused_by_name),
	  T(the_longest_frame_of_all_parties_is_read))
