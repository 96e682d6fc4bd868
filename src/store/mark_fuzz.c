/*
 * Reader: store/mark.c
 * The high-water mark's file. With the first byte odd, its last line, the hash, is made right. What is read is written again
 * to the same bytes.
 */
#include <stdlib.h>

#include "store/mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	struct bytes origin = BYTES_OF_LITERAL("log.example");
	struct mark mark;
	if (size == 0)
		return 0;
	buffer_append(&text, data + 1, size - 1);
	if (data[0] & 1) {
		struct hash256 hash = sha256(buffer_bytes(&text));
		buffer_append_hex(&text, hash256_bytes(&hash));
		buffer_append_byte(&text, '\n');
	}
	if (buffer_status(&text) != OK || mark_parse(buffer_bytes(&text), origin, &mark) != OK)
		return 0;
	if (mark_format(&mark, origin, &again) != OK || !bytes_equal(buffer_bytes(&text), buffer_bytes(&again)))
		abort();
	return 0;
}
