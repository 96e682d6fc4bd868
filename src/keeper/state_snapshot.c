#include "keeper/state_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"
#include "gate/snapshot.h"

static const char KEY_LABEL[] = "gatehouse/snapshot/v1";
constexpr uint64_t REPLAYED_ENTRIES = 4096; /* more than these at a start, some 0.2 s: a snapshot follows */
constexpr uint64_t NEW_ENTRIES = 65'536;    /* what a running log gets before the next, some 3 s of a start */
constexpr int64_t PAUSE_S = 600;            /* between two of them */

struct state_snapshots {
	struct keeper *keeper;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t stop;
	bool is_stopping, has_thread;
	pthread_t thread;
	uint64_t size; /* of the last */
};

enum status
state_snapshot_key(struct keeper *keeper) {
	TRY(secret_alloc(&keeper->snapshot_key, 32));
	return root_key_derive(keeper->installation->root, KEY_LABEL, keeper->snapshot_key.data);
}

static uint64_t
durable_size(const struct keeper *keeper) {
	struct ledger_head head;
	ledger_durable_head(keeper->ledger, &head);
	return head.head.size;
}

static uint64_t
threshold(const struct keeper *keeper, uint64_t usual) {
	return keeper->config.snapshot_entries != 0 ? keeper->config.snapshot_entries : usual;
}

enum status
state_snapshot_after_start(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer state = {};
	uint64_t replayed = durable_size(keeper) - ledger_restored_size(keeper->ledger);
	if (replayed < threshold(keeper, REPLAYED_ENTRIES))
		return OK;
	TRY(gate_snapshot_write(keeper->gate, &state));
	if (ledger_snapshot(keeper->ledger, keeper->snapshot_path, secret_bytes(&keeper->snapshot_key),
			    buffer_bytes(&state)) != OK)
		log_warning("no snapshot: the next start replays as much: %s", fail_message());
	return OK;
}

/* --- Beside the running log. --- */

struct making {
	struct keeper *keeper;
	struct gate *gate; /* that follows the log and signs nothing */
};

static void
making_end(struct making *making) {
	gate_destroy(&making->gate);
}

static enum status
restore(void *context, struct bytes decision_state) {
	struct making *making = context;
	enum status status = gate_snapshot_read(making->gate, decision_state);
	if (status != STATUS_CORRUPT && status != STATUS_UNSUPPORTED)
		return status;
	gate_destroy(&making->gate);
	TRY(keeper_make_gate(making->keeper, false, &making->gate));
	return fail(status, "state.snapshot: the earlier snapshot cannot be read");
}

static bool
is_stopping(struct state_snapshots *snapshots) {
	if (snapshots == nullptr)
		return false;
	pthread_mutex_lock(&snapshots->mutex);
	bool stopping = snapshots->is_stopping;
	pthread_mutex_unlock(&snapshots->mutex);
	return stopping;
}

static enum status
replay(void *context, const struct ledger_record *record) {
	struct making *making = context;
	if (is_stopping(making->keeper->snapshots))
		return fail(STATUS_UNAVAILABLE, "state.stopping: the keeper ends");
	return gate_restore_entry(making->gate, record->index, record->leaf);
}

static enum status
write(void *context, struct buffer *decision_state) {
	return gate_snapshot_write(((struct making *)context)->gate, decision_state);
}

enum status
keeper_snapshot(struct keeper *keeper) {
	_cleanup_(making_end) struct making making = {.keeper = keeper};
	TRY(keeper_make_gate(keeper, false, &making.gate));
	struct ledger_renewal renewal = {.snapshot_path = keeper->snapshot_path,
					 .snapshot_key = secret_bytes(&keeper->snapshot_key),
					 .restore = restore,
					 .replay = replay,
					 .write = write,
					 .context = &making};
	return ledger_renew_snapshot(keeper->ledger, &renewal);
}

static void
renew(struct state_snapshots *snapshots) {
	uint64_t size = durable_size(snapshots->keeper);
	if (size - snapshots->size < threshold(snapshots->keeper, NEW_ENTRIES))
		return;
	if (keeper_snapshot(snapshots->keeper) == OK)
		snapshots->size = size;
	else if (!is_stopping(snapshots))
		log_warning("no new snapshot: the next start replays more: %s", fail_message());
}

static void *
run(void *argument) {
	struct state_snapshots *snapshots = argument;
	pthread_mutex_lock(&snapshots->mutex);
	while (!snapshots->is_stopping) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += PAUSE_S;
		while (!snapshots->is_stopping &&
		       pthread_cond_timedwait(&snapshots->stop, &snapshots->mutex, &until) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&snapshots->mutex);
		if (!is_stopping(snapshots))
			renew(snapshots);
		pthread_mutex_lock(&snapshots->mutex);
	}
	pthread_mutex_unlock(&snapshots->mutex);
	return nullptr;
}

enum status
state_snapshots_start(struct keeper *keeper) {
	pthread_condattr_t monotonic;
	if (keeper->config.is_manual)
		return OK;
	struct state_snapshots *started = calloc(1, sizeof *started);
	TRY_ALLOC(started);
	started->keeper = keeper;
	started->size = durable_size(keeper);
	pthread_mutex_init(&started->mutex, nullptr);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&started->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	keeper->snapshots = started;
	if ((errno = pthread_create(&started->thread, nullptr, run, started)) != 0)
		return fail_errno(STATUS_NO_MEMORY, "keeper.thread: snapshots");
	started->has_thread = true;
	return OK;
}

void
state_snapshots_stop(struct state_snapshots **snapshots) {
	struct state_snapshots *gone = *snapshots; /* its thread asks for it until it has ended */
	if (gone == nullptr)
		return;
	pthread_mutex_lock(&gone->mutex);
	gone->is_stopping = true;
	pthread_cond_signal(&gone->stop);
	pthread_mutex_unlock(&gone->mutex);
	if (gone->has_thread)
		pthread_join(gone->thread, nullptr);
	*snapshots = nullptr;
	pthread_cond_destroy(&gone->stop);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}
