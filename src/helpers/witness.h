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
 * each log. Returns the exit code: 0, 1 refused, 2 usage, 3 not reachable (the listener), 4 internal.
 */
#ifndef GATEHOUSE_HELPERS_WITNESS_H
#define GATEHOUSE_HELPERS_WITNESS_H

/* argv[0] is "witness". */
int witness_main(int argc, char **argv);

#endif
