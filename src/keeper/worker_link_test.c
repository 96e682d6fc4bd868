/* What the keeper makes of a worker that answers, answers something else, goes away, or says nothing. */
#include "tests/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/ipc_messages.h"
#include "keeper/worker_link.h"

static int64_t clock_ns; /* what the keeper's clock shows */

static int64_t
show_clock(const struct io *) {
	return clock_ns;
}

struct fixture {
	struct io_operations operations;
	struct io io;
	struct keeper keeper;
	struct ipc_channel worker; /* its side */
	struct buffer request;
	unsigned done, answers, lost;
	enum prove_verdict verdict;
	char why[64];
};

static void
note_done(void *context, const struct work_answer *answer) {
	struct fixture *fixture = context;
	fixture->done++;
	fixture->answers += answer != nullptr;
	fail_name(fixture->why, sizeof fixture->why);
	if (answer != nullptr && answer->is_done)
		fixture->verdict = answer->verdicts[0].verdict;
}

static void
note_lost(void *context) {
	((struct fixture *)context)->lost++;
}

static void
connect_worker(struct fixture *fixture) {
	int pair[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	ipc_stop(&fixture->worker);
	assert_ok(ipc_start(&fixture->worker, pair[1], IPC_ROLE_WORKER, IPC_ROLE_KEEPER));
	assert_ok(ipc_flush(&fixture->worker));
	assert_ok(keeper_connect_worker(&fixture->keeper, pair[0]));
}

static void
start(struct fixture *fixture) {
	static const struct work_file files[] = {
		{BYTES_OF_LITERAL("p"), BYTES_OF_LITERAL("permit(principal, action, resource);")}};
	const struct work work = {
		.ask = WORK_PROVE,
		.bundle = BYTES_OF_LITERAL("b"),
		.policies = files,
		.policy_count = 1,
		.schema = {BYTES_OF_LITERAL("s"),
			   BYTES_OF_LITERAL("entity A; action x appliesTo { principal: A, resource: A };")},
		.invariants = {BYTES_OF_LITERAL("i"),
			       BYTES_OF_LITERAL("@id(\"i\") forbid(principal, action, resource);")},
	};
	fixture->operations = *io_system()->operations;
	fixture->operations.boottime_ns = show_clock;
	fixture->io = (struct io){.operations = &fixture->operations};
	fixture->keeper.config.io = &fixture->io;
	fixture->worker.descriptor = -1;
	keeper_watch_worker(&fixture->keeper, note_lost, fixture);
	assert_ok(work_write(&work, &fixture->request));
	assert_ok(worker_link_ask(&fixture->keeper, buffer_bytes(&fixture->request), note_done, fixture));
}

static void
stop(struct fixture *fixture) {
	worker_link_stop(&fixture->keeper);
	ipc_stop(&fixture->worker);
	buffer_free(&fixture->request);
}

static void
take_request(struct fixture *fixture, struct ipc_frame *frame) {
	bool found;
	worker_link_turn(&fixture->keeper);
	assert_ok(ipc_receive(&fixture->worker));
	assert_ok(ipc_next(&fixture->worker, frame, &found));
	assert_true(found);
	assert_int_equal(IPC_WORK, frame->type);
}

static void
answer(struct fixture *fixture, struct bytes document, uint64_t number) {
	struct buffer *payload;
	assert_ok(ipc_begin(&fixture->worker, IPC_WORKED, number, false, &payload));
	ipc_write_work(payload, &(struct ipc_work){document});
	assert_ok(ipc_end(&fixture->worker));
	assert_ok(ipc_flush(&fixture->worker));
	worker_link_turn(&fixture->keeper);
}

static void
an_answer_reaches_who_asked(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	_cleanup_(buffer_free) struct buffer document = {};
	struct ipc_frame frame;
	struct ipc_work work;
	start(&fixture);
	assert_fails(STATUS_UNAVAILABLE, "worker.busy",
		     worker_link_ask(&fixture.keeper, buffer_bytes(&fixture.request), note_done, &fixture));
	worker_link_turn(&fixture.keeper); /* there is none yet: it waits */
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	assert_ok(ipc_read_work(frame.payload, &work));
	assert_ok(work_perform(work.document, &document));
	answer(&fixture, buffer_bytes(&document), frame.request);
	assert_int_equal(1, fixture.done);
	assert_int_equal(1, fixture.answers);
	assert_int_equal(PROVE_COUNTEREXAMPLE, fixture.verdict);
	assert_int_equal(-1, worker_link_descriptor(&fixture.keeper)); /* one answer is all that a worker gives */
}

/* The supervisor tells of the next worker as soon as the one before has ended. */
static void
an_answer_that_is_not_read_yet_counts_when_the_next_worker_comes(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	_cleanup_(buffer_free) struct buffer document = {};
	struct ipc_frame frame;
	struct ipc_work work;
	struct buffer *payload;
	start(&fixture);
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	assert_ok(ipc_read_work(frame.payload, &work));
	assert_ok(work_perform(work.document, &document));
	assert_ok(ipc_begin(&fixture.worker, IPC_WORKED, frame.request, false, &payload));
	ipc_write_work(payload, &(struct ipc_work){buffer_bytes(&document)});
	assert_ok(ipc_end(&fixture.worker));
	assert_ok(ipc_flush(&fixture.worker));
	connect_worker(&fixture); /* which ends this one */
	assert_int_equal(1, fixture.done);
	assert_int_equal(1, fixture.answers);
	assert_int_equal(PROVE_COUNTEREXAMPLE, fixture.verdict);
	assert_true(worker_link_descriptor(&fixture.keeper) >= 0); /* the next one serves the next */
}

static void
an_answer_to_another_request_is_none(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	_cleanup_(buffer_free) struct buffer document = {};
	struct ipc_frame frame;
	start(&fixture);
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	assert_ok(work_perform(BYTES_OF_LITERAL("{}"), &document));
	answer(&fixture, buffer_bytes(&document), frame.request);
	assert_int_equal(1, fixture.done);
	assert_int_equal(0, fixture.answers);
	assert_string_equal("work.mismatch", fixture.why);
}

static void
what_is_no_answer_is_none(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	struct ipc_frame frame;
	start(&fixture);
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	answer(&fixture, BYTES_OF_LITERAL("proved"), frame.request);
	assert_int_equal(1, fixture.done);
	assert_int_equal(0, fixture.answers);
	assert_string_equal("json.syntax", fixture.why);
}

static void
a_worker_that_goes_away_has_no_result(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	struct ipc_frame frame;
	start(&fixture);
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	ipc_stop(&fixture.worker);
	worker_link_turn(&fixture.keeper);
	assert_int_equal(1, fixture.done);
	assert_int_equal(0, fixture.answers);
	assert_string_equal("worker.ended", fixture.why);
	assert_int_equal(0, fixture.lost);
}

static void
a_worker_that_says_nothing_is_ended_in_time(void **) {
	_cleanup_(stop) struct fixture fixture = {};
	struct ipc_frame frame;
	start(&fixture);
	connect_worker(&fixture);
	take_request(&fixture, &frame);
	clock_ns += (WORK_MS - 1) * 1'000'000;
	worker_link_turn(&fixture.keeper);
	assert_int_equal(0, fixture.done);
	clock_ns += 1'000'000;
	worker_link_turn(&fixture.keeper);
	assert_int_equal(1, fixture.done);
	assert_int_equal(0, fixture.answers);
	assert_string_equal("worker.timeout", fixture.why);
	assert_int_equal(1, fixture.lost);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_reaches_who_asked),
		cmocka_unit_test(an_answer_that_is_not_read_yet_counts_when_the_next_worker_comes),
		cmocka_unit_test(an_answer_to_another_request_is_none),
		cmocka_unit_test(what_is_no_answer_is_none),
		cmocka_unit_test(a_worker_that_goes_away_has_no_result),
		cmocka_unit_test(a_worker_that_says_nothing_is_ended_in_time),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
