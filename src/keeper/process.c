#include "keeper/process.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/keeper.h"
#include "keys/root_key.h"
#include "ledger/tlog_policy.h"
#include "supervisor/child.h"
#include "supervisor/confine.h"

constexpr unsigned POOL_THREADS = 1; /* beside the deciding one */

struct keeper_process {
	struct child child;
	int channel; /* the newest that was handed over, not served yet; −1: none */
	int fetch;   /* the same, of the channel to fetch */
	int worker;  /* and to the worker */
	struct config config;
	struct secret passphrase;
	bool has_local_bundle; /* as it was handed over with the newest configuration */
	struct buffer local_bundle;
	int vm_generation; /* −1: none */
	struct confinement confinement;
	struct installation installation;
	struct keeper *keeper;
};

static enum status
take_local_bundle(struct keeper_process *process, int descriptor) {
	struct buffer *text = &process->local_bundle;
	buffer_reset(text);
	if (!buffer_reserve(text, CONFIG_LOCAL_BUNDLE_MAX))
		return buffer_status(text);
	process->has_local_bundle = true;
	return io_read_at(io_system(), descriptor, 0, text->data, CONFIG_LOCAL_BUNDLE_MAX, &text->len);
}

/* What was handed over before the configuration; the next one may come without. */
static enum status
use_local_bundle(struct keeper_process *process) {
	struct bytes file = buffer_bytes(&process->local_bundle);
	bool is_there = process->has_local_bundle;
	process->has_local_bundle = false;
	return keeper_take_local_bundle(process->keeper, is_there ? &file : nullptr);
}

/* A reload is for other processes but for the local bundle: what else the keeper runs on, and borrows from, stays; the log says that
 * it happened. */
static enum status
take_config(struct keeper_process *process, int descriptor) {
	if (process->keeper == nullptr)
		return child_parse_config(descriptor, &process->config);
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(child_read_config(descriptor, &text));
	struct hash256 hash = sha256(buffer_bytes(&text));
	log_info("the configuration was read anew; what the keeper runs on stays until the next start");
	if (keeper_record_configuration(process->keeper, &hash) != OK)
		log_error("a reloaded configuration could not be recorded: %s", fail_message());
	if (use_local_bundle(process) != OK)
		log_error("no local bundle is in force, and with this one no keeper starts: mend or leave it out, and "
			  "reload: %s",
			  fail_message());
	return OK;
}

static void
take_channel(struct keeper_process *process, enum ipc_role peer, int *descriptor) {
	int *channel = peer == IPC_ROLE_GATEWAY  ? &process->channel
		       : peer == IPC_ROLE_FETCH  ? &process->fetch
		       : peer == IPC_ROLE_WORKER ? &process->worker
						 : nullptr;
	if (channel == nullptr)
		return; /* of a role that a keeper does not know: closed with the message */
	if (*channel >= 0)
		close(*channel);
	*channel = *descriptor;
	*descriptor = -1;
}

static enum status
connect_helpers(struct keeper_process *process) {
	int fetch = process->fetch, worker = process->worker;
	if (process->keeper == nullptr)
		return OK;
	process->fetch = process->worker = -1;
	if (worker >= 0)
		TRY(keeper_connect_worker(process->keeper, worker));
	return fetch < 0 ? OK : keeper_connect_fetch(process->keeper, fetch);
}

static void
report_lost_worker(void *context) {
	const struct keeper_process *process = context;
	struct ipc_control_message lost = {.type = IPC_CONTROL_CHANNEL_LOST, .peer = IPC_ROLE_WORKER};
	if (ipc_control_send(process->child.control, &lost) != OK)
		log_error("the supervisor could not be told of a worker that does not answer: %s", fail_message());
}

