/*
 * Reader: gate/pledges.c (read_one, pledges_read, read_row, pledges_add, pledges_find)
 * A row of what holders have pledged; what is read is written again to the same bytes.
 */
#include "gate/pledges.c"
#include "tests/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer again = {};
	struct pledged pledged;
	struct pledges pledges;
	if (read_row(bytes_of(data, size), &pledged, &pledges) != OK)
		return 0;
	must(pledges.count > 0 && pledges.count <= PLEDGES_MAX);
	write_row(&pledged, &pledges, &again);
	must(bytes_equal(bytes_of(data, size), buffer_bytes(&again)));
	return 0;
}
