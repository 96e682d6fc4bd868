/*
 * Reader: identity/metadata.c (split, decode_part, read_algorithm, read_chain, read_aaguid, read_status, read_roots, read_entry, read_list)
 * Reads the input as a blob, which nobody whom it knows has signed; and, through the seam below, as the list inside one.
 */
#include "identity/metadata.h"

#include "identity/metadata.c"
#include "tests/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *none = nullptr;
	struct metadata metadata = {};
	const struct metadata_model *model;
	must(certificate_roots_create(&none) == OK);
	must(metadata_read(&arena, bytes_of(data, size), none, METADATA_SIGNER, 0, &metadata) != OK);
	metadata = (struct metadata){};
	if (read_list(&arena, bytes_of(data, size), 0, &metadata) != OK)
		return 0;
	for (size_t i = 0; i < metadata.count; i++)
		must((metadata_find(&metadata, metadata.models[i].aaguid, &model) == OK) ==
		     (metadata.models[i].status.len == 0));
	return 0;
}
