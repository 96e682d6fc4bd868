/*
 * The keeper: policy, keys, ledger, state. It has no network; requests reach it as frames from the gateway, as received, and it
 * parses and verifies them itself. Design §2.
 *
 * One thread decides, in order. A turn of its loop takes every request that has arrived, reads and verifies them on a small
 * pool, decides and acts in order, gives the entries to the log, and answers what the log has made durable meanwhile. The
 * log's committer runs beside it: while one batch is being made durable the next is decided.
 */
#ifndef GATEHOUSE_KEEPER_KEEPER_H
#define GATEHOUSE_KEEPER_KEEPER_H

#include "base/ipc.h"
#include "base/ipc_messages.h"
#include "gate/gate.h"
#include "keeper/clock.h"
#include "keeper/installation.h"
#include "keeper/notifier.h"
#include "keeper/pool.h"
#include "keeper/refresh_schedule.h"
#include "keeper/vm_generation.h"
#include "identity/sessions.h"
#include "ledger/log.h"
#include "ledger/publisher.h"
#include "ledger/tile_writer.h"
#include "store/high_water.h"
#include "store/projection.h"

struct keeper_config {
	const struct io *io;
	const char *const *authorities; /* what @authority and Host may be; borrowed */
	size_t authority_count;
	enum rollback_guard guard;
	const char *guard_path; /* ROLLBACK_PATH: file outside the data directory */
	struct bytes
		witness_policy; /* ROLLBACK_WITNESS: text of the tlog-policy, used while opening; its hash is recorded */
	size_t witnesses;       /* ROLLBACK_WITNESS: how many fetch can ask */
	const struct notifier_receiver *receivers; /* of notifications; copied */
	size_t receiver_count;
	const struct bytes *local_bundle;   /* a packed bundle, used while opening (gate/local_bundle.h); null: none */
	struct refresh_schedule refresh;    /* when shared keys are to be dealt anew */
	struct hash256 configuration;       /* SHA-256 of gatehouse.yaml; recorded at start */
	struct hash256 binary;              /* SHA-256 of the program; recorded at start */
	struct vm_generation vm_generation; /* its file is the caller's */
	unsigned pool_threads;
	uint32_t credits, urgent_credits;      /* requests that the gateway may have outstanding */
	uint32_t requests_per_principal_per_s; /* operations and votes, and each 4 KiB of them; 0: no limit */
	uint32_t reads_per_principal_per_s;    /* 0: no limit */
	struct session_limits session_limits;  /* shorter than the standard's; 0: those */
	int64_t price_age_max_ms;
	uint64_t first_segment_size, segment_size; /* 0: the defaults of store/segment.h */
	/* Where the log can promise nothing any more. Null: an error line and _exit(4). One that returns is for tests: nothing is
	 * answered afterwards, and the keeper can only be closed. */
	void (*fatal)(void *context, const char *message);
	void *fatal_context;
	uint64_t snapshot_entries; /* replayed or new ones after which a snapshot is worth while; 0: the default */
	bool is_manual; /* no thread but the caller's; keeper_publish() publishes. For deterministic tests with keeper_answer() */
};

struct keeper;

/*
 * Opens the log, restores the state, checks the high-water mark, and records the start. The installation must outlive the
 * keeper. Refuses with the errors of ledger_open(), high_water_read(), gate_restore_entry(): an older data directory, a fork, a
 * damaged log, another genesis.
 */
enum status keeper_open(const struct keeper_config *config, struct installation *installation, struct keeper **keeper);
void keeper_close(struct keeper **keeper); /* records the stop; a cleanup function */

/* Takes over a channel to the helper fetch; replaces an earlier one. Closed where the guard needs none. */
enum status keeper_connect_fetch(struct keeper *keeper, int descriptor);
/* Takes the channel to the helper worker over; lost is called when that process is to be ended. */
enum status keeper_connect_worker(struct keeper *keeper, int descriptor);
void keeper_watch_worker(struct keeper *keeper, void (*lost)(void *context), void *context);

/* Something else that the loop listens to: handle() is called when the descriptor is readable, and may set *stop. */
struct keeper_watch {
	int descriptor; /* −1: nothing */
	enum status (*handle)(void *context, bool *stop);
	void *context;
};

/* Serves the channel until the gateway drains it or goes away, or the watch says to stop; what was begun is finished.
 * STATUS_CONFLICT "high_water.behind" or "high_water.fork" where a witness proves that this log is not the newest. */
enum status keeper_serve(struct keeper *keeper, int channel, const struct keeper_watch *watch);

/* For tools and tests: one request, answered in response, whose views live in the arena. Waits until durable. */
enum status keeper_answer(struct keeper *keeper, const struct ipc_request *request, struct arena *arena,
			  struct ipc_response *response);

/* A snapshot of the durable head, made beside the running log (keeper/state_snapshot.h). For tools and tests. */
enum status keeper_snapshot(struct keeper *keeper);
/* is_manual: what was decided becomes durable, and what follows from it is done, for a keeper that others wait for. */
void keeper_turn(struct keeper *keeper);
/* is_manual: one round of publishing. */
enum status keeper_publish(struct keeper *keeper);

/* The configuration was read anew: its SHA-256 becomes an entry. Does not wait. */
enum status keeper_record_configuration(struct keeper *keeper, const struct hash256 *configuration);

/* The local bundle is this one from now on (gate/local_bundle.h), or none where file is null; another than before is an entry. What
 * is refused changes nothing: the one that the log says is in force stays, at a start as at a reload, and it is OK. Where none is:
 * "local_bundle.refused". */
enum status keeper_take_local_bundle(struct keeper *keeper, const struct bytes *file);

/* Shared keys are used with them from now on; before it serves. */
enum status keeper_join_peers(struct keeper *keeper);

struct gate *keeper_gate(struct keeper *keeper);
struct ledger *keeper_ledger(struct keeper *keeper);

#endif
