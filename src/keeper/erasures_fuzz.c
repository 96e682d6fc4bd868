/*
 * Reader: keeper/erasures.c (check_authentic, read_ids, erasures_read)
 * The input is a list of erased people as it lies on the disk; with the first byte odd it is all but the code at its end, which is added
 * here, so that the lines are reached. What is read is written again to the same bytes.
 */
#include <stdlib.h>

#include "keeper/erasures.h"

static const uint8_t key[32] = {7};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes *ids;
	size_t count;
	if (size == 0)
		return 0;
	struct bytes input = bytes_of(data + 1, size - 1);
	buffer_append_bytes(&text, input);
	if (data[0] & 1) {
		struct hash256 mac = hmac_sha256(BYTES_OF_ARRAY(key), input);
		buffer_append_hex(&text, hash256_bytes(&mac));
		buffer_append_byte(&text, '\n');
	}
	if (erasures_read(&arena, buffer_bytes(&text), BYTES_OF_LITERAL("f/k"), BYTES_OF_ARRAY(key), &ids, &count) !=
	    OK)
		return 0;
	if (erasures_write(ids, count, BYTES_OF_LITERAL("f/k"), BYTES_OF_ARRAY(key), &again) != OK ||
	    !bytes_equal(buffer_bytes(&text), buffer_bytes(&again)))
		abort();
	return 0;
}
