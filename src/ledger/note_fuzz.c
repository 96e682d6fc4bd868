/*
 * Reader: ledger/note.c, ledger/checkpoint.c
 * Signed notes, the checkpoints that they hold, and verification keys. What is read is written again to the same bytes, as far as
 * its form has one writing only.
 */
#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "tests/fuzz.h"

static void
try_checkpoint(struct bytes text) {
	struct checkpoint checkpoint;
	_cleanup_(buffer_free) struct buffer again = {};
	if (checkpoint_parse(text, &checkpoint) != OK)
		return;
	checkpoint_format(&again, checkpoint.origin, checkpoint.size, &checkpoint.root);
	buffer_append_bytes(&again, checkpoint.extensions);
	must(bytes_equal(buffer_bytes(&again), text));
}

/* The key of the committed inputs: of the seed 01 00 00 ... */
static const struct note_key *
known_key(void) {
	static struct note_key key;
	static const uint8_t seed[32] = {1};
	uint8_t ed25519[32];
	if (key.public_key_len == 0)
		must(ed25519_public_key(seed, ed25519) == OK &&
		     note_key_make(BYTES_OF_LITERAL("log.example/1"), NOTE_ED25519, BYTES_OF_ARRAY(ed25519), &key) ==
			     OK);
	return &key;
}

/* What verifies is written again to a line that verifies. */
static void
try_signature(const struct note *note) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer again = {};
	const struct note_signature *signature;
	static struct note written;
	if (note_verify_ed25519(note, known_key()) != OK)
		return;
	must(note_find_signature(note, known_key(), &signature) == OK);
	buffer_append_bytes(&again, note->text);
	buffer_append_byte(&again, '\n');
	note_append_signature(&again, known_key(), signature->signature);
	must(note_parse(&arena, buffer_bytes(&again), &written) == OK &&
	     note_verify_ed25519(&written, known_key()) == OK);
}

static void
try_note(struct bytes text) {
	_cleanup_(arena_free) struct arena arena = {};
	struct note note;
	if (note_parse(&arena, text, &note) != OK)
		return;
	must(note.signature_count > 0 && note.signature_count <= NOTE_SIGNATURES_MAX);
	must(note.text.len > 0 && note.text.data[note.text.len - 1] == '\n');
	for (size_t i = 0; i < note.signature_count; i++)
		must(note_check_name(note.signatures[i].name) == OK && note.signatures[i].signature.len > 0);
	try_signature(&note);
	try_checkpoint(note.text);
}

static void
try_key(struct bytes text) {
	_cleanup_(note_key_free) struct note_key key = {};
	_cleanup_(note_key_free) struct note_key again = {};
	_cleanup_(buffer_free) struct buffer vkey = {};
	if (note_key_parse(text, &key) != OK)
		return;
	note_key_format(&key, &vkey);
	must(note_key_parse(buffer_bytes(&vkey), &again) == OK && again.id == key.id && again.type == key.type);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct bytes text = bytes_of(data, size);
	try_note(text);
	try_checkpoint(text);
	try_key(text);
	return 0;
}
