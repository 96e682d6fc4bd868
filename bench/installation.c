#include "bench/installation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "crypto/start.h"
#include "gateway/gateway.h"
#include "helpers/worker.h"
#include "supervisor/handover.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"

constexpr size_t PROCESSES_MAX = 8;

static char directory[] = "/tmp/gatehouse-bench.XXXXXX";
static bool has_directory;
static pid_t running; /* the supervisor; 0: none */

/* --- Failing and cleaning up --- */

void
bench_clean_up(void) {
	char command[64];
	if (!has_directory)
		return;
	has_directory = false;
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	if (system(command) != 0)
		fprintf(stderr, "bench: %s is left\n", directory);
}

[[noreturn]] void
bench_give_up(const char *what) {
	fprintf(stderr, "%s: %s: %s (%s)\n", program_invocation_short_name, what, fail_message(), strerror(errno));
	if (running > 0)
		bench_stop(running);
	bench_clean_up();
	exit(1);
}

void
bench_need(enum status status, const char *what) {
	if (status != OK)
		bench_give_up(what);
}

/* --- Files --- */

void
bench_make_directory(void) {
	if (mkdtemp(directory) == nullptr)
		bench_give_up(directory);
	has_directory = true;
	if (chmod(directory, 0711) != 0)
		bench_give_up(directory);
}

const char *
bench_path(const char *name) {
	static char paths[16][128];
	static size_t used;
	if (used == ARRAY_LENGTH(paths))
		bench_give_up("more paths than a benchmark has");
	char *path = paths[used++];
	if ((size_t)snprintf(path, sizeof paths[0], "%s/%s", directory, name) >= sizeof paths[0])
		bench_give_up(name);
	return path;
}

void
bench_write_file(const char *name, struct bytes content) {
	const char *path = bench_path(name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0 || write(file, content.data, content.len) != (ssize_t)content.len || close(file) != 0)
		bench_give_up(path);
}

/* --- Processes --- */

int
bench_run_process(const char *role, int (*keeper)(int control)) {
	const struct {
		enum ipc_role role;
		int (*run)(int control);
	} processes[] = {{IPC_ROLE_GATEWAY, gateway_main}, {IPC_ROLE_KEEPER, keeper}, {IPC_ROLE_WORKER, worker_main}};
	bench_need(crypto_start(), "the libraries"); /* before confinement takes away what they read at first use */
	for (size_t i = 0; i < ARRAY_LENGTH(processes); i++)
		if (processes[i].role == process_role_of_name(role))
			return processes[i].run(IPC_CONTROL_DESCRIPTOR);
	bench_give_up("a process that no benchmark has");
}

uint16_t
bench_free_port(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0 || bind(probe, (const struct sockaddr *)&address, len) != 0 ||
	    getsockname(probe, (struct sockaddr *)&address, &len) != 0)
		bench_give_up("no free port");
	close(probe);
	return ntohs(address.sin_port);
}

pid_t
bench_start(const char *configuration, const char *const *owned) {
	struct config config = {};
	bench_need(config_parse(bytes_of_text(configuration), &config), "configuration");
	for (; geteuid() == 0 && *owned != nullptr; owned++)
		bench_need(handover_give_directory(*owned, config.users[IPC_ROLE_KEEPER]), *owned);
	pid_t supervisor = fork();
	if (supervisor == 0)
		exit(supervisor_main(&config, nullptr));
	config_free(&config);
	if (supervisor < 0)
		bench_give_up("fork");
	running = supervisor;
	return supervisor;
}

void
bench_stop(pid_t supervisor) {
	kill(supervisor, SIGTERM);
	waitpid(supervisor, nullptr, 0);
	running = 0;
}

void
bench_wait_for_port(uint16_t port) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	for (int i = 0; i < 200; i++) {
		int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool listens = connect(probe, (const struct sockaddr *)&address, sizeof address) == 0;
		close(probe);
		if (listens)
			return;
		usleep(50'000);
	}
	bench_give_up("nobody listens");
}

/* The supervisor and its children. */
static size_t
list_processes(pid_t supervisor, pid_t processes[PROCESSES_MAX]) {
	char path[64], list[256] = "";
	size_t count = 1;
	processes[0] = supervisor;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	FILE *file = fopen(path, "re");
	if (file == nullptr)
		bench_give_up("the children of the supervisor");
	if (fgets(list, sizeof list, file) != nullptr)
		for (char *at = list; count < PROCESSES_MAX;) {
			processes[count] = (pid_t)strtol(at, &at, 10);
			if (processes[count] == 0)
				break;
			count++;
		}
	fclose(file);
	return count;
}

pid_t
bench_process(pid_t supervisor, const char *role) {
	pid_t processes[PROCESSES_MAX];
	size_t count = list_processes(supervisor, processes);
	for (size_t i = 1; i < count; i++) {
		char path[64], arguments[128] = "";
		snprintf(path, sizeof path, "/proc/%d/cmdline", (int)processes[i]);
		FILE *file = fopen(path, "re");
		if (file == nullptr)
			continue;
		size_t len = fread(arguments, 1, sizeof arguments - 1, file);
		fclose(file);
		if (len > strlen(role) && memcmp(arguments + len - strlen(role) - 1, role, strlen(role)) == 0)
			return processes[i];
	}
	bench_give_up(role);
}

double
bench_process_cpu_us(pid_t process) {
	clockid_t clock;
	if (clock_getcpuclockid(process, &clock) != 0)
		bench_give_up("processor time");
	return (double)bench_clock_ns(clock) / 1000;
}

double
bench_all_cpu_us(pid_t supervisor) {
	pid_t processes[PROCESSES_MAX];
	size_t count = list_processes(supervisor, processes);
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += bench_process_cpu_us(processes[i]);
	return sum;
}

double
bench_all_pss_mib(pid_t supervisor) {
	pid_t processes[PROCESSES_MAX];
	size_t count = list_processes(supervisor, processes);
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		char path[64], line[256];
		long kib;
		snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)processes[i]);
		FILE *file = fopen(path, "re");
		if (file == nullptr)
			bench_give_up(path);
		while (fgets(line, sizeof line, file) != nullptr)
			if (sscanf(line, "Pss: %ld kB", &kib) == 1)
				sum += (double)kib / 1024;
		fclose(file);
	}
	return sum;
}
