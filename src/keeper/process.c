#include "keeper/process.h"

#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ipc_control.h"
#include "base/log.h"
#include "keeper/keeper.h"
#include "ledger/tlog_policy.h"
#include "supervisor/config.h"
#include "supervisor/confine.h"

constexpr size_t PASSPHRASE_MAX = 1024;
constexpr unsigned POOL_THREADS = 1; /* beside the deciding one */

struct keeper_process {
	int control;
	int channel; /* the newest that was handed over, not served yet; −1: none */
	int fetch;   /* the same, of the channel to fetch */
	bool started, stopping;
	struct config config;
	struct secret passphrase;
	struct confinement confinement;
	struct installation installation;
	struct keeper *keeper;
};

static enum status
read_config(struct keeper_process *process, int descriptor) {
	_cleanup_(buffer_free) struct buffer text = {};
	size_t got;
	if (!buffer_reserve(&text, CONFIG_SIZE_MAX))
		return buffer_status(&text);
	TRY(io_read_at(io_system(), descriptor, 0, text.data, CONFIG_SIZE_MAX, &got));
	if (process->keeper == nullptr) {
		config_free(&process->config);
		return config_parse(bytes_of(text.data, got), &process->config);
	}
	/* A reload is for other processes: what the keeper runs on, and borrows from, stays; the log says that it happened. */
	struct hash256 hash = sha256(bytes_of(text.data, got));
	log_info("the configuration was read anew; what the keeper runs on stays until the next start");
	if (keeper_record_configuration(process->keeper, &hash) != OK)
		log_error("a reloaded configuration could not be recorded: %s", fail_message());
	return OK;
}

static void
take_channel(struct keeper_process *process, enum ipc_role peer, int *descriptor) {
	int *channel = peer == IPC_ROLE_GATEWAY ? &process->channel
		       : peer == IPC_ROLE_FETCH ? &process->fetch
						: nullptr;
	if (channel == nullptr)
		return; /* of a role that a keeper does not know: closed with the message */
	if (*channel >= 0)
		close(*channel);
	*channel = *descriptor;
	*descriptor = -1;
}

static enum status
connect_fetch(struct keeper_process *process) {
	int descriptor = process->fetch;
	process->fetch = -1;
	return descriptor < 0 || process->keeper == nullptr ? OK : keeper_connect_fetch(process->keeper, descriptor);
}

static enum status
take_control(struct keeper_process *process) {
	struct ipc_control_message message;
	TRY(ipc_control_receive(process->control, &message));
	enum status status = OK;
	switch (message.type) {
	case IPC_CONTROL_CONFIG:
		status = read_config(process, message.descriptors[0]);
		break;
	case IPC_CONTROL_PASSPHRASE:
		secret_free(&process->passphrase);
		status = secret_read_descriptor(&process->passphrase, message.descriptors[0], PASSPHRASE_MAX);
		break;
	case IPC_CONTROL_CHANNEL:
		take_channel(process, message.peer, &message.descriptors[0]);
		break;
	case IPC_CONTROL_START:
		process->started = true;
		break;
	case IPC_CONTROL_LOG_LEVEL:
		log_set_level((enum log_level)message.value);
		break;
	case IPC_CONTROL_STOP:
		process->stopping = true;
		break;
	default: /* what is not for a keeper */
		break;
	}
	ipc_control_close_descriptors(&message);
	return status;
}

static enum status
handle_control(void *context, bool *stop) {
	struct keeper_process *process = context;
	TRY(take_control(process));
	TRY(connect_fetch(process));
	*stop = process->stopping || process->channel >= 0;
	return OK;
}

static enum status
hash_program(struct hash256 *hash) {
	_cleanup_(sha256_stream_destroy) struct sha256_stream *stream = nullptr;
	static uint8_t block[64 * 1024];
	const struct io *io = io_system();
	int file;
	size_t got = 0;
	TRY(sha256_stream_create(&stream));
	TRY(io_open(io, "/proc/self/exe", IO_READ, &file));
	enum status status = OK;
	for (uint64_t offset = 0; status == OK && (offset == 0 || got > 0); offset += got) {
		status = io_read_at(io, file, offset, block, sizeof block, &got);
		if (status == OK)
			sha256_stream_add(stream, bytes_of(block, got));
	}
	IGNORE_STATUS(io_close(io, file)); /* read only */
	*hash = sha256_stream_finish(stream);
	return status;
}

static enum root_key_source
source_of(const struct config *config) {
	switch (config->root_key.kind) {
	case CONFIG_ROOT_KEY_CREDENTIAL:
		return ROOT_KEY_CREDENTIAL;
	case CONFIG_ROOT_KEY_FILE:
		return ROOT_KEY_FILE;
	default:
		return ROOT_KEY_PASSPHRASE;
	}
}

