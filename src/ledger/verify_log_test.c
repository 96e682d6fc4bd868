#include "tests/test.h"
#include "base/io_simulated.h"
#include "ledger/head.h"
#include "ledger/log_testing.h"
#include "ledger/verify_log.h"
#include "tests/forged_log.h"
#include "tests/log_keys.h"

#include <stdio.h>

constexpr size_t SEGMENT_HEADER = FRAME_ALIGNMENT;

static struct fixture {
	struct simulated_disk *disk;
	const struct io *io;
	uint8_t witness_seed[32];
	struct mldsa44_private *witness_mldsa44;
	struct cosigner witness;
	struct tlog_policy *full, *unwitnessed, *ed25519_only, *mldsa44_only, *foreign;
} f;

/* --- Policies --- */

static void
add_key(struct buffer *text, const char *start, const struct note_key *key) {
	buffer_append_text(text, start);
	note_key_format(key, text);
	buffer_append_byte(text, '\n');
}

static void
make_policy(struct tlog_policy **policy, bool ed25519, bool mldsa44, bool witness) {
	_cleanup_(buffer_free) struct buffer text = {};
	const struct head_keys *keys = &log_test_keys()->keys;
	if (ed25519)
		add_key(&text, "log ", &keys->ed25519);
	if (mldsa44)
		add_key(&text, "log ", &keys->mldsa44);
	if (witness) {
		add_key(&text, "witness classical ", &f.witness.ed25519);
		add_key(&text, "witness quantum ", &f.witness.mldsa44);
		buffer_append_text(&text, "group w all classical quantum\nquorum w\n");
	} else {
		buffer_append_text(&text, "quorum none\n");
	}
	assert_ok(tlog_policy_parse(buffer_bytes(&text), policy));
}

static int
make_fixture(void **) {
	f = (struct fixture){.witness_seed = {9}};
	uint8_t ed25519[32];
	log_witness_make(f.witness_seed, &f.witness_mldsa44, &f.witness);
	make_policy(&f.full, true, true, true);
	make_policy(&f.unwitnessed, true, true, false);
	make_policy(&f.ed25519_only, true, false, true);
	make_policy(&f.mldsa44_only, false, true, true);
	_cleanup_(buffer_free) struct buffer text = {};
	struct note_key foreign;
	assert_ok(ed25519_public_key(f.witness_seed, ed25519));
	assert_ok(
		note_key_make(BYTES_OF_LITERAL("other.example/log"), NOTE_ED25519, BYTES_OF_ARRAY(ed25519), &foreign));
	add_key(&text, "log ", &foreign);
	buffer_append_text(&text, "quorum none\n");
	assert_ok(tlog_policy_parse(buffer_bytes(&text), &f.foreign));
	return 0;
}

static int
free_fixture(void **) {
	note_key_free(&f.witness.ed25519);
	note_key_free(&f.witness.mldsa44);
	mldsa44_private_destroy(&f.witness_mldsa44);
	tlog_policy_destroy(&f.full);
	tlog_policy_destroy(&f.unwitnessed);
	tlog_policy_destroy(&f.ed25519_only);
	tlog_policy_destroy(&f.mldsa44_only);
	tlog_policy_destroy(&f.foreign);
	return 0;
}

static int
make_disk(void **) {
	assert_ok(simulated_disk_create(&f.disk, 1));
	f.io = simulated_disk_io(f.disk);
	assert_ok(io_make_directory(f.io, "/data"));
	assert_ok(io_make_directory(f.io, FORGED_LOG_LEDGER));
	assert_ok(io_make_directory(f.io, FORGED_LOG_PUBLIC));
	return 0;
}

static int
free_disk(void **) {
	simulated_disk_destroy(&f.disk);
	return 0;
}

static struct verify_log_options
options_with(const struct tlog_policy *policy) {
	return (struct verify_log_options){
		.io = f.io,
		.ledger_directory = FORGED_LOG_LEDGER,
		.public_directory = FORGED_LOG_PUBLIC,
		.policy = policy,
		.signatures = VERIFY_EVERY_HEAD,
		.check_tiles = true,
	};
}

