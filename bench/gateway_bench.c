/*
 * What a request costs the gateway and the channel to the keeper: 64 keep-alive TLS connections, signed-size requests,
 * answered by a keeper that does nothing. The baseline is the same load answered by the gateway itself, so that the
 * difference is what asking another process costs. Processor time of the server processes only.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/installation.h"
#include "bench/load_client.h"
#include "base/log.h"
#include "supervisor/process.h"
#include "tests/echo_keeper.h"

constexpr unsigned CONNECTIONS = 64;
constexpr uint64_t REQUESTS = 100'000;
constexpr uint64_t WARM_UP = 5'000;

static pid_t
start_installation(uint16_t port) {
	char text[1024];
	const char *data = bench_path("data");
	snprintf(text, sizeof text,
		 "listen: [{address: 127.0.0.1, port: %u}]\nauthority: [\"gate.example:8443\"]\ndata_directory: %s\n"
		 "rollback_guard: {kind: none}\nroot_key: {file: %s}\nlog_level: warning\n",
		 port, data, bench_path("passphrase"));
	bench_write_file("passphrase", BYTES_OF_LITERAL("bench"));
	if (mkdir(data, 0700) != 0)
		bench_give_up(data);
	return bench_start(text, (const char *const[]){data, nullptr});
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
		bench_give_up("the load");
}

static void
measure(uint16_t port, pid_t supervisor) {
	struct load_result warm, asked, local;
	run(port, build_signed, WARM_UP, &warm);
	pid_t gateway = bench_process(supervisor, "gateway"), keeper = bench_process(supervisor, "keeper");
	double before_gateway = bench_process_cpu_us(gateway);
	run(port, build_local, REQUESTS, &local);
	double local_us = (bench_process_cpu_us(gateway) - before_gateway) / (double)REQUESTS;
	before_gateway = bench_process_cpu_us(gateway);
	double before_keeper = bench_process_cpu_us(keeper);
	run(port, build_signed, REQUESTS, &asked);
	double gateway_us = (bench_process_cpu_us(gateway) - before_gateway) / (double)REQUESTS;
	double keeper_us = (bench_process_cpu_us(keeper) - before_keeper) / (double)REQUESTS;
	if (asked.failures > 0)
		bench_give_up("requests were refused");
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
	bench_give_up("the installation did not get ready");
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], PROCESS_COMMAND) == 0)
		return bench_run_process(argv[2], echo_keeper_main);
	bench_make_directory();
	uint16_t port = bench_free_port();
	pid_t supervisor = start_installation(port);
	wait_until_ready(port);
	measure(port, supervisor);
	bench_stop(supervisor);
	bench_clean_up();
	return 0;
}
