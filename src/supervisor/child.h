/*
 * What every process does that the supervisor starts, other than its own work: it begins without the terminal's signals, takes
 * messages from the control socket (base/ipc_control.h), and says at its end what was wrong and whether trying again helps.
 *
 * Owner: descriptors of a message that its taker leaves in it are closed. Threads: one.
 */
#ifndef GATEHOUSE_SUPERVISOR_CHILD_H
#define GATEHOUSE_SUPERVISOR_CHILD_H

#include "base/ipc_control.h"
#include "supervisor/config.h"
#include "supervisor/confine.h"

struct child {
	const char *name; /* in the log */
	int control;
	bool started, stopping; /* what the supervisor has said */
	/* Called with configuration, passphrase and channels; what it keeps of them it sets to −1. */
	enum status (*take)(void *context, struct ipc_control_message *message);
	void *context;
};

void child_begin(const struct child *child);
/* Waits for one message and takes it. */
enum status child_take_control(struct child *child);
/* A configuration that was handed over: its text, and what it says. */
enum status child_read_config(int descriptor, struct buffer *text);
enum status child_parse_config(int descriptor, struct config *config);
enum status child_ready(const struct child *child, const struct confinement *confinement);
/* Tells log and supervisor where status is not OK. Returns the exit status. */
int child_end(const struct child *child, enum status status, enum ipc_failed failure);

#endif
