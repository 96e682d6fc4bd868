#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "gate/shared_keys.h"
#include "keeper/internal.h"
#include "keeper/job.h"
#include "keeper/api.h"
#include "keeper/decide.h"
#include "keeper/enrolments.h"
#include "keeper/erasures.h"
#include "keeper/backup.h"
#include "keeper/peer_link.h"
#include "keeper/report.h"
#include "keeper/signing_in.h"
#include "gate/snapshot.h"
#include "keeper/projection.h"
#include "keeper/slow_read.h"
#include "keeper/state_snapshot.h"
#include "keeper/system_entry.h"
#include "keeper/threshold_internal.h"
#include "keeper/worker_link.h"
#include "store/blob.h"

struct gate *
keeper_gate(struct keeper *keeper) {
	return keeper->gate;
}

struct ledger *
keeper_ledger(struct keeper *keeper) {
	return keeper->ledger;
}

/* --- Opening. --- */

static enum status
make_paths(struct keeper *keeper) {
	const struct installation *installation = keeper->installation;
	keeper->ledger_path = installation_path(installation, "ledger");
	keeper->blobs_path = installation_path(installation, "blobs");
	keeper->public_path = installation_path(installation, "public");
	keeper->checkpoint_path = installation_path(installation, "public/checkpoint");
	keeper->cosigned_path = installation_path(installation, "public/checkpoint.witnessed");
	keeper->state_path = installation_path(installation, "state.db");
	keeper->snapshot_path = installation_path(installation, "snapshot");
	keeper->backup_note_path = installation_path(installation, BACKUP_NOTE);
	if (keeper->config.guard == ROLLBACK_PATH &&
	    asprintf(&keeper->erasures_path, "%s" ERASURES_SUFFIX, keeper->config.guard_path) < 0)
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	keeper->notified_path = installation_path(installation, "notified");
	bool all = keeper->notified_path && keeper->snapshot_path && keeper->backup_note_path && keeper->ledger_path &&
		   keeper->blobs_path && keeper->public_path && keeper->checkpoint_path && keeper->cosigned_path &&
		   keeper->state_path;
	return all ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
}

/* What stands after the instance in the log's origin. One that is longer than keepers' names shares no key. */
static struct bytes
name_of(const struct installation *installation) {
	struct bytes name = bytes_of_text(installation->origin + strlen(installation->instance) + 1);
	return name.len <= PARTY_NAME_MAX ? name : (struct bytes){};
}

enum status
keeper_make_gate(struct keeper *keeper, bool with_keys, struct gate **gate) {
	struct gate_config config = {.instance = bytes_of_text(keeper->installation->instance),
				     .keeper = name_of(keeper->installation),
				     .authorities = keeper->config.authorities,
				     .authority_count = keeper->config.authority_count,
				     .root = with_keys ? keeper->installation->root : nullptr,
				     .secrets = with_keys ? keeper->installation->secrets : nullptr,
				     .blobs = {keeper->config.io, keeper->blobs_path},
				     .price_age_max_ms = keeper->config.price_age_max_ms};
	return gate_create(gate, &config);
}

/* What cannot be read leaves a gate that knows nothing: then the log is replayed from its beginning. */
static enum status
restore_snapshot(void *context, struct bytes decision_state) {
	struct keeper *keeper = context;
	enum status status = gate_snapshot_read(keeper->gate, decision_state);
	if (status != STATUS_CORRUPT && status != STATUS_UNSUPPORTED)
		return status;
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	gate_destroy(&keeper->gate);
	TRY(keeper_make_gate(keeper, true, &keeper->gate));
	return fail(status, "%s", why);
}

static enum status
replay_record(void *context, const struct ledger_record *record) {
	struct keeper *keeper = context;
	if (record->index == 0) {
		_cleanup_(arena_free) struct arena arena = {};
		struct entry entry;
		TRY(entry_read(&arena, record->leaf, &entry));
		TRY(installation_check_genesis(keeper->installation, entry.document));
	}
	return gate_restore_entry(keeper->gate, record->index, record->leaf);
}