/* Four frames, 23 entries; published and witnessed to its end. */
static void
write_whole_log(const char *flavour) {
	struct forged_log log;
	forged_log_start(&log, f.io, flavour);
	for (size_t i = 0; i < 4; i++)
		forged_log_write_frame(&log, 3 + i, FAULT_NONE);
	forged_log_publish(&log, "checkpoint", nullptr);
	forged_log_publish(&log, "checkpoint.witnessed", &f.witness);
	forged_log_stop(&log);
}

/* --- Tests --- */

static void
a_whole_log_is_verified_in_full(void **) {
	struct verify_log_report report;
	write_whole_log("true");
	struct verify_log_options options = options_with(f.full);
	assert_ok(verify_log(&options, &report));
	assert_int_equal(0, report.weaknesses);
	assert_int_equal(22, report.entries);
	assert_int_equal(4, report.frames);
	assert_int_equal(5, report.signatures_checked); /* the newest is looked at again at the end */
	assert_int_equal(22, report.published);
	assert_int_equal(22, report.witnessed);
	assert_int_equal(FORGED_LOG_TIME_S, report.head_time_s);
	assert_int_equal(FORGED_LOG_TIME_S + 5, report.witnessed_s);
	assert_int_equal(2, report.type_count);
	assert_string_equal("vote", report.types[0].name);
	assert_int_equal(18, report.types[0].count);
	assert_int_equal(4, report.types[1].count);
	assert_int_equal(2, report.tiles_checked);
	assert_string_equal("log.example/keeper-1", report.origin);
}

static void
every_missing_piece_of_evidence_is_a_named_weakness(void **) {
	write_whole_log("true");
	const struct {
		const struct tlog_policy *policy;
		bool no_public;
		unsigned weaknesses;
	} cases[] = {
		{f.full, false, 0},
		{nullptr, false, VERIFY_UNPINNED},
		{f.ed25519_only, false, VERIFY_SINGLE_SIGNATURE},
		{f.mldsa44_only, false, VERIFY_SINGLE_SIGNATURE},
		{f.unwitnessed, false, VERIFY_UNWITNESSED | VERIFY_NO_OLDER_HEAD},
		{f.full, true, VERIFY_UNWITNESSED | VERIFY_NO_OLDER_HEAD},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct verify_log_report report;
		struct verify_log_options options = options_with(cases[i].policy);
		if (cases[i].no_public)
			options.public_directory = nullptr;
		assert_ok(verify_log(&options, &report));
		assert_int_equal(cases[i].weaknesses, report.weaknesses);
	}
}

static void
entries_beyond_the_witnessed_head_are_a_weakness_unless_accepted(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_publish(&log, "checkpoint.witnessed", &f.witness);
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_publish(&log, "checkpoint", nullptr);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.full);
	assert_ok(verify_log(&options, &report));
	assert_int_equal(VERIFY_UNWITNESSED_TAIL, report.weaknesses);
	assert_int_equal(4, report.witnessed);
	assert_int_equal(8, report.entries);
	options.accept_tail = true;
	assert_ok(verify_log(&options, &report));
	assert_int_equal(0, report.weaknesses);
}

static void
cosignatures_on_the_published_checkpoint_count_as_well(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_publish(&log, "checkpoint", &f.witness);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.full);
	options.check_tiles = false;
	assert_ok(verify_log(&options, &report));
	assert_int_equal(0, report.weaknesses);
	assert_int_equal(4, report.witnessed);
}