static enum status
take(void *context, struct ipc_control_message *message) {
	struct keeper_process *process = context;
	switch (message->type) {
	case IPC_CONTROL_CONFIG:
		return take_config(process, message->descriptors[0]);
	case IPC_CONTROL_LOCAL_BUNDLE:
		return take_local_bundle(process, message->descriptors[0]);
	case IPC_CONTROL_PASSPHRASE:
		secret_free(&process->passphrase);
		return secret_read_descriptor(&process->passphrase, message->descriptors[0], ROOT_KEY_GIVEN_MAX);
	case IPC_CONTROL_CHANNEL:
		take_channel(process, message->peer, &message->descriptors[0]);
		return OK;
	default: /* what is not for a keeper */
		return OK;
	}
}

static enum status
handle_control(void *context, bool *stop) {
	struct keeper_process *process = context;
	TRY(child_take_control(&process->child));
	TRY(connect_helpers(process));
	*stop = process->child.stopping || process->channel >= 0;
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
				       .reads_per_principal_per_s = config->limits.reads_per_principal_per_s,
				       .session_limits = {INT64_C(1000) * config->limits.session_overall_s,
							  INT64_C(1000) * config->limits.session_idle_s}};
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
	static_assert(CONFIG_REFRESH_KEYS_MAX <= REFRESH_EXCEPTIONS_MAX);
	keeper.refresh.days = config->refresh.days;
	keeper.refresh.exception_count = config->refresh.key_count;
	for (size_t i = 0; i < config->refresh.key_count; i++)
		keeper.refresh.exceptions[i] =
			(struct refresh_exception){config->refresh.keys[i].key, config->refresh.keys[i].days};
	struct notifier_receiver receivers[CONFIG_NOTIFICATIONS_MAX];
	static_assert(CONFIG_NOTIFICATIONS_MAX <= NOTIFIER_RECEIVERS_MAX);
	for (size_t i = 0; i < config->notification_count; i++)
		receivers[i] = (struct notifier_receiver){.name = config->notifications[i].name,
							  .notices = config->notifications[i].notices,
							  .give_up_ms = config->notifications[i].give_up_ms};
	keeper.receivers = receivers;
	keeper.receiver_count = config->notification_count;
	struct bytes local_bundle = buffer_bytes(&process->local_bundle);
	keeper.local_bundle = process->has_local_bundle ? &local_bundle : nullptr;
	process->has_local_bundle = false;
	TRY(hash_program(&keeper.binary));
	/* It is what the system's administrator lets the keeper read; afterwards no path can be opened. */
	if (config->vm_generation != nullptr)
		TRY(io_open(io_system(), config->vm_generation, IO_READ, &process->vm_generation));
	keeper.vm_generation = (struct vm_generation){config->vm_generation != nullptr, process->vm_generation};
	vm_generation_has_changed(&keeper.vm_generation, io_system()); /* the first look */
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
	while (!process->child.started)
		TRY(child_take_control(&process->child));
	log_start("keeper", process->config.log_level);
	TRY(open_keeper(process));
	keeper_watch_worker(process->keeper, report_lost_worker, process);
	TRY(keeper_join_peers(process->keeper));
	TRY(child_ready(&process->child, &process->confinement));
	while (!process->child.stopping) {
		TRY(connect_helpers(process));
		if (process->channel < 0) {
			TRY(child_take_control(&process->child));
			continue;
		}
		int channel = process->channel;
		process->channel = -1;
		struct keeper_watch watch = {process->child.control, handle_control, process};
		TRY(keeper_serve(process->keeper, channel, &watch));
		if (!process->child.stopping && process->channel < 0)
			TRY(ipc_control_send(process->child.control,
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
	struct keeper_process process = {.vm_generation = -1, .channel = -1, .fetch = -1, .worker = -1};
	process.child = (struct child){.name = "keeper", .control = control, .take = take, .context = &process};
	child_begin(&process.child);
	enum status status = run(&process);
	int exit_status = child_end(&process.child, status, failure_of(&process, status));
	keeper_close(&process.keeper);
	installation_close(&process.installation);
	if (process.channel >= 0)
		close(process.channel);
	if (process.fetch >= 0)
		close(process.fetch);
	if (process.worker >= 0)
		close(process.worker);
	if (process.vm_generation >= 0)
		close(process.vm_generation);
	buffer_free(&process.local_bundle);
	secret_free(&process.passphrase);
	config_free(&process.config);
	return exit_status;
}
