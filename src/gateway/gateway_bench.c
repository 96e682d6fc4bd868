/*
 * What a request costs the gateway and the channel to the keeper: 64 keep-alive TLS connections, signed-size requests,
 * answered by a keeper that does nothing. The baseline is the same load answered by the gateway itself, so that the
 * difference is what asking another process costs. Processor time of the server processes only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/load_client.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "supervisor/handover.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"
#include "tests/echo_keeper.h"

constexpr unsigned CONNECTIONS = 64;
constexpr uint64_t REQUESTS = 100'000;
constexpr uint64_t WARM_UP = 5'000;

static char directory[] = "/tmp/gateway_bench.XXXXXX";

[[noreturn]] static void
give_up(const char *what) {
	fprintf(stderr, "gateway_bench: %s: %s (%s)\n", what, fail_message(), strerror(errno));
	exit(1);
}

/* --- The installation --- */

static uint16_t
free_port(void) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0 || bind(probe, (const struct sockaddr *)&address, len) != 0 ||
	    getsockname(probe, (struct sockaddr *)&address, &len) != 0)
		give_up("no free port");
	close(probe);
	return ntohs(address.sin_port);
}

static void
write_file(const char *name, const char *content) {
	char path[256];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "we");
	if (file == nullptr || fputs(content, file) < 0 || fclose(file) != 0)
		give_up(path);
}

static pid_t
start_installation(uint16_t port) {
	char text[1024], data[256];
	snprintf(data, sizeof data, "%s/data", directory);
	snprintf(text, sizeof text,
		 "listen: [{address: 127.0.0.1, port: %u}]\nauthority: [\"gate.example:8443\"]\ndata_directory: %s\n"
		 "rollback_guard: {kind: none}\nroot_key: {file: %s/passphrase}\nlog_level: warning\n",
		 port, data, directory);
	struct config config = {};
	write_file("passphrase", "bench");
	if (mkdir(data, 0700) != 0 || config_parse(bytes_of_text(text), &config) != OK)
		give_up("configuration");
	if (geteuid() == 0 && handover_give_directory(data, config.users[IPC_ROLE_KEEPER]) != OK)
		give_up("data directory");
	pid_t supervisor = fork();
	if (supervisor == 0)
		exit(supervisor_main(&config, nullptr));
	config_free(&config);
	return supervisor;
}

/* The supervisor's child of that role. */
static pid_t
find_process(pid_t supervisor, const char *role) {
	char path[64], list[256] = "", arguments[128] = "";
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	FILE *file = fopen(path, "re");
	if (file == nullptr || fgets(list, sizeof list, file) == nullptr)
		give_up("the children of the supervisor");
	fclose(file);
	for (char *at = list; *at != '\0';) {
		pid_t child = (pid_t)strtol(at, &at, 10);
		snprintf(path, sizeof path, "/proc/%d/cmdline", (int)child);
		if (child == 0 || (file = fopen(path, "re")) == nullptr)
			break;
		size_t len = fread(arguments, 1, sizeof arguments - 1, file);
		fclose(file);
		if (len > strlen(role) && memcmp(arguments + len - strlen(role) - 1, role, strlen(role)) == 0)
			return child;
	}
	give_up(role);
}

static double
cpu_us(pid_t process) {
	clockid_t clock;
	if (clock_getcpuclockid(process, &clock) != 0)
		give_up("processor time");
	return (double)bench_clock_ns(clock) / 1000;
}

/* --- The load --- */

static void
build_signed(void *, uint64_t number, struct buffer *request) {
	static const char head[] =
		"POST /v1/operations HTTP/1.1\r\nHost: gate.example:8443\r\nContent-Type: application/json\r\n"
		"Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\r\nIdempotency-Key: %llu\r\n"
		"Signature-Input: gatehouse=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" "
		"\"content-digest\" "
		"\"idempotency-key\");created=1795219200;expires=1795219500;nonce=\"0123456789abcdef\";"
		"keyid=\"workload:settlement-1/1\";tag=\"gatehouse\"\r\n"
		"Signature: "
		"gatehouse=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
		"\r\n"
		"Content-Length: 300\r\n\r\n";
	buffer_append_format(request, head, (unsigned long long)number);
	for (int i = 0; i < 300; i++)
		buffer_append_byte(request, 'x');
}