static void
every_fault_of_a_log_that_its_keys_signed_is_found_by_name(void **) {
	static const struct {
		enum forged_log_fault fault;
		enum status status;
		const char *name;
	} cases[] = {
		{FAULT_SEQUENCE_GAP, STATUS_CORRUPT, "verify.sequence"},
		{FAULT_SEQUENCE_REPEAT, STATUS_CORRUPT, "verify.sequence"},
		{FAULT_COUNT_TOO_LOW, STATUS_CORRUPT, "verify.counts"},
		{FAULT_COUNT_MISSING, STATUS_CORRUPT, "verify.counts"},
		{FAULT_COUNT_TWICE, STATUS_CORRUPT, "verify.counts"},
		{FAULT_NO_COUNTS_ENTRY, STATUS_CORRUPT, "verify.counts"},
		{FAULT_TIME_BACK, STATUS_CORRUPT, "verify.time"},
		{FAULT_ROOT, STATUS_CORRUPT, "verify.root"},
		{FAULT_PREVIOUS_ROOT, STATUS_CORRUPT, "segment.chain"},
		{FAULT_FIRST_INDEX, STATUS_CORRUPT, "segment.chain"},
		{FAULT_EPOCH_BACK, STATUS_CORRUPT, "verify.epoch"},
		{FAULT_HEAD_ED25519, STATUS_UNAUTHORIZED, "head.ed25519"},
		{FAULT_HEAD_MLDSA44, STATUS_UNAUTHORIZED, "head.mldsa44"},
		{FAULT_HEAD_OF_OTHER_LOG, STATUS_UNAUTHORIZED, "head.ed25519"},
		{FAULT_LEAF_FORM, STATUS_CORRUPT, "leaf.form"},
		{FAULT_SIGNATURES_LENGTH, STATUS_INVALID, "head.signatures"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		free_disk(nullptr);
		make_disk(nullptr);
		struct forged_log log;
		struct verify_log_report report;
		forged_log_start(&log, f.io, "true");
		forged_log_write_frame(&log, 3, FAULT_NONE);
		forged_log_write_frame(&log, 3, cases[i].fault);
		forged_log_stop(&log);
		struct verify_log_options options = options_with(f.full);
		assert_fails(cases[i].status, cases[i].name, verify_log(&options, &report));
	}
}

static void
the_first_frame_follows_the_empty_log(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_PREVIOUS_ROOT);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.full);
	assert_fails(STATUS_CORRUPT, "verify.chain", verify_log(&options, &report));
}

static void
an_old_head_with_a_bad_signature_is_found_when_every_head_is_checked(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_write_frame(&log, 3, FAULT_OLD_HEAD_ED25519);
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.full);
	assert_fails(STATUS_UNAUTHORIZED, "head.ed25519", verify_log(&options, &report));
	options.signatures = VERIFY_NEWEST_HEAD;
	assert_ok(verify_log(&options, &report));
	assert_int_equal(1, report.signatures_checked);
}

/* Reads back the head and a receipt that somebody kept of a log. */
static void
keep_evidence(struct arena *arena, struct verify_head *head, struct verify_head *receipt) {
	struct forged_log log;
	_cleanup_(buffer_free) struct buffer note = {}, text = {};
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 5, FAULT_NONE);
	struct head of_frame = {log.frontier.size, tree_frontier_root(&log.frontier)};
	forged_log_format_note(&of_frame, nullptr, &note);
	assert_ok(verify_read_head(arena, arena_copy(arena, buffer_bytes(&note)), "kept head", f.full, head));
	/* The receipt of entry 4, by the proof from a tree of the same leaves. */
	_cleanup_(tree_destroy) struct tree *tree = nullptr;
	struct proof proof;
	assert_ok(tree_create(&tree, 16));
	_cleanup_(buffer_free) struct buffer bundle = {};
	assert_ok(tile_writer_publish(log.tiles, of_frame.size, &of_frame.root));
	struct tile_name name = {.is_entries = true, .width = 6};
	assert_ok(tile_read_file(f.io, FORGED_LOG_PUBLIC, &name, &bundle));
	struct bytes left = buffer_bytes(&bundle), entry = {}, fourth = {};
	for (size_t i = 0; i < 6; i++) {
		assert_ok(tile_next_in_bundle(&left, &entry));
		struct hash256 leaf = tree_leaf_hash(entry);
		assert_ok(tree_append(tree, &leaf));
		fourth = i == 4 ? entry : fourth;
	}
	struct tree_source source = {tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	assert_ok(proof_make_inclusion(&reader, 4, 6, &proof));
	receipt_write(&text, fourth, 4, &proof, buffer_bytes(&note));
	assert_ok(verify_read_head(arena, arena_copy(arena, buffer_bytes(&text)), "kept receipt", f.full, receipt));
	assert_true(receipt->has_leaf);
	forged_log_stop(&log);
	free_disk(nullptr);
	make_disk(nullptr);
}

