/*
 * What the machine gives, beside every other row: without it a row says little. Where page tables are kept in software, or by the
 * machine's host, a system call takes ten times what it takes elsewhere, and a page fault twenty times. No bar.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"

constexpr size_t ROUNDS = 9;
constexpr size_t PAGES = 4096;

static void
give_up(const char *what) {
	perror(what);
	exit(1);
}

static void
call(void *) {
	syscall(SYS_getppid);
}

/* Memory that the machine has used before: what is measured is the fault, not where the memory comes from. */
static double
page_fault_ns(void) {
	double samples[ROUNDS];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = PAGES * page;
	for (size_t round = 0; round < ROUNDS; round++) {
		volatile uint8_t *memory =
			mmap(nullptr, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED || madvise((void *)(uintptr_t)memory, len, MADV_NOHUGEPAGE) != 0)
			give_up("mmap");
		int64_t start = bench_now_ns();
		for (size_t at = 0; at < len; at += page)
			memory[at] = 1;
		samples[round] = (double)(bench_now_ns() - start) / (double)PAGES;
		munmap((void *)(uintptr_t)memory, len);
	}
	return bench_median(samples, ROUNDS);
}

/* --- Two processes that wake each other. --- */

struct pair {
	int to_other[2], to_us[2];
};

static void
there_and_back(void *context) {
	const struct pair *pair = context;
	char byte = 0;
	if (write(pair->to_other[1], &byte, 1) != 1 || read(pair->to_us[0], &byte, 1) != 1)
		give_up("pipe");
}

static double
wake_us(void) {
	struct pair pair;
	if (pipe2(pair.to_other, O_CLOEXEC) != 0 || pipe2(pair.to_us, O_CLOEXEC) != 0)
		give_up("pipe");
	pid_t other = fork();
	if (other < 0)
		give_up("fork");
	if (other == 0) {
		char byte;
		close(pair.to_other[1]);
		while (read(pair.to_other[0], &byte, 1) == 1)
			if (write(pair.to_us[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	double ns = bench_median_ns(there_and_back, &pair, 2'000, ROUNDS);
	close(pair.to_other[1]);
	waitpid(other, nullptr, 0);
	return ns / 2 / 1000;
}

/* --- A word of memory that no cache has. --- */

static uint32_t *order; /* one cycle through all of it */

static void
follow(void *context) {
	uint32_t *at = context;
	*at = order[*at];
}

static double
word_ns(void) {
	constexpr uint32_t WORDS = 16 << 20; /* 64 MiB */
	uint32_t at = 0, random = 1;
	order = malloc(WORDS * sizeof *order);
	if (order == nullptr)
		give_up("malloc");
	for (uint32_t i = 0; i < WORDS; i++)
		order[i] = i;
	for (uint32_t i = WORDS - 1; i > 0; i--) { /* Sattolo: of all orders one that is a single cycle */
		random = random * 1'664'525 + 1'013'904'223;
		uint32_t other = (uint32_t)((uint64_t)random * i >> 32), kept = order[i];
		order[i] = order[other];
		order[other] = kept;
	}
	double ns = bench_median_ns(follow, &at, 200'000, ROUNDS);
	bench_keep(&at);
	free(order);
	return ns;
}

int
main(void) {
	const struct bench_row rows[] = {
		{.name = "machine.page_fault_ns",
		 .unit = "ns",
		 .value = page_fault_ns(),
		 .detail = "first touch of a page"},
		{.name = "machine.system_call_ns",
		 .unit = "ns",
		 .value = bench_median_ns(call, nullptr, 100'000, ROUNDS)},
		{.name = "machine.wake_us",
		 .unit = "us",
		 .value = wake_us(),
		 .detail = "another process, through a pipe"},
		{.name = "machine.word_ns", .unit = "ns", .value = word_ns(), .detail = "at random out of 64 MiB"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		bench_row(&rows[i]);
	return 0;
}
