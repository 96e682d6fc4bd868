/*
 * Reader: model/entry.c
 * A leaf: what is canonical and reads as an entry is written again to the same bytes, and its two ends say the same.
 */
#include "model/entry.h"
#include "tests/fuzz.h"

static void
check_counts(const struct entry *entry) {
	_cleanup_(buffer_free) struct buffer body = {};
	uint64_t counts[ENTRY_TYPES];
	if (entry_read_counts(entry->document, counts) == OK)
		must(entry_write_counts(counts, &body) == OK && bytes_equal(buffer_bytes(&body), entry->body));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer again = {};
	struct bytes leaf = bytes_of(data, size);
	struct entry peeked, entry;
	enum status ends = entry_peek(leaf, &peeked);
	if (entry_read(&arena, leaf, &entry) != OK || json_check_canonical(&arena, leaf) != OK)
		return 0;
	must(ends == OK && peeked.type == entry.type && peeked.seq == entry.seq && peeked.at_ms == entry.at_ms);
	must(entry_write(&entry, &again) == OK && bytes_equal(buffer_bytes(&again), leaf));
	check_counts(&entry);
	return 0;
}
