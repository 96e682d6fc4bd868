#include "keeper/event.h"

#include <stdio.h>

#include "base/log.h"
#include "keeper/decide.h"
#include "keeper/job.h"

constexpr unsigned EXPIRED_PER_SECOND_MAX = 64;
/* Ids ascend over the life of the log: so many can stand between two heads. */
constexpr unsigned ID_BITS = 20;

static const char *const names[EVENT_KINDS] = {
	[EVENT_HELD] = "held",
	[EVENT_EXPIRING] = "expiring",
	[EVENT_EXPIRED] = "expired",
	[EVENT_DENIED] = "denied",
	[EVENT_REJECTED] = "rejected",
	[EVENT_OBJECTED] = "objected",
	[EVENT_REFUSED] = "refused",
	[EVENT_APPROVED] = "approved",
	[EVENT_BREAK_GLASS] = "break_glass",
	[EVENT_REVIEW_OVERDUE] = "review_overdue",
};

static void
send(struct keeper *keeper, const char *name, const char *data) {
	_cleanup_(buffer_free) struct buffer payload = {};
	if (keeper->channel == nullptr)
		return;
	struct ipc_feed feed = {.index = ++keeper->event_id, .event = bytes_of_text(name), .data = bytes_of_text(data)};
	ipc_write_feed(&payload, &feed);
	if (ipc_send(keeper->channel, IPC_FEED, 0, false, buffer_bytes(&payload)) != OK)
		log_warning("a feed event is lost: %s", fail_message());
}

/* No id is below what the log's size gives, so that they ascend over restarts as well. */
static void
follow_size(struct keeper *keeper, uint64_t size) {
	if (keeper->event_id < size << ID_BITS)
		keeper->event_id = size << ID_BITS;
}

void
event_raise(struct keeper *keeper, enum event_kind kind, const struct hash256 *operation) {
	char hex[65], data[96];
	metric_add(&keeper->events[kind], 1);
	if (keeper->events_told++ >= EVENTS_PER_SECOND_MAX)
		return;
	hex_encode(hash256_bytes(operation), hex);
	snprintf(data, sizeof data, "{\"operation\":\"%s\"}", hex);
	send(keeper, names[kind], data);
}

void
event_head(struct keeper *keeper, uint64_t size) {
	char data[64];
	follow_size(keeper, size);
	snprintf(data, sizeof data, "{\"size\":%llu}", (unsigned long long)size);
	send(keeper, "head", data);
}

/* Loud, since whoever asks for it asks for fewer checks. */
static void
tell_break_glass(struct keeper *keeper, const struct gate_step *step) {
	char hex[65];
	hex_encode(hash256_bytes(&step->operation->id), hex);
	log_warning("break-glass: operation %s is %s", hex, operation_state_name(step->state));
	event_raise(keeper, EVENT_BREAK_GLASS, &step->operation->id);
}

/* What was never held is answered to whoever asked; only a denial is told to others. */
void
event_of_step(struct keeper *keeper, const struct job *job) {
	const struct gate_step *step = &job->step;
	const struct hash256 *id = &step->operation->id;
	bool was_held = job->kind == JOB_VOTE || job->kind == JOB_EXPIRY;
	follow_size(keeper, job->index + 1);
	if (step->is_break_glass)
		tell_break_glass(keeper, step);
	switch (step->state) {
	case OPERATION_HELD:
		if (!was_held)
			event_raise(keeper, EVENT_HELD, id);
		else if (step->refusal.len > 0)
			event_raise(keeper, EVENT_REFUSED, id);
		else if (job->vote.statement.verdict == APPROVAL_REJECT && job->kind == JOB_VOTE)
			event_raise(keeper, EVENT_OBJECTED, id);
		return;
	case OPERATION_DENIED:
		event_raise(keeper, EVENT_DENIED, id);
		return;
	case OPERATION_REJECTED:
		event_raise(keeper, EVENT_REJECTED, id);
		return;
	case OPERATION_EXPIRED:
		event_raise(keeper, EVENT_EXPIRED, id);
		return;
	default:
		if (was_held && !step->is_outward)
			event_raise(keeper, EVENT_APPROVED, id);
	}
}

/* --- Time. --- */

int64_t
event_expiring_from_ms(const struct gate_operation *operation) {
	int64_t lifetime_ms = operation->expires_ms - operation->held->operation.created_ms;
	return operation->expires_ms - (lifetime_ms / 4 < EXPIRING_MS ? lifetime_ms / 4 : EXPIRING_MS);
}

static void
tell_expiring(struct keeper *keeper) {
	const struct map *kept = &keeper->gate->state->operations.kept;
	size_t at = 0;
	void *value;
	while (map_next(kept, &at, nullptr, &value)) {
		struct gate_operation *operation = value;
		if (operation->state != OPERATION_HELD || operation->is_expiring ||
		    keeper->batch_ms < event_expiring_from_ms(operation) || keeper->batch_ms >= operation->expires_ms)
			continue;
		operation->is_expiring = true;
		event_raise(keeper, EVENT_EXPIRING, &operation->id);
	}
}

static void
tell_overdue_reviews(struct keeper *keeper) {
	const struct map *open = &keeper->gate->state->reviews.open;
	size_t at = 0;
	void *value;
	while (map_next(open, &at, nullptr, &value)) {
		struct open_review *review = value;
		char hex[65];
		if (review->is_told || review->due_ms > keeper->batch_ms)
			continue;
		review->is_told = true;
		hex_encode(hash256_bytes(&review->operation), hex);
		log_warning("break-glass: the review of operation %s is overdue", hex);
		event_raise(keeper, EVENT_REVIEW_OVERDUE, &review->operation);
	}
}

void
event_turn(struct keeper *keeper) {
	bool more = true;
	keeper->events_told = 0;
	for (unsigned i = 0; more && i < EXPIRED_PER_SECOND_MAX; i++)
		more = decide_expire(keeper);
	tell_expiring(keeper);
	tell_overdue_reviews(keeper);
}