void
keeper_end(struct keeper *keeper, const char *why) {
	atomic_store(&keeper->has_ended, true);
	if (keeper->config.fatal != nullptr) {
		keeper->config.fatal(keeper->config.fatal_context, why);
		return;
	}
	log_error("the keeper ends: %s", why);
	_exit(4);
}

static void
ledger_ended(void *context, const char *message) {
	struct keeper *keeper = context;
	char why[640];
	snprintf(why, sizeof why, "the ledger can promise nothing any more: %s", message);
	keeper_end(keeper, why);
}

/* The mark and the published heads: a log that lacks one of them was put in the place of a newer one. */
static enum status
gather_pins(struct keeper *keeper, struct ledger_pin *pins, size_t *count) {
	bool is_set;
	*count = 0;
	TRY(high_water_read(keeper->high_water, &pins[0].mark, &is_set));
	if (is_set)
		pins[(*count)++].what = "the high-water mark";
	TRY(checkpoint_target_read(&keeper->checkpoint, &pins[*count].mark, &is_set));
	if (is_set)
		pins[(*count)++].what = "the published checkpoint";
	const struct checkpoint_target cosigned = {
		.io = keeper->config.io, .path = keeper->cosigned_path, .keys = &keeper->installation->keys};
	TRY(checkpoint_target_read(&cosigned, &pins[*count].mark, &is_set));
	if (is_set)
		pins[(*count)++].what = "the published cosigned head";
	return OK;
}

static enum status
open_high_water(struct keeper *keeper) {
	struct high_water_config config = {.guard = keeper->config.guard,
					   .io = keeper->config.io,
					   .origin = bytes_of_text(keeper->installation->origin),
					   .data_directory = keeper->installation->directory,
					   .path = keeper->config.guard_path};
	return high_water_open(&config, &keeper->high_water);
}

static enum status
open_ledger(struct keeper *keeper) {
	struct ledger_pin pins[3];
	size_t pin_count;
	keeper->checkpoint = (struct checkpoint_target){
		.io = keeper->config.io, .path = keeper->checkpoint_path, .keys = &keeper->installation->keys};
	TRY(gather_pins(keeper, pins, &pin_count));
	TRY(tile_writer_open(keeper->config.io, keeper->public_path, &keeper->tiles));
	TRY(tile_node_reader_open(keeper->config.io, keeper->public_path, &keeper->tile_nodes));
	keeper->older = (struct tree_reader){tile_node_read, keeper->tile_nodes};
	struct ledger_config config = {.io = keeper->config.io,
				       .directory = keeper->ledger_path,
				       .signer = &keeper->installation->signer,
				       .pins = pins,
				       .pin_count = pin_count,
				       .snapshot_path = keeper->snapshot_path,
				       .snapshot_key = secret_bytes(&keeper->snapshot_key),
				       .restore = restore_snapshot,
				       .replay = replay_record,
				       .context = keeper,
				       .older = &keeper->older,
				       .first_segment_size = keeper->config.first_segment_size,
				       .segment_size = keeper->config.segment_size,
				       .told = decide_told,
				       .fatal = ledger_ended,
				       .is_manual = keeper->config.is_manual};
	TRY(ledger_open(&config, &keeper->ledger));
	TRY(blob_sweep(keeper->config.io, keeper->blobs_path));
	TRY(gate_restore_finish(keeper->gate));
	TRY(enrolments_start(keeper));
	return keeper->gate->state->bundle != nullptr
		       ? OK
		       : fail(STATUS_CORRUPT, "keeper.genesis: the log has no genesis; run `gatehouse init`");
}

static enum status
open_witnessing(struct keeper *keeper) {
	if (keeper->config.guard != ROLLBACK_WITNESS)
		return OK;
	struct witnessing_config config = {.io = keeper->config.io,
					   .ledger = keeper->ledger,
					   .keys = &keeper->installation->keys,
					   .high_water = keeper->high_water,
					   .policy = keeper->config.witness_policy,
					   .witnesses = keeper->config.witnesses,
					   .path = keeper->cosigned_path};
	return witnessing_open(&config, &keeper->witnessing);
}

