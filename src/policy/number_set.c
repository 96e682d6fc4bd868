#include "policy/number_set.h"

#include <stdlib.h>

static int
compare(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

size_t
number_set_make(uint32_t *numbers, size_t count) {
	size_t kept = 0;
	if (count > 1)
		qsort(numbers, count, sizeof *numbers, compare);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	return kept;
}

bool
number_set_has(const uint32_t *numbers, size_t count, uint32_t number) {
	return count > 0 && bsearch(&number, numbers, count, sizeof *numbers, compare) != nullptr;
}
