/*
 * The whole pass, measured from outside: real processes, TLS 1.3, signed requests, durable and doubly signed. 64 clients for
 * processor time, one caller for latency, 10,000 keys for the start, and the memory of an idle installation.
 *
 * gate.cpu_beyond_crypto_us: processor time of all server processes for one gated signature, less what the cryptography
 * that the pass requires takes alone in the same run: verifying the requester, signing, verifying the own signature, and the
 * head's two signatures divided by the batch size; of five rounds in one installation, the median.
 * gate.receipt_p50_above_fsync_us: one caller, submit to receipt, less one fdatasync of a pre-written file.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/installation.h"
#include "bench/load_client.h"
#include "base/io.h"
#include "base/log.h"
#include "crypto/sign.h"
#include "keeper/keeper.h"
#include "keeper/process.h"
#include "supervisor/process.h"
#include "tests/firm_keys.h"
#include "tests/founding.h"

constexpr unsigned CONNECTIONS = 64;
constexpr uint64_t REQUESTS = 8'000;
constexpr size_t CPU_ROUNDS = 5;
constexpr uint64_t WARM_UP = 10'000;
constexpr uint64_t LONE_REQUESTS = 1'000;
constexpr size_t MANY_KEYS = 10'000;
#define AUTHORITY "gate.example:8443"
static const char INSTANCE[] = "northwind.example";
static const char DIGITS[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static struct firm firm;
static const char *digits; /* file of the root key */

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

/* --- The installation --- */

static void
open_keeper(const char *data, const char *mark, struct installation *installation, struct keeper **keeper) {
	static const char *const authorities[] = {AUTHORITY};
	struct keeper_config config = {.io = io_system(),
				       .authorities = authorities,
				       .authority_count = 1,
				       .guard = ROLLBACK_PATH,
				       .guard_path = mark};
	bench_need(installation_open(io_system(), data, ROOT_KEY_FILE, bytes_of_text(DIGITS), installation),
		   "the installation");
	bench_need(keeper_open(&config, installation, keeper), "the keeper");
}

static void
found(const char *data, const char *mark, size_t keys) {
	struct founding founding = {.instance = INSTANCE,
				    .data = data,
				    .source = ROOT_KEY_FILE,
				    .given = bytes_of_text(DIGITS),
				    .guard = ROLLBACK_PATH,
				    .mark = mark};
	_cleanup_(installation_close) struct installation installation = {};
	_cleanup_(keeper_close) struct keeper *keeper = nullptr;
	bench_need(found_installation(&firm, &founding), "founding");
	open_keeper(data, mark, &installation, &keeper);
	bench_need(firm_make_key(&firm, keeper, INSTANCE, AUTHORITY, "eth-hot"), "a key");
	for (size_t i = 1; i < keys; i++) {
		char id[32];
		snprintf(id, sizeof id, "key-%zu", i);
		bench_need(firm_make_key(&firm, keeper, INSTANCE, AUTHORITY, id), "a key");
	}
}

static pid_t
start(uint16_t port, const char *data, const char *mark_directory) {
	char text[1024];
	snprintf(text, sizeof text,
		 "listen: [{address: 127.0.0.1, port: %u}]\nauthority: [\"" AUTHORITY "\"]\ndata_directory: %s\n"
		 "rollback_guard: {kind: path, path: %s}\nroot_key: {file: %s}\nlog_level: warning\n"
		 "limits: {requests_per_principal_per_s: 1000000}\n",
		 port, data, mark_directory, digits);
	return bench_start(text, (const char *const[]){data, mark_directory, nullptr});
}

/* --- The load --- */

struct load {
	struct arena arena;
	struct http_request *requests;
	uint64_t count, first_nonce;
	uint64_t entries_first, entries_last; /* of the answers: how far the log came */
	pid_t supervisor;
	double cpu_before_us; /* of all processes: when the connections stood */
};

