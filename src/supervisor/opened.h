/*
 * What one configuration needs open, made before anything is swapped: listeners, the certificate and its key, the configuration
 * itself and the keeper's local bundle, as the processes are handed them.
 *
 * Owner: whoever holds the structure closes it. A descriptor that is not there is −1. Errors: those of handover.h;
 * "supervisor.descriptor".
 */
#ifndef GATEHOUSE_SUPERVISOR_OPENED_H
#define GATEHOUSE_SUPERVISOR_OPENED_H

#include "supervisor/config.h"

struct opened {
	int listeners[CONFIG_LISTENERS_MAX];
	size_t listener_count;
	int certificate, key; /* PEM, as handed on */
	int configuration;    /* memory with the configuration's source */
	int local_bundle;     /* memory with the keeper's local bundle */
};

constexpr struct opened OPENED_NOTHING = {.certificate = -1, .key = -1, .configuration = -1, .local_bundle = -1};

/* Listeners that the configuration in force has too are shared with it, and a certificate that was made here. On an error *opened has what was opened until then. */
enum status opened_make(const struct config *config, const struct config *in_force, const struct opened *of_it,
			struct opened *opened);
void opened_close(struct opened *opened);

#endif
