/*
 * `gatehouse witness`: a small independent witness with a key and a directory of its own. docs/PROTOCOL.witness.
 *
 *   witness init DIRECTORY NAME                                 makes a key, prints its two witness lines for a policy
 *   witness show DIRECTORY                                      prints them again
 *   witness serve DIRECTORY --logs POLICY --listen ENDPOINT     answers POST /add-checkpoint and GET /<hash>/checkpoint
 *   witness add DIRECTORY --logs POLICY                         a request on standard input, the answer on standard output:
 *                                                               for a witness that no network reaches
 *
 * The policy file's log lines say which logs are known. DIRECTORY holds "key" (0600) and the newest cosigned checkpoint of
 * each log. Each returns the exit code: 0, 1 refused, 2 usage, 3 not reachable (the listener), 4 internal.
 */
#ifndef GATEHOUSE_HELPERS_WITNESS_H
#define GATEHOUSE_HELPERS_WITNESS_H

struct witness_arguments {
	const char *directory;
	const char *name;   /* init */
	const char *logs;   /* serve, add: the policy file */
	const char *listen; /* serve */
	bool degraded_allowed;
	bool json;
};

int witness_init(const struct witness_arguments *arguments);
int witness_show(const struct witness_arguments *arguments);
int witness_serve(const struct witness_arguments *arguments);
int witness_add(const struct witness_arguments *arguments);

#endif