/* EIP-1559 on chain 1: 1.57 gwei to an allowed destination; only the nonce differs. */
static void
prepare(struct load *load, uint64_t count, uint64_t first_nonce) {
	*load = (struct load){.count = count, .first_nonce = first_nonce};
	load->requests = calloc(count, sizeof *load->requests);
	for (uint64_t i = 0; i < count; i++) {
		char payload[256];
		snprintf(payload, sizeof payload,
			 "{\"format\":\"evm\",\"transaction\":\"0x02ef0183%06llx843b9aca008506fc23ac0082520894"
			 "3535353535353535353535353535353535353535845d8a000080c0\"}",
			 (unsigned long long)(0x10000 + first_nonce + i));
		const char *key = arena_format(&load->arena, "load-%llu", (unsigned long long)(first_nonce + i));
		struct firm_operation operation = {.by = FIRM_SETTLEMENT,
						   .kind = "sign",
						   .resource = "key:eth-hot",
						   .payload = payload,
						   .idempotency_key = key,
						   .created_ms = now_ms()};
		bench_need(firm_request(&firm, &load->arena, INSTANCE, AUTHORITY, &operation, &load->requests[i]),
			   "a request");
	}
}

static void
load_free(struct load *load) {
	arena_free(&load->arena);
	free(load->requests);
}

static void
build(void *context, uint64_t number, struct buffer *to) {
	const struct http_request *request = &((struct load *)context)->requests[number];
	buffer_append_text(to, "POST /v1/operations HTTP/1.1\r\n");
	for (size_t i = 0; i < request->field_count; i++)
		buffer_append_format(to, "%.*s: %.*s\r\n", BYTES_ARGS(request->fields[i].name),
				     BYTES_ARGS(request->fields[i].value));
	buffer_append_format(to, "Content-Length: %zu\r\n\r\n", request->body.len);
	buffer_append_bytes(to, request->body);
}

static void
take_answer(void *context, uint64_t, unsigned status, struct bytes body) {
	struct load *load = context;
	if (status != 200) {
		fprintf(stderr, "gate_bench: %u %.*s\n", status, (int)(body.len > 400 ? 400 : body.len),
			(const char *)body.data);
		bench_give_up("an answer");
	}
	const uint8_t *at = memmem(body.data, body.len, "\"entry\":", 8);
	if (at == nullptr)
		bench_give_up("an answer without an entry");
	uint64_t entry = strtoull((const char *)at + 8, nullptr, 10);
	load->entries_first = load->entries_first == 0 || entry < load->entries_first ? entry : load->entries_first;
	load->entries_last = entry > load->entries_last ? entry : load->entries_last;
}

/* Handshakes are not what a signature costs: connections are kept. */
static void
note_cpu(void *context) {
	struct load *load = context;
	if (load->supervisor != 0)
		load->cpu_before_us = bench_all_cpu_us(load->supervisor);
}

static void
run(uint16_t port, unsigned connections, struct load *load, struct load_result *result) {
	struct load_options options = {.port = port,
				       .connections = connections,
				       .requests = load->count,
				       .build = build,
				       .connected = note_cpu,
				       .take_answer = take_answer,
				       .context = load};
	bench_need(load_run(&options, result), "the load");
}

/* --- What the cryptography takes alone --- */

struct alone {
	uint8_t seed[32], public_key[32], signature[64], message[400];
	uint8_t private_key[32], point[33], digest[32], ecdsa[64];
	struct mldsa44_private *mldsa44;
	uint8_t mldsa44_signature[MLDSA44_SIGNATURE_SIZE];
};

static void
verify_requester(void *context) {
	struct alone *alone = context;
	bench_need(ed25519_verify(alone->public_key, BYTES_OF_ARRAY(alone->message), alone->signature), "Ed25519");
}

static void
sign_and_verify(void *context) {
	struct alone *alone = context;
	int recovery;
	bench_need(secp256k1_sign(alone->private_key, alone->digest, alone->ecdsa, &recovery), "ECDSA");
	bench_need(secp256k1_verify(BYTES_OF_ARRAY(alone->point), alone->digest, alone->ecdsa), "ECDSA");
}

static void
sign_head(void *context) {
	struct alone *alone = context;
	bench_need(ed25519_sign(alone->seed, alone->public_key, BYTES_OF_ARRAY(alone->message), alone->signature),
		   "Ed25519");
	bench_need(mldsa44_sign(alone->mldsa44, BYTES_OF_ARRAY(alone->message), alone->mldsa44_signature), "ML-DSA-44");
}

struct required {
	double verify_us, sign_us, head_us;
};

