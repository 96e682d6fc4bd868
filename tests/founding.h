/*
 * Founds the firm of tests/firm.h on disk: what tests and benchmarks of the keeper start from. Installation, log, genesis entry
 * and first high-water mark, as `gatehouse init` makes them.
 */
#ifndef GATEHOUSE_TESTS_FOUNDING_H
#define GATEHOUSE_TESTS_FOUNDING_H

#include "keys/root_key.h"
#include "store/high_water.h"
#include "tests/firm.h"

struct founding {
	const struct io *io; /* null: the system's */
	const char *instance;
	const char *keeper; /* null: "k1" */
	const char *data;   /* directory to be made */
	enum root_key_source source;
	struct bytes given; /* passphrase or digits */
	enum rollback_guard guard;
	const char *mark;      /* ROLLBACK_PATH: file */
	uint64_t segment_size; /* 0: the default, and a log with threads */
};

enum status found_installation(struct firm *firm, const struct founding *founding);

#endif
