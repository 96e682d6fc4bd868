/*
 * Reader: store/snapshot.c
 * With the first byte odd, the code at the end is made right, so that the fields behind it are reached. What is read is
 * written to a file and read again, and gives the same bytes.
 */
#include <stdlib.h>

#include "base/io_simulated.h"
#include "store/snapshot.h"

static const struct bytes key = BYTES_OF_LITERAL("the key of 32 bytes of this test");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct snapshot snapshot;
	if (size == 0)
		return 0;
	buffer_append(&bytes, data + 1, size - 1);
	if (data[0] & 1) {
		struct hash256 hash = hmac_sha256(key, buffer_bytes(&bytes));
		buffer_append_bytes(&bytes, hash256_bytes(&hash));
	}
	if (buffer_status(&bytes) != OK || snapshot_parse(buffer_bytes(&bytes), key, &snapshot) != OK)
		return 0;
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(buffer_free) struct buffer again = {};
	if (simulated_disk_create(&disk, 1) != OK ||
	    snapshot_write(simulated_disk_io(disk), "/snapshot", key, &snapshot) != OK ||
	    snapshot_read(simulated_disk_io(disk), "/snapshot", key, &again, &snapshot) != OK ||
	    !bytes_equal(buffer_bytes(&bytes), buffer_bytes(&again)))
		abort();
	return 0;
}
