#include "cli/demo/journal.h"

#include <stdio.h>

#include "gate/record.h"
#include "ledger/tile.h"
#include "ledger/tile_writer.h"
#include "model/entry.h"

constexpr size_t CHECKPOINT_MAX = 64 * 1024;
constexpr size_t ENTRIES_MAX = 1'000'000; /* a demo has some hundred */

static enum status
read_checkpoint(const char *directory, struct journal *journal) {
	_cleanup_(buffer_free) struct buffer text = {};
	char path[512];
	snprintf(path, sizeof path, "%s/checkpoint", directory);
	TRY(io_read_file(io_system(), path, CHECKPOINT_MAX, &text));
	journal->note = arena_copy(&journal->arena, buffer_bytes(&text));
	struct note *note = ARENA_NEW(&journal->arena, struct note);
	TRY_ALLOC(journal->note.data);
	TRY_ALLOC(note);
	TRY(note_parse(&journal->arena, journal->note, note));
	return checkpoint_parse(note->text, &journal->checkpoint);
}

static enum status
read_bundle(const char *directory, struct journal *journal, const struct tile_name *name) {
	_cleanup_(buffer_free) struct buffer bundle = {};
	TRY(tile_read_file(io_system(), directory, name, &bundle));
	struct bytes left = arena_copy(&journal->arena, buffer_bytes(&bundle));
	TRY_ALLOC(left.data);
	for (unsigned i = 0; i < name->width; i++)
		TRY(tile_next_in_bundle(&left, &journal->leaves[journal->count++]));
	return left.len == 0 ? OK : fail(STATUS_CORRUPT, "journal.bundle: %zu bytes too many", left.len);
}

static enum status
read_entries(const char *directory, struct journal *journal) {
	uint64_t size = journal->checkpoint.size;
	if (size == 0 || size > ENTRIES_MAX)
		return fail(STATUS_CORRUPT, "journal.size: %llu entries", (unsigned long long)size);
	journal->leaves = ARENA_NEW_ARRAY(&journal->arena, size, struct bytes);
	TRY_ALLOC(journal->leaves);
	for (uint64_t at = 0; at < size; at += TILE_WIDTH) {
		uint64_t left = size - at;
		struct tile_name name = {.is_entries = true,
					 .index = at / TILE_WIDTH,
					 .width = left < TILE_WIDTH ? (unsigned)left : TILE_WIDTH};
		TRY(read_bundle(directory, journal, &name));
	}
	return OK;
}

enum status
journal_tree(const struct bytes *leaves, size_t count, struct tree **tree) {
	TRY(tree_create(tree, count));
	for (size_t i = 0; i < count; i++) {
		struct hash256 leaf = tree_leaf_hash(leaves[i]);
		TRY(tree_append(*tree, &leaf));
	}
	return OK;
}

enum status
journal_consistency(const struct tree *tree, uint64_t old_size, uint64_t size, struct proof *proof) {
	struct tree_source source = {.tree = tree};
	struct tree_reader reader = tree_reader_of(&source);
	return proof_make_consistency(&reader, old_size, size, proof);
}

static enum status
read_journal(const char *directory, struct journal *journal) {
	TRY(read_checkpoint(directory, journal));
	TRY(read_entries(directory, journal));
	TRY(journal_tree(journal->leaves, journal->count, &journal->tree));
	struct hash256 root = tree_root(journal->tree);
	return hash256_equal(&root, &journal->checkpoint.root)
		       ? OK
		       : fail(STATUS_CORRUPT, "journal.root: the entries do not have the checkpoint's root");
}

enum status
journal_read(const char *directory, struct journal *journal) {
	*journal = (struct journal){};
	enum status status = read_journal(directory, journal);
	if (status != OK)
		journal_free(journal);
	return status;
}

void
journal_free(struct journal *journal) {
	tree_destroy(&journal->tree);
	arena_free(&journal->arena);
	*journal = (struct journal){};
}

enum status
journal_decisions(const struct journal *journal, size_t *decisions, size_t *released) {
	_cleanup_(arena_free) struct arena arena = {};
	*decisions = *released = 0;
	for (size_t i = 0; i < journal->count; i++) {
		struct entry entry;
		struct decision_record record;
		arena_reset(&arena);
		TRY(entry_read(&arena, journal->leaves[i], &entry));
		if (entry.type != ENTRY_DECISION && entry.type != ENTRY_INTENT)
			continue;
		TRY(decision_record_read(&arena, entry.document, nullptr, &record));
		*decisions += 1;
		*released += record.outcome == OUTCOME_DONE || record.outcome == OUTCOME_INTENDED;
	}
	return OK;
}