static struct required
measure_required(void) {
	struct alone alone = {.seed = {1}, .private_key = {[31] = 7}, .digest = {9}};
	struct required required;
	bench_need(ed25519_public_key(alone.seed, alone.public_key), "a key");
	bench_need(secp256k1_public_key(alone.private_key, alone.point), "a key");
	bench_need(mldsa44_private_create(&alone.mldsa44, alone.seed), "a key");
	sign_head(&alone);
	required.head_us = bench_median_cpu_ns(sign_head, &alone, 50, 9) / 1000;
	required.verify_us = bench_median_cpu_ns(verify_requester, &alone, 500, 9) / 1000;
	required.sign_us = bench_median_cpu_ns(sign_and_verify, &alone, 500, 9) / 1000;
	mldsa44_private_destroy(&alone.mldsa44);
	return required;
}

static double
fdatasync_p50_us(void) {
	const char *path = bench_path("sync");
	static uint8_t zeros[1 << 20];
	double samples[400];
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || write(file, zeros, sizeof zeros) != (ssize_t)sizeof zeros || fsync(file) != 0)
		bench_give_up(path);
	for (size_t i = 0; i < ARRAY_LENGTH(samples); i++) {
		int64_t before = bench_now_ns();
		if (pwrite(file, &i, 8192 < sizeof zeros ? sizeof i : 1, (off_t)(i * 2048)) < 0 || fdatasync(file) != 0)
			bench_give_up(path);
		samples[i] = (double)(bench_now_ns() - before) / 1000;
	}
	close(file);
	unlink(path);
	return bench_median(samples, ARRAY_LENGTH(samples));
}

/* --- The rows --- */

struct cpu_round {
	double per_request_us, batch_size, per_s, p50_ms, p99_ms;
	struct required required;
};

static struct required
mean_of(struct required a, struct required b) {
	return (struct required){
		.verify_us = (a.verify_us + b.verify_us) / 2,
		.sign_us = (a.sign_us + b.sign_us) / 2,
		.head_us = (a.head_us + b.head_us) / 2,
	};
}

static double
required_us(const struct cpu_round *round) {
	return round->required.verify_us + round->required.sign_us + round->required.head_us / round->batch_size;
}

static double
beyond_us(const struct cpu_round *round) {
	return round->per_request_us - required_us(round);
}

static int
compare_rounds(const void *a, const void *b) {
	double first = beyond_us(a), second = beyond_us(b);
	return (first > second) - (first < second);
}

static struct cpu_round
run_round(uint16_t port, pid_t supervisor, uint64_t first_nonce) {
	struct load load;
	struct load_result result;
	prepare(&load, REQUESTS, first_nonce);
	load.supervisor = supervisor;
	/* Before and after: where others use the machine too, its speed drifts. */
	struct required before = measure_required();
	run(port, CONNECTIONS, &load, &result);
	struct cpu_round round = {
		.per_request_us = (bench_all_cpu_us(supervisor) - load.cpu_before_us) / (double)REQUESTS,
		.per_s = (double)REQUESTS * 1e9 / (double)result.elapsed_ns,
		.p50_ms = bench_quantile(result.latencies_us, result.answers, 0.5) / 1000,
		.p99_ms = bench_quantile(result.latencies_us, result.answers, 0.99) / 1000,
		.required = mean_of(before, measure_required()),
	};
	/* Each batch adds one entry of its own, the counts. */
	double batches = (double)(load.entries_last - load.entries_first + 1) - (double)REQUESTS;
	round.batch_size = batches < 1 ? (double)REQUESTS : (double)REQUESTS / batches;
	load_result_free(&result);
	load_free(&load);
	return round;
}

/* One round after the other in one installation, so that what grows with it is in: the median of them is the row. */
static void
measure_cpu(uint16_t port, pid_t supervisor, uint64_t first_nonce) {
	struct cpu_round rounds[CPU_ROUNDS];
	for (size_t i = 0; i < CPU_ROUNDS; i++)
		rounds[i] = run_round(port, supervisor, first_nonce + i * REQUESTS);
	qsort(rounds, CPU_ROUNDS, sizeof rounds[0], compare_rounds);
	const struct cpu_round *median = &rounds[CPU_ROUNDS / 2];
	char detail[400];
	snprintf(detail, sizeof detail,
		 "median of %zu rounds, %.1f to %.1f; %.1f us in all; verify requester %.1f, sign and verify own %.1f, "
		 "head signatures %.1f / mean batch %.1f; %.0f signatures/s, p50 %.2f ms, p99 %.2f ms",
		 CPU_ROUNDS, beyond_us(&rounds[0]), beyond_us(&rounds[CPU_ROUNDS - 1]), median->per_request_us,
		 median->required.verify_us, median->required.sign_us, median->required.head_us, median->batch_size,
		 median->per_s, median->p50_ms, median->p99_ms);
	bench_row(&(struct bench_row){.name = "gate.cpu_beyond_crypto_us",
				      .unit = "us",
				      .value = beyond_us(median),
				      .baseline = "the required cryptography alone",
				      .baseline_value = required_us(median),
				      .detail = detail});
}

