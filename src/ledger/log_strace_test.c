/*
 * That an acknowledgement follows its fdatasync is read off the system calls: this program runs itself under strace, appends
 * entries on a real disk, and writes a line to standard output in each callback.
 */
#include "tests/test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "ledger/log_testing.h"

constexpr size_t ENTRIES = 6;

static void
acknowledge(void *, enum status status, const struct ledger_commit *, uint64_t index) {
	char line[64];
	int len = snprintf(line, sizeof line, "acknowledged %llu\n", (unsigned long long)index);
	if (status != OK || write(STDOUT_FILENO, line, (size_t)len) != len)
		_exit(3);
}

/* What is traced. */
static int
append_entries(const char *directory) {
	struct ledger_config config = log_test_config(io_system(), directory);
	struct ledger *ledger;
	config.is_manual = false;
	if (ledger_create(&config) != OK || ledger_open(&config, &ledger) != OK)
		return 1;
	for (size_t i = 0; i < ENTRIES; i++) {
		char body[128];
		struct ledger_entry entry = {.type = ENTRY_DECISION, .body = log_test_body(body, sizeof body, i, 1)};
		struct ledger_entry more = {.type = ENTRY_VOTE, .body = BYTES_OF_LITERAL("{}")};
		if (ledger_submit(ledger, &entry, 1, acknowledge, nullptr) != OK ||
		    ledger_append(ledger, &more, 1, nullptr) != OK)
			return 2;
	}
	ledger_close(&ledger);
	return 0;
}

static bool
run(const char *command) {
	int status = system(command);
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
every_acknowledgement_follows_the_fdatasync_of_its_frame(void **) {
	char directory[] = "/var/tmp/gatehouse-strace-XXXXXX", program[4096], command[8192], line[4096];
	if (!run("strace -o /dev/null true 2>/dev/null")) {
		print_message("skipped: strace is not installed or may not trace\n");
		skip();
	}
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	assert_true(len > 0);
	program[len] = '\0';
	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof command,
		 "strace -f -o %s/trace -e trace=pwrite64,fdatasync,write '%s' append %s/ledger >%s/told", directory,
		 program, directory, directory);
	assert_true(run(command));

	snprintf(command, sizeof command, "%s/trace", directory);
	FILE *trace = fopen(command, "r");
	assert_non_null(trace);
	size_t acknowledged = 0, frames = 0;
	bool is_written = false, is_synced = false;
	long committer = 0; /* the thread that wrote the frame is the one that syncs it */
	while (fgets(line, sizeof line, trace) != nullptr) {
		if (strstr(line, "GHFRAME") != nullptr) {
			is_written = true;
			is_synced = false;
			committer = strtol(line, nullptr, 10);
			frames++;
		} else if (strstr(line, "fdatasync") != nullptr && strstr(line, "= 0") != nullptr) {
			is_synced |= strtol(line, nullptr, 10) == committer;
		} else if (strstr(line, "acknowledged") != nullptr) {
			assert_true(is_written && is_synced);
			acknowledged++;
		}
	}
	fclose(trace);
	assert_int_equal(acknowledged, ENTRIES);
	assert_true(frames >= 1);
	snprintf(command, sizeof command, "rm -r %s", directory);
	assert_true(run(command));
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], "append") == 0)
		return append_entries(argv[2]);
	const struct CMUnitTest tests[] = {T(every_acknowledgement_follows_the_fdatasync_of_its_frame)};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
