#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "keeper/threshold_internal.h"
#include "keeper/threshold_journal.h"
#include "keys/threshold/frost/frost_dealing.h"
#include "tests/seeded_seals.h"

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

/* --- Known answers: tests/vectors/threshold-journal.json, which tests/threshold_journal_vectors.py makes again in another language, from
 * docs/PROTOCOL.threshold §22: a key is dealt from seeds that keepers keep, and what one of them keeps of it, row by row.
 * GATEHOUSE_WRITE_VECTORS=1 writes the file anew. --- */

constexpr uint8_t HOLDERS = 3, SELF = 2;
#define KNOWN_INSTANCE BYTES_OF_LITERAL("northwind")
static const char KNOWN_SEED[] = "gatehouse threshold journal vectors";
static const struct journal_place PLACE = {.origin = "northwind/two",
					   .operation = {{1, [31] = 0xb1}},
					   .digest = {{2, [31] = 0xb2}},
					   .key_id = "vault",
					   .epoch = 1};

static struct repeating streams[HOLDERS + 1];
static uint8_t known_seeds[HOLDERS + 1][SEEDED_SIZE];
static struct buffer frames[EXCHANGE_ROUNDS_MAX][HOLDERS + 1][HOLDERS + 1]; /* by round, from, to */

/* Until nobody has anything to say. */
static void
hand_on_frames(struct frost_dealing *const dealings[HOLDERS + 1]) {
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t from = 1, to; from <= HOLDERS; from++) {
			struct bytes frame;
			if (!exchange_next(frost_dealing_exchange(dealings[from]), &to, &frame))
				continue;
			moved = true;
			struct buffer *noted = &frames[frame.data[6] - 9][from][to];
			buffer_append_bytes(noted, frame);
			assert_ok(exchange_receive(frost_dealing_exchange(dealings[to]), buffer_bytes(noted)));
		}
	}
}

/* How often each was admitted is its index. */
static struct hash256
hash_of_holders(const struct frost_key_info *key) {
	struct joint_session *session = calloc(1, sizeof *session);
	assert_non_null(session);
	sharing_of_frost(key, &session->sharing);
	for (size_t i = 0; i < HOLDERS; i++)
		session->sharing.admissions[i] = i + 1;
	dealing_note_parties(session);
	const struct hash256 hash = session->journal.parties;
	free(session);
	return hash;
}

/* A key of Ed25519, 2 of 3, by the nonce of §16. */
static struct hash256
deal_known(struct frost_key_info *key) {
	static const uint8_t LABEL[] = {"gatehouse/joint/dealing/v1"};
	const struct hash256 nonce = SHA256_PARTS(bytes_of(LABEL, sizeof LABEL - 1), hash256_bytes(&PLACE.digest));
	struct frost_dealing *dealings[HOLDERS + 1] = {};
	struct seeded seeded[HOLDERS + 1] = {};
	for (uint8_t i = 1; i <= HOLDERS; i++) {
		streams[i] = repeating_stream(KNOWN_SEED, i);
		repeating_fill(&streams[i], known_seeds[i], SEEDED_SIZE);
		assert_ok(seeded_start(&seeded[i], BYTES_OF_ARRAY(known_seeds[i]), &PLACE.digest));
		const struct frost_dealing_terms terms = {.kind = FROST_DEALING_GENERATE,
							  .instance = KNOWN_INSTANCE,
							  .nonce = nonce.bytes,
							  .self = i,
							  .randomness = seeded_randomness(&seeded[i]),
							  .key = {.id = "vault",
								  .scheme = FROST_SCHEME_ED25519,
								  .threshold = 2,
								  .epoch = 1,
								  .holders = parties_up_to(HOLDERS)}};
		assert_ok(frost_dealing_start(&dealings[i], &terms));
	}
	hand_on_frames(dealings);
	assert_true(frost_dealing_confirmed(dealings[SELF], key));
	for (uint8_t i = 1; i <= HOLDERS; i++) {
		frost_dealing_destroy(&dealings[i]);
		seeded_end(&seeded[i]);
	}
	return hash_of_holders(key);
}

