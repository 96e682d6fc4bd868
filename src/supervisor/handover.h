/*
 * What the supervisor prepares for the processes: listening sockets, the configuration in sealed memory, the
 * certificate and its key, the passphrase. The supervisor opens and hands on; it accepts no connection and parses
 * nothing that comes from one.
 */
#ifndef GATEHOUSE_SUPERVISOR_HANDOVER_H
#define GATEHOUSE_SUPERVISOR_HANDOVER_H

#include "base/secret.h"
#include "supervisor/config.h"

/* A listening socket: bound, not yet accepting. STATUS_IO "handover.listen". */
enum status handover_listen(const struct config_listener *listener, int *descriptor);

/* A sealed memfd with these bytes. */
enum status handover_memory(const char *name, struct bytes content, int *descriptor);

/* Certificate and key in sealed memory: what the configured files hold, which must belong together (supervisor/tls_pair.h), or a pair
 * that is made here. */
enum status handover_tls(const struct config *config, int *certificate, int *key);

/* The keeper's local bundle in sealed memory; −1: none is configured. Its file must be a regular one that belongs to root or to this
 * process's user and that nobody else can write: STATUS_UNAUTHORIZED "handover.local_bundle". */
enum status handover_local_bundle(const struct config *config, int *descriptor);

/* The passphrase from where the configuration says; a descriptor is closed. A file that others can read is refused
 * (keys/root_key.h). */
enum status handover_read_passphrase(const struct config *config, struct secret *passphrase);
/* The read end of a pipe that holds it. */
enum status handover_passphrase(struct bytes passphrase, int *descriptor);

/* Gives path and all below it to a user, for a data directory that root has made. Links are not followed. */
enum status handover_give_directory(const char *path, uint32_t user);

#endif
