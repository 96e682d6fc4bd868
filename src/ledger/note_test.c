#include "tests/test.h"
#include "ledger/note.h"

/* Made by golang.org/x/mod/sumdb/note from the seed 00 01 02 ... 1f. */
static const char VKEY[] = "log.example/keeper1+d682c3e4+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
static const char NOTE[] =
	"log.example/keeper1\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
	"\u2014 log.example/keeper1 1oLD5AS8qmm1YqGMeblKUpSNOnL9YewphLKYAOeFA9KMC0RwJPUzv6pDZpWVmAIn74OI+"
	"NbSmUjEQSjp4Enqfc9s7Q8=\n";

static void
a_note_of_another_implementation_verifies(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(note_key_free) struct note_key key = {};
	struct note note;
	assert_ok(note_key_parse(bytes_of_text(VKEY), &key));
	assert_ok(note_parse(&arena, bytes_of_text(NOTE), &note));
	assert_int_equal(1, note.signature_count);
	assert_bytes(bytes_of(NOTE, (size_t)(strstr(NOTE, "\n\n") - NOTE) + 1), note.text);
	assert_ok(note_verify_ed25519(&note, &key));
}

static void
our_note_is_the_same_bytes(void **) {
	uint8_t seed[32], public_key[32], signature[64];
	for (size_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)i;
	assert_ok(ed25519_public_key(seed, public_key));
	_cleanup_(note_key_free) struct note_key key = {};
	assert_ok(
		note_key_make(BYTES_OF_LITERAL("log.example/keeper1"), NOTE_ED25519, BYTES_OF_ARRAY(public_key), &key));
	_cleanup_(buffer_free) struct buffer vkey = {}, made = {};
	note_key_format(&key, &vkey);
	assert_bytes(bytes_of_text(VKEY), buffer_bytes(&vkey));
	struct bytes text = bytes_of(NOTE, (size_t)(strstr(NOTE, "\n\n") - NOTE) + 1);
	assert_ok(ed25519_sign(seed, public_key, text, signature));
	buffer_append_bytes(&made, text);
	buffer_append_byte(&made, '\n');
	note_append_signature(&made, &key, BYTES_OF_ARRAY(signature));
	assert_bytes(bytes_of_text(NOTE), buffer_bytes(&made));
}

static void
keys_of_all_types_are_written_and_read_back(void **) {
	static const enum note_key_type types[] = {NOTE_ED25519, NOTE_COSIGNATURE_ED25519, NOTE_COSIGNATURE_MLDSA44};
	uint8_t seed[32] = {1}, ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	assert_ok(ed25519_public_key(seed, ed25519));
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	assert_ok(mldsa44_private_create(&private, seed));
	mldsa44_private_public_key(private, mldsa44);
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		struct bytes public_key =
			types[i] == NOTE_COSIGNATURE_MLDSA44 ? BYTES_OF_ARRAY(mldsa44) : BYTES_OF_ARRAY(ed25519);
		_cleanup_(note_key_free) struct note_key key = {};
		_cleanup_(note_key_free) struct note_key again = {};
		_cleanup_(buffer_free) struct buffer vkey = {}, vkey_again = {};
		assert_ok(note_key_make(BYTES_OF_LITERAL("w\xc3\xaft.example"), types[i], public_key, &key));
		note_key_format(&key, &vkey);
		assert_ok(note_key_parse(buffer_bytes(&vkey), &again));
		assert_int_equal(key.id, again.id);
		note_key_format(&again, &vkey_again);
		assert_bytes(buffer_bytes(&vkey), buffer_bytes(&vkey_again));
	}
}

