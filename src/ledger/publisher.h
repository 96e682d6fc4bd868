/*
 * The publisher: brings what readers use up to the durable head, off the path and at most once a second: tiles, the
 * checkpoint file, state.db, the high-water mark.
 *
 * Each target is one row: what it does with every entry and what it does at a head. Targets run in the order of the table,
 * on the publisher's thread. A row that follows another (the checkpoint its tiles) waits while that one fails. A target
 * that fails is tried again a second later from where it was; the path does not wait for it and /healthz shows it. What is
 * far behind is brought up in pieces, each ending at a head.
 *
 * Owner: the caller. Threads: start and stop by one thread; publisher_run() by that thread when no thread was started.
 */
#ifndef GATEHOUSE_LEDGER_PUBLISHER_H
#define GATEHOUSE_LEDGER_PUBLISHER_H

#include "ledger/log.h"

struct publish_target {
	const char *name;
	const char *follows; /* the name of a row above: this one runs only where that one succeeded; may be null */
	void *context;
	/* How many entries it has already; entries from there on are given. */
	uint64_t (*applied)(void *context);
	enum status (*begin)(void *context);                                     /* may be null */
	enum status (*apply)(void *context, const struct ledger_record *record); /* null: only the head matters */
	/* At the head of the last entry that was given, or at the durable head where only that matters. */
	enum status (*finish)(void *context, const struct ledger_head *head);
};

struct publisher;

struct publisher_config {
	struct ledger *ledger;
	const struct publish_target *targets; /* must outlive the publisher */
	size_t target_count;
	bool is_manual; /* no thread: publisher_run() */
};

enum status publisher_start(const struct publisher_config *config, struct publisher **publisher);
/* Publishes what is durable once more and ends. */
void publisher_stop(struct publisher **publisher); /* a cleanup function */
/* One round over all targets; the first failure is returned after all were tried. */
enum status publisher_run(struct publisher *publisher);

constexpr size_t PUBLISHER_TARGETS_MAX = 16;

struct publisher_health {
	const char *failing; /* name of the first failing target of the last round, or null */
	char message[256];
	uint64_t published; /* size of the head that all targets have */
};
void publisher_health(struct publisher *publisher, struct publisher_health *health);

/* Durable head to <path>, atomically: context is a struct checkpoint_target. */
struct checkpoint_target {
	const struct io *io;
	const char *path;
	const struct head_keys *keys;
	uint64_t published;
};
uint64_t checkpoint_target_applied(void *context);
enum status checkpoint_target_finish(void *context, const struct ledger_head *head);
/* What was published last, for a pin of ledger_open(): *is_set is false where there is none. */
enum status checkpoint_target_read(const struct checkpoint_target *target, struct mark *mark, bool *is_set);

#endif