/* As far as its rounds. Where the share is stored: the last frames, and nothing that is secret. */
static struct journal
known_journal(enum form form, const struct hash256 *holders) {
	struct journal journal = {.begun_ms = 1'700'000'000'123,
				  .bundle = {{5, [31] = 0xb5}},
				  .rounds = form == STORED ? 3 : (uint8_t)form};
	if (form != STORED) {
		journal.has_generation = true;
		journal.generation = BYTES_OF_LITERAL("machine");
		journal.seed = BYTES_OF_ARRAY(known_seeds[SELF]);
	}
	if (form == BEGUN)
		return journal;
	if (form != STORED)
		memcpy(journal.session_id.bytes, frames[0][SELF][1].data + 9, sizeof journal.session_id.bytes);
	journal.parties = *holders;
	journal.party_count = HOLDERS;
	for (size_t round = form == STORED ? 2 : 0; round < journal.rounds; round++)
		for (uint8_t i = 1; i <= HOLDERS; i++) {
			journal.sent[round][i - 1] = buffer_bytes(&frames[round][SELF][i]);
			if (round + 1U < journal.rounds)
				journal.received[round][i - 1] = buffer_bytes(&frames[round][i][SELF]);
		}
	return journal;
}

static void
write_known_row(struct json_writer *w, const struct journal *journal) {
	_cleanup_(buffer_free) struct buffer row = {};
	uint8_t key[AEAD_KEY_SIZE];
	seals_key(JOURNAL_LABEL, key);
	seals_draw_from(&streams[SELF]);
	assert_ok(journal_seal(journal, &PLACE, key, &row));
	seals_draw_from(nullptr);
	const struct hash256 hash = sha256(buffer_bytes(&row));
	json_write_object(w);
	json_write_member_integer(w, "bytes", (int64_t)row.len);
	json_write_member_hex(w, "part", journal->part);
	json_write_member_integer(w, "rounds", journal->rounds);
	json_write_member_hex(w, "sha256", hash256_bytes(&hash));
	json_write_member_boolean(w, "stored", journal_is_stored(journal));
	json_write_end(w);
}

/* Every row of the dealing, and the first of one in which a key comes in, on a platform that tells no generation. */
static void
write_rows(struct json_writer *w, const struct hash256 *holders) {
	struct journal journal;
	json_write_key(w, "rows");
	json_write_array(w);
	for (enum form form = BEGUN; form < FORMS; form++) {
		journal = known_journal(form, holders);
		write_known_row(w, &journal);
	}
	journal = known_journal(BEGUN, holders);
	journal.has_generation = false;
	journal.generation = (struct bytes){};
	journal.part = BYTES_OF_ARRAY(SECRET);
	write_known_row(w, &journal);
	json_write_end(w);
}

static void
write_known(struct json_writer *w) {
	struct frost_key_info key = {};
	const struct hash256 holders = deal_known(&key);
	const struct journal journal = known_journal(BEGUN, &holders);
	json_write_object(w);
	json_write_member_integer(w, "begun_ms", journal.begun_ms);
	json_write_member_hex(w, "bundle", hash256_bytes(&journal.bundle));
	json_write_member_hex(w, "digest", hash256_bytes(&PLACE.digest));
	json_write_member_string(w, "generation", journal.generation);
	json_write_member_string(w, "instance", KNOWN_INSTANCE);
	json_write_member_text(w, "key_id", PLACE.key_id);
	json_write_member_hex(w, "operation", hash256_bytes(&PLACE.operation));
	json_write_member_text(w, "origin", PLACE.origin);
	json_write_member_hex(w, "public_key", frost_element_bytes(&frost_ed25519, &key.public_key));
	json_write_member_text(w, "root_key", SEALS_ROOT_KEY);
	write_rows(w, &holders);
	json_write_member_text(w, "seed", KNOWN_SEED);
	json_write_end(w);
}

static void
what_is_kept_of_a_dealing_is_the_recorded(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	struct json_writer w;
	char path[4096];
	json_writer_start(&w, &text);
	write_known(&w);
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	for (size_t i = 0; i < sizeof frames / sizeof(struct buffer); i++)
		buffer_free(&(&frames[0][0][0])[i]);
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-journal.json", test_source_root());
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
}

RUN_TESTS(T(what_is_written_is_read_and_nothing_shorter), T(bad_inputs_are_refused_by_name),
	  T(the_longest_frame_of_all_parties_is_read), T(what_is_kept_of_a_dealing_is_the_recorded))
