/*
 * ledger.verify_1m_s: a whole log of 1,000,000 entries of 512 bytes verified on one core, against SHA-256 of the same bytes.
 * The log lies in a temporary directory (about 600 MB) and in the page cache.
 */
#include "bench/bench.h"

#include <ftw.h>
#include <unistd.h>

#include "ledger/log.h"
#include "ledger/verify_log.h"

constexpr size_t ENTRIES = 1'000'000; /* with the counts entries */
constexpr size_t BATCH = 1'000;
constexpr size_t LEAF_SIZE = 512;
constexpr size_t ROUNDS = 3;

struct keys {
	uint8_t seed[32];
	struct mldsa44_private *mldsa44;
	struct head_keys keys;
	struct head_signer signer;
	struct tlog_policy *policy;
};

static void
must(enum status status) {
	if (status == OK)
		return;
	fprintf(stderr, "verify_bench: %s\n", fail_message());
	exit(1);
}

static void
make_keys(struct keys *keys) {
	uint8_t ed25519[32], mldsa44[MLDSA44_PUBLIC_SIZE];
	*keys = (struct keys){.seed = {1}};
	must(ed25519_public_key(keys->seed, ed25519));
	must(mldsa44_private_create(&keys->mldsa44, keys->seed));
	mldsa44_private_public_key(keys->mldsa44, mldsa44);
	must(head_keys_make(BYTES_OF_LITERAL("bench.example/keeper1"), ed25519, mldsa44, &keys->keys));
	keys->signer = (struct head_signer){&keys->keys, keys->seed, keys->mldsa44};
	_cleanup_(buffer_free) struct buffer policy = {};
	buffer_append_text(&policy, "log ");
	note_key_format(&keys->keys.ed25519, &policy);
	buffer_append_text(&policy, "\nlog ");
	note_key_format(&keys->keys.mldsa44, &policy);
	buffer_append_text(&policy, "\nquorum none\n");
	must(tlog_policy_parse(buffer_bytes(&policy), &keys->policy));
}

static void
done(void *, enum status status, const struct ledger_commit *, uint64_t) {
	must(status);
}

/* A decision's body as it occurs: some members, digests in hexadecimal, so long that the leaf has LEAF_SIZE bytes. */
static struct bytes
write_body(char *body, size_t capacity, uint64_t number) {
	char digest[65];
	struct hash256 hash = sha256(bytes_of(&number, sizeof number));
	hex_encode(hash256_bytes(&hash), digest);
	int len = snprintf(body, capacity,
			   "{\"bundle\":\"%s\",\"decision\":\"permit\",\"facts\":{\"amount_cents\":%llu,"
			   "\"destination\":{\"known\":"
			   "true,\"name\":\"treasury\"}},\"operation\":\"%s\",\"padding\":\"",
			   digest, (unsigned long long)number, digest);
	/* {"at":<13>,"body":...,"seq":<digits>,"type":"decision","version":1} */
	size_t digits = (size_t)snprintf(nullptr, 0, "%llu", (unsigned long long)number);
	size_t around =
		sizeof "{\"at\":1767225600000,\"body\":,\"seq\":,\"type\":\"decision\",\"version\":1}" - 1 + digits;
	while ((size_t)len + around + 2 < LEAF_SIZE)
		body[len++] = "0123456789abcdef"[number++ % 16];
	body[len++] = '"';
	body[len++] = '}';
	return bytes_of(body, (size_t)len);
}

static void
write_log(const char *directory, const struct keys *keys) {
	_cleanup_(ledger_close) struct ledger *ledger = nullptr;
	struct ledger_config config = {
		.io = io_system(), .directory = directory, .signer = &keys->signer, .is_manual = true};
	must(ledger_create(&config));
	must(ledger_open(&config, &ledger));
	uint64_t decisions = 0;
	for (size_t batch = 0; batch < ENTRIES / BATCH; batch++) {
		for (size_t i = 0; i + 1 < BATCH; i++) {
			char body[LEAF_SIZE];
			struct ledger_entry entry = {.type = ENTRY_DECISION,
						     .body = write_body(body, sizeof body, decisions++)};
			must(ledger_submit(ledger, &entry, 1, done, nullptr));
		}
		must(ledger_commit_now(ledger));
	}
}

static double
sha256_seconds(void) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	constexpr size_t piece = 4 * 1024 * 1024;
	_cleanup_(sha256_stream_destroy) struct sha256_stream *stream = nullptr;
	if (!buffer_reserve(&bytes, piece))
		must(STATUS_NO_MEMORY);
	memset(bytes.data, 'x', piece);
	must(sha256_stream_create(&stream));
	int64_t start = bench_thread_cpu_ns();
	for (size_t left = ENTRIES * LEAF_SIZE; left > 0;) {
		size_t len = left < piece ? left : piece;
		sha256_stream_add(stream, bytes_of(bytes.data, len));
		left -= len;
	}
	struct hash256 hash = sha256_stream_finish(stream);
	bench_keep(&hash);
	return (double)(bench_thread_cpu_ns() - start) / 1e9;
}

static double
verify_seconds(const char *directory, const struct keys *keys, struct verify_log_report *report) {
	struct verify_log_options options = {.io = io_system(), .ledger_directory = directory, .policy = keys->policy};
	int64_t start = bench_thread_cpu_ns();
	must(verify_log(&options, report));
	return (double)(bench_thread_cpu_ns() - start) / 1e9;
}

static int
remove_entry(const char *path, const struct stat *, int, struct FTW *) {
	return remove(path);
}

int
main(void) {
	char directory[] = "/tmp/gatehouse-verify-bench-XXXXXX", detail[128];
	struct keys keys;
	struct verify_log_report report;
	double ours[ROUNDS], theirs[ROUNDS];
	if (mkdtemp(directory) == nullptr)
		return 1;
	make_keys(&keys);
	write_log(directory, &keys);
	for (size_t i = 0; i < ROUNDS; i++) {
		theirs[i] = sha256_seconds();
		ours[i] = verify_seconds(directory, &keys, &report);
	}
	snprintf(detail, sizeof detail, "processor time; %llu entries in %llu frames, %llu heads checked",
		 (unsigned long long)report.entries, (unsigned long long)report.frames,
		 (unsigned long long)report.signatures_checked);
	bench_row(&(struct bench_row){.name = "ledger.verify_1m_s",
				      .unit = "s",
				      .value = bench_median(ours, ROUNDS),
				      .baseline = "SHA-256 of the same bytes",
				      .baseline_value = bench_median(theirs, ROUNDS),
				      .detail = detail});
	return nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
