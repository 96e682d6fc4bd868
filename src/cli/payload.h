/*
 * The payload of an operation, as a command writes it from its options: one object, whose members are given in ascending order.
 * Errors: "payload.text", "usage.wait", those of submit_operation.
 */
#ifndef GATEHOUSE_CLI_PAYLOAD_H
#define GATEHOUSE_CLI_PAYLOAD_H

#include "base/json.h"
#include "cli/command.h"

struct payload {
	struct invocation *invocation;
	struct buffer text;
	struct json_writer w;
};

void payload_free(struct payload *payload); /* a cleanup function */
void payload_start(struct payload *payload, struct invocation *invocation);
/* The option's value, where it was given. */
void payload_option(struct payload *payload, const char *member, const char *option);
/* All values of an option that may be given more than once, where it was given. */
void payload_texts(struct payload *payload, const char *member, const char *option);

/* From when a change holds, of --effective-from or --wait. 0: at once. */
enum status payload_read_effective(const struct invocation *invocation, int64_t *effective_ms);
enum status payload_effective(struct payload *payload);

/* Submits it, on "<type>:<id>" (an id alone where the type is empty): of the kind that the command's row names. */
enum status payload_submit(struct payload *payload, const char *type, const char *id, struct bytes secret,
			   const char *idempotency_key);
enum status payload_submit_on(struct payload *payload, const char *type, const char *id);
enum status payload_submit_system(struct payload *payload);

#endif