static void
measure_latency(uint16_t port, uint64_t first_nonce) {
	struct load load;
	struct load_result result;
	double sync_us = fdatasync_p50_us();
	prepare(&load, LONE_REQUESTS, first_nonce);
	run(port, 1, &load, &result);
	struct required alone = measure_required();
	double p50 = bench_quantile(result.latencies_us, result.answers, 0.5);
	char detail[256];
	snprintf(detail, sizeof detail,
		 "p50 %.0f us, p99 %.0f us; of it: fdatasync %.0f, head signatures %.0f, verify requester %.0f, sign "
		 "and verify %.0f",
		 p50, bench_quantile(result.latencies_us, result.answers, 0.99), sync_us, alone.head_us,
		 alone.verify_us, alone.sign_us);
	bench_row(&(struct bench_row){.name = "gate.receipt_p50_above_fsync_us",
				      .unit = "us",
				      .value = p50 - sync_us,
				      .baseline = "one fdatasync of a pre-written file",
				      .baseline_value = sync_us,
				      .detail = detail});
	load_result_free(&result);
	load_free(&load);
}

static void
measure_start(const char *data, const char *mark) {
	_cleanup_(installation_close) struct installation installation = {};
	_cleanup_(keeper_close) struct keeper *keeper = nullptr;
	int64_t before = bench_now_ns();
	open_keeper(data, mark, &installation, &keeper);
	double seconds = (double)(bench_now_ns() - before) / 1e9;
	char detail[128];
	struct ledger_head head;
	ledger_durable_head(keeper_ledger(keeper), &head);
	snprintf(detail, sizeof detail, "%zu keys, %llu entries read", keyring_count(keeper_gate(keeper)->state->ring),
		 (unsigned long long)head.head.size);
	bench_row(
		&(struct bench_row){.name = "gate.start_10k_keys_s", .unit = "s", .value = seconds, .detail = detail});
}

static void
warm_up(uint16_t port, uint64_t first_nonce, uint64_t count) {
	struct load load;
	struct load_result result;
	prepare(&load, count, first_nonce);
	run(port, CONNECTIONS, &load, &result);
	load_result_free(&result);
	load_free(&load);
}

/* Until the keeper has granted credit, requests are refused. */
static void
wait_until_ready(uint16_t port) {
	bench_wait_for_port(port);
	usleep(1'000'000);
}

int
main(int argc, char **argv) {
	if (argc == 3 && strcmp(argv[1], PROCESS_COMMAND) == 0)
		return bench_run_process(argv[2], keeper_main);
	log_start("bench", LOG_LEVEL_WARNING);
	firm_make(&firm, 3);
	bench_make_directory();
	const char *data = bench_path("data"), *mark_directory = bench_path("mark"),
		   *mark = bench_path("mark/high-water");
	const char *many = bench_path("many"), *many_mark = bench_path("many-mark");
	digits = bench_path("digits");
	bench_write_file("digits", bytes_of_text(DIGITS));
	if (mkdir(mark_directory, 0700) != 0)
		bench_give_up(mark_directory);
	found(data, mark, 1);
	uint16_t port = bench_free_port();
	pid_t supervisor = start(port, data, mark_directory);
	wait_until_ready(port);
	warm_up(port, 0, WARM_UP);
	measure_latency(port, WARM_UP);
	bench_stop(supervisor);
	/* Idle memory is that of a fresh start. */
	port = bench_free_port();
	supervisor = start(port, data, mark_directory);
	wait_until_ready(port);
	usleep(1'000'000);
	bench_row(&(struct bench_row){
		.name = "gate.idle_pss_mib", .unit = "MiB", .value = bench_all_pss_mib(supervisor)});
	measure_cpu(port, supervisor, WARM_UP + LONE_REQUESTS);
	bench_stop(supervisor);
	found(many, many_mark, MANY_KEYS);
	measure_start(many, many_mark);
	bench_clean_up();
	return 0;
}
