#include "tests/test.h"
#include "ledger/cosignature.h"
#include "ledger/head.h"
#include "ledger/tree.h"

static const char ORIGIN[] = "gate.example/keeper1";
static const uint64_t TIME_S = 1'763'715'600;

struct log {
	uint8_t seed[32], ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	struct mldsa44_private *private;
	struct head_keys keys;
	struct head_signer signer;
	struct head head;
};

static int
make_log(void **state) {
	static struct log log;
	log = (struct log){.seed = {7}, .head = {.size = 20'852'163, .root = tree_leaf_hash(BYTES_OF_LITERAL("x"))}};
	assert_ok(ed25519_public_key(log.seed, log.ed25519));
	assert_ok(mldsa44_private_create(&log.private, log.seed));
	mldsa44_private_public_key(log.private, log.mldsa44);
	assert_ok(head_keys_make(bytes_of_text(ORIGIN), log.ed25519, log.mldsa44, &log.keys));
	log.signer = (struct head_signer){&log.keys, log.seed, log.private};
	*state = &log;
	return 0;
}

static int
free_log(void **state) {
	struct log *log = *state;
	head_keys_free(&log->keys);
	mldsa44_private_destroy(&log->private);
	return 0;
}

static void
a_head_verifies_under_both_keys(void **state) {
	struct log *log = *state;
	struct head_signatures signatures, again;
	uint8_t stored[HEAD_SIGNATURES_SIZE];
	assert_ok(head_sign(&log->signer, &log->head, TIME_S, &signatures));
	head_signatures_store(&signatures, stored);
	assert_ok(head_signatures_load(BYTES_OF_ARRAY(stored), &again));
	assert_ok(head_verify(&log->keys, &log->head, &again));
	assert_int_equal(TIME_S, again.mldsa44_time_s);
	assert_fails(STATUS_INVALID, "head.signatures",
		     head_signatures_load(bytes_of(stored, sizeof stored - 1), &again));
}

static void
neither_signature_alone_makes_a_head(void **state) {
	struct log *log = *state;
	struct head_signatures good, bad;
	assert_ok(head_sign(&log->signer, &log->head, TIME_S, &good));
	bad = good;
	bad.ed25519[5] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "head.ed25519", head_verify(&log->keys, &log->head, &bad));
	bad = good;
	bad.mldsa44[5] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "head.mldsa44", head_verify(&log->keys, &log->head, &bad));
	bad = good;
	bad.mldsa44_time_s++;
	assert_fails(STATUS_UNAUTHORIZED, "head.mldsa44", head_verify(&log->keys, &log->head, &bad));
	bad.mldsa44_time_s = 0;
	assert_fails(STATUS_UNAUTHORIZED, "head.mldsa44", head_verify(&log->keys, &log->head, &bad));
}

static void
another_size_root_or_origin_does_not_verify(void **state) {
	struct log *log = *state;
	struct head_signatures signatures;
	assert_ok(head_sign(&log->signer, &log->head, TIME_S, &signatures));
	struct head other = log->head;
	other.size++;
	assert_fails(STATUS_UNAUTHORIZED, "head.ed25519", head_verify(&log->keys, &other, &signatures));
	other = log->head;
	other.root.bytes[31] ^= 0x80;
	assert_fails(STATUS_UNAUTHORIZED, "head.ed25519", head_verify(&log->keys, &other, &signatures));
	_cleanup_(head_keys_free) struct head_keys keys = {};
	assert_ok(head_keys_make(BYTES_OF_LITERAL("gate.example/keeper2"), log->ed25519, log->mldsa44, &keys));
	assert_fails(STATUS_UNAUTHORIZED, "head.ed25519", head_verify(&keys, &log->head, &signatures));
}

static void
sizes_and_times_that_cannot_be_signed_are_refused(void **state) {
	struct log *log = *state;
	struct head_signatures signatures;
	struct head large = {.size = UINT64_C(1) << 63};
	assert_fails(STATUS_INVALID, "head.range", head_sign(&log->signer, &large, TIME_S, &signatures));
	assert_fails(STATUS_INVALID, "head.range", head_sign(&log->signer, &log->head, 0, &signatures));
	assert_fails(STATUS_INVALID, "head.range", head_sign(&log->signer, &log->head, UINT64_MAX, &signatures));
}

