#include "keeper/worker_link.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static int64_t
now_ms(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io) / 1'000'000;
}

static bool
is_asking(const struct keeper *keeper) {
	return keeper->work.done != nullptr;
}

static void
conclude(struct keeper *keeper, const struct work_answer *answer) {
	work_done *done = keeper->work.done;
	void *context = keeper->work.context;
	buffer_reset(&keeper->work.request);
	keeper->work.done = nullptr;
	if (done != nullptr)
		done(context, answer);
}

/* fail_message() says why. */
static void
give_up(struct keeper *keeper) {
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	ipc_stop(&keeper->worker);
	if (!is_asking(keeper))
		return;
	log_warning("work without a result: %s", why);
	fail_keep("%s", why);
	conclude(keeper, nullptr);
}

void
keeper_watch_worker(struct keeper *keeper, void (*lost)(void *context), void *context) {
	keeper->work.lost = lost;
	keeper->work.lost_context = context;
}

int
worker_link_descriptor(const struct keeper *keeper) {
	return keeper->worker.own == IPC_ROLE_NONE ? -1 : keeper->worker.descriptor;
}

short
worker_link_events(const struct keeper *keeper) {
	return (short)(POLLIN | (ipc_wants_write(&keeper->worker) ? POLLOUT : 0));
}

enum status
worker_link_ask(struct keeper *keeper, struct bytes request, work_done *done, void *context) {
	if (is_asking(keeper))
		return fail(STATUS_UNAVAILABLE, "worker.busy: another piece of work is under way");
	buffer_reset(&keeper->work.request);
	buffer_append_bytes(&keeper->work.request, request);
	TRY(buffer_status(&keeper->work.request));
	keeper->work.done = done;
	keeper->work.context = context;
	keeper->work.is_sent = false;
	keeper->work.end_ms = now_ms(keeper) + WORK_MS;
	return OK;
}

void
worker_link_forget(struct keeper *keeper) {
	keeper->work.done = nullptr;
}

static enum status
take_frame(struct keeper *keeper, const struct ipc_frame *frame) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_work work;
	struct work_answer answer;
	if (frame->type != IPC_WORKED)
		return fail(STATUS_INVALID, "worker.direction: frame type %d from the worker", (int)frame->type);
	TRY(ipc_read_work(frame->payload, &work));
	if (!is_asking(keeper) || !keeper->work.is_sent || frame->request != keeper->work.number)
		return OK; /* to what was given up */
	TRY(work_read_answer(&arena, buffer_bytes(&keeper->work.request), work.document, &answer));
	conclude(keeper, &answer);
	return fail(STATUS_UNAVAILABLE, "worker.ended: it has answered, and ends");
}

static enum status
take_frames(struct keeper *keeper) {
	struct ipc_frame frame;
	TRY(ipc_receive(&keeper->worker));
	for (bool found = true; found;) {
		TRY(ipc_next(&keeper->worker, &frame, &found));
		if (found)
			TRY(take_frame(keeper, &frame));
	}
	return keeper->worker.closed ? fail(STATUS_UNAVAILABLE, "worker.ended: it ended without an answer") : OK;
}

/* A worker ends with its answer, and its successor may be heard of first. */
static void
take_what_is_left(struct keeper *keeper) {
	struct ipc_channel *worker = &keeper->worker;
	for (size_t unread = 0; worker->own != IPC_ROLE_NONE && keeper->work.is_sent && is_asking(keeper);) {
		if (take_frames(keeper) != OK || worker->input.len - worker->consumed <= unread)
			return;
		unread = worker->input.len - worker->consumed;
	}
}

enum status
keeper_connect_worker(struct keeper *keeper, int descriptor) {
	take_what_is_left(keeper);
	ipc_stop(&keeper->worker);
	if (is_asking(keeper) && keeper->work.is_sent) {
		fail_keep("worker.ended: it ended without an answer");
		give_up(keeper);
	}
	enum status status = ipc_start(&keeper->worker, descriptor, IPC_ROLE_KEEPER, IPC_ROLE_WORKER);
	if (status != OK)
		ipc_stop(&keeper->worker);
	return status;
}

static enum status
send_work(struct keeper *keeper) {
	struct buffer *payload;
	if (!is_asking(keeper) || keeper->work.is_sent)
		return ipc_flush(&keeper->worker);
	keeper->work.is_sent = true;
	TRY(ipc_begin(&keeper->worker, IPC_WORK, ++keeper->work.number, false, &payload));
	ipc_write_work(payload, &(struct ipc_work){buffer_bytes(&keeper->work.request)});
	TRY(ipc_end(&keeper->worker));
	return ipc_flush(&keeper->worker);
}

void
worker_link_turn(struct keeper *keeper) {
	bool is_connected = worker_link_descriptor(keeper) >= 0;
	enum status status = is_connected ? take_frames(keeper) : OK;
	if (status == OK && is_connected)
		status = send_work(keeper);
	/* A worker that ended after its answer has closed its side as well: only work that it had is lost. */
	if (status != OK && is_asking(keeper) && !keeper->work.is_sent)
		ipc_stop(&keeper->worker);
	else if (status != OK)
		give_up(keeper);
	if (!is_asking(keeper) || now_ms(keeper) < keeper->work.end_ms)
		return;
	bool had_it = keeper->work.is_sent;
	fail_keep("worker.timeout: no answer came within %lld s", (long long)(WORK_MS / 1000));
	give_up(keeper);
	if (had_it && keeper->work.lost != nullptr)
		keeper->work.lost(keeper->work.lost_context);
}

void
worker_link_stop(struct keeper *keeper) {
	worker_link_forget(keeper);
	ipc_stop(&keeper->worker);
	buffer_free(&keeper->work.request);
}
