#include "keeper/fetch_link.h"

#include <poll.h>
#include <unistd.h>

#include "base/log.h"

/* Fetch itself gives up after five seconds. */
constexpr int64_t ANSWER_MS = 15'000;

static int64_t
now_ms(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io) / 1'000'000;
}

/* Of whoever asked; a question that was not even put is the witnesses' alone. */
static void
give_up(struct keeper *keeper, const char *why) {
	bool by_notifier = keeper->fetch_asked_ms != 0 && keeper->fetch_notifies;
	keeper->fetch_asked_ms = 0;
	if (by_notifier)
		notifier_lost(keeper->notifier, now_ms(keeper), keeper->batch_ms, why);
	else if (keeper->witnessing != nullptr)
		witnessing_lost(keeper->witnessing, now_ms(keeper), why);
}

enum status
keeper_connect_fetch(struct keeper *keeper, int descriptor) {
	if (keeper->witnessing == nullptr && keeper->notifier == nullptr) {
		close(descriptor);
		return OK;
	}
	ipc_stop(&keeper->fetch);
	if (keeper->fetch_asked_ms != 0)
		give_up(keeper, "fetch_link.replaced: fetch was started anew");
	enum status status = ipc_start(&keeper->fetch, descriptor, IPC_ROLE_KEEPER, IPC_ROLE_FETCH);
	if (status != OK)
		ipc_stop(&keeper->fetch);
	return status;
}

int
fetch_link_descriptor(const struct keeper *keeper) {
	return keeper->fetch.own == IPC_ROLE_NONE ? -1 : keeper->fetch.descriptor;
}

short
fetch_link_events(const struct keeper *keeper) {
	return (short)(POLLIN | (ipc_wants_write(&keeper->fetch) ? POLLOUT : 0));
}

static enum status
take_frame(struct keeper *keeper, const struct ipc_frame *frame, enum status *verdict) {
	struct ipc_fetched fetched;
	if (frame->type != IPC_FETCHED)
		return fail(STATUS_INVALID, "fetch_link.direction: frame type %d from fetch", (int)frame->type);
	TRY(ipc_read_fetched(frame->payload, &fetched));
	if (keeper->fetch_asked_ms == 0 || frame->request != keeper->fetch_request)
		return OK; /* to what was given up */
	keeper->fetch_asked_ms = 0;
	if (keeper->fetch_notifies)
		notifier_take(keeper->notifier, now_ms(keeper), keeper->batch_ms, &fetched);
	else
		*verdict = witnessing_take(keeper->witnessing, now_ms(keeper), &fetched);
	return OK;
}

/* *verdict: what the answers mean for the keeper; the result: whether the channel is still good. */
static enum status
take_frames(struct keeper *keeper, enum status *verdict) {
	struct ipc_frame frame;
	bool found = true;
	TRY(ipc_receive(&keeper->fetch));
	while (found && *verdict == OK) {
		TRY(ipc_next(&keeper->fetch, &frame, &found));
		if (found)
			TRY(take_frame(keeper, &frame, verdict));
	}
	return keeper->fetch.closed && *verdict == OK ? fail(STATUS_UNAVAILABLE, "ipc.closed: fetch is gone") : OK;
}

/* The witnesses first: without them nothing is decided. */
static bool
find_question(struct keeper *keeper, struct ipc_fetch *fetch) {
	bool is_due = false;
	keeper->fetch_notifies = false;
	if (keeper->witnessing != nullptr && witnessing_next(keeper->witnessing, now_ms(keeper), fetch, &is_due) != OK)
		give_up(keeper, fail_message());
	if (is_due || keeper->notifier == nullptr)
		return is_due;
	if (notifier_next(keeper->notifier, now_ms(keeper), fetch, &is_due) != OK)
		notifier_lost(keeper->notifier, now_ms(keeper), keeper->batch_ms, fail_message());
	keeper->fetch_notifies = is_due;
	return is_due;
}

static enum status
ask(struct keeper *keeper) {
	struct ipc_fetch fetch;
	struct buffer *payload;
	if (keeper->fetch_asked_ms != 0 || !find_question(keeper, &fetch))
		return ipc_flush(&keeper->fetch);
	keeper->fetch_asked_ms = now_ms(keeper);
	TRY(ipc_begin(&keeper->fetch, IPC_FETCH, ++keeper->fetch_request, false, &payload));
	ipc_write_fetch(payload, &fetch);
	TRY(ipc_end(&keeper->fetch));
	return ipc_flush(&keeper->fetch);
}

enum status
fetch_link_turn(struct keeper *keeper) {
	enum status verdict = OK;
	if (fetch_link_descriptor(keeper) < 0)
		return OK;
	enum status status = take_frames(keeper, &verdict);
	if (verdict != OK)
		return verdict;
	if (status == OK && keeper->fetch_asked_ms != 0 && now_ms(keeper) - keeper->fetch_asked_ms > ANSWER_MS)
		give_up(keeper, "fetch_link.timeout: fetch does not answer");
	if (status == OK)
		status = ask(keeper);
	if (status != OK) {
		log_warning("the channel to fetch ends: %s", fail_message());
		ipc_stop(&keeper->fetch);
		give_up(keeper, fail_message());
	}
	return OK;
}