static enum status
open_notifier(struct keeper *keeper) {
	struct ledger_head head;
	if (keeper->config.receiver_count == 0)
		return OK;
	ledger_durable_head(keeper->ledger, &head);
	struct notifier_config config = {.io = keeper->config.io,
					 .path = keeper->notified_path,
					 .instance = keeper->installation->instance,
					 .receivers = keeper->config.receivers,
					 .receiver_count = keeper->config.receiver_count,
					 .size = head.head.size,
					 .now_ms = io_realtime_ns(keeper->config.io) / 1'000'000};
	return notifier_open(&config, &keeper->notifier);
}

/* --- Publishing. --- */

static uint64_t
tiles_applied(void *context) {
	return tile_writer_size(((struct keeper *)context)->tiles);
}

static enum status
tiles_apply(void *context, const struct ledger_record *record) {
	return tile_writer_append(((struct keeper *)context)->tiles, record->leaf, record->leaf_hash);
}

static enum status
tiles_finish(void *context, const struct ledger_head *head) {
	return tile_writer_publish(((struct keeper *)context)->tiles, head->head.size, &head->head.root);
}

static uint64_t
nothing_applied(void *) {
	return 0;
}

static enum status
mark_finish(void *context, const struct ledger_head *head) {
	struct keeper *keeper = context;
	return high_water_advance(keeper->high_water, &(struct mark){head->head.size, head->head.root}, false);
}

static enum status
cosigned_finish(void *context, const struct ledger_head *) {
	struct keeper *keeper = context;
	return keeper->witnessing == nullptr ? OK : witnessing_publish(keeper->witnessing);
}

/* What a snapshot leaves out of memory is proven from tiles: those that a crash kept from being published are made first. */
static enum status
catch_up_tiles(struct keeper *keeper) {
	struct ledger_head head;
	if (tile_writer_size(keeper->tiles) >= ledger_restored_size(keeper->ledger))
		return OK;
	ledger_durable_head(keeper->ledger, &head);
	TRY(ledger_visit(keeper->ledger, tile_writer_size(keeper->tiles), head.head.size, tiles_apply, keeper));
	return tiles_finish(keeper, &head);
}

static enum status
start_publishing(struct keeper *keeper) {
	TRY(projection_start(keeper));
	TRY(catch_up_tiles(keeper));
	keeper->targets[0] = (struct publish_target){.name = "tiles",
						     .context = keeper,
						     .applied = tiles_applied,
						     .apply = tiles_apply,
						     .finish = tiles_finish};
	keeper->targets[1] = (struct publish_target){.name = "checkpoint",
						     .follows = "tiles",
						     .context = &keeper->checkpoint,
						     .applied = checkpoint_target_applied,
						     .finish = checkpoint_target_finish};
	keeper->targets[2] = projection_target(keeper);
	keeper->targets[3] = (struct publish_target){
		.name = "high-water mark", .context = keeper, .applied = nothing_applied, .finish = mark_finish};
	keeper->targets[4] = (struct publish_target){.name = "cosigned head",
						     .follows = "checkpoint",
						     .context = keeper,
						     .applied = nothing_applied,
						     .finish = cosigned_finish};
	keeper->targets[5] = (struct publish_target){.name = "notifications",
						     .context = keeper->notifier,
						     .applied = notifier_applied,
						     .apply = notifier_apply,
						     .finish = notifier_finish};
	size_t count = ARRAY_LENGTH(keeper->targets) - (keeper->notifier == nullptr);
	struct publisher_config config = {.ledger = keeper->ledger,
					  .targets = keeper->targets,
					  .target_count = count,
					  .is_manual = keeper->config.is_manual};
	return publisher_start(&config, &keeper->publisher);
}

enum status
keeper_publish(struct keeper *keeper) {
	return publisher_run(keeper->publisher);
}

