#include "supervisor/opened.h"

#include <fcntl.h>
#include <unistd.h>

#include "supervisor/handover.h"

static enum status
share_listener(const struct config *in_force, const struct opened *of_it, const struct config_listener *wanted,
	       int *descriptor) {
	for (size_t i = 0; i < of_it->listener_count; i++)
		if (in_force->listeners[i].port == wanted->port &&
		    strcmp(in_force->listeners[i].address, wanted->address) == 0) {
			*descriptor = fcntl(of_it->listeners[i], F_DUPFD_CLOEXEC, 0);
			return *descriptor >= 0 ? OK : fail_errno(STATUS_IO, "supervisor.listener");
		}
	return handover_listen(wanted, descriptor);
}

enum status
opened_make(const struct config *config, const struct config *in_force, const struct opened *of_it,
	    struct opened *opened) {
	*opened = OPENED_NOTHING;
	for (size_t i = 0; i < config->listener_count; i++) {
		TRY(share_listener(in_force, of_it, &config->listeners[i], &opened->listeners[i]));
		opened->listener_count++;
	}
	TRY(handover_tls(config, &opened->certificate, &opened->key));
	TRY(handover_local_bundle(config, &opened->local_bundle));
	return handover_memory("gatehouse-configuration", config->source, &opened->configuration);
}

static void
close_one(int descriptor) {
	if (descriptor >= 0)
		close(descriptor);
}

void
opened_close(struct opened *opened) {
	for (size_t i = 0; i < opened->listener_count; i++)
		close_one(opened->listeners[i]);
	close_one(opened->certificate);
	close_one(opened->key);
	close_one(opened->configuration);
	close_one(opened->local_bundle);
	*opened = OPENED_NOTHING;
}