static void
build_local(void *, uint64_t, struct buffer *request) {
	buffer_append_text(request, "GET /v1/nothing HTTP/1.1\r\nHost: gate.example:8443\r\n\r\n");
}

static void
run(uint16_t port, void (*build)(void *, uint64_t, struct buffer *), uint64_t requests, struct load_result *result) {
	struct load_options options = {.port = port, .connections = CONNECTIONS, .requests = requests, .build = build};
	if (load_run(&options, result) != OK)
		give_up("the load");
}

static void
measure(uint16_t port, pid_t supervisor) {
	struct load_result warm, asked, local;
	run(port, build_signed, WARM_UP, &warm);
	pid_t gateway = find_process(supervisor, "gateway"), keeper = find_process(supervisor, "keeper");
	double before_gateway = cpu_us(gateway);
	run(port, build_local, REQUESTS, &local);
	double local_us = (cpu_us(gateway) - before_gateway) / (double)REQUESTS;
	before_gateway = cpu_us(gateway);
	double before_keeper = cpu_us(keeper);
	run(port, build_signed, REQUESTS, &asked);
	double gateway_us = (cpu_us(gateway) - before_gateway) / (double)REQUESTS;
	double keeper_us = (cpu_us(keeper) - before_keeper) / (double)REQUESTS;
	if (asked.failures > 0)
		give_up("requests were refused");
	char detail[256];
	snprintf(
		detail, sizeof detail,
		"gateway %.1f, echo keeper %.1f us; %.0f requests/s, p50 %.2f ms, p99 %.2f ms; handshakes included: %u",
		gateway_us, keeper_us, (double)REQUESTS * 1e9 / (double)asked.elapsed_ns,
		bench_quantile(asked.latencies_us, asked.answers, 0.5) / 1000,
		bench_quantile(asked.latencies_us, asked.answers, 0.99) / 1000, CONNECTIONS);
	bench_row(&(struct bench_row){.name = "gateway.request_cpu_us",
				      .unit = "us",
				      .value = gateway_us + keeper_us,
				      .baseline = "a request that the gateway answers itself",
				      .baseline_value = local_us,
				      .detail = detail});
	load_result_free(&warm);
	load_result_free(&asked);
	load_result_free(&local);
}

static void
remove_directory(void) {
	char path[256];
	static const char *const names[] = {"passphrase", "data", ""};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		remove(path);
	}
}

/* A gateway that listens before the keeper has granted credit answers 503. */
static void
wait_until_ready(uint16_t port) {
	for (int i = 0; i < 100; i++) {
		struct load_result result = {};
		struct load_options options = {.port = port, .connections = 1, .requests = 1, .build = build_signed};
		enum status status = load_run(&options, &result);
		bool ready = status == OK && result.failures == 0;
		load_result_free(&result);
		if (ready)
			return;
		usleep(50'000);
	}
	give_up("the installation did not get ready");
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], PROCESS_COMMAND) == 0)
		return process_role_of_name(argv[2]) == IPC_ROLE_GATEWAY ? gateway_main(IPC_CONTROL_DESCRIPTOR)
									 : echo_keeper_main(IPC_CONTROL_DESCRIPTOR);
	if (mkdtemp(directory) == nullptr || chmod(directory, 0711) != 0)
		give_up(directory);
	uint16_t port = free_port();
	pid_t supervisor = start_installation(port);
	wait_until_ready(port);
	measure(port, supervisor);
	kill(supervisor, SIGTERM);
	waitpid(supervisor, nullptr, 0);
	remove_directory();
	return 0;
}
