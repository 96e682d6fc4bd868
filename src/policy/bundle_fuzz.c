/*
 * Reader: policy/bundle.c
 * Property: what is read is its own document: writing its files again gives the same bytes; every refusal has a name.
 */
#include <stdlib.h>

#include "policy/bundle.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(buffer_free) struct buffer again = {}, summary = {};
	struct json_writer w;
	if (bundle_create(&bundle, bytes_of(data, size), nullptr) != OK) {
		if (fail_message()[0] == '\0')
			abort();
		return 0;
	}
	if (bundle_write(bundle->name, bundle->version, bundle->files, bundle->file_count, &again) != OK ||
	    !bytes_equal(bundle->text, buffer_bytes(&again)))
		abort();
	json_writer_start(&w, &summary);
	bundle_write_summary(bundle, &w);
	if (json_writer_finish(&w) != OK)
		abort();
	return 0;
}
