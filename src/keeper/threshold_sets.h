/*
 * For which sets of signers presignatures are prepared: those that a keeper takes first when it is asked to sign (threshold_choosing.c), for each
 * keeper that may be asked, up to a bound. With many holders there are more sets than anybody could prepare for: of 8 of 16 each keeper has 6,435.
 *
 * A set is bits over the holders' positions. Pure: no I/O, no state. Threads: any.
 */
#ifndef GATEHOUSE_KEEPER_THRESHOLD_SETS_H
#define GATEHOUSE_KEEPER_THRESHOLD_SETS_H

#include "keys/threshold/session.h"

constexpr size_t SIGNER_SETS_MAX = 32;    /* of one key, that one keeper begins preparations for */
constexpr size_t SIGNER_STEPS_MAX = 1024; /* sets that are looked at to find them */

struct signer_question {
	size_t holders, self;       /* the position of whoever prepares: the first of its sets */
	size_t needed;              /* signers, two at least */
	uint32_t usable;            /* who can sign with the first, which is among them */
	uint32_t lost[PARTIES_MAX]; /* by position: with whom that one can sign no more */
	const uint32_t *failed;
	size_t failed_count; /* sets that failed, the last one last */
};

struct signer_sets {
	uint32_t sets[SIGNER_SETS_MAX]; /* the most likely first */
	size_t count;
	size_t steps; /* it took */
};

/* Those that failed come after the others. */
void signer_sets_find(const struct signer_question *question, struct signer_sets *found);

#endif
