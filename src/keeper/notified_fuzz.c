/*
 * Reader: keeper/notified.c
 * What is accepted is written and read again to the same marks.
 */
#include <stdlib.h>

#include "keeper/notified.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	struct notified_mark marks[NOTIFIED_MARKS_MAX], again[NOTIFIED_MARKS_MAX];
	size_t count, count_again;
	if (size > NOTIFIED_SIZE_MAX || notified_read(&arena, bytes_of(data, size), marks, &count) != OK)
		return 0;
	if (notified_write(marks, count, &first) != OK ||
	    notified_read(&arena, buffer_bytes(&first), again, &count_again) != OK || count != count_again ||
	    notified_write(again, count_again, &second) != OK ||
	    !bytes_equal(buffer_bytes(&first), buffer_bytes(&second)))
		abort();
	return 0;
}