static void
an_operator_who_rewrites_history_is_caught_by_an_old_head_or_receipt(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct verify_head kept[2];
	struct verify_log_report report;
	struct forged_log log;
	keep_evidence(&arena, &kept[0], &kept[1]);
	/* The same log going on: both fit. */
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 5, FAULT_NONE);
	forged_log_write_frame(&log, 2, FAULT_NONE);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.unwitnessed);
	options.older = kept;
	options.older_count = 2;
	assert_ok(verify_log(&options, &report));
	assert_int_equal(VERIFY_UNWITNESSED, report.weaknesses);
	/* Another history under the same keys, as an operator who holds them can write it. */
	free_disk(nullptr);
	make_disk(nullptr);
	forged_log_start(&log, f.io, "forged");
	forged_log_write_frame(&log, 5, FAULT_NONE);
	forged_log_write_frame(&log, 2, FAULT_NONE);
	forged_log_stop(&log);
	options = options_with(f.unwitnessed);
	options.older = &kept[0];
	options.older_count = 1;
	assert_fails(STATUS_CONFLICT, "verify.fork", verify_log(&options, &report));
	options.older = &kept[1];
	assert_fails(STATUS_CONFLICT, "verify.other_leaf", verify_log(&options, &report));
	options.older_count = 0;
	assert_ok(verify_log(&options, &report));
	assert_int_equal(VERIFY_UNWITNESSED | VERIFY_NO_OLDER_HEAD, report.weaknesses);
	/* A log that is older than what is kept of it. */
	free_disk(nullptr);
	make_disk(nullptr);
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 4, FAULT_NONE);
	forged_log_stop(&log);
	options = options_with(f.unwitnessed);
	options.older = kept;
	options.older_count = 1;
	assert_fails(STATUS_CONFLICT, "verify.behind", verify_log(&options, &report));
}

static void
published_heads_must_be_of_this_log_and_signed(void **) {
	struct verify_log_report report;
	struct forged_log log;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_NONE);
	struct head truth = {log.frontier.size, tree_frontier_root(&log.frontier)};
	const struct {
		uint64_t size;
		uint8_t flip;
		enum status status;
		const char *name;
	} cases[] = {
		{truth.size, 0, OK, ""},
		{truth.size, 1, STATUS_CONFLICT, "verify.fork"},
		{truth.size + 1, 0, STATUS_CONFLICT, "verify.behind"},
		{2, 0, STATUS_CONFLICT, "verify.fork"},
		{0, 0, STATUS_CONFLICT, "verify.fork"},
	};
	static const char *const names[] = {"/data/public/checkpoint", "/data/public/checkpoint.witnessed"};
	for (size_t n = 0; n < ARRAY_LENGTH(names); n++) {
		for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
			_cleanup_(buffer_free) struct buffer note = {};
			struct head head = {cases[i].size, truth.root};
			head.root.bytes[7] ^= cases[i].flip;
			forged_log_format_note(&head, n == 1 ? &f.witness : nullptr, &note);
			assert_ok(io_replace_file(f.io, names[n], buffer_bytes(&note)));
			struct verify_log_options options = options_with(f.full);
			options.check_tiles = false;
			if (cases[i].status == OK)
				assert_ok(verify_log(&options, &report));
			else
				assert_fails(cases[i].status, cases[i].name, verify_log(&options, &report));
		}
		_cleanup_(buffer_free) struct buffer unsigned_note = {};
		forged_log_format_note(&truth, nullptr, &unsigned_note);
		unsigned_note.data[unsigned_note.len - 100] ^= 1;
		assert_ok(io_replace_file(f.io, names[n], buffer_bytes(&unsigned_note)));
		struct verify_log_options options = options_with(f.full);
		assert_true(verify_log(&options, &report) != OK);
		assert_ok(io_unlink(f.io, names[n]));
	}
	forged_log_stop(&log);
}

static void
a_log_of_another_origin_is_refused(void **) {
	struct verify_log_report report;
	write_whole_log("true");
	struct verify_log_options options = options_with(f.foreign);
	assert_fails(STATUS_CONFLICT, "verify.other_origin", verify_log(&options, &report));
}

