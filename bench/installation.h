/*
 * A whole installation for benchmarks: a directory, a supervisor with its children on a free port, and what they cost.
 *
 * The program that measures is also the one that runs: main() hands the supervisor's children on to their roles before it
 * does anything else. Everything that fails ends the program with a message, after stopping what runs and removing the
 * directory. Threads: one.
 */
#ifndef GATEHOUSE_BENCH_INSTALLATION_H
#define GATEHOUSE_BENCH_INSTALLATION_H

#include <sys/types.h>

#include "base/bytes.h"

[[noreturn]] void bench_give_up(const char *what);
void bench_need(enum status status, const char *what);

/* A fresh directory below /tmp that other users may enter; removed by bench_clean_up(). */
void bench_make_directory(void);
/* A path in it; valid until the end. */
const char *bench_path(const char *name);
void bench_write_file(const char *name, struct bytes content);
void bench_clean_up(void);

/* Runs the supervisor's child of that role: gateway and worker as they are, the keeper as given. Returns its exit status. */
int bench_run_process(const char *role, int (*keeper)(int control));
uint16_t bench_free_port(void);
/* Starts a supervisor with this configuration; as root, what the keeper shall own is given to its user. owned ends in null. */
pid_t bench_start(const char *configuration, const char *const *owned);
void bench_stop(pid_t supervisor);
/* Returns when the port accepts connections. */
void bench_wait_for_port(uint16_t port);

/* The supervisor's child of that role, "gateway". */
pid_t bench_process(pid_t supervisor, const char *role);
/* Processor time since each began, and memory now: of one process, or of the supervisor and all its children. */
double bench_process_cpu_us(pid_t process);
double bench_all_cpu_us(pid_t supervisor);
double bench_all_pss_mib(pid_t supervisor);

#endif
