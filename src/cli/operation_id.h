/*
 * The id of an operation as a person gives it: all 64 hexadecimal digits, or the first of them, eight at least, as long as one
 * operation alone begins so. What a beginning stands for the installation's listing says, which follows the log within a second: where
 * it has none it is asked again for two. Whoever votes is shown the whole operation all the same.
 *
 * Errors: usage.id, operation.unknown, operation.ambiguous. Threads: one.
 */
#ifndef GATEHOUSE_CLI_OPERATION_ID_H
#define GATEHOUSE_CLI_OPERATION_ID_H

#include "cli/client.h"

constexpr size_t OPERATION_ID_DIGITS = 64;
constexpr size_t OPERATION_ID_DIGITS_MIN = 8; /* of a beginning */

/* Whether it has the form of either. */
enum status operation_id_check(const char *given);
static inline bool
operation_id_is_whole(const char *given) {
	return strlen(given) == OPERATION_ID_DIGITS;
}

/* The whole id, in the invocation's arena. Null where the installation lists nothing: *answer is its problem. */
enum status operation_id_find(struct invocation *invocation, struct client *client, const char *given, const char **id,
			      struct connection_answer *answer);

#endif