static void
an_empty_log_and_a_missing_one_are_named(void **) {
	struct verify_log_report report;
	struct verify_log_options options = options_with(f.full);
	assert_int_equal(STATUS_NOT_FOUND, verify_log(&options, &report));
	struct forged_log log;
	forged_log_start(&log, f.io, "true");
	forged_log_stop(&log);
	assert_fails(STATUS_NOT_FOUND, "verify.empty", verify_log(&options, &report));
}

static void
an_incomplete_last_frame_is_a_weakness(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_stop(&log);
	assert_ok(simulated_disk_flip_bit(f.disk, "/data/ledger/segments/00000001.segment",
					  SEGMENT_HEADER + FRAME_ALIGNMENT + 300, 1));
	struct verify_log_options options = options_with(f.unwitnessed);
	assert_ok(verify_log(&options, &report));
	assert_int_equal(4, report.entries);
	assert_true(report.weaknesses & VERIFY_DAMAGED_TAIL);
	assert_non_null(strstr(report.tail, "frame.sha256"));
}

static bool
is_same_conclusion(const struct verify_log_report *a, const struct verify_log_report *b) {
	return a->entries == b->entries && hash256_equal(&a->root, &b->root) && a->weaknesses == b->weaknesses &&
	       a->witnessed == b->witnessed && a->head_time_s == b->head_time_s;
}

static size_t
flip_every_byte(const char *path, size_t from, size_t to, size_t step, const struct verify_log_report *whole) {
	size_t unnoticed = 0;
	struct verify_log_options options = options_with(f.full);
	for (size_t at = from; at < to; at += step) {
		struct verify_log_report report;
		assert_ok(simulated_disk_flip_bit(f.disk, path, at, (unsigned)at % 8));
		if (verify_log(&options, &report) == OK && report.weaknesses == 0) {
			if (!is_same_conclusion(whole, &report))
				fail_msg("%s: byte %zu changes the conclusion", path, at);
			unnoticed++;
		}
		assert_ok(simulated_disk_flip_bit(f.disk, path, at, (unsigned)at % 8));
	}
	return unnoticed;
}

/* Two frames in one segment, tiles, and both published heads. */
static void
no_changed_byte_of_a_log_leads_to_another_conclusion(void **) {
	struct forged_log log;
	struct verify_log_report whole;
	forged_log_start(&log, f.io, "true");
	forged_log_write_frame(&log, 2, FAULT_NONE);
	forged_log_write_frame(&log, 3, FAULT_NONE);
	forged_log_publish(&log, "checkpoint", nullptr);
	forged_log_publish(&log, "checkpoint.witnessed", &f.witness);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.full);
	assert_ok(verify_log(&options, &whole));
	assert_int_equal(0, whole.weaknesses);
	static const char segment[] = "/data/ledger/segments/00000001.segment";
	size_t frames_end = SEGMENT_HEADER + 2 * FRAME_ALIGNMENT;
	/* Of the segment's header only its first 64 bytes say anything. */
	assert_int_equal(0, flip_every_byte(segment, 0, 64, 1, &whole));
	flip_every_byte(segment, 64, SEGMENT_HEADER, 61, &whole);
	assert_int_equal(0, flip_every_byte(segment, SEGMENT_HEADER, frames_end, 1, &whole));
	assert_int_equal(0, flip_every_byte(segment, frames_end, SEGMENT_SIZE_MIN, 509, &whole));
	assert_int_equal(0, flip_every_byte("/data/public/tile/0/000.p/7", 0, 7 * 32, 1, &whole));
	assert_int_equal(0, flip_every_byte("/data/public/tile/entries/000.p/7", 0, 7 * 70, 1, &whole));
	_cleanup_(buffer_free) struct buffer note = {};
	assert_ok(io_read_file(f.io, "/data/public/checkpoint", NOTE_SIZE_MAX, &note));
	/* The name or key id of a signature line may become another's: then one signature is missing there, which the log's
	 * own newest head makes up for. */
	flip_every_byte("/data/public/checkpoint", 0, note.len, 1, &whole);
	buffer_reset(&note);
	assert_ok(io_read_file(f.io, "/data/public/checkpoint.witnessed", NOTE_SIZE_MAX, &note));
	flip_every_byte("/data/public/checkpoint.witnessed", 0, note.len, 1, &whole);
}