enum status
keeper_open(const struct keeper_config *config, struct installation *installation, struct keeper **keeper) {
	_cleanup_(keeper_close) struct keeper *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->config = *config;
	made->installation = installation;
	made->wake = -1;
	pthread_mutex_init(&made->projection_mutex, nullptr);
	pthread_mutex_init(&made->done_mutex, nullptr);
	decide_start(made);
	report_start_metrics(made);
	signing_in_start(made);
	made->threshold = calloc(1, sizeof *made->threshold);
	TRY_ALLOC(made->threshold);
	TRY(make_paths(made));
	TRY(keeper_make_gate(made, true, &made->gate));
	TRY(state_snapshot_key(made));
	TRY(open_high_water(made));
	TRY(open_ledger(made));
	made->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made->wake < 0)
		return fail_errno(STATUS_UNAVAILABLE, "keeper.eventfd");
	TRY(pool_create(&made->pool, config->pool_threads));
	TRY(slow_reads_start(&made->slow_reads, api_read_slowly, made->wake, config->is_manual));
	clock_start(&made->clock, config->io, made->gate->state->now_ms);
	TRY(state_snapshot_after_start(made));
	TRY(open_witnessing(made));
	TRY(open_notifier(made));
	TRY(ledger_record_cuts(made->ledger));
	TRY(system_entry_start(made));
	TRY(keeper_take_local_bundle(made, config->local_bundle));
	TRY(erasures_start(made));
	system_entry_backup(made);
	TRY(peer_link_open(made));
	TRY(start_publishing(made));
	TRY(state_snapshots_start(made));
	made->config.witness_policy = (struct bytes){}; /* the caller's */
	made->config.local_bundle = nullptr;
	made->ready = true;
	*keeper = TAKE(made);
	return OK;
}

void
keeper_close(struct keeper **keeper) {
	struct keeper *gone = TAKE(*keeper);
	if (gone == nullptr)
		return;
	bool orderly = gone->ready && !atomic_load(&gone->has_ended);
	peer_link_close(gone);
	if (orderly && system_entry_stop(gone) != OK)
		log_error("the stop could not be recorded: %s", fail_message());
	if (orderly && gone->config.is_manual)
		IGNORE_STATUS(keeper_publish(gone)); /* the next start publishes what is missing */
	slow_reads_stop(&gone->slow_reads);
	state_snapshots_stop(&gone->snapshots);
	publisher_stop(&gone->publisher);
	if (orderly && !atomic_load(&gone->has_ended)) {
		struct ledger_head head;
		ledger_durable_head(gone->ledger, &head);
		if (high_water_advance(gone->high_water, &(struct mark){head.head.size, head.head.root}, true) != OK)
			log_error("the high-water mark could not be written: %s", fail_message());
	}
	ipc_stop(&gone->fetch);
	worker_link_stop(gone);
	witnessing_close(&gone->witnessing);
	notifier_close(&gone->notifier);
	ledger_close(&gone->ledger);
	threshold_stop(gone);
	enrolments_stop(gone);
	decide_free(gone);
	jobs_free(gone->free_jobs);
	signing_in_free(gone);
	projection_close(&gone->projection);
	pool_destroy(&gone->pool);
	gate_destroy(&gone->gate);
	high_water_close(&gone->high_water);
	tile_node_reader_close(&gone->tile_nodes);
	tile_writer_close(&gone->tiles);
	if (gone->wake >= 0)
		close(gone->wake);
	free(gone->ledger_path);
	free(gone->blobs_path);
	free(gone->public_path);
	free(gone->checkpoint_path);
	free(gone->cosigned_path);
	free(gone->state_path);
	free(gone->snapshot_path);
	free(gone->backup_note_path);
	free(gone->erasures_path);
	free(gone->notified_path);
	secret_free(&gone->snapshot_key);
	pthread_mutex_destroy(&gone->projection_mutex);
	pthread_mutex_destroy(&gone->done_mutex);
	free(gone);
}
