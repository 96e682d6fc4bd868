/*
 * The supervisor: starts the processes of one installation, hands each what it needs, restarts with back-off what ends,
 * and stops them in order. It holds the root key's passphrase in memory that no other process reads, and has no network
 * of its own to speak on. Design §2.
 *
 *     SIGTERM, SIGINT   the gateway drains, then the keeper ends, then this returns
 *     SIGHUP            certificates, listeners, peers, local bundle and log level are read anew; all of the file is checked first
 */
#ifndef GATEHOUSE_SUPERVISOR_SUPERVISOR_H
#define GATEHOUSE_SUPERVISOR_SUPERVISOR_H

#include "supervisor/config.h"

/* path: the file that config was read from, for reloads; null: there is none and SIGHUP is refused. Takes config over.
 * Returns the exit status: 0 after a stop that was asked for, 4 otherwise. */
int supervisor_main(struct config *config, const char *path);

#endif
