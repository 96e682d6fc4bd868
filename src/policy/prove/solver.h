/*
 * The solver: asks libz3 whether terms can all hold, and reads off what they are when they do.
 *
 * A solver is made once and lent to one table of terms after another (solver_begin, solver_end). What is asked for is put
 * behind switches, so that a question names those that it wants on and a refusal names those that it needed. An axiom of a term
 * (prove/term.h) is asserted when the first question speaks of that term.
 * Work is bounded by effort, a count of libz3's own that does not depend on the machine: the same question has the same answer
 * everywhere.
 *
 * Threads: one. Errors: STATUS_UNAVAILABLE "prove.library"; STATUS_INTERNAL "prove.solver" where libz3 refuses what it is given.
 */
#ifndef GATEHOUSE_POLICY_PROVE_SOLVER_H
#define GATEHOUSE_POLICY_PROVE_SOLVER_H

#include "policy/prove/term.h"

struct solver;

enum solver_answer { SOLVER_IMPOSSIBLE, SOLVER_POSSIBLE, SOLVER_UNKNOWN };

/* memory_mib: what libz3 may allocate in this process. */
enum status solver_create(uint32_t memory_mib, struct solver **solver);
void solver_destroy(struct solver **solver); /* a cleanup function */
/* libz3's version, static. */
const char *solver_version(void);

enum status solver_begin(struct solver *solver, struct term_table *terms);
void solver_end(struct solver *solver);

/* Holds in all that is asked from now on. */
enum status solver_learn(struct solver *solver, const struct term *term);
/* A truth value holds wherever its switch is on. */
enum status solver_add(struct solver *solver, const struct term *term, uint32_t *number);
/* needed: the switches that made it impossible, at most as many as were given; may be null. */
enum status solver_ask(struct solver *solver, const uint32_t *switches, size_t count, uint32_t effort,
		       enum solver_answer *answer, uint32_t *needed, size_t *needed_count);
/* Why the last answer was unknown; valid until the next question. */
const char *solver_reason(const struct solver *solver);

/* After SOLVER_POSSIBLE: what the term is; fallback where no question spoke of it. */
uint64_t solver_value(struct solver *solver, const struct term *term, uint64_t fallback);
/* Did any question speak of it? */
bool solver_knows(const struct solver *solver, const struct term *term);

/* What has been added, as SMT-LIB text, for other solvers; valid until the next call. */
const char *solver_text(struct solver *solver);

/* Of a switch, there. */
const char *solver_switch_name(struct solver *solver, uint32_t number);

#endif
