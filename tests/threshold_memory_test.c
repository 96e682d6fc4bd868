/*
 * What signs once lives in memory alone: nothing of a presignature is in any file of its keeper, so in no backup and no snapshot of a disk, and
 * with the process, or the connection, it is gone. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_vault.h"

#include <stdio.h>

#include "keeper/threshold_internal.h"

/* --- All files of a keeper. --- */

struct search {
	const struct io *io;
	const char *directory;
	struct bytes wanted;
	size_t files, found;
};

static enum status
search_in(void *context, const char *name) {
	struct search *search = context;
	_cleanup_(buffer_free) struct buffer bytes = {};
	char path[512];
	snprintf(path, sizeof path, "%s/%s", search->directory, name);
	if (io_read_file(search->io, path, 64 << 20, &bytes) != OK) {
		struct search below = *search;
		below.directory = path;
		below.files = below.found = 0;
		IGNORE_STATUS(io_list_directory(search->io, path, search_in, &below)); /* or it is none */
		search->files += below.files;
		search->found += below.found;
		return OK;
	}
	search->files++;
	search->found += memmem(bytes.data, bytes.len, search->wanted.data, search->wanted.len) != nullptr;
	return OK;
}

static struct search
search_for(struct team *team, size_t at, struct bytes wanted) {
	const struct house *house = &team->members[at].house;
	struct search search = {.io = house->io, .directory = house->data, .wanted = wanted};
	assert_ok(io_list_directory(house->io, house->data, search_in, &search));
	return search;
}

/* --- What is prepared. --- */

static void
assert_in_no_file(struct team *team, size_t at, const struct presignature *presignature) {
	const struct presignature_values *values =
		(const struct presignature_values *)(const void *)presignature->memory.data;
	const struct scalar *numbers[] = {&values->phi, &values->u, &values->v};
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		uint8_t written[SCALAR_SIZE];
		scalar_write(numbers[i], written);
		assert_int_equal(0, search_for(team, at, BYTES_OF_ARRAY(written)).found);
		assert_int_equal(0, search_for(team, at, bytes_of(numbers[i], sizeof *numbers[i])).found);
	}
}

static size_t
prepared_at(struct team *team, size_t at) {
	return threshold_prepared(team->members[at].house.keeper, BYTES_OF_LITERAL("vault"));
}

static void
what_is_prepared_is_in_no_file_and_dies_with_its_process(void **) {
	_cleanup_(team_free) struct team team;
	size_t looked_at = 0;
	team_found(&team, 3, 61);
	team_make_key(&team, "vault", "2-of-3");
	assert_true(sign_at(&team, 0, 0));
	team_settle(&team);
	for (size_t i = 0; i < 3; i++) {
		const struct presignature_pool *pool = &team.members[i].house.keeper->threshold->pool;
		size_t at = 0;
		void *value;
		while (map_next(&pool->ready, &at, nullptr, &value)) {
			assert_in_no_file(&team, i, value);
			looked_at++;
		}
		/* The search finds what is there. */
		struct search control = search_for(&team, i, BYTES_OF_LITERAL("key.create"));
		assert_true(control.files > 3 && control.found > 0);
	}
	assert_true(looked_at >= 3 * POOL_TARGET);
	/* With the process of the second all that it prepared is gone, at the others as well. */
	size_t before = prepared_at(&team, 0);
	for (size_t i = 0; i < 3; i += 2)
		team_cut(&team, 1, i);
	assert_true(prepared_at(&team, 0) < before);
	team_stop(&team, 1);
	team_start(&team, 1);
	assert_int_equal(0, prepared_at(&team, 1));
}

RUN_TESTS(T(what_is_prepared_is_in_no_file_and_dies_with_its_process))