static void
a_signer_with_the_wrong_key_gives_nothing_out(void **state) {
	struct log *log = *state;
	uint8_t other_seed[32] = {8}, other_public[32];
	assert_ok(ed25519_public_key(other_seed, other_public));
	_cleanup_(head_keys_free) struct head_keys keys = {};
	assert_ok(head_keys_make(bytes_of_text(ORIGIN), other_public, log->mldsa44, &keys));
	struct head_signer signer = {&keys, log->seed, log->private};
	struct head_signatures signatures;
	assert_true(head_sign(&signer, &log->head, TIME_S, &signatures) != OK);
}

static void
the_signed_note_is_a_checkpoint_with_two_signature_lines(void **state) {
	struct log *log = *state;
	struct head_signatures signatures;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(head_sign(&log->signer, &log->head, TIME_S, &signatures));
	head_format(&text, &log->keys, &log->head, &signatures);
	struct note note;
	struct checkpoint checkpoint;
	uint64_t time_s;
	assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
	assert_int_equal(2, note.signature_count);
	assert_ok(checkpoint_parse(note.text, &checkpoint));
	assert_bytes(bytes_of_text(ORIGIN), checkpoint.origin);
	assert_int_equal(log->head.size, checkpoint.size);
	assert_bytes(hash256_bytes(&log->head.root), hash256_bytes(&checkpoint.root));
	assert_int_equal(0, checkpoint.extensions.len);
	assert_ok(note_verify_ed25519(&note, &log->keys.ed25519));
	assert_ok(cosignature_verify(&note, &checkpoint, &log->keys.mldsa44, &time_s));
	assert_int_equal(TIME_S, time_s);
}

/* tlog-cosignature, "ML-DSA-44 signed message": every field where the structure says. */
static void
the_subtree_message_is_laid_out_as_specified(void **) {
	static const uint8_t expected[] = "subtree/v1\n\0"
					  "\x03w/1"
					  "\0\0\0\0\x64\x18\x50\xcb"
					  "\x05log.x"
					  "\0\0\0\0\0\0\0\0"
					  "\0\0\0\0\0\0\x01\x02"
					  "\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10";
	struct hash256 root;
	for (size_t i = 0; i < sizeof root; i++)
		root.bytes[i] = (uint8_t)(i % 8 + 1);
	uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX];
	size_t len = cosignature_subtree_message(BYTES_OF_LITERAL("w/1"), 0x641850cb, BYTES_OF_LITERAL("log.x"), 0x102,
						 &root, message);
	assert_bytes(bytes_of(expected, sizeof expected - 1), bytes_of(message, len));
}

/* tlog-cosignature, "Ed25519 signed message": two lines, then the text with its last line feed. */
static void
the_v1_message_is_two_lines_and_the_whole_text(void **) {
	_cleanup_(buffer_free) struct buffer message = {};
	cosignature_v1_message(&message, 1'679'315'147, BYTES_OF_LITERAL("o\n1\nr\nextension\n"));
	assert_bytes(BYTES_OF_LITERAL("cosignature/v1\ntime 1679315147\no\n1\nr\nextension\n"), buffer_bytes(&message));
}

static void
bad_checkpoints_are_refused_by_name(void **) {
#define ROOT "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"checkpoint.origin", ""},
		{"checkpoint.origin", "origin"},
		{"checkpoint.origin", "\n8\n" ROOT "\n"},
		{"checkpoint.size", "origin\n"},
		{"checkpoint.size", "origin\n\n" ROOT "\n"},
		{"checkpoint.size", "origin\n08\n" ROOT "\n"},
		{"checkpoint.size", "origin\n-8\n" ROOT "\n"},
		{"checkpoint.size", "origin\n9223372036854775808\n" ROOT "\n"},
		{"checkpoint.size", "origin\n99999999999999999999\n" ROOT "\n"},
		{"checkpoint.root", "origin\n8\n"},
		{"checkpoint.root", "origin\n8\n" ROOT},
		{"checkpoint.root", "origin\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQw==\n"},
		{"checkpoint.root", "origin\n8\n" ROOT "AAAA\n"},
		{"checkpoint.root", "origin\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyh=\n"},
		{"checkpoint.extension", "origin\n8\n" ROOT "\n\n"},
		{"checkpoint.extension", "origin\n8\n" ROOT "\nextension"},
	};
	struct checkpoint checkpoint;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(STATUS_INVALID, cases[i].name,
			     checkpoint_parse(bytes_of_text(cases[i].text), &checkpoint));
	assert_ok(checkpoint_parse(BYTES_OF_LITERAL("origin\n8\n" ROOT "\na b\nc\n"), &checkpoint));
	assert_bytes(BYTES_OF_LITERAL("a b\nc\n"), checkpoint.extensions);
}

