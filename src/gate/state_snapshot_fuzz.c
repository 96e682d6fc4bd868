/*
 * Readers: gate/snapshot.c (read_bundle, read_directory, read_lists, read_zones, read_limits, read_nonces, read_assets, read_keys, read_dealt, read_time,
 * read_last_nonces, read_kept, read_held, read_operation, read_operations, read_header, read_all, gate_snapshot_read),
 * identity/directory_snapshot.c (read_text, read_flag, read_unit, read_zone, read_key, read_principal, read_group, read_delegation,
 * read_all, directory_read), gate/break_glass.c (reviews_read), identity/invitations.c (read_one, invitations_read)
 * Decision state from bytes; what is accepted is written, read and written again to the same bytes.
 */
#include <stdlib.h>

#include "gate/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
make_gate(struct gate **gate) {
	static const char *const authorities[] = {"127.0.0.1:8443"};
	struct gate_config config = {
		.instance = BYTES_OF_LITERAL("northwind.example"), .authorities = authorities, .authority_count = 1};
	if (gate_create(gate, &config) != OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(gate_destroy) struct gate *gate = nullptr, *again = nullptr;
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	make_gate(&gate);
	if (gate_snapshot_read(gate, bytes_of(data, size)) != OK)
		return 0;
	make_gate(&again);
	if (gate_snapshot_write(gate, &first) != OK || gate_snapshot_read(again, buffer_bytes(&first)) != OK ||
	    gate_snapshot_write(again, &second) != OK || !bytes_equal(buffer_bytes(&first), buffer_bytes(&second)))
		abort();
	return 0;
}
