/*
 * Reader: model/notice.c (check_instance, read_alarm, read_operation, notice_kind_parse, notice_read)
 * A notice from bytes; what is accepted is written, and read again to the same bytes.
 */
#include <stdlib.h>

#include "model/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {}, again = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	struct notice notice;
	if (notice_read(&arena, bytes_of(data, size), &notice) != OK)
		return 0;
	if (notice_write(&notice, &first) != OK || notice_read(&again, buffer_bytes(&first), &notice) != OK ||
	    notice_write(&notice, &second) != OK || !bytes_equal(buffer_bytes(&first), buffer_bytes(&second)))
		abort();
	return 0;
}
