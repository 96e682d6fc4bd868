/*
 * What a benchmark (src/<module>/<noun>_bench.c) is written with: clocks, medians, and rows.
 *
 * A benchmark is a program that prints one JSON line per row on standard output and nothing else there; `make bench`
 * (scripts/bench) runs them all, adds bars from bench/bars.json, prints the table and writes build/bench.json. A row
 * names the baseline that it is compared with, measured in the same run; null where there is none. Row names begin with
 * their module: "ledger.appends_per_s". `make bench ONLY=ledger` runs the benchmarks of src/ledger/ alone.
 *
 *     int main(void) {
 *         double ours = bench_median_ns(hash_once, &state, 1000, 9), theirs = ...;
 *         bench_row(&(struct bench_row){.name = "ledger.leaf_hash_ns", .unit = "ns", .value = ours,
 *                                       .baseline = "SHA-256 of the same bytes", .baseline_value = theirs});
 *     }
 *
 * Threads: one. Errors: a number that is not finite ends the benchmark with status 1.
 */
#ifndef GATEHOUSE_BENCH_BENCH_H
#define GATEHOUSE_BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench_row {
	const char *name;
	const char *unit; /* "us", "s", "1/s", "MiB" */
	double value;
	const char *baseline;  /* what it is; null: none */
	double baseline_value; /* in the same unit */
	const char *cpu_path;  /* the implementation that ran; null: bench_cpu_path() */
	const char *detail;    /* printed below the row: batch sizes, a breakdown; null: none */
};

static inline int64_t
bench_clock_ns(clockid_t clock) {
	struct timespec now;
	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

static inline int64_t
bench_now_ns(void) {
	return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Processor time of the whole process, all threads, user and system. */
static inline int64_t
bench_cpu_ns(void) {
	return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int64_t
bench_thread_cpu_ns(void) {
	return bench_clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline int
bench_compare(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Sorts samples. quantile: 0.5 is the median, 0.99 the 99th percentile (nearest rank). count > 0. */
static inline double
bench_quantile(double *samples, size_t count, double quantile) {
	qsort(samples, count, sizeof *samples, bench_compare);
	double exact = quantile * (double)count;
	size_t rank = (size_t)exact; /* the nearest rank: rounded up, counted from one */
	rank += (double)rank < exact ? 1 : 0;
	return samples[rank == 0 ? 0 : rank > count ? count - 1 : rank - 1];
}

static inline double
bench_median(double *samples, size_t count) {
	return bench_quantile(samples, count, 0.5);
}

constexpr size_t BENCH_ROUNDS_MAX = 101;

/* Nanoseconds of one call of work(context) by that clock: the median over rounds of iterations calls, after one unmeasured round. */
static inline double
bench_median_by(clockid_t clock, void (*work)(void *context), void *context, size_t iterations, size_t rounds) {
	double samples[BENCH_ROUNDS_MAX];
	rounds = rounds > BENCH_ROUNDS_MAX ? BENCH_ROUNDS_MAX : rounds;
	for (size_t round = 0; round <= rounds; round++) {
		int64_t start = bench_clock_ns(clock);
		for (size_t i = 0; i < iterations; i++)
			work(context);
		if (round > 0)
			samples[round - 1] = (double)(bench_clock_ns(clock) - start) / (double)iterations;
	}
	return bench_median(samples, rounds);
}

static inline double
bench_median_ns(void (*work)(void *context), void *context, size_t iterations, size_t rounds) {
	return bench_median_by(CLOCK_MONOTONIC, work, context, iterations, rounds);
}

/* The same in processor time of the thread, for what is compared with processor time. */
static inline double
bench_median_cpu_ns(void (*work)(void *context), void *context, size_t iterations, size_t rounds) {
	return bench_median_by(CLOCK_THREAD_CPUTIME_ID, work, context, iterations, rounds);
}

/* Keeps the compiler from computing or dropping what is measured. */
static inline void
bench_keep(const void *result) {
	__asm__ volatile("" : : "r"(result) : "memory");
}

/* The instruction sets of this processor that the libraries below choose their code by. */
static inline const char *
bench_cpu_path(void) {
#if defined(__x86_64__)
	static char path[64];
	static const char *const none = "x86-64";
	__builtin_cpu_init();
	snprintf(path, sizeof path, "%s%s%s%s", __builtin_cpu_supports("aes") ? " aes" : "",
		 __builtin_cpu_supports("avx2") ? " avx2" : "", __builtin_cpu_supports("avx512f") ? " avx512" : "",
		 __builtin_cpu_supports("bmi2") ? " bmi2" : "");
	return path[0] == '\0' ? none : path + 1;
#elif defined(__aarch64__)
	return "aarch64";
#else
	return "generic";
#endif
}

static inline void
bench_print_text(const char *name, const char *text) {
	printf(",\"%s\":", name);
	if (text == nullptr) {
		fputs("null", stdout);
		return;
	}
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c < 0x20 || *c == '"' || *c == '\\')
			printf("\\u%04x", *c);
		else
			putchar(*c);
	putchar('"');
}

static inline void
bench_row(const struct bench_row *row) {
	if (!__builtin_isfinite(row->value) || !__builtin_isfinite(row->baseline_value)) {
		fprintf(stderr, "%s: not a finite number\n", row->name);
		exit(1);
	}
	printf("{\"value\":%.9g", row->value);
	bench_print_text("name", row->name);
	bench_print_text("unit", row->unit);
	bench_print_text("baseline", row->baseline);
	if (row->baseline != nullptr)
		printf(",\"baseline_value\":%.9g", row->baseline_value);
	bench_print_text("cpu_path", row->cpu_path == nullptr ? bench_cpu_path() : row->cpu_path);
	bench_print_text("detail", row->detail);
	puts("}");
	fflush(stdout);
}

#endif
