#include "supervisor/opened.h"

#include <fcntl.h>
#include <unistd.h>

#include "supervisor/handover.h"

static enum status
share(int descriptor, int *shared) {
	*shared = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	return *shared >= 0 ? OK : fail_errno(STATUS_IO, "supervisor.descriptor");
}

static enum status
share_listener(const struct config *in_force, const struct opened *of_it, const struct config_listener *wanted,
	       int *descriptor) {
	for (size_t i = 0; i < of_it->listener_count; i++)
		if (in_force->listeners[i].port == wanted->port &&
		    strcmp(in_force->listeners[i].address, wanted->address) == 0)
			return share(of_it->listeners[i], descriptor);
	return handover_listen(wanted, descriptor);
}

/* A pair that was made here stays as long as the supervisor runs: clients pin it. Its names cannot change (config_check_reload). */
static enum status
open_tls(const struct config *config, const struct config *in_force, const struct opened *of_it,
	 struct opened *opened) {
	bool is_made = config->tls.certificate == nullptr && in_force->tls.certificate == nullptr;
	if (!is_made || of_it->certificate < 0)
		return handover_tls(config, &opened->certificate, &opened->key);
	TRY(share(of_it->certificate, &opened->certificate));
	return share(of_it->key, &opened->key);
}

enum status
opened_make(const struct config *config, const struct config *in_force, const struct opened *of_it,
	    struct opened *opened) {
	*opened = OPENED_NOTHING;
	for (size_t i = 0; i < config->listener_count; i++) {
		TRY(share_listener(in_force, of_it, &config->listeners[i], &opened->listeners[i]));
		opened->listener_count++;
	}
	TRY(open_tls(config, in_force, of_it, opened));
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
