/*
 * A client of one installation for the command line: one connection (cli/connection.h) that is kept, every request signed.
 *
 * Reads are signed by HTTP Message Signatures, by persons as well (docs/PROTOCOL.request-signature). What a workload posts is signed
 * so too; a person's operations and votes carry the person's signature in their body.
 *
 * Owner: answers live in the given arena. Threads: one. Errors: those of connections, key files and profiles.
 */
#ifndef GATEHOUSE_CLI_CLIENT_H
#define GATEHOUSE_CLI_CLIENT_H

#include "cli/connection.h"
#include "cli/key_file.h"
#include "cli/profile.h"

struct client;

/* Reads the profile and its key file; connects at the first request. A key is needed unless may_lack_key. */
enum status client_create(struct invocation *invocation, bool may_lack_key, struct client **client);
void client_destroy(struct client **client); /* a cleanup function */
const struct profile *client_profile(const struct client *client);
const struct key_file *client_key(const struct client *client);

/* target: path and query. */
enum status client_get(struct client *client, struct arena *arena, const char *target,
		       struct connection_answer *answer);
/* body: canonical JSON. */
enum status client_post(struct client *client, struct arena *arena, const char *target, struct bytes body,
			struct bytes idempotency_key, struct connection_answer *answer);

/* The program's exit code for an answer's status. */
int client_exit_code(unsigned status);
/* Says on standard error what a problem document says. */
void client_say_problem(struct arena *arena, const struct connection_answer *answer);

#endif
