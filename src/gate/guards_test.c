#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "gate/guards.h"

static bool
produces(const struct guard *guard, const char *fact) {
	size_t length = strcspn(fact, ".");
	for (size_t i = 0; i < ARRAY_LENGTH(guard->produces) && guard->produces[i] != nullptr; i++)
		if (strlen(guard->produces[i]) == length && strncmp(guard->produces[i], fact, length) == 0)
			return true;
	return false;
}

static void
a_guard_reads_only_what_earlier_rows_produce(void **) {
	size_t reads = 0;
	for (size_t i = 0; i < guard_count; i++)
		for (size_t j = 0; j < ARRAY_LENGTH(guards[i].reads) && guards[i].reads[j] != nullptr; j++) {
			bool found = false;
			for (size_t earlier = 0; earlier < i; earlier++)
				found = found || produces(&guards[earlier], guards[i].reads[j]);
			if (!found)
				fail_msg("%s reads %s, which no earlier row produces", guards[i].name,
					 guards[i].reads[j]);
			reads++;
		}
	assert_true(reads > 0);
}

static void
no_two_rows_produce_the_same_group_of_facts(void **) {
	for (size_t i = 0; i < guard_count; i++)
		for (size_t j = 0; j < ARRAY_LENGTH(guards[i].produces) && guards[i].produces[j] != nullptr; j++)
			for (size_t other = 0; other < i; other++)
				assert_false(produces(&guards[other], guards[i].produces[j]));
}

/* docs/facts.md has a heading for every group, so that nobody writes a policy on what is not documented. */
static void
every_group_of_facts_is_documented(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	char path[1024];
	snprintf(path, sizeof path, "%s/docs/facts.md", test_source_root());
	assert_ok(io_read_file(io_system(), path, 1 << 20, &text));
	for (size_t i = 0; i < guard_count; i++)
		for (size_t j = 0; j < ARRAY_LENGTH(guards[i].produces) && guards[i].produces[j] != nullptr; j++) {
			char row[64];
			snprintf(row, sizeof row, "\n| %s.", guards[i].produces[j]);
			if (memmem(text.data, text.len, row, strlen(row)) == nullptr)
				fail_msg("docs/facts.md has no fact of the group %s", guards[i].produces[j]);
		}
}

RUN_TESTS(T(a_guard_reads_only_what_earlier_rows_produce), T(no_two_rows_produce_the_same_group_of_facts),
	  T(every_group_of_facts_is_documented))
