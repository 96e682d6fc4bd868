/*
 * Submitting an operation: its document is built and signed here, sent, and the answer shown.
 *
 * The same for every command that asks for something: `op submit` with any kind, and the nouns, which build the payload of one.
 */
#ifndef GATEHOUSE_CLI_SUBMIT_H
#define GATEHOUSE_CLI_SUBMIT_H

#include "cli/client.h"

struct submit_request {
	const char *kind;
	const char *resource;        /* "key:eth-hot-1" */
	struct bytes payload;        /* canonical JSON */
	struct bytes personal;       /* canonical JSON of values that the payload commits to; empty: none */
	struct bytes secret;         /* canonical JSON of what must not be recorded; empty: none */
	const char *idempotency_key; /* where no option gives one; null: a random one */
};

/* Options: --reason, --reference, --idempotency-key, --expires. Protective kinds go to their own queue. Sets the exit code. */
enum status submit_operation(struct invocation *invocation, const struct submit_request *request);

/* Shows the answer about an operation, its receipt only with --json, and sets the exit code. */
enum status submit_show_answer(struct invocation *invocation, const struct connection_answer *answer);

/* "30s", "5m", "24h", "7d": "usage.duration". */
enum status duration_parse(const char *text, int64_t *duration_ms);

#endif