static enum rollback_guard
guard_of(const struct config *config) {
	switch (config->rollback_guard.kind) {
	case CONFIG_GUARD_PATH:
		return ROLLBACK_PATH;
	case CONFIG_GUARD_WITNESS:
		return ROLLBACK_WITNESS;
	default:
		return ROLLBACK_NONE;
	}
}

static enum status
open_keeper(struct keeper_process *process) {
	const struct config *config = &process->config;
	struct keeper_config keeper = {.io = io_system(),
				       .authorities = config->authorities,
				       .authority_count = config->authority_count,
				       .guard = guard_of(config),
				       .configuration = sha256(config->source),
				       .pool_threads = POOL_THREADS,
				       .credits = config->limits.outstanding,
				       .urgent_credits = config->limits.outstanding_urgent,
				       .requests_per_principal_per_s = config->limits.requests_per_principal_per_s,
				       .reads_per_principal_per_s = config->limits.reads_per_principal_per_s};
	char mark[4096];
	if (config->rollback_guard.kind == CONFIG_GUARD_PATH) {
		snprintf(mark, sizeof mark, "%s/high-water", config->rollback_guard.path);
		keeper.guard_path = mark;
	}
	/* Wherever it lies: afterwards there is nothing but the data directory. */
	_cleanup_(buffer_free) struct buffer policy = {};
	if (config->rollback_guard.kind == CONFIG_GUARD_WITNESS)
		TRY(io_read_file(io_system(), config->rollback_guard.witness_policy, TLOG_POLICY_SIZE_MAX, &policy));
	keeper.witness_policy = buffer_bytes(&policy);
	keeper.witnesses = config->rollback_guard.witness_count;
	TRY(hash_program(&keeper.binary));
	/* Before anything starts a thread: what confines is bound to threads. */
	struct confine_request confine = {.role = IPC_ROLE_KEEPER,
					  .read_write = {config->data_directory, config->rollback_guard.path},
					  .degraded_allowed = config->confinement_degraded};
	TRY(confine_enter(&confine, &process->confinement));
	TRY(installation_open(io_system(), config->data_directory, source_of(config),
			      secret_bytes(&process->passphrase), &process->installation));
	secret_free(&process->passphrase);
	return keeper_open(&keeper, &process->installation, &process->keeper);
}

static enum status
run(struct keeper_process *process) {
	while (!process->started)
		TRY(take_control(process));
	log_start("keeper", process->config.log_level);
	TRY(open_keeper(process));
	TRY(ipc_control_send(process->control, &(struct ipc_control_message){.type = IPC_CONTROL_READY}));
	while (!process->stopping) {
		TRY(connect_fetch(process));
		if (process->channel < 0) {
			TRY(take_control(process));
			continue;
		}
		int channel = process->channel;
		process->channel = -1;
		struct keeper_watch watch = {process->control, handle_control, process};
		TRY(keeper_serve(process->keeper, channel, &watch));
		if (!process->stopping && process->channel < 0)
			TRY(ipc_control_send(process->control,
					     &(struct ipc_control_message){.type = IPC_CONTROL_CHANNEL_LOST,
									   .peer = IPC_ROLE_GATEWAY}));
	}
	return OK;
}

/* What is wrong with data or configuration stays wrong however often it is tried; and a log that a witness knows to be set back
 * must not grow with every try. */
static enum ipc_failed
failure_of(const struct keeper_process *process, enum status status) {
	bool is_wrong = status == STATUS_CORRUPT || status == STATUS_CONFLICT || status == STATUS_UNAUTHORIZED ||
			status == STATUS_UNSUPPORTED || status == STATUS_INVALID || status == STATUS_NOT_FOUND;
	if (process->keeper != nullptr && status == STATUS_CONFLICT)
		return IPC_FAILED_FOR_GOOD;
	return is_wrong ? IPC_FAILED_AT_START : IPC_FAILED_FOR_NOW;
}

int
keeper_main(int control) {
	struct keeper_process process = {.control = control, .channel = -1, .fetch = -1};
	signal(SIGINT, SIG_IGN); /* a terminal sends it to all; the supervisor tells us when to stop */
	signal(SIGPIPE, SIG_IGN);
	log_start("keeper", LOG_LEVEL_INFO);
	enum status status = run(&process);
	if (status != OK) {
		log_error("the keeper ends: %s", fail_message());
		struct ipc_control_message failed = {.type = IPC_CONTROL_FAILED};
		failed.value = failure_of(&process, status);
		snprintf(failed.text, sizeof failed.text, "%s", fail_message());
		IGNORE_STATUS(ipc_control_send(control, &failed)); /* the log has said it */
	}
	keeper_close(&process.keeper);
	installation_close(&process.installation);
	if (process.channel >= 0)
		close(process.channel);
	if (process.fetch >= 0)
		close(process.fetch);
	secret_free(&process.passphrase);
	config_free(&process.config);
	return status == OK ? EXIT_SUCCESS : 4;
}
