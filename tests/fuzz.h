/* What fuzz targets share. */
#ifndef GATEHOUSE_TESTS_FUZZ_H
#define GATEHOUSE_TESTS_FUZZ_H

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property of whatever input it is: where it does not hold, the input is a finding. */
static inline void
must(bool holds) {
	if (!holds)
		abort();
}

#endif