static void
missing_tiles_are_found(void **) {
	struct verify_log_report report;
	struct verify_log_options options = options_with(f.full);
	write_whole_log("true");
	assert_ok(io_unlink(f.io, "/data/public/tile/entries/000.p/22"));
	assert_fails(STATUS_CORRUPT, "verify.tile", verify_log(&options, &report));
	options.check_tiles = false;
	assert_ok(verify_log(&options, &report));
}

static void
tiles_of_a_larger_log_are_compared_in_full(void **) {
	struct forged_log log;
	struct verify_log_report report;
	forged_log_start(&log, f.io, "true");
	for (size_t i = 0; i < 60; i++)
		forged_log_write_frame(&log, 10, FAULT_NONE);
	forged_log_publish(&log, "checkpoint", nullptr);
	forged_log_write_frame(&log, 10, FAULT_NONE);
	forged_log_stop(&log);
	struct verify_log_options options = options_with(f.unwitnessed);
	options.signatures = VERIFY_SOME_HEADS;
	assert_ok(verify_log(&options, &report));
	/* 660 entries: two full tiles and a partial one, as hashes and as entries, and a partial one above. */
	assert_int_equal(7, report.tiles_checked);
	assert_int_equal(660, report.published);
	assert_int_equal(671, report.entries);
	assert_true(report.signatures_checked >= 2 && report.signatures_checked < 40);
}

static void
the_real_log_is_verified_while_it_is_open(void **) {
	_cleanup_(ledger_close) struct ledger *ledger = nullptr;
	struct ledger_config config = log_test_config(f.io, FORGED_LOG_LEDGER);
	struct verify_log_report report;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &ledger));
	for (uint64_t i = 0; i < 40; i++) {
		char body[4200];
		struct ledger_entry entry = {.type = i % 3 == 0 ? ENTRY_DECISION : ENTRY_VOTE,
					     .body = log_test_body(body, sizeof body, i, 4000)};
		assert_ok(ledger_append(ledger, &entry, 1, nullptr));
		struct verify_log_options options = options_with(f.unwitnessed);
		options.signatures = VERIFY_NEWEST_HEAD;
		if (i % 10 == 9) {
			assert_ok(verify_log(&options, &report));
			assert_int_equal(2 * (i + 1), report.entries);
			assert_int_equal(VERIFY_UNWITNESSED | VERIFY_NO_OLDER_HEAD, report.weaknesses);
		}
	}
}

#define ON_DISK(function) cmocka_unit_test_setup_teardown(function, make_disk, free_disk)

int
main(void) {
	const struct CMUnitTest tests[] = {
		ON_DISK(a_whole_log_is_verified_in_full),
		ON_DISK(every_missing_piece_of_evidence_is_a_named_weakness),
		ON_DISK(entries_beyond_the_witnessed_head_are_a_weakness_unless_accepted),
		ON_DISK(cosignatures_on_the_published_checkpoint_count_as_well),
		ON_DISK(every_fault_of_a_log_that_its_keys_signed_is_found_by_name),
		ON_DISK(the_first_frame_follows_the_empty_log),
		ON_DISK(an_old_head_with_a_bad_signature_is_found_when_every_head_is_checked),
		ON_DISK(an_operator_who_rewrites_history_is_caught_by_an_old_head_or_receipt),
		ON_DISK(published_heads_must_be_of_this_log_and_signed),
		ON_DISK(a_log_of_another_origin_is_refused),
		ON_DISK(an_empty_log_and_a_missing_one_are_named),
		ON_DISK(an_incomplete_last_frame_is_a_weakness),
		ON_DISK(no_changed_byte_of_a_log_leads_to_another_conclusion),
		ON_DISK(missing_tiles_are_found),
		ON_DISK(tiles_of_a_larger_log_are_compared_in_full),
		ON_DISK(the_real_log_is_verified_while_it_is_open),
	};
	return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}
