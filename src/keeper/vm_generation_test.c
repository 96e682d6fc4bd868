#include "tests/test.h"

#include <unistd.h>

#include "keeper/vm_generation.h"

static void
write_file(int file, const char *text) {
	assert_int_equal(ftruncate(file, 0), 0);
	assert_int_equal(pwrite(file, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void
another_generation_is_noticed_once(void **) {
	char path[] = "/tmp/gatehouse-generation.XXXXXX";
	int file = mkstemp(path);
	assert_true(file >= 0);
	struct vm_generation generation = {.is_given = true, .file = file};
	write_file(file, "1b2e-7");
	assert_false(vm_generation_has_changed(&generation, io_system()));
	assert_false(vm_generation_has_changed(&generation, io_system()));
	write_file(file, "1b2e-8");
	assert_true(vm_generation_has_changed(&generation, io_system()));
	assert_false(vm_generation_has_changed(&generation, io_system()));
	write_file(file, "1b2e-80");
	assert_true(vm_generation_has_changed(&generation, io_system()));
	close(file); /* gone: once more */
	assert_true(vm_generation_has_changed(&generation, io_system()));
	assert_false(vm_generation_has_changed(&generation, io_system()));
	unlink(path);
}

static void
without_a_file_there_is_none(void **) {
	struct vm_generation generation = {};
	assert_false(vm_generation_has_changed(&generation, io_system()));
	assert_false(generation.is_read);
}

RUN_TESTS(T(another_generation_is_noticed_once), T(without_a_file_there_is_none))
