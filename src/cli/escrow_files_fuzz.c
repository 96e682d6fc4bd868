/*
 * A file that a keeper is said to have given: it is refused, or what it says fits together, and reading it again says the same.
 * Reader: cli/escrow_files.c (read_escrow, hash_group, escrow_file_read)
 */
#include "cli/escrow_files.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct escrow_file *file = ARENA_NEW(&arena, struct escrow_file),
			   *again = ARENA_NEW(&arena, struct escrow_file);
	if (file == nullptr || again == nullptr || escrow_file_read(&arena, bytes_of(data, size), file) != OK)
		return 0;
	if (!file->is_read || file->holder == 0 || sharing_check_record(&file->sharing, &file->key) != OK)
		abort();
	if (escrow_file_read(&arena, bytes_of(data, size), again) != OK ||
	    !hash256_equal(&file->group, &again->group) || !bytes_equal(file->escrow, again->escrow) ||
	    escrow_file_keeper(file)[0] == '\0')
		abort();
	return 0;
}
