/*
 * That an acknowledgement follows its fdatasync is read off the system calls: this program runs itself under strace, appends
 * entries on a real disk, and writes a line to standard output in each callback.
 */
#include "tests/test.h"
#include "tests/remove_tree.h"

#include <fcntl.h>
#include <spawn.h>
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

extern char **environ;

/* Its standard output goes to the file. */
static bool
run(const char *const *arguments, const char *output) {
	posix_spawn_file_actions_t actions;
	pid_t process;
	int status = -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool runs = posix_spawnp(&process, arguments[0], &actions, nullptr, (char *const *)(uintptr_t)arguments,
				 environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	return runs && waitpid(process, &status, 0) == process && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
every_acknowledgement_follows_the_fdatasync_of_its_frame(void **) {
	char directory[] = "/var/tmp/gatehouse-strace-XXXXXX", program[4096], line[4096];
	char ledger[64], told[64], traced[64];
	if (!run((const char *const[]){"strace", "-o", "/dev/null", "true", nullptr}, "/dev/null")) {
		print_message("skipped: strace is not installed or may not trace\n");
		skip();
	}
	ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
	assert_true(len > 0);
	program[len] = '\0';
	assert_non_null(mkdtemp(directory));
	snprintf(ledger, sizeof ledger, "%s/ledger", directory);
	snprintf(told, sizeof told, "%s/told", directory);
	snprintf(traced, sizeof traced, "%s/trace", directory);
	assert_true(run((const char *const[]){"strace", "-f", "-o", traced, "-e", "trace=pwrite64,fdatasync,write",
					      program, "append", ledger, nullptr},
			told));

	FILE *trace = fopen(traced, "r");
	if (trace == nullptr)
		fail_msg("there is no trace in %s", traced);
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
	assert_int_equal(remove_tree(directory), 0);
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], "append") == 0)
		return append_entries(argv[2]);
	const struct CMUnitTest tests[] = {T(every_acknowledgement_follows_the_fdatasync_of_its_frame)};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
