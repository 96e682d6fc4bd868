#include "ledger/publisher.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

constexpr uint64_t PIECE = 8192; /* entries, roughly */
constexpr int INTERVAL_S = 1;
constexpr size_t RECENT_MAX = 64 * 1024 * 1024; /* over a second under full load; what is beyond is read back */

struct publisher {
	struct ledger *ledger;
	const struct publish_target *targets;
	size_t target_count;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t stop;
	bool is_stopping, has_thread;
	bool unfinished
		[PUBLISHER_TARGETS_MAX]; /* has taken entries that it has not finished; of the thread that runs */
	struct publisher_health health;
	pthread_t thread;
};

/* --- One target. --- */

static enum status
apply_record(void *context, const struct ledger_record *record) {
	const struct publish_target *target = context;
	return target->apply(target->context, record);
}

static enum status
apply_piece(struct publisher *publisher, const struct publish_target *target, const struct recent_frame *recent,
	    uint64_t from, const struct ledger_head *head) {
	if (target->begin != nullptr)
		TRY(target->begin(target->context));
	TRY(ledger_visit_recent(publisher->ledger, recent, from, head->head.size, apply_record,
				(void *)(uintptr_t)target));
	return target->finish(target->context, head);
}

static enum status
bring_up(struct publisher *publisher, size_t index, const struct recent_frame *recent,
	 const struct ledger_head *durable) {
	const struct publish_target *target = &publisher->targets[index];
	uint64_t applied = target->applied(target->context);
	if (applied > durable->head.size)
		return fail(STATUS_CONFLICT, "publisher.ahead: %s has %llu entries, the log has %llu", target->name,
			    (unsigned long long)applied, (unsigned long long)durable->head.size);
	if (target->apply == nullptr)
		return applied == durable->head.size ? OK : target->finish(target->context, durable);
	while ((applied = target->applied(target->context)) < durable->head.size || publisher->unfinished[index]) {
		struct ledger_head head = *durable;
		if (durable->head.size - applied > PIECE)
			TRY(ledger_head_of_entry(publisher->ledger, applied + PIECE, &head));
		publisher->unfinished[index] = true;
		TRY(apply_piece(publisher, target, recent, applied, &head));
		publisher->unfinished[index] = false;
		if (target->applied(target->context) != head.head.size)
			return fail(STATUS_INTERNAL, "publisher.stuck: %s stays at %llu entries", target->name,
				    (unsigned long long)target->applied(target->context));
	}
	return OK;
}

/* --- Rounds. --- */

static bool
must_wait(const struct publisher *publisher, size_t index, const bool *failed) {
	const char *follows = publisher->targets[index].follows;
	for (size_t i = 0; follows != nullptr && i < index; i++)
		if (strcmp(publisher->targets[i].name, follows) == 0)
			return failed[i];
	return false;
}

static void
note_health(struct publisher *publisher, const struct publisher_health *health) {
	pthread_mutex_lock(&publisher->mutex);
	bool was_failing = publisher->health.failing != nullptr;
	publisher->health = *health;
	pthread_mutex_unlock(&publisher->mutex);
	if (health->failing != nullptr && !was_failing)
		log_error("%s cannot be published: %s", health->failing, health->message);
	if (health->failing == nullptr && was_failing)
		log_notice("everything is published again");
}

static enum status
run_targets(struct publisher *publisher, const struct recent_frame *recent, const struct ledger_head *durable) {
	struct publisher_health health = {};
	bool failed[PUBLISHER_TARGETS_MAX] = {};
	enum status first = OK;
	for (size_t i = 0; i < publisher->target_count; i++) {
		failed[i] = must_wait(publisher, i, failed);
		enum status status = failed[i] ? OK : bring_up(publisher, i, recent, durable);
		if (status == OK)
			continue;
		failed[i] = true;
		if (first != OK)
			continue;
		first = status;
		health.failing = publisher->targets[i].name;
		snprintf(health.message, sizeof health.message, "%s", fail_message());
	}
	health.published = first == OK ? durable->head.size : publisher->health.published;
	note_health(publisher, &health);
	return first == OK ? OK : fail(first, "%s", health.message);
}

