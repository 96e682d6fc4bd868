/*
 * Runs a fuzz target over the files of its committed corpus, as one TAP test: NAME_replay NAME DIRECTORY...
 * With GATEHOUSE_FUZZ_COUNTS, as many as the line of that name in that file says (tests/fuzz/counts), and no fewer and no more.
 * On a crash the last file named on standard error is the one.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

constexpr size_t INPUT_MAX = 16 * 1024 * 1024;

static void
replay_file(const char *path) {
	_cleanup_(buffer_free) struct buffer content = {};
	fprintf(stderr, "replaying %s\n", path);
	if (io_read_file(io_system(), path, INPUT_MAX, &content) != OK) {
		printf("Bail out! %s\n", fail_message());
		exit(1);
	}
	/* A copy of the exact size, so that the sanitizer sees a read beyond the end. */
	uint8_t *exact = malloc(content.len == 0 ? 1 : content.len);
	if (exact == nullptr)
		abort();
	if (content.len > 0)
		memcpy(exact, content.data, content.len);
	(void)LLVMFuzzerTestOneInput(exact, content.len);
	free(exact);
}

/* The committed figure; 0 where there is none. */
static size_t
committed_count(const char *path, const char *name) {
	char listed[128];
	size_t count, found = 0;
	FILE *file = fopen(path, "re");
	while (file != nullptr && fscanf(file, "%127s %zu", listed, &count) == 2)
		if (strcmp(listed, name) == 0)
			found = count;
	if (file != nullptr)
		fclose(file);
	return found;
}

int
main(int argc, char **argv) {
	const char *counts = getenv("GATEHOUSE_FUZZ_COUNTS");
	if (argc < 3) {
		fprintf(stderr, "usage: %s NAME DIRECTORY...\n", argv[0]);
		return 2;
	}
	size_t count = 0;
	for (int i = 2; i < argc; i++) {
		struct dirent **entries = nullptr;
		int found = scandir(argv[i], &entries, nullptr, alphasort);
		for (int j = 0; j < found; j++) {
			char path[4096];
			snprintf(path, sizeof path, "%s/%s", argv[i], entries[j]->d_name);
			if (entries[j]->d_name[0] != '.') {
				replay_file(path);
				count++;
			}
			free(entries[j]);
		}
		free(entries);
	}
	size_t expected = counts == nullptr ? count : committed_count(counts, argv[1]);
	bool is_whole = count > 0 && count == expected;
	printf("TAP version 13\n1..1\n%s 1 - %s: %zu inputs of the corpus replayed, %zu expected\n",
	       is_whole ? "ok" : "not ok", argv[1], count, expected);
	return is_whole ? 0 : 1;
}