static void
extension_lines_break_the_ed25519_signatures_only(void **state) {
	struct log *log = *state;
	struct head_signatures signatures;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(head_sign(&log->signer, &log->head, TIME_S, &signatures));
	checkpoint_format(&text, bytes_of_text(ORIGIN), log->head.size, &log->head.root);
	buffer_append_text(&text, "extension\n\n");
	note_append_signature(&text, &log->keys.ed25519, BYTES_OF_ARRAY(signatures.ed25519));
	note_append_timestamped(&text, &log->keys.mldsa44, TIME_S, BYTES_OF_ARRAY(signatures.mldsa44));
	struct note note;
	struct checkpoint checkpoint;
	uint64_t time_s;
	assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
	assert_ok(checkpoint_parse(note.text, &checkpoint));
	assert_true(note_verify_ed25519(&note, &log->keys.ed25519) != OK);
	assert_ok(cosignature_verify(&note, &checkpoint, &log->keys.mldsa44, &time_s));
}

static void
cosignatures_of_the_wrong_length_or_time_are_refused_by_name(void **state) {
	struct log *log = *state;
	static const struct {
		const char *name;
		size_t len;
		uint64_t time_s;
	} cases[] = {
		{"cosignature.length", ED25519_SIGNATURE_SIZE - 1, 1},
		{"cosignature.length", ED25519_SIGNATURE_SIZE + 1, 1},
		{"cosignature.length", MLDSA44_SIGNATURE_SIZE, 1},
		{"cosignature.time", ED25519_SIGNATURE_SIZE, UINT64_C(1) << 63},
	};
	static const uint8_t signature[MLDSA44_SIGNATURE_SIZE];
	_cleanup_(note_key_free) struct note_key key = {};
	assert_ok(note_key_make(BYTES_OF_LITERAL("w"), NOTE_COSIGNATURE_ED25519, BYTES_OF_ARRAY(log->ed25519), &key));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer text = {};
		checkpoint_format(&text, bytes_of_text(ORIGIN), log->head.size, &log->head.root);
		buffer_append_byte(&text, '\n');
		note_append_timestamped(&text, &key, cases[i].time_s, bytes_of(signature, cases[i].len));
		struct note note;
		struct checkpoint checkpoint;
		uint64_t time_s;
		assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
		assert_ok(checkpoint_parse(note.text, &checkpoint));
		assert_fails(STATUS_UNAUTHORIZED, cases[i].name, cosignature_verify(&note, &checkpoint, &key, &time_s));
	}
}

#define WITH_LOG(function) cmocka_unit_test_setup_teardown(function, make_log, free_log)

RUN_TESTS(T(the_subtree_message_is_laid_out_as_specified), T(the_v1_message_is_two_lines_and_the_whole_text),
	  WITH_LOG(a_head_verifies_under_both_keys), WITH_LOG(neither_signature_alone_makes_a_head),
	  WITH_LOG(another_size_root_or_origin_does_not_verify),
	  WITH_LOG(sizes_and_times_that_cannot_be_signed_are_refused),
	  WITH_LOG(a_signer_with_the_wrong_key_gives_nothing_out),
	  WITH_LOG(the_signed_note_is_a_checkpoint_with_two_signature_lines), T(bad_checkpoints_are_refused_by_name),
	  WITH_LOG(extension_lines_break_the_ed25519_signatures_only),
	  WITH_LOG(cosignatures_of_the_wrong_length_or_time_are_refused_by_name))