enum status
publisher_run(struct publisher *publisher) {
	struct ledger_head durable;
	struct recent_frame *recent = ledger_take_recent(publisher->ledger, &durable);
	enum status status = durable.head.size == 0 ? OK : run_targets(publisher, recent, &durable);
	ledger_give_back_recent(publisher->ledger, recent);
	return status;
}

static void *
run_thread(void *argument) {
	struct publisher *publisher = argument;
	pthread_mutex_lock(&publisher->mutex);
	while (!publisher->is_stopping) {
		struct timespec until;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += INTERVAL_S;
		pthread_mutex_unlock(&publisher->mutex);
		IGNORE_STATUS(publisher_run(publisher)); /* shown by publisher_health(), tried again */
		pthread_mutex_lock(&publisher->mutex);
		while (!publisher->is_stopping &&
		       pthread_cond_timedwait(&publisher->stop, &publisher->mutex, &until) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&publisher->mutex);
	return nullptr;
}

enum status
publisher_start(const struct publisher_config *config, struct publisher **publisher) {
	pthread_condattr_t monotonic;
	if (config->target_count > PUBLISHER_TARGETS_MAX)
		return fail(STATUS_INTERNAL, "publisher.targets: %zu, at most %zu", config->target_count,
			    PUBLISHER_TARGETS_MAX);
	_cleanup_(publisher_stop) struct publisher *started = calloc(1, sizeof *started);
	TRY_ALLOC(started);
	started->ledger = config->ledger;
	started->targets = config->targets;
	started->target_count = config->target_count;
	pthread_mutex_init(&started->mutex, nullptr);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&started->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	ledger_keep_recent(started->ledger, RECENT_MAX);
	if (!config->is_manual) {
		if ((errno = pthread_create(&started->thread, nullptr, run_thread, started)) != 0)
			return fail_errno(STATUS_NO_MEMORY, "publisher.thread");
		started->has_thread = true;
	}
	*publisher = TAKE(started);
	return OK;
}

void
publisher_stop(struct publisher **publisher) {
	if (*publisher == nullptr)
		return;
	struct publisher *gone = TAKE(*publisher);
	if (gone->has_thread) {
		pthread_mutex_lock(&gone->mutex);
		gone->is_stopping = true;
		pthread_cond_signal(&gone->stop);
		pthread_mutex_unlock(&gone->mutex);
		pthread_join(gone->thread, nullptr);
		IGNORE_STATUS(publisher_run(gone)); /* a failure was logged; the next start publishes what is missing */
	}
	ledger_keep_recent(gone->ledger, 0);
	pthread_cond_destroy(&gone->stop);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

void
publisher_health(struct publisher *publisher, struct publisher_health *health) {
	pthread_mutex_lock(&publisher->mutex);
	*health = publisher->health;
	pthread_mutex_unlock(&publisher->mutex);
}

/* --- The checkpoint file. --- */

uint64_t
checkpoint_target_applied(void *context) {
	return ((struct checkpoint_target *)context)->published;
}

enum status
checkpoint_target_finish(void *context, const struct ledger_head *head) {
	struct checkpoint_target *target = context;
	_cleanup_(buffer_free) struct buffer note = {};
	head_format(&note, target->keys, &head->head, &head->signatures);
	TRY(buffer_status(&note));
	TRY(io_replace_file(target->io, target->path, buffer_bytes(&note)));
	target->published = head->head.size;
	return OK;
}

enum status
checkpoint_target_read(const struct checkpoint_target *target, struct mark *mark, bool *is_set) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct note note;
	struct checkpoint checkpoint;
	*is_set = false;
	enum status status = io_read_file(target->io, target->path, NOTE_SIZE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	TRY(note_parse(&arena, buffer_bytes(&text), &note));
	TRY(note_verify_ed25519(&note, &target->keys->ed25519));
	TRY(checkpoint_parse(note.text, &checkpoint));
	if (!bytes_equal(checkpoint.origin, head_keys_origin(target->keys)))
		return fail(STATUS_CONFLICT, "publisher.origin: the checkpoint %s is of \"%.*s\"", target->path,
			    BYTES_ARGS(checkpoint.origin));
	*mark = (struct mark){.size = checkpoint.size, .root = checkpoint.root};
	*is_set = true;
	return OK;
}