static void
bad_notes_are_refused_by_name(void **) {
	static const struct {
		const char *name, *text;
	} cases[] = {
		{"note.separator", ""},
		{"note.separator", "\n"},
		{"note.separator", "text\n"},
		{"note.separator", "text\n\u2014 a AAAAAAA=\n"},
		{"note.separator", "text\n\n"},
		{"note.signature_line", "text\n\n\u2014 a AAAAAAA="},
		{"note.signature_line", "text\n\n- a AAAAAAA=\n"},
		{"note.signature_line", "text\n\n\u2014a AAAAAAA=\n"},
		{"note.signature_line", "text\n\n\u2014 aAAAAAAA=\n"},
		{"note.signature_line", "text\n\n\u2014 a AAAAAA==\n"}, /* a key id and nothing else */
		{"note.signature_line", "text\n\n\u2014 a AAAAAAA\n"},
		{"note.signature_line", "text\n\n\u2014 a AAAAAAB=\n"},
		{"note.signature_line", "text\n\n\u2014 a AAAAAAA= \n"},
		{"note.signature_line", "text\n\n\u2014 a  AAAAAAA=\n"},
		{"note.signature_line", "text\n\n\u2014 a \n"},
		{"note.name", "text\n\n\u2014  AAAAAAA=\n"},
		{"note.name", "text\n\n\u2014 a+b AAAAAAA=\n"},
		{"note.name", "text\n\n\u2014 a\u2003b AAAAAAA=\n"},
		{"note.name", "text\n\n\u2014 a\xc2\x85 AAAAAAA=\n"},
		{"note.control", "te\txt\n\n\u2014 a AAAAAAA=\n"},
		{"note.control", "text\r\n\n\u2014 a AAAAAAA=\r\n"},
		{"note.utf8", "te\xffxt\n\n\u2014 a AAAAAAA=\n"},
		{"note.utf8", "te\xed\xa0\x80xt\n\n\u2014 a AAAAAAA=\n"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct note note;
		assert_fails(STATUS_INVALID, cases[i].name, note_parse(&arena, bytes_of_text(cases[i].text), &note));
	}
}

static void
the_text_ends_at_the_last_blank_line(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct note note;
	assert_ok(note_parse(&arena, BYTES_OF_LITERAL("a\n\n\u2014 b AAAAAAA=\n\n\u2014 c AAAAAQE=\n"), &note));
	assert_bytes(BYTES_OF_LITERAL("a\n\n\u2014 b AAAAAAA=\n"), note.text);
	assert_int_equal(1, note.signature_count);
	assert_bytes(BYTES_OF_LITERAL("c"), note.signatures[0].name);
	assert_int_equal(1, note.signatures[0].key_id);
	assert_bytes(BYTES_OF_LITERAL("\x01"), note.signatures[0].signature);
}

static void
sixty_four_signatures_are_read_and_no_more(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct note note;
	buffer_append_text(&text, "text\n\n");
	for (size_t i = 0; i < NOTE_SIGNATURES_MAX; i++)
		buffer_append_text(&text, "\u2014 a AAAAAAA=\n");
	assert_ok(note_parse(&arena, buffer_bytes(&text), &note));
	assert_int_equal(NOTE_SIGNATURES_MAX, note.signature_count);
	buffer_append_text(&text, "\u2014 a AAAAAAA=\n");
	assert_fails(STATUS_TOO_LARGE, "note.signature_count", note_parse(&arena, buffer_bytes(&text), &note));
	_cleanup_(buffer_free) struct buffer large = {};
	for (size_t i = 0; i <= NOTE_SIZE_MAX; i++)
		buffer_append_byte(&large, 'a');
	assert_fails(STATUS_TOO_LARGE, "note.size", note_parse(&arena, buffer_bytes(&large), &note));
}

static void
bad_keys_are_refused_by_name(void **) {
	static const struct {
		enum status status;
		const char *name, *vkey;
	} cases[] = {
		{STATUS_INVALID, "vkey.syntax", ""},
		{STATUS_INVALID, "vkey.syntax", "log.example"},
		{STATUS_INVALID, "vkey.syntax", "log.example+d682c3e4"},
		{STATUS_INVALID, "vkey.syntax", "log.example+d682c3e+AQOh"},
		{STATUS_INVALID, "vkey.syntax", "log.example+d682c3e4+"},
		{STATUS_INVALID, "vkey.syntax", "log.example+d682c3e4+AQ=="},
		{STATUS_INVALID, "vkey.syntax", "log.example+d682c3e4+A*=="},
		{STATUS_INVALID, "vkey.length", "log.example+d682c3e4+AQOh"},
		{STATUS_INVALID, "vkey.length",
		 "log.example/keeper1+d682c3e4+BgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"},
		{STATUS_UNSUPPORTED, "vkey.type",
		 "log.example/keeper1+d682c3e4+AgOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"},
		{STATUS_INVALID, "vkey.id",
		 "log.example/keeper2+d682c3e4+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"},
		{STATUS_INVALID, "vkey.id",
		 "log.example/keeper1+d682c3e4+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(note_key_free) struct note_key key = {};
		assert_fails(cases[i].status, cases[i].name, note_key_parse(bytes_of_text(cases[i].vkey), &key));
	}
	struct note_key key = {};
	uint8_t public_key[32] = {};
	uint8_t long_name[NOTE_NAME_MAX + 1];
	memset(long_name, 'a', sizeof long_name);
	assert_fails(STATUS_INVALID, "note.name",
		     note_key_make(BYTES_OF_ARRAY(long_name), NOTE_ED25519, BYTES_OF_ARRAY(public_key), &key));
	assert_fails(STATUS_INVALID, "note.name",
		     note_key_make(BYTES_OF_LITERAL("a b"), NOTE_ED25519, BYTES_OF_ARRAY(public_key), &key));
}

static void
a_signature_counts_only_if_it_is_the_only_one_of_its_key(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(note_key_free) struct note_key key = {};
	_cleanup_(buffer_free) struct buffer twice = {};
	struct note note;
	const struct note_signature *found;
	assert_ok(note_key_parse(bytes_of_text(VKEY), &key));
	assert_ok(note_parse(&arena, BYTES_OF_LITERAL("text\n\n\u2014 log.example/keeper1 AAAAAAA=\n"), &note));
	assert_fails(STATUS_NOT_FOUND, "note.unsigned", note_find_signature(&note, &key, &found));
	buffer_append_text(&twice, NOTE);
	buffer_append_text(&twice, strstr(NOTE, "\u2014"));
	assert_ok(note_parse(&arena, buffer_bytes(&twice), &note));
	assert_fails(STATUS_INVALID, "note.duplicate", note_verify_ed25519(&note, &key));
}

static void
every_flipped_bit_of_a_note_is_refused(void **) {
	_cleanup_(note_key_free) struct note_key key = {};
	assert_ok(note_key_parse(bytes_of_text(VKEY), &key));
	for (size_t bit = 0; bit < 8 * (sizeof NOTE - 1); bit++) {
		char flipped[sizeof NOTE];
		memcpy(flipped, NOTE, sizeof NOTE);
		flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
		_cleanup_(arena_free) struct arena arena = {};
		struct note note;
		enum status status = note_parse(&arena, bytes_of(flipped, sizeof NOTE - 1), &note);
		if (status == OK)
			status = note_verify_ed25519(&note, &key);
		assert_true(status != OK);
	}
}

RUN_TESTS(T(a_note_of_another_implementation_verifies), T(our_note_is_the_same_bytes),
	  T(keys_of_all_types_are_written_and_read_back), T(bad_notes_are_refused_by_name),
	  T(the_text_ends_at_the_last_blank_line), T(sixty_four_signatures_are_read_and_no_more),
	  T(bad_keys_are_refused_by_name), T(a_signature_counts_only_if_it_is_the_only_one_of_its_key),
	  T(every_flipped_bit_of_a_note_is_refused))
