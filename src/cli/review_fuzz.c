/*
 * Material as a hostile gateway could send it: it is refused, or what is shown belongs to the digests that would be signed.
 * Reader: cli/review.c (not review_vote)
 */
#include "cli/review.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct review review;
	if (review_read(&arena, bytes_of(data, size), "northwind.example", &review) != OK)
		return 0;
	/* What passes names this installation, and its text is free of what could deceive a terminal. */
	if (!bytes_equal_text(review.operation.instance, "northwind.example"))
		abort();
	for (size_t i = 0; i < review.text.len; i++)
		if ((review.text.data[i] < 0x20 && review.text.data[i] != '\n') || review.text.data[i] == 0x7f)
			abort();
	return 0;
}
