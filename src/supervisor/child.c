#include "supervisor/child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/log.h"

constexpr int EXIT_INTERNAL = 4;

void
child_begin(const struct child *child) {
	signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the supervisor tells us when to stop */
	signal(SIGPIPE, SIG_IGN);
	log_start(child->name, LOG_LEVEL_INFO);
}

enum status
child_take_control(struct child *child) {
	struct ipc_control_message message;
	TRY(ipc_control_receive(child->control, &message));
	enum status status = OK;
	switch (message.type) {
	case IPC_CONTROL_START:
		child->started = true;
		break;
	case IPC_CONTROL_STOP:
		child->stopping = true;
		break;
	case IPC_CONTROL_LOG_LEVEL:
		log_set_level((enum log_level)message.value);
		break;
	default:
		status = child->take(child->context, &message);
		break;
	}
	ipc_control_close_descriptors(&message);
	return status;
}

enum status
child_read_config(int descriptor, struct buffer *text) {
	if (!buffer_reserve(text, CONFIG_SIZE_MAX))
		return buffer_status(text);
	return io_read_at(io_system(), descriptor, 0, text->data, CONFIG_SIZE_MAX, &text->len);
}

enum status
child_parse_config(int descriptor, struct config *config) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(child_read_config(descriptor, &text));
	config_free(config);
	return config_parse(buffer_bytes(&text), config);
}

enum status
child_ready(const struct child *child, const struct confinement *confinement) {
	struct ipc_control_message ready = {.type = IPC_CONTROL_READY};
	TRY(confine_describe(confinement, &ready));
	return ipc_control_send(child->control, &ready);
}

int
child_end(const struct child *child, enum status status, enum ipc_failed failure) {
	if (status == OK)
		return EXIT_SUCCESS;
	log_error("%s ends: %s", child->name, fail_message());
	struct ipc_control_message failed = {.type = IPC_CONTROL_FAILED};
	failed.value = failure;
	snprintf(failed.text, sizeof failed.text, "%s", fail_message());
	IGNORE_STATUS(ipc_control_send(child->control, &failed)); /* the log has said it */
	return EXIT_INTERNAL;
}
